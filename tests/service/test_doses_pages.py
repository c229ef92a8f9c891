"""Pages of patient dose: who sees what, what the lists hold, what a study says."""

from __future__ import annotations

import csv
import io
import json
import re
import time
from datetime import date, timedelta
from html import unescape
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from openpyxl import load_workbook

from kerma.service.doses.ingest import ingest_bytes
from kerma.service.doses.models import Study
from kerma.service.doses.storing_record import packed, unpacked
from tests.service.doses_world import (
    World,
    build_world,
    content,
    edited,
    real,
    recognise,
    simulated,
    truths,
)

pytestmark = pytest.mark.django_db


@pytest.fixture
def world() -> World:
    return build_world()


def ct() -> bytes:
    """A simulated CT report without a quirk."""
    return content(next(t for t in simulated()[1] if t.modality == "CT" and not t.quirks))


def other() -> bytes:
    """A simulated fluoroscopy report without a quirk."""
    return content(next(t for t in simulated()[1] if t.modality == "RF" and not t.quirks))


def taken(raw: bytes) -> Study:
    result = ingest_bytes(raw, name="a.dcm")
    assert result.outcome == "stored", result
    return Study.objects.get(study_uid=result.study)


def shown(answer: Any) -> str:
    text = re.sub(r"<[^>]+>", " ", answer.content.decode())
    return re.sub(r"\s+", " ", unescape(text).replace("\N{NO-BREAK SPACE}", " "))


def listed(client: Client, query: str = "") -> set[str]:
    found = json.loads(client.get(f"/doses/?format=json{query}").content)
    return {row["description"] for row in found}


# Who sees what ------------------------------------------------------------------------------------


def test_a_hospital_user_finds_no_patient_dose(world: World) -> None:
    recognise(world.quill, ct())
    recognise(world.fenwick, other())
    mine, theirs = taken(ct()), taken(other())
    unknown = taken(content(truths("unknown_device")[0]))
    user = world.client("user-quill")
    assert user.get("/doses/").status_code == user.get("/doses/?format=json").status_code == 404
    assert "/doses/" not in shown(user.get("/"))
    for study in (mine, theirs, unknown):
        for path in ("", "events/1/", "?format=json"):
            assert user.get(f"/doses/{study.pk}/{path}").status_code == 404
    for closed in ("quarantine/", "devices/", f"devices/{unknown.pk}/", "upload/"):
        assert user.get(f"/doses/{closed}").status_code == 403


def test_an_administrator_sees_the_door_and_not_the_patients(world: World) -> None:
    study = taken(ct())
    admin = world.client("administrator")
    for closed in ("", f"{study.pk}/", f"{study.pk}/events/1/", "?format=csv"):
        assert admin.get(f"/doses/{closed}").status_code == 403
    for opened in ("quarantine/", "devices/", "upload/"):
        assert admin.get(f"/doses/{opened}").status_code == 200


def test_nobody_enters_without_signing_in(world: World) -> None:
    study = taken(ct())
    for path in ("", "upload/", "quarantine/", "devices/", f"{study.pk}/", f"{study.pk}/events/1/"):
        assert Client().get(f"/doses/{path}").status_code == 302


# The list -----------------------------------------------------------------------------------------


def test_an_empty_list_says_how_to_fill_it(world: World) -> None:
    assert "kerma ingest FOLDER" in shown(world.client("technologist").get("/doses/"))


