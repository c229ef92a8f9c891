"""Find one object in an otherwise even field, and regions of background beside it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from kerma.core import AnalysisError, Image
from kerma.imaging.tools.flat import exposed_field
from kerma.imaging.tools.regions import Array, Rectangle
from kerma.imaging.tools.statistics import Moments, robust_sd
from kerma.imaging.tools.untyped import ndimage

Mask = npt.NDArray[np.bool_]

_BLOCKS_ACROSS = 160
# Design choices: an object stands so many standard deviations of a block's mean above the field's
# trend, is at least so many blocks wide, fills so much of its bounding box (a square on its corner
# fills half), and is alone when no other is half as strong.
_SIGMAS, _LEAST_BLOCKS, _LEAST_FILLED, _RIVAL = 6.0, 3, 0.45, 0.5
_LEAST_SIDE_PX = 8
_ROUNDS = 6
_STAGE = "find object"
# A region holds a border when its tiles scatter by more than this share of the step.
_UNEVEN_SHARE, _UNEVEN_SIGMAS = 0.25, 6.0


@dataclass(frozen=True, slots=True)
class Found:
    """Where object and background are measured, and warnings about it."""

    object: Rectangle
    background: tuple[Rectangle, ...]
    notes: tuple[str, ...]


def find(image: Image, side_mm: float) -> Found:
    """Find the one object of an image.

    Means of blocks are compared with their own second-order trend (robust least squares). The
    largest group of blocks that stands out, away from the border, is the object; the square lies
    at its deepest place. Backgrounds of the same size lie on opposite sides of it, at one distance,
    so that a field sloping straight cancels.

    Raises
    ------
    InputError
        Codes ``no-pixel-spacing``, ``no-field``.
    AnalysisError
        Codes ``no-object``, ``several-objects``.
    """
    dy, dx = image.require_spacing()
    field = exposed_field(image.pixels)
    part = field.cut(image.pixels)
    size = max(1, min(part.shape) // _BLOCKS_ACROSS)
    rows, columns = (n // size for n in part.shape)
    cut = part[: rows * size, : columns * size].astype(float)
    blocks = cut.reshape(rows, size, columns, size).mean(axis=(1, 3))
    away, limit = _away(blocks)
    stands = np.abs(away) > limit
    mask = _object(stands, away)
    depth = ndimage.distance_transform_cdt(np.pad(mask, 1), metric="chessboard")[1:-1, 1:-1]
    # Of equally deep places the one nearest the middle of the object.
    middle = np.array(ndimage.center_of_mass(mask))
    deepest = np.argwhere(depth == depth.max())
    row, column = deepest[int(np.argmin(((deepest - middle) ** 2).sum(axis=1)))]
    # One block at the border is half object, half field.
    reach = int(depth.max()) - 2
    height, width = (min(side_mm / pitch, (2 * reach + 1) * size) for pitch in (dy, dx))
    if reach < 0 or min(height, width) < _LEAST_SIDE_PX:
        raise _nothing()
    x = field.x0 + (column + 0.5) * size - 0.5
    y = field.y0 + (row + 0.5) * size - 0.5
    one = Rectangle.centred(x, y, width, height)
    y_slice, x_slice = ndimage.find_objects(mask.astype(int))[0]
    box = Rectangle(
        field.x0 + (x_slice.start - 2) * size, field.y0 + (y_slice.start - 2) * size,
        field.x0 + (x_slice.stop + 2) * size, field.y0 + (y_slice.stop + 2) * size,
    )  # fmt: skip
    around, notes = _beside(one, box, field, _Taken(stands, size, field))
    return Found(one, around, notes)


def _away(blocks: Array) -> tuple[Array, float]:
    """Return how far blocks lie from the field's trend, and from where on that is an object."""
    rows, columns = blocks.shape
    y, x = np.meshgrid(np.linspace(-1, 1, rows), np.linspace(-1, 1, columns), indexing="ij")
    terms = np.stack([np.ones_like(x), x, y, x * x, x * y, y * y], axis=-1).reshape(-1, 6)
    flat = blocks.ravel()
    kept = np.ones(flat.shape, dtype=bool)
    for _ in range(_ROUNDS):
        weights = np.linalg.lstsq(terms[kept], flat[kept], rcond=None)[0]
        rest = flat - terms @ weights
        spread = robust_sd(rest[kept])
        kept = np.abs(rest) <= max(4.0 * spread, 1e-12 * abs(float(flat.mean())))
    away = rest.reshape(blocks.shape)
    # The trend left over shows in neighbours alike; noise does not.
    noise = robust_sd(np.diff(away, axis=1)) / math.sqrt(2.0)
    return away, _SIGMAS * max(noise, robust_sd(away), 1e-9 * abs(float(flat.mean())))


