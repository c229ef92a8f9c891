"""The central region and the linearisation that planar flat-field measurements share."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from kerma.core import Image, InputError
from kerma.imaging.tools.regions import Array, Rectangle
from kerma.imaging.tools.stp import Stp


def central_region(
    image: Image, side_mm: float, corners: tuple[int, int, int, int] | None = None
) -> Rectangle:
    """Return the region given by hand, or a square of `side_mm` at the centre of the image.

    Raises
    ------
    InputError
        Codes ``no-pixel-spacing``, ``region-outside-image``.
    """
    rows, columns = image.pixels.shape
    if corners is not None:
        return Rectangle.given(corners, (rows, columns))
    dy, dx = image.require_spacing()
    found = Rectangle.centred(
        (columns - 1) / 2, (rows - 1) / 2, max(8.0, side_mm / dx), max(8.0, side_mm / dy)
    )
    if not found.inside((rows, columns)):
        raise InputError(
            f"A square of {side_mm:g} mm does not fit in this image. Give a smaller one.",
            code="region-outside-image",
        )
    return found


def linearised(image: Image, stp: Mapping[str, Any] | None) -> tuple[Array, str]:
    """Return the pixels and their unit: air kerma in uGy when a transfer property is given."""
    if stp is None:
        return image.pixels.astype(float), "PV"
    return Stp.from_mapping(stp).linearise(image.pixels.astype(float)), "uGy"
