"""Where beams and gantry shadows end in an area: points to look at first, or a spot is missed."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from kerma.physics.shielding.plan.emission import Shadow
from kerma.physics.shielding.plan.levels import Cone

Array = NDArray[np.float64]
# Directions of a beam that are followed: so many about its axis, at these parts of its half angle.
ROUND = 16
PARTS = (0.25, 0.5, 0.75, 1.0 - 1e-6)
# Bearings over the width of a beam; places along the edge of a shadow. Design choices.
ACROSS = 5
ALONG = 41
BESIDE = 1e-6


def directions(cone: Cone) -> Array:
    """Return unit vectors (n, 3) within a beam, its axis first."""
    axis, half = np.asarray(cone[0], float), math.radians(cone[1])
    axis = axis / np.linalg.norm(axis)
    other = np.eye(3)[int(np.abs(axis).argmin())]
    one = np.cross(axis, other)
    one /= np.linalg.norm(one)
    two = np.cross(axis, one)
    turn = np.linspace(0.0, 2.0 * math.pi, ROUND, endpoint=False)
    ring = np.cos(turn)[:, None] * one + np.sin(turn)[:, None] * two
    parts = [math.cos(half * p) * axis + math.sin(half * p) * ring for p in PARTS]
    found: Array = np.concatenate([axis[None, :], *parts])
    return found


def spots(origin: Sequence[float], cone: Cone, heights: Sequence[float]) -> Array:
    """Return points (n, 2) where a beam meets level planes at heights above the datum, m."""
    way = directions(cone)
    found = [np.empty((0, 2))]
    for z in heights:
        with np.errstate(divide="ignore", invalid="ignore"):
            grown = (z - origin[2]) / way[:, 2]
        # Farther is off any plan, and a ray along the plane never meets it.
        met = (grown > 0.0) & (grown < 1e4)
        found.append(np.asarray(origin[:2]) + grown[met, None] * way[met, :2])
    return np.concatenate(found)


def bearings(cone: Cone) -> Array:
    """Return bearings on the plan over the width of a beam, radians."""
    way = directions(cone)
    level = np.hypot(way[:, 0], way[:, 1])
    turned = np.arctan2(way[:, 1], way[:, 0])[level > 1e-9]
    axis = float(turned[0])
    off = np.angle(np.exp(1j * (turned - axis)))
    return np.asarray(axis + np.linspace(off.min(), off.max(), ACROSS), float)


def shadow_edges(origin: Sequence[float], shadow: Shadow, z: float, reach: float) -> Array:
    """Return points (n, 2) just outside a gantry's shadow on a level plane, m.

    Parameters
    ----------
    origin, shadow
        The scanner.
    z
        Height of the plane above the datum, m.
    reach
        How far from the scanner points are looked for, m.
    """
    couch = np.asarray(shadow.couch[:2], float)
    across = np.array([-couch[1], couch[0]])
    # Closer together where the edge is nearest to the scanner and the kerma highest.
    q = reach * np.linspace(-1.0, 1.0, ALONG) ** 3
    off = math.tan(math.radians(min(shadow.half_angle_deg, 89.9)))
    p = off * np.hypot(q, z - origin[2]) * (1.0 + BESIDE)
    each = [q[:, None] * across + side * p[:, None] * couch for side in (1.0, -1.0)]
    found: Array = np.asarray(origin[:2]) + np.concatenate(each)
    return found


def shadow_bearings(shadow: Shadow) -> Array:
    """Return the bearings on the plan of the edges of a gantry's shadow, radians."""
    couch = math.atan2(shadow.couch[1], shadow.couch[0])
    half = math.radians(shadow.half_angle_deg)
    quarter = math.pi / 2.0
    return np.array([couch + turn for turn in (
        quarter - half, quarter + half, -quarter - half, -quarter + half,
    )])  # fmt: skip
