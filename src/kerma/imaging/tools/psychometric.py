"""Psychometric curves: forced-choice threshold contrast by maximum likelihood.

The curve is p(C) = g + (1 - g) / (1 + exp(-f (C - C_T))) with C the natural logarithm of the
contrast, g the rate of guessing (1/4 with four positions to choose from, 0 for "seen or not"), f
the slope and C_T the logarithm of the threshold, where p is half-way between g and 1 (0.625 for
g = 1/4). Form and mid-point as used for CDMAM (K. C. Young et al., Proc. SPIE 6142 (2006) 614206,
recalled). The counts are binomial.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from kerma.core import InputError
from kerma.imaging.tools._likelihood import SLOPE_STEPS, SLOPES, Maxima, Surface, logs, saturated
from kerma.imaging.tools.untyped import optimize, special

Array = npt.NDArray[np.float64]

FOUR = 0.25
SEED = 20_260_101
DRAWS = 400
# For one slope of several tables: how far (in ln contrast) a threshold may lie beyond the
# contrasts, and the share of right choices above which a table says nothing of the slope. Design
# choices.
_BEYOND, _NEARLY_ALL = 0.3, 0.93
_FLAT = "The right choices do not rise with contrast, so there is no threshold."


def probability(log_contrast: Any, log_threshold: Any, slope: Any, floor: float = FOUR) -> Array:
    """Return p at the natural logarithms of contrast (arrays broadcast together)."""
    z = np.asarray(slope, dtype=float) * (np.asarray(log_contrast, dtype=float) - log_threshold)
    return np.asarray(floor + (1.0 - floor) * special.expit(z))


def ideal_rate(d_prime: Any, positions: int = 4) -> Array:
    """Return the rate of right choices of an ideal observer among `positions` places.

    P = ∫ φ(x - d') Φ(x)^(M-1) dx (D. M. Green and J. A. Swets, Signal Detection Theory, 1966;
    recalled); 1/M at d' = 0. Trapezium rule on a smooth integrand: exact to 1e-12.
    """
    d = np.asarray(d_prime, dtype=float)
    z = np.linspace(-9.0, 9.0, 601)
    density = np.exp(-0.5 * z**2) / math.sqrt(2.0 * math.pi)
    others = special.ndtr(z + d[..., None]) ** (positions - 1)
    return np.asarray((density * others).sum(axis=-1) * (z[1] - z[0]))


def ideal_d_prime(rate: float, positions: int = 4) -> float | None:
    """Return the d' at which an ideal observer chooses right at this rate; None at or beyond 1."""
    if not rate < 1.0:
        return None
    found: float = optimize.brentq(
        lambda d: float(ideal_rate(d, positions)) - rate, -8.0, 12.0, xtol=1e-10
    )
    return found


@dataclass(frozen=True, slots=True)
class Fit:
    """One psychometric curve fitted.

    Attributes
    ----------
    threshold
        Contrast at the mid-point, in the unit the contrasts were given in; ``None`` when it lies
        outside the contrasts tried or the counts do not fix it, with the `reason`.
    u_log
        Standard uncertainty of ln(threshold): standard deviation of the bootstrap.
    u_log_information
        The same from the observed information (curvature of the likelihood).
    interval, profile
        Limits of 95 % for the threshold, from the bootstrap (percentiles) and from the profile
        likelihood. An end beyond the contrasts tried is ``None``: open.
    slope, u_slope
        f, and its standard uncertainty from the bootstrap (0 when the slope was given).
    slope_at_bound
        The counts call for a slope beyond `SLOPES`; the threshold stands, the slope does not.
    deviance, misfit
        Likelihood-ratio statistic against the raw proportions, and the share of bootstrap draws
        with a greater one: below 0.01 the curve does not describe the counts.
    beyond
        Share of bootstrap draws whose threshold lay outside the contrasts tried; above 0.05 the
        uncertainty is too small.
    """

    threshold: float | None
    reason: str = ""
    u_log: float | None = None
    u_log_information: float | None = None
    interval: tuple[float | None, float | None] = (None, None)
    profile: tuple[float | None, float | None] = (None, None)
    slope: float | None = None
    u_slope: float | None = None
    slope_at_bound: bool = False
    deviance: float | None = None
    misfit: float | None = None
    beyond: float = 0.0
    floor: float = FOUR

    @property
    def u(self) -> float | None:
        """Standard uncertainty of the threshold, in its own unit."""
        if self.threshold is None or self.u_log is None:
            return None
        return self.threshold * self.u_log

    def rate(self, contrast: Any) -> Array:
        """Return the fitted curve at contrasts.

        Raises
        ------
        InputError
            Code ``no-threshold``.
        """
        if self.threshold is None:
            raise InputError(f"There is no curve. {self.reason}", code="no-threshold")
        log = np.log(np.asarray(contrast, dtype=float))
        return probability(log, math.log(self.threshold), self.slope, self.floor)


