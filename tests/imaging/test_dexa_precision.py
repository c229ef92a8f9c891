"""Precision error and least significant change."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from kerma import imaging
from kerma.core import Analysis
from kerma.simulate import tables
from tests.imaging.helpers import refused, u, value

NAME = "dexa-precision"


def measure(subject: list[Any], bmd: list[float], **more: Any) -> Analysis:
    return imaging.analyse(NAME, (), subject=subject, bmd_g_cm2=bmd, **more)


def test_duplicates_by_hand() -> None:
    """SD of a pair is |d| / sqrt 2: differences 0.02, 0.01 and 0.03 give rms 0.0153."""
    found = measure([1, 1, 2, 2, 3, 3], [1.0, 1.02, 0.8, 0.81, 1.2, 1.23])
    expected = math.sqrt((0.02**2 + 0.01**2 + 0.03**2) / 6)
    assert value(found, "rms_sd") == pytest.approx(expected, rel=1e-9)
    assert value(found, "lsc") == pytest.approx(2.77 * expected, rel=1e-9)
    assert value(found, "degrees_of_freedom") == 3
    cv = math.sqrt(((0.02 / 1.01) ** 2 + (0.01 / 0.805) ** 2 + (0.03 / 1.215) ** 2) / 6)
    assert value(found, "rms_cv") == pytest.approx(100 * cv, rel=1e-9)


def test_negative_control_the_mean_of_the_sds_would_be_too_small() -> None:
    """Glüer et al. 1995: arithmetic means understate by up to 25 %."""
    subject, bmd = tables.repeats(400, 2)
    found = measure(subject, bmd)
    pairs = np.array(bmd).reshape(-1, 2)
    assert value(found, "rms_sd") == pytest.approx(0.010, rel=0.1)
    assert pairs.std(axis=1, ddof=1).mean() < 0.85 * value(found, "rms_sd")


def test_confidence_limits_are_those_of_chi_square() -> None:
    """Seen: 27 degrees of freedom give an upper 90 % limit of +30 % (Glüer et al. 1995)."""
    found = measure(*tables.repeats(27, 2), confidence_percent=90.0)
    assert value(found, "rms_sd_high") / value(found, "rms_sd") == pytest.approx(1.30, abs=0.01)
    assert value(found, "rms_sd_low") < value(found, "rms_sd") < value(found, "rms_sd_high")


def test_the_limits_cover_the_truth() -> None:
    inside = 0
    for seed in range(200):
        found = measure(*tables.repeats(15, 3, seed=seed))
        inside += value(found, "rms_sd_low") <= 0.010 <= value(found, "rms_sd_high")
    assert 0.90 <= inside / 200 <= 0.99
    z = [(value(f, "rms_sd") - 0.010) / u(f, "rms_sd")
         for f in (measure(*tables.repeats(15, 3, seed=s)) for s in range(100))]  # fmt: skip
    assert 0.75 <= np.std(z) <= 1.25


def test_subjects_with_more_scans_weigh_by_their_degrees_of_freedom() -> None:
    found = measure(["a"] * 2 + ["b"] * 4, [1.0, 1.02, 0.9, 0.9, 0.9, 0.92])
    variances = [0.02**2 / 2, np.var([0.9, 0.9, 0.9, 0.92], ddof=1)]
    assert value(found, "rms_sd") == pytest.approx(math.sqrt((variances[0] + 3 * variances[1]) / 4))
    assert value(found, "degrees_of_freedom") == 4


def test_what_is_pointed_out() -> None:
    few = measure(*tables.repeats(10, 2))
    assert any("30 are recommended" in w for w in few.warnings)
    assert measure(*tables.repeats(30, 2)).warnings == ()
    subject, bmd = tables.repeats(30, 2)
    alone = measure([*subject, "x"], [*bmd, 1.0])
    assert any("one scan" in w for w in alone.warnings)
    bmd[0] += 0.2
    assert any("One subject makes" in w for w in measure(subject, bmd).warnings)


def test_order_of_rows_does_not_matter() -> None:
    subject, bmd = tables.repeats(20, 2)
    turned = measure(subject[::-1], bmd[::-1])
    assert value(turned, "rms_sd") == pytest.approx(
        value(measure(subject, bmd), "rms_sd"), rel=1e-12
    )


def test_refusals() -> None:
    refused(NAME, (), "no-repeats", subject=[1, 2, 3], bmd_g_cm2=[1.0, 1.1, 1.2])
    refused(NAME, (), "no-repeats", subject=[1, 1], bmd_g_cm2=[1.0, 1.1])
    refused(NAME, (), "bad-parameter", subject=[1, 1], bmd_g_cm2=[1.0])
    refused(NAME, (), "bad-parameter", subject=[1, 1, 2, 2], bmd_g_cm2=[1.0, 1.0, -1.0, 1.0])
    refused(NAME, (), "bad-parameter", subject=[1, 1, 2, 2], bmd_g_cm2=[1.0] * 4,
            confidence_percent=100.0)  # fmt: skip
