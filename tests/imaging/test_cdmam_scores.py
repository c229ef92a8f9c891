"""Thresholds from scores: case 19 of the closed forms, and the tools the image readings share."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from kerma import imaging
from kerma.core import Image
from kerma.imaging.mammography import _cdmam_curve, _cdmam_score
from kerma.imaging.mammography._cdmam_spec import load_spec
from kerma.imaging.tools import psychometric
from kerma.simulate.cdmam import CdmamScan, cdmam_images, score_table
from tests.imaging.helpers import curve, refused, u, value

NAME = "cdmam-scores"
MU = 0.157
STEPS = [0.03, 0.04, 0.05, 0.06, 0.08, 0.10, 0.13, 0.16, 0.20, 0.25, 0.36, 0.50, 0.71, 1.0, 1.42]
TRUE = {0.1: 0.75, 0.16: 0.42, 0.25: 0.24, 0.31: 0.18, 0.4: 0.13, 0.5: 0.1, 0.8: 0.06, 1.0: 0.05}
MORE: dict[str, Any] = {"phantom": "cdmam34", "reader": "CDCOM 1.6", "mu_per_um": MU}


def name(diameter: float, kind: str = "auto_gold") -> str:
    return f"{kind}_{diameter:g}mm".replace(".", "p")


@pytest.mark.parametrize(("images", "spread"), [(8, 0.10), (16, 0.07), (32, 0.05)])
def test_thresholds_of_a_known_curve(images: int, spread: float) -> None:
    """Case 19: f = 3.2, 0.1 µm, two discs a cell and image: bias and precision of the threshold.

    The true curve gives back its threshold within 3 sd/sqrt(runs); the precision is 10, 7, 5 %
    with 8, 16, 32 images; the stated uncertainty covers the truth.
    """
    runs = 40
    steps = STEPS[:11]
    logs, pulls = [], []
    for seed in range(runs):
        table = score_table({0.5: 0.1}, steps, choices=2 * images, seed=seed)
        share = _cdmam_curve.contrast(table["thickness_um"], MU)
        fit = psychometric.fit(list(share), table["correct"], table["total"], draws=60)
        assert fit.threshold is not None
        assert fit.u_log is not None
        logs.append(math.log(_cdmam_curve.thickness(fit.threshold, MU) / 0.1))
        pulls.append(logs[-1] / fit.u_log)
    assert abs(np.mean(logs)) < 3 * spread / math.sqrt(runs)
    assert np.std(logs) == pytest.approx(spread, rel=0.35)
    assert np.mean(np.abs(pulls) < 2) > 0.88
    assert np.std(pulls) == pytest.approx(1.0, abs=0.25)


def test_expected_counts_give_back_every_threshold() -> None:
    table = score_table(TRUE, STEPS, choices=2000)
    found = imaging.analyse(NAME, (), **table, **MORE)
    for diameter, truth in TRUE.items():
        assert value(found, name(diameter)) == pytest.approx(truth, rel=0.01)
    d, t, _ = curve(found, "Automatic")
    assert list(d) == sorted(TRUE)
    assert np.allclose(t, [TRUE[x] for x in d], rtol=0.01)


def test_the_smooth_curve_goes_through_human_thresholds_of_its_own_form() -> None:
    """T = 0.05 + 0.045/d + 0.008/d²: non-negative terms find it again."""
    factors = [[0.05, 1.5], [2.0, 1.5]]
    steps = []
    for diameter in (0.1, 0.16, 0.25, 0.4, 0.63, 1.0):
        truth = 0.05 + 0.045 / diameter + 0.008 / diameter**2
        share = -math.expm1(-MU * truth) / 1.5
        fit = psychometric.Fit(share, u_log=0.05, slope=3.2)
        counts = _cdmam_curve.Counts(diameter, np.ones(1), np.ones(1), np.ones(1))
        draws = share * np.exp(0.05 * np.random.default_rng(7).standard_normal(80))
        factor = _cdmam_curve.factor_at(factors, diameter)
        steps.append(_cdmam_curve.Step(counts, fit, factor, draws, 0.05))
    found = _cdmam_curve.smooth(steps, MU, 0)
    assert found is not None
    assert np.allclose(found.terms, [0.05, 0.045, 0.008, 0.0], atol=2e-4)
    at = found.at(0.25)
    assert at is not None
    assert at[0] == pytest.approx(0.05 + 0.18 + 0.128, rel=1e-3)
    assert at[2][0] < at[0] < at[2][1]
    assert found.at(2.0) is None  # never beyond the diameters it goes through
    assert (found.drawn >= 0).all()


def test_the_uncertainty_of_the_smooth_curve_covers() -> None:
    truth = imaging.analyse(NAME, (), **score_table(TRUE, STEPS, choices=20000), **MORE)
    pulls = []
    for seed in range(7):
        table = score_table(TRUE, STEPS, choices=32, seed=seed)
        found = imaging.analyse(NAME, (), **table, **MORE, draws=50)
        for x in (0.1, 0.25, 0.5, 1.0):
            key = name(x, "gold")
            log = math.log(value(found, key) / value(truth, key))
            pulls.append(log * value(found, key) / u(found, key))
    assert 0.6 < np.std(pulls) < 1.4
    assert np.mean(np.abs(pulls) < 2) > 0.85


def test_equal_rows_are_pooled_in_any_order() -> None:
    table = score_table(TRUE, STEPS, choices=32, seed=1)
    half = {k: v * 2 for k, v in table.items()}
    half["correct"] = [float(k // 2) for k in table["correct"]] + [
        float(k - k // 2) for k in table["correct"]
    ]
    half["total"] = [16.0] * len(half["total"])
    order = np.random.default_rng(1).permutation(len(half["total"]))
    mixed = {k: [v[i] for i in order] for k, v in half.items()}
    one, two = (imaging.analyse(NAME, (), **t, **MORE) for t in (table, mixed))
    assert {k: v.as_dict() for k, v in one.values.items()} == {
        k: v.as_dict() for k, v in two.values.items()
    }


def test_a_threshold_outside_the_steps_is_left_out() -> None:
    table = score_table({**TRUE, 2.0: 0.004, 0.06: 9.0}, STEPS, choices=64)
    found = imaging.analyse(NAME, (), **table, **MORE)
    assert name(2.0) not in found.values
    assert name(0.06) not in found.values
    assert sum("it is not extrapolated" in w for w in found.warnings) == 2
    guesses = score_table({0.06: 90.0}, STEPS, choices=64)
    assert imaging.analyse(NAME, (), **guesses, **MORE).status == "not measurable"


def test_the_40_is_provisional() -> None:
    table = score_table(TRUE, STEPS, choices=64)
    found = imaging.analyse(NAME, (), **table, **{**MORE, "phantom": "cdmam40"})
    assert any("provisional" in w for w in found.warnings)
    own = imaging.analyse(NAME, (), **table, **MORE, factors=[[0.05, 2.0], [3.0, 2.0]])
    row = own.facts["diameters"][0]
    assert row["factor"] == 2.0
    assert own.facts["human_factors"]["source"] == "given"


def test_tables_that_cannot_be_scores_are_refused() -> None:
    table = score_table(TRUE, STEPS, choices=64)

    def wrong(**changes: Any) -> None:
        refused(NAME, (), "bad-scores", **{**table, **MORE, **changes})

    wrong(correct=table["correct"][1:])
    wrong(correct=[k / 64 for k in table["correct"]])
    wrong(total=[0.0] * len(table["total"]))
    wrong(correct=[k + 64 for k in table["correct"]])
    wrong(diameter_mm=[-1.0] * len(table["total"]))
    wrong(diameter_mm=[100.0 * d for d in table["diameter_mm"]])
    wrong(**{k: [] for k in table})
    refused(NAME, (), "missing-parameter", **table, phantom="cdmam34", reader="x")
    refused(NAME, (), "bad-parameter", **table, **{**MORE, "phantom": "cdrad"})
    refused(NAME, (), "bad-parameter", **table, **{**MORE, "reader": " "})
    image: list[Image] = cdmam_images(CdmamScan(shape=(1300, 1900)), 1)
    refused(NAME, image, "images-given", **table, **MORE)


SPEC = load_spec("cdmam34")
MATRIX = SPEC.matrices[0]
CELLS = len(MATRIX)


def drawn(d_prime: np.ndarray, images: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Return signals of five places, shape (images, 5, cells), and the true corners."""
    random = np.random.default_rng(seed)
    truth = random.integers(1, 5, CELLS)
    signals = random.standard_normal((images, 5, CELLS))
    signals[:, 0] += d_prime
    signals[:, truth, np.arange(CELLS)] += d_prime
    return signals, truth


