"""Find radio-opaque markers in a field: bars, L corners, coins and balls, and their edges."""

from __future__ import annotations

import math
from dataclasses import dataclass
from dataclasses import field as dataclass_field
from typing import Any

import numpy as np
import numpy.typing as npt

from kerma.imaging.tools.field import Field, Side
from kerma.imaging.tools.field_search import fit_circle
from kerma.imaging.tools.untyped import ndimage

Array = npt.NDArray[np.floating[Any]]
Mask = npt.NDArray[np.bool_]

# Design choices.
_LEAST_CONTRAST = 0.3  # of the signal around; lead, steel and brass take away more
_LEAST_SIDE_MM = 0.6
_ROUND_WITHIN = 0.02  # outline's scatter about a circle, as a share of its radius
_ROUND_ASPECT = 1.3
_L_FILL = 0.65
_STRAIGHT_SHARE = 0.03  # of a bar's half length: what its edges may stray from straight
_RIM_RAYS = 120
_LEAST_ARC = 1 / 3  # of the rays
_LEAST_TURN = math.radians(80.0)  # of the rim


@dataclass(frozen=True, slots=True)
class Bar:
    """A straight piece of a marker; lengths in mm from the centre of the first pixel.

    Attributes
    ----------
    x, y
        A point on its middle line.
    direction
        Of its length, radians from the rows.
    half
        Half its length.
    edges
        Distances of its two long edges from (x, y) along the normal (direction + 90 degrees), in
        rising order; ``None`` for one that is not seen because it lies on the field's own edge.
    u
        Standard uncertainty of an edge.
    """

    x: float
    y: float
    direction: float
    half: float
    edges: tuple[float | None, float | None]
    u: float


@dataclass(frozen=True, slots=True)
class Round:
    """A coin or a ball: centre, radius and the uncertainty of each."""

    x: float
    y: float
    radius: float
    u: float


@dataclass(frozen=True, slots=True)
class Markers:
    """What was found, and how many objects were not understood."""

    bars: tuple[Bar, ...]
    rounds: tuple[Round, ...]
    other: int


@dataclass(frozen=True, slots=True, eq=False)
class _Scene:
    """Signal as a share of the field around, 1 in the open and towards 0 under lead."""

    share: Array
    spacing_mm: tuple[float, float]
    field: Field

    def at(self, x: Array, y: Array) -> Array:
        """Return the share at points; NaN outside the field."""
        rows, columns = y / self.spacing_mm[0], x / self.spacing_mm[1]
        values = ndimage.map_coordinates(self.share, (rows, columns), order=1, mode="nearest")
        return np.asarray(np.where(self.inside(x, y, inset=max(self.spacing_mm)), values, np.nan))

    def inside(self, x: Array, y: Array, *, inset: float) -> Mask:
        """Tell which points lie in the image and `inset` or more within the field."""
        height, width = self.share.shape
        kept = (x >= 0) & (y >= 0) & (x <= (width - 1) * self.spacing_mm[1])
        kept &= y <= (height - 1) * self.spacing_mm[0]
        for side in self.field.sides.values():
            nx, ny = math.cos(side.normal), math.sin(side.normal)
            kept &= (x - side.x) * nx + (y - side.y) * ny < -inset
        return np.asarray(kept)


def find_markers(pixels: Array, spacing_mm: tuple[float, float], field: Field) -> Markers:
    """Find the markers inside a rectangular field.

    The signal is divided by a quadratic surface through the open field (blocks under markers are
    left out in rounds); what is then more than 30 % darker and at least 0.6 mm across is a marker.
    Its edges are half-way between its own level and its surroundings'.
    """
    scene = _scene(pixels, spacing_mm, field)
    dy, dx = spacing_mm
    labels, _ = ndimage.label(scene.share < 1.0 - _LEAST_CONTRAST)
    bars: list[Bar] = []
    rounds: list[Round] = []
    other = 0
    for number, box in enumerate(ndimage.find_objects(labels), start=1):
        tall, wide = (box[0].stop - box[0].start) * dy, (box[1].stop - box[1].start) * dx
        rows, columns = np.nonzero(labels[box] == number)
        if max(tall, wide) < _LEAST_SIDE_MM or len(rows) < 9:
            continue
        x, y = (columns + box[1].start) * dx, (rows + box[0].start) * dy
        found = _understood(scene, x, y, labels[box] == number)
        if isinstance(found, Round):
            rounds.append(found)
        elif found:
            bars.extend(found)
        else:
            other += 1
    return Markers(tuple(bars), tuple(rounds), other)


