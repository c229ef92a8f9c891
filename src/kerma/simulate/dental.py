"""Dental projections of test objects, drawn from their descriptions, with everything known.

Edges are blurred analytically by a Gaussian; nothing of the analyses is used.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from kerma.core import Image, content_hash
from kerma.imaging.dental._spec import IntraoralSpec, PanoramicSpec, load_intraoral, load_panoramic
from kerma.simulate.cylinder import box, disc

Array = npt.NDArray[np.float64]

_ROOT2 = math.sqrt(2.0)


@dataclass(frozen=True, slots=True)
class IntraoralShot:
    """One exposure of the intra-oral object; grey values rise with attenuation unless `sign` is -1.

    Attributes
    ----------
    shape, pixel_mm
        Rows, columns; pixel of the sensor.
    magnification, turn_deg, mirrored, offset_mm
        How the object lies: its middle from that of the image.
    sigma_mm
        Standard deviation of the point spread, in the plane of the sensor.
    base, lead, sign
        Grey value of the bare object, of lead, and which way.
    attenuation_per_mm
        Of the wedge: share of the way to lead lost per mm, exponential.
    hole_contrast
        Grey value of a hole 1 mm deep less the base; proportional to depth.
    slope
        Change of grey value across the image, from left to right.
    noise, seed
        White Gaussian noise.
    field_mm
        Width and height of the field about the image's middle; the whole image when absent.
    state, spacing
        Processing as stated; whether the image states its pixel spacing.
    """

    shape: tuple[int, int] = (820, 1180)
    pixel_mm: float = 0.03
    magnification: float = 1.02
    turn_deg: float = 0.0
    mirrored: bool = False
    offset_mm: tuple[float, float] = (0.0, 0.0)
    sigma_mm: float = 0.03
    base: float = 400.0
    lead: float = 3400.0
    sign: int = 1
    attenuation_per_mm: float = 0.12
    hole_contrast: float = -150.0
    slope: float = 0.0
    noise: float = 0.0
    seed: int = 1
    field_mm: tuple[float, float] | None = None
    state: str = "presentation"
    spacing: bool = True
    modality: str = "IO"


def intraoral_image(shot: IntraoralShot, spec: IntraoralSpec | None = None) -> Image:
    """Return one image of the object."""
    spec = spec or load_intraoral()["dental-intraoral"]
    rows, columns = shot.shape
    x = (np.arange(columns) - (columns - 1) / 2) * shot.pixel_mm
    y = (np.arange(rows) - (rows - 1) / 2) * shot.pixel_mm
    sx, sy = np.meshgrid(x, y)
    c, s = math.cos(math.radians(shot.turn_deg)), math.sin(math.radians(shot.turn_deg))
    dx, dy = sx - shot.offset_mm[0], sy - shot.offset_mm[1]
    u = (c * dx + s * dy) / shot.magnification * (-1 if shot.mirrored else 1)
    v = (-s * dx + c * dy) / shot.magnification
    picture = _object(u, v, spec, shot)
    if shot.field_mm is not None:
        wide, high = (f / 2 for f in shot.field_mm)
        lit = box(sx, -wide, wide, shot.sigma_mm) * box(sy, -high, high, shot.sigma_mm)
        picture = shot.lead + (picture - shot.lead) * lit
    picture = picture + shot.slope * sx / (columns * shot.pixel_mm)
    if shot.sign < 0:
        picture = shot.base + shot.lead - picture
    if shot.noise:
        picture = picture + np.random.default_rng(shot.seed).normal(0, shot.noise, picture.shape)
    return _image(picture, shot.pixel_mm if shot.spacing else None, shot.state, shot.modality)


def _object(u: Array, v: Array, spec: IntraoralSpec, shot: IntraoralShot) -> Array:
    sigma, step = shot.sigma_mm / shot.magnification, shot.lead - shot.base
    picture = np.full(u.shape, shot.base)
    for x, y in spec.fiducials:
        _add(picture, u, v, (x, y), spec.fiducial_radius_mm, step, sigma)
    wide, high = spec.step_size_mm
    for part in spec.steps:
        share = 1 - math.exp(-shot.attenuation_per_mm * part.thickness_mm)
        # Nine standard deviations beyond its sides nothing is left of it, to the last digit.
        w = _window(u, v, (part.x_mm, part.y_mm), math.hypot(wide, high) / 2 + 9 * sigma * _ROOT2)
        picture[w] += step * share * (
            box(u[w], part.x_mm - wide / 2, part.x_mm + wide / 2, sigma)
            * box(v[w], part.y_mm - high / 2, part.y_mm + high / 2, sigma)
        )  # fmt: skip
    for bar in spec.bars:
        place, turned = (bar.x_mm, bar.y_mm), bar.across_deg
        w = _window(u, v, place, spec.bar_side_mm * _ROOT2)
        picture[w] += 0.8 * step * bar_patch(
            u[w], v[w], place, spec.bar_side_mm, bar.per_mm, turned, (sigma, sigma)
        )  # fmt: skip
    for hole in spec.holes:
        place, contrast = (hole.x_mm, hole.y_mm), shot.hole_contrast * hole.depth_mm
        _add(picture, u, v, place, hole.diameter_mm / 2, contrast, sigma)
    return picture


def _add(
    picture: Array, u: Array, v: Array, place: tuple[float, float], radius: float,
    height: float, sigma: float,
) -> None:  # fmt: skip
    w = _window(u, v, place, radius + 6 * sigma)
    r = np.hypot(u[w] - place[0], v[w] - place[1])
    near = r < radius + 6 * sigma
    picture[w][near] += height * disc(r[near], radius, sigma)


def _window(u: Array, v: Array, place: tuple[float, float], reach: float) -> tuple[slice, slice]:
    """Return the pixels around a place of the object, where u and v are straight in both."""
    steps = np.array([[u[0, 1] - u[0, 0], u[1, 0] - u[0, 0]],
                      [v[0, 1] - v[0, 0], v[1, 0] - v[0, 0]]])  # fmt: skip
    column, row = np.linalg.solve(steps, np.array(place) - (u[0, 0], v[0, 0]))
    half = reach / float(np.linalg.svd(steps, compute_uv=False)[-1]) + 2

    def part(middle: float) -> slice:
        return slice(max(0, math.floor(middle - half)), max(0, math.ceil(middle + half) + 1))

    return part(row), part(column)


def bar_patch(
    u: Array, v: Array, place: tuple[float, float], side: float, per_mm: float, across_deg: float,
    sigmas: tuple[float, float],
) -> Array:  # fmt: skip
    """Return a square of bars half a period wide, 0 to 1; sigma across and along the image's x."""
    a = math.radians(across_deg)
    across = (u - place[0]) * math.cos(a) + (v - place[1]) * math.sin(a)
    along = -(u - place[0]) * math.sin(a) + (v - place[1]) * math.cos(a)
    blur = math.hypot(sigmas[0] * math.cos(a), sigmas[1] * math.sin(a))
    other = math.hypot(sigmas[0] * math.sin(a), sigmas[1] * math.cos(a))
    near = (np.abs(across) < side) & (np.abs(along) < side)
    count = math.floor(side * per_mm + 1e-9)
    found: Array = np.zeros(u.shape)
    across_near = across[near]
    drawn = np.zeros(len(across_near))
    for k in range(count):
        at = (k - (count - 1) / 2) / per_mm
        # Nine standard deviations from a bar nothing is left of it, to the last digit.
        own = np.abs(across_near - at) < 0.25 / per_mm + 9 * blur
        drawn[own] += box(across_near[own], at - 0.25 / per_mm, at + 0.25 / per_mm, blur)
    found[near] = drawn * box(along[near], -side / 2, side / 2, other)
    return found


