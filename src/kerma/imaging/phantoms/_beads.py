"""Slice sensitivity from the rows of beads of the bead geometry module."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from kerma.core import Curve, quantity
from kerma.imaging.phantoms._grid import Volume, disc_grid
from kerma.imaging.phantoms._part import Part
from kerma.imaging.phantoms._pose import Pose
from kerma.imaging.phantoms._regions import shape
from kerma.imaging.phantoms._spec import BeadRamp, Beads, PhantomSpec, polar

Array = npt.NDArray[np.float64]

_RADIUS_MM = 0.8
_BESIDE_MM = 3.0
_AROUND_MM = 12.0
_LEAST_PEAK_TO_NOISE = 6.0
SEED = 591
_REPLICATES = 60


def bead_thickness(volume: Volume, pose: Pose, spec: PhantomSpec) -> Part:
    """Return the width of the slice sensitivity profile from each kind of bead ramp.

    All beads of a kind are alike, so what one shows in a slice, over its surround, is the slice
    sensitivity at its distance from the slice. All beads in all slices about the module make the
    profile; its full width at half maximum is the slice thickness. The standard uncertainty is
    from 60 bootstrap draws of beads (seed 591) and the distance between the points of the profile
    where it crosses.
    """
    part = Part()
    beads = spec.beads
    assert beads is not None
    for ramp in beads.ramps:
        part.add(_ramp(volume, pose, beads, ramp))
    return part


def _ramp(volume: Volume, pose: Pose, beads: Beads, ramp: BeadRamp) -> Part:
    part = Part()
    count = round(ramp.reach_mm / ramp.rise_mm)
    steps = np.arange(-count, count + 1)
    xy, z = [], []
    for angle in ramp.angles_deg:
        x0, y0 = polar(ramp.radius_mm, angle)
        tx, ty = polar(ramp.pitch_mm, angle + 90)
        xy += [(x0 + k * tx, y0 + k * ty, angle) for k in steps]
        z += list(beads.offset_mm + steps * ramp.rise_mm)
    places, heights = np.array(xy), np.array(z)
    reach = _AROUND_MM + ramp.reach_mm
    near = volume.within(pose.s_mm(beads.offset_mm - reach), pose.s_mm(beads.offset_mm + reach))
    signal = np.array([_signals(volume, pose, i, places) for i in near])
    away = np.array([_distance(pose, float(volume.s_mm[i]), places, heights) for i in near])
    profile = _profile(away, signal, volume.increment_mm, ramp)
    width = None if profile is None else _width(*profile)
    if profile is None or width is None:
        part.warnings.append(
            f"Slice thickness from the {ramp.key} bead ramps not measured: the beads do not "
            "stand out, or the slices are too few."
        )
        return part
    draws = np.random.default_rng(SEED)
    widths = []
    for _ in range(_REPLICATES):
        pick = draws.integers(0, len(heights), len(heights))
        again = _profile(away[:, pick], signal[:, pick], volume.increment_mm, ramp)
        other = None if again is None else _width(*again)
        if other is not None:
            widths.append(other[0])
    scatter = float(np.std(widths, ddof=1)) if len(widths) > _REPLICATES // 2 else 0.0
    part.values[f"slice_thickness_beads_{ramp.key}"] = quantity(
        width[0], "mm", math.hypot(scatter, width[1])
    )
    x, y = profile
    part.curves.append(
        Curve(f"Slice sensitivity ({ramp.key} beads)", tuple(x.tolist()),
              tuple((y / y.max()).tolist()), "From the slice", "mm", "Sensitivity", "1")
    )  # fmt: skip
    middle = volume.nearest(pose.s_mm(beads.offset_mm))
    for k in np.flatnonzero(np.tile(steps, len(ramp.angles_deg)) == 0):
        at = pose.place(float(places[k, 0]), float(places[k, 1]), float(volume.s_mm[middle]))
        rim = (at[0] + _RADIUS_MM, at[1])
        part.regions.append(shape(volume, middle, "circle", f"{ramp.key} bead ramp", [at, rim]))
    return part


def _signals(volume: Volume, pose: Pose, index: int, places: Array) -> Array:
    """Return the mean over each bead less that of its surround on the ramp's two sides, HU."""
    gx, gy = disc_grid(_RADIUS_MM, 0.4)
    s = float(volume.s_mm[index])

    def mean(x: Array, y: Array) -> Array:
        px, py = pose.place(x, y, s)
        means: Array = volume.read(index, px[:, None] + gx, py[:, None] + gy).mean(axis=1)
        return means

    ox, oy = np.cos(np.radians(places[:, 2])), np.sin(np.radians(places[:, 2]))
    x, y = places[:, 0], places[:, 1]
    beside = [mean(x + d * ox, y + d * oy) for d in (-_BESIDE_MM, _BESIDE_MM)]
    found: Array = mean(x, y) - (beside[0] + beside[1]) / 2
    return found


def _distance(pose: Pose, s_mm: float, places: Array, z_mm: Array) -> Array:
    """Return how far each bead is from a slice along its normal, mm."""
    dx, dy = pose.direction(places[:, 0], places[:, 1])
    lean = (pose.axis.slope_x * dx + pose.axis.slope_y * dy) * pose.upright
    found: Array = pose.origin_mm + pose.sense * z_mm * pose.upright - lean - s_mm
    return found


def _profile(
    away: Array, signal: Array, increment_mm: float, ramp: BeadRamp
) -> tuple[Array, Array] | None:
    """Return the signal against distance, in bins as fine as the beads and slices allow."""
    step = max(0.1, min(increment_mm, ramp.rise_mm) / 2)
    edges = np.arange(-_AROUND_MM, _AROUND_MM + step, step)
    which = np.digitize(away.ravel(), edges) - 1
    inside = (which >= 0) & (which < len(edges) - 1)
    count = np.bincount(which[inside], minlength=len(edges) - 1)
    total = np.bincount(which[inside], signal.ravel()[inside], minlength=len(edges) - 1)
    held = np.bincount(which[inside], away.ravel()[inside], minlength=len(edges) - 1)
    full = count > 0
    if full.sum() < 8:
        return None
    x, y = held[full] / count[full], total[full] / count[full]
    far = np.abs(x - x[int(np.argmax(y))]) > 0.5 * _AROUND_MM
    base = float(np.median(y[far])) if far.sum() > 3 else float(np.percentile(y, 20))
    noise = float(np.std(y[far])) if far.sum() > 3 else 0.0
    y = y - base
    return (x, y) if y.max() > max(_LEAST_PEAK_TO_NOISE * noise, 1.0) else None


def _width(x: Array, y: Array) -> tuple[float, float] | None:
    """Return the full width at half maximum, linear between the points, and what sampling adds.

    A crossing lies anywhere between its two neighbours with equal chance.
    """
    peak = int(np.argmax(y))
    below = y < y[peak] / 2
    left, right = np.flatnonzero(below[:peak]), np.flatnonzero(below[peak:])
    if not len(left) or not len(right):
        return None
    i, j = int(left[-1]), peak + int(right[0])

    def cross(a: int, b: int) -> float:
        return float(x[a] + (y[peak] / 2 - y[a]) / (y[b] - y[a]) * (x[b] - x[a]))

    gaps = math.hypot(float(x[i + 1] - x[i]), float(x[j] - x[j - 1]))
    return cross(j - 1, j) - cross(i, i + 1), gaps / math.sqrt(12)
