"""Star patterns, pinholes and slits imaged by a focal spot of known size.

The focal spot is a uniform rectangle or a Gaussian; its blur at the detector is its size times the
magnification less one. Objects are rendered 4 times finer than the pixels; the uniform spot's box
is applied to that exactly.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt

from kerma.imaging.tools.untyped import ndimage

Array = npt.NDArray[np.floating[Any]]
_FINE = 4


def boxed(values: Array, width: float, axis: int) -> Array:
    """Average over a box of any width (in samples) along an axis; zero outside."""
    reach = math.ceil(width / 2) + 1
    moved = np.moveaxis(values, axis, -1)
    padded = np.pad(moved, ((0, 0), (reach + 1, reach + 1)))
    total = np.cumsum(padded, axis=-1)
    n = moved.shape[-1]

    def upto(edge: float) -> Array:
        # The running total up to `edge` samples right of each sample's middle.
        place = reach + 0.5 + edge
        whole = math.floor(place)
        part = place - whole
        low, high = total[:, whole : whole + n], total[:, whole + 1 : whole + 1 + n]
        return np.asarray(low + part * (high - low))

    mean = (upto(width / 2) - upto(-width / 2)) / width
    return np.asarray(np.moveaxis(mean, -1, axis))


def blurred(
    fine: Array, pixel_mm: float, size_mm: tuple[float, float], kind: str, detector_mm: float
) -> Array:
    """Blur a fine image by a focal spot as imaged (across, down) and by the detector, and bin it.

    `kind` is ``uniform`` (size: its sides) or ``gaussian`` (size: standard deviations).
    """
    step = pixel_mm / _FINE
    if kind == "uniform":
        for axis, size in ((1, size_mm[0]), (0, size_mm[1])):
            if size > 0:
                fine = boxed(fine, size / step, axis)
    else:
        fine = ndimage.gaussian_filter(fine, (size_mm[1] / step, size_mm[0] / step))
    if detector_mm > 0:
        fine = ndimage.gaussian_filter(fine, detector_mm / step)
    rows, columns = (n // _FINE for n in fine.shape)
    return np.asarray(fine.reshape(rows, _FINE, columns, _FINE).mean(axis=(1, 3)))


def _fine_axes(shape: tuple[int, int], pixel_mm: float) -> tuple[Array, Array]:
    rows, columns = (
        ((np.arange(n * _FINE) + 0.5) / _FINE - n / 2) * pixel_mm for n in shape
    )  # fmt: skip
    return columns[None, :], rows[:, None]


def star(
    shape: tuple[int, int],
    *,
    pixel_mm: float,
    spoke_deg: float,
    diameter_mm: float,
    magnification: float,
    spot_mm: tuple[float, float],
    kind: str = "uniform",
    detector_mm: float = 0.0,
    centre_mm: tuple[float, float] = (0.0, 0.0),
    turn_deg: float = 0.3,
    transmission: float = 0.15,
) -> Array:
    """Return the transmission of a star pattern, 1 in the open.

    Wedges of lead of `spoke_deg` alternate with openings of the same angle. `spot_mm` are the
    focal spot's sides, or standard deviations, across and down; `centre_mm` is where the star's
    middle is imaged.
    """
    x, y = _fine_axes(shape, pixel_mm)
    x, y = (x - centre_mm[0]).astype(np.float32), (y - centre_mm[1]).astype(np.float32)
    # 360 degrees hold a whole number of wedge pairs.
    turn = np.degrees(np.arctan2(y, x)) - turn_deg
    lead = (np.floor(turn / spoke_deg).astype(np.int32) % 2) == 0
    inside = x * x + y * y <= (magnification * diameter_mm / 2) ** 2
    opaque = (lead & inside).astype(np.float64)
    size = (spot_mm[0] * (magnification - 1), spot_mm[1] * (magnification - 1))
    cover = blurred(opaque, pixel_mm, size, kind, detector_mm)
    return np.asarray(1.0 - (1.0 - transmission) * cover)


def pinhole(
    shape: tuple[int, int],
    *,
    pixel_mm: float,
    spot_mm: tuple[float, float],
    enlargement: float,
    kind: str = "uniform",
    hole_mm: float = 0.03,
    slit_mm: float | None = None,
    slit_turn_deg: float = 0.0,
    detector_mm: float = 0.0,
    centre_mm: tuple[float, float] = (0.0, 0.0),
) -> Array:
    """Return the image of a focal spot through a pinhole, or a slit down the image; peak near 1.

    `enlargement` is distance pinhole-detector over focus-pinhole; a hole of `hole_mm` is imaged
    enlarged by one more. With `slit_mm` (its length) a slit as wide as the hole is taken.
    """
    x, y = _fine_axes(shape, pixel_mm)
    x, y = x - centre_mm[0], y - centre_mm[1]
    hole = hole_mm * (enlargement + 1.0)
    if slit_mm is None:
        opening = (np.hypot(x, y) <= hole / 2).astype(float)
    else:
        t = math.radians(slit_turn_deg)
        across, along = x * math.cos(t) + y * math.sin(t), -x * math.sin(t) + y * math.cos(t)
        length = slit_mm * (enlargement + 1.0)
        opening = ((np.abs(across) <= hole / 2) & (np.abs(along) <= length / 2)).astype(float)
    size = (spot_mm[0] * enlargement, spot_mm[1] * enlargement)
    image = blurred(opening, pixel_mm, size, kind, detector_mm)
    return np.asarray(image / image.max())
