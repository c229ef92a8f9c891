"""Modulation of groups of bars: the fundamental that the image holds, over that of sharp bars.

The sinusoid of each group's frequency is fitted to the pixels themselves (no profile is resampled),
so the slight slope of the bars to the pixel rows samples them finely; frequencies from the Nyquist
limit of the pixels on are left out, because what shows there is not what was there. The foil and an
opening in it give the contrast that sharp bars would have.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt

from kerma.imaging.objects._places import patches
from kerma.imaging.objects._pose import Pose
from kerma.imaging.objects._spec import BarGroup, Block

Array = npt.NDArray[np.floating[Any]]

_SIGNIFICANT = 3.29  # two-sided 0.1 % of a normal distribution
_WIDTH = 0.8  # of the bars' length
# Below this share of the Nyquist limit the phase of a group tells its place without doubt.
_SURE = 0.6


@dataclass(frozen=True, slots=True, eq=False)
class Bars:
    """One group measured.

    Attributes
    ----------
    group
        Which.
    modulation, u
        Amplitude over that of sharp bars of the foil's contrast (or, without the foil's contrast,
        over that of the first group), and its standard uncertainty.
    corners
        The pixels used, as a polygon.
    """

    group: BarGroup
    modulation: float
    u: float
    corners: tuple[tuple[float, float], ...]

    @property
    def significant(self) -> bool:
        """Whether there is a modulation at all."""
        return self.modulation > _SIGNIFICANT * self.u


def measure(
    pixels: Array, pose: Pose, block: Block | None, groups: Sequence[BarGroup]
) -> list[Bars]:
    """Measure the groups below the Nyquist limit, coarsest first; none when they do not show."""
    nyquist = pose.scale / 2.0
    usable = sorted((g for g in groups if g.lp_per_mm < nyquist), key=lambda g: g.lp_per_mm)
    if len(usable) < 2:
        return []
    shift = _shift(pixels, pose, usable)
    raw = [_fit(pixels, pose, g, shift) for g in usable]
    contrast = None if block is None else _contrast(pixels, pose, block)
    found = []
    for group, fit in zip(usable, raw, strict=True):
        if fit is None:
            break
        whole = contrast * _sharp(group.bars) if contrast else raw[0][0] if raw[0] else 0.0
        if whole <= 0:
            return []
        found.append(Bars(group, fit[0] / whole, fit[1] / whole, _corners(pose, group, shift)))
    return found


def limit(found: Sequence[Bars], least: float) -> Bars | None:
    """Return the finest group resolved, counted from the coarsest to the first that is not."""
    last = None
    for bars in found:
        if not bars.significant or bars.modulation < least:
            break
        last = bars
    return last


def crossing(found: Sequence[Bars], level: float) -> tuple[float, float] | None:
    """Return where the modulation first falls to a level, and its uncertainty; None if not seen."""
    for a, b in pairwise(found):
        if a.modulation >= level > b.modulation:
            fa, fb = a.group.lp_per_mm, b.group.lp_per_mm
            slope = (b.modulation - a.modulation) / (fb - fa)
            return fa + (level - a.modulation) / slope, max(a.u, b.u) / abs(slope)
    return None


def _inside(
    pose: Pose, group: BarGroup, shift: tuple[float, float], shape: tuple[int, ...]
) -> tuple[Array, Array, Array] | None:
    """Return rows, columns and distance along y (mm from the middle) of a group's pixels."""
    corners = np.array(_corners(pose, group, shift))
    x0, y0 = np.floor(corners.min(axis=0)).astype(int)
    x1, y1 = np.ceil(corners.max(axis=0)).astype(int)
    if x0 < 0 or y0 < 0 or x1 >= shape[1] or y1 >= shape[0]:
        return None
    rows, columns = np.mgrid[y0 : y1 + 1, x0 : x1 + 1]
    back = np.linalg.inv(pose.matrix)
    dx, dy = columns - pose.middle[0], rows - pose.middle[1]
    x = back[0, 0] * dx + back[0, 1] * dy - group.x_mm - shift[0]
    y = back[1, 0] * dx + back[1, 1] * dy - group.y_mm - shift[1]
    half = (group.bars - 1) / 2 / group.lp_per_mm
    kept = (np.abs(x) <= _WIDTH * group.width_mm / 2) & (np.abs(y) <= half)
    return rows[kept], columns[kept], y[kept]


