"""CT number, noise and uniformity of a water phantom."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from kerma.core import Analysis, AnalysisError, Curve, Image, Quantity, Region, quantity
from kerma.imaging.ct import series
from kerma.imaging.record import choose, provenance, require
from kerma.imaging.registry import measurement
from kerma.imaging.tools import disc
from kerma.imaging.tools.regions import Disc
from kerma.imaging.tools.statistics import Moments
from kerma.imaging.tools.water import require_water, wall_hu

NAME, VERSION = "ct-water", "1"
EDITION = "Central and four peripheral regions, after IEC 61223-3-5 and IEC 61223-2-6 practice"
PERIPHERAL = ("Top", "Right", "Bottom", "Left")
# Acrylic stands 120 HU above water, polycarbonate 100; a CatPhan's plastic rim 11 at most.
_WALL_HU = 25.0
_LOOKED_AT = 5  # slices, to recognise the phantom


@dataclass(frozen=True, slots=True)
class Parameters:
    """What may be chosen.

    Attributes
    ----------
    centre_share
        Diameter of the central region as a share of the phantom's.
    edge_share
        Diameter of the peripheral regions as a share of the phantom's.
    edge_margin_mm
        Distance of the peripheral regions from the end of the water (inside of the wall).
    identity_limit_hu
        The phantom is taken for water when its middle is within this of 0 HU; design choice.
    end_slice_hu
        A first or last slice that differs by more than this from the median slice is left out
        as partly outside the phantom; design choice.
    wall
        Ask for the dense wall of a water container. Without one the phantom may be of solid
        plastic, whose CT number is not that of water; false for water in a thin bag or bottle.
    """

    centre_share: float = 0.4
    edge_share: float = 0.1
    edge_margin_mm: float = 10.0
    identity_limit_hu: float = 30.0
    end_slice_hu: float = 10.0
    wall: bool = True

    def __post_init__(self) -> None:
        require(0.05 <= self.centre_share <= 0.8, "centre_share", "Choose from 0.05 to 0.8.")
        require(0.02 <= self.edge_share <= 0.3, "edge_share", "Choose from 0.02 to 0.3.")
        require(self.edge_margin_mm >= 0, "edge_margin_mm", "The margin cannot be below zero.")
        require(self.identity_limit_hu > 0, "identity_limit_hu", "The limit is above zero.")
        require(self.end_slice_hu > 0, "end_slice_hu", "The limit is above zero.")


@dataclass(frozen=True, slots=True)
class _Slice:
    """One slice measured; `index` is its place in what was given."""

    index: int
    found: disc.Found
    centre: Moments
    edges: tuple[Moments, ...]
    regions: tuple[Region, ...]

    @property
    def uniformity_hu(self) -> float:
        return max(abs(e.mean - self.centre.mean) for e in self.edges)


def evidence(images: Sequence[Image]) -> str:
    """Say what shows a water phantom, or refuse; at most five slices are looked at.

    Only the first and the last of them may show something else (a lid, air): a longer series with
    other modules is another phantom.

    Raises
    ------
    InputError, AnalysisError
        As `measure`.
    """
    order, _ = series.slices(images)
    count = min(_LOOKED_AT, len(order))
    places = [round(k * (len(order) - 1) / max(1, count - 1)) for k in range(count)]
    found: list[_Slice] = []
    for number, place in enumerate(places):
        try:
            found.append(_slice(images[order[place]], order[place], Parameters()))
        except AnalysisError:
            if 0 < number < count - 1 or count < 3:
                raise
    if 2 * len(found) < count:
        raise AnalysisError(
            "Most slices do not show a water phantom.",
            stage="identify phantom",
            code="mixed-phantoms",
        )
    pixel_mm = images[order[0]].require_spacing()[0]
    diameter = 2 * sum(s.found.radius for s in found) / len(found) * pixel_mm
    level = sum(s.centre.mean for s in found) / len(found)
    return f"a walled round phantom of {diameter:.0f} mm evenly filled with {level:.0f} HU"


@measurement(
    NAME,
    version=VERSION,
    title="CT number, noise and uniformity of water",
    edition=EDITION,
    modalities=("CT",),
    recognise=evidence,
)
def measure(images: Sequence[Image], **parameters: Any) -> Analysis:
    """Measure one or several slices of a water phantom of any maker and size.

    Values: ``ct_number_water`` (HU, mean of the central regions), ``noise`` (HU, root mean square
    of the slices' standard deviations in the central region), ``uniformity`` (HU, largest
    |edge - centre| of the four positions, each averaged over the slices), ``uniformity_worst``
    (HU, largest of any slice), ``integral_nonuniformity`` (%, (max - min)/(max + min) of the five
    means on the scale HU + 1000), ``phantom_diameter`` (mm, outside of the wall).

    Slices at the ends that are not water (lid, air, partial volume) and localisers are left out,
    each with its reason in the warnings; ``facts["slices_used"]`` holds the indices used.

    Raises
    ------
    InputError
        The codes of `kerma.imaging.ct.series.slices`.
    AnalysisError
        The phantom is not a plain water phantom; codes of `kerma.imaging.tools.disc.find` and
        `kerma.imaging.tools.water.require_water`; ``no-wall``; ``mixed-phantoms`` when a slice
        between good ones is not water, or most are not.
    """
    chosen = choose(Parameters, parameters)
    order, notes = series.slices(images)
    used, left_out = _usable(images, order, chosen)
    warnings = (*notes, *left_out)
    return Analysis(
        name=NAME,
        status="measured",
        provenance=provenance(
            NAME, VERSION, EDITION, images, chosen, slices_used=[s.index for s in used]
        ),
        values=_values(used, images[used[0].index].require_spacing()[0]),
        regions=tuple(region for s in used for region in s.regions),
        curves=_curves(used, images),
        warnings=warnings,
        facts={
            "slices_used": [s.index for s in used],
            "slices_z_mm": [images[s.index].z_mm for s in used],
            "per_slice": [
                {
                    "slice": s.index,
                    "mean_hu": s.centre.mean,
                    "noise_hu": s.centre.sd,
                    "uniformity_hu": s.uniformity_hu,
                }
                for s in used
            ],
        },
    )


def _usable(
    images: Sequence[Image], order: Sequence[int], chosen: Parameters
) -> tuple[list[_Slice], tuple[str, ...]]:
    """Measure each slice; leave out what is not water at the two ends, refuse it elsewhere."""
    measured: list[_Slice | None] = []
    refused: dict[int, AnalysisError] = {}
    for index in order:
        try:
            measured.append(_slice(images[index], index, chosen))
        except AnalysisError as refusal:
            measured.append(None)
            refused[index] = refusal
    good = [s for s in measured if s is not None]
    if not good:
        raise refused[order[len(order) // 2]]
    first = next(i for i, s in enumerate(measured) if s is not None)
    last = len(measured) - next(i for i, s in enumerate(reversed(measured)) if s is not None)
    if any(s is None for s in measured[first:last]) or 2 * len(good) < len(order):
        index, error = next(iter(refused.items()))
        raise AnalysisError(
            f"Only {len(good)} of {len(order)} slices show a plain water phantom. Image "
            f"{index + 1}: {error.message} Measure the slices of one phantom on their own.",
            stage="identify phantom",
            code="mixed-phantoms",
        )
    notes = [f"Image {i + 1} was left out. {error.message}" for i, error in refused.items()]
    kept = _without_partial_ends(good, chosen, notes)
    return kept, tuple(notes)


def _without_partial_ends(good: list[_Slice], chosen: Parameters, notes: list[str]) -> list[_Slice]:
    """Drop first and last slices that lie partly outside the phantom."""
    if len(good) < 3:
        return good
    median = float(np.median([s.centre.mean for s in good]))
    kept = list(good)
    for end in (0, -1):
        while len(kept) > 2 and abs(kept[end].centre.mean - median) > chosen.end_slice_hu:
            gone = kept.pop(end)
            notes.append(
                f"Image {gone.index + 1} was left out: at the end of the phantom, it reads "
                f"{gone.centre.mean:.1f} HU where the slices between read {median:.1f} HU."
            )
    return kept


def _slice(image: Image, index: int, chosen: Parameters) -> _Slice:
    dx = series.square_pixel_mm(image)
    pixels = image.pixels.astype(float)
    found = disc.find(pixels, dx)
    require_water(pixels, found, dx, chosen.identity_limit_hu)
    if chosen.wall and wall_hu(pixels, found, dx) < _WALL_HU:
        raise AnalysisError(
            "No dense wall is seen around the filling, so this may be a phantom of solid plastic, "
            "such as the homogeneous part of a CatPhan, whose CT number is not that of water. If "
            "it is water in a thin container, set wall to false.",
            stage="identify phantom",
            code="no-wall",
        )
    centre = Disc(found.x, found.y, chosen.centre_share * found.radius)
    size = chosen.edge_share * found.radius
    # Two pixels of blur lie between the ring where the wall begins to show and clean water; a
    # margin wider than that holds them.
    away = found.filling - max(2.0, chosen.edge_margin_mm / dx) - size
    if away < centre.radius:
        raise AnalysisError(
            "The peripheral regions do not fit between the middle and the wall. Choose smaller "
            "regions or a smaller margin.",
            stage="place regions",
            code="regions-overlap",
        )
    places = ((0.0, -1.0), (1.0, 0.0), (0.0, 1.0), (-1.0, 0.0))
    around = [Disc(found.x + ux * away, found.y + uy * away, size) for ux, uy in places]
    middle = centre.moments(pixels)
    edges = tuple(d.moments(pixels) for d in around)
    regions = [
        Disc(found.x, found.y, found.radius).region("Phantom", frame=index),
        centre.region("Centre", frame=index, values=middle.values("HU")),
    ]
    for name, place, m in zip(PERIPHERAL, around, edges, strict=True):
        regions.append(place.region(name, frame=index, values=m.values("HU")))
    return _Slice(index, found, middle, edges, tuple(regions))


def _values(used: Sequence[_Slice], pixel_mm: float) -> dict[str, Quantity]:
    n = len(used)
    mean = sum(s.centre.mean for s in used) / n
    u_mean = math.hypot(*(s.centre.u_mean for s in used)) / n
    noise = math.sqrt(sum(s.centre.sd**2 for s in used) / n)
    u_noise = math.hypot(*(s.centre.sd * s.centre.u_sd for s in used)) / (n * noise)
    edges = [sum(s.edges[k].mean for s in used) / n for k in range(len(PERIPHERAL))]
    u_edges = [math.hypot(*(s.edges[k].u_mean for s in used)) / n for k in range(len(PERIPHERAL))]
    far = max(range(len(edges)), key=lambda k: abs(edges[k] - mean))
    worst = max(used, key=lambda s: s.uniformity_hu)
    worst_edge = max(worst.edges, key=lambda e: abs(e.mean - worst.centre.mean))
    diameter = [2 * s.found.radius * pixel_mm for s in used]
    u_diameter = math.hypot(*(2 * s.found.u_radius * pixel_mm for s in used)) / n
    return {
        "ct_number_water": quantity(mean, "HU", u_mean),
        "noise": quantity(noise, "HU", u_noise),
        "uniformity": quantity(abs(edges[far] - mean), "HU", math.hypot(u_mean, u_edges[far])),
        "uniformity_worst": quantity(
            worst.uniformity_hu, "HU", math.hypot(worst.centre.u_mean, worst_edge.u_mean)
        ),
        "integral_nonuniformity": _integral([mean, *edges], [u_mean, *u_edges]),
        # The half-height threshold may sit half a pixel off with the wall's material.
        "phantom_diameter": quantity(
            sum(diameter) / n, "mm", math.hypot(u_diameter, pixel_mm / math.sqrt(3.0))
        ),
    }


def _integral(means: Sequence[float], u: Sequence[float]) -> Quantity:
    """Return (max - min)/(max + min) of the means on the scale HU + 1000, in %."""
    high, low = int(np.argmax(means)), int(np.argmin(means))
    top, bottom = means[high] + 1000.0, means[low] + 1000.0
    total = top + bottom
    u_value = 200.0 * math.hypot(bottom * u[high], top * u[low]) / total**2
    return quantity(100.0 * (top - bottom) / total, "%", u_value)


def _curves(used: Sequence[_Slice], images: Sequence[Image]) -> tuple[Curve, ...]:
    """Return the profile across the middle slice, averaged over 5 mm, and the slices' means."""
    middle = used[len(used) // 2]
    image = images[middle.index]
    pixel_mm = image.require_spacing()[1]
    half = max(1, round(2.5 / pixel_mm))
    row = round(middle.found.y)
    profile = image.pixels[row - half : row + half + 1].astype(float).mean(axis=0)
    x = (np.arange(len(profile)) - middle.found.x) * pixel_mm
    inside = np.abs(x) <= middle.found.filling * pixel_mm
    curves = [
        Curve("Profile", tuple(map(float, x[inside])), tuple(map(float, profile[inside])),
              "Distance from the centre", "mm", "CT number", "HU"),
    ]  # fmt: skip
    if len(used) > 1:
        curves.append(
            Curve("CT number by slice", tuple(float(s.index + 1) for s in used),
                  tuple(s.centre.mean for s in used), "Image", "1", "CT number", "HU",
                  tuple(s.centre.u_mean for s in used)),
        )  # fmt: skip
    return tuple(curves)
