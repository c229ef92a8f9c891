"""Shapes in pixel coordinates: what they cover, and how they are drawn."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from kerma.core import InputError, Quantity, Region
from kerma.imaging.tools.statistics import Moments, moments

Array = npt.NDArray[np.floating[Any]]


@dataclass(frozen=True, slots=True)
class Rectangle:
    """A rectangle of whole pixels: columns x0 to x1 and rows y0 to y1, ends not included."""

    x0: int
    y0: int
    x1: int
    y1: int

    @classmethod
    def centred(cls, x: float, y: float, width: float, height: float) -> Rectangle:
        """Return the rectangle of about this size around a point, at least one pixel wide."""
        w, h = max(1, round(width)), max(1, round(height))
        x0, y0 = round(x - (w - 1) / 2), round(y - (h - 1) / 2)
        return cls(x0, y0, x0 + w, y0 + h)

    @classmethod
    def given(cls, corners: tuple[int, int, int, int], shape: tuple[int, int]) -> Rectangle:
        """Return a rectangle a person asked for, checked against the image.

        Raises
        ------
        InputError
            Code ``region-outside-image``.
        """
        found = cls(*corners)
        if not found.inside(shape) or found.x1 - found.x0 < 8 or found.y1 - found.y0 < 8:
            raise InputError(
                f"The region {list(corners)} does not lie inside the image of {shape[1]} columns "
                f"by {shape[0]} rows, or is smaller than 8 pixels. Give left, top, right, bottom.",
                code="region-outside-image",
            )
        return found

    def inside(self, shape: tuple[int, int]) -> bool:
        """Return whether the rectangle is not empty and lies within an image of this shape."""
        return 0 <= self.x0 < self.x1 <= shape[1] and 0 <= self.y0 < self.y1 <= shape[0]

    def cut(self, pixels: Array) -> Array:
        """Return the pixels under the rectangle (a view)."""
        return pixels[self.y0 : self.y1, self.x0 : self.x1]

    def moments(self, pixels: Array) -> Moments:
        """Return mean and noise under the rectangle."""
        if not self.inside((pixels.shape[0], pixels.shape[1])):
            return moments(np.empty((0, 0)))
        return moments(self.cut(pixels))

    def region(
        self, name: str, *, frame: int = 0, values: Mapping[str, Quantity] | None = None
    ) -> Region:
        """Return the shape for the overlay, along the outer borders of its pixels."""
        corners = ((self.x0 - 0.5, self.y0 - 0.5), (self.x1 - 0.5, self.y1 - 0.5))
        return Region(name, "rectangle", corners, frame, dict(values or {}))


@dataclass(frozen=True, slots=True)
class Disc:
    """A disc of the pixels whose centres are within `radius` of (x, y), in pixels."""

    x: float
    y: float
    radius: float

    def mask(self, shape: tuple[int, ...]) -> npt.NDArray[np.bool_]:
        """Return which pixels of an image belong to the disc."""
        rows, columns = np.ogrid[: shape[0], : shape[1]]
        found: npt.NDArray[np.bool_] = (columns - self.x) ** 2 + (
            rows - self.y
        ) ** 2 <= self.radius**2
        return found

    def moments(self, pixels: Array) -> Moments:
        """Return mean and noise under the disc."""
        x0, x1 = max(0, int(self.x - self.radius)), int(self.x + self.radius) + 2
        y0, y1 = max(0, int(self.y - self.radius)), int(self.y + self.radius) + 2
        part = pixels[y0:y1, x0:x1]
        return moments(part, Disc(self.x - x0, self.y - y0, self.radius).mask(part.shape))

    def region(
        self, name: str, *, frame: int = 0, values: Mapping[str, Quantity] | None = None
    ) -> Region:
        """Return the shape for the overlay."""
        points = ((self.x, self.y), (self.x + self.radius, self.y))
        return Region(name, "circle", points, frame, dict(values or {}))
