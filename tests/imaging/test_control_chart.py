"""Run rules and CUSUM: exact marks on planted series, run lengths against the Markov chain."""

from __future__ import annotations

import math

import numpy as np
import pytest

from kerma.imaging.tools.control_chart import RUN_RULES, cusum, run_rules


def marks(z: list[float]) -> dict[str, list[int]]:
    return {name: np.flatnonzero(found).tolist() for name, found in run_rules(np.array(z)).items()}


@pytest.mark.parametrize(
    ("z", "rule", "at"),
    [
        ([0, 3.01, 0, -3.5], "1_beyond_3sd", [1, 3]),
        ([0, 3.0, -3.0], "1_beyond_3sd", []),
        ([2.1, 0, 2.2], "2_of_3_beyond_2sd", [2]),
        ([2.1, 0, 0, 2.2], "2_of_3_beyond_2sd", []),
        ([2.1, -2.2, 0], "2_of_3_beyond_2sd", []),
        ([2.1, 2.2, 0.5], "2_of_3_beyond_2sd", [1]),
        ([1.1, 1.2, 0, 1.3, 1.4], "4_of_5_beyond_1sd", [4]),
        ([1.1, 1.2, 0, 0, 1.3, 1.4], "4_of_5_beyond_1sd", []),
        ([-1.1, -1.2, -1.3, -1.4, 0.2], "4_of_5_beyond_1sd", [3]),
        ([0.1] * 9, "10_on_one_side", []),
        ([0.1] * 11, "10_on_one_side", [9, 10]),
        ([0.1] * 5 + [-0.1] + [0.1] * 9, "10_on_one_side", []),
        ([-0.1] * 10, "10_on_one_side", [9]),
    ],
)
def test_each_rule_marks_the_reading_that_completes_it(
    z: list[float], rule: str, at: list[int]
) -> None:
    assert marks(z)[rule] == at


def test_cusum_by_hand() -> None:
    """k = 0.5: 1, 1, 1 sum to 0.5, 1.0, 1.5; above h = 1.2 at the third, then from zero."""
    found = cusum(np.array([1.0, 1.0, 1.0, 1.0, -3.0]), 0.5, 1.2)
    assert found.high.tolist() == pytest.approx([0.5, 1.0, 1.5, 0.5, 0.0])
    assert found.low.tolist() == pytest.approx([0.0, 0.0, 0.0, 0.0, 2.5])
    first, second = found.signals
    assert (first.at, first.since, first.change) == (2, 0, pytest.approx(0.5 + 1.5 / 3))
    assert (second.at, second.since, second.change) == (4, 4, pytest.approx(-(0.5 + 2.5)))


def average_run_length(k: float, h: float, shift: float, states: int = 400) -> float:
    """Return the one-sided CUSUM's average run length (Brook and Evans, Biometrika 59 (1972))."""
    width = 2 * h / (2 * states - 1)
    grid = np.arange(states) * width

    def below(x: float) -> float:
        return 0.5 * math.erfc(-(x - shift + k) / math.sqrt(2.0))

    move = np.zeros((states, states))
    for i in range(states):
        edges = grid - grid[i] + width / 2
        upto = np.array([below(e) for e in edges])
        move[i, 0] = upto[0]
        move[i, 1:] = np.diff(upto)
    return float(np.linalg.solve(np.eye(states) - move, np.ones(states))[0])


def test_the_markov_chain_itself_gives_the_published_run_length() -> None:
    """Two-sided, k = 0.5, h = 5: 465 in control, 10.4 at a shift of 1 (Montgomery; recalled)."""
    assert average_run_length(0.5, 5.0, 0.0) / 2 == pytest.approx(465, rel=0.01)
    assert average_run_length(0.5, 5.0, 1.0) == pytest.approx(10.4, rel=0.01)


@pytest.mark.parametrize("shift", [1.0, 2.0, 3.75])
def test_case_32_run_length_of_the_cusum_after_a_step(shift: float) -> None:
    random = np.random.default_rng(1)
    lengths = []
    for _ in range(600):
        found = cusum(random.normal(shift, 1.0, 120), 0.5, 5.0)
        lengths.append(found.signals[0].at + 1)
    error = np.std(lengths) / math.sqrt(len(lengths))
    assert np.mean(lengths) == pytest.approx(average_run_length(0.5, 5.0, shift), abs=4 * error)


def test_case_32_run_length_of_the_3_sd_rule() -> None:
    """Geometric: 1 / P(|z| > 3) = 370 in control, 44 at a shift of 1, 1.3 at 3.75 (one side)."""
    random = np.random.default_rng(2)
    for shift in (1.0, 3.75):
        p = 0.5 * (math.erfc((3 - shift) / math.sqrt(2)) + math.erfc((3 + shift) / math.sqrt(2)))
        lengths = []
        for _ in range(400):
            at = np.flatnonzero(run_rules(random.normal(shift, 1, 600))["1_beyond_3sd"])
            lengths.append(at[0] + 1)
        assert np.mean(lengths) == pytest.approx(1 / p, abs=4 * np.std(lengths) / 20)


def test_false_alarms_are_as_rare_as_they_should_be() -> None:
    random = np.random.default_rng(3)
    z = random.normal(0, 1, 200_000)
    found = run_rules(z)
    assert found["1_beyond_3sd"].mean() == pytest.approx(0.0027, abs=0.0005)
    two = 0.02275
    # The reading beyond, and one or both of the two before it, on either side.
    assert found["2_of_3_beyond_2sd"].mean() == pytest.approx(
        2 * two * (1 - (1 - two) ** 2), rel=0.1
    )
    assert found["10_on_one_side"].mean() == pytest.approx(2 * 0.5**10, rel=0.2)
    signals = len(cusum(z, 0.5, 5.0).signals)
    assert len(z) / signals == pytest.approx(465, rel=0.12)


def test_an_empty_series_has_no_marks() -> None:
    assert all(not m.any() for m in run_rules(np.zeros(0)).values())
    assert cusum(np.zeros(0), 0.5, 5.0).signals == ()
    assert set(run_rules(np.zeros(3))) == set(RUN_RULES)
