"""The page a survey's sheet is taken from."""

from __future__ import annotations

from django import forms
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_GET

from kerma.service.doses import columnar
from kerma.service.doses.access import reader_of
from kerma.service.doses.forms import DayInput
from kerma.service.doses.surveys.layout import layouts, lines
from kerma.service.estate import selectors as estate
from kerma.service.web import files


class SurveyForm(forms.Form):
    """Which sheet, of which systems, over which days."""

    layout = forms.ChoiceField()
    since = forms.DateField(label="From", widget=DayInput)
    until = forms.DateField(label="To", widget=DayInput)
    systems = forms.MultipleChoiceField(required=False, help_text="None chosen: all of them")
    format = forms.ChoiceField(choices=[(f, f.upper()) for f in files.FORMATS], initial="xlsx")

    def __init__(self, *args: object, systems: list[tuple[str, str]], **kwargs: object) -> None:
        super().__init__(*args, **kwargs)  # type: ignore[arg-type]
        self.fields["layout"].choices = [(k, v.title) for k, v in layouts().items()]  # type: ignore[attr-defined]
        self.fields["systems"].choices = systems  # type: ignore[attr-defined]


@require_GET
def surveys(request: HttpRequest) -> HttpResponse:
    """Show the form; with an answer to it, send the sheet."""
    person = reader_of(request)
    known = [(s.asset, str(s)) for s in estate.systems(person)]
    form = SurveyForm(request.GET or None, systems=known)
    if form.is_valid():
        asked, chosen = form.cleaned_data, layouts()[form.cleaned_data["layout"]]
        columnar.refresh()
        rows = lines(columnar.store(), chosen, since=asked["since"], until=asked["until"],
                     systems=asked["systems"], employer="")  # fmt: skip
        return files.answer(asked["format"], chosen.key, chosen.columns, rows)
    context = {
        "form": form, "layouts": layouts().values(),
        "crumbs": [("Patient dose", reverse("doses")), ("Survey sheets", "")],
    }  # fmt: skip
    return render(request, "doses/surveys.html", context, status=422 if form.errors else 200)
