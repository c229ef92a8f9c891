"""Pages and papers of skin dose: who sees what, what is signed, in how many queries."""

from __future__ import annotations

import base64
import csv
import io
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from kerma import reference
from kerma.core import InputError
from kerma.reference import Row
from kerma.service.doses.models import SkinDose, Study
from kerma.service.doses.policy import policy
from kerma.service.doses.skin import selectors, services
from kerma.service.doses.skin.mesh import mesh
from kerma.service.doses.skin.packing import unpacked
from kerma.service.doses.skin.shown import column, numbered, peak_of
from kerma.service.records import log
from kerma.service.records.integrity import verify
from kerma.service.records.models import Action, Issue, Paper
from kerma.service.records.papers.acts import ACTS
from kerma.service.records.services import verification_add
from tests.service import cast as play
from tests.service import factory
from tests.service.cast import Cast
from tests.service.skin_world import (
    GAP,
    LONG,
    PLAIN,
    commission,
    measured_profile,
    reports,
    room,
    taken,
)

pytestmark = pytest.mark.django_db
# Queries of a page, however many rows there are.
LIST, MAP, STUDY, ROOM = 24, 26, 34, 30


@pytest.fixture(autouse=True)
def few_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(policy()["skin"], "runs", 10)
    monkeypatch.setitem(policy()["skin"], "box_mm", [0, 0, 0])


@pytest.fixture
def who() -> Cast:
    return play.cast()


def made(who: Cast, report: int = PLAIN, **profile: Any) -> SkinDose:
    """A map of a commissioned room."""
    commission(who, room(who, reports()[report]), **profile)
    row = services.skin_dose_work_out(by=None, study=taken(reports()[report]))
    return SkinDose.objects.get(pk=row.pk)


def asked(browser: Client, path: str) -> int:
    with CaptureQueriesContext(connection) as queries:
        assert browser.get(path).status_code == 200
    return len(queries.captured_queries)


# Pages ------------------------------------------------------------------------------------------


def test_the_study_page_makes_a_due_map_by_itself(who: Cast) -> None:
    commission(who, room(who, reports()[PLAIN]))
    study = taken(reports()[PLAIN])
    browser = factory.client(who.technologist)
    page = browser.get(f"/doses/{study.pk}/").content.decode()
    assert 'hx-trigger="load"' in page
    assert not SkinDose.objects.exists()  # looking changes nothing
    answer = browser.post(f"/doses/skin/studies/{study.pk}/work-out/", HTTP_HX_REQUEST="true")
    row = SkinDose.objects.get()
    assert row.by is None
    assert str(peak_of(row)) in answer.content.decode()
    again = browser.get(f"/doses/{study.pk}/").content.decode()
    assert 'hx-trigger="load"' not in again
    assert "validated" in again
    commission(who, study.system, profile=replace(measured_profile(), inherent_al_mm=4.0))
    assert 'hx-trigger="load"' in browser.get(f"/doses/{study.pk}/").content.decode()


def test_below_the_threshold_a_scientist_asks(who: Cast) -> None:
    commission(who, room(who, reports()[PLAIN]))
    study = taken(reports()[PLAIN])
    Study.objects.update(dose_rp_gy=None, kap_gy_m2=None)
    path = f"/doses/skin/studies/{study.pk}/work-out/"
    browser = factory.client(who.technologist)
    assert "hx-trigger" not in browser.get(f"/doses/{study.pk}/").content.decode()
    assert browser.post(path).status_code == 422
    assert browser.post(path, {"asked": "1"}).status_code == 403
    assert not SkinDose.objects.exists()
    answer = factory.client(who.colleague).post(path, {"asked": "1"})
    assert answer.url == f"/doses/skin/{SkinDose.objects.get().pk}/"


def test_bands_are_pointed_out_to_physicists_only(who: Cast) -> None:
    row = made(who, LONG)
    for path in (f"/doses/skin/{row.pk}/", f"/doses/{row.study_id}/"):
        assert "for a physicist to judge" in _page(who.colleague, path).lower()
        technologist = _page(who.technologist, path).lower()
        assert "for a physicist to judge" not in technologist
        assert "erythema" not in technologist
        assert ">A2<" not in _page(who.technologist, path)


def _page(person: Any, path: str) -> str:
    answer = factory.client(person).get(path)
    assert answer.status_code == 200
    return answer.content.decode()


@pytest.mark.parametrize(("role", "status"), [("nurse", 404), ("outsider", 404), ("gone", 403),
                                              ("administrator", 403)])  # fmt: skip
def test_who_sees_no_map(who: Cast, role: str, status: int) -> None:
    row = made(who)
    browser = factory.client(getattr(who, role))
    base = f"/doses/skin/{row.pk}/"
    for path in ("/doses/skin/", base, f"{base}map.json", f"{base}?format=csv", f"{base}write/",
                 f"/doses/skin/studies/{row.study_id}/by-hand/"):  # fmt: skip
        assert browser.get(path).status_code == status, path
    assert browser.post(f"/doses/skin/studies/{row.study_id}/work-out/").status_code == status


