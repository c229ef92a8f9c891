"""Pixel spacing and distortion from meshes and rulers of known spacing."""

from __future__ import annotations

import math
from functools import cache
from typing import Any

import numpy as np
import pytest

from kerma import imaging
from kerma.core import Analysis
from kerma.simulate import focal, geometry, planar
from tests.imaging.helpers import refused, u, value

NAME = "detector-geometry"
SHAPE = (640, 720)
P = 0.2


def measure(
    cover: np.ndarray, *, share: float = 0.02, seed: int = 1, **parameters: Any
) -> Analysis:
    pixels = geometry.noisy(2000.0 * (1.0 - 0.8 * cover), seed=seed, share=share)
    image = planar.as_image(pixels, P, facts={"DistanceSourceToDetector": 1000.0})
    return imaging.analyse(NAME, [image], **{"pitch_mm": 8.0, **parameters})


@cache
def mesh(across: float = 1.0, down: float = 1.0, **more: Any) -> np.ndarray:
    return geometry.mesh(SHAPE, pixel_mm=(P * across, P * down), pitch_mm=8.0, **more)


@pytest.mark.parametrize("dots", [False, True])
@pytest.mark.parametrize("turn", [0.0, 3.0, -30.0])
def test_true_pixels_come_back_at_any_turn(turn: float, dots: bool) -> None:
    more = {"dots": True, "wire_mm": 3.0} if dots else {}
    found = measure(mesh(1.01, 0.995, turn_deg=turn, **more))
    assert value(found, "pixel_x") == pytest.approx(P * 1.01, rel=2e-4)
    assert value(found, "pixel_y") == pytest.approx(P * 0.995, rel=2e-4)
    assert value(found, "spacing_error_x") == pytest.approx(100 * (1 / 1.01 - 1), abs=0.02)
    assert value(found, "spacing_error_y") == pytest.approx(100 * (1 / 0.995 - 1), abs=0.02)


def test_a_true_mesh_has_no_distortion() -> None:
    found = measure(mesh(turn_deg=2.0))
    assert value(found, "rotation") == pytest.approx(2.0, abs=0.01)
    assert value(found, "shear") == pytest.approx(0.0, abs=4 * u(found, "shear") + 0.005)
    assert value(found, "distortion_rms") < 0.02
    assert abs(value(found, "radial_distortion")) < 0.05


@pytest.mark.parametrize("k", [3e-6, -3e-6], ids=["pincushion", "barrel"])
def test_planted_radial_distortion(k: float) -> None:
    found = measure(mesh(per_mm2=k))
    expected = 100.0 * k * found.facts["rim_mm"] ** 2
    # A cubic in the displaced radius stands for one in the true one: a few % of it.
    assert value(found, "radial_distortion") == pytest.approx(expected, rel=0.08)
    assert value(found, "distortion_max") > 0.1


def test_magnification_is_taken_off() -> None:
    cover = geometry.mesh(SHAPE, pixel_mm=(P / 1.1, P / 1.1), pitch_mm=8.0)
    found = measure(cover, plane_mm=1000.0 / 1.1)
    assert value(found, "pixel_x") == pytest.approx(P, rel=3e-4)
    assert value(found, "pitch_x") == pytest.approx(8.8, rel=3e-4)


def test_a_ruler_along_its_direction() -> None:
    cover = geometry.ruler(SHAPE, pixel_mm=P * 1.01, pitch_mm=8.0, turn_deg=4.0)
    found = measure(cover)
    assert found.facts["pattern"] == "ruler"
    assert value(found, "pixel") == pytest.approx(P * 1.01, rel=3e-4)
    assert value(found, "spacing_error") == pytest.approx(100 * (1 / 1.01 - 1), abs=0.03)
    assert "pixel_x" not in found.values
    assert found.facts["along"] == "rows"
    down = measure(np.ascontiguousarray(np.rot90(cover)))
    assert down.facts["along"] == "columns"
    assert value(down, "pixel") == pytest.approx(P * 1.01, rel=3e-4)


