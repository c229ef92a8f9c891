"""Writes to a survey while it is being measured: plan, instruments, readings, notes.

The acts that move a survey on are in `actions/`; images are in `images.py`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from django.db import transaction
from django.utils import timezone

from kerma.core import InputError
from kerma.protocols import Protocol, ReadingSpec, load_protocol
from kerma.service.estate.models import System
from kerma.service.instruments.models import Instrument
from kerma.service.instruments.selectors import (
    calibration_problem,
    certificate_in_force,
    correction,
)
from kerma.service.people.entitlement import demand
from kerma.service.people.models import Person
from kerma.service.records import log
from kerma.service.testing.evaluation import protocol_of
from kerma.service.testing.models import (
    PURPOSES,
    Contact,
    Note,
    Reading,
    Survey,
    SurveyInstrument,
)
from kerma.service.testing.reading_text import parse_reading

WORK_OF_PURPOSE = {
    "critical_exam": "critical_exam",
    "acceptance": "commissioning",
    "commissioning": "commissioning",
}


def authority_context(survey: Survey) -> dict[str, Any]:
    """Return what the authority rules need to know about a survey's system."""
    employer = survey.system.employer
    return {
        "modality": survey.system.modality,
        "employer": employer.key,
        "employer_name": employer.name,
    }


def state_data(survey: Survey) -> dict[str, Any]:
    """Return the survey's state for the event log, where `kerma verify` compares it."""
    return {"state": {f"testing.survey:{survey.pk}": {"state": survey.state}}}


@transaction.atomic
def survey_plan(
    *,
    by: Person,
    system: System,
    protocol: str,
    purpose: str,
    planned_for: date,
    performer: Person | None = None,
    retest_of: Survey | None = None,
) -> Survey:
    """Plan a survey; the protocol is copied into it, so that later editions do not move it."""
    demand("edit", by=by, work="plan", subject=log.subject_of(system))
    if purpose not in dict(PURPOSES):
        raise InputError(f"“{purpose}” is not a purpose of a survey.", code="bad-purpose")
    chosen = load_protocol(protocol)
    if system.modality not in chosen.equipment:
        raise InputError(
            f"Protocol “{chosen.title}” is for {', '.join(chosen.equipment)}; {system} is "
            f"{system.get_modality_display().lower()}. Choose another protocol.",
            code="wrong-protocol",
        )
    survey = Survey.objects.create(
        system=system,
        protocol=chosen.id,
        protocol_version=chosen.version,
        protocol_sha256=chosen.sha256,
        protocol_text=chosen.source,
        purpose=purpose,
        planned_for=planned_for,
        performer=performer,
        retest_of=retest_of,
    )
    log.append(
        actor=by,
        kind="survey.planned",
        subject=survey,
        text=f"{by.name} planned {survey.get_purpose_display().lower()} of {system}",
        data={**state_data(survey), "protocol_sha256": chosen.sha256},
    )
    return survey


@transaction.atomic
def survey_start(*, by: Person, survey: Survey, performed_on: date) -> Survey:
    """Begin measuring: fixes the day and the performer."""
    survey = locked(survey)
    if survey.state != "planned":
        raise InputError("This survey has already been started.", code="bad-state")
    demand(
        "perform", by=by, work=work_of(survey), subject=log.subject_of(survey),
        **authority_context(survey),
    )  # fmt: skip
    if performed_on > timezone.localdate():
        raise InputError("A survey cannot be performed on a day to come.", code="future")
    survey.state, survey.performed_on = "in_progress", performed_on
    survey.performer = survey.performer or by
    survey.save(update_fields=["state", "performed_on", "performer"])
    log.append(
        actor=by,
        kind="survey.started",
        subject=survey,
        text=f"{by.name} started the survey",
        data=state_data(survey),
    )
    return survey


def work_of(survey: Survey, *, breach: bool = False) -> str:
    """Return the kind of work a survey is, for the authority rules."""
    routine = "routine_breach" if breach else "routine"
    return WORK_OF_PURPOSE.get(survey.purpose, routine)


def locked(survey: Survey) -> Survey:
    """Return the survey as it stands now, held until the transaction ends."""
    return (
        Survey.objects.select_for_update(of=("self",))
        .select_related("system__room__site__employer", "performer")
        .get(pk=survey.pk)
    )


