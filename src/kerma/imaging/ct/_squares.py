"""Where the squares of a noise measurement lie in a round, uniform region, and which are plain."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from kerma.core import AnalysisError, InputError
from kerma.imaging.tools.regions import Rectangle
from kerma.imaging.tools.square_noise import detrended

Array = npt.NDArray[np.floating[Any]]

LAYOUTS = ("annulus", "centre", "grid")
# A square with an insert, a gap or a wall in it: so many times the variance of the middle one.
# Noise itself differs by up to half between the middle and the rim of a phantom. Design choice.
_PLAIN = 2.5
_OUTLIER = 8.0  # standard deviations of the square; noise alone reaches 5 in 4000 pixels
# Variance over that of differences a sixth of the side apart, by their median: the edges of an
# insert are in few of them, noise is in all. 1.2 for a kernel as smooth as 3 pixels. Design choice.
_STRUCTURE = 2.0
LEAST_SIDE_PX = 16


@dataclass(frozen=True, slots=True)
class Field:
    """A round region to measure in, pixels."""

    x: float
    y: float
    radius: float


def placed(field: Field, side_px: int, layout: str, annulus_px: float | None) -> list[Rectangle]:
    """Return squares that do not overlap, inside the field.

    ``annulus``: as many as fit on a circle (60 % of the field's radius when not given);
    ``centre``: one; ``grid``: side by side over the field.

    Raises
    ------
    AnalysisError
        Code ``region-too-small``.
    """
    reach = field.radius - side_px / math.sqrt(2.0)
    centres: list[tuple[float, float]] = []
    if layout == "centre" and reach >= 0:
        centres = [(0.0, 0.0)]
    elif layout == "grid" and reach >= 0:
        n = int(field.radius / side_px)
        steps = [k * side_px for k in range(-n, n + 1)]
        corner = math.sqrt(2.0) * side_px / 2
        centres = [
            (x, y) for y in steps for x in steps if math.hypot(x, y) + corner <= field.radius
        ]
    elif layout == "annulus":
        away = min(0.6 * field.radius, reach) if annulus_px is None else annulus_px
        # Squares whose middles are a diagonal apart never overlap, whatever their direction.
        half = side_px / math.sqrt(2.0) / away if away > 0 else 2.0
        if away <= reach + 1e-9 and half < 1.0:
            count = int(math.pi / math.asin(half))
            turns = [2 * math.pi * k / count - math.pi / 2 for k in range(count)]
            centres = [(away * math.cos(t), away * math.sin(t)) for t in turns]
    if not centres:
        raise AnalysisError(
            f"Squares of {side_px} pixels do not fit in the uniform region of "
            f"{2 * field.radius:.0f} pixels. Choose a smaller side or another layout.",
            stage="place squares",
            code="region-too-small",
        )
    return [Rectangle.centred(field.x + x, field.y + y, side_px, side_px) for x, y in centres]


def given(corners: Sequence[tuple[int, int, int, int]], shape: tuple[int, int]) -> list[Rectangle]:
    """Return the squares a person asked for.

    Raises
    ------
    InputError
        Codes ``region-outside-image``, ``not-square-region``.
    """
    found = [Rectangle.given(c, shape) for c in corners]
    sides = {(r.x1 - r.x0, r.y1 - r.y0) for r in found}
    if len(sides) > 1 or any(w != h or w < LEAST_SIDE_PX for w, h in sides):
        raise InputError(
            f"The regions for a noise spectrum must be squares of one size, {LEAST_SIDE_PX} pixels "
            "or more. Give left, top, right, bottom of each.",
            code="not-square-region",
        )
    return found


def plain(blocks: Array, order: int) -> npt.NDArray[np.bool_]:
    """Return which squares hold noise alone.

    Parameters
    ----------
    blocks
        Shape (m, n, n), HU.
    order
        Degree of the trend taken off; 1 or more here.
    """
    rest = detrended(blocks, max(order, 1))
    variance = rest.var(axis=(1, 2))
    sd = np.sqrt(np.maximum(variance, 1e-30))
    worst = np.abs(rest).max(axis=(1, 2)) / sd
    lag = max(2, blocks.shape[1] // 6)
    apart = np.abs(np.concatenate(
        ((rest[:, lag:] - rest[:, :-lag]).reshape(len(rest), -1),
         (rest[:, :, lag:] - rest[:, :, :-lag]).reshape(len(rest), -1)), axis=1,
    ))  # fmt: skip
    # The median of |difference| of a Gaussian is 0.6745 sqrt(2) of its standard deviation.
    grain = np.maximum((np.median(apart, axis=1) / 0.6744897501960817) ** 2 / 2, 1e-30)
    found: npt.NDArray[np.bool_] = (
        (variance <= _PLAIN * np.median(variance))
        & (worst < _OUTLIER)
        & (variance <= _STRUCTURE * grain)
    )
    return found
