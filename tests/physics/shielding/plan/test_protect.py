"""The highest kerma in an area: closed forms, dense search, what is not credited, what is said."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kerma.core import InputError, quantity
from kerma.physics.shielding import Beam, curve
from kerma.physics.shielding.plan import Layer, Plan, Slab, Storey, Use, assess
from kerma.physics.shielding.plan.goals import goal
from kerma.physics.shielding.plan.ground import Ground
from kerma.physics.shielding.plan.places import height_m, may_stand, reference_m, standing
from kerma.physics.shielding.plan.rays import CLOSEST_M, Scene
from tests.physics.shielding.plan.cases import (
    FIRST,
    GROUND,
    area,
    ct,
    department,
    kap,
    moved,
    one_wall,
    patients,
    room,
    source,
    wall,
)

CT = Beam("ct_secondary", kv=120.0)
K_CT = 0.36 * 4e6 / 1000.0


def test_reference_points_are_the_rows() -> None:
    for method in ("ncrp147", "uk"):
        found = [reference_m(method, w)[0] for w in ("wall", "above", "below")]
        assert found == [0.3, 0.5, 1.7]
    plan = room()
    assert height_m(plan, plan.areas[0], plan.sources[0]) == (1.0, "")
    assert height_m(plan, plan.areas[1], plan.sources[0]) == (3.3 + 0.5, "bir/distances")
    up = replace(plan.sources[0], storey="u")
    assert height_m(plan, plan.areas[0], up) == (1.7, "bir/distances")


@pytest.mark.parametrize("mm", [1.0, 200.0])
def test_behind_a_long_wall_the_nearest_point_is_the_worst(mm: float) -> None:
    plan = one_wall("uk", ct(), gap=3.0, layers=(Layer("concrete", mm),), goal=None)
    (found,) = assess(plan).areas
    passed = curve("concrete", CT).transmission(mm)
    assert found.kerma is not None
    assert found.kerma.value == pytest.approx(K_CT * passed / 9.0, rel=1e-9)
    assert found.point == pytest.approx((3.0, 0.0), abs=1e-9)
    (share,) = found.by_source
    assert share.barriers == ("w",)
    assert share.distance_m == pytest.approx(3.0)
    assert share.transmission == pytest.approx(passed)


def test_above_and_below_the_point_over_the_source_is_the_worst() -> None:
    basement = Storey("b", "Basement", -3.2, 3.0)
    plan = replace(
        room("uk", ct()), storeys=(GROUND, FIRST, basement),
        slabs=(Slab("f", "Floor", "u", (Layer("concrete", 150.0),)),
               Slab("g0", "Ground slab", "g", (Layer("concrete", 200.0),))),
        areas=(area("o", (0, 0), (6, 5), storey="u"), area("p", (0, 0), (6, 5), storey="b")),
    )  # fmt: skip
    above, below = assess(plan).areas
    for found, mm, d in ((above, 150.0, 2.8), (below, 200.0, 2.5)):
        passed = curve("concrete", CT).transmission(mm)
        assert found.kerma is not None
        assert found.kerma.value == pytest.approx(K_CT * passed / d**2, rel=1e-6)
        assert found.point == pytest.approx((3.0, 2.5), abs=1e-3)


def test_a_window_above_the_source_is_looked_through() -> None:
    """The source at 1 m, plain glass from 1.3 to 1.9 m in a leaded wall: heads are behind it."""
    glass = wall("v", (2, 0), (4, 0), 6.0, "plate_glass", kind="window", within="n", bottom_m=1.3,
                 top_m=1.9)  # fmt: skip
    use = Use("dental", {"modality": "panoramic", "kap_gy_cm2": 100, "kv": 80})
    plan = replace(room("uk", use), areas=(area("c", (0, -2), (6, 0)),),
                   barriers=(wall("n", (0, 0), (6, 0), 3.0), glass))  # fmt: skip
    (found,) = assess(plan).areas
    passed = curve("plate_glass", Beam("primary", kv=80.0)).transmission(6.0)
    # 0.3 m behind the wall the ray is at the sill when the point is at 1.3 + 0.3 × 0.3 / 2.5 m.
    d2 = 2.8015**2 + (0.3 * 2.8015 / 2.5) ** 2
    assert found.kerma is not None
    assert found.kerma.value == pytest.approx(9.3 * 0.1 * passed / d2, rel=5e-3)
    assert found.by_source[0].barriers == ("v",)
    closed = assess(replace(plan, barriers=plan.barriers[:1])).areas[0].kerma
    assert closed is not None
    assert closed.value < 1e-3 * found.kerma.value


@pytest.mark.parametrize("up", [1.0, -1.0])
def test_scatter_that_rises_or_falls_is_met_at_its_worst_height(up: float) -> None:
    """For a vertical beam the wall formula: (0.031 kV + 2.5) KAP / d², at 116.5°, to 0.4 %."""
    plan = one_wall("uk", kap(direction=[0, 0, up]), gap=1.6, layers=(Layer("lead", 1e-9),),
                    goal=None)  # fmt: skip
    (found,) = assess(plan).areas
    assert found.kerma is not None
    assert found.kerma.value == pytest.approx((0.031 * 85 + 2.5) * 0.5 / 1.6**2, rel=4e-3)


def test_a_slit_between_two_walls_is_found() -> None:
    """1 mm between two leaded walls, far from every grid line."""
    plan = replace(
        room("uk", ct()), areas=(area("c", (0, -2), (6, 0)),),
        barriers=(wall("a", (0, 0), (4.3713, 0), 3.0), wall("b", (4.3723, 0), (6, 0), 3.0)),
    )  # fmt: skip
    (found,) = assess(plan).areas
    assert found.by_source[0].barriers == ()
    assert found.ratio is not None
    assert found.ratio > 100.0


def _dense(ground: Ground, n: int = 130) -> float:
    scene = ground.scene
    heights = {
        key: z if len(z) == 1 else np.append(np.linspace(0.0, 2.1, 29), ground.own[key])
        for key, z in ground.fine.items()
    }
    corners = np.asarray(ground.area.polygon)
    low, high = corners.min(axis=0), corners.max(axis=0)
    gx, gy = np.meshgrid(np.linspace(low[0], high[0], n), np.linspace(low[1], high[1], n))
    xy = np.column_stack([gx.ravel(), gy.ravel()])
    xy = xy[may_stand(scene.plan, ground.area, xy)]
    seen = ground.seen(xy, heights)
    total = ground.kerma(seen, scene.judged)
    for one in seen:
        total[(one.distance < CLOSEST_M).any(axis=1)] = -1.0
    return float(total.max())


def _any_plan(seed: int) -> Plan:
    rng = np.random.default_rng(seed)
    walls = [
        wall(f"w{i}", tuple(rng.uniform(0, 8, 2)), tuple(rng.uniform(0, 8, 2)),
             *((1.0, "lead") if i % 2 else (100.0, "concrete")))
        for i in range(6)
    ]  # fmt: skip
    shape = ((1.0, 9.0), (7.0, 8.2), (8.0, 12.0), (4.5, 10.0), (2.0, 13.0))
    return Plan(
        "uk", (GROUND, FIRST), tuple(walls), areas=(
            replace(area("a", (0, 0), (1, 1)), polygon=shape),
            area("u", (1, 1), (7, 6), storey="u"),
        ),
        sources=(source("s", tuple(rng.uniform(1, 7, 2)), ct()),
                 source("t", tuple(rng.uniform(1, 7, 2)), kap(2e5, direction=[1, 0.5, -0.4]))),
    )  # fmt: skip


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 10_000))
def test_no_dense_search_finds_more(seed: int) -> None:
    plan = _any_plan(seed)
    scene = Scene(plan)
    for one in plan.areas:
        ground = Ground(scene, one)
        held = ground.worst(scene.judged)
        assert held is not None
        assert held.known
        assert may_stand(plan, one, np.array([held.point]))[0]
        assert held.kerma >= _dense(ground) * (1 - 1e-3)


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 10_000))
def test_nothing_nearer_than_the_rules_is_looked_at(seed: int) -> None:
    plan = _any_plan(seed)
    for one in plan.areas:
        xy = standing(plan, one)
        assert may_stand(plan, one, xy).all()
        for barrier in (b for b in plan.barriers if b.storey == one.storey):
            a, b = np.asarray(barrier.start), np.asarray(barrier.end)
            part = np.clip((xy - a) @ (b - a) / float((b - a) @ (b - a)), 0, 1)
            gap = np.hypot(*(xy - a - part[:, None] * (b - a)).T)
            assert gap.min() >= 0.3 + barrier.layers[0].mm / 2000.0 - 1e-6


@settings(max_examples=15, deadline=None)
@given(turn=st.floats(0, 360), dx=st.floats(-20, 20), flip=st.booleans())
def test_findings_do_not_depend_on_where_a_plan_is_drawn(
    turn: float, dx: float, flip: bool
) -> None:
    plan = room()
    c, s = math.cos(math.radians(turn)), math.sin(math.radians(turn))

    def way(x: float, y: float) -> tuple[float, float]:
        y = -y if flip else y
        return c * x - s * y + dx, s * x + c * y - dx

    before = [f.ratio for f in assess(plan).areas]
    after = [f.ratio for f in assess(moved(plan, way)).areas]
    assert after == pytest.approx(before, rel=2e-4)


def test_order_and_halves_change_no_finding() -> None:
    plan = department(3, 8, areas=4)
    before = {f.key: f.ratio for f in assess(plan).areas}
    turned = replace(plan, barriers=plan.barriers[::-1], areas=plan.areas[::-1],
                     sources=plan.sources[::-1])  # fmt: skip
    assert {f.key: f.ratio for f in assess(turned).areas} == pytest.approx(before, rel=1e-9)
    double = replace(plan, sources=tuple(
        replace(s, key=f"{s.key}{n}", uses=tuple(
            replace(u, given={**u.given, **{k: u.given[k] / 2 for k in ("kap_gy_cm2", "dlp_mgy_cm")
                                            if k in u.given}}) for u in s.uses))
        for s in plan.sources for n in (1, 2)))  # fmt: skip
    assert {f.key: f.ratio for f in assess(double).areas} == pytest.approx(before, rel=1e-9)


def test_units_of_a_goal_and_goals_of_the_methods() -> None:
    for method, designation, value, name in [
        ("ncrp147", "controlled", 0.1, "ncrp147/design_goals/controlled"),
        ("ncrp147", "uncontrolled", 0.02, "ncrp147/design_goals/uncontrolled"),
        ("uk", "uncontrolled", 0.3, "bir/design_criterion/dose-constraint-for-public-and-for-"
                                    "staff-not-working-with"),
    ]:  # fmt: skip
        found, row = goal(method, area("a", (0, 0), (1, 1), designation=designation))
        assert (found.to("mGy").value, row) == (value, name)
    own, row = goal("uk", area("a", (0, 0), (1, 1), designation="controlled", goal=1.2))
    assert (own, row) == (quantity(1.2, "mGy"), "")
    with pytest.raises(InputError):
        goal("uk", area("a", (0, 0), (1, 1), designation="controlled"))


def test_allowed_is_goal_over_occupancy() -> None:
    plan = one_wall("ncrp147", patients("Chest Room", 100), gap=3.0,
                    layers=(Layer("lead", 1.0),), goal=None, occupancy=0.05)  # fmt: skip
    (found,) = assess(plan).areas
    assert found.allowed.value == pytest.approx(0.02 / 0.05)
    assert found.ratio == pytest.approx(found.kerma.value / 0.4)  # type: ignore[union-attr]


SCREEN = wall("p", (1, 1), (5, 1), 2.0, kind="screen", top_m=2.0)


def test_a_partial_screen_gets_no_credit_and_is_never_passed_over_in_silence() -> None:
    plan = replace(room("uk", ct(2e5)), barriers=(SCREEN,), areas=(area("c", (2, -2), (4, 0)),))
    (found,) = assess(plan).areas
    bare = 0.36 * 2e5 / 1000.0 / 2.5**2
    behind = bare * curve("lead", CT).transmission(2.0)
    assert found.kerma is not None
    assert found.direct is not None
    assert found.kerma.value == pytest.approx(bare, rel=1e-3)
    assert found.direct.value == pytest.approx(behind, rel=1e-3)
    assert behind < found.allowed.value < bare
    assert found.adequate is False
    assert "not credited" in found.why
    assert found.calculation is not None
    assert "bir/scatter_from_kap/tertiary_scatter" in {s.row for s in found.calculation.sources}
    made = assess(plan)
    assert made.needs is not None
    assert [i.area for i in made.needs.impossible] == ["c"]
    assert made.needs.barriers == ()
    assert "from floor to slab" in made.needs.impossible[0].message
    whole = replace(plan, barriers=(replace(SCREEN, top_m=None),))
    full = assess(whole).areas[0]
    assert full.adequate is True
    assert "credited" not in full.why
    assert assess(replace(plan, barriers=(replace(SCREEN, bottom_m=0.1, top_m=None),))).areas[
        0].adequate is False  # fmt: skip


def test_a_window_in_a_partial_screen_is_not_credited_either() -> None:
    window = wall("q", (2, 1), (4, 1), 2.0, kind="window", within="p", bottom_m=0.8, top_m=1.8)
    plan = replace(room("uk", ct(2e5)), barriers=(SCREEN, window),
                   areas=(area("c", (2, -2), (4, 0)),))  # fmt: skip
    (found,) = assess(plan).areas
    assert found.kerma is not None
    assert found.kerma.value == pytest.approx(0.36 * 2e5 / 1000 / 2.5**2, rel=1e-3)
    assert "q" in found.why or "Wall q" in found.why


def test_the_working_can_be_checked_by_hand() -> None:
    made = assess(room()).areas[0].calculation
    assert made is not None
    text = made.text()
    for words in ("through Wall n (100 mm concrete)", "d = 2.85 m", "K = s g DLP", "P / T = 0.3"):
        assert words in text
    rows = {s.row for s in made.sources}
    assert {"bir/ct/body", "bir/distances", "archer/ncrp147-A.1-primary-85-concrete"} <= rows
    assert any("height of the source" in a for a in made.assumptions)


def test_the_same_bits_again_and_plain_data() -> None:
    import json

    plan = room()
    first, again = assess(plan), assess(plan)
    assert first.sha256 == again.sha256
    data = json.loads(json.dumps(first.as_dict()))
    assert data["areas"][0]["calculation"]["package"]
    assert {"faults", "areas", "needs", "sensitivity", "schedule", "sources"} <= data.keys()
    other = replace(plan, areas=(replace(plan.areas[0], occupancy=0.2), plan.areas[1]))
    assert assess(other).sha256 != first.sha256


def test_sources_assumptions_and_refusals_are_brought_together() -> None:
    made = assess(room())
    rows = [s.row for s in made.sources]
    assert rows == sorted(set(rows))
    assert "ncrp147/reference_points/wall_shielding_height" in rows
    assert made.recalled == tuple(s.row for s in made.sources if s.confidence == "recalled")
    assert made.assumptions
    assert made.limits
    assert made.refusals == ()
    assert made.adequate is False


def test_an_area_with_a_source_in_it_is_judged_beside_the_source() -> None:
    plan = replace(room(), areas=(area("x", (1, 1), (5, 4)),))
    made = assess(plan)
    (found,) = made.areas
    assert found.adequate is False
    assert found.by_source[0].distance_m >= CLOSEST_M
    assert made.needs is not None
    assert made.needs.impossible
