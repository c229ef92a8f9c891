"""Find a collimated X-ray field roughly: bright or dark, rectangle or circle, which sides show."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from kerma.core import AnalysisError
from kerma.imaging.tools.untyped import ndimage

Array = npt.NDArray[np.floating[Any]]
Mask = npt.NDArray[np.bool_]

SIDES = ("right", "bottom", "left", "top")  # outward normals at 0, 90, 180 and 270 degrees
STAGE = "find field"
# Design choices. The search runs on an image reduced to about this size.
_BLOCKS_ACROSS = 256
_NORMAL_WITHIN_DEG = 30.0
_LEAST_SIDE_SHARE = 0.15
# An evenly spread single class has 3.47, a Gaussian one 2.65.
_LEAST_SEPARATION = 3.6
_STRAIGHT_RESULTANT = 0.5


@dataclass(frozen=True, slots=True)
class RoughSide:
    """A side as the reduced image shows it, in mm.

    Attributes
    ----------
    offset
        Distance of the side's line from the origin along its outward normal.
    start, stop
        Extent along the side (the normal turned by +90 degrees).
    """

    offset: float
    start: float
    stop: float


@dataclass(frozen=True, slots=True)
class Rough:
    """A field as the reduced image shows it.

    Lengths in mm from the centre of the first pixel, x along the rows and y down the columns.

    Attributes
    ----------
    kind
        ``rectangle`` or ``circle``.
    bright
        Whether the field has the larger pixel values.
    turn
        Angle of the right side's normal to the rows, radians, -45 to 45 degrees.
    sides, hidden
        Sides that show; those that do not, with the reason.
    x, y, radius
        Centre of the visible part; of the circle, and its radius.
    across
        Smallest extent of the visible field.
    span
        Range of the pixel values (1st to 99th percentile of the block means).
    """

    kind: Literal["rectangle", "circle"]
    bright: bool
    turn: float
    sides: Mapping[str, RoughSide]
    hidden: Mapping[str, str]
    x: float
    y: float
    radius: float
    across: float
    span: float


def search(
    pixels: Array,
    spacing_mm: tuple[float, float],
    *,
    valid: Mask | None = None,
    shape: str = "auto",
    polarity: str = "auto",
) -> Rough:
    """Find the field.

    Block means are parted in two classes at Otsu's threshold; the largest connected piece of the
    field's class, its holes filled (markers), is the field. The directions of its border, taken
    modulo 90 degrees, give the turn of a rectangle.

    Parameters
    ----------
    pixels
        Shape (rows, columns).
    spacing_mm
        (row, column).
    valid
        Pixels that show anything at all; all of them when absent.
    shape, polarity
        What the field is known to be: ``rectangle`` or ``circle``; ``bright`` or ``dark``.

    Raises
    ------
    AnalysisError
        Codes ``no-field-edge``, ``not-a-field``.
    """
    size = max(1, min(pixels.shape) // _BLOCKS_ACROSS)
    means, seen = _blocks(pixels, valid, size)
    span = float(np.subtract(*np.percentile(means[seen], (99, 1))))
    bright_class = seen & (means > _threshold(means[seen]))
    bright = _is_bright(bright_class, seen, polarity)
    field = _largest(bright_class if bright else seen & ~bright_class)
    edge = _Border.of(field, seen, size, spacing_mm)
    if edge.x.size < 12:
        raise no_edge()
    circle = _circle(edge)
    square = _rectangle(edge, field, size, spacing_mm)
    round_one = shape == "circle" or (shape == "auto" and _rounder(circle, square, edge))
    rows, columns = np.nonzero(field)
    extent = min(
        (np.ptp(columns) + 1) * size * spacing_mm[1], (np.ptp(rows) + 1) * size * spacing_mm[0]
    )
    if round_one:
        x, y, radius, roughness = circle
        if roughness > max(0.03 * radius, 2.0 * edge.block):
            raise AnalysisError(
                "The exposed part of this image is neither a rectangle nor a circle, so it is not "
                "a collimated field alone. Take an image of the field with nothing large in it.",
                stage=STAGE,
                code="not-a-field",
            )
        return Rough("circle", bright, 0.0, {}, {}, x, y, radius, float(min(extent, 2 * radius)),
                     span)  # fmt: skip
    turn, sides, hidden, _ = square
    if not sides:
        raise no_edge()
    x = (float(columns.mean()) * size + (size - 1) / 2) * spacing_mm[1]
    y = (float(rows.mean()) * size + (size - 1) / 2) * spacing_mm[0]
    return Rough("rectangle", bright, turn, sides, hidden, x, y, 0.0, float(extent), span)


def no_edge() -> AnalysisError:
    """Return the refusal of an image in which no field edge shows."""
    return AnalysisError(
        "No edge of an X-ray field shows in this image: the field is larger than the detector, or "
        "nothing was exposed. Collimate so that the edges lie on the detector, or use a plate "
        "larger than the field.",
        stage=STAGE,
        code="no-field-edge",
    )


def _blocks(pixels: Array, valid: Mask | None, size: int) -> tuple[Array, Mask]:
    rows, columns = (n // size for n in pixels.shape)

    def tiles(values: Any) -> Any:
        return values[: rows * size, : columns * size].reshape(rows, size, columns, size)

    means = np.asarray(tiles(pixels).mean(axis=(1, 3)), dtype=float)
    if valid is None:
        return means, np.ones(means.shape, dtype=bool)
    seen = np.asarray(tiles(valid).all(axis=(1, 3)))
    if not seen.any():
        raise no_edge()
    return means, seen


def _threshold(values: Array) -> float:
    """Return Otsu's threshold (IEEE Trans. SMC 9 (1979) 62), or refuse a single class."""
    ordered = np.sort(values.ravel())
    count = np.arange(1, ordered.size)
    sums = np.cumsum(ordered)
    low = sums[:-1] / count
    high = (sums[-1] - sums[:-1]) / (ordered.size - count)
    best = int(np.argmax(count * (ordered.size - count) * (high - low) ** 2))
    part_low, part_high = ordered[: best + 1], ordered[best + 1 :]
    # Half-way between medians, so that a heel in the field does not move the border.
    middle = 0.5 * float(np.median(part_low) + np.median(part_high))
    spread = math.hypot(float(part_low.std()), float(part_high.std()))
    if float(high[best] - low[best]) < _LEAST_SEPARATION * spread / math.sqrt(2.0):
        raise no_edge()
    return middle


