"""What the pages of every report share, as text: its identity, sources, methods, signatures."""

from __future__ import annotations

import re
from collections.abc import Iterable
from textwrap import shorten
from typing import Any

from kerma.reports.parts import Chart, Organisation, Picture, SignedContent, SourceLine
from kerma.reports.pictures import annotated, printed_width_mm, region_values
from kerma.reports.units import date_text, pretty_text, time_text

View = dict[str, Any]

_AS_IS = ("svg", "alt", "hash", "title_plain", "contact")
_LONGEST_WORD = 20  # letters that fit the column of test names
_NARROW = {"serial": 12, "version": 10, "number": 16}
_ZERO_WIDTH_SPACE = "\u200b"


def document(report: SignedContent, digest: str, *, title: str) -> View:
    """Return what every page of a report says of the report itself."""
    issued = report.signing.state == "issued"
    return {
        "title_plain": f"{report.report_number} issue {report.issue}: {title}",
        "number": report.report_number,
        "issue": str(report.issue),
        "draft": not issued,
        "demo": report.demo,
        "hash": digest,
        "short": digest[:12],
        "service": report.service.name,
        "contact": " · ".join(x for x in (*report.service.address, report.service.contact) if x),
        "prepared": time_text(report.prepared_at),
        "issued": time_text(report.signing.issued_at) if issued else "",
        "software": report.software,
        "running": shorten(report.running_title, 100, placeholder=" …"),
    }


def pairs(*given: tuple[str, str]) -> list[list[str]]:
    """Return the pairs that have a value."""
    return [[name, value] for name, value in given if value]


def organisation(who: Organisation) -> str:
    """Return name and address in one line."""
    return ", ".join(x for x in (who.name, *who.address) if x)


def supersedes(report: SignedContent) -> View | None:
    """Return which issue this one replaces, and why."""
    old = report.supersedes
    if old is None:
        return None
    return {
        "line": f"Issue {report.issue} supersedes issue {old.issue} of {date_text(old.issued_on)}.",
        "reason": pretty_text(old.reason),
        "changes": [[c.what, pretty_text(c.before), pretty_text(c.after)] for c in old.changes],
    }


def charts(given: Iterable[Chart]) -> list[View]:
    """Return charts with their captions."""
    return [
        {"title": c.title, "svg": c.svg, "alt": c.alt, "caption": pretty_text(c.caption)}
        for c in given
    ]


def pictures(given: Iterable[Picture]) -> list[View]:
    """Return images with their regions drawn and listed."""
    return [
        {
            "title": p.title,
            "svg": annotated(p),
            "width_mm": printed_width_mm(p),
            "alt": p.alt,
            "caption": pretty_text(p.caption),
            "analysis": p.analysis,
            "regions": [
                [str(n), r.name, region_values(r)] for n, r in enumerate(p.regions, start=1)
            ],
        }
        for p in given
    ]


def sources(report: SignedContent) -> list[View]:
    """Return the documents the report rests on, numbered, with who verified them."""
    return [
        {
            "number": str(number),
            "document": s.document,
            "edition": s.edition,
            "row": s.row,
            "confidence": s.confidence,
            "note": pretty_text(_note(s)),
            "verified": f"{s.verified_by}, {date_text(s.verified_on)}" if s.verified else "",
        }
        for number, s in enumerate(report.verified_sources(), start=1)
    ]


def _note(source: SourceLine) -> str:
    """Return a row's note; of a verified one without what it said of being unverified."""
    if not source.verified:
        return source.note
    kept = (part for part in source.note.split("; ") if not _OF_COMPILING.search(part))
    return "; ".join(kept)


# How the compilers of the data said that a row is still to be compared with its document.
_OF_COMPILING = re.compile(r"\bVERIFY\b|\brecall(?:ed)?\b|\bunverified\b")
_FEW = 4  # rows of one document printed each; more are printed as first, last and number


def grouped_sources(report: SignedContent) -> list[View]:
    """Return the documents a paper rests on, rows of one document and verification together.

    Every row stands in the signed content that is attached to the PDF.
    """
    groups: dict[tuple[str, ...], list[str]] = {}
    for view in sources(report):
        kept = ("document", "edition", "confidence", "note", "verified")
        groups.setdefault(tuple(view[k] for k in kept), []).append(view["row"])
    found = []
    for number, (kept_values, rows) in enumerate(groups.items(), start=1):
        row = "\n".join(rows)
        if len(rows) > _FEW:
            row = f"{len(rows)} rows, all named in the content attached:\n{rows[0]}\n…\n{rows[-1]}"
        document, edition, confidence, note, verified = kept_values
        found.append({
            "number": str(number), "document": document, "edition": edition, "row": row,
            "confidence": confidence, "note": note, "verified": verified,
        })  # fmt: skip
    return found


def methods(report: SignedContent) -> list[View]:
    """Return the calculations and measurements with their versions."""
    return [
        {
            "name": m.name,
            "version": m.version,
            "edition": m.edition,
            "parameters": m.parameters,
            "inputs": ", ".join(digest[:12] for digest in m.inputs),
        }
        for m in report.methods
    ]


def signatures(report: SignedContent, *, performed: str) -> list[View]:
    """Return the signatures; `performed` is the word for what the author did."""
    meaning = {
        "performed": performed,
        "checked": "Checked",
        "approved": "Approved",
        "advised": "Advised",
    }
    return [
        {
            "meaning": meaning[s.meaning],
            "name": s.name,
            "role": s.role,
            "registration": s.registration,
            "credential": s.credential,
            "at": time_text(s.at),
            "short": s.content_hash[:12],
        }
        for s in report.signing.signatures
    ]


def breakable(value: Any, limit: int = _LONGEST_WORD) -> Any:
    """Let very long words break, so that they cannot run out of a column."""
    if isinstance(value, dict):
        return {
            k: v if k in _AS_IS else breakable(v, _NARROW.get(k, limit)) for k, v in value.items()
        }
    if isinstance(value, list):
        return [breakable(v, limit) for v in value]
    if not isinstance(value, str):
        return value
    return re.sub(rf"\S{{{limit + 1},}}", lambda m: _broken(m[0], limit), value)


def _broken(word: str, limit: int) -> str:
    after_marks = re.sub(r"([/_.@:\-])(?=\S)", r"\1" + _ZERO_WIDTH_SPACE, word)
    step = min(limit, 12)
    return _ZERO_WIDTH_SPACE.join(
        piece[i : i + step]
        for piece in after_marks.split(_ZERO_WIDTH_SPACE)
        for i in range(0, len(piece), step)
    )
