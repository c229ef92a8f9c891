"""Find a round phantom in images whose grey values mean nothing in particular.

Dental cone-beam machines state CT objects whose values are not in HU. The air and the body are told
apart by the histogram, the values between them mapped on a scale where half way is the threshold of
the outline finder, and everything else is as with CT.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from kerma.core import InputError
from kerma.imaging.phantoms._grid import Volume
from kerma.imaging.phantoms._outline import Axis, find_axis
from kerma.imaging.tools.untyped import ndimage

Array = npt.NDArray[np.floating[Any]]

# The scale the outline finder works on: air, and body less air.
_AIR_HU, _STEP_HU = -1000.0, 1200.0
_MOST_SLICES = 40
_RAYS = 120
# Beyond the blur of the edge, and before most reconstructed circles end.
_NEAR_MM = (1.5, 2.5)
_COARSE_PX = 128
_BINS = 256
# A single value that fills this much of the images, and is their smallest, may be padding.
_PADDING_SHARE = 0.05
# Fewer pixels between air and body than this share of the pixels along the edge: a border.
_SHARP = 0.15
# How far width and height of a body may be from twice the radius of its area.
_ROUND = 0.15


@dataclass(frozen=True, slots=True)
class Body:
    """A round body.

    Attributes
    ----------
    axis
        The line through the middles of its outline.
    air, level
        Grey values of the surroundings and of the body (medians).
    cut
        Whether its edge is the border of the reconstructed circle, sharp to the pixel, and not that
        of an object: the phantom is larger than the field of view.
    """

    axis: Axis
    air: float
    level: float
    cut: bool

    @property
    def range(self) -> float:
        """Return body less air."""
        return self.level - self.air


def find_body(volume: Volume, radius_mm: float | None = None) -> Body:
    """Find the body and its axis.

    With a radius given, a body of that size within 8 % is looked for at exactly that size.

    Raises
    ------
    InputError
        Code ``phantom-not-found``.
    """
    count = len(volume.images)
    picked = np.unique(np.linspace(0, count - 1, min(count, _MOST_SLICES)).round().astype(int))
    step = max(1, min(volume.shape) // _COARSE_PX)
    coarse = np.stack([volume.images[i].pixels[::step, ::step] for i in picked])
    for threshold in _thresholds(coarse):
        found = _round_body(coarse, threshold, step * volume.pixel_mm)
        if found is not None:
            break
    else:
        raise _nothing()
    rough, air, level = found
    size = rough if radius_mm is None or abs(rough / radius_mm - 1) > 0.08 else radius_mm
    for _ in range(2):
        axis = _axis(volume, picked, size, air, level)
        close = _beside(volume, axis)
        if abs(close - air) < 0.02 * (level - air) or close >= level:
            break
        air = close
    return Body(_reaching(axis, volume), air, level, _cut(volume, axis, air, level))


def _axis(
    volume: Volume, picked: npt.NDArray[np.intp], radius_mm: float, air: float, level: float
) -> Axis:
    """Return the axis of the outline at half height, found in some of the slices."""
    scale = _STEP_HU / (level - air)
    shown = [
        replace(
            volume.images[i],
            pixels=(volume.images[i].pixels - air).astype(np.float32) * np.float32(scale) + _AIR_HU,
        )
        for i in picked
    ]
    part = replace(
        volume,
        images=tuple(shown),
        order=tuple(int(i) for i in picked),
        s_mm=volume.s_mm[picked],
        shift_mm=volume.shift_mm[picked],
    )
    try:
        return find_axis(part, radius_mm)
    except InputError as error:
        raise _nothing() from error


def _beside(volume: Volume, axis: Axis) -> float:
    """Return the grey value just outside of the outline: air even where the circle ends close by.

    The median over directions and three slices leaves the table out.
    """
    angle = np.arange(_RAYS) * 2 * np.pi / _RAYS
    r = axis.radius_mm + np.linspace(_NEAR_MM[0], _NEAR_MM[1], 4)
    found = []
    for share in (0.3, 0.5, 0.7):
        s = axis.span_mm[0] + share * (axis.span_mm[1] - axis.span_mm[0])
        index = volume.nearest(s)
        cx, cy = axis.at(float(volume.s_mm[index]))
        x, y = np.outer(np.cos(angle), r), np.outer(np.sin(angle), r)
        found.append(volume.read(index, cx + x, cy + y))
    return float(np.median(found))


def _reaching(axis: Axis, volume: Volume) -> Axis:
    """Let the span end at the neighbours of the slices looked at, which were one in several."""
    step = max(1.0, len(volume.images) / _MOST_SLICES) * volume.increment_mm
    low, high = axis.span_mm
    first, last = float(volume.s_mm[0]), float(volume.s_mm[-1])
    wide = (first if low - step <= first else low, last if high + step >= last else high)
    return replace(axis, span_mm=wide)


def _cut(volume: Volume, axis: Axis, air: float, level: float) -> bool:
    """Return whether next to no pixel on the edge is between air and body.

    An object's edge is blurred: there are about as many such pixels as pixels along the edge.
    """
    index = volume.nearest(sum(axis.span_mm) / 2)
    cx, cy = axis.at(float(volume.s_mm[index]))
    rows, columns = volume.shape
    x, y = volume.to_mm(*np.meshgrid(np.arange(columns), np.arange(rows)), index)
    near = np.abs(np.hypot(x - cx, y - cy) - axis.radius_mm) < 3 * volume.pixel_mm
    share = (volume.images[index].pixels[near] - air) / (level - air)
    between = int(((share > 0.25) & (share < 0.75)).sum())
    return between < _SHARP * 2 * math.pi * axis.radius_mm / volume.pixel_mm


def _thresholds(coarse: Array) -> list[float]:
    """Return Otsu's threshold of all values, and of those that cannot be padding."""
    low = float(coarse.min())
    kept = coarse[coarse > low]
    found = [_otsu(coarse)]
    if 1 - kept.size / coarse.size > _PADDING_SHARE and kept.size:
        found.insert(0, _otsu(kept))
    return found


