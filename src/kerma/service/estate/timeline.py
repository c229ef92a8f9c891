"""Everything that happened to a system, in one list: the page's timeline."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import Any

from django.urls import reverse
from django.utils import timezone

from kerma.core import Verdict
from kerma.service.estate import selectors
from kerma.service.estate.models import System
from kerma.service.people.models import Person
from kerma.service.records import log
from kerma.service.records.models import Event, Issue
from kerma.service.testing.models import Baseline, Survey
from kerma.service.testing.selectors import surveys, verdict_counts

Entry = dict[str, Any]

_GRAVEST = (Verdict.SUSPENSION, Verdict.REMEDIAL, Verdict.NOT_MEASURABLE,
            Verdict.NOT_ENOUGH_DATA, Verdict.NOT_DONE, Verdict.PASS)  # fmt: skip


def worst(counts: dict[str, int]) -> Verdict | None:
    """Return the gravest verdict of a survey; tests that do not apply say nothing."""
    return next((v for v in _GRAVEST if counts.get(str(v))), None)


def timeline(system: System, reader: Person) -> list[Entry]:
    """Return the entries, newest first."""
    issues = list(
        Issue.objects.filter(report__system=system)
        .select_related("report", "issued_by")
        .defer("content")
        .order_by("-issued_at")
    )
    entries = [
        *_surveys(system, reader, issues),
        *_events(system),
        *_components(system),
        *_baselines(system),
        *_issues(issues),
        *_decisions(system),
    ]
    return sorted(entries, key=lambda e: (e["date"], e["rank"]), reverse=True)


def _surveys(system: System, reader: Person, issues: list[Issue]) -> Iterator[Entry]:
    rows: list[Survey] = list(
        surveys(reader).filter(system=system).exclude(state="planned").defer("protocol_text")
    )
    counts = verdict_counts(rows)
    reports = {issue.subject: issue for issue in issues}
    for survey in rows:
        counted = counts.get(survey.pk, {})
        issue = reports.get(log.subject_of(survey))
        if reader.is_hospital:
            url = reverse("issue", args=[issue.pk]) if issue else ""
        else:
            url = reverse("survey", args=[survey.pk])
        yield {
            "date": survey.performed_on or survey.planned_for,
            "rank": 2,
            "verdict": worst(counted),
            "kind": "" if counted else "Survey",
            "title": survey.get_purpose_display(),
            "detail": _how_many(counted) or survey.get_state_display().lower(),
            "url": url,
            "who": survey.performer or "",
        }


def _how_many(counts: dict[str, int]) -> str:
    said = [
        f"{counts[v]} {v}" for v in ("suspension", "remedial", "pass", "not done") if v in counts
    ]
    return ", ".join(said)


def _events(system: System) -> Iterator[Entry]:
    for event in selectors.events(system):
        yield {
            "date": event.on,
            "rank": 1,
            "kind": event.kind.replace("_", " ").capitalize(),
            "title": event.text,
            "who": event.recorded_by or "",
        }


def _components(system: System) -> Iterator[Entry]:
    # A replacement is an event already; what is left is what came with the system.
    said = {(e.on, e.kind) for e in system.events.all()}
    for part in system.components.all():
        if part.installed_on and (part.installed_on, f"{part.kind} change") not in said:
            yield {
                "date": part.installed_on,
                "rank": 0,
                "kind": "Component",
                "title": f"{part.kind.replace('_', ' ').capitalize()} installed",
                "detail": " ".join(filter(None, (part.manufacturer, part.model, part.serial))),
            }


def _baselines(system: System) -> Iterator[Entry]:
    groups: dict[tuple[date, str, str], int] = {}
    for row in Baseline.objects.filter(system=system).select_related("set_by"):
        key = (row.valid_from, row.reason, row.set_by.name)
        groups[key] = groups.get(key, 0) + 1
    for (day, reason, who), n in groups.items():
        yield {
            "date": day,
            "rank": 3,
            "kind": "Baseline",
            "title": f"{n} baseline{'' if n == 1 else 's'} set",
            "detail": reason,
            "who": who,
        }


def _issues(issues: list[Issue]) -> Iterator[Entry]:
    for issue in issues:
        yield {
            "date": timezone.localdate(issue.issued_at),
            "rank": 4,
            "kind": "Report",
            "title": f"{issue} issued",
            "detail": issue.reason,
            "url": reverse("issue", args=[issue.pk]),
            "who": issue.issued_by,
        }


def decisions(system: System) -> list[Event]:
    """Return the decisions about the use of a system, newest first."""
    found = Event.objects.filter(subject=log.subject_of(system), kind="system.status")
    return list(found.select_related("actor").order_by("-id"))


def _decisions(system: System) -> Iterator[Entry]:
    for event in decisions(system):
        yield {
            "date": timezone.localdate(event.at),
            "rank": 5,
            "kind": "Decision",
            "title": event.text,
            "who": event.actor or "",
        }
