"""CatPhan analyses: one measurement for every model described in the data folder."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from kerma.core import Analysis, Curve, Image, InputError, Region, quantity
from kerma.imaging.phantoms import (
    _beads,
    _blur,
    _linepairs,
    _lowcontrast,
    _noise,
    _points,
    _ramps,
    _recognise,
    _rods,
    _sensitometry,
    _survey,
    _uniformity,
)
from kerma.imaging.phantoms._describe import load_specs
from kerma.imaging.phantoms._grid import Volume
from kerma.imaging.phantoms._locate import Place, locate
from kerma.imaging.phantoms._part import Part
from kerma.imaging.phantoms._pose import Pose
from kerma.imaging.phantoms._regions import shape
from kerma.imaging.phantoms._rings import Match
from kerma.imaging.phantoms._series import order_series
from kerma.imaging.phantoms._spec import PhantomSpec, Sensitometry, polar
from kerma.imaging.record import choose, provenance
from kerma.imaging.registry import Run, measurement

VERSION = "2"
EDITION = "The Phantom Laboratory CatPhan manuals; definitions in docs/methods/ct-catphan.md"


# The tilt of noise-free digital phantoms to 5 degrees, in pixels to 0.8 mm, errs by up to 0.006
# degrees (tests/imaging/test_catphan.py, test_catphan_uncertainty.py): taken about as the standard
# uncertainty of the method.
_U_TILT_DEG = 0.005
# A thickness that is known no better than this says nothing (design choice).
_MOST_U_THICKNESS = 0.2


@dataclass(frozen=True, slots=True)
class CatphanParameters:
    """Manual overrides; everything else is found in the images.

    Attributes
    ----------
    origin_slice
        Index, in the images as given, of the slice through the middle of the ramps.
    centre_px
        (column, row) of the phantom's middle in that slice.
    roll_deg
        Rotation of the phantom, clockwise as displayed.
    """

    origin_slice: int | None = None
    centre_px: tuple[float, float] | None = None
    roll_deg: float | None = None


def analyse(spec: PhantomSpec, images: Sequence[Image], **parameters: Any) -> Analysis:
    """Measure every module of a CatPhan in one CT series.

    Parameters
    ----------
    spec
        The phantom the images are said to show. Another phantom is refused.
    images
        The slices of one axial series, in any order.
    parameters
        See `CatphanParameters`.

    Raises
    ------
    InputError
        The series or the phantom is not what it should be: ``wrong-phantom``, ``mixed-series``,
        ``truncated-series``, ``missing-slices``, ``reversed-order``, ``phantom-not-found``, ...
    """
    given = choose(CatphanParameters, parameters)
    volume = order_series(images, needed_mm=_survey.shortest_mm())
    manual, part = _overrides(given, volume)
    seen = _survey.survey(volume, manual)
    proof = _survey.prove(seen, spec)
    place = locate(seen, proof.match, spec)
    part.warnings += [*volume.warnings, *place.warnings]
    part.facts["identity"] = proof.text(spec)
    part.add(_position(volume, place))
    part.add(_measured(volume, place, spec, proof.match))
    part.facts["sources"] = dict(spec.sources)
    name = f"ct-{spec.key}"
    return Analysis(
        name=name,
        status="measured",
        provenance=provenance(
            name, VERSION, EDITION, images, given, phantom=spec.key, phantom_sha256=spec.sha256
        ),
        values=part.values,
        regions=tuple(part.regions),
        curves=tuple(part.curves),
        warnings=tuple(part.warnings),
        facts={"phantom": spec.title, **part.facts},
    )


def _measured(volume: Volume, place: Place, spec: PhantomSpec, match: Match) -> Part:
    """Return the values of every module that was scanned."""
    part, pose = Part(), place.pose
    part.add(_sensitometry.ct_numbers(volume, pose, spec, match))
    part.add(_rods.rod_spacing(volume, pose, spec))
    part.add(_thickness(volume, place, spec.sensitometry))
    part.add(_linepairs.line_pairs(volume, pose, spec))
    if {"slice_thickness", "rmtf50"} <= set(part.values):
        thickness, half = (part.values[n].value for n in ("slice_thickness", "rmtf50"))
        part.warnings += _blur.warnings(spec, thickness, half)
    homogeneous = place.holds(spec.uniformity.module)
    part.add(_points.point_mtf(volume, pose, spec, homogeneous=homogeneous))
    if homogeneous:
        part.add(_uniformity.uniformity(volume, pose, spec))
        part.add(_noise.noise_power(volume, pose, spec))
        part.add(_lowcontrast.detectable_contrast(volume, pose, spec))
    lc = spec.low_contrast
    if lc is not None and place.holds(lc.module):
        if homogeneous:
            part.add(_lowcontrast.low_contrast(volume, pose, spec, lc))
        else:
            part.warnings.append(
                f"Low contrast not measured: what is visible is judged beside {lc.module}'s "
                f"homogeneous neighbour {spec.uniformity.module}, which was not scanned."
            )
    if spec.beads is not None and place.holds(spec.beads.module):
        part.add(_beads.bead_thickness(volume, pose, spec))
    part.facts["modules_not_scanned"] = list(place.missing)
    return part


def _overrides(given: CatphanParameters, volume: Volume) -> tuple[_survey.Overrides, Part]:
    part = Part()
    index = None
    if given.origin_slice is not None:
        if given.origin_slice not in volume.order:
            raise InputError(
                f"There is no slice {given.origin_slice}; the series has {len(volume.order)}, "
                "counted from 0.",
                code="bad-parameter",
            )
        index = volume.order.index(given.origin_slice)
        part.warnings.append(f"The origin slice was set by hand: {given.origin_slice}.")
    centre = None
    if given.centre_px is not None:
        at = index if index is not None else len(volume.images) // 2
        x, y = volume.to_mm(*given.centre_px, at)
        centre = (float(x), float(y))
        part.warnings.append(
            f"The phantom's middle was set by hand: column {given.centre_px[0]:g}, row "
            f"{given.centre_px[1]:g}."
        )
    if given.roll_deg is not None:
        part.warnings.append(f"The phantom's roll was set by hand: {given.roll_deg:g} degrees.")
    return _survey.Overrides(index, centre, given.roll_deg), part


def _position(volume: Volume, place: Place) -> Part:
    """Return roll, tilt and offset of the phantom, and where its modules are."""
    part, pose = Part(), place.pose
    axis = pose.axis
    index = volume.nearest(pose.origin_mm)
    x, y = pose.centre(pose.origin_mm)
    # From the middle of the image that the origin would be seen in, not of the first image.
    x, y = (
        float(at - np.interp(pose.origin_mm, volume.s_mm, volume.shift_mm[:, k]))
        for k, at in enumerate((x, y))
    )
    along_x, along_y = (math.degrees(math.atan(v)) for v in (axis.slope_x, axis.slope_y))
    # A middle is known to its scatter; over the length of the phantom that is the axis' angle.
    length = axis.span_mm[1] - axis.span_mm[0]
    u_tilt = None
    if axis.slices:
        u_tilt = math.degrees(axis.scatter_mm / length * math.sqrt(12 / axis.slices))
        u_tilt = math.hypot(u_tilt, _U_TILT_DEG)
    u_tilt = u_tilt if axis.outlined else None
    u_centre = pose.u_shift_mm
    part.values = {
        "roll": quantity(pose.roll_deg, "deg", pose.u_roll_deg),
        "tilt_x": quantity(along_x, "deg", u_tilt),
        "tilt_y": quantity(along_y, "deg", u_tilt),
        "tilt": quantity(math.hypot(along_x, along_y), "deg", u_tilt),
        "centre_offset_x": quantity(x, "mm", u_centre),
        "centre_offset_y": quantity(y, "mm", u_centre),
        "centre_offset": quantity(math.hypot(x, y), "mm", u_centre),
        "origin_position": quantity(pose.origin_mm, "mm", pose.u_origin_mm),
    }
    if pose.turned:
        part.warnings.append(
            "The phantom is turned end to end or was scanned feet first; the analysis follows it."
        )
    part.facts["origin_slice"] = volume.order[index]
    part.facts["turned"] = pose.turned
    if axis.outlined:
        ax, ay = axis.at(float(volume.s_mm[index]))
        rim = (float(ax) + axis.radius_mm, float(ay))
        part.regions.append(
            shape(volume, index, "circle", "outline", [(float(ax), float(ay)), rim])
        )
    at = pose.centre(pose.origin_mm)
    part.regions.append(shape(volume, index, "point", "middle", [(float(at[0]), float(at[1]))]))
    return part


def _thickness(volume: Volume, place: Place, sens: Sensitometry) -> Part:
    """Return slice thickness, profile and increment from the ramps, with their profiles."""
    part, pose, origin = Part(), place.pose, place.origin
    if origin is not None and origin.increment_ratio is not None:
        part.values["slice_increment"] = quantity(
            volume.increment_mm * abs(origin.increment_ratio),
            "mm",
            volume.increment_mm * (origin.u_increment_ratio or 0.0),
        )
        part.facts["slice_increment_nominal_mm"] = volume.increment_mm
    found = _ramps.slice_thickness(volume, pose, sens)
    if found is None:
        part.warnings.append(
            "Slice thickness not measured: the wire ramps do not stand out from the noise."
        )
        return part
    if found.u_mm > _MOST_U_THICKNESS * found.thickness_mm:
        part.warnings.append(
            "Slice thickness not measured: noise or streaks leave it uncertain by "
            f"{found.u_mm / found.thickness_mm:.0%}."
        )
        return part
    part.values["slice_thickness"] = quantity(found.thickness_mm, "mm", found.u_mm)
    if found.tenth_mm is not None:
        part.values["slice_width_tenth"] = quantity(found.tenth_mm, "mm", found.u_tenth_mm)
    if volume.thickness_mm is not None:
        part.facts["slice_thickness_nominal_mm"] = volume.thickness_mm
    first = found.profiles[0].index
    for profile in (p for p in found.profiles if p.index == first):
        part.curves.append(
            Curve(f"Ramp at {profile.angle_deg:g} degrees", tuple(profile.u_mm.tolist()),
                  tuple(profile.values.tolist()), "Along the ramp", "mm", "Contrast", "1")
        )  # fmt: skip
        part.regions.append(_ramp_region(volume, pose, sens, first, profile))
    part.curves.append(_ramps.sensitivity(found, sens))
    shortest = min(p.width_mm for p in found.profiles)
    if shortest < 4 * volume.pixel_mm:
        part.warnings.append(
            "The ramp images are shorter than four pixels: the slice thickness includes the "
            "blur of the slice plane. Reconstruct a smaller field of view."
        )
    return part


def _ramp_region(
    volume: Volume, pose: Pose, sens: Sensitometry, index: int, ramp: _ramps.RampProfile
) -> Region:
    x0, y0 = polar(sens.ramps.radius_mm, ramp.angle_deg)
    tx, ty = polar(1.0, ramp.angle_deg + 90)
    s = float(volume.s_mm[index])
    ends = [
        pose.place(x0 + u * tx, y0 + u * ty, s)
        for u in (ramp.middle_mm - ramp.width_mm / 2, ramp.middle_mm + ramp.width_mm / 2)
    ]
    return shape(
        volume, index, "line", "ramp", ends, values={"width": quantity(ramp.width_mm, "mm")}
    )


def _register(spec: PhantomSpec) -> None:
    def run(images: Sequence[Image], **parameters: Any) -> Analysis:
        return analyse(spec, images, **parameters)

    def recognise(images: Sequence[Image]) -> str:
        return _recognise.recognise(images, spec)

    run.__doc__ = f"Measure a {spec.title}; see `analyse`."
    registered: Run = run
    measurement(
        f"ct-{spec.key}",
        version=VERSION,
        title=f"{spec.title}, all modules",
        edition=EDITION,
        modalities=("CT",),
        recognise=recognise,
    )(registered)


for _spec in load_specs().values():
    _register(_spec)
