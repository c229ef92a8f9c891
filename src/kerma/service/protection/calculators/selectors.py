"""Reads of saved calculations."""

from __future__ import annotations

from typing import Any

from django.db.models import Q, QuerySet

from kerma.service.people.models import Person
from kerma.service.protection.models import SavedCalculation


def calculations() -> QuerySet[SavedCalculation]:
    """Return saved calculations for a list: without their records."""
    rows = SavedCalculation.objects.select_related("system", "room__site", "by")
    return rows.defer("record", "inputs", "about")


def filtered(
    rows: QuerySet[SavedCalculation], query: dict[str, Any], reader: Person
) -> QuerySet[SavedCalculation]:
    """Narrow them by words, calculator, or to the reader's own."""
    for word in str(query.get("q") or "").split():
        rows = rows.filter(
            Q(title__icontains=word)
            | Q(about__icontains=word)
            | Q(by__name__icontains=word)
            | Q(system__asset__icontains=word)
            | Q(system__name__icontains=word)
            | Q(room__name__icontains=word)
        )
    if query.get("calculator"):
        rows = rows.filter(calculator=query["calculator"])
    if query.get("mine"):
        rows = rows.filter(by=reader)
    return rows
