"""The bead module of a CatPhan 600 by itself: slice thickness, MTF, refusals."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from kerma import imaging
from kerma.core import Analysis, Image, KermaError
from kerma.dicom.pixels import read_images
from kerma.imaging.registry import find
from kerma.simulate import ct
from kerma.simulate.catphan import CatphanScan, catphan_series
from kerma.simulate.ct_modules import ModuleScan, bead_module, homogeneous_module, insert_module
from tests.imaging.helpers import refused, u, value
from tests.imaging.real import module, siemens
from tests.shared import shared_path

NAME = "ct-ctp591"
SMALL = ModuleScan(matrix=420, pixel_mm=0.5, sigma_mm=0.5, thickness_mm=1.0, profile="gaussian")
HALF = float(np.sqrt(np.log(2) / 2) / np.pi / 0.5)


def scan(**more: object) -> list[Image]:
    return bead_module(dataclasses.replace(SMALL, **more))  # type: ignore[arg-type]


def measure(images: list[Image], **parameters: object) -> Analysis:
    return imaging.analyse(NAME, images, **parameters)


@pytest.mark.parametrize("roll", [0.0, -5.5, 137.0])
def test_known_values_come_back_at_any_roll(roll: float) -> None:
    found = measure(scan(roll_deg=roll, centre_mm=(2.0, -1.5), noise_hu=8.0))
    off = (value(found, "roll") - roll + 180) % 360 - 180
    assert off == pytest.approx(0.0, abs=0.3)
    assert value(found, "slice_thickness_beads_fine") == pytest.approx(1.0, rel=0.05)
    assert value(found, "mtf50") == pytest.approx(HALF, abs=3 * u(found, "mtf50"))
    assert "slice_thickness_beads_coarse" not in found.values
    assert any("too coarse" in w for w in found.warnings)


def test_thick_slices_use_the_coarse_rows_too() -> None:
    found = measure(scan(thickness_mm=2.5, slices=3))
    assert value(found, "slice_thickness_beads_coarse") == pytest.approx(2.5, rel=0.04)


def test_the_uncertainty_covers_the_truth() -> None:
    z = []
    for seed in range(1, 5):
        found = measure(scan(seed=seed, noise_hu=20.0, slices=2, roll_deg=1.5))
        name = "slice_thickness_beads_fine"
        z.append((value(found, name) - 1.0) / u(found, name))
        z.append((value(found, "mtf50") - HALF) / u(found, "mtf50"))
    assert (np.abs(z) <= 2).mean() >= 0.75
    assert 0.15 <= np.sqrt(np.mean(np.square(z))) <= 1.5


def test_by_hand_is_recorded_and_said() -> None:
    found = measure(scan(roll_deg=2.0), centre_px=(209.5, 209.5), roll_deg=2.0)
    assert sum("set by hand" in w for w in found.warnings) == 2
    assert found.provenance.parameters["roll_deg"] == 2.0
    assert found.values["roll"].u is None
    refused(NAME, scan(roll_deg=2.0), "wrong-phantom", roll_deg=20.0)


def test_other_things_are_refused() -> None:
    refused(NAME, insert_module(SMALL), "wrong-phantom")
    refused(NAME, homogeneous_module(dataclasses.replace(SMALL, noise_hu=5.0)), "wrong-phantom")
    water = ct.water_phantom() + ct.noise((512, 512), sd_hu=4, seed=1)
    refused(NAME, [ct.as_image(water, 0.5)], "wrong-phantom")
    refused(NAME, [ct.as_image(ct.anatomy(seed=1), 0.7)], "not-round")
    rng = np.random.default_rng(3)
    places = [(209.5 + x, 209.5 + y) for x, y in rng.uniform(-85, 85, (25, 2))]
    spots = ct.wires((420, 420), places, pixel_mm=0.5, sigma_mm=0.5, peak_hu=900.0)
    scattered = homogeneous_module(dataclasses.replace(SMALL, noise_hu=5.0))[0].pixels + spots
    refused(NAME, [ct.as_image(scattered, 0.5)], "wrong-phantom")
    refused(NAME, [], "no-images")
    refused(NAME, scan(), "bad-parameter", wire_diameter_mm=3.0)


def test_recognition_and_a_whole_catphan() -> None:
    recognise = find(NAME).recognise
    assert recognise is not None
    assert "rows of beads" in recognise(scan(noise_hu=10.0))
    given = CatphanScan(
        model="catphan600", increment_mm=15.0, matrix=200, pixel_mm=1.1, first_mm=-160, last_mm=20
    )
    whole = catphan_series(given)
    with pytest.raises(KermaError):
        recognise(whole)


def test_the_same_images_give_the_same_bits() -> None:
    images = scan(noise_hu=10.0)
    assert measure(images).as_dict() == measure(images).as_dict()


def test_the_real_module() -> None:
    found = measure(module("CTP591_06mm"))
    assert "54 of 54" in found.facts["identity"]
    assert value(found, "slice_thickness_beads_fine") == pytest.approx(
        0.71, abs=0.08
    )  # helical 0.6
    assert value(found, "mtf50") == pytest.approx(0.78, abs=0.15)
    assert value(found, "roll") == pytest.approx(0.0, abs=0.3)


def test_real_things_that_are_not_the_module() -> None:
    refused(NAME, module("CTP486"), "wrong-phantom")
    refused(NAME, module("CTP404_FOV150"), "phantom-cut-off")
    refused(NAME, siemens("004"), "wrong-phantom")
    series = read_images(shared_path("dicom/phantoms/ct-catphan504-cbct/series.zip"))
    for low, high in ((-5, 5), (25, 35), (-35, -25)):
        part = [i for i in series if i.z_mm is not None and low < i.z_mm < high]
        refused(NAME, part, "wrong-phantom")
