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
    offsets
        Sum of the pixels' distances from the middle of their bin in mm, shape (blocks, bins);
        ``None`` where each pixel stands at the middle and nothing is averaged over a bin.
    """

    bin_mm: float
    sums: Array
    counts: Array
    angle_deg: float
    u_angle_deg: float
    contrast: float
    noise: tuple[float, float]
    unevenness: float
    offsets: Array | None = None

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
    off = distance - (np.floor(distance / bin_mm) + 0.5) * bin_mm
    off = (off if right > left else -off)[inside]
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
        offsets=np.bincount(index, off, minlength=size).reshape(blocks, bins) + 0.0,
    )


def linewise(pixels: Array, line: Line, spacing_mm: tuple[float, float]) -> EdgeSpread:
    """Build the edge spread function line by line, as IEC 62220-1-1:2015 describes it (recalled).

    N, the nearest whole number to 1/tan of the tilt, consecutive lines make one edge spread
    function: their pixels interleave with spacing dx/N, taken along the lines. The functions of
    all groups of N lines are shifted to one edge and averaged. Same parameters as `project`.

    Raises
    ------
    AnalysisError
        Code ``edge-too-short``: fewer than 4 groups of lines.
    """
    dy, dx = spacing_mm
    slope_mm = line.slope * dx / dy
    angle = math.atan(slope_mm)
    lines = round(1.0 / abs(line.slope)) if line.slope else line.bottom - line.top + 1
    groups = (line.bottom - line.top) // lines
    if groups < _LEAST_BLOCKS:
        raise AnalysisError(
            f"The edge is too short for its angle of {math.degrees(abs(angle)):.2f} degrees: "
            f"{groups} groups of {lines} lines, {_LEAST_BLOCKS} needed.",
            stage="edge spread function",
            code="edge-too-short",
        )
    rows = line.top + np.arange(groups * lines)
    within, group = rows % lines - line.top % lines, (rows - line.top) // lines
    within = np.where(within < 0, within + lines, within)
    starts = np.rint(line.at(line.top + lines * np.arange(groups, dtype=float)) * lines).astype(int)
    half = int((line.half_width - 1.0) * lines)
    bins = 2 * half + 1
    reach = math.ceil(line.half_width) + 1
    centre = np.rint(line.at(rows.astype(float))).astype(int)
    columns = np.clip(centre[:, None] + np.arange(-reach, reach + 1), 0, pixels.shape[1] - 1)
    lean = 1 if line.slope > 0 else -1
    place = columns * lines - lean * within[:, None] - starts[group][:, None] + half
    left, right = line.low_high
    values = (pixels[rows[:, None], columns] - min(left, right)) / abs(right - left)
    if right < left:
        place = bins - 1 - place
    inside = (place >= 0) & (place < bins)
    index = (group[:, None] * bins + place)[inside]
    size = groups * bins
    counts: Array = np.bincount(index, minlength=size).reshape(groups, bins).astype(float)
    sums: Array = np.bincount(index, values[inside], minlength=size).reshape(groups, bins) + 0.0
    if (counts.sum(axis=0) == 0).any():
        raise AnalysisError(
            "The edge does not fill every sample of the edge spread function. Use a wider field.",
            stage="edge spread function",
            code="edge-too-short",
        )
    noise, unevenness = _scatter(values, place, inside, sums, counts)
    return EdgeSpread(
        bin_mm=dx / lines,
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

    Raises
    ------
    AnalysisError
        Code ``edge-angles-differ``: the samples of the curves differ in width.
    """
    if len({s.bin_mm for s in spreads}) > 1:
        raise AnalysisError(
            "The edges are tilted by different angles, so their edge spread functions, sampled "
            "line by line, cannot be averaged. Measure the images apart, or by projection.",
            stage="average edge spread functions",
            code="edge-angles-differ",
        )
    bins = min(s.counts.shape[1] for s in spreads)

    def cut(a: Array) -> Array:
        off = (a.shape[1] - bins) // 2
        return a[:, off : off + bins]

    n = len(spreads)
    offsets = [s.offsets for s in spreads if s.offsets is not None]
    return EdgeSpread(
        bin_mm=spreads[0].bin_mm,
        sums=np.concatenate([cut(s.sums) for s in spreads]),
        counts=np.concatenate([cut(s.counts) for s in spreads]),
        angle_deg=sum(s.angle_deg for s in spreads) / n,
        u_angle_deg=math.hypot(*(s.u_angle_deg for s in spreads)) / n,
        contrast=sum(s.contrast for s in spreads) / n,
        noise=(max(s.noise[0] for s in spreads), max(s.noise[1] for s in spreads)),
        unevenness=max(s.unevenness for s in spreads),
        offsets=np.concatenate([cut(o) for o in offsets]) if offsets else None,
    )
