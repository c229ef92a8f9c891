"""Profiles across the edge of a field: sampled, scaled between plateaux, crossed, and a line."""

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

# Design choices.
_PLATEAU = 0.4
LEAST_STRIPS = 8
LEAST_OUTSIDE_MM = 3.0
_LEAST_STEP_OF_SPAN = 0.3
_LEAST_OF_OTHERS = 0.6
_LEAST_KEPT = 0.3
_MOST_BEYOND = 0.15  # markers bite the edge inwards; strips beyond the line speak against it


@dataclass(frozen=True, slots=True, eq=False)
class View:
    """The image, addressed in mm; NaN where nothing is shown."""

    pixels: Array
    spacing_mm: tuple[float, float]
    valid: Mask | None
    bright: bool

    @property
    def step(self) -> float:
        """Sampling distance across edges, half a pixel."""
        return 0.5 * min(self.spacing_mm)

    def at(self, x: Array, y: Array) -> Array:
        """Return values at points, interpolated linearly; larger means more dose."""
        rows, columns = y / self.spacing_mm[0], x / self.spacing_mm[1]
        height, width = self.pixels.shape
        values = ndimage.map_coordinates(self.pixels, (rows, columns), order=1, mode="nearest")
        inside = (rows >= 0) & (rows <= height - 1) & (columns >= 0) & (columns <= width - 1)
        if self.valid is not None:
            near_rows = np.clip(np.rint(rows), 0, height - 1).astype(int)
            near_columns = np.clip(np.rint(columns), 0, width - 1).astype(int)
            inside &= self.valid[near_rows, near_columns]
        values = values if self.bright else -values
        return np.asarray(np.where(inside, values, np.nan))


def across(
    view: View, origin: tuple[float, float], normal: float, places: Array, s: Array
) -> Array:
    """Return values at distance `s` from the line, at `places` along it; shape of places + s."""
    nx, ny = math.cos(normal), math.sin(normal)
    x = origin[0] - places[..., None] * ny + s * nx
    y = origin[1] + places[..., None] * nx + s * ny
    return view.at(x, y)


