"""Reads of records, each limited to what the reader may see."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, TypeVar

from django.db.models import Model, Q, QuerySet

from kerma.core import Level
from kerma.service.people.models import Person
from kerma.service.records.models import Action, Event, Issue, Report, Signature, Verification

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
    return [
        source.as_dict() for key, source in sorted(sources.items()) if key not in standing
    ]


def log_search(text: str) -> QuerySet[Event]:
    """Return log entries that mention a text."""
    return Event.objects.filter(Q(text__icontains=text) | Q(subject=text)).select_related("actor")
