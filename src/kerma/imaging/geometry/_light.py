"""Where the light field's edges lie, from radio-opaque markers put on them or from a template."""

from __future__ import annotations

import cmath
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from kerma.core import AnalysisError
from kerma.imaging.geometry._markers import Bar, Markers, Round
from kerma.imaging.tools.field import Field, Side
from kerma.imaging.tools.field_search import SIDES

CENTRE, INNER, OUTER = PARTS = ("centre", "inner", "outer")
# Design choices.
_PARALLEL_WITHIN = math.radians(20.0)
_NEAR_SHARE = 0.3  # of the field's extent: a marker further from a side is not that side's
_LONG_SHARE = 0.5  # of the longest bar at a side: shorter ones are ticks of a scale
_CORNER = 0.7  # of the way from the middle to the sides, both ways: a marker at a corner
_HAND_U_PX = 1.0 / math.sqrt(3.0)  # a point set by hand lies within a pixel
_MATCH_MM = 2.0


@dataclass(frozen=True, slots=True)
class LightPoint:
    """A point on the light field's edge, seen at the detector: place, uncertainty, from what."""

    x: float
    y: float
    u: float
    kind: str


@dataclass(frozen=True, slots=True)
class Template:
    """How a template lies in the image: point = a * template + b, as complex numbers."""

    a: complex
    b: complex
    u: float
    u_scale: float
    points: tuple[tuple[float, float], ...]

    def at(self, x: float, y: float) -> complex:
        """Return where a point of the template is imaged."""
        return self.a * complex(x, y) + self.b


def from_markers(
    field: Field, markers: Markers, part: str, marker_mm: float | None
) -> dict[str, list[LightPoint]]:
    """Return the light points at each measured side.

    Bars count before round markers; a bar belongs to the side it is parallel to and near; a round
    marker to the side it lies towards, to both at a corner.

    Parameters
    ----------
    field, markers
        What was measured in the image.
    part
        Part of the marker that was laid on the light's edge, as seen from the field's middle.
    marker_mm
        Width or diameter of a marker as it is imaged, to reach a part that is not seen.
    """
    points: dict[str, list[LightPoint]] = {}
    for name, side in field.sides.items():
        reach = _NEAR_SHARE * _extent(field, name)
        bars = [
            b for b in markers.bars if _parallel(b, side) and abs(side.outward(b.x, b.y)) < reach
        ]
        longest = max((b.half for b in bars), default=0.0)
        found = [_of_bar(b, side, part, marker_mm) for b in bars if b.half >= _LONG_SHARE * longest]
        if not bars:
            rounds = [r for r in markers.rounds if name in _towards(field, r)]
            found = [_of_round(r, side, part) for r in rounds]
        points[name] = [p for p in found if p is not None]
    return points


def by_hand(
    field: Field, points_px: Sequence[tuple[float, float]], spacing_mm: tuple[float, float]
) -> dict[str, list[LightPoint]]:
    """Return points set by hand, each at the side nearest to it."""
    found: dict[str, list[LightPoint]] = {name: [] for name in field.sides}
    for column, row in points_px:
        x, y = column * spacing_mm[1], row * spacing_mm[0]
        nearest = min(field.sides.values(), key=lambda s: abs(s.outward(x, y)))
        u = _HAND_U_PX * max(spacing_mm)
        found[nearest.name].append(LightPoint(x, y, u, "by hand"))
    return found


def from_template(
    field: Field, template: Template, light_mm: tuple[float, float, float, float]
) -> dict[str, list[LightPoint]]:
    """Return where the light edges read on a template (left, top, right, bottom) are imaged."""
    left, top, right, bottom = light_mm
    across, down = 0.5 * (left + right), 0.5 * (top + bottom)
    edges = ((left, down, -1 + 0j), (across, top, -1j), (right, down, 1 + 0j), (across, bottom, 1j))
    found: dict[str, list[LightPoint]] = {}
    for x, y, outward in edges:
        normal = cmath.phase(template.a * outward)
        place = template.at(x, y)
        for name, side in field.sides.items():
            if abs(_turned(normal - side.normal)) < math.pi / 4:
                found[name] = [LightPoint(place.real, place.imag, template.u, "template")]
    return found


