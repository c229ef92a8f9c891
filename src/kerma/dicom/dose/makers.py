"""What makers write into comments as XML of their own (Siemens).

Two elements are wanted; they are found by pattern, so that no XML reader has to be trusted with
text from outside.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from kerma.dicom.dose.parts import Mechanics
from kerma.dicom.dose.records import Event
from kerma.dicom.dose.tables import positions
from kerma.dicom.dose.values import Value, Warn, single

_INTENSIFIER = re.compile(r'<iiDiameter SRData="(\d{1,4}(?:\.\d{1,3})?)"\s*/>')
_POSITION = re.compile(r'<Position SRData="([A-Z]{3,4})\s*"\s*/>')


def intensifier_diameter(comment: str | None) -> Value | None:
    """Return the intensifier field (mm) an event's comment states."""
    match = _INTENSIFIER.search(comment or "")
    if match is None:
        return None
    return single(float(match[1]), "length", "derived", "from the maker's data in the comment")


def with_position(events: Sequence[Event], comment: str | None, warn: Warn) -> list[Event]:
    """Give projection events that state no patient position the one in the report's comment."""
    match = _POSITION.search(comment or "")
    codes = positions().get(match[1]) if match else None
    if match is None or codes is None:
        return list(events)
    orientation, modifier, relationship = codes
    placed: list[Event] = []
    for event in events:
        mechanics = event.mechanics or Mechanics()
        if event.ct is None and mechanics.patient_orientation is None:
            mechanics = replace(
                mechanics,
                patient_orientation=orientation,
                patient_orientation_modifier=modifier,
                patient_table_relationship=relationship,
            )
            event = replace(event, mechanics=mechanics)
            warn(f"patient position {match[1]} taken from the maker's data in the report's comment")
        placed.append(event)
    return placed
