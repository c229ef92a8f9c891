"""Find the peak of a dose map surely: coarse cells with an upper bound, fine ones where it may be.

A strip where fields overlap may be narrower than any cell. So each coarse cell gets, with its
dose, an upper bound of the dose anywhere within it; cells are divided, highest bound first, until
no other can hold more than what has been found.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from kerma.physics.skin.body import Body
from kerma.physics.skin.kernel import Beams, Slab, Sums, blocked, total

Array = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]
_FIRST_BATCH = 48


@dataclass(frozen=True, eq=False)
class Peak:
    """The peak of a map (mGy).

    Attributes
    ----------
    square, tile, point
        Largest mean over a square as wide as a coarse cell (10 mm) anywhere, over a coarse cell,
        and largest fine cell.
    cells, u, v
        Fine cells of the best square: the coarse cell of each, and where in it.
    divided
        Number of coarse cells that were divided.
    """

    square: float
    tile: float
    point: float
    cells: Integers
    u: Array
    v: Array
    divided: int


class _Fine:
    """Fine doses of the cells divided so far."""

    def __init__(self, body: Body, beams: Beams, slab: Slab) -> None:
        self.body, self.beams, self.slab = body, beams, slab
        self.slot = np.full(int(body.firsts[-1]) + 1, -1, np.int64)  # the last is "no cell"
        self.doses = np.zeros((0, body.divide, body.divide))

    def divide(self, cells: Integers) -> None:
        """Work out the fine cells of these cells, where not done yet."""
        new = np.unique(cells[(cells >= 0) & (self.slot[cells] < 0)])
        if new.size == 0:
            return
        n = self.body.divide
        points, normals = self.body.fine(new)
        skin = blocked(
            self.body.on_table(points),
            normals @ self.body.turn.T,
            np.repeat(np.arange(len(new)), n * n),
        )
        dose = total(skin, self.beams, self.slab).dose.reshape(-1, n, n)
        self.slot[new] = len(self.doses) + np.arange(len(new))
        self.doses = np.concatenate([self.doses, dose])

    def around(self, cells: Integers) -> Array:
        """Return the fine doses of cells and their neighbours, (cells, 3 n, 3 n); NaN outside."""
        n, near = self.body.divide, self.body.nearest[cells]
        doses = self.doses[self.slot[near]]
        doses[near < 0] = np.nan
        return np.asarray(doses.transpose(0, 1, 3, 2, 4).reshape(len(cells), 3 * n, 3 * n))


def _squares(around: Array, n: int) -> Array:
    """Return means over n × n fine cells at every place within (cells, 3 n, 3 n)."""
    sums = np.pad(np.cumsum(np.cumsum(around, axis=1), axis=2), ((0, 0), (1, 0), (1, 0)))
    inner = sums[:, n:, n:] - sums[:, :-n, n:] - sums[:, n:, :-n] + sums[:, :-n, :-n]
    return np.asarray(inner / n**2)


def find(body: Body, beams: Beams, slab: Slab) -> tuple[Sums, Peak]:
    """Return the coarse sums (in the order of the cells) and the peak."""
    found = total(body.skin, beams, slab, bound=True)
    bound = body.in_order(found.bound)
    sums = Sums(body.in_order(found.dose), body.in_order(found.hits), bound)
    fine, n = _Fine(body, beams, slab), body.divide
    order = np.argsort(-bound, kind="stable")
    best = Peak(0.0, 0.0, 0.0, np.zeros(0, np.int64), np.zeros(0), np.zeros(0), 0)
    start, batch = 0, _FIRST_BATCH
    while start < len(order) and bound[order[start]] > best.tile:
        cells = order[start : start + batch]
        cells = cells[bound[cells] > best.tile]
        fine.divide(body.nearest[cells].ravel())
        best = _better(best, fine, cells, n)
        start, batch = start + batch, 2 * batch
    return sums, best


def _better(best: Peak, fine: _Fine, cells: Integers, n: int) -> Peak:
    """Return the better of the best so far and what these cells hold."""
    own = fine.doses[fine.slot[cells]]
    tile = max(best.tile, float(own.mean(axis=(1, 2)).max()))
    point = max(best.point, float(own.max()))
    divided = len(fine.doses)
    # A square beyond an open edge is no square; what lies over the edge is not a number.
    squares = np.nan_to_num(_squares_at(fine, cells, n), nan=-1.0)
    at = int(np.argmax(squares))
    if squares.flat[at] <= best.square:
        return Peak(best.square, tile, point, best.cells, best.u, best.v, divided)
    which, row, column = (int(x) for x in np.unravel_index(at, squares.shape))
    v, u = np.meshgrid(np.arange(row, row + n), np.arange(column, column + n), indexing="ij")
    chosen = fine.body.nearest[cells[which], v.ravel() // n, u.ravel() // n]
    return Peak(
        float(squares.flat[at]), tile, point, chosen,
        (u.ravel() % n + 0.5) / n, (v.ravel() % n + 0.5) / n, divided,
    )  # fmt: skip


def _squares_at(fine: _Fine, cells: Integers, n: int) -> Array:
    around = fine.around(cells)
    if not np.isnan(around).any():
        return _squares(around, n)
    known = _squares(np.nan_to_num(around), n)
    outside = _squares(np.isnan(around).astype(float), n) > 1e-9
    return np.where(outside, np.nan, known)
