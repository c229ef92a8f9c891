"""Half-overlapping squares inside a homogeneous module, for the noise power spectrum."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from kerma.imaging.phantoms._grid import Volume
from kerma.imaging.phantoms._pose import Pose

Array = npt.NDArray[np.float64]
Corners = tuple[tuple[float, float], tuple[float, float]]

# 32 mm gives steps of 0.031 mm⁻¹ (design choice).
_SIDE_MM = 32.0
_MOST = 200


def squares(
    volume: Volume,
    pose: Pose,
    slices: Sequence[int],
    radius_mm: float,
    *,
    side_mm: float = _SIDE_MM,
) -> tuple[Array, list[Corners]]:
    """Return the squares, shape (m, n, n), and their corners in the first slice, mm.

    Slices are taken evenly when there would be more than 200 squares.
    """
    n = max(16, round(side_mm / volume.pixel_mm) // 2 * 2)
    side = n * volume.pixel_mm
    room = radius_mm - side / math.sqrt(2)
    reach = int(room / (side / 2)) if room >= 0 else -1
    steps = [
        (i, j)
        for i in range(-reach, reach + 1)
        for j in range(-reach, reach + 1)
        if math.hypot(i, j) * side / 2 <= room
    ]
    if not steps or not slices:
        return np.empty((0, n, n)), []
    every = max(1, math.ceil(len(slices) * len(steps) / _MOST))
    blocks: list[Array] = []
    corners: list[Corners] = []
    for index in list(slices)[::every]:
        cx, cy = pose.centre(float(volume.s_mm[index]))
        for i, j in steps:
            column, row = volume.to_pixel(cx + i * side / 2, cy + j * side / 2, index)
            c, r = round(column - (n - 1) / 2), round(row - (n - 1) / 2)
            block = volume.images[index].pixels[max(r, 0) : r + n, max(c, 0) : c + n]
            if block.shape != (n, n):
                continue
            blocks.append(block.astype(np.float64))
            if index == slices[0]:
                ends = ((c, r), (c + n - 1, r + n - 1))
                first, last = (volume.to_mm(*end, index) for end in ends)
                corners.append((first, last))
    return (np.array(blocks) if blocks else np.empty((0, n, n))), corners
