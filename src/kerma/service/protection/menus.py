"""What protection adds to the rail, the search and Today.

What a room needs is imported when it is asked for: every command would wait for the physics.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from django.http import HttpRequest
from django.urls import reverse

from kerma.service.people.access import is_staff
from kerma.service.people.models import Person
from kerma.service.records.cards import Card, card_with
from kerma.service.web import nav

_HITS = 8
_ROOMS = (
    nav.Door("Calculators", "calculators", is_staff),
    nav.Door("Shielding", "shielding", is_staff),
    nav.Door("Rooms", "rooms"),
)


def cards(person: Person) -> Iterator[Card]:
    """Count the shielding designs in force that somebody must look at again."""
    from kerma.service.protection.shielding.recheck import of_designs

    wanted = sum(1 for reasons in of_designs().values() if reasons)
    text = f"shielding design{'s' * (wanted != 1)} to look at again"
    yield Card(wanted, text, f"{reverse('rooms')}?recheck=on")


def find(request: HttpRequest, text: str) -> Iterable[nav.Hit]:
    """Find calculators by words."""
    from kerma.service.protection.calculators.finding import find_calculators

    return find_calculators(request, text)


def find_designs(request: HttpRequest, text: str) -> Iterator[nav.Hit]:
    """Find shielding designs by title, site or room, for staff of the service."""
    from kerma.service.protection.shielding import selectors

    if not is_staff(request):
        return
    rows = selectors.designs(request.user.person)  # type: ignore[union-attr]  # staff are persons
    for item in selectors.filtered(rows, {"q": text})[:_HITS]:
        yield nav.Hit("Shielding", item.title, reverse("design", args=[item.pk]), item.site.name)


def _is_hospital(request: HttpRequest) -> bool:
    person = getattr(request.user, "person", None)
    return person is not None and person.is_hospital


def register() -> None:
    """Fill the rooms of staff and protection."""
    card_with("physics", cards)
    for door in _ROOMS:
        nav.room_in("staff", door)
    nav.search_with("6 calculators", find)
    nav.search_with("7 shielding", find_designs)
    # The noun of staff is closed to a hospital's people; they reach their rooms from the equipment.
    nav.room_in("equipment", nav.Door("Systems", "equipment", _is_hospital))
    nav.room_in("equipment", nav.Door("Rooms", "rooms", _is_hospital))
