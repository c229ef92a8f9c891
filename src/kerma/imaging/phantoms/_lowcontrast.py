"""Low contrast discs: contrast-to-noise ratio, and which of them are visible."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from kerma.core import Curve, quantity
from kerma.imaging.phantoms._part import Part
from kerma.imaging.phantoms._pose import Pose
from kerma.imaging.phantoms._regions import pixels_in_disc, shown_disc
from kerma.imaging.phantoms._spec import ContrastGroup, PhantomSpec, polar
from kerma.imaging.phantoms._uniformity import usable_slices
from kerma.imaging.phantoms._volume import Volume

Array = npt.NDArray[np.float64]

# Surround discs inside and outside of the circle of the discs, and the part of a disc that is
# measured (away from its blurred rim): design choices.
_INNER, _OUTER = 0.75, 1.25
_SURROUND_RADIUS_MM = 4.0
_MEASURED_SHARE = 0.8
# One-sided 95 % separation of a disc from its surround when both means scatter alike
# (statistical low contrast detectability: Chao et al., Med Phys 2000;27:1324, recalled).
VISIBLE_SIGMAS = 3.29
_NULL_ANGLES = 24


def low_contrast(volume: Volume, pose: Pose, spec: PhantomSpec) -> Part:
    """Return the CNR of every visible disc and the smallest visible diameter of each group.

    Contrast: mean of the disc less the mean of two surround discs at the same angle, inside and
    outside of the circle, averaged over the slices of the module. CNR: contrast over the pixel
    standard deviation of the surround in a single slice. A disc is visible when its contrast in a
    single slice exceeds 3.29 standard deviations of the same difference taken where there is no
    disc (24 angles of the homogeneous module), so that correlated noise and rings count.
    """
    part, lc = Part(), spec.low_contrast
    half = lc.half_range_mm
    slices = volume.within(pose.s_mm(lc.offset_mm - half), pose.s_mm(lc.offset_mm + half))
    middle = volume.nearest(pose.s_mm(lc.offset_mm))
    noise = _noise(volume, pose, slices, lc.radius_mm)
    nulls: dict[float, float] = {}
    for group in lc.groups:
        diameters, ratios, us, smallest = [], [], [], None
        for diameter, angle in group.discs:
            radius = _MEASURED_SHARE * diameter / 2
            if diameter not in nulls:
                nulls[diameter] = _null(volume, pose, spec, radius)
            contrast = np.array(
                [
                    _contrast(volume, pose, i, lc.radius_mm, angle=angle, radius_mm=radius)
                    for i in slices
                ]
            )
            mean, null = float(contrast.mean()), nulls[diameter]
            u = null / np.sqrt(len(slices)) / noise
            cnr = quantity(mean / noise, "1", float(u))
            seen = mean > VISIBLE_SIGMAS * null
            diameters.append(diameter)
            ratios.append(cnr.value)
            us.append(float(u))
            if seen:
                part.values[f"cnr_{group.key}_{diameter:.0f}mm"] = cnr
                smallest = min(diameter, smallest or diameter)
            name = (
                f"{group.contrast_percent:g} %, {diameter:.0f} mm{'' if seen else ' (not visible)'}"
            )
            values = {"CNR": cnr, "contrast": quantity(mean, "HU", float(u) * noise)}
            part.regions.append(
                shown_disc(
                    volume,
                    pose,
                    middle,
                    polar(lc.radius_mm, angle),
                    diameter / 2,
                    name=name,
                    values=values,
                )
            )
        part.add(_group_part(group, diameters, ratios, us, smallest))
    part.facts["low_contrast_slices"] = len(slices)
    return part


def _group_part(
    group: ContrastGroup,
    diameters: list[float],
    ratios: list[float],
    us: list[float],
    smallest: float | None,
) -> Part:
    part = Part(
        curves=[
            Curve(f"Low contrast, {group.contrast_percent:g} %", tuple(diameters), tuple(ratios),
                  "Disc diameter", "mm", "CNR", "1", tuple(us))
        ]
    )  # fmt: skip
    if smallest is None:
        part.warnings.append(f"No {group.contrast_percent:g} % disc is visible in a single slice.")
    else:
        part.values[f"smallest_visible_{group.key}"] = quantity(smallest, "mm")
    return part


def _contrast(
    volume: Volume, pose: Pose, index: int, circle_mm: float, *, angle: float, radius_mm: float
) -> float:
    s = float(volume.s_mm[index])

    def mean(r: float, size: float) -> float:
        return float(pixels_in_disc(volume, index, *pose.place(*polar(r, angle), s), size).mean())

    surround = (
        mean(_INNER * circle_mm, _SURROUND_RADIUS_MM),
        mean(_OUTER * circle_mm, _SURROUND_RADIUS_MM),
    )
    return mean(circle_mm, radius_mm) - sum(surround) / 2


def _null(volume: Volume, pose: Pose, spec: PhantomSpec, radius_mm: float) -> float:
    """Return the scatter of the contrast where there is nothing, over angles, of single slices."""
    circle = spec.low_contrast.radius_mm
    angles = np.arange(_NULL_ANGLES) * 360 / _NULL_ANGLES
    slices = usable_slices(volume, pose, spec.uniformity)[:2]
    found = [
        [_contrast(volume, pose, i, circle, angle=float(a), radius_mm=radius_mm) for a in angles]
        for i in slices
    ]
    return max(1e-6, float(np.mean([np.std(v, ddof=1) for v in found])))


def _noise(volume: Volume, pose: Pose, slices: list[int], circle_mm: float) -> float:
    """Return the pixel SD of the surround: mean over slices and angles of small discs."""
    found = []
    for index in slices:
        s = float(volume.s_mm[index])
        for angle in range(0, 360, 30):
            x, y = pose.place(*polar(_INNER * circle_mm, float(angle)), s)
            found.append(
                float(pixels_in_disc(volume, index, x, y, _SURROUND_RADIUS_MM).std(ddof=1))
            )
    return max(1e-6, float(np.mean(found)))
