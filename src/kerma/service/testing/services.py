"""Writes to a survey while it is being measured: plan, instruments, readings, notes.

The acts that move a survey on are in `actions/`; images are in `images.py`.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import date, timedelta

from django.db import transaction
from django.utils import timezone

from kerma.core import InputError
from kerma.protocols import ReadingSpec, load_protocol
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
from kerma.service.testing.evaluation import tests_using
from kerma.service.testing.guard import (
    authority_context,
    changed,
    locked,
    record,
    said,
    work_of,
    writable,
)
from kerma.service.testing.models import (
    PURPOSES,
    Contact,
    Note,
    Reading,
    Survey,
    SurveyInstrument,
)
from kerma.service.testing.protocol_text import protocol_of
from kerma.service.testing.reading_text import parse_reading
from kerma.service.testing.selectors import instruments_of

_BLANK_REASON = "Give the reason."
_BLANK_KINDS = ("not done", "not applicable")
_OF_A_VALUE = (*_BLANK_KINDS, "decision")
_UNTIL_SIGNED = ("in_progress", "measured", "drafted")
# A year of entering late is generous; beyond it a mistyped year is likelier. A design choice.
_LATEST_ENTRY = timedelta(days=366)


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
    if performer and (performer.is_hospital or not performer.active):
        raise InputError(
            f"{performer} cannot perform surveys. Choose somebody of the service who is here.",
            code="bad-performer",
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
    record(
        survey,
        by=by,
        kind="survey.planned",
        text=f"{by.name} planned {survey.get_purpose_display().lower()} of {system}",
        protocol_sha256=chosen.sha256,
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
    _plausible_day(survey.system, performed_on)
    survey.state, survey.performed_on = "in_progress", performed_on
    if survey.performer is None or not survey.performer.active:
        survey.performer = by
    survey.save(update_fields=["state", "performed_on", "performer"])
    record(survey, by=by, kind="survey.started", text=f"{by.name} started the survey")
    return survey


def _plausible_day(system: System, day: date) -> None:
    today = timezone.localdate()
    if day > today:
        raise InputError("A survey cannot be performed on a day to come.", code="future")
    if day < today - _LATEST_ENTRY:
        raise InputError(
            f"{day:%-d %b %Y} is more than a year ago. Check the year.", code="long-ago"
        )
    if system.installed and day.year < system.installed:
        raise InputError(
            f"{system} was installed in {system.installed}, after that day.", code="not-installed"
        )


@transaction.atomic
def instrument_assign(
    *, by: Person, survey: Survey, part: str, instrument: Instrument
) -> tuple[SurveyInstrument, str]:
    """Say which instrument plays a part; returns the assignment and any calibration problem.

    An instrument out of calibration may be used for a draft; the report cannot be issued on it
    (gate G06).
    """
    survey = writable(survey, by=by, states=("planned", "in_progress"))
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
        seals=[assigned],
    )
    return assigned, problem


@transaction.atomic
def reading_record(
    *,
    by: Person,
    survey: Survey,
    reading: str,
    index: int,
    text: str,
    source: str = "typed",
    seen: int | None = None,
) -> Reading | None:
    """Record what was typed in one field; an empty text strikes what stood there.

    `seen` is the row the person had before them (0 for an empty field); when somebody else has
    saved another value meanwhile, nothing is stored and the refusal says so.

    Raises
    ------
    InputError
        The text is not a reading of this kind; nothing is stored and nothing is lost. Code
        ``changed-meanwhile``: see `seen`.
    """
    survey = writable(survey, by=by)
    if seen is not None:
        _refuse_stale(survey, reading, index, text, seen)
    return _recorded(survey, by, {(reading, index): text}, source)[0]


def _refuse_stale(survey: Survey, reading: str, index: int, text: str, seen: int) -> None:
    theirs = survey.readings.filter(reading=reading, index=index, struck_at=None).first()
    # The same text twice is an answer that was lost on its way, not a conflict.
    if (theirs.pk if theirs else 0) != seen and (theirs.text if theirs else "") != text.strip():
        raise InputError(
            "Somebody else has changed this field meanwhile; see which value is right.",
            code="changed-meanwhile",
        )


@transaction.atomic
def readings_record(
    *, by: Person, survey: Survey, values: Mapping[tuple[str, int], str], source: str = "typed"
) -> list[Reading | None]:
    """Record several fields at once: all of them, or none if one is wrong."""
    return _recorded(writable(survey, by=by), by, values, source)


@transaction.atomic
def field_not_done(
    *, by: Person, survey: Survey, reading: str, index: int, reason: str, seen: int | None = None
) -> None:
    """Say why a field stays empty: what stood in it is struck, its tests are not done."""
    survey = writable(survey, by=by)
    if seen is not None:
        _refuse_stale(survey, reading, index, "", seen)
    _recorded(survey, by, {(reading, index): ""}, "typed")
    for test in tests_using(survey, [reading]):
        note_set(by=by, survey=survey, test=test, kind="not done", reason=reason)


def _recorded(
    survey: Survey, by: Person, values: Mapping[tuple[str, int], str], source: str
) -> list[Reading | None]:
    protocol = protocol_of(survey)
    live = {
        (r.reading, r.index): r
        for r in survey.readings.filter(struck_at=None, reading__in={name for name, _ in values})
    }
    parts = {p.part: p.instrument for p in instruments_of(survey)}
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
    given = {name for (name, _), text in values.items() if text.strip()}
    # A value takes back “not done” and whatever was decided about the value before it.
    taken = _withdraw(survey, tests_using(survey, given), _OF_A_VALUE) if given else []
    if added or struck or taken:
        log.append(
            actor=by,
            kind="readings.recorded",
            subject=survey,
            text=", ".join([str(r) for r in added] or ["cleared"])[:300],
            data={"struck": [r.pk for r in struck]},
            seals=[*struck, *added, *taken],
        )
    if added or struck:
        from kerma.service.testing.images import analyse_again

        analyse_again(by=by, survey=survey, readings={name for name, _ in values})
    return recorded


def _parsed(
    survey: Survey, spec: ReadingSpec, index: int, text: str, parts: Mapping[str, Instrument]
) -> Reading:
    if not 0 <= index < spec.repeats:
        raise InputError(
            f"“{spec.title}” has {spec.repeats} fields; there is no number {index + 1}.",
            code="bad-index",
        )
    text = said(text, 60, "Type a value.")
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
        text=text,
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
    survey = writable(reading.survey, by=by)
    reading = Reading.objects.get(pk=reading.pk)
    if reading.struck_at:
        raise InputError("This reading has been struck out already.", code="struck")
    _strike(reading, by, said(reason, 200, "Say why the reading is struck out."))
    log.append(
        actor=by,
        kind="reading.struck",
        subject=survey,
        text=f"Struck {reading}: {reading.struck_reason}",
        data={"struck": [reading.pk]},
        seals=[reading],
    )


@transaction.atomic
def note_set(*, by: Person, survey: Survey, test: str, kind: str, reason: str) -> Note:
    """Say why a test was not done or does not apply, or what a person decided about it.

    “Not done” and “not applicable” belong to measuring; a decision or comment may be added until
    the draft is signed. A new reason replaces the earlier one.
    """
    if kind not in dict(Note.KINDS):
        raise InputError(f"“{kind}” is not a kind of note.", code="bad-kind")
    blank = kind in _BLANK_KINDS
    survey = writable(survey, by=by, states=("in_progress",) if blank else _UNTIL_SIGNED)
    protocol_of(survey).test(test)
    replaced = _withdraw(survey, [test], _BLANK_KINDS if blank else (kind,))
    note = Note.objects.create(
        survey=survey, test=test, kind=kind, reason=said(reason, 400, _BLANK_REASON), by=by,
        at=timezone.now(),
    )  # fmt: skip
    log.append(
        actor=by,
        kind="note.set",
        subject=survey,
        text=f"{test}: {kind}, {note.reason}",
        seals=[*replaced, note],
    )
    return note


@transaction.atomic
def note_withdraw(*, by: Person, survey: Survey, test: str) -> None:
    """Take back “not done”, “not applicable” and what was decided about a test."""
    survey = writable(survey, by=by)
    taken = _withdraw(survey, [test], tuple(dict(Note.KINDS)))
    if taken:
        text = f"{test}: note withdrawn"
        log.append(actor=by, kind="note.withdrawn", subject=survey, text=text, seals=taken)


def _withdraw(survey: Survey, tests: Collection[str], kinds: Collection[str]) -> list[Note]:
    rows = survey.notes.filter(test__in=tests, kind__in=kinds, withdrawn_at=None)
    return changed(rows, withdrawn_at=timezone.now())


@transaction.atomic
def contact_record(*, by: Person, survey: Survey, told: str, how: str, text: str) -> Contact:
    """Record who at the hospital was told of a suspension-level result."""
    survey = writable(survey, by=by, states=_UNTIL_SIGNED)
    ask = "Say who was told, how, and what they were told."
    contact = Contact.objects.create(
        survey=survey, told=said(told, 160, ask), how=said(how, 80, ask),
        text=said(text, 400, ask), by=by, at=timezone.now(),
    )  # fmt: skip
    log.append(
        actor=by,
        kind="contact.recorded",
        subject=survey,
        text=f"{contact.told} was told ({contact.how}): {contact.text}",
        seals=[contact],
    )
    return contact
