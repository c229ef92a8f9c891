"""What every barrier and slab still needs so that all areas are adequate, all sources summed.

Unknown are extras x ≥ 0, one for each barrier and slab, of one material each. The way there:

1. the points of highest kerma of all areas are the first points to satisfy;
2. for a point above what is allowed, its largest contribution names a barrier (the first it comes
   through that may be thickened); that barrier's extra is raised by bisection until the point is
   satisfied, or, where the rest of the point stands in the way, until what comes through it is half
   the allowed over the number of ways; again until every point is satisfied;
3. the thickest extra first, each is brought down by bisection to the least that still satisfies
   every point with the others as they are;
4. all areas are searched again with these extras; points above what is allowed join, back to 2.

A point whose kerma cannot be brought down (through air, through openings of a wall that is not
credited) is said to be impossible and left out; other points of its area are satisfied as above.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kerma.core.codec import encode
from kerma.physics.calculation import Calculation
from kerma.physics.shielding.archer import THICKEST_MM
from kerma.physics.shielding.plan._need_record import bisected, record_of
from kerma.physics.shielding.plan.document import Barrier, Layer, Plan, Slab
from kerma.physics.shielding.plan.goals import goal
from kerma.physics.shielding.plan.ground import Ground
from kerma.physics.shielding.plan.rays import Passing, Scene, Sight
from kerma.physics.shielding.plan.structure import credited

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]
BY_KIND = {
    "wall": "lead", "door": "lead", "window": "lead", "screen": "lead", "slab": "concrete",
}  # fmt: skip
# A kerma this much above what is allowed is equal to it: the noise of sums.
_SLACK = 1e-9
_ROUNDS = 60


@dataclass(frozen=True, slots=True)
class BarrierNeed:
    """What one barrier or slab needs beyond its layers.

    Attributes
    ----------
    extra_mm
        Of the material; least thickness as built.
    decided_by
        Key of the area that would not be adequate with any less.
    point
        Of that area, m on the plan.
    """

    key: str
    name: str
    extra_mm: float
    material: str
    decided_by: str
    point: tuple[float, float]
    calculation: Calculation

    def as_dict(self) -> dict[str, Any]:
        """Return plain data."""
        data: dict[str, Any] = encode(replace(self, calculation=None))  # type: ignore[arg-type]
        data["calculation"] = self.calculation.as_dict()
        return data


@dataclass(frozen=True, slots=True)
class Impossible:
    """A point no barrier can bring down to what is allowed.

    Attributes
    ----------
    left
        Kerma over what is allowed, however thick the barriers.
    message
        Why, and what to do.
    """

    area: str
    point: tuple[float, float]
    left: float
    message: str


@dataclass(frozen=True, slots=True)
class Afterwards:
    """The highest kerma of an area with all extras built, mGy in the method's period."""

    area: str
    kerma_mgy: float
    point: tuple[float, float]


