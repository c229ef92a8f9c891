"""Where somebody may stand in an area, and which of these points to look at first.

Points lie in the area's outline and at least the method's distance (0.3 m) from the faces of the
barriers of its storey. Heights on a source's own storey: the source's own, so that the distance is
the horizontal one, and, where radiation or shielding depend on height, every height from the floor
to 2.1 m, the largest kerma counting. 0.5 m above the floor when the source is below, 1.7 m when it
is above (rows ``ncrp147/reference_points``, ``bir/distances``).
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from kerma.physics.shielding._expression import stated
from kerma.physics.shielding.plan._drawing import faces_m
from kerma.physics.shielding.plan._geometry import (
    SLACK_M,
    distance_to_segment,
    edges,
    inside,
    line_meetings,
    nearest_on,
)
from kerma.physics.shielding.plan.beams import bearings, shadow_bearings, shadow_edges, spots
from kerma.physics.shielding.plan.document import Area, Barrier, PlacedSource, Plan
from kerma.physics.shielding.plan.emission import Shadow
from kerma.physics.shielding.plan.levels import Cone
from kerma.physics.shielding.plan.structure import heights, is_opening
from kerma.reference import row

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]
_ROWS = {
    "ncrp147": {
        "wall": "ncrp147/reference_points/wall", "above": "ncrp147/reference_points/ceiling",
        "below": "ncrp147/reference_points/floor",
    },
    "uk": dict.fromkeys(("wall", "above", "below"), "bir/distances"),
}  # fmt: skip
TOP = "ncrp147/reference_points/wall_shielding_height"
_COLUMNS = {
    "wall": "wall_m",
    "above": "above_floor_of_room_above_m",
    "below": "above_floor_of_room_below_m",
}
# How densely an area is looked over before the best points are refined. Design choices.
GRID = 41
ALONG = 25
ROUND = 16
LEVELS = 9
BESIDE_RAD = 1e-6


def reference_m(method: str, where: str) -> tuple[float, str]:
    """Return a distance of the method's reference points, m, and its row.

    Parameters
    ----------
    method
        Of the plan.
    where
        ``wall``, ``above`` or ``below``.
    """
    name = _ROWS[method][where]
    held = row(name)
    if method == "uk":
        return held.number(_COLUMNS[where]), name
    return stated(held, "point", r"([\d.]+) m"), name


def height_m(plan: Plan, area: Area, source: PlacedSource) -> tuple[float, str]:
    """Return the height above the datum an area is judged at for a source, and the row it is from.

    The row is empty on the source's own storey.
    """
    here, there = plan.storey(area.storey), plan.storey(source.storey)
    if area.storey == source.storey:
        return there.floor_m + source.height_m, ""
    above = here.floor_m > there.floor_m
    height, name = reference_m(plan.method, "above" if above else "below")
    return here.floor_m + height, name


def top_m(plan: Plan, area: Area) -> float:
    """Return the highest point above the datum that is looked at on a source's own storey, m."""
    storey = plan.storey(area.storey)
    return storey.floor_m + min(stated(row(TOP), "point", r"([\d.]+) m"), storey.height_m)


def near(plan: Plan, area: Area) -> list[tuple[Barrier, float]]:
    """Return the barriers near an area with the distance to keep from their lines, m."""
    from_face, _ = reference_m(plan.method, "wall")
    low, high = _box(area)
    found = []
    for barrier in plan.barriers:
        keep = from_face + faces_m(barrier) / 2.0
        (ax, ay), (bx, by) = barrier.start, barrier.end
        beside = (
            max(ax, bx) < low[0] - keep or min(ax, bx) > high[0] + keep
            or max(ay, by) < low[1] - keep or min(ay, by) > high[1] + keep
        )  # fmt: skip
        if barrier.storey == area.storey and not beside:
            found.append((barrier, keep))
    return found


def may_stand(
    plan: Plan, area: Area, xy: Array, walls: list[tuple[Barrier, float]] | None = None
) -> Mask:
    """Return which points (n, 2) somebody may stand at and be judged.

    Parameters
    ----------
    plan, area, xy
        The area and the points, m.
    walls
        Of `near`, where they are known.
    """
    found = inside(xy, area.polygon)
    for barrier, keep in near(plan, area) if walls is None else walls:
        if not found.any():
            break
        found[found] = distance_to_segment(xy[found], barrier.start, barrier.end) >= keep - SLACK_M
    return found


