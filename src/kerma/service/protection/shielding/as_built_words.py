"""The paper of an as-built verification: measured against designed, and what must happen next."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from django.db import transaction

from kerma.core import InputError, Source
from kerma.core.quantity import format_number
from kerma.core.typeset import pretty_unit
from kerma.physics.calculation import Calculation
from kerma.physics.shielding.archer import said
from kerma.physics.shielding.plan.structure import merged
from kerma.reports.paper import Block, Column, Proposal, Section, Table
from kerma.reports.parts import Method
from kerma.reports.units import date_text
from kerma.service.people.models import Person
from kerma.service.protection.models import AsBuilt, DesignVersion
from kerma.service.protection.shielding import as_built
from kerma.service.protection.shielding.as_built import OUTCOMES, beam_words
from kerma.service.protection.shielding.in_force import AS_BUILT
from kerma.service.protection.shielding.services import WORK, entitled
from kerma.service.records import log
from kerma.service.records.models import Paper
from kerma.service.records.papers.compose import Words, paper_open, paper_write

_PARTS = ("measured", "designed", "thickness")


def papers(version: DesignVersion) -> list[Paper]:
    """Return the papers of what was measured of a version, the newest first.

    Their subject is a measurement, never the version: what is written of a version is its design.
    """
    subjects = [log.subject_of(row) for row in version.measured.only("pk")]
    rows = Paper.objects.filter(subject__in=subjects).select_related("report", "author")
    return list(rows.order_by("-pk"))


@transaction.atomic
def as_built_write(
    *,
    by: Person,
    version: DesignVersion,
    summary: str,
    owner: str,
    due: date,
    amend_reason: str = "",
) -> Paper:
    """Write the paper of what was measured, or write its draft again.

    Raises
    ------
    NotEntitled
        The person may not do shielding work for this employer.
    InputError
        ``not-measured``, ``blank``; those of `paper_open` and `paper_write`.
    """
    entitled(by, version.design)
    measured = as_built.newest(version)
    if not measured:
        raise InputError("No barrier of this version was measured.", code="not-measured")
    if not summary.strip():
        raise InputError("Say in your own words what was found.", code="blank")
    words = words_of(version, measured, summary=summary, owner=owner, due=due)
    held = papers(version)
    going = next((p for p in held if p.state in ("draft", "in_review")), None)
    if going is not None:
        paper_write(by=by, paper=going, words=words)
        return going
    return paper_open(
        by=by, work=WORK, subject=log.subject_of(max(measured, key=lambda row: row.pk)),
        words=words, employer=version.design.employer,
        amends=next((p for p in held if p.state == "issued"), None), reason=amend_reason,
    )  # fmt: skip


def words_of(
    version: DesignVersion, measured: Sequence[AsBuilt], *, summary: str, owner: str, due: date
) -> Words:
    """Return the paper of measurements; each that found less shielding becomes an action."""
    calculations = [
        Calculation.from_dict(row.record[part])
        for row in measured for part in _PARTS if row.record[part]
    ]  # fmt: skip
    design = version.design
    rooms = ", ".join(r.name for r in design.rooms.all())
    return Words(
        kind=AS_BUILT, title=design.title, subtitle=f"Version {version.number} as it was built",
        facts=(
            ("Site", design.site.name), *((("Rooms", rooms),) if rooms else ()),
            ("Design", f"Version {version.number}, kept {date_text(version.at.date())}"),
        ),
        statement=_statement(measured),
        summary=tuple(p.strip() for p in summary.splitlines() if p.strip()),
        sections=(
            Section("What was found", (Block(table=_table(version, measured)),)),
            *_not_measured(version, measured),
            Section("How it was measured", tuple(_how(row) for row in measured)),
            Section("Working", tuple(_working(row) for row in measured)),
        ),
        proposals=tuple(
            Proposal(
                f"Bring {row.name} to the shielding designed, and have it measured again.",
                owner=owner.strip(), due=due, priority="High", about=row.name[:80],
            )
            for row in measured if row.outcome == "less"
        ),
        assumptions=_once([w for c in calculations for w in (*c.assumptions, *c.limits)]),
        sources=_sources(calculations),
        methods=(
            Method("shielding-as-built", calculations[0].version, "docs/methods/shielding-plan.md",
                   "Measured against designed", tuple(r.record_sha256 for r in measured)),
        ),
        distribution=("Employer", "Radiation protection supervisor", "Estates"),
    )  # fmt: skip


def _once(words: Sequence[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(words))


def _sources(calculations: Sequence[Calculation]) -> tuple[Source, ...]:
    return tuple({s.row: s for c in calculations for s in c.sources}.values())


def _statement(measured: Sequence[AsBuilt]) -> str:
    less = [row.name for row in measured if row.outcome == "less"]
    count = f"{len(measured)} barrier{'s' * (len(measured) != 1)} measured"
    if less:
        return f"Of {count}, less shielding than designed was found at: {', '.join(less)}."
    return f"Of {count}, none has less shielding than designed."


def _table(version: DesignVersion, measured: Sequence[AsBuilt]) -> Table:
    held = as_built.barriers(version)
    columns = (
        Column("Barrier", share=1.5), Column("As designed", share=1.7),
        Column("Designed transmission", "right"), Column("Measured, ± U (k = 2)", "right", 1.3),
        Column("Worth", share=1.2), Column("Found", share=1.2),
    )  # fmt: skip
    rows = []
    for row in measured:
        item = held.get(row.barrier)
        layers = merged(item.layers) if item else {}
        built = " + ".join(f"{format_number(mm)} mm {said(m)}" for m, mm in layers.items())
        parts = {p: Calculation.from_dict(row.record[p]) for p in _PARTS if row.record[p]}
        value = parts["measured"].value
        u = 2.0 * (value.u or 0.0)
        worth = "–"
        if "thickness" in parts:
            worth = f"{parts['thickness'].value.number()} mm {_material_of(row)}"
        rows.append(
            (row.name, built or "–", f"{parts['designed'].value.value:.3g}",
             f"{value.value:.3g} ± {u:.2g}", worth, OUTCOMES[row.outcome])
        )  # fmt: skip
    return Table(columns, tuple(rows))


def _material_of(row: AsBuilt) -> str:
    title = str(row.record["thickness"]["title"])
    return title.removeprefix("Equivalent thickness of ")


def _not_measured(version: DesignVersion, measured: Sequence[AsBuilt]) -> tuple[Section, ...]:
    done = {row.barrier for row in measured}
    names = tuple(b.name for key, b in as_built.barriers(version).items() if key not in done)
    if not names:
        return ()
    return (Section("Not measured", (Block(points=names),)),)


def _how(row: AsBuilt) -> Block:
    given = row.readings
    unit = pretty_unit(given["unit"])
    certificate = f", certificate {given['certificate']}" if given["certificate"] else ""
    instrument = f"{row.instrument}{certificate}" if row.instrument else "not named"
    return Block(
        facts=(
            ("Barrier", row.name), ("Measured", f"{date_text(row.measured_on)}, {row.by.name}"),
            ("Beam", beam_words(row)), ("Instrument", instrument),
            ("Reading without the barrier", f"{format_number(given['without']['value'])} {unit}"),
            ("Reading behind it", f"{format_number(given['behind']['value'])} {unit}"),
        )
    )  # fmt: skip


def _working(row: AsBuilt) -> Block:
    parts = [Calculation.from_dict(row.record[p]).text() for p in _PARTS if row.record[p]]
    return Block(working="\n\n".join([row.name, *parts]))
