"""Find the phantom's modules, prove which phantom it is, and refuse everything else."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from kerma.core import AnalysisError, InputError
from kerma.imaging.phantoms._pose import Pose, rigid_fit
from kerma.imaging.phantoms._ramps import Origin, fit_origin
from kerma.imaging.phantoms._spec import PhantomSpec, polar
from kerma.imaging.phantoms._volume import Axis, Volume, mean_of

Array = npt.NDArray[np.float64]

_RING_SAMPLES = 720
# Correlation of a ring profile with the expected one. The right module reaches 0.95 and more, a
# uniform or bar-pattern slice stays under 0.5.
_RING_CORRELATION = 0.75
# Largest departure of an insert from its nominal CT number after the scale has been fitted. The
# inserts that tell the models apart differ from what is there instead by 130 HU (20 % bone) and
# 600 HU (50 % bone); cone-beam shading stays within 100 HU.
_IDENTITY_TOLERANCE_HU = 110.0
_SCALE_RANGE = (0.6, 1.4)
# Aluminium bars stand 400 HU and more above their surround even in 5 mm slices.
_BARS_HU = 200.0
_BARS_SEARCH_MM = 8.0
# Range of the mean of five regions over which a module still counts as homogeneous.
_HOMOGENEOUS_HU = 150.0


@dataclass(frozen=True, slots=True)
class Overrides:
    """What a person has set by hand, in the terms of the images given."""

    slice_index: int | None = None
    centre_mm: tuple[float, float] | None = None
    roll_deg: float | None = None


@dataclass(frozen=True, slots=True)
class _Match:
    """The best position of one model's insert ring in the series."""

    spec: PhantomSpec
    pose: Pose
    correlation: float
    slices: tuple[int, ...]
    worst_hu: float
    worst: str


def locate(
    volume: Volume, axis: Axis, spec: PhantomSpec, known: Sequence[PhantomSpec], manual: Overrides
) -> tuple[Pose, Origin | None]:
    """Return the pose of the phantom and what the ramps said of it, or refuse.

    With the origin slice set by hand the ramps are not asked.

    Raises
    ------
    InputError
        Codes ``wrong-phantom``, ``reversed-order``, ``truncated-series``.
    AnalysisError
        The ramps could not be read (stage ``origin``).
    """
    match = _match(volume, axis, spec, manual)
    _require_identity(match, volume, axis, spec, known=known, manual=manual)
    assert match is not None
    pose = _with_inserts(volume, match, manual)
    origin = None
    if manual.slice_index is None:
        origin = fit_origin(volume, pose, spec.sensitometry)
        pose = pose.moved(origin_mm=origin.origin_mm, u_origin_mm=origin.u_mm)
    _require_extent(volume, axis, pose, spec)
    _require_modules(volume, pose, spec)
    return pose, origin


