"""Pages of dose alerts."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from kerma.core import InputError
from kerma.core.typeset import pretty_unit
from kerma.service.doses.access import reader_of
from kerma.service.doses.alerts import forms, selectors, services
from kerma.service.doses.columns import system_mark
from kerma.service.doses.models import Alert, AlertRule
from kerma.service.people.entitlement import may
from kerma.service.records import log
from kerma.service.records import selectors as records
from kerma.service.web.components.marks import badge
from kerma.service.web.components.numbers import day, moment, number
from kerma.service.web.tables import Column, Table

TONE = {"raised": "bad", "acknowledged": "warn", "investigated": "accent", "closed": ""}
CRUMBS = [("Patient dose", "/doses/")]


def _state(alert: Alert) -> SafeString:
    return badge(alert.get_state_display(), TONE[alert.state])


def _value(alert: Alert) -> SafeString:
    return format_html("{} {}", number(alert.value), pretty_unit(alert.unit))


def _columns() -> list[Column[Alert]]:
    return [
        Column("raised", "Raised", lambda a: a.raised_at, ("raised_at",),
               html=lambda a: moment(a.raised_at), nowrap=True),
        Column("rule", "Threshold", lambda a: a.rule.name, ("rule__name",),
               url=lambda a: reverse("alert", args=[a.pk])),
        Column("value", "Dose", lambda a: a.value, ("value",), num=True, html=_value),
        Column("system", "System", lambda a: str(a.study.system or ""), ("study__system__asset",),
               html=lambda a: system_mark(a.study)),
        Column("study", "Examination", lambda a: a.study.description, ("study__description",),
               url=lambda a: reverse("study", args=[a.study_id])),
        Column("date", "Of", lambda a: a.study.date, ("study__date",),
               html=lambda a: day(a.study.date), nowrap=True),
        Column("state", "State", lambda a: a.get_state_display(), ("state",), html=_state),
        Column("incident", "Incident", lambda a: a.incident, soft=True),
    ]  # fmt: skip


@require_GET
def alerts(request: HttpRequest) -> HttpResponse:
    """List the alerts."""
    person = reader_of(request)
    form = forms.AlertFilter(request.GET)
    rows = selectors.filtered(selectors.alerts(person), form.chosen())
    table: Table[Alert] = Table(
        request, rows, _columns(), name="dose-alerts", default="-raised", noun="alerts"
    )
    if table.wanted:
        return table.file()
    context = {
        "table": table, "form": form, "crumbs": [*CRUMBS, ("Alerts", "")],
        "may_configure": may("configure", by=person, work="doses").allowed,
    }  # fmt: skip
    return render(request, "doses/alerts.html", context)


@require_http_methods(["GET", "POST"])
def alert(request: HttpRequest, pk: int) -> HttpResponse:
    """Show an alert, what was done about it, and take an answer."""
    person = reader_of(request)
    item = get_object_or_404(selectors.alerts(person), pk=pk)
    form = forms.AnswerForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            services.alert_answer(by=person, alert=item, **form.cleaned_data)
        except InputError as error:
            form.add_error(None, error.message)
        else:
            messages.success(request, "Recorded.")
            return redirect("alert", pk)
    context = {
        "alert": item, "tone": TONE[item.state], "form": form,
        "entries": item.entries.select_related("by"),
        "others": [pk for pk in item.studies if pk != item.study_id],
        "answer": may("answer", by=person, work="doses"),
        "history": records.history(log.subject_of(item))[:50],
        "crumbs": [*CRUMBS, ("Alerts", reverse("alerts")), (item.rule.name, "")],
    }  # fmt: skip
    return render(request, "doses/alert.html", context, status=422 if form.errors else 200)


@require_http_methods(["GET", "POST"])
def rules(request: HttpRequest) -> HttpResponse:
    """List the thresholds; set a new one."""
    person = reader_of(request)
    form = forms.RuleForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        data = {k: v for k, v in form.cleaned_data.items() if v not in (None, "")}
        try:
            rule = services.rule_set(by=person, **data)
        except InputError as error:
            form.add_error(None, error.message)
        else:
            messages.success(request, f"In force: {rule.name}.")
            return redirect("alert-rules")
    context = {
        "rules": AlertRule.objects.filter(ended_at=None).select_related(
            "standard", "system", "employer", "set_by"
        ),
        "form": form, "may_configure": may("configure", by=person, work="doses"),
        "crumbs": [*CRUMBS, ("Alerts", reverse("alerts")), ("Thresholds", "")],
    }  # fmt: skip
    return render(request, "doses/alert_rules.html", context, status=422 if form.errors else 200)


@require_POST
def rule_end(request: HttpRequest, pk: int) -> HttpResponse:
    """Take a threshold out of force."""
    rule = get_object_or_404(AlertRule, pk=pk)
    services.rule_end(by=reader_of(request), rule=rule)
    return redirect("alert-rules")
