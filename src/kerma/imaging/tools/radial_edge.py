"""The edge of a round rod: its centre, its radial profile in blocks, and the transfer function.

Task transfer function after AAPM TG-233 (2019) [recalled]: the radial edge profile of a rod about
its centre, over many slices, differentiated and Fourier transformed.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from kerma.core import AnalysisError
from kerma.imaging.tools.mtf import Mtf
from kerma.imaging.tools.statistics import moments

Array = npt.NDArray[np.floating[Any]]
Indices = npt.NDArray[np.intp]

SEED = 233
REPLICATES = 200
BIN_PX = 0.1
# Distances from the axis repeat and leave narrow bins empty; they are filled from their neighbours.
_WIDEST_GAP = 4
# Blocks for the bootstrap: a slice in at most 8 sectors, in fewer when there are slices enough;
# noise is correlated across the borders of sectors, not (in general) between slices.
_MOST_SECTORS = 8
_BLOCKS = 40
_STAGE = "rod edge"
# Closed-form rods are met within 0.002 (tests/imaging/test_ct_ttf.py): of the method itself.
METHOD_U = 0.001
# The line spread is kept whole over this share of the reach and tapered to nothing at its end.
_FLAT = 0.5


@dataclass(frozen=True, slots=True, eq=False)
class RadialEdge:
    """The radial profile of a rod.

    Attributes
    ----------
    bin_mm
        Width of a bin of radius.
    radius_mm
        Where the profile passes half its height.
    from_edge_mm
        Centres of the bins, from `radius_mm`.
    sums, counts
        Shape (blocks, filled bins): a block is one sector of one slice.
    fill
        Shape (bins, filled bins): puts the values of the filled bins on all bins.
    contrast_hu, noise_hu, u_contrast_hu, u_noise_hu
        Rod less surroundings, the pixel standard deviation of the surroundings, and their standard
        uncertainties.
    slices
        Number of slices.
    reach_mm
        Half-width of the range used.
    """

    bin_mm: float
    radius_mm: float
    from_edge_mm: Array
    sums: Array
    counts: Array
    fill: Array
    contrast_hu: float
    noise_hu: float
    u_contrast_hu: float
    u_noise_hu: float
    slices: int
    reach_mm: float

    @property
    def mean(self) -> Array:
        """Return the profile, all blocks together."""
        return np.asarray(self.fill @ (self.sums.sum(axis=0) / self.counts.sum(axis=0)))

    @property
    def total_cnr(self) -> float:
        """Contrast over noise, times the root of the number of slices (TG-233 [recalled])."""
        if self.noise_hu == 0.0:
            return math.inf
        return abs(self.contrast_hu) / self.noise_hu * math.sqrt(self.slices)


def measure(
    slices: Sequence[Array],
    centres: Array,
    pixel_mm: float,
    radius_px: float,
    reach_px: float,
) -> RadialEdge:
    """Build the radial edge profile of a rod.

    Each pixel goes to a bin of 0.1 pixel of its distance from the axis; the bin's mean is moved to
    the bin's middle along the slope of the profile, because the distances within a narrow bin are
    not evenly spread. Empty bins are filled by cubic interpolation.

    Raises
    ------
    AnalysisError
        Codes ``rod-too-small`` (the pixels leave gaps), ``no-rod``.
    """
    sectors = min(_MOST_SECTORS, max(1, math.ceil(_BLOCKS / len(slices))))
    r, values, block = _gathered(slices, centres, radius_px, reach_px, sectors)
    blocks = len(slices) * sectors
    n = max(8, int(2 * reach_px / BIN_PX))
    width = 2 * reach_px / n
    place = np.clip(((r - radius_px + reach_px) / width).astype(np.intp), 0, n - 1)
    index = block * n + place
    filled = np.bincount(place, minlength=n) > 0
    fill = _fill(filled)

    def per_bin(weights: Array | None) -> Array:
        found = np.bincount(index, weights, minlength=blocks * n).astype(float)
        return np.asarray(found.reshape(blocks, n)[:, filled])

    counts, sums, where = per_bin(None), per_bin(values), per_bin(r)
    total = counts.sum(axis=0)
    middle = radius_px - reach_px + (np.arange(n) + 0.5) * width
    off = counts * middle[filled] - where
    moved = sums
    for _ in range(2):  # the slope is taken from the moved profile the second time
        slope = np.gradient(fill @ (moved.sum(axis=0) / total), width)[filled]
        moved = sums + off * slope
    mean = moved.sum(axis=0) / total
    low, u_low = _plateau(moved, counts, middle[filled] > radius_px + _FLAT * reach_px)
    high, u_high = _plateau(moved, counts, middle[filled] < radius_px - _FLAT * reach_px)
    noise, u_noise = _noise(slices, centres, radius_px + _FLAT * reach_px, radius_px + reach_px)
    half = _half_way(middle, fill @ mean, low, high)
    if half is None:
        raise AnalysisError(
            "The rod's profile does not pass half its height, so it has no edge to measure.",
            stage=_STAGE,
            code="no-rod",
        )
    return RadialEdge(
        bin_mm=width * pixel_mm,
        radius_mm=half * pixel_mm,
        from_edge_mm=(middle - half) * pixel_mm,
        sums=moved,
        counts=counts,
        fill=fill,
        contrast_hu=high - low,
        noise_hu=noise,
        u_contrast_hu=math.hypot(u_low, u_high),
        u_noise_hu=u_noise,
        slices=len(slices),
        reach_mm=reach_px * pixel_mm,
    )


def _half_way(at: Array, profile: Array, low: float, high: float) -> float | None:
    """Return where the profile passes half its height, near where a plain step fits it best.

    In a noisy profile other places pass it too.
    """
    if high == low:
        return None
    share = (profile - low) / (high - low)
    # The step at bin k leaves (share - 1)² before it and share² after it.
    cost = np.concatenate(([0.0], np.cumsum((share - 1) ** 2))) + np.concatenate(
        (np.cumsum(share[::-1] ** 2)[::-1], [0.0])
    )
    step = int(np.argmin(cost))
    if step in (0, len(share)):
        return None
    place = 0.5 * float(at[step - 1] + at[step])
    falls = np.flatnonzero((share[:-1] > 0.5) & (share[1:] <= 0.5))
    crossings = at[falls] + (share[falls] - 0.5) / (share[falls] - share[falls + 1]) * (
        at[falls + 1] - at[falls]
    )
    if not len(crossings):
        return place
    return float(crossings[int(np.argmin(np.abs(crossings - place)))])


def _gathered(
    slices: Sequence[Array], centres: Array, radius_px: float, reach_px: float, sectors: int
) -> tuple[Array, Array, Indices]:
    """Return radius, value and block of every pixel within reach of the edge."""
    rows, columns = np.indices(slices[0].shape, dtype=float)
    radii, values, blocks = [], [], []
    for number, (pixels, (x, y)) in enumerate(zip(slices, centres, strict=True)):
        r = np.hypot(columns - x, rows - y)
        near = np.abs(r - radius_px) < reach_px
        turn = np.arctan2(rows[near] - y, columns[near] - x) / (2 * math.pi) + 0.5
        sector = np.minimum((turn * sectors).astype(np.intp), sectors - 1)
        radii.append(r[near])
        values.append(pixels[near].astype(float))
        blocks.append(number * sectors + sector)
    return np.concatenate(radii), np.concatenate(values), np.concatenate(blocks)


def _fill(filled: npt.NDArray[np.bool_]) -> Array:
    """Return the matrix that interpolates filled bins to all bins.

    Cubics through four across narrow gaps; straight lines across the wide ones near the axis,
    where few distances occur and the profile is level.
    """
    there = np.flatnonzero(filled)
    near = there[np.abs(there - len(filled) / 2) < _FLAT * len(filled) / 2]
    if len(near) < 8 or np.diff(near).max() > _WIDEST_GAP + 1:
        raise AnalysisError(
            "The rod is too small in pixels: its edge leaves gaps in the radial profile. "
            "Reconstruct a smaller field of view around it.",
            stage=_STAGE,
            code="rod-too-small",
        )
    matrix = np.zeros((len(filled), len(there)))
    matrix[there, np.arange(len(there))] = 1.0
    for bin_ in np.flatnonzero(~filled):
        right = int(np.searchsorted(there, bin_))
        if right in (0, len(there)):
            matrix[bin_, min(right, len(there) - 1)] = 1.0
            continue
        wide = there[right] - there[right - 1] > _WIDEST_GAP + 1
        size = 2 if wide else 4
        first = int(np.clip(right - size // 2, 0, len(there) - size))
        nodes = there[first : first + size].astype(float)
        for k in range(size):
            others = np.delete(nodes, k)
            matrix[bin_, first + k] = np.prod((bin_ - others) / (nodes[k] - others))
    return matrix


def _plateau(sums: Array, counts: Array, side: npt.NDArray[np.bool_]) -> tuple[float, float]:
    """Return the mean of one side of the edge and its uncertainty from the scatter of blocks."""
    total, number = sums[:, side].sum(axis=1), counts[:, side].sum(axis=1)
    mean = float(total.sum() / number.sum())
    blocks = len(total)
    excess = total - mean * number
    spread = math.sqrt(float((excess**2).sum()) * blocks / max(1, blocks - 1))
    return mean, spread / float(number.sum())


def _noise(
    slices: Sequence[Array], centres: Array, low_px: float, high_px: float
) -> tuple[float, float]:
    """Return the root mean square over the slices of the pixel SD in a ring, and its u."""
    rows, columns = np.indices(slices[0].shape, dtype=float)
    found = []
    for pixels, (x, y) in zip(slices, centres, strict=True):
        r = np.hypot(columns - x, rows - y)
        found.append(moments(pixels, (r > low_px) & (r < high_px)))
    sd = math.sqrt(sum(m.sd**2 for m in found) / len(found))
    u = math.hypot(*(m.sd * m.u_sd for m in found)) / (len(found) * sd) if sd else 0.0
    return sd, u


def transfer(
    edge: RadialEdge,
    frequency_per_mm: Array,
    *,
    hann_mm: float | None = None,
    corrected: bool = True,
    replicates: int = REPLICATES,
) -> Mtf:
    """Return the task transfer function of a radial edge profile, with bootstrap replicates.

    The slope of the profile (central difference), times sqrt(r/R) for the curvature of the edge,
    is kept whole over half the reach and tapered by a cosine to its end, Fourier transformed about
    the edge and divided by its value at zero, by sinc(f h) for bins of width h and by sinc(2 f h)
    for the difference. The real part is taken: the slope is even about the edge, and a modulus
    would turn noise into signal. The taper averages the plateaus over half the reach; unlike a
    Hann window from the middle it leaves the curve as it is.

    Parameters
    ----------
    edge
        The profile, in blocks.
    frequency_per_mm
        Shape (n,), from 0.
    hann_mm
        Half-width of a Hann window in place of the taper (TG-233 [recalled]); it raises the 50 %
        frequency by about pi² s²/(4 L²).
    corrected
        False leaves out the divisions (for tests of them).
    replicates
        Bootstrap draws of blocks, seed `SEED`.
    """
    blocks = edge.counts.shape[0]
    draws = np.random.default_rng(SEED).multinomial(
        blocks, np.full(blocks, 1.0 / blocks), size=replicates
    )
    weights = np.vstack((np.ones(blocks), draws))
    counts = weights @ edge.counts
    mean = edge.sums.sum(axis=0) / edge.counts.sum(axis=0)
    curves = np.where(counts > 0, weights @ edge.sums / np.where(counts > 0, counts, 1.0), mean)
    curves = curves @ edge.fill.T
    h = edge.bin_mm
    x = edge.from_edge_mm[1:-1]
    slope = (curves[:, 2:] - curves[:, :-2]) / (2 * h)
    slope = slope * np.sqrt(np.maximum(1.0 + x / edge.radius_mm, 0.0))
    slope = slope * _window(x, edge.reach_mm, hann_mm)
    phase = 2 * math.pi * np.outer(x, frequency_per_mm)
    found = slope @ np.cos(phase) - 1j * (slope @ np.sin(phase))
    lag = _lag(found[0], frequency_per_mm)
    values = (found * np.exp(1j * lag * frequency_per_mm)).real
    values = values / values[:, :1]
    if corrected:
        values = values / (np.sinc(frequency_per_mm * h) * np.sinc(2 * frequency_per_mm * h))
    drawn = values[0] + (values[1:] - values[1:].mean(axis=0)) * math.sqrt(blocks / (blocks - 1))
    u = np.hypot(drawn.std(axis=0, ddof=1), METHOD_U)
    return Mtf(frequency_per_mm, values[0], u, drawn, METHOD_U)


def _window(x: Array, reach_mm: float, hann_mm: float | None) -> Array:
    if hann_mm is not None:
        inside = np.abs(x) <= hann_mm
        return np.asarray(np.where(inside, 0.5 * (1 + np.cos(math.pi * x / hann_mm)), 0.0))
    share = (np.abs(x) / reach_mm - _FLAT) / (1 - _FLAT)
    return np.asarray(0.5 * (1 + np.cos(math.pi * np.clip(share, 0.0, 1.0))))


def _lag(transform: npt.NDArray[np.complexfloating[Any, Any]], f: Array) -> float:
    """Return the slope of the phase, weighted, where the modulus is above half."""
    first_low = np.flatnonzero(np.abs(transform) < 0.5 * np.abs(transform[0]))
    last = max(3, int(first_low[0]) if len(first_low) else len(f))
    phase = -np.unwrap(np.angle(transform[:last] / transform[0]))
    weight = np.abs(transform[:last]) ** 2 * f[:last]
    return float((weight * phase).sum() / (weight * f[:last]).sum())
