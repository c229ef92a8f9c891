"""What the paper of a skin dose map says."""

from __future__ import annotations

from datetime import date

from kerma import reference
from kerma.charts import palette
from kerma.charts.skin import scale_for, unit_of, unrolled
from kerma.core import Source
from kerma.core.typeset import NBSP
from kerma.physics.skin import SkinDoseMap
from kerma.reports.paper import Block, Column, Proposal, Section, Table
from kerma.reports.parts import Chart, Method
from kerma.service.doses.models import SkinDose
from kerma.service.doses.skin import shown
from kerma.service.doses.skin.packing import by_hand_of, unpacked
from kerma.service.doses.skin.rooms import library_profile, unknowns
from kerma.service.doses.skin.selectors import Flag, flags
from kerma.service.doses.skin.shown import Peak
from kerma.service.records.papers.compose import Words
from kerma.service.web.components.numbers import day

_MOST_EVENTS = 15
LIMITS = (
    "The dose is to water at the skin, of this examination alone; earlier ones are not added.",
    "Where the patient lay on the table is never reported. The map cannot know of a patient who "
    "moved, of arms in the beam, of wedge filters, or of a field that changed within an event.",
    "Backscatter is that of flat water under a perpendicular beam.",
    "Bands of skin reactions are pointed out to a physicist; they are no forecast for a patient, "
    "and their edges are not sharp.",
)


def words_of(item: SkinDose, *, summary: str, owner: str, due: date) -> Words:
    """Return the paper of a map: peak, picture, what gave it, what is missing, what follows."""
    found = unpacked(item)
    peak = shown.peak_of(item)
    assert peak is not None
    reached = flags(item.low_mgy, item.high_mgy)
    return Words(
        kind="Skin dose",
        title=item.study.description or "Fluoroscopy examination",
        subtitle=f"Examination of {day(item.study.date)}",
        facts=_facts(item),
        statement=_statement(item, found, peak),
        summary=tuple(p.strip() for p in summary.splitlines() if p.strip()),
        sections=(
            Section("Peak skin dose", _peak(item, found, peak)),
            Section("Map", (Block(chart=_chart(found, peak)),)),
            Section("What gave the peak", _shares(item, found)),
            Section("What is not in the map", _left_out(found)),
            Section("Room", _room(item, found)),
            *([Section("For a physicist to judge", _flags(reached, peak))] if reached else []),
        ),
        proposals=_proposals(item, found, peak, reached, owner, due),
        assumptions=(*_sentences(found.assumptions), *_sentences(found.warnings), *LIMITS),
        sources=_sources(found, reached),
        methods=_methods(found),
    )


def _facts(item: SkinDose) -> tuple[tuple[str, str], ...]:
    study, system = item.study, item.study.system
    assert system is not None
    return (
        ("System", f"{system.asset} {system.name}"),
        ("Site, room", f"{system.room.site.name}, {system.room.name}"),
        ("Patient key", study.patient_key[:12] or "the report names no patient"),
        ("Irradiation events", str(study.event_count)),
        ("Standing", f"{item.status}: {shown.MEANS[item.status]}"),
        ("Worked out", str(day(item.at))),
    )


def _statement(item: SkinDose, found: SkinDoseMap, peak: Peak) -> str:
    missing = "" if found.complete else " Some events are not in the map; the peak may be higher."
    return f"Peak skin dose {peak}, {item.status} (k = 2: {peak.interval}).{missing}"


def _peak(item: SkinDose, found: SkinDoseMap, peak: Peak) -> tuple[Block, ...]:
    facts = [
        ("Peak skin dose", f"{peak}, the largest mean over 1 cm2"),
        ("Interval, k = 2", peak.interval),
        ("Where", shown.where_text(found)),
        ("Position of the patient", shown.box_text(found, item)),
        ("Reference kerma in the map", shown.kerma(found.kerma_placed_mgy)),
        ("Reference kerma left out",
         shown.kerma(found.kerma_refused_mgy) if not found.complete else "none"),
    ]  # fmt: skip
    hand = by_hand_of(item)
    if hand:
        assert found.provenance is not None
        told = shown.hand_facts(dict(found.provenance.parameters))
        facts.append(("Set by hand", f"{told}: {hand.reason}"))
    return (Block(facts=tuple((n, v) for n, v in facts if v)),)


def alt_text(found: SkinDoseMap, peak: Peak) -> str:
    """Return what a map shows, in words."""
    return f"Dose to the skin, unrolled. Peak {peak}: {shown.where_text(found)}."


