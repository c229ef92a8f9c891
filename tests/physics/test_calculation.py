"""The record of a calculation: its budget is that of its equation, and it says what it rests on."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kerma import reference
from kerma.core import InputError, quantity
from kerma.physics.calculation import Calculation, Record, changed_by, rows_changed

ROW = "ssde/aapm-204/f32"


def product(a: float, ua: float, b: float, ub: float) -> Calculation:
    made = Record("product", "1", "Product")
    made.given("A", "a", quantity(a, "mGy", ua), "mGy")
    made.given("B", "b", quantity(b, "cm", ub), "cm")
    return made.result(lambda v: v["a"] * v["b"], "mGy.cm")


@given(
    st.floats(0.1, 1e4), st.just(0.0) | st.floats(1e-6, 0.2),
    st.floats(0.1, 1e3), st.just(0.0) | st.floats(1e-6, 0.2),
)  # fmt: skip
def test_the_uncertainty_of_a_product_is_the_closed_form(
    a: float, ra: float, b: float, rb: float
) -> None:
    """JCGM 100:2008, 5.1.6: relative uncertainties add as squares."""
    made = product(a, a * ra, b, b * rb)
    wanted = a * b * math.hypot(ra, rb)
    assert (made.value.u or 0.0) == pytest.approx(wanted, rel=1e-6, abs=1e-12)
    if wanted:
        assert sum(c.share for c in made.budget) == pytest.approx(1.0)


@given(st.floats(0.1, 100), st.floats(0.001, 0.05))
def test_units_never_change_the_answer(a: float, relative: float) -> None:
    def doubled(value: float, unit: str) -> Calculation:
        made = Record("double", "1", "Double")
        made.given("A", "a", quantity(value, unit, value * relative), "mGy")
        return made.result(lambda v: 2 * v["a"], "mGy")

    one, two = doubled(a, "mGy"), doubled(a / 1000, "Gy")
    assert two.value.value == pytest.approx(one.value.value, rel=1e-12)
    assert two.value.u == pytest.approx(one.value.u, rel=1e-12)


def test_the_largest_contribution_comes_first() -> None:
    made = product(10, 0.1, 10, 1)
    assert [c.symbol for c in made.budget] == ["b", "a"]


def test_no_stated_uncertainty_is_no_uncertainty_of_zero() -> None:
    assert product(1, 0, 1, 0).value.u is None


def with_row() -> Calculation:
    made = Record("x", "1", "X")
    made.given("C", "C", quantity(10, "mGy", 1), "mGy")
    made.coefficient("a", "a", ROW, "a", "1")
    made.work("a C")
    made.assume("Steady.", "Steady.")
    return made.result(lambda v: v["a"] * v["C"], "mGy")


def test_it_goes_through_plain_data_and_back() -> None:
    made = with_row()
    again = Calculation.from_dict(made.as_dict())
    assert again == made
    assert again.sha256 == made.sha256
    assert made.assumptions == ("Steady.",)


def test_made_again_it_has_the_same_bits() -> None:
    assert with_row().sha256 == with_row().sha256
    assert changed_by(with_row(), with_row()) is None


def test_the_rows_it_rests_on_are_named_with_their_state() -> None:
    (source,) = with_row().sources
    assert source.row == ROW
    assert source.confidence == "seen"
    assert source.sha256 == reference.row(ROW).sha256


def test_a_changed_row_is_found() -> None:
    data = with_row().as_dict()
    assert rows_changed(Calculation.from_dict(data)) == []
    data["sources"][0]["sha256"] = "0" * 64
    assert rows_changed(Calculation.from_dict(data)) == [ROW]


def test_the_text_can_be_checked_by_hand() -> None:
    text = with_row().text()
    assert "C: 10.0 mGy" in text
    assert f"[{ROW}]" in text
    assert "U = " in text


@pytest.mark.parametrize(
    ("value", "code"),
    [(quantity(0, "mGy"), "not-above-zero"), (quantity(-1, "mGy"), "not-above-zero"),
     (quantity(1, "Gy.cm2"), "wrong-unit")],
)  # fmt: skip
def test_an_input_that_cannot_be_meant_is_refused(value: object, code: str) -> None:
    with pytest.raises(InputError) as refusal:
        Record("x", "1", "X").given("A", "a", value, "mGy")  # type: ignore[arg-type]
    assert refusal.value.code == code


def test_inputs_beyond_all_numbers_are_refused_in_words() -> None:
    for huge in (
        lambda v: v["a"] ** 2,
        lambda v: 1 / (v["a"] - 1e308),
        lambda v: math.log(-v["a"]),
    ):
        made = Record("huge", "1", "Huge")
        made.given("A", "a", quantity(1e308, "mGy"), "mGy")
        with pytest.raises(InputError, match="far too large") as refusal:
            made.result(huge, "mGy")
        assert refusal.value.code == "not-finite"


def test_an_uncertainty_that_breaks_the_equation_is_refused() -> None:
    made = Record("root", "1", "Root")
    made.given("A", "a", quantity(1, "mGy", 2), "mGy")
    with pytest.raises(InputError, match="too large"):
        made.result(lambda v: math.sqrt(v["a"]), "mGy")
