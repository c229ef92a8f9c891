"""Pages of the calculators."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from kerma.service.people.access import staff_of

_WHAT = "The calculators"


@require_GET
def index(request: HttpRequest) -> HttpResponse:
    """List the calculators by group."""
    staff_of(request, _WHAT)
    return render(request, "protection/calculators.html", {"crumbs": [("Calculators", "")]})