@pytest.mark.parametrize("images", [8, 16])
@pytest.mark.parametrize("d_prime", [0.0, 0.6, 1.25, 2.5])
def test_corners_found_from_the_other_images_bias_as_documented(
    images: int, d_prime: float
) -> None:
    """Right with q instead of always: 0.25 + (p - 0.25)(q - 0.25)/0.75, q of sqrt(n - 1) d'."""
    p = float(psychometric.ideal_rate(d_prime))
    q = float(psychometric.ideal_rate(d_prime * math.sqrt(images - 1)))
    rates = []
    for seed in range(30):
        signals, _ = drawn(np.full(CELLS, d_prime), images, seed)
        corners = _cdmam_score.pooled(signals, without_each=True)
        rates.append(_cdmam_score.choices(signals, corners)[1].mean())
    assert np.mean(rates) == pytest.approx(0.25 + (p - 0.25) * (q - 0.25) / 0.75, abs=0.007)


def test_an_image_must_not_help_to_find_the_corner_it_is_judged_by() -> None:
    """Negative control: guesses judged by a pool they belong to are right far too often."""
    signals, _ = drawn(np.zeros(CELLS), 8, 1)
    own = _cdmam_score.pooled(signals, without_each=False)
    assert _cdmam_score.choices(signals, own)[1].mean() > 0.35


