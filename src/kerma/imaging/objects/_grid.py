"""Find a grid of squares drawn by thin lines: its turn, pitch and place, from the lines alone."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from kerma.core import AnalysisError
from kerma.imaging.objects._circle import Working, decimate
from kerma.imaging.tools.untyped import ndimage

Array = npt.NDArray[np.floating[Any]]

STAGE = "find grid"
_WORKING = 640
_STEP_DEG = 0.25
_SURE, _LEAST = 15.0, 3.0  # contrast of the comb, in scatters of the projection
# Grid as a share of the image's shorter side.
_SMALLEST, _LARGEST = 0.35, 1.0


@dataclass(frozen=True, slots=True, eq=False)
class Grid:
    """A grid of cells: pixel place = origin + column x across + row x down, in cells.

    Attributes
    ----------
    origin
        (x, y) in pixels of the corner of the first cell.
    across, down
        Pixels to the next column and to the next row.
    cells
        Along each side.
    sign
        1 when the lines are higher in pixel value than what is between, else -1.
    contrast
        Depth of the lines over their scatter along the grid.
    residual_px
        Scatter of the crossings about the grid.
    """

    origin: tuple[float, float]
    across: tuple[float, float]
    down: tuple[float, float]
    cells: int
    sign: int
    contrast: float
    residual_px: float = 0.0

    def place(self, column: npt.ArrayLike, row: npt.ArrayLike) -> tuple[Array, Array]:
        """Return pixels (x, y) of a place in cells from the origin."""
        c, r = np.asarray(column, dtype=float), np.asarray(row, dtype=float)
        return (
            self.origin[0] + c * self.across[0] + r * self.down[0],
            self.origin[1] + c * self.across[1] + r * self.down[1],
        )

    @property
    def pitch(self) -> float:
        """Side of a cell in pixels."""
        return math.sqrt(abs(self.across[0] * self.down[1] - self.across[1] * self.down[0]))

    @property
    def turn_deg(self) -> float:
        """Turn of the rows, clockwise as displayed, -45 to 45 degrees."""
        a = math.degrees(math.atan2(self.across[1], self.across[0]))
        b = math.degrees(math.atan2(-self.down[0], self.down[1]))
        return (a + b) / 2


def find_grid(pixels: Array, cells: int) -> Grid:
    """Find the grid.

    Raises
    ------
    AnalysisError
        Stage ``find grid``, code ``no-grid``.
    """
    work = decimate(pixels, _WORKING)
    thin = _lines_only(work.pixels)
    best: Grid | None = None
    lines = _Lines(thin)
    for angle in _angles(thin):
        for sign in (1, -1):
            found = _combed(lines, sign, angle, cells)
            if found is not None and (best is None or found.contrast > best.contrast):
                best = Grid(*found.corner, cells, sign, found.contrast)
        if best is not None and best.contrast > _SURE:
            break
    if best is None or best.contrast < _LEAST:
        raise AnalysisError(
            f"No grid of {cells} by {cells} squares was found in this image.",
            stage=STAGE,
            code="no-grid",
        )
    return _settled(pixels, _refined(pixels, _enlarged(best, work)))


def given_grid(pixels: Array, corners: tuple[float, ...], cells: int) -> Grid:
    """Return the grid whose outer corners (upper left, upper right, lower left) a person set.

    Raises
    ------
    AnalysisError
        Stage ``find grid``, code ``no-grid``: no lines lie there.
    """
    x0, y0, x1, y1, x2, y2 = corners
    grid = Grid(
        (x0, y0), ((x1 - x0) / cells, (y1 - y0) / cells), ((x2 - x0) / cells, (y2 - y0) / cells),
        cells, 1, 0.0,
    )  # fmt: skip
    strength = [_line(pixels, grid, i, across=a) for a in (True, False) for i in range(1, cells)]
    usual = float(np.median(strength))
    if not usual or np.mean(np.sign(strength) == math.copysign(1.0, usual)) < 0.8:
        raise AnalysisError(
            "No lines of a grid lie where the grid was set by hand.", stage=STAGE, code="no-grid"
        )
    return replace(grid, sign=1 if usual > 0 else -1)


def _settled(pixels: Array, grid: Grid) -> Grid:
    """Shift the grid by whole squares so that its first and last lines are lines of the image.

    Raises
    ------
    AnalysisError
        Stage ``find grid``, code ``no-grid``: no shift has a line at both ends.
    """
    n = grid.cells
    moves = []
    for across in (True, False):
        strength = {i: _line(pixels, grid, i, across=across) for i in range(-2, n + 3)}
        usual = float(np.median([strength[i] for i in range(2, n - 1)]))
        scored = []
        for move in (-2, -1, 0, 1, 2):
            ends = min(strength[move], strength[move + n])
            beyond = max(strength.get(move - 1, 0.0), strength.get(move + n + 1, 0.0))
            scored.append((ends - max(0.0, beyond), ends, -abs(move), move))
        margin, ends, _, move = max(scored)
        if usual <= 0 or ends < 0.3 * usual or margin < 0.1 * usual:
            raise AnalysisError(
                f"No grid of {n} by {n} squares was found whole: its first or last line is not "
                "where it belongs.",
                stage=STAGE,
                code="no-grid",
            )
        moves.append(float(move))
    x, y = grid.place(*moves)
    return replace(grid, origin=(float(x), float(y)))


def _line(pixels: Array, grid: Grid, number: int, *, across: bool) -> float:
    """Return how far a line stands out from what is beside it; 0 outside the image."""
    side = 0.12 * grid.pitch
    run = np.linspace(0.5, grid.cells - 0.5, max(200, int(grid.cells * grid.pitch / 2)))
    # Squares' sides only: where lines cross there is always something.
    run = run[np.abs(run - np.rint(run)) > 0.15]
    levels = []
    for beside in (-side, -0.6, 0.0, 0.6, side):
        at = np.full(run.shape, number + beside / grid.pitch)
        x, y = grid.place(at, run) if across else grid.place(run, at)
        if x.min() < 0 or y.min() < 0 or x.max() > pixels.shape[1] - 1 or (
            y.max() > pixels.shape[0] - 1
        ):  # fmt: skip
            return 0.0
        seen = ndimage.map_coordinates(pixels, (y, x), order=1)
        levels.append(grid.sign * float(np.median(seen)))
    beside = 0.5 * (levels[0] + levels[4])
    return max((level - beside for level in levels[1:4]), key=abs)


def _enlarged(grid: Grid, work: Working) -> Grid:
    f = float(work.factor)
    return Grid(
        (work.to_full(grid.origin[0]), work.to_full(grid.origin[1])),
        (grid.across[0] * f, grid.across[1] * f),
        (grid.down[0] * f, grid.down[1] * f),
        grid.cells, grid.sign, grid.contrast,
    )  # fmt: skip


def _lines_only(work: Array) -> Array:
    """Return what is narrower than a few pixels, strong things held back."""
    smooth = ndimage.gaussian_filter(work, 0.8)
    rest = smooth - ndimage.gaussian_filter(work, 4.0)
    spread = 1.4826 * float(np.median(np.abs(rest))) or 1e-12
    return np.asarray(np.clip(rest / spread, -4.0, 4.0))


def _angles(thin: Array, count: int = 2) -> list[float]:
    """Return the likeliest turns of a square grid, degrees -45 to 45.

    The spectrum of a family of parallel lines lies along one ray, square to them; a grid has two
    rays at a right angle.
    """
    side = max(thin.shape)
    window = np.outer(np.hanning(thin.shape[0]), np.hanning(thin.shape[1]))
    power = np.abs(np.fft.fftshift(np.fft.fft2(thin * window, s=(side, side)))) ** 2
    power = np.minimum(power, np.quantile(power, 0.9995))
    angles = np.arange(-45.0, 45.0, _STEP_DEG)
    radii = np.arange(8.0, 0.4 * side, 0.5)
    score = np.zeros(len(angles))
    for turn in (0.0, 90.0):
        t = np.radians(angles + turn)[:, None]
        x, y = side // 2 + radii * np.cos(t), side // 2 + radii * np.sin(t)
        score += ndimage.map_coordinates(power, (y, x), order=1).mean(axis=1)
    found: list[float] = []
    order = np.argsort(-score)
    for i in order:
        a = float(angles[i])
        if all(abs((a - b + 45) % 90 - 45) > 2 for b in found):
            found.append(a)
        if len(found) == count:
            break
    return found


@dataclass(frozen=True, slots=True, eq=False)
class _Combed:
    corner: tuple[tuple[float, float], tuple[float, float], tuple[float, float]]
    contrast: float


class _Lines:
    """Projections of what is narrow in the working image, each made once."""

    def __init__(self, thin: Array) -> None:
        self.thin = thin
        self.cx, self.cy = (thin.shape[1] - 1) / 2, (thin.shape[0] - 1) / 2
        self.half = math.hypot(self.cx, self.cy)
        self._made: dict[float, Array] = {}

    def along(self, turn: float) -> Array:
        """Return the sums along lines at this turn, over the root of their pixels."""
        if turn not in self._made:
            rows, columns = (np.arange(n, dtype=float) for n in self.thin.shape)
            t = math.radians(turn)
            u = ((columns - self.cx) * math.cos(t))[None] + ((rows - self.cy) * math.sin(t))[
                :, None
            ]
            bins = np.rint((u + self.half) * 2).astype(int).ravel()
            total = np.bincount(bins, self.thin.ravel())
            self._made[turn] = total / np.sqrt(np.maximum(np.bincount(bins), 25.0))
        return self._made[turn]

    def sharp(self, turn: float, sign: int) -> float:
        """Return how sharply the projections at this turn and square to it stand out."""
        return sum(
            float((np.maximum(sign * self.along(turn + q), 0) ** 3).sum()) for q in (0.0, 90.0)
        )


def _combed(lines: _Lines, sign: int, angle: float, cells: int) -> _Combed | None:
    """Match evenly spaced lines in the two projections at this turn (refined)."""
    for step in (0.12, 0.06, 0.03):
        angle = max((angle - step, angle, angle + step), key=lambda turn: lines.sharp(turn, sign))
    ends = []
    for turn in (angle, angle + 90.0):
        comb = _comb(sign * lines.along(turn), cells, 2.0 * min(lines.thin.shape))
        if comb is None:
            return None
        start, pitch, contrast = comb
        ends.append((start / 2.0 - lines.half, pitch / 2.0, contrast))
    (u0, pu, cu), (v0, pv, cv) = ends
    if not 0.93 < pu / pv < 1.07:
        return None
    t = math.radians(angle)
    ux, uy = math.cos(t), math.sin(t)
    origin = (lines.cx + u0 * ux - v0 * uy, lines.cy + u0 * uy + v0 * ux)
    return _Combed((origin, (pu * ux, pu * uy), (-pv * uy, pv * ux)), min(cu, cv))


def _comb(profile: Array, cells: int, side: float) -> tuple[float, float, float] | None:
    """Return start, pitch and contrast of the best comb of cells + 1 teeth in a profile."""
    smooth = ndimage.gaussian_filter1d(profile, 1.0)
    spread = 1.4826 * float(np.median(np.abs(smooth - np.median(smooth)))) or 1e-12
    smooth = np.clip((smooth - np.median(smooth)) / spread, -4.0, 12.0)
    # A tooth may be half a step of pitch beside its line at the far end.
    wide = ndimage.maximum_filter1d(smooth, 3)
    teeth = np.arange(cells + 1)
    best: tuple[float, float, float] | None = None
    for pitch in np.arange(_SMALLEST * side / cells, _LARGEST * side / cells, 0.2):
        starts = np.arange(0.0, len(smooth) - 1.0 - cells * pitch, 1.0)
        if not len(starts):
            break
        at = starts[:, None] + teeth * pitch
        high = np.sort(wide[np.rint(at).astype(int)], axis=1)
        # Two lines may be weak or covered; a comb that only half fits must not win.
        held = high[:, 2:].mean(axis=1) + 2.0 * high[:, 2]
        between = smooth[np.rint(at[:, :-1] + pitch / 2).astype(int)].mean(axis=1)
        before = np.rint(starts - pitch).astype(int)
        after = np.rint(starts + (cells + 1) * pitch).astype(int)
        beyond = np.where(before >= 0, smooth[np.maximum(before, 0)], 0.0)
        beyond = np.maximum(
            beyond,
            np.where(after < len(smooth), smooth[np.minimum(after, len(smooth) - 1)], 0.0),
        )
        score = held - between - 0.3 * np.maximum(beyond, 0.0)
        i = int(np.argmax(score))
        if best is None or score[i] > best[2]:
            best = (float(starts[i]), float(pitch), float(score[i]))
    return best


def _refined(pixels: Array, grid: Grid) -> Grid:
    """Fit the grid to its lines, each looked for between every pair of crossings."""
    for reach in (0.12, 0.06, 0.06):
        numbers, places, off = _sides(pixels, grid, reach)
        if len(off) < 4 * grid.cells:
            break
        kept = np.ones(len(off), dtype=bool)
        for _ in range(3):
            # Each piece of line says where the grid is square to the line only.
            solved = np.linalg.lstsq(numbers[kept], places[kept], rcond=None)[0]
            rest = np.abs(places - numbers @ solved)
            kept = rest <= max(3.0 * float(np.median(rest)), 0.15)
        grid = Grid(
            (float(solved[0]), float(solved[1])), (float(solved[2]), float(solved[3])),
            (float(solved[4]), float(solved[5])), grid.cells, grid.sign, grid.contrast,
            float(np.sqrt(np.mean(rest[kept] ** 2))),
        )  # fmt: skip
    return grid


def _sides(pixels: Array, grid: Grid, reach: float) -> tuple[Array, Array, Array]:
    """Return equations for the grid from the middle of each side of each cell."""
    n = grid.cells
    span = max(1.5, reach * grid.pitch)
    offsets = np.arange(-span, span + 0.25, 0.5)
    along = np.linspace(-0.3, 0.3, max(5, round(0.6 * grid.pitch)))
    rows: list[Array] = []
    values: list[float] = []
    shifts: list[float] = []
    for step, other in (((1.0, 0.0), (0.0, 1.0)), ((0.0, 1.0), (1.0, 0.0))):
        # Lines run along `other` and are numbered along `step`.
        direction = np.array(grid.across if step[0] else grid.down)
        run = np.array(grid.down if step[0] else grid.across)
        normal = np.array([run[1], -run[0]]) / np.hypot(*run)
        if normal @ direction < 0:
            normal = -normal
        i, k = (a.ravel() for a in np.meshgrid(np.arange(n + 1), np.arange(n) + 0.5, indexing="ij"))
        x, y = grid.place(i * step[0] + k * other[0], i * step[1] + k * other[1])
        px = x[:, None, None] + offsets[:, None] * normal[0] + along * run[0]
        py = y[:, None, None] + offsets[:, None] * normal[1] + along * run[1]
        seen = ndimage.map_coordinates(pixels, (py, px), order=1, mode="nearest")
        profile = grid.sign * np.median(seen, axis=2)
        profile = profile - np.median(profile, axis=1)[:, None]
        top = profile.max(axis=1)
        weight = np.clip(profile - 0.4 * top[:, None], 0.0, None)
        total = weight.sum(axis=1)
        noise = 1.4826 * np.median(np.abs(profile), axis=1)
        good = (total > 0) & (top > 3.0 * noise)
        inside = (x > 1) & (y > 1) & (x < pixels.shape[1] - 2) & (y < pixels.shape[0] - 2)
        for j in np.flatnonzero(good & inside):
            shift = float((weight[j] * offsets).sum() / total[j])
            c, r = i[j] * step[0] + k[j] * other[0], i[j] * step[1] + k[j] * other[1]
            rows.append(
                np.array([normal[0], normal[1], c * normal[0], c * normal[1],
                          r * normal[0], r * normal[1]])
            )  # fmt: skip
            values.append(float(normal @ (x[j], y[j])) + shift)
            shifts.append(shift)
    return np.array(rows), np.array(values), np.array(shifts)