def _fit(
    pixels: Array, pose: Pose, group: BarGroup, shift: tuple[float, float]
) -> tuple[float, float, float] | None:
    """Return amplitude, its uncertainty, and where the openings lie (mm along y), of a group."""
    where = _inside(pose, group, shift, pixels.shape)
    if where is None or len(where[0]) < 24:
        return None
    rows, columns, y = where
    phase = 2.0 * math.pi * group.lp_per_mm * y
    design = np.column_stack((np.ones_like(y), y * group.lp_per_mm, np.cos(phase), np.sin(phase)))
    values = pixels[rows, columns].astype(float)
    solved, _, rank, _ = np.linalg.lstsq(design, values, rcond=1e-6)
    if rank < 4:
        return None
    rest = values - design @ solved
    variance = float((rest**2).sum()) / (len(values) - 4)
    spread = np.linalg.inv(design.T @ design)[2:, 2:] * variance
    amplitude = math.hypot(solved[2], solved[3])
    # Openings attenuate less: the middle one is where the signal of attenuation is lowest.
    at = math.atan2(-pose.sign * solved[3], -pose.sign * solved[2]) / (
        2 * math.pi * group.lp_per_mm
    )
    return amplitude, math.sqrt(float(np.linalg.eigvalsh(spread)[-1])), at


def _shift(pixels: Array, pose: Pose, groups: Sequence[BarGroup]) -> tuple[float, float]:
    """Return how far the bars lie along y from where they belong: by the phase of coarse groups."""
    sure = [g for g in groups if g.lp_per_mm < _SURE * pose.scale / 2.0][:6]
    fits = [(g, f) for g in sure if (f := _fit(pixels, pose, g, (0.0, 0.0))) is not None]
    found = [f[2] for g, f in fits if f[0] > _SIGNIFICANT * f[1]]
    return (0.0, float(np.median(found))) if len(found) >= 2 else (0.0, 0.0)


@cache
def _sharp(bars: int) -> float:
    """Return the amplitude that the same fit gives for sharp bars from 0 to 1."""
    y = (np.arange(20_000) + 0.5) / 20_000 * (bars - 1) - (bars - 1) / 2
    open_bar = np.abs(y - np.rint(y)) < 0.25 if bars % 2 else np.abs(y - np.floor(y) - 0.5) < 0.25
    phase = 2.0 * math.pi * y
    design = np.column_stack((np.ones_like(y), y, np.cos(phase), np.sin(phase)))
    solved = np.linalg.lstsq(design, open_bar.astype(float), rcond=None)[0]
    return math.hypot(solved[2], solved[3])


def _contrast(pixels: Array, pose: Pose, block: Block) -> float | None:
    if block.foil_mm is None or block.open_mm is None:
        return None
    means = []
    for x, y, size in (block.foil_mm, block.open_mm):
        px, py = pose.place(x, y)
        values, weight, _, _ = patches(pixels, px, py, pose.scale * size / 2)
        means.append(float((values * weight).sum() / weight.sum()))
    contrast = pose.sign * (means[0] - means[1])
    return contrast if contrast > 0 else None


def _corners(
    pose: Pose, group: BarGroup, shift: tuple[float, float]
) -> tuple[tuple[float, float], ...]:
    half_x = _WIDTH * group.width_mm / 2
    half_y = (group.bars - 1) / 2 / group.lp_per_mm
    x = group.x_mm + shift[0] + np.array([-half_x, half_x, half_x, -half_x])
    y = group.y_mm + shift[1] + np.array([-half_y, -half_y, half_y, half_y])
    px, py = pose.place(x, y)
    return tuple((float(a), float(b)) for a, b in zip(px, py, strict=True))
