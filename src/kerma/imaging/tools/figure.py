"""Find a known figure of points among candidates: scale, turn, shift and mirroring."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.floating[Any]]


@dataclass(frozen=True, slots=True)
class Similarity:
    """A similarity: place in the image = shift + scale x turn x (mirrored) place in the figure.

    Attributes
    ----------
    scale
        Image units for each unit of the figure.
    turn_deg
        Clockwise as displayed (y down).
    mirrored
        Whether x is reversed before the turn.
    shift
        Where the figure's origin is.
    residual
        Root mean square distance of the points found from where they should be, image units.
    """

    scale: float
    turn_deg: float
    mirrored: bool
    shift: tuple[float, float]
    residual: float

    def place(self, x: Any, y: Any) -> tuple[Any, Any]:
        """Return where a point of the figure is in the image."""
        x = -x if self.mirrored else x
        c = self.scale * math.cos(math.radians(self.turn_deg))
        s = self.scale * math.sin(math.radians(self.turn_deg))
        return self.shift[0] + c * x - s * y, self.shift[1] + s * x + c * y

    def back(self, column: Any, row: Any) -> tuple[Any, Any]:
        """Return the point of the figure at a place in the image."""
        dx, dy = column - self.shift[0], row - self.shift[1]
        c = math.cos(math.radians(self.turn_deg)) / self.scale
        s = math.sin(math.radians(self.turn_deg)) / self.scale
        x, y = c * dx + s * dy, -s * dx + c * dy
        return (-x if self.mirrored else x), y


def find_figure(
    figure: Array,
    candidates: Array,
    *,
    scales: tuple[float, float],
    tolerance: float,
) -> Similarity | None:
    """Return the similarity that puts every point of a figure on a candidate, or ``None``.

    The two points furthest apart are tried on every pair of candidates, plain and mirrored; of
    those that find all points the best fit is taken.

    Parameters
    ----------
    figure, candidates
        Shapes (n, 2) and (m, 2).
    scales
        Smallest and largest scale allowed.
    tolerance
        How far, in units of the figure, a point may be from its candidate.
    """
    if len(candidates) < len(figure):
        return None
    apart = np.hypot(*(figure[:, None, :] - figure[None, :, :]).transpose(2, 0, 1))
    a, b = (int(i) for i in np.unravel_index(int(np.argmax(apart)), apart.shape))
    spots = candidates[:, 0] + 1j * candidates[:, 1]
    best: Similarity | None = None
    for mirrored in (False, True):
        points = (-figure[:, 0] if mirrored else figure[:, 0]) + 1j * figure[:, 1]
        factor = (spots[None, :] - spots[:, None]) / (points[b] - points[a])
        scale = np.abs(factor)
        ok = (scale >= scales[0]) & (scale <= scales[1])
        for i, j in np.argwhere(ok):
            f = complex(factor[i, j])
            wanted = spots[i] + f * (points - points[a])
            away = np.abs(wanted[:, None] - spots[None, :])
            nearest = away.argmin(axis=1)
            if (away[np.arange(len(points)), nearest] > tolerance * abs(f)).any():
                continue
            if len(set(nearest.tolist())) < len(points):
                continue
            found = _fitted(points, spots[nearest], mirrored)
            if best is None or found.residual / found.scale < best.residual / best.scale:
                best = found
    return best


def _fitted(points: Any, spots: Any, mirrored: bool) -> Similarity:
    """Return the least-squares similarity from points to spots (complex numbers)."""
    p, q = points - points.mean(), spots - spots.mean()
    factor = complex(np.vdot(p, q) / np.vdot(p, p))
    shift = complex(spots.mean() - factor * points.mean())
    residual = float(np.sqrt(np.mean(np.abs(q - factor * p) ** 2)))
    turn = math.degrees(math.atan2(factor.imag, factor.real))
    return Similarity(abs(factor), turn, mirrored, (shift.real, shift.imag), residual)
