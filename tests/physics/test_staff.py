"""Effective dose from badges: the named algorithms, and what is refused."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kerma.core import InputError, quantity
from kerma.physics.calculation import Calculation
from kerma.physics.staff import algorithms, effective_dose

WEBSTER = "Webster 1989 (used by US regulators)"
MSV = st.floats(0.01, 20)


def e(algorithm: str, under: float | None, over: float | None, shield: bool = True) -> Calculation:
    made = (None if x is None else quantity(x, "mSv") for x in (under, over))
    hu, ho = made
    return effective_dose(algorithm=algorithm, under=hu, over=ho, thyroid_shield=shield)


@pytest.mark.parametrize(
    ("algorithm", "shield", "expected"),
    [
        (WEBSTER, True, 1.5 * 0.2 + 0.04 * 5),
        (WEBSTER, False, 1.5 * 0.2 + 0.04 * 5),
        ("Rosenstein-Webster 1994 / NCRP 122", True, 0.5 * 0.2 + 0.025 * 5),
        ("von Boetticher 2010 (ICRP 103)", True, 0.79 * 0.2 + 0.051 * 5),
        ("von Boetticher 2010 (ICRP 103)", False, 0.84 * 0.2 + 0.1 * 5),
        ("Swiss ordinance", True, 0.2 + 0.05 * 5),
        ("Swiss ordinance", False, 0.2 + 0.1 * 5),
        # The form the row prints, E = Hu + 0.02 (Ho - Hu), and 0.06 without a shield.
        ("Niklason 1994", True, 0.2 + 0.02 * (5 - 0.2)),
        ("Niklason 1994", False, 0.2 + 0.06 * (5 - 0.2)),
        ("Martin-Magee 2013", True, 0.2 + 0.05 * 5),
        ("Martin-Magee 2013", False, 0.2 + 0.1 * 5),
    ],
)
def test_two_badges(algorithm: str, shield: bool, expected: float) -> None:
    """dosimetry.md, Staff: the coefficients by algorithm (only Webster's seen)."""
    found = e(algorithm, 0.2, 5.0, shield)
    assert found.value.value == pytest.approx(expected)
    assert bool(found.recalled) == (algorithm != WEBSTER)
    assert algorithm in found.text()


@pytest.mark.parametrize(
    ("algorithm", "factor"),
    [("US single collar badge weighting", 0.3), ("NCRP 122 single", 1 / 21),
     ("ICRP 139 collar only", 0.1)],
)  # fmt: skip
def test_one_badge(algorithm: str, factor: float) -> None:
    """Januzis 2014: collar × 0.3 (seen); NCRP 122: E = Hn / 21, in the row to three figures."""
    assert e(algorithm, None, 3.0).value.value == pytest.approx(3 * factor, rel=1e-3)


@given(MSV, MSV, st.floats(0.001, 5), st.booleans())
def test_more_on_a_badge_never_gives_less(
    under: float, over: float, more: float, shield: bool
) -> None:
    for name, held in algorithms().items():
        if held[0].text("dosemeters") != "double" or len(held) == 1:
            continue
        start = e(name, under, over, shield).value.value
        assert e(name, under + more, over, shield).value.value > start
        assert e(name, under, over + more, shield).value.value > start


@given(MSV, MSV, st.floats(0.1, 10))
def test_linear_and_free_of_units(under: float, over: float, times: float) -> None:
    one = e(WEBSTER, under, over).value.value
    assert e(WEBSTER, times * under, times * over).value.value == pytest.approx(times * one)
    micro = effective_dose(algorithm=WEBSTER, under=quantity(under * 1e3, "uSv"),
                           over=quantity(over * 1e-3, "Sv"), thyroid_shield=True)  # fmt: skip
    assert micro.value.value == pytest.approx(one)


def test_the_budget_has_both_readings() -> None:
    found = effective_dose(algorithm=WEBSTER, under=quantity(0.2, "mSv", 0.02),
                           over=quantity(5, "mSv", 0.5), thyroid_shield=True)  # fmt: skip
    assert found.value.u == pytest.approx(((1.5 * 0.02) ** 2 + (0.04 * 0.5) ** 2) ** 0.5)


@pytest.mark.parametrize(
    ("given_", "code"),
    [
        (("mine", 0.2, 5.0, True), "unknown-algorithm"),
        (
            ("Januzis 2014 measured single badge, 80/100/120 kVp", None, 5.0, True),
            "unknown-algorithm",
        ),
        (("McEwan 2000", 0.2, 5.0, False), "no-coefficient"),
        (("Sherbini-DeCicco 2002", 0.2, 5.0, True), "no-coefficient"),
        ((WEBSTER, None, 5.0, True), "other-badges"),
        ((WEBSTER, 0.2, None, True), "other-badges"),
        (("NCRP 122 single", 0.2, 5.0, True), "other-badges"),
        ((WEBSTER, -0.1, 5.0, True), "below-zero"),
    ],
)
def test_what_cannot_be_estimated_is_refused(given_: Any, code: str) -> None:
    with pytest.raises(InputError) as refusal:
        e(*given_)
    assert refusal.value.code == code


def test_an_absorbed_dose_is_no_reading() -> None:
    with pytest.raises(InputError) as refusal:
        effective_dose(algorithm="NCRP 122 single", over=quantity(1, "mGy"), thyroid_shield=True)
    assert refusal.value.code == "wrong-unit"


def test_doubtful_readings_are_said() -> None:
    assert any("swapped" in x for x in e(WEBSTER, 5.0, 0.2).limits)
    assert any("reporting level" in x for x in e(WEBSTER, 0.0, 0.2).limits)
    assert not any("swapped" in x or "reporting" in x for x in e(WEBSTER, 0.2, 5.0).limits)
    assert any("does not say" in x for x in e("ICRP 139 collar only", None, 1.0).assumptions)
