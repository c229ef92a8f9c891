"""The centre of a round rod to a fraction of a pixel, and how it moves from slice to slice."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt

from kerma.core import AnalysisError

Array = npt.NDArray[np.floating[Any]]

_CENTRE_BIN_PX = 0.5
_STAGE = "rod centre"


def refine_centre(
    pixels: Array, centre: tuple[float, float], reach_px: float
) -> tuple[float, float]:
    """Return the centre about which the pixels within `reach_px` are best a function of radius.

    Gauss-Newton: the residual from the mean radial profile is projected on what a shift of that
    profile would leave, which uses every pixel of the edge at its weight.

    Raises
    ------
    AnalysisError
        Code ``no-rod``: the centre runs away.
    """
    x, y = centre
    rows, columns = np.indices(pixels.shape, dtype=float)
    for _ in range(12):
        dx, dy = columns - x, rows - y
        r = np.hypot(dx, dy)
        inside = r < reach_px
        r, values = r[inside], pixels[inside]
        cos, sin = dx[inside] / np.maximum(r, 1e-9), dy[inside] / np.maximum(r, 1e-9)
        model, slope = _profile_and_slope(r, values)
        design = -slope * cos, -slope * sin
        residual = values - model
        step_x = float((residual * design[0]).sum() / (design[0] ** 2).sum())
        step_y = float((residual * design[1]).sum() / (design[1] ** 2).sum())
        x, y = x + step_x, y + step_y
        if math.hypot(x - centre[0], y - centre[1]) > 0.5 * reach_px:
            break
        if math.hypot(step_x, step_y) < 1e-4:
            return x, y
    if math.hypot(x - centre[0], y - centre[1]) > 0.5 * reach_px:
        raise AnalysisError(
            f"There is no round rod near column {centre[0]:.0f}, row {centre[1]:.0f}: the centre "
            "cannot be settled. Give the centre of a rod.",
            stage=_STAGE,
            code="no-rod",
        )
    return x, y


def _profile_and_slope(r: Array, values: Array) -> tuple[Array, Array]:
    """Return the mean radial profile, and its slope, at each pixel."""
    place = (r / _CENTRE_BIN_PX).astype(int)
    count = np.bincount(place)
    filled = np.flatnonzero(count)
    mean = np.bincount(place, values)[filled] / count[filled]
    where = np.bincount(place, r)[filled] / count[filled]
    slope = np.gradient(mean, where)
    return np.interp(r, where, mean), np.interp(r, where, slope)


def drift(stack: Array, centre: tuple[float, float], reach_px: float) -> tuple[Array, bool]:
    """Return each slice's centre, (x, y), for a rod that may lean, and whether it does.

    Each slice's shift against the mean of all is estimated as in `refine_centre`; a straight line
    through the shifts is kept when its rise is above 0.05 pixel and three times its uncertainty.

    Parameters
    ----------
    stack
        Shape (slices, rows, columns), equally spaced in order.
    centre, reach_px
        Centre in the mean of the slices, and the radius within which pixels count.
    """
    count = len(stack)
    centres = np.tile(np.asarray(centre, dtype=float), (count, 1))
    if count < 3:
        return centres, False
    mean = stack.mean(axis=0)
    rows, columns = np.indices(mean.shape, dtype=float)
    dx, dy = columns - centre[0], rows - centre[1]
    r = np.hypot(dx, dy)
    inside = r < reach_px
    _, slope = _profile_and_slope(r[inside], mean[inside])
    at = np.arange(count) - (count - 1) / 2
    leans = False
    for axis, part in enumerate((dx, dy)):
        design = -slope * part[inside] / np.maximum(r[inside], 1e-9)
        shift = (stack[:, inside] - mean[inside]) @ design / float((design**2).sum())
        rise = float(shift @ at / (at @ at))
        rest = shift - rise * at
        u_rise = math.sqrt(float(rest @ rest) / (count - 2) / float(at @ at))
        if abs(rise) * (count - 1) > 0.05 and abs(rise) > 3 * u_rise:
            centres[:, axis] += rise * at
            leans = True
    return centres, leans
