"""Mean and noise on a grid of overlapping squares, in one pass."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from kerma.core import InputError
from kerma.imaging.tools.regions import Rectangle

Array = npt.NDArray[np.floating[Any]]


@dataclass(frozen=True, slots=True, eq=False)
class Grid:
    """Squares on a grid.

    Attributes
    ----------
    mean, sd
        Shape (down, across).
    lefts, tops
        First column and row of the squares.
    width, height
        Size of a square in pixels.
    parts
        Grid steps to a side: so many steps on, the next square touches this one.
    """

    mean: Array
    sd: Array
    lefts: npt.NDArray[np.intp]
    tops: npt.NDArray[np.intp]
    width: int
    height: int
    parts: int

    def square(self, row: int, column: int) -> Rectangle:
        """Return one square."""
        x0, y0 = int(self.lefts[column]), int(self.tops[row])
        return Rectangle(x0, y0, x0 + self.width, y0 + self.height)

    def neighbour_difference(self, of: Array | None = None) -> tuple[float, Rectangle, Rectangle]:
        """Return the largest |difference| of adjacent, not overlapping squares.

        `of` holds a number for each square, like `mean`; the means when absent.
        """
        values = self.mean if of is None else of
        best = (-1.0, (0, 0), (0, 0))
        step = self.parts
        for axis in (0, 1):
            near = [slice(None), slice(None)]
            far = [slice(None), slice(None)]
            near[axis], far[axis] = slice(None, -step), slice(step, None)
            difference = np.abs(values[tuple(far)] - values[tuple(near)])
            if not difference.size:
                continue
            row, column = np.unravel_index(int(np.argmax(difference)), difference.shape)
            size = float(difference[row, column])
            if size > best[0]:
                other = (row + step, column) if axis == 0 else (row, column + step)
                best = (size, (int(row), int(column)), (int(other[0]), int(other[1])))
        return best[0], self.square(*best[1]), self.square(*best[2])


def grid(pixels: Array, field: Rectangle, size_px: tuple[float, float], overlap: float) -> Grid:
    """Return mean and SD of squares of about `size_px` (height, width) over a field.

    `overlap` is the share of a side that neighbours have in common (0 to below 1), rounded to
    1 - 1/n.

    Raises
    ------
    InputError
        Code ``region-too-small``: fewer than 2 x 2 squares fit, or a square is under 4 pixels.
    """
    # A square is a whole number of steps, so that its next-but-so-many neighbour touches it.
    parts = max(1, round(1.0 / (1.0 - overlap)))
    steps = [max(1, round(s / parts)) for s in size_px]
    height, width = (parts * step for step in steps)
    part = field.cut(pixels)
    tops, lefts = (
        np.arange(0, n - size + 1, step)
        for n, size, step in zip(part.shape, (height, width), steps, strict=True)
    )
    if min(height, width) < 4 or min(len(tops), len(lefts)) < 2:
        raise InputError(
            "The squares of the uniformity grid do not fit in the field, or are smaller than 4 "
            "pixels. Choose another grid size.",
            code="region-too-small",
        )
    # The offset is taken out first so that the squares of large pixel values keep their digits.
    offset = float(part.mean())
    count = height * width
    first = _box_sums(part - offset, tops, lefts, height, width) / count
    second = _box_sums((part - offset) ** 2, tops, lefts, height, width) / count
    variance = np.maximum(0.0, second - first**2) * count / (count - 1)
    return Grid(
        first + offset, np.sqrt(variance), lefts + field.x0, tops + field.y0, width, height, parts
    )


def _box_sums(
    values: Array,
    tops: npt.NDArray[np.intp],
    lefts: npt.NDArray[np.intp],
    height: int,
    width: int,
) -> Array:
    table = np.zeros((values.shape[0] + 1, values.shape[1] + 1))
    np.cumsum(np.cumsum(values, axis=0), axis=1, out=table[1:, 1:])
    upper, lower = table[tops], table[tops + height]
    inner: Array = (
        lower[:, lefts + width] - lower[:, lefts] - upper[:, lefts + width] + upper[:, lefts]
    )
    return inner
