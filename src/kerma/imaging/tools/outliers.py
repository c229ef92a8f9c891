"""Pixels that stand out from their surroundings, and how they join into clusters and lines."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from kerma.imaging.tools.regions import Rectangle
from kerma.imaging.tools.untyped import ndimage

Array = npt.NDArray[np.floating[Any]]
Mask = npt.NDArray[np.bool_]

BLOCK_PX = 16
_GAUSSIAN_MAD = 1.482602218505602
# A line may skip pixels that happen to look well, and is at least this much longer than wide.
_LARGEST_GAP_PX = 3
_LEAST_FILLED = 0.7
_LINE_SLENDERNESS = 4


def local_median_and_sd(pixels: Array) -> tuple[Array, Array]:
    """Return the local median and local standard deviation of every pixel.

    Medians of blocks of 16 x 16 pixels and their median absolute deviations (times 1.4826),
    each the median of its 3 x 3 neighbours, interpolated linearly between block centres. A defect
    that fills a whole block is so outvoted by the blocks around it, which a median filter of a
    few pixels would follow.
    """
    rows, columns = (n // BLOCK_PX for n in pixels.shape)
    cut = pixels[: rows * BLOCK_PX, : columns * BLOCK_PX]
    parted = cut.reshape(rows, BLOCK_PX, columns, BLOCK_PX).transpose(0, 2, 1, 3)
    tiles: Array = parted.reshape(rows, columns, BLOCK_PX**2)
    middle = np.median(tiles, axis=-1)
    spread = _GAUSSIAN_MAD * np.median(np.abs(tiles - middle[..., None]), axis=-1)
    down, across = (_between(n) for n in pixels.shape)
    found = [
        down @ ndimage.median_filter(blocks, size=3, mode="nearest") @ across.T
        for blocks in (middle, spread)
    ]
    return np.asarray(found[0]), np.maximum(found[1], 0.0)


def local_median(values: Array) -> Array:
    """Return the local median alone, as `local_median_and_sd` does."""
    return local_median_and_sd(values)[0]


def _between(length: int) -> Array:
    """Return weights that interpolate block centres to pixels (straight on beyond the last)."""
    blocks = length // BLOCK_PX
    if blocks == 1:
        return np.ones((length, 1))
    at = (np.arange(length) + 0.5) / BLOCK_PX - 0.5
    left = np.clip(np.floor(at).astype(int), 0, blocks - 2)
    share = at - left
    weights = np.zeros((length, blocks))
    weights[np.arange(length), left] = 1.0 - share
    weights[np.arange(length), left + 1] = share
    return weights


@dataclass(frozen=True, slots=True)
class Group:
    """Joined pixels: their bounding rectangle and their number."""

    box: Rectangle
    pixels: int


def clusters(mask: Mask) -> list[Group]:
    """Return the groups of pixels that touch by a side or a corner (8-connectivity), in order."""
    labels, _ = ndimage.label(mask, structure=np.ones((3, 3), dtype=int))
    boxes = ndimage.find_objects(labels)
    sizes = np.bincount(labels.ravel())
    return [
        Group(Rectangle(x.start, y.start, x.stop, y.stop), int(sizes[i]))
        for i, (y, x) in enumerate(boxes, start=1)
    ]


def lines(mask: Mask, least_px: int) -> tuple[list[Group], list[Group], Mask]:
    """Return lines down the columns, lines along the rows, and the pixels that belong to them.

    A line is a run of at least `least_px` pixels of which 70 % are in the mask, with no gap over
    two; adjacent runs are one line while it is at least four times as long as it is wide.
    """
    vertical, of_vertical = _lines_down(mask, least_px)
    turned, of_horizontal = _lines_down(mask.T, least_px)
    horizontal = [
        Group(Rectangle(g.box.y0, g.box.x0, g.box.y1, g.box.x1), g.pixels) for g in turned
    ]
    return vertical, horizontal, of_vertical | of_horizontal.T


def _lines_down(mask: Mask, least_px: int) -> tuple[list[Group], Mask]:
    runs = np.zeros_like(mask)
    for column, top, bottom in _runs_down(mask, least_px):
        runs[top:bottom, column] = True
    found, members = [], np.zeros_like(mask)
    for group in clusters(runs):
        box = group.box
        if (box.y1 - box.y0) < _LINE_SLENDERNESS * (box.x1 - box.x0):
            continue
        part = (slice(box.y0, box.y1), slice(box.x0, box.x1))
        members[part] |= mask[part] & runs[part]
        found.append(Group(box, int((mask[part] & runs[part]).sum())))
    return found, members


def _runs_down(mask: Mask, least_px: int) -> Iterator[tuple[int, int, int]]:
    """Yield column, first row and row after the last of each long run."""
    columns, rows = np.nonzero(mask.T)
    if not len(rows):
        return
    new = (np.diff(columns) != 0) | (np.diff(rows) > _LARGEST_GAP_PX)
    starts = np.concatenate(([0], np.flatnonzero(new) + 1))
    stops = np.concatenate((starts[1:], [len(rows)]))
    for start, stop in zip(starts, stops, strict=True):
        top, bottom = int(rows[start]), int(rows[stop - 1]) + 1
        if bottom - top >= least_px and stop - start >= _LEAST_FILLED * (bottom - top):
            yield int(columns[start]), top, bottom
