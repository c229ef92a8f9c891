"""Calibration factor of an instrument at the beam quality it is used in.

Between two calibration points of one series (RQR, RQA, RQT, ...) the factor is linear in the
half-value layer or in the tube voltage, as asked. Points of different series at one half-value
layer have different spectra and are not mixed. Beyond the points nothing is stated.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from kerma.core import InputError, Quantity, quantity
from kerma.physics.calculation import Calculation, Record, Values
from kerma.physics.calls import calculates
from kerma.reference import Row, rows

_BY = {"HVL": ("Half-value layer", "mm Al"), "kV": ("Tube voltage", "kV")}


@dataclass(frozen=True, slots=True)
class CalibrationPoint:
    """A line of a calibration certificate.

    Attributes
    ----------
    quality
        As the certificate names it: “RQR 5”. The series is what stands before the number.
    factor
        Calibration factor with its standard uncertainty.
    hvl, kv
        As the certificate states them; from the rows of ``beam-quality`` where it does not.
    """

    quality: str
    factor: Quantity
    hvl: Quantity | None = None
    kv: Quantity | None = None


def _row_of(quality: str) -> Row | None:
    return next((r for r in rows("beam-quality") if r.text("quality") == quality), None)


def series(quality: str) -> str:
    """Return the series of a quality: ``RQR`` of “RQR 5”, ``RQR-M`` of “RQR-M 2”."""
    return quality.strip().rpartition(" ")[0] or quality.strip()


def _place(made: Record, point: CalibrationPoint, by: str) -> float:
    stated = point.hvl if by == "HVL" else point.kv
    if stated is not None:
        return stated.to(_BY[by][1]).value
    held = _row_of(point.quality)
    if held is None:
        raise InputError(
            f"The certificate does not state the {_BY[by][0].lower()} of “{point.quality}”, and "
            "there is no such quality in the reference data.",
            code="unknown-quality",
        )
    made.rests_on(held)
    return held.number("hvl1_mm_al" if by == "HVL" else "kV")


@calculates
def calibration_factor(
    points: Sequence[CalibrationPoint], at: Quantity, *, by: str = "HVL"
) -> Calculation:
    """Return the calibration factor of an instrument at a beam quality.

    N = N1 + (x − x1) / (x2 − x1) (N2 − N1) between the two nearest points.

    Parameters
    ----------
    points
        Two or more of one series.
    at
        Measured half-value layer (mm Al), or tube voltage, of the beam.
    by
        ``HVL`` or ``kV``: what the interpolation runs over.

    Raises
    ------
    InputError
        ``which-scale``, ``two-points``, ``two-series``, ``unknown-quality``, ``outside-domain``,
        ``wrong-unit``, ``not-above-zero``.
    """
    if by not in _BY:
        raise InputError("Interpolation runs over HVL or kV.", code="which-scale")
    kinds = list(dict.fromkeys(series(p.quality) for p in points))
    if len(kinds) > 1:
        raise InputError(
            f"The points are of {' and '.join(kinds)}. At one half-value layer their spectra "
            "differ; use the points of the series nearest to the beam.",
            code="two-series",
        )
    made = Record("beam-calibration", "1", "Calibration factor at a beam quality")
    title, unit = _BY[by]
    x = made.given(title, "x", at, unit)
    held = sorted(((_place(made, p, by), p) for p in points), key=lambda e: e[0])
    if len(held) < 2 or any(a[0] == b[0] for a, b in pairwise(held)):
        raise InputError(
            f"Two points or more at different {title.lower()}s are needed.", code="two-points"
        )
    ends = held[0][0], held[-1][0]
    if not ends[0] * (1 - 1e-12) <= x <= ends[1] * (1 + 1e-12):
        raise InputError(
            f"The instrument is calibrated from {ends[0]:g} to {ends[1]:g} {unit}; this beam has "
            f"{x:.4g} {unit}. The factor is not carried beyond its points.",
            code="outside-domain",
        )
    i = next(n for n in range(1, len(held)) if x <= held[n][0] * (1 + 1e-12))
    (x1, first), (x2, second) = held[i - 1], held[i]
    n1, n2 = first.factor.to("1"), second.factor.to("1")
    part = (x - x1) / (x2 - x1)
    # One laboratory's factors share most of their uncertainty, so it is carried along, not halved.
    u = (1 - part) * (n1.u or 0.0) + part * (n2.u or 0.0)
    value = n1.value + part * (n2.value - n1.value)
    slope = (n2.value - n1.value) / (x2 - x1)
    made.given("Factor of the two points", "N", quantity(value, "1", u or None), "1")
    for place, point in ((x1, first), (x2, second)):
        made.choice(point.quality, f"{place:g} {unit}, factor {point.factor}")
    made.work(f"N = {n1.value:g} + ({x:.4g} − {x1:g}) / ({x2:g} − {x1:g}) × ({n2.value:g} − "
              f"{n1.value:g})")  # fmt: skip
    made.assume(
        f"The factor is linear in the {title.lower()} between two points of the series {kinds[0]}.",
        "The factors of one certificate are fully correlated; the uncertainty is carried between "
        "them, not averaged down.",
    )
    made.limit("For beams filtered as those of the series; not for another series.")

    def equation(v: Values) -> float:
        return v["N"] + slope * (v["x"] - x)

    return made.result(equation, "1")
