"""Threshold contrast from what people saw, kept apart from what the program sees."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from kerma.core import Curve, Quantity, quantity
from kerma.imaging.objects import _discs
from kerma.imaging.objects._spec import ObjectSpec
from kerma.imaging.record import require


@dataclass(frozen=True, slots=True, order=True)
class Point:
    """One diameter: root of its area (mm), H_T(A) (1/mm), uncertainty, limits where closed."""

    root: float
    index: float
    u: float
    low: float | None
    high: float | None


def detection_curves(who: str, points: Sequence[Point]) -> list[Curve]:
    """Return H_T(A) against the square root of the area, and its limits of 95 % where closed."""
    if not points:
        return []
    rows = sorted(points, key=lambda p: p.root)
    label = ("Square root of area", "mm", "Threshold detection index", "1/mm")
    curves = [
        Curve(f"{who}: H_T(A)", tuple(p.root for p in rows), tuple(p.index for p in rows), *label,
              tuple(p.u for p in rows))
    ]  # fmt: skip
    for which, name in (("low", "lower"), ("high", "upper")):
        closed = [(p.root, end) for p in rows if (end := getattr(p, which)) is not None]
        if closed:
            x, y = zip(*closed, strict=True)
            curves.append(Curve(f"{who}: {name} limit (95 %)", x, y, *label))
    return curves


def name_of(group: str) -> str:
    """Return a diameter as part of a value's name: 11_1mm."""
    return f"{float(group):g}mm".replace(".", "_")


def is_number(text: Any) -> bool:
    """Return whether a text is a number, such as a diameter."""
    try:
        return math.isfinite(float(text))
    except (TypeError, ValueError):
        return False


def readings(spec: ObjectSpec, given: Mapping[str, Any] | None) -> dict[str, list[float]]:
    """Return the numbers seen, by series, checked.

    Raises
    ------
    InputError
        Code ``bad-parameter``.
    """
    series = {f"{float(name):g}": name for name in _discs.sizes(spec)}
    found: dict[str, list[float]] = {}
    for key, value in (given or {}).items():
        name = series.get(f"{float(key):g}") if is_number(key) else None
        require(name is not None, "human_seen", f"There are no details of {key} mm in this object.")
        assert name is not None
        count = len(spec.group(name))
        numbers = list(value) if isinstance(value, list | tuple) else [value]
        good = all(
            isinstance(n, int | float) and not isinstance(n, bool) and 0 <= n <= count
            for n in numbers
        )
        require(
            bool(numbers) and good, "human_seen",
            f"The number of {key} mm details seen is from 0 to {count}.",
        )  # fmt: skip
        found[name] = [float(n) for n in numbers]
    return found


def add(
    people: Mapping[str, Sequence[float]],
    table: Mapping[str, Sequence[float]],
    spec: ObjectSpec,
    *,
    values: dict[str, Quantity],
    curves: list[Curve],
    warnings: list[str],
) -> None:
    """Add numbers seen by people, and with contrasts their threshold contrast and H_T(A).

    A reading of n details puts the threshold between the contrasts of detail n and of the next;
    the Leeds convention, followed here, names that of detail n. Readings of half a detail (between
    two) are interpolated in ln contrast. The uncertainty is the scatter of the readings, and at
    least a rectangular step to the next detail.
    """
    rows: list[Point] = []
    for group, numbers in people.items():
        count = len(spec.group(group))
        mean = float(np.mean(numbers))
        spread = float(np.std(numbers, ddof=1)) / math.sqrt(len(numbers)) if numbers[1:] else None
        values[f"human_seen_{name_of(group)}"] = quantity(mean, "1", spread)
        if group not in table:
            continue
        if mean < 1 or mean >= count:
            side = "none" if mean < 1 else "all"
            warnings.append(
                f"People saw {side} of the {group} mm details: their threshold there is unknown."
            )
            continue
        logs = np.log(np.asarray(table[group]))
        at = float(np.interp(mean, np.arange(1, count + 1), logs))
        step = float(np.interp(min(mean + 1, count), np.arange(1, count + 1), logs)) - at
        u_log = math.hypot(abs(step) / math.sqrt(12.0), (spread or 0.0) * abs(step))
        threshold = math.exp(at)
        root = math.sqrt(math.pi) * float(group) / 2
        index = 1.0 / (threshold * root)
        values[f"human_threshold_{name_of(group)}"] = quantity(
            100 * threshold, "%", 100 * threshold * u_log
        )
        values[f"human_detection_index_{name_of(group)}"] = quantity(index, "1/mm", index * u_log)
        low, high = index * math.exp(-2 * u_log), index * math.exp(2 * u_log)
        rows.append(Point(root, index, index * u_log, low, high))
    curves += detection_curves("People", rows)
