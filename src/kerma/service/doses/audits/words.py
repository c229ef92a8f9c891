"""What the paper of an audit says."""

from __future__ import annotations

from datetime import date

from kerma import charts, reference
from kerma.core import Source
from kerma.core.typeset import pretty_unit
from kerma.doses.audit import Band, Result, Room, smallest_sample
from kerma.doses.statistics import Quantile
from kerma.reports.paper import Block, Column, Proposal, Section, Table
from kerma.reports.parts import Chart, Method
from kerma.service.doses.models import Audit
from kerma.service.estate.models import System
from kerma.service.records.papers.compose import Words
from kerma.service.web.components.numbers import day, number

_VERSION = "1"


def words_of(item: Audit, *, summary: str, owner: str, due: date) -> Words:
    """Return the paper of an audit: rooms, local level, comparison, what was left out."""
    found = Result.from_dict(item.result)
    unit = pretty_unit(found.unit)
    titles = {s.asset: f"{s.asset} {s.name}" for s in System.objects.only("asset", "name")}
    above = [r for r in found.rooms if r.outcome == "above"]
    sources = _sources(item, found)
    return Words(
        kind="Patient dose audit",
        title=f"{item.standard.title}: {item.get_quantity_display()}",
        subtitle=f"{day(item.since)} to {day(item.until)}",
        facts=(
            ("Examination", item.standard.title),
            ("Dose", f"{item.get_quantity_display()}, {unit}"),
            ("Period", f"{day(item.since)} to {day(item.until)}"),
            ("Smallest sample", f"{item.choices['smallest']} examinations of a room"),
            ("Computed", str(day(item.at))),
        ),
        statement=_statement(found, above, titles),
        summary=tuple(p.strip() for p in summary.splitlines() if p.strip()),
        sections=(
            Section("Rooms", _rooms(found, unit, titles)),
            Section("Local reference level", _levels(found, unit)),
            Section("What was left out", _left_out(found)),
        ),
        proposals=tuple(
            Proposal(
                text=f"Find out why the median {item.get_quantity_display()} of "
                     f"{titles.get(r.system, r.system)} for {item.standard.title} lies above the "
                     "national level, and optimise or justify it.",
                owner=owner, due=due, priority="High", about=titles.get(r.system, r.system)[:80],
            )
            for r in above
        ),
        assumptions=(
            "A room's median is compared, not single patients; a comparison is made only on the "
            "same CTDI phantom.",
            "“Not separable” means that the 95 % interval of the median holds the level: more "
            "examinations are needed to say on which side it lies.",
            *found.notes,
        ),
        sources=sources,
        methods=(Method("dose audit", _VERSION, "ICRP Publication 135 definitions", found.method),),
    )  # fmt: skip


def _sources(item: Audit, found: Result) -> tuple[Source, ...]:
    """Return the rows the audit's statements rest on: the level, and the rule of the sample."""
    rows = [reference.row(found.national).source] if found.national else []
    if item.choices["rule"] == "reference":
        rows.append(smallest_sample(item.standard.modality)[1].source)
    return tuple(rows)


def _statement(found: Result, above: list[Room], titles: dict[str, str]) -> str:
    judged = [r for r in found.rooms if r.limit is not None]
    if not judged:
        return "No room could be compared with a national reference level."
    unclear = sum(r.outcome == "not separable" for r in judged)
    open_ = f" {unclear} of {len(judged)} cannot be told from it yet." if unclear else ""
    if not above:
        clear = len(judged) - unclear
        first = f"{clear} of {len(judged)} rooms lie below the national reference level."
        return first + open_
    named = ", ".join(titles.get(r.system, r.system) for r in above)
    first = f"{len(above)} of {len(judged)} rooms lie above the national reference level: {named}."
    return first + open_


def _interval(found: Quantile) -> str:
    if found.low is None and found.high is None:
        return "–"
    ends = [number(v) if v is not None else "none" for v in (found.low, found.high)]
    return " to ".join(ends)


def _rooms(found: Result, unit: str, titles: dict[str, str]) -> tuple[Block, ...]:
    several = len(found.bands) > 1
    columns = (
        Column("Room", share=2.2), *((Column("Band", share=1.2),) if several else ()),
        Column("n", "right", 0.5), Column(f"Median, {unit}", "right"),
        Column("95 % interval", "right", 1.3), Column("75th perc.", "right"),
        Column("National level", "right", 1.1), Column("Outcome", share=1.6),
    )  # fmt: skip
    rows = tuple(
        (
            titles.get(r.system, r.system), *((r.band,) if several else ()), str(r.count),
            number(r.median.value) if r.median else "–",
            _interval(r.median) if r.median else "–",
            number(r.p75) if r.p75 is not None else "–",
            number(r.limit) if r.limit is not None else "–",
            r.outcome,
        )
        for r in found.rooms
    )  # fmt: skip
    blocks = [Block(table=Table(columns, rows))]
    spreads = [
        charts.Spread(titles.get(r.system, r.system) + (f", {r.band}" if several else ""), r.count,
                      r.median.low or r.median.value, r.median.value, r.p75 or r.median.value,
                      r.p75 or r.median.value, r.median.low, r.median.high)
        for r in found.rooms if r.median
    ]  # fmt: skip
    if spreads:
        limit = next((r.limit for r in found.rooms if r.limit is not None), None)
        lines = [charts.Line("National level", limit)] if limit is not None else []
        drawn = charts.distribution(spreads, title="Median and 75th percentile", unit=found.unit,
                                    lines=lines)  # fmt: skip
        blocks.append(Block(chart=Chart("Rooms", charts.svg(drawn), drawn.alt)))
    return tuple(blocks)


def _levels(found: Result, unit: str) -> tuple[Block, ...]:
    columns = (Column("Band", share=1.5), Column("Rooms", "right", 0.6),
               Column(f"75th percentile of medians, {unit}", "right", 1.6),
               Column("95 % interval", "right", 1.4), Column("Remark", share=3))  # fmt: skip
    rows = tuple(
        (b.band, str(b.rooms), number(b.level.value) if b.level else "–", _level_ends(b),
         b.note or "may be adopted")
        for b in found.bands
    )  # fmt: skip
    return (Block(table=Table(columns, rows)),)


def _level_ends(band: Band) -> str:
    return _interval(band.level) if band.level else "–"


def _left_out(found: Result) -> tuple[Block, ...]:
    if not found.left_out:
        return (Block(text="Every examination of this name in the period was counted."),)
    return (Block(points=tuple(f"{n}: {why}." for why, n in found.left_out.items())),)
