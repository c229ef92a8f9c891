"""What a CatPhan analysis must not measure, each refused with its reason."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest

from kerma.core import Image, InputError, UnsupportedError
from kerma.imaging.registry import find
from kerma.simulate.catphan import CatphanScan, catphan_series, water_series

WHOLE = {"first_mm": -90.0, "last_mm": 60.0, "matrix": 240, "pixel_mm": 0.9, "increment_mm": 3.0}


@pytest.fixture(scope="module")
def series504() -> list[Image]:
    return catphan_series(CatphanScan(**WHOLE))


@pytest.fixture(scope="module")
def series604() -> list[Image]:
    return catphan_series(CatphanScan(model="catphan604", **WHOLE))


def refusal(model: str, images: Sequence[Image]) -> InputError:
    with pytest.raises(InputError) as refused:
        find(f"ct-{model}").run(images)
    return refused.value


def test_the_cases_below_are_accepted_when_nothing_is_wrong(series504, series604):
    assert find("ct-catphan504").run(series504).status == "measured"
    assert find("ct-catphan604").run(series604).status == "measured"


def test_another_model_is_refused_and_named(series504, series604):
    for model, other, images in (
        ("catphan604", "catphan504", series504),
        ("catphan504", "catphan604", series604),
    ):
        error = refusal(model, images)
        assert error.code == "wrong-phantom"
        assert error.detail["found"] == other
        assert f"ct-{other}" in error.message


def test_another_model_stays_refused_in_noise_rolled_and_turned():
    scan = CatphanScan(roll_deg=5, turned=True, noise_hu=15, first_mm=-60, last_mm=90)
    error = refusal("catphan604", catphan_series(scan))
    assert error.code == "wrong-phantom"
    assert error.detail["found"] == "catphan504"


def test_water_phantom_is_refused():
    error = refusal("catphan504", water_series(CatphanScan(noise_hu=8, **WHOLE)))
    assert error.code == "wrong-phantom"
    assert "ring of inserts" in error.message


def test_small_water_phantom_is_refused():
    error = refusal("catphan504", water_series(CatphanScan(**WHOLE), radius_mm=80))
    assert error.code == "phantom-not-found"


def test_a_damaged_or_odd_insert_is_refused_by_name():
    scan = CatphanScan(hu={"delrin": 0}, **WHOLE)
    error = refusal("catphan504", catphan_series(scan))
    assert error.code == "wrong-phantom"
    assert error.detail["departure_hu"] > 110


def test_positions_running_the_wrong_way_are_refused(series504):
    upset = [replace(i, z_mm=-(i.z_mm or 0.0)) for i in series504]
    error = refusal("catphan504", [i for i in upset if abs(i.z_mm or 0.0) < 90])
    assert error.code in ("reversed-order", "truncated-series")
    whole = catphan_series(CatphanScan(**{**WHOLE, "last_mm": 90.0}))
    error = refusal("catphan504", [replace(i, z_mm=-(i.z_mm or 0.0)) for i in whole])
    assert error.code == "reversed-order"


def test_two_series_are_refused(series504, series604):
    other = [replace(i, facts={**i.facts, "SeriesInstanceUID": "1.2.3"}) for i in series604]
    assert refusal("catphan504", series504[:20] + other[20:]).code == "mixed-series"


def test_two_series_without_identifiers_are_refused(series504):
    bare = [replace(i, facts={}) for i in series504]
    shifted = [replace(i, z_mm=(i.z_mm or 0.0) + 1.2) for i in bare]
    assert refusal("catphan504", bare + bare).code == "mixed-series"
    assert refusal("catphan504", bare + shifted).code == "missing-slices"
    odd = [*bare[:-1], replace(bare[-1], spacing_mm=(1, 1))]
    assert refusal("catphan504", odd).code == "mixed-series"


def test_kernels_may_not_be_mixed(series504):
    sharp = [replace(i, facts={**i.facts, "ConvolutionKernel": "sharp"}) for i in series504]
    assert refusal("catphan504", series504[:25] + sharp[25:]).code == "mixed-series"


@pytest.mark.parametrize(
    ("low", "high", "missing"),
    [(-90, 20, "CTP528"), (-40, 20, "CTP528"), (0, 60, "CTP404"), (-4, 4, None)],
)
def test_missing_modules_are_refused(series504, low, high, missing):
    error = refusal("catphan504", [i for i in series504 if low <= (i.z_mm or 0.0) <= high])
    assert error.code == "truncated-series"
    if missing and "missing" in error.detail:
        assert missing in error.detail["missing"]


def test_modules_that_prove_nothing_may_be_missing_and_are_named(series504):
    found = find("ct-catphan504").run([i for i in series504 if (i.z_mm or 0.0) >= -20])
    assert found.facts["modules_not_scanned"] == ["CTP515", "CTP486"]
    assert any("CTP515, CTP486" in w for w in found.warnings)
    absent = ("cnr_", "noise", "nps_", "uniformity_", "smallest_visible", "detectable_")
    assert not [name for name in found.values if name.startswith(absent)]


def test_a_module_out_of_the_phantom_though_in_the_series_is_not_measured():
    # Bed and air beyond the phantom's end: the slices are there, the phantom is not.
    images = catphan_series(CatphanScan(**WHOLE))
    cut = [replace(i, pixels=i.pixels * 0 - 1000) if (i.z_mm or 0.0) < -45 else i for i in images]
    found = find("ct-catphan504").run(cut)
    assert found.facts["modules_not_scanned"] == ["CTP486"]
    assert "noise" not in found.values
    cut = [replace(i, pixels=i.pixels * 0 - 1000) if (i.z_mm or 0.0) > 15 else i for i in images]
    error = refusal("catphan504", cut)
    assert error.code == "truncated-series"
    assert error.detail["missing"] == ["CTP528"]


def test_a_hole_in_the_series_is_refused(series504):
    assert refusal("catphan504", series504[:12] + series504[14:]).code == "missing-slices"


def test_line_pairs_where_they_do_not_belong_are_another_phantom(series504):
    # The insert module of a 504 with the bars 12 mm further away.
    error = refusal(
        "catphan504",
        [
            replace(i, z_mm=(i.z_mm or 0.0), pixels=_swapped(series504, k))
            for k, i in enumerate(series504)
        ],
    )
    assert error.code == "wrong-phantom"
    assert error.detail["module"] == "CTP528"


def _swapped(images: Sequence[Image], index: int):
    """Exchange the slices with the bars (25 to 35 mm) and plain ones 15 mm further."""
    z = images[index].z_mm or 0.0
    source = z - 15 if 40 <= z <= 50 else z + 15 if 25 <= z <= 35 else z
    return min(images, key=lambda i: abs((i.z_mm or 0.0) - source)).pixels


def test_no_position_no_spacing_no_image(series504):
    bare = [replace(i, z_mm=None) for i in series504]
    assert refusal("catphan504", bare).code == "no-slice-position"
    assert refusal("catphan504", [replace(i, spacing_mm=None) for i in series504]).code == (
        "no-pixel-spacing"
    )
    assert refusal("catphan504", []).code == "no-images"
    assert refusal("catphan504", [replace(i, modality="MR") for i in series504]).code == (
        "wrong-modality"
    )


def test_coronal_slices_are_refused(series504):
    facts = {"ImageOrientationPatient": [1, 0, 0, 0, 0, -1]}
    with pytest.raises(UnsupportedError) as refused:
        find("ct-catphan504").run([replace(i, facts={**i.facts, **facts}) for i in series504])
    assert refused.value.code == "not-axial"


def test_opposite_labelling_of_the_rows_is_the_same_phantom(series504):
    # Stored left-right mirrored with direction cosines that say so: nothing has changed.
    facts = {"ImageOrientationPatient": [-1, 0, 0, 0, 1, 0]}
    mirrored = [
        replace(i, pixels=i.pixels[:, ::-1].copy(), facts={**i.facts, **facts}) for i in series504
    ]
    found = find("ct-catphan504").run(mirrored)
    assert found.facts["turned"] is True
    assert found.values["hu_delrin"].value == pytest.approx(366, abs=1)
