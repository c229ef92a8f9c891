"""Shielding designs in the service: who may draw, what is kept, what is signed, what is refused."""

from __future__ import annotations

import json
from datetime import date
from typing import Any

import pytest

from kerma.core import InputError, IntegrityError, NotEntitled
from kerma.service.protection.models import Design, DesignVersion
from kerma.service.protection.shielding import drawing, shown, working
from kerma.service.protection.shielding.papers import design_write
from kerma.service.protection.shielding.services import design_open, drawing_save, version_keep
from kerma.service.records.integrity import verify
from kerma.service.records.models import Action, Issue, Paper
from kerma.service.records.papers.acts import ACTS
from kerma.service.records.services import verification_add
from tests.service import cast as play
from tests.service import factory
from tests.service.cast import Cast

pytestmark = pytest.mark.django_db

SHEET: dict[str, Any] = {
    "plan": {
        "method": "uk",
        "storeys": [{"key": "s1", "name": "Ground floor", "floor_m": 0.0, "height_m": 3.0}],
        "barriers": [
            {"key": "w1", "name": "Wall", "storey": "s1", "start": [0, 0], "end": [6, 0],
             "layers": [{"material": "concrete", "mm": 150}]},
        ],
        "areas": [
            {"key": "a1", "name": "Office", "storey": "s1", "occupancy": 1.0,
             "polygon": [[0, 0], [6, 0], [6, -3], [0, -3]]},
        ],
        "sources": [
            {"key": "q1", "name": "Scanner", "storey": "s1", "position": [3, 2], "height_m": 1.0,
             "uses": [{"kind": "ct_dlp",
                       "given": {"region": "body", "dlp_mgy_cm": 1e6, "kv": 120}}]},
        ],
    }
}  # fmt: skip


@pytest.fixture
def who() -> Cast:
    return play.cast()


def opened(who: Cast, **fields: Any) -> Design:
    given = {"by": who.colleague, "site": who.system.room.site, "title": "CT room", "about": "",
             "method": "uk", "height_m": 3.0}  # fmt: skip
    return design_open(**{**given, **fields})


def with_plan(**fields: Any) -> dict[str, Any]:
    changed: dict[str, Any] = json.loads(json.dumps(SHEET))
    changed["plan"].update(fields)
    return changed


def drawn(who: Cast, document: dict[str, Any] | None = None) -> Design:
    design = opened(who)
    drawing_save(by=who.colleague, design=design, document=document or SHEET, revision=0)
    return Design.objects.get(pk=design.pk)


def kept(who: Cast) -> DesignVersion:
    return version_keep(by=who.colleague, design=drawn(who), note="As ordered")


def written(who: Cast, version: DesignVersion, **fields: Any) -> Paper:
    given = {"by": who.colleague, "version": version, "summary": "Build it so.",
             "owner": "Estates", "due": date(2027, 6, 30)}  # fmt: skip
    return design_write(**{**given, **fields})


def adviser(who: Cast) -> Any:
    """An RPA the employer has appointed."""
    made = factory.person("consultant")
    factory.credential(made, "RPA")
    factory.appointment(made, who.ours, "RPA")
    return made


def issue(who: Cast, paper: Paper) -> Issue:
    rpa = adviser(who)
    for row in Paper.objects.get(pk=paper.pk).drafts.first().content["rests_on_rows"]:
        verification_add(by=who.approver, row=row, document="Read", edition="1")
    for act, by in (("submit", who.colleague), ("check", who.checker), ("issue", rpa)):
        done = ACTS[act](paper=Paper.objects.get(pk=paper.pk), by=by).perform()
    assert isinstance(done, Issue)
    return done


# Who may ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("role", ["technologist", "manager", "administrator", "nurse", "assistant"])
def test_only_scientists_design(who: Cast, role: str) -> None:
    with pytest.raises(NotEntitled):
        opened(who, by=getattr(who, role))
    design = drawn(who)
    with pytest.raises(NotEntitled):
        drawing_save(by=getattr(who, role), design=design, document=SHEET, revision=1)
    with pytest.raises(NotEntitled):
        version_keep(by=getattr(who, role), design=design, note="x")


def test_hospital_users_are_shown_no_designs(who: Cast) -> None:
    design = drawn(who)
    client = factory.client(who.nurse)
    for path in ("", "new/", f"{design.pk}/", f"{design.pk}/draw/"):
        assert client.get(f"/protection/shielding/{path}").status_code == 403


def test_a_room_of_another_site_is_refused(who: Cast) -> None:
    with pytest.raises(InputError, match="another site"):
        opened(who, rooms=[who.foreign.room])


# The drawing --------------------------------------------------------------------------------------


def test_a_save_does_not_overwrite_anothers(who: Cast) -> None:
    design = drawn(who)
    drawing_save(by=who.checker, design=design, document=with_plan(areas=[]), revision=1)
    with pytest.raises(IntegrityError, match=who.checker.name):
        drawing_save(by=who.colleague, design=design, document=SHEET, revision=1)
    held = Design.objects.get(pk=design.pk).drawing
    assert (held.revision, held.document["plan"]["areas"]) == (2, [])


