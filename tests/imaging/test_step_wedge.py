"""Step wedges of known thickness and attenuation."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from kerma import imaging
from kerma.core import Analysis, Image
from kerma.simulate import geometry, planar, wedge
from tests.imaging.helpers import refused, u, value

NAME = "step-wedge"
SHAPE = (420, 480)
P = 0.3


def transmission(**more: Any) -> np.ndarray:
    given = {"pixel_mm": P, "steps": 11, "step_mm": 1.5, "length_mm": 9.0, "width_mm": 25.0,
             "per_mm": 0.08}  # fmt: skip
    return wedge.step_wedge(SHAPE, **{**given, **more})


def image(signal: np.ndarray, *, share: float = 0.02, seed: int = 1, **more: Any) -> Image:
    return planar.as_image(geometry.noisy(2000.0 * signal, seed=seed, share=share), P, **more)


def measure(one: Image, **parameters: Any) -> Analysis:
    return imaging.analyse(NAME, [one], **{"step_mm": 1.5, **parameters})


@pytest.mark.parametrize("turn", [0.0, 3.0, 90.0, 178.0, -135.0])
def test_every_step_and_the_slope_at_any_turn(turn: float) -> None:
    found = measure(image(transmission(turn_deg=turn)))
    assert value(found, "steps") == 11
    assert value(found, "resolved_steps") == 11
    assert value(found, "slope") == pytest.approx(-0.08, abs=4 * u(found, "slope"))
    assert value(found, "r_squared") > 0.9999
    for n in (1, 6, 11):
        truth = 2000.0 * np.exp(-0.08 * 1.5 * n)
        assert value(found, f"mean_{n}") == pytest.approx(truth, abs=4 * u(found, f"mean_{n}"))
    assert len(found.regions) == 11


def test_uncertainties_cover_the_truth() -> None:
    clean = transmission(turn_deg=2.0)
    z = []
    for seed in range(20):
        found = measure(image(clean, seed=seed))
        z += [(value(found, n) - t) / u(found, n) for n, t in (("slope", -0.08), ("range", 1.2))]
    assert (np.abs(z) <= 2).mean() >= 0.85
    assert 0.6 <= np.sqrt(np.mean(np.square(z))) <= 1.4


def test_negative_control_a_bent_response_is_not_linear() -> None:
    bent = 2000.0 * transmission() ** 0.7 + 400.0
    found = measure(planar.as_image(geometry.noisy(bent, seed=1), P))
    straight = measure(image(transmission()))
    assert value(found, "max_residual") > 1.3 > 5 * value(straight, "max_residual")
    assert value(found, "r_squared") < value(straight, "r_squared")


def test_stated_thicknesses_and_no_thickness_at_all() -> None:
    one = image(transmission())
    listed = imaging.analyse(NAME, [one], thickness_mm=[1.5 * n for n in range(1, 12)])
    assert value(listed, "slope") == pytest.approx(value(measure(one), "slope"), rel=1e-9)
    bare = imaging.analyse(NAME, [one])
    assert value(bare, "slope") == pytest.approx(-0.12, rel=0.01)
    assert str(bare.values["slope"].unit) == "1"
    refused(NAME, [one], "wrong-thickness", thickness_mm=[1.0, 2.0])


def test_steps_lost_in_saturation_are_not_resolved() -> None:
    pixels = np.minimum(geometry.noisy(2000.0 * transmission(), seed=1), 1200.0)
    found = measure(planar.as_image(pixels, P), steps=11)
    assert value(found, "resolved_steps") < 10


def test_a_wedge_that_leaves_the_image_has_fewer_steps() -> None:
    moved = transmission(centre_mm=(45.0, 0.0))
    found = measure(image(moved), steps=11)
    assert value(found, "steps") < 11
    assert any("the wedge has 11" in w for w in found.warnings)
    assert value(found, "slope") == pytest.approx(-0.08, abs=0.001)


def test_constancy_against_a_baseline() -> None:
    first = measure(image(transmission()))
    baseline = [value(first, f"mean_{n}") for n in range(1, 12)]
    same = measure(image(transmission(), seed=2), baseline=baseline)
    assert abs(value(same, "constancy_max")) < 0.5
    softer = measure(image(0.98 * transmission(), seed=2), baseline=baseline)
    assert value(softer, "constancy_mean") == pytest.approx(-2.0, abs=0.1)
    assert value(softer, "constancy_shift") == pytest.approx(0.0202 / 0.08, abs=0.01)
    refused(NAME, [image(transmission())], "wrong-baseline", baseline=[1.0, 2.0])


def test_logarithmic_values_are_taken_as_they_are() -> None:
    pixels = 5000.0 + 1000.0 * np.log(geometry.noisy(2000.0 * transmission(), seed=1))
    log = planar.as_image(pixels, P, facts={"PixelIntensityRelationship": "LOG"})
    found = measure(log)
    assert value(found, "slope") == pytest.approx(-80.0, rel=0.01)
    stp = {"model": "log", "a": 5000.0, "b": 1000.0}
    assert value(measure(log, stp=stp), "slope") == pytest.approx(-0.08, rel=0.01)


def test_in_a_field_beside_its_edges() -> None:
    cover = geometry.rectangle(SHAPE, pixel_mm=P, edges_mm=(-58.0, -30.0, 60.0, 32.0), sigma_mm=1.0)
    signal = geometry.exposed(cover * transmission(turn_deg=2.0), inside=1.0, outside=1e-4)
    found = measure(image(signal))
    assert value(found, "steps") == 11
    assert value(found, "slope") == pytest.approx(-0.08, rel=0.02)


def test_noisy_and_faint_steps() -> None:
    assert value(measure(image(transmission(), share=0.1)), "steps") == 11
    faint = measure(image(transmission(step_mm=0.4)), step_mm=0.4)
    assert value(faint, "steps") == 11
    assert value(faint, "slope") == pytest.approx(-0.08, rel=0.02)


@pytest.mark.parametrize("change", ["mirror", "inverted"])
def test_the_same_steps_however_the_image_lies(change: str) -> None:
    pixels = geometry.noisy(2000.0 * transmission(turn_deg=2.0), seed=1)
    other = pixels[:, ::-1] if change == "mirror" else 4000.0 - pixels
    found = measure(planar.as_image(np.ascontiguousarray(other), P))
    assert value(found, "steps") == 11
    if change == "mirror":
        assert value(found, "slope") == pytest.approx(-0.08, rel=0.005)


def test_a_region_set_by_hand_is_recorded() -> None:
    found = measure(image(transmission()), roi=[60, 140, 420, 280])
    assert value(found, "steps") == 11
    assert any("by hand" in w for w in found.warnings)


def test_a_wedge_among_much_else_is_refused_unless_its_place_is_given() -> None:
    signal = transmission(centre_mm=(0.0, -35.0))
    for x in range(-50, 60, 12):
        for y in range(5, 55, 12):
            signal = signal * (1 - 0.9 * geometry.disc(SHAPE, pixel_mm=P, centre_mm=(x, y),
                                                       radius_mm=4.0, sigma_mm=0.2))  # fmt: skip
    one = image(signal)
    error = refused(NAME, [one], "wrong-phantom")
    assert "roi" in error.message
    found = measure(one, roi=[20, 30, 460, 150])
    assert value(found, "steps") == 11


def test_other_objects_are_not_wedges() -> None:
    mesh = 1 - 0.8 * geometry.mesh(SHAPE, pixel_mm=(P, P), pitch_mm=8.0)
    bars = np.where(np.arange(SHAPE[1]) // 12 % 2 == 0, 1.0, 0.5) * np.ones(SHAPE)
    ramp = wedge.ramp(SHAPE, pixel_mm=P, length_mm=90, width_mm=30, thickest_mm=20, per_mm=0.06)
    for signal in (mesh, bars, ramp, np.ones(SHAPE)):
        refused(NAME, [image(signal)], "wrong-phantom")
    for seed in range(3):
        refused(NAME, [planar.as_image(planar.anatomy(seed=seed), P)], "wrong-phantom")


def test_it_recognises_itself() -> None:
    item = imaging.find(NAME)
    assert item.recognise is not None
    assert "11 steps" in item.recognise([image(transmission())])


def test_refusals() -> None:
    one = image(transmission())
    refused(NAME, [], "no-images")
    refused(NAME, [image(transmission(), processing="presentation")], "processed-image")
    refused(NAME, [one], "bad-parameter", step_mm=0.0)
    refused(NAME, [one], "bad-parameter", step_mm=1.0, thickness_mm=[1.0])
    refused(NAME, [one], "bad-parameter", scale="square")


def test_the_same_image_gives_the_same_bits() -> None:
    assert measure(image(transmission())).as_dict() == measure(image(transmission())).as_dict()
