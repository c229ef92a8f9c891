"""A CatPhan in small fields of view, thin and thick slices, noise and blur: right, or refused."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from kerma.imaging.phantoms._describe import load_spec
from kerma.imaging.registry import find
from kerma.simulate import catphan_faults as faults
from tests.imaging.catphan_scans import (
    NEAR,
    SCAN,
    drawn,
    inserts,
    refusal,
    run,
    series,
    well_placed,
)


@pytest.mark.parametrize("side_mm", [206, 198, 185, 165, 150])
def test_a_field_of_view_that_cuts_the_outline(side_mm: float):
    truth = replace(SCAN, **NEAR)
    found = run("catphan504", faults.field_of_view(drawn(truth), side_mm))
    well_placed(found, truth)
    assert inserts(found) < 2.0
    assert found.values["tilt"].value == pytest.approx(0, abs=0.1)


@pytest.mark.parametrize("side_mm", [206, 180, 152])
def test_a_reconstruction_circle_is_not_taken_for_the_phantom(side_mm: float):
    truth = replace(SCAN, **NEAR)
    found = run("catphan504", faults.circle(faults.field_of_view(drawn(truth), side_mm)))
    well_placed(found, truth)
    assert any("field of view" in w for w in found.warnings)


def test_a_field_of_view_that_cuts_the_inserts_is_refused():
    images = faults.field_of_view(series(), 118)
    assert refusal("catphan504", images).code == "phantom-not-found"


@pytest.mark.parametrize("side_mm", [150, 180, 210, 240])
@pytest.mark.parametrize("off_mm", [15.0, 30.0, 50.0])
def test_off_centre_in_a_small_view_it_is_found_or_refused(side_mm: float, off_mm: float):
    truth = replace(SCAN, offset_mm=(off_mm, -off_mm / 3), matrix=420, increment_mm=3.0)
    images = faults.field_of_view(drawn(truth), side_mm)
    room = side_mm / 2 - off_mm
    if room > 75:
        well_placed(run("catphan504", images), truth)
    elif room < 60:
        assert refusal("catphan504", images).code in ("phantom-not-found", "phantom-cut")


@pytest.mark.parametrize(
    "changes",
    [
        {"thickness_mm": 1.0, "increment_mm": 1.0, "first_mm": -70},
        {
            "thickness_mm": 5.0,
            "increment_mm": 5.0,
            "origin_mm": 1.7,
            "first_mm": -80,
            "last_mm": 45,
        },
        {"thickness_mm": 3.0, "increment_mm": 1.5},
        {"matrix": 512, "pixel_mm": 0.42},
        {"matrix": 512, "pixel_mm": 0.92, "psf_sigma_mm": 0.8},
        {"noise_hu": 30.0},
        {"noise_hu": 20.0, "noise_px": 1.2},
        {"wall_hu": -60.0},
    ],
    ids=str,
)
def test_ways_of_scanning(changes: dict[str, float]):
    truth = replace(SCAN, **changes)
    found = run("catphan504", drawn(truth))
    well_placed(found, truth, mm=0.15)
    for i in load_spec("catphan504").sensitometry.inserts:
        q = found.values[f"hu_{i.key}"]
        assert abs(q.value - i.nominal_hu) < 1.0 + 4 * q.u


def test_a_lean_beyond_what_can_be_measured_is_refused_with_advice():
    images = drawn(replace(SCAN, tilt_y_deg=10, noise_hu=0.0, matrix=420))
    refused = refusal("catphan504", images)
    assert refused.code == "phantom-tilted"
    assert "degrees" in refused.message


def test_noise_that_hides_the_ramps_costs_the_thickness_only():
    found = run("catphan504", drawn(replace(SCAN, noise_hu=130.0, first_mm=-20)))
    assert "slice_thickness" not in found.values
    assert any("thickness not measured" in w for w in found.warnings)
    assert abs(found.values["origin_position"].value) < 4 * found.values["origin_position"].u + 0.5
    assert found.values["hu_teflon"].value == pytest.approx(1000, abs=60)


def test_values_that_are_no_numbers_are_refused():
    images = [replace(i, pixels=i.pixels.copy()) for i in series()]
    images[20].pixels[100, 100] = np.nan
    assert refusal("catphan504", images).code == "not-finite"


def test_the_middle_set_by_hand_serves_where_the_phantom_is_not_found():
    # An object of the phantom's own density all round: no outline, and too wide for the ring.
    def bury(pixels, x, y):
        return np.where(np.hypot(x, y) > 80, 90.0, pixels)

    images = faults.changed(series(), bury)
    middle = (SCAN.matrix - 1) / 2
    found = find("ct-catphan504").run(images, centre_px=[middle, middle])
    assert any("set by hand" in w for w in found.warnings)
    assert found.provenance.parameters["centre_px"] == [middle, middle]
    assert inserts(found) < 2.0


def test_blur_that_widens_the_ramp_images_is_said_and_how_much():
    thin = {"thickness_mm": 1.0, "increment_mm": 1.0, "noise_hu": 2.0, "matrix": 400,
            "pixel_mm": 0.55, "first_mm": -14, "last_mm": 38}  # fmt: skip
    for sd, words in ((0.7, "7 %"), (0.3, None)):
        found = run("catphan504", drawn(replace(SCAN, psf_sigma_mm=sd, **thin)))
        told = [w for w in found.warnings if "widens the ramp images" in w]
        assert bool(told) is (words is not None)
        error = found.values["slice_thickness"].value - 1
        if words is None:
            assert error == pytest.approx(0, abs=0.015)
        else:
            assert words in told[0]
            assert error == pytest.approx(0.07, abs=0.015)


def test_slices_with_gaps_give_no_modulation_of_thin_bars():
    gaps = series()[::2]
    found = run("catphan504", gaps)
    assert not [name for name in found.values if name.startswith("rmtf")]
    assert any("gaps between the slices" in w for w in found.warnings)
    well_placed(found)
    assert run("catphan504", series()).values["rmtf50"].u


@pytest.mark.parametrize("noise_hu", [45.0, 60.0, 90.0])
def test_ramps_drowned_in_noise_give_a_doubtful_thickness_or_none(noise_hu: float):
    for seed in (1, 2):
        found = run("catphan504", drawn(replace(SCAN, noise_hu=noise_hu, seed=seed)))
        thickness = found.values.get("slice_thickness")
        if thickness is None:
            assert any("thickness not measured" in w for w in found.warnings)
        else:
            assert abs(thickness.value - 2.5) < 2.5 * (thickness.u or 0.0)
            assert noise_hu < 90
