"""Reads of the estate, limited to what the reader may see."""

from __future__ import annotations

from datetime import date

from django.db.models import Q, QuerySet

from kerma.service.estate.models import DicomIdentity, System
from kerma.service.people.models import Person
from kerma.service.records.selectors import within


def systems(reader: Person) -> QuerySet[System]:
    """Return the systems a person may see."""
    return within(System.objects.all(), reader, "room__site__employer").select_related(
        "room__site__employer"
    )


def filtered(rows: QuerySet[System], query: dict[str, str]) -> QuerySet[System]:
    """Narrow systems by words, modality, site or status taken from the address."""
    for word in query.get("q", "").split():
        rows = rows.filter(
            Q(asset__icontains=word)
            | Q(name__icontains=word)
            | Q(serial__icontains=word)
            | Q(manufacturer__icontains=word)
            | Q(model__icontains=word)
            | Q(room__name__icontains=word)
            | Q(room__site__name__icontains=word)
            | Q(components__serial__icontains=word)
        )
    if query.get("modality"):
        rows = rows.filter(modality=query["modality"])
    if query.get("site"):
        rows = rows.filter(room__site__key=query["site"])
    if query.get("status"):
        rows = rows.filter(status=query["status"])
    return rows.distinct()


def match_device(
    *, serial: str, station: str, observer_uid: str, on: date | None
) -> System | None:
    """Find the system that signs its objects so on a day; ``None`` unless exactly one fits.

    Every identity field an alias has must agree; an alias with no field matches nothing.
    """
    aliases = DicomIdentity.objects.select_related("system")
    if on:
        aliases = aliases.filter(Q(valid_from=None) | Q(valid_from__lte=on)).filter(
            Q(valid_to=None) | Q(valid_to__gte=on)
        )
    given = {"serial": serial, "station": station, "observer_uid": observer_uid}
    found = set()
    for alias in aliases:
        wanted = {n: getattr(alias, n) for n in given if getattr(alias, n)}
        if wanted and all(given[n].casefold() == v.casefold() for n, v in wanted.items()):
            found.add(alias.system)
    return found.pop() if len(found) == 1 else None
