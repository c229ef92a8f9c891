"""Homogeneity and noise of the homogeneous module."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from kerma.core import quantity
from kerma.imaging.phantoms._part import Part
from kerma.imaging.phantoms._pose import Pose
from kerma.imaging.phantoms._regions import shape
from kerma.imaging.phantoms._spec import PhantomSpec, Uniformity
from kerma.imaging.phantoms._grid import Volume
from kerma.imaging.phantoms._spectrum import Spectrum, spectrum
from kerma.imaging.tools.regions import Disc
from kerma.imaging.tools.statistics import Moments

__all__ = ["Spectrum", "spectrum", "uniformity", "usable_slices"]

Array = npt.NDArray[np.float64]

# As displayed, whatever the roll and whichever end the phantom is seen from.
_PLACES = {"centre": None, "right": 0.0, "bottom": 90.0, "left": 180.0, "top": 270.0}


def uniformity(volume: Volume, pose: Pose, spec: PhantomSpec) -> Part:
    """Return centre and edge CT numbers, their largest difference, non-uniformity and noise.

    One slice (the nearest to the module's middle), five discs. Uniformity is the largest absolute
    edge less centre; integral non-uniformity is (max - min) / (max + min) of the five means on
    the scale HU + 1000, where air is 0; noise is the pixel standard deviation of the centre disc.
    The uncertainties allow for noise that is correlated between pixels.
    """
    part, u = Part(), spec.uniformity
    index = usable_slices(volume, pose, u)[0]
    cx, cy = pose.centre(float(volume.s_mm[index]))
    found: dict[str, Moments] = {}
    for name, angle in _PLACES.items():
        x, y = cx, cy
        if angle is not None:
            x += u.edge_radius_mm * math.cos(math.radians(angle))
            y += u.edge_radius_mm * math.sin(math.radians(angle))
        stats = _moments(volume, index, x, y, u.roi_radius_mm)
        if stats is None:
            part.warnings.append(f"Uniformity, {name}: out of the field of view.")
            continue
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
