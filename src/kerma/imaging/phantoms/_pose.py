"""Where the phantom is: from its own frame (X, Y, Z) to places in the slices."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from kerma.imaging.phantoms._volume import Axis

Array = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Pose:
    """Position of a phantom in the series.

    Attributes
    ----------
    axis
        The phantom's axis.
    roll_deg
        Rotation about it, clockwise as displayed positive.
    turned
        True when the phantom is seen from its other end (turned round, or scanned feet first):
        the pattern is mirrored and the modules come in the opposite order.
    origin_mm
        Position s of Z = 0.
    shift_mm
        Middle of the inserts from the axis, (x, y).
    u_roll_deg, u_origin_mm
        Standard uncertainties; ``None`` when set by hand.
    """

    axis: Axis
    roll_deg: float
    turned: bool
    origin_mm: float
    shift_mm: tuple[float, float] = (0.0, 0.0)
    u_roll_deg: float | None = None
    u_origin_mm: float | None = None

    @property
    def sense(self) -> int:
        """Return -1 when the phantom is turned end to end, else 1."""
        return -1 if self.turned else 1

    def s_mm(self, z_mm: float) -> float:
        """Return the position along the slices of a Z of the phantom."""
        return self.origin_mm + self.sense * z_mm

    def z_mm(self, s_mm: float) -> float:
        """Return the phantom's Z of a slice position, on the axis."""
        return self.sense * (s_mm - self.origin_mm)

    def direction(self, x: Any, y: Any) -> tuple[Any, Any]:
        """Return a vector of the phantom's frame as a vector in the image."""
        roll = math.radians(self.roll_deg)
        x = self.sense * x
        return (
            x * math.cos(roll) - y * math.sin(roll),
            x * math.sin(roll) + y * math.cos(roll),
        )

    def centre(self, s_mm: float) -> tuple[float, float]:
        """Return the middle of the modules in a slice, mm from the middle of the image."""
        x, y = self.axis.at(s_mm)
        return x + self.shift_mm[0], y + self.shift_mm[1]

    def place(self, x: Any, y: Any, s_mm: float) -> tuple[Any, Any]:
        """Return where a point of the phantom's frame is in a slice, mm from its middle."""
        dx, dy = self.direction(x, y)
        cx, cy = self.centre(s_mm)
        return cx + dx, cy + dy

    def moved(self, **changes: Any) -> Pose:
        """Return the pose with some of its parts changed."""
        return replace(self, **changes)


def rigid_fit(nominal: Array, found: Array, sense: int) -> tuple[float, float, tuple[float, float]]:
    """Return roll, its standard uncertainty (degrees) and the shift from nominal places to found.

    Least squares over all points with a common scale left free, so that an error in the nominal
    radius of an unevenly filled circle does not turn into a shift.

    Parameters
    ----------
    nominal, found
        Shape (n, 2): places in the phantom's frame; places in the image from the axis, mm.
    sense
        1, or -1 when the phantom is turned end to end.
    """
    source = nominal[:, 0] * sense + 1j * nominal[:, 1]
    target = found[:, 0] + 1j * found[:, 1]
    a, b = source - source.mean(), target - target.mean()
    turn = complex(np.vdot(a, b) / np.vdot(a, a))
    shift = complex(target.mean() - turn * source.mean())
    left = b - turn * a
    # Four of the 2 n coordinates go into roll, scale and shift.
    scatter = math.sqrt(float(np.sum(np.abs(left) ** 2)) / max(1, 2 * len(found) - 4))
    u_roll = math.degrees(scatter / math.sqrt(float(np.sum(np.abs(a) ** 2))))
    return math.degrees(math.atan2(turn.imag, turn.real)), u_roll, (shift.real, shift.imag)
