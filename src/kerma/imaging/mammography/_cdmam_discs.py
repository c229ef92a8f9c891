"""Signals at the places of discs: matched filter over a background fitted beside the discs."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from kerma.imaging.mammography._cdmam_grid import Lattice, reduced
from kerma.imaging.mammography._cdmam_spec import CORNERS, Matrix
from kerma.imaging.tools.untyped import ndimage

Array = npt.NDArray[np.floating[Any]]
Sums = npt.NDArray[np.float64]
Whole = npt.NDArray[np.intp]

_REDUCED_MM = 0.3
# Pixels nearer to a line, in cells, or to the rim of a disc, in mm, are no background.
_FROM_LINE = 0.11
_FROM_DISC_MM = 0.3
_PHASES = 8
_FINE = 8


@dataclass(frozen=True, slots=True, eq=False)
class Setting:
    """A phantom placed in an image.

    Attributes
    ----------
    matrix
        Its cells.
    lattice
        From places in the matrix (cells) to pixels.
    diameter_px
        Of each cell's discs.
    pixel_mm
        Side of a pixel.
    offset
        Of the second disc along both sides, in cells.
    blur_px
        Standard deviation of the blur the filters expect.
    """

    matrix: Matrix
    lattice: Lattice
    diameter_px: Array
    pixel_mm: float
    offset: float
    blur_px: float

    @property
    def pitch_px(self) -> float:
        """Side of a cell in pixels, the mean of both directions."""
        a, b = self.lattice.across, self.lattice.down
        return (math.hypot(*a) + math.hypot(*b)) / 2

    def places(self) -> tuple[Array, Array]:
        """Return (column, row) in pixels of the middle and the four corners, shape (5, cells)."""
        m = self.matrix
        away = np.vstack([np.zeros(2), CORNERS * self.offset])
        return self.lattice.at(m.x + away[:, :1], m.y + away[:, 1:])


@dataclass(frozen=True, slots=True, eq=False)
class Background:
    """A surface of second order through each cell and its neighbours, beside lines and discs.

    Attributes
    ----------
    terms
        Shape (cells, 6): of 1, u, v, u², uv, v², with (u, v) in cells from the middle of the cell.
    noise
        Standard deviation of a pixel about the surfaces, from the reduced image (white noise).
    """

    terms: Array
    noise: float

    def at(self, u: Array, v: Array) -> Array:
        """Return the background of each cell at (u, v) from its middle; shapes (..., cells)."""
        return np.asarray(
            sum(t * p for t, p in zip(self.terms.T, _powers(u, v), strict=True)), dtype=float
        )


def _powers(u: Array, v: Array) -> list[Array]:
    return [np.ones_like(u), u, v, u * u, u * v, v * v]


def background(pixels: Array, setting: Setting) -> Background:
    """Fit the background of every cell."""
    factor = max(1, round(_REDUCED_MM / setting.pixel_mm))
    small = reduced(pixels, factor)
    lattice = setting.lattice.scaled(1 / factor, -(factor - 1) / 2 / factor)
    rows, columns = np.indices(small.shape, dtype=float)
    turn = np.linalg.inv(np.column_stack([lattice.across, lattice.down]))
    across, down = columns - lattice.origin[0], rows - lattice.origin[1]
    x = turn[0, 0] * across + turn[0, 1] * down
    y = turn[1, 0] * across + turn[1, 1] * down
    cell, u, v = _cell_of(setting, x, y)
    pitch = math.hypot(*setting.lattice.across)
    inside = cell >= 0
    inside[inside] = _clear(setting, cell[inside], u[inside], v[inside], pitch)
    cell, u, v, value = cell[inside], u[inside], v[inside], small[inside]
    terms = _solved(setting.matrix, cell, u, v, value)
    left = value - sum(t * p for t, p in zip(terms[cell].T, _powers(u, v), strict=True))
    return Background(terms, max(float(left.std()) * factor, 1e-9))


def _cell_of(setting: Setting, x: Array, y: Array) -> tuple[Whole, Array, Array]:
    """Return the cell each place lies in (-1: none) and its distance from the cell's middle."""
    m = setting.matrix
    # Half-cell grid: a cell covers two by two of its squares.
    table = np.full((math.ceil(2 * m.size[1]) + 2, math.ceil(2 * m.size[0]) + 2), -1, dtype=np.intp)
    for number, (mx, my) in enumerate(zip(m.x, m.y, strict=True)):
        i, j = round(2 * mx - 1), round(2 * my - 1)
        table[j : j + 2, i : i + 2] = number
    i, j = np.floor(2 * x).astype(int), np.floor(2 * y).astype(int)
    within = (i >= 0) & (j >= 0) & (i < table.shape[1] - 2) & (j < table.shape[0] - 2)
    cell = np.where(within, table[np.where(within, j, 0), np.where(within, i, 0)], -1)
    safe = np.maximum(cell, 0)
    return cell, x - m.x[safe], y - m.y[safe]


