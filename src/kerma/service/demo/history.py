"""Carry the simulated history through the real services, each act on its own day."""

from __future__ import annotations

import tempfile
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import time, timedelta
from pathlib import Path

from django.utils import timezone

from kerma import reference
from kerma.core import KermaError
from kerma.protocols import Protocol, available, levels_of_test, load_protocol
from kerma.service.demo.clock import on, working_hour
from kerma.service.demo.load import Loaded
from kerma.service.people.entitlement import record_refusal
from kerma.service.records.models import Action
from kerma.service.records.services import action_respond, verification_add
from kerma.service.testing import actions, services
from kerma.service.testing.baselines import baselines_set
from kerma.service.testing.evaluation import evaluate_survey, names_used
from kerma.service.testing.images import images_attach
from kerma.service.testing.models import Survey
from kerma.simulate.history import History, PlannedSurvey
from kerma.simulate.people import Signatories

_RECOMMENDATION = {"suspension": "do_not_use", "remedial": "conditions"}
_YES_NO = {"1": "y", "0": "n"}
_NO_IMAGES = "Image tests are kept from the latest survey on; no images were archived here."
_NO_PHANTOM = "This phantom is not used on this system."
_NO_READING = "Not part of the simulated survey."


@dataclass(slots=True)
class Tally:
    """What was done, for the summary."""

    surveys: Counter[str] = field(default_factory=Counter)
    images: int = 0
    analyses: Counter[str] = field(default_factory=Counter)
    verdicts: Counter[str] = field(default_factory=Counter)
    problems: list[str] = field(default_factory=list)


def protocols_by_modality() -> dict[str, Protocol]:
    """Return the protocol for each modality; the most specific one where several fit."""
    found: dict[str, Protocol] = {}
    for name in available():
        protocol = load_protocol(name)
        for modality in protocol.equipment:
            held = found.get(modality)
            if held is None or len(protocol.equipment) < len(held.equipment):
                found[modality] = protocol
    return found


def verify_reference(loaded: Loaded, history: History) -> int:
    """Have the demo's MPE verify every row the protocols' levels rest on."""
    mpe = loaded.persons["mlarkspur"]
    rows: dict[str, str] = {}
    for name in available():
        protocol = load_protocol(name)
        for test in protocol.tests:
            for level in levels_of_test(protocol, test):
                rows[level.source.row] = level.source.document
                if level.source.row.partition("/")[0] in reference.datasets():
                    for part in reference.row(level.source.row).rests_on:
                        rows[part] = reference.row(part).document
    first = min(s.day for s in history.surveys) - timedelta(days=7)
    with on(first, time(14, 0)):
        for row, document in sorted(rows.items()):
            if row.startswith("local/"):
                continue
            verification_add(
                by=mpe, row=row, document=f"Simulated: {document}"[:300], edition="simulated"
            )
    return len(rows)


