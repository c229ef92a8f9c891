"""The stated uncertainties of a CatPhan's values against repeated noisy scans of one phantom."""

from __future__ import annotations

import math
from dataclasses import replace
from functools import cache

import numpy as np
import pytest

from kerma.core import Analysis
from kerma.imaging.phantoms._describe import load_spec
from kerma.simulate.catphan import CatphanScan
from kerma.simulate.ct import noise
from tests.imaging.catphan_scans import drawn, run

SCAN = CatphanScan(
    roll_deg=2.3, offset_mm=(1.2, -0.7), origin_mm=0.4, tilt_x_deg=0.3,
    first_mm=-75, last_mm=42, increment_mm=3.0, thickness_mm=3.0, matrix=264, pixel_mm=0.8,
)  # fmt: skip
SD_HU, TIMES = 10.0, 20


@cache
def repeated(correlation_px: float) -> list[Analysis]:
    """Measure the phantom again and again, each time in noise of its own."""
    found = []
    for k in range(TIMES):
        images = [
            replace(
                image,
                pixels=image.pixels
                + noise(
                    image.pixels.shape,
                    sd_hu=SD_HU,
                    seed=1000 * k + j,
                    correlation_px=correlation_px,
                ).astype(np.float32),
            )
            for j, image in enumerate(drawn(SCAN))
        ]
        found.append(run("catphan504", images))
    return found


@pytest.fixture(scope="module", params=[0.0, 1.2], ids=["white", "correlated"])
def scans(request: pytest.FixtureRequest) -> list[Analysis]:
    return repeated(request.param)


def held(scans: list[Analysis], name: str, true: float) -> tuple[float, float]:
    """Return the share of scans whose value is within two u of the truth, and rms error over u."""
    values = np.array([s.values[name].value for s in scans])
    u = np.array([s.values[name].u for s in scans], dtype=float)
    error = values - true
    return float(np.mean(np.abs(error) <= 2 * u)), float(np.sqrt(np.mean(error**2)) / u.mean())


def test_ct_numbers(scans):
    inserts = load_spec("catphan504").sensitometry.inserts
    shares = [held(scans, f"hu_{i.key}", i.nominal_hu) for i in inserts]
    assert np.mean([share for share, _ in shares]) >= 0.9
    # Nor so large that they say nothing.
    assert all(ratio > 0.35 for _, ratio in shares)


@pytest.mark.parametrize(
    ("name", "true"),
    [
        ("slice_thickness", 3.0),
        ("slice_increment", 3.0),
        ("roll", 2.3),
        ("origin_position", 0.4),
        ("tilt_x", 0.3),
        ("centre_offset_x", 1.2),
        ("rod_spacing_mean", 50.0),
        ("linearity_slope", 1.0),
        ("linearity_intercept", 0.0),
        ("noise", SD_HU),
    ],
)
def test_values_with_a_known_truth(name, true):
    share, ratio = held(repeated(0.0) + repeated(1.2), name, true)
    # 35 of 40 where 38 are expected: fewer come once in twenty times.
    assert share >= 0.875, (share, ratio)
    assert ratio < 1.25


def test_mtf_of_the_bead():
    true = math.sqrt(math.log(2) / 2) / (math.pi * SCAN.psf_sigma_mm)
    share, ratio = held(repeated(0.0), "mtf50", true)
    assert share >= 0.85
    assert ratio < 1.4


@pytest.mark.parametrize("name", ["1 %, 15 mm", "1 %, 9 mm", "0.5 %, 15 mm"])
def test_contrast_to_noise_ratio(scans, name):
    # Discs that are not visible have their ratio in their region.
    true = float(name.split()[0]) * 10 / SD_HU
    regions = [next(r for r in s.regions if r.name.startswith(name)) for s in scans]
    error = [(r.values["CNR"].value - true) / (r.values["CNR"].u or 0.0) for r in regions]
    assert np.mean(np.abs(error) <= 2) >= 0.8


def test_detectable_contrast_is_that_of_the_noise():
    # White noise: the mean of a disc of N pixels scatters by SD over the root of N; 1 % is 10 HU.
    scans = repeated(0.0)
    for diameter in (5, 7, 9, 15):
        pixels = math.pi * (diameter / 2) ** 2 / SCAN.pixel_mm**2
        true = 3.29 * SD_HU / math.sqrt(pixels) / 10
        found = [s.values[f"detectable_contrast_{diameter}mm"] for s in scans]
        mean = np.mean([q.value for q in found])
        u = np.mean([q.u or 0.0 for q in found]) / math.sqrt(len(found))
        assert abs(mean - true) < 3 * u + 0.04 * true, diameter
        assert 0 < u < 0.15 * true


def test_correlated_noise_hides_more_than_its_standard_deviation_says():
    def mean(scans: list[Analysis]) -> float:
        return float(np.mean([s.values["detectable_contrast_9mm"].value for s in scans]))

    assert mean(repeated(1.2)) > 1.8 * mean(repeated(0.0))
