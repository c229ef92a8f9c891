"""Electronic, quantum and structural noise of a planar detector from several flat fields."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from kerma.core import Analysis, Curve, Image, Quantity, quantity
from kerma.imaging import identity
from kerma.imaging.planar.region import central_region, linearised
from kerma.imaging.record import choose, provenance, require
from kerma.imaging.registry import measurement
from kerma.imaging.tools import stp
from kerma.imaging.tools.flat_fields import require_distinct, require_field, require_paired
from kerma.imaging.tools.noise_model import LEAST_KERMAS, NoiseModel, fit
from kerma.imaging.tools.noise_power import detrended
from kerma.imaging.tools.statistics import Moments, moments

NAME, VERSION = "planar-noise-split", "1"
EDITION = "variance = electronic + quantum K + structural K²; weighted least squares"
# Design choices: what a fit must miss by before it is said.
_MOST_BENT_PERCENT = 2.0
_LEAST_PROBABILITY = 0.001
# Linearised images whose kerma differs by more from the stated one belong to another detector.
_MOST_KERMA_PERCENT = 10.0


@dataclass(frozen=True, slots=True)
class Parameters:
    """What must and may be chosen.

    Attributes
    ----------
    kerma_ugy
        Air kerma at the detector of each image, in the order of the images.
    side_mm, roi
        Central square (design choice), or left, top, right, bottom in pixels.
    stp
        Signal transfer property for linearisation: model, a, b, c (K in µGy).
    """

    kerma_ugy: tuple[float, ...]
    side_mm: float = 40.0
    roi: tuple[int, int, int, int] | None = None
    stp: Mapping[str, Any] | None = None

    def __post_init__(self) -> None:
        require(self.side_mm > 0, "side_mm", "The side of the region must be above zero.")


@measurement(
    NAME,
    version=VERSION,
    title="Electronic, quantum and structural noise",
    edition=EDITION,
    modalities=identity.PLANAR,
)
def measure(images: Sequence[Image], **parameters: Any) -> Analysis:
    """Split the noise of flat fields at several air kermas into its three parts.

    Values ``electronic_variance`` (PV2), ``quantum_coefficient`` (PV2/uGy) and
    ``structural_coefficient`` (PV2/uGy2), the last two of any sign within their uncertainty;
    where above zero also ``electronic_noise`` (PV) and ``structural_noise`` (PV/uGy);
    ``quantum_limited_from`` and ``quantum_limited_to`` (uGy), between which the quantum part
    exceeds each of the others. With `stp`, PV is uGy throughout and ``structural_noise`` is a
    share of the signal (1).

    Raises
    ------
    InputError
        See `kerma.imaging.identity`; ``kerma-count``, ``bad-kerma``, ``too-few-points``,
        ``same-frame``, ``not-flat``, ``saturated-field``, ``no-noise``.
    """
    chosen = choose(Parameters, parameters)
    identity.check(images, modalities=identity.PLANAR, at_least=LEAST_KERMAS)
    identity.require_same_geometry(images)
    warnings = list(identity.require_raw(images))
    require_paired(images, chosen.kerma_ugy)
    require_distinct(images)
    region = central_region(images[0], chosen.side_mm, chosen.roi)
    found: list[Moments] = []
    unit = "PV"
    for image in images:
        require_field(image, region)
        pixels, unit = linearised(image, chosen.stp)
        part = region.cut(pixels)
        # The heel effect belongs to the tube; without this it would count as structural noise.
        found.append(moments(detrended(part) + part.mean()))
    kerma = chosen.kerma_ugy
    model = fit(kerma, [m.sd**2 for m in found], [2.0 * m.sd * m.u_sd for m in found])
    warnings += _linearity(kerma, [m.mean for m in found], linearised=chosen.stp is not None)
    values, notes = _values(model, unit, kerma)
    return Analysis(
        name=NAME,
        status="measured",
        provenance=provenance(NAME, VERSION, EDITION, images, chosen),
        values=values,
        regions=tuple(
            region.region(f"{k:g} µGy", frame=i, values=m.values(unit))
            for i, (k, m) in enumerate(zip(kerma, found, strict=True))
        ),
        curves=_curves(model, kerma, found, unit),
        warnings=(*warnings, *notes),
        facts={
            "chi_squared": model.chi_squared,
            "degrees_of_freedom": model.freedom,
            "probability": model.probability,
            "covariance": [[float(c) for c in row] for row in model.covariance],
        },
    )


def _linearity(
    kerma: Sequence[float], means: Sequence[float], *, linearised: bool
) -> tuple[str, ...]:
    if linearised:
        off = 100.0 * max(abs(m / k - 1.0) for m, k in zip(means, kerma, strict=True))
        if off <= _MOST_KERMA_PERCENT:
            return ()
        return (
            f"The linearised fields differ from the stated air kermas by up to {off:.0f} %. Check "
            "that the signal transfer property belongs to this detector and beam.",
        )
    bent = stp.fit("linear", kerma, means).max_residual_percent
    if bent <= _MOST_BENT_PERCENT:
        return ()
    return (
        f"The pixel value departs from a straight line in air kerma by {bent:.0f} %. Give the "
        "signal transfer property; the parts mean nothing on a curved response.",
    )


def _values(
    model: NoiseModel, unit: str, kerma: Sequence[float]
) -> tuple[dict[str, Quantity], list[str]]:
    electronic, quantum, structural = (float(p) for p in model.parts)
    u_electronic, u_quantum, u_structural = (float(p) for p in model.u)
    per, per2 = ("uGy", "1") if unit == "uGy" else ("PV2/uGy", "PV2/uGy2")
    values = {
        "electronic_variance": quantity(electronic, f"{unit}2", u_electronic),
        "quantum_coefficient": quantity(quantum, per, u_quantum),
        "structural_coefficient": quantity(structural, per2, u_structural),
    }
    notes = []
    if electronic > 0:
        root = math.sqrt(electronic)
        values["electronic_noise"] = quantity(root, unit, u_electronic / (2 * root))
    if structural > 0:
        root = math.sqrt(structural)
        share = "1" if unit == "uGy" else "PV/uGy"
        values["structural_noise"] = quantity(root, share, u_structural / (2 * root))
    for name, (over, under) in {"from": (0, 1), "to": (1, 2)}.items():
        limit = model.ratio(over, under)
        if limit is not None:
            values[f"quantum_limited_{name}"] = quantity(limit[0], "uGy", limit[1])
    for name, part, u in (
        ("electronic", electronic, u_electronic),
        ("quantum", quantum, u_quantum),
        ("structural", structural, u_structural),
    ):
        if part < 2.0 * u:
            notes.append(
                f"The {name} part is not distinguished from zero by these fields, so what is "
                "derived from it is no more than a limit."
            )
    low, high = (values.get(f"quantum_limited_{end}") for end in ("from", "to"))
    if low is not None and high is not None and low.value >= high.value:
        notes.append("There is no range of air kerma in which quantum noise exceeds the others.")
    if model.probability < _LEAST_PROBABILITY:
        notes.append(
            "The three parts do not describe these variances within their uncertainty. Check the "
            f"air kermas and the fields between {min(kerma):g} and {max(kerma):g} µGy."
        )
    return values, notes


def _curves(
    model: NoiseModel, kerma: Sequence[float], found: Sequence[Moments], unit: str
) -> tuple[Curve, ...]:
    order = np.argsort(kerma)
    smooth = np.geomspace(min(kerma), max(kerma), 60)
    labels = ("Air kerma", "uGy", "Variance", f"{unit}2")
    drawn = [
        Curve(
            "Measured",
            tuple(float(kerma[i]) for i in order),
            tuple(found[i].sd ** 2 for i in order),
            *labels,
            tuple(2.0 * found[i].sd * found[i].u_sd for i in order),
        )
    ]
    parts = dict(
        zip(("Electronic", "Quantum", "Structural"), model.components(smooth), strict=True)
    )
    for name, y in {"Fit": model.variance(smooth), **parts}.items():
        drawn.append(Curve(name, tuple(map(float, smooth)), tuple(map(float, y)), *labels))
    return tuple(drawn)