def _open_for_entry(survey: Survey) -> Survey:
    survey = locked(survey)
    if not survey.editable:
        raise InputError(
            f"This survey is {survey.get_state_display().lower()}; its readings can no longer be "
            "changed. Have it returned, or amend the issued report.",
            code="not-editable",
        )
    return survey


@transaction.atomic
def instrument_assign(
    *, by: Person, survey: Survey, part: str, instrument: Instrument
) -> tuple[SurveyInstrument, str]:
    """Say which instrument plays a part; returns the assignment and any calibration problem.

    An instrument out of calibration may be used for a draft; the report cannot be issued on it
    (gate G06).
    """
    survey = _open_for_entry(survey)
    parts = protocol_of(survey).instruments
    if part not in parts:
        raise InputError(f"The protocol has no instrument “{part}”.", code="unknown-part")
    if instrument.kind != parts[part].kind:
        raise InputError(
            f"{instrument} is a {instrument.kind}; the protocol asks for a {parts[part].kind}.",
            code="wrong-instrument",
        )
    assigned, _ = SurveyInstrument.objects.update_or_create(
        survey=survey, part=part, defaults={"instrument": instrument}
    )
    problem = calibration_problem(instrument, survey.performed_on or timezone.localdate())
    log.append(
        actor=by,
        kind="survey.instrument",
        subject=survey,
        text=f"{part}: {instrument}" + (f" ({problem})" if problem else ""),
    )
    return assigned, problem


@transaction.atomic
def reading_record(
    *, by: Person, survey: Survey, reading: str, index: int, text: str, source: str = "typed"
) -> Reading | None:
    """Record what was typed in one field; an empty text strikes what stood there.

    Raises
    ------
    InputError
        The text is not a reading of this kind; nothing is stored and nothing is lost.
    """
    return readings_record(
        by=by, survey=survey, values={(reading, index): text}, source=source
    )[0]


@transaction.atomic
def readings_record(
    *, by: Person, survey: Survey, values: Mapping[tuple[str, int], str], source: str = "typed"
) -> list[Reading | None]:
    """Record several fields at once: all of them, or none if one is wrong."""
    survey = _open_for_entry(survey)
    protocol = protocol_of(survey)
    demand(
        "perform", by=by, work=work_of(survey), subject=log.subject_of(survey),
        **authority_context(survey),
    )  # fmt: skip
    live = {
        (r.reading, r.index): r
        for r in survey.readings.filter(
            struck_at=None, reading__in={name for name, _ in values}
        )
    }
    parts = {p.part: p.instrument for p in _instruments(survey)}
    recorded: list[Reading | None] = []
    added: list[Reading] = []
    struck: list[Reading] = []
    for (name, index), text in values.items():
        spec = protocol.reading(name)
        old = live.get((name, index))
        if old and old.text == text.strip():
            recorded.append(old)
            continue
        new = _parsed(survey, spec, index, text, parts) if text.strip() else None
        if old:
            _strike(old, by, "replaced" if new else "cleared")
            struck.append(old)
        if new:
            new.entered_by, new.at, new.source = by, timezone.now(), source
            new.save()
            added.append(new)
        recorded.append(new)
    if added or struck:
        log.append(
            actor=by,
            kind="readings.recorded",
            subject=survey,
            text=", ".join([str(r) for r in added] or ["cleared"])[:300],
            data={"struck": [r.pk for r in struck]},
            seals=added,
        )
        from kerma.service.testing.images import analyse_again

        analyse_again(by=by, survey=survey, readings={name for name, _ in values})
    return recorded


def _instruments(survey: Survey) -> Sequence[SurveyInstrument]:
    return survey.instruments.select_related("instrument").prefetch_related(
        "instrument__certificates__factors"
    )


