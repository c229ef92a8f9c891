"""Find a step wedge: parallel edges of one sign, evenly spaced, side by side."""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt

from kerma.core import AnalysisError
from kerma.imaging.tools.statistics import robust_sd
from kerma.imaging.tools.untyped import ndimage

Array = npt.NDArray[np.floating[Any]]
Mask = npt.NDArray[np.bool_]

STAGE = "find wedge"
# Design choices.
_SEARCH_PX = 400
_LEAST_EDGES = 4
_EVEN = 0.12
_LEAST_SNR = 5.0
_SOFTNESS = (
    (1.2, 7),
    (2.5, 25),
)  # pixels along and rows across; the second for weak or noisy steps
_LEAN = math.radians(0.3)
_LEAST_EDGE_SHARE = 0.03  # of the search image's height: shorter edges are something else's
_OVERLAP = 0.7
_ONE_WAY = 0.75
_MOST_TEXTURE = 0.35  # of a step
_MOST_HIDDEN = 6  # steps that may hide between the last edge seen and the wedge's end


@dataclass(frozen=True, slots=True)
class Wedge:
    """A step wedge, in mm from the centre of the first pixel.

    Attributes
    ----------
    turn
        Direction in which the wedge grows (away from the open field, or as the signal changes).
    start
        Where the first step begins, along that direction.
    step
        Length of a step.
    steps
        How many there are.
    low, high
        Its sides across the direction.
    """

    turn: float
    start: float
    step: float
    steps: int
    low: float
    high: float

    def at(self, along: float, across: float) -> tuple[float, float]:
        """Return a point of the wedge's own axes."""
        c, s = math.cos(self.turn), math.sin(self.turn)
        return along * c - across * s, along * s + across * c

    def corners(
        self, first: float, last: float, low: float, high: float
    ) -> tuple[tuple[float, float], ...]:
        """Return the corners of a part of it."""
        return tuple(
            self.at(a, b) for a, b in ((first, low), (last, low), (last, high), (first, high))
        )


