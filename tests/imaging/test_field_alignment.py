"""X-ray field against markers at known places (methods, case 17 with magnification)."""

from __future__ import annotations

import cmath
import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pytest

from kerma import imaging
from kerma.core import Analysis, Image
from kerma.simulate import planar
from tests.imaging.geometry_images import (
    PIXEL,
    SHAPE,
    SIDES,
    bar,
    coin,
    corner,
    field,
    field_pixels,
    pixel_of,
)
from tests.imaging.helpers import refused, u, value

NAME = "field-alignment"
EDGES = (-50.0, -45.0, 50.0, 45.0)


def measure(image: Image, **parameters: Any) -> Analysis:
    return imaging.analyse(NAME, [image], **{"plane_mm": 1000.0, **parameters})


def deviations(found: Analysis) -> Mapping[str, float]:
    return {n: value(found, f"deviation_{n}") for n in SIDES if f"deviation_{n}" in found.values}


def corners(left: float, top: float, right: float, bottom: float, **more: Any) -> list[np.ndarray]:
    places = ((left, top, (1, 1)), (right, top, (-1, 1)), (left, bottom, (1, -1)),
              (right, bottom, (-1, -1)))  # fmt: skip
    return [corner(x, y, towards, **more) for x, y, towards in places]


def close(found: Analysis, expected: Sequence[float], within: float = 0.02) -> None:
    """Compare with left, top, right, bottom."""
    assert deviations(found) == pytest.approx(
        dict(zip(SIDES, expected, strict=True)), abs=within
    ), found.warnings


@pytest.mark.parametrize("turn", [0.0, 1.5, -20.0])
def test_case_17_l_corners(turn: float) -> None:
    lead = corners(-46.0, -42.0, 47.0, 41.5, turn_deg=turn)
    close(measure(field(EDGES, lead=lead, turn=turn, share=0.02)), (4.0, 3.0, 3.0, 3.5))


def test_case_17_corrected_by_magnification_and_as_percent_of_the_distance() -> None:
    lead = corners(-46.0, -42.0, 47.0, 41.5)
    found = measure(field(EDGES, lead=lead), plane_mm=800.0)
    assert value(found, "deviation_left_plane") == pytest.approx(4.0 * 0.8, abs=0.01)
    assert value(found, "deviation_left_percent") == pytest.approx(0.4, abs=0.002)
    assert value(found, "sum_x") == pytest.approx(7.0, abs=0.02)
    assert value(found, "sum_y_plane") == pytest.approx(6.5 * 0.8, abs=0.02)
    assert value(found, "sum_y_percent") == pytest.approx(0.65, abs=0.002)
    assert value(found, "largest") == pytest.approx(4.0, abs=0.01)


def test_sums_are_of_absolute_deviations() -> None:
    """A light field shifted as a whole: +2 on one side, -2 on the other, sum 4 and not 0."""
    lead = corners(-48.0, -43.0, 52.0, 47.0, width_mm=6.0)
    found = measure(field(EDGES, lead=lead), light_edge="centre", marker_mm=6.0)
    close(found, (2.0, 2.0, -2.0, -2.0))
    assert value(found, "sum_x") == pytest.approx(4.0, abs=0.02)


@pytest.mark.parametrize(
    ("part", "shift"), [("outer", (9.0, -9.0)), ("centre", (0.0, 0.0)), ("inner", (-9.0, 9.0))]
)
def test_coins_by_the_part_that_touches_the_light(part: str, shift: tuple[float, float]) -> None:
    """Light edges at -40, -38, 42 and 36 mm; coins of 9 mm radius touch them."""
    low, high = shift
    lead = [coin(-40 + low, 3), coin(2, -38 + low), coin(42 + high, -4), coin(-5, 36 + high)]
    close(measure(field(EDGES, lead=lead, share=0.02), light_edge=part), (10.0, 7.0, 8.0, 9.0))


