"""Slice thickness from the two ladders of wires in module 1.

The wires follow each other at equal steps along the axis and across the image. How far apart they
are across the image is not taken from a drawing: the ladder's middle moves by so many mm for each
mm of slice position, and that is measured in the series itself.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from kerma.core import Curve, quantity
from kerma.imaging.phantoms._acr_locate import module_slices
from kerma.imaging.phantoms._acr_spec import AcrSpec, WireRamps
from kerma.imaging.phantoms._grid import Volume
from kerma.imaging.phantoms._part import Part
from kerma.imaging.phantoms._pose import Pose
from kerma.imaging.phantoms._regions import shape
from kerma.imaging.phantoms._spec import polar
from kerma.imaging.tools.statistics import robust_sd
from kerma.imaging.tools.untyped import ndimage

Array = npt.NDArray[np.float64]

_ROOM_MM = 19.0
_STANDS_OUT = 6.0
_LEAST_SLICES = 2
# What reads this much less than the body is air or padding.
_AIR_HU = 500.0
# From this depth of modulation on the wires are seen one by one.
_RESOLVED = 0.25
# A blurred ladder shorter than this many pixels is lengthened by the blur of the slice plane,
# which is taken as two pixels wide (design choices).
_SHORT_PX, _BLUR_PX = 10.0, 2.0


@dataclass(frozen=True, slots=True)
class Ladder:
    """One ramp's answer.

    Attributes
    ----------
    thickness_mm, u_mm
        Full width at half maximum of the slice sensitivity profile; its standard uncertainty from
        how closely the wires sample it.
    slope
        mm across the image for each mm along the axis.
    wire_step_mm
        Step of the wires along the axis as this series has it; ``None`` when they blur together.
    offset_mm, profile
        The slice sensitivity profile.
    corners_mm
        Where the wires lie: four corners in the phantom's frame.
    """

    thickness_mm: float
    u_mm: float
    slope: float
    wire_step_mm: float | None
    offset_mm: Array
    profile: Array
    corners_mm: tuple[tuple[float, float], ...]


def slice_thickness(volume: Volume, pose: Pose, spec: AcrSpec) -> Part:
    """Return slice thickness, mean of the two ramps, and the step of the wires.

    The standard uncertainty joins half the difference of the ramps and the spacing of the wires'
    samples at the two half-maximum crossings (rectangular).
    """
    part = Part()
    slices = module_slices(volume, pose, spec, "ct_number", _ROOM_MM)
    found = [
        ladder
        for angle in spec.ramps.angles_deg
        if (ladder := read_ladder(volume, pose, spec.ramps, slices, angle)) is not None
    ]
    if not found:
        part.warnings.append(
            "Slice thickness not measured: no ladder of wires moves through at least "
            f"{_LEAST_SLICES} slices of module 1."
        )
        return part
    if len(found) == 1:
        part.warnings.append(
            "Only one of the two ramps was found; a tilt of the phantom is not averaged out."
        )
    table = [ladder.thickness_mm for ladder in found]
    own = math.hypot(*(ladder.u_mm for ladder in found)) / len(found)
    blur = max(_blur(ladder, volume.pixel_mm) for ladder in found)
    if blur:
        part.warnings.append(
            "The ladder of wires is short and the wires blur together: the slice thickness "
            "includes the blur of the slice plane. Reconstruct a smaller field of view."
        )
    u = math.hypot(own, (max(table) - min(table)) / 2, blur)
    part.values["slice_thickness"] = quantity(float(np.mean(table)), "mm", u)
    steps = [ladder.wire_step_mm for ladder in found if ladder.wire_step_mm is not None]
    if steps:
        half = (max(steps) - min(steps)) / 2
        part.values["ramp_wire_step"] = quantity(float(np.mean(steps)), "mm", max(half, 0.005))
    if volume.thickness_mm is not None:
        part.facts["slice_thickness_nominal_mm"] = volume.thickness_mm
    part.facts["ramp_slopes"] = [round(ladder.slope, 3) for ladder in found]
    index = volume.nearest(pose.origin_mm)
    for number, ladder in enumerate(found, 1):
        part.curves.append(
            Curve(f"Slice sensitivity, ramp {number}", tuple(ladder.offset_mm.tolist()),
                  tuple(ladder.profile.tolist()), "From the wire", "mm", "Contrast", "HU")
        )  # fmt: skip
        s = float(volume.s_mm[index])
        places = [pose.place(x, y, s) for x, y in ladder.corners_mm]
        values = {"thickness": quantity(ladder.thickness_mm, "mm", ladder.u_mm)}
        part.regions.append(shape(volume, index, "polygon", "ramp", places, values=values))
    return part


def _blur(ladder: Ladder, pixel_mm: float) -> float:
    """Return how much the blur of the slice plane may lengthen the width, mm along the axis."""
    length = ladder.thickness_mm * abs(ladder.slope)
    if ladder.wire_step_mm is not None or length > _SHORT_PX * pixel_mm:
        return 0.0
    wide = _BLUR_PX * pixel_mm
    return (length - math.sqrt(max(length**2 - wide**2, 0.0))) / abs(ladder.slope)


def read_ladder(
    volume: Volume, pose: Pose, ramps: WireRamps, slices: list[int], angle_deg: float
) -> Ladder | None:
    """Return what one ramp says, or ``None`` when it does not stand out or stands still."""
    if len(slices) < _LEAST_SLICES:
        return None
    step = min(volume.pixel_mm / 2, 0.25)
    along = np.arange(ramps.inner_mm, ramps.outer_mm + step / 2, step)
    across = np.arange(-ramps.half_width_mm, ramps.half_width_mm + step, 2 * step)
    rx, ry = polar(1.0, angle_deg)
    x = along[:, None] * rx - across[None, :] * ry
    y = along[:, None] * ry + across[None, :] * rx
    patches = np.array([volume.read(i, *pose.place(x, y, float(volume.s_mm[i]))) for i in slices])
    # Wires cover less than half of a row, so its median is the body.
    rest = patches - np.median(patches, axis=2, keepdims=True)
    # Rows that reach beyond the reconstructed circle show its border, not wires.
    rest[(patches < np.median(patches) - _AIR_HU).any(axis=2)] = 0.0
    z = pose.sense * (volume.s_mm[slices] - pose.origin_mm)
    order = np.argsort(z)
    rest, z = rest[order], z[order]
    wide = _wide(rest)
    if wide is None:
        return None
    profiles = rest[:, :, wide].mean(axis=2)
    line = _movement(profiles, along, z)
    if line is None:
        return None
    slope, start = line
    answer = _sensitivity(profiles, along, z, slope=slope, start=start)
    if answer is None:
        return None
    rows = profiles.max(axis=0) > 0.3 * profiles.max()
    low, high = float(along[rows][0]), float(along[rows][-1])
    left, right = float(across[wide][0]), float(across[wide][-1])
    corners = [(low, left), (low, right), (high, right), (high, left)]
    thickness, u, spacing, offset, profile = answer
    return Ladder(
        thickness, u, slope, spacing, offset, profile,
        tuple((a * rx - b * ry, a * ry + b * rx) for a, b in corners),
    )  # fmt: skip


def _wide(rest: Array) -> npt.NDArray[np.intp] | None:
    """Return the columns across the ramp that the wires cover, or ``None`` without wires."""
    noise = robust_sd(rest)
    strength = ndimage.uniform_filter1d(np.percentile(rest, 98, axis=(0, 1)), 3)
    quiet = float(np.percentile(strength, 20))
    top = int(np.argmax(strength))
    if strength[top] - quiet < max(3.0 * noise, 10.0):
        return None
    inside = strength - quiet > 0.5 * (strength[top] - quiet)
    low = high = top
    while low > 0 and inside[low - 1]:
        low -= 1
    while high < len(inside) - 1 and inside[high + 1]:
        high += 1
    return np.arange(low, high + 1)


def _movement(profiles: Array, along: Array, z: Array) -> tuple[float, float] | None:
    """Return slope and start of the line the ladder's middle follows: place = start + slope z."""
    noise = robust_sd(profiles)
    kept = np.where(profiles > 4.0 * noise, profiles, 0.0)
    total = kept.sum(axis=1)
    peak = float(total.max())
    if peak <= 0 or profiles.max() < _STANDS_OUT * max(noise, 1e-6):
        return None
    use = total > 0.5 * peak
    if use.sum() < _LEAST_SLICES:
        return None
    middle = (kept[use] * along).sum(axis=1) / total[use]
    a, b = np.triu_indices(int(use.sum()), 1)
    slope = float(np.median((middle[b] - middle[a]) / (z[use][b] - z[use][a])))
    if abs(slope) < 0.2:
        return None
    start = float(np.median(middle - slope * z[use]))
    return slope, start


