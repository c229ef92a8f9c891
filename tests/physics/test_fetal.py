"""Typical fetal doses as the table states them; bounds stay bounds; risk is linear."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kerma.core import InputError, quantity
from kerma.physics.calculation import Calculation
from kerma.physics.fetal import examinations, fatal_cancer_risk, typical


@pytest.mark.parametrize(
    ("examination", "mgy"),
    # NRPB/CoR/RCR advice of 1998 as read in data set “fetal”.
    [("Lumbar spine", 1.7), ("Pelvis AP", 1.1), ("CT abdomen", 8.0), ("CT chest", 0.06)],
)
def test_the_value_is_the_tables(examination: str, mgy: float) -> None:
    made = typical(examination)
    assert made.value.value == mgy
    assert str(made.value.unit) == "mGy"
    assert made.sources[0].row == examinations()[examination].id


def test_a_bound_is_said_to_be_one_and_a_recalled_row_shows() -> None:
    made = typical("Chest PA")
    assert made.value.value == 0.01
    assert any("less than" in a for a in made.assumptions)
    assert typical("CT pelvis").recalled
    assert not made.recalled


def test_every_row_of_the_table_can_be_used() -> None:
    assert len(examinations()) >= 10
    for name in examinations():
        made = typical(name)
        assert 0 < made.value.value <= 50
        assert made.limits
        assert Calculation.from_dict(made.as_dict()) == made


def test_what_the_table_does_not_have_is_refused() -> None:
    with pytest.raises(InputError, match="no typical fetal dose"):
        typical("PET-CT whole body")


def test_risk_at_33_mgy_is_one_in_a_thousand() -> None:
    assert fatal_cancer_risk(quantity(33, "mGy")).value.value == pytest.approx(1e-3, rel=1e-12)
    assert fatal_cancer_risk(quantity(0.033, "Gy")).value.value == pytest.approx(1e-3, rel=1e-12)


@given(st.floats(1e-3, 1e3), st.floats(1.1, 10.0))
def test_risk_is_linear(dose: float, factor: float) -> None:
    one = fatal_cancer_risk(quantity(dose, "mGy")).value.value
    more = fatal_cancer_risk(quantity(dose * factor, "mGy")).value.value
    assert more == pytest.approx(factor * one, rel=1e-9)


def test_no_dose_and_a_wrong_unit_are_refused() -> None:
    for wrong in (quantity(0, "mGy"), quantity(-1, "mGy"), quantity(5, "mm")):
        with pytest.raises(InputError):
            fatal_cancer_risk(wrong)
