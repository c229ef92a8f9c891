"""Pages of saved calculations: the list, one as it was made, made again, written up."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.html import format_html
from django.views.decorators.http import require_GET, require_http_methods

from kerma.core import InputError
from kerma.core.quantity import quantity as of
from kerma.service.people.access import staff_of
from kerma.service.people.entitlement import may
from kerma.service.people.models import Person
from kerma.service.protection.calculators import papers, selectors, shown
from kerma.service.protection.calculators.again import make_again, stored, worth_a_look
from kerma.service.protection.calculators.forms import CalculationFilter, PaperForm
from kerma.service.protection.calculators.kinds import calculators
from kerma.service.protection.calculators.services import WORK
from kerma.service.protection.calculators.states import changed_rows
from kerma.service.protection.calculators.typed import typed
from kerma.service.protection.calculators.views import CRUMBS, WHAT
from kerma.service.protection.models import CalculationPaper, SavedCalculation
from kerma.service.records import log
from kerma.service.records.models import Paper
from kerma.service.records.selectors import history
from kerma.service.web.components.marks import badge
from kerma.service.web.components.numbers import day, quantity
from kerma.service.web.tables import Column, Table

SAVED = ("Saved", "/protection/calculators/saved/")


def _kind(row: SavedCalculation) -> str:
    held = calculators().get(row.calculator)
    return held.title if held else row.calculator


def _where(row: SavedCalculation) -> str:
    return str(row.system or row.room or "")


def _state(row: SavedCalculation) -> str:
    n = len(changed_rows(row.rests_on))
    return f"{n} row{'s' * (n != 1)} changed" if n else "as then"


def _tick(row: SavedCalculation) -> object:
    return format_html(
        '<input type="checkbox" name="c" value="{}" form="write-up" aria-label="Take “{}”">',
        row.pk, row.title,
    )  # fmt: skip


def _columns(*, ticking: bool) -> list[Column[SavedCalculation]]:
    C: Callable[..., Column[SavedCalculation]] = Column
    tick = [C("tick", "Take", lambda r: "", html=_tick, in_file=False)] if ticking else []
    return [
        *tick,
        C("title", "Calculation", lambda r: r.title, ("title",),
          url=lambda r: reverse("calculation", args=[r.pk])),
        C("calculator", "Calculator", _kind, ("calculator",), soft=True),
        C("value", "Value", lambda r: r.value, num=True,
          html=lambda r: quantity(of(r.value, r.unit, r.u))),
        C("u", "Standard uncertainty", lambda r: r.u, on_page=False),
        C("unit", "Unit", lambda r: r.unit, on_page=False),
        C("about", "About", _where, ("system__asset", "room__name"), soft=True),
        C("by", "By", lambda r: r.by.name, ("by__name",), soft=True),
        C("at", "Made", lambda r: r.at, ("at",), html=lambda r: day(r.at), nowrap=True),
        C("data", "Reference data", _state,
          html=lambda r: badge(s, "warn") if (s := _state(r)) != "as then" else s, soft=True),
        C("sha256", "SHA-256", lambda r: r.result_sha256, on_page=False),
    ]  # fmt: skip


@require_GET
def saved(request: HttpRequest) -> HttpResponse:
    """List saved calculations; those whose rows have another content now are marked."""
    person = staff_of(request, WHAT)
    form = CalculationFilter(request.GET or None)
    query = form.cleaned_data if form.is_valid() else {}
    may_write = may("perform", by=person, work=WORK)
    rows = selectors.filtered(selectors.calculations(), query, person)
    table: Table[SavedCalculation] = Table(
        request, rows, _columns(ticking=may_write.allowed), name="calculations", default="-at",
        noun="calculations",
    )  # fmt: skip
    if table.wanted:
        return table.file()
    context = {
        "table": table, "form": form, "may_write": may_write, "filtered": any(query.values()),
        "crumbs": [*CRUMBS, ("Saved", "")],
    }  # fmt: skip
    return render(request, "protection/saved.html", context)


def _row(pk: int) -> SavedCalculation:
    rows = SavedCalculation.objects.select_related("by", "system", "room__site", "replaces")
    return get_object_or_404(rows, pk=pk)


@require_GET
def calculation(request: HttpRequest, pk: int) -> HttpResponse:
    """Show a calculation as it was made, and whether it would come out the same today."""
    person = staff_of(request, WHAT)
    row = _row(pk)
    made = stored(row)
    held = calculators().get(row.calculator)
    again = request.GET.get("again") == "1" or worth_a_look(row)
    context = {
        "row": row, "result": shown.result(made, held.others if held else {}),
        "calculator": held, "query": shown.address(row.inputs),
        "kind": _kind(row), "typed": typed(row), "again": make_again(row) if again else None,
        "replaced_by": row.replaced_by.all(),
        "papers": CalculationPaper.objects.filter(calculation=row).select_related(
            "paper__report", "paper__author"),
        "may_save": may("perform", by=person, work=WORK),
        "history": history(log.subject_of(row))[:20],
        "record": {"id": f"Calculation {row.pk}", "version": row.version,
                   "hash": row.result_sha256[:16]},
        "crumbs": [*CRUMBS, SAVED, (row.title, "")],
    }  # fmt: skip
    part = getattr(request, "htmx", False)
    template = "protection/_again.html" if part else "protection/calculation.html"
    return render(request, template, context)


@require_GET
def record(request: HttpRequest, pk: int) -> HttpResponse:
    """Send a saved calculation as a file: what was typed, and all that came of it."""
    from django.http import JsonResponse

    staff_of(request, WHAT)
    row = _row(pk)
    made = stored(row)
    answer = JsonResponse(
        {"calculator": row.calculator, "title": row.title, "inputs": row.inputs,
         "sha256": row.result_sha256, "calculation": made.as_dict(), "text": made.text()},
        json_dumps_params={"indent": 1, "ensure_ascii": False},
    )  # fmt: skip
    answer.headers["Content-Disposition"] = f'attachment; filename="calculation-{pk}.json"'
    return answer


def _chosen(request: HttpRequest) -> list[SavedCalculation]:
    numbers = [int(n) for n in request.GET.getlist("c") if n.isdecimal() and len(n) < 19]
    found = SavedCalculation.objects.select_related("system__room__site", "room__site", "by")
    held = found.in_bulk(numbers)
    return [held[n] for n in dict.fromkeys(numbers) if n in held]


def _paper(request: HttpRequest, pk: int | None) -> Paper | None:
    if pk is None:
        return None
    item = get_object_or_404(
        Paper.objects.select_related("report__employer", "author"),
        pk=pk,
        subject__startswith="savedcalculation:",
    )
    if item.state not in ("draft", "issued"):
        raise Http404
    return item


@require_http_methods(["GET", "POST"])
def write(request: HttpRequest, pk: int | None = None) -> HttpResponse:
    """Write a paper of the calculations chosen; with `pk`, write a draft again or amend it."""
    person: Person = staff_of(request, WHAT)
    paper = _paper(request, pk)
    rows = papers.calculations_of(paper) if paper else _chosen(request)
    back = reverse("paper", args=[pk]) if pk else reverse("calculations")
    if not rows:
        messages.error(request, "Tick at least one calculation to write up.")
        return redirect(back)
    amends = bool(paper and paper.state == "issued")
    form = PaperForm(
        request.POST or None, amends=amends, again=paper is not None,
        initial=papers.initial(rows, paper),
    )  # fmt: skip
    if request.method == "POST" and form.is_valid():
        try:
            made = papers.paper_write_up(by=person, rows=rows, paper=paper, **form.cleaned_data)
        except InputError as error:
            form.add_error(None, error.message)
        else:
            messages.success(request, f"The paper {made.report.number} is drafted.")
            return redirect("paper", made.pk)
    context: dict[str, Any] = {
        "form": form, "rows": papers.readiness(rows), "back": back, "paper": paper,
        "amends": amends, "crumbs": [*CRUMBS, SAVED, ("Write up", "")],
    }  # fmt: skip
    return render(request, "protection/write_up.html", context, status=422 if form.errors else 200)
