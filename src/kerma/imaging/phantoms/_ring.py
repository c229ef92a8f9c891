"""Find a pattern of rods on one or more circles: at which roll, from which end, in which slices.

The profiles round the circles are correlated with the expected ones (Pearson), so neither the scale
of the grey values nor their zero matters.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from kerma.imaging.phantoms._centroids import insert_centroid
from kerma.imaging.phantoms._grid import Volume
from kerma.imaging.phantoms._outline import Axis
from kerma.imaging.phantoms._pose import Pose, rigid_fit
from kerma.imaging.phantoms._spec import polar

Array = npt.NDArray[np.float64]

SAMPLES = 720
_ACROSS_MM = (-2.0, 0.0, 2.0)
# A slice belongs to the run around the best one as long as it matches nearly as well.
_NEARLY = 0.9


@dataclass(frozen=True, slots=True)
class Rod:
    """A rod as the pattern sees it: place in the phantom's frame, size, and expected contrast."""

    radius_mm: float
    angle_deg: float
    rod_radius_mm: float
    contrast: float


@dataclass(frozen=True, slots=True)
class Run:
    """The best match of a pattern.

    Attributes
    ----------
    correlation
        Of the best slice.
    turned
        True when the pattern is seen mirrored, from its other end.
    roll_deg
        To half a degree, clockwise as displayed.
    slices
        The run of slices around the best one that show the pattern.
    s_mm
        Range of s of the run; where an end of the rods lies inside the series, to where the
        pattern has fallen to half.
    open_ends
        Whether the run reaches the first or the last slice looked at.
    """

    correlation: float
    turned: bool
    roll_deg: float
    slices: tuple[int, ...]
    s_mm: tuple[float, float]
    open_ends: tuple[bool, bool]


@dataclass(frozen=True, slots=True)
class RodFit:
    """Roll, middle and scale from the centroids of rods.

    Attributes
    ----------
    roll_deg, u_roll_deg
        Clockwise as displayed.
    shift_mm
        Middle of the rods from the axis.
    scale
        Their distances as found over those described.
    """

    roll_deg: float
    u_roll_deg: float
    shift_mm: tuple[float, float]
    scale: float


def fit_rods(
    volume: Volume,
    pose: Pose,
    slices: Sequence[int],
    rods: Sequence[Rod],
    *,
    least: float,
    within_mm: float,
) -> RodFit | None:
    """Return the fit to the rods' centroids; ``None`` when fewer than two are clear.

    Clear is a rod whose contrast exceeds `least` within `within_mm` of its place. An error of a
    nominal place repeats in every slice, so each rod counts once, by its mean; the scatter over the
    slices is added to the uncertainty.
    """
    nominal, means, every, found = [], [], [], []
    for rod in rods:
        xy = polar(rod.radius_mm, rod.angle_deg)
        places = []
        for index in slices:
            x, y, contrast = insert_centroid(volume, pose, index, xy, rod.rod_radius_mm)
            place = pose.across(x, y)
            off = np.subtract(place, pose.across(*pose.direction(*xy)))
            if abs(contrast) > least and math.hypot(*off) < within_mm:
                places.append(place)
        if places:
            nominal.append(xy)
            means.append(np.mean(places, axis=0))
            every += [xy] * len(places)
            found += places
    if len(nominal) < 2:
        return None
    here, there = np.array(nominal), np.array(means)
    roll, u_means, shift = rigid_fit(here, there, pose.sense)
    _, u_slices, _ = rigid_fit(np.array(every), np.array(found), pose.sense)
    spread, seen = (float(np.sum((v - v.mean(axis=0)) ** 2)) for v in (here, there))
    return RodFit(roll, math.hypot(u_means, u_slices), shift, math.sqrt(seen / spread))


