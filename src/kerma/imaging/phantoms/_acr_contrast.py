"""Module 2: contrast to noise of the 25 mm rod, and which groups of rods stand out."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from kerma.core import Curve, quantity
from kerma.imaging.phantoms._acr_locate import module_slices
from kerma.imaging.phantoms._acr_spec import AcrSpec, RodGroup
from kerma.imaging.phantoms._grid import Volume, disc_grid
from kerma.imaging.phantoms._part import Part
from kerma.imaging.phantoms._pose import Pose
from kerma.imaging.phantoms._regions import disc, shown_disc
from kerma.imaging.phantoms._spec import polar
from kerma.imaging.tools.untyped import ndimage

Array = npt.NDArray[np.float64]

# One-sided 95 % separation of two means that scatter alike (Chao et al., Med Phys 2000;27:1324,
# recalled); the same rule as for the low contrast discs of the CatPhan.
VISIBLE_SIGMAS = 3.29
# A rod's middle part and the surround between the rods and beside the row: design choices.
_MEASURED_SHARE = 0.8
_NULL_ANGLES, _NULL_SLICES = 24, 4
# Rods and the gaps between and beside them, in diameters along the row.
_RODS = (-3.0, -1.0, 1.0, 3.0)
_GAPS = (-4.0, -2.0, 0.0, 2.0, 4.0)
# How far from its place in the description a group is looked for.
_SEARCH_DEG = np.arange(-12.0, 12.1, 1.0)
_SEARCH_MM = np.arange(-4.0, 4.1, 1.0)
# A group whose contrast is clear but less than this share of the big rod's is not where it was
# looked for.
_LEAST_SHARE = 0.4


def low_contrast(volume: Volume, pose: Pose, spec: AcrSpec) -> Part:
    """Return contrast and CNR of the 25 mm rod and of each group of rods, and the smallest seen.

    CNR = |A - B| / SD(B), A a disc in the rod, B one beside it, of about 100 mm² (ACR); the mean
    over the slices within `half_range_mm` of the middle of module 2.
    """
    part, lc = Part(), spec.low_contrast
    slices = module_slices(volume, pose, spec, "low_contrast", lc.half_range_mm)
    rod = polar(lc.rod.radius_mm, lc.rod.angle_deg)
    beside = polar(lc.surround_radius_mm, lc.surround_angle_deg)
    inside = [disc(volume, pose, [i], rod, lc.roi_radius_mm) for i in slices]
    outside = [disc(volume, pose, [i], beside, lc.roi_radius_mm) for i in slices]
    contrast = np.array([a.mean - b.mean for a, b in zip(inside, outside, strict=True)])
    noise = float(np.mean([b.sd for b in outside]))
    own = math.hypot(inside[0].u, outside[0].u) / math.sqrt(len(slices))
    scatter = float(contrast.std(ddof=1)) / math.sqrt(len(slices)) if len(slices) > 1 else 0.0
    u = max(own, scatter)
    mean = float(contrast.mean())
    part.values["contrast_25mm"] = quantity(mean, "HU", u)
    part.values["low_contrast_hu_background"] = quantity(
        float(np.mean([b.mean for b in outside])), "HU", outside[0].u / math.sqrt(len(slices))
    )
    index = volume.nearest(pose.s_mm(spec.modules_mm["low_contrast"]))
    for xy, name in ((rod, "25 mm rod"), (beside, "beside the 25 mm rod")):
        stats = disc(volume, pose, [index], xy, lc.roi_radius_mm)
        part.regions.append(
            shown_disc(volume, pose, index, xy, lc.roi_radius_mm, name=name, values=stats.values())
        )
    if noise <= 0:
        part.warnings.append("CNR not measured: the images hold no noise at all.")
        return part
    count = math.pi * lc.roi_radius_mm**2 / (volume.spacing_mm[0] * volume.spacing_mm[1])
    relative = 1 / math.sqrt(2 * (count - 1) * len(slices))
    cnr = abs(mean) / noise
    part.values["cnr"] = quantity(cnr, "1", math.hypot(u / noise, cnr * relative))
    part.add(_groups(volume, pose, spec, slices, rod_hu=mean, noise=noise))
    part.facts["low_contrast_slices"] = [volume.order[i] for i in slices]
    part.facts["low_contrast_nominal_hu"] = lc.nominal_contrast_hu
    return part


def _groups(
    volume: Volume, pose: Pose, spec: AcrSpec, slices: list[int], *, rod_hu: float, noise: float
) -> Part:
    part, lc = Part(), spec.low_contrast
    empty = module_slices(volume, pose, spec, "uniformity", spec.uniformity.half_range_mm)
    empty = empty[:: max(1, len(empty) // _NULL_SLICES)]
    index = volume.nearest(pose.s_mm(spec.modules_mm["low_contrast"]))
    mean_slice = np.mean([volume.images[i].pixels for i in slices], axis=0)
    sizes: list[float] = []
    ratios: list[float] = []
    us: list[float] = []
    smallest: float | None = None
    unbroken = True
    for group in sorted(lc.groups, key=lambda g: -g.diameter_mm):
        one, row = _null(volume, pose, empty, group)
        at = _placed(volume, pose, mean_slice, index, group, row / math.sqrt(len(slices)))
        rows = np.array([_contrast(volume, pose, i, [at])[0] for i in slices])
        mean = float(rows.mean())
        scatter = float(rows.std(ddof=1)) if len(slices) > 1 else row
        u = max(scatter, row) / math.sqrt(len(slices))
        if rod_hu > 0 and mean + 3 * u < _LEAST_SHARE * rod_hu:
            part.warnings.append(
                f"The {group.diameter_mm:g} mm rods were not found where the description puts "
                "them, although the 25 mm rod is clear. They were not judged."
            )
            unbroken = False
            continue
        # Seen: one rod, in one slice, stands out from what chance shows where there is none.
        seen = mean > VISIBLE_SIGMAS * one
        unbroken = unbroken and seen
        smallest = group.diameter_mm if unbroken else smallest
        sizes.append(group.diameter_mm)
        ratios.append(mean / noise)
        us.append(u / noise)
        part.values[f"cnr_rods_{group.diameter_mm:.0f}mm"] = quantity(mean / noise, "1", u / noise)
        name = f"{group.diameter_mm:g} mm rod{'' if seen else ' (not visible)'}"
        part.regions += [
            shown_disc(volume, pose, index, xy, group.diameter_mm / 2, name=name)
            for xy in _in_row(at, _RODS)
        ]
    if sizes:
        part.curves.append(
            Curve("Low contrast rods", tuple(sizes), tuple(ratios), "Rod diameter", "mm",
                  "CNR", "1", tuple(us))
        )  # fmt: skip
    if smallest is not None:
        part.values["smallest_visible_rods"] = quantity(smallest, "mm")
    elif sizes:
        part.warnings.append("No group of small rods is visible in a single slice.")
    return part


def _in_row(group: RodGroup, steps: tuple[float, ...]) -> list[tuple[float, float]]:
    """Return places along a group's row, in diameters from its middle, across the radius."""
    x, y = polar(group.radius_mm, group.angle_deg)
    tx, ty = polar(group.diameter_mm, group.angle_deg + 90)
    return [(x + s * tx, y + s * ty) for s in steps]