def test_the_list_shows_everyday_units_and_the_file_the_same_numbers(world: World) -> None:
    study = taken(content(truths("dgy_cm2")[0]))
    client = world.client("technologist")
    kap_gy_cm2 = study.kap_gy_m2 * 1e4
    row = json.loads(client.get("/doses/?format=json").content)[0]
    assert row["kap_gy_cm2"] == pytest.approx(kap_gy_cm2, rel=1e-9)
    assert row["dlp_mgy_cm"] is None  # never zero
    assert f"{kap_gy_cm2:.4g}" in shown(client.get("/doses/"))
    lines = list(
        csv.DictReader(io.StringIO(client.get("/doses/?format=csv").content.decode("utf-8-sig")))
    )
    assert (
        float(lines[0]["KAP (Gy cm²)".replace(" cm", "\N{NO-BREAK SPACE}cm")]) == row["kap_gy_cm2"]
    )
    assert lines[0]["AGD left (mGy)"] == ""
    book = load_workbook(io.BytesIO(client.get("/doses/?format=xlsx").content))
    assert [c.value for c in next(iter(book.active.rows))] == list(lines[0])
    assert not {"patient_key", "accession_key", "study_uid"} & set(row)


def test_filters_narrow_what_is_shown_and_what_is_exported(world: World) -> None:
    recognise(world.quill, ct())
    a, b = taken(ct()), taken(other())
    c = taken(edited(content(truths("unknown_device")[0]), PatientID="QA1"))
    client = world.client("technologist")
    day = timedelta(days=1)
    for query, wanted in (
        ("", {a, b, c}),
        ("&modality=CT", {a}),
        (f"&system={world.quill.asset}", {a}),
        ("&system=unknown", {b, c}),
        (f"&site={world.quill.room.site.key}", {a}),
        (f"&since={a.date}&until={a.date}", {s for s in (a, b, c) if s.date == a.date}),
        (f"&since={max(s.date for s in (a, b, c)) + day}", set()),
        (f"&q={c.station}", {c}),
        ("&who=others", {c}),
        ("&who=patients", {a, b}),
        (f"&measure=dlp&least={a.dlp_mgy_cm}", {a}),
        (f"&measure=dlp&least={a.dlp_mgy_cm * 1.001}", set()),
        (f"&measure=kap&least={b.kap_gy_m2 * 1e4 * 0.999}",
         {s for s in (b, c) if (s.kap_gy_m2 or 0) >= b.kap_gy_m2 * 0.999}),
        (f"&device={c.pk}", {c}),
        (f"&patient={a.patient_key[:12]}", {a}),
    ):  # fmt: skip
        assert listed(client, query) == {s.description for s in wanted}, query
        page = client.get(f"/doses/?{query.lstrip('&')}")
        for study in (a, b, c):
            assert (f'href="/doses/{study.pk}/"' in page.content.decode()) is (study in wanted)


@pytest.mark.parametrize(
    "query", ["since=yesterday", "modality=XX", "least=5", "least=-1&measure=dlp"]
)
def test_a_filter_that_cannot_be_used_shows_nothing_and_says_why(world: World, query: str) -> None:
    taken(ct())
    client = world.client("technologist")
    page = client.get(f"/doses/?{query}")
    assert page.status_code == 200
    assert "There is something to put right" in shown(page)
    assert listed(client, f"&{query}") == set()


def test_the_list_sorts_with_missing_last_both_ways(world: World) -> None:
    taken(ct())
    taken(other())
    taken(content(truths("high_dose")[0]))
    client = world.client("technologist")
    for sort in ("dose_rp_mgy", "-dose_rp_mgy"):
        rows = json.loads(client.get(f"/doses/?format=json&sort={sort}").content)
        found = [r["dose_rp_mgy"] for r in rows]
        assert found[-1] is None
        there = [v for v in found if v is not None]
        assert there == sorted(there, reverse=sort.startswith("-"))
        assert len(there) == 2


def many(n: int) -> None:
    """Put many studies in, copies of one under other UIDs."""
    study = taken(ct())
    study.system = None
    fields = {f.attname: getattr(study, f.attname) for f in Study._meta.concrete_fields}
    for name in ("id", "study_uid", "date"):
        del fields[name]
    Study.objects.bulk_create(
        (
            Study(study_uid=f"1.2.{i}", date=date(2026, 1, 1) - timedelta(days=i % 700), **fields)
            for i in range(n)
        ),
        batch_size=1000,
    )


