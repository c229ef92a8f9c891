"""Reads of the estate, limited to what the reader may see."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta

from django.db.models import Count, Max, Q, QuerySet

from kerma.service.estate.due_days import add_months
from kerma.service.estate.models import DicomIdentity, Site, System, SystemEvent
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
    if query.get("gaps"):
        rows = rows.filter(GAPS)
    return rows.distinct()


# IR(ME)R 2017 reg 15(2): what an inventory must say of every system.
GAPS = (
    Q(manufacturer="")
    | Q(model="")
    | Q(serial="")
    | Q(manufactured=None)
    | Q(installed=None)
    | Q(manufactured=0)
    | Q(installed=0)
)


def sites(reader: Person) -> QuerySet[Site]:
    """Return the sites a person may see."""
    return within(Site.objects.all(), reader, "employer").select_related("employer")


def status_counts(reader: Person) -> dict[str, int]:
    """Return how many systems there are of each status."""
    rows = within(System.objects.all(), reader, "room__site__employer").order_by()
    return dict(rows.values_list("status").annotate(n=Count("pk")))


def events(system: System) -> QuerySet[SystemEvent]:
    """Return what happened to a system, newest first."""
    return system.events.select_related("recorded_by")


# Routine surveys are due --------------------------------------------------------------------------

_COUNTS_AS_ROUTINE = ("routine", "commissioning", "acceptance")
SOON_DAYS = 30


def with_last_survey(rows: QuerySet[System]) -> QuerySet[System]:
    """Add `last`: the day of the last issued survey that counts towards the routine interval."""
    counted = Q(surveys__state="issued", surveys__purpose__in=_COUNTS_AS_ROUTINE)
    return rows.annotate(last=Max("surveys__performed_on", filter=counted))


def _months(modality: str) -> int:
    from kerma.service.testing.policy import policy

    every = policy()["survey_every_months"]
    return int(every.get(modality, every["default"]))


def due_day(modality: str, last: date | None) -> date | None:
    """Return the day the next routine survey is due; ``None`` before the first."""
    return add_months(last, _months(modality)) if last else None


def _last_for(limit: date, months: int) -> date:
    """Return the latest survey day whose next one is due on or before `limit`."""
    day = add_months(limit, -months)
    while add_months(day + timedelta(days=1), months) <= limit:
        day += timedelta(days=1)
    while add_months(day, months) > limit:
        day -= timedelta(days=1)
    return day


def _due_by(limit: date) -> Q:
    from kerma.service.testing.policy import policy

    every = policy()["survey_every_months"]
    named = [m for m in every if m != "default"]
    found = Q(last__lte=_last_for(limit, int(every["default"]))) & ~Q(modality__in=named)
    for modality in named:
        found |= Q(modality=modality, last__lte=_last_for(limit, int(every[modality])))
    return found


def due(rows: QuerySet[System], which: str, on: date) -> QuerySet[System]:
    """Narrow systems to those whose routine survey is ``overdue``, due ``soon`` or ``never`` made.

    Withdrawn systems are left out. The rows carry `last` afterwards.
    """
    rows = with_last_survey(rows.exclude(status="withdrawn"))
    before = _due_by(on - timedelta(days=1))
    if which == "overdue":
        return rows.filter(before)
    if which == "soon":
        return rows.filter(_due_by(on + timedelta(days=SOON_DAYS))).exclude(before)
    return rows.filter(last=None)


def open_actions(systems: Sequence[System]) -> dict[int, int]:
    """Return how many actions are not closed, by system."""
    from kerma.service.records.models import Action

    rows = Action.objects.filter(system__in=list(systems)).exclude(status="closed").order_by()
    return dict(rows.values_list("system").annotate(n=Count("pk")))


def match_device(*, serial: str, station: str, observer_uid: str, on: date | None) -> System | None:
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
