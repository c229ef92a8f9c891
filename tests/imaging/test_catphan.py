"""CatPhan analysis against a digital phantom of which everything is known."""

from __future__ import annotations

import numpy as np
import pytest

from kerma.core import Analysis, InputError
from kerma.imaging.phantoms._describe import load_spec
from kerma.imaging.registry import find
from kerma.simulate.catphan import CatphanScan, catphan_series

HU_TOLERANCE = 1.0
GEOMETRY_MM = 0.1


def analysed(scan: CatphanScan, **parameters: object) -> Analysis:
    return find(f"ct-{scan.model}").run(catphan_series(scan), **parameters)


SHORT = {"first_mm": -72.0, "last_mm": 40.0}
SCANS = {
    "straight": CatphanScan(),
    "rolled and off centre": CatphanScan(roll_deg=5, offset_mm=(4.3, -6.1), origin_mm=1.3, **SHORT),
    "tilted": CatphanScan(tilt_x_deg=1.0, tilt_y_deg=-0.7, roll_deg=-3.2, origin_mm=-2.0, **SHORT),
    "end slices missing": CatphanScan(first_mm=-70, last_mm=36, roll_deg=2),
    "turned end to end": CatphanScan(
        turned=True, roll_deg=-2, tilt_y_deg=0.6, first_mm=-45, last_mm=72
    ),
    "upside down": CatphanScan(roll_deg=180, offset_mm=(0, 8), **SHORT),
    "leaning by 5 degrees": CatphanScan(
        tilt_x_deg=4.0, tilt_y_deg=-3.0, roll_deg=71, matrix=430, **SHORT
    ),
    "60 mm off centre": CatphanScan(offset_mm=(52, -30), roll_deg=-123, matrix=560, **SHORT),
    "gantry tilted by 5 degrees": CatphanScan(
        gantry_tilt_deg=5, tilt_y_deg=-5, roll_deg=2, matrix=440, **SHORT
    ),
    "other CT numbers": CatphanScan(
        hu={"teflon": 930, "pmp": -180, "acrylic": 124}, body_hu=60, **SHORT
    ),
    "thick slices": CatphanScan(thickness_mm=5, increment_mm=5, origin_mm=2.1, roll_deg=1),
    "overlapping slices": CatphanScan(thickness_mm=3, increment_mm=1.5, psf_sigma_mm=0.6, **SHORT),
    "the other model": CatphanScan(
        model="catphan604", roll_deg=4, origin_mm=2.2, first_mm=-88, last_mm=50, tilt_x_deg=0.5
    ),
}


@pytest.fixture(scope="module", params=list(SCANS), ids=list(SCANS))
def case(request: pytest.FixtureRequest) -> tuple[CatphanScan, Analysis]:
    scan = SCANS[request.param]
    return scan, analysed(scan)


def test_ct_numbers_are_those_of_the_inserts(case):
    scan, found = case
    for insert in load_spec(scan.model).sensitometry.inserts:
        true = scan.hu.get(insert.key, insert.nominal_hu)
        assert found.values[f"hu_{insert.key}"].value == pytest.approx(true, abs=HU_TOLERANCE)


def test_position_roll_and_tilt_are_found(case):
    scan, found = case
    value = {name: q.value for name, q in found.values.items()}
    assert (value["roll"] - scan.roll_deg + 180) % 360 - 180 == pytest.approx(0, abs=0.1)
    assert value["tilt_x"] == pytest.approx(scan.tilt_x_deg, abs=0.05)
    assert value["tilt_y"] == pytest.approx(scan.tilt_y_deg, abs=0.05)
    assert value["centre_offset_x"] == pytest.approx(scan.offset_mm[0], abs=GEOMETRY_MM)
    assert value["centre_offset_y"] == pytest.approx(scan.offset_mm[1], abs=GEOMETRY_MM)
    assert abs(value["origin_position"] - scan.origin_mm) < scan.increment_mm / 2
    assert found.facts["turned"] is scan.turned


def test_ramps_give_position_far_better_than_half_a_slice(case):
    scan, found = case
    assert found.values["origin_position"].value == pytest.approx(scan.origin_mm, abs=0.05)


def test_rods_are_fifty_millimetres_apart(case):
    _, found = case
    for name in ("rod_spacing_mean", "rod_spacing_x", "rod_spacing_y"):
        assert found.values[name].value == pytest.approx(50, abs=GEOMETRY_MM)
    assert found.values["rod_spacing_max_error"].value < GEOMETRY_MM


