"""X-ray field against light field, from markers laid on the edges of the light."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from kerma.core import Analysis, Image, Quantity, Region, quantity
from kerma.imaging import identity
from kerma.imaging.geometry import _light, _setup
from kerma.imaging.geometry._light import LightPoint, Template
from kerma.imaging.geometry._markers import Markers, find_markers
from kerma.imaging.geometry._setup import ACROSS, DOWN, Setup
from kerma.imaging.geometry.field_size import (
    POLARITIES,
    edge_curves,
    measured_sizes,
    shape_values,
    side_facts,
)
from kerma.imaging.record import choose, provenance, require
from kerma.imaging.registry import measurement
from kerma.imaging.tools.field import Field

NAME, VERSION = "field-alignment", "1"
EDITION = "X-ray edge at 50 % of the linearised profile; light edge from markers, IPEM 91 practice"
_SPREAD_WARNED_MM = 5.0
_SCALE_DIFFERS = 0.02


@dataclass(frozen=True, slots=True)
class Parameters:
    """What may be chosen; see `kerma.imaging.geometry.field_size` for what is not said here.

    Attributes
    ----------
    light_edge
        Part of each marker that lay on the light's edge, seen from the middle of the field:
        ``centre``, ``inner`` (towards the middle) or ``outer``.
    marker_mm
        True width of a bar or an L's arm, to reach a part that lies outside the X-ray field.
    marker_points_px
        Points of the light's edge set by hand (column, row), instead of markers found; with a
        template its marks, in its order.
    template_mm, light_field_mm
        Positions (x, y) of a template's round marks, and where the light's edges (left, top,
        right, bottom) were read on it, in mm on the template, y downwards as displayed.
    plane_mm
        Distance of the markers from the focus.
    """

    light_edge: str = _light.CENTRE
    marker_mm: float | None = None
    marker_points_px: tuple[tuple[float, float], ...] | None = None
    template_mm: tuple[tuple[float, float], ...] | None = None
    light_field_mm: tuple[float, float, float, float] | None = None
    fdd_mm: float | None = None
    plane_mm: float | None = None
    polarity: str = "auto"
    stp: Mapping[str, Any] | None = None
    allow_processed: bool = False

    def __post_init__(self) -> None:
        require(self.light_edge in _light.PARTS, "light_edge",
                f"The part of the marker is one of {', '.join(_light.PARTS)}.")  # fmt: skip
        require(self.marker_mm is None or self.marker_mm > 0, "marker_mm",
                "The width of a marker is above zero.")  # fmt: skip
        require(self.polarity in POLARITIES, "polarity",
                f"The polarity is one of {', '.join(POLARITIES)}.")  # fmt: skip
        require((self.template_mm is None) == (self.light_field_mm is None), "light_field_mm",
                "A template needs its marks and the light's edges read on it.")  # fmt: skip
        if self.template_mm is not None:
            require(len(set(self.template_mm)) == len(self.template_mm) >= 3, "template_mm",
                    "A template needs three marks or more, all different.")  # fmt: skip
            given = self.marker_points_px
            require(given is None or len(given) == len(self.template_mm), "marker_points_px",
                    "Give one point for each mark of the template, in its order.")  # fmt: skip
        _setup.require_distances(self.fdd_mm, self.plane_mm)


@measurement(
    NAME,
    version=VERSION,
    title="Light field against X-ray field",
    edition=EDITION,
    modalities=identity.PLANAR,
)
def measure(images: Sequence[Image], **parameters: Any) -> Analysis:
    """Measure where the X-ray field's edges lie against the light's, in one image.

    For each side that shows and has a marker: ``deviation_left`` and so on, mm at the detector,
    positive where the X-ray field reaches beyond the light; ``..._plane``, the same in the
    markers' plane (divided by the magnification FDD / `plane_mm`); ``..._percent`` of the FDD (the
    same share in either plane). ``sum_x`` and ``sum_y`` are the sums of the two absolute
    deviations of an axis, ``largest`` the largest absolute one of all four; with ``..._plane`` and
    ``..._percent``. Also ``width``, ``height``, ``tilt``, ``shear``, ``penumbra_...`` and
    ``header_difference_...`` of `field-size`; with a template ``magnification``.

    Raises
    ------
    InputError
        See `kerma.imaging.identity`; ``not-linear``, ``saturated-image``.
    AnalysisError
        ``no-field-edge``, ``not-a-field``, ``electronic-shutter``, ``template-not-found``.
    """
    chosen = choose(Parameters, parameters)
    identity.check(images, modalities=identity.PLANAR, at_most=1)
    setup = _setup.prepare(images[0], stp=chosen.stp, allow_processed=chosen.allow_processed,
                           fdd_mm=chosen.fdd_mm)  # fmt: skip
    _setup.require_not_clinical(setup, chosen.polarity)
    scale = _setup.magnification(setup.fdd_mm, chosen.plane_mm)
    field = _setup.field_of(setup, shape="rectangle", polarity=chosen.polarity)
    points, template, markers = _light_points(chosen, setup, field, scale)
    deviations = {n: _deviation(setup, field, n, p) for n, p in points.items() if p}
    values = _values(setup, deviations, scale)
    header, header_facts = _setup.header_edges(setup, field)
    warnings = [*setup.warnings, *_setup.hidden_warnings(field)]
    warnings += _light_warnings(chosen, setup, field, points, markers)
    if template is not None:
        values["magnification"] = quantity(abs(template.a), "1", template.u_scale)
        if scale is not None and abs(abs(template.a) / scale - 1) > _SCALE_DIFFERS:
            warnings.append(
                f"The template is imaged {abs(template.a):.3f} times as large as it is; the "
                f"distances say {scale:.3f}. Check them."
            )
    measured = bool(deviations)
    extra = {**measured_sizes(setup, field), **shape_values(field), **header}
    return Analysis(
        name=NAME,
        status="measured" if measured else "not measurable",
        reason="" if measured else "No marker was found at a side of the field that shows.",
        provenance=provenance(NAME, VERSION, EDITION, images, chosen, fdd_mm_used=setup.fdd_mm),
        values={**values, **extra} if measured else {},
        regions=(*_setup.side_regions(setup, field), *_light_regions(setup, field, points)),
        curves=edge_curves(field),
        warnings=tuple(warnings),
        facts={
            "header": header_facts, "sides": side_facts(field), "hidden": dict(field.hidden),
            "light": _light_facts(field, points),
        },
    )  # fmt: skip


def _light_points(
    chosen: Parameters, setup: Setup, field: Field, scale: float | None
) -> tuple[dict[str, list[LightPoint]], Template | None, Markers | None]:
    spacing = setup.spacing_mm
    hand = chosen.marker_points_px
    if chosen.template_mm is not None and chosen.light_field_mm is not None:
        if hand is not None:
            places = [(c * spacing[1], r * spacing[0]) for c, r in hand]
            template = _light.fitted(chosen.template_mm, places)
        else:
            found = find_markers(setup.pixels, spacing, field).rounds
            template = _light.matched(chosen.template_mm, [(r.x, r.y) for r in found])
        return _light.from_template(field, template, chosen.light_field_mm), template, None
    if hand is not None:
        return _light.by_hand(field, hand, spacing), None, None
    markers = find_markers(setup.pixels, spacing, field)
    width = None if chosen.marker_mm is None else chosen.marker_mm * (scale or 1.0)
    return _light.from_markers(field, markers, chosen.light_edge, width), None, markers


def _deviation(setup: Setup, field: Field, name: str, points: Sequence[LightPoint]) -> Quantity:
    """Return how far the X-ray edge lies beyond the light's, the mean over the points."""
    side = field.sides[name]
    n = len(points)
    mean = -sum(side.outward(p.x, p.y) for p in points) / n
    along = (
        sum(
            -(p.x - side.x) * math.sin(side.normal) + (p.y - side.y) * math.cos(side.normal)
            for p in points
        )
        / n
    )
    u = math.hypot(
        _setup.edge_u(setup, side), along * side.u_turn, math.hypot(*(p.u for p in points)) / n
    )
    return quantity(mean, "mm", u)