def _is_bright(bright: Mask, seen: Mask, polarity: str) -> bool:
    """Tell which class is the field: the one the border of the image is not, else the centre's."""
    if polarity != "auto":
        return polarity == "bright"
    border = np.zeros_like(seen)
    border[[0, -1]], border[:, [0, -1]] = True, True
    share = float(bright[border & seen].mean()) if (border & seen).any() else 0.5
    if share < 0.1 or share > 0.9:
        return share < 0.1
    rows, columns = bright.shape
    middle = bright[rows * 3 // 8 : rows * 5 // 8 + 1, columns * 3 // 8 : columns * 5 // 8 + 1]
    return float(middle.mean()) >= 0.5


def _largest(mask: Mask) -> Mask:
    opened = ndimage.binary_opening(np.pad(mask, 2, mode="edge"), iterations=1)[2:-2, 2:-2]
    labels, count = ndimage.label(opened)
    if not count:
        raise no_edge()
    sizes = np.bincount(labels.ravel())[1:]
    return np.asarray(ndimage.binary_fill_holes(labels == int(np.argmax(sizes)) + 1))


@dataclass(frozen=True, slots=True, eq=False)
class _Border:
    """Points on the field's border that are not the border of the image; mm and radians.

    `limit` are the outward directions where the field meets the end of the image instead.
    """

    x: Array
    y: Array
    direction: Array
    limit: Array
    block: float

    @classmethod
    def of(cls, field: Mask, seen: Mask, size: int, spacing_mm: tuple[float, float]) -> _Border:
        inner = ndimage.binary_erosion(field, border_value=1)
        rim = field & ~inner
        ends = ndimage.binary_dilation(~np.pad(seen, 1), iterations=3)[1:-1, 1:-1]
        smooth = ndimage.gaussian_filter(field.astype(float), 2.0, mode="nearest")
        dy, dx = (size * s for s in spacing_mm)
        down = -ndimage.sobel(smooth, axis=0, mode="nearest") / dy
        along = -ndimage.sobel(smooth, axis=1, mode="nearest") / dx
        rows, columns = np.nonzero(rim & ~ends)
        touching = field & ~ndimage.binary_erosion(field, border_value=0) & ends
        limit_rows, limit_columns = np.nonzero(touching)
        height, width = field.shape
        out = np.arctan2((limit_rows - (height - 1) / 2) / height,
                         (limit_columns - (width - 1) / 2) / width)  # fmt: skip
        return cls(
            x=(columns * size + (size - 1) / 2) * spacing_mm[1],
            y=(rows * size + (size - 1) / 2) * spacing_mm[0],
            direction=np.arctan2(down[rows, columns], along[rows, columns]),
            limit=out,
            block=math.sqrt(dx * dy),
        )


def _circle(edge: _Border) -> tuple[float, float, float, float]:
    x, y, radius, kept = fit_circle(edge.x, edge.y, edge.block)
    off = np.hypot(edge.x - x, edge.y - y)[kept] - radius
    share = float(kept.mean())
    return x, y, radius, float(np.sqrt((off**2).mean())) if share > 0.7 else math.inf


def fit_circle(x: Array, y: Array, scale: float) -> tuple[float, float, float, Mask]:
    """Fit a circle by least squares (Kåsa's linear form), leaving outliers out three times.

    `scale` is the smallest distance from the circle that may count as an outlier's.
    """
    kept = np.ones(len(x), dtype=bool)
    middle = float(x.mean()), float(y.mean())
    u, v = x - middle[0], y - middle[1]
    cx = cy = radius = 0.0
    for _ in range(4):
        design = np.column_stack((u[kept], v[kept], np.ones(int(kept.sum()))))
        solved = np.linalg.lstsq(design, u[kept] ** 2 + v[kept] ** 2, rcond=None)[0]
        cx, cy = float(solved[0]) / 2, float(solved[1]) / 2
        radius = math.sqrt(max(0.0, float(solved[2]) + cx**2 + cy**2))
        off = np.abs(np.hypot(u - cx, v - cy) - radius)
        kept = off <= max(4.0 * float(np.median(off)), scale)
    return cx + middle[0], cy + middle[1], radius, kept


def _rectangle(
    edge: _Border, field: Mask, size: int, spacing_mm: tuple[float, float]
) -> tuple[float, dict[str, RoughSide], dict[str, str], float]:
    turn = float(np.angle(np.exp(4j * edge.direction).sum())) / 4.0
    rows, columns = np.nonzero(field)
    fx, fy = columns * size * spacing_mm[1], rows * size * spacing_mm[0]
    sides: dict[str, RoughSide] = {}
    hidden: dict[str, str] = {}
    off: list[Array] = []
    for number, name in enumerate(SIDES):
        normal = turn + number * math.pi / 2
        nx, ny = math.cos(normal), math.sin(normal)
        length = float(np.ptp(-fx * ny + fy * nx)) + edge.block
        within = np.abs(np.angle(np.exp(1j * (edge.direction - normal))))
        chosen = within < math.radians(_NORMAL_WITHIN_DEG)
        along = -edge.x[chosen] * ny + edge.y[chosen] * nx
        if chosen.sum() * edge.block < max(_LEAST_SIDE_SHARE * length, 6 * edge.block):
            ends = np.abs(np.angle(np.exp(1j * (edge.limit - normal)))) < math.pi / 4
            hidden[name] = (
                "it lies outside the image" if ends.any() else "no straight edge shows there"
            )
            continue
        places = edge.x[chosen] * nx + edge.y[chosen] * ny
        offset = float(np.median(places))
        off.append(places - offset)
        start, stop = (float(v) for v in np.percentile(along, (2, 98)))
        sides[name] = RoughSide(offset, start, stop)
    residual = float(np.median(np.abs(np.concatenate(off)))) if off else math.inf
    return turn, sides, hidden, residual


def _rounder(
    circle: tuple[float, float, float, float],
    square: tuple[float, dict[str, RoughSide], dict[str, str], float],
    edge: _Border,
) -> bool:
    """Tell whether the border follows a circle better than straight sides."""
    straight = abs(np.exp(4j * edge.direction).mean())
    roughness, radius = circle[3], circle[2]
    if not math.isfinite(roughness) or radius > 1e4:
        return False
    if straight < _STRAIGHT_RESULTANT:
        return True
    return roughness < 1.0 * edge.block and square[3] > 2.0 * max(roughness, 0.3 * edge.block)
