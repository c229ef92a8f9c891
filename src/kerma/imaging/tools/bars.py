"""Modulation of a patch of parallel bars of known frequency, whichever way they run.

In a disc inside the patch, weighted towards its middle so that the few cycles there do not leak,
the amplitude of the sinusoid of the bars' frequency is found for every direction. Square bars of
full contrast c have an amplitude of 2 c / π; relative to a coarse group the contrast falls out.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.floating[Any]]

_STEP_DEG = 3.0
# Directions further than this from the bars' own hold noise and leakage.
_AWAY_DEG = 30.0


@dataclass(frozen=True, slots=True)
class BarSignal:
    """What a patch shows at one frequency.

    Attributes
    ----------
    amplitude
        Of the sinusoid, in pixel values, in the direction asked for or the strongest.
    u
        Standard uncertainty: root mean square of the amplitude in directions away from it, over
        √2, so noise as it is correlated in the image, and structure, both count.
    across_deg
        Direction across the bars, 0 to 180, clockwise from +x.
    free
        Whether that direction is the strongest of all, and not given.
    """

    amplitude: float
    u: float
    across_deg: float
    free: bool

    @property
    def seen(self) -> bool:
        """Whether noise alone would reach this amplitude less than once in 1000 times.

        Noise amplitudes are Rayleigh distributed: exp(-a² / (2 u²)) = 0.001 at a = 3.72 u; the
        highest of some ten independent directions reaches 4.29 u as seldom.
        """
        return self.amplitude > (4.29 if self.free else 3.72) * self.u


def bar_signal(
    x_mm: Array,
    y_mm: Array,
    values: Array,
    *,
    radius_mm: float,
    per_mm: float,
    across_deg: float | None = None,
) -> BarSignal:
    """Return the modulation of bars in a disc about x = y = 0.

    Parameters
    ----------
    x_mm, y_mm, values
        Pixels of the patch, equally shaped; y runs down.
    radius_mm
        Of the disc; the weight falls to zero at its rim as a cosine squared.
    per_mm
        Frequency of the bars.
    across_deg
        Direction across the bars when known; the strongest of all directions when absent.
    """
    r = np.hypot(x_mm, y_mm)
    inside = r < radius_mm
    x, y, v = (np.asarray(a[inside], dtype=float) for a in (x_mm, y_mm, values))
    weight = np.cos(math.pi / 2 * r[inside] / radius_mm) ** 2
    design = np.column_stack([np.ones_like(x), x, y])
    root = np.sqrt(weight)
    plane, *_ = np.linalg.lstsq(design * root[:, None], v * root, rcond=None)
    rest = (v - design @ plane) * weight
    total = float(weight.sum())
    angles = np.arange(0.0, 180.0, _STEP_DEG)

    def amplitude(direction_deg: Array) -> Array:
        a = np.radians(direction_deg)
        phase = 2 * math.pi * per_mm * (np.outer(np.cos(a), x) + np.outer(np.sin(a), y))
        return np.asarray(2 * np.hypot(np.cos(phase) @ rest, np.sin(phase) @ rest) / total)

    everywhere = amplitude(angles)
    if across_deg is None:
        peak = float(angles[int(np.argmax(everywhere))])
        fine = peak + np.arange(-_STEP_DEG, _STEP_DEG + 0.1, 0.25)
        near = amplitude(fine)
        top = int(np.argmax(near))
        across, height = float(fine[top]) % 180, float(near[top])
    else:
        across, height = across_deg % 180, float(amplitude(np.array([across_deg]))[0])
    away = np.abs((angles - across + 90) % 180 - 90) > _AWAY_DEG
    # Rayleigh: the mean square is 2 u².
    u = math.sqrt(float(np.mean(everywhere[away] ** 2)) / 2)
    return BarSignal(height, u, across, across_deg is None)


def bar_amplitude(contrast: float) -> float:
    """Return the amplitude of the fundamental of square bars, half bar and half gap: 2 c / π."""
    return 2 * contrast / math.pi


def falls_to(per_mm: Array, relative: Array, u: Array, level: float) -> tuple[float, float] | None:
    """Return where the modulation first falls to a level, and its standard uncertainty.

    Between two groups the logarithm is taken as a straight line against the frequency squared,
    which a Gaussian point spread is. ``None`` when the modulation does not fall to the level.
    """
    below = np.flatnonzero(relative < level)
    if not len(below) or below[0] == 0:
        return None
    k = int(below[0])
    a, b = float(per_mm[k - 1]), float(per_mm[k])
    high, low = float(relative[k - 1]), max(float(relative[k]), 1e-3 * level)
    share = (math.log(high) - math.log(level)) / (math.log(high) - math.log(low))
    at = math.sqrt(a**2 + share * (b**2 - a**2))
    slope = abs(2 * at * level * (math.log(high) - math.log(low)) / (b**2 - a**2))
    # Both groups' noise moves the crossing, and the shape between them is an assumption: the
    # distance to a straight line is taken as its standard uncertainty.
    straight = a + (high - level) / (high - float(relative[k])) * (b - a)
    noise = math.hypot((1 - share) * float(u[k - 1]), share * float(u[k])) / slope
    return at, math.hypot(noise, at - straight)
