"""Homogeneity and noise of the homogeneous module."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from kerma.core import quantity
from kerma.imaging.phantoms._grid import Volume, read_discs
from kerma.imaging.phantoms._part import Part
from kerma.imaging.phantoms._pose import Pose
from kerma.imaging.phantoms._regions import shape
from kerma.imaging.phantoms._spec import PhantomSpec, Uniformity, polar
from kerma.imaging.phantoms._spectrum import Spectrum, spectrum
from kerma.imaging.tools.regions import Disc
from kerma.imaging.tools.statistics import Moments

__all__ = ["Spectrum", "spectrum", "uniformity", "usable_slices"]

Array = npt.NDArray[np.float64]

# As displayed, whatever the roll and whichever end the phantom is seen from.
_STEP, _MOST_SLICES = 2.4, 6
_PLACES = {"centre": None, "right": 0.0, "bottom": 90.0, "left": 180.0, "top": 270.0}


def uniformity(volume: Volume, pose: Pose, spec: PhantomSpec) -> Part:
    """Return centre and edge CT numbers, their largest difference, non-uniformity and noise.

    One slice (the nearest to the module's middle), five discs. Uniformity is the largest absolute
    edge less centre; integral non-uniformity is (max - min) / (max + min) of the five means on
    the scale HU + 1000, where air is 0; noise is the pixel standard deviation of the centre disc.
    The uncertainties are the larger of each region's own, from its tiles, and of the change of 19
    regions like it from slice to slice, so that noise counts however far it is correlated.
    """
    part, u = Part(), spec.uniformity
    slices = usable_slices(volume, pose, u)
    index = slices[0]
    scatter = _scatter(volume, pose, u, slices)
    cx, cy = pose.centre(float(volume.s_mm[index]))
    found: dict[str, Moments] = {}
    for name, angle in _PLACES.items():
        x, y = cx, cy
        if angle is not None:
            x += u.edge_radius_mm * math.cos(math.radians(angle))
            y += u.edge_radius_mm * math.sin(math.radians(angle))
        own = _moments(volume, index, x, y, u.roi_radius_mm)
        if own is None:
            part.warnings.append(f"Uniformity, {name}: out of the field of view.")
            continue
        stats = replace(own, u_mean=max(own.u_mean, scatter[0]), u_sd=max(own.u_sd, scatter[1]))
        found[name] = stats
        part.values[f"uniformity_{name}"] = quantity(stats.mean, "HU", stats.u_mean)
        part.regions.append(
            shape(volume, index, "circle", f"uniformity, {name}",
                  [(x, y), (x + u.roi_radius_mm, y)], values=stats.values("HU"))
        )  # fmt: skip
    part.facts["uniformity_slice"] = volume.order[index]
    if len(found) == len(_PLACES):
        part.add(_summary(found))
    if "centre" in found:
        part.values["noise"] = quantity(found["centre"].sd, "HU", found["centre"].u_sd)
    return part


def _scatter(volume: Volume, pose: Pose, u: Uniformity, slices: list[int]) -> tuple[float, float]:
    """Return how means and SDs of regions change from slice to slice, HU; zero with one slice.

    What is the same in all slices, or moves a whole slice up or down, is no noise.
    """
    apart = _apart(volume, slices)
    if len(apart) < 2:
        return 0.0, 0.0
    angles = [(r, k * 60.0 / r) for r in (1, 2) for k in range(6 * r)]
    places = [(0.0, 0.0), *(polar(r * _STEP * u.roi_radius_mm, a) for r, a in angles)]
    x, y = pose.places(np.array(places), volume.s_mm[apart])
    found = read_discs(volume, apart, x, y, u.roi_radius_mm)
    whole = np.isfinite(found.mean).all(axis=1)
    if not whole.any():
        return 0.0, 0.0
    count = int(whole.sum())
    freedom = max(1, (count - 1) * (len(apart) - 1))
    scatter = []
    for values in (found.mean[whole], found.sd[whole]):
        left = values - values.mean(axis=0) - values.mean(axis=1, keepdims=True) + values.mean()
        scatter.append(math.sqrt(float(np.sum(left**2)) / freedom))
    return scatter[0], scatter[1]


def _apart(volume: Volume, slices: list[int]) -> list[int]:
    """Return up to six of the slices, no two of which overlap."""
    kept: list[int] = []
    for i in sorted(slices):
        gap = volume.thickness_mm or volume.increment_mm
        if not kept or volume.s_mm[i] - volume.s_mm[kept[-1]] >= 0.99 * gap:
            kept.append(i)
    return kept[:_MOST_SLICES]


def _moments(volume: Volume, index: int, x: float, y: float, radius_mm: float) -> Moments | None:
    column, row = volume.to_pixel(x, y, index)
    pixels, radius = volume.images[index].pixels, radius_mm / volume.pixel_mm
    rows, columns = volume.shape
    if min(column, row) < radius or column > columns - 1 - radius or row > rows - 1 - radius:
        return None
    r, c = int(row - radius), int(column - radius)
    part = pixels[r : int(row + radius) + 2, c : int(column + radius) + 2].astype(np.float64)
    return Disc(float(column) - c, float(row) - r, radius).moments(part)


def _summary(found: dict[str, Moments]) -> Part:
    part, centre = Part(), found["centre"]
    edges = [v for k, v in found.items() if k != "centre"]
    worst = max(edges, key=lambda v: abs(v.mean - centre.mean))
    part.values["uniformity_max_difference"] = quantity(
        abs(worst.mean - centre.mean), "HU", math.hypot(worst.u_mean, centre.u_mean)
    )
    top = max(found.values(), key=lambda v: v.mean)
    bottom = min(found.values(), key=lambda v: v.mean)
    high, low = top.mean + 1000, bottom.mean + 1000
    if high + low > 0:
        u = 2 * math.hypot(low * top.u_mean, high * bottom.u_mean) / (high + low) ** 2
        part.values["integral_nonuniformity"] = quantity((high - low) / (high + low), "1", u)
    return part


def usable_slices(volume: Volume, pose: Pose, u: Uniformity) -> list[int]:
    """Return the homogeneous module's slices, the nearest to its middle first."""
    inside = volume.within(pose.s_mm(u.range_mm[0]), pose.s_mm(u.range_mm[1]))
    low, high = pose.axis.span_mm
    kept = [i for i in inside if low <= volume.s_mm[i] <= high]
    middle = pose.s_mm(u.offset_mm)
    return sorted(kept or inside, key=lambda i: abs(float(volume.s_mm[i]) - middle))