def test_ten_thousand_studies_are_one_quick_page(world: World) -> None:
    """The same number of queries for ten rows as for ten thousand; the records stay unread."""
    client = world.client("technologist")

    def look() -> tuple[int, float, str]:
        client.get("/doses/")
        with CaptureQueriesContext(connection) as caught:
            start = time.perf_counter()
            page = client.get("/doses/")
            return (
                len(caught),
                time.perf_counter() - start,
                str(caught.captured_queries) + shown(page),
            )

    many(60)
    few, _, _ = look()
    many_more = 10_000
    Study.objects.all().delete()
    many(many_more)
    queries, seconds, text = look()
    assert queries == few <= 18
    assert '"doses_study"."record"' not in text
    assert "of 10001 studies" in text
    assert seconds < 1.5
    assert len(json.loads(client.get("/doses/?format=json&modality=CT").content)) == many_more + 1


# One study ----------------------------------------------------------------------------------------


def test_a_study_says_what_was_measured_and_by_what(world: World) -> None:
    recognise(world.quill, ct())
    study = taken(ct())
    page = shown(world.client("technologist").get(f"/doses/{study.pk}/"))
    record = unpacked(study)
    assert f"{study.dlp_mgy_cm:.4g} mGy cm" in page
    assert "CTDIvol mGy" in page
    assert str(world.quill.name) in page
    assert study.serial in page
    assert study.patient_key[:12] in page
    assert study.patient_key not in page
    assert record.reports[0].sha256[:12] in page
    for event in record.events:
        assert event.ct is not None
        assert event.ct.ctdivol is not None
        assert f"{event.ct.ctdivol.number:.4g}" in page


def test_missing_is_said_to_be_missing(world: World) -> None:
    study = taken(content(truths("empty_values")[0]))
    page = world.client("technologist").get(f"/doses/{study.pk}/?page=99").content.decode()
    assert '<abbr title="sent without a value">missing</abbr>' in page
    last = study.event_count
    drawer = shown(world.client("technologist").get(f"/doses/{study.pk}/events/{last}/"))
    assert "missing: sent without a value" in drawer


def test_as_sent_shows_text_unit_and_factor(world: World) -> None:
    truth = truths("dgy_cm2")[0]
    study = taken(content(truth))
    client = world.client("technologist")
    url = f"/doses/{study.pk}/events/1/"
    text = shown(client.get(url))
    assert "dGy.cm2" in text
    sent = unpacked(study).events[0].kap
    assert sent is not None
    assert f"{sent.sent[0]} dGy.cm2" in text
    assert "× 0.00001" in text
    drawer = client.get(url, headers={"HX-Request": "true"})
    assert "<html" not in drawer.content.decode()
    assert "<html" in client.get(url).content.decode()
    for wrong in (0, study.event_count + 1):
        assert client.get(f"/doses/{study.pk}/events/{wrong}/").status_code == 404


@pytest.mark.shared
def test_a_total_says_how_it_was_obtained(world: World) -> None:
    """The device states 0.0001 Gy; its events add up to 6.6e-5 Gy: the sum is used, and flagged."""
    study = taken(real("Dual-RDSR-RF"))
    page = shown(world.client("technologist").get(f"/doses/{study.pk}/"))
    assert "sum of the events" in page
    assert "rounded more coarsely than the events" in page
    assert "−34 %" in page
    assert "0.066 mGy" in page


