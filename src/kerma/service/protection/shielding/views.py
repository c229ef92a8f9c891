"""Pages of shielding designs: the list, one design, its versions and papers."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from kerma.core import InputError
from kerma.physics.shielding.plan.document import METHODS
from kerma.service.estate import selectors as estate
from kerma.service.people.access import staff_of
from kerma.service.people.entitlement import may
from kerma.service.people.models import Person
from kerma.service.protection.models import Design, DesignVersion
from kerma.service.protection.shielding import drawing, forms, selectors, services, shown, working
from kerma.service.protection.shielding.in_force import in_force
from kerma.service.protection.shielding.recheck import of_design
from kerma.service.records import log
from kerma.service.records.papers.selectors import of_subject
from kerma.service.web.components.numbers import day
from kerma.service.web.form_page import form_page
from kerma.service.web.tables import Column, Table

CRUMBS = [("Staff & protection", "/people/")]
_WHAT = "Shielding designs"


def design_of(request: HttpRequest, pk: int) -> tuple[Person, Design]:
    """Return the person asking and a design they may see."""
    person = staff_of(request, _WHAT)
    return person, get_object_or_404(selectors.designs(person), pk=pk)


def crumbs_of(design: Design, last: str = "") -> list[tuple[str, str]]:
    """Return the way to a design's page, or to one below it."""
    here = reverse("design", args=[design.pk]) if last else ""
    found = [*CRUMBS, ("Shielding", reverse("shielding")), (design.title, here)]
    return [*found, (last, "")] if last else found


def rights(person: Person, design: Design) -> Any:
    """Return whether a person may work on a design, and why not."""
    return may("perform", by=person, work=services.WORK, employer=design.employer.key,
               employer_name=design.employer.name)  # fmt: skip


def _columns() -> list[Column[Design]]:
    return [
        Column("title", "Design", lambda d: d.title, ("title",),
               url=lambda d: reverse("design", args=[d.pk])),
        Column("site", "Site", lambda d: d.site.name, ("site__name",), soft=True),
        Column("employer", "Employer", lambda d: d.employer.name, ("employer__name",), soft=True),
        Column("saved_at", "Drawing saved", lambda d: d.drawing.saved_at, ("drawing__saved_at",),
               html=lambda d: day(d.drawing.saved_at)),
        Column("saved_by", "By", lambda d: d.drawing.saved_by.name, soft=True),
        Column("opened_at", "Opened", lambda d: d.opened_at, ("opened_at",),
               html=lambda d: day(d.opened_at)),
    ]  # fmt: skip


@require_GET
def designs(request: HttpRequest) -> HttpResponse:
    """List the designs."""
    person = staff_of(request, _WHAT)
    sites = [(s.key, s.name) for s in estate.sites(person)]
    form = forms.DesignFilter(request.GET, sites=sites)
    query = {k: v for k, v in request.GET.items() if isinstance(v, str)}
    table: Table[Design] = Table(
        request, selectors.filtered(selectors.designs(person), query), _columns(),
        name="shielding-designs", default="-saved_at", noun="designs",
    )  # fmt: skip
    if table.wanted:
        return table.file()
    context = {
        "table": table, "filter": form, "filtered": any(query.get(k) for k in ("q", "site")),
        "may_open": may("perform", by=person, work=services.WORK),
        "crumbs": [*CRUMBS, ("Shielding", "")],
    }  # fmt: skip
    return render(request, "protection/designs.html", context)


@require_http_methods(["GET", "POST"])
def new(request: HttpRequest) -> HttpResponse:
    """Open a design."""
    person = staff_of(request, _WHAT)
    form = forms.DesignForm(request.POST or None, sites=estate.sites(person))
    if request.method == "POST" and form.is_valid():
        try:
            made = services.design_open(by=person, **form.cleaned_data)
        except InputError as error:
            form.add_error(None, error.message)
        else:
            return redirect("design-draw", made.pk)
    context = {
        "form": form, "title": "New shielding design", "verb": "Open the drawing",
        "back": reverse("shielding"),
        "lede": "One method holds for all barriers of a design and is printed in its report.",
        "crumbs": [*CRUMBS, ("Shielding", reverse("shielding")), ("New", "")],
    }  # fmt: skip
    return render(request, "web/form.html", context, status=422 if form.errors else 200)


