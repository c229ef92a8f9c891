"""A CDMAM contrast-detail phantom under a mammography unit, with everything about it known.

Also the scores of a reader whose right choices follow a known curve.

Discs are supersampled 8 x 8 and blurred exactly, lines are drawn with error functions; noise is
white. The corner of each second disc is drawn from a seed: it is not any maker's phantom. Nothing
of the analysis is used but the description of the matrix.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from kerma.core import Image
from kerma.imaging.mammography._cdmam_spec import CORNERS, CdmamSpec, Matrix, load_spec
from kerma.imaging.tools.untyped import ndimage, special
from kerma.simulate import planar

Array = npt.NDArray[np.floating[Any]]
_FINE = 8


@dataclass(frozen=True)
class CdmamScan:
    """What is imaged and how; every value is the truth an analysis should find.

    Attributes
    ----------
    model
        ``cdmam34`` or ``cdmam40``.
    shape, pixel_mm
        Rows and columns; square pixels.
    pitch_mm
        Side of a cell at the detector.
    magnification
        Of the discs.
    turn_deg
        Angle of the rows of the matrix to the rows of the image, clockwise as displayed.
    mirrored
        The image is flipped left to right.
    offset_mm
        Middle of the matrix from the middle of the image, (x, y).
    mean, noise
        Pixel value beside the discs, standard deviation of the white noise.
    mu_per_um
        Of gold.
    psf_sigma_mm
        Gaussian blur, before the pixel.
    line_mm, line_contrast
        Width and contrast (share of the mean) of the grid.
    corner_offset
        Of the second disc, in cells.
    discs_shift_mm
        All discs lie so far from where the grid says, (x, y) along the matrix.
    heel
        Fall of the signal from left to right, as a share.
    arrangement
        Which of the description's arrangements of cells.
    corner_seed
        Of the map of corners.
    discs
        Draw the discs; without them it is a bare grid.
    described
        Another description than the model's: any square grid with discs.
    """

    model: str = "cdmam34"
    shape: tuple[int, int] = (1300, 1900)
    pixel_mm: float = 0.1
    pitch_mm: float = 8.6
    magnification: float = 1.05
    turn_deg: float = -44.5
    mirrored: bool = False
    offset_mm: tuple[float, float] = (1.3, -2.1)
    mean: float = 1000.0
    noise: float = 50.0
    mu_per_um: float = 0.157
    psf_sigma_mm: float = 0.05
    line_mm: float = 0.3
    line_contrast: float = 0.12
    corner_offset: float = 0.25
    discs_shift_mm: tuple[float, float] = (0.0, 0.0)
    heel: float = 0.08
    arrangement: int = 0
    corner_seed: int = 7
    discs: bool = True
    described: CdmamSpec | None = None

    @cached_property
    def spec(self) -> CdmamSpec:
        """The description the phantom is drawn from."""
        return self.described or load_spec(self.model)

    @property
    def matrix(self) -> Matrix:
        """The cells."""
        return self.spec.matrices[self.arrangement]

    @cached_property
    def corners(self) -> npt.NDArray[np.intp]:
        """Corner of the second disc, 1 to 4, by row and column; 0 where there is no cell."""
        random = np.random.default_rng(self.corner_seed)
        found = np.zeros(self.spec.shape, dtype=np.intp)
        found[self.matrix.row, self.matrix.column] = random.integers(1, 5, len(self.matrix))
        return found

    @property
    def corner_rows(self) -> list[str]:
        """The map of corners as the measurement takes it."""
        return ["".join(str(c) if c else "." for c in row) for row in self.corners]

    @cached_property
    def thickness_um(self) -> Array:
        """Gold thickness by row and column."""
        spec = self.spec
        if spec.complete:
            return spec.thickness_um
        # Sixteen steps up to the thickest, which falls with the diameter where none is described.
        top = spec.thickness_um[:, -1].copy()
        last = int(np.flatnonzero(np.isfinite(top))[-1])
        small = spec.diameters_mm[last + 1 :] / spec.diameters_mm[last]
        top[last + 1 :] = top[last] * small**-1.3
        return np.asarray(np.geomspace(top / 9.0, top, spec.shape[1], axis=1))

    def place(self, x: Any, y: Any) -> tuple[Array, Array]:
        """Return column and row in the image of places in the matrix, in cells from its corner."""
        turn = math.radians(self.turn_deg)
        u = (np.asarray(x, dtype=float) - self.matrix.size[0] / 2) * self.pitch_mm
        v = (np.asarray(y, dtype=float) - self.matrix.size[1] / 2) * self.pitch_mm
        across = u * math.cos(turn) - v * math.sin(turn) + self.offset_mm[0]
        down = u * math.sin(turn) + v * math.cos(turn) + self.offset_mm[1]
        column = across / self.pixel_mm + (self.shape[1] - 1) / 2
        row = down / self.pixel_mm + (self.shape[0] - 1) / 2
        return (self.shape[1] - 1 - column if self.mirrored else column), row

    @cached_property
    def discs_px(self) -> tuple[Array, Array]:
        """Column and row of the discs, shape (2, cells): middles, then corners."""
        m = self.matrix
        away = CORNERS[self.corners[m.row, m.column] - 1].T * self.corner_offset
        dx, dy = (shift / self.pitch_mm for shift in self.discs_shift_mm)
        return self.place(np.stack([m.x, m.x + away[0]]) + dx, np.stack([m.y, m.y + away[1]]) + dy)

    @cached_property
    def drawn(self) -> tuple[Array, Array]:
        """The noise-free image, and the root sum of squares of each disc's shape, (2, cells)."""
        field: Array = np.asarray(_lines(self) * self.line_contrast)
        norms = np.zeros((2, len(self.matrix)))
        if self.discs:
            _draw_discs(self, field, norms)
        clean = self.mean * (1.0 - field) * self.level(np.arange(self.shape[1]))
        return np.asarray(clean), norms

    def level(self, column: npt.NDArray[Any]) -> Array:
        """Return the heel effect at columns of the image, 1 in the middle."""
        return np.asarray(1.0 - self.heel * (column / (self.shape[1] - 1) - 0.5))

    @property
    def contrast(self) -> Array:
        """Contrast 1 - exp(-mu t) of each cell."""
        t = self.thickness_um[self.matrix.row, self.matrix.column]
        return np.asarray(1.0 - np.exp(-self.mu_per_um * t))

    @property
    def d_prime(self) -> Array:
        """Detectability of each disc to an ideal observer, shape (2, cells)."""
        mean = self.mean * self.level(self.discs_px[0])
        return np.asarray(mean * self.contrast * self.drawn[1] / self.noise)


