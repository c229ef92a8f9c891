"""A system's workload as the dose room knows it, ready to be put into the uses of a design.

Nothing is assumed: what a record does not state (tube voltage, CT phantom) is counted apart and
becomes a use that says so and stays incomplete until somebody decides.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache
from typing import Any

from django.utils import timezone

from kerma.core import InputError
from kerma.core.quantity import format_number
from kerma.physics.shielding.plan.document import METHODS, PERIODS
from kerma.reference import rows
from kerma.reports.units import date_text
from kerma.service.doses import columnar
from kerma.service.estate.models import System
from kerma.service.protection.shielding import dose_counts
from kerma.service.protection.shielding.dose_counts import CtPart, Totals, Week

# Fewer days hold some weekdays less often than others, and one holiday or one fault of the room
# decides the result: four whole weeks at least. Design choice.
LEAST_DAYS = 28
# Every day of the week is covered, so a year is the calendar's and no weeks off are assumed.
DAYS = {"week": 7.0, "year": 365.0}
# Parts below this share of the whole are rounding of the device's totals. Design choice.
ROUNDING = 0.001
# Growth beyond this is a mistake of the key. Design choice.
MOST_GROWTH = 10.0
_BREAST = ("mammography", "tomosynthesis")


@dataclass(frozen=True, slots=True)
class Workload:
    """What a system did between two days; sums are of the days covered, not scaled.

    Attributes
    ----------
    kap_bins
        KAP in Gy.cm2 by tube voltage, top of a bin of 5 kV; `kap_without_kv` is not in it.
    mamin_bins
        Tube load in mA min likewise.
    ct
        DLP by phantom and tube voltage; `dlp_without_event` is stated by studies only.
    growth
        What everything is multiplied by when it is scaled.
    """

    asset: str
    name: str
    modality: str
    since: date
    until: date
    totals: Totals
    busiest: Week
    kap_bins: Mapping[float, float]
    kap_without_kv: float
    mamin_bins: Mapping[float, float]
    mamin_without_kv: float
    ct: tuple[CtPart, ...]
    dlp_without_event: float
    growth: float
    waiting: int

    def scaled(self, amount: float, period: str) -> float:
        """Return an amount of the days covered for a ``week`` or a ``year``, with growth."""
        return amount * DAYS[period] / self.totals.covered_days * self.growth

    @property
    def procedures_per_week(self) -> float:
        """Studies of any kind."""
        return self.scaled(self.totals.studies, "week")

    @property
    def patients_per_week(self) -> float:
        """Studies of patients: the store does not know who comes twice."""
        return self.scaled(self.totals.patients, "week")

    @property
    def sentences(self) -> tuple[str, ...]:
        """Where the numbers are from and what is not in them."""
        return _sentences(self)


def last_year(today: date) -> tuple[date, date]:
    """Return the first and last day of the last 52 weeks, which hold every weekday equally."""
    return today - timedelta(days=363), today


def workload(system: System, *, since: date, until: date, growth: float = 1.0) -> Workload:
    """Count what a system did between two days, both included.

    Parameters
    ----------
    system, since, until
        Which system, from which day to which.
    growth
        Factor for the years to come, as the user gives it; 1 for none.

    Raises
    ------
    InputError
        ``bad-span``, ``bad-growth``, ``no-records``; ``few-days`` below `LEAST_DAYS` covered.
    """
    if since > until:
        raise InputError("The first day lies after the last.", code="bad-span")
    if not (math.isfinite(growth) and 0.0 < growth <= MOST_GROWTH):
        raise InputError(
            f"Growth is a factor above 0 and at most {MOST_GROWTH:g}; 1 for none.",
            code="bad-growth",
        )
    store, asset = columnar.store(), system.asset
    span = (since, until)
    found = dose_counts.totals(store, [asset], *span).get(asset)
    week = dose_counts.busiest(store, asset, *span)
    if found is None or week is None:
        raise InputError(
            f"The dose room holds no record of {system} from {date_text(since)} to "
            f"{date_text(until)}. Use a survey of the department's workload instead.",
            code="no-records",
        )
    if found.covered_days < LEAST_DAYS:
        raise InputError(
            f"The records of {system} cover {found.covered_days} days; a workload is taken from "
            f"{LEAST_DAYS} at least, so that no single week decides it.",
            code="few-days",
        )
    kap_bins = dose_counts.by_kv(store, asset, *span, "kap_gy_cm2")
    mas_bins = dose_counts.by_kv(store, asset, *span, "exposure_mas")
    mas = dose_counts.whole(store, asset, *span, "exposure_mas")
    ct = dose_counts.ct_parts(store, asset, *span)
    return Workload(
        asset=asset, name=str(system), modality=system.modality, since=since, until=until,
        totals=found, busiest=week,
        kap_bins=kap_bins, kap_without_kv=_rest(found.kap_gy_cm2, kap_bins.values()),
        mamin_bins={kv: v / 60.0 for kv, v in mas_bins.items()},
        mamin_without_kv=_rest(mas, mas_bins.values()) / 60.0,
        ct=ct, dlp_without_event=_rest(found.dlp_mgy_cm, (p.dlp_mgy_cm for p in ct)),
        growth=growth, waiting=columnar.waiting(),
    )  # fmt: skip


def _rest(whole: float | None, parts: Any) -> float:
    """Return what of a whole is in none of its parts; nothing when that is rounding."""
    rest = (whole or 0.0) - math.fsum(parts)
    return rest if rest > ROUNDING * (whole or 0.0) else 0.0


# Uses ---------------------------------------------------------------------------------------------


def as_uses(
    system: System, method: str, *, since: date | None = None, until: date | None = None,
    growth: float = 1.0,
) -> dict[str, Any]:  # fmt: skip
    """Return a system's workload as uses of a design, by default of the last 52 weeks.

    Returns
    -------
    dict
        ``uses``: kind, title and what is given of each, numbers in the method's period;
        ``sentences``: where they are from. Plain data.

    Raises
    ------
    InputError
        ``bad-plan``: no such method; those of `workload`.
    """
    if method not in METHODS:
        raise InputError(f"“{method}” is no method of {', '.join(METHODS)}.", code="bad-plan")
    first, last = last_year(timezone.localdate())
    found = workload(system, since=since or first, until=until or last, growth=growth)
    made = _ct(found, method)
    if found.modality in _BREAST:
        made += _breast(found, method)
    elif method == "uk":
        made += _kap(found)
    elif not found.totals.dlp_mgy_cm:
        made += _patients(found)
    return {
        "system": found.asset, "covered_days": found.totals.covered_days,
        "uses": [
            {"kind": kind, "title": title, "given": given} for kind, title, given in made
        ],
        "sentences": list(found.sentences),
    }  # fmt: skip


Made = tuple[str, str, dict[str, Any]]


def _breast(found: Workload, method: str) -> list[Made]:
    patients = _figures(found.scaled(found.totals.patients, PERIODS[method]))
    return [("mammography", found.asset, {"patients": patients})] if patients else []


def _kap(found: Workload) -> list[Made]:
    made: list[Made] = []
    bins = {f"{kv:g}": _figures(found.scaled(v, "year")) for kv, v in found.kap_bins.items()}
    kind = "dental" if found.modality.startswith("dental") else "kap_bins"
    if kind == "dental":
        made += [
            (kind, f"{found.asset}, up to {kv} kV", {"kap_gy_cm2": kap, "kv": float(kv)})
            for kv, kap in bins.items()
        ]
    elif bins:
        made.append((kind, f"{found.asset}, KAP by kV", {"bins": bins}))
    if found.kap_without_kv:
        kap = _figures(found.scaled(found.kap_without_kv, "year"))
        kind = "dental" if kind == "dental" else "kap"
        made.append((kind, f"{found.asset}, KAP without a stated kV", {"kap_gy_cm2": kap}))
    return made


def _patients(found: Workload) -> list[Made]:
    """Return uses by patients: a distribution to be chosen, or the system's own tube load."""
    if not found.totals.patients:
        return []
    patients = _figures(found.patients_per_week)
    made: list[Made] = [("patients", f"{found.asset}, patients", {"patients": patients})]
    if found.mamin_bins and not found.mamin_without_kv:
        # Growth is in the number of patients; the load of each stays what it is.
        bins = {f"{kv:g}": _figures(v / found.totals.patients)
                for kv, v in found.mamin_bins.items()}  # fmt: skip
        given = {"bins": bins, "patients": patients}
        made.append(("own_workload", f"{found.asset}, own tube load", given))
    return made