def _sensitivity(
    profiles: Array, along: Array, z: Array, *, slope: float, start: float
) -> tuple[float, float, float | None, Array, Array] | None:
    """Return thickness, its uncertainty, the wires' step, and the slice sensitivity profile.

    Each wire's contrast against slice position less the wire's own position is a sample of the
    profile; all wires together sample it finely.
    """
    summed = profiles.sum(axis=0)
    inside = np.flatnonzero(summed > 0.3 * np.percentile(summed, 98))
    rows = np.arange(inside[0], inside[-1] + 1)
    peaks = _peaks(summed[rows], along[rows])
    spacing = None
    if peaks is not None:
        spacing = float(np.median(np.diff(peaks))) / abs(slope)
        # Wires at the ends of the ladder may belong to slices that were not scanned.
        places = peaks
    else:
        places = along[rows]
    offset = np.subtract.outer(z, (places - start) / slope)
    height = np.array([np.interp(places, along, p) for p in profiles])
    found = _width(offset.ravel(), height.ravel())
    if found is None:
        return None
    thickness, u, x, y = found
    return thickness, u, spacing, x, y


def _peaks(summed: Array, along: Array) -> Array | None:
    """Return the places of wires that are seen one by one, or ``None``."""
    smooth = ndimage.gaussian_filter1d(summed, 1.0)
    top = np.flatnonzero((smooth[1:-1] > smooth[:-2]) & (smooth[1:-1] >= smooth[2:])) + 1
    top = top[smooth[top] > 0.3 * smooth.max()]
    if len(top) < 5:
        return None
    between = [smooth[a:b].min() for a, b in pairwise(top)]
    depth = 1 - np.median(between) / np.median(smooth[top])
    gaps = np.diff(along[top])
    if depth < _RESOLVED or robust_sd(gaps) > 0.25 * np.median(gaps):
        return None
    before, here, after = smooth[top - 1], smooth[top], smooth[top + 1]
    bend = before - 2 * here + after
    fine = np.where(bend != 0, 0.5 * (before - after) / np.where(bend == 0, 1, bend), 0.0)
    found: Array = along[top] + fine * (along[1] - along[0])
    return found


