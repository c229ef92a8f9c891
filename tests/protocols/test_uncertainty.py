"""Uncertainty: what readings share does not shrink with repeats and cancels in ratios."""

from __future__ import annotations

import math

import pytest

from kerma.core import Quantity, Verdict, quantity
from kerma.protocols import Inputs, Protocol
from tests.protocols.make import entry, only, small, values


def of(formula: str, unit: str, **readings: list[Quantity | None]) -> Quantity:
    protocol = _protocol(formula, unit)
    value = only(protocol, Inputs(readings=readings)).value
    assert value is not None
    return value


def _protocol(formula: str, unit: str) -> Protocol:
    test = entry(
        id="t", test_id=None, formula=formula, unit=unit, nominal=None, record_only="for the test"
    )
    return small(
        test,
        readings=[
            {"id": "k", "title": "k", "unit": "uGy", "repeats": 4, "instrument": "meter"},
            {"id": "other", "title": "other", "unit": "uGy", "instrument": "meter"},
            {"id": "kv", "title": "kv", "unit": "kV", "instrument": "meter"},
            {"id": "shown", "title": "shown", "unit": "uGy"},
        ],
    )


SAME = values("uGy", 100, 100, 100, 100, u=2)


def test_repeats_do_not_average_the_calibration_away() -> None:
    assert of("mean(k)", "uGy", k=SAME).u == pytest.approx(2)


def test_the_scatter_of_the_repeats_is_added_as_type_a() -> None:
    """u² = 2² + (s/√n)², s = 1.826 for 98, 99, 101, 102 (JCGM 100:2008, 4.2.3 and 5.1)."""
    v = [quantity(n, "uGy", 2.0) for n in (98, 99, 101, 102)]
    s = math.sqrt((4 + 1 + 1 + 4) / 3)
    assert of("mean(k)", "uGy", k=v).u == pytest.approx(math.hypot(2, s / 2))


def test_the_calibration_of_one_meter_cancels_in_a_ratio() -> None:
    other = [quantity(50, "uGy", 1.0)]  # the same 2 %
    value = of("ratio(other, first(k))", "%", k=SAME, other=other)
    assert value.value == pytest.approx(50)
    assert value.u is None  # cancelled: what remains was not evaluated, and that is not zero


def test_different_quantities_of_one_meter_do_not_cancel() -> None:
    """3 % of kV and 4 % of air kerma are 5 % of their ratio."""
    value = of(
        "other / kv", "uGy/kV", other=[quantity(100, "uGy", 4.0)], kv=[quantity(80, "kV", 2.4)]
    )
    assert value.u is not None
    assert value.u / value.value == pytest.approx(0.05)


def test_a_square_doubles_the_relative_uncertainty() -> None:
    value = of("kv ** 2 / kv", "kV", kv=[quantity(80, "kV", 0.8)])
    assert value.u == pytest.approx(0.8)
    value = of("sqrt(kv ** 4) / q(1, 'kV')", "kV", kv=[quantity(80, "kV", 0.8)])
    assert value.u == pytest.approx(128)


def test_spread_of_one_meter_keeps_its_value_and_states_no_uncertainty() -> None:
    v = [quantity(n, "uGy", 0.02 * n) for n in (98, 99, 101, 102)]
    value = of("max_deviation(k)", "%", k=v)
    assert value.value == pytest.approx(2)
    assert value.u is None


@pytest.mark.parametrize("missing", [None])
def test_one_reading_without_an_uncertainty_leaves_the_result_without(missing: None) -> None:
    mixed = [quantity(100, "uGy", 2.0)] * 3 + [quantity(100, "uGy", missing)]
    assert of("mean(k)", "uGy", k=mixed).u is None
    assert of("shown", "uGy", shown=[quantity(100, "uGy")]).u is None
    assert of("mean(k) + shown", "uGy", k=SAME, shown=[quantity(1, "uGy")]).u is None


def test_near_the_limit_is_known_from_the_uncertainty() -> None:
    protocol = small()
    readings = [quantity(83.9, "kV", 0.4)] * 3
    found = only(protocol, Inputs(readings={"kv_80": readings}))
    assert found.verdict is Verdict.PASS
    assert found.judgement.near_limit  # 84 kV lies within U = 0.8 kV
    assert "U = 0.8 kV (k = 2)" in found.explanation
    sure = [quantity(81, "kV", 0.4)] * 3
    assert not only(protocol, Inputs(readings={"kv_80": sure})).judgement.near_limit