def _object(stands: Mask, away: Array) -> Mask:
    labels, count = ndimage.label(stands)
    strengths: list[tuple[float, int]] = []
    for index, (ys, xs) in enumerate(ndimage.find_objects(labels), start=1):
        high, wide = ys.stop - ys.start, xs.stop - xs.start
        at_border = (
            ys.start == 0 or xs.start == 0
            or ys.stop == stands.shape[0] or xs.stop == stands.shape[1]
        )  # fmt: skip
        here = labels[ys, xs] == index
        if at_border or min(high, wide) < _LEAST_BLOCKS or here.mean() < _LEAST_FILLED:
            continue
        strengths.append((float(np.abs(away[ys, xs][here]).sum()), index))
    if not count or not strengths:
        raise _nothing()
    strengths.sort(reverse=True)
    if len(strengths) > 1 and strengths[1][0] > _RIVAL * strengths[0][0]:
        raise AnalysisError(
            f"{len(strengths)} objects of like strength were found in the field, so it is not "
            "clear which one to measure. Give the regions of the object and of its background.",
            stage=_STAGE,
            code="several-objects",
        )
    return np.asarray(ndimage.binary_fill_holes(labels == strengths[0][1]))


def _nothing() -> AnalysisError:
    return AnalysisError(
        "No object was found that stands out from an even field. Check that the contrast object "
        "is in the image, or give its region and one of the background.",
        stage=_STAGE,
        code="no-object",
    )


@dataclass(frozen=True, slots=True, eq=False)
class _Taken:
    """Blocks that stand out, to keep backgrounds off them."""

    stands: Mask
    size: int
    field: Rectangle

    def touches(self, region: Rectangle) -> bool:
        y0, y1 = ((v - self.field.y0) // self.size for v in (region.y0, region.y1))
        x0, x1 = ((v - self.field.x0) // self.size for v in (region.x0, region.x1))
        part = self.stands[y0 : y1 + 1, x0 : x1 + 1]
        # A block or two may stand out by chance.
        return int(part.sum()) > max(1, part.size // 100)


def _beside(
    one: Rectangle, box: Rectangle, field: Rectangle, taken: _Taken
) -> tuple[tuple[Rectangle, ...], tuple[str, ...]]:
    width, height = one.x1 - one.x0, one.y1 - one.y0
    # One distance to both sides of the square, past the object's further border.
    across = max(one.x0 - box.x0, box.x1 - one.x1) + width
    down = max(one.y0 - box.y0, box.y1 - one.y1) + height

    def usable(dx: int, dy: int) -> Rectangle | None:
        moved = Rectangle(one.x0 + dx, one.y0 + dy, one.x1 + dx, one.y1 + dy)
        inside = (
            field.x0 <= moved.x0 and moved.x1 <= field.x1
            and field.y0 <= moved.y0 and moved.y1 <= field.y1
        )  # fmt: skip
        return moved if inside and not taken.touches(moved) else None

    pairs = [
        (usable(-across, 0), usable(across, 0)),
        (usable(0, -down), usable(0, down)),
    ]
    whole = [r for pair in pairs if None not in pair for r in pair if r is not None]
    if whole:
        return tuple(whole), ()
    single = [r for pair in pairs for r in pair if r is not None]
    if not single:
        raise AnalysisError(
            "There is no room beside the object for a region of background. Give the regions.",
            stage=_STAGE,
            code="no-object",
        )
    return tuple(single), (
        "Background was found on one side of the object only, so a slope of the field is not "
        "cancelled.",
    )


def require_even(pixels: Array, found: Found, one: Moments, around: Sequence[Moments]) -> None:
    """Refuse regions without noise, or with a border of the object in them.

    Raises
    ------
    AnalysisError
        Codes ``no-noise``, ``region-not-even``.
    """
    if one.sd == 0 or any(m.sd == 0 for m in around):
        raise AnalysisError(
            "A region holds no noise at all, so there is no SDNR. Use the raw image.",
            stage="measure regions",
            code="no-noise",
        )
    middle = sum(m.mean for m in around) / len(around)
    step = abs(middle - one.mean)
    for region, moments in zip((found.object, *found.background), (one, *around), strict=True):
        halves = _spread_of_halves(region.cut(pixels))
        if halves > max(_UNEVEN_SHARE * step, _UNEVEN_SIGMAS * moments.u_mean):
            raise AnalysisError(
                f"A region is not even: one part of it differs from another by {halves:.3g}, and "
                f"object and background by {step:.3g}. Give regions that lie wholly on the object "
                "and wholly beside it.",
                stage="measure regions",
                code="region-not-even",
            )


def _spread_of_halves(part: Array) -> float:
    """Return the largest difference between halves of a region, and between middle and rim."""
    rows, columns = (n // 2 for n in part.shape)
    found: list[Any] = [
        part[:rows].mean() - part[rows:].mean(),
        part[:, :columns].mean() - part[:, columns:].mean(),
    ]
    inner = part[rows // 2 : -(rows // 2) or None, columns // 2 : -(columns // 2) or None]
    found.append(inner.mean() - part.mean())
    return float(max(abs(v) for v in found))
