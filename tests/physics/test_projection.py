"""Projection dose: closed forms, the backscatter table, coefficients by set, refusals."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kerma.core import InputError, quantity
from kerma.physics.calculation import Calculation
from kerma.physics.projection import (
    backscatter_factor,
    coefficient_sets,
    effective_dose,
    entrance_surface_dose,
    entrance_surface_kerma,
    incident_air_kerma,
    incident_from_kap,
)
from kerma.reference import rows

POSITIVE = st.floats(0.1, 100)


def incident(
    y: float = 50, q: float = 20, d0: float = 100, d: float = 80
) -> Calculation:  # fmt: skip
    return incident_air_kerma(quantity(y, "uGy/mAs"), quantity(q, "mAs"),
                              output_distance=quantity(d0, "cm"),
                              distance=quantity(d, "cm"))  # fmt: skip


def entrance(
    kv: float = 80, hvl: float = 3.0, w: float = 20, h: float = 20, k: float = 1.0
) -> Calculation:  # fmt: skip
    return entrance_surface_kerma(quantity(k, "mGy"), kv=quantity(kv, "kV"),
                                  hvl=quantity(hvl, "mm Al"), width=quantity(w, "cm"),
                                  height=quantity(h, "cm"))  # fmt: skip


def from_kap(
    kap: float = 1000, w: float = 20, h: float = 25, df: float = 100, d: float = 100
) -> Calculation:  # fmt: skip
    return incident_from_kap(quantity(kap, "mGy.cm2"), width=quantity(w, "cm"),
                             height=quantity(h, "cm"), field_distance=quantity(df, "cm"),
                             distance=quantity(d, "cm"))  # fmt: skip


def test_incident_by_hand() -> None:
    """50 µGy/mAs at 1 m, 20 mAs, 0.8 m: 1 mGy / 0.64."""
    assert incident().value.value == pytest.approx(1.5625)


@given(POSITIVE, POSITIVE, POSITIVE, POSITIVE, st.floats(1.1, 5))
def test_inverse_square_and_linearity(
    y: float, q: float, d0: float, d: float, times: float
) -> None:
    one = incident(y, q, d0, d).value.value
    assert incident(y, times * q, d0, d).value.value == pytest.approx(times * one)
    assert incident(y, q, d0, times * d).value.value == pytest.approx(one / times**2)
    assert incident(y, q, times * d0, times * d).value.value == pytest.approx(one)


def test_the_budget_counts_distance_twice() -> None:
    found = incident_air_kerma(
        quantity(50, "uGy/mAs", 1.5), quantity(20, "mAs"), output_distance=quantity(1, "m"),
        distance=quantity(0.8, "m", 0.008),
    )  # fmt: skip
    assert found.value.u == pytest.approx(1.5625 * math.hypot(0.03, 0.02), rel=1e-3)
    assert [c.symbol for c in found.budget] == ["Y", "d"]


def test_kap_by_hand() -> None:
    """1000 mGy cm² over 20 × 25 cm: 2 mGy there, 8 mGy at half the distance."""
    assert from_kap().value.value == pytest.approx(2)
    assert from_kap(d=50).value.value == pytest.approx(8)


def test_kap_and_output_agree() -> None:
    """The product of kerma and area of one beam is the same at every distance."""
    k = incident(d=100).value.value
    for d in (60.0, 100.0, 180.0):
        assert from_kap(k * 500, d=d).value.value == pytest.approx(incident(d=d).value.value)


@pytest.mark.parametrize("name", ["Gy.cm2", "cGy.cm2", "uGy.cm2", "uGy.m2", "Gy.m2"])
def test_units_of_kap(name: str) -> None:
    """dosimetry.md: 1 Gy cm² = 100 cGy cm² = 1e6 µGy cm² = 100 µGy m² = 1e-4 Gy m²."""
    amount = {"Gy.cm2": 1, "cGy.cm2": 100, "uGy.cm2": 1e6, "uGy.m2": 100, "Gy.m2": 1e-4}[name]
    found = effective_dose(quantity(amount, name), set_name="RP 154", examination="Abdomen")
    assert found.value.value == pytest.approx(0.26)


def test_every_row_of_the_backscatter_table_is_met() -> None:
    """Benmakhlouf et al (rows of `bsf`, seen): 715 factors, each met."""
    worst = 0.0
    for row in rows("bsf"):
        side = row.number("field_side_cm")
        found = entrance(row.number("kV"), row.number("hvl_mmAl"), side, side)
        worst = max(worst, abs(found.value.value / row.number("backscatter_factor") - 1))
    assert worst < 1e-12


@given(st.floats(3.0, 6.0), st.floats(5, 24), st.floats(0.1, 1))
def test_a_larger_field_scatters_more(hvl: float, side: float, more: float) -> None:
    one = entrance(80, hvl, side, side).value.value
    assert entrance(80, hvl, side + more, side + more).value.value > one > 1


@given(st.floats(3.0, 6.0), st.floats(25, 34), st.floats(0.1, 1))
def test_the_spline_falls_by_little_in_the_widest_fields(
    hvl: float, side: float, more: float
) -> None:
    """From 25 to 35 cm soft beams rise by 0.2 %; the spline bulges by 0.13 % at most."""
    one = entrance(80, hvl, side, side).value.value
    assert entrance(80, hvl, side + more, side + more).value.value > one * (1 - 1.3e-3)


@pytest.mark.parametrize(("kv", "hvl"), [(60, 2.5), (80, 3.5), (100, 5), (120, 7), (140, 9)])
def test_the_published_polynomial_agrees(kv: float, hvl: float) -> None:
    """The fit of the same authors, eq. 8 (rows of `bsf-polynomial`, seen): worst 0.4 %."""
    for row in rows("bsf-polynomial"):
        side = row.number("field_side_cm")
        c = [row.number(f"c{i}") for i in range(9)]
        fit = sum((c[3 * j] + c[3 * j + 1] * kv + c[3 * j + 2] * kv**2) * hvl**j for j in range(3))
        assert entrance(kv, hvl, side, side).value.value == pytest.approx(fit, rel=4e-3)


def test_the_field_enters_by_its_area() -> None:
    assert entrance(w=10, h=40).value.value == pytest.approx(entrance(w=20, h=20).value.value)
    assert entrance(w=25, h=25).value.value != pytest.approx(entrance(w=20, h=20).value.value)
    assert entrance(k=3).value.value == pytest.approx(3 * entrance().value.value)


def test_a_published_cardiac_case() -> None:
    """Brambilla 2017 (abstract): 23.2 Gy cm² at 0.30 mSv/(Gy cm²), SD 0.04; median E 6.9 mSv."""
    found = effective_dose(quantity(23.2, "Gy.cm2"), set_name="Brambilla 2017",
                           examination="Coronary angiography")  # fmt: skip
    assert found.value.value == pytest.approx(6.9, rel=0.01)
    assert found.value.u == pytest.approx(23.2 * 0.04)
    assert found.recalled == ()
    pci = effective_dose(quantity(56.8, "Gy.cm2"), set_name="Brambilla 2017", examination="PCI")
    # Printed 20.0: a median of products is not the product of medians.
    assert pci.value.value == pytest.approx(20.0, rel=0.07)


def test_a_dental_coefficient_keeps_its_unit() -> None:
    """Mah 2021: 0.129 µSv/(mGy cm²) for small fields; 400 mGy cm² gives 51.6 µSv."""
    found = effective_dose(quantity(400, "mGy.cm2"), set_name="Mah 2021",
                           examination="Dental CBCT small FOV (<100 cm2)")  # fmt: skip
    assert found.value.to("uSv").value == pytest.approx(51.6)


def test_every_coefficient_can_be_asked_for() -> None:
    count = 0
    for name, held in coefficient_sets().items():
        for row in held:
            found = effective_dose(quantity(1, "Gy.cm2"), set_name=name,
                                   examination=row.text("examination"))  # fmt: skip
            unit = row.text("unit")
            assert found.value.value == pytest.approx(
                quantity(row.number("value"), unit).to("mSv/(Gy.cm2)").value
            )
            count += 1
    assert count == 32
    assert set(coefficient_sets()) == {"RP 154", "Brambilla 2017", "Vano", "Kim 2014", "Mah 2021"}


def kap_dose(**change: Any) -> Calculation:
    given_ = {"set_name": "RP 154", "examination": "Abdomen", **change}
    return effective_dose(quantity(1, "Gy.cm2"), **given_)


REFUSED: list[tuple[Callable[[], Any], str]] = [
    (lambda: kap_dose(set_name="mine"), "unknown-set"),
    (lambda: kap_dose(set_name="Looe 2008"), "unknown-set"),
    (lambda: kap_dose(examination="PCI"), "no-coefficient"),
    (lambda: kap_dose(population="5 y"), "no-coefficient"),
    (lambda: effective_dose(quantity(1, "mGy"), set_name="RP 154", examination="Abdomen"),
     "wrong-unit"),
    (lambda: entrance(kv=49), "outside-domain"),
    (lambda: entrance(kv=151), "outside-domain"),
    (lambda: entrance(hvl=1.0), "outside-domain"),
    (lambda: entrance(hvl=14.0), "outside-domain"),
    (lambda: entrance(w=4, h=4), "outside-domain"),
    (lambda: entrance(w=43, h=43), "outside-domain"),
    (lambda: entrance(k=0), "not-above-zero"),
    (lambda: incident(d=0), "not-above-zero"),
    (lambda: incident(q=-1), "not-above-zero"),
    (lambda: from_kap(w=0), "not-above-zero"),
]  # fmt: skip


@pytest.mark.parametrize(("attempt", "code"), REFUSED)
def test_what_is_not_known_is_refused(attempt: Callable[[], Any], code: str) -> None:
    with pytest.raises(InputError) as refusal:
        attempt()
    assert refusal.value.code == code


def test_records_come_back() -> None:
    for found in (incident(), from_kap(), entrance(), kap_dose()):
        assert Calculation.from_dict(found.as_dict()).sha256 == found.sha256


@pytest.mark.parametrize("index", [0, 200, 400, 714])
def test_backscatter_and_dose_to_water_at_rows_of_the_table(index: int) -> None:
    """Both factors of a row of ``bsf``, met at its beam and side."""
    held = rows("bsf")[index]
    side = quantity(held.number("field_side_cm"), "cm")
    kv, layer = quantity(held.number("kV"), "kV"), quantity(held.number("hvl_mmAl"), "mm Al")
    b, ratio = held.number("backscatter_factor"), held.number("mu_en_rho_ratio_water_air")
    alone = backscatter_factor(kv, layer, width=side, height=side)
    assert alone.value.value == pytest.approx(b, rel=1e-6)
    assert str(alone.value.unit) == "1"
    assert "Ka,i" not in alone.text()
    dose = entrance_surface_dose(quantity(2, "mGy", 0.02), kv=kv, hvl=layer, width=side,
                                 height=side)  # fmt: skip
    assert dose.value.value == pytest.approx(2 * b * ratio, rel=1e-4)
    assert dose.value.u == pytest.approx(0.01 * dose.value.value, rel=1e-6)
    kerma = entrance_surface_kerma(quantity(2, "mGy"), kv=kv, hvl=layer, width=side, height=side)
    assert dose.value.value > kerma.value.value
    with pytest.raises(InputError):
        backscatter_factor(kv, layer, width=quantity(60, "cm"), height=quantity(60, "cm"))
