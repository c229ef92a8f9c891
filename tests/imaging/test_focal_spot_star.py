"""Focal spot from a star: the first zero of a uniform spot's transform gives the blur diameter."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from kerma import imaging
from kerma.core import Analysis, Image, KermaError
from kerma.simulate import focal, geometry, planar, wedge
from tests.imaging.helpers import curve, refused, u, value

NAME = "focal-spot-star"
P = 0.2
SIDE = 520


def transmission(**more: Any) -> np.ndarray:
    given = {"pixel_mm": P, "spoke_deg": 1.5, "diameter_mm": 45.0, "magnification": 2.0,
             "spot_mm": (0.8, 1.0), "detector_mm": 0.1, "centre_mm": (1.3, -1.7)}  # fmt: skip
    return focal.star((SIDE, SIDE + 20), **{**given, **more})


@pytest.fixture(scope="module")
def clean() -> np.ndarray:
    return transmission()


def image(signal: np.ndarray, *, share: float = 0.02, seed: int = 1, **more: Any) -> Image:
    return planar.as_image(geometry.noisy(2000.0 * signal, seed=seed, share=share), P, **more)


def measure(one: Image, **parameters: Any) -> Analysis:
    return imaging.analyse(NAME, [one], **{"star_diameter_mm": 45.0, **parameters})


def unless_refused(one: Image) -> Analysis | None:
    try:
        return measure(one)
    except KermaError:
        return None


def test_uniform_spot_within_1_percent(clean: np.ndarray) -> None:
    found = measure(image(clean))
    assert value(found, "focal_spot_x") == pytest.approx(0.8, rel=0.01)
    assert value(found, "focal_spot_y") == pytest.approx(1.0, rel=0.01)
    assert value(found, "magnification") == pytest.approx(2.0, rel=0.001)
    assert value(found, "blur_diameter_x") == pytest.approx(0.8 / math.radians(1.5), rel=0.01)
    assert found.facts["pairs"] == 120
    assert found.facts["lost_by"] == {"x": "reversal", "y": "reversal"}


@pytest.mark.parametrize(
    ("spoke", "m", "spot"),
    [(1.0, 1.8, (0.9, 1.1)), (2.0, 2.0, (1.2, 0.9)), (2.0, 2.2, (0.9, 0.9))],
    ids=str,
)
def test_other_stars_spots_and_magnifications_within_3_percent(
    spoke: float, m: float, spot: tuple[float, float]
) -> None:
    found = measure(image(transmission(spoke_deg=spoke, magnification=m, spot_mm=spot)))
    assert value(found, "focal_spot_x") == pytest.approx(spot[0], rel=0.03)
    assert value(found, "focal_spot_y") == pytest.approx(spot[1], rel=0.03)


def test_the_width_shows_where_the_wedges_run_along_the_other_axis(clean: np.ndarray) -> None:
    """Negative control: x and y exchanged would be 25 % wrong here."""
    found = measure(image(clean), tube_axis="y")
    assert value(found, "focal_spot_length") == value(found, "focal_spot_y")
    assert value(found, "focal_spot_width") == value(found, "focal_spot_x")
    line = next(r for r in found.regions if r.name.endswith("size along x"))
    (x0, y0), (x1, y1) = line.points
    assert abs(y1 - y0) > 10 * abs(x1 - x0)


def test_gaussian_spot_gives_its_full_width_at_half_maximum() -> None:
    found = measure(image(transmission(kind="gaussian", spot_mm=(0.35, 0.45), detector_mm=0.0)))
    for axis, sigma in (("x", 0.35), ("y", 0.45)):
        assert value(found, f"focal_spot_{axis}") == pytest.approx(2.3548 * sigma, rel=0.03)
        assert found.facts["lost_by"][axis] == "Gaussian fall"
    assert sum("without reversing" in w for w in found.warnings) == 2


def test_the_modulation_is_that_of_the_uniform_spot(clean: np.ndarray) -> None:
    found = measure(image(clean, share=0.01))
    r, seen, _ = curve(found, "Modulation for the size along y, one side")
    period = 2 * math.radians(1.5) * r
    expected = np.sinc(1.0 / period) * np.exp(-2 * (math.pi * 0.1 / period) ** 2)
    rim = (r > 36) & (r < 41.8)
    expected = expected / np.median(expected[rim])
    outer = r > 10
    assert np.abs(seen - expected)[outer].max() < 0.06


def test_uncertainties_cover_the_truth(clean: np.ndarray) -> None:
    z = []
    for seed in range(10):
        found = measure(image(clean, share=0.1, seed=seed))
        for name, true in (("focal_spot_x", 0.8), ("focal_spot_y", 1.0), ("magnification", 2.0)):
            z.append((value(found, name) - true) / u(found, name))
    assert (np.abs(z) <= 2).mean() >= 0.8
    assert np.sqrt(np.mean(np.square(z))) <= 1.5


@pytest.mark.parametrize("change", ["left", "mirror", "inverted", "gain"])
def test_the_same_spot_however_the_image_lies(clean: np.ndarray, change: str) -> None:
    pixels = geometry.noisy(2000.0 * clean, seed=1)
    other = {
        "left": np.rot90(pixels), "mirror": pixels[:, ::-1], "inverted": 3000 - pixels,
        "gain": 3 * pixels + 100,
    }[change]  # fmt: skip
    found = measure(planar.as_image(np.ascontiguousarray(other), P))
    expected = (1.0, 0.8) if change == "left" else (0.8, 1.0)
    for axis, true in zip("xy", expected, strict=True):
        assert value(found, f"focal_spot_{axis}") == pytest.approx(true, rel=0.01)


def test_inside_a_collimated_field_with_a_heel(clean: np.ndarray) -> None:
    cover = geometry.rectangle(clean.shape, pixel_mm=P, edges_mm=(-49.0, -50.0, 51.0, 48.0),
                               sigma_mm=1.0)  # fmt: skip
    signal = geometry.exposed(clean * cover, inside=1.0, outside=0.03, heel_percent_per_cm=2.0,
                              pixel_mm=P)  # fmt: skip
    found = measure(image(signal))
    assert value(found, "focal_spot_x") == pytest.approx(0.8, rel=0.015)


def test_the_wrong_angle_is_refused_and_the_right_one_is_not_needed(clean: np.ndarray) -> None:
    one = image(clean)
    error = refused(NAME, [one], "wrong-spoke-angle", star_diameter_mm=45.0, spoke_deg=1.0)
    assert "1.50 degrees" in error.message
    assert measure(one, spoke_deg=1.5).values == measure(one).values


def test_a_magnification_set_by_hand_is_recorded(clean: np.ndarray) -> None:
    found = measure(image(clean), magnification=2.1)
    assert value(found, "focal_spot_x") == pytest.approx(0.8 / 1.1, rel=0.015)
    assert any("by hand" in w for w in found.warnings)
    assert found.provenance.parameters["magnification"] == 2.1


def test_a_star_that_is_not_magnified_is_refused(clean: np.ndarray) -> None:
    refused(NAME, [image(clean)], "no-magnification", star_diameter_mm=90.0)


def test_blur_finer_than_the_pixels_is_left_out() -> None:
    found = measure(image(transmission(magnification=1.15, spot_mm=(0.8, 0.8), detector_mm=0.0)))
    assert "focal_spot_x" not in found.values
    assert any("pixels wide" in w for w in found.warnings)


@pytest.mark.parametrize("size", [2.0, 2.2, 2.4, 3.0])
def test_a_blur_zone_at_the_rim_or_beyond_is_left_out(size: float) -> None:
    """The second zero of a large spot, half as far out, would pass for the first of a small one."""
    found = unless_refused(image(transmission(spot_mm=(0.8, size))))
    if found is not None:
        assert value(found, "focal_spot_x") == pytest.approx(0.8, rel=0.03)
        assert "focal_spot_y" not in found.values


@pytest.mark.parametrize("size", [2.2, 2.6, 3.4])
def test_a_spot_too_large_both_ways_gives_no_number(size: float) -> None:
    found = unless_refused(image(transmission(spot_mm=(size, size))))
    assert found is None or not any(n.startswith("focal_spot") for n in found.values)


def test_other_objects_are_not_stars() -> None:
    steps = wedge.step_wedge((400, 400), pixel_mm=P, steps=8, step_mm=1.5, length_mm=8.0,
                             width_mm=20.0, per_mm=0.08)  # fmt: skip
    mesh = 1 - 0.8 * geometry.mesh((400, 400), pixel_mm=(P, P), pitch_mm=8.0)
    flat = np.ones((400, 400))
    for signal in (steps, mesh, flat):
        refused(NAME, [image(signal)], "wrong-phantom", star_diameter_mm=45.0)
    rng = np.random.default_rng(1)
    spokes = np.arctan2(*np.indices((400, 400)) - 200.0)
    irregular = np.where(np.sin(40 * spokes + 8 * np.sin(3 * spokes)) > 0, 1.0, 0.2)
    refused(NAME, [image(irregular)], "wrong-phantom", star_diameter_mm=45.0)
    for seed in range(3):
        chest = planar.as_image(planar.anatomy(seed=seed), P)
        refused(NAME, [chest], "wrong-phantom", star_diameter_mm=45.0)
    noise = planar.as_image(rng.normal(100, 10, (400, 400)), P)
    refused(NAME, [noise], "wrong-phantom", star_diameter_mm=45.0)


def test_a_star_cut_off_is_refused(clean: np.ndarray) -> None:
    cut = np.ascontiguousarray(clean[:, :330])
    refused(NAME, [image(cut)], "wrong-phantom", star_diameter_mm=45.0)


def test_refusals(clean: np.ndarray) -> None:
    shown = image(clean, processing="presentation")
    refused(NAME, [shown], "processed-image", star_diameter_mm=45.0)
    assert value(measure(shown, allow_processed=True), "focal_spot_x") == pytest.approx(
        0.8, rel=0.01
    )
    refused(NAME, [image(clean)], "missing-parameter")
    refused(NAME, [image(clean)], "bad-parameter", star_diameter_mm=45.0, tube_axis="z")
    refused(NAME, [], "no-images", star_diameter_mm=45.0)


def test_it_recognises_itself(clean: np.ndarray) -> None:
    item = imaging.find(NAME)
    assert item.recognise is not None
    assert "120 pairs" in item.recognise([image(clean)])


def test_the_same_image_gives_the_same_bits(clean: np.ndarray) -> None:
    assert measure(image(clean)).as_dict() == measure(image(clean)).as_dict()
