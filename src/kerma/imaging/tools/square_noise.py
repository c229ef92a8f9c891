"""Noise power spectra in absolute units from separate squares, with their scatter.

NPS = dx dy / N² <|FFT(square - trend)|²>, HU² mm² (ICRU Report 87 form [recalled]), unlike the
normalised spectrum of planar detectors in `kerma.imaging.tools.noise_power`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from kerma.core import AnalysisError, Quantity, quantity

Array = npt.NDArray[np.floating[Any]]

SEED = 87
REPLICATES = 200
# The two sides of Parseval's theorem are one sum in another order: only rounding may part them.
_PARSEVAL_TOLERANCE = 1e-9
_PEAK_SMOOTHING = 2  # rings on each side of the parabola that gives the peak
# A peak that moves by more than this share of the range between replicates is none.
_PEAK_UNSURE = 0.12
# The trend takes noise of the lowest frequencies with it. A ring that keeps less than this of white
# noise is left out; the others are divided by what they keep. Design choice.
_LEAST_KEPT = 0.75
# A square spreads each frequency over its neighbours: against closed forms rings are off by up to
# 4 % and the mean frequency by 1 % (tests/imaging/test_ct_nps.py); as rectangular distributions.
METHOD_RING = 0.04 / math.sqrt(3.0)
_METHOD_AVERAGE = 0.01 / math.sqrt(3.0)


def detrended(squares: Array, order: int) -> Array:
    """Return the squares less their polynomial of total degree `order` (0, 1 or 2) in x and y.

    Works on the last two axes, in discrete orthonormal polynomials.
    """
    down, across = (_polynomials(n, order) for n in squares.shape[-2:])
    degree = np.add.outer(np.arange(order + 1), np.arange(order + 1))
    weights = np.where(degree <= order, down.T @ squares @ across, 0.0)
    return np.asarray(squares - down @ weights @ across.T)


def _polynomials(length: int, order: int) -> Array:
    x = np.linspace(-1.0, 1.0, length)
    found, _ = np.linalg.qr(np.stack([x**k for k in range(order + 1)], axis=1))
    return np.asarray(found)


@dataclass(frozen=True, slots=True, eq=False)
class Spectrum:
    """A noise power spectrum.

    Attributes
    ----------
    two_d
        Shape (n, n), HU² mm², frequency zero at [0, 0].
    step_per_mm
        Distance between frequencies.
    variance
        Mean variance of the detrended squares, HU².
    frequency_per_mm, by_square
        Mean frequency of the rings, one step wide, to the Nyquist frequency; and each square's
        mean in each ring, shape (squares, rings), corrected for what the trend took.
    """

    two_d: Array
    step_per_mm: float
    variance: float
    frequency_per_mm: Array
    by_square: Array

    @property
    def radial(self) -> Array:
        """Return the mean over directions and squares."""
        return np.asarray(self.by_square.mean(axis=0))

    @property
    def integral(self) -> float:
        """Integral over all frequencies, HU²."""
        return float(self.two_d.sum()) * self.step_per_mm**2

    @property
    def self_check(self) -> float:
        """Integral of the spectrum over the variance of the pixels: 1."""
        return self.integral / self.variance

    def replicates(self) -> Array:
        """Return bootstrapped radial curves: squares drawn with replacement, seed `SEED`."""
        count = len(self.by_square)
        draws = np.random.default_rng(SEED).multinomial(
            count, np.full(count, 1.0 / count), size=REPLICATES
        )
        drawn = draws @ self.by_square / count
        # Drawing n squares from n gives (n - 1)/n of the variance; undone here.
        return np.asarray(
            self.radial + (drawn - self.radial) * math.sqrt(count / max(1, count - 1))
        )

    def u_radial(self) -> Array:
        """Return the standard uncertainty of the radial curve: scatter of the squares, method."""
        count = len(self.by_square)
        if count < 2:
            return self.radial
        scatter = self.by_square.std(axis=0, ddof=1) / math.sqrt(count)
        return np.asarray(np.hypot(scatter, METHOD_RING * self.radial))

    def on(
        self, frequency_per_mm: Array, curves: Array | None = None, *, level: bool = False
    ) -> Array:
        """Return radial curves at other frequencies, continued to 0 as for the mean frequency.

        The spectrum itself, or replicates of it; shape (curves, frequencies). With `level` the
        first ring's value is continued to 0, to see what the continuation matters.
        """
        shown = self.radial[None, :] if curves is None else curves
        f0, full = _continued(self.frequency_per_mm, shown)
        if level:
            full[:, 0] = shown[:, 0]
        return np.stack([np.interp(frequency_per_mm, f0, curve, right=0.0) for curve in full])

    def average(self) -> Quantity:
        """Return the mean frequency, integral of f NPS over integral of NPS (TG-233 [recalled])."""
        value = float(_average(self.frequency_per_mm, self.radial[None, :])[0])
        drawn = _average(self.frequency_per_mm, self.replicates())
        u = math.hypot(float(drawn.std(ddof=1)), _METHOD_AVERAGE * value)
        return quantity(value, "1/mm", u)

    def peak(self) -> Quantity | None:
        """Return the frequency of the maximum, or ``None`` when the scatter hides it.

        The vertex of the parabola through the five rings about the largest (three-ring mean).
        A spectrum that is highest at its lowest frequency has no peak.
        """
        value = _peak(self.frequency_per_mm, self.radial)
        if value is None:
            return None
        found = [_peak(self.frequency_per_mm, curve) for curve in self.replicates()]
        drawn = np.array([f for f in found if f is not None])
        span = float(self.frequency_per_mm[-1])
        if len(drawn) < 0.9 * REPLICATES or float(drawn.std(ddof=1)) > _PEAK_UNSURE * span:
            return None
        return quantity(value, "1/mm", float(drawn.std(ddof=1)))


def measure(squares: Array, pixel_mm: float, order: int) -> Spectrum:
    """Return the spectrum of square regions.

    Parameters
    ----------
    squares
        Shape (m, n, n), HU; differences of slices are divided by sqrt(2) beforehand.
    pixel_mm
        Side of the pixels.
    order
        Degree of the polynomial taken off each.

    Raises
    ------
    AnalysisError
        Code ``parseval``: the spectrum does not integrate to the variance, or there is no noise.
    """
    n = squares.shape[1]
    rest = detrended(squares, order)
    variance = float((rest**2).mean())
    power = np.abs(np.fft.fft2(rest)) ** 2 * (pixel_mm / n) ** 2
    f = np.fft.fftfreq(n, pixel_mm)
    distance = np.hypot(f[:, None], f[None, :])
    step = 1.0 / (n * pixel_mm)
    ring = np.rint(distance / step).astype(int)
    last = n // 2
    use = (ring > 0) & (ring <= last)
    count = np.bincount(ring[use], minlength=last + 1)[1:].astype(float)
    where = np.bincount(ring[use], distance[use], minlength=last + 1)[1:] / count
    curves = np.stack(
        [np.bincount(ring[use], p[use], minlength=last + 1)[1:] / count for p in power]
    )
    kept = np.bincount(ring[use], _kept(n, order)[use], minlength=last + 1)[1:] / count
    good = kept >= _LEAST_KEPT
    found = Spectrum(power.mean(axis=0), step, variance, where[good], curves[:, good] / kept[good])
    if not variance > 0 or abs(found.self_check - 1.0) > _PARSEVAL_TOLERANCE:
        raise AnalysisError(
            "The noise power does not add up to the variance of the pixels, or there is no noise "
            "at all. Use slices as they were reconstructed.",
            stage="check spectrum",
            code="parseval",
            detail={"integral": found.integral, "variance": variance},
        )
    return found


def _kept(n: int, order: int) -> Array:
    """Return the share of white noise that each frequency keeps when the trend is taken off."""
    shapes = np.abs(np.fft.fft(_polynomials(n, order), axis=0)) ** 2 / n
    lost = np.zeros((n, n))
    for i in range(order + 1):
        for j in range(order + 1 - i):
            lost += np.outer(shapes[:, i], shapes[:, j])
    return 1.0 - lost


def _continued(f: Array, curves: Array) -> tuple[Array, Array]:
    """Return frequencies and curves continued to 0 along the line through the first three rings.

    Noise of filtered back projection falls to nothing there, white noise is level.
    """
    near = f[:3]
    weights = np.linalg.pinv(np.column_stack((np.ones(len(near)), near)))[0]
    start = np.maximum(curves[:, :3] @ weights, 0.0)[:, None]
    return np.concatenate(([0.0], f)), np.concatenate((start, curves), axis=1)


def _average(f: Array, curves: Array) -> Array:
    """Return mean frequencies by the trapezium rule, from 0 to the last ring."""
    f0, full = _continued(f, curves)
    return np.asarray(np.trapezoid(f0 * full, f0, axis=1) / np.trapezoid(full, f0, axis=1))


def _peak(f: Array, curve: Array) -> float | None:
    smooth = np.convolve(np.pad(curve, 1, mode="edge"), np.ones(3) / 3, mode="valid")
    top = int(np.argmax(smooth))
    if top == 0:
        return None
    low, high = max(0, top - _PEAK_SMOOTHING), min(len(f), top + _PEAK_SMOOTHING + 1)
    if high - low < 4:
        return float(f[top])
    a, b, _ = np.polyfit(f[low:high], curve[low:high], 2)
    vertex = -b / (2 * a) if a < 0 else float(f[top])
    return float(np.clip(vertex, f[low], f[high - 1]))
