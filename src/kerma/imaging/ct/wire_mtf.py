"""In-plane MTF of a CT scanner from the image of a thin wire."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from kerma.core import Analysis, AnalysisError, Image
from kerma.imaging import identity
from kerma.imaging.ct import _point, series
from kerma.imaging.ct._point import REPLICATES, SEED
from kerma.imaging.record import choose, provenance, require
from kerma.imaging.registry import measurement
from kerma.imaging.tools import wire
from kerma.imaging.tools.wire import Wire

NAME, VERSION = "ct-wire-mtf", "1"
EDITION = "Wire point spread function, two-dimensional Fourier transform, mean over directions"
_SAME_HEIGHT = 1.4  # of a wire in several slices, largest over smallest; design choice
LEVELS: Mapping[str, float] = {"mtf50": 0.5, "mtf10": 0.1, "mtf02": 0.02}


@dataclass(frozen=True, slots=True)
class Parameters:
    """What may be chosen.

    Attributes
    ----------
    roi_fwhm
        Side of the square around the wire, in widths at half maximum; 10 or more, because the
        background's error at zero frequency is the main bias.
    wire_diameter_mm
        Divide by the transform of a round wire of this diameter; none by default.
    """

    roi_fwhm: float = 14.0
    wire_diameter_mm: float | None = None

    def __post_init__(self) -> None:
        require(self.roi_fwhm >= 10, "roi_fwhm", "The square must be 10 widths or more.")
        require(
            self.wire_diameter_mm is None or 0 < self.wire_diameter_mm <= 1,
            "wire_diameter_mm",
            "The diameter of the wire lies above 0 and up to 1 mm.",
        )


def evidence(images: Sequence[Image]) -> str:
    """Say what shows one wire in the slices, or refuse; every slice is looked at.

    Raises
    ------
    InputError, AnalysisError
        As `measure`.
    """
    order, _ = series.slices(images)
    pixel_mm = series.square_pixel_mm(images[order[0]])
    found = _wires(images, order, pixel_mm)
    width = sum(w.fwhm_px for w in found.values()) / len(found) * pixel_mm
    return f"one bright spot of {width:.2f} mm width in {len(found)} slice(s), nothing else"


@measurement(
    NAME,
    version=VERSION,
    title="In-plane MTF from a wire",
    edition=EDITION,
    modalities=("CT",),
    recognise=evidence,
)
def measure(images: Sequence[Image], **parameters: Any) -> Analysis:
    """Measure the in-plane MTF from one or several slices through a wire.

    The square around the wire, less the plane of its surroundings, is Fourier transformed; the
    modulus is averaged over directions and divided by its value at zero. Slices are averaged as
    transforms, each shifted to the wire's centre, so a tilted wire does not blur the result.

    Values: ``mtf50``, ``mtf10``, ``mtf02`` (1/mm) and ``fwhm`` (mm, of the in-plane point
    spread). Their uncertainty comes from adding noise patches of the same slices, seed `SEED`.

    Raises
    ------
    InputError
        The codes of `kerma.imaging.ct.series.slices`.
    AnalysisError
        Codes ``no-wire``, ``two-wires``, ``wire-saturated``, ``wire-near-border``,
        ``wire-surroundings``, ``mixed-phantoms``.
    """
    chosen = choose(Parameters, parameters)
    order, notes = series.slices(images)
    pixel_mm = series.square_pixel_mm(images[order[0]])
    wires = _wires(images, order, pixel_mm)
    points = _point.measure(images, wires, pixel_mm, chosen.roi_fwhm, what="wire")
    frequency = points.frequency_per_mm
    diameter = chosen.wire_diameter_mm
    shape = (
        np.ones_like(frequency) if diameter is None else wire.wire_transform(frequency, diameter)
    )
    found, floor = _point.transfer(points, shape)
    values, warnings = _point.levels(found, floor, LEVELS)
    values["fwhm"] = _point.fwhm(points)
    return Analysis(
        name=NAME,
        status="measured",
        provenance=provenance(
            NAME, VERSION, EDITION, images, chosen,
            seed=SEED, replicates=REPLICATES, slices_used=order, side_px=points.side_px,
        ),
        values=values,
        regions=_point.regions(points),
        curves=(_point.mtf_curve("MTF", found), _point.profile_curve(points, images)),
        warnings=(*notes, *warnings, *_point.remarks(points, found, floor)),
        facts={"slices_used": list(order), "noise_floor": float(floor[1:].max())},
    )  # fmt: skip


def _wires(images: Sequence[Image], order: Sequence[int], pixel_mm: float) -> dict[int, Wire]:
    """Return the one wire of each slice; refuse patients and everything else."""
    for index in order:
        identity.require_not_clinical(images[index])
    found = {i: wire.find(images[i].pixels, pixel_mm, images[i].saturated_at) for i in order}
    heights = [w.peak_hu for w in found.values()]
    if max(heights) > _SAME_HEIGHT * min(heights):
        raise AnalysisError(
            f"The height of the spot differs from slice to slice, from {min(heights):.0f} to "
            f"{max(heights):.0f} HU, as a bead's does and a wire's does not. Run ct-bead-mtf, or "
            "give slices through the wire alone.",
            stage="find wire",
            code="mixed-phantoms",
        )
    return found
