"""What was typed into a saved calculation, as a person reads it."""

from __future__ import annotations

from kerma.core.typeset import pretty_unit
from kerma.service.protection.calculators.fields import UNIT, Choice, Field, Number, U
from kerma.service.protection.calculators.kinds import calculators
from kerma.service.protection.models import SavedCalculation


def typed(row: SavedCalculation) -> list[tuple[str, str, str]]:
    """Return title, symbol and text of each field that was filled in.

    Where the calculator is not there any more, the names as they were kept.
    """
    held = calculators().get(row.calculator)
    if held is None:
        return [(name, "", str(text)) for name, text in row.inputs.items()]
    found = ((f.title, getattr(f, "symbol", ""), _text(f, row)) for f in held.fields)
    return [line for line in found if line[2]]


def _text(field: Field, row: SavedCalculation) -> str:
    text = str(row.inputs.get(field.name, "")).strip()
    if isinstance(field, Choice):
        return dict(field.options(row.inputs)).get(text, text)
    if not isinstance(field, Number):
        return "; ".join(text.splitlines())
    unit = pretty_unit(str(row.inputs.get(field.name + UNIT, "")))
    u = row.inputs.get(field.name + U, "")
    value = f"{text} {unit}".strip() if text else ""
    return f"{value}, u = {u}" if value and u else value
