"""Shielding: cost of a map against sources, barriers and points, and of an assessment."""

from __future__ import annotations

import numpy as np

from kerma.physics.shielding.plan import Plan, assess, faults, grid
from tests.perf.cost import Row, Rows, alone, cpu_s
from tests.physics.shielding.plan.cases import department

SOURCES, BARRIERS, SIDE = 10, 20, 200
_PART = "shielding map"


def _map(plan: Plan, side: int) -> float:
    width = max(p[0] for b in plan.barriers for p in (b.start, b.end))
    x, y = np.linspace(-2.0, width + 2.0, side), np.linspace(-3.0, 9.0, side)
    return cpu_s(lambda: grid(plan, "g", x, y), 3)


def maps() -> Rows:
    """Measure the map of ten sources, twenty barriers and 200 × 200 points, and how it grows."""
    began = alone(_FIRST)
    yield Row(_PART, "first map in a process", began["first"], "CPU s", "imports included")
    _map(department(SOURCES, BARRIERS), 20)
    whole = _map(department(SOURCES, BARRIERS), SIDE)
    each = f"{1e9 * whole / (SOURCES * BARRIERS * SIDE**2):.2f} ns a source, barrier and point"
    yield Row(_PART, "10 sources × 20 barriers × 200²", 1000 * whole, "CPU ms", each)
    for n in (1, 5, 20, 40):
        spent = _map(department(n, BARRIERS), SIDE)
        yield Row(_PART, f"{n} sources × 20 barriers × 200²", 1000 * spent, "CPU ms")
    for n in (6, 40, 80):
        spent = _map(department(SOURCES, n), SIDE)
        yield Row(_PART, f"10 sources × {n} barriers × 200²", 1000 * spent, "CPU ms")
    for side in (50, 100, 400):
        spent = _map(department(SOURCES, BARRIERS), side)
        yield Row(_PART, f"10 sources × 20 barriers × {side}²", 1000 * spent, "CPU ms")


def assessments() -> Rows:
    """Measure the faults and the whole assessment of plans of growing size."""
    for sources, barriers, areas in ((2, 6, 4), (SOURCES, BARRIERS, 10)):
        plan = department(sources, barriers, areas=areas)
        name = f"{sources} sources, {barriers} barriers, {areas} areas"
        yield Row("shielding plan", f"faults of {name}", 1000 * cpu_s(lambda p=plan: faults(p), 3),
                  "CPU ms")  # fmt: skip
        spent = cpu_s(lambda p=plan: assess(p))
        yield Row("shielding plan", f"assessment of {name}", spent, "CPU s", "with needs")


_FIRST = """
import json, time
began = time.process_time()
from kerma.physics.shielding.plan import grid
from tests.physics.shielding.plan.cases import room
grid(room(), "g", [1.0, 2.0], [1.0, 2.0])
print(json.dumps({"first": time.process_time() - began}))
"""
