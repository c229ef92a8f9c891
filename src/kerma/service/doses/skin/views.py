"""Pages of skin dose: the list, one map, what is set by hand, its paper."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.safestring import mark_safe
from django.utils.text import Truncator
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from kerma import reference
from kerma.charts.skin import legend, scale_for, unrolled
from kerma.core import InputError
from kerma.physics.skin import SkinDoseMap
from kerma.service.doses import selectors as doses
from kerma.service.doses.access import reader_of
from kerma.service.doses.columns import system_mark
from kerma.service.doses.models import SkinDose, Study
from kerma.service.doses.skin import forms, selectors, services, shown
from kerma.service.doses.skin.mesh import mesh
from kerma.service.doses.skin.packing import ByHand, by_hand_of, unpacked
from kerma.service.doses.skin.panel import panel_of
from kerma.service.doses.skin.words import alt_text
from kerma.service.doses.skin.working import is_due
from kerma.service.estate import selectors as estate
from kerma.service.people.entitlement import demand, may
from kerma.service.people.models import Person
from kerma.service.records import log
from kerma.service.records.papers.selectors import of_subject
from kerma.service.web import files
from kerma.service.web.components.marks import badge
from kerma.service.web.components.numbers import day
from kerma.service.web.form_page import form_page
from kerma.service.web.tables import Column, Table

CRUMBS = [("Patient dose", "/doses/")]
_SHARES, _REASON = 20, 90
_NOTHING = "No event could be placed on the patient. "  # every such reason begins so


def _columns() -> list[Column[SkinDose]]:
    def peak(row: SkinDose) -> str:
        found = shown.peak_of(row)
        return str(found) if found else "–"

    def interval(row: SkinDose) -> str:
        found = shown.peak_of(row)
        return found.interval if found else "–"

    def why(row: SkinDose) -> str:
        if row.peak_mgy is not None:
            return ""
        return str(Truncator(row.reason.removeprefix(_NOTHING)).chars(_REASON))

    return [
        Column("date", "Date", lambda r: r.study.date, ("study__date",),
               html=lambda r: day(r.study.date), nowrap=True),
        Column("study", "Examination", lambda r: r.study.description or "No description",
               ("study__description",), url=lambda r: reverse("skin-map", args=[r.pk])),
        Column("system", "System", lambda r: str(r.study.system or ""), ("study__system__asset",),
               html=lambda r: system_mark(r.study)),
        Column("peak", "Peak", lambda r: r.peak_mgy, ("peak_mgy",), num=True, html=peak,
               nowrap=True),
        Column("peak_mgy", "Peak skin dose", lambda r: r.peak_mgy, unit="mGy", on_page=False),
        Column("low", "Lower end, k = 2", lambda r: r.low_mgy, unit="mGy", on_page=False),
        Column("high", "Interval, k = 2", lambda r: r.high_mgy, ("high_mgy",), num=True,
               html=interval, nowrap=True),
        Column("status", "Standing", lambda r: r.status, ("status",),
               html=lambda r: badge(r.status, shown.TONES[r.status])),
        Column("reason", "Why there is no map", lambda r: r.reason if r.peak_mgy is None else "",
               html=why,
               soft=True),
        Column("at", "Worked out", lambda r: r.at, ("at",), html=lambda r: day(r.at), nowrap=True),
    ]  # fmt: skip


@require_GET
def skin(request: HttpRequest) -> HttpResponse:
    """List the newest map of each study, and the rooms with their profiles."""
    person = reader_of(request)
    systems = [(s.asset, str(s)) for s in estate.systems(person)]
    form = forms.MapFilter(request.GET, systems=systems)
    rows = selectors.newest(person)
    rows = selectors.filtered(rows, form.cleaned_data) if form.is_valid() else rows.none()
    table: Table[SkinDose] = Table(
        request, rows, _columns(), name="skin-doses", default="-date", noun="maps"
    )
    if table.wanted:
        return table.file()
    context = {
        "table": table, "form": form, "rooms": selectors.rooms(person), "tones": shown.TONES,
        "waiting": selectors.waiting(person),
        "filtered": any(request.GET.get(name) for name in form.fields),
        "crumbs": [*CRUMBS, ("Skin dose", "")],
    }  # fmt: skip
    return render(request, "doses/skin.html", context)


def _map(request: HttpRequest, pk: int) -> tuple[Person, SkinDose]:
    person = reader_of(request)
    rows = selectors.maps(person).defer(None).defer("study__record")
    return person, get_object_or_404(rows, pk=pk)


@require_GET
def skin_map(request: HttpRequest, pk: int) -> HttpResponse:
    """Show one map: its peak, the surface to turn about, what gave it and what is missing."""
    person, item = _map(request, pk)
    found = unpacked(item)
    if (wanted := request.GET.get("format", "")) in files.FORMATS:
        return _shares_file(item, found, wanted)
    decision = may("perform", by=person, work="skin_dose")
    newest = selectors.newest_of(item.study_id)
    lines = shown.share_lines(found, item)
    peak = shown.peak_of(item)
    reached = selectors.flags(item.low_mgy, item.high_mgy) if decision.allowed else []
    context = {
        "item": item, "study": item.study, "found": found, "peak": peak,
        "tone": shown.TONES[item.status], "means": shown.MEANS[item.status],
        "facts": _facts(item, found), **_drawn(found, peak, reached),
        "lines": lines[:_SHARES], "more_lines": lines[_SHARES:],
        "share_unit": peak.unit if peak else "",
        "shares_told": f"{len(lines)} of {len(found.events)} events reach it",
        "stated_kerma": _stated(item.study.dose_rp_gy),
        "missing_title": "What is not in the map" if peak else "Every event, and what it lacks",
        "left_out": shown.left_out(found), "flags": reached,
        "more_told": shown.rest_told(lines[_SHARES:]),
        "rows": [reference.row(name) for name in found.rests_on],
        "rows_told": f"{len(found.rests_on)} reference rows it rests on",
        "by_hand": by_hand_of(item), "decision": decision,
        "newer": newest if newest is not None and newest.pk != item.pk else None,
        "others": selectors.maps(person).filter(study=item.study).exclude(pk=pk),
        "papers": of_subject(log.subject_of(item)),
        "crumbs": [*CRUMBS, ("Skin dose", reverse("skin")),
                   (item.study.description or "Examination", "")],
    }  # fmt: skip
    return render(request, "doses/skin_map.html", context)


def _stated(dose_rp_gy: float | None) -> str:
    return "not stated" if dose_rp_gy is None else shown.kerma(1000 * dose_rp_gy)


def _facts(item: SkinDose, found: SkinDoseMap) -> list[tuple[str, Any]]:
    if item.peak_mgy is None:
        return []
    tile, point = found.psd_tile, found.psd_point
    return [
        ("Where", shown.where_text(found)),
        ("Patient elsewhere", shown.box_text(found, item)),
        ("Largest fixed tile of 1 cm²", shown.in_unit(tile.value if tile else None, item)),
        ("Largest point", shown.in_unit(point.value if point else None, item)),
        ("Reference kerma in the map", shown.kerma(found.kerma_placed_mgy)),
        ("Left out", shown.kerma(found.kerma_refused_mgy) if not found.complete else "nothing"),
    ]


def _drawn(
    found: SkinDoseMap, peak: shown.Peak | None, reached: list[selectors.Flag]
) -> dict[str, str]:
    """Return the flat map and the legend of both, drawn here from numbers and names of our own."""
    if found.cells is None or peak is None:
        return {}
    at, scale = found.where, scale_for(float(found.cells.dose_mgy.max()))
    marks = [(1000 * f.low_gy, f.band) for f in reached]
    flat = unrolled(
        found.cells, scale, alt=alt_text(found, peak), marks=marks,
        peak_mm=(at.left_mm, at.posterior_mm, at.cranial_mm) if at else None,
    )  # fmt: skip
    return {"flat": mark_safe(flat), "legend": mark_safe(legend(scale, marks))}


def _shares_file(item: SkinDose, found: SkinDoseMap, wanted: str) -> HttpResponse:
    """Send what each event gives at the peak, every one of them."""
    heads = [
        ("event", "Event"), ("kind", "Kind"), ("started", "Time"),
        ("dose_mgy", "Dose at the peak, mGy"), ("fraction", "Share"),
        ("kerma_mgy", "Reference kerma, mGy"), ("inverse_square", "Inverse square"),
        ("backscatter", "Backscatter"), ("water_air", "Water to air"),
        ("transmission", "Table"), ("side_mm", "Field at the skin, mm"),
    ]  # fmt: skip
    rows = (
        (s.number, s.kind, s.started, s.share.dose_mgy, s.share.fraction, s.kerma_mgy,
         s.share.inverse_square, s.share.backscatter, s.share.water_air, s.share.transmission,
         s.share.side_mm)
        for s in shown.share_lines(found, item)
    )  # fmt: skip
    return files.answer(wanted, f"skin-dose-{item.pk}", heads, rows)


@require_GET
def skin_data(request: HttpRequest, pk: int) -> JsonResponse:
    """Send the surface with its doses, for the page to draw."""
    _, item = _map(request, pk)
    found = unpacked(item)
    if found.cells is None:
        raise Http404
    return JsonResponse(mesh(found))


# A study's map ----------------------------------------------------------------------------------


def _study(request: HttpRequest, pk: int) -> tuple[Person, Study]:
    person = reader_of(request)
    return person, get_object_or_404(doses.studies(person), pk=pk)


@require_POST
def work_out(request: HttpRequest, pk: int) -> HttpResponse:
    """Work a study's map out: because it is due, or because somebody asks."""
    person, study = _study(request, pk)
    asked = bool(request.POST.get("asked"))
    if not asked and not is_due(study):
        raise InputError(
            "This examination is below the doses from which maps are made unasked. Ask for the "
            "map if it is wanted.",
            code="not-due",
        )
    row = services.skin_dose_work_out(by=person if asked else None, study=study)
    if getattr(request, "htmx", False):
        return render(request, "doses/_skin_panel.html", {"skin": panel_of(study, person)})
    return redirect("skin-map", row.pk)


