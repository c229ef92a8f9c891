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
from kerma.imaging.phantoms._rings import LEAST_CORRELATION, match_ring, read_rings
from kerma.imaging.phantoms._spec import PhantomSpec

Array = npt.NDArray[np.float64]

# Where the middle is looked for, from the middle of the image, and how finely; then again.
_GRIDS_MM = ((30.0, 5.0), (4.0, 1.0))
_EVERY_MM = 8.0
_LEAST_SLICES = 4


def axis_from_inserts(
    volume: Volume, specs: Sequence[PhantomSpec], circle_mm: float
) -> Axis | None:
    """Return the axis through the rings of inserts; ``None`` when no ring is seen.

    Middles on a grid are tried on a slice every 8 mm until one fits a model's ring; the inserts'
    centroids in each slice of the module then give the line.
    """
    every = max(1, round(_EVERY_MM / volume.increment_mm))
    slices = list(range(0, len(volume.images), every))
    whole = (float(volume.s_mm[0]), float(volume.s_mm[-1]))
    middle = (float(volume.shift_mm[:, 0].mean()), float(volume.shift_mm[:, 1].mean()))
    best: tuple[float, PhantomSpec, Axis] | None = None
    for reach, step in _GRIDS_MM:
        line = np.arange(-reach, reach + step / 2, step)
        start, best = middle if best is None else (best[2].x_mm, best[2].y_mm), None
        for dx in line:
            for dy in line:
                axis = level_axis(start[0] + dx, start[1] + dy, whole)
                if not _ring_in_view(volume, axis, circle_mm):
                    continue
                rings = read_rings(volume, axis, circle_mm, slices)
                for spec in specs:
                    match = match_ring(volume, axis, rings, spec)
                    if match is not None and (best is None or match.correlation > best[0]):
                        best = (match.correlation, spec, axis)
                        slices = [match.slices[len(match.slices) // 2]]
        if best is None or best[0] < LEAST_CORRELATION:
            return None
    return _through_inserts(volume, best[1], best[2], circle_mm) if best else None


def level_axis(x_mm: float, y_mm: float, span_mm: tuple[float, float]) -> Axis:
    """Return an axis square to the slices, whose outline was not seen."""
    return Axis(x_mm, y_mm, 0.0, 0.0, span_mm, 0.0, 0.0, 0, outlined=False, whole=False)


def _ring_in_view(volume: Volume, axis: Axis, circle_mm: float) -> bool:
    half_x, half_y = volume.half_mm
    x, y = axis.x_mm - volume.shift_mm[0, 0], axis.y_mm - volume.shift_mm[0, 1]
    return bool(abs(x) + circle_mm + 8 < half_x and abs(y) + circle_mm + 8 < half_y)


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
