"""Planar images in closed form: edges, flat fields, dark frames, with known truth.

Edges are integrated over the pixel exactly (no supersampling), so the truth of their MTF is
exp(-2 pi² s² f²) sinc(f p cos t) sinc(f p sin t) for a Gaussian point spread of standard deviation
s, a square pixel aperture of side p and an edge tilted by t (sinc x = sin(pi x)/(pi x)).
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt

from kerma.core import Image, content_hash
from kerma.imaging.tools.untyped import ndimage, special

Array = npt.NDArray[np.floating[Any]]


def as_image(pixels: Array, pixel_mm: float | None, **more: Any) -> Image:
    """Wrap pixels as a raw DX image with the hash of its own pixels."""
    fields: dict[str, Any] = {"modality": "DX", "processing": "raw", **more}
    spacing = None if pixel_mm is None else (pixel_mm, pixel_mm)
    digest = content_hash(np.ascontiguousarray(pixels).tobytes())
    return Image(pixels=pixels, spacing_mm=spacing, sha256=digest, **fields)


def edge_mtf(frequency_per_mm: Array, sigma_mm: float, pixel_mm: float, tilt_deg: float) -> Array:
    """Return the true presampled MTF of `edge` along the normal of the edge."""
    t = math.radians(tilt_deg)
    f = np.asarray(frequency_per_mm, dtype=float)
    return np.asarray(
        np.exp(-2.0 * (math.pi * sigma_mm * f) ** 2)
        * np.sinc(f * pixel_mm * math.cos(t))
        * np.sinc(f * pixel_mm * math.sin(t))
    )


def edge(
    shape: tuple[int, int],
    *,
    pixel_mm: float,
    sigma_mm: float,
    tilt_deg: float,
    low: float = 100.0,
    high: float = 1100.0,
    shift_px: float = 0.0,
) -> Array:
    """Render a straight edge, near vertical, bright on the right, through the image's centre.

    Parameters
    ----------
    shape
        Rows, columns.
    pixel_mm, sigma_mm
        Side of the square pixels; standard deviation of the Gaussian point spread.
    low, high
        Pixel values on the two sides.
    tilt_deg
        Angle of the edge to the columns; positive leans right going down. Not zero.
    shift_px
        Shift of the edge along the rows, in pixels.
    """
    t = math.radians(tilt_deg)
    rows, columns = np.indices(shape, dtype=float)
    x = (columns - (shape[1] - 1) / 2 - shift_px) * pixel_mm
    y = (rows - (shape[0] - 1) / 2) * pixel_mm
    d = x * math.cos(t) - y * math.sin(t)
    a, b = pixel_mm * abs(math.cos(t)), pixel_mm * abs(math.sin(t))

    def twice_integrated(u: Array) -> Array:
        phi = 0.5 * special.erfc(-u / (sigma_mm * math.sqrt(2.0)))
        density = np.exp(-0.5 * (u / sigma_mm) ** 2) / math.sqrt(2.0 * math.pi)
        return np.asarray(0.5 * ((u**2 + sigma_mm**2) * phi + u * sigma_mm * density))

    p, q = (a + b) / 2, (a - b) / 2
    step = (
        twice_integrated(d + p) - twice_integrated(d + q)
        - twice_integrated(d - q) + twice_integrated(d - p)
    ) / (a * b)  # fmt: skip
    return np.asarray(low + (high - low) * np.clip(step, 0.0, 1.0))


def flat_field(
    shape: tuple[int, int],
    *,
    mean: float,
    noise: float,
    seed: int,
    gradient_percent_per_cm: tuple[float, float] = (0.0, 0.0),
    pixel_mm: float = 0.15,
) -> Array:
    """Render a flat field with white Gaussian noise and a planted linear gradient.

    `gradient_percent_per_cm` is (across, down), in % of the mean at the centre per cm.
    """
    rows, columns = np.indices(shape, dtype=float)
    x_cm = (columns - (shape[1] - 1) / 2) * pixel_mm / 10.0
    y_cm = (rows - (shape[0] - 1) / 2) * pixel_mm / 10.0
    across, down = gradient_percent_per_cm
    field = mean * (1.0 + (across * x_cm + down * y_cm) / 100.0)
    if noise == 0.0:
        return np.asarray(field)
    return np.asarray(field + np.random.default_rng(seed).normal(0.0, noise, shape))


def with_disc(pixels: Array, *, x: float, y: float, radius_px: float, change: float) -> Array:
    """Multiply a disc by 1 + `change`, its rim area-weighted by 8 x 8 supersampling."""
    rows, columns = np.indices(pixels.shape, dtype=float)
    offsets = (np.arange(8) + 0.5) / 8 - 0.5
    cover = np.zeros_like(pixels, dtype=float)
    for oy in offsets:
        for ox in offsets:
            cover += (columns + ox - x) ** 2 + (rows + oy - y) ** 2 <= radius_px**2
    return np.asarray(pixels * (1.0 + change * cover / 64.0))


def dark_frames(
    shape: tuple[int, int],
    *,
    offset: float,
    temporal: float,
    fixed: float,
    seed: int,
    count: int = 2,
) -> list[Array]:
    """Render unexposed frames: one fixed pattern, fresh temporal noise in each."""
    rng = np.random.default_rng(seed)
    pattern = offset + rng.normal(0.0, fixed, shape)
    return [np.asarray(pattern + rng.normal(0.0, temporal, shape)) for _ in range(count)]


def unsharp(pixels: Array, *, radius_px: float, gain: float) -> Array:
    """Sharpen as a display processing would: x + gain (x - blurred x)."""
    blurred = ndimage.gaussian_filter(pixels, radius_px, mode="nearest")
    return np.asarray(pixels + gain * (pixels - blurred))


def anatomy(shape: tuple[int, int] = (512, 512), *, seed: int, mean: float = 1000.0) -> Array:
    """Render something with the look of a chest radiograph: no patient, no test object.

    Attenuation in the exponent: lungs, mediastinum, ribs, and 1/f texture of anatomical strength.
    """
    rng = np.random.default_rng(seed)
    rows, columns = (np.indices(shape, dtype=float) / np.array(shape)[:, None, None]) - 0.5
    thickness = 1.5 - 3.0 * columns**2
    for side in (-1, 1):
        reach = np.hypot((columns - side * 0.22) / 0.16, rows / 0.35)
        thickness -= 0.7 / (1.0 + np.exp(12.0 * (reach - 1.0)))
        ribs = np.cos(2 * math.pi * (9 * rows + side * 3 * columns))
        thickness += 0.12 * np.clip(ribs - 0.3, 0.0, None) * (reach < 1.2)
    fy, fx = np.fft.fftfreq(shape[0])[:, None], np.fft.fftfreq(shape[1])[None, :]
    radial = np.hypot(fx, fy)
    radial[0, 0] = 1.0
    texture = np.fft.ifft2(np.fft.fft2(rng.normal(size=shape)) / radial**1.5).real
    signal = mean * np.exp(-thickness - 0.15 * texture / texture.std())
    return np.asarray(signal + rng.normal(0.0, 1.0, shape) * np.sqrt(signal / 10.0))
