"""Cross-calibration of two bone densitometers from paired readings."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from kerma.core import Analysis, Curve, Image, Quantity, quantity
from kerma.imaging.dexa.constancy import UNIT
from kerma.imaging.record import choose, provenance, require
from kerma.imaging.registry import measurement
from kerma.imaging.tools.readings import require_no_images

NAME, VERSION = "dexa-cross-calibration", "1"
EDITION = "Paired differences and ratio; Bland and Altman 1986; Deming regression"
Array = npt.NDArray[np.floating[Any]]
_FEWEST = 5
# Design choice: the readings must range over so many times the scatter of the differences, or the
# slope of a line through them is noise (repeated scans of one phantom).
_LEAST_RANGE = 10.0
_LIMITS = 1.96


@dataclass(frozen=True, slots=True)
class Parameters:
    """The readings.

    Attributes
    ----------
    reference_g_cm2, other_g_cm2
        The same phantom or subject on the two systems, in the same order; the differences are
        other less reference.
    """

    reference_g_cm2: tuple[float, ...]
    other_g_cm2: tuple[float, ...]

    def __post_init__(self) -> None:
        require(len(self.reference_g_cm2) == len(self.other_g_cm2), "other_g_cm2",
                "Each reading of one system needs that of the other.")  # fmt: skip
        require(len(self.reference_g_cm2) >= _FEWEST, "reference_g_cm2",
                f"{_FEWEST} pairs or more are needed.")  # fmt: skip
        require(all(math.isfinite(v) and v > 0 for v in (*self.reference_g_cm2, *self.other_g_cm2)),
                "reference_g_cm2", "Every BMD is a number above zero.")  # fmt: skip


@measurement(
    NAME,
    version=VERSION,
    title="Bone densitometer cross-calibration",
    edition=EDITION,
    modalities=(),
)
def measure(images: Sequence[Image], **parameters: Any) -> Analysis:
    """Compare two densitometers from paired readings.

    Values ``difference`` (g/cm2) and ``difference_percent`` (%, of the mean of the reference),
    ``ratio`` (1, mean other over mean reference), ``sd_of_differences``, ``limit_low`` and
    ``limit_high`` (g/cm2, mean difference less and plus 1.96 of it). When the readings range far
    enough also ``slope`` (1) and ``intercept`` (g/cm2) of other on reference (both with error:
    Deming's line) and ``proportional_bias`` (1, slope of difference on mean).

    Raises
    ------
    InputError
        Codes ``bad-parameter``, ``readings-not-images``.
    """
    chosen = choose(Parameters, parameters)
    require_no_images(images)
    x, y = np.array(chosen.reference_g_cm2), np.array(chosen.other_g_cm2)
    n = len(x)
    off, middle = y - x, 0.5 * (x + y)
    mean, sd = float(off.mean()), float(off.std(ddof=1))
    u = sd / math.sqrt(n)
    # Bland and Altman: the limits' variance is about 3 sd² / n.
    u_limit = sd * math.sqrt(3.0 / n)
    ratio = float(y.mean() / x.mean())
    u_ratio = float((y - ratio * x).std(ddof=1)) / math.sqrt(n) / float(x.mean())
    values = {
        "difference": quantity(mean, UNIT, u),
        "difference_percent": quantity(100.0 * (ratio - 1.0), "%", 100.0 * u_ratio),
        "ratio": quantity(ratio, "1", u_ratio),
        "sd_of_differences": quantity(sd, UNIT, sd / math.sqrt(2 * (n - 1))),
        "limit_low": quantity(mean - _LIMITS * sd, UNIT, u_limit),
        "limit_high": quantity(mean + _LIMITS * sd, UNIT, u_limit),
    }
    warnings = []
    if float(np.ptp(x)) > _LEAST_RANGE * sd and float(x.std()) > 0:
        values.update(_lines(x, y, off, middle))
    else:
        warnings.append(
            "The readings range too little for a line through them; only differences and ratio "
            "are given."
        )
    order = np.argsort(middle)
    return Analysis(
        name=NAME,
        status="measured",
        provenance=provenance(NAME, VERSION, EDITION, images, chosen),
        values=values,
        curves=(Curve("Difference against mean", tuple(map(float, middle[order])),
                      tuple(map(float, off[order])), "Mean of both", UNIT, "Other - reference",
                      UNIT),),
        warnings=tuple(warnings),
        facts={"pairs": n},
    )  # fmt: skip


def _deming(x: Array, y: Array) -> tuple[float, float]:
    """Return slope and intercept of the line with like errors in both (orthogonal distances)."""
    mx, my = float(x.mean()), float(y.mean())
    xx, yy = float(((x - mx) ** 2).sum()), float(((y - my) ** 2).sum())
    xy = float(((x - mx) * (y - my)).sum())
    slope = (yy - xx + math.sqrt((yy - xx) ** 2 + 4 * xy * xy)) / (2 * xy) if xy else 0.0
    return slope, my - slope * mx


def _lines(x: Array, y: Array, off: Array, middle: Array) -> dict[str, Quantity]:
    slope, start = _deming(x, y)
    n = len(x)
    # Jackknife: each pair left out once.
    left = np.array([_deming(np.delete(x, i), np.delete(y, i)) for i in range(n)])
    u = np.sqrt((n - 1) / n * ((left - left.mean(axis=0)) ** 2).sum(axis=0))
    spread = float(((middle - middle.mean()) ** 2).sum())
    bias = float(((middle - middle.mean()) * off).sum()) / spread
    residual = off - off.mean() - bias * (middle - middle.mean())
    u_bias = math.sqrt(float((residual**2).sum()) / (n - 2) / spread)
    return {
        "slope": quantity(slope, "1", float(u[0])),
        "intercept": quantity(start, UNIT, float(u[1])),
        "proportional_bias": quantity(bias, "1", u_bias),
    }
