"""A calculator: which public calculation, what it asks for, and working it out safely."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from kerma.core import InputError, KermaError
from kerma.physics.calculation import Calculation
from kerma.reference import Row, rows
from kerma.service.protection.calculators.fields import (
    Choice,
    Field,
    Given,
    Number,
    longest,
    names,
)

_FAILED = (
    "The calculation has no result for these figures: one of them is far too large or too small. "
    "Check the numbers and their units."
)


@dataclass(frozen=True, slots=True)
class Calculator:
    """One page.

    Attributes
    ----------
    key
        In addresses and on the command line.
    what_for
        One sentence: what a person comes here for.
    function
        Takes the fields by name; a field left blank is not passed.
    method_page
        File of ``docs/methods``, without its ending.
    example
        A set of inputs that works, as typed; to try the page with, not a recommendation.
    covers
        The public calculations of `kerma.physics` it makes; `function` itself when empty.
    draws_on
        How the ids of the reference rows begin that it may rest on.
    others
        What the further results are called, by name.
    slow
        It takes a second or more: worked out when a field is left, not at each key.
    """

    key: str
    title: str
    group: str
    what_for: str
    function: Callable[..., Calculation]
    fields: tuple[Field, ...]
    method_page: str
    example: Mapping[str, str]
    covers: tuple[Callable[..., Calculation], ...] = ()
    draws_on: tuple[str, ...] = ()
    others: Mapping[str, str] = field(default_factory=dict)
    slow: bool = False

    @property
    def functions(self) -> tuple[Callable[..., Calculation], ...]:
        """The public calculations it makes."""
        return self.covers or (self.function,)

    @property
    def parameters(self) -> tuple[str, ...]:
        """Every name it has in the address."""
        return tuple(name for f in self.fields for name in names(f))

    def given(self, query: Mapping[str, Any]) -> dict[str, str]:
        """Return what is given to it of a query: texts that are not blank, no longer than any may.

        Raises
        ------
        InputError
            ``too-long``.
        """
        found = {}
        for item in self.fields:
            for name in names(item):
                text = str(query.get(name, ""))
                if len(text) > longest(item):
                    raise InputError(f"What stands in “{name}” is too long.", code="too-long")
                # A NUL is in no text a person types, and PostgreSQL keeps none.
                if text.strip():
                    found[name] = text.replace("\0", "")
        return found

    def rows(self) -> Iterator[Row]:
        """Yield the reference rows it may rest on."""
        for start in self.draws_on:
            for held in rows(start.partition("/")[0]):
                if held.id.startswith(start):
                    yield held


@dataclass(slots=True)
class Worked:
    """What came of what was given: a calculation, or what is missing or wrong, by field.

    `troubles` under “” belong to no field of their own.
    """

    made: Calculation | None = None
    missing: list[str] = field(default_factory=list)
    troubles: dict[str, str] = field(default_factory=dict)
    code: str = ""


def resolved(calculator: Calculator, given: Given) -> dict[str, str]:
    """Return what is given with each choice that leaves no choice made; later ones depend on it."""
    found = dict(given)
    for item in calculator.fields:
        if isinstance(item, Choice) and not found.get(item.name):
            options = item.options(found)
            if len(options) == 1:
                found[item.name] = options[0][0]
    return found


def worked(calculator: Calculator, given: Given) -> Worked:
    """Work a calculator out; nothing that is typed raises."""
    outcome = Worked()
    values: dict[str, Any] = {}
    given = resolved(calculator, given)
    for item in calculator.fields:
        try:
            value = item.read(given)
        except InputError as error:
            outcome.troubles[item.name], outcome.code = error.message, error.code
            continue
        if value is not None:
            values[item.name] = value
        elif not item.optional:
            outcome.missing.append(item.title)
    if outcome.missing or outcome.troubles:
        return outcome
    try:
        outcome.made = calculator.function(**values)
    except KermaError as error:
        outcome.troubles[_field_of(calculator, error)] = error.message
        outcome.code = error.code
    except (ArithmeticError, ValueError):  # such as the exponential of a slip of the keyboard
        outcome.troubles[""], outcome.code = _FAILED, "no-result"
    return outcome


def work_out(calculator: Calculator, given: Given) -> Calculation:
    """Return the calculation, or refuse with everything that is wrong.

    Raises
    ------
    InputError
        ``missing``; the code of what is wrong.
    """
    found = worked(calculator, given)
    if found.made is not None:
        return found.made
    titles = {f.name: f.title for f in calculator.fields}
    wrong = [f"{titles[n]}: {t}" if n else t for n, t in found.troubles.items()]
    if found.missing:
        wrong.append(f"Still needed: {', '.join(found.missing)}.")
    raise InputError(" ".join(wrong), code=found.code or "missing")


def _field_of(calculator: Calculator, error: KermaError) -> str:
    """Return the field a refusal of the library is about, where it says so."""
    symbol = error.detail.get("input")
    of = (f.name for f in calculator.fields if isinstance(f, Number) and f.symbol == symbol)
    return next(of, "") if symbol else ""
