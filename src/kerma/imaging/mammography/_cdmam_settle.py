"""Move a phantom placed by its lines onto its discs."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from kerma.core import Image
from kerma.imaging.mammography._cdmam_discs import Background, Filters, Setting, signals
from kerma.imaging.mammography._cdmam_grid import Lattice
from kerma.imaging.mammography._cdmam_spec import CORNERS

Array = npt.NDArray[np.floating[Any]]

# A disc this many times the noise is good enough to place the lattice by.
_CLEAR = 5.0
# Discs lie nearer than this to where the lines say, in cells. Design choice.
_MOST_SHIFT = 0.04
_OFFSETS = np.arange(0.17, 0.361, 0.01)


def settled(
    image: Image, setting: Setting, ground: Background, filters: Filters, sign: float
) -> tuple[Setting, tuple[float, float]]:
    """Find the corners' distance, then move the lattice onto the discs that are seen best.

    Returns the setting and how far the discs lie from where the lines say, (x, y) in pixels.
    """
    middle = np.nan_to_num(sign * signals(image.pixels, setting, ground, filters)[0])
    best = np.sort(np.argsort(-middle)[: max(24, len(middle) // 6)])
    totals = []
    for offset in _OFFSETS:
        tried = replace(setting, offset=float(offset))
        corners = signals(image.pixels, tried, ground, filters, wanted=best)[1:, best]
        totals.append(float(np.nansum((sign * corners).max(axis=0))))
    k = int(np.clip(int(np.argmax(totals)), 1, len(totals) - 2))
    left, top, right = totals[k - 1 : k + 2]
    bend = left - 2 * top + right
    step = float(_OFFSETS[1] - _OFFSETS[0])
    offset = float(_OFFSETS[k]) + (step * 0.5 * (left - right) / bend if bend < 0 else 0.0)
    setting = replace(setting, offset=offset)
    moved = setting
    for _ in range(2):
        moved = _onto_discs(image, moved, ground, filters, sign)
    (ax, ay), (bx, by) = setting.places(), moved.places()
    # Further than printing can be off: something else drew the lattice away.
    if float(np.hypot(bx - ax, by - ay).max()) > _MOST_SHIFT * setting.pitch_px:
        return setting, (0.0, 0.0)
    return moved, (float((bx - ax).mean()), float((by - ay).mean()))


def _onto_discs(
    image: Image, setting: Setting, ground: Background, filters: Filters, sign: float
) -> Setting:
    """Move the lattice to where the clear discs are, when they say that they are not on it.

    The lines give the lattice to a few hundredths of a pixel, but the discs were not printed with
    them: a shift, then a change of both directions, is taken over only when it is significant.
    """
    here = sign * signals(image.pixels, setting, ground, filters)
    corner = here[1:].argmax(axis=0)
    discs = np.zeros(here.shape, dtype=bool)
    discs[0] = True
    discs[corner + 1, np.arange(here.shape[1])] = True
    discs &= np.nan_to_num(here) > _CLEAR
    if int(discs.sum()) < 12:
        return setting
    reach = np.maximum(0.6, 0.3 * setting.diameter_px)
    size = np.broadcast_to(setting.diameter_px, here.shape)[discs]
    h = np.broadcast_to(reach, here.shape)[discs]
    # Of the position of a disc of diameter d seen at z times the noise, from the slope of the
    # overlap of two discs.
    scatter = 0.55 * np.maximum(size, 1.0) / here[discs]
    m = setting.matrix
    away = np.vstack([np.zeros(2), CORNERS * setting.offset])
    x = np.broadcast_to(m.x + away[:, :1], here.shape)[discs] - m.size[0] / 2
    y = np.broadcast_to(m.y + away[:, 1:], here.shape)[discs] - m.size[1] / 2
    change = np.zeros((2, 3))
    for axis in (0, 1):
        none = np.zeros_like(reach)
        ahead, back = (
            ((reach, none), (-reach, none)) if axis == 0 else ((none, reach), (none, -reach))
        )
        more = sign * signals(image.pixels, setting, ground, filters, ahead)[discs]
        less = sign * signals(image.pixels, setting, ground, filters, back)[discs]
        bend = less - 2 * here[discs] + more
        moved = h * 0.5 * (less - more) / np.where(bend < 0, bend, -np.inf)
        change[axis] = _significant(np.clip(moved, -h, h), x, y, scatter)
    old = setting.lattice
    across, down = old.across + change[:, 1], old.down + change[:, 2]
    mx, my = old.at(m.size[0] / 2, m.size[1] / 2)
    middle = np.array([float(mx), float(my)]) + change[:, 0]
    origin = middle - across * m.size[0] / 2 - down * m.size[1] / 2
    return replace(setting, lattice=Lattice(origin, across, down))


def _significant(moved: Array, x: Array, y: Array, scatter: Array) -> Array:
    """Return shift and change along both directions, each zero unless it explains the moves.

    Discs that disagree with most (an artefact, a neighbour) are left out; when too few agree,
    nothing is changed.
    """
    design = np.column_stack([np.ones_like(x), x, y])
    kept = np.ones(len(moved), dtype=bool)
    for _ in range(4):
        middle = float(np.median(moved[kept]))
        off = np.abs(moved - middle) / scatter
        kept = off <= max(4.0, 3.0 * float(np.median(off)))
    found = np.zeros(3)
    if kept.sum() < max(12, 0.7 * len(moved)):
        return found
    value, weight = moved[kept] / scatter[kept], 1.0 / scatter[kept]
    left = float((value**2).sum())
    for terms, gain in ((1, 12.0), (3, 18.0)):
        part = design[kept, :terms] * weight[:, None]
        solved = np.linalg.lstsq(part, value, rcond=None)[0]
        after = float(((value - part @ solved) ** 2).sum())
        # Against the scatter there is, where it is more than noise alone makes.
        excess = max(1.0, after / max(1, len(value) - terms))
        if left - after > gain * excess:
            found[:] = 0.0
            found[:terms] = solved
            left = after
    return found
