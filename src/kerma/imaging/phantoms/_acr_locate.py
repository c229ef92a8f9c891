"""Find the ACR phantom's modules, prove that it is this phantom, and refuse everything else."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from kerma.core import InputError
from kerma.imaging.phantoms._acr_spec import AcrSpec
from kerma.imaging.phantoms._grid import Volume
from kerma.imaging.phantoms._outline import Axis
from kerma.imaging.phantoms._pose import Pose
from kerma.imaging.phantoms._regions import disc
from kerma.imaging.phantoms._ring import Rod, Run, best_run, fit_rods
from kerma.imaging.phantoms._spec import polar
from kerma.imaging.phantoms._survey import Overrides

Array = npt.NDArray[np.float64]

# The right module reaches 0.97 and more; a homogeneous or bar-pattern slice stays under 0.5.
_CORRELATION = 0.8
# How far a material may be from its nominal number once scale and zero have been fitted; bone is
# given more because its number depends on the tube voltage (1300 HU at 80 kV, recalled).
_AWAY_HU = 60.0
_AWAY_BONE_HU = 450.0
_SCALE_RANGE = (0.8, 1.2)
_SHIFT_RANGE_HU = 60.0
# Aluminium bars raise the spread of pixels under a square by hundreds of HU; a low pass kernel and
# thick slices still leave the mean of the squares raised.
_BARS_HU = 150.0
_HOMOGENEOUS_HU = 60.0
# A bead is looked for this far from its place: along the radius, along the rim, and along Z.
_BEAD_RADIAL_MM, _BEAD_RIM_MM, _BEAD_Z_MM = 4.0, 8.0, 9.0
_BEAD_TO_NOISE = 8.0
_LEAST_BEADS = 2
_ROD_SLICES = 16


@dataclass(frozen=True, slots=True)
class BeadPlane:
    """The alignment balls of one module.

    Attributes
    ----------
    s_mm, u_mm
        Mean position along the slices, corrected for the tilt of the axis.
    single
        Whether each ball shows in one slice only.
    each_mm
        (angle, s) of each ball found.
    places
        (slice, x, y) of each.
    """

    module: str
    s_mm: float
    u_mm: float
    single: bool
    each_mm: tuple[tuple[float, float], ...]
    places: tuple[tuple[int, float, float], ...]


@dataclass(frozen=True, slots=True)
class Located:
    """The phantom in the series."""

    pose: Pose
    run: Run
    beads: tuple[BeadPlane, ...]
    warnings: tuple[str, ...]


def locate(volume: Volume, axis: Axis, spec: AcrSpec, manual: Overrides) -> Located:
    """Return the pose of the phantom, or refuse.

    Raises
    ------
    InputError
        Codes ``wrong-phantom``, ``reversed-order``, ``truncated-series``.
    """
    by_hand = manual.slice_index
    slices = volume.within(*axis.span_mm) if by_hand is None else [by_hand]
    run = best_run(
        volume, axis, slices, rods_of(spec), least=_CORRELATION, roll_deg=manual.roll_deg
    )
    if run is None:
        raise InputError(
            f"This is not an {spec.title}: no slice shows its four rods. It may be another "
            "phantom, or module 1 was not scanned.",
            code="wrong-phantom",
            detail={"expected": spec.key},
        )
    half = spec.module_length_mm / 2
    pose = Pose(axis, run.roll_deg, run.turned, _middle(run, half, by_hand is not None))
    pose = _require_materials(volume, pose, spec, run)
    pose = _with_rods(volume, pose, spec, run, manual=manual)
    beads = _bead_planes(volume, pose, spec)
    pose, warnings = _with_beads(volume, pose, spec, beads, run=None if by_hand else run)
    _require_modules(volume, pose, spec)
    if manual.centre_mm is not None:
        at = pose.axis.at(pose.origin_mm)
        pose = pose.moved(shift_mm=tuple(np.subtract(manual.centre_mm, at).tolist()))
    return Located(pose, run, beads, warnings)


def rods_of(spec: AcrSpec) -> list[Rod]:
    """Return the rods of module 1 with their contrast to water, HU."""
    circle, size = spec.inserts.circle_radius_mm, spec.inserts.insert_radius_mm
    return [Rod(circle, i.angle_deg, size, i.nominal_hu) for i in spec.inserts.items]


def _middle(run: Run, half_mm: float, by_hand: bool) -> float:
    """Return the middle of module 1; from its end inside the series when the scan cuts it."""
    low, high = run.s_mm
    if by_hand or run.open_ends[0] == run.open_ends[1]:
        return (low + high) / 2
    return high - half_mm if run.open_ends[0] else low + half_mm


def _require_materials(volume: Volume, pose: Pose, spec: AcrSpec, run: Run) -> Pose:
    """Refuse when a rod, or the body between, is not of its material."""
    part = run.slices[len(run.slices) // 4 : len(run.slices) - len(run.slices) // 4] or run.slices
    inserts = spec.inserts
    found = {
        i.key: disc(volume, pose, part, inserts.xy_mm(i), inserts.roi_radius_mm / 2).mean
        for i in inserts.items
    }
    for angle in (0.0, 22.5, -22.5, 157.5, -157.5):
        place = polar(inserts.circle_radius_mm, angle)
        found[f"the body at {angle:g} degrees"] = disc(volume, pose, part, place, 3.0).mean
    nominal = {i.key: i.nominal_hu for i in inserts.items}
    soft = [k for k in found if k != "bone"]
    slope, zero = np.polyfit([nominal.get(k, 0.0) for k in soft], [found[k] for k in soft], 1)
    away = {k: abs(found[k] - zero - slope * nominal.get(k, 0.0)) for k in found}
    allowed = {k: _AWAY_BONE_HU if k == "bone" else _AWAY_HU for k in found}
    worst = max(found, key=lambda k: away[k] / allowed[k])
    low, high = _SCALE_RANGE
    if not low < slope < high or abs(zero) > _SHIFT_RANGE_HU:
        raise InputError(
            f"This is not an {spec.title}, or the CT numbers are far off: water reads {zero:.0f} "
            f"HU and the scale is {slope:.2f} of what it should be.",
            code="wrong-phantom",
            detail={"expected": spec.key, "scale": float(slope), "zero_hu": float(zero)},
        )
    if away[worst] > allowed[worst]:
        raise InputError(
            f"This is not an {spec.title}, or it is damaged: {worst} is {away[worst]:.0f} HU from "
            "what it should be.",
            code="wrong-phantom",
            detail={"expected": spec.key, "departure_hu": away[worst], "where": worst},
        )
    return pose


def _with_rods(volume: Volume, pose: Pose, spec: AcrSpec, run: Run, *, manual: Overrides) -> Pose:
    """Refine roll and middle on the centroids of the rods."""
    inner = run.slices[1:-1] or run.slices
    clear = [r for r in rods_of(spec) if abs(r.contrast) >= 60]
    few = inner[:: max(1, len(inner) // _ROD_SLICES)]
    fit = fit_rods(volume, pose, few, clear, least=60.0, within_mm=3.0)
    if fit is not None:
        if manual.roll_deg is None:
            pose = pose.moved(roll_deg=fit.roll_deg, u_roll_deg=fit.u_roll_deg)
        pose = pose.moved(shift_mm=fit.shift_mm)
    return pose


def _bead_planes(volume: Volume, pose: Pose, spec: AcrSpec) -> tuple[BeadPlane, ...]:
    planes = []
    for module in spec.beads.modules:
        each, places, shared = [], [], []
        for angle in spec.beads.angles_deg:
            bead = _bead(volume, pose, spec, spec.modules_mm[module], angle)
            if bead is not None:
                each.append((angle, bead[0]))
                places.append(bead[1])
                shared.append(bead[2])
        if len(each) < _LEAST_BEADS:
            continue
        s = np.array([v for _, v in each])
        # All balls lie in one plane, so what one slice cannot tell, four of them cannot either.
        single = max(shared) < 2
        blind = volume.increment_mm / (math.sqrt(12) if single else 10)
        u = max(float(s.std(ddof=1)) / math.sqrt(len(s)), blind)
        planes.append(BeadPlane(module, float(s.mean()), u, single, tuple(each), tuple(places)))
    return tuple(planes)


def _bead(
    volume: Volume, pose: Pose, spec: AcrSpec, z_mm: float, angle: float
) -> tuple[float, tuple[int, float, float], int] | None:
    """Return where along s a ball is, (slice, x, y) of its middle, and how many slices show it."""
    reach = _BEAD_Z_MM + volume.increment_mm
    near = volume.within(pose.s_mm(z_mm - reach), pose.s_mm(z_mm + reach))
    low, high = pose.axis.span_mm
    near = [i for i in near if low - 1e-6 <= volume.s_mm[i] <= high + 1e-6]
    if len(near) < 2:
        return None
    step = volume.pixel_mm / 2
    r = spec.beads.radius_mm + np.arange(-_BEAD_RADIAL_MM, _BEAD_RADIAL_MM + step, step)
    along = np.arange(-_BEAD_RIM_MM, _BEAD_RIM_MM + step, step)
    a = np.radians(angle) + along[:, None] / spec.beads.radius_mm
    x, y = r * np.cos(a), r * np.sin(a)
    at = [_about_axis(pose, x, y, float(volume.s_mm[i])) for i in near]
    seen = np.array([volume.sees(i, *place) for i, place in zip(near, at, strict=True)])
    if not seen[:, :, r <= spec.beads.radius_mm].all():
        return None
    patches = np.array([volume.read(i, *place) for i, place in zip(near, at, strict=True)])
    # The rim itself is the same all along: what is left stands out from it.
    rest = np.where(seen, patches - np.median(patches, axis=1, keepdims=True), 0.0)
    noise = float(np.median(np.abs(rest[seen]))) * 1.4826 + 1e-6
    peak = rest.max(axis=(1, 2))
    top = int(np.argmax(peak))
    if peak[top] < _BEAD_TO_NOISE * noise + 20:
        return None
    row, column = np.unravel_index(int(np.argmax(rest[top])), rest[top].shape)
    spot = (np.abs(along[:, None] - along[row]) < 3) & (np.abs(r[None, :] - r[column]) < 3)
    signal = np.clip((rest * spot).sum(axis=(1, 2)), 0, None)
    signal[signal < 0.2 * signal[top]] = 0
    if not signal.sum() > 0:
        return None
    s = float((signal * volume.s_mm[near]).sum() / signal.sum())
    bx, by = (float(v[row, column]) for v in at[top])
    cx, cy = pose.axis.at(float(volume.s_mm[near[top]]))
    # The balls' plane stands square on the axis.
    s += pose.axis.slope_x * float(bx - cx) + pose.axis.slope_y * float(by - cy)
    return s, (near[top], bx, by), int((signal > 0).sum())


def _about_axis(pose: Pose, x: Array, y: Array, s_mm: float) -> tuple[Array, Array]:
    """Return places from the outline's middle: the balls lie on the outline."""
    dx, dy = pose.direction(x, y)
    cx, cy = pose.axis.at(s_mm)
    return cx + dx, cy + dy


