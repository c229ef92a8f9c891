"""The wire ramps: where the module's middle is, slice thickness and slice increment."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from kerma.core import AnalysisError
from kerma.imaging.phantoms._pose import Pose
from kerma.imaging.phantoms._spec import Sensitometry, polar
from kerma.imaging.phantoms._volume import Volume

Array = npt.NDArray[np.float64]

_HALF_LENGTH_MM = 24.0
_HALF_WIDTH_MM = 1.5
_BACKGROUND_MM = (3.0, 5.0)
_LEAST_PEAK_TO_NOISE = 6.0


@dataclass(frozen=True, slots=True)
class RampProfile:
    """A ramp's profile in one slice: middle and full width at half maximum along the ramp, mm."""

    index: int
    angle_deg: float
    middle_mm: float
    width_mm: float
    u_mm: Array
    values: Array


@dataclass(frozen=True, slots=True)
class Origin:
    """Position of the ramp middle along the slices, and the ramps' own scale of s.

    `increment_ratio` is the slice increment measured by the ramps over the stated one; ``None``
    when fewer than three slices show them.
    """

    origin_mm: float
    u_mm: float
    increment_ratio: float | None
    u_increment_ratio: float | None


def read_ramp(
    volume: Volume, pose: Pose, sens: Sensitometry, index: int, angle_deg: float
) -> RampProfile | None:
    """Return one ramp's profile along the ramp, or ``None`` when it does not stand out.

    The profile is the mean over 3 mm across the wire less the mean of both sides, sampled at a
    quarter of a pixel by cubic interpolation; the width is between the half-maximum crossings.
    """
    s = float(volume.s_mm[index])
    step = volume.pixel_mm / 4
    u = np.arange(-_HALF_LENGTH_MM, _HALF_LENGTH_MM + step / 2, step)
    v = np.arange(-_BACKGROUND_MM[1], _BACKGROUND_MM[1] + step, 2 * step)
    x0, y0 = polar(sens.ramp_radius_mm, angle_deg)
    tx, ty = polar(1.0, angle_deg + 90)
    rx, ry = polar(1.0, angle_deg)
    x = x0 + np.multiply.outer(v * rx, np.ones_like(u)) + u * tx
    y = y0 + np.multiply.outer(v * ry, np.ones_like(u)) + u * ty
    patch = volume.read_smooth(index, *pose.place(x, y, s))
    wire = patch[np.abs(v) <= _HALF_WIDTH_MM].mean(axis=0)
    sides = patch[np.abs(v) >= _BACKGROUND_MM[0]]
    profile = wire - sides.mean()
    noise = max(float(np.std(sides.mean(axis=0))), 1e-6)
    peak = int(np.argmax(profile))
    if profile[peak] < _LEAST_PEAK_TO_NOISE * noise:
        return None
    base = float(np.median(profile[np.abs(u - u[peak]) > 0.35 * _HALF_LENGTH_MM]))
    profile = profile - base
    edges = _half_crossings(u, profile, peak)
    if edges is None:
        return None
    return RampProfile(index, angle_deg, sum(edges) / 2, edges[1] - edges[0], u, profile)


def _half_crossings(u: Array, profile: Array, peak: int) -> tuple[float, float] | None:
    half = profile[peak] / 2
    below = profile < half
    left = np.flatnonzero(below[:peak])
    right = np.flatnonzero(below[peak:])
    if not len(left) or not len(right):
        return None
    i, j = int(left[-1]), peak + int(right[0])

    def cross(a: int, b: int) -> float:
        return float(u[a] + (half - profile[a]) / (profile[b] - profile[a]) * (u[b] - u[a]))

    return cross(i, i + 1), cross(j - 1, j)


