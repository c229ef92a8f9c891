"""The ACR phantom analysis against a digital phantom: all is known (cases 28 and 29)."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from kerma.core import Analysis
from kerma.imaging.phantoms._acr_spec import load_acr
from kerma.imaging.registry import find
from kerma.simulate.acr464 import AcrObject, acr_series
from kerma.simulate.cylinder import Scan

HU, MM = 1.0, 0.1
SMALL: dict[str, Any] = {"matrix": 360, "pixel_mm": 0.62, "increment_mm": 5.0, "thickness_mm": 5.0}
FINE: dict[str, Any] = {"first_mm": -24.0, "last_mm": 144.0}
QUICK: dict[str, Any] = {**SMALL, "first_mm": -20.0, "last_mm": 140.0}


def measured(scan: Scan, inside: AcrObject | None = None, **parameters: Any) -> Analysis:
    return find("ct-acr464").run(acr_series(scan, inside), **parameters)


def curve(found: Analysis, start: str) -> tuple[np.ndarray, np.ndarray]:
    got = next(c for c in found.curves if c.name.startswith(start))
    return np.array(got.x), np.array(got.y)


CASES = {
    "straight": (Scan(**FINE), AcrObject()),
    "rolled, off centre": (
        Scan(roll_deg=5, offset_mm=(4.3, -6.1), origin_mm=1.3, **FINE),
        AcrObject(hu={"bone": 880, "air": -985, "acrylic": 118}, bars_across="tangential"),
    ),
    "tilted": (
        Scan(tilt_x_deg=0.8, tilt_y_deg=-0.7, roll_deg=-3.2, origin_mm=-2.0, **FINE),
        AcrObject(ramp_senses=(1, 1), bars_across=20.0),
    ),
    "turned, end slices missing": (
        Scan(turned=True, roll_deg=-2, first_mm=-120, last_mm=0),
        AcrObject(),
    ),
    "upside down, from ball to ball, thick": (
        Scan(roll_deg=180, first_mm=0, last_mm=120, increment_mm=5, thickness_mm=5),
        AcrObject(wire_pitch_mm=2.0),
    ),
    "overlapping": (
        Scan(thickness_mm=3, increment_mm=2, origin_mm=0.4, first_mm=-18, last_mm=124),
        AcrObject(wire_pitch_mm=1.2),
    ),
}


@pytest.fixture(scope="module", params=list(CASES), ids=list(CASES))
def case(request: pytest.FixtureRequest) -> tuple[Scan, AcrObject, Analysis]:
    scan, inside = CASES[request.param]
    return scan, inside, measured(scan, inside)


def test_ct_numbers_are_those_of_the_rods(case):
    _, inside, found = case
    for item in load_acr().inserts.items:
        true = inside.hu.get(item.key, item.nominal_hu)
        assert found.values[f"hu_{item.key}"].value == pytest.approx(true, abs=HU)


def test_position_roll_and_tilt(case):
    scan, _, found = case
    value = {name: q.value for name, q in found.values.items()}
    assert (value["roll"] - scan.roll_deg + 180) % 360 - 180 == pytest.approx(0, abs=0.1)
    assert value["tilt_x"] == pytest.approx(scan.tilt_x_deg, abs=0.05)
    assert value["tilt_y"] == pytest.approx(scan.tilt_y_deg, abs=0.05)
    assert value["centre_offset_x"] == pytest.approx(scan.offset_mm[0], abs=MM)
    assert value["centre_offset_y"] == pytest.approx(scan.offset_mm[1], abs=MM)
    assert found.facts["turned"] is scan.turned


def test_modules_are_found_to_half_a_slice(case):
    scan, _, found = case
    origin = found.values["origin_position"]
    assert abs(origin.value - scan.origin_mm) <= scan.increment_mm / 2
    assert abs(origin.value - scan.origin_mm) < 4 * origin.u
    sense = -1 if scan.turned else 1
    for module, z in load_acr().modules_mm.items():
        at = found.facts["module_positions_mm"][module]
        assert abs(at - scan.origin_mm - sense * z) <= scan.increment_mm / 2


def test_slice_thickness_is_within_its_uncertainty(case):
    """Case 25; the wires sample the profile at steps of 0.5 mm, which its uncertainty states."""
    scan, _, found = case
    thickness = found.values["slice_thickness"]
    assert abs(thickness.value - scan.thickness_mm) < 4 * thickness.u
    assert thickness.value == pytest.approx(scan.thickness_mm, rel=0.03)


def test_distances(case):
    scan, _, found = case
    assert found.values["phantom_diameter"].value == pytest.approx(200, abs=MM)
    assert found.values["bead_distance"].value == pytest.approx(100, abs=MM)
    planes = found.values["bead_plane_distance"]
    assert abs(planes.value - 120) < 2 * planes.u + scan.increment_mm / 20


def test_relative_modulation_of_the_bars_is_that_of_the_point_spread(case):
    scan, _, found = case
    f, y = curve(found, "rMTF")
    true = np.exp(-2 * np.pi**2 * scan.psf_sigma_mm**2 * (f**2 - f[0] ** 2))
    assert np.abs((y - true)[f < 0.85]).max() < 0.01
    at = {level: np.sqrt(f[0] ** 2 - np.log(level) / (2 * np.pi**2 * 0.25)) for level in (0.5, 0.3)}
    assert found.values["rmtf50"].value == pytest.approx(at[0.5], rel=0.01)
    assert found.values["rmtf30"].value == pytest.approx(at[0.3], rel=0.01)


@pytest.fixture(scope="module")
def noisy() -> Analysis:
    scan = Scan(
        roll_deg=3, offset_mm=(2.1, 3.3), tilt_x_deg=0.4, noise_hu=6, seed=11, table_hu=-600, **FINE
    )
    return measured(scan)


def test_noise_and_its_spectrum_are_white(noisy):
    assert noisy.values["noise"].value == pytest.approx(6, rel=0.06)
    assert noisy.values["nps_noise"].value == pytest.approx(6, rel=0.02)
    f, power = curve(noisy, "Noise power")
    assert power[f > 0.08].mean() == pytest.approx(6**2 * 0.55**2, rel=0.02)


def test_contrast_to_noise_of_rod_and_rods(noisy):
    cnr = noisy.values["cnr"]
    assert abs(cnr.value - 1.0) < 4 * cnr.u
    assert noisy.values["contrast_25mm"].value == pytest.approx(6, abs=0.6)
    assert noisy.values["cnr_rods_6mm"].value == pytest.approx(1.0, abs=0.12)
    # A disc of 0.4 d holds n pixels; one rod is seen above 3.29 sigma sqrt(1.5 / n): 4.7 HU at
    # 4 mm, 6.2 HU at 3 mm.
    assert noisy.values["smallest_visible_rods"].value == 4


def test_noise_leaves_ct_numbers_within_their_uncertainty(noisy):
    for item in load_acr().inserts.items:
        q = noisy.values[f"hu_{item.key}"]
        assert 0 < q.u < 1
        assert abs(q.value - item.nominal_hu) < 4 * q.u + 0.05


def test_uncertainties_cover_the_truth():
    """Scatter about the truth over its stated uncertainty: about one, over seeds and places."""
    near: dict[str, list[float]] = {"hu": [], "ball": [], "cnr": []}
    for seed in range(6):
        scan = {**QUICK, "roll_deg": 9.0 * seed, "offset_mm": (0.1 * seed, -0.07 * seed)}
        values = measured(Scan(**scan, noise_hu=4, seed=seed)).values
        for item in load_acr().inserts.items:
            q = values[f"hu_{item.key}"]
            near["hu"].append((q.value - item.nominal_hu) / q.u)
        for name, key, true in (("bead_distance", "ball", 100), ("cnr", "cnr", 6 / 4)):
            near[key].append((values[name].value - true) / values[name].u)
    for key, z in near.items():
        assert 0.3 < float(np.sqrt(np.mean(np.square(z)))) < 1.8, key
        assert np.abs(z).max() < 4, key


def test_rods_lost_in_noise_are_not_reported_as_visible():
    found = measured(Scan(noise_hu=60, seed=3, **QUICK))
    assert "smallest_visible_rods" not in found.values
    assert any("visible" in w for w in found.warnings)


def test_rods_that_are_somewhere_else_are_not_judged():
    """A description that does not fit the phantom must not read as a bad scanner."""
    spec = load_acr()
    images = acr_series(Scan(noise_hu=2, **QUICK))
    wrong = replace(
        spec.low_contrast,
        groups=tuple(replace(g, angle_deg=g.angle_deg + 30) for g in spec.low_contrast.groups),
    )
    from kerma.imaging.phantoms import _acr_contrast, acr464

    volume, _, at = acr464._found(images, None)
    part = _acr_contrast.low_contrast(volume, at.pose, replace(spec, low_contrast=wrong))
    assert not [name for name in part.values if name.startswith("cnr_rods")]
    assert sum("not found where" in w for w in part.warnings) == len(wrong.groups)


def test_rods_a_little_off_their_place_are_followed():
    spec = load_acr()
    images = acr_series(Scan(noise_hu=2, **QUICK))
    moved = replace(
        spec.low_contrast,
        groups=tuple(replace(g, angle_deg=g.angle_deg + 8) for g in spec.low_contrast.groups),
    )
    from kerma.imaging.phantoms import _acr_contrast, acr464

    volume, _, at = acr464._found(images, None)
    part = _acr_contrast.low_contrast(volume, at.pose, replace(spec, low_contrast=moved))
    assert part.values["cnr_rods_6mm"].value == pytest.approx(3.0, abs=0.3)


def test_cupping_and_a_wrong_scale():
    hu = {i.key: 0.97 * i.nominal_hu + 8 for i in load_acr().inserts.items}
    found = measured(Scan(offset_mm=(5, -3), roll_deg=4, **QUICK), AcrObject(hu=hu)).values
    assert found["linearity_slope"].value == pytest.approx(0.97, abs=1e-3)
    assert found["linearity_intercept"].value == pytest.approx(8, abs=0.3)
    cupped = measured(Scan(offset_mm=(5, -3), roll_deg=4, **QUICK), AcrObject(cup_hu=20)).values
    # Mean of r² over an 11.3 mm disc at 66 mm less that at 0.
    assert cupped["uniformity_max_difference"].value == pytest.approx(20 * 66**2 / 1e4, abs=0.15)


def test_wires_seen_one_by_one_give_their_step():
    scan = Scan(
        psf_sigma_mm=0.4,
        thickness_mm=2,
        increment_mm=1,
        noise_hu=3,
        matrix=440,
        pixel_mm=0.5,
        first_mm=-12,
        last_mm=103,
    )
    step = measured(scan, AcrObject(wire_pitch_mm=2.2)).values["ramp_wire_step"]
    assert step.value == pytest.approx(0.5, abs=0.01)


def test_order_of_the_images_does_not_matter_and_the_same_gives_the_same():
    images = acr_series(Scan(roll_deg=1, noise_hu=4, **QUICK))
    run = find("ct-acr464").run
    found, again, backwards = run(images), run(images), run(images[::-1])
    assert found.as_dict() == again.as_dict()
    assert {k: v.value for k, v in found.values.items()} == {
        k: v.value for k, v in backwards.values.items()
    }
    last = len(images) - 1
    assert backwards.facts["origin_slice"] == last - found.facts["origin_slice"]
    assert {r.frame for r in backwards.regions} == {last - r.frame for r in found.regions}


def test_feet_first_is_followed_and_said():
    found = measured(Scan(patient_position="FFS", roll_deg=2, offset_mm=(3, 1), **QUICK))
    assert found.facts["turned"] is True
    assert any("feet first" in w for w in found.warnings)
    assert found.values["hu_bone"].value == pytest.approx(955, abs=HU)


def test_regions_lie_on_what_they_name():
    images = acr_series(Scan(roll_deg=3, offset_mm=(2, -4), **QUICK))
    found = find("ct-acr464").run(images)
    bone = next(r for r in found.regions if r.name == "bone equivalent")
    (x, y), _ = bone.points
    assert images[bone.frame].pixels[round(y), round(x)] == pytest.approx(955, abs=1)
    for ball in (r for r in found.regions if r.name == "alignment ball"):
        (x, y), _ = ball.points
        c, r = round(x), round(y)
        patch = images[ball.frame].pixels[r - 3 : r + 4, c - 3 : c + 4]
        assert patch.max() > 500


def test_overrides_are_used_recorded_and_said():
    images = acr_series(Scan(roll_deg=2, **QUICK))
    index = min(range(len(images)), key=lambda i: abs((images[i].z_mm or 0) - 5))
    found = find("ct-acr464").run(
        images, origin_slice=index, roll_deg=2.5, centre_px=[179.5, 180.0]
    )
    assert found.values["origin_position"].value == images[index].z_mm
    assert found.values["roll"].value == 2.5
    assert found.values["centre_offset_y"].value == pytest.approx(0.5 * 0.62, abs=1e-6)
    parameters = found.provenance.parameters
    assert parameters["origin_slice"] == index
    assert parameters["roll_deg"] == 2.5
    assert parameters["centre_px"] == [179.5, 180.0]
    assert parameters["phantom_sha256"] == load_acr().sha256
    assert sum("set by hand" in w for w in found.warnings) == 3


def test_what_is_known_from_memory_only_is_said():
    found = measured(Scan(**QUICK))
    assert "ramps" in found.facts["recalled"]
