"""Dose to an organ, or the uterus for a fetus, by a coefficient the user names the document of.

The reference data hold no organ coefficients, so none is supplied here: without one the dose is
refused. D_T = c X, X a kerma-area product, an entrance kerma, a CTDIvol or a DLP.
"""

from __future__ import annotations

from kerma.core import InputError, Quantity, UnsupportedError, quantity
from kerma.physics.calculation import Calculation, Record
from kerma.physics.calls import calculates


@calculates
def dose(
    reading: Quantity,
    coefficient: Quantity | None = None,
    *,
    organ: str,
    document: str = "",
    conditions: str = "",
) -> Calculation:
    """Return the mean absorbed dose of an organ in a reference person.

    D_T = c X (ICRU 74 form of a conversion coefficient).

    Parameters
    ----------
    reading
        X: kerma-area product, entrance kerma, CTDIvol or DLP.
    coefficient
        c, absorbed dose per X, such as mGy/(Gy.cm2), with its uncertainty.
    organ
        Organ or tissue; ``uterus`` for a fetus of the first weeks.
    document
        Where the coefficient is from: document, edition, table.
    conditions
        What it is for: projection, tube voltage, filtration, phantom, age.

    Raises
    ------
    UnsupportedError
        ``no-organ-coefficients``: none is given and none is held.
    InputError
        ``no-document``; ``other-kind``: coefficient times reading is no absorbed dose;
        ``not-above-zero``.
    """
    if coefficient is None:
        raise UnsupportedError(
            f"There is no coefficient for the dose of the {organ}: the reference data hold none. "
            "Give one with its document, or use an organ dose program and enter its result.",
            code="no-organ-coefficients",
        )
    if not (document.strip() and organ.strip() and conditions.strip()):
        raise InputError(
            "Name the organ, the document of the coefficient and what it is for.",
            code="no-document",
        )
    product = reading.unit * coefficient.unit
    gray = quantity(1.0, "mGy").unit
    if not product.same_kind(gray):
        raise InputError(
            f"{coefficient.unit} times {reading.unit} is no absorbed dose.", code="other-kind"
        )
    made = Record("organ-dose", "1", f"Mean absorbed dose, {organ}")
    made.choice("Coefficient from", document)
    made.choice("For", conditions)
    x = made.given("Reading", "X", reading, str(reading.unit))
    c = made.given("Dose per reading", "c", coefficient, str(coefficient.unit))
    scale = product.factor / gray.factor
    made.work(f"D = c X = {c:.4g} {coefficient.unit} × {x:.4g} {reading.unit}")
    made.assume("The patient is the reference person of the coefficient, the beam is its beam.")
    made.limit(
        "The coefficient is the user's; it is not a row of the reference data and rests on the "
        "document named.",
        "A mean over the organ, not its highest dose.",
    )
    return made.result(lambda v: v["c"] * v["X"] * scale, "mGy")
