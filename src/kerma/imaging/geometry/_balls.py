"""Find the two balls of a beam alignment tool and fit their projections."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from kerma.core import AnalysisError
from kerma.imaging.tools.statistics import robust_sd
from kerma.imaging.tools.untyped import ndimage, optimize

Array = npt.NDArray[np.floating[Any]]

STAGE = "find balls"
# Design choices.
_SEARCH_PX_PER_BALL = 5.0
_SOFT = 0.12  # of a ball's diameter
_LEAST_SNR = 10.0
_RIVAL = 0.35  # a third spot of at least this height makes the image ambiguous
_SKIRT = 0.2  # what joins a spot above this share of its height is part of it
_FINE = 3
# Largest error seen on rendered balls is 0.01 pixel (tests/imaging/test_beam_perpendicularity.py);
# doubled, it is taken as the standard uncertainty of the method.
METHOD_U_PX = 0.02
_WORST_FIT = 0.15  # rms of the residual as a share of the balls' depth


@dataclass(frozen=True, slots=True)
class Ball:
    """A fitted ball; mm from the centre of the first pixel. `u` is of each coordinate."""

    x: float
    y: float
    radius: float
    u: float
    u_radius: float


@dataclass(frozen=True, slots=True)
class BallFit:
    """Fitted balls, the rms residual as a share of the patch's range, and the pixels fitted."""

    balls: tuple[Ball, ...]
    rms: float
    pixels: int


