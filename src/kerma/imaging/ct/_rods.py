"""Rods in a series of slices: which there are, which slices show them, and their edges."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from kerma.core import AnalysisError, Image, InputError
from kerma.imaging.tools import radial_edge, rod_centre
from kerma.imaging.tools.radial_edge import RadialEdge
from kerma.imaging.tools.rods import Rod, find_rods
from kerma.imaging.tools.statistics import robust_sd

Array = npt.NDArray[np.floating[Any]]

_STAGE = "find rods"
# Half-width of the range about the edge, in widths (16 to 84 % of the edge over 2): the line spread
# is kept whole to half of it. Design choice; wider adds noise, narrower cuts tails.
_REACH_WIDTHS = 15.0
_LEAST_REACH_WIDTHS = 6.0
_LEAST_REACH_PX = 4.0
_SMALLEST_MM, _LARGEST_MM = 2.0, 40.0
_STEP_HU, _STEP_TO_NOISE = 4.0, 8.0
# A rod stands so much more or less out of a slice that it ends there. Design choice.
_SAME_CONTRAST = 0.15
_UNEVEN = 0.10


@dataclass(frozen=True, slots=True, eq=False)
class RodEdge:
    """A rod measured: name, place in the mean slice, slices used, its edge, what to know of it.

    `leans` says whether its centre was followed from slice to slice.
    """

    name: str
    rod: Rod
    used: tuple[int, ...]
    edge: RadialEdge
    leans: bool
    notes: tuple[str, ...]


def find(images: Sequence[Image], order: Sequence[int], pixel_mm: float) -> list[Rod]:
    """Return the rods in the mean of the slices, the strongest first.

    Raises
    ------
    AnalysisError
        Code ``no-rods``.
    """
    rods = find_rods(mean_slice(images, order), pixel_mm)
    if not rods:
        raise AnalysisError(
            "No rod was found: nothing round and plain stands out of the phantom. Give slices "
            "through the rods, or the rods' centres.",
            stage=_STAGE,
            code="no-rods",
        )
    return rods


def mean_slice(images: Sequence[Image], order: Sequence[int]) -> Array:
    """Return the mean of the slices."""
    total = np.zeros(images[order[0]].pixels.shape)
    for index in order:
        total += images[index].pixels
    return np.asarray(total / len(order))


def at(
    mean: Array, centre: tuple[float, float], pixel_mm: float, radius_mm: float | None = None
) -> Rod:
    """Return the rod about a centre a person gave, of the radius given.

    Without a radius: the one the finder sees there; else its border is where the ring means first
    change clearly.

    Raises
    ------
    InputError
        Code ``centre-outside-image``.
    AnalysisError
        Code ``no-rod``: the ring means do not change there.
    """
    x, y = centre
    room = min(x, y, mean.shape[1] - 1 - x, mean.shape[0] - 1 - y)
    if room < 3 * _SMALLEST_MM / pixel_mm:
        raise InputError(
            f"The centre ({x:g}, {y:g}) lies outside the image or at its border. Give column and "
            "row of the middle of the rod.",
            code="centre-outside-image",
        )
    if radius_mm is not None:
        return Rod(x, y, radius_mm / pixel_mm, 0.0)
    for rod in find_rods(mean, pixel_mm, smallest_mm=_SMALLEST_MM, largest_mm=_LARGEST_MM):
        if math.hypot(rod.x - x, rod.y - y) < 0.8 * rod.radius:
            return rod
    rows, columns = np.indices(mean.shape, dtype=float)
    r = np.hypot(columns - x, rows - y)
    last = min(room, 1.5 * _LARGEST_MM / pixel_mm)
    ring = r[r < last].astype(int)
    profile = np.bincount(ring, mean[r < last]) / np.bincount(ring)
    radius = _first_step(profile, max(1, int(_SMALLEST_MM / pixel_mm)))
    if radius is None:
        raise AnalysisError(
            f"There is no rod about column {x:.0f}, row {y:.0f}: the ring means do not change "
            "there. Give column and row of the middle of a rod, and radius_mm if it is faint.",
            stage=_STAGE,
            code="no-rod",
        )
    inside = float(profile[: max(1, radius - 2)].mean())
    around = float(profile[radius + 2 : radius + max(4, radius // 2)].mean())
    return Rod(x, y, float(radius), inside - around)


def _first_step(profile: Array, first: int) -> int | None:
    """Return the radius of the first clear step of a ring profile; ``None`` when there is none."""
    at = np.arange(1, len(profile) - 1)
    # Ring means scatter as 1/sqrt(radius).
    step = np.abs(profile[2:] - profile[:-2]) * np.sqrt(at)
    limit = np.maximum(_STEP_TO_NOISE * robust_sd(step), _STEP_HU * np.sqrt(at))
    for k in range(first, len(step) - 4):
        near = step[max(0, k - 2) : k + 3]
        if step[k] > limit[k] and step[k] == near.max():
            return int(at[k])
    return None


def measure(
    images: Sequence[Image],
    order: Sequence[int],
    rod: Rod,
    obstacles: Sequence[Rod],
    *,
    name: str,
    reach_mm: float | None = None,
) -> RodEdge:
    """Measure the edge of one rod over the slices that show it.

    Raises
    ------
    AnalysisError
        Codes of `kerma.imaging.tools.radial_edge` and `kerma.imaging.tools.rod_centre`;
        ``rod-near-border``, ``rod-surroundings``, ``mixed-phantoms``.
    """
    pixel_mm = images[order[0]].require_spacing()[1]
    room = _room(images[order[0]].pixels.shape, rod, obstacles)
    half = int(rod.radius + room) + 3
    x0, y0 = max(0, round(rod.x) - half), max(0, round(rod.y) - half)
    stack = np.stack(
        [
            images[i].pixels[y0 : round(rod.y) + half + 1, x0 : round(rod.x) + half + 1]
            for i in order
        ]
    ).astype(float)
    here = rod.x - x0, rod.y - y0
    centre = rod_centre.refine_centre(stack.mean(axis=0), here, rod.radius + room)
    used, notes = _usable(stack, centre, rod.radius, order)
    stack = stack[used]
    centres, leans = rod_centre.drift(stack, centre, rod.radius + room)
    edge = radial_edge.measure(list(stack), centres, pixel_mm, rod.radius, room)
    width = _width(edge)
    wanted = _REACH_WIDTHS * width if reach_mm is None else reach_mm
    reach = min(room, max(wanted / pixel_mm, _LEAST_REACH_PX))
    radius = edge.radius_mm / pixel_mm
    reach = min(reach, radius - 0.5)
    edge = radial_edge.measure(list(stack), centres, pixel_mm, radius, reach)
    _require_plain(edge, name)
    if reach * pixel_mm < _LEAST_REACH_WIDTHS * width:
        notes.append(
            f"Only {reach * pixel_mm:.1f} mm on each side of the edge of {name} are free, less "
            f"than {_LEAST_REACH_WIDTHS:g} widths of the edge: its TTF may be cut short."
        )
    x, y = centre
    found = Rod(x + x0, y + y0, radius, edge.contrast_hu)
    return RodEdge(name, found, tuple(order[i] for i in used), edge, leans, tuple(notes))


def _room(shape: tuple[int, ...], rod: Rod, obstacles: Sequence[Rod]) -> float:
    """Return the free distance on both sides of the edge, pixels."""
    border = min(rod.x, rod.y, shape[1] - 1 - rod.x, shape[0] - 1 - rod.y) - rod.radius - 1
    gaps = [
        math.hypot(o.x - rod.x, o.y - rod.y) - o.radius - rod.radius - 2
        for o in obstacles
        if math.hypot(o.x - rod.x, o.y - rod.y) > rod.radius
    ]
    room = min([rod.radius - 1, border, *gaps])
    if room < _LEAST_REACH_PX:
        raise AnalysisError(
            f"The rod near column {rod.x:.0f}, row {rod.y:.0f} has less than {_LEAST_REACH_PX:g} "
            "pixels free on each side of its edge: too small, too near another or at the border "
            "of the image.",
            stage=_STAGE,
            code="rod-near-border",
        )
    return room


def _usable(
    stack: Array, centre: tuple[float, float], radius: float, order: Sequence[int]
) -> tuple[list[int], list[str]]:
    """Return which slices show the rod as most do, and what was left out."""
    rows, columns = np.indices(stack.shape[1:], dtype=float)
    r = np.hypot(columns - centre[0], rows - centre[1])
    inside, around = r < 0.6 * radius, (r > radius + 3) & (r < radius + 6)
    contrast = stack[:, inside].mean(axis=1) - stack[:, around].mean(axis=1)
    noise = float(np.sqrt(stack[:, around].var(axis=1).mean()))
    middle = float(np.median(contrast))
    # Correlated noise makes a mean scatter about three times as much as of independent pixels.
    slack = max(_SAME_CONTRAST * abs(middle), 12.0 * noise / math.sqrt(float(inside.sum())))
    kept = [i for i in range(len(stack)) if abs(contrast[i] - middle) <= slack]
    if 2 * len(kept) < len(stack) or not kept:
        raise AnalysisError(
            "The slices do not show one rod: its contrast changes from slice to slice. Give the "
            "slices through the rods alone.",
            stage=_STAGE,
            code="mixed-phantoms",
        )
    gone = [order[i] + 1 for i in range(len(stack)) if i not in kept]
    notes = []
    if gone:
        notes.append(
            "Left out because the rod stands out differently there: image "
            + ", ".join(map(str, gone))
            + "."
        )
    return kept, notes


def _width(edge: RadialEdge) -> float:
    """Return half the distance from 16 to 84 % of the edge: the SD of a Gaussian, mm."""
    share = (edge.mean - edge.mean[-1]) / edge.contrast_hu
    near = np.abs(edge.from_edge_mm) <= 0.5 * edge.reach_mm
    x, y = edge.from_edge_mm[near], share[near]
    # The last place above and the first below each level hold in noise.
    low = float(x[np.flatnonzero(y < 0.16)[0]]) if (y < 0.16).any() else float(x[-1])
    high = float(x[np.flatnonzero(y > 0.84)[-1]]) if (y > 0.84).any() else float(x[0])
    return max(abs(low - high) / 2.0, edge.bin_mm)


def _require_plain(edge: RadialEdge, name: str) -> None:
    """Refuse a rod whose plateaus differ from sector to sector: something lies beside it."""
    sectors = edge.counts.shape[0] // edge.slices
    filled = edge.fill.argmax(axis=0)
    x = edge.from_edge_mm[filled]
    outer = x > 0.4 * edge.reach_mm
    counts = edge.counts[:, outer].sum(axis=1).reshape(edge.slices, sectors).sum(axis=0)
    sums = edge.sums[:, outer].sum(axis=1).reshape(edge.slices, sectors).sum(axis=0)
    means = sums / np.maximum(counts, 1.0)
    slack = 12.0 * edge.noise_hu / math.sqrt(float(counts.min())) if counts.min() else math.inf
    if np.ptp(means) > max(2 * _UNEVEN * abs(edge.contrast_hu), slack):
        raise AnalysisError(
            f"The surroundings of {name} are not plain: they vary by {np.ptp(means):.0f} HU round "
            "it. Something lies beside the rod; choose a shorter reach.",
            stage=_STAGE,
            code="rod-surroundings",
        )
