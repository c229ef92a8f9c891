"""Ages at the edges of age bands: a birthday that has not come does not count."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kerma.dicom.dose.moments import age_from_dates

AGES = [
    # Born, studied, years. The last day at 15, 17 and 29 is not yet 16, 18 and 30.
    ("20020301", "20200229", 17.9), ("20020301", "20200301", 18.0), ("20010301", "20190301", 18.0),
    ("20040616", "20200615", 15.9), ("20040616", "20200616", 16.0), ("19860328", "20160315", 29.9),
    ("20200301", "20210301", 1.0), ("20190301", "20200301", 1.0), ("20200301", "20210228", 0.997),
    ("20200101", "20200101", 0.0), ("20200101", "20200111", 0.027), ("19230509", "20130228", 89.8),
    ("20000229", "20180228", 17.9), ("20000229", "20180301", 18.0), ("20000229", "20200229", 20.0),
]  # fmt: skip


@pytest.mark.parametrize(("born", "studied", "years"), AGES)
def test_ages(born: str, studied: str, years: float) -> None:
    assert age_from_dates(born, studied) == (years, "")


@given(
    born=st.dates(date(1930, 1, 2), date(2024, 12, 31)),
    days=st.integers(0, 90 * 365),
)
def test_whole_years_are_those_of_the_calendar(born: date, days: int) -> None:
    studied = born + timedelta(days=days)
    years, _ = age_from_dates(f"{born:%Y%m%d}", f"{studied:%Y%m%d}")
    had = sum(
        1
        for n in range(1, 95)
        # Who was born on 29 February is a year older on 1 March where there is no such day.
        if (studied.year, studied.month, studied.day) >= (born.year + n, born.month, born.day)
    )
    assert years is not None
    assert int(years) == had
    assert years == pytest.approx(days / 365.25, abs=0.11)


def test_before_birth_is_impossible() -> None:
    assert age_from_dates("20200102", "20200101")[0] is None