def _width(x: Array, y: Array) -> tuple[float, float, Array, Array] | None:
    """Return full width at half maximum and its uncertainty, from scattered samples."""
    bin_mm = 0.1
    number = np.rint(x / bin_mm).astype(int)
    low = int(number.min())
    count = np.bincount(number - low)
    filled = np.flatnonzero(count)
    middle = (np.bincount(number - low, x) / np.where(count, count, 1))[filled]
    mean = (np.bincount(number - low, y) / np.where(count, count, 1))[filled]
    peak = int(np.argmax(ndimage.uniform_filter1d(mean, 3)))
    level = float(mean[peak]) / 2
    edges: tuple[float, float, float, float] | None = None
    for _ in range(4):
        edges = _crossings(middle, mean, peak, level)
        if edges is None:
            return None
        left, right = edges[:2]
        # The top is the mean of the inner third, not its highest sample.
        core = np.abs(middle - (left + right) / 2) <= (right - left) / 6
        if not core.any():
            break
        level = float(mean[core].mean()) / 2
    assert edges is not None
    left, right, gap_left, gap_right = edges
    u = math.hypot(gap_left, gap_right) / math.sqrt(12)
    shown = (middle > left - (right - left)) & (middle < right + (right - left))
    return right - left, u, middle[shown], mean[shown]


def _crossings(
    x: Array, y: Array, peak: int, level: float
) -> tuple[float, float, float, float] | None:
    below = y < level
    left, right = np.flatnonzero(below[:peak]), np.flatnonzero(below[peak:])
    if not len(left) or not len(right):
        return None
    i, j = int(left[-1]), peak + int(right[0])

    def cross(a: int, b: int) -> float:
        return float(x[a] + (level - y[a]) / (y[b] - y[a]) * (x[b] - x[a]))

    return cross(i, i + 1), cross(j - 1, j), float(x[i + 1] - x[i]), float(x[j] - x[j - 1])
