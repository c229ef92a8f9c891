"""The SEDENTEXCT IQ template against a digital phantom (cases 1, 21, 28 and 29)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from kerma.core import Analysis, Image, InputError, KermaError
from kerma.imaging.phantoms._cbct_spec import load_cbct, parse_cbct
from kerma.imaging.phantoms.cbct import analyse
from kerma.imaging.registry import find
from kerma.simulate.catphan import CatphanScan, catphan_series
from kerma.simulate.cbct import CbctObject, cbct_series, cylinder_series, lattice_places
from kerma.simulate.cylinder import Scan
from tests.shared import shared_path

NAME = "cbct-sedentexct-iq"
SPEC = load_cbct()[NAME]
GREY: dict[str, Any] = {"scale": 0.7, "shift": 900.0, "padding": 0.0, "fov_mm": 172.0}
WHOLE: dict[str, Any] = {
    "first_mm": -86.0, "last_mm": 26.0, "increment_mm": 2.0, "thickness_mm": 1.0,
    "matrix": 680, "pixel_mm": 0.255, "psf_sigma_mm": 0.24, **GREY,
}  # fmt: skip
SMALL: dict[str, Any] = {**WHOLE, "matrix": 320, "pixel_mm": 0.54, "psf_sigma_mm": 0.4}


def measured(scan: Scan, inside: CbctObject | None = None, **parameters: Any) -> Analysis:
    return find(NAME).run(cbct_series(NAME, scan, inside), **parameters)


@pytest.fixture(scope="module")
def fine() -> tuple[Scan, CbctObject, Analysis]:
    scan = Scan(roll_deg=-4, offset_mm=(1.5, -1), origin_mm=0.4, **WHOLE)
    inside = CbctObject(hu={"delrin": 330, "aluminium": 2100}, grid_moved=(40, 0.8, -0.6))
    return scan, inside, measured(scan, inside)


def curve(found: Analysis, name: str) -> tuple[np.ndarray, np.ndarray]:
    got = next(c for c in found.curves if c.name == name)
    return np.array(got.x), np.array(got.y)


def test_grey_values_are_those_of_the_rods(fine):
    scan, inside, found = fine
    for item in SPEC.inserts:
        true = scan.scale * inside.hu.get(item.key, item.nominal_hu) + scan.shift
        assert found.values[f"grey_{item.key}"].value == pytest.approx(true, abs=1.0)
        assert str(found.values[f"grey_{item.key}"].unit) == "PV"


def test_the_line_of_grey_value_on_ct_number_leaves_the_metal_out(fine):
    scan, _, found = fine
    # Delrin was made 35 HU darker; aluminium, 200 HU darker, is not in the line.
    assert found.values["linearity_slope"].value == pytest.approx(scan.scale, rel=0.02)
    assert found.values["linearity_max_residual"].value == pytest.approx(35 * 0.7, rel=0.35)


def test_roll_and_position(fine):
    scan, _, found = fine
    assert found.values["roll"].value == pytest.approx(-4, abs=0.1)
    assert found.values["centre_offset_x"].value == pytest.approx(1.5, abs=0.1)
    assert abs(found.values["origin_position"].value - 0.4) < scan.increment_mm / 2


def test_lattice_and_the_hole_drilled_elsewhere(fine):
    _, inside, found = fine
    for axis in "xy":
        assert found.values[f"lattice_pitch_{axis}"].value == pytest.approx(10, abs=0.01)
    holes = len(lattice_places(SPEC, inside))
    assert found.facts["lattice_spots"] == holes
    # One of n holes is 1 mm off; the lattice follows it by a little more than 1/n.
    assert found.values["distortion_max"].value == pytest.approx(1.0, abs=0.05)
    assert found.values["distortion_rms"].value == pytest.approx(1 / np.sqrt(holes), rel=0.05)


def test_diameter(fine):
    _, _, found = fine
    assert found.values["diameter"].value == pytest.approx(160, abs=0.1)


@pytest.mark.parametrize("name", ["MTF (straight edge)", "MTF (wire)"])
def test_edge_and_wire_give_the_point_spread(fine, name):
    scan, _, found = fine
    f, y = curve(found, name)
    true = np.exp(-2 * np.pi**2 * scan.psf_sigma_mm**2 * f**2)
    # The window is 18 mm wide and 2 mm of noise-free plateau; the wire's transform is exact.
    assert np.abs(y - true).max() < 0.01


def test_bars_follow_the_point_spread(fine):
    scan, _, found = fine
    f, y = curve(found, "rMTF (relative to the first group)")
    true = np.exp(-2 * np.pi**2 * scan.psf_sigma_mm**2 * (f**2 - f[0] ** 2))
    assert len(f) >= 2
    assert np.abs(y - true)[:2].max() < 0.02
    assert any("finer than" in w for w in found.warnings)


def test_metal_shadow_is_what_was_planted():
    scan = Scan(**SMALL, noise_hu=10)
    plain = measured(scan).values
    dark = measured(scan, CbctObject(shadow_hu=150)).values
    # Half way between rods 10 mm apart, on the band's crest, mean of a disc of 1.25 mm.
    mean = 150 * (1 - 1.25**2 / (4 * 3.0**2))
    assert dark["shadow"].value - plain["shadow"].value == pytest.approx(
        100 * mean / 1120, rel=0.08
    )
    assert plain["artefact_index"].value < 0.3
    assert dark["artefact_index"].value > 1.2


def test_contrast_to_noise_within_its_uncertainty():
    found = measured(Scan(**SMALL, noise_hu=20, roll_deg=3)).values
    for item in SPEC.inserts:
        cnr = found[f"cnr_{item.key}"]
        assert abs(cnr.value - abs(item.nominal_hu - 120) / 20) < 4 * cnr.u + 0.05


def test_turned_end_to_end():
    scan = Scan(**{**SMALL, "first_mm": -28.0, "last_mm": 88.0}, turned=True, roll_deg=5)
    found = measured(scan)
    assert found.facts["turned"] is True
    assert found.values["grey_ptfe"].value == pytest.approx(0.7 * 990 + 900, abs=1)
    assert found.values["roll"].value == pytest.approx(5, abs=0.1)
    assert "mtf50_straight" in found.values


def test_what_the_series_does_not_hold_is_left_out_and_said():
    found = measured(Scan(**{**SMALL, "last_mm": 8.0}))
    assert "mtf50_wire" not in found.values
    assert "grey_ptfe" in found.values
    assert any("does not hold" in w for w in found.warnings)


def test_another_phantom_is_one_more_description():
    """A description with fewer subjects, made here, measures what it holds and nothing else."""
    data = {
        "phantom": "house", "measurement": "cbct-house", "title": "Phantom of the house",
        "unit": "PV",
        "body": {"radius_mm": 80, "material": "PMMA", "nominal_hu": 120},
        "sources": {"body": "seen: our drawing"},
        "inserts": {
            "z_mm": [-10, 10], "measured_mm": [-6, 6],
            "items": [
                {"key": k, "material": k, "radius_mm": 52, "angle_deg": a, "rod_radius_mm": 5,
                 "roi_radius_mm": 3.5, "nominal_hu": h}
                for k, a, h in (("ptfe", -90, 990), ("delrin", -30, 365), ("ldpe", 30, -100),
                                ("air", 150, -1000))
            ],
        },
        "background": {"radius_mm": 52, "angle_deg": -150, "roi_radius_mm": 8},
        "uniformity": {"z_mm": [-82, -66], "roi_radius_mm": 10, "edge_radius_mm": 55},
        "edges": [{"kind": "rod", "insert": "ptfe", "z_mm": [-6, 6], "reach_mm": 4}],
    }  # fmt: skip
    spec = parse_cbct(data)
    scan = Scan(**SMALL)
    found = analyse(spec, cbct_series(NAME, scan, CbctObject(hu={"aluminium": 120})))
    assert found.name == "cbct-house"
    assert found.values["grey_ptfe"].value == pytest.approx(0.7 * 990 + 900, abs=1)
    at = np.sqrt(np.log(2) / 2) / (np.pi * scan.psf_sigma_mm)
    assert found.values["mtf50_rod_ptfe"].value == pytest.approx(at, rel=0.02)
    assert "lattice_pitch_x" not in found.values


def test_a_description_that_lacks_a_subject_is_refused():
    with pytest.raises(InputError) as refused:
        parse_cbct({"phantom": "x", "measurement": "cbct-x", "title": "X"})
    assert refused.value.code == "bad-description"


# Refusals -----------------------------------------------------------------------------------------


def refusal(images: Sequence[Image]) -> KermaError:
    with pytest.raises(KermaError) as caught:
        find(NAME).run(images)
    assert caught.value.message.endswith(".")
    return caught.value


@pytest.fixture(scope="module")
def whole() -> list[Image]:
    return cbct_series(NAME, Scan(**SMALL))


def test_the_whole_is_recognised(whole):
    recognise = find(NAME).recognise
    assert recognise is not None
    assert "160 mm across" in recognise(whole)


def test_other_phantoms_are_refused():
    quart = cbct_series("cbct-quart-dvt", Scan(**{**SMALL, "first_mm": -60.0, "last_mm": 58.0}))
    assert refusal(quart).code == "wrong-phantom"
    assert refusal(cylinder_series(Scan(**SMALL), 80.0, 120.0)).code == "wrong-phantom"
    catphan = CatphanScan(matrix=260, pixel_mm=0.85, increment_mm=4, first_mm=-90, last_mm=60)
    assert refusal(catphan_series(catphan)).code == "wrong-phantom"


@pytest.mark.parametrize("model", ["504", "604"])
def test_a_real_catphan_is_refused(model):
    from kerma.dicom.pixels import read_images

    images = read_images(shared_path(f"dicom/phantoms/ct-catphan{model}-cbct/series.zip"))
    assert refusal(images).code == "wrong-phantom"


def test_rods_in_other_places_are_refused():
    moved = {"ptfe": 365.0, "delrin": 990.0}
    error = refusal(cbct_series(NAME, Scan(**SMALL), CbctObject(hu=moved)))
    assert error.code == "wrong-phantom"


def test_a_dark_metal_is_refused():
    error = refusal(cbct_series(NAME, Scan(**SMALL), CbctObject(hu={"aluminium": 700})))
    assert error.code == "wrong-phantom"
    assert "aluminium" in error.message


def test_truncated_and_mixed_are_refused(whole):
    assert refusal([i for i in whole if (i.z_mm or 0) > -50]).code == "truncated-series"
    assert refusal(whole[:12] + whole[14:]).code == "missing-slices"
    odd = [*whole[:-1], replace(whole[-1], facts={**whole[-1].facts, "ConvolutionKernel": "x"})]
    assert refusal(odd).code == "mixed-series"
