"""The built structure a ray may cross: upright panels with their openings, and slabs."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache, cached_property

import numpy as np
from numpy.typing import NDArray

from kerma.core import InputError
from kerma.physics.shielding.archer import Beam, Curve, curve, materials
from kerma.physics.shielding.barrier import preshielding_mm
from kerma.physics.shielding.plan.document import Barrier, Layer, Plan, Slab
from kerma.physics.shielding.plan.emission import Emission

Array = NDArray[np.float64]
# A wall drawn this much short of the slab reaches it, m.
REACHES_M = 1e-6
PRESHIELDED = ("lead", "concrete", "steel")


@dataclass(frozen=True, slots=True)
class Panel:
    """An upright rectangle.

    Attributes
    ----------
    start, end
        Of the line it stands on: a wall's own, for an opening that of its wall.
    span
        Part of that line, from 0 to 1.
    low_m, high_m
        Above the datum.
    cuts
        Openings in it: span and height of each.
    partial
        It does not reach from the floor to the slab, nor does the wall it is an opening of.
    """

    key: str
    name: str
    storey: str
    start: tuple[float, float]
    end: tuple[float, float]
    span: tuple[float, float]
    low_m: float
    high_m: float
    cuts: tuple[tuple[float, float, float, float], ...] = ()
    partial: bool = False


@dataclass(frozen=True, slots=True)
class Level:
    """A slab: its key, name and height above the datum."""

    key: str
    name: str
    storey: str
    z_m: float


@dataclass(frozen=True)
class Structure:
    """Panels first, then slabs; one column each in every table."""

    panels: tuple[Panel, ...]
    levels: tuple[Level, ...]
    layers: Mapping[str, tuple[Layer, ...]] = field(default_factory=dict)

    @property
    def keys(self) -> tuple[str, ...]:
        """Keys of all columns."""
        return tuple(p.key for p in self.panels) + tuple(s.key for s in self.levels)

    @property
    def names(self) -> tuple[str, ...]:
        """Names of all columns."""
        return tuple(p.name for p in self.panels) + tuple(s.name for s in self.levels)

    @cached_property
    def numbers(self) -> tuple[Array, Array, Array]:
        """Panels, their cuts and slabs as `kerma.physics.shielding.plan._compiled` takes them."""
        panels: list[tuple[float, ...]] = []
        cuts: list[tuple[float, float, float, float]] = []
        for p in self.panels:
            first = len(cuts)
            cuts += p.cuts
            along = (p.end[0] - p.start[0], p.end[1] - p.start[1])
            panels.append((*p.start, *along, *p.span, p.low_m, p.high_m, first, len(cuts)))
        return (
            np.array(panels, float).reshape(-1, 10), np.array(cuts, float).reshape(-1, 4),
            np.array([v.z_m for v in self.levels], float),
        )  # fmt: skip

    @cached_property
    def partial(self) -> NDArray[np.bool_]:
        """Which columns do not close their storey."""
        return np.array([p.partial for p in self.panels] + [False] * len(self.levels), bool)


def heights(plan: Plan, barrier: Barrier) -> tuple[float, float]:
    """Return bottom and top of a barrier above the datum, m."""
    storey = plan.storey(barrier.storey)
    top = storey.height_m if barrier.top_m is None else min(barrier.top_m, storey.height_m)
    return storey.floor_m + barrier.bottom_m, storey.floor_m + top


def is_opening(barrier: Barrier) -> bool:
    """Return whether a barrier stands in another one."""
    return barrier.kind in ("door", "window")


def is_partial(plan: Plan, barrier: Barrier) -> bool:
    """Return whether a barrier leaves a gap at the floor or under the slab."""
    if is_opening(barrier):
        wall = next((b for b in plan.barriers if b.key == barrier.within), None)
        return wall is not None and not is_opening(wall) and is_partial(plan, wall)
    height = plan.storey(barrier.storey).height_m
    below = barrier.top_m is not None and barrier.top_m < height - REACHES_M
    return below or barrier.bottom_m > REACHES_M


def span_in(wall: Barrier, opening: Barrier) -> tuple[float, float]:
    """Return which part of a wall's line an opening takes, from 0 to 1."""
    ax, ay = wall.start
    along = (wall.end[0] - ax, wall.end[1] - ay)
    squared = along[0] ** 2 + along[1] ** 2
    ends = [
        ((x - ax) * along[0] + (y - ay) * along[1]) / squared
        for x, y in (opening.start, opening.end)
    ]
    return min(ends), max(ends)


