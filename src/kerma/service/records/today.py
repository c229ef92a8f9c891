"""Today: what needs this person now. Every count leads to the rows it counts."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

from django.db.models import QuerySet
from django.urls import reverse
from django.utils import timezone

from kerma.core import Quantity, unit
from kerma.service.doses.models import Quarantined
from kerma.service.estate import selectors as estate
from kerma.service.estate.models import System
from kerma.service.instruments import selectors as instruments
from kerma.service.people import selectors as people
from kerma.service.people.models import Person, User
from kerma.service.records import selectors
from kerma.service.records.cards import Card, cards_of
from kerma.service.records.models import Action, Event
from kerma.service.records.papers.selectors import waiting_for as papers_waiting_for
from kerma.service.records.waiting import waiting
from kerma.service.testing.selectors import waiting_for
from kerma.service.web.components.numbers import quantity

_ROWS = 8  # of each list; the head of the list leads to all of them
_MANAGERS = ("service_manager", "quality_manager", "administrator")


@dataclass(frozen=True, slots=True)
class RunsOut:
    """Something with a last day: a credential, a declaration, a calibration."""

    title: str
    detail: str
    day: date
    url: str


@dataclass(frozen=True, slots=True)
class DueLine:
    """A system whose routine survey is due."""

    system: System
    due: date | None


def today_of(person: Person) -> dict[str, Any]:
    """Return the page for a person: a hospital's, the administrator's, or the physics service's."""
    on = timezone.localdate()
    if person.is_hospital:
        found = _hospital(person, on)
    elif person.role == "administrator":
        found = _administrator(person, on)
    else:
        found = _physics(person, on)
    return {"on": on, "person": person, "crumbs": [("Today", "")], **found}


# The physics service ------------------------------------------------------------------------------


def _physics(person: Person, on: date) -> dict[str, Any]:
    waits = waiting(person, on)
    mine = list(waiting_for(person)["mine"].defer("protocol_text"))
    systems = estate.systems(person)
    overdue, soon, never = (
        estate.due(systems, which, on).order_by().count() for which in ("overdue", "soon", "never")
    )
    actions = _actions(person, on)
    suspended = list(
        selectors.suspended_results(person)
        .select_related("survey__system__room__site", "survey__performer")
        .defer("survey__protocol_text")
        .order_by("-survey__performed_on", "order")[:_ROWS]
    )
    for result in suspended:
        result.said = _said(result)
    runs_out = _running_out(person, on)
    cards = [
        _suspended_card(person),
        Card(len(waits.check), "waiting for your check", "#check"),
        Card(len(waits.approve), "waiting for your approval", "#approve"),
        Card(len(mine), "surveys of yours in hand", "#mine"),
        _due_card(overdue, soon),
        *_action_cards(actions),
        _paper_card(person),
        *cards_of("physics", person),
    ]
    return {
        "kind": "physics",
        "cards": [c for c in cards if c.count],
        "suspended": suspended,
        "check": [(s, waits.counts.get(s.pk, {})) for s in waits.check],
        "approve": [(s, waits.counts.get(s.pk, {})) for s in waits.approve],
        "mine": mine[:_ROWS],
        "mine_more": len(mine) > _ROWS,
        "due": _due(systems, on),
        "never": never,
        "actions": actions["rows"],
        "runs_out": runs_out,
    }


def _paper_card(person: Person) -> Card:
    count = sum(1 for _ in papers_waiting_for(person))
    text = f"paper{'' if count == 1 else 's'} waiting for your check or signature"
    return Card(count, text, f"{reverse('papers')}?state=open")


def _suspended_card(person: Person) -> Card:
    count = selectors.suspended_systems(person).count()
    text = f"system{'' if count == 1 else 's'} with a suspension-level result open"
    return Card(count, text, f"{reverse('equipment')}?level=suspension", "hot")


def _due_card(overdue: int, soon: int) -> Card:
    if overdue:
        text = f"routine survey{'' if overdue == 1 else 's'} overdue"
        more = f", {soon} more within 30 days" if soon else ""
        return Card(overdue, text + more, _equipment("overdue"), "hot")
    return Card(soon, "routine surveys due within 30 days", _equipment("soon"))


def _said(result: Any) -> str:
    """Return a frozen result in words, with its unit and without more digits than it supports."""
    levels = result.record.get("levels", ())
    if levels and all(level["criterion"]["kind"] == "functional" for level in levels):
        return "not satisfactory"
    if result.value is None:
        return ""
    return quantity(Quantity(result.value, unit(result.unit), result.u))


