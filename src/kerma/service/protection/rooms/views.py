"""Pages of the register of rooms: all of them, one with its history, an entry, the placard."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_GET, require_http_methods

from kerma.service.estate import selectors as estate
from kerma.service.estate.models import Room
from kerma.service.people.access import person_of
from kerma.service.people.entitlement import demand, may
from kerma.service.people.models import Person
from kerma.service.protection.models import AsBuilt, Design
from kerma.service.protection.rooms import columns, forms, selectors, services
from kerma.service.records import log
from kerma.service.web.form_page import form_page
from kerma.service.web.tables import Table

_FILTERS = ("q", "site", "designation", "no_design", "recheck")


def _crumbs(person: Person, room: Room | None = None, last: str = "") -> list[tuple[str, str]]:
    noun = ("Equipment", "/equipment/") if person.is_hospital else (
        "Staff & protection", "/people/"
    )  # fmt: skip
    if room is None:
        return [noun, ("Rooms", "")]
    here = reverse("room", args=[room.key]) if last else ""
    found = [noun, ("Rooms", reverse("rooms")), (room.name, here)]
    return [*found, (last, "")] if last else found


def _rights(person: Person, room: Room) -> Any:
    employer = room.site.employer
    return may("perform", by=person, work="shielding", employer=employer.key,
               employer_name=employer.name)  # fmt: skip


def _room(request: HttpRequest, key: str) -> tuple[Person, Room]:
    person = person_of(request)
    return person, get_object_or_404(selectors.rooms(person), key=key)


@require_GET
def rooms(request: HttpRequest) -> HttpResponse:
    """List the rooms the reader may see."""
    person, on = person_of(request), timezone.localdate()
    sites = [(s.key, s.name) for s in estate.sites(person)]
    form = forms.RoomFilter(request.GET, sites=sites)
    query = form.cleaned_data if form.is_valid() else {}
    table: Table[Room] = Table(
        request, selectors.filtered(selectors.rooms(person), query, on),
        columns.columns(staff=not person.is_hospital), name="rooms", default="room", noun="rooms",
        prepare=columns.prepared(on),
    )  # fmt: skip
    if table.wanted:
        return table.file()
    context = {
        "table": table, "filter": form, "filtered": any(query.get(name) for name in _FILTERS),
        "crumbs": _crumbs(person),
    }  # fmt: skip
    return render(request, "protection/rooms.html", context)


@require_GET
def room(request: HttpRequest, key: str) -> HttpResponse:
    """Show a room: what holds now, what it rests on, and everything the register has said."""
    person, item = _room(request, key)
    standing = selectors.standing([item], timezone.localdate())[item.pk]
    measured = AsBuilt.objects.none()
    if standing.held:
        measured = AsBuilt.objects.filter(version=standing.held.version).defer("record")
    context = {
        "room": item, "now": standing, "entry": standing.entry,
        "mark": columns.designation_mark(standing.entry),
        "rules": columns.link_or_text(standing.entry.local_rules if standing.entry else ""),
        "entries": [(e, columns.designation_mark(e)) for e in selectors.entries(item)],
        "measured": [
            (m, columns.OUTCOMES.get(m.outcome, m.outcome),
             columns.OUTCOME_TONES.get(m.outcome, "warn"))
            for m in measured.order_by("-measured_on", "-pk")
        ],
        "staff": not person.is_hospital, "may_set": _rights(person, item),
        "crumbs": _crumbs(person, item),
    }  # fmt: skip
    return render(request, "protection/room.html", context)


@require_http_methods(["GET", "POST"])
def entry(request: HttpRequest, key: str) -> HttpResponse:
    """Say what holds of a room from a day on."""
    person, item = _room(request, key)
    employer = item.site.employer
    demand("perform", by=person, work="shielding", subject=log.subject_of(item),
           employer=employer.key, employer_name=employer.name)  # fmt: skip
    now = selectors.standing([item], timezone.localdate())[item.pk].entry
    form = forms.EntryForm(
        request.POST or None, designs=Design.objects.filter(site=item.site),
        initial=forms.initial_of(now),
    )  # fmt: skip

    def save(data: dict[str, Any]) -> None:
        services.entry_set(by=person, room=item, **data)
        messages.success(request, "The register holds it from that day on.")

    return form_page(
        request, form, save, title=f"Entry of {item.name}", verb="Enter it",
        back=reverse("room", args=[key]), crumbs=_crumbs(person, item, "New entry"),
        lede="Entries are never changed: a new one takes the place of the old one.",
    )  # fmt: skip


@require_GET
def placard(request: HttpRequest, key: str) -> HttpResponse:
    """Show what hangs at the door, as one sheet to print."""
    person, item = _room(request, key)
    now = selectors.standing([item], timezone.localdate())[item.pk].entry
    context = {
        "room": item, "entry": now, "gaps": selectors.gaps_of(now),
        "crumbs": _crumbs(person, item, "Door placard"),
    }  # fmt: skip
    return render(request, "protection/placard.html", context)
