"""Measure the edges of a collimated X-ray field to a fraction of a pixel."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from kerma.imaging.tools.field_profiles import (
    LEAST_OUTSIDE_MM,
    LEAST_STRIPS,
    View,
    across,
    between_plateaux,
    fit_edge,
    medians,
    outermost,
    penumbra_of,
    per_level,
    softened,
)  # fmt: skip
from kerma.imaging.tools.field_search import (
    SIDES,
    Mask,
    Rough,
    RoughSide,
    fit_circle,
    no_edge,
    search,
)  # fmt: skip

Array = npt.NDArray[np.floating[Any]]

# Design choices.
REACH_MM = 15.0  # to each side of the edge; the plateaux are the outer 60 %
_STRIPS = 40
_CORNER_SHARE = 0.06  # of a side, left out at each end
_LEAST_STEP_OF_NOISE = 5.0
# The 50 % crossing of a symmetric edge does not move when the profile is softened, and noise then
# draws the outermost crossing out less.
_BLUR_MM = 0.5
_BLUR_OF_PENUMBRA = 0.4
_RAYS = 180
_LEAST_RAYS = 18
# Largest error seen on noise-free erf edges is 0.001 pixel (tests/imaging/test_field_size.py); ten
# times that is taken as the standard uncertainty of the method.
METHOD_U_PX = 0.01


@dataclass(frozen=True, slots=True, eq=False)
class Side:
    """One measured side; lengths in mm from the centre of the first pixel.

    Attributes
    ----------
    x, y
        Middle of the measured part of the side.
    normal
        Direction out of the field, radians from the rows.
    u, u_turn
        Standard uncertainties of the position (along the normal, at the middle) and of the
        direction in radians.
    half
        Half the length of the measured part.
    penumbra
        Width between 20 % and 80 % of the step.
    strips, kept
        Strips measured along the side, and those that agree with a straight line.
    distance, profile
        Mean profile across the edge (positive outwards), 0 outside to 1 inside.
    """

    name: str
    x: float
    y: float
    normal: float
    u: float
    u_turn: float
    half: float
    penumbra: float | None
    strips: int
    kept: int
    distance: Array
    profile: Array

    def outward(self, x: float, y: float) -> float:
        """Return how far a point lies outside the side's line."""
        return (x - self.x) * math.cos(self.normal) + (y - self.y) * math.sin(self.normal)

    def ends(self) -> tuple[tuple[float, float], tuple[float, float]]:
        """Return the ends of the measured part."""
        tx, ty = -math.sin(self.normal) * self.half, math.cos(self.normal) * self.half
        return (self.x - tx, self.y - ty), (self.x + tx, self.y + ty)


@dataclass(frozen=True, slots=True)
class Circle:
    """A measured round field; lengths in mm from the centre of the first pixel."""

    x: float
    y: float
    radius: float
    u: float
    u_radius: float
    seen: float  # share of the rays that met the edge


@dataclass(frozen=True, slots=True)
class Field:
    """A measured field: `sides` by name or a `circle`, and why other sides are `hidden`."""

    rough: Rough
    sides: Mapping[str, Side]
    hidden: Mapping[str, str]
    circle: Circle | None = None

    @property
    def turn(self) -> float:
        """Angle of the field to the rows in radians, the mean over its sides."""
        return float(np.mean([s.normal - SIDES.index(n) * math.pi / 2 for n, s in
                              self.sides.items()]))  # fmt: skip

    @property
    def u_turn(self) -> float:
        """Standard uncertainty of `turn`, from the sides' own or their scatter if larger."""
        own = math.hypot(*(s.u_turn for s in self.sides.values())) / len(self.sides)
        turns = [s.normal - SIDES.index(n) * math.pi / 2 for n, s in self.sides.items()]
        scatter = float(np.std(turns, ddof=1)) / math.sqrt(len(turns)) if len(turns) > 1 else 0.0
        return max(own, scatter)

    def extent(self, first: str, second: str) -> tuple[float, float] | None:
        """Return the distance between two opposite sides and its uncertainty, when both show.

        Measured through the middle of the field, along the mean of the two normals.
        """
        one, other = self.sides.get(first), self.sides.get(second)
        if one is None or other is None:
            return None
        x, y = self.centre()
        total, spread = 0.0, 0.0
        for side in (one, other):
            nx, ny = math.cos(side.normal), math.sin(side.normal)
            total -= (x - side.x) * nx + (y - side.y) * ny
            along = -(x - side.x) * ny + (y - side.y) * nx
            spread += side.u**2 + (along * side.u_turn) ** 2
        return total, math.sqrt(spread)

    def centre(self) -> tuple[float, float]:
        """Return the middle between the sides; where one hides, that of the visible field."""
        if self.circle is not None:
            return self.circle.x, self.circle.y
        turn = self.turn
        middle = []
        for names, angle in ((("right", "left"), turn), (("bottom", "top"), turn + math.pi / 2)):
            nx, ny = math.cos(angle), math.sin(angle)
            pair = [self.sides.get(n) for n in names]
            places = [s.x * nx + s.y * ny for s in pair if s is not None]
            rough = self.rough.x * nx + self.rough.y * ny
            middle.append(sum(places) / 2 if len(places) == 2 else rough)
        c, s = math.cos(turn), math.sin(turn)
        return middle[0] * c - middle[1] * s, middle[0] * s + middle[1] * c


