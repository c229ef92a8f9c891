"""Every CatPhan model: measured right, known for itself, refused by every other.

Cases 28 and 29 of the image measurements' proofs: a digital phantom with known values, and wrong
phantom, reversed order, feet first, mixed and truncated series.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from kerma.core import Analysis, InputError
from kerma.imaging.phantoms import _recognise
from kerma.imaging.phantoms._describe import load_spec, load_specs
from kerma.imaging.registry import find
from kerma.simulate.catphan import catphan_series, whole_scan
from tests.imaging.catphan_scans import (
    COARSE,
    MODELS,
    between,
    refusal,
    reversed_order,
    run,
    whole,
)


def test_there_are_six_models():
    assert tuple(load_specs()) == MODELS


@pytest.fixture(scope="module", params=MODELS)
def model(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture(scope="module")
def measured(model: str) -> Analysis:
    scan = whole_scan(
        model, roll_deg=4.0, offset_mm=(3.2, -2.1), origin_mm=1.1, tilt_x_deg=0.7, **COARSE
    )
    return run(model, catphan_series(scan))


def test_ct_numbers_and_place(model: str, measured: Analysis):
    for insert in load_spec(model).sensitometry.inserts:
        found = measured.values[f"hu_{insert.key}"].value
        assert found == pytest.approx(insert.nominal_hu, abs=1.0)
    value = {name: q.value for name, q in measured.values.items()}
    assert value["roll"] == pytest.approx(4.0, abs=0.05)
    assert value["tilt_x"] == pytest.approx(0.7, abs=0.02)
    assert value["centre_offset_x"] == pytest.approx(3.2, abs=0.1)
    assert value["centre_offset_y"] == pytest.approx(-2.1, abs=0.1)
    # Half a slice is asked for; the ramps do far better.
    assert value["origin_position"] == pytest.approx(1.1, abs=0.05)


def test_geometry_thickness_and_resolution(model: str, measured: Analysis):
    value = {name: q.value for name, q in measured.values.items()}
    assert value["rod_spacing_mean"] == pytest.approx(50, abs=0.1)
    assert value["rod_spacing_max_error"] < 0.1
    assert value["slice_thickness"] == pytest.approx(2.5, rel=0.01)
    assert value["slice_increment"] == pytest.approx(2.5, rel=0.01)
    assert value["linearity_slope"] == pytest.approx(1.0, abs=0.001)
    assert value["linearity_max_residual"] < 1.0
    assert value["uniformity_centre"] == pytest.approx(90, abs=0.5)
    curve = next(c for c in measured.curves if c.name.startswith("rMTF"))
    f = np.array(curve.x)
    true = np.exp(-2 * np.pi**2 * 0.5**2 * (f**2 - f[0] ** 2))
    # Pixels of 0.8 mm alias the finer groups.
    assert np.abs(np.array(curve.y) - true)[f < 0.35].max() < 0.02


def test_modules_a_model_does_not_have_are_not_missed(model: str, measured: Analysis):
    assert measured.facts["modules_not_scanned"] == []
    assert ("smallest_visible_1_0pct" in measured.values) is (model != "catphan503")
    assert ("slice_thickness_beads_fine" in measured.values) is (model == "catphan600")
    assert any("no bead or wire" in w for w in measured.warnings) is (model == "catphan700")


def test_bead_ramps_of_the_600_agree_with_the_wire_ramps():
    scan = whole_scan("catphan600", thickness_mm=1.5, increment_mm=1.5, origin_mm=0.37, **COARSE)
    value = run("catphan600", between(catphan_series(scan), -85, 15)).values
    for kind in ("fine", "coarse"):
        found = value[f"slice_thickness_beads_{kind}"]
        assert abs(found.value - 1.5) < 2 * found.u + 0.05
    assert value["slice_thickness"].value == pytest.approx(1.5, rel=0.03)


@pytest.mark.parametrize("shown", MODELS)
def test_exactly_one_model_says_yes(shown: str):
    said: dict[str, str] = {}
    why: dict[str, tuple[str, object]] = {}
    why: dict[str, tuple[str, object]] = {}
    for key in MODELS:
        try:
            said[key] = find(f"ct-{key}").recognise(whole(shown))
        except InputError as refused:
            why[key] = (refused.code, refused.detail.get("found"))
    assert set(why.values()) <= {("wrong-phantom", shown)}
    assert list(said) == [shown]
    assert "inserts" in said[shown]


@pytest.mark.parametrize("asked", MODELS)
@pytest.mark.parametrize("shown", MODELS)
def test_measuring_needs_the_same_proof(asked: str, shown: str):
    if asked == shown:
        assert run(asked, whole(shown)).status == "measured"
        return
    refused = refusal(asked, whole(shown))
    assert refused.code == "wrong-phantom"
    assert f"ct-{shown}" in refused.message


@pytest.mark.parametrize("asked", MODELS)
def test_reversed_order_is_refused_by_all(model: str, asked: str):
    images = reversed_order(whole(model))
    refused = refusal(asked, images)
    assert refused.code in ("reversed-order", "wrong-phantom", "truncated-series")
    if asked == model:
        assert refused.code == "reversed-order"
    with pytest.raises(InputError):
        find(f"ct-{asked}").recognise(images)


def test_feet_first_is_followed(model: str):
    # Seen from the feet: mirrored, and the modules come in the opposite order.
    images = [
        replace(i, pixels=np.ascontiguousarray(i.pixels[:, ::-1]), z_mm=-(i.z_mm or 0.0))
        for i in whole(model)
    ]
    found = run(model, images)
    assert found.facts["turned"] is True
    assert any("feet first" in w for w in found.warnings)
    assert found.values["roll"].value == pytest.approx(-3.0, abs=0.1)
    assert found.values["hu_acrylic"].value == pytest.approx(115, abs=2.0)


def test_a_scan_without_the_inserts_or_the_line_pairs_is_refused(model: str):
    gauge = load_spec(model).line_pairs.offset_mm
    for low, high in ((-300, gauge - 3), (gauge + 3, 300), (-300, -3), (3, 300)):
        cut = between(whole(model), low, high)
        inserts = low <= -8 and high >= 8
        bars = low <= gauge - 3 and high >= gauge + 3
        assert not (inserts and bars)
        for asked in MODELS:
            assert refusal(asked, cut).code in ("truncated-series", "wrong-phantom")


def test_a_scan_that_cuts_another_module_loses_that_one_only(model: str):
    spec = load_spec(model)
    part = spec.uniformity
    side = np.sign(part.offset_mm)
    edge = part.offset_mm - side * 12
    ends = (edge, 300) if side < 0 else (-300, edge)
    found = run(model, between(whole(model), *ends))
    assert found.facts["modules_not_scanned"] == [part.module]
    assert any(part.module in w for w in found.warnings)
    assert not {"noise", "nps_noise", "uniformity_centre"} & set(found.values)
    assert not [name for name in found.values if name.startswith("cnr_")]
    assert found.values["hu_acrylic"].value == pytest.approx(115, abs=2)
    assert find(f"ct-{model}").recognise(between(whole(model), *ends))


def test_two_models_in_one_series_are_refused():
    a, b = whole("catphan504"), whole("catphan600")
    for asked in MODELS:
        assert refusal(asked, [*a[:25], *b[25:]]).code in (
            "mixed-series", "missing-slices", "wrong-phantom", "phantom-not-found",
            "truncated-series",
        )  # fmt: skip


def test_the_answer_kept_for_a_series_is_not_given_for_another():
    find("ct-catphan504").recognise(whole("catphan504"))
    with pytest.raises(InputError):
        find("ct-catphan504").recognise(whole("catphan600"))
    with pytest.raises(InputError) as refused:
        find("ct-catphan504").recognise(reversed_order(whole("catphan504")))
    assert refused.value.code == "reversed-order"
    assert find("ct-catphan504").recognise(whole("catphan504"))


def test_pixels_that_can_be_written_to_are_looked_at_again():
    images = [replace(i, pixels=i.pixels.copy()) for i in whole("catphan504")]
    assert find("ct-catphan504").recognise(images)
    for image in images:
        image.pixels[:] = -1000.0
    with pytest.raises(InputError):
        find("ct-catphan504").recognise(images)


def test_all_models_are_asked_at_the_price_of_little_more_than_one(monkeypatch):
    asked = []
    tried = _recognise._asked
    monkeypatch.setattr(_recognise, "_asked", lambda images: asked.append(1) or tried(images))
    images = catphan_series(whole_scan("catphan504", **COARSE))
    for key in MODELS:
        try:
            find(f"ct-{key}").recognise(images)
        except InputError:
            continue
    assert len(asked) == 1
