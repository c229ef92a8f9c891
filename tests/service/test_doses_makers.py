"""Objects of many makers through the door: stored, shown and exported without a hitch."""

from __future__ import annotations

import json

import pytest
from pydicom.uid import generate_uid

from kerma.service.doses import columnar
from kerma.service.doses.ingest import ingest_bytes
from kerma.service.doses.models import DoseEvent, Study
from tests.dicom import build, maker_images, makers
from tests.service import doses_world as world

pytestmark = pytest.mark.django_db

CASES = makers.REPORTS | maker_images.IMAGES


def test_all_are_stored_once_and_have_their_pages() -> None:
    reader = world.build_world().client("technologist")
    for number, (name, (dataset, _)) in enumerate(CASES.items()):
        dataset.StudyInstanceUID = f"1.2.826.0.1.3680043.8.498.900.{number}"
        dataset.SOPInstanceUID = generate_uid()
        content = build.encode(dataset)
        assert ingest_bytes(content, name=name).outcome == "stored", name
        assert ingest_bytes(content, name=name).outcome == "unchanged", name
    columnar.refresh()
    assert Study.objects.count() == len(CASES)
    for study in Study.objects.all():
        assert reader.get(f"/doses/{study.pk}/").status_code == 200, study.pk
    for event in DoseEvent.objects.all():
        assert reader.get(f"/doses/{event.study_id}/events/{event.order}/").status_code == 200
    for measure in ("dlp", "kap", "agd", "event_kap"):
        page = reader.get(f"/doses/explorer/?measure={measure}&by=modality&others=on&format=json")
        assert json.loads(page.content)


def test_the_register_holds_what_the_reports_state() -> None:
    for number, (name, (dataset, truth)) in enumerate(CASES.items()):
        dataset.StudyInstanceUID = f"1.2.826.0.1.3680043.8.498.901.{number}"
        dataset.SOPInstanceUID = generate_uid()
        ingest_bytes(build.encode(dataset), name=name)
        study = Study.objects.get(study_uid=dataset.StudyInstanceUID)
        for path, field in (
            ("totals.kap_gy_m2", "kap_gy_m2"),
            ("totals.dlp_mgy_cm", "dlp_mgy_cm"),
            ("totals.dose_rp_gy", "dose_rp_gy"),
            ("totals.fluoro_time_s", "fluoro_time_s"),
            ("modality", "modality"),
        ):
            if isinstance(truth.get(path), float):
                assert getattr(study, field) == pytest.approx(truth[path]), (name, path)
            elif path in truth:
                assert getattr(study, field) == truth[path], (name, path)
