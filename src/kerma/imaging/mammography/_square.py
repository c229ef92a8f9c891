"""Find the square of aluminium on a block of PMMA, and put the regions on and beside it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from kerma.core import AnalysisError, Image
from kerma.imaging.tools.regions import Rectangle
from kerma.imaging.tools.untyped import ndimage

Array = npt.NDArray[np.floating[Any]]

STAGE = "find aluminium"
_REDUCED_MM = 0.7
# The four sides beside the square may differ by this share of its own difference. Design choice.
_SIDES_AGREE = 0.4
# 0.2 mm of aluminium takes 8 % to 20 % of the signal; offsets and thicker scatter widen the range.
_CONTRAST = (0.015, 0.5)
_CLEAR = 12.0
_SIZES = (0.65, 1.5)
_SECOND = 0.6


@dataclass(frozen=True, slots=True)
class Square:
    """A square found: middle and sides in pixels, and its signal against what is beside it."""

    x: float
    y: float
    width: float
    height: float
    difference: float


@dataclass(frozen=True, slots=True)
class Regions:
    """Where the signal is measured: on the object and beside it."""

    inside: Rectangle
    beside: tuple[Rectangle, ...]


def find_square(image: Image, side_mm: float) -> Square:
    """Find one square of about `side_mm` with sides along the image, brighter or darker.

    Raises
    ------
    AnalysisError
        Codes ``no-contrast-object``, ``several-objects``.
    """
    dx = image.require_spacing()[1]
    factor = max(1, round(_REDUCED_MM / dx))
    rows, columns = (n // factor for n in image.pixels.shape)
    small = image.pixels[: rows * factor, : columns * factor].astype(float)
    small = small.reshape(rows, factor, columns, factor).mean(axis=(1, 3))
    side = side_mm / (dx * factor)
    score, difference = _contrast_map(small, side)
    at = np.unravel_index(int(score.argmax()), score.shape)
    best = float(score[at])
    if best < _CLEAR:
        raise _nothing()
    near = ndimage.maximum_filter(score, max(3, round(side)))
    others = (near == score) & (score > _SECOND * best)
    places = np.argwhere(others) - np.array(at)
    if (np.abs(places).max(axis=1) > 1.3 * side).any():
        raise AnalysisError(
            "More than one object stands out on this image, so it is not plain which is the "
            "aluminium. Give object_roi: left, top, right, bottom in pixels.",
            stage=STAGE,
            code="several-objects",
        )
    x, y = (float(v) * factor + (factor - 1) / 2 for v in (at[1], at[0]))
    return _edges(image, x, y, side_mm, float(difference[at]))


def _nothing() -> AnalysisError:
    return AnalysisError(
        "No square of aluminium stands out on this image. Check that it is there and of the size "
        "stated (object_mm), or give object_roi: left, top, right, bottom in pixels.",
        stage=STAGE,
        code="no-contrast-object",
    )


def _contrast_map(small: Array, side: float) -> tuple[Array, Array]:
    """Return how clearly the middle of a square differs from all four of its sides, everywhere."""
    inner = max(3, round(0.6 * side)) | 1
    strip = max(3, round(0.4 * side)) | 1
    away = round(0.5 * side + 0.5 * strip + 1)
    middle = ndimage.uniform_filter(small, inner, mode="nearest")
    flat = ndimage.uniform_filter(small, strip, mode="nearest")
    padded = np.pad(flat, away, mode="edge")
    rows, columns = small.shape
    sides = np.stack(
        [
            padded[away + j : away + j + rows, away + i : away + i + columns]
            for i, j in ((-away, 0), (away, 0), (0, -away), (0, away))
        ]
    )
    beside = sides.mean(axis=0)
    difference = middle - beside
    spread = sides.max(axis=0) - sides.min(axis=0)
    share = np.abs(difference) / np.maximum(np.abs(beside), 1e-9)
    fits = (spread < _SIDES_AGREE * np.abs(difference)) & (share > _CONTRAST[0])
    fits &= share < _CONTRAST[1]
    edge = away + strip // 2
    fits[:edge], fits[-edge:], fits[:, :edge], fits[:, -edge:] = False, False, False, False
    noise = float(np.median(np.abs(small[:, 1:] - small[:, :-1]))) / 0.954
    return np.where(fits, np.abs(difference) / max(noise / inner, 1e-12), 0.0), difference


def _edges(image: Image, x: float, y: float, side_mm: float, difference: float) -> Square:
    """Find the four edges at half height, each along a band through the middle."""
    dy, dx = image.require_spacing()
    lines = []
    for part, along, across, step in (
        (image.pixels, x, y, dx),
        (image.pixels.T, y, x, dy),
    ):
        half, band = side_mm / step, max(1, round(0.2 * side_mm / step))
        a = np.arange(max(0, round(along - half)), min(part.shape[1], round(along + half) + 1))
        first = max(0, round(across) - band)
        profile = part[first : round(across) + band + 1, a].astype(float).mean(axis=0)
        smooth = ndimage.uniform_filter1d(profile, max(1, round(0.04 * side_mm / step)) | 1)
        lines.append(_width(a, smooth, along, side_mm / step))
    (left, right), (top, bottom) = lines
    width, height = right - left, bottom - top
    low, high = _SIZES
    for size, step in ((width, dx), (height, dy)):
        if not low * side_mm <= size * step <= high * side_mm:
            raise _nothing()
    return Square((left + right) / 2, (top + bottom) / 2, width, height, difference)


def _width(
    a: npt.NDArray[np.intp], profile: Array, middle: float, side: float
) -> tuple[float, float]:
    inside = profile[np.abs(a - middle) < 0.25 * side].mean()
    found = []
    for sign in (-1, 1):
        outer = sign * (a - middle)
        beside = float(np.median(profile[(outer > 0.7 * side) & (outer < side)]))
        level = (inside + beside) / 2
        part = np.flatnonzero((outer > 0.2 * side) & (outer < 0.8 * side))
        part = part if sign > 0 else part[::-1]
        height = (profile[part] - level) * math.copysign(1.0, inside - beside)
        cross = np.flatnonzero((height[:-1] > 0) & (height[1:] <= 0))
        if not len(cross):
            raise _nothing()
        k = int(cross[0])
        share = height[k] / (height[k] - height[k + 1])
        found.append(float(a[part[k]]) + sign * float(share))
    return found[0], found[1]


def regions(image: Image, square: Square, roi_mm: float, gap_mm: float) -> Regions:
    """Return the region on the square and four beside it; fewer where the image ends.

    Raises
    ------
    AnalysisError
        Code ``no-background``: no pair of regions on opposite sides fits in the image.
    """
    dy, dx = image.require_spacing()
    shape = (image.pixels.shape[0], image.pixels.shape[1])
    inside = Rectangle.centred(square.x, square.y, roi_mm / dx, roi_mm / dy)
    out_x = square.width / 2 + (gap_mm + roi_mm / 2) / dx
    out_y = square.height / 2 + (gap_mm + roi_mm / 2) / dy
    pairs = []
    for x, y in ((out_x, 0.0), (0.0, out_y)):
        pair = [
            Rectangle.centred(square.x + s * x, square.y + s * y, roi_mm / dx, roi_mm / dy)
            for s in (-1, 1)
        ]
        if all(r.inside(shape) for r in pair):
            pairs += pair
    if not pairs or not inside.inside(shape):
        raise AnalysisError(
            "There is no room beside the aluminium for regions of background. Move it further "
            "from the edge of the image, or give the regions.",
            stage=STAGE,
            code="no-background",
        )
    return Regions(inside, tuple(pairs))
