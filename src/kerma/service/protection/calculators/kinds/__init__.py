"""The calculators, one file a subject; a new one is an entry, a new file is a line here."""

from __future__ import annotations

from functools import cache

from kerma.core import InputError
from kerma.service.protection.calculators.calculator import Calculator
from kerma.service.protection.calculators.kinds import (
    beams,
    body,
    breast,
    ct,
    projection,
    shielding_ncrp,
    shielding_transmission,
    shielding_uk,
    staff,
)

_SUBJECTS = (
    beams, ct, projection, breast, body, staff,
    shielding_transmission, shielding_ncrp, shielding_uk,
)  # fmt: skip


@cache
def calculators() -> dict[str, Calculator]:
    """Return every calculator by key, in the order of the pages."""
    found: dict[str, Calculator] = {}
    for subject in _SUBJECTS:
        for item in subject.CALCULATORS:
            if item.key in found:
                raise InputError(f"Two calculators are called {item.key}.", code="duplicate-key")
            found[item.key] = item
    return found


def find(key: str) -> Calculator:
    """Return a calculator.

    Raises
    ------
    InputError
        ``unknown-calculator``.
    """
    if key not in calculators():
        raise InputError(
            f"There is no calculator “{key}”. There are: {', '.join(calculators())}.",
            code="unknown-calculator",
        )
    return calculators()[key]
