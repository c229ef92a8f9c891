"""Contrast and SDNR of an object of known contrast and noise."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kerma import imaging
from kerma.core import Analysis
from kerma.simulate import planar
from tests.imaging.helpers import refused, u, value

NAME = "planar-sdnr"
P, SHAPE, MEAN, NOISE, NOISE_OBJECT = 0.1, (700, 900), 800.0, 16.0, 12.0
CONTRAST = 0.12
TRUTH = {
    "contrast": 100 * CONTRAST,
    "sdnr_background_noise": CONTRAST * MEAN / NOISE,
    "sdnr_rms_noise": CONTRAST * MEAN / math.sqrt((NOISE**2 + NOISE_OBJECT**2) / 2),
    "snr_background": MEAN / NOISE,
    "snr_object": MEAN * (1 - CONTRAST) / NOISE_OBJECT,
    "mean_background": MEAN,
    "mean_object": MEAN * (1 - CONTRAST),
    "noise_background": NOISE,
    "noise_object": NOISE_OBJECT,
}


def render(
    seed: int = 1, *, x: float = 520.3, y: float = 310.6, side_mm: float = 10.0,
    contrast: float = CONTRAST, slope: float = 0.0,
) -> np.ndarray:  # fmt: skip
    """Return a field with a square of aluminium; `slope` in % of the mean per cm, across."""
    side = side_mm / P
    cover = planar.rectangle_cover(SHAPE, x=x, y=y, width_px=side, height_px=side)
    field = planar.flat_field(SHAPE, mean=MEAN, noise=0.0, seed=0, pixel_mm=P,
                              gradient_percent_per_cm=(slope, slope / 2))  # fmt: skip
    noise = np.where(cover > 0.5, NOISE_OBJECT, NOISE)
    grain = np.random.default_rng(seed).normal(0.0, 1.0, SHAPE)
    return np.asarray(field * (1 - contrast * cover) + noise * grain)


def measure(pixels: np.ndarray, **parameters: object) -> Analysis:
    return imaging.analyse(NAME, [planar.as_image(pixels, P)], **parameters)


@pytest.fixture(scope="module")
def found() -> Analysis:
    return measure(render())


def test_known_contrast_noise_and_both_conventions(found: Analysis) -> None:
    for name, truth in TRUTH.items():
        assert value(found, name) == pytest.approx(truth, abs=3.5 * u(found, name)), name
        assert u(found, name) < 0.05 * truth, name
    assert value(found, "sdnr_rms_noise") > 1.05 * value(found, "sdnr_background_noise")
    assert found.facts["object"] == "darker"
    assert set(found.facts["definitions"]) == {
        "contrast", "sdnr_background_noise", "sdnr_rms_noise",
    }  # fmt: skip


def test_the_regions_lie_on_the_object_and_around_it(found: Analysis) -> None:
    boxes = {r.name: r for r in found.regions}
    (x0, y0), (x1, y1) = boxes["Object"].points
    assert x1 - x0 == pytest.approx(5 / P)
    assert abs((x0 + x1) / 2 - 520.3) < 15
    assert abs((y0 + y1) / 2 - 310.6) < 15
    around = [r.points for r in found.regions if r.name == "Background"]
    assert len(around) == 4
    for (a0, b0), (a1, b1) in around:
        apart = a1 < 470 or a0 > 571 or b1 < 260 or b0 > 361
        assert apart
        assert (a1 - a0, b1 - b0) == (x1 - x0, y1 - y0)


def test_a_sloping_field_cancels() -> None:
    found = measure(render(slope=2.0))
    local = MEAN * (1 + 0.02 * (520.3 - 449.5) * P / 10 + 0.01 * (310.6 - 349.5) * P / 10)
    assert value(found, "mean_background") == pytest.approx(local, rel=0.003)
    assert value(found, "contrast") == pytest.approx(100 * CONTRAST, abs=0.3)


@pytest.mark.parametrize("contrast", [0.04, -0.08, 0.5])
def test_faint_bright_and_strong_objects(contrast: float) -> None:
    found = measure(render(contrast=contrast))
    assert value(found, "contrast") == pytest.approx(100 * abs(contrast), abs=0.5)
    assert found.facts["object"] == ("darker" if contrast > 0 else "brighter")


def test_a_disc_is_found_as_well() -> None:
    pixels = planar.with_disc(planar.flat_field(SHAPE, mean=MEAN, noise=NOISE, seed=2), x=300.0,
                              y=350.0, radius_px=60, change=-0.1)  # fmt: skip
    found = measure(pixels)
    assert value(found, "sdnr_background_noise") == pytest.approx(5.0, abs=0.25)


def test_an_object_smaller_than_the_square_gets_a_smaller_one() -> None:
    found = measure(render(side_mm=4.0))
    (x0, y0), (x1, y1) = found.regions[0].points
    assert 1.0 / P < x1 - x0 < 4.0 / P
    assert abs(x0 - 0.5 - 520) < 20
    assert y0 > 290
    assert y1 < 331
    assert value(found, "contrast") == pytest.approx(100 * CONTRAST, abs=3 * u(found, "contrast"))


def test_regions_given_by_hand_are_used_recorded_and_said() -> None:
    object_at, background = [500, 290, 540, 330], [[400, 290, 440, 330], [600, 290, 640, 330]]
    found = measure(render(), object=object_at, background=background)
    for name, truth in TRUTH.items():
        assert value(found, name) == pytest.approx(truth, abs=4 * u(found, name)), name
    assert found.provenance.parameters["object"] == object_at
    assert found.provenance.parameters["background"] == background
    assert any("by hand" in w for w in found.warnings)
    assert found.facts["found_by"] == "hand"
    assert found.regions[0].points == ((499.5, 289.5), (539.5, 329.5))


def test_uncertainty_covers_the_truth() -> None:
    z: dict[str, list[float]] = {n: [] for n in TRUTH}
    for seed in range(100):
        small = render(seed)[240:400, 380:660]
        found = imaging.analyse(
            NAME, [planar.as_image(small, P)], object=[120, 50, 160, 90],
            background=[[10, 50, 50, 90], [220, 50, 260, 90]],
        )  # fmt: skip
        for name, truth in TRUTH.items():
            z[name].append((value(found, name) - truth) / u(found, name))
    for name, found_z in z.items():
        assert (np.abs(found_z) <= 2).mean() >= 0.89, name
        assert 0.8 < np.std(found_z) < 1.25, name


def test_the_conventions_differ_only_by_the_objects_noise() -> None:
    """Negative control: with like noise on both sides the two conventions agree."""
    side = planar.rectangle_cover(SHAPE, x=520, y=310, width_px=100, height_px=100)
    pixels = MEAN * (1 - CONTRAST * side) + np.random.default_rng(3).normal(0, NOISE, SHAPE)
    found = measure(pixels)
    ratio = value(found, "sdnr_rms_noise") / value(found, "sdnr_background_noise")
    assert ratio == pytest.approx(1, abs=0.03)


def test_linearisation_takes_the_offset_off() -> None:
    pixels = render() + 400.0
    raw = measure(pixels)
    linear = measure(pixels, stp={"model": "linear", "a": 400.0, "b": 100.0})
    assert value(linear, "contrast") == pytest.approx(100 * CONTRAST, abs=0.3)
    assert value(raw, "contrast") < 0.7 * value(linear, "contrast")  # negative control
    assert any("proportional" in w for w in raw.warnings)
    assert str(linear.values["mean_object"].unit) == "uGy"
    assert value(linear, "sdnr_rms_noise") == pytest.approx(value(raw, "sdnr_rms_noise"))


@settings(max_examples=8, deadline=None)
@given(gain=st.floats(0.01, 100), quarter=st.integers(0, 3), mirrored=st.booleans())
def test_gain_and_turning_do_not_matter(gain: float, quarter: int, mirrored: bool) -> None:
    pixels = np.rot90(render(), quarter)
    changed = gain * (pixels[:, ::-1] if mirrored else pixels)
    found = measure(np.ascontiguousarray(changed))
    for name in ("contrast", "sdnr_background_noise", "sdnr_rms_noise"):
        assert value(found, name) == pytest.approx(TRUTH[name], abs=4 * u(found, name)), name


def test_the_same_image_gives_the_same_bits(found: Analysis) -> None:
    assert measure(render()).as_dict() == found.as_dict()


def test_refusals() -> None:
    def no(pixels: np.ndarray, code: str, **more: object) -> None:
        image = {k: more.pop(k) for k in ("processing", "saturated_at", "modality") if k in more}
        refused(NAME, [planar.as_image(pixels, P, **image)], code, **more)

    flat = planar.flat_field(SHAPE, mean=MEAN, noise=NOISE, seed=5)
    no(flat, "no-object")
    two = render() * (1 - 0.12 * planar.rectangle_cover(SHAPE, x=200, y=300, width_px=100,
                                                       height_px=100))  # fmt: skip
    no(two, "several-objects")
    regions = {"object": [500, 290, 540, 330], "background": [[400, 290, 440, 330]]}
    no(render(), "region-not-even", **{**regions, "object": [440, 290, 540, 330]})
    no(render(), "region-not-even", **{**regions, "background": [[430, 290, 490, 330]]})
    no(render(), "regions-overlap", **{**regions, "background": [[520, 290, 560, 330]]})
    no(render(), "region-outside-image", **{**regions, "object": [880, 290, 920, 330]})
    no(render(), "bad-parameter", object=[500, 290, 540, 330])
    no(render(), "bad-parameter", side_mm=0)
    no(np.full(SHAPE, 900.0), "constant-image")
    no(render(), "processed-image", processing="presentation")
    no(np.minimum(render(), 820), "saturated-field", saturated_at=820.0)
    no(render(), "wrong-modality", modality="CT")
    no(planar.anatomy(seed=4), "clinical-looking")
    no(render() * math.nan, "not-finite")
    no(render()[:1], "image-too-small")
    refused(NAME, [planar.as_image(render(), None)], "no-pixel-spacing")
    clean = planar.rectangle_cover(SHAPE, x=520, y=310, width_px=100, height_px=100)
    no(MEAN * (1 - CONTRAST * clean), "no-noise", **regions)
    edge = planar.edge(SHAPE, pixel_mm=P, sigma_mm=0.1, tilt_deg=2)
    no(edge + np.random.default_rng(1).normal(0, 5, SHAPE), "no-field")
