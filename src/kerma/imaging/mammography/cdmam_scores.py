"""Threshold contrast from the scores of another CDMAM reader, such as CDCOM: no image needed."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from kerma.core import Analysis, Image, InputError
from kerma.imaging.mammography import _cdmam_curve, _cdmam_result
from kerma.imaging.mammography._cdmam_spec import load_spec
from kerma.imaging.record import choose, provenance, require
from kerma.imaging.registry import measurement

NAME, VERSION = "cdmam-scores", "1"
EDITION = (
    "Psychometric curve at 62.5 %, curve with non-negative terms: EUREF CDMAM readout page; human "
    "factors of the data file"
)


@dataclass(frozen=True, slots=True)
class Parameters:
    """What may be chosen.

    Attributes
    ----------
    diameter_mm, thickness_um
        Of the discs, one entry for each cell (or each cell and image; equal ones are pooled).
    correct, total
        Right choices and choices made there, whole numbers.
    mu_per_um, beam
        Attenuation of gold in this beam, or the name of a beam of the data file; one is needed.
    phantom
        ``cdmam34`` or ``cdmam40``, for the human factors and their state.
    reader
        What read the images, with its version.
    slope, shared_slope
        Slope of the psychometric curves, held; or one for all diameters. Else each has its own.
    factors
        Human factors of the service's own: pairs of diameter in mm and factor.
    draws, seed
        Bootstrap of binomial counts.
    """

    diameter_mm: tuple[float, ...]
    thickness_um: tuple[float, ...]
    correct: tuple[float, ...]
    total: tuple[float, ...]
    phantom: str
    reader: str
    mu_per_um: float | None = None
    beam: str | None = None
    slope: float | None = None
    shared_slope: bool = False
    factors: tuple[tuple[float, float], ...] | None = None
    draws: int = 200
    seed: int = 20_260_101

    def __post_init__(self) -> None:
        require(
            self.phantom in ("cdmam34", "cdmam40"),
            "phantom",
            "The phantom is “cdmam34” or “cdmam40”.",
        )
        require(bool(self.reader.strip()), "reader", "Name what read the images, with its version.")
        require(50 <= self.draws <= 5000, "draws", "The draws lie from 50 to 5000.")


@measurement(
    NAME,
    version=VERSION,
    title="CDMAM threshold contrast from scores",
    edition=EDITION,
    modalities=(),
)
def measure(images: Sequence[Image] = (), **parameters: Any) -> Analysis:
    """Fit thresholds to scores of four-alternative choices.

    Values ``gold_0p1mm`` ... and ``auto_gold_0p1mm`` ..., as of the measurement from images.

    Raises
    ------
    InputError
        Codes ``images-given``, ``bad-scores``, ``missing-parameter``, ``unknown-beam``.
    """
    if images:
        raise InputError(
            "This measurement takes scores and no image. For images there are cdmam34 and cdmam40.",
            code="images-given",
        )
    chosen = choose(Parameters, parameters)
    gold = _cdmam_result.gold(chosen.mu_per_um, chosen.beam, ())
    spec = load_spec(chosen.phantom)
    factors, factor_facts = _cdmam_result.factor_table(spec.factors, chosen.factors)
    counts = _counts(chosen)
    found = _cdmam_curve.steps(
        counts, mu_per_um=gold.mu_per_um, slope=chosen.slope, shared=chosen.shared_slope,
        factors=factors, draws=chosen.draws, seed=chosen.seed,
    )  # fmt: skip
    curve = _cdmam_curve.smooth(found, gold.mu_per_um, 0)
    made = _cdmam_result.report(found, curve, gold.mu_per_um)
    measured = bool(made.values)
    return Analysis(
        name=NAME,
        status="measured" if measured else "not measurable",
        reason="" if measured else "No diameter has a threshold within its thicknesses.",
        provenance=provenance(NAME, VERSION, EDITION, (), chosen),
        values=made.values,
        curves=(*made.curves, *_cdmam_result.contrasts(found, gold.mu_per_um)),
        warnings=(*((spec.provisional,) if spec.provisional else ()), *made.warnings),
        facts={
            **made.facts, "phantom": spec.title, "reader": chosen.reader, "gold": gold.facts,
            "human_factors": factor_facts,
        },
    )  # fmt: skip


def _counts(chosen: Parameters) -> list[_cdmam_curve.Counts]:
    columns = (chosen.diameter_mm, chosen.thickness_um, chosen.correct, chosen.total)
    if len({len(c) for c in columns}) != 1 or not chosen.total:
        raise _bad(
            "The four columns diameter_mm, thickness_um, correct and total must be equally long."
        )
    table = np.array(columns)
    d, t, k, n = table
    if not np.isfinite(table).all() or (table[:2] <= 0).any():
        raise _bad("Diameters and thicknesses must be numbers above zero.")
    if (d > 10).any() or (t > 10).any():
        raise _bad("Diameters are in mm and thicknesses in µm; none of a CDMAM is above 10.")
    whole = (np.rint(k) == k).all() and (np.rint(n) == n).all()
    if not whole or (k < 0).any() or (n < 1).any() or (k > n).any():
        raise _bad(
            "Right choices are whole numbers from none up to the choices made, of which there is "
            "one or more. Give counts, not shares."
        )
    found = []
    for diameter in sorted(set(chosen.diameter_mm), reverse=True):
        steps = sorted({chosen.thickness_um[i] for i in np.flatnonzero(d == diameter)})
        at = [np.flatnonzero((d == diameter) & (t == step)) for step in steps]
        found.append(
            _cdmam_curve.Counts(
                diameter,
                np.array(steps),
                np.array([math.fsum(k[i]) for i in at]),
                np.array([math.fsum(n[i]) for i in at]),
            )
        )
    return found


def _bad(message: str) -> InputError:
    return InputError(message, code="bad-scores")
