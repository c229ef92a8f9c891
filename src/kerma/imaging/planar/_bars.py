"""Find the groups of a bar pattern.

Coordinates: u along the normal of the bars, v along the bars, in mm, zero at the middle of the
part looked at.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from kerma.core import AnalysisError
from kerma.imaging.tools.regions import Array
from kerma.imaging.tools.statistics import pixel_noise
from kerma.imaging.tools.untyped import ndimage

Mask = npt.NDArray[np.bool_]

LEAST_BARS = 3
# Design choices: gradients count from so many times their usual square on; bars are parallel when
# their gradients agree so far; spacings within a group agree to this share.
_GRADIENT, _STRONG_SHARE, _LEAST_COHERENCE = 12.0, 0.02, 0.5
_EVEN_SHARE = 0.12
# Share of a block's pixels that are gradients where bars are; blocks joined across gaps.
_CROWDED, _JOINED_BLOCKS = 0.1, 4
_DETECT_SIGMAS, _DETECT_SHARE = 6.0, 0.02
_DUTY = (0.25, 0.75)  # width of a bar over the period
_BIN_PX, _SMOOTH_PX, _LEAST_HEIGHT_PX = 0.25, 0.4, 8
_STAGE = "find bars"


@dataclass(frozen=True, slots=True, eq=False)
class View:
    """The part of an image looked at, with the direction across the bars.

    Attributes
    ----------
    pixels
        Shape (rows, columns).
    spacing_mm
        (row, column).
    angle_rad
        Angle of the normal of the bars to the rows.
    """

    pixels: Array
    spacing_mm: tuple[float, float]
    angle_rad: float

    def coordinates(self) -> tuple[Array, Array]:
        """Return u and v of every pixel, in mm."""
        dy, dx = self.spacing_mm
        rows, columns = self.pixels.shape
        x = (np.arange(columns) - (columns - 1) / 2) * dx
        y = ((np.arange(rows) - (rows - 1) / 2) * dy)[:, None]
        c, s = math.cos(self.angle_rad), math.sin(self.angle_rad)
        return x * c + y * s, y * c - x * s

    def place(self, u: float, v: float) -> tuple[float, float]:
        """Return (column, row) of a point."""
        dy, dx = self.spacing_mm
        c, s = math.cos(self.angle_rad), math.sin(self.angle_rad)
        rows, columns = self.pixels.shape
        return (
            (u * c - v * s) / dx + (columns - 1) / 2,
            (u * s + v * c) / dy + (rows - 1) / 2,
        )


@dataclass(frozen=True, slots=True)
class Group:
    """One group: its bars' middles along u, its band along v, and its spacing (mm)."""

    first: float
    last: float
    top: float
    bottom: float
    period: float
    bars: int

    def fitted_span(self) -> tuple[float, float]:
        """Return the part along u that is fitted: away from the clear field beside the group.

        From gap to gap with four bars or more, else a quarter period inside the outer bars.
        """
        inset = self.period * (0.5 if self.bars > LEAST_BARS else 0.25)
        return self.first + inset, self.last - inset


def direction(pixels: Array, spacing_mm: tuple[float, float]) -> tuple[float, tuple[slice, slice]]:
    """Return the angle of the bars' normal to the rows (-pi/2 to pi/2), and the part they are in.

    From the gradients that stand out (structure tensor), in the part of the image that holds most
    of them.

    Raises
    ------
    AnalysisError
        Code ``no-bar-pattern``.
    """
    dy, dx = spacing_mm
    gx = ndimage.gaussian_filter(pixels, 1.0, order=(0, 1), mode="nearest") / dx
    gy = ndimage.gaussian_filter(pixels, 1.0, order=(1, 0), mode="nearest") / dy
    energy = gx**2 + gy**2
    strong = energy > _limit(energy)
    part = _busiest(strong)
    return _tensor(gx[part], gy[part], strong[part]), part


def tensor_angle(pixels: Array, spacing_mm: tuple[float, float]) -> float:
    """Return the angle of the normal of bars that fill a region.

    Raises
    ------
    AnalysisError
        Code ``no-bar-pattern``.
    """
    dy, dx = spacing_mm
    gx = ndimage.gaussian_filter(pixels, 1.0, order=(0, 1), mode="nearest") / dx
    gy = ndimage.gaussian_filter(pixels, 1.0, order=(1, 0), mode="nearest") / dy
    return _tensor(gx, gy, np.ones(pixels.shape, dtype=bool))


