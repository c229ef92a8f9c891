"""What equipment adds to the search."""

from __future__ import annotations

from collections.abc import Iterator

from django.http import HttpRequest
from django.urls import reverse

from kerma.service.estate import selectors
from kerma.service.web import nav

_HITS = 12


def find_systems(request: HttpRequest, text: str) -> Iterator[nav.Hit]:
    """Find systems by asset, name, serial (also of a component), room or site."""
    person = getattr(request.user, "person", None)
    if person is None:
        return
    for system in selectors.filtered(selectors.systems(person), {"q": text})[:_HITS]:
        detail = f"{system.room.site.name}, {system.room.name} · serial {system.serial}"
        yield nav.Hit("System", str(system), reverse("system", args=[system.asset]), detail)


def register() -> None:
    """Fill the search."""
    nav.search_with("1 systems", find_systems)
