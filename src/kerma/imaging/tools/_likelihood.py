"""Likelihood of binomial counts under a psychometric curve, for many sets of counts at once.

The search for `kerma.imaging.tools.psychometric`: a grid of thresholds and slopes, then a shrinking
search around its best point; no step of it can diverge.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from kerma.imaging.tools.untyped import special

Array = npt.NDArray[np.float64]

# Slopes the fit may choose from. Published CDMAM slopes are near 3; an ideal observer with d' in
# proportion to contrast has about 3.1 for four positions. Design choice: a decade either side.
SLOPES = (0.3, 30.0)
SLOPE_STEPS = 61
_THRESHOLD_STEPS = 161
# The grid reaches this far beyond the contrasts tried, so that a threshold outside is seen as one.
_MARGIN = 1.5
_CHI2_95 = 3.841458820694124
_LARGEST = 500.0


def saturated(k: Array, n: Array) -> Array:
    share = k / n
    return np.asarray((special.xlogy(k, share) + special.xlogy(n - k, 1.0 - share)).sum(axis=1))


@dataclass(frozen=True, slots=True, eq=False)
class Maxima:
    """Maximum likelihood for each set of counts."""

    threshold: Array
    slope: Array
    likelihood: Array


class Surface:
    """The likelihood on a grid of thresholds and slopes, for many sets of counts at once."""

    def __init__(self, x: Array, n: Array, slope: float | None, floor: float) -> None:
        self.x, self.n, self.floor, self.free = x, n, floor, slope is None
        self.thresholds = np.linspace(x[0] - _MARGIN, x[-1] + _MARGIN, _THRESHOLD_STEPS)
        self.slopes = (
            np.array([slope], dtype=float)
            if slope is not None
            else np.geomspace(*SLOPES, SLOPE_STEPS)
        )
        yes, no = self._logs(self.thresholds[:, None, None], self.slopes[None, :, None])
        self.yes, self.no = yes.reshape(-1, len(x)), no.reshape(-1, len(x))

    def _logs(self, threshold: Array, slope: Array) -> tuple[Array, Array]:
        return logs(slope * (self.x - threshold), self.floor)

    def on_grid(self, k: Array) -> Array:
        """Return the log likelihood, shape (sets, thresholds, slopes)."""
        flat = k @ self.yes.T + (self.n - k) @ self.no.T
        return np.asarray(flat.reshape(len(k), len(self.thresholds), len(self.slopes)))

    def maxima(self, k: Array, rounds: int = 16) -> Maxima:
        """Return the maximum for each set: best point of the grid, then a shrinking search."""
        grid = self.on_grid(k)
        at = grid.reshape(len(k), -1).argmax(axis=1)
        t = self.thresholds[at // len(self.slopes)]
        f = self.slopes[at % len(self.slopes)]
        step_t = float(self.thresholds[1] - self.thresholds[0])
        step_f = math.log(SLOPES[1] / SLOPES[0]) / (SLOPE_STEPS - 1)
        offsets = np.linspace(-1.0, 1.0, 5)
        turn = offsets if self.free else np.zeros(1)
        dt, df = (o.ravel() for o in np.meshgrid(offsets, turn, indexing="ij"))
        value = grid.reshape(len(k), -1).max(axis=1)
        for _ in range(rounds):
            # Ends of the grid stay ends: beyond them nothing is claimed.
            tt = np.clip(t[:, None] + step_t * dt, self.thresholds[0], self.thresholds[-1])
            ff = f[:, None] * np.exp(step_f * df)
            if self.free:
                ff = np.clip(ff, *SLOPES)
            yes, no = self._logs(tt[..., None], ff[..., None])
            found = ((yes - no) @ k[:, :, None] + no @ self.n[:, None])[..., 0]
            best = found.argmax(axis=1)
            rows = np.arange(len(k))
            t, f, value = tt[rows, best], ff[rows, best], found[rows, best]
            step_t, step_f = 0.62 * step_t, 0.62 * step_f
        return Maxima(t, f, value)

    def profile(self, k: Array, top: float) -> tuple[float, float]:
        """Return the ends of the 95 % profile-likelihood interval; infinite where open."""
        along = self.on_grid(k[None, :])[0].max(axis=1)
        drop = 2.0 * (top - along) - _CHI2_95
        inside = np.flatnonzero(drop <= 0)
        if not len(inside):
            peak = int(along.argmax())
            inside = np.array([peak])
        first, last = int(inside[0]), int(inside[-1])
        low = -math.inf if first == 0 else self._crossing(drop, first - 1)
        high = math.inf if last == len(drop) - 1 else self._crossing(drop, last)
        return (low if low >= self.x[0] else -math.inf, high if high <= self.x[-1] else math.inf)

    def _crossing(self, drop: Array, i: int) -> float:
        a, b = float(drop[i]), float(drop[i + 1])
        share = a / (a - b) if a * b < 0 else 0.5
        return float(self.thresholds[i] + share * (self.thresholds[i + 1] - self.thresholds[i]))


def logs(z: Array, floor: float) -> tuple[Array, Array]:
    """Return ln p and ln(1 - p) of the curve at z = f (C - C_T)."""
    miss = np.exp(-np.clip(z, -_LARGEST, _LARGEST))
    no = math.log1p(-floor) + np.log(miss / (1.0 + miss))
    return np.log((1.0 + floor * miss) / (1.0 + miss)), no
