"""Answers to other systems: ``/api/v1/doses/``, read only, as much as the asker may see."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.views.decorators.http import require_GET

from kerma.core import InputError
from kerma.dicom.dose import as_dict
from kerma.service.doses import selectors
from kerma.service.doses.access import reader_of
from kerma.service.doses.api.fhir import summary
from kerma.service.doses.forms import StudyFilter
from kerma.service.doses.models import Study
from kerma.service.doses.storing_record import unpacked
from kerma.service.estate import selectors as estate
from kerma.service.web.typed import whole

MOST = 500  # studies of one answer; `next` leads to the following ones
_FIELDS = (
    "study_uid", "modality", "date", "time", "description", "sex", "age_years", "height_m",
    "mass_kg", "manufacturer", "model", "station", "event_count", "dlp_mgy_cm", "kap_gy_m2",
    "dose_rp_gy", "fluoro_time_s", "agd_left_mgy", "agd_right_mgy",
)  # fmt: skip


def _line(study: Study) -> dict[str, Any]:
    line = {name: getattr(study, name) for name in _FIELDS}
    line |= {
        "id": study.pk,
        "system": study.system.asset if study.system else None,
        "standard_name": study.standard_name.key if study.standard_name else None,
        "patient": not study.not_patient,
        "url": reverse("api-study", args=[study.pk]),
    }
    return line


def _after(text: str) -> int:
    found = whole(text)
    if found is None:
        raise InputError("`after` is the id of a study.", code="bad-after")
    return found


@require_GET
def studies(request: HttpRequest) -> HttpResponse:
    """Answer with studies in the order of their ids; the filters are those of the page."""
    person = reader_of(request)
    form = StudyFilter(
        request.GET,
        modalities=selectors.modalities(person),
        sites=[(s.key, s.name) for s in estate.sites(person)],
        systems=[(s.asset, str(s)) for s in estate.systems(person)],
    )
    if not form.is_valid():
        raise InputError(
            "; ".join(f"{k}: {v[0]}" for k, v in form.errors.items()), code="bad-filter"
        )
    rows = selectors.filtered(selectors.studies(person), form.cleaned_data)
    rows = rows.select_related("standard_name").filter(pk__gt=_after(request.GET.get("after", "0")))
    page = list(rows.order_by("pk")[: MOST + 1])
    query = request.GET.copy()
    following = None
    if len(page) > MOST:
        query["after"] = str(page[MOST - 1].pk)
        following = f"{reverse('api-studies')}?{query.urlencode()}"
    return JsonResponse({"studies": [_line(s) for s in page[:MOST]], "next": following})


@require_GET
def study(request: HttpRequest, pk: int) -> HttpResponse:
    """Answer with the whole typed record of one study, without identifiers."""
    item = get_object_or_404(selectors.studies(reader_of(request)).defer(None), pk=pk)
    return JsonResponse({**_line(item), "record": as_dict(unpacked(item))})


@require_GET
def fhir(request: HttpRequest, pk: int) -> HttpResponse:
    """Answer with the FHIR radiation dose summary of one study."""
    item = get_object_or_404(selectors.studies(reader_of(request)), pk=pk)
    return JsonResponse(summary(item), content_type="application/fhir+json")
