"""A skin dose map unrolled into the plane, as SVG, and the scale its 3-D view shares.

The scale has steps of one colour each, darker with dose, so that a grey print keeps their order and
a colour can be found in the legend. Dose is never shaded: what is darker has more dose.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from kerma.charts import palette
from kerma.physics.skin.result import Cells

# From light to dark; lightness falls evenly (CIE L* 87 to 9), whatever the hue.
RAMP = (
    "#f5d6a1", "#f3ba74", "#eb9b58", "#dc7c52", "#c25f58", "#9f4863", "#793668", "#532962",
    "#351d4e", "#1e1136",
)  # fmt: skip
UNDOSED = "#e2e7e4"
_MOST_STEPS, _LEAST_MGY = 10, 1e-3
_GY_FROM_MGY = 100.0  # Design choice: smaller doses are read in mGy.

# Sizes in the units of the drawing.
_PER_MM, _LEFT, _TOP, _LEGEND, _BOTTOM = 0.62, 62.0, 22.0, 150.0, 46.0
_AROUND_MM, _LEAST_TALL_MM, _TICK_MM, _STEP_TALL = 60.0, 300.0, 100.0, 24.0
_FONT = 'font-family="Source Sans Pro, Inter, system-ui, sans-serif" font-size="13"'


@dataclass(frozen=True, slots=True)
class Step:
    """Doses from `low` up to `high`, in the scale's unit, and their colour."""

    low: float
    high: float
    colour: str


@dataclass(frozen=True, slots=True)
class Scale:
    """Colours of a map.

    Attributes
    ----------
    unit, per_mgy
        ``Gy`` or ``mGy``, and what 1 mGy is in it.
    decimals
        With which the limits of the steps are written.
    """

    unit: str
    per_mgy: float
    decimals: int
    steps: tuple[Step, ...]

    def text(self, value: float) -> str:
        """Return a limit in the scale's unit as it is written."""
        return f"{value:.{self.decimals}f}"

    def index(self, dose_mgy: npt.NDArray[np.float64]) -> npt.NDArray[np.int64]:
        """Return the step of each dose; −1 where there is none."""
        width = self.steps[0].high
        found = np.floor(dose_mgy * self.per_mgy / width * (1 + 1e-12)).astype(np.int64)
        return np.where(dose_mgy > 0, np.clip(found, 0, len(self.steps) - 1), -1)


def unit_of(peak_mgy: float) -> tuple[str, float]:
    """Return the unit a peak is read in, and what 1 mGy is in it."""
    return ("Gy", 1e-3) if peak_mgy >= _GY_FROM_MGY else ("mGy", 1.0)


def scale_for(largest_mgy: float) -> Scale:
    """Return the scale of a map: at most ten round steps that reach the largest dose."""
    unit, per_mgy = unit_of(largest_mgy)
    largest = max(largest_mgy, _LEAST_MGY) * per_mgy
    power = 10.0 ** math.floor(math.log10(largest / _MOST_STEPS))
    width = next(w * power for w in (1, 2, 2.5, 5, 10) if w * power * _MOST_STEPS >= largest)
    count = max(1, math.ceil(largest / width - 1e-9))
    decimals = next(n for n in range(12) if math.isclose(width, round(width, n), rel_tol=1e-9))
    limits = [round(i * width, 12) for i in range(count + 1)]
    steps = tuple(map(Step, limits, limits[1:], _colours(count)))
    return Scale(unit, per_mgy, decimals, steps)


def _colours(count: int) -> list[str]:
    """Return colours evenly along the ramp, both ends included; a single one from its middle."""
    ramp = np.array([[int(c[i : i + 2], 16) for i in (1, 3, 5)] for c in RAMP], dtype=float)
    at = np.linspace(0, len(RAMP) - 1, count) if count > 1 else np.array([(len(RAMP) - 1) / 2])
    mixed = [np.interp(at, np.arange(len(RAMP)), ramp[:, channel]) for channel in range(3)]
    return [f"#{r:02x}{g:02x}{b:02x}" for r, g, b in np.stack(mixed, -1).round().astype(int)]


