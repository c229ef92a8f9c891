"""Panoramic test objects against a drawn one of which everything is known (cases 17, 28 and 29)."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from kerma.core import Analysis, Image, InputError, KermaError
from kerma.imaging.dental._spec import load_panoramic, parse_panoramic
from kerma.imaging.dental.panoramic import analyse
from kerma.imaging.registry import find
from kerma.simulate import planar
from kerma.simulate.dental import (
    IntraoralShot,
    PanoramicShot,
    intraoral_image,
    panoramic_image,
    station_corners,
)

NAME = "dental-panoramic"
SPEC = load_panoramic()[NAME]
BASE = PanoramicShot(shape=(660, 1150), pixel_mm=0.15)


def measured(shot: PanoramicShot, **parameters: Any) -> Analysis:
    return find(NAME).run([panoramic_image(shot)], **parameters)


CASES = {
    "near the layer": BASE,
    "out of the layer": replace(
        BASE, across=(1.55, 1.4, 1.2, 1.05, 0.95), down=(1.31, 1.28, 1.25, 1.23, 1.21), noise=30
    ),
    "mirrored": replace(BASE, mirrored=True, across=(1.4, 1.3, 1.25, 1.2, 1.15), noise=20),
    "dark where it attenuates": replace(BASE, sign=-1, slope=300.0, noise=20),
    "as DX": replace(BASE, modality="DX", state="raw"),
    "fine pixels": replace(BASE, shape=(1100, 1700), pixel_mm=0.1),
}


@pytest.fixture(scope="module", params=list(CASES), ids=list(CASES))
def case(request: pytest.FixtureRequest) -> tuple[PanoramicShot, Analysis]:
    shot = CASES[request.param]
    return shot, measured(shot)


def test_magnifications_are_those_drawn(case):
    shot, found = case
    for k, name in enumerate(SPEC.stations):
        for word, true, length in (("mh", shot.across[k], 10.0), ("mv", shot.down[k], 20.0)):
            value = found.values[f"{word}_{name}"]
            # 0.1 mm over the length of the pair.
            assert value.value == pytest.approx(true, abs=0.1 / length / 2)
        ratio = found.values[f"ratio_{name}"].value
        assert ratio == pytest.approx(shot.across[k] / shot.down[k], abs=0.005)
    assert found.facts["mirrored"] is shot.mirrored


def test_distances_and_symmetry(case):
    shot, found = case
    corners = station_corners(shot, SPEC)
    left, right = corners[2][0] - corners[0][0], corners[4][0] - corners[2][0]
    assert found.values["distance_left"].value == pytest.approx(left, abs=0.1)
    assert found.values["distance_right"].value == pytest.approx(right, abs=0.1)
    assert found.values["asymmetry_position"].value == pytest.approx(
        200 * (left - right) / (left + right), abs=0.1
    )
    a, b = shot.across[0], shot.across[-1]
    assert found.values["asymmetry_mh_molar"].value == pytest.approx(
        200 * (a - b) / (a + b), abs=0.8
    )
    assert found.values["occlusal_tilt"].value == pytest.approx(0, abs=0.05)


def test_bars_are_seen_in_the_frequencies_of_the_object(case):
    shot, found = case
    for k, name in enumerate(SPEC.stations):
        for way, magnified, sigma in (
            ("h", shot.across[k], shot.sigma_mm[0]),
            ("v", shot.down[k], shot.sigma_mm[1]),
        ):
            got = next(c for c in found.curves if c.name == f"rMTF {way}_{name}")
            f, y = np.array(got.x), np.array(got.y)
            blur = sigma / magnified
            true = np.exp(-2 * np.pi**2 * blur**2 * (f**2 - f[0] ** 2))
            # Drawn values are rounded to whole grey values; near Nyquist a few per cent are lost.
            assert np.abs(y - true).max() < 0.04  # fmt: skip


def test_layer_offset_needs_the_radius_and_follows_the_ratio():
    shot = CASES["out of the layer"]
    found = measured(shot, rotation_radius_mm={"left_molar": 45.0, "incisor": 60.0})
    for k, name, radius in ((0, "left_molar", 45.0), (2, "incisor", 60.0)):
        true = radius * (shot.down[k] / shot.across[k] - 1)
        offset = found.values[f"layer_offset_{name}"]
        assert offset.value == pytest.approx(true, abs=0.2)
        assert abs(offset.value - true) < 5 * offset.u + 0.05
    assert "layer_offset_right_molar" not in found.values
    assert found.provenance.parameters["rotation_radius_mm"]["incisor"] == 60.0


def test_a_blurred_station_loses_its_fine_bars():
    sharp = measured(replace(BASE, noise=60)).values["limiting_h_incisor"].value
    blurred = measured(replace(BASE, noise=60, sigma_mm=(0.35, 0.08))).values
    assert sharp == pytest.approx(3.19)
    assert blurred["limiting_h_incisor"].value < sharp
    assert blurred["limiting_v_incisor"].value == pytest.approx(3.19)


def test_uncertainty_covers_the_truth_in_noise():
    outside = 0
    for seed in range(5):
        found = measured(replace(BASE, noise=120, seed=seed))
        for k, name in enumerate(SPEC.stations):
            q = found.values[f"mh_{name}"]
            outside += abs(q.value - BASE.across[k]) > 2 * q.u
    # 25 values, 5 % outside two standard uncertainties: more than 5 happens once in 500.
    assert outside <= 5


def test_a_station_that_stands_lower_tilts_the_plane():
    image = panoramic_image(BASE)
    # Shear the picture: 2 mm over the distance of the molars.
    pixels = image.pixels.copy()
    for column in range(pixels.shape[1]):
        pixels[:, column] = np.roll(pixels[:, column], round((column - 575) * 13.33 / 851))
    found = find(NAME).run([replace(image, pixels=pixels)])
    assert abs(found.values["occlusal_tilt"].value) == pytest.approx(
        np.degrees(np.arctan(2.0 / 127.7)), abs=0.08
    )


def test_the_same_gives_the_same():
    image = panoramic_image(replace(BASE, noise=20))
    run = find(NAME).run
    assert run([image]).as_dict() == run([image]).as_dict()


def test_regions_lie_on_the_balls():
    image = panoramic_image(BASE)
    found = find(NAME).run([image])
    balls = [r for r in found.regions if r.name.startswith("ball")]
    assert len(balls) == 15
    for ball in balls:
        (x, y), _ = ball.points
        assert image.pixels[round(y), round(x)] > 3000


def test_another_object_is_one_more_file():
    data = {
        "object": "house", "measurement": "dental-panoramic-house", "title": "Arch of the house",
        "sources": {"balls": "seen: our drawing"},
        "balls": {"radius_mm": 1.0, "up_mm": 15, "beside_mm": 12},
        "stations": ["left", "middle", "right"], "spacing_mm": 45,
        "bars": {
            "side_mm": 6,
            "groups": [{"per_mm": 1.5, "across_deg": 0, "x_mm": -9, "y_mm": -8}],
        },
    }  # fmt: skip
    spec = parse_panoramic(data)
    shot = replace(BASE, across=(1.3, 1.25, 1.2), down=(1.28, 1.25, 1.22))
    found = analyse(spec, [panoramic_image(shot, spec)])
    assert found.values["mh_left"].value == pytest.approx(1.3, abs=0.005)
    assert found.values["limiting_h_middle"].value == 1.5


def test_a_description_that_lacks_something_is_refused():
    with pytest.raises(InputError) as refused:
        parse_panoramic({"object": "x", "measurement": "y", "title": "z", "sources": {}})
    assert refused.value.code == "bad-description"


# Refusals -----------------------------------------------------------------------------------------


def refusal(images: list[Image], **parameters: Any) -> KermaError:
    with pytest.raises(KermaError) as caught:
        find(NAME).run(images, **parameters)
    assert caught.value.message.endswith(".")
    return caught.value


def as_px(pixels: np.ndarray) -> Image:
    return replace(planar.as_image(pixels, 0.1), modality="PX")


def test_it_is_recognised():
    recognise = find(NAME).recognise
    assert recognise is not None
    assert "5 stations" in recognise([panoramic_image(BASE)])


@pytest.mark.parametrize(
    "pixels",
    [
        planar.flat_field((900, 1500), mean=800, noise=20, seed=1),
        planar.edge((900, 1500), pixel_mm=0.1, sigma_mm=0.1, tilt_deg=3.0),
        planar.anatomy((900, 1500), seed=3),
        np.random.default_rng(5).normal(1000, 200, (900, 1500)),
    ],
    ids=["flat", "edge", "anatomy", "noise"],
)
def test_what_is_no_test_object_is_refused(pixels):
    assert refusal([as_px(pixels)]).code == "wrong-phantom"


def test_a_station_missing_is_refused():
    four = replace(SPEC, stations=SPEC.stations[:4])
    shot = replace(BASE, across=BASE.across[:4], down=BASE.down[:4])
    error = refusal([panoramic_image(shot, four)])
    assert error.code == "wrong-phantom"
    assert "5 stations of three balls" in error.message


def test_the_intraoral_object_is_refused():
    image = replace(intraoral_image(IntraoralShot()), modality="DX")
    assert refusal([image]).code == "wrong-phantom"


def test_empty_broken_and_wrong_are_refused():
    image = panoramic_image(BASE)
    assert refusal([]).code == "no-images"
    assert refusal([image, image]).code == "too-many-images"
    assert refusal([replace(image, pixels=0 * image.pixels)]).code == "constant-image"
    assert refusal([replace(image, spacing_mm=None)]).code == "no-pixel-spacing"
    assert refusal([replace(image, pixels=image.pixels[:1])]).code == "image-too-small"
    assert refusal([replace(image, modality="CT")]).code == "wrong-modality"
    broken = image.pixels.copy()
    broken[5, 5] = np.nan
    assert refusal([replace(image, pixels=broken)]).code == "not-finite"


@pytest.mark.parametrize(
    "wrong",
    [
        {"rotation_radius_mm": {"nose": 40.0}},
        {"rotation_radius_mm": {"incisor": "far"}},
        {"rotation_radius_mm": {"incisor": 1.0}},
        {"radius": 3},
    ],
)
def test_wrong_parameters_are_refused(wrong):
    error = refusal([panoramic_image(BASE)], **wrong)
    assert error.code in ("bad-parameter", "unknown-parameter")