def test_noise_that_repeats_is_said() -> None:
    signals, truth = drawn(np.full(CELLS, 1.0), 8, 2)
    assert _cdmam_score.repeating(signals, truth) == []
    fixed = np.random.default_rng(3).standard_normal((1, 5, CELLS))
    (warning,) = _cdmam_score.repeating(signals + 0.6 * fixed, truth)
    assert "Move the phantom" in warning


def right_of(wrong: list[tuple[int, int]]) -> np.ndarray:
    return ~np.array([(r, c) in wrong for r, c in zip(MATRIX.row, MATRIX.column, strict=True)])


def cell(row: int, column: int) -> int:
    return int(np.flatnonzero((MATRIX.row == row) & (MATRIX.column == column))[0])


def test_neighbours_correct_single_mistakes_and_single_strokes_of_luck() -> None:
    lone = right_of([(7, 7)])
    assert _cdmam_score.corrected(lone, MATRIX)[cell(7, 7)]
    three = right_of([(7, 7), (7, 8), (8, 7)])  # two right neighbours of four: stays wrong
    assert not _cdmam_score.corrected(three, MATRIX)[cell(7, 7)]
    lucky = ~right_of([(7, 7), (7, 8)])  # one right neighbour: falls
    assert not _cdmam_score.corrected(lucky, MATRIX)[cell(7, 7)]
    kept = ~right_of([(7, 7), (7, 8), (8, 7)])  # two right neighbours: stays
    assert _cdmam_score.corrected(kept, MATRIX)[cell(7, 7)]
    corner = ~right_of([(0, 1), (0, 2)])  # two neighbours only: one is enough
    assert _cdmam_score.corrected(corner, MATRIX)[cell(0, 1)]
    assert _cdmam_score.corrected(right_of([]), MATRIX).all()
