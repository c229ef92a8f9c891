"""Calculators of CT: dose indices from a pencil chamber, SSDE, effective dose from DLP."""

from __future__ import annotations

from kerma.core import Quantity, quantity
from kerma.physics import ct, ctdi
from kerma.physics.calculation import Calculation
from kerma.reference import Row
from kerma.service.protection.calculators.calculator import Calculator
from kerma.service.protection.calculators.fields import Choice, Given, Number, Option, fixed, named
from kerma.service.protection.calculators.kinds.common import (
    DLP_UNITS,
    LENGTH_UNITS,
    PHANTOM,
    dlp,
    ratio,
)

GROUP = "CT"
_GY = ("mGy", "Gy", "cGy")
_BEAM = Number("collimation", "Nominal beam width", "NT", ("mm", "cm"),
               hint="number of slices times their thickness; at most 40 mm")  # fmt: skip
_FACTOR = ratio("calibration", "Calibration factor", "Nk", optional=True,
                hint="of chamber and meter at this beam quality; blank: 1")  # fmt: skip
_EDGES = ("12 o'clock", "3 o'clock", "6 o'clock", "9 o'clock")


def _weighted(
    *,
    centre: Quantity,
    edge1: Quantity,
    edge2: Quantity,
    edge3: Quantity,
    edge4: Quantity,
    collimation: Quantity,
    phantom: str,
    calibration: Quantity | None = None,
) -> Calculation:
    return ctdi.weighted(
        centre, (edge1, edge2, edge3, edge4), collimation, phantom=phantom,
        calibration=calibration or quantity(1, "1"),
    )  # fmt: skip


def _fits(given: Given, *columns: str) -> list[Row]:
    """Return the rows of the chosen set that agree with what is chosen in the columns before."""
    names = {"region": "region", "age_y": "age", "kV": "kv"}
    return [
        r for r in ct.coefficient_sets().get(given.get("set_name", ""), [])
        if not r.text("habitus") and all(r.text(c) == given.get(names[c], "") for c in columns)
    ]  # fmt: skip


def _column(column: str, *before: str) -> list[Option] | object:
    def options(given: Given) -> list[Option]:
        found = dict.fromkeys(r.text(column) for r in _fits(given, *before))
        return [(v, v or "not distinguished by the set") for v in found]

    return options


def _effective(**values: object) -> Calculation:
    return ct.effective_dose(values.pop("dlp"), **values)  # type: ignore[arg-type]