def test_a_ruler_in_a_region_set_by_hand() -> None:
    cover = geometry.ruler(SHAPE, pixel_mm=P, pitch_mm=8.0)
    found = measure(cover, roi=[20, 260, 700, 380])
    assert value(found, "pixel") == pytest.approx(P, rel=3e-4)
    assert any("by hand" in w for w in found.warnings)


def test_uncertainties_cover_the_truth() -> None:
    z = []
    for seed in range(20):
        found = measure(mesh(1.01, 0.995, turn_deg=2.0), share=0.3, seed=seed)
        z += [(value(found, n) - t) / u(found, n)
              for n, t in (("pixel_x", P * 1.01), ("pixel_y", P * 0.995))]  # fmt: skip
    assert (np.abs(z) <= 2).mean() >= 0.85
    assert np.sqrt(np.mean(np.square(z))) <= 1.4


def test_negative_control_the_wrong_nominal_spacing_shows() -> None:
    found = measure(mesh(), pitch_mm=8.2)
    assert value(found, "spacing_error_x") == pytest.approx(100 * (8.0 / 8.2 - 1), abs=0.03)


@pytest.mark.parametrize("change", ["mirror", "inverted", "gain"])
def test_the_same_spacing_however_the_image_lies(change: str) -> None:
    pixels = 2000.0 * (1.0 - 0.8 * mesh(1.01, 0.995, turn_deg=3.0))
    other = {"mirror": pixels[:, ::-1], "inverted": 3000 - pixels, "gain": 5 * pixels + 7}[change]
    found = imaging.analyse(NAME, [planar.as_image(np.ascontiguousarray(other), P)], pitch_mm=8.0)
    assert value(found, "pixel_x") == pytest.approx(P * 1.01, rel=1e-4)
    assert value(found, "pixel_y") == pytest.approx(P * 0.995, rel=1e-4)


def test_refusals() -> None:
    flat = planar.flat_field(SHAPE, mean=1000, noise=20, seed=1)
    refused(NAME, [planar.as_image(flat, P)], "no-pattern", pitch_mm=8.0)
    pixels = 2000.0 * (1.0 - 0.8 * mesh())
    for pitch in (16.0, 4.0, 30.0, 9.5):
        refused(NAME, [planar.as_image(pixels, P)], "no-pattern", pitch_mm=pitch)
    refused(NAME, [planar.as_image(pixels, P)], "missing-parameter")
    refused(NAME, [planar.as_image(pixels, P)], "bad-parameter", pitch_mm=8.0, plane_mm=900.0)
    refused(NAME, [planar.as_image(pixels, None)], "no-pixel-spacing", pitch_mm=8.0)
    for seed in range(3):
        image = planar.as_image(planar.anatomy(seed=seed), P)
        error = refused(NAME, [image], "no-pattern", pitch_mm=8.0)
        assert "spacing" in error.message


def test_a_star_is_no_mesh() -> None:
    star = focal.star((600, 600), pixel_mm=P, spoke_deg=2.0, diameter_mm=45.0, magnification=2.0,
                      spot_mm=(0.6, 0.6))  # fmt: skip
    refused(NAME, [planar.as_image(2000 * star, P)], "no-pattern", pitch_mm=4.0)


def test_the_same_image_gives_the_same_bits() -> None:
    assert measure(mesh()).as_dict() == measure(mesh()).as_dict()


def test_the_rotation_is_that_of_the_ruler() -> None:
    found = measure(geometry.ruler(SHAPE, pixel_mm=P, pitch_mm=8.0, turn_deg=-6.0, width_mm=30.0))
    assert value(found, "rotation") == pytest.approx(-6.0, abs=0.5)
    assert math.isclose(value(found, "pitch"), 8.0, rel_tol=2e-3)
