"""Find a star pattern and measure how its modulation falls towards the middle."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from kerma.core import AnalysisError
from kerma.imaging.tools.untyped import ndimage

Array = npt.NDArray[np.floating[Any]]
Complex = npt.NDArray[np.complexfloating[Any, Any]]

STAGE = "find star"
_SEED = 60336
# Design choices.
_SEARCH_PX = 768
_SOFTNESS = (1.0, 2.5)  # pixels; the second for noisy images of stars with wide wedges
_LINES = 3000
_FEWEST_PAIRS, _MOST_PAIRS = 30, 400
_ANGLES = 4096
_LEAST_PURITY = 0.35
_LEAST_OVER_NOISE = 30.0
_SECTORS = 16
_LEAST_RADIUS_PX = 40.0


@dataclass(frozen=True, slots=True)
class Star:
    """A star pattern; lengths in mm from the centre of the first pixel.

    Attributes
    ----------
    x, y
        Its middle.
    radius, u_radius
        Of the rim, where the spokes end, and its standard uncertainty.
    pairs
        Wedges of lead in the whole circle.
    phase
        Angle of the pattern's fundamental, radians: cos(pairs * angle - phase).
    roundness
        Standard deviation of the rim over 16 sectors, relative.
    """

    x: float
    y: float
    radius: float
    u_radius: float
    pairs: int
    phase: float
    roundness: float


def find_star(pixels: Array, spacing_mm: tuple[float, float]) -> Star:
    """Find a star pattern and prove it.

    Edges of spokes lie on lines through the middle: the point most lines of the gradient pass
    through. Around it the signal must be one harmonic of the angle, the same at all radii (with a
    third or more of all that changes with the angle in it and its multiples).

    Raises
    ------
    AnalysisError
        Code ``wrong-phantom``.
    """
    for softness in _SOFTNESS:
        try:
            x, y = _middle(pixels, spacing_mm, softness)
            pairs, radius = _pairs(pixels, spacing_mm, x, y)
            break
        except AnalysisError:
            if softness == _SOFTNESS[-1]:
                raise
    # First by the rim, as the phase only says where the middle is to a part of a wedge.
    for _ in range(2):
        places, middles = _rim(pixels, spacing_mm, (x, y), pairs, radius)
        radius, dx, dy = _offset(places, middles)
        x, y = x + dx, y + dy
        # Seen from a point off the middle, some circles hold a wedge more or less.
        pairs = _counted(pixels, spacing_mm, (x, y), radius)
    x, y, phase = _recentred(pixels, spacing_mm, (x, y), pairs, radius)
    places, middles = _rim(pixels, spacing_mm, (x, y), pairs, radius)
    radius = float(places.mean())
    scatter = float(places.std(ddof=1))
    u = math.hypot(scatter / math.sqrt(len(places)), 0.05 * max(spacing_mm))
    return Star(x, y, radius, u, pairs, phase, scatter / radius)


def _not_star(why: str) -> AnalysisError:
    return AnalysisError(
        f"No star pattern was found in this image: {why}. A star has wedges of lead around the "
        "whole circle that meet in one point.",
        stage=STAGE,
        code="wrong-phantom",
    )


def _middle(pixels: Array, spacing_mm: tuple[float, float], softness: float) -> tuple[float, float]:
    factor = max(1, min(pixels.shape) // _SEARCH_PX)
    rows, columns = (n // factor for n in pixels.shape)
    cut = pixels[: rows * factor, : columns * factor].astype(float)
    coarse = cut.reshape(rows, factor, columns, factor).mean(axis=(1, 3))
    sy, sx = (s * factor for s in spacing_mm)
    gx = ndimage.gaussian_filter(coarse, softness, order=(0, 1), mode="nearest") / sx
    gy = ndimage.gaussian_filter(coarse, softness, order=(1, 0), mode="nearest") / sy
    strength = np.hypot(gx, gy)
    strength[:3], strength[-3:], strength[:, :3], strength[:, -3:] = 0.0, 0.0, 0.0, 0.0
    if not strength.any():
        raise _not_star("nothing stands out")
    # Every place with a gradient above half of the clear ones', thinned evenly.
    strong = np.flatnonzero(strength.ravel() > 0.5 * np.percentile(strength, 98))
    random = np.random.default_rng(_SEED)
    chosen = random.permutation(strong)[: 2 * _LINES]
    if len(chosen) < 200:
        raise _not_star("too few edges stand out")
    ny, nx = gy.ravel()[chosen], gx.ravel()[chosen]
    length = np.hypot(nx, ny)
    nx, ny = nx / length, ny / length
    x, y = chosen % columns * sx, chosen // columns * sy
    offset = nx * x + ny * y
    half = len(chosen) // 2
    a, b = slice(0, half), slice(half, 2 * half)
    det = nx[a] * ny[b] - nx[b] * ny[a]
    clear = np.abs(det) > 0.3
    cx = ((offset[a] * ny[b] - offset[b] * ny[a])[clear]) / det[clear]
    cy = ((nx[a] * offset[b] - nx[b] * offset[a])[clear]) / det[clear]
    inside = (cx > 0) & (cy > 0) & (cx < columns * sx) & (cy < rows * sy)
    if inside.sum() < 50:
        raise _not_star("its edges do not meet in one point")
    at = _densest(cx[inside], cy[inside], 0.02 * min(rows * sy, columns * sx))
    for reach in (0.05, 0.02, 0.01):
        away = nx * (x - at[0]) + ny * (y - at[1])
        kept = np.abs(away) < reach * min(rows * sy, columns * sx)
        if kept.sum() < 50:
            raise _not_star("its edges do not meet in one point")
        normal = np.array([[nx[kept] @ nx[kept], nx[kept] @ ny[kept]],
                           [nx[kept] @ ny[kept], ny[kept] @ ny[kept]]])  # fmt: skip
        right = np.array([nx[kept] @ offset[kept], ny[kept] @ offset[kept]])
        found = np.linalg.lstsq(normal, right, rcond=None)[0]
        at = float(found[0]), float(found[1])
    return at[0] + (factor - 1) / 2 * spacing_mm[1], at[1] + (factor - 1) / 2 * spacing_mm[0]


def _densest(x: Array, y: Array, cell: float) -> tuple[float, float]:
    columns, rows = np.floor(x / cell).astype(int), np.floor(y / cell).astype(int)
    width = int(columns.max()) + 3
    counts = np.bincount((rows + 1) * width + columns + 1)
    best = int(np.argmax(counts))
    row, column = best // width - 1, best % width - 1
    near = (np.abs(columns - column) <= 1) & (np.abs(rows - row) <= 1)
    return float(np.median(x[near])), float(np.median(y[near]))


def polar(
    pixels: Array, spacing_mm: tuple[float, float], at: tuple[float, float], radii: Array
) -> Array:
    """Return the image on circles, shape (radii, angles); NaN outside the image."""
    angles = np.arange(_ANGLES) * (2 * math.pi / _ANGLES)
    columns = (at[0] + radii[:, None] * np.cos(angles)) / spacing_mm[1]
    rows = (at[1] + radii[:, None] * np.sin(angles)) / spacing_mm[0]
    values = ndimage.map_coordinates(pixels, (rows, columns), order=1, output=float)
    inside = (rows >= 0) & (columns >= 0)
    inside &= (rows <= pixels.shape[0] - 1) & (columns <= pixels.shape[1] - 1)
    return np.where(inside, values, np.nan)


def _pairs(pixels: Array, spacing_mm: tuple[float, float], x: float, y: float) -> tuple[int, float]:
    """Return the number of wedges and the rough radius of the rim."""
    rows, columns = pixels.shape
    room = min(x, y, (columns - 1) * spacing_mm[1] - x, (rows - 1) * spacing_mm[0] - y)
    if room < _LEAST_RADIUS_PX * max(spacing_mm):
        raise _not_star("its middle lies at the border of the image")
    radii = np.linspace(0.04, 1.0, 97) * room
    rings = polar(pixels, spacing_mm, (x, y), radii)
    rings = np.where(np.isfinite(rings), rings, 0.0)
    power = np.abs(np.fft.rfft(rings, axis=1)) ** 2
    band = power[:, _FEWEST_PAIRS : _MOST_PAIRS + 1]
    order = int(np.argmax(band.sum(axis=0))) + _FEWEST_PAIRS
    # White noise adds the same to every harmonic; an exponential variable's median is its mean
    # times ln 2.
    floor = np.median(power[:, 12:], axis=1, keepdims=True) / math.log(2.0)
    power = power - floor
    # All that the angle changes faster than 12 times a turn; the heel and a field edge are slower.
    changing = power[:, 12:].sum(axis=1)
    multiples = [m * order + d for m in (1, 3, 5) for d in (-1, 0, 1)]
    held = power[:, [m for m in multiples if m < power.shape[1]]].sum(axis=1)
    fundamental = power[:, order - 1 : order + 2].sum(axis=1)
    strong = fundamental > np.maximum(0.1 * float(np.percentile(fundamental, 95)),
                                      _LEAST_OVER_NOISE * floor[:, 0])  # fmt: skip
    runs = np.flatnonzero(strong)
    if len(runs) < 12 or float(radii[runs[-1]] - radii[runs[0]]) < 0.15 * room:
        raise _not_star("no number of wedges is the same over a range of radii")
    span = slice(int(runs[0]), int(runs[-1]) + 1)
    purity = float(held[strong].sum() / changing[strong].sum())
    if purity < _LEAST_PURITY:
        raise _not_star(f"only {100 * purity:.0f} % of what changes with the angle is wedges")
    # The fundamental's number must be that of each circle, not of one odd one.
    own = np.argmax(band[span], axis=1) + _FEWEST_PAIRS
    if float((np.abs(own - order) <= 1).mean()) < 0.6:
        raise _not_star("the number of wedges changes with the radius")
    amplitude = np.sqrt(np.maximum(fundamental, 0.0))
    top = float(np.percentile(amplitude[strong], 90))
    outer = np.flatnonzero(amplitude > 0.5 * top)
    return order, float(radii[outer[-1]])


def _counted(
    pixels: Array, spacing_mm: tuple[float, float], at: tuple[float, float], radius: float
) -> int:
    rings = polar(pixels, spacing_mm, at, np.linspace(0.6, 0.95, 36) * radius)
    rings = np.where(np.isfinite(rings), rings, 0.0)
    power = (np.abs(np.fft.rfft(rings, axis=1)) ** 2).sum(axis=0)
    return int(np.argmax(power[_FEWEST_PAIRS : _MOST_PAIRS + 1])) + _FEWEST_PAIRS


def _sector_phases(rings: Array, pairs: int) -> tuple[Complex, Array]:
    """Return the harmonic in 16 sectors of each circle, and the middles of the sectors."""
    angles = np.arange(_ANGLES) * (2 * math.pi / _ANGLES)
    n = _ANGLES // _SECTORS
    parts = rings.reshape(len(rings), _SECTORS, n)
    # A sector that leaves the image says nothing.
    parts = np.where(np.isfinite(parts).all(axis=2, keepdims=True), parts, 0.0)
    window = np.hanning(n)
    waves = (np.exp(-1j * pairs * angles).reshape(_SECTORS, n)) * window
    found = (parts - parts.mean(axis=2, keepdims=True)) * waves[None]
    return np.asarray(found.sum(axis=2) * 2.0 / window.sum()), angles.reshape(_SECTORS, n).mean(1)


def _clear(amplitude: Array) -> Array:
    """Return the amplitudes of sectors, 0 where a blur zone reaches out to where they are taken."""
    return np.asarray(
        np.where(amplitude > 0.5 * float(np.percentile(amplitude, 80)), amplitude, 0.0)
    )


def _recentred(
    pixels: Array,
    spacing_mm: tuple[float, float],
    at: tuple[float, float],
    pairs: int,
    radius: float,
) -> tuple[float, float, float]:
    """Move the middle until the phase is the same in all sectors; also return the phase.

    Seen from a point off by (ex, ey), a spoke at the angle t has the angle t - (ex sin t - ey cos
    t) / r.
    """
    x, y = at
    phase = 0.0
    for _ in range(4):
        radii = np.linspace(0.82, 0.95, 24) * radius
        found, middles = _sector_phases(polar(pixels, spacing_mm, (x, y), radii), pairs)
        # Averaged over radii with the harmonic's own turn between circles left in.
        mean = found.mean(axis=0)
        r = float(radii.mean())
        start = float(np.angle(mean.sum()))
        bend = np.angle(mean * np.exp(-1j * start))
        design = np.column_stack((np.ones(_SECTORS), np.sin(middles), -np.cos(middles)))
        weight = _clear(np.abs(mean))
        solved = np.linalg.lstsq(design * weight[:, None], bend * weight, rcond=None)[0]
        dx, dy = float(solved[1]) * r / pairs, float(solved[2]) * r / pairs
        x, y = x + dx, y + dy
        phase = -(start + float(solved[0]))
        if math.hypot(dx, dy) < 1e-4 * max(spacing_mm):
            break
    return x, y, phase


def _rim(
    pixels: Array,
    spacing_mm: tuple[float, float],
    at: tuple[float, float],
    pairs: int,
    radius: float,
) -> tuple[Array, Array]:
    """Return the radii at which the harmonic falls to half, and the middles of their sectors."""
    step = 0.5 * min(spacing_mm)
    radii = np.arange(0.80 * radius, 1.15 * radius, step)
    found, middles = _sector_phases(polar(pixels, spacing_mm, at, radii), pairs)
    amplitude = np.abs(found)
    flat = (radii > 0.82 * radius) & (radii < 0.93 * radius)
    clear = _clear(amplitude[flat].mean(axis=0)) > 0
    places = np.full(_SECTORS, np.nan)
    for n in np.flatnonzero(clear):
        # Towards the rim the spokes widen and the modulation still rises a little.
        line = np.polyfit(radii[flat], amplitude[flat, n], 1)
        share = amplitude[:, n] / np.maximum(np.polyval(line, radii), 1e-12)
        below = np.flatnonzero((share < 0.5) & (radii > 0.93 * radius))
        if len(below) and below[0] > 0:
            i = int(below[0])
            part = (share[i - 1] - 0.5) / (share[i - 1] - share[i])
            places[n] = radii[i - 1] + part * step
    kept = np.isfinite(places)
    if kept.sum() >= _SECTORS // 4:
        kept &= np.abs(places - np.median(places[kept])) < 0.05 * radius
    if kept.sum() < _SECTORS // 4:
        raise _not_star("its rim does not show; the whole star must be in the image")
    return places[kept], middles[kept]


def _offset(places: Array, middles: Array) -> tuple[float, float, float]:
    """Return the rim's radius and how far its middle lies from where the radii were taken."""
    design = np.column_stack((np.ones(len(places)), np.cos(middles), np.sin(middles)))
    radius, dx, dy = (float(v) for v in np.linalg.lstsq(design, places, rcond=None)[0])
    return radius, dx, dy
