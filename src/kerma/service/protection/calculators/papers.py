"""Signed papers of saved calculations: the question, the answer, and each calculation in full."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.db import transaction
from django.utils import timezone

from kerma.core import InputError, Source, quantity
from kerma.core.quantity import format_number
from kerma.core.typeset import pretty_unit, result_text
from kerma.physics.calculation import Calculation, Input
from kerma.reports.paper import Block, Column, Section, Table
from kerma.reports.parts import Method
from kerma.reports.units import time_text
from kerma.service.estate.models import Employer, System
from kerma.service.people.models import Person
from kerma.service.protection.calculators.again import stored
from kerma.service.protection.calculators.kinds import calculators
from kerma.service.protection.calculators.services import WORK, employer_of
from kerma.service.protection.calculators.states import RowState, row_states
from kerma.service.protection.calculators.typed import typed
from kerma.service.protection.calculators.working import headline, uncertainty, working
from kerma.service.protection.models import CalculationPaper, SavedCalculation
from kerma.service.records import log
from kerma.service.records.models import Paper
from kerma.service.records.papers.compose import Words, paper_open, paper_write

_MOST = 20  # calculations of one paper; more is a register, not an answer
_KIND = "Calculation"
_SHIELDING = "shielding-"
_QUESTION = "The question asked"


def calculations_of(paper: Paper) -> list[SavedCalculation]:
    """Return the calculations a paper reports, in its order."""
    links = CalculationPaper.objects.filter(paper=paper).select_related(
        "calculation__system__room__site", "calculation__room__site", "calculation__by"
    )
    return [link.calculation for link in links]


def readiness(rows: Sequence[SavedCalculation]) -> list[tuple[SavedCalculation, list[RowState]]]:
    """Return each calculation with the rows that stand in the way of issue."""
    found = []
    for row in rows:
        states = row_states(stored(row).sources)
        found.append((row, [s for s in states if s.changed or not s.verified]))
    return found


def initial(rows: Sequence[SavedCalculation], paper: Paper | None) -> dict[str, Any]:
    """Return what the form starts from: the draft as it was written, or what the rows say."""
    if paper is not None:
        content = draft.content if (draft := paper.drafts.first()) else {}
        summary = list(content.get("summary", ()))
        sections = {s["title"]: s for s in content.get("sections", ())}
        asked = sections.get(_QUESTION, {}).get("blocks", ())
        return {
            "title": content.get("title", ""),
            "question": "\n".join(b["text"] for b in asked),
            "conclusion": "\n\n".join([content.get("statement", ""), *summary]).strip(),
        }
    employers = {e for r in rows if (e := employer_of(r.system, r.room))}
    return {
        "title": rows[0].title if len(rows) == 1 else "",
        "question": rows[0].about if len(rows) == 1 else "",
        "employer": employers.pop() if len(employers) == 1 else None,
    }


@transaction.atomic
def paper_write_up(
    *,
    by: Person,
    rows: Sequence[SavedCalculation],
    title: str,
    question: str,
    conclusion: str,
    employer: Employer | None = None,
    paper: Paper | None = None,
    reason: str = "",
) -> Paper:
    """Write a paper of saved calculations, write its draft again, or amend what was issued.

    Raises
    ------
    NotEntitled
        The person may not write calculations.
    InputError
        ``blank``; ``none``, ``too-many``; ``other-employer``; ``two-works``; those of
        `paper_open`.
    """
    if not rows:
        raise InputError("Choose at least one calculation.", code="none")
    if len(rows) > _MOST:
        raise InputError(f"A paper reports at most {_MOST} calculations.", code="too-many")
    if not (title.strip() and question.strip() and conclusion.strip()):
        raise InputError("Write the title, the question asked and the answer.", code="blank")
    words = words_of(rows, title=title, question=question, conclusion=conclusion)
    if paper is not None and paper.state == "draft":
        paper_write(by=by, paper=paper, words=words)
        return paper
    whose = paper.report.employer if paper else employer
    if whose is None:
        raise InputError("Say for which employer the paper is.", code="blank")
    _require_own(rows, whose)
    made = paper_open(
        by=by, work=work_of(rows), subject=log.subject_of(rows[0]), words=words, employer=whose,
        system=_only_system(rows), amends=paper, reason=reason,
    )  # fmt: skip
    links = [CalculationPaper(paper=made, calculation=r, order=n) for n, r in enumerate(rows, 1)]
    for link in links:
        link.save()
    log.append(
        actor=by, kind="calculation.written-up", subject=made, seals=links,
        text=f"{made.report} reports {len(rows)} calculation{'s' * (len(rows) != 1)}",
    )  # fmt: skip
    return made


def _require_own(rows: Sequence[SavedCalculation], employer: Employer) -> None:
    """Refuse to report to one employer what was worked out about another's system or room."""
    for row in rows:
        whose = employer_of(row.system, row.room)
        if whose is not None and whose != employer:
            raise InputError(
                f"“{row.title}” is about {row.system or row.room}, which belongs to {whose}, not "
                f"to {employer}.",
                code="other-employer",
            )


def work_of(rows: Sequence[SavedCalculation]) -> str:
    """Return the kind of work a paper is: advice on shielding is an RPA's, the others an MPE's.

    Raises
    ------
    InputError
        ``two-works``: shielding and something else in one paper, which nobody could approve whole.
    """
    shielding = {row.method.startswith(_SHIELDING) for row in rows}
    if len(shielding) > 1:
        raise InputError(
            "Shielding is approved by an RPA, the other calculations by an MPE: write two papers.",
            code="two-works",
        )
    return "shielding" if shielding == {True} else WORK


def _only_system(rows: Sequence[SavedCalculation]) -> System | None:
    systems = {row.system for row in rows}
    return systems.pop() if len(systems) == 1 else None


