"""Display function and contrast response (methods, case 31)."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kerma import imaging
from kerma.core import Analysis
from kerma.imaging.display import gsdf_function as gsdf
from kerma.simulate import planar, tables
from tests.imaging.helpers import curve, refused, u, value

NAME = "display-gsdf"
LEVELS = tables.levels()


def measure(readings: list[float], level: list[float] = LEVELS, **more: Any) -> Analysis:
    return imaging.analyse(NAME, (), level=level, luminance_cd_m2=readings, **more)


@pytest.mark.parametrize(("j", "seen"), [(1, 0.04998), (512, 130.065), (1023, 3993.33)])
def test_check_values_of_the_standard(j: int, seen: float) -> None:
    assert float(gsdf.luminance(np.array(float(j)))) == pytest.approx(seen, rel=2e-4)


def test_case_31_round_trip() -> None:
    j = np.arange(1.0, 1024.0)
    assert np.abs(gsdf.index(gsdf.luminance(j)) - j).max() < 1e-6
    miss = np.abs(gsdf.index_by_polynomial(gsdf.luminance(j)) - j).max()
    assert 0.05 < miss < 0.1, "the standard's own inverse is that good and no better"


def test_the_two_ways_of_writing_the_function_agree() -> None:
    for j in (1.0, 3.7, 60.0, 400.5, 1023.0):
        assert tables.gsdf_luminance(j) == pytest.approx(
            float(gsdf.luminance(np.array(j))), rel=1e-12
        )


@pytest.mark.parametrize("ambient", [0.0, 0.3])
@pytest.mark.parametrize("count", [5, 18, 256])
def test_case_31_an_exact_display_has_no_deviation(ambient: float, count: int) -> None:
    level = tables.levels(count)
    read = tables.display(level, jnd_low=60, jnd_high=660, ambient_cd_m2=ambient)
    found = measure(read, level, ambient_cd_m2=ambient)
    assert value(found, "kappa_max") < 0.2
    assert value(found, "jnd_deviation_max") < 0.1
    assert value(found, "jnd_total") == pytest.approx(600.0, abs=0.1)
    assert value(found, "jnd_per_level") == pytest.approx(600.0 / 255.0, rel=1e-4)
    assert value(found, "luminance_ratio") == pytest.approx(
        tables.gsdf_luminance(660) / tables.gsdf_luminance(60), rel=1e-9
    )


def test_ambient_by_illuminance_and_reflection() -> None:
    read = tables.display(LEVELS, jnd_low=60, jnd_high=660, ambient_cd_m2=0.3)
    found = measure(read, illuminance_lx=30.0, reflection_cd_m2_lx=0.01)
    assert value(found, "kappa_max") < 0.01
    assert found.provenance.parameters["ambient_used"] == pytest.approx(0.3)


def test_negative_control_ambient_left_out_is_wrong_in_the_dark() -> None:
    read = tables.display(LEVELS, jnd_low=60, jnd_high=660, ambient_cd_m2=0.3)
    assert value(measure(read), "kappa_max") > 10


@pytest.mark.parametrize("gamma", [1.05, 0.9])
def test_case_31_a_gamma_error_gives_the_known_kappa(gamma: float) -> None:
    """Index (n/17)^g: each step's contrast over the expected one, from the function itself."""
    read = tables.display(LEVELS, jnd_low=60, jnd_high=660, gamma=gamma)
    found = measure(read)
    share = np.linspace(0, 1, 18)

    def contrast(j: np.ndarray) -> np.ndarray:
        seen = np.array([tables.gsdf_luminance(v) for v in j])
        return np.asarray(2 * np.diff(seen) / (seen[1:] + seen[:-1]))

    expected = 100 * (contrast(60 + 600 * share**gamma) / contrast(60 + 600 * share) - 1)
    _, kappa, _ = curve(found, "Deviation of the contrast")
    assert np.abs(kappa - expected).max() < 0.2
    assert value(found, "kappa_max") == pytest.approx(np.abs(expected).max(), abs=0.2)
    assert value(found, "jnd_deviation_max") == pytest.approx(
        600 * np.abs(share**gamma - share).max(), abs=0.1
    )


