"""Angle of the beam from two balls, in closed projective geometry."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from kerma import imaging
from kerma.core import Analysis, Image
from kerma.simulate import geometry, planar
from tests.imaging.helpers import refused, u, value

NAME = "beam-perpendicularity"
SHAPE = (400, 460)
P = 0.2
F, H, Z = 1000.0, 152.4, 40.0
LOWER = (5.0, -3.0)
FIELD = (-38.0, -34.0, 40.0, 35.0)


def pixels(ax: float, ay: float, *, share: float = 0.02, seed: int = 1, per_mm: float = 1.5,
           field: bool = True) -> np.ndarray:  # fmt: skip
    """Render a tool whose lower ball's ray leans by ax to the right and ay downwards (degrees)."""
    lean = math.tan(math.radians(ax)), math.tan(math.radians(ay))
    focus = LOWER[0] - F * lean[0], LOWER[1] - F * lean[1]
    low, high = F / (F - Z), F / (F - Z - H)
    foot = [f + (v - f) / low for f, v in zip(focus, LOWER, strict=True)]
    upper = geometry.projected((foot[0], foot[1], Z + H), focus, F)
    placed = [(LOWER, 0.8 * low, per_mm / low), (upper, 0.8 * high, per_mm / high)]
    shadow = geometry.balls(SHAPE, pixel_mm=P, placed=placed, sigma_mm=0.12)
    cover = np.ones(SHAPE)
    if field:
        cover = geometry.rectangle(SHAPE, pixel_mm=P, edges_mm=FIELD, sigma_mm=0.8)
    clean = geometry.exposed(cover * shadow, inside=2000.0, outside=60.0, heel_percent_per_cm=1.0,
                             pixel_mm=P)  # fmt: skip
    return geometry.noisy(clean, seed=seed, share=share)


def image(ax: float, ay: float, **more: Any) -> Image:
    return planar.as_image(pixels(ax, ay, **more), P, facts={"DistanceSourceToDetector": F})


def measure(one: Image, **parameters: Any) -> Analysis:
    given = {"separation_mm": H, "lower_height_mm": Z, **parameters}
    return imaging.analyse(NAME, [one], **given)


@pytest.mark.parametrize("lean", [(1.5, 0.0), (0.0, -3.0), (1.0, 1.0)], ids=str)
def test_balls_apart(lean: tuple[float, float]) -> None:
    found = measure(image(*lean))
    for name, truth in zip(("angle_x", "angle_y"), lean, strict=True):
        assert value(found, name) == pytest.approx(truth, abs=0.01)
    total = math.hypot(*(math.tan(math.radians(a)) for a in lean))
    assert value(found, "angle") == pytest.approx(math.degrees(math.atan(total)), abs=0.01)


@pytest.mark.parametrize("lean", [(0.5, 0.3), (-0.3, 0.2), (0.2, -0.1), (0.0, 0.0)], ids=str)
def test_balls_whose_images_lie_over_each_other(lean: tuple[float, float]) -> None:
    found = measure(image(*lean))
    for name, truth in zip(("angle_x", "angle_y"), lean, strict=True):
        assert value(found, name) == pytest.approx(truth, abs=0.02)


def test_the_ray_through_the_middle_of_the_field() -> None:
    found = measure(image(1.5, -1.0))
    middle = (FIELD[0] + FIELD[2]) / 2, (FIELD[1] + FIELD[3]) / 2
    for i, name in enumerate(("central_ray_angle_x", "central_ray_angle_y")):
        lean = math.tan(math.radians((1.5, -1.0)[i])) + (middle[i] - LOWER[i]) / F
        assert value(found, name) == pytest.approx(math.degrees(math.atan(lean)), abs=0.01)


def test_negative_control_without_the_upper_ball_s_magnification_it_is_wrong() -> None:
    found = measure(image(2.0, 0.0))
    naive = math.degrees(math.atan(value(found, "displacement") / H))
    assert naive == pytest.approx(2.0 * F / (F - Z - H), rel=0.01)
    assert abs(value(found, "angle") - 2.0) < 0.01 < naive - 2.2


def test_uncertainties_cover_the_truth() -> None:
    z = []
    for seed in range(20):
        found = measure(image(1.0, -0.6, share=0.1, seed=seed, field=False))
        z += [(value(found, n) - t) / u(found, n) for n, t in (("angle_x", 1.0), ("angle_y", -0.6))]
    assert (np.abs(z) <= 2).mean() >= 0.85
    assert np.sqrt(np.mean(np.square(z))) <= 1.4


@pytest.mark.parametrize("change", ["inverted", "gain", "left", "mirror", "opaque"])
def test_the_same_angle_however_the_image_lies(change: str) -> None:
    source = pixels(1.2, -0.5, per_mm=6.0 if change == "opaque" else 1.5)
    other = {
        "inverted": 4000.0 - source, "gain": 100 + 2 * source, "left": np.rot90(source),
        "mirror": source[:, ::-1], "opaque": source,
    }[change]  # fmt: skip
    polarity = "dark" if change == "inverted" else "auto"
    found = measure(planar.as_image(np.ascontiguousarray(other), P), fdd_mm=F, polarity=polarity)
    expected = {"left": (-0.5, -1.2), "mirror": (-1.2, -0.5)}.get(change, (1.2, -0.5))
    assert (value(found, "angle_x"), value(found, "angle_y")) == pytest.approx(expected, abs=0.02)


def test_balls_set_by_hand_are_recorded() -> None:
    one = image(1.5, 0.0)
    drawn = {r.name: r.points[0] for r in measure(one).regions if r.shape == "circle"}
    given = [drawn["Lower ball"], drawn["Upper ball"]]
    found = measure(one, balls_px=given)
    assert value(found, "angle_x") == pytest.approx(1.5, abs=0.01)
    assert any("by hand" in w for w in found.warnings)
    turned = measure(one, balls_px=given[::-1])
    assert value(turned, "angle_x") == pytest.approx(-1.5, abs=0.02), "lower first, as said"


def test_without_the_field_s_edges_only_the_tool_s_ray_is_given() -> None:
    found = measure(image(1.0, 0.0, field=False))
    assert not any(n.startswith("central") for n in found.values)
    assert any("edges do not all show" in w for w in found.warnings)


def test_refusals() -> None:
    flat = planar.flat_field(SHAPE, mean=1000, noise=20, seed=1)
    given = {"separation_mm": H, "fdd_mm": F}
    refused(NAME, [planar.as_image(flat, P)], "no-balls", **given)
    refused(NAME, [planar.as_image(pixels(1, 0), P)], "no-distance", separation_mm=H)
    refused(NAME, [image(1, 0)], "missing-parameter")
    refused(NAME, [image(1, 0)], "bad-parameter", separation_mm=1200.0)
    refused(NAME, [planar.as_image(pixels(1, 0), None)], "no-pixel-spacing", **given)
    refused(NAME, [planar.as_image(planar.anatomy(seed=1), P)], "clinical-looking", **given)
    refused(NAME, [image(1, 0)], "no-balls", separation_mm=H, ball_mm=3.0)
    placed = [((x, y), 0.8, 1.5) for x, y in ((0, 0), (8, 3), (-7, 9), (5, -8))]
    four = 1000 * geometry.balls(SHAPE, pixel_mm=P, placed=placed)
    refused(NAME, [planar.as_image(geometry.noisy(four, seed=1), P)], "too-many-balls", **given)


def test_the_same_image_gives_the_same_bits() -> None:
    assert measure(image(0.3, 0.1)).as_dict() == measure(image(0.3, 0.1)).as_dict()