@require_http_methods(["GET", "POST"])
def by_hand(request: HttpRequest, pk: int) -> HttpResponse:
    """Set how the patient lay, and work the map out again."""
    person, study = _study(request, pk)
    demand("perform", by=person, work="skin_dose", subject=log.subject_of(study))
    newest = selectors.newest_of(study.pk, whole=True)
    initial = forms.ByHandForm.initial_of(by_hand_of(newest) if newest else ByHand())
    form = forms.ByHandForm(request.POST or None, initial=initial)

    def save(_: dict[str, Any]) -> None:
        services.skin_dose_work_out(by=person, study=study, by_hand=form.chosen())
        messages.success(request, "Worked out again with what was set.")

    back = reverse("study", args=[pk])
    return form_page(
        request, form, save, title="How the patient lay", verb="Work it out", back=back,
        crumbs=[*CRUMBS, (f"{study.modality} study", back), ("By hand", "")],
        lede="What is set here stands until it is set otherwise; the map says that it was.",
    )  # fmt: skip


@require_http_methods(["GET", "POST"])
def write(request: HttpRequest, pk: int) -> HttpResponse:
    """Write the paper of a map in one's own words; it then goes its way of checks and approval."""
    person, item = _map(request, pk)
    latest = of_subject(log.subject_of(item)).exclude(state="withdrawn").first()
    kind = forms.AmendForm if latest and latest.state == "issued" else forms.WriteForm

    def save(data: dict[str, Any]) -> None:
        paper = services.skin_write(by=person, item=item, **data)
        messages.success(request, f"The paper {paper.report.number} is drafted.")

    back = reverse("skin-map", args=[pk])
    return form_page(
        request, kind(request.POST or None), save, title="Write the paper", verb="Draft it",
        back=back, crumbs=[*CRUMBS, ("Skin dose", reverse("skin")),
                           (item.study.description or "Examination", back), ("Write", "")],
    )  # fmt: skip
