"""Low contrast discs: contrast-to-noise ratio, which are visible, and what could be seen at all."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from kerma.core import Curve, Quantity, quantity
from kerma.imaging.phantoms._grid import Volume, read_discs
from kerma.imaging.phantoms._part import Part
from kerma.imaging.phantoms._pose import Pose
from kerma.imaging.phantoms._regions import shown_disc
from kerma.imaging.phantoms._spec import (
    ContrastGroup,
    LowContrast,
    PhantomSpec,
    polar,
    polar_arrays,
)
from kerma.imaging.phantoms._uniformity import usable_slices

Array = npt.NDArray[np.float64]

# Surround discs inside and outside of the circle of the discs, and the part of a disc that is
# measured (away from its blurred rim): design choices.
_BESIDE = (0.75, 1.25)
_SURROUND_RADIUS_MM = 4.0
_MEASURED_SHARE = 0.8
# One-sided 95 % separation of a disc from its surround when both means scatter alike
# (statistical low contrast detectability: Chao et al., Med Phys 2000;27:1324, recalled).
VISIBLE_SIGMAS = 3.29
_NULL_ANGLES = 24
_NULL_SLICES = 4
# Discs of the statistical method: their centres this many diameters apart, and no closer than
# this, inside this radius.
_APART, _LEAST_APART_MM = 1.2, 6.0
_REACH_MM = 55.0
_HU_PER_PERCENT = 10.0
# A disc of fewer pixels across than this is all rim.
_LEAST_PIXELS = 3.0


def low_contrast(volume: Volume, pose: Pose, spec: PhantomSpec, lc: LowContrast) -> Part:
    """Return the CNR of every visible disc and the smallest visible diameter of each group.

    Contrast: mean of the disc less the mean of two surround discs at the same angle, inside and
    outside of the circle, averaged over the slices of the module. CNR: contrast over the pixel
    standard deviation of the surround in a single slice. A disc is visible when its contrast in a
    single slice exceeds 3.29 standard deviations of the same difference taken where there is no
    disc (24 angles of the homogeneous module), so that correlated noise and rings count.
    """
    part, half = Part(), lc.half_range_mm
    slices = volume.within(pose.s_mm(lc.offset_mm - half), pose.s_mm(lc.offset_mm + half))
    noise = _noise(volume, pose, slices, lc.radius_mm)
    groups = _resolved(lc, volume.pixel_mm)
    nulls = _nulls(volume, pose, spec, lc, {d for g in groups for d, _ in g.discs})
    discs = [disc for group in groups for disc in group.discs]
    contrast = _contrasts(volume, pose, slices, lc, discs).mean(axis=1)
    if noise[0] <= 0 or not np.isfinite(contrast).all():
        part.warnings.append("Low contrast not measured: a disc is out of the field of view.")
        return part
    u = np.array([nulls[d] for d, _ in discs]) / math.sqrt(volume.independent(slices))
    start = 0
    for group in groups:
        mine = slice(start, start + len(group.discs))
        start = mine.stop
        part.add(
            _group(volume, pose, lc, group, contrast[mine], u=u[mine], nulls=nulls, noise=noise)
        )
    part.facts["low_contrast_slices"] = len(slices)
    return part


def _resolved(lc: LowContrast, pixel_mm: float) -> list[ContrastGroup]:
    """Return the groups without the discs that are smaller than the pixels can show."""
    return [
        replace(g, discs=tuple(d for d in g.discs if d[0] >= _LEAST_PIXELS * pixel_mm))
        for g in lc.groups
    ]


def _group(
    volume: Volume,
    pose: Pose,
    lc: LowContrast,
    group: ContrastGroup,
    contrast: Array,
    *,
    u: Array,
    nulls: dict[float, float],
    noise: tuple[float, float],
) -> Part:
    part, seen = Part(), []
    sd, u_sd = noise
    middle = volume.nearest(pose.s_mm(lc.offset_mm))
    ratios = contrast / sd
    u_ratios = np.hypot(u / sd, ratios * u_sd / sd)
    for (diameter, angle), c, u_c, ratio, u_ratio in zip(
        group.discs, contrast, u, ratios, u_ratios, strict=True
    ):
        cnr = quantity(float(ratio), "1", float(u_ratio))
        visible = c > VISIBLE_SIGMAS * nulls[diameter]
        if visible:
            part.values[f"cnr_{group.key}_{diameter:.0f}mm"] = cnr
            seen.append(diameter)
        values: dict[str, Quantity] = {"CNR": cnr, "contrast": quantity(float(c), "HU", float(u_c))}
        told = (
            f"{group.contrast_percent:g} %, {diameter:.0f} mm{'' if visible else ' (not visible)'}"
        )
        place = polar(lc.radius_mm, angle)
        part.regions.append(
            shown_disc(volume, pose, middle, place, diameter / 2, name=told, values=values)
        )
    diameters = tuple(d for d, _ in group.discs)
    part.curves.append(
        Curve(f"Low contrast, {group.contrast_percent:g} %", diameters, tuple(ratios.tolist()),
              "Disc diameter", "mm", "CNR", "1", tuple(u_ratios.tolist()))
    )  # fmt: skip
    if seen:
        part.values[f"smallest_visible_{group.key}"] = quantity(min(seen), "mm")
    else:
        part.warnings.append(f"No {group.contrast_percent:g} % disc is visible in a single slice.")
    return part


def _contrasts(
    volume: Volume,
    pose: Pose,
    slices: Sequence[int],
    lc: LowContrast,
    discs: Sequence[tuple[float, float]],
) -> Array:
    """Return each disc's contrast in each slice, HU; discs are (diameter, angle)."""
    s = volume.s_mm[list(slices)]
    sizes = np.array([d for d, _ in discs])
    angles, which = np.unique([a for _, a in discs], return_inverse=True)

    def means(radius: float, size: float, chosen: Array) -> Array:
        places = np.column_stack(polar_arrays(radius, chosen))
        return read_discs(volume, slices, *pose.places(places, s), size).mean

    beside = [means(share * lc.radius_mm, _SURROUND_RADIUS_MM, angles) for share in _BESIDE]
    own = np.zeros((len(discs), len(slices)))
    for diameter in sorted(set(sizes.tolist())):
        mine = sizes == diameter
        own[mine] = means(lc.radius_mm, _MEASURED_SHARE * diameter / 2, angles[which[mine]])
    found: Array = own - ((beside[0] + beside[1]) / 2)[which]
    return found


