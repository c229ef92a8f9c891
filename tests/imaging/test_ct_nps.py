"""Noise power spectrum of CT slices against closed forms (methods, cases 6 to 8), and refusals."""

from __future__ import annotations

import dataclasses
from functools import cache

import numpy as np
import pytest

from kerma import imaging
from kerma.core import Analysis, Image
from kerma.imaging.tools import square_noise
from kerma.simulate import ct, ct_objects
from tests.imaging.helpers import curve, refused, u, value
from tests.imaging.real import module, siemens

NAME = "ct-nps"
SHAPE, P, PEAK, SD = (360, 360), 0.5, 0.25, 6.0
CLEAN = ct.water_phantom(SHAPE, pixel_mm=P, diameter_mm=165.0)


def made(pixels: np.ndarray, z: float = 0.0, thickness: float = 5.0) -> Image:
    return ct.as_image(pixels, P, z_mm=z, thickness_mm=thickness)


def stack(count: int = 3, *, seed: int = 0, extra: np.ndarray | float = 0.0) -> list[Image]:
    return [
        made(
            CLEAN + extra + ct_objects.ramp_noise(
                SHAPE, pixel_mm=P, sd_hu=SD, peak_per_mm=PEAK, seed=100 * seed + k
            ),
            5.0 * k,
        )
        for k in range(count)
    ]  # fmt: skip


def measure(images: list[Image], **parameters: object) -> Analysis:
    return imaging.analyse(NAME, images, **parameters)


def truth(f: np.ndarray) -> np.ndarray:
    level = SD**2 / (2 * np.pi * PEAK**3 * np.sqrt(np.pi / 2))
    return level * f * np.exp(-(f**2) / (2 * PEAK**2))


@cache
def squares(kind: str, count: int, n: int = 64) -> np.ndarray:
    rng = np.random.default_rng(5)
    if kind == "white":
        return rng.normal(0, SD, (count, n, n))
    # Cut from squares twice as wide: the noise returns at their far side.
    white = rng.normal(0, SD, (count, 2 * n, 2 * n))
    f = np.hypot(np.fft.fftfreq(2 * n, P)[:, None], np.fft.fftfreq(2 * n, P)[None, :])
    response = np.exp(-2 * np.pi**2 * (0.6 * P) ** 2 * f**2)
    return np.fft.ifft2(np.fft.fft2(white) * response).real[:, :n, :n].copy()


@pytest.mark.parametrize("order", [0, 1, 2])
def test_case_6_white_noise_is_flat_at_sigma_squared_times_pixel_area(order: int) -> None:
    found = square_noise.measure(squares("white", 400), P, order)
    level = SD**2 * P**2
    assert found.radial.mean() == pytest.approx(level, rel=0.004)
    assert found.radial == pytest.approx(level, rel=0.06)
    assert found.self_check == pytest.approx(1.0, abs=1e-9)
    assert found.average().value == pytest.approx(0.25 / P, rel=0.01)
    assert found.peak() is None


def test_case_7_coloured_noise() -> None:
    found = square_noise.measure(squares("coloured", 400), P, 1)
    f = found.frequency_per_mm
    level = SD**2 * P**2 * np.exp(-4 * np.pi**2 * (0.6 * P) ** 2 * f**2)
    strong = level > 0.05 * level.max()
    assert found.radial[strong] == pytest.approx(level[strong], rel=0.08)
    assert (found.radial / level)[strong].mean() == pytest.approx(1.0, abs=0.015)


def test_case_8_a_quadratic_trend_is_taken_off_and_spoils_the_spectrum_if_not() -> None:
    white = squares("white", 200)
    rows, columns = np.indices(white.shape[1:]) / 64 - 0.5
    trend = 60 * (rows**2 + 0.5 * columns**2) + 30 * columns
    clean, trended = (square_noise.measure(w, P, 2) for w in (white, white + trend))
    assert trended.radial == pytest.approx(clean.radial, rel=1e-9)
    spoiled = square_noise.measure(white + trend, P, 0)
    assert spoiled.radial[0] > 3 * clean.radial[0]


def test_what_the_trend_takes_is_given_back() -> None:
    white = squares("white", 400)
    level = SD**2 * P**2
    found = square_noise.measure(white, P, 2)
    assert found.frequency_per_mm[0] > 1.5 * found.step_per_mm  # the first ring is left out
    assert found.radial[:3] == pytest.approx(level, rel=0.06)


def test_noise_of_filtered_back_projection() -> None:
    found = measure(stack(5))
    f, y, uy = curve(found, "Noise power spectrum")
    strong = truth(f) > 0.15 * truth(f).max()
    assert np.abs((y - truth(f)) / uy)[strong].max() < 4
    assert (y / truth(f))[strong].mean() == pytest.approx(1.0, abs=0.04)
    assert value(found, "noise") == pytest.approx(SD, rel=0.02)
    assert value(found, "nps_peak_frequency") == pytest.approx(PEAK, abs=0.03)
    assert value(found, "nps_average_frequency") == pytest.approx(
        PEAK * np.sqrt(np.pi / 2), rel=0.03
    )
    assert value(found, "integral_over_variance") == pytest.approx(1.0, abs=1e-9)
    assert value(found, "mean") == pytest.approx(0.0, abs=0.2)
    assert found.facts["squares"] == 5 * len([r for r in found.regions if r.frame == 0])