def find_field(
    pixels: Array,
    spacing_mm: tuple[float, float],
    *,
    valid: Mask | None = None,
    shape: str = "auto",
    polarity: str = "auto",
    level: float = 0.5,
    reach_mm: float = REACH_MM,
) -> Field:
    """Find a field and measure its edges.

    Each side is cut in up to 40 strips. In a strip, the medians along the side make a profile
    across it; the plateaux inside and outside (the outer 60 % of `reach_mm`), continued straight
    to the edge, are 1 and 0, and the edge is the outermost crossing of `level`. The line most
    strips agree on with the fewest beyond it is fitted (markers on the edge only ever draw the
    crossing inwards); the strips' scatter about it gives the uncertainty.

    Parameters
    ----------
    pixels
        Signal proportional to dose, shape (rows, columns).
    spacing_mm
        (row, column).
    valid
        Pixels that show anything at all.
    shape, polarity
        What the field is known to be: ``rectangle`` or ``circle``; ``bright`` or ``dark``.
    level
        Share of the step that counts as the edge.
    reach_mm
        Distance to each side of the edge that is looked at.

    Raises
    ------
    AnalysisError
        Codes ``no-field-edge``, ``not-a-field``.
    """
    rough = search(pixels, spacing_mm, valid=valid, shape=shape, polarity=polarity)
    found = _measured(pixels, spacing_mm, valid, rough, level, reach_mm)
    if not found.sides and found.circle is None and shape == "auto":
        # Four arcs cut off by the corners of the image look like the sides of a turned square.
        rough = search(pixels, spacing_mm, valid=valid, shape="circle", polarity=polarity)
        found = _measured(pixels, spacing_mm, valid, rough, level, reach_mm)
    if not found.sides and found.circle is None:
        raise no_edge()
    return found


def _measured(
    pixels: Array,
    spacing_mm: tuple[float, float],
    valid: Mask | None,
    rough: Rough,
    level: float,
    reach_mm: float,
) -> Field:
    view = View(pixels.astype(float), spacing_mm, valid, rough.bright)
    reach = min(reach_mm, 0.4 * rough.across)
    if rough.kind == "circle":
        return Field(rough, {}, {}, _circle(view, rough, level, reach))
    sides: dict[str, Side] = {}
    hidden = dict(rough.hidden)
    for number, name in enumerate(SIDES):
        if name not in rough.sides:
            continue
        normal = rough.turn + number * math.pi / 2
        side = _side(view, name, rough.sides[name], normal, rough.span, level, reach)
        if isinstance(side, Side):
            sides[name] = side
        else:
            hidden[name] = side
    return Field(rough, sides, hidden)


