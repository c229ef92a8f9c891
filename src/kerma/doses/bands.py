"""Bands of age and mass: which patients are compared with which.

A band is written as an interval of years, months or kilograms: ``1-<6 y``, ``5-<15 kg``,
``>=16 y``. Lower ends belong to the band and upper ends do not, unless the text says otherwise
(``>1-5 y``).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import pairwise

from kerma.core import InputError

_UNIT = {"y": 1.0, "m": 1.0 / 12.0, "months": 1.0 / 12.0, "kg": 1.0}
_BETWEEN = re.compile(r"^(>=|>)?\s*([\d.]+)\s*[-–]\s*(<=|<)?\s*([\d.]+)\s*(y|m|months|kg)$")
_ONE_SIDED = re.compile(r"^(>=|<=|>|<)\s*([\d.]+)\s*(y|m|months|kg)$")


@dataclass(frozen=True, slots=True)
class Band:
    """An interval; ends are in years or kilograms and belong to it or not."""

    text: str
    low: float
    high: float
    low_in: bool
    high_in: bool

    def holds(self, value: float | None) -> bool:
        """Return whether a value lies in the band; a missing value lies in none."""
        if value is None:
            return False
        above = value >= self.low if self.low_in else value > self.low
        below = value <= self.high if self.high_in else value < self.high
        return above and below


def band(text: str) -> Band:
    """Read a band.

    Raises
    ------
    InputError
        Code ``bad-band``.
    """
    words = text.strip().replace("≥", ">=").replace("≤", "<=")
    if found := _BETWEEN.match(words):
        first, low, last, high, unit = found.groups()
        ends = float(low) * _UNIT[unit], float(high) * _UNIT[unit]
        # “>1-5 y” shuts the upper end; “1-<6 y” and plain “1-6 y” leave it to the next band.
        read = Band(text, *ends, low_in=first != ">", high_in=last == "<=" or first == ">")
        if ends[0] < ends[1]:
            return read
    elif found := _ONE_SIDED.match(words):
        sign, end, unit = found.groups()
        edge = float(end) * _UNIT[unit]
        if sign in (">", ">="):
            return Band(text, edge, float("inf"), low_in=sign == ">=", high_in=False)
        return Band(text, float("-inf"), edge, low_in=True, high_in=sign == "<=")
    raise InputError(
        f"“{text}” is not a band. Write it like “1-<6 y”, “5-<15 kg”, “>=16 y” or “<3 m”.",
        code="bad-band",
    )


def overlapping(bands: tuple[Band, ...]) -> tuple[Band, Band] | None:
    """Return two bands that share values, if any do; a patient must be in one only."""
    ordered = sorted(bands, key=lambda b: (b.low, not b.low_in))
    for one, two in pairwise(ordered):
        if two.low < one.high or (two.low == one.high and one.high_in and two.low_in):
            return one, two
    return None
