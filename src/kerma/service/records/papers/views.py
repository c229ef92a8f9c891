"""Pages of papers: the list, one paper as it stands, its draft as PDF, its acts."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.html import format_html
from django.views.decorators.http import require_GET, require_POST

from kerma.core import KermaError
from kerma.reports.paper import Paper as Content
from kerma.reports.paper import build
from kerma.service.people.access import staff_of
from kerma.service.people.models import Person
from kerma.service.records import log, reading
from kerma.service.records import selectors as records
from kerma.service.records.models import Paper
from kerma.service.records.papers import selectors
from kerma.service.records.papers.acts import ACTS, PaperAct, unverified_rows
from kerma.service.web.components.marks import badge
from kerma.service.web.components.numbers import day
from kerma.service.web.tables import Column, Table

STATE_TONE = {"draft": "warn", "in_review": "warn", "issued": "accent", "withdrawn": ""}
_WHAT = "Papers in preparation"


class PaperFilter(forms.Form):
    """Narrow the list of papers."""

    q = forms.CharField(label="Number, title, author", required=False)
    state = forms.ChoiceField(
        required=False, choices=[("", "Any"), ("open", "Not yet issued"), *Paper.STATES]
    )


def _columns() -> list[Column[Paper]]:
    return [
        Column("number", "Report", lambda p: p.report.number, ("report__number",), nowrap=True,
               url=lambda p: reverse("paper", args=[p.pk])),
        Column("title", "About", lambda p: p.report.title, ("report__title",)),
        Column("employer", "Employer", lambda p: p.report.employer.name,
               ("report__employer__name",), soft=True),
        Column("author", "Author", lambda p: p.author.name, ("author__name",), soft=True),
        Column("opened", "Opened", lambda p: p.opened_at, ("opened_at",),
               html=lambda p: day(p.opened_at), nowrap=True),
        Column("state", "State", lambda p: p.get_state_display(), ("state",),
               html=lambda p: badge(p.get_state_display(), STATE_TONE.get(p.state, ""))),
    ]  # fmt: skip


@require_GET
def papers(request: HttpRequest) -> HttpResponse:
    """List the papers being prepared and those issued."""
    person = staff_of(request, _WHAT)
    form = PaperFilter(request.GET)
    query = form.cleaned_data if form.is_valid() else {}
    rows = selectors.filtered(selectors.papers(person), query)
    table: Table[Paper] = Table(
        request, rows, _columns(), name="papers", default="-opened", noun="papers"
    )
    if table.wanted:
        return table.file()
    context = {
        "table": table, "form": form, "waiting": list(selectors.waiting_for(person)),
        "crumbs": [("Quality", "/quality/"), ("Papers", "")],
    }  # fmt: skip
    return render(request, "records/papers.html", context)


def paper_of(request: HttpRequest, pk: int) -> tuple[Person, Paper]:
    """Return the person asking and the paper, or refuse."""
    person = staff_of(request, _WHAT)
    return person, get_object_or_404(selectors.papers(person), pk=pk)


@require_GET
def paper(request: HttpRequest, pk: int) -> HttpResponse:
    """Show a paper as it stands, with what can be done to it and by whom."""
    person, item = paper_of(request, pk)
    draft = item.drafts.first()
    content = Content.from_dict(draft.content) if draft else None
    signed = list(records.signatures(log.subject_of(item)))
    act = ACTS["submit"](paper=item, by=person)
    context = {
        "paper": item,
        "tone": STATE_TONE.get(item.state, ""),
        "draft": draft,
        "content": act.content() if draft else None,
        "unverified": unverified_rows(act.content()) if content else [],
        "signed": reading.signatures_as_shown(signed, draft.content_sha256 if draft else ""),
        "acts": [_shown(kind(paper=item, by=person)) for kind in ACTS.values()],
        "issue": item.report.issues.filter(subject=log.subject_of(item)).first(),
        "steps": [s for s in Paper.STATES if s[0] in ("draft", "in_review", "issued")],
        "history": records.history(log.subject_of(item))[:50],
        "crumbs": [("Quality", "/quality/"), ("Papers", "/papers/"), (item.report.number, "")],
    }
    return render(request, "records/paper.html", context)


def _shown(act: PaperAct) -> dict[str, Any]:
    decision = act.decision() if act.possible() else None
    return {
        "name": act.name, "label": act.label, "means": act.means, "asks": act.asks,
        "possible": act.possible(), "allowed": bool(decision and decision.allowed),
        "why_not": decision.message if decision and not decision.allowed else "",
        "blockers": [t for code, t in act.blockers() if code != "blank"] if decision else [],
    }  # fmt: skip


@require_GET
def draft_pdf(request: HttpRequest, pk: int) -> HttpResponse:
    """Send the draft as it would be printed, marked as a draft."""
    person, item = paper_of(request, pk)
    if not item.drafts.exists():
        raise Http404
    made = build(ACTS["submit"](paper=item, by=person).content())
    response = HttpResponse(made, content_type="application/pdf")
    response.headers["Content-Disposition"] = f'inline; filename="{item.report.number}.pdf"'
    return response


@require_POST
def act(request: HttpRequest, pk: int, name: str) -> HttpResponse:
    """Do one act; what stands in its way is said on the page."""
    person, item = paper_of(request, pk)
    if name not in ACTS:
        raise Http404
    options = {k: request.POST[k] for k in ("comment", "draft") if k in request.POST}
    kind = ACTS[name]
    try:
        kind(paper=item, by=person, **options).perform()
    except KermaError as error:
        if error.code in ("bad-state", "not-entitled"):
            raise
        messages.error(request, format_html("{}: {}", kind.label, error.message))
    else:
        messages.success(request, f"{kind.label}: done.")
    return redirect("paper", pk)
