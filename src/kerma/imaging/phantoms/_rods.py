"""Distances between the four rods of the sensitometry module: the geometry of the slice."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from kerma.core import Quantity, quantity
from kerma.imaging.phantoms._centroids import centroids
from kerma.imaging.phantoms._grid import Volume
from kerma.imaging.phantoms._part import Part
from kerma.imaging.phantoms._pose import Pose
from kerma.imaging.phantoms._regions import shape
from kerma.imaging.phantoms._spec import PhantomSpec

Array = npt.NDArray[np.float64]

_SIDES = {
    "top": ("upper_left", "upper_right"),
    "bottom": ("lower_left", "lower_right"),
    "left": ("upper_left", "lower_left"),
    "right": ("upper_right", "lower_right"),
}
_LEAST_CONTRAST_HU = 100.0


def rod_spacing(volume: Volume, pose: Pose, spec: PhantomSpec) -> Part:
    """Return the distances between the four rods, along both axes of the image.

    Centroids of the rods' contrast, to a fraction of a pixel, averaged over the slices of the
    module, across the phantom's axis. A turned phantom or a roll changes which rod is which, not
    the distances.
    """
    sens, part = spec.sensitometry, Part()
    slices = volume.within(pose.s_mm(-sens.half_range_mm), pose.s_mm(sens.half_range_mm))
    names = list(sens.rods)
    x, y = pose.places(np.array([sens.rods[n] for n in names]), volume.s_mm[slices])
    seen = [
        centroids(volume, i, np.column_stack([x[:, k], y[:, k]]), sens.rod_radius_mm)
        for k, i in enumerate(slices)
    ]
    found = np.array([c.xy_mm for c in seen])  # slices, rods, 2
    stray = np.hypot(*np.moveaxis(found - np.stack([x.T, y.T], axis=-1), -1, 0)).max()
    weak = np.median(np.abs([c.contrast_hu for c in seen]), axis=0).min()
    if stray > 3 or weak < _LEAST_CONTRAST_HU:
        part.warnings.append("Rod spacing not measured: a rod does not stand out.")
        return part
    middle = int(np.argmin(np.abs(volume.s_mm[slices] - pose.origin_mm)))
    lengths: dict[str, tuple[float, float, str]] = {}
    for side, ends in _SIDES.items():
        a, b = (found[:, names.index(n)] for n in ends)
        dx, dy = pose.across(*(b - a).T)
        between = np.hypot(dx, dy)
        scatter = float(between.std(ddof=1)) if len(slices) > 1 else 0.0
        u = scatter / math.sqrt(volume.independent(slices))
        # Which image axis the side lies along depends on the roll, which may be any angle.
        along = "x" if abs(dx.mean()) > abs(dy.mean()) else "y"
        lengths[side] = (float(between.mean()), u, along)
        part.regions.append(
            shape(
                volume,
                slices[middle],
                "line",
                f"rods, {side}",
                [tuple(a[middle].tolist()), tuple(b[middle].tolist())],
                values={"length": quantity(float(between.mean()), "mm", u)},
            )
        )
    part.values.update(_summary(lengths, sens.rod_spacing_mm))
    part.facts["rod_spacing_nominal_mm"] = sens.rod_spacing_mm
    return part


def _summary(
    lengths: dict[str, tuple[float, float, str]], nominal_mm: float
) -> dict[str, Quantity]:
    table = np.array([v[0] for v in lengths.values()])
    us = np.array([v[1] for v in lengths.values()])
    worst = int(np.argmax(np.abs(table - nominal_mm)))
    values = {
        "rod_spacing_mean": quantity(
            float(table.mean()), "mm", math.sqrt(float(np.sum(us**2))) / len(us)
        ),
        "rod_spacing_max_error": quantity(
            abs(float(table[worst]) - nominal_mm), "mm", float(us[worst])
        ),
    }
    for axis in ("x", "y"):
        along = [v for v in lengths.values() if v[2] == axis]
        if along:
            u = math.hypot(*(v[1] for v in along)) / len(along)
            values[f"rod_spacing_{axis}"] = quantity(float(np.mean([v[0] for v in along])), "mm", u)
    return values
