"""Find a thin wire in a CT slice and take its point spread function to the frequency domain."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt

from kerma.core import AnalysisError
from kerma.imaging.tools.statistics import robust_sd
from kerma.imaging.tools.untyped import ndimage, special

Array = npt.NDArray[np.floating[Any]]
Complex = npt.NDArray[np.complexfloating[Any, Any]]

_STAGE = "find wire"
_OPENING_MM = 4.0  # what is wider is background
_WIDEST_MM = 2.5  # image of a wire at half height; smooth kernels reach 1.6 mm. Design choice
_LEAST_SNR = 20.0
_LEAST_AT_PLACE = 8.0  # where the place is known, less is enough
_RIVAL = 0.3  # a second wire of at least this height makes the image ambiguous
_DIRECTIONS = 32


@dataclass(frozen=True, slots=True)
class Wire:
    """A wire's image: centroid and peak in pixels and HU above its surroundings."""

    x: float
    y: float
    peak_hu: float
    fwhm_px: float


def find(pixels: Array, pixel_mm: float, saturated_at: float | None) -> Wire:
    """Find the one bright, compact spot of a slice.

    What is wider than 4 mm is taken away by a morphological opening, so the border of a phantom
    is no spot; a spot counts when its half-height outline is compact and about round.

    Raises
    ------
    AnalysisError
        Codes ``no-wire``, ``two-wires``, ``wire-saturated``.
    """
    size = 2 * max(2, round(_OPENING_MM / pixel_mm)) + 1
    smooth = ndimage.gaussian_filter(pixels.astype(float), 1.0, mode="nearest")
    hat = smooth - ndimage.grey_opening(smooth, size=(size, size), mode="nearest")
    limit = _LEAST_SNR * robust_sd(smooth - ndimage.uniform_filter(smooth, size, mode="nearest"))
    spots = _spots(hat, limit, _WIDEST_MM / pixel_mm)
    if not spots:
        raise AnalysisError(
            "No wire was found: there is no single bright spot of at most 2.5 mm that stands "
            f"{_LEAST_SNR:g} times out of the noise. Give slices through the wire.",
            stage=_STAGE,
            code="no-wire",
        )
    height, y, x = spots[0]
    rivals = [s for s in spots[1:] if s[0] > _RIVAL * height]
    if rivals:
        raise AnalysisError(
            f"There are {len(rivals) + 1} bright spots in this slice; one wire is needed. Another "
            "phantom, or reconstruct a smaller field of view around the wire.",
            stage=_STAGE,
            code="two-wires",
            detail={"spots": [[float(s[2]), float(s[1])] for s in (spots[0], *rivals)]},
        )
    return _measured(pixels, (y, x), size // 2, saturated_at)


def near(
    pixels: Array, pixel_mm: float, place: tuple[float, float], saturated_at: float | None
) -> Wire:
    """Return the brightest spot within 2 mm of a place, (x, y) in pixels.

    For a phantom with several: only this place is looked at.

    Raises
    ------
    AnalysisError
        Codes ``no-wire``, ``wire-saturated``, ``wire-near-border``.
    """
    reach = max(2, round(_OPENING_MM / pixel_mm))
    x, y = round(place[0]), round(place[1])
    high, wide = pixels.shape
    if min(x, y, wide - 1 - x, high - 1 - y) < 2 * reach:
        raise AnalysisError(
            f"The place ({place[0]:g}, {place[1]:g}) lies outside the image or too near its "
            "border. Give column and row of the bead or wire.",
            stage=_STAGE,
            code="wire-near-border",
        )
    half = max(1, reach // 2)
    part = pixels[y - half : y + half + 1, x - half : x + half + 1].astype(float)
    row, column = np.unravel_index(int(np.argmax(part)), part.shape)
    at = int(row) + y - half, int(column) + x - half
    around = pixels[at[0] - reach : at[0] + reach + 1, at[1] - reach : at[1] + reach + 1]
    level, noise = float(np.median(around)), robust_sd(around.astype(float))
    if float(pixels[at]) - level < _LEAST_AT_PLACE * noise:
        raise AnalysisError(
            f"No bright spot stands out of the noise near column {x}, row {y}.",
            stage=_STAGE,
            code="no-wire",
        )
    return _measured(pixels, at, reach, saturated_at)


def _spots(hat: Array, limit: float, widest_px: float) -> list[tuple[float, int, int]]:
    """Return (height, row, column) of compact spots, highest first."""
    found: list[tuple[float, int, int]] = []
    remaining = hat.copy()
    for _ in range(12):
        row, column = (int(i) for i in np.unravel_index(int(np.argmax(remaining)), hat.shape))
        height = float(remaining[row, column])
        if height <= max(limit, 0.0) or (found and height < _RIVAL * found[0][0]):
            break
        reach = int(2 * widest_px) + 2
        y0, x0 = max(0, row - reach), max(0, column - reach)
        part = hat[y0 : row + reach + 1, x0 : column + reach + 1]
        labels, _ = ndimage.label(part > 0.5 * height)
        label = labels[row - y0, column - x0]
        box = ndimage.find_objects((labels == label).astype(int))[0]
        high, wide = (s.stop - s.start for s in box)
        border = min(row, column, hat.shape[0] - 1 - row, hat.shape[1] - 1 - column)
        round_enough = max(high, wide) <= 2.0 * min(high, wide) + 1
        if max(high, wide) <= widest_px and round_enough and border > widest_px:
            found.append((height, row, column))
        radius = int(widest_px)
        remaining[
            max(0, row - radius) : row + radius + 1, max(0, column - radius) : column + radius + 1
        ] = -math.inf
    return found


def _measured(pixels: Array, at: tuple[int, int], reach: int, saturated_at: float | None) -> Wire:
    row, column = at
    part = pixels[row - reach : row + reach + 1, column - reach : column + reach + 1].astype(float)
    ring = np.concatenate((part[0], part[-1], part[:, 0], part[:, -1]))
    above = part - float(np.median(ring))
    top = float(part.max())
    plateau = int((part == top).sum())
    if (saturated_at is not None and top >= saturated_at) or plateau >= 3:
        raise AnalysisError(
            f"The image of the wire or bead is cut off at {top:.0f} HU, so its shape is lost. Use "
            "the extended CT scale, or a thinner wire or smaller bead.",
            stage=_STAGE,
            code="wire-saturated",
        )
    core = np.where(above > 0.25 * above.max(), above, 0.0)
    rows, columns = np.indices(part.shape)
    x = float((core * columns).sum() / core.sum()) + column - reach
    y = float((core * rows).sum() / core.sum()) + row - reach
    return Wire(x, y, float(above.max()), fwhm_px(above, (y - row + reach, x - column + reach)))


def fwhm_px(above: Array, centre: tuple[float, float]) -> float:
    """Return the diameter of the disc with the area of the half-height outline, in pixels.

    The spot is interpolated by cubic splines on a grid of a tenth of a pixel.
    """
    reach = min(
        centre[0], centre[1], above.shape[0] - 1 - centre[0], above.shape[1] - 1 - centre[1]
    )
    offsets = np.arange(-reach, reach + 1e-9, 0.1)
    fine = ndimage.map_coordinates(
        above, np.meshgrid(centre[0] + offsets, centre[1] + offsets, indexing="ij"), order=3
    )
    labels, _ = ndimage.label(fine >= 0.5 * fine.max())
    peak = np.unravel_index(int(np.argmax(fine)), fine.shape)
    area = float((labels == labels[peak]).sum()) * 0.01
    return 2.0 * math.sqrt(area / math.pi)


def without_plane(patch: Array, keep_out_px: float) -> Array:
    """Return the patch less the plane fitted outside `keep_out_px` of its centre."""
    n = patch.shape[0]
    rows, columns = np.indices(patch.shape) - (n - 1) / 2
    outside = np.hypot(rows, columns) > keep_out_px
    terms = np.stack((np.ones_like(rows), rows, columns))
    plane = np.linalg.lstsq(terms[:, outside].T, patch[outside], rcond=None)[0]
    return np.asarray(patch - np.tensordot(plane, terms, axes=1))


@lru_cache(maxsize=2)
def _waves(side: int, frequency_per_px: tuple[float, ...]) -> tuple[Array, Array, Array]:
    """Return the waves along and across a patch: the same for each of a series of patches."""
    directions = np.arange(_DIRECTIONS) * (math.pi / _DIRECTIONS)
    at = np.arange(side) - (side - 1) / 2
    u = np.outer(frequency_per_px, np.cos(directions)).ravel()
    v = np.outer(frequency_per_px, np.sin(directions)).ravel()
    across, down = -2 * math.pi * np.outer(u, at), -2 * math.pi * np.outer(v, at)
    return np.concatenate((np.cos(across), np.sin(across))), np.cos(down), np.sin(down)


class PolarTransform:
    """The Fourier transform of square patches of one size, evaluated on circles.

    Evaluated at each point by the sum itself, so that no interpolation or binning of a discrete
    transform enters. 32 directions over half a turn; the other half is its conjugate.
    """

    def __init__(self, side: int, frequency_per_px: Array) -> None:
        self.side = side
        self.directions = np.arange(_DIRECTIONS) * (math.pi / _DIRECTIONS)
        self.frequency_per_px = frequency_per_px
        self._across, *self._down = _waves(side, tuple(frequency_per_px.tolist()))

    def of(self, patch: Array) -> Complex:
        """Return the transform about the patch's middle, shape (frequencies, directions)."""
        # The patch is real, so two real products do the work of a complex one.
        real, imaginary = np.split(self._across @ patch.T, 2)
        cosine, sine = self._down
        found = np.empty(len(real), dtype=complex)
        found.real = np.einsum("kn,kn->k", cosine, real) - np.einsum("kn,kn->k", sine, imaginary)
        found.imag = np.einsum("kn,kn->k", cosine, imaginary) + np.einsum("kn,kn->k", sine, real)
        return np.asarray(found.reshape(len(self.frequency_per_px), _DIRECTIONS))

    def shift(self, dx_px: float, dy_px: float) -> Complex:
        """Return the factors that move an image by (-dx, -dy)."""
        along = dx_px * np.cos(self.directions) + dy_px * np.sin(self.directions)
        return np.asarray(np.exp(2j * math.pi * np.outer(self.frequency_per_px, along)))


def wire_transform(frequency_per_mm: Array, diameter_mm: float) -> Array:
    """Return the transform of a round wire's cross-section, 2 J1(pi d f)/(pi d f)."""
    x = math.pi * diameter_mm * np.asarray(frequency_per_mm, dtype=float)
    safe = np.where(x == 0.0, 1.0, x)
    return np.asarray(np.where(x == 0.0, 1.0, 2.0 * special.j1(safe) / safe))


def sphere_transform(frequency_per_mm: Array, diameter_mm: float) -> Array:
    """Return the transform of a sphere seen in projection, 3 (sin x - x cos x)/x³, x = pi d f.

    For a sphere that attenuates weakly. One of tungsten carbide nears an opaque disc, whose
    transform 2 J1(x)/x is lower (0.903 against 0.925 at 1 mm⁻¹ for 0.28 mm).
    """
    x = math.pi * diameter_mm * np.asarray(frequency_per_mm, dtype=float)
    small = x < 1e-2
    safe = np.where(small, 1.0, x)
    exact = 3.0 * (np.sin(safe) - safe * np.cos(safe)) / safe**3
    return np.asarray(np.where(small, 1.0 - x**2 / 10.0, exact))
