"""A plan as a document: storeys, layers, areas to protect, sources; plain data in, a `Plan` out.

Lengths on the plan are metres from one origin, x to the right and y downward as on a drawing, z
upward from the datum of the lowest storey; thicknesses are millimetres. A drawing that is not
finished is still a document: `read` refuses only what cannot be understood, `kerma.physics.
shielding.plan.faults` says what keeps it from being assessed.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from kerma.core import InputError, shape
from kerma.core.codec import decode, encode
from kerma.physics.shielding.plan.uses import USES, Use

SCHEMA = 1
METHODS = {"ncrp147": "NCRP Report 147", "uk": "UK method (BIR), scatter by KAP and DLP"}
KINDS = {"wall": "Wall", "door": "Door", "window": "Window", "screen": "Screen"}
DESIGNATIONS = {
    "controlled": "Controlled area", "supervised": "Supervised area",
    "uncontrolled": "Not designated",
}  # fmt: skip
PERIODS = {"ncrp147": "week", "uk": "year"}
# A drawing larger than this is a mistake of scale, not a department. Design choices.
FARTHEST_M = 1000.0
LONGEST_NAME, LONGEST_KEY, MOST_USES, MOST_LAYERS, MOST_CORNERS = 160, 60, 40, 20, 100
MOST = {"storeys": 20, "barriers": 500, "slabs": 20, "areas": 200, "sources": 100}

Point = tuple[float, float]
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Layer:
    """One layer of a barrier: a material there are fits for, its least thickness, its product."""

    material: str
    mm: float
    product: str = ""
    added: bool = False


@dataclass(frozen=True, slots=True)
class Storey:
    """A storey: height of its finished floor above the datum, and from there to the next slab."""

    key: str
    name: str
    floor_m: float
    height_m: float


@dataclass(frozen=True, slots=True)
class Barrier:
    """A straight upright barrier.

    Attributes
    ----------
    kind
        See `KINDS`. A door or window stands in the wall `within` and replaces it over its own
        length and height.
    bottom_m, top_m
        Above the storey's floor; no top means up to the slab.
    """

    key: str
    name: str
    storey: str
    start: Point
    end: Point
    layers: tuple[Layer, ...] = ()
    kind: str = "wall"
    within: str = ""
    bottom_m: float = 0.0
    top_m: float | None = None

    @property
    def length_m(self) -> float:
        """Length on the plan."""
        return math.dist(self.start, self.end)


@dataclass(frozen=True, slots=True)
class Slab:
    """The floor of a storey, over the whole plan."""

    key: str
    name: str
    storey: str
    layers: tuple[Layer, ...] = ()


@dataclass(frozen=True, slots=True)
class Area:
    """A place to protect.

    Attributes
    ----------
    occupancy
        Fraction of the period the person most there spends there; `occupancy_why` who agreed it.
    designation
        See `DESIGNATIONS`.
    goal
        Air kerma or dose constraint in the method's period, mGy; ``None`` for the method's own.
    """

    key: str
    name: str
    storey: str
    polygon: tuple[Point, ...]
    occupancy: float
    occupancy_why: str = ""
    designation: str = "uncontrolled"
    goal: float | None = None


@dataclass(frozen=True, slots=True)
class PlacedSource:
    """A source where its radiation starts from: patient, isocentre or focus.

    Attributes
    ----------
    height_m
        Above the storey's floor.
    uses
        What it is used for; each adds.
    system
        The system in the inventory, by its key there; empty when it is none yet.
    """

    key: str
    name: str
    storey: str
    position: Point
    height_m: float
    uses: tuple[Use, ...] = ()
    system: str = ""


@dataclass(frozen=True, slots=True)
class Plan:
    """A whole design.

    Attributes
    ----------
    method
        See `METHODS`; one for all its barriers.
    rule
        How layers crossed one after another combine, see `kerma.physics.shielding.room.RULES`.
    """

    method: str
    storeys: tuple[Storey, ...]
    barriers: tuple[Barrier, ...] = ()
    slabs: tuple[Slab, ...] = ()
    areas: tuple[Area, ...] = ()
    sources: tuple[PlacedSource, ...] = ()
    rule: str = "hardened"
    schema: int = SCHEMA

    @property
    def period(self) -> str:
        """What kermas are summed over: ``week`` or ``year``."""
        return PERIODS[self.method]

    def storey(self, key: str) -> Storey:
        """Return a storey by its key; `read` has made sure that it exists."""
        return next(s for s in self.storeys if s.key == key)

    def as_dict(self) -> dict[str, Any]:
        """Return plain data; `read` gives the plan back."""
        data: dict[str, Any] = encode(self)
        return data


def read(data: Mapping[str, Any]) -> Plan:
    """Read a document.

    Raises
    ------
    InputError
        ``bad-plan``: something in it cannot be understood; the message names it.
    """
    shape.require(Plan, data, code="bad-plan")
    plan = decode(Plan, data)
    _require(plan.schema == SCHEMA, f"Plans of schema {plan.schema} are not known here.")
    _require(plan.method in METHODS, f"“{plan.method}” is no method of {', '.join(METHODS)}.")
    _require(bool(plan.storeys), "A plan has at least one storey.")
    for name, most in MOST.items():
        _require(len(getattr(plan, name)) <= most, f"A plan has at most {most} {name}.")
    _require_keys(plan)
    _require_numbers(plan)
    for source in plan.sources:
        _require(len(source.uses) <= MOST_USES, f"{source.name}: at most {MOST_USES} uses.")
        for use in source.uses:
            _require(use.kind in USES, f"{source.name}: “{use.kind}” is no use of a source.")
    return plan


def _require(condition: bool, message: str) -> None:
    if not condition:
        raise InputError(message, code="bad-plan")


def _require_keys(plan: Plan) -> None:
    """Every key once; every storey, wall and designation that is named exists."""
    things: Sequence[Any] = (
        *plan.storeys, *plan.barriers, *plan.slabs, *plan.areas, *plan.sources,
    )  # fmt: skip
    keys = [t.key for t in things]
    double = sorted({k for k in keys if keys.count(k) > 1})
    _require(not double and all(keys), f"Two things have one key: {', '.join(double)}.")
    for thing in things:
        fine = len(thing.name) <= LONGEST_NAME and len(thing.key) <= LONGEST_KEY
        _require(fine, f"“{thing.name[:40]}…” is longer than {LONGEST_NAME} characters.")
    storeys = {s.key for s in plan.storeys}
    placed: Sequence[Any] = (*plan.barriers, *plan.slabs, *plan.areas, *plan.sources)
    for thing in placed:
        _require(thing.storey in storeys, f"{thing.name}: there is no storey “{thing.storey}”.")
    for barrier in plan.barriers:
        _require(barrier.kind in KINDS, f"{barrier.name}: “{barrier.kind}” is no kind of barrier.")
    for area in plan.areas:
        known = area.designation in DESIGNATIONS
        _require(known, f"{area.name}: “{area.designation}” is no designation.")


def _require_numbers(plan: Plan) -> None:
    """Refuse what lies off any plan."""
    for barrier in plan.barriers:
        _near(barrier.name, *barrier.start, *barrier.end, barrier.bottom_m, barrier.top_m or 0.0)
        _layers(barrier.name, barrier.layers)
    for slab in plan.slabs:
        _layers(slab.name, slab.layers)
    for storey in plan.storeys:
        _near(storey.name, storey.floor_m, storey.height_m)
    for area in plan.areas:
        fine = len(area.polygon) <= MOST_CORNERS
        _require(fine, f"{area.name}: an outline has at most {MOST_CORNERS} corners.")
        _near(area.name, *(v for point in area.polygon for v in point))
    for source in plan.sources:
        _near(source.name, *source.position, source.height_m)


def _near(name: str, *lengths: float) -> None:
    fine = all(abs(v) <= FARTHEST_M for v in lengths)
    _require(fine, f"{name} lies more than {FARTHEST_M:g} m away: check the scale.")


def _layers(name: str, layers: Sequence[Layer]) -> None:
    _require(len(layers) <= MOST_LAYERS, f"{name}: at most {MOST_LAYERS} layers.")
    fine = all(0.0 <= v.mm <= 1e5 for v in layers)
    _require(fine, f"{name}: a layer is 0 mm to 100 m thick.")
