"""The named functions of the formula language: what they do to units, and to numbers.

Every function has two halves. `shape` works on units alone, when the protocol is loaded; `run`
works on numbers in coherent units, which carry their uncertainty with its correlations
(`uncertainties`). Values that are missing have been dropped by then.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from kerma.protocols.formula import statistics as st
from kerma.protocols.formula.errors import units_differ
from kerma.protocols.formula.shape import DIMENSIONLESS, Shape, power, quotient

Number = Any  # float, or an uncertain number of the `uncertainties` package
Values = list[Number]


@dataclass(frozen=True, slots=True)
class Function:
    """A function of the language.

    Attributes
    ----------
    arguments
        Least and most number of arguments.
    shape
        Units of the result from the units of the arguments; raises on a mismatch.
    run
        The calculation. A gathering function gets every value in one list; the others get one
        item per argument, a list where a series was given.
    gathers
        Whether all arguments are one set of values of the same kind.
    least
        Fewest values a gathering function, or points a series function, can work on.
    summary
        For the manual.

    """

    arguments: tuple[int, int]
    shape: Callable[[Sequence[Shape]], Shape]
    run: Callable[..., Number]
    gathers: bool = True
    least: int = 1
    summary: str = ""


def _same(shapes: Sequence[Shape]) -> Shape:
    for other in shapes[1:]:
        if other.dimensions != shapes[0].dimensions:
            raise units_differ(shapes[0], other)
    return Shape(shapes[0].dimensions)


def _number(shapes: Sequence[Shape]) -> Shape:
    _same(shapes)
    return DIMENSIONLESS


def _listed(shapes: Sequence[Shape]) -> Shape:
    return Shape(_same(shapes).dimensions, sum(s.length or 1 for s in shapes))


def _each(shapes: Sequence[Shape]) -> Shape:
    return shapes[0]


def _root(shapes: Sequence[Shape]) -> Shape:
    return power(shapes[0], 0.5)


def _slope(shapes: Sequence[Shape]) -> Shape:
    return Shape(quotient(shapes[1], shapes[0]).dimensions)


def _of_y(shapes: Sequence[Shape]) -> Shape:
    return Shape(shapes[1].dimensions)


def _of_x(shapes: Sequence[Shape]) -> Shape:
    return Shape(shapes[0].dimensions)


def _plain(_: Sequence[Shape]) -> Shape:
    return DIMENSIONLESS


def _interpolated(shapes: Sequence[Shape]) -> Shape:
    _same((shapes[0], shapes[2]))
    return _of_y(shapes)


def _log_interpolated(shapes: Sequence[Shape]) -> Shape:
    _same((shapes[1], shapes[2]))
    return _of_x(shapes)


def _moved(shapes: Sequence[Shape]) -> Shape:
    _same(shapes[1:])
    return shapes[0]


def _ratio(shapes: Sequence[Shape]) -> Shape:
    return quotient(shapes[0], shapes[1])


_MANY = (1, 999)

FUNCTIONS: dict[str, Function] = {
    "mean": Function(_MANY, _same, st.mean, summary="arithmetic mean"),
    "median": Function(_MANY, _same, st.median, summary="middle value"),
    "sd": Function(_MANY, _same, st.sd, least=2, summary="standard deviation, divisor n − 1"),
    "cov": Function(_MANY, _number, st.cov, least=2, summary="sd / mean"),
    "max": Function(_MANY, _same, st.largest, summary="largest value"),
    "min": Function(_MANY, _same, st.smallest, summary="smallest value"),
    "sum": Function(_MANY, _same, st.total, summary="sum"),
    "count": Function(_MANY, _number, st.count, summary="how many values there are"),
    "first": Function(_MANY, _same, st.first, summary="first value"),
    "last": Function(_MANY, _same, st.last, summary="last value"),
    "max_deviation": Function(
        _MANY, _number, st.max_deviation, least=2,
        summary="largest |x − mean| / |mean|",
    ),
    "max_difference": Function(
        _MANY, _same, st.max_difference, least=2, summary="largest |x − mean|"
    ),
    "range_over_mean": Function(
        _MANY, _number, st.range_over_mean, least=2, summary="(max − min) / mean"
    ),
    "coefficient_of_linearity": Function(
        _MANY, _number, st.coefficient_of_linearity, least=2,
        summary="largest |x₁ − x₂| / (x₁ + x₂) of neighbours",
    ),
    "list": Function(_MANY, _listed, st.listed, summary="several values as one series"),
    "abs": Function((1, 1), _each, st.absolute, gathers=False, summary="without the sign"),
    "sqrt": Function((1, 1), _root, st.root, gathers=False, summary="square root"),
    "ratio": Function((2, 2), _ratio, st.ratio, gathers=False, summary="a / b"),
    "deviation": Function(
        (2, 2), _number, st.deviation, gathers=False, summary="(a − b) / b"
    ),
    "inverse_square": Function(
        (3, 3), _moved, st.inverse_square, gathers=False,
        summary="k × (from / to)²: the value moved from one distance to another",
    ),
    "fit_slope": Function(
        (2, 2), _slope, st.fit_slope, gathers=False, least=2,
        summary="slope of the least-squares line through y over x",
    ),
    "fit_intercept": Function(
        (2, 2), _of_y, st.fit_intercept, gathers=False, least=2,
        summary="its value at x = 0",
    ),
    "fit_r2": Function(
        (2, 2), _plain, st.fit_r2, gathers=False, least=3, summary="its coefficient R²"
    ),
    "interpolate": Function(
        (3, 3), _interpolated, st.interpolate, gathers=False, least=2,
        summary="y at a given x, linear between points",
    ),
    "log_interpolate": Function(
        (3, 3), _log_interpolated, st.log_interpolate, gathers=False, least=2,
        summary="x at which y has a given value, log y linear between points",
    ),
    "half_value_layer": Function(
        (2, 2), _of_x, st.half_value_layer, gathers=False, least=2,
        summary="thickness that halves the first value: log_interpolate(x, y, first(y) / 2)",
    ),
}  # fmt: skip
