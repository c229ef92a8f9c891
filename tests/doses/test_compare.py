"""Two samples beside each other: the true ratio is found, and no change is not called one."""

from __future__ import annotations

import numpy as np
import pytest

from kerma.core import InputError
from kerma.doses.compare import compare


def doses(seed: int, n: int, factor: float = 1.0) -> list[float]:
    return list(factor * np.random.default_rng(seed).lognormal(6.0, 0.4, n))


def test_a_reduction_of_a_fifth_is_found_with_its_interval() -> None:
    found = compare(doses(1, 400), doses(2, 400, 0.8))
    assert found.low < 0.8 < found.high
    assert found.changed
    assert found.probability < 1e-6
    assert found.smaller > 0.6


def test_the_interval_holds_the_true_ratio_as_often_as_it_says() -> None:
    held = sum(c.low <= 0.9 <= c.high for c in
               (compare(doses(s, 60), doses(1000 + s, 60, 0.9)) for s in range(60)))  # fmt: skip
    assert held >= 52  # 57 expected; P(< 52) is 1 %


def test_no_change_is_called_one_seldom() -> None:
    called = sum(compare(doses(s, 50), doses(500 + s, 50)).probability < 0.05 for s in range(200))
    assert 2 <= called <= 20  # 10 expected


def test_ranks_agree_with_a_worked_case() -> None:
    """All of the second below all of the first: U = n m, probability of a smaller one is 1."""
    found = compare([float(v) for v in range(101, 113)], [float(v) for v in range(1, 13)])
    assert found.smaller == 1.0
    assert found.probability < 1e-4


def test_turned_round_the_ratio_inverts() -> None:
    one = compare(doses(1, 80), doses(2, 80, 0.7))
    two = compare(doses(2, 80, 0.7), doses(1, 80))
    assert one.ratio == pytest.approx(1.0 / two.ratio)
    assert one.probability == pytest.approx(two.probability)


def test_too_few_or_zero_is_refused() -> None:
    for first, second, code in (
        ([1.0] * 9, [1.0] * 50, "too-few"),
        ([0.0] * 20, [1.0] * 20, "zero-median"),
        ([float("nan")] * 20, [1.0] * 20, "not-finite"),
    ):
        with pytest.raises(InputError) as refusal:
            compare(first, second)
        assert refusal.value.code == code