WALL = SHEET["plan"]["barriers"][0]
SOURCE = SHEET["plan"]["sources"][0]
UNFINISHED = {
    "a source inside a wall": {"sources": [{**SOURCE, "position": [3, 0.01]}]},
    "overlapping walls": {"barriers": [
        WALL, {**WALL, "key": "w2", "start": [2, 0], "end": [8, 0]}]},
    "zero distance": {"barriers": [{**WALL, "end": [0, 0]}]},
    "unknown material": {"barriers": [{**WALL, "layers": [{"material": "cheese", "mm": 10}]}]},
    "kV outside the table": {"sources": [{**SOURCE, "uses": [
        {"kind": "ct_dlp", "given": {"region": "body", "dlp_mgy_cm": 1e6, "kv": 300}}]}]},
    "missing phantom": {"sources": [{**SOURCE, "uses": [
        {"kind": "ct_dlp", "given": {"dlp_mgy_cm": 1e6, "kv": 120}}]}]},
    "no source": {"sources": []},
    "another method's use": {"sources": [{**SOURCE, "uses": [
        {"kind": "patients", "given": {"patients": 100}}]}]},
}  # fmt: skip


@pytest.mark.parametrize("what", UNFINISHED)
def test_a_drawing_with_faults_is_kept_and_says_them(who: Cast, what: str) -> None:
    design = drawn(who, with_plan(**UNFINISHED[what]))
    with pytest.raises(InputError, match="cannot be assessed yet"):
        version_keep(by=who.colleague, design=design, note="x")
    client = factory.client(who.colleague)
    sent = json.dumps({"document": design.drawing.document})
    answer = client.post(f"/protection/shielding/{design.pk}/assess/", sent,
                         content_type="application/json")  # fmt: skip
    found = answer.json()
    assert found["assessment"] is None
    blocking = [f for f in found["faults"] if f["blocking"]]
    assert blocking
    assert all(len(f["message"]) > 20 for f in blocking)
    shown_page = client.get(f"/protection/shielding/{design.pk}/")
    assert blocking[0]["message"][:30] in shown_page.content.decode()
    assert (
        Design.objects.get(pk=design.pk).drawing.document["plan"] == design.drawing.document["plan"]
    )


HOSTILE = (
    b"", b"[]", b"null", b'{"document": 7}', b'{"document": {"plan": {}}}', b"[" * 5000,
    b'{"document": {"plan": null}, "revision": "x"}', b"\xff\xfe", b'{"document": {"plan": []}}',
)  # fmt: skip


@pytest.mark.parametrize("raw", HOSTILE)
@pytest.mark.parametrize("door", ["save", "assess", "map"])
def test_what_is_no_drawing_is_refused(who: Cast, raw: bytes, door: str) -> None:
    design = opened(who)
    answer = factory.client(who.colleague).post(
        f"/protection/shielding/{design.pk}/{door}/", raw, content_type="application/json"
    )
    assert answer.status_code == 422
    assert Design.objects.get(pk=design.pk).drawing.revision == 0


@pytest.mark.parametrize(
    "change",
    [
        {"storeys": []},
        {"method": "guess"},
        {"barriers": [{**WALL, "start": [0, 1e9]}]},
        {"barriers": [WALL, WALL]},
        {"sources": [{**SOURCE, "storey": "attic"}]},
        {"barriers": [{**WALL, "layers": [{"material": "lead", "mm": float("nan")}]}]},
        {"areas": [{**SHEET["plan"]["areas"][0], "occupancy": float("inf")}]},
        {"barriers": [{**WALL, "key": f"w{n}"} for n in range(501)]},
    ],
    ids=["no storey", "method", "scale", "keys", "storey", "nan", "inf", "many"],
)
def test_what_cannot_be_understood_is_refused(who: Cast, change: dict[str, Any]) -> None:
    design = opened(who)
    changed = {"plan": {**SHEET["plan"], **change}}
    with pytest.raises(InputError) as refused:
        drawing_save(by=who.colleague, design=design, document=changed, revision=0)
    assert refused.value.code == "bad-plan"


@pytest.mark.parametrize("prices", [{"x": -1}, {"x": "dear"}, {"x": float("inf")}])
def test_a_price_that_is_none_is_refused(prices: dict[str, Any]) -> None:
    with pytest.raises(InputError):
        drawing.read({**SHEET, "prices": prices})


def test_a_picture_of_another_design_is_refused(who: Cast) -> None:
    design = opened(who)
    laid = {**SHEET, "underlays": [{"underlay": 999, "storey": "s1"}]}
    with pytest.raises(InputError, match="another design"):
        drawing_save(by=who.colleague, design=design, document=laid, revision=0)


