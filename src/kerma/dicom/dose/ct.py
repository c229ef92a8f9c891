"""Computed tomography: TID 10012 to 10015."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from kerma.dicom.dose import people
from kerma.dicom.dose.collect import collect
from kerma.dicom.dose.parts import CT, DoseCheck, Source
from kerma.dicom.dose.records import Accumulated, Event
from kerma.dicom.dose.tables import name_of
from kerma.dicom.dose.tree import Item
from kerma.dicom.dose.values import Warn


def accumulated(item: Item, warn: Warn) -> Accumulated:
    """Read the accumulated dose data of a CT report (TID 10012)."""
    parts, remaining = collect(item.children, "ct_total", warn, "totals")
    return Accumulated(**parts["total"], remaining=tuple(remaining))


def event(item: Item, number: int, warn: Warn) -> Event:
    """Read one CT acquisition (TID 10013); its UID is empty when the report gives none."""
    where = f"event {number}"
    parts, remaining = collect(item.children, "ct_event", warn, where)
    fields: dict[str, Any] = dict(parts["ct"])
    sources: list[Source] = []
    for block in parts.items_of("parameters"):
        found, left = collect(block.children, "ct_parameters", warn, where)
        fields.update(found["ct"])
        remaining += left
        for source in found.items_of("sources"):
            inner, left = collect(source.children, "ct_source", warn, where)
            sources.append(Source(**inner["source"]))
            remaining += left
    alerts: list[Item] = []
    notifications: list[Item] = []
    for block in parts.items_of("doses"):
        found, left = collect(block.children, "ct_dose", warn, where)
        fields.update(found["ct"])
        remaining += left
        alerts += found.items_of("alerts")
        notifications += found.items_of("notifications")
    about = parts["event"]
    about.setdefault("uid", "")
    return Event(
        **about,
        kind=name_of("event", about.get("type")),
        sources=tuple(sources),
        ct=CT(**fields, dose_check=_dose_check(alerts, notifications, warn, where)),
        devices=people.devices(parts.items_of("devices"), warn),
        persons=people.persons(parts.items_of("persons"), warn),
        remaining=tuple(remaining),
    )


def _dose_check(
    alerts: Sequence[Item], notifications: Sequence[Item], warn: Warn, where: str
) -> DoseCheck | None:
    """Read dose check details (TID 10015)."""
    if not alerts and not notifications:
        return None
    fields: dict[str, Any] = {}
    persons = []
    for group in (alerts, notifications):
        found = collect([i for item in group for i in item.children], "dose_check", warn, where)[0]
        fields.update(found["check"])
        persons.append(people.persons(found.items_of("persons"), warn))
    return DoseCheck(**fields, alert_persons=persons[0], notification_persons=persons[1])
