"""Signed papers that are no survey: dose audits, shielding designs, calculations, advice.

A paper is sections of paragraphs, tables, figures and facts. What is signed is all of it; the
sources it rests on stand beside it as in a survey report.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime
from typing import ClassVar, Literal

from kerma.core import InputError
from kerma.reports import words
from kerma.reports.checks import check
from kerma.reports.parts import (
    Chart,
    Method,
    Organisation,
    Picture,
    SignedContent,
    Signing,
    SourceLine,
    Supersession,
)
from kerma.reports.shared_view import (
    View,
    breakable,
    charts,
    document,
    grouped_sources,
    methods,
    organisation,
    pairs,
    pictures,
    signatures,
    supersedes,
)
from kerma.reports.typesetting import typeset
from kerma.reports.units import date_text, pretty_text, time_text

Align = Literal["left", "right"]


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table: its head with the unit once, where its cells stand, its share of width.

    Numbers stand right.
    """

    head: str
    align: Align = "left"
    share: float = 1.0


@dataclass(frozen=True, slots=True)
class Table:
    """Rows of text under columns; a row has as many cells as there are columns."""

    columns: tuple[Column, ...]
    rows: tuple[tuple[str, ...], ...]
    caption: str = ""

    def __post_init__(self) -> None:
        if any(len(row) != len(self.columns) for row in self.rows):
            raise InputError(
                "A row of the paper's table does not have as many cells as there are columns.",
                code="table-shape",
            )


@dataclass(frozen=True, slots=True)
class Block:
    """One piece of a section; exactly one of its parts is given.

    Attributes
    ----------
    text
        A paragraph.
    points
        A list.
    facts
        Names and values.
    working
        A calculation set line by line as it can be checked by hand.
    """

    text: str = ""
    points: tuple[str, ...] = ()
    facts: tuple[tuple[str, str], ...] = ()
    working: str = ""
    table: Table | None = None
    chart: Chart | None = None
    picture: Picture | None = None


@dataclass(frozen=True, slots=True)
class Section:
    """A headed part of a paper."""

    title: str
    blocks: tuple[Block, ...]


@dataclass(frozen=True, slots=True)
class Proposal:
    """What must happen next, by whom and by when; it becomes an action when the paper is issued."""

    text: str
    owner: str
    due: date
    priority: Literal["Urgent", "High", "Routine"] = "Routine"
    about: str = ""


@dataclass(frozen=True, slots=True)
class Paper(SignedContent):
    """Everything a paper says.

    Attributes
    ----------
    kind
        What it is, as printed above its title: “Local DRL audit”, “Shielding design”.
    facts
        Names and values under the title: site, room, period, method.
    statement
        The one sentence a reader must not miss, if there is one.
    assumptions
        What the paper takes for granted, and its limits of use.
    rests_on_rows
        Rows of reference data its statements rest on; each must be in `sources`, and verified
        before issue.
    """

    attachment: ClassVar[str] = "paper-content.json"

    report_number: str
    issue: int
    prepared_at: datetime
    service: Organisation
    employer: Organisation
    kind: str
    title: str
    subtitle: str = ""
    facts: tuple[tuple[str, str], ...] = ()
    statement: str = ""
    summary: tuple[str, ...] = ()
    sections: tuple[Section, ...] = ()
    proposals: tuple[Proposal, ...] = ()
    assumptions: tuple[str, ...] = ()
    sources: tuple[SourceLine, ...] = ()
    rests_on_rows: tuple[str, ...] = ()
    methods: tuple[Method, ...] = ()
    supersedes: Supersession | None = None
    distribution: tuple[str, ...] = ()
    software: str = ""
    demo: bool = False
    signing: Signing = field(default_factory=Signing)

    @property
    def running_title(self) -> str:
        """Kind and title."""
        return f"{self.kind}: {self.title}"

    def rests_on(self) -> set[str]:
        """Return the rows named."""
        return set(self.rests_on_rows)


def build(paper: Paper) -> bytes:
    """Typeset a paper; see `kerma.reports.typesetting.typeset`.

    Raises
    ------
    InputError, IntegrityError
        The paper contradicts itself or may not be issued; see `kerma.reports.checks.check`.
    TypesetError
        The typesetter refused it.
    """
    digest = paper.content_hash
    check(paper, digest)
    return typeset("paper.typ", paper, view(paper, digest))


def view(paper: Paper, digest: str) -> View:
    """Return what the typst files print, as JSON-ready data."""
    approved = [s for s in paper.signing.signatures if s.meaning == "approved"]
    shown: View = {
        "document": document(paper, digest, title=paper.title),
        "front": {
            "kind": paper.kind,
            "title": paper.title,
            "subtitle": pretty_text(paper.subtitle),
            "facts": pairs(
                ("Employer", organisation(paper.employer)),
                *((name, pretty_text(value)) for name, value in paper.facts),
                ("Prepared", time_text(paper.prepared_at)),
                ("Approved", "; ".join(f"{s.name}, {date_text(s.at)}" for s in approved)),
            ),
            "statement": pretty_text(paper.statement),
        },
        "supersedes": supersedes(paper),
        "summary": [pretty_text(p) for p in paper.summary],
        "parts": [
            {"title": section.title, "blocks": [_block(b) for b in section.blocks]}
            for section in paper.sections
        ],
        "proposals": [
            {
                "text": pretty_text(p.text), "about": p.about, "priority": p.priority,
                "owner": p.owner, "due": date_text(p.due),
            }
            for p in paper.proposals
        ],
        "assumptions": [pretty_text(a) for a in paper.assumptions],
        "sources": grouped_sources(paper),
        "methods": methods(paper),
        "signatures": signatures(paper, performed="Prepared"),
        "distribution": list(paper.distribution),
        "words": {
            "demo": words.DEMO,
            "draft": words.DRAFT,
            "hash_note": words.HASH_NOTE.format(name=paper.attachment),
            "no_signatures": words.NO_SIGNATURES,
        },
    }  # fmt: skip
    whole: View = breakable(shown)
    return whole


def _block(block: Block) -> View:
    if block.table is not None:
        return {"kind": "table", **_table(block.table)}
    if block.chart is not None:
        return {"kind": "chart", "chart": charts([block.chart])[0]}
    if block.picture is not None:
        return {"kind": "picture", "picture": pictures([block.picture])[0]}
    if block.working:
        return {"kind": "working", "text": block.working}
    if block.facts:
        return {"kind": "facts", "facts": [[n, pretty_text(v)] for n, v in block.facts]}
    if block.points:
        return {"kind": "points", "points": [pretty_text(p) for p in block.points]}
    return {"kind": "text", "text": pretty_text(block.text)}


def _table(table: Table) -> View:
    return {
        "heads": [pretty_text(c.head) for c in table.columns],
        "aligns": [c.align for c in table.columns],
        "shares": [c.share for c in table.columns],
        "rows": [[pretty_text(cell) for cell in row] for row in table.rows],
        "caption": pretty_text(table.caption),
    }