@cache
def _ct_voltages() -> tuple[float, ...]:
    held = {r.number("kvp") for r in rows("archer") if r.text("radiation") == "ct_secondary"}
    return tuple(sorted(held))


def transmission_kv(kv: float | None) -> float | None:
    """Return the tube voltage whose transmission stands for a CT beam: the next one tabulated.

    A higher voltage penetrates more, so this never understates; above the tables the voltage
    itself is returned, which the design then refuses, and without one nothing is.
    """
    if kv is None:
        return None
    return next((held for held in _ct_voltages() if held >= kv), kv)


def _ct(found: Workload, method: str) -> list[Made]:
    parts = list(found.ct)
    if found.dlp_without_event:
        parts.append(CtPart("", None, found.dlp_without_event, found.totals.studies))
    taken = {p.kv: transmission_kv(p.kv) for p in parts}
    period = PERIODS[method]
    made: list[Made] = []
    for part in dose_counts.merged(parts, taken):
        dlp = found.scaled(part.dlp_mgy_cm, period)
        given: dict[str, Any] = {"region": part.phantom} if part.phantom else {}
        if part.kv is not None:
            given["kv"] = part.kv
        if method == "uk":
            given["dlp_mgy_cm"] = _figures(dlp)
        else:
            number = found.scaled(part.studies, period)
            given |= {"procedures": _figures(number), "dlp_mgy_cm": _figures(dlp / number)}
        kv = f"{part.kv:g} kV" if part.kv is not None else "kV not stated"
        title = f"{found.asset}, {part.phantom or 'phantom not stated'}, {kv}"
        made.append(("ct_dlp" if method == "uk" else "ct_procedures", title, given))
    return made


