"""Find the streaks that wire ramps leave in a slice."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt

from kerma.imaging.tools.ramp import Line
from kerma.imaging.tools.statistics import robust_sd
from kerma.imaging.tools.untyped import ndimage

Array = npt.NDArray[np.floating[Any]]

_OPENING_MM = 5.0  # what is wider is no wire
_LEAST_TO_NOISE = 8.0
_LEAST_LENGTH_MM = 3.0
_LONGEST_MM = 80.0
_WIDEST_MM = 3.0
_LEAST_SLENDER = 2.0
_STRAIGHT_MM = 0.5
_RIVAL = 0.3
# The two sides of a wire are of one material; the two sides of an insert's border are not.
_ONE_SIDED = 0.35
_SIDE_MM = 3.0
# The profile reaches this far beyond each end, to see the plain surroundings.
_BEYOND_MM = 6.0


def find_streaks(pixels: Array, pixel_mm: float) -> list[Line]:
    """Return the bright, straight, thin streaks of a slice, from top to bottom.

    What is wider than 5 mm is taken away by a morphological opening; what is left above 8 noise
    standard deviations is parted into patches, and those that are slender (twice as long as wide
    or more), straight, 3 mm or longer and with the same plastic on both sides are streaks. Design
    choice. The maximum of neighbouring slices shows longer streaks than one slice.
    """
    size = 2 * max(2, round(_OPENING_MM / pixel_mm / 2)) + 1
    smooth = ndimage.gaussian_filter(pixels.astype(float), 0.7, mode="nearest")
    hat = smooth - ndimage.grey_opening(smooth, size=(size, size), mode="nearest")
    limit = max(_LEAST_TO_NOISE * robust_sd(hat), 10.0)
    labels, _ = ndimage.label(hat > limit, structure=np.ones((3, 3)))
    found: list[tuple[float, Line]] = []
    for number, box in enumerate(ndimage.find_objects(labels), start=1):
        high, wide = (s.stop - s.start for s in box)
        if not _LEAST_LENGTH_MM < math.hypot(high, wide) * pixel_mm < _LONGEST_MM:
            continue
        own = labels[box] == number
        weights = np.where(own, hat[box], 0.0)
        line = _streak(weights, (box[1].start, box[0].start), pixel_mm)
        if line is not None and _same_on_both_sides(smooth, line, pixel_mm, float(weights.max())):
            found.append((float(weights.max()), line))
    if not found:
        return []
    highest = max(h for h, _ in found)
    kept = [line for h, line in found if h > _RIVAL * highest]
    return sorted(kept, key=lambda line: (line.y, line.x))


def _streak(weights: Array, corner: tuple[int, int], pixel_mm: float) -> Line | None:
    """Return a patch as a line when it is slender and straight."""
    rows, columns = np.nonzero(weights > 0.4 * weights.max())
    if len(rows) < 4:
        return None
    w = weights[rows, columns]
    x, y = float((w * columns).sum() / w.sum()), float((w * rows).sum() / w.sum())
    dx, dy = columns - x, rows - y
    spread = np.array([[(w * dx * dx).sum(), (w * dx * dy).sum()],
                       [(w * dx * dy).sum(), (w * dy * dy).sum()]]) / w.sum()  # fmt: skip
    values, vectors = np.linalg.eigh(spread)
    long_, short = math.sqrt(max(values[1], 0.0)), math.sqrt(max(values[0], 1e-9))
    ax, ay = (float(v) for v in vectors[:, 1])
    along, across = dx * ax + dy * ay, -dx * ay + dy * ax
    length = float(np.ptp(along)) * pixel_mm
    # A uniform strip of width b has a standard deviation of b/sqrt(12).
    width = short * math.sqrt(12.0) * pixel_mm
    bend = np.polyfit(along, across, 2)[0] * (np.ptp(along) / 2) ** 2 * pixel_mm
    if (
        long_ < _LEAST_SLENDER * short
        or length < _LEAST_LENGTH_MM
        or width > _WIDEST_MM
        or abs(float(bend)) > _STRAIGHT_MM
    ):
        return None
    if ax < 0 or (ax == 0 and ay < 0):
        ax, ay = -ax, -ay
    return Line(x + corner[0], y + corner[1], ax, ay, half_length_mm=length / 2 + _BEYOND_MM)


def _same_on_both_sides(smooth: Array, line: Line, pixel_mm: float, height: float) -> bool:
    sides = []
    for sign in (1.0, -1.0):
        off = sign * _SIDE_MM / pixel_mm
        along = np.linspace(-0.4, 0.4, 9) * (line.half_length_mm - _BEYOND_MM) * 2 / pixel_mm
        x = line.x + along * line.along_x - off * line.along_y
        y = line.y + along * line.along_y + off * line.along_x
        sides.append(float(ndimage.map_coordinates(smooth, [y, x], order=1, mode="nearest").mean()))
    return abs(sides[0] - sides[1]) < _ONE_SIDED * height