def _clear(
    setting: Setting, cell: Whole, u: Array, v: Array, pitch_px: float
) -> npt.NDArray[np.bool_]:
    inner = 0.5 - _FROM_LINE
    clear = (np.abs(u) < inner) & (np.abs(v) < inner)
    radius = setting.diameter_px[cell] / 2 + _FROM_DISC_MM / setting.pixel_mm
    limit = (radius / pitch_px) ** 2
    # All corners alike by symmetry.
    corner = (np.abs(u) - setting.offset) ** 2 + (np.abs(v) - setting.offset) ** 2
    return np.asarray(clear & (u * u + v * v > limit) & (corner > limit))


_ORDER = [(a, b) for a in range(5) for b in range(5 - a)]
_SHORT = [(0, 0), (1, 0), (0, 1), (2, 0), (1, 1), (0, 2)]
_PLACE = np.array([[_ORDER.index((a + c, b + d)) for c, d in _SHORT] for a, b in _SHORT])


def _solved(matrix: Matrix, cell: Whole, u: Array, v: Array, value: Array) -> Array:
    """Solve the normal equations of every cell with those of the cells around it."""
    count = len(matrix)
    middle = float(value.mean())
    powers_u, powers_v = [np.ones_like(u)], [np.ones_like(v)]
    for _ in range(4):
        powers_u.append(powers_u[-1] * u)
        powers_v.append(powers_v[-1] * v)
    products = {(a, b): powers_u[a] * powers_v[b] for a, b in _ORDER}
    left = np.column_stack([np.bincount(cell, products[o], count) for o in _ORDER])
    right = np.column_stack(
        [np.bincount(cell, (value - middle) * products[o], count) for o in _SHORT]
    )
    dx, dy = matrix.x[None, :] - matrix.x[:, None], matrix.y[None, :] - matrix.y[:, None]
    near = (np.abs(dx) < 1.6) & (np.abs(dy) < 1.6)
    all_left: Sums = np.zeros(left.shape)
    all_right: Sums = np.zeros(right.shape)
    for step in np.unique(np.column_stack([dx[near], dy[near]]), axis=0):
        of, other = np.nonzero(near & (dx == step[0]) & (dy == step[1]))
        all_left[of] += left[other] @ _shift(_ORDER, step).T
        all_right[of] += right[other] @ _shift(_SHORT, step).T
    # A trace of weight on the diagonal keeps a cell without clear pixels solvable.
    normal = all_left[:, _PLACE] + 1e-9 * np.eye(6)
    terms = np.linalg.solve(normal, all_right[..., None])[..., 0]
    terms[:, 0] += middle
    return np.asarray(terms)


def _shift(order: Sequence[tuple[int, int]], step: Array) -> Array:
    """Return what turns sums of u^a v^b into sums of (u + dx)^a (v + dy)^b."""
    found = np.zeros((len(order), len(order)))
    for i, (a, b) in enumerate(order):
        for j, (c, d) in enumerate(order):
            if c <= a and d <= b:
                weight = math.comb(a, c) * math.comb(b, d)
                found[i, j] = weight * step[0] ** (a - c) * step[1] ** (b - d)
    return found


class Filters:
    """Shapes of blurred discs on the pixel grid, by diameter and place between pixels; kept."""

    def __init__(self) -> None:
        self._made: dict[tuple[float, float], tuple[int, Array]] = {}

    def of(self, diameter_px: float, blur_px: float) -> tuple[int, Array]:
        """Return half the side and the shapes, (phases down, phases across, side, side), norm 1."""
        key = (round(diameter_px, 3), round(blur_px, 6))
        if key not in self._made:
            self._made[key] = _shapes(*key)
        return self._made[key]


