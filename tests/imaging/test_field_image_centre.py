"""X-ray field inside the image field of an intensifier or panel, each zoom."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from kerma import imaging
from kerma.core import Image
from kerma.simulate import geometry, planar
from tests.imaging.geometry_images import FACTS
from tests.imaging.helpers import refused, u, value

NAME = "field-image-centre"
SHAPE = (400, 440)
P = 0.4


def shown(radius: float = 75.0, centre: tuple[float, float] = (0.0, 0.0)) -> np.ndarray:
    cover = geometry.disc(SHAPE, pixel_mm=P, centre_mm=centre, radius_mm=radius, sigma_mm=0.01)
    return np.asarray(cover > 0.5)


def image(beam: np.ndarray, mask: np.ndarray | None = None, seed: int = 1, **more: Any) -> Image:
    pixels = geometry.noisy(geometry.exposed(beam, inside=900.0, outside=40.0), seed=seed)
    if mask is not None:
        pixels = np.where(mask, pixels, 0.0)
    return planar.as_image(pixels, P, **{"modality": "RF", "facts": FACTS, **more})


def round_beam(x: float, y: float, radius: float) -> np.ndarray:
    return geometry.disc(SHAPE, pixel_mm=P, centre_mm=(x, y), radius_mm=radius, sigma_mm=0.8)


def square_beam(left: float, top: float, right: float, bottom: float) -> np.ndarray:
    edges = (left, top, right, bottom)
    return geometry.rectangle(SHAPE, pixel_mm=P, edges_mm=edges, sigma_mm=0.8)


def test_round_beam_in_a_round_image_at_two_zooms() -> None:
    images = [image(round_beam(2.0, -1.0, 60.0), shown()),
              image(round_beam(-1.5, 0.5, 40.0), shown(50.0), seed=2)]  # fmt: skip
    found = imaging.analyse(NAME, images)
    truth = {"image_diameter_1": 150.0, "diameter_1": 120.0, "offset_x_1": 2.0, "offset_y_1": -1.0,
             "margin_right_1": 13.0, "margin_left_1": 17.0, "margin_top_1": 14.0,
             "image_diameter_2": 100.0, "diameter_2": 80.0, "offset_x_2": -1.5}  # fmt: skip
    for name, true in truth.items():
        assert value(found, name) == pytest.approx(true, abs=max(0.02, 2 * u(found, name))), name
    assert value(found, "area_ratio_1") == pytest.approx((60 / 75) ** 2, abs=0.003)
    assert value(found, "margin_right_percent_1") == pytest.approx(1.3, abs=0.02)
    assert {r.frame for r in found.regions} == {0, 1}


def test_square_beam_in_a_round_image_off_the_middle_of_the_matrix() -> None:
    found = imaging.analyse(NAME, [image(square_beam(-40, -35, 46, 41), shown(centre=(3.0, 2.0)))])
    assert value(found, "offset_x_1") == pytest.approx(0.0, abs=0.1)
    assert value(found, "offset_y_1") == pytest.approx(1.0, abs=0.1)
    assert value(found, "margin_left_1") == pytest.approx(75 - 43, abs=0.2)
    ratio = 86 * 76 / (np.pi * 75**2)
    assert value(found, "area_ratio_1") == pytest.approx(ratio, rel=0.005)


def test_a_panel_shows_its_whole_matrix() -> None:
    found = imaging.analyse(NAME, [image(square_beam(-60, -50, 64, 58))])
    assert value(found, "image_width_1") == pytest.approx(SHAPE[1] * P)
    assert value(found, "margin_right_1") == pytest.approx(SHAPE[1] * P / 2 - 64, abs=0.01)
    assert value(found, "offset_y_1") == pytest.approx(4.0, abs=0.01)
    assert found.facts["images"][0]["whole_matrix"] is True


def test_a_beam_larger_than_the_image_is_said_and_left_out() -> None:
    full = image(np.ones(SHAPE), shown(), seed=3)
    found = imaging.analyse(NAME, [image(round_beam(0, 0, 60), shown()), full])
    assert "offset_x_1" in found.values
    assert not any(n.endswith("_2") and not n.startswith("image") for n in found.values)
    assert any("Image 2" in w and "plate" in w for w in found.warnings)
    refused(NAME, [full], "no-field-edge")


def test_the_round_blanking_itself_is_not_taken_for_the_beam() -> None:
    """Negative control: without the mask the border of the image would be the strongest edge."""
    refused(NAME, [image(np.ones(SHAPE), shown())], "no-field-edge")
    square = np.zeros(SHAPE, dtype=bool)
    square[60:340, 60:380] = True
    refused(NAME, [image(np.ones(SHAPE), square)], "no-field-edge")


def test_blanking_near_the_beam_is_no_part_of_its_surroundings() -> None:
    one = image(round_beam(2.0, -1.0, 68.0), shown())
    size = imaging.analyse("field-size", [one])
    assert value(size, "diameter") == pytest.approx(136.0, abs=0.02)
    both = imaging.analyse(NAME, [one])
    assert value(both, "diameter_1") == pytest.approx(136.0, abs=0.02)


def test_a_blanked_rectangle() -> None:
    square = np.zeros(SHAPE, dtype=bool)
    square[50:350, 40:400] = True
    found = imaging.analyse(NAME, [image(square_beam(-50, -40, 52, 44), square)])
    assert value(found, "image_width_1") == pytest.approx(360 * P)
    assert value(found, "image_height_1") == pytest.approx(300 * P)
    assert value(found, "offset_y_1") == pytest.approx(2.0, abs=0.01)


def test_one_side_alone_centres_nothing() -> None:
    found = imaging.analyse(NAME, [image(square_beam(-40, -200, 200, 200))])
    assert found.status == "not measurable"
    assert found.values == {}


def test_refusals() -> None:
    refused(NAME, [], "no-images")
    refused(NAME, [image(round_beam(0, 0, 60), shown(), processing="presentation")],
            "processed-image")  # fmt: skip
    refused(NAME, [planar.as_image(planar.anatomy(seed=1), P)], "clinical-looking")
    refused(NAME, [image(round_beam(0, 0, 60), shown())], "bad-parameter", shape="square")


def test_the_same_images_give_the_same_bits() -> None:
    images = [image(round_beam(2.0, -1.0, 60.0), shown())]
    assert imaging.analyse(NAME, images).as_dict() == imaging.analyse(NAME, images).as_dict()
