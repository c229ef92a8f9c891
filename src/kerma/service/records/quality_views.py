"""Pages of quality: where to look, the event log, the proof that nothing was changed."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_GET, require_http_methods

from kerma.service.people.access import person_of, staff_of
from kerma.service.records import forms, integrity, selectors
from kerma.service.records.columns import event_columns
from kerma.service.records.models import Event
from kerma.service.records.reference_rows import summary
from kerma.service.web.tables import Table


@require_GET
def quality(request: HttpRequest) -> HttpResponse:
    """Show the rooms of quality with what waits in each."""
    person = person_of(request)
    on = timezone.localdate()
    actions = selectors.actions(person).exclude(status="closed")
    context = {
        "staff": not person.is_hospital,
        "issues": selectors.issues(person).order_by().count(),
        "open": actions.order_by().count(),
        "overdue": actions.filter(due__lt=on).order_by().count(),
        "crumbs": [("Quality", "")],
    }
    if not person.is_hospital:
        context["reference"] = summary()
        context["last"] = Event.objects.order_by("-id").select_related("actor").first()
    return render(request, "records/quality.html", context)


@require_GET
def event_log(request: HttpRequest) -> HttpResponse:
    """Search the event log."""
    staff_of(request, "The event log")
    form = forms.LogFilter(request.GET)
    query = form.cleaned_data if form.is_valid() else {}
    table: Table[Event] = Table(
        request,
        selectors.log_filtered(query),
        event_columns(),
        name="event-log",
        default="-entry",
        noun="entries",
    )
    if table.wanted:
        return table.file()
    crumbs = [("Quality", "/quality/"), ("Event log", "")]
    return render(request, "records/log.html", {"table": table, "form": form, "crumbs": crumbs})


@require_http_methods(["GET", "POST"])
def verify(request: HttpRequest) -> HttpResponse:
    """Recompute every hash on demand and say what does not agree."""
    staff_of(request, "The integrity check")
    outcome = integrity.verify() if request.method == "POST" else None
    context = {
        "outcome": outcome,
        "at": timezone.now(),
        "crumbs": [("Quality", "/quality/"), ("Integrity", "")],
    }
    return render(request, "records/verify.html", context)
