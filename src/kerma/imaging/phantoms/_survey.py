"""Which CatPhan a series shows, if any: every known model is tried on the same few readings."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np

from kerma.core import InputError
from kerma.imaging.phantoms._describe import load_specs
from kerma.imaging.phantoms._gauge import Sight, look
from kerma.imaging.phantoms._grid import Volume, read_discs
from kerma.imaging.phantoms._inner import axis_from_inserts, level_axis
from kerma.imaging.phantoms._outline import Axis, find_axis
from kerma.imaging.phantoms._pose import Pose
from kerma.imaging.phantoms._rings import (
    CUT,
    ODD_SCALE,
    Match,
    Rings,
    match_ring,
    read_rings,
    spread,
)
from kerma.imaging.phantoms._spec import PhantomSpec, polar

# Range of the mean of five regions over which a module still counts as homogeneous: cone-beam
# shading and cupping make 300 HU, inserts or bars in the regions far more.
_HOMOGENEOUS_HU = 400.0
# Beyond this the inserts of one slice belong to different ends of their module.
_MOST_TILT_DEG = 8.0


@dataclass(frozen=True, slots=True)
class Overrides:
    """What a person has set by hand, in the terms of the volume."""

    slice_index: int | None = None
    centre_mm: tuple[float, float] | None = None
    roll_deg: float | None = None


@dataclass(frozen=True, slots=True)
class Proof:
    """What shows that a series is of a model: its inserts and its line pairs."""

    match: Match
    sight: Sight

    def text(self, spec: PhantomSpec) -> str:
        """Return the evidence in a few words."""
        return (
            f"{len(spec.sensitometry.inserts)} inserts of the right materials (correlation "
            f"{self.match.correlation:.2f}, largest departure {self.match.departure_hu:.0f} HU) "
            f"and the line pairs {abs(spec.line_pairs.offset_mm):.0f} mm from them"
        )


@dataclass(slots=True)
class Survey:
    """A series with its axis and the readings all models are tried on."""

    volume: Volume
    axis: Axis
    rings: Rings
    manual: Overrides
    _matches: dict[str, Match | None] = field(default_factory=dict)

    def match(self, spec: PhantomSpec) -> Match | None:
        """Return the best position of a model's ring of inserts."""
        if spec.key not in self._matches:
            self._matches[spec.key] = match_ring(
                self.volume, self.axis, self.rings, spec, self.manual.roll_deg
            )
        return self._matches[spec.key]

    def pose(self, match: Match) -> Pose:
        """Return the rough pose of a match."""
        origin = match.origin_mm
        if self.manual.slice_index is not None:
            origin = float(self.volume.s_mm[self.manual.slice_index])
        return Pose(self.axis, match.roll_deg, match.turned, origin)

    def scanned(self, pose: Pose, z_mm: float) -> bool:
        """Return whether a Z of the phantom lies in the slices that show it."""
        low, high = self.axis.span_mm
        slack = self.volume.increment_mm
        return low - slack <= pose.s_mm(z_mm) <= high + slack


def shortest_mm() -> float:
    """Return the least length of scan on which any model can be proven."""
    return min(spec.needed_mm for spec in load_specs().values())


def body_mm() -> float:
    """Return the radius of the phantoms' bodies, which is the same for all."""
    return max(spec.body_radius_mm for spec in load_specs().values())


def survey(volume: Volume, manual: Overrides | None = None) -> Survey:
    """Find the phantom's axis and read the circle of the inserts.

    Raises
    ------
    InputError
        Codes ``phantom-not-found`` and ``phantom-tilted``.
    """
    manual = manual or Overrides()
    radius = float(np.mean([s.sensitometry.circle_mm for s in load_specs().values()]))
    axis = _axis(volume, manual, radius)
    tilt = math.degrees(math.atan(math.hypot(axis.slope_x, axis.slope_y)))
    if tilt > _MOST_TILT_DEG:
        raise InputError(
            f"The phantom leans by {tilt:.0f} degrees from the slice normal. Align it, without "
            "gantry tilt, to within 5 degrees and scan again.",
            code="phantom-tilted",
            detail={"tilt_deg": tilt},
        )
    slices = (
        [manual.slice_index] if manual.slice_index is not None else spread(volume, *axis.span_mm)
    )
    return Survey(volume, axis, read_rings(volume, axis, radius, slices), manual)


def _axis(volume: Volume, manual: Overrides, circle_mm: float) -> Axis:
    try:
        return find_axis(volume, body_mm())
    except InputError as refusal:
        if manual.centre_mm is not None:
            span = (float(volume.s_mm[0]), float(volume.s_mm[-1]))
            return level_axis(*manual.centre_mm, span)
        found = axis_from_inserts(volume, list(load_specs().values()), circle_mm)
        if found is None:
            raise refusal
        return found


