"""From MTF and noise power to NEQ and DQE, with their uncertainty.

NEQ(f) = MTF²(f) / NNPS(f); DQE(f) = NEQ(f) / (Ka SNR²in) (IEC 62220-1-1:2015).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from kerma.core import InputError

Array = npt.NDArray[np.floating[Any]]


@dataclass(frozen=True, slots=True, eq=False)
class Spectrum:
    """A curve over spatial frequency (1/mm) with its standard uncertainty."""

    frequency_per_mm: Array
    value: Array
    u: Array

    def at(self, frequency_per_mm: float) -> tuple[float, float] | None:
        """Return value and uncertainty at one frequency, or ``None`` outside the curve."""
        f = self.frequency_per_mm
        if not f[0] <= frequency_per_mm <= f[-1]:
            return None
        return (
            float(np.interp(frequency_per_mm, f, self.value)),
            float(np.interp(frequency_per_mm, f, self.u)),
        )

    def scaled(self, factor: float, u_relative: float = 0.0) -> Spectrum:
        """Return the curve times a number known to `u_relative`."""
        value = self.value * factor
        return Spectrum(self.frequency_per_mm, value, np.hypot(self.u * factor, value * u_relative))


def noise_equivalent_quanta(
    mtf: Spectrum, nnps: Spectrum, *, from_per_mm: float, band_per_mm: float
) -> Spectrum:
    """Return NEQ in 1/mm², averaged in bands.

    What is averaged is NNPS / MTF², so that the scatter of single frequencies does not raise its
    inverse.

    Parameters
    ----------
    mtf, nnps
        Curves (1, and mm²); the MTF is interpolated at the frequencies of the NNPS.
    from_per_mm
        Frequencies of the NNPS below this are left out.
    band_per_mm
        Width of the bands.

    Raises
    ------
    InputError
        Code ``no-overlap``: the curves have no frequency in common.
    """
    f = nnps.frequency_per_mm
    common = (f >= from_per_mm) & (f <= mtf.frequency_per_mm[-1])
    transfer = np.interp(f, mtf.frequency_per_mm, mtf.value)
    common &= transfer > 0
    if not common.any():
        raise InputError(
            "The MTF and the noise power have no spatial frequency in common.", code="no-overlap"
        )
    f, transfer = f[common], transfer[common]
    ratio = nnps.value[common] / transfer**2
    u_noise = nnps.u[common] / transfer**2
    # Errors of the MTF at neighbouring frequencies go together, those of the noise power do not.
    u_transfer = 2.0 * ratio * np.interp(f, mtf.frequency_per_mm, mtf.u) / transfer
    _, band = np.unique(np.floor((f - f[0]) / band_per_mm), return_inverse=True)
    count = np.bincount(band)
    mean = np.bincount(band, ratio) / count
    u = np.hypot(
        np.sqrt(np.bincount(band, u_noise**2)) / count, np.bincount(band, u_transfer) / count
    )
    return Spectrum(np.bincount(band, f) / count, 1.0 / mean, u / mean**2)
