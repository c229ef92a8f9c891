"""Pages of the calculators: the list, one calculator with its result, its method, keeping it."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_http_methods

from kerma.core import InputError
from kerma.service.people.access import person_of, staff_of
from kerma.service.people.entitlement import may
from kerma.service.protection.calculators import method, shown
from kerma.service.protection.calculators.calculator import Calculator, worked
from kerma.service.protection.calculators.forms import SaveForm
from kerma.service.protection.calculators.kinds import calculators
from kerma.service.protection.calculators.services import WORK, calculation_save
from kerma.service.protection.calculators.states import Standing, standings
from kerma.service.protection.calculators.working import headline
from kerma.service.protection.models import SavedCalculation

WHAT = "The calculators"
CRUMBS = [("Staff & protection", "/people/"), ("Calculators", "/protection/calculators/")]


def _calculator(key: str) -> Calculator:
    if key not in calculators():
        raise Http404
    return calculators()[key]


@require_GET
def index(request: HttpRequest) -> HttpResponse:
    """List the calculators by group, with what each is for and whether its rows are verified."""
    person = staff_of(request, WHAT)
    words = request.GET.get("q", "").lower().split()
    standing = standings(calculators().values())
    groups: dict[str, list[tuple[Calculator, Standing]]] = {}
    for item in calculators().values():
        text = f"{item.title} {item.group} {item.what_for} {item.key}".lower()
        if all(w in text for w in words):
            groups.setdefault(item.group, []).append((item, standing[item.key]))
    context = {
        "groups": groups, "q": request.GET.get("q", ""), "total": len(calculators()),
        "recent": SavedCalculation.objects.filter(by=person).defer("record", "inputs")[:5],
        "crumbs": [CRUMBS[0], ("Calculators", "")],
    }  # fmt: skip
    return render(request, "protection/calculators.html", context)


@require_GET
def calculator(request: HttpRequest, key: str) -> HttpResponse:
    """Show a calculator with what the address gives it; a part of the page to htmx."""
    staff_of(request, WHAT)
    item = _calculator(key)
    given = item.given(request.GET)
    context = {
        **shown.page(item, given, worked(item, given)),
        "may_save": may("perform", by=person_of(request), work=WORK),
        "replaces": _number(request.GET.get("replaces", "")),
        "crumbs": [*CRUMBS, (item.title, "")],
    }
    if getattr(request, "htmx", False):
        response = render(request, "protection/_calculated.html", context)
        query = context["query"]
        if context["replaces"]:
            query = f"{query}&replaces={context['replaces']}"
        # The address is what a colleague is sent: without blanks.
        response.headers["HX-Replace-Url"] = f"{request.path}?{query}" if query else request.path
        return response
    return render(request, "protection/calculator.html", context)


@require_GET
def method_page(request: HttpRequest, key: str) -> HttpResponse:
    """Show how a calculator calculates: equation, source, validity, as the library states them."""
    staff_of(request, WHAT)
    item = _calculator(key)
    context = {
        "calculator": item, "functions": method.functions(item), "page": method.page(item),
        "rows": sorted({r.dataset for r in item.rows()}),
        "crumbs": [*CRUMBS, (item.title, reverse("calculator", args=[key])), ("Method", "")],
    }  # fmt: skip
    return render(request, "protection/method.html", context)


def _number(text: str) -> str:
    """Return the number of a saved calculation, or nothing where the text is none."""
    return text if text.isascii() and text.isdecimal() and len(text) < 19 else ""


def _replaced(request: HttpRequest) -> SavedCalculation | None:
    text = request.GET.get("replaces", "")
    if not text:
        return None
    number = _number(text)
    found = SavedCalculation.objects.filter(pk=number).first() if number else None
    if found is None:
        raise Http404
    return found


@require_http_methods(["GET", "POST"])
def save(request: HttpRequest, key: str) -> HttpResponse:
    """Keep the calculation the address describes, under a title."""
    person = staff_of(request, WHAT)
    item = _calculator(key)
    given = item.given(request.GET)
    made = worked(item, given).made
    back = f"{reverse('calculator', args=[key])}?{request.GET.urlencode()}"
    if made is None:
        return redirect(back)
    old = _replaced(request)
    initial = {"title": old.title, "about": old.about, "system": old.system_id,
               "room": old.room_id} if old else {"title": item.title}  # fmt: skip
    form = SaveForm(request.POST or None, initial=initial, replaces=old)
    if request.method == "POST" and form.is_valid():
        try:
            row = calculation_save(
                by=person, calculator=key, given=given, replaces=old, **form.cleaned_data
            )
        except InputError as error:
            form.add_error(None, error.message)
        else:
            messages.success(request, f"“{row.title}” is kept.")
            return redirect("calculation", row.pk)
    context: dict[str, Any] = {
        "form": form, "title": "Keep this calculation", "verb": "Keep", "back": back,
        "lede": f"{made.title}: {headline(made)}",
        "crumbs": [*CRUMBS, (item.title, back), ("Keep", "")],
    }  # fmt: skip
    return render(request, "web/form.html", context, status=422 if form.errors else 200)
