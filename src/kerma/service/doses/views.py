"""Pages of patient dose: studies and what was measured on each."""

from __future__ import annotations

from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.views.decorators.http import require_GET

from kerma.dicom.dose import as_dict
from kerma.service.doses import as_sent, forms, selectors
from kerma.service.doses.access import reader_of
from kerma.service.doses.columns import study_columns
from kerma.service.doses.models import Study
from kerma.service.doses.storing_record import unpacked
from kerma.service.doses.study_page import EVENTS, study_page
from kerma.service.estate import selectors as estate
from kerma.service.people.access import is_staff
from kerma.service.people.entitlement import may
from kerma.service.people.models import Person
from kerma.service.web import files
from kerma.service.web.tables import Table


def _filter(request: HttpRequest, person: Person) -> forms.StudyFilter:
    return forms.StudyFilter(
        request.GET,
        modalities=selectors.modalities(person),
        sites=[(s.key, s.name) for s in estate.sites(person)],
        systems=[(s.asset, str(s)) for s in estate.systems(person)],
    )


@require_GET
def studies(request: HttpRequest) -> HttpResponse:
    """List the studies of patients."""
    person = reader_of(request)
    form = _filter(request, person)
    # A filter that cannot be used must not pass for one that lets everything through.
    rows = selectors.studies(person)
    rows = selectors.filtered(rows, form.cleaned_data) if form.is_valid() else rows.none()
    table: Table[Study] = Table(
        request, rows, study_columns(), name="studies", default="-date", noun="studies"
    )
    if table.wanted:
        return table.file()
    context = {
        "table": table,
        "form": form,
        "filtered": any(request.GET.get(name) for name in form.fields),
        "may_ingest": may("ingest", by=person, work="doses").allowed,
        "staff": is_staff(request),
        "crumbs": [("Patient dose", "")],
    }
    return render(request, "doses/studies.html", context)


def _study(request: HttpRequest, pk: int) -> tuple[Study, Person]:
    person = reader_of(request)
    rows = selectors.studies(person).defer(None)
    return get_object_or_404(rows, pk=pk), person


@require_GET
def study(request: HttpRequest, pk: int) -> HttpResponse:
    """Show one study."""
    item, person = _study(request, pk)
    wanted = request.GET.get("format", "")
    if wanted in files.FORMATS:
        return _events_file(item, wanted)
    context = study_page(item, person, request.GET.get("page"))
    return render(request, "doses/study.html", context)


def _events_file(item: Study, wanted: str) -> HttpResponse:
    """Answer with every event of a study, with every quantity Kerma reads."""
    events: list[dict[str, Any]] = as_dict(unpacked(item))["events"]
    keys = list(dict.fromkeys(key for event in events for key in event))
    heads = [("event", "event"), *((key, key) for key in keys)]
    rows = ([n, *(_flat(e.get(key)) for key in keys)] for n, e in enumerate(events, 1))
    return files.answer(wanted, f"study-{item.pk}-events", heads, rows)


def _flat(value: Any) -> Any:
    """Return several numbers as one text; a filter as its material and thickness."""
    if not isinstance(value, list):
        return value
    parts = [
        f"{v['material'] or ''} {v['min_mm'] or ''} mm".strip() if isinstance(v, dict) else str(v)
        for v in value
    ]
    return "; ".join(parts) or None


@require_GET
def event(request: HttpRequest, pk: int, order: int) -> HttpResponse:
    """Show everything one event says beside what was sent; on its own, or as a drawer."""
    item, _ = _study(request, pk)
    if not 1 <= order <= item.event_count:
        raise Http404
    found = unpacked(item, slice(order - 1, order)).events[0]
    back = f"{reverse('study', args=[pk])}?page={(order - 1) // EVENTS + 1}"
    context = {
        "study": item,
        "title": f"Event {order} of {item.event_count}",
        "lines": list(as_sent.lines(found)),
        "unknown": list(as_sent.unknown(found.remaining)),
        "previous": order - 1,
        "following": order + 1 if order < item.event_count else 0,
        "crumbs": [("Patient dose", reverse("doses")), (f"{item.modality} study", back),
                   (f"Event {order}", "")],
    }  # fmt: skip
    return _as_sent(request, context)


@require_GET
def administration(request: HttpRequest, pk: int, order: int) -> HttpResponse:
    """Show everything the report says of one administration beside what was sent."""
    item, _ = _study(request, pk)
    given = unpacked(item, slice(0)).administrations
    if not 1 <= order <= len(given):
        raise Http404
    found = given[order - 1]
    context = {
        "study": item,
        "title": f"Administration {order} of {len(given)}",
        "lines": list(as_sent.lines(found)),
        "unknown": list(as_sent.unknown(found.remaining)),
        "crumbs": [("Patient dose", reverse("doses")),
                   (f"{item.modality} study", reverse("study", args=[pk])),
                   (f"Administration {order}", "")],
    }  # fmt: skip
    return _as_sent(request, context)


def _as_sent(request: HttpRequest, context: dict[str, Any]) -> HttpResponse:
    drawer = getattr(request, "htmx", False)
    return render(request, "doses/_as_sent.html" if drawer else "doses/as_sent.html", context)