def _values(
    setup: Setup, deviations: Mapping[str, Quantity], scale: float | None
) -> dict[str, Quantity]:
    lengths = {f"deviation_{n}": q for n, q in deviations.items()}
    for name, pair in (("sum_x", ACROSS), ("sum_y", DOWN)):
        if all(n in deviations for n in pair):
            parts = [deviations[n] for n in pair]
            u = math.hypot(*(q.u or 0.0 for q in parts))
            lengths[name] = quantity(sum(abs(q.value) for q in parts), "mm", u)
    if len(deviations) == 4:  # the side that is missing may be the worst
        worst = max(deviations.values(), key=lambda q: abs(q.value))
        lengths["largest"] = quantity(abs(worst.value), "mm", worst.u)
    values = dict(lengths)
    for name, q in lengths.items():
        if scale is not None:
            values[f"{name}_plane"] = quantity(q.value / scale, "mm", (q.u or 0.0) / scale)
        share = setup.of_fdd(q)
        if share is not None:
            values[f"{name}_percent"] = share
    return values


def _light_warnings(
    chosen: Parameters,
    setup: Setup,
    field: Field,
    points: Mapping[str, Sequence[LightPoint]],
    markers: Markers | None,
) -> list[str]:
    found = []
    if chosen.marker_points_px is not None:
        found.append("The markers were set by hand.")
    for name, side in field.sides.items():
        at_side = points.get(name, ())
        if not at_side:
            found.append(
                f"No marker with its {chosen.light_edge} in view was found at the {name} side, so "
                "its deviation is left out."
            )
            continue
        away = [side.outward(p.x, p.y) for p in at_side]
        if max(away) - min(away) > _SPREAD_WARNED_MM:
            found.append(
                f"The markers at the {name} side lie {max(away) - min(away):.1f} mm apart across "
                "it: the light field is turned against the X-ray field, or a marker is misplaced."
            )
    if markers is not None and markers.other:
        found.append(f"{markers.other} dark objects are neither bars, corners nor round.")
    if setup.fdd_mm is None:
        found.append("Without the focus-detector distance no deviation in % of it is given.")
    elif chosen.plane_mm is None:
        found.append(
            "Without the distance of the markers from the focus (plane_mm), lengths are at the "
            "detector only."
        )
    return found


def _light_regions(
    setup: Setup, field: Field, points: Mapping[str, Sequence[LightPoint]]
) -> list[Region]:
    return [
        Region(f"Light field, {name}", "point", (setup.to_px(p.x, p.y),),
               values={"outwards": quantity(field.sides[name].outward(p.x, p.y), "mm", p.u)})
        for name, at_side in points.items()
        for p in at_side
    ]  # fmt: skip


def _light_facts(
    field: Field, points: Mapping[str, Sequence[LightPoint]]
) -> dict[str, list[dict[str, Any]]]:
    return {
        name: [
            {"kind": p.kind, "x_ray_beyond_light_mm": -field.sides[name].outward(p.x, p.y)}
            for p in at_side
        ]
        for name, at_side in points.items()
    }
