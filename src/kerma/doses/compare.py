"""Two samples of doses beside each other: medians, their ratio with its interval, and a test.

Doses are skewed, so the medians are compared, by resampling, and the whole samples by ranks. A
difference is reported with its size and interval; the probability alone decides nothing.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from kerma.core import InputError
from kerma.doses.statistics import Quantile, quantile

DRAWS = 2000
SEED = 20260101
# Below this a resampled interval of a median says little. Design choice.
LEAST = 10
METHOD = (
    f"ratio of medians by percentile bootstrap ({DRAWS} draws, seed {SEED}); two-sided "
    "Mann-Whitney test with tie correction, normal approximation"
)


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two samples beside each other.

    Attributes
    ----------
    ratio, low, high
        Median of the second over median of the first with its 95 % interval.
    probability
        Two-sided, of ranks as uneven as these if both samples came from one distribution.
    smaller
        Probability that a dose of the second sample is smaller than one of the first (ties half).
    """

    first: Quantile
    second: Quantile
    ratio: float
    low: float
    high: float
    probability: float
    smaller: float

    @property
    def changed(self) -> bool:
        """Whether the interval of the ratio leaves out 1."""
        return not self.low <= 1.0 <= self.high


def compare(first: Sequence[float], second: Sequence[float]) -> Comparison:
    """Compare two samples of doses of the same unit.

    Raises
    ------
    InputError
        ``too-few`` (fewer than 10 in one of them), ``not-finite``, ``zero-median``.
    """
    if min(len(first), len(second)) < LEAST:
        raise InputError(
            f"To compare, {LEAST} examinations of each are needed; there are {len(first)} and "
            f"{len(second)}. Take a longer period.",
            code="too-few",
        )
    one, two = quantile(first, 0.5), quantile(second, 0.5)
    if one.value <= 0.0:
        raise InputError(
            "The median of the first sample is zero, so there is no ratio to it.",
            code="zero-median",
        )
    rng = np.random.default_rng(SEED)
    a, b = np.asarray(first, dtype=float), np.asarray(second, dtype=float)
    drawn = [
        np.median(rng.choice(b, b.size)) / m
        for _ in range(DRAWS)
        if (m := np.median(rng.choice(a, a.size))) > 0.0
    ]
    low, high = np.quantile(drawn, (0.025, 0.975))
    smaller, probability = _mann_whitney(a, b)
    return Comparison(
        one, two, two.value / one.value, float(low), float(high), probability, smaller
    )


def _mann_whitney(a: np.ndarray, b: np.ndarray) -> tuple[float, float]:
    """Return P(b < a) with ties half, and the two-sided probability (Mann and Whitney 1947)."""
    pooled = np.concatenate([a, b])
    _, inverse, counts = np.unique(pooled, return_inverse=True, return_counts=True)
    ends = np.cumsum(counts)
    ranks = (ends - (counts - 1) / 2.0)[inverse]
    n, m = a.size, b.size
    u = float(ranks[:n].sum() - n * (n + 1) / 2.0)
    total = n + m
    ties = float((counts.astype(float) ** 3 - counts).sum())
    variance = n * m / 12.0 * (total + 1 - ties / (total * (total - 1)))
    if variance <= 0.0:
        return 0.5, 1.0
    z = (abs(u - n * m / 2.0) - 0.5) / math.sqrt(variance)
    return u / (n * m), min(1.0, math.erfc(max(z, 0.0) / math.sqrt(2.0)))