def _match(volume: Volume, axis: Axis, spec: PhantomSpec, manual: Overrides) -> _Match | None:
    by_hand = manual.slice_index
    slices = volume.within(*axis.span_mm) if by_hand is None else [by_hand]
    profiles = np.array([_ring(volume, axis, i, spec) for i in slices])
    best: tuple[float, bool, int, Array] | None = None
    for turned in (False, True):
        scores = _correlations(profiles, _template(spec, turned))
        if manual.roll_deg is not None:
            shift = round(manual.roll_deg / 360 * _RING_SAMPLES) % _RING_SAMPLES
            scores = scores[:, [shift]]
        top = scores.max(axis=1)
        if best is None or top.max() > best[0]:
            at = shift if manual.roll_deg is not None else int(np.argmax(scores[np.argmax(top)]))
            best = (float(top.max()), turned, at, top)
    if best is None or best[0] < _RING_CORRELATION:
        return None
    correlation, turned, at, top = best
    # The module's middle: the run of slices around the best one that match nearly as well.
    good = top > max(_RING_CORRELATION, 0.9 * correlation)
    low = high = int(np.argmax(top))
    while low > 0 and good[low - 1]:
        low -= 1
    while high < len(good) - 1 and good[high + 1]:
        high += 1
    run = tuple(slices[low : high + 1])
    roll = (at / _RING_SAMPLES * 360 + 180) % 360 - 180
    origin = float(np.mean([volume.s_mm[i] for i in run]))
    pose = Pose(axis, manual.roll_deg if manual.roll_deg is not None else roll, turned, origin)
    middle = run[len(run) // 4 : len(run) - len(run) // 4] or run
    worst_hu, worst = _identity(volume, pose, middle, spec)
    return _Match(spec, pose, correlation, middle, worst_hu, worst)


def _ring(volume: Volume, axis: Axis, index: int, spec: PhantomSpec) -> Array:
    angles = np.arange(_RING_SAMPLES) * 2 * np.pi / _RING_SAMPLES
    radius = spec.sensitometry.inserts[0].radius_mm
    cx, cy = axis.at(float(volume.s_mm[index]))
    return mean_of(
        volume.read(index, cx + r * np.cos(angles), cy + r * np.sin(angles))
        for r in (radius - 2, radius, radius + 2)
    )


def _template(spec: PhantomSpec, turned: bool) -> Array:
    """Return the expected ring profile over body material, HU."""
    angles = np.arange(_RING_SAMPLES) * 360 / _RING_SAMPLES
    body = 100.0  # the modules' plastic; only the shape of the profile matters
    profile = np.zeros(_RING_SAMPLES)
    for insert in spec.sensitometry.inserts:
        at = 180 - insert.angle_deg if turned else insert.angle_deg
        half = np.degrees(np.arcsin(spec.sensitometry.insert_radius_mm / insert.radius_mm))
        away = np.abs((angles - at + 180) % 360 - 180)
        profile[away <= half] = insert.nominal_hu - body
    return profile


def _correlations(profiles: Array, template: Array) -> Array:
    """Return Pearson correlation of each profile with the template at each roll."""
    p = profiles - profiles.mean(axis=1, keepdims=True)
    t = template - template.mean()
    product = np.fft.irfft(
        np.fft.rfft(p, axis=1) * np.conj(np.fft.rfft(t)), n=_RING_SAMPLES, axis=1
    )
    scale = np.linalg.norm(p, axis=1, keepdims=True) * np.linalg.norm(t)
    found: Array = product / np.where(scale > 0, scale, np.inf)
    return found


def _disc(volume: Volume, pose: Pose, index: int, xy: tuple[float, float], radius: float) -> float:
    x, y = disc_grid(radius, volume.pixel_mm)
    px, py = pose.place(xy[0] + x, xy[1] + y, float(volume.s_mm[index]))
    return float(volume.read(index, px, py).mean())


def disc_grid(radius_mm: float, step_mm: float) -> tuple[Array, Array]:
    """Return the points of a square grid inside a disc about 0."""
    n = max(1, int(radius_mm / step_mm))
    line = np.arange(-n, n + 1) * step_mm
    x, y = np.meshgrid(line, line)
    inside = np.hypot(x, y) <= radius_mm
    return x[inside], y[inside]


def _identity(
    volume: Volume, pose: Pose, slices: Sequence[int], spec: PhantomSpec
) -> tuple[float, str]:
    """Return the largest departure from the expected materials, HU, and where it is."""
    sens = spec.sensitometry
    radius = sens.inserts[0].radius_mm
    gaps = [(f"the body at {a:.0f} degrees", polar(radius, a)) for a in sens.gap_angles_deg]
    bare = np.array([np.mean([_disc(volume, pose, i, xy, 3) for i in slices]) for _, xy in gaps])
    found = np.array(
        [np.mean([_disc(volume, pose, i, n.xy_mm, 3) for i in slices]) for n in sens.inserts]
    )
    nominal = np.array([i.nominal_hu for i in sens.inserts])
    slope, offset = np.polyfit(nominal, found, 1)
    away = [
        (abs(float(d)), i.material)
        for d, i in zip(found - offset - slope * nominal, sens.inserts, strict=True)
    ]
    away += [
        (abs(float(h - np.median(bare))), name) for h, (name, _) in zip(bare, gaps, strict=True)
    ]
    if not _SCALE_RANGE[0] < slope < _SCALE_RANGE[1]:
        away.append((float("inf"), "the CT number scale"))
    return max(away)


def _require_identity(
    match: _Match | None,
    volume: Volume,
    axis: Axis,
    spec: PhantomSpec,
    *,
    known: Sequence[PhantomSpec],
    manual: Overrides,
) -> None:
    if match is not None and match.worst_hu <= _IDENTITY_TOLERANCE_HU:
        return
    others = [_match(volume, axis, other, manual) for other in known if other.key != spec.key]
    fits = [m for m in others if m and m.worst_hu <= _IDENTITY_TOLERANCE_HU]
    if fits:
        best = min(fits, key=lambda m: m.worst_hu)
        raise InputError(
            f"This is not a {spec.title}: its inserts are those of a {best.spec.title}. "
            f"Run ct-{best.spec.key} instead.",
            code="wrong-phantom",
            detail={"expected": spec.key, "found": best.spec.key},
        )
    if match is None:
        raise InputError(
            f"This is not a {spec.title}: no slice shows its ring of inserts. It may be another "
            "phantom, or the part with the inserts was not scanned.",
            code="wrong-phantom",
            detail={"expected": spec.key},
        )
    raise InputError(
        f"This is not a {spec.title}, or it is damaged: {match.worst} is "
        f"{match.worst_hu:.0f} HU from what it should be.",
        code="wrong-phantom",
        detail={"expected": spec.key, "departure_hu": match.worst_hu, "where": match.worst},
    )


def insert_centroid(
    volume: Volume, pose: Pose, index: int, xy: tuple[float, float], radius_mm: float
) -> tuple[float, float, float]:
    """Return (x, y) of a rod's centroid from the axis, mm, and its contrast, HU."""
    s = float(volume.s_mm[index])
    reach, step = radius_mm + 3, min(0.5, volume.pixel_mm / 2)
    x, y = disc_grid(reach, step)
    px, py = pose.place(xy[0] + x, xy[1] + y, s)
    ax, ay = pose.axis.at(s)
    for _ in range(3):
        values = volume.read(index, px, py)
        mx, my = px.mean(), py.mean()
        away = np.hypot(px - mx, py - my)
        values = values - np.median(values[away > radius_mm + 1.5])
        total = values.sum()
        contrast = float(values[away < max(0.5, radius_mm / 2)].mean())
        if abs(contrast) < 1e-9 or abs(total) < 1e-9:
            break
        dx = float((values * (px - mx)).sum() / total)
        dy = float((values * (py - my)).sum() / total)
        if np.hypot(dx, dy) > reach:
            break
        px, py = px + dx, py + dy
    return float(px.mean() - ax), float(py.mean() - ay), contrast


def _with_inserts(volume: Volume, match: _Match, manual: Overrides) -> Pose:
    """Refine roll and middle on the centroids of the inserts with contrast over 100 HU."""
    sens, pose = match.spec.sensitometry, match.pose
    nominal, found = [], []
    for index in match.slices:
        for insert in sens.inserts:
            x, y, contrast = insert_centroid(
                volume, pose, index, insert.xy_mm, sens.insert_radius_mm
            )
            off = np.subtract((x, y), pose.direction(*insert.xy_mm))
            if abs(contrast) > 100 and np.hypot(*off) < 3:
                nominal.append(insert.xy_mm)
                found.append((x, y))
    if len(found) >= 3:
        roll, u_roll, shift = rigid_fit(np.array(nominal), np.array(found), pose.sense)
        if manual.roll_deg is None:
            pose = pose.moved(roll_deg=roll, u_roll_deg=u_roll)
        pose = pose.moved(shift_mm=shift)
    if manual.slice_index is not None:
        pose = pose.moved(origin_mm=float(volume.s_mm[manual.slice_index]))
    if manual.centre_mm is not None:
        at = pose.axis.at(pose.origin_mm)
        pose = pose.moved(shift_mm=tuple(np.subtract(manual.centre_mm, at).tolist()))
    return pose


def _require_extent(volume: Volume, axis: Axis, pose: Pose, spec: PhantomSpec) -> None:
    low, high = axis.span_mm
    slack = volume.increment_mm
    missing = [
        name
        for name, z in spec.offsets_mm.items()
        if not low - slack <= pose.s_mm(z) <= high + slack
    ]
    if missing:
        raise InputError(
            f"The series is truncated: the {', '.join(missing)} part of the {spec.title} lies "
            "outside the slices that show the phantom. Scan the whole phantom.",
            code="truncated-series",
            detail={"missing": missing},
        )


def bar_signal(volume: Volume, pose: Pose, index: int, spec: PhantomSpec) -> float:
    """Return how far the bars stand above the plastic on the line-pair circle, HU."""
    angles = np.arange(0, 360, 0.5)
    x, y = polar_arrays(spec.line_pairs.radius_mm, angles)
    ring = volume.read(index, *pose.place(x, y, float(volume.s_mm[index])))
    return float(np.percentile(ring, 95) - np.percentile(ring, 25))


def polar_arrays(radius_mm: Any, angle_deg: Any) -> tuple[Array, Array]:
    """Return (x, y), y down, of points at clockwise angles from +x."""
    angle = np.radians(angle_deg)
    return radius_mm * np.cos(angle), radius_mm * np.sin(angle)


def _require_modules(volume: Volume, pose: Pose, spec: PhantomSpec) -> None:
    def bars(z: float) -> float:
        near = volume.within(pose.s_mm(z - _BARS_SEARCH_MM), pose.s_mm(z + _BARS_SEARCH_MM))
        return max(bar_signal(volume, pose, i, spec) for i in near)

    offset = spec.line_pairs.offset_mm
    if bars(offset) < _BARS_HU:
        if bars(-offset) > _BARS_HU:
            raise InputError(
                "The slices are in reversed order: the insert pattern is seen from one end of the "
                "phantom and the order of the modules from the other. Slice positions or image "
                "orientation are wrong; export the original series again.",
                code="reversed-order",
            )
        raise InputError(
            f"This is not a {spec.title}: there is no line-pair pattern {abs(offset):.0f} mm from "
            "the insert module.",
            code="wrong-phantom",
            detail={"expected": spec.key, "module": spec.line_pairs.module},
        )
    part = spec.uniformity
    index = volume.nearest(pose.s_mm(part.offset_mm))
    middles = [(0.0, 0.0), *(polar(part.edge_radius_mm, a) for a in (0, 90, 180, 270))]
    means = [_disc(volume, pose, index, xy, part.roi_radius_mm) for xy in middles]
    if max(means) - min(means) > _HOMOGENEOUS_HU:
        raise InputError(
            f"This is not a {spec.title}: the slice {abs(part.offset_mm):.0f} mm from the insert "
            f"module should be homogeneous but varies by {max(means) - min(means):.0f} HU.",
            code="wrong-phantom",
            detail={"expected": spec.key, "module": part.module},
        )
    if not np.isfinite(means).all():
        raise AnalysisError("The images hold values that are not numbers.", stage="locate")