def test_coins_cut_off_by_the_field_are_measured_by_the_rim_that_shows() -> None:
    lead = [coin(-51, 3), coin(2, -51), coin(56, -4), coin(-5, 51)]
    close(measure(field(EDGES, lead=lead, share=0.02), light_edge="inner"), (8, 3, 3, 3), 0.03)


def test_a_coin_of_which_almost_nothing_shows_is_left_out() -> None:
    lead = [coin(-51, 3), coin(-5, 52.8)]
    found = measure(field(EDGES, lead=lead, share=0.02), light_edge="inner")
    assert deviations(found) == pytest.approx({"left": 8.0}, abs=0.03)
    assert any("neither bars" in w for w in found.warnings)


def test_balls_at_the_corners_mark_two_sides_each() -> None:
    lead = [coin(x, y, 1.5) for x in (-48, 47) for y in (-43, 44)]
    close(measure(field(EDGES, lead=lead, share=0.02)), (2.0, 2.0, 3.0, 1.0))


def test_a_ball_in_the_middle_marks_no_side() -> None:
    lead = [coin(x, y, 1.5) for x in (-48, 47) for y in (-43, 44)] + [coin(0, 0, 1.5)]
    close(measure(field(EDGES, lead=lead, share=0.02)), (2.0, 2.0, 3.0, 1.0))


def test_lead_strips_and_their_width_when_one_edge_is_hidden() -> None:
    lead = [bar(-52, -15, -46, 15), bar(-15, -43, 15, -41), bar(45, -10, 47, 20),
            bar(-20, 40, 10, 42)]  # fmt: skip
    image = field(EDGES, lead=lead, share=0.02)
    hidden = measure(image)
    assert "deviation_left" not in hidden.values
    assert "sum_x" not in hidden.values
    assert "largest" not in hidden.values, "the side left out may be the worst"
    assert any("left side" in w for w in hidden.warnings)
    close(measure(image, marker_mm=6.0), (1.0, 3.0, 4.0, 4.0))


def test_short_ticks_of_a_scale_do_not_count_beside_the_line() -> None:
    lead = [bar(-47, -20, -45, 20), bar(-43.0, -2.0, -42.4, 2.0)]
    found = measure(field(EDGES, lead=lead, share=0.02))
    assert value(found, "deviation_left") == pytest.approx(4.0, abs=0.02)


def _template(scale: float, turn: float) -> tuple[list[tuple[float, float]], list[complex]]:
    marks = [(-35.0, -30.0), (35.0, -30.0), (-35.0, 30.0), (0.0, 0.0)]
    a, b = scale * cmath.exp(1j * math.radians(turn)), 1.5 - 2.5j
    return marks, [a * complex(*m) + b for m in marks]


def test_a_template_gives_the_magnification_and_the_light_read_on_it() -> None:
    marks, seen = _template(1.1, 2.0)
    lead = [coin(z.real, z.imag, 1.2) for z in seen]
    image = field(EDGES, lead=lead, turn=2.0, share=0.02)
    shift = (1.5 - 2.5j) * cmath.exp(-1j * math.radians(2.0))
    light = (-44.0, -40.0, 43.0, 40.0)
    x, y = shift.real, shift.imag
    expected = (50 - 44 * 1.1 + x, 45 - 40 * 1.1 + y, 50 - 43 * 1.1 - x, 45 - 40 * 1.1 - y)
    found = measure(image, template_mm=marks, light_field_mm=light, plane_mm=1000 / 1.1)
    close(found, expected)
    assert value(found, "magnification") == pytest.approx(1.1, abs=0.001)
    by_hand = [pixel_of(z.real, z.imag) for z in seen]
    again = measure(image, template_mm=marks, light_field_mm=light, marker_points_px=by_hand)
    close(again, expected)
    assert any("by hand" in w for w in again.warnings)
    assert any("1.100 times" in w for w in again.warnings), "distances that do not fit are named"


