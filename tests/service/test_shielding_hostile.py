"""A drawing with anything put anywhere: refused, or kept, shown and assessed without breaking."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from typing import Any

import pytest

from kerma.core import KermaError
from kerma.physics.shielding.plan.products import products
from kerma.service.protection.shielding import drawing, shown, stock, working
from tests.service.test_shielding import SHEET

Path = tuple[Any, ...]
BAD: tuple[Any, ...] = (
    None, True, "", "x", "\ud800", "a\0b", 0, -1, 1e308, 5e-324, float("inf"), float("nan"),
    10**400, [], {}, [[]], {"a": 1}, ["x"], "1", "<b>", "a" * 5000,
)  # fmt: skip
ONE = next(iter(products()))
FULL: dict[str, Any] = {
    "plan": {
        **SHEET["plan"],
        "barriers": [
            *SHEET["plan"]["barriers"],
            {"key": "d1", "name": "Door", "storey": "s1", "kind": "door", "within": "w1",
             "start": [1, 0], "end": [2, 0], "bottom_m": 0.0, "top_m": 2.1,
             "layers": [{"material": "lead", "mm": 1.0, "product": "x", "added": True}]},
        ],
        "slabs": [{"key": "f1", "name": "Floor", "storey": "s1",
                   "layers": [{"material": "concrete", "mm": 200}]}],
        "areas": [{**SHEET["plan"]["areas"][0], "goal": 0.3, "occupancy_why": "Agreed",
                   "designation": "uncontrolled"}],
    },
    "underlays": [], "add": {"w1": "lead"}, "products": [ONE], "prices": {ONE: 3.0},
    "slab_m2": {"f1": 30.0},
}  # fmt: skip


def _paths(data: Any, before: Path = ()) -> Iterator[Path]:
    yield before
    if isinstance(data, dict | list):
        for name in data if isinstance(data, dict) else range(len(data)):
            yield from _paths(data[name], (*before, name))


def _changed(path: Path, value: Any) -> Any:
    data = copy.deepcopy(FULL)
    if not path:
        return value
    at: Any = data
    for name in path[:-1]:
        at = at[name]
    at[path[-1]] = value
    return data


def _use(data: Any) -> bool:
    """Do with a drawing what the pages do; returns whether it was one."""
    try:
        sheet = drawing.read(data)
    except KermaError:
        return False
    text = json.dumps(sheet.as_dict(), allow_nan=False)
    assert drawing.read(json.loads(text)).as_dict() == sheet.as_dict()
    found = working.worked(sheet)
    if found.assessment:
        json.dumps(shown.brief(found.assessment), allow_nan=False).encode()
    shown.barriers(sheet.plan, found.assessment)
    for name, svg in shown.pictures(sheet, found.assessment):
        (name + svg).encode()
    stock.lines(sheet)
    return True


PATHS = list(_paths(FULL))


def test_the_drawing_itself_is_one() -> None:
    assert _use(FULL)
    assert working.worked(drawing.read(FULL)).assessment is not None


@pytest.mark.parametrize("path", PATHS, ids=lambda path: ".".join(map(str, path)) or "all")
def test_anything_anywhere_is_refused_or_holds(path: Path) -> None:
    for value in BAD:
        _use(_changed(path, value))


def test_a_drawing_need_not_be_finished() -> None:
    """Not everything is refused: what is missing is a fault of a drawing that is kept."""
    for path in (("plan", "barriers"), ("plan", "areas", 0, "polygon"), ("plan", "sources")):
        assert _use(_changed(path, [])), path


@pytest.mark.parametrize("name", ["name", "key"])
def test_no_name_is_longer_than_the_register_holds(name: str) -> None:
    assert not _use(_changed(("plan", "areas", 0, name), "a" * 161))
