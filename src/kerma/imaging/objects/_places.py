"""Means over discs and squares at fractions of a pixel, for many places at once."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.floating[Any]]

_FINE = 5


@dataclass(frozen=True, slots=True, eq=False)
class Means:
    """What lies under a disc at each place.

    Attributes
    ----------
    mean
        Mean, each pixel weighted by the share of it that the disc covers.
    ratio
        Square root of the sum of the squared weights over their sum: white noise of 1 has this
        standard deviation in the mean.
    """

    mean: Array
    ratio: Array


def disc_means(pixels: Array, x: Array, y: Array, radius: float) -> Means:
    """Return the means over discs of one radius (pixels) centred on (x, y).

    Discs that reach over the border are continued with the pixels at the border; check before.
    """
    values, weight, _, _ = patches(pixels, x, y, radius)
    total = weight.sum(axis=(1, 2))
    return Means(
        (values * weight).sum(axis=(1, 2)) / total,
        np.sqrt((weight**2).sum(axis=(1, 2))) / total,
    )


def patches(pixels: Array, x: Array, y: Array, radius: float) -> tuple[Array, Array, Array, Array]:
    """Return the squares of pixels around each place and how a disc covers them.

    Returns
    -------
    tuple
        Pixel values, share covered by the disc, and the offsets in x and y of each pixel from the
        place; each of shape (places, size, size), reaching a pixel beyond the disc.
    """
    values, dx, dy = squares(pixels, x, y, radius)
    return values, covered(dx, dy, radius), dx, dy


def squares(pixels: Array, x: Array, y: Array, reach: float) -> tuple[Array, Array, Array]:
    """Return the squares of pixels around each place, and each pixel's offsets from it."""
    half = math.ceil(reach + 1.0)
    x, y = np.atleast_1d(np.asarray(x, dtype=float)), np.atleast_1d(np.asarray(y, dtype=float))
    x0, y0 = np.rint(x).astype(int), np.rint(y).astype(int)
    steps = np.arange(-half, half + 1)
    columns = x0[:, None] + steps
    rows = y0[:, None] + steps
    values = pixels[
        np.clip(rows, 0, pixels.shape[0] - 1)[:, :, None],
        np.clip(columns, 0, pixels.shape[1] - 1)[:, None, :],
    ].astype(float)
    dx = np.broadcast_to((columns - x[:, None])[:, None, :], values.shape)
    dy = np.broadcast_to((rows - y[:, None])[:, :, None], values.shape)
    return values, dx, dy


def covered(dx: Array, dy: Array, radius: float) -> Array:
    """Return the share of pixels at these offsets that a disc of this radius covers."""
    if radius >= 4.0:
        # The border is straight over a pixel to better than 1 / (8 radius).
        return np.clip(radius + 0.5 - np.hypot(dx, dy), 0.0, 1.0)
    fine = (np.arange(_FINE) + 0.5) / _FINE - 0.5
    share = np.zeros(np.broadcast(dx, dy).shape)
    for oy in fine:
        for ox in fine:
            share += (dx + ox) ** 2 + (dy + oy) ** 2 <= radius**2
    return np.asarray(share / _FINE**2)


def inside(
    shape: tuple[int, ...], x: Array, y: Array, radius: float | Array
) -> npt.NDArray[np.bool_]:
    """Return which discs lie wholly in an image."""
    return np.asarray(
        (x - radius >= 0)
        & (y - radius >= 0)
        & (x + radius <= shape[1] - 1)
        & (y + radius <= shape[0] - 1)
    )