def _chart(found: SkinDoseMap, peak: Peak) -> Chart:
    assert found.cells is not None
    at = found.where
    alt = alt_text(found, peak)
    drawn = unrolled(
        found.cells, scale_for(float(found.cells.dose_mgy.max())), ink=palette.INK, alt=alt,
        peak_mm=(at.left_mm, at.posterior_mm, at.cranial_mm) if at else None,
    )  # fmt: skip
    caption = "The patient’s surface unrolled; colour is the dose at the middle of cells of 10 mm."
    return Chart("Dose to the skin", drawn, alt, caption)


def _shares(item: SkinDose, found: SkinDoseMap) -> tuple[Block, ...]:
    unit, _ = unit_of(item.peak_mgy or 0.0)
    lines = shown.share_lines(found, item)
    columns = (
        Column("Event", "right", 0.6), Column("Kind", share=1.5), Column("Time", share=0.9),
        Column(f"At the peak, {unit}", "right"), Column("Share, %", "right", 0.8),
        Column("Kerma at RP, mGy", "right"), Column("Distance", "right", 0.8),
        Column("BSF", "right", 0.7), Column("Water/air", "right", 0.8),
        Column("Table", "right", 0.7), Column("Field, mm", "right", 0.8),
    )  # fmt: skip
    rows = tuple(
        (str(s.number), s.kind, s.started, s.dose_text, s.percent, s.kerma_text, *s.factors)
        for s in lines[:_MOST_EVENTS]
    )
    blocks = [Block(table=Table(columns, rows, caption="Events by what they give at the peak"))]
    if rest := shown.rest_told(lines[_MOST_EVENTS:]):
        blocks.append(Block(text=rest))
    return tuple(blocks)


def _left_out(found: SkinDoseMap) -> tuple[Block, ...]:
    groups = shown.left_out(found)
    if not groups:
        return (Block(text="Every event that gave radiation is in the map."),)
    return (
        Block(
            points=tuple(
                f"{g.count} event{'s' * (g.count != 1)} ({g.events}), reference kerma {g.kerma}: "
                f"{g.reason}"
                for g in groups
            )
        ),
    )


def _room(item: SkinDose, found: SkinDoseMap) -> tuple[Block, ...]:
    blocks = [Block(text=found.reason)] if found.reason else []
    if item.profile is not None:
        row = item.profile
        told = f"Profile of this room from {day(row.valid_from)}, set by {row.set_by}."
        blocks.append(Block(text=told))
        if missing := unknowns(library_profile(row)):
            blocks.append(Block(points=tuple(missing)))
    else:
        blocks.append(Block(text="No profile of this room holds; what is built in was taken."))
    return tuple(blocks)


def _flags(reached: list[Flag], peak: Peak) -> tuple[Block, ...]:
    columns = (Column("Band", share=0.5), Column("Dose", share=1.2), Column("Row says", share=5))
    rows = tuple(
        (f.band, f.text, "; ".join(f"{when}: {what}" for when, what in f.reactions))
        for f in reached
    )  # fmt: skip
    text = (
        f"The interval {peak.interval} reaches these bands for a single delivery. Whether any of "
        "it applies to this patient is for a physicist and a physician to judge."
    )
    return (Block(text=text), Block(table=Table(columns, rows)))


def _proposals(
    item: SkinDose, found: SkinDoseMap, peak: Peak, reached: list[Flag], owner: str, due: date
) -> tuple[Proposal, ...]:
    if not reached:
        return ()
    top = reached[-1]
    text = (
        f"Decide on follow-up of the patient’s skin: the upper end of the interval of peak skin "
        f"dose, {peak.high}{NBSP}{peak.unit}, reaches band {top.band} ({top.text}). Examination of "
        f"{day(item.study.date)}; place: {found.where.side if found.where else 'see the map'}."
    )
    return (Proposal(text=text, owner=owner, due=due, priority="High", about="Skin dose"),)


def _sources(found: SkinDoseMap, reached: list[Flag]) -> tuple[Source, ...]:
    rows = [reference.row(name).source for name in found.rests_on]
    return (*rows, *(f.row.source for f in reached))


def _methods(found: SkinDoseMap) -> tuple[Method, ...]:
    made = found.provenance
    assert made is not None
    told = made.parameters
    parameters = f"profile {told['profile']}, SHA-256 {str(told['profile_sha256'])[:16]}"
    spread = found.spread
    if spread is not None:
        parameters += f"; ensemble of {spread.runs}, seed {spread.seed}"
    return (
        Method(made.algorithm, made.version, made.edition, parameters, tuple(made.inputs)),
    )  # fmt: skip


def _sentences(texts: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(f"{t[:1].upper()}{t[1:].rstrip('.')}." for t in texts)
