"""Pages of the equipment room."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from kerma.core import InputError
from kerma.service.estate import forms, selectors, services
from kerma.service.estate.columns import equipment_columns, prepare
from kerma.service.estate.models import Component, System
from kerma.service.estate.system_page import system_page
from kerma.service.people.access import person_of
from kerma.service.people.entitlement import demand
from kerma.service.people.models import Person
from kerma.service.records import log
from kerma.service.records.selectors import suspended_systems
from kerma.service.web.form_page import form_page
from kerma.service.web.tables import Table


@require_GET
def equipment(request: HttpRequest) -> HttpResponse:
    """List the systems: the inventory of IR(ME)R 2017 reg 15(2)."""
    person = person_of(request)
    sites = [(s.key, s.name) for s in selectors.sites(person)]
    form = forms.SystemFilter(request.GET, sites=sites)
    query = form.cleaned_data if form.is_valid() else {}
    rows = selectors.filtered(selectors.systems(person), query)
    if query.get("due"):
        rows = selectors.due(rows, query["due"], timezone.localdate())
    if query.get("level") == "suspension":
        rows = rows.filter(pk__in=suspended_systems(person))
    table: Table[System] = Table(
        request, rows, equipment_columns(), name="equipment", default="asset", noun="systems",
        prepare=prepare,
    )  # fmt: skip
    if table.wanted:
        return table.file()
    context = {
        "table": table,
        "form": form,
        "query": query,
        "staff": not person.is_hospital,
        "crumbs": [("Equipment", "")],
    }
    return render(request, "estate/equipment.html", context)


@require_GET
def system(request: HttpRequest, asset: str) -> HttpResponse:
    """Show one system."""
    person = person_of(request)
    item = get_object_or_404(selectors.systems(person), asset=asset)
    context = system_page(item, person, request.GET.get("test", ""), bool(request.GET.get("all")))
    return render(request, "estate/system.html", context)


def _system(request: HttpRequest, pk: int) -> tuple[Person, System]:
    person = person_of(request)
    return person, get_object_or_404(selectors.systems(person), pk=pk)


def _url(item: System) -> str:
    return reverse("system", args=[item.asset])


@require_POST
def status(request: HttpRequest, pk: int) -> HttpResponse:
    """Record the employer's decision about the use of a system."""
    person, item = _system(request, pk)
    form = forms.StatusForm(request.POST)
    if not form.is_valid():
        raise InputError("Choose what was decided, and say why.", code="blank")
    services.status_set(by=person, system=item, **form.cleaned_data)
    messages.success(request, "The decision is recorded.")
    return redirect(_url(item))


@require_http_methods(["GET", "POST"])
def event(request: HttpRequest, pk: int) -> HttpResponse:
    """Record something that happened to a system."""
    person, item = _system(request, pk)
    demand("edit", by=person, work="plan", subject=log.subject_of(item))
    form = forms.EventForm(request.POST or None, initial={"on": timezone.localdate()})
    return form_page(
        request,
        form,
        lambda data: services.event_record(by=person, system=item, **data),
        title="Record an event",
        verb="Record",
        back=_url(item),
        crumbs=_crumbs(item, "Record an event"),
        lede=f"{item}. A change of a component is recorded on the component itself.",
    )


@require_http_methods(["GET", "POST"])
def component(request: HttpRequest, pk: int, component: int) -> HttpResponse:
    """Replace a component."""
    person, item = _system(request, pk)
    demand("edit", by=person, work="plan", subject=log.subject_of(item))
    old = get_object_or_404(item.components.filter(removed_on=None), pk=component)
    form = forms.ComponentForm(request.POST or None, old=old)

    def save(data: dict[str, Any]) -> None:
        on = data.pop("on")
        services.component_replace(by=person, old=old, new=Component(**data), on=on)
        messages.success(request, "Recorded. Baselines that rested on the old part have ended.")

    kind = old.kind.replace("_", " ")
    return form_page(
        request,
        form,
        save,
        title=f"Replace the {kind}",
        verb="Replace",
        back=_url(item),
        crumbs=_crumbs(item, f"Replace the {kind}"),
        lede=f"{item}: {kind} {old.manufacturer} {old.model}, serial {old.serial or 'unknown'}. "
        "Baselines that depend on it end on the day of the change.",
    )


def _crumbs(item: System, here: str) -> list[tuple[str, str]]:
    return [("Equipment", "/equipment/"), (str(item), _url(item)), (here, "")]