def test_slice_thickness_and_increment(case):
    scan, found = case
    assert found.values["slice_thickness"].value == pytest.approx(scan.thickness_mm, rel=0.01)
    assert found.values["slice_increment"].value == pytest.approx(scan.increment_mm, rel=0.01)


def test_relative_line_pair_modulation_is_that_of_the_point_spread(case):
    scan, found = case
    curve = next(c for c in found.curves if c.name.startswith("rMTF"))
    f = np.array(curve.x)
    true = np.exp(-2 * np.pi**2 * scan.psf_sigma_mm**2 * (f**2 - f[0] ** 2))
    assert np.abs(np.array(curve.y) - true).max() < 0.03
    assert np.abs((np.array(curve.y) - true)[f < 0.65]).max() < 0.01


def test_point_source_mtf_is_that_of_the_point_spread(case):
    scan, found = case
    curve = next(c for c in found.curves if c.name.startswith("MTF"))
    true = np.exp(-2 * np.pi**2 * scan.psf_sigma_mm**2 * np.array(curve.x) ** 2)
    # A bead is a point whatever the lean; the wire of the 604 leans with the phantom.
    assert np.abs(np.array(curve.y) - true).max() < 0.01


@pytest.fixture(scope="module")
def noisy() -> Analysis:
    return analysed(
        CatphanScan(roll_deg=3, offset_mm=(2.1, 3.3), tilt_x_deg=0.4, noise_hu=6, seed=11, **SHORT)
    )


def test_noise_and_its_spectrum_are_white(noisy):
    value = noisy.values
    assert value["noise"].value == pytest.approx(6, rel=0.06)
    assert value["nps_noise"].value == pytest.approx(6, rel=0.02)
    assert value["nps_integral_over_variance"].value == pytest.approx(1, abs=1e-6)
    curve = next(c for c in noisy.curves if c.name == "Noise power spectrum")
    true = 6**2 * 0.55**2
    above = np.array(curve.x) > 0.08  # the second-order fit takes the lowest frequencies
    assert np.array(curve.y)[above].mean() == pytest.approx(true, rel=0.02)
    assert curve.x[-1] == pytest.approx(1 / (2 * 0.55), rel=0.05)


def test_noise_leaves_every_value_within_its_uncertainty(noisy):
    for insert in load_spec("catphan504").sensitometry.inserts:
        q = noisy.values[f"hu_{insert.key}"]
        assert q.u is not None
        assert 0 < q.u < 1
        assert abs(q.value - insert.nominal_hu) < 4 * q.u
    assert noisy.values["roll"].value == pytest.approx(3, abs=0.1)
    assert noisy.values["slice_thickness"].value == pytest.approx(2.5, rel=0.02)
    assert noisy.values["rod_spacing_max_error"].value < GEOMETRY_MM


def test_contrast_to_noise_of_the_discs(noisy):
    assert noisy.values["cnr_1_0pct_15mm"].value == pytest.approx(10 / 6, rel=0.08)
    assert noisy.values["cnr_0_5pct_15mm"].value == pytest.approx(5 / 6, rel=0.15)


def test_a_disc_lost_in_noise_is_not_reported_as_visible():
    found = analysed(CatphanScan(noise_hu=30, seed=3, **SHORT))
    assert "cnr_0_3pct_5mm" not in found.values
    assert any("0.3 % disc" in w for w in found.warnings)


def test_cupping_is_the_edge_less_the_centre():
    found = analysed(CatphanScan(cup_hu=30, offset_mm=(5, -3), roll_deg=4, **SHORT))
    # Mean of r² over a 10 mm disc at 53 mm and at 0: 53² + 10²/2 and 10²/2.
    assert found.values["uniformity_max_difference"].value == pytest.approx(
        30 * 53**2 / 100**2, abs=0.15
    )
    high, low = 1090 + 30 * (53**2 + 50) / 1e4, 1090 + 30 * 50 / 1e4
    assert found.values["integral_nonuniformity"].value == pytest.approx(
        (high - low) / (high + low), rel=0.02
    )


