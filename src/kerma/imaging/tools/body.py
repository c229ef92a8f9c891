"""The outline of a patient in a CT slice: freed from the table, with what the image cuts off."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from kerma.imaging.tools.untyped import ndimage

Array = npt.NDArray[np.floating[Any]]
Mask = npt.NDArray[np.bool_]

# Half-way between air and soft tissue; lungs inside are filled, foam and clothes are under it.
_SKIN_HU = -500.0
_COARSE_MM = 1.6
_OPENING_MM = 4.0  # frees the body from the shells of a table, thinner than twice this
_SMALLEST_CM2 = 10.0  # of a whole body; design choice
_PART = 0.01  # a limb beside the body has at least this share of its area
_SOLID_MM = 8.0
# A solid table shows as a sudden widening below the middle of the body. Design choice.
_JUMP_MM = 40.0
_FLAT_OVER_MM, _FLAT_MM = 6.0, 5.0
_MARGIN_MM = 3.0  # beyond the outline, for the partly filled pixels
_PAD_HU = -1024.0


@dataclass(frozen=True, slots=True, eq=False)
class Body:
    """The body in one slice.

    Attributes
    ----------
    area_mm2
        Of the outline at -500 HU, cavities included.
    water_mm2
        Sum of (HU/1000 + 1) over the body and 3 mm beyond: the area of water that attenuates as
        much.
    water_inside_mm2
        The same without the 3 mm beyond.
    lateral_mm, ap_mm
        Width and height.
    cut_off
        Share of the outline that lies at the border of the image or of the round field of view.
    outline
        Points (x, y) in pixels around the largest part.
    table_row
        First row that was cut away as a solid table; ``None``.
    """

    area_mm2: float
    water_mm2: float
    water_inside_mm2: float
    lateral_mm: float
    ap_mm: float
    cut_off: float
    outline: tuple[tuple[float, float], ...]
    table_row: int | None


def find(pixels: Array, spacing_mm: tuple[float, float]) -> Body | None:
    """Return the body of a slice, or ``None`` when there is none of 10 cm² or more.

    The slice is averaged to about 1.6 mm; what is above -500 HU is opened by a disc of 4 mm, which
    frees it from the thin shells of a table; the largest part and limbs beside it are kept and
    their cavities filled; the outline is then taken on the pixels themselves.
    """
    dy, dx = spacing_mm
    size = max(1, round(_COARSE_MM / max(spacing_mm)))
    step = (dy * size, dx * size)
    blocks = _blocks(pixels, size)
    coarse, table = _coarse_mask(blocks, step)
    if coarse is None:
        return None
    beyond = max(1, math.ceil(2.0 / min(step)))
    near = ndimage.binary_dilation(coarse, iterations=beyond)
    deep = ndimage.binary_erosion(coarse, iterations=beyond)
    if table is not None:
        near[table:] = False
    skin = pixels > _SKIN_HU
    body = (skin & _full(near, size, pixels.shape)) | _full(deep, size, pixels.shape)
    margin = ndimage.distance_transform_edt(~near, sampling=step) <= _MARGIN_MM
    if table is not None:
        margin[table:] = False
    wide = _full(margin | near, size, pixels.shape)
    # What is dense beyond the body is the table or a line on the skin, not the body's own edge.
    around = wide & ~skin & ~body
    water = np.maximum(pixels, _PAD_HU) / 1000.0 + 1.0
    pixel = dx * dy
    inside = float(water[body].sum()) * pixel
    rows, columns = np.flatnonzero(body.any(axis=1)), np.flatnonzero(body.any(axis=0))
    border = _border(body)
    return Body(
        area_mm2=float(body.sum()) * pixel,
        water_mm2=inside + float(water[around].sum()) * pixel,
        water_inside_mm2=inside,
        lateral_mm=float(columns[-1] - columns[0] + 1) * dx,
        ap_mm=float(rows[-1] - rows[0] + 1) * dy,
        cut_off=_cut_off(body, border, pixels),
        outline=_outline(border),
        table_row=None if table is None else table * size,
    )


def _blocks(pixels: Array, size: int) -> Array:
    rows, columns = (-(-n // size) for n in pixels.shape)
    high, wide = rows * size - pixels.shape[0], columns * size - pixels.shape[1]
    padded = np.pad(pixels.astype(float), ((0, high), (0, wide)), mode="edge")
    return np.asarray(padded.reshape(rows, size, columns, size).mean(axis=(1, 3)))


def _full(mask: Mask, size: int, shape: tuple[int, ...]) -> Mask:
    found: Mask = np.repeat(np.repeat(mask, size, axis=0), size, axis=1)[: shape[0], : shape[1]]
    return found


def _coarse_mask(blocks: Array, step: tuple[float, float]) -> tuple[Mask | None, int | None]:
    """Return where the body is, cavities filled, and the row at which a table was cut away."""
    above = blocks > _SKIN_HU
    # Beyond the border the body goes on as it is, so that it is not opened away from it.
    pad = math.ceil(_OPENING_MM / min(step)) + 1
    opened = _opened(np.pad(above, pad, mode="edge"), _OPENING_MM, step)[pad:-pad, pad:-pad]
    parts = _parts(opened, step)
    if parts is None:
        return None, None
    table = _table_row(parts, step)
    if table is not None:
        cut = opened.copy()
        cut[table:] = False
        parts = _parts(cut, step)
        if parts is None:
            return None, None
    filled: Mask = ndimage.binary_fill_holes(parts)
    return filled, table


def _opened(mask: Mask, radius_mm: float, step: tuple[float, float]) -> Mask:
    core = ndimage.distance_transform_edt(mask, sampling=step) > radius_mm
    if not core.any():
        return np.zeros_like(mask)
    found: Mask = ndimage.distance_transform_edt(~core, sampling=step) <= radius_mm
    return found


def _parts(mask: Mask, step: tuple[float, float]) -> Mask | None:
    """Return the largest part, and solid parts of some size that do not lie below it."""
    labels, count = ndimage.label(mask)
    if not count:
        return None
    sizes = np.bincount(labels.ravel())
    sizes[0] = 0
    largest = int(np.argmax(sizes))
    if sizes[largest] * step[0] * step[1] < 100.0 * _SMALLEST_CM2:
        return None
    rows = np.flatnonzero((labels == largest).any(axis=1))
    kept = labels == largest
    for number in np.flatnonzero(sizes >= _PART * sizes[largest]):
        part = labels == number
        middle = float(np.nonzero(part)[0].mean())
        thick = ndimage.distance_transform_edt(part, sampling=step).max()
        if number != largest and middle <= rows[-1] and thick > _SOLID_MM:
            kept |= part
    found: Mask = kept
    return found


def _table_row(mask: Mask, step: tuple[float, float]) -> int | None:
    """Return the row where the width suddenly grows below the body's middle, or ``None``."""
    rows = np.flatnonzero(mask.any(axis=1))
    width = np.array(
        [np.ptp(np.flatnonzero(mask[r])) + 1 if mask[r].any() else 0 for r in range(len(mask))]
    )
    middle = int(np.average(np.arange(len(mask)), weights=width))
    look = max(1, round(3.0 / step[0]))
    below = max(2, round(_FLAT_OVER_MM / step[0]))
    for row in range(max(middle, look), int(rows[-1]) + 1):
        if (width[row] - width[row - look]) * step[1] > _JUMP_MM and width[row - look] > 0:
            grown = np.flatnonzero(np.diff(width[row - look : row + 1]) * step[1] > _JUMP_MM / 3)
            first = row - look + int(grown[-1]) + 1 if len(grown) else row
            under = width[first : first + below]
            # An arm beside the body widens it too, but goes on widening; a slab's ends are upright.
            if len(under) == below and np.ptp(under) * step[1] <= _FLAT_MM:
                return row - look + int(grown[0]) + 1 if len(grown) else row
    return None


