"""The QUART DVT analysis against a digital phantom (cases 25, 28 and 29)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from kerma.core import Analysis, Image, KermaError
from kerma.imaging.phantoms._cbct_spec import load_cbct
from kerma.imaging.registry import find
from kerma.simulate.acr464 import acr_series
from kerma.simulate.catphan import CatphanScan, catphan_series
from kerma.simulate.cbct import CbctObject, cbct_series, cylinder_series
from kerma.simulate.cylinder import Scan
from tests.shared import shared_path

NAME = "cbct-quart-dvt"
SPEC = load_cbct()[NAME]
WHOLE: dict[str, Any] = {
    "first_mm": -60.0, "last_mm": 58.0, "increment_mm": 2.0, "thickness_mm": 2.0,
    "matrix": 360, "pixel_mm": 0.52, "psf_sigma_mm": 0.45,
}  # fmt: skip
OTHER_END: dict[str, Any] = {**WHOLE, "first_mm": -58.0, "last_mm": 60.0}
SMALL: dict[str, Any] = {**WHOLE, "matrix": 220, "pixel_mm": 0.85}


def measured(scan: Scan, inside: CbctObject | None = None, **parameters: Any) -> Analysis:
    return find(NAME).run(cbct_series(NAME, scan, inside), **parameters)


CASES = {
    "straight": (Scan(**WHOLE), CbctObject()),
    "rolled, off centre, other numbers": (
        Scan(roll_deg=7, offset_mm=(6, -5), origin_mm=0.8, **WHOLE),
        CbctObject(hu={"teflon": 930, "polystyrene": -20}),
    ),
    "turned and tilted": (
        Scan(turned=True, tilt_x_deg=0.6, tilt_y_deg=-0.5, roll_deg=-3, **OTHER_END),
        CbctObject(),
    ),
    "shifted HU, table": (
        Scan(shift=-70.0, scale=0.95, table_hu=-500, roll_deg=178, **WHOLE),
        CbctObject(),
    ),
}  # fmt: skip


@pytest.fixture(scope="module", params=list(CASES), ids=list(CASES))
def case(request: pytest.FixtureRequest) -> tuple[Scan, CbctObject, Analysis]:
    scan, inside = CASES[request.param]
    return scan, inside, measured(scan, inside)


def test_ct_numbers_are_those_of_the_rods(case):
    scan, inside, found = case
    for item in SPEC.inserts:
        true = scan.scale * inside.hu.get(item.key, item.nominal_hu) + scan.shift
        assert found.values[f"hu_{item.key}"].value == pytest.approx(true, abs=1.0)


def test_position_and_roll(case):
    scan, _, found = case
    value = {name: q.value for name, q in found.values.items()}
    assert (value["roll"] - scan.roll_deg + 180) % 360 - 180 == pytest.approx(0, abs=0.1)
    assert value["centre_offset_x"] == pytest.approx(scan.offset_mm[0], abs=0.1)
    assert value["centre_offset_y"] == pytest.approx(scan.offset_mm[1], abs=0.1)
    assert abs(value["origin_position"] - scan.origin_mm) < scan.increment_mm / 2
    assert found.facts["turned"] is scan.turned


def test_diameter(case):
    """A length is right to 0.1 mm whatever the table under the phantom."""
    _, _, found = case
    for name in ("diameter", "diameter_across", "diameter_down"):
        # A slice cuts a cylinder tilted by 0.8 degrees along an ellipse 0.016 mm longer.
        assert found.values[name].value == pytest.approx(160, abs=0.1)
    assert found.values["out_of_round"].value < 0.1


def test_edge_gives_the_point_spread(case):
    scan, _, found = case
    got = next(c for c in found.curves if c.name == "MTF (outline)")
    f, y = np.array(got.x), np.array(got.y)
    true = np.exp(-2 * np.pi**2 * scan.psf_sigma_mm**2 * f**2)
    assert np.abs(y - true).max() < 0.01
    at = np.sqrt(np.log(2) / 2) / (np.pi * scan.psf_sigma_mm)
    assert found.values["mtf50_edge"].value == pytest.approx(at, rel=0.01)


def test_the_makers_edge_distance_of_a_gaussian_edge():
    from scipy.stats import norm

    scan = Scan(**WHOLE)
    found = measured(scan)
    # Levels -700 and -200 HU between -1000 and 120.
    low, high = (norm.ppf((v + 1000) / 1120) for v in (-700, -200))
    distance = found.values["high_contrast_distance"]
    assert distance.value == pytest.approx((high - low) * scan.psf_sigma_mm, abs=0.02)


def test_slice_thickness_from_the_slits(case):
    scan, _, found = case
    thickness = found.values["slice_thickness"].value
    assert thickness == pytest.approx(scan.thickness_mm, rel=0.02)


@pytest.fixture(scope="module")
def noisy() -> Analysis:
    return measured(Scan(roll_deg=2, noise_hu=15, seed=5, offset_mm=(3, 2), **WHOLE))


def test_contrast_and_signal_to_noise_by_the_manual(noisy):
    cnr, snr = noisy.values["cnr"], noisy.values["snr"]
    assert abs(cnr.value - 155 / 15) < 4 * cnr.u
    assert abs(snr.value - 965 / 15) < 4 * snr.u


def test_noise_and_uniformity(noisy):
    noise = noisy.values["noise"]
    assert abs(noise.value - 15) < 4 * noise.u
    assert noisy.values["nps_noise"].value == pytest.approx(15, rel=0.02)
    difference = noisy.values["uniformity_max_difference"]
    # The largest of four differences of means: within five of its uncertainties of none.
    assert difference.value < 5 * difference.u
    power = next(c for c in noisy.curves if c.name == "Noise power spectrum")
    assert np.array(power.y)[4:].mean() == pytest.approx(15**2 * 0.52**2, rel=0.03)


def test_cupping_is_a_share_of_the_step_from_air():
    found = measured(Scan(**WHOLE), CbctObject(cup_hu=50))
    centre = 120 + 50 * (10**2 / 2) / 80**2
    assert found.values["cupping"].value == pytest.approx(
        100 * 50 * 53**2 / 80**2 / (centre + 1000), abs=0.05
    )


def test_order_does_not_matter_and_the_same_gives_the_same():
    images = cbct_series(NAME, Scan(noise_hu=10, **SMALL))
    run = find(NAME).run
    found, again, backwards = run(images), run(images), run(images[::-1])
    assert found.as_dict() == again.as_dict()
    assert {k: v.value for k, v in found.values.items()} == {
        k: v.value for k, v in backwards.values.items()
    }


def test_overrides_are_recorded_and_said():
    images = cbct_series(NAME, Scan(**SMALL))
    found = find(NAME).run(images, origin_slice=30, roll_deg=0.5, centre_px=[110.0, 109.5])
    assert found.values["roll"].value == 0.5
    assert found.values["origin_position"].value == images[30].z_mm
    assert sum("set by hand" in w for w in found.warnings) == 3
    parameters = found.provenance.parameters
    assert parameters["origin_slice"] == 30
    assert parameters["phantom_sha256"] == SPEC.sha256


def test_a_circle_of_rods_of_another_size_is_followed_and_said():
    """Every length of this phantom's picture is 2 % too long but its outline is not."""
    wide = replace(
        SPEC, inserts=tuple(replace(i, radius_mm=1.02 * i.radius_mm) for i in SPEC.inserts)
    )
    from kerma.imaging.phantoms.cbct import analyse

    found = analyse(wide, cbct_series(NAME, Scan(**SMALL)))
    assert found.facts["insert_circle_scale"] == pytest.approx(1 / 1.02, abs=0.002)
    assert any("circle of rods" in w for w in found.warnings)
    assert found.values["hu_teflon"].value == pytest.approx(990, abs=1)


