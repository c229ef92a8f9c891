"""Numbers in the headers of planar images, and which exposures repeat one another."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from kerma.core import Image, InputError
from kerma.imaging.tools.regions import Array

# Exposures of one setting repeat within this share. Design choice.
REPEATS_WITHIN = 0.02


def number(image: Image, keyword: str) -> float | None:
    """Return a header value as a finite number, or ``None``."""
    value: Any = image.facts.get(keyword)
    if isinstance(value, list | tuple) and len(value) == 1:
        value = value[0]
    try:
        found = float(value)
    except (TypeError, ValueError):
        return None
    return found if math.isfinite(found) else None


def tube_charge_mas(image: Image) -> float | None:
    """Return the tube current-time product of an exposure in mAs, from whichever field has it."""
    micro = number(image, "ExposureInuAs")
    if micro is not None and micro > 0:
        return micro / 1000.0
    whole = number(image, "Exposure")
    if whole is not None and whole > 0:
        return whole
    current, time = number(image, "XRayTubeCurrent"), number(image, "ExposureTime")
    if current is not None and time is not None and current * time > 0:
        return current * time / 1000.0
    return None


def require_one_detector(images: Sequence[Image]) -> None:
    """Refuse images whose headers name different detectors.

    Raises
    ------
    InputError
        Code ``mixed-detectors``.
    """
    for keyword in ("DetectorID", "DeviceSerialNumber"):
        named = {str(i.facts[keyword]) for i in images if i.facts.get(keyword)}
        if len(named) > 1:
            raise InputError(
                f"The images are of different detectors ({', '.join(sorted(named))}). Measure "
                "each by itself.",
                code="mixed-detectors",
                detail={keyword: sorted(named)},
            )


def repeats(values: Array) -> list[list[int]]:
    """Return the groups of two or more indices whose values lie within 2 % of one another."""
    order = [int(i) for i in np.argsort(values, kind="stable")]
    groups: list[list[int]] = []
    for i in order:
        if groups and values[i] <= values[groups[-1][0]] * (1.0 + REPEATS_WITHIN):
            groups[-1].append(i)
        else:
            groups.append([i])
    return [group for group in groups if len(group) > 1]
