"""Plane geometry of a drawing: points, segments, polygons, as arrays."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from kerma.physics.shielding.plan.document import Point

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]
# Lengths on a drawing nobody can see, m; points on an edge count as inside.
SLACK_M = 1e-9


def nearest_on(xy: Array, start: Point, end: Point) -> Array:
    """Return the points of a segment nearest to points (n, 2)."""
    a, b = np.asarray(start, float), np.asarray(end, float)
    along = b - a
    squared = float(along @ along)
    part = np.clip((xy - a) @ along / squared, 0.0, 1.0) if squared else np.zeros(len(xy))
    found: Array = a + part[:, None] * along
    return found


def distance_to_segment(xy: Array, start: Point, end: Point) -> Array:
    """Return the distance of points (n, 2) to a segment."""
    gap: Array = np.hypot(*(xy - nearest_on(xy, start, end)).T)
    return gap


def inside(xy: Array, polygon: Sequence[Point]) -> Mask:
    """Return which points (n, 2) lie in a polygon; its edges belong to it."""
    found: Mask = np.zeros(len(xy), bool)
    edge: Mask = np.zeros(len(xy), bool)
    x, y = xy[:, 0], xy[:, 1]
    for (ax, ay), (bx, by) in edges(polygon):
        edge |= distance_to_segment(xy, (ax, ay), (bx, by)) <= SLACK_M
        if ay == by:
            continue
        between = (ay > y) != (by > y)
        turn = (bx - ax) * (y - ay) - (x - ax) * (by - ay)
        found ^= between & (turn > 0.0 if by > ay else turn < 0.0)
    return found | edge


def edges(polygon: Sequence[Point]) -> list[tuple[Point, Point]]:
    """Return the edges of a polygon, the closing one last."""
    return list(zip(polygon, [*polygon[1:], polygon[0]], strict=True)) if polygon else []


def area_m2(polygon: Sequence[Point]) -> float:
    """Return the area of a polygon, by Gauss's formula."""
    return abs(math.fsum(a[0] * b[1] - b[0] * a[1] for a, b in edges(polygon))) / 2.0


def crosses_itself(polygon: Sequence[Point]) -> bool:
    """Return whether two edges of a polygon cross or touch elsewhere than at their joint."""
    sides = edges(polygon)
    for i, one in enumerate(sides):
        for j in range(i + 1, len(sides)):
            neighbours = j == i + 1 or (i == 0 and j == len(sides) - 1)
            if neighbours:
                if _folds_back(one, sides[j]):
                    return True
            elif _touch(one, sides[j]):
                return True
    return False


def _folds_back(one: tuple[Point, Point], other: tuple[Point, Point]) -> bool:
    """Return whether two edges that share a corner run over one another."""
    (a, b), (c, d) = (one, other) if one[1] == other[0] else (other, one)
    back, on = (a[0] - b[0], a[1] - b[1]), (d[0] - c[0], d[1] - c[1])
    cross = back[0] * on[1] - back[1] * on[0]
    dot = back[0] * on[0] + back[1] * on[1]
    return abs(cross) <= SLACK_M * (math.hypot(*back) + math.hypot(*on)) and dot > 0.0


def _turn(a: Point, b: Point, c: Point) -> float:
    return (b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0])


def _touch(one: tuple[Point, Point], other: tuple[Point, Point]) -> bool:
    (a, b), (c, d) = one, other
    apart = _turn(a, b, c) * _turn(a, b, d) < 0.0 and _turn(c, d, a) * _turn(c, d, b) < 0.0
    pairs = ((c, one), (d, one), (a, other), (b, other))
    near = (float(distance_to_segment(np.asarray([p]), *s)[0]) <= SLACK_M for p, s in pairs)
    return apart or any(near)


def line_meetings(starts: Array, ends: Array, others: Array, ends_of_others: Array) -> Array:
    """Return where segments (m, 2) meet other segments (n, 2), as points (k, 2)."""
    if not len(starts) or not len(others):
        return np.empty((0, 2))
    r = (ends - starts)[:, None, :]
    s = (ends_of_others - others)[None, :, :]
    gap = others[None, :, :] - starts[:, None, :]
    cross = r[..., 0] * s[..., 1] - r[..., 1] * s[..., 0]
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        t = (gap[..., 0] * s[..., 1] - gap[..., 1] * s[..., 0]) / cross
        u = (gap[..., 0] * r[..., 1] - gap[..., 1] * r[..., 0]) / cross
        held = (t >= -1e-12) & (t <= 1 + 1e-12) & (u >= -1e-12) & (u <= 1 + 1e-12)
    points = starts[:, None, :] + np.where(held, t, 0.0)[..., None] * r
    found: Array = points[held]
    return found


def running_together(
    one: tuple[Point, Point], other: tuple[Point, Point], within_m: float
) -> float:
    """Return over what length the second segment runs along the first, nearer than a distance.

    Zero for segments at more than `WIDEST_DEG` to one another: those cross or meet.
    """
    a, b = (np.asarray(p, float) for p in one)
    length = float(np.hypot(*(b - a)))
    along = (b - a) / length
    across = np.array([-along[1], along[0]])
    c, d = (np.asarray(p, float) - a for p in other)
    u, v = np.array([c @ along, d @ along]), np.array([c @ across, d @ across])
    span = float(np.hypot(u[1] - u[0], v[1] - v[0]))
    if not span > 0.0 or abs(v[1] - v[0]) > math.sin(math.radians(WIDEST_DEG)) * span:
        return 0.0
    low, high = 0.0, 1.0
    for at_0, at_1, least, most in (
        (u[0], u[1], 0.0, length), (v[0], v[1], -within_m, within_m),
    ):  # fmt: skip
        change = float(at_1 - at_0)
        if abs(change) <= 1e-15:
            if not least <= at_0 <= most:
                return 0.0
            continue
        ends = sorted(((least - at_0) / change, (most - at_0) / change))
        low, high = max(low, ends[0]), min(high, ends[1])
    return max(0.0, high - low) * span


WIDEST_DEG = 5.0
