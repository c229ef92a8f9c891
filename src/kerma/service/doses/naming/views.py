"""Pages of the standard names."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_POST

from kerma.core import InputError
from kerma.service.doses import edits
from kerma.service.doses import selectors as doses
from kerma.service.doses.access import reader_of
from kerma.service.doses.models import NameRule, NamingVersion, StudyEdit
from kerma.service.doses.naming import forms, selectors, services
from kerma.service.people.entitlement import may
from kerma.service.web.form_page import form_page

CRUMBS = [("Patient dose", "/doses/")]


@require_GET
def names(request: HttpRequest) -> HttpResponse:
    """Show what has a name, what has none, and what a description may mean."""
    person = reader_of(request)
    context = {
        "standing": selectors.standing(), "standards": selectors.standards(),
        "unnamed": selectors.unnamed(), "may_name": may("perform", by=person, work="dose_audit"),
        "versions": NamingVersion.objects.select_related("by").defer("rules")[:20],
        "rule_form": forms.RuleForm(initial={"text": request.GET.get("text", "")}),
        "publish_form": forms.PublishForm(), "crumbs": [*CRUMBS, ("Names", "")],
    }  # fmt: skip
    return render(request, "doses/names.html", context)


def standard(request: HttpRequest) -> HttpResponse:
    """Add a standard name."""
    person = reader_of(request)
    return form_page(
        request, forms.StandardForm(request.POST or None),
        lambda data: services.standard_add(by=person, **data),
        title="New standard name", verb="Add", back=reverse("names"),
        crumbs=[*CRUMBS, ("Names", reverse("names")), ("New", "")],
    )  # fmt: skip


@require_POST
def rule(request: HttpRequest) -> HttpResponse:
    """Add a rule."""
    form = forms.RuleForm(request.POST)
    if not form.is_valid():
        raise InputError("Choose what the words mean, and give the words.", code="blank")
    made = services.rule_add(by=reader_of(request), **form.cleaned_data)
    messages.success(request, f"{made} means {made.standard}, once it is published.")
    return redirect("names")


@require_POST
def rule_remove(request: HttpRequest, pk: int) -> HttpResponse:
    """Take a rule out."""
    found = get_object_or_404(NameRule, pk=pk, removed_at=None)
    services.rule_remove(by=reader_of(request), rule=found)
    return redirect("names")


@require_POST
def publish(request: HttpRequest) -> HttpResponse:
    """Publish the rules as the next version."""
    form = forms.PublishForm(request.POST)
    if not form.is_valid():
        raise InputError("Say what changed in the names.", code="no-reason")
    version = services.publish(by=reader_of(request), **form.cleaned_data)
    messages.success(request, f"Version {version.number}: {version.named} studies named.")
    return redirect("names")


def correct(request: HttpRequest, pk: int) -> HttpResponse:
    """Correct one fact of a study; the correction stands over what its devices send."""
    person = reader_of(request)
    item = get_object_or_404(doses.studies(person), pk=pk)
    back = reverse("study", args=[pk])
    return form_page(
        request, forms.CorrectionForm(request.POST or None, fields=StudyEdit.FIELDS),
        lambda data: edits.study_correct(by=person, study=item, **data),
        title="Correct a fact of this study", verb="Correct", back=back,
        lede="What the devices sent is kept; the correction is printed with its reason.",
        crumbs=[*CRUMBS, (f"{item.modality} study", back), ("Correct", "")],
    )  # fmt: skip
