"""The middle of the X-ray field on the detector."""

from __future__ import annotations

import numpy as np
import pytest

from kerma import imaging
from kerma.simulate import planar
from tests.imaging.geometry_images import FACTS, PIXEL, SHAPE, field, field_pixels, pixel_of
from tests.imaging.helpers import refused, u, value

NAME = "field-centring"
EDGES = (-48.0, -47.0, 54.0, 45.0)  # middle at (3, -1)


@pytest.mark.parametrize("turn", [0.0, 8.0])
def test_known_offset(turn: float) -> None:
    found = imaging.analyse(NAME, [field(EDGES, turn=turn, share=0.02)])
    c, s = np.cos(np.radians(turn)), np.sin(np.radians(turn))
    for name, truth in (("offset_x", 3 * c + s), ("offset_y", 3 * s - c)):
        assert value(found, name) == pytest.approx(truth, abs=4 * u(found, name))
        assert value(found, f"{name}_percent") == pytest.approx(truth / 10.0, abs=1e-3)
        assert u(found, name) < 0.01
    assert value(found, "offset") == pytest.approx(np.hypot(3, 1), abs=0.01)


def test_uncertainty_covers_the_truth() -> None:
    z = []
    for seed in range(16):
        found = imaging.analyse(NAME, [field(EDGES, share=0.2, seed=seed)])
        z += [
            (value(found, n) - t) / u(found, n) for n, t in (("offset_x", 3.0), ("offset_y", -1.0))
        ]
    assert (np.abs(z) <= 2).mean() >= 0.85
    assert 0.6 <= np.sqrt(np.mean(np.square(z))) <= 1.4


def test_an_open_side_leaves_its_axis_out() -> None:
    found = imaging.analyse(NAME, [field((-48.0, -47.0, 200.0, 45.0), share=0.02)])
    assert "offset_x" not in found.values
    assert "offset" not in found.values
    assert value(found, "offset_y") == pytest.approx(-1.0, abs=0.01)


def test_the_detector_centre_set_by_hand_is_recorded() -> None:
    at = pixel_of(3.0, -1.0)
    found = imaging.analyse(NAME, [field(EDGES)], centre_px=at)
    assert value(found, "offset") == pytest.approx(0.0, abs=0.005)
    assert any("by hand" in w for w in found.warnings)
    assert found.provenance.parameters["centre_px"] == list(at)


def test_a_cropped_image_is_pointed_out() -> None:
    facts = {**FACTS, "FieldOfViewDimensions": [SHAPE[0] * PIXEL, 300.0]}
    found = imaging.analyse(NAME, [field(EDGES, image={"facts": facts})])
    assert any("cropped" in w for w in found.warnings)
    whole = {**FACTS, "FieldOfViewDimensions": [SHAPE[0] * PIXEL, SHAPE[1] * PIXEL]}
    assert imaging.analyse(NAME, [field(EDGES, image={"facts": whole})]).warnings == ()


def test_without_a_distance_there_is_no_percentage() -> None:
    found = imaging.analyse(NAME, [planar.as_image(field_pixels(EDGES), PIXEL)])
    assert not any(name.endswith("percent") for name in found.values)


def test_refusals() -> None:
    flat = planar.flat_field(SHAPE, mean=1000, noise=20, seed=1)
    refused(NAME, [planar.as_image(flat, PIXEL)], "no-field-edge")
    refused(NAME, [planar.as_image(field_pixels(), None)], "no-pixel-spacing")
    refused(NAME, [field(image={"processing": "presentation"})], "processed-image")