def _draw_discs(scan: CdmamScan, field: Array, norms: Array) -> None:
    x, y = scan.discs_px
    matrix = scan.matrix
    for cell in range(len(matrix)):
        diameter = float(scan.spec.diameters_mm[matrix.row[cell]]) * scan.magnification
        for disc in range(2):
            x0, y0, shape = disc_shape(
                float(x[disc, cell]), float(y[disc, cell]), diameter / scan.pixel_mm,
                scan.psf_sigma_mm / scan.pixel_mm,
            )  # fmt: skip
            norms[disc, cell] = math.sqrt(float((shape**2).sum()))
            rows, columns = shape.shape
            part = field[y0 : y0 + rows, x0 : x0 + columns]
            part += (1.0 - part) * scan.contrast[cell] * shape


def disc_shape(x: float, y: float, diameter_px: float, sigma_px: float) -> tuple[int, int, Array]:
    """Return first column, first row and the share of each pixel a blurred disc covers."""
    half = math.ceil(diameter_px / 2 + 5 * sigma_px) + 1
    x0, y0 = math.floor(x) - half, math.floor(y) - half
    side = 2 * half + 2
    fine = (np.arange(side * _FINE) + 0.5) / _FINE - 0.5
    u, v = fine - (x - x0), fine - (y - y0)
    inside = (u[None, :] ** 2 + v[:, None] ** 2 <= (diameter_px / 2) ** 2).astype(float)
    if not inside.any():
        # Smaller than the fine grid: its area on the fine pixel it lies in.
        inside[np.abs(v).argmin(), np.abs(u).argmin()] = 1.0
    inside *= math.pi / 4 * (diameter_px * _FINE) ** 2 / inside.sum()
    if sigma_px > 0:
        inside = ndimage.gaussian_filter(inside, sigma_px * _FINE, mode="constant", truncate=6.0)
    return x0, y0, inside.reshape(side, _FINE, side, _FINE).mean(axis=(1, 3))


