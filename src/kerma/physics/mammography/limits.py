"""Dose of the standard breast beside the acceptable and achievable values of its thickness.

The values are the rows ``qa-tests/mammography/mgd_pmma_*``: of the European guidelines, each with
its state. Only the tabulated thicknesses of PMMA have one. Nothing is judged here: the share of
each value is given, and a level of the service's protocol gives the verdict.
"""

from __future__ import annotations

import re

from kerma.core import InputError, quantity
from kerma.physics.calculation import Calculation, Record
from kerma.physics.calls import calculates
from kerma.physics.mammography.models import model_of
from kerma.reference import Row, rows

_ROW = re.compile(r"mgd_pmma_(\d+)mm$")
_ACHIEVABLE = re.compile(r"achievable ([\d.]+)")


def thicknesses() -> dict[float, Row]:
    """Return the rows by thickness of PMMA in mm."""
    found = {}
    for held in rows("qa-tests"):
        named = _ROW.match(held.text("test_id"))
        if named and held.text("modality") == "mammography":
            found[float(named[1])] = held
    return dict(sorted(found.items()))


@calculates
def against_limits(dose: Calculation) -> Calculation:
    """Return the dose of the standard breast in per cent of the acceptable value.

    In `others` the acceptable and achievable values (mGy) and the per cent of the latter.

    Parameters
    ----------
    dose
        Of `kerma.physics.breast.pmma_dose`: Dance's model, the values' own.

    Raises
    ------
    InputError
        ``no-limit``; ``other-model``: a dose by another model or of no standard breast;
        ``no-breast-model``.
    """
    if model_of(dose) != "Dance" or dose.name != "breast-mgd-pmma":
        raise InputError(
            "The values are for the standard breast by PMMA with Dance's factors. Another model's "
            "dose, or a patient's, is not held against them.",
            code="other-model",
        )
    made = Record("breast-standard-limits", "1", "Standard breast dose against its limits")
    for used in dose.sources:
        made.rests_on(used.row)
    made.assume(*dose.assumptions)
    made.limit(*dose.limits)
    made.work(*dose.working)
    pmma = next(i.value for i in dose.inputs if i.symbol == "t" and i.value is not None)
    t = made.given("Thickness of PMMA", "t", pmma, "mm")
    held = thicknesses()
    found = next((r for at, r in held.items() if abs(at - t) < 1e-6), None)
    if found is None:
        raise InputError(
            f"There is no value for {t:g} mm of PMMA; there are for "
            f"{', '.join(f'{at:g}' for at in held)} mm. They are not interpolated.",
            code="no-limit",
        )
    made.rests_on(found)
    d = made.given("Mean glandular dose", "D", dose.value, "mGy")
    acceptable = float(found.text("remedial_level").lstrip("><= "))
    stated = _ACHIEVABLE.search(found.text("notes"))
    others = {"acceptable": quantity(acceptable, "mGy")}
    made.work(f"D / acceptable = {d:.4g} / {acceptable:g} mGy")
    if stated:
        achievable = float(stated[1])
        others |= {"achievable": quantity(achievable, "mGy"),
                   "of_achievable": quantity(100.0 * d / achievable, "%")}  # fmt: skip
        made.work(f"D / achievable = {d:.4g} / {achievable:g} mGy (recalled, whatever the row)")
    made.limit("A share, not a verdict; the achievable value is recalled in every row.")
    return made.result(lambda v: 100.0 * v["D"] / acceptable, "%", others=others)
