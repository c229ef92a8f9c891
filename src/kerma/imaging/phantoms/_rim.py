"""The outline of a round phantom in one slice at half height between its inside and the air."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from kerma.imaging.phantoms._grid import Volume

Array = npt.NDArray[np.float64]

_RAYS = 180
# Where inside and outside are read, and where the edge is looked for, as shares of the radius.
_INSIDE = (0.90, 0.96)
_OUTSIDE = (1.05, 1.12)
_EDGE = (0.92, 1.08)
_OUTLIER = 4.0


@dataclass(frozen=True, slots=True)
class Outline:
    """An outline r(φ) = R + first and second harmonics, mm.

    Attributes
    ----------
    x_mm, y_mm
        Middle, from the middle of the image.
    radius_mm
        Mean radius.
    second
        Cosine and sine of the second harmonic: half the difference of the axes.
    u_mm
        Standard uncertainty of the mean radius from the scatter of the rays.
    inside, outside
        Levels (medians) either side.
    share
        Share of the rays that agree with the fit.
    """

    x_mm: float
    y_mm: float
    radius_mm: float
    second: tuple[float, float]
    u_mm: float
    inside: float
    outside: float
    share: float

    def width_mm(self, angle_deg: float) -> float:
        """Return the diameter along a direction of the picture."""
        a = 2 * math.radians(angle_deg)
        return 2 * (self.radius_mm + self.second[0] * math.cos(a) + self.second[1] * math.sin(a))


def outline(
    volume: Volume,
    index: int,
    centre_mm: tuple[float, float],
    radius_mm: float,
    *,
    air: float | None = None,
) -> Outline | None:
    """Return the outline, or ``None`` when most rays do not cross it once.

    Middle and radius given must be good to 3 % of the radius. The level of the air is read around
    the outline unless it is given (a reconstructed circle may end close to the phantom).
    """
    angle = np.arange(_RAYS) * 2 * np.pi / _RAYS
    cos, sin = np.cos(angle), np.sin(angle)
    x, y = centre_mm
    found: Outline | None = None
    for _ in range(2):
        inside = _ring(volume, index, (x, y), radius_mm, _INSIDE)
        around = _ring(volume, index, (x, y), radius_mm, _OUTSIDE)
        outside = around if air is None else air
        if inside is None or outside is None or inside == outside:
            return None
        half = (inside + outside) / 2
        step = volume.pixel_mm / 4
        r = np.arange(_EDGE[0] * radius_mm, _EDGE[1] * radius_mm, step)
        px, py = x + np.outer(cos, r), y + np.outer(sin, r)
        values = volume.read(index, px, py)
        high = (values - half) * np.sign(inside - outside)
        falls = (high[:, :-1] > 0) & (high[:, 1:] <= 0)
        # Beyond the image its border is repeated.
        has = (falls & volume.sees(index, px, py)[:, 1:]).any(axis=1)
        k = np.argmax(falls, axis=1)
        ray = np.arange(_RAYS)
        a, b = high[ray, k], high[ray, k + 1]
        edge = r[k] + np.where(has, a / np.where(a == b, 1.0, a - b), 0.0) * step
        fit = _fit(angle, edge, has)
        if fit is None:
            return None
        terms, kept, scatter = fit
        x, y = x + float(terms[1]), y + float(terms[2])
        found = Outline(
            x, y, float(terms[0]), (float(terms[3]), float(terms[4])),
            scatter / math.sqrt(kept / 4), inside, outside, kept / _RAYS,
        )  # fmt: skip
        radius_mm = found.radius_mm
    return found


def _ring(
    volume: Volume, index: int, centre: tuple[float, float], radius: float, at: tuple[float, float]
) -> float | None:
    """Return the median of a ring, as far as it is in the image; ``None`` when most is not."""
    angle = np.arange(_RAYS) * 2 * np.pi / _RAYS
    r = np.linspace(at[0] * radius, at[1] * radius, 5)
    x, y = centre[0] + np.outer(np.cos(angle), r), centre[1] + np.outer(np.sin(angle), r)
    seen = volume.sees(index, x, y)
    return float(np.median(volume.read(index, x, y)[seen])) if seen.mean() > 0.5 else None


def _fit(angle: Array, edge: Array, has: npt.NDArray[np.bool_]) -> tuple[Array, int, float] | None:
    design = np.column_stack(
        [np.ones_like(angle), np.cos(angle), np.sin(angle), np.cos(2 * angle), np.sin(2 * angle)]
    )
    kept = has.copy()
    for _ in range(5):
        if kept.sum() < _RAYS / 2:
            return None
        terms, *_ = np.linalg.lstsq(design[kept], edge[kept], rcond=None)
        away = np.abs(edge - design @ terms)
        kept = has & (away <= max(_OUTLIER * float(np.median(away[kept])), 0.05))
    if kept.sum() < _RAYS / 2:
        return None
    return terms, int(kept.sum()), float(np.std(away[kept]))
