"""Writes to the estate: components, events, status."""

from __future__ import annotations

from datetime import date

from django.db import transaction

from kerma.core import InputError
from kerma.service.estate.models import Component, System, SystemEvent
from kerma.service.people.entitlement import demand
from kerma.service.people.models import Person
from kerma.service.records import log


@transaction.atomic
def event_record(*, by: Person, system: System, on: date, kind: str, text: str) -> SystemEvent:
    """Record something that happened to a system."""
    demand("edit", by=by, work="plan", subject=log.subject_of(system))
    if not text.strip():
        raise InputError("Say what happened.", code="blank")
    event = SystemEvent.objects.create(
        system=system, on=on, kind=kind, text=text.strip(), recorded_by=by
    )
    log.append(actor=by, kind="system.event", subject=system, text=f"{kind}: {event.text}")
    return event


@transaction.atomic
def component_replace(*, by: Person, old: Component, new: Component, on: date) -> Component:
    """Replace a component: the old one ends, the new one begins, the system's timeline shows it.

    Baselines that depend on this kind of component end on the same day: what was measured with
    the old part says nothing about the new one.
    """
    from kerma.service.testing.models import Baseline

    system = old.system
    old.removed_on = on
    old.save(update_fields=["removed_on"])
    new.system, new.kind, new.installed_on = system, old.kind, on
    new.save()
    event_record(
        by=by, system=system, on=on, kind=f"{old.kind} change",
        text=f"{old.kind.replace('_', ' ').capitalize()} {old.serial} replaced by {new.serial}",
    )  # fmt: skip
    ended = [
        b for b in Baseline.objects.filter(system=system, ended_on=None) if old.kind in b.components
    ]
    for baseline in ended:
        baseline.ended_on, baseline.ended_reason = on, f"{old.kind} replaced"
        baseline.save(update_fields=["ended_on", "ended_reason"])
    if ended:
        text = f"{len(ended)} baselines ended: {old.kind} replaced"
        log.append(actor=by, kind="baselines.ended", subject=system, text=text, seals=ended)
    return new


@transaction.atomic
def status_set(*, by: Person, system: System, status: str, reason: str) -> System:
    """Record the employer's decision about the use of a system."""
    if by.is_hospital and by.employer_id != system.room.site.employer_id:
        raise InputError("This system belongs to another employer.", code="other-employer")
    if not by.is_hospital:
        demand("edit", by=by, work="plan", subject=log.subject_of(system))
    if status not in dict(System.STATUS):
        raise InputError(f"“{status}” is not a status of a system.", code="bad-status")
    if not reason.strip():
        raise InputError("Say why.", code="blank")
    system.status = status
    system.save(update_fields=["status"])
    log.append(
        actor=by,
        kind="system.status",
        subject=system,
        text=f"{system.get_status_display()}: {reason.strip()}",
        data={"state": {f"estate.system:{system.pk}": {"status": status}}},
        seals=[system],
    )
    return system
