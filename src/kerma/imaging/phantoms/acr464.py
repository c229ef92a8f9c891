"""The ACR CT accreditation phantom (Gammex 464): find it, prove it, measure its four modules."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from kerma.core import Analysis, Image, InputError, quantity
from kerma.imaging.phantoms import _acr_bars, _acr_contrast, _acr_modules, _acr_ramps
from kerma.imaging.phantoms._acr_locate import Located, locate
from kerma.imaging.phantoms._acr_spec import AcrSpec, load_acr
from kerma.imaging.phantoms._grid import Volume
from kerma.imaging.phantoms._inner import level_axis
from kerma.imaging.phantoms._outline import Axis, find_axis
from kerma.imaging.phantoms._part import Part
from kerma.imaging.phantoms._regions import shape
from kerma.imaging.phantoms._series import order_series
from kerma.imaging.phantoms._survey import Overrides
from kerma.imaging.phantoms._usable import CUT_OFF, require_upright, require_usable_series
from kerma.imaging.record import choose, provenance
from kerma.imaging.registry import measurement

NAME, VERSION = "ct-acr464", "1"
EDITION = "ACR CT accreditation phantom testing; definitions in docs/methods/ct-acr464.md"

# From the far end of module 1 to the beginning of the bars: less cannot hold all four modules.
_NEEDED_MM = 85.0


@dataclass(frozen=True, slots=True)
class Acr464Parameters:
    """Manual overrides; everything else is found in the images.

    Attributes
    ----------
    origin_slice
        Index, in the images as given, of the slice through the balls of module 1.
    centre_px
        (column, row) of the phantom's middle in that slice.
    roll_deg
        Rotation of the phantom, clockwise as displayed.
    """

    origin_slice: int | None = None
    centre_px: tuple[float, float] | None = None
    roll_deg: float | None = None


def recognise(images: Sequence[Image]) -> str:
    """Say what shows the ACR phantom in the images, or refuse."""
    _, _, found = _found(images, None)
    return (
        f"four rods on one circle in the right order (correlation {found.run.correlation:.2f}) and "
        "line-pair squares three modules away"
    )


@measurement(
    NAME,
    version=VERSION,
    title="ACR CT phantom (Gammex 464), all modules",
    edition=EDITION,
    modalities=("CT",),
    recognise=recognise,
)
def measure(images: Sequence[Image], **parameters: Any) -> Analysis:
    """Measure every module of an ACR CT phantom in one CT series.

    Parameters
    ----------
    images
        The slices of one axial series, in any order, from the balls of module 1 to those of
        module 4 at least.
    parameters
        See `Acr464Parameters`.

    Raises
    ------
    InputError
        The series or the phantom is not what it should be: ``wrong-phantom``, ``mixed-series``,
        ``truncated-series``, ``missing-slices``, ``reversed-order``, ``phantom-not-found``, ...
    """
    given = choose(Acr464Parameters, parameters)
    spec = load_acr()
    volume, part, found = _found(images, given)
    pose = found.pose
    part.warnings += [*volume.warnings, *found.warnings]
    part.add(_position(volume, found, spec))
    part.add(_acr_modules.ct_numbers(volume, pose, spec))
    part.add(_acr_ramps.slice_thickness(volume, pose, spec))
    part.add(_acr_contrast.low_contrast(volume, pose, spec))
    part.add(_acr_modules.uniformity(volume, pose, spec))
    part.add(_acr_modules.diameter(volume, pose, spec))
    part.add(_acr_modules.ball_distance(volume, pose, spec))
    part.add(_acr_bars.line_pairs(volume, pose, spec))
    return Analysis(
        name=NAME,
        status="measured",
        provenance=provenance(
            NAME, VERSION, EDITION, images, given, phantom=spec.key, phantom_sha256=spec.sha256
        ),
        values=part.values,
        regions=tuple(part.regions),
        curves=tuple(part.curves),
        warnings=tuple(part.warnings),
        facts={
            "phantom": spec.title,
            "recalled": [k for k, v in spec.sources.items() if "recalled" in v],
            **part.facts,
        },
    )


def _found(images: Sequence[Image], given: Acr464Parameters | None) -> tuple[Volume, Part, Located]:
    spec = load_acr()
    require_usable_series(images)
    volume = order_series(images, needed_mm=_NEEDED_MM)
    manual, part = overrides(given, volume) if given else (Overrides(), Part())
    try:
        axis = find_axis(volume, spec.body_radius_mm)
    except InputError:
        if manual.centre_mm is None:
            raise
        axis = level_axis(*manual.centre_mm, (float(volume.s_mm[0]), float(volume.s_mm[-1])))
    require_upright(axis)
    if not axis.whole:
        part.warnings.append(CUT_OFF)
    return volume, part, locate(volume, axis, spec, manual)


def overrides(given: Acr464Parameters, volume: Volume) -> tuple[Overrides, Part]:
    """Return what was set by hand in terms of the ordered series, with its warnings.

    Raises
    ------
    InputError
        Code ``bad-parameter``: there is no such slice.
    """
    part, index, centre = Part(), None, None
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
    return Overrides(index, centre, given.roll_deg), part


def _position(volume: Volume, found: Located, spec: AcrSpec) -> Part:
    """Return roll, tilt, offset, where the modules are, and what the alignment balls say."""
    part, pose, axis = Part(), found.pose, found.pose.axis
    x, y = pose.centre(pose.origin_mm)
    tilt_x, tilt_y = (math.degrees(math.atan(v)) for v in (axis.slope_x, axis.slope_y))
    u_tilt = _u_tilt(axis, len(volume.images))
    part.values = {
        "roll": quantity(pose.roll_deg, "deg", pose.u_roll_deg),
        "centre_offset_x": quantity(x, "mm", axis.scatter_mm),
        "centre_offset_y": quantity(y, "mm", axis.scatter_mm),
        "centre_offset": quantity(math.hypot(x, y), "mm", axis.scatter_mm),
        "origin_position": quantity(pose.origin_mm, "mm", pose.u_origin_mm),
    }
    if axis.outlined:
        part.values |= {
            "tilt_x": quantity(tilt_x, "deg", u_tilt),
            "tilt_y": quantity(tilt_y, "deg", u_tilt),
            "tilt": quantity(math.hypot(tilt_x, tilt_y), "deg", u_tilt),
        }
    planes = {plane.module: plane for plane in found.beads}
    for plane in found.beads:
        part.values[f"beads_{plane.module}"] = quantity(plane.s_mm, "mm", plane.u_mm)
        for index, bx, by in plane.places:
            part.regions.append(
                shape(volume, index, "circle", "alignment ball", [(bx, by), (bx + 2, by)])
            )
    if len(planes) == len(spec.beads.modules):
        near, far = (planes[m] for m in spec.beads.modules)
        part.values["bead_plane_distance"] = quantity(
            abs(far.s_mm - near.s_mm), "mm", math.hypot(far.u_mm, near.u_mm)
        )
    if pose.turned:
        part.warnings.append(
            "The phantom is turned end to end or was scanned feet first; the analysis follows it."
        )
    index = volume.nearest(pose.origin_mm)
    part.facts["origin_slice"] = volume.order[index]
    part.facts["turned"] = pose.turned
    part.facts["alignment_balls_found"] = {p.module: len(p.each_mm) for p in found.beads}
    part.facts["module_positions_mm"] = {
        m: round(pose.s_mm(z), 2) for m, z in spec.modules_mm.items()
    }
    if axis.outlined:
        ax, ay = axis.at(float(volume.s_mm[index]))
        part.regions.append(
            shape(volume, index, "circle", "outline", [(ax, ay), (ax + axis.radius_mm, ay)])
        )
    part.regions.append(shape(volume, index, "point", "middle", [(x, y)]))
    return part


def _u_tilt(axis: Axis, slices: int) -> float:
    # A middle is known to its scatter; over the length of the phantom that is the axis' angle.
    length = axis.span_mm[1] - axis.span_mm[0]
    return math.degrees(axis.scatter_mm / length * math.sqrt(12 / slices))
