"""What patient dose adds to the rail."""

from __future__ import annotations

from django.http import HttpRequest

from kerma.service.doses import selectors
from kerma.service.people.access import is_staff
from kerma.service.web import nav


def waiting(request: HttpRequest) -> int:
    """Count files in quarantine and unknown devices, for staff of the service."""
    return selectors.waiting() if is_staff(request) else 0


def register() -> None:
    """Fill the rail."""
    nav.count_for("doses", waiting)
    nav.open_to("doses", is_staff)
