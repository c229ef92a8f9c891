"""The result tables of a report: rows, levels with numbered sources, notes, working."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from kerma.core import Quantity, Verdict
from kerma.reports import words
from kerma.reports.content import LevelShown, ResultRow, SurveyReport
from kerma.reports.units import (
    date_text,
    number_text,
    pretty_text,
    pretty_unit,
    quantity_text,
)

View = dict[str, Any]


def numbered_sources(report: SurveyReport) -> dict[str, int]:
    """Return the number each source row has in the list at the end."""
    numbers: dict[str, int] = {}
    for number, source in enumerate(report.sources, start=1):
        numbers.setdefault(source.row, number)
    return numbers


def result_sections(report: SurveyReport, numbers: Mapping[str, int]) -> list[View]:
    """Return the tested rows by section, sections in the order of the protocol."""
    sections: dict[str, list[View]] = {}
    for row in report.results:
        if row.tested:
            sections.setdefault(row.section or "Results", []).append(_row(row, numbers))
    return [{"title": title, "rows": rows} for title, rows in sections.items()]


def untested(report: SurveyReport) -> list[View]:
    """Return the tests without a result, with the reason."""
    return [
        {
            "verdict": str(row.verdict),
            "title": row.title,
            "section": row.section,
            "reason": pretty_text(row.reason) or "No reason was given.",
            "note": pretty_text(row.note),
            "decision": _decision(row),
        }
        for row in report.results
        if not row.tested
    ]


def working(report: SurveyReport) -> list[View]:
    """Return how each result was obtained, for those that say so."""
    return [
        {
            "title": row.title,
            "formula": row.formula,
            "inputs": pretty_text(row.inputs),
            "instrument": row.instrument,
        }
        for row in report.results
        if row.tested and (row.formula or row.inputs)
    ]


def _row(row: ResultRow, numbers: Mapping[str, int]) -> View:
    return {
        "title": row.title,
        "setup": pretty_text(row.setup),
        "result": number_text(row.value) if row.value else (row.shown or "–"),
        "unit": pretty_unit(str(row.value.unit)) if row.value else "",
        "words": row.value is None,
        "basis": _beside(row.basis, row.value),
        "basis_kind": row.basis_kind,
        "previous": _beside(row.previous, row.value),
        "previous_on": date_text(row.previous_on),
        "levels": _levels(row.levels, numbers),
        "verdict": str(row.verdict),
        "notes": _notes(row),
    }


def _beside(other: Quantity | None, value: Quantity | None) -> str:
    """Return a companion of the result: the bare number when it has the result's unit."""
    if other is None:
        return ""
    same = value is not None and other.unit.symbol == value.unit.symbol
    return other.number() if same else quantity_text(other)


def _levels(levels: tuple[LevelShown, ...], numbers: Mapping[str, int]) -> list[View]:
    return [
        {
            "class": level.level_class,
            "text": pretty_text(level.text),
            "source": str(numbers[level.source]),
        }
        for level in levels
    ]


def _notes(row: ResultRow) -> list[str]:
    notes = []
    if row.verdict is not Verdict.PASS and row.reason:
        notes.append(pretty_text(row.reason))
    if row.near_limit:
        notes.append(words.NEAR_LIMIT)
    if row.value is not None and row.value.u and row.value.k != 2.0:
        notes.append(f"U is stated with k = {row.value.k:g}.")
    if row.note:
        notes.append(pretty_text(row.note))
    decision = _decision(row)
    if decision:
        notes.append(decision)
    return notes


def _decision(row: ResultRow) -> str:
    decision = row.decision
    if decision is None:
        return ""
    return f"Decision: {pretty_text(decision.text)} ({decision.by}, {date_text(decision.on)})"
