"""CTP486, the homogeneous module of a CatPhan, in a few slices by itself."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from kerma.core import Analysis, AnalysisError, Image, Quantity, Region, quantity
from kerma.imaging.ct import _module, _squares, nps
from kerma.imaging.ct._module import Slices, wrong
from kerma.imaging.ct._squares import LAYOUTS, Field
from kerma.imaging.phantoms._describe import load_spec
from kerma.imaging.phantoms._spec import Uniformity, polar
from kerma.imaging.record import choose, provenance, require
from kerma.imaging.registry import measurement
from kerma.imaging.tools import disc, square_noise, water
from kerma.imaging.tools.disc import Found
from kerma.imaging.tools.regions import Disc

NAME, VERSION = "ct-ctp486", "1"
MODULE = "CTP486"
EDITION = (
    "The Phantom Laboratory CatPhan manuals; definitions in docs/methods/ct-catphan-modules.md"
)
_PLACES = {"centre": None, "right": 0.0, "bottom": 90.0, "left": 180.0, "top": 270.0}
# CatPhan housings are 200 mm across (descriptions: 200 to 201.5 mm measured).
_DIAMETER_TOLERANCE_MM = 5.0
# The maker casts it within 20 HU of water [recalled]; twice that still says which module it is.
_NEAR_WATER_HU = 40.0
# The module sits in the housing with a gap, or its plastic differs: rings about the gap differ.
_GAP_MM = (72.0, 79.0)
_BESIDE_MM = (62.0, 70.0)
_STEP_HU = 3.0
# A water phantom has a wall, the housing is of one plastic. Design choice, as for ct-water.
_WALL_HU = 25.0
_LOOKED_AT = 3  # slices, to recognise the module
# Squares of the noise spectrum, and how far from the module's rim they stay.
_CLEAR_MM = 2.0

Array = npt.NDArray[np.floating[Any]]


@dataclass(frozen=True, slots=True)
class Parameters:
    """What may be chosen.

    Attributes
    ----------
    centre_px
        (column, row) of the middle of the module; found from the outline when absent.
    side_mm, layout
        Squares of the noise power spectrum, as for ct-nps.
    """

    centre_px: tuple[float, float] | None = None
    side_mm: float = 25.0
    layout: str = "annulus"

    def __post_init__(self) -> None:
        require(self.side_mm > 0, "side_mm", "The side of the squares is above zero.")
        require(self.layout in LAYOUTS, "layout", f"The layout is one of {', '.join(LAYOUTS)}.")


def description() -> Uniformity:
    """Return the description of the module in a CatPhan 504."""
    return load_spec("catphan504").uniformity


def evidence(images: Sequence[Image]) -> str:
    """Say what shows the module by itself in the slices, or refuse.

    Raises
    ------
    InputError, AnalysisError
        As `measure`.
    """
    slices = _module.read(images, MODULE).some(_LOOKED_AT)
    return _identified(slices, _middles(slices, None))


@measurement(
    NAME,
    version=VERSION,
    title="CatPhan homogeneous module CTP486 by itself",
    edition=EDITION,
    modalities=("CT",),
    recognise=evidence,
)
def measure(images: Sequence[Image], **parameters: Any) -> Analysis:
    """Measure one or a few slices through CTP486.

    Values: ``uniformity_centre``, ``_right``, ``_bottom``, ``_left``, ``_top`` (HU),
    ``uniformity_max_difference`` (HU, largest |edge - centre|), ``integral_nonuniformity`` (%),
    ``noise`` (HU, root mean square of the centre's standard deviations), ``nps_noise`` (HU),
    ``nps_peak_frequency``, ``nps_average_frequency`` (1/mm), ``nps_integral_over_variance`` (1).

    Raises
    ------
    InputError
        The codes of `kerma.imaging.ct.series.slices`; ``wrong-phantom``, ``phantom-cut-off``.
    AnalysisError
        The codes of `kerma.imaging.tools.disc.find` (no whole round outline); of ct-nps.
    """
    chosen = choose(Parameters, parameters)
    slices = _module.read(images, MODULE)
    middles = _middles(slices, chosen.centre_px)
    shown = _identified(slices, middles)
    warnings = list(slices.notes)
    if chosen.centre_px is not None:
        x, y = chosen.centre_px
        warnings.append(f"The middle of the module was set by hand: ({x:g}, {y:g}).")
    values, regions = _uniformity(slices, middles)
    at = middles[slices.middle]
    squares = _squares.placed(
        Field(at[0], at[1], (description().body_radius_mm - _CLEAR_MM) / slices.pixel_mm),
        nps.side_px(chosen.side_mm, slices.pixel_mm),
        chosen.layout,
        None,
    )
    found = nps.spectrum_of(
        images, slices.order, squares, slices.pixel_mm, detrend=2, difference=False
    )
    about, said = nps.summary(found)
    values["nps_noise"] = about["noise"]
    values["nps_integral_over_variance"] = about["integral_over_variance"]
    for name in ("nps_peak_frequency", "nps_average_frequency"):
        if name in about:
            values[name] = about[name]
    return Analysis(
        name=NAME,
        status="measured",
        provenance=provenance(
            NAME, VERSION, EDITION, images, chosen,
            slices_used=list(slices.order),
            seed=square_noise.SEED, replicates=square_noise.REPLICATES,
        ),
        values=values,
        regions=(*regions, *nps.drawn(found)),
        curves=(nps.curve(found.spectrum),),
        warnings=(*warnings, *found.notes, *said),
        facts={
            "module": MODULE,
            "identity": shown,
            "squares": len(found.squares),
            "map": nps.plane(found.spectrum),
            "slices_used": list(slices.order),
        },
    )  # fmt: skip


def _middles(slices: Slices, given: tuple[float, float] | None) -> dict[int, tuple[float, float]]:
    """Return the middle of the housing in each slice, or refuse another size."""
    if given is not None:
        return dict.fromkeys(slices.order, given)
    found = {}
    for index in slices.order:
        outline = disc.find(slices.images[index].pixels.astype(float), slices.pixel_mm)
        diameter = 2 * outline.radius * slices.pixel_mm
        expected = 2 * load_spec("catphan504").body_radius_mm
        if abs(diameter - expected) > _DIAMETER_TOLERANCE_MM:
            raise wrong(
                MODULE,
                f"the phantom in image {index + 1} is {diameter:.0f} mm across, a CatPhan "
                f"{expected:.0f} mm.",
            )
        found[index] = (outline.x, outline.y)
    return found


def _identified(slices: Slices, middles: dict[int, tuple[float, float]]) -> str:
    """Return what shows the module, or refuse.

    In every slice the disc of the module is plain and near water, and the gap or step between the
    module and the housing shows: in a water phantom of the same size it does not.
    """
    radius = description().body_radius_mm / slices.pixel_mm
    steps = []
    for index in slices.order:
        pixels = slices.images[index].pixels
        x, y = middles[index]
        _module.moments(pixels, Disc(x, y, radius), MODULE)
        housing = load_spec("catphan504").body_radius_mm / slices.pixel_mm
        outer = Found(x, y, housing, u_radius=0.0, roughness=0.0, filling=housing)
        if water.wall_hu(pixels, outer, slices.pixel_mm) > _WALL_HU:
            raise wrong(MODULE, "there is a wall around it, as around water.")
        steps.append(_gap_depth(pixels, (x, y), slices.pixel_mm))
        inner = Found(x, y, radius, u_radius=0.0, roughness=0.0, filling=0.97 * radius)
        try:
            water.require_plain(pixels.astype(float), inner, slices.pixel_mm, _NEAR_WATER_HU)
        except AnalysisError as refusal:
            raise wrong(MODULE, f"in image {index + 1} it is not even. {refusal.message}") from None
    depth = float(np.median(steps))
    if depth < _STEP_HU:
        raise wrong(
            MODULE,
            "neither the gap nor the step between the module and its housing shows at 75 mm from "
            "the middle. It may be a water phantom.",
        )
    return f"an even disc of 150 mm near water in a housing of 200 mm, {depth:.0f} HU lower between"


def _gap_depth(pixels: Array, middle: tuple[float, float], pixel_mm: float) -> float:
    """Return how much lower the rings about the gap read than those within, HU."""
    rows, columns = np.indices(pixels.shape, dtype=float)
    r = np.hypot(columns - middle[0], rows - middle[1]) * pixel_mm
    beside = float(pixels[(r > _BESIDE_MM[0]) & (r < _BESIDE_MM[1])].mean())
    ring = ((r - _GAP_MM[0]) / 1.0).astype(int)
    near = (r > _GAP_MM[0]) & (r < _GAP_MM[1])
    counts = np.bincount(ring[near])
    means = np.bincount(ring[near], pixels[near]) / np.maximum(counts, 1)
    return beside - float(means[counts > 0].min())


def _uniformity(
    slices: Slices, middles: dict[int, tuple[float, float]]
) -> tuple[dict[str, Quantity], tuple[Region, ...]]:
    """Return the five discs averaged over the slices, and what follows from them."""
    about = description()
    x, y = middles[slices.middle]
    found: dict[str, tuple[float, float, float, float]] = {}
    regions: list[Region] = []
    for name, angle in _PLACES.items():
        dx, dy = (0.0, 0.0) if angle is None else polar(about.edge_radius_mm, angle)
        place = x + dx / slices.pixel_mm, y + dy / slices.pixel_mm
        found[name] = _module.averaged(slices, place, about.roi_radius_mm, MODULE)
        mean, u, sd, u_sd = found[name]
        regions.append(
            Disc(*place, about.roi_radius_mm / slices.pixel_mm).region(
                f"Uniformity, {name}",
                frame=slices.middle,
                values={"mean": quantity(mean, "HU", u), "noise": quantity(sd, "HU", u_sd)},
            )
        )
    values = {f"uniformity_{k}": quantity(m, "HU", u) for k, (m, u, _, _) in found.items()}
    centre = found["centre"]
    worst = max((v for k, v in found.items() if k != "centre"), key=lambda v: abs(v[0] - centre[0]))
    values["uniformity_max_difference"] = quantity(
        abs(worst[0] - centre[0]), "HU", math.hypot(worst[1], centre[1])
    )
    high = max(found.values(), key=lambda v: v[0])
    low = min(found.values(), key=lambda v: v[0])
    top, bottom = high[0] + 1000.0, low[0] + 1000.0
    u_integral = 200.0 * math.hypot(bottom * high[1], top * low[1]) / (top + bottom) ** 2
    values["integral_nonuniformity"] = quantity(
        100.0 * (top - bottom) / (top + bottom), "%", u_integral
    )
    values["noise"] = quantity(centre[2], "HU", centre[3])
    return values, tuple(regions)
