"""What the survey grid and the image panel talk to: one field, one note, one file at a time."""

from __future__ import annotations

import json
import re
from typing import Any

import numpy as np
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_GET, require_POST

from kerma import charts
from kerma.core import Image, InputError, KermaError, NotEntitled, Quantity
from kerma.reports.rendering import window_of
from kerma.service.config.middleware import status_of
from kerma.service.instruments.models import Instrument
from kerma.service.people.entitlement import record_refusal
from kerma.service.testing import images, services
from kerma.service.testing.access import person_of, survey_of
from kerma.service.testing.evaluation import evaluate_survey, tests_using
from kerma.service.testing.models import ImageAnalysis, Reading, Survey
from kerma.service.testing.pictures import curve_from
from kerma.service.testing.sheet import sheet

_WHOLE = re.compile(r"[0-9]{1,15}")


@require_POST
def save(request: HttpRequest, pk: int) -> HttpResponse:
    """Save one field; answers with the verdict cells that follow from it."""
    item = survey_of(request, pk)
    name, _, index = request.POST.get("field", "").rpartition(".")
    if not name or not _WHOLE.fullmatch(index):
        raise InputError("No such field.", code="unknown-field")
    value, reason = request.POST.get("value", ""), request.POST.get("not_done", "").strip()
    seen = request.POST.get("version") or "0"
    if not _WHOLE.fullmatch(seen):
        raise InputError("Load the page again: the field’s version is missing.", code="no-version")
    field = {"reading": name, "index": int(index), "seen": int(seen)}
    stored = None
    try:
        if reason:
            services.field_not_done(by=person_of(request), survey=item, reason=reason, **field)
        else:
            stored = services.reading_record(
                by=person_of(request), survey=item, text=value, **field
            )
    except KermaError as error:
        if isinstance(error, NotEntitled):
            record_refusal(by=person_of(request), error=error)
        if error.code == "changed-meanwhile":
            return _conflict(request, item, name, int(index))
        # Said beside the field; the text typed stays in it.
        return render(
            request, "web/parts/grid_error.html", {"error": error}, status=status_of(error)
        )
    response = fragments(request, item, name)
    response.headers["Kerma-Version"] = str(stored.pk if stored else 0)
    return response


def _conflict(request: HttpRequest, item: Survey, name: str, index: int) -> HttpResponse:
    theirs = item.readings.filter(reading=name, index=index, struck_at=None).first()
    shown = {
        "value": theirs.text if theirs else "",
        "version": theirs.pk if theirs else 0,
        "who": theirs.entered_by if theirs else "Somebody",
        "when": theirs.at if theirs else None,
    }
    return render(request, "web/parts/grid_conflict.html", {"theirs": shown}, status=409)


def fragments(request: HttpRequest, item: Survey, reading: str = "") -> HttpResponse:
    """Return the verdict cells a change may have moved, and the progress."""
    sections = sheet(evaluate_survey(item))
    rows = [row for section in sections for row in section.rows]
    touched = set(tests_using(item, [reading])) if reading else {row.id for row in rows}
    context = {
        "survey": item,
        "rows": [row for row in rows if row.id in touched],
        "sections": sections,
        "done": sum(s.done for s in sections),
        "total": len(rows),
    }
    return render(request, "testing/fragments.html", context)


@require_POST
def note(request: HttpRequest, pk: int) -> HttpResponse:
    """Say why a test was not done or does not apply, or take that back."""
    item, person = survey_of(request, pk), person_of(request)
    test, kind = request.POST.get("test", ""), request.POST.get("kind", "")
    if kind == "withdraw":
        services.note_withdraw(by=person, survey=item, test=test)
    else:
        reason = request.POST.get("reason", "")
        services.note_set(by=person, survey=item, test=test, kind=kind, reason=reason)
    return redirect("survey", pk)


@require_POST
def instrument(request: HttpRequest, pk: int) -> HttpResponse:
    """Choose the instrument for a part."""
    item = survey_of(request, pk)
    wanted = request.POST.get("instrument", "")
    if not _WHOLE.fullmatch(wanted):
        raise InputError("Choose an instrument.", code="blank")
    chosen = get_object_or_404(Instrument, pk=int(wanted))
    _, problem = services.instrument_assign(
        by=person_of(request), survey=item, part=request.POST.get("part", ""), instrument=chosen
    )
    if problem:
        messages.warning(
            request, f"{problem} You can go on measuring; the report cannot be issued on it."
        )
    return redirect("survey", pk)


@require_POST
def strike(request: HttpRequest, pk: int, reading: int) -> HttpResponse:
    """Strike out a reading with a reason."""
    item = survey_of(request, pk)
    row = get_object_or_404(Reading, pk=reading, survey=item)
    services.reading_strike(
        by=person_of(request), reading=row, reason=request.POST.get("reason", "")
    )
    return redirect("survey", pk)


