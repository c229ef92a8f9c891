"""Measured against designed: the transmission of a barrier as it was built.

B = M1 / M0, two readings of one beam at one place, behind the barrier and without it. The measured
value is compared with the design's by its own expanded uncertainty (k = 2): the design's value
inside it agrees. No criterion for this comparison is held from a document; the fits of the design
state no uncertainty, so none is counted for them.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from kerma.core import InputError, Quantity
from kerma.physics.calculation import Calculation, Record
from kerma.physics.shielding.archer import Beam, Curve, curve, said
from kerma.physics.shielding.layers import LAYER_RULE, layered_log
from kerma.physics.shielding.plan.document import Layer
from kerma.physics.shielding.plan.structure import merged

COVERAGE = 2.0
AGREES, MORE, LESS = "agrees", "more", "less"
_SAYS = {
    AGREES: "The measured transmission agrees with the design.",
    MORE: "There is more shielding than designed.",
    LESS: "There is less shielding than designed.",
}


@dataclass(frozen=True, slots=True)
class AsBuilt:
    """A barrier as measured.

    Attributes
    ----------
    measured
        Transmission from the readings.
    designed
        Transmission by the layers, for the beam of the measurement.
    thickness
        Of the material that is worth the measured transmission; ``None`` where nothing is
        transmitted less than everything.
    verdict
        ``agrees``, ``more`` or ``less`` shielding than designed.
    why
        In words, with the figures.
    """

    measured: Calculation
    designed: Calculation
    thickness: Calculation | None
    verdict: str
    why: str

    def as_dict(self) -> dict[str, Any]:
        """Return plain data."""
        return {
            "measured": self.measured.as_dict(), "designed": self.designed.as_dict(),
            "thickness": self.thickness.as_dict() if self.thickness else None,
            "verdict": self.verdict, "why": self.why,
        }  # fmt: skip


def as_built(
    layers: Sequence[Layer],
    beam: Beam,
    *,
    without: Quantity,
    behind: Quantity,
    material: str = "lead",
) -> AsBuilt:
    """Return a barrier's measured transmission beside the design's.

    Parameters
    ----------
    layers
        As designed.
    beam
        Of the measurement: radiation and tube voltage, or a workload distribution.
    without, behind
        Readings of one beam at one place without the barrier and behind it, of one unit, each with
        its standard uncertainty.
    material
        The equivalent thickness is of.

    Raises
    ------
    InputError
        ``no-layers``; ``no-uncertainty``; ``wrong-unit``, ``not-above-zero``; as
        `kerma.physics.shielding.archer.curve`.
    """
    if without.u is None or behind.u is None:
        raise InputError(
            "Give both readings with their uncertainty: nothing can be compared without.",
            code="no-uncertainty",
        )
    unit = str(without.unit)
    made = _ratio("shielding-as-built", "Measured transmission", without, behind, unit)
    made.work("B = M1 / M0")
    measured = made.result(lambda v: v["M1"] / v["M0"], "1")
    designed = _designed(layers, beam)
    verdict, why = _compared(measured.value, designed.value.value)
    thickness = None
    if measured.value.value < 1.0:
        held = curve(material, beam)
        thickness = _thickness(held, without, behind, unit)
    return AsBuilt(measured, designed, thickness, verdict, why)


def _ratio(name: str, title: str, without: Quantity, behind: Quantity, unit: str) -> Record:
    made = Record(name, "1", title)
    made.given("Reading without the barrier", "M0", without, unit)
    made.given("Reading behind the barrier", "M1", behind, unit)
    made.assume(
        "Both readings are of one beam, at one place, with one field: broad beam, as designed.",
        "The readings are independent; a calibration factor they share cancels in their ratio.",
    )
    made.limit("A narrow beam transmits less than the broad beam the design is for.")
    return made


def _designed(layers: Sequence[Layer], beam: Beam) -> Calculation:
    held = merged(layers)
    if not held:
        raise InputError("The design has no layers to compare with.", code="no-layers")
    made = Record("shielding-as-designed", "1", "Transmission as designed")
    curves = [curve(material, beam) for material in held]
    for (material, mm), of in zip(held.items(), curves, strict=True):
        of.cite(made)
        made.choice(f"Thickness of {said(material)}", f"{mm:g} mm")
    if len(held) > 1:
        made.assume(LAYER_RULE)
    found = math.exp(layered_log(curves, list(held.values())))
    made.work(f"B = {found:.4g}")
    return made.result(lambda v: found, "1")


def _thickness(held: Curve, without: Quantity, behind: Quantity, unit: str) -> Calculation:
    made = _ratio(
        "shielding-as-built-thickness", f"Equivalent thickness of {said(held.material)}", without,
        behind, unit,
    )  # fmt: skip
    held.cite(made)
    made.work("x = ln[(B^-γ + β/α) / (1 + β/α)] / (α γ), B = M1 / M0")
    return made.result(lambda v: held.thickness(min(1.0, v["M1"] / v["M0"])), "mm")


def _compared(measured: Quantity, designed: float) -> tuple[str, str]:
    spread = COVERAGE * (measured.u or 0.0)
    verdict = AGREES
    if measured.value - spread > designed:
        verdict = LESS
    elif measured.value + spread < designed:
        verdict = MORE
    # In per cent: a transmission as a power of ten is read wrongly on a building site.
    digits = max(1, 1 - math.floor(math.log10(100.0 * spread))) if spread > 0.0 else 4
    now, wide = (f"{100.0 * v:.{digits}f}" for v in (measured.value, spread))
    # What is designed is never said to be nothing because the reading was coarse.
    then = f"{100.0 * designed:.{max(digits, 1 - math.floor(math.log10(100.0 * designed)))}f}"
    return verdict, (
        f"{_SAYS[verdict]} Measured ({now} ± {wide}) % (k = {COVERAGE:g}), designed {then} %."
    )