def matched(
    template_mm: Sequence[tuple[float, float]], found_mm: Sequence[tuple[float, float]]
) -> Template:
    """Find how the template lies: scale, turn and shift that put each of its marks on a marker.

    Raises
    ------
    AnalysisError
        Code ``template-not-found``.
    """
    marks = [complex(*p) for p in template_mm]
    found = np.array([complex(*p) for p in found_mm])
    far = max(range(1, len(marks)), key=lambda i: abs(marks[i] - marks[0]))
    best: tuple[float, list[int]] | None = None
    for i in range(len(found)):
        for j in range(len(found)):
            if i == j:
                continue
            a = (found[j] - found[i]) / (marks[far] - marks[0])
            placed = a * np.array(marks) + found[i] - a * marks[0]
            apart = np.abs(placed[:, None] - found[None, :])
            nearest = np.argmin(apart, axis=1)
            # A turned symmetric template fits as well; the one turned least is meant.
            if apart.min(axis=1).max() < _MATCH_MM and len(set(nearest.tolist())) == len(marks):
                turn = abs(cmath.phase(complex(a)))
                if best is None or turn < best[0]:
                    best = (turn, nearest.tolist())
    if best is None:
        raise AnalysisError(
            f"The {len(marks)} marks of the template were not found among the {len(found)} round "
            "markers in the image. Check the positions, or give the marks by hand "
            "(marker_points_px), in the template's order.",
            stage="find markers",
            code="template-not-found",
            detail={"markers": [[float(f.real), float(f.imag)] for f in found]},
        )
    return fitted(template_mm, [(float(found[k].real), float(found[k].imag)) for k in best[1]])


def fitted(
    template_mm: Sequence[tuple[float, float]], points_mm: Sequence[tuple[float, float]]
) -> Template:
    """Fit scale, turn and shift to marks and points in the same order, by least squares."""
    marks, places = (np.array([complex(*p) for p in q]) for q in (template_mm, points_mm))
    centred = marks - marks.mean()
    spread = float((np.abs(centred) ** 2).sum())
    a = complex((np.conj(centred) * places).sum() / spread)
    b = complex(places.mean() - a * marks.mean())
    residual = np.abs(places - a * marks - b)
    freedom = max(1, 2 * len(marks) - 4)
    sd = math.sqrt(float((residual**2).sum()) / freedom)
    return Template(a, b, sd / math.sqrt(len(marks)), sd / math.sqrt(spread), tuple(points_mm))


def _turned(angle: float) -> float:
    return math.atan2(math.sin(angle), math.cos(angle))


def _parallel(bar: Bar, side: Side) -> bool:
    return abs(math.sin(bar.direction - side.normal - math.pi / 2)) < math.sin(_PARALLEL_WITHIN)


def _extent(field: Field, name: str) -> float:
    pair = ("left", "right") if name in ("left", "right") else ("top", "bottom")
    found = field.extent(*pair)
    return field.rough.across if found is None else found[0]


def _of_bar(bar: Bar, side: Side, part: str, marker_mm: float | None) -> LightPoint | None:
    nx, ny = -math.sin(bar.direction), math.cos(bar.direction)
    out = 1.0 if nx * math.cos(side.normal) + ny * math.sin(side.normal) > 0 else -1.0
    inner, outer = bar.edges if out > 0 else bar.edges[::-1]
    if marker_mm is not None:
        if outer is None and inner is not None:
            outer = inner + out * marker_mm
        elif inner is None and outer is not None:
            inner = outer - out * marker_mm
    middle = None if inner is None or outer is None else 0.5 * (inner + outer)
    place = {INNER: inner, OUTER: outer, CENTRE: middle}[part]
    if place is None:
        return None
    return LightPoint(bar.x + place * nx, bar.y + place * ny, bar.u, "bar")


def _of_round(ring: Round, side: Side, part: str) -> LightPoint:
    shift = {INNER: -ring.radius, CENTRE: 0.0, OUTER: ring.radius}[part]
    return LightPoint(
        ring.x + shift * math.cos(side.normal), ring.y + shift * math.sin(side.normal), ring.u,
        "round",
    )  # fmt: skip


def _towards(field: Field, ring: Round) -> list[str]:
    """Return the sides a round marker lies at: one, two at a corner, none in the middle."""
    x, y = field.centre()
    turn = field.turn
    u = (ring.x - x) * math.cos(turn) + (ring.y - y) * math.sin(turn)
    v = -(ring.x - x) * math.sin(turn) + (ring.y - y) * math.cos(turn)
    across, down = 2 * u / _extent(field, "left"), 2 * v / _extent(field, "top")
    names = SIDES[0] if across > 0 else SIDES[2], SIDES[1] if down > 0 else SIDES[3]
    if min(abs(across), abs(down)) > _CORNER:
        return list(names)
    if max(abs(across), abs(down)) < 1.0 - 2 * _NEAR_SHARE:
        return []
    return [names[0] if abs(across) > abs(down) else names[1]]