def test_one_wrong_level_shows_on_its_two_steps_with_opposite_signs() -> None:
    read = tables.display(LEVELS, jnd_low=60, jnd_high=660)
    read[9] *= 1.02
    found = measure(read)
    assert value(found, "kappa_9") > 5 > -5 > value(found, "kappa_10")
    assert max(abs(value(found, f"kappa_{n}")) for n in (1, 2, 7, 12, 17)) < 0.01
    assert value(found, "luminance_deviation_max") == pytest.approx(2.0, abs=0.01)


@settings(max_examples=25, deadline=None)
@given(low=st.floats(20, 120), high=st.floats(400, 1000), top=st.integers(100, 4000))
def test_any_exact_display_at_any_depth(low: float, high: float, top: int) -> None:
    level = tables.levels(18, top)
    found = measure(tables.display(level, jnd_low=low, jnd_high=high), level)
    assert value(found, "kappa_max") < 0.2


def test_uncertainty_is_that_of_repeated_readings() -> None:
    exact = np.array(tables.display(LEVELS, jnd_low=60, jnd_high=660))
    random = np.random.default_rng(1)
    seen = {n: [] for n in ("kappa_1", "kappa_9", "kappa_17", "luminance_ratio")}
    for _ in range(150):
        found = measure((exact * (1 + 0.005 * random.normal(size=18))).tolist(), u_percent=0.5)
        for name, values in seen.items():
            values.append(value(found, name))
    found = measure(exact.tolist(), u_percent=0.5)
    for name, values in seen.items():
        assert np.std(values) == pytest.approx(u(found, name), rel=0.25), name


def test_order_of_the_readings_does_not_matter() -> None:
    read = tables.display(LEVELS, jnd_low=60, jnd_high=660, gamma=1.1)
    assert measure(read[::-1], LEVELS[::-1]).values == measure(read).values


def test_levels_that_cannot_be_told_apart_are_pointed_out() -> None:
    read = tables.display(LEVELS, jnd_low=60, jnd_high=660)
    read[1] = read[0]
    found = measure(read)
    assert value(found, "kappa_1") == pytest.approx(-100.0)
    assert any("does not rise" in w for w in found.warnings)


def test_refusals() -> None:
    read = tables.display(LEVELS, jnd_low=60, jnd_high=660)
    refused(NAME, (), "missing-parameter", level=LEVELS)
    refused(NAME, (), "bad-parameter", level=LEVELS[:4], luminance_cd_m2=read[:4])
    refused(NAME, (), "bad-parameter", level=LEVELS, luminance_cd_m2=read[:-1])
    refused(NAME, (), "bad-parameter", level=[0.0, 0.0, 1.0, 2.0, 3.0], luminance_cd_m2=read[:5])
    refused(NAME, (), "bad-parameter", level=LEVELS, luminance_cd_m2=read, illuminance_lx=20.0)
    refused(NAME, (), "outside-gsdf", level=LEVELS, luminance_cd_m2=[100 * r for r in read])
    refused(NAME, (), "outside-gsdf", level=LEVELS, luminance_cd_m2=[0.0, *read[1:]])
    refused(NAME, (), "no-contrast", level=LEVELS, luminance_cd_m2=read[::-1])
    image = planar.as_image(planar.flat_field((64, 64), mean=5, noise=1, seed=1), 0.2)
    refused(NAME, [image], "readings-not-images", level=LEVELS, luminance_cd_m2=read)


def test_the_source_of_the_function_is_in_the_record() -> None:
    found = measure(tables.display(LEVELS, jnd_low=60, jnd_high=660))
    assert "PS3.14" in found.facts["source"]["document"]
    assert found.facts["source"]["confidence"] == "seen"