def fit_origin(volume: Volume, pose: Pose, sens: Sensitometry) -> Origin:
    """Return where the ramps' middles cross the middle of the module.

    In every slice near the module the four ramp images have moved the same way round by Z / tan
    of the ramp angle; their mean is free of offset and tilt. Z is fitted against s by a line.

    Raises
    ------
    AnalysisError
        Stage ``origin``: no slice shows all four ramps.
    """
    slope = math.tan(math.radians(sens.ramp_slope_deg))
    near = volume.within(
        pose.origin_mm - 2 * sens.ramp_reach_mm, pose.origin_mm + 2 * sens.ramp_reach_mm
    )
    s, z = [], []
    for index in near:
        ramps = [read_ramp(volume, pose, sens, index, a) for a in sens.ramp_angles_deg]
        middles = [r.middle_mm for r in ramps if r is not None]
        if len(middles) == len(ramps) and abs(np.mean(middles)) * slope < sens.ramp_reach_mm:
            if np.ptp(middles) * slope > 4 + volume.increment_mm:
                continue
            s.append(float(volume.s_mm[index]))
            z.append(float(np.mean(middles)) * slope)
    if not s:
        raise AnalysisError(
            "The wire ramps were not found in the slices with the inserts, so the middle of the "
            "module is unknown. Give the slice with parameter origin_slice.",
            stage="origin",
            code="no-ramps",
        )
    s_all, z_all = np.array(s), pose.sense * np.array(z)
    keep = _consistent(s_all, z_all)
    origins = s_all[keep] - z_all[keep]
    if keep.sum() < 3:
        return Origin(float(origins.mean()), volume.increment_mm / 4, None, None)
    # Z = ratio (s - origin); the origin from the mean, so a wrong table increment cannot move it.
    fit, cov = np.polyfit(s_all[keep], z_all[keep], 1, cov="unscaled")
    residual = z_all[keep] - np.polyval(fit, s_all[keep])
    scatter = float(np.sqrt(np.sum(residual**2) / max(1, keep.sum() - 2)))
    ratio = float(fit[0])
    origin = float(-fit[1] / fit[0])
    return Origin(
        origin, scatter / math.sqrt(float(keep.sum())), ratio, scatter * math.sqrt(float(cov[0, 0]))
    )


def _consistent(s: Array, z: Array) -> npt.NDArray[np.bool_]:
    """Return the slices whose Z fits the others to a millimetre."""
    origin = s - z
    keep: npt.NDArray[np.bool_] = np.abs(origin - np.median(origin)) < 1.0
    return keep


@dataclass(frozen=True, slots=True)
class Thickness:
    """Slice thickness from opposing ramps, and the profiles it came from."""

    thickness_mm: float
    u_mm: float
    profiles: tuple[RampProfile, ...]
    pairs_mm: tuple[float, float]


def slice_thickness(volume: Volume, pose: Pose, sens: Sensitometry) -> Thickness | None:
    """Return FWHM of the ramp images x tan(ramp angle), opposing ramps averaged.

    The mean over the ramps of up to three slices nearest the middle; the standard uncertainty is
    the scatter of the opposing-pair means over the square root of their number.
    """
    slope = math.tan(math.radians(sens.ramp_slope_deg))
    reach = max(sens.half_range_mm, 1.01 * volume.increment_mm)
    near = volume.within(pose.s_mm(-reach), pose.s_mm(reach))
    near = sorted(near, key=lambda i: abs(float(volume.s_mm[i]) - pose.origin_mm))[:3]
    profiles, pairs = [], []
    for index in near:
        ramps = [read_ramp(volume, pose, sens, index, a) for a in sens.ramp_angles_deg]
        found = [r for r in ramps if r is not None]
        if len(found) < len(ramps):
            continue
        half = len(found) // 2
        profiles += found
        pairs.append([(found[k].width_mm + found[k + half].width_mm) / 2 for k in range(half)])
    if not pairs:
        return None
    table = np.array(pairs) * slope
    spread = float(table.std(ddof=1)) / math.sqrt(table.size)
    first, second = table.mean(axis=0)[:2]
    return Thickness(float(table.mean()), spread, tuple(profiles), (float(first), float(second)))
