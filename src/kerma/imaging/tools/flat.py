"""Whether a field is flat, and how far it reaches."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from kerma.core import InputError
from kerma.imaging.tools.regions import Rectangle
from kerma.imaging.tools.untyped import ndimage

Array = npt.NDArray[np.floating[Any]]

_BLOCKS_ACROSS = 24
# An object in the field changes the signal by more than this within a block or two. Heel effect
# and bad calibration are slow, and must be measured, not refused. Design choice.
_STEP_LIMIT = 0.15


def block_means(pixels: Array, across: int = _BLOCKS_ACROSS) -> tuple[Array, int]:
    """Return the means of square blocks, about `across` along the shorter side, and their size."""
    size = max(1, min(pixels.shape) // across)
    rows, columns = (n // size for n in pixels.shape)
    cut = pixels[: rows * size, : columns * size]
    return cut.reshape(rows, size, columns, size).mean(axis=(1, 3)), size


def require_flat(pixels: Array) -> None:
    """Refuse a region with an object in it.

    Steps between neighbouring blocks (24 across) are compared with the region's median signal.

    Raises
    ------
    InputError
        Code ``not-flat``.
    """
    blocks, size = block_means(pixels)
    middle = abs(float(np.median(blocks)))
    noise = float(np.median(np.abs(np.diff(pixels, axis=1)))) / size
    limit = max(_STEP_LIMIT * middle, 8.0 * noise)
    step = max(float(np.abs(np.diff(blocks, axis=axis)).max(initial=0.0)) for axis in (0, 1))
    if step > limit:
        raise InputError(
            f"This is not a flat field: the signal jumps by {100 * step / middle:.0f} % from one "
            "place to the next, as with an object, an edge or a collimator blade in it. Use an "
            "image of the empty field, or give a region inside it.",
            code="not-flat",
            detail={"step": step, "limit": limit},
        )


def exposed_field(pixels: Array) -> Rectangle:
    """Return the exposed field as a rectangle: the whole image unless collimation shows.

    Blocks within 50 % of the central signal, joined to the centre, make the field; its bounding
    box is drawn in by one block where it does not reach the border of the image.

    Raises
    ------
    InputError
        Code ``no-field``: the field is too small to measure.
    """
    blocks, size = block_means(pixels, across=64)
    rows, columns = blocks.shape
    centre = blocks[rows * 3 // 8 : rows * 5 // 8 + 1, columns * 3 // 8 : columns * 5 // 8 + 1]
    middle = float(np.median(centre))
    inside = np.abs(blocks - middle) <= 0.5 * abs(middle)
    labels, _ = ndimage.label(inside)
    label = int(labels[rows // 2, columns // 2])
    found = ndimage.find_objects(labels)[label - 1] if label else None
    if found is None or min(s.stop - s.start for s in found) < 8:
        raise InputError(
            "No exposed field was found around the centre of the image. Use a flat-field image.",
            code="no-field",
        )
    y, x = found
    return Rectangle(
        0 if x.start == 0 else (x.start + 1) * size,
        0 if y.start == 0 else (y.start + 1) * size,
        pixels.shape[1] if x.stop == columns else (x.stop - 1) * size,
        pixels.shape[0] if y.stop == rows else (y.stop - 1) * size,
    )