def find_wedge(pixels: Array, spacing_mm: tuple[float, float]) -> Wedge:
    """Find the one step wedge of an image.

    The directions of all edges, taken modulo 90 degrees, give the turn. In the image turned back,
    edges across each axis are traced; the wedge is the longest row of edges of one sign that lie
    side by side at even distances.

    Raises
    ------
    AnalysisError
        Code ``wrong-phantom``.
    """
    factor = max(1, min(pixels.shape) // _SEARCH_PX)
    rows, columns = (n // factor for n in pixels.shape)
    cut = pixels[: rows * factor, : columns * factor].astype(float)
    coarse = cut.reshape(rows, factor, columns, factor).mean(axis=(1, 3))
    # Square pixels for the search, so that angles are angles.
    scale = spacing_mm[0] * factor, spacing_mm[1] * factor
    side = math.sqrt(scale[0] * scale[1])
    if abs(scale[0] / scale[1] - 1) > 1e-6:
        coarse = ndimage.zoom(coarse, (scale[0] / side, scale[1] / side), order=1)
    if min(float(coarse.min()), 1.0) > 0:
        coarse = np.log(coarse)
    turn = _turn(coarse)
    for softness in _SOFTNESS:
        best: tuple[_Row, Array, float, tuple[float, float]] | None = None
        for quarter in (0, 1):
            angle = turn + quarter * math.pi / 2
            best = _longer(best, coarse, angle, softness)
        if best is not None:
            break
    if best is None:
        raise _not_wedge(
            f"there is no row of {_LEAST_EDGES} parallel edges at even distances, each step darker "
            "or each brighter than the one before"
        )
    # Other edges (of the field) may have turned the search: again, along these edges' own lean.
    lean = best[0].lean
    if abs(lean) > _LEAN:
        best = _longer(best, coarse, best[2] - lean, softness, always=True)
    assert best is not None
    row, flat, angle, origin = best
    return _wedge(flat, row, angle, origin, side, (factor, spacing_mm))


def _longer(
    best: tuple[_Row, Array, float, tuple[float, float]] | None,
    coarse: Array,
    angle: float,
    softness: tuple[float, int],
    *,
    always: bool = False,
) -> tuple[_Row, Array, float, tuple[float, float]] | None:
    """Return the longest row of edges across a direction, if longer than the best so far."""
    flat, origin = _turned_back(coarse, angle)
    rows = _rows_of_edges(flat, softness)
    found = max(rows, key=lambda r: (len(r.places), r.bottom - r.top), default=None)
    if found is None or (best is not None and len(found.places) <= len(best[0].places) - always):
        return best
    return found, flat, angle, origin


def _not_wedge(why: str) -> AnalysisError:
    return AnalysisError(
        f"No step wedge was found in this image: {why}.", stage=STAGE, code="wrong-phantom"
    )


def _turn(coarse: Array) -> float:
    gx = ndimage.gaussian_filter(coarse, 1.5, order=(0, 1), mode="nearest")
    gy = ndimage.gaussian_filter(coarse, 1.5, order=(1, 0), mode="nearest")
    strength = np.hypot(gx, gy)
    if not strength.any():
        raise _not_wedge("nothing stands out")
    strong = strength > max(4.0 * float(np.median(strength)), 0.05 * float(strength.max()))
    if strong.sum() < 50:
        raise _not_wedge("too few edges stand out")
    # Every clear edge counts alike: the wedge's many weak ones against a field's strong ones.
    return float(np.angle(np.exp(4j * np.arctan2(gy[strong], gx[strong])).sum())) / 4.0


def _turned_back(coarse: Array, angle: float) -> tuple[Array, tuple[float, float]]:
    """Return the image resampled with the angle's direction along its rows; NaN outside.

    Also the place of its first pixel along and across that direction, in pixels of `coarse`.
    """
    height, width = coarse.shape
    c, s = math.cos(angle), math.sin(angle)
    corners = [(0, 0), (width - 1, 0), (0, height - 1), (width - 1, height - 1)]
    u = [x * c + y * s for x, y in corners]
    v = [-x * s + y * c for x, y in corners]
    u0, v0 = math.floor(min(u)), math.floor(min(v))
    along = np.arange(u0, math.ceil(max(u)) + 1)[None, :]
    across = np.arange(v0, math.ceil(max(v)) + 1)[:, None]
    x, y = along * c - across * s, along * s + across * c
    values = ndimage.map_coordinates(coarse, (y, x), order=1, mode="nearest")
    inside = (x >= 0) & (y >= 0) & (x <= width - 1) & (y <= height - 1)
    return np.where(inside, values, np.nan), (float(u0), float(v0))


@dataclass(frozen=True, slots=True)
class _Edge:
    place: float
    top: int
    bottom: int
    sign: float
    lean: float  # columns per row


@dataclass(frozen=True, slots=True)
class _Row:
    places: tuple[float, ...]
    top: int
    bottom: int
    sign: float
    ends: tuple[float, ...]  # places of edges of the other sign beside them
    lean: float  # of the edges to the columns, radians


def _rows_of_edges(flat: Array, softness: tuple[float, int]) -> list[_Row]:
    """Return rows of evenly spaced edges of one sign, at least `_LEAST_EDGES` long."""
    edges = _edges(flat, softness)
    rows = []
    for reference in edges:
        near = [e for e in edges if _beside(e, reference)]
        same = sorted((e for e in near if e.sign == reference.sign), key=lambda e: e.place)
        other = tuple(e.place for e in near if e.sign != reference.sign)
        run = _even_run([e.place for e in same])
        if len(run) >= _LEAST_EDGES:
            used = [e for e in same if e.place in run]
            top = int(np.median([e.top for e in used]))
            bottom = int(np.median([e.bottom for e in used]))
            lean = math.atan(float(np.median([e.lean for e in used])))
            if not _stairs(flat, run, top, bottom):
                continue
            rows.append(_Row(tuple(run), top, bottom, reference.sign, other, lean))
    return rows


def _stairs(flat: Array, places: list[float], top: int, bottom: int) -> bool:
    """Tell whether the levels between edges go one way and are plain, as stairs are.

    The bars of a mesh do not go one way; groups of a line pattern are not plain.
    """
    height = bottom - top
    rows = slice(round(top + 0.2 * height), round(bottom - 0.2 * height))
    blocks = [
        flat[rows, round(a + 0.2 * (b - a)) : round(b - 0.2 * (b - a)) + 1]
        for a, b in pairwise(places)
    ]
    if any(block.size < 4 or not np.isfinite(block).all() for block in blocks):
        return False
    changes = np.diff([float(block.mean()) for block in blocks])
    net = float(changes.sum())
    if abs(net) <= _ONE_WAY * float(np.abs(changes).sum()):
        return False
    step = float(np.median(np.abs(changes)))
    plain = [_texture(block) < _MOST_TEXTURE * step for block in blocks]
    return min(float((changes * net > 0).mean()), float(np.mean(plain))) >= _ONE_WAY


def _texture(block: Array) -> float:
    """Return how much the row means scatter beyond noise and beyond a slope (heel)."""
    means = block.mean(axis=1)
    if len(means) < 4:
        return 0.0
    at = np.arange(len(means)) - (len(means) - 1) / 2
    off = means - means.mean() - at * float((at * means).sum()) / float((at * at).sum())
    noise = robust_sd(np.diff(block, axis=0)) / math.sqrt(2.0 * block.shape[1])
    return math.sqrt(max(0.0, float(off.var()) - noise**2))


def _beside(one: _Edge, other: _Edge) -> bool:
    common = min(one.bottom, other.bottom) - max(one.top, other.top)
    return common >= _OVERLAP * max(one.bottom - one.top, other.bottom - other.top)


def _even_run(places: list[float]) -> list[float]:
    """Return the longest stretch of places at even distances."""
    best: list[float] = []
    for i in range(len(places) - 1):
        run = places[i : i + 2]
        for place in places[i + 2 :]:
            mean = (run[-1] - run[0]) / (len(run) - 1)
            if abs(place - run[-1] - mean) > max(_EVEN * mean, 1.5):
                break
            run.append(place)
        if len(run) > len(best):
            best = run
    return best


def _edges(flat: Array, softness: tuple[float, int]) -> list[_Edge]:
    """Trace edges across the rows: ridges of the gradient that run down the image."""
    known = np.isfinite(flat)
    filled = np.where(known, flat, float(np.nanmedian(flat)))
    along, across = softness
    gradient = ndimage.gaussian_filter1d(filled, along, axis=1, order=1, mode="nearest")
    gradient = ndimage.uniform_filter1d(gradient, across, axis=0, mode="nearest")
    sure = ndimage.binary_erosion(known, iterations=4, border_value=0)
    gradient = np.where(sure, gradient, 0.0)
    # The noise of the exposed part: what is dark has next to none.
    low, high = np.percentile(flat[known], (2, 98))
    exposed = sure & (filled > low + 0.1 * (high - low))
    limit = _LEAST_SNR * robust_sd(gradient[exposed]) if exposed.any() else math.inf
    size = np.abs(gradient)
    ridge = (size > max(limit, 1e-9)) & (size >= ndimage.maximum_filter1d(size, 5, axis=1))
    found = []
    for sign in (1.0, -1.0):
        # Joined one pixel to each side, as a ridge may wander over a pixel's border.
        thick = ndimage.binary_dilation(ridge & (sign * gradient > 0), np.ones((3, 3)))
        labels, _ = ndimage.label(thick)
        for number, box in enumerate(ndimage.find_objects(labels), start=1):
            tall, wide = (s.stop - s.start for s in box)
            if tall < _LEAST_EDGE_SHARE * len(flat) + 2 or wide > max(5, 0.2 * tall):
                continue
            part = (labels[box] == number) & ridge[box]
            down, columns = np.nonzero(part)
            if len(columns) > 2 and np.ptp(down) > 0:
                place = float(np.median(columns)) + box[1].start
                lean = float(np.polyfit(down, columns, 1)[0])
                found.append(_Edge(place, box[0].start + 1, box[0].stop - 1, sign, lean))
    return found


def _wedge(
    flat: Array,
    row: _Row,
    angle: float,
    origin: tuple[float, float],
    side: float,
    reduced: tuple[int, tuple[float, float]],
) -> Wedge:
    """Turn a row of edges into a wedge: where it begins, where it ends, how many steps."""
    step = (row.places[-1] - row.places[0]) / (len(row.places) - 1)
    top, bottom = row.top, row.bottom
    # The wedge grows where its other end, an edge of the other sign, lies beyond the last edge.
    after = [p for p in row.ends if p > row.places[-1] + 0.5 * step]
    before = [p for p in row.ends if p < row.places[0] - 0.5 * step]
    gap_after = min((p - row.places[-1] for p in after), default=math.inf) / step
    gap_before = min((row.places[0] - p for p in before), default=math.inf) / step
    backwards = gap_before < gap_after
    gap = min(gap_before, gap_after)
    beyond = round(gap) if gap < _MOST_HIDDEN + 0.5 and abs(gap - round(gap)) < 0.3 else 1
    thin = row.places[-1] if backwards else row.places[0]
    sign = -1.0 if backwards else 1.0
    steps = len(row.places) - 1 + max(1, beyond)
    # Thin end: what lies before the first edge is a step when it differs from its neighbours.
    first = thin - sign * step
    if math.isinf(gap) and _like_a_step(flat, first, step, top, bottom, sign):
        thin, steps = first, steps + 1
    factor, spacing = reduced
    shift = (factor - 1) / 2 * spacing[1], (factor - 1) / 2 * spacing[0]
    c, s = math.cos(angle), math.sin(angle)
    along = (thin + origin[0]) * side + shift[0] * c + shift[1] * s
    moved = origin[1] * side - shift[0] * s + shift[1] * c
    across = [v * side + moved for v in (top - 0.5, bottom - 0.5)]
    if backwards:
        return Wedge(angle + math.pi, -along, step * side, steps, -across[1], -across[0])
    return Wedge(angle, along, step * side, steps, across[0], across[1])


def _mean(flat: Array, left: float, right: float, top: float, bottom: float) -> tuple[float, float]:
    """Return mean and its uncertainty of a block; NaN when it leaves the image."""
    part = flat[max(0, round(top)) : round(bottom), max(0, round(left)) : round(right)]
    if part.size < 4 or left < 0 or right > flat.shape[1] or not np.isfinite(part).all():
        return math.nan, math.nan
    return float(part.mean()), float(part.std()) / math.sqrt(part.size)


def _like_a_step(
    flat: Array, first: float, step: float, top: int, bottom: int, sign: float
) -> bool:
    left, right = sorted((first + 0.2 * sign * step, first + 0.8 * sign * step))
    height = bottom - top
    own = _mean(flat, left, right, top + 0.2 * height, bottom - 0.2 * height)
    if not math.isfinite(own[0]):
        return False
    beside = [
        _mean(flat, left, right, top - 0.4 * height, top - 0.1 * height - 3),
        _mean(flat, left, right, bottom + 0.1 * height + 3, bottom + 0.4 * height),
    ]
    known = [b for b in beside if math.isfinite(b[0])]
    return not any(abs(own[0] - b[0]) < 5 * math.hypot(own[1], b[1]) for b in known)


def others_share(pixels: Array, spacing_mm: tuple[float, float], wedge: Wedge) -> float:
    """Return the clear edges elsewhere in the image over those of the wedge.

    Long straight edges that run along the image or the wedge (a field's border) do not count.
    """
    factor = max(1, min(pixels.shape) // _SEARCH_PX)
    rows, columns = (n // factor for n in pixels.shape)
    cut = pixels[: rows * factor, : columns * factor].astype(float)
    coarse = cut.reshape(rows, factor, columns, factor).mean(axis=(1, 3))
    gx = ndimage.gaussian_filter(coarse, 1.5, order=(0, 1), mode="nearest")
    gy = ndimage.gaussian_filter(coarse, 1.5, order=(1, 0), mode="nearest")
    size = np.hypot(gx, gy)
    y, x = (
        (np.arange(n) * factor + (factor - 1) / 2) * s
        for n, s in zip((rows, columns), spacing_mm, strict=True)
    )
    c, s = math.cos(wedge.turn), math.sin(wedge.turn)
    along = x[None, :] * c + y[:, None] * s - wedge.start
    across = -x[None, :] * s + y[:, None] * c
    margin = 0.15 * (wedge.high - wedge.low) + 6 * factor * max(spacing_mm)
    inside = (along > -margin) & (along < wedge.step * wedge.steps + margin)
    inside &= (across > wedge.low - margin) & (across < wedge.high + margin)
    # As clear as the wedge's own steps.
    limit = 0.5 * float(np.percentile(size[inside], 90))
    strong = size > max(limit, 6.0 * float(np.median(size)))
    outside = strong & ~inside
    labels, _ = ndimage.label(outside, structure=np.ones((3, 3)))
    for number, box in enumerate(ndimage.find_objects(labels), start=1):
        tall, wide = (b.stop - b.start for b in box)
        part = labels[box] == number
        # A field's border: as long as half the image, and a thin line or an outline.
        thin = min(tall, wide) < 0.1 * max(tall, wide) or part.sum() < 0.4 * tall * wide
        if max(tall, wide) > 0.5 * min(rows, columns) and thin:
            outside[box] &= ~part
    return float(outside.sum()) / max(1.0, float((strong & inside).sum()))
