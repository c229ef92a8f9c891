"""What goes wrong with real CT series: couch, streaks, shading, small fields of view, odd headers.

Each function returns changed copies of the images of a series; the truth about the phantom stays.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from kerma.core import Image

Array = npt.NDArray[Any]
Change = Callable[[Array, Array, Array], Array]


def changed(images: Sequence[Image], change: Change) -> list[Image]:
    """Apply a function of pixels and their x and y (mm from the middle of the image) to each."""
    found = []
    for image in images:
        dy, dx = image.require_spacing()
        rows, columns = image.pixels.shape
        y = ((np.arange(rows) - (rows - 1) / 2) * dy)[:, None]
        x = ((np.arange(columns) - (columns - 1) / 2) * dx)[None, :]
        pixels = np.asarray(change(image.pixels, x, y), dtype=np.float32)
        pixels.flags.writeable = False
        found.append(replace(image, pixels=pixels))
    return found


def couch(images: Sequence[Image], top_mm: float = 100.5, hu: float = -100.0) -> list[Image]:
    """Put a curved couch under the phantom: a 25 mm slab of foam in two shells of 2 mm."""

    def add(pixels: Array, x: Array, y: Array) -> Array:
        depth = y - top_mm + (x / 200.0) ** 2 * 40.0
        foam = (depth > 0) & (depth < 25)
        shell = foam & ((depth < 2) | (depth > 23))
        return np.where(
            shell, np.maximum(pixels, hu), np.where(foam, np.maximum(pixels, -850), pixels)
        )

    return changed(images, add)


def box(images: Sequence[Image], left_mm: float = -112.0, hu: float = -300.0) -> list[Image]:
    """Stand a wooden wall beside the phantom and two small blocks further off."""

    def add(pixels: Array, x: Array, y: Array) -> Array:
        wall = (x > left_mm - 10) & (x < left_mm) & (np.abs(y) < 110)
        blocks = (np.abs(x - 118) < 6) & (np.abs(np.abs(y) - 60) < 20)
        return np.where(wall | blocks, np.maximum(pixels, hu), pixels)

    return changed(images, add)


def shading(images: Sequence[Image], hu: float, cup_hu: float = 0.0) -> list[Image]:
    """Tilt the CT numbers of the phantom from side to side by +/- `hu`, and cup them."""

    def add(pixels: Array, x: Array, y: Array) -> Array:
        tissue = np.clip((pixels + 1000) / 1000, 0, 1)
        shaded: Array = pixels + tissue * (hu * x / 100 + cup_hu * (x**2 + y**2) / 1e4)
        return shaded

    return changed(images, add)


def rescaled(images: Sequence[Image], slope: float = 1.0, shift_hu: float = 0.0) -> list[Image]:
    """Stretch and shift all pixel values."""
    return changed(images, lambda pixels, x, y: pixels * slope + shift_hu)


def streaks(images: Sequence[Image], hu: float, seed: int = 1, count: int = 12) -> list[Image]:
    """Draw dark and bright streaks of 3 mm (1 SD) right across the phantom, through the inserts."""
    random = np.random.default_rng(seed)
    angles = random.uniform(0, np.pi, count)
    through = random.choice(np.radians(np.arange(0, 360, 30)), count)
    signs = random.choice([-1.0, 1.0], count)

    def add(pixels: Array, x: Array, y: Array) -> Array:
        total = np.zeros(pixels.shape)
        for angle, at, sign in zip(angles, through, signs, strict=True):
            away = (x - 58 * np.cos(at)) * np.sin(angle) - (y - 58 * np.sin(at)) * np.cos(angle)
            total += sign * hu * np.exp(-(away**2) / (2 * 3.0**2))
        return pixels + total * np.clip((pixels + 1000) / 1000, 0, 1)

    return changed(images, add)


def circle(images: Sequence[Image], padding_hu: float = -2000.0) -> list[Image]:
    """Leave nothing outside of the reconstruction circle."""

    def cut(pixels: Array, x: Array, y: Array) -> Array:
        half = pixels.shape[0] / 2 * abs(float(y[1, 0] - y[0, 0]))
        return np.where(np.hypot(x, y) < half, pixels, padding_hu)

    return changed(images, cut)


def field_of_view(images: Sequence[Image], side_mm: float) -> list[Image]:
    """Cut the images down to a square about their middle."""
    found = []
    for image in images:
        dy, _ = image.require_spacing()
        rows = image.pixels.shape[0]
        cut = max(0, round((rows - side_mm / dy) / 2))
        pixels = np.ascontiguousarray(image.pixels[cut : rows - cut, cut : rows - cut])
        pixels.flags.writeable = False
        found.append(replace(image, pixels=pixels))
    return found


def empty_ends(images: Sequence[Image], count: int = 3) -> list[Image]:
    """Blank the first and last slices."""
    blank = np.full(images[0].pixels.shape, -1000.0, dtype=np.float32)
    blank.flags.writeable = False
    ends = {*range(count), *range(len(images) - count, len(images))}
    return [replace(i, pixels=blank) if k in ends else i for k, i in enumerate(images)]


def without(images: Sequence[Image], *keywords: str) -> list[Image]:
    """Take header values away."""
    return [
        replace(i, facts={k: v for k, v in i.facts.items() if k not in keywords}) for i in images
    ]
