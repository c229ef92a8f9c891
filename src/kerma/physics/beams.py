"""X-ray beams: spectrum, half-value layers, quanta per air kerma, filtration from a measured HVL.

Spectra are SpekPy's (`kerma.physics._tube`). Shapes of spectra are good to about 2 % in HVL; the
absolute output differs by 15 % to 30 % between physics models, so it is always to be scaled to a
measured one.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from kerma.core import InputError
from kerma.physics import _tube
from kerma.physics._tube import MATERIALS, MODELS

Array = npt.NDArray[np.floating[Any]]
Weighting = Literal["counted", "energy"]

# 1 keV/g = 1.602176634e-13 J/kg (CODATA 2018); in µGy, for a fluence per mm² and cm²/g.
_UGY = 1.602176634e-13 * 1e6 * 100.0
_KV: Mapping[str, tuple[float, float]] = {
    "W": (15.0, 200.0),
    "Mo": (15.0, 50.0),
    "Rh": (15.0, 50.0),
}
# Filters whose thickness follows from a half-value layer: no absorption edge inside the spectrum,
# so that more of them always hardens the beam.
SOLVED_FOR = ("Al", "Cu", "PMMA")
_MOST_ADDED_MM: Mapping[str, float] = {"Al": 100.0, "Cu": 10.0, "PMMA": 500.0}
_ROUNDS, _ROUNDING = 80, 1e-12


@dataclass(frozen=True, slots=True)
class Spectrum:
    """Photon fluence over energy.

    Attributes
    ----------
    energy_kev
        Middles of steps of equal width, shape (steps,).
    fluence
        Photons per mm², keV and mAs at 1 m.
    """

    energy_kev: Array
    fluence: Array

    @property
    def step_kev(self) -> float:
        """Width of a step."""
        return _tube.STEP_KEV


@dataclass(frozen=True, slots=True)
class Beam:
    """An X-ray beam on its central ray, 1 m from the focus, in vacuo.

    Attributes
    ----------
    kv
        Tube voltage (constant potential).
    anode
        ``W``, ``Mo`` or ``Rh``.
    angle_deg
        Anode angle.
    filters
        (material, mm) in any order; see `MATERIALS`. Inherent filtration is a filter like others.
    model
        Physics model of SpekPy, see `MODELS`; ``casim`` reproduces SNR²in of IEC 62220-1-1:2015.

    Raises
    ------
    InputError
        Code ``bad-beam``; ``unknown-material``.
    """

    kv: float
    anode: str = "W"
    angle_deg: float = 12.0
    filters: tuple[tuple[str, float], ...] = ()
    model: str = "casim"

    def __post_init__(self) -> None:
        _require(self.anode in _KV, f"The anode is one of {', '.join(_KV)}.")
        low, high = _KV[self.anode]
        _require(
            low <= self.kv <= high,
            f"The tube voltage of a {self.anode} anode lies between {low:g} and {high:g} kV.",
        )
        _require(4 <= self.angle_deg <= 45, "The anode angle lies between 4 and 45 degrees.")
        _require(self.model in MODELS, f"The model is one of {', '.join(MODELS)}.")
        _require(
            self.anode == "W" or MODELS[self.model] == "pene",
            f"The model {self.model} knows tungsten anodes only.",
        )
        for material, mm in self.filters:
            if material not in MATERIALS:
                raise InputError(
                    f"There is no filter material “{material}”. Kerma knows "
                    f"{', '.join(MATERIALS)}.",
                    code="unknown-material",
                    detail={"material": material},
                )
            _require(math.isfinite(mm) and mm >= 0, "A filter is 0 mm thick or more.")

    def filtered(self, material: str, mm: float) -> Beam:
        """Return the beam behind one more filter."""
        return replace(self, filters=(*self.filters, (material, mm)))

    def as_dict(self) -> dict[str, Any]:
        """Return plain data, with the version of SpekPy, for a result's provenance."""
        return {
            "kv": self.kv,
            "anode": self.anode,
            "angle_deg": self.angle_deg,
            "filters": [[material, mm] for material, mm in self.filters],
            "model": self.model,
            "spekpy": _tube.spekpy_version(),
        }

    def spectrum(self) -> Spectrum:
        """Return the photon fluence over energy at 1 m."""
        bare = self._bare()
        depth = np.zeros_like(bare["energy"])
        for material, mm in self.filters:
            depth = depth + mm * self._mu(material)
        return Spectrum(bare["energy"], bare["fluence"] * np.exp(-depth))

    def air_kerma(self) -> float:
        """Return the air kerma at 1 m in µGy/mAs: good to 15 % to 30 % only."""
        return float(self._kerma().sum())

    def mean_energy(self) -> float:
        """Return the mean photon energy in keV."""
        found = self.spectrum()
        return float((found.fluence * found.energy_kev).sum() / found.fluence.sum())

    def hvl(self, material: str = "Al", n: int = 1) -> float:
        """Return the n-th half-value layer of air kerma in mm, in narrow-beam geometry.

        The second is what must be added to the first to halve the air kerma again.

        Raises
        ------
        InputError
            Codes ``unknown-material``, ``bad-beam``.
        """
        _require(n >= 1, "Half-value layers are counted from 1.")
        kerma, mu = self._kerma(), self._mu(material)
        total = float(kerma.sum())

        def share(mm: float) -> float:
            return float((kerma * np.exp(-mm * mu)).sum()) / total

        def depth(level: float) -> float:
            high = math.log(2.0) / float((kerma * mu).sum() / total)
            while share(high) > level:
                high *= 2.0
            return _bisected(lambda mm: share(mm) - level, 0.0, high)

        return depth(0.5**n) - (depth(0.5 ** (n - 1)) if n > 1 else 0.0)

    def homogeneity(self, material: str = "Al") -> float:
        """Return the homogeneity coefficient: first over second half-value layer."""
        return self.hvl(material, 1) / self.hvl(material, 2)

    def effective_energy(self, material: str = "Al") -> float:
        """Return the photon energy (keV) whose half-value layer in `material` is the beam's."""
        wanted = math.log(2.0) / self.hvl(material, 1)
        energy, mu = self._bare()["energy"], self._mu(material)
        # From the top down: below an absorption edge the same coefficient is met again.
        above = np.flatnonzero((mu[:-1] >= wanted) & (mu[1:] < wanted))
        i = int(above[-1])
        share = math.log(mu[i] / wanted) / math.log(mu[i] / mu[i + 1])
        return float(energy[i] * (energy[i + 1] / energy[i]) ** share)

    def fluence_per_kerma(self) -> float:
        """Return photons per mm² and µGy of air kerma."""
        return float(self.spectrum().fluence.sum()) * _tube.STEP_KEV / self.air_kerma()

    def snr2_in(self, weighting: Weighting = "counted") -> float:
        """Return the squared SNR of an ideal detector per air kerma, SNR²in, in 1/(mm² µGy).

        ``counted``: each photon is one count, so the photons per air kerma (IEC 62220-1-1:2015).
        ``energy``: the detector adds up energy, (sum of F E)² / (sum of F E²) per air kerma.
        """
        if weighting == "counted":
            return self.fluence_per_kerma()
        found = self.spectrum()
        first = float((found.fluence * found.energy_kev).sum())
        second = float((found.fluence * found.energy_kev**2).sum())
        return first**2 / second * _tube.STEP_KEV / self.air_kerma()

    def added_filtration(self, hvl_mm: float, material: str = "Al", of: str = "Al") -> float:
        """Return how many mm of `material` behind this beam give a measured half-value layer.

        Parameters
        ----------
        hvl_mm
            Measured first half-value layer in mm of `of`.
        material
            One of `SOLVED_FOR`.
        of
            Material the half-value layer was measured in.

        Raises
        ------
        InputError
            Codes ``hvl-too-low`` (this beam is harder already), ``hvl-too-high``, ``bad-beam``.
        """
        _require(material in SOLVED_FOR, f"Filtration is found for {', '.join(SOLVED_FOR)}.")
        _require(math.isfinite(hvl_mm) and hvl_mm > 0, "The half-value layer is above 0 mm.")
        kerma, mu = self._kerma(), self._mu(material)
        behind = kerma * np.exp(-hvl_mm * self._mu(of))

        def excess(mm: float) -> float:
            """Return how far the air kerma behind `hvl_mm` is above half; rises with filtration."""
            passed = np.exp(-mm * (mu - mu[-1]))  # a common factor, so that nothing underflows
            return float((behind * passed).sum() / (kerma * passed).sum()) - 0.5

        most = _MOST_ADDED_MM[material]
        if abs(excess(0.0)) < _ROUNDING:
            return 0.0
        if excess(0.0) > 0:
            raise InputError(
                f"This beam has a half-value layer of {self.hvl(of):.3g} mm {of} already, above "
                f"the {hvl_mm:g} mm measured. Check the tube voltage, the anode and the filters.",
                code="hvl-too-low",
            )
        if excess(most) < 0:
            raise InputError(
                f"A half-value layer of {hvl_mm:g} mm {of} is not reached at {self.kv:g} kV, not "
                f"even with {most:g} mm of {material}. Check the tube voltage and the figure.",
                code="hvl-too-high",
            )
        return _bisected(excess, 0.0, most)

    def total_filtration(self, hvl_mm: float, material: str = "Al", of: str = "Al") -> float:
        """Return the filtration in mm of `material` alone that gives a measured half-value layer.

        The filters of this beam are left out of account. Raises as `added_filtration`.
        """
        return replace(self, filters=()).added_filtration(hvl_mm, material, of)

    def _bare(self) -> Mapping[str, Array]:
        return _tube.bare(float(self.kv), self.anode, float(self.angle_deg), self.model)

    def _mu(self, material: str) -> Array:
        energy = self._bare()["energy"]
        return _tube.attenuation(material, MODELS[self.model], float(energy[0]), len(energy))

    def _kerma(self) -> Array:
        found = self.spectrum()
        return np.asarray(
            found.fluence * found.energy_kev * self._bare()["mu_en_air"] * _UGY * _tube.STEP_KEV
        )


def _bisected(rising_or_falling: Callable[[float], float], low: float, high: float) -> float:
    """Return where a monotonic function is zero, to the last digits."""
    at_low = rising_or_falling(low)
    for _ in range(_ROUNDS):
        middle = 0.5 * (low + high)
        if middle in (low, high):
            break
        if (rising_or_falling(middle) > 0) == (at_low > 0):
            low = middle
        else:
            high = middle
    return 0.5 * (low + high)


def _require(condition: bool, message: str) -> None:
    if not condition:
        raise InputError(message, code="bad-beam")
