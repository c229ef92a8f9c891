"""Focal spot size from a star pattern: where its modulation is lost."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from kerma.core import Analysis, Curve, Image, InputError, Quantity, Region, quantity
from kerma.imaging import identity
from kerma.imaging.geometry import _setup
from kerma.imaging.geometry._setup import Setup
from kerma.imaging.geometry._star import Star, find_star
from kerma.imaging.geometry._star_modulation import (
    Array,
    Modulation,
    full_modulation,
    modulation,
)
from kerma.imaging.record import choose, provenance, require
from kerma.imaging.registry import measurement
from kerma.imaging.tools.untyped import optimize

NAME, VERSION = "focal-spot-star", "1"
EDITION = "Star pattern: f = (pi theta / 180) D / (M - 1); NEMA XR 5 practice (recalled)"
# Design choices.
_HALF_DEG = 6.0
_RING_PX = 1.5
_SMOOTH = 7
_WINDOW = 0.18
_OUTERMOST = 0.8  # of the rim: a blur zone further out has no clear spokes beyond it
# Beyond the first zero a uniform spot's modulation stays below 22 % of what it is unblurred.
_LEAST_AT_RIM = 0.23
_FEWEST_PX = 3.0  # pixels to a pair of wedges at the blur zone
# A Gaussian spot has no zero; at this modulation the formula gives its full width at half maximum:
# exp(-2 pi² s² / FWHM²) with FWHM = 2.3548 s.
THRESHOLD = math.exp(-2.0 * math.pi**2 / (8.0 * math.log(2.0)))
# A rectangular spot seen over 12 degrees looks 0.2 % smaller; rounded up.
_METHOD_U = 0.003
_WORST_FIT = 4.0  # mean square of the residual over its u
X, Y = "x", "y"


@dataclass(frozen=True, slots=True)
class Parameters:
    """What must and may be chosen.

    Attributes
    ----------
    star_diameter_mm
        Diameter of the star itself, where its wedges end.
    spoke_deg
        Angle of one wedge; counted in the image when absent, and checked against it when given.
    magnification
        Instead of the star's own in the image.
    tube_axis
        ``x`` or ``y``: the image axis the tube's long axis lies along. The focal spot's length is
        its size along it, its width the size across it.
    turn_deg
        Angle of the focal spot's axes to the image's, clockwise as displayed.
    allow_processed
        Measure an image processed for display, with a warning; the place where modulation is lost
        hardly suffers from it.
    """

    star_diameter_mm: float
    spoke_deg: float | None = None
    magnification: float | None = None
    tube_axis: str | None = None
    turn_deg: float = 0.0
    allow_processed: bool = False

    def __post_init__(self) -> None:
        require(self.star_diameter_mm > 0, "star_diameter_mm", "The star's diameter is above zero.")
        require(self.spoke_deg is None or self.spoke_deg > 0, "spoke_deg",
                "The angle of a wedge is above zero.")  # fmt: skip
        require(self.magnification is None or self.magnification > 1, "magnification",
                "The magnification is above 1.")  # fmt: skip
        require(self.tube_axis in (None, X, Y), "tube_axis", "The tube's axis lies along x or y.")


@dataclass(frozen=True, slots=True)
class _Blur:
    """Distances (mm) from the middle at which modulation is lost, on the two sides of an axis."""

    one: float
    other: float
    u: float
    reversed: bool

    @property
    def diameter(self) -> float:
        return self.one + self.other


def recognise(images: Sequence[Image]) -> str:
    """Say what shows that this is an image of a star pattern, or refuse.

    Raises
    ------
    InputError
        See `kerma.imaging.identity`.
    AnalysisError
        Code ``wrong-phantom``.
    """
    setup, star = _found(images, allow_processed=True)
    return (
        f"{star.pairs} pairs of wedges around one point, "
        f"{2 * star.radius / min(setup.spacing_mm):.0f} pixels across"
    )


@measurement(
    NAME,
    version=VERSION,
    title="Focal spot, star pattern",
    edition=EDITION,
    modalities=identity.PLANAR,
    recognise=recognise,
)
def measure(images: Sequence[Image], **parameters: Any) -> Analysis:
    """Measure a focal spot from one image of a star pattern.

    Values ``focal_spot_x`` and ``focal_spot_y`` (mm, size across and down the image; with
    `tube_axis` the same as ``focal_spot_length`` and ``focal_spot_width``), ``blur_diameter_x``
    and ``..._y`` (mm at the detector; the one that gives the size along x lies along y),
    ``magnification`` and ``star_diameter`` (mm at the detector). Where the modulation only fades
    and does not reverse, the size is the full width at half maximum of the Gaussian spot that
    describes its fall, detector blur included, with a warning.

    Raises
    ------
    InputError
        See `kerma.imaging.identity`; ``wrong-spoke-angle``, ``no-magnification``.
    AnalysisError
        Code ``wrong-phantom``.
    """
    chosen = choose(Parameters, parameters)
    setup, star = _found(images, allow_processed=chosen.allow_processed)
    theta = _wedge_angle(chosen, star)
    scale, u_scale = _magnification(chosen, star)
    values = {
        "magnification": quantity(scale, "1", u_scale),
        "star_diameter": quantity(2 * star.radius, "mm", 2 * star.u_radius),
    }
    warnings = list(setup.warnings)
    if chosen.magnification is not None:
        warnings.append("The magnification was set by hand.")
    curves: list[Curve] = []
    regions = [_ring(setup, star, star.radius, "Star")]
    methods: dict[str, str] = {}
    full = full_modulation(setup.pixels, setup.spacing_mm, star)
    for axis, along in ((X, 90.0 + chosen.turn_deg), (Y, chosen.turn_deg)):
        both = modulation(
            setup.pixels, setup.spacing_mm, star, along, _HALF_DEG, _RING_PX * max(setup.spacing_mm)
        )
        curves += _curves(axis, both)
        blur = _lost(both, star, theta, setup, full)
        if isinstance(blur, str):
            warnings.append(f"The size along {axis} is left out: {blur}")
            continue
        size, u = _size(blur, theta, scale, u_scale)
        values[f"blur_diameter_{axis}"] = quantity(blur.diameter, "mm", blur.u)
        values[f"focal_spot_{axis}"] = quantity(size, "mm", u)
        methods[axis] = "reversal" if blur.reversed else "Gaussian fall"
        regions.append(_line(setup, star, blur, along, axis))
        if not blur.reversed:
            warnings.append(
                f"Along {axis} the modulation fades without reversing, as with a focal spot whose "
                "edges are soft: the size is the full width at half maximum of a Gaussian spot, "
                "the detector's own blur included."
            )
    if chosen.tube_axis is not None:
        across = Y if chosen.tube_axis == X else X
        for name, axis in (("length", chosen.tube_axis), ("width", across)):
            if f"focal_spot_{axis}" in values:
                values[f"focal_spot_{name}"] = values[f"focal_spot_{axis}"]
    measured = bool(methods)
    return Analysis(
        name=NAME,
        status="measured" if measured else "not measurable",
        reason="" if measured else "The modulation is nowhere lost where it can be measured.",
        provenance=provenance(NAME, VERSION, EDITION, images, chosen, spoke_deg_used=theta),
        values=values if measured else {},
        regions=tuple(regions),
        curves=tuple(curves),
        warnings=tuple(warnings),
        facts={"pairs": star.pairs, "spoke_deg": theta, "lost_by": methods,
               "rim_roundness_percent": 100 * star.roundness},
    )  # fmt: skip


def _found(images: Sequence[Image], *, allow_processed: bool) -> tuple[Setup, Star]:
    identity.check(images, modalities=identity.PLANAR, at_most=1)
    setup = _setup.prepare(images[0], stp=None, allow_processed=allow_processed, fdd_mm=None,
                           needs_linear=False)  # fmt: skip
    return setup, find_star(setup.pixels, setup.spacing_mm)


def _wedge_angle(chosen: Parameters, star: Star) -> float:
    counted = 180.0 / star.pairs
    if chosen.spoke_deg is None:
        return counted
    if abs(chosen.spoke_deg / counted - 1.0) > 0.01:
        raise InputError(
            f"The image shows {star.pairs} pairs of wedges, so each is {counted:.2f} degrees wide, "
            f"not {chosen.spoke_deg:g}. Another star was used.",
            code="wrong-spoke-angle",
            detail={"pairs": star.pairs},
        )
    return counted


def _magnification(chosen: Parameters, star: Star) -> tuple[float, float]:
    if chosen.magnification is not None:
        return chosen.magnification, 0.0
    scale = 2.0 * star.radius / chosen.star_diameter_mm
    u = 2.0 * star.u_radius / chosen.star_diameter_mm
    if scale < 1.05 or scale - 1.0 < 10 * u:
        raise InputError(
            f"The star is imaged {scale:.3f} times as large as it is; the focal spot shows only "
            "when it is magnified (1.05 or more). Check the star's diameter and raise the star.",
            code="no-magnification",
        )
    return scale, u


def _lost(
    both: Sequence[Modulation], star: Star, theta: float, setup: Setup, full: float | None
) -> _Blur | str:
    """Return where the modulation is lost on both sides, or why it is not."""
    rim = min(m.rim for m in both)
    if any(m.turned for m in both) or (full is not None and rim < _LEAST_AT_RIM * full):
        return (
            "its blur zone reaches the rim of the star. Lower the magnification, or use a star "
            "with wider wedges."
        )
    found = [_reversal(m) for m in both]
    turned = all(f is not None for f in found)
    if not turned:
        found = [_faded(m) for m in both]
    if any(f is None for f in found):
        return "the modulation is not clearly lost on both sides of the middle."
    (one, u_one), (other, u_other) = (f for f in found if f is not None)
    if max(one, other) > _OUTERMOST * star.radius:
        return (
            "its blur zone reaches the rim of the star. Lower the magnification, or use a star "
            "with wider wedges."
        )
    pair_px = math.radians(theta) * (one + other) / max(setup.spacing_mm)
    if pair_px < _FEWEST_PX:
        return (
            f"a pair of wedges is only {pair_px:.1f} pixels wide where the modulation is lost, so "
            "the pixels may have lost it. Raise the magnification."
        )
    return _Blur(one, other, math.hypot(u_one, u_other), turned)


def _smooth(m: Modulation) -> tuple[Array, Array, Array]:
    window = np.ones(_SMOOTH) / _SMOOTH
    return (
        np.convolve(m.radius, window, "valid"),
        np.convolve(m.value, window, "valid"),
        np.sqrt(np.convolve(m.u**2, window, "valid") / _SMOOTH),
    )


def _reversal(m: Modulation) -> tuple[float, float] | None:
    """Return the outermost radius inside which dark and bright change places, and its u.

    Followed from the rim inwards: the first place where three rings in a row, smoothed, lie more
    than 3 u below zero. The zero is that of a parabola fitted over 18 % to each side.
    """
    radius, value, u = _smooth(m)
    below = value < -3.0 * u
    three = below[:-2] & below[1:-1] & below[2:]
    if not three.any():
        return None
    inside = int(np.flatnonzero(three)[-1]) + 2
    above = np.flatnonzero((value > 0) & (np.arange(len(value)) > inside))
    if not len(above):
        return None
    start = float(np.interp(0.0, value[inside : above[0] + 1], radius[inside : above[0] + 1]))
    for _ in range(3):
        near = np.abs(m.radius / start - 1.0) < _WINDOW
        if near.sum() < 8:
            return None
        x = m.radius[near] / start - 1.0
        fitted, cover = np.polyfit(x, m.value[near], 2, w=1.0 / np.maximum(m.u[near], 1e-9),
                                   cov="unscaled")  # fmt: skip
        a, b, c = (float(v) for v in fitted)
        root = b * b - 4 * a * c
        if b <= 0 or root < 0:
            return None
        # The root that stays when the bend goes to zero.
        at = -2.0 * c / (b + math.sqrt(root))
        if abs(at) > _WINDOW:
            return None
        start *= 1.0 + at
    off = m.value[near] - np.polyval(fitted, x)
    excess = max(1.0, float(np.mean((off / np.maximum(m.u[near], 1e-9)) ** 2)))
    return start, start * math.sqrt(float(cover[2, 2]) * excess) / b


def _faded(m: Modulation) -> tuple[float, float] | None:
    """Return where a Gaussian focal spot's modulation falls to the threshold, and its u.

    exp(-c / r²), fitted to all rings down to where the modulation is lost in noise; ``None`` when
    it does not describe them. How high the curve starts does not matter.
    """
    radius, value, u = _smooth(m)
    lost = np.flatnonzero(value < np.maximum(3.0 * u, 0.02))
    stop = int(lost[-1]) + 1 if len(lost) else 0
    inner = max(float(radius[stop]) if stop < len(radius) else math.inf, 0.0)
    used = (m.radius > inner) & (m.value > 0)
    if used.sum() < 12:
        return None
    x, y, w = m.radius[used] ** -2, m.value[used], 1.0 / np.maximum(m.u[used], 1e-9)
    start = np.polyfit(x, np.log(y), 1, w=y * w)
    found = optimize.least_squares(
        lambda p: (p[0] * np.exp(-p[1] * x) - y) * w, (math.exp(start[1]), -start[0]),
        x_scale=(1.0, abs(start[0]) + 1e-12),
    )  # fmt: skip
    misfit = float((found.fun**2).mean())
    high, low = (float(np.exp(-found.x[1] * v)) for v in (x.min(), x.max()))
    if found.x[1] <= 0 or misfit > _WORST_FIT or low > 0.7 * high:
        return None
    cover = np.linalg.inv(found.jac.T @ found.jac) * max(1.0, misfit)
    at = math.sqrt(float(found.x[1]) / -math.log(THRESHOLD))
    return at, at * 0.5 * math.sqrt(float(cover[1, 1])) / float(found.x[1])


def _size(blur: _Blur, theta: float, scale: float, u_scale: float) -> tuple[float, float]:
    size = math.radians(theta) * blur.diameter / (scale - 1.0)
    relative = math.hypot(blur.u / blur.diameter, u_scale / (scale - 1.0), _METHOD_U)
    return size, size * relative


def _curves(axis: str, both: Sequence[Modulation]) -> list[Curve]:
    return [
        Curve(f"Modulation for the size along {axis}, {side}", tuple(map(float, m.radius)),
              tuple(map(float, m.value)), "Distance from the middle", "mm", "Modulation", "1",
              tuple(map(float, m.u)))
        for side, m in zip(("one side", "other side"), both, strict=True)
    ]  # fmt: skip


def _ring(setup: Setup, star: Star, radius: float, name: str) -> Region:
    points = (setup.to_px(star.x, star.y), setup.to_px(star.x + radius, star.y))
    return Region(name, "circle", points)


def _line(setup: Setup, star: Star, blur: _Blur, along_deg: float, axis: str) -> Region:
    c, s = math.cos(math.radians(along_deg)), math.sin(math.radians(along_deg))
    ends = (
        setup.to_px(star.x + blur.one * c, star.y + blur.one * s),
        setup.to_px(star.x - blur.other * c, star.y - blur.other * s),
    )
    values: dict[str, Quantity] = {"diameter": quantity(blur.diameter, "mm", blur.u)}
    return Region(f"Blur diameter for the size along {axis}", "line", ends, values=values)
