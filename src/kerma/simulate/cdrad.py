"""Images of a CDRAD-like phantom with a known answer in every square.

Holes take material away, so they are brighter in air kerma by exp(mu t) - 1; lines take some away.
Each hole is drawn on sub-pixels, blurred there and averaged over the pixel, as in
`kerma.simulate.objects`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from kerma.core import Image
from kerma.imaging.tools.untyped import ndimage, special
from kerma.simulate.planar import as_image

Array = npt.NDArray[np.floating[Any]]

STEPS_MM = (0.3, 0.4, 0.5, 0.6, 0.8, 1.0, 1.3, 1.6, 2.0, 2.5, 3.2, 4.0, 5.0, 6.3, 8.0)
CELLS = 15
SINGLE = 3
_SUB = 8


def key(seed: int = 7) -> list[list[int]]:
    """Return a corner for each square: 0 upper left, 1 upper right, 2 lower right, 3 lower left."""
    drawn = np.random.default_rng(seed).integers(0, 4, (CELLS, CELLS))
    return [[int(v) for v in row] for row in drawn]


@dataclass(frozen=True, slots=True)
class CdradImage:
    """One exposure.

    Attributes
    ----------
    side, pixel_mm
        Rows and columns of the image; pixel in the plane of the phantom.
    pitch_mm
        Side of a square.
    offset
        Distance of a corner hole from the middle, along each side, in squares.
    turn_deg, mirrored, centre_px
        How it lies: mirrored left to right first, then turned clockwise.
    mu_per_mm
        Of the plate in the beam.
    sigma_mm, level, noise
        Point spread, open signal, standard deviation of the white noise.
    slope_percent_per_cm
        Fall of the beam across the columns.
    inverted
        More attenuation gives higher pixel values.
    corners
        Seed of the answers.
    seed
        Of the noise.
    """

    side: tuple[int, int] = (1400, 1400)
    pixel_mm: float = 0.2
    pitch_mm: float = 16.0
    offset: float = 0.25
    turn_deg: float = 0.0
    mirrored: bool = False
    centre_px: tuple[float, float] | None = None
    mu_per_mm: float = 0.012
    sigma_mm: float = 0.12
    level: float = 2000.0
    noise: float = 25.0
    slope_percent_per_cm: float = 0.0
    inverted: bool = False
    corners: int = 7
    seed: int = 1

    @property
    def middle(self) -> tuple[float, float]:
        """Return the pixel (x, y) of the grid's middle."""
        return self.centre_px or ((self.side[1] - 1) / 2, (self.side[0] - 1) / 2)

    def to_pixels(self, x_mm: float, y_mm: float) -> tuple[float, float]:
        """Return the pixel of a place in mm from the grid's middle."""
        t = math.radians(self.turn_deg)
        u = (-x_mm if self.mirrored else x_mm) / self.pixel_mm
        v = y_mm / self.pixel_mm
        return (
            self.middle[0] + u * math.cos(t) - v * math.sin(t),
            self.middle[1] + u * math.sin(t) + v * math.cos(t),
        )

    def holes(self) -> list[tuple[int, int, float, float]]:
        """Return row, column (depth), x and y (mm) of every hole."""
        answers = key(self.corners)
        found = []
        for row in range(CELLS):
            for column in range(CELLS):
                x = (column - CELLS / 2 + 0.5) * self.pitch_mm
                y = (row - CELLS / 2 + 0.5) * self.pitch_mm
                found.append((row, column, x, y))
                if row >= SINGLE:
                    sx, sy = ((-1, -1), (1, -1), (1, 1), (-1, 1))[answers[row][column]]
                    away = self.offset * self.pitch_mm
                    found.append((row, column, x + sx * away, y + sy * away))
        return found

    def contrast(self, column: int) -> float:
        """Return the contrast of a column's holes, as a fraction of the signal beside."""
        return math.exp(self.mu_per_mm * STEPS_MM[column]) - 1.0


def diameter_mm(row: int) -> float:
    """Return the diameter of a row's holes: the first row has the largest."""
    return STEPS_MM[CELLS - 1 - row]


def expected(scan: CdradImage) -> Array:
    """Render the image without noise."""
    through = np.ones(scan.side)
    _lines(through, scan)
    for row, column, x, y in scan.holes():
        _hole(through, scan, scan.to_pixels(x, y), diameter_mm(row) / 2, scan.contrast(column))
    away = (np.arange(scan.side[1]) - scan.middle[0]) * scan.pixel_mm / 10.0
    return np.asarray(scan.level * through * (1.0 - scan.slope_percent_per_cm / 100.0 * away))


def image(scan: CdradImage, clean: Array | None = None, **more: Any) -> Image:
    """Render the image with its noise (`clean` saves rendering the same scan again)."""
    signal = expected(scan) if clean is None else clean
    noise = np.random.default_rng(scan.seed).normal(0.0, scan.noise, scan.side)
    pixels = signal + noise
    if scan.inverted:
        pixels = 1.5 * scan.level - pixels
    return as_image(np.asarray(pixels, dtype=np.float32), scan.pixel_mm, **more)


def _lines(through: Array, scan: CdradImage) -> None:
    rows, columns = np.indices(scan.side, dtype=float)
    t = math.radians(scan.turn_deg)
    dx, dy = (columns - scan.middle[0]) * scan.pixel_mm, (rows - scan.middle[1]) * scan.pixel_mm
    u = (dx * math.cos(t) + dy * math.sin(t)) / scan.pitch_mm + CELLS / 2
    v = (-dx * math.sin(t) + dy * math.cos(t)) / scan.pitch_mm + CELLS / 2
    blur = math.hypot(scan.sigma_mm, 0.3 * scan.pixel_mm) * math.sqrt(2.0)
    half = 0.2
    inside = (u > -0.02) & (u < CELLS + 0.02) & (v > -0.02) & (v < CELLS + 0.02)
    cover = np.zeros(scan.side)
    for w in (u, v):
        away = np.abs(w - np.rint(w)) * scan.pitch_mm
        line = 0.5 * (special.erfc((away - half) / blur) - special.erfc((away + half) / blur))
        cover = np.maximum(cover, line * inside)
    through *= 1.0 - 0.25 * cover


def _hole(
    through: Array, scan: CdradImage, at: tuple[float, float], radius_mm: float, contrast: float
) -> None:
    radius = radius_mm / scan.pixel_mm
    sigma = scan.sigma_mm / scan.pixel_mm
    half = math.ceil(radius + 4.5 * sigma) + 2
    x0, y0 = round(at[0]) - half, round(at[1]) - half
    x1, y1 = x0 + 2 * half + 1, y0 + 2 * half + 1
    if x0 < 0 or y0 < 0 or x1 > scan.side[1] or y1 > scan.side[0]:
        return
    fine = (np.arange((2 * half + 1) * _SUB) + 0.5) / _SUB - 0.5
    disc = np.hypot(x0 + fine - at[0], (y0 + fine - at[1])[:, None]) <= radius
    soft = ndimage.gaussian_filter(disc.astype(np.float32), sigma * _SUB, truncate=4.5)
    share = soft.reshape(2 * half + 1, _SUB, 2 * half + 1, _SUB).mean(axis=(1, 3))
    through[y0:y1, x0:x1] *= 1.0 + contrast * share


def with_seed(scan: CdradImage, seed: int) -> CdradImage:
    """Return the same exposure with other noise."""
    return replace(scan, seed=seed)
