"""Streaks and shadows of metal rods: how much darker and rougher their surroundings are."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from kerma.core import quantity
from kerma.imaging.phantoms._grid import Volume
from kerma.imaging.phantoms._part import Part
from kerma.imaging.phantoms._regions import pixels_in_disc, shape

Array = npt.NDArray[np.float64]

# Around the rods: from one to four rod radii beyond their rims; blur of the rims stays inside one.
_FROM, _TO = 1.0, 4.0
_BETWEEN = 0.5


@dataclass(frozen=True, slots=True)
class MetalScene:
    """Where the metal is.

    Attributes
    ----------
    slices, clear
        Slices with the metal, and slices without it for comparison.
    rods_mm
        (x, y) of each rod from the middle of the image, mm.
    radius_mm
        Of a rod.
    step
        Grey value of the body less that of the air.
    centre_mm, body_radius_mm
        Of the phantom.
    """

    slices: tuple[int, ...]
    clear: tuple[int, ...]
    rods_mm: tuple[tuple[float, float], ...]
    radius_mm: float
    step: float
    centre_mm: tuple[float, float]
    body_radius_mm: float


def metal_artefact(volume: Volume, scene: MetalScene) -> Part:
    """Return artefact index, shadow between rods and overshoot, in % of the step air to body.

    ``artefact_index`` = sqrt(SD² - SD0²): pixel standard deviation around the rods (one to four
    rod radii beyond their rims) and in the same place of slices without metal, so noise and cupping
    fall out. ``shadow`` is the mean there less the mean half way between neighbouring rods.
    ``artefact_range`` is the 1st to 99th percentile around the rods less that without metal.
    """
    part, percent = Part(), 100 / scene.step
    near = [around(volume, i, scene) for i in scene.slices]
    clear = [around(volume, i, scene) for i in scene.clear]
    sd, sd0 = (float(np.mean([v.std(ddof=1) for v in values])) for values in (near, clear))
    index = math.sqrt(max(0.0, sd**2 - sd0**2))
    u_sd = float(np.std([v.std(ddof=1) for v in near], ddof=1)) if len(near) > 1 else sd0 / 10
    u_sd = math.hypot(u_sd / math.sqrt(len(near)), sd0 / math.sqrt(2 * near[0].size))
    part.values["artefact_index"] = quantity(
        percent * index, "%", percent * u_sd * (sd / index if index > u_sd else 1.0)
    )
    spread, spread0 = (float(np.mean([np.ptp(np.percentile(v, (1, 99))) for v in values]))
                       for values in (near, clear))  # fmt: skip
    part.values["artefact_range"] = quantity(percent * (spread - spread0), "%", percent * 2 * u_sd)
    between = _between(scene)
    level = float(np.mean([v.mean() for v in clear]))
    for place in between:
        means = [
            float(pixels_in_disc(volume, i, *place, _room(scene)).mean()) for i in scene.slices
        ]
        own = float(np.mean(means))
        u = float(np.std(means, ddof=1)) / math.sqrt(len(means)) if len(means) > 1 else sd0
        value = quantity(percent * (level - own), "%", percent * u)
        held = part.values.get("shadow")
        if held is None or value.value > held.value:
            part.values["shadow"] = value
        middle = scene.slices[len(scene.slices) // 2]
        part.regions.append(
            shape(volume, middle, "circle", "between rods",
                  [place, (place[0] + _room(scene), place[1])], values={"shadow": value})
        )  # fmt: skip
    middle = scene.slices[len(scene.slices) // 2]
    for x, y in scene.rods_mm:
        reach = scene.radius_mm * (1 + _TO)
        part.regions.append(
            shape(volume, middle, "circle", "around a rod", [(x, y), (x + reach, y)])
        )
    part.facts["metal_slices"] = [volume.order[i] for i in scene.slices]
    part.facts["clear_slices"] = [volume.order[i] for i in scene.clear]
    return part


def around(volume: Volume, index: int, scene: MetalScene) -> Array:
    """Return the pixels around the rods, none of them inside a rod, all inside the body."""
    rows, columns = volume.shape
    reach = scene.radius_mm * (1 + _TO)
    xs = [x for x, _ in scene.rods_mm]
    ys = [y for _, y in scene.rods_mm]
    c0, r0 = volume.to_pixel(min(xs) - reach, min(ys) - reach, index)
    c1, r1 = volume.to_pixel(max(xs) + reach, max(ys) + reach, index)
    c0, r0 = max(0, math.floor(c0)), max(0, math.floor(r0))
    c1, r1 = min(columns, math.ceil(c1) + 1), min(rows, math.ceil(r1) + 1)
    x, y = volume.to_mm(*np.meshgrid(np.arange(c0, c1), np.arange(r0, r1)), index)
    apart = np.min([np.hypot(x - a, y - b) for a, b in scene.rods_mm], axis=0)
    cx, cy = scene.centre_mm
    body = np.hypot(x - cx, y - cy) < scene.body_radius_mm - 3
    wanted = (apart > scene.radius_mm * (1 + _FROM)) & (apart < reach) & body
    found: Array = volume.images[index].pixels[r0:r1, c0:c1][wanted].astype(np.float64)
    return found


def _room(scene: MetalScene) -> float:
    """Return the radius of the disc that fits between neighbouring rods, clear of their blur."""
    gaps = [math.dist(a, b) - 2 * scene.radius_mm for a, b in _neighbours(scene.rods_mm)]
    return max(0.5, _BETWEEN * min(gaps) / 2) if gaps else scene.radius_mm


def _between(scene: MetalScene) -> list[tuple[float, float]]:
    return [((a[0] + b[0]) / 2, (a[1] + b[1]) / 2) for a, b in _neighbours(scene.rods_mm)]


def _neighbours(
    rods: Sequence[tuple[float, float]],
) -> list[tuple[tuple[float, float], tuple[float, float]]]:
    """Return pairs of rods with no other rod nearer to the middle between them."""
    pairs = []
    for i, a in enumerate(rods):
        for b in rods[i + 1 :]:
            middle = ((a[0] + b[0]) / 2, (a[1] + b[1]) / 2)
            half = math.dist(a, b) / 2
            if all(math.dist(middle, c) > half for c in rods if c not in (a, b)):
                pairs.append((a, b))
    return pairs
