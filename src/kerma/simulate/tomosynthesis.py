"""Reconstructed planes of small spheres in breast tomosynthesis, with known truth.

Each sphere is a Gaussian spot in its plane whose height follows a Gaussian in depth, so that the
artefact spread function is that Gaussian exactly.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from kerma.core import Image
from kerma.imaging.tools.untyped import special
from kerma.simulate import planar

Array = npt.NDArray[np.floating[Any]]
TO_FWHM = 2.0 * math.sqrt(2.0 * math.log(2.0))


def matrix(
    columns: int, rows: int, *, spacing_mm: float = 50.0, turn_deg: float = 0.0,
    height_mm: float = 20.0, tilt_deg: tuple[float, float] = (0.0, 0.0),
    scale: tuple[float, float] = (1.0, 1.0), middle_mm: tuple[float, float] = (0.0, 0.0),
) -> list[tuple[float, float, float]]:  # fmt: skip
    """Return spheres on a rectangular matrix about a middle: (x, y, z) in mm, y down the image.

    `scale` stretches x and y of the image; `tilt_deg` leans the matrix along x and y.
    """
    turn = math.radians(turn_deg)
    found = []
    for j in range(rows):
        for i in range(columns):
            u, v = (i - (columns - 1) / 2) * spacing_mm, (j - (rows - 1) / 2) * spacing_mm
            x = u * math.cos(turn) - v * math.sin(turn)
            y = u * math.sin(turn) + v * math.cos(turn)
            z = height_mm + sum(
                math.tan(math.radians(t)) * d for t, d in zip(tilt_deg, (x, y), strict=True)
            )
            found.append((x * scale[0] + middle_mm[0], y * scale[1] + middle_mm[1], z))
    return found


@dataclass(frozen=True, slots=True)
class DbtScan:
    """Reconstructed planes; every value is the truth.

    Attributes
    ----------
    spheres
        (x, y, z) in mm: x, y from the middle of the image, z from plane 0.
    shape, pixel_mm
        Of each plane.
    planes, pitch_mm
        How many, and how far apart.
    fwhm_z_mm, fwhm_xy_mm
        Of the artefact spread function, and of the spots in focus (x, y).
    mean, height, noise
        Pixel value beside the spheres; what a sphere adds in focus; white noise.
    seed
        Of the noise.
    """

    spheres: Sequence[tuple[float, float, float]] = field(default_factory=lambda: matrix(3, 3))
    shape: tuple[int, int] = (700, 700)
    pixel_mm: float = 0.2
    planes: int = 41
    pitch_mm: float = 1.0
    fwhm_z_mm: float = 8.0
    fwhm_xy_mm: tuple[float, float] = (1.0, 1.2)
    mean: float = 500.0
    height: float = 200.0
    noise: float = 4.0
    seed: int = 1

    def images(self, **more: Any) -> list[Image]:
        """Return the planes from the lowest up."""
        random = np.random.default_rng(self.seed)
        x = (np.arange(self.shape[1]) - (self.shape[1] - 1) / 2) * self.pixel_mm
        y = (np.arange(self.shape[0]) - (self.shape[0] - 1) / 2) * self.pixel_mm
        spots = [
            np.outer(self._spot(y - sy, self.fwhm_xy_mm[1]), self._spot(x - sx, self.fwhm_xy_mm[0]))
            for sx, sy, _ in self.spheres
        ]
        found = []
        for k in range(self.planes):
            z = k * self.pitch_mm
            plane = np.full(self.shape, self.mean)
            for spot, (_, _, sz) in zip(spots, self.spheres, strict=True):
                plane += (
                    self.height * math.exp(-0.5 * ((z - sz) * TO_FWHM / self.fwhm_z_mm) ** 2) * spot
                )
            plane += self.noise * random.standard_normal(self.shape)
            fields: dict[str, Any] = {"modality": "MG", "processing": "presentation", "z_mm": z}
            found.append(
                planar.as_image(plane.astype(np.float32), self.pixel_mm, **{**fields, **more})
            )
        return found

    def _spot(self, away: Array, fwhm_mm: float) -> Array:
        """Return a Gaussian of height 1 averaged over pixels."""
        sigma = fwhm_mm / TO_FWHM
        half = self.pixel_mm / 2
        edges = [special.erf((away + s * half) / (sigma * math.sqrt(2.0))) for s in (1, -1)]
        return np.asarray((edges[0] - edges[1]) * sigma * math.sqrt(math.pi / 2) / self.pixel_mm)
