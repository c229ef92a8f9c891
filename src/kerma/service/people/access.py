"""Who is asking, and whether the page is for staff of the service only."""

from __future__ import annotations

from django.http import HttpRequest

from kerma.core import NotEntitled
from kerma.service.people.models import Person


def person_of(request: HttpRequest) -> Person:
    """Return the person behind the sign-in.

    Raises
    ------
    NotEntitled
        The sign-in belongs to nobody, so nothing could be signed or traced.
    """
    person = getattr(request.user, "person", None)
    if person is None:
        raise NotEntitled(
            "This sign-in is not linked to a person. Ask the administrator to link it.",
            rule="sign-in.person",
            missing="a person behind the sign-in",
        )
    return person


def staff_of(request: HttpRequest, what: str) -> Person:
    """Return the person asking, or refuse hospital users.

    `what` completes the sentence, for example “The register of instruments”.

    Raises
    ------
    NotEntitled
        The person belongs to a hospital.
    """
    person = person_of(request)
    if person.is_hospital:
        raise NotEntitled(
            f"{what} is open to staff of the physics service only.",
            rule="page.staff",
            missing="a post in the physics service",
            detail={"subject": f"page:{request.path}"[:80]},
        )
    return person


def is_staff(request: HttpRequest) -> bool:
    """Return whether the person asking works for the service, for menus."""
    person = getattr(request.user, "person", None)
    return person is not None and not person.is_hospital
