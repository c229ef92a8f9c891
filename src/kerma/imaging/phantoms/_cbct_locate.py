"""Find a described cone-beam phantom, prove that it is this one, and refuse everything else."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from kerma.core import Image, InputError
from kerma.imaging.phantoms._cbct_spec import CbctSpec
from kerma.imaging.phantoms._grey import Body, find_body
from kerma.imaging.phantoms._grid import Volume
from kerma.imaging.phantoms._pose import Pose
from kerma.imaging.phantoms._regions import disc
from kerma.imaging.phantoms._ring import Rod, Run, best_run, fit_rods
from kerma.imaging.phantoms._series import order_series
from kerma.imaging.phantoms._spec import polar
from kerma.imaging.phantoms._survey import Overrides
from kerma.imaging.phantoms._usable import CUT_OFF, require_upright, require_usable_series

Array = npt.NDArray[np.float64]

_CORRELATION = 0.8
_SIZE_TOLERANCE = 0.04
# Largest departure from the line of grey value on nominal CT number, as a share of the range from
# air to the highest material that is not loose: cone-beam shading stays under a tenth.
_DEPARTURE = 0.12
_HOMOGENEOUS = 0.15
# Rods that stand out by this share of the range from air to body are used for roll and middle.
_CLEAR = 0.08
_MOST_SLICES = 80


@dataclass(frozen=True, slots=True)
class CbctFound:
    """The phantom in the series; `scale` is the inserts' circle as found over the one described."""

    volume: Volume
    body: Body
    pose: Pose
    run: Run
    scale: float
    warnings: tuple[str, ...]

    def place(self, xy: tuple[float, float]) -> tuple[float, float]:
        """Return a place of the description, scaled as the circle of inserts was found."""
        return xy[0] * self.scale, xy[1] * self.scale

    def slices(self, z_mm: tuple[float, float]) -> list[int]:
        """Return the slices whose middle lies in a range of Z and that show the phantom."""
        low, high = sorted((self.pose.s_mm(z_mm[0]), self.pose.s_mm(z_mm[1])))
        first, last = self.pose.axis.span_mm
        s = self.volume.s_mm
        inside = (s >= max(low, first) - 1e-6) & (s <= min(high, last) + 1e-6)
        found = [int(i) for i in np.flatnonzero(inside)]
        near = self.volume.nearest((low + high) / 2)
        # A range thinner than a slice still has the slice that holds its middle.
        if not found and abs(s[near] - (low + high) / 2) <= self.volume.increment_mm / 2:
            found = [near] if first <= s[near] <= last else []
        return found


def find_phantom(
    images: Sequence[Image], spec: CbctSpec, overrides: Callable[[Volume], Overrides] | None = None
) -> CbctFound:
    """Return the phantom in the series, or refuse.

    Raises
    ------
    InputError
        Codes ``wrong-phantom``, ``truncated-series``, ``phantom-not-found``, and a series' own.
    """
    require_usable_series(images)
    volume = order_series(images, needed_mm=spec.needed_mm)
    manual = overrides(volume) if overrides else Overrides()
    body = find_body(volume, spec.body_radius_mm)
    require_upright(body.axis)
    size = body.axis.radius_mm
    if body.cut:
        raise InputError(
            f"The field of view of {2 * size:.0f} mm lies inside the object, so it cannot be shown "
            f"to be a {spec.title}. Reconstruct a field that holds the whole phantom, or measure "
            "its homogeneous part with cbct-uniformity.",
            code="phantom-not-found",
        )
    if abs(size / spec.body_radius_mm - 1) > _SIZE_TOLERANCE:
        raise InputError(
            f"This is not a {spec.title}: the object is {2 * size:.0f} mm across, the phantom "
            f"{2 * spec.body_radius_mm:.0f} mm; or the field of view cuts it.",
            code="wrong-phantom",
            detail={"expected": spec.key, "diameter_mm": 2 * size},
        )
    run = _run(volume, body, spec, manual)
    pose = Pose(body.axis, run.roll_deg, run.turned, _origin(run, spec, volume, manual))
    pose, scale = _with_rods(volume, body, pose, spec, run=run, manual=manual)
    warnings = list(volume.warnings)
    if not body.axis.whole:
        warnings.append(CUT_OFF)
    if abs(scale - 1) > 0.01:
        warnings.append(
            f"The circle of rods is {100 * (scale - 1):+.1f} % from the description's; places in "
            "the description are scaled to it. Check the description against your phantom."
        )
    u = volume.increment_mm / (4 if not any(run.open_ends) else math.sqrt(3))
    if manual.slice_index is None:
        pose = pose.moved(u_origin_mm=u)
    if manual.centre_mm is not None:
        at = pose.axis.at(pose.origin_mm)
        pose = pose.moved(shift_mm=tuple(np.subtract(manual.centre_mm, at).tolist()))
    found = CbctFound(volume, body, pose, run, scale, tuple(warnings))
    _require_materials(found, spec)
    _require_homogeneous(found, spec)
    return found