def _otsu(values: Array) -> float:
    """Return the threshold that parts the histogram best (Otsu 1979: between-class variance)."""
    low, high = (float(v) for v in np.percentile(values, (0.1, 99.9)))
    if high <= low:
        return high
    count, edges = np.histogram(values, _BINS, (low, high))
    middle = (edges[:-1] + edges[1:]) / 2
    below = np.cumsum(count)
    above = below[-1] - below
    sums = np.cumsum(count * middle)
    with np.errstate(divide="ignore", invalid="ignore"):
        apart = below * above * (sums / below - (sums[-1] - sums) / above) ** 2
    return float(edges[1 + int(np.nanargmax(apart))])


def _round_body(
    coarse: Array, threshold: float, pixel_mm: float
) -> tuple[float, float, float] | None:
    """Return radius (mm), air and body level of the largest round thing, or ``None``."""
    masks = coarse > threshold
    freed = ndimage.binary_opening(
        np.pad(masks, ((0, 0), (3, 3), (3, 3))), np.ones((1, 3, 3), bool), iterations=3
    )[:, 3:-3, 3:-3]
    labels, _ = ndimage.label(freed)
    sizes = np.bincount(labels.ravel())
    sizes[0] = 0
    if not sizes.any():
        return None
    body = labels == int(np.argmax(sizes))
    radii = []
    for part in body:
        whole = ndimage.binary_fill_holes(part)
        rows, columns = np.flatnonzero(whole.any(axis=1)), np.flatnonzero(whole.any(axis=0))
        if not len(rows):
            continue
        radius = math.sqrt(float(whole.sum()) / math.pi)
        wide, high = np.ptp(columns) + 1, np.ptp(rows) + 1
        if max(abs(wide / 2 / radius - 1), abs(high / 2 / radius - 1)) < _ROUND:
            radii.append(radius)
    if len(radii) < min(3, len(coarse)):
        return None
    radius = float(np.percentile(radii, 75))
    square = np.ones((1, 3, 3), bool)
    core = ndimage.binary_erosion(body, square, iterations=2)
    around = ndimage.binary_dilation(body, square, iterations=6)
    around &= ~ndimage.binary_dilation(body, square, iterations=2) & ~masks
    # Slices beyond its ends may be half full of it.
    outside = coarse[around & body.any(axis=(1, 2))[:, None, None]]
    if not core.any() or outside.size < 50:
        return None
    level, air = float(np.median(coarse[core])), float(np.median(outside))
    return (radius * pixel_mm, air, level) if level > air else None


def _nothing() -> InputError:
    return InputError(
        "No round phantom was found: no run of slices shows a whole circle that stands out from "
        "its surroundings. Check that the field of view contains the whole phantom.",
        code="phantom-not-found",
    )
