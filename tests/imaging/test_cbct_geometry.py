"""Distances in cone-beam CT from a lattice of holes or beads (case 28, geometry)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from kerma.core import Analysis, Image, KermaError
from kerma.imaging.registry import find
from kerma.imaging.tools.lattice import fit_lattice
from kerma.simulate.cbct import cylinder_series, lattice_series
from kerma.simulate.cylinder import Scan

NAME = "cbct-geometry"
BASE: dict[str, Any] = {
    "first_mm": -5.0, "last_mm": 5.0, "increment_mm": 0.5, "thickness_mm": 0.5,
    "matrix": 300, "pixel_mm": 0.4, "psf_sigma_mm": 0.3,
}  # fmt: skip
RADIUS = 55.0


def measured(images: Sequence[Image], **parameters: Any) -> Analysis:
    return find(NAME).run(images, **{"pitch_mm": 10.0, **parameters})


@pytest.mark.parametrize("beads", [False, True])
@pytest.mark.parametrize("roll", [0.0, 12.0])
def test_pitch_is_found_at_any_roll(beads, roll):
    scan = Scan(roll_deg=roll, offset_mm=(2.3, -1.7), noise_hu=20, **BASE)
    found = measured(lattice_series(scan, RADIUS, 10.0, beads=beads))
    assert found.facts["kind"] == ("beads" if beads else "holes")
    for axis in "xy":
        assert found.values[f"lattice_pitch_{axis}"].value == pytest.approx(10, abs=0.01)
        assert abs(found.values[f"length_error_{axis}"].value) < 0.1
    assert found.values["distortion_max"].value < 0.1
    assert abs(found.values["layer_position"].value) <= 1.5
    assert found.values["diameter"].value == pytest.approx(110, abs=0.1)
    assert found.facts["lattice_angle_deg"] == pytest.approx(roll, abs=0.05)


def test_a_stretched_picture_is_told_from_a_distorted_one():
    scan = Scan(**BASE)
    found = measured(lattice_series(scan, RADIUS, 10.0, stretched=(1.02, 1.0)))
    assert found.values["lattice_pitch_x"].value == pytest.approx(10.2, abs=0.01)
    assert found.values["lattice_pitch_ratio"].value == pytest.approx(1.02, abs=0.001)
    assert found.values["length_error_x"].value == pytest.approx(2.0, abs=0.05)
    assert found.values["distortion_max"].value < 0.05


def test_one_spot_elsewhere_is_the_distortion():
    images = lattice_series(Scan(**BASE), RADIUS, 10.0, moved=(30, 0.6, 0.8))
    found = measured(images)
    # The lattice gives way by the spot's leverage, 2 to 6 % here.
    assert found.values["distortion_max"].value == pytest.approx(0.96, abs=0.03)
    worst = max(
        (r for r in found.regions if r.name == "spot"), key=lambda r: r.values["distortion"].value
    )
    assert worst.values["distortion"].value == found.values["distortion_max"].value


def test_a_slice_by_hand_is_used_and_recorded():
    images = lattice_series(Scan(**BASE), RADIUS, 10.0)
    found = measured(images, slice_index=10, kind="holes")
    assert found.facts["layer_slice"] == 10
    assert any("set by hand" in w for w in found.warnings)


def refusal(images: Sequence[Image], **parameters: Any) -> KermaError:
    with pytest.raises(KermaError) as caught:
        measured(images, **parameters)
    assert caught.value.message.endswith(".")
    return caught.value


def test_no_lattice_is_refused():
    plain = cylinder_series(Scan(noise_hu=30, **BASE), RADIUS, 120.0)
    assert refusal(plain).code == "no-lattice"
    images = lattice_series(Scan(**BASE), RADIUS, 10.0)
    assert refusal(images, pitch_mm=14.0).code == "no-lattice"
    assert refusal(images, kind="beads").code == "no-lattice"
    assert refusal([]).code == "no-images"


@pytest.mark.parametrize(
    "wrong", [{"pitch_mm": 0.0}, {"kind": "rods"}, {"spot_radius_mm": 9.0}, {"slice_index": 999}]
)
def test_wrong_parameters_are_refused(wrong):
    images = lattice_series(Scan(**BASE), RADIUS, 10.0)
    assert refusal(images, **wrong).code == "bad-parameter"


def test_a_lattice_with_gaps_and_strangers_is_fitted():
    random = np.random.default_rng(3)
    nodes = np.array([(i, j) for i in range(-6, 7) for j in range(-6, 7)])
    places = 7.0 * nodes @ np.array([[0.98, 0.2], [-0.2, 0.98]]) + random.normal(0, 0.02, (169, 2))
    kept = places[random.permutation(169)[:120]]
    strangers = random.uniform(-40, 40, (10, 2))
    found = fit_lattice(np.vstack([kept, strangers]), 7.0)
    assert found.pitches == pytest.approx((7 * np.hypot(0.98, 0.2),) * 2, rel=1e-3)
    assert 120 <= len(found.nodes) <= 126
