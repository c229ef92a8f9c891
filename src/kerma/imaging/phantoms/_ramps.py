"""The wire ramps: where the module's middle is, slice thickness and slice increment."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from kerma.core import AnalysisError, Curve, InputError
from kerma.imaging.phantoms._grid import Volume
from kerma.imaging.phantoms._pose import Pose
from kerma.imaging.phantoms._spec import Ramps, Sensitometry, polar
from kerma.imaging.phantoms._student import student

Array = npt.NDArray[np.float64]

_HALF_LENGTH_MM = 24.0
_HALF_WIDTH_MM = 1.5
_BACKGROUND_MM = (3.0, 5.0)
_LEAST_PEAK_TO_NOISE = 8.0
# SD of Gaussian noise over that of its lower half.
_SPREAD = 1.66
# Under this height over noise, noise makes dips to half height inside a profile.
_CLEAR = 7.0
_MOST_SLICES = 9
# How far the middles of the ramps, and the thicknesses of pairs, may be apart: beyond, it is
# something else than noise (design choices).
_AGREE_MM = 2.5
_STRAY_SIGMAS, _STRAY_SHARE = 3.5, 0.05
# The slope of an edge is taken so many widths either side of it.
_BESIDE = 0.15


@dataclass(frozen=True, slots=True, eq=False)
class RampProfile:
    """A ramp's profile in one slice: middle and full widths along the ramp, mm.

    `u_width_mm` is what noise does to the width. `tenth_mm` is the width at a tenth of the
    maximum; ``None`` when noise hides it. `clear` is False when noise leaves the middle readable
    but not the width.
    """

    index: int
    angle_deg: float
    middle_mm: float
    width_mm: float
    u_width_mm: float
    tenth_mm: float | None
    clear: bool
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
    for angle, line, beside in zip(ramps.angles_deg, lines, sides.mean(axis=1), strict=True):
        # Shading makes the sides slope along the ramp; a straight line is all that is taken of it.
        away = u - u.mean()
        level = beside.mean() + away * float(away @ beside) / float(away @ away)
        found.append(_profile(index, angle, u, line - level))
    return found


def _top(x: Array, y: Array) -> float:
    """Return the value at x = 0 of the parabola that fits best."""
    scaled = x / np.abs(x).max()
    powers = np.stack([np.ones_like(x), scaled, scaled**2])
    return float(np.linalg.solve(powers @ powers.T, powers @ y)[0])


def _profile(index: int, angle_deg: float, u: Array, values: Array) -> RampProfile | None:
    values = values - _ranked(values, 0.2)
    step = float(u[1] - u[0])
    # Smoothed over a millimetre and a half to find it, not to measure it.
    kernel = np.ones(max(1, round(1.5 / step)))
    smooth = np.convolve(values, kernel / len(kernel), mode="same")
    peak = int(np.argmax(smooth))
    # Half of the profile and more is empty: its lower half tells the noise.
    quiet = smooth[smooth <= _ranked(smooth, 0.5)]
    if smooth[peak] < _LEAST_PEAK_TO_NOISE * max(_SPREAD * float(np.std(quiet)), 1e-6):
        return None
    edges = _crossings(u, smooth, float(smooth[peak]) / 2, float(u[peak]))
    if edges is None:
        return None
    # Base from beyond one and a half widths, height from a parabola over the middle half.
    for _ in range(3):
        middle, width = sum(edges) / 2, max(edges[1] - edges[0], 4 * step)
        outside = np.abs(u - middle) > 1.5 * width
        if outside.sum() > 8:
            values = values - float(values[outside].mean())
        top = np.abs(u - middle) <= max(width / 4, 2 * step)
        height = _top(u[top] - middle, values[top]) if top.sum() > 3 else 0.0
        again = _crossings(u, values, height / 2, middle) if height > 0 else None
        if again is None:
            return None
        edges = again
    noise = float(np.std(values[outside])) if outside.sum() > 8 else 0.0
    tenth = _crossings(u, values, height / 10, middle) if height > 20 * noise else None
    width = edges[1] - edges[0]
    # Noise moves an edge by itself over the slope there.
    near = np.interp(np.add.outer(edges, (-_BESIDE * width, _BESIDE * width)), u, values)
    slope = max(float(np.abs(near[:, 1] - near[:, 0]).mean()) / (2 * _BESIDE * width), 1e-9)
    return RampProfile(
        index,
        angle_deg,
        sum(edges) / 2,
        width,
        math.sqrt(2) * noise / slope,
        None if tenth is None else tenth[1] - tenth[0],
        height > _CLEAR * noise,
        u,
        values / height,
    )


def _ranked(values: Array, share: float) -> float:
    """Return the value that so great a share of them lies under."""
    k = int(share * (len(values) - 1))
    return float(np.partition(values, k)[k])


def _crossings(u: Array, values: Array, level: float, start: float) -> tuple[float, float] | None:
    """Return where the profile falls below a level on either side of a place inside.

    Noise makes a profile cross more than once: the middle of the first crossing and of the last
    one within its own width is neither too far in nor too far out.
    """
    k = int(np.argmin(np.abs(u - start)))
    below = values < level

    def side(way: int) -> float | None:
        run = below[k::way]
        places = np.flatnonzero(run)
        if not len(places) or not places[0]:
            return None
        first = int(places[0])
        # The last value above the level, no further out than one and a half times as far.
        inner = np.flatnonzero(~run[: max(first + 1, round(1.5 * first))])
        last = int(inner[-1]) + 1
        if last >= len(run):
            return None
        return (_cross(u, values, level, k + way * first, way)
                + _cross(u, values, level, k + way * last, way)) / 2  # fmt: skip

    left, right = side(-1), side(1)
    return None if left is None or right is None else (left, right)


def _cross(u: Array, values: Array, level: float, after: int, way: int) -> float:
    """Return where the profile passes a level between a point and the one before it."""
    before = after - way
    rise = float(values[after] - values[before])
    share = (level - float(values[before])) / rise if rise else 0.0
    return float(u[before] + share * (u[after] - u[before]))


def fit_origin(volume: Volume, pose: Pose, sens: Sensitometry) -> Origin:
    """Return where the ramps' middles cross the middle of the module.

    In every slice near the module the ramp images have moved the same way round by Z / tan of the
    ramp angle, the lean of the phantom allowed for; the mean of opposing ones is free of offset.
    What they say is fitted against s by a line.

    Raises
    ------
    AnalysisError
        Stage ``origin``, code ``no-ramps``: no slice shows all ramps.
    InputError
        Code ``reversed-order``: the ramps move the wrong way.
    """
    ramps = sens.ramps
    # What a lean lifts one end of the module by, the ramp there has less of.
    lean = ramps.radius_mm * math.hypot(pose.axis.slope_x, pose.axis.slope_y)
    far = max(ramps.reach_mm - lean, 1.5 * volume.increment_mm)
    near = volume.within(pose.origin_mm - far, pose.origin_mm + far)
    s, read = [], []
    for index in near[:: math.ceil(len(near) / _MOST_SLICES)]:
        found = read_ramps(volume, pose, ramps, index, smooth=False)
        if all(r is not None for r in found):
            s.append(float(volume.s_mm[index]))
            read.append([r.middle_mm for r in found if r is not None])
    if s:
        position, middles = np.array(s), np.array(read)
        sense = _sense(position, middles, pose, ramps)
        z = _heights(middles, pose, ramps, sense)
        # Ramps that do not agree are something else: another object, or a wire's end.
        good = (np.ptp(z, axis=1) < _AGREE_MM) & (np.abs(z.mean(axis=1)) < ramps.reach_mm)
        if good.any():
            return _fitted(volume, position[good], z[good].mean(axis=1))
    raise AnalysisError(
        "The wire ramps were not found in the slices with the inserts, so the middle of the module "
        "is unknown. Give the slice with parameter origin_slice.",
        stage="origin",
        code="no-ramps",
    )


def _heights(middles: Array, pose: Pose, ramps: Ramps, sense: int) -> Array:
    """Return the position along the slice normal, from the origin, that each ramp's middle says.

    The ramp's own rise, less what the lean of the phantom lifts the ramp's place and direction.
    """
    lean = np.array([pose.axis.slope_x, pose.axis.slope_y]) * pose.upright
    slope = math.tan(math.radians(ramps.slope_deg)) * sense * pose.upright
    columns = []
    for k, angle in enumerate(ramps.angles_deg):
        place = np.array(pose.direction(*polar(ramps.radius_mm, angle)))
        along = np.array(pose.direction(*polar(1.0, angle + 90)))
        columns.append(middles[:, k] * (slope - float(lean @ along)) - float(lean @ place))
    return np.column_stack(columns)


def _sense(s: Array, middles: Array, pose: Pose, ramps: Ramps) -> int:
    """Return which way the ramps move with s; refuse when it is not the documented way."""
    seen = None
    slope = math.tan(math.radians(ramps.slope_deg))
    if len(s) >= 3:
        rate = float(np.polyfit(s, middles.mean(axis=1), 1)[0]) * slope
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
    scatter *= student(count - 2)
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
    pairs over the square root of their number, or what noise does to their edges, if that is more.
    """
    ramps = sens.ramps
    reach = max(sens.half_range_mm, 1.01 * volume.increment_mm)
    near = volume.within(pose.s_mm(-reach), pose.s_mm(reach))
    near = sorted(near, key=lambda i: abs(float(volume.s_mm[i]) - pose.origin_mm))[:3]
    profiles: list[RampProfile] = []
    pairs: dict[str, list[float]] = {"half": [], "tenth": [], "noise": []}
    for index in near:
        found = read_ramps(volume, pose, ramps, index, smooth=True)
        half = len(found) // 2
        for first, second in zip(found[:half], found[half:], strict=True):
            if first is None or second is None or not (first.clear and second.clear):
                continue
            profiles += [first, second]
            one, other = _untilted(first.width_mm, second.width_mm, ramps.slope_deg)
            pairs["half"].append(first.width_mm * one)
            jitter = math.hypot(first.u_width_mm * one, second.u_width_mm * other)
            pairs["noise"].append(jitter / 2)
            if first.tenth_mm is not None and second.tenth_mm is not None:
                pairs["tenth"].append((first.tenth_mm * one + second.tenth_mm * other) / 2)
    if not pairs["half"]:
        return None
    table, tenth = (_without_strays(np.array(pairs[k])) for k in ("half", "tenth"))
    noise = float(np.sqrt(np.mean(np.square(pairs["noise"]))) / math.sqrt(len(table)))
    return Thickness(
        float(table.mean()),
        max(_scatter(table), noise),
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


def _without_strays(values: Array) -> Array:
    """Leave out what lies more than 3.5 robust standard deviations, and 5 %, from the median."""
    if len(values) < 4:
        return values
    middle = float(np.median(values))
    away = np.abs(values - middle)
    limit = max(_STRAY_SIGMAS * 1.4826 * float(np.median(away)), _STRAY_SHARE * abs(middle))
    kept: Array = values[away <= limit]
    return kept


def _scatter(values: Array) -> float:
    """Return the standard uncertainty of a mean of few values: twice it covers 95 %.

    Student's factor over two is part of it (JCGM 100:2008, G.3).
    """
    count = len(values)
    if count < 2:
        return 0.0
    return float(values.std(ddof=1)) / math.sqrt(count) * student(count - 1)