def _nulls(
    volume: Volume, pose: Pose, spec: PhantomSpec, lc: LowContrast, diameters: set[float]
) -> dict[float, float]:
    """Return the scatter of the contrast where there is nothing, of single slices, by diameter."""
    slices = usable_slices(volume, pose, spec.uniformity)[:_NULL_SLICES]
    angles = [k * 360 / _NULL_ANGLES for k in range(_NULL_ANGLES)]
    sizes = sorted(diameters)
    empty = _contrasts(volume, pose, slices, lc, [(d, a) for d in sizes for a in angles])
    table = empty.reshape(len(sizes), len(angles), len(slices))
    spread = np.sqrt(np.nanmean(np.nanvar(table, axis=1, ddof=1), axis=1))
    return {d: max(1e-6, float(v)) for d, v in zip(sizes, spread, strict=True)}


def _noise(
    volume: Volume, pose: Pose, slices: Sequence[int], circle_mm: float
) -> tuple[float, float]:
    """Return the pixel SD of the surround, mean of small discs, and its standard uncertainty."""
    places = np.column_stack(polar_arrays(_BESIDE[0] * circle_mm, np.arange(0.0, 360.0, 30.0)))
    s = volume.s_mm[list(slices)]
    sd = read_discs(volume, slices, *pose.places(places, s), _SURROUND_RADIUS_MM).sd
    independent = volume.independent(slices) * len(places)
    scatter = float(np.nanstd(sd)) / math.sqrt(independent)
    return max(1e-6, float(np.nanmean(sd))), scatter


def detectable_contrast(volume: Volume, pose: Pose, spec: PhantomSpec) -> Part:
    """Return the least contrast that a disc of each size needs, from noise alone, in per cent.

    3.29 standard deviations of the means of disc-sized regions of the homogeneous module in a
    single slice, a second-order trend of the means taken off; 1 % is 10 HU. The regions are 1.2
    diameters, and at least 6 mm, apart; the standard uncertainty is from their number.
    """
    part, lc = Part(), spec.low_contrast
    diameters = sorted({d for g in lc.groups for d, _ in g.discs}) if lc else [5.0, 9.0, 15.0]
    slices = usable_slices(volume, pose, spec.uniformity)[:_NULL_SLICES]
    s = volume.s_mm[slices]
    found: list[tuple[float, float, float]] = []
    for diameter in diameters:
        apart = max(_APART * diameter, _LEAST_APART_MM)
        line = np.arange(-_REACH_MM, _REACH_MM + 1e-9, apart)
        gx, gy = (v.ravel() for v in np.meshgrid(line - line.mean(), line - line.mean()))
        inside = np.hypot(gx, gy) + diameter / 2 <= spec.uniformity.body_radius_mm - 10
        places = np.column_stack([gx[inside], gy[inside]])
        if len(places) < 12 or diameter < _LEAST_PIXELS * volume.pixel_mm:
            continue
        means = read_discs(volume, slices, *pose.places(places, s), diameter / 2).mean
        if not np.isfinite(means).all():
            continue
        x, y = places.T / _REACH_MM
        base, _ = np.linalg.qr(np.column_stack([np.ones_like(x), x, y, x * x, x * y, y * y]))
        left = means - base @ (base.T @ means)
        freedom = len(places) - base.shape[1]
        sd = math.sqrt(float(np.sum(left**2)) / (freedom * len(slices)))
        u = 1 / math.sqrt(2 * freedom * volume.independent(slices))
        percent = VISIBLE_SIGMAS * sd / _HU_PER_PERCENT
        found.append((diameter, percent, percent * u))
        part.values[f"detectable_contrast_{diameter:.0f}mm"] = quantity(percent, "%", percent * u)
    if found:
        d, c, u_c = (tuple(v[k] for v in found) for k in range(3))
        part.curves.append(
            Curve("Detectable contrast (from noise)", d, c, "Disc diameter", "mm", "Contrast", "%",
                  u_c)
        )  # fmt: skip
    return part
