"""The insert module of a CatPhan by itself: values, roll, both ends, refusals."""

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
from kerma.simulate.ct_modules import ModuleScan, homogeneous_module, insert_module
from tests.imaging.helpers import centre_of_points, refused, u, value
from tests.imaging.real import module, siemens
from tests.shared import shared_path

NAME = "ct-ctp404"
SMALL = ModuleScan(matrix=380, pixel_mm=0.55)
NOMINAL = {
    "hu_air_top": -1000, "hu_pmp": -196, "hu_ldpe": -104, "hu_polystyrene": -47,
    "hu_air_bottom": -1000, "hu_acrylic": 115, "hu_delrin": 366, "hu_teflon": 1000,
}  # fmt: skip


def scan(**more: object) -> list[Image]:
    return insert_module(dataclasses.replace(SMALL, **more))  # type: ignore[arg-type]


def measure(images: list[Image], **parameters: object) -> Analysis:
    return imaging.analyse(NAME, images, **parameters)


@pytest.mark.parametrize("mirrored", [False, True])
@pytest.mark.parametrize("roll", [0.0, 4.0, -61.0, 180.0])
def test_at_any_roll_from_either_end(roll: float, *, mirrored: bool) -> None:
    found = measure(scan(roll_deg=roll, mirrored=mirrored, centre_mm=(3.0, -2.0)))
    off = (value(found, "roll") - roll + 180) % 360 - 180
    assert off == pytest.approx(0.0, abs=0.1)
    for name, hu in NOMINAL.items():
        assert value(found, name) == pytest.approx(hu, abs=1.0), name
    assert value(found, "rod_spacing_mean") == pytest.approx(50.0, abs=0.05)
    assert value(found, "slice_thickness") == pytest.approx(2.5, rel=0.01)
    x, y = centre_of_points(found, "Middle of the module")
    assert ((x - 189.5) * 0.55, (y - 189.5) * 0.55) == pytest.approx((3.0, -2.0), abs=0.1)
    assert any("other end" in w for w in found.warnings) == mirrored


def test_an_insert_that_is_off_and_a_wrong_scale_are_measured() -> None:
    found = measure(scan(hu={"delrin": 340.0, "teflon": 930.0}, scale=1.01))
    assert value(found, "hu_delrin") == pytest.approx(340.0, abs=1.0)
    assert value(found, "linearity_max_deviation") == pytest.approx(70.0, abs=1.0)
    assert value(found, "linearity_slope") == pytest.approx(0.967, abs=0.01)
    assert value(found, "rod_spacing_mean") == pytest.approx(50.5, abs=0.05)
    assert value(found, "rod_spacing_max_error") == pytest.approx(0.5, abs=0.06)


def test_a_vial_of_water_is_left_out_of_the_linearity() -> None:
    found = measure(scan(hu={"air_top": 0.0}))
    assert value(found, "hu_air_top") == pytest.approx(0.0, abs=1.0)
    assert value(found, "linearity_slope") == pytest.approx(1.0, abs=0.002)
    assert any("vial" in w for w in found.warnings)


@pytest.mark.parametrize(("thickness", "profile"), [(1.0, "box"), (5.0, "box"), (2.0, "gaussian")])
def test_slice_thickness(thickness: float, profile: str) -> None:
    found = measure(scan(thickness_mm=thickness, profile=profile))
    assert value(found, "slice_thickness_corrected") == pytest.approx(thickness, rel=0.015)


def test_the_outline_need_not_be_in_the_image() -> None:
    found = measure(scan(matrix=300, pixel_mm=0.46))
    assert value(found, "hu_ldpe") == pytest.approx(-104, abs=1.0)
    refused(
        NAME,
        scan(matrix=260, pixel_mm=0.46),
        "phantom-cut-off",
        centre_px=(129.5, 129.5),
        roll_deg=0.0,
    )


def test_the_uncertainty_covers_the_truth() -> None:
    z = []
    for seed in range(1, 6):
        found = measure(scan(noise_hu=8.0, seed=seed, roll_deg=2.0))
        z += [(value(found, k) - v) / u(found, k) for k, v in NOMINAL.items()]
        z += [
            (value(found, "rod_spacing_mean") - 50.0) / u(found, "rod_spacing_mean"),
            (value(found, "slice_thickness") - 2.5) / u(found, "slice_thickness"),
            (value(found, "roll") - 2.0) / u(found, "roll"),
        ]
    assert (np.abs(z) <= 2).mean() >= 0.85
    assert 0.5 <= np.sqrt(np.mean(np.square(z))) <= 1.5