def _with_beads(
    volume: Volume, pose: Pose, spec: AcrSpec, beads: tuple[BeadPlane, ...], *, run: Run | None
) -> tuple[Pose, tuple[str, ...]]:
    """Put Z = 0 into the plane of the balls; without a run the origin was set by hand."""
    if run is None:
        return pose, ()
    near = [b for b in beads if abs(b.s_mm - pose.s_mm(spec.modules_mm[b.module])) < _BEAD_Z_MM]
    first = next((b for b in near if spec.modules_mm[b.module] == 0), None)
    if first is not None and first.single and not all(run.open_ends):
        # The ends of the rods tell where in that one slice the plane is.
        half = volume.increment_mm / 2
        origin = min(max(pose.origin_mm, first.s_mm - half), first.s_mm + half)
        return pose.moved(origin_mm=origin, u_origin_mm=volume.increment_mm / 10), ()
    if first is not None:
        return pose.moved(origin_mm=first.s_mm, u_origin_mm=first.u_mm), ()
    warning = (
        "The alignment balls of module 1 were not found; module positions are from the ends of "
        "its rods. The field of view may be too small or the series may begin inside the module."
    )
    if near:
        far = near[0]
        origin = far.s_mm - pose.sense * spec.modules_mm[far.module]
        return pose.moved(origin_mm=origin, u_origin_mm=far.u_mm), (warning,)
    return pose.moved(u_origin_mm=volume.increment_mm / math.sqrt(12)), (warning,)


