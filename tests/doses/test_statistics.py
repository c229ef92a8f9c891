"""Exact order-statistic intervals: the published ranks, true coverage, and samples too small."""

from __future__ import annotations

import time
from fractions import Fraction
from math import comb

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kerma import reference
from kerma.core import InputError
from kerma.doses.statistics import interval_ranks, placed, quantile


@pytest.mark.parametrize("row", reference.rows("quantile-ci"), ids=lambda r: r.id)
def test_the_ranks_are_those_of_the_reference_table(row: reference.Row) -> None:
    """quantile_ci_order_stats.csv: exact binomial, tails of 2.5 % at most."""
    upper = row.text("upper_order_stat")
    wanted = (int(row.number("lower_order_stat")), None if upper == "none" else int(upper))
    assert interval_ranks(int(row.number("n")), row.number("quantile")) == wanted


@pytest.mark.parametrize("p", [Fraction(1, 20), Fraction(1, 2), Fraction(3, 4), Fraction(19, 20)])
def test_the_ranks_are_those_of_exact_arithmetic(p: Fraction) -> None:
    tail = Fraction(1, 40)
    for n in (*range(1, 61), 150, 300):
        below, total = [], Fraction(0)
        for k in range(n + 1):
            total += comb(n, k) * p**k * (1 - p) ** (n - k)
            below.append(total)
        low = max((r for r in range(1, n + 1) if below[r - 1] <= tail), default=None)
        high = min((s for s in range(1, n + 1) if 1 - below[s - 1] <= tail), default=None)
        assert interval_ranks(n, float(p)) == (low, high)


def test_the_ranks_of_ten_million_values_take_no_time() -> None:
    """A page on so many has half a second; the ranks are those of the normal limit."""
    begun = time.process_time()
    low, high = interval_ranks(10_000_000, 0.5)
    assert time.process_time() - begun < 0.2
    half = 1.959963984540054 * (10_000_000 * 0.25) ** 0.5
    assert low == pytest.approx(5_000_000 - half, abs=1.5)
    assert high == pytest.approx(5_000_001 + half, abs=1.5)


@pytest.mark.parametrize(("p", "least"), [(0.5, 6), (0.75, 13)])
def test_the_least_sample_with_two_ends(p: float, least: int) -> None:
    """drl_statistics.yaml: 0.5^n <= 0.025 gives 6; 0.75^n <= 0.025 gives 13."""
    assert None not in interval_ranks(least, p)
    assert None in interval_ranks(least - 1, p)


@pytest.mark.parametrize(("p", "n"), [(0.5, 20), (0.5, 51), (0.75, 30), (0.95, 200)])
def test_the_interval_holds_the_true_quantile_at_least_as_often_as_it_says(
    p: float, n: int
) -> None:
    rng = np.random.default_rng(7)
    truth = float(np.exp(0.5 * _normal_quantile(p)))
    held = 0
    for _ in range(2000):
        found = quantile(list(np.exp(0.5 * rng.standard_normal(n))), p)
        assert found.low is not None
        assert found.high is not None
        held += found.low <= truth <= found.high
    assert held / 2000 >= 0.95 - 3 * (0.05 * 0.95 / 2000) ** 0.5
    assert held / 2000 < 0.995  # an interval that always holds it would be no interval


def _normal_quantile(p: float) -> float:
    return {0.5: 0.0, 0.75: 0.6744897501960817, 0.95: 1.6448536269514722}[p]


@given(
    st.lists(st.floats(0, 1e6), min_size=1, max_size=60),
    st.sampled_from([0.25, 0.5, 0.75, 0.95]),
)
def test_the_value_is_numpys_type_7_and_lies_in_its_interval(values: list[float], p: float) -> None:
    found = quantile(values, p)
    assert found.value == pytest.approx(float(np.quantile(values, p)), rel=1e-12, abs=1e-9)
    assert found.low is None or found.low <= found.value + 1e-9
    assert found.high is None or found.value <= found.high + 1e-9


def test_a_limit_inside_the_interval_is_not_separable() -> None:
    found = quantile([float(v) for v in range(1, 51)], 0.5)  # median 25.5, interval 18 to 33
    assert (found.low, found.high) == (18.0, 33.0)
    assert placed(17.9, found) == "above"
    assert placed(25.0, found) == "not separable"
    assert placed(33.0, found) == "below"


def test_a_small_sample_separates_nothing() -> None:
    found = quantile([900.0, 950.0, 990.0], 0.5)
    assert (found.low, found.high) == (None, None)
    assert placed(100.0, found) == "not separable"


@pytest.mark.parametrize(
    ("values", "p", "code"),
    [
        ([], 0.5, "no-values"),
        ([1.0, float("nan")], 0.5, "not-finite"),
        ([1.0], 1.0, "bad-quantile"),
    ],
)
def test_what_has_no_quantile_is_refused(values: list[float], p: float, code: str) -> None:
    with pytest.raises(InputError) as refusal:
        quantile(values, p)
    assert refusal.value.code == code
