"""Find the square grid of lines of a contrast-detail phantom at any angle, and fit it.

The reduced image is transformed; lines one pitch apart make a row of peaks along each of two
directions at right angles. The sides of the cells are then looked for one by one, and the lattice
is fitted to the sides found at full resolution.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from kerma.core import AnalysisError, Image
from kerma.imaging.tools.statistics import robust_sd
from kerma.imaging.tools.untyped import ndimage

Array = npt.NDArray[np.floating[Any]]
Flags = npt.NDArray[np.bool_]

STAGE = "find grid"
# Sides of a cell looked for, at the detector. Design choice: half and double of any of them lie
# outside, so a grid cannot be taken for its own every second line.
PITCHES_MM = (6.2, 12.0)
_REDUCED_MM = 0.3
_SMOOTH_MM = 2.5
_HARMONICS = np.arange(1, 7)
_PADDED = 2048
# Cells looked for to either side of the middle of the image, in half cells.
REACH = 40
_SIDE_SAMPLES = np.linspace(0.1, 0.9, 16)
_BESIDE = 0.16
# A side counts as drawn when it has this share of the contrast of clear ones, more where noise is
# strong. Design choices.
_DRAWN, _MOST_DRAWN = 0.4, 0.5
# Share of the clear sides that must lie on one lattice. Design choice.
_ON_LATTICE = 0.75
# Sides any phantom of this kind has at least.
_SURELY = 200


@dataclass(frozen=True, slots=True, eq=False)
class Lattice:
    """A place (i, j), in cells, lies at origin + i across + j down; (x, y) in pixels."""

    origin: Array
    across: Array
    down: Array

    def at(self, i: Any, j: Any) -> tuple[Array, Array]:
        """Return column and row of places in the lattice."""
        i, j = np.asarray(i, dtype=float), np.asarray(j, dtype=float)
        x, y = (self.origin[k] + i * self.across[k] + j * self.down[k] for k in (0, 1))
        return x, y

    def scaled(self, factor: float, shift: float) -> Lattice:
        """Return the same lattice in an image whose pixels are `factor` times as many."""
        return Lattice(self.origin * factor + shift, self.across * factor, self.down * factor)


@dataclass(frozen=True, slots=True, eq=False)
class Sides:
    """Sides of cells drawn, at half-cell places -REACH to REACH.

    Attributes
    ----------
    across, down
        Contrast of the side from (i, j) one cell across or down, as a share of a clear side's;
        index [j, i].
    limit
        A side above it is drawn.
    """

    across: Array
    down: Array
    limit: float

    def cells(self) -> Flags:
        """Return where three or four sides of a cell are drawn, by its first corner [j, i]."""
        a, d = self.across > self.limit, self.down > self.limit
        sides = a.astype(int) + d
        sides[:-2] += a[2:]
        sides[:, :-2] += d[:, 2:]
        sides[-2:], sides[:, -2:] = 0, 0
        return np.asarray(sides >= 3)


@dataclass(frozen=True, slots=True, eq=False)
class Found:
    """A grid in an image.

    Attributes
    ----------
    lattice
        In pixels of the image.
    cells
        As `Sides.cells`.
    sign
        +1 when the lines are brighter than what is beside them, else -1.
    u_px
        Standard uncertainty of a place in the lattice, from the scatter of the sides.
    """

    lattice: Lattice
    cells: Flags
    sign: float
    u_px: float


def find_grid(image: Image, like: Found | None = None) -> Found:
    """Find the grid; quickly when it lies almost as in another image of the same detector.

    Raises
    ------
    AnalysisError
        Stage ``find grid``, code ``wrong-phantom``: there is none.
    """
    dy, dx = image.require_spacing()
    if abs(dy - dx) > 0.01 * dx:
        raise AnalysisError(
            "The pixels of this image are not square, which no mammography detector's are. Export "
            "the image as acquired.",
            stage=STAGE,
            code="pixels-not-square",
        )
    factor = max(1, round(_REDUCED_MM / dx))
    small = _flattened(reduced(image.pixels, factor), dx * factor)
    if like is not None:
        across = like.lattice.across
        angle = math.atan2(across[1], across[0])
        try:
            found = _found(image.pixels, small, factor, angle, math.hypot(*across) / factor)
        except AnalysisError:
            found = None
        # As many cells as there: nothing was missed by taking its angle and pitch.
        if found is not None and found.cells.sum() >= 0.97 * like.cells.sum():
            return found
    return _found(image.pixels, small, factor, *_directions(small, dx * factor))


def _found(pixels: Array, small: Array, factor: int, angle: float, pitch: float) -> Found:
    rough, sign = _phases(small, angle, pitch)
    sides = _sides(small * sign, rough)
    if int(sides.cells().sum()) < 60:
        raise no_grid()
    lattice = rough.scaled(float(factor), (factor - 1) / 2)
    for _ in range(2):
        lattice, u, kept = _fitted(pixels, lattice, sides, sign)
    if kept < _ON_LATTICE:
        raise no_grid()
    rough = lattice.scaled(1 / factor, -(factor - 1) / 2 / factor)
    return Found(lattice, _sides(small * sign, rough).cells(), sign, u)


def no_grid() -> AnalysisError:
    """Return the refusal of an image without a grid."""
    return AnalysisError(
        "No square grid of lines was found in this image, so it does not show a CDMAM phantom. "
        "Choose the images of the phantom, with all of it in the field.",
        stage=STAGE,
        code="wrong-phantom",
    )


def reduced(pixels: Array, factor: int) -> Array:
    """Return the means of blocks of `factor` x `factor` pixels."""
    rows, columns = (n // factor for n in pixels.shape)
    cut = pixels[: rows * factor, : columns * factor]
    found = np.zeros((rows, columns))
    for k in range(factor):  # in strips: a reshape to four axes is slower
        strip = cut[k::factor].astype(np.float64)
        found += strip.reshape(rows, columns, factor).sum(axis=2)
    return found / factor**2


def _flattened(small: Array, pixel_mm: float) -> Array:
    """Take slow changes away and hold edges and markers to a few times the usual scatter."""
    size = max(3, round(_SMOOTH_MM / pixel_mm))
    fine = small - ndimage.uniform_filter(small, 2 * size + 1, mode="nearest")
    scale = robust_sd(fine)
    if scale <= 0:
        raise no_grid()
    limit = 8.0 * scale
    return np.asarray(np.clip(fine, -limit, limit) / scale)


def _directions(small: Array, pixel_mm: float) -> tuple[float, float]:
    """Return the angle of one direction of the lattice (radians) and the pitch in pixels.

    Amplitudes at the first harmonics of each pitch, along each angle and at right angles to it,
    each divided by the usual amplitude at its frequency.
    """
    window = np.outer(*(np.hanning(n + 2)[1:-1] for n in small.shape))
    spectrum = np.abs(np.fft.rfft2(small * window, (_PADDED, _PADDED)))
    radius = np.arange(1, _PADDED // 2)
    usual = np.array([np.median(spectrum[r, : min(r, 256)]) for r in radius])
    usual = ndimage.median_filter(usual, 31, mode="nearest")

    def score(angles: Array, pitches: Array) -> Array:
        f = _HARMONICS[None, None, :] * _PADDED / pitches[None, :, None]
        total = np.zeros((2, len(angles), len(pitches)))
        for turn in (0, 1):
            a = angles[:, None, None] + turn * math.pi / 2
            u, v = f * np.cos(a), f * np.sin(a)
            v = np.where(u < 0, -v, v)
            u = np.abs(u)
            inside = f < _PADDED / 2 - 2
            rows = np.rint(np.where(inside, v, 0)).astype(int) % _PADDED
            columns = np.rint(np.where(inside, u, 0)).astype(int)
            level = usual[np.clip(np.rint(f).astype(int) - 1, 0, len(usual) - 1)]
            here = np.where(inside, spectrum[rows, columns] / level, 0.0)
            # A strong harmonic alone (a grid of the unit, a moiré) must not decide.
            total[turn] = np.sqrt(here).sum(axis=2)
        return np.asarray(np.minimum(total[0], total[1]))

    low, high = (mm / pixel_mm for mm in PITCHES_MM)
    angles = np.arange(0.0, math.pi / 2, math.radians(0.1))
    pitches = np.geomspace(low, high, 400)
    rough = score(angles, pitches)
    i, k = np.unravel_index(int(rough.argmax()), rough.shape)
    fine_angles = angles[i] + np.radians(np.linspace(-0.15, 0.15, 31))
    fine_pitches = pitches[k] * np.linspace(0.997, 1.003, 31)
    fine = score(fine_angles, fine_pitches)
    weight = np.where(fine >= 0.98 * fine.max(), 1.0, 0.0)
    angle = float((weight.sum(axis=1) * fine_angles).sum() / weight.sum())
    pitch = float((weight.sum(axis=0) * fine_pitches).sum() / weight.sum())
    return angle, pitch


def _phases(small: Array, angle: float, pitch: float) -> tuple[Lattice, float]:
    """Return the lattice through the lines, near the middle of the image, and their sign."""
    rows, columns = small.shape
    y, x = np.indices(small.shape, dtype=float)
    middle = np.array([(columns - 1) / 2, (rows - 1) / 2])
    profiles = []
    for turn in (0.0, math.pi / 2):
        n = np.array([math.cos(angle + turn), math.sin(angle + turn)])
        u = ((x - middle[0]) * n[0] + (y - middle[1]) * n[1]) / pitch
        bins = (np.floor((u % 1.0) * 48)).astype(int) % 48
        profile = np.bincount(bins.ravel(), small.ravel(), 48) / np.bincount(bins.ravel(), None, 48)
        profiles.append((n, profile - np.median(profile)))
    both = np.concatenate([p for _, p in profiles])
    sign = float(np.sign(both[np.abs(both).argmax()]))
    origin = middle.copy()
    for n, profile in profiles:
        k = int((sign * profile).argmax())
        near = np.array([profile[(k + s) % 48] for s in (-1, 0, 1)]) * sign
        near = np.maximum(near, 0.0)
        shift = float((near * [-1, 0, 1]).sum() / near.sum()) if near.sum() > 0 else 0.0
        origin = origin + n * pitch * ((k + 0.5 + shift) / 48)
    (a, _), (b, _) = profiles
    return Lattice(origin, a * pitch, b * pitch), sign


def _sides(small: Array, lattice: Lattice) -> Sides:
    """Return the contrast of every side of a cell; zero where it leaves the image."""
    half = np.arange(-REACH, REACH + 1) / 2
    i, j = np.meshgrid(half, half)
    t = _SIDE_SAMPLES

    # Three lines of samples take up all of a line wherever it lies between pixels.
    narrow = 0.7 / math.hypot(*lattice.across)
    places = ((-_BESIDE, -0.5), (-narrow, 1 / 3), (0.0, 1 / 3), (narrow, 1 / 3), (_BESIDE, -0.5))

    def strength(along: tuple[int, int], beside: tuple[int, int]) -> Array:
        lines = [
            lattice.at(
                i[..., None] + along[0] * t + beside[0] * away,
                j[..., None] + along[1] * t + beside[1] * away,
            )
            for away, _ in places
        ]
        inside = np.ones(i.shape, dtype=bool)
        for x, y in lines:
            inside &= ((x >= 0) & (x < small.shape[1]) & (y >= 0) & (y < small.shape[0])).all(-1)
        total = np.zeros((int(inside.sum()), 2))
        for (x, y), (_, weight) in zip(lines, places, strict=True):
            samples = ndimage.map_coordinates(
                small, (y[inside], x[inside]), order=1, mode="nearest"
            )
            total += weight * samples.reshape(len(total), 2, -1).mean(axis=-1)
        # The weaker half decides: a line that ends in the middle of a side is not its line.
        found = np.zeros(i.shape)
        found[inside] = total.min(axis=-1)
        return found

    across, down = strength((1, 0), (0, 1)), strength((0, 1), (1, 0))
    both = np.concatenate([across.ravel(), down.ravel()])
    clear = float(np.median(np.sort(both)[-_SURELY:]))
    if clear <= 0:
        raise no_grid()
    # Half a cell off, along and across, lies no line of a plain grid, nor most of one with gaps.
    odd = (np.arange(2 * REACH + 1) % 2) == 1
    empty = [across[np.ix_(odd, ~odd)], down[np.ix_(~odd, odd)]]
    noise = min(robust_sd(e[e != 0.0]) for e in empty) / clear
    return Sides(across / clear, down / clear, min(max(_DRAWN, 4.0 * noise), _MOST_DRAWN))


def _fitted(
    pixels: Array, lattice: Lattice, sides: Sides, sign: float
) -> tuple[Lattice, float, float]:
    """Fit origin and both directions to the places of the sides found, without outliers.

    Returns the lattice, the standard uncertainty of a place in it and the share of clear sides
    that lie on it.
    """
    pitch = math.hypot(*lattice.across)
    window = max(4, round(0.09 * pitch))
    offsets = np.arange(-window, window + 1)
    rows, values, weights = [], [], []
    for strength, along in ((sides.across, (1, 0)), (sides.down, (0, 1))):
        at = np.argwhere(strength > sides.limit)
        if not len(at):
            raise no_grid()
        i, j = (at[:, 1] - REACH) / 2, (at[:, 0] - REACH) / 2
        direction = lattice.across if along == (1, 0) else lattice.down
        n = np.array([-direction[1], direction[0]]) / math.hypot(*direction)
        t = np.linspace(0.15, 0.85, max(8, round(0.5 * pitch)))
        x, y = lattice.at(i[:, None] + along[0] * t, j[:, None] + along[1] * t)
        xs, ys = x[:, :, None] + n[0] * offsets, y[:, :, None] + n[1] * offsets
        profile = sign * ndimage.map_coordinates(
            pixels, (ys, xs), order=1, mode="nearest", output=np.float64
        ).mean(axis=1)
        shift, good = _centroids(profile, offsets)
        mi, mj = i + along[0] / 2, j + along[1] / 2
        x, y = lattice.at(mi, mj)
        place = n[0] * x + n[1] * y + shift
        rows.append(np.column_stack([n[0] * np.ones_like(mi), n[1] * np.ones_like(mi),
                                     mi * n[0], mi * n[1], mj * n[0], mj * n[1]]))  # fmt: skip
        values.append(place)
        weights.append(good)
    design, place, kept = np.vstack(rows), np.concatenate(values), np.concatenate(weights)
    clear = int(kept.sum())
    for _ in range(4):
        if kept.sum() < 40:
            raise no_grid()
        solved = np.linalg.lstsq(design[kept], place[kept], rcond=None)[0]
        residual = place - design @ solved
        scale = robust_sd(residual[kept])
        kept = kept & (np.abs(residual) <= max(4.0 * scale, 0.05))
    u = scale * math.sqrt(6.0 / int(kept.sum()))
    near = np.abs(residual) < max(0.5, 0.02 * pitch)
    share = int((kept & near).sum()) / clear
    return Lattice(solved[0:2], solved[2:4], solved[4:6]), float(u), share


def _centroids(profile: Array, offsets: npt.NDArray[np.intp]) -> tuple[Array, Flags]:
    """Return where the line lies in each profile, and whether it is clear."""
    edge = max(2, len(offsets) // 6)
    base = (profile[:, :edge].mean(axis=1) + profile[:, -edge:].mean(axis=1)) / 2
    height = profile - base[:, None]
    peak = height.argmax(axis=1)
    top = height.max(axis=1)
    noise = 1.0484 * np.median(np.abs(np.diff(profile, axis=1)), axis=1)
    cut = np.clip(height - 0.3 * top[:, None], 0.0, None)
    # Only what hangs together with the peak: a disc near the line does not pull it.
    reach = max(2, len(offsets) // 5)
    cut[np.abs(offsets[None, :] - offsets[peak][:, None]) > reach] = 0.0
    total = cut.sum(axis=1)
    shift = np.where(total > 0, (cut * offsets).sum(axis=1) / np.where(total > 0, total, 1), 0.0)
    inner = np.abs(offsets[peak]) < offsets[-1] - edge
    return shift, (top > 4.0 * noise) & inner & (total > 0)
