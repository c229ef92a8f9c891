"""Homogeneity, noise, cupping and rings of any homogeneous cylinder in cone-beam CT."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from kerma.core import Analysis, Curve, Image, quantity
from kerma.imaging.dental._cylinder import Cylinder, find_cylinder, radial_profile
from kerma.imaging.phantoms._cbct_parts import five_discs, noise_power, relative
from kerma.imaging.phantoms._grid import Volume
from kerma.imaging.phantoms._part import Part
from kerma.imaging.phantoms._regions import shape
from kerma.imaging.phantoms._series import order_series
from kerma.imaging.phantoms._usable import require_usable_series
from kerma.imaging.record import choose, provenance, require
from kerma.imaging.registry import measurement

NAME, VERSION = "cbct-uniformity", "1"
EDITION = "Five discs, radial profile; definitions in docs/methods/cbct-cylinder.md"

# Three slices of 0.1 mm voxels; a shorter stack is no series.
_NEEDED_MM = 0.2
_SMOOTH_ORDER = 4


@dataclass(frozen=True, slots=True)
class Parameters:
    """What may be chosen; shares are of the radius, design choices.

    Attributes
    ----------
    disc_share, edge_share
        Radius of each disc, and how far from the middle the four outer ones lie.
    first_slice, last_slice
        Slices to use by hand, counted from 0 in order of position; both or none.
    air_level
        Grey value of air, when the field of view shows none or another is to be used.
    calibrated_hu
        True states values in HU, for machines whose values are HU.
    """

    disc_share: float = 0.12
    edge_share: float = 0.7
    first_slice: int | None = None
    last_slice: int | None = None
    air_level: float | None = None
    calibrated_hu: bool = False

    def __post_init__(self) -> None:
        require(0.02 < self.disc_share < 0.4, "disc_share", "A disc's share lies in 0.02 to 0.4.")
        require(
            self.edge_share + self.disc_share < 0.97 and self.edge_share > 2 * self.disc_share,
            "edge_share",
            "The outer discs must lie inside the cylinder and clear of the middle one.",
        )
        require(
            (self.first_slice is None) == (self.last_slice is None),
            "last_slice",
            "Give both the first and the last slice, or neither.",
        )


@measurement(
    NAME,
    version=VERSION,
    title="Uniformity, noise and cupping of a homogeneous cylinder in cone-beam CT",
    edition=EDITION,
    modalities=("CT",),
)
def measure(images: Sequence[Image], **parameters: Any) -> Analysis:
    """Measure a homogeneous cylinder of any material and size.

    Grey values are in ``PV`` as the images state them; relative values, in %, are shares of the
    step from air to the middle of the cylinder, and do not depend on any calibration.

    Raises
    ------
    InputError
        ``phantom-not-found``, ``wrong-phantom`` (not homogeneous), and those of the series.
    """
    chosen = choose(Parameters, parameters)
    unit = "HU" if chosen.calibrated_hu else "PV"
    require_usable_series(images)
    volume = order_series(images, needed_mm=_NEEDED_MM)
    part = Part(warnings=list(volume.warnings))
    wanted = _wanted(chosen, volume, part)
    found = find_cylinder(volume, wanted)
    slices = list(found.slices)
    part.add(
        five_discs(
            volume, found.pose, slices, unit=unit,
            edge_mm=chosen.edge_share * found.radius_mm,
            radius_mm=chosen.disc_share * found.radius_mm,
        )
    )  # fmt: skip
    air = chosen.air_level if chosen.air_level is not None else found.air
    if chosen.air_level is not None:
        part.warnings.append(f"The level of air was set by hand: {chosen.air_level:g}.")
    if air is None:
        part.warnings.append(
            "No relative values: the field of view lies inside the phantom and shows no air. Give "
            "air_level, or scan a field that holds the phantom."
        )
    else:
        part.add(relative(part, air))
    part.add(_profile(volume, found, slices, air, unit=unit))
    part.add(noise_power(volume, found.pose, slices, 0.9 * found.radius_mm, unit))
    part.add(_along(volume, found, unit, air))
    middle = slices[len(slices) // 2]
    x, y = found.pose.centre(float(volume.s_mm[middle]))
    part.regions.append(
        shape(volume, middle, "circle", "cylinder", [(x, y), (x + found.radius_mm, y)])
    )
    if not found.inside:
        part.values["diameter"] = quantity(2 * found.radius_mm, "mm", volume.pixel_mm)
    return Analysis(
        name=NAME,
        status="measured",
        provenance=provenance(NAME, VERSION, EDITION, images, chosen),
        values=part.values,
        regions=tuple(part.regions),
        curves=tuple(part.curves),
        warnings=tuple(part.warnings),
        facts={
            "slices": [volume.order[i] for i in slices],
            "field_inside_phantom": found.inside,
            **part.facts,
            **({} if air is None else {"air_level": air}),
        },
    )


def _wanted(chosen: Parameters, volume: Volume, part: Part) -> tuple[int, int] | None:
    if chosen.first_slice is None or chosen.last_slice is None:
        return None
    count = len(volume.images)
    require(
        0 <= chosen.first_slice <= chosen.last_slice < count,
        "first_slice",
        f"The slices lie in 0 to {count - 1}, the first not behind the last.",
    )
    part.warnings.append(
        f"The slices were set by hand: {chosen.first_slice} to {chosen.last_slice}."
    )
    return chosen.first_slice, chosen.last_slice


def _profile(
    volume: Volume, found: Cylinder, slices: list[int], air: float | None, *, unit: str
) -> Part:
    """Return the radial profile and the strongest ring: largest departure from a smooth profile."""
    r, mean, u = radial_profile(volume, found, slices)
    part = Part(
        curves=[
            Curve("Radial profile", tuple(r.tolist()), tuple(mean.tolist()), "From the middle",
                  "mm", "Grey value", unit, tuple(u.tolist()))
        ]
    )  # fmt: skip
    if air is None:
        return part
    # Rings of a few pixels near the axis hold too few pixels, the rim is blurred.
    use = (r >= 4 * volume.pixel_mm) & (r < 0.9 * found.radius_mm)
    t = (r[use] / found.radius_mm) ** 2
    smooth = np.polyval(np.polyfit(t, mean[use], _SMOOTH_ORDER, w=1 / np.maximum(u[use], 1e-9)), t)
    away = np.abs(mean[use] - smooth)
    worst = int(np.argmax(away / np.maximum(u[use], 1e-9)))
    percent = 100 / (found.level - air)
    part.values["ring"] = quantity(
        percent * float(away[worst]), "%", percent * float(u[use][worst])
    )
    part.facts["ring_radius_mm"] = round(float(r[use][worst]), 2)
    return part


def _along(volume: Volume, found: Cylinder, unit: str, air: float | None) -> Part:
    """Return how the mean of the middle changes from slice to slice."""
    radius = 0.3 * found.radius_mm
    rows, columns = volume.shape
    x, y = volume.to_mm(*np.meshgrid(np.arange(columns), np.arange(rows)))
    s = [float(volume.s_mm[i]) for i in found.slices]
    means, us = [], []
    for index, at in zip(found.slices, s, strict=True):
        cx, cy = found.pose.centre(at) - volume.shift_mm[index]
        values = volume.images[index].pixels[np.hypot(x - cx, y - cy) < radius]
        means.append(float(values.mean(dtype=np.float64)))
        us.append(float(values.std(dtype=np.float64)) / np.sqrt(values.size))
    part = Part(
        curves=[
            Curve("Mean by slice", tuple(s), tuple(means), "Position", "mm", "Grey value", unit,
                  tuple(us))
        ]
    )  # fmt: skip
    if air is not None and len(means) > 2:
        percent = 100 / (found.level - air)
        part.values["axial_variation"] = quantity(
            percent * (max(means) - min(means)), "%", percent * 1.5 * float(np.median(us))
        )
    return part