def _lines(scan: CdmamScan) -> Array:
    """Return the grid around the cells, 0 to 1: the strongest of all lines at each pixel."""
    field = np.zeros(scan.shape)
    m = scan.matrix
    sides = set()
    for x, y in zip(m.x, m.y, strict=True):
        left, top = float(x) - 0.5, float(y) - 0.5
        sides |= {
            (left, top, left + 1, top), (left, top + 1, left + 1, top + 1),
            (left, top, left, top + 1), (left + 1, top, left + 1, top + 1),
        }  # fmt: skip
    sigma = max(scan.psf_sigma_mm, 0.2 * scan.pixel_mm) / scan.pixel_mm * math.sqrt(2.0)
    half = scan.line_mm / scan.pixel_mm / 2
    for x0, y0, x1, y1 in sorted(sides):
        (ax, bx), (ay, by) = scan.place([x0, x1], [y0, y1])
        length = math.hypot(bx - ax, by - ay)
        reach = math.ceil(half + 4 * sigma)
        columns = _span(ax, bx, reach, scan.shape[1])
        rows = _span(ay, by, reach, scan.shape[0])
        if not len(columns) or not len(rows):
            continue
        u, v = columns[None, :] - ax, rows[:, None] - ay
        along = (u * (bx - ax) + v * (by - ay)) / length
        across = (v * (bx - ax) - u * (by - ay)) / length
        line = _box(across, -half, half, sigma) * _box(along, -half, length + half, sigma)
        part = field[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
        np.maximum(part, line, out=part)
    return field


def _span(a: float, b: float, reach: int, size: int) -> npt.NDArray[np.intp]:
    low, high = math.floor(min(a, b)) - reach, math.ceil(max(a, b)) + reach
    return np.arange(max(0, low), min(size, high + 1))


def _box(u: Array, low: float, high: float, width: float) -> Array:
    return np.asarray((special.erf((u - low) / width) - special.erf((u - high) / width)) / 2)


def cdmam_images(scan: CdmamScan, count: int, *, seed: int = 1) -> list[Image]:
    """Return raw images of the phantom, each with noise of its own."""
    clean = scan.drawn[0].astype(np.float32)
    random = np.random.default_rng(seed)
    found = []
    for _ in range(count):
        noise = random.standard_normal(scan.shape, dtype=np.float32)
        pixels = np.rint(clean + np.float32(scan.noise) * noise)
        found.append(
            planar.as_image(
                pixels,
                scan.pixel_mm,
                modality="MG",
                facts={"KVP": 28.0, "AnodeTargetMaterial": "MOLYBDENUM",
                       "FilterMaterial": "MOLYBDENUM", "BodyPartThickness": 60.0},
            )
        )  # fmt: skip
    return found


def score_table(
    thresholds_um: Mapping[float, float], thickness_um: Sequence[float], *, choices: int,
    mu_per_um: float = 0.157, slope: float = 3.2, seed: int | None = None,
) -> dict[str, list[float]]:  # fmt: skip
    """Return the scores of a reader with known thresholds as columns.

    Parameters
    ----------
    thresholds_um
        Thickness at which 62.5 % of the choices are right, by diameter in mm.
    thickness_um
        Thicknesses of every diameter.
    choices
        Made at each.
    mu_per_um, slope
        Of gold; of the curve.
    seed
        Draw the counts; without it they are the expected counts, rounded.
    """
    random = None if seed is None else np.random.default_rng(seed)
    columns: dict[str, list[float]] = {
        name: [] for name in ("diameter_mm", "thickness_um", "correct", "total")
    }
    for diameter, threshold in thresholds_um.items():
        ratio = np.expm1(-mu_per_um * np.array(thickness_um)) / math.expm1(-mu_per_um * threshold)
        rate = 0.25 + 0.75 / (1.0 + ratio**-slope)
        right = np.rint(choices * rate) if random is None else random.binomial(choices, rate)
        columns["diameter_mm"] += [diameter] * len(thickness_um)
        columns["thickness_um"] += list(thickness_um)
        columns["correct"] += [float(k) for k in right]
        columns["total"] += [float(choices)] * len(thickness_um)
    return columns
