"""Noise power spectrum of square regions."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Spectrum:
    """A noise power spectrum.

    Attributes
    ----------
    two_d
        Shape (n, n), HU² mm², frequency zero at [0, 0].
    step_mm
        Frequency step along (rows, columns), mm⁻¹.
    variance
        Mean variance of the detrended regions, HU².
    scatter
        Standard deviation of the regions' variances, HU².
    count
        Number of regions.
    """

    two_d: Array
    step_mm: tuple[float, float]
    variance: float
    scatter: float
    count: int

    @property
    def integral(self) -> float:
        """Integral of the spectrum over all frequencies, HU²."""
        return float(self.two_d.sum()) * self.step_mm[0] * self.step_mm[1]

    def radial(self, independent: float | None = None) -> tuple[Array, Array, Array]:
        """Return frequency (mm⁻¹), mean and standard uncertainty in rings one step wide.

        Rings end at the lower of the two Nyquist frequencies; the corners are left out.
        `independent` is how many regions of independent noise there are, all when absent.
        """
        n = self.two_d.shape[0]
        fy = np.fft.fftfreq(n) * n * self.step_mm[0]
        fx = np.fft.fftfreq(n) * n * self.step_mm[1]
        f = np.hypot(fy[:, None], fx[None, :])
        step = max(self.step_mm)
        ring = np.rint(f / step).astype(int)
        last = int(n / 2 * min(self.step_mm) / step)
        use = (ring > 0) & (ring <= last)
        count = np.bincount(ring[use], minlength=last + 1)[1:]
        mean = np.bincount(ring[use], self.two_d[use], minlength=last + 1)[1:] / count
        where = np.bincount(ring[use], f[use], minlength=last + 1)[1:] / count
        # Each |FFT|² is exponentially distributed; half of the ring mirrors the other half.
        u = mean / np.sqrt(count / 2 * (independent or self.count))
        return where, mean, u


def spectrum(regions: Array, spacing_mm: tuple[float, float]) -> Spectrum:
    """Return the noise power spectrum of square regions, second-order trend removed from each.

    NPS = Δx Δy / (Nx Ny) <|FFT|²> (ICRU Report 87 form, HU² mm²).

    Parameters
    ----------
    regions
        Shape (m, n, n), HU.
    spacing_mm
        (row, column) pixel spacing.
    """
    m, n, _ = regions.shape
    line = np.linspace(-1, 1, n)
    x, y = (v.ravel() for v in np.meshgrid(line, line))
    base, _ = np.linalg.qr(np.column_stack([np.ones(n * n), x, y, x * x, x * y, y * y]))
    flat = regions.reshape(m, -1).copy()
    # Term by term: matrices this shape make the linear algebra library wake its threads.
    for term in base.T:
        flat -= np.einsum("mp,p->m", flat, term)[:, None] * term
    # The fit takes 6 of n² degrees of freedom.
    rest = (flat * math.sqrt(n * n / (n * n - 6))).reshape(m, n, n)
    half = np.fft.rfft2(rest)
    power = np.mean(half.real**2 + half.imag**2, axis=0)
    # The other half is the same, mirrored through the middle.
    rows, columns = -np.arange(n) % n, np.arange(n // 2 + 1, n)
    power = np.concatenate([power, power[rows][:, n - columns]], axis=1)
    two_d = power * spacing_mm[0] * spacing_mm[1] / (n * n)
    step = (1 / (n * spacing_mm[0]), 1 / (n * spacing_mm[1]))
    variances = np.mean(rest**2, axis=(1, 2))
    scatter = float(variances.std(ddof=1)) if m > 1 else 0.0
    return Spectrum(two_d, step, float(variances.mean()), scatter, m)
