"""Risk: nominal detriment, lifetime risk by sex and age, and what is refused."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kerma.core import InputError, quantity
from kerma.physics.calculation import Calculation
from kerma.physics.risk import lifetime_risk, nominal_detriment
from kerma.reference import rows


def lar(
    dose: float = 100, age: float = 30, sex: str = "F", endpoint: str = "incidence"
) -> Calculation:  # fmt: skip
    return lifetime_risk(quantity(dose, "mGy"), sex=sex, age=quantity(age, "y"), endpoint=endpoint)


@pytest.mark.parametrize(
    ("population", "kind", "percent"),
    [("whole population", "total", 5.7), ("whole population", "cancer", 5.5),
     ("whole population", "heritable", 0.2), ("adult workers", "total", 4.2),
     ("adult workers", "cancer", 4.1), ("adult workers", "heritable", 0.1)],
)  # fmt: skip
def test_nominal_coefficients(population: str, kind: str, percent: float) -> None:
    """ICRP 103 Table 1 (the 5.7 %/Sv seen, the others recalled): the risk of 10 mSv."""
    found = nominal_detriment(quantity(10, "mSv"), population=population, kind=kind)
    assert found.value.value == pytest.approx(percent * 1e-4)
    assert found.others["one_in"].value == pytest.approx(1e4 / percent)
    assert bool(found.recalled) == (percent != 5.7)


@pytest.mark.parametrize("population", ["whole population", "adult workers"])
def test_cancer_and_heritable_make_the_total(population: str) -> None:
    parts = [nominal_detriment(quantity(1, "Sv"), population=population, kind=k).value.value
             for k in ("cancer", "heritable", "total")]  # fmt: skip
    assert parts[0] + parts[1] == pytest.approx(parts[2])


def test_every_row_of_the_table_is_met() -> None:
    """BEIR VII Tables 12D-1 and 12D-2, all cancers (recalled rows)."""
    table = rows("risk-by-age")
    assert len(table) == 44
    for row in table:
        found = lar(100, row.number("age_at_exposure"), row.text("sex"), row.text("endpoint"))
        assert found.value.value == pytest.approx(row.number("lar") / 1e5)
        assert found.recalled == (row.id,)


def test_a_published_case() -> None:
    """BEIR VII Table 12D-1, women of 30: 1065 in 100 000 at 0.1 Gy, so 1 in 939 for 10 mGy."""
    assert lar(10).value.value == pytest.approx(1065e-6)
    assert lar(10).others["one_in"].value == pytest.approx(938.97, abs=0.01)


def test_between_ages() -> None:
    """Midway between 30 (1065) and 40 (886)."""
    found = lar(100, 35)
    assert found.value.value == pytest.approx(975.5e-5)
    assert len(found.sources) == 2


@given(st.floats(0, 79), st.floats(0.1, 1), st.sampled_from("FM"),
       st.sampled_from(["incidence", "mortality"]))  # fmt: skip
def test_risk_falls_with_age(age: float, more: float, sex: str, endpoint: str) -> None:
    assert lar(10, age + more, sex, endpoint).value.value < lar(10, age, sex, endpoint).value.value


@given(st.floats(0, 80), st.sampled_from("FM"))
def test_fewer_die_than_fall_ill(age: float, sex: str) -> None:
    assert lar(10, age, sex, "mortality").value.value < lar(10, age, sex).value.value


@given(st.floats(0, 80))
def test_women_have_the_larger_risk(age: float) -> None:
    assert lar(10, age, "F").value.value > lar(10, age, "M").value.value


@given(st.floats(0.01, 10), st.floats(1.1, 10), st.integers(0, 80))
def test_proportional_and_free_of_units(dose: float, times: float, age: int) -> None:
    one = lar(dose, age).value.value
    assert lar(dose * times, age).value.value == pytest.approx(times * one)
    in_gray = lifetime_risk(quantity(dose / 1e3, "Gy"), sex="F", age=quantity(age, "y"))
    assert in_gray.value.value == pytest.approx(one)
    e = nominal_detriment(quantity(dose, "mSv")).value.value
    assert nominal_detriment(quantity(dose * 1e3, "uSv")).value.value == pytest.approx(e)
    assert nominal_detriment(quantity(dose * times, "mSv")).value.value == pytest.approx(times * e)


def test_the_budget_has_dose_and_age() -> None:
    found = lifetime_risk(quantity(10, "mGy", 1), sex="F", age=quantity(35, "y", 2))
    assert found.value.u == pytest.approx(math.hypot(975.5e-7, 2 * 17.9e-6), rel=1e-9)


GIVEN: dict[str, Any] = {"sex": "F", "age": 30, "endpoint": "incidence", "dose": 10}


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"age": 81}, "outside-domain"),
        ({"age": -1}, "outside-domain"),
        ({"dose": 101}, "outside-domain"),
        ({"dose": 0}, "not-above-zero"),
        ({"sex": "O"}, "unknown-sex"),
        ({"endpoint": "any"}, "unknown-endpoint"),
    ],
)
def test_what_the_table_does_not_state_is_refused(change: dict[str, Any], code: str) -> None:
    with pytest.raises(InputError) as refusal:
        lar(**{**GIVEN, **change})
    assert refusal.value.code == code


def test_an_effective_dose_has_no_risk_by_sex_and_age() -> None:
    with pytest.raises(InputError) as refusal:
        lifetime_risk(quantity(10, "mSv"), sex="F", age=quantity(30, "y"))
    assert refusal.value.code == "effective-dose"


@pytest.mark.parametrize(
    ("change", "code"),
    [({"population": "children"}, "unknown-population"), ({"kind": "fatal"}, "unknown-kind"),
     ({"dose": quantity(1, "mGy")}, "wrong-unit"),
     ({"dose": quantity(0, "mSv")}, "not-above-zero")],
)  # fmt: skip
def test_no_nominal_risk_of_what_it_is_not_for(change: dict[str, Any], code: str) -> None:
    dose = change.pop("dose", quantity(1, "mSv"))
    with pytest.raises(InputError) as refusal:
        nominal_detriment(dose, **change)
    assert refusal.value.code == code
