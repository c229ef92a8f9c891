"""Artefacts of metal rods in cone-beam CT, planted and found."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from kerma.core import Analysis, Image, KermaError
from kerma.imaging.registry import find
from kerma.simulate.cbct import cylinder_series, metal_series
from kerma.simulate.cylinder import Scan

NAME = "cbct-artefact"
BASE: dict[str, Any] = {
    "first_mm": -26.0, "last_mm": 26.0, "increment_mm": 1.0, "thickness_mm": 1.0,
    "matrix": 260, "pixel_mm": 0.5, "psf_sigma_mm": 0.35,
}  # fmt: skip
RADIUS = 58.0
RODS = [(-15.0, 0.0), (0.0, 0.0), (15.0, 0.0)]


def measured(images: Sequence[Image], **parameters: Any) -> Analysis:
    return find(NAME).run(images, **parameters)


@pytest.mark.parametrize(("scale", "shift"), [(1.0, 0.0), (0.6, 800.0)])
def test_the_shadow_planted_is_found_in_any_grey_scale(scale, shift):
    scan = Scan(scale=scale, shift=shift, noise_hu=20, roll_deg=20, offset_mm=(4, 3), **BASE)
    found = measured(metal_series(scan, RADIUS, RODS, shadow_hu=112.0))
    assert found.facts["rods"] == 3
    assert found.facts["rod_radius_mm"] == pytest.approx(2.5, abs=0.2)
    assert found.values["shadow"].value == pytest.approx(10.0, abs=0.3)


def test_the_index_is_the_standard_deviation_without_noise():
    """A band covering share p of the surroundings, d deep, has SD d sqrt(p (1 - p))."""
    scan = Scan(noise_hu=30, **BASE)
    found = measured(metal_series(scan, RADIUS, RODS, shadow_hu=112.0))
    line = np.arange(-40, 40, 0.05)
    x, y = np.meshgrid(line, line)
    apart = np.min([np.hypot(x - a, y - b) for a, b in RODS], axis=0)
    # One to four rod radii beyond the rims; the rods as shown are 2.55 mm.
    radius = found.facts["rod_radius_mm"]
    around = (apart > 2 * radius) & (apart < 5 * radius)
    share = ((np.abs(x) < 15) & (np.abs(y) < 6))[around].mean()
    true = 10.0 * np.sqrt(share * (1 - share))
    assert found.values["artefact_index"].value == pytest.approx(true, rel=0.05)


def test_no_artefact_is_none_within_its_uncertainty():
    found = measured(metal_series(Scan(noise_hu=20, **BASE), RADIUS, RODS)).values
    assert found["artefact_index"].value < 4 * found["artefact_index"].u + 0.2
    assert abs(found["shadow"].value) < 4 * found["shadow"].u + 0.1


def test_one_rod_gives_an_index_and_no_shadow():
    found = measured(metal_series(Scan(noise_hu=10, **BASE), RADIUS, [(0.0, 10.0)]))
    assert "artefact_index" in found.values
    assert "shadow" not in found.values


def test_slices_by_hand_are_recorded():
    images = metal_series(Scan(**BASE, noise_hu=5), RADIUS, RODS)
    found = measured(images, metal_slices=[20, 32])
    assert any("set by hand" in w for w in found.warnings)
    assert found.provenance.parameters["metal_slices"] == [20, 32]


def refusal(images: Sequence[Image], **parameters: Any) -> KermaError:
    with pytest.raises(KermaError) as caught:
        measured(images, **parameters)
    assert caught.value.message.endswith(".")
    return caught.value


def test_no_metal_is_refused():
    plain = cylinder_series(Scan(**BASE, noise_hu=20), RADIUS, 120.0)
    assert refusal(plain).code == "wrong-phantom"


def test_metal_in_every_slice_is_refused():
    images = metal_series(Scan(**BASE, noise_hu=10), RADIUS, RODS, half_length_mm=60)
    assert refusal(images).code == "no-clear-slices"


def test_structure_around_the_rods_is_refused():
    from kerma.simulate.cylinder import series

    def paint(part: Any) -> None:
        part.body(RADIUS, 120.0, low=-900, high=900)
        for k in range(-4, 5):
            part.rod((8.0 * k, 7.0), 3.0, -1120.0, -900, 900)
        for x, y in RODS:
            part.rod((x, y), 2.5, 2880.0, -8, 8)

    assert refusal(series(Scan(**BASE, noise_hu=10), RADIUS, paint)).code == "wrong-phantom"


def test_empty_and_wrong_parameters_are_refused():
    assert refusal([]).code == "no-images"
    images = metal_series(Scan(**BASE), RADIUS, RODS)
    assert refusal(images, metal_share=0.0).code == "bad-parameter"
    assert refusal(images, clear_mm=-1.0).code == "bad-parameter"
