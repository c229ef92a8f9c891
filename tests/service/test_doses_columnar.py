"""The columnar copy says what the stored records say, whatever was written when, and made again."""

from __future__ import annotations

import json
from typing import Any

import polars as pl
import pytest
from django.db.models import Sum

from kerma.core import InputError
from kerma.core.codec import decode, encode
from kerma.dicom.dose import StudyRecord, read_report
from kerma.doses import queries as ask
from kerma.doses.queries import Filter
from kerma.doses.rows import event_rows, needed, study_row
from kerma.service.doses import columnar, edits
from kerma.service.doses.ingest import ingest_bytes
from kerma.service.doses.models import DoseEvent, Study, StudyEdit
from tests.dicom import build, maker_images, makers
from tests.dicom.maker_parts import BODY, HEAD, ct_dose, mean_dose
from tests.service import doses_world as world

pytestmark = pytest.mark.django_db


def take_all() -> None:
    for truth in world.simulated()[1]:
        ingest_bytes(world.content(truth), name=truth.file)


def everything() -> dict[str, list[dict[str, Any]]]:
    """Return both tables in an order that no writing can change."""
    store = columnar.store()
    return {
        "studies": store.scan("studies").sort("study").collect().to_dicts(),
        "events": store.scan("events").sort("study", "event").collect().to_dicts(),
    }


def test_made_again_it_is_the_same() -> None:
    take_all()
    columnar.refresh()
    grown = everything()
    taken = columnar.rebuild()
    assert taken.studies == Study.objects.count() > 40
    assert everything() == grown
    assert columnar.waiting() == 0


def test_what_rows_do_not_need_of_a_record_changes_none_of_them() -> None:
    """`needed` leaves most of a record unread: rows of the whole record are the same."""
    kept: dict[str, Any] = {"study": 1, "skin_peak_mgy": None}
    objects = [world.content(truth) for truth in world.simulated()[1][:40]]
    objects += [build.encode(data) for data, _ in (makers.REPORTS | maker_images.IMAGES).values()]
    for content in objects:
        plain = json.loads(json.dumps(encode(read_report(content))))
        whole, part = decode(StudyRecord, plain), decode(StudyRecord, needed(plain))
        assert study_row(part, kept) == study_row(whole, kept)
        assert list(event_rows(part, kept)) == list(event_rows(whole, kept))


@pytest.mark.parametrize(
    ("others", "phantom"),
    [
        ([], "head"),
        ([("0", "0", None)], "head"),  # a localiser without dose
        ([("3", "30", None)], None),
        ([("3", "30", build.dcm("130541", "10 cm Dosimetry Phantom"))], None),
        ([("3", "30", BODY)], None),
    ],
)
def test_a_study_has_a_phantom_when_every_dose_of_it_does(
    others: list[Any], phantom: str | None
) -> None:
    events = [
        mean_dose(f"1.2.{number}", ("P5-08001", "SRT", "Spiral"), ct_dose(vol, dlp, "mGy.cm", what))
        for number, (vol, dlp, what) in enumerate([("60", "900", HEAD), *others])
    ]
    record = read_report(build.encode(build.report(events)))
    assert study_row(record, {})["phantom"] == phantom


def test_it_holds_what_the_rows_of_the_database_hold() -> None:
    take_all()
    columnar.refresh()
    store = columnar.store()
    assert store.scan("events").collect().height == DoseEvent.objects.count()
    for column, field, factor in (
        ("dlp_mgy_cm", "dlp_mgy_cm", 1.0),
        ("kap_gy_cm2", "kap_gy_m2", 1e4),
        ("dose_rp_mgy", "dose_rp_gy", 1e3),
    ):
        held = store.scan("studies").select(pl.col(column).sum()).collect().item()
        wanted = Study.objects.aggregate(total=Sum(field))["total"]
        assert held == pytest.approx(factor * wanted, rel=1e-9), column


