"""Units and numbers as a fine document prints them: µGy/mAs, mm⁻¹, Gy cm², −3.2 %, 23 Nov 2026.

The result is Unicode text, so that the PDF, the web page and a chart title show the same thing.
"""

from __future__ import annotations

import re
from datetime import date, datetime

from kerma.core.errors import InputError
from kerma.core.quantity import Quantity, format_number
from kerma.core.units import unit

NBSP = "\N{NO-BREAK SPACE}"

_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_RAISED = str.maketrans("0123456789-", "⁰¹²³⁴⁵⁶⁷⁸⁹⁻")
_WORDS = {"1": "", "deg": "°", "degC": "°C", "degrees": "°", "percent": "%", "lux": "lx"}
_MATTERS = ("Al", "Cu", "Pb", "Au")
_POWER = re.compile(r"^(?P<atom>[^\d^]+)\^?(?P<power>-?\d)$")
# A number, then what may be its unit: “20 uGy/mAs”, “2.9 mm Al”, “100%”.
_IN_TEXT = re.compile(
    r"(?<=\d)(?P<gap>[ \u00a0]?)(?P<unit>(?:1/)?[A-Za-zµμ%°][A-Za-z0-9µμ%°/.^()\-]*"
    rf"(?: (?:{'|'.join(_MATTERS)})\b)?)"
)


def typeset(symbol: str) -> str:
    """Return a unit's symbol as it is printed.

    Parameters
    ----------
    symbol
        As in `kerma.core.units`: ``uGy/mAs``, ``Gy.cm2``, ``1/mm``, ``mm Al``, ``cd/m2``, ``1``.

    Raises
    ------
    InputError
        Code ``unknown-unit``.

    """
    unit(symbol)
    text = symbol.strip().replace("μ", "µ")
    if text in _WORDS:
        return _WORDS[text]
    over, *under = [p.strip("() ") for p in re.split(r"/(?![^(]*\))", text)]
    if over in ("1", "") and len(under) == 1:
        return _product(under[0], sign="-")
    return "/".join((_product(over), *(_below(part) for part in under)))


def _below(text: str) -> str:
    """Return a denominator; of several factors in brackets, or it would read as another unit."""
    shown = _product(text)
    factors = [p for p in re.split(r"[.·* ]", text) if p and p not in _MATTERS]
    return f"({shown})" if len(factors) > 1 else shown


def _product(text: str, sign: str = "") -> str:
    return NBSP.join(_atom(part, sign) for part in re.split(r"[.·* ]", text) if part)


def _atom(text: str, sign: str) -> str:
    text = text.strip("()")
    if text in _MATTERS:
        return text
    match = _POWER.match(text.replace("(", "").replace(")", ""))
    name, power = (match["atom"], match["power"]) if match else (text, "1" if sign else "")
    name = _WORDS.get(name, name)
    if name.startswith("u") and name != "u":
        name = "µ" + name[1:]
    return name + (sign + power).translate(_RAISED)


def pretty_unit(symbol: str) -> str:
    """Return `typeset`, or the text unchanged when it is not a unit Kerma knows."""
    try:
        return typeset(symbol)
    except InputError:
        return symbol


def pretty_text(text: str) -> str:
    """Return free text with the units that follow numbers typeset and kept on the number's line."""

    def shown(match: re.Match[str]) -> str:
        whole, tail = match["unit"], ""
        while whole and (whole[-1] in ".-/(" or (whole[-1] == ")" and "(" not in whole)):
            whole, tail = whole[:-1], whole[-1] + tail
        # A bracket left open is the beginning of what has been typeset already: mSv/(mGy cm).
        if (not match["gap"] and whole != "%") or whole.count("(") != whole.count(")"):
            return match[0]
        try:
            return _joined(typeset(whole)) + tail
        except InputError:
            return match[0]

    return _IN_TEXT.sub(shown, text)


def _joined(symbol: str) -> str:
    return symbol if symbol in ("", "°") else NBSP + symbol


def number_text(value: Quantity) -> str:
    """Return a result without its unit: ``86.2 ± 0.9`` with U = k u, or the number alone.

    Both parts show the same decimals; the last is the second significant digit of U.
    """
    if not value.expanded:
        return format_number(value.value)
    number = format_number(value.value, value.expanded)
    decimals = len(number.partition(".")[2])
    return f"{number}{NBSP}±{NBSP}{value.expanded:.{decimals}f}"


def result_text(value: Quantity) -> str:
    """Return a result with its uncertainty and unit: ``86.2 ± 0.9 kV``."""
    return number_text(value) + _joined(pretty_unit(str(value.unit)))


def quantity_text(value: Quantity) -> str:
    """Return a number with its unit, without uncertainty: ``50.8 µGy/mAs``."""
    return value.number() + _joined(pretty_unit(str(value.unit)))


def date_text(day: date | None) -> str:
    """Return a date as ``23 Nov 2026``, kept on one line; empty when there is none."""
    return "" if day is None else f"{day.day}{NBSP}{_MONTHS[day.month - 1]}{NBSP}{day.year}"


def time_text(at: datetime | None) -> str:
    """Return ``23 Nov 2026, 14:05 UTC``, or with the offset the moment carries (``UTC+1``)."""
    if at is None:
        return ""
    return f"{date_text(at)}, {at:%H:%M}{NBSP}{_offset(at)}".rstrip()


def _offset(at: datetime) -> str:
    shift = at.utcoffset()
    if shift is None:
        return ""
    minutes = round(shift.total_seconds() / 60)
    if not minutes:
        return "UTC"
    hours, rest = divmod(abs(minutes), 60)
    sign = "+" if minutes > 0 else "\N{MINUS SIGN}"
    return f"UTC{sign}{hours}" + (f":{rest:02d}" if rest else "")
