"""The page of a study's estimates."""

from __future__ import annotations

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_POST

from kerma.core import InputError
from kerma.physics.calculation import Calculation, rows_changed
from kerma.service.doses import selectors
from kerma.service.doses.access import reader_of
from kerma.service.doses.estimates import forms, services
from kerma.service.doses.models import Estimate, Study
from kerma.service.people.entitlement import may
from kerma.service.people.models import Person

_FORMS = {"ssde": forms.SsdeForm, "effective": forms.EffectiveForm,
          "fetal": forms.FetalForm, "cumulative": forms.CumulativeForm}  # fmt: skip
_MAKE = {"ssde": services.ssde_make, "effective": services.effective_dose_make,
         "fetal": services.fetal_make, "cumulative": services.cumulative_make}  # fmt: skip


def _study(request: HttpRequest, pk: int) -> tuple[Person, Study]:
    person = reader_of(request)
    return person, get_object_or_404(selectors.studies(person).defer(None), pk=pk)


def _shown(item: Estimate) -> dict[str, object]:
    changed = []
    if item.kind != "cumulative":
        plain = {k: v for k, v in item.record.items() if k != "text"}
        changed = rows_changed(Calculation.from_dict(plain))
    return {"item": item, "changed": changed}


@require_GET
def estimates(request: HttpRequest, pk: int) -> HttpResponse:
    """Show a study's estimates with their working, and forms for more."""
    person, item = _study(request, pk)
    said = services.stated(item) if item.modality == "CT" else None
    initial = {"diameter_mm": said.diameter_mm} if said and said.diameter_mm else {}
    context = {
        "study": item, "stated": said,
        "rows": [_shown(e) for e in item.estimates.select_related("by")],
        "ssde_form": forms.SsdeForm(initial=initial), "effective_form": forms.EffectiveForm(),
        "fetal_form": forms.FetalForm(), "cumulative_form": forms.CumulativeForm(),
        "may_make": may("perform", by=person, work="patient_estimate"),
        "crumbs": [("Patient dose", reverse("doses")),
                   (f"{item.modality} study", reverse("study", args=[pk])), ("Dose in body", "")],
    }  # fmt: skip
    return render(request, "doses/estimates.html", context)


@require_POST
def make(request: HttpRequest, pk: int, kind: str) -> HttpResponse:
    """Make one estimate."""
    person, item = _study(request, pk)
    if kind not in _MAKE:
        raise Http404
    form = _FORMS[kind](request.POST)
    if not form.is_valid():
        wrong = "; ".join(f"{name}: {e[0]}" for name, e in form.errors.items())
        raise InputError(f"This cannot be estimated so: {wrong}", code="bad-form")
    try:
        made = _MAKE[kind](by=person, study=item, **form.cleaned_data)
    except InputError as error:
        messages.error(request, error.message)
    else:
        messages.success(request, f"{made}.")
    return redirect("study-estimates", pk)
