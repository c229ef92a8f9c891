"""Keeping calculations, and writing papers of them."""

from __future__ import annotations

from django.db import transaction
from django.utils import timezone

from kerma.core import InputError, content_hash
from kerma.service.estate.models import Employer, Room, System
from kerma.service.people.entitlement import demand
from kerma.service.people.models import Person
from kerma.service.protection.calculators.again import as_kept, bits
from kerma.service.protection.calculators.calculator import work_out
from kerma.service.protection.calculators.fields import Given
from kerma.service.protection.calculators.kinds import find
from kerma.service.protection.models import SavedCalculation
from kerma.service.records import log

WORK = "calculation"


@transaction.atomic
def calculation_save(
    *,
    by: Person,
    calculator: str,
    given: Given,
    title: str,
    about: str = "",
    system: System | None = None,
    room: Room | None = None,
    replaces: SavedCalculation | None = None,
    reason: str = "",
) -> SavedCalculation:
    """Work a calculation out once more from what was typed, and keep it as it is.

    Parameters
    ----------
    by, calculator, given
        Who; which calculator; its inputs as typed.
    title, about
        What it is called, and what it is for.
    system, room
        What it is about, if anything; a system's room must be the room.
    replaces, reason
        An earlier calculation it takes the place of, and why.

    Raises
    ------
    NotEntitled
        The person may not keep calculations.
    InputError
        ``blank``, ``too-long``, ``other-room``, ``no-reason``; those of the calculation.
    """
    item = find(calculator)
    _demand(by, f"calculator:{item.key}", employer_of(system, room))
    _require_words(title, about, reason)
    if system and room and system.room_id != room.pk:
        raise InputError(f"{system} does not stand in {room}. Name one of the two.",
                         code="other-room")  # fmt: skip
    if replaces is not None and not reason.strip():
        raise InputError("Say why the earlier calculation is replaced.", code="no-reason")
    kept = item.given(given)
    made = work_out(item, kept)
    record = as_kept(made)
    row = SavedCalculation(
        calculator=item.key, title=title.strip(), about=about.strip(), system=system,
        room=room or (system.room if system else None), inputs=kept, method=made.name,
        version=made.version, value=made.value.value, u=made.value.u, unit=str(made.value.unit),
        record=record, record_sha256=content_hash(record), result_sha256=bits(record),
        rests_on={s.row: s.sha256 for s in made.sources}, replaces=replaces,
        reason=reason.strip() if replaces else "", at=timezone.now(), by=by,
    )  # fmt: skip
    row.save()
    log.append(
        actor=by, kind="calculation.saved", subject=row, seals=[row],
        text=f"Calculation kept: {row.title}, {made.value}",
        data={"result_sha256": row.result_sha256},
    )  # fmt: skip
    return row


def employer_of(system: System | None, room: Room | None) -> Employer | None:
    """Return whose system or room it is."""
    where = system.room if system else room
    return where.site.employer if where else None


def _demand(by: Person, subject: str, employer: Employer | None) -> None:
    more = {"employer": employer.key, "employer_name": employer.name} if employer else {}
    demand("perform", by=by, work=WORK, subject=subject, **more)


def _require_words(title: str, about: str, reason: str) -> None:
    if not title.strip():
        raise InputError("Give the calculation a title.", code="blank")
    for what, text, most in (("title", title, 200), ("purpose", about, 1000),
                             ("reason", reason, 300)):  # fmt: skip
        if len(text.strip()) > most:
            raise InputError(f"The {what} is longer than {most} characters.", code="too-long")