def test_linearity_reports_slope_and_residual_of_a_wrong_scale():
    inserts = load_spec("catphan504").sensitometry.inserts
    scan = CatphanScan(hu={i.key: 0.97 * i.nominal_hu + 8 for i in inserts}, **SHORT)
    found = analysed(scan).values
    assert found["linearity_slope"].value == pytest.approx(0.97, abs=1e-4)
    assert found["linearity_intercept"].value == pytest.approx(8, abs=0.1)
    assert found["linearity_r2"].value == pytest.approx(1, abs=1e-6)
    assert found["linearity_max_residual"].value < 0.1
    assert found["linearity_max_deviation"].value == pytest.approx(38, abs=0.1)
    assert found["ct_number_scale"].value == pytest.approx(0.97, abs=1e-4)


def test_order_of_the_images_does_not_matter():
    scan = CatphanScan(roll_deg=1, last_mm=40, first_mm=-75)
    images = catphan_series(scan)
    found = find("ct-catphan504").run(images)
    backwards = find("ct-catphan504").run(images[::-1])
    assert {k: v.value for k, v in found.values.items()} == {
        k: v.value for k, v in backwards.values.items()
    }
    last = len(images) - 1
    assert backwards.facts["origin_slice"] == last - found.facts["origin_slice"]
    assert {r.frame for r in backwards.regions} == {last - r.frame for r in found.regions}


def test_feet_first_is_followed_and_said():
    found = analysed(CatphanScan(patient_position="FFS", roll_deg=2, offset_mm=(3, 1), **SHORT))
    assert found.facts["turned"] is True
    assert any("feet first" in w for w in found.warnings)
    assert found.values["hu_teflon"].value == pytest.approx(1000, abs=HU_TOLERANCE)
    # Seen from the other end: the roll and the sideways offset change sign.
    assert found.values["roll"].value == pytest.approx(-2, abs=0.1)
    assert found.values["centre_offset_x"].value == pytest.approx(-3, abs=GEOMETRY_MM)


def test_regions_lie_on_what_they_name():
    scan = CatphanScan(roll_deg=3, offset_mm=(2, -4), **SHORT)
    images = catphan_series(scan)
    found = find("ct-catphan504").run(images)
    teflon = next(r for r in found.regions if r.name == "Teflon")
    (x, y), _ = teflon.points
    assert images[teflon.frame].pixels[round(y), round(x)] == pytest.approx(1000, abs=1)
    bead = next(r for r in found.regions if r.name == "bead")
    (x, y), _ = bead.points
    patch = images[bead.frame].pixels[round(y) - 5 : round(y) + 6, round(x) - 5 : round(x) + 6]
    assert np.unravel_index(np.argmax(patch), patch.shape) == (5, 5)


def test_overrides_are_used_recorded_and_said():
    scan = CatphanScan(roll_deg=2, origin_mm=0.0, **SHORT)
    images = catphan_series(scan)
    index = next(i for i, image in enumerate(images) if image.z_mm == 3.0)
    found = find("ct-catphan504").run(
        images, origin_slice=index, roll_deg=2.5, centre_px=[199.5, 200.0]
    )
    assert found.values["origin_position"].value == 3.0
    assert found.values["roll"].value == 2.5
    assert found.values["roll"].u is None
    assert found.values["centre_offset_y"].value == pytest.approx(0.5 * 0.55, abs=1e-6)
    parameters = found.provenance.parameters
    assert parameters["origin_slice"] == index
    assert parameters["roll_deg"] == 2.5
    assert parameters["centre_px"] == [199.5, 200.0]
    assert sum("set by hand" in w for w in found.warnings) == 3


def test_untouched_parameters_are_recorded_as_such_with_the_description():
    images = catphan_series(CatphanScan(first_mm=-72, last_mm=40))
    found = find("ct-catphan504").run(images)
    parameters = found.provenance.parameters
    assert parameters["origin_slice"] is None
    assert parameters["phantom_sha256"] == load_spec("catphan504").sha256
    assert found.provenance.inputs == tuple(image.sha256 for image in images)
    found.as_dict()


@pytest.mark.parametrize("wrong", [{"origin_slice": 999}, {"rol": 3}, {"roll_deg": "left"}])
def test_wrong_parameters_are_refused(wrong):
    with pytest.raises(InputError) as refused:
        analysed(CatphanScan(first_mm=-72, last_mm=40), **wrong)
    assert refused.value.code in ("bad-parameter", "unknown-parameter")
