"""A plan assessed as a whole: areas, needs, sensitivity, and everything it rests on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from kerma.core import Source, content_hash
from kerma.core.codec import encode
from kerma.physics.calculation import Calculation
from kerma.physics.shielding.plan.document import METHODS, Plan
from kerma.physics.shielding.plan.faults import Fault, faults
from kerma.physics.shielding.plan.ground import Ground
from kerma.physics.shielding.plan.need import Needs, needs
from kerma.physics.shielding.plan.protect import AreaFinding, protect
from kerma.physics.shielding.plan.rays import Scene
from kerma.physics.shielding.plan.schedule import HEIGHT, ScheduleRow, schedule
from kerma.physics.shielding.plan.sensitivity import Variation, sensitivity
from kerma.physics.shielding.room import RULES
from kerma.reference import row

VERSION = "2"


@dataclass(frozen=True, slots=True)
class Assessment:
    """A plan as it was assessed.

    Attributes
    ----------
    method, version
        Of the plan; of the way it is assessed, which rises whenever the same plan may give another
        number.
    faults
        All of them; with a blocking one nothing else was worked out.
    areas
        What was found of each.
    needs
        What barriers still need; ``None`` when blocked.
    sensitivity
        How far it holds if workload, occupancy or voltage are others.
    schedule
        For an architect.
    sources
        Rows of reference data it rests on, with their state.
    assumptions, limits
        What is taken for granted; what it must not be used for.
    refusals
        What is not stated, and why.
    """

    method: str
    version: str
    plan: Plan
    faults: tuple[Fault, ...]
    areas: tuple[AreaFinding, ...] = ()
    needs: Needs | None = None
    sensitivity: tuple[Variation, ...] = ()
    schedule: tuple[ScheduleRow, ...] = ()
    sources: tuple[Source, ...] = ()
    assumptions: tuple[str, ...] = ()
    limits: tuple[str, ...] = ()
    refusals: tuple[str, ...] = ()

    @property
    def blocked(self) -> bool:
        """Whether a fault kept the plan from being assessed."""
        return any(f.blocking for f in self.faults)

    @property
    def adequate(self) -> bool | None:
        """Whether all areas are adequate; ``None`` where it cannot be said of one."""
        if self.blocked or not self.areas:
            return None
        found = [a.adequate for a in self.areas]
        return False if False in found else (None if None in found else True)

    @property
    def recalled(self) -> tuple[str, ...]:
        """The rows it rests on that nobody has read in their document when compiled."""
        return tuple(s.row for s in self.sources if s.confidence == "recalled")

    def as_dict(self) -> dict[str, Any]:
        """Return plain data."""
        return {
            "method": self.method, "title": METHODS[self.plan.method], "version": self.version,
            "period": self.plan.period, "plan": self.plan.as_dict(),
            "faults": encode(self.faults), "adequate": self.adequate,
            "areas": [a.as_dict() for a in self.areas],
            "needs": self.needs.as_dict() if self.needs else None,
            "sensitivity": encode(self.sensitivity), "schedule": encode(self.schedule),
            "sources": [s.as_dict() for s in self.sources],
            "assumptions": list(self.assumptions), "limits": list(self.limits),
            "refusals": list(self.refusals),
        }  # fmt: skip

    @property
    def sha256(self) -> str:
        """Hash of everything but the version of the package: the same bits when made again."""
        return content_hash(without_package(self.as_dict()))


def without_package(data: Any) -> Any:
    """Return plain data without the package's version, which may change when nothing else does."""
    if isinstance(data, Mapping):
        return {k: without_package(v) for k, v in data.items() if k != "package"}
    if isinstance(data, list):
        return [without_package(v) for v in data]
    return data


def assess(plan: Plan, material_for: Mapping[str, str] | None = None) -> Assessment:
    """Return what a plan does for its areas, and what it still needs.

    Parameters
    ----------
    plan
        As `kerma.physics.shielding.plan.document.read` returns it.
    material_for
        What to thicken barriers with: material by key of barrier or slab, or by kind (``wall``,
        ``door``, ``window``, ``screen``, ``slab``); lead when not given, concrete for slabs.

    Raises
    ------
    InputError
        ``unknown-material``: of `material_for`.
    """
    found = faults(plan)
    if any(f.blocking for f in found):
        return Assessment(plan.method, VERSION, plan, found)
    scene = Scene(plan)
    grounds = [Ground(scene, a) for a in plan.areas]
    areas = protect(scene, grounds)
    needed = needs(scene, grounds, material_for)
    made = [
        *(a.calculation for a in areas if a.calculation),
        *(b.calculation for b in needed.barriers),
    ]  # fmt: skip
    return Assessment(
        plan.method, VERSION, plan, found, areas, needed,
        sensitivity(scene, areas, grounds=grounds), schedule(scene, needed, grounds),
        _sources(made),
        tuple(dict.fromkeys([RULES[plan.rule], *(s for c in made for s in c.assumptions)])),
        tuple(dict.fromkeys(s for c in made for s in c.limits)), _refusals(found, areas, needed),
    )  # fmt: skip


def _sources(made: Sequence[Calculation]) -> tuple[Source, ...]:
    """Return every row of reference data once, by its name."""
    held = {s.row: s for c in made for s in c.sources}
    height = row(HEIGHT).source
    held[height.row] = height
    return tuple(held[name] for name in sorted(held))


def _refusals(
    found: Sequence[Fault], areas: Sequence[AreaFinding], needed: Needs
) -> tuple[str, ...]:
    said = [f.message for f in found]
    said += [a.why for a in areas if a.adequate is None]
    said += [i.message for i in needed.impossible]
    return tuple(dict.fromkeys(said))
