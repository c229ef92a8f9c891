"""Intra-oral test objects against a drawn one: all is known (cases 1, 15, 18 and 29)."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from kerma.core import Analysis, Image, InputError, KermaError
from kerma.imaging.dental._spec import load_intraoral, parse_intraoral
from kerma.imaging.dental.intraoral import analyse
from kerma.imaging.registry import find
from kerma.simulate import planar
from kerma.simulate.dental import IntraoralShot, PanoramicShot, intraoral_image, panoramic_image
from tests.imaging.real import module

NAME = "dental-intraoral"
SPEC = load_intraoral()[NAME]
# Pixels of 0.05 mm keep the tests fast; bars to 8 mm⁻¹ are shown.
FAST = IntraoralShot(shape=(500, 720), pixel_mm=0.05, sigma_mm=0.045)


def measured(shot: IntraoralShot, **parameters: Any) -> Analysis:
    return find(NAME).run([intraoral_image(shot)], **parameters)


def rmtf(found: Analysis) -> tuple[np.ndarray, np.ndarray]:
    got = next(c for c in found.curves if c.name.startswith("rMTF"))
    return np.array(got.x), np.array(got.y)


CASES = {
    "straight": FAST,
    "turned, shifted": replace(
        FAST, turn_deg=4.0, offset_mm=(0.4, -0.3), magnification=1.05, shape=(560, 800)
    ),
    "upside down": replace(FAST, turn_deg=181.5),
    "mirrored": replace(FAST, mirrored=True, turn_deg=-3.0),
    "dark where it attenuates": replace(FAST, sign=-1),
    "a quarter turn": replace(FAST, turn_deg=90.0, shape=(720, 500)),
    "without spacing": replace(FAST, spacing=False),
    "raw": replace(FAST, state="raw", slope=40.0),
}  # fmt: skip


@pytest.fixture(scope="module", params=list(CASES), ids=list(CASES))
def case(request: pytest.FixtureRequest) -> tuple[IntraoralShot, Analysis]:
    shot = CASES[request.param]
    return shot, measured(shot)


def test_where_it_lies(case):
    shot, found = case
    value = {k: q.value for k, q in found.values.items()}
    assert (value["turn"] - shot.turn_deg + 180) % 360 - 180 == pytest.approx(0, abs=0.05)
    assert value["pixel_size_object"] == pytest.approx(shot.pixel_mm / shot.magnification, rel=1e-3)
    assert found.facts["mirrored"] is shot.mirrored
    assert found.facts["attenuation_raises_grey_values"] is (shot.sign > 0)
    assert ("magnification" in value) is shot.spacing
    if shot.spacing:
        assert value["magnification"] == pytest.approx(shot.magnification, rel=1e-3)


def test_steps_are_those_drawn(case):
    shot, found = case
    step = shot.lead - shot.base
    for number, part in enumerate(SPEC.steps, 1):
        share = 1 - np.exp(-shot.attenuation_per_mm * part.thickness_mm)
        true = shot.base + step * share if shot.sign > 0 else shot.lead - step * share
        allowed = 0.6 + abs(shot.slope) / 2
        assert found.values[f"step_{number}"].value == pytest.approx(true, abs=allowed)
    assert found.values["steps_apart"].value == 7


def test_bars_follow_the_point_spread(case):
    shot, found = case
    f, y = rmtf(found)
    sigma = shot.sigma_mm / shot.magnification
    true = np.exp(-2 * np.pi**2 * sigma**2 * (f**2 - f[0] ** 2))
    assert len(f) >= 4
    assert np.abs(y - true).max() < 0.01


def test_contrast_of_the_holes(case):
    _, found = case
    # A hole 1 mm deep is 150 of the 3000 from base to lead.
    deepest = next(r for r in found.regions if r.name.startswith("hole 1.5 mm, 1 mm"))
    assert deepest.values["contrast"].value == pytest.approx(5.0, abs=0.05)


def test_gain_offset_and_inversion_change_no_relative_value():
    image = intraoral_image(replace(FAST, noise=15))
    other = replace(image, pixels=4000.0 - 0.5 * image.pixels)
    run = find(NAME).run
    one, two = run([image]), run([other])
    for name in ("rmtf50", "uniformity", "noise_relative", "wedge_range", "cnr_deepest_1mm"):
        assert two.values[name].value == pytest.approx(one.values[name].value, rel=1e-6)
    assert two.values["holes_seen_1mm"].value == one.values["holes_seen_1mm"].value


@settings(max_examples=6, deadline=None)
@given(turn=st.floats(-180, 180), mirrored=st.booleans())
def test_any_turn_is_found(turn, mirrored):
    shot = replace(FAST, turn_deg=turn, mirrored=mirrored, shape=(840, 840), noise=10)
    found = measured(shot)
    away = (found.values["turn"].value - turn + 180) % 360 - 180
    assert abs(away) < 0.05
    assert found.facts["mirrored"] is mirrored


def test_noise_and_cnr_within_their_uncertainty():
    found = measured(replace(FAST, noise=30, seed=2))
    assert found.values["noise"].value == pytest.approx(30, rel=0.05)
    for name in ("cnr_deepest_1_5mm", "cnr_deepest_1mm"):
        cnr = found.values[name]
        assert abs(cnr.value - 5.0) < 4 * cnr.u + 0.2


def test_uncertainty_of_cnr_covers_the_truth():
    inside = 0
    for seed in range(10):
        found = measured(replace(FAST, noise=60, seed=seed)).values
        for name in ("cnr_deepest_1_5mm", "cnr_deepest_1mm"):
            inside += abs(found[name].value - 2.5) < 2 * found[name].u
    # Binomial with p = 0.95: fewer than 15 of 20 happens once in 3000.
    assert inside >= 15


def test_shallow_holes_are_lost_in_noise():
    quiet, loud = (measured(replace(FAST, noise=n)).values for n in (10, 150))
    assert quiet["holes_seen_1_5mm"].value == 6
    # 1.2 mm discs hold 450 pixels: chance is 150 sqrt(1.25 / 450) = 8, seen above 26 of 150 d.
    assert loud["holes_seen_1_5mm"].value in (4, 5, 6)
    assert loud["holes_seen_1mm"].value < 6
    assert loud["shallowest_seen_1mm"].value >= quiet["shallowest_seen_1mm"].value


def test_a_slope_of_the_field_is_its_uniformity():
    found = measured(replace(FAST, slope=90.0))
    xs = [x for x, _ in SPEC.plain]
    width = 720 * 0.05
    true = 100 * 90.0 * (max(xs) - min(xs)) * FAST.magnification / width / 3000
    assert found.values["uniformity"].value == pytest.approx(true, abs=0.06)


def test_the_field_that_ends_on_the_sensor():
    shot = replace(FAST, field_mm=(33.6, 60.0))
    found = measured(shot)
    assert found.values["field_width"].value == pytest.approx(33.6 / shot.magnification, abs=0.15)
    assert "field_height" not in found.values
    assert found.facts["field_covers_image"] is False
    assert found.values["exposed_share"].value == pytest.approx(100 * 33.6 / 36.0, abs=0.6)
    whole = measured(FAST)
    assert whole.values["exposed_share"].value == 100
    assert whole.facts["field_covers_image"] is True


def test_placed_by_hand_is_recorded_and_said():
    shot = replace(FAST, turn_deg=1.0)
    scale = shot.magnification / shot.pixel_mm
    found = measured(shot, centre_px=[359.5, 249.5], turn_deg=1.0, pixels_per_mm=scale)
    assert any("by hand" in w for w in found.warnings)
    assert found.provenance.parameters["pixels_per_mm"] == pytest.approx(scale)
    assert found.provenance.parameters["object_sha256"] == SPEC.sha256


def test_the_same_gives_the_same():
    image = intraoral_image(replace(FAST, noise=20))
    run = find(NAME).run
    assert run([image]).as_dict() == run([image]).as_dict()


def test_regions_lie_on_what_they_name():
    shot = replace(FAST, turn_deg=10.0, shape=(600, 760))
    image = intraoral_image(shot)
    found = find(NAME).run([image])
    for region in (r for r in found.regions if r.name == "lead disc"):
        (x, y), _ = region.points
        assert image.pixels[round(y), round(x)] > 3000


def test_another_object_is_one_more_file():
    """The template with its wedge moved and fewer holes, as a service would write its own."""
    from importlib import resources

    folder = resources.files("kerma.imaging.dental") / "intraoral_data"
    data = yaml.safe_load((folder / "template.yaml").read_text(encoding="utf-8"))
    data["measurement"], data["object"] = "dental-intraoral-house", "house"
    data["fiducials"]["places"] = [[-15, -10], [15.5, -10.5], [15.5, 10.5], [-10.5, 10.5]]
    for step in data["wedge"]["steps"]:
        step["y_mm"] = -7.0
    data["holes"]["rows"] = data["holes"]["rows"][:1]
    spec = parse_intraoral(data)
    shot = replace(FAST, turn_deg=1.0)
    found = analyse(spec, [intraoral_image(shot, spec)])
    assert found.name == "dental-intraoral-house"
    assert found.values["magnification"].value == pytest.approx(shot.magnification, rel=1e-3)
    assert "holes_seen_1mm" not in found.values
    with pytest.raises(InputError) as refused:
        analyse(SPEC, [intraoral_image(shot, spec)])
    assert refused.value.code == "wrong-phantom"


def test_a_description_that_lacks_something_is_refused():
    with pytest.raises(InputError) as refused:
        parse_intraoral({"object": "x", "measurement": "y", "title": "z", "sources": {}})
    assert refused.value.code == "bad-description"


# Refusals -----------------------------------------------------------------------------------------


def refusal(images: list[Image], **parameters: Any) -> KermaError:
    with pytest.raises(KermaError) as caught:
        find(NAME).run(images, **parameters)
    assert caught.value.message.endswith(".")
    return caught.value


def as_io(pixels: np.ndarray) -> Image:
    return replace(planar.as_image(pixels, 0.05), modality="IO")


def test_it_is_recognised():
    recognise = find(NAME).recognise
    assert recognise is not None
    assert "lead discs" in recognise([intraoral_image(FAST)])


@pytest.mark.parametrize(
    "pixels",
    [
        planar.flat_field((500, 720), mean=800, noise=20, seed=1),
        planar.edge((500, 720), pixel_mm=0.05, sigma_mm=0.05, tilt_deg=3.0),
        planar.anatomy((500, 720), seed=3),
        np.random.default_rng(5).normal(1000, 200, (500, 720)),
    ],
    ids=["flat", "edge", "anatomy", "noise"],
)
def test_what_is_no_test_object_is_refused(pixels):
    assert refusal([as_io(pixels)]).code == "wrong-phantom"


def test_four_discs_alone_are_not_enough():
    bare = replace(FAST, attenuation_per_mm=0.0)
    error = refusal([intraoral_image(bare)])
    assert error.code == "wrong-phantom"
    assert "wedge" in error.message


def test_a_wedge_the_wrong_way_is_refused():
    spec = replace(SPEC, steps=tuple(replace(s, x_mm=-s.x_mm) for s in SPEC.steps))
    assert refusal([intraoral_image(FAST, spec)]).code == "wrong-phantom"


def test_part_of_the_object_is_refused():
    cut = intraoral_image(replace(FAST, offset_mm=(6.0, 0.0)))
    assert refusal([cut]).code == "wrong-phantom"


def test_another_object_is_refused():
    arch = panoramic_image(PanoramicShot(shape=(900, 1800)))
    assert refusal([replace(arch, modality="DX")]).code == "wrong-phantom"


def test_empty_broken_and_wrong_are_refused():
    image = intraoral_image(FAST)
    assert refusal([]).code == "no-images"
    assert refusal([image, image]).code == "too-many-images"
    assert refusal([replace(image, pixels=0 * image.pixels)]).code == "constant-image"
    broken = image.pixels.copy()
    broken[5, 5] = np.nan
    assert refusal([replace(image, pixels=broken)]).code == "not-finite"
    assert refusal([replace(image, pixels=image.pixels[:1])]).code == "image-too-small"
    assert refusal([replace(image, modality="MG")]).code == "wrong-modality"
    full = replace(image, saturated_at=float(np.percentile(image.pixels, 20)))
    assert refusal([full]).code == "saturated-image"
    assert refusal(module("CTP486")[:1]).code == "wrong-modality"


@pytest.mark.parametrize("wrong", [{"turn_deg": 3.0}, {"pixels_per_mm": -1.0}, {"centre": [1, 2]}])
def test_wrong_parameters_are_refused(wrong):
    error = refusal([intraoral_image(FAST)], **wrong)
    assert error.code in ("bad-parameter", "unknown-parameter")
