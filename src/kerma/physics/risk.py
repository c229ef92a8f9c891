"""Risk: nominal detriment from effective dose, lifetime attributable risk by sex and age.

Nominal coefficients (ICRP 103) are in data set ``icrp103``; lifetime attributable risks (BEIR VII
Tables 12D-1 and 12D-2, all cancers) in ``risk-by-age``. Risks of single organs are not computed:
the site models need baseline rates and life tables, which the reference data do not hold.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping

from kerma.core import InputError, Quantity, quantity
from kerma.physics.calculation import Calculation, Record, Values
from kerma.physics.calls import calculates
from kerma.reference import Row, rows

POPULATIONS = ("whole population", "adult workers")
KINDS = ("total", "cancer", "heritable")
ENDPOINTS = ("incidence", "mortality")
_TABLE_DOSE_MGY = 100.0
_UNIT = "per 100 000 exposed to 0.1 Gy (US population)"


def _one_of(value: str, among: tuple[str, ...], what: str, code: str) -> str:
    if value not in among:
        raise InputError(f"The {what} is one of: {', '.join(among)}.", code=code)
    return value


@calculates
def nominal_detriment(
    dose: Quantity, *, population: str = "whole population", kind: str = "total"
) -> Calculation:
    """Return the nominal detriment-adjusted risk of an effective dose.

    R = r E, linear without threshold (ICRP 103 Table 1; data set ``icrp103``).

    Parameters
    ----------
    dose
        Effective dose.
    population
        ``whole population`` or ``adult workers``.
    kind
        ``total``, ``cancer`` or ``heritable``.

    Raises
    ------
    InputError
        ``unknown-population``, ``unknown-kind``, ``wrong-unit``, ``not-above-zero``.
    """
    _one_of(population, POPULATIONS, "population", "unknown-population")
    _one_of(kind, KINDS, "kind of detriment", "unknown-kind")
    item = f"nominal detriment, {kind}, {population}"
    held = next(r for r in rows("icrp103") if r.text("item") == item)
    made = Record("risk-nominal", "1", "Nominal detriment from effective dose")
    made.choice("Population", population)
    made.choice("Detriment", kind)
    e = made.given("Effective dose", "E", dose, "Sv")
    r = made.coefficient("Nominal coefficient", "r", held, "value", "%/Sv")
    risk = r * e / 100.0
    made.work(f"R = r E = {r:g} %/Sv × {e:.4g} Sv = {risk:.4g}, 1 in {1.0 / risk:.0f}")
    made.assume("The risk is proportional to dose down to zero.")
    made.limit(
        "A detriment averaged over sexes, ages and populations; not the probability that this "
        "person gets a cancer, and not to be multiplied over many small doses to count cases.",
        "For comparing procedures and for words in bands; state the band, not the digits.",
        "Not for doses that can cause tissue reactions.",
        "No uncertainty of the coefficient is stated; it is not in the budget.",
    )
    return made.result(
        lambda v: v["r"] * v["E"] / 100.0, "1", others={"one_in": quantity(1.0 / risk, "1")}
    )


def _by_age(sex: str, endpoint: str) -> dict[float, Row]:
    found = {
        r.number("age_at_exposure"): r
        for r in rows("risk-by-age")
        if (r.text("sex"), r.text("endpoint"), r.text("site")) == (sex, endpoint, "all cancers")
    }
    if any(r.text("unit") != _UNIT for r in found.values()):
        raise InputError("The rows are not per 100 000 at 0.1 Gy.", code="other-unit")
    return dict(sorted(found.items()))


def _cell(ages: list[float], age: float) -> tuple[float, float, float]:
    i = min(max(bisect_right(ages, age) - 1, 0), len(ages) - 2)
    return ages[i], ages[i + 1], (age - ages[i]) / (ages[i + 1] - ages[i])


def _at(table: Mapping[float, float], age: float) -> float:
    low, high, share = _cell(list(table), age)
    return table[low] + share * (table[high] - table[low])


@calculates
def lifetime_risk(
    dose: Quantity, *, sex: str, age: Quantity, endpoint: str = "incidence"
) -> Calculation:
    """Return the lifetime attributable risk of a cancer from a dose to the whole body.

    LAR = L(sex, age) D / 0.1 Gy, L linear between the ages of the table (BEIR VII Tables 12D-1 and
    12D-2; data set ``risk-by-age``).

    Parameters
    ----------
    dose
        Absorbed dose, the same in every organ; at most 0.1 Gy, for which the table is.
    sex
        ``F`` or ``M``.
    age
        At exposure.
    endpoint
        ``incidence`` or ``mortality``.

    Raises
    ------
    InputError
        ``unknown-sex``, ``unknown-endpoint``, ``effective-dose``, ``outside-domain``,
        ``wrong-unit``, ``not-above-zero``.
    """
    _one_of(sex, ("F", "M"), "sex in the tables", "unknown-sex")
    _one_of(endpoint, ENDPOINTS, "endpoint", "unknown-endpoint")
    if dose.unit.same_kind(quantity(1, "Sv").unit):
        raise InputError(
            "The table is for an absorbed dose to the whole body. An effective dose already has "
            "weights averaged over sex and age in it; use the nominal detriment.",
            code="effective-dose",
        )
    held = _by_age(sex, endpoint)
    made = Record("risk-lifetime", "1", f"Lifetime attributable risk of cancer, {endpoint}")
    made.choice("Sex", sex)
    d = made.given("Whole-body absorbed dose", "D", dose, "mGy")
    a = made.given("Age at exposure", "a", age, "y", above_zero=False)
    ages = list(held)
    _require_domain(d, a, ages)
    low, high, share = _cell(ages, a)
    for end, weight in ((low, 1.0 - share), (high, share)):
        if weight > 1e-9:  # conversions of units may leave less
            made.rests_on(held[end])
    table = {at: r.number("lar") for at, r in held.items()}
    cases = _at(table, a)
    risk = cases / 1e5 * d / _TABLE_DOSE_MGY
    made.work(
        f"L = {cases:.5g} per 100 000 at 0.1 Gy, between ages {low:g} and {high:g}",
        f"LAR = {cases:.5g} / 100 000 × {d:.4g} mGy / 100 mGy = {risk:.4g}, 1 in {1 / risk:.0f}",
    )
    made.assume(
        "Every organ received the same dose; the risk is proportional to it.",
        "The risk is linear between the tabulated ages.",
        "Baseline cancer rates and survival are those of the table's US population.",
    )
    made.limit(
        "A risk to a group of this sex and age, not a prediction for a person; a partial-body dose "
        "needs organ doses, which this does not take.",
        "The report gives wide subjective confidence intervals (factors of two to three, "
        "recalled); they are not in the budget.",
    )

    def equation(v: Values) -> float:
        return _at(table, v["a"]) / 1e5 * v["D"] / _TABLE_DOSE_MGY

    return made.result(equation, "1", others={"one_in": quantity(1.0 / risk, "1")})


def _require_domain(dose_mgy: float, age: float, ages: list[float]) -> None:
    if not ages[0] <= age <= ages[-1]:
        raise InputError(
            f"The table has ages at exposure of {ages[0]:g} to {ages[-1]:g} years; this is "
            f"{age:g}.",
            code="outside-domain",
        )
    if dose_mgy > _TABLE_DOSE_MGY * (1 + 1e-12):
        raise InputError(
            f"The table is for 100 mGy and is scaled down, not up; this is {dose_mgy:.4g} mGy.",
            code="outside-domain",
        )