@require_POST
def attach(request: HttpRequest, pk: int, slot: str) -> HttpResponse:
    """Attach images to a slot and measure them."""
    item = survey_of(request, pk)
    sent = request.FILES.getlist("files")
    images.refuse_large(sum(f.size or 0 for f in sent))
    files = [(f.name or "image", f.read()) for f in sent]
    made = images.images_attach(by=person_of(request), survey=item, slot=slot, files=files)
    for row in made:
        if row.status == "measured":
            messages.success(request, f"{row.name}: measured.")
        else:
            messages.warning(request, f"{row.name}: {row.message}")
    strange = images.stranger_of(item, slot)
    if strange:
        messages.warning(request, f"{strange} Is this the right system?")
    return redirect(f"/testing/{pk}/#images")


@require_POST
def remove(request: HttpRequest, pk: int, slot: str) -> HttpResponse:
    """Take a slot's images out, with a reason."""
    item = survey_of(request, pk)
    images.images_remove(
        by=person_of(request), survey=item, slot=slot, reason=request.POST.get("reason", "")
    )
    return redirect(f"/testing/{pk}/#images")


@require_POST
def correct(request: HttpRequest, pk: int, analysis: int) -> HttpResponse:
    """Measure again with values given by a person; the automatic record is kept."""
    item = survey_of(request, pk)
    row = get_object_or_404(ImageAnalysis, pk=analysis, survey=item, replaced_by=None)
    overrides = {}
    for line in request.POST.get("overrides", "").splitlines():
        name, equals, value = line.partition("=")
        if equals:
            overrides[name.strip()] = _value(value.strip())
    images.analysis_correct(
        by=person_of(request), analysis=row, overrides=overrides,
        reason=request.POST.get("reason", ""),
    )  # fmt: skip
    return redirect(f"/testing/{pk}/#images")


def _value(text: str) -> Any:
    """Read a number, a list or a word; NaN and Infinity are only words."""
    try:
        return json.loads(text, parse_constant=str)
    except (json.JSONDecodeError, RecursionError):
        return text


@require_GET
def curves(request: HttpRequest, pk: int, analysis: int) -> HttpResponse:
    """Show the curves of one image measurement, drawn when they come into view."""
    item = survey_of(request, pk)
    row = get_object_or_404(ImageAnalysis, pk=analysis, survey=item)
    found = [charts.curve([curve_from(c)], title=c["name"]) for c in row.record.get("curves", ())]
    return render(request, "testing/curves.html", {"charts": found})


@require_GET
def viewer(request: HttpRequest, pk: int, slot: str) -> HttpResponse:
    """Describe a slot's frames and regions for the phantom viewer."""
    item = survey_of(request, pk)
    frames = images.images_of(item, slot)
    if not frames:
        raise InputError("No image is attached here.", code="no-image")
    low, high = window_of(frames[0])
    regions = [
        {**region, "values": _texts(region["values"])}
        for row in item.analyses.filter(slot=slot, replaced_by=None, status="measured")
        for region in row.record["regions"]
    ]
    return JsonResponse(
        {
            "frames": [_frame(request, i, image) for i, image in enumerate(frames)],
            "window": {"centre": (low + high) / 2, "width": high - low},
            "unit": "HU" if frames[0].modality == "CT" else "",
            "spacing_mm": frames[0].spacing_mm,
            "regions": regions,
        }
    )


def _texts(values: dict[str, Any]) -> list[list[str]]:
    return [[name, Quantity.from_dict(q).text()] for name, q in values.items()]


def _coding(image: Image) -> tuple[float, float]:
    """Return slope and intercept that fit the image's values into 16 bits."""
    low, high = float(np.nanmin(image.pixels)), float(np.nanmax(image.pixels))
    if low >= 0 and high < 65536 and np.all(image.pixels == np.rint(image.pixels)):
        return 1.0, 0.0
    return max((high - low) / 65535, 1e-12), low


def _frame(request: HttpRequest, index: int, image: Image) -> dict[str, Any]:
    slope, intercept = _coding(image)
    return {
        "url": f"{request.path}{index}.raw",
        "rows": image.pixels.shape[0],
        "columns": image.pixels.shape[1],
        "type": "uint16",
        "slope": slope,
        "intercept": intercept,
        "label": str(image.facts.get("SeriesDescription") or "Image"),
    }


@require_GET
def frame(request: HttpRequest, pk: int, slot: str, index: int) -> HttpResponse:
    """Send one frame as 16-bit numbers."""
    frames = images.images_of(survey_of(request, pk), slot)
    if index >= len(frames):
        raise Http404
    slope, intercept = _coding(frames[index])
    coded = np.rint((frames[index].pixels - intercept) / slope).astype("<u2")
    return HttpResponse(coded.tobytes(), content_type="application/octet-stream")


@require_GET
def draft_pdf(request: HttpRequest, pk: int) -> HttpResponse:
    """Show the draft as the PDF it would become, marked as a draft."""
    from kerma.reports.survey import build
    from kerma.service.testing.actions.issue import signed_report

    draft = survey_of(request, pk).drafts.first()
    if draft is None:
        raise Http404
    response = HttpResponse(build(signed_report(draft)), content_type="application/pdf")
    response.headers["Content-Disposition"] = f'inline; filename="{draft.report.number}-draft.pdf"'
    return response