def brought_in(area: Area, xy: Array, walls: list[tuple[Barrier, float]]) -> Array:
    """Return points (n, 2), those outside moved to the outline, those too near a wall away from it.

    A search that steps over an oblique edge so goes on along it.

    Parameters
    ----------
    area, xy
        The area and the points, m.
    walls
        Of `near`.
    """
    moved = xy.copy()
    outside = ~inside(moved, area.polygon)
    if outside.any():
        away = moved[outside]
        each = np.stack([nearest_on(away, a, b) for a, b in edges(area.polygon)])
        gaps = np.hypot(*np.moveaxis(each - away, 2, 0))
        moved[outside] = each[gaps.argmin(axis=0), np.arange(len(away))]
    for barrier, keep in walls:
        foot = nearest_on(moved, barrier.start, barrier.end)
        gap = np.hypot(*(moved - foot).T)
        near = (gap > 0.0) & (gap < keep)
        moved[near] = foot[near] + (moved[near] - foot[near]) * (keep / gap[near])[:, None]
    return moved


def standing(
    plan: Plan, area: Area, beams: Mapping[str, Sequence[Cone]] | None = None,
    shadows: Mapping[str, Sequence[Shadow]] | None = None,
) -> Array:  # fmt: skip
    """Return the points (n, 2) an area is first looked at; none when nobody can stand there.

    Parameters
    ----------
    plan, area
        The area.
    beams
        Axis and half angle (degrees) of the beams of each source, by its key.
    shadows
        Of the gantry of each source, by its key.
    """
    parts = [
        _grid(area), _outline(area), _offsets(plan, area), _corners(plan, area),
        _feet(plan, area), _sectors(plan, area), _shadows(plan, area),
        _spots(plan, area, beams or {}), _edges_of_shadows(plan, area, shadows or {}),
    ]  # fmt: skip
    every = np.concatenate(parts)
    low, high = _box(area)
    every = every[((every >= low - SLACK_M) & (every <= high + SLACK_M)).all(axis=1)]
    every = every[may_stand(plan, area, every)]
    # Sorted, so that the order of the drawing does not choose between equal points.
    every = every[np.lexsort(every.T)]
    again = (every[1:] == every[:-1]).all(axis=1)
    return np.asarray(np.delete(every, np.flatnonzero(again) + 1, axis=0), float)


def has_place(plan: Plan, area: Area) -> bool:
    """Return whether somebody can stand anywhere in an area and be judged."""
    return bool(may_stand(plan, area, _grid(area)).any()) or len(standing(plan, area)) > 0


def _box(area: Area) -> tuple[Array, Array]:
    corners = np.asarray(area.polygon, float)
    return corners.min(axis=0), corners.max(axis=0)


def step_m(area: Area) -> float:
    """Return the spacing of the first look over an area, m."""
    low, high = _box(area)
    return float((high - low).max()) / (GRID - 1)


def _grid(area: Area) -> Array:
    low, high = _box(area)
    step = step_m(area)
    counts = [max(2, round((h - v) / step) + 1) for v, h in zip(low, high, strict=True)]
    axes = [np.linspace(v, h, n) for v, h, n in zip(low, high, counts, strict=True)]
    return np.stack(np.meshgrid(*axes), axis=-1).reshape(-1, 2)


def _outline(area: Area) -> Array:
    part = np.linspace(0.0, 1.0, ALONG)[:, None]
    lines = [np.asarray(a) + part * (np.asarray(b) - np.asarray(a)) for a, b in edges(area.polygon)]
    return np.concatenate(lines)


def _sides(plan: Plan, area: Area) -> list[tuple[Array, Array]]:
    """Return the lines at the distance to keep from each barrier near an area, both sides."""
    found = []
    for barrier, keep in near(plan, area):
        a, b = np.asarray(barrier.start), np.asarray(barrier.end)
        along = (b - a) / np.hypot(*(b - a))
        across = keep * np.array([-along[1], along[0]])
        found += [(a + across, b + across), (a - across, b - across)]
    return found


