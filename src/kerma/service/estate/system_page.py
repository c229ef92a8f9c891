"""What a system's page shows, gathered in a fixed number of queries."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.urls import reverse
from django.utils import timezone

from kerma.service.estate import forms, timeline, trends
from kerma.service.estate.columns import STATUS_TONE
from kerma.service.estate.models import System
from kerma.service.people import selectors as people
from kerma.service.people.entitlement import may
from kerma.service.people.models import Person
from kerma.service.records import log
from kerma.service.records import selectors as records
from kerma.service.records.models import Issue, Signature
from kerma.service.testing.models import Survey

_SHOWN = 25


def system_page(system: System, reader: Person, test: str, whole: bool) -> dict[str, Any]:
    """Return the context of a system's page.

    Parameters
    ----------
    system, reader
        What is shown, and to whom: a hospital's people see what has been issued.
    test
        The test whose trend is asked for; unasked, one that exceeded a level.
    whole
        Whether to show the timeline from the beginning.

    """
    on = timezone.localdate()
    entries = timeline.timeline(system, reader)
    issues = list(records.issue_list(reader).filter(report__system=system))
    latest = next((i for i in issues if not i.was_superseded), None)
    records.recommendations([latest] if latest else [])
    site = system.room.site
    contact, acting = people.contact_for(site.pk, on)
    parts = list(system.components.all())
    edits = may("edit", by=reader, work="plan").allowed
    return {
        "system": system,
        "tone": STATUS_TONE[system.status],
        "gaps": system.inventory_gaps,
        "inventory": _inventory(system),
        "parts": [p for p in parts if not p.removed_on],
        "former": [p for p in parts if p.removed_on],
        "contact": contact,
        "acting": acting,
        "actions": records.actions(reader).filter(system=system).exclude(status="closed"),
        "entries": entries if whole else entries[:_SHOWN],
        "earlier": 0 if whole else max(0, len(entries) - _SHOWN),
        "latest": latest,
        "approval": _approval(latest),
        "decision": next(iter(timeline.decisions(system)), None),
        "may_edit": edits,
        "may_decide": edits or reader.is_hospital,
        "status_form": forms.StatusForm(initial={"status": system.status}),
        "crumbs": [
            ("Equipment", "/equipment/"),
            (site.name, f"/equipment/?site={site.key}"),
            (system.name, ""),
        ],
        **_trend(system, reader, test, issues),
    }


def _inventory(system: System) -> list[tuple[str, Any]]:
    return [
        ("Asset number", system.asset),
        ("Type", system.get_modality_display()),
        ("Manufacturer", system.manufacturer),
        ("Model", system.model),
        ("Serial number", system.serial),
        ("Year of manufacture", system.manufactured),
        ("Year of installation", system.installed),
        ("Software", system.software),
        ("Clinical use", system.clinical_use),
        ("Room", f"{system.room.name}{_designated(system)}"),
    ]


def _designated(system: System) -> str:
    return f" ({system.room.designation.lower()})" if system.room.designation else ""


def _approval(issue: Issue | None) -> Signature | None:
    if issue is None:
        return None
    signed = records.signatures(issue.subject).filter(
        meaning="approved", content_sha256=issue.content_sha256
    )
    return signed.last()


def _trend(system: System, reader: Person, test: str, issues: list[Issue]) -> dict[str, Any]:
    tests = trends.tests_of(system)
    if not tests:
        return {"tests": [], "trend": None}
    known = {name for name, _ in tests}
    chosen = test if test in known else trends.first_choice(system)
    chosen = chosen if chosen in known else tests[0][0]
    return {
        "tests": tests,
        "trend": trends.trend_of(system, chosen, _opener(reader, issues)),
    }


def _opener(reader: Person, issues: list[Issue]) -> Callable[[Survey], str]:
    """Return what a point opens: the survey for staff, its report for a hospital."""
    reports = {i.subject: i.pk for i in issues}

    def opened(survey: Survey) -> str:
        if not reader.is_hospital:
            return reverse("survey", args=[survey.pk])
        issue = reports.get(log.subject_of(survey))
        return reverse("issue", args=[issue]) if issue else ""

    return opened
