"""Reads of dose alerts."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet

from kerma.service.doses.models import Alert
from kerma.service.people.models import Person
from kerma.service.records.selectors import within


def alerts(reader: Person) -> QuerySet[Alert]:
    """Return the alerts a person may see."""
    rows = Alert.objects.select_related("rule", "study__system__room__site", "study__standard_name")
    rows = rows.defer("study__record")
    return within(rows, reader, "study__system__room__site__employer")


def filtered(rows: QuerySet[Alert], chosen: dict[str, Any]) -> QuerySet[Alert]:
    """Narrow alerts; unasked, those that are not closed."""
    state = chosen.get("state")
    if not state:
        rows = rows.exclude(state="closed")
    elif state != "all":
        rows = rows.filter(state=state)
    return rows.filter(rule=chosen["rule"]) if chosen.get("rule") else rows


def open_count(reader: Person) -> int:
    """Count the alerts nobody has taken up yet."""
    return alerts(reader).filter(state="raised").order_by().count()
