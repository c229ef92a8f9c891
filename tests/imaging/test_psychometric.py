"""Psychometric curves: threshold, slope, their uncertainty, and what must not be answered."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import integrate, stats

from kerma.core import InputError
from kerma.imaging.tools import psychometric as psy

CONTRASTS = 0.01 * 1.3 ** np.arange(11)
TRUTH = 0.035


def counts(rng: np.random.Generator, trials: int, slope: float = 3.0, floor: float = 0.25):
    p = psy.probability(np.log(CONTRASTS), math.log(TRUTH), slope, floor)
    return rng.binomial(trials, p)


def fit(right, trials: int, **more):
    return psy.fit(CONTRASTS, right, [trials] * len(CONTRASTS), **more)


def test_the_curve_is_half_way_between_guessing_and_certainty_at_the_threshold() -> None:
    assert psy.probability(math.log(TRUTH), math.log(TRUTH), 3.0) == pytest.approx(0.625)
    assert psy.probability(math.log(TRUTH), math.log(TRUTH), 3.0, 0.0) == pytest.approx(0.5)
    assert psy.probability(-50.0, 0.0, 3.0) == pytest.approx(0.25)


def test_the_ideal_rate_is_the_integral() -> None:
    """Case 20: P = integral of phi(x - d') Phi(x)^3, here by another quadrature."""
    for d in (0.0, 0.7, 2.0, 4.5):
        exact, _ = integrate.quad(
            lambda x, d=d: stats.norm.pdf(x - d) * stats.norm.cdf(x) ** 3, -9, 14
        )
        assert float(psy.ideal_rate(d)) == pytest.approx(exact, abs=1e-9)
    assert float(psy.ideal_rate(0.0)) == pytest.approx(0.25, abs=1e-12)
    assert float(psy.ideal_rate(1.0, positions=2)) == pytest.approx(stats.norm.cdf(1 / 2**0.5))


@given(st.floats(0.0, 5.0))
def test_the_ideal_rate_is_turned_back_into_d_prime(d: float) -> None:
    assert psy.ideal_d_prime(float(psy.ideal_rate(d))) == pytest.approx(d, abs=1e-6)


def test_certainty_has_no_d_prime() -> None:
    assert psy.ideal_d_prime(1.0) is None


@pytest.mark.parametrize(("slope", "trials"), [(None, 64), (3.0, 16), (3.0, 64)])
def test_the_threshold_comes_back_without_bias_and_with_the_stated_uncertainty(
    slope: float | None, trials: int
) -> None:
    """Case 19: bias within 3 sd / sqrt(runs); coverage of the three uncertainties."""
    rng = np.random.default_rng(5)
    runs = 100
    logs, boot, info, inside, profile = [], [], [], [], []
    for _ in range(runs):
        found = fit(counts(rng, trials), trials, slope=slope, draws=100)
        assert found.threshold is not None
        off = math.log(found.threshold / TRUTH)
        logs.append(off)
        boot.append(off / found.u_log)
        info.append(off / found.u_log_information)
        low, high = found.interval
        inside.append((low or 0) <= TRUTH <= (high or 1))
        low, high = found.profile
        profile.append((low or 0) <= TRUTH <= (high or 1))
    assert abs(np.mean(logs)) < 3 * np.std(logs) / math.sqrt(runs)
    for z in (boot, info):
        assert 0.85 < np.std(z) < 1.2
    for covered in (inside, profile):
        assert 0.88 <= np.mean(covered) <= 1.0


def test_the_slope_comes_back() -> None:
    rng = np.random.default_rng(2)
    found = [fit(counts(rng, 400), 400, draws=60) for _ in range(20)]
    assert np.mean([f.slope for f in found]) == pytest.approx(3.0, rel=0.03)
    z = [(f.slope - 3.0) / f.u_slope for f in found]
    assert 0.6 < np.std(z) < 1.5


def test_a_floor_of_zero_where_the_truth_is_a_quarter_gives_a_wrong_threshold() -> None:
    """Negative control: the shortcut that readers are warned of."""
    p = psy.probability(np.log(CONTRASTS), math.log(TRUTH), 3.0)
    right = np.rint(10_000 * p)
    assert fit(right, 10_000, draws=20).threshold == pytest.approx(TRUTH, rel=0.005)
    wrong = fit(right, 10_000, floor=0.0, draws=20).threshold
    assert wrong is not None
    assert wrong < 0.85 * TRUTH


@pytest.mark.parametrize("slope", [None, 3.0])
def test_a_threshold_outside_the_contrasts_tried_is_not_extrapolated(slope: float | None) -> None:
    for threshold, word in ((0.002, "below"), (1.0, "above")):
        p = psy.probability(np.log(CONTRASTS), math.log(threshold), 3.0)
        found = fit(np.rint(1000 * p), 1000, slope=slope)
        assert found.threshold is None
        assert word in found.reason
        assert found.u is None


def test_all_right_and_all_guesses_have_no_threshold() -> None:
    assert "below" in fit([32] * 11, 32).reason
    assert "above" in fit([8] * 11, 32).reason
    with pytest.raises(InputError) as caught:
        fit([32] * 11, 32).rate(0.01)
    assert caught.value.code == "no-threshold"


def test_right_choices_that_do_not_rise_have_no_threshold() -> None:
    falling = np.rint(100 * psy.probability(-np.log(CONTRASTS), -math.log(TRUTH), 3.0))
    assert fit(falling, 100).threshold is None


def test_a_step_is_known_to_the_step_only() -> None:
    right = [0] * 5 + [64] * 6
    found = fit(right, 64, floor=0.0)
    assert found.slope_at_bound
    assert CONTRASTS[4] <= found.threshold <= CONTRASTS[5]
    gap = math.log(1.3)
    assert found.u_log >= gap / math.sqrt(12) * 0.99
    assert found.interval[0] <= CONTRASTS[4] * 1.0001
    assert found.interval[1] >= CONTRASTS[5] * 0.9999


def test_counts_that_do_not_follow_the_curve_are_told() -> None:
    zigzag = [10, 60, 12, 58, 15, 60, 14, 62, 20, 63, 30]
    assert fit(zigzag, 64).misfit < 0.01
    rng = np.random.default_rng(1)
    share = np.mean([fit(counts(rng, 64), 64, draws=100).misfit < 0.05 for _ in range(60)])
    assert share < 0.15


@pytest.mark.parametrize("trials", [1, 4, 16])
def test_one_slope_for_several_diameters(trials: int) -> None:
    rng = np.random.default_rng(3)
    found = []
    for _ in range(25):
        tables = []
        for threshold in np.geomspace(0.015, 0.1, 10):
            p = psy.probability(np.log(CONTRASTS), math.log(threshold), 3.0)
            tables.append((CONTRASTS, rng.binomial(trials, p), [trials] * 11))
        shared = psy.shared_slope(tables)
        if shared is not None:
            found.append(math.log(shared[0] / 3.0))
    assert len(found) >= 20
    assert abs(np.median(found)) < (0.5 if trials == 1 else 0.12)


def test_no_slope_without_failures() -> None:
    assert psy.shared_slope([(CONTRASTS, [4] * 11, [4] * 11)]) is None


def test_order_pooling_and_untried_contrasts_do_not_matter() -> None:
    right = counts(np.random.default_rng(9), 32)
    plain = fit(right, 32)
    order = np.random.default_rng(1).permutation(11)
    assert psy.fit(CONTRASTS[order], right[order], [32] * 11) == plain
    doubled = psy.fit([*CONTRASTS, 0.5], [*right, 0], [32] * 11 + [0])
    assert doubled == plain
    split = psy.fit([*CONTRASTS, CONTRASTS[3]], [*right[:3], right[3] - 5, *right[4:], 5],
                    [32] * 3 + [20] + [32] * 7 + [12])  # fmt: skip
    assert split == plain


@settings(max_examples=25, deadline=None)
@given(st.data())
def test_any_counts_give_a_threshold_inside_or_a_reason(data: st.DataObject) -> None:
    size = data.draw(st.integers(1, 8))
    trials = [data.draw(st.integers(0, 6)) for _ in range(size)]
    right = [data.draw(st.integers(0, n)) for n in trials]
    if not any(trials):
        return
    contrasts = np.geomspace(0.01, 1.0, size)
    slope = data.draw(st.sampled_from([None, 3.0]))
    floor = data.draw(st.sampled_from([0.0, 0.25, 0.5]))
    found = psy.fit(contrasts, right, trials, slope=slope, floor=floor, draws=30)
    if found.threshold is None:
        assert found.reason.endswith(".")
        return
    assert contrasts[0] <= found.threshold <= contrasts[-1]
    assert found.u is not None
    assert math.isfinite(found.u)


@pytest.mark.parametrize(
    ("contrast", "right", "total"),
    [
        ([0.1, -0.2], [1, 1], [2, 2]), ([0.1, 0.2], [3, 1], [2, 2]), ([0.1], [1, 1], [2, 2]),
        ([0.1, 0.2], [0.5, 1], [2, 2]), ([0.1, math.nan], [1, 1], [2, 2]), ([], [], []),
    ],
)  # fmt: skip
def test_impossible_counts_are_refused(contrast, right, total) -> None:
    with pytest.raises(InputError) as caught:
        psy.fit(contrast, right, total)
    assert caught.value.code == "bad-counts"


def test_impossible_curves_are_refused() -> None:
    for more in ({"slope": 0.0}, {"floor": 1.0}, {"floor": -0.1}):
        with pytest.raises(InputError):
            fit([1] * 11, 4, **more)


def test_the_same_counts_give_the_same_bits() -> None:
    right = counts(np.random.default_rng(4), 16)
    assert fit(right, 16) == fit(right, 16)
