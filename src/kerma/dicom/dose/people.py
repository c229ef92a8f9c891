"""Persons and devices named inside a report."""

from __future__ import annotations

from collections.abc import Sequence

from kerma.dicom.dose.collect import collect
from kerma.dicom.dose.parts import DeviceRef, Person
from kerma.dicom.dose.tree import Item
from kerma.dicom.dose.values import Warn


def persons(items: Sequence[Item], warn: Warn) -> tuple[Person, ...]:
    """Read Person Name items with what qualifies them (TID 1020)."""
    return tuple(
        Person(name=item.text, **collect(item.children, "person", warn)[0]["person"])
        for item in items
    )


def devices(items: Sequence[Item], warn: Warn) -> tuple[DeviceRef, ...]:
    """Read Device Role in Procedure items with what qualifies them (TID 1021)."""
    return tuple(
        DeviceRef(role=item.code, **collect(item.children, "device", warn)[0]["device"])
        for item in items
    )
