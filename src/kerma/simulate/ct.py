"""CT slices in closed form: water phantoms, wires and things that are neither, with known truth.

Borders are exact area fractions up to 8 x 8 supersampling; wires are Gaussian point spreads sampled
at the pixel centres, whose truth is MTF = exp(-2 pi² s² f²).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from kerma.core import Image, content_hash
from kerma.imaging.tools.untyped import ndimage

Array = npt.NDArray[np.floating[Any]]

AIR_HU = -1000.0
PMMA_HU = 120.0
_SUB = 8


def as_image(pixels: Array, pixel_mm: float | None, **more: Any) -> Image:
    """Wrap pixels as an axial CT slice with the hash of its own pixels."""
    facts: dict[str, Any] = {"ImageType": ["ORIGINAL", "PRIMARY", "AXIAL"]}
    facts.update(more.pop("facts", {}))
    spacing = None if pixel_mm is None else (pixel_mm, pixel_mm)
    digest = content_hash(np.ascontiguousarray(pixels).tobytes())
    fields: dict[str, Any] = {"modality": "CT", **more}
    return Image(pixels=pixels, spacing_mm=spacing, sha256=digest, facts=facts, **fields)


def cover(
    shape: tuple[int, int], x: float, y: float, semi_x: float, semi_y: float | None = None
) -> Array:
    """Return the share of each pixel covered by an ellipse (pixels; a disc without `semi_y`)."""
    semi_y = semi_x if semi_y is None else semi_y
    rows, columns = np.indices(shape, dtype=float)
    reach = np.hypot((columns - x) / semi_x, (rows - y) / semi_y)
    near = np.abs(reach - 1.0) * min(semi_x, semi_y) < 2.0
    result = (reach <= 1.0).astype(float)
    offsets = (np.arange(_SUB) + 0.5) / _SUB - 0.5
    dy, dx = (o.ravel() for o in np.meshgrid(offsets, offsets, indexing="ij"))
    px, py = columns[near][:, None] + dx - x, rows[near][:, None] + dy - y
    result[near] = ((px / semi_x) ** 2 + (py / semi_y) ** 2 <= 1.0).mean(axis=1)
    return result


def water_phantom(
    shape: tuple[int, int] = (512, 512),
    *,
    pixel_mm: float = 0.5,
    diameter_mm: float = 200.0,
    wall_mm: float = 6.0,
    water_hu: float = 0.0,
    cupping_hu: float = 0.0,
    centre_px: tuple[float, float] | None = None,
    blur_mm: float = 0.5,
) -> Array:
    """Render a water phantom in a PMMA wall, without noise.

    Parameters
    ----------
    shape
        Rows, columns.
    pixel_mm, diameter_mm, wall_mm
        Geometry; the diameter is that of the outside.
    water_hu
        CT number of the water at the centre.
    cupping_hu
        Rise from the centre to the wall, quadratic in the radius.
    centre_px
        (x, y); the middle of the image when absent.
    blur_mm
        Standard deviation of the Gaussian point spread.
    """
    x, y = centre_px or ((shape[1] - 1) / 2, (shape[0] - 1) / 2)
    outer = diameter_mm / 2 / pixel_mm
    inner = outer - wall_mm / pixel_mm
    rows, columns = np.indices(shape, dtype=float)
    water = water_hu + cupping_hu * ((columns - x) ** 2 + (rows - y) ** 2) / inner**2
    whole, filled = cover(shape, x, y, outer), cover(shape, x, y, inner)
    sharp = AIR_HU * (1 - whole) + PMMA_HU * (whole - filled) + water * filled
    return np.asarray(ndimage.gaussian_filter(sharp, blur_mm / pixel_mm, mode="nearest"))


def with_insert(pixels: Array, *, x: float, y: float, radius_px: float, change_hu: float) -> Array:
    """Add a disc of another CT number."""
    shape = (pixels.shape[0], pixels.shape[1])
    return np.asarray(pixels + change_hu * cover(shape, x, y, radius_px))


def noise(shape: tuple[int, int], *, sd_hu: float, seed: int, correlation_px: float = 0.0) -> Array:
    """Return Gaussian noise of a given standard deviation, white or smoothed as CT noise is.

    Smoothing with a Gaussian of `correlation_px` is scaled back by 2 sqrt(pi) s, exact for s of a
    pixel or more.
    """
    white = np.random.default_rng(seed).standard_normal(shape)
    if correlation_px == 0.0:
        return np.asarray(sd_hu * white)
    smooth = ndimage.gaussian_filter(white, correlation_px, mode="wrap")
    return np.asarray(sd_hu * 2.0 * math.sqrt(math.pi) * correlation_px * smooth)


def wires(
    shape: tuple[int, int],
    places: Sequence[tuple[float, float]],
    *,
    pixel_mm: float,
    sigma_mm: float,
    peak_hu: float,
    background_hu: float = 0.0,
) -> Array:
    """Render wires at (x, y) pixels as Gaussians sampled at the pixel centres."""
    rows, columns = np.indices(shape, dtype=float)
    result = np.full(shape, float(background_hu))
    for x, y in places:
        squared = ((columns - x) ** 2 + (rows - y) ** 2) * pixel_mm**2
        result += peak_hu * np.exp(-squared / (2 * sigma_mm**2))
    return result


def anatomy(shape: tuple[int, int] = (512, 512), *, seed: int, pixel_mm: float = 0.7) -> Array:
    """Render something with the look of a slice through a trunk: no patient, no phantom.

    An ellipse of soft tissue with lungs, bone and 1/f texture of anatomical strength.
    """
    rng = np.random.default_rng(seed)
    cx, cy = (shape[1] - 1) / 2, (shape[0] - 1) / 2
    scale = 1.0 / pixel_mm
    body = cover(shape, cx, cy, 160 * scale, 110 * scale)
    result = AIR_HU + (1040.0 - 0.0) * body
    for side in (-1, 1):
        lung = cover(shape, cx + side * 75 * scale, cy - 10 * scale, 50 * scale, 70 * scale)
        result -= 850.0 * lung
    result += 600.0 * cover(shape, cx, cy + 70 * scale, 22 * scale)
    fy, fx = np.fft.fftfreq(shape[0])[:, None], np.fft.fftfreq(shape[1])[None, :]
    radial = np.hypot(fx, fy)
    radial[0, 0] = 1.0
    texture = np.fft.ifft2(np.fft.fft2(rng.normal(size=shape)) / radial**1.5).real
    return np.asarray(result + 60.0 * body * texture / texture.std())
