"""From an edge spread function to the modulation transfer function, with its uncertainty."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from kerma.core import Quantity, quantity
from kerma.imaging.tools.esf import EdgeSpread

Array = npt.NDArray[np.floating[Any]]

SEED = 62220
REPLICATES = 200
# Largest deviation seen from closed-form edges of 512 lines at any angle is 0.0003 (point spread of
# two thirds of a pixel or more, tests/imaging/test_planar_mtf_edge.py); taken, rounded up, as the
# standard uncertainty of the method and added in quadrature.
METHOD_U = 0.0005
# Line by line: 1/tan of the angle is rounded, and lengths are taken along the lines.
METHOD_U_LINES = 0.0015
# Beyond 3 degrees a period has few rows to fill the bins with: 0.0007 seen up to 12 degrees.
METHOD_U_STEEP = 0.001


@dataclass(frozen=True, slots=True, eq=False)
class Mtf:
    """A modulation transfer function.

    Attributes
    ----------
    frequency_per_mm, value, u
        The curve and its standard uncertainty.
    replicates
        Bootstrapped curves, shape (replicates, frequencies).
    method_u
        Standard uncertainty of the method itself, included in `u`.
    """

    frequency_per_mm: Array
    value: Array
    u: Array
    replicates: Array
    method_u: float = METHOD_U

    def crossing(self, level: float) -> Quantity | None:
        """Return the lowest frequency at which the curve falls to `level`, or ``None``.

        The uncertainty is the scatter of the replicates' crossings, and the method's own
        uncertainty divided by the slope there.
        """
        at = first_crossing(self.frequency_per_mm, self.value, level)
        if at is None:
            return None
        others = [first_crossing(self.frequency_per_mm, r, level) for r in self.replicates]
        found = np.array([o for o in others if o is not None])
        scatter = float(found.std(ddof=1)) if len(found) > 1 else 0.0
        slope = abs(float(np.interp(at, self.frequency_per_mm, self._slope())))
        method = self.method_u / slope if slope > 0 else 0.0
        return quantity(at, "1/mm", math.hypot(scatter, method))

    def _slope(self) -> Array:
        return np.asarray(np.gradient(self.value, self.frequency_per_mm))

    def at(self, frequency_per_mm: float) -> Quantity:
        """Return the value at one frequency."""
        value = float(np.interp(frequency_per_mm, self.frequency_per_mm, self.value))
        u = float(np.interp(frequency_per_mm, self.frequency_per_mm, self.u))
        return quantity(value, "1", u)


def first_crossing(frequency: Array, value: Array, level: float) -> float | None:
    """Return where the curve first falls to `level`, by linear interpolation."""
    below = np.flatnonzero((value[1:] <= level) & (value[:-1] > level))
    if not len(below):
        return None
    i = int(below[0])
    share = (value[i] - level) / (value[i] - value[i + 1])
    return float(frequency[i] + share * (frequency[i + 1] - frequency[i]))


def from_edge(
    spread: EdgeSpread,
    frequency_per_mm: Array,
    *,
    window_mm: float | None = None,
    corrected: bool = True,
    replicates: int = REPLICATES,
    method_u: float = METHOD_U,
) -> Mtf:
    """Return the presampled MTF of an edge spread function (IEC 62220-1-1:2015).

    The line spread function is the central difference of the curve; the modulus of its Fourier
    transform, divided by its value at zero, is divided by sinc(2 f h) for the central difference
    at a spacing of h and, where pixels were averaged in bins of h, by sinc(f h); the mean of a bin
    is first moved from the mean place of its pixels to the bin's middle, along the curve's slope:
    at most angles the pixels do not fill the bins evenly, which costs up to 0.004 at the Nyquist
    frequency. No window and no model unless asked for.

    Parameters
    ----------
    spread
        The edge spread function, in blocks.
    frequency_per_mm
        Shape (frequencies,), starting at 0.
    window_mm
        Half-width of a Hann window on the line spread function; ``None`` for no window. A window
        raises the 50 % frequency by about pi² s² / (4 L²) for a line spread of rms width s.
    corrected
        False leaves both corrections out (for tests of the corrections).
    replicates
        Bootstrap replicates: blocks along the edge are drawn with replacement, seed `SEED`.
    method_u
        Standard uncertainty of the method itself, added in quadrature.
    """
    blocks = spread.counts.shape[0]
    draws = np.random.default_rng(SEED).multinomial(
        blocks, np.full(blocks, 1.0 / blocks), size=replicates
    )
    weights = np.vstack((np.ones(blocks), draws))
    counts = weights @ spread.counts
    filled = np.where(counts > 0, counts, 1.0)
    curves = np.where(counts > 0, weights @ spread.sums / filled, spread.mean)
    if spread.offsets is not None and corrected:
        off: Array = np.asarray(weights @ spread.offsets / filled)
        curves = _centred(np.asarray(curves), off, spread.bin_mm)
    lsf = (curves[:, 2:] - curves[:, :-2]) / (2.0 * spread.bin_mm)
    x = spread.distance_mm[1:-1]
    if window_mm is not None:
        lsf = lsf * np.where(
            np.abs(x) <= window_mm, 0.5 * (1.0 + np.cos(math.pi * x / window_mm)), 0.0
        )
    phase = -2.0 * math.pi * np.outer(x, frequency_per_mm)
    modulus = np.hypot(lsf @ np.cos(phase), lsf @ np.sin(phase))
    values = modulus / modulus[:, :1]
    if corrected:
        h = spread.bin_mm
        values = values / np.sinc(2 * frequency_per_mm * h)
        if spread.offsets is not None:
            values = values / np.sinc(frequency_per_mm * h)
    # Drawing B blocks from B gives (B - 1)/B of the variance; undone here.
    drawn = values[0] + (values[1:] - values[1:].mean(axis=0)) * math.sqrt(blocks / (blocks - 1))
    scatter = drawn.std(axis=0, ddof=1)
    return Mtf(frequency_per_mm, values[0], np.hypot(scatter, method_u), drawn, method_u)


def _centred(curves: Array, offset_mm: Array, bin_mm: float) -> Array:
    """Move the means of bins, shape (replicates, bins), to the middles of the bins."""
    slope = np.gradient(curves[0], bin_mm)
    slope = np.gradient(curves[0] - offset_mm[0] * slope, bin_mm)
    return np.asarray(curves - offset_mm * slope)


def shoot(spread: EdgeSpread) -> tuple[float, float]:
    """Return overshoot and undershoot beside the edge, as a share of the step, less their noise.

    Each side's far part (outer 60 %) is fitted by a straight line, continued to the edge; the
    curve, averaged over one pixel, is compared with it. Three standard deviations of that average
    are taken off, so that noise alone does not count as overshoot.
    """
    curve, x = spread.mean, spread.distance_mm
    width = 4
    smooth = np.convolve(curve, np.ones(width) / width, mode="same")
    per_bin = float(spread.counts.sum(axis=0).mean()) * width
    found: list[float] = []
    sides: Sequence[tuple[float, float]] = ((1.0, spread.noise[1]), (-1.0, spread.noise[0]))
    for sign, noise in sides:
        reach = float(np.abs(x).max())
        far = sign * x > 0.4 * reach
        near = (sign * x > 0) & (sign * x <= 0.4 * reach)
        line = np.polyfit(x[far], curve[far], 1)
        excess = sign * (smooth[near] - np.polyval(line, x[near]))
        found.append(max(0.0, float(excess.max()) - 3.0 * noise / math.sqrt(per_bin)))
    return found[0], found[1]
