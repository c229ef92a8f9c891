"""What a stored issue says, read back for its page. The content is what was signed, unchanged."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from typing import Any

from kerma.core import content_hash
from kerma.reports.words import RECOMMENDATION
from kerma.service.records import log, selectors
from kerma.service.records.models import Issue, Signature
from kerma.service.web.components.numbers import day


def recommendation_of(issue: Issue) -> str:
    """Return the recommendation in words, as signed; of a paper, its statement."""
    if "statement" in issue.content:
        return str(issue.content["statement"] or issue.content["kind"])
    found = str(issue.content.get("headline", {}).get("recommendation", ""))
    return RECOMMENDATION.get(found, found)


def _day(text: str | None) -> date | None:
    return date.fromisoformat(text) if text else None


def identification(issue: Issue) -> list[tuple[str, Any]]:
    """Return what the report is about, as printed on its first page."""
    said = issue.content
    if "facts" in said:
        paper = [("Report", f"{issue.report.number}, issue {issue.number}"),
                 ("Kind", said["kind"]), ("Employer", said["employer"]["name"])]  # fmt: skip
        return [*paper, *((n, v) for n, v in said["facts"]), ("Software", said.get("software"))]
    system = said.get("system", {})
    protocol = said.get("protocol", {})
    made = " ".join(filter(None, (system.get("maker"), system.get("model"))))
    return [
        ("Report", f"{issue.report.number}, issue {issue.number}"),
        ("Employer", said.get("employer", {}).get("name")),
        (
            "Site, room",
            ", ".join(filter(None, (said.get("site", {}).get("name"), said.get("room")))),
        ),
        ("System", " ".join(filter(None, (system.get("asset"), system.get("name"))))),
        ("Maker, model", made),
        ("Serial number", system.get("serial")),
        ("Purpose", said.get("purpose")),
        ("Surveyed on", day(_day(said.get("surveyed_on")))),
        ("Measured by", "; ".join(said.get("measured_by", ()))),
        ("Protocol", _protocol(protocol)),
        ("Software", said.get("software")),
    ]


def _protocol(protocol: dict[str, Any]) -> str:
    if not protocol:
        return ""
    return f"{protocol.get('title') or protocol.get('id')}, version {protocol.get('version')}"


def signatures_of(issue: Issue) -> list[dict[str, Any]]:
    """Return the signatures on this issue's content, as the component shows them."""
    return signatures_as_shown(selectors.signatures(issue.subject), issue.content_sha256)


def signatures_as_shown(given: Iterable[Signature], content_sha256: str) -> list[dict[str, Any]]:
    """Return those signatures that were made on this content, as the component shows them."""
    return [
        {
            "meaning": s.meaning,
            "name": s.person.name,
            "capacity": _capacity(s.capacity),
            "signed_at": s.at,
            "content_hash": s.content_sha256,
        }
        for s in given
        if s.content_sha256 == content_sha256
    ]


def _capacity(titles: list[dict[str, str]]) -> str:
    return ", ".join(
        f"{t['title']} ({t['credential']})" if t.get("credential") else t["title"] for t in titles
    )


def sources_of(issue: Issue) -> list[dict[str, Any]]:
    """Return the rows the report rests on: as printed, and whether they stand verified today."""
    printed = issue.content.get("sources", [])
    standing = selectors.verifications({s["row"] for s in printed})
    return [
        {
            **s,
            "verified_on": _day(s.get("verified_on")),
            "standing": standing.get((s["row"], s.get("sha256", ""))),
        }
        for s in printed
    ]


def findings_of(issue: Issue) -> list[dict[str, Any]]:
    """Return what exceeded a level, as printed."""
    return [{**f, "due": _day(f.get("due"))} for f in issue.content.get("findings", [])]


def counts_of(issue: Issue) -> list[tuple[str, int]]:
    """Return how many results there are of each verdict, the gravest first."""
    order = (
        "suspension", "remedial", "pass", "not enough data", "not measurable", "not done",
        "not applicable",
    )  # fmt: skip
    verdicts = [r["verdict"] for r in issue.content.get("results", [])]
    return [(v, verdicts.count(v)) for v in order if v in verdicts]


def agrees(issue: Issue) -> bool:
    """Recompute the hash of the stored content and compare it with the one that was signed."""
    return content_hash(issue.content) == issue.content_sha256


def extract(issue: Issue, longest: int = 40) -> list[Any]:
    """Return what the event log says of the issue and of what it was issued on."""
    return list(selectors.about(issue.subject, log.subject_of(issue))[:longest])
