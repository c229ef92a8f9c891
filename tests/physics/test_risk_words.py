"""Risks in bands and words; organ doses by a named coefficient; the sum for a fetus."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kerma.core import KermaError, Quantity, quantity
from kerma.physics import fetal, organ
from kerma.physics.calculation import Calculation, Record
from kerma.physics.risk import lifetime_risk, nominal_detriment
from kerma.physics.risk_words import band, comparators, in_words, one_figure


def q(value: float, unit: str = "1", u: float | None = None) -> Quantity:
    return quantity(value, unit, u)


def chance(value: float) -> Calculation:
    made = Record("test", "1", "Test")
    made.given("Risk", "r", q(value), "1")
    return made.result(lambda v: v["r"], "1")


@pytest.mark.parametrize(
    ("risk", "word"),
    # NHS patient page, table of “X-rays: how safe are they?”; ends belong to the band above.
    [(9.9e-7, "negligible"), (1e-6, "minimal"), (9.9e-6, "minimal"), (1e-5, "very low"),
     (9.9e-5, "very low"), (1e-4, "low"), (9.9e-4, "low"), (1e-3, ""), (0.2, "")],
)  # fmt: skip
def test_bands(risk: float, word: str) -> None:
    found = band(risk)
    assert (found.text("band") if found else "") == word
    said = in_words(chance(risk)).working[0]
    assert (f"“{word}”" in said) if word else ("a person has to explain" in said)


def test_a_chest_ct_in_words() -> None:
    """5.6 mSv × 5.7 %/Sv = 3.2e-4, 1 in 3133: low; 2.4 years of 2.3 mSv (PHE-CRCE-026, 2010)."""
    made = in_words(nominal_detriment(q(5.6, "mSv")), effective_dose=q(5.6, "mSv"))
    assert made.working == (
        "A chance of about 1 in 3 000. The word for it is “low”.",
        "About as much as 2 years of natural background radiation (2.3 mSv a year, PHE-CRCE-026, "
        "UK-2010).",
    )
    assert made.value.value == 3000
    assert made.others["background_years"].value == pytest.approx(5.6 / 2.3)
    assert made.others["risk"].value == pytest.approx(3.192e-4)
    assert "research/background_comparators/uk-2010" in {s.row for s in made.sources}


def test_the_survey_is_named_with_its_year_and_what_it_counts() -> None:
    """2.6 mSv (UK-2025) is from all sources, medical ones too, and is called so."""
    risk = nominal_detriment(q(0.02, "mSv"))
    said = in_words(risk, effective_dose=q(0.02, "mSv"), comparator="UK-2025").working[1]
    assert "3 days of the average dose from all sources (2.6 mSv a year" in said
    assert "UK-2025" in said
    assert "less than a day" in in_words(risk, effective_dose=q(1, "uSv")).working[1]
    assert "6 months" in in_words(risk, effective_dose=q(1.2, "mSv")).working[1]
    assert set(comparators()) == {"UK-2025", "UK-2010", "UK-2003"}


def test_words_for_age_and_sex_keep_the_recalled_rows() -> None:
    made = in_words(lifetime_risk(q(10, "mGy"), sex="F", age=q(5, "y")))
    assert made.recalled
    assert len(made.working) == 1


@given(st.floats(1e-9, 0.9))
def test_one_figure_is_never_off_by_more_than_half(value: float) -> None:
    assert one_figure(value) == pytest.approx(value, rel=0.34)
    assert len(f"{one_figure(value):.12e}".split("e")[0].rstrip("0").rstrip(".")) <= 1


def test_an_organ_dose_is_the_users_coefficient_times_the_reading() -> None:
    made = organ.dose(q(2, "Gy.cm2", 0.1), q(1.5, "mGy/(Gy.cm2)", 0.3), organ="uterus",
                      document="report, table 4", conditions="abdomen AP, 75 kV")  # fmt: skip
    assert made.value.value == pytest.approx(3.0)
    assert made.value.u == pytest.approx(3 * (0.05**2 + 0.2**2) ** 0.5)
    other = organ.dose(q(200, "uGy.m2"), q(1.5e-3, "Gy/(Gy.cm2)"), organ="uterus",
                       document="d", conditions="c")  # fmt: skip
    assert other.value.value == pytest.approx(3.0)
    assert any("not a row" in limit for limit in made.limits)
    risk = fetal.fatal_cancer_risk(made.value)
    assert risk.value.value == pytest.approx(3 / 33000)


def test_childhood_cancer_beside_its_natural_risk() -> None:
    """1 in 13 000 per mGy and 1 in 500 (fetal, both recalled): 26 mGy doubles it."""
    made = fetal.cancer_risk(q(26, "mGy"))
    assert made.value.value == pytest.approx(1 / 500)
    assert made.others["of_natural"].value == pytest.approx(100.0)
    assert len(made.recalled) == 2


WORDS: dict[str, Any] = {"organ": "lung", "document": "d", "conditions": "c"}
REFUSED: list[tuple[Callable[[], object], str]] = [
    (lambda: in_words(chance(1.0)), "no-risk"),
    (lambda: in_words(chance(2.0)), "no-risk"),
    (lambda: in_words(chance(1e-4), effective_dose=q(1, "mSv"), comparator="Mars"),
     "unknown-comparator"),
    (lambda: in_words(chance(1e-4), effective_dose=q(1, "mGy")), "wrong-unit"),
    (lambda: in_words(chance(1e-4), effective_dose=q(0, "mSv")), "not-above-zero"),
    (lambda: organ.dose(q(1, "Gy.cm2"), **WORDS), "no-organ-coefficients"),
    (lambda: organ.dose(q(1, "Gy.cm2"), q(1, "mGy/mGy"), **WORDS), "other-kind"),
    (lambda: organ.dose(q(1, "mGy"), q(1, "mSv/mGy"), **WORDS), "other-kind"),
    (lambda: organ.dose(q(1, "mGy"), q(1, "mGy/mGy"), **WORDS | {"document": ""}), "no-document"),
    (lambda: organ.dose(q(0, "mGy"), q(1, "mGy/mGy"), **WORDS), "not-above-zero"),
    (lambda: fetal.cancer_risk(q(0, "mGy")), "not-above-zero"),
]  # fmt: skip


@pytest.mark.parametrize(("attempt", "code"), REFUSED)
def test_refused(attempt: Callable[[], object], code: str) -> None:
    with pytest.raises(KermaError) as refusal:
        attempt()
    assert refusal.value.code == code
