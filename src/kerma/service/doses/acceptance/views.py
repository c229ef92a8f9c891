"""The page the acceptance test is run from."""

from __future__ import annotations

from django import forms
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods

from kerma.core import InputError
from kerma.service.doses.acceptance.services import SUBJECT, acceptance_write
from kerma.service.doses.access import reader_of
from kerma.service.estate.models import Employer
from kerma.service.records.papers.selectors import of_subject


class AcceptanceForm(forms.Form):
    """For whom the test is run, and why."""

    employer = forms.ModelChoiceField(Employer.objects.all())
    summary = forms.CharField(
        label="In your own words", widget=forms.Textarea({"rows": 4}),
        help_text="Why it is run (installation, new version), and what follows from it",
    )  # fmt: skip


@require_http_methods(["GET", "POST"])
def acceptance(request: HttpRequest) -> HttpResponse:
    """Show earlier tests; run one and go to its paper."""
    person = reader_of(request)
    form = AcceptanceForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            paper = acceptance_write(by=person, **form.cleaned_data)
        except InputError as error:
            form.add_error(None, error.message)
        else:
            return redirect("paper", paper.pk)
    context = {
        "form": form, "papers": of_subject(SUBJECT),
        "crumbs": [("Patient dose", reverse("doses")), ("Acceptance test", "")],
    }  # fmt: skip
    status = 422 if form.errors else 200
    return render(request, "doses/acceptance.html", context, status=status)
