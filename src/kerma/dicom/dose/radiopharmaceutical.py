"""Administrations of radiopharmaceuticals: TID 10021 to 10024."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from kerma.dicom.dose import people
from kerma.dicom.dose.collect import collect
from kerma.dicom.dose.parts import Administration, Characteristics, OrganDose
from kerma.dicom.dose.tree import Item
from kerma.dicom.dose.values import Warn


def administration(item: Item, number: int, warn: Warn) -> Administration:
    """Read one administration (TID 10022); its UID is empty when the report gives none."""
    where = f"administration {number}"
    parts, remaining = collect(item.children, "administration", warn, where)
    fields: dict[str, Any] = parts["administration"]
    for block in parts.items_of("effective_doses"):
        found, left = collect(block.children, "effective_dose", warn, where)
        for name, value in found["administration"].items():
            fields.setdefault(name, value)
        remaining += left
    fields.setdefault("uid", "")
    return Administration(
        **fields,
        **_activity(parts.items_of("pre_activity"), "pre", warn),
        **_activity(parts.items_of("post_activity"), "post", warn),
        symptoms=tuple(item.code for item in parts.items_of("symptoms") if item.code),
        organ_doses=tuple(
            OrganDose(**collect(block.children, "organ_dose", warn, where)[0]["organ"])
            for block in parts.items_of("organ_doses")
        ),
        persons=people.persons(parts.items_of("persons"), warn),
        remaining=tuple(remaining),
    )


def _activity(items: Sequence[Item], when: str, warn: Warn) -> dict[str, Any]:
    """Read an activity measured before or after the administration, and with what."""
    if not items:
        return {}
    check = collect(items[:1], "activity_check", warn)[0]["check"]
    found = {
        f"{when}_activity": check.get(f"{when}_activity"),
        f"{when}_activity_device": check.get("device"),
    }
    if when == "pre":
        found["pre_activity_observer"] = check.get("observer_kind")
        found["pre_activity_observer_name"] = check.get("observer_name")
    return found


def characteristics(items: Sequence[Item], warn: Warn) -> Characteristics | None:
    """Read the state of the patient (TID 10024)."""
    if not items:
        return None
    inside = [child for item in items for child in item.children]
    parts, remaining = collect(inside, "characteristics", warn, "patient")
    return Characteristics(**parts["characteristics"], remaining=tuple(remaining))
