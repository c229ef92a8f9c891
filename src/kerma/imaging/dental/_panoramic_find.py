"""Find the stations of a panoramic test object by their balls, and prove that all are there."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt

from kerma.core import Image, InputError
from kerma.imaging.dental._picture import binned
from kerma.imaging.dental._spec import PanoramicSpec
from kerma.imaging.tools.spots import Search, Spot, measured, peaks

Array = npt.NDArray[np.floating[Any]]
Point = tuple[float, float]

_SEARCH_PX = 4.0
_USUAL_MAGNIFICATION = 1.25
_DOWN, _ACROSS = (0.9, 1.7), (0.5, 2.6)
# A ball's upright partner may lean, and the one beside it rise, by this share of the distance.
_LEAN = 0.15
# Stations stand about as high as each other: by this share of the upright length.
_LEVEL = 0.6
_MOST_SPOTS = 120
# Balls' heights over their median; a ball's extent at half height over its diameter as magnified (a
# ball that lets rays through is 0.87 of it); distances between stations over those described.
_ALIKE, _SIZE, _APART = 0.5, (0.7, 1.3), 0.35


@dataclass(frozen=True, slots=True)
class Station:
    """Three balls: a corner, one above it, one beside it; and the magnifications they give.

    Attributes
    ----------
    corner, top, side
        (column, row).
    across, down
        Magnification along the arch and upright.
    u
        Standard uncertainties of the two.
    """

    name: str
    corner: Point
    top: Point
    side: Point
    across: float
    down: float
    u: tuple[float, float]

    def place(self, x_mm: float, y_mm: float, found: PanoramicFound) -> Point:
        """Return where a place of the object, mm from the corner, is in the image."""
        # Both lengths as the balls show them, so a lean of the station is followed.
        up = (self.top[0] - self.corner[0], self.top[1] - self.corner[1])
        along = (self.side[0] - self.corner[0], self.side[1] - self.corner[1])
        a = x_mm * self.across / found.pixel_mm[0] / math.hypot(*along)
        b = -y_mm * self.down / found.pixel_mm[1] / math.hypot(*up)
        return (
            self.corner[0] + a * along[0] + b * up[0],
            self.corner[1] + a * along[1] + b * up[1],
        )


@dataclass(frozen=True, slots=True)
class PanoramicFound:
    """The arch in the image.

    Attributes
    ----------
    pixels
        Of the image, 64-bit.
    pixel_mm
        (across, down).
    stations
        In the order of the description.
    mirrored, bright
        Whether the image shows the arch mirrored; whether balls are brighter than their surround.
    radius_px, u_px
        Of a ball; standard uncertainty of a centroid.
    """

    pixels: Array
    pixel_mm: tuple[float, float]
    stations: tuple[Station, ...]
    mirrored: bool
    bright: bool
    radius_px: float
    u_px: float


def find_arch(image: Image, spec: PanoramicSpec) -> PanoramicFound:
    """Return the arch in the image, or refuse.

    Raises
    ------
    InputError
        Code ``wrong-phantom``.
    """
    dy, dx = image.require_spacing()
    pixels = image.pixels.astype(np.float64)
    radius = spec.ball_radius_mm * _USUAL_MAGNIFICATION / math.sqrt(dx * dy)
    size = max(1, int(radius / _SEARCH_PX))
    small = binned(pixels, size)
    most = 0
    for bright in (True, False):
        search = Search(radius / size, bright, least_share=0.3, most=_MOST_SPOTS)
        spots = peaks(small, search)
        spots[:, :2] = (spots[:, :2] + 0.5) * size - 0.5
        for mirrored in (False, True):
            found = _stations(spots, spec, (dx, dy), mirrored)
            most = max(most, len(found))
            if len(found) != len(spec.stations):
                continue
            fine = _refined(pixels, found, radius, bright)
            if fine is not None and _true_to_size(fine, spec, (dx, dy)):
                return _named(pixels, fine, spec, (dx, dy), mirrored=mirrored, bright=bright,
                              radius_px=radius)  # fmt: skip
    raise InputError(
        f"This is not an image of the {spec.title}, or not all of it is in the image: "
        f"{len(spec.stations)} stations of three balls, true to size and spaced as described, "
        "were not found. Choose the measurement of your own object, or expose again.",
        code="wrong-phantom",
        detail={"expected": spec.key, "stations_like_it": most},
    )


def _stations(
    spots: Array, spec: PanoramicSpec, pixel: tuple[float, float], mirrored: bool
) -> list[tuple[Point, Point, Point]]:
    """Return corner, top and side of each L of balls, from left to right; all on one level.

    Of more than there are stations, those that stand out most.
    """
    places, heights = spots[:, :2], spots[:, 2]
    if len(places) < 3 * len(spec.stations):
        return []
    x, y = places[:, 0] * pixel[0], places[:, 1] * pixel[1]
    dx, dy = x[None, :] - x[:, None], y[None, :] - y[:, None]
    sense = -1 if mirrored else 1
    up, beside = -dy / spec.up_mm, sense * dx / spec.beside_mm
    above = (up > _DOWN[0]) & (up < _DOWN[1]) & (np.abs(dx) < _LEAN * spec.up_mm)
    aside = (beside > _ACROSS[0]) & (beside < _ACROSS[1]) & (np.abs(dy) < _LEAN * np.abs(dx))
    found = []
    for k in range(len(places)):
        tops, sides = np.flatnonzero(above[k]), np.flatnonzero(aside[k])
        if not len(tops) or not len(sides):
            continue
        top = int(tops[np.argmin(np.abs(dx[k, tops]))])
        side = int(sides[np.argmin(np.abs(dx[k, sides]))])
        found.append((k, top, side))
    found.sort(key=lambda f: -float(heights[list(f)].min()))
    found = _on_one_level(found, y, spec)[: len(spec.stations)]
    found.sort(key=lambda f: float(x[f[0]]))
    at: list[Point] = [(float(a), float(b)) for a, b in places]
    return [(at[i], at[j], at[k]) for i, j, k in found]


def _on_one_level(
    found: list[tuple[int, int, int]], y: Array, spec: PanoramicSpec
) -> list[tuple[int, int, int]]:
    """Return the largest set of Ls whose corners stand about equally high and share no ball."""
    best: list[tuple[int, int, int]] = []
    for k, *_ in found:
        near = [f for f in found if abs(y[f[0]] - y[k]) < _LEVEL * spec.up_mm / 2]
        kept: list[tuple[int, int, int]] = []
        used: set[int] = set()
        for f in near:
            if not used & set(f):
                kept.append(f)
                used |= set(f)
        if len(kept) > len(best):
            best = kept
    return best


def _refined(
    pixels: Array, found: Sequence[tuple[Point, Point, Point]], radius: float, bright: bool
) -> list[tuple[Spot, Spot, Spot]] | None:
    fine: list[tuple[Spot, Spot, Spot]] = []
    for balls in found:
        spots = [measured(pixels, *ball, radius, bright=bright) for ball in balls]
        there = [s for s in spots if s is not None]
        if len(there) < 3:
            return None
        fine.append((there[0], there[1], there[2]))
    heights = np.array([abs(s.height) for balls in fine for s in balls])
    # Balls of one size and metal stand out alike.
    if heights.min() < _ALIKE * np.median(heights):
        return None
    return fine


def _true_to_size(
    fine: Sequence[tuple[Spot, Spot, Spot]], spec: PanoramicSpec, pixel: tuple[float, float]
) -> bool:
    """Return whether balls are as wide and high, and stations as far apart, as their Ls say."""
    downs, acrosses = [], []
    for corner, top, side in fine:
        down = math.hypot((top.x - corner.x) * pixel[0], (top.y - corner.y) * pixel[1])
        across = math.hypot((side.x - corner.x) * pixel[0], (side.y - corner.y) * pixel[1])
        downs.append(down / spec.up_mm)
        acrosses.append(across / spec.beside_mm)
        for ball in (corner, top, side):
            wide = ball.wide * pixel[0] / (2 * spec.ball_radius_mm * acrosses[-1])
            high = ball.high * pixel[1] / (2 * spec.ball_radius_mm * downs[-1])
            if not (_SIZE[0] < wide < _SIZE[1] and _SIZE[0] < high < _SIZE[1]):
                return False
    for k, (one, two) in enumerate(pairwise(fine)):
        apart = (two[0].x - one[0].x) * pixel[0]
        said = spec.spacing_mm * (acrosses[k] + acrosses[k + 1]) / 2
        if abs(apart / said - 1) > _APART:
            return False
    return True


def _named(
    pixels: Array, fine: Sequence[tuple[Spot, Spot, Spot]], spec: PanoramicSpec,
    pixel: tuple[float, float], *, mirrored: bool, bright: bool, radius_px: float,
) -> PanoramicFound:  # fmt: skip
    # A centroid of many pixels of high contrast is known to a few hundredths of a pixel.
    u_px = 0.05
    names = spec.stations[::-1] if mirrored else spec.stations
    stations = {}
    for name, (corner, top, side) in zip(names, fine, strict=True):
        down = math.hypot((top.x - corner.x) * pixel[0], (top.y - corner.y) * pixel[1])
        across = math.hypot((side.x - corner.x) * pixel[0], (side.y - corner.y) * pixel[1])
        u = (
            math.sqrt(2) * u_px * pixel[0] / spec.beside_mm,
            math.sqrt(2) * u_px * pixel[1] / spec.up_mm,
        )
        stations[name] = Station(
            name, (corner.x, corner.y), (top.x, top.y), (side.x, side.y),
            across / spec.beside_mm, down / spec.up_mm, u,
        )  # fmt: skip
    return PanoramicFound(
        pixels, pixel, tuple(stations[n] for n in spec.stations), mirrored, bright, radius_px, u_px
    )
