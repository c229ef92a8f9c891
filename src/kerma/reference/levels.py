"""Levels of the performance tests, built from the rows of ``qa-tests`` and nothing else."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

from kerma.core import InputError, Level, Source
from kerma.reference.criteria import CLASSES, criterion
from kerma.reference.loader import row, rows
from kerma.reference.rows import Row

# Documents that are nobody's rule in the UK: worked examples and cross-checks, never a default.
FOREIGN_SCOPES = ("other nation", "site")


def levels(modality: str, test_id: str) -> list[Level]:
    """Return the levels of one test.

    Parameters
    ----------
    modality
        First column of the rows, such as ``radiography``.
    test_id
        Second column; ``test_id#case`` where the row holds several levels for different
        circumstances.

    Returns
    -------
    list of Level
        Empty when the row has no usable level; `unusable` says why.

    Raises
    ------
    InputError
        Code ``unknown-row``, ``unknown-case``, or ``case-needed`` when the row has cases and none
        was named.

    """
    name, _, case = test_id.partition("#")
    found = levels_of(row(f"qa-tests/{modality}/{name}"))
    if case in found:
        return list(found[case])
    if not found:
        return []
    cases = ", ".join(f"{name}#{c}" for c in found)
    raise InputError(
        f"{modality}/{name} holds levels for different circumstances; name one of {cases}."
        if not case
        else f"{modality}/{name} has no case “{case}”. It has: {cases}.",
        code="unknown-case" if case else "case-needed",
        detail={"row": f"{modality}/{name}", "cases": list(found)},
    )


@cache
def _levels_of(row_id: str) -> dict[str, tuple[Level, ...]]:
    source_row = row(row_id)
    spec = source_row.fields.get("levels") or {}
    name = source_row.text("test_id")
    if "cases" in spec:
        return {
            case: _classes(source_row, f"{name}#{case}", part)
            for case, part in spec["cases"].items()
        }
    found = _classes(source_row, name, spec)
    return {"": found} if found else {}


def levels_of(source_row: Row) -> Mapping[str, tuple[Level, ...]]:
    """Return the levels a row holds, by case; the case of a plain row is the empty string."""
    return _levels_of(source_row.id)


def _classes(source_row: Row, name: str, spec: Mapping[str, Any]) -> tuple[Level, ...]:
    source = Source(
        row=source_row.id,
        document=source_row.document,
        confidence=source_row.confidence,
        sha256=source_row.sha256,
        edition=source_row.edition,
        note=str(spec.get("note", "")) or source_row.text("notes"),
    )
    return tuple(
        Level(name, level_class, criterion(spec[level_class]), source)
        for level_class in CLASSES
        if level_class in spec
    )


def level_names(modality: str) -> list[str]:
    """Return every test id (with its case) of a modality that has a level."""
    return [
        f"{r.text('test_id')}#{case}" if case else r.text("test_id")
        for r in rows("qa-tests")
        if r.text("modality") == modality
        for case in levels_of(r)
    ]


def scope(modality: str, test_id: str) -> str:
    """Return whose document a level comes from: ``uk``, ``europe``, ..., ``other nation``."""
    name, _, case = test_id.partition("#")
    spec = row(f"qa-tests/{modality}/{name}").fields.get("levels") or {}
    return str(spec.get("cases", {}).get(case, {}).get("scope") or spec.get("scope", ""))


def unusable(modality: str | None = None) -> dict[str, str]:
    """Return why a row, or one class of it, has no level: ``{row id or row id:class: reason}``."""
    reasons: dict[str, str] = {}
    for r in rows("qa-tests"):
        if modality and r.text("modality") != modality:
            continue
        spec = r.fields.get("levels") or {}
        if "none" in spec:
            reasons[r.id] = str(spec["none"])
        for level_class, why in spec.get("without", {}).items():
            reasons[f"{r.id}:{level_class}"] = str(why)
    return reasons
