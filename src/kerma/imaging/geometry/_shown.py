"""Which pixels show an image: not those a system blanks around a round or collimated field."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from kerma.imaging.tools.untyped import ndimage

Array = npt.NDArray[np.floating[Any]]
Mask = npt.NDArray[np.bool_]

# Design choices.
_LEAST_BLANK = 0.01
_LEAST_STEP = 0.005  # of the image's range, from the blank to what lies beside it


def shown(pixels: Array) -> Mask | None:
    """Return the pixels that show an image, or ``None`` when all do.

    Blank is what has the one value of all four corners and is joined to them, 1 % of the image or
    more, when the image beside it begins with a step: values that fade into the corners' are
    values.
    """
    corners = pixels[[0, 0, -1, -1], [0, -1, 0, -1]]
    value = float(corners[0])
    if not (corners == value).all():
        return None
    labels, _ = ndimage.label(pixels == value)
    at = {int(n) for n in labels[[0, 0, -1, -1], [0, -1, 0, -1]]}
    blank = np.isin(labels, list(at))
    share = float(blank.mean())
    if share < _LEAST_BLANK or share > 1.0 - _LEAST_BLANK:
        return None
    beside = ndimage.binary_dilation(blank) & ~blank
    step = abs(float(np.median(pixels[beside])) - value)
    if step < _LEAST_STEP * float(np.ptp(pixels)):
        return None
    return np.asarray(~blank)


def well_inside(mask: Mask) -> Mask:
    """Return the pixels two or more from the blank, where its border does not reach."""
    return np.asarray(ndimage.binary_erosion(mask, iterations=2, border_value=1))
