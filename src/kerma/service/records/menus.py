"""What records and its neighbours add to the rail and to the search."""

from __future__ import annotations

from collections.abc import Iterator

from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone

from kerma.service.people.models import Person
from kerma.service.records import selectors, today
from kerma.service.records.waiting import waiting
from kerma.service.web import nav

_HITS = 8


def _person(request: HttpRequest) -> Person | None:
    return getattr(request.user, "person", None)


def surveys_waiting(request: HttpRequest) -> int:
    """Count the surveys that wait for this person's check or approval."""
    person = _person(request)
    if person is None or person.is_hospital:
        return 0
    found = waiting(person, timezone.localdate())
    return len(found.check) + len(found.approve)


def actions_late(request: HttpRequest) -> int:
    """Count the overdue actions this person may see."""
    person = _person(request)
    return today.late_actions(person, timezone.localdate()).order_by().count() if person else 0


def _staff(request: HttpRequest) -> bool:
    person = _person(request)
    return person is not None and not person.is_hospital


def find_reports(request: HttpRequest, text: str) -> Iterator[nav.Hit]:
    """Find issued reports by number, system, site or person."""
    person = _person(request)
    if person is None:
        return
    rows = selectors.issues_filtered(selectors.issue_list(person), {"q": text})
    for issue in rows[:_HITS]:
        state = "superseded" if issue.was_superseded else "current"
        detail = f"{issue.report.title}, {state}"
        yield nav.Hit("Report", str(issue), reverse("issue", args=[issue.pk]), detail)


def find_actions(request: HttpRequest, text: str) -> Iterator[nav.Hit]:
    """Find actions by their words, owner, system or report."""
    person = _person(request)
    if person is None:
        return
    rows = selectors.actions_filtered(selectors.actions(person), {"q": text}, timezone.localdate())
    for action in rows[:_HITS]:
        detail = f"{action.get_status_display()}, {action.owner}"
        yield nav.Hit("Action", action.text, reverse("action", args=[action.pk]), detail)


def register() -> None:
    """Fill the rail and the search."""
    nav.count_for("testing", surveys_waiting)
    nav.count_for("quality", actions_late)
    for door in (
        nav.Door("Overview", "quality"),
        nav.Door("Reports", "reports"),
        nav.Door("Papers", "papers", _staff),
        nav.Door("Actions", "actions"),
        nav.Door("Reference data", "reference", _staff),
        nav.Door("Event log", "event-log", _staff),
    ):
        nav.room_in("quality", door)
    nav.search_with("3 reports", find_reports)
    nav.search_with("4 actions", find_actions)
