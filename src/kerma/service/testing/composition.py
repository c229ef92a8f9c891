"""Put a survey's record together as the content of its report.

Nothing is computed here: results, verdicts and sources come from the frozen rows.
"""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any

from django.conf import settings
from django.utils import timezone

from kerma import __version__
from kerma.core import Level, Quantity, Source, Verdict, unit
from kerma.reports.content import (
    ComponentLine,
    Decision,
    Finding,
    Headline,
    InstrumentLine,
    LevelShown,
    ProtocolIdentity,
    ResultRow,
    SurveyReport,
    SystemIdentity,
)
from kerma.reports.parts import (
    Change,
    Method,
    Organisation,
    SourceLine,
    Supersession,
)
from kerma.service.estate.models import Site, System
from kerma.service.people import selectors as people
from kerma.service.records.models import Issue, Report
from kerma.service.records.policy import service
from kerma.service.records.selectors import verifications
from kerma.service.testing.models import Note, Result, Survey
from kerma.service.testing.pictures import charts_of, pictures_of
from kerma.service.testing.policy import policy
from kerma.service.testing.protocol_text import protocol_of
from kerma.service.testing.sheet import level_text

_COMPONENTS = {"dap_meter": "KAP meter"}
_HEADLINE = {"use": "use", "conditions": "use with conditions", "do_not_use": "do not use"}


def compose(survey: Survey, report: Report, *, prepared_at: datetime) -> SurveyReport:
    """Return the content of the next issue of a survey's report."""
    results = list(survey.results.filter(withdrawn_at=None).order_by("order"))
    decided = survey.notes.filter(withdrawn_at=None, kind="decision").select_related("by")
    decisions = {note.test: note for note in decided.order_by("-id")}
    protocol = protocol_of(survey)
    site = survey.system.room.site
    previous = report.issues.order_by("-number").first()
    return SurveyReport(
        report_number=report.number,
        issue=previous.number + 1 if previous else 1,
        prepared_at=timezone.localtime(prepared_at).replace(microsecond=0),
        service=service(),
        employer=Organisation(site.employer.name),
        site=Organisation(site.name, (site.address,) if site.address else ()),
        room=survey.system.room.name,
        system=system_identity(survey.system, survey.performed_on),
        purpose=survey.get_purpose_display(),
        surveyed_on=survey.performed_on or survey.planned_for,
        protocol=ProtocolIdentity(
            protocol.id, protocol.version, protocol.title, survey.protocol_sha256
        ),
        headline=headline(survey),
        supersedes=_supersession(survey, previous),
        summary=tuple(p.strip() for p in survey.summary.split("\n\n") if p.strip()),
        measured_by=_measured_by(survey),
        findings=tuple(finding_of(survey, r) for r in results if Verdict(r.verdict).exceeded),
        instruments=tuple(_instruments(survey)),
        results=tuple(_row(r, decisions.get(r.test)) for r in results),
        charts=tuple(charts_of(survey)),
        pictures=tuple(pictures_of(survey)),
        sources=tuple(_sources(results)),
        methods=tuple(_methods(survey)),
        distribution=_distribution(survey, site),
        software=f"Kerma {__version__}",
        demo=settings.DEMO,
    )


def headline(survey: Survey) -> Headline:
    """Return the recommendation, with who was told of what cannot wait."""
    told = "; ".join(
        f"{c.told} was told by {c.by.name} ({c.how}, "
        f"{timezone.localtime(c.at):%-d %b %Y, %H:%M}): {c.text}"
        for c in survey.contacts.select_related("by").order_by("at")
    )
    return Headline(
        recommendation=_HEADLINE.get(survey.recommendation, "no recommendation"),  # type: ignore[arg-type]
        told=told,
    )


def system_identity(system: System, on: date | None) -> SystemIdentity:
    """Return the installation with the components it had on a day."""
    components = [
        c
        for c in system.components.all()
        if not (on and c.removed_on and c.removed_on <= on)
        and not (on and c.installed_on and c.installed_on > on)
    ]
    return SystemIdentity(
        name=system.name,
        equipment_type=system.get_modality_display(),
        maker=system.manufacturer,
        model=system.model,
        serial=system.serial,
        asset=system.asset,
        software=system.software,
        year_made=str(system.manufactured or ""),
        year_installed=str(system.installed or ""),
        components=tuple(
            ComponentLine(
                _COMPONENTS.get(c.kind, c.kind.replace("_", " ")),
                c.manufacturer,
                c.model,
                c.serial,
                f"{c.installed_on:%-d %b %Y}" if c.installed_on else "",
            )
            for c in components
        ),
    )


def quantity_of(result: Result) -> Quantity | None:
    """Return a frozen result's value."""
    if result.value is None:
        return None
    return Quantity(result.value, unit(result.unit), result.u)


def proposal(survey: Survey, result: Result) -> dict[str, Any]:
    """Return what should happen about an exceeded level: as edited, else by the policy."""
    rules = policy()["actions"][result.verdict]
    on = survey.performed_on or survey.planned_for
    standing = {
        "action": f"{rules['text']} {result.title}.",
        "priority": rules["priority"],
        "owner": policy()["owner"],
        # A draft composed late does not ask for something by a day that has passed.
        "due": max(on + timedelta(days=rules["days"]), timezone.localdate()).isoformat(),
    }
    return {**standing, **{k: v for k, v in survey.proposals.get(result.test, {}).items() if v}}