def find_spots(
    pixels: Array, spacing_mm: tuple[float, float], largest_mm: float
) -> tuple[list[tuple[float, float]], float]:
    """Return the places (mm) of one or two compact spots, and their sign: -1 when dark.

    `largest_mm` is the largest diameter a ball can have in the image; what is wider than twice
    that is background (opening and closing). One spot means that the balls lie over each other.

    Raises
    ------
    AnalysisError
        Codes ``no-balls``, ``too-many-balls``.
    """
    dy, dx = spacing_mm
    factor = max(1, round(0.5 * largest_mm / _SEARCH_PX_PER_BALL / max(dy, dx)))
    rows, columns = (n // factor for n in pixels.shape)
    coarse = np.asarray(
        pixels[: rows * factor, : columns * factor]
        .reshape(rows, factor, columns, factor)
        .mean(axis=(1, 3)),
        dtype=float,
    )
    across = largest_mm / (factor * max(dy, dx))
    coarse = ndimage.gaussian_filter(coarse, _SOFT * across, mode="nearest")
    size = 2 * round(across) + 1
    dark = ndimage.grey_closing(coarse, size=(size, size), mode="nearest") - coarse
    bright = coarse - ndimage.grey_opening(coarse, size=(size, size), mode="nearest")
    plain = coarse - ndimage.uniform_filter(coarse, size, mode="nearest")
    noise = max(robust_sd(plain), 1e-9 * float(np.ptp(coarse)))
    found = [
        (_spots(hat, _LEAST_SNR * noise + float(np.median(hat)), size), sign)
        for hat, sign in ((dark, -1.0), (bright, 1.0))
    ]
    spots, sign = max(found, key=lambda f: f[0][0][0] if f[0] else 0.0)
    if not spots:
        raise AnalysisError(
            "No ball was found: there is no small, compact spot that stands out of the image. Take "
            "an image of the alignment tool in the open field, or give the balls by hand "
            "(balls_px, lower first).",
            stage=STAGE,
            code="no-balls",
        )
    if len(spots) > 2:
        raise AnalysisError(
            f"{len(spots)} compact spots of like strength were found; an alignment tool shows two "
            "balls. Remove other markers, or give the balls by hand (balls_px, lower first).",
            stage=STAGE,
            code="too-many-balls",
            detail={"spots": [[s[2] * factor, s[1] * factor] for s in spots]},
        )
    offset = (factor - 1) / 2
    return [((c * factor + offset) * dx, (r * factor + offset) * dy) for _, r, c in spots], sign


def _spots(hat: Array, limit: float, size: int) -> list[tuple[float, float, float]]:
    """Return (height, row, column) of compact spots, highest first."""
    found: list[tuple[float, float, float]] = []
    remaining = hat.copy()
    for _ in range(12):
        at = np.unravel_index(int(np.argmax(remaining)), hat.shape)
        row, column = int(at[0]), int(at[1])
        height = float(hat[row, column])
        if remaining[row, column] <= limit or (found and height < _RIVAL * found[0][0]):
            break
        r0, c0 = max(0, row - size), max(0, column - size)
        part = hat[r0 : row + size + 1, c0 : column + size + 1]
        labels, _ = ndimage.label(part > 0.5 * height)
        mask = labels == labels[row - r0, column - c0]
        box = ndimage.find_objects(mask.astype(int))[0]
        high, wide = (s.stop - s.start for s in box)
        border = min(row, column, hat.shape[0] - 1 - row, hat.shape[1] - 1 - column)
        compact = max(high, wide) <= min(size, 2.5 * min(high, wide)) and mask.sum() > 4
        if compact and border > size // 4:
            weights = np.where(mask, part, 0.0)
            rows, columns = np.indices(part.shape)
            total = float(weights.sum())
            found.append((height, float((weights * rows).sum()) / total + r0,
                          float((weights * columns).sum()) / total + c0))  # fmt: skip
        skirt, _ = ndimage.label(part > _SKIRT * height)
        taken = skirt == skirt[row - r0, column - c0]
        remaining[r0 : row + size + 1, c0 : column + size + 1][taken] = -math.inf
    return found


def along(
    pixels: Array,
    spacing_mm: tuple[float, float],
    spot: tuple[float, float],
    reach_mm: float,
    sign: float,
) -> tuple[float, float]:
    """Return half the vector between two balls whose images lie over each other, either way.

    From the spot's second moments: two like discs a distance d apart add d²/4 to the variance
    along the line that joins them.
    """
    dy, dx = spacing_mm
    c, r = round(spot[0] / dx), round(spot[1] / dy)
    nc, nr = math.ceil(reach_mm / dx), math.ceil(reach_mm / dy)
    r0, c0 = max(0, r - nr), max(0, c - nc)
    part = sign * pixels[r0 : r + nr + 1, c0 : c + nc + 1].astype(float)
    ring = np.concatenate((part[0], part[-1], part[:, 0], part[:, -1]))
    weights = np.clip(part - float(np.median(ring)) - 3.0 * robust_sd(ring), 0.0, None)
    rows, columns = np.indices(part.shape)
    x, y = (columns + c0) * dx - spot[0], (rows + r0) * dy - spot[1]
    total = float(weights.sum()) or 1.0
    mx, my = float((weights * x).sum()) / total, float((weights * y).sum()) / total
    xx = float((weights * (x - mx) ** 2).sum()) / total
    yy = float((weights * (y - my) ** 2).sum()) / total
    xy = float((weights * (x - mx) * (y - my)).sum()) / total
    excess = math.hypot(xx - yy, 2 * xy)
    angle = 0.5 * math.atan2(2 * xy, xx - yy)
    half = max(math.sqrt(excess), 0.02 * reach_mm)
    return half * math.cos(angle), half * math.sin(angle)


def fit_balls(
    pixels: Array,
    spacing_mm: tuple[float, float],
    starts: Sequence[tuple[float, float]],
    scales: Sequence[float],
    ball_mm: float,
    sign: float,
) -> BallFit:
    """Fit the projections of one or two balls.

    The signal is a plane times exp(-k sqrt(1 - r²/R²)) for each ball, blurred by a Gaussian:
    the chord of a ball of radius R. All balls of one fit share k and the blur, and their radii are
    in the ratio of `scales`.

    Parameters
    ----------
    pixels, spacing_mm
        Shape (rows, columns), and (row, column) distances.
    starts
        Places to begin at, mm.
    scales
        Magnification of each ball.
    ball_mm
        True diameter, to begin at.
    sign
        -1 when balls are darker than the field.

    Raises
    ------
    AnalysisError
        Code ``no-balls``.
    """
    dy, dx = spacing_mm
    reach = 1.1 * ball_mm * max(scales) + 4 * max(dx, dy)
    xs, ys = [s[0] for s in starts], [s[1] for s in starts]
    c0, c1 = math.floor((min(xs) - reach) / dx), math.ceil((max(xs) + reach) / dx)
    r0, r1 = math.floor((min(ys) - reach) / dy), math.ceil((max(ys) + reach) / dy)
    if min(c0, r0) < 0 or c1 >= pixels.shape[1] or r1 >= pixels.shape[0]:
        raise _bad("a ball lies too near to the border of the image")
    patch = pixels[r0 : r1 + 1, c0 : c1 + 1].astype(float)
    depth = float(np.ptp(patch))
    if depth == 0.0:
        raise _bad("nothing stands out there")
    model = _Model(patch / depth, spacing_mm, (c0 * dx, r0 * dy), scales, inverted=sign > 0)
    n = len(starts)
    start = [v for s in starts for v in s] + [0.5 * ball_mm, 1.5, 0.7 * max(dx, dy)]
    lower = [-np.inf] * (2 * n) + [0.1 * ball_mm, 0.05, 0.05 * max(dx, dy)]
    upper = [np.inf] * (2 * n) + [2.0 * ball_mm, 30.0, ball_mm]
    found = optimize.least_squares(
        model, start, bounds=(lower, upper), max_nfev=40, xtol=1e-7, ftol=1e-9,
        x_scale=[0.1 * ball_mm] * (2 * n) + [0.1 * ball_mm, 0.5, 0.1 * ball_mm],
    )  # fmt: skip
    rms = float(np.sqrt((found.fun**2).mean()))
    if rms > _WORST_FIT:
        raise _bad("the spot does not have the shape of a ball's shadow")
    freedom = max(1, patch.size - len(start) - 3)
    cover = np.linalg.pinv(found.jac.T @ found.jac) * float((found.fun**2).sum()) / freedom
    sd = np.sqrt(np.clip(np.diag(cover), 0.0, None))
    floor = METHOD_U_PX * max(dx, dy)
    balls = tuple(
        Ball(
            float(found.x[2 * i]), float(found.x[2 * i + 1]), float(found.x[2 * n] * scales[i]),
            math.hypot(float(sd[2 * i : 2 * i + 2].max()), floor), float(sd[2 * n] * scales[i]),
        )
        for i in range(n)
    )  # fmt: skip
    return BallFit(balls, rms, patch.size)


def _bad(why: str) -> AnalysisError:
    return AnalysisError(
        f"The balls of the alignment tool could not be measured: {why}.", stage="fit balls",
        code="no-balls",
    )  # fmt: skip


class _Model:
    """The model on a patch, sampled three times finer than the pixels; called, its residual.

    The plane (and a constant, for inverted pixel values) enters linearly and is solved for, so
    that only places, radius, opacity and blur are searched.
    """

    def __init__(
        self,
        patch: Array,
        spacing_mm: tuple[float, float],
        origin: tuple[float, float],
        scales: Sequence[float],
        *,
        inverted: bool,
    ) -> None:
        self.patch, self.inverted = patch, inverted
        self.spacing_mm, self.scales = spacing_mm, scales
        rows, columns = patch.shape
        fine = [(np.arange(n * _FINE) + 0.5) / _FINE - 0.5 for n in patch.shape]
        self.y = origin[1] + fine[0][:, None] * spacing_mm[0]
        self.x = origin[0] + fine[1][None, :] * spacing_mm[1]
        self.across = np.broadcast_to(np.linspace(-1, 1, columns)[None, :], patch.shape)
        self.down = np.broadcast_to(np.linspace(-1, 1, rows)[:, None], patch.shape)

    def __call__(self, p: Array) -> Array:
        n = len(self.scales)
        rows, columns = self.patch.shape
        radius, depth, blur = p[2 * n :]
        path = np.zeros((rows * _FINE, columns * _FINE))
        for i, scale in enumerate(self.scales):
            away = (self.x - p[2 * i]) ** 2 + (self.y - p[2 * i + 1]) ** 2
            path += depth * np.sqrt(np.clip(1.0 - away / (radius * scale) ** 2, 0.0, None))
        sigma = [blur / s * _FINE for s in self.spacing_mm]
        # Truncated early for speed: 1e-3 of the kernel lies beyond 3.3 sd.
        shadow = ndimage.gaussian_filter(np.exp(-path), sigma, mode="nearest", truncate=3.3)
        share = shadow.reshape(rows, _FINE, columns, _FINE).mean(axis=(1, 3))
        terms = [share, share * self.across, share * self.down]
        if self.inverted:
            terms.append(np.ones_like(share))
        design = np.stack([t.ravel() for t in terms])
        solved = np.linalg.solve(design @ design.T, design @ self.patch.ravel())
        return np.asarray(solved @ design - self.patch.ravel())
