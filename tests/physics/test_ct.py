"""CT dose: published SSDE factors, coefficients by named set, never over two phantoms."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kerma.core import InputError, quantity
from kerma.physics.ct import coefficient_sets, effective_dose, phantom_of, ssde


@pytest.mark.parametrize(
    ("diameter", "phantom", "region", "factor"),
    [(30, "body", "body", 1.2311), (20, "body", "body", 1.7774), (20, "head", "body", 0.8644),
     (20, "head", "head", 0.7511)],
)  # fmt: skip
def test_size_factors(diameter: float, phantom: str, region: str, factor: float) -> None:
    """dosimetry.md, SSDE test values: f32(30), f32(20), f16(20), f16H(20)."""
    found = ssde(quantity(1, "mGy"), quantity(diameter, "cm"), phantom=phantom, region=region)
    assert found.value.value == pytest.approx(factor, abs=5e-5)


@given(st.floats(8, 44), st.floats(0.1, 0.9))
def test_a_larger_patient_gets_a_smaller_dose(diameter: float, more: float) -> None:
    one, two = (ssde(quantity(10, "mGy"), quantity(d, "cm"), phantom="body").value.value
                for d in (diameter, diameter + more))  # fmt: skip
    assert two < one


def test_effective_dose_of_a_chest() -> None:
    """AAPM Report 96: adult chest k = 0.014 mSv/(mGy cm); 400 mGy cm gives 5.6 mSv."""
    found = effective_dose(quantity(400, "mGy.cm", 20), set_name="AAPM96_EUR16262",
                           region="chest", phantom="body")  # fmt: skip
    assert found.value.value == pytest.approx(5.6)
    assert found.value.u == pytest.approx(0.28)
    assert "AAPM96_EUR16262" in found.text()


@pytest.mark.parametrize(
    ("name", "k"), [("AAPM96_EUR16262", 0.014), ("Deak2010", 0.0145), ("Korea_NCICT", 0.0253)]
)
def test_the_set_matters_and_is_part_of_the_result(name: str, k: float) -> None:
    """dosimetry.md: adult chest k by set."""
    row = next(
        r for r in coefficient_sets()[name]
        if (r.text("region"), r.text("age_y"), r.text("habitus")) == ("chest", "adult", "")
        and r.text("kV") in ("", "120", "survey mix")
    )  # fmt: skip
    found = effective_dose(
        quantity(1000, "mGy.cm"), set_name=name, region="chest", phantom="body",
        kv=row.text("kV"), weighting=row.text("weighting"),
    )  # fmt: skip
    assert found.value.value == pytest.approx(1000 * k, rel=1e-3)


CHEST: dict[str, Any] = {"set_name": "AAPM96_EUR16262", "region": "chest", "phantom": "body"}


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"phantom": ""}, "no-phantom"),
        ({"phantom": "head"}, "other-phantom"),
        ({"set_name": "mine"}, "unknown-set"),
        ({"region": "knee"}, "no-coefficient"),
        ({"age": "3"}, "no-coefficient"),
        ({"kv": "95"}, "no-coefficient"),
        ({"age": "5"}, "other-phantom"),
    ],
)
def test_what_the_set_does_not_hold_is_refused(change: dict[str, Any], code: str) -> None:
    with pytest.raises(InputError) as refusal:
        effective_dose(quantity(400, "mGy.cm"), **{**CHEST, **change})
    assert refusal.value.code == code


@pytest.mark.parametrize(
    ("given", "code"),
    [
        ((quantity(10, "mGy"), quantity(7, "cm"), {"phantom": "body"}), "outside-domain"),
        ((quantity(10, "mGy"), quantity(46, "cm"), {"phantom": "body"}), "outside-domain"),
        ((quantity(10, "mGy"), quantity(30, "cm"), {"phantom": ""}), "no-phantom"),
        ((quantity(10, "mGy"), quantity(20, "cm"), {"phantom": "body", "region": "head"}),
         "no-size-factor"),
        ((quantity(10, "mGy.cm"), quantity(30, "cm"), {"phantom": "body"}), "wrong-unit"),
        ((quantity(0, "mGy"), quantity(30, "cm"), {"phantom": "body"}), "not-above-zero"),
    ],
)  # fmt: skip
def test_what_has_no_size_specific_dose_is_refused(given: Any, code: str) -> None:
    ctdivol, diameter, more = given
    with pytest.raises(InputError) as refusal:
        ssde(ctdivol, diameter, **more)
    assert refusal.value.code == code


def test_every_coefficient_of_every_set_can_be_asked_for() -> None:
    count = 0
    for name, rows in coefficient_sets().items():
        for row in rows:
            if row.text("habitus") or not row.text("k_mSv_per_mGy_cm"):
                continue
            if row.text("region") == "cervical spine":  # refused: its phantom is not known
                continue
            region, age = row.text("region"), row.text("age_y")
            if name == "Korea_NCICT" and region in ("neck", "intracranial angiography"):
                with pytest.raises(InputError, match="either phantom"):
                    effective_dose(quantity(100, "mGy.cm"), set_name=name, region=region, age=age,
                                   phantom="head", weighting=row.text("weighting"),
                                   kv=row.text("kV"))  # fmt: skip
                continue
            found = effective_dose(
                quantity(100, "mGy.cm"), set_name=name, region=region, age=age,
                phantom=phantom_of(region, age), weighting=row.text("weighting"),
                kv=row.text("kV"),
            )  # fmt: skip
            assert found.value.value == pytest.approx(100 * row.number("k_mSv_per_mGy_cm"))
            count += 1
    assert count > 100


def test_adults_are_adults_in_the_words_of_every_set() -> None:
    """A 32 cm DLP taken for a 16 cm one doubles the dose: no adult body belongs to 16 cm."""
    for rows in coefficient_sets().values():
        for row in rows:
            age, region = row.text("age_y"), row.text("region")
            if "adult" in age and region not in ("cervical spine",):
                head = any(w in region for w in ("head", "brain", "neck", "intracranial"))
                assert phantom_of(region, age) == ("head" if head else "body"), (region, age)
    with pytest.raises(InputError, match="either phantom"):
        phantom_of("cervical spine", "adult")
