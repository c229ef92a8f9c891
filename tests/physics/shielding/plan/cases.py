"""Plans for the tests: one barrier, one room, many rooms."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from kerma.physics.shielding.plan import (
    Area,
    Barrier,
    Layer,
    PlacedSource,
    Plan,
    Slab,
    Storey,
    Use,
)

GROUND = Storey("g", "Ground floor", 0.0, 3.0)
FIRST = Storey("u", "First floor", 3.3, 3.0)
DOWN = [0.0, 0.0, -1.0]
Pair = tuple[float, float]


def wall(key: str, start: Pair, end: Pair, mm: float = 1.0, material: str = "lead",
         **more: Any) -> Barrier:  # fmt: skip
    more = {"storey": "g", **more}
    return Barrier(key, f"Wall {key}", start=start, end=end, layers=(Layer(material, mm),), **more)


def area(key: str, low: Pair, high: Pair, occupancy: float = 1.0, **more: Any) -> Area:
    (a, b), (c, d) = low, high
    more = {"storey": "g", **more}
    return Area(key, f"Area {key}", polygon=((a, b), (c, b), (c, d), (a, d)), occupancy=occupancy,
                **more)  # fmt: skip


def source(key: str, at: Pair, *uses: Use, **more: Any) -> PlacedSource:
    more = {"storey": "g", "height_m": 1.0, **more}
    return PlacedSource(key, f"Source {key}", position=at, uses=uses, **more)


def kap(kap_gy_cm2: float = 500.0, kv: float = 85.0, direction: Any = None) -> Use:
    return Use("kap", {"kap_gy_cm2": kap_gy_cm2, "kv": kv, "direction": direction or DOWN})


def ct(dlp_mgy_cm: float = 4e6, kv: float = 120.0, **more: Any) -> Use:
    return Use("ct_dlp", {"region": "body", "dlp_mgy_cm": dlp_mgy_cm, "kv": kv, **more})


def patients(distribution: str, n: float, direction: str = "side") -> Use:
    return Use("patients",
               {"distribution": distribution, "patients": n, "direction": direction})  # fmt: skip


def one_wall(method: str, *uses: Use, gap: float, layers: tuple[Layer, ...], goal: float | None,
             occupancy: float = 1.0) -> Plan:  # fmt: skip
    """A source, a long wall and an area whose nearest point is `gap` metres away."""
    thick = sum(v.mm for v in layers if not v.added) / 1000.0
    at = gap - 0.3 - thick / 2.0
    return Plan(
        method, (GROUND,),
        barriers=(Barrier("w", "Wall", "g", (at, -50.0), (at, 50.0), layers),),
        areas=(area("a", (at, -2.0), (at + 4.0, 2.0), occupancy, goal=goal),),
        sources=(source("s", (0.0, 0.0), *uses),),
    )  # fmt: skip


def room(method: str = "uk", *uses: Use) -> Plan:
    """A room of four concrete walls with a lead door, a corridor, and an office above."""
    return Plan(
        method, (GROUND, FIRST),
        barriers=(
            wall("n", (0, 0), (6, 0), 100, "concrete"), wall("e", (6, 0), (6, 5), 100, "concrete"),
            wall("s", (6, 5), (0, 5), 100, "concrete"), wall("w", (0, 5), (0, 0), 100, "concrete"),
            wall("d", (2, 0), (3, 0), 1.8, "lead", kind="door", within="n", top_m=2.1),
        ),
        slabs=(Slab("f", "Floor of the first", "u", (Layer("concrete", 150.0),)),),
        areas=(
            area("c", (0, -2), (6, 0), 0.125), area("o", (0, 0), (6, 5), 1.0, storey="u"),
        ),
        sources=(source("ct", (3, 2.5), *(uses or (ct(), kap()))),),
    )  # fmt: skip


def department(sources: int, barriers: int, seed: int = 1, areas: int = 10) -> Plan:
    """Rooms in a row along a corridor: so many sources and barriers, areas all about them."""
    rng = np.random.default_rng(seed)
    cells = max(1, (barriers - 2) // 2)
    width = 4.0
    end = cells * width
    made = [wall("n", (0, 0), (end, 0), 120, "concrete"), wall("s", (0, 5), (end, 5), 1.5)]
    made += [wall(f"x{i}", (i * width, 0), (i * width, 5), *((1.0, "lead") if i % 2 else
             (80.0, "concrete"))) for i in range(cells + 1)]  # fmt: skip
    for i in range(barriers - len(made)):
        at = (i + 0.3) * width
        made.append(wall(f"d{i}", (at, 0), (at + 1, 0), 1.25, kind="door", within="n", top_m=2.1))
    placed = []
    for i in range(sources):
        cell = i % cells
        at = (cell + rng.uniform(0.3, 0.7)) * width, rng.uniform(1.5, 3.5)
        use = (ct(1e6), kap(800.0, 90.0), kap(300.0, 110.0, [1.0, 0.2, 0.0]))[i % 3]
        placed.append(source(f"s{i}", at, use))
    held = []
    for i in range(areas):
        low = (i % cells) * width
        held.append(area(f"a{i}", (low, -2), (low + width, 0), 0.125) if i % 2 else
                    area(f"a{i}", (low, 5), (low + width, 8), 1.0))  # fmt: skip
    return Plan("uk", (GROUND,), barriers=tuple(made[:barriers]), areas=tuple(held),
                sources=tuple(placed))  # fmt: skip


def moved(plan: Plan, way: Callable[[float, float], Pair]) -> Plan:
    """Move everything on a plan; directions of beams turn with it."""
    zero = way(0.0, 0.0)

    def turned(use: Use) -> Use:
        given = dict(use.given)
        for key in ("direction", "beam"):
            if given.get(key):
                x, y, z = given[key]
                px, py = way(x, y)
                given[key] = [px - zero[0], py - zero[1], z]
        if given.get("axis_deg") is not None:
            t = math.radians(given["axis_deg"])
            px, py = way(math.cos(t), math.sin(t))
            given["axis_deg"] = math.degrees(math.atan2(py - zero[1], px - zero[0]))
        return replace(use, given=given)

    return replace(
        plan,
        barriers=tuple(replace(b, start=way(*b.start), end=way(*b.end)) for b in plan.barriers),
        areas=tuple(replace(a, polygon=tuple(way(*p) for p in a.polygon)) for a in plan.areas),
        sources=tuple(
            replace(s, position=way(*s.position), uses=tuple(turned(u) for u in s.uses))
            for s in plan.sources
        ),
    )