def _side(
    view: View, name: str, rough: RoughSide, normal: float, span: float, level: float, reach: float
) -> Side | str:
    """Measure one side, or say why it cannot be measured."""
    length = rough.stop - rough.start
    trim = max(_CORNER_SHARE * length, 4 * view.step)
    start, stop = rough.start + trim, rough.stop - trim
    strips = min(_STRIPS, int((stop - start) / (4 * view.step)))
    if strips < LEAST_STRIPS:
        return "too little of it shows"
    width = (stop - start) / strips
    per_strip = max(3, min(25, int(width / (2 * view.step))))
    centres = (np.arange(strips) + 0.5) * width - 0.5 * (stop - start)
    places = centres[:, None] + (np.arange(per_strip) + 0.5) / per_strip * width - 0.5 * width
    middle = 0.5 * (start + stop)
    nx, ny = math.cos(normal), math.sin(normal)
    x, y = rough.offset * nx - middle * ny, rough.offset * ny + middle * nx
    s = _samples(reach, view)
    blur = _BLUR_MM / view.step
    for _ in range(3):
        profiles = medians(across(view, (x, y), normal, places, s))
        found = between_plateaux(profiles, s, span)
        if isinstance(found, str):
            return found
        share, noise, u_level = found
        crossing = outermost(softened(share, s, blur), s, level)
        fitted = fit_edge(centres, crossing, 0.4 * view.step)
        if fitted is None:
            return "no straight edge runs along it"
        shift, slope, u, u_slope, kept = fitted
        x, y = x + shift * math.cos(normal), y + shift * math.sin(normal)
        normal -= math.atan(slope)
        profile = medians(share[kept].T)
        penumbra = penumbra_of(profile, s)
        blur = _BLUR_OF_PENUMBRA * (penumbra or 0.0) / view.step
    if noise * _LEAST_STEP_OF_NOISE > 1.0:
        return "its step does not stand out of the noise"
    known = np.isfinite(profile)
    s, profile = s[known], profile[known]
    return Side(
        name, x, y, normal,
        u=math.hypot(u, u_level * per_level(penumbra), METHOD_U_PX * 2 * view.step),
        u_turn=u_slope, half=0.5 * (stop - start), penumbra=penumbra, strips=strips,
        kept=int(kept.sum()), distance=s, profile=profile,
    )  # fmt: skip


def _samples(reach: float, view: View) -> Array:
    """Return the distances from the edge at which profiles are sampled."""
    n = math.floor(reach / view.step)
    return np.asarray(np.arange(-n, n + 1) * view.step)


def _circle(view: View, rough: Rough, level: float, reach: float) -> Circle:
    x, y, radius = rough.x, rough.y, rough.radius
    angles = np.arange(_RAYS) * (2 * math.pi / _RAYS)
    reach = min(reach, 0.4 * radius)
    turns = np.linspace(-0.45, 0.45, 11) * (angles[1] - angles[0])
    for _ in range(2):
        s = _samples(reach, view)
        directions = angles[:, None] + turns
        r = radius + s
        px = x + np.cos(directions)[..., None] * r
        py = y + np.sin(directions)[..., None] * r
        share = _scaled_rays(medians(view.at(px, py)), s, rough.span)
        if share is None:
            raise no_edge()
        edge = outermost(softened(share, s, _BLUR_MM / view.step), s, level)
        found = np.isfinite(edge)
        if found.sum() < _LEAST_RAYS:
            raise no_edge()
        ex = x + (radius + edge[found]) * np.cos(angles[found])
        ey = y + (radius + edge[found]) * np.sin(angles[found])
        x, y, radius, kept = fit_circle(ex, ey, 0.5 * view.step)
    off = np.hypot(ex - x, ey - y)[kept] - radius
    n = int(kept.sum())
    design = np.column_stack((ex[kept] - x, ey[kept] - y, np.full(n, radius))) / radius
    cover = np.linalg.inv(design.T @ design) * float((off**2).sum()) / max(1, n - 3)
    method = METHOD_U_PX * 2 * view.step
    return Circle(
        x, y, radius,
        u=math.hypot(math.sqrt(max(cover[0, 0], cover[1, 1])), method),
        u_radius=math.hypot(math.sqrt(cover[2, 2]), method), seen=float(found.mean()),
    )  # fmt: skip


def _scaled_rays(profiles: Array, s: Array, span: float) -> Array | None:
    """Scale the rays that see enough of both sides; the others become NaN."""
    enough = np.isfinite(profiles[:, s > 0]).sum(axis=1) * (s[1] - s[0]) >= LEAST_OUTSIDE_MM
    if enough.sum() < _LEAST_RAYS:
        return None
    found = between_plateaux(profiles[enough], s, span)
    if isinstance(found, str):
        return None
    result = np.full(profiles.shape, np.nan)
    result[enough] = found[0]
    return result
