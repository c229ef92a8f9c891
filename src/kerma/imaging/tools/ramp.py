"""The profile of a ramp in one slice: its full width at half maximum, to a fraction of a pixel.

A thin wire, plate or row of beads that rises through the slice at an angle shows the slice's
sensitivity profile along itself, stretched by 1/tan(angle) and blurred by the in-plane spread.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from kerma.imaging.tools.untyped import ndimage, optimize, special

Array = npt.NDArray[np.floating[Any]]

_STEP_PX = 0.25
_STRIPS = 12
_LEAST_STRIPS = 4
_LEAST_TO_NOISE = 6.0


@dataclass(frozen=True, slots=True)
class Line:
    """Where a ramp is looked for: middle in pixels, unit vector along it, lengths in mm.

    Attributes
    ----------
    x, y, along_x, along_y
        Middle and direction.
    half_length_mm
        Of the profile.
    half_width_mm
        Over which the profile is averaged across the ramp.
    clear_mm
        Distance from the middle at which the plain surroundings begin, on both sides.
    """

    x: float
    y: float
    along_x: float
    along_y: float
    half_length_mm: float
    half_width_mm: float = 1.5
    clear_mm: float = 3.0

    def ends(
        self, low_mm: float, high_mm: float, pixel_mm: float
    ) -> tuple[tuple[float, float], ...]:
        """Return two points along the ramp, in pixels."""
        return tuple(
            (self.x + u / pixel_mm * self.along_x, self.y + u / pixel_mm * self.along_y)
            for u in (low_mm, high_mm)
        )


@dataclass(frozen=True, slots=True, eq=False)
class Profile:
    """A profile along a ramp.

    Attributes
    ----------
    at_mm, values
        Distance from the line's middle, and HU above the surroundings.
    noise
        Shape (strips, n): the same average over strips of plain surroundings beside the ramp.
    across_mm, across
        Profile across the ramp, averaged over its length.
    """

    at_mm: Array
    values: Array
    noise: Array
    across_mm: Array
    across: Array


@dataclass(frozen=True, slots=True)
class Width:
    """A ramp's image: middle and full width at half maximum along it, mm, and its shape.

    Attributes
    ----------
    middle_mm, fwhm_mm, u_fwhm_mm
        Measured on the profile itself.
    shape
        What fits the profile best.
    across_sigma_mm
        Standard deviation of the profile across the ramp; ``None`` where it has none (a plate).
    """

    middle_mm: float
    fwhm_mm: float
    u_fwhm_mm: float
    shape: Shape
    across_sigma_mm: float | None


def read(pixels: Array, line: Line, pixel_mm: float) -> Profile | None:
    """Return the profile along a line, or ``None`` when the line leaves the image.

    Sampled at a quarter of a pixel by cubic splines, averaged across the ramp; a straight line
    through the surroundings on both sides is taken off.
    """
    step = _STEP_PX * pixel_mm
    u = np.arange(-line.half_length_mm, line.half_length_mm + step / 2, step)
    # Strips beside the ramp, each as wide as the ramp's own.
    width = 2 * line.half_width_mm
    offsets = [line.clear_mm + line.half_width_mm + k * width for k in range(_STRIPS // 2)]
    own = np.arange(-line.half_width_mm, line.half_width_mm + step / 2, 2 * step)
    main = _sampled(pixels, line, u, own, pixel_mm)
    if main is None:
        return None
    strips = []
    for offset in (sign * o for o in offsets for sign in (1, -1)):
        strip = _sampled(pixels, line, u, own + offset, pixel_mm)
        if strip is not None:
            strips.append(strip.mean(axis=0))
    if len(strips) < 2:
        return None
    beside = np.array(strips[:2])
    design = np.column_stack((np.ones(u.size), u))
    level = np.linalg.lstsq(design, beside.mean(axis=0), rcond=None)[0]
    profile = main.mean(axis=0) - design @ level
    v = np.arange(-line.clear_mm, line.clear_mm + step / 2, step)
    cross = _sampled(pixels, line, u, v, pixel_mm)
    across = np.zeros_like(v) if cross is None else _across(cross, u, profile)
    return Profile(u, profile, _plain(np.array(strips), design), v, across)


def _sampled(pixels: Array, line: Line, u: Array, v: Array, pixel_mm: float) -> Array | None:
    """Return values at (across, along), or ``None`` outside the image."""
    x = line.x + (u[None, :] * line.along_x - v[:, None] * line.along_y) / pixel_mm
    y = line.y + (u[None, :] * line.along_y + v[:, None] * line.along_x) / pixel_mm
    rows, columns = pixels.shape
    if x.min() < 0 or y.min() < 0 or x.max() > columns - 1 or y.max() > rows - 1:
        return None
    x0, y0 = max(0, int(x.min()) - 8), max(0, int(y.min()) - 8)
    part = pixels[y0 : int(y.max()) + 9, x0 : int(x.max()) + 9].astype(float)
    return np.asarray(ndimage.map_coordinates(part, [y - y0, x - x0], order=3, mode="nearest"))


def _across(cross: Array, u: Array, profile: Array) -> Array:
    """Return the profile across the ramp, over the part where it is at least half as high."""
    high = profile >= 0.5 * profile.max()
    mean = cross[:, high].mean(axis=1)
    ends = max(2, len(mean) // 8)
    return np.asarray(mean - 0.5 * (mean[:ends].mean() + mean[-ends:].mean()))


def _plain(strips: Array, design: Array) -> Array:
    """Return the strips less their own straight lines, without those that hold an object."""
    rest = strips - (design @ np.linalg.lstsq(design, strips.T, rcond=None)[0]).T
    spread = rest.std(axis=1)
    return np.asarray(rest[spread <= 2.0 * np.percentile(spread, 30) + 1e-9])


@dataclass(frozen=True, slots=True)
class Shape:
    """A trapezium (a box of one width blurred by a narrower one) blurred by a Gaussian, mm.

    From a box (a sequential slice of several detector rows) through a triangle (a helical slice) to
    a Gaussian.
    """

    wide_mm: float
    narrow_mm: float
    sigma_mm: float

    def at(self, u: Array) -> Array:
        """Return the shape about 0, 1 at its middle."""
        middle = self._raw(np.zeros(1))[0]
        return np.asarray(self._raw(np.asarray(u, dtype=float)) / middle)

    def _raw(self, u: Array) -> Array:
        spread = math.sqrt(2.0) * max(self.sigma_mm, 1e-3 * (self.wide_mm + self.narrow_mm))
        a, b = self.wide_mm / 2, max(self.narrow_mm, 1e-2 * spread) / 2
        total = np.zeros_like(u)
        for sign, edge in ((1, a + b), (-1, a - b), (-1, b - a), (1, -a - b)):
            x = (u + edge) / spread
            # The integral of erf: a straight edge blurred once by a Gaussian, once by a box.
            total += sign * (x * special.erf(x) + np.exp(-(x**2)) / math.sqrt(math.pi))
        return np.asarray(total * spread / (4 * b))

    @property
    def fwhm_mm(self) -> float:
        """Return the full width at half maximum."""
        reach = self.wide_mm + self.narrow_mm + 4.0 * self.sigma_mm
        return 2.0 * float(
            optimize.brentq(lambda x: float(self.at(np.array([x]))[0]) - 0.5, 0.0, reach)
        )

    def less(self, variance_mm2: float) -> Shape:
        """Return the shape before a blur: off the Gaussian, then off the narrow box."""
        left = self.sigma_mm**2 - variance_mm2
        if left >= 0:
            return Shape(self.wide_mm, self.narrow_mm, math.sqrt(left))
        return Shape(self.wide_mm, math.sqrt(max(self.narrow_mm**2 + 12 * left, 0.0)), 0.0)


def measure(profile: Profile, *, plate: bool = False) -> Width | None:
    """Return the width of a ramp's image, or ``None`` when it does not stand out.

    A blurred trapezium (`Shape`) is fitted; half of its maximum is the level at which the profile's
    own crossings are taken (by linear interpolation, the mean of several where noise makes
    several), so that a noisy peak does not move the level and the shape of the profile is free.
    """
    u, y = profile.at_mm, profile.values
    noise = float(profile.noise.std()) if profile.noise.size else 0.0
    if y.max() < _LEAST_TO_NOISE * noise or y.max() <= 0:
        return None
    fit = _fit(u, y)
    if fit is None:
        return None
    centre, height, form = fit
    model = form.at(u - centre)
    level = 0.5 * height
    ends = _crossings(u, y, level, centre)
    if ends is None:
        return None
    weight = model / float(model @ model)
    spread = []
    for strip in profile.noise:
        changed = level * (1 + float(strip @ weight) / height)
        other = _crossings(u, y + strip, changed, centre)
        if other is not None:
            spread.append(other[1] - other[0])
    width = ends[1] - ends[0]
    u_fwhm = 0.0
    if len(spread) >= _LEAST_STRIPS:
        u_fwhm = math.sqrt(sum((s - width) ** 2 for s in spread) / (len(spread) - 1))
    elif noise:
        edge = max(form.sigma_mm, form.narrow_mm / 2, 0.1 * width)
        u_fwhm = math.sqrt(2.0) * noise / (level * 2) * edge * math.sqrt(2 * math.pi)
    across = None if plate else _across_sigma(profile)
    return Width(sum(ends) / 2, width, u_fwhm, form, across)


def _fit(u: Array, y: Array) -> tuple[float, float, Shape] | None:
    """Return centre, height and shape of the blurred trapezium that fits best."""
    step = float(u[1] - u[0])
    top = int(np.argmax(np.convolve(y, np.ones(5) / 5, mode="same")))
    peak = float(y[top])
    above = np.flatnonzero(y > peak / 2)
    width = max(len(above), 4) * step
    start = np.array([float(u[above].mean()), peak, 0.9 * width, 0.3 * width, 0.15 * width])
    low = np.array([u[0], 0.2 * peak, 0.02 * width, 0.0, 0.01 * width])
    high = np.array([u[-1], 3.0 * peak, 3.0 * width, 3.0 * width, 1.5 * width])

    def form(p: Array) -> Shape:
        wide, narrow = (float(v) for v in (max(p[2], p[3]), min(p[2], p[3])))
        return Shape(wide, narrow, float(p[4]))

    def residual(p: Array) -> Array:
        return np.asarray(p[1] * form(p).at(u - p[0]) - y)

    found = optimize.least_squares(
        residual,
        np.clip(start, low, high),
        bounds=(low, high),
        x_scale=np.array([width, peak, width, width, width]),
        ftol=1e-6,
        xtol=1e-6,
    )
    if not found.success:
        return None
    return float(found.x[0]), float(found.x[1]), form(found.x)


def _crossings(u: Array, y: Array, level: float, centre: float) -> tuple[float, float] | None:
    """Return where the profile rises and falls through a level, on either side of the centre."""
    over = y >= level
    change = np.flatnonzero(over[1:] != over[:-1])
    if not len(change):
        return None
    at = u[change] + (level - y[change]) / (y[change + 1] - y[change]) * (u[1] - u[0])
    middle = int(np.clip(np.searchsorted(u, centre), 1, len(u) - 2))
    sides = []
    for near in (at[at < u[middle]][::-1], at[at >= u[middle]]):
        if not len(near):
            return None
        # Crossings within a pixel or so of the first are one, split by noise.
        group = near[np.abs(near - near[0]) < 6 * float(u[1] - u[0])]
        if len(group) % 2 == 0:
            group = near[:1]
        sides.append(float(group.mean()))
    return sides[0], sides[1]


def _across_sigma(profile: Profile) -> float | None:
    """Return the standard deviation of a Gaussian fitted to the profile across the ramp."""
    v, y = profile.across_mm, profile.across
    if not y.max() > 0:
        return None
    start = np.array([float(v[int(np.argmax(y))]), 0.5, float(y.max())])

    def residual(p: Array) -> Array:
        return np.asarray(p[2] * np.exp(-((v - p[0]) ** 2) / (2 * p[1] ** 2)) - y)

    found = optimize.least_squares(residual, start)
    return abs(float(found.x[1])) if found.success else None


def corrected_fwhm(width: Width, angle_deg: float, wire_mm: float) -> float | None:
    """Return the width of the sensitivity profile along the ramp without blur and wire, mm.

    The profile across a wire shows the in-plane spread and the wire: s_across² = s² + d²/16.
    Along the ramp the wire's section is d/sin(angle) long: the blur there is s² + d²/(16 sin²). It
    is taken off the fitted shape; what is left is the sensitivity profile. ``None`` without a
    profile across.
    """
    if width.across_sigma_mm is None:
        return None
    inplane = max(width.across_sigma_mm**2 - wire_mm**2 / 16, 0.0)
    blur = inplane + (wire_mm / math.sin(math.radians(angle_deg))) ** 2 / 16
    return width.shape.less(blur).fwhm_mm


def bead_profile(profile: Profile, pitch_mm: float) -> Profile:
    """Return a profile of beads as the smooth curve through their integrals.

    The beads stand `pitch_mm` apart; where is found from the phase of the profile at that period.
    Each bead's integral over one pitch is a sample of the sensitivity profile; between them cubic
    splines.
    """

    def smooth(values: Array) -> Array:
        step = float(profile.at_mm[1] - profile.at_mm[0])
        sums = np.concatenate(([0.0], np.cumsum(values) * step))
        edges = np.concatenate((profile.at_mm - step / 2, [profile.at_mm[-1] + step / 2]))
        low = np.interp(at - pitch_mm / 2, edges, sums)
        high = np.interp(at + pitch_mm / 2, edges, sums)
        return _spline(at, (high - low) / pitch_mm, profile.at_mm)

    wave = np.exp(-2j * math.pi * profile.at_mm / pitch_mm)
    phase = float(np.angle((np.maximum(profile.values, 0.0) * wave).sum()))
    first = -phase / (2 * math.pi) * pitch_mm
    reach = profile.at_mm[-1] - pitch_mm / 2
    count = int((reach + abs(first)) / pitch_mm) + 1
    at = first + pitch_mm * np.arange(-count, count + 1)
    at = at[np.abs(at) <= reach]
    noise = np.array([smooth(strip) for strip in profile.noise])
    return Profile(profile.at_mm, smooth(profile.values), noise, profile.across_mm, profile.across)


def _spline(x: Array, y: Array, at: Array) -> Array:
    """Return the cubic spline through equally spaced samples, level beyond the ends."""
    place = (at - x[0]) / (x[1] - x[0])
    found = ndimage.map_coordinates(y, [np.clip(place, 0, len(x) - 1)], order=3, mode="nearest")
    return np.asarray(found)


def mean_width(widths: Sequence[Width]) -> tuple[float, float]:
    """Return the mean width of ramps and its standard uncertainty.

    The larger of what noise gives and of the scatter of the ramps.
    """
    values = np.array([w.fwhm_mm for w in widths])
    noise = math.hypot(*(w.u_fwhm_mm for w in widths)) / len(widths)
    return float(values.mean()), noise
