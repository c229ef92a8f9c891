"""A calculation as text and as plain data: for the command line, other systems and the pages."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from kerma.core import InputError, Quantity
from kerma.core import quantity as quantity_of
from kerma.core.quantity import format_number
from kerma.core.typeset import pretty_unit, result_text
from kerma.physics.calculation import Calculation, Input
from kerma.service.protection.calculators.calculator import Calculator, work_out
from kerma.service.protection.calculators.fields import Choice, Field, Flag, Number, Rows


def headline(made: Calculation) -> str:
    """Return a result as it is read: value, unit and U; of a risk in words “1 in 2 000”."""
    if made.name == "risk-words":
        return f"1 in {made.value.value:,.0f}".replace(",", "\u202f")
    return result_text(made.value)


def working(made: Calculation) -> str:
    """Return what `Calculation.text` says with its units typeset.

    The lines between inputs and result are set by the library already and stay as they are.
    """
    head = [f"{i.symbol or i.title}: {i.words or _said(i)}{_from(i)}" for i in made.inputs]
    unit = pretty_unit(str(made.value.unit))
    result = f"= {made.value.number()} {unit}".rstrip()
    if made.value.expanded:
        u = uncertainty(quantity_of(made.value.expanded, str(made.value.unit)))
        result += f", U = {u} (k = {made.value.k:g})"
    return "\n".join([made.title, *head, *made.working, result])


def _said(given: Input) -> str:
    return result_text(given.value) if given.value else "–"


def _from(given: Input) -> str:
    return f"  [{given.source}]" if given.source else ""


def uncertainty(u: Quantity) -> str:
    """Return an uncertainty as it is written: two significant digits (JCGM 100:2008, 7.2.6)."""
    number = format_number(u.value, u.value)
    return f"{number} {pretty_unit(str(u.unit))}".rstrip()


def answer(item: Calculator, query: Mapping[str, str]) -> dict[str, Any]:
    """Return a calculation worked out of named texts, as plain data.

    Raises
    ------
    InputError
        ``unknown-input``; those of `work_out`.
    """
    unknown = [name for name in query if name not in item.parameters]
    if unknown:
        raise InputError(
            f"{item.title} takes no “{unknown[0][:60]}”. It takes: {', '.join(item.parameters)}.",
            code="unknown-input",
        )
    given = item.given(query)
    made = work_out(item, given)
    return {
        "calculator": item.key, "inputs": given, "value": made.value.as_dict(),
        "sha256": made.sha256, "calculation": made.as_dict(), "text": working(made),
    }  # fmt: skip


def described(item: Calculator) -> dict[str, Any]:
    """Return what a calculator is for and what it takes, as plain data."""
    return {
        "key": item.key, "title": item.title, "group": item.group, "what_for": item.what_for,
        "fields": [_field(f) for f in item.fields], "example": dict(item.example),
    }  # fmt: skip


def _field(field: Field) -> dict[str, Any]:
    told: dict[str, Any] = {"name": field.name, "title": field.title, "optional": field.optional}
    if field.hint:
        told["hint"] = field.hint
    if isinstance(field, Number):
        told |= {"symbol": field.symbol, "units": list(field.units), "uncertain": field.uncertain}
    elif isinstance(field, Choice):
        told["options"] = [value for value, _ in field.options({}) if value]
    elif isinstance(field, Flag):
        told["options"] = ["yes", "no"]
    elif isinstance(field, Rows):
        told["columns"] = [list(column) for column in field.columns]
    return told