def prove(seen: Survey, spec: PhantomSpec) -> Proof:
    """Return the proof that the series shows a model, or refuse.

    Raises
    ------
    InputError
        Codes ``wrong-phantom``, ``reversed-order``, ``truncated-series``.
    """
    try:
        return _proven(seen, spec)
    except InputError as refusal:
        others = [other for other in load_specs().values() if other.key != spec.key]
        for other in others:
            if _holds(seen, other):
                raise InputError(
                    f"This is not a {spec.title}: it is a {other.title}. Run ct-{other.key} "
                    "instead.",
                    code="wrong-phantom",
                    detail={"expected": spec.key, "found": other.key},
                ) from refusal
        raise


def _holds(seen: Survey, spec: PhantomSpec) -> bool:
    try:
        _proven(seen, spec)
    except InputError:
        return False
    return True


def _proven(seen: Survey, spec: PhantomSpec) -> Proof:
    match = seen.match(spec)
    if match is None:
        raise InputError(
            f"This is not a {spec.title}: no slice shows its ring of inserts. It may be another "
            "phantom, or the part with the inserts was not scanned.",
            code="wrong-phantom",
            detail={"expected": spec.key},
        )
    if match.where == CUT:
        raise InputError(
            f"The field of view cuts off an insert of the phantom, so that it cannot be told "
            f"whether it is a {spec.title}. Reconstruct a larger field of view.",
            code="phantom-cut",
            detail={"expected": spec.key},
        )
    if not match.fits:
        raise InputError(
            f"This is not a {spec.title}, or it is damaged: {_amiss(match)}.",
            code="wrong-phantom",
            detail={
                "expected": spec.key,
                "departure_hu": None if match.where == ODD_SCALE else match.departure_hu,
                "where": match.where,
            },
        )
    pose, lp = seen.pose(match), spec.line_pairs
    sight = look(seen.volume, pose, lp, lp.offset_mm)
    if not sight.seen:
        _refuse_gauge(seen, spec, pose)
    _require_homogeneous(seen, spec, pose)
    return Proof(match, sight)


def _amiss(match: Match) -> str:
    if match.where == ODD_SCALE:
        return "the pixel values are not CT numbers, for no scale of them fits its inserts"
    return f"{match.where} is {match.departure_hu:.0f} HU from what it should be"


def _refuse_gauge(seen: Survey, spec: PhantomSpec, pose: Pose) -> None:
    lp = spec.line_pairs
    if look(seen.volume, pose, lp, -lp.offset_mm).seen:
        raise InputError(
            "The slices are in reversed order: the insert pattern is seen from one end of the "
            "phantom and the order of the modules from the other. Slice positions or image "
            "orientation are wrong; export the original series again.",
            code="reversed-order",
        )
    if not seen.scanned(pose, lp.offset_mm):
        raise InputError(
            f"The series is truncated: the {lp.module} part of the {spec.title} lies outside the "
            "slices that show the phantom, and without it neither the model nor the order of the "
            "slices can be proven. Scan the whole phantom.",
            code="truncated-series",
            detail={"missing": [lp.module]},
        )
    raise InputError(
        f"This is not a {spec.title}: its line-pair pattern is not seen {abs(lp.offset_mm):.0f} mm "
        "from the insert module.",
        code="wrong-phantom",
        detail={"expected": spec.key, "module": lp.module},
    )


def _require_homogeneous(seen: Survey, spec: PhantomSpec, pose: Pose) -> None:
    part = spec.uniformity
    if not seen.scanned(pose, part.offset_mm):
        return
    index = seen.volume.nearest(pose.s_mm(part.offset_mm))
    xy = np.array([(0.0, 0.0), *(polar(part.edge_radius_mm, a) for a in (0, 90, 180, 270))])
    x, y = pose.places(xy, seen.volume.s_mm[[index]])
    means = read_discs(seen.volume, [index], x, y, part.roi_radius_mm).mean
    span = float(np.nanmax(means) - np.nanmin(means)) if np.isfinite(means).any() else 0.0
    if span > _HOMOGENEOUS_HU:
        raise InputError(
            f"This is not a {spec.title}: the slice {abs(part.offset_mm):.0f} mm from the insert "
            f"module should be homogeneous but varies by {span:.0f} HU.",
            code="wrong-phantom",
            detail={"expected": spec.key, "module": part.module},
        )
