"""Field edges against a rectangle with erf penumbra (methods, case 17), and what is no field."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydicom.dataset import Dataset

from kerma import imaging
from kerma.core import Analysis, Image
from kerma.dicom.facts import read
from kerma.imaging.tools.field import find_field
from kerma.simulate import geometry, planar
from tests.imaging.geometry_images import EDGES, FACTS, PIXEL, SHAPE, SIDES, field, field_pixels
from tests.imaging.helpers import refused, u, value

NAME = "field-size"
MIDDLE = (SHAPE[1] - 1) / 2 * PIXEL, (SHAPE[0] - 1) / 2 * PIXEL
SIGN = {"left": -1, "top": -1, "right": 1, "bottom": 1}


def measure(image: Image, **parameters: object) -> Analysis:
    return imaging.analyse(NAME, [image], **parameters)


def errors(pixels: np.ndarray, level: float = 0.5) -> Mapping[str, float]:
    """Return measured less true place of each side, outwards, in mm."""
    found = find_field(pixels, (PIXEL, PIXEL), level=level)
    return {
        name: -found.sides[name].outward(*MIDDLE) - SIGN[name] * edge
        for name, edge in zip(SIDES, EDGES, strict=True)
    }


@pytest.mark.parametrize("turn", [0.0, 0.7, -3.0, 30.0, 44.0])
def test_case_17_edges_to_a_tenth_of_a_pixel_at_any_turn(turn: float) -> None:
    pixels = field_pixels(sigma=(0.8, 1.0, 0.5, 1.5), turn=turn, heel=2.0)
    assert max(map(abs, errors(pixels).values())) < 0.005
    found = measure(planar.as_image(pixels, PIXEL))
    assert value(found, "tilt") == pytest.approx(turn, abs=0.002)
    assert value(found, "width") == pytest.approx(102.3, abs=0.005)
    assert value(found, "height") == pytest.approx(86.1, abs=0.005)


@settings(max_examples=12, deadline=None)
@given(x=st.floats(-0.5, 0.5), y=st.floats(-0.5, 0.5), turn=st.floats(-10, 10))
def test_case_17_whatever_the_part_of_a_pixel(x: float, y: float, turn: float) -> None:
    edges = tuple(e + s * PIXEL for e, s in zip(EDGES, (x, y, x, y), strict=True))
    found = measure(field(edges, turn=turn))
    assert value(found, "width") == pytest.approx(102.3, abs=0.01)
    assert value(found, "height") == pytest.approx(86.1, abs=0.01)


def test_negative_control_another_level_of_the_step_is_another_edge() -> None:
    for error in errors(field_pixels(sigma=1.5, heel=0.0), level=0.3).values():
        assert error > 0.5244 * 1.5  # what an unsoftened profile gives


def test_penumbra_is_that_of_the_error_function() -> None:
    found = measure(field(sigma=(0.6, 0.9, 1.2, 1.5), heel=0.0))
    for name, sigma in zip(SIDES, (0.6, 0.9, 1.2, 1.5), strict=True):
        assert value(found, f"penumbra_{name}") == pytest.approx(1.6832 * sigma, rel=0.03)


def test_uncertainties_cover_the_truth() -> None:
    z, turns = [], []
    for seed in range(24):
        found = measure(field(turn=2.0, share=0.15, seed=seed))
        z += [(value(found, n) - t) / u(found, n) for n, t in (("width", 102.3), ("height", 86.1))]
        turns.append((value(found, "tilt") - 2.0) / u(found, "tilt"))
    for values in (z, turns):
        assert (np.abs(values) <= 2).mean() >= 0.85
        assert 0.6 <= np.sqrt(np.mean(np.square(values))) <= 1.4


def test_a_strong_heel_does_not_move_the_edges() -> None:
    assert max(map(abs, errors(field_pixels(heel=5.0)).values())) < 0.01


@pytest.mark.parametrize("turned", ["left", "mirror", "inverted", "gain"])
def test_the_same_field_however_the_image_lies(turned: str) -> None:
    pixels = field_pixels(turn=2.0, share=0.05)
    other = {
        "left": np.rot90(pixels), "mirror": pixels[:, ::-1], "inverted": 4000.0 - pixels,
        "gain": 50.0 + 3.0 * pixels,
    }[turned]  # fmt: skip
    first = measure(planar.as_image(pixels, PIXEL))
    polarity = "dark" if turned == "inverted" else "auto"
    second = measure(planar.as_image(np.ascontiguousarray(other), PIXEL), polarity=polarity)
    names = ("height", "width") if turned == "left" else ("width", "height")
    for name, again in zip(("width", "height"), names, strict=True):
        assert value(second, again) == pytest.approx(value(first, name), abs=0.01)


def test_pixels_that_are_not_square() -> None:
    pixels = field_pixels(turn=0.0)[:, ::2]
    image = Image(pixels=pixels, spacing_mm=(PIXEL, 2 * PIXEL), modality="DX", processing="raw")
    found = measure(image)
    assert value(found, "width") == pytest.approx(102.3, abs=0.02)
    assert value(found, "height") == pytest.approx(86.1, abs=0.01)


def test_a_round_field() -> None:
    cover = geometry.disc(SHAPE, pixel_mm=PIXEL, centre_mm=(3, -2), radius_mm=45, sigma_mm=0.8)
    pixels = geometry.noisy(geometry.exposed(cover, inside=2000, outside=60), seed=1)
    found = measure(planar.as_image(pixels, PIXEL))
    assert value(found, "diameter") == pytest.approx(90.0, abs=3 * u(found, "diameter"))
    assert found.regions[0].shape == "circle"
    assert "tilt" not in found.values


def test_an_open_side_is_named_and_its_value_left_out() -> None:
    found = measure(field((-50.0, -45.0, 200.0, 41.1), share=0.02))
    assert "width" not in found.values
    assert value(found, "height") == pytest.approx(86.1, abs=0.02)
    assert any("right side" in w and "outside the image" in w for w in found.warnings)
    assert found.facts["hidden"].keys() == {"right"}


def test_an_edge_too_near_the_border_is_left_out() -> None:
    found = measure(field((-73.0, -45.0, 52.3, 41.1), share=0.02))
    assert "width" not in found.values
    assert any("left side" in w and "3 mm" in w for w in found.warnings)


def test_two_open_sides_leave_nothing_to_measure() -> None:
    found = measure(field((-50.0, -45.0, 200.0, 200.0), share=0.02))
    assert found.status == "not measurable"
    assert found.values == {}


def test_dead_lines_and_hot_pixels_do_not_move_an_edge() -> None:
    pixels = field_pixels(turn=1.0, share=0.02)
    pixels[200] = 0.0
    pixels[np.random.default_rng(1).integers(0, 500, 200), np.arange(200)] = 4000.0
    assert max(map(abs, errors(pixels).values())) < 0.02


def test_size_in_another_plane_and_against_the_nominal() -> None:
    found = measure(field(), plane_mm=800.0, nominal_mm=[80.0, 70.0])
    assert value(found, "width_plane") == pytest.approx(102.3 * 0.8, abs=0.01)
    assert value(found, "width_difference") == pytest.approx(102.3 * 0.8 - 80.0, abs=0.01)
    assert value(found, "width_difference_percent") == pytest.approx(
        100 * (102.3 - 100.0) / 1000.0, abs=0.001
    )


def test_the_header_is_compared_with_the_image() -> None:
    left, top = geometry.to_px(SHAPE, PIXEL, EDGES[0] + 1.0, EDGES[1])
    facts = {"CollimatorLeftVerticalEdge": left + 1, "CollimatorUpperHorizontalEdge": top + 1}
    found = measure(field(image={"facts": {**FACTS, **facts}}))
    assert value(found, "header_difference_left") == pytest.approx(1.0, abs=0.01)
    assert value(found, "header_difference_top") == pytest.approx(0.0, abs=0.01)
    assert found.facts["header"]["CollimatorLeftVerticalEdge"] == left + 1


def test_the_header_s_collimator_travels_with_the_image() -> None:
    dataset = Dataset()
    dataset.CollimatorShape, dataset.CollimatorLeftVerticalEdge = "RECTANGULAR", 101
    dataset.CollimatorUpperHorizontalEdge, dataset.DistanceSourceToDetector = 77, "1000"
    facts = read(dataset)
    assert facts["CollimatorLeftVerticalEdge"] == 101
    assert facts["CollimatorUpperHorizontalEdge"] == 77
    assert facts["CollimatorShape"] == "RECTANGULAR"


def test_a_distance_that_cannot_be_is_not_used() -> None:
    found = measure(
        field(image={"facts": {"DistanceSourceToDetector": 11.5}}), nominal_mm=[100, 80]
    )
    assert "width_difference_percent" not in found.values
    assert any("11.5 mm" in w for w in found.warnings)


def test_spacing_of_a_plane_in_the_patient_is_pointed_out() -> None:
    found = measure(field(image={"facts": {"spacing_from": "PixelSpacing"}}))
    assert any("Pixel Spacing" in w for w in found.warnings)


@pytest.mark.parametrize(
    "pixels",
    [
        planar.flat_field(SHAPE, mean=1000, noise=20, seed=1),
        planar.flat_field(SHAPE, mean=1000, noise=20, seed=1, gradient_percent_per_cm=(4, 2)),
        planar.flat_field(SHAPE, mean=10, noise=5, seed=1),
    ],
    ids=["field larger than the detector", "heel", "dark image"],
)
def test_no_edge_in_the_image_is_refused(pixels: np.ndarray) -> None:
    refused(NAME, [planar.as_image(pixels, PIXEL)], "no-field-edge")


def test_a_shape_that_is_no_field_is_refused() -> None:
    y, x = np.indices(SHAPE)
    star = np.hypot(x - 300, y - 256) < 130 + 60 * np.cos(5 * np.arctan2(y - 256, x - 300))
    pixels = np.where(star, 2000.0, 60.0) + np.random.default_rng(1).normal(0, 5, SHAPE)
    image = planar.as_image(pixels, PIXEL)
    refused(NAME, [image], "not-a-field", shape="circle")


def test_an_electronic_shutter_is_no_field_edge() -> None:
    y, x = np.indices(SHAPE)
    inside = (np.abs(x - 300) < 200) & (np.abs(y - 256) < 150)
    noise = np.random.default_rng(1).normal(0, 20, SHAPE)
    refused(NAME, [planar.as_image(np.where(inside, 2000 + noise, 0.0), PIXEL)],
            "electronic-shutter")  # fmt: skip


def test_saturated_inside_is_refused() -> None:
    pixels = np.minimum(field_pixels(), 1500.0)
    image = planar.as_image(pixels, PIXEL, saturated_at=1500.0)
    refused(NAME, [image], "saturated-image")


def test_processed_or_logarithmic_images_need_a_word_and_cost_uncertainty() -> None:
    pixels = 1000.0 * np.log(field_pixels(share=0.02))
    shown = planar.as_image(pixels, PIXEL, processing="presentation")
    refused(NAME, [shown], "processed-image")
    log = planar.as_image(pixels, PIXEL, facts={"PixelIntensityRelationship": "LOG"})
    refused(NAME, [log], "not-linear")
    found = measure(log, allow_processed=True)
    assert abs(value(found, "width") - 102.3) < 2.5 * u(found, "width")
    assert u(found, "width") > 1.0
    stp = {"model": "log", "a": 0.0, "b": 1000.0}
    assert value(measure(log, stp=stp), "width") == pytest.approx(102.3, abs=0.02)


def test_anatomy_is_refused() -> None:
    refused(NAME, [planar.as_image(planar.anatomy(seed=1), PIXEL)], "clinical-looking")


def test_bad_parameters() -> None:
    for parameters in ({"shape": "oval"}, {"polarity": "grey"}, {"nominal_mm": [0.0, 1.0]},
                       {"fdd_mm": -1.0}, {"fdd_mm": 900.0, "plane_mm": 950.0}):  # fmt: skip
        refused(NAME, [field()], "bad-parameter", **parameters)


def test_the_same_image_gives_the_same_bits() -> None:
    assert measure(field(share=0.02)).as_dict() == measure(field(share=0.02)).as_dict()


def test_lengths_follow_the_pixel_size() -> None:
    pixels = field_pixels(turn=1.0)
    small, large = (measure(planar.as_image(pixels, p)) for p in (PIXEL, 1.2 * PIXEL))
    for name in ("width", "penumbra_left"):
        ratio = value(large, name) / value(small, name)
        assert ratio == pytest.approx(1.2, abs=2e-3), name
    assert math.isclose(value(small, "tilt"), value(large, "tilt"), abs_tol=0.005)


def test_an_object_in_the_open_field_is_not_the_field() -> None:
    round_body = geometry.disc(SHAPE, pixel_mm=PIXEL, centre_mm=(3, -2), radius_mm=45, sigma_mm=0.2)
    square = geometry.rectangle(SHAPE, pixel_mm=PIXEL, edges_mm=(-40, -35, 38, 44), sigma_mm=0.2,
                                turn_deg=12.0)  # fmt: skip
    for body in (round_body, square):
        pixels = geometry.noisy(2000.0 * (1.0 - 0.6 * body), seed=1)
        refused(NAME, [planar.as_image(pixels, PIXEL)], "no-field-edge")


def test_values_that_fall_with_dose_need_the_header_s_word_or_a_person_s() -> None:
    inverse = 4000.0 - field_pixels(share=0.05)
    refused(NAME, [planar.as_image(inverse, PIXEL)], "no-field-edge")
    said = planar.as_image(inverse, PIXEL, facts={"PixelIntensityRelationshipSign": -1})
    assert value(measure(said), "width") == pytest.approx(102.3, abs=0.02)
    asked = measure(planar.as_image(inverse, PIXEL), polarity="dark")
    assert value(asked, "width") == pytest.approx(102.3, abs=0.02)
