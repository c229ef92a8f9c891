"""Reads of records, each limited to what the reader may see."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from typing import Any, TypeVar

from django.db.models import CharField, Exists, Model, OuterRef, Q, QuerySet, Value
from django.db.models.functions import Cast, Concat, Left

from kerma.core import Level
from kerma.service.people.models import Person
from kerma.service.records.models import Action, Event, Issue, Report, Signature, Verification
from kerma.service.web.typed import whole

M = TypeVar("M", bound=Model)


def within(rows: QuerySet[M], reader: Person, path: str) -> QuerySet[M]:
    """Limit rows to the reader's own employer when the reader is a hospital user.

    `path` leads from the row to its employer, for example ``system__room__site__employer``.
    """
    if not reader.is_hospital:
        return rows
    return rows.filter(**{path: reader.employer_id}) if reader.employer_id else rows.none()


def reports(reader: Person) -> QuerySet[Report]:
    """Return the reports a person may see, newest first."""
    return within(Report.objects.all(), reader, "employer").select_related(
        "employer", "system__room__site"
    )


def issues(reader: Person) -> QuerySet[Issue]:
    """Return the issues a person may see, newest first."""
    return (
        within(Issue.objects.all(), reader, "report__employer")
        .select_related("report__employer", "report__system__room__site", "issued_by", "document")
        .order_by("-issued_at", "-id")
    )


def actions(reader: Person) -> QuerySet[Action]:
    """Return the actions a person may see, most pressing first."""
    return within(Action.objects.all(), reader, "employer").select_related(
        "employer", "system__room__site", "issue__report"
    )


def signatures(subject: str) -> QuerySet[Signature]:
    """Return the signatures on a subject in the order they were made."""
    return Signature.objects.filter(subject=subject).select_related("person").order_by("id")


def history(subject: str) -> QuerySet[Event]:
    """Return what the event log says of a subject, newest first."""
    return Event.objects.filter(subject=subject).select_related("actor").order_by("-id")


def verifications(rows: Iterable[str] | None = None) -> dict[tuple[str, str], Verification]:
    """Return the standing verifications by (row, hash of its content)."""
    found = Verification.objects.select_related("by").order_by("id")
    if rows is not None:
        found = found.filter(row__in=list(rows))
    standing: dict[tuple[str, str], Verification] = {}
    for verification in found:
        key = (verification.row, verification.sha256)
        if verification.withdrawn:
            standing.pop(key, None)
        else:
            standing[key] = verification
    return standing


def unverified(levels: Iterable[Level]) -> list[dict[str, Any]]:
    """Return the sources of these levels that nobody entitled has verified, once each."""
    sources = {(s.row, s.sha256): s for s in (level.source for level in levels)}
    standing = verifications({row for row, _ in sources})
    return [source.as_dict() for key, source in sorted(sources.items()) if key not in standing]


def issue_list(reader: Person) -> QuerySet[Issue]:
    """Return issues for a list: without their content, with whether a later one replaced them."""
    later = Issue.objects.filter(supersedes=OuterRef("pk"))
    return issues(reader).defer("content").annotate(was_superseded=Exists(later))


def recommendations(issues: Iterable[Issue]) -> None:
    """Add to each issue what its survey recommended, in one query."""
    from kerma.service.testing.models import Survey

    listed = list(issues)
    keys = {i.subject.removeprefix("survey:") for i in listed if i.subject.startswith("survey:")}
    rows = Survey.objects.filter(pk__in=[k for k in map(whole, keys) if k is not None])
    words = {f"survey:{s.pk}": s.get_recommendation_display() for s in rows.only("recommendation")}
    for issue in listed:
        issue.recommended = words.get(issue.subject, "")


def employers(reader: Person) -> list[tuple[str, str]]:
    """Return the employers whose records a person may see, for choosing one."""
    from kerma.service.estate.models import Employer

    rows = Employer.objects.all()
    if reader.is_hospital:
        rows = rows.filter(pk=reader.employer_id)
    return list(rows.values_list("key", "name"))


def issues_filtered(rows: QuerySet[Issue], query: dict[str, Any]) -> QuerySet[Issue]:
    """Narrow issues by words, employer, or whether they still stand."""
    for word in query.get("q", "").split():
        rows = rows.filter(
            Q(report__number__icontains=word)
            | Q(report__title__icontains=word)
            | Q(report__system__asset__icontains=word)
            | Q(report__system__room__site__name__icontains=word)
            | Q(issued_by__name__icontains=word)
        )
    if query.get("employer"):
        rows = rows.filter(report__employer__key=query["employer"])
    if query.get("state"):
        rows = rows.filter(superseded_by__isnull=query["state"] == "current")
    return rows


def actions_filtered(rows: QuerySet[Action], query: dict[str, Any], on: date) -> QuerySet[Action]:
    """Narrow actions by words, state, priority, employer, system, or whether they are overdue."""
    for word in query.get("q", "").split():
        rows = rows.filter(
            Q(text__icontains=word)
            | Q(owner__icontains=word)
            | Q(system__asset__icontains=word)
            | Q(system__name__icontains=word)
            | Q(issue__report__number__icontains=word)
        )
    for name, path in (
        ("priority", "priority"),
        ("employer", "employer__key"),
        ("asset", "system__asset"),
    ):
        if query.get(name):
            rows = rows.filter(**{path: query[name]})
    if query.get("status") == "open":
        rows = rows.exclude(status="closed")
    elif query.get("status"):
        rows = rows.filter(status=query["status"])
    if query.get("overdue"):
        rows = rows.exclude(status="closed").filter(due__lt=on)
    return rows


def suspended_results(reader: Person) -> QuerySet[Any]:
    """Return suspension-level results that are still open.

    A result is open until its report is issued, and then until the action that came of it is
    closed.
    """
    from kerma.service.testing.models import Result

    action = Action.objects.filter(
        issue__subject=Concat(
            Value("survey:"), Cast(OuterRef("survey_id"), CharField()), output_field=CharField()
        ),
        test_id=Left(OuterRef("title"), 80),
    ).exclude(status="closed")
    rows = within(Result.objects.all(), reader, "survey__system__room__site__employer")
    waiting = Q(survey__state__in=("measured", "drafted", "in_review"))
    if reader.is_hospital:
        waiting = Q(pk__in=())
    return rows.filter(verdict="suspension", withdrawn_at=None).filter(
        waiting | (Q(survey__state="issued") & Exists(action))
    )


def suspended_systems(reader: Person) -> QuerySet[Any]:
    """Return the ids of systems with an open suspension-level result."""
    return suspended_results(reader).order_by().values("survey__system_id").distinct()


def about(*subjects: str) -> QuerySet[Event]:
    """Return what the event log says of several subjects, newest first."""
    return Event.objects.filter(subject__in=subjects).select_related("actor").order_by("-id")


def log_filtered(query: dict[str, Any]) -> QuerySet[Event]:
    """Return log entries that fit the words, kind, subject, person and days asked for."""
    rows = Event.objects.select_related("actor").defer("data")
    for word in query.get("q", "").split():
        rows = rows.filter(
            Q(text__icontains=word)
            | Q(subject=word)
            | Q(kind=word)
            | Q(actor__name__icontains=word)
        )
    if query.get("kind"):
        rows = rows.filter(kind__startswith=query["kind"])
    if query.get("since"):
        rows = rows.filter(at__date__gte=query["since"])
    if query.get("until"):
        rows = rows.filter(at__date__lte=query["until"])
    return rows


def log_search(text: str) -> QuerySet[Event]:
    """Return log entries that mention a text."""
    return Event.objects.filter(Q(text__icontains=text) | Q(subject=text)).select_related("actor")
