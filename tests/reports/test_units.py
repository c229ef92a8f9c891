"""Units, numbers and dates in print."""

from __future__ import annotations

from datetime import date, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kerma.core import InputError, quantity
from kerma.core.units import _TABLE
from kerma.reports import units


def plain(text: str) -> str:
    return text.replace("\u00a0", " ")


@pytest.mark.parametrize(
    ("symbol", "printed"),
    [
        ("uGy/mAs", "µGy/mAs"), ("µGy", "µGy"), ("Gy.cm2", "Gy cm²"), ("Gy.m2", "Gy m²"),
        ("1/mm", "mm⁻¹"), ("mm⁻¹", "mm⁻¹"), ("1/mm2", "mm⁻²"), ("lp/mm", "lp/mm"),
        ("mm Al", "mm Al"), ("cd/m2", "cd/m²"), ("mGy.cm", "mGy cm"), ("degC", "°C"),
        ("deg", "°"), ("%", "%"), ("1", ""), ("mGy/(mAs)", "mGy/mAs"), ("lux", "lx"),
    ],
)  # fmt: skip
def test_typeset(symbol: str, printed: str) -> None:
    assert plain(units.typeset(symbol)) == printed


def test_every_unit_of_the_table_can_be_printed_without_ascii_stand_ins() -> None:
    for symbol in _TABLE:
        printed = units.typeset(symbol)
        assert not printed.startswith("u"), symbol
        assert not any(c in printed for c in "^*."), symbol


def test_unknown_unit_is_refused_or_left_alone() -> None:
    with pytest.raises(InputError):
        units.typeset("furlong")
    assert units.pretty_unit("furlong") == "furlong"


@pytest.mark.parametrize(
    ("text", "printed"),
    [
        ("at most 100 mGy/min).", "at most 100 mGy/min)."),
        ("≤ 20 uGy/mAs, ≥ 2.9 mm Al or 1 kV", "≤ 20 µGy/mAs, ≥ 2.9 mm Al or 1 kV"),
        ("±5% of 80 kV; 1.2 1/mm", "±5 % of 80 kV; 1.2 mm⁻¹"),
        ("RQA5 in room X2, 3 images of 12 patients", "RQA5 in room X2, 3 images of 12 patients"),
        ("3 deg", "3°"),
    ],
)
def test_units_in_text(text: str, printed: str) -> None:
    assert plain(units.pretty_text(text)) == printed


@given(st.text())
def test_text_without_digits_is_untouched(text: str) -> None:
    if not any(c.isdigit() for c in text):
        assert units.pretty_text(text) == text


@pytest.mark.parametrize(
    ("value", "u", "printed"),
    [
        (51.3, 0.7, "51.3 ± 1.4"), (4321.1, 130, "4321 ± 260"), (-0.0012, 0.0004,
        "−0.00120 ± 0.00080"), (86.2, None, "86.2"), (3.0, 0.0, "3"),
    ],
)  # fmt: skip
def test_result_and_uncertainty_share_their_last_digit(
    value: float, u: float | None, printed: str
) -> None:
    assert plain(units.number_text(quantity(value, "kV", u))) == printed


def test_quantities_and_results_with_their_unit() -> None:
    assert plain(units.quantity_text(quantity(50.8, "uGy/mAs"))) == "50.8 µGy/mAs"
    assert plain(units.result_text(quantity(2.1, "deg", 0.02))) == "2.100 ± 0.040°"
    assert units.quantity_text(quantity(0.5, "1")) == "0.5"


def test_dates_and_times() -> None:
    assert plain(units.date_text(date(2026, 11, 3))) == "3 Nov 2026"
    assert units.date_text(None) == ""
    at = datetime(2026, 7, 1, 9, 5, tzinfo=timezone(timedelta(hours=1), "BST"))
    assert plain(units.time_text(at)) == "1 Jul 2026, 09:05 UTC+1"
