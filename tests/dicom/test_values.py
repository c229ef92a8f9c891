"""Units by a closed table: the published cases, and that nothing outside it is ever used."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kerma.core import InputError, unit
from kerma.dicom.dose.values import convert, factor_of, quantities, resolution, unit_of
from tests.shared import shared_path

CASES = [
    ("kap", 1.034, "dGy.cm2", 1.034e-5),
    ("kap", 1.6e-5, "Gym2", 1.6e-5),
    ("kap", 1.6e-5, None, 1.6e-5),
    ("dose_gy", 1.034, "mGy", 0.001034),
    ("dose_gy", 0.0016, "Gy", 0.0016),
    ("dose_gy", 0.0016, None, 0.0016),
    ("dlp", 429.19, "mGycm", 429.19),
    ("dlp", 429.19, "mGy.cm", 429.19),
    ("charge", 90.2, "mAs", 90200.0),
    ("charge", 90200.0, "uAs", 90200.0),
    ("rate", 7.5, "{pulse}/s", 7.5),
    ("rate", 7.5, "pulse/s", 7.5),
    ("count", 27.0, "{events}", 27.0),
    ("count", 2.0, "{X-Ray sources}", 2.0),
    ("kap", 2.0, "µGy·m²".replace("·", ".").replace("²", "2"), 2e-6),
]


@pytest.mark.parametrize(("quantity", "sent", "unit_sent", "kept"), CASES)
def test_conversion(quantity: str, sent: float, unit_sent: str | None, kept: float) -> None:
    value = convert(quantity, [repr(sent)], unit_sent, lambda note: None)
    assert value.number == pytest.approx(kept, rel=1e-12)
    assert value.sent == (repr(sent),)
    assert value.unit_sent == unit_sent
    assert value.factor is not None
    assert value.origin == "stated"


@pytest.mark.shared
def test_the_shared_unit_cases() -> None:
    listed = json.loads(shared_path("dicom/dose-reports/expected.json").read_text("utf-8"))
    names = {"dose area product": ("kap", "expected_Gy_m2")}
    for case in listed["unit_normalisation_cases"]:
        quantity, key = names.get(case["quantity"], ("dose_gy", "expected_Gy"))
        value = convert(quantity, [str(case["in"])], case["unit_code"], lambda note: None)
        assert value.number == pytest.approx(case[key], rel=1e-12)


def test_a_missing_unit_is_told() -> None:
    notes: list[str] = []
    convert("kap", ["1"], None, notes.append)
    assert notes == ["no unit was sent; read as Gy.m2, which the template fixes"]


@given(
    st.sampled_from(sorted(quantities())),
    st.text(st.characters(codec="ascii", min_codepoint=33), min_size=1, max_size=8),
)
def test_an_unknown_unit_stops_the_value_and_keeps_the_text(quantity: str, spelling: str) -> None:
    notes: list[str] = []
    value = convert(quantity, ["3.5"], spelling, notes.append)
    if factor_of(quantity, spelling) is None:
        assert value.numbers == ()
        assert value.number is None
        assert value.origin == "missing"
        assert value.sent == ("3.5",)
        assert value.unit_sent == spelling
        assert notes
    else:
        assert value.number == pytest.approx(3.5 * (value.factor or 0))


@pytest.mark.parametrize("wrong", ["GY.M2", "mGy", "Gy", "gy.m2", "kap", "Gy.m2 "[:-1] + "x"])
def test_negative_control_spellings_that_are_not_the_unit(wrong: str) -> None:
    assert convert("kap", ["1"], wrong, lambda note: None).number is None


@pytest.mark.parametrize("sent", ["abc", "nan", "inf", "1_000", "1,5", "--"])
def test_text_where_a_number_belongs_is_kept_and_told(sent: str) -> None:
    notes: list[str] = []
    value = convert("kv", [sent], "kV", notes.append)
    assert value.number is None
    assert value.sent == (sent,)
    assert notes


def test_several_numbers_are_kept_as_a_list() -> None:
    value = convert("kv", ["34.1", "33.99"], "kV", lambda note: None)
    assert value.numbers == (34.1, 33.99)
    assert value.number is None


def test_nothing_sent_is_missing_not_zero() -> None:
    value = convert("kap", [], "Gy.m2", lambda note: None)
    assert value.number is None
    assert value.origin == "missing"
    assert value.reason


def rows() -> list[Any]:
    from kerma.dicom.dose.values import _table

    found = []
    for quantity, (kept, spellings) in _table().items():
        for sent, factor in spellings.items():
            try:
                a, b = unit(sent), unit(kept)
            except InputError:
                continue
            if sent and a.same_kind(b):
                found.append(pytest.param(a.factor / b.factor, factor, id=f"{quantity}-{sent}"))
    return found


@pytest.mark.parametrize(("by_core", "factor"), rows())
def test_factors_agree_with_the_units_of_the_core(by_core: float, factor: float) -> None:
    assert factor == pytest.approx(by_core, rel=1e-9)


def test_most_of_the_table_can_be_checked_against_the_core() -> None:
    assert len(rows()) > 70


@pytest.mark.parametrize(
    ("sent", "step"),
    [("0.0001", 1e-4), ("0.00010", 1e-5), ("12", 1), ("6e-005", 1e-5), ("1.2E3", 100), ("x", None)],
)
def test_resolution(sent: str, step: float | None) -> None:
    assert resolution(sent) == (None if step is None else pytest.approx(step))


def test_every_quantity_has_a_unit() -> None:
    assert all(unit_of(quantity) for quantity in quantities())
