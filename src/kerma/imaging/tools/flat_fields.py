"""Several flat fields at once: what measurements of noise ask of them."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Sequence

import numpy as np

from kerma.core import Image, InputError
from kerma.imaging import identity
from kerma.imaging.tools.flat import exposed_field, require_flat
from kerma.imaging.tools.regions import Array, Rectangle

# A clipped tail of the noise lowers the variance; at this share by under 1 %. Design choice.
_SATURATED_SHARE = 0.001


def require_distinct(images: Sequence[Image]) -> None:
    """Refuse the same frame twice: it would count as independent noise.

    Raises
    ------
    InputError
        Code ``same-frame``.
    """
    seen = {hashlib.sha256(np.ascontiguousarray(i.pixels).tobytes()).digest() for i in images}
    if len(seen) < len(images):
        raise InputError(
            "Two of the images are one and the same. Give each exposure once.", code="same-frame"
        )


def require_paired(images: Sequence[Image], kerma_ugy: Sequence[float]) -> None:
    """Refuse images and air kermas that do not pair up.

    Raises
    ------
    InputError
        Codes ``kerma-count``, ``bad-kerma``.
    """
    if len(images) != len(kerma_ugy):
        raise InputError(
            f"{len(images)} flat fields and {len(kerma_ugy)} air kermas were given; each image "
            "needs its own.",
            code="kerma-count",
        )
    if not all(math.isfinite(k) and k > 0 for k in kerma_ugy):
        raise InputError("Every air kerma must be a number above zero, in µGy.", code="bad-kerma")


def require_field(image: Image, field: Rectangle) -> None:
    """Refuse a flat field that shows a patient or an object, or is clipped.

    Raises
    ------
    InputError
        Codes ``clinical-looking``, ``not-flat``, ``saturated-field``.
    """
    identity.require_not_clinical(image)
    part = field.cut(image.pixels)
    require_flat(part)
    if image.saturated_at is None:
        return
    share = float((part >= image.saturated_at).mean())
    if share > _SATURATED_SHARE:
        raise InputError(
            f"{share * 100:.1f} % of the field is at the top of the detector's scale, so its noise "
            "is cut off. Expose again with less dose.",
            code="saturated-field",
        )


def field_of(
    image: Image, margin_mm: float, corners: tuple[int, int, int, int] | None
) -> Rectangle:
    """Return the region given by hand, or the exposed field less a margin.

    Raises
    ------
    InputError
        Codes ``region-outside-image``, ``no-field``, ``no-pixel-spacing``, ``region-too-small``.
    """
    shape = (image.pixels.shape[0], image.pixels.shape[1])
    if corners is not None:
        return Rectangle.given(corners, shape)
    dy, dx = image.require_spacing()
    field = exposed_field(image.pixels)
    x, y = math.ceil(margin_mm / dx), math.ceil(margin_mm / dy)
    inner = Rectangle(field.x0 + x, field.y0 + y, field.x1 - x, field.y1 - y)
    if not inner.inside(shape):
        raise InputError(
            f"A margin of {margin_mm:g} mm leaves nothing of the field. Choose a smaller one.",
            code="region-too-small",
        )
    return inner


def unlinearised_warning(unit: str) -> tuple[str, ...]:
    """Return the warning that belongs to pixel values taken as they are."""
    if unit == "uGy":
        return ()
    return (
        "No signal transfer property was given: the pixel values were taken as proportional to "
        "air kerma, without offset.",
    )


def value_name(number: float) -> str:
    """Return how a frequency or delay is spelled in the names of values: ``0_5`` for 0.5."""
    return f"{number:.6f}".rstrip("0").rstrip(".").replace(".", "_")


def as_float(image: Image) -> Array:
    """Return the pixels in double precision."""
    return np.asarray(image.pixels, dtype=float)
