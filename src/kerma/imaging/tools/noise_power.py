"""Noise power spectra: half-overlapped squares, slow trend removed, averaged periodograms.

Source: IEC 62220-1-1:2015 (squares of 256 pixels, half overlapped; two-dimensional second-order
polynomial removed; cuts from seven rows or columns on each side of an axis, the axis left out).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from kerma.core import AnalysisError, InputError
from kerma.imaging.tools.regions import Rectangle

Array = npt.NDArray[np.floating[Any]]
Mask = npt.NDArray[np.bool_]

CUT_ROWS = 7
# The two sides of Parseval's theorem are one sum in another order: only rounding may part them.
_PARSEVAL_TOLERANCE = 1e-9


def detrended(pixels: Array) -> Array:
    """Return the pixels without their two-dimensional second-order polynomial (least squares).

    Works on the last two axes. The polynomial 1, x, y, x², xy, y² is taken in discrete
    orthonormal form, so no system of equations is solved.
    """
    down, across = (_polynomials(n) for n in pixels.shape[-2:])
    weights = down.T @ pixels @ across
    order = np.add.outer(np.arange(3), np.arange(3))
    return np.asarray(pixels - down @ np.where(order <= 2, weights, 0.0) @ across.T)


def _polynomials(length: int) -> Array:
    """Return the orthonormal polynomials of degree 0 to 2 on `length` points; (length, 3)."""
    x = np.linspace(-1.0, 1.0, length)
    found, _ = np.linalg.qr(np.column_stack((np.ones(length), x, x**2)))
    return np.asarray(found)


@dataclass(frozen=True, slots=True)
class Band:
    """A one-dimensional spectrum: frequency (1/mm), value and standard uncertainty (mm²)."""

    frequency_per_mm: Array
    value: Array
    u: Array

    def at(self, frequency_per_mm: float) -> tuple[float, float]:
        """Return value and standard uncertainty at one frequency, by linear interpolation."""
        return (
            float(np.interp(frequency_per_mm, self.frequency_per_mm, self.value)),
            float(np.interp(frequency_per_mm, self.frequency_per_mm, self.u)),
        )


@dataclass(frozen=True, slots=True, eq=False)
class NoisePower:
    """A normalised noise power spectrum, on the half plane of distinct frequencies.

    Attributes
    ----------
    value
        NNPS in mm², shape (size, size / 2 + 1): rows are frequencies down the columns, in the
        order of the discrete Fourier transform; columns are frequencies across, from 0.
    size
        Side of the squares, in pixels.
    spacing_mm
        (row, column) spacing.
    mean, variance
        Mean of the pixels, and variance of the pixels about the polynomial.
    parseval
        Integral of the spectrum over the relative variance of the pixels: 1 but for rounding.
    squares
        Number of squares.
    independent_pixels
        Pixels that lie in any square, counted once.
    independent_one, independent_many
        How many independent periodograms the overlapping squares are worth: for a single
        frequency, and for a mean over many neighbouring frequencies.
    """

    value: Array
    size: int
    spacing_mm: tuple[float, float]
    mean: float
    variance: float
    parseval: float
    squares: int
    independent_pixels: int
    independent_one: float
    independent_many: float

    @property
    def step_per_mm(self) -> tuple[float, float]:
        """Return the distance between frequencies (down, across)."""
        dy, dx = self.spacing_mm
        return 1.0 / (self.size * dy), 1.0 / (self.size * dx)

    @property
    def down_per_mm(self) -> Array:
        """Return the frequencies of the rows, negative ones included."""
        return np.asarray(np.fft.fftfreq(self.size, self.spacing_mm[0]))

    @property
    def across_per_mm(self) -> Array:
        """Return the frequencies of the columns, from 0."""
        return np.asarray(np.fft.rfftfreq(self.size, self.spacing_mm[1]))

    @property
    def integral(self) -> float:
        """Integral over the whole plane: the relative variance of the pixels."""
        weight = np.full(self.value.shape[1], 2.0)
        weight[[0, -1]] = 1.0
        down, across = self.step_per_mm
        return float((self.value @ weight).sum()) * down * across

    def cut(self, axis: str) -> Band:
        """Return the spectrum along an axis from the seven rows on each side, axis left out.

        Each frequency sample counts at its distance from zero, sqrt(u² + v²), in bins as wide as
        the spectrum's own step along the axis (design choice; the standard's width is coarser).
        """
        rows, columns = self._indices()
        along, beside = (columns, rows) if axis == "x" else (rows, columns)
        near = (np.abs(beside) >= 1) & (np.abs(beside) <= CUT_ROWS) & (along != 0)
        pitch = self.spacing_mm[1] if axis == "x" else self.spacing_mm[0]
        return self._binned(near, self.step_per_mm[1 if axis == "x" else 0], 0.5 / pitch)

    def radial(self) -> Band:
        """Return the mean over all directions, both axes left out, to the lower Nyquist."""
        rows, columns = self._indices()
        return self._binned(
            (rows != 0) & (columns != 0), max(self.step_per_mm), 0.5 / max(self.spacing_mm)
        )

    def on_axis(self, axis: str) -> Band:
        """Return the spectrum on the axis itself, where grids and line noise show."""
        half = self.size // 2
        value = self.value[0, 1:] if axis == "x" else self.value[1 : half + 1, 0]
        frequency = (np.arange(half) + 1) * self.step_per_mm[1 if axis == "x" else 0]
        return Band(frequency, value, value / np.sqrt(self.independent_one))

    def plane(self, bins: int) -> tuple[Array, Array, Array]:
        """Return frequencies across and down and the map, averaged to `bins` x `bins`.

        The map covers the whole plane, frequency zero in the middle.
        """
        n, half = self.size, self.size // 2
        whole = np.empty((n, n))
        whole[:, : half + 1] = self.value
        # W(-u, -v) = W(u, v): pixels are real.
        whole[:, half + 1 :] = self.value[(-np.arange(n)) % n][:, half - 1 : 0 : -1]
        block = n // bins
        shown = np.fft.fftshift(whole).reshape(bins, block, bins, block).mean(axis=(1, 3))
        middle = ((np.arange(n) - half).reshape(bins, block)).mean(axis=1)
        down, across = self.step_per_mm
        return middle * across, middle * down, shown

    def _indices(self) -> tuple[Array, Array]:
        rows = np.rint(np.fft.fftfreq(self.size) * self.size)
        columns = np.arange(self.size // 2 + 1, dtype=float)
        down, across = np.broadcast_arrays(rows[:, None], columns[None, :])
        return down, across

    def _binned(self, chosen: Mask, step: float, nyquist: float) -> Band:
        distance = np.hypot(self.down_per_mm[:, None], self.across_per_mm[None, :])
        index = np.rint(distance / step).astype(int)[chosen]
        bins = round(nyquist / step) + 1
        inside = index < bins
        count = np.bincount(index[inside], minlength=bins).astype(float)
        total = np.bincount(index[inside], self.value[chosen][inside], minlength=bins)
        where = np.bincount(index[inside], distance[chosen][inside], minlength=bins)
        filled = count > 0
        count = count[filled]
        value = total[filled] / count
        # A periodogram scatters by as much as its value; neighbours of overlapping squares are
        # correlated, which the smaller count of independent squares allows for (safe side).
        independent = np.where(
            count > 1, count * self.independent_many, count * self.independent_one
        )
        return Band(where[filled] / count, value, value / np.sqrt(independent))


def measure(
    fields: Sequence[tuple[Array, Rectangle]], spacing_mm: tuple[float, float], size: int
) -> NoisePower:
    """Measure the normalised noise power spectrum of flat fields of one exposure.

    W(u, v) = dx dy / (M N²) sum |FFT(field - polynomial)|², NNPS = W / mean², over M squares of N
    pixels, half overlapped. The six degrees of freedom the polynomial takes are not given back
    (6 of 65 536; they lower the few frequencies nearest zero).

    Parameters
    ----------
    fields
        Pixels (linear in air kerma) and the rectangle of each to use.
    spacing_mm
        (row, column).
    size
        N, even.

    Raises
    ------
    InputError
        Code ``region-too-small``, ``no-signal``.
    AnalysisError
        Code ``parseval``: spectrum and pixels disagree on the variance.
    """
    power = np.zeros((size, size // 2 + 1))
    total = squared = relative = 0.0
    squares = pixels_seen = 0
    overlap_one = overlap_many = 0.0
    for pixels, field in fields:
        tops, lefts = _starts(field, size)
        part = np.zeros_like(power)
        image_sum = image_squared = 0.0
        for top in tops:
            row = np.stack([pixels[top : top + size, x : x + size] for x in lefts])
            image_sum += float(row.mean(axis=(1, 2)).sum())
            rest = detrended(row)
            image_squared += float((rest**2).mean(axis=(1, 2)).sum())
            spectrum = np.fft.rfft2(rest)
            part += (spectrum.real**2 + spectrum.imag**2).sum(axis=0)
        here = len(tops) * len(lefts)
        mean = image_sum / here
        if not mean > 0:
            raise InputError(
                "The mean signal of the field is not above zero, so its noise cannot be related "
                "to it. Give the signal transfer property, or use an exposed field.",
                code="no-signal",
            )
        power += part / mean**2
        squares += here
        total += image_sum
        squared += image_squared
        relative += image_squared / mean**2
        pixels_seen += (len(tops) + 1) * (len(lefts) + 1) * (size // 2) ** 2
        overlap_one += _pairs(len(tops), 0.25) * _pairs(len(lefts), 0.25)
        overlap_many += _pairs(len(tops), 0.5) * _pairs(len(lefts), 0.5)
    dy, dx = spacing_mm
    found = NoisePower(
        value=power * dx * dy / (squares * size**2),
        size=size,
        spacing_mm=spacing_mm,
        mean=total / squares,
        variance=squared / squares,
        parseval=0.0,
        squares=squares,
        independent_pixels=pixels_seen,
        independent_one=squares**2 / overlap_one,
        independent_many=squares**2 / overlap_many,
    )
    return _self_checked(found, relative / squares)


def _self_checked(found: NoisePower, variance: float) -> NoisePower:
    ratio = found.integral / variance if variance > 0 else 0.0
    if abs(ratio - 1.0) > _PARSEVAL_TOLERANCE:
        raise AnalysisError(
            "The noise power does not add up to the variance of the pixels, or the field holds no "
            "noise at all. Use raw flat fields.",
            stage="check spectrum",
            code="parseval",
            detail={"integral": found.integral, "variance": variance},
        )
    return replace(found, parseval=ratio)


def _starts(field: Rectangle, size: int) -> tuple[list[int], list[int]]:
    step = size // 2
    tops = list(range(field.y0, field.y1 - size + 1, step))
    lefts = list(range(field.x0, field.x1 - size + 1, step))
    if not tops or not lefts:
        raise InputError(
            f"The field is {field.x1 - field.x0} by {field.y1 - field.y0} pixels; a square of "
            f"{size} pixels does not fit. Expose a larger field or choose a smaller margin.",
            code="region-too-small",
        )
    return tops, lefts


def _pairs(count: int, correlation: float) -> float:
    """Return the sum of correlations between `count` squares in a row, next neighbours only.

    Half-overlapped squares share half their pixels: at one frequency their periodograms are
    correlated by 1/2² = 0.25, and summed over neighbouring frequencies (Parseval) by 0.5.
    """
    return count + 2.0 * (count - 1) * correlation
