"""Dose to the embryo or fetus: typical values by examination, and the risk of a childhood cancer.

The typical values are means of old technique; they say which decade of dose an examination belongs
to, and an individual estimate needs the actual exposure. Data set ``fetal``.
"""

from __future__ import annotations

from kerma.core import InputError, Quantity, quantity
from kerma.physics.calculation import Calculation, Record
from kerma.physics.calls import calculates
from kerma.reference import Row, rows

_TYPICAL = "typical_mean_fetal_dose"
_INCIDENCE = "childhood cancer incidence to age 15, per unit fetal dose"
_NATURAL = "natural cumulative risk of childhood cancer, UK"
_FATAL = "fatal childhood cancer, per unit fetal dose"


def examinations() -> dict[str, Row]:
    """Return the examinations there is a typical fetal dose for, with their rows."""
    return {r.text("item"): r for r in rows("fetal") if r.text("kind") == _TYPICAL}


@calculates
def typical(examination: str) -> Calculation:
    """Return the typical mean fetal dose of an examination.

    A table entry “less than” stands as its bound and is said to be one.

    Parameters
    ----------
    examination
        As the table names it; see `examinations`.

    Raises
    ------
    InputError
        Code ``unknown-examination``.
    """
    held = examinations().get(examination)
    if held is None:
        raise InputError(
            f"There is no typical fetal dose for “{examination}”. The table has: "
            f"{', '.join(examinations())}.",
            code="unknown-examination",
        )
    made = Record("fetal-typical", "1", "Typical fetal dose")
    made.choice("Examination", examination)
    made.rests_on(held)
    stated = held.text("value")
    value = float(stated.lstrip("<"))
    if stated.startswith("<"):
        made.assume(f"The table says less than {value:g} mGy; the bound is used.")
    made.work(f"D = {stated} mGy, mean of the table")
    made.limit(
        "A mean of old technique, of one examination as it was done then: an order of magnitude. "
        "Compute or measure the dose of the actual exposure before advising a patient whose "
        "uterus was in or near the beam.",
        "No uncertainty is stated by the table.",
    )
    return made.result(lambda v: value, "mGy")


@calculates
def fatal_cancer_risk(dose: Quantity) -> Calculation:
    """Return the additional risk of a fatal childhood cancer from a fetal dose.

    Risk = r D, linear; r from data set ``fetal``, stated as “1 in N per mGy”.

    Parameters
    ----------
    dose
        Absorbed dose to the fetus.

    Raises
    ------
    InputError
        ``wrong-unit``, ``not-above-zero``.
    """
    held = next(r for r in rows("fetal") if r.text("item") == _FATAL)
    made = Record("fetal-risk", "1", "Additional risk of a fatal childhood cancer")
    d = made.given("Fetal dose", "D", dose, "mGy")
    made.rests_on(held)
    per = float(held.text("value").removeprefix("1 in "))
    made.work(f"risk = D / {per:.0f} = {d:.4g} mGy / {per:.0f} per mGy, 1 in {per / d:.0f}")
    made.limit(
        "For doses of diagnostic examinations, from a few weeks after conception on; lower before.",
        "A risk to a population, not a prediction for a child.",
    )
    return made.result(lambda v: v["D"] / per, "1", others={"one_in": quantity(per / d, "1")})


@calculates
def cancer_risk(dose: Quantity) -> Calculation:
    """Return the additional risk of a childhood cancer, fatal or not, from a fetal dose.

    Risk = r D, linear; r and the natural risk from data set ``fetal`` (both recalled).

    Parameters
    ----------
    dose
        Absorbed dose to the fetus.

    Raises
    ------
    InputError
        ``wrong-unit``, ``not-above-zero``.
    """
    held = {r.text("item"): r for r in rows("fetal")}
    made = Record("fetal-cancer-risk", "1", "Additional risk of a childhood cancer")
    d = made.given("Fetal dose", "D", dose, "mGy")
    per, natural = (
        float(made.rests_on(held[item]).text("value").removeprefix("1 in "))
        for item in (_INCIDENCE, _NATURAL)
    )
    made.work(
        f"risk = D / {per:.0f} = {d:.4g} mGy / {per:.0f} per mGy, 1 in {per / d:.0f}",
        f"natural risk to age 15: 1 in {natural:.0f}; with the dose {1 / natural + d / per:.3g}",
    )
    made.limit(
        "For doses of diagnostic examinations, from a few weeks after conception on; lower before.",
        "A risk to a population, not a prediction for a child.",
    )
    return made.result(
        lambda v: v["D"] / per, "1",
        others={"one_in": quantity(per / d, "1"), "natural": quantity(1.0 / natural, "1"),
                "of_natural": quantity(100.0 * d / per * natural, "%")},
    )  # fmt: skip
