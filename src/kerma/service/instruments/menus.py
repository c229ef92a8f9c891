"""What instruments adds to the search."""

from __future__ import annotations

from collections.abc import Iterator

from django.http import HttpRequest
from django.urls import reverse

from kerma.service.instruments import selectors
from kerma.service.people.access import is_staff
from kerma.service.web import nav

_HITS = 8


def find_instruments(request: HttpRequest, text: str) -> Iterator[nav.Hit]:
    """Find instruments by maker, model, serial or certificate, for staff of the service."""
    if not is_staff(request):
        return
    for instrument in selectors.filtered({"q": text})[:_HITS]:
        url = reverse("instrument", args=[instrument.key])
        yield nav.Hit("Instrument", str(instrument), url, instrument.kind_text)


def register() -> None:
    """Fill the search."""
    nav.search_with("5 instruments", find_instruments)