def test_the_map_of_a_storey(who: Cast) -> None:
    design = drawn(who)
    client = factory.client(who.colleague)
    asked = {"document": SHEET, "box": [0, -3, 6, 3], "storey": "s1", "height": 1}
    found = client.post(f"/protection/shielding/{design.pk}/map/", json.dumps(asked),
                        content_type="application/json").json()  # fmt: skip
    assert found["columns"] * found["step"] == pytest.approx(6, rel=0.02)
    for wrong in ([0, 0, 0, 0], [0, 0, "x", 1], None):
        answer = client.post(f"/protection/shielding/{design.pk}/map/",
                             json.dumps({**asked, "box": wrong}),
                             content_type="application/json")  # fmt: skip
        assert answer.status_code == 422


# Versions -----------------------------------------------------------------------------------------


def test_a_version_is_frozen_and_comes_out_the_same(who: Cast) -> None:
    version = kept(who)
    drawing_save(by=who.colleague, design=version.design, document=with_plan(areas=[]), revision=1)
    held = DesignVersion.objects.get(pk=version.pk)
    assert held.document["plan"]["areas"]
    with pytest.raises(TypeError, match="append-only"):
        held.save()
    client = factory.client(who.colleague)
    answer = client.get(f"/protection/shielding/versions/{version.pk}/")
    assert "same bits" in answer.content.decode()
    assert verify().sound


def test_a_changed_version_is_found_out(who: Cast) -> None:
    version = kept(who)
    changed = {**version.document, "prices": {"x": 1.0}}
    DesignVersion.objects.filter(pk=version.pk).update(document=changed)
    assert not verify().sound


def test_a_newer_row_is_shown_with_what_it_changes(
    who: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    version = kept(who)

    monkeypatch.setattr(shown, "number", lambda v, *_: f"{v:.6g}")
    again = working.worked(drawing.read(version.document)).assessment
    assert again is not None
    assert shown.changes(version.assessment, again) == []
    other = json.loads(json.dumps(again))
    other["areas"][0]["kerma"]["value"] *= 1.25
    other["sources"][0]["sha256"] = "0" * 64
    told = shown.changes(version.assessment, other)
    assert any("+25 %" in t for t in told)
    assert any(other["sources"][0]["row"] in t for t in told)


# Reports ------------------------------------------------------------------------------------------


def test_the_report_is_approved_by_an_appointed_rpa_only(who: Cast) -> None:
    paper = written(who, kept(who))
    rpa = adviser(who)
    for row in paper.drafts.first().content["rests_on_rows"]:
        verification_add(by=who.approver, row=row, document="Read", edition="1")
    for act, by in (("submit", who.colleague), ("check", who.checker)):
        ACTS[act](paper=Paper.objects.get(pk=paper.pk), by=by).perform()
    with pytest.raises(NotEntitled):  # an MPE is no RPA
        ACTS["issue"](paper=Paper.objects.get(pk=paper.pk), by=who.approver).perform()
    done = ACTS["issue"](paper=Paper.objects.get(pk=paper.pk), by=rpa).perform()
    assert Paper.objects.get(pk=paper.pk).state == "issued"
    assert Action.objects.filter(issue=done).count() == 1


def test_nothing_is_issued_on_rows_nobody_verified(who: Cast) -> None:
    paper = written(who, kept(who))
    for act, by in (("submit", who.colleague), ("check", who.checker)):
        ACTS[act](paper=Paper.objects.get(pk=paper.pk), by=by).perform()
    blocked = ACTS["issue"](paper=Paper.objects.get(pk=paper.pk), by=adviser(who)).blockers()
    assert "unverified-rows" in [code for code, _ in blocked]


def test_another_version_replaces_the_report_with_a_reason(who: Cast) -> None:
    first = kept(who)
    issue(who, written(who, first))
    second = version_keep(by=who.colleague, design=first.design, note="More scans")
    assert second.number == 2
    with pytest.raises(InputError, match="why"):
        written(who, second)
    paper = written(who, second, amend_reason="The workload has doubled.")
    assert paper.report == Paper.objects.first().report
    third = version_keep(by=who.colleague, design=first.design, note="Once more")
    with pytest.raises(InputError, match="on its way"):
        written(who, third, amend_reason="x")


def test_the_report_says_what_is_needed(who: Cast) -> None:
    weak = with_plan(barriers=[{**WALL, "layers": [{"material": "concrete", "mm": 60}]}])
    version = version_keep(by=who.colleague, design=drawn(who, weak), note="x")
    paper = written(who, version)
    content = paper.drafts.first().content
    assert "not enough: 1 barrier" in content["statement"]
    extra = version.assessment["needs"]["barriers"][0]["extra_mm"]
    rows = content["sections"][0]["blocks"][0]["table"]["rows"]
    built = float(rows[0][4].split()[0])
    assert extra <= built <= extra + 0.01, "never rounded down"
