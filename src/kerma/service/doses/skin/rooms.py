"""Which profile of a room holds on a day, and what a commissioning writes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import date
from typing import Any

from django.db import transaction
from django.utils import timezone

from kerma.core import InputError
from kerma.physics import skin
from kerma.physics.skin import support
from kerma.service.doses.models import RoomProfile
from kerma.service.estate.models import System
from kerma.service.people.entitlement import demand
from kerma.service.people.models import Person
from kerma.service.records import log
from kerma.service.records.models import Attachment
from kerma.service.records.sealing import settled

STATUSES = dict(RoomProfile.STATUS)


def in_force(system: System, day: date) -> RoomProfile | None:
    """Return the profile that held in a room on a day."""
    return held_on(RoomProfile.objects.filter(system=system, valid_from__lte=day), day)


def held_on(rows: Iterable[RoomProfile], day: date) -> RoomProfile | None:
    """Return which of a room's profiles held on a day; the day one ends is the next one's."""
    held = [r for r in rows if r.valid_from <= day and (r.ended_on is None or day < r.ended_on)]
    return max(held, key=lambda r: (r.valid_from, r.pk), default=None)


def library_profile(row: RoomProfile) -> skin.RoomProfile:
    """Return a stored profile as the calculation takes it."""
    return skin.RoomProfile.from_dict(row.profile)


def unknowns(profile: skin.RoomProfile) -> list[str]:
    """Return what nobody measured in a room, and what that means for its maps."""
    if profile.status == "refused":
        return []
    found = []
    if not profile.calibrations:
        found.append(
            "The displayed kerma is not calibrated here: the tolerance of displays stands in the "
            "interval instead."
        )
    if not support.known(profile.transmission):
        found.append("Nothing is taken off for table and pad: maps are upper bounds.")
    elif not profile.transmission.points:
        found.append("Transmission of table and pad is that of another room.")
    if profile.pivot is None:
        found.append(
            "The point the table turns about is not known: events with a turned table are left out."
        )
    return found


@transaction.atomic
def profile_set(
    *,
    by: Person,
    system: System,
    profile: skin.RoomProfile,
    status: str,
    valid_from: date,
    reason: str,
    evidence: Attachment | None = None,
) -> RoomProfile:
    """Commission a room: put a profile in force from a day, in place of what held from then on.

    Parameters
    ----------
    by, system
        Who commissions which room.
    profile
        Geometry and calibration; its own status, reason and dates give way to those said here.
    status
        ``validated`` (measured in the room; needs an MPE, and evidence), ``indicative``, or
        ``refused``: no map is made.
    valid_from
        First day the room was as described.
    reason
        What was measured and how it compared, or why maps are refused.
    evidence
        The measurements.

    Raises
    ------
    NotEntitled
        ``validated``, or what ends a validated profile without refusing, without an MPE.
    InputError
        ``bad-status``, ``blank``, ``future``, ``no-evidence``, ``no-calibration``, or those of
        `kerma.physics.skin.RoomProfile`.
    """
    if status not in STATUSES:
        raise InputError("A profile is indicative, validated or refused.", code="bad-status")
    ended = _ended_by(system, valid_from)
    # Refusing is safe; taking a measured profile away for a guess is not.
    measured = any(r.status == "validated" and r.ended_on is None for r in ended)
    act = "approve" if status == "validated" or (measured and status != "refused") else "perform"
    demand(act, by=by, work="skin_dose", subject=log.subject_of(system), modality=system.modality,
           employer=system.employer.key, employer_name=system.employer.name)  # fmt: skip
    _check(profile, status, valid_from, reason, evidence)
    kept = replace(
        profile, status=status, reason=reason.strip()[:600],  # type: ignore[arg-type]  # checked
        valid_from=valid_from, valid_to=None,
    )  # fmt: skip
    stored = settled(kept.as_dict())
    for row in ended:
        row.ended_on = max(valid_from, row.valid_from)
        row.save()
    row = RoomProfile(
        system=system, profile=stored, profile_sha256=skin.RoomProfile.from_dict(stored).sha256,
        status=status, valid_from=valid_from, reason=reason.strip()[:600], evidence=evidence,
        set_by=by, set_at=timezone.now(),
    )  # fmt: skip
    row.save()
    log.append(
        actor=by, kind="skin.profile", subject=system, seals=[row, *ended],
        text=f"Skin dose profile, {STATUSES[status].lower()}, from {valid_from:%-d %b %Y}",
        data={"profile": row.pk, "profile_sha256": row.profile_sha256,
              "ended": [r.pk for r in ended]},
    )  # fmt: skip
    return row


def _ended_by(system: System, valid_from: date) -> list[RoomProfile]:
    """Return the profiles that would hold on or after a day."""
    rows = RoomProfile.objects.select_for_update().filter(system=system).order_by("pk")
    return [
        r for r in rows
        if r.ended_on is None or (r.ended_on > valid_from and r.ended_on > r.valid_from)
    ]  # fmt: skip


def _check(
    profile: skin.RoomProfile, status: str, valid_from: date, reason: str,
    evidence: Attachment | None,
) -> None:  # fmt: skip
    if not reason.strip():
        raise InputError(
            "Say what was measured and how it compared, or why maps are refused.", code="blank"
        )
    if valid_from > timezone.localdate():
        raise InputError(
            "A profile holds from a day on which the room was seen to be so, today at the latest.",
            code="future",
        )
    if status == "validated" and evidence is None:
        raise InputError(
            "A validated profile needs the measurements as evidence. Without them it is "
            "indicative.",
            code="no-evidence",
        )
    if status == "validated" and not profile.calibrations:
        raise InputError(
            "A validated profile needs a calibration of the displayed kerma, with its date.",
            code="no-calibration",
        )
    if status != "refused":
        _check_table(profile)


def _check_table(profile: skin.RoomProfile) -> None:
    """Refuse a profile whose table cannot be looked up: every map of the room would fail."""
    support.transmission(profile.transmission, 80.0, 0.0)


def starting_points(system: System) -> Sequence[tuple[str, str, skin.RoomProfile]]:
    """Return what a commissioning may begin from: the room's latest, then the built-in ones."""
    latest = RoomProfile.objects.filter(system=system).order_by("-set_at", "-pk").first()
    found: list[tuple[str, str, Any]] = []
    if latest is not None and latest.status != "refused":
        found.append(("room", "this room's latest profile", library_profile(latest)))
    usable = [p for p in skin.built_in() if p.status != "refused"]
    return [*found, *((p.name, p.title, p) for p in usable)]
