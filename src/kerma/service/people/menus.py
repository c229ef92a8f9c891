"""What people adds to the search."""

from __future__ import annotations

from collections.abc import Iterator

from django.http import HttpRequest
from django.urls import reverse

from kerma.service.people import selectors
from kerma.service.people.access import is_staff
from kerma.service.web import nav

_HITS = 8


def find_people(request: HttpRequest, text: str) -> Iterator[nav.Hit]:
    """Find people by name, for staff of the service."""
    if not is_staff(request):
        return
    for person in selectors.roster({"q": text})[:_HITS]:
        where = f", {person.employer}" if person.employer else ""
        detail = f"{person.get_role_display()}{where}"
        yield nav.Hit("Person", person.name, reverse("person", args=[person.key]), detail)


def register() -> None:
    """Fill the search; people and testing are rooms of the service, not of the hospitals."""
    nav.search_with("2 people", find_people)
    nav.open_to("staff", is_staff)
    nav.room_in("staff", nav.Door("People", "people", is_staff))
    nav.open_to("testing", is_staff)
