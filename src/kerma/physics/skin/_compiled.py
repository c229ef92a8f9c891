"""The compiled part of `kerma.physics.skin.kernel`; numba is imported with this module only."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit


def jit(function: Any) -> Any:
    """Compile, keeping the result on disk for the next process where there is a place for it."""
    try:
        return njit(cache=True, error_model="numpy")(function)
    except RuntimeError:  # neither the package nor the user's cache can be written to
        return njit(error_model="numpy")(function)


def _clipped(start: float, step: float, low: float, high: float) -> tuple[float, float]:
    """Return the part of a ray (0 to 1) between two parallel planes; empty when first > second."""
    if step == 0.0:
        return (0.0, 1.0) if low <= start <= high else (1.0, 0.0)
    first, second = (low - start) / step, (high - start) / step
    if first > second:
        first, second = second, first
    return max(first, 0.0), min(second, 1.0)


clipped: Any = jit(_clipped)


def _path(
    sx: float, sy: float, sz: float, dx: float, dy: float, dz: float, length: float, box: Any,
) -> float:  # fmt: skip
    """Return the length of a ray inside a box."""
    a, b = clipped(sy, dy, box[0, 1], box[1, 1])
    c, d = clipped(sx, dx, box[0, 0], box[1, 0])
    e, f = clipped(sz, dz, box[0, 2], box[1, 2])
    inside = min(b, d, f) - max(a, c, e)
    return inside * length if inside > 0.0 else 0.0


path: Any = jit(_path)


def _least_way(
    sx: float,
    sy: float,
    sz: float,
    dx: float,
    dy: float,
    dz: float,
    length: float,
    box: Any,
    near: float,
) -> float:
    """Return a lower bound of the way through the box for targets within `near` of this one.

    With the focus fixed no point of the ray moves by more than `near`. So a point inside the box
    drawn in by that much stays inside it. A ray that crosses from face to face well away from the
    other sides goes on doing so, and only slants differently.
    """
    a, b = clipped(sy, dy, box[0, 1], box[1, 1])
    c, d = clipped(sx, dx, box[0, 0] + near, box[1, 0] - near)
    e, f = clipped(sz, dz, box[0, 2] + near, box[1, 2] - near)
    shorter = max(length - near, 0.0)
    if max(c, e) <= a and b <= min(d, f):
        return float((b - a) * shorter * abs(dy) / (abs(dy) + near))
    a, b = clipped(sy, dy, box[0, 1] + near, box[1, 1] - near)
    return float(max(min(b, d, f) - max(a, c, e), 0.0) * shorter)


least_way: Any = jit(_least_way)


def _let_through(way: float, thickness: float, log_t: float, oblique: bool) -> float:
    if way <= 0.0:
        return 1.0
    return float(np.exp(log_t * way / thickness) if oblique else np.exp(log_t))


let_through: Any = jit(_let_through)


def _smooth(side_cm: float, sides: Any, spline: Any, event: int) -> float:
    """Return backscatter × water-to-air for a side, held at the ends of the table."""
    last = sides.shape[0] - 1
    x = min(max(side_cm, sides[0]), sides[last])
    i = 0
    while i < last - 1 and x >= sides[i + 1]:
        i += 1
    x -= sides[i]
    return float(
        spline[event, i, 0]
        + x * (spline[event, i, 1] + x * (spline[event, i, 2] + x * spline[event, i, 3]))
    )


smooth: Any = jit(_smooth)


def _misses(middles: Any, block: int, beam: int, focus: Any, axis: Any, across: Any, along: Any,
            edges: Any, radius: float) -> bool:  # fmt: skip
    """Return whether a sphere lies wholly outside a beam."""
    x = middles[block, 0] - focus[beam, 0]
    y = middles[block, 1] - focus[beam, 1]
    z = middles[block, 2] - focus[beam, 2]
    w = x * axis[beam, 0] + y * axis[beam, 1] + z * axis[beam, 2]
    if w < -radius:
        return True
    u = x * across[beam, 0] + y * across[beam, 1] + z * across[beam, 2]
    v = x * along[beam, 0] + y * along[beam, 1] + z * along[beam, 2]
    a, b, c, d = edges[beam, 0], edges[beam, 1], edges[beam, 2], edges[beam, 3]
    return bool(
        a * w - u > radius * np.sqrt(1.0 + a * a)
        or u - b * w > radius * np.sqrt(1.0 + b * b)
        or c * w - v > radius * np.sqrt(1.0 + c * c)
        or v - d * w > radius * np.sqrt(1.0 + d * d)
    )


misses: Any = jit(_misses)


def _accumulate(
    points: Any, normals: Any, starts: Any, middles: Any, radii: Any,
    focus: Any, axis: Any, across: Any, along: Any, edges: Any, weight: Any,
    unit_side: Any, event: Any, log_t: Any, spline: Any,
    sides: Any, box: Any, oblique: bool,
    reach: float, sin_bend: float, slack: float,
    dose: Any, hits: Any, bound: Any,
) -> None:  # fmt: skip
    """Add every beam to every cell it enters; `reach` below 0 leaves the bound out."""
    with_bound = reach >= 0.0
    near = max(reach, 0.0)
    thickness = box[1, 1] - box[0, 1]
    last = np.full(points.shape[0], -1, np.int64)
    for i in range(weight.shape[0]):
        a, b, c, d = edges[i, 0], edges[i, 1], edges[i, 2], edges[i, 3]
        da, db = near * np.sqrt(1.0 + a * a), near * np.sqrt(1.0 + b * b)
        dc, dd = near * np.sqrt(1.0 + c * c), near * np.sqrt(1.0 + d * d)
        sx, sy, sz = focus[i, 0], focus[i, 1], focus[i, 2]
        e, lt = event[i], log_t[event[i]]
        for block in range(starts.shape[0] - 1):
            if misses(middles, block, i, focus, axis, across, along, edges, radii[block] + near):
                continue
            for k in range(starts[block], starts[block + 1]):
                x, y, z = points[k, 0] - sx, points[k, 1] - sy, points[k, 2] - sz
                w = x * axis[i, 0] + y * axis[i, 1] + z * axis[i, 2]
                u = x * across[i, 0] + y * across[i, 1] + z * across[i, 2]
                v = x * along[i, 0] + y * along[i, 1] + z * along[i, 2]
                if a * w - u > da or u - b * w > db or c * w - v > dc or v - d * w > dd:
                    continue
                length = np.sqrt(x * x + y * y + z * z)
                entry = x * normals[k, 0] + y * normals[k, 1] + z * normals[k, 2]
                if w <= 0.0 or entry >= sin_bend * length * with_bound:
                    continue
                side_cm = unit_side[i] * w / 10.0
                at_skin = weight[i] * smooth(side_cm, sides, spline, e)
                way = path(sx, sy, sz, x, y, z, length, box)
                if entry < 0.0 and a * w <= u <= b * w and c * w <= v <= d * w:
                    dose[k] += at_skin / length**2 * let_through(way, thickness, lt, oblique)
                    if last[k] != e:
                        last[k] = e
                        hits[k] += 1
                if with_bound:
                    if way > 0.0:
                        way = least_way(sx, sy, sz, x, y, z, length, box, near)
                    closest = max(length - near, 1.0)
                    bound[k] += (
                        slack * at_skin / closest**2 * let_through(way, thickness, lt, oblique)
                    )


accumulate: Any = jit(_accumulate)