def module_slices(
    volume: Volume, pose: Pose, spec: AcrSpec, module: str, half_mm: float
) -> list[int]:
    """Return the slices of a module within `half_mm` of its middle that show the phantom."""
    middle = pose.s_mm(spec.modules_mm[module])
    low, high = pose.axis.span_mm
    room = half_mm + volume.increment_mm / 2
    inside = volume.within(middle - half_mm, middle + half_mm)
    return [
        i
        for i in inside
        if low - 1e-6 <= volume.s_mm[i] <= high + 1e-6 and abs(volume.s_mm[i] - middle) < room
    ]


def bar_signal(volume: Volume, pose: Pose, index: int, spec: AcrSpec) -> float:
    """Return how far the squares of bars stand above the middle of the slice, HU."""
    places = [polar(spec.bars.radius_mm, g.angle_deg) for g in spec.bars.groups]
    squares = [disc(volume, pose, [index], xy, spec.bars.side_mm / 3).mean for xy in places]
    return float(np.median(squares)) - disc(volume, pose, [index], (0.0, 0.0), 20.0).mean


def _require_modules(volume: Volume, pose: Pose, spec: AcrSpec) -> None:
    missing = [m for m in spec.modules_mm if not module_slices(volume, pose, spec, m, 17.0)]
    middle = sum(spec.bars.z_mm) / 2
    behind = pose.s_mm(-middle)
    low, high = pose.axis.span_mm
    there = module_slices(volume, pose, spec, "high_contrast", 17.0)
    bars = max((bar_signal(volume, pose, i, spec) for i in there), default=0.0)
    if bars < _BARS_HU and low < behind < high:
        other = bar_signal(volume, pose, volume.nearest(behind), spec)
        if other > _BARS_HU:
            raise InputError(
                "The slices are in reversed order: the rods are seen from one end of the phantom "
                "and the order of the modules from the other. Slice positions or image "
                "orientation are wrong; export the original series again.",
                code="reversed-order",
            )
    if missing:
        raise InputError(
            f"The series is truncated: {len(missing)} of the four modules lie outside the slices "
            f"that show the phantom ({', '.join(m.replace('_', ' ') for m in missing)}). Scan from "
            "the balls of module 1 to those of module 4.",
            code="truncated-series",
            detail={"missing": missing},
        )
    if bars < _BARS_HU:
        raise InputError(
            f"This is not an {spec.title}: there are no line-pair squares {middle:.0f} mm from "
            "the module with the rods.",
            code="wrong-phantom",
            detail={"expected": spec.key, "module": "high_contrast"},
        )
    index = volume.nearest(pose.s_mm(spec.modules_mm["uniformity"]))
    u = spec.uniformity
    middles = [(0.0, 0.0), *(polar(u.edge_radius_mm, a) for a in (0, 90, 180, 270))]
    means = [disc(volume, pose, [index], xy, u.roi_radius_mm).mean for xy in middles]
    if max(means) - min(means) > _HOMOGENEOUS_HU:
        raise InputError(
            f"This is not an {spec.title}: module 3 should be homogeneous but varies by "
            f"{max(means) - min(means):.0f} HU.",
            code="wrong-phantom",
            detail={"expected": spec.key, "module": "uniformity"},
        )