def _offsets(plan: Plan, area: Area) -> Array:
    part = np.linspace(0.0, 1.0, ALONG)[:, None]
    lines = [a + part * (b - a) for a, b in _sides(plan, area)]
    turn = np.linspace(0.0, 2.0 * math.pi, ROUND, endpoint=False)
    circle = np.column_stack([np.cos(turn), np.sin(turn)])
    for barrier, keep in near(plan, area):
        lines += [np.asarray(p) + keep * circle for p in (barrier.start, barrier.end)]
    return np.concatenate(lines) if lines else np.empty((0, 2))


def _corners(plan: Plan, area: Area) -> Array:
    """Return where the lines to keep meet one another and the outline."""
    sides = _sides(plan, area)
    lines = [*sides, *((np.asarray(a), np.asarray(b)) for a, b in edges(area.polygon))]
    if not sides:
        return np.asarray(area.polygon, float)
    starts, ends = (np.array([line[n] for line in lines], float) for n in (0, 1))
    return np.concatenate(
        [np.asarray(area.polygon, float), line_meetings(starts, ends, starts, ends)]
    )


def _feet(plan: Plan, area: Area) -> Array:
    """Return the nearest point to each source on every line to keep and every edge."""
    lines = [*_sides(plan, area),
             *((np.asarray(a), np.asarray(b)) for a, b in edges(area.polygon))]  # fmt: skip
    found = []
    for source in plan.sources:
        at = np.asarray(source.position)
        for a, b in lines:
            along = b - a
            squared = float(along @ along)
            if squared > 0.0:
                part = min(1.0, max(0.0, float((at - a) @ along) / squared))
                found.append(a + part * along)
        for barrier, keep in near(plan, area):
            for end in (barrier.start, barrier.end):
                away = at - np.asarray(end)
                length = float(np.hypot(*away))
                if length > 0.0:
                    found += [np.asarray(end) + s * keep / length * away for s in (1.0, -1.0)]
        found.append(at)
    return np.array(found).reshape(-1, 2)


def _sectors(plan: Plan, area: Area) -> Array:
    """Return points in every sector a source sees between two ends of barriers."""
    parts = [
        _rays(plan, area, source, np.array(sorted(_bearings(plan, area, source))))
        for source in plan.sources
    ]
    return np.concatenate(parts) if parts else np.empty((0, 2))


def _bearings(plan: Plan, area: Area, source: PlacedSource) -> Iterator[float]:
    """Yield the bearings from a source of all ends of barriers that lie before an area's far side.

    Where the source stands outside, those beside the area are left out.
    """
    at = np.asarray(source.position)
    corners = np.asarray(area.polygon, float)
    low, high = sorted(plan.storey(key).floor_m for key in (area.storey, source.storey))
    ends = [p for b in plan.barriers if low <= plan.storey(b.storey).floor_m <= high
            for p in (b.start, b.end)]  # fmt: skip
    points = np.concatenate([corners, np.array(ends, float).reshape(-1, 2)]) - at
    away = np.hypot(*points.T)
    kept = (away > 0.0) & (away <= away[: len(corners)].max() * (1.0 + 1e-9))
    turned = np.arctan2(points[:, 1], points[:, 0])
    if not inside(at[None, :], area.polygon)[0]:
        # Angles from the middle of the area, so that the sector does not run over the cut.
        middle = corners.mean(axis=0) - at
        off = np.angle(np.exp(1j * (turned - math.atan2(middle[1], middle[0]))))
        low, high = off[: len(corners)].min(), off[: len(corners)].max()
        if high - low < math.pi:
            kept &= (off >= low - BESIDE_RAD) & (off <= high + BESIDE_RAD)
    yield from turned[kept].tolist()