@dataclass(frozen=True, slots=True)
class Grid:
    """A surface of nu × nv cells: where its cells and corners begin, and whether it closes."""

    first_cell: int
    first_corner: int
    nu: int
    nv: int
    closed: bool

    @property
    def wide(self) -> int:
        """Corners along u."""
        return self.nu if self.closed else self.nu + 1

    def cells(self, values: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        """Return values of its cells as (nv, nu)."""
        return values[self.first_cell : self.first_cell + self.nu * self.nv].reshape(
            self.nv, self.nu
        )


def grids(cells: Cells) -> tuple[Grid, ...]:
    """Return the surfaces a map is made of, found from how their cells share corners."""
    found, cell, quads = [], 0, cells.quads
    while cell < len(quads):
        corner = int(quads[cell, 0])
        wide = int(quads[cell, 3]) - corner
        last = cell + wide - 1
        closed = last < len(quads) and int(quads[last, 1]) == corner
        nu = wide if closed else wide - 1
        rows = quads[cell::nu, 0]
        expected = corner + wide * np.arange(len(rows))
        nv = int(np.argmin(rows == expected)) if not (rows == expected).all() else len(rows)
        found.append(Grid(cell, corner, nu, nv, closed))
        cell += nu * nv
    return tuple(found)


def unrolled(
    cells: Cells,
    scale: Scale,
    *,
    peak_mm: Sequence[float] | None = None,
    marks: Sequence[tuple[float, str]] = (),
    ink: str = "currentColor",
    alt: str = "",
) -> str:
    """Draw a map unrolled: back in the middle, head end up, the dosed part with some way around it.

    Parameters
    ----------
    cells, scale
        The map, and its colours.
    peak_mm
        Where the peak is, in the patient's coordinates.
    marks
        Doses (mGy) pointed out beside the legend, with a word each.
    ink, alt
        Colour of text and lines; the text alternative.
    """
    grid = _shown(cells)
    dose = grid.cells(cells.dose_mgy)
    step = scale.index(dose)
    low, high = _rows(cells, grid, step)
    rows = slice(low, high)
    high_mm = _heights(cells, grid)
    cell_w = float(cells.area_mm2[grid.first_cell]) / float(high_mm[1] - high_mm[0])
    wide, tall = grid.nu * cell_w * _PER_MM, float(high_mm[high] - high_mm[low]) * _PER_MM
    body = [
        f'<rect x="{_LEFT}" y="{_TOP}" width="{wide:.1f}" height="{tall:.1f}" fill="{UNDOSED}"/>',
        *_runs(step[rows], scale, wide / grid.nu, tall / (high - low)),
        *_frame(high_mm[low], high_mm[high], wide, tall, grid.closed, ink),
        *_peak(cells, grid, peak_mm, (low, high), (wide, tall)),
        *_legend(scale, marks, _LEFT + wide + 34, ink),
    ]
    height = max(_TOP + tall + _BOTTOM, _TOP + _STEP_TALL * len(scale.steps) + 50)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" role="img" aria-label="{escape(alt)}" '
        f'viewBox="0 0 {_LEFT + wide + _LEGEND:.0f} {height:.0f}">{"".join(body)}</svg>'
    )


def legend(
    scale: Scale, marks: Sequence[tuple[float, str]] = (), *, ink: str = "currentColor"
) -> str:
    """Draw the scale alone, to stand beside the 3-D view."""
    body = "".join(_legend(scale, marks, 30.0, ink))
    height = _TOP + _STEP_TALL * len(scale.steps) + 36
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" role="img" aria-label="Scale of dose, '
        f'{scale.unit}" viewBox="0 0 130 {height:.0f}">{body}</svg>'
    )


def _shown(cells: Cells) -> Grid:
    """Return the surface with the largest dose."""
    return max(grids(cells), key=lambda g: float(g.cells(cells.dose_mgy).max()))


def _heights(cells: Cells, grid: Grid) -> npt.NDArray[np.float64]:
    """Return where along the patient each row of corners lies."""
    corners = grid.first_corner + grid.wide * np.arange(grid.nv + 1)
    return np.asarray(cells.vertices[corners, 2], dtype=np.float64)


def _rows(cells: Cells, grid: Grid, step: npt.NDArray[np.int64]) -> tuple[int, int]:
    """Return the rows to show: those with dose, some way around, and never a mere strip."""
    heights = _heights(cells, grid)
    dosed = np.flatnonzero((step >= 0).any(axis=1))
    ends = (dosed[0], dosed[-1] + 1) if dosed.size else (0, grid.nv)
    low, high = heights[ends[0]] - _AROUND_MM, heights[ends[1]] + _AROUND_MM
    short = max(0.0, _LEAST_TALL_MM - (high - low)) / 2
    first = int(np.searchsorted(heights, low - short, side="right")) - 1
    last = int(np.searchsorted(heights, high + short, side="left"))
    return max(0, first), min(grid.nv, max(last, 1))


def _runs(step: npt.NDArray[np.int64], scale: Scale, cell_w: float, cell_h: float) -> list[str]:
    """Return one path a colour, of runs of equal cells; rows from the head end down."""
    paths: dict[int, list[str]] = {}
    for row, values in enumerate(step[::-1]):
        edges = np.flatnonzero(np.diff(values)) + 1
        bounds = [0, *edges.tolist(), len(values)]
        for start, end in pairwise(bounds):
            if values[start] < 0:
                continue
            x, y = _LEFT + start * cell_w, _TOP + row * cell_h
            run = f"M{x:.1f} {y:.1f}h{(end - start) * cell_w:.1f}v{cell_h:.2f}H{x:.1f}z"
            paths.setdefault(int(values[start]), []).append(run)
    return [
        f'<path fill="{scale.steps[n].colour}" shape-rendering="crispEdges" d="{"".join(runs)}"/>'
        for n, runs in sorted(paths.items())
    ]


