"""Which surveys the person asking may open."""

from __future__ import annotations

from django.http import Http404, HttpRequest
from django.shortcuts import get_object_or_404

from kerma.service.people.access import person_of
from kerma.service.testing import selectors
from kerma.service.testing.models import Survey

__all__ = ["person_of", "survey_of"]


def survey_of(request: HttpRequest, pk: int) -> Survey:
    """Return a survey the person may open; hospital users read issued reports instead."""
    person = person_of(request)
    if person.is_hospital:
        raise Http404
    return get_object_or_404(selectors.surveys(person), pk=pk)
