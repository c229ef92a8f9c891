"""What both dental projections share: which grey values attenuation raises, and warnings."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from kerma.core import Image
from kerma.imaging import identity

Array = npt.NDArray[np.floating[Any]]


def one_image(images: Sequence[Image], modalities: Sequence[str]) -> Image:
    """Return the one image, or refuse.

    Raises
    ------
    InputError
        See `kerma.imaging.identity.check`.
    """
    identity.check(images, modalities=modalities, at_most=1)
    return images[0]


def state_warnings(image: Image) -> tuple[str, ...]:
    """Return what must be said of an image whose grey values need not follow the detector signal.

    Dental images are seldom to be had before processing, and what the dentist sees is what is
    tested. Every contrast is relative to the object's own lead or base, so a linear rescaling and
    inversion do not matter; edge enhancement and look-up tables do.
    """
    if image.processing == "raw":
        return ()
    if image.processing == "presentation":
        return (
            "Measured on an image processed for display: compare with images of the same "
            "processing only.",
        )
    return ("The image does not say whether it was processed; compare like with like.",)


def disc_values(pixels: Array, column: float, row: float, radius_px: float) -> Array:
    """Return the pixels whose centres lie in a disc (fewer at the image's border)."""
    r0, c0 = max(0, int(row - radius_px)), max(0, int(column - radius_px))
    cut = pixels[r0 : int(row + radius_px) + 2, c0 : int(column + radius_px) + 2]
    rows, columns = np.ogrid[r0 : r0 + cut.shape[0], c0 : c0 + cut.shape[1]]
    found: Array = cut[(rows - row) ** 2 + (columns - column) ** 2 <= radius_px**2].astype(float)
    return found


def binned(pixels: Array, size: int) -> Array:
    """Return the image averaged in squares of `size` pixels."""
    if size <= 1:
        return pixels
    rows, columns = (n // size for n in pixels.shape)
    cut = pixels[: rows * size, : columns * size].reshape(rows, size, columns, size)
    found: Array = cut.mean(axis=(1, 3))
    return found
