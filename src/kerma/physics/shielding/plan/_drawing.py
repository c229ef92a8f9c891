"""Faults of what is drawn: storeys, barriers, slabs, where sources stand, shapes of areas."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations, pairwise

import numpy as np

from kerma.physics.shielding.plan._geometry import (
    area_m2,
    crosses_itself,
    distance_to_segment,
    inside,
    running_together,
)
from kerma.physics.shielding.plan.document import Area, Barrier, Plan, Slab
from kerma.physics.shielding.plan.structure import heights, is_opening, is_partial, span_in

Found = Iterator[tuple[str, str, str, bool]]
# How far an opening may lie off the line of its wall or beyond its ends, and over what length two
# walls may lie in one another at a joint, m. Design choices: what a hand draws.
OFF_LINE_M = 0.05
JOINT_M = 0.05
LEAST_M = 1e-3  # shorter, lower or narrower than this is nothing
LEAST_AREA_M2 = 1e-4


def faults(plan: Plan) -> Found:
    """Yield code, key, message and whether it blocks, for all that is drawn."""
    yield from _storeys(plan)
    for barrier in plan.barriers:
        yield from _barrier(plan, barrier)
    yield from _overlaps(plan)
    yield from _slabs(plan)
    yield from _sources(plan)


def thickness_m(thing: Barrier | Slab) -> float:
    """Return the thickness of all layers together, m."""
    return sum(layer.mm for layer in thing.layers) / 1000.0


def faces_m(thing: Barrier | Slab) -> float:
    """Return the thickness without what the design adds, m.

    Points to judge keep their places while layers are added, so a design that needs more does not
    move its own measure.
    """
    return sum(layer.mm for layer in thing.layers if not layer.added) / 1000.0


def _storeys(plan: Plan) -> Found:
    for storey in plan.storeys:
        if not storey.height_m > LEAST_M:
            yield "no-height", storey.key, f"{storey.name} has no height.", True
    ordered = sorted(plan.storeys, key=lambda s: s.floor_m)
    for lower, upper in pairwise(ordered):
        if upper.floor_m < lower.floor_m + lower.height_m - 1e-9:
            yield (
                "storeys-overlap", upper.key,
                f"{upper.name} begins at {upper.floor_m:g} m, inside {lower.name}, which ends at "
                f"{lower.floor_m + lower.height_m:g} m.", True,
            )  # fmt: skip


def _barrier(plan: Plan, barrier: Barrier) -> Found:
    name, key = barrier.name, barrier.key
    if not barrier.length_m > LEAST_M:
        yield "no-length", key, f"{name} has no length: its two ends are one point.", True
        return
    if not barrier.layers:
        yield "no-layers", key, f"{name} has no layers: say what it is made of.", True
    elif not thickness_m(barrier) > 0.0:
        yield "no-thickness", key, f"{name} has layers without any thickness.", True
    low, high = heights(plan, barrier)
    if not high - low > LEAST_M or barrier.bottom_m < 0.0:
        yield (
            "no-height", key,
            f"{name} reaches from {barrier.bottom_m:g} m up to {high - low + barrier.bottom_m:g} m "
            "above its floor: it has no height.", True,
        )  # fmt: skip
    if is_opening(barrier):
        yield from _opening(plan, barrier)
    elif is_partial(plan, barrier):
        yield (
            "partial-height", key,
            f"{name} does not reach from the floor to the slab. Scatter over or under it is not "
            "known, so it is not credited where areas are judged.", False,
        )  # fmt: skip


def _opening(plan: Plan, barrier: Barrier) -> Found:
    name, key = barrier.name, barrier.key
    wall = next((b for b in plan.barriers if b.key == barrier.within and not is_opening(b)), None)
    if wall is None:
        yield "no-wall", key, f"{name} stands in no wall: say which wall it is in.", True
        return
    if not wall.length_m > LEAST_M:
        return
    off = distance_to_segment(np.array([barrier.start, barrier.end]), wall.start, wall.end)
    beyond = not (span_in(wall, barrier)[0] >= -OFF_LINE_M / wall.length_m
                  and span_in(wall, barrier)[1] <= 1 + OFF_LINE_M / wall.length_m)  # fmt: skip
    if wall.storey != barrier.storey or off.max() > OFF_LINE_M or beyond:
        yield "outside-wall", key, f"{name} does not lie within {wall.name}.", True
    (low, high), (bottom, top) = heights(plan, barrier), heights(plan, wall)
    if low < bottom - 1e-9 or high > top + 1e-9:
        yield "outside-wall", key, f"{name} reaches above or below {wall.name}.", True


def _overlaps(plan: Plan) -> Found:
    solid = [b for b in plan.barriers if b.length_m > LEAST_M]
    for one, other in combinations(solid, 2):
        if one.storey != other.storey or not _same_height(plan, one, other):
            continue
        if is_opening(one) != is_opening(other):
            continue
        if is_opening(one) and one.within != other.within:
            continue
        within = max((thickness_m(one) + thickness_m(other)) / 2.0, LEAST_M)
        if _apart(one, other, within):
            continue
        lines = ((one.start, one.end), (other.start, other.end))
        if running_together(*lines, within) > JOINT_M:
            yield (
                "overlap", other.key,
                f"{other.name} lies in {one.name}: over part of their length they are in one "
                "place, and both would be counted.", True,
            )  # fmt: skip


def _apart(one: Barrier, other: Barrier, within_m: float) -> bool:
    """Return whether two barriers are further apart than a distance, by the boxes about them."""
    return any(
        max(one.start[n], one.end[n]) < min(other.start[n], other.end[n]) - within_m
        or max(other.start[n], other.end[n]) < min(one.start[n], one.end[n]) - within_m
        for n in (0, 1)
    )


def _same_height(plan: Plan, one: Barrier, other: Barrier) -> bool:
    (a, b), (c, d) = heights(plan, one), heights(plan, other)
    return min(b, d) - max(a, c) > LEAST_M


def _slabs(plan: Plan) -> Found:
    floors: dict[str, str] = {}
    for slab in plan.slabs:
        storey = plan.storey(slab.storey)
        if slab.storey in floors:
            yield (
                "overlap", slab.key,
                f"{slab.name} and {floors[slab.storey]} are both the floor of {storey.name}.", True,
            )  # fmt: skip
        floors[slab.storey] = slab.name
        if not slab.layers:
            yield "no-layers", slab.key, f"{slab.name} has no layers.", True
        elif not thickness_m(slab) > 0.0:
            yield "no-thickness", slab.key, f"{slab.name} has layers without any thickness.", True
    for key in sorted(_floors_between(plan) - floors.keys()):
        yield (
            "no-slab", key,
            f"{plan.storey(key).name} has no floor slab, and there is a source on one side and "
            "an area on the other. It counts as air.", False,
        )  # fmt: skip


def _floors_between(plan: Plan) -> set[str]:
    """Return the storeys whose floor lies between a source and an area."""
    found = set()
    at = {s.key: s.floor_m for s in plan.storeys}
    for source in {s.storey for s in plan.sources}:
        for area in {a.storey for a in plan.areas}:
            low, high = sorted((at[source], at[area]))
            found |= {key for key, floor in at.items() if low < floor <= high}
    return found


def _sources(plan: Plan) -> Found:
    for source in plan.sources:
        storey = plan.storey(source.storey)
        z = storey.floor_m + source.height_m
        if not 0.0 <= source.height_m <= storey.height_m:
            yield (
                "source-outside-storey", source.key,
                f"{source.name} is {source.height_m:g} m above the floor of {storey.name}, which "
                f"is {storey.height_m:g} m high.", True,
            )  # fmt: skip
        at = np.array([source.position])
        for barrier in plan.barriers:
            low, high = heights(plan, barrier)
            if barrier.storey != source.storey or not low <= z <= high:
                continue
            gap = float(distance_to_segment(at, barrier.start, barrier.end)[0])
            if not gap > thickness_m(barrier) / 2.0:
                yield (
                    "source-in-barrier", source.key,
                    f"{source.name} stands inside {barrier.name}: move one of them.", True,
                )  # fmt: skip
        for area in plan.areas:
            same = area.storey == source.storey and len(area.polygon) >= 3
            if same and inside(at, area.polygon)[0]:
                yield (
                    "source-in-area", area.key,
                    f"{source.name} stands in {area.name}: nothing shields that area from it.",
                    False,
                )  # fmt: skip


def polygon(area: Area) -> Found:
    """Yield what is wrong with the shape of an area."""
    corners = [p for n, p in enumerate(area.polygon) if p != area.polygon[n - 1]]
    if len(set(corners)) < 3:
        yield "few-corners", area.key, f"{area.name} needs at least three corners.", True
    elif crosses_itself(corners):
        yield "crosses-itself", area.key, f"The outline of {area.name} crosses itself.", True
    elif not area_m2(corners) > LEAST_AREA_M2:
        yield "no-size", area.key, f"{area.name} has no size.", True
