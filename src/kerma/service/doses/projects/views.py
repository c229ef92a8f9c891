"""Pages of optimisation projects."""

from __future__ import annotations

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_POST

from kerma.core import KermaError
from kerma.service.doses.access import reader_of
from kerma.service.doses.models import Project, StandardName
from kerma.service.doses.projects import services
from kerma.service.estate.models import Employer, System
from kerma.service.people.entitlement import may
from kerma.service.records import log
from kerma.service.records.papers.selectors import of_subject
from kerma.service.web.components.marks import badge
from kerma.service.web.components.numbers import day
from kerma.service.web.form_page import DayInput, form_page
from kerma.service.web.tables import Column, Table

CRUMBS = [("Patient dose", "/doses/")]
TONE = {"open": "warn", "evaluated": "accent", "closed": ""}
QUANTITIES = [("dlp", "DLP"), ("ctdivol", "CTDIvol of an event"), ("kap", "KAP"),
              ("dose_rp", "Dose at the reference point"), ("fluoro_time", "Fluoroscopy time"),
              ("agd", "AGD of an event")]  # fmt: skip


class ProjectForm(forms.Form):
    """One project."""

    title = forms.CharField(max_length=200)
    employer = forms.ModelChoiceField(Employer.objects.order_by("name"), empty_label="Choose")
    standard = forms.ModelChoiceField(
        StandardName.objects.filter(retired=False), label="Examination", empty_label="Choose"
    )
    system = forms.ModelChoiceField(System.objects.all(), required=False, empty_label="All")
    quantity = forms.ChoiceField(label="Dose", choices=QUANTITIES)
    aim = forms.CharField(label="What it is for", widget=forms.Textarea({"rows": 2}))
    change = forms.CharField(
        label="What was changed", required=False, widget=forms.Textarea({"rows": 2})
    )
    before_since = forms.DateField(label="Before: from", widget=DayInput)
    changed_on = forms.DateField(label="Changed on", widget=DayInput)
    after_until = forms.DateField(
        label="After: until", required=False, widget=DayInput, help_text="Empty: until now."
    )
    image_quality = forms.CharField(
        label="How it was made sure that images still serve", required=False,
        widget=forms.Textarea({"rows": 2}),
    )  # fmt: skip


class SummaryForm(forms.Form):
    """The author's words."""

    summary = forms.CharField(label="What came of it", widget=forms.Textarea({"rows": 4}))


def _columns() -> list[Column[Project]]:
    return [
        Column("title", "Project", lambda p: p.title, ("title",),
               url=lambda p: reverse("project", args=[p.pk])),
        Column("standard", "Examination", lambda p: str(p.standard), ("standard__title",)),
        Column("employer", "Employer", lambda p: p.employer.name, ("employer__name",), soft=True),
        Column("changed", "Changed", lambda p: p.changed_on, ("changed_on",),
               html=lambda p: day(p.changed_on)),
        Column("state", "State", lambda p: p.get_state_display(), ("state",),
               html=lambda p: badge(p.get_state_display(), TONE[p.state])),
    ]  # fmt: skip


@require_GET
def projects(request: HttpRequest) -> HttpResponse:
    """List the projects."""
    person = reader_of(request)
    rows = Project.objects.select_related("standard", "employer")
    table: Table[Project] = Table(
        request, rows, _columns(), name="projects", default="-changed", noun="projects"
    )
    if table.wanted:
        return table.file()
    context = {"table": table, "may_open": may("perform", by=person, work="optimisation"),
               "crumbs": [*CRUMBS, ("Optimisation", "")]}  # fmt: skip
    return render(request, "doses/projects.html", context)


def new(request: HttpRequest) -> HttpResponse:
    """Open a project."""
    person = reader_of(request)
    return form_page(
        request, ProjectForm(request.POST or None),
        lambda data: services.project_open(by=person, **data), title="New optimisation project",
        verb="Open", back=reverse("projects"),
        crumbs=[*CRUMBS, ("Optimisation", reverse("projects")), ("New", "")],
    )  # fmt: skip


@require_GET
def project(request: HttpRequest, pk: int) -> HttpResponse:
    """Show a project: aim, doses before and after, papers."""
    person = reader_of(request)
    item = get_object_or_404(
        Project.objects.select_related("standard", "employer", "system", "opened_by"), pk=pk
    )
    context = {
        "project": item, "tone": TONE[item.state], "found": services.comparison_of(item),
        "papers": of_subject(log.subject_of(item)), "form": SummaryForm(),
        "may_work": may("perform", by=person, work="optimisation"),
        "crumbs": [*CRUMBS, ("Optimisation", reverse("projects")), (item.title, "")],
    }  # fmt: skip
    return render(request, "doses/project.html", context)


@require_POST
def act(request: HttpRequest, pk: int, name: str) -> HttpResponse:
    """Evaluate, write or close; what stands in the way is said on the page."""
    person = reader_of(request)
    item = get_object_or_404(Project, pk=pk)
    try:
        if name == "evaluate":
            services.project_evaluate(by=person, project=item)
        elif name == "write":
            services.project_write(by=person, project=item,
                                   summary=request.POST.get("summary", ""))  # fmt: skip
        else:
            services.project_close(by=person, project=item)
    except KermaError as error:
        if error.code == "not-entitled":
            raise
        messages.error(request, error.message)
    else:
        messages.success(request, "Done.")
    return redirect("project", pk)
