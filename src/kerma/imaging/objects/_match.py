"""Recognise the pattern of an object around a middle: its scale, turn and mirroring, in one step.

Around the right middle a change of size is a shift along the logarithm of the radius and a turn is
a shift along the angle, so one correlation of the image with the description in these coordinates
finds both. What is the same all round (outlines, shading) is taken out first.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt

from kerma.imaging.objects._circle import Content, content, polar
from kerma.imaging.objects._spec import ObjectSpec
from kerma.imaging.tools.untyped import ndimage

Array = npt.NDArray[np.floating[Any]]

_ANGLES = 720
_ROWS = 96
_INNERMOST = 0.14  # of the reach; the middle itself shows no turn
_SMALLEST, _LARGEST = 0.16, 0.62  # reach of the object as a share of the image's shorter side
_SUB = 3


@dataclass(frozen=True, slots=True)
class Likeness:
    """How the object may lie.

    Attributes
    ----------
    score
        Normalised correlation, 0 to 1.
    scale
        Pixels of the working image per mm.
    turn_deg
        Clockwise as displayed.
    mirrored
        As seen from the other side.
    sign
        1 where more attenuation is a higher pixel value, else -1.
    """

    score: float
    scale: float
    turn_deg: float
    mirrored: bool
    sign: int


def likenesses(
    work: Array, centre: tuple[float, float], spec: ObjectSpec, count: int = 4
) -> list[Likeness]:
    """Return the best ways the object may lie around a middle of the working image."""
    step = math.log(1.0 / _INNERMOST) / (_ROWS - 1)
    radii, power, spectrum = _around(content(work), centre)
    rows = len(radii)
    weight = np.exp(2.0 * step * (np.arange(_ROWS) - _ROWS + 1))  # area of a cell
    found: list[Likeness] = []
    for mirrored in (False, True):
        pattern = _pattern(spec, mirrored)
        other = np.conj(np.fft.rfft(weight[:, None] * pattern, axis=1))
        norm = math.sqrt(float((weight[:, None] * pattern**2).sum()))
        for shift in range(rows - _ROWS + 1):
            part = slice(shift, shift + _ROWS)
            size = math.sqrt(float((weight * power[part]).sum())) * norm
            if not size:
                continue
            score = np.fft.irfft((spectrum[part] * other).sum(axis=0), n=_ANGLES) / size
            for sign in (1, -1):
                at = int(np.argmax(sign * score))
                scale = radii[shift + _ROWS - 1] / spec.reach_mm
                found.append(
                    Likeness(
                        float(sign * score[at]), float(scale), 360.0 * at / _ANGLES, mirrored, sign
                    )
                )
    return _apart(found, count)


@lru_cache(maxsize=6)
def _around(work: Content, centre: tuple[float, float]) -> tuple[Array, Array, Any]:
    """Return radii, and power and spectrum of what lies on the circle of each.

    None of it depends on the object looked for: recognition asks for one after another.
    """
    step = math.log(1.0 / _INNERMOST) / (_ROWS - 1)
    pixels = work.pixels()
    inner = _INNERMOST * _SMALLEST * min(pixels.shape)
    rows = _ROWS + math.ceil(math.log(_LARGEST / _SMALLEST) / step)
    radii = inner * np.exp(step * np.arange(rows))
    level = _levelled(*polar(pixels, centre, radii, _ANGLES))
    return radii, (level**2).sum(axis=1), np.fft.rfft(level, axis=1)


def _apart(found: list[Likeness], count: int) -> list[Likeness]:
    """Return the best, leaving out those that differ by a step or two in scale only."""
    kept: list[Likeness] = []
    for item in sorted(found, key=lambda f: -f.score):
        close = any(
            k.mirrored == item.mirrored
            and k.sign == item.sign
            and abs(math.log(k.scale / item.scale)) < 0.08
            and abs((k.turn_deg - item.turn_deg + 180) % 360 - 180) < 6
            for k in kept
        )
        if not close:
            kept.append(item)
        if len(kept) == count:
            break
    return kept


def _levelled(seen: Array, inside: npt.NDArray[np.bool_]) -> Array:
    """Take out what is the same all round and the slope of the field; hold strong things back.

    On each circle a constant and the first two harmonics are fitted to what is not detail.
    """
    theta = np.arange(seen.shape[1]) * (2.0 * math.pi / seen.shape[1])
    terms = np.stack([np.ones_like(theta), np.cos(theta), np.sin(theta), np.cos(2 * theta),
                      np.sin(2 * theta)])  # fmt: skip
    used = inside.sum(axis=1) > 0.4 * inside.shape[1]
    kept = inside & used[:, None]
    base = np.where(kept, seen, 0.0)
    ridge = 1e-6 * seen.shape[1] * np.eye(len(terms))
    level = np.zeros_like(seen)
    for turn in range(5):
        # Constant first: a strong detail must not bend the harmonics before it is known as one.
        size = 1 if turn < 2 else len(terms)
        t = terms[:size]
        normal = np.einsum("ik,jk,rk->rij", t, t, kept.astype(float)) + ridge[:size, :size]
        right = np.einsum("ik,rk->ri", t, base * kept)
        level = base - np.linalg.solve(normal, right[..., None])[..., 0] @ t
        # Median of what is kept: the middle one, the rest sorted to the end.
        off = np.sort(np.where(kept, np.abs(level), np.inf), axis=1)
        spread = 1.4826 * off[np.arange(len(off)), kept.sum(axis=1) // 2]
        limit = 3.0 * np.maximum(np.where(np.isfinite(spread), spread, 0.0), 1e-12)
        kept = inside & used[:, None] & (np.abs(level) <= limit[:, None])
    level = np.where(inside & used[:, None], level, 0.0)
    within = inside & used[:, None]
    spread_all = float(np.median(np.abs(level[within]))) if within.any() else 0.0
    top = float(np.quantile(np.abs(level), 0.995))
    soft = max(4.0 * spread_all, 0.004 * top, 1e-12)
    return np.asarray(level / (np.abs(level) + soft))


@lru_cache(maxsize=16)
def _pattern(spec: ObjectSpec, mirrored: bool) -> Array:
    """Return the description in the same coordinates, levelled in the same way."""
    step = math.log(1.0 / _INNERMOST) / (_ROWS - 1)
    # Three samples across a cell each way, so that a small detail is not missed between cells.
    fine = (np.arange(_SUB) - (_SUB - 1) / 2) / _SUB
    rows = (np.arange(_ROWS)[:, None] + fine).ravel()
    columns = (np.arange(_ANGLES)[:, None] + fine).ravel()
    radius = spec.reach_mm * np.exp(step * (rows - _ROWS + 1))
    angle = columns * (2.0 * math.pi / _ANGLES)
    flip = -1.0 if mirrored else 1.0
    x = flip * radius[:, None] * np.cos(angle)
    y = radius[:, None] * np.sin(angle)
    drawn = np.zeros((len(rows), len(columns)))
    if spec.block is not None:
        b = spec.block
        drawn[(np.abs(x - b.x_mm) <= b.width_mm / 2) & (np.abs(y - b.y_mm) <= b.height_mm / 2)] = 1
        for bars in spec.bars:
            tall = (bars.bars - 0.5) / bars.lp_per_mm
            hit = (np.abs(x - bars.x_mm) <= bars.width_mm / 2) & (np.abs(y - bars.y_mm) <= tall / 2)
            drawn[hit] = 0.5
    for detail in spec.details:
        half = detail.size_mm / 2
        away, reach = math.hypot(detail.x_mm, detail.y_mm), 1.5 * half
        near = slice(*(int(i) for i in np.searchsorted(radius, (away - reach, away + reach))))
        dx, dy = np.abs(x[near] - detail.x_mm), np.abs(y[near] - detail.y_mm)
        hit = np.maximum(dx, dy) <= half if detail.square else dx**2 + dy**2 <= half**2
        drawn[near][hit] = detail.weight
    cells = drawn.reshape(_ROWS, _SUB, _ANGLES, _SUB).mean(axis=(1, 3))
    return np.asarray(cells - np.median(cells, axis=1)[:, None])


def smooth(work: Array) -> Array:
    """Return the working image with its finest grain taken out."""
    return np.asarray(ndimage.gaussian_filter(work, 0.7))
