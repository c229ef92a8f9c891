"""The page patients are looked up on."""

from __future__ import annotations

from django import forms
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST

from kerma.core import InputError
from kerma.service.doses import selectors
from kerma.service.doses.access import reader_of
from kerma.service.doses.columns import study_columns
from kerma.service.doses.forms import DayInput
from kerma.service.doses.patients.services import keys_export, patient_find
from kerma.service.people.entitlement import may
from kerma.service.people.models import Person
from kerma.service.web import files

_REASON = "Written to the event log with your name"


class FindForm(forms.Form):
    """An identifier, and why it is looked up."""

    identifier = forms.CharField(
        max_length=64, widget=forms.TextInput({"autocomplete": "off"}),
        help_text="As the devices send it. It is hashed, compared and forgotten.",
    )  # fmt: skip
    issuer = forms.CharField(max_length=64, required=False, help_text="Where devices send one")
    reason = forms.CharField(max_length=300, help_text=_REASON)


class KeysForm(forms.Form):
    """The span of an export with keys, and why it is taken."""

    since = forms.DateField(label="From", widget=DayInput)
    until = forms.DateField(label="To", widget=DayInput)
    format = forms.ChoiceField(choices=[(f, f.upper()) for f in files.FORMATS])
    why = forms.CharField(label="Reason", max_length=300, help_text=_REASON)


def _page(
    request: HttpRequest,
    person: Person,
    find: FindForm,
    keys: KeysForm,
    found: list[str] | None = None,
) -> HttpResponse:
    context = {
        "find": find, "keys": keys, "found": found,
        "allowed": may("identify", by=person, work="doses"),
        "crumbs": [("Patient dose", reverse("doses")), ("Patients", "")],
    }  # fmt: skip
    status = 422 if find.errors or keys.errors else 200
    return render(request, "doses/patients.html", context, status=status)


@require_http_methods(["GET", "POST"])
def patients(request: HttpRequest) -> HttpResponse:
    """Look a patient up; one key leads straight to the studies."""
    person = reader_of(request)
    form = FindForm(request.POST or None)
    found = None
    if request.method == "POST" and form.is_valid():
        try:
            found = patient_find(by=person, **form.cleaned_data)
        except InputError as error:
            form.add_error(None, error.message)
    if found and len(found) == 1:
        return redirect(f"{reverse('doses')}?patient={found[0]}")
    return _page(request, person, form, KeysForm(), found)


@require_POST
def export(request: HttpRequest) -> HttpResponse:
    """Send studies with their patient keys as a file."""
    person = reader_of(request)
    form = KeysForm(request.POST)
    if form.is_valid():
        rows = selectors.filtered(selectors.studies(person), form.cleaned_data)
        try:
            rows = keys_export(by=person, rows=rows, reason=form.cleaned_data["why"])
        except InputError as error:
            form.add_error("why", error.message)
        else:
            columns = [c for c in study_columns() if c.in_file]
            heads = [("patient_key", "Patient key"), *((c.key, c.title) for c in columns)]
            lines = ([s.patient_key, *(c.value(s) for c in columns)] for s in rows.iterator(500))
            return files.answer(form.cleaned_data["format"], "studies-with-keys", heads, lines)
    return _page(request, person, FindForm(), form)
