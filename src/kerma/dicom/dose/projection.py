"""Projection X-ray, fluoroscopy and mammography: TID 10002 to 10007, and the enhanced report.

The summaries of an enhanced report (TID 10041 and 10042) hold the same items in other containers,
those of CT among them.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from kerma.dicom.dose import makers, people
from kerma.dicom.dose.collect import Parts, collect
from kerma.dicom.dose.parts import (
    CT,
    Breast,
    Calibration,
    Detector,
    Filter,
    Mechanics,
    SideDose,
    Source,
)
from kerma.dicom.dose.records import Accumulated, Event
from kerma.dicom.dose.tables import name_of
from kerma.dicom.dose.tree import Item
from kerma.dicom.dose.values import Value, Warn, measured, single

# Field sizes of Philips' private shutter items are stated at this distance from the focus; the
# field at the detector is theirs × source-detector distance / 1000 mm (checked against a report
# whose values are published).
_PHILIPS_SHUTTER_PLANE_MM = 1000.0
_MM2_A_M2 = 1e6


def accumulated(item: Item, warn: Warn) -> Accumulated:
    """Read the accumulated dose data of one plane (TID 10002)."""
    parts, remaining = collect(item.children, "xray_total", warn, "totals")
    return Accumulated(
        **parts["total"],
        agd=tuple(_side(agd, warn) for agd in parts.items_of("agd")),
        calibrations=tuple(
            Calibration(**collect(found.children, "calibration", warn)[0]["calibration"])
            for found in parts.items_of("calibrations")
        ),
        devices=people.devices(parts.items_of("devices"), warn),
        remaining=tuple(remaining),
    )


def _side(item: Item, warn: Warn) -> SideDose:
    laterality = collect(item.children, "side", warn)[0]["side"].get("laterality")
    return SideDose(
        side=name_of("side", laterality),
        laterality=laterality,
        dose=measured(item, "dose_mgy", warn),
    )


def event(item: Item, number: int, warn: Warn) -> Event:
    """Read one irradiation event (TID 10003); its UID is empty when the report gives none."""
    where = f"event {number}"
    parts, remaining = collect(item.children, "xray_event", warn, where)
    fields = parts["event"]
    fields.setdefault("uid", "")
    _shutters(parts, warn)
    diameter = makers.intensifier_diameter(fields.get("comment"))
    if diameter is not None:
        parts["source"]["intensifier_diameter"] = diameter
    source = Source(
        **parts["source"], filters=tuple(filters(parts.items_of("filters"), warn, where))
    )
    return Event(
        **fields,
        kind=name_of("event", fields.get("type")),
        sources=(source,) if source != _NO_SOURCE else (),
        mechanics=Mechanics(**parts["mechanics"]) if parts["mechanics"] else None,
        detector=Detector(**parts["detector"]) if parts["detector"] else None,
        breast=Breast(**parts["breast"]) if parts["breast"] else None,
        ct=CT(**parts["ct"]) if parts["ct"] else None,
        images=tuple(image.text for image in parts.items_of("images") if image.text),
        devices=people.devices(parts.items_of("devices"), warn),
        persons=people.persons(parts.items_of("persons"), warn),
        remaining=tuple(remaining),
    )


_NO_SOURCE = Source()


def filters(items: Sequence[Item], warn: Warn, where: str) -> list[Filter]:
    """Read X-ray filters, putting a minimum that exceeds its maximum right, with a warning."""
    found = []
    for item in items:
        fields = collect(item.children, "filter", warn, where)[0]["filter"]
        found.append(sorted_filter(fields, warn, where))
    return found


def sorted_filter(fields: dict[str, Any], warn: Warn, where: str) -> Filter:
    """Make a filter whose thicknesses are in order."""
    low: Value | None = fields.get("thickness_min")
    high: Value | None = fields.get("thickness_max")
    if low and high and (low.number or 0.0) > (high.number or math.inf):
        warn(f"{where}: the smallest filter thickness exceeds the largest; they were exchanged")
        fields = {**fields, "thickness_min": high, "thickness_max": low}
    return Filter(**fields)


def _shutters(parts: Parts, warn: Warn) -> None:
    """Derive the collimated field from Philips' private shutter items when none is stated."""
    source, distance = parts["source"], parts["mechanics"].get("source_detector")
    items = parts.items_of("philips_shutters")
    if not items or "field_height" in source or distance is None or not distance.number:
        return
    edges = collect(items[0].children, "philips_shutters", warn)[0]["shutters"]
    numbers = {side: value.number for side, value in edges.items()}
    scale = distance.number / _PHILIPS_SHUTTER_PLANE_MM
    how = "from the maker's shutter positions and the source-detector distance"

    def extent(one: str, other: str) -> float | None:
        a, b = numbers.get(one), numbers.get(other)
        return None if a is None or b is None else (abs(a) + abs(b)) * scale

    # The published values of such a report call left to right the height; the area is the same.
    height, width = extent("left", "right"), extent("top", "bottom")
    if height is not None:
        source["field_height"] = single(height, "length", "derived", how)
    if width is not None:
        source["field_width"] = single(width, "length", "derived", how)
    if height is not None and width is not None and "field_area" not in source:
        source["field_area"] = single(height * width / _MM2_A_M2, "area", "derived", how)