def _equipment(which: str) -> str:
    return f"{reverse('equipment')}?due={which}"


def _due(systems: QuerySet[System], on: date) -> list[DueLine]:
    """Return the most pressing systems: overdue first, by how long."""
    days: list[tuple[date, int]] = []
    for which in ("overdue", "soon"):
        rows = estate.due(systems, which, on).order_by().values_list("pk", "modality", "last")
        days += [(estate.due_day(kind, last) or on, pk) for pk, kind, last in rows]
    pressing = sorted(days)[:_ROWS]
    found = {s.pk: s for s in systems.filter(pk__in=[pk for _, pk in pressing])}
    return [DueLine(found[pk], day) for day, pk in pressing]


def _actions(person: Person, on: date) -> dict[str, Any]:
    rows = selectors.actions(person).exclude(status="closed")
    return {
        "open": rows.order_by().count(),
        "overdue": rows.filter(due__lt=on).order_by().count(),
        "rows": list(rows.order_by("due", "priority", "id")[:_ROWS]),
    }


def _action_cards(actions: dict[str, Any]) -> list[Card]:
    """Return one card: the overdue actions if there are any, else those not closed."""
    late, waits, url = actions["overdue"], actions["open"], reverse("actions")
    if late:
        text = f"action{'' if late == 1 else 's'} overdue, {waits} not closed"
        return [Card(late, text, f"{url}?overdue=on", "hot")]
    return [Card(waits, "actions not closed, none overdue", f"{url}?status=open")]


def _running_out(person: Person, on: date) -> list[RunsOut]:
    """Return credentials (one's own; everybody's for managers) and calibrations that run out."""
    whose = None if person.role in _MANAGERS else person
    found = [
        RunsOut(f"{c.person.name}, {c.type}", why, day, reverse("person", args=[c.person.key]))
        for c, day, why in people.credentials_pressing(on, person=whose)
    ]
    found += [
        RunsOut(str(i), "calibration", day, reverse("instrument", args=[i.key]))
        for i, day in instruments.running_out(on)
    ]
    return sorted(found, key=lambda r: r.day)[:_ROWS]


# A hospital ---------------------------------------------------------------------------------------


def _hospital(person: Person, on: date) -> dict[str, Any]:
    actions = _actions(person, on)
    systems = estate.systems(person).exclude(status="withdrawn")
    counts = estate.status_counts(person)
    url = reverse("equipment")
    names = dict(System.STATUS)
    status_cards = [
        Card(counts.get(key, 0), names[key].lower(), f"{url}?status={key}", tone)
        for key, tone in (
            ("suspended", "hot"), ("conditions", ""), ("not_released", ""), ("in_use", ""),
        )
    ]  # fmt: skip
    cards = [*_action_cards(actions), _suspended_card(person), *status_cards]
    cards += cards_of("hospital", person)
    issues = list(selectors.issue_list(person)[:_ROWS])
    selectors.recommendations(issues)
    return {
        "kind": "hospital",
        "cards": [c for c in cards if c.count],
        "actions": actions["rows"],
        "issues": issues,
        "restricted": list(systems.exclude(status="in_use")[:_ROWS]),
        "systems": systems.order_by().count(),
    }


# The administrator --------------------------------------------------------------------------------


def _administrator(person: Person, on: date) -> dict[str, Any]:
    active = Person.objects.filter(active=True)
    without = active.filter(user=None).count()
    leavers = User.objects.filter(is_active=True, person__active=False).count()
    url = reverse("people")
    cards = [
        Card(leavers, "sign-ins of people who have left", f"{url}?state=left", "hot"),
        Card(without, "people without a sign-in", f"{url}?signin=none"),
        Card(active.count(), "people", url),
        *cards_of("administrator", person),
    ]
    return {
        "kind": "administrator",
        "cards": [c for c in cards if c.count],
        "runs_out": _running_out(person, on),
        "quarantined": list(Quarantined.objects.filter(status="quarantined")[:_ROWS]),
        "log": list(Event.objects.select_related("actor").defer("data").order_by("-id")[:_ROWS]),
    }


def late_actions(person: Person, on: date) -> QuerySet[Action]:
    """Return the overdue actions a person may see."""
    return selectors.actions(person).exclude(status="closed").filter(due__lt=on)
