"""The drawing page, and what it asks of the service while somebody draws."""

from __future__ import annotations

import json
from typing import Any

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_POST

from kerma.core import InputError
from kerma.service.estate import selectors as estate
from kerma.service.protection.models import Underlay
from kerma.service.protection.shielding import drawing, services, working
from kerma.service.protection.shielding.offered import offered
from kerma.service.protection.shielding.shown import brief
from kerma.service.protection.shielding.underlay_files.kinds import MOST_BYTES
from kerma.service.protection.shielding.views import crumbs_of, design_of, rights
from kerma.service.records import store
from kerma.service.web.typed import whole


@require_GET
def draw(request: HttpRequest, pk: int) -> HttpResponse:
    """Show the drawing page."""
    person, item = design_of(request, pk)
    held = item.drawing
    systems = estate.systems(person).filter(room__site=item.site)
    data = {
        "document": held.document, "revision": held.revision,
        "offered": offered(held.document["plan"]["method"], systems),
        "underlays": [_underlay(u) for u in item.underlays.select_related("original")],
        "mayDraw": rights(person, item).allowed,
        "urls": {name: reverse(f"design-{name}", args=[pk])
                 for name in ("save", "assess", "map", "underlay", "workload")},
    }  # fmt: skip
    context = {"design": item, "data": data, "may_draw": rights(person, item),
               "crumbs": crumbs_of(item, "Drawing")}  # fmt: skip
    return render(request, "protection/design_draw.html", context)


def _underlay(item: Underlay) -> dict[str, Any]:
    return {
        "id": item.pk, "name": item.original.name, "page": item.page, "width": item.width,
        "height": item.height, "metresPerPixel": item.metres_per_pixel, "lines": item.lines,
        "url": reverse("design-picture", args=[item.design_id, item.pk]),
    }  # fmt: skip


def _body(request: HttpRequest) -> dict[str, Any]:
    """Return what the page sent.

    Raises
    ------
    InputError
        ``bad-plan``: it is no JSON object, or too much of it.
    """
    if len(request.body) > 2 * drawing.MOST_BYTES:
        raise InputError("The drawing is too large to be kept.", code="bad-plan")
    try:
        data = json.loads(request.body)
    except (ValueError, RecursionError):
        data = None
    if not isinstance(data, dict):
        raise InputError("The page sent no drawing.", code="bad-plan")
    return data


def _sheet(data: dict[str, Any]) -> drawing.Sheet:
    document = data.get("document")
    if not isinstance(document, dict):
        raise InputError("The page sent no drawing.", code="bad-plan")
    return drawing.read(document)


@require_POST
def save(request: HttpRequest, pk: int) -> HttpResponse:
    """Save the drawing."""
    person, item = design_of(request, pk)
    data = _body(request)
    revision = data.get("revision")
    if not isinstance(data.get("document"), dict) or not isinstance(revision, int):
        raise InputError("The page sent no drawing.", code="bad-plan")
    held = services.drawing_save(
        by=person, design=item, document=data["document"], revision=revision
    )
    return JsonResponse({"revision": held.revision})


@require_POST
def assess(request: HttpRequest, pk: int) -> HttpResponse:
    """Work out the drawing as it is on the page, saved or not."""
    design_of(request, pk)
    found = working.worked(_sheet(_body(request)))
    faults = [
        {"code": f.code, "about": f.about, "message": f.message, "blocking": f.blocking}
        for f in found.faults
    ]
    shown = brief(found.assessment) if found.assessment else None
    return JsonResponse({"faults": faults, "assessment": shown})


@require_POST
def kerma_map(request: HttpRequest, pk: int) -> HttpResponse:
    """Work out the kerma over a part of a storey."""
    design_of(request, pk)
    data = _body(request)
    try:
        x0, y0, x1, y1 = (float(v) for v in data["box"])
        storey, height = str(data["storey"]), float(data["height"])
    except (KeyError, TypeError, ValueError, OverflowError):
        raise InputError("The page did not say what to map.", code="bad-box") from None
    return JsonResponse(working.mapped(_sheet(data), storey, (x0, y0, x1, y1), height))


@require_POST
def underlay(request: HttpRequest, pk: int) -> HttpResponse:
    """Take in a drawing of the architect's."""
    from kerma.service.protection.shielding.underlays import underlay_add

    person, item = design_of(request, pk)
    file = request.FILES.get("file")
    if file is None:
        raise InputError("Choose a file: PNG, JPEG, TIFF, PDF or DXF.", code="no-file")
    if (file.size or 0) > MOST_BYTES:
        raise InputError("The file is too large for a plan.", code="too-large")
    page = request.POST.get("page", "1")
    made = underlay_add(
        by=person, design=item, content=file.read(), name=file.name or "plan",
        page=whole(page) or 1,
    )  # fmt: skip
    return JsonResponse(_underlay(made))


@require_GET
def picture(request: HttpRequest, pk: int, underlay: int) -> HttpResponse:
    """Send the picture of an underlay."""
    _, item = design_of(request, pk)
    held = get_object_or_404(item.underlays.select_related("picture"), pk=underlay)
    response = HttpResponse(store.read(held.picture), content_type="image/png")
    response.headers["Cache-Control"] = "private, max-age=3600"  # its content never changes
    return response


@require_GET
def workload(request: HttpRequest, pk: int) -> HttpResponse:
    """Return a system's workload as the dose room knows it, ready to be put into a use."""
    from kerma.service.protection.shielding.workload import as_uses

    person, item = design_of(request, pk)
    system = get_object_or_404(
        estate.systems(person).filter(room__site=item.site), asset=request.GET.get("system", "")
    )
    return JsonResponse(as_uses(system, item.drawing.document["plan"]["method"]))
