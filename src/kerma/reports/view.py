"""Report content as the page sees it: every number, unit and date already text.

The typst files only lay out; nothing is formatted, counted or decided there.
"""

from __future__ import annotations

import re
from textwrap import shorten
from typing import Any

from kerma.core import Verdict
from kerma.reports import words
from kerma.reports.content import Organisation, SurveyReport
from kerma.reports.pictures import annotated, printed_width_mm, region_values
from kerma.reports.results import numbered_sources, result_sections, untested, working
from kerma.reports.units import date_text, pretty_text, time_text

View = dict[str, Any]
ATTACHMENT = "survey-report-content.json"

_ORDER = (
    Verdict.SUSPENSION,
    Verdict.REMEDIAL,
    Verdict.PASS,
    Verdict.NOT_ENOUGH_DATA,
    Verdict.NOT_MEASURABLE,
    Verdict.NOT_DONE,
    Verdict.NOT_APPLICABLE,
)
_AS_IS = ("svg", "alt", "hash", "title_plain", "contact")
_LONGEST_WORD = 20  # letters that fit the column of test names
_NARROW = {"serial": 12, "version": 10, "number": 16}
_ZERO_WIDTH_SPACE = "\u200b"


def view(report: SurveyReport, digest: str) -> View:
    """Return what the typst files print, as JSON-ready data."""
    numbers = numbered_sources(report)
    shown: View = {
        "document": _document(report, digest),
        "front": _front(report),
        "supersedes": _supersedes(report),
        "headline": _headline(report),
        "counts": _counts(report),
        "summary": [pretty_text(p) for p in report.summary],
        "findings": _findings(report),
        "findings_note": _findings_note(report),
        "instruments": _instruments(report),
        "sections": result_sections(report, numbers),
        "untested": untested(report),
        "working": working(report),
        "charts": [
            {"title": c.title, "svg": c.svg, "alt": c.alt, "caption": pretty_text(c.caption)}
            for c in report.charts
        ],
        "pictures": _pictures(report),
        "sources": _sources(report),
        "methods": _methods(report),
        "signatures": _signatures(report),
        "distribution": list(report.distribution),
        "words": _words(report),
    }
    breakable: View = _breakable(shown)
    return breakable


def _document(report: SurveyReport, digest: str) -> View:
    issued = report.signing.state == "issued"
    return {
        "title_plain": f"{report.report_number} issue {report.issue}: {report.system.name}",
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
        "running": shorten(
            f"{report.system.name}, {report.site.name}, {report.room}", 100, placeholder=" …"
        ),
    }


def _front(report: SurveyReport) -> View:
    system = report.system
    days = date_text(report.surveyed_on)
    if report.surveyed_to and report.surveyed_to != report.surveyed_on:
        days = f"{days} to {date_text(report.surveyed_to)}"
    protocol = report.protocol
    approved = [s for s in report.signing.signatures if s.meaning == "approved"]
    return {
        "title": system.name,
        "subtitle": f"{report.purpose}, {days}",
        "where": _pairs(
            ("Employer", _organisation(report.employer)),
            ("Site", _organisation(report.site)),
            ("Room", report.room),
            ("Purpose", report.purpose),
            ("Surveyed", days),
            ("Measured by", "; ".join(report.measured_by)),
            ("Protocol", f"{protocol.title or protocol.id} ({protocol.id}, v{protocol.version})"),
            ("Approved", "; ".join(f"{s.name}, {date_text(s.at)}" for s in approved)),
        ),
        "system": _pairs(
            ("System", system.name),
            ("Type", system.equipment_type),
            ("Maker", system.maker),
            ("Model", system.model),
            ("Serial number", system.serial),
            ("Asset", system.asset),
            ("Software", system.software),
            ("Made", system.year_made),
            ("Installed", system.year_installed),
        ),
        "components": [
            {
                "kind": c.kind[:1].upper() + c.kind[1:],
                "make": " ".join(x for x in (c.maker, c.model) if x),
                "serial": c.serial,
                "installed": c.installed,
                "facts": "; ".join(f"{name} {pretty_text(value)}" for name, value in c.facts),
            }
            for c in system.components
        ],
    }


def _pairs(*pairs: tuple[str, str]) -> list[list[str]]:
    return [[name, value] for name, value in pairs if value]