def _scene(pixels: Array, spacing_mm: tuple[float, float], field: Field) -> _Scene:
    signal = pixels if field.rough.bright else -pixels
    size = max(1, min(pixels.shape) // 128)
    rows, columns = (n // size for n in pixels.shape)
    cut = signal[: rows * size, : columns * size].reshape(rows, size, columns, size)
    means = np.asarray(cut.mean(axis=(1, 3)))
    floor = _outside_level(signal, spacing_mm, field)
    y, x = (
        (np.arange(n) * size + (size - 1) / 2) * s
        for n, s in zip((rows, columns), spacing_mm, strict=True)
    )
    surface = _Surface(field.centre(), max(float(np.ptp(x)), float(np.ptp(y))))
    widths = [s.penumbra for s in field.sides.values() if s.penumbra is not None]
    grid = _Scene(means, (spacing_mm[0] * size, spacing_mm[1] * size), field)
    # 1.5 times the 20 % to 80 % width: there 99 % of the step of a Gaussian penumbra is done.
    well_inside = grid.inside(*np.meshgrid(x, y), inset=1.5 * max(widths, default=0.0))
    surface.fit(x, y, means - floor, well_inside)
    y, x = (np.arange(n) * s for n, s in zip(pixels.shape, spacing_mm, strict=True))
    # The field's own edges are divided out as well, so that markers are seen up to them.
    whole, beyond = surface.at(x, y), np.zeros(pixels.shape, dtype=bool)
    for side in field.sides.values():
        away = (x * math.cos(side.normal))[None, :] + (y * math.sin(side.normal))[:, None]
        away -= side.x * math.cos(side.normal) + side.y * math.sin(side.normal)
        beyond |= away > 0
        place, profile = _edge_alone(side)
        near = np.abs(away) < place[-1]
        whole[near] *= np.interp(away[near], place, profile)
    share = (signal - floor) / np.where(beyond, 1.0, np.maximum(whole, 1e-9))
    share[beyond] = 1.0
    return _Scene(share, spacing_mm, field)


def _edge_alone(side: Side) -> tuple[Array, Array]:
    """Return the profile of the side's edge without what lies further in: markers along it.

    Beyond 1.5 times its 20 % to 80 % width the step of a Gaussian penumbra is done to 99 %.
    """
    reach = 1.5 * (side.penumbra or 0.0) + 2.0 * float(side.distance[1] - side.distance[0])
    profile = np.where(side.distance < -reach, 1.0, side.profile)
    # Followed inwards the edge alone only rises.
    rising = np.maximum.accumulate(profile[::-1])[::-1]
    return side.distance, np.asarray(np.clip(rising, 0.0, 1.0))


@dataclass(slots=True, eq=False)
class _Surface:
    """A quadratic surface through the open field."""

    centre: tuple[float, float]
    scale: float
    fitted: Array = dataclass_field(default_factory=lambda: np.zeros(6))

    def fit(self, x: Array, y: Array, values: Array, usable: Mask) -> None:
        """Fit, leaving out in rounds what is 8 % off: markers."""
        u, v = np.meshgrid((x - self.centre[0]) / self.scale, (y - self.centre[1]) / self.scale)
        design = np.stack((np.ones_like(u), u, v, u * u, u * v, v * v))
        kept = usable & (values >= 0.5 * np.percentile(values[usable], 90))
        for _ in range(4):
            self.fitted = np.linalg.lstsq(design[:, kept].T, values[kept], rcond=None)[0]
            ratio = values / np.maximum(np.tensordot(self.fitted, design, axes=1), 1e-9)
            kept = usable & (np.abs(ratio - np.median(ratio[kept])) < 0.08)
            if kept.sum() < 12:
                kept = usable

    def at(self, x: Array, y: Array) -> Array:
        """Return the surface at columns `x` and rows `y`."""
        u, v = (x - self.centre[0]) / self.scale, (y - self.centre[1]) / self.scale
        f = self.fitted
        across, down = f[0] + f[1] * u + f[3] * u * u, f[2] * v + f[5] * v * v
        return np.asarray(across[None, :] + down[:, None] + np.outer(f[4] * v, u))


def _outside_level(signal: Array, spacing_mm: tuple[float, float], field: Field) -> float:
    """Return the level outside the field, the median of points 6 to 14 mm beyond its sides."""
    values = []
    for side in field.sides.values():
        (x0, y0), (x1, y1) = side.ends()
        t, s = np.linspace(0.05, 0.95, 40)[:, None], np.linspace(6.0, 14.0, 9)
        x = x0 + t * (x1 - x0) + s * math.cos(side.normal)
        y = y0 + t * (y1 - y0) + s * math.sin(side.normal)
        rows, columns = (np.rint(v / d).astype(int) for v, d in ((y, spacing_mm[0]),
                                                                 (x, spacing_mm[1])))  # fmt: skip
        inside = (rows >= 0) & (columns >= 0)
        inside &= (rows < signal.shape[0]) & (columns < signal.shape[1])
        values.append(signal[rows[inside], columns[inside]])
    joined = np.concatenate(values)
    return float(np.median(joined)) if joined.size else float(signal.min())


def _understood(scene: _Scene, x: Array, y: Array, mask: Mask) -> Round | list[Bar]:
    """Return a round marker, or the bars of a straight one; nothing when it is neither."""
    direction = _direction(mask, scene.spacing_mm)
    c, s = math.cos(direction), math.sin(direction)
    u, v = x * c + y * s, -x * s + y * c
    pixel = math.sqrt(scene.spacing_mm[0] * scene.spacing_mm[1])
    # Percentiles, so that single noisy pixels at a rim do not count.
    margin = np.array([-pixel / 2, pixel / 2])
    (u0, u1), (v0, v1) = (np.percentile(w, (0.5, 99.5)) + margin for w in (u, v))
    long, wide = float(u1 - u0), float(v1 - v0)
    fill = len(x) * scene.spacing_mm[0] * scene.spacing_mm[1] / (long * wide)
    if max(long, wide) < _ROUND_ASPECT * min(long, wide) or _clipped(scene, x, y):
        ring = _round(scene, x, y)
        if ring is not None:
            return ring
    if fill < _L_FILL:
        return _corner(scene, (c, s), (u, v), (float(u0), float(u1), float(v0), float(v1)))
    middle = 0.5 * float(u0 + u1), 0.5 * float(v0 + v1)
    found = []
    # A square marker is a bar both ways.
    for turn, half, reach in ((0.0, long / 2, wide), (math.pi / 2, wide / 2, long)):
        if half < 0.35 * reach:
            continue
        at = middle[0] * c - middle[1] * s, middle[0] * s + middle[1] * c
        bar = _bar(scene, at, direction + turn, half, reach)
        if bar is not None:
            found.append(bar)
    return found


def _clipped(scene: _Scene, x: Array, y: Array) -> bool:
    """Tell whether a marker reaches the field's edge."""
    return not bool(scene.inside(x, y, inset=2.5 * max(scene.spacing_mm)).all())


def _direction(mask: Mask, spacing_mm: tuple[float, float]) -> float:
    """Return the direction of a shape's straight outlines, -45 to 45 degrees, in radians."""
    padded = ndimage.gaussian_filter(np.pad(mask, 4).astype(float), 1.0)
    down = ndimage.sobel(padded, axis=0) / spacing_mm[0]
    across = ndimage.sobel(padded, axis=1) / spacing_mm[1]
    angles, weight = np.arctan2(down, across), np.hypot(down, across)
    return float(np.angle((weight * np.exp(4j * angles)).sum())) / 4.0


def _round(scene: _Scene, x: Array, y: Array) -> Round | None:
    """Measure a round marker's rim on rays from its middle; ``None`` when it is not round."""
    # The rays start in the middle of what is seen: the circle's own may lie outside the field.
    mx, my = float(x.mean()), float(y.mean())
    reach = 0.5 * max(float(np.ptp(x)), float(np.ptp(y))) + max(scene.spacing_mm)
    c, s = (f(np.arange(_RIM_RAYS) * (2 * math.pi / _RIM_RAYS)) for f in (np.cos, np.sin))
    step = 0.25 * min(scene.spacing_mm)
    r = np.arange(0.0, 2.2 * reach + 4 * max(scene.spacing_mm), step)
    values = scene.at(mx + c[:, None] * r, my + s[:, None] * r)
    core = values[:, r <= 0.3 * reach]
    if not np.isfinite(core).any():
        return None
    edge = _first_rise(values, r, 0.5 * (1.0 + float(np.nanmedian(core))))
    found = np.isfinite(edge)
    if found.mean() < _LEAST_ARC:
        return None
    ex, ey = mx + edge[found] * c[found], my + edge[found] * s[found]
    cx, cy, radius, kept = fit_circle(ex, ey, 0.3 * min(scene.spacing_mm))
    off = np.hypot(ex - cx, ey - cy) - radius
    size = max(float(np.ptp(x)), float(np.ptp(y)))
    if kept.mean() < 0.7 or not 0.3 * size < radius < 1.5 * size:
        return None
    if float(off[kept].std()) > max(_ROUND_WITHIN * radius, 0.3 * max(scene.spacing_mm)):
        return None
    turns = np.sort(np.arctan2(ey[kept] - cy, ex[kept] - cx))
    gap = float(np.diff(np.concatenate((turns, turns[:1] + 2 * math.pi))).max())
    if 2 * math.pi - gap < _LEAST_TURN:
        return None  # a long straight edge is a short arc of a large circle
    # A corner of a square or an arm of an L sticks out of the circle inside it.
    if float(np.hypot(x - cx, y - cy).max()) > 1.15 * radius + max(scene.spacing_mm):
        return None
    ux, uy = (ex[kept] - cx) / radius, (ey[kept] - cy) / radius
    design = np.column_stack((ux, uy, np.ones(int(kept.sum()))))
    cover = np.linalg.inv(design.T @ design) * float((off[kept] ** 2).mean())
    u = math.hypot(math.sqrt(float(np.diag(cover).max())), 0.02 * min(scene.spacing_mm))
    return Round(cx, cy, radius, u)


def _first_rise(values: Array, places: Array, level: float) -> Array:
    """Return where each row first rises through `level`; NaN where it does not or is not seen."""
    with np.errstate(invalid="ignore"):
        above = values >= level
    first = np.argmax(above, axis=1)
    rows = np.arange(len(values))
    before = np.maximum(first - 1, 0)
    low, high = values[rows, before], values[rows, first]
    usable = above.any(axis=1) & (first > 0) & np.isfinite(low)
    # Whatever lies before the rise must be seen, or the rise may be the end of what is hidden.
    usable &= np.isfinite(np.where(np.arange(values.shape[1]) < first[:, None], values, 0)).all(1)
    with np.errstate(invalid="ignore", divide="ignore"):
        part = (level - low) / (high - low)
    return np.asarray(np.where(usable, places[before] + part * (places[1] - places[0]), np.nan))


def _bar(
    scene: _Scene, at: tuple[float, float], direction: float, half: float, width: float
) -> Bar | None:
    """Measure the long edges of a bar in strips along its middle 80 %."""
    strips = max(3, min(40, int(1.6 * half / max(scene.spacing_mm))))
    t = np.linspace(-0.8 * half, 0.8 * half, strips)
    step = 0.25 * min(scene.spacing_mm)
    r = np.arange(0.0, 1.5 * width + 6 * max(scene.spacing_mm), step)
    c, s = math.cos(direction), math.sin(direction)
    middle_x, middle_y = at[0] + t * c, at[1] + t * s
    core = scene.at(middle_x, middle_y)
    seen = np.isfinite(core)
    if seen.mean() < 0.5 or float(np.nanmedian(core)) > 1.0 - 0.5 * _LEAST_CONTRAST:
        return None
    level = 0.5 * (1.0 + float(np.nanmedian(core)))
    edges: list[float | None] = []
    spread = [0.0]
    for sign in (-1.0, 1.0):
        x = middle_x[:, None] - sign * r * s
        y = middle_y[:, None] + sign * r * c
        places = _first_rise(scene.at(x, y), r, level)
        known = places[np.isfinite(places)]
        if len(known) < 0.5 * strips:
            edges.append(None)
            continue
        centre = float(np.median(known))
        sd = 1.4826 * float(np.median(np.abs(known - centre)))
        near = np.abs(known - centre) <= max(4 * sd, step)
        kept = known[near]
        along = t[np.isfinite(places)][near]
        bent = kept - np.polyval(np.polyfit(along, kept, 1), along)
        if float(bent.std()) > max(_STRAIGHT_SHARE * half, 0.5 * max(scene.spacing_mm)):
            return None  # the rim of a coin, not the edge of a bar
        edges.append(sign * float(kept.mean()))
        spread.append(float(kept.std()) / math.sqrt(len(kept)))
    if edges == [None, None]:
        return None
    u = math.hypot(max(spread), 0.02 * min(scene.spacing_mm))
    return Bar(at[0], at[1], direction, half, (edges[0], edges[1]), u)


def _corner(
    scene: _Scene,
    axes: tuple[float, float],
    places: tuple[Array, Array],
    box: tuple[float, float, float, float],
) -> list[Bar]:
    """Return the two arms of an L, measured away from where they meet; nothing for other shapes."""
    (c, s), (u, v), (u0, u1, v0, v1) = axes, places, box
    long, tall = u1 - u0, v1 - v0
    pixel = scene.spacing_mm[0] * scene.spacing_mm[1]
    # Along u the arm fills one end of v, and the other way round; its width follows from the area
    # in the half of the box that holds no part of the other arm.
    share = [float((v < v0 + tall / 2).mean()), float((u < u0 + long / 2).mean())]
    if min(abs(share[0] - 0.5), abs(share[1] - 0.5)) < 0.03:
        return []
    low_v, low_u = share[0] > 0.5, share[1] > 0.5
    far_u = u > u0 + long / 2 if low_u else u < u0 + long / 2
    far_v = v > v0 + tall / 2 if low_v else v < v0 + tall / 2
    width_u, width_v = (
        float(far_u.sum()) * pixel / (long / 2), float(far_v.sum()) * pixel / (tall / 2)
    )  # fmt: skip
    if width_u > 0.45 * tall or width_v > 0.45 * long:
        return []
    arm_v = float(np.median(v[far_u]))
    arm_u = float(np.median(u[far_v]))
    direction = math.atan2(s, c)
    found = []
    for at_u, at_v, turn, half, width in (
        (0.5 * (u0 + u1) + (1 if low_u else -1) * 0.5 * width_v, arm_v, 0.0,
         0.5 * long - width_v, width_u),
        (arm_u, 0.5 * (v0 + v1) + (1 if low_v else -1) * 0.5 * width_u, math.pi / 2,
         0.5 * tall - width_u, width_v),
    ):  # fmt: skip
        at = at_u * c - at_v * s, at_u * s + at_v * c
        bar = _bar(scene, at, direction + turn, half, width)
        if bar is not None:
            found.append(bar)
    return found
