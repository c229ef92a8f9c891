"""Tabled readings with known truth: displays and bone densitometers."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.floating[Any]]


def gsdf_luminance(jnd_index: float) -> float:
    """Return the luminance (cd/m²) of a JND index, DICOM PS3.14 equation 7-1."""
    x = math.log(jnd_index)
    over = -1.3011877 + x * (
        8.0242636e-2 + x * (1.3646699e-1 + x * (-2.5468404e-2 + x * 1.3635334e-3))
    )
    under = 1.0 + x * (-2.5840191e-2 + x * (-1.0320229e-1 + x * (
        2.8745620e-2 + x * (-3.1978977e-3 + x * 1.2992634e-4))))  # fmt: skip
    return float(10.0 ** (over / under))


def levels(count: int = 18, top: int = 255) -> list[float]:
    """Return evenly spaced driving levels, as the 18 of TG 18 (0, 15, ... 255)."""
    return [float(round(n * top / (count - 1))) for n in range(count)]


def display(
    driven: Sequence[float],
    *,
    jnd_low: float,
    jnd_high: float,
    ambient_cd_m2: float = 0.0,
    gamma: float = 1.0,
) -> list[float]:
    """Return what a photometer in the dark reads on a display calibrated with ambient light.

    The index runs from `jnd_low` to `jnd_high` with the level, to the power `gamma` (1: exactly
    the display function).
    """
    low, high = min(driven), max(driven)
    share = [((d - low) / (high - low)) ** gamma for d in driven]
    return [gsdf_luminance(jnd_low + s * (jnd_high - jnd_low)) - ambient_cd_m2 for s in share]


def bmd_series(
    count: int,
    *,
    mean: float = 1.0,
    sd_percent: float = 0.4,
    seed: int = 1,
    step_percent: float = 0.0,
    step_at: int | None = None,
    drift_percent_per_year: float = 0.0,
    every_days: int = 1,
    start: date = date(2024, 1, 1),
) -> tuple[list[str], list[float]]:
    """Return dates and BMD (g/cm²) of a spine phantom: noise, one step, a drift from the start.

    The first 10 values are drawn like the others and then moved and scaled so that their mean and
    their standard deviation are exactly the true ones: what a step does against them is known.
    """
    noise = np.random.default_rng(seed).normal(0.0, 1.0, count)
    first = noise[:10]
    noise[:10] = (first - first.mean()) / first.std(ddof=1)
    percent = sd_percent * noise
    days = np.arange(count) * every_days
    percent[10:] += drift_percent_per_year * (days[10:] / 365.25)
    if step_at is not None:
        percent[step_at:] += step_percent
    dates = [(start + timedelta(days=int(d))).isoformat() for d in days]
    return dates, [float(v) for v in mean * (1.0 + percent / 100.0)]


def repeats(
    subjects: int, scans: int, *, sd: float = 0.010, seed: int = 1
) -> tuple[list[str], list[float]]:
    """Return subjects and repeated BMD (g/cm²) with one precision error."""
    random = np.random.default_rng(seed)
    true = random.uniform(0.7, 1.3, subjects)
    names = [f"S{n:02}" for n in range(subjects) for _ in range(scans)]
    read = np.repeat(true, scans) + random.normal(0.0, sd, subjects * scans)
    return names, [float(v) for v in read]
