"""Numbers as a report sends them, and in one unit: nothing lost, nothing assumed."""

from __future__ import annotations

import csv
import math
import re
from collections.abc import Callable, Sequence
from functools import cache, lru_cache
from typing import Literal, NamedTuple

from kerma.dicom.data import data_text
from kerma.dicom.dose.tree import Item

Origin = Literal["stated", "summed", "derived", "missing"]
Warn = Callable[[str], None]

# UCUM 6: an annotation in braces has no dimension, so a lone one counts things.
_ANNOTATION = re.compile(r"\{[^{}]*\}")
# Characters that are the same one, and what makers put between factors or around exponents.
_SAME = str.maketrans({"µ": "u", "μ": "u", "²": "2", "³": "3", "−": "-", "º": "°"})
# A unit written behind the number, where the number alone belongs.
_WITH_UNIT = re.compile(r"([+-]?[\d.]+(?:[eE][+-]?\d+)?)\s*([^\d\s.+-].*)")
# Quantities that can be below zero. Of any other, makers write -1 where they know nothing.
_SIGNED = frozenset({"angle", "length", "index"})
_BETWEEN = re.compile(r" x (?=[a-zA-Z])|[ .·⋅∙•×*^()]|-(?=[a-zA-Z])")


class Value(NamedTuple):
    """One quantity: what it is worth, what was sent, and where it comes from.

    Attributes
    ----------
    numbers
        In `unit`; more than one when several were sent where one is usual (one a pulse), none
        when missing.
    unit
        The unit Kerma keeps the quantity in.
    sent
        The numbers as sent.
    unit_sent
        The unit code as sent; ``None`` when there was none.
    factor
        `numbers` = sent × factor; ``None`` when nothing could be converted.
    origin
        ``stated`` by the device, ``summed`` or ``derived`` by Kerma, or ``missing``.
    reason
        Why it is missing, or how it was derived.
    """

    numbers: tuple[float, ...]
    unit: str
    sent: tuple[str, ...] = ()
    unit_sent: str | None = None
    factor: float | None = None
    origin: Origin = "stated"
    reason: str = ""

    @property
    def number(self) -> float | None:
        """The number when there is exactly one."""
        return self.numbers[0] if len(self.numbers) == 1 else None

    def joined(self, other: Value) -> Value:
        """Return both values' numbers, in order, as one value."""
        if not other.numbers:
            return self
        if not self.numbers:
            return other
        return self._replace(numbers=self.numbers + other.numbers, sent=self.sent + other.sent)


def _plain(spelling: str) -> str:
    """Return a spelling without what stands between its factors: “Gy·cm²” is “Gy cm^2”."""
    return _BETWEEN.sub("", spelling.translate(_SAME))


@cache
def _table() -> dict[str, tuple[str, dict[str, float]]]:
    """Quantity -> (unit kept, spelling -> factor)."""
    lines = (line for line in data_text("units.csv").splitlines() if not line.startswith("#"))
    table: dict[str, tuple[str, dict[str, float]]] = {}
    for row in csv.DictReader(lines):
        unit, spellings = table.setdefault(row["quantity"], (row["unit"], {}))
        if unit != row["unit"]:
            raise ValueError(f"units.csv keeps {row['quantity']} in two units")
        spellings[row["sent"]] = float(row["factor"])
    return table


@cache
def _plain_table() -> dict[str, dict[str, float]]:
    """Quantity -> (plain spelling -> factor)."""
    table: dict[str, dict[str, float]] = {}
    for quantity, (_, spellings) in _table().items():
        plain = table.setdefault(quantity, {})
        for sent, factor in spellings.items():
            if plain.setdefault(_plain(sent), factor) != factor:
                raise ValueError(f"units.csv gives “{_plain(sent)}” two factors for {quantity}")
    return table


def quantities() -> frozenset[str]:
    """Name the quantities of the unit table."""
    return frozenset(_table())


def unit_of(quantity: str) -> str:
    """Return the unit a quantity is kept in."""
    return _table()[quantity][0]


