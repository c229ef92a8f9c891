"""Air kerma anywhere in a plan: straight rays in three dimensions, many sources and points at once.

K(p) = Σ K1 s(direction) / d² B(what the ray crosses). Thickness counts as crossed at right angles.
Which barriers a ray crosses depends on the drawing alone, so it is worked out once and kept while
thicknesses change.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike, NDArray

from kerma.core import InputError
from kerma.physics.shielding._crossing import Meeting, meeting
from kerma.physics.shielding.plan.document import Layer, PlacedSource, Plan
from kerma.physics.shielding.plan.emission import Emission
from kerma.physics.shielding.plan.emissions import emissions
from kerma.physics.shielding.plan.structure import (
    Panel,
    Structure,
    behind_receptor,
    merged,
    passing,
    structure,
)

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]
# Nearer to a source than this nothing is stated, m; as in `kerma.physics.shielding.room`.
CLOSEST_M = 0.1
_WORD = 64  # bits of the integers rows are told apart by


def position(plan: Plan, source: PlacedSource) -> tuple[float, float, float]:
    """Return where a source is, m from the origin and above the datum."""
    x, y = source.position
    return (x, y, plan.storey(source.storey).floor_m + source.height_m)


def crossed(built: Structure, origin: Sequence[float], points: Array) -> Mask:
    """Return which columns of a structure the rays from a source to points (n, 3) cross.

    Ends of a panel belong to it, so a joint of two is no gap. A ray along a panel does not count,
    nor does a point on its near face.
    """
    from kerma.physics.shielding.plan._compiled import cross

    found: Mask = np.zeros((len(points), len(built.panels) + len(built.levels)), bool)
    px, py, pz = (float(v) for v in origin)
    cross(np.ascontiguousarray(points, float), px, py, pz, *built.numbers, found)
    return found


def crossed_plainly(built: Structure, origin: Sequence[float], points: Array) -> Mask:
    """Return what `crossed` does, without compiled code: its reference."""
    px, py, pz = (float(v) for v in origin)
    rx, ry, rz = points[:, 0] - px, points[:, 1] - py, points[:, 2] - pz
    columns = [_cross_panel(panel, (px, py, pz), rx, ry, rz) for panel in built.panels]
    columns += [(pz - level.z_m) * (points[:, 2] - level.z_m) < 0.0 for level in built.levels]
    found: Mask = np.stack(columns, axis=1) if columns else np.zeros((len(points), 0), bool)
    return found


def _cross_panel(
    panel: Panel, origin: tuple[float, float, float], rx: Array, ry: Array, rz: Array
) -> Mask:
    along = (panel.end[0] - panel.start[0], panel.end[1] - panel.start[1])
    met = meeting(origin[:2], rx, ry, panel.start, along)
    if not met.hit.any():
        return met.hit
    z = origin[2] * met.size + met.t * rz
    hit = met.hit & _within(met, z, (*panel.span, panel.low_m, panel.high_m))
    for cut in panel.cuts:
        hit &= ~_within(met, z, cut)
    return hit


def _within(met: Meeting, z: Array, bounds: tuple[float, float, float, float]) -> Mask:
    """Return what lies in a rectangle of a panel; heights are scaled as the meetings are."""
    s0, s1, z0, z1 = bounds
    found: Mask = met.between(s0, s1) & (
        (z >= z0 * met.size - met.slack) & (z <= z1 * met.size + met.slack)
    )
    return found


def patterns(hits: Mask) -> tuple[Mask, NDArray[np.intp]]:
    """Return the distinct rows of a table of crossings, and which of them each row is."""
    index: NDArray[np.intp] = np.zeros(len(hits), np.intp)
    # Most columns are crossed by no ray: they tell no row from another.
    used = hits[:, hits.any(axis=0)]
    padded = np.zeros((len(hits), 8 * -(-used.shape[1] // _WORD)), np.uint8)
    packed = np.packbits(used, axis=1)
    padded[:, : packed.shape[1]] = packed
    first: NDArray[np.intp] = np.zeros(1, np.intp)
    for n, word in enumerate(padded.view(np.uint64).T):
        if n:
            _, each = np.unique(word, return_inverse=True)
            word = index * (int(each.max(initial=0)) + 1) + each
        _, first, index = np.unique(word, return_index=True, return_inverse=True)
    return hits[first] if len(hits) else hits[:0], index


@dataclass(frozen=True)
class Passing:
    """What each emission's radiation loses in each column: see `structure.passing`.

    Attributes
    ----------
    hard, excess
        Emissions by columns; a column without credit is 0 and infinite.
    base
        Of each emission, ln B where no column with credit is crossed.
    """

    hard: Array
    excess: Array
    base: Array

    def transmission(self, emission: int, rows: Mask) -> Array:
        """Return B of an emission for rows of crossings."""
        least = np.where(rows, self.excess[emission], np.inf).min(axis=1, initial=np.inf)
        total = rows @ self.hard[emission] + np.where(
            np.isfinite(least), least, self.base[emission]
        )
        found: Array = np.exp(total)
        return found

    def without(self, columns: Mask) -> Passing:
        """Return the same with some columns taken for air."""
        return Passing(
            np.where(columns, 0.0, self.hard), np.where(columns, np.inf, self.excess), self.base
        )

    def with_column(self, column: int, hard: Array, excess: Array) -> Passing:
        """Return the same with another barrier in one column."""
        found = Passing(self.hard.copy(), self.excess.copy(), self.base)
        found.hard[:, column], found.excess[:, column] = hard, excess
        return found


@dataclass(frozen=True)
class Sight:
    """Points as a source sees them, each at one height or at several.

    Attributes
    ----------
    of
        Numbers of the source's emissions.
    free
        Kerma without any barrier, mGy in the period: emissions by points by heights.
    rows, index
        Distinct crossings, and which of them each point has at each height.
    distance
        From the source, m.
    heights
        Of the points above the datum, m.
    """

    of: tuple[int, ...]
    free: Array
    rows: Mask
    index: NDArray[np.intp]
    distance: Array
    heights: Array

    def each(self, losses: Passing) -> Array:
        """Return the kerma of each emission at each point and height."""
        found: Array = np.empty_like(self.free)
        for n, emission in enumerate(self.of):
            passed = losses.transmission(emission, self.rows)
            found[n] = self.free[n] * passed[self.index]
        return found

    def kerma(self, losses: Passing) -> Array:
        """Return the kerma of the source at each point: every emission at its worst height.

        Heights where nothing is known of an emission are left out, unless there is no other.
        """
        total: Array = np.fmax.reduce(self.each(losses), axis=2).sum(axis=0)
        return total


class Scene:
    """A plan made ready for rays: what is built, what is given out and how it passes.

    Parameters
    ----------
    plan
        Free of blocking faults.
    given
        Its emissions, where they are known already.
    """

    def __init__(self, plan: Plan, given: tuple[Emission, ...] | None = None) -> None:
        self.plan = plan
        self.emissions = emissions(plan) if given is None else given
        self.structure = structure(plan)
        self.of = {
            s.key: tuple(n for n, e in enumerate(self.emissions) if e.source == s.key)
            for s in plan.sources
        }
        self.sources = tuple(s for s in plan.sources if self.of[s.key])
        self.positions = {s.key: position(plan, s) for s in plan.sources}

    @cached_property
    def losses(self) -> Passing:
        """What the barriers let through as they are drawn."""
        keys = self.structure.keys
        hard = np.zeros((len(self.emissions), len(keys)))
        excess = np.full(hard.shape, np.inf)
        for n, key in enumerate(keys):
            hard[:, n], excess[:, n] = self.column(self.structure.layers[key])
        base = np.array([behind_receptor(e) for e in self.emissions], float)
        return Passing(hard, excess, base)

    @cached_property
    def judged(self) -> Passing:
        """What is let through with no credit for what does not close its storey."""
        return self.losses.without(self.structure.partial)

    def column(self, layers: Sequence[Layer]) -> tuple[Array, Array]:
        """Return the losses of every emission in a barrier of layers."""
        of = merged(layers)
        pairs = [passing(e, of, self.plan.rule) for e in self.emissions]
        return np.array([p[0] for p in pairs], float), np.array([p[1] for p in pairs], float)

    def again(self, source: PlacedSource, seen: Sight, points: Array) -> Sight:
        """Return points that were seen in another plan of the same structure and places."""
        away = points - np.asarray(self.positions[source.key])
        of = self.of[source.key]
        free = np.array([self.emissions[n].mgy_1m * self.emissions[n].spread(away) for n in of])
        return replace(seen, of=of, free=free.reshape(len(of), *seen.index.shape))

    def sight(self, source: PlacedSource, points: Array, heights: int = 1) -> Sight:
        """Return points as a source sees them.

        Parameters
        ----------
        source
            Of the plan.
        points
            (n × heights, 3), m: all heights of one after another.
        heights
            How many each has.
        """
        away = points - np.asarray(self.positions[source.key])
        distance = np.sqrt(np.einsum("ij,ij->i", away, away))
        rows, index = patterns(crossed(self.structure, self.positions[source.key], points))
        of = self.of[source.key]
        free = np.array([self.emissions[n].mgy_1m * self.emissions[n].spread(away) for n in of])
        shape = (len(points) // heights, heights)
        return Sight(
            of, free.reshape(len(of), *shape), rows, index.reshape(shape),
            distance.reshape(shape), points[:, 2].reshape(shape),
        )  # fmt: skip


@dataclass(frozen=True)
class KermaGrid:
    """Kerma over a storey, mGy in the period.

    Attributes
    ----------
    x, y
        Of columns and rows, m.
    height_m
        Above the storey's floor.
    by_source
        Kerma of each source, by its key; rows are y, columns x. Not a number nearer to a source
        than `CLOSEST_M`, and where nothing is known of it.
    total
        Of all sources; not a number where one is not known.
    """

    x: Array
    y: Array
    height_m: float
    by_source: Mapping[str, Array]
    total: Array


def grid(plan: Plan, storey: str, x: ArrayLike, y: ArrayLike, height_m: float = 1.0) -> KermaGrid:
    """Return the kerma on a grid over a storey, through all that is drawn.

    Parameters
    ----------
    plan
        Free of blocking faults (as `faults` finds them); areas are not needed.
    storey
        Its key.
    x, y
        Coordinates of the grid's columns and rows, m.
    height_m
        Above the storey's floor.

    Raises
    ------
    InputError
        ``unknown-storey``, ``outside-domain``; ``not-assessable``: a blocking fault of the drawing
        that is not about areas.
    """
    from kerma.physics.shielding.plan.faults import require

    require(plan, areas=False)
    if storey not in {s.key for s in plan.storeys}:
        raise InputError(f"There is no storey “{storey}”.", code="unknown-storey")
    across, down = np.asarray(x, float).ravel(), np.asarray(y, float).ravel()
    if not (across.size and down.size and np.isfinite(across).all() and np.isfinite(down).all()):
        raise InputError("A map has columns and rows at finite places.", code="outside-domain")
    if not 0.0 <= height_m <= plan.storey(storey).height_m:
        raise InputError("The map's height lies outside its storey.", code="outside-domain")
    gx, gy = np.meshgrid(across, down)
    z = np.full(gx.size, plan.storey(storey).floor_m + height_m)
    points = np.column_stack([gx.ravel(), gy.ravel(), z])
    scene = Scene(plan)
    held: dict[str, Array] = {}
    total = np.zeros(gx.shape)
    for source in scene.sources:
        seen = scene.sight(source, points)
        kerma = np.where(seen.distance[:, 0] >= CLOSEST_M, seen.kerma(scene.losses), np.nan)
        held[source.key] = kerma.reshape(gx.shape)
        total += held[source.key]
    return KermaGrid(across, down, height_m, held, total)


def kerma_at(scene: Scene, points: ArrayLike, *, judged: bool = False) -> Array:
    """Return the kerma of all sources at points (n, 3), mGy in the period.

    Parameters
    ----------
    scene
        Of the plan.
    points
        x, y and height above the datum, m.
    judged
        Without credit for what does not close its storey.
    """
    at = np.atleast_2d(np.asarray(points, float))
    losses = scene.judged if judged else scene.losses
    total: Array = np.zeros(len(at))
    for source in scene.sources:
        seen = scene.sight(source, at)
        total += np.where(seen.distance[:, 0] >= CLOSEST_M, seen.kerma(losses), np.nan)
    return total
