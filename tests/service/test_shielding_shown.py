"""What is shown of a design never says less than was worked out."""

from __future__ import annotations

import base64
import re
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from kerma.core import InputError
from kerma.physics.shielding.plan import Layer, assess, grid
from kerma.physics.shielding.plan.need import Needs
from kerma.physics.shielding.plan.products import products
from kerma.physics.shielding.plan.schedule import upward
from kerma.service.protection.shielding import (
    drawing,
    shown,
    stock,
    stock_views,
    words,
    working,
)
from kerma.service.protection.shielding.offered import occupancies
from kerma.service.protection.shielding.picture import STEPS, coloured, extent, picture
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
    said = [shown.share(v) for v in (None, 0.0, 0.003, 0.5, 1.0, 1.0004, 1.004, 1.006)]
    assert said == [
        "–",
        "0 %",
        "below 1 %",
        "50 %",
        "100 %",
        "more than 100 %",
        "more than 100 %",
        "101 %",
    ]


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


def test_the_report_says_what_reaches_a_place_before_and_after() -> None:
    plan = one_wall("uk", kap(4000.0), gap=2.0, layers=(Layer("gypsum_wallboard", 13.0),),
                    goal=None)  # fmt: skip
    made = assess(plan)
    assert made.areas[0].kerma is not None
    (place, *_) = words._places(drawing.read({"plan": plan.as_dict()}), made.as_dict())
    assert place.table is not None
    titles = [c.head for c in place.table.columns]
    row = dict(zip(titles, place.table.rows[0], strict=True))
    drawn = row["Highest kerma as drawn, mGy per year"]
    assert float(drawn) == pytest.approx(made.areas[0].kerma.value, rel=5e-3)
    assert row["With what is added, mGy per year"] == row["Allowed, mGy per year"] != drawn
    enough = assess(one_wall("uk", kap(1.0), gap=5.0, layers=(Layer("lead", 2.0),), goal=None))
    (place, *_) = words._places(drawing.read({"plan": enough.plan.as_dict()}), enough.as_dict())
    assert place.table is not None
    assert not [c for c in place.table.columns if "added" in c.head]


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


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (0.33861, "0.339"),
        (0.0441239, "0.0441"),
        (2.4, "2.4"),
        (0.0, "0"),
        (1234.5, "1230"),
        (3.2217e-4, "3.22 × 10⁻⁴"),
        (1e-13, "1.00 × 10⁻¹³"),
        (0.0009999, "1.00 × 10⁻³"),
        (123456.0, "1.23 × 10⁵"),
    ],
)
def test_a_kerma_has_three_figures(value: float, said: str) -> None:
    assert shown.figures(value) == said


@pytest.mark.parametrize(
    ("value", "said"),
    [(3_300_000.0, "3 300 000"), (85.0, "85"), (0.125, "0.125"), (1234.5, "1 234.5")],
)  # fmt: skip
def test_what_was_given_is_shown_as_it_was_given(value: float, said: str) -> None:
    assert shown.grouped(value).replace("\u202f", " ") == said


def test_layers_are_named_as_they_stand() -> None:
    sheet = (Layer("concrete", 100.0), Layer("lead", 0.85, product="Code 3"), Layer("steel", 0.0))
    assert shown.layers_said(sheet) == "100 mm concrete, 0.85 mm lead (Code 3)"
    assert shown.layers_said(()) == ""


def test_what_the_design_adds_is_for_the_builder_even_where_it_is_enough() -> None:
    layers = (Layer("gypsum_wallboard", 13.0), Layer("lead", 2.5, "Code 6", added=True))
    plan = one_wall("uk", kap(400.0), gap=2.0, layers=layers, goal=None)
    spare = replace(
        plan.barriers[0], key="spare", name="Spare", start=(-90.0, 60.0), end=(-80.0, 60.0)
    )
    plan = replace(plan, barriers=(*plan.barriers, spare))
    made = assess(plan)
    assert made.adequate
    found = made.as_dict()
    sheet = drawing.read({"plan": plan.as_dict()})
    (block, notes, *_) = words._schedule(sheet, found)
    assert block.table is not None
    wall, other = block.table.rows
    assert wall[3:5] == ("13 mm gypsum wallboard", "2.5 mm Code 6")
    assert other[4] == "2.5 mm Code 6"
    assert any("Not judged" in p and "Spare" in p for p in notes.points)
    assert "scheduled to be added" in words._statement(found)
    first, last = shown.barriers(plan, found)
    assert (first.layers, first.planned, first.judged) == (
        "13 mm gypsum wallboard", "2.5 mm lead (Code 6)", True)  # fmt: skip
    assert not last.judged
    assert shown.needed(plan, found) == {plan.barriers[0].key, "spare"}
    assert shown.brief(found)["unjudged"] == ["spare"]


