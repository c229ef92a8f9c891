"""Find round spots of about one size, dark or bright, and their centroids to a part of a pixel."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from kerma.imaging.tools.statistics import robust_sd
from kerma.imaging.tools.untyped import ndimage

Array = npt.NDArray[np.floating[Any]]
Mask = npt.NDArray[np.bool_]

_NOISE_PX = 20_000


@dataclass(frozen=True, slots=True)
class Spot:
    """A spot.

    Attributes
    ----------
    x, y
        Centroid, pixels (column, row).
    height
        Of the spot over its surround, in pixel values; negative for a dark one.
    wide, high
        Full extents across and down at half height, pixels.
    """

    x: float
    y: float
    height: float
    wide: float
    high: float

    @property
    def size(self) -> float:
        """Return the mean of both extents."""
        return (self.wide + self.high) / 2


@dataclass(frozen=True, slots=True)
class Search:
    """What counts as a spot.

    Attributes
    ----------
    radius_px
        Expected radius, good to a factor 1.6.
    bright
        Spots brighter or darker than their surround.
    least_sigmas, least_share, least_height
        A spot stands so many standard deviations above the noise, reaches this share of the
        strongest, and is at least so high itself, in pixel values.
    most
        No more than so many, the highest.
    """

    radius_px: float
    bright: bool
    least_sigmas: float = 6.0
    least_share: float = 0.3
    least_height: float = 0.0
    most: int = 400


def answer(pixels: Array, radius_px: float) -> Array:
    """Return the image smoothed to a spot's size less the image smoothed to twice that."""
    image = pixels.astype(np.float32)
    small = ndimage.gaussian_filter(image, 0.6 * radius_px, truncate=3.0)
    return np.asarray(small - ndimage.gaussian_filter(image, 1.3 * radius_px, truncate=3.0))


def peaks(
    pixels: Array, search: Search, inside: Mask | None = None, *, ready: Array | None = None
) -> Array:
    """Return (column, row, height of the answer) of spots, highest first, to the pixel.

    The difference of two smoothed images (`answer`), in which slopes and large areas fall out, has
    a local peak at each spot.

    Parameters
    ----------
    pixels
        Shape (rows, columns).
    search
        What counts.
    inside
        Where to look; everywhere when absent.
    ready
        The image's `answer`, when it has been made already.
    """
    rest = answer(pixels, search.radius_px) if ready is None else ready
    rest = rest if search.bright else -rest
    looked = rest if inside is None else rest[inside]
    if not looked.size:
        return np.empty((0, 3))
    # A fraction of the pixels tells the noise as well.
    noise = max(robust_sd(looked.ravel()[:: max(1, looked.size // _NOISE_PX)]), 1e-9)
    # A disc of the radius asked for answers with half its height; of other radii with less.
    limit = max(
        search.least_sigmas * noise,
        search.least_share * float(looked.max()),
        0.25 * search.least_height,
    )
    size = 2 * max(1, round(1.2 * search.radius_px)) + 1
    top = rest > limit if inside is None else (rest > limit) & inside
    if not top.any():
        return np.empty((0, 3))
    top &= rest == ndimage.maximum_filter(rest, size=size)
    if not top.any():
        return np.empty((0, 3))
    # Pixels of one height side by side are one peak.
    labels, count = ndimage.label(top, np.ones((3, 3), bool))
    found = np.array(ndimage.center_of_mass(top, labels, np.arange(1, count + 1))).reshape(-1, 2)
    heights = np.asarray(ndimage.maximum(rest, labels, np.arange(1, count + 1)))
    order = np.argsort(-heights, kind="stable")[: search.most]
    return np.column_stack([found[order][:, ::-1].astype(float), heights[order]])


def find_spots(pixels: Array, search: Search, inside: Mask | None = None) -> list[Spot]:
    """Return the spots of an image with their centroids and sizes; see `peaks`."""
    spots = [
        measured(pixels, float(c), float(r), search.radius_px, bright=search.bright)
        for c, r, _ in peaks(pixels, search, inside)
    ]
    return [s for s in spots if s is not None]


def measured(pixels: Array, x: float, y: float, radius_px: float, *, bright: bool) -> Spot | None:
    """Return the spot near a place: centroid of what stands out from a plane fitted around it."""
    sign = 1.0 if bright else -1.0
    reach = 2.6 * radius_px + 2
    for _ in range(4):
        r0, c0 = math.floor(y - reach), math.floor(x - reach)
        r1, c1 = math.ceil(y + reach) + 1, math.ceil(x + reach) + 1
        # The surround may be cut by the image's border, the spot may not.
        core_reach = 1.6 * radius_px + 1
        inside = min(x, y, pixels.shape[1] - 1 - x, pixels.shape[0] - 1 - y)
        if inside < min(core_reach, 1.2 * radius_px):
            return None
        r0, c0 = max(r0, 0), max(c0, 0)
        r1, c1 = min(r1, pixels.shape[0]), min(c1, pixels.shape[1])
        cut = sign * pixels[r0:r1, c0:c1].astype(float)
        rows, columns = np.ogrid[r0:r1, c0:c1]
        away = np.hypot(columns - x, rows - y)
        ring = (away > 1.7 * radius_px + 1) & (away <= reach)
        dx, dy = np.broadcast_arrays(columns - x, rows - y)
        design = np.column_stack([np.ones(int(ring.sum())), dx[ring], dy[ring]])
        plane, *_ = np.linalg.lstsq(design, cut[ring], rcond=None)
        rest = cut - plane[0] - plane[1] * dx - plane[2] * dy
        core = np.where(away <= 1.6 * radius_px + 1, rest, 0.0)
        height = float(np.median(rest[away <= max(1.0, 0.5 * radius_px)]))
        core = np.where(core > 0.1 * height, core, 0.0)
        total = float(core.sum())
        if height <= 0 or total <= 0:
            return None
        step_x, step_y = float((core * dx).sum()) / total, float((core * dy).sum()) / total
        x, y = x + step_x, y + step_y
        if math.hypot(step_x, step_y) < 1e-3:
            break
    wide = _extent(rest, round(y) - r0, x - c0, height)
    high = _extent(rest.T, round(x) - c0, y - r0, height)
    return Spot(x, y, sign * height, wide, high)


def _extent(rest: Array, row: int, middle: float, height: float) -> float:
    """Return the full extent at half height along a row, mean of the three rows at the middle."""
    line = rest[max(0, row - 1) : row + 2].mean(axis=0)
    half = height / 2
    at = min(max(round(middle), 0), len(line) - 1)
    left = at
    while left > 0 and line[left] > half:
        left -= 1
    right = at
    while right < len(line) - 1 and line[right] > half:
        right += 1
    if line[left] > half or line[right] > half:
        return float(len(line))
    low = left + (half - line[left]) / max(line[left + 1] - line[left], 1e-9)
    up = right - (half - line[right]) / max(line[right - 1] - line[right], 1e-9)
    return float(up - low)
