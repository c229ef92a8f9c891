"""Writes of the register of rooms: entries are added, never changed."""

from __future__ import annotations

from datetime import date

from django.db import transaction
from django.utils import timezone

from kerma.core import InputError
from kerma.reports.units import date_text
from kerma.service.estate.models import Room
from kerma.service.people.entitlement import demand
from kerma.service.people.models import Person
from kerma.service.protection.models import Design, RoomEntry
from kerma.service.records import log

DESIGNATIONS = dict(RoomEntry.DESIGNATIONS)


@transaction.atomic
def entry_set(
    *,
    by: Person,
    room: Room,
    designation: str,
    valid_from: date,
    reason: str,
    when: str = "",
    signs: str = "",
    local_rules: str = "",
    supervisor: str = "",
    design: Design | None = None,
) -> RoomEntry:
    """Say what holds of a room from a day on.

    Parameters
    ----------
    by, room
        Who says it of which room.
    designation
        Of the area under IRR17, see `RoomEntry.DESIGNATIONS`.
    valid_from
        First day on which it was so.
    reason
        Why it is designated so, or what changed.
    when, signs, local_rules, supervisor
        While the designation holds; warning signs and lights; number or address of the local
        rules; the RPS by name.
    design
        The shielding design the room rests on; without one, those that cover the room.

    Raises
    ------
    NotEntitled
        The person may not do shielding work for this employer.
    InputError
        ``bad-designation``, ``blank``, ``future``, ``earlier``, ``other-site``, ``too-long``.
    """
    employer = room.site.employer
    demand("perform", by=by, work="shielding", subject=log.subject_of(room),
           employer=employer.key, employer_name=employer.name)  # fmt: skip
    words = {"when": when, "signs": signs, "local_rules": local_rules, "supervisor": supervisor,
             "reason": reason}  # fmt: skip
    kept = {name: " ".join(text.split()) for name, text in words.items()}
    _check(room, designation, valid_from, kept, design)
    entry = RoomEntry(
        room=room, designation=designation, design=design, valid_from=valid_from,
        at=timezone.now(), by=by, **kept,
    )  # fmt: skip
    entry.save()
    # The inventory shows the designation too; the register is where it is decided.
    Room.objects.filter(pk=room.pk).update(designation=DESIGNATIONS[designation])
    log.append(
        actor=by, kind="room.entry", subject=room, seals=[entry],
        text=f"{room}: {DESIGNATIONS[designation].lower()} from {date_text(valid_from)}",
    )  # fmt: skip
    return entry


def _check(
    room: Room, designation: str, valid_from: date, kept: dict[str, str], design: Design | None
) -> None:
    if designation not in DESIGNATIONS:
        raise InputError(
            f"A room is one of: {', '.join(DESIGNATIONS.values())}.", code="bad-designation"
        )
    if not kept["reason"]:
        raise InputError("Say why the room is designated so, or what changed.", code="blank")
    for name, text in kept.items():
        most = RoomEntry._meta.get_field(name).max_length or 0
        if len(text) > most:
            raise InputError(
                f"{name.replace('_', ' ').capitalize()}: {len(text)} characters, at most {most}.",
                code="too-long",
            )
    if valid_from > timezone.localdate():
        raise InputError(
            "An entry holds from a day on which the room was so, today at the latest.",
            code="future",
        )
    newest = room.register.first()
    if newest is not None and valid_from < newest.valid_from:
        raise InputError(
            f"There is an entry from {date_text(newest.valid_from)} already. A new one holds from "
            "that day or a later one, so that what was said of the past stays.",
            code="earlier",
        )
    if design is not None and design.site_id != room.site_id:
        raise InputError("The design is of another site.", code="other-site")