def _run(volume: Volume, body: Body, spec: CbctSpec, manual: Overrides) -> Run:
    low, high = body.axis.span_mm
    inside = [i for i in range(len(volume.s_mm)) if low - 1e-6 <= volume.s_mm[i] <= high + 1e-6]
    # Every slice of a thin series would tell no more about where a module of cm begins.
    step = max(1, len(inside) // _MOST_SLICES)
    slices = inside[::step] if manual.slice_index is None else [manual.slice_index]
    run = best_run(
        volume, body.axis, slices, rods_of(spec), least=_CORRELATION, roll_deg=manual.roll_deg
    )
    if run is None:
        raise InputError(
            f"This is not a {spec.title}: no slice shows its rods. It may be another phantom, the "
            "rods may be in other places than the description says, or that part was not scanned.",
            code="wrong-phantom",
            detail={"expected": spec.key},
        )
    return run


def rods_of(spec: CbctSpec) -> list[Rod]:
    """Return the inserts as rods, with their contrast to the body."""
    return [
        Rod(i.radius_mm, i.angle_deg, i.rod_radius_mm, _limited(i.nominal_hu) - spec.body_hu)
        for i in spec.inserts
    ]


def _limited(hu: float) -> float:
    """Return a nominal number as cone-beam images show it: metals no brighter than 1500 HU."""
    return min(hu, 1500.0)


def _origin(run: Run, spec: CbctSpec, volume: Volume, manual: Overrides) -> float:
    if manual.slice_index is not None:
        return float(volume.s_mm[manual.slice_index])
    low, high = run.s_mm
    first, last = spec.inserts_z_mm
    sense = -1 if run.turned else 1
    if run.open_ends[0] == run.open_ends[1]:
        return (low + high) / 2 - sense * (first + last) / 2
    # One end of the rods lies inside the scan; which end of the rods that is depends on the sense.
    at, outward = (high, 1) if run.open_ends[0] else (low, -1)
    end = last if outward * sense > 0 else first
    return at - sense * end


def _with_rods(
    volume: Volume, body: Body, pose: Pose, spec: CbctSpec, *, run: Run, manual: Overrides
) -> tuple[Pose, float]:
    """Refine roll, middle and scale on the centroids of the clear rods."""
    inner = run.slices[1:-1] or run.slices
    few = inner[:: max(1, len(inner) // 12)]
    clear = [
        rod
        for rod, item in zip(rods_of(spec), spec.inserts, strict=True)
        if abs(item.nominal_hu - spec.body_hu) >= 60
    ]
    fit = fit_rods(volume, pose, few, clear, least=_CLEAR * body.range, within_mm=4.0)
    if fit is None:
        return pose, 1.0
    if manual.roll_deg is None:
        pose = pose.moved(roll_deg=fit.roll_deg, u_roll_deg=fit.u_roll_deg)
    return pose.moved(shift_mm=fit.shift_mm), fit.scale if abs(fit.scale - 1) < 0.06 else 1.0


def _require_materials(found: CbctFound, spec: CbctSpec) -> None:
    slices = found.slices(spec.measured_z_mm)
    if not slices:
        raise InputError(
            f"The series is truncated: it does not hold the rods of the {spec.title}. Scan the "
            "whole phantom.",
            code="truncated-series",
        )
    slices = slices[:: max(1, len(slices) // 6)]
    items = [*spec.inserts, spec.background]
    grey = np.array(
        [
            disc(found.volume, found.pose, slices, found.place(i.xy_mm), i.roi_radius_mm).mean
            for i in items
        ]
    )
    nominal = np.array([i.nominal_hu for i in items])
    tight = np.array([not i.loose for i in items])
    slope, zero = np.polyfit(nominal[tight], grey[tight], 1)
    span = slope * float(np.ptp(nominal[tight]))
    away = np.abs(grey - zero - slope * nominal)
    worst = int(np.argmax(np.where(tight, away, 0.0)))
    if slope <= 0 or away[worst] > _DEPARTURE * span:
        raise InputError(
            f"This is not a {spec.title}, or it is damaged: {items[worst].material} is "
            f"{100 * away[worst] / abs(span):.0f} % of the grey scale from what it should be.",
            code="wrong-phantom",
            detail={"expected": spec.key, "where": items[worst].key},
        )
    order = [i for i, item in enumerate(items) if item.loose]
    for i in order:
        others = [k for k in range(len(items)) if nominal[k] < nominal[i] - 100]
        if any(grey[k] >= grey[i] for k in others):
            raise InputError(
                f"This is not a {spec.title}: {items[i].material} is not brighter than what it "
                "should outshine.",
                code="wrong-phantom",
                detail={"expected": spec.key, "where": items[i].key},
            )


def _require_homogeneous(found: CbctFound, spec: CbctSpec) -> None:
    part = spec.uniformity
    slices = found.slices(part.z_mm)
    if not slices:
        raise InputError(
            f"The series is truncated: the homogeneous part of the {spec.title} lies outside the "
            "slices that show the phantom. Scan the whole phantom.",
            code="truncated-series",
            detail={"missing": ["homogeneous part"]},
        )
    index = slices[len(slices) // 2]
    middles = [(0.0, 0.0), *(polar(part.edge_radius_mm, a) for a in range(0, 360, 45))]
    means = [disc(found.volume, found.pose, [index], xy, part.roi_radius_mm).mean for xy in middles]
    uneven = (max(means) - min(means)) / abs(found.body.range)
    if uneven > _HOMOGENEOUS:
        raise InputError(
            f"This is not a {spec.title}: the part that should be homogeneous varies by "
            f"{100 * uneven:.0f} % of the step from air to body. The order of the slices may be "
            "reversed, or the description does not fit.",
            code="wrong-phantom",
            detail={"expected": spec.key, "module": "homogeneous part"},
        )
