"""Planar images in closed form: edges, flat fields, dark frames, with known truth.

Edges are integrated over the pixel exactly (no supersampling), so the truth of their MTF is
exp(-2 pi² s² f²) sinc(f p cos t) sinc(f p sin t) for a Gaussian point spread of standard deviation
s, a square pixel aperture of side p and an edge tilted by t (sinc x = sin(pi x)/(pi x)).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
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
    step = _step(x * math.cos(t) - y * math.sin(t), pixel_mm, sigma_mm, tilt_deg)
    return np.asarray(low + (high - low) * np.clip(step, 0.0, 1.0))


def _step(distance_mm: Array, pixel_mm: float, sigma_mm: float, tilt_deg: float) -> Array:
    """Return a unit step, blurred and averaged over a pixel whose sides are tilted to it."""
    t = math.radians(tilt_deg)
    a, b = pixel_mm * abs(math.cos(t)), pixel_mm * abs(math.sin(t))

    def twice_integrated(u: Array) -> Array:
        phi = 0.5 * special.erfc(-u / (sigma_mm * math.sqrt(2.0)))
        density = np.exp(-0.5 * (u / sigma_mm) ** 2) / math.sqrt(2.0 * math.pi)
        return np.asarray(0.5 * ((u**2 + sigma_mm**2) * phi + u * sigma_mm * density))

    p, q, d = (a + b) / 2, (a - b) / 2, distance_mm
    return np.asarray(
        twice_integrated(d + p) - twice_integrated(d + q)
        - twice_integrated(d - q) + twice_integrated(d - p)
    ) / (a * b)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Bars:
    """A bar pattern: groups of equal dark bars side by side, frequency rising to the right.

    Attributes
    ----------
    frequencies_per_mm
        Of the groups; bars and gaps are equally wide.
    bars
        Dark bars in each group.
    length_mm, gap_mm
        Length of the bars; clear field between groups.
    angle_deg
        Angle of the normal of the bars to the rows; not a multiple of 90.
    """

    frequencies_per_mm: tuple[float, ...]
    bars: int = 5
    length_mm: float = 12.0
    gap_mm: float = 3.0
    angle_deg: float = 3.0

    def spans_mm(self) -> list[tuple[float, float]]:
        """Return where along the normal each group begins and ends; zero is the middle."""
        widths = [(self.bars - 0.5) / f for f in self.frequencies_per_mm]
        at = -(sum(widths) + self.gap_mm * (len(widths) - 1)) / 2
        spans = []
        for width in widths:
            spans.append((at, at + width))
            at += width + self.gap_mm
        return spans


def bar_pattern(
    shape: tuple[int, int],
    pattern: Bars,
    *,
    pixel_mm: float,
    sigma_mm: float,
    low: float = 300.0,
    high: float = 1000.0,
) -> Array:
    """Render a bar pattern at the middle of a clear field, integrated over the pixels.

    Exact along the normal of the bars; their ends are blurred alike.
    """
    t = math.radians(pattern.angle_deg)
    rows, columns = np.indices(shape, dtype=float)
    x = (columns - (shape[1] - 1) / 2) * pixel_mm
    y = (rows - (shape[0] - 1) / 2) * pixel_mm
    across, along = x * math.cos(t) + y * math.sin(t), y * math.cos(t) - x * math.sin(t)
    reach = float(np.abs(across).max()) + pixel_mm
    fine = np.arange(-reach, reach, pixel_mm / 64)
    profile = np.zeros_like(fine)
    blur = 8.0 * sigma_mm + 2.0 * pixel_mm  # beyond, a step is 0 or 1 to the last digit
    for frequency, (start, _) in zip(pattern.frequencies_per_mm, pattern.spans_mm(), strict=True):
        for bar in range(pattern.bars):
            left = start + bar / frequency
            for edge_at, sign in ((left, 1.0), (left + 0.5 / frequency, -1.0)):
                near = slice(*np.searchsorted(fine, (edge_at - blur, edge_at + blur)))
                profile[near] += sign * _step(
                    fine[near] - edge_at, pixel_mm, sigma_mm, pattern.angle_deg
                )
                profile[near.stop :] += sign
    half = pattern.length_mm / 2
    ends = _step(along + half, pixel_mm, sigma_mm, pattern.angle_deg)
    ends = ends - _step(along - half, pixel_mm, sigma_mm, pattern.angle_deg)
    return np.asarray(high - (high - low) * np.interp(across, fine, profile) * ends)


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
    y_cm, x_cm = (
        (np.arange(n, dtype=float) - (n - 1) / 2) * pixel_mm / 10.0 for n in shape
    )  # fmt: skip
    across, down = gradient_percent_per_cm
    slope = (across * x_cm)[None, :] + (down * y_cm)[:, None]
    field = mean * (1.0 + slope / 100.0)
    if noise == 0.0:
        return np.asarray(field)
    return np.asarray(field + noise * np.random.default_rng(seed).standard_normal(shape))


def with_disc(pixels: Array, *, x: float, y: float, radius_px: float, change: float) -> Array:
    """Multiply a disc by 1 + `change`, its rim area-weighted by 8 x 8 supersampling."""
    rows, columns = np.indices(pixels.shape, dtype=float)
    offsets = (np.arange(8) + 0.5) / 8 - 0.5
    cover = np.zeros_like(pixels, dtype=float)
    for oy in offsets:
        for ox in offsets:
            cover += (columns + ox - x) ** 2 + (rows + oy - y) ** 2 <= radius_px**2
    return np.asarray(pixels * (1.0 + change * cover / 64.0))


def rectangle_cover(
    shape: tuple[int, int], *, x: float, y: float, width_px: float, height_px: float
) -> Array:
    """Return the share of each pixel covered by an upright rectangle around (x, y); exact."""

    def along(n: int, middle: float, size: float) -> Array:
        edges = np.arange(n + 1) - 0.5
        inside = np.clip(edges, middle - size / 2, middle + size / 2)
        return np.asarray(np.diff(inside))

    return np.outer(along(shape[0], y, height_px), along(shape[1], x, width_px))


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


def fluoroscopy(
    shape: tuple[int, int],
    *,
    count: int,
    mean: float,
    temporal: float,
    fixed: float = 0.0,
    lag: float = 0.0,
    seed: int,
) -> list[Array]:
    """Render frames of a run: one fixed pattern, and noise of which `lag` returns in the next.

    `temporal` is the standard deviation of a pixel over time, lag included.
    """
    rng = np.random.default_rng(seed)
    pattern = mean + rng.normal(0.0, fixed, shape)
    noise = rng.normal(0.0, temporal, shape)
    frames: list[Array] = []
    for _ in range(count):
        frames.append(np.asarray(pattern + noise))
        noise = lag * noise + math.sqrt(1.0 - lag**2) * rng.normal(0.0, temporal, shape)
    return frames


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
