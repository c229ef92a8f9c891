"""What is shown of a design never says less than was worked out."""

from __future__ import annotations

import re
from typing import Any

import pytest

from kerma.core import InputError
from kerma.physics.shielding.plan import Layer, assess
from kerma.physics.shielding.plan.need import Needs
from kerma.physics.shielding.plan.schedule import upward
from kerma.service.protection.shielding import drawing, shown, stock_views, words, working
from kerma.service.protection.shielding.picture import picture
from tests.physics.shielding.plan.cases import kap, one_wall
from tests.service.test_shielding import SHEET, with_plan


@pytest.mark.parametrize(
    ("mm", "said"),
    [(1.3341, "1.34"), (1.33, "1.33"), (9.991, "10"), (35.04, "35.1"), (123.44, "123.5"),
     (2000.01, "2000.1")],
)  # fmt: skip
def test_a_required_thickness_is_rounded_up(mm: float, said: str) -> None:
    assert shown.millimetres(mm) == said


@pytest.mark.parametrize(
    ("mm", "said"),
    [(1.33441, "1.335"), (107.04, "107.1"), (0.26504, "0.2651"), (1.335, "1.335"), (0.0, "0")],
)
def test_the_schedule_rounds_up_too(mm: float, said: str) -> None:
    assert upward(mm) == said


def test_a_lead_equivalence_is_rounded_down() -> None:
    assert [shown.worth(v) for v in (1.796, 1.6999999999, 2.347)] == ["1.79", "1.7", "2.34"]


def test_what_is_above_is_never_shown_as_all_that_is_allowed() -> None:
    said = [shown.share(v) for v in (None, 0.5, 1.0, 1.0004, 1.004, 1.006)]
    assert said == ["–", "50 %", "100 %", "more than 100 %", "more than 100 %", "101 %"]


def test_the_schedule_of_the_report_is_what_the_assessment_needs() -> None:
    plan = one_wall("uk", kap(4000.0), gap=2.0, layers=(Layer("gypsum_wallboard", 13.0),),
                    goal=None)  # fmt: skip
    made = assess(plan)
    assert isinstance(made.needs, Needs)
    (need,) = made.needs.barriers
    sheet = drawing.read({"plan": plan.as_dict()})
    (block, *_) = words._schedule(sheet, made.as_dict())
    assert block.table is not None
    added = block.table.rows[0][4]
    assert float(added.split()[0]) >= need.extra_mm
    assert float(added.split()[0]) == pytest.approx(need.extra_mm, abs=0.01)
    assert float(made.schedule[0].add.split()[0]) >= need.extra_mm


def test_every_place_is_in_the_table_of_what_happens_otherwise() -> None:
    areas = [{**SHEET["plan"]["areas"][0], "key": f"a{n}", "name": f"Bay {n}"} for n in range(9)]
    sheet = drawing.read(with_plan(areas=areas))
    found = working.worked(sheet).assessment
    assert found is not None
    held = shown.otherwise(found)
    assert held is not None
    assert [name for name, _ in held.places] == [f"Bay {n}" for n in range(9)]
    assert all(len(cells) == len(held.titles) for _, cells in held.places)
    (block, *_) = words._sensitivity(found)
    assert block.table is not None
    assert [row[0] for row in block.table.rows] == [f"Bay {n}" for n in range(9)]


def test_a_plan_drawn_over_a_picture_without_a_scale_is_not_assessed() -> None:
    laid = {"underlay": 1, "storey": "s1"}
    found = working.worked(drawing.read({**SHEET, "underlays": [laid]}))
    assert found.assessment is None
    assert "has no scale" in found.blocking[0].message
    scaled = {**laid, "metres_per_pixel": 0.01}
    assert working.worked(drawing.read({**SHEET, "underlays": [scaled]})).assessment


def test_names_keep_to_their_place_and_numbers_off_one_another() -> None:
    long = "Corridor of the day-case unit with the waiting bays for the relatives of patients"
    areas: list[Any] = [{**SHEET["plan"]["areas"][0], "name": long}]
    wall = SHEET["plan"]["barriers"][0]
    window = {**wall, "key": "g", "name": "Window", "start": [2.5, 0], "end": [3.5, 0],
              "kind": "window", "within": "w1", "bottom_m": 1.0, "top_m": 2.0}  # fmt: skip
    plan = drawing.read(with_plan(areas=areas, barriers=[wall, window])).plan
    drawn = picture(plan, plan.storeys[0], {"w1": 1, "g": 2}, {})
    assert long not in drawn
    assert ">Corridor of the" in drawn
    numbers = re.findall(r'<circle cx="([\d.]+)" cy="[\d.]+" r="8"', drawn)
    assert abs(float(numbers[0]) - float(numbers[1])) >= 20.0


@pytest.mark.parametrize("text", ["1,250", "12,500", "1,250,000"])
def test_a_price_with_a_comma_that_may_mean_thousands_is_refused(rf: Any, text: str) -> None:
    request = rf.post("/", {"price-x": text})
    with pytest.raises(InputError, match="no number"):
        stock_views._numbers(request, "price-")
    assert stock_views._numbers(rf.post("/", {"price-x": "12,5"}), "price-") == {"x": 12.5}