class Historian:
    """Carries out planned surveys one by one."""

    def __init__(self, loaded: Loaded, history: History) -> None:
        self.loaded = loaded
        self.history = history
        self.protocols = protocols_by_modality()
        self.names = Signatories(history.department)
        self.tally = Tally()
        self.latest = {
            s.system: s.key
            for s in history.surveys
            if s.phase in ("routine", "commissioning") and s.state != "planned"
        }

    def run(self) -> Iterator[PlannedSurvey]:
        """Carry out every planned survey in order; yields each when done."""
        for index, planned in enumerate(self.history.surveys):
            system = self.loaded.systems[planned.system]
            if system.modality in self.protocols:
                with on(planned.day, working_hour(index)):
                    self._carry_out(planned)
            else:
                self.tally.surveys["without a protocol"] += 1
            yield planned

    def begin(self, system: str, performer: str, *, left: tuple[str, ...]) -> Survey:
        """Begin a survey today and leave some readings for whoever tries the demo."""
        like = next(s for s in reversed(self.history.of(system)) if s.phase == "routine")
        planned = replace(
            like, day=timezone.localdate(), performer=performer, state="in progress", fault=""
        )
        person = self.loaded.persons[performer]
        protocol = self.protocols[self.loaded.systems[system].modality]
        survey = services.survey_plan(
            by=person, system=self.loaded.systems[system], protocol=protocol.id,
            purpose="routine", planned_for=planned.day, performer=person,
        )  # fmt: skip
        survey = services.survey_start(by=person, survey=survey, performed_on=planned.day)
        self._assign(survey, planned, protocol)
        self._read(survey, planned, protocol, left=left)
        self._attach(survey, planned, protocol)
        return survey

    def _carry_out(self, planned: PlannedSurvey) -> None:
        performer = self.loaded.persons[planned.performer]
        system = self.loaded.systems[planned.system]
        protocol = self.protocols[system.modality]
        survey = services.survey_plan(
            by=performer,
            system=system,
            protocol=protocol.id,
            purpose=planned.phase,
            planned_for=planned.day,
            performer=performer,
        )
        if planned.state != "planned":
            survey = services.survey_start(by=performer, survey=survey, performed_on=planned.day)
            self._measure(survey, planned, protocol)
            try:
                self._sign(survey, planned)
            except KermaError as error:
                self.tally.problems.append(f"{planned.key}: {error.message}")
        survey.refresh_from_db()
        self.tally.surveys[survey.get_state_display().lower()] += 1

    def _measure(self, survey: Survey, planned: PlannedSurvey, protocol: Protocol) -> None:
        self._assign(survey, planned, protocol)
        self._read(survey, planned, protocol)
        if self.latest.get(planned.system) == planned.key or planned.sets_baseline:
            self._attach(survey, planned, protocol)
        self._explain(survey, planned)

    def _assign(self, survey: Survey, planned: PlannedSurvey, protocol: Protocol) -> None:
        performer = self.loaded.persons[planned.performer]
        for part, spec in protocol.instruments.items():
            key = planned.instruments.get(spec.kind)
            if key:
                services.instrument_assign(
                    by=performer, survey=survey, part=part, instrument=self.loaded.instruments[key]
                )

    def _read(
        self,
        survey: Survey,
        planned: PlannedSurvey,
        protocol: Protocol,
        left: tuple[str, ...] = (),
    ) -> None:
        used = names_used(protocol, protocol.active(planned.phase))
        typed = self.history.readings_for(protocol, planned)
        values = {
            (name, i): _YES_NO[text] if protocol.reading(name).functional else text
            for name, texts in typed.items()
            if name in used and not name.startswith(left or ("\0",))
            for i, text in enumerate(texts[: protocol.reading(name).repeats])
        }
        services.readings_record(
            by=self.loaded.persons[planned.performer],
            survey=survey,
            values=values,
            source="simulated",
        )

    def _attach(self, survey: Survey, planned: PlannedSurvey, protocol: Protocol) -> None:
        performer = self.loaded.persons[planned.performer]
        used = names_used(protocol, protocol.active(planned.phase))
        wanted = tuple(i for i in protocol.images if any(a.id in used for a in i.analyses))
        with tempfile.TemporaryDirectory() as folder:
            asked = replace(protocol, images=wanted)
            truths = self.history.images_for(asked, planned, Path(folder))
            for slot, truth in truths.items():
                files = [(path.name, path.read_bytes()) for path in truth.files]
                for row in images_attach(by=performer, survey=survey, slot=slot, files=files):
                    self.tally.analyses[row.status] += 1
                    if row.status == "refused":
                        self.tally.problems.append(f"{planned.key}: {row.name}: {row.message}")
                self.tally.images += len(files)

    def _explain(self, survey: Survey, planned: PlannedSurvey) -> None:
        """Give every blank test its reason, and tell the hospital of a suspension level."""
        performer = self.loaded.persons[planned.performer]
        evaluation = evaluate_survey(survey)
        with_images = survey.images.exists()
        for gap in evaluation.missing:
            reason = _NO_READING
            if gap.analyses:
                reason = _NO_PHANTOM if with_images else _NO_IMAGES
            kind = "not applicable" if reason == _NO_PHANTOM else "not done"
            services.note_set(by=performer, survey=survey, test=gap.test, kind=kind, reason=reason)
        gravest = [o for o in evaluation.outcomes if o.judgement.verdict == "suspension"]
        if gravest:
            services.contact_record(
                by=performer,
                survey=survey,
                told="Superintendent radiographer",
                how="In person",
                text=f"{gravest[0].test.title}: {gravest[0].judgement.reason}"[:400],
            )

    def _sign(self, survey: Survey, planned: PlannedSurvey) -> None:
        performer = self.loaded.persons[planned.performer]
        actions.HandOver(survey=survey, by=performer).perform()
        results = list(survey.results.filter(withdrawn_at=None))
        self.tally.verdicts.update(r.verdict for r in results)
        if planned.state == "measured":
            return
        worst = next((v for v in _RECOMMENDATION if any(r.verdict == v for r in results)), "")
        summary = planned.fault or "No fault was found beyond what the table of results shows."
        actions.ComposeDraft(
            survey=survey,
            by=performer,
            recommendation=_RECOMMENDATION.get(worst, "use"),
            summary=summary,
        ).perform()
        actions.Submit(survey=survey, by=performer).perform()
        _, checker, approver = self._signatories(planned, breach=bool(worst))
        if checker:
            self._act(actions.Check, survey, checker)
        if planned.state == "issued" and approver:
            self._act(actions.IssueReport, survey, approver)
            self._baselines(survey, planned, approver)
            self._close_actions(survey, planned, approver)

    def _signatories(self, planned: PlannedSurvey, *, breach: bool) -> tuple[str, str, str]:
        """Return who signs; an unplanned breach asks for other people than a clean survey."""
        if not breach or planned.fault:
            return planned.performer, planned.checker, planned.approver
        system = self.history.department.system(planned.system)
        return self.names.choose(system, planned.day, planned.phase, breach=True)

    def _act(self, act: type[actions.Act], survey: Survey, who: str) -> None:
        person = self.loaded.persons[who]
        try:
            act(survey=survey, by=person).perform()
        except KermaError as error:
            if error.code == "not-entitled":
                record_refusal(by=person, error=error)  # type: ignore[arg-type]
            raise

    def _close_actions(self, survey: Survey, planned: PlannedSurvey, approver: str) -> None:
        """Have the hospital answer the actions this survey settles, and the approver close them."""
        system = self.loaded.systems[planned.system]
        users = [p for p in self.loaded.persons.values() if p.employer_id == system.employer.pk]
        passed = survey.results.filter(withdrawn_at=None, verdict="pass").values("title")
        settled = Action.objects.filter(system=system, test_id__in=passed).exclude(status="closed")
        for action in settled:
            action_respond(by=users[0], action=action, status="done", text="Engineer attended.")
            action_respond(
                by=self.loaded.persons[approver], action=action, status="closed",
                text=f"Tested again on {planned.day:%-d %b %Y}: within the levels.",
            )  # fmt: skip

    def _baselines(self, survey: Survey, planned: PlannedSurvey, approver: str) -> None:
        """Set baselines where the plan says so, and where a value had none to be judged by."""
        survey.refresh_from_db()
        results = [
            r
            for r in survey.results.filter(withdrawn_at=None, value__isnull=False)
            if any(_from_baseline(level["criterion"]) for level in r.record["levels"])
            and (planned.sets_baseline or r.record["baseline"] is None)
        ]
        if results:
            baselines_set(
                by=self.loaded.persons[approver],
                survey=survey,
                results=results,
                reason=planned.sets_baseline or "No baseline on record",
                components=("tube", "detector"),
            )


def _from_baseline(criterion: dict[str, object]) -> bool:
    parts = criterion.get("parts", [])
    return criterion.get("basis") == "baseline" or any(
        _from_baseline(p) for p in parts if isinstance(parts, list)
    )
