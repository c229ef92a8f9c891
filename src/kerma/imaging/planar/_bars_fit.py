"""Fit the fundamental of a group of bars, straight on its pixels: nothing is resampled."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from kerma.imaging.planar._bars import Group, Mask, View
from kerma.imaging.tools.regions import Array

_ROUNDS, _STILL = 10, 1e-7


@dataclass(frozen=True, slots=True)
class Fundamental:
    """The fitted fundamental of a group.

    Attributes
    ----------
    frequency_per_mm, u_frequency
        Along the normal of the bars.
    angle_rad
        Direction of its normal.
    amplitude, u_amplitude
        In pixel values, noise bias taken off.
    """

    frequency_per_mm: float
    u_frequency: float
    angle_rad: float
    amplitude: float
    u_amplitude: float


def fit(
    view: View,
    pixels_of: Mask,
    frequency_per_mm: float,
    *,
    curved: bool,
    turn: bool = False,
    fixed: bool = False,
) -> Fundamental:
    """Fit a sinusoid with its odd harmonics below the Nyquist frequency on a sloping ground.

    Parameters
    ----------
    view
        With the direction to start from.
    pixels_of
        Which pixels to fit, shape of the view.
    frequency_per_mm
        To start from; changed by 10 % at most.
    curved
        Whether the ground has a term of second order along u (four bars or more).
    turn
        Whether the direction is fitted as well.
    fixed
        Whether frequency and direction are known, so that only amplitudes are fitted.
    """
    u, v = (c[pixels_of] for c in view.coordinates())
    values = view.pixels[pixels_of]
    u0, v0 = float(u.mean()), float(v.mean())
    u, v = u - u0, v - v0
    scale = max(float(np.abs(u).max()), 1e-9)
    ground = [np.ones_like(u), u / scale, v / max(float(np.abs(v).max()), 1e-9)]
    if curved:
        ground.append((u / scale) ** 2)
    nyquist = 0.5 / max(view.spacing_mm)
    along, beside = frequency_per_mm, 0.0
    n, cosine, sine = len(ground), 0.0, 0.0
    for round_ in range(_ROUNDS):
        phase = 2.0 * math.pi * (along * u + beside * v)
        waves = [np.cos(phase), np.sin(phase)]
        for harmonic in (3, 5, 7):
            if harmonic * frequency_per_mm < nyquist:
                waves += [np.cos(harmonic * phase), np.sin(harmonic * phase)]
        columns = ground + waves
        if round_:
            tangent = 2.0 * math.pi * (sine * waves[0] - cosine * waves[1])
            columns += [tangent * u, tangent * v] if turn else [tangent * u]
        solved, inverse = _solved(np.stack(columns, axis=1), values)
        cosine, sine = float(solved[n]), float(solved[n + 1])
        if fixed:
            break
        if not round_:
            continue
        moved = solved[len(ground) + len(waves) :]
        steps = np.clip(moved, -0.05 * along, 0.05 * along)
        along = float(np.clip(along + steps[0], 0.9 * frequency_per_mm, 1.1 * frequency_per_mm))
        beside += float(steps[1]) if turn else 0.0
        if np.abs(moved).max() < _STILL * frequency_per_mm:
            break
    rest = values - np.stack(columns, axis=1) @ solved
    covariance = inverse * float((rest**2).sum()) / max(1, len(values) - len(solved))
    variance = (float(covariance[n, n]) + float(covariance[n + 1, n + 1])) / 2.0
    return Fundamental(
        math.hypot(along, beside),
        0.0 if fixed else math.sqrt(float(covariance[n + len(waves), n + len(waves)])),
        view.angle_rad + math.atan2(beside, along),
        math.sqrt(max(0.0, cosine**2 + sine**2 - 2.0 * variance)),
        math.sqrt(variance),
    )


def _solved(design: Array, values: Array) -> tuple[Array, Array]:
    """Return the least-squares solution and the inverse of the normal matrix."""
    size = np.sqrt((design**2).sum(axis=0))
    size = np.where(size > 0, size, 1.0)
    scaled = design / size
    inverse = np.linalg.pinv(scaled.T @ scaled, hermitian=True)
    solved = inverse @ (scaled.T @ values) / size
    return solved, inverse / np.outer(size, size)


def covered(view: View, group: Group) -> Mask:
    """Return which pixels of a view are fitted for a group."""
    u, v = view.coordinates()
    left, right = group.fitted_span()
    found: Any = (u >= left) & (u <= right) & (v >= group.top) & (v <= group.bottom)
    return np.asarray(found)
