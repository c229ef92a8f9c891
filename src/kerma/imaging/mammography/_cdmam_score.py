"""Right and wrong choices from the signals at five places of each cell.

The corner disc is chosen among four corners. The middle disc is chosen among the middle and the
three empty corners. Both are four alternatives, so guessing is right once in four.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt

from kerma.core import InputError
from kerma.imaging.mammography._cdmam_spec import Matrix

Array = npt.NDArray[np.floating[Any]]
Flags = npt.NDArray[np.bool_]
Whole = npt.NDArray[np.intp]

# A corner is beyond doubt when its pooled signal stands so far above noise and the next corner.
_SURE = 6.0
_MOST_DISAGREEING = 0.1
# Some 600 empty corners know the ratio, 1 for independent images, to 0.06. Design choice.
_MOST_REPEATING = 1.4


def pooled(signals: Array, without_each: bool) -> Whole:
    """Return the corner, 1 to 4, with the greatest signal of the images together.

    Parameters
    ----------
    signals
        Shape (images, 5, cells), discs positive.
    without_each
        Leave each image out of what it is judged by: shape (images, cells). An image that helped
        to find the corner would be judged by its own noise.
    """
    total = signals[:, 1:].sum(axis=0)
    if without_each:
        return np.asarray((total[None] - signals[:, 1:]).argmax(axis=1) + 1)
    return np.asarray(total.argmax(axis=0) + 1)


def sure(signals: Array) -> Flags:
    """Return the cells whose corner the images together show beyond doubt."""
    total = np.sort(signals[:, 1:].sum(axis=0) / math.sqrt(len(signals)), axis=0)
    return np.asarray((total[-1] > _SURE) & (total[-1] - total[-2] > _SURE))


def require_corners_fit(signals: Array, corners: Whole) -> None:
    """Refuse a map of corners that the images contradict where they leave no doubt.

    Raises
    ------
    InputError
        Code ``wrong-corners``.
    """
    clear = sure(signals)
    seen = pooled(signals, without_each=False)
    wrong = int((clear & (seen != corners)).sum())
    if int(clear.sum()) >= 5 and wrong > _MOST_DISAGREEING * int(clear.sum()):
        raise InputError(
            f"The map of corners does not belong to this phantom: of {int(clear.sum())} cells "
            f"whose corner is plain to see, {wrong} are another in the map. Check its order (rows "
            "from the largest diameter, columns from thin to thick) and the numbering of corners.",
            code="wrong-corners",
            detail={"clear": int(clear.sum()), "wrong": wrong},
        )


def repeating(signals: Array, corners: Whole) -> list[str]:
    """Warn when the noise of empty corners repeats from image to image.

    The variance of the mean over n images of independent noise is 1/n of that of one image. A
    fixed pattern of the detector, or dust on a phantom that was not moved, makes it more.
    """
    n = len(signals)
    truth = np.broadcast_to(corners, (n, signals.shape[2]))
    if n < 4:
        return []
    empty = np.stack([(truth != k).all(axis=0) for k in range(1, 5)])
    part = signals[:, 1:][:, empty]
    ratio = n * float(part.mean(axis=0).var()) / float(part.var())
    if ratio <= _MOST_REPEATING:
        return []
    return [
        f"The noise repeats from image to image ({ratio:.1f} times as much in the mean as images "
        "that are independent): right and wrong choices then repeat too, and the uncertainties are "
        "too small. Move the phantom a little between images."
    ]


def choices(signals: Array, corners: Whole) -> Flags:
    """Return which choices are right, shape (2, images, cells): middle discs, corner discs.

    `corners` has shape (cells,) or (images, cells).
    """
    truth = np.broadcast_to(corners, (len(signals), signals.shape[2]))
    corner = signals[:, 1:].argmax(axis=1) + 1 == truth
    empty = signals[:, 1:].copy()
    np.put_along_axis(empty, truth[:, None, :] - 1, -np.inf, axis=1)
    middle = signals[:, 0] > empty.max(axis=1)
    return np.stack([middle, corner])


def corrected(right: Flags, matrix: Matrix) -> Flags:
    """Apply the nearest-neighbour correction of the maker's manual (recalled).

    A right choice stays right with two right ones among the four cells beside it (one, when it has
    only two such cells); a wrong one becomes right with three (two, when it has only two).

    Parameters
    ----------
    right
        Shape (..., cells).
    matrix
        The cells.
    """
    beside = np.abs(matrix.row[:, None] - matrix.row) + np.abs(
        matrix.column[:, None] - matrix.column
    )
    near = (beside == 1).astype(float)
    count = near.sum(axis=1)
    good = right.astype(float) @ near
    few = count <= 2
    stays = right & (good >= np.where(few, 1, 2))
    becomes = ~right & (good >= np.where(few, 2, 3))
    return np.asarray(stays | becomes)
