"""Report content as the page sees it: every number, unit and date already text.

The typst files only lay out; nothing is formatted, counted or decided there.
"""

from __future__ import annotations

from typing import Any

from kerma.core import Verdict
from kerma.reports import words
from kerma.reports.content import SurveyReport
from kerma.reports.results import numbered_sources, result_sections, untested, working
from kerma.reports.shared_view import (
    breakable,
    charts,
    document,
    methods,
    organisation,
    pairs,
    pictures,
    signatures,
    sources,
    supersedes,
)
from kerma.reports.units import date_text, pretty_text

View = dict[str, Any]

_ORDER = (
    Verdict.SUSPENSION,
    Verdict.REMEDIAL,
    Verdict.PASS,
    Verdict.NOT_ENOUGH_DATA,
    Verdict.NOT_MEASURABLE,
    Verdict.NOT_DONE,
    Verdict.NOT_APPLICABLE,
)


def view(report: SurveyReport, digest: str) -> View:
    """Return what the typst files print, as JSON-ready data."""
    numbers = numbered_sources(report)
    shown: View = {
        "document": document(report, digest, title=report.system.name),
        "front": _front(report),
        "supersedes": supersedes(report),
        "headline": _headline(report),
        "counts": _counts(report),
        "summary": [pretty_text(p) for p in report.summary],
        "findings": _findings(report),
        "findings_note": _findings_note(report),
        "instruments": _instruments(report),
        "sections": result_sections(report, numbers),
        "untested": untested(report),
        "working": working(report),
        "charts": charts(report.charts),
        "pictures": pictures(report.pictures),
        "sources": sources(report),
        "methods": methods(report),
        "signatures": signatures(report, performed="Measured"),
        "distribution": list(report.distribution),
        "words": _words(report),
    }
    whole: View = breakable(shown)
    return whole


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
        "where": pairs(
            ("Employer", organisation(report.employer)),
            ("Site", organisation(report.site)),
            ("Room", report.room),
            ("Purpose", report.purpose),
            ("Surveyed", days),
            ("Measured by", "; ".join(report.measured_by)),
            ("Protocol", f"{protocol.title or protocol.id} ({protocol.id}, v{protocol.version})"),
            ("Approved", "; ".join(f"{s.name}, {date_text(s.at)}" for s in approved)),
        ),
        "system": pairs(
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


def _words(report: SurveyReport) -> View:
    return {
        "demo": words.DEMO,
        "draft": words.DRAFT,
        "how_judged": [*words.HOW_JUDGED, *map(pretty_text, report.decision_notes)],
        "hash_note": words.HASH_NOTE.format(name=report.attachment),
        "no_results": words.NO_RESULTS,
        "no_signatures": words.NO_SIGNATURES,
    }