def words_of(
    rows: Sequence[SavedCalculation], *, title: str, question: str, conclusion: str
) -> Words:
    """Return what a paper of calculations says."""
    made = [stored(row) for row in rows]
    answer = [p.strip() for p in conclusion.splitlines() if p.strip()]
    asked = tuple(Block(text=p.strip()) for p in question.splitlines() if p.strip())
    sources: dict[tuple[str, str], Source] = {
        (s.row, s.sha256): s for item in made for s in item.sources
    }
    return Words(
        kind=_KIND,
        title=title.strip(),
        facts=_facts(rows),
        statement=answer[0],
        summary=tuple(answer[1:]),
        sections=(
            Section(_QUESTION, asked),
            *(_section(n, row, item, many=len(rows) > 1)
              for n, (row, item) in enumerate(zip(rows, made, strict=True), 1)),
        ),
        sources=tuple(sources.values()),
        methods=tuple(_method(row, item) for row, item in zip(rows, made, strict=True)),
    )  # fmt: skip


def _facts(rows: Sequence[SavedCalculation]) -> tuple[tuple[str, str], ...]:
    systems = list(dict.fromkeys(str(r.system) for r in rows if r.system))
    rooms = list(dict.fromkeys(
        f"{r.room.site.name}, {r.room.name}" for r in rows if r.room
    ))  # fmt: skip
    several = (("Calculations", str(len(rows))),) if len(rows) > 1 else ()
    return (
        *several,
        *((("System", "; ".join(systems)),) if systems else ()),
        *((("Room", "; ".join(rooms)),) if rooms else ()),
    )


def _section(n: int, row: SavedCalculation, made: Calculation, *, many: bool) -> Section:
    """Return one calculation: what came of it, from what, how sure, how to check it, its limits."""
    blocks = [Block(text=statement(row, made))]
    if made.name != row.calculator:  # of a chain of calculations, whose record begins half-way
        blocks.append(Block(table=_typed(row)))
    blocks.append(Block(table=_inputs(made)))
    if made.others:
        blocks.append(Block(table=_others(row, made)))
    blocks.append(Block(table=_budget(made)) if made.budget else Block(
        text="No input was given an uncertainty, so none is stated for the result."))  # fmt: skip
    blocks.append(Block(working=working(made)))
    for head, points in (("Assumptions:", made.assumptions), ("Limits of use:", made.limits)):
        if points:
            blocks += [Block(text=head), Block(points=points)]
    return Section(f"{n}. {row.title}" if many else row.title, tuple(blocks))


def statement(row: SavedCalculation, made: Calculation) -> str:
    """Return the paragraph a calculation is reported in: value, U, method, version, by whom."""
    sure = ""
    if made.value.u:
        # Of a result in per cent a share of it would be taken for the uncertainty itself.
        plain = made.value.value and str(made.value.unit) != "%"
        share = f", {100 * made.value.u / abs(made.value.value):.1f} %" if plain else ""
        u = uncertainty(quantity(made.value.u, str(made.value.unit)))
        sure = (
            f" The standard uncertainty is {u}{share}; the interval is the expanded uncertainty, "
            f"k = {made.value.k:g}."
        )
    about = f" It concerns {row.system or row.room}." if row.system or row.room else ""
    return (
        f"{made.title}: {headline(made)}.{sure}{about} Method {made.name}, version "
        f"{made.version}, in Kerma {made.package}; worked out by {row.by.name} on "
        f"{time_text(timezone.localtime(row.at))}. Record SHA-256 {row.result_sha256[:16]}."
    )


def _typed(row: SavedCalculation) -> Table:
    """Return what was typed, by the fields' titles."""
    columns = (Column("Given", share=2.6), Column("Symbol", share=0.7),
               Column("As typed", "right", 2.2), Column("", share=2.0))  # fmt: skip
    return Table(columns, tuple((*line, "") for line in typed(row)))


def _inputs(made: Calculation) -> Table:
    columns = (Column("Input", share=2.6), Column("Symbol", share=0.7),
               Column("Value (± U, k = 2)", "right", 2.2), Column("From", share=2.0))  # fmt: skip
    return Table(columns, tuple(_input(i) for i in made.inputs))


def _input(given: Input) -> tuple[str, str, str, str]:
    value = given.words or (result_text(given.value) if given.value else "–")
    return given.title, given.symbol, value, given.source or "given"


def _others(row: SavedCalculation, made: Calculation) -> Table:
    held = calculators().get(row.calculator)
    titles = held.others if held else {}
    columns = (Column("Further results", share=3.3), Column("Value", "right", 2.2),
               Column("", share=2.0))  # fmt: skip
    return Table(columns, tuple(
        (titles.get(name, name.replace("_", " ").capitalize()), result_text(value), "")
        for name, value in made.others.items()
    ))  # fmt: skip


def _budget(made: Calculation) -> Table:
    unit = pretty_unit(str(made.value.unit))
    columns = (
        Column("Contribution", share=2.6), Column("Symbol", share=0.7),
        Column("u of the input", "right", 1.4),
        Column(f"u of the result{', ' + unit if unit else ''}", "right", 1.4),
        Column("Share of u²", "right"),
    )  # fmt: skip
    rows = tuple(
        (
            c.title,
            c.symbol,
            uncertainty(c.u_input),
            format_number(c.u_result.value, c.u_result.value),
            f"{100 * c.share:.0f} %",
        )
        for c in made.budget
    )
    return Table(columns, rows, "Uncertainty budget")


def _method(row: SavedCalculation, made: Calculation) -> Method:
    held = calculators().get(row.calculator)
    page = f"docs/methods/{held.method_page}.md" if held else ""
    return Method(made.name, made.version, page, inputs=(row.result_sha256,))
