"""Detectability of a task by observers that do not prewhiten the noise (NPW, NPWE).

Radially symmetric task, resolution and noise. Definitions after AAPM TG-233 (2019) [recalled].
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from kerma.imaging.tools.untyped import special

Array = npt.NDArray[np.floating[Any]]


def disc_task(frequency_per_mm: Array, contrast_hu: float, diameter_mm: float) -> Array:
    """Return the transform of a disc, C r J1(2 pi r f)/f (HU mm²); C pi r² at f = 0."""
    radius = diameter_mm / 2.0
    x = 2.0 * math.pi * radius * np.asarray(frequency_per_mm, dtype=float)
    safe = np.where(x == 0.0, 1.0, x)
    shape = np.where(x == 0.0, 1.0, 2.0 * special.j1(safe) / safe)
    return np.asarray(contrast_hu * math.pi * radius**2 * shape)


def gaussian_task(frequency_per_mm: Array, contrast_hu: float, fwhm_mm: float) -> Array:
    """Return the transform of a Gaussian of peak C and width b, C 2 pi b² exp(-2 pi² b² f²)."""
    b = fwhm_mm / (2.0 * math.sqrt(2.0 * math.log(2.0)))
    f = np.asarray(frequency_per_mm, dtype=float)
    return np.asarray(contrast_hu * 2.0 * math.pi * b**2 * np.exp(-2.0 * (math.pi * b * f) ** 2))


@dataclass(frozen=True, slots=True)
class Eye:
    """An eye filter E = rho^n exp(-c rho²), rho in cycles per degree, c so that it peaks at `peak`.

    Attributes
    ----------
    power
        n; 1.3 [recalled].
    peak_per_deg
        Visual frequency of the maximum, cycles per degree; c = n/(2 peak²). 4 [recalled].
    distance_mm
        Viewing distance.
    zoom
        Size on the display over size in the patient.
    """

    power: float = 1.3
    peak_per_deg: float = 4.0
    distance_mm: float = 500.0
    zoom: float = 1.0

    def __call__(self, frequency_per_mm: Array) -> Array:
        """Return the filter at frequencies in the patient (1/mm), 1 at its maximum."""
        per_degree = self.distance_mm * math.radians(1.0) / self.zoom
        ratio = np.asarray(frequency_per_mm, dtype=float) * per_degree / self.peak_per_deg
        # x^n exp(n (1 - x²)/2): the same filter, scaled to 1 at its peak. The scale cancels in d'.
        return np.asarray(ratio**self.power * np.exp(self.power * (1.0 - ratio**2) / 2.0))


def detectability(
    frequency_per_mm: Array, task: Array, ttf: Array, nps: Array, eye: Array | None = None
) -> Array:
    """Return d' of the NPW observer, or of the NPWE observer with an eye filter.

    d'² = [∬ |W|² TTF² E² df]² / ∬ |W|² TTF² NPS E⁴ df with df = 2 pi f df, E = 1 for NPW.

    Parameters
    ----------
    frequency_per_mm
        Shape (n,), evenly spaced from 0, n odd; Simpson's rule.
    task, ttf, nps, eye
        Broadcast against the frequencies on the last axis: |W| in HU mm², TTF, NPS in HU² mm², E.
    """
    f = frequency_per_mm
    signal = (task * ttf) ** 2
    filtered = np.ones_like(f) if eye is None else np.asarray(eye) ** 2
    weight = np.full(f.size, 2.0)
    weight[1::2], weight[[0, -1]] = 4.0, 1.0
    weight *= (f[1] - f[0]) / 3.0 * 2.0 * math.pi * f
    top = np.asarray((signal * filtered) @ weight)
    bottom = np.asarray((signal * filtered**2 * nps) @ weight)
    safe = np.where(bottom > 0, bottom, 1.0)
    return np.asarray(np.where(bottom > 0, top / np.sqrt(safe), np.nan))
