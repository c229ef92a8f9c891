"""Pages of the explorer."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_POST

from kerma.core import InputError
from kerma.doses.compare import METHOD
from kerma.doses.queries import measure
from kerma.service.doses import columnar
from kerma.service.doses.access import reader_of
from kerma.service.doses.explorer import forms, selectors, services
from kerma.service.doses.models import SavedView, StandardName
from kerma.service.doses.selectors import modalities
from kerma.service.estate import selectors as estate
from kerma.service.people.models import Person
from kerma.service.web import files
from kerma.service.web.components.numbers import number

# What is taken over while somebody waits for the page; the rest is for the nightly refresh.
_WHILE_WAITING = 1000
_COLUMNS = (
    ("mean", "Mean"), ("p25", "25th percentile"), ("median", "Median"),
    ("low", "Median, low end of 95 % interval"), ("high", "Median, high end of 95 % interval"),
    ("p75", "75th percentile"), ("p95", "95th percentile"),
)  # fmt: skip


def _form(request: HttpRequest, person: Person) -> forms.ExplorerForm:
    return forms.ExplorerForm(
        request.GET or {},
        systems=[(s.asset, str(s)) for s in estate.systems(person)],
        standards=list(StandardName.objects.values_list("key", "title")),
        modalities=modalities(person),
    )


@require_GET
def explorer(request: HttpRequest) -> HttpResponse:
    """Show doses as asked: a table of groups, charts with reference levels, ways further down."""
    person = reader_of(request)
    behind = columnar.waiting()
    if behind:
        columnar.refresh(most=_WHILE_WAITING)
    form = _form(request, person)
    found, trouble = None, ""
    if form.is_valid():
        try:
            found = selectors.answer(columnar.store(), form, form.chosen(employer=_only(person)))
        except InputError as error:
            trouble = error.message
    if found and (wanted := request.GET.get("format", "")) in files.FORMATS:
        return _file(found, form, wanted)
    query = request.GET.copy()
    query.pop("format", None)
    context = {
        "form": form, "found": found, "trouble": trouble, "query": query.urlencode(),
        "heads": [dict(forms.GROUPS)[g] for g in form.groups] if form.is_valid() else [],
        "views": selectors.views(person), "view_form": forms.ViewForm(),
        "behind": max(0, behind - _WHILE_WAITING),
        "crumbs": [("Patient dose", reverse("doses")), ("Explorer", "")],
    }  # fmt: skip
    status = 422 if form.errors or trouble else 200
    return render(request, "doses/explorer.html", context, status=status)


def _only(person: Person) -> str:
    return person.employer.key if person.is_hospital and person.employer else ""


def _file(found: selectors.Answer, form: forms.ExplorerForm, wanted: str) -> HttpResponse:
    """Send the table as a file: exactly the rows and the order shown."""
    unit = found.measure.unit
    titles = dict(forms.GROUPS)
    heads = [(group, titles[group]) for group in form.groups] + [("number", "Number")]
    heads += [(key, f"{title}, {unit}") for key, title in _COLUMNS]
    rows = [
        (*row.names, row.summary.count, *(getattr(row.summary, key) for key, _ in _COLUMNS))
        for row in found.rows
    ]
    return files.answer(wanted, "doses", heads, rows)


@require_GET
def compare(request: HttpRequest) -> HttpResponse:
    """Set two groups beside each other: two systems, two protocols, two operators."""
    person = reader_of(request)
    form, asked = _form(request, person), forms.CompareForm(request.GET or {})
    found, trouble = None, ""
    if form.is_valid() and asked.is_valid() and asked.cleaned_data["first"]:
        data = asked.cleaned_data
        try:
            found = selectors.compared(
                columnar.store(), form.measure_key, form.chosen(employer=_only(person)),
                by=data["by"] or "system", first=data["first"], second=data["second"],
            )  # fmt: skip
        except InputError as error:
            trouble = error.message
    context = {
        "form": form, "asked": asked, "found": found, "trouble": trouble,
        "measure": measure(form.measure_key) if form.is_valid() else None,
        "percent": number(100.0 * abs(found.ratio - 1.0), 3) if found else "",
        "method": METHOD,
        "crumbs": [("Patient dose", reverse("doses")), ("Explorer", reverse("explorer")),
                   ("Compare", "")],
    }  # fmt: skip
    return render(request, "doses/compare.html", context, status=422 if trouble else 200)


@require_POST
def keep(request: HttpRequest) -> HttpResponse:
    """Keep the present filters under a name."""
    person = reader_of(request)
    form = forms.ViewForm(request.POST)
    if not form.is_valid():
        raise InputError("Give the view a name.", code="blank")
    view = services.view_keep(by=person, **form.cleaned_data)
    messages.success(request, f"Kept as “{view.name}”.")
    return redirect(f"{reverse('explorer')}?{view.query}")


@require_POST
def forget(request: HttpRequest, pk: int) -> HttpResponse:
    """Forget a view."""
    person = reader_of(request)
    services.view_forget(by=person, view=get_object_or_404(SavedView, pk=pk))
    return redirect("explorer")