def factor_of(quantity: str, sent: str | None) -> float | None:
    """Return the factor from a unit as sent to the unit kept; ``None`` for an unknown spelling.

    Case matters, as in UCUM: “MGy” is no “mGy”.
    """
    spelling = (sent or "").strip()
    factor = _table()[quantity][1].get(spelling)
    if factor is not None or not spelling:
        return factor
    plain = _plain_table()[quantity]
    factor = plain.get(_plain(spelling))
    if factor is None and "{" in spelling:
        factor = plain.get(_plain(_ANNOTATION.sub("", spelling)) or "1")
    return factor


def missing(quantity: str, reason: str) -> Value:
    """Return a value that is not there, with the reason."""
    return Value((), unit_of(quantity), origin="missing", reason=reason)


def single(number: float, quantity: str, origin: Origin, reason: str) -> Value:
    """Return a number Kerma worked out."""
    return Value((number,), unit_of(quantity), origin=origin, reason=reason)


@lru_cache(maxsize=65_536)
def _known(
    quantity: str, sent: tuple[str, ...], unit_sent: str | None
) -> tuple[Value, tuple[str, ...]]:
    unit, _ = _table()[quantity]
    if not sent:
        return missing(quantity, "sent without a value"), ()
    factor = factor_of(quantity, unit_sent)
    if factor is None:
        told = f"the unit “{unit_sent}”" if unit_sent else "a number without a unit"
        reason = f"{told} is not one Kerma knows for this quantity"
        return (
            Value((), unit, sent, unit_sent, None, "missing", reason),
            (f"{' and '.join(sent[:3])} is not used: {reason}",),
        )
    numbers: list[float] = []
    notes: list[str] = []
    for text in sent:
        number = _number(text)
        if number is None:
            notes.append(f"“{text[:40]}” is not a number and is not used")
        elif number < 0 and quantity not in _SIGNED:
            notes.append(f"“{text[:40]}” is below zero, which this quantity cannot be; not used")
        else:
            numbers.append(number * factor)
    if not unit_sent and quantity not in ("count", "index", "ratio"):
        notes.append(f"no unit was sent; read as {unit}, which the template fixes")
    if not numbers:
        reason = notes[0]
        return Value((), unit, sent, unit_sent, None, "missing", reason), tuple(notes)
    return Value(tuple(numbers), unit, sent, unit_sent, factor), tuple(notes)


def _number(text: str) -> float | None:
    try:
        number = float(text)
    except ValueError:
        return None
    # Python takes "1_000" and "inf"; DICOM (PS3.5 6.2, DS) does not.
    return number if math.isfinite(number) and "_" not in text else None


def convert(quantity: str, sent: Sequence[str], unit_sent: str | None, warn: Warn) -> Value:
    """Bring numbers as sent into the unit Kerma keeps.

    Parameters
    ----------
    quantity
        Row name of ``units.csv``.
    sent, unit_sent
        Numbers and unit code as sent.
    warn
        Called with a sentence for everything a person should know.
    """
    value, notes = _known(quantity, tuple(sent), unit_sent)
    for note in notes:
        warn(note)
    return value


def measured(item: Item, quantity: str, warn: Warn) -> Value:
    """Read a NUM item; a TEXT item where a number belongs is read if it is one, with a warning.

    The unit may be in a code without a value, or behind the number in a text.
    """
    unit = (item.unit.value or item.unit.meaning) if item.unit else None
    sent = item.numbers
    if item.kind != "NUM":
        warn(f"sent as {item.kind or 'an unknown kind of item'} instead of a number")
        text = item.text or (item.code.meaning if item.code else "")
        sent = sent or ((text,) if text else ())
        bare = len(sent) == 1 and not unit and _number(sent[0]) is None
        apart = _WITH_UNIT.fullmatch(sent[0].strip()) if bare else None
        if apart:
            sent, unit = (apart[1],), apart[2]
    return convert(quantity, sent, unit, warn)


def resolution(text: str) -> float | None:
    """Return the weight of the last digit of a number as sent: 0.0001 for “0.0001”, 10 for 1E1."""
    match = re.fullmatch(r"[+-]?(\d*)(?:\.(\d*))?(?:[eE]([+-]?\d{1,3}))?", text.strip())
    if not match or not (match[1] or match[2]):
        return None
    return float(10.0 ** (int(match[3] or 0) - len(match[2] or "")))
