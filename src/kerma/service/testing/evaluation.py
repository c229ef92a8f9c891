"""From stored rows to verdicts: gather a survey's inputs, let the engine judge, describe it."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.utils import timezone

from kerma.core import Analysis, Provenance, Quantity, unit
from kerma.protocols import (
    Inputs,
    Missing,
    Outcome,
    Protocol,
    TestSpec,
    evaluate,
    missing,
)
from kerma.protocols.parameters import reading_named
from kerma.service.testing import selectors
from kerma.service.testing.models import ImageAnalysis, Reading, Result, Survey
from kerma.service.testing.protocol_text import protocol_of


def names_used(protocol: Protocol, tests: Collection[TestSpec]) -> frozenset[str]:
    """Return the readings and analyses tests draw on, with the readings those analyses need."""
    names = protocol.names_used(tests)
    needed = {
        named[0]
        for analysis in protocol.analyses
        if analysis.id in names
        for named in map(reading_named, analysis.parameters.values())
        if named
    }
    return names | needed


def tests_using(survey: Survey, readings: Collection[str]) -> list[str]:
    """Return the ids of the survey's tests that draw on any of the readings."""
    protocol = protocol_of(survey)
    tests = protocol.active(survey.purpose, tuple(survey.extra_tests))
    return [t.id for t in tests if names_used(protocol, [t]) & set(readings)]


@dataclass(frozen=True, slots=True)
class Evaluation:
    """A survey's outcomes with what they rest on."""

    survey: Survey
    protocol: Protocol
    outcomes: list[Outcome]
    missing: list[Missing]
    inputs: Inputs
    readings: dict[str, list[Reading]]
    previous: dict[str, Result]

    def outcome(self, test: str) -> Outcome:
        """Return one test's outcome."""
        return next(o for o in self.outcomes if o.test.id == test)

    def record_of(self, outcome: Outcome) -> dict[str, Any]:
        """Return everything needed to obtain a result again, as plain data to be frozen."""
        test = outcome.test
        earlier = self.previous.get(test.id)
        used = [r for name in outcome.inputs for r in self.readings.get(name, ())]
        setup = self.protocol.setups.get(test.setup or "")
        functional = bool(outcome.levels) and all(
            level.criterion.kind == "functional" for level in outcome.levels
        )
        return {
            **outcome.as_dict(),
            "context": {n: q.as_dict() for n, q in outcome.context.items() if q},
            "readings": [r.pk for r in used],
            "inputs_text": "; ".join(i.text() for i in outcome.inputs.values()),
            "previous": (
                {
                    "value": {"value": earlier.value, "unit": earlier.unit, "u": earlier.u},
                    "on": earlier.survey.performed_on.isoformat(),
                }
                if earlier
                else None
            ),
            "setup": setup.title if setup else "",
            "functional": functional,
            "shown": _yes_no(outcome) if functional else "",
            "instrument": "; ".join(
                dict.fromkeys(
                    f"{r.instrument} ({r.certificate or 'no certificate in force'})"
                    for r in used
                    if r.instrument
                )
            ),
            "provenance": Provenance(
                "protocol-formula",
                f"{self.protocol.id} {self.protocol.version}",
                {"formula_sha256": outcome.formula_sha256, "language": outcome.language},
                (self.protocol.sha256,),
            ).as_dict(),
        }


def _yes_no(outcome: Outcome) -> str:
    if outcome.value is None:
        return ""
    return "satisfactory" if outcome.value.value else "not satisfactory"


def evaluate_survey(survey: Survey) -> Evaluation:
    """Judge a survey as it stands now; this is what the screen shows and what is frozen."""
    protocol = protocol_of(survey)
    readings = live_readings(survey)
    inputs = inputs_of(survey, readings)
    include = tuple(survey.extra_tests)
    return Evaluation(
        survey,
        protocol,
        evaluate(protocol, inputs, phase=survey.purpose, include=include),
        missing(protocol, inputs, phase=survey.purpose, include=include),
        inputs,
        readings,
        selectors.previous_results(survey.system, day_of(survey), exclude=survey.pk),
    )


def day_of(survey: Survey) -> date:
    """Return the day a survey is judged on."""
    return survey.performed_on or survey.planned_for or timezone.localdate()


def inputs_of(survey: Survey, readings: dict[str, list[Reading]]) -> Inputs:
    """Gather everything a survey has so far."""
    protocol = protocol_of(survey)
    notes = list(survey.notes.filter(withdrawn_at=None))
    # A system keeps baselines of every protocol it was ever tested by.
    known = {test.id for test in protocol.tests}
    standing = selectors.baselines(survey.system, day_of(survey))
    made = list(survey.analyses.filter(replaced_by=None))
    return Inputs(
        readings={
            spec.id: _slots(readings.get(spec.id, ()), spec.repeats) for spec in protocol.readings
        },
        analyses={r.analysis: analysis_from(r) for r in made if r.status != "refused"},
        refused={r.analysis: r.message for r in made if r.status == "refused"},
        baselines={test: value for test, value in standing.items() if test in known},
        not_done={n.test: n.reason for n in notes if n.kind == "not done"},
        not_applicable={n.test: n.reason for n in notes if n.kind == "not applicable"},
    )


def live_readings(survey: Survey) -> dict[str, list[Reading]]:
    """Return the readings that count, by reading id, in order of their field."""
    found: dict[str, list[Reading]] = {}
    rows = survey.readings.filter(struck_at=None).select_related(
        "instrument", "certificate", "entered_by"
    )
    for row in rows:
        found.setdefault(row.reading, []).append(row)
    return found


def _slots(rows: list[Reading] | tuple[()], repeats: int) -> list[Quantity | None]:
    slots: list[Quantity | None] = [None] * repeats
    for row in rows:
        if row.index < repeats:
            slots[row.index] = Quantity(row.value, unit(row.unit), row.u)
    return slots


def analysis_from(row: ImageAnalysis) -> Analysis:
    """Rebuild what the engine needs of an analysis."""
    record = row.record
    provenance = Provenance(row.name, "")
    if row.status != "measured":
        return Analysis(row.name, "not measurable", provenance, reason=row.message)
    values = {name: Quantity.from_dict(q) for name, q in record["values"].items()}
    return Analysis(row.name, "measured", provenance, values)
