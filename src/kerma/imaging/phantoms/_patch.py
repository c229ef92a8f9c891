"""The pixels around a place of the phantom, at their places in the phantom's own frame."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from kerma.imaging.phantoms._grid import Volume
from kerma.imaging.phantoms._pose import Pose

Array = npt.NDArray[np.float64]


# Neighbouring slices are averaged as long as a tilt moves the phantom by no more than this in them.
_MOST_SHIFT_MM = 0.04


def pixels_of(
    volume: Volume,
    pose: Pose,
    slices: Sequence[int],
    xy_mm: tuple[float, float],
    reach_mm: float,
) -> tuple[Array, Array, Array]:
    """Return the pixels around a place in several slices, neighbouring slices averaged.

    As `pixels_about`, of all groups of slices together.
    """
    parts = []
    # How far the phantom moves over the pixels: what the slices are shifted does not count.
    first, last = (
        pose.centre(volume.s_mm[i]) - volume.shift_mm[i] for i in (slices[0], slices[-1])
    )
    moved = math.dist(first, last)
    groups = min(len(slices), 1 + int(moved / _MOST_SHIFT_MM))
    for group in np.array_split(np.array(slices), groups):
        middle = int(group[len(group) // 2])
        x, y, first = pixels_about(volume, pose, middle, xy_mm, reach_mm)
        others = [volume.images[i].pixels for i in group if i != middle]
        if others:
            rows, columns = _whole(volume, pose, middle, xy_mm, x, y)
            rest = np.mean([pixels[rows, columns] for pixels in others], axis=0)
            first = (first + rest * len(others)) / (len(others) + 1)
        parts.append((x, y, first))
    x, y, values = (np.concatenate(p) for p in zip(*parts, strict=True))
    return x, y, values


def _whole(
    volume: Volume, pose: Pose, index: int, xy_mm: tuple[float, float], x: Array, y: Array
) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.intp]]:
    """Return rows and columns of pixels given at their places in the phantom's frame."""
    px, py = pose.place(xy_mm[0] + x, xy_mm[1] + y, float(volume.s_mm[index]))
    column, row = volume.to_pixel(px, py, index)
    return np.rint(row).astype(np.intp), np.rint(column).astype(np.intp)


def pixels_about(
    volume: Volume, pose: Pose, index: int, xy_mm: tuple[float, float], reach_mm: float
) -> tuple[Array, Array, Array]:
    """Return x, y (mm from the place, in the phantom's frame) and values of the pixels near it.

    Pixels within `reach_mm`; those outside of the image are left out.
    """
    s = float(volume.s_mm[index])
    px, py = pose.place(*xy_mm, s)
    column, row = volume.to_pixel(px, py, index)
    high, wide = (reach_mm / v for v in volume.spacing_mm)
    rows, columns = volume.shape
    r = np.arange(max(0, math.floor(row - high)), min(rows, math.ceil(row + high) + 1))
    c = np.arange(max(0, math.floor(column - wide)), min(columns, math.ceil(column + wide) + 1))
    if not len(r) or not len(c):
        empty: Array = np.empty(0)
        return empty, empty, empty
    x, y = volume.to_mm(*np.meshgrid(c, r), index)
    roll = math.radians(pose.roll_deg)
    near = np.hypot(x - px, y - py) <= reach_mm
    dx, dy = pose.across(x[near] - px, y[near] - py)
    u = pose.sense * (dx * math.cos(roll) + dy * math.sin(roll))
    v = -dx * math.sin(roll) + dy * math.cos(roll)
    values = volume.images[index].pixels[r[0] : r[-1] + 1, c[0] : c[-1] + 1]
    return u, v, values[near].astype(np.float64)
