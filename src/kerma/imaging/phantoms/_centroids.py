"""Where rods and inserts are: centroids of their contrast, all of a slice at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from kerma.imaging.phantoms._grid import Volume, disc_grid
from kerma.imaging.phantoms._pose import Pose, RigidFit, fit_rigid
from kerma.imaging.phantoms._spec import Insert

Array = npt.NDArray[np.float64]

_AROUND_MM = 3.0
_STEPS = 3
# An insert of less contrast than this is drowned by its neighbours' streaks, one that is found
# further off is another's (design choices).
LEAST_CONTRAST_HU = 100.0
_STRAY_MM = 3.0
# Up to about this contrast noise decides how well an insert is placed, above it its hole does.
_PLACED_HU = 300.0


@dataclass(frozen=True, slots=True, eq=False)
class Centroids:
    """Centroids in one slice: (x, y) in mm, shape (n, 2), and contrast, HU, shape (n,)."""

    xy_mm: Array
    contrast_hu: Array


def centroids(volume: Volume, index: int, start_mm: Array, radius_mm: float) -> Centroids:
    """Return the centroids of discs of one size near given places of a slice.

    The surround (median and slopes of a ring) is taken off; the disc that is summed follows the
    centroid, three times.
    """
    reach, step = radius_mm + _AROUND_MM, max(0.4, min(0.8, volume.pixel_mm))
    gx, gy = disc_grid(reach, step)
    away = np.hypot(gx, gy)
    outer, inner = away > radius_mm + 1.5, away < max(0.5, radius_mm / 2)
    at = start_mm.copy()
    contrast = np.zeros(len(at))
    for _ in range(_STEPS):
        values = volume.read(index, at[:, :1] + gx, at[:, 1:] + gy)
        beside = values[:, outer]
        values = values - np.median(beside, axis=1, keepdims=True)
        # Shading tilts the surround; the grid is even about 0, so both slopes stand alone.
        for g in (gx, gy):
            slope = (beside * g[outer]).sum(axis=1, keepdims=True) / (g[outer] ** 2).sum()
            values = values - slope * g
        contrast = values[:, inner].mean(axis=1)
        total = values.sum(axis=1)
        safe = np.where(np.abs(total) > 1e-9, total, np.inf)
        move = np.column_stack([(values * gx).sum(axis=1) / safe, (values * gy).sum(axis=1) / safe])
        move[np.hypot(*move.T) > reach] = 0.0
        at = at + move
    return Centroids(at, contrast)


def insert_centroid(
    volume: Volume, pose: Pose, index: int, xy: tuple[float, float], radius_mm: float
) -> tuple[float, float, float]:
    """Return (x, y) of one rod's centroid from the axis, mm, and its contrast, HU."""
    s = float(volume.s_mm[index])
    found = centroids(volume, index, np.array([pose.place(*xy, s)]), radius_mm)
    ax, ay = pose.axis.at(s)
    x, y = found.xy_mm[0]
    return float(x - ax), float(y - ay), float(found.contrast_hu[0])


def fit_inserts(
    volume: Volume, pose: Pose, slices: Sequence[int], inserts: Sequence[Insert], radius_mm: float
) -> RigidFit | None:
    """Return roll and shift from the inserts of some slices; ``None`` with fewer than three."""
    places = np.array([i.xy_mm for i in inserts])
    found = np.full((len(slices), len(places), 2), np.nan)
    contrast = np.full((len(slices), len(places)), np.nan)
    for k, index in enumerate(slices):
        s = volume.s_mm[index]
        x, y = pose.places(places, np.array([s]))
        expected = np.column_stack([x[:, 0], y[:, 0]])
        seen = centroids(volume, index, expected, radius_mm)
        strays = np.hypot(*(seen.xy_mm - expected).T) > _STRAY_MM
        keep = (np.abs(seen.contrast_hu) > LEAST_CONTRAST_HU) & ~strays
        cx, cy = pose.axis.at(float(s))
        dx, dy = pose.across(seen.xy_mm[keep, 0] - cx, seen.xy_mm[keep, 1] - cy)
        found[k, keep] = np.column_stack([dx, dy])
        contrast[k, keep] = seen.contrast_hu[keep]
    # Those seen in most slices; an error of a nominal place repeats in all of them, so each counts
    # once, by its mean.
    seen_in = np.isfinite(found[:, :, 0]).sum(axis=0)
    usual = seen_in * 2 > len(slices)
    if usual.sum() < 3:
        return None
    weights = 1 / (1 + (_PLACED_HU / np.nanmean(contrast[:, usual], axis=0)) ** 2)
    return fit_rigid(places[usual], np.nanmean(found[:, usual], axis=0), pose.sense, weights)
