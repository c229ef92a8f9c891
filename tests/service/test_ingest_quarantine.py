"""What cannot be stored waits with its reason, and nothing is ever half stored."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.db import OperationalError

from kerma.core import InputError
from kerma.service.doses import ingest
from kerma.service.doses.ingest import ingest_bytes, ingest_file, retry
from kerma.service.doses.models import DoseEvent, DoseObject, Quarantined, Study
from kerma.service.people.models import Person
from kerma.service.records import log
from kerma.service.records.models import Event
from tests.service.doses_world import content, edited, real, rows, simulated, truths

pytestmark = pytest.mark.django_db


def kept(row: Quarantined) -> Path:
    return Path(settings.HOME) / "quarantine" / row.sha256


def whole() -> bytes:
    return content(truths("continued")[0])


@pytest.fixture
def somebody() -> Person:
    return Person.objects.create(key="p", name="P", role="technologist")


def test_a_file_cut_short_waits_and_leaves_when_it_comes_whole() -> None:
    short = whole()[: int(len(whole()) * 0.6)]
    result = ingest_bytes(short, name="a.dcm")
    assert result.outcome == "quarantined"
    row = Quarantined.objects.get()
    assert (row.status, row.attempts, row.reason) == ("quarantined", 1, result.reason)
    assert "cut short" in row.reason
    assert kept(row).read_bytes() == short

    assert retry(row).outcome == "quarantined"
    row.refresh_from_db()
    assert row.attempts == 2
    assert row.last_at > row.first_at

    assert ingest_bytes(whole(), name="a.dcm").outcome == "stored"
    row.refresh_from_db()
    assert row.status == "resolved"
    assert not kept(row).exists()


def test_another_file_of_the_same_name_does_not_take_its_place() -> None:
    short = whole()[:-500]
    ingest_bytes(short, name="report.dcm")
    ingest_bytes(content(simulated()[1][0]), name="report.dcm")
    assert Quarantined.objects.get().status == "quarantined"


@pytest.mark.shared
@pytest.mark.parametrize("share", [0.02, 0.3, 0.97])
def test_a_real_report_cut_anywhere_is_never_stored(share: float) -> None:
    raw = real("RF-RDSR-Siemens-Zee")
    assert ingest_bytes(raw[: int(len(raw) * share)], name="a.dcm").outcome != "stored"
    assert Study.objects.count() == DoseEvent.objects.count() == 0


def test_retry_stores_what_an_update_can_read(monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(_content: bytes) -> None:
        raise RuntimeError

    with monkeypatch.context() as patch:
        patch.setattr(ingest, "read_report", fails)
        assert ingest_bytes(whole(), name="a.dcm").code == "reader-failed"
    row = Quarantined.objects.get()
    assert retry(row).outcome == "stored"
    row.refresh_from_db()
    assert row.status == "resolved"
    assert not kept(row).exists()
    with pytest.raises(InputError):
        retry(row)


def test_dismissed_stays_dismissed_when_the_same_file_is_sent_again(somebody: Person) -> None:
    ingest_bytes(b"not dicom", name="letter.txt")
    row = Quarantined.objects.get()
    ingest.dismiss(row, by=somebody)
    assert not kept(row).exists()
    ingest_bytes(b"not dicom", name="letter.txt")
    row.refresh_from_db()
    assert (row.status, row.attempts, row.dismissed_by) == ("dismissed", 2, somebody)
    assert not kept(row).exists()


def test_what_is_too_large_is_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ingest, "LARGEST", 10)
    path = tmp_path / "big.dcm"
    path.write_bytes(whole())
    assert ingest_file(path).code == "too-large"
    assert Study.objects.count() == 0


def test_the_same_object_under_other_names_is_one() -> None:
    ingest_bytes(whole(), name="a.dcm")
    assert ingest_bytes(whole(), name="b.dcm").outcome == "unchanged"
    # An edited copy keeps its UID and is another object.
    assert ingest_bytes(edited(whole(), StudyDescription="x"), name="c.dcm").outcome == "stored"
    assert DoseObject.objects.count() == 2
    assert Study.objects.count() == 1


# Nothing is half stored ---------------------------------------------------------------------------


def _breaks(*_args: Any, **_kwargs: Any) -> None:
    raise OperationalError("disk I/O error")


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("where", ["events", "object", "log"])
@pytest.mark.parametrize("second", [False, True], ids=["first object", "second object"])
def test_a_failure_midway_leaves_everything_as_it_was(
    monkeypatch: pytest.MonkeyPatch, where: str, second: bool
) -> None:
    first, last = (content(t) for t in truths("cumulative")[:2])
    if second:
        ingest_bytes(first, name="a.dcm")
    before = rows(ids=True)
    entries = Event.objects.count()
    with monkeypatch.context() as patch:
        if where == "events":
            patch.setattr(type(DoseEvent.objects), "bulk_create", _breaks)
        elif where == "object":
            patch.setattr(DoseObject, "save", _breaks)
        else:
            patch.setattr("kerma.service.doses.storing.log.append", _breaks_on_stored())
        assert ingest_bytes(last, name="b.dcm").outcome == "quarantined"
    after = rows(ids=True)
    assert after.pop("Quarantined") == before.pop("Quarantined") + 1
    assert after == before
    assert Event.objects.count() == entries + 1  # the quarantine's own entry
    assert list(log.broken_links()) == []

    assert retry(Quarantined.objects.get()).outcome == "stored"
    again = rows()
    Study.objects.all().delete()
    ingest_bytes(first, name="a.dcm") if second else None
    ingest_bytes(last, name="b.dcm")
    assert rows() == again


def _breaks_on_stored() -> Any:
    real_append = log.append

    def append(**entry: Any) -> Any:
        return _breaks() if entry["kind"] == "dose.stored" else real_append(**entry)

    return append