def _text(x: float, y: float, words: str, ink: str, anchor: str = "middle") -> str:
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" fill="{ink}" {_FONT}>'
        f"{escape(words)}</text>"
    )


def _frame(
    low_mm: float, high_mm: float, wide: float, tall: float, closed: bool, ink: str
) -> list[str]:
    """Return outline, sides of the patient, and ticks of the distance from the top of the model."""
    right, bottom = _LEFT + wide, _TOP + tall
    line = f'stroke="{ink}" fill="none" stroke-width="1"'
    out = [f'<rect x="{_LEFT}" y="{_TOP}" width="{wide:.1f}" height="{tall:.1f}" {line}/>']
    names = ("front", "left side", "back", "right side", "front") if closed else ("left", "right")
    for n, name in enumerate(names):
        x = _LEFT + wide * n / (len(names) - 1)
        out.append(f'<path d="M{x:.1f} {bottom:.1f}v5" {line}/>')
        if 0 < n < len(names) - 1:
            thin = 'stroke="#7d8b85" stroke-width=".7" stroke-dasharray="2 4"'
            out.append(f'<path d="M{x:.1f} {_TOP}V{bottom:.1f}" {thin}/>')
        out.append(_text(x, bottom + 19, name, ink))
    first = math.ceil(-high_mm / _TICK_MM - 1e-9)
    for n in range(first, math.floor(-low_mm / _TICK_MM + 1e-9) + 1):
        y = _TOP + (high_mm + n * _TICK_MM) * _PER_MM
        out.append(f'<path d="M{_LEFT} {y:.1f}h-5" {line}/>')
        out.append(_text(_LEFT - 9, y + 4, f"{n * _TICK_MM:.0f}", ink, "end"))
    out.append(_text(4, _TOP - 8, "mm from top", ink, "start"))
    out.append(_text(right, _TOP - 8, "head up", ink, "end"))
    return out


def _peak(
    cells: Cells, grid: Grid, peak_mm: Sequence[float] | None, rows: tuple[int, int],
    extent: tuple[float, float],
) -> list[str]:  # fmt: skip
    """Return a ring about the peak, dark on light so that it shows on any colour."""
    if peak_mm is None:
        return []
    points = cells.points_mm[grid.first_cell : grid.first_cell + grid.nu * grid.nv]
    nearest = int(np.argmin(((points - np.asarray(peak_mm)) ** 2).sum(axis=1)))
    row, column = divmod(nearest, grid.nu)
    (low, high), (wide, tall) = rows, extent
    if not low <= row < high:
        return []
    x = _LEFT + (column + 0.5) * wide / grid.nu
    y = _TOP + tall - (row - low + 0.5) * tall / (high - low)
    ring = f'<circle cx="{x:.1f}" cy="{y:.1f}" r="10" fill="none"'
    left = x > _LEFT + wide / 2
    halo = 'stroke="#fff" stroke-width="3.4" paint-order="stroke" stroke-linejoin="round"'
    label = _text(x + (-15 if left else 15), y + 4.5, "peak", palette.INK,
                  "end" if left else "start")  # fmt: skip
    return [
        f'{ring} stroke="#fff" stroke-width="4"/>',
        f'{ring} stroke="{palette.INK}" stroke-width="1.8"/>',
        # Drawn twice: not every renderer knows paint-order.
        label.replace("<text ", f"<text {halo} "), label,
    ]  # fmt: skip


def _legend(scale: Scale, marks: Sequence[tuple[float, str]], x: float, ink: str) -> list[str]:
    """Return the steps of the scale, the highest up, with the limits between them."""
    side, n = _STEP_TALL, len(scale.steps)
    out = [_text(x, _TOP - 8, scale.unit, ink, "start")]
    for i, step in enumerate(reversed(scale.steps)):
        y = _TOP + i * side
        out.append(
            f'<rect x="{x:.1f}" y="{y:.1f}" width="22" height="{side}" fill="{step.colour}" '
            f'stroke="{ink}" stroke-width=".6"/>'
        )
        out.append(_text(x + 30, y + 4.5, scale.text(step.high), ink, "start"))
    bottom = _TOP + n * side
    out.append(_text(x + 30, bottom + 4.5, "0", ink, "start"))
    out.append(
        f'<rect x="{x:.1f}" y="{bottom + 14:.1f}" width="22" height="14" fill="{UNDOSED}" '
        f'stroke="{ink}" stroke-width=".6"/>'
    )
    out.append(_text(x + 30, bottom + 26, "no beam", ink, "start"))
    top = scale.steps[-1].high
    for dose_mgy, words in marks:
        value = dose_mgy * scale.per_mgy
        if 0 < value <= top:
            y = _TOP + n * side * (1 - value / top)
            out.append(f'<path d="M{x - 8:.1f} {y:.1f}h34" stroke="{ink}" stroke-width="2"/>')
            out.append(_text(x - 11, y + 4, words, ink, "end"))
    return out
