"""The phantom lying on the table: its cells, coarse everywhere and fine where the peak may be."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from kerma.physics.skin.geometry import PATIENT_ON_TABLE
from kerma.physics.skin.kernel import BLOCK, Skin, blocked
from kerma.physics.skin.phantom import Patch, Phantom, Plane, centres, corners

Array = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]
Scalar = TypeVar("Scalar", np.float64, np.int64)


@dataclass(frozen=True, eq=False)
class Body:
    """A phantom on the table.

    Attributes
    ----------
    patches
        Its surfaces.
    turn, shift
        Point of the table = turn × point of the patient + shift.
    divide
        Fine cells along each side of a coarse one.
    """

    patches: tuple[Patch, ...]
    turn: Array
    shift: Array
    divide: int

    @cached_property
    def firsts(self) -> Integers:
        """Number of the first cell of each patch, and of all cells."""
        counts = [p.shape[0] * p.shape[1] for p in self.patches]
        return np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)

    @cached_property
    def reach(self) -> float:
        """Distance from the middle of a cell to its corner."""
        return max(float(np.hypot(*p.cell_mm)) / 2 for p in self.patches)

    @property
    def bend(self) -> float:
        """Largest turn of the normal within a cell."""
        return max(p.bend for p in self.patches)

    @cached_property
    def _ordered(self) -> tuple[Skin, Integers]:
        points, normals, blocks, order, told = [], [], [], [], 0
        for first, patch in zip(self.firsts, self.patches, strict=False):
            nu, nv = patch.shape
            i, j = np.meshgrid(np.arange(nu), np.arange(nv), indexing="xy")
            block = (i // BLOCK + (j // BLOCK) * (nu // BLOCK + 1)).ravel()
            by_block = np.argsort(block, kind="stable")
            at, facing = centres(patch)
            points.append(at[by_block])
            normals.append(facing[by_block])
            blocks.append(block[by_block] + told)
            order.append(by_block + first)
            told += int(block.max()) + 1
        skin = blocked(
            self.on_table(np.concatenate(points)), np.concatenate(normals) @ self.turn.T,
            np.concatenate(blocks), self.reach, self.bend,
        )  # fmt: skip
        return skin, np.concatenate(order)

    @property
    def skin(self) -> Skin:
        """The coarse cells for the kernel, in blocks."""
        return self._ordered[0]

    def in_order(self, values: npt.NDArray[Scalar]) -> npt.NDArray[Scalar]:
        """Return values of `skin` in the order of the cells."""
        out = np.empty_like(values)
        out[self._ordered[1]] = values
        return out

    def on_table(self, points: Array) -> Array:
        """Return points of the patient in the table's coordinates."""
        return np.asarray(points @ self.turn.T + self.shift)

    def in_cells(self, cells: Integers, u: Array, v: Array) -> tuple[Array, Array]:
        """Return points and normals (patient) at shares u, v (0 to 1) of given cells."""
        of = np.searchsorted(self.firsts, cells, side="right") - 1
        points, normals = np.empty((len(cells), 3)), np.empty((len(cells), 3))
        for number, patch in enumerate(self.patches):
            mine = of == number
            local = cells[mine] - self.firsts[number]
            nu = patch.shape[0]
            points[mine], normals[mine] = patch.at(local % nu + u[mine], local // nu + v[mine])
        return points, normals

    def fine(self, cells: Integers) -> tuple[Array, Array]:
        """Return points and normals (patient) of the fine cells of given cells.

        Ordered by cell, then v, then u: reshape to (cells, divide, divide).
        """
        n = self.divide
        inside = (np.arange(n) + 0.5) / n
        u, v = np.meshgrid(inside, inside, indexing="xy")
        return self.in_cells(
            np.repeat(cells, n * n), np.tile(u.ravel(), len(cells)), np.tile(v.ravel(), len(cells))
        )

    def beside(self, cells: Integers, du: int, dv: int) -> Integers:
        """Return the cell so many steps beside each; −1 where there is none."""
        of = np.searchsorted(self.firsts, cells, side="right") - 1
        out = np.full(cells.shape, -1, np.int64)
        for number, patch in enumerate(self.patches):
            mine = of == number
            local = cells[mine] - self.firsts[number]
            nu, nv = patch.shape
            i, j = local % nu + du, local // nu + dv
            if patch.closed:
                i %= nu
            there = (i >= 0) & (i < nu) & (j >= 0) & (j < nv)
            out[mine] = np.where(there, i + nu * j + self.firsts[number], -1)
        return out

    @cached_property
    def nearest(self) -> Integers:
        """The nine cells about each, itself in the middle: (cells, v, u); −1 where none is."""
        every = np.arange(int(self.firsts[-1]))
        steps = (-1, 0, 1)
        return np.stack(
            [np.stack([self.beside(every, du, dv) for du in steps], axis=-1) for dv in steps],
            axis=1,
        )

    def part(self, cell: int) -> str:
        """Return the name of the patch a cell is on."""
        return self.patches[int(np.searchsorted(self.firsts, cell, side="right")) - 1].part

    def corners(self) -> tuple[Array, Integers]:
        """Return the corners of all cells (patient), and the four of each cell."""
        points, quads, told = [], [], 0
        for patch in self.patches:
            at, four = corners(patch)
            points.append(at)
            quads.append(four + told)
            told += len(at)
        return np.concatenate(points), np.concatenate(quads)


def lying(
    phantom: Phantom, orientation: str, pad_mm: float, head_gap_mm: float, fine_mm: float
) -> Body:
    """Return a phantom on the table's pad, in the middle across.

    Parameters
    ----------
    phantom, orientation
        The patient, and how they lie.
    pad_mm
        Height of the pad's upper face above the table top.
    head_gap_mm
        From the table's head end to the end of the patient that is nearer to it.
    fine_mm
        Size of the fine cells wanted.
    """
    turn = PATIENT_ON_TABLE[orientation]
    face_down = turn[1, 1] < 0
    patches = tuple(
        replace(p, front=face_down) if isinstance(p, Plane) else p for p in phantom.patches
    )
    ends = np.concatenate([corners(p)[0] for p in patches]) @ turn.T
    shift = np.array([0.0, -pad_mm - ends[:, 1].max(), -head_gap_mm - ends[:, 2].max()])
    largest = max(max(p.cell_mm) for p in patches)
    return Body(patches, turn, shift, max(1, round(largest / fine_mm)))
