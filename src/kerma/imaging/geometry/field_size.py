"""Size, turn and penumbra of a collimated X-ray field in one image."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from kerma.core import Analysis, Curve, Image, Quantity, quantity
from kerma.imaging import identity
from kerma.imaging.geometry import _setup
from kerma.imaging.geometry._setup import ACROSS, DOWN, Setup
from kerma.imaging.record import choose, provenance, require
from kerma.imaging.registry import measurement
from kerma.imaging.tools.field import Field
from kerma.imaging.tools.field_search import SIDES

NAME, VERSION = "field-size", "1"
EDITION = "Field edges at 50 % of the linearised profile; no standard names a method"
SHAPES, POLARITIES = ("auto", "rectangle", "circle"), ("auto", "bright", "dark")
_SHEAR_WARNED_DEG = 1.0


@dataclass(frozen=True, slots=True)
class Parameters:
    """What may be chosen.

    Attributes
    ----------
    shape, polarity
        What the field is known to be: ``rectangle`` or ``circle``, found when ``auto``;
        ``bright`` or ``dark`` (pixel values rise or fall with dose), as the header says when
        ``auto``, ``bright`` when it does not.
    nominal_mm
        Width and height the system indicates, in the plane `plane_mm` (at the detector when that
        is absent).
    fdd_mm
        Focus-detector distance, instead of the header's.
    plane_mm
        Distance from the focus of the plane in which the size is wanted as well.
    stp
        Signal transfer property for linearisation: model, a, b, c (K in µGy).
    allow_processed
        Measure an image processed for display, with a warning and a larger uncertainty.
    """

    shape: str = "auto"
    polarity: str = "auto"
    nominal_mm: tuple[float, float] | None = None
    fdd_mm: float | None = None
    plane_mm: float | None = None
    stp: Mapping[str, Any] | None = None
    allow_processed: bool = False

    def __post_init__(self) -> None:
        require(self.shape in SHAPES, "shape", f"The shape is one of {', '.join(SHAPES)}.")
        require(self.polarity in POLARITIES, "polarity",
                f"The polarity is one of {', '.join(POLARITIES)}.")  # fmt: skip
        require(self.nominal_mm is None or min(self.nominal_mm) > 0, "nominal_mm",
                "The nominal size is above zero.")  # fmt: skip
        _setup.require_distances(self.fdd_mm, self.plane_mm)


@measurement(
    NAME,
    version=VERSION,
    title="Size of the X-ray field",
    edition=EDITION,
    modalities=identity.PLANAR,
)
def measure(images: Sequence[Image], **parameters: Any) -> Analysis:
    """Measure the field in one image.

    Values ``width`` and ``height`` (mm at the detector; ``diameter`` of a round field), ``tilt``
    (deg to the rows, clockwise as displayed), ``shear`` (deg by which the two pairs of sides miss
    the right angle), ``penumbra_left`` and so on (mm, 20 % to 80 %), ``width_plane`` and
    ``height_plane`` (mm in the plane at `plane_mm`), ``width_difference`` and ``height_difference``
    (mm, measured less `nominal_mm`; with ``..._percent`` of the FDD), ``header_difference_left``
    and so on (mm, measured less the header's collimator edge).

    Raises
    ------
    InputError
        See `kerma.imaging.identity`; ``not-linear``, ``saturated-image``.
    AnalysisError
        ``no-field-edge``, ``not-a-field``, ``electronic-shutter``.
    """
    chosen = choose(Parameters, parameters)
    identity.check(images, modalities=identity.PLANAR, at_most=1)
    setup = _setup.prepare(images[0], stp=chosen.stp, allow_processed=chosen.allow_processed,
                           fdd_mm=chosen.fdd_mm)  # fmt: skip
    _setup.require_not_clinical(setup, chosen.polarity)
    field = _setup.field_of(setup, shape=chosen.shape, polarity=chosen.polarity)
    scale = _setup.magnification(setup.fdd_mm, chosen.plane_mm)
    sizes = measured_sizes(setup, field)
    values = {**sizes, **shape_values(field), **_in_plane(sizes, scale)}
    values.update(_against_nominal(setup, sizes, chosen.nominal_mm, scale))
    header, facts = _setup.header_edges(setup, field)
    warnings = (
        *setup.warnings,
        *_setup.hidden_warnings(field),
        *_more_warnings(chosen, setup, values),
    )
    sized = any(name in sizes for name in ("width", "height", "diameter"))
    return Analysis(
        name=NAME,
        status="measured" if sized else "not measurable",
        reason="" if sized else "No two opposite sides of the field show in this image.",
        provenance=provenance(NAME, VERSION, EDITION, images, chosen, fdd_mm_used=setup.fdd_mm),
        values={**values, **header} if sized else {},
        regions=tuple(_setup.side_regions(setup, field)),
        curves=edge_curves(field),
        warnings=warnings,
        facts={"header": facts, "sides": side_facts(field), "hidden": dict(field.hidden)},
    )


def measured_sizes(setup: Setup, field: Field) -> dict[str, Quantity]:
    """Return width and height, or the diameter of a round field, at the detector."""
    if field.circle is not None:
        c = field.circle
        return {"diameter": quantity(2 * c.radius, "mm", 2 * c.u_radius)}
    found = {}
    for name, pair in (("width", ACROSS), ("height", DOWN)):
        extent = field.extent(*pair)
        if extent is not None:
            # Processing moves both sides alike, outwards or inwards.
            bent = sum(_setup.bent_u(setup, s) for s in map(field.sides.get, pair) if s)
            found[name] = quantity(extent[0], "mm", math.hypot(extent[1], bent))
    return found


def shape_values(field: Field) -> dict[str, Quantity]:
    """Return tilt, shear and penumbrae of a rectangular field."""
    if field.circle is not None:
        return {}
    values = {"tilt": quantity(math.degrees(field.turn), "deg", math.degrees(field.u_turn))}
    turns = {n: s.normal - SIDES.index(n) * math.pi / 2 for n, s in field.sides.items()}
    pairs = [[(turns[n], field.sides[n].u_turn) for n in p if n in turns] for p in (ACROSS, DOWN)]
    if all(pairs):
        mean = [sum(t for t, _ in p) / len(p) for p in pairs]
        u = math.hypot(*(math.hypot(*(v for _, v in p)) / len(p) for p in pairs))
        values["shear"] = quantity(math.degrees(mean[1] - mean[0]), "deg", math.degrees(u))
    for name, side in field.sides.items():
        if side.penumbra is not None:
            # A 20 % or 80 % crossing lies where the slope is 0.7 of that at 50 %.
            values[f"penumbra_{name}"] = quantity(side.penumbra, "mm", 2.0 * side.u)
    return values


def _in_plane(sizes: Mapping[str, Quantity], scale: float | None) -> dict[str, Quantity]:
    if scale is None:
        return {}
    return {
        f"{name}_plane": quantity(q.value / scale, "mm", None if q.u is None else q.u / scale)
        for name, q in sizes.items()
    }


def _against_nominal(
    setup: Setup,
    sizes: Mapping[str, Quantity],
    nominal_mm: tuple[float, float] | None,
    scale: float | None,
) -> dict[str, Quantity]:
    """Return measured less nominal in the nominal's plane, and as % of the FDD at the detector."""
    values: dict[str, Quantity] = {}
    if nominal_mm is None:
        return values
    m = scale or 1.0
    for name, nominal in zip(("width", "height"), nominal_mm, strict=True):
        if name in sizes:
            q = sizes[name]
            u = None if q.u is None else q.u / m
            values[f"{name}_difference"] = quantity(q.value / m - nominal, "mm", u)
            share = setup.of_fdd(quantity(q.value - nominal * m, "mm", q.u))
            if share is not None:
                values[f"{name}_difference_percent"] = share
    return values


def _more_warnings(
    chosen: Parameters, setup: Setup, values: Mapping[str, Quantity]
) -> tuple[str, ...]:
    found = []
    if chosen.plane_mm is not None and setup.fdd_mm is None:
        found.append("Without the focus-detector distance the size in the plane is not known.")
    shear = values.get("shear")
    if shear is not None and abs(shear.value) > max(_SHEAR_WARNED_DEG, 3 * (shear.u or 0.0)):
        found.append(
            f"The sides of the field miss the right angle by {abs(shear.value):.1f} degrees."
        )
    return tuple(found)


def side_facts(field: Field) -> dict[str, Any]:
    """Return, for each side, the strips measured and those that lie on the straight edge."""
    return {
        name: {"strips": side.strips, "kept": side.kept,
               "direction_deg": math.degrees(side.normal)}
        for name, side in field.sides.items()
    }  # fmt: skip


def edge_curves(field: Field) -> tuple[Curve, ...]:
    """Return the mean profile across each measured side."""
    return tuple(
        Curve(f"Edge, {name}", tuple(map(float, side.distance)),
              tuple(map(float, np.asarray(side.profile))), "Distance outwards", "mm", "Step", "1")
        for name, side in field.sides.items()
    )  # fmt: skip
