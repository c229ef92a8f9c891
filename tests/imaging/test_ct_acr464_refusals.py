"""What the ACR phantom analysis refuses, and what a field of view too small for it costs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from kerma.core import Analysis, Image, InputError, KermaError
from kerma.imaging.phantoms._acr_spec import load_acr
from kerma.imaging.registry import find
from kerma.simulate import ct
from kerma.simulate.acr464 import AcrObject, acr_series
from kerma.simulate.catphan import CatphanScan, catphan_series
from kerma.simulate.cylinder import AIR_HU, Scan, series
from tests.shared import shared_path

HU, MM = 1.0, 0.1
SMALL: dict[str, Any] = {"matrix": 360, "pixel_mm": 0.62, "increment_mm": 5.0, "thickness_mm": 5.0}
QUICK: dict[str, Any] = {**SMALL, "first_mm": -20.0, "last_mm": 140.0}


def refusal(images: Sequence[Image], **parameters: Any) -> KermaError:
    with pytest.raises(KermaError) as caught:
        find("ct-acr464").run(images, **parameters)
    assert caught.value.message.endswith(".")
    return caught.value


@pytest.fixture(scope="module")
def whole() -> list[Image]:
    return acr_series(Scan(**QUICK))


def water(scan: Scan) -> list[Image]:
    return series(scan, 100.0, lambda part: part.body(100.0, 0.0, low=-500, high=500))


def test_the_whole_is_accepted_and_recognised(whole):
    assert find("ct-acr464").run(whole).status == "measured"
    evidence = find("ct-acr464").recognise
    assert evidence is not None
    assert "four rods" in evidence(whole)


@pytest.mark.parametrize("model", ["catphan504", "catphan604"])
def test_a_catphan_is_refused(model):
    images = catphan_series(
        CatphanScan(model=model, matrix=240, pixel_mm=0.9, increment_mm=3, first_mm=-90, last_mm=60)
    )
    assert refusal(images).code == "wrong-phantom"


@pytest.mark.parametrize("model", ["504", "604"])
def test_a_real_catphan_is_refused(model):
    from kerma.dicom.pixels import read_images

    images = read_images(shared_path(f"dicom/phantoms/ct-catphan{model}-cbct/series.zip"))
    assert refusal(images).code == "wrong-phantom"


def test_water_is_refused():
    assert refusal(water(Scan(**SMALL, noise_hu=8))).code == "wrong-phantom"


def test_rods_without_the_other_modules_are_refused():
    def only_rods(part: Any) -> None:
        part.body(100.0, 0.0, low=-500, high=500)
        for item in load_acr().inserts.items:
            xy = load_acr().inserts.xy_mm(item)
            part.rod(xy, 12.5, item.nominal_hu, -20, 20)

    assert refusal(series(Scan(**SMALL), 100.0, only_rods)).code == "wrong-phantom"


def test_a_wrong_material_is_refused_by_name():
    error = refusal(acr_series(Scan(**SMALL), AcrObject(hu={"acrylic": 300})))
    assert error.code == "wrong-phantom"
    assert "acrylic" in error.message


def test_an_uncalibrated_scanner_is_refused():
    assert refusal(acr_series(Scan(**SMALL, shift=120.0))).code == "wrong-phantom"


def test_positions_running_the_wrong_way_are_refused():
    images = acr_series(Scan(**SMALL, first_mm=-140, last_mm=140))
    assert refusal([replace(i, z_mm=-(i.z_mm or 0.0)) for i in images]).code == "reversed-order"


@pytest.mark.parametrize(("first", "last"), [(-20, 60), (-20, 85), (30, 140)])
def test_a_truncated_series_is_refused(first, last):
    code = refusal(acr_series(Scan(**SMALL, first_mm=first, last_mm=last))).code
    assert code == ("wrong-phantom" if first == 30 else "truncated-series")


def test_mixed_and_missing_slices_are_refused(whole):
    other = [replace(i, facts={**i.facts, "SeriesInstanceUID": "1.2.3"}) for i in whole]
    assert refusal(whole[:20] + other[20:]).code == "mixed-series"
    assert refusal(whole[:12] + whole[14:]).code == "missing-slices"


def test_what_holds_nothing_is_refused(whole):
    assert refusal([]).code == "no-images"
    flat = [replace(i, pixels=np.zeros_like(i.pixels)) for i in whole]
    assert refusal(flat).code == "constant-image"
    broken = whole[5].pixels.copy()
    broken[3, 3] = np.nan
    assert refusal([*whole[:5], replace(whole[5], pixels=broken), *whole[6:]]).code == "not-finite"
    assert refusal([replace(i, spacing_mm=None) for i in whole]).code == "no-pixel-spacing"
    assert refusal([replace(i, pixels=i.pixels[:1]) for i in whole]).code == "image-too-small"
    assert refusal([replace(i, modality="DX") for i in whole]).code == "wrong-modality"
    full = [replace(i, pixels=np.clip(i.pixels, None, -1000), saturated_at=-1000.0) for i in whole]
    assert refusal(full).code in ("saturated-image", "constant-image")


CUT: dict[str, Any] = {**QUICK, "roll_deg": 2, "noise_hu": 0.5}


@pytest.mark.parametrize("matrix", [270, 290])
def test_a_field_of_view_that_cuts_the_outline_costs_only_what_lies_there(matrix):
    """167 and 180 mm of a 200 mm phantom: no diameter, no alignment balls; all else is right."""
    found = find("ct-acr464").run(acr_series(Scan(**{**CUT, "matrix": matrix})))
    inside_is_right(found)
    assert found.values["tilt"].value == pytest.approx(0, abs=0.05)
    assert found.values["centre_offset"].value == pytest.approx(0, abs=MM)


@pytest.mark.parametrize("padding", [-1000.0, -2000.0, 0.0])
def test_a_reconstructed_circle_within_the_phantom_needs_the_middle_by_hand(padding):
    images = acr_series(Scan(**{**CUT, "matrix": 290, "fov_mm": 178.0, "padding": padding}))
    assert refusal(images).code in ("phantom-not-found", "wrong-phantom")
    found = find("ct-acr464").run(images, centre_px=(144.5, 144.5))
    inside_is_right(found)
    assert "tilt" not in found.values


def inside_is_right(found: Analysis) -> None:
    assert any("cuts off" in w for w in found.warnings)
    for gone in ("phantom_diameter", "beads_ct_number", "bead_plane_distance"):
        assert gone not in found.values
    for item in load_acr().inserts.items:
        assert found.values[f"hu_{item.key}"].value == pytest.approx(item.nominal_hu, abs=HU)
    assert found.values["roll"].value == pytest.approx(2, abs=0.1)
    assert found.values["bead_distance"].value == pytest.approx(100, abs=MM)
    assert found.values["slice_thickness"].value == pytest.approx(5, rel=0.03)
    assert found.values["origin_position"].value == pytest.approx(0, abs=5 / 2)


def test_a_field_of_view_that_cuts_off_the_rods_is_refused():
    images = acr_series(Scan(**{**CUT, "matrix": 230}))
    assert refusal(images, centre_px=(114.5, 114.5)).code == "region-too-small"


def test_a_phantom_leaning_far_is_refused():
    assert refusal(acr_series(Scan(**QUICK, tilt_x_deg=10))).code == "phantom-tilted"


def test_a_patient_is_refused():
    body = [ct.as_image(ct.anatomy((256, 256), seed=1), 1.2, z_mm=5.0 * k) for k in range(30)]
    assert refusal(body).code in ("wrong-phantom", "phantom-not-found")


@pytest.mark.parametrize("wrong", [{"origin_slice": 999}, {"rol": 3}, {"roll_deg": "left"}])
def test_wrong_parameters_are_refused(whole, wrong):
    error = refusal(whole, **wrong)
    assert isinstance(error, InputError)
    assert error.code in ("bad-parameter", "unknown-parameter")


def test_air_alone_is_no_phantom():
    air = series(Scan(**SMALL, noise_hu=5), 100.0, lambda part: None)
    assert float(air[0].pixels.mean()) == pytest.approx(AIR_HU, abs=1)
    assert refusal(air).code == "phantom-not-found"
