"""CTDI: closed forms, a published comparison of three protocols, and what is refused."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kerma.core import InputError, Quantity, quantity
from kerma.physics.calculation import Calculation
from kerma.physics.ctdi import (
    ctdi100,
    display_deviation,
    dlp,
    dose_length,
    free_air,
    geometric_efficiency,
    volume,
    weighted,
)

READINGS = st.floats(0.1, 100)


def cm(value: float, u: float | None = None) -> Quantity:
    return quantity(value, "mGy.cm", u)


def w(
    centre: float = 20.0, edges: tuple[float, ...] = (40, 44, 36, 40), nt: float = 20,
    phantom: str = "body",
) -> Calculation:  # fmt: skip
    return weighted(cm(centre), [cm(x) for x in edges], quantity(nt, "mm"), phantom=phantom)


@pytest.mark.parametrize(
    ("ctdi_w", "pitch", "length", "vol", "product"),
    [(30, 1, 10, 30, 300), (30, 1.5, 15, 20, 300), (33, 2, 15, 16.5, 247.5)],
)
def test_three_protocols(
    ctdi_w: float, pitch: float, length: float, vol: float, product: float
) -> None:
    """ImPACT lecture “Use of CTDI in comparative dosimetry”, table of protocols A, B and C.

    It prints C as 17 mGy and 255 mGy cm: 33 / 2 rounded, and the product of the rounded value.
    """
    found = volume(quantity(ctdi_w, "mGy"), quantity(pitch, "1"), phantom="body")
    assert found.value.value == pytest.approx(vol)
    total = dlp(found.value, quantity(length, "cm"), phantom="body")
    assert total.value.value == pytest.approx(product)
    assert "body (32 cm)" in total.text()


def test_weighted_by_hand() -> None:
    """20 and mean 40 mGy cm over 2 cm: 10 and 20 mGy, so (10 + 2 × 20) / 3."""
    found = w()
    assert found.value.value == pytest.approx(50 / 3)
    assert found.others["centre"].value == pytest.approx(10)
    assert found.others["edge"].value == pytest.approx(20)
    assert found.others["edge_to_centre"].value == pytest.approx(2)
    assert w(40, (20, 20, 20, 20)).value.value == pytest.approx(40 / 3)  # not the same swapped


def test_ctdi100_of_a_meter_that_shows_the_mean() -> None:
    """3 mGy over 100 mm is 30 mGy cm; over 10 mm nominal, calibration 1.02: 30.6 mGy."""
    integral = dose_length(quantity(3, "mGy", 0.03), quantity(100, "mm"))
    found = ctdi100(integral.value, quantity(10, "mm"), calibration=quantity(1.02, "1", 0.02))
    assert found.value.value == pytest.approx(30.6)
    assert found.value.u == pytest.approx(30.6 * math.hypot(0.01, 0.02 / 1.02))
    assert [c.symbol for c in found.budget] == ["Nk", "R"]


def test_free_in_air_per_mas() -> None:
    """30 mGy cm over 2 cm is 15 mGy; at 100 mAs 0.15 mGy/mAs, and a CTDI100 in air is the 15."""
    found = free_air(cm(30, 0.3), quantity(20, "mm"), mas=quantity(100, "mAs", 2))
    assert found.value.value == pytest.approx(0.15)
    assert found.value.u == pytest.approx(0.15 * math.hypot(0.01, 0.02), rel=1e-3)
    assert found.others["ctdi_air"].value == ctdi100(cm(30), quantity(20, "mm")).value.value
    assert str(found.value.unit) == "mGy/mAs"


@given(READINGS)
def test_an_even_phantom_has_one_ctdi(reading: float) -> None:
    assert w(reading, (reading,) * 4).value.value == pytest.approx(
        ctdi100(cm(reading), quantity(20, "mm")).value.value
    )


@given(READINGS, st.lists(READINGS, min_size=4, max_size=4), st.permutations(range(4)))
def test_order_and_scale(centre: float, edges: list[float], order: list[int]) -> None:
    one = w(centre, tuple(edges)).value.value
    assert w(centre, tuple(edges[i] for i in order)).value.value == pytest.approx(one)
    assert w(3 * centre, tuple(3 * x for x in edges)).value.value == pytest.approx(3 * one)
    inner, outer = centre / 2, sum(edges) / 8
    assert min(inner, outer) * (1 - 1e-9) <= one <= max(inner, outer) * (1 + 1e-9)


@given(READINGS, st.floats(1, 40), st.floats(0.3, 3), st.floats(1, 100))
def test_units_change_nothing(reading: float, nt: float, pitch: float, length: float) -> None:
    one = ctdi100(cm(reading), quantity(nt, "mm")).value
    other = ctdi100(quantity(reading * 10, "uGy.m"), quantity(nt / 10, "cm")).value
    assert other.value == pytest.approx(one.value)
    vol = volume(one, quantity(pitch, "1"), phantom="head").value
    per_cent = volume(one, quantity(pitch * 100, "%"), phantom="head").value
    assert per_cent.value == pytest.approx(vol.value)
    assert dlp(vol, quantity(length * 10, "mm"), phantom="head").value.value == pytest.approx(
        one.value / pitch * length
    )


def test_the_budget_of_independent_edges() -> None:
    edges = [cm(40, 0.4)] * 4
    found = weighted(cm(20, 0.2), edges, quantity(20, "mm"), phantom="body")
    assert found.value.u == pytest.approx(math.hypot(0.2, 2 * 0.4 / 2) / 6)


def test_display_and_efficiency() -> None:
    found = display_deviation(quantity(22, "mGy"), quantity(20, "mGy", 1))
    assert found.value.value == pytest.approx(10)
    assert found.value.u == pytest.approx(5.5, rel=5e-3)
    assert display_deviation(quantity(18, "mGy"), quantity(20, "mGy")).value.value < 0
    assert geometric_efficiency(
        quantity(20, "mm"), quantity(2.5, "cm")
    ).value.value == pytest.approx(80)
    odd = geometric_efficiency(quantity(20, "mm"), quantity(19, "mm"))
    assert any("narrower" in x for x in odd.limits)


MM20, MGY = quantity(20, "mm"), quantity(10, "mGy")
REFUSED: list[tuple[Callable[[], Any], str]] = [
    (lambda: w(nt=40.1), "wide-beam"),
    (lambda: ctdi100(cm(10), quantity(160, "mm")), "wide-beam"),
    (lambda: free_air(cm(10), quantity(80, "mm"), mas=quantity(1, "mAs")), "wide-beam"),
    (lambda: free_air(cm(10), MM20, mas=quantity(0, "mAs")), "not-above-zero"),
    (lambda: w(edges=(40, 40, 40)), "four-edges"),
    (lambda: w(phantom=""), "no-phantom"),
    (lambda: volume(MGY, quantity(1, "1"), phantom="32"), "no-phantom"),
    (lambda: dlp(MGY, quantity(10, "cm"), phantom=""), "no-phantom"),
    (lambda: dose_length(MGY, quantity(300, "mm")), "other-chamber"),
    (lambda: ctdi100(MGY, MM20), "wrong-unit"),
    (lambda: ctdi100(cm(0), MM20), "not-above-zero"),
    (lambda: volume(MGY, quantity(0, "1"), phantom="body"), "not-above-zero"),
    (lambda: geometric_efficiency(MM20, quantity(0, "mm")), "not-above-zero"),
    (lambda: display_deviation(MGY, cm(10)), "wrong-unit"),
]


@pytest.mark.parametrize(("attempt", "code"), REFUSED)
def test_what_is_no_ctdi_is_refused(attempt: Callable[[], Any], code: str) -> None:
    with pytest.raises(InputError) as refusal:
        attempt()
    assert refusal.value.code == code


def test_forty_millimetres_are_not_wide() -> None:
    assert w(nt=40).value.value > 0
    assert ctdi100(cm(10), quantity(4, "cm")).value.value == pytest.approx(2.5)
