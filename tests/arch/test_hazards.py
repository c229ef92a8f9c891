"""The hazard log is whole, and the tests it relies on exist."""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from tests.arch import tree

LOG: list[dict[str, Any]] = yaml.safe_load(
    (tree.ROOT / "safety" / "hazard-log.yaml").read_text(encoding="utf-8")
)["hazards"]
KEYS = {
    "id", "hazard", "cause", "effect", "initial", "control", "tests", "residual", "owner", "status",
}  # fmt: skip
GRADES = ("low", "medium", "high")


def test_every_hazard_is_stated_once_and_in_full() -> None:
    assert [h["id"] for h in LOG] == [f"H{n:02}" for n in range(1, len(LOG) + 1)]
    assert len({h["hazard"] for h in LOG}) == len(LOG)
    assert {h["id"]: KEYS ^ h.keys() for h in LOG if h.keys() != KEYS} == {}


@pytest.mark.parametrize("hazard", LOG, ids=[h["id"] for h in LOG])
def test_every_hazard_is_guarded_by_tests_that_exist(hazard: dict[str, Any]) -> None:
    assert hazard["tests"]
    assert [t for t in hazard["tests"] if t not in tree.names_of_tests()] == []


def test_risks_are_graded_and_no_control_makes_them_worse() -> None:
    for hazard in LOG:
        before, after = hazard["initial"], hazard["residual"]
        for risk in (before, after):
            assert {risk["severity"], risk["likelihood"]} <= set(GRADES), hazard["id"]
        assert GRADES.index(after["likelihood"]) <= GRADES.index(before["likelihood"])
        assert hazard["status"] in ("controlled", "open")
        if hazard["status"] == "open":
            assert after["left"], f"{hazard['id']} is open and does not say what is missing"


def test_a_test_that_is_not_there_would_be_seen() -> None:
    assert "tests/arch/test_hazards.py::test_of_nothing" not in tree.names_of_tests()
    assert (
        "tests/arch/test_hazards.py::test_a_test_that_is_not_there_would_be_seen"
        in tree.names_of_tests()
    )
