"""Places in an object where there is nothing: backgrounds of details, and tries of the noise."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt

from kerma.imaging.objects._spec import ObjectSpec

Array = npt.NDArray[np.floating[Any]]

_DIRECTIONS = 12  # pairs of opposite directions tried, over half a turn
_DISTANCES = (0.9, 1.0, 1.15, 1.3, 1.5, 1.75, 2.0, 2.4)  # of the diameter, plus the clearance
_CLEARANCE_MM = 0.35
_GLARE_MM = 1.5  # kept clear of squares and foil, beside which the field is not even
_MOST_TRIES = 500
BESIDE = 0.75  # diameter of a background over that of its detail


@dataclass(frozen=True, slots=True, eq=False)
class Surround:
    """Backgrounds of one place: opposite pairs, so that a slope of the field cancels."""

    x_mm: Array
    y_mm: Array


def surround(spec: ObjectSpec, x: float, y: float, size_mm: float) -> Surround | None:
    """Return the nearest one or two pairs of free backgrounds beside a detail.

    Directions are tried from along the circle about the object's middle on. ``None`` when nothing
    is free on two opposite sides.
    """
    angles = math.atan2(y, x) + math.pi / 2 + np.arange(_DIRECTIONS) * (math.pi / _DIRECTIONS)
    ux, uy = np.cos(angles), np.sin(angles)
    for share in _DISTANCES:
        away = share * size_mm + _CLEARANCE_MM
        px, py = x + away * np.stack((ux, -ux)), y + away * np.stack((uy, -uy))
        both = free(spec, px, py, BESIDE * size_mm / 2).all(axis=0)
        if both.any():
            first = int(np.argmax(both))
            pairs = [first]
            # A second pair as square to the first as there is.
            others = np.flatnonzero(both)
            half = _DIRECTIONS // 2
            apart = half - np.abs(np.abs(others - first) - half)
            if apart.max() >= _DIRECTIONS // 3:
                pairs.append(int(others[int(np.argmax(apart))]))
            return Surround(px[:, pairs].ravel(), py[:, pairs].ravel())
    return None


def free(spec: ObjectSpec, x: Array, y: Array, radius: float) -> npt.NDArray[np.bool_]:
    """Return whether a disc at each place touches nothing and lies within the object's reach."""
    x, y = np.asarray(x, dtype=float), np.asarray(y, dtype=float)
    # Glare and the rim of the plate reach in from the outline.
    clear = np.hypot(x, y) + radius <= max(spec.reach_mm, spec.circle_mm - 3.0)
    gap = radius + _CLEARANCE_MM
    discs = [d for d in spec.details if not d.square]
    if discs:
        dx = x[..., None] - np.array([d.x_mm for d in discs])
        dy = y[..., None] - np.array([d.y_mm for d in discs])
        half = np.array([d.size_mm / 2 for d in discs])
        clear &= (dx**2 + dy**2 >= (half + gap) ** 2).all(axis=-1)
    boxes = [(d.x_mm, d.y_mm, d.size_mm, d.size_mm) for d in spec.details if d.square]
    if spec.block is not None:
        b = spec.block
        # The carrier of the foil reaches a little beyond it.
        boxes.append((b.x_mm, b.y_mm, b.width_mm + 8.0, b.height_mm + 8.0))
    for cx, cy, width, height in boxes:
        away = np.hypot(
            np.maximum(np.abs(x - cx) - width / 2, 0), np.maximum(np.abs(y - cy) - height / 2, 0)
        )
        clear &= away >= radius + _GLARE_MM
    return np.asarray(clear)


@dataclass(frozen=True, slots=True, eq=False)
class Tries:
    """Free places of one size with their surrounds, all with the same number of backgrounds.

    Attributes
    ----------
    x_mm, y_mm
        Shape (tries,).
    around_x_mm, around_y_mm
        Shape (tries, backgrounds); two backgrounds each.
    independent
        How many of the tries count as independent.
    """

    x_mm: Array
    y_mm: Array
    around_x_mm: Array
    around_y_mm: Array
    independent: float


@lru_cache(maxsize=128)
def tries(spec: ObjectSpec, size_mm: float) -> Tries | None:
    """Return free places on a grid, to see how a contrast scatters where there is no detail.

    ``None`` when fewer than 12 fit.
    """
    reach = spec.reach_mm
    step = max(size_mm, reach / 45.0)
    for _ in range(4):
        ticks = np.arange(-reach, reach + step, step)
        gx, gy = np.meshgrid(ticks, ticks)
        inside = free(spec, gx, gy, size_mm / 2)
        x, y = gx[inside], gy[inside]
        if len(x) > 2 * _MOST_TRIES:
            some = np.linspace(0, len(x) - 1, 2 * _MOST_TRIES).astype(int)
            x, y = x[some], y[some]
        found = _with_pairs(spec, x, y, size_mm)
        if len(found) >= 40 or step < 0.45 * size_mm:
            break
        step *= 0.7
    if len(found) < 12:
        return None
    if len(found) > _MOST_TRIES:
        found = found[np.linspace(0, len(found) - 1, _MOST_TRIES).astype(int)]
    share = min(1.0, (step / size_mm) ** 2)
    return Tries(
        found[:, 0], found[:, 1], found[:, 2:4], found[:, 4:6], max(6.0, share * len(found))
    )


def _with_pairs(spec: ObjectSpec, x: Array, y: Array, size_mm: float) -> Array:
    """Return rows of x, y, then x and y of the two backgrounds, of the places that have a pair."""
    found: list[Array] = []
    left = np.ones(len(x), dtype=bool)
    for distance in _DISTANCES[:5]:
        away = distance * size_mm + _CLEARANCE_MM
        for k in range(0, _DIRECTIONS, 3):
            at = np.flatnonzero(left)
            ux, uy = math.cos(k * math.pi / _DIRECTIONS), math.sin(k * math.pi / _DIRECTIONS)
            px = np.stack((x[at] + away * ux, x[at] - away * ux), axis=1)
            py = np.stack((y[at] + away * uy, y[at] - away * uy), axis=1)
            both = free(spec, px, py, BESIDE * size_mm / 2).all(axis=1)
            used = at[both]
            found.append(np.column_stack((x[used], y[used], px[both], py[both])))
            left[used] = False
        if sum(len(f) for f in found) >= 40:
            break
    return np.concatenate(found) if found else np.empty((0, 6))
