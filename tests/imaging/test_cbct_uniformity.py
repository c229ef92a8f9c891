"""Any homogeneous cylinder in cone-beam CT (cases 6, 15 and 29)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from kerma.core import Analysis, Image, KermaError
from kerma.imaging.registry import find
from kerma.simulate import ct
from kerma.simulate.catphan import CatphanScan, catphan_series
from kerma.simulate.cbct import cbct_series, cylinder_series
from kerma.simulate.cylinder import Scan, series
from tests.imaging.real import siemens

NAME = "cbct-uniformity"
BASE: dict[str, Any] = {
    "first_mm": -6.0, "last_mm": 6.0, "increment_mm": 0.6, "thickness_mm": 0.6,
    "matrix": 256, "pixel_mm": 0.5, "psf_sigma_mm": 0.4,
}  # fmt: skip
RADIUS = 55.0


def measured(images: Sequence[Image], **parameters: Any) -> Analysis:
    return find(NAME).run(images, **parameters)


@pytest.mark.parametrize(("scale", "shift"), [(1.0, 0.0), (0.5, 700.0), (3.0, -20.0)])
@pytest.mark.parametrize("hu", [0.0, 120.0])
def test_cupping_does_not_depend_on_the_grey_scale(scale, shift, hu):
    """Case 15 in a circle: cup (r/R)² gives discs at 0.7 R a rise of 0.49 cup over the middle."""
    scan = Scan(scale=scale, shift=shift, offset_mm=(3, -4), **BASE)
    found = measured(cylinder_series(scan, RADIUS, hu, cup_hu=40)).values
    centre = hu + 40 * 0.12**2 / 2 + 1000
    assert found["cupping"].value == pytest.approx(100 * 40 * 0.49 / centre, abs=0.03)
    assert found["uniformity_relative"].value == pytest.approx(100 * 40 * 0.49 / centre, abs=0.03)
    assert found["uniformity_centre"].value == pytest.approx(
        scale * (hu + 40 * 0.12**2 / 2) + shift, abs=0.5 * scale
    )
    assert found["diameter"].value == pytest.approx(2 * RADIUS, abs=0.2)


def test_white_noise_and_its_spectrum():
    """Case 6."""
    scan = Scan(noise_hu=20, seed=4, **BASE)
    found = measured(cylinder_series(scan, RADIUS, 0.0), calibrated_hu=True)
    noise = found.values["noise"]
    assert str(noise.unit) == "HU"
    assert abs(noise.value - 20) < 4 * noise.u
    assert found.values["nps_noise"].value == pytest.approx(20, rel=0.02)
    power = next(c for c in found.curves if c.name == "Noise power spectrum")
    assert np.array(power.y)[3:].mean() == pytest.approx(400 * 0.25, rel=0.03)
    assert found.values["noise_relative"].value == pytest.approx(2.0, rel=0.05)


def test_uncertainty_of_cupping_covers_the_truth():
    inside = 0
    for seed in range(20):
        rough = {**BASE, "matrix": 128, "pixel_mm": 1.0, "increment_mm": 1.5, "thickness_mm": 1.5}
        scan = Scan(noise_hu=60, seed=seed, **rough)
        cup = measured(cylinder_series(scan, RADIUS, 0.0)).values["cupping"]
        inside += abs(cup.value) < 2 * cup.u
    # Binomial with p = 0.95: fewer than 15 of 20 happens once in 3000.
    assert inside >= 15


def test_a_ring_is_found_where_it_is():
    def paint(part: Any) -> None:
        part.body(RADIUS, 0.0, low=-900, high=900)
        r = np.hypot(part.frame.x, part.frame.y)
        part.image += 30.0 * np.exp(-((r - 25.0) ** 2) / (2 * 0.6**2))

    found = measured(series(Scan(noise_hu=10, **BASE), RADIUS, paint))
    assert found.facts["ring_radius_mm"] == pytest.approx(25, abs=0.5)
    assert found.values["ring"].value == pytest.approx(3.0, rel=0.25)
    clean = measured(cylinder_series(Scan(noise_hu=10, **BASE), RADIUS, 0.0))
    assert clean.values["ring"].value < 0.3


def test_a_table_and_the_border_of_the_circle_do_not_matter():
    plain = measured(cylinder_series(Scan(**BASE), RADIUS, 120.0)).values
    scan = Scan(table_hu=-300, fov_mm=124, padding=-3000.0, **BASE)
    busy = measured(cylinder_series(scan, RADIUS, 120.0)).values
    for name in ("uniformity_centre", "cupping", "diameter"):
        assert busy[name].value == pytest.approx(plain[name].value, abs=0.1)


@pytest.mark.parametrize("fov", [None, 60.0])
def test_a_field_inside_the_phantom_gives_no_relative_values(fov):
    """Padding around a small field must not be taken for air."""
    scan = Scan(
        noise_hu=15, scale=0.5, shift=700.0, padding=0.0, fov_mm=fov,
        **{**BASE, "matrix": 128 if fov is None else 160},
    )  # fmt: skip
    found = measured(cylinder_series(scan, 80.0, 120.0))
    assert found.facts["field_inside_phantom"] is True
    assert "cupping" not in found.values
    assert "diameter" not in found.values
    assert any("lies inside the phantom" in w for w in found.warnings)
    assert found.values["noise"].value == pytest.approx(7.5, rel=0.1)
    told = measured(cylinder_series(scan, 80.0, 120.0), air_level=200.0)
    assert told.values["noise_relative"].value == pytest.approx(7.5 / 560 * 100, rel=0.1)
    assert any("set by hand" in w for w in told.warnings)


def test_slices_by_hand_are_recorded():
    images = cylinder_series(Scan(**BASE), RADIUS, 0.0)
    found = measured(images, first_slice=3, last_slice=6)
    assert found.facts["slices"] == [3, 4, 5, 6]
    assert found.provenance.parameters["first_slice"] == 3
    assert any("set by hand" in w for w in found.warnings)


def test_the_same_gives_the_same_in_any_order():
    images = cylinder_series(Scan(noise_hu=10, **BASE), RADIUS, 0.0)
    found = measured(images)
    assert found.as_dict() == measured(images).as_dict()
    backwards = measured(images[::-1])
    assert {k: v.value for k, v in found.values.items()} == {
        k: v.value for k, v in backwards.values.items()
    }


def test_real_water_is_as_homogeneous_as_its_maker_says():
    """Head water phantom of the public daily set: homogeneous to a few HU, noise 3.7 HU."""
    found = measured(siemens("003"), calibrated_hu=True).values
    assert abs(found["uniformity_centre"].value) < 3
    assert found["uniformity_max_difference"].value < 4
    assert found["noise"].value == pytest.approx(3.7, abs=0.5)
    assert found["diameter"].value == pytest.approx(200, abs=1)


# Refusals -----------------------------------------------------------------------------------------


def refusal(images: Sequence[Image], **parameters: Any) -> KermaError:
    with pytest.raises(KermaError) as caught:
        measured(images, **parameters)
    assert caught.value.message.endswith(".")
    return caught.value


def test_phantoms_with_something_in_them_are_refused():
    rods = Scan(**{**BASE, "matrix": 340})
    assert refusal(cbct_series("cbct-quart-dvt", rods)).code == "wrong-phantom"
    catphan = CatphanScan(matrix=300, pixel_mm=0.75, first_mm=-6, last_mm=6, increment_mm=1.0)
    assert refusal(catphan_series(catphan)).code == "wrong-phantom"


def test_a_patient_is_refused():
    slices = [ct.as_image(ct.anatomy((256, 256), seed=2), 1.3, z_mm=3.0 * k) for k in range(6)]
    assert refusal(slices).code in ("wrong-phantom", "phantom-not-found")


def test_what_holds_nothing_is_refused():
    images = cylinder_series(Scan(**BASE), RADIUS, 0.0)
    assert refusal([]).code == "no-images"
    assert refusal(images[:2]).code == "truncated-series"
    assert refusal([replace(i, pixels=0 * i.pixels) for i in images]).code == "constant-image"
    assert refusal([replace(i, modality="PX") for i in images]).code == "wrong-modality"
    assert refusal([replace(i, spacing_mm=None) for i in images]).code == "no-pixel-spacing"
    air = series(Scan(noise_hu=10, **BASE), RADIUS, lambda part: None)
    assert refusal(air).code in ("phantom-not-found", "wrong-phantom")


@pytest.mark.parametrize(
    "wrong",
    [
        {"disc_share": 0.6},
        {"edge_share": 0.95},
        {"first_slice": 2},
        {"first_slice": 9, "last_slice": 99},
    ],
)
def test_wrong_parameters_are_refused(wrong):
    images = cylinder_series(Scan(**BASE), RADIUS, 0.0)
    assert refusal(images, **wrong).code == "bad-parameter"