def fit(
    contrast: Sequence[float],
    correct: Sequence[float],
    total: Sequence[float],
    *,
    slope: float | None = None,
    floor: float = FOUR,
    draws: int = DRAWS,
    seed: int = SEED,
) -> Fit:
    """Fit threshold (and slope) to counts of right choices.

    Parameters
    ----------
    contrast
        Contrasts tried, above zero, in any unit and order; equal ones are pooled.
    correct, total
        Right choices and trials at each; no trials at one is allowed, and it then does not count.
    slope
        f, when it is to be held; fitted within `SLOPES` when absent.
    floor
        Rate of guessing g.
    draws, seed
        Parametric bootstrap.

    Raises
    ------
    InputError
        Code ``bad-counts``.
    """
    x, k, n = _pooled(contrast, correct, total)
    _check(slope, floor)
    reason = _no_information(x, k, n, floor)
    if reason:
        return Fit(None, reason, floor=floor)
    surface = Surface(x, n, slope, floor)
    best = surface.maxima(k[None, :])
    log_threshold, f = float(best.threshold[0]), float(best.slope[0])
    if slope is None and f < SLOPES[0] * 1.01:
        return Fit(None, _FLAT, floor=floor)
    if not x[0] <= log_threshold <= x[-1]:
        return Fit(None, _outside(log_threshold < x[0]), floor=floor)
    p = probability(x, log_threshold, f, floor)
    drawn = np.random.default_rng(seed).binomial(n.astype(int), p, (draws, len(n))).astype(float)
    return _described(surface, k, best, drawn)


def _described(surface: Surface, k: Array, best: Maxima, drawn: Array) -> Fit:
    """Return a fit with its uncertainties; `drawn` holds the counts of the bootstrap."""
    x, n, floor, free = surface.x, surface.n, surface.floor, surface.free
    at, f = float(best.threshold[0]), float(best.slope[0])
    again = surface.maxima(drawn, rounds=9)
    inside = (again.threshold >= x[0]) & (again.threshold <= x[-1])
    kept = np.sort(
        np.where(inside, again.threshold, np.where(again.threshold < x[0], -np.inf, np.inf))
    )
    low, high = kept[[int(0.025 * len(kept)), math.ceil(0.975 * len(kept)) - 1]]
    u = float(np.std(np.clip(again.threshold, x[0] - 1, x[-1] + 1), ddof=1))
    step = free and f > SLOPES[1] / 1.01
    if step:
        # All seen above, none below: any threshold between the two contrasts fits as well.
        next_up = min(max(1, int(np.searchsorted(x, at))), len(x) - 1)
        low, high = min(low, x[next_up - 1]), max(high, x[next_up])
        u = math.hypot(u, float(x[next_up] - x[next_up - 1]) / math.sqrt(12.0))
    deviance = float(2.0 * (saturated(k[None, :], n)[0] - best.likelihood[0]))
    others = 2.0 * (saturated(drawn, n) - again.likelihood)
    return Fit(
        math.exp(at),
        u_log=u,
        u_log_information=_information(surface, k, at, f),
        interval=_ends(float(low), float(high)),
        profile=_ends(*surface.profile(k, float(best.likelihood[0]))),
        slope=f,
        u_slope=float(np.std(again.slope, ddof=1)) if free else 0.0,
        slope_at_bound=step,
        deviance=max(0.0, deviance),
        misfit=float(np.mean(others >= deviance - 1e-9)),
        beyond=float(np.mean(~inside)),
        floor=floor,
    )


