"""National reference levels: the right row on the day, and never over two phantoms."""

from __future__ import annotations

import pytest

from kerma.core import InputError
from kerma.doses.levels import NationalLevel, compare, national_levels
from kerma.doses.statistics import quantile

HEADS = [float(v) for v in range(720, 1020, 10)]


def level(examination: str, quantity: str, year: int = 2026, **more: str) -> NationalLevel:
    (found,) = [
        n for n in national_levels(year)
        if n.examination == examination and n.quantity == quantity and n.population == "adult"
        and all(getattr(n, k) == v for k, v in more.items())
    ]  # fmt: skip
    return found


def test_the_adult_head_level_is_that_of_the_published_table() -> None:
    """gov.uk, National DRLs from 20 Nov 2024, Table 1: adult head, acute stroke, 790 mGy cm."""
    found = level("Head", "dlp")
    assert (found.value, found.unit, found.phantom, found.year) == (790.0, "mGy.cm", "head", 2022)


def test_a_level_holds_only_from_its_year_on() -> None:
    assert not [n for n in national_levels(2015) if n.examination == "Head"]
    ceph = [n.value for n in national_levels(2026) if n.examination == "Lateral cephalometric"]
    assert sorted(ceph) == [24.0, 35.0], "the superseded 40 and 25 no longer count"


def test_a_median_is_placed_by_its_interval() -> None:
    found = compare(quantile(HEADS, 0.5), "mGy.cm", level("Head", "dlp"), ["head"] * 30)
    assert found.outcome == "above"
    assert found.ratio == pytest.approx(865.0 / 790.0)


def test_units_never_change_the_answer() -> None:
    given = quantile([0.08, 0.09, 0.1, 0.11, 0.12, 0.13, 0.14], 0.5)
    chest = level("Chest PA", "kap")
    same = quantile([8e-6, 9e-6, 1e-5, 1.1e-5, 1.2e-5, 1.3e-5, 1.4e-5], 0.5)
    assert compare(given, "Gy.cm2", chest, []).ratio == pytest.approx(
        compare(same, "Gy.m2", chest, []).ratio
    )


@pytest.mark.parametrize(
    ("phantoms", "code"),
    [(["body"] * 30, "other-phantom"), (["head", None], "no-phantom"), ([], "no-phantom"),
     (["head", "body"], "other-phantom")],
)  # fmt: skip
def test_no_comparison_without_the_one_phantom(phantoms: list[str | None], code: str) -> None:
    with pytest.raises(InputError) as refusal:
        compare(quantile(HEADS, 0.5), "mGy.cm", level("Head", "dlp"), phantoms)
    assert refusal.value.code == code


def test_a_level_that_states_no_phantom_compares_with_nothing() -> None:
    spine = level("Cervical spine", "dlp")
    with pytest.raises(InputError, match="does not state the CTDI phantom"):
        compare(quantile(HEADS, 0.5), "mGy.cm", spine, ["head"] * 30)


def test_other_kinds_of_unit_are_refused() -> None:
    with pytest.raises(InputError):
        compare(quantile(HEADS, 0.5), "Gy.cm2", level("Head", "dlp"), ["head"])
