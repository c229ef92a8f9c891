"""Pages of dose audits and local levels."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from kerma.core import InputError
from kerma.doses.audit import Result
from kerma.service.doses.access import reader_of
from kerma.service.doses.audits import forms, services
from kerma.service.doses.models import Audit, LocalLevel
from kerma.service.estate.models import System
from kerma.service.people.entitlement import may
from kerma.service.people.models import Person
from kerma.service.records import log
from kerma.service.records.papers.selectors import of_subject
from kerma.service.web.components.numbers import day, number
from kerma.service.web.form_page import form_page
from kerma.service.web.tables import Column, Table

CRUMBS = [("Patient dose", "/doses/")]


def _columns() -> list[Column[Audit]]:
    return [
        Column("title", "Audit", lambda a: str(a.standard), ("standard__title",),
               url=lambda a: reverse("audit", args=[a.pk])),
        Column("quantity", "Dose", lambda a: a.get_quantity_display(), ("quantity",)),
        Column("employer", "Employer", lambda a: a.employer.name, ("employer__name",), soft=True),
        Column("since", "From", lambda a: a.since, ("since",), html=lambda a: day(a.since)),
        Column("until", "To", lambda a: a.until, ("until",), html=lambda a: day(a.until)),
        Column("by", "By", lambda a: a.by.name, ("by__name",), soft=True),
        Column("at", "Computed", lambda a: a.at, ("at",), html=lambda a: day(a.at)),
    ]  # fmt: skip


def _band(level: LocalLevel) -> str:
    return ", ".join(filter(None, (level.age_band, level.mass_band))) or "all"


def _level_columns() -> list[Column[LocalLevel]]:
    return [
        Column("standard", "Examination", lambda v: str(v.standard), ("standard__title",),
               url=lambda v: reverse("audit", args=[v.audit_id])),
        Column("employer", "Employer", lambda v: v.employer.name, ("employer__name",), soft=True),
        Column("quantity", "Dose", lambda v: v.get_quantity_display(), ("quantity",)),
        Column("band", "Band", _band),
        Column("value", "Level", lambda v: v.value, ("value",), num=True,
               html=lambda v: f"{number(v.value)} {v.unit}"),
        Column("rooms", "Rooms", lambda v: v.count, ("count",), num=True),
        Column("valid_from", "From", lambda v: v.valid_from, ("valid_from",),
               html=lambda v: day(v.valid_from)),
        Column("ended", "Until", lambda v: v.ended_on, ("ended_on",),
               html=lambda v: day(v.ended_on)),
    ]  # fmt: skip


@require_GET
def audits(request: HttpRequest) -> HttpResponse:
    """List the audits, and the local levels in force."""
    person = reader_of(request)
    rows = Audit.objects.select_related("standard", "employer", "by").defer("result")
    table: Table[Audit] = Table(
        request, rows, _columns(), name="audits", default="-at", noun="audits"
    )
    if table.wanted:
        return table.file()
    levels = LocalLevel.objects.filter(ended_on=None).select_related("standard", "employer")
    context = {
        "table": table, "levels": levels, "may_make": may("perform", by=person, work="dose_audit"),
        "crumbs": [*CRUMBS, ("Audits", "")],
    }  # fmt: skip
    return render(request, "doses/audits.html", context)


@require_GET
def levels(request: HttpRequest) -> HttpResponse:
    """List every local level there has been, with the audit it comes from."""
    reader_of(request)
    rows = LocalLevel.objects.select_related("standard", "employer", "audit")
    table: Table[LocalLevel] = Table(
        request, rows, _level_columns(), name="local-levels", default="standard", noun="levels"
    )
    if table.wanted:
        return table.file()
    context = {"table": table, "crumbs": [*CRUMBS, ("Audits", reverse("audits")), ("Levels", "")]}
    return render(request, "doses/levels.html", context)


@require_http_methods(["GET", "POST"])
def new(request: HttpRequest) -> HttpResponse:
    """Work out a new audit."""
    person = reader_of(request)
    form = forms.AuditForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            made = services.audit_make(by=person, **form.cleaned_data)
        except InputError as error:
            form.add_error(None, error.message)
        else:
            return redirect("audit", made.pk)
    context = {
        "form": form, "title": "New dose audit", "verb": "Work it out", "back": reverse("audits"),
        "lede": "Medians of each room over a period, beside the national level in force.",
        "crumbs": [*CRUMBS, ("Audits", reverse("audits")), ("New", "")],
    }  # fmt: skip
    return render(request, "web/form.html", context, status=422 if form.errors else 200)


def _audit(request: HttpRequest, pk: int) -> tuple[Person, Audit]:
    person = reader_of(request)
    rows = Audit.objects.select_related("standard", "employer", "by")
    return person, get_object_or_404(rows, pk=pk)


@require_GET
def audit(request: HttpRequest, pk: int) -> HttpResponse:
    """Show an audit: rooms, local level, what was left out, and its papers."""
    person, item = _audit(request, pk)
    found = Result.from_dict(item.result)
    titles = {s.asset: f"{s.asset} {s.name}" for s in System.objects.only("asset", "name")}
    context = {
        "audit": item, "found": found, "several": len(found.bands) > 1,
        "rooms": [(titles.get(r.system, r.system), r) for r in found.rooms],
        "papers": of_subject(log.subject_of(item)),
        "adopted": item.levels.all(),
        "may_write": may("perform", by=person, work="dose_audit"),
        "may_adopt": may("approve", by=person, work="dose_audit", employer=item.employer.key,
                         employer_name=item.employer.name, modality=item.standard.modality),
        "issued": services.issue_of(item) is not None,
        "adopt_form": forms.AdoptForm(),
        "crumbs": [*CRUMBS, ("Audits", reverse("audits")), (item.standard.title, "")],
    }  # fmt: skip
    return render(request, "doses/audit.html", context)


@require_http_methods(["GET", "POST"])
def write(request: HttpRequest, pk: int) -> HttpResponse:
    """Write the audit's paper in one's own words; it then goes its way of checks and approval."""
    person, item = _audit(request, pk)

    def save(data: dict[str, object]) -> None:
        paper = services.audit_write(by=person, item=item, **data)  # type: ignore[arg-type]
        messages.success(request, f"The paper {paper.report.number} is drafted.")

    back = reverse("audit", args=[pk])
    return form_page(
        request, forms.WriteForm(request.POST or None), save, title="Write the paper",
        verb="Draft it", back=back,
        crumbs=[*CRUMBS, ("Audits", reverse("audits")), (item.standard.title, back), ("Write", "")],
    )  # fmt: skip


@require_POST
def adopt(request: HttpRequest, pk: int) -> HttpResponse:
    """Put the levels of an issued audit in force."""
    person, item = _audit(request, pk)
    form = forms.AdoptForm(request.POST)
    if not form.is_valid():
        raise InputError("Give the day from which the levels hold.", code="blank")
    made = services.levels_adopt(by=person, item=item, **form.cleaned_data)
    messages.success(request, f"{len(made)} local level{'s' * (len(made) != 1)} adopted.")
    return redirect("audit", pk)
