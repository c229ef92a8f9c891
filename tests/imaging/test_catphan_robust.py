"""A CatPhan among the things that surround it in real scans: found all the same, measured right.

Couch, box, streaks, shading, other scales of CT numbers, small fields of view, odd headers; the
truth is that of the digital phantom before anything was done to it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
import pytest

from kerma.core import Analysis, Image
from kerma.imaging.phantoms._describe import load_spec
from kerma.imaging.registry import find
from kerma.simulate import catphan_faults as faults
from kerma.simulate.catphan import CatphanScan
from tests.imaging.catphan_scans import drawn, refusal, run

SCAN = CatphanScan(roll_deg=2.0, noise_hu=8.0, matrix=360, pixel_mm=0.75, first_mm=-75, last_mm=42)
NEAR = {"offset_mm": (3.0, -2.0), "matrix": 300}


def series(**changes: object) -> tuple[Image, ...]:
    return drawn(replace(SCAN, **changes))


def inserts(found: Analysis, slope: float = 1.0, shift: float = 0.0) -> float:
    """Return the largest error of a CT number, HU."""
    return max(
        abs(found.values[f"hu_{i.key}"].value - (slope * i.nominal_hu + shift))
        for i in load_spec("catphan504").sensitometry.inserts
    )


def well_placed(found: Analysis, truth: CatphanScan = SCAN, mm: float = 0.1) -> None:
    value = {name: q.value for name, q in found.values.items()}
    assert (value["roll"] - truth.roll_deg + 180) % 360 - 180 == pytest.approx(0, abs=0.1)
    assert value["centre_offset_x"] == pytest.approx(truth.offset_mm[0], abs=mm)
    assert value["centre_offset_y"] == pytest.approx(truth.offset_mm[1], abs=mm)
    assert value["origin_position"] == pytest.approx(truth.origin_mm, abs=mm)
    assert value["rod_spacing_max_error"] < 0.1


AROUND: dict[str, Callable[[Sequence[Image]], Sequence[Image]]] = {
    "couch": faults.couch,
    "couch that touches": lambda i: faults.couch(i, top_mm=99.0),
    "heavy couch": lambda i: faults.couch(i, hu=600.0),
    "box": faults.box,
    "couch and box": lambda i: faults.couch(faults.box(i)),
    "reconstruction circle": faults.circle,
    "circle of -3024": lambda i: faults.circle(i, -3024.0),
    "empty ends": lambda i: faults.empty_ends(i, 2),
    "instances numbered backwards": lambda i: [
        replace(s, facts={**s.facts, "InstanceNumber": 999 - k}) for k, s in enumerate(i)
    ],
    "given backwards": lambda i: list(i)[::-1],
    "no orientation": lambda i: faults.without(i, "ImageOrientationPatient"),
    "one slice sent twice": lambda i: [*i, i[5]],
    "a localiser among them": lambda i: [
        *i,
        replace(i[0], facts={"ImageType": ["ORIGINAL", "PRIMARY", "LOCALIZER"]}, z_mm=None),
    ],
    "slope of shading": lambda i: faults.shading(i, 20.0),
}


@pytest.mark.parametrize("what", AROUND)
def test_what_is_around_the_phantom_changes_nothing(what: str):
    found = run("catphan504", AROUND[what](series()))
    well_placed(found)
    assert inserts(found) < (2.0 if "shading" not in what else 16.0)
    assert found.values["slice_thickness"].value == pytest.approx(2.5, rel=0.015)
    assert found.values["noise"].value == pytest.approx(8, rel=0.15)


def test_what_was_left_out_is_said():
    assert any("sent twice" in w for w in run("catphan504", [*series(), series()[5]]).warnings)
    localiser = replace(series()[0], facts={"ImageType": ["A", "B", "LOCALIZER"]}, z_mm=None)
    assert any("localiser" in w for w in run("catphan504", [*series(), localiser]).warnings)


@pytest.mark.parametrize(("hu", "cup"), [(150, 0), (-150, 0), (0, 150), (60, -120)])
def test_cone_beam_shading_and_cupping(hu: float, cup: float):
    found = run("catphan504", faults.shading(series(), hu, cup))
    well_placed(found)
    assert found.values["slice_thickness"].value == pytest.approx(2.5, rel=0.02)


@pytest.mark.parametrize(
    ("slope", "shift", "words"),
    [(1, 140, "shifted"), (1, -140, "shifted"), (1, 1000, "shifted"), (0.75, -40, "scale")],
)
def test_other_scales_of_ct_numbers_are_measured_as_they_are_and_said(slope, shift, words):
    found = run("catphan504", faults.rescaled(series(), slope, shift))
    well_placed(found)
    assert inserts(found, slope, shift) < 2.0
    assert found.values["linearity_slope"].value == pytest.approx(slope, abs=0.003)
    assert found.values["linearity_intercept"].value == pytest.approx(shift, abs=2)
    assert any(words in w for w in found.warnings)


def test_streaks_of_a_cone_beam_scanner_do_not_hide_the_phantom():
    for seed in (1, 2, 3):
        found = run("catphan504", faults.streaks(series(), 30.0, seed))
        well_placed(found)


def test_a_density_scale_is_known_for_what_it_is():
    for model in ("catphan504", "catphan604"):
        images = drawn(
            replace(SCAN, model=model, density=True, first_mm=-92, last_mm=52, noise_hu=5.0)
        )
        found = run(model, images)
        assert any("electron density" in w for w in found.warnings)
        assert found.facts["ct_number_scale_seen"] == "electron density"
        assert found.values["hu_teflon"].value == pytest.approx(868, abs=2)
        other = "catphan604" if model == "catphan504" else "catphan504"
        assert refusal(other, images).code == "wrong-phantom"


@pytest.mark.parametrize(("model", "hole"), [("catphan504", "air_top"), ("catphan600", "air_top"),
                                             ("catphan600", "air_bottom")])  # fmt: skip
def test_a_vial_of_water_in_an_air_hole(model: str, hole: str):
    ends = {"first_mm": -85, "last_mm": 42} if model == "catphan504" else {
        "first_mm": -85, "last_mm": 15}  # fmt: skip
    found = run(model, drawn(replace(SCAN, model=model, vial=hole, noise_hu=5.0, **ends)))
    assert found.values["hu_vial"].value == pytest.approx(0, abs=2)
    assert f"hu_{hole}" not in found.values
    assert found.values["linearity_slope"].value == pytest.approx(1, abs=0.002)


def test_the_vial_of_the_700_stands_in_its_own_place():
    ends = {"first_mm": -55, "last_mm": 15}
    with_vial = run("catphan700", drawn(replace(SCAN, model="catphan700", vial="vial", **ends)))
    assert with_vial.values["hu_vial"].value == pytest.approx(0, abs=2)
    without = run("catphan700", drawn(replace(SCAN, model="catphan700", **ends)))
    assert "hu_vial" not in without.values


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
