"""Mammograms of blocks of PMMA with a square of aluminium on them, with known truth."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from kerma.core import Image
from kerma.imaging.tools.untyped import special
from kerma.simulate import planar

Array = npt.NDArray[np.floating[Any]]


@dataclass(frozen=True, slots=True)
class PmmaScan:
    """A block of PMMA under a mammography unit; every value is the truth.

    Attributes
    ----------
    shape, pixel_mm
        Rows, columns; square pixels.
    mean, noise
        Pixel value of the block less the offset; standard deviation of white noise beside the
        aluminium. On it the noise falls with the square root of the signal.
    offset
        Pixel value without exposure.
    contrast
        Share of the signal the aluminium takes; zero for none.
    side_mm, middle_mm
        Of the square; its middle from the middle of the image, (x, y).
    blur_mm
        Standard deviation of the blur of its edges.
    heel
        Fall of the signal across the image, as a share.
    covered
        Share of the columns the block covers; beyond it the detector sees the open beam.
    seed
        Of the noise.
    """

    shape: tuple[int, int] = (1200, 1000)
    pixel_mm: float = 0.1
    mean: float = 400.0
    noise: float = 10.0
    offset: float = 50.0
    contrast: float = 0.12
    side_mm: float = 10.0
    middle_mm: tuple[float, float] = (-12.0, 7.0)
    blur_mm: float = 0.1
    heel: float = 0.1
    covered: float = 1.0
    seed: int = 1

    @property
    def corners_px(self) -> tuple[float, float, float, float]:
        """Left, top, right, bottom edge of the aluminium."""
        x = self.middle_mm[0] / self.pixel_mm + (self.shape[1] - 1) / 2
        y = self.middle_mm[1] / self.pixel_mm + (self.shape[0] - 1) / 2
        half = self.side_mm / self.pixel_mm / 2
        return x - half, y - half, x + half, y + half

    def pixels(self) -> Array:
        """Return the pixel values."""
        rows, columns = self.shape
        left, top, right, bottom = self.corners_px
        width = self.blur_mm / self.pixel_mm * math.sqrt(2.0)
        across = _between(np.arange(columns), left, right, width)
        down = _between(np.arange(rows), top, bottom, width)
        fall = 1.0 - self.heel * (np.arange(columns) / (columns - 1) - 0.5)
        signal = self.mean * fall * (1.0 - self.contrast * np.outer(down, across))
        signal[:, round(self.covered * columns) :] *= 6.0
        random = np.random.default_rng(self.seed).standard_normal(self.shape)
        sd = self.noise * np.sqrt(np.maximum(signal, 0.0) / self.mean)
        return np.asarray(self.offset + signal + sd * random)

    def image(self, **facts: Any) -> Image:
        """Return the raw mammogram, with header values."""
        return planar.as_image(
            np.rint(self.pixels()), self.pixel_mm, modality="MG", facts={"KVP": 28.0, **facts}
        )

    @property
    def sdnr_background_noise(self) -> float:
        """SDNR with the noise beside the aluminium, at the middle of the image's heel effect."""
        return self.mean * self.contrast * math.sqrt(self._fall) / self.noise

    @property
    def sdnr_rms_noise(self) -> float:
        """SDNR with the root mean square of the noise on and beside the aluminium."""
        return self.sdnr_background_noise / math.sqrt(1.0 - self.contrast / 2.0)

    @property
    def _fall(self) -> float:
        left, _, right, _ = self.corners_px
        return 1.0 - self.heel * ((left + right) / 2 / (self.shape[1] - 1) - 0.5)


def _between(at: npt.NDArray[Any], low: float, high: float, width: float) -> Array:
    return np.asarray(0.5 * (special.erf((at - low) / width) - special.erf((at - high) / width)))
