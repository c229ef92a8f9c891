"""The trend of one test on a system: the chart, and the same data as a table."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.db.models import Q

from kerma import charts
from kerma.core import InputError, Level, Quantity, Verdict, unit
from kerma.service.estate.models import System
from kerma.service.testing.models import Baseline, Result, Survey
from kerma.service.testing.selectors import trend

# A yes or no is stored as 1 or 0 and judged by a functional level; there is no trend in it.
_KIND = "record__levels__0__criterion__kind"
_NUMERIC = Q(**{f"{_KIND}__isnull": True}) | ~Q(**{_KIND: "functional"})

Bounds = tuple[float | None, float | None]


@dataclass(frozen=True, slots=True)
class Trend:
    """What the page shows of a test over time."""

    test: str
    title: str
    unit: str
    chart: charts.Chart
    rows: list[dict[str, Any]]
    levels: list[Level]


def tests_of(system: System) -> list[tuple[str, str]]:
    """Return the tests that have a number to follow, in the order of the latest survey."""
    rows = (
        Result.objects.filter(
            survey__system=system, survey__state="issued", withdrawn_at=None, value__isnull=False
        )
        .filter(_NUMERIC)
        .order_by("-survey__performed_on", "-survey_id", "order")
        .values_list("test", "title")
    )
    titles: dict[str, str] = {}
    for test, title in rows:
        titles.setdefault(test, title)
    return list(titles.items())


def first_choice(system: System) -> str:
    """Return the test to show unasked: the one that last exceeded a level, or none."""
    rows = Result.objects.filter(
        survey__system=system, survey__state="issued", withdrawn_at=None, value__isnull=False,
        verdict__in=("remedial", "suspension"),
    ).filter(_NUMERIC)  # fmt: skip
    # “suspension” sorts after “remedial”, so the graver of one day's results comes first.
    rows = rows.order_by("-survey__performed_on", "-verdict", "order")
    return str(rows.values_list("test", flat=True).first() or "")


def trend_of(system: System, test: str, href: Callable[[Survey], str]) -> Trend | None:
    """Return a test's trend, or ``None`` when it has no result yet.

    Parameters
    ----------
    system, test
        Whose results of what.
    href
        The page a point opens.

    """
    results = trend(system, test)
    if not results:
        return None
    latest = results[-1]
    points = [_point(r, latest.unit, href) for r in results]
    drawn = charts.trend(
        points,
        unit=latest.unit,
        title=latest.title,
        events=_events(system, test),
        periods=_periods(results, latest.unit),
    )
    rows = [{"result": r, "quantity": _quantity(r), "url": href(r.survey)} for r in results]
    levels = [Level.from_dict(level) for level in latest.record.get("levels", ())]
    return Trend(test, latest.title, latest.unit, drawn, rows[::-1], levels)


def _quantity(result: Result) -> Quantity | None:
    if result.value is None:
        return None
    return Quantity(result.value, unit(result.unit), result.u)


def _point(result: Result, symbol: str, href: Callable[[Survey], str]) -> charts.TrendPoint:
    value = _quantity(result)
    try:
        value = value.to(symbol) if value else None
    except InputError:
        value = None  # measured in another kind of quantity: a gap, never a wrong number
    return charts.TrendPoint(
        on=result.survey.performed_on,
        value=value.value if value else None,
        verdict=Verdict(result.verdict),
        href=href(result.survey),
        label=result.survey.get_purpose_display(),
        expanded=value.expanded if value else None,
    )


def _events(system: System, test: str) -> list[charts.Event]:
    found = [
        charts.Event(e.on, e.kind.replace("_", " "), breaks=e.kind.endswith("change"))
        for e in system.events.all()
        if e.kind.endswith("change")
    ]
    days = Baseline.objects.filter(system=system, test=test).values_list("valid_from", flat=True)
    return found + [charts.Event(day, "baseline") for day in sorted(set(days))]


def _periods(results: Sequence[Result], symbol: str) -> list[charts.Limits]:
    """Return the levels as they were applied, from each day on which they changed."""
    periods: list[charts.Limits] = []
    for result in results:
        limits = _limits(result, symbol, result.survey.performed_on)
        if not periods or _differ(periods[-1], limits):
            periods.append(limits)
    return periods


def _differ(a: charts.Limits, b: charts.Limits) -> bool:
    return (a.baseline, a.remedial, a.suspension) != (b.baseline, b.remedial, b.suspension)


def _limits(result: Result, symbol: str, since: date) -> charts.Limits:
    record = result.record
    context = {
        name: Quantity.from_dict(record[name])
        for name in ("nominal", "baseline")
        if record.get(name)
    }
    sides: dict[str, list[Bounds]] = {"remedial": [], "suspension": []}
    for data in record.get("levels", ()):
        level = Level.from_dict(data)
        group = "suspension" if level.level_class in ("suspension", "legal limit") else "remedial"
        try:
            low, high = level.criterion.bounds(unit_of=Quantity(0.0, unit(symbol)), context=context)
        except InputError:
            continue  # a bound that depends on what the record does not hold is not drawn
        sides[group].append((low.value if low else None, high.value if high else None))
    base = context.get("baseline")
    try:
        baseline = base.to(symbol).value if base else None
    except InputError:
        baseline = None
    return charts.Limits(
        since, baseline, _tightest(sides["remedial"]), _tightest(sides["suspension"])
    )


def _tightest(bounds: Sequence[Bounds]) -> Bounds:
    lows = [low for low, _ in bounds if low is not None]
    highs = [high for _, high in bounds if high is not None]
    return max(lows, default=None), min(highs, default=None)
