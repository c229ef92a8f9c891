"""Step wedges and ramps of known thickness, in one attenuation coefficient."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from kerma.simulate.geometry import positions, step, turned

Array = npt.NDArray[np.floating[Any]]


def step_wedge(
    shape: tuple[int, int],
    *,
    pixel_mm: float,
    steps: int,
    step_mm: float,
    length_mm: float,
    width_mm: float,
    per_mm: float,
    turn_deg: float = 0.0,
    centre_mm: tuple[float, float] = (0.0, 0.0),
    sigma_mm: float = 0.2,
) -> Array:
    """Return the transmission of a wedge: step n is n times `step_mm` thick, 1 in the open.

    `length_mm` is the length of one step; the wedge grows along the direction `turn_deg`.
    """
    x, y = positions(shape, pixel_mm)
    u, v = turned(x - centre_mm[0], y - centre_mm[1], turn_deg)
    sides = step(width_mm / 2 - np.abs(v), sigma_mm)
    first = -steps * length_mm / 2
    out = np.ones(shape)
    previous = 1.0
    for n in range(1, steps + 1):
        value = float(np.exp(-per_mm * step_mm * n))
        out += (value - previous) * step(u - first - (n - 1) * length_mm, sigma_mm)
        previous = value
    out += (1.0 - previous) * step(u + first, sigma_mm)
    return np.asarray(1.0 + (out - 1.0) * sides)


def ramp(
    shape: tuple[int, int],
    *,
    pixel_mm: float,
    length_mm: float,
    width_mm: float,
    thickest_mm: float,
    per_mm: float,
    turn_deg: float = 0.0,
    sigma_mm: float = 0.2,
) -> Array:
    """Return the transmission of a wedge that grows evenly from nothing to `thickest_mm`."""
    u, v = turned(*positions(shape, pixel_mm), turn_deg)
    thickness = thickest_mm * np.clip(u / length_mm + 0.5, 0.0, 1.0)
    inside = step(length_mm / 2 - np.abs(u), sigma_mm) * step(width_mm / 2 - np.abs(v), sigma_mm)
    return np.asarray(1.0 + (np.exp(-per_mm * thickness) - 1.0) * inside)
