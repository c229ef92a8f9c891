"""Phantom series with planted steps and drifts (methods, case 32)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from kerma import imaging
from kerma.core import Analysis
from kerma.imaging.table import read_columns
from kerma.simulate import planar, tables
from tests.imaging.helpers import refused, u, value

NAME = "dexa-constancy"


def measure(dates: list[str], bmd: list[float], **more: Any) -> Analysis:
    return imaging.analyse(NAME, (), dates=dates, bmd_g_cm2=bmd, **more)


def series(count: int = 120, **more: Any) -> Analysis:
    return measure(*tables.bmd_series(count, **more))


def test_the_baseline_is_the_first_ten_exactly() -> None:
    found = series(30, mean=1.05, sd_percent=0.4)
    assert value(found, "baseline_mean") == pytest.approx(1.05, rel=1e-12)
    assert value(found, "baseline_cv") == pytest.approx(0.4, rel=1e-9)
    assert value(found, "baseline_sd") == pytest.approx(0.0042, rel=1e-9)
    assert str(found.values["baseline_mean"].unit) == "g/cm2"
    assert u(found, "baseline_mean") == pytest.approx(0.0042 / np.sqrt(10))


def test_case_32_without_noise_the_rules_are_exact() -> None:
    """A step of exactly 1.5 % is not beyond 1.5 %; one of 1.51 % is, from its first day on."""
    dates, bmd = tables.bmd_series(40, sd_percent=0.4)
    for i in range(10, 40):
        bmd[i] = 1.0
    for size, beyond in ((1.49, 0), (1.51, 20)):
        stepped = [b * (1 + size / 100) if i >= 20 else b for i, b in enumerate(bmd)]
        found = measure(dates, stepped)
        assert value(found, "out_of_limit") == beyond
        # 1.5 % is 3.75 baseline SD.
        assert value(found, "rule_1_beyond_3sd") == 20
        assert value(found, "rule_2_of_3_beyond_2sd") == 19
        assert value(found, "rule_4_of_5_beyond_1sd") == 17
        assert value(found, "rule_10_on_one_side") == 11
        assert found.facts["rule_dates"]["1_beyond_3sd"][0] == dates[20]
        first = found.facts["cusum"][0]
        # 3.75 - 0.5 = 3.25 a day: above 5 on the second day.
        assert (first["since"], first["signal"]) == (dates[20], dates[21])
        assert first["change_percent"] == pytest.approx(size, rel=1e-9)
        assert value(found, "step") == pytest.approx(size, abs=0.15)
        assert found.facts["step_date"] == dates[20]


def test_case_32_a_planted_step_in_noise() -> None:
    found = series(step_percent=1.5, step_at=60)
    assert found.facts["best_description"] == "step"
    assert value(found, "step") == pytest.approx(1.5, abs=3 * u(found, "step"))
    assert value(found, "cusum_change") == pytest.approx(1.5, abs=3 * u(found, "cusum_change"))
    day = tables.bmd_series(120)[0][60]
    assert found.facts["cusum"][0]["since"] == day
    assert abs((np.datetime64(found.facts["step_date"]) - np.datetime64(day)).astype(int)) <= 2


def test_case_32_a_planted_drift() -> None:
    found = series(365, drift_percent_per_year=1.0)
    assert value(found, "drift") == pytest.approx(1.0, abs=3 * u(found, "drift"))
    assert found.facts["best_description"] == "drift"
    assert "step" not in found.values


def test_case_32_run_length_to_detection() -> None:
    """3.75 SD: the CUSUM signals within 2 to 3 scans, as its average run length says."""
    lengths = []
    for seed in range(60):
        found = series(60, step_percent=1.5, step_at=20, seed=seed)
        dates = tables.bmd_series(60)[0]
        after = [dates.index(s["signal"]) - 19 for s in found.facts["cusum"]]
        lengths.append(min(n for n in after if n > 0))
    assert np.mean(lengths) == pytest.approx(2.0, abs=0.25)


def test_a_stable_series_is_called_stable() -> None:
    calls = [series(200, seed=seed).facts["best_description"] for seed in range(30)]
    assert calls.count("stable") >= 27
    found = series(200)
    assert value(found, "out_of_limit") <= 1
    assert "step" not in found.values


def test_drift_uncertainty_covers_the_truth() -> None:
    z = []
    for seed in range(60):
        found = series(150, drift_percent_per_year=2.0, seed=seed)
        z.append((value(found, "drift") - 2.0) / u(found, "drift"))
    assert (np.abs(z) <= 2).mean() >= 0.85
    assert 0.7 <= np.std(z) <= 1.35


def test_a_baseline_from_elsewhere_judges_every_scan() -> None:
    dates, bmd = tables.bmd_series(30)
    found = measure(dates, [1.02 * b for b in bmd], baseline_mean_g_cm2=1.0,
                    baseline_sd_g_cm2=0.004)  # fmt: skip
    assert value(found, "mean_deviation") == pytest.approx(2.0, abs=0.3)
    assert found.facts["first_judged"] == dates[0]
    assert any("by hand" in w for w in found.warnings)
    assert found.provenance.parameters["baseline_mean_g_cm2"] == 1.0


def test_the_service_s_own_levels_are_used_and_recorded() -> None:
    dates, bmd = tables.bmd_series(60, step_percent=0.8, step_at=30)
    assert value(measure(dates, bmd, limit_percent=0.5), "out_of_limit") > 15
    found = measure(dates, bmd, cusum_k=1.0, cusum_h=8.0)
    assert found.provenance.parameters["cusum_h"] == 8.0
    assert found.provenance.parameters["bmd_g_cm2"] == bmd
    assert found.provenance.inputs == ()


def test_order_of_the_rows_does_not_matter_and_is_said() -> None:
    dates, bmd = tables.bmd_series(60, step_percent=1.5, step_at=30)
    first = measure(dates, bmd)
    second = measure(dates[::-1], bmd[::-1])
    assert second.values == first.values
    assert any("order of date" in w for w in second.warnings)


def test_scale_changes_no_percentage() -> None:
    dates, bmd = tables.bmd_series(60, step_percent=1.5, step_at=30)
    first, second = measure(dates, bmd), measure(dates, [1.3 * b for b in bmd])
    for name in ("baseline_cv", "worst_deviation", "rule_1_beyond_3sd", "cusum_change", "drift"):
        assert value(second, name) == pytest.approx(value(first, name), rel=1e-9), name


def test_area_and_content() -> None:
    dates, bmd = tables.bmd_series(30)
    area = [50.0 + 0.1 * (-1) ** i for i in range(30)]
    found = measure(
        dates, bmd, area_cm2=area, bmc_g=[a * b for a, b in zip(area, bmd, strict=True)]
    )
    assert value(found, "area_cv") == pytest.approx(0.2 * np.sqrt(30 / 29), rel=1e-6)
    assert "bmc_cv" in found.values


def test_only_a_baseline_is_judged_by_nothing() -> None:
    found = series(10)
    assert "out_of_limit" not in found.values
    assert any("none is judged" in w for w in found.warnings)


def test_rounded_readings_without_scatter() -> None:
    dates, _ = tables.bmd_series(20)
    found = measure(dates, [1.0] * 15 + [1.02] * 5)
    assert value(found, "out_of_limit") == 5
    assert "rule_1_beyond_3sd" not in found.values
    assert any("no scatter" in w for w in found.warnings)


def test_a_bad_baseline_is_pointed_out() -> None:
    dates, bmd = tables.bmd_series(30)
    bmd[3] *= 1.03
    assert any("baseline itself" in w for w in measure(dates, bmd).warnings)


def test_a_table_from_a_file(tmp_path: Path) -> None:
    dates, bmd = tables.bmd_series(40)
    path = tmp_path / "spine.csv"
    rows = "\n".join(f"{d},{b:.6f}" for d, b in zip(dates, bmd, strict=True))
    path.write_text(f"dates,bmd_g_cm2\n{rows}\n")
    found = imaging.find(NAME).run((), **read_columns(path))
    assert value(found, "baseline_mean") == pytest.approx(1.0, abs=1e-5)


def test_refusals() -> None:
    dates, bmd = tables.bmd_series(30)
    refused(NAME, (), "missing-parameter")
    refused(NAME, (), "bad-parameter", dates=dates, bmd_g_cm2=bmd[:-1])
    refused(NAME, (), "bad-parameter", dates=dates[:9], bmd_g_cm2=bmd[:9])
    refused(NAME, (), "bad-parameter", dates=dates, bmd_g_cm2=[0.0, *bmd[1:]])
    refused(NAME, (), "bad-parameter", dates=dates, bmd_g_cm2=bmd, baseline_count=5)
    refused(NAME, (), "bad-parameter", dates=dates, bmd_g_cm2=bmd, baseline_mean_g_cm2=1.0)
    error = refused(NAME, (), "bad-date", dates=["31/01/2026", *dates[1:]], bmd_g_cm2=bmd)
    assert error.detail["row"] == 1
    image = planar.as_image(planar.flat_field((64, 64), mean=5, noise=1, seed=1), 0.2)
    refused(NAME, [image], "readings-not-images", dates=dates, bmd_g_cm2=bmd)


def test_the_same_readings_give_the_same_record() -> None:
    assert series().as_dict() == series().as_dict()
