"""How far a design holds if what was assumed turns out otherwise: workload, occupancy, voltage.

The variations (twice the workload, one step of occupancy up, 10 kV more) are this program's own; no
document prescribes them.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from kerma.core import InputError
from kerma.physics.shielding import bir
from kerma.physics.shielding.plan import _quality
from kerma.physics.shielding.plan.document import Plan
from kerma.physics.shielding.plan.emission import raised_kv
from kerma.physics.shielding.plan.emissions import emissions
from kerma.physics.shielding.plan.goals import goal
from kerma.physics.shielding.plan.ground import Ground
from kerma.physics.shielding.plan.protect import AreaFinding
from kerma.physics.shielding.plan.rays import Scene
from kerma.reference import row

WORKLOAD_TIMES = 2.0
MORE_KV = 10.0


@dataclass(frozen=True, slots=True)
class Held:
    """An area under a variation: kerma over allowed, and whether it is still adequate."""

    area: str
    ratio: float | None
    adequate: bool | None
    note: str = ""


@dataclass(frozen=True, slots=True)
class Variation:
    """One line of the table.

    Attributes
    ----------
    refused
        Why it could not be worked out; `areas` is empty then.
    """

    key: str
    title: str
    areas: tuple[Held, ...] = ()
    refused: str = ""


def occupancies(method: str) -> tuple[float, ...]:
    """Return the values of occupancy a method's table has, rising."""
    if method == "ncrp147":
        held = row("ncrp147/occupancy_factors").fields["rows"]
        return tuple(sorted({float(r["T"]) for r in held}))
    words = [stated for stated, _ in bir.occupancies().values()]
    return tuple(sorted({float(v) for w in words for v in re.findall(r"\d+(?:\.\d+)?", w)}))


def step_up(method: str, occupancy: float) -> float | None:
    """Return the next value above an occupancy in a method's table; ``None`` above the last."""
    return next((t for t in occupancies(method) if t > occupancy * (1.0 + 1e-9)), None)


def sensitivity(
    scene: Scene,
    found: Sequence[AreaFinding],
    *,
    grounds: Sequence[Ground] = (),
    adequate_to: float = 1.0,
) -> tuple[Variation, ...]:
    """Return the table of variations of a plan that was assessed.

    Parameters
    ----------
    scene, found
        The plan and what was found of its areas.
    grounds
        Its areas made ready, where they are already.
    adequate_to
        Kerma over allowed up to which an area is adequate.

    Raises
    ------
    InputError
        ``unknown-row``: the reference data have no table of occupancy.
    """
    return (
        _workload(found, adequate_to),
        _occupancy(scene.plan, found, adequate_to),
        _voltage(scene, found, grounds, adequate_to),
    )


def _held(one: AreaFinding, times: float, most: float, note: str = "") -> Held:
    if one.ratio is None:
        return Held(one.key, None, None, one.why)
    ratio = one.ratio * times
    kept = ratio <= most * (1.0 + 1e-9)
    return Held(one.key, ratio, None if kept and one.adequate is None else kept, note)


def _workload(found: Sequence[AreaFinding], most: float) -> Variation:
    return Variation(
        "workload", f"Workload of every source × {WORKLOAD_TIMES:g}",
        tuple(_held(f, WORKLOAD_TIMES, most) for f in found),
    )  # fmt: skip


def _occupancy(plan: Plan, found: Sequence[AreaFinding], most: float) -> Variation:
    held = []
    for one in found:
        up = step_up(plan.method, one.occupancy)
        note = f"{one.occupancy:g} to {up:g}" if up else f"{one.occupancy:g} is the highest step"
        held.append(_held(one, (up or one.occupancy) / one.occupancy, most, note))
    return Variation("occupancy", "Occupancy of every area one step up", tuple(held))


def _voltage(
    scene: Scene, found: Sequence[AreaFinding], grounds: Sequence[Ground], most: float
) -> Variation:
    title = f"Tube voltage of every use + {MORE_KV:g} kV"
    raised, changed = _raised(scene.plan)
    if not changed:
        return Variation("kv", title, refused="No use states a tube voltage of its own.")
    try:
        given = emissions(raised)
    except InputError as error:
        return Variation("kv", title, refused=error.message)
    outside = [words for _, _, words, blocking in _quality.faults(raised, given) if blocking]
    if outside:
        return Variation("kv", title, refused=outside[0])
    other = Scene(raised, given)
    held = []
    ready: Sequence[Ground | None] = grounds or [None] * len(found)
    for area, before, like in zip(raised.areas, found, ready, strict=True):
        ground = Ground(other, area, like)
        worst = ground.worst(other.judged) if before.ratio is not None else None
        if worst is None:
            held.append(_held(before, 1.0, most))
            continue
        ratio = worst.kerma / (goal(raised.method, area)[0].value / area.occupancy)
        kept = ratio <= most * (1.0 + 1e-9)
        held.append(Held(area.key, ratio, None if kept and not worst.known else kept))
    return Variation("kv", title, tuple(held))


def _raised(plan: Plan) -> tuple[Plan, bool]:
    changed = False
    sources = []
    for source in plan.sources:
        uses = []
        for use in source.uses:
            up = raised_kv(use, MORE_KV)
            changed = changed or up is not None
            uses.append(up or use)
        sources.append(replace(source, uses=tuple(uses)))
    return replace(plan, sources=tuple(sources)), changed


def worst_of(table: Sequence[Variation]) -> Mapping[str, float | None]:
    """Return the highest kerma over allowed of each variation; ``None`` where it was refused."""
    return {
        v.key: max((h.ratio for h in v.areas if h.ratio is not None), default=None) for v in table
    }
