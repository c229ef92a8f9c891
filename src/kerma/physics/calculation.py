"""The record every calculation returns: value, uncertainty budget, assumptions, rows, working.

A calculation is a function of quantities and of rows of reference data. Its uncertainty is
propagated through the function itself (JCGM 100:2008, 5.1.3 note 2: the change of the result when
an input moves by its standard uncertainty either way), so the budget cannot disagree with the
equation.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from kerma import __version__
from kerma.core import InputError, Quantity, Source, content_hash, quantity
from kerma.core.codec import decode, encode
from kerma.core.quantity import format_number
from kerma.reference import Row, row

Values = Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Input:
    """One input: a measured quantity, a coefficient, a choice in words.

    Attributes
    ----------
    title
        As a physicist calls it, with its symbol: “Dose-length product, DLP”.
    symbol
        As the working writes it.
    source
        Id of the reference row it is from; empty for what the user gave.
    """

    title: str
    symbol: str
    value: Quantity | None = None
    words: str = ""
    source: str = ""


@dataclass(frozen=True, slots=True)
class Contribution:
    """What one input adds to the uncertainty: u of the result from it alone, and its share."""

    symbol: str
    title: str
    u_input: Quantity
    u_result: Quantity
    share: float


@dataclass(frozen=True, slots=True)
class Call:
    """The function that made a calculation, and its arguments as given (`kerma.physics.calls`)."""

    function: str
    arguments: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Calculation:
    """A calculation as it was made.

    Attributes
    ----------
    name, version
        Of the method; the version rises whenever the same input may give another number.
    value
        With its combined standard uncertainty.
    others
        Further results of the same calculation, by name.
    budget
        Contributions of every input that has an uncertainty, the largest first.
    sources
        The rows it rests on, with their state.
    assumptions, limits
        What it takes for granted; what it must not be used for.
    working
        Lines a physicist can check with a pocket calculator.
    call
        How it was asked for; `kerma.physics.registry` makes it again. ``None`` in records kept
        before there was one.
    """

    name: str
    version: str
    title: str
    value: Quantity
    inputs: tuple[Input, ...]
    budget: tuple[Contribution, ...] = ()
    others: Mapping[str, Quantity] = field(default_factory=dict)
    sources: tuple[Source, ...] = ()
    assumptions: tuple[str, ...] = ()
    limits: tuple[str, ...] = ()
    working: tuple[str, ...] = ()
    package: str = __version__
    call: Call | None = None

    @property
    def recalled(self) -> tuple[str, ...]:
        """The rows it rests on that nobody has read in their document when they were compiled."""
        return tuple(s.row for s in self.sources if s.confidence == "recalled")

    @property
    def sha256(self) -> str:
        """Hash of everything but the version of the package: the same bits when made again."""
        data = self.as_dict()
        del data["package"]
        return content_hash(data)

    def as_dict(self) -> dict[str, Any]:
        """Return plain data; `from_dict` gives the record back."""
        data: dict[str, Any] = encode(self)
        data["sources"] = [s.as_dict() for s in self.sources]
        if self.call is None:  # so that a record kept before calls were keeps its hash
            del data["call"]
        return data

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Calculation:
        """Rebuild a stored record."""
        return decode(cls, data)

    def text(self) -> str:
        """Return the calculation as a physicist would write it down."""
        lines = [f"{self.title}", *(_input_line(i) for i in self.inputs), *self.working]
        result = f"= {self.value}"
        if self.value.expanded:
            # Two significant digits of an uncertainty (JCGM 100:2008, 7.2.6).
            u = format_number(self.value.expanded, self.value.expanded)
            result += f", U = {u} {self.value.unit}".removesuffix(" 1") + " (k = 2)"
        return "\n".join([*lines, result])


def _input_line(given: Input) -> str:
    said = given.words or str(given.value)
    where = f"  [{given.source}]" if given.source else ""
    return f"{given.symbol or given.title}: {said}{where}"


class Record:
    """Collects what a calculation uses while it is worked out, and makes its record.

    >>> made = Record("ct-effective-dose", "1", "Effective dose from DLP")
    >>> dlp = made.given("Dose-length product", "DLP", quantity(400, "mGy.cm", 20), "mGy.cm")
    """

    def __init__(self, name: str, version: str, title: str) -> None:
        self.name, self.version, self.title = name, version, title
        self.inputs: list[Input] = []
        self.rows: dict[str, Row] = {}
        self.assumptions: list[str] = []
        self.limits: list[str] = []
        self.working: list[str] = []
        self._values: dict[str, tuple[float, float, str, str]] = {}

    def given(
        self, title: str, symbol: str, value: Quantity, unit: str, *, above_zero: bool = True
    ) -> float:
        """Take a quantity the user gave, in the unit the equation works in.

        Raises
        ------
        InputError
            ``wrong-unit``; ``not-above-zero``.
        """
        inside = value.to(unit)
        if above_zero and not inside.value > 0.0:
            raise InputError(
                f"{title} is {value}; it must be above zero.",
                code="not-above-zero",
                detail={"input": symbol},
            )
        self.inputs.append(Input(title, symbol, value))
        self._values[symbol] = (inside.value, inside.u or 0.0, unit, title)
        return inside.value

    def choice(self, title: str, words: str) -> None:
        """Note a choice that is no number: a set of coefficients, a region, a phantom."""
        self.inputs.append(Input(title, "", words=words))

    def coefficient(
        self,
        title: str,
        symbol: str,
        found: Row | str,
        column: str,
        unit: str,
        *,
        u_relative: float | None = None,
    ) -> float:
        """Take a coefficient from a reference row; the row becomes one the result rests on.

        Raises
        ------
        InputError
            ``not-a-number``.
        """
        held = row(found) if isinstance(found, str) else found
        value = held.number(column)
        u = abs(value) * u_relative if u_relative else None
        self.rows[held.id] = held
        self.inputs.append(Input(title, symbol, quantity(value, unit, u), source=held.id))
        self._values[symbol] = (value, u or 0.0, unit, title)
        return value

    def rests_on(self, found: Row | str) -> Row:
        """Name a row the result rests on without a number of its own."""
        held = row(found) if isinstance(found, str) else found
        self.rows[held.id] = held
        return held

    def assume(self, *sentences: str) -> None:
        """Add assumptions."""
        self.assumptions = list(dict.fromkeys([*self.assumptions, *sentences]))

    def limit(self, *sentences: str) -> None:
        """Add limits of use."""
        self.limits = list(dict.fromkeys([*self.limits, *sentences]))

    def work(self, *lines: str) -> None:
        """Add lines of the working."""
        self.working += lines

    def result(
        self,
        equation: Callable[[Values], float],
        unit: str,
        *,
        others: Mapping[str, Quantity] | None = None,
    ) -> Calculation:
        """Evaluate the equation and its budget, and return the record.

        Parameters
        ----------
        equation
            From the inputs by symbol, each in the unit it was taken in, to the result in `unit`.
        unit
            Of the result.
        others
            Further results.

        Raises
        ------
        InputError
            ``not-finite``.
        """
        values = {symbol: v for symbol, (v, _, _, _) in self._values.items()}
        try:
            value = equation(values)
            parts = self._parts(equation, values, unit)
            u = math.sqrt(math.fsum(c.u_result.value**2 for c in parts)) if parts else None
        except (ValueError, ZeroDivisionError, OverflowError):
            raise InputError(
                f"{self.title} has no number for these inputs: one of them is far too large or "
                "small. Look at the values and their units.",
                code="not-finite",
            ) from None
        shares = tuple(replace(c, share=(c.u_result.value / u) ** 2 if u else 0.0) for c in parts)
        return Calculation(
            name=self.name,
            version=self.version,
            title=self.title,
            value=quantity(value, unit, u),
            inputs=tuple(self.inputs),
            budget=tuple(sorted(shares, key=lambda c: -c.share)),
            others=dict(others or {}),
            sources=tuple(r.source for r in self.rows.values()),
            assumptions=tuple(self.assumptions),
            limits=tuple(self.limits),
            working=tuple(self.working),
        )

    def _parts(
        self, equation: Callable[[Values], float], values: Values, unit: str
    ) -> list[Contribution]:
        found = []
        for symbol, (value, u, kept, title) in self._values.items():
            if not u:
                continue
            ends = []
            for moved in (value + u, value - u):
                try:
                    ends.append(equation({**values, symbol: moved}))
                except (ValueError, ZeroDivisionError, OverflowError):
                    raise InputError(
                        f"The uncertainty of {title} is too large for this calculation.",
                        code="uncertainty-too-large",
                        detail={"input": symbol},
                    ) from None
            change = abs(ends[0] - ends[1]) / 2.0
            found.append(
                Contribution(symbol, title, quantity(u, kept), quantity(change, unit), 0.0)
            )
        return found


def changed_by(made: Calculation, again: Calculation) -> float | None:
    """Return by how much a calculation made again differs, relative; ``None`` when not at all."""
    if made.value.value == again.value.value:
        return None
    scale = abs(made.value.value) or abs(again.value.value)
    return (again.value.to(str(made.value.unit)).value - made.value.value) / scale


def rows_changed(made: Calculation) -> list[str]:
    """Return the rows a stored calculation rests on that have another content now, or are gone."""
    found = []
    for source in made.sources:
        try:
            same = row(source.row).sha256 == source.sha256
        except InputError:
            same = False
        if not same:
            found.append(source.row)
    return found


def as_relative(values: Sequence[float]) -> float:
    """Return independent relative uncertainties combined: the root of their squares' sum."""
    return math.sqrt(math.fsum(v * v for v in values))


def exact(given: Quantity, unit: str, why: str) -> float:
    """Return a value in a unit that may have no uncertainty, as no budget could take it in.

    Raises
    ------
    InputError
        ``bad-uncertainty``, in the words of `why`; ``wrong-unit``.
    """
    if given.u:
        raise InputError(why, code="bad-uncertainty")
    return given.to(unit).value
