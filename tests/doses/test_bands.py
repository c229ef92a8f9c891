"""Bands of age and mass: every person in one band at most, ends where the table puts them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kerma.core import InputError
from kerma.doses.bands import band, overlapping

# RP 185 bands as carried in drl_other.csv.
MASSES = tuple(map(band, ("<5 kg", "5-<15 kg", "15-<30 kg", "30-<50 kg", "50-<80 kg")))
AGES = tuple(map(band, ("<3 m", "3-<12 m", "1-<6 y", ">=6 y")))


@given(st.floats(0, 79.9))
def test_a_mass_lies_in_one_band(mass: float) -> None:
    assert sum(b.holds(mass) for b in MASSES) == 1


@given(st.floats(0, 120))
def test_an_age_lies_in_one_band(age: float) -> None:
    assert sum(b.holds(age) for b in AGES) == 1


@pytest.mark.parametrize(
    ("text", "inside", "outside"),
    [
        ("1-<6 y", (1.0, 5.999), (0.999, 6.0)),
        (">1-5 y", (1.001, 5.0), (1.0, 5.001)),
        ("0-1 y", (0.0, 0.99), (1.0,)),
        (">=16 y", (16.0, 99.0), (15.99,)),
        ("3-<12 months", (0.25, 0.99), (0.24, 1.0)),
        ("≤5 kg", (5.0,), (5.01,)),
    ],
)
def test_ends(text: str, inside: tuple[float, ...], outside: tuple[float, ...]) -> None:
    found = band(text)
    assert all(map(found.holds, inside))
    assert not any(map(found.holds, outside))


def test_a_missing_age_is_in_no_band() -> None:
    assert not any(b.holds(None) for b in AGES)


def test_overlaps_are_found() -> None:
    assert overlapping(MASSES) is None
    assert overlapping((band("0-<10 kg"), band("5-<15 kg"))) is not None
    assert overlapping((band("<=5 y"), band(">=5 y"))) is not None
    assert overlapping((band("<5 y"), band(">=5 y"))) is None


@pytest.mark.parametrize("text", ["", "adults", "5-3 y", "1-2", "1-2 lb", "-1 y", "1--2 y"])
def test_what_is_no_band_is_refused(text: str) -> None:
    with pytest.raises(InputError, match="is not a band"):
        band(text)