def test_by_hand_is_recorded_and_said() -> None:
    images = scan(roll_deg=3.0)
    found = measure(images, centre_px=(189.5, 189.5), roll_deg=3.0)
    assert any("set by hand" in w for w in found.warnings)
    assert found.provenance.parameters["roll_deg"] == 3.0
    assert found.values["roll"].u is None
    refused(NAME, images, "wrong-phantom", centre_px=(189.5, 189.5), roll_deg=40.0)
    refused(NAME, images, "bad-parameter", roll_deg=3.0)


def test_other_things_are_refused() -> None:
    refused(NAME, homogeneous_module(SMALL), "wrong-phantom")
    water = ct.water_phantom() + ct.noise((512, 512), sd_hu=4, seed=1)
    refused(NAME, [ct.as_image(water, 0.5)], "wrong-phantom")
    refused(NAME, [ct.as_image(ct.anatomy(seed=1), 0.7)], "wrong-phantom")
    refused(NAME, [], "no-images")
    bone = {"pmp": 237.0, "delrin": 725.0}
    refused(NAME, scan(hu=bone), "wrong-phantom")
    other = catphan_series(
        CatphanScan(model="catphan604", first_mm=-2.5, last_mm=2.5, matrix=300, pixel_mm=0.75)
    )
    refused(NAME, other, "wrong-phantom")
    empty = dataclasses.replace(scan()[0], pixels=np.zeros((380, 380)))
    refused(NAME, [empty], "constant-image")


def test_one_slice_that_is_not_of_the_module_is_refused() -> None:
    images = [*scan(), dataclasses.replace(homogeneous_module(SMALL)[0], z_mm=10.0)]
    refused(NAME, images, "wrong-phantom")


def test_recognition_and_a_whole_catphan() -> None:
    recognise = find(NAME).recognise
    assert recognise is not None
    assert "eight inserts" in recognise(scan(noise_hu=6.0))
    whole = catphan_series(
        CatphanScan(model="catphan504", increment_mm=10.0, matrix=200, pixel_mm=1.1)
    )
    with pytest.raises(KermaError) as caught:
        recognise(whole)
    assert caught.value.code == "wrong-phantom"


def test_the_same_images_give_the_same_bits() -> None:
    images = scan(noise_hu=5.0)
    assert measure(images).as_dict() == measure(images).as_dict()


def test_the_real_module_with_a_small_field_of_view() -> None:
    found = measure(module("CTP404_FOV150"))
    assert abs(value(found, "roll")) == pytest.approx(179.86, abs=0.2)  # a CatPhan 600
    assert value(found, "rod_spacing_mean") == pytest.approx(50.00, abs=0.03)
    assert value(found, "slice_thickness") == pytest.approx(4.75, abs=0.1)  # nominal 4.8
    for name, hu in {"hu_acrylic": 125.9, "hu_ldpe": -91.3, "hu_delrin": 340.8}.items():
        assert value(found, name) == pytest.approx(hu, abs=1.0)


def test_real_cone_beam_slices_beside_another_program() -> None:
    # pylinac 3.49.0 on the same series (docs/methods/ct-catphan.md), run outside of this project.
    series = read_images(shared_path("dicom/phantoms/ct-catphan504-cbct/series.zip"))
    found = measure([i for i in series if i.z_mm is not None and abs(i.z_mm) < 4])
    theirs = {"hu_pmp": -185, "hu_ldpe": -94, "hu_acrylic": 119, "hu_delrin": 334, "hu_teflon": 971}
    for name, hu in theirs.items():
        assert value(found, name) == pytest.approx(hu, abs=4.0), name
    assert value(found, "rod_spacing_mean") == pytest.approx(49.95, abs=0.05)
    assert value(found, "roll") == pytest.approx(-2.54, abs=0.1)
    refused(NAME, series, "wrong-phantom")
    other = read_images(shared_path("dicom/phantoms/ct-catphan604-cbct/series.zip"))
    error = refused(
        NAME, [i for i in other if i.z_mm is not None and abs(i.z_mm) < 3], "wrong-phantom"
    )
    assert "604" in error.message


def test_real_things_that_are_not_the_module() -> None:
    refused(NAME, module("CTP486"), "wrong-phantom")
    refused(NAME, module("CTP591_06mm"), "wrong-phantom")
    refused(NAME, siemens("001"), "localiser")
    refused(NAME, siemens("004"), "wrong-phantom")
