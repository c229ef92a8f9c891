"""Mean, noise and their uncertainties in a region, allowing for noise that is correlated."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from kerma.core import InputError, Quantity, quantity

Array = npt.NDArray[np.floating[Any]]
Mask = npt.NDArray[np.bool_]

# Tiles across a region. 64 tiles give an uncertainty known to about 9 % (1/sqrt(2 x 63)).
_TILES_ACROSS = 8
_SMALLEST_TILE_PX = 4


@dataclass(frozen=True, slots=True)
class Moments:
    """What a region holds.

    Attributes
    ----------
    mean, u_mean
        Mean of the pixels and its standard uncertainty.
    sd, u_sd
        Standard deviation of the pixels (n - 1) and its standard uncertainty.
    count
        Pixels used.
    """

    mean: float
    u_mean: float
    sd: float
    u_sd: float
    count: int

    @property
    def snr(self) -> float | None:
        """Mean over standard deviation, or ``None`` for a region without noise."""
        return self.mean / self.sd if self.sd else None

    @property
    def u_snr(self) -> float:
        """Return the standard uncertainty of `snr` (JCGM 100:2008, 5.1.6)."""
        if not self.sd:
            return 0.0
        return math.hypot(self.u_mean / self.sd, self.mean * self.u_sd / self.sd**2)

    def values(self, unit: str) -> dict[str, Quantity]:
        """Return mean and noise for the list beside the picture."""
        return {
            "mean": quantity(self.mean, unit, self.u_mean),
            "noise": quantity(self.sd, unit, self.u_sd),
        }


def moments(pixels: Array, mask: Mask | None = None) -> Moments:
    """Return mean and standard deviation of a region with standard uncertainties.

    The region is cut into at most 8 x 8 tiles; the scatter of tile sums gives the uncertainty
    (cluster-robust variance), so noise correlated over less than a tile, as in CT or in a
    scintillator, is counted as it is and not as if every pixel were independent.

    Parameters
    ----------
    pixels
        Shape (rows, columns).
    mask
        Which pixels belong to the region; all of them when absent.

    Raises
    ------
    InputError
        Code ``region-too-small``: fewer than 16 pixels.
    """
    inside = np.ones(pixels.shape, dtype=bool) if mask is None else mask
    count = int(inside.sum())
    if count < 16:
        raise InputError(
            "A measuring region falls outside the image or holds too few pixels.",
            code="region-too-small",
            detail={"pixels": count},
        )
    mean = float(pixels[inside].mean())
    deviation = np.where(inside, pixels - mean, 0.0)
    squares = deviation**2
    variance = float(squares.sum()) / (count - 1)
    counts = _tiles(inside.astype(float))
    tiles = int((counts > 0).sum())
    if tiles < 2 or variance == 0.0:
        sd = math.sqrt(variance)
        return Moments(mean, sd / math.sqrt(count), sd, sd / math.sqrt(2 * count), count)
    small = tiles / (tiles - 1)
    u_mean = math.sqrt(small * float((_tiles(deviation) ** 2).sum())) / count
    excess = _tiles(squares) - variance * counts
    u_variance = math.sqrt(small * float((excess**2).sum())) / count
    sd = math.sqrt(variance)
    return Moments(mean, u_mean, sd, u_variance / (2 * sd), count)


def _tiles(values: Array) -> Array:
    """Sum over tiles; the last tile of each axis takes what is left over."""
    rows, columns = (_starts(n) for n in values.shape)
    return np.add.reduceat(np.add.reduceat(values, rows, axis=0), columns, axis=1)


def _starts(length: int) -> npt.NDArray[np.intp]:
    size = max(_SMALLEST_TILE_PX, length // _TILES_ACROSS)
    return np.arange(max(1, length // size)) * size


def robust_sd(values: Array) -> float:
    """Return the standard deviation a Gaussian with the same median deviation would have."""
    middle = np.median(values)
    return float(1.482602218505602 * np.median(np.abs(values - middle)))


def pixel_noise(pixels: Array) -> float:
    """Return the pixel noise from differences of neighbours, blind to slow trends.

    White noise assumed; correlated noise reads lower. Robust to the few pixels on an edge.
    """
    return robust_sd(np.diff(pixels, axis=1)) / math.sqrt(2.0)
