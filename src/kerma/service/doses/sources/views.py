"""The page of sources."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST

from kerma.core import InputError
from kerma.service.doses.models import Fetch, Source
from kerma.service.doses.sources import forms, services
from kerma.service.people.access import staff_of
from kerma.service.people.entitlement import may

_WHAT = "The list of sources"


@require_http_methods(["GET", "POST"])
def sources(request: HttpRequest) -> HttpResponse:
    """List the sources with what last came of them; add one."""
    person = staff_of(request, _WHAT)
    form = forms.SourceForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            services.source_add(by=person, **form.settings())
        except InputError as error:
            form.add_error(None, error.message)
        else:
            return redirect("sources")
    context = {
        "sources": Source.objects.filter(active=True).prefetch_related("fetches"),
        "fetches": Fetch.objects.select_related("source", "by")[:50], "form": form,
        "may_add": may("configure", by=person, work="doses"),
        "may_fetch": may("ingest", by=person, work="doses"),
        "crumbs": [("Patient dose", reverse("doses")), ("Sources", "")],
    }  # fmt: skip
    return render(request, "doses/sources.html", context, status=422 if form.errors else 200)


@require_POST
def fetch(request: HttpRequest, pk: int) -> HttpResponse:
    """Fetch what is new from one source."""
    person = staff_of(request, _WHAT)
    source = get_object_or_404(Source, pk=pk, active=True)
    made = services.source_fetch(source=source, by=person, dry=bool(request.POST.get("dry")))
    if made.trouble:
        messages.error(request, made.trouble)
    else:
        counted = ", ".join(f"{n} {name}" for name, n in made.counts.items())
        messages.success(request, f"{made.found} found. {counted}".strip())
    return redirect("sources")
