"""Statistics of discs of whole pixels in one slice or several, and shapes for the overlay."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from kerma.core import Quantity, Region, quantity
from kerma.imaging.phantoms._pose import Pose
from kerma.imaging.phantoms._volume import Volume

Array = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class DiscStatistics:
    """Mean over the slices, its standard uncertainty, and the mean of the slices' pixel SD, HU."""

    mean: float
    u: float
    sd: float

    def values(self) -> dict[str, Quantity]:
        """Return mean and noise for the list beside the picture."""
        return {"mean": quantity(self.mean, "HU", self.u), "noise": quantity(self.sd, "HU")}


def pixels_in_disc(volume: Volume, index: int, x_mm: float, y_mm: float, radius_mm: float) -> Array:
    """Return the pixels whose centres lie in a disc, places in mm from the middle of the image."""
    column, row = volume.to_pixel(x_mm, y_mm)
    high, wide = radius_mm / volume.spacing_mm[0], radius_mm / volume.spacing_mm[1]
    r0, r1 = max(0, math.floor(row - high)), math.ceil(row + high) + 1
    c0, c1 = max(0, math.floor(column - wide)), math.ceil(column + wide) + 1
    part = volume.images[index].pixels[r0:r1, c0:c1]
    rows, columns = np.ogrid[r0 : r0 + part.shape[0], c0 : c0 + part.shape[1]]
    inside = ((rows - row) / high) ** 2 + ((columns - column) / wide) ** 2 <= 1
    found: Array = part[inside].astype(np.float64)
    return found


def disc(
    volume: Volume, pose: Pose, slices: Sequence[int], xy: tuple[float, float], radius_mm: float
) -> DiscStatistics:
    """Return the statistics of a disc at a place of the phantom's frame.

    The standard uncertainty of the mean is the larger of SD / sqrt(pixels) and, over two slices
    or more, the scatter of the slice means / sqrt(slices): the second sees noise that is
    correlated between pixels, shading along the axis, and streaks.
    """
    means, sds, count = [], [], 0
    for index in slices:
        x, y = pose.place(*xy, float(volume.s_mm[index]))
        values = pixels_in_disc(volume, index, x, y, radius_mm)
        means.append(float(values.mean()))
        sds.append(float(values.std(ddof=1)) if values.size > 1 else 0.0)
        count += values.size
    sd = float(np.mean(sds))
    u = sd / math.sqrt(count)
    if len(means) > 1:
        u = max(u, float(np.std(means, ddof=1)) / math.sqrt(len(means)))
    return DiscStatistics(float(np.mean(means)), u, sd)


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
    """Return a shape given by places in mm from the middle of the image."""
    points = tuple((float(c), float(r)) for c, r in (volume.to_pixel(x, y) for x, y in places_mm))
    return Region(name, kind, points, volume.order[index], dict(values or {}))