def medians(values: Array) -> Array:
    """Return medians over the second axis; NaN where under half of the values are known."""
    known = np.isfinite(values)
    filled = np.sort(np.where(known, values, np.inf), axis=1)
    count = known.sum(axis=1, keepdims=True)
    low, high = (
        np.take_along_axis(filled, np.clip(at, 0, values.shape[1] - 1), axis=1)
        for at in ((count - 1) // 2, count // 2)
    )
    enough = 2 * count >= values.shape[1]
    return np.asarray(np.where(enough, 0.5 * (low + high), np.nan)).squeeze(axis=1)


def softened(share: Array, s: Array, samples: float) -> Array:
    """Return profiles softened along `s` by a Gaussian; unknown ends count as 0 outside, 1 in."""
    if samples < 0.3:
        return share
    known = np.isfinite(share)
    filled = np.where(known, share, np.where(s > 0, 0.0, 1.0))
    soft = ndimage.gaussian_filter1d(filled, samples, axis=-1, mode="nearest")
    return np.asarray(np.where(known, soft, np.nan))


def between_plateaux(profiles: Array, s: Array, span: float) -> tuple[Array, float, float] | str:
    """Return profiles from 0 (outside) to 1 (inside), their noise, and the half level's u.

    The last is what all strips have in common: the plateaux' slopes. Or what is wrong, in words.
    """
    known = np.isfinite(profiles).mean(axis=0) >= 0.5
    reach = float(s[known].max(initial=0.0))
    if reach < LEAST_OUTSIDE_MM:
        return (
            f"less than {LEAST_OUTSIDE_MM:g} mm of the image lies outside it, too little to see "
            "the level there"
        )
    inside, outside = (s <= -_PLATEAU * s[-1]) & known, (s >= _PLATEAU * reach) & known
    (high, rise, u_high), (low, fall, u_low) = (
        _plateau(profiles, s, where) for where in (inside, outside)
    )
    floor = float(np.nanmedian(low))
    step = float(np.nanmedian(high)) - floor
    if not step >= _LEAST_STEP_OF_SPAN * span:
        return "there is no step like that of a field edge"
    # A strip whose inside is much darker than the others' lies under a marker.
    high = np.where(high - floor >= _LEAST_OF_OTHERS * step, high, np.nan)
    bottom = floor + fall * s
    with np.errstate(invalid="ignore", divide="ignore"):
        share = (profiles - bottom) / (high[:, None] + rise * s - bottom)
    noise = float(np.nanstd(np.diff(share[:, inside], axis=1)))
    return np.asarray(share), noise, 0.5 * math.hypot(u_high, u_low) / step


def _plateau(profiles: Array, s: Array, where: Mask) -> tuple[Array, float, float]:
    """Return each strip's plateau level, continued straight to the edge, and the common slope.

    Also the standard uncertainty that the slope gives to the level at the edge.
    """
    part, places = profiles[:, where], s[where]
    half = len(places) // 2
    if not half:
        return np.full(len(profiles), np.nan), 0.0, 0.0
    apart = float(places[half:].mean() - places[:half].mean())
    rises = medians(part[:, half:]) - medians(part[:, :half])
    rises = rises[np.isfinite(rises)]
    if not len(rises):
        return np.full(len(profiles), np.nan), 0.0, 0.0
    slope, middle = float(np.median(rises)) / apart, float(np.median(places))
    # The median of n Gaussian values scatters by 1.2533 sd / sqrt(n).
    u = 1.2533 * robust_sd(rises) / math.sqrt(len(rises)) / apart * abs(middle)
    return np.asarray(medians(part) - slope * middle), slope, u


def outermost(share: Array, s: Array, level: float) -> Array:
    """Return where each profile, followed inwards from outside, first reaches `level`."""
    filled = np.where(np.isfinite(share), share, 0.0)
    above = filled >= level
    # Two samples in a row, so that one noisy sample outside is no edge.
    above[:, 1:] &= above[:, :-1]
    last = above.shape[1] - 1 - np.argmax(above[:, ::-1], axis=1)
    rows = np.arange(len(share))
    usable = above.any(axis=1) & (last < above.shape[1] - 1) & (last > 0)
    after = np.minimum(last + 1, above.shape[1] - 1)
    high, low = filled[rows, last], filled[rows, after]
    part = (high - level) / np.where(high > low, high - low, 1.0)
    found = s[last] + np.clip(part, 0.0, 1.0) * (s[1] - s[0])
    return np.asarray(np.where(usable, found, np.nan))


def fit_edge(
    along: Array, places: Array, floor: float
) -> tuple[float, float, float, float, Mask] | None:
    """Fit places = a + b along to the strips of the edge itself.

    Of the lines through all pairs of strips, the one with the most strips on it and the fewest
    beyond it is refined by least squares. Returns a, b, their uncertainties and what was kept.
    """
    known = np.isfinite(places)
    if known.sum() < LEAST_STRIPS:
        return None
    t, p = along[known], places[known]
    near = 3.5 * 1.4826 * float(np.median(np.abs(np.diff(p)))) / math.sqrt(2.0)
    limit = max(near, floor)
    i, j = np.triu_indices(len(t), max(1, len(t) // 4))
    slopes = (p[j] - p[i]) / (t[j] - t[i])
    off = p - (p[i] - slopes * t[i])[:, None] - slopes[:, None] * t
    score = (np.abs(off) <= limit).sum(axis=1) - 2 * (off > limit).sum(axis=1)
    best = int(np.argmax(score - 1e-3 * np.abs(off).clip(0, limit).sum(axis=1) / limit))
    kept = np.abs(off[best]) <= limit
    slope, start, sd, spread, middle = 0.0, 0.0, 0.0, 1.0, 0.0
    for _ in range(5):
        if kept.sum() < max(LEAST_STRIPS, _LEAST_KEPT * len(places)):
            return None
        x, y = t[kept], p[kept]
        middle, spread = float(x.mean()), float(((x - x.mean()) ** 2).sum())
        slope = float(((x - middle) * (y - y.mean())).sum()) / spread
        start = float(y.mean()) - slope * middle
        residual = p - start - slope * t
        sd = math.sqrt(float((residual[kept] ** 2).sum()) / (len(x) - 2))
        kept = np.abs(residual) <= max(3.5 * sd, floor)
    if (residual > max(3.5 * sd, floor)).sum() > _MOST_BEYOND * len(places):
        return None
    u = sd * math.sqrt(1.0 / len(x) + middle**2 / spread)
    chosen = np.zeros_like(known)
    chosen[np.flatnonzero(known)[kept]] = True
    return start, slope, u, sd / math.sqrt(spread), chosen


def penumbra_of(profile: Array, s: Array) -> float | None:
    """Return the width from 80 % to 20 % of the mean profile."""
    places = [outermost(profile[None, :], s, level)[0] for level in (0.2, 0.8)]
    width = float(places[0] - places[1])
    return width if math.isfinite(width) and width >= 0 else None


def per_level(penumbra: float | None) -> float:
    """Return how far the 50 % crossing moves per unit of level, for an edge with this penumbra.

    A Gaussian penumbra of standard deviation s is 1.683 s wide and has the slope 0.399 / s.
    """
    return 1.49 * (penumbra or 0.0)
