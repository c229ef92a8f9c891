"""Frames of a run with known noise over time, fixed pattern and lag."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from kerma import imaging
from kerma.core import Analysis, Image
from kerma.simulate import planar
from tests.imaging.helpers import curve, refused, u, value

NAME = "planar-temporal"
SHAPE, MEAN, TEMPORAL, FIXED = (200, 240), 600.0, 12.0, 5.0


def run(lag: float = 0.0, seed: int = 1, count: int = 16, **more: float) -> list[np.ndarray]:
    chosen = {"mean": MEAN, "temporal": TEMPORAL, "fixed": FIXED, **more}
    return planar.fluoroscopy(SHAPE, count=count, lag=lag, seed=seed, **chosen)


def images(frames: list[np.ndarray], **more: object) -> list[Image]:
    return [planar.as_image(f, 0.2, modality="RF", **more) for f in frames]


def measure(frames: list[np.ndarray], **parameters: object) -> Analysis:
    return imaging.analyse(NAME, images(frames), **{"field_share": 1.0, **parameters})


def truth(lag: float) -> dict[str, float]:
    return {
        "mean": MEAN, "temporal_noise": TEMPORAL, "fixed_pattern": FIXED, "lag_factor": lag,
        "noise_without_lag": TEMPORAL * math.sqrt((1 + lag) / (1 - lag)),
        "snr": MEAN / TEMPORAL,
    }  # fmt: skip


@pytest.mark.parametrize("lag", [0.0, 0.1, 0.4, 0.75])
def test_known_noise_pattern_and_lag(lag: float) -> None:
    found = measure(run(lag))
    for name, expected in truth(lag).items():
        assert value(found, name) == pytest.approx(expected, abs=3.5 * u(found, name)), name
        assert u(found, name) < 0.05 * max(expected, 1.0), name
    assert not any("recursion" in w for w in found.warnings)


def test_what_a_naive_variance_over_time_would_give() -> None:
    """Negative control: with lag the variance over few frames is far too low."""
    frames = run(0.75, count=6)
    naive = math.sqrt(float(np.var(frames, axis=0, ddof=1).mean()))
    found = measure(frames)
    assert naive < 0.8 * TEMPORAL
    assert value(found, "temporal_noise") == pytest.approx(
        TEMPORAL, abs=3 * u(found, "temporal_noise")
    )


def test_case_16_lag_of_a_frame_that_holds_a_share_of_the_one_before() -> None:
    """Frame n = (1 - λ) new + λ frame n-1: the recursion of a detector, or of a noise filter."""
    rng = np.random.default_rng(3)
    share, held, frames = 0.3, np.full(SHAPE, MEAN), []
    for _ in range(40):
        held = (1 - share) * (MEAN + rng.normal(0, 20.0, SHAPE)) + share * held
        frames.append(held)
    found = measure(frames[8:])
    assert value(found, "lag_factor") == pytest.approx(share, rel=0.02)
    assert value(found, "noise_without_lag") == pytest.approx(20.0, rel=0.02)
    assert value(found, "temporal_noise") == pytest.approx(
        20.0 * math.sqrt((1 - share) / (1 + share)), rel=0.02
    )


def test_uncertainty_covers_the_truth() -> None:
    lag, names = 0.3, truth(0.3)
    z: dict[str, list[float]] = {n: [] for n in names}
    for seed in range(1000, 1100):
        frames = [f[:96, :96] for f in run(lag, seed=seed, count=8)]
        found = measure(frames)
        for name, expected in names.items():
            z[name].append((value(found, name) - expected) / u(found, name))
    for name in names:
        assert (np.abs(z[name]) <= 2).mean() >= 0.90, name
        assert 0.75 < np.std(z[name]) < 1.2, name


def test_no_fixed_pattern_is_compatible_with_zero() -> None:
    found = measure(run(0.2, fixed=0.0))
    assert value(found, "fixed_pattern") <= 2.5 * u(found, "fixed_pattern")


def test_exposure_that_changes_is_steadiness_not_noise() -> None:
    gains = 1 + 0.01 * np.array([0, 1, -1, 2, 0, -2, 1, 0, 1, -1, 0, 2, -2, 0, 1, -2])
    frames = [g * f for g, f in zip(gains, run(0.2), strict=True)]
    found = measure(frames)
    assert value(found, "temporal_noise") == pytest.approx(TEMPORAL, rel=0.02)
    assert value(found, "lag_factor") == pytest.approx(0.2, abs=0.02)
    assert value(found, "mean_max_deviation") == pytest.approx(2.0, abs=0.05)
    expected = 100 * gains.std(ddof=1) / gains.mean()
    assert value(found, "mean_cv") == pytest.approx(expected, abs=0.03)
    assert value(measure(run(0.2)), "mean_cv") < 0.05


def test_drift_over_the_run() -> None:
    frames = [f * (1 + 0.05 * i / 15) for i, f in enumerate(run())]
    found = measure(frames)
    assert value(found, "drift") == pytest.approx(5.0 / 1.025, abs=3 * u(found, "drift") + 0.02)
    x, y, _ = curve(found, "Mean")
    assert list(x) == list(range(16))
    assert y[-1] / y[0] == pytest.approx(1.05, abs=0.001)


def test_frames_may_be_skipped() -> None:
    frames = run()
    frames[0] = frames[0] * 0.3
    assert value(measure(frames), "mean_max_deviation") > 50
    found = measure(frames, skip=1)
    assert value(found, "mean_max_deviation") < 0.3
    assert found.facts["frames"] == 15
    assert found.regions[0].frame == 1
    assert curve(found, "Mean")[0][0] == 1


def test_noise_that_is_no_recursion_is_said() -> None:
    fresh = [f - MEAN for f in run(fixed=0.0, count=20)]
    echoed = [MEAN + fresh[i] + 0.5 * fresh[i + 1] for i in range(18)]
    assert any("recursion" in w for w in measure(echoed).warnings)
    averaged = measure([MEAN + (fresh[i] + fresh[i + 1]) / 2 for i in range(18)])
    assert "temporal_noise" not in averaged.values
    assert any("averaged" in w for w in averaged.warnings)


def test_linearised_and_gain() -> None:
    one = measure(run(0.3))
    two = measure([f * 4 for f in run(0.3)])
    linear = measure([f + 300 for f in run(0.3)], stp={"model": "linear", "a": 300.0, "b": 100.0})
    for name in ("lag_factor", "snr", "mean_cv"):
        assert value(two, name) == pytest.approx(value(one, name), rel=1e-9)
        assert value(linear, name) == pytest.approx(value(one, name), rel=1e-9)
    assert str(linear.values["temporal_noise"].unit) == "uGy"


def test_the_region_is_central_or_given() -> None:
    found = imaging.analyse(NAME, images(run()))
    (x0, y0), (x1, y1) = found.regions[0].points
    assert (x1 - x0, y1 - y0) == (120, 100)
    assert (x0 + x1) / 2 == pytest.approx(119.5, abs=0.6)
    given = measure(run(), roi=[10, 20, 90, 80])
    assert given.regions[0].points == ((9.5, 19.5), (89.5, 79.5))
    assert given.provenance.parameters["roi"] == [10, 20, 90, 80]


def test_few_frames_are_said_and_bits_repeat() -> None:
    assert any("Only 5 frames" in w for w in measure(run(count=5)).warnings)
    assert measure(run(0.3)).as_dict() == measure(run(0.3)).as_dict()


def test_refusals() -> None:
    frames = run()
    made = images(frames)
    refused(NAME, made[:3], "too-few-images")
    refused(NAME, made[:6], "too-few-images", skip=4)
    refused(NAME, [*made, made[-1]], "same-frame")
    one_object = [replace(i, sha256="a", facts={"frame": n}) for n, i in enumerate(made)]
    imaging.analyse(NAME, one_object)
    refused(NAME, one_object[::-1], "frames-out-of-order")
    refused(NAME, one_object[::2], "frames-out-of-order")
    files = [replace(i, facts={"InstanceNumber": str(n + 1), "frame": 0})
             for n, i in enumerate(made)]  # fmt: skip
    imaging.analyse(NAME, files)
    refused(NAME, [files[1], files[0], *files[2:]], "frames-out-of-order")
    refused(NAME, images([f - 700 for f in frames]), "no-signal")
    refused(NAME, images([frames[0] * 2.0**i for i in range(6)]), "no-noise")
    refused(NAME, [*made[:-1], planar.as_image(frames[-1][:100], 0.2, modality="RF")],
            "mixed-images")  # fmt: skip
    refused(NAME, images(frames, processing="presentation"), "processed-image")
    shown = imaging.analyse(NAME, images(frames, processing="presentation"), allow_processed=True)
    assert any("processed" in w for w in shown.warnings)
    refused(NAME, made, "bad-parameter", field_share=0.0)
    refused(NAME, made, "bad-parameter", skip=-1)
    refused(NAME, made, "region-outside-image", roi=[0, 0, 500, 50])
    edge = planar.edge(SHAPE, pixel_mm=0.2, sigma_mm=0.1, tilt_deg=2)
    refused(NAME, images([edge + i for i in range(5)]), "not-flat")
    noise = np.random.default_rng(1)
    patient = [planar.anatomy(seed=3) + noise.normal(0, 1, (512, 512)) for _ in range(5)]
    refused(NAME, images(patient), "clinical-looking")
