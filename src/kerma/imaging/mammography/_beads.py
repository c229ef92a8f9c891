"""Small spheres in the planes of a tomosynthesis stack: find them, and follow them in depth."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from kerma.core import AnalysisError, Image, InputError
from kerma.imaging import identity
from kerma.imaging.tools.flat_fields import require_distinct
from kerma.imaging.tools.statistics import robust_sd
from kerma.imaging.tools.untyped import ndimage, optimize

Array = npt.NDArray[np.floating[Any]]

STAGE = "find spheres"
MODALITIES = ("MG",)
TO_FWHM = 2.0 * math.sqrt(2.0 * math.log(2.0))
_FEWEST_PLANES = 5
_REDUCED_MM = 0.35
# A sphere stands out by so many times the usual scatter, and lies so far from the next one.
_CLEAR = 12.0
_APART_MM = 8.0
_FROM_EDGE_MM = 6.0
# In focus somewhere: at the worst plane it keeps less than this share of its best. Design choice.
_FADES = 0.6
_WEAKEST = 0.25
_MOST = 400


@dataclass(frozen=True, slots=True, eq=False)
class Stack:
    """Planes of one reconstruction from the lowest up, with their heights."""

    images: Sequence[Image]
    z_mm: Array
    pixel_mm: tuple[float, float]
    pitch_mm: float
    pitch_from: str


@dataclass(frozen=True, slots=True, eq=False)
class Bead:
    """One sphere.

    Attributes
    ----------
    x, y
        Middle in its best plane, in pixels.
    plane
        Index of that plane.
    z_mm, sigma_mm
        Middle and standard deviation of the Gaussian fitted to its depth profile.
    u_x, u_z_mm
        Standard uncertainties of a coordinate in the plane (pixels) and of the height.
    profile, noise
        Signal less background in each plane, 1 at the top of the profile; its standard deviation.
    fwhm_mm
        Full width at half maximum of the profile by interpolation; ``None`` when the profile does
        not come down to half on both sides.
    u_fwhm_mm
        Standard uncertainty of it.
    """

    x: float
    y: float
    plane: int
    z_mm: float
    sigma_mm: float
    u_x: float
    u_z_mm: float
    profile: Array
    noise: float
    fwhm_mm: float | None
    u_fwhm_mm: float


def stack_of(images: Sequence[Image], plane_pitch_mm: float | None) -> Stack:
    """Check that the images are the planes of one stack and find how far apart they are.

    Raises
    ------
    InputError
        See `kerma.imaging.identity`; ``no-plane-pitch``, ``planes-out-of-order``.
    """
    identity.check(images, modalities=MODALITIES, at_least=_FEWEST_PLANES)
    identity.require_same_geometry(images)
    require_distinct(images)
    spacing = images[0].require_spacing()
    heights = [i.z_mm for i in images]
    stated = [z for z in heights if z is not None]
    if len(stated) == len(images):
        steps = np.diff(np.array(stated))
        pitch = float(np.median(steps))
        if pitch <= 0 or np.abs(steps - pitch).max() > 0.05 * abs(pitch) + 1e-6:
            raise InputError(
                "The planes are not in order of rising height at even steps: some are missing, "
                "doubled or of another series, or the order is reversed. Give the whole stack from "
                "the lowest plane up.",
                code="planes-out-of-order",
            )
        if plane_pitch_mm is None:
            return Stack(images, np.array(stated) - stated[0], spacing, pitch, "plane positions")
    if plane_pitch_mm is None:
        said = {i.facts.get("SpacingBetweenSlices") for i in images}
        number = next(iter(said)) if len(said) == 1 else None
        if not isinstance(number, int | float) or not 0 < number < 20:
            raise InputError(
                "The images do not say how far apart the planes are. Give plane_pitch_mm.",
                code="no-plane-pitch",
            )
        plane_pitch_mm, source = float(number), "SpacingBetweenSlices"
    else:
        source = "given"
    return Stack(images, np.arange(len(images)) * plane_pitch_mm, spacing, plane_pitch_mm, source)


def find_beads(stack: Stack, diameter_mm: float) -> list[Bead]:
    """Return the spheres, brightest first.

    Raises
    ------
    AnalysisError
        Code ``wrong-phantom``: nothing like a sphere comes into focus.
    """
    dx = stack.pixel_mm[1]
    factor = max(1, round(min(_REDUCED_MM, diameter_mm / 2) / dx))
    small = np.stack([_reduced(i.pixels, factor) for i in stack.images])
    step = dx * factor
    wide = max(3, round(4.0 / step)) | 1
    for plane in small:
        plane -= ndimage.uniform_filter(plane, wide, mode="nearest")
        ndimage.gaussian_filter(plane, 0.35 * diameter_mm / step, output=plane, mode="nearest")
    high, low = small.max(axis=0), small.min(axis=0)
    edge = max(1, round(_FROM_EDGE_MM / step))
    inner = (slice(edge, -edge), slice(edge, -edge))
    if min(high[inner].shape) < 8:
        raise _nothing()
    sign = 1.0 if high[inner].max() >= -low[inner].min() else -1.0
    best = high if sign > 0 else -low
    scale = max(robust_sd(small[len(small) // 2][inner]), 1e-12)
    near = ndimage.maximum_filter(best, max(3, round(_APART_MM / step)) | 1)
    peaks = (best == near) & (best > _CLEAR * scale)
    mask = np.zeros_like(peaks)
    mask[inner] = True
    at = np.argwhere(peaks & mask)
    at = at[np.argsort(-best[tuple(at.T)], kind="stable")][:_MOST]
    if not len(at):
        raise _nothing()
    strongest = float(best[tuple(at[0])])
    beads = []
    for row, column in at:
        depth = sign * small[:, row, column]
        if depth.max() < _WEAKEST * strongest or depth.min() > _FADES * depth.max():
            continue
        x, y = (float(v) * factor + (factor - 1) / 2 for v in (column, row))
        bead = _followed(stack, x, y, int(depth.argmax()), sign, diameter_mm)
        if bead is not None:
            beads.append(bead)
    if not beads:
        raise _nothing()
    return beads


def _nothing() -> AnalysisError:
    return AnalysisError(
        "No small sphere comes into focus in these planes. Check that they are the reconstructed "
        "planes of the phantom with spheres, all of them, and the diameter stated.",
        stage=STAGE,
        code="wrong-phantom",
    )


def _reduced(pixels: Array, factor: int) -> Array:
    rows, columns = (n // factor for n in pixels.shape)
    cut = pixels[: rows * factor, : columns * factor].astype(np.float64)
    return np.asarray(cut.reshape(rows, factor, columns, factor).mean(axis=(1, 3)))


@dataclass(frozen=True, slots=True, eq=False)
class _Window:
    """The surroundings of a sphere in all planes, with the disc on it and the ring about it."""

    part: Array
    x0: int
    y0: int
    radius_mm: Array


def _window(stack: Stack, x: float, y: float, reach_mm: float) -> _Window | None:
    dy, dx = stack.pixel_mm
    rows, columns = stack.images[0].pixels.shape
    hx, hy = math.ceil(reach_mm / dx), math.ceil(reach_mm / dy)
    x0, y0 = round(x) - hx, round(y) - hy
    if x0 < 0 or y0 < 0 or x0 + 2 * hx + 1 > columns or y0 + 2 * hy + 1 > rows:
        return None
    part = np.stack(
        [i.pixels[y0 : y0 + 2 * hy + 1, x0 : x0 + 2 * hx + 1] for i in stack.images]
    ).astype(float)
    v, u = np.indices(part.shape[1:], dtype=float)
    return _Window(part, x0, y0, np.hypot((u + x0 - x) * dx, (v + y0 - y) * dy))


def _followed(
    stack: Stack, x: float, y: float, plane: int, sign: float, diameter_mm: float
) -> Bead | None:
    """Measure one sphere; ``None`` when it is cut off or no peak in depth."""
    reach = 3.5 * diameter_mm
    window = _window(stack, x, y, reach)
    if window is None:
        return None
    for _ in range(3):
        ring = (window.radius_mm > 2.5 * diameter_mm) & (window.radius_mm <= reach)
        height = sign * (window.part - np.median(window.part[:, ring], axis=1)[:, None, None])
        x, y = _centroid(window, height[plane], diameter_mm)
        again = _window(stack, x, y, reach)
        if again is None:
            return None
        window = again
    ring = (window.radius_mm > 2.5 * diameter_mm) & (window.radius_mm <= reach)
    disc = window.radius_mm <= max(0.25 * diameter_mm, 0.75 * max(stack.pixel_mm))
    level = np.median(window.part[:, ring], axis=1)
    raw = sign * (window.part[:, disc].mean(axis=1) - level)
    pixel_noise = float(np.median([robust_sd(p[ring]) for p in window.part]))
    noise = pixel_noise * math.sqrt(1.0 / disc.sum() + 1.57 / ring.sum())
    fitted = _depth(stack.z_mm, raw)
    if fitted is None:
        return None
    top, z0, sigma, u_z = fitted
    # Of a spot of width w at this signal-to-noise ratio.
    spread = 0.5 * diameter_mm / min(stack.pixel_mm)
    u_x = spread * pixel_noise / max(top, 1e-12) / max(1.0, spread)
    crossings, u_fwhm = _half_width(stack.z_mm, raw / top, noise / top)
    return Bead(
        x, y, int(raw.argmax()), z0, sigma, u_x, u_z, raw / top, noise / top, crossings, u_fwhm
    )  # fmt: skip


def _centroid(window: _Window, height: Array, diameter_mm: float) -> tuple[float, float]:
    near = window.radius_mm <= 1.2 * diameter_mm
    top = float(np.sort(height[near])[-max(1, int(near.sum()) // 20) :].mean())
    weight = np.where(near, np.clip(height - 0.25 * top, 0.0, None), 0.0)
    total = float(weight.sum())
    if total <= 0:
        return float(window.x0 + height.shape[1] // 2), float(window.y0 + height.shape[0] // 2)
    v, u = np.indices(height.shape, dtype=float)
    return (
        float((weight * u).sum() / total) + window.x0,
        float((weight * v).sum() / total) + window.y0,
    )


def _depth(z_mm: Array, raw: Array) -> tuple[float, float, float, float] | None:
    """Fit a Gaussian to the depth profile about its top; ``None`` without a peak.

    Planes above a fifth of the top and one more to each side, so that tails and the artefacts of
    neighbours do not pull it.
    """
    k = int(raw.argmax())
    top = float(raw[k])
    if top <= 0:
        return None
    low, high = k, k
    while low > 0 and raw[low - 1] > 0.2 * top:
        low -= 1
    while high < len(raw) - 1 and raw[high + 1] > 0.2 * top:
        high += 1
    low, high = max(0, low - 1), min(len(raw) - 1, high + 1)
    z, v = z_mm[low : high + 1], raw[low : high + 1]
    if len(z) < 4:
        return None

    def residual(p: Array) -> Array:
        return np.asarray(p[0] * np.exp(-0.5 * ((z - p[1]) / p[2]) ** 2) - v)

    start = np.array([top, z_mm[k], max((z[-1] - z[0]) / 3.6, 0.3 * (z[1] - z[0]))])
    solved = optimize.least_squares(residual, start, method="lm")
    height, middle, sigma = (float(p) for p in solved.x)
    sigma = abs(sigma)
    if height <= 0 or not z_mm[0] - sigma <= middle <= z_mm[-1] + sigma:
        return None
    count = max(1, len(z) - 3)
    scale = float((solved.fun**2).sum()) / count
    normal = solved.jac.T @ solved.jac
    if np.linalg.det(normal) <= 0:
        return None
    return height, middle, sigma, math.sqrt(scale * float(np.linalg.inv(normal)[1, 1]))


def _half_width(z_mm: Array, profile: Array, noise: float) -> tuple[float | None, float]:
    """Return the full width at half of 1 by interpolation, and its standard uncertainty."""
    k = int(profile.argmax())
    ends, slopes = [], []
    for step in (-1, 1):
        i = k
        while 0 <= i + step < len(profile) and profile[i + step] > 0.5:
            i += step
        j = i + step
        if not 0 <= j < len(profile):
            return None, 0.0
        rise = float(profile[i] - profile[j])
        ends.append(float(z_mm[i] + (profile[i] - 0.5) / rise * (z_mm[j] - z_mm[i])))
        slopes.append(rise / abs(float(z_mm[j] - z_mm[i])))
    return ends[1] - ends[0], noise * math.hypot(*(1.0 / s for s in slopes))


def fwhm_in_plane(stack: Stack, bead: Bead, diameter_mm: float) -> tuple[float, float] | None:
    """Return full widths at half maximum across and down, in mm, in the sphere's best plane."""
    window = _window(stack, bead.x, bead.y, 3.5 * diameter_mm)
    if window is None:
        return None
    plane = window.part[bead.plane]
    ring = window.radius_mm > 2.5 * diameter_mm
    height = plane - float(np.median(plane[ring]))
    found = []
    for axis, place, start, step in (
        (0, bead.y, window.y0, stack.pixel_mm[1]),
        (1, bead.x, window.x0, stack.pixel_mm[0]),
    ):
        # The line of pixels through the middle, between the two that hold it.
        at = place - start
        i = math.floor(at)
        lines = height if axis == 0 else height.T
        profile = (1 - (at - i)) * lines[i] + (at - i) * lines[i + 1]
        profile = profile * math.copysign(1.0, float(profile[np.abs(profile).argmax()]))
        k = int(profile.argmax())
        if not 0 < k < len(profile) - 1:
            return None
        left, top, right = profile[k - 1 : k + 2]
        bend = left - 2 * top + right
        peak = float(top - (left - right) ** 2 / (8 * bend)) if bend < 0 else float(top)
        width, _ = _half_width(np.arange(len(profile)) * step, profile / peak, 0.0)
        if width is None:
            return None
        found.append(width)
    return found[0], found[1]