# Refusals -----------------------------------------------------------------------------------------


def refusal(images: Sequence[Image], **parameters: Any) -> KermaError:
    with pytest.raises(KermaError) as caught:
        find(NAME).run(images, **parameters)
    assert caught.value.message.endswith(".")
    return caught.value


@pytest.fixture(scope="module")
def whole() -> list[Image]:
    return cbct_series(NAME, Scan(**SMALL))


def test_the_whole_is_accepted_and_recognised(whole):
    assert find(NAME).run(whole).status == "measured"
    recognise = find(NAME).recognise
    assert recognise is not None
    assert "160 mm across" in recognise(whole)


def test_other_phantoms_are_refused():
    other = cbct_series("cbct-sedentexct-iq", Scan(**{**SMALL, "first_mm": -90.0, "last_mm": 30.0}))
    assert refusal(other).code == "wrong-phantom"
    assert refusal(cylinder_series(Scan(**SMALL), 80.0, 0.0)).code == "wrong-phantom"
    wide = {**SMALL, "matrix": 260}
    assert refusal(cylinder_series(Scan(**wide), 100.0, 0.0)).code == "wrong-phantom"
    assert refusal(acr_series(Scan(**{**wide, "increment_mm": 4.0}))).code == "wrong-phantom"
    catphan = CatphanScan(matrix=260, pixel_mm=0.85, increment_mm=4, first_mm=-90, last_mm=60)
    assert refusal(catphan_series(catphan)).code == "wrong-phantom"


