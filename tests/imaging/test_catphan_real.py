"""CatPhan analysis on public cone-beam series: identity, refusals, and values within reason.

The reference values are from another program run on the same series outside of this project
(docs/methods/ct-catphan.md); the tolerances say how far two ways of measuring may differ.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from kerma.core import Analysis, Image, InputError
from kerma.dicom.pixels import read_images
from kerma.imaging.phantoms._describe import load_spec, load_specs
from kerma.imaging.registry import find
from tests.shared import shared_path

pytestmark = pytest.mark.shared

MODELS = ("catphan504", "catphan604")
ALL = tuple(load_specs())
ELSEWHERE = {
    "catphan504": {
        "hu_air_top": -979, "hu_pmp": -185, "hu_ldpe": -94, "hu_polystyrene": -33,
        "hu_acrylic": 119, "hu_delrin": 334, "hu_teflon": 971, "uniformity_top": 12,
        "uniformity_right": 22, "uniformity_bottom": 18, "uniformity_left": 11,
        "uniformity_centre": 17, "noise": 8.3,
    },
    "catphan604": {
        "hu_air_top": -1000, "hu_pmp": -187, "hu_bone_50": 731, "hu_ldpe": -94,
        "hu_polystyrene": -37, "hu_acrylic": 119, "hu_bone_20": 250, "hu_delrin": 358,
        "hu_teflon": 963, "uniformity_top": 5, "uniformity_right": 1, "uniformity_bottom": 5,
        "uniformity_left": 9, "uniformity_centre": 9, "noise": 10.4,
    },
}  # fmt: skip
ORIGIN_SLICE = {"catphan504": 32, "catphan604": 44}
ROLL_DEG = {"catphan504": -2.54, "catphan604": 0.17}
SPACING_MM = {"catphan504": 49.95, "catphan604": 49.96}


@pytest.fixture(scope="module")
def series() -> dict[str, list[Image]]:
    return {m: read_images(shared_path(f"dicom/phantoms/ct-{m}-cbct/series.zip")) for m in MODELS}


@pytest.fixture(scope="module")
def found(series: dict[str, list[Image]]) -> dict[str, Analysis]:
    return {m: find(f"ct-{m}").run(series[m]) for m in MODELS}


def upside_down(images: list[Image]) -> list[Image]:
    """Return the slices with their positions running the wrong way."""
    flipped = []
    for image in images:
        x, y, z = image.facts["ImagePositionPatient"]
        facts = {**image.facts, "ImagePositionPatient": [x, y, -z]}
        flipped.append(replace(image, z_mm=-z, facts=facts))
    return flipped


@pytest.mark.parametrize("model", MODELS)
def test_values_agree_with_another_program(found, model):
    for name, value in ELSEWHERE[model].items():
        assert found[model].values[name].value == pytest.approx(value, abs=7), name
    assert found[model].values["rod_spacing_mean"].value == pytest.approx(
        SPACING_MM[model], abs=0.1
    )
    assert found[model].values["roll"].value == pytest.approx(ROLL_DEG[model], abs=0.2)
    assert abs(found[model].facts["origin_slice"] - ORIGIN_SLICE[model]) <= 1


@pytest.mark.parametrize("model", MODELS)
def test_values_are_plausible_for_a_cone_beam_scanner(found, model):
    value = {k: q.value for k, q in found[model].values.items()}
    for insert in load_spec(model).sensitometry.inserts:
        assert value[f"hu_{insert.key}"] == pytest.approx(insert.nominal_hu, abs=40)
    assert value["linearity_r2"] > 0.999
    assert value["rod_spacing_max_error"] < 0.3
    # Cone-beam slices are blurred along the axis: wider than their nominal thickness.
    assert 1.0 <= value["slice_thickness"] / found[model].facts["slice_thickness_nominal_mm"] < 1.4
    nominal = found[model].facts["slice_increment_nominal_mm"]
    assert value["slice_increment"] == pytest.approx(nominal, rel=0.03)
    assert 0.25 < value["rmtf50"] < 0.5
    assert value["mtf50"] == pytest.approx(value["rmtf50"], rel=0.25)
    assert value["tilt"] < 0.5
    assert value["smallest_visible_1_0pct"] <= 9
    assert value["nps_integral_over_variance"] == pytest.approx(1, abs=1e-6)


@pytest.mark.parametrize("shown", MODELS)
@pytest.mark.parametrize("asked", ALL)
def test_only_the_right_model_says_yes(series, shown, asked):
    if asked == shown:
        assert "inserts" in find(f"ct-{asked}").recognise(series[shown])
        return
    for answer in (find(f"ct-{asked}").recognise, find(f"ct-{asked}").run):
        with pytest.raises(InputError) as refused:
            answer(series[shown])
        assert refused.value.code == "wrong-phantom"
        assert refused.value.detail["found"] == shown


@pytest.mark.parametrize("shown", MODELS)
@pytest.mark.parametrize("asked", ALL)
def test_a_series_cut_short_or_the_wrong_way_is_refused_by_all(series, shown, asked):
    images = series[shown]
    cut = images[ORIGIN_SLICE[shown] + 6 :], images[: ORIGIN_SLICE[shown] + 6]
    upset = upside_down(images)
    for part in (*cut, upset):
        with pytest.raises(InputError) as refused:
            find(f"ct-{asked}").run(part)
        assert refused.value.code in ("truncated-series", "wrong-phantom", "reversed-order")


@pytest.mark.parametrize("model", MODELS)
def test_a_series_without_the_uniformity_module_has_no_value_of_it(series, found, model):
    part = find(f"ct-{model}").run(series[model][20:])
    assert part.facts["modules_not_scanned"] == [load_spec(model).uniformity.module]
    assert not {"noise", "uniformity_centre"} & set(part.values)
    for name in ("hu_delrin", "slice_thickness", "rod_spacing_mean", "rmtf50"):
        full = found[model].values[name]
        assert part.values[name].value == pytest.approx(full.value, abs=2 * (full.u or 0) + 0.01)


@pytest.mark.parametrize("model", MODELS)
def test_a_series_mirrored_twice_is_the_same_phantom(series, found, model):
    images = [
        replace(i, pixels=np.ascontiguousarray(i.pixels[:, ::-1]))
        for i in upside_down(series[model])
    ]
    turned = find(f"ct-{model}").run(images)
    assert turned.facts["turned"] is not found[model].facts["turned"]
    for insert in load_spec(model).sensitometry.inserts:
        name = f"hu_{insert.key}"
        assert turned.values[name].value == pytest.approx(found[model].values[name].value, abs=2)


def test_two_series_together_are_refused(series):
    with pytest.raises(InputError) as refused:
        find("ct-catphan504").run(series["catphan504"] + series["catphan604"])
    assert refused.value.code == "mixed-series"


@pytest.mark.parametrize("module", ["CTP404_FOV150", "CTP486", "CTP591_06mm"])
@pytest.mark.parametrize("model", ALL)
def test_single_modules_are_refused(module, model):
    images = read_images(shared_path(f"dicom/phantoms/ct-catphan-modules/{module}"))
    with pytest.raises(InputError) as refused:
        find(f"ct-{model}").run(images)
    assert refused.value.code == "truncated-series"


def test_a_maker_s_water_phantom_is_refused():
    folder = shared_path("dicom/phantoms/ct-siemens-constancy")
    images = [i for f in sorted(folder.glob("004_*.dcm")) for i in read_images(f)]
    for model in ALL:
        with pytest.raises(InputError) as refused:
            find(f"ct-{model}").run(images)
        assert refused.value.code in ("truncated-series", "mixed-series", "missing-slices")
