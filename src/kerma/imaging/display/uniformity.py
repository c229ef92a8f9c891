"""Uniformity of a display's luminance from readings at several places."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from kerma.core import Analysis, Image, Quantity, quantity
from kerma.imaging.display.gsdf_function import Array
from kerma.imaging.record import choose, provenance, require
from kerma.imaging.registry import measurement
from kerma.imaging.tools.readings import require_no_images

NAME, VERSION = "display-uniformity", "1"
EDITION = (
    "200 (Lmax - Lmin) / (Lmax + Lmin), AAPM TG 18; deviation from the median, TG 270 (recalled)"
)
CENTRE = ("centre", "center", "middle", "c")
_FEWEST = 5


@dataclass(frozen=True, slots=True)
class Parameters:
    """The readings.

    Attributes
    ----------
    luminance_cd_m2
        One reading for each place.
    place
        Name of each place; the one called ``centre`` is the reference of the deviation from it.
    level
        Driving level of each reading, when several levels were measured.
    u_percent
        Standard uncertainty of one reading, without what is common to all.
    """

    luminance_cd_m2: tuple[float, ...]
    place: tuple[str | float, ...] | None = None
    level: tuple[float, ...] | None = None
    u_percent: float | None = None

    def __post_init__(self) -> None:
        count = len(self.luminance_cd_m2)
        require(all(math.isfinite(v) and v > 0 for v in self.luminance_cd_m2), "luminance_cd_m2",
                "Every luminance is above zero.")  # fmt: skip
        for name in ("place", "level"):
            column = getattr(self, name)
            require(column is None or len(column) == count, name, f"Each reading needs its {name}.")
        require(self.u_percent is None or self.u_percent >= 0, "u_percent",
                "An uncertainty is not below zero.")  # fmt: skip


@measurement(
    NAME,
    version=VERSION,
    title="Display uniformity",
    edition=EDITION,
    modalities=(),
)
def measure(images: Sequence[Image], **parameters: Any) -> Analysis:
    """Measure how evenly a display shows one level, from five readings or more.

    Values ``nonuniformity`` (%, 200 (Lmax - Lmin) / (Lmax + Lmin)), ``max_deviation_median`` (%,
    largest |L / median - 1|), ``max_deviation_centre`` (%, largest |L / L of the centre - 1|, when
    a place is called centre), ``mean`` (cd/m2). Several levels: each name ends in the level, as in
    ``nonuniformity_at_204``.

    Raises
    ------
    InputError
        Codes ``bad-parameter``, ``readings-not-images``.
    """
    chosen = choose(Parameters, parameters)
    require_no_images(images)
    readings = np.array(chosen.luminance_cd_m2)
    levels = None if chosen.level is None else np.array(chosen.level)
    several = levels is not None and len(set(levels.tolist())) > 1
    values: dict[str, Quantity] = {}
    warnings: list[str] = []
    groups = [None] if levels is None or not several else sorted(set(levels.tolist()))
    for group in groups:
        at = np.arange(len(readings)) if group is None else np.flatnonzero(levels == group)
        require(len(at) >= _FEWEST, "luminance_cd_m2",
                f"{_FEWEST} readings or more are needed at each level.")  # fmt: skip
        end = "" if group is None else f"_at_{group:g}".replace(".", "_")
        centre = _centre(chosen, at)
        if centre is None:
            warnings.append("No place is called centre, so there is no deviation from it.")
        found = _values(readings[at], centre, chosen.u_percent)
        values.update({f"{name}{end}": q for name, q in found.items()})
    return Analysis(
        name=NAME,
        status="measured",
        provenance=provenance(NAME, VERSION, EDITION, images, chosen),
        values=values,
        warnings=tuple(dict.fromkeys(warnings)),
        facts={
            "table": [
                {"place": None if chosen.place is None else chosen.place[i],
                 "level": None if levels is None else float(levels[i]),
                 "luminance_cd_m2": float(v)}
                for i, v in enumerate(readings)
            ]
        },
    )  # fmt: skip


def _centre(chosen: Parameters, at: npt.NDArray[np.intp]) -> int | None:
    """Return which of these readings is the centre's."""
    if chosen.place is None:
        return None
    named = [n for n, i in enumerate(at) if str(chosen.place[i]).strip().lower() in CENTRE]
    require(len(named) <= 1, "place", "Two readings of one level are called centre.")
    return named[0] if named else None


def _values(readings: Array, centre: int | None, u_percent: float | None) -> dict[str, Quantity]:
    low, high = float(readings.min()), float(readings.max())
    median, mean = float(np.median(readings)), float(readings.mean())
    r = None if u_percent is None else u_percent / 100.0

    def uncertain(size: float) -> float | None:
        return None if r is None else r * size

    off = np.abs(readings / median - 1.0)
    values = {
        # d/dLmax = 400 Lmin / (Lmax + Lmin)², and alike for Lmin.
        "nonuniformity": quantity(
            200.0 * (high - low) / (high + low), "%",
            uncertain(400.0 * low * high / (high + low) ** 2 * math.sqrt(2.0)),
        ),
        "max_deviation_median": quantity(100.0 * float(off.max()), "%",
                                         uncertain(100.0 * (1.0 + float(off.max())))),
        "mean": quantity(mean, "cd/m2", uncertain(mean / math.sqrt(len(readings)))),
    }  # fmt: skip
    if centre is not None:
        away = np.abs(readings / readings[centre] - 1.0)
        values["max_deviation_centre"] = quantity(
            100.0 * float(away.max()), "%",
            uncertain(100.0 * math.sqrt(2.0) * (1.0 + float(away.max()))),
        )  # fmt: skip
    return values