@pytest.mark.parametrize("model", ["504", "604"])
def test_a_real_catphan_is_refused(model):
    from kerma.dicom.pixels import read_images

    images = read_images(shared_path(f"dicom/phantoms/ct-catphan{model}-cbct/series.zip"))
    assert refusal(images).code == "wrong-phantom"


def test_a_wrong_material_is_refused_by_name():
    error = refusal(cbct_series(NAME, Scan(**SMALL), CbctObject(hu={"polystyrene": 400})))
    assert error.code == "wrong-phantom"
    assert "polystyrene" in error.message


@pytest.mark.parametrize(("first", "last"), [(-30.0, 58.0), (-60.0, -20.0), (5.0, 55.0)])
def test_a_truncated_series_is_refused(first, last):
    scan = Scan(**{**SMALL, "first_mm": first, "last_mm": last})
    assert refusal(cbct_series(NAME, scan)).code in ("truncated-series", "wrong-phantom")


def test_positions_running_the_wrong_way_are_refused_where_it_shows():
    """The homogeneous part is then looked for where the geometry part is, or nothing at all."""
    scan = Scan(**{**SMALL, "first_mm": -62.0, "last_mm": 30.0})
    upset = [replace(i, z_mm=-(i.z_mm or 0.0)) for i in cbct_series(NAME, scan)]
    assert refusal(upset).code in ("truncated-series", "wrong-phantom", "reversed-order")


def test_mixed_missing_and_empty_are_refused(whole):
    other = [replace(i, facts={**i.facts, "SeriesInstanceUID": "1.2.3"}) for i in whole]
    assert refusal(whole[:20] + other[20:]).code == "mixed-series"
    assert refusal(whole[:12] + whole[14:]).code == "missing-slices"
    assert refusal([]).code == "no-images"
    flat = [replace(i, pixels=np.zeros_like(i.pixels)) for i in whole]
    assert refusal(flat).code == "constant-image"
    broken = whole[5].pixels.copy()
    broken[3, 3] = np.inf
    assert refusal([*whole[:5], replace(whole[5], pixels=broken), *whole[6:]]).code == "not-finite"
    assert refusal([replace(i, spacing_mm=None) for i in whole]).code == "no-pixel-spacing"
    assert refusal([replace(i, pixels=i.pixels[:1]) for i in whole]).code == "image-too-small"


def test_a_field_that_cuts_a_little_of_the_outline_is_said():
    """146 mm of a 160 mm phantom: numbers and roll are right, its middle rests on the corners."""
    scan = Scan(**{**WHOLE, "matrix": 282}, roll_deg=2, noise_hu=5)
    found = measured(scan)
    assert any("cuts off" in w for w in found.warnings)
    for item in SPEC.inserts:
        assert found.values[f"hu_{item.key}"].value == pytest.approx(item.nominal_hu, abs=1.0)
    assert found.values["roll"].value == pytest.approx(2, abs=0.1)
    assert "diameter" not in found.values or found.values["diameter"].value == pytest.approx(
        160, abs=0.1
    )


def test_a_phantom_leaning_far_is_refused():
    assert refusal(cbct_series(NAME, Scan(**SMALL, tilt_x_deg=10))).code == "phantom-tilted"


def test_a_phantom_larger_than_the_field_is_refused():
    cut = {**SMALL, "matrix": 170, "fov_mm": 140.0, "padding": -1000.0}
    assert refusal(cbct_series(NAME, Scan(**cut))).code in ("phantom-not-found", "wrong-phantom")


@pytest.mark.parametrize("wrong", [{"origin_slice": 999}, {"rol": 3}])
def test_wrong_parameters_are_refused(whole, wrong):
    assert refusal(whole, **wrong).code in ("bad-parameter", "unknown-parameter")
