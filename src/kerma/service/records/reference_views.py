"""Pages where an MPE or RPA compares reference rows with the named documents."""

from __future__ import annotations

from datetime import date

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from kerma import reference
from kerma.core import InputError
from kerma.service.people.access import staff_of
from kerma.service.people.entitlement import may
from kerma.service.records import forms, reference_rows, services
from kerma.service.records.models import Verification
from kerma.service.records.reference_rows import Line, name_of
from kerma.service.web.components.marks import badge
from kerma.service.web.components.numbers import day
from kerma.service.web.tables import Column, Table

_ROOM = "The verification of reference data"
_TONE = {"seen": "accent", "computed": "", "recalled": "warn"}


@require_GET
def datasets(request: HttpRequest) -> HttpResponse:
    """List the data sets with how far each has been checked."""
    staff_of(request, _ROOM)
    crumbs = [("Quality", "/quality/"), ("Reference data", "")]
    context = {"sets": reference_rows.summary(), "crumbs": crumbs}
    return render(request, "records/reference.html", context)


def _known(dataset: str) -> str:
    if dataset not in reference.datasets():
        raise Http404
    return reference.datasets()[dataset].title


def _named(line: Line) -> object:
    return format_html(
        '<a href="{}">{}</a><br><small>{}</small>',
        reverse("reference-row", args=[line.row.id]),
        name_of(line.row),
        line.row.id.partition("/")[2],
    )


def _verified(line: Line) -> object:
    if line.verification is None:
        return "–"
    seen = line.verification
    return format_html('{}<br><span class="soft">{}</span>', seen.by.name, day(seen.at))


def _verified_on(line: Line) -> date | None:
    return timezone.localdate(line.verification.at) if line.verification else None


def _protocols(line: Line) -> object:
    many = len(line.protocols)
    if not many:
        return "–"
    said = line.protocols[0] if many == 1 else f"{many} protocols"
    return format_html('<span title="{}">{}</span>', ", ".join(line.protocols), said)


def _columns(ticking: bool) -> list[Column[Line]]:
    def tick(line: Line) -> object:
        return format_html(
            '<input type="checkbox" name="row" value="{0}" form="verify-form" '
            'aria-label="Tick {0}">',
            line.row.id,
        )

    columns: list[Column[Line]] = [
        Column("tick", "Tick", lambda _: "", html=tick, in_file=False),
        Column("name", "Row", lambda n: name_of(n.row), ("name",), html=_named),
        Column("row", "Key", lambda n: n.row.id, ("row",), on_page=False),
        Column("document", "Document", lambda n: n.row.document, ("document",), soft=True),
        Column("confidence", "Confidence", lambda n: n.row.confidence, ("confidence",),
               html=lambda n: badge(n.row.confidence, _TONE[n.row.confidence])),
        Column("used", "Rests on it", lambda n: ", ".join(n.protocols), ("used",), html=_protocols),
        Column("verified", "Verified by",
               lambda n: n.verification.by.name if n.verification else "", ("verified",),
               html=_verified),
        Column("on", "On", _verified_on, on_page=False),
    ]  # fmt: skip
    return columns if ticking else columns[1:]


@require_GET
def dataset(request: HttpRequest, dataset: str) -> HttpResponse:
    """List the rows of a data set."""
    person = staff_of(request, _ROOM)
    title = _known(dataset)
    form = forms.RowFilter(request.GET)
    query = form.cleaned_data if form.is_valid() else {}
    decision = may("verify", by=person, work="reference_data")
    table: Table[Line] = Table(
        request,
        reference_rows.narrowed(reference_rows.lines(dataset), query),
        _columns(decision.allowed),
        name=f"reference-{dataset}",
        default="name",
        noun="rows",
    )
    if table.wanted:
        return table.file()
    context = {
        "dataset": dataset,
        "title": title,
        "table": table,
        "form": form,
        "decision": decision,
        "verify_form": forms.VerificationForm(),
        "crumbs": [("Quality", "/quality/"), ("Reference data", "/reference/"), (title, "")],
    }
    return render(request, "records/dataset.html", context)


@require_POST
def verify(request: HttpRequest, dataset: str) -> HttpResponse:
    """Verify the ticked rows against one named document."""
    person = staff_of(request, _ROOM)
    _known(dataset)
    form = forms.VerificationForm(request.POST)
    if not form.is_valid():
        raise InputError(
            "Name the document and the edition you compared the rows with.", code="blank"
        )
    rows = [r for r in request.POST.getlist("row") if r.startswith(f"{dataset}/")]
    made = services.verifications_add(by=person, rows=rows, **form.cleaned_data)
    messages.success(request, f"{len(made)} row{'' if len(made) == 1 else 's'} verified.")
    return redirect("reference-dataset", dataset)


@require_http_methods(["GET", "POST"])
def row(request: HttpRequest, row: str) -> HttpResponse:
    """Show one row with its history; it is verified, or its verification withdrawn, here."""
    person = staff_of(request, _ROOM)
    try:
        found = reference.row(row)
    except InputError:
        raise Http404 from None
    title = _known(found.dataset)
    form = forms.VerificationForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        withdrawn = "withdraw" in request.POST
        services.verification_add(by=person, row=row, withdrawn=withdrawn, **form.cleaned_data)
        messages.success(request, "Withdrawn." if withdrawn else "Verified.")
        return redirect("reference-row", row)
    history = list(Verification.objects.filter(row=row).select_related("by").order_by("-id"))
    standing = next((v for v in history if v.sha256 == found.sha256), None)
    context = {
        "row": found,
        "name": name_of(found),
        "tone": _TONE[found.confidence],
        "figures": reference_rows.figures(found),
        "notes": found.text("notes") or found.text("note"),
        "levels": reference_rows.levels_in_words(found),
        "unusable": reference.unusable().get(row, "") if found.dataset == "qa-tests" else "",
        "protocols": reference_rows.in_use().get(row, ()),
        "history": history,
        "standing": None if standing is None or standing.withdrawn else standing,
        "decision": may("verify", by=person, work="reference_data"),
        "form": form,
        "crumbs": [
            ("Quality", "/quality/"),
            ("Reference data", "/reference/"),
            (title, f"/reference/{found.dataset}/"),
            (found.id.partition("/")[2], ""),
        ],
    }
    status = 422 if form.errors else 200
    return render(request, "records/row.html", context, status=status)
