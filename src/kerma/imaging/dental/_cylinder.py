"""A homogeneous cylinder in a cone-beam series: where it is, which slices to use, is it plain."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from kerma.core import InputError
from kerma.imaging.phantoms._grey import find_body
from kerma.imaging.phantoms._grid import Volume
from kerma.imaging.phantoms._outline import Axis
from kerma.imaging.phantoms._pose import Pose

Array = npt.NDArray[np.floating[Any]]

# The ends of a cylinder and of the cone are left out: the middle half, at most this much of it.
_MIDDLE_MM = 24.0
_MOST_SLICES = 40
_BLOCK_MM = 4.0
_CHECKED_RADIUS = 0.9
# What differs from the ring it lies on by this share of the step from air to body (and by six
# times the noise of a block) is an object, not shading.
_OBJECT_SHARE, _OBJECT_SIGMAS = 0.08, 6.0
# A scan inside the material: no pixel of the middle slice may be this far from its median.
_FILLED_SHARE = 0.35
# What reads like this is air, where the machine is calibrated.
_AIR_HU = (-1100.0, -900.0)


@dataclass(frozen=True, slots=True)
class Cylinder:
    """Where the cylinder is.

    Attributes
    ----------
    pose
        Its axis, unturned.
    radius_mm
        Of the cylinder, or of the largest circle in the image when the image lies inside it.
    air, level
        Grey values; the air is ``None`` when none is seen.
    slices
        The slices to measure.
    inside
        Whether the field of view lies inside the material.
    """

    pose: Pose
    radius_mm: float
    air: float | None
    level: float
    slices: tuple[int, ...]
    inside: bool


def find_cylinder(volume: Volume, wanted: tuple[int, int] | None) -> Cylinder:
    """Return the cylinder, or refuse what is none or is not plain.

    `wanted` names the first and last slice to use, in order of position, when set by hand.

    Raises
    ------
    InputError
        Codes ``phantom-not-found``, ``wrong-phantom``.
    """
    try:
        body = find_body(volume)
    except InputError:
        found = _filled(volume, wanted)
        if found is None:
            raise
    else:
        pose = Pose(body.axis, 0.0, False, sum(body.axis.span_mm) / 2)
        slices = _chosen(volume, body.axis.span_mm, wanted)
        air = None if body.cut else body.air
        found = Cylinder(pose, body.axis.radius_mm, air, body.level, slices, body.cut)
    _require_plain(volume, found)
    return found


def _chosen(
    volume: Volume, span: tuple[float, float], wanted: tuple[int, int] | None
) -> tuple[int, ...]:
    if wanted is not None:
        slices = list(range(wanted[0], wanted[1] + 1))
    else:
        middle, half = sum(span) / 2, min((span[1] - span[0]) / 4, _MIDDLE_MM / 2)
        slices = volume.within(middle - half, middle + half)
    return tuple(slices[:: max(1, -(-len(slices) // _MOST_SLICES))])


def _filled(volume: Volume, wanted: tuple[int, int] | None) -> Cylinder | None:
    """Return a scan whose field of view lies wholly inside the material, if it is one."""
    rows, columns = volume.shape
    radius = 0.98 * min(rows * volume.spacing_mm[0], columns * volume.spacing_mm[1]) / 2
    x, y = volume.to_mm(*np.meshgrid(np.arange(columns), np.arange(rows)))
    middle = volume.images[len(volume.images) // 2].pixels
    disc = np.hypot(x, y) < 0.9 * radius
    level = float(np.median(middle[disc]))
    low, high = (float(v) for v in np.percentile(middle[disc], (1, 99)))
    scale = max(abs(level), high - low, 1e-9)
    if high - low > _FILLED_SHARE * scale or _AIR_HU[0] < level < _AIR_HU[1]:
        return None
    span = (float(volume.s_mm[0]), float(volume.s_mm[-1]))
    axis = Axis(0.0, 0.0, 0.0, 0.0, span, radius, 0.0)
    pose = Pose(axis, 0.0, False, sum(span) / 2)
    return Cylinder(pose, radius, None, level, _chosen(volume, span, wanted), True)


def _require_plain(volume: Volume, found: Cylinder) -> None:
    step = found.level - found.air if found.air is not None else abs(found.level)
    means = [_middle_mean(volume, found, i) for i in found.slices]
    odd = [
        index
        for index, mean in zip(found.slices, means, strict=True)
        if abs(mean - found.level) > 0.1 * step
    ]
    if odd:
        raise InputError(
            f"Slice {volume.order[odd[0]]} is not of this phantom's material: its middle differs "
            "by more than a tenth of the step from air. Choose slices inside the phantom.",
            code="wrong-phantom",
            detail={"slices": [volume.order[i] for i in odd]},
        )
    for index in found.slices[:: max(1, len(found.slices) // 6)]:
        away, noise = departures(volume, found, index)
        worst = float(np.abs(away).max()) if away.size else 0.0
        if worst > max(_OBJECT_SHARE * step, _OBJECT_SIGMAS * noise):
            raise InputError(
                "This is not a homogeneous phantom: something in it differs from its surround by "
                f"{100 * worst / step:.0f} % of the step from air to the body. Choose the "
                "measurement of the phantom it is, or slices of its homogeneous part.",
                code="wrong-phantom",
                detail={"slice": volume.order[index]},
            )


def _middle_mean(volume: Volume, found: Cylinder, index: int) -> float:
    column, row = volume.to_pixel(*found.pose.centre(float(volume.s_mm[index])), index)
    reach = max(2, round(0.2 * found.radius_mm / volume.pixel_mm))
    r, c = round(float(row)), round(float(column))
    cut = volume.images[index].pixels[max(0, r - reach) : r + reach, max(0, c - reach) : c + reach]
    return float(cut.mean(dtype=np.float64))


def departures(volume: Volume, found: Cylinder, index: int) -> tuple[Array, float]:
    """Return means of 4 mm blocks less the mean of the ring each lies on, and their noise."""
    size = max(2, round(_BLOCK_MM / volume.pixel_mm))
    pixels = volume.images[index].pixels
    rows, columns = (n // size for n in pixels.shape)
    tiles = pixels[: rows * size, : columns * size].astype(np.float64)
    tiles = tiles.reshape(rows, size, columns, size)
    means, spread = tiles.mean(axis=(1, 3)), tiles.std(axis=(1, 3))
    centre = (np.arange(rows) + 0.5) * size - 0.5, (np.arange(columns) + 0.5) * size - 0.5
    x, y = volume.to_mm(*np.meshgrid(centre[1], centre[0]), index)
    cx, cy = found.pose.centre(float(volume.s_mm[index]))
    r = np.hypot(x - cx, y - cy)
    inside = r < _CHECKED_RADIUS * found.radius_mm - _BLOCK_MM
    if inside.sum() < 9:
        return np.empty(0), 0.0
    # A ring's median, so that an object on it does not move it; cubic in r² follows any cupping.
    t = (r[inside] / found.radius_mm) ** 2
    terms = np.polyfit(t, means[inside], 3)
    for _ in range(2):
        rest = means[inside] - np.polyval(terms, t)
        near = np.abs(rest) < 3 * max(float(np.median(np.abs(rest))), 1e-9)
        terms = np.polyfit(t[near], means[inside][near], 3)
    # Noise of cone-beam images is correlated over two or three pixels (factor two).
    noise = 2 * float(np.median(spread[inside])) / size
    return means[inside] - np.polyval(terms, t), noise


def radial_profile(
    volume: Volume, found: Cylinder, slices: Sequence[int]
) -> tuple[Array, Array, Array]:
    """Return radius (mm), mean and standard uncertainty in rings a pixel wide, over the slices."""
    last = int(0.95 * found.radius_mm / volume.pixel_mm)
    rows, columns = volume.shape
    x, y = volume.to_mm(*np.meshgrid(np.arange(columns), np.arange(rows)))
    sums, squares, count = (np.zeros(last + 1) for _ in range(3))
    for index in slices:
        cx, cy = found.pose.centre(float(volume.s_mm[index])) - volume.shift_mm[index]
        ring = np.rint(np.hypot(x - cx, y - cy) / volume.pixel_mm).astype(int)
        inside = ring <= last
        values = volume.images[index].pixels[inside].astype(np.float64)
        count += np.bincount(ring[inside], minlength=last + 1)
        sums += np.bincount(ring[inside], values, minlength=last + 1)
        squares += np.bincount(ring[inside], values**2, minlength=last + 1)
    filled = np.flatnonzero(count)
    mean = sums[filled] / count[filled]
    variance = np.maximum(squares[filled] / count[filled] - mean**2, 0.0)
    return filled * volume.pixel_mm, mean, np.sqrt(variance / count[filled])
