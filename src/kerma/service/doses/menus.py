"""What patient dose adds to the rail."""

from __future__ import annotations

from collections.abc import Iterator

from django.http import HttpRequest
from django.urls import reverse

from kerma.service.doses import selectors
from kerma.service.doses.alerts.selectors import open_count
from kerma.service.doses.models import Quarantined
from kerma.service.people.access import is_staff
from kerma.service.people.models import Person
from kerma.service.records.cards import Card, card_with
from kerma.service.web import nav


def waiting(request: HttpRequest) -> int:
    """Count files in quarantine and unknown devices, for staff of the service."""
    return selectors.waiting() if is_staff(request) else 0


def alerts_open(request: HttpRequest) -> int:
    """Count the alerts nobody has taken up yet."""
    person = getattr(request.user, "person", None)
    return open_count(person) if person else 0


def cards(person: Person) -> Iterator[Card]:
    """Count what waits in patient dose."""
    if person.role != "administrator":
        text, url = "dose alerts nobody has taken up", f"{reverse('alerts')}?state=raised"
        yield Card(open_count(person), text, url)
    held = Quarantined.objects.filter(status="quarantined").count()
    yield Card(held, "dose reports in quarantine", f"{reverse('quarantine')}?status=quarantined")
    yield Card(selectors.device_count(), "devices nobody knows sent studies", reverse("devices"))


_ROOMS = (
    nav.Door("Studies", "doses"),
    nav.Door("Explorer", "explorer"),
    nav.Door("Audits", "audits"),
    nav.Door("Protocols", "dose-protocols"),
    nav.Door("Alerts", "alerts", count=alerts_open),
    nav.Door("Skin dose", "skin"),
    nav.Door("Names", "names"),
    nav.Door("Optimisation", "projects"),
    nav.Door("Surveys", "dose-surveys"),
    nav.Door("Acceptance", "acceptance", is_staff),
    nav.Door("Patients", "patients", is_staff),
    nav.Door("Sizes", "sizes", is_staff),
    nav.Door("Sources", "sources", is_staff),
    nav.Door("Devices", "devices", is_staff),
    nav.Door("Quarantine", "quarantine", is_staff),
)


def register() -> None:
    """Fill the rail, and the rooms behind it."""
    nav.count_for("doses", waiting)
    nav.open_to("doses", is_staff)
    for kind in ("physics", "administrator"):
        card_with(kind, cards)
    for door in _ROOMS:
        nav.room_in("doses", door)
