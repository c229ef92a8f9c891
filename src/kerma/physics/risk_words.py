"""A risk in bands and plain words, beside natural background of a dated survey.

Bands are the rows of ``risk-bands``, background those of ``research/background_comparators``. A
chance is rounded to one significant figure; nothing finer is meant.
"""

from __future__ import annotations

import math

from kerma.core import InputError, Quantity, quantity
from kerma.physics.calculation import Calculation, Record
from kerma.physics.calls import calculates
from kerma.reference import Row, row, rows

_COMPARATORS = "research/background_comparators/"
_DAYS, _MONTHS = 365.25, 12.0


def comparators() -> dict[str, Row]:
    """Return the background surveys by name: place and year."""
    return {
        r.text("id"): r for r in rows("research") if r.id.startswith(_COMPARATORS)
    }  # fmt: skip


def band(risk: float) -> Row | None:
    """Return the band of a risk; none above the highest there is a word for."""
    return next(
        (r for r in rows("risk-bands") if r.number("least") <= risk < r.number("below")), None
    )


def one_figure(value: float) -> float:
    """Return a value rounded to one significant figure."""
    power = 10.0 ** math.floor(math.log10(value))
    return round(value / power) * power


@calculates
def in_words(
    risk: Calculation,
    *,
    effective_dose: Quantity | None = None,
    comparator: str = "UK-2010",
) -> Calculation:
    """Return a risk as it may be told to somebody: 1 in N, its band, and years of background.

    The sentences are the `working` of the result, its value the N of “1 in N”.

    Parameters
    ----------
    risk
        Of `kerma.physics.risk` or `kerma.physics.fetal`: a chance, unit 1.
    effective_dose
        To compare with background; left out when not given.
    comparator
        One of `comparators`: the survey that says what background is, with its year.

    Raises
    ------
    InputError
        ``no-risk``: not a chance between 0 and 1; ``unknown-comparator``, ``wrong-unit``,
        ``not-above-zero``.
    """
    chance = risk.value.to("1").value
    if not 0.0 < chance < 1.0:
        raise InputError("A risk is a chance above 0 and below 1.", code="no-risk")
    made = Record("risk-words", "1", "Risk in words")
    made.choice("Risk", f"{risk.title}: {chance:.3g}")
    for used in risk.sources:
        made.rests_on(used.row)
    made.assume(*risk.assumptions)
    made.limit(*risk.limits)
    rounded = one_figure(1.0 / chance)
    found = band(chance)
    word = f"The word for it is “{found.text('band')}”." if found else (
        "That is above the bands there are words for; a person has to explain it.")  # fmt: skip
    if found:
        made.rests_on(found)
    made.work(f"A chance of about 1 in {rounded:,.0f}. {word}".replace(",", " "))
    others = {"risk": risk.value}
    if effective_dose is not None:
        others["background_years"] = _background(made, effective_dose, comparator)
    made.limit(
        "For words, in one significant figure; the figure itself is uncertain by a factor of two "
        "or more."
    )
    return made.result(lambda v: rounded, "1", others=others)


def _background(made: Record, dose: Quantity, comparator: str) -> Quantity:
    known = comparators()
    if comparator not in known:
        raise InputError(
            f"There is no background survey “{comparator}”. There are: {', '.join(known)}.",
            code="unknown-comparator",
        )
    e = made.given("Effective dose", "E", dose, "mSv")
    held = made.rests_on(row(known[comparator].id))
    natural = held.fields.get("environmental_mSv") is not None
    yearly = held.number("environmental_mSv" if natural else "total_mSv")
    what = "natural background radiation" if natural else "the average dose from all sources"
    years = e / yearly
    if years < 1.0 / _MONTHS:
        long = _said(years * _DAYS, "day")
    elif years < 1.0:
        long = _said(years * _MONTHS, "month")
    else:
        long = _said(years, "year")
    made.work(f"About as much as {long} of {what} ({yearly:g} mSv a year, {held.text('doc')}, "
              f"{comparator}).")  # fmt: skip
    return quantity(years, "1")


def _said(value: float, unit: str) -> str:
    if value < 1.0:
        return f"less than a {unit}"
    rounded = one_figure(value)
    return f"{rounded:.0f} {unit}{'s' * (rounded != 1)}"
