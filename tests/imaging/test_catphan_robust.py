"""A CatPhan among the things that surround it in real scans: found all the same, measured right.

Couch, box, streaks, shading, other scales of CT numbers, odd headers; the truth is
that of the digital phantom before anything was done to it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import pytest

from kerma.core import Image
from kerma.simulate import catphan_faults as faults
from tests.imaging.catphan_scans import SCAN, drawn, inserts, refusal, run, series, well_placed

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
