"""The page patient sizes are given on."""

from __future__ import annotations

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods

from kerma.core import InputError
from kerma.service.doses.models import SizeImport
from kerma.service.doses.sizes.services import sizes_take
from kerma.service.people.access import staff_of


class SizesForm(forms.Form):
    """A file of sizes."""

    file = forms.FileField(
        label="CSV, HL7 messages or a FHIR bundle",
        help_text="CSV: accession or study_uid, and height_m, height_cm, mass_kg in the first line",
    )
    overwrite = forms.BooleanField(label="Replace sizes already there", required=False)


@require_http_methods(["GET", "POST"])
def sizes(request: HttpRequest) -> HttpResponse:
    """Take a file of sizes; show what became of earlier ones."""
    person = staff_of(request, "Giving patient sizes")
    form = SizesForm(request.POST or None, request.FILES or None)
    if request.method == "POST" and form.is_valid():
        file = form.cleaned_data["file"]
        try:
            made = sizes_take(by=person, content=file.read(), name=file.name,
                              overwrite=form.cleaned_data["overwrite"])  # fmt: skip
        except InputError as error:
            form.add_error("file", error.message)
        else:
            messages.success(request, f"{made.matched} of {made.rows} rows taken over.")
            return redirect("sizes")
    context = {
        "form": form, "imports": SizeImport.objects.select_related("by")[:30],
        "crumbs": [("Patient dose", reverse("doses")), ("Patient sizes", "")],
    }  # fmt: skip
    return render(request, "doses/sizes.html", context, status=422 if form.errors else 200)
