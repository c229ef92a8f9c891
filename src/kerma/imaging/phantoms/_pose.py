"""Where the phantom is: from its own frame (X, Y, Z) to places in the slices."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from kerma.imaging.phantoms._outline import Axis
from kerma.imaging.phantoms._student import student

Array = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Pose:
    """Position of a phantom in the series.

    A slice cuts a leaning phantom at an angle, so what stands along its axis appears drawn out in
    the direction of the lean: by 0.4 % at 5 degrees.

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
        Position s of Z = 0 on the axis.
    shift_mm
        Middle of the inserts from the axis, (x, y).
    u_roll_deg, u_origin_mm, u_shift_mm
        Standard uncertainties; ``None`` when set by hand.
    """

    axis: Axis
    roll_deg: float
    turned: bool
    origin_mm: float
    shift_mm: tuple[float, float] = (0.0, 0.0)
    u_roll_deg: float | None = None
    u_origin_mm: float | None = None
    u_shift_mm: float | None = None

    @property
    def sense(self) -> int:
        """Return -1 when the phantom is turned end to end, else 1."""
        return -1 if self.turned else 1

    @property
    def upright(self) -> float:
        """Return the cosine of the angle between the phantom's axis and the slice normal."""
        return 1 / math.sqrt(1 + self.axis.slope_x**2 + self.axis.slope_y**2)

    def s_mm(self, z_mm: float) -> float:
        """Return the position along the slices of a Z of the phantom, on its axis."""
        return self.origin_mm + self.sense * z_mm * self.upright

    def z_mm(self, s_mm: float) -> float:
        """Return the phantom's Z of a slice position, on the axis."""
        return self.sense * (s_mm - self.origin_mm) / self.upright

    def direction(self, x: Any, y: Any) -> tuple[Any, Any]:
        """Return a vector of the phantom's frame, across its axis, as it is seen in a slice."""
        roll = math.radians(self.roll_deg)
        x = self.sense * x
        across, down = (
            x * math.cos(roll) - y * math.sin(roll),
            x * math.sin(roll) + y * math.cos(roll),
        )
        more = self._drawn_out * (across * self.axis.slope_x + down * self.axis.slope_y)
        return across + more * self.axis.slope_x, down + more * self.axis.slope_y

    @property
    def _drawn_out(self) -> float:
        # With a the unit vector of the axis, a slice shows (I + a a' / (az (1 + az))) of a vector
        # across it; a = (slope_x, slope_y, 1) az.
        return self.upright / (1 + self.upright)

    def across(self, dx: Any, dy: Any) -> tuple[Any, Any]:
        """Return a vector seen in a slice as it is across the phantom's axis, not drawn out."""
        slope2 = self.axis.slope_x**2 + self.axis.slope_y**2
        along = dx * self.axis.slope_x + dy * self.axis.slope_y
        less = along * self._drawn_out / (1 + self._drawn_out * slope2)
        return dx - less * self.axis.slope_x, dy - less * self.axis.slope_y

    def centre(self, s_mm: Any) -> tuple[Any, Any]:
        """Return the middle of the modules in a slice, mm."""
        x, y = self.axis.at(s_mm)
        return x + self.shift_mm[0], y + self.shift_mm[1]

    def place(self, x: Any, y: Any, s_mm: float) -> tuple[Any, Any]:
        """Return where a point of the phantom's frame is in a slice, mm."""
        dx, dy = self.direction(x, y)
        cx, cy = self.centre(s_mm)
        return cx + dx, cy + dy

    def places(self, xy_mm: Array, s_mm: Array) -> tuple[Array, Array]:
        """Return where points of the phantom's frame, shape (n, 2), are in slices: (n, slices)."""
        dx, dy = self.direction(xy_mm[:, 0], xy_mm[:, 1])
        cx, cy = self.centre(np.asarray(s_mm))
        return dx[:, None] + cx, dy[:, None] + cy

    def moved(self, **changes: Any) -> Pose:
        """Return the pose with some of its parts changed."""
        return replace(self, **changes)


@dataclass(frozen=True, slots=True)
class RigidFit:
    """Roll (degrees) and shift (mm) from nominal places to found, with standard uncertainties."""

    roll_deg: float
    u_roll_deg: float
    shift_mm: tuple[float, float]
    u_shift_mm: float


def rigid_fit(nominal: Array, found: Array, sense: int) -> tuple[float, float, tuple[float, float]]:
    """Return roll, its standard uncertainty (degrees) and the shift; see `fit_rigid`."""
    fit = fit_rigid(nominal, found, sense)
    return fit.roll_deg, fit.u_roll_deg, fit.shift_mm


def fit_rigid(nominal: Array, found: Array, sense: int, weights: Array | None = None) -> RigidFit:
    """Return roll and shift from nominal places to found.

    Least squares over all points with a common scale left free, so that an error in the nominal
    radius of an unevenly filled circle does not turn into a shift.

    Parameters
    ----------
    nominal, found
        Shape (n, 2): places in the phantom's frame; places across its axis, mm.
    sense
        1, or -1 when the phantom is turned end to end.
    weights
        How much each counts, in inverse proportion to its variance; the same when not given.
    """
    w = np.ones(len(found)) if weights is None else weights
    source = nominal[:, 0] * sense + 1j * nominal[:, 1]
    target = found[:, 0] + 1j * found[:, 1]
    middle, aim = np.average(source, weights=w), np.average(target, weights=w)
    a, b = source - middle, target - aim
    turn = complex(np.vdot(a, w * b) / np.vdot(a, w * a))
    shift = complex(aim - turn * middle)
    # Four of the 2 n coordinates go into roll, scale and shift.
    freedom = max(1, 2 * len(found) - 4)
    scatter = math.sqrt(float(np.sum(w * np.abs(b - turn * a) ** 2)) / freedom) * student(freedom)
    u_roll = scatter / math.sqrt(float(np.sum(w * np.abs(a) ** 2))) / abs(turn)
    return RigidFit(
        math.degrees(math.atan2(turn.imag, turn.real)),
        math.degrees(u_roll),
        (shift.real, shift.imag),
        scatter / math.sqrt(float(w.sum())),
    )
