"""How the modulation of a star pattern falls towards its middle."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from kerma.imaging.geometry._star import Star, polar

Array = npt.NDArray[np.floating[Any]]


@dataclass(frozen=True, slots=True, eq=False)
class Modulation:
    """Signed modulation in a sector: radius (mm), value and its uncertainty.

    `rim` is the amplitude near the rim, in pixel values; `turned` whether dark and bright are
    already exchanged there against the rest of the star.
    """

    radius: Array
    value: Array
    u: Array
    rim: float
    turned: bool


def full_modulation(pixels: Array, spacing_mm: tuple[float, float], star: Star) -> float | None:
    """Return the amplitude that unblurred wedges would have, in pixel values.

    The open field beside the star less the mean inside it is half the contrast of the wedges, and
    the fundamental of an even square wave is 2/pi of the contrast. ``None`` when what surrounds
    the star is not brighter (nor, inverted, darker) than its mean: a ring of lead.
    """
    inner = polar(pixels, spacing_mm, (star.x, star.y), np.linspace(0.5, 0.9, 20) * star.radius)
    outer = polar(pixels, spacing_mm, (star.x, star.y), np.linspace(1.06, 1.12, 6) * star.radius)
    if not np.isfinite(outer).any():
        return None
    half = float(np.nanmedian(outer)) - float(np.nanmean(inner))
    spread = float(np.nanstd(inner))
    return 4.0 / math.pi * abs(half) if abs(half) > 0.3 * spread else None


def modulation(
    pixels: Array,
    spacing_mm: tuple[float, float],
    star: Star,
    axis_deg: float,
    half_deg: float,
    ring_mm: float,
) -> list[Modulation]:
    """Return the modulation along an axis, towards it and away from it.

    In each ring of a sector a constant and the two parts of the harmonic are fitted to the pixels
    themselves (no interpolation); the part in phase with the rim's, relative to its level between
    0.8 and 0.93 of the rim, is the modulation: negative where dark and bright have changed places.
    """
    dy, dx = spacing_mm
    reach = math.ceil(star.radius / min(dx, dy)) + 2
    r0, c0 = (
        max(0, round(v) - reach) for v in (star.y / dy, star.x / dx)
    )  # fmt: skip
    part = pixels[r0 : round(star.y / dy) + reach + 1, c0 : round(star.x / dx) + reach + 1]
    y = (np.arange(part.shape[0]) + r0) * dy - star.y
    x = (np.arange(part.shape[1]) + c0) * dx - star.x
    along = math.radians(axis_deg)
    u = x[None, :] * math.cos(along) + y[:, None] * math.sin(along)
    v = -x[None, :] * math.sin(along) + y[:, None] * math.cos(along)
    found = []
    for sign in (1.0, -1.0):
        chosen = (sign * u > 0) & (np.abs(v) <= sign * u * math.tan(math.radians(half_deg)))
        rows, columns = np.nonzero(chosen)
        px, py = x[columns], y[rows]
        radius = np.hypot(px, py)
        inner = radius < 0.95 * star.radius
        radius, values = radius[inner], part[rows, columns][inner].astype(float)
        angle = star.pairs * np.arctan2(py[inner], px[inner]) - star.phase
        found.append(_rings(radius, angle, values, star, ring_mm))
    return found


def _rings(radius: Array, angle: Array, values: Array, star: Star, ring_mm: float) -> Modulation:
    ring = (radius / ring_mm).astype(int)
    size = int(ring.max()) + 1
    c, s = np.cos(angle), np.sin(angle)

    def total(weights: Array) -> Array:
        return np.asarray(np.bincount(ring, weights, minlength=size), dtype=float)

    n = total(np.ones_like(radius))
    sums = [total(w) for w in (c, s, c * c, s * s, c * s, values, values * c, values * s)]
    sc, ss, scc, sss, scs, sv, svc, svs = sums
    enough = n >= 12
    normal = np.stack(
        (np.stack((n, sc, ss)), np.stack((sc, scc, scs)), np.stack((ss, scs, sss)))
    ).transpose(2, 0, 1)[enough]
    right = np.stack((sv, svc, svs)).T[enough]
    usable = np.linalg.cond(normal) < 1e6
    normal, right = normal[usable], right[usable]
    kept = np.flatnonzero(enough)[usable]
    inverse = np.linalg.inv(normal)
    solved = np.einsum("kij,kj->ki", inverse, right)
    fitted = np.full((size, 3), np.nan)
    fitted[kept] = solved
    off = values - fitted[ring, 0] - fitted[ring, 1] * c - fitted[ring, 2] * s
    squares = total(np.where(np.isfinite(off), off, 0.0) ** 2)[kept]
    spread = np.sqrt(squares / np.maximum(n[kept] - 3, 1) * inverse[:, 1, 1])
    mean_radius = total(radius)[kept] / n[kept]
    outer = (mean_radius > 0.8 * star.radius) & (mean_radius < 0.93 * star.radius)
    level = float(np.median(solved[outer, 1]))
    tilt = float(np.median(solved[outer, 2]))
    # The sector's own phase at the rim: a rim a little off the mean turns all of it alike.
    turn = math.atan2(tilt, level)
    along = solved[:, 1] * math.cos(turn) + solved[:, 2] * math.sin(turn)
    scale = math.hypot(level, tilt)
    return Modulation(mean_radius, along / scale, spread / scale, scale, abs(turn) > math.pi / 2)
