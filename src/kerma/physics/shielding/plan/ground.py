"""The search for the highest kerma in an area.

A first look over many points; then, about the best of them, ever closer, at the heights that were
worst there; at the end every height a centimetre apart. Where a ray grazes an edge of an opening or
a beam its rim is a height of its own at each point.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from kerma.physics.shielding.plan.document import Area, PlacedSource
from kerma.physics.shielding.plan.emission import Shadow
from kerma.physics.shielding.plan.levels import Cone, heights_of_steps
from kerma.physics.shielding.plan.places import (
    brought_in,
    height_m,
    may_stand,
    near,
    standing,
    step_m,
    top_m,
)
from kerma.physics.shielding.plan.rays import CLOSEST_M, Passing, Scene, Sight
from kerma.physics.shielding.plan.structure import REACHES_M, Panel, Structure

Array = NDArray[np.float64]
# The search ends when a step of less than a millimetre changes the highest kerma by less than this.
SETTLED = 1e-4
FINEST_M = 1e-3
# From so many of the best points of the first look the search goes on; so many heights are looked
# at first, and so many at the end. Design choices.
STARTS = 6
# Of the highest kerma, over the number of sources: less than this does not move the worst point.
NEGLIGIBLE = 1e-4
COARSE, FINE = 4, 211
_SECOND_M = 0.016
_MOST_STEPS = 8
_CROSS = np.array([(i, j) for i in (-2, -1, 0, 1, 2) for j in (-2, -1, 0, 1, 2)], float) / 2.0


@dataclass(frozen=True, slots=True)
class Way:
    """One emission at one point, at the height where it is worst.

    Attributes
    ----------
    emission
        Its number.
    kerma, free
        With and without barriers, mGy in the period.
    crossed
        Columns of the structure, from the source on.
    """

    emission: int
    kerma: float
    free: float
    height_m: float
    distance_m: float
    crossed: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Worst:
    """The highest kerma in an area.

    Attributes
    ----------
    kerma
        mGy in the period; not a number where nothing is known anywhere.
    known
        Whether the kerma is known at all points looked at.
    """

    point: tuple[float, float]
    kerma: float
    known: bool


class Ground:
    """An area made ready for the search: its points, and how the sources see them.

    Parameters
    ----------
    scene
        Of the plan.
    area
        To look over.
    like
        The same area of a plan that differs in what its uses give out only.
    """

    def __init__(self, scene: Scene, area: Area, like: Ground | None = None) -> None:
        self.scene, self.area, self.like = scene, area, like
        self.walls = near(scene.plan, area)
        self.own = {s.key: height_m(scene.plan, area, s)[0] for s in scene.sources}
        self.beams = {s.key: self._cones(s) for s in scene.sources}
        self.shadows = {s.key: self._shadows(s) for s in scene.sources}
        self.limited = {s.key: self._limited(s) for s in scene.sources}
        self.coarse = {s.key: self._heights(s, COARSE) for s in scene.sources}
        self.fine = {s.key: self._heights(s, FINE) for s in scene.sources}

    def _cones(self, source: PlacedSource) -> tuple[Cone, ...]:
        each = (self.scene.emissions[n].cone for n in self.scene.of[source.key])
        return tuple(cone for cone in each if cone is not None)

    def _shadows(self, source: PlacedSource) -> tuple[Shadow, ...]:
        each = (self.scene.emissions[n].shadow for n in self.scene.of[source.key])
        return tuple(shadow for shadow in each if shadow is not None)

    def _span(self) -> tuple[float, float]:
        """Return the lowest and highest height above the datum that are looked at, m."""
        plan = self.scene.plan
        return plan.storey(self.area.storey).floor_m, top_m(plan, self.area)

    def _limited(self, source: PlacedSource) -> tuple[Panel, ...]:
        """Return what rays on a source's own storey may pass over or under."""
        if self.area.storey != source.storey:
            return ()
        (floor, top), own = self._span(), self.own[source.key]
        return tuple(
            p for p in self.scene.structure.panels if p.storey == source.storey
            and (p.low_m > min(floor, own) + REACHES_M or p.high_m < max(top, own) - REACHES_M)
        )  # fmt: skip

    def _heights(self, source: PlacedSource, number: int) -> Array:
        """Return the heights above the datum to look at for a source everywhere, m."""
        own = self.own[source.key]
        turned = any(
            e.angular or e.cone or e.shadow
            for e in (self.scene.emissions[n] for n in self.scene.of[source.key])
        )
        if self.area.storey != source.storey or not (turned or self.limited[source.key]):
            return np.array([own])
        return np.unique(np.append(np.linspace(*self._span(), number), own))

    def _levels(self, source: PlacedSource, xy: Array, heights: Array) -> Array:
        """Return the heights to look at of each point (n, k): given ones, and those of its steps.

        Where a point has fewer than others the source's own stands again.
        """
        every = np.broadcast_to(heights, (len(xy), len(heights)))
        if self.area.storey != source.storey:
            return every
        steps = heights_of_steps(
            self.scene.positions[source.key], xy, self.limited[source.key],
            self.beams[source.key], self._span(),
        )  # fmt: skip
        steps[np.isnan(steps)] = self.own[source.key]
        return np.concatenate([every, steps], axis=1)

    @cached_property
    def first(self) -> tuple[Array, tuple[Sight, ...]]:
        """The points of the first look and how the sources see them."""
        if self.like is not None:
            return self._as_seen(*self.like.first)
        xy = standing(self.scene.plan, self.area, self.beams, self.shadows)
        seen = self.seen(xy, self.coarse)
        near = self._near(seen, len(xy))
        return (xy[~near], self.seen(xy[~near], self.coarse)) if near.any() else (xy, seen)

    def _as_seen(self, xy: Array, seen: Sequence[Sight]) -> tuple[Array, tuple[Sight, ...]]:
        return xy, tuple(
            self.scene.again(s, one, _points(xy, one.heights))
            for s, one in zip(self.scene.sources, seen, strict=True)
        )

    @staticmethod
    def _near(seen: Sequence[Sight], number: int) -> NDArray[np.bool_]:
        found = np.zeros(number, bool)
        for one in seen:
            found |= (one.distance < CLOSEST_M).any(axis=1)
        return found

    def seen(self, xy: Array, heights: Mapping[str, Array]) -> tuple[Sight, ...]:
        """Return points (n, 2) as the sources named in `heights` see them.

        At these heights (m), and where an edge or a rim lies over or under each point.
        """
        found = []
        for source in (s for s in self.scene.sources if s.key in heights):
            z = self._levels(source, xy, heights[source.key])
            found.append(self.scene.sight(source, _points(xy, z), z.shape[1]))
        return tuple(found)

    def spot(self, xy: Sequence[float]) -> tuple[Sight, ...]:
        """Return one point as the sources see it, at every height."""
        return self.seen(np.array([xy], float), self.fine)

    def kerma(self, seen: Sequence[Sight], losses: Passing) -> Array:
        """Return the kerma of all sources at points."""
        total: Array = np.zeros(len(seen[0].index)) if seen else np.zeros(0)
        for one in seen:
            total += one.kerma(losses)
        return total

    def ways(
        self, xy: Sequence[float], source: PlacedSource, seen: Sight, losses: Passing
    ) -> tuple[Way, ...]:
        """Return each emission of a source at a point, at the height where it is worst.

        Parameters
        ----------
        xy, seen
            The point, and how the source sees it (`spot`).
        source
            The source.
        losses
            What the barriers let through.
        """
        each = seen.each(losses)[:, 0, :]
        origin = self.scene.positions[source.key]
        found = []
        for n, number in enumerate(seen.of):
            known = np.where(np.isfinite(each[n]), each[n], -1.0)
            at = int(known.argmax())
            if known[at] < 0.0:
                continue
            z = float(seen.heights[0, at])
            away = np.array([xy[0], xy[1], z]) - np.asarray(origin)
            row = seen.rows[seen.index[0, at]]
            built = self.scene.structure
            hit = [int(c) for c in np.flatnonzero(row)]
            order = sorted(hit, key=lambda c: (along(built, c, origin, away), c))
            found.append(
                Way(number, float(each[n, at]), float(seen.free[n, 0, at]), z,
                    float(seen.distance[0, at]), tuple(order))
            )  # fmt: skip
        return tuple(found)

    def worst(self, losses: Passing) -> Worst | None:
        """Return the point of the highest kerma; ``None`` when nobody can stand in the area."""
        xy, seen = self.first
        if not len(xy):
            return None
        each = np.array([one.kerma(losses) for one in seen])
        found = each.sum(axis=0)
        known = bool(np.isfinite(found).all())
        if not np.isfinite(found).any():
            return Worst((float(xy[0, 0]), float(xy[0, 1])), float("nan"), False)
        best = self._starts(xy, np.where(np.isfinite(found), found, -1.0))
        # Where a source gives next to nothing anywhere it does not say where the worst point is.
        most = np.where(np.isfinite(each), each, 0.0).max(axis=1)
        few = most >= NEGLIGIBLE * float(np.nanmax(found)) / len(most)
        active = {s.key for s, n in zip(self.scene.sources, few, strict=True) if n}
        centres = self._closer(xy[best], step_m(self.area), losses, active)
        values = self._settled(centres, losses)
        top = centres[int(values.argmax())][None, :]
        again = self._closer(top, _SECOND_M, losses, active)
        every = np.concatenate([centres, again])
        values = np.concatenate([values, self._settled(again, losses)])
        at = int(values.argmax())
        return Worst((float(every[at, 0]), float(every[at, 1])), float(values[at]), known)

    def _settled(self, centres: Array, losses: Passing) -> Array:
        """Return the kerma at points, every height looked at."""
        found = self.kerma(self.seen(centres, self.fine), losses)
        return np.where(np.isfinite(found), found, -1.0)

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
        self, centres: Array, step: float, losses: Passing, active: AbstractSet[str]
    ) -> Array:
        """Move each point to the best about it, ever closer, at the heights worst at the start."""
        heights = self._worst_heights(centres, losses, active)
        values = self.kerma(self.seen(centres, heights), losses)
        while True:
            before = float(values.max())
            # Along the edge of a shadow the way up is narrow: go on as long as it rises.
            for _ in range(_MOST_STEPS):
                last = values
                centres, values = self._step(centres, values, step, heights, losses)
                if not (values > last * (1.0 + SETTLED)).any():
                    break
            step /= 2.0
            if step < FINEST_M and float(values.max()) - before <= SETTLED * before:
                return centres

    def _worst_heights(
        self, centres: Array, losses: Passing, active: AbstractSet[str]
    ) -> dict[str, Array]:
        found = {}
        sources = [s for s in self.scene.sources if s.key in active]
        fine = self.seen(centres, {s.key: self.fine[s.key] for s in sources})
        for source, seen in zip(sources, fine, strict=True):
            each = seen.each(losses)
            at = np.where(np.isfinite(each), each, -1.0).argmax(axis=2)
            held = np.take_along_axis(
                np.broadcast_to(seen.heights, at.shape[:1] + seen.heights.shape), at[..., None], 2
            )
            found[source.key] = np.unique(np.append(held, self.own[source.key]))
        return found

    def _step(
        self, centres: Array, values: Array, step: float, heights: Mapping[str, Array],
        losses: Passing,
    ) -> tuple[Array, Array]:  # fmt: skip
        """Move each point to the best of a few about it."""
        about = (centres[:, None, :] + step * _CROSS[None, :, :]).reshape(-1, 2)
        owner = np.repeat(np.arange(len(centres)), len(_CROSS))
        about = brought_in(self.area, about, self.walls)
        fine = may_stand(self.scene.plan, self.area, about, self.walls)
        about, owner = about[fine], owner[fine]
        if not len(about):
            return centres, values
        seen = self.seen(about, heights)
        found = self.kerma(seen, losses)
        found[self._near(seen, len(about))] = np.nan
        found = np.where(np.isfinite(found), found, -1.0)
        centres, values = centres.copy(), values.copy()
        for n in range(len(centres)):
            mine = np.flatnonzero(owner == n)
            if len(mine) and found[mine].max() > values[n]:
                at = mine[int(found[mine].argmax())]
                centres[n], values[n] = about[at], found[at]
        return centres, values


def _points(xy: Array, z: Array) -> Array:
    """Return points (n × heights, 3), all heights (n, heights) of one after another."""
    return np.column_stack([np.repeat(xy, z.shape[1], axis=0), z.ravel()])


def along(built: Structure, column: int, origin: Sequence[float], away: Array) -> float:
    """Return at which part of the way from a source a column of the structure is crossed."""
    if column >= len(built.panels):
        level = built.levels[column - len(built.panels)]
        return float((level.z_m - origin[2]) / away[2])
    panel = built.panels[column]
    ax, ay = panel.end[0] - panel.start[0], panel.end[1] - panel.start[1]
    wx, wy = panel.start[0] - origin[0], panel.start[1] - origin[1]
    return float((wx * ay - wy * ax) / (away[0] * ay - away[1] * ax))
