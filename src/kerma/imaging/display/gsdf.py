"""Contrast response of a display against the DICOM display function."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from kerma.core import Analysis, Curve, Image, InputError, Quantity, quantity
from kerma.imaging.display import gsdf_function as gsdf
from kerma.imaging.display.gsdf_function import Array
from kerma.imaging.record import choose, provenance, require
from kerma.imaging.registry import measurement
from kerma.imaging.tools.readings import require_no_images

NAME, VERSION = "display-gsdf", "1"
EDITION = "DICOM PS3.14 display function; contrast response after AAPM TG 18 (recalled)"
_FEWEST = 5


@dataclass(frozen=True, slots=True)
class Parameters:
    """The readings, and what was known beside them.

    Attributes
    ----------
    level
        Driving level (pixel value) of each reading.
    luminance_cd_m2
        Reading at each level. With a telescopic photometer in the working light it holds the
        ambient light already: leave `ambient_cd_m2` at 0 then.
    ambient_cd_m2
        Luminance of the switched-off display in the working light, added to every reading.
    illuminance_lx, reflection_cd_m2_lx
        Instead of it: illuminance at the screen and its coefficient of diffuse reflection
        (cd/m² per lx).
    u_percent
        Standard uncertainty of one reading, without what is common to all.
    """

    level: tuple[float, ...]
    luminance_cd_m2: tuple[float, ...]
    ambient_cd_m2: float = 0.0
    illuminance_lx: float | None = None
    reflection_cd_m2_lx: float | None = None
    u_percent: float | None = None

    def __post_init__(self) -> None:
        require(len(self.level) == len(self.luminance_cd_m2), "luminance_cd_m2",
                "Each level needs its luminance.")  # fmt: skip
        require(len(self.level) >= _FEWEST, "level", f"{_FEWEST} readings or more are needed.")
        require(len(set(self.level)) == len(self.level), "level", "Two readings have one level.")
        require(all(math.isfinite(v) for v in (*self.level, *self.luminance_cd_m2)), "level",
                "Every level and reading must be a number.")  # fmt: skip
        require(min(self.luminance_cd_m2) >= 0 <= self.ambient_cd_m2, "luminance_cd_m2",
                "A luminance is not below zero.")  # fmt: skip
        require((self.illuminance_lx is None) == (self.reflection_cd_m2_lx is None),
                "illuminance_lx", "Give the illuminance and the reflection together.")  # fmt: skip
        require(self.illuminance_lx is None or self.ambient_cd_m2 == 0.0, "ambient_cd_m2",
                "Give the ambient luminance or the illuminance, not both.")  # fmt: skip
        require(self.u_percent is None or self.u_percent >= 0, "u_percent",
                "An uncertainty is not below zero.")  # fmt: skip

    @property
    def ambient(self) -> float:
        """Ambient luminance in cd/m², however it was given."""
        if self.illuminance_lx is None or self.reflection_cd_m2_lx is None:
            return self.ambient_cd_m2
        return self.illuminance_lx * self.reflection_cd_m2_lx


@measurement(
    NAME,
    version=VERSION,
    title="Display contrast response (GSDF)",
    edition=EDITION,
    modalities=(),
)
def measure(images: Sequence[Image], **parameters: Any) -> Analysis:
    """Compare readings of a display at rising driving levels with the DICOM display function.

    L' is a reading plus the ambient light, J its JND index. The index expected at a level lies
    evenly between those of the lowest and the highest level. For each step between levels the
    contrast 2 (L'b - L'a) / (L'b + L'a) over the expected number of JND is compared with that of
    the display function: kappa = measured / expected - 1.

    Values ``kappa_max`` (%, the largest |kappa|), ``kappa_1`` and so on (%), ``jnd_deviation_max``
    (1, largest |J - expected|), ``luminance_deviation_max`` (%, largest |L' / expected - 1|),
    ``jnd_total`` and ``jnd_per_level`` (1), ``luminance_min``, ``luminance_max`` (cd/m2, L') and
    ``luminance_ratio`` (1).

    Raises
    ------
    InputError
        Codes ``bad-parameter``, ``outside-gsdf``, ``no-contrast``, ``readings-not-images``.
    """
    chosen = choose(Parameters, parameters)
    require_no_images(images)
    order = np.argsort(chosen.level)
    level = np.array(chosen.level)[order]
    seen = np.array(chosen.luminance_cd_m2)[order] + chosen.ambient
    if seen[-1] <= seen[0]:
        raise InputError(
            "The display is not brighter at the highest level than at the lowest. Check that "
            "readings and levels belong together.",
            code="no-contrast",
        )
    found = gsdf.index(seen)
    share = (level - level[0]) / (level[-1] - level[0])
    expected = found[0] + share * (found[-1] - found[0])
    wanted = gsdf.luminance(expected)
    kappa = _contrast(seen) / _contrast(wanted) - 1.0
    relative = None if chosen.u_percent is None else chosen.u_percent / 100.0
    warnings = []
    if (np.diff(seen) <= 0).any():
        warnings.append(
            "The luminance does not rise from every level to the next: those levels cannot be told "
            "apart, or readings were exchanged."
        )
    return Analysis(
        name=NAME,
        status="measured",
        provenance=provenance(NAME, VERSION, EDITION, images, chosen, ambient_used=chosen.ambient),
        values=_values(level, seen, wanted, found, expected, kappa, relative),
        curves=_curves(level, seen, wanted, expected, kappa, relative),
        warnings=tuple(warnings),
        facts={
            "source": gsdf.coefficients()["sources"]["ps3.14"],
            "table": [
                {"level": float(n), "luminance_cd_m2": float(a), "expected_cd_m2": float(b),
                 "jnd": float(j), "expected_jnd": float(e)}
                for n, a, b, j, e in zip(level, seen, wanted, found, expected, strict=True)
            ],
        },
    )  # fmt: skip


def _contrast(luminance: Array) -> Array:
    return np.asarray(2.0 * np.diff(luminance) / (luminance[1:] + luminance[:-1]))


def _u_kappa(seen: Array, kappa: Array, relative: float) -> Array:
    """Return the uncertainty of kappa from that of the two readings of each step."""
    step = np.maximum(np.abs(np.diff(seen)), 1e-12)
    # d ln(contrast) / d ln(La) = -2 La Lb / ((Lb - La)(Lb + La)), and alike for Lb.
    factor = 2.0 * seen[1:] * seen[:-1] / (step * (seen[1:] + seen[:-1]))
    return np.asarray(np.abs(1.0 + kappa) * factor * relative * math.sqrt(2.0))


def _values(
    level: Array,
    seen: Array,
    wanted: Array,
    found: Array,
    expected: Array,
    kappa: Array,
    relative: float | None,
) -> dict[str, Quantity]:
    u = None if relative is None else _u_kappa(seen, kappa, relative)
    worst = int(np.argmax(np.abs(kappa)))
    off = np.abs(seen / wanted - 1.0)
    far = int(np.argmax(np.abs(found - expected)))
    # How far the index moves for a relative change of the luminance.
    pace = 1.0 / np.gradient(np.log(gsdf.luminance(expected)), expected)
    total = float(found[-1] - found[0])

    def uncertain(size: float) -> float | None:
        return None if relative is None else relative * size

    values = {
        "kappa_max": quantity(100.0 * abs(float(kappa[worst])), "%",
                              None if u is None else 100.0 * float(u[worst])),
        "jnd_deviation_max": quantity(abs(float(found[far] - expected[far])), "1",
                                      uncertain(float(pace[far]))),
        "luminance_deviation_max": quantity(100.0 * float(off.max()), "%", uncertain(100.0)),
        "jnd_total": quantity(total, "1", uncertain(math.hypot(float(pace[0]), float(pace[-1])))),
        "jnd_per_level": quantity(total / float(level[-1] - level[0]), "1"),
        "luminance_min": quantity(float(seen[0]), "cd/m2", uncertain(float(seen[0]))),
        "luminance_max": quantity(float(seen[-1]), "cd/m2", uncertain(float(seen[-1]))),
        "luminance_ratio": quantity(float(seen[-1] / seen[0]), "1",
                                    uncertain(math.sqrt(2.0) * float(seen[-1] / seen[0]))),
    }  # fmt: skip
    for n, k in enumerate(kappa):
        values[f"kappa_{n + 1}"] = quantity(100.0 * float(k), "%",
                                            None if u is None else 100.0 * float(u[n]))  # fmt: skip
    return values


def _curves(
    level: Array,
    seen: Array,
    wanted: Array,
    expected: Array,
    kappa: Array,
    relative: float | None,
) -> tuple[Curve, ...]:
    middle = 0.5 * (expected[1:] + expected[:-1])
    u = () if relative is None else tuple(100.0 * _u_kappa(seen, kappa, relative))
    return (
        Curve("Deviation of the contrast", tuple(map(float, middle)),
              tuple(map(float, 100.0 * kappa)), "JND index", "1", "Kappa", "%",
              tuple(map(float, u))),
        Curve("Luminance", tuple(map(float, level)), tuple(map(float, seen)), "Driving level", "1",
              "Luminance", "cd/m2"),
        Curve("Luminance expected", tuple(map(float, level)), tuple(map(float, wanted)),
              "Driving level", "1", "Luminance", "cd/m2"),
    )  # fmt: skip
