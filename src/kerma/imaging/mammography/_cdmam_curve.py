"""Counts of right choices to thresholds: psychometric fits, human factors, the smooth curve.

All steps are made on contrast, 1 - exp(-mu t); thickness is given at the end.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from kerma.imaging.tools import psychometric
from kerma.imaging.tools._likelihood import Surface
from kerma.imaging.tools.untyped import optimize, special

Array = npt.NDArray[np.float64]

_TERMS = 4


@dataclass(frozen=True, slots=True, eq=False)
class Counts:
    """Right choices of one diameter.

    Attributes
    ----------
    diameter_mm
        Of the discs.
    thickness_um, right, total
        By contrast step.
    by_image
        Right choices, shape (images, steps); ``None`` when only the sums are known.
    spread
        Variance of `right` over that of a binomial.
    """

    diameter_mm: float
    thickness_um: Array
    right: Array
    total: Array
    by_image: Array | None = None
    spread: float = 1.0


@dataclass(frozen=True, slots=True, eq=False)
class Step:
    """The threshold of one diameter.

    Attributes
    ----------
    counts
        What it is from.
    fit
        The psychometric curve on contrast.
    factor
        From automatic to predicted human contrast; ``None`` where none is known.
    drawn
        Thresholds (contrast) of the bootstrap; NaN where a draw has none within the contrasts.
    u_log
        Standard uncertainty of ln(threshold contrast): the greater of the bootstraps over images
        and of binomial counts.
    """

    counts: Counts
    fit: psychometric.Fit
    factor: float | None
    drawn: Array
    u_log: float | None

    @property
    def diameter_mm(self) -> float:
        """Diameter of the discs."""
        return self.counts.diameter_mm

    @property
    def misfit(self) -> float | None:
        """Share of fits as bad as this one or worse, were the curve true (chi-squared)."""
        freedom = len(self.counts.right) - 2
        if self.fit.deviance is None or freedom < 1:
            return None
        return float(special.chdtrc(freedom, self.fit.deviance / self.counts.spread))


@dataclass(frozen=True, slots=True, eq=False)
class Smooth:
    """T(d) = a + b/d + c/d² + e/d³ with terms of zero or more, through thresholds in µm.

    Attributes
    ----------
    terms
        a, b, c, e.
    drawn
        The same of each draw of the bootstrap, shape (draws, 4).
    range_mm
        Diameters it goes through; it says nothing outside.
    stretch
        By which the scatter of the draws is multiplied.
    """

    terms: Array
    drawn: Array
    range_mm: tuple[float, float]
    stretch: float

    def at(self, diameter_mm: float) -> tuple[float, float, tuple[float, float]] | None:
        """Return threshold, standard uncertainty and limits of 95 %; ``None`` outside the range."""
        low, high = self.range_mm
        if not low * 0.999 <= diameter_mm <= high * 1.001:
            return None
        powers = diameter_mm ** -np.arange(_TERMS, dtype=float)
        value = float(self.terms @ powers)
        draws = self.drawn @ powers
        logs = np.log(draws[draws > 0] / value) * self.stretch
        if not len(logs) or value <= 0:
            return None
        ends = np.exp(np.percentile(logs, (2.5, 97.5))) * value
        return value, value * float(logs.std(ddof=1)), (float(ends[0]), float(ends[1]))


def contrast(thickness_um: Any, mu_per_um: float) -> Array:
    """Return the contrast of gold of this thickness."""
    return np.asarray(-np.expm1(-mu_per_um * np.asarray(thickness_um, dtype=float)))


def thickness(contrast_share: Any, mu_per_um: float) -> Array:
    """Return the thickness of gold with this contrast; NaN where no thickness has it."""
    share = np.asarray(contrast_share, dtype=float)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(np.where(share < 1, -np.log1p(-share), np.nan) / mu_per_um)


def factor_at(table: Sequence[Sequence[float]], diameter_mm: float) -> float | None:
    """Return the human factor: linear in ln d between the table's diameters, none outside."""
    d, r = np.asarray(table, dtype=float).T
    if not d[0] * 0.999 <= diameter_mm <= d[-1] * 1.001:
        return None
    return float(np.interp(math.log(diameter_mm), np.log(d), r))


def steps(
    counts: Sequence[Counts], *, mu_per_um: float, slope: float | None, shared: bool,
    factors: Sequence[Sequence[float]], draws: int, seed: int,
) -> list[Step]:  # fmt: skip
    """Fit every diameter.

    Parameters
    ----------
    counts
        One for each diameter.
    mu_per_um
        Of gold for the beam.
    slope, shared
        f held at a value; or one f for all diameters, fitted. Else each diameter has its own.
    factors
        (diameter in mm, factor) of human over automatic contrast.
    draws, seed
        Bootstrap: over images where they are known, else of binomial counts.
    """
    if shared and slope is None:
        tables = [
            (list(contrast(c.thickness_um, mu_per_um)), list(c.right), list(c.total))
            for c in counts
        ]
        common = psychometric.shared_slope(tables)
        slope = common[0] if common else None
    images = next((len(c.by_image) for c in counts if c.by_image is not None), 0)
    random = np.random.default_rng(seed)
    weights = random.multinomial(images, np.full(images, 1 / images), draws) if images else None
    return [_step(c, mu_per_um, slope, factors, draws, seed, weights) for c in counts]


