"""Detectability against closed forms (methods, case 24), by images and by tables; refusals."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kerma import imaging
from kerma.core import Analysis, Image
from kerma.imaging.tools.detectability import (
    Eye,
    detectability,
    disc_task,
    gaussian_task,
)
from kerma.simulate import ct, ct_objects, examples
from tests.imaging.helpers import curve, refused, u, value
from tests.imaging.real import module, siemens

NAME, CURVES = "ct-detectability", "ct-detectability-curves"
FWHM = 2 * math.sqrt(2 * math.log(2))
SHAPE, P, S, PEAK, SD = (300, 300), 0.5, 0.6, 0.25, 5.0
F = np.linspace(0.0, 3.0, 2001)


@settings(max_examples=20, deadline=None)
@given(c=st.floats(1, 200), b=st.floats(0.7, 4), s=st.floats(0.3, 1.5), level=st.floats(1, 1e4))
def test_case_24_gaussian_task_gaussian_resolution_white_noise(
    c: float, b: float, s: float, level: float
) -> None:
    ttf = np.exp(-2 * (np.pi * s * F) ** 2)
    found = detectability(F, gaussian_task(F, c, b * FWHM), ttf, np.full_like(F, level))
    truth = c * 2 * np.pi * b**2 / np.sqrt(level * 4 * np.pi * (b**2 + s**2))
    assert float(found) == pytest.approx(truth, rel=1e-6)


def test_npwe_with_a_power_law_eye_in_closed_form() -> None:
    # E² = K f^2n exp(-2 c f²): Gaussian integrals of odd powers, 2 pi ∫ f^(2m+1) exp(-k f²) df
    # = pi m!/k^(m+1). With n = 1 and n = 2.
    b, s, level = 1.5, 0.5, 40.0
    for n in (1, 2):
        eye = Eye(power=float(n), peak_per_deg=4.0, distance_mm=500.0, zoom=1.0)
        c = n / 2 * (500.0 * math.radians(1) / 4.0) ** 2  # exp(-c f²) in E
        k2, k4 = 4 * np.pi**2 * (b**2 + s**2) + 2 * c, 4 * np.pi**2 * (b**2 + s**2) + 4 * c
        scale = float(eye(np.array([0.1]))[0]) / (0.1**n * math.exp(-c * 0.01))
        amplitude = (10 * 2 * np.pi * b**2) ** 2
        top = amplitude * scale**2 * np.pi * math.factorial(n) / k2 ** (n + 1)
        bottom = amplitude * level * scale**4 * np.pi * math.factorial(2 * n) / k4 ** (2 * n + 1)
        found = detectability(
            F, gaussian_task(F, 10.0, b * FWHM), np.exp(-2 * (np.pi * s * F) ** 2),
            np.full_like(F, level), eye(F),
        )  # fmt: skip
        assert float(found) == pytest.approx(top / math.sqrt(bottom), rel=1e-5)


def test_a_sharp_disc_in_white_noise_is_the_matched_filter() -> None:
    # TTF = 1: d' = C sqrt(area/NPS); the tail of the disc's spectrum beyond 60/mm is 0.1 %.
    f = np.linspace(0, 60.0, 60001)
    found = detectability(f, disc_task(f, 8.0, 5.0), np.ones_like(f), np.full_like(f, 30.0))
    assert float(found) == pytest.approx(8.0 * math.sqrt(np.pi * 2.5**2 / 30.0), rel=2e-3)


def test_the_eye_peaks_where_it_says_and_zoom_stretches_it() -> None:
    eye = Eye(1.3, 4.0, 500.0, 1.0)
    peak = F[int(np.argmax(eye(F)))]
    assert peak == pytest.approx(4.0 / (500.0 * math.radians(1)), abs=2e-3)
    assert eye(F).max() == pytest.approx(1.0, abs=1e-5)
    assert Eye(1.3, 4.0, 500.0, 2.0)(2 * F) == pytest.approx(eye(F), abs=1e-12)
    assert Eye(1.3, 4.0, 1000.0, 2.0)(F) == pytest.approx(eye(F), abs=1e-12)


def rod(contrast: float, x: float, y: float) -> np.ndarray:
    return ct_objects.rod(
        SHAPE, (x, y), pixel_mm=P, radius_mm=9.0, sigma_mm=S, contrast_hu=contrast
    )


PLAIN = ct.water_phantom(SHAPE, pixel_mm=P, diameter_mm=142.0, wall_mm=3.0)
RODS = PLAIN + rod(60.0, 205.2, 150.1) + rod(-200.0, 110.3, 189.8)


def slices(seed: int = 0, rods: int = 5, uniform: int = 5) -> list[Image]:
    made = []
    for k in range(rods + uniform):
        grain = ct_objects.ramp_noise(
            SHAPE, pixel_mm=P, sd_hu=SD, peak_per_mm=PEAK, seed=100 * seed + k
        )
        signal = RODS if k < rods else PLAIN
        made.append(ct.as_image(signal + grain, P, z_mm=2.5 * k, thickness_mm=2.5))
    return made


def measure(images: list[Image], **parameters: object) -> Analysis:
    given = {"contrast_hu": 30.0, "diameter_mm": 4.0, **parameters}
    return imaging.analyse(NAME, images, **given)


def truth(contrast: float = 30.0, diameter: float = 4.0) -> dict[str, float]:
    f = np.linspace(0, 0.5 / P, 4001)
    level = SD**2 / (2 * np.pi * PEAK**3 * np.sqrt(np.pi / 2))
    nps = level * f * np.exp(-(f**2) / (2 * PEAK**2))
    ttf, task = np.exp(-2 * (np.pi * S * f) ** 2), disc_task(f, contrast, diameter)
    return {
        "d_npw": float(detectability(f, task, ttf, nps)),
        "d_npwe": float(detectability(f, task, ttf, nps, Eye()(f))),
    }


def test_from_images_in_one_call() -> None:
    found = measure(slices())
    for name, expected in truth().items():
        assert value(found, name) == pytest.approx(expected, rel=0.08), name
    assert found.facts["rod_slices"] == [0, 1, 2, 3, 4]
    assert found.facts["noise_slices"] == [5, 6, 7, 8, 9]
    # Of the two rods the one nearer the task in contrast.
    assert value(found, "rod_contrast") == pytest.approx(60.0, abs=2.0)
    assert found.facts["task"]["viewing_distance_mm"] == 500.0
    assert {c.name for c in found.curves} >= {
        "TTF rod2",
        "Noise power spectrum",
        "Task",
        "Eye filter",
    }


def test_the_uncertainty_covers_the_truth() -> None:
    z = []
    for seed in range(1, 9):
        found = measure(slices(seed), rod_centre=(205.0, 150.0))
        z += [(value(found, k) - v) / u(found, k) for k, v in truth().items()]
    assert (np.abs(z) <= 2).mean() >= 0.75
    assert 0.4 <= np.sqrt(np.mean(np.square(z))) <= 1.6


def test_contrast_scales_and_a_far_contrast_is_warned_of() -> None:
    one, ten = measure(slices(), contrast_hu=30.0), measure(slices(), contrast_hu=3.0)
    assert value(one, "d_npw") == pytest.approx(10 * value(ten, "d_npw"), rel=1e-9)
    assert any("resolution depends on the contrast" in w for w in ten.warnings)
    assert not any("resolution depends" in w for w in one.warnings)


def test_slices_and_rod_by_hand_are_recorded_and_said() -> None:
    found = measure(
        slices(), rod_slices=(0, 1, 2), noise_slices=(8, 9), rod_centre=(205, 150),
        noise_regions=((120, 120, 170, 170),),
    )  # fmt: skip
    assert found.facts["rod_slices"] == [0, 1, 2]
    assert found.facts["noise_slices"] == [8, 9]
    assert sum("set by hand" in w for w in found.warnings) >= 3
    assert found.provenance.parameters["rod_centre"] == [205, 150]


def test_by_table() -> None:
    example = examples.make(CURVES)
    found = imaging.analyse(CURVES, (), **example.parameters)
    assert value(found, "d_npw") == pytest.approx(example.truth["d_npw"], rel=1e-5)
    assert 0 < value(found, "d_npwe") < value(found, "d_npw")
    f, task, _ = curve(found, "Task")
    assert task[0] == pytest.approx(12.0 * 2 * np.pi * 1.3**2, rel=1e-6)
    assert f[0] == 0.0


def test_refusals() -> None:
    refused(NAME, slices(), "missing-parameter", diameter_mm=4.0)
    refused(NAME, slices(), "bad-parameter", contrast_hu=0.0, diameter_mm=4.0)
    refused(NAME, slices(), "bad-parameter", contrast_hu=9.0, diameter_mm=4.0, task="star")
    task = {"contrast_hu": 30.0, "diameter_mm": 4.0}
    refused(NAME, slices(rods=3, uniform=0), "no-uniform-slices", **task)
    refused(NAME, slices(rods=0, uniform=3), "no-rods", **task)
    refused(NAME, slices(), "bad-parameter", **task, noise_slices=(40,))
    refused(NAME, slices(rods=1, uniform=2), "rod-in-noise", **task, least_total_cnr=400.0)
    refused(NAME, [], "no-images", **task)
    refused(NAME, siemens("001"), "localiser", **task)
    refused(NAME, [ct.as_image(ct.anatomy(seed=2), 0.7)], "clinical-looking", **task)
    table = dict(examples.make(CURVES).parameters)
    refused(CURVES, [], "bad-parameter", **{**table, "ttf": [1.0, 0.5]})
    refused(CURVES, [], "bad-parameter", **{**table, "nps_hu2_mm2": [-1.0] * 2501})
    refused(CURVES, [], "bad-parameter", **{**table, "nps_hu2_mm2": [0.0] * 2501})
    refused(CURVES, [], "bad-parameter", **{**table, "frequency_per_mm": [1.0] * 2501})


def test_the_same_images_give_the_same_bits() -> None:
    assert measure(slices()).as_dict() == measure(slices()).as_dict()


def test_real_modules_of_one_kernel() -> None:
    # CTP404 alone holds plain plastic in its middle: squares by hand there.
    found = imaging.analyse(
        NAME, module("CTP404_FOV150"), contrast_hu=-100.0, diameter_mm=5.0, noise_slices=(0, 1, 2),
        rod_slices=(0, 1, 2), noise_regions=((170, 200, 220, 250),),
    )  # fmt: skip
    assert value(found, "ttf50") == pytest.approx(0.345, abs=0.02)
    assert value(found, "noise") == pytest.approx(4.6, abs=0.4)
    assert value(found, "d_npwe") < value(found, "d_npw")
