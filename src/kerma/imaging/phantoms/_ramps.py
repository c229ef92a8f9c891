"""The wire ramps: where the module's middle is, slice thickness and slice increment."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from kerma.core import AnalysisError, Curve, InputError
from kerma.imaging.phantoms._pose import Pose
from kerma.imaging.phantoms._spec import Ramps, Sensitometry, polar
from kerma.imaging.phantoms._grid import Volume

Array = npt.NDArray[np.float64]

_HALF_LENGTH_MM = 24.0
_HALF_WIDTH_MM = 1.5
_BACKGROUND_MM = (3.0, 5.0)
_LEAST_PEAK_TO_NOISE = 6.0
_MOST_SLICES = 9
# How well the middle of the module is known before its ramps are read.
_ROUGH_MM = 4.0
_LEVELS = (0.5, 0.1)


@dataclass(frozen=True, slots=True, eq=False)
class RampProfile:
    """A ramp's profile in one slice: middle and full widths along the ramp, mm.

    `tenth_mm` is the width at a tenth of the maximum; ``None`` when noise hides it.
    """

    index: int
    angle_deg: float
    middle_mm: float
    width_mm: float
    tenth_mm: float | None
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


def read_ramps(
    volume: Volume, pose: Pose, ramps: Ramps, index: int, *, smooth: bool
) -> list[RampProfile | None]:
    """Return each ramp's profile along the ramp, ``None`` for one that does not stand out.

    The profile is the mean over 3 mm across the wire less the mean of both sides, sampled at a
    quarter of a pixel.

    Parameters
    ----------
    volume, pose, ramps, index
        Where to read.
    smooth
        By cubic splines, so that the width is not changed by interpolation; else bilinear, which
        leaves the middle where it is.
    """
    s = float(volume.s_mm[index])
    step = volume.pixel_mm / (4 if smooth else 2)
    u = np.arange(-_HALF_LENGTH_MM, _HALF_LENGTH_MM + step / 2, step)
    across = 0.5 * volume.pixel_mm
    wire = np.arange(-_HALF_WIDTH_MM, _HALF_WIDTH_MM + across / 2, across)
    side = np.arange(_BACKGROUND_MM[0], _BACKGROUND_MM[1] + across / 2, across)
    v = np.concatenate([wire, side, -side])
    origin = np.array([polar(ramps.radius_mm, a) for a in ramps.angles_deg])
    along = np.array([polar(1.0, a + 90) for a in ramps.angles_deg])
    out = np.array([polar(1.0, a) for a in ramps.angles_deg])
    xy = origin[:, :, None, None] + out[:, :, None, None] * v[:, None] + along[:, :, None, None] * u
    x, y = pose.place(xy[:, 0], xy[:, 1], s)
    n = len(wire)
    read = volume.read_smooth if smooth else volume.read
    lines = read(index, x[:, :n], y[:, :n]).mean(axis=1)
    sides = volume.read(index, x[:, n:], y[:, n:])
    found: list[RampProfile | None] = []
    for angle, line, beside in zip(ramps.angles_deg, lines, sides, strict=True):
        noise = max(float(np.std(beside.mean(axis=0))), 1e-6)
        found.append(_profile(index, angle, u, line - beside.mean(), noise))
    return found


def _profile(
    index: int, angle_deg: float, u: Array, values: Array, noise: float
) -> RampProfile | None:
    values = values - float(np.percentile(values, 20))
    peak = int(np.argmax(values))
    if values[peak] < _LEAST_PEAK_TO_NOISE * noise:
        return None
    edges = _crossings(u, values, float(values[peak]) / 2, u[peak])
    if edges is None:
        return None
    # Base from beyond one and a half widths, height from a parabola over the middle half.
    for _ in range(2):
        middle, width = sum(edges) / 2, max(edges[1] - edges[0], 4 * float(u[1] - u[0]))
        outside = np.abs(u - middle) > 1.5 * width
        if outside.sum() > 8:
            values = values - float(values[outside].mean())
        top = np.abs(u - middle) <= max(width / 4, 2 * float(u[1] - u[0]))
        height = float(
            np.polyval(np.polyfit(u[top] - middle, values[top], 2), u[top] - middle).max()
        )
        again = _crossings(u, values, height / 2, middle) if height > 0 else None
        if again is None:
            return None
        edges = again
    tenth = _crossings(u, values, height / 10, middle) if height > 20 * noise else None
    return RampProfile(
        index,
        angle_deg,
        sum(edges) / 2,
        edges[1] - edges[0],
        None if tenth is None else tenth[1] - tenth[0],
        u,
        values / height,
    )


def _crossings(u: Array, values: Array, level: float, start: float) -> tuple[float, float] | None:
    """Return where the profile falls below a level on either side of a place inside."""
    k = int(np.argmin(np.abs(u - start)))
    below = values < level
    left, right = np.flatnonzero(below[:k]), np.flatnonzero(below[k:])
    if not len(left) or not len(right):
        return None
    i, j = int(left[-1]), k + int(right[0])

    def cross(a: int, b: int) -> float:
        rise = values[b] - values[a]
        return float(u[a] + (level - values[a]) / rise * (u[b] - u[a])) if rise else float(u[a])

    return cross(i, i + 1), cross(max(j - 1, 0), j)


def fit_origin(volume: Volume, pose: Pose, sens: Sensitometry) -> Origin:
    """Return where the ramps' middles cross the middle of the module.

    In every slice near the module the ramp images have moved the same way round by Z / tan of the
    ramp angle; the mean of opposing ones is free of offset and tilt. Z is fitted against s by a
    line.

    Raises
    ------
    AnalysisError
        Stage ``origin``, code ``no-ramps``: no slice shows all ramps.
    InputError
        Code ``reversed-order``: the ramps move the wrong way.
    """
    ramps = sens.ramps
    slope = math.tan(math.radians(ramps.slope_deg))
    far = ramps.reach_mm + _ROUGH_MM
    near = volume.within(pose.origin_mm - far, pose.origin_mm + far)
    s, z = [], []
    for index in near[:: math.ceil(len(near) / _MOST_SLICES)]:
        profiles = read_ramps(volume, pose, ramps, index, smooth=False)
        middles = [r.middle_mm for r in profiles if r is not None]
        if len(middles) == len(profiles) and abs(np.mean(middles)) * slope < ramps.reach_mm:
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
    sense = _sense(np.array(s), np.array(z), pose, ramps)
    return _fitted(volume, np.array(s), sense * np.array(z))


def _sense(s: Array, z: Array, pose: Pose, ramps: Ramps) -> int:
    """Return which way the ramps move with s; refuse when it is not the documented way."""
    seen = None
    if len(s) >= 3:
        rate = float(np.polyfit(s, z, 1)[0])
        seen = (1 if rate > 0 else -1) if 0.5 < abs(rate) < 1.5 else None
    if ramps.sense is None:
        return seen or pose.sense
    if seen is not None and seen != ramps.sense * pose.sense:
        raise InputError(
            "The slices are in reversed order: the wire ramps move the wrong way from slice to "
            "slice. Slice positions or image orientation are wrong; export the original series "
            "again.",
            code="reversed-order",
        )
    return ramps.sense * pose.sense


def _fitted(volume: Volume, s: Array, z: Array) -> Origin:
    origins = s - z
    keep = np.abs(origins - np.median(origins)) < 1.0
    count = int(keep.sum())
    if count < 3:
        return Origin(float(origins[keep].mean()), volume.increment_mm / 4, None, None)
    fit, cov = np.polyfit(s[keep], z[keep], 1, cov="unscaled")
    residual = z[keep] - np.polyval(fit, s[keep])
    scatter = float(np.sqrt(np.sum(residual**2) / (count - 2)))
    ratio, origin = float(fit[0]), float(-fit[1] / fit[0])
    return Origin(origin, scatter / math.sqrt(count), ratio, scatter * math.sqrt(float(cov[0, 0])))


@dataclass(frozen=True, slots=True, eq=False)
class Thickness:
    """Slice thickness from opposing ramps, and the profiles it came from."""

    thickness_mm: float
    u_mm: float
    tenth_mm: float | None
    u_tenth_mm: float
    profiles: tuple[RampProfile, ...]


def slice_thickness(volume: Volume, pose: Pose, sens: Sensitometry) -> Thickness | None:
    """Return the thickness from opposing ramps, free of tilt.

    A ramp at angle a in a slice tilted by t towards it shows T / tan(a + t), its opposite
    T / tan(a - t): sin 2t = sin 2a (w2 - w1) / (w2 + w1) and T = w1 tan(a + t). The mean over the
    pairs of up to three slices nearest the middle; the standard uncertainty is the scatter of the
    pairs over the square root of their number.
    """
    ramps = sens.ramps
    reach = max(sens.half_range_mm, 1.01 * volume.increment_mm)
    near = volume.within(pose.s_mm(-reach), pose.s_mm(reach))
    near = sorted(near, key=lambda i: abs(float(volume.s_mm[i]) - pose.origin_mm))[:3]
    profiles: list[RampProfile] = []
    pairs: dict[str, list[float]] = {"half": [], "tenth": []}
    for index in near:
        found = read_ramps(volume, pose, ramps, index, smooth=True)
        half = len(found) // 2
        for first, second in zip(found[:half], found[half:], strict=True):
            if first is None or second is None:
                continue
            profiles += [first, second]
            one, other = _untilted(first.width_mm, second.width_mm, ramps.slope_deg)
            pairs["half"].append(first.width_mm * one)
            if first.tenth_mm is not None and second.tenth_mm is not None:
                pairs["tenth"].append((first.tenth_mm * one + second.tenth_mm * other) / 2)
    if not pairs["half"]:
        return None
    table, tenth = np.array(pairs["half"]), np.array(pairs["tenth"])
    return Thickness(
        float(table.mean()),
        _scatter(table),
        float(tenth.mean()) if len(tenth) >= max(2, len(table) / 2) else None,
        _scatter(tenth),
        tuple(profiles),
    )


def sensitivity(found: Thickness, sens: Sensitometry) -> Curve:
    """Return the slice sensitivity profile: mean of the ramps, along the slice normal."""
    slope = math.tan(math.radians(sens.ramps.slope_deg))
    reach = min(_HALF_LENGTH_MM * slope * 0.8, 2.5 * found.thickness_mm)
    z = np.linspace(-reach, reach, 81)
    lines = []
    for ramp in found.profiles:
        # Each stretched to the common width, which takes the tilt out.
        scale = ramp.width_mm / found.thickness_mm
        lines.append(np.interp(z * scale + ramp.middle_mm, ramp.u_mm, ramp.values))
    mean, table = np.mean(lines, axis=0), np.array(lines)
    u = table.std(axis=0, ddof=1) / math.sqrt(len(lines)) if len(lines) > 1 else np.zeros(len(z))
    return Curve(
        "Slice sensitivity profile (ramps)",
        tuple(z.tolist()),
        tuple(mean.tolist()),
        "From the middle of the slice",
        "mm",
        "Sensitivity",
        "1",
        tuple(u.tolist()),
    )


def _untilted(first: float, second: float, slope_deg: float) -> tuple[float, float]:
    """Return tan(a + t) and tan(a - t) from the widths of two opposing ramps."""
    a = math.radians(slope_deg)
    t = math.asin(math.sin(2 * a) * (second - first) / (second + first)) / 2
    return math.tan(a + t), math.tan(a - t)


def _scatter(values: Array) -> float:
    return float(values.std(ddof=1)) / math.sqrt(len(values)) if len(values) > 1 else 0.0