def _tensor(gx: Array, gy: Array, inside: Mask) -> float:
    xx, yy, xy = (float((a * b)[inside].sum()) for a, b in ((gx, gx), (gy, gy), (gx, gy)))
    if xx + yy <= 0 or math.hypot(xx - yy, 2 * xy) < _LEAST_COHERENCE * (xx + yy):
        raise no_pattern()
    return 0.5 * math.atan2(2.0 * xy, xx - yy)


def _busiest(strong: Mask) -> tuple[slice, slice]:
    """Return the bounding box of the largest crowd of gradients, groups close by joined."""
    size = max(4, min(strong.shape) // 96)
    rows, columns = (n // size for n in strong.shape)
    tiles = strong[: rows * size, : columns * size].reshape(rows, size, columns, size)
    counts = tiles.sum(axis=(1, 3))
    busy = counts > _CROWDED * size**2
    labels, found = ndimage.label(ndimage.binary_dilation(busy, iterations=_JOINED_BLOCKS))
    if not found:
        raise no_pattern()
    held = ndimage.sum_labels(np.where(busy, counts, 0), labels, np.arange(1, found + 1))
    box = ndimage.find_objects(labels)[int(np.argmax(held))]
    return (
        slice(box[0].start * size, min(strong.shape[0], box[0].stop * size)),
        slice(box[1].start * size, min(strong.shape[1], box[1].stop * size)),
    )


def _limit(energy: Array) -> float:
    return max(
        _GRADIENT * float(np.median(energy)),
        _STRONG_SHARE * float(np.percentile(energy, 99.9)),
    )


def no_pattern() -> AnalysisError:
    """Return the refusal of an image without bars."""
    return AnalysisError(
        "No bar pattern was found: at least two groups of three or more parallel, equally spaced "
        "bars are needed. Use an image of a line-pair test object, give the part of the image it "
        "lies in (roi), or give the groups and their frequencies.",
        stage=_STAGE,
        code="no-bar-pattern",
    )


def groups(view: View) -> list[Group]:
    """Return the groups of bars, in order along u; bands of groups one after the other."""
    u, v = view.coordinates()
    gradient = _gradient(view)
    strong = gradient > _limit(gradient)
    pitch = max(view.spacing_mm)
    found: list[Group] = []
    for top, bottom in _bands(v[strong], pitch):
        inside = (v >= top) & (v <= bottom)
        places, profile, noise = _profile(view, u, inside)
        found += [
            Group(first, last, top, bottom, period, bars)
            for first, last, period, bars in _runs(places, profile, noise)
        ]
    return found


def _gradient(view: View) -> Array:
    """Return the squared gradient across the bars."""
    dy, dx = view.spacing_mm
    gx = ndimage.gaussian_filter(view.pixels, 1.0, order=(0, 1), mode="nearest") / dx
    gy = ndimage.gaussian_filter(view.pixels, 1.0, order=(1, 0), mode="nearest") / dy
    return np.asarray((gx * math.cos(view.angle_rad) + gy * math.sin(view.angle_rad)) ** 2)


def _bands(v: Array, pitch: float) -> Iterator[tuple[float, float]]:
    """Yield the stretches along v where many gradients lie, less a tenth at both ends."""
    if not len(v):
        return
    low = float(v.min())
    counts = np.bincount(((v - low) / pitch).astype(int)).astype(float)
    smooth = ndimage.median_filter(counts, size=5, mode="constant")
    busy = smooth > 0.3 * np.percentile(smooth[smooth > 0], 90) if smooth.any() else smooth > 0
    edges = np.flatnonzero(np.diff(np.concatenate(([0], busy.astype(int), [0]))))
    for start, stop in zip(edges[::2], edges[1::2], strict=True):
        trim = max(2.0, 0.1 * (stop - start))
        if stop - start - 2 * trim >= _LEAST_HEIGHT_PX:
            yield low + (start + trim) * pitch, low + (stop - trim) * pitch


def _profile(view: View, u: Array, inside: Mask) -> tuple[Array, Array, float]:
    """Return places, means along the bars in steps of a quarter pixel, and the noise of a mean.

    Neighbouring steps are averaged with Gaussian weights, so that steps into which few pixels fall
    (bars along the rows) do not stand out. For finding bars only; nothing is measured on it.
    """
    step = _BIN_PX * min(view.spacing_mm)
    along = u[inside]
    low = float(along.min())
    index = ((along - low) / step).astype(int)
    width = _SMOOTH_PX / _BIN_PX
    counts = np.bincount(index).astype(float)
    sums = np.bincount(index, view.pixels[inside])
    weight = ndimage.gaussian_filter1d(counts, width, mode="constant")
    total = ndimage.gaussian_filter1d(sums, width, mode="constant")
    kept = weight > 0.05 * float(np.median(weight))
    places = np.arange(len(counts))
    profile = np.interp(places, places[kept], total[kept] / weight[kept])
    # Gaussian weights of standard deviation s steps average 2 sqrt(pi) s of them.
    averaged = float(np.median(weight[kept])) * 2.0 * math.sqrt(math.pi) * width
    noise = pixel_noise(view.pixels) / math.sqrt(averaged)
    return low + (places + 0.5) * step, profile, noise


def _runs(places: Array, profile: Array, noise: float) -> list[tuple[float, float, float, int]]:
    """Return (first, last, period, bars) of runs of equally spaced bars, of one polarity.

    Bars are dark or bright; the polarity with more bars in groups is the pattern's, as the other
    has one fewer in each.
    """
    spread = float(np.percentile(profile, 99) - np.percentile(profile, 1))
    delta = max(_DETECT_SIGMAS * noise, _DETECT_SHARE * spread)
    extremes = _extremes(profile, delta)
    best: list[tuple[float, float, float, int]] = []
    for kind in (-1, 1):
        bars = [
            _bar(places, profile, *(extremes[n + k][0] for k in (-1, 0, 1)))
            for n in range(1, len(extremes) - 1)
            if extremes[n][1] == kind
        ]
        found = _even_runs(bars)
        if sum(r[3] for r in found) > sum(r[3] for r in best):
            best = found
    return best


def _extremes(profile: Array, delta: float) -> list[tuple[int, int]]:
    """Return (index, +1 or -1) of alternating maxima and minima that differ by `delta` or more."""
    found: list[tuple[int, int]] = []
    at_high = at_low = rising = 0
    for i in range(len(profile)):
        if profile[i] > profile[at_high]:
            at_high = i
        if profile[i] < profile[at_low]:
            at_low = i
        if rising >= 0 and profile[i] < profile[at_high] - delta:
            found.append((at_high, 1))
            rising, at_low = -1, i
        elif rising <= 0 and profile[i] > profile[at_low] + delta:
            found.append((at_low, -1))
            rising, at_high = 1, i
    if rising:
        found.append((at_high, 1) if rising > 0 else (at_low, -1))
    return found


def _bar(places: Array, profile: Array, before: int, at: int, after: int) -> tuple[float, float]:
    """Return the two borders of a bar: half-way to the nearer of its neighbouring extremes.

    A broad bar's flat top has no place of its own, and an outer bar's clear side is far higher
    than its other side.
    """
    level = profile[at] + 0.5 * min(
        profile[before] - profile[at], profile[after] - profile[at], key=abs
    )
    inward = np.signbit(profile - level) == np.signbit(profile[at] - level)
    left = at - int(np.argmin(inward[before : at + 1][::-1]))
    right = at + int(np.argmin(inward[at : after + 1]))
    return (
        _between(places, profile, level, left, left + 1),
        _between(places, profile, level, right, right - 1),
    )


def _between(places: Array, profile: Array, level: float, i: int, j: int) -> float:
    step = float(profile[j] - profile[i])
    share = (level - float(profile[i])) / step if step else 0.5
    return float(places[i]) + share * float(places[j] - places[i])


def _even_runs(bars: list[tuple[float, float]]) -> list[tuple[float, float, float, int]]:
    """Return the runs of bars (left, right) that are equally spaced and as wide as their gaps."""
    middles = [(left + right) / 2 for left, right in bars]
    runs: list[tuple[float, float, float, int]] = []
    start = 0
    while start + LEAST_BARS <= len(bars):
        stop = start + 1
        while stop + 1 < len(bars):
            mean = (middles[stop] - middles[start]) / (stop - start)
            if abs(middles[stop + 1] - middles[stop] - mean) > _EVEN_SHARE * mean:
                break
            stop += 1
        count = stop - start + 1
        period = (middles[stop] - middles[start]) / (count - 1)
        duty = [(right - left) / period for left, right in bars[start : stop + 1]]
        if count >= LEAST_BARS and _DUTY[0] < min(duty) and max(duty) < _DUTY[1]:
            runs.append((middles[start], middles[stop], period, count))
            start = stop + 1
        else:
            start += 1
    return runs