def test_what_a_use_is_taken_to_do_is_said_with_its_units() -> None:
    said = words.given_said(kap(500.0, kv=85.0))
    assert "kerma-area product per year 500 Gy cm²" in said.replace("\u202f", " ").replace(
        "\xa0", " "
    )
    assert "tube voltage 85 kV" in said.replace("\xa0", " ")
    assert words.given_said(kap(1200.0, kv=110.0)) != said


# The map and the plan as pictures -----------------------------------------------------------------


def test_each_step_of_the_map_has_its_colour_and_too_near_the_last() -> None:
    edges = [v for v, _ in STEPS]
    kerma = np.array([[0.0, *edges, np.nan], [edges[0] * 0.999, *(v * 1.001 for v in edges), 1e9]])
    drawn = coloured(kerma)
    wanted = [(0, 0, 0, 0), *((*bytes.fromhex(c[1:]), 255) for _, c in STEPS)]
    assert [tuple(p) for p in drawn[0, :-1]] == wanted
    assert [tuple(p) for p in drawn[1, :-1]] == wanted
    assert tuple(drawn[0, -1]) == tuple(drawn[1, -1]) == wanted[-1]
    assert tuple(coloured(np.array([[0.5]]))[0, 0]) == wanted[6]


def test_the_map_the_page_is_sent_is_the_kerma_of_the_library() -> None:
    sheet = drawing.read(SHEET)
    sent = working.mapped(sheet, "s1", (0.0, -3.0, 6.0, -1.0), 1.0)
    values = np.frombuffer(base64.b64decode(sent["kerma"]), "<f4")
    values = values.reshape(sent["rows"], sent["columns"])
    for row, column in ((0, 0), (sent["rows"] - 1, sent["columns"] // 2)):
        x, y = (sent[k] + (n + 0.5) * sent["step"] for k, n in (("x", column), ("y", row)))
        there = grid(sheet.plan, "s1", np.array([x]), np.array([y]), 1.0).total[0, 0]
        assert values[row, column] == pytest.approx(there, rel=1e-6)
    assert values[-1, sent["columns"] // 2] > values[0, 0], "nearer to the source"


def test_each_storey_has_its_own_picture() -> None:
    upper = {"key": "s2", "name": "First floor", "floor_m": 3.3, "height_m": 3.0}
    ward = {**SHEET["plan"]["areas"][0], "key": "a2", "name": "Ward", "storey": "s2"}
    sheet = drawing.read(with_plan(
        storeys=[*SHEET["plan"]["storeys"], upper], areas=[*SHEET["plan"]["areas"], ward],
    ))  # fmt: skip
    (first, above), (ground, below) = shown.pictures(sheet, None)
    assert (first, ground) == ("First floor", "Ground floor")
    assert ("Ward" in above, "Ward" in below) == (True, False)
    assert ("Office" in above, "Office" in below) == (False, True)
    assert [name for name, _ in shown.pictures(sheet, None, only={"s1"})] == ["Ground floor"]


def test_a_picture_is_as_large_as_what_is_on_it() -> None:
    plan = drawing.read(SHEET).plan
    left, top, right, bottom = extent(plan, "s1") or (0.0, 0.0, 0.0, 0.0)
    assert (left < 0.0, top < -3.0, right > 6.0, bottom > 2.0) == (True,) * 4
    assert right - left == pytest.approx(bottom - top + 1.0), "6 m by 5 m, and the same margins"
    assert extent(plan, "attic") is None


# Choices ------------------------------------------------------------------------------------------


def test_the_occupancies_offered_are_those_of_the_method() -> None:
    assert {"1", "0.5"} <= {o["t"] for o in occupancies("ncrp147")}
    assert "0.2-0.5" in {o["t"] for o in occupancies("uk")}
    assert all(o["areas"] for method in ("uk", "ncrp147") for o in occupancies(method))


def test_windows_are_offered_what_is_seen_through_and_nothing_else_is() -> None:
    held = {key: products()[key] for key in ("lead-code-3", "plate-glass-1-4-inch")}
    offered = stock.by_kind(held)
    assert [p.key for p in offered["window"]] == ["plate-glass-1-4-inch"]
    assert all([p.key for p in offered[kind]] == ["lead-code-3"] for kind in ("wall", "door"))
    assert stock.by_kind({})["wall"] == []