@dataclass(frozen=True, slots=True)
class Needs:
    """What a plan needs; nothing when all areas are adequate.

    Attributes
    ----------
    afterwards
        Every area in which a kerma can be stated; empty when nothing is needed.
    """

    barriers: tuple[BarrierNeed, ...] = ()
    impossible: tuple[Impossible, ...] = ()
    afterwards: tuple[Afterwards, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """Return plain data."""
        return {
            "barriers": [b.as_dict() for b in self.barriers],
            "impossible": encode(self.impossible),
            "afterwards": encode(self.afterwards),
        }


@dataclass(frozen=True)
class Spot:
    """A point to satisfy: its area, what is allowed, and how the sources see it."""

    ground: Ground
    xy: tuple[float, float]
    allowed: float
    seen: tuple[Sight, ...]


def material_of(thing: Barrier | Slab, chosen: Mapping[str, str] | None = None) -> str:
    """Return what a barrier is thickened with.

    Parameters
    ----------
    thing
        Barrier or slab.
    chosen
        Material by key, or by kind (`BY_KIND`); lead and, for slabs, concrete otherwise.
    """
    kind = thing.kind if isinstance(thing, Barrier) else "slab"
    held = chosen or {}
    return held.get(thing.key) or held.get(kind) or BY_KIND[kind]


def with_extras(plan: Plan, extras: Mapping[str, tuple[str, float]]) -> Plan:
    """Return a plan with added layers.

    Parameters
    ----------
    plan
        To add to.
    extras
        Material and thickness in mm by key of barrier or slab; zero adds nothing.
    """

    def grown(layers: tuple[Layer, ...], key: str) -> tuple[Layer, ...]:
        material, mm = extras.get(key, ("", 0.0))
        return (*layers, Layer(material, mm, added=True)) if mm > 0.0 else layers

    return replace(
        plan,
        barriers=tuple(replace(b, layers=grown(b.layers, b.key)) for b in plan.barriers),
        slabs=tuple(replace(s, layers=grown(s.layers, s.key)) for s in plan.slabs),
    )


class Solver:
    """The extras of one plan, and the points they must satisfy.

    Parameters
    ----------
    scene
        Of the plan.
    grounds
        Its areas made ready.
    chosen
        See `material_of`.
    """

    def __init__(
        self, scene: Scene, grounds: Sequence[Ground], chosen: Mapping[str, str] | None = None
    ) -> None:
        self.scene, self.grounds = scene, tuple(grounds)
        plan, built = scene.plan, scene.structure
        held: tuple[Barrier | Slab, ...] = (*plan.barriers, *plan.slabs)
        things = {t.key: t for t in held}
        self.materials = [material_of(things[k], chosen) for k in built.keys]
        self.layers = [built.layers[k] for k in built.keys]
        self.extras = np.zeros(len(built.keys))
        # A screen without credit cannot be made good by lead; its rays count as unshielded.
        self.open = built.partial
        self.losses = scene.judged
        self.spots: list[Spot] = []
        self.lost: list[Impossible] = []
        self.last: list[Afterwards] = []

    def column(self, n: int, mm: float) -> tuple[Array, Array]:
        """Return the losses in a column with so much extra."""
        layers = (*self.layers[n], Layer(self.materials[n], mm, added=True))
        return self.scene.column(layers)

    def set(self, n: int, mm: float) -> None:
        """Give a column an extra."""
        self.extras[n] = mm
        self.losses = self.losses.with_column(n, *self.column(n, mm))

    def helps(self, emission: int, n: int) -> bool:
        """Return whether an extra in a column holds back an emission."""
        beam = self.scene.emissions[emission].beam
        return (
            not self.open[n] and beam is not None
            and credited(self.materials[n], beam) is not None
        )  # fmt: skip

    def total(self, spot: Spot, losses: Passing | None = None) -> float:
        """Return the kerma at a point, mGy."""
        return float(spot.ground.kerma(spot.seen, losses or self.losses)[0])

    def kept(self, spot: Spot, losses: Passing | None = None) -> bool:
        """Return whether a point is satisfied."""
        return self.total(spot, losses) <= spot.allowed * (1.0 + _SLACK)

    # -- step 2 -----------------------------------------------------------------------------

    def parts(self, spot: Spot) -> list[tuple[float, int, list[int]]]:
        """Return kerma, emission and the columns that can hold it back, of all that is there."""
        found = []
        for source, seen in zip(self.scene.sources, spot.seen, strict=True):
            for way in spot.ground.ways(spot.xy, source, seen, self.losses):
                helping = [n for n in way.crossed if self.helps(way.emission, n)]
                found.append((way.kerma, way.emission, helping))
        return sorted(found, key=lambda p: (-p[0], p[1]))

    def left_bare(self, spot: Spot) -> float:
        """Return the kerma that no extra holds back, mGy."""
        return float(sum(value for value, _, helping in self.parts(spot) if not helping))

    def satisfy(self, spot: Spot) -> None:
        """Raise extras until a point is satisfied, the largest contribution first."""
        for _ in range(_ROUNDS):
            if self.kept(spot):
                return
            parts = self.parts(spot)
            n = next(p for p in parts if p[2])[2][0]
            through = sum(v for v, _, h in parts if n in h)
            rest = sum(v for v, _, h in parts if n not in h)
            aim = spot.allowed - rest
            if aim <= 1e-3 * spot.allowed:
                ways = len({h[0] for _, _, h in parts if h})
                bare = self.left_bare(spot)
                aim = min((spot.allowed - bare) / (2.0 * ways), through / 2.0)
            self._raise(spot, n, rest + aim)

    def _raise(self, spot: Spot, n: int, aim: float) -> None:
        """Raise one extra until the kerma at a point is down to an aim, mGy."""

        def above(mm: float) -> bool:
            return self.total(spot, self.losses.with_column(n, *self.column(n, mm))) > aim

        low, high = float(self.extras[n]), max(2.0 * float(self.extras[n]), 1.0)
        while above(high) and high < THICKEST_MM:
            low, high = high, 2.0 * high
        self.set(n, bisected(above, low, high))

    # -- step 3 -----------------------------------------------------------------------------

    def trim(self) -> None:
        """Bring every extra down to the least that satisfies all points, the thickest first."""
        for n in sorted(range(len(self.extras)), key=lambda n: (-self.extras[n], n)):
            if not self.extras[n] > 0.0:
                continue

            def above(mm: float, n: int = n) -> bool:
                losses = self.losses.with_column(n, *self.column(n, mm))
                return not all(self.kept(s, losses) for s in self.spots)

            self.set(n, bisected(above, 0.0, float(self.extras[n])) if above(0.0) else 0.0)

    # -- steps 1 and 4 ----------------------------------------------------------------------

    def look(self) -> bool:
        """Search all areas; return whether points joined that are not satisfied."""
        joined = False
        self.last = []
        for ground in self.grounds:
            aim, _ = goal(self.scene.plan.method, ground.area)
            allowed = aim.value / ground.area.occupancy
            held = ground.worst(self.losses)
            if held is None or not np.isfinite(held.kerma):
                continue
            self.last.append(Afterwards(ground.area.key, held.kerma, held.point))
            spot = Spot(ground, held.point, allowed, ground.spot(held.point))
            if self.kept(spot):
                continue
            bare = self.left_bare(spot)
            if bare > allowed * (1.0 - 1e-6):
                if not any(lost.area == ground.area.key for lost in self.lost):
                    self.lost.append(self._impossible(spot, bare))
                found = self._elsewhere(ground, allowed)
                if found is None:
                    continue
                spot = found
            self.spots.append(spot)
            joined = True
        return joined

    def _elsewhere(self, ground: Ground, allowed: float) -> Spot | None:
        """Return the worst point of the first look that is above and can be brought down.

        A gap beside a wall is no reason to leave the wall as it is.
        """
        xy, seen = ground.first
        total, bare = ground.kerma(seen, self.losses), ground.kerma(seen, self._closed())
        with np.errstate(invalid="ignore"):
            can = (total > allowed * (1.0 + _SLACK)) & (bare <= allowed * (1.0 - 1e-6))
        for at in sorted(np.flatnonzero(can), key=lambda n: (-total[n], n)):
            point = (float(xy[at, 0]), float(xy[at, 1]))
            spot = Spot(ground, point, allowed, ground.spot(point))
            if not self.kept(spot) and self.left_bare(spot) <= allowed * (1.0 - 1e-6):
                return spot
        return None

    def _closed(self) -> Passing:
        """Return the losses with every barrier that may be thickened letting nothing through."""
        closed = np.array(
            [[self.helps(e, n) for n in range(len(self.extras))]
             for e in range(len(self.scene.emissions))], bool,
        ).reshape(self.losses.hard.shape)  # fmt: skip
        return replace(self.losses, hard=np.where(closed, -1e6, self.losses.hard))

    def _impossible(self, spot: Spot, bare: float) -> Impossible:
        parts = [p for p in self.parts(spot) if not p[2] and p[0] > 0.0]
        names = dict.fromkeys(self.scene.emissions[n].name for _, n, _ in parts)
        ratio = bare / spot.allowed
        return Impossible(
            spot.ground.area.key, spot.xy, ratio,
            f"{spot.ground.area.name}: {', '.join(names)} reaches x = {spot.xy[0]:.2f} m, "
            f"y = {spot.xy[1]:.2f} m past every barrier that can be thickened, with {ratio:.3g} "
            "times what is allowed. Close the gap, draw the barrier from floor to slab, or move "
            "the source.",
        )  # fmt: skip

    def solve(self) -> Needs:
        """Return the extras that make all areas adequate, and what none can."""
        for _ in range(_ROUNDS):
            if not self.look():
                break
            while True:
                failing = [s for s in self.spots if not self.kept(s)]
                if not failing:
                    break
                before = self.extras.copy()
                self.satisfy(max(failing, key=lambda s: (self.total(s) / s.allowed, s.xy)))
                if np.array_equal(before, self.extras):
                    break
            self.trim()
        needs = tuple(
            self._need(n) for n in range(len(self.extras)) if self.extras[n] > 0.0
        )  # fmt: skip
        return Needs(needs, tuple(self.lost), tuple(self.last) if needs else ())

    def _need(self, n: int) -> BarrierNeed:
        built = self.scene.structure
        thinner = self.losses.with_column(n, *self.column(n, max(0.0, self.extras[n] - 0.01)))
        spot = max(self.spots, key=lambda s: self.total(s, thinner) / s.allowed)
        return BarrierNeed(
            built.keys[n], built.names[n], float(self.extras[n]), self.materials[n],
            spot.ground.area.key, spot.xy, record_of(self, n, spot),
        )  # fmt: skip


def needs(
    scene: Scene, grounds: Sequence[Ground], material_for: Mapping[str, str] | None = None
) -> Needs:
    """Return what every barrier and slab of a plan still needs.

    Parameters
    ----------
    scene, grounds
        Of a plan without blocking faults, its areas made ready.
    material_for
        Material by key of barrier or slab, or by kind: ``wall``, ``door``, ``window``, ``screen``,
        ``slab``. Lead when not given, concrete for slabs.

    Raises
    ------
    InputError
        As `kerma.physics.shielding.archer.curve`.
    """
    return Solver(scene, grounds, material_for).solve()
