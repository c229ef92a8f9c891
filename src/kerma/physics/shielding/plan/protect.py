"""The highest kerma in each area, where it is and through what, against what is allowed there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kerma.core import InputError, Quantity, quantity
from kerma.core.codec import encode
from kerma.physics.calculation import Calculation
from kerma.physics.shielding import bir, ncrp
from kerma.physics.shielding.plan._record import record_of
from kerma.physics.shielding.plan.document import (
    DESIGNATIONS,
    METHODS,
    PERIODS,
    Area,
    PlacedSource,
)
from kerma.physics.shielding.plan.places import height_m, may_stand, standing, step_m
from kerma.physics.shielding.plan.rays import CLOSEST_M, Passing, Scene, Sight

Array = NDArray[np.float64]
CONSTRAINT = "bir/design_criterion/dose-constraint-for-public-and-for-staff-not-working-with"
_GOALS = {"ncrp147": ("controlled", "uncontrolled"), "uk": ("uncontrolled",)}
# The search ends when a step of less than a millimetre changes the highest kerma by less than this.
SETTLED = 1e-4
FINEST_M = 1e-3
# From so many of the best points of the first look the search goes on. Design choice.
STARTS = 6
_CROSS = np.array([(i, j) for i in (-2, -1, 0, 1, 2) for j in (-2, -1, 0, 1, 2)], float) / 2.0


@dataclass(frozen=True, slots=True)
class SourceShare:
    """What one source gives at a point.

    Attributes
    ----------
    kerma_mgy
        In the method's period.
    barriers
        Keys of what its rays cross, from the source on.
    transmission
        Kerma over kerma without any barrier; ``None`` where the source gives nothing anyway.
    distance_m
        From the source to the point.
    """

    source: str
    name: str
    kerma_mgy: float
    barriers: tuple[str, ...]
    transmission: float | None
    distance_m: float


@dataclass(frozen=True, slots=True)
class AreaFinding:
    """What was found of one area.

    Attributes
    ----------
    point
        Of the highest kerma, m on the plan; ``None`` where nobody can stand.
    kerma
        There, in the method's period, without credit for barriers that do not close their storey.
    direct
        There, with all barriers as drawn; it says nothing of scatter over a screen.
    allowed
        Goal over occupancy.
    ratio
        Kerma over what is allowed.
    adequate
        ``None`` where it cannot be said.
    why
        In words.
    by_source
        The sources at that point, the largest kerma first.
    calculation
        The kerma at that point, worked out in full.
    """

    key: str
    name: str
    point: tuple[float, float] | None
    kerma: Quantity | None
    direct: Quantity | None
    goal: Quantity
    occupancy: float
    allowed: Quantity
    ratio: float | None
    adequate: bool | None
    why: str
    by_source: tuple[SourceShare, ...] = ()
    calculation: Calculation | None = None

    def as_dict(self) -> dict[str, Any]:
        """Return plain data."""
        data: dict[str, Any] = encode(replace(self, calculation=None))
        data["calculation"] = self.calculation.as_dict() if self.calculation else None
        return data


def goal(method: str, area: Area) -> tuple[Quantity, str]:
    """Return the goal of an area in the method's period, mGy, and the row it is from.

    The area's own goal has no row.

    Raises
    ------
    InputError
        ``no-goal``: it has none, and the method holds none for its designation.
    """
    if area.goal is not None:
        return quantity(area.goal, "mGy"), ""
    if not has_goal(method, area.designation):
        raise InputError(
            f"{area.name} is a {DESIGNATIONS[area.designation].lower()}; by the {METHODS[method]} "
            f"no goal is held for one. State its goal per {PERIODS[method]}.",
            code="no-goal",
        )
    if method == "uk":
        return bir.constraint(), CONSTRAINT
    return ncrp.design_goal(area.designation), f"ncrp147/design_goals/{area.designation}"


def has_goal(method: str, designation: str) -> bool:
    """Return whether a method has a goal of its own for a designation."""
    return designation in _GOALS[method]


class Ground:
    """An area made ready for the search: its points, and how the sources see them.

    Parameters
    ----------
    scene
        Of the plan.
    area
        To look over.
    """

    def __init__(self, scene: Scene, area: Area) -> None:
        self.scene, self.area = scene, area
        self.heights = {s.key: height_m(scene.plan, area, s)[0] for s in scene.sources}

    @cached_property
    def first(self) -> tuple[Array, tuple[Sight, ...]]:
        """The points of the first look and how the sources see them."""
        xy = standing(self.scene.plan, self.area)
        return self.clear(xy)

    def clear(self, xy: Array) -> tuple[Array, tuple[Sight, ...]]:
        """Return the points (n, 2) that are not too near a source, as the sources see them."""
        seen = self.seen(xy)
        near = np.zeros(len(xy), bool)
        for one in seen:
            near |= one.distance < CLOSEST_M
        if near.any():
            xy = xy[~near]
            seen = self.seen(xy)
        return xy, seen

    def seen(self, xy: Array) -> tuple[Sight, ...]:
        """Return points (n, 2) as the sources see them, each at its height."""
        return tuple(
            self.scene.sight(s, np.column_stack([xy, np.full(len(xy), self.heights[s.key])]))
            for s in self.scene.sources
        )

    def at(self, xy: Sequence[float], source: PlacedSource) -> Array:
        """Return one point of the area in three dimensions, as it is judged for a source."""
        return np.array([[xy[0], xy[1], self.heights[source.key]]])

    def kerma(self, seen: Sequence[Sight], losses: Passing) -> Array:
        """Return the kerma of all sources at points."""
        total: Array = np.zeros(seen[0].index.shape) if seen else np.zeros(0)
        for one in seen:
            total += one.kerma(losses)
        return total

    def worst(self, losses: Passing) -> tuple[tuple[float, float], float, bool] | None:
        """Return the point of the highest kerma, that kerma, and whether all kermas are known.

        ``None`` when nobody can stand in the area.
        """
        xy, seen = self.first
        if not len(xy):
            return None
        found = self.kerma(seen, losses)
        known = bool(np.isfinite(found).all())
        if not np.isfinite(found).any():
            return (float(xy[0, 0]), float(xy[0, 1])), float("nan"), False
        best = self._starts(xy, np.where(np.isfinite(found), found, -1.0))
        centres, values = xy[best], found[best]
        step = step_m(self.area)
        while True:
            before = float(values.max())
            centres, values = self._closer(centres, values, step, losses)
            step /= 2.0
            if step < FINEST_M and float(values.max()) - before <= SETTLED * before:
                break
        at = int(values.argmax())
        return (float(centres[at, 0]), float(centres[at, 1])), float(values[at]), known

    def _starts(self, xy: Array, found: Array) -> list[int]:
        """Return the best points of the first look, no two of them neighbours."""
        apart = 2.0 * step_m(self.area)
        left = found.copy()
        chosen: list[int] = []
        while len(chosen) < STARTS:
            at = int(left.argmax())
            if left[at] < 0.0:
                break
            chosen.append(at)
            left[np.hypot(*(xy - xy[at]).T) < apart] = -1.0
        return chosen

    def _closer(
        self, centres: Array, values: Array, step: float, losses: Passing
    ) -> tuple[Array, Array]:
        """Move each start to the best of the points about it."""
        about = (centres[:, None, :] + step * _CROSS[None, :, :]).reshape(-1, 2)
        owner = np.repeat(np.arange(len(centres)), len(_CROSS))
        fine = may_stand(self.scene.plan, self.area, about)
        about, owner = about[fine], owner[fine]
        if not len(about):
            return centres, values
        seen = self.seen(about)
        found = self.kerma(seen, losses)
        for one in seen:
            found[one.distance < CLOSEST_M] = np.nan
        found = np.where(np.isfinite(found), found, -1.0)
        centres, values = centres.copy(), values.copy()
        for n in range(len(centres)):
            mine = np.flatnonzero(owner == n)
            if len(mine) and found[mine].max() > values[n]:
                at = mine[int(found[mine].argmax())]
                centres[n], values[n] = about[at], found[at]
        return centres, values


def shares(ground: Ground, xy: Sequence[float], losses: Passing) -> tuple[SourceShare, ...]:
    """Return what each source gives at a point of an area, the largest first."""
    found = []
    built = ground.scene.structure
    for source in ground.scene.sources:
        seen = ground.scene.sight(source, ground.at(xy, source))
        kerma = float(seen.kerma(losses)[0])
        bare = float(seen.free.sum())
        hit = [int(n) for n in np.flatnonzero(seen.rows[0])]
        away = ground.at(xy, source)[0] - np.asarray(ground.scene.positions[source.key])
        order = sorted(hit, key=lambda n: along(built, n, ground.scene.positions[source.key], away))
        found.append(
            SourceShare(
                source.key, source.name, kerma, tuple(built.keys[n] for n in order),
                kerma / bare if bare > 0.0 else None, float(seen.distance[0]),
            )
        )  # fmt: skip
    return tuple(sorted(found, key=lambda s: (-s.kerma_mgy, s.source)))


def along(built: Any, column: int, origin: Sequence[float], away: Array) -> float:
    """Return at which part of the way from a source a column of the structure is crossed."""
    if column >= len(built.panels):
        level = built.levels[column - len(built.panels)]
        return float((level.z_m - origin[2]) / away[2])
    panel = built.panels[column]
    ax, ay = panel.end[0] - panel.start[0], panel.end[1] - panel.start[1]
    wx, wy = panel.start[0] - origin[0], panel.start[1] - origin[1]
    return float((wx * ay - wy * ax) / (away[0] * ay - away[1] * ax))


def protect(scene: Scene, grounds: Sequence[Ground] | None = None) -> tuple[AreaFinding, ...]:
    """Return what is found of every area of a plan, in its order.

    Parameters
    ----------
    scene
        Of a plan without blocking faults.
    grounds
        Its areas made ready, where they are already.
    """
    ready = grounds if grounds is not None else [Ground(scene, a) for a in scene.plan.areas]
    return tuple(_finding(ground) for ground in ready)


def _finding(ground: Ground) -> AreaFinding:
    scene, area = ground.scene, ground.area
    aim, name = goal(scene.plan.method, area)
    allowed = quantity(aim.value / area.occupancy, "mGy", None if aim.u is None else
                       aim.u / area.occupancy)  # fmt: skip
    held = ground.worst(scene.judged)
    common: dict[str, Any] = {
        "key": area.key, "name": area.name, "goal": aim, "occupancy": area.occupancy,
        "allowed": allowed,
    }  # fmt: skip
    if held is None:
        why = f"Nobody can stand in {area.name} far enough from its walls to be judged."
        return AreaFinding(point=None, kerma=None, direct=None, ratio=None, adequate=None, why=why,
                           **common)  # fmt: skip
    point, kerma, known = held
    if not np.isfinite(kerma):
        why = f"No point of {area.name} lies among the measured points of the isodoses."
        return AreaFinding(point=point, kerma=None, direct=None, ratio=None, adequate=None,
                           why=why, **common)  # fmt: skip
    by_source = shares(ground, point, scene.judged)
    made = record_of(ground, point, scene.judged, aim, name)
    direct = sum(s.kerma_mgy for s in shares(ground, point, scene.losses))
    ratio = kerma / allowed.value
    adequate, why = _judged(ground, ratio, known, direct, allowed.value)
    return AreaFinding(
        point=point, kerma=made.value, direct=quantity(direct, "mGy"), ratio=ratio,
        adequate=adequate, why=why, by_source=by_source, calculation=made, **common,
    )  # fmt: skip


def _judged(
    ground: Ground, ratio: float, known: bool, direct: float, allowed: float
) -> tuple[bool | None, str]:
    """Return whether an area is adequate, and why, in words."""
    per = ground.scene.plan.period
    kept = ratio <= 1.0 + 1e-9
    words = (
        f"The highest kerma is {ratio * allowed:.3g} mGy per {per}, {100 * ratio:.3g} % of the "
        f"{allowed:.3g} mGy that are allowed."
    )
    adequate: bool | None = kept
    if not known and kept:
        adequate = None
        words += " Part of the area lies outside the measured points of the isodoses."
    screens = _screens(ground)
    if screens:
        words += (
            f" {' and '.join(screens)}: not from floor to slab, so not credited. Direct radiation "
            f"through it would be {direct:.3g} mGy at that point; what is scattered over it is not "
            "known."
        )
    return adequate, words


def _screens(ground: Ground) -> list[str]:
    """Return the barriers of partial height that stand between an area's points and a source."""
    built, partial = ground.scene.structure, ground.scene.structure.partial
    crossed = np.zeros(len(partial), bool)
    for seen in ground.first[1]:
        crossed |= seen.rows.any(axis=0)
    return [built.names[n] for n in np.flatnonzero(crossed & partial)]


def ratios(found: Sequence[AreaFinding]) -> Mapping[str, float | None]:
    """Return kerma over allowed by area."""
    return {f.key: f.ratio for f in found}
