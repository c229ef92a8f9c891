"""Find a round phantom in a CT slice: centre, diameter, roundness, and where its filling ends."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from kerma.core import AnalysisError
from kerma.imaging.tools.untyped import ndimage

Array = npt.NDArray[np.floating[Any]]

_HALF_WAY_HU = -500.0  # half-way between air and water
_SMALLEST_DIAMETER_MM = 80.0  # design choice; makers' water phantoms are 150 mm and more
_RAYS = 360
_WALL_HU = 40.0  # a ring that differs by more from the middle is wall, not filling
_LEAST_CLOSED = 0.8  # share of the rays that cross a border
_MOST_CUT_OFF = 0.02
_LEAST_ON_CIRCLE = 0.6  # share of the border
_MOST_INWARD = 0.15
_ARCS = 8
_STAGE = "find phantom"


@dataclass(frozen=True, slots=True)
class Found:
    """A round phantom, in pixels of the image (x = column, y = row).

    Attributes
    ----------
    x, y, radius
        Circle fitted to the outer border at half height.
    u_radius
        Standard uncertainty of the radius from the scatter of the border points.
    roughness
        Standard deviation of the border about the circle, as a share of the radius.
    filling
        Radius inside which ring means stay within 40 HU of the middle.
    """

    x: float
    y: float
    radius: float
    u_radius: float
    roughness: float
    filling: float


def find(pixels: Array, pixel_mm: float) -> Found:
    """Find the phantom.

    Parameters
    ----------
    pixels
        HU, shape (rows, columns), square pixels.
    pixel_mm
        Side of a pixel.

    Raises
    ------
    AnalysisError
        Stage ``find phantom``, codes ``no-phantom``, ``phantom-cut-off``, ``not-round``.
    """
    smooth = ndimage.gaussian_filter(pixels.astype(float), 1.0, mode="nearest")
    x, y, rough = _blob(smooth, pixel_mm)
    angles = np.arange(_RAYS) * (2 * math.pi / _RAYS)
    radii = np.arange(0.5 * rough, 1.4 * rough, 0.5)
    for _ in range(2):  # the second pass starts from the fitted centre
        border, leaving = _border(smooth, (x, y), angles, radii)
        found = np.isfinite(border)
        cut = leaving
        if found.mean() < _LEAST_CLOSED:
            break
        px, py = x + border * np.cos(angles), y + border * np.sin(angles)
        x, y, radius, kept = _circle(px[found], py[found])
        # A bracket may lead out of the image; the phantom is cut off when its circle is.
        cut = _outside(x + radius * np.cos(angles), y + radius * np.sin(angles), smooth.shape)
    if found.mean() < _LEAST_CLOSED and cut <= _MOST_CUT_OFF:
        raise _not_round("its border is not closed")
    if cut > _MOST_CUT_OFF:
        raise AnalysisError(
            f"{cut * 100:.0f} % of the phantom's border lies outside the image. Scan it centred "
            "and with a field of view that holds all of it.",
            stage=_STAGE,
            code="phantom-cut-off",
        )
    distance = np.hypot(px[found] - x, py[found] - y) - radius
    roughness = float(distance[kept].std()) / radius
    # A holder may hide much of the border from outside; nothing takes a piece out of a phantom.
    inward = float((~kept & (distance < 0)).mean())
    if kept.mean() < _LEAST_ON_CIRCLE or inward > _MOST_INWARD or roughness > 0.01:
        raise _not_round(f"its border strays from a circle by {100 * roughness:.1f} %")
    return Found(
        x, y, radius,
        u_radius=float(distance[kept].std()) / math.sqrt(int(kept.sum()) / 4),
        roughness=roughness,
        filling=_filling(smooth, x, y, radius),
    )  # fmt: skip


def _outside(x: Array, y: Array, shape: tuple[int, ...]) -> float:
    """Return the share of points outside an image."""
    inside = (x >= 0) & (x <= shape[1] - 1) & (y >= 0) & (y <= shape[0] - 1)
    return float((~inside).mean())


def _not_round(why: str) -> AnalysisError:
    return AnalysisError(
        f"The object in this image is not a round phantom: {why}. It may be another phantom, or "
        "a patient.",
        stage=_STAGE,
        code="not-round",
    )


def _blob(smooth: Array, pixel_mm: float) -> tuple[float, float, float]:
    """Return centre and radius of the largest object, freed from table and holder by opening."""
    factor = max(1, min(smooth.shape) // 128)
    coarse = smooth[factor // 2 :: factor, factor // 2 :: factor] > _HALF_WAY_HU
    opened = ndimage.binary_opening(np.pad(coarse, 3), iterations=3)[3:-3, 3:-3]
    labels, count = ndimage.label(opened)
    if not count:
        raise _nothing()
    sizes = np.bincount(labels.ravel())[1:]
    largest = ndimage.binary_fill_holes(labels == int(np.argmax(sizes)) + 1)
    rows, columns = np.nonzero(largest)
    radius = math.sqrt(len(rows) / math.pi) * factor
    if 2 * radius * pixel_mm < _SMALLEST_DIAMETER_MM:
        raise _nothing()
    offset = factor // 2
    return float(columns.mean()) * factor + offset, float(rows.mean()) * factor + offset, radius


def _nothing() -> AnalysisError:
    return AnalysisError(
        f"No phantom of {_SMALLEST_DIAMETER_MM:.0f} mm or more was found in this image.",
        stage=_STAGE,
        code="no-phantom",
    )


def _border(
    smooth: Array, centre: tuple[float, float], angles: Array, radii: Array
) -> tuple[Array, float]:
    """Return the outermost fall below half height on each ray (NaN: none), and the share cut off.

    A ray that leaves the image still inside the phantom is cut off.
    """
    x = centre[0] + np.outer(np.cos(angles), radii)
    y = centre[1] + np.outer(np.sin(angles), radii)
    inside = (x >= 0) & (x <= smooth.shape[1] - 1) & (y >= 0) & (y <= smooth.shape[0] - 1)
    profile = ndimage.map_coordinates(smooth, (y, x), order=1, mode="nearest")
    above = (profile > _HALF_WAY_HU) & inside
    falls = above[:, :-1] & ~above[:, 1:] & inside[:, 1:]
    # The first fall beyond 3/4 of the rough radius: a bubble lies further in, the table further out
    first = np.argmax(falls & (radii[:-1] > 0.75 * radii[-1] / 1.4), axis=1)
    has = np.take_along_axis(falls, first[:, None], axis=1)[:, 0]
    rows = np.arange(len(angles))
    high, low = profile[rows, first], profile[rows, first + 1]
    share = (high - _HALF_WAY_HU) / np.where(high > low, high - low, 1.0)
    border = np.where(has, radii[first] + share * (radii[1] - radii[0]), np.nan)
    leaves = ~has & ~inside[:, -1]
    return border, float(leaves.mean())


def _circle(x: Array, y: Array) -> tuple[float, float, float, npt.NDArray[np.bool_]]:
    """Fit a circle by least squares (Kåsa's linear form), leaving outliers out three times.

    Begun from the whole border, or from a half of it whose circle most of the points lie much
    nearer, so that a cradle along a third of the border does not pull the circle.
    """
    n = len(x)
    whole = np.ones(n, dtype=bool)
    halves = []
    for k in range(_ARCS):
        half = np.zeros(n, dtype=bool)
        half[(np.arange(n // 2) + k * n // _ARCS) % n] = True
        halves.append(half)

    def typical(chosen: npt.NDArray[np.bool_]) -> float:
        cx, cy, radius = _kasa(x[chosen], y[chosen])
        return float(np.median(np.abs(np.hypot(x - cx, y - cy) - radius)))

    kept = whole
    best = min(halves, key=typical)
    if typical(best) < min(0.5 * typical(whole), 1.0):
        kept = best
    for _ in range(3):
        cx, cy, radius = _kasa(x[kept], y[kept])
        off = np.abs(np.hypot(x - cx, y - cy) - radius)
        kept = off <= max(4.0 * float(np.median(off)), 0.5)
    return cx, cy, radius, kept


def _kasa(x: Array, y: Array) -> tuple[float, float, float]:
    design = np.column_stack((x, y, np.ones(len(x))))
    solved = np.linalg.lstsq(design, x**2 + y**2, rcond=None)[0]
    cx, cy = float(solved[0]) / 2, float(solved[1]) / 2
    return cx, cy, math.sqrt(max(float(solved[2]) + cx**2 + cy**2, 0.0))


def _filling(smooth: Array, x: float, y: float, radius: float) -> float:
    rows, columns = np.indices(smooth.shape)
    ring = np.hypot(columns - x, rows - y).astype(int)
    last = int(radius)
    inside = ring <= last
    totals = np.bincount(ring[inside], smooth[inside], minlength=last + 1)
    profile = totals / np.bincount(ring[inside], minlength=last + 1)
    middle = float(np.median(profile[: last // 2 + 1]))
    other = np.flatnonzero(np.abs(profile - middle) > _WALL_HU)
    outside = other[other > last // 2]
    return float(outside[0]) if len(outside) else float(last)
