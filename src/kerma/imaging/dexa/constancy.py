"""Constancy of a bone densitometer from the BMD of its phantom."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np

from kerma.core import Analysis, Curve, Image, Quantity, quantity
from kerma.imaging.dexa import _series
from kerma.imaging.dexa._series import DAYS_PER_YEAR, Array, Drift, Step
from kerma.imaging.record import choose, provenance, require
from kerma.imaging.registry import measurement
from kerma.imaging.tools.control_chart import RUN_RULES, Cusum, cusum, run_rules
from kerma.imaging.tools.readings import require_no_images

NAME, VERSION = "dexa-constancy", "1"
EDITION = "Baseline of 10 scans or more, limit in %, Shewhart run rules, tabular CUSUM (recalled)"
_FEWEST_BASELINE = 10
UNIT = "g/cm2"


@dataclass(frozen=True, slots=True)
class Parameters:
    """The readings, and the service's own rules.

    Attributes
    ----------
    dates
        Day of each scan, as 2026-01-31.
    bmd_g_cm2
        BMD of the phantom.
    area_cm2, bmc_g
        Its area and bone mineral content, when exported.
    baseline_count
        The first so many scans are the baseline.
    baseline_mean_g_cm2, baseline_sd_g_cm2
        Baseline from elsewhere, instead; all scans are then judged.
    limit_percent
        Largest deviation from the baseline mean that passes: the service's level, 1.5 % is custom.
    cusum_k, cusum_h
        Reference value and decision interval of the CUSUM, in baseline standard deviations.
    """

    dates: tuple[str, ...]
    bmd_g_cm2: tuple[float, ...]
    area_cm2: tuple[float, ...] | None = None
    bmc_g: tuple[float, ...] | None = None
    baseline_count: int = _FEWEST_BASELINE
    baseline_mean_g_cm2: float | None = None
    baseline_sd_g_cm2: float | None = None
    limit_percent: float = 1.5
    cusum_k: float = 0.5
    cusum_h: float = 5.0

    def __post_init__(self) -> None:
        count = len(self.dates)
        for name in ("bmd_g_cm2", "area_cm2", "bmc_g"):
            column = getattr(self, name)
            require(column is None or len(column) == count, name, f"Each date needs its {name}.")
            require(column is None or all(math.isfinite(v) and v > 0 for v in column), name,
                    f"Every {name} is a number above zero.")  # fmt: skip
        given = self.baseline_mean_g_cm2, self.baseline_sd_g_cm2
        require((given[0] is None) == (given[1] is None), "baseline_sd_g_cm2",
                "A baseline from elsewhere needs its mean and its standard deviation.")  # fmt: skip
        require(given[0] is None or min(v for v in given if v is not None) > 0,
                "baseline_mean_g_cm2", "The baseline is above zero.")  # fmt: skip
        require(self.baseline_count >= _FEWEST_BASELINE, "baseline_count",
                f"A baseline needs {_FEWEST_BASELINE} scans or more.")  # fmt: skip
        require(min(self.limit_percent, self.cusum_k, self.cusum_h) > 0, "limit_percent",
                "The limit, k and h are above zero.")  # fmt: skip
        least = 1 if given[0] is not None else self.baseline_count
        require(count >= least, "bmd_g_cm2", f"{least} scans or more are needed.")


@dataclass(frozen=True, slots=True, eq=False)
class _Judged:
    """The scans after the baseline: places in the series, deviations, rules."""

    first: int
    mean: float
    sd: float
    percent: Array
    z: Array
    rules: dict[str, np.ndarray[Any, Any]]
    sums: Cusum


@measurement(
    NAME,
    version=VERSION,
    title="Bone densitometer constancy",
    edition=EDITION,
    modalities=(),
)
def measure(images: Sequence[Image], **parameters: Any) -> Analysis:
    """Judge a series of phantom scans against its baseline.

    Values ``baseline_mean``, ``baseline_sd`` (g/cm2), ``baseline_cv`` and ``cv`` (%, of the scans
    after it), ``mean_deviation``, ``last_deviation`` and ``worst_deviation`` (% of the baseline
    mean), ``out_of_limit`` (scans beyond `limit_percent`), the number of scans that complete each
    run rule (``rule_1_beyond_3sd``, ``rule_2_of_3_beyond_2sd``, ``rule_4_of_5_beyond_1sd``,
    ``rule_10_on_one_side``), ``cusum_signals`` and ``cusum_change`` (%, of the first signal),
    ``drift`` (%/y) over all scans, and ``step`` (%) where one step describes the series better than
    a constant or a drift. With area and content ``area_cv`` and ``bmc_cv`` (%). `facts` hold the
    dates, and which of the three describes the series best.

    Raises
    ------
    InputError
        Codes ``bad-parameter``, ``bad-date``, ``readings-not-images``.
    """
    chosen = choose(Parameters, parameters)
    require_no_images(images)
    dates = _series.parse_dates(chosen.dates)
    order = sorted(range(len(dates)), key=lambda i: dates[i])  # stable: scans of a day keep order
    warnings = [] if order == list(range(len(dates))) else ["The scans were put in order of date."]
    days = [dates[i] for i in order]
    bmd = np.array(chosen.bmd_g_cm2)[order]
    found = _judged(bmd, chosen)
    years = np.array([(d - days[0]).days for d in days]) / DAYS_PER_YEAR
    line, jump = _series.drift(years, bmd), _series.step(bmd)
    described = _series.best_description(bmd, line, jump)
    if described != "step":
        jump = None  # the best of many places is a step even in mere noise
    values = {
        **_values(found, bmd, chosen.limit_percent), **_rule_values(found),
        **_trend(found, line, jump),
    }  # fmt: skip
    for name, column in (("area", chosen.area_cm2), ("bmc", chosen.bmc_g)):
        if column is not None and len(column) > 1:
            values[f"{name}_cv"] = _cv(np.array(column))
    warnings += _warnings(found, bmd, chosen)
    return Analysis(
        name=NAME,
        status="measured",
        provenance=provenance(NAME, VERSION, EDITION, images, chosen),
        values=values,
        curves=_curves(found, bmd, years),
        warnings=tuple(warnings),
        facts={
            "baseline_scans": found.first, "first_judged": _day(days, found.first),
            "best_description": described,
            "step_date": None if jump is None else days[jump.at].isoformat(),
            "out_of_limit_dates": _dates(days, found, np.abs(found.percent) > chosen.limit_percent),
            "rule_dates": {n: _dates(days, found, marks) for n, marks in found.rules.items()},
            "cusum": [
                {"signal": _day(days, found.first + s.at),
                 "since": _day(days, found.first + s.since),
                 "change_percent": 100.0 * s.change * found.sd / found.mean}
                for s in found.sums.signals
            ],
            "rules": {n: list(rule) for n, rule in RUN_RULES.items()},
        },
    )  # fmt: skip


def _judged(bmd: Array, chosen: Parameters) -> _Judged:
    if chosen.baseline_mean_g_cm2 is not None and chosen.baseline_sd_g_cm2 is not None:
        first, mean, sd = 0, chosen.baseline_mean_g_cm2, chosen.baseline_sd_g_cm2
    else:
        first = chosen.baseline_count
        mean, sd = float(bmd[:first].mean()), float(bmd[:first].std(ddof=1))
    after = bmd[first:]
    percent = 100.0 * (after / mean - 1.0)
    # A baseline without any scatter (rounded readings) has no rules in standard deviations.
    z = (after - mean) / sd if sd > 0 else np.zeros(0)
    return _Judged(first, mean, sd, percent, z, run_rules(z),
                   cusum(z, chosen.cusum_k, chosen.cusum_h))  # fmt: skip


def _cv(values: Array) -> Quantity:
    """Return the coefficient of variation in %, and its uncertainty."""
    cv = 100.0 * float(values.std(ddof=1)) / float(values.mean())
    n = len(values)
    # Standard deviation of a standard deviation, plus that of the mean (second order in cv).
    return quantity(cv, "%", cv * math.sqrt(1.0 / (2 * (n - 1)) + (cv / 100.0) ** 2 / n))


def _values(found: _Judged, bmd: Array, limit_percent: float) -> dict[str, Quantity]:
    n = found.first
    u_mean = found.sd / math.sqrt(n) if n else None
    share = 100.0 / found.mean
    values = {"baseline_mean": quantity(found.mean, UNIT, u_mean)}
    if n:
        values["baseline_sd"] = quantity(found.sd, UNIT, found.sd / math.sqrt(2 * (n - 1)))
        values["baseline_cv"] = _cv(bmd[:n])
    after = bmd[n:]
    if len(after):
        # One scan's own scatter, and the baseline's.
        u_one = share * math.hypot(found.sd, u_mean or 0.0)
        u_all = share * math.hypot(found.sd / math.sqrt(len(after)), u_mean or 0.0)
        worst = int(np.argmax(np.abs(found.percent)))
        values |= {
            "mean_deviation": quantity(float(found.percent.mean()), "%", u_all),
            "last_deviation": quantity(float(found.percent[-1]), "%", u_one),
            "worst_deviation": quantity(float(found.percent[worst]), "%", u_one),
            "out_of_limit": quantity(int((np.abs(found.percent) > limit_percent).sum()), "1"),
        }
        if len(after) > 1:
            values["cv"] = _cv(after)
    return values


def _rule_values(found: _Judged) -> dict[str, Quantity]:
    if not len(found.z):
        return {}
    values = {f"rule_{n}": quantity(int(m.sum()), "1") for n, m in found.rules.items()}
    values["cusum_signals"] = quantity(len(found.sums.signals), "1")
    if found.sums.signals:
        first = found.sums.signals[0]
        run = first.at - first.since + 1
        scale = 100.0 * found.sd / found.mean
        values["cusum_change"] = quantity(first.change * scale, "%", scale / math.sqrt(run))
    return values


def _trend(found: _Judged, line: Drift | None, jump: Step | None) -> dict[str, Quantity]:
    share = 100.0 / found.mean
    values = {}
    if line is not None:
        values["drift"] = quantity(share * line.per_year, "%/y", share * line.u)
    if jump is not None:
        values["step"] = quantity(share * jump.size, "%", share * jump.u)
    return values


def _warnings(found: _Judged, bmd: Array, chosen: Parameters) -> list[str]:
    said = []
    if found.first == len(bmd):
        said.append("All scans belong to the baseline; none is judged yet.")
    if found.sd == 0:
        said.append("The baseline has no scatter at all, so only the limit in % was applied.")
    off = np.abs(100.0 * (bmd[: found.first] / found.mean - 1.0))
    beyond = int((off > chosen.limit_percent).sum())
    if beyond:
        said.append(
            f"Scans of the baseline itself lie beyond {chosen.limit_percent:g} % of its mean "
            f"({beyond} of {found.first}). Check the baseline."
        )
    if chosen.baseline_mean_g_cm2 is not None:
        said.append("The baseline was given by hand.")
    return said


def _day(days: Sequence[date], at: int) -> str | None:
    return days[at].isoformat() if at < len(days) else None


def _dates(days: Sequence[date], found: _Judged, marks: np.ndarray[Any, Any]) -> list[str]:
    return [days[found.first + int(i)].isoformat() for i in np.flatnonzero(marks)]


def _curves(found: _Judged, bmd: Array, years: Array) -> tuple[Curve, ...]:
    x = tuple(map(float, DAYS_PER_YEAR * years))
    curves = [
        Curve("BMD", x, tuple(map(float, bmd)), "Days", "1", "BMD", UNIT),
        Curve("Deviation from baseline", x,
              tuple(map(float, 100.0 * (bmd / found.mean - 1.0))), "Days", "1", "Deviation", "%"),
    ]  # fmt: skip
    if len(found.z):
        after = x[found.first :]
        for name, sums in (("CUSUM upwards", found.sums.high), ("CUSUM downwards", found.sums.low)):
            curves.append(Curve(name, after, tuple(map(float, sums)), "Days", "1", "Sum", "1"))
    return tuple(curves)
