"""Which phantom a grid belongs to, and how it lies: any quarter turn, mirrored or not."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from kerma.core import AnalysisError, Image
from kerma.imaging.mammography._cdmam_discs import (
    Background,
    Filters,
    Setting,
    background,
    signals,
)
from kerma.imaging.mammography._cdmam_grid import REACH, Found, Lattice, find_grid
from kerma.imaging.mammography._cdmam_settle import settled
from kerma.imaging.mammography._cdmam_spec import CdmamSpec, Matrix, load_spec

Array = npt.NDArray[np.floating[Any]]

STAGE = "identify phantom"
KEYS = ("cdmam34", "cdmam40")
# Share of cells drawn or described that are both. A square of 16 x 16 cells has 0.80 in common with
# a CDMAM 3.4. Arrangements within `_TIE` of the best are told apart by their discs. Design choices.
_AGREE = 0.90
_TIE = 0.03
# Square of the cosine between the signals of the middle discs and those expected of the phantom,
# both compressed by a square root; bare grids stay under 0.2.
_LIKE = 0.45
_LEAD = 0.08
# Cosine of five degrees: images of a series lie no further turned.
_NEARLY = 0.996
_TURNS = [
    np.array([[a, b], [c, d]], dtype=float)
    for a, b, c, d in (
        (1, 0, 0, 1), (0, -1, 1, 0), (-1, 0, 0, -1), (0, 1, -1, 0),
        (-1, 0, 0, 1), (0, 1, 1, 0), (1, 0, 0, -1), (0, -1, -1, 0),
    )
]  # fmt: skip


@dataclass(frozen=True, slots=True, eq=False)
class Placed:
    """A phantom recognised and placed in an image.

    Attributes
    ----------
    setting
        Where everything is.
    ground
        The background beside the discs.
    sign
        -1 when discs are darker than what is beside them.
    agreement, likeness
        Share of cells as described; square of the cosine of the discs' signals to the expected.
    mirrored
        Whether the image shows the description's drawing mirrored.
    turn_deg
        Angle of the rows of the matrix to the rows of the image, clockwise as displayed.
    u_px
        Standard uncertainty of a place.
    scale
        Magnification the discs were looked for at.
    shift_px
        From where the lines say to where the discs are, (x, y).
    grid
        The grid found; ``None`` when it was set by hand.
    """

    setting: Setting
    ground: Background
    sign: float
    agreement: float
    likeness: float
    mirrored: bool
    turn_deg: float
    u_px: float
    scale: float
    shift_px: tuple[float, float]
    grid: Found | None

    def with_offset(self, offset: float) -> Placed:
        """Return the same with the second discs at another distance from the middles, in cells."""
        return replace(self, setting=replace(self.setting, offset=offset))


@dataclass(frozen=True, slots=True, eq=False)
class _Candidate:
    spec: CdmamSpec
    matrix: Matrix
    turn: Array
    lattice: Lattice
    agreement: float

    @property
    def mirrored(self) -> bool:
        return float(np.linalg.det(self.turn)) < 0

    @property
    def turn_deg(self) -> float:
        return math.degrees(math.atan2(self.lattice.across[1], self.lattice.across[0]))


def place(
    image: Image, spec: CdmamSpec, filters: Filters, *, magnification: float | None = None,
    blur_mm: float = 0.05, by_hand: tuple[float, ...] | None = None, like: Placed | None = None,
) -> Placed:  # fmt: skip
    """Find the phantom in an image, prove that it is this one, and find how it lies.

    Parameters
    ----------
    image, spec, filters
        The image; the phantom it must be; filters, kept from image to image.
    magnification
        Of the discs; else from the pitch of the cells, else from the header, else 1.
    blur_mm
        Standard deviation of the blur the filters expect.
    by_hand
        Middle of the matrix, step of a cell towards thicker discs and towards smaller ones, as six
        numbers in pixels, in place of the search for the grid.
    like
        The phantom placed in another image of the series, which is probably much the same.

    Raises
    ------
    AnalysisError
        Code ``wrong-phantom``.
    """
    pixel_mm = image.require_spacing()[1]
    found = None
    if by_hand is None:
        found = find_grid(image, like.grid if like else None)
        candidates = list(_candidates(found, spec))
        best = max(c.agreement for c in candidates)
        if best < _AGREE:
            raise _wrong(found, spec, best)
        close, u_px = [c for c in candidates if c.agreement >= best - _TIE], found.u_px
    else:
        close, u_px = list(_by_hand(spec, by_hand)), 0.5
    pitch_mm = math.hypot(*close[0].lattice.across) * pixel_mm
    scale = magnification or _scale(image, spec, pitch_mm)
    look = _Look(image, filters, scale, pixel_mm, blur_mm)
    first = _as_before(look, close, like) or _best(look, close)
    setting, shift = settled(image, first.setting, first.ground, filters, first.sign)
    return replace(
        first, setting=setting, ground=background(image.pixels, setting), shift_px=shift,
        u_px=u_px, grid=found,
    )  # fmt: skip


def _as_before(look: _Look, close: list[_Candidate], like: Placed | None) -> Placed | None:
    """Return the placing that lies as in the image before, when it is as like the phantom."""
    if like is None:
        return None
    for candidate in close:
        same = candidate.matrix is like.setting.matrix and candidate.mirrored == like.mirrored
        turned = math.radians(candidate.turn_deg - like.turn_deg)
        if same and math.cos(turned) > _NEARLY:
            placed = _likeness(look, candidate)
            # The other way the cells would fit is far less like it.
            return placed if placed.likeness > 0.9 * like.likeness else None
    return None


def _best(look: _Look, close: list[_Candidate]) -> Placed:
    judged = sorted((_likeness(look, c) for c in close), key=lambda item: -item.likeness)
    first = judged[0]
    others = [j for j in judged[1:] if j.turn_deg != first.turn_deg or j.mirrored != first.mirrored]
    second = others[0].likeness if others else 0.0
    if first.likeness < _LIKE or first.likeness - second < _LEAD:
        raise AnalysisError(
            f"The grid is that of a {close[0].spec.title}, but its discs do not show as they must: "
            "they cannot be seen, or the image is of another object. Check the exposure and that "
            "the phantom is whole.",
            stage=STAGE,
            code="wrong-phantom",
            detail={"likeness": first.likeness, "second": second},
        )
    return first


def _scale(image: Image, spec: CdmamSpec, pitch_mm: float) -> float:
    if spec.pitch_mm is not None:
        return round(pitch_mm / spec.pitch_mm, 3)
    stated = image.facts.get("EstimatedRadiographicMagnificationFactor")
    return float(stated) if isinstance(stated, int | float) and 1.0 < stated < 2.5 else 1.0


def _by_hand(spec: CdmamSpec, given: tuple[float, ...]) -> Iterator[_Candidate]:
    middle, across, down = (np.array(given[k : k + 2]) for k in (0, 2, 4))
    for matrix in spec.matrices:
        origin = middle - across * matrix.size[0] / 2 - down * matrix.size[1] / 2
        turn = np.column_stack([across, down]) / math.hypot(*across)
        yield _Candidate(spec, matrix, turn, Lattice(origin, across, down), 1.0)


def searched(image: Image, placed: Placed, filters: Filters, search_mm: float) -> Array:
    """Return the signals of all places, discs positive; the greatest within `search_mm` of each.

    Shape (5, cells); see `signals`.
    """
    setting = placed.setting
    reach = search_mm / setting.pixel_mm
    steps = np.arange(-math.floor(2 * reach), math.floor(2 * reach) + 1) / 2
    best: Array | None = None
    for dx in steps:
        for dy in steps:
            if math.hypot(dx, dy) > reach:
                continue
            shift = (np.full(len(setting.matrix), dx), np.full(len(setting.matrix), dy))
            here = placed.sign * signals(image.pixels, setting, placed.ground, filters, shift)
            best = here if best is None else np.maximum(best, here)
    assert best is not None  # the place itself is always tried
    return best


def _candidates(found: Found, spec: CdmamSpec) -> Iterator[_Candidate]:
    """Yield every arrangement of the phantom in every way it may lie, with the best shift."""
    size = 256
    seen = np.fft.rfft2(found.cells.astype(float), (size, size))
    drawn = int(found.cells.sum())
    for matrix in spec.matrices:
        # Half cells about the middle of the matrix.
        x, y = matrix.x - matrix.size[0] / 2, matrix.y - matrix.size[1] / 2
        for turn in _TURNS:
            tx, ty = turn[0, 0] * x + turn[0, 1] * y, turn[1, 0] * x + turn[1, 1] * y
            i, j = (
                np.rint(2 * (tx - tx.min())).astype(int),
                np.rint(2 * (ty - ty.min())).astype(int),
            )
            pattern = np.zeros((size, size))
            pattern[j, i] = 1.0
            common = np.fft.irfft2(seen * np.conj(np.fft.rfft2(pattern)), (size, size))
            at = int(common.argmax())
            down, across = np.unravel_index(at, common.shape)
            both = float(common.flat[at])
            sj, si = (int(s) if s < size // 2 else int(s) - size for s in (down, across))
            # First corner of the first cell, in cells of the lattice found.
            first_i = (si - REACH) / 2 + 0.5 - float(tx.min())
            first_j = (sj - REACH) / 2 + 0.5 - float(ty.min())
            yield _Candidate(
                spec, matrix, turn,
                _turned(found.lattice, turn, (first_i, first_j), matrix),
                both / (drawn + len(matrix) - both),
            )  # fmt: skip


def _turned(lattice: Lattice, turn: Array, middle: tuple[float, float], matrix: Matrix) -> Lattice:
    """Return the lattice in the phantom's own order, its origin at the matrix' corner."""
    across = lattice.across * turn[0, 0] + lattice.down * turn[1, 0]
    down = lattice.across * turn[0, 1] + lattice.down * turn[1, 1]
    x, y = lattice.at(*middle)
    centre = np.array([float(x), float(y)])
    return Lattice(centre - across * matrix.size[0] / 2 - down * matrix.size[1] / 2, across, down)


def _wrong(found: Found, spec: CdmamSpec, best: float) -> AnalysisError:
    others = {
        key: max(c.agreement for c in _candidates(found, load_spec(key)))
        for key in KEYS
        if key != spec.key
    }
    seen = int(found.cells.sum())
    like = [load_spec(key).title for key, share in others.items() if share >= _AGREE]
    hint = (
        f"It is the grid of a {like[0]}: use that measurement."
        if like
        else "It may be another phantom, or part of it lies outside the image."
    )
    return AnalysisError(
        f"This image does not show a whole {spec.title}: of the cells drawn ({seen}) and expected "
        f"({spec.cells}), {100 * best:.0f} % fall together. {hint}",
        stage=STAGE,
        code="wrong-phantom",
        detail={"agreement": best, "cells": seen},
    )


@dataclass(frozen=True, slots=True, eq=False)
class _Look:
    image: Image
    filters: Filters
    scale: float
    pixel_mm: float
    blur_mm: float


def _likeness(look: _Look, candidate: _Candidate) -> Placed:
    spec, matrix = candidate.spec, candidate.matrix
    diameter = spec.diameters_mm[matrix.row]
    setting = Setting(
        matrix, candidate.lattice, diameter * look.scale / look.pixel_mm, look.pixel_mm,
        spec.corner_offset, look.blur_mm / look.pixel_mm,
    )  # fmt: skip
    ground = background(look.image.pixels, setting)
    middle = signals(look.image.pixels, setting, ground, look.filters)[0]
    thickness = spec.thickness_um[matrix.row, matrix.column]
    # Signal in proportion to thickness and, in white noise, to the diameter.
    expected = np.sqrt(thickness * diameter)
    known = np.isfinite(expected) & np.isfinite(middle)
    seen, wanted = np.sign(middle[known]) * np.sqrt(np.abs(middle[known])), expected[known]
    product = float((seen * wanted).sum())
    cosine = product**2 / max(1e-12, float((seen**2).sum() * (wanted**2).sum()))
    return Placed(
        setting, ground, math.copysign(1.0, product), candidate.agreement, cosine,
        candidate.mirrored, candidate.turn_deg, 0.0, look.scale, (0.0, 0.0), None,
    )  # fmt: skip
