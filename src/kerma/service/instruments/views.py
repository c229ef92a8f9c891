"""Pages of the instrument register. None of them is for hospital users."""

from __future__ import annotations

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from kerma.core import InputError
from kerma.service.instruments import forms, selectors, services
from kerma.service.instruments.columns import TONE, instrument_columns
from kerma.service.instruments.models import Certificate, Instrument
from kerma.service.people.access import staff_of
from kerma.service.people.entitlement import demand, may
from kerma.service.records import log
from kerma.service.records import selectors as records
from kerma.service.records.views import download
from kerma.service.testing.models import Survey
from kerma.service.web.tables import Table

_ROOM = "The register of instruments"
_SHOWN = 200


@require_GET
def instruments(request: HttpRequest) -> HttpResponse:
    """List the instruments with the state of their calibration."""
    staff_of(request, _ROOM)
    on = timezone.localdate()
    form = forms.InstrumentFilter(request.GET, kinds=selectors.kinds())
    query = form.cleaned_data if form.is_valid() else {}
    table: Table[Instrument] = Table(
        request,
        list(selectors.filtered(query)),
        instrument_columns(on),
        name="instruments",
        default="kind",
        noun="instruments",
    )
    if table.wanted:
        return table.file()
    crumbs = [("Equipment", "/equipment/"), ("Instruments", "")]
    context = {"table": table, "form": form, "crumbs": crumbs}
    return render(request, "instruments/instruments.html", context)


@require_GET
def instrument(request: HttpRequest, key: str) -> HttpResponse:
    """Show one instrument and what relied on it."""
    person = staff_of(request, _ROOM)
    on = timezone.localdate()
    item = get_object_or_404(selectors.instruments(), key=key)
    last = selectors.last_certificate(item, on)
    form = forms.ImpactForm(request.GET or None)
    asked = form.cleaned_data.get("since") if form.is_valid() else None
    since = asked or (last.calibrated_on if last else None)
    used: list[Survey] = []
    if since:
        used = list(selectors.used_since(item, since)[: _SHOWN + 1])
    context = {
        "item": item,
        "on": on,
        "state": selectors.state_of(item, on),
        "tone": TONE[selectors.state_of(item, on)],
        "current": selectors.certificate_in_force(item, on),
        "since": since,
        "impact_form": forms.ImpactForm(initial={"since": since}),
        "used": [(s, selectors.calibration_problem(item, s.performed_on)) for s in used[:_SHOWN]],
        "more": len(used) > _SHOWN,
        "may_edit": may("edit", by=person, work="plan").allowed,
        "quarantine_form": forms.QuarantineForm(initial={"on": since or on}),
        "release_form": forms.ReleaseForm(),
        "history": records.history(log.subject_of(item))[:30],
        "crumbs": [
            ("Equipment", "/equipment/"), ("Instruments", "/instruments/"), (str(item), ""),
        ],
    }  # fmt: skip
    return render(request, "instruments/instrument.html", context)


@require_http_methods(["GET", "POST"])
def certificate(request: HttpRequest, key: str) -> HttpResponse:
    """Record a calibration certificate with its factors."""
    person = staff_of(request, _ROOM)
    item = get_object_or_404(Instrument, key=key)
    demand("edit", by=person, work="plan", subject=log.subject_of(item))
    form = forms.CertificateForm(request.POST or None, request.FILES or None)
    factors = forms.Factors(request.POST or None, prefix="factor")
    if request.method == "POST" and form.is_valid() and factors.is_valid():
        data = dict(form.cleaned_data)
        file = data.pop("document")
        try:
            services.certificate_add(
                by=person,
                instrument=item,
                factors=[f.given for f in factors if f.given],
                document=(file.name, file.read()) if file else None,
                **data,
            )
        except InputError as error:
            form.add_error(None, error.message)
        else:
            messages.success(request, "The certificate is recorded.")
            return redirect("instrument", key)
    context = {
        "item": item,
        "form": form,
        "factors": factors,
        "crumbs": [
            ("Equipment", "/equipment/"),
            ("Instruments", "/instruments/"),
            (str(item), f"/instruments/{item.key}/"),
            ("Add a certificate", ""),
        ],
    }
    status = 422 if form.errors or any(factors.errors) else 200
    return render(request, "instruments/certificate.html", context, status=status)


@require_POST
def quarantine(request: HttpRequest, key: str) -> HttpResponse:
    """Take an instrument out of use."""
    person = staff_of(request, _ROOM)
    item = get_object_or_404(Instrument, key=key)
    form = forms.QuarantineForm(request.POST)
    if not form.is_valid():
        raise InputError("Say from which day and why.", code="blank")
    services.quarantine(by=person, instrument=item, **form.cleaned_data)
    messages.success(request, "In quarantine. Reports that rest on it cannot be issued.")
    return redirect("instrument", key)


@require_POST
def release(request: HttpRequest, key: str) -> HttpResponse:
    """End a quarantine."""
    person = staff_of(request, _ROOM)
    item = get_object_or_404(Instrument, key=key)
    form = forms.ReleaseForm(request.POST)
    if not form.is_valid():
        raise InputError("Say what was found.", code="blank")
    services.release(by=person, instrument=item, **form.cleaned_data)
    messages.success(request, "Released from quarantine.")
    return redirect("instrument", key)


@require_GET
def document(request: HttpRequest, key: str, pk: int) -> HttpResponse:
    """Send a certificate's file."""
    staff_of(request, _ROOM)
    found = get_object_or_404(
        Certificate.objects.select_related("document"), pk=pk, instrument__key=key
    )
    if found.document is None:
        raise Http404
    return download(found.document)
