"""The squares of a CDRAD-like phantom: which way round it lies, and what shows in each square."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache
from importlib import resources
from typing import Any

import numpy as np
import numpy.typing as npt
import yaml

from kerma.core import InputError, content_hash
from kerma.imaging.objects._grid import Grid
from kerma.imaging.objects._places import disc_means, squares
from kerma.imaging.tools.untyped import ndimage

Array = npt.NDArray[np.floating[Any]]

CORNERS = ((-1.0, -1.0), (1.0, -1.0), (1.0, 1.0), (-1.0, 1.0))
_CLEAR = 7.0
_FEWEST_CLEAR = 12
_ORIENTED = 0.5
_MARGIN = 0.12  # of the next best orientation
_PITCH_MM = 16.0  # only to begin with, where the image does not state its pixel spacing
_ORDER = 4


@dataclass(frozen=True, slots=True, eq=False)
class Layout:
    """The phantom: rows by diameter, largest first; columns by depth, shallowest first."""

    title: str
    diameters_mm: tuple[float, ...]
    depths_mm: tuple[float, ...]
    single_rows: int
    none_seen_mm: float
    corner_offset: float
    sources: dict[str, str] = field(default_factory=dict)
    sha256: str = ""

    @property
    def cells(self) -> int:
        """Squares along a side."""
        return len(self.diameters_mm)


@cache
def layout() -> Layout:
    """Return the description that comes with Kerma."""
    text = (resources.files(__package__) / "data" / "cdrad.yaml").read_text(encoding="utf-8")
    data: dict[str, Any] = yaml.safe_load(text)
    return Layout(
        str(data["title"]), tuple(map(float, data["diameters_mm"])),
        tuple(map(float, data["depths_mm"])), int(data["single_rows"]),
        float(data["none_seen_mm"]), float(data["corner_offset"]), dict(data["sources"]),
        content_hash(text.encode()),
    )  # fmt: skip


@dataclass(frozen=True, slots=True, eq=False)
class View:
    """One image of the phantom, the right way round.

    Attributes
    ----------
    grid
        In the phantom's own order: rows by diameter, columns by depth.
    flat
        The image less its smooth background, holes above zero.
    background
        Mean signal behind the plate, in pixel values.
    scale
        Pixels per mm, from the sizes of the clear holes (or as begun with when none is large).
    scale_measured
        Whether it was.
    offset
        Distance of the corner holes from the middle along each side, in squares, for each row.
    offset_measured
        In how many rows it was measured.
    mirrored, turn_deg
        How the phantom lies; rotation clockwise as displayed.
    likeness
        Correlation of the middle holes with their expected strength.
    clear
        Middle holes that are clear.
    noise
        Of means over discs of each diameter, by row.
    """

    grid: Grid
    flat: Array
    background: float
    scale: float
    scale_measured: bool
    offset: tuple[float, ...]
    offset_measured: int
    mirrored: bool
    turn_deg: float
    likeness: float
    clear: int
    noise: Array

    def radius(self, diameter_mm: float) -> float:
        """Return the radius of a hole in pixels."""
        return self.scale * diameter_mm / 2


def view(pixels: Array, grid: Grid, plan: Layout, pixel_mm: float | None) -> View:
    """Orient the grid and measure scale and corner distance on the holes that show.

    Raises
    ------
    InputError
        Code ``wrong-phantom``: the squares do not hold the holes of this phantom.
    """
    flat, background = _flattened(pixels, grid)
    # Holes take away what lines and plate add, so their sign is the opposite of the lines'.
    flat = -grid.sign * flat
    scale = 1.0 / pixel_mm if pixel_mm else grid.pitch / _PITCH_MM
    if not 8.0 < grid.pitch / scale < 30.0:
        scale = grid.pitch / _PITCH_MM
    noise = free_noise(flat, grid, plan, scale)
    best, score, second = _oriented(flat, grid, plan, scale, noise)
    middle = _middles(flat, best, plan, scale)
    clear = int((middle > _CLEAR * noise[:, None]).sum())
    if score < _ORIENTED or clear < _FEWEST_CLEAR or score - second < _MARGIN * score:
        raise wrong(plan, f"the holes expected in the middle of the squares are not there "
                          f"(likeness {score:.2f} of 1, {clear} clear)")  # fmt: skip
    measured = _scale(flat, best, plan, scale, middle > _CLEAR * noise[:, None])
    if measured is not None:
        scale = measured
        noise = free_noise(flat, best, plan, scale)
    offset, rows = _offsets(flat, best, plan, scale, noise)
    mirrored = best.across[0] * best.down[1] - best.across[1] * best.down[0] < 0
    t = math.degrees(math.atan2(-best.down[0], best.down[1]))
    return View(
        best, flat, background, scale, measured is not None, offset, rows, mirrored, t, score,
        clear, noise,
    )  # fmt: skip


def wrong(plan: Layout, why: str) -> InputError:
    """Return the refusal of an image of something else."""
    return InputError(
        f"This image does not show a {plan.title} phantom: {why}. Choose the measurement of the "
        "object that was exposed, or expose it whole and with more dose.",
        code="wrong-phantom",
        detail={"expected": "cdrad", "why": why},
    )


def _flattened(pixels: Array, grid: Grid) -> tuple[Array, float]:
    """Take out a surface of fourth order through the medians of quarter squares."""
    n = grid.cells
    steps = (np.arange(2 * n) + 0.5) / 2
    column, row = (a.ravel() for a in np.meshgrid(steps, steps))
    x, y = grid.place(column, row)
    values, dx, dy = squares(pixels, x, y, 0.17 * grid.pitch)
    box = (np.abs(dx) < 0.17 * grid.pitch) & (np.abs(dy) < 0.17 * grid.pitch)
    medians = np.array([float(np.median(v[b])) for v, b in zip(values, box, strict=True)])
    powers = [(i, k) for i in range(_ORDER + 1) for k in range(_ORDER + 1 - i)]
    u, v = column / n * 2 - 1, row / n * 2 - 1
    design = np.column_stack([u**i * v**k for i, k in powers])
    kept = np.ones(len(medians), dtype=bool)
    for _ in range(4):
        solved = np.linalg.lstsq(design[kept], medians[kept], rcond=None)[0]
        rest = np.abs(medians - design @ solved)
        kept = rest <= 3.0 * max(1.4826 * float(np.median(rest)), 1e-12)
    back = np.linalg.inv(np.array([[grid.across[0], grid.down[0]], [grid.across[1], grid.down[1]]]))
    columns = np.arange(pixels.shape[1]) - grid.origin[0]
    rows = (np.arange(pixels.shape[0]) - grid.origin[1])[:, None]
    u = np.clip((back[0, 0] * columns + back[0, 1] * rows) / n * 2 - 1, -1.2, 1.2)
    v = np.clip((back[1, 0] * columns + back[1, 1] * rows) / n * 2 - 1, -1.2, 1.2)
    surface = np.zeros(pixels.shape)
    # Horner's scheme over v within over u: few passes over the image.
    table = {p: float(s) for p, s in zip(powers, solved, strict=True)}
    for i in range(_ORDER, -1, -1):
        inner = np.zeros(pixels.shape)
        for k in range(_ORDER - i, -1, -1):
            inner = inner * v + table[i, k]
        surface = surface * u + inner
    return np.asarray(pixels - surface), float(np.mean(design @ solved))


def _turned(grid: Grid, quarter: int, mirrored: bool) -> Grid:
    """Return the same lines counted from another corner."""
    n = float(grid.cells)
    origin, across, down = np.array(grid.origin), np.array(grid.across), np.array(grid.down)
    for _ in range(quarter):
        origin, across, down = origin + n * across, down, -across
    if mirrored:
        origin, across = origin + n * across, -across
    return Grid(
        (float(origin[0]), float(origin[1])), (float(across[0]), float(across[1])),
        (float(down[0]), float(down[1])), grid.cells, grid.sign, grid.contrast, grid.residual_px,
    )  # fmt: skip


def _oriented(
    flat: Array, grid: Grid, plan: Layout, scale: float, noise: Array
) -> tuple[Grid, float, float]:
    """Return the grid the right way round, its likeness and that of the next best way."""
    scored = []
    for quarter in range(4):
        for mirrored in (False, True):
            turned = _turned(grid, quarter, mirrored)
            middle = _middles(flat, turned, plan, scale)
            # Strengths in units of noise grow with depth and diameter; both sides held back.
            seen = np.arctan(middle / (4.0 * noise[:, None]))
            wanted = np.outer(plan.diameters_mm, plan.depths_mm)
            wanted = np.arctan(wanted / float(np.median(wanted)))
            scored.append((float(np.corrcoef(seen.ravel(), wanted.ravel())[0, 1]), turned))
    scored.sort(key=lambda s: -s[0])
    return scored[0][1], scored[0][0], scored[1][0]


def _middles(flat: Array, grid: Grid, plan: Layout, scale: float) -> Array:
    """Return the mean over the middle hole of each square."""
    columns = np.arange(plan.cells) + 0.5
    means = []
    for row, diameter in enumerate(plan.diameters_mm):
        radius = min(max(1.0, scale * diameter / 2), 0.3 * grid.pitch)
        x, y = grid.place(columns, np.full(plan.cells, row + 0.5))
        means.append(disc_means(flat, x, y, radius).mean)
    return np.array(means)


def free_noise(flat: Array, grid: Grid, plan: Layout, scale: float) -> Array:
    """Return the noise of means over discs of each diameter (at most a fifth of a square).

    Taken half-way along the sides of the square of corners, where there is no hole in any square,
    in every other square.
    """
    column, row = np.meshgrid(np.arange(grid.cells) + 0.5, np.arange(grid.cells) + 0.5)
    some = (column + row).astype(int) % 2 == 1
    places = [
        (column[some] + dx, row[some] + dy)
        for dx, dy in ((0.33, 0.0), (-0.33, 0.0), (0.0, 0.33), (0.0, -0.33))
    ]
    x, y = grid.place(
        np.concatenate([p[0] for p in places]), np.concatenate([p[1] for p in places])
    )
    noise = np.empty(plan.cells)
    for i, diameter in enumerate(plan.diameters_mm):
        radius = min(max(0.7, scale * diameter / 2), 0.1 * grid.pitch)
        means = disc_means(flat, x, y, radius).mean
        noise[i] = 1.4826 * float(np.median(np.abs(means - np.median(means))))
    return np.maximum(noise, 1e-12)


def _scale(
    flat: Array, grid: Grid, plan: Layout, scale: float, clear: npt.NDArray[np.bool_]
) -> float | None:
    """Return pixels per mm from the areas of clear middle holes 3 mm across or more."""
    ratios: list[float] = []
    for row, diameter in enumerate(plan.diameters_mm):
        columns = np.flatnonzero(clear[row])
        if diameter < 2.5 or not len(columns):
            continue
        radius = scale * diameter / 2
        reach = min(1.5 * radius, 0.44 * grid.pitch)
        x, y = grid.place(columns + 0.5, np.full(len(columns), row + 0.5))
        values, dx, dy = squares(flat, x, y, reach)
        away = np.hypot(dx, dy)
        for k in range(len(columns)):
            top = float(np.median(values[k][away[k] < 0.6 * radius]))
            ring = values[k][(away[k] > 0.85 * reach) & (away[k] <= reach)]
            if top < 4.0 * float(np.std(values[k][away[k] < 0.6 * radius])):
                continue
            inside = values[k][away[k] <= reach] - float(np.median(ring))
            area = float(np.clip(inside / (top - float(np.median(ring))), -0.5, 1.5).sum())
            # A corner hole within reach would add to the area.
            if row < plan.single_rows and area > 0:
                ratios.append(math.sqrt(area / math.pi) / radius)
    return scale * float(np.median(ratios)) if len(ratios) >= 5 else None


def _offsets(
    flat: Array, grid: Grid, plan: Layout, scale: float, noise: Array
) -> tuple[tuple[float, ...], int]:
    """Return how far out the corner holes lie in each row, measured where enough show."""
    n = plan.cells
    found = np.full(n, np.nan)
    ticks = np.arange(0.14, 0.42, 0.01)
    for row in range(plan.single_rows, n):
        radius = scale * plan.diameters_mm[row] / 2
        if radius < 1.5:
            continue
        best = []
        for column in range(n // 2, n):
            means = np.stack([
                disc_means(flat, *grid.place(column + 0.5 + sx * ticks, row + 0.5 + sy * ticks),
                           radius).mean
                for sx, sy in CORNERS
            ])  # fmt: skip
            corner = int(np.argmax(means.max(axis=1)))
            i = int(np.argmax(means[corner]))
            if means[corner, i] > _CLEAR * noise[row] and 0 < i < len(ticks) - 1:
                best.append(float(ticks[i]) + 0.01 * _peak(means[corner], i))
        if len(best) >= 3:
            found[row] = float(np.median(best))
    known = np.flatnonzero(np.isfinite(found))
    if not len(known):
        return (plan.corner_offset,) * n, 0
    filled = np.interp(np.arange(n), known, found[known])
    if len(known) >= 5:
        filled = ndimage.median_filter(filled, 3, mode="nearest")
    return tuple(float(v) for v in filled), len(known)


def _peak(values: Array, i: int) -> float:
    before, here, after = (float(v) for v in values[i - 1 : i + 2])
    bend = before - 2 * here + after
    return 0.5 * (before - after) / bend if bend < 0 else 0.0


def corner_means(seen: View, plan: Layout) -> Array:
    """Return means over the four corners of each square below the first rows.

    Shape (rows, columns, 4), rows of one hole at zero.
    """
    n = plan.cells
    means = np.zeros((n, n, 4))
    columns = np.arange(n) + 0.5
    for row in range(plan.single_rows, n):
        radius = max(0.7, seen.radius(plan.diameters_mm[row]))
        off = seen.offset[row]
        for k, (sx, sy) in enumerate(CORNERS):
            x, y = seen.grid.place(columns + sx * off, np.full(n, row + 0.5 + sy * off))
            means[row, :, k] = disc_means(seen.flat, x, y, radius).mean
    return means


def middle_means(seen: View, plan: Layout) -> Array:
    """Return means over the middle hole of every square."""
    return _middles(seen.flat, seen.grid, plan, seen.scale)


def answers(given: Sequence[Sequence[int]] | None, plan: Layout) -> npt.NDArray[np.intp] | None:
    """Return the key to the phantom: a corner for each square.

    Raises
    ------
    InputError
        Code ``bad-parameter``.
    """
    if given is None:
        return None
    n = plan.cells
    if len(given) != n or any(len(r) != n or not set(r) <= {0, 1, 2, 3} for r in given):
        raise InputError(
            f"The key to the phantom needs {n} rows of {n} corners: 0 upper left, 1 upper right, 2 "
            "lower right, 3 lower left, with the largest holes in the first row and the shallowest "
            "in the first column.",
            code="bad-parameter",
            detail={"parameter": "corners"},
        )
    return np.array(given, dtype=np.intp)
