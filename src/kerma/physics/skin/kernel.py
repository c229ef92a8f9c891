"""The dose to cells of skin from beams: the arrays, and the compiled sum over both.

For a cell at r from a focus at s, with n its outward normal and d = r − s,

    dose = K_ref (l_ref / |d|)² BSF(side) (μ_en/ρ)water,air T^(path / thickness)

when d falls between the four edges of the field and d · n < 0 (the beam enters there), else none.
`side` is that of the square of the field's area at the cell's depth along the beam axis, `path` the
way through the slab of table and pad. `kerma.physics.skin.plain` says the same in numpy.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from importlib import import_module
from typing import Any

import numpy as np
import numpy.typing as npt

from kerma.physics.skin.factors import table

Array = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]

BLOCK = 8  # cells a side of the blocks a beam is tested against first
# The upper bound of a cell allows 2 % for what changes slowly within it: backscatter.
BOUND_SLACK = 1.02


@dataclass(frozen=True, eq=False)
class Beams:
    """Beams in the table's coordinates (mm); n beams of m events, events in rising order.

    Attributes
    ----------
    focus, axis, transverse, along
        (n, 3): focus; unit vectors to the detector and along the field.
    edges
        (n, 4): lower and upper edge across, lower and upper along, as tangents.
    weight
        (n,): reference kerma × (distance to the reference point)², mGy mm².
    event
        (n,): place of the event in `log_transmission` and `spline`.
    log_transmission
        (m,): logarithm of the transmission of the slab, perpendicular.
    spline
        (m, sides − 1, 4): see `kerma.physics.skin.factors.splines`.
    """

    focus: Array
    axis: Array
    transverse: Array
    along: Array
    edges: Array
    weight: Array
    event: Integers
    log_transmission: Array
    spline: Array

    def __len__(self) -> int:
        return len(self.weight)

    def moved(self, by_mm: Array) -> Beams:
        """Return the beams as seen when the patient has moved by this much."""
        return replace(self, focus=self.focus - by_mm)

    @property
    def unit_side(self) -> Array:
        """Side of the square of the field's area at distance 1."""
        return np.sqrt(
            (self.edges[:, 1] - self.edges[:, 0]) * (self.edges[:, 3] - self.edges[:, 2])
        )


@dataclass(frozen=True)
class Slab:
    """Table and pad as one box (mm), low and high corner, in the table's coordinates."""

    low: tuple[float, float, float]
    high: tuple[float, float, float]
    obliquity: bool = True

    @property
    def thickness(self) -> float:
        """Way of a perpendicular ray through it."""
        return self.high[1] - self.low[1]

    def moved(self, by_mm: Array) -> Slab:
        """Return the slab as seen when the patient has moved across and along it.

        Down it moves with the patient, who lies on it.
        """
        shift = np.array([by_mm[0], 0.0, by_mm[2]])
        low, high = (np.array(corner) - shift for corner in (self.low, self.high))
        return replace(self, low=tuple(low.tolist()), high=tuple(high.tolist()))


@dataclass(frozen=True, eq=False)
class Skin:
    """Cells in the table's coordinates, ordered by block.

    Attributes
    ----------
    points, normals
        (n, 3).
    starts, middles, radii
        Of each block: first cell (one more at the end), and a sphere around its cells.
    reach, bend
        Distance from the middle of a cell to its corner; largest turn of its normal on the way.
    """

    points: Array
    normals: Array
    starts: Integers
    middles: Array
    radii: Array
    reach: float = 0.0
    bend: float = 0.0


def blocked(
    points: Array, normals: Array, blocks: Integers, reach: float = 0.0, bend: float = 0.0
) -> Skin:
    """Return cells as `Skin`; `blocks` numbers the block of each cell, in rising order."""
    starts = np.flatnonzero(np.concatenate([[True], np.diff(blocks) != 0]))
    starts = np.concatenate([starts, [len(points)]]).astype(np.int64)
    counts = np.diff(starts)
    middles = np.add.reduceat(points, starts[:-1]) / counts[:, None]
    away = np.linalg.norm(points - np.repeat(middles, counts, axis=0), axis=1)
    return Skin(
        np.ascontiguousarray(points),
        np.ascontiguousarray(normals),
        starts,
        middles,
        np.maximum.reduceat(away, starts[:-1]),
        reach,
        bend,
    )


@dataclass(frozen=True, eq=False)
class Sums:
    """Dose (mGy), number of events that hit, and an upper bound of the dose within the cell."""

    dose: Array
    hits: Integers
    bound: Array


def compiled() -> Any:
    """Return the compiled module; importing it costs a second, so it waits until it is needed."""
    return import_module("kerma.physics.skin._compiled")


def total(skin: Skin, beams: Beams, slab: Slab, *, bound: bool = False) -> Sums:
    """Return the sums over all beams for each cell.

    Parameters
    ----------
    skin, beams, slab
        All in the table's coordinates.
    bound
        Also work out the upper bound; else it is left at zero.
    """
    n = len(skin.points)
    found = Sums(np.zeros(n), np.zeros(n, np.int64), np.zeros(n))
    if n == 0 or len(beams) == 0:
        return found
    slack = skin.reach if bound else -1.0
    compiled().accumulate(
        skin.points, skin.normals, skin.starts, skin.middles, skin.radii,
        beams.focus, beams.axis, beams.transverse, beams.along, beams.edges, beams.weight,
        beams.unit_side, beams.event, beams.log_transmission, beams.spline,
        table().sides_cm, np.array([slab.low, slab.high]), slab.obliquity,
        slack, math.sin(min(skin.bend, math.pi / 2)), BOUND_SLACK,
        found.dose, found.hits, found.bound,
    )  # fmt: skip
    return found
