"""Kerma in three dimensions: against one ray at a time, closed forms, invariances."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kerma.core import quantity
from kerma.physics.shielding import Beam, PlanBarrier, PlanSource, curve, kerma_map
from kerma.physics.shielding.angular import angle_between, scatter_factor
from kerma.physics.shielding.layers import layered_log
from kerma.physics.shielding.plan import (
    Barrier,
    Layer,
    Plan,
    Slab,
    Storey,
    grid,
)
from kerma.physics.shielding.plan.rays import Scene, crossed, crossed_plainly, kerma_at, patterns
from kerma.physics.shielding.plan.structure import heights, span_in
from tests.physics.shielding.plan.cases import (
    FIRST,
    GROUND,
    ct,
    department,
    kap,
    moved,
    room,
    source,
    wall,
)

Triple = tuple[float, float, float]
PRIMARY, SCATTER = Beam("primary", kv=85.0), Beam("ct_secondary", kv=120.0)


def _hit(a: Triple, b: Triple, plan: Plan, barrier: Barrier) -> bool:
    """One ray against one upright rectangle, by solving for the way along both lines."""
    line = next(w for w in plan.barriers if w.key == (barrier.within or barrier.key))
    (x1, y1), (x2, y2) = line.start, line.end
    m = np.array([[b[0] - a[0], x1 - x2], [b[1] - a[1], y1 - y2]])
    if abs(np.linalg.det(m)) < 1e-12:
        return False
    t, s = np.linalg.solve(m, np.array([x1 - a[0], y1 - a[1]]))
    z = a[2] + t * (b[2] - a[2])

    def within(one: Barrier) -> bool:
        low, high = heights(plan, one)
        s0, s1 = span_in(line, one)
        return s0 <= s <= s1 and low <= z <= high

    cut = any(within(o) for o in plan.barriers if o.within == barrier.key)
    return 0.0 < t < 1.0 and within(barrier) and not cut


def _brute(plan: Plan, point: Triple) -> float:
    """The kerma of every emission at one point, one barrier at a time."""
    total = 0.0
    scene = Scene(plan)
    for emission in scene.emissions:
        origin = scene.positions[emission.source]
        away = np.array(point) - np.array(origin)
        assert emission.beam is not None
        factor = 1.0 / float(away @ away)
        if emission.angular:
            axis, kv = emission.angular
            theta = angle_between(axis, away)
            factor *= float(scatter_factor(theta, kv)) / float(scatter_factor(90.0, kv))
        crossed = [b for b in plan.barriers if _hit(origin, point, plan, b)]
        layers = [v for b in crossed for v in b.layers]
        for slab in plan.slabs:
            z = plan.storey(slab.storey).floor_m
            if min(origin[2], point[2]) < z < max(origin[2], point[2]):
                layers += slab.layers
        curves = [curve(v.material, emission.beam) for v in layers]
        passed = math.exp(layered_log(curves, [v.mm for v in layers])) if layers else 1.0
        total += emission.mgy_1m * factor * passed
    return total


def _random(seed: int) -> Plan:
    """Walls anywhere with a window in the first, two storeys, a screen."""
    rng = np.random.default_rng(seed)
    barriers = [
        wall(f"w{i}", tuple(rng.uniform(0, 10, 2)), tuple(rng.uniform(0, 10, 2)),
             *((1.0, "lead") if i % 2 else (80.0, "concrete")), storey="gu"[i % 2])
        for i in range(7)
    ]  # fmt: skip
    first = barriers[0]
    a, b = np.array(first.start), np.array(first.end)
    barriers.append(wall("v", tuple(a + 0.2 * (b - a)), tuple(a + 0.7 * (b - a)), 0.5,
                         kind="window", within="w0", bottom_m=0.8, top_m=1.9))  # fmt: skip
    barriers.append(wall("p", (1, 4), (9, 5), 0.7, top_m=1.6))
    return Plan(
        "uk", (GROUND, FIRST, Storey("t", "Top", 6.6, 3.0)), tuple(barriers),
        (Slab("f", "Floor", "u", (Layer("concrete", 120.0),)), Slab("t", "Roof", "t", (
            Layer("concrete", 90.0),))),
        sources=(source("a", (3.1, 2.2), ct(), kap()), source("b", (7.3, 6.1), kap(direction=[
            1, 0.3, 0.1]), storey="u", height_m=1.4)),
    )  # fmt: skip


@pytest.mark.parametrize("seed", range(4))
def test_many_rays_agree_with_one_at_a_time(seed: int) -> None:
    plan = _random(seed)
    rng = np.random.default_rng(seed + 100)
    points = rng.uniform((0, 0, 0.2), (10, 10, 9), (150, 3))
    found = kerma_at(Scene(plan), points)
    for point, kerma in zip(points, found, strict=True):
        assert kerma == pytest.approx(_brute(plan, tuple(point)), rel=1e-9)


def test_a_map_in_one_plane_agrees_with_the_plane_calculation() -> None:
    """The same plan by `kerma.physics.shielding.kerma_map`, whose sources radiate evenly."""
    plan = department(4, 9)
    plan = replace(plan, barriers=tuple(b for b in plan.barriers if not b.within),
                   sources=tuple(replace(s, uses=(ct(1e6 + n),))
                                 for n, s in enumerate(plan.sources)))  # fmt: skip
    x, y = np.linspace(-1, 13, 30), np.linspace(-2, 8, 25)
    made = grid(plan, "g", x, y)
    scene = Scene(plan)
    flat = kerma_map(
        [PlanSource(s.key, s.position, e.kerma_1m, SCATTER)
         for s, e in zip(plan.sources, scene.emissions, strict=True)],
        [PlanBarrier(b.key, b.start, b.end, b.layers[0].material, quantity(b.layers[0].mm, "mm"))
         for b in plan.barriers], x=x, y=y,
    )  # fmt: skip
    assert made.total == pytest.approx(flat.kerma, rel=1e-12, nan_ok=True)
    for n, s in enumerate(plan.sources):
        assert made.by_source[s.key] == pytest.approx(flat.by_source[n], rel=1e-12, nan_ok=True)


def _at(plan: Plan, *points: Triple) -> list[float]:
    return [float(v) for v in kerma_at(Scene(plan), points)]


def test_an_opening_replaces_its_wall_over_its_span_and_height() -> None:
    plan = room("uk", ct())
    k = 0.36 * 4e6 / 1000.0
    lead, concrete = (curve("lead", SCATTER).transmission(1.8),
                      curve("concrete", SCATTER).transmission(100.0))  # fmt: skip
    # From (3, 2.5, 1) through (2.5, 0) at 1 m and, over the door, at 2.5 m.
    through, over = (2.4, -0.5, 1.0), (2.4, -0.5, 2.8)
    beside = (4.0, -0.5, 1.0)
    for point, passed in ((through, lead), (over, concrete), (beside, concrete)):
        d2 = sum((p - q) ** 2 for p, q in zip(point, (3, 2.5, 1.0), strict=True))
        assert _at(plan, point)[0] == pytest.approx(k * passed / d2, rel=1e-9)


def test_slabs_are_crossed_when_a_ray_passes_their_level() -> None:
    plan = room("uk", ct())
    k = 0.36 * 4e6 / 1000.0
    once = curve("concrete", SCATTER).transmission(150.0)
    assert _at(plan, (3, 2.5, 3.8))[0] == pytest.approx(k * once / 2.8**2, rel=1e-9)
    assert _at(plan, (3, 2.5, 2.9))[0] == pytest.approx(k / 1.9**2, rel=1e-9)


def test_scatter_by_kap_follows_the_angle_in_three_dimensions() -> None:
    """Above an undercouch tube's patient is forward, below is backscatter."""
    plan = replace(room("uk", kap(direction=[0, 0, 1])), slabs=(), barriers=())
    for point, theta in (((3, 2.5, 2.5), 0.0), ((3, 2.5, -1.0), 180.0), ((4, 2.5, 1.0), 90.0),
                         ((4, 2.5, 2.0), 45.0)):  # fmt: skip
        d2 = sum((p - q) ** 2 for p, q in zip(point, (3, 2.5, 1.0), strict=True))
        s = float(scatter_factor(theta, 85.0))
        assert _at(plan, point)[0] == pytest.approx(s * 500 / 1000.0 / d2, rel=1e-6)