def structure(plan: Plan) -> Structure:
    """Return what rays may cross; the plan must be free of blocking faults."""
    walls = {b.key: b for b in plan.barriers if not is_opening(b)}
    cuts: dict[str, list[tuple[float, float, float, float]]] = {key: [] for key in walls}
    panels = []
    for opening in (b for b in plan.barriers if is_opening(b)):
        wall = walls[opening.within]
        low, high = heights(plan, opening)
        cuts[wall.key].append((*span_in(wall, opening), low, high))
    for barrier in plan.barriers:
        low, high = heights(plan, barrier)
        line = walls[barrier.within] if is_opening(barrier) else barrier
        span = span_in(line, barrier) if is_opening(barrier) else (0.0, 1.0)
        panels.append(
            Panel(
                barrier.key, barrier.name, barrier.storey, line.start, line.end, span, low, high,
                tuple(cuts.get(barrier.key, ())), is_partial(plan, barrier),
            )
        )  # fmt: skip
    levels = tuple(
        Level(s.key, s.name, s.storey, plan.storey(s.storey).floor_m) for s in plan.slabs
    )
    held: Sequence[Barrier | Slab] = (*plan.barriers, *plan.slabs)
    return Structure(tuple(panels), levels, {b.key: b.layers for b in held})


def merged(layers: Sequence[Layer]) -> dict[str, float]:
    """Return the thickness of each material of one barrier, mm: layers of one material are one."""
    found: dict[str, float] = {}
    for layer in layers:
        if layer.mm > 0.0:
            found[layer.material] = found.get(layer.material, 0.0) + layer.mm
    return found


def credited(material: str, beam: Beam) -> Curve | None:
    """Return the curve of a material for a beam; ``None`` when there is none: it counts as air."""
    try:
        return curve(material, beam)
    except InputError as error:
        if error.code in ("no-coefficient", "outside-domain", "unknown-material"):
            return None
        raise


@cache
def _preshielding(material: str, case: str) -> float:
    return preshielding_mm(case, material) if case and material in PRESHIELDED else 0.0


def behind_receptor(emission: Emission) -> float:
    """Return ln B of what stands in the beam at the source: the most any equivalent lets through.

    Table 4.6 of NCRP 147 states the receptor in three materials; where no barrier of one of them is
    crossed, the one that transmits most is taken.
    """
    if not emission.preshielding or emission.beam is None:
        return 0.0
    return max((float(c.log_transmission(mm)) for _, mm, c in receptor(emission)), default=0.0)


def receptor(emission: Emission) -> tuple[tuple[str, float, Curve], ...]:
    """Return each material the receptor in the beam is stated in, how much of it, mm, its curve."""
    if not emission.preshielding or emission.beam is None:
        return ()
    held = ((m, credited(m, emission.beam)) for m in PRESHIELDED)
    return tuple((m, _preshielding(m, emission.preshielding), c) for m, c in held if c)


def passing(emission: Emission, layers: Mapping[str, float], rule: str) -> tuple[float, float]:
    """Return ln B of a barrier by the steepest ends of its fits, and what one fit adds to it.

    ln B of a way through several barriers is the sum of the first and the least of the second: one
    layer of the whole way is taken by its fit, together with the receptor in the beam. By the rule
    ``product`` the first is the sum of the fits.

    Parameters
    ----------
    emission
        With its beam.
    layers
        Thickness by material, mm.
    rule
        See `kerma.physics.shielding.room.RULES`.
    """
    hard, least = 0.0, math.inf
    if emission.beam is None:
        return hard, least
    base = behind_receptor(emission)
    for material, mm in layers.items():
        held = credited(material, emission.beam)
        if held is None:
            continue
        pre = _preshielding(material, emission.preshielding)
        alone = float(held.log_transmission(mm))
        slope = alone if rule == "product" else -held.least_slope * mm
        with_pre = float(held.log_transmission(mm + pre)) if pre else alone
        excess = with_pre - slope
        if emission.preshielding and not pre:
            excess = base
        hard += slope
        least = min(least, excess)
    return hard, least


def known_materials() -> list[str]:
    """Return the materials a layer may be of."""
    return materials()