def _rays(plan: Plan, area: Area, source: PlacedSource, bearings: Array) -> Array:
    """Return points along rays beside every bearing and midway between two of them."""
    if not len(bearings):
        return np.empty((0, 2))
    bearings = np.unique(bearings)
    following = np.append(bearings[1:], bearings[0] + 2.0 * math.pi)
    turned = np.concatenate(
        [bearings, (bearings + following) / 2.0, bearings - BESIDE_RAD, bearings + BESIDE_RAD]
    )
    way = np.column_stack([np.cos(turned), np.sin(turned)])
    at = np.asarray(source.position)
    corners = np.asarray(area.polygon, float)
    far = float(np.hypot(*(corners - at).T).max()) * 1.01
    reach = at + far * way
    lines = [*_sides(plan, area),
             *((np.asarray(a), np.asarray(b)) for a, b in edges(area.polygon))]  # fmt: skip
    others = [np.array([line[n] for line in lines], float) for n in (0, 1)]
    starts = np.broadcast_to(at, reach.shape)
    meetings = line_meetings(starts, reach, others[0], others[1])
    low = float(distance_to_outline(at, area))
    radii = np.linspace(low, far, ALONG)
    along = at + radii[None, :, None] * way[:, None, :]
    return np.concatenate([meetings, along.reshape(-1, 2)])


def _spots(plan: Plan, area: Area, beams: Mapping[str, Sequence[Cone]]) -> Array:
    """Return points within every beam: where it meets the heights looked at, and along it."""
    found = [np.empty((0, 2))]
    for source in plan.sources:
        origin = (*source.position, plan.storey(source.storey).floor_m + source.height_m)
        levels = np.array([height_m(plan, area, source)[0]])
        if area.storey == source.storey:
            floor = plan.storey(area.storey).floor_m
            levels = np.append(levels, np.linspace(floor, top_m(plan, area), LEVELS))
        for cone in beams.get(source.key, ()):
            found.append(spots(origin, cone, levels.tolist()))
            if area.storey == source.storey:
                found.append(_rays(plan, area, source, bearings(cone)))
    return np.concatenate(found)


def _edges_of_shadows(plan: Plan, area: Area, shadows: Mapping[str, Sequence[Shadow]]) -> Array:
    """Return points beside the shadows gantries throw."""
    found = [np.empty((0, 2))]
    for source in plan.sources:
        origin = (*source.position, plan.storey(source.storey).floor_m + source.height_m)
        away = np.asarray(area.polygon, float) - np.asarray(source.position)
        reach = float(np.hypot(*away.T).max())
        for shadow in shadows.get(source.key, ()):
            if area.storey == source.storey:
                found.append(_rays(plan, area, source, shadow_bearings(shadow)))
            else:
                level = height_m(plan, area, source)[0]
                found.append(shadow_edges(origin, shadow, level, reach))
    return np.concatenate(found)


def _shadows(plan: Plan, area: Area) -> Array:
    """Return points on both sides of the edges of shadows that barriers of other storeys throw."""
    part = np.linspace(0.0, 1.0, ALONG)[:, None]
    found = [np.empty((0, 2))]
    for source in plan.sources:
        if source.storey == area.storey:
            continue
        at = np.asarray(source.position)
        here = plan.storey(source.storey).floor_m + source.height_m
        there = height_m(plan, area, source)[0]
        for barrier in plan.barriers:
            a, b = np.asarray(barrier.start), np.asarray(barrier.end)
            nearest = float((at - a) @ (b - a)) / float((b - a) @ (b - a))
            along = np.vstack([part, [[min(1.0, max(0.0, nearest))]]])
            for edge in heights(plan, barrier):
                if (edge - here) * (there - here) <= 0.0:
                    continue
                grown = (there - here) / (edge - here)
                for scale in (grown * (1.0 - BESIDE_RAD), grown * (1.0 + BESIDE_RAD)):
                    found.append(at + scale * (a + along * (b - a) - at))
    return np.concatenate(found)


def distance_to_outline(at: Array, area: Area) -> float:
    """Return the distance of a point to an area, m; zero inside."""
    if inside(at[None, :], area.polygon)[0]:
        return 0.0
    gaps = [distance_to_segment(at[None, :], a, b)[0] for a, b in edges(area.polygon)]
    return float(min(gaps))


def openings_of(plan: Plan, wall: Barrier) -> list[Barrier]:
    """Return the doors and windows in a wall."""
    return [b for b in plan.barriers if is_opening(b) and b.within == wall.key]