@dataclass(frozen=True, slots=True)
class PanoramicShot:
    """One panoramic image of the arch object.

    Attributes
    ----------
    shape, pixel_mm
        Rows, columns; pixel of the receptor.
    across, down
        Magnification along the arch and upright at each station, from left to right.
    middle_mm
        Where the corner of the middle station is, from the middle of the image.
    sigma_mm
        Point spread in the plane of the receptor: along x, along y.
    base, ball, bar
        Grey value of the bare arch; what a ball and a bar add.
    mirrored, sign, slope, noise, seed, state, spacing, modality
        As of an intra-oral exposure.
    """

    shape: tuple[int, int] = (1200, 2000)
    pixel_mm: float = 0.1
    across: Sequence[float] = (1.30, 1.28, 1.25, 1.28, 1.30)
    down: Sequence[float] = (1.27, 1.26, 1.25, 1.26, 1.27)
    middle_mm: tuple[float, float] = (0.0, 25.0)
    sigma_mm: tuple[float, float] = (0.1, 0.08)
    base: float = 1200.0
    ball: float = 2200.0
    bar: float = 900.0
    mirrored: bool = False
    sign: int = 1
    slope: float = 0.0
    noise: float = 0.0
    seed: int = 1
    state: str = "presentation"
    spacing: bool = True
    modality: str = "PX"