def shared_slope(
    tables: Sequence[tuple[Sequence[float], Sequence[float], Sequence[float]]],
    *,
    floor: float = FOUR,
) -> tuple[float, float] | None:
    """Return the one slope that fits several tables best, each with a threshold of its own.

    Few images fix the slope of one diameter badly; all diameters together fix it well. The
    likelihood of each table is integrated over its threshold (evenly in its logarithm, a little
    beyond the contrasts tried): maximised over it instead, one trial a contrast would always give
    a step.

    Parameters
    ----------
    tables
        (contrast, correct, total) of each, as for `fit`.
    floor
        Rate of guessing.

    Returns
    -------
    tuple or None
        The slope and its standard uncertainty (curvature of the integrated likelihood in ln f);
        ``None`` when no table holds both success and failure or the best slope is at a bound.
    """
    total = np.zeros(SLOPE_STEPS)
    used = 0
    for contrast, correct, trials in tables:
        x, k, n = _pooled(contrast, correct, trials)
        if _no_information(x, k, n, floor, 0.0) or float(k.sum()) > _NEARLY_ALL * float(n.sum()):
            continue
        surface = Surface(x, n, None, floor)
        near = np.abs(surface.thresholds - (x[0] + x[-1]) / 2) <= (x[-1] - x[0]) / 2 + _BEYOND
        total += special.logsumexp(surface.on_grid(k[None, :])[0][near], axis=0)
        used += 1
    at = int(total.argmax())
    if not used or at in (0, SLOPE_STEPS - 1):
        return None
    step = math.log(SLOPES[1] / SLOPES[0]) / (SLOPE_STEPS - 1)
    before, here, after = (float(v) for v in total[at - 1 : at + 2])
    bend = before - 2 * here + after
    if bend >= 0:
        return None
    log_slope = math.log(SLOPES[0]) + step * (at + 0.5 * (before - after) / bend)
    return math.exp(log_slope), math.exp(log_slope) * step / math.sqrt(-bend)


def _pooled(
    contrast: Sequence[float], correct: Sequence[float], total: Sequence[float]
) -> tuple[Array, Array, Array]:
    c, k, n = (np.asarray(v, dtype=float) for v in (contrast, correct, total))
    whole = c.ndim == 1 and c.shape == k.shape == n.shape and c.size > 0
    if not whole or not all(np.isfinite(v).all() for v in (c, k, n)) or (c <= 0).any():
        raise InputError(
            "A threshold needs contrasts above zero, each with right choices and trials.",
            code="bad-counts",
        )
    if (k < 0).any() or (k > n).any() or (np.rint(k) != k).any() or (np.rint(n) != n).any():
        raise InputError(
            "Right choices are whole numbers from none up to the number of trials.",
            code="bad-counts",
        )
    used = n > 0
    levels, place = np.unique(np.log(c[used]), return_inverse=True)
    return (
        levels,
        np.bincount(place, k[used], minlength=len(levels)).astype(float),
        np.bincount(place, n[used], minlength=len(levels)).astype(float),
    )


def _check(slope: float | None, floor: float) -> None:
    if slope is not None and not 0.0 < slope <= 1000.0:
        raise InputError("The slope of the curve must be above zero.", code="bad-counts")
    if not 0.0 <= floor < 1.0:
        raise InputError("The rate of guessing is from 0 to below 1.", code="bad-counts")


def _no_information(x: Array, k: Array, n: Array, floor: float, surprise: float = 2.33) -> str:
    if len(x) < 2:
        return "Fewer than two contrasts were tried, so no threshold can be fitted."
    if float(k.sum()) == float(n.sum()):
        return _outside(below=True)
    # One-sided 1 %: were all answers guesses, as many right ones as these would be no surprise.
    sd = math.sqrt(float(n.sum()) * floor * (1.0 - floor))
    if float(k.sum()) <= floor * float(n.sum()) + surprise * sd:
        return _outside(below=False)
    return ""


def _outside(below: bool) -> str:
    if below:
        return "The threshold lies below the smallest contrast tried; it is not extrapolated."
    return "The threshold lies above the largest contrast tried; it is not extrapolated."


def _ends(low: float, high: float) -> tuple[float | None, float | None]:
    return (
        math.exp(low) if math.isfinite(low) else None,
        math.exp(high) if math.isfinite(high) else None,
    )


def _information(surface: Surface, k: Array, at: float, slope: float) -> float | None:
    """Return the standard uncertainty of C_T from the curvature of the likelihood."""

    def likelihood(t: float, log_slope: float) -> float:
        yes, no = logs(slope * math.exp(log_slope) * (surface.x - t), surface.floor)
        return float((k * yes + (surface.n - k) * no).sum())

    h = 1e-3
    count = 2 if surface.free else 1
    steps = np.eye(2)[:count] * h
    second = np.empty((count, count))
    for i, a in enumerate(steps):
        for j, b in enumerate(steps):
            corners = [likelihood(at + d[0], d[1]) for d in (a + b, a - b, b - a, -a - b)]
            second[i, j] = (corners[0] - corners[1] - corners[2] + corners[3]) / (4 * h * h)
    if np.linalg.det(second) == 0:
        return None
    variance = float(np.linalg.inv(-second)[0, 0])
    return math.sqrt(variance) if variance > 0 else None
