"""Leeds TOR 18FG: found however it lies; refused where it is not whole; set by hand."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from kerma import imaging
from kerma.core import Image
from kerma.simulate import objects
from kerma.simulate.planar import as_image
from tests.imaging.helpers import refused, u, value

NAME = "leeds-tor-18fg"
SCALE = 2.6
SCAN = objects.ObjectImage(NAME, side=(520, 520), pixels_per_mm=SCALE, turn_deg=17.0, noise=20.0)
MIDDLE = (259.5, 259.5)
CLOCK = (*range(30, 151, 15), *range(210, 331, 15))


@pytest.fixture(scope="module")
def whole() -> Image:
    return objects.image(SCAN)


@pytest.mark.parametrize(
    ("turn", "mirrored"),
    [(0.0, False), (44.0, True), (91.0, False), (180.0, False), (180.0, True),
     (270.0, False), (333.0, True)],
)  # fmt: skip
def test_found_at_any_turn_and_from_either_side(turn: float, mirrored: bool) -> None:
    scan = objects.ObjectImage(
        NAME, side=(480, 520), pixels_per_mm=2.3, turn_deg=turn, mirrored=mirrored,
        centre_px=(280.0, 225.0), noise=15.0, inverted=mirrored,
    )  # fmt: skip
    found = imaging.analyse(NAME, [objects.image(scan)])
    off = (value(found, "rotation") - turn + 180) % 360 - 180
    assert abs(off) < max(0.06, 4 * u(found, "rotation"))
    assert value(found, "pixels_per_mm") == pytest.approx(2.3, rel=0.002)
    assert found.facts["mirrored"] is mirrored
    assert ("higher" in found.facts["attenuation_is"]) is mirrored
    assert found.facts["centre_px"] == pytest.approx([280.0, 225.0], abs=0.3)
    ratio = [
        value(found, f"low_contrast_cnr_{i}") * 15 / (4000 * c)
        for i, c in enumerate(scan.contrast("low_contrast")[:8], 1)
    ]
    assert np.mean(ratio) == pytest.approx(1.0, abs=0.06)


def test_rotation_and_scale_are_as_uncertain_as_stated() -> None:
    clean = objects.expected(replace(SCAN, noise=0.0))
    turn, scale = [], []
    for seed in range(6):
        noise = np.random.default_rng(seed).normal(0, 40.0, clean.shape)
        found = imaging.analyse(NAME, [as_image(clean + noise, None)])
        turn.append((value(found, "rotation") - 17.0) / u(found, "rotation"))
        scale.append((value(found, "pixels_per_mm") - SCALE) / u(found, "pixels_per_mm"))
    for z in (turn, scale):
        assert 0.2 < np.sqrt(np.mean(np.square(z))) < 1.6


def test_magnification_is_pixels_per_mm_times_the_spacing(whole) -> None:
    image = replace(whole, spacing_mm=(0.5, 0.5))
    assert value(imaging.analyse(NAME, [image]), "magnification") == pytest.approx(1.3, rel=2e-3)
    bare = imaging.analyse(NAME, [replace(image, spacing_mm=None)])
    assert "magnification" not in bare.values


@pytest.mark.parametrize("side", [1040])
def test_the_number_of_pixels_does_not_matter(whole, side: int) -> None:
    times = side // 520
    large = np.kron(whole.pixels, np.ones((times, times), dtype=np.float32))
    found = imaging.analyse(NAME, [as_image(large, 1 / SCALE / times)])
    assert value(found, "pixels_per_mm") == pytest.approx(SCALE * times, rel=0.002)
    assert value(found, "magnification") == pytest.approx(1.0, rel=0.002)


def test_blades_close_to_the_object_do_not_matter() -> None:
    near = objects.image(replace(SCAN, blades_px=(58, 58, 462, 462)))
    assert imaging.analyse(NAME, [near]).status == "measured"


@pytest.mark.parametrize("blades", [(125, 0, 520, 520), (0, 0, 520, 405)])
def test_blades_over_the_object_are_refused(blades: tuple[int, int, int, int]) -> None:
    covered = objects.image(replace(SCAN, blades_px=blades))
    assert refused(NAME, [covered], "object-cut-off").detail["missing"]


@pytest.mark.parametrize("edge", ["left", "top", "corner"])
def test_an_object_partly_outside_the_image_is_refused(whole, edge: str) -> None:
    cut = {"left": np.s_[:, 140:], "top": np.s_[130:, :], "corner": np.s_[:380, :380]}[edge]
    part = as_image(np.ascontiguousarray(whole.pixels[cut]), 0.4)
    assert refused(NAME, [part], "object-cut-off").detail["missing"]


def test_what_is_set_by_hand_is_used_recorded_and_told(whole) -> None:
    found = imaging.analyse(
        NAME, [whole], centre_px=MIDDLE, angle_deg=17.0, pixels_per_mm=SCALE, mirrored=False
    )
    assert found.facts["centre_px"] == pytest.approx(MIDDLE)
    assert value(found, "rotation") == pytest.approx(17.0)
    assert found.provenance.parameters["angle_deg"] == 17.0
    assert found.provenance.parameters["set_by_hand"] is True
    assert sum("set by hand" in w for w in found.warnings) == 4
    plain = imaging.analyse(NAME, [whole])
    assert value(found, "low_contrast_cnr_3") == pytest.approx(
        value(plain, "low_contrast_cnr_3"), rel=0.03
    )
    assert "set_by_hand" not in plain.provenance.parameters
    assert not any("by hand" in w for w in plain.warnings)


def test_what_is_not_set_by_hand_is_still_found(whole) -> None:
    found = imaging.analyse(NAME, [whole], centre_px=MIDDLE)
    assert found.facts["centre_px"] == pytest.approx(MIDDLE)
    assert value(found, "rotation") == pytest.approx(17.0, abs=0.1)
    assert value(found, "pixels_per_mm") == pytest.approx(SCALE, rel=0.002)
    assert sum("set by hand" in w for w in found.warnings) == 1


def test_a_place_by_hand_where_the_object_is_not_is_refused(whole) -> None:
    refused(NAME, [whole], "wrong-phantom", angle_deg=69.0)
    refused(NAME, [whole], "wrong-phantom", centre_px=[200.0, 300.0], angle_deg=17.0,
            pixels_per_mm=SCALE)  # fmt: skip
    refused(NAME, [whole], "bad-parameter", pixels_per_mm=-1.0)


def test_an_image_without_noise_says_nothing_of_what_is_seen() -> None:
    clean = as_image(objects.expected(replace(SCAN, noise=0.0)), 0.4)
    found = imaging.analyse(NAME, [clean])
    assert not [n for n in found.values if n.startswith("low_contrast")]
    assert any("no noise" in w for w in found.warnings)
    assert "bars_limit" in found.values


def layout(**more: object) -> dict[str, object]:
    ring = {"diameter_mm": 8, "ring_mm": 60.5, "clock_deg": list(CLOCK)}
    plan = {"object": "own", "title": "own object", "circle_mm": 74.8, "reach_mm": 68}
    return {**plan, "series": {"low_contrast": ring}, **more}


def test_another_layout_given_is_followed(whole) -> None:
    """Only the discs are described: squares and foil look like strangers."""
    place = {"angle_deg": 17.0, "centre_px": MIDDLE, "pixels_per_mm": SCALE}
    found = imaging.analyse(NAME, [whole], layout=layout(), **place)
    assert "bars_limit" not in found.values
    assert found.facts["object"] == "own object"
    assert found.facts["not_checked"] == {}
    assert any("layout" in w and "by hand" in w for w in found.warnings)
    assert value(found, "low_contrast_cnr_1") == pytest.approx(0.17 * 4000 / 20, rel=0.05)


@pytest.mark.parametrize(
    "wrong",
    [{"object": "x"}, layout(series={"a": {"ring_mm": "far"}}), layout(circle_mm=0),
     layout(series={}), layout(series={"a": {"diameter_mm": 8}})],
)  # fmt: skip
def test_a_layout_that_cannot_be_read_is_refused(whole, wrong: dict[str, object]) -> None:
    refused(NAME, [whole], "bad-layout", layout=wrong)
