"""Where straight rays from one point meet a straight line on the plan, many rays at once."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]
_SLACK = 1e-12


class Meeting(NamedTuple):
    """Rays against a line, all scaled by `size` so that nothing is divided.

    Attributes
    ----------
    hit
        Rays that meet the line, however far along it: between the source and the point, neither of
        them included. A ray along the line does not meet it.
    t, s
        Part of the ray and of the line up to the meeting.
    size, slack
        What they are scaled by; how far off an end still counts as on it.
    """

    hit: Mask
    t: Array
    s: Array
    size: Array
    slack: Array

    def between(self, low: float, high: float) -> Mask:
        """Return which rays meet the part of the line from one end to another, both included."""
        found: Mask = (self.s >= low * self.size - self.slack) & (
            self.s <= high * self.size + self.slack
        )
        return found


def meeting(
    source: tuple[float, float], rx: Array, ry: Array, start: tuple[float, float],
    along: tuple[float, float],
) -> Meeting:  # fmt: skip
    """Return where rays meet a line: p + t r = start + s a, by Cramer.

    Parameters
    ----------
    source
        x, y the rays start from.
    rx, ry
        From the source to each point.
    start, along
        Start of the line and the way to its end.
    """
    ax, ay = along
    wx, wy = start[0] - source[0], start[1] - source[1]
    cross = rx * ay - ry * ax
    sign = np.sign(cross)
    size = np.abs(cross)
    t = (wx * ay - wy * ax) * sign
    s = (wx * ry - wy * rx) * sign
    # A ray along the line has size 0 and never meets it.
    return Meeting((t > 0.0) & (t < size), t, s, size, _SLACK * (ax * ax + ay * ay + size))
