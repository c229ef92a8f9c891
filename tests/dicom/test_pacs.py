"""Query, retrieve and REST against a real Orthanc: everything once, reports before images."""

from __future__ import annotations

import os
import threading
from datetime import date
from http.server import BaseHTTPRequestHandler, HTTPServer
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from pydicom import dcmread

from kerma.core import InputError
from kerma.dicom.dose import read_report
from kerma.dicom.net.inbox import Inbox
from kerma.dicom.net.listener import Listener, Listening
from kerma.dicom.net.orthanc import Orthanc
from kerma.dicom.net.retrieve import Pacs, Wanted, fetch, series_of
from tests import orthanc
from tests.dicom import build
from tests.service.doses_world import content, simulated

if os.environ.get("REQUIRE_ORTHANC") != "1":
    pytestmark = pytest.mark.skipif(
        not orthanc.installed(), reason="*** NO ORTHANC: query and retrieve did not run ***"
    )

REPORTS = [content(t) for t in simulated()[1] if t.modality == "CT"][:4]
YEARS = {"since": date(2000, 1, 1), "until": date(2100, 1, 1)}


def image(study: str) -> bytes:
    dataset = build.image(
        np.zeros((32, 32), np.uint16), Modality="DX", StudyInstanceUID=study,
        SOPClassUID="1.2.840.10008.5.1.4.1.1.1.1", StudyDate="20260601", PatientID="P",
        SeriesInstanceUID=f"{study}.1", SOPInstanceUID=f"{study}.1.1",
    )  # fmt: skip
    return build.encode(dataset)


@pytest.fixture(scope="module")
def pacs():
    move_port = orthanc.free_port()
    with orthanc.server(move_port=move_port) as running:
        for raw in (
            *REPORTS,
            image("1.2.3.4"),
            image(dcmread(BytesIO(REPORTS[0])).StudyInstanceUID),
        ):
            running.add(raw)
        yield running, move_port


def known(pacs, **more: object) -> Pacs:
    return Pacs("127.0.0.1", pacs[0].dicom, "ORTHANC", **more)  # type: ignore[arg-type]


def kept(folder: Path) -> set[str]:
    return {str(dcmread(p).SOPInstanceUID) for p in folder.glob("*.dcm")}


def test_reports_are_asked_for_before_the_images_of_their_study(pacs) -> None:
    found = series_of(known(pacs), Wanted(**YEARS))
    assert sum(s.modality == "SR" for s in found) == len(REPORTS)
    assert [s.study_uid for s in found if s.modality == "DX"] == ["1.2.3.4"]


def test_reports_of_findings_do_not_hide_the_images_of_their_study() -> None:
    cad = build.report([], ("111036", "DCM", "Mammography CAD Report"), StudyDate="20260601")
    cad.SOPClassUID = "1.2.840.10008.5.1.4.1.1.88.50"
    cad.StudyInstanceUID, cad.SeriesInstanceUID = "1.2.3.8", "1.2.3.8.9"
    findings = build.report([], ("18748-4", "LN", "Imaging Report"), StudyDate="20260601")
    findings.SOPClassUID = build.ENHANCED_SR
    findings.StudyInstanceUID, findings.SeriesInstanceUID = "1.2.3.9", "1.2.3.9.9"
    with orthanc.server(move_port=orthanc.free_port()) as running:
        for raw in (build.encode(cad), build.encode(findings), image("1.2.3.8"), image("1.2.3.9")):
            running.add(raw)
        found = series_of(Pacs("127.0.0.1", running.dicom, "ORTHANC"), Wanted(**YEARS))
    assert sorted((s.study_uid, s.modality) for s in found) == [
        ("1.2.3.8", "DX"), ("1.2.3.9", "DX"), ("1.2.3.9", "SR"),
    ]  # fmt: skip


def test_days_and_modalities_narrow(pacs) -> None:
    assert series_of(known(pacs), Wanted(date(1990, 1, 1), date(1990, 1, 2))) == []
    only = series_of(known(pacs), Wanted(**YEARS, modalities=("DX",)))
    assert {s.study_uid for s in only} >= {"1.2.3.4"}


