"""Reads of papers, and which of them wait for a person."""

from __future__ import annotations

from collections.abc import Iterable

from django.db.models import Q, QuerySet

from kerma.authority import allowed
from kerma.service.people.models import Person
from kerma.service.records.models import Paper
from kerma.service.records.papers.acts import ACTS
from kerma.service.records.selectors import within

# Work whose papers are about one patient: as the studies, they are not open to administrators.
OF_PATIENTS = ("skin_dose",)


def papers(reader: Person) -> QuerySet[Paper]:
    """Return the papers a person may see; hospital users read issued reports, not papers."""
    rows = Paper.objects.select_related("report__employer", "author", "report__system")
    if reader.role == "administrator":
        rows = rows.exclude(work__in=OF_PATIENTS)
    return rows.none() if reader.is_hospital else within(rows, reader, "report__employer")


def of_subject(subject: str) -> QuerySet[Paper]:
    """Return every paper about one thing of a room, the newest first."""
    return Paper.objects.filter(subject=subject).select_related("report", "author")


def filtered(rows: QuerySet[Paper], query: dict[str, str]) -> QuerySet[Paper]:
    """Narrow papers by words, state or kind of work."""
    for word in query.get("q", "").split():
        rows = rows.filter(
            Q(report__number__icontains=word)
            | Q(report__title__icontains=word)
            | Q(author__name__icontains=word)
        )
    if query.get("state") == "open":
        rows = rows.filter(state__in=("draft", "in_review"))
    elif query.get("state"):
        rows = rows.filter(state=query["state"])
    return rows


def waiting_for(person: Person) -> Iterable[tuple[Paper, str]]:
    """Yield the papers in review this person may check or approve now, with which of the two."""
    for paper in papers(person).filter(state="in_review"):
        act = ACTS["issue" if paper.checked else "check"](paper=paper, by=person)
        if allowed(act.right, *act.standing()).allowed:
            yield paper, act.right
