"""Find a periodic pattern (mesh or ruler) and follow its phase across the image.

The local phase of the pattern's fundamental, taken in a window of about two periods, says where
its lines or dots lie to a small fraction of a pixel, whatever their shape.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from kerma.core import AnalysisError
from kerma.imaging.tools.untyped import ndimage

Array = npt.NDArray[np.floating[Any]]
Mask = npt.NDArray[np.bool_]

STAGE = "find pattern"
# Design choices.
BAND = (0.75, 1.3)  # of the expected frequency; the diagonal of a square mesh lies at 1.41
_ACROSS_DEG = (60.0, 120.0)
_SECOND_SHARE = 0.05  # power of a mesh's second direction, of the first's
_SECOND_LENGTH = 0.15
_LEAST_PROMINENCE = 200.0  # peak power over the median of the band
# Where a pattern of twice or half the period would have its power, in units of the expected
# frequency, and the least share of it that the pattern itself must have.
_RIVALS = (((0.4, 0.62), 3.0), ((1.6, 3.0), 0.2))
_SAMPLES = 24
_SOFTENING = 2.0 / 7.0
_BLOCKS_PER_PERIOD = 3.0
_WINDOW_PERIODS = 0.8  # standard deviation of the Gaussian window
_TRIM_WINDOWS = 2.5
_LEAST_AMPLITUDE = 0.6
_LEAST_PERIODS = 8.0


@dataclass(frozen=True, slots=True, eq=False)
class Phase:
    """One direction of a pattern, followed over the image.

    Attributes
    ----------
    frequency
        (x, y) in 1/mm, fitted over the whole pattern.
    x, y
        Places of the blocks, mm from the centre of the first pixel.
    count
        Number of the line at each place: 2 pi times it is the phase; shape of `x`.
    weight
        Amplitude of the pattern, 0 where it is not.
    """

    frequency: tuple[float, float]
    x: Array
    y: Array
    count: Array
    weight: Array


def directions(
    pixels: Array, spacing_mm: tuple[float, float], period_mm: float
) -> list[tuple[float, float]]:
    """Return the frequencies (1/mm) of a pattern of about this period: one (ruler) or two (mesh).

    Peaks of the power spectrum between 0.75 and 1.3 of the expected frequency, refined by a
    parabola through their neighbours. Much more power at half or twice that is another pattern.

    Raises
    ------
    AnalysisError
        Code ``no-pattern``.
    """
    # Enough samples to see the second harmonic, which a mesh of half the period would have here.
    factors = [max(1, int(period_mm / BAND[1] / 5.0 / d)) for d in spacing_mm]
    coarse = _reduced(pixels, factors)
    sy, sx = (d * f for d, f in zip(spacing_mm, factors, strict=True))
    if max(coarse.shape[0] * sy, coarse.shape[1] * sx) < _LEAST_PERIODS * period_mm:
        raise none_found(f"the image holds fewer than {_LEAST_PERIODS:g} periods")
    slow = ndimage.gaussian_filter(coarse, (period_mm / sy, period_mm / sx), mode="nearest")
    window = np.hanning(coarse.shape[0])[:, None] * np.hanning(coarse.shape[1])[None, :]
    shape = tuple(2 * n for n in coarse.shape)
    spectrum = np.abs(np.fft.rfft2((coarse - slow) * window, s=shape)) ** 2
    fy, fx = np.fft.fftfreq(shape[0], sy), np.fft.rfftfreq(shape[1], sx)
    length = np.hypot(fx[None, :], fy[:, None]) * period_mm
    band = (length > BAND[0]) & (length < BAND[1])
    power = np.where(band, spectrum, 0.0)
    floor = float(np.median(spectrum[band])) or 1e-300
    first = _peak(power, fx, fy)
    if first[2] < _LEAST_PROMINENCE * floor:
        raise none_found("no period near it stands out")
    for (low, high), share in _RIVALS:
        rival = float(spectrum[(length > low) & (length < high)].max(initial=0.0))
        if first[2] < share * rival:
            raise none_found("a pattern of about half or twice the spacing is in the image")
    angle = np.degrees(
        np.arctan2(fy[:, None], fx[None, :]) - math.atan2(first[1], first[0])
    ) % 180.0  # fmt: skip
    across = (angle > _ACROSS_DEG[0]) & (angle < _ACROSS_DEG[1])
    like = np.abs(length / (math.hypot(*first[:2]) * period_mm) - 1.0) < _SECOND_LENGTH
    second = _peak(np.where(across & like, power, 0.0), fx, fy)
    if second[2] < max(_SECOND_SHARE * first[2], _LEAST_PROMINENCE * floor):
        return [first[:2]]
    return [first[:2], second[:2]]


def _reduced(pixels: Array, factors: list[int]) -> Array:
    rows, columns = (n // f for n, f in zip(pixels.shape, factors, strict=True))
    cut = pixels[: rows * factors[0], : columns * factors[1]].astype(float)
    return np.asarray(cut.reshape(rows, factors[0], columns, factors[1]).mean(axis=(1, 3)))


def none_found(why: str) -> AnalysisError:
    """Return the refusal of an image without the pattern."""
    return AnalysisError(
        f"No pattern of the stated spacing was found: {why}. Check the nominal spacing and the "
        "magnification, or give the part of the image that shows the mesh or the ruler (roi).",
        stage=STAGE,
        code="no-pattern",
    )


def _peak(power: Array, fx: Array, fy: Array) -> tuple[float, float, float]:
    row, column = (int(i) for i in np.unravel_index(int(np.argmax(power)), power.shape))
    height = float(power[row, column])
    if height <= 0:
        return 0.0, 0.0, 0.0
    logs = np.log(np.maximum(power, 1e-12 * height))

    def shift(before: float, middle: float, after: float) -> float:
        bend = before - 2 * middle + after
        return 0.0 if bend >= 0 else max(-0.5, min(0.5, 0.5 * (before - after) / bend))

    n = len(fy)
    down = shift(logs[row - 1, column], logs[row, column], logs[(row + 1) % n, column])
    left, right = max(0, column - 1), min(len(fx) - 1, column + 1)
    along = shift(logs[row, left], logs[row, column], logs[row, right])
    return float(fx[column] + along * fx[1]), float(fy[row] + down * fy[1]), height


def follow(
    pixels: Array, spacing_mm: tuple[float, float], frequency: tuple[float, float], period_mm: float
) -> Phase:
    """Follow the phase of one direction over the image.

    The image is softened until little of the pattern's harmonics is left, multiplied by the
    fundamental's conjugate wave and averaged in blocks of a third of a period and a Gaussian
    window of 0.8 periods; the angle, unwrapped from the middle outwards, and the wave's own phase
    make the number of the line. The frequency is then fitted anew and the step repeated once.

    Raises
    ------
    AnalysisError
        Code ``no-pattern``.
    """
    fx, fy = frequency
    fine, (dy, dx), (oy, ox) = _softened(pixels, spacing_mm, period_mm)
    block = [max(1, round(period_mm / _BLOCKS_PER_PERIOD / d)) for d in (dy, dx)]
    shape = [n // b for n, b in zip(fine.shape, block, strict=True)]
    cut = fine[: shape[0] * block[0], : shape[1] * block[1]]
    sizes = (shape[0], block[0], shape[1], block[1])
    sigma = [_WINDOW_PERIODS * period_mm / (d * b) for d, b in zip((dy, dx), block, strict=True)]
    rows, columns = oy + np.arange(cut.shape[0]) * dy, ox + np.arange(cut.shape[1]) * dx
    by, bx = (
        o + (np.arange(n) * b + (b - 1) / 2) * d
        for n, b, d, o in zip(shape, block, (dy, dx), (oy, ox), strict=True)
    )
    x, y = np.meshgrid(bx, by)
    usable = np.ones(x.shape, dtype=bool)
    for _ in range(2):
        wave_x, wave_y = np.exp(-2j * math.pi * fx * columns), np.exp(-2j * math.pi * fy * rows)
        # Sum over columns of a block, then over rows: the wave is a product.
        inner = (cut * wave_x).reshape(cut.shape[0], shape[1], block[1]).sum(axis=2)
        sums = (inner * wave_y[:, None]).reshape(sizes[:3]).sum(axis=1)
        soft = ndimage.gaussian_filter(sums.real, sigma, mode="constant") + 1j * (
            ndimage.gaussian_filter(sums.imag, sigma, mode="constant")
        )
        weight = np.abs(soft)
        usable = _usable(weight, sigma)
        total = _unwrapped(np.angle(soft), usable) / (2 * math.pi) + fx * x + fy * y
        weight = np.where(usable, weight, 0.0)
        fitted = plane(x, y, total, weight)
        fx, fy = float(fitted[1]), float(fitted[2])
    return Phase((fx, fy), x, y, total, weight)


def _softened(
    pixels: Array, spacing_mm: tuple[float, float], period_mm: float
) -> tuple[Array, tuple[float, float], tuple[float, float]]:
    """Return the image at 24 samples a period or more, softened; its spacing and its origin.

    Averaging in blocks passes whatever harmonic fits the blocks; softened by a Gaussian of 2/7 of
    a period, the second harmonic is down to 0.8 % of the first. What is slower than the pattern
    is taken away.
    """
    factors = [max(1, int(period_mm / d / _SAMPLES)) for d in spacing_mm]
    fine = _reduced(pixels, factors)
    dy, dx = (d * f for d, f in zip(spacing_mm, factors, strict=True))
    sigma = _SOFTENING * period_mm / dy, _SOFTENING * period_mm / dx
    soft = ndimage.gaussian_filter(fine - float(fine.mean()), sigma, mode="nearest")
    oy, ox = ((f - 1) / 2 * d for f, d in zip(factors, spacing_mm, strict=True))
    return np.asarray(soft), (dy, dx), (oy, ox)


def _usable(weight: Array, sigma: list[float]) -> Mask:
    """Return the blocks in the pattern: clear amplitude, and away from the pattern's end.

    A window that sticks out of the pattern sees less of it on one side.
    """
    top = float(np.percentile(weight, 90))
    if top <= 0:
        raise none_found("its amplitude is nowhere clear")
    reach = np.ceil(_TRIM_WINDOWS * np.array(sigma)).astype(int)
    clear = weight > _LEAST_AMPLITUDE * top
    usable = clear.copy()
    # Across a ruler the amplitude falls as the window leaves it; only its ends are trimmed.
    if clear.any(axis=1).sum() > 4 * reach[0]:
        usable &= ndimage.binary_erosion(clear, np.ones((2 * reach[0] + 1, 1)))
    if clear.any(axis=0).sum() > 4 * reach[1]:
        usable &= ndimage.binary_erosion(clear, np.ones((1, 2 * reach[1] + 1)))
    labels, count = ndimage.label(usable)
    if not count:
        raise none_found("too few of its periods are clear")
    sizes = np.bincount(labels.ravel(), weight.ravel())[1:]
    return np.asarray(labels == int(np.argmax(sizes)) + 1)


def _unwrapped(angle: Array, usable: Mask) -> Array:
    """Unwrap from the row that shows most of the pattern outwards."""
    row = int(np.argmax(usable.sum(axis=1)))
    known = np.flatnonzero(usable[row])
    start = np.interp(np.arange(angle.shape[1]), known, np.unwrap(angle[row, known]))
    result = angle.copy()
    result[row] = start
    for step, stop in ((-1, -1), (1, len(angle))):
        previous = start.copy()
        for r in range(row + step, stop, step):
            result[r] += 2 * math.pi * np.rint((previous - angle[r]) / (2 * math.pi))
            previous = np.where(usable[r], result[r], previous)
    return np.asarray(result)


def plane(x: Array, y: Array, values: Array, weight: Array) -> Array:
    """Fit values = a + b x + c y with weights; return a, b, c."""
    w = np.sqrt(weight.ravel())
    design = np.column_stack((np.ones(x.size), x.ravel(), y.ravel())) * w[:, None]
    return np.asarray(np.linalg.lstsq(design, values.ravel() * w, rcond=None)[0])
