"""Percentiles of dose samples with exact confidence limits, and when a sample is large enough.

Order statistics: of n independent values the r-th smallest lies below the p-quantile unless fewer
than r values do, and the number that do is binomial (n, p). No distribution is assumed.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from kerma.core import InputError

# Each tail of a two-sided 95 % interval.
TAIL = 0.025
METHOD = (
    "quantile by linear interpolation (Hyndman and Fan type 7); 95 % interval by exact binomial "
    "order statistics, at most 2.5 % in each tail"
)


@dataclass(frozen=True, slots=True)
class Quantile:
    """A quantile of a sample.

    Attributes
    ----------
    value
        Hyndman-Fan type 7.
    low, high
        Ends of the 95 % interval; ``None`` where the sample is too small for that end to exist.
    ranks
        Which order statistics the ends are, counted from 1.
    """

    p: float
    count: int
    value: float
    low: float | None
    high: float | None
    ranks: tuple[int | None, int | None]


@lru_cache(maxsize=4096)
def interval_ranks(count: int, p: float, tail: float = TAIL) -> tuple[int | None, int | None]:
    """Return the ranks of the order statistics that bound the p-quantile.

    The lower is the largest r with P(X <= r - 1) <= tail, the upper the smallest s with
    P(X >= s) <= tail, X binomial (n, p) (David and Nagaraja, Order Statistics, 3rd ed., 7.1).

    Raises
    ------
    InputError
        Code ``bad-quantile``.
    """
    if not 0.0 < p < 1.0 or count < 1:
        raise InputError("A quantile lies between 0 and 1, of one value or more.",
                         code="bad-quantile")  # fmt: skip
    lower = upper = None
    total = 0.0
    # P(X <= k) grows with k: both ends are found on one pass. It begins where what lies below is
    # under 1e-30 (12 standard deviations; Chernoff), far from any tail asked for.
    first = math.floor(count * p - 12.0 * math.sqrt(count * p * (1.0 - p)) - 12.0)
    for k in range(max(0, first), count + 1):
        total += _binomial(count, k, p)
        if total <= tail:
            lower = k + 1
        if upper is None and 1.0 - total <= tail and k + 1 <= count:
            upper = k + 1
            break
    return lower, upper


def _binomial(n: int, k: int, p: float) -> float:
    logs = math.lgamma(n + 1) - math.lgamma(k + 1) - math.lgamma(n - k + 1)
    return math.exp(logs + k * math.log(p) + (n - k) * math.log1p(-p))


def quantile(values: Sequence[float], p: float) -> Quantile:
    """Return a quantile of a sample with its exact 95 % interval.

    Raises
    ------
    InputError
        ``no-values``; ``not-finite``; ``bad-quantile``.
    """
    ordered = sorted(values)
    count = len(ordered)
    if not count:
        raise InputError("There is no value to take a percentile of.", code="no-values")
    if not all(map(math.isfinite, ordered)):
        raise InputError("A dose is not a number.", code="not-finite")
    ranks = interval_ranks(count, p)
    place = (count - 1) * p
    below = math.floor(place)
    above = min(below + 1, count - 1)
    value = ordered[below] + (place - below) * (ordered[above] - ordered[below])
    low, high = (None if rank is None else ordered[rank - 1] for rank in ranks)
    return Quantile(p, count, value, low, high, ranks)


def placed(limit: float, found: Quantile) -> str:
    """Say where a limit stands to a quantile: ``above``, ``below`` or ``not separable``.

    ``above`` means that the quantile lies above the limit with its whole interval; an interval
    without an end decides nothing on that side.
    """
    if found.low is not None and found.low > limit:
        return "above"
    if found.high is not None and found.high <= limit:
        return "below"
    return "not separable"
