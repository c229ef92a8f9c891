"""Pages of barriers as they were built."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_http_methods

from kerma.core import InputError
from kerma.service.instruments.models import Instrument
from kerma.service.protection.models import AsBuilt, DesignVersion
from kerma.service.protection.shielding import as_built as measuring
from kerma.service.protection.shielding import as_built_words, services
from kerma.service.protection.shielding.as_built_forms import AsBuiltPaperForm, MeasuredForm
from kerma.service.protection.shielding.views import crumbs_of, rights, version_of
from kerma.service.records.views import download
from kerma.service.web.form_page import form_page

_TONES = {"agrees": "accent", "more": "accent", "less": "bad"}


def _crumbs(item: DesignVersion, last: str = "") -> list[tuple[str, str]]:
    whole = crumbs_of(item.design, f"Version {item.number}")[:-1]
    found = [*whole, (f"Version {item.number}", reverse("design-version", args=[item.pk]))]
    here = reverse("as-built", args=[item.pk]) if last else ""
    found.append(("As built", here))
    return [*found, (last, "")] if last else found


def _line(row: AsBuilt) -> dict[str, Any]:
    return {
        "row": row, "words": measuring.OUTCOMES.get(row.outcome, row.outcome),
        "tone": _TONES.get(row.outcome, "warn"), "why": row.record["why"],
        "beam": measuring.beam_words(row),
        "parts": [row.record[p] for p in ("measured", "designed", "thickness") if row.record[p]],
    }  # fmt: skip


@require_http_methods(["GET", "POST"])
def as_built(request: HttpRequest, pk: int) -> HttpResponse:
    """Show what was measured of a version, and take in another measurement."""
    person, item = version_of(request, pk)
    held = measuring.barriers(item)
    form = MeasuredForm(
        request.POST or None, request.FILES or None,
        barriers=[(key, b.name or key) for key, b in held.items()],
        instruments=Instrument.objects.filter(retired_on=None),
    )  # fmt: skip
    if request.method == "POST":
        services.entitled(person, item.design)
        if form.is_valid():
            try:
                row = measuring.as_built_add(by=person, version=item, **_given(form))
            except InputError as error:
                form.add_error(None, error.message)
            else:
                tell = messages.warning if row.outcome == "less" else messages.success
                tell(request, f"{row.name}: {row.record['why']}")
                return redirect("as-built", pk)
    newest = measuring.newest(item)
    done = {row.barrier for row in newest}
    context = {
        "version": item, "design": item.design, "form": form,
        "lines": [_line(row) for row in measuring.rows(item)],
        "less": [row for row in newest if row.outcome == "less"],
        "left": [b.name or key for key, b in held.items() if key not in done],
        "papers": as_built_words.papers(item), "may_draw": rights(person, item.design),
        "crumbs": _crumbs(item),
    }  # fmt: skip
    return render(request, "protection/as_built.html", context, status=422 if form.errors else 200)


def _given(form: MeasuredForm) -> dict[str, Any]:
    data = dict(form.cleaned_data)
    file = data.pop("evidence")
    for name in ("without", "behind"):
        data[name] = measuring.Reading(data[name], data.pop(f"{name}_u"))
    data["evidence"] = (file.name or "evidence", file.read()) if file else None
    return data


@require_http_methods(["GET", "POST"])
def write(request: HttpRequest, pk: int) -> HttpResponse:
    """Write the paper of what was measured."""
    person, item = version_of(request, pk)
    services.entitled(person, item.design)
    form = AsBuiltPaperForm(request.POST or None)

    def save(data: dict[str, Any]) -> None:
        made = as_built_words.as_built_write(by=person, version=item, **data)
        messages.success(request, f"{made.report.number} is drafted.")

    return form_page(
        request, form, save, title=f"As-built verification of {item}", verb="Draft the paper",
        back=reverse("as-built", args=[pk]), crumbs=_crumbs(item, "Paper"),
        lede="The newest measurement of each barrier is in it; each that found less shielding than "
        "designed becomes an action when the paper is issued.",
    )  # fmt: skip


@require_GET
def evidence(request: HttpRequest, pk: int, row: int) -> HttpResponse:
    """Send the file a measurement rests on."""
    _, item = version_of(request, pk)
    found = get_object_or_404(measuring.rows(item), pk=row)
    if found.evidence is None:
        raise Http404
    return download(found.evidence)
