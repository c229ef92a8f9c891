"""Two densitometers compared."""

from __future__ import annotations

import math

import numpy as np
import pytest

from kerma import imaging
from kerma.core import Analysis
from tests.imaging.helpers import refused, u, value

NAME = "dexa-cross-calibration"


def measure(x: np.ndarray, y: np.ndarray) -> Analysis:
    return imaging.analyse(NAME, (), reference_g_cm2=x.tolist(), other_g_cm2=y.tolist())


def pairs(seed: int, n: int = 40, slope: float = 1.02, start: float = 0.01, sd: float = 0.01
          ) -> tuple[np.ndarray, np.ndarray]:  # fmt: skip
    random = np.random.default_rng(seed)
    true = random.uniform(0.6, 1.4, n)
    return true + random.normal(0, sd, n), start + slope * true + random.normal(0, sd, n)


def test_exact_pairs() -> None:
    x = np.array([0.8, 0.9, 1.0, 1.1, 1.2, 1.3])
    found = measure(x, 0.02 + 1.05 * x)
    assert value(found, "slope") == pytest.approx(1.05, rel=1e-9)
    assert value(found, "intercept") == pytest.approx(0.02, abs=1e-9)
    assert value(found, "difference") == pytest.approx(0.02 + 0.05 * 1.05, rel=1e-9)
    assert value(found, "ratio") == pytest.approx(1.05 + 0.02 / 1.05, rel=1e-9)
    # Differences 0.05 x + 0.02 against means 1.025 x + 0.01.
    assert value(found, "proportional_bias") == pytest.approx(0.05 / 1.025, rel=1e-9)


def test_limits_of_agreement_by_hand() -> None:
    x = np.array([1.0, 1.0, 1.0, 1.0, 1.0])
    y = x + np.array([0.01, 0.03, 0.02, 0.00, 0.04])
    found = measure(x, y)
    sd = math.sqrt(0.00025)
    assert value(found, "difference") == pytest.approx(0.02)
    assert value(found, "sd_of_differences") == pytest.approx(sd)
    assert value(found, "limit_high") == pytest.approx(0.02 + 1.96 * sd)
    assert u(found, "difference") == pytest.approx(sd / math.sqrt(5))
    assert "slope" not in found.values, "five scans of one phantom have no slope"
    assert any("range too little" in w for w in found.warnings)


def test_uncertainties_cover_the_truth() -> None:
    z = []
    for seed in range(100):
        found = measure(*pairs(seed))
        z += [
            (value(found, n) - t) / u(found, n) for n, t in (("slope", 1.02), ("intercept", 0.01))
        ]
    assert 0.88 <= (np.abs(z) <= 2).mean() <= 1.0
    assert 0.75 <= np.std(z) <= 1.3


def test_negative_control_ordinary_regression_would_be_flat() -> None:
    """Error in the reference draws the ordinary slope down; Deming's line it does not."""
    ordinary, deming = [], []
    for seed in range(60):
        x, y = pairs(seed, slope=1.0, start=0.0, sd=0.03)
        ordinary.append(np.polyfit(x, y, 1)[0])
        deming.append(value(measure(x, y), "slope"))
    assert np.mean(ordinary) < 0.99
    assert np.mean(deming) == pytest.approx(1.0, abs=4 * np.std(deming) / math.sqrt(60))


def test_exchanging_the_systems_inverts_the_comparison() -> None:
    x, y = pairs(1)
    first, second = measure(x, y), measure(y, x)
    assert value(second, "difference") == pytest.approx(-value(first, "difference"))
    assert value(second, "slope") == pytest.approx(1 / value(first, "slope"))
    assert value(second, "ratio") == pytest.approx(1 / value(first, "ratio"))


def test_refusals() -> None:
    refused(NAME, (), "bad-parameter", reference_g_cm2=[1.0] * 4, other_g_cm2=[1.0] * 4)
    refused(NAME, (), "bad-parameter", reference_g_cm2=[1.0] * 6, other_g_cm2=[1.0] * 5)
    refused(NAME, (), "bad-parameter", reference_g_cm2=[1.0] * 5 + [-1.0], other_g_cm2=[1.0] * 6)
    refused(NAME, (), "missing-parameter", reference_g_cm2=[1.0] * 6)