def _discs(
    volume: Volume, pose: Pose, groups: Sequence[RodGroup], s_mm: float
) -> tuple[Array, Array]:
    """Return places of the pixels of all rods and gaps, shape (groups, 9, points) each."""
    small = _MEASURED_SHARE * groups[0].diameter_mm / 2
    dx, dy = disc_grid(small, min(volume.pixel_mm / 2, small / 2))
    places = np.array([_in_row(g, _RODS + _GAPS) for g in groups])
    return pose.place(places[..., :1] + dx, places[..., 1:] + dy, s_mm)


def _difference(values: Array) -> Array:
    """Return mean of the rods less mean of the gaps between and beside them."""
    means = values.mean(axis=-1)
    found: Array = means[..., : len(_RODS)].mean(axis=-1) - means[..., len(_RODS) :].mean(axis=-1)
    return found


def _contrast(volume: Volume, pose: Pose, index: int, groups: Sequence[RodGroup]) -> Array:
    """Return the contrast of each group in one slice, HU."""
    x, y = _discs(volume, pose, groups, float(volume.s_mm[index]))
    return _difference(volume.read(index, x, y))


def _placed(
    volume: Volume, pose: Pose, mean_slice: Array, index: int, group: RodGroup, u: float
) -> RodGroup:
    """Return the group where it stands out most in the mean slice, near its place.

    It stays at its place unless another is clearly better, by four standard deviations.
    """
    others = [
        RodGroup(group.diameter_mm, group.radius_mm + float(out), group.angle_deg + float(turn))
        for turn in _SEARCH_DEG
        for out in _SEARCH_MM
    ]
    x, y = _discs(volume, pose, [group, *others], float(volume.s_mm[index]))
    column, row = volume.to_pixel(x, y, index)
    values = ndimage.map_coordinates(mean_slice, [row, column], order=1, mode="nearest")
    heights = _difference(values)
    top = int(np.argmax(heights))
    return others[top - 1] if top and heights[top] > heights[0] + 4 * u else group


def _null(
    volume: Volume, pose: Pose, slices: Sequence[int], group: RodGroup
) -> tuple[float, float]:
    """Return the scatter where there is nothing: of one rod against its gaps, and of a whole row.

    In single slices of the homogeneous module, at 24 angles.
    """
    around = [
        RodGroup(group.diameter_mm, group.radius_mm, float(a))
        for a in np.arange(_NULL_ANGLES) * 360 / _NULL_ANGLES
    ]
    ones, rows = [], []
    for index in slices:
        x, y = _discs(volume, pose, around, float(volume.s_mm[index]))
        values = volume.read(index, x, y)
        means = values.mean(axis=-1)
        rods, gaps = means[:, : len(_RODS)], means[:, len(_RODS) :]
        ones.append(np.std(rods - (gaps[:, :-1] + gaps[:, 1:]) / 2, ddof=1))
        rows.append(np.std(_difference(values), ddof=1))
    return max(1e-6, float(np.mean(ones))), max(1e-6, float(np.mean(rows)))
