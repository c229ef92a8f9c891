"""Whole numbers of addresses: plain digits and nothing else."""

from __future__ import annotations

import pytest

from kerma.service.web.typed import whole


@pytest.mark.parametrize(
    ("text", "found"),
    [("0", 0), ("17", 17), ("9" * 18, 10**18 - 1), ("9" * 19, None), ("9" * 5000, None),
     ("\u00b2", None), ("\u0663", None), ("-1", None), ("1.5", None), ("", None), (" 1", None)],
)  # fmt: skip
def test_only_plain_digits_are_a_number(text: str, found: int | None) -> None:
    assert whole(text) == found
