"""The oversampled edge spread function: pixels projected on the edge's normal, in blocks.

Projection binning: each pixel of the region goes to the bin of its distance from the edge, measured
along the normal; equivalent to the line-wise shifts of IEC 62220-1-1:2015, and used by most tools.
The pixels are kept apart in blocks along the edge, each one whole period of the sampling phase, for
the bootstrap and so that every bin is filled evenly.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from kerma.core import AnalysisError
from kerma.imaging.tools.edge import Line

Array = npt.NDArray[np.floating[Any]]

_LEAST_BLOCKS = 4


@dataclass(frozen=True, slots=True, eq=False)
class EdgeSpread:
    """An edge spread function, rising from 0 to 1.

    Attributes
    ----------
    bin_mm
        Width of a bin.
    sums, counts
        Sum and number of the normalised pixels, shape (blocks, bins).
    angle_deg, u_angle_deg
        Tilt of the edge to the pixel axis.
    contrast
        Step in pixel values.
    noise
        Standard deviation of pixels about the curve, in units of the step: (dark side, bright
        side), away from the edge.
    unevenness
        Largest deviation of a block's side from the curve, in units of the step.
    """

    bin_mm: float
    sums: Array
    counts: Array
    angle_deg: float
    u_angle_deg: float
    contrast: float
    noise: tuple[float, float]
    unevenness: float

    @property
    def mean(self) -> Array:
        """Return the curve, all blocks together; shape (bins,)."""
        return np.asarray(self.sums.sum(axis=0) / self.counts.sum(axis=0))

    @property
    def distance_mm(self) -> Array:
        """Return the centres of the bins; zero at the fitted edge."""
        n = self.counts.shape[1]
        return np.asarray((np.arange(n) - (n - 1) / 2) * self.bin_mm)


def project(
    pixels: Array, line: Line, spacing_mm: tuple[float, float], bin_px: float
) -> EdgeSpread:
    """Build the edge spread function around a fitted line.

    Parameters
    ----------
    pixels
        Shape (rows, columns), the edge running down.
    line
        From `kerma.imaging.tools.edge.fit_line`.
    spacing_mm
        (row, column).
    bin_px
        Width of a bin in pixels, along the normal.

    Raises
    ------
    AnalysisError
        Code ``edge-too-short``: fewer than 4 whole periods of the sampling phase.
    """
    dy, dx = spacing_mm
    slope_mm = line.slope * dx / dy
    angle = math.atan(slope_mm)
    period = 1.0 / abs(line.slope) if line.slope else math.inf
    blocks = int((line.bottom - line.top) / period)
    if blocks < _LEAST_BLOCKS:
        raise AnalysisError(
            f"The edge is too short for its angle of {math.degrees(abs(angle)):.2f} degrees: "
            f"{blocks} periods of the pixel raster, {_LEAST_BLOCKS} needed.",
            stage="edge spread function",
            code="edge-too-short",
        )
    rows = np.arange(line.top, line.top + int(blocks * period), dtype=float)
    half_mm = (line.half_width - 1.0) * dx * math.cos(angle)
    bin_mm = bin_px * dx
    bins = 2 * int(half_mm / bin_mm)
    reach = math.ceil(line.half_width) + 1
    centre = np.rint(line.at(rows)).astype(int)
    columns = np.clip(centre[:, None] + np.arange(-reach, reach + 1), 0, pixels.shape[1] - 1)
    distance = (columns - line.at(rows)[:, None]) * dx * math.cos(angle)
    place = np.floor(distance / bin_mm).astype(int) + bins // 2
    left, right = line.low_high
    values = (pixels[rows.astype(int)[:, None], columns] - min(left, right)) / abs(right - left)
    if right < left:
        place = bins - 1 - place
    block = np.minimum(((rows - line.top) / period).astype(int), blocks - 1)
    inside = (place >= 0) & (place < bins)
    index = (block[:, None] * bins + place)[inside]
    size = blocks * bins
    counts: Array = np.bincount(index, minlength=size).reshape(blocks, bins).astype(float)
    sums: Array = np.bincount(index, values[inside], minlength=size).reshape(blocks, bins) + 0.0
    if (counts.sum(axis=0) == 0).any():
        raise AnalysisError(
            "The edge does not fill every bin of the edge spread function. Use a longer edge.",
            stage="edge spread function",
            code="edge-too-short",
        )
    noise, unevenness = _scatter(values, place, inside, sums, counts)
    return EdgeSpread(
        bin_mm=bin_mm,
        sums=sums,
        counts=counts,
        angle_deg=math.degrees(angle),
        u_angle_deg=math.degrees(line.u_slope * dx / dy / (1 + slope_mm**2)),
        contrast=abs(right - left),
        noise=noise,
        unevenness=unevenness,
    )


def _scatter(
    values: Array,
    place: npt.NDArray[np.intp],
    inside: npt.NDArray[np.bool_],
    sums: Array,
    counts: Array,
) -> tuple[tuple[float, float], float]:
    """Return pixel noise of the two sides about the curve, and how much blocks differ from it."""
    bins = counts.shape[1]
    curve = sums.sum(axis=0) / counts.sum(axis=0)
    residual = values - curve[np.clip(place, 0, bins - 1)]
    noise, uneven = [], 0.0
    for side in (slice(0, bins * 3 // 10), slice(bins * 7 // 10, bins)):
        here = inside & (place >= (side.start or 0)) & (place < side.stop)
        noise.append(float(residual[here].std()))
        expected = (counts[:, side] * curve[side]).sum(axis=1)
        off = (sums[:, side].sum(axis=1) - expected) / counts[:, side].sum(axis=1)
        uneven = max(uneven, float(np.abs(off).max()))
    return (noise[0], noise[1]), uneven


def pooled(spreads: list[EdgeSpread]) -> EdgeSpread:
    """Average edge spread functions of one direction: ESFs may be averaged, MTFs may not.

    IEC 62220-1-1:2015. The bins are cut to the shortest curve.
    """
    bins = min(s.counts.shape[1] for s in spreads)

    def cut(a: Array) -> Array:
        off = (a.shape[1] - bins) // 2
        return a[:, off : off + bins]

    n = len(spreads)
    return EdgeSpread(
        bin_mm=spreads[0].bin_mm,
        sums=np.concatenate([cut(s.sums) for s in spreads]),
        counts=np.concatenate([cut(s.counts) for s in spreads]),
        angle_deg=sum(s.angle_deg for s in spreads) / n,
        u_angle_deg=math.hypot(*(s.u_angle_deg for s in spreads)) / n,
        contrast=sum(s.contrast for s in spreads) / n,
        noise=(max(s.noise[0] for s in spreads), max(s.noise[1] for s in spreads)),
        unevenness=max(s.unevenness for s in spreads),
    )