def test_the_wall_of_a_vertical_beam_has_the_wall_formula() -> None:
    """Along an upright wall 2 m away the highest kerma is (0.031 kV + 2.5) KAP / 2² to 0.4 %."""
    plan = replace(room("uk", kap()), slabs=(), barriers=(), storeys=(GROUND, FIRST))
    z = np.linspace(-3.0, 5.0, 4001)
    line = np.column_stack([np.full(z.shape, 5.0), np.full(z.shape, 2.5), z])
    highest = float(kerma_at(Scene(plan), line).max())
    assert highest == pytest.approx((0.031 * 85 + 2.5) * 500 / 4 / 1000, rel=4e-3)


def test_layers_of_one_material_in_one_barrier_are_one() -> None:
    whole = replace(room("uk", ct()), barriers=(wall("n", (0, 0), (6, 0), 2.0),))
    split = replace(whole, barriers=(replace(whole.barriers[0], layers=(
        Layer("lead", 1.5), Layer("lead", 0.5, added=True))),))  # fmt: skip
    point = (4.0, -0.5, 1.0)
    assert _at(whole, point) == _at(split, point)


def test_rules_of_layers() -> None:
    plan = replace(room("uk", ct()), barriers=(
        replace(wall("n", (0, 0), (6, 0)), layers=(Layer("lead", 1.0), Layer("concrete", 80.0))),
    ))  # fmt: skip
    point = (4.0, -0.5, 1.0)
    lead, concrete = curve("lead", SCATTER), curve("concrete", SCATTER)
    bare = _at(replace(plan, barriers=()), point)[0]
    hard = _at(plan, point)[0] / bare
    product = _at(replace(plan, rule="product"), point)[0] / bare
    assert hard == pytest.approx(math.exp(layered_log([lead, concrete], [1.0, 80.0])), rel=1e-9)
    assert product == pytest.approx(
        lead.transmission(1.0) * concrete.transmission(80.0), rel=1e-9
    )  # fmt: skip
    assert product < hard