def _figures(value: float) -> float:
    """Return a number to six figures: more are noise on a page, fewer would be rounding."""
    return float(f"{value:.6g}")


# Sentences ----------------------------------------------------------------------------------------


def _sentences(found: Workload) -> tuple[str, ...]:
    return tuple(filter(None, (
        _where(found), _how_many(found), _kap_words(found), _load_words(found), _ct_words(found),
        f"Multiplied by {found.growth:g} for growth, as given." if found.growth != 1.0 else "",
        f"{found.waiting:,} studies are not in it: they wait to be taken into the dose columns."
        if found.waiting else "",
    )))  # fmt: skip


def _where(found: Workload) -> str:
    span = (found.until - found.since).days + 1
    left = span - found.totals.covered_days
    apart = (
        f" {left} days in weeks without any record are left out, so that a gap does not lower the "
        "workload."
        if left > 0
        else ""
    )
    return (
        f"Records of {found.name} from {date_text(found.since)} to {date_text(found.until)}: "
        f"{found.totals.covered_days} days covered.{apart}"
    )


def _how_many(found: Workload) -> str:
    tests = found.totals.studies - found.totals.patients
    return (
        f"{found.totals.studies:,} studies"
        + (f", {tests:,} of them tests and no patients (their dose counts)" if tests else "")
        + f"; {format_number(found.patients_per_week)} patients a week; most in the week "
        f"of {date_text(found.busiest.monday)}: {found.busiest.studies:,} studies."
    )


def _kap_words(found: Workload) -> str:
    total = found.totals.kap_gy_cm2
    if not total:
        return ""
    year = format_number(found.scaled(total, "year"))
    return f"KAP {year} Gy.cm2 a year" + _share(
        found.kap_without_kv, total, "without a stated tube voltage, which is a use of its own"
    )


def _load_words(found: Workload) -> str:
    load = math.fsum(found.mamin_bins.values()) + found.mamin_without_kv
    if not load or found.totals.dlp_mgy_cm:
        return ""
    week = format_number(found.scaled(load, "week"))
    return f"Tube load {week} mA min a week" + _share(
        found.mamin_without_kv, load, "without a stated tube voltage: no histogram is made of it"
    )


def _ct_words(found: Workload) -> str:
    total = found.totals.dlp_mgy_cm
    if not total:
        return ""
    year = format_number(found.scaled(total, "year"))
    held = sorted({p.kv for p in found.ct if p.kv is not None})
    kv = f", at {held[0]:g} to {held[-1]:g} kV" if held else ""
    apart = found.dlp_without_event + math.fsum(
        p.dlp_mgy_cm for p in found.ct if not p.phantom or p.kv is None
    )
    return f"DLP {year} mGy.cm a year{kv}" + _share(
        apart, total, "without a stated phantom or tube voltage, which are uses of their own"
    )


def _share(part: float, total: float, words: str) -> str:
    return f"; {format_number(100 * part / total)} % of it {words}." if part else "."
