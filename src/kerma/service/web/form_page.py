"""A page that holds one form: shown, checked, saved by a service, or shown again with why not."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from django import forms
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render

from kerma.core import InputError

Crumbs = Sequence[tuple[str, str]]


class DayInput(forms.DateInput):
    """The browser's own date field."""

    input_type = "date"

    def __init__(self) -> None:
        super().__init__(format="%Y-%m-%d")


def form_page(
    request: HttpRequest,
    form: forms.BaseForm,
    save: Callable[[dict[str, Any]], Any],
    *,
    title: str,
    verb: str,
    back: str,
    crumbs: Crumbs,
    lede: str = "",
) -> HttpResponse:
    """Answer a form's page; `save` is given the cleaned data and a refusal keeps what was typed."""
    if request.method == "POST" and form.is_valid():
        try:
            save(form.cleaned_data)
        except InputError as error:
            form.add_error(None, error.message)
        else:
            return redirect(back)
    context = {"form": form, "title": title, "verb": verb, "back": back, "lede": lede}
    status = 422 if form.errors else 200
    return render(request, "web/form.html", {**context, "crumbs": crumbs}, status=status)
