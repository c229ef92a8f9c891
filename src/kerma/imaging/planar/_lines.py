"""Periodic lines in a flat field: peaks of the averaged, windowed periodogram."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from kerma.core import InputError
from kerma.imaging.tools.noise_power import detrended
from kerma.imaging.tools.regions import Array, Rectangle
from kerma.imaging.tools.untyped import ndimage

Complex = npt.NDArray[np.complexfloating[Any, Any]]
Mask = npt.NDArray[np.bool_]

SQUARE_PX = 256
# Steps of the spectrum: lower frequencies are trend, not lines; a peak's own lobe under a Hann
# window, and lines whose pitch varies a little, lie within the box.
_FIRST_STEP, _BOX = 6, 3
_BACKGROUND_BOX = 13
_MOST_PEAKS, _LEAST_SQUARES = 6, 4
# N² sum(w⁴) / sum(w²)² of the window, in two dimensions.
_HANN_NOISE = (128.0 * 35.0 / (48.0 * 48.0)) ** 2
# How far, in steps, noise moves the centre of mass of a peak as high as its surroundings; found by
# simulation (tests/imaging/test_planar_grid.py).
_CENTRE_STEPS = 0.7
# Design choice: a peak stands so many standard deviations of the averaged periodogram, and at
# least so many times, above its surroundings; the second keeps slopes of coloured noise out.
_SIGMAS, _LEAST_RATIO = 10.0, 3.0


@dataclass(frozen=True, slots=True)
class Peak:
    """One set of lines.

    Attributes
    ----------
    across_per_mm, down_per_mm
        Components of the frequency; across is zero or above.
    amplitude, u_amplitude
        Of the sinusoid, as a share of the mean signal: root mean square over the squares.
    ratio
        Height of the peak over its surroundings.
    u_per_mm
        Standard uncertainty of either component of the frequency.
    """

    across_per_mm: float
    down_per_mm: float
    amplitude: float
    u_amplitude: float
    ratio: float
    u_per_mm: float

    @property
    def frequency_per_mm(self) -> float:
        """Frequency along the normal of the lines."""
        return math.hypot(self.across_per_mm, self.down_per_mm)

    @property
    def angle_deg(self) -> float:
        """Angle of the normal to the rows, -90 to 90 degrees; 0 for lines that run down."""
        return math.degrees(math.atan2(self.down_per_mm, self.across_per_mm))


@dataclass(frozen=True, slots=True, eq=False)
class Lines:
    """What was found.

    Attributes
    ----------
    peaks
        In order of amplitude.
    detectable
        The least amplitude that would have been found, as a share of the mean signal.
    squares
        Number of squares.
    power
        Averaged periodogram over the whole plane, frequency zero in the middle, in units of a
        squared relative amplitude.
    """

    peaks: tuple[Peak, ...]
    detectable: float
    squares: int
    power: Array


def find(pixels: Array, field: Rectangle, spacing_mm: tuple[float, float]) -> Lines:
    """Find periodic lines.

    Squares of 256 pixels, half overlapped, without their second-order trend, under a Hann window.
    For a sinusoid of amplitude A, the squared moduli add up to A² N² sum(w²) / 4 in a box around
    its frequency (Parseval), wherever between the steps of the spectrum it lies; the noise there,
    taken from the surroundings, is subtracted.

    Raises
    ------
    InputError
        Codes ``region-too-small``, ``no-signal``.
    """
    n = SQUARE_PX
    one = np.hanning(n + 1)[:-1]
    window = np.outer(one, one)
    moduli: list[Array] = []
    total, count = 0.0, 0
    tops = range(field.y0, field.y1 - n + 1, n // 2)
    lefts = range(field.x0, field.x1 - n + 1, n // 2)
    # The scatter between squares is the uncertainty, so there must be some.
    if len(tops) * len(lefts) < _LEAST_SQUARES:
        raise InputError(
            f"The field is {field.x1 - field.x0} by {field.y1 - field.y0} pixels; "
            f"{_LEAST_SQUARES} half-overlapped squares of {n} pixels do not fit. Expose a larger "
            "field or choose a smaller margin.",
            code="region-too-small",
        )
    for top in tops:
        row = np.stack([pixels[top : top + n, x : x + n] for x in lefts])
        total += float(row.mean(axis=(1, 2)).sum())
        count += len(lefts)
        spectrum = np.fft.rfft2(detrended(row) * window)
        moduli.append(spectrum.real**2 + spectrum.imag**2)
    mean = total / count
    if not mean > 0:
        raise InputError(
            "The mean signal of the field is not above zero, so lines cannot be related to it. "
            "Give the signal transfer property, or use an exposed field.",
            code="no-signal",
        )
    # In units of a squared amplitude relative to the mean.
    scale = 4.0 / (n**2 * float((window**2).sum()) * mean**2)
    each = np.concatenate(moduli)
    each *= scale
    independent = count**2 / (_pairs(len(tops)) * _pairs(len(lefts)))
    mean_power = _whole(each.mean(axis=0))
    peaks, background, threshold = _peaks(mean_power, independent)
    measured = [
        _measured(each, float(background[at]), float(mean_power[at]), at, independent, spacing_mm)
        for at in peaks
    ]
    measured.sort(key=lambda p: -p.amplitude)
    # A sinusoid on a step of the spectrum gives a peak of A² times this.
    at_peak = float(window.sum()) ** 2 / (n**2 * float((window**2).sum()))
    most = float(background[_searched(n)].max())
    detectable = math.sqrt((threshold - 1.0) * most / at_peak)
    return Lines(tuple(measured), detectable, count, mean_power)


def _pairs(count: int) -> float:
    """Return the sum of correlations of `count` half-overlapped squares in a row.

    Under a Hann window halves have 1/6 of the overlap of the whole; squared moduli correlate by
    its square.
    """
    return count + 2.0 * (count - 1) / 36.0


def _whole(half_plane: Array) -> Array:
    """Return the whole plane, frequency zero in the middle."""
    n = len(half_plane)
    half = n // 2
    whole = np.empty((n, n))
    whole[:, : half + 1] = half_plane
    # P(-u, -v) = P(u, v): pixels are real.
    whole[:, half + 1 :] = half_plane[(-np.arange(n)) % n][:, half - 1 : 0 : -1]
    return np.asarray(np.fft.fftshift(whole))


def _searched(n: int) -> Mask:
    """Return the half plane of distinct frequencies beyond the trend's.

    Next to the Nyquist frequency a line beats with its own mirror image; that is left out.
    """
    steps = np.arange(n) - n // 2
    across, down = steps[None, :], steps[:, None]
    inside = np.hypot(across, down) >= _FIRST_STEP
    inside &= (across > 0) | ((across == 0) & (down > 0))
    most = n // 2 - _BOX - 1
    inside &= (np.abs(across) <= most) & (np.abs(down) <= most)
    return np.asarray(inside)


def _middles(power: Array) -> Array:
    """Return the median around each place of the half plane that is searched, infinity elsewhere.

    P(-u, -v) = P(u, v): the other half would say the same.
    """
    n, reach = len(power), _BACKGROUND_BOX // 2
    columns = np.arange(n // 2 - reach, n + reach) % n
    found = np.full(power.shape, np.inf)
    strip = ndimage.median_filter(power[:, columns], size=_BACKGROUND_BOX, mode="wrap")
    found[:, n // 2 :] = strip[:, reach:-reach]
    return found


def _peaks(power: Array, independent: float) -> tuple[list[tuple[int, int]], Array, float]:
    """Return the places of the peaks, the background and the threshold over it."""
    background = _middles(power)
    # The median of an averaged periodogram lies under its mean (Wilson and Hilferty).
    background = background / (1.0 - 1.0 / (9.0 * independent)) ** 3
    background = np.maximum(background, 1e-300)
    threshold = max(_LEAST_RATIO, 1.0 + _SIGMAS / math.sqrt(independent))
    excess = np.where(_searched(len(power)) & (power > threshold * background), power, 0.0)
    found: list[tuple[int, int]] = []
    while len(found) < _MOST_PEAKS and excess.max() > 0:
        row, column = (int(i) for i in np.unravel_index(int(np.argmax(excess)), excess.shape))
        found.append((row, column))
        for y, x in ((row, column), (len(power) - row, len(power) - column)):  # and its mirror
            lobe = [slice(max(0, i - 2 * _BOX), i + 2 * _BOX + 1) for i in (y, x)]
            excess[tuple(lobe)] = 0.0
    return found, background, threshold


def _measured(
    each: Array, level: float, height: float, at: tuple[int, int], independent: float,
    spacing_mm: tuple[float, float],
) -> Peak:  # fmt: skip
    n = each.shape[1]
    box = np.arange(-_BOX, _BOX + 1)
    down, across = np.broadcast_arrays(
        (at[0] - n // 2 + box)[:, None], (at[1] - n // 2 + box)[None, :]
    )
    mirrored = across < 0
    part = each[:, np.where(mirrored, -down, down) % n, np.abs(across)]
    squares = (part - level).sum(axis=(1, 2))
    amplitude = math.sqrt(max(0.0, float(squares.mean())))
    scatter = float(squares.std(ddof=1)) / math.sqrt(independent)
    # What the noise alone makes of it, for the few squares of a small field: the signal times the
    # noise it is seen with under the window.
    noise = math.sqrt(2.0 * _HANN_NOISE * level / independent) * amplitude
    u = max(scatter, noise)
    weight = np.maximum(part.mean(axis=0) - level, 0.0)
    dy, dx = spacing_mm
    return Peak(
        float((weight * across).sum() / weight.sum()) / (n * dx),
        float((weight * down).sum() / weight.sum()) / (n * dy),
        amplitude,
        u / (2.0 * amplitude) if amplitude else 0.0,
        height / level,
        _CENTRE_STEPS / (n * min(spacing_mm) * math.sqrt(height / level * independent)),
    )