def panoramic_image(shot: PanoramicShot, spec: PanoramicSpec | None = None) -> Image:
    """Return one image of the arch."""
    spec = spec or load_panoramic()["dental-panoramic"]
    rows, columns = shot.shape
    x = (np.arange(columns) - (columns - 1) / 2) * shot.pixel_mm
    y = (np.arange(rows) - (rows - 1) / 2) * shot.pixel_mm
    sx, sy = np.meshgrid(x, y)
    picture = np.full(shot.shape, shot.base) + shot.slope * sx / (columns * shot.pixel_mm)
    # The arch's haze: slow, and no part of what is measured.
    picture += 150.0 * np.exp(-((sx / 60.0) ** 2 + (sy / 40.0) ** 2))
    corners = station_corners(shot, spec)
    for k, (cx, cy) in enumerate(corners):
        mh, mv = shot.across[k], shot.down[k]
        w = np.s_[
            :,
            max(0, round((cx - x[0]) / shot.pixel_mm - 250)) : round(
                (cx - x[0]) / shot.pixel_mm + 250
            ),
        ]
        u, v = (sx[w] - cx) / mh, (sy[w] - cy) / mv
        for bx, by in ((0.0, 0.0), (0.0, -spec.up_mm), (spec.beside_mm, 0.0)):
            # A ball: its shadow is a disc stretched as lengths are there.
            own = _window(u, v, (bx, by), spec.ball_radius_mm + 1)
            r = np.hypot(u[own] - bx, v[own] - by)
            near = r < spec.ball_radius_mm + 1
            sigma = shot.sigma_mm[0] / mh
            picture[w][own][near] += shot.ball * disc(r[near], spec.ball_radius_mm, sigma)
        blur = (shot.sigma_mm[0] / mh, shot.sigma_mm[1] / mv)
        for bar in spec.bars:
            place = (bar.x_mm, bar.y_mm)
            own = _window(u, v, place, spec.bar_side_mm * _ROOT2)
            picture[w][own] += shot.bar * bar_patch(
                u[own], v[own], place, spec.bar_side_mm, bar.per_mm, bar.across_deg, blur
            )
    if shot.mirrored:
        picture = picture[:, ::-1]
    if shot.sign < 0:
        picture = 2 * shot.base + shot.ball - picture
    if shot.noise:
        picture = picture + np.random.default_rng(shot.seed).normal(0, shot.noise, picture.shape)
    spacing = shot.pixel_mm if shot.spacing else None
    return _image(np.ascontiguousarray(picture), spacing, shot.state, shot.modality)


def station_corners(shot: PanoramicShot, spec: PanoramicSpec) -> list[tuple[float, float]]:
    """Return where each station's corner ball is, mm from the middle of the image.

    Between two stations lengths along the arch are magnified by the mean of theirs.
    """
    half = len(spec.stations) // 2
    x = {half: shot.middle_mm[0]}
    for k in range(half, len(spec.stations) - 1):
        x[k + 1] = x[k] + spec.spacing_mm * (shot.across[k] + shot.across[k + 1]) / 2
    for k in range(half, 0, -1):
        x[k - 1] = x[k] - spec.spacing_mm * (shot.across[k] + shot.across[k - 1]) / 2
    return [(x[k], shot.middle_mm[1]) for k in range(len(spec.stations))]


def _image(pixels: Array, spacing: float | None, state: str, modality: str) -> Image:
    kept = np.rint(pixels)
    facts: dict[str, Any] = {"ImageType": ["ORIGINAL", "PRIMARY"]}
    return Image(
        pixels=kept,
        spacing_mm=None if spacing is None else (spacing, spacing),
        modality=modality,
        processing=state,
        sha256=content_hash(kept.tobytes()),
        facts=facts,
    )