def _step(
    counts: Counts, mu: float, slope: float | None, factors: Sequence[Sequence[float]],
    draws: int, seed: int, weights: npt.NDArray[np.int64] | None,
) -> Step:  # fmt: skip
    c = contrast(counts.thickness_um, mu)
    fit = psychometric.fit(
        list(c), list(counts.right), list(counts.total), slope=slope, draws=draws, seed=seed
    )
    factor = factor_at(factors, counts.diameter_mm)
    if fit.threshold is None or fit.slope is None:
        return Step(counts, fit, factor, np.zeros(0), None)
    x = np.log(c)
    stretch = 1.0
    if weights is not None and counts.by_image is not None:
        drawn = (weights @ counts.by_image).astype(float)
        # The scatter of resampled images is that of n - 1 of n.
        stretch = math.sqrt(weights[0].sum() / (weights[0].sum() - 1))
    else:
        p = psychometric.probability(x, math.log(fit.threshold), fit.slope)
        random = np.random.default_rng([seed, round(1000 * counts.diameter_mm)])
        drawn = random.binomial(counts.total.astype(int), p, (draws, len(x))).astype(float)
    found = Surface(x, counts.total, slope, psychometric.FOUR).maxima(drawn, rounds=9).threshold
    inside = (found >= x[0]) & (found <= x[-1])
    u = float(np.std(np.clip(found, x[0] - 1, x[-1] + 1), ddof=1)) * stretch
    # A few images may agree by chance; binomial counts scatter all the same.
    u = max(u, fit.u_log or 0.0)
    return Step(counts, fit, factor, np.where(inside, np.exp(found), np.nan), u)


def human(step: Step, mu_per_um: float) -> tuple[float, float] | None:
    """Return the predicted human threshold thickness and its standard uncertainty, in µm."""
    if step.fit.threshold is None or step.factor is None or step.u_log is None:
        return None
    share = step.factor * step.fit.threshold
    if share >= 0.99:
        return None
    slope = share / (mu_per_um * (1 - share))
    return float(thickness(share, mu_per_um)), slope * step.u_log


def automatic(step: Step, mu_per_um: float) -> tuple[float, float] | None:
    """Return the automatic threshold thickness and its standard uncertainty, in µm."""
    if step.fit.threshold is None or step.u_log is None:
        return None
    share = step.fit.threshold
    return float(thickness(share, mu_per_um)), share * step.u_log / (mu_per_um * (1 - share))


def smooth(found: Sequence[Step], mu_per_um: float, images: int) -> Smooth | None:
    """Fit the smooth curve to the predicted human thresholds; ``None`` with fewer than four.

    Non-negative least squares of the deviations in parts of the curve itself (weights from the
    curve, three rounds): weights from the measured thresholds or their own uncertainties would
    favour those that came out low. A diameter known worse than most counts less.
    """
    used = [(s, h) for s in found if (h := human(s, mu_per_um)) is not None]
    if len(used) < _TERMS:
        return None
    d = np.array([s.diameter_mm for s, _ in used])
    value = np.array([h[0] for _, h in used])
    u_log = np.array([s.u_log or 0.0 for s, _ in used])
    trust = 1.0 / np.maximum(u_log, max(1e-6, float(np.median(u_log))))
    design = d[:, None] ** -np.arange(_TERMS, dtype=float)
    terms = _non_negative(design, value, trust)
    drawn = np.column_stack(
        [thickness((s.factor or math.nan) * s.drawn, mu_per_um) for s, _ in used]
    )
    known = np.isfinite(drawn)
    again = [
        _non_negative(design[k], row[k], trust[k])
        for row, k in zip(drawn, known, strict=True)
        if k.sum() >= _TERMS
    ]
    if len(again) < len(drawn) // 2:
        return None
    stretch = math.sqrt(images / (images - 1)) if images > 1 else 1.0
    return Smooth(terms, np.array(again), (float(d.min()), float(d.max())), stretch)


def _non_negative(design: Array, value: Array, trust: Array) -> Array:
    level = value
    for _ in range(3):
        weight = trust / level
        terms = optimize.nnls(design * weight[:, None], value * weight)[0]
        level = np.maximum(design @ terms, 1e-3 * value)
    return np.asarray(terms)
