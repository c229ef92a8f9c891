"""Who is asking, and which surveys they may open."""

from __future__ import annotations

from django.http import Http404, HttpRequest
from django.shortcuts import get_object_or_404

from kerma.core import NotEntitled
from kerma.service.people.models import Person
from kerma.service.testing import selectors
from kerma.service.testing.models import Survey


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


def survey_of(request: HttpRequest, pk: int) -> Survey:
    """Return a survey the person may open; hospital users read issued reports instead."""
    person = person_of(request)
    if person.is_hospital:
        raise Http404
    return get_object_or_404(selectors.surveys(person), pk=pk)
