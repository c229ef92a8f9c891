"""A continuous wedge of known rise and attenuation."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from kerma import imaging
from kerma.core import Analysis, Image
from kerma.simulate import geometry, planar, wedge
from tests.imaging.helpers import refused, u, value

NAME = "ramp-wedge"
SHAPE = (420, 480)
P = 0.3
SLOPE = -0.012  # 20 mm over 100 mm at 0.06 per mm


def transmission(**more: Any) -> np.ndarray:
    given = {"pixel_mm": P, "length_mm": 100.0, "width_mm": 40.0, "thickest_mm": 20.0,
             "per_mm": 0.06}  # fmt: skip
    return wedge.ramp(SHAPE, **{**given, **more})


def image(signal: np.ndarray, *, share: float = 0.02, seed: int = 1, **more: Any) -> Image:
    return planar.as_image(geometry.noisy(2000.0 * signal, seed=seed, share=share), P, **more)


def measure(one: Image, **parameters: Any) -> Analysis:
    return imaging.analyse(NAME, [one], **parameters)


@pytest.mark.parametrize("turn", [0.0, 4.0, 90.0, -150.0])
def test_slope_at_any_turn(turn: float) -> None:
    found = measure(image(transmission(turn_deg=turn)), rise=0.2)
    assert value(found, "slope") == pytest.approx(SLOPE, rel=0.005)
    assert value(found, "slope_thickness") == pytest.approx(-0.06, rel=0.005)
    assert value(found, "r_squared") > 0.9999
    assert value(found, "max_residual") < 1.0


def test_uncertainty_covers_the_truth() -> None:
    clean = transmission()
    z = []
    for seed in range(24):
        found = measure(image(clean, seed=seed))
        z.append((value(found, "slope") - SLOPE) / u(found, "slope"))
    assert (np.abs(z) <= 2).mean() >= 0.8
    assert np.sqrt(np.mean(np.square(z))) <= 1.5


def test_negative_control_a_bent_response_shows_in_the_residual() -> None:
    bent = 2000.0 * transmission() ** 0.6 + 500.0
    found = measure(planar.as_image(geometry.noisy(bent, seed=1), P))
    assert value(found, "max_residual") > 1.3
    assert value(measure(image(transmission())), "max_residual") < 0.7


def test_magnification_is_taken_off_the_thickness() -> None:
    facts = {"DistanceSourceToDetector": 1000.0}
    found = measure(image(transmission(), facts=facts), rise=0.2, plane_mm=800.0)
    assert value(found, "slope_thickness") == pytest.approx(-0.06 * 1.25, rel=0.005)


def test_logarithmic_values() -> None:
    pixels = 5.0 + np.log(geometry.noisy(2000.0 * transmission(), seed=1))
    found = measure(planar.as_image(pixels, P), scale="log")
    assert value(found, "slope") == pytest.approx(SLOPE, rel=0.005)


def test_a_region_set_by_hand_is_recorded() -> None:
    found = measure(image(transmission()), roi=[50, 120, 430, 300])
    assert value(found, "slope") == pytest.approx(SLOPE, rel=0.005)
    assert any("by hand" in w for w in found.warnings)


def test_a_heel_is_no_ramp() -> None:
    heel = planar.flat_field(SHAPE, mean=1000, noise=5, seed=1, gradient_percent_per_cm=(1.5, 0.5))
    refused(NAME, [planar.as_image(heel, P)], "no-ramp")


def test_refusals() -> None:
    flat = planar.flat_field(SHAPE, mean=1000, noise=20, seed=1)
    refused(NAME, [planar.as_image(flat, P)], "no-ramp")
    dark = planar.flat_field(SHAPE, mean=5, noise=20, seed=1)
    refused(NAME, [planar.as_image(dark, P)], "no-signal")
    refused(NAME, [image(transmission(), processing="presentation")], "processed-image")
    refused(NAME, [planar.as_image(planar.anatomy(seed=1), P)], "clinical-looking")
    refused(NAME, [image(transmission())], "bad-parameter", rise=-1.0)


def test_the_same_image_gives_the_same_bits() -> None:
    assert measure(image(transmission())).as_dict() == measure(image(transmission())).as_dict()
