"""Frozen results as the review page shows them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

from kerma.core import Level, Quantity, Source, Verdict
from kerma.service.records.selectors import verifications
from kerma.service.testing.composition import quantity_of
from kerma.service.testing.models import Result
from kerma.service.testing.sheet import levels_text, obtained


def frozen_sections(results: Sequence[Result]) -> list[dict[str, Any]]:
    """Return frozen results by section, each with its drawer."""
    standing = verifications(_rows(results))
    sections: dict[str, list[dict[str, Any]]] = {}
    for result in results:
        record = result.record
        levels = tuple(Level.from_dict(level) for level in record["levels"])
        value = quantity_of(result)
        sections.setdefault(result.section, []).append(
            {
                "result": result,
                "value": None if record.get("functional") else value,
                "shown": record.get("shown", ""),
                "previous": _previous(record),
                "levels": levels_text(levels, _context(record)),
                "exceeded": Verdict(result.verdict).exceeded,
                "near": record["judgement"]["near_limit"],
                "reason": record["judgement"]["reason"],
                "obtained": obtained(
                    record,
                    record["judgement"]["reason"],
                    value,
                    _verified([level.source for level in levels], standing),
                ),
            }
        )
    return [{"title": title, "rows": rows} for title, rows in sections.items()]


def _context(record: dict[str, Any]) -> dict[str, Quantity | None]:
    return {name: Quantity.from_dict(q) for name, q in record.get("context", {}).items()}


def _previous(record: dict[str, Any]) -> Quantity | str | None:
    earlier = record.get("previous")
    if not earlier:
        return None
    if record.get("functional"):
        return "satisfactory" if earlier["value"]["value"] else "not satisfactory"
    return Quantity.from_dict(earlier["value"])


def _rows(results: Sequence[Result]) -> set[str]:
    return {level["source"]["row"] for r in results for level in r.record["levels"]}


def _verified(sources: Sequence[Source], standing: dict[tuple[str, str], Any]) -> str:
    found = [standing.get((s.row, s.sha256)) for s in sources]
    if not found or any(v is None for v in found):
        return ""
    first = found[0]
    return f"verified by {first.by.name}, {first.at:%-d %b %Y}"


def verdict_summary(results: Sequence[Result]) -> list[tuple[Verdict, int]]:
    """Return how many results there are of each verdict, the gravest first."""
    counts = Counter(Verdict(r.verdict) for r in results)
    order = [
        Verdict.SUSPENSION,
        Verdict.REMEDIAL,
        Verdict.PASS,
        Verdict.NOT_ENOUGH_DATA,
        Verdict.NOT_MEASURABLE,
        Verdict.NOT_DONE,
        Verdict.NOT_APPLICABLE,
    ]
    return [(v, counts[v]) for v in order if counts[v]]