def _shapes(diameter_px: float, blur_px: float) -> tuple[int, Array]:
    """Return the disc integrated over pixels at each of 8 x 8 places between pixels."""
    half = math.ceil(diameter_px / 2 + 3 * blur_px + 1)
    side = 2 * half + 1
    # A fine grid with the disc's middle on it; shifting it by whole fine steps gives the phases.
    reach = (side + 1) * _FINE // 2
    line = np.arange(-reach, reach + 1, dtype=float)
    radius = np.hypot(line[None, :], line[:, None])
    disc = np.clip(diameter_px * _FINE / 2 - radius + 0.5, 0.0, 1.0)
    if blur_px > 0:
        disc = ndimage.gaussian_filter(disc, blur_px * _FINE, mode="constant", truncate=4.0)
    total = np.zeros((2 * reach + 2, 2 * reach + 2))
    np.cumsum(np.cumsum(disc, axis=0), axis=1, out=total[1:, 1:])
    shapes = np.empty((_PHASES, _PHASES, side, side))
    first = reach - half * _FINE - _FINE // 2
    for down in range(_PHASES):
        for across in range(_PHASES):
            ys = first - down + _PHASES // 2 + _FINE * np.arange(side + 1)
            xs = first - across + _PHASES // 2 + _FINE * np.arange(side + 1)
            ys, xs = np.clip(ys, 0, 2 * reach + 1), np.clip(xs, 0, 2 * reach + 1)
            corner = total[np.ix_(ys, xs)]
            shape = corner[1:, 1:] - corner[1:, :-1] - corner[:-1, 1:] + corner[:-1, :-1]
            shapes[down, across] = shape / math.sqrt(float((shape**2).sum()))
    return half, shapes


def signals(
    pixels: Array, setting: Setting, ground: Background, filters: Filters,
    shift_px: tuple[Array, Array] | None = None, wanted: Whole | None = None,
) -> Array:  # fmt: skip
    """Return the filtered signal at the five places of each cell, over the noise of a pixel.

    Shape (5, cells): middle, corners 1 to 4. Filters have unit norm, so white noise of the pixels
    gives every place the same scatter, 1. NaN at a place outside the image, and in cells other
    than those `wanted`. `shift_px` moves the places of each cell.
    """
    x, y = setting.places()
    step = np.zeros((2, x.shape[1]))
    if shift_px is not None:
        pitch = np.column_stack([setting.lattice.across, setting.lattice.down])
        step = np.linalg.solve(pitch, np.array(shift_px))
        x, y = x + shift_px[0], y + shift_px[1]
    away = np.vstack([np.zeros(2), CORNERS * setting.offset])
    u, v = (np.broadcast_to(away[:, k, None] + step[k], x.shape) for k in (0, 1))
    level = ground.at(u, v)
    found = np.full(x.shape, np.nan)
    chosen = np.ones(x.shape[1], dtype=bool)
    if wanted is not None:
        chosen = np.isin(np.arange(x.shape[1]), wanted)
    for diameter in np.unique(setting.diameter_px[chosen]):
        cells = np.flatnonzero(chosen & (setting.diameter_px == diameter))
        half, shapes = filters.of(float(diameter), setting.blur_px)
        px, py = x[:, cells], y[:, cells]
        whole_x, whole_y = np.floor(px + 0.5).astype(int), np.floor(py + 0.5).astype(int)
        across = np.floor((px - whole_x) * _PHASES).astype(int) + _PHASES // 2
        down = np.floor((py - whole_y) * _PHASES).astype(int) + _PHASES // 2
        offsets = np.arange(-half, half + 1)
        inside = (
            (whole_x >= half) & (whole_x < pixels.shape[1] - half)
            & (whole_y >= half) & (whole_y < pixels.shape[0] - half)
        )  # fmt: skip
        cx = np.clip(whole_x, half, pixels.shape[1] - half - 1)[..., None, None] + offsets
        cy = np.clip(whole_y, half, pixels.shape[0] - half - 1)[..., None, None]
        part = pixels[cy + offsets[:, None], cx] - level[:, cells, None, None]
        filtered = np.einsum("pcij,pcij->pc", part, shapes[down, across])
        found[:, cells] = np.where(inside, filtered, np.nan)
    return found / ground.noise
