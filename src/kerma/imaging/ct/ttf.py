"""Task transfer function of a CT scanner from round rods (AAPM TG-233)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from kerma.core import Analysis, AnalysisError, Curve, Image, Quantity, Region, quantity
from kerma.imaging.ct import _rods, series
from kerma.imaging.ct._object import require_test_object
from kerma.imaging.ct._rods import RodEdge
from kerma.imaging.record import choose, provenance, require
from kerma.imaging.registry import measurement
from kerma.imaging.tools import radial_edge
from kerma.imaging.tools.mtf import Mtf
from kerma.imaging.tools.radial_edge import REPLICATES, SEED
from kerma.imaging.tools.regions import Disc
from kerma.imaging.tools.rods import Rod, find_rods

NAME, VERSION = "ct-ttf", "1"
EDITION = "Radial edge of rods, after AAPM TG-233 (2019)"
LEVELS = {"ttf50": 0.5, "ttf10": 0.1}
_FREQUENCIES = 200
_CLIPPED = 0.05  # share of a rod's pixels at the end of the scale that is worth a warning


@dataclass(frozen=True, slots=True)
class Parameters:
    """What may be chosen.

    Attributes
    ----------
    centres
        (column, row) of rods to measure; found in the images when absent.
    names
        What the rods are called, in the order of `centres`; short, of letters and digits.
    radius_mm
        Radius of the rods whose centres are given, for rods too faint to be seen in the slices.
    reach_mm
        Half-width of the range about the edge; 15 widths of the edge, or the room there is.
    least_total_cnr
        A rod whose contrast over noise times the root of the number of slices is below this is
        not reported. TG-233 asks for 15 [recalled].
    hann_mm
        Half-width of a Hann window on the line spread, for comparison with other programs; none.
    several_series
        Take repeated scans of one setting together.
    """

    centres: tuple[tuple[float, float], ...] | None = None
    names: tuple[str, ...] | None = None
    radius_mm: float | None = None
    reach_mm: float | None = None
    least_total_cnr: float = 15.0
    hann_mm: float | None = None
    several_series: bool = False

    def __post_init__(self) -> None:
        require(self.centres is None or len(self.centres) > 0, "centres", "Give a centre or none.")
        if self.names is not None:
            require(
                self.centres is not None and len(self.names) == len(self.centres),
                "names",
                "Give one name for each centre.",
            )
            require(
                len(set(self.names)) == len(self.names)
                and all(n.isidentifier() and n.isascii() for n in self.names),
                "names",
                "The names must differ and be of letters, digits and underscores.",
            )
        require(
            self.radius_mm is None or (self.radius_mm > 0 and self.centres is not None),
            "radius_mm",
            "A radius is above zero, and goes with centres.",
        )
        require(self.reach_mm is None or self.reach_mm > 0, "reach_mm", "The reach is above zero.")
        require(self.least_total_cnr > 0, "least_total_cnr", "The limit is above zero.")
        require(self.hann_mm is None or self.hann_mm > 0, "hann_mm", "The width is above zero.")


@measurement(
    NAME,
    version=VERSION,
    title="Task transfer function from rods",
    edition=EDITION,
    modalities=("CT",),
)
def measure(images: Sequence[Image], **parameters: Any) -> Analysis:
    """Measure the task transfer function of each rod in one or many slices of a phantom.

    Values for each rod (``rod1`` the strongest, or the names given): ``ttf50_rod1``,
    ``ttf10_rod1`` (1/mm), ``contrast_rod1``, ``noise_rod1`` (HU), ``total_cnr_rod1`` (1). Their
    uncertainty is from a bootstrap over sectors and slices, seed `SEED`.

    Raises
    ------
    InputError
        The codes of `kerma.imaging.ct.series.slices`; ``clinical-looking``;
        ``centre-outside-image``.
    AnalysisError
        ``no-rods``, ``no-usable-rod``; with centres given also the codes of a rod.
    """
    chosen = choose(Parameters, parameters)
    order, notes = series.slices(images, repeats=chosen.several_series)
    pixel_mm = series.square_pixel_mm(images[order[0]])
    require_test_object(images[order[len(order) // 2]], pixel_mm)
    rods, warnings = edges(
        images,
        order,
        pixel_mm,
        chosen.centres,
        chosen.names,
        radius_mm=chosen.radius_mm,
        reach_mm=chosen.reach_mm,
    )
    frequency = np.arange(_FREQUENCIES + 1) * (0.5 / pixel_mm / _FREQUENCIES)
    values: dict[str, Quantity] = {}
    curves: list[Curve] = []
    facts = []
    for rod in rods:
        found = radial_edge.transfer(rod.edge, frequency, hann_mm=chosen.hann_mm)
        more, said = _values(rod, found, chosen.least_total_cnr)
        values |= more
        warnings += [*rod.notes, *said, *_clipped(images, rod)]
        curves += [ttf_curve(rod.name, found), _edge_curve(rod)]
        facts.append(_about(rod))
    reported = [name for name in values if name.startswith("ttf")]
    return Analysis(
        name=NAME,
        status="measured" if reported else "not measurable",
        reason="" if reported else "No rod stands far enough out of the noise.",
        provenance=provenance(
            NAME, VERSION, EDITION, images, chosen,
            seed=SEED, replicates=REPLICATES, slices_used=order,
        ),
        values=values,
        regions=tuple(r for rod in rods for r in regions(rod, pixel_mm)),
        curves=tuple(curves),
        warnings=(*notes, *warnings),
        facts={"rods": facts, "slices_used": list(order)},
    )  # fmt: skip


def edges(
    images: Sequence[Image],
    order: Sequence[int],
    pixel_mm: float,
    centres: Sequence[tuple[float, float]] | None,
    names: Sequence[str] | None,
    *,
    radius_mm: float | None = None,
    reach_mm: float | None = None,
) -> tuple[list[RodEdge], list[str]]:
    """Return the edges of the rods found or given, and warnings on those that were left out.

    Raises
    ------
    AnalysisError
        ``no-rods``; ``no-usable-rod``; any code of a rod when its centre was given.
    """
    mean = _rods.mean_slice(images, order)
    obstacles = find_rods(mean, pixel_mm, smallest_mm=1.0)
    warnings: list[str] = []
    if centres is None:
        rods: Sequence[Rod] = _rods.find(images, order, pixel_mm)
    else:
        rods = [_rods.at(mean, c, pixel_mm, radius_mm) for c in centres]
        warnings.append(
            "The centres of the rods were set by hand: "
            + ", ".join(f"({x:g}, {y:g})" for x, y in centres)
            + "."
        )
    found = []
    for number, rod in enumerate(rods):
        name = names[number] if names else f"rod{number + 1}"
        try:
            found.append(_rods.measure(images, order, rod, obstacles, name=name, reach_mm=reach_mm))
        except AnalysisError as refusal:
            if centres is not None:
                raise
            warnings.append(f"{name} was left out. {refusal.message}")
    leaning = [rod.name for rod in found if rod.leans]
    if leaning:
        warnings.append(
            f"The phantom leans: the centre of {', '.join(leaning)} was followed from slice to "
            "slice."
        )
    if not found:
        raise AnalysisError(
            "Rods were found, but none can be measured: " + " ".join(warnings),
            stage="find rods",
            code="no-usable-rod",
        )
    return found, warnings


def _values(rod: RodEdge, found: Mtf, least_cnr: float) -> tuple[dict[str, Quantity], list[str]]:
    edge, name = rod.edge, rod.name
    values = {
        f"contrast_{name}": quantity(edge.contrast_hu, "HU", edge.u_contrast_hu),
        f"noise_{name}": quantity(edge.noise_hu, "HU", edge.u_noise_hu),
    }
    warnings = []
    if edge.noise_hu > 0:
        relative = math.hypot(
            edge.u_contrast_hu / edge.contrast_hu, edge.u_noise_hu / edge.noise_hu
        )
        values[f"total_cnr_{name}"] = quantity(edge.total_cnr, "1", edge.total_cnr * relative)
    else:
        warnings.append(f"The surroundings of {name} hold no noise at all.")
    if edge.total_cnr < least_cnr:
        return values, [
            f"The total contrast-to-noise ratio of {name} is {edge.total_cnr:.1f}; {least_cnr:g} "
            "is needed, so its TTF is not reported. Give more slices, or repeated scans."
        ]
    for key, level in LEVELS.items():
        at = found.crossing(level)
        if at is None:
            warnings.append(
                f"The TTF of {name} does not fall to {level * 100:g} % below the Nyquist "
                f"frequency, so {key}_{name} is absent."
            )
        else:
            values[f"{key}_{name}"] = at
    return values, warnings


def _clipped(images: Sequence[Image], rod: RodEdge) -> list[str]:
    image = images[rod.used[len(rod.used) // 2]]
    pixels = image.pixels[Disc(rod.rod.x, rod.rod.y, 0.7 * rod.rod.radius).mask(image.pixels.shape)]
    top = image.saturated_at
    low = float((pixels == image.pixels.min()).mean())
    high = 0.0 if top is None else float((pixels >= top).mean())
    if max(low, high) <= _CLIPPED:
        return []
    return [
        f"{100 * max(low, high):.0f} % of the pixels of {rod.name} are at the end of the CT number "
        "scale, so its contrast and edge are distorted."
    ]


def ttf_curve(name: str, found: Mtf) -> Curve:
    """Return a transfer function as a curve."""
    return Curve(
        f"TTF {name}",
        tuple(map(float, found.frequency_per_mm)),
        tuple(map(float, found.value)),
        "Spatial frequency",
        "1/mm",
        "TTF",
        "1",
        tuple(map(float, found.u)),
    )


def _edge_curve(rod: RodEdge) -> Curve:
    edge = rod.edge
    return Curve(
        f"Edge {rod.name}",
        tuple(map(float, edge.from_edge_mm)),
        tuple(map(float, edge.mean)),
        "Distance from the edge",
        "mm",
        "CT number",
        "HU",
    )


def regions(rod: RodEdge, pixel_mm: float) -> tuple[Region, ...]:
    """Return the rod's rim and the range used, on the middle one of its slices."""
    frame = rod.used[len(rod.used) // 2]
    edge, reach = rod.edge, rod.edge.reach_mm / pixel_mm
    values = {
        "contrast": quantity(edge.contrast_hu, "HU"),
        "noise": quantity(edge.noise_hu, "HU"),
    }
    rim = Disc(rod.rod.x, rod.rod.y, rod.rod.radius)
    wide = Disc(rod.rod.x, rod.rod.y, rod.rod.radius + reach)
    return (
        rim.region(rod.name, frame=frame, values=values),
        wide.region(f"{rod.name}, range used", frame=frame),
    )


def _about(rod: RodEdge) -> dict[str, Any]:
    edge = rod.edge
    return {
        "name": rod.name,
        "column": rod.rod.x,
        "row": rod.rod.y,
        "radius_mm": edge.radius_mm,
        "reach_mm": edge.reach_mm,
        "bin_mm": edge.bin_mm,
        "contrast_hu": edge.contrast_hu,
        "noise_hu": edge.noise_hu,
        "total_cnr": edge.total_cnr if math.isfinite(edge.total_cnr) else None,
        "slices": len(rod.used),
    }
