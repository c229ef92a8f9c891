"""Find the straight edge of a test plate in a planar image and fit its position and angle.

Everything here is written for an edge that runs down the image (near vertical). For one that runs
across, the caller passes the transposed image.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from kerma.core import AnalysisError
from kerma.imaging.tools.statistics import robust_sd
from kerma.imaging.tools.untyped import ndimage

Array = npt.NDArray[np.floating[Any]]

_COARSE_PX = 256  # the search runs on an image reduced to about this size
_SEARCH_DEG = np.arange(-12.0, 12.01, 0.5)
_FIT_WINDOW_PX = 20
_LEAST_HALF_WIDTH_PX = 16
_STRAIGHT_PX = 0.5


@dataclass(frozen=True, slots=True)
class Candidate:
    """A straight edge seen in the reduced image, in pixels of the full one.

    Attributes
    ----------
    column, slope
        Column of the edge at row `row`, and its change per row.
    row, top, bottom
        Reference row; first row and the row after the last along which the edge is clear.
    half_width
        Distance to each side that is free of other edges.
    strength
        Mean gradient along the edge times its share of the image, to compare directions.
    """

    column: float
    slope: float
    row: float
    top: int
    bottom: int
    half_width: float
    strength: float


@dataclass(frozen=True, slots=True)
class Line:
    """A fitted edge: column = column + slope (row' - row), in pixels.

    Attributes
    ----------
    u_slope
        Standard uncertainty of the slope from the scatter of the rows.
    low_high
        Pixel values of the plateaus, left then right of the edge.
    """

    column: float
    slope: float
    row: float
    top: int
    bottom: int
    half_width: float
    u_slope: float
    low_high: tuple[float, float]

    def at(self, rows: Array) -> Array:
        """Return the column of the edge at these rows."""
        return self.column + self.slope * (rows - self.row)


def search(pixels: Array, prefer_deg: tuple[float, float]) -> Candidate:
    """Find the strongest straight edge within 12 degrees of the vertical.

    The gradient is summed along lines of every angle; an edge whose angle lies in `prefer_deg` is
    taken before a stronger one outside (a collimator blade beside the plate).

    Raises
    ------
    AnalysisError
        Code ``no-edge``.
    """
    factor = max(1, min(pixels.shape) // _COARSE_PX)
    rows, columns = (n // factor for n in pixels.shape)
    coarse = (
        pixels[: rows * factor, : columns * factor]
        .reshape(rows, factor, columns, factor)
        .mean(axis=(1, 3))
    )
    gradient = ndimage.gaussian_filter1d(coarse, 1.0, axis=1, order=1, mode="nearest")
    gradient = ndimage.gaussian_filter1d(gradient, 1.0, axis=0, mode="nearest")
    sums = np.array([_sheared(gradient, math.tan(math.radians(t))).sum(0) for t in _SEARCH_DEG])
    scores = np.abs(sums).max(axis=1)
    low, high = prefer_deg
    wanted = (np.abs(_SEARCH_DEG) >= low - 0.3) & (np.abs(_SEARCH_DEG) <= high + 0.3)
    pick = int(np.argmax(scores))
    if wanted.any() and scores[wanted].max() >= 0.5 * scores[pick]:
        pick = int(np.argmax(np.where(wanted, scores, -1.0)))
    slope = math.tan(math.radians(float(_SEARCH_DEG[pick])))
    along = _sheared(gradient, slope)
    column = int(np.argmax(np.abs(sums[pick])))
    if not 4 <= column < columns - 4 or scores[pick] <= 0:
        raise _no_edge()
    top, bottom = _extent(along, column)
    half = _clear_width(along[top:bottom].mean(axis=0), column)
    middle = (rows - 1) / 2
    return Candidate(
        column=(column + 0.5) * factor - 0.5,
        slope=slope,
        row=(middle + 0.5) * factor - 0.5,
        top=top * factor,
        bottom=bottom * factor,
        half_width=half * factor,
        strength=float(scores[pick]) / factor,
    )


def _no_edge() -> AnalysisError:
    return AnalysisError(
        "No straight edge was found. The image needs one clear edge of an opaque plate, tilted a "
        "little to the rows or columns.",
        stage="find edge",
        code="no-edge",
    )


def _sheared(gradient: Array, slope: float) -> Array:
    """Shift each row so that lines of this slope become columns; nearest pixel, zero outside."""
    rows, columns = gradient.shape
    shift = np.rint(slope * (np.arange(rows) - (rows - 1) / 2)).astype(int)
    margin = min(int(np.abs(shift).max()), columns)
    wide = np.pad(gradient, ((0, 0), (margin, margin)))
    first = np.arange(rows) * wide.shape[1] + margin + np.clip(shift, -margin, margin)
    return np.asarray(wide.ravel().take(first[:, None] + np.arange(columns)))


def _extent(along: Array, column: int) -> tuple[int, int]:
    """Return the rows over which the edge keeps its contrast: the longest run, ends trimmed."""
    height = along[:, column - 3 : column + 4].sum(axis=1)
    height = height * np.sign(height.sum())
    smooth = ndimage.median_filter(height, size=9, mode="nearest")
    clear = np.concatenate(([0], (smooth > 0.7 * np.percentile(smooth, 75)).astype(int), [0]))
    starts, stops = np.flatnonzero(np.diff(clear) == 1), np.flatnonzero(np.diff(clear) == -1)
    if not len(starts):
        raise _no_edge()
    run = int(np.argmax(stops - starts))
    top, bottom = int(starts[run]), int(stops[run])
    trim = max(2, (bottom - top) // 20)
    if bottom - top - 2 * trim < 8:
        raise _no_edge()
    return top + trim, bottom - trim


def _clear_width(profile: Array, column: int) -> float:
    """Return how far the profile stays free of other steps, as much on both sides."""
    limit = max(0.25 * abs(float(profile[column])), 8.0 * robust_sd(profile))
    sides = (np.abs(profile[column + 5 :]), np.abs(profile[: column - 4][::-1]))
    widths = []
    for side in sides:
        steps = np.flatnonzero(side > limit)
        widths.append(float(steps[0]) + 2.0 if len(steps) else float(len(side)) + 4.0)
    return min(widths)


def fit_line(pixels: Array, found: Candidate, most_half_width: float) -> Line:
    """Locate the edge in every row and fit a straight line.

    In each row the position follows from the area under the normalised profile in a window
    around the predicted place, x = c + w + 1/2 - sum (v - lo)/(hi - lo): noise far from the edge
    does not enter, and no derivative is taken. Repeated until the line stands still.

    Raises
    ------
    AnalysisError
        Codes ``edge-too-narrow``, ``edge-not-straight``.
    """
    rows = np.arange(found.top, found.bottom)
    column, slope = found.column, found.slope
    u_slope, levels = 0.0, (0.0, 0.0)
    residual: Array = np.zeros(len(rows))
    for _ in range(6):
        predicted = column + slope * (rows - found.row)
        room = min(float(predicted.min()), pixels.shape[1] - 1 - float(predicted.max())) - 1.0
        half = min(found.half_width, most_half_width, room)
        if half < _LEAST_HALF_WIDTH_PX:
            raise AnalysisError(
                "There is too little clear image on the two sides of the edge: "
                f"{max(half, 0):.0f} pixels, {_LEAST_HALF_WIDTH_PX} needed.",
                stage="fit edge",
                code="edge-too-narrow",
            )
        window = min(_FIT_WINDOW_PX, int(half) // 2)
        places, levels = _row_positions(pixels, rows, predicted, window, int(half))
        kept = np.abs(places - predicted - np.median(places - predicted)) < window
        slope, start, u_slope, residual = _robust_line(rows - found.row, places, kept)
        moved = abs(start - column)
        column = start
        if moved < 1e-6:
            break
    smooth = ndimage.uniform_filter1d(residual, max(3, len(rows) // 8), mode="nearest")
    if float(np.abs(smooth).max()) > _STRAIGHT_PX:
        raise AnalysisError(
            "The edge is not straight: it strays from a line by "
            f"{float(np.abs(smooth).max()):.1f} pixels.",
            stage="fit edge",
            code="edge-not-straight",
        )
    return Line(column, slope, found.row, found.top, found.bottom, half, u_slope, levels)


def _row_positions(
    pixels: Array, rows: npt.NDArray[np.intp], predicted: Array, window: int, half: int
) -> tuple[Array, tuple[float, float]]:
    centre = np.rint(predicted).astype(int)
    offsets = np.arange(-half, half + 1)
    strip = pixels[rows[:, None], centre[:, None] + offsets[None, :]].astype(float)
    plateau = min(half - window, 2 * window)
    lefts = strip[:, half - window - plateau : half - window].mean(axis=1)
    rights = strip[:, half + window + 1 : half + window + 1 + plateau].mean(axis=1)
    y = (rows - rows.mean()) / max(1, len(rows))
    # A field that slopes along the edge is followed by a straight line, not row by row (noise).
    left, right = (np.polyval(np.polyfit(y, side, 1), y) for side in (lefts, rights))
    step = right - left
    if not (np.abs(step) > 0).all() or np.ptp(np.sign(step)):
        raise _no_edge()
    part = strip[:, half - window : half + window + 1]
    area = ((part - left[:, None]) / step[:, None]).sum(axis=1)
    return centre + window + 0.5 - area, (float(left.mean()), float(right.mean()))


def _robust_line(
    y: Array, x: Array, kept: npt.NDArray[np.bool_]
) -> tuple[float, float, float, Array]:
    """Fit x = start + slope y without outliers; return slope, start, u(slope), residuals."""
    if kept.sum() < 8:
        raise _no_edge()
    for _ in range(3):
        middle = float(y[kept].mean())
        spread = float(((y[kept] - middle) ** 2).sum())
        slope = float(((y[kept] - middle) * x[kept]).sum()) / spread
        start = float(x[kept].mean()) - slope * middle
        residual = x - start - slope * y
        scale = robust_sd(residual[kept])
        kept = np.abs(residual) <= max(4.5 * scale, 1e-9)
    u_slope = float(np.std(residual[kept])) / math.sqrt(spread)
    return slope, start, u_slope, np.where(kept, residual, 0.0)
