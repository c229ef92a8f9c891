"""The phantom's axis from its inserts alone, for a field of view that cuts off its outline."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from kerma.imaging.phantoms._centroids import fit_inserts
from kerma.imaging.phantoms._grid import Volume
from kerma.imaging.phantoms._outline import Axis, fit_line
from kerma.imaging.phantoms._pose import Pose
from kerma.imaging.phantoms._rings import LEAST_CORRELATION, likeness, match_ring, read_rings
from kerma.imaging.phantoms._spec import PhantomSpec

Array = npt.NDArray[np.float64]
# Correlation, slice, middle and the model whose ring it is.
Found = tuple[float, int, float, float, str]

# Where the middle is looked for about a place: reach and step in mm, and every how many samples
# of the ring are looked at.
_COARSE, _FINE = (25.0, 5.0, 4), (4.0, 1.0, 1)
# A ring off its middle also looks like itself rolled: so many places are looked at closely.
_CANDIDATES, _APART_MM = 5, 7.0
_EVERY_MM = 8.0
_LEAST_SLICES = 4
_INSERT_MM = 7.0
# The phantom's outline is cut where plastic, not air, lies against the border of the view: over
# less than this part of it the outline that is left shows the middle.
_AIR_BELOW_HU, _CUT_SHARE = 500.0, 0.35


def axis_from_inserts(
    volume: Volume, specs: Sequence[PhantomSpec], circle_mm: float
) -> Axis | None:
    """Return the axis through the rings of inserts; ``None`` when no ring is seen.

    Only where the phantom fills the view. Middles on a grid are tried on a slice every 8 mm until
    one fits a model's ring; the inserts' centroids in each slice of the module give the line.
    """
    every = max(1, round(_EVERY_MM / volume.increment_mm))
    slices = list(range(0, len(volume.images), every))
    whole = (float(volume.s_mm[0]), float(volume.s_mm[-1]))
    start = (float(volume.shift_mm[:, 0].mean()), float(volume.shift_mm[:, 1].mean()))
    if not _fills_the_view(volume, slices):
        return None
    rings = list({spec.sensitometry.inserts: spec for spec in specs}.values())
    coarse = _tried(volume, rings, circle_mm, (*start, *_COARSE), slices)
    candidates: list[Found] = []
    for one in coarse:
        apart = all(np.hypot(one[2] - c[2], one[3] - c[3]) > _APART_MM for c in candidates)
        if one[0] >= LEAST_CORRELATION and apart and len(candidates) < _CANDIDATES:
            candidates.append(one)
    close = [
        found
        for _, index, x, y, _ in candidates
        for found in _tried(volume, rings, circle_mm, (x, y, *_FINE), [index])[:1]
    ]
    if not close:
        return None
    _, _, x, y, key = max(close)
    chosen = next(spec for spec in specs if spec.key == key)
    return _through_inserts(volume, chosen, level_axis(x, y, whole), circle_mm)


def _tried(
    volume: Volume,
    rings: Sequence[PhantomSpec],
    circle_mm: float,
    grid: tuple[float, float, float, float, int],
    slices: Sequence[int],
) -> list[Found]:
    """Return how well each middle of a grid (its middle, reach, step, samples) fits, best first."""
    x0, y0, reach, step, every = grid
    line = np.arange(-reach, reach + step / 2, step)
    whole = (float(volume.s_mm[0]), float(volume.s_mm[-1]))
    found = []
    for x, y in ((float(x0 + dx), float(y0 + dy)) for dx in line for dy in line):
        axis = level_axis(x, y, whole)
        if _ring_in_view(volume, axis, circle_mm):
            read = read_rings(volume, axis, circle_mm, slices)
            found.append(
                max((*likeness(read, spec.sensitometry, every), x, y, spec.key) for spec in rings)
            )
    return sorted(found, reverse=True)


def level_axis(x_mm: float, y_mm: float, span_mm: tuple[float, float]) -> Axis:
    """Return an axis square to the slices, whose outline was not seen."""
    return Axis(x_mm, y_mm, 0.0, 0.0, span_mm, 0.0, 0.0, 0, outlined=False, whole=False)


def _ring_in_view(volume: Volume, axis: Axis, circle_mm: float) -> bool:
    """Return whether a ring lies in the circle that every reconstruction fills."""
    x, y = axis.x_mm - volume.shift_mm[0, 0], axis.y_mm - volume.shift_mm[0, 1]
    return bool(np.hypot(x, y) + circle_mm + _INSERT_MM < min(volume.half_mm))


def _fills_the_view(volume: Volume, slices: list[int]) -> bool:
    """Return whether something lies against the border of the view, part of the way round."""
    angle = np.arange(0.0, 2 * np.pi, np.pi / 30)
    r = 0.95 * min(volume.half_mm)
    full = 0
    for i in slices:
        at = volume.shift_mm[i]
        ring = volume.read(i, at[0] + r * np.cos(angle), at[1] + r * np.sin(angle))
        middle = float(volume.read(i, at[0] + angle, at[1] + angle).mean())
        full += bool(np.mean(ring > middle - _AIR_BELOW_HU) > _CUT_SHARE)
    return full >= 3


def _through_inserts(
    volume: Volume, spec: PhantomSpec, axis: Axis, circle_mm: float
) -> Axis | None:
    match = match_ring(
        volume, axis, read_rings(volume, axis, circle_mm, range(len(volume.images))), spec
    )
    if match is None:
        return None
    pose = Pose(axis, match.roll_deg, match.turned, match.origin_mm)
    half = spec.sensitometry.half_range_mm + 4
    near = volume.within(match.origin_mm - half, match.origin_mm + half)
    s, centres = [], []
    for index in near:
        fit = fit_inserts(
            volume, pose, [index], spec.sensitometry.solid, spec.sensitometry.insert_radius_mm
        )
        if fit is not None:
            s.append(float(volume.s_mm[index]))
            centres.append((axis.x_mm + fit.shift_mm[0], axis.y_mm + fit.shift_mm[1]))
    if len(s) < _LEAST_SLICES:
        return None
    x, y, slope_x, slope_y, scatter = fit_line(np.array(s), np.array(centres))
    return replace(
        axis, x_mm=x, y_mm=y, slope_x=slope_x, slope_y=slope_y, scatter_mm=scatter, slices=len(s)
    )
