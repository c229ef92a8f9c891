"""The homogeneous module of a CatPhan by itself: uniformity, noise, refusals."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from kerma import imaging
from kerma.core import Analysis, Image, KermaError
from kerma.imaging.registry import find
from kerma.simulate import ct
from kerma.simulate.catphan import CatphanScan, catphan_series
from kerma.simulate.ct_modules import ModuleScan, homogeneous_module, insert_module
from tests.imaging.helpers import refused, u, value
from tests.imaging.real import module, siemens

NAME = "ct-ctp486"
SMALL = ModuleScan(matrix=380, pixel_mm=0.6, noise_hu=6.0)


def scan(*, hu: float = 12.0, cup: float = 0.0, **more: object) -> list[Image]:
    given = dataclasses.replace(SMALL, **more)  # type: ignore[arg-type]
    return homogeneous_module(given, hu=hu, cup_hu=cup)


def measure(images: list[Image], **parameters: object) -> Analysis:
    return imaging.analyse(NAME, images, **parameters)


@pytest.mark.parametrize("hu", [-8.0, 12.0])
def test_known_values_come_back(hu: float) -> None:
    found = measure(scan(hu=hu, centre_mm=(4.0, -3.0)))
    for place in ("centre", "top", "right", "bottom", "left"):
        name = f"uniformity_{place}"
        assert value(found, name) == pytest.approx(hu, abs=4 * u(found, name)), name
    assert value(found, "noise") == pytest.approx(6.0, abs=4 * u(found, "noise"))
    assert value(found, "nps_noise") == pytest.approx(6.0, rel=0.03)
    assert value(found, "nps_peak_frequency") == pytest.approx(0.3, abs=0.04)
    assert value(found, "nps_average_frequency") == pytest.approx(
        0.3 * np.sqrt(np.pi / 2), rel=0.04
    )
    assert value(found, "nps_integral_over_variance") == pytest.approx(1.0, abs=1e-9)


def test_planted_cupping_is_the_difference() -> None:
    found = measure(scan(cup=20.0, noise_hu=0.5))
    # Quadratic to 75 mm; discs of 10 mm at 53 mm and in the middle.
    expected = 20.0 * ((53.0**2 + 50.0) - 50.0) / 75.0**2
    assert value(found, "uniformity_max_difference") == pytest.approx(expected, abs=0.3)
    edge = 1012 + 20 * (53.0**2 + 50) / 75**2
    middle = 1012 + 20 * 50 / 75**2
    integral = 100 * (edge - middle) / (edge + middle)
    assert value(found, "integral_nonuniformity") == pytest.approx(integral, abs=0.03)


def test_the_uncertainty_covers_the_truth() -> None:
    z = []
    for seed in range(1, 9):
        found = measure(scan(seed=seed, slices=2))
        z += [
            (value(found, f"uniformity_{p}") - 12.0) / u(found, f"uniformity_{p}")
            for p in ("centre", "top", "left")
        ]
        z.append((value(found, "noise") - 6.0) / u(found, "noise"))
    assert (np.abs(z) <= 2).mean() >= 0.85
    assert 0.35 <= np.sqrt(np.mean(np.square(z))) <= 1.4


def test_by_hand_is_recorded_and_said() -> None:
    found = measure(scan(), centre_px=(189.5, 189.5))
    assert any("set by hand" in w for w in found.warnings)
    assert found.provenance.parameters["centre_px"] == [189.5, 189.5]


def test_other_things_are_refused() -> None:
    water = ct.water_phantom() + ct.noise((512, 512), sd_hu=4, seed=1)
    refused(NAME, [ct.as_image(water, 0.5)], "wrong-phantom")
    bare = ct.water_phantom(wall_mm=0.0) + ct.noise((512, 512), sd_hu=4, seed=1)
    error = refused(NAME, [ct.as_image(bare, 0.5)], "wrong-phantom")
    assert "gap" in error.message
    refused(NAME, insert_module(SMALL), "wrong-phantom")
    refused(NAME, scan(hu=90.0), "wrong-phantom")
    refused(NAME, [ct.as_image(ct.anatomy(seed=1), 0.7)], "not-round")
    refused(NAME, scan(scale=1.0, pixel_mm=0.5), "phantom-cut-off")
    small = ct.water_phantom(diameter_mm=160.0) + ct.noise((512, 512), sd_hu=4, seed=1)
    refused(NAME, [ct.as_image(small, 0.5)], "wrong-phantom")
    spoiled = ct.with_insert(scan()[0].pixels, x=200, y=200, radius_px=10, change_hu=50)
    refused(NAME, [ct.as_image(spoiled, 0.6)], "wrong-phantom")
    refused(NAME, [], "no-images")
    refused(NAME, scan(), "bad-parameter", layout="spiral")


def test_recognition_and_a_whole_catphan() -> None:
    recognise, water = find(NAME).recognise, find("ct-water").recognise
    assert recognise is not None
    assert water is not None
    images = scan()
    assert "150 mm" in recognise(images)
    with pytest.raises(KermaError):
        water(images)
    whole = catphan_series(
        CatphanScan(model="catphan504", increment_mm=10.0, matrix=200, pixel_mm=1.1, body_hu=10.0)
    )
    for ask in (recognise, water):
        with pytest.raises(KermaError):
            ask(whole)


def test_the_same_images_give_the_same_bits() -> None:
    images = scan()
    assert measure(images).as_dict() == measure(images).as_dict()


def test_the_real_module() -> None:
    found = measure(module("CTP486"))
    assert value(found, "uniformity_centre") == pytest.approx(12.65, abs=0.8)
    assert value(found, "uniformity_max_difference") < 1.5
    assert value(found, "noise") == pytest.approx(7.32, abs=0.3)
    assert value(found, "nps_peak_frequency") == pytest.approx(0.20, abs=0.03)
    refused(NAME, module("CTP591_06mm"), "wrong-phantom")
    refused(NAME, module("CTP404_FOV150"), "phantom-cut-off")
    refused(NAME, siemens("004"), "wrong-phantom")
    refused(NAME, siemens("001"), "localiser")
