"""The signed paper of an acceptance test."""

from __future__ import annotations

from django.utils import timezone

from kerma import __version__
from kerma.core import InputError
from kerma.reports.paper import Block, Column, Section, Table
from kerma.reports.parts import Method
from kerma.service.doses.acceptance.comparing import ATTENDANCES, Outcome, acceptance
from kerma.service.estate.models import Employer
from kerma.service.people.entitlement import demand
from kerma.service.people.models import Person
from kerma.service.records.models import Paper
from kerma.service.records.papers.compose import Words, paper_open
from kerma.service.web.components.numbers import day

SUBJECT = "doses:acceptance"
_METHOD = (
    "Dose reports of simulated attendances are written as DICOM files whose every value is known, "
    "with the oddities makers are known for among them, and read by the reader that imports what "
    "devices send. Each value must come out as it went in, decimal for decimal; a file that is cut "
    "short must be refused."
)
_KINDS = {"ct": "CT", "projection": "Radiography and fluoroscopy", "mammography": "Mammography"}
_SHOWN = 40  # disagreements printed; the count is of all


def acceptance_write(*, by: Person, employer: Employer, summary: str) -> Paper:
    """Run the acceptance test and write its paper, for an MPE to sign.

    Raises
    ------
    NotEntitled
        The person may not write it.
    InputError
        ``blank``.
    """
    demand("perform", by=by, work="dose_audit", subject=SUBJECT, employer=employer.key,
           employer_name=employer.name)  # fmt: skip
    if not summary.strip():
        raise InputError("Say what the test is run for, and what follows from it.", code="blank")
    words = words_of(acceptance(), summary)
    return paper_open(by=by, work="dose_audit", subject=SUBJECT, words=words, employer=employer)


def words_of(found: Outcome, summary: str) -> Words:
    """Return the paper of an outcome."""
    total, wrong = sum(found.values.values()), len(found.wrong)
    if found.passed:
        statement = f"Passed: all {total} values were read as they were written."
    else:
        statement = f"Failed: {wrong} of {total} values or files were not read as they should be."
    columns = (Column("Kind of report", share=2), Column("Files", "right"),
               Column("Values compared", "right"))  # fmt: skip
    rows = tuple((_KINDS.get(k, k), str(n), str(found.values[k]))
                 for k, n in sorted(found.files.items()))  # fmt: skip
    oddities = tuple(f"{name.replace('_', ' ')}: {n}" for name, n in sorted(found.oddities.items()))
    sections = [
        Section("What was compared", (Block(table=Table(columns, rows)),)),
        Section("Oddities among the files", (Block(points=oddities),)),
    ]
    if found.wrong:
        sections.insert(0, Section("What did not agree", (Block(points=_first(found.wrong)),)))
    return Words(
        kind="Acceptance test",
        title="Reading of dose reports",
        subtitle=f"Kerma {__version__}",
        facts=(
            ("System", f"Kerma {__version__}"), ("Run", str(day(timezone.localdate()))),
            ("Attendances", str(ATTENDANCES)), ("Broken files refused", str(found.refused)),
        ),
        statement=statement,
        summary=tuple(p.strip() for p in summary.splitlines() if p.strip()),
        sections=tuple(sections),
        assumptions=(
            "The files are Kerma's own. They show that what is sent is stored unchanged, not that "
            "a device sends what it should: compare each device's report with its console, and "
            "its display with a calibrated instrument, at acceptance.",
        ),
        methods=(Method("acceptance of the dose reader", "1",
                        "AAPM Medical Physics Practice Guideline 6.a", _METHOD),),
    )  # fmt: skip


def _first(wrong: list[str]) -> tuple[str, ...]:
    more = len(wrong) - _SHOWN
    return tuple(wrong[:_SHOWN]) + ((f"and {more} more",) if more > 0 else ())
