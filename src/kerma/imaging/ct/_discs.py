"""Means of small discs in CT slices, with an uncertainty that allows for correlated noise."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from kerma.imaging.tools.regions import Disc

Array = npt.NDArray[np.floating[Any]]

# Correlation over two or three pixels makes at most about this of it; more is an edge in the disc.
_MOST = 2.5


def correlation_factor(stack: Sequence[Array], discs: Sequence[Disc]) -> float:
    """Return what the standard uncertainties of small discs' means are to be multiplied by.

    `Disc.moments` parts a disc in tiles of four pixels and more; CT noise reaches across such
    small tiles. Blocks of side L lose a share a/L of each side to it, so that their standard
    deviation is low by 1 - a/L. The scatter of the means of the discs' quarters, pooled over all
    discs and slices, gives a, and a the factor, 1/(1 - a/tile). From 1 to 2.5.
    """
    quarters = tiles = 0.0
    for pixels in stack:
        for disc in discs:
            means = _quarters(pixels, disc)
            quarters += float(means.var(ddof=1)) / len(means)
            tiles += disc.moments(pixels).u_mean ** 2
    if tiles <= 0.0:
        return 1.0
    ratio = math.sqrt(quarters / tiles)
    radius = float(np.mean([d.radius for d in discs]))
    tile = max(4.0, (2 * radius + 1) // 8)
    quarter = math.sqrt(math.pi) * radius / 2
    if ratio <= 1.0 or quarter <= tile:
        return 1.0
    lost = (ratio - 1.0) / (ratio / tile - 1.0 / quarter)
    return min(_MOST, 1.0 / max(1.0 - lost / tile, 1.0 / _MOST))


def _quarters(pixels: Array, disc: Disc) -> Array:
    """Return the means of the four quarters of a disc."""
    x0, x1 = max(0, int(disc.x - disc.radius)), int(disc.x + disc.radius) + 2
    y0, y1 = max(0, int(disc.y - disc.radius)), int(disc.y + disc.radius) + 2
    part = pixels[y0:y1, x0:x1]
    inside = Disc(disc.x - x0, disc.y - y0, disc.radius).mask(part.shape)
    rows, columns = np.nonzero(inside)
    quarter = 2 * (rows + y0 > disc.y) + (columns + x0 > disc.x)
    counts = np.bincount(quarter, minlength=4)
    return np.asarray(np.bincount(quarter, part[inside], minlength=4) / np.maximum(counts, 1))
