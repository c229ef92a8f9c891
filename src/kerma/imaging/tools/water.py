"""Whether a round phantom is filled with water, and with nothing else."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from kerma.core import AnalysisError
from kerma.imaging.tools.disc import Found
from kerma.imaging.tools.regions import Disc
from kerma.imaging.tools.statistics import robust_sd
from kerma.imaging.tools.untyped import ndimage

Array = npt.NDArray[np.floating[Any]]

_STAGE = "identify phantom"
# (smoothing in mm, least amplitude in HU): a wire, a crack or a bubble; a low-contrast insert.
_SCALES = ((1.0, 20.0), (4.0, 6.0))
_SIGNIFICANT = 8.0  # standard deviations; noise alone reaches 5 over a whole slice
_WALL_WITHIN_MM = 25.0
_LEAST_FILLING = 0.8  # of the radius: makers' walls are under 10 mm on 200 mm


def wall_hu(pixels: Array, found: Found, pixel_mm: float) -> float:
    """Return how far the densest ring near the border stands above the middle, HU.

    The wall of a water phantom (acrylic, polycarbonate, glass) is denser than water; a phantom of
    plastic throughout has none. Rings of one pixel, from 25 mm inside the border to 1.5 pixels.
    """
    rows, columns = np.indices(pixels.shape)
    r = np.hypot(columns - found.x, rows - found.y)
    last = found.radius - 1.5
    first = max(0.5 * found.radius, found.radius - _WALL_WITHIN_MM / pixel_mm)
    ring = (r - first).astype(int)
    near = (r >= first) & (r <= last)
    counts = np.bincount(ring[near])
    means = np.bincount(ring[near], pixels[near]) / np.maximum(counts, 1)
    middle = Disc(found.x, found.y, 0.2 * found.radius).moments(pixels).mean
    return float(means[counts > 0].max()) - middle


def require_water(pixels: Array, found: Found, pixel_mm: float, limit_hu: float) -> None:
    """Refuse a phantom that is not a plain disc of water.

    The mean of the middle must lie within `limit_hu` of water; the filling must reach to near the
    wall; and after a smooth (second-order) surface is taken off, no spot may stand out from the
    noise at 1 mm (by 20 HU) or at 4 mm (by 6 HU). These limits say which phantom it is; they are
    wider than any tolerance, so that a fault is measured and not refused.

    Raises
    ------
    AnalysisError
        Stage ``identify phantom``, codes ``not-water``, ``structure``.
    """
    middle = Disc(found.x, found.y, 0.2 * found.radius).moments(pixels).mean
    if abs(middle) > limit_hu:
        raise AnalysisError(
            f"The middle of the phantom reads {middle:.0f} HU, so it is not water: another "
            "phantom, or a scanner far out of calibration. If you are certain it is water, raise "
            f"identity_limit_hu above {limit_hu:g}.",
            stage=_STAGE,
            code="not-water",
            detail={"middle_hu": middle},
        )
    if found.filling < _LEAST_FILLING * found.radius:
        raise AnalysisError(
            "The CT number changes at "
            f"{2 * found.filling * pixel_mm:.0f} mm diameter, well inside the phantom of "
            f"{2 * found.radius * pixel_mm:.0f} mm: this is not a plain water phantom.",
            stage=_STAGE,
            code="structure",
        )
    for smoothing_mm, least_hu in _SCALES:
        _require_plain(pixels, found, pixel_mm, smoothing_mm, least_hu)


def require_plain(pixels: Array, found: Found, pixel_mm: float, limit_hu: float) -> None:
    """Refuse a disc that is not plain and near water, wherever its surroundings end.

    As `require_water`, for a disc within a phantom.

    Raises
    ------
    AnalysisError
        Stage ``identify phantom``, codes ``not-water``, ``structure``.
    """
    middle = Disc(found.x, found.y, 0.2 * found.radius).moments(pixels).mean
    if abs(middle) > limit_hu:
        raise AnalysisError(
            f"The middle reads {middle:.0f} HU, so it is not near water.",
            stage=_STAGE,
            code="not-water",
            detail={"middle_hu": middle},
        )
    for smoothing_mm, least_hu in _SCALES:
        _require_plain(pixels, found, pixel_mm, smoothing_mm, least_hu)


def _require_plain(
    pixels: Array, found: Found, pixel_mm: float, smoothing_mm: float, least_hu: float
) -> None:
    sigma = smoothing_mm / pixel_mm
    reach = found.filling - 3.0 / pixel_mm - 3.0 * sigma
    x0, x1 = max(0, int(found.x - found.filling)), int(found.x + found.filling) + 2
    y0, y1 = max(0, int(found.y - found.filling)), int(found.y + found.filling) + 2
    # Blocks of a third of the smoothing lose nothing that it leaves.
    size = max(1, int(sigma / 3.0))
    part = _blocks(pixels[y0:y1, x0:x1].astype(float), size)
    off = (size - 1) / 2
    x, y = (found.x - x0 - off) / size, (found.y - y0 - off) / size
    inside = Disc(x, y, reach / size).mask(part.shape)
    smooth = ndimage.gaussian_filter(part, sigma / size, mode="nearest")
    rows, columns = np.indices(part.shape, dtype=float)
    u, v = (columns - x) * size / found.radius, (rows - y) * size / found.radius
    terms = np.stack((np.ones_like(u), u, v, u * u, u * v, v * v))[:, inside]
    values = smooth[inside]
    # Every 7th pixel determines six coefficients well enough.
    surface = np.linalg.lstsq(terms[:, ::7].T, values[::7], rcond=None)[0]
    residual = values - surface @ terms
    worst = int(np.argmax(np.abs(residual)))
    limit = max(least_hu, _SIGNIFICANT * robust_sd(residual))
    if abs(float(residual[worst])) > limit:
        row, column = (int(k * size + off) for k in np.argwhere(inside)[worst])
        raise AnalysisError(
            f"There is something in the water near column {column + x0}, row {row + y0}: it "
            f"differs by {residual[worst]:.0f} HU from its surroundings (an insert, a wire, a "
            "bubble, a ring artefact). A plain water phantom is needed.",
            stage=_STAGE,
            code="structure",
            detail={"column": column + x0, "row": row + y0,
                    "difference_hu": float(residual[worst])},
        )  # fmt: skip


def _blocks(pixels: Array, size: int) -> Array:
    """Return the means of square blocks; what is left over at the ends is dropped."""
    if size == 1:
        return pixels
    rows, columns = (n // size for n in pixels.shape)
    cut = pixels[: rows * size, : columns * size].reshape(rows, size, columns, size)
    return np.asarray(cut.mean(axis=(1, 3)))
