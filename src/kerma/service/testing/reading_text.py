"""Read what a technologist typed into a field."""

from __future__ import annotations

import re

from kerma.core import InputError, Quantity
from kerma.core.units import Unit, unit

_NUMBER = re.compile(r"^[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d{1,2})?$", re.ASCII)
_POSITIVE = {"voltage", "current", "aluminium", "gold", "illuminance", "luminous-intensity"}
_YES = {"y", "yes", "pass", "ok", "satisfactory", "1"}
_NO = {"n", "no", "fail", "unsatisfactory", "0"}


def parse_reading(text: str, symbol: str, *, functional: bool = False) -> Quantity:
    """Turn a field's text into a quantity in the reading's own unit.

    A unit may follow the number when it is of the same kind (``0.0862 MV`` in a kV field is
    86.2 kV); anything else is refused with a sentence saying what was expected.

    Raises
    ------
    InputError
        Codes ``not-a-number``, ``decimal-comma``, ``negative``, ``wrong-unit``, ``unknown-unit``.
    """
    cleaned = text.strip().replace("\N{MINUS SIGN}", "-").replace("\N{NO-BREAK SPACE}", " ")
    if functional:
        return Quantity(_yes_or_no(cleaned), unit(symbol))
    number, _, given = cleaned.partition(" ")
    if number.endswith("%") and not given:
        number, given = number[:-1], "%"
    if re.fullmatch(r"[+-]?\d+,\d+", number):
        raise InputError(
            f"“{text}” has a comma. Write the decimal point as a point: "
            f"{number.replace(',', '.')}.",
            code="decimal-comma",
        )
    if not _NUMBER.match(number):
        raise InputError(
            f"“{text}” is not a number. Type a number in {symbol}.", code="not-a-number"
        )
    value = float(number)
    if value < 0 and _never_negative(unit(symbol)):
        raise InputError(
            f"“{text}” is below zero, which nothing measured in {symbol} can be. Check the sign.",
            code="negative",
        )
    if not given.strip():
        return Quantity(value, unit(symbol))
    quantity = Quantity(value, unit(given))
    if not quantity.unit.same_kind(unit(symbol)):
        raise InputError(
            f"“{text}” is in {given}, which does not measure the same thing as {symbol}. "
            f"Type the reading in {symbol}.",
            code="wrong-unit",
        )
    return quantity.to(symbol)


def _never_negative(symbol: Unit) -> bool:
    """Whether a value cannot be below zero. A rate near background can, once that is taken off."""
    kinds = {name for name, _ in symbol.dimensions}
    return bool(kinds & _POSITIVE) or kinds == {"kerma"}


def _yes_or_no(text: str) -> float:
    word = text.lower()
    if word in _YES:
        return 1.0
    if word in _NO:
        return 0.0
    raise InputError(
        f"“{text}” is not an answer to this check. Type y (satisfactory) or n (not satisfactory).",
        code="not-yes-or-no",
    )