def test_the_uncertainty_covers_the_truth() -> None:
    z = []
    for seed in range(18):
        found = measure(stack(2, seed=seed))
        for name, expected in (
            ("noise", SD), ("nps_average_frequency", PEAK * np.sqrt(np.pi / 2)),
            ("nps_peak_frequency", PEAK),
        ):  # fmt: skip
            if name in found.values:
                z.append((value(found, name) - expected) / u(found, name))
    assert len(z) > 45
    assert (np.abs(z) <= 2).mean() >= 0.85
    assert 0.6 <= np.sqrt(np.mean(np.square(z))) <= 1.45


@pytest.mark.parametrize("layout", ["annulus", "centre", "grid"])
def test_squares_do_not_overlap_and_lie_in_the_water(layout: str) -> None:
    found = measure(stack(1), layout=layout)
    boxes = [np.array(r.points) for r in found.regions]
    for k, a in enumerate(boxes):
        assert np.hypot(*(a.mean(axis=0) - 179.5)) < 160
        for b in boxes[k + 1 :]:
            apart = np.abs(a.mean(axis=0) - b.mean(axis=0))
            assert apart.max() >= 50 - 1e-9
    assert len(boxes) == {"annulus": 8, "centre": 1, "grid": 21}[layout] or layout != "centre"


def test_differences_take_off_what_is_common_to_the_slices() -> None:
    rows, columns = np.indices(SHAPE)
    rings = 6.0 * np.sin(2 * np.pi * np.hypot(rows - 179.5, columns - 179.5) * P * 0.4)
    with_rings = measure(stack(6, extra=rings))
    apart = measure(stack(6, extra=rings), difference=True)
    assert value(with_rings, "noise") > 1.15 * SD
    assert value(apart, "noise") == pytest.approx(SD, rel=0.03)
    f, y, _ = curve(apart, "Noise power spectrum")
    assert y[np.argmin(np.abs(f - 0.25))] == pytest.approx(truth(np.array([0.25]))[0], rel=0.15)


def test_overlapping_slices_are_warned_of_in_differences() -> None:
    images = [dataclasses.replace(i, z_mm=0.5 * k) for k, i in enumerate(stack(4))]
    assert any("overlap" in w for w in measure(images, difference=True).warnings)


def test_a_square_with_something_in_it_is_left_out() -> None:
    bump = ct.with_insert(np.zeros(SHAPE), x=179.5, y=80.0, radius_px=6, change_hu=200.0)
    found = measure(stack(3, extra=bump))
    assert any("squares were left out" in w for w in found.warnings)
    assert value(found, "noise") == pytest.approx(SD, rel=0.03)


def test_squares_by_hand_are_recorded_and_said() -> None:
    regions = ((150, 150, 200, 200), (220, 150, 270, 200))
    found = measure(stack(2), regions=regions)
    assert found.provenance.parameters["regions"] == [list(r) for r in regions]
    assert any("set by hand" in w for w in found.warnings)
    assert any("rests on 4 squares" in w for w in found.warnings)


def test_pixel_size_scales_frequency_and_power() -> None:
    images = stack(2)
    wide = [dataclasses.replace(i, spacing_mm=(1.0, 1.0)) for i in images]
    one, two = measure(images), measure(wide, side_mm=50.0)
    assert value(two, "nps_average_frequency") == pytest.approx(
        value(one, "nps_average_frequency") / 2, rel=0.1
    )
    assert value(two, "noise") == pytest.approx(value(one, "noise"), rel=0.05)


def test_refusals() -> None:
    inserts = CLEAN.copy()
    for k in range(12):
        t = 2 * np.pi * k / 12
        inserts = ct.with_insert(
            inserts, x=179.5 + 85 * np.cos(t), y=179.5 + 85 * np.sin(t), radius_px=14, change_hu=150
        )
    held = made(inserts + ct.noise(SHAPE, sd_hu=5, seed=1))
    refused(NAME, [held], "not-uniform", radius_mm=70.0, annulus_mm=42.5)
    refused(NAME, [made(CLEAN)], "parseval")
    refused(NAME, stack(1), "too-few-slices", difference=True)
    refused(NAME, stack(1), "region-too-small", side_mm=2.0)
    refused(NAME, stack(1), "region-too-small", side_mm=120.0)
    refused(NAME, stack(1), "not-square-region", regions=((10, 10, 60, 90),))
    refused(NAME, stack(1), "region-outside-image", regions=((300, 300, 400, 400),))
    refused(NAME, stack(1), "bad-parameter", layout="spiral")
    refused(NAME, stack(1), "bad-parameter", detrend=3)
    refused(NAME, [ct.as_image(ct.anatomy(seed=1), 0.7)], "clinical-looking")
    refused(NAME, [], "no-images")
    refused(NAME, [dataclasses.replace(stack(1)[0], spacing_mm=None)], "no-pixel-spacing")


def test_the_same_images_give_the_same_bits() -> None:
    images = stack(2)
    assert measure(images).as_dict() == measure(images).as_dict()


def test_real_water_and_the_real_homogeneous_module() -> None:
    head, body = measure(siemens("003")), measure(siemens("004"))
    assert value(head, "noise") == pytest.approx(3.46, abs=0.1)
    assert value(body, "noise") == pytest.approx(3.81, abs=0.1)
    assert value(body, "nps_peak_frequency") == pytest.approx(0.23, abs=0.03)
    assert value(body, "nps_average_frequency") == pytest.approx(0.267, abs=0.015)
    found = measure(module("CTP486"), radius_mm=70.0)
    assert value(found, "noise") == pytest.approx(7.11, abs=0.2)
    assert value(found, "mean") == pytest.approx(12.8, abs=0.3)
    refused(NAME, module("CTP404_FOV150"), "phantom-cut-off")
    refused(NAME, siemens("001"), "localiser")
