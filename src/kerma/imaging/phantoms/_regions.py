"""Statistics of discs over slices, and shapes for the overlay."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from kerma.core import InputError, Quantity, Region, quantity
from kerma.imaging.phantoms._grid import Volume, read_discs
from kerma.imaging.phantoms._pose import Pose

Array = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class DiscStatistics:
    """Mean over the slices, its standard uncertainty, and the mean of the slices' pixel SD, HU."""

    mean: float
    u: float
    sd: float
    u_sd: float

    def values(self) -> dict[str, Quantity]:
        """Return mean and noise for the list beside the picture."""
        return {
            "mean": quantity(self.mean, "HU", self.u),
            "noise": quantity(self.sd, "HU", self.u_sd),
        }


def pixels_in_disc(volume: Volume, index: int, x_mm: float, y_mm: float, radius_mm: float) -> Array:
    """Return the pixels whose centres lie in a disc."""
    column, row = volume.to_pixel(x_mm, y_mm, index)
    high, wide = radius_mm / volume.spacing_mm[0], radius_mm / volume.spacing_mm[1]
    r0, r1 = max(0, math.floor(row - high)), math.ceil(row + high) + 1
    c0, c1 = max(0, math.floor(column - wide)), math.ceil(column + wide) + 1
    part = volume.images[index].pixels[r0:r1, c0:c1]
    rows, columns = np.ogrid[r0 : r0 + part.shape[0], c0 : c0 + part.shape[1]]
    inside = ((rows - row) / high) ** 2 + ((columns - column) / wide) ** 2 <= 1
    found: Array = part[inside].astype(np.float64)
    return found


def discs(
    volume: Volume, pose: Pose, slices: Sequence[int], xy_mm: Array, radius_mm: float
) -> list[DiscStatistics | None]:
    """Return the statistics of discs at places of the phantom's frame; ``None`` out of view.

    The standard uncertainty of a mean is the larger of SD / sqrt(pixels) and, over two slices or
    more, the scatter of the slice means, pooled over the discs, / sqrt(slices): the second sees
    noise that is correlated between pixels, shading along the axis, and streaks. Overlapping
    slices count for the length they cover.
    """
    found = read_discs(volume, slices, *pose.places(xy_mm, volume.s_mm[list(slices)]), radius_mm)
    independent = volume.independent(slices)
    means, sds = found.mean.mean(axis=1), found.sd.mean(axis=1)
    usable = np.isfinite(means)
    own = np.zeros(len(means))
    if len(slices) > 1 and usable.any():
        own = found.mean.std(axis=1, ddof=1)
    pooled = math.sqrt(float(np.mean(own[usable] ** 2))) if usable.any() else 0.0
    result: list[DiscStatistics | None] = []
    for mean, sd, scatter, count, good in zip(
        means, sds, own, found.count.mean(axis=1), usable, strict=True
    ):
        if not good:
            result.append(None)
            continue
        pixels = float(sd) / math.sqrt(float(count) * independent)
        u = max(pixels, max(float(scatter), pooled) / math.sqrt(independent))
        u_sd = float(sd) / math.sqrt(2 * (float(count) * independent - 1))
        result.append(DiscStatistics(float(mean), u, float(sd), u_sd))
    return result


def disc(
    volume: Volume, pose: Pose, slices: Sequence[int], xy: tuple[float, float], radius_mm: float
) -> DiscStatistics:
    """Return the statistics of one disc; see `discs`.

    Raises
    ------
    InputError
        Code ``region-too-small``: the disc is out of the field of view.
    """
    found = discs(volume, pose, slices, np.array([xy]), radius_mm)[0]
    if found is None:
        raise InputError(
            "A measuring region falls outside the image or holds too few pixels. Reconstruct a "
            "field of view that holds the whole phantom.",
            code="region-too-small",
        )
    return found


def shown_disc(
    volume: Volume,
    pose: Pose,
    index: int,
    xy: tuple[float, float],
    radius_mm: float,
    *,
    name: str,
    values: Mapping[str, Quantity] | None = None,
) -> Region:
    """Return a disc as a region of the overlay, in pixels of the image as it was given."""
    x, y = pose.place(*xy, float(volume.s_mm[index]))
    return shape(volume, index, "circle", name, [(x, y), (x + radius_mm, y)], values=values)


def shape(
    volume: Volume,
    index: int,
    kind: Any,
    name: str,
    places_mm: Sequence[tuple[float, float]],
    *,
    values: Mapping[str, Quantity] | None = None,
) -> Region:
    """Return a shape given by places in mm."""
    points = tuple(
        (float(c), float(r)) for c, r in (volume.to_pixel(x, y, index) for x, y in places_mm)
    )
    return Region(name, kind, points, volume.order[index], dict(values or {}))
