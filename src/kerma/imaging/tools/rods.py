"""Find round rods in a phantom's slice: what stands out of the plastic and is about round."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from kerma.imaging.tools.statistics import robust_sd
from kerma.imaging.tools.untyped import ndimage

Array = npt.NDArray[np.floating[Any]]
Mask = npt.NDArray[np.bool_]

_IN_AIR_HU = -500.0
_BLOCK_MM = 0.8
_COARSE_MM = 3.0
_AROUND_MM = 45.0  # a rod of less than about half of this is not background
_LEAST_HU = 15.0
_LEAST_TO_NOISE = 5.0
_BORDER_MM = 5.0


@dataclass(frozen=True, slots=True)
class Rod:
    """A rod: middle and radius in pixels (x = column, y = row), contrast to its surroundings."""

    x: float
    y: float
    radius: float
    contrast_hu: float


def find_rods(
    pixels: Array,
    pixel_mm: float,
    *,
    smallest_mm: float = 2.5,
    largest_mm: float = 22.0,
    least_hu: float = _LEAST_HU,
) -> list[Rod]:
    """Return the rods of a slice (or of the mean of several), the strongest first.

    The slice is averaged in blocks of about 0.8 mm; its background is a median over 45 mm, taken
    on a coarser grid, with the air outside of the phantom replaced by the phantom's median. A
    rod is a compact patch that differs from it by more than `least_hu` and 5 noise standard
    deviations, with the shape of a disc: nearly as wide as high, and filling its bounding box as a
    disc does. Design choice.

    Parameters
    ----------
    pixels, pixel_mm
        HU, and the side of the square pixels.
    smallest_mm, largest_mm
        Range of the radius.
    least_hu
        Smallest contrast.
    """
    size = max(1, round(_BLOCK_MM / pixel_mm))
    blocks = _blocks(pixels.astype(float), size)
    step_mm = pixel_mm * size
    inside = _phantom(blocks, step_mm)
    if not inside.any():
        return []
    difference = blocks - _background(blocks, inside, step_mm)
    limit = max(least_hu, _LEAST_TO_NOISE * robust_sd(difference[inside]))
    found: list[Rod] = []
    for sign in (1.0, -1.0):
        labels, _ = ndimage.label((sign * difference > limit) & inside)
        for number, box in enumerate(ndimage.find_objects(labels), start=1):
            rod = _rod(difference, labels, number, box, sign)
            if rod is not None and smallest_mm <= rod.radius * step_mm <= largest_mm:
                found.append(
                    Rod(
                        (rod.x + 0.5) * size - 0.5,
                        (rod.y + 0.5) * size - 0.5,
                        rod.radius * size,
                        rod.contrast_hu,
                    )
                )
    return sorted(found, key=lambda r: (-abs(r.contrast_hu), r.x, r.y))


def _blocks(pixels: Array, size: int) -> Array:
    rows, columns = (n // size for n in pixels.shape)
    cut = pixels[: rows * size, : columns * size].reshape(rows, size, columns, size)
    return np.asarray(cut.mean(axis=(1, 3)))


def _phantom(blocks: Array, step_mm: float) -> Mask:
    """Return where the phantom is, without its border; holes filled."""
    labels, count = ndimage.label(blocks > _IN_AIR_HU)
    if not count:
        return np.zeros(blocks.shape, dtype=bool)
    sizes = np.bincount(labels.ravel())
    sizes[0] = 0
    body = ndimage.binary_fill_holes(labels == int(np.argmax(sizes)))
    # The image border is no border of the phantom: a field of view may lie inside of it.
    depth = ndimage.distance_transform_edt(np.pad(body, 1, mode="edge"))[1:-1, 1:-1]
    found: Mask = depth * step_mm > _BORDER_MM
    return found


def _background(blocks: Array, inside: Mask, step_mm: float) -> Array:
    factor = max(1, round(_COARSE_MM / step_mm))
    filled = np.where(inside, blocks, float(np.median(blocks[inside])))
    more = [(0, -n % factor) for n in filled.shape]
    coarse = _blocks(np.pad(filled, more, mode="edge"), factor)
    window = 2 * max(1, round(_AROUND_MM / (step_mm * factor) / 2)) + 1
    middle = ndimage.median_filter(coarse, size=window, mode="nearest")
    fine = ndimage.zoom(middle, factor, order=1, grid_mode=True, mode="nearest")
    return np.asarray(fine[: blocks.shape[0], : blocks.shape[1]])


def _rod(
    difference: Array, labels: Any, number: int, box: tuple[slice, slice], sign: float
) -> Rod | None:
    """Return the patch at half of its own height, if it has the shape of a disc."""
    patch = sign * difference[box]
    own = labels[box] == number
    if own.sum() < 6:
        return None
    height = float(np.percentile(patch[own], 75))
    half = own & (patch > 0.5 * height)
    high, wide = (s.stop - s.start for s in box)
    rows, columns = np.nonzero(half)
    area = len(rows)
    if area < 5:
        return None
    high, wide = int(np.ptp(rows)) + 1, int(np.ptp(columns)) + 1
    radius = math.sqrt(area / math.pi)
    # One block of rounding on each side; a disc fills pi/4 of its box.
    if abs(high - wide) > 2 + 0.2 * radius or not 0.6 < area / (high * wide) < 0.95 + 0.3 / radius:
        return None
    weights = patch[half]
    y = float((rows * weights).sum() / weights.sum()) + box[0].start
    x = float((columns * weights).sum() / weights.sum()) + box[1].start
    core = np.hypot(rows + box[0].start - y, columns + box[1].start - x) < max(1.0, 0.6 * radius)
    return Rod(x, y, radius, sign * float(np.median(patch[half][core])))