def test_what_is_not_there_is_not_found(who: Cast) -> None:
    browser = factory.client(who.colleague)
    for path in ("/doses/skin/9/", "/doses/skin/9/map.json", "/doses/skin/9/write/",
                 "/doses/skin/rooms/9999/", "/doses/skin/studies/9/by-hand/",
                 "/doses/skin/profiles/9/evidence/"):  # fmt: skip
        assert browser.get(path).status_code == 404, path
    assert browser.get("/doses/skin/studies/1/work-out/").status_code == 405
    assert browser.get("/doses/skin/").status_code == 200


def test_hostile_words_stay_words(who: Cast) -> None:
    row = made(who)
    Study.objects.update(description="<script>alert('x')</script>")
    here = f"/doses/skin/{row.pk}/"
    for path in (here, "/doses/skin/", f"/doses/{row.study_id}/", f"{here}write/",
                 f"/doses/skin/rooms/{row.study.system_id}/"):  # fmt: skip
        page = _page(who.colleague, path)
        assert "<script>alert" not in page, path
        assert "alert(&#x27;x" in page, path


def test_by_hand_on_the_page(who: Cast) -> None:
    row = made(who)
    browser = factory.client(who.colleague)
    path = f"/doses/skin/studies/{row.study_id}/by-hand/"
    body = {"orientation": "", "across_mm": "60", "down_mm": "0", "along_mm": "0"}
    for wrong in ({}, {"reason": "x", "across_mm": "nan"}, {"reason": "x", "across_mm": "5000"},
                  {"reason": "x", "orientation": "HFDL"}):  # fmt: skip
        assert browser.post(path, {**body, **wrong}).status_code == 422
    assert browser.post(path, {**body, "reason": "Seen on the image"}).status_code == 302
    newest = selectors.newest_of(row.study_id)
    assert newest is not None
    page = _page(who.colleague, f"/doses/skin/{newest.pk}/")
    assert "Seen on the image" in page
    assert "The newest map" in _page(who.colleague, f"/doses/skin/{row.pk}/")


def test_shares_are_exported_whole(who: Cast) -> None:
    row = made(who)
    found = unpacked(row)
    raw = factory.client(who.colleague).get(f"/doses/skin/{row.pk}/?format=csv").content
    lines = list(csv.DictReader(io.StringIO(raw.decode("utf-8-sig"))))
    assert len(lines) == len(found.shares) > 20
    total = sum(float(line["Dose at the peak, mGy"]) for line in lines)
    assert total == pytest.approx(row.peak_mgy, rel=1e-6)


def test_pages_keep_their_number_of_queries(who: Cast) -> None:
    first = made(who)
    browser = factory.client(who.colleague)
    pages = {"/doses/skin/": LIST, f"/doses/skin/{first.pk}/": MAP,
             f"/doses/{first.study_id}/": STUDY,
             f"/doses/skin/rooms/{first.study.system_id}/": ROOM}  # fmt: skip
    before = {path: asked(browser, path) for path in pages}
    assert {p: n for p, n in before.items() if n > pages[p]} == {}
    for n in range(25):
        study = Study.objects.get(pk=first.study_id)
        study.pk, study.study_uid, study.date = None, f"1.9.{n}", factory.days(-n)
        study.save()
        copy = SkinDose.objects.get(pk=first.pk)
        copy.pk, copy.study = None, study
        copy.save()
    commission(who, first.study.system)
    after = {path: asked(browser, path) for path in pages}
    assert {p: n for p, n in after.items() if n > before[p] + 2} == {}


def test_the_mesh_holds_what_the_map_holds(who: Cast) -> None:
    found = unpacked(made(who))
    sent = mesh(found)
    assert found.cells is not None

    def numbers(key: str, kind: str) -> Any:
        return np.frombuffer(base64.b64decode(sent[key]), kind)

    per = 1e-3 if sent["unit"] == "Gy" else 1.0
    assert np.allclose(numbers("dose", "<f4"), found.cells.dose_mgy * per, rtol=1e-6)
    assert np.allclose(numbers("corners", "<i2") / 10, found.cells.vertices.ravel(), atol=0.051)
    step = numbers("step", "<i1")
    assert set(step[found.cells.dose_mgy == 0]) == {-1}
    assert len(sent["steps"]) - 1 == step.max()
    (grid,) = sent["grids"]
    assert grid["nu"] * grid["nv"] == len(found.cells.dose_mgy)


# Papers -----------------------------------------------------------------------------------------


def written(who: Cast, row: SkinDose, **more: Any) -> Paper:
    given: dict[str, Any] = {"by": who.colleague, "item": row, "summary": "One long procedure.",
                             "owner": "Lead radiologist", "due": factory.days(20)}  # fmt: skip
    return services.skin_write(**{**given, **more})


def act(paper: Paper, **steps: Any) -> Paper:
    for name, by in steps.items():
        ACTS[name](paper=paper, by=by).perform()
    return Paper.objects.get(pk=paper.pk)


