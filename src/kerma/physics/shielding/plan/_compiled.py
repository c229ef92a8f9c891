"""The compiled form of `kerma.physics.shielding.plan.rays.crossed_plainly`; the same arithmetic.

numba is imported with this module only.
"""

from __future__ import annotations

from typing import Any

from numba import njit


def jit(function: Any) -> Any:
    """Compile, keeping the result on disk for the next process where there is a place for it."""
    try:
        return njit(cache=True, error_model="numpy")(function)
    except RuntimeError:  # neither the package nor the user's cache can be written to
        return njit(error_model="numpy")(function)


def _ends(x: float, y: float, ax: float, ay: float) -> tuple[float, float, float, float]:
    """Return the box about a line, from one corner to the other."""
    return min(x, x + ax), min(y, y + ay), max(x, x + ax), max(y, y + ay)


ends: Any = jit(_ends)


def _cross(
    points: Any, px: float, py: float, pz: float, panels: Any, cuts: Any, levels: Any, found: Any
) -> None:
    """Mark which panels and slabs the rays from one point to others cross.

    Parameters
    ----------
    points
        (n, 3).
    px, py, pz
        The source.
    panels
        Of each: start x and y, way to the end x and y, span from and to, height from and to, first
        cut and the one after its last.
    cuts
        Of each: span from and to, height from and to.
    levels
        Heights of slabs.
    found
        (n, panels + levels), all false; the result.
    """
    low_x, high_x, low_y, high_y = px, px, py, py
    for n in range(points.shape[0]):
        low_x, high_x = min(low_x, points[n, 0]), max(high_x, points[n, 0])
        low_y, high_y = min(low_y, points[n, 1]), max(high_y, points[n, 1])
    for j in range(panels.shape[0]):
        # No ray leaves the box about the source and all points; a hair more for joints.
        x0, y0, x1, y1 = ends(panels[j, 0], panels[j, 1], panels[j, 2], panels[j, 3])
        if x1 < low_x - 1e-6 or x0 > high_x + 1e-6 or y1 < low_y - 1e-6 or y0 > high_y + 1e-6:
            continue
        ax, ay = panels[j, 2], panels[j, 3]
        wx, wy = panels[j, 0] - px, panels[j, 1] - py
        reach = wx * ay - wy * ax
        long = ax * ax + ay * ay
        for n in range(points.shape[0]):
            rx, ry, rz = points[n, 0] - px, points[n, 1] - py, points[n, 2] - pz
            cross = rx * ay - ry * ax
            sign = 1.0 if cross > 0.0 else (-1.0 if cross < 0.0 else 0.0)
            size = abs(cross)
            t = reach * sign
            if not 0.0 < t < size:
                continue
            s = (wx * ry - wy * rx) * sign
            slack = 1e-12 * (long + size)
            if s < panels[j, 4] * size - slack or s > panels[j, 5] * size + slack:
                continue
            z = pz * size + t * rz
            if z < panels[j, 6] * size - slack or z > panels[j, 7] * size + slack:
                continue
            hit = True
            for c in range(int(panels[j, 8]), int(panels[j, 9])):
                if (
                    cuts[c, 0] * size - slack <= s <= cuts[c, 1] * size + slack
                    and cuts[c, 2] * size - slack <= z <= cuts[c, 3] * size + slack
                ):
                    hit = False
                    break
            found[n, j] = hit
    for j in range(levels.shape[0]):
        below = pz - levels[j]
        for n in range(points.shape[0]):
            found[n, panels.shape[0] + j] = below * (points[n, 2] - levels[j]) < 0.0


cross: Any = jit(_cross)
