"""What can go wrong in a formula: a mistake in it (when loaded) or too little data (when run)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kerma.core import InputError

if TYPE_CHECKING:
    from kerma.protocols.formula.shape import Shape


class NotEnoughError(InputError):
    """The readings there are do not allow the formula to be worked out."""

    code = "not-enough-data"


def units_differ(a: Shape, b: Shape) -> InputError:
    """Say that two values may not be added or compared."""
    return InputError(
        f"A value in {a} cannot be taken together with one in {b}: they measure different things.",
        code="formula-unit",
    )
