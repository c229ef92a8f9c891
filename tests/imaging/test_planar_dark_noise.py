"""Dark offset, temporal noise and fixed pattern."""

from __future__ import annotations

import numpy as np
import pytest

from kerma import imaging
from kerma.simulate import planar
from tests.imaging.helpers import refused, u, value

NAME = "planar-dark-noise"


def _pair(seed: int = 1, fixed: float = 4.0) -> list:
    frames = planar.dark_frames((500, 500), offset=80, temporal=3, fixed=fixed, seed=seed)
    return [planar.as_image(f, 0.15) for f in frames]


def test_a_pair_separates_temporal_noise_from_fixed_pattern() -> None:
    found = imaging.analyse(NAME, _pair())
    for name, truth in (
        ("offset", 80.0), ("noise", 5.0), ("temporal_noise", 3.0), ("fixed_pattern", 4.0),
    ):  # fmt: skip
        assert value(found, name) == pytest.approx(truth, abs=3.5 * u(found, name))


def test_without_fixed_pattern_the_rest_is_compatible_with_zero() -> None:
    found = imaging.analyse(NAME, _pair(fixed=0.0))
    assert value(found, "fixed_pattern") <= 3 * u(found, "fixed_pattern")


def test_one_frame_gives_no_temporal_noise() -> None:
    found = imaging.analyse(NAME, _pair()[:1])
    assert set(found.values) == {"offset", "noise"}


def test_noise_uncertainty_covers_the_truth() -> None:
    z = []
    for seed in range(30):
        found = imaging.analyse(NAME, _pair(seed))
        z.append((value(found, "temporal_noise") - 3.0) / u(found, "temporal_noise"))
    assert (np.abs(z) <= 2).mean() >= 0.85
    assert 0.75 <= np.std(z) <= 1.35


def test_one_frame_twice_is_refused() -> None:
    refused(NAME, _pair()[:1] * 2, "same-frame")


def test_frames_of_different_size_are_refused() -> None:
    other = planar.as_image(np.random.default_rng(1).normal(80, 5, (400, 500)), 0.15)
    refused(NAME, [_pair()[0], other], "mixed-images")


def test_three_frames_are_refused() -> None:
    refused(NAME, _pair() + _pair(2)[:1], "too-many-images")
