"""What the pages of a calculator show: its fields with what was typed, its result."""

from __future__ import annotations

from dataclasses import dataclass
from dataclasses import field as made_by
from typing import Any
from urllib.parse import urlencode

from kerma.core import InputError
from kerma.core.typeset import pretty_unit
from kerma.core.units import unit
from kerma.physics.calculation import Calculation, Contribution
from kerma.service.protection.calculators.calculator import Calculator, Worked, resolved
from kerma.service.protection.calculators.fields import (
    UNIT,
    Choice,
    Field,
    Flag,
    Given,
    Number,
    Option,
    Rows,
    U,
)
from kerma.service.protection.calculators.states import RowState, row_states
from kerma.service.protection.calculators.working import headline, uncertainty, working
from kerma.service.web.components.numbers import quantity

_YES_NO = [("yes", "Yes"), ("no", "No")]


@dataclass(frozen=True, slots=True)
class Line:
    """A field as the form draws it."""

    field: Field
    kind: str
    value: str
    trouble: str = ""
    options: list[Option] = made_by(default_factory=list)
    units: list[Option] = made_by(default_factory=list)
    unit: str = ""
    u: str = ""
    blank: str = ""
    hidden: bool = False

    @property
    def u_name(self) -> str:
        """Name of the input of the uncertainty."""
        return self.field.name + U

    @property
    def unit_name(self) -> str:
        """Name of the choice of unit."""
        return self.field.name + UNIT

    @property
    def fixed_unit(self) -> bool:
        """Whether there is nothing to choose."""
        return len(self.units) == 1


def lines(calculator: Calculator, given: Given, troubles: dict[str, str]) -> list[Line]:
    """Return the form's fields with what was typed and what is wrong with it."""
    whole = resolved(calculator, given)
    found = []
    for item in calculator.fields:
        trouble = troubles.get(item.name, "")
        if isinstance(item, Number):
            found.append(_number(item, given, trouble))
        elif isinstance(item, Choice):
            found.append(_choice(item, whole, trouble))
        elif isinstance(item, Flag):
            found.append(Line(item, "flag", given.get(item.name, ""), trouble, _YES_NO))
        elif isinstance(item, Rows):
            found.append(Line(item, "rows", given.get(item.name, ""), trouble))
        else:
            found.append(Line(item, "text", given.get(item.name, ""), trouble))
    return found


def _choice(item: Choice, whole: Given, trouble: str) -> Line:
    offered = list(item.options(whole))
    value = whole.get(item.name, "")
    options = [o for o in offered if o[0]]
    # What was chosen for something else stays visible, so that it can be put right.
    if value and value not in {v for v, _ in options}:
        options.append((value, value[:60]))
    # A blank that is offered has words of its own; else it asks to choose.
    blank = next((words for v, words in offered if not v), "")
    nothing = bool(offered) and not options
    return Line(item, "choice", value, trouble, options, blank=blank, hidden=nothing)


def _number(item: Number, given: Given, trouble: str) -> Line:
    chosen = given.get(item.name + UNIT, "")
    symbols = [*item.units, *([chosen] if chosen and chosen not in item.units else [])]
    bare = not _kind(item.units[0])
    units = [(s, pretty_unit(s)[:40] or "no unit") for s in symbols]
    return Line(
        item, "number", given.get(item.name, ""), trouble, units=[] if bare and not chosen and
        len(units) == 1 else units,
        unit=chosen or item.units[0], u=given.get(item.name + U, ""),
    )  # fmt: skip


def _kind(symbol: str) -> Any:
    try:
        return unit(symbol).dimensions
    except InputError:
        return ()


@dataclass(frozen=True, slots=True)
class Result:
    """A calculation as the pages draw it."""

    made: Calculation
    rows: list[RowState]
    others: list[tuple[str, Any]]

    @property
    def unverified(self) -> list[RowState]:
        """Return the rows that stand in the way of issue."""
        return [r for r in self.rows if not r.verified]

    @property
    def headline(self) -> str:
        """Return the result as it is read."""
        return headline(self.made)

    @property
    def shown_others(self) -> list[tuple[str, str]]:
        """Return the further results as words."""
        return [(title, quantity(value)) for title, value in self.others]

    @property
    def text(self) -> str:
        """Return the calculation as a physicist would write it down."""
        return working(self.made)

    @property
    def budget(self) -> list[tuple[Contribution, str, str]]:
        """Return each contribution with its uncertainties, to two significant digits."""
        return [(c, uncertainty(c.u_input), uncertainty(c.u_result)) for c in self.made.budget]

    @property
    def states(self) -> dict[str, RowState]:
        """Return the state of each row by its id."""
        return {r.source.row: r for r in self.rows}


def result(made: Calculation, titles: Any) -> Result:
    """Return what is drawn of a calculation; `titles` names its further results."""
    others = [
        (titles.get(name, name.replace("_", " ").capitalize()), value)
        for name, value in made.others.items()
    ]
    return Result(made, row_states(made.sources), others)


def address(given: Given) -> str:
    """Return what is given as the query of an address; blanks left out."""
    return urlencode(dict(given))


def page(calculator: Calculator, given: Given, outcome: Worked) -> dict[str, Any]:
    """Return what the page of a calculator shows."""
    return {
        "calculator": calculator,
        "lines": lines(calculator, given, outcome.troubles),
        "general": outcome.troubles.get("", ""),
        "troubles": len(outcome.troubles),
        "missing": outcome.missing,
        "blank": not given,
        "result": result(outcome.made, calculator.others) if outcome.made else None,
        "query": address(given),
        "keepable": True,
        "example": address(calculator.example),
    }