def _parsed(
    survey: Survey, spec: ReadingSpec, index: int, text: str, parts: Mapping[str, Instrument]
) -> Reading:
    if not 0 <= index < spec.repeats:
        raise InputError(
            f"“{spec.title}” has {spec.repeats} fields; there is no number {index + 1}.",
            code="bad-index",
        )
    quantity = parse_reading(text, str(spec.unit), functional=spec.functional)
    instrument = parts.get(spec.instrument) if spec.instrument else None
    if spec.instrument and instrument is None:
        raise InputError(
            f"Choose the {spec.instrument} first: every reading names the instrument it was made "
            "with.",
            code="no-instrument",
        )
    certificate = (
        certificate_in_force(instrument, survey.performed_on or survey.planned_for)
        if instrument
        else None
    )
    applied = correction(
        certificate,
        spec.quantity,
        mammographic=survey.system.modality in ("mammography", "tomosynthesis"),
    )
    value = quantity.value * applied.factor
    return Reading(
        survey=survey,
        reading=spec.id,
        index=index,
        text=text.strip(),
        indicated=quantity.value,
        unit=str(quantity.unit),
        factor=applied.factor,
        value=value,
        u=abs(value) * applied.u_relative if applied.u_relative is not None else None,
        instrument=instrument,
        certificate=certificate,
    )


def _strike(reading: Reading, by: Person, reason: str) -> None:
    reading.struck_at, reading.struck_by, reading.struck_reason = timezone.now(), by, reason
    reading.save(update_fields=["struck_at", "struck_by", "struck_reason"])


@transaction.atomic
def reading_strike(*, by: Person, reading: Reading, reason: str) -> None:
    """Strike an outlier with a reason; it stays in the record and no longer counts."""
    _open_for_entry(reading.survey)
    if not reason.strip():
        raise InputError("Say why the reading is struck out.", code="blank")
    _strike(reading, by, reason.strip())
    log.append(
        actor=by,
        kind="reading.struck",
        subject=reading.survey,
        text=f"Struck {reading}: {reason}",
        data={"struck": [reading.pk]},
    )


@transaction.atomic
def note_set(*, by: Person, survey: Survey, test: str, kind: str, reason: str) -> Note:
    """Say why a test was not done or does not apply (replacing an earlier reason)."""
    survey = locked(survey)
    if kind in ("not done", "not applicable") and not survey.editable:
        raise InputError("Readings of this survey can no longer be changed.", code="not-editable")
    if kind not in dict(Note.KINDS):
        raise InputError(f"“{kind}” is not a kind of note.", code="bad-kind")
    protocol_of(survey).test(test)
    if not reason.strip():
        raise InputError("Give the reason.", code="blank")
    _withdraw(survey, test)
    note = Note.objects.create(
        survey=survey, test=test, kind=kind, reason=reason.strip(), by=by, at=timezone.now()
    )
    log.append(
        actor=by,
        kind="note.set",
        subject=survey,
        text=f"{test}: {kind}, {note.reason}",
        seals=[note],
    )
    return note


@transaction.atomic
def note_withdraw(*, by: Person, survey: Survey, test: str) -> None:
    """Take back “not done” or “not applicable”."""
    survey = _open_for_entry(survey)
    if _withdraw(survey, test):
        log.append(actor=by, kind="note.withdrawn", subject=survey, text=f"{test}: note withdrawn")


def _withdraw(survey: Survey, test: str) -> int:
    return survey.notes.filter(test=test, withdrawn_at=None).update(withdrawn_at=timezone.now())


@transaction.atomic
def contact_record(*, by: Person, survey: Survey, told: str, how: str, text: str) -> Contact:
    """Record who at the hospital was told of a suspension-level result."""
    if not (told.strip() and text.strip()):
        raise InputError("Say who was told and what they were told.", code="blank")
    contact = Contact.objects.create(
        survey=survey, told=told.strip(), how=how.strip(), text=text.strip(), by=by,
        at=timezone.now(),
    )  # fmt: skip
    log.append(
        actor=by,
        kind="contact.recorded",
        subject=survey,
        text=f"{contact.told} was told ({contact.how}): {contact.text}",
        seals=[contact],
    )
    return contact


def parts_of(protocol: Protocol, survey: Survey) -> list[dict[str, Any]]:
    """Return each part of the protocol with the instrument chosen and any problem with it."""
    chosen = {p.part: p.instrument for p in _instruments(survey)}
    on = survey.performed_on or timezone.localdate()
    return [
        {
            "part": name,
            "title": spec.title,
            "kind": spec.kind,
            "instrument": chosen.get(name),
            "certificate": certificate_in_force(chosen[name], on) if name in chosen else None,
            "problem": calibration_problem(chosen[name], on) if name in chosen else "",
        }
        for name, spec in protocol.instruments.items()
    ]
