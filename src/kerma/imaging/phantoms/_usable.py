"""Refuse a series that holds nothing to measure, before anything is looked for in it."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from kerma.core import Image, InputError
from kerma.imaging import identity
from kerma.imaging.phantoms._outline import Axis

_SATURATED_SHARE = 0.3
# Beyond this a slice holds parts of two modules (design choice).
_MOST_TILT_DEG = 8.0

CUT_OFF = (
    "The field of view cuts off the phantom's outline: its middle is known less well, and what "
    "lies near the rim may not be measured."
)


def require_usable_series(images: Sequence[Image]) -> None:
    """Refuse an empty, wrong, constant, broken or saturated series.

    Single constant slices are let pass: reconstructions often end in slices of padding.

    Raises
    ------
    InputError
        Codes ``no-images``, ``wrong-modality``, ``image-too-small``, ``not-finite``,
        ``constant-image``, ``saturated-image``.
    """
    if not images:
        raise InputError("No image was given. Choose the slices of one series.", code="no-images")
    varied = False
    for image in images:
        identity.require_modality(image, ("CT",))
        pixels = image.pixels
        # The sum of finite pixels is finite, and much faster than asking each.
        if not np.isfinite(pixels.sum(dtype=np.float64)):
            raise InputError(
                "A slice holds pixels that are not numbers. Export the series again.",
                code="not-finite",
            )
        if min(pixels.shape) < identity.SMALLEST_SIDE_PX:
            identity.require_usable(image)
        varied = varied or float(pixels.max()) > float(pixels.min())
    if not varied:
        raise InputError(
            "Every slice has one value all over. There is nothing to measure; check the "
            "reconstruction and the export.",
            code="constant-image",
        )
    middle = images[len(images) // 2]
    if middle.saturated_at is not None:
        share = float((middle.pixels >= middle.saturated_at).mean())
        if share > _SATURATED_SHARE:
            raise InputError(
                f"{share * 100:.0f} % of a slice is at the top of the scale. Reconstruct again "
                "with a wider scale.",
                code="saturated-image",
            )


def require_upright(axis: Axis) -> None:
    """Refuse a phantom that leans too far from the slice normal.

    Raises
    ------
    InputError
        Code ``phantom-tilted``.
    """
    tilt = math.degrees(math.atan(math.hypot(axis.slope_x, axis.slope_y)))
    if tilt > _MOST_TILT_DEG:
        raise InputError(
            f"The phantom leans by {tilt:.0f} degrees from the slice normal. Align it, without "
            "gantry tilt, to within 5 degrees and scan again.",
            code="phantom-tilted",
            detail={"tilt_deg": tilt},
        )
