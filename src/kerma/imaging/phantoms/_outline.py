"""Find the phantom's outline: a disc of its size, then the line through the middles of the slices.

A decimated copy of a few slices gives the level between air and phantom and, by correlation with
a disc and the ring of air around it, a rough middle: couch, box and other objects in the air weigh
little in it. Rays across the outline on a few slices then give each middle to a fraction of a
pixel, and a line through them is the axis.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from kerma.core import InputError
from kerma.imaging.phantoms._grid import Volume

Array = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]
# Middle and radius in mm, and whether all of the outline is seen.
Circle = tuple[float, float, float, bool]

# Design choices: size of the coarse pixels, how many slices are searched and how many are looked
# at closely, rays a slice.
_COARSE_MM = 7.0
_LEAST_SEARCHED, _MOST_SEARCHED, _SEARCH_EVERY_MM = 9, 60, 20.0
_MOST_SLICES = 16
_RAYS = 120
# Outside the reconstruction circle scanners store -1500 HU and less, or what air reads.
_PADDING_HU = -1500.0
_LEAST_STEP_HU = 400.0
# The disc must be filled and the ring of air, from 6 to 25 % outside of it, empty; a couch or a box
# takes up to a half of the ring.
_RING = (1.06, 1.25)
_LEAST_SCORE = 0.35
_FILLED = 0.75
_ROUGHNESS_MM = 1.5
_RADIUS_TOLERANCE = 0.05
_WHOLE = 0.6
# Share of the rays that is enough when the field of view cuts the phantom, and the widest gap
# between rays that leaves the circle's middle certain.
_LEAST_SHARE = 0.06
_WIDEST_GAP = math.radians(160)


@dataclass(frozen=True, slots=True)
class Axis:
    """The line through the middles of the phantom's outline.

    Attributes
    ----------
    x_mm, y_mm
        Middle at s = 0.
    slope_x, slope_y
        Displacement per mm of s.
    span_mm
        Range of s over which the phantom fills its outline.
    radius_mm
        Median radius of the outline.
    scatter_mm
        Standard deviation of the slice middles about the line.
    slices
        How many slices it was fitted to.
    outlined, whole
        False when it is not from the outline, or from a part of it.
    """

    x_mm: float
    y_mm: float
    slope_x: float
    slope_y: float
    span_mm: tuple[float, float]
    radius_mm: float
    scatter_mm: float
    slices: int = 3
    outlined: bool = True
    whole: bool = True

    def at(self, s_mm: Any) -> tuple[Any, Any]:
        """Return the middle at a position."""
        return self.x_mm + self.slope_x * s_mm, self.y_mm + self.slope_y * s_mm


@dataclass(frozen=True, slots=True, eq=False)
class Coarse:
    """Some slices decimated, and the level half-way between air and phantom.

    Attributes
    ----------
    slices
        Which slices.
    mask
        Shape (slices, rows, columns): above the level.
    step
        Pixels a coarse pixel spans.
    level_hu
        The level.
    """

    slices: tuple[int, ...]
    mask: Mask
    step: int
    level_hu: float


def find_axis(volume: Volume, radius_mm: float) -> Axis:
    """Return the axis of a phantom of this radius.

    Raises
    ------
    InputError
        Code ``phantom-not-found``: no disc of the phantom's size in air.
    """
    coarse = decimate(volume)
    if coarse is None:
        raise no_outline(radius_mm)
    fitted = _circles(volume, coarse, radius_mm)
    if len(fitted) < 3:
        raise no_outline(radius_mm)
    index = list(fitted)
    table = np.array([fitted[i][:3] for i in index])
    whole = bool(np.mean([fitted[i][3] for i in index]) > 0.5)
    line = fit_line(volume.s_mm[index], table[:, :2])
    span = _span(volume, coarse.level_hu, line, radius_mm, index)
    radius = float(np.median(table[:, 2]))
    return Axis(*line[:4], span, radius, line[4], len(index), whole=whole)


def no_outline(radius_mm: float) -> InputError:
    """Return the refusal of a series in which no phantom was found."""
    return InputError(
        f"No phantom was found: no run of slices shows a disc of about {radius_mm:.0f} mm radius "
        "in air. Check that the field of view contains the whole phantom; if it does, give the "
        "phantom's middle with parameter centre_px.",
        code="phantom-not-found",
    )


def decimate(volume: Volume) -> Coarse | None:
    """Return the coarse slices; ``None`` when nothing stands out from air.

    The level is half-way between the medians of the two classes that Otsu's threshold parts.
    """
    step = max(1, round(_COARSE_MM / volume.pixel_mm))
    length = float(volume.s_mm[-1] - volume.s_mm[0])
    count = int(np.clip(length / _SEARCH_EVERY_MM, _LEAST_SEARCHED, _MOST_SEARCHED))
    chosen = np.unique(np.linspace(0, len(volume.images) - 1, count + 2)[1:-1].round().astype(int))
    values = np.stack([volume.images[i].pixels[::step, ::step] for i in chosen])
    sample = values.reshape(-1)[:: max(1, values.size // 40_000)].astype(np.float64)
    sample = sample[sample > _PADDING_HU]
    if sample.size < 100:
        return None
    first = _otsu(sample)
    low, high = sample[sample < first], sample[sample >= first]
    if not low.size or not high.size:
        return None
    air, body = float(np.median(low)), float(np.median(high))
    if body - air < _LEAST_STEP_HU:
        return None
    level = (air + body) / 2
    return Coarse(tuple(int(i) for i in chosen), values > level, step, level)


def _otsu(sample: Array) -> float:
    """Return the threshold with the largest variance between the classes (Otsu 1979)."""
    low, high = np.percentile(sample, (0.5, 99.5))
    counts, edges = np.histogram(sample, 200, (low, max(high, low + 1.0)))
    middles = (edges[1:] + edges[:-1]) / 2
    below, sums = np.cumsum(counts), np.cumsum(counts * middles)
    above = below[-1] - below
    both = (below > 0) & (above > 0)
    between = np.zeros(len(counts))
    m0 = sums[both] / below[both]
    m1 = (sums[-1] - sums[both]) / above[both]
    between[both] = below[both] * above[both] * (m0 - m1) ** 2
    # Empty bins between two well-parted classes tie: take the middle of them.
    best = np.flatnonzero(between >= between.max() * (1 - 1e-12))
    return float(edges[1:][best].mean())


def _rough(volume: Volume, coarse: Coarse, radius_mm: float) -> dict[int, tuple[float, float]]:
    """Return the place of the disc, to a few mm, in the slices of a few that show it."""
    mask = coarse.mask
    size_y, size_x = (coarse.step * v for v in volume.spacing_mm)
    reach = [math.ceil(_RING[1] * radius_mm / v) + 1 for v in (size_y, size_x)]
    rows, columns = mask.shape[1:]
    padded = (rows + 2 * reach[0], columns + 2 * reach[1])
    y = (np.arange(padded[0]) - reach[0])[:, None] * size_y
    x = (np.arange(padded[1]) - reach[1])[None, :] * size_x
    r = np.hypot(y, x) / radius_mm
    # Single precision counts these pixels well enough, in a third of the time.
    kernels = np.array([r <= 0.97, (r >= _RING[0]) & (r <= _RING[1])], dtype=np.float32)
    kernels = np.conj(np.fft.rfft2(np.roll(kernels, (-reach[0], -reach[1]), axis=(1, 2))))
    seen = np.fft.rfft2(np.ones((rows, columns), dtype=np.float32), padded)
    parts = np.fft.rfft2(mask.astype(np.float32), padded)
    whole = np.fft.irfft2(seen * kernels, padded)[:, :rows, :columns]
    filled = np.fft.irfft2(parts[:, None] * kernels, padded)[:, :, :rows, :columns]
    share = filled / np.maximum(whole, 1.0)
    # Where hardly any of the ring is in the image nothing speaks against the disc.
    share[:, 1] *= whole[1] > 0.05 * kernels[1, 0, 0].real
    score = (share[:, 0] - share[:, 1]) * (whole[0] > 0.5 * kernels[0, 0, 0].real)
    best = score.reshape(len(mask), -1).argmax(axis=1)
    row, column = np.unravel_index(best, (rows, columns))
    good = np.flatnonzero(score.reshape(len(mask), -1).max(axis=1) > _LEAST_SCORE)
    places = {}
    for k in good:
        i = coarse.slices[k]
        places[i] = volume.to_mm(column[k] * coarse.step, row[k] * coarse.step, i)
    if len(places) < 2:
        return {}
    # One object along the axis: leave out slices whose disc is another's.
    x0, y0 = np.median(np.array(list(places.values())), axis=0)
    return {i: p for i, p in places.items() if math.hypot(p[0] - x0, p[1] - y0) < 25}


def _circles(volume: Volume, coarse: Coarse, radius_mm: float) -> dict[int, Circle]:
    """Return the circles of the slices that show one.

    A slice is first looked at where its neighbour's circle was: tilted by 5 degrees it has moved
    by a millimetre or two.
    """
    found: dict[int, Circle] = {}
    last: Circle | None = None
    places = _rough(volume, coarse, radius_mm)
    if not places:
        return found
    ends = min(places), max(places)
    near = np.array(list(places))
    for i in (int(k) for k in np.unique(np.linspace(*ends, _MOST_SLICES).astype(int))):
        circle, (x, y) = None, places[int(near[np.argmin(np.abs(near - i))])]
        if last is not None:
            circle = _circle(volume, i, last[:3], radius_mm, level_hu=coarse.level_hu, wide=False)
        if circle is None:
            start = (x, y, radius_mm)
            circle = _circle(volume, i, start, radius_mm, level_hu=coarse.level_hu, wide=True)
        if circle is not None:
            found[i] = last = circle
    return found


def _circle(
    volume: Volume,
    index: int,
    start: tuple[float, float, float],
    radius_mm: float,
    *,
    level_hu: float,
    wide: bool,
) -> Circle | None:
    """Fit a circle to the outline of one slice, from a circle to start with.

    Wide: first the outermost rise from air is taken on each ray, from 15 % outside to 18 % inside.
    Then, or narrow, the rise nearest to the circle, within 5 mm of it.
    """
    angles = (np.arange(_RAYS) + 0.5) * 2 * np.pi / _RAYS
    cos, sin = np.cos(angles), np.sin(angles)
    step = min(1.0, volume.pixel_mm / 2)
    x, y, radius = start
    near = (5.0, 5.0)
    window = (0.18 * radius_mm, 0.15 * radius_mm) if wide else near
    for again in (False, False, True) if wide else (True,):
        r = np.arange(radius + window[1], radius - window[0], -step)
        px, py = x + np.outer(cos, r), y + np.outer(sin, r)
        above = volume.read(index, px, py) - level_hu
        rise = (above[:, 1:] > 0) & (above[:, :-1] <= 0)
        off = math.hypot(x - volume.shift_mm[index, 0], y - volume.shift_mm[index, 1])
        if off + r[0] > min(volume.half_mm) - 4 * max(volume.spacing_mm):
            rise &= _inside(volume, index, px, py)[:, :-1]
        away = np.abs(r[:-1] - radius) if again else np.arange(len(r) - 1)
        at = np.argmin(np.where(rise, away, np.inf), axis=1)
        ok = np.asarray(rise.any(axis=1))
        if ok.sum() < _LEAST_SHARE * _RAYS:
            return None
        ray = np.arange(_RAYS)
        low, high = above[ray, at], above[ray, at + 1]
        edge = r[at] - step * low / np.where(low == high, -1.0, low - high)
        fit, ok = _trimmed(np.column_stack([cos, sin, np.ones(_RAYS)]), edge, ok)
        x, y, radius = x + float(fit[0]), y + float(fit[1]), float(fit[2])
        window = near
        if abs(radius - radius_mm) > 1.5 * _RADIUS_TOLERANCE * radius_mm:
            return None
    left = edge[ok] - (fit[0] * cos + fit[1] * sin + fit[2])[ok]
    seen = np.sort(angles[ok])
    gap = float(np.diff(np.append(seen, seen[0] + 2 * np.pi)).max())
    whole = bool(ok.mean() >= _WHOLE)
    close = abs(radius - radius_mm) < _RADIUS_TOLERANCE * radius_mm * (1.0 if whole else 0.5)
    if not close or gap > _WIDEST_GAP or float(np.std(left)) > _ROUGHNESS_MM:
        return None
    return x, y, radius, whole


def _inside(volume: Volume, index: int, x: Array, y: Array) -> Mask:
    """Return which places are in the image and not on the border of the reconstruction circle."""
    column, row = volume.to_pixel(x, y, index)
    rows, columns = volume.shape
    edge = np.hypot((column - (columns - 1) / 2) / columns, (row - (rows - 1) / 2) / rows) - 0.5
    found: Mask = volume.sees(index, x, y) & (np.abs(edge * min(rows, columns)) > 2.0)
    return found


def _trimmed(design: Array, values: Array, ok: Mask) -> tuple[npt.NDArray[np.floating[Any]], Mask]:
    """Fit by least squares, leaving out what strays, four times."""
    fit: npt.NDArray[np.floating[Any]] = np.zeros(design.shape[1])
    for _ in range(4):
        used = design[ok]
        fit = np.linalg.lstsq(used.T @ used, used.T @ values[ok], rcond=None)[0]
        away = np.abs(values - design @ fit)
        tighter = ok & (away < max(0.3, 2.5 * float(np.median(away[ok]))))
        if tighter.sum() < 6 or (tighter == ok).all():
            break
        ok = tighter
    return fit, ok


def fit_line(s: Array, centres: Array) -> tuple[float, float, float, float, float]:
    """Return x, y at s = 0, both slopes and the scatter of the middles about the line."""
    keep = np.ones(len(s), dtype=bool)
    design = np.column_stack([np.ones_like(s), s])
    for _ in range(4):
        fit, *_ = np.linalg.lstsq(design[keep], centres[keep], rcond=None)
        away = np.hypot(*(centres - design @ fit).T)
        keep = away <= max(0.05, 3 * float(np.median(away[keep])))
    scatter = float(np.sqrt(np.mean(away[keep] ** 2)))
    (x0, y0), (slope_x, slope_y) = fit
    return float(x0), float(y0), float(slope_x), float(slope_y), scatter


def _span(
    volume: Volume,
    level_hu: float,
    line: tuple[float, float, float, float, float],
    radius_mm: float,
    index: list[int],
) -> tuple[float, float]:
    """Return the first and last position of the run of slices in which the disc is filled.

    Looked at in 60 places evenly spread over the disc, those inside the image.
    """
    count = np.arange(60)
    r = 0.93 * radius_mm * np.sqrt((count + 0.5) / len(count))
    angle = count * math.pi * (3 - math.sqrt(5))
    px, py = r * np.cos(angle), r * np.sin(angle)
    rows, columns = volume.shape
    filled = np.zeros(len(volume.images), dtype=bool)
    for i, s in enumerate(volume.s_mm):
        x, y = line[0] + line[2] * s + px, line[1] + line[3] * s + py
        column, row = (np.rint(v).astype(np.intp) for v in volume.to_pixel(x, y, i))
        seen = (column >= 0) & (column < columns) & (row >= 0) & (row < rows)
        if seen.any():
            values = volume.images[i].pixels[row[seen], column[seen]]
            filled[i] = float((values > level_hu).mean()) > _FILLED
    # Up to two slices that miss the mark do not end the phantom.
    low = high = int(np.median(index))
    while low > 0 and filled[max(0, low - 3) : low].any():
        low -= 1
    while high < len(filled) - 1 and filled[high + 1 : high + 4].any():
        high += 1
    return float(volume.s_mm[low]), float(volume.s_mm[high])
