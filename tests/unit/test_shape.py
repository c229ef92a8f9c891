"""Data of strangers is held against type hints: what is of another type is refused by its place."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kerma.core import InputError, shape
from kerma.core.codec import decode, encode


@dataclass(frozen=True)
class Bolt:
    name: str
    mm: float
    ends: tuple[float, float] = (0.0, 1.0)


@dataclass(frozen=True)
class Crate:
    number: int
    kind: Literal["wood", "steel"]
    bolts: tuple[Bolt, ...] = ()
    tall: float | None = None
    open: bool = False
    prices: Mapping[str, float] = field(default_factory=dict)
    notes: Mapping[str, Any] = field(default_factory=dict)


WHOLE: dict[str, Any] = {
    "number": 3, "kind": "wood", "bolts": [{"name": "M8", "mm": 8, "ends": [0, 2.5]}],
    "tall": None, "open": True, "prices": {"a": 1}, "notes": {"x": [1, {"y": "z"}], "n": None},
}  # fmt: skip


def refused(data: Any) -> str:
    with pytest.raises(InputError) as refusal:
        shape.require(Crate, data, code="no-crate")
    assert refusal.value.code == "no-crate"
    return refusal.value.message


def test_what_fits_is_let_through_and_can_be_read() -> None:
    shape.require(Crate, WHOLE, code="no-crate")
    assert decode(Crate, WHOLE).bolts == (Bolt("M8", 8, (0, 2.5)),)
    shape.require(Crate, {"number": 1, "kind": "steel"}, code="no-crate")


def deep(levels: int) -> Any:
    made: Any = 1
    for _ in range(levels):
        made = [made]
    return made


@pytest.mark.parametrize(
    ("change", "place"),
    [
        ({"number": True}, "“number” is not a whole number"),
        ({"number": 1.5}, "“number” is not a whole number"),
        ({"number": 2**63}, "“number” is not a whole number"),
        ({"kind": "glass"}, "“kind” is none of wood, steel"),
        ({"kind": ["wood"]}, "“kind” is none of wood, steel"),
        ({"open": 1}, "“open” is not true or false"),
        ({"tall": "high"}, "“tall” is not a number"),
        ({"tall": float("nan")}, "“tall” is not a number"),
        ({"tall": 10**400}, "“tall” is not a number"),
        ({"tall": False}, "“tall” is not a number"),
        ({"bolts": None}, "“bolts” is no list"),
        ({"bolts": "M8"}, "“bolts” is no list"),
        ({"bolts": [7]}, "“bolts[0]” is no table of names"),
        ({"bolts": [{"name": 8, "mm": 8}]}, "“bolts[0].name” is no text"),
        ({"bolts": [{"name": "M8"}]}, "“bolts[0].mm” is missing"),
        ({"bolts": [{"name": "M8", "mm": 8, "ends": [1]}]}, "“bolts[0].ends” has 1 parts, not 2"),
        ({"bolts": [{"name": "\ud800", "mm": 8}]}, "“bolts[0].name” holds what is no character"),
        ({"bolts": [{"name": "a\0", "mm": 8}]}, "“bolts[0].name” holds what is no character"),
        ({"prices": {"a": "1"}}, "“prices.a” is not a number"),
        ({"prices": [1]}, "“prices” is no table of names"),
        ({"notes": {"x": deep(40)}}, "nested too deeply"),
        ({"notes": {"x": float("inf")}}, "“notes.x” is not a number"),
        ({"notes": {"x": "\udc00"}}, "“notes.x” holds what is no character"),
        ({"colour": "red"}, "It has nothing called “colour”"),
    ],
)
def test_what_does_not_fit_is_refused_by_its_place(change: dict[str, Any], place: str) -> None:
    assert place in refused({**WHOLE, **change})


@pytest.mark.parametrize("data", [None, 3, "crate", [WHOLE], deep(5000)])
def test_what_is_no_record_is_refused(data: Any) -> None:
    assert refused(data) == "It is no table of names."


_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@given(st.sampled_from(sorted(WHOLE)), _json)
def test_whatever_is_let_through_is_read_and_written_again(name: str, value: Any) -> None:
    data = {**WHOLE, name: value}
    try:
        shape.require(Crate, data, code="no-crate")
    except InputError:
        return
    made = encode(decode(Crate, data))
    json.dumps(made, allow_nan=False).encode("utf-8")
    shape.require(Crate, made, code="no-crate")
