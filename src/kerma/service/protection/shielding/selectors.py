"""Reads of shielding designs, limited to what the reader may see."""

from __future__ import annotations

from django.db.models import Q, QuerySet

from kerma.service.people.models import Person
from kerma.service.protection.models import Design
from kerma.service.protection.shielding.in_force import AS_BUILT
from kerma.service.records import log
from kerma.service.records.models import Paper
from kerma.service.records.selectors import within


def designs(reader: Person) -> QuerySet[Design]:
    """Return the designs a person may see."""
    return within(Design.objects.all(), reader, "employer").select_related(
        "employer", "site", "opened_by", "drawing", "drawing__saved_by"
    )


def filtered(rows: QuerySet[Design], query: dict[str, str]) -> QuerySet[Design]:
    """Narrow designs by words and site taken from the address."""
    for word in query.get("q", "").split():
        rows = rows.filter(
            Q(title__icontains=word) | Q(about__icontains=word) | Q(site__name__icontains=word)
            | Q(rooms__name__icontains=word)
        )  # fmt: skip
    if query.get("site"):
        rows = rows.filter(site__key=query["site"])
    return rows.distinct()


def papers(design: Design) -> QuerySet[Paper]:
    """Return the papers of the design itself, whichever version, the newest first."""
    subjects = [log.subject_of(v) for v in design.versions.only("pk")]
    return (
        Paper.objects.filter(subject__in=subjects)
        .exclude(report__title__startswith=AS_BUILT)
        .select_related("report", "author")
        .order_by("-pk")
    )
