"""Mean, noise and their uncertainties hold what they promise, also for correlated noise."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage

from kerma.core import InputError
from kerma.imaging.tools.regions import Disc
from kerma.imaging.tools.statistics import moments, pixel_noise

RUNS = 200


def _noise(rng: np.random.Generator, correlation_px: float) -> np.ndarray:
    white = rng.normal(0.0, 1.0, (96, 96))
    if not correlation_px:
        return 5.0 * white
    return (
        5.0
        * 2
        * np.sqrt(np.pi)
        * correlation_px
        * ndimage.gaussian_filter(white, correlation_px, mode="wrap")
    )


@pytest.mark.parametrize("correlation_px", [0.0, 1.2])
def test_standard_uncertainties_cover_the_truth(correlation_px: float) -> None:
    rng = np.random.default_rng(1)
    mask = Disc(47.5, 47.5, 45.0).mask((96, 96))
    mean_z, sd_z = [], []
    for _ in range(RUNS):
        found = moments(100.0 + _noise(rng, correlation_px), mask)
        mean_z.append((found.mean - 100.0) / found.u_mean)
        sd_z.append((found.sd - 5.0) / found.u_sd)
    for z in (np.array(mean_z), np.array(sd_z)):
        assert 0.90 <= (np.abs(z) <= 2.0).mean() <= 0.99
        assert 0.8 <= z.std() <= 1.25


def test_pixels_taken_as_independent_would_not_cover_correlated_noise() -> None:
    """Negative control: sd / sqrt(n) claims several times too little for correlated noise."""
    rng = np.random.default_rng(2)
    z = []
    for _ in range(RUNS):
        found = moments(_noise(rng, 1.2))
        z.append(found.mean / (found.sd / np.sqrt(found.count)))
    assert np.std(z) > 2.0


def test_snr_of_a_known_field() -> None:
    found = moments(np.random.default_rng(3).normal(200.0, 4.0, (400, 400)))
    assert found.snr == pytest.approx(50.0, abs=3 * found.u_snr)
    assert found.u_snr == pytest.approx(50.0 / np.sqrt(2 * 400**2), rel=0.35)


def test_a_field_without_noise_has_no_snr() -> None:
    assert moments(np.full((20, 20), 7.0)).snr is None


def test_a_region_too_small_is_refused() -> None:
    with pytest.raises(InputError) as caught:
        moments(np.ones((3, 3)))
    assert caught.value.code == "region-too-small"


def test_pixel_noise_does_not_see_a_slope() -> None:
    slope = np.linspace(0.0, 1000.0, 300)[None, :] + np.zeros((300, 1))
    noisy = slope + np.random.default_rng(4).normal(0.0, 10.0, slope.shape)
    assert pixel_noise(noisy) == pytest.approx(10.0, rel=0.02)
    assert noisy.std() > 200.0
