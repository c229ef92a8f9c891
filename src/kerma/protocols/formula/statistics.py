"""The numbers behind the named functions.

Numbers are floats, or uncertain numbers of the `uncertainties` package, in coherent units. Scatter
is taken from the nominal values; the uncertainty each reading brought (calibration) follows
through the derivatives, so that what is common to numerator and denominator cancels.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import uncertainties
from uncertainties import umath
from uncertainties.core import AffineScalarFunc

from kerma.protocols.formula.errors import NotEnoughError

Number = Any
Values = list[Number]

# The package is untyped, and makes some functions when imported where no checker can see them.
_log: Callable[[Number], Number] = vars(umath)["log"]
_uncertain: Callable[[float, float], Number] = uncertainties.ufloat
# A spread this far below the mean is the rounding of the mean itself: the readings are equal.
_ROUNDING = 1e-14


def nominal(x: Number) -> float:
    """Return the number without its uncertainty."""
    return float(x.nominal_value) if isinstance(x, AffineScalarFunc) else float(x)


def divided(a: Number, b: Number) -> Number:
    """Return a / b, or say that b is zero."""
    if nominal(b) == 0:
        raise NotEnoughError("The formula divides by zero.", code="division-by-zero")
    return a / b


def _mean(v: Values) -> Number:
    return sum(v[1:], v[0]) / len(v)


def mean(v: Values) -> Number:
    """Mean; its uncertainty has the scatter of the repeats beside what the readings brought.

    Type A evaluation, s/√n with n − 1 in s (JCGM 100:2008, 4.2.3). It is added only to readings
    that came with an uncertainty: scatter alone would understate it.
    """
    m = _mean(v)
    if len(v) < 2 or isinstance(m, float):
        return m
    centre = nominal(m)
    s = math.sqrt(sum((nominal(x) - centre) ** 2 for x in v) / (len(v) - 1))
    return m + _uncertain(0.0, s / math.sqrt(len(v))) if s else m


def median(v: Values) -> Number:
    """Middle value, or the mean of the two middle ones."""
    ordered = sorted(v, key=nominal)
    half = len(ordered) // 2
    return ordered[half] if len(ordered) % 2 else (ordered[half - 1] + ordered[half]) / 2


def sd(v: Values) -> Number:
    """Experimental standard deviation, divisor n − 1 (JCGM 100:2008, 4.2.2)."""
    m = _mean(v)
    variance = sum((x - m) ** 2 for x in v) / (len(v) - 1)
    return 0.0 if nominal(variance) <= (_ROUNDING * nominal(m)) ** 2 else root(variance)


def cov(v: Values) -> Number:
    """Coefficient of variation, sd / mean."""
    return divided(sd(v), _mean(v))


def largest(v: Values) -> Number:
    """Largest value."""
    return max(v, key=nominal)


def smallest(v: Values) -> Number:
    """Smallest value."""
    return min(v, key=nominal)


def total(v: Values) -> Number:
    """Sum."""
    return sum(v[1:], v[0])


def count(v: Values) -> Number:
    """How many values there are."""
    return float(len(v))


def first(v: Values) -> Number:
    """First value."""
    return v[0]


def last(v: Values) -> Number:
    """Last value."""
    return v[-1]


def listed(v: Values) -> Values:
    """Several values as one series."""
    return v


def max_difference(v: Values) -> Number:
    """Largest distance from the mean."""
    m = _mean(v)
    far = largest([absolute(x - m) for x in v])
    return 0.0 if nominal(far) <= _ROUNDING * abs(nominal(m)) else far


def max_deviation(v: Values) -> Number:
    """Largest distance from the mean, as a fraction of the mean."""
    return divided(max_difference(v), absolute(_mean(v)))


def range_over_mean(v: Values) -> Number:
    """(max − min) / mean."""
    return divided(largest(v) - smallest(v), _mean(v))


def coefficient_of_linearity(v: Values) -> Number:
    """Largest |x₁ − x₂| / (x₁ + x₂) over neighbouring stations."""
    return largest([divided(absolute(a - b), a + b) for a, b in pairwise(v)])


def absolute(x: Number) -> Number:
    """The value without its sign; a series item by item."""
    if isinstance(x, list):
        return [None if i is None else absolute(i) for i in x]
    return -x if nominal(x) < 0 else x


def root(x: Number) -> Number:
    """Square root; a series item by item."""
    if isinstance(x, list):
        return [None if i is None else root(i) for i in x]
    if nominal(x) < 0:
        raise NotEnoughError("The formula takes the square root of a negative value.")
    # At zero the derivative is infinite and no uncertainty can be stated.
    return x**0.5 if nominal(x) else 0.0


def ratio(a: Number, b: Number) -> Number:
    """A / b."""
    return divided(a, b)


def deviation(a: Number, b: Number) -> Number:
    """(a − b) / b."""
    return divided(a - b, b)


def inverse_square(k: Number, from_: Number, to: Number) -> Number:
    """K × (from / to)²."""
    return k * divided(from_, to) ** 2


def _line(x: Values, y: Values) -> tuple[Number, Number, Number, Number]:
    mx, my = _mean(x), _mean(y)
    sxx = sum((a - mx) ** 2 for a in x)
    sxy = sum((a - mx) * (b - my) for a, b in zip(x, y, strict=True))
    if nominal(sxx) == 0:
        raise NotEnoughError("A line cannot be fitted: every x is the same.")
    return mx, my, sxx, sxy


def fit_slope(x: Values, y: Values) -> Number:
    """Slope of the least-squares line."""
    _, _, sxx, sxy = _line(x, y)
    return sxy / sxx


def fit_intercept(x: Values, y: Values) -> Number:
    """Value of the least-squares line at x = 0."""
    mx, my, sxx, sxy = _line(x, y)
    return my - sxy / sxx * mx


def fit_r2(x: Values, y: Values) -> Number:
    """Coefficient of determination of the least-squares line, Sxy² / (Sxx Syy)."""
    _, my, sxx, sxy = _line(x, y)
    syy = sum((b - my) ** 2 for b in y)
    if nominal(syy) == 0:
        raise NotEnoughError("R² has no meaning: every y is the same.")
    return sxy**2 / (sxx * syy)


def interpolate(x: Values, y: Values, at: Number) -> Number:
    """Y at x = `at`, linear between the two points that enclose it."""
    points = sorted(zip(x, y, strict=True), key=lambda p: nominal(p[0]))
    for (x0, y0), (x1, y1) in pairwise(points):
        if nominal(x0) <= nominal(at) <= nominal(x1):
            return y0 + divided(at - x0, x1 - x0) * (y1 - y0)
    raise NotEnoughError("The points measured do not enclose the value asked for.")


def log_interpolate(x: Values, y: Values, target: Number) -> Number:
    """X at which y has the value `target`, with log y linear between the enclosing points."""
    if any(nominal(b) <= 0 for b in [*y, target]):
        raise NotEnoughError("A logarithm needs values above zero.")
    points = sorted(zip(x, y, strict=True), key=lambda p: nominal(p[0]))
    for (x0, y0), (x1, y1) in pairwise(points):
        low, high = sorted((nominal(y0), nominal(y1)))
        if low <= nominal(target) <= high and low < high:
            return x0 + (x1 - x0) * _log(y0 / target) / _log(y0 / y1)
    raise NotEnoughError("The points measured do not enclose the value asked for.")


def half_value_layer(thickness: Values, y: Values) -> Number:
    """Thickness at which y is half its value without filter, by `log_interpolate`."""
    open_beam = [b for a, b in zip(thickness, y, strict=True) if nominal(a) == 0]
    if not open_beam:
        raise NotEnoughError("A half-value layer needs a reading without filter (thickness 0).")
    return log_interpolate(thickness, y, _mean(open_beam) / 2)
