"""At which heights of a point something begins or ends: edges of openings, rims of beams.

Between two such heights a kerma has no step, so heights a step apart find its largest value there;
a narrow window or beam between two steps would be missed without them.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from kerma.physics.shielding.plan.emission import Vector
from kerma.physics.shielding.plan.structure import Panel

Array = NDArray[np.float64]
Cone = tuple[Vector, float]
# So far on either side of an edge a height is looked at, m; so much within its rim a beam.
BESIDE_M = 1e-9
WITHIN = 1.0 - 1e-9


def heights_of_steps(
    origin: Sequence[float], xy: Array, panels: Sequence[Panel], cones: Sequence[Cone],
    between: tuple[float, float],
) -> Array:  # fmt: skip
    """Return the heights above the datum where something begins or ends, of points seen from one.

    Parameters
    ----------
    origin
        The source, m.
    xy
        The points (n, 2), m.
    panels
        What rays may pass over or under.
    cones
        Axis and half angle (degrees) of its beams.
    between
        Lowest and highest height of interest, m.

    Returns
    -------
    Array
        (n, k), m; not a number where a point has fewer than others.
    """
    parts = [_edges(origin, xy, panels)] if panels else []
    parts += [_rims(origin, xy, cone) for cone in cones]
    if not parts or not len(xy):
        return np.empty((len(xy), 0))
    found = np.concatenate(parts, axis=1)
    found[~((found >= between[0]) & (found <= between[1]))] = np.nan
    found = np.sort(found, axis=1)
    return found[:, : int(np.isfinite(found).sum(axis=1).max(initial=0))]


def _edges(origin: Sequence[float], xy: Array, panels: Sequence[Panel]) -> Array:
    """Return the heights at which rays pass just within and just beyond the edges of panels."""
    start = np.array([p.start for p in panels], float)
    along = np.array([p.end for p in panels], float) - start
    span = np.array([p.span for p in panels], float)
    low, high = (np.array(v) for v in zip(*((p.low_m, p.high_m) for p in panels), strict=True))
    to = start - np.asarray(origin[:2])
    ray = xy - np.asarray(origin[:2])
    cross = ray[:, :1] * along[:, 1] - ray[:, 1:] * along[:, 0]
    with np.errstate(divide="ignore", invalid="ignore"):
        part = (to[:, 0] * along[:, 1] - to[:, 1] * along[:, 0]) / cross
        where = (to[:, 0] * ray[:, 1:] - to[:, 1] * ray[:, :1]) / cross
        met = (part > 0.0) & (part < 1.0)
        met &= (where >= span[:, 0] - BESIDE_M) & (where <= span[:, 1] + BESIDE_M)
        part = np.where(met, part, np.nan)
    levels = (low - BESIDE_M, low + BESIDE_M, high - BESIDE_M, high + BESIDE_M)
    return np.concatenate([origin[2] + (z - origin[2]) / part for z in levels], axis=1)


def _between(ends: Array, along: Array, az: float, a: float) -> Array:
    """Return a height inside a beam that does not lean towards the points.

    Of a flat beam it lies between the two rims. A steep one goes on for ever beyond the only rim in
    front of the focus; the other belongs to its mirror image.
    """
    if a <= 0.0:
        return np.asarray(ends.mean(axis=1), float)
    up = math.copysign(1.0, az)
    rim = np.where((along[:, None] + az * ends > 0.0), ends * up, -np.inf).max(axis=1)
    return np.where(np.isfinite(rim), up * (2.0 * np.abs(rim) + 1.0), np.nan)


def _rims(origin: Sequence[float], xy: Array, cone: Cone) -> Array:
    """Return the heights at which an upright line enters a beam, leaves it, and lies deepest."""
    (ax, ay, az), half = cone
    c2 = math.cos(math.radians(half)) ** 2
    away = xy - np.asarray(origin[:2])
    along = away @ np.array([ax, ay])
    squared = np.einsum("ij,ij->i", away, away)
    # Of the height u above the source: (along + az u)² = cos² (squared + u²).
    a, b, c = az**2 - c2, along * az, along**2 - c2 * squared
    with np.errstate(divide="ignore", invalid="ignore"):
        root = np.sqrt(b**2 - a * c)
        far = -(b + np.where(b >= 0.0, root, -root))
        ends = np.stack([far / a, c / far], axis=1)
        deepest = az * squared / along
        middle = np.where(along > 0.0, deepest, _between(ends, along, az, a))[:, None]
        found = np.concatenate([middle, middle + WITHIN * (ends - middle)], axis=1)
    return np.asarray(origin[2] + np.where(np.isfinite(found), found, np.nan), float)
