"""Find the middle of concentric circles in an image, whatever else is in it.

Every edge pixel votes for the points along its gradient; circles agree on their middle, straight
edges (blades, squares, bars) on nothing. The sense of the gradient does not matter, so neither does
the sense of the grey scale, and half a circle is enough to be found (and then refused as cut off).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt

from kerma.imaging.tools.untyped import ndimage

Array = npt.NDArray[np.floating[Any]]

# Pixels along the longer side of the working image: 0.5 mm or so of the object. Design choice.
_WORKING = 400
_EDGES = 0.12
_SMALLEST, _LARGEST = 0.12, 0.75


@dataclass(frozen=True, slots=True, eq=False)
class Working:
    """A decimated image; `factor` pixels of the original to one of its own."""

    pixels: Array
    factor: int

    def to_full(self, value: float) -> float:
        """Return a coordinate of the working image in pixels of the original."""
        return (value + 0.5) * self.factor - 0.5


def decimate(pixels: Array, longest: int = _WORKING) -> Working:
    """Return the image as means of square blocks, about `longest` along its longer side."""
    factor = max(1, round(max(pixels.shape) / longest))
    rows, columns = (n // factor for n in pixels.shape)
    cut = pixels[: rows * factor, : columns * factor]
    if factor == 1:
        return Working(cut.astype(float), 1)
    first = np.add.reduceat(cut, np.arange(0, rows * factor, factor), axis=0, dtype=float)
    blocks = np.add.reduceat(first, np.arange(0, columns * factor, factor), axis=1)
    return Working(blocks / factor**2, factor)


@dataclass(frozen=True, slots=True)
class Content:
    """The content of a working image as a key: equal pixels are equal, whichever array holds them.

    Recognition asks for one object after another in the same image; what they share is worked out
    once.
    """

    data: bytes
    shape: tuple[int, int]

    def pixels(self) -> Array:
        """Return the pixels, not to be written to."""
        return np.frombuffer(self.data).reshape(self.shape)


def content(work: Array) -> Content:
    """Return the content of a working image."""
    rows, columns = work.shape
    return Content(np.asarray(work, dtype=np.float64).tobytes(), (rows, columns))


def centres(work: Array, count: int = 3) -> list[tuple[float, float]]:
    """Return the likeliest middles (x, y) of circles in a working image, best first."""
    return list(_centres(content(work), count))


@lru_cache(maxsize=2)
def _centres(work_content: Content, count: int) -> tuple[tuple[float, float], ...]:
    work = work_content.pixels()
    smooth = ndimage.gaussian_filter(work, 1.0)
    gy, gx = np.gradient(smooth)
    size = np.hypot(gx, gy)
    limit = float(np.quantile(size, 1.0 - _EDGES))
    ys, xs = np.nonzero(size > max(limit, 1e-12))
    if not len(xs):
        return ()
    ux, uy = gx[ys, xs] / size[ys, xs], gy[ys, xs] / size[ys, xs]
    rows, columns = work.shape
    reach = min(work.shape)
    radii = np.arange(_SMALLEST * reach, _LARGEST * reach, 2.0)
    votes = np.zeros(rows * columns)
    for sense in (-1.0, 1.0):
        x = np.rint(xs[:, None] + sense * ux[:, None] * radii).astype(np.int32)
        y = np.rint(ys[:, None] + sense * uy[:, None] * radii).astype(np.int32)
        inside = (x >= 0) & (x < columns) & (y >= 0) & (y < rows)
        votes += np.bincount((y * columns + x)[inside], minlength=rows * columns)
    # A band of votes, as from a long straight edge, is taken out: only what stands above its
    # surroundings counts.
    field = votes.reshape(rows, columns)
    narrow = ndimage.gaussian_filter(field, 1.5)
    peaks = narrow - ndimage.gaussian_filter(field, 12.0)
    found = []
    for _ in range(count):
        y0, x0 = (int(v) for v in np.unravel_index(int(peaks.argmax()), peaks.shape))
        found.append(_centroid(narrow, x0, y0))
        peaks[max(0, y0 - 12) : y0 + 13, max(0, x0 - 12) : x0 + 13] = -np.inf
    return tuple(found)


def _centroid(field: Array, x0: int, y0: int) -> tuple[float, float]:
    part = field[max(0, y0 - 2) : y0 + 3, max(0, x0 - 2) : x0 + 3]
    weight = part - part.min()
    if not weight.sum():
        return float(x0), float(y0)
    ys, xs = np.indices(part.shape)
    return (
        max(0, x0 - 2) + float((weight * xs).sum() / weight.sum()),
        max(0, y0 - 2) + float((weight * ys).sum() / weight.sum()),
    )


def polar(
    work: Array, centre: tuple[float, float], radii: Array, angles: int
) -> tuple[Array, npt.NDArray[np.bool_]]:
    """Return the image in polar coordinates, shape (radii, angles), and where it exists."""
    theta = np.arange(angles) * (2.0 * math.pi / angles)
    x = centre[0] + np.outer(radii, np.cos(theta))
    y = centre[1] + np.outer(radii, np.sin(theta))
    inside = (x >= 0) & (x <= work.shape[1] - 1) & (y >= 0) & (y <= work.shape[0] - 1)
    return ndimage.map_coordinates(work, (y, x), order=1, mode="nearest"), inside