def test_too_near_a_source_nothing_is_stated() -> None:
    made = grid(room(), "g", [3.0, 3.05, 4.0], [2.5], 1.0)
    assert np.isnan(made.total[0, :2]).all()
    assert np.isfinite(made.total[0, 2])


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 1000), level=st.booleans())
def test_compiled_rays_are_those_of_the_reference(seed: int, level: bool) -> None:
    """Bit for bit, also along walls, through their ends and in the source's own plane."""
    built = Scene(_random(seed % 50)).structure
    rng = np.random.default_rng(seed)
    origin = rng.uniform((0, 0, 0), (10, 10, 3))
    points = rng.uniform((0, 0, 0.2), (10, 10, 9), (400, 3))
    ends = [p for panel in built.panels for p in (panel.start, panel.end)]
    for n, (x, y) in enumerate(ends):
        points[n, :2] = origin[:2] + 2.0 * (np.array([x, y]) - origin[:2])
        points[50 + n, :2] = (x, y)
    if level:
        points[:, 2] = origin[2]
    found = crossed(built, tuple(origin), points)
    assert found.any()
    assert (found == crossed_plainly(built, tuple(origin), points)).all()


def test_patterns_are_the_rows_they_were_made_of() -> None:
    rng = np.random.default_rng(5)
    hits = rng.random((300, 61)) < 0.05
    rows, index = patterns(hits)
    assert (rows[index] == hits).all()
    assert len(np.unique(rows, axis=0)) == len(rows)


POINTS = [(1.3, -0.7, 1.0), (4.4, 6.2, 1.2), (8.0, 2.0, 0.4), (2.0, 2.0, 3.9)]


@settings(max_examples=40, deadline=None)
@given(turn=st.floats(0, 360), dx=st.floats(-50, 50), dy=st.floats(-50, 50), flip=st.booleans())
def test_moving_turning_and_mirroring_a_plan_changes_nothing(
    turn: float, dx: float, dy: float, flip: bool
) -> None:
    plan = room("uk", ct(axis_deg=20.0, shadow_half_angle_deg=25.0), kap(direction=[1, 0.4, -0.3]))
    c, s = math.cos(math.radians(turn)), math.sin(math.radians(turn))

    def way(x: float, y: float) -> tuple[float, float]:
        y = -y if flip else y
        return c * x - s * y + dx, s * x + c * y + dy

    before = _at(plan, *POINTS)
    after = _at(moved(plan, way), *[(*way(x, y), z) for x, y, z in POINTS])
    assert after == pytest.approx(before, rel=1e-7)


def test_order_of_things_and_halves_of_a_source_change_nothing() -> None:
    plan = room()
    turned = replace(plan, barriers=plan.barriers[::-1], slabs=plan.slabs[::-1])
    assert _at(turned, *POINTS) == pytest.approx(_at(plan, *POINTS), rel=1e-12)
    one = plan.sources[0]
    half = replace(one, uses=(ct(2e6), kap(250.0)))
    halves = replace(plan, sources=(half, replace(half, key="other")))
    assert _at(halves, *POINTS) == pytest.approx(_at(plan, *POINTS), rel=1e-12)
    backwards = tuple(replace(b, start=b.end, end=b.start) for b in plan.barriers)
    assert _at(replace(plan, barriers=backwards), *POINTS) == pytest.approx(
        _at(plan, *POINTS), rel=1e-12
    )  # fmt: skip


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 30), n=st.integers(0, 8), mm=st.floats(0.01, 300),
    material=st.sampled_from(["lead", "concrete", "gypsum_wallboard", "wood", "steel"]),
    rule=st.sampled_from(["hardened", "product"]),
)  # fmt: skip
def test_more_shielding_never_raises_kerma(
    seed: int, n: int, mm: float, material: str, rule: str
) -> None:
    plan = replace(_random(seed), rule=rule)
    barriers = list(plan.barriers)
    barriers[n] = replace(barriers[n], layers=(*barriers[n].layers, Layer(material, mm)))
    points = np.random.default_rng(seed).uniform((0, 0, 0.2), (10, 10, 9), (60, 3))
    before = kerma_at(Scene(plan), points)
    after = kerma_at(Scene(replace(plan, barriers=tuple(barriers))), points)
    assert (after <= before * (1 + 1e-12)).all()


def test_a_map_of_ten_sources_and_twenty_barriers_takes_well_under_a_second() -> None:
    import time

    plan = department(10, 20)
    x, y = np.linspace(-2, 38, 200), np.linspace(-3, 9, 200)
    grid(plan, "g", x[:2], y[:2])
    started = time.process_time()
    made = grid(plan, "g", x, y)
    assert time.process_time() - started < 1.0
    assert made.total.shape == (200, 200)
