"""The schedule for an architect: each barrier and slab, what it is and what is to be added."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from kerma.physics.shielding._expression import stated
from kerma.physics.shielding.archer import Beam, said
from kerma.physics.shielding.plan.document import KINDS, Barrier, Layer, Slab
from kerma.physics.shielding.plan.ground import Ground
from kerma.physics.shielding.plan.need import Needs
from kerma.physics.shielding.plan.rays import Scene
from kerma.physics.shielding.plan.structure import credited, heights
from kerma.reference import row

HEIGHT = "ncrp147/reference_points/wall_shielding_height"
# Beyond this no sheet is made; an equivalence so thick says nothing. Design choice.
_MOST_LEAD_MM = 20.0


@dataclass(frozen=True, slots=True)
class LeadEquivalence:
    """What a barrier is worth in lead, mm, for one beam; at another it is worth something else."""

    beam: str
    lead_mm: float


@dataclass(frozen=True, slots=True)
class ScheduleRow:
    """One barrier or slab.

    Attributes
    ----------
    where
        On which storey and from where to where, m.
    length_m, height_m
        As drawn; ``None`` for a slab.
    least_height_m
        To which added shielding reaches at least, above the finished floor (NCRP 147).
    existing, planned, add, total
        In words: ``100 mm concrete + 13 mm gypsum wallboard``. What stands there; the layers of the
        drawing that this design adds; what is needed beyond them; all together.
    add_material, add_mm
        Of what is needed beyond the drawing; empty and zero for nothing.
    judged
        Whether a way from a source to a place leads through it. Nothing is known of the others.
    lead
        What the whole is worth in lead, for the hardest beam of each kind of radiation.
    """

    key: str
    name: str
    kind: str
    where: str
    length_m: float | None
    height_m: float | None
    least_height_m: float | None
    existing: str
    planned: str
    add: str
    total: str
    add_material: str
    add_mm: float
    lead: tuple[LeadEquivalence, ...]
    judged: bool


def schedule(scene: Scene, needed: Needs, grounds: Sequence[Ground]) -> tuple[ScheduleRow, ...]:
    """Return the schedule of a plan with what it needs.

    Parameters
    ----------
    scene
        Of the plan.
    needed
        Of `kerma.physics.shielding.plan.need.needs`.
    grounds
        Its areas made ready.
    """
    least = stated(row(HEIGHT), "point", r"([\d.]+) m")
    extras = {b.key: Layer(b.material, b.extra_mm, added=True) for b in needed.barriers}
    things: tuple[Barrier | Slab, ...] = (*scene.plan.barriers, *scene.plan.slabs)
    crossed = _crossed(scene, grounds)
    return tuple(_row(scene, t, extras.get(t.key), least, t.key in crossed) for t in things)


def _crossed(scene: Scene, grounds: Sequence[Ground]) -> frozenset[str]:
    """Return the keys of what a ray from a source to a point of a place crosses."""
    keys, found = scene.structure.keys, np.zeros(len(scene.structure.keys), bool)
    for ground in grounds:
        for seen in ground.first[1]:
            found |= seen.rows.any(axis=0)
    return frozenset(keys[n] for n in np.flatnonzero(found))


def _row(
    scene: Scene, thing: Barrier | Slab, extra: Layer | None, least: float, judged: bool
) -> ScheduleRow:
    storey = scene.plan.storey(thing.storey)
    upright = isinstance(thing, Barrier)
    where = f"Floor of {storey.name}"
    length = height = None
    if isinstance(thing, Barrier):
        low, high = heights(scene.plan, thing)
        length, height = thing.length_m, high - low
        where = f"{storey.name}, from {_at(thing.start)} to {_at(thing.end)} m"
    whole = (*thing.layers, extra) if extra else thing.layers
    return ScheduleRow(
        thing.key, thing.name, KINDS[thing.kind] if isinstance(thing, Barrier) else "Slab", where,
        length, height, least if upright else None,
        _words(tuple(v for v in thing.layers if not v.added)),
        _words(tuple(v for v in thing.layers if v.added)), _words((extra,)) if extra else "",
        _words(whole), extra.material if extra else "",
        extra.mm if extra else 0.0, _lead(scene, whole), judged,
    )  # fmt: skip


def _at(point: tuple[float, float]) -> str:
    return f"({point[0]:.2f}, {point[1]:.2f})"


def _words(layers: tuple[Layer, ...]) -> str:
    return " + ".join(
        f"{upward(v.mm) if v.added else f'{v.mm:.6g}'} mm {v.product or said(v.material)}"
        for v in layers
        if v.mm > 0.0
    )


def upward(mm: float) -> str:
    """Return a thickness to four figures rounded up: never less than is needed."""
    if not mm > 0.0:
        return "0"
    step = 10.0 ** (math.floor(math.log10(mm)) - 3)
    # What is there but for the noise of the division is not raised by a step.
    return f"{math.ceil(round(mm / step, 6)) * step:.6g}"


def _lead(scene: Scene, layers: tuple[Layer, ...]) -> tuple[LeadEquivalence, ...]:
    """Return what layers are worth in lead for the hardest beam of each kind of radiation."""
    hardest: dict[tuple[str, str], tuple[float, int, Beam]] = {}
    for n, emission in enumerate(scene.emissions):
        if emission.beam is None:
            continue
        kind = (emission.beam.radiation, "" if emission.beam.kv else str(emission.beam))
        kv = emission.beam.kv or 0.0
        if kind not in hardest or kv > hardest[kind][0]:
            hardest[kind] = (kv, n, emission.beam)
    hard, excess = scene.column(layers)
    found = []
    for _, n, beam in hardest.values():
        lead = credited("lead", beam)
        if lead is None or not np.isfinite(excess[n]) or scene.emissions[n].preshielding:
            continue
        through = float(hard[n] + excess[n])
        if through >= float(lead.log_transmission(_MOST_LEAD_MM)):
            found.append(LeadEquivalence(str(beam), lead.thickness(math.exp(min(0.0, through)))))
    return tuple(found)