def _organisation(organisation: Organisation) -> str:
    return ", ".join(x for x in (organisation.name, *organisation.address) if x)


def _supersedes(report: SurveyReport) -> View | None:
    old = report.supersedes
    if old is None:
        return None
    return {
        "line": f"Issue {report.issue} supersedes issue {old.issue} of {date_text(old.issued_on)}.",
        "reason": pretty_text(old.reason),
        "changes": [[c.what, pretty_text(c.before), pretty_text(c.after)] for c in old.changes],
    }


def _headline(report: SurveyReport) -> View:
    headline = report.headline
    standing = words.RECOMMENDATION[headline.recommendation]
    same = headline.text.strip().lower() in ("", headline.recommendation, standing.lower())
    return {
        "kind": headline.recommendation,
        "title": standing,
        "text": "" if same else pretty_text(headline.text),
        "conditions": [pretty_text(c) for c in headline.conditions],
        "told": pretty_text(headline.told),
        "employer": words.EMPLOYER_DECIDES[headline.recommendation == "no recommendation"],
    }


def _counts(report: SurveyReport) -> list[View]:
    tally = {v: sum(r.verdict is v for r in report.results) for v in _ORDER}
    always = (Verdict.SUSPENSION, Verdict.REMEDIAL, Verdict.PASS)
    return [{"verdict": str(v), "count": str(tally[v])} for v in _ORDER if tally[v] or v in always]


def _findings(report: SurveyReport) -> list[View]:
    return [
        {
            "verdict": str(f.verdict),
            "title": f.title,
            "found": pretty_text(f.found),
            "level": pretty_text(f.level),
            "action": pretty_text(f.action),
            "priority": f.priority,
            "owner": f.owner,
            "due": date_text(f.due),
            "reference": f.reference,
        }
        for f in report.findings
    ]


def _findings_note(report: SurveyReport) -> str:
    """Say what the table of findings does not: that nothing was exceeded, or what it leaves out."""
    if not any(r.verdict.judged for r in report.results):
        return words.NOTHING_JUDGED
    exceeded = [r.title for r in report.results if r.verdict.exceeded]
    if not exceeded:
        return words.NOTHING_EXCEEDED
    answered = {f.title for f in report.findings}
    left = [title for title in exceeded if title not in answered]
    return words.NO_ACTION.format(titles="; ".join(left)) if left else ""


def _instruments(report: SurveyReport) -> list[View]:
    return [
        {
            "name": i.name,
            "make": " ".join(x for x in (i.maker, i.model) if x),
            "serial": i.serial,
            "certificate": i.certificate,
            "laboratory": i.laboratory,
            "calibrated": date_text(i.calibrated_on),
            "due": date_text(i.due_on),
            "lapsed": bool(i.due_on and i.due_on < report.surveyed_on),
            "factor": pretty_text(i.factor),
            "used_for": pretty_text(i.used_for),
        }
        for i in report.instruments
    ]


def _pictures(report: SurveyReport) -> list[View]:
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
        for p in report.pictures
    ]


def _sources(report: SurveyReport) -> list[View]:
    return [
        {
            "number": str(number),
            "document": s.document,
            "edition": s.edition,
            "row": s.row,
            "confidence": s.confidence,
            "note": pretty_text(s.note),
            "verified": f"{s.verified_by}, {date_text(s.verified_on)}" if s.verified else "",
        }
        for number, s in enumerate(report.verified_sources(), start=1)
    ]


def _methods(report: SurveyReport) -> list[View]:
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


def _signatures(report: SurveyReport) -> list[View]:
    meaning = {
        "performed": "Measured",
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


def _words(report: SurveyReport) -> View:
    return {
        "demo": words.DEMO,
        "draft": words.DRAFT,
        "how_judged": [*words.HOW_JUDGED, *map(pretty_text, report.decision_notes)],
        "hash_note": words.HASH_NOTE.format(name=ATTACHMENT),
        "no_results": words.NO_RESULTS,
        "no_signatures": words.NO_SIGNATURES,
    }


def _breakable(value: Any, limit: int = _LONGEST_WORD) -> Any:
    """Let very long words break, so that they cannot run out of a column."""
    if isinstance(value, dict):
        return {
            k: v if k in _AS_IS else _breakable(v, _NARROW.get(k, limit)) for k, v in value.items()
        }
    if isinstance(value, list):
        return [_breakable(v, limit) for v in value]
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