def finding_of(survey: Survey, result: Result) -> Finding:
    """Return an exceeded level with its priority, owner and day."""
    planned = proposal(survey, result)
    breached = result.record["judgement"]["breached"]
    return Finding(
        title=result.title,
        verdict=Verdict(result.verdict),
        found=result.record["judgement"]["reason"],
        level=f"{breached['class']}: {breached['text']}" if breached else "",
        action=planned["action"],
        priority=planned["priority"],
        owner=planned["owner"],
        due=date.fromisoformat(planned["due"]),
    )


def _row(result: Result, note: Note | None) -> ResultRow:
    record = result.record
    judgement = record["judgement"]
    levels = [Level.from_dict(level) for level in record["levels"]]
    basis_kind = next(
        (k for k in ("baseline", "nominal") if record.get(k) and _uses(levels, k)), ""
    )
    previous = record.get("previous")
    context = {n: Quantity.from_dict(q) for n, q in record.get("context", {}).items()}
    numeric = previous and not record.get("functional")
    return ResultRow(
        test_id=result.test,
        title=result.title,
        section=result.section,
        verdict=Verdict(result.verdict),
        setup=record.get("setup", ""),
        value=quantity_of(result) if not record.get("functional") else None,
        shown=record.get("shown", ""),
        reason=judgement["reason"],
        levels=tuple(
            LevelShown(lv.level_class, level_text(lv, context), lv.source.row) for lv in levels
        ),
        basis=Quantity.from_dict(record[basis_kind]) if basis_kind else None,
        basis_kind=basis_kind,  # type: ignore[arg-type]
        previous=Quantity.from_dict(previous["value"]) if numeric else None,
        previous_on=date.fromisoformat(previous["on"]) if numeric else None,
        near_limit=judgement["near_limit"],
        formula=record.get("formula", ""),
        inputs=record.get("inputs_text", ""),
        instrument=record.get("instrument", ""),
        decision=Decision(note.reason, note.by.name, timezone.localdate(note.at)) if note else None,
    )


def _uses(levels: list[Level], basis: str) -> bool:
    return any(basis in level.criterion.needs() for level in levels)


def _sources(results: list[Result]) -> list[SourceLine]:
    found: dict[tuple[str, str], Source] = {}
    for result in results:
        for level in result.record["levels"]:
            source = Source(**level["source"])
            found[(source.row, source.sha256)] = source
    standing = verifications({row for row, _ in found})
    lines = []
    for key, source in sorted(found.items()):
        seen = standing.get(key)
        lines.append(
            SourceLine.of(
                source,
                verified_by=seen.by.name if seen else "",
                verified_on=timezone.localdate(seen.at) if seen else None,
            )
        )
    return lines


def _instruments(survey: Survey) -> list[InstrumentLine]:
    lines: dict[tuple[int, int | None], InstrumentLine] = {}
    readings = (
        survey.readings.filter(struck_at=None)
        .exclude(instrument=None)
        .select_related("instrument", "certificate")
        .prefetch_related("certificate__factors")
    )
    for reading in readings:
        key = (reading.instrument_id, reading.certificate_id)
        if key in lines:
            continue
        instrument, certificate = reading.instrument, reading.certificate
        factors = certificate.factors.all() if certificate else ()
        lines[key] = InstrumentLine(
            name=instrument.kind.replace("_", " ").capitalize(),
            maker=instrument.manufacturer,
            model=instrument.model,
            serial=instrument.serial,
            certificate=certificate.number if certificate else "",
            laboratory=certificate.laboratory if certificate else "",
            calibrated_on=certificate.calibrated_on if certificate else None,
            due_on=certificate.due_on if certificate else None,
            factor="; ".join(f"{f.quantity} {f.factor:g}" for f in factors),
        )
    return list(lines.values())


def _measured_by(survey: Survey) -> tuple[str, ...]:
    on = survey.performed_on or survey.planned_for
    persons = {r.entered_by for r in survey.readings.select_related("entered_by")}
    persons |= {survey.performer} if survey.performer else set()
    return tuple(
        f"{p.name}, {people.capacity(p, on)[0]['title']}"
        for p in sorted(persons, key=lambda p: (p != survey.performer, p.name))
    )


def _methods(survey: Survey) -> list[Method]:
    methods = []
    for row in survey.analyses.filter(replaced_by=None).exclude(record={}):
        made = row.record.get("provenance")
        if made:
            parameters = ", ".join(f"{k} = {v}" for k, v in made["parameters"].items())
            methods.append(
                Method(
                    made["algorithm"],
                    made["version"],
                    made["edition"],
                    parameters[:400],
                    tuple(made["inputs"]),
                )
            )
    return methods


def _distribution(survey: Survey, site: Site) -> tuple[str, ...]:
    employer = site.employer
    supervisors = [
        f"{a.person.name} ({a.role})"
        for a in people.appointments(timezone.localdate()).filter(employer=employer, role="RPS")
    ]
    return (f"{employer.name}: equipment file of {survey.system.asset}", *supervisors)


def _supersession(survey: Survey, previous: Issue | None) -> Supersession | None:
    if previous is None:
        return None
    before = {r["test_id"]: r for r in previous.content["results"]}
    changes = []
    for result in survey.results.filter(withdrawn_at=None):
        old = before.get(result.test)
        if old is None:
            continue
        was = _shown(Quantity.from_dict(old["value"]) if old["value"] else None, old["verdict"])
        now = _shown(quantity_of(result), result.verdict)
        if was != now:
            changes.append(Change(result.title, was, now))
    return Supersession(
        previous.number,
        timezone.localdate(previous.issued_at),
        survey.amend_reason,
        tuple(changes),
    )


def _shown(value: Quantity | None, verdict: str) -> str:
    return f"{value.text()}, {verdict}" if value else verdict
