"""A report of totals alone, under a maker's own title and codes.

No standard says what its codes mean, so its items are read by their words, and only where their
unit is stated: nothing fixes a unit that is missing.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from kerma.dicom.dose.records import Accumulated
from kerma.dicom.dose.tree import Code, Item
from kerma.dicom.dose.values import Value, Warn, measured

# What a total is called; the first item of each counts.
_WORDS: dict[str, tuple[str, re.Pattern[str]]] = {
    "kap": ("kap", re.compile(r"(dose|kerma)[ -]?area|\b(dap|kap)\b")),
    "fluoro_time": ("time_s", re.compile(r"fluoro\w*\b.*\btime\b")),
    "dose_rp": ("dose_gy", re.compile(r"reference (air )?kerma|dose at (the )?reference")),
}
_DOSE = ("kap", "dose_rp")


def is_private(title: Code | None) -> bool:
    """Return whether a title is of a private coding scheme (PS3.16, section 8.2)."""
    return title is not None and title.scheme.upper().startswith("99")


def accumulated(items: Sequence[Item], warn: Warn) -> tuple[tuple[Accumulated, ...], list[Item]]:
    """Read the totals below the root; gives them and the items that are none.

    Where no dose is among them it is no dose report: nothing is read.
    """
    found: dict[str, Value] = {}
    remaining: list[Item] = []
    for item in items:
        field = _field(item)
        if field is None or field in found:
            remaining.append(item)
            continue
        if not (item.unit and (item.unit.value or item.unit.meaning)):
            warn(f"totals: {_said(item)} has no unit and no standard fixes one; it is not used")
            remaining.append(item)
            continue
        found[field] = measured(item, _WORDS[field][0], warn)
    if not any(field in found for field in _DOSE):
        return (), list(items)
    warn("totals of a private report, read by their words")
    total = Accumulated(
        kap=found.get("kap"), fluoro_time=found.get("fluoro_time"), dose_rp=found.get("dose_rp")
    )
    return (total,), remaining


def _field(item: Item) -> str | None:
    if item.kind != "NUM" or item.concept is None:
        return None
    words = item.concept.meaning.lower()
    return next((name for name, (_, word) in _WORDS.items() if word.search(words)), None)


def _said(item: Item) -> str:
    return f"“{item.concept.meaning}”" if item.concept else "an item"
