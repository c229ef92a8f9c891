"""Control charts of a series of repeated readings: run rules and the tabular CUSUM."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.floating[Any]]
Mask = npt.NDArray[np.bool_]

# Western Electric (1956) and Westgard (Clin. Chem. 27 (1981) 493) rules as used for bone
# densitometers; recalled. Name: (how many of the last so many, beyond this many SD on one side).
RUN_RULES: Mapping[str, tuple[int, int, float]] = {
    "1_beyond_3sd": (1, 1, 3.0),
    "2_of_3_beyond_2sd": (2, 3, 2.0),
    "4_of_5_beyond_1sd": (4, 5, 1.0),
    "10_on_one_side": (10, 10, 0.0),
}


def run_rules(z: Array) -> dict[str, Mask]:
    """Return, for each rule, the readings that complete it.

    A reading completes a rule when it is itself beyond the rule's limit and enough of the last
    readings, it included, are beyond it on the same side.

    Parameters
    ----------
    z
        Deviations from the baseline mean in baseline standard deviations, in order of time.
    """
    found = {}
    for name, (count, last, limit) in RUN_RULES.items():
        marks = np.zeros(len(z), dtype=bool)
        for side in (1.0, -1.0):
            beyond = side * z > limit
            sums = np.cumsum(np.concatenate(([0], beyond.astype(int))))
            ends = np.arange(1, len(z) + 1)
            inside = sums[ends] - sums[np.maximum(0, ends - last)]
            marks |= beyond & (inside >= count)
        found[name] = marks
    return found


@dataclass(frozen=True, slots=True)
class Signal:
    """A CUSUM signal.

    Attributes
    ----------
    at
        Reading at which the sum passed the decision interval.
    since
        First reading of the run that led to it: the estimated time of the change.
    change
        Estimated change in baseline standard deviations.
    """

    at: int
    since: int
    change: float


@dataclass(frozen=True, slots=True, eq=False)
class Cusum:
    """The two sums after each reading, and the signals."""

    high: Array
    low: Array
    signals: tuple[Signal, ...]


def cusum(z: Array, k: float, h: float) -> Cusum:
    """Return the tabular CUSUM of a series.

    C+ = max(0, z - k + C+), C- = max(0, -z - k + C-); a signal where one is above h, after which
    both start again from zero. The change is estimated as k + C+ / N+ (or minus that), N+ the
    readings since C+ left zero (Montgomery, Introduction to Statistical Quality Control).

    Parameters
    ----------
    z
        Deviations in baseline standard deviations, in order of time.
    k, h
        Reference value and decision interval, in the same unit.
    """
    sums = np.zeros((2, len(z)))
    signals = []
    now, length = [0.0, 0.0], [0, 0]
    for i, value in enumerate(z):
        for n, side in enumerate((1.0, -1.0)):
            now[n] = max(0.0, side * float(value) - k + now[n])
            length[n] = length[n] + 1 if now[n] > 0 else 0
            sums[n, i] = now[n]
        for n, side in enumerate((1.0, -1.0)):
            if now[n] > h:
                signals.append(Signal(i, i - length[n] + 1, side * (k + now[n] / length[n])))
                now, length = [0.0, 0.0], [0, 0]
                break
    return Cusum(sums[0], sums[1], tuple(signals))
