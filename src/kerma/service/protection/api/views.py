"""Answers to other systems: the calculators, and a calculation of what the address gives."""

from __future__ import annotations

from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.http import require_GET

from kerma.service.people.access import staff_of
from kerma.service.protection.calculators.kinds import calculators
from kerma.service.protection.calculators.working import answer, described

_WHAT = "The calculators"


@require_GET
def index(request: HttpRequest) -> HttpResponse:
    """Answer with every calculator and what it takes."""
    staff_of(request, _WHAT)
    return JsonResponse({"calculators": [described(c) for c in calculators().values()]})


@require_GET
def calculation(request: HttpRequest, key: str) -> HttpResponse:
    """Answer with a calculation; stores nothing. A refusal says what is wrong, with 422."""
    staff_of(request, _WHAT)
    if key not in calculators():
        raise Http404
    return JsonResponse(answer(calculators()[key], request.GET.dict()))