def test_in_any_order_of_writing_and_refreshing() -> None:
    some = world.simulated()[1][:24]
    for truth in some:
        ingest_bytes(world.content(truth), name=truth.file)
        columnar.refresh()
    grown = everything()
    columnar.rebuild()
    assert everything() == grown


def test_nothing_waits_after_a_refresh_and_a_later_write_waits_again() -> None:
    first, second = world.simulated()[1][:2]
    ingest_bytes(world.content(first), name="a")
    assert columnar.waiting() == 1
    assert columnar.refresh().studies == 1
    assert columnar.waiting() == 0
    assert columnar.refresh().studies == 0
    ingest_bytes(world.content(second), name="b")
    assert columnar.waiting() == 1


def test_a_write_while_it_is_taken_over_is_not_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    ingest_bytes(world.content(world.simulated()[1][0]), name="a")
    study = Study.objects.get()
    whole = columnar.study_row

    def meanwhile(record: Any, context: Any) -> dict[str, Any]:
        row = whole(record, context)
        edits.study_correct(by=None, study=study, field="mass_kg", value="71.5", reason="Weighed")
        return row

    with monkeypatch.context() as patch:
        patch.setattr(columnar, "study_row", meanwhile)
        columnar.refresh()
    assert columnar.waiting() == 1
    columnar.refresh()
    (row,) = columnar.store().scan("studies").collect().to_dicts()
    assert row["mass_kg"] == 71.5


def test_one_writer_at_a_time() -> None:
    ingest_bytes(world.content(world.simulated()[1][0]), name="a")
    columnar.folder().mkdir(parents=True)
    (columnar.folder() / "writing").write_text("1")
    assert columnar.refresh().studies == 0
    assert columnar.waiting() == 1
    (columnar.folder() / "writing").unlink()
    assert columnar.refresh().studies == 1


def test_a_lost_copy_is_made_again_by_itself() -> None:
    take_all()
    columnar.refresh()
    count = columnar.store().scan("studies").collect().height
    for path in columnar.folder().rglob("*"):
        if path.is_file():
            path.unlink()
    columnar.refresh()
    assert columnar.store().scan("studies").collect().height == count


# Corrections --------------------------------------------------------------------------------------


def test_a_correction_stands_over_a_later_report() -> None:
    first, *later = world.truths("cumulative")
    ingest_bytes(world.content(first), name="a")
    study = Study.objects.get()
    edits.study_correct(by=None, study=study, field="height_m", value="1.62", reason="Measured")
    for truth in later:
        ingest_bytes(world.content(truth), name="b")
    study.refresh_from_db()
    assert study.height_m == 1.62
    assert StudyEdit.objects.get().reason == "Measured"
    columnar.refresh()
    (found,) = columnar.store().scan("studies").collect().to_dicts()
    assert found["height_m"] == 1.62


@pytest.mark.parametrize(
    ("field", "value", "reason", "code"),
    [
        ("height_m", "172", "cm", "bad-value"),
        ("mass_kg", "heavy", "x", "bad-value"),
        ("mass_kg", "nan", "x", "bad-value"),
        ("dlp_mgy_cm", "3", "x", "bad-field"),
        ("mass_kg", "70", " ", "no-reason"),
        ("standard_name", "no-such", "x", "bad-value"),
        ("modality", "XX", "x", "bad-value"),
    ],
)
def test_a_correction_that_cannot_be_meant_is_refused(
    field: str, value: str, reason: str, code: str
) -> None:
    ingest_bytes(world.content(world.simulated()[1][0]), name="a")
    with pytest.raises(InputError) as refusal:
        edits.study_correct(
            by=None, study=Study.objects.get(), field=field, value=value, reason=reason
        )
    assert refusal.value.code == code
    assert not StudyEdit.objects.exists()


def test_percentiles_by_system_come_from_the_copy() -> None:
    take_all()
    columnar.refresh()
    found = ask.percentiles(columnar.store(), "dlp", Filter(), by=["modality"])
    assert found
    assert all(s.low is None or s.low <= s.median for s in found)