@require_GET
def design(request: HttpRequest, pk: int) -> HttpResponse:
    """Show a design: how it stands, what it needs, its versions and papers."""
    person, item = design_of(request, pk)
    sheet = drawing.read(item.drawing.document)
    found = working.worked(sheet)
    context = {
        "design": item, "sheet": sheet, "found": found, "assessment": found.assessment,
        "notes": [f for f in found.faults if not f.blocking],
        "barriers": shown.barriers(sheet.plan, found.assessment),
        "otherwise": shown.otherwise(found.assessment), "later": shown.afterwards(found.assessment),
        "pictures": shown.pictures(sheet, found.assessment),
        "kermas": f"highest air kerma in mGy per {sheet.plan.period}",
        "method": METHODS[sheet.plan.method], "period": sheet.plan.period,
        "versions": item.versions.select_related("by").defer("document", "assessment"),
        "papers": selectors.papers(item), "in_force": in_force([item.pk]).get(item.pk),
        "rooms": item.rooms.all(), "recheck": of_design(item), "may_draw": rights(person, item),
        "keep_form": forms.KeepForm(), "crumbs": crumbs_of(item),
    }  # fmt: skip
    return render(request, "protection/design.html", context)


@require_POST
def keep(request: HttpRequest, pk: int) -> HttpResponse:
    """Keep the drawing as a version."""
    person, item = design_of(request, pk)
    form = forms.KeepForm(request.POST)
    note = form.cleaned_data["note"] if form.is_valid() else ""
    try:
        version = services.version_keep(by=person, design=item, note=note)
    except InputError as error:
        messages.error(request, error.message)
        return redirect("design", pk)
    messages.success(request, f"Version {version.number} is kept.")
    return redirect("design-version", version.pk)


def version_of(request: HttpRequest, pk: int) -> tuple[Person, DesignVersion]:
    """Return the person asking and a version of a design they may see."""
    person = staff_of(request, _WHAT)
    rows = DesignVersion.objects.filter(design__in=selectors.designs(person))
    return person, get_object_or_404(rows.select_related("design__site__employer", "by"), pk=pk)


@require_GET
def version(request: HttpRequest, pk: int) -> HttpResponse:
    """Show a version as it was kept, and whether it would come out the same today."""
    person, item = version_of(request, pk)
    services.require_whole(item)
    sheet = drawing.read(item.document)
    again = working.worked(sheet)
    context = {
        "version": item, "design": item.design, "sheet": sheet, "assessment": item.assessment,
        "notes": item.assessment["faults"],
        "barriers": shown.barriers(sheet.plan, item.assessment),
        "otherwise": shown.otherwise(item.assessment), "later": shown.afterwards(item.assessment),
        "pictures": shown.pictures(sheet, item.assessment),
        "kermas": f"highest air kerma in mGy per {sheet.plan.period}",
        "method": METHODS[sheet.plan.method], "period": sheet.plan.period,
        "changes": shown.changes(item.assessment, again.assessment),
        "papers": of_subject(log.subject_of(item)), "measured": item.measured.all(),
        "may_draw": rights(person, item.design),
        "crumbs": crumbs_of(item.design, f"Version {item.number}"),
    }  # fmt: skip
    return render(request, "protection/design_version.html", context)


@require_http_methods(["GET", "POST"])
def write(request: HttpRequest, pk: int) -> HttpResponse:
    """Write the paper of a version."""
    from kerma.service.protection.shielding import papers

    person, item = version_of(request, pk)
    services.entitled(person, item.design)
    form = forms.WriteForm(request.POST or None)

    def save(data: dict[str, Any]) -> None:
        made = papers.design_write(by=person, version=item, **data)
        messages.success(request, f"{made.report.number} is drafted.")

    return form_page(
        request, form, save, title=f"Report of {item}", verb="Draft the report",
        back=reverse("design-version", args=[pk]),
        crumbs=crumbs_of(item.design, f"Version {item.number}"),
        lede="The findings, the schedule for the builder and the technical annex are added.",
    )  # fmt: skip
