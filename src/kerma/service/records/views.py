"""Pages of reports and actions, and the two addresses machines ask for."""

from __future__ import annotations

from django.contrib import messages
from django.contrib.auth.decorators import login_not_required
from django.db import connection
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.templatetags.static import static
from django.utils import timezone
from django.views.decorators.http import require_GET, require_http_methods, require_safe

from kerma.core import InputError
from kerma.core.provenance import canonical
from kerma.service.people.access import person_of
from kerma.service.people.entitlement import may
from kerma.service.people.models import Person
from kerma.service.records import forms, log, reading, selectors, services, store
from kerma.service.records.columns import ACTION_TONE, action_columns, issue_columns
from kerma.service.records.models import Action, Attachment, Issue
from kerma.service.records.today import today_of
from kerma.service.web.tables import Table


@require_safe
@login_not_required
def healthz(request: HttpRequest) -> HttpResponse:
    """Say that the service and its database answer."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
    return HttpResponse("ok", content_type="text/plain")


@require_safe
@login_not_required
def favicon(request: HttpRequest) -> HttpResponse:
    """Lead browsers that ask for the old address to the icon."""
    return redirect(static("web/kerma.svg"), permanent=True)


@require_GET
def today(request: HttpRequest) -> HttpResponse:
    """Show what needs this person now."""
    person = person_of(request)
    return render(request, "records/today.html", today_of(person))


@require_GET
def reports(request: HttpRequest) -> HttpResponse:
    """List the issued reports."""
    person = person_of(request)
    form = forms.IssueFilter(request.GET, employers=selectors.employers(person))
    query = form.cleaned_data if form.is_valid() else {}
    table: Table[Issue] = Table(
        request,
        selectors.issues_filtered(selectors.issue_list(person), query),
        issue_columns(),
        name="reports",
        default="-issued",
        noun="issues",
        prepare=selectors.recommendations,
    )
    if table.wanted:
        return table.file()
    context = {"table": table, "form": form, "crumbs": [*_quality(), ("Reports", "")]}
    return render(request, "records/reports.html", context)


def _quality() -> list[tuple[str, str]]:
    return [("Quality", "/quality/")]


def _issue(request: HttpRequest, pk: int) -> Issue:
    rows = selectors.issues(person_of(request)).select_related("supersedes", "superseded_by")
    return get_object_or_404(rows, pk=pk)


@require_GET
def issue(request: HttpRequest, pk: int) -> HttpResponse:
    """Show an issue: what it says, who signed it, what it rests on, and what came of it."""
    item = _issue(request, pk)
    person = person_of(request)
    system = item.report.system
    context = {
        "issue": item,
        "later": getattr(item, "superseded_by", None),
        "staff": not person.is_hospital,
        "recommendation": reading.recommendation_of(item),
        "headline": item.content.get("headline", {}),
        "summary": item.content.get("summary", []),
        "facts": reading.identification(item),
        "agrees": reading.agrees(item),
        "signed": reading.signatures_of(item),
        "counts": reading.counts_of(item),
        "findings": reading.findings_of(item),
        "sources": reading.sources_of(item),
        "actions": selectors.actions(person).filter(issue=item),
        "extract": reading.extract(item),
        "record": {
            "id": item.report.number, "version": item.number, "hash": item.content_sha256
        },
        "crumbs": [
            *([("Equipment", "/equipment/"), (str(system), f"/equipment/{system.asset}/")]
              if system else _quality()),
            ("Reports", f"/reports/?q={item.report.number}"),
            (str(item), ""),
        ],
    }  # fmt: skip
    return render(request, "records/issue.html", context)


@require_GET
def issue_pdf(request: HttpRequest, pk: int) -> HttpResponse:
    """Send the report as it was issued; a file that is not what was kept is never sent."""
    item = _issue(request, pk)
    response = HttpResponse(store.read(item.document), content_type="application/pdf")
    response.headers["Content-Disposition"] = f'inline; filename="{item.document.name}"'
    return response


@require_GET
def issue_content(request: HttpRequest, pk: int) -> HttpResponse:
    """Send the signed content: the SHA-256 of these bytes is the hash that was signed."""
    item = _issue(request, pk)
    response = HttpResponse(canonical(item.content), content_type="application/json")
    name = f"{item.report.number}-issue-{item.number}.json"
    response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    return response


@require_GET
def actions(request: HttpRequest) -> HttpResponse:
    """List the actions."""
    person = person_of(request)
    form = forms.ActionFilter(request.GET, employers=selectors.employers(person))
    query = form.cleaned_data if form.is_valid() else {}
    table: Table[Action] = Table(
        request,
        selectors.actions_filtered(selectors.actions(person), query, timezone.localdate()),
        action_columns(),
        name="actions",
        default="priority",
        noun="actions",
    )
    if table.wanted:
        return table.file()
    context = {"table": table, "form": form, "crumbs": [*_quality(), ("Actions", "")]}
    return render(request, "records/actions.html", context)


def _action(person: Person, pk: int) -> Action:
    return get_object_or_404(selectors.actions(person), pk=pk)


@require_http_methods(["GET", "POST"])
def action(request: HttpRequest, pk: int) -> HttpResponse:
    """Show an action with its responses; a response is added here."""
    person = person_of(request)
    item = _action(person, pk)
    may_close = may("close", by=person, work="action").allowed
    form = forms.ResponseForm(request.POST or None, request.FILES or None, may_close=may_close)
    if request.method == "POST" and form.is_valid():
        file = form.cleaned_data["evidence"]
        try:
            services.action_answer(
                by=person,
                action=item,
                text=form.cleaned_data["text"],
                status=form.cleaned_data["status"],
                file=(file.name, file.read()) if file else None,
            )
        except InputError as error:
            form.add_error(None, error.message)
        else:
            messages.success(request, "The response is recorded.")
            return redirect("action", pk)
    context = {
        "action": item,
        "tone": ACTION_TONE[item.status],
        "form": form,
        "entries": item.entries.select_related("by", "evidence"),
        "respond": may("respond", by=person, work="action"),
        "history": selectors.history(log.subject_of(item))[:50],
        "crumbs": [*_quality(), ("Actions", "/actions/?status=open"), (f"Action {item.pk}", "")],
    }
    status = 422 if form.errors else 200
    return render(request, "records/action.html", context, status=status)


@require_GET
def evidence(request: HttpRequest, pk: int, entry: int) -> HttpResponse:
    """Send the file that came with a response, always as a download."""
    item = _action(person_of(request), pk)
    found = get_object_or_404(item.entries.select_related("evidence"), pk=entry)
    if found.evidence is None:
        raise Http404
    return download(found.evidence)


def download(attachment: Attachment) -> HttpResponse:
    """Send a kept file as a download; it is never shown inside the service's own pages."""
    response = HttpResponse(store.read(attachment), content_type="application/octet-stream")
    name = attachment.name.encode("ascii", "replace").decode().replace('"', "'")
    safe = "".join(c if c.isprintable() and c not in "\\/" else "_" for c in name)
    response.headers["Content-Disposition"] = f'attachment; filename="{safe}"'
    return response
