"""X-ray beams for simulated readings: air kerma, half-value layer and transmission.

A tungsten spectrum (tabulated, see the head of the data files) passes flat filters; air kerma is
the energy fluence times the mass energy-absorption coefficient of air (ICRU 85a), attenuation is
narrow-beam, and distance follows the inverse square. Good to a few per cent, which is all a
simulated reading needs; nothing here judges or reports anything.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache, cached_property
from importlib import resources
from typing import Any

import numpy as np
import numpy.typing as npt

from kerma.core import InputError

Array = npt.NDArray[np.floating[Any]]

# keV per cm2 times cm2/g is keV/g; 1 keV/g = 1.602176634e-13 J/kg (CODATA 2018), in µGy.
_UGY_PER_KEV_G = 1.602176634e-13 * 1e6
_MAMMOGRAPHIC_BELOW_KV = 40.0


@cache
def _table(name: str) -> tuple[tuple[str, ...], Array]:
    text = resources.files("kerma.simulate").joinpath(f"data/{name}.csv").read_text("utf-8")
    lines = [line for line in text.splitlines() if not line.startswith("#")]
    names = tuple(lines[0].split(","))
    rows = np.array([[float(cell) for cell in line.split(",")] for line in lines[1:]])
    return names, rows


@cache
def coefficient(material: str, mammographic: bool) -> Array:
    """Return a coefficient of the attenuation table at the energies of a spectrum table."""
    names, rows = _table("attenuation")
    if material not in names:
        raise InputError(
            f"The simulation has no attenuation data for “{material}”. It knows "
            f"{', '.join(names[1:-1])}.",
            code="unknown-material",
        )
    energy, _ = _energies(mammographic)
    return np.asarray(np.interp(energy, rows[:, 0], rows[:, names.index(material)]))


@cache
def _energies(mammographic: bool) -> tuple[Array, float]:
    _, rows = _table("spectra_mammography" if mammographic else "spectra_general")
    return rows[:, 0], float(rows[1, 0] - rows[0, 0])


@cache
def _unfiltered(kv: float) -> Array:
    mammographic = kv <= _MAMMOGRAPHIC_BELOW_KV
    names, rows = _table("spectra_mammography" if mammographic else "spectra_general")
    stations = np.array([float(n) for n in names[1:]])
    if not stations[0] * 0.9 <= kv <= stations[-1]:
        raise InputError(f"The simulation has no spectrum at {kv:g} kV.", code="unknown-spectrum")
    upper = int(np.clip(np.searchsorted(stations, kv), 1, len(stations) - 1))
    share = (kv - stations[upper - 1]) / (stations[upper] - stations[upper - 1])
    blend = (1 - share) * rows[:, upper] + share * rows[:, upper + 1]
    return np.asarray(np.clip(blend, 0.0, None))


@dataclass(frozen=True)
class Beam:
    """A beam of tungsten X-rays behind flat filters.

    Attributes
    ----------
    kv
        Peak tube voltage in kV, 22 to 150.
    filters_mm
        Thickness in mm by material (Al, Cu, Sn, Rh, Ag, Be, PMMA, water).
    """

    kv: float
    filters_mm: Mapping[str, float] = field(default_factory=dict)

    @cached_property
    def _kerma_by_energy(self) -> Array:
        low = self.kv <= _MAMMOGRAPHIC_BELOW_KV
        energy, width = _energies(low)
        depth = np.zeros_like(energy)
        for material, thickness_mm in self.filters_mm.items():
            depth = depth + coefficient(material, low) * thickness_mm
        fluence = _unfiltered(self.kv) * np.exp(-depth)
        return np.asarray(fluence * energy * coefficient("air_en_cm2_g", low) * width)

    def kerma_ugy_per_mas(self, distance_mm: float = 1000.0) -> float:
        """Return air kerma per charge in µGy/mAs, free in air, at a distance from the focus."""
        per_kev = float(self._kerma_by_energy.sum())
        return per_kev * _UGY_PER_KEV_G * (1000.0 / distance_mm) ** 2

    def transmission(self, material: str, thickness_mm: float) -> float:
        """Return the share of air kerma that passes more of a material."""
        low = self.kv <= _MAMMOGRAPHIC_BELOW_KV
        through = np.exp(-coefficient(material, low) * thickness_mm)
        return float((self._kerma_by_energy * through).sum() / self._kerma_by_energy.sum())

    def hvl_mm_al(self) -> float:
        """Return the first half-value layer in mm Al."""
        low, high = 0.0, 60.0
        # Transmission falls steadily with thickness: halve the interval 24 times, to 4 nm.
        for _ in range(24):
            middle = (low + high) / 2
            low, high = (middle, high) if self.transmission("Al", middle) > 0.5 else (low, middle)
        return (low + high) / 2
