"""What is narrow is not missed: low windows, thin beams, edges of shadows."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from kerma.physics.shielding import Beam, curve
from kerma.physics.shielding.plan import Area, Layer, Plan, Slab, Storey, Use, assess
from kerma.physics.shielding.plan.ground import Ground
from kerma.physics.shielding.plan.levels import heights_of_steps
from kerma.physics.shielding.plan.need import with_extras
from kerma.physics.shielding.plan.rays import Scene
from kerma.physics.shielding.plan.structure import structure
from tests.physics.shielding.plan.cases import FIRST, GROUND, area, ct, source, wall

CT = Beam("ct_secondary", kv=120.0)
HALL = area("a", (3.0, -20.0), (33.0, 20.0))


def beam(direction: list[float], half: float) -> Use:
    return Use("primary", {
        "kap_gy_cm2": 500.0, "kv": 80.0, "direction": direction, "half_angle_deg": half,
        "field_area_cm2": 400.0, "field_distance_m": 1.0,
    })  # fmt: skip


def windowed(low: float, high: float, height_m: float, mm: float = 0.4) -> Plan:
    """A scanner 1 m from a wall of 3 mm lead with a window of `mm` lead from low to high."""
    return Plan(
        "uk", (GROUND,),
        barriers=(
            wall("w", (1.0, -6.0), (1.0, 6.0), 3.0),
            wall("g", (1.0, -1.0), (1.0, 1.0), mm, kind="window", within="w", bottom_m=low,
                 top_m=high),
        ),
        areas=(area("a", (1.0, -3.0), (5.0, 3.0)),),
        sources=(source("s", (0.0, 0.0), ct(2e5), height_m=height_m),),
    )  # fmt: skip


def highest(plan: Plan) -> float:
    """Return the kerma just within the edge of the window that is nearer in height."""
    glass, height = plan.barriers[1], plan.sources[0].height_m
    edge = min((glass.bottom_m, glass.top_m or 0.0), key=lambda z: abs(z - height))
    x = 1.0 + 0.3 + 0.003 / 2
    squared = x * x + ((edge - height) * x) ** 2
    layer = glass.layers[0]
    return 0.36 * 2e5 / 1000.0 / squared * curve("lead", CT).transmission(layer.mm)


@pytest.mark.parametrize(
    ("low", "high", "height"), [(0.61, 0.90, 1.55), (1.30, 1.36, 1.0), (0.95, 1.0, 1.4)]
)
def test_a_window_beside_the_height_of_the_source_is_looked_through(
    low: float, high: float, height: float
) -> None:
    plan = windowed(low, high, height)
    (found,) = assess(plan).areas
    assert found.kerma is not None
    assert found.kerma.value == pytest.approx(highest(plan), rel=1e-6)


def test_what_is_needed_is_enough_behind_such_a_window() -> None:
    plan = windowed(0.61, 0.90, 1.55)
    made = assess(plan)
    assert made.needs is not None
    extras = {b.key: (b.material, b.extra_mm) for b in made.needs.barriers}
    assert "g" in extras
    thicker = with_extras(plan, extras)
    assert assess(thicker).adequate
    glass = replace(plan.barriers[1], layers=(Layer("lead", 0.4 + extras["g"][1]),))
    assert highest(replace(plan, barriers=(plan.barriers[0], glass))) <= 0.3 * (1.0 + 1e-6)


@pytest.mark.parametrize("half", [1.0, 2.0, 5.0])
def test_a_thin_beam_into_the_storey_below_is_found(half: float) -> None:
    cellar = Storey("b", "Basement", -3.3, 3.0)
    plan = Plan(
        "uk", (cellar, GROUND), slabs=(Slab("f", "Floor", "g", (Layer("concrete", 150.0),)),),
        areas=(area("a", (-20, -20), (20, 20), storey="b"),),
        sources=(source("s", (0, 0), beam([0.9, 0.5, -1.0], half), height_m=1.3),),
    )  # fmt: skip
    (found,) = assess(plan).areas
    # The rim nearest to upright is the nearest point of the beam.
    down = 1.3 - (-3.3 + 1.7)
    leaning = math.degrees(math.atan(math.hypot(0.9, 0.5))) - half
    squared = (down / math.cos(math.radians(leaning))) ** 2
    passed = curve("concrete", Beam("primary", kv=80.0)).transmission(150.0)
    assert found.kerma is not None
    assert found.kerma.value == pytest.approx(500.0 / 400.0 * 1000.0 / squared * passed, rel=1e-4)


@pytest.mark.parametrize("way", [[1.0, 0.3, 0.0], [0.8, 0.61, -0.2], [0.3, 1.0, 0.1]])
def test_a_thin_beam_across_a_large_hall_is_found(way: list[float]) -> None:
    plan = Plan(
        "uk", (GROUND,), barriers=(wall("w", (3, -30), (3, 30)),), areas=(HALL,),
        sources=(source("s", (0, 0), beam(way, 2.0), height_m=1.3),),
    )  # fmt: skip
    (found,) = assess(plan).areas
    along = np.asarray(way) / np.linalg.norm(way)
    on_axis = 500.0 / 400.0 * 1000.0 * (along[0] / (3.0 + 0.3 + 0.0005)) ** 2
    passed = curve("lead", Beam("primary", kv=80.0)).transmission(1.0)
    assert found.kerma is not None
    assert on_axis * passed <= found.kerma.value <= on_axis * passed * 1.3


def test_the_edge_of_a_gantrys_shadow_is_followed_into_another_storey() -> None:
    uses = ct(4e5, axis_deg=276.6, shadow_half_angle_deg=9.5), ct(
        4e6, axis_deg=100.2, shadow_half_angle_deg=19.5)  # fmt: skip
    flat = Area("a", "Flat", "u", ((-3, -3), (9, -3), (9, 9), (-3, 9)), 1.0)
    plan = Plan(
        "uk", (GROUND, FIRST), slabs=(Slab("f", "Floor", "u", (Layer("concrete", 100.0),)),),
        areas=(flat,),
        sources=(source("s", (1.84, 2.04), uses[0], height_m=0.77),
                 source("t", (1.85, 2.41), uses[1], height_m=0.89)),
    )  # fmt: skip
    scene = Scene(plan)
    ground = Ground(scene, flat)
    held = ground.worst(scene.judged)
    x, y = np.meshgrid(np.linspace(0, 4, 401), np.linspace(0, 5, 501))
    dense = ground.kerma(
        ground.seen(np.column_stack([x.ravel(), y.ravel()]), ground.fine), scene.judged
    )
    assert held is not None
    assert held.kerma >= dense.max() * (1 - 5e-5)


@pytest.mark.parametrize("up", [-1.0, 1.0])
def test_the_rim_of_an_upright_beam_is_looked_at_from_within(up: float) -> None:
    """A beam straight down (or up): the highest kerma beside it is at its rim, not outside it."""
    half, high = 15.0, 0.5 if up < 0.0 else 1.5
    use = beam([0.0, 0.0, up], half)
    plan = Plan("uk", (GROUND,), areas=(area("a", (-2.0, -2.0), (2.0, 2.0)),),
                sources=(source("s", (0.0, 0.0), use, height_m=high),))  # fmt: skip
    ground = Ground(Scene(plan), plan.areas[0])
    held = ground.worst(ground.scene.judged)
    assert held is not None
    x = np.linspace(0.1, 0.6, 501)  # nobody is judged nearer
    z = np.linspace(0.0, 2.1, 2101)
    grid = np.array(np.meshgrid(x, [0.0], z, indexing="ij")).reshape(3, -1).T
    away = grid - np.array([0.0, 0.0, high])
    dense = max(e.mgy_1m * np.nanmax(e.spread(away)) for e in ground.scene.emissions)
    assert held.kerma >= dense * 0.999


def test_heights_of_steps_lie_at_edges_and_rims() -> None:
    plan = windowed(0.6, 0.9, 1.5)
    glass = structure(plan).panels[1]
    xy = np.array([[2.0, 0.0], [2.0, 5.0], [0.5, 0.0]])
    found = heights_of_steps((0.0, 0.0, 1.5), xy, [glass], [], (-5.0, 2.1))
    # At twice the distance of the wall the edges lie twice as far below the source.
    assert found[0] == pytest.approx([-0.3, -0.3, 0.3, 0.3], abs=1e-8)
    assert np.isnan(found[1:]).all()
    rims = heights_of_steps((0, 0, 1.0), xy[:1], [], [((1.0, 0.0, 0.0), 10.0)], (0.0, 2.1))
    half = 2.0 * math.tan(math.radians(10.0))
    assert rims[0] == pytest.approx([1.0 - half, 1.0, 1.0 + half], abs=1e-7)
    assert heights_of_steps((0, 0, 1.0), xy, [], [], (0.0, 2.1)).shape == (3, 0)
