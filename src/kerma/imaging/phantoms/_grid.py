"""A CT series in order, and how to read values between its pixels.

Places are millimetres, x along the columns (to the right as displayed) and y along the rows
(down), from the middle of the image; `s_mm` is the position along the slice normal (row direction x
column direction), so that x, y, s is right-handed however the images were labelled. Where the
slices are shifted against each other (gantry tilt), the shift is part of the place.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from kerma.core import Image
from kerma.imaging.tools.untyped import ndimage

Array = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Volume:
    """Slices in order of `s_mm`.

    Attributes
    ----------
    images, order
        The slices, and the index each had in what was given.
    s_mm
        Shape (n,), increasing.
    shift_mm
        Shape (n, 2): (x, y) of the middle of each image from that of the first.
    spacing_mm
        (row, column) pixel spacing.
    increment_mm, thickness_mm
        Median distance between slices; nominal slice thickness, if stated.
    """

    images: tuple[Image, ...]
    order: tuple[int, ...]
    s_mm: Array
    shift_mm: Array
    spacing_mm: tuple[float, float]
    increment_mm: float
    thickness_mm: float | None
    warnings: tuple[str, ...]

    @property
    def shape(self) -> tuple[int, int]:
        """Return rows and columns of a slice."""
        rows, columns = self.images[0].pixels.shape
        return rows, columns

    @property
    def pixel_mm(self) -> float:
        """Return the mean pixel spacing."""
        return sum(self.spacing_mm) / 2

    @property
    def half_mm(self) -> tuple[float, float]:
        """Return half the width and height of the image, to the outer borders of its pixels."""
        rows, columns = self.shape
        return columns * self.spacing_mm[1] / 2, rows * self.spacing_mm[0] / 2

    def to_pixel(self, x_mm: Any, y_mm: Any, index: int = 0) -> tuple[Any, Any]:
        """Return (column, row) in a slice of places in mm; slices not shifted are all alike."""
        rows, columns = self.shape
        return (
            (x_mm - self.shift_mm[index, 0]) / self.spacing_mm[1] + (columns - 1) / 2,
            (y_mm - self.shift_mm[index, 1]) / self.spacing_mm[0] + (rows - 1) / 2,
        )

    def to_mm(self, column: Any, row: Any, index: int = 0) -> tuple[Any, Any]:
        """Return (x, y) in mm of places in a slice; slices not shifted are all alike."""
        rows, columns = self.shape
        return (
            (column - (columns - 1) / 2) * self.spacing_mm[1] + self.shift_mm[index, 0],
            (row - (rows - 1) / 2) * self.spacing_mm[0] + self.shift_mm[index, 1],
        )

    def read(self, index: int, x_mm: Any, y_mm: Any) -> Array:
        """Return values at places of one slice by bilinear interpolation (edges extended)."""
        column, row = self.to_pixel(np.asarray(x_mm), np.asarray(y_mm), index)
        return _bilinear(self.images[index].pixels, row, column)

    def read_smooth(self, index: int, x_mm: Array, y_mm: Array) -> Array:
        """Return values at places of one slice by cubic splines: no blur below Nyquist."""
        column, row = self.to_pixel(x_mm, y_mm, index)
        r, c = max(0, int(row.min()) - 8), max(0, int(column.min()) - 8)
        part = self.images[index].pixels[r : int(row.max()) + 9, c : int(column.max()) + 9]
        found: Array = ndimage.map_coordinates(
            part.astype(np.float64), [row - r, column - c], order=3, mode="nearest"
        )
        return found

    def sees(self, index: int, x_mm: Any, y_mm: Any) -> npt.NDArray[np.bool_]:
        """Return which places lie inside the image of a slice."""
        column, row = self.to_pixel(np.asarray(x_mm), np.asarray(y_mm), index)
        rows, columns = self.shape
        found: npt.NDArray[np.bool_] = (
            (column >= 0) & (column <= columns - 1) & (row >= 0) & (row <= rows - 1)
        )
        return found

    def nearest(self, s_mm: float) -> int:
        """Return the index of the slice nearest to a position."""
        return int(np.argmin(np.abs(self.s_mm - s_mm)))

    def within(self, low_mm: float, high_mm: float) -> list[int]:
        """Return the slices whose middle lies in a range, or the one nearest to its middle."""
        low, high = sorted((low_mm, high_mm))
        found = np.flatnonzero((self.s_mm >= low - 1e-6) & (self.s_mm <= high + 1e-6))
        return [int(i) for i in found] or [self.nearest((low + high) / 2)]

    def independent(self, slices: Sequence[int]) -> float:
        """Return how many slices of independent noise a run of them is worth, at least one.

        Overlapping slices share data: a run is worth its length over the slice thickness.
        """
        if self.thickness_mm is None or self.thickness_mm <= self.increment_mm:
            return float(len(slices))
        return max(1.0, len(slices) * self.increment_mm / self.thickness_mm)


def _bilinear(pixels: npt.NDArray[Any], row: Array, column: Array) -> Array:
    rows, columns = pixels.shape
    row, column = np.clip(row, 0, rows - 1.001), np.clip(column, 0, columns - 1.001)
    i, j = row.astype(np.intp), column.astype(np.intp)
    a, b = row - i, column - j
    flat = pixels.reshape(-1)
    k = i * columns + j
    # All are inside: "clip" only spares numpy the asking.
    one, two, three, four = (flat.take(k + d, mode="clip") for d in (0, 1, columns, columns + 1))
    top = one * (1 - b) + two * b
    found: Array = top * (1 - a) + (three * (1 - b) + four * b) * a
    return found


@dataclass(frozen=True, slots=True, eq=False)
class Discs:
    """Statistics of the pixels whose centres lie in discs; shapes (discs, slices).

    `mean` and `sd` are NaN where a disc holds fewer than two pixels of the image or is cut by
    its border.
    """

    mean: Array
    sd: Array
    count: Array


def read_discs(
    volume: Volume, slices: Sequence[int], x_mm: Any, y_mm: Any, radius_mm: float
) -> Discs:
    """Return the statistics of discs of one size at many places of several slices.

    Parameters
    ----------
    volume, slices
        Where to read.
    x_mm, y_mm
        Shape (discs, slices).
    radius_mm
        Of all discs.
    """
    sy, sx = volume.spacing_mm
    tall, wide = int(radius_mm / sy) + 1, int(radius_mm / sx) + 1
    dy, dx = np.arange(-tall, tall + 1), np.arange(-wide, wide + 1)
    rows, columns = volume.shape
    places = [volume.to_pixel(x_mm[:, k], y_mm[:, k], index) for k, index in enumerate(slices)]
    column, row = (np.array([p[k] for p in places]) for k in (0, 1))
    r = np.rint(row).astype(np.intp)[:, :, None] + dy
    c = np.rint(column).astype(np.intp)[:, :, None] + dx
    down, across = ((r - row[:, :, None]) * sy) ** 2, ((c - column[:, :, None]) * sx) ** 2
    inside = down[:, :, :, None] + across[:, :, None, :] <= radius_mm**2
    whole = (r[:, :, 0] >= 0) & (r[:, :, -1] < rows)
    whole &= (c[:, :, 0] >= 0) & (c[:, :, -1] < columns)
    r, c = np.clip(r, 0, rows - 1), np.clip(c, 0, columns - 1)
    values = np.empty(inside.shape)
    at = (r * columns)[:, :, :, None] + c[:, :, None, :]
    for k, index in enumerate(slices):
        values[k] = volume.images[index].pixels.reshape(-1).take(at[k], mode="clip")
    n = inside.sum(axis=(2, 3))
    usable = whole & (n > 1)
    count = np.maximum(n, 2)
    mean = np.einsum("kdij,kdij->kd", values, inside) / count
    values -= mean[:, :, None, None]
    values *= inside
    sd = np.sqrt(np.einsum("kdij,kdij->kd", values, values) / (count - 1))
    mean[~usable] = sd[~usable] = np.nan
    return Discs(mean.T, sd.T, n.T.astype(np.float64))


def disc_grid(radius_mm: float, step_mm: float) -> tuple[Array, Array]:
    """Return the points of a square grid inside a disc about 0."""
    n = max(1, int(radius_mm / step_mm))
    line = np.arange(-n, n + 1) * step_mm
    x, y = np.meshgrid(line, line)
    inside = np.hypot(x, y) <= radius_mm
    return x[inside], y[inside]
