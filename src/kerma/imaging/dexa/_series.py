"""What the densitometry measurements share: dates in order, and the three plain descriptions."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
import numpy.typing as npt

from kerma.core import InputError

Array = npt.NDArray[np.floating[Any]]

DAYS_PER_YEAR = 365.25
# Design choice: readings on each side of a step.
_SHORTEST = 5


def parse_dates(texts: Sequence[str]) -> list[date]:
    """Return dates written as 2026-01-31.

    Raises
    ------
    InputError
        Code ``bad-date``.
    """
    found = []
    for number, text in enumerate(texts, 1):
        try:
            found.append(date.fromisoformat(text.strip()))
        except ValueError:
            raise InputError(
                f"“{text}” in row {number} is not a date. Write it as 2026-01-31.",
                code="bad-date",
                detail={"row": number},
            ) from None
    return found


@dataclass(frozen=True, slots=True)
class Drift:
    """Least-squares slope per year, its uncertainty, and the residual sum of squares."""

    per_year: float
    u: float
    squares: float


@dataclass(frozen=True, slots=True)
class Step:
    """The one step that describes a series best: first reading after it, size, uncertainty."""

    at: int
    size: float
    u: float
    squares: float


def drift(years: Array, values: Array) -> Drift | None:
    """Fit a straight line against time; ``None`` without three readings at different times."""
    spread = float(((years - years.mean()) ** 2).sum())
    if len(values) < 3 or spread == 0:
        return None
    slope = float(((years - years.mean()) * values).sum()) / spread
    squares = float(((values - values.mean() - slope * (years - years.mean())) ** 2).sum())
    return Drift(slope, math.sqrt(squares / (len(values) - 2) / spread), squares)


def step(values: Array) -> Step | None:
    """Find the step that leaves the smallest residuals, five readings or more on each side."""
    n = len(values)
    if n < 2 * _SHORTEST:
        return None
    at = np.arange(_SHORTEST, n - _SHORTEST + 1)
    sums, total = np.cumsum(values), float(values.sum())
    before = sums[at - 1] / at
    after = (total - sums[at - 1]) / (n - at)
    # The squares a step explains: n1 n2 / n times the square of its size.
    explained = at * (n - at) / n * (after - before) ** 2
    best = int(np.argmax(explained))
    squares = float(((values - values.mean()) ** 2).sum() - explained[best])
    first = int(at[best])
    sd = math.sqrt(max(0.0, squares) / (n - 2))
    u = sd * math.sqrt(1.0 / first + 1.0 / (n - first))
    return Step(first, float(after[best] - before[best]), u, max(0.0, squares))


def best_description(values: Array, line: Drift | None, jump: Step | None) -> str:
    """Return ``stable``, ``drift`` or ``step``, by the Bayesian information criterion.

    A drift has one number more than a constant, a step two (its size and its time).
    """
    n = len(values)
    floor = 1e-12 * float((values**2).sum()) + 1e-300

    def criterion(squares: float, numbers: int) -> float:
        return n * math.log((squares + floor) / n) + numbers * math.log(n)

    scores = {"stable": criterion(float(((values - values.mean()) ** 2).sum()), 1)}
    if line is not None:
        scores["drift"] = criterion(line.squares, 2)
    if jump is not None:
        scores["step"] = criterion(jump.squares, 3)
    return min(scores, key=lambda name: scores[name])
