"""What keeps a drawing from being assessed, each with its message; nothing is changed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from kerma.core import InputError
from kerma.physics.shielding.plan import (
    Fault,
    Layer,
    Plan,
    Slab,
    Storey,
    Use,
    assess,
    faults,
    grid,
    read,
)
from kerma.physics.shielding.plan.faults import require
from tests.physics.shielding.plan.cases import (
    FIRST,
    GROUND,
    area,
    ct,
    kap,
    patients,
    room,
    source,
    wall,
)

Change = Callable[[Plan], Plan]


def _with(name: str, *more: Any) -> Change:
    return lambda plan: replace(plan, **{name: (*getattr(plan, name), *more)})


def _swap(name: str, *things: Any) -> Change:
    return lambda plan: replace(plan, **{name: things})


def _use(use: Use) -> Change:
    return _swap("sources", source("ct", (3, 2.5), use))


def _given(use: Use, **given: Any) -> Use:
    return replace(use, given={**use.given, **given})


BAD: list[tuple[str, Change, str, str]] = [
    ("overlap", _with("barriers", wall("x", (1, 0.0), (5, 0.0), 1)), "x", "lies in Wall n"),
    ("overlap", _with("barriers", wall("x", (1, 0.03), (5, 0.05), 1)), "x", "lies in Wall n"),
    # A stretch no longer than the walls are thick is credited twice like any other.
    ("overlap", _with("barriers", wall("x", (5.88, 0.0), (8, 0.0), 100, "concrete")), "x",
     "lies in Wall n"),
    ("overlap", _with("slabs", Slab("f2", "Second", "u", (Layer("lead", 1),))), "f2", "both"),
    ("outside-wall", _with("barriers", wall("x", (5.5, 0), (6.5, 0), kind="door", within="n",
                                            top_m=2.0)), "x", "does not lie within Wall n"),
    ("outside-wall", _with("barriers", wall("x", (4, 0.3), (5, 0.3), kind="window", within="n",
                                            top_m=2.0)), "x", "does not lie within Wall n"),
    ("no-wall", _with("barriers", wall("x", (4, 0), (5, 0), kind="door")), "x", "no wall"),
    ("no-wall", _with("barriers", wall("x", (4, 0), (5, 0), kind="door", within="d")), "x", "wall"),
    ("no-length", _with("barriers", wall("x", (4, 1), (4, 1))), "x", "has no length"),
    ("no-layers", _with("barriers", replace(wall("x", (4, 1), (4, 2)), layers=())), "x", "made of"),
    ("no-thickness", _with("barriers", wall("x", (4, 1), (4, 2), 0.0)), "x", "any thickness"),
    ("no-height", _with("barriers", wall("x", (4, 1), (4, 2), bottom_m=2.0, top_m=1.0)), "x",
     "no height"),
    ("source-in-barrier", _with("sources", source("x", (2.5, 0.0), ct())), "x", "inside Wall"),
    ("source-in-barrier", _with("sources", source("x", (4.0, 0.049), ct())), "x", "inside Wall n"),
    ("source-outside-storey", _with("sources", source("x", (4, 2), ct(), height_m=3.5)), "x",
     "3.5 m above the floor"),
    ("source-outside-storey", _with("sources", source("x", (4, 2), ct(), height_m=-0.1)), "x",
     "above the floor"),
    ("few-corners", _with("areas", replace(area("x", (0, 6), (1, 7)), polygon=((0, 6), (1, 7)))),
     "x", "three corners"),
    ("crosses-itself", _with("areas", replace(area("x", (0, 6), (1, 7)), polygon=(
        (0, 6), (2, 8), (2, 6), (0, 8)))), "x", "crosses itself"),
    ("crosses-itself", _with("areas", replace(area("x", (0, 6), (1, 7)), polygon=(
        (0, 6), (2, 6), (1, 6)))), "x", "crosses itself"),
    ("no-size", _with("areas", area("x", (0, 6), (0.001, 6.001))), "x", "no size"),
    ("no-place", _with("areas", area("x", (1, -0.2), (5, 0.2))), "x", "no point"),
    ("bad-occupancy", _with("areas", area("x", (0, 6), (1, 7), 0.0)), "x", "at least 0.0001"),
    ("bad-occupancy", _with("areas", area("x", (0, 6), (1, 7), 9e-5)), "x", "9e-05"),
    ("bad-occupancy", _with("areas", area("x", (0, 6), (1, 7), 1.01)), "x", "at most 1"),
    ("bad-goal", _with("areas", area("x", (0, 6), (1, 7), goal=0.0)), "x", "above zero"),
    ("no-goal", _with("areas", area("x", (0, 6), (1, 7), designation="controlled")), "x",
     "State its goal per year"),
    ("no-goal", _with("areas", area("x", (0, 6), (1, 7), designation="supervised")), "x",
     "State its goal per year"),
    ("area-outside-storey", _swap("storeys", GROUND, Storey("u", "First floor", 3.3, 0.4)), "o",
     "0.5 m above the floor"),
    ("use-incomplete", _use(Use("ct_dlp", {"dlp_mgy_cm": 1e5, "kv": 120})), "ct",
     "region and ctdi phantom is missing"),
    ("use-incomplete", _use(Use("kap", {"kv": 85})), "ct", "kerma-area product per year is miss"),
    ("use-incomplete", _use(Use("kap", {"kap_gy_cm2": 5, "direction": [0, 0, -1]})), "ct",
     "tube voltage is missing"),
    ("use-incomplete", _use(kap(direction=[0, 0, 0])), "ct", "direction of the beam is missing"),
    ("use-incomplete", _use(kap(0.0)), "ct", "must be above zero"),
    ("use-incomplete", _use(Use("kap_bins", {"bins": {"80": -1}, "direction": [0, 0, 1]})), "ct",
     "zero or more"),
    ("use-incomplete", _use(Use("kap_bins", {"bins": {"80": 2, "80.0": 1},
                                             "direction": [0, 0, 1]})), "ct",
     "two bins of the histogram"),
    ("use-incomplete", _use(Use("kap_bins", {"bins": {"80": 0}, "direction": [0, 0, 1]})), "ct",
     "is empty"),
    ("use-incomplete", _use(ct(shadow_half_angle_deg=30)), "ct", "direction of the couch"),
    ("other-method", _use(patients("Chest Room", 10)), "ct", "does not belong to the method"),
    ("kv-outside-table", _use(kap(kv=200)), "ct", "200 kV lies outside the tables of concrete"),
    ("kv-outside-table", _use(ct(kv=100)), "ct", "120 to 140 kV"),
    ("unknown-material", _with("barriers", wall("x", (4, 1), (4, 2), 1, "straw")), "x",
     "There are some for: lead, concrete"),
    ("storeys-overlap", _swap("storeys", GROUND, Storey("u", "First floor", 2.5, 3)), "u",
     "inside Ground floor"),
    ("no-sources", _swap("sources"), "", "Place at least one source"),
    ("no-uses", _with("sources", source("x", (4, 2))), "x", "what this source is used for"),
    ("no-areas", _swap("areas"), "", "Draw at least one area"),
    ("which-rule", lambda plan: replace(plan, rule="sum"), "", "no rule for layers"),
]  # fmt: skip
SAID: list[tuple[str, Change, str, str]] = [
    ("partial-height", _with("barriers", wall("x", (4, 1), (4, 2), top_m=2.0)), "x",
     "not credited"),
    ("no-slab", _swap("slabs"), "u", "It counts as air"),
    ("no-credit", _with("barriers", wall("x", (4, 1), (4, 2), 13, "gypsum_wallboard")), "ct",
     "count as air"),
    ("no-credit", _use(Use("dexa", {"scanner": "fan", "hours": 100})), "ct", "counts as air"),
    ("source-in-area", _with("areas", area("x", (1, 1), (5, 4))), "x", "nothing shields"),
]  # fmt: skip


def _the(plan: Plan, code: str, about: str, words: str) -> Fault:
    found = [f for f in faults(plan) if f.code == code and f.about == about and words in f.message]
    assert found, faults(plan)
    return found[0]


def test_a_sound_plan_has_none() -> None:
    assert faults(room()) == ()


@pytest.mark.parametrize(("code", "change", "about", "words"), BAD)
def test_bad_input_is_named_and_blocks(code: str, change: Change, about: str, words: str) -> None:
    plan = change(room())
    before = plan.as_dict()
    held = _the(plan, code, about, words)
    assert held.blocking
    made = assess(plan)
    assert made.blocked
    assert made.adequate is None
    assert made.areas == ()
    with pytest.raises(InputError) as refused:
        require(plan)
    assert refused.value.code == "not-assessable"
    assert held.message in refused.value.message
    assert plan.as_dict() == before  # the drawing is kept as it was
    assert read(before).as_dict() == before


@pytest.mark.parametrize(("code", "change", "about", "words"), SAID)
def test_what_is_left_out_is_said(code: str, change: Change, about: str, words: str) -> None:
    plan = change(room())
    held = _the(plan, code, about, words)
    assert not held.blocking
    made = assess(plan)
    assert not made.blocked
    assert held.message in made.refusals


def test_everything_is_collected_not_the_first_alone() -> None:
    plan = room()
    wanted = {"overlap", "no-length", "source-in-barrier", "bad-occupancy", "unknown-material"}
    for n, code in enumerate(sorted(wanted)):
        change = next(c for held, c, _, _ in BAD if held == code)
        made = change(plan)
        keys = {b.key: f"{b.key}{n}" for b in made.barriers[len(plan.barriers) :]}
        plan = replace(made, barriers=tuple(
            replace(b, key=keys.get(b.key, b.key)) for b in made.barriers))  # fmt: skip
    assert wanted <= {f.code for f in faults(plan)}


def test_every_missing_parameter_is_named() -> None:
    words = [f.message for f in faults(_use(Use("primary", {}))(room()))]
    for title in ("kerma-area product", "tube voltage", "direction", "half angle", "field area"):
        assert any(title in w for w in words), title


@pytest.mark.parametrize("change", [
    _with("barriers", wall("x", (3, -1), (3, 6), 1)),          # crosses two walls
    _with("barriers", wall("x", (0, 5), (0, 9), 100, "concrete")),  # goes on where another ends
    _with("barriers", wall("x", (1, 0.06), (5, 0.06), 1)),      # a lining on the face
    _with("barriers", wall("x", (0, 0), (6, 0), 100, "concrete", storey="u")),  # above it
    _with("barriers", wall("x", (3, 0), (4, 0), kind="door", within="n", top_m=2.1)),  # two doors
])  # fmt: skip
def test_joints_crossings_and_linings_are_fine(change: Change) -> None:
    assert [f for f in faults(change(room())) if f.code == "overlap"] == []


def test_a_wall_drawn_twice_is_refused_and_its_double_credit_with_it() -> None:
    """Negative control: counted twice, the wall would pass far less."""
    plan = _with("barriers", replace(wall("x", (6, 0), (0, 0), 100, "concrete")))(room())
    assert "overlap" in {f.code for f in faults(plan)}


def test_no_slab_is_asked_for_where_nothing_lies_beyond_it() -> None:
    plan = room()
    alone = replace(plan, slabs=(), areas=plan.areas[:1])
    assert faults(alone) == ()
    basement = Storey("b", "Basement", -3.0, 2.8)
    below = replace(
        plan, storeys=(basement, GROUND, FIRST),
        areas=(area("x", (0, 0), (6, 5), storey="b"),),
    )  # fmt: skip
    assert [f.about for f in faults(below)] == ["g"]


def test_a_map_needs_no_areas_and_refuses_the_rest() -> None:
    assert grid(replace(room(), areas=()), "g", [1.0], [4.0]).total.shape == (1, 1)
    with pytest.raises(InputError) as refused:
        grid(replace(room(), sources=()), "g", [1.0], [4.0])
    assert refused.value.code == "not-assessable"
    with pytest.raises(InputError) as refused:
        grid(room(), "x", [1.0], [4.0])
    assert refused.value.code == "unknown-storey"
    for x, height in (([float("nan")], 1.0), ([], 1.0), ([1.0], 4.0)):
        with pytest.raises(InputError) as refused:
            grid(room(), "g", x, [1.0], height)
        assert refused.value.code == "outside-domain"


def test_a_plan_that_cannot_be_understood_is_refused_by_name() -> None:
    data = room().as_dict()
    for change, words in [
        ({"method": "x"}, "no method"), ({"storeys": []}, "at least one storey"),
        ({"schema": 9}, "schema 9"), ({"barriers": [{"key": 1}]}, "no text"),
        ({"sources": [{**data["sources"][0], "uses": [{"kind": "sun", "given": {}}]}]}, "no use"),
    ]:  # fmt: skip
        with pytest.raises(InputError) as refused:
            read({**data, **change})
        assert refused.value.code == "bad-plan"
        assert words in refused.value.message


def test_more_than_can_be_worked_out_at_once_is_said_before_it_is_tried() -> None:
    base = room()
    many = replace(
        base,
        barriers=tuple(wall(f"w{n}", (0, n), (5, n), 1.0) for n in range(60)),
        areas=tuple(area(f"a{n}", (6, n), (7, n + 0.5)) for n in range(60)),
        sources=tuple(source(f"s{n}", (2.0, n + 0.5), kap()) for n in range(30)),
    )
    found = [f for f in faults(many) if f.code == "too-large"]
    assert found
    assert found[0].blocking
    assert assess(many).blocked
    assert not [f for f in faults(base) if f.code == "too-large"]


def test_an_outline_of_a_thousand_corners_is_refused() -> None:
    data = room().as_dict()
    data["areas"][0]["polygon"] = [[float(n), float(n % 2)] for n in range(1000)]
    with pytest.raises(InputError, match="100 corners"):
        read(data)
