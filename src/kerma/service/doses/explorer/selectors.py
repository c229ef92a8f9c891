"""Answers of the explorer, ready to be drawn."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any
from urllib.parse import urlencode

from django.db.models import Q, QuerySet
from django.urls import reverse

from kerma import charts
from kerma.core import InputError, quantity
from kerma.doses import queries as ask
from kerma.doses.compare import Comparison, compare
from kerma.doses.levels import NationalLevel, national_levels
from kerma.doses.queries import Filter, Measure, Summary
from kerma.doses.store import Store
from kerma.service.doses.explorer.forms import ExplorerForm, against_words
from kerma.service.doses.models import LocalLevel, SavedView, StandardName
from kerma.service.estate.models import System
from kerma.service.people.models import Person

# Quantities of reference levels by the measure they are drawn for.
_LEVEL_OF = {"dlp": "dlp", "ctdivol": "ctdivol", "kap": "kap", "fluoro_time": "fluoro_time"}
# Columns of the list of studies a group leads to.
_DRILL = {"system": "system", "modality": "modality", "description": "q", "site": "site"}
_SHOWN_GROUPS = 200
_ON_PHANTOM = ("dlp", "ctdivol")


@dataclass(frozen=True, slots=True)
class Row:
    """One group of the table, with where it leads."""

    names: tuple[str, ...]
    summary: Summary
    url: str


@dataclass(frozen=True, slots=True)
class Answer:
    """Everything the explorer shows for one question."""

    measure: Measure
    rows: list[Row]
    total: int
    more: int
    charts: list[tuple[str, Any]]
    lines: list[charts.Line]
    unlined: str = ""


def answer(store: Store, form: ExplorerForm, chosen: Filter) -> Answer:
    """Ask the store and draw what it says.

    Raises
    ------
    InputError
        Those of `kerma.doses.queries`.
    """
    asked = ask.measure(form.measure_key)
    groups = form.groups
    found = ask.percentiles(store, asked.key, chosen, by=groups)
    titles = _titles(groups)
    rows = [
        Row(_named(s.group, titles), s, _drill(groups, s.group, chosen))
        for s in found[:_SHOWN_GROUPS]
    ]
    lines, unlined = reference_lines(asked, chosen, _phantoms(store, asked, chosen))
    drawn = _charts(store, form, chosen, rows, lines) if found else []
    return Answer(
        asked, rows, sum(s.count for s in found), max(0, len(found) - len(rows)), drawn, lines,
        unlined,
    )  # fmt: skip


def _phantoms(store: Store, asked: Measure, chosen: Filter) -> frozenset[str]:
    """Return the CTDI phantoms the doses chosen are stated for; none for other doses."""
    if _LEVEL_OF.get(asked.key) not in _ON_PHANTOM:
        return frozenset()
    return frozenset(s.group[0] for s in ask.percentiles(store, asked.key, chosen, by=["phantom"]))


def _titles(groups: list[str]) -> list[dict[str, str]]:
    """Return readable names of the values of each group."""
    known: dict[str, dict[str, str]] = {
        "standard": dict(StandardName.objects.values_list("key", "title")),
        "system": {s.asset: f"{s.asset} {s.name}" for s in System.objects.only("asset", "name")},
        "phantom": {"head": "head, 16 cm", "body": "body, 32 cm"},
    }
    return [known.get(g, {}) for g in groups]


def _named(group: tuple[str, ...], titles: list[dict[str, str]]) -> tuple[str, ...]:
    return tuple(t.get(value, value) for value, t in zip(group, titles, strict=True))


def _drill(groups: list[str], values: tuple[str, ...], chosen: Filter) -> str:
    """Return the list of studies a group is made of, as far as that list can be narrowed so."""
    query = {}
    for group, value in zip(groups, values, strict=True):
        if group in _DRILL and value != "not stated":
            query[_DRILL[group]] = value
    for name in ("since", "until"):
        if day := getattr(chosen, name):
            query[name] = day.isoformat()
    for column in ("system", "modality"):
        if column not in query and len(chosen.equal.get(column, ())) == 1:
            query[column] = chosen.equal[column][0]
    return f"{reverse('doses')}?{urlencode(query)}" if query else reverse("doses")


def reference_lines(
    asked: Measure, chosen: Filter, phantoms: frozenset[str]
) -> tuple[list[charts.Line], str]:
    """Return the levels to draw, and why some are not.

    They are of the one standard name chosen, national and local, in force on the last day asked
    about, or today. A level of CT is drawn beside doses on its own phantom only: on another the
    same dose reads about twice or half.
    """
    quantity_of = _LEVEL_OF.get(asked.key)
    names = chosen.equal.get("standard", ())
    if quantity_of is None or len(names) != 1:
        return [], ""
    standard = StandardName.objects.filter(key=names[0]).first()
    if standard is None:
        return [], ""
    national = _in_force(levels_of(standard, quantity_of), chosen.until or date.today())
    local = LocalLevel.objects.filter(
        standard=standard, quantity=quantity_of, ended_on=None, age_band="", mass_band=""
    ).select_related("employer", "system")
    held = [(n.phantom, _level_text(n), n.value, n.unit) for n in national]
    held += [
        (v.phantom, f"Local, {v.system.asset if v.system else v.employer.name}", v.value, v.unit)
        for v in local
    ]
    kept = [h for h in held if quantity_of not in _ON_PHANTOM or (h[0] and phantoms == {h[0]})]
    left = len(held) - len(kept)
    told = (
        f"{left} level{'s are' if left > 1 else ' is'} not drawn: these doses are not all stated "
        "for the level's CTDI phantom. Filter by phantom."
    )
    lines = [charts.Line(title, _in(asked.unit, value, unit)) for _, title, value, unit in kept]
    return lines, told if left and phantoms else ""


def levels_of(standard: StandardName, quantity_of: str) -> list[NationalLevel]:
    """Return the national levels a standard name is linked to, for one quantity."""
    linked = set(standard.levels)
    return [n for n in national_levels() if n.row.id in linked and n.quantity == quantity_of]


def _in_force(levels: list[NationalLevel], on: date) -> list[NationalLevel]:
    """Return of the levels for the same patients the newest adopted by a day."""
    newest: dict[tuple[str, ...], NationalLevel] = {}
    for level in sorted(levels, key=lambda n: n.year):
        if level.year <= on.year:
            newest[level.population, level.band, level.phantom] = level
    return list(newest.values())


def _level_text(level: NationalLevel) -> str:
    state = "" if level.row.confidence == "seen" else f" ({level.row.confidence})"
    return f"National {level.year}{state}"


def _in(unit: str, value: float, kept: str) -> float:
    return quantity(value, kept).to(unit).value


def _charts(
    store: Store, form: ExplorerForm, chosen: Filter, rows: list[Row], lines: list[charts.Line]
) -> list[tuple[str, Any]]:
    asked, data = ask.measure(form.measure_key), form.cleaned_data
    spreads = [
        charts.Spread(", ".join(r.names) or "All", s.count, s.p25, s.median, s.p75, s.p95,
                      s.low, s.high)
        for r in rows if (s := r.summary)
    ]  # fmt: skip
    told = {"title": asked.title, "unit": asked.unit}
    drawn: list[tuple[str, Any]] = [
        ("Distribution by group", charts.distribution(spreads, **told, lines=lines))
    ]
    bars = ask.histogram(store, asked.key, chosen)
    drawn.append(("Histogram", charts.histogram(list(bars.iter_rows()), **told, lines=lines)))
    by = form.groups[0] if form.groups and len(rows) <= 6 else ""
    months = ask.over_time(
        store, asked.key, chosen, interval=data.get("interval") or "month", by=by
    )
    if not months.is_empty():
        ordered = months.select("since", "group", "count", "p25", "median", "p75")
        drawn.append(
            ("Over time", charts.over_time(list(ordered.iter_rows()), **told, lines=lines))
        )
    if what := data.get("against"):
        pairs = ask.against(store, asked.key, chosen, what=what).select("x", "y", "system")
        if not pairs.is_empty():
            title, unit = against_words(what)
            points = list(pairs.fill_null("unknown").iter_rows())
            drawn.append((f"Against {title.lower()}",
                          charts.against(points, **told, what=title, what_unit=unit)))  # fmt: skip
    return drawn


def compared(
    store: Store, key: str, chosen: Filter, *, by: str, first: str, second: str
) -> Comparison:
    """Set two groups of the rows chosen beside each other.

    Raises
    ------
    InputError
        ``no-group`` when one of them has no rows, and those of `kerma.doses.compare`.
    """
    samples = ask.values_of(store, key, chosen, by=by)
    for wanted in (first, second):
        if wanted not in samples:
            raise InputError(
                f"There are no doses of “{wanted}” among the rows chosen.", code="no-group"
            )
    return compare(samples[first], samples[second])


def views(reader: Person) -> QuerySet[SavedView]:
    """Return the views a person keeps, and those shared by others."""
    mine = Q(owner=reader) | Q(shared=True)
    return SavedView.objects.filter(mine).select_related("owner")