def best_run(
    volume: Volume,
    axis: Axis,
    slices: Sequence[int],
    rods: Sequence[Rod],
    *,
    least: float,
    roll_deg: float | None = None,
) -> Run | None:
    """Return the run of slices that show the rods best, or ``None`` when none does.

    `slices` are the indices to look at, in order of s; `least` is the smallest correlation of the
    best one; `roll_deg` the only roll to try, when it was set by hand.
    """
    radii = sorted({rod.radius_mm for rod in rods})
    seen = np.stack([profiles(volume, axis, slices, radius) for radius in radii], axis=1)
    best: tuple[float, bool, int, Array, Array] | None = None
    for turned in (False, True):
        wanted = np.stack([_expected(rods, radius, turned) for radius in radii])
        scores, height = _correlations(seen, wanted)
        if roll_deg is not None:
            only = round(roll_deg / 360 * SAMPLES) % SAMPLES
            scores, height = scores[:, [only]], height[:, [only]]
        top = scores.max(axis=1)
        if best is None or top.max() > best[0]:
            row = int(np.argmax(top))
            at = int(np.argmax(scores[row]))
            shift = at if roll_deg is None else only
            best = (float(top.max()), turned, shift, top, height[:, at])
    if best is None or best[0] < least:
        return None
    correlation, turned, shift, top, height = best
    low, high = _around(top, max(least, _NEARLY * correlation))
    roll = (shift / SAMPLES * 360 + 180) % 360 - 180
    s = volume.s_mm[list(slices)]
    return Run(
        correlation,
        turned,
        roll if roll_deg is None else roll_deg,
        tuple(slices[low : high + 1]),
        _ends(s, height, low, high),
        (low == 0, high == len(slices) - 1),
    )


def profiles(volume: Volume, axis: Axis, slices: Sequence[int], radius_mm: float) -> Array:
    """Return the mean profile round a circle about the axis, shape (slices, `SAMPLES`)."""
    angle = np.arange(SAMPLES) * 2 * np.pi / SAMPLES
    cos, sin = np.cos(angle), np.sin(angle)
    found = np.empty((len(slices), SAMPLES))
    for row, index in enumerate(slices):
        cx, cy = axis.at(float(volume.s_mm[index]))
        rings = [
            volume.read(index, cx + (radius_mm + d) * cos, cy + (radius_mm + d) * sin)
            for d in _ACROSS_MM
        ]
        found[row] = np.mean(rings, axis=0)
    return found


def _expected(rods: Sequence[Rod], radius_mm: float, turned: bool) -> Array:
    angles = np.arange(SAMPLES) * 360 / SAMPLES
    profile = np.zeros(SAMPLES)
    for rod in rods:
        # A rod of another circle shows where it reaches over this one.
        reach = rod.rod_radius_mm**2 - (radius_mm - rod.radius_mm) ** 2
        if reach <= 0 or radius_mm <= 0:
            continue
        half = math.degrees(math.asin(min(1.0, math.sqrt(reach) / radius_mm)))
        at = 180 - rod.angle_deg if turned else rod.angle_deg
        profile[np.abs((angles - at + 180) % 360 - 180) <= half] = rod.contrast
    return profile


def _correlations(seen: Array, wanted: Array) -> tuple[Array, Array]:
    """Return the correlation of each slice at each roll, and the height of the pattern in it.

    Parameters
    ----------
    seen
        Shape (slices, circles, `SAMPLES`).
    wanted
        Shape (circles, `SAMPLES`).
    """
    p = seen - seen.mean(axis=(1, 2), keepdims=True)
    t = wanted - wanted.mean()
    product = np.fft.irfft(np.fft.rfft(p, axis=2) * np.conj(np.fft.rfft(t, axis=1)), n=SAMPLES)
    product = product.sum(axis=1)
    norm = np.sqrt((p**2).sum(axis=(1, 2)))[:, None] * np.linalg.norm(t)
    scores: Array = product / np.where(norm > 0, norm, np.inf)
    return scores, product / float((t**2).sum() or 1.0)


def _around(top: Array, limit: float) -> tuple[int, int]:
    good = top > limit
    low = high = int(np.argmax(top))
    while low > 0 and good[low - 1]:
        low -= 1
    while high < len(good) - 1 and good[high + 1]:
        high += 1
    return low, high


def _ends(s: Array, height: Array, low: int, high: int) -> tuple[float, float]:
    """Return where the pattern's height falls to half at either end, to a fraction of a slice."""
    half = 0.5 * float(np.median(height[low : high + 1]))

    def end(k: int, step: int) -> float:
        while height[k] < half:
            k -= step
        while 0 <= k + step < len(s) and height[k + step] >= half:
            k += step
        if not 0 <= k + step < len(s):
            return float(s[k])
        a, b = height[k], height[k + step]
        share = (a - half) / (a - b) if a > half else 0.0
        return float(s[k] + share * (s[k + step] - s[k]))

    return end(low, -1), end(high, 1)
