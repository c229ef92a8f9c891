"""Values of a dose report as a page shows them; what is missing is said to be missing."""

from __future__ import annotations

import re
from typing import NamedTuple

from django.utils.html import format_html
from django.utils.safestring import SafeString

from kerma.core import quantity
from kerma.core.quantity import format_number
from kerma.core.typeset import pretty_unit
from kerma.dicom.dose.parts import Filter, Source
from kerma.dicom.dose.tree import Code
from kerma.dicom.dose.values import Value
from kerma.service.web.components.numbers import ABSENT

# Unit kept -> unit of the field's everyday speech.
_EVERYDAY = {"Gy.m2": "Gy.cm2", "Gy": "mGy", "m2": "cm2", "uA.s": "mAs"}
_RAISED = str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹")
_ELEMENTS = {
    "C-120F9": "Al", "C-127F9": "Cu", "C-150F9": "Mo", "C-167F9": "Rh", "C-137F9": "Ag",
    "C-164F9": "W",
}  # fmt: skip


class Reading(NamedTuple):
    """A value in everyday units: its numbers and the unit's print."""

    numbers: tuple[float, ...]
    unit: str


def everyday(value: Value) -> Reading:
    """Return a value's numbers in the unit physicists speak of."""
    unit = _EVERYDAY.get(value.unit, value.unit)
    if unit == value.unit:
        return Reading(value.numbers, pretty_unit(unit))
    numbers = tuple(quantity(n, value.unit).to(unit).value for n in value.numbers)
    return Reading(numbers, pretty_unit(unit))


def missing(value: Value) -> SafeString:
    """Say that an item is there without a number that can be used, and why."""
    return format_html('<abbr title="{}">missing</abbr>', value.reason or "no number was sent")


def numbers(value: Value | None, digits: int | None = None) -> SafeString | str:
    """Return the number alone, a range of several, *missing* with its reason, or a dash."""
    if value is None:
        return ABSENT
    found = everyday(value).numbers
    if not found:
        return missing(value)
    low, high = format_number(min(found), None, digits), format_number(max(found), None, digits)
    if len(found) == 1 or low == high:
        return low
    return format_html(
        '<abbr title="{} values, mean {}">{} to {}</abbr>',
        len(found), format_number(sum(found) / len(found), None, digits), low, high,
    )  # fmt: skip


def text(value: Value | None) -> SafeString | str:
    """Return the number with its unit."""
    if value is None or not value.numbers:
        return numbers(value)
    unit = everyday(value).unit
    return format_html("{}\N{NO-BREAK SPACE}{}", numbers(value), unit) if unit else numbers(value)


def over(sources: tuple[Source, ...], *fields: str) -> SafeString | str:
    """Return a quantity of each X-ray source, parted by strokes; of each the first field it has."""
    shown = []
    for source in sources:
        value = next((v for f in fields if (v := getattr(source, f)) is not None), None)
        if value is not None:
            shown.append(numbers(value))
    if not shown:
        return ABSENT
    joined = shown[0]
    for other in shown[1:]:
        joined = format_html("{} / {}", joined, other)
    return joined


def words(code: Code | None) -> str:
    """Return a code's words; a dash for none."""
    text_ = (code.meaning or code.value) if code else ""
    # Reports write the mass number of a nuclide between carets.
    return re.sub(r"\^(\d+)\^", lambda m: m[1].translate(_RAISED), text_) or ABSENT


def clock(moment: str | None) -> str:
    """Return a moment as sent, without what nobody reads: ``2022-02-23 08:29:18``."""
    return (moment or "").replace("T", " ")[:19] or ABSENT


def duration(value: Value) -> SafeString | str:
    """Return seconds, and minutes and seconds beside them from a minute on."""
    plain = text(value)
    if value.number is None or value.number < 60:
        return plain
    minutes, seconds = divmod(round(value.number), 60)
    return format_html("{} <small>{} min {} s</small>", plain, minutes, seconds)


def element(code: Code | None) -> str:
    """Return the symbol of a filter or target material, or the words sent."""
    return "" if code is None else _ELEMENTS.get(code.value, code.meaning or code.value)


def _thickness(found: Filter) -> str:
    low, high = found.thickness_min, found.thickness_max
    ends = [format_number(v.number) for v in (low, high) if v is not None and v.number is not None]
    return " to ".join(dict.fromkeys(ends))


def filters(sources: tuple[Source, ...]) -> str:
    """Return the filters in words: ``0.1 mm Cu + 1 mm Al``."""
    shown = []
    for found in (f for source in sources for f in source.filters):
        thick, material = _thickness(found), element(found.material)
        words_ = f"{thick} mm {material}".strip() if thick else material
        if words_:
            shown.append(words_)
    return " + ".join(shown) or ABSENT
