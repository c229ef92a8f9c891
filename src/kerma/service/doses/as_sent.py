"""Everything one event says, beside what was sent: text, unit, factor, why it is missing."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields, is_dataclass
from typing import Any

from kerma.core.quantity import format_number
from kerma.core.typeset import pretty_unit
from kerma.dicom.dose.tree import Code, Item
from kerma.dicom.dose.values import Value

_LEFT_OUT = {"uid_origin", "images", "remaining", "devices", "persons"}
_PARTS = {
    "ct": "CT", "sources": "X-ray source", "mechanics": "Geometry", "detector": "Detector",
    "breast": "Breast", "filters": "Filter", "dose_check": "Dose check",
    "organ_doses": "Organ",
}  # fmt: skip
_NAMES = {
    "kap": "Kerma-area product", "dose_rp": "Dose at the reference point", "dlp": "DLP",
    "ctdivol": "CTDIvol", "agd": "Average glandular dose", "kvp": "Tube voltage", "uid": "UID",
    "report_uid": "Read from object", "ssde": "SSDE", "kind": "Kind",
    "ctdi_free_air": "CTDI free in air",
}  # fmt: skip
_RAISED = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")
_SHOWN = 8  # numbers of a value sent once a pulse


@dataclass(frozen=True, slots=True)
class Line:
    """One item: what it is, what is kept, what was sent."""

    part: str
    name: str
    kept: str
    sent: str = ""
    factor: str = ""
    origin: str = ""
    missing: bool = False
    number: bool = False


def lines(record: Any, part: str = "") -> Iterator[Line]:
    """Yield a line for each item of an event or an administration that was sent."""
    for field in fields(record):
        if field.name in _LEFT_OUT:
            continue
        yield from _lines(part, field.name, getattr(record, field.name))


def _lines(part: str, name: str, value: Any) -> Iterator[Line]:
    label = _NAMES.get(name, name.replace("_", " ").capitalize())
    if value is None or value in ("", ()):
        return
    if isinstance(value, Value):
        yield _value(part, label, value)
    elif isinstance(value, Code):
        sent = f"{value.value}, {value.scheme}" if value.value else "words only"
        yield Line(part, label, value.meaning or value.value, sent)
    elif isinstance(value, Item):
        return
    elif is_dataclass(value):
        yield from lines(value, _PARTS.get(name, label))
    elif isinstance(value, tuple):
        for number, item in enumerate(value, 1):
            title = _PARTS.get(name, label)
            title = f"{title} {number}" if len(value) > 1 else title
            if is_dataclass(item):
                yield from lines(item, f"{part}, {title.lower()}" if part else title)
            else:
                yield from _lines(part, name, item)
    else:
        yield Line(part, label, {True: "yes", False: "no"}.get(value, str(value)))


def _exact(number: float) -> str:
    """Return a number with all its digits: ``6.61 × 10⁻⁵``."""
    digits, _, power = f"{number:.10g}".partition("e")
    digits = digits.replace("-", "\N{MINUS SIGN}")
    return f"{digits} × 10{str(int(power)).translate(_RAISED)}" if power else digits


def _few(texts: tuple[str, ...]) -> str:
    more = f" and {len(texts) - _SHOWN} more" if len(texts) > _SHOWN else ""
    return ", ".join(texts[:_SHOWN]) + more


def _value(part: str, label: str, value: Value) -> Line:
    kept = _few(tuple(map(_exact, value.numbers)))
    unit = "" if value.unit == "1" else pretty_unit(value.unit)
    if value.sent:
        unit_sent = "" if value.unit_sent == "1" else value.unit_sent or "(no unit)"
        sent = f"{_few(value.sent)} {unit_sent}".strip()
    else:
        sent = "sent without a value" if value.origin == "missing" else ""
    return Line(
        part,
        label,
        f"{kept} {unit}".strip() if value.numbers else "missing",
        sent,
        f"× {format_number(value.factor)}" if value.factor not in (None, 1.0) else "",
        f"{value.origin}: {value.reason}" if value.reason else value.origin,
        not value.numbers,
        True,
    )


@dataclass(frozen=True, slots=True)
class Unknown:
    """An item the concept table does not know, as sent."""

    indent: int
    name: str
    code: str
    text: str


def unknown(items: tuple[Item, ...], indent: int = 0) -> Iterator[Unknown]:
    """Yield the items Kerma does not know, makers' own among them, each below its parent."""
    for item in items:
        concept = item.concept
        yield Unknown(
            indent,
            concept.meaning if concept else "without a concept",
            f"{concept.value}, {concept.scheme}" if concept else "",
            _said(item),
        )
        yield from unknown(item.children, indent + 1)


def _said(item: Item) -> str:
    if item.numbers:
        return f"{_few(item.numbers)} {item.unit.value if item.unit else ''}".strip()
    if item.code:
        return item.code.meaning or item.code.value
    return item.text or ""
