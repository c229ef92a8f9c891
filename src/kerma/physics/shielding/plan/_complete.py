"""Is everything known of a use that it needs? Everything missing is named, not the first alone."""

from __future__ import annotations

import math
from collections.abc import Iterator

from kerma.core import InputError
from kerma.physics.shielding.plan.emission import bins, chosen, direction
from kerma.physics.shielding.plan.uses import (
    BINS,
    CHOICE,
    DIRECTION,
    NUMBER,
    POINTS,
    TEXT,
    USES,
    Parameter,
    Use,
)

MAY_BE_ZERO = frozenset({"axis_deg"})


def incomplete(use: Use) -> Iterator[str]:
    """Yield what is missing or impossible of a use, in words."""
    for asked in USES[use.kind].parameters:
        given = use.given.get(asked.key)
        empty = given is None or given in ("", [], {})
        if empty and not asked.needed:
            continue
        try:
            _look(use, asked)
        except InputError as error:
            yield error.message


def _look(use: Use, asked: Parameter) -> None:
    if asked.kind == NUMBER:
        value = use.number(asked.key)
        if not math.isfinite(value) or not (value > 0.0 or asked.key in MAY_BE_ZERO):
            raise InputError(
                f"{use.said}: {asked.title.lower()} is {value:g}; it must be above zero.",
                code="not-above-zero",
            )
    elif asked.kind == CHOICE:
        chosen(use, asked.key)
    elif asked.kind == DIRECTION:
        direction(use, asked.key)
    elif asked.kind == BINS:
        bins(use, asked.key)
    elif asked.kind == POINTS and not use.given.get(asked.key):
        raise InputError(f"{use.said}: the points are missing.", code="use-incomplete")
    elif asked.kind == TEXT and not _worded(use.given.get(asked.key)):
        raise InputError(
            f"{use.said}: {asked.title[0].lower()}{asked.title[1:]} is missing.",
            code="use-incomplete",
        )


def _worded(given: object) -> bool:
    return isinstance(given, str) and bool(given.strip())