def _border(body: Mask) -> Mask:
    """Return the pixels of the body with a side on something else or on the image's border."""
    inner = np.zeros_like(body)
    inner[1:-1, 1:-1] = body[:-2, 1:-1] & body[2:, 1:-1] & body[1:-1, :-2] & body[1:-1, 2:]
    found: Mask = body & ~inner
    return found


def _cut_off(body: Mask, border: Mask, pixels: Array) -> float:
    """Return the share of the outline at the border of the image or of the round field of view."""
    rows, columns = body.shape
    total = float(border.sum()) or 1.0
    frame = np.zeros_like(body)
    frame[[0, -1]] = frame[:, [0, -1]] = True
    touching = float((body & frame).sum())
    y, x = np.ogrid[:rows, :columns]
    r = np.hypot(x - (columns - 1) / 2, y - (rows - 1) / 2)
    reach = min(rows, columns) / 2
    outside = r > reach + 1
    # Scanners fill what is outside of the circle they reconstruct with one value.
    if outside.any() and np.ptp(pixels[outside]) == 0 and not body[outside].any():
        touching = max(touching, float((border & (r > reach - 2)).sum()))
    return min(1.0, touching / total)


def _outline(border: Mask) -> tuple[tuple[float, float], ...]:
    """Return the outermost pixels seen from the middle, in up to 90 directions; for the picture."""
    rows, columns = np.nonzero(border)
    y, x = (float(rows.min() + rows.max()) / 2, float(columns.min() + columns.max()) / 2)
    turn = np.degrees(np.arctan2(rows - y, columns - x)) % 360
    sector = (turn / 4).astype(int) % 90
    order = np.lexsort((np.hypot(rows - y, columns - x), sector))
    last = np.append(np.flatnonzero(np.diff(sector[order])), len(order) - 1)
    return tuple((float(columns[i]), float(rows[i])) for i in order[last])
