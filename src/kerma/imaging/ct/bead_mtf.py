"""In-plane MTF of a CT scanner from the image of a small bead (or any sub-resolution sphere)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from kerma.core import Analysis, AnalysisError, Image, Quantity
from kerma.imaging import identity
from kerma.imaging.ct import _point, series
from kerma.imaging.ct._point import REPLICATES, SEED, PointSeries
from kerma.imaging.record import choose, provenance, require
from kerma.imaging.registry import measurement
from kerma.imaging.tools import wire
from kerma.imaging.tools.mtf import Mtf
from kerma.imaging.tools.wire import Array, Wire, sphere_transform

NAME, VERSION = "ct-bead-mtf", "1"
EDITION = "Bead point spread function, two-dimensional Fourier transform, both axes and mean"
LEVELS = {"mtf50": 0.5, "mtf10": 0.1}
# Directions of the transform: the mean of all, along the rows, down the columns.
AXES: dict[str, tuple[int, ...] | None] = {"": None, "_x": (0,), "_y": (16,)}
# A bead reaches over a few slices, weaker where it is half out of one. Design choice.
_VISIBLE = 0.3
# Dividing by less than this multiplies noise and the error of the diameter. Design choice.
_LEAST_TRANSFORM = 0.3


@dataclass(frozen=True, slots=True)
class Parameters:
    """What may be chosen.

    Attributes
    ----------
    bead_diameter_mm
        Divide by the transform of a sphere of this diameter; none by default, with a warning.
    bead_px
        (column, row) of the bead, in a phantom with several; found when absent.
    roi_fwhm
        Side of the square around the bead, in widths at half maximum; 10 or more, because the
        background's error at zero frequency is the main bias.
    """

    bead_diameter_mm: float | None = None
    bead_px: tuple[float, float] | None = None
    roi_fwhm: float = 14.0

    def __post_init__(self) -> None:
        require(self.roi_fwhm >= 10, "roi_fwhm", "The square must be 10 widths or more.")
        require(
            self.bead_diameter_mm is None or 0 < self.bead_diameter_mm <= 2,
            "bead_diameter_mm",
            "The diameter of the bead lies above 0 and up to 2 mm.",
        )


@measurement(
    NAME,
    version=VERSION,
    title="In-plane MTF from a bead",
    edition=EDITION,
    modalities=("CT",),
)
def measure(images: Sequence[Image], **parameters: Any) -> Analysis:
    """Measure the in-plane MTF from the slices that show a bead.

    The square around the bead, less the plane of its surroundings, is Fourier transformed about
    the bead's centre; slices are added, so that what counts is the bead seen in projection. The
    real part (beads are faint, and a modulus would turn noise into signal) is taken along the
    rows, down the columns (each the transform of the line spread function of that axis) and as a
    mean over 32 directions, divided by its value at zero and, with a diameter, by the sphere's
    transform 3 (sin x - x cos x)/x³, x = pi d f.

    Values: ``mtf50``, ``mtf10`` (mean), ``mtf50_x``, ``mtf10_x``, ``mtf50_y``, ``mtf10_y`` (1/mm)
    and ``fwhm`` (mm).

    Raises
    ------
    InputError
        The codes of `kerma.imaging.ct.series.slices`; ``clinical-looking``.
    AnalysisError
        Codes ``no-wire``, ``two-wires``, ``wire-saturated``, ``wire-near-border``,
        ``wire-surroundings``, ``mixed-phantoms``.
    """
    chosen = choose(Parameters, parameters)
    order, notes = series.slices(images)
    pixel_mm = series.square_pixel_mm(images[order[0]])
    identity.require_not_clinical(images[order[len(order) // 2]])
    beads, said = _beads(images, order, pixel_mm, chosen.bead_px)
    points = _point.measure(images, beads, pixel_mm, chosen.roi_fwhm, what="bead", most_uneven=0.1)
    found, values, warnings = transfers(points, chosen.bead_diameter_mm)
    return Analysis(
        name=NAME,
        status="measured",
        provenance=provenance(
            NAME, VERSION, EDITION, images, chosen,
            seed=SEED, replicates=REPLICATES, slices_used=list(beads), side_px=points.side_px,
        ),
        values=values,
        regions=_point.regions(points),
        curves=(
            *(_point.mtf_curve(f"MTF{axis.replace('_', ' ')}", m) for axis, m in found.items()),
            _point.profile_curve(points, images),
        ),
        warnings=(*notes, *said, *warnings),
        facts={"slices_used": list(beads)},
    )  # fmt: skip


def transfers(
    points: PointSeries, diameter_mm: float | None
) -> tuple[dict[str, Mtf], dict[str, Quantity], list[str]]:
    """Return the MTF of a bead by axis (mean, x, y), its values, and what is to be said."""
    warnings: list[str] = []
    frequency = points.frequency_per_mm
    shape = np.ones_like(frequency)
    if diameter_mm is None:
        warnings.append(
            "The MTF is not corrected for the size of the bead, because its diameter was not given."
        )
    else:
        shape = sphere_transform(frequency, diameter_mm)
    seen = _trusted(shape)
    if not seen.all():
        warnings.append(
            f"The MTF is given to {frequency[seen][-1]:.2f} mm⁻¹: beyond, the transform of a "
            f"bead of {diameter_mm:g} mm is under {_LEAST_TRANSFORM:.0%}."
        )
    found: dict[str, Mtf] = {}
    values: dict[str, Quantity] = {}
    for axis, directions in AXES.items():
        mtf, floor = _point.transfer(points, shape, directions, even=True)
        kept = Mtf(
            frequency[seen], mtf.value[seen], mtf.u[seen], mtf.replicates[:, seen], mtf.method_u
        )
        found[axis] = kept
        more, said = _point.levels(kept, floor[seen], {f"{k}{axis}": v for k, v in LEVELS.items()})
        values |= more
        warnings += said
        if not axis:
            warnings += _point.remarks(points, kept, floor[seen])
    values["fwhm"] = _point.fwhm(points)
    return found, values, warnings


def _trusted(shape: Array) -> Array:
    low = np.flatnonzero(shape < _LEAST_TRANSFORM)
    seen = np.ones(len(shape), dtype=bool)
    if len(low):
        seen[low[0] :] = False
    return seen


def _beads(
    images: Sequence[Image],
    order: Sequence[int],
    pixel_mm: float,
    place: tuple[float, float] | None,
) -> tuple[dict[int, Wire], list[str]]:
    """Return the bead in the slices that show it well, and what was left out."""
    found: dict[int, Wire] = {}
    refused: dict[int, AnalysisError] = {}
    for index in order:
        image = images[index]
        try:
            if place is None:
                found[index] = wire.find(image.pixels, pixel_mm, image.saturated_at)
            else:
                found[index] = wire.near(image.pixels, pixel_mm, place, image.saturated_at)
        except AnalysisError as refusal:
            if refusal.code == "two-wires":
                raise AnalysisError(
                    f"{refusal.message} Or name the bead in the parameter bead_px.",
                    stage="find bead",
                    code="two-wires",
                ) from None
            if refusal.code != "no-wire":
                raise
            refused[index] = refusal
    if not found:
        raise refused[order[len(order) // 2]]
    highest = max(w.peak_hu for w in found.values())
    kept = {i: w for i, w in found.items() if w.peak_hu >= _VISIBLE * highest}
    notes = []
    if place is not None:
        notes.append(f"The place of the bead was set by hand: ({place[0]:g}, {place[1]:g}).")
    gone = [i + 1 for i in order if i not in kept]
    if gone:
        notes.append(
            f"Left out because the bead is not or hardly in them: image "
            f"{', '.join(map(str, gone))}."
        )
    return kept, notes
