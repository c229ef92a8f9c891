"""Planar detectors of the simulated systems: signal, noise and sharpness on a day."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from kerma.core import InputError
from kerma.simulate.department import load
from kerma.simulate.dicom_files import Array, Frame
from kerma.simulate.models import System
from kerma.simulate.truth import State


@dataclass(frozen=True, slots=True)
class Detector:
    """A planar detector in its state on a day.

    PV = offset + gain K, with K the air kerma at the detector in µGy. Variance of a pixel:
    (gain K)² / (quanta K area) + electronic² (+ 1/12 from rounding).
    """

    modality: str
    plan: Mapping[str, Any]
    quanta_per_mm2_ugy: float
    sigma_mm: float

    @classmethod
    def of(cls, system: System, state: State) -> Detector:
        """Return the detector of a system.

        Raises
        ------
        InputError
            Code ``no-planar-detector``.
        """
        plans = load("detectors")["planar"]
        if system.modality not in plans:
            raise InputError(
                f"{system.name} makes no planar images the simulation knows.",
                code="no-planar-detector",
            )
        plan = plans[system.modality]
        return cls(
            modality=system.modality,
            plan=plan,
            # Noise grows as the square root of what is lost in quanta.
            quanta_per_mm2_ugy=plan["quanta_per_mm2_ugy"] / state["noise_scale"] ** 2,
            sigma_mm=plan["sigma_mm"] * state["sharpness_scale"],
        )

    @property
    def pixel_mm(self) -> float:
        """Side of a pixel."""
        return float(self.plan["pixel_mm"])

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns."""
        return (int(self.plan["side_px"]), int(self.plan["side_px"]))

    def mean_pv(self, kerma_ugy: float) -> float:
        """Return the mean pixel value at an air kerma."""
        return float(self.plan["offset"] + self.plan["gain"] * kerma_ugy)

    def noise_pv(self, kerma_ugy: float) -> float:
        """Return the standard deviation of a pixel at an air kerma, rounding included."""
        quanta = self.quanta_per_mm2_ugy * kerma_ugy * self.pixel_mm**2
        quantum = (self.plan["gain"] * kerma_ugy) ** 2 / quanta if quanta else 0.0
        return float(np.sqrt(quantum + self.plan["electronic_pv"] ** 2 + 1 / 12))

    def expose(self, kerma_ugy: Array, rng: np.random.Generator) -> Array:
        """Return pixel values for a map of air kerma."""
        per_ugy = self.quanta_per_mm2_ugy * self.pixel_mm**2
        absorbed = rng.poisson(np.clip(kerma_ugy, 0, None) * per_ugy) / per_ugy
        read_out = rng.normal(0.0, self.plan["electronic_pv"], kerma_ugy.shape)
        return np.asarray(self.plan["offset"] + self.plan["gain"] * absorbed + read_out)

    def frame(self, pixels: Array, *, state: str = "raw", **more: Any) -> Frame:
        """Wrap pixels with the header values of an exposure."""
        mas = float(self.plan["mas"])
        facts = {
            "KVP": self.plan["kv"],
            "Exposure": round(mas),
            "ExposureInuAs": round(mas * 1000),
            "ExposureTime": round(mas * 10),
            "DistanceSourceToDetector": self.plan["sid_mm"],
            "BodyPartExamined": "BREAST" if self.modality == "MG" else "PHANTOM",
            **more,
        }
        bits = int(self.plan["bits"])
        return Frame(pixels, self.modality, self.pixel_mm, state, bits, more=facts)
