"""A straight edge among scattered pixels: where it is, and its edge spread function.

For edges inside a slice (an insert with a flat interface), where rows and columns of a plate cannot
be counted on. The edge is found by fitting a blurred step; the blur of the fit is not used further.
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from kerma.core import AnalysisError
from kerma.imaging.tools.esf import EdgeSpread
from kerma.imaging.tools.untyped import optimize, special

Array = npt.NDArray[np.floating[Any]]

_STAGE = "edge"
_LEAST_CNR = 3.0
_BLOCKS = 8


def straight_edge(
    x_mm: Array,
    y_mm: Array,
    values: Array,
    *,
    normal_deg: float,
    reach_mm: float,
    bin_mm: float,
) -> EdgeSpread:
    """Return the edge spread function of a straight edge near x = y = 0.

    Pixels within `reach_mm` of the edge along its normal are used. The blocks of the result are
    strips along the edge.

    Parameters
    ----------
    x_mm, y_mm, values
        Pixels of a disc about the edge, equally shaped; y runs down.
    normal_deg
        Direction across the edge as expected, good to 25 degrees.
    reach_mm
        Half-width of the edge spread function.
    bin_mm
        Width of its bins.

    Raises
    ------
    AnalysisError
        Codes ``no-edge`` and ``edge-too-short`` (the pixels leave gaps: the edge lies along the
        rows or columns).
    """
    x, y, v = (np.asarray(a, dtype=float).ravel() for a in (x_mm, y_mm, values))
    angle, offset, low, high = _fitted(x, y, v, normal_deg)
    n = math.radians(angle)
    along = -x * math.sin(n) + y * math.cos(n)
    distance = (x * math.cos(n) + y * math.sin(n) - offset) * (1 if high > low else -1)
    edges = np.quantile(along, np.linspace(0, 1, _BLOCKS + 1)[1:-1])
    block = np.searchsorted(edges, along)
    levels = (min(low, high), max(low, high))
    return replace(
        spread_of(distance, v, block, levels, reach_mm=reach_mm, bin_mm=bin_mm), angle_deg=angle
    )


def spread_of(
    distance_mm: Array,
    values: Array,
    block: npt.NDArray[np.intp],
    levels: tuple[float, float],
    *,
    reach_mm: float,
    bin_mm: float,
) -> EdgeSpread:
    """Return the edge spread function of pixels whose distance from the edge is known.

    Parameters
    ----------
    distance_mm, values
        Of each pixel; positive on the bright side.
    block
        Which strip or sector along the edge it belongs to, from 0.
    levels
        The lower and the higher plateau.
    reach_mm, bin_mm
        Half-width, and width of a bin.

    Raises
    ------
    AnalysisError
        Codes ``no-edge`` and ``edge-too-short``.
    """
    bins = 2 * int(reach_mm / bin_mm)
    place = np.floor(distance_mm / bin_mm).astype(int) + bins // 2
    inside = (place >= 0) & (place < bins)
    low, high = levels
    share = (values - low) / (high - low)
    _, number = np.unique(block, return_inverse=True)
    blocks = int(number.max()) + 1
    index = (number * bins + place)[inside]
    size = blocks * bins
    counts = np.bincount(index, minlength=size).reshape(blocks, bins).astype(float)
    sums = np.bincount(index, share[inside], minlength=size).reshape(blocks, bins)
    if (counts.sum(axis=0) == 0).any():
        raise AnalysisError(
            "The edge lies along the rows or columns of the pixels, so it cannot be sampled "
            "finely. Turn the phantom a few degrees.",
            stage=_STAGE,
            code="edge-too-short",
        )
    mean = sums.sum(axis=0) / counts.sum(axis=0)
    noise = float((share[inside] - mean[place[inside]]).std())
    if noise > 1 / _LEAST_CNR:
        raise AnalysisError(
            f"The edge is lost in noise: its step is {1 / noise:.1f} times the pixel noise, "
            f"{_LEAST_CNR:g} needed.",
            stage=_STAGE,
            code="no-edge",
        )
    return EdgeSpread(
        bin_mm=bin_mm,
        sums=np.asarray(sums),
        counts=np.asarray(counts),
        angle_deg=0.0,
        u_angle_deg=0.0,
        contrast=high - low,
        noise=(noise, noise),
        unevenness=0.0,
    )


def _fitted(x: Array, y: Array, v: Array, normal_deg: float) -> tuple[float, float, float, float]:
    """Return angle (degrees), offset (mm) and the two levels of the blurred step that fits best."""
    low, high = (float(p) for p in np.percentile(v, (10, 90)))
    n = math.radians(normal_deg)
    side = x * math.cos(n) + y * math.sin(n)
    start_low, start_high = float(v[side < 0].mean()), float(v[side > 0].mean())
    if high - low <= 0 or start_low == start_high:
        raise _none()

    def away(p: Array) -> Array:
        t = (x * math.cos(p[0]) + y * math.sin(p[0]) - p[1]) / max(abs(float(p[2])), 1e-3)
        model = p[3] + (p[4] - p[3]) * (1 + special.erf(t)) / 2
        return np.asarray((v - model) / (high - low))

    found = optimize.least_squares(away, [n, 0.0, 0.7, start_low, start_high], max_nfev=60)
    turn, offset, _, first, second = (float(value) for value in found.x)
    reach = float(np.hypot(x, y).max())
    turned = abs((math.degrees(turn) - normal_deg + 180) % 360 - 180)
    if turned > 25 or abs(offset) > 0.5 * reach or abs(second - first) < 0.2 * (high - low):
        raise _none()
    return math.degrees(turn), offset, first, second


def _none() -> AnalysisError:
    return AnalysisError(
        "No straight edge was found where the description puts it.", stage=_STAGE, code="no-edge"
    )