@pytest.mark.shared
def test_a_long_procedure_pages_and_stays_quick(world: World) -> None:
    study = taken(real("RF-Pat-Orientation-Modifier-Missing"))
    client = world.client("technologist")
    url = f"/doses/{study.pk}/"
    client.get(url)
    with CaptureQueriesContext(connection) as caught:
        start = time.process_time()
        page = client.get(url)
        assert time.process_time() - start < 1.0  # 0.3 s here; a busy machine is not at fault
    assert len(caught) <= 18
    assert "1–50 of 316 events" in shown(page)
    seen = set()
    for n in range(1, 8):
        seen |= set(re.findall(r"/events/(\d+)/", client.get(f"{url}?page={n}").content.decode()))
    assert seen == {str(n) for n in range(1, 317)}
    found = json.loads(client.get(f"{url}?format=json").content)
    assert [row["event"] for row in found] == list(range(1, 317))
    assert sum(r["dose_rp_gy"] for r in found) == pytest.approx(study.dose_rp_gy)
    assert "from the observer context" in shown(page)


@pytest.mark.shared
@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("MG-RDSR-Hologic_2D", ["cranio-caudal", "W / Rh", "left", "Mammography"]),
        ("CT-RDSR-Siemens-Continued-1", ["body, 32 cm", "Topogram", "55.12"]),
        ("NM-RRDSR-Siemens", ["Administrations", "¹⁸Fluorine", "Activity MBq"]),
        ("RF-RDSR-Siemens-Zee", ["Projections", "FL - Ang", "−1.2 %"]),
        ("CT-RDSR-ToshibaPixelMed", ["CT acquisitions"]),
    ],
)
def test_each_kind_of_examination_has_its_own_table(
    world: World, name: str, words: list[str]
) -> None:
    study = taken(real(name))
    page = shown(world.client("technologist").get(f"/doses/{study.pk}/"))
    for word in words:
        assert word in page, word


@pytest.mark.shared
def test_every_real_report_has_a_page_for_itself_and_each_event(world: World) -> None:
    from tests.service.doses_world import REPORTS
    from tests.shared import shared_path

    for path in sorted(shared_path(REPORTS).glob("*.dcm")):
        ingest_bytes(path.read_bytes(), name=path.name)
    client = world.client("technologist")
    for study in Study.objects.defer("record"):
        page = client.get(f"/doses/{study.pk}/")
        assert page.status_code == 200, study
        assert "None" not in shown(page), study
        assert "nan" not in shown(page).split(), study
        if study.event_count:
            assert client.get(f"/doses/{study.pk}/events/{study.event_count}/").status_code == 200
        assert client.get(f"/doses/{study.pk}/?format=csv").status_code == 200


def test_the_same_patient_is_found_again(world: World) -> None:
    one = taken(edited(ct(), PatientID="4711"))
    two = taken(edited(other(), PatientID="4711"))
    taken(content(truths("high_dose")[0]))
    client = world.client("technologist")
    page = client.get(f"/doses/{one.pk}/")
    assert f'href="/doses/{two.pk}/"' in page.content.decode()
    assert listed(client, f"&patient={one.patient_key[:12]}") == {one.description, two.description}


def test_words_of_a_file_are_never_markup(world: World) -> None:
    hostile = '<script>alert("x")</script>'
    study = taken(edited(ct(), StudyDescription=hostile, StationName="<b>S</b>"))
    client = world.client("technologist")
    for address in (
        "/doses/",
        f"/doses/{study.pk}/",
        "/doses/devices/",
        f"/doses/devices/{study.pk}/",
    ):
        page = client.get(address).content.decode()
        assert "<script>alert" not in page
        assert "<b>S</b>" not in page


def test_two_objects_under_one_uid_are_named(world: World) -> None:
    raw = ct()
    study = taken(raw)
    ingest_bytes(edited(raw, StudyDescription="changed"), name="b.dcm")
    page = shown(world.client("technologist").get(f"/doses/{study.pk}/"))
    assert "another object with other content has the same SOP Instance UID" in page
    assert "another version of this object is used" in page


def test_a_slice_of_events_is_that_slice() -> None:
    study = taken(other())
    whole = unpacked(study)
    assert unpacked(study, slice(2, 4)).events == whole.events[2:4]
    assert unpacked(study, slice(0)).totals == whole.totals
    assert packed(whole) == bytes(study.record)
