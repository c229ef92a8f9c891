"""What the report of a shielding design says: advice, schedule for the builder, technical annex."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

from kerma.core import Source
from kerma.core.codec import decode
from kerma.core.typeset import pretty_unit
from kerma.physics.shielding.archer import said
from kerma.physics.shielding.plan.document import DESIGNATIONS, METHODS, PlacedSource, Plan
from kerma.physics.shielding.plan.uses import BINS, DIRECTION, POINTS, USES, Parameter, Use
from kerma.reports.paper import Block, Column, Proposal, Section, Table
from kerma.reports.parts import Chart, Method
from kerma.service.protection.models import DesignVersion
from kerma.service.protection.shielding import drawing, shown
from kerma.service.protection.shielding.picture import legend
from kerma.service.protection.shielding.shown import figures, grouped
from kerma.service.records.papers.compose import Words
from kerma.service.web.components.numbers import day, number

_BUILDING = (
    "Added shielding reaches from the finished floor at least as high as the schedule says, "
    "without a gap: sheets overlap or are backed at joints, frames, sockets, ducts and fixings.",
    "The thickness of the schedule is the least there must be anywhere; choose a product whose "
    "guaranteed least thickness is not below it.",
    "A change of layout, of the equipment or its use, or of who uses the places around it, calls "
    "for a new look before it is made.",
)  # fmt: skip


def words_of(item: DesignVersion, *, summary: str, owner: str, due: date) -> Words:
    """Return the report of a version.

    Parameters
    ----------
    item
        The version; what is said is what was worked out when it was kept.
    summary
        The adviser's own words.
    owner, due
        Who confirms what was built, and by when.
    """
    sheet, found = drawing.read(item.document), item.assessment
    plan = sheet.plan
    sections = [
        Section("Schedule for the builder", _schedule(sheet, found)),
        Section("Places to protect", _places(sheet, found)),
        Section("What the equipment is taken to do", _workload(plan)),
        Section("If it turns out otherwise", _sensitivity(found)),
        *_annex(found),
    ]
    if found["refusals"]:
        said_not = Section("What is not stated, and why", (Block(points=tuple(found["refusals"])),))
        sections.insert(2, said_not)
    return Words(
        kind="Shielding design",
        title=item.design.title,
        subtitle=f"Version {item.number}, {day(item.at)}",
        facts=_facts(item, plan),
        statement=_statement(found),
        summary=tuple(p.strip() for p in summary.splitlines() if p.strip()),
        sections=tuple(sections),
        proposals=_proposals(found, owner, due),
        assumptions=(*found["assumptions"], *found["limits"]),
        sources=tuple(decode(Source, s) for s in found["sources"]),
        methods=(Method(found["method"], found["version"], "docs/methods/shielding-plan.md",
                        METHODS[plan.method], inputs=(item.document_sha256,)),),
        distribution=("Employer", "Radiation protection supervisor", "Estates", "Architect"),
    )  # fmt: skip


def _facts(item: DesignVersion, plan: Plan) -> tuple[tuple[str, str], ...]:
    rooms = ", ".join(r.name for r in item.design.rooms.all())
    return (
        ("Site", item.design.site.name),
        *((("Rooms", rooms),) if rooms else ()),
        ("Method", METHODS[plan.method]),
        ("Kermas are summed over", f"one {plan.period}"),
        ("Drawn by", item.by.name),
        ("Content", f"SHA-256 {item.document_sha256[:16]}"),
    )


def _statement(found: Mapping[str, Any]) -> str:
    count = len(found["areas"])
    places = f"{count} place{'s' * (count != 1)}"
    if found["needs"]["impossible"]:
        return "Not every place can be protected by the barriers drawn: the layout must change."
    if found["adequate"] is None:
        return "It cannot be shown for every place that the barriers are enough."
    needs = [n for n in shown.needs_of(found) if n["extra_mm"] > 0.0]
    if not needs:
        if any(r.get("planned") for r in found["schedule"]):
            return f"With what is scheduled to be added the barriers are enough for all {places}."
        return f"The barriers drawn are enough for all {places}."
    barriers = f"{len(needs)} barrier{'s' * (len(needs) != 1)}"
    return f"The barriers drawn are not enough: {barriers} must be added to as scheduled."


def _schedule(sheet: drawing.Sheet, found: Mapping[str, Any]) -> tuple[Block, ...]:
    numbers = shown.numbers_of(sheet.plan)
    columns = (
        Column("No.", "right", 0.5), Column("Barrier", share=1.6),
        Column("Length, m", "right", 0.8), Column("Existing", share=2.2),
        Column("To be added", share=1.8), Column("Least height, m", "right", 0.9),
        Column("Worth in lead", share=1.7),
    )  # fmt: skip
    rows = tuple(
        (
            str(numbers[r["key"]]), r["name"],
            figures(r["length_m"]) if r["length_m"] else "–", r["existing"] or "nothing",
            _added(r),
            number(r["least_height_m"]) if r["least_height_m"] else "–",
            "; ".join(f"{shown.worth(e['lead_mm'])} mm ({e['beam']})" for e in r["lead"]) or "–",
        )
        for r in found["schedule"]
    )  # fmt: skip
    bare = [r["name"] for r in found["schedule"] if not r.get("judged", True)]
    unjudged = f"Not judged, as no place to protect is drawn behind it: {', '.join(bare)}."
    walled = {b.storey for b in sheet.plan.barriers}
    drawn = [
        Block(chart=Chart(name, svg, f"Plan of {name}; barriers are numbered as in the schedule.",
                          "Barriers are numbered as in the schedule; red ones are added to."))
        for name, svg in shown.pictures(sheet, found, only=walled)
    ]  # fmt: skip
    table = Table(columns, rows, "Schedule of barriers")
    points = (*_BUILDING, unjudged) if bare else _BUILDING
    return (Block(table=table), Block(points=points), *drawn)


def _added(row: Mapping[str, Any]) -> str:
    """Return what this design adds to a barrier: drawn already, and needed beyond that."""
    needed = f"{shown.millimetres(row['add_mm'])} mm {said(row['add_material'])}"
    parts = [p for p in (row.get("planned"), needed if row["add_mm"] else "") if p]
    return " + ".join(parts) or ("nothing" if row.get("judged", True) else "not judged")


def _places(sheet: drawing.Sheet, found: Mapping[str, Any]) -> tuple[Block, ...]:
    period = sheet.plan.period
    areas = {a.key: a for a in sheet.plan.areas}
    later = shown.afterwards(found)
    columns = (
        Column("Place", share=1.6), Column("Designation", share=1.2), Column("T", "right", 0.6),
        Column(f"Goal, mGy per {period}", "right", 0.9),
        Column(f"Highest kerma as drawn, mGy per {period}", "right", 1.1),
        *((Column(f"With what is added, mGy per {period}", "right", 1.0),) if later else ()),
        Column(f"Allowed, mGy per {period}", "right", 1.0), Column("As drawn", share=1.5),
    )  # fmt: skip
    rows = tuple(
        (
            a["name"], DESIGNATIONS[areas[a["key"]].designation],
            number(a["occupancy"]), number(a["goal"]["value"]),
            figures(a["kerma"]["value"]) if a["kerma"] else "–",
            *((figures(later[a["key"]]) if a["key"] in later else "–",) if later else ()),
            figures(a["allowed"]["value"]), _finding(a),
        )
        for a in found["areas"]
    )  # fmt: skip
    agreed = tuple(f"{a.name}: occupancy {a.occupancy:g}, {a.occupancy_why}"
                   for a in sheet.plan.areas if a.occupancy_why)  # fmt: skip
    maps = [
        Block(chart=Chart(f"{name}: air kerma", svg, f"Map of air kerma over {name}.",
                          "Kerma as drawn, without what is to be added."))
        for name, svg in shown.pictures(sheet, found, mapped=True)
    ]  # fmt: skip
    key = Block(chart=Chart("Steps of the maps", legend(period), "Legend of the maps."))
    more = (Block(points=agreed),) if agreed else ()
    return (Block(table=Table(columns, rows, "Places and what reaches them")), *more, *maps, key)


def _finding(area: Mapping[str, Any]) -> str:
    if area["adequate"] is None:
        return f"not shown: {area['why']}"
    share = f" ({shown.share(area['ratio'])})" if area["ratio"] is not None else ""
    return ("within" if area["adequate"] else "above") + share


def _workload(plan: Plan) -> tuple[Block, ...]:
    columns = (Column("Source", share=1.2), Column("Use", share=1.4),
               Column("What is taken", share=3.4))  # fmt: skip
    rows = tuple(
        (source.name, use.said, given_said(use)) for source in plan.sources for use in source.uses
    )
    places = tuple(_placed(s) for s in plan.sources)
    return (Block(table=Table(columns, rows, "Uses of the sources")), Block(points=places))


def _placed(source: PlacedSource) -> str:
    x, y = source.position
    system = f", {source.system} of the inventory" if source.system else ""
    return (f"{source.name}: x = {x:.2f} m, y = {y:.2f} m, {source.height_m:.2f} m above the "
            f"floor{system}")  # fmt: skip


def given_said(use: Use) -> str:
    """Return what is known of a use as a sentence."""
    told = [
        f"{_lower(p.title)} {_said(p, use.given[p.key])}"
        for p in USES[use.kind].parameters if use.given.get(p.key) not in (None, "")
    ]  # fmt: skip
    return "; ".join(told)


def _lower(title: str) -> str:
    """Return a title inside a sentence: abbreviations keep their capitals."""
    return title if title[1:2].isupper() else title[0].lower() + title[1:]


def _said(parameter: Parameter, value: Any) -> str:
    unit = pretty_unit(parameter.unit) if parameter.unit not in ("", "1") else ""
    if parameter.kind == DIRECTION:
        return f"({', '.join(f'{v:g}' for v in value)})"
    if parameter.kind == BINS:
        bins = sorted(value.items(), key=lambda pair: float(pair[0]))
        return ", ".join(f"{float(kv):g} kV {grouped(v)} {unit}" for kv, v in bins)
    if parameter.kind == POINTS:
        return f"{len(value)} points, {unit}"
    if isinstance(value, int | float) and not isinstance(value, bool):
        return f"{grouped(value)} {unit}".strip()
    return dict(parameter.options).get(value, str(value))


def _sensitivity(found: Mapping[str, Any]) -> tuple[Block, ...]:
    held = shown.otherwise(found)
    if held is None:
        return ()
    columns = (Column("Place", share=2), *(Column(t, "right", 1) for t in held.titles))
    rows = tuple(
        (name, *(f"{text} ▲" if above else text for text, above in cells))
        for name, cells in held.places
    )  # fmt: skip
    table = Table(columns, rows, "Highest kerma as a share of what is allowed; ▲ above")
    more = (Block(points=held.refused),) if held.refused else ()
    return (Block(table=table), *more)


def _annex(found: Mapping[str, Any]) -> list[Section]:
    """Return the working of each place and of each thing to be added, to be checked by hand."""
    sections = []
    for area in found["areas"]:
        made = area["calculation"]
        if made is None:
            continue
        columns = (Column("Source", share=2), Column("Kerma, mGy", "right"),
                   Column("Distance, m", "right"), Column("Transmission", "right"))  # fmt: skip
        rows = tuple(
            (s["name"], figures(s["kerma_mgy"]), figures(s["distance_m"]),
             figures(s["transmission"]) if s["transmission"] is not None else "–")
            for s in area["by_source"]
        )  # fmt: skip
        x, y = area["point"]
        sections.append(Section(f"Annex: {area['name']}", (
            Block(text=f"Highest at x = {x:.2f} m, y = {y:.2f} m. {area['why']}"),
            Block(table=Table(columns, rows, f"Sources at that point of {area['name']}")),
            Block(working="\n".join(made["working"])),
        )))  # fmt: skip
    for need in shown.needs_of(found):
        if need["extra_mm"] > 0.0:
            title = f"Annex: what {need['name']} needs"
            lines = "\n".join(need["calculation"]["working"])
            sections.append(Section(title, (Block(working=lines),)))
    return sections


def _proposals(found: Mapping[str, Any], owner: str, due: date) -> tuple[Proposal, ...]:
    needs = [n for n in shown.needs_of(found) if n["extra_mm"] > 0.0]
    text = "Confirm by measurement of each barrier that it is built as scheduled."
    if needs:
        text = "Build what the schedule adds, and confirm it by measurement before first use."
    return (Proposal(text=text, owner=owner, due=due, priority="High" if needs else "Routine"),)
