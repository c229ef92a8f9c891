"""Cone-beam CT phantoms: one measurement for every description in ``cbct_data``."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from kerma.core import Analysis, Image, InputError, quantity
from kerma.imaging.phantoms import _cbct_geometry, _cbct_parts, _cbct_resolution
from kerma.imaging.phantoms._cbct_locate import CbctFound, find_phantom
from kerma.imaging.phantoms._cbct_spec import CbctSpec, load_cbct
from kerma.imaging.phantoms._grid import Volume
from kerma.imaging.phantoms._metal import MetalScene, metal_artefact
from kerma.imaging.phantoms._part import Part
from kerma.imaging.phantoms._regions import shape
from kerma.imaging.phantoms._survey import Overrides
from kerma.imaging.record import choose, provenance
from kerma.imaging.registry import Recognise, Run, measurement

VERSION = "1"
EDITION = "Definitions in docs/methods/cbct-phantoms.md; geometry in the phantom's data file"


@dataclass(frozen=True, slots=True)
class CbctParameters:
    """Manual overrides; everything else is found in the images.

    Attributes
    ----------
    origin_slice
        Index, in the images as given, of the slice through the middle of the rods of materials.
    centre_px
        (column, row) of the phantom's middle in that slice.
    roll_deg
        Rotation of the phantom, clockwise as displayed.
    """

    origin_slice: int | None = None
    centre_px: tuple[float, float] | None = None
    roll_deg: float | None = None


def analyse(spec: CbctSpec, images: Sequence[Image], **parameters: Any) -> Analysis:
    """Measure everything a phantom's description holds in one series.

    Parameters
    ----------
    spec
        The phantom the images are said to show. Another phantom is refused.
    images
        The slices of one axial series, in any order.
    parameters
        See `CbctParameters`.

    Raises
    ------
    InputError
        ``wrong-phantom``, ``truncated-series``, ``mixed-series``, ``phantom-not-found``, ...
    """
    given = choose(CbctParameters, parameters)
    part = Part()

    def overrides(volume: Volume) -> Overrides:
        return _overrides(given, volume, part)

    found = find_phantom(images, spec, overrides)
    part.warnings += found.warnings
    part.add(_position(found))
    part.add(_cbct_parts.materials(found, spec))
    part.add(_cbct_parts.homogeneity(found, spec))
    part.add(_cbct_geometry.geometry(found, spec))
    part.add(_cbct_resolution.resolution(found, spec))
    part.add(_artefact(found, spec))
    return Analysis(
        name=spec.measurement,
        status="measured",
        provenance=provenance(
            spec.measurement, VERSION, EDITION, images, given,
            phantom=spec.key, phantom_sha256=spec.sha256,
        ),
        values=part.values,
        regions=tuple(part.regions),
        curves=tuple(part.curves),
        warnings=tuple(part.warnings),
        facts={"phantom": spec.title, "recalled": spec.recalled, **part.facts},
    )  # fmt: skip


def _overrides(given: CbctParameters, volume: Volume, part: Part) -> Overrides:
    index, centre = None, None
    if given.origin_slice is not None:
        if given.origin_slice not in volume.order:
            raise InputError(
                f"There is no slice {given.origin_slice}; the series has {len(volume.order)}, "
                "counted from 0.",
                code="bad-parameter",
            )
        index = volume.order.index(given.origin_slice)
        part.warnings.append(f"The origin slice was set by hand: {given.origin_slice}.")
    if given.centre_px is not None:
        x, y = volume.to_mm(*given.centre_px, index or 0)
        centre = (float(x), float(y))
        part.warnings.append(
            f"The phantom's middle was set by hand: column {given.centre_px[0]:g}, row "
            f"{given.centre_px[1]:g}."
        )
    if given.roll_deg is not None:
        part.warnings.append(f"The phantom's roll was set by hand: {given.roll_deg:g} degrees.")
    return Overrides(index, centre, given.roll_deg)


def _position(found: CbctFound) -> Part:
    part, pose, axis, volume = Part(), found.pose, found.pose.axis, found.volume
    x, y = pose.centre(pose.origin_mm)
    tilt = math.degrees(math.atan(math.hypot(axis.slope_x, axis.slope_y)))
    part.values = {
        "roll": quantity(pose.roll_deg, "deg", pose.u_roll_deg),
        "tilt": quantity(tilt, "deg", max(0.02, math.degrees(axis.scatter_mm / 50))),
        "centre_offset_x": quantity(x, "mm", axis.scatter_mm),
        "centre_offset_y": quantity(y, "mm", axis.scatter_mm),
        "origin_position": quantity(pose.origin_mm, "mm", pose.u_origin_mm),
    }
    if pose.turned:
        part.warnings.append(
            "The phantom is turned end to end or was scanned feet first; the analysis follows it."
        )
    index = volume.nearest(pose.origin_mm)
    part.facts["origin_slice"] = volume.order[index]
    part.facts["turned"] = pose.turned
    part.facts["insert_circle_scale"] = round(found.scale, 4)
    part.regions.append(shape(volume, index, "point", "middle", [(float(x), float(y))]))
    return part


def _artefact(found: CbctFound, spec: CbctSpec) -> Part:
    metal = spec.artefact
    if metal is None:
        return Part()
    slices = found.slices(metal.z_mm)
    clear = found.slices(spec.uniformity.z_mm)
    if not slices:
        return Part(warnings=["Artefacts not measured: the series does not hold the metal rods."])
    middle = float(found.volume.s_mm[slices[len(slices) // 2]])
    rods = [found.pose.place(*found.place(xy), middle) for xy in metal.rods]
    centre = found.pose.axis.at(middle)
    scene = MetalScene(
        tuple(slices), tuple(clear), tuple((float(x), float(y)) for x, y in rods),
        metal.rod_radius_mm, found.body.range, centre, spec.body_radius_mm,
    )  # fmt: skip
    return metal_artefact(found.volume, scene)


def _register(spec: CbctSpec) -> None:
    def run(images: Sequence[Image], **parameters: Any) -> Analysis:
        return analyse(spec, images, **parameters)

    def recognise(images: Sequence[Image]) -> str:
        found = find_phantom(images, spec)
        return (
            f"a body {2 * found.pose.axis.radius_mm:.0f} mm across with the rods of a {spec.title} "
            f"(correlation {found.run.correlation:.2f})"
        )

    run.__doc__ = f"Measure a {spec.title}; see `analyse`."
    registered: Run = run
    evidence: Recognise = recognise
    measurement(
        spec.measurement,
        version=VERSION,
        title=f"{spec.title}, cone-beam CT",
        edition=EDITION,
        modalities=("CT",),
        recognise=evidence,
    )(registered)


for _spec in load_cbct().values():
    _register(_spec)