def test_a_template_that_is_not_there_is_refused() -> None:
    marks, seen = _template(1.0, 0.0)
    lead = [coin(z.real, z.imag, 1.2) for z in seen[:2]] + [coin(20, 20, 1.2), coin(-10, 5, 1.2)]
    refused(NAME, [field(EDGES, lead=lead)], "template-not-found", template_mm=marks,
            light_field_mm=[-40.0, -40.0, 40.0, 40.0])  # fmt: skip


def test_points_set_by_hand_are_recorded() -> None:
    points = [pixel_of(*p) for p in ((-48, 0), (0, -42), (47, 3), (2, 43))]
    found = measure(field(EDGES), marker_points_px=points)
    close(found, (2.0, 3.0, 3.0, 2.0))
    assert any("by hand" in w for w in found.warnings)
    assert found.provenance.parameters["marker_points_px"] == [list(p) for p in points]
    assert u(found, "deviation_left") == pytest.approx(PIXEL / math.sqrt(3), rel=0.01)


def test_markers_over_half_of_a_side_do_not_pass_for_its_edge() -> None:
    """L corners whose arms cover 62 % of the left side, a little inside it."""
    lead = corners(-49.5, -44.0, 47.0, 41.0, arm_mm=27.0)
    found = imaging.analyse("field-size", [field(EDGES, lead=lead, share=0.02)])
    assert value(found, "width") == pytest.approx(100.0, abs=0.02)


def test_uncertainties_cover_the_truth() -> None:
    z = []
    for seed in range(8):
        lead = corners(-46.0, -42.0, 47.0, 41.5)
        found = measure(field(EDGES, lead=lead, share=0.15, seed=seed))
        for name, truth in zip(SIDES, (4.0, 3.0, 3.0, 3.5), strict=True):
            z.append((value(found, f"deviation_{name}") - truth) / u(found, f"deviation_{name}"))
    assert (np.abs(z) <= 2).mean() >= 0.85
    assert np.sqrt(np.mean(np.square(z))) <= 1.5


def test_no_markers_is_not_measurable() -> None:
    found = measure(field(EDGES, share=0.02))
    assert found.status == "not measurable"
    assert found.values == {}


def test_an_open_side_is_left_out() -> None:
    lead = [coin(-41, 3), coin(2, -36)]
    found = measure(field((-50.0, -45.0, 200.0, 45.0), lead=lead, share=0.02), light_edge="outer")
    assert deviations(found) == pytest.approx({"left": 0.0, "top": 0.0}, abs=0.02)
    assert "sum_x" not in found.values


def test_mirrored_and_turned_images_swap_their_sides() -> None:
    lead = corners(-46.0, -42.0, 47.0, 41.5)
    pixels = field_pixels(EDGES, lead=lead, heel=0.0, share=0.02)
    mirror = planar.as_image(np.ascontiguousarray(pixels[:, ::-1]), PIXEL)
    close(measure(mirror, fdd_mm=1000.0), (3.0, 3.0, 4.0, 3.5))
    turned = planar.as_image(np.ascontiguousarray(np.rot90(pixels)), PIXEL)
    close(measure(turned, fdd_mm=1000.0), (3.0, 3.0, 3.5, 4.0))


def test_refusals() -> None:
    flat = planar.flat_field(SHAPE, mean=1000, noise=20, seed=1)
    refused(NAME, [planar.as_image(flat, PIXEL)], "no-field-edge")
    refused(NAME, [field(image={"processing": "presentation"})], "processed-image")
    refused(NAME, [planar.as_image(planar.anatomy(seed=2), PIXEL)], "clinical-looking")
    refused(NAME, [field()], "bad-parameter", light_edge="left")
    refused(NAME, [field()], "bad-parameter", template_mm=[[0.0, 0.0], [1.0, 0.0], [0.0, 1.0]])


def test_the_same_image_gives_the_same_bits() -> None:
    image = field(EDGES, lead=corners(-46.0, -42.0, 47.0, 41.5), share=0.02)
    assert measure(image).as_dict() == measure(image).as_dict()
