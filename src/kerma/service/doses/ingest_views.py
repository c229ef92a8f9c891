"""Pages of the door: upload, quarantine, unknown devices. For staff of the service."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from kerma.core import InputError
from kerma.service.doses import forms, selectors, services
from kerma.service.doses.columns import device_columns, quarantine_columns
from kerma.service.doses.models import Quarantined, Study
from kerma.service.doses.selectors import Device
from kerma.service.doses.storing_record import unpacked
from kerma.service.people.access import staff_of
from kerma.service.people.entitlement import demand, may
from kerma.service.web.tables import Table

_HERE = ("Patient dose", "/doses/")
_WAITING = ("refused", "quarantined")


@require_http_methods(["GET", "POST"])
def upload(request: HttpRequest) -> HttpResponse:
    """Take in dose reports and say what became of each."""
    person = staff_of(request, "The import of dose reports")
    demand("ingest", by=person, work="doses", subject="doses:upload")
    sent = request.method == "POST"
    form = forms.UploadForm(request.POST, request.FILES) if sent else forms.UploadForm()
    if form.is_valid():
        rows = services.files_take(by=person, files=form.cleaned_data["files"])
        known = Study.objects.filter(study_uid__in={r.study for r in rows if r.study})
        studies = {s.study_uid: s for s in known.defer("record")}
        counts: dict[str, int] = {}
        for row in rows:
            counts[row.outcome] = counts.get(row.outcome, 0) + 1
        context = {
            "rows": [(row, studies.get(row.study)) for row in rows],
            "counts": counts.items(),
            "reads": person.role != "administrator",
            "crumbs": [_HERE, ("Upload", reverse("doses-upload")), ("What became of them", "")],
        }
        return render(request, "doses/uploaded.html", context)
    status = 422 if form.errors else 200
    context = {"form": form, "crumbs": [_HERE, ("Upload", "")]}
    return render(request, "doses/upload.html", context, status=status)


@require_GET
def quarantine(request: HttpRequest) -> HttpResponse:
    """List the files that were not stored."""
    person = staff_of(request, "The quarantine")
    form = forms.QuarantineFilter(request.GET)
    query = form.cleaned_data if form.is_valid() else {}
    table: Table[Quarantined] = Table(
        request, selectors.quarantine(query), quarantine_columns(),
        name="quarantine", default="-last", noun="files",
    )  # fmt: skip
    if table.wanted:
        return table.file()
    context = {
        "table": table,
        "rows": [
            (row, cells, f"dismiss-{row.pk}" if row.status in _WAITING else "")
            for row, cells in zip(table.page.object_list, table.body, strict=True)
        ],
        "form": form,
        "query": query,
        "may_act": may("ingest", by=person, work="doses").allowed,
        "crumbs": [_HERE, ("Quarantine", "")],
    }
    return render(request, "doses/quarantine.html", context)


@require_POST
def retry(request: HttpRequest, pk: int) -> HttpResponse:
    """Try a file from quarantine again."""
    person = staff_of(request, "The quarantine")
    row = get_object_or_404(Quarantined, pk=pk, status__in=_WAITING)
    done = services.file_retry(by=person, row=row)
    if done.outcome in ("stored", "unchanged"):
        messages.success(request, f"{row.name}: {done.outcome}.")
    else:
        messages.warning(request, f"{row.name} is still {done.outcome}: {done.reason}")
    return redirect("quarantine")


@require_POST
def dismiss(request: HttpRequest, pk: int) -> HttpResponse:
    """Take a file off the list for good."""
    person = staff_of(request, "The quarantine")
    row = get_object_or_404(Quarantined, pk=pk)
    services.file_dismiss(by=person, row=row)
    messages.success(request, f"{row.name} is dismissed. Its content is deleted.")
    return redirect("quarantine")


@require_GET
def devices(request: HttpRequest) -> HttpResponse:
    """List the devices that sent studies and belong to no known system."""
    staff_of(request, "The list of unknown devices")
    table: Table[Device] = Table(
        request, selectors.suggest(selectors.devices()), device_columns(),
        name="unknown-devices", default="-studies", noun="devices",
    )  # fmt: skip
    if table.wanted:
        return table.file()
    context = {"table": table, "crumbs": [_HERE, ("Unknown devices", "")]}
    return render(request, "doses/devices.html", context)


@require_http_methods(["GET", "POST"])
def device(request: HttpRequest, pk: int) -> HttpResponse:
    """Show one unknown device, and say which system it is."""
    person = staff_of(request, "The list of unknown devices")
    example = get_object_or_404(Study, pk=pk, system=None)
    header = unpacked(example, slice(0)).header.device
    place = " ".join(t for t in (header.institution, header.department) if t)
    found = selectors.suggest(selectors.devices(example), places=place)[0]
    form = forms.AliasForm(
        request.POST or None, example=example, initial=_initial(request, example, found)
    )
    if request.method == "POST" and form.is_valid():
        try:
            n = services.alias_add(by=person, example=example, **form.cleaned_data)
        except InputError as error:
            form.add_error(None, error.message)
        else:
            system = form.cleaned_data["system"]
            messages.success(request, f"{system}: {n} {'study' if n == 1 else 'studies'} matched.")
            return redirect("devices")
    context = {
        "device": found,
        "facts": [
            ("Manufacturer", header.manufacturer), ("Model", header.model),
            ("Serial number", header.serial), ("Station", header.station),
            ("Software", header.software), ("Place", place),
            ("Device observer UID", header.observer_uid),
        ],
        "form": form,
        "recognisable": bool(example.serial or example.station),
        "decision": may("edit", by=person, work="plan"),
        "crumbs": [_HERE, ("Unknown devices", reverse("devices")), (found.name, "")],
    }  # fmt: skip
    status = 422 if form.errors else 200
    return render(request, "doses/device.html", context, status=status)


def _initial(request: HttpRequest, example: Study, found: Device) -> dict[str, Any]:
    """Propose the system suggested, and the serial number alone where there is one."""
    suggested = found.suggestion.system.pk if found.suggestion else None
    return {
        "system": request.GET.get("system") or suggested,
        "serial": bool(example.serial),
        "station": not example.serial,
    }