def test_a_paper_from_map_to_follow_up(who: Cast) -> None:
    row = made(who, LONG)
    paper = written(who, row)
    assert paper.subject == log.subject_of(row)
    content = paper.drafts.get().content
    assert str(peak_of(row)) in content["statement"]
    assert {s["row"] for s in content["sources"]} > set(unpacked(row).rests_on)
    assert any(s["row"].startswith("tissue-reactions/") for s in content["sources"])
    (proposal,) = content["proposals"]
    assert "band A2" in proposal["text"]
    paper = act(paper, submit=who.colleague, check=who.checker)
    with pytest.raises(InputError, match="verified") as refusal:
        act(paper, issue=who.approver)
    assert refusal.value.code == "unverified-rows"
    for name in content["rests_on_rows"]:
        verification_add(by=who.approver, row=name, document="Read", edition="1")
    act(paper, issue=who.approver)
    assert Action.objects.get().owner == "Lead radiologist"
    assert Issue.objects.get(subject=log.subject_of(paper)).content["proposals"]
    assert verify().sound
    browser = factory.client(who.colleague)
    assert browser.get(f"/papers/{paper.pk}/draft.pdf").content[:5] == b"%PDF-"
    assert "Why the issued paper" in browser.get(f"/doses/skin/{row.pk}/write/").content.decode()


def test_a_recalled_row_alone_blocks_the_issue(who: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    """A figure nobody has read in its source stands in no issued paper."""
    row = made(who, LONG)
    recalled = next(
        r for r in reference.rows("tissue-reactions") if r.text("kind") == "skin_threshold"
    )
    assert recalled.confidence == "recalled"
    flag = selectors.Flag(recalled, "2 Gy", 2.0, None)
    monkeypatch.setattr("kerma.service.doses.skin.words.flags", lambda *_: [flag])
    paper = written(who, row)
    for name in unpacked(row).rests_on:
        verification_add(by=who.approver, row=name, document="Read", edition="1")
    paper = act(paper, submit=who.colleague, check=who.checker)
    with pytest.raises(InputError, match=r"tissue-reactions") as refusal:
        act(paper, issue=who.approver)
    assert refusal.value.code == "unverified-rows"


def test_below_the_bands_nothing_is_proposed(who: Cast) -> None:
    content = written(who, made(who)).drafts.get().content
    assert content["proposals"] == []
    assert not any(s["row"].startswith("tissue-reactions/") for s in content["sources"])
    assert all(s["title"] != "For a physicist to judge" for s in content["sections"])


def test_the_paper_says_what_is_missing(who: Cast) -> None:
    content = written(who, made(who, GAP)).drafts.get().content
    assert "may be higher" in content["statement"]
    assert "The end angle of the rotation is not stated." in str(content["sections"])


@pytest.mark.parametrize("what", ["blank", "no-peak", "no-system"])
def test_what_is_not_written_up(who: Cast, what: str) -> None:
    refused = {"status": "refused", "reason": "Broken."} if what == "no-peak" else {}
    row = made(who, **refused)
    if what == "no-system":
        Study.objects.update(system=None)
        row = SkinDose.objects.get(pk=row.pk)
    with pytest.raises(InputError) as refusal:
        written(who, row, summary=" " if what == "blank" else "x")
    assert refusal.value.code == what
    assert not Paper.objects.exists()


def test_a_technologist_writes_none(who: Cast) -> None:
    row = made(who)
    browser = factory.client(who.technologist)
    body = {"summary": "x", "owner": "x", "due": factory.days(9).isoformat()}
    assert browser.post(f"/doses/skin/{row.pk}/write/", body).status_code == 403
    assert not Paper.objects.exists()


# Numbers ----------------------------------------------------------------------------------------


def stored(peak: float | None, low: float | None = None, high: float | None = None) -> SkinDose:
    return SkinDose(peak_mgy=peak, low_mgy=low, high_mgy=high)


def test_a_peak_has_the_digits_its_interval_allows() -> None:
    found = peak_of(stored(7207.6, 4878.1, 11511.8))
    assert found is not None
    assert (found.value, found.low, found.high, found.unit) == ("7.2", "4.9", "11.5", "Gy")
    found = peak_of(stored(1.53765, 1.0586, 2.4521))
    assert found is not None
    assert (found.value, found.low, found.high, found.unit) == ("1.54", "1.06", "2.45", "mGy")
    assert peak_of(stored(None)) is None


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [
        (1800.0, 1999.0, []),
        (1800.0, 2000.0, ["A2"]),
        (2500.0, 4000.0, ["A2"]),
        (4900.0, 11500.0, ["A2", "B", "C"]),
        (16000.0, 20000.0, ["D"]),
        (None, None, []),
    ],
)
def test_bands_by_the_upper_end(low: float | None, high: float | None, expected: list[str]) -> None:
    found = selectors.flags(low, high)
    assert [f.band for f in found] == expected
    assert all(isinstance(f.row, Row) and f.row.confidence == "seen" for f in found)


def test_event_numbers_and_columns() -> None:
    assert numbered([0, 1, 2, 4, 6, 7]) == "1–3, 5, 7–8"
    assert column([219.4, 95.94, 0.2, None, 0.0]) == ["219", "96", "<1", "–", "0"]
    assert column([0.2251, 0.0721]) == ["0.225", "0.072"]
    assert column([]) == []