def test_fetched_by_get_the_objects_read_the_same(pacs, tmp_path: Path) -> None:
    found = [s for s in series_of(known(pacs), Wanted(**YEARS)) if s.modality == "SR"]
    done = fetch(known(pacs), found, Inbox(tmp_path))
    assert (done.objects, done.failed) == (len(REPORTS), 0)
    sent = {read_report(r).study_uid: read_report(r).totals for r in REPORTS}
    for path in tmp_path.glob("*.dcm"):
        record = read_report(path.read_bytes())
        assert record.totals == sent[record.study_uid]


def test_fetched_by_move_they_come_to_the_listener(pacs, tmp_path: Path) -> None:
    found = series_of(known(pacs), Wanted(**YEARS))
    with Listener(Inbox(tmp_path), Listening(port=pacs[1])) as listener:
        done = fetch(known(pacs, move_to="KERMA"), found, listener.inbox)
    assert done.failed == 0
    assert len(kept(tmp_path)) == len(REPORTS) + 1


def test_a_series_that_fails_does_not_stop_the_next(pacs, tmp_path: Path) -> None:
    (good,) = [s for s in series_of(known(pacs), Wanted(**YEARS)) if s.modality == "DX"]
    bad = type(good)("9.9.9", "9.9.9.9", "SR", 1)
    done = fetch(known(pacs), [bad, good], Inbox(tmp_path))
    assert done.objects == 1
    assert len(kept(tmp_path)) == 1


def test_nobody_there_is_said(tmp_path: Path) -> None:
    nobody = Pacs("127.0.0.1", orthanc.free_port(), "NOBODY")
    with pytest.raises(InputError, match="does not take the association") as refusal:
        series_of(nobody, Wanted(**YEARS))
    assert not refusal.value.permanent


# REST --------------------------------------------------------------------------------------------


def test_rest_gives_every_new_object_once_and_goes_on_where_it_ended(pacs) -> None:
    held = Orthanc(pacs[0].url)
    first = list(held.changes(0))
    new = [i for _, i in first if i]
    assert len(new) == len(REPORTS) + 2
    assert {dcmread(BytesIO(held.content(i))).SOPInstanceUID for i in new}
    last = first[-1][0]
    assert list(held.changes(last)) == []
    pacs[0].add(image("1.2.3.5"))
    assert len([i for _, i in held.changes(last) if i]) == 1


def test_rest_takes_only_the_modalities_asked_for(pacs) -> None:
    held = Orthanc(pacs[0].url, modalities=("SR",))
    new = [i for _, i in held.changes(0) if i]
    assert sum(map(held.wanted, new)) == len(REPORTS)


def test_a_password_is_needed_and_used() -> None:
    with orthanc.server(user="kerma", password="secret") as running:
        with pytest.raises(InputError, match="user and password"):
            Orthanc(running.url).name()
        assert Orthanc(running.url, "kerma", "secret").name()


@pytest.mark.parametrize("url", ["file:///etc/passwd", "ftp://host/x", "nonsense"])
def test_an_address_that_is_none_is_refused(url: str) -> None:
    with pytest.raises(InputError, match="not an address"):
        Orthanc(url).name()


def test_nothing_at_the_address_can_be_tried_again() -> None:
    with pytest.raises(InputError, match="does not answer") as refusal:
        Orthanc(f"http://127.0.0.1:{orthanc.free_port()}").name()
    assert not refusal.value.permanent


def test_another_server_is_not_taken_for_one() -> None:
    class Other(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b"<html>hello</html>")

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = HTTPServer(("127.0.0.1", 0), Other)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    held = Orthanc(f"http://127.0.0.1:{server.server_address[1]}")
    with pytest.raises(InputError, match="not an Orthanc"):
        held.name()
    with pytest.raises(InputError, match="not an Orthanc"):
        list(held.changes(0))
    server.shutdown()
