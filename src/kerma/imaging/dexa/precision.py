"""Precision error and least significant change of bone densitometry, from repeated scans."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from kerma.core import Analysis, Curve, Image, InputError, quantity
from kerma.imaging.dexa.constancy import UNIT
from kerma.imaging.record import choose, provenance, require
from kerma.imaging.registry import measurement
from kerma.imaging.tools.readings import require_no_images
from kerma.imaging.tools.untyped import special

NAME, VERSION = "dexa-precision", "1"
EDITION = "Root mean square of the subjects' standard deviations; Glüer et al. 1995; LSC after ISCD"
# ISCD recommends 30 degrees of freedom (15 x 3 or 30 x 2); recalled. Glüer et al., Osteoporos Int
# 5 (1995) 262, abstract, seen: 27 degrees of freedom give an upper 90 % limit of +30 %.
_ENOUGH = 30


@dataclass(frozen=True, slots=True)
class Parameters:
    """The readings.

    Attributes
    ----------
    subject
        Whose scan each is; a number, not a name.
    bmd_g_cm2
        BMD of each scan.
    lsc_factor
        Least significant change over precision error: 1.96 times the root of 2 for 95 %.
    confidence_percent
        Of the confidence limits, two-sided.
    """

    subject: tuple[str | float, ...]
    bmd_g_cm2: tuple[float, ...]
    lsc_factor: float = 2.77
    confidence_percent: float = 95.0

    def __post_init__(self) -> None:
        require(len(self.subject) == len(self.bmd_g_cm2), "subject", "Each scan needs its subject.")
        require(all(math.isfinite(v) and v > 0 for v in self.bmd_g_cm2), "bmd_g_cm2",
                "Every BMD is a number above zero.")  # fmt: skip
        require(self.lsc_factor > 0, "lsc_factor", "The factor is above zero.")
        require(50 <= self.confidence_percent < 100, "confidence_percent",
                "The confidence lies from 50 % to below 100 %.")  # fmt: skip


@measurement(
    NAME,
    version=VERSION,
    title="Bone densitometry precision",
    edition=EDITION,
    modalities=(),
)
def measure(images: Sequence[Image], **parameters: Any) -> Analysis:
    """Measure the precision error from repeated scans of several subjects.

    Values ``rms_sd`` (g/cm2), ``rms_cv`` (%), ``lsc`` (g/cm2) and ``lsc_percent`` (%), each with
    ``..._low`` and ``..._high`` confidence limits (chi-square), and ``degrees_of_freedom`` (1).
    Subjects with more scans count with their degrees of freedom.

    Raises
    ------
    InputError
        Codes ``bad-parameter``, ``no-repeats``, ``readings-not-images``.
    """
    chosen = choose(Parameters, parameters)
    require_no_images(images)
    bmd = np.array(chosen.bmd_g_cm2)
    groups = {s: bmd[[i for i, t in enumerate(chosen.subject) if t == s]] for s in chosen.subject}
    single = [s for s, v in groups.items() if len(v) < 2]
    used = {s: v for s, v in groups.items() if len(v) > 1}
    if len(used) < 2:
        raise InputError(
            "The precision error needs two scans or more of each of several subjects.",
            code="no-repeats",
        )
    means = np.array([v.mean() for v in used.values()])
    sds = np.array([v.std(ddof=1) for v in used.values()])
    freedom = np.array([len(v) - 1 for v in used.values()])
    total = int(freedom.sum())
    sd = math.sqrt(float((freedom * sds**2).sum()) / total)
    cv = 100.0 * math.sqrt(float((freedom * (sds / means) ** 2).sum()) / total)
    tail = (1.0 - chosen.confidence_percent / 100.0) / 2.0
    # Quantiles of chi-square: the upper limit of a variance takes the lower quantile.
    low, high = (math.sqrt(total / (2.0 * float(special.gammaincinv(total / 2.0, p))))
                 for p in (1.0 - tail, tail))  # fmt: skip
    values = {"degrees_of_freedom": quantity(total, "1")}
    factor = chosen.lsc_factor
    for name, size, unit in (
        ("rms_sd", sd, UNIT),
        ("rms_cv", cv, "%"),
        ("lsc", factor * sd, UNIT),
        ("lsc_percent", factor * cv, "%"),
    ):
        values[name] = quantity(size, unit, size / math.sqrt(2 * total))
        values[f"{name}_low"], values[f"{name}_high"] = (
            quantity(size * low, unit), quantity(size * high, unit),
        )  # fmt: skip
    order = np.argsort(means)
    return Analysis(
        name=NAME,
        status="measured",
        provenance=provenance(NAME, VERSION, EDITION, images, chosen),
        values=values,
        curves=(Curve("Standard deviation of each subject", tuple(map(float, means[order])),
                      tuple(map(float, sds[order])), "Mean BMD", UNIT, "SD", UNIT),),
        warnings=tuple(_warnings(total, single, sds, freedom)),
        facts={"subjects": len(used), "scans": int(sum(len(v) for v in used.values()))},
    )  # fmt: skip


def _warnings(
    total: int, single: Sequence[str | float], sds: np.ndarray[Any, Any],
    freedom: np.ndarray[Any, Any],
) -> list[str]:  # fmt: skip
    said = []
    if total < _ENOUGH:
        said.append(
            f"{total} degrees of freedom; {_ENOUGH} are recommended (15 subjects three times, or "
            "30 twice)."
        )
    if single:
        said.append(f"{len(single)} subject{'s' * (len(single) > 1)} with one scan were left out.")
    share = float((freedom * sds**2).max() / max(float((freedom * sds**2).sum()), 1e-300))
    if share > 0.5:
        said.append(
            f"One subject makes {100 * share:.0f} % of the variance. Check its positioning and "
            "analysis."
        )
    return said
