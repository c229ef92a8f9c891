"""Who may open the pages of patient dose."""

from __future__ import annotations

from django.http import Http404, HttpRequest

from kerma.core import NotEntitled
from kerma.service.people.access import person_of
from kerma.service.people.models import Person


def reader_of(request: HttpRequest) -> Person:
    """Return the person asking for patient studies, or refuse.

    A hospital user reads reports, actions and inventory; for them this room is not there.

    The rules let an administrator import dose reports and nothing else of patient dose (work
    ``doses``): the quarantine is open to them, what was measured on patients is not.

    Raises
    ------
    NotEntitled
        The person is an administrator.
    """
    person = person_of(request)
    if person.is_hospital:
        raise Http404
    if person.role == "administrator":
        raise NotEntitled(
            "Studies of patients are not open to administrators; the quarantine and the list of "
            "unknown devices are.",
            rule="doses.read",
            missing="a clinical or scientific post",
            detail={"subject": f"page:{request.path}"[:80]},
        )
    return person
