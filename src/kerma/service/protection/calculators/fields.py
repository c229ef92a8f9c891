"""What a calculator asks for: numbers with units, choices, yes or no, text; and reading them.

What was typed is kept as it was typed, by name: ``dlp`` the number, ``dlp-unit`` its unit,
``dlp-u`` its standard uncertainty. The same names are parameters of the page's address.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from kerma.core import InputError, Quantity
from kerma.core.typeset import pretty_unit
from kerma.core.units import unit

Given = Mapping[str, str]
Option = tuple[str, str]

UNIT, U = "-unit", "-u"
_NUMBER = re.compile(r"([+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d{1,3})?)", re.ASCII)
_COMMA = re.compile(r"[+-]?\d+,\d+.*", re.ASCII)
# A number this far from one, in the unit a field offers first, is a slip of the keyboard or of the
# unit: no calculation here takes one. The ends are wide, as a wrong refusal stops work.
_MOST, _LEAST = 1e9, 1e-12
LONGEST = 200  # characters of one field; more is no number and no name
_MOST_LINES, _LONGEST_ROWS = 200, 6000


@dataclass(frozen=True, slots=True)
class Number:
    """A quantity.

    Attributes
    ----------
    name
        Of the parameter of the calculator's function.
    title, symbol
        As the record of the calculation calls it.
    units
        The one offered first, and others; any of the kind of one of them is taken.
    uncertain
        Whether a standard uncertainty may be given with it.
    """

    name: str
    title: str
    symbol: str
    units: tuple[str, ...]
    hint: str = ""
    optional: bool = False
    uncertain: bool = True

    def read(self, given: Given) -> Quantity | None:
        """Return the quantity typed, or ``None`` for a blank.

        Raises
        ------
        InputError
            ``not-a-number``, ``decimal-comma``, ``no-unit``, ``two-units``, ``unknown-unit``,
            ``wrong-unit``, ``absurd``, ``bad-uncertainty``.
        """
        text = _clean(given.get(self.name, ""))
        if not text:
            return None
        value, typed = _number(text)
        symbol = self._unit(typed, _clean(given.get(self.name + UNIT, "")), text)
        held = Quantity(value, unit(symbol))
        kinds = [u for u in self.units if held.unit.same_kind(unit(u))]
        if not kinds:
            raise InputError(
                f"{self.title} is measured in {_said(self.units)}; {pretty_unit(symbol)} measures "
                "something else.",
                code="wrong-unit",
            )
        self._require_sane(held, kinds[0])
        return Quantity(value, held.unit, self._u(given, held))

    def _unit(self, typed: str, chosen: str, text: str) -> str:
        """Return the unit meant; one behind the number must be the chosen one."""
        if typed and chosen and unit(typed) != unit(chosen):
            a, b = unit(typed), unit(chosen)
            if a.factor != b.factor or not a.same_kind(b):
                raise InputError(
                    f"“{text}” says {pretty_unit(typed)} and the unit chosen beside it is "
                    f"{pretty_unit(chosen)}. Choose one.",
                    code="two-units",
                )
        symbol = chosen or typed
        if not symbol and unit(self.units[0]).dimensions:
            raise InputError(
                f"State the unit of {_lower(self.title)}: {_said(self.units)}.", code="no-unit"
            )
        return symbol or self.units[0]

    def _require_sane(self, held: Quantity, symbol: str) -> None:
        size = abs(held.to(symbol).value)
        if size > _MOST or 0.0 < size < _LEAST:
            raise InputError(
                f"{held} is beyond anything {_lower(self.title)} can be. Check the number and its "
                "unit.",
                code="absurd",
            )

    def _u(self, given: Given, held: Quantity) -> float | None:
        text = _clean(given.get(self.name + U, "")) if self.uncertain else ""
        if not text:
            return None
        try:
            value, symbol = _number(text)
        except InputError as error:
            raise InputError(f"Uncertainty: {error.message}", code=error.code) from None
        if symbol == "%":
            value *= abs(held.value) / 100.0
        elif symbol and unit(symbol) != held.unit:
            value = Quantity(value, unit(symbol)).to(held.unit).value
        if not 0.0 <= value <= _MOST * max(abs(held.value), 1.0):
            raise InputError(
                f"A standard uncertainty of {text} is not possible; it is zero or more.",
                code="bad-uncertainty",
            )
        return value


@dataclass(frozen=True, slots=True)
class Choice:
    """One of several words, which may depend on what was chosen before it.

    Attributes
    ----------
    options
        From what is given so far to (value, words); the value “” stands for none.
    """

    name: str
    title: str
    options: Callable[[Given], Sequence[Option]]
    hint: str = ""
    optional: bool = False

    def read(self, given: Given) -> str | None:
        """Return the value chosen, or ``None`` when nothing is.

        Raises
        ------
        InputError
            ``no-choice``: it is not among the options.
        """
        options = list(self.options(given))
        value = given.get(self.name, "").strip()
        if not value:
            # One option is no choice; nothing is taken for the user that could be another.
            only = options[0][0] if len(options) == 1 else None
            return only if only is not None or not self.optional else ""
        if value not in {v for v, _ in options}:
            known = ", ".join(words for _, words in options[:20]) or "nothing, with what is chosen"
            raise InputError(f"“{value[:60]}” cannot be chosen here. There is: {known}.",
                             code="no-choice")  # fmt: skip
        return value


@dataclass(frozen=True, slots=True)
class Flag:
    """Yes or no; a blank is no answer."""

    name: str
    title: str
    hint: str = ""
    optional: bool = False

    def read(self, given: Given) -> bool | None:
        """Return the answer, or ``None`` for none.

        Raises
        ------
        InputError
            ``not-yes-or-no``.
        """
        text = given.get(self.name, "").strip().lower()
        if not text:
            return None
        if text not in ("yes", "no"):
            raise InputError(f"“{text[:60]}” is neither yes nor no.", code="not-yes-or-no")
        return text == "yes"


@dataclass(frozen=True, slots=True)
class Text:
    """Words, or a list the calculator reads itself."""

    name: str
    title: str
    hint: str = ""
    optional: bool = False

    def read(self, given: Given) -> str | None:
        """Return what was typed, or ``None`` for a blank."""
        return given.get(self.name, "").strip() or None


@dataclass(frozen=True, slots=True)
class Rows:
    """Several numbers a line: bins of a histogram, points of a map; as pasted from a sheet.

    Attributes
    ----------
    columns
        (title, unit) of each number of a line, in order.
    """

    name: str
    title: str
    columns: tuple[Option, ...]
    hint: str = ""
    optional: bool = False

    def read(self, given: Given) -> tuple[tuple[Quantity, ...], ...] | None:
        """Return the lines typed, or ``None`` for a blank.

        Raises
        ------
        InputError
            ``not-a-number``, ``decimal-comma``, ``columns``, ``absurd``, ``too-many``.
        """
        lines = [t for t in given.get(self.name, "").replace(";", "\n").splitlines() if t.strip()]
        if len(lines) > _MOST_LINES:
            raise InputError(f"At most {_MOST_LINES} lines can be given.", code="too-many")
        return tuple(self._line(n, line) for n, line in enumerate(lines, 1)) or None

    def _line(self, n: int, line: str) -> tuple[Quantity, ...]:
        parts = _clean(line.replace("\t", " ").replace(":", " ")).split(" ")
        if len(parts) != len(self.columns):
            wanted = ", ".join(f"{t} ({pretty_unit(u)})" for t, u in self.columns)
            raise InputError(f"Line {n} is not {wanted}: “{line.strip()[:60]}”.", code="columns")
        found = []
        for text, (title, symbol) in zip(parts, self.columns, strict=True):
            value, unit_typed = _number(text)
            if unit_typed:
                raise InputError(f"Line {n}: write {title} in {pretty_unit(symbol)}, without its "
                                 "unit.", code="columns")  # fmt: skip
            if abs(value) > _MOST or 0.0 < abs(value) < _LEAST:
                raise InputError(f"Line {n}: {text} cannot be a {_lower(title)}.", code="absurd")
            found.append(Quantity(value, unit(symbol)))
        return tuple(found)


Field = Number | Choice | Flag | Text | Rows


def names(field: Field) -> tuple[str, ...]:
    """Return the parameters a field has in the address."""
    if isinstance(field, Number):
        return (field.name, field.name + UNIT, *((field.name + U,) if field.uncertain else ()))
    return (field.name,)


def longest(field: Field) -> int:
    """Return how many characters a field may hold."""
    return _LONGEST_ROWS if isinstance(field, Rows) else LONGEST


def fixed(*values: str | Option) -> Callable[[Given], Sequence[Option]]:
    """Return options that never change; a bare value is its own word."""
    options = [(v, v[:1].upper() + v[1:]) if isinstance(v, str) else v for v in values]
    return lambda _: options


def named(values: Callable[[], Any]) -> Callable[[Given], Sequence[Option]]:
    """Return options whose words are their values, taken from the library when asked."""
    return lambda _: [(str(v), str(v)) for v in values()]


def _clean(text: str) -> str:
    return " ".join(text.replace("\N{MINUS SIGN}", "-").split())


def _number(text: str) -> tuple[float, str]:
    """Return a number and whatever unit stands behind it."""
    if _COMMA.fullmatch(text):
        raise InputError(
            f"“{text[:60]}” has a comma. Write the decimal point as a point.", code="decimal-comma"
        )
    match = _NUMBER.match(text)
    rest = text[match.end() :] if match else ""
    # Between number and unit stands a space, as two units may begin like an exponent.
    if match is None or (rest and not rest.startswith((" ", "%", "°"))):
        raise InputError(f"“{text[:60]}” is not a number.", code="not-a-number")
    return float(match[1]), rest.strip()


def _said(units: Sequence[str]) -> str:
    shown = [pretty_unit(u) or "no unit" for u in units]
    return " or ".join(filter(None, (", ".join(shown[:-1]), shown[-1])))


def _lower(title: str) -> str:
    """Return a title inside a sentence: abbreviations keep their capitals."""
    return (
        title if title[1:2].isupper() or not title[1:2].isalpha() else title[0].lower() + title[1:]
    )
