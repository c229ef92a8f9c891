"""Reports, actions, verification, the log and the proof: what the pages let people do."""

from __future__ import annotations

import hashlib

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client

from kerma import reference
from kerma.service.records import store
from kerma.service.records.models import Action, Attachment, Event, Verification
from kerma.service.records.selectors import verifications
from tests.service import factory
from tests.service.factory import World

pytestmark = pytest.mark.django_db


@pytest.fixture
def world() -> World:
    return factory.world()


@pytest.fixture
def mpe(world: World) -> Client:
    return factory.client(world.mpe)


# Reports ------------------------------------------------------------------------------------------


def test_the_json_of_an_issue_hashes_to_what_was_signed(world: World, mpe: Client) -> None:
    body = mpe.get(f"/reports/issues/{world.issue.pk}/content.json").content
    assert hashlib.sha256(body).hexdigest() == world.issue.content_sha256
    page = mpe.get(f"/reports/issues/{world.issue.pk}/").content.decode()
    assert world.issue.content_sha256 in page
    assert "agrees" in page


def test_the_pdf_is_sent_as_it_was_kept_and_shown_in_the_browser(world: World, mpe: Client) -> None:
    answer = mpe.get(f"/reports/issues/{world.issue.pk}/report.pdf")
    assert answer.headers["Content-Type"] == "application/pdf"
    assert answer.headers["Content-Disposition"].startswith("inline;")
    assert hashlib.sha256(answer.content).hexdigest() == world.issue.document.sha256


def test_a_changed_pdf_is_refused_in_plain_words(world: World, mpe: Client) -> None:
    path = store.path_of(world.issue.document.sha256)
    kept = path.read_bytes()
    try:
        path.write_bytes(kept + b" ")
        answer = mpe.get(f"/reports/issues/{world.issue.pk}/report.pdf")
        assert answer.status_code == 409
        assert "is not what was kept" in answer.content.decode()
        path.unlink()
        assert (
            "is missing" in mpe.get(f"/reports/issues/{world.issue.pk}/report.pdf").content.decode()
        )
    finally:
        path.write_bytes(kept)


def test_an_issue_page_says_when_its_content_was_changed(world: World, mpe: Client) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            'UPDATE records_issue SET content = \'{"summary": ["All well"]}\' WHERE id = %s',
            [world.issue.pk],
        )
    page = mpe.get(f"/reports/issues/{world.issue.pk}/").content.decode()
    assert "The stored content is not what was signed" in page


def test_why_a_room_may_run_is_answered_from_its_page(world: World, mpe: Client) -> None:
    """Three clicks: system, latest report, row of reference data."""
    system = mpe.get(f"/equipment/{world.system.asset}/").content.decode()
    url = f"/reports/issues/{world.issue.pk}/"
    assert f'href="{url}"' in system
    issue = mpe.get(url).content.decode()
    for said in (
        "Performed",
        "Checked",
        "Approved",
        world.mpe.name,
        "signed as approved",
        factory.ROW,
    ):
        assert said in issue
    assert f'href="/reference/row/{factory.ROW}/"' in issue


def test_an_amended_report_names_its_replacement_both_ways(world: World, mpe: Client) -> None:
    later = factory.issue(
        world.survey, world.mpe, report=world.issue.report, reason="Wrong meter factor"
    )
    old = mpe.get(f"/reports/issues/{world.issue.pk}/").content.decode()
    new = mpe.get(f"/reports/issues/{later.pk}/").content.decode()
    assert "Superseded" in old
    assert "Wrong meter factor" in old
    assert f"/reports/issues/{later.pk}/" in old
    assert f"/reports/issues/{world.issue.pk}/" in new
    numbers = [r["issue"] for r in mpe.get("/reports/?state=current&format=json").json()]
    assert numbers.count(2) == 1
    system = mpe.get(f"/equipment/{world.system.asset}/").content.decode()
    assert f'<a href="/reports/issues/{later.pk}/">{later}</a>' in system


def test_a_withdrawn_verification_shows_on_the_reports_that_rest_on_it(
    world: World, mpe: Client
) -> None:
    url = f"/reports/issues/{world.issue.pk}/"
    assert "does not stand" in mpe.get(url).content.decode()  # nobody has verified it yet
    given = {"document": "IPEM 91", "edition": "2005"}
    mpe.post(f"/reference/row/{factory.ROW}/", given)
    assert "does not stand" not in mpe.get(url).content.decode()
    mpe.post(f"/reference/row/{factory.ROW}/", {**given, "withdraw": "1"})
    assert "does not stand" in mpe.get(url).content.decode()


# Actions ------------------------------------------------------------------------------------------


def test_a_hospital_answers_with_evidence_and_physics_closes(world: World, mpe: Client) -> None:
    nurse = factory.client(world.nurse)
    url = f"/actions/{world.action.pk}/"
    assert 'value="closed"' not in nurse.get(url).content.decode()
    assert 'value="closed"' in mpe.get(url).content.decode()
    file = SimpleUploadedFile("engineer <b>.html", b"<script>alert(1)</script>")
    sent = nurse.post(url, {"text": "Adjusted", "status": "done", "evidence": file})
    assert sent.status_code == 302
    entry = world.action.entries.get()
    assert (entry.by, entry.status) == (world.nurse, "done")
    answer = mpe.get(f"{url}evidence/{entry.pk}/")
    assert answer.headers["Content-Disposition"].startswith("attachment;")
    assert answer.headers["Content-Type"] == "application/octet-stream"
    assert answer.content == b"<script>alert(1)</script>"
    mpe.post(url, {"text": "Re-tested, within the level", "status": "closed"})
    world.action.refresh_from_db()
    assert (world.action.status, world.action.closed_by) == ("closed", world.mpe)
    page = mpe.get(url).content.decode()
    assert "Re-tested" in page
    assert "Record the response" not in page


def test_a_hospital_cannot_close_by_hand_made_request(world: World) -> None:
    answer = factory.client(world.nurse).post(
        f"/actions/{world.action.pk}/", {"text": "Closed by us", "status": "closed"}
    )
    assert answer.status_code == 422
    assert Action.objects.get(pk=world.action.pk).status == "open"


def test_what_was_typed_survives_a_refusal_and_nothing_is_kept(world: World, mpe: Client) -> None:
    Action.objects.filter(pk=world.action.pk).update(status="closed")
    file = SimpleUploadedFile("photo.jpg", b"a photograph")
    url = f"/actions/{world.action.pk}/"
    answer = mpe.post(url, {"text": "Too late", "status": "open", "evidence": file})
    assert answer.status_code == 422
    assert not Attachment.objects.filter(name="photo.jpg").exists()
    assert not world.action.entries.exists()


def test_a_download_of_somebody_elses_evidence_is_not_found(world: World, mpe: Client) -> None:
    file = SimpleUploadedFile("a.txt", b"evidence")
    mpe.post(
        f"/actions/{world.foreign_action.pk}/", {"text": "x", "status": "open", "evidence": file}
    )
    entry = world.foreign_action.entries.get()
    nurse = factory.client(world.nurse)
    for action in (world.foreign_action, world.action):
        assert nurse.get(f"/actions/{action.pk}/evidence/{entry.pk}/").status_code == 404


# Reference data -----------------------------------------------------------------------------------

ROWS = ["qa-tests/radiography/kv_accuracy", "qa-tests/radiography/output_repeatability"]


def two_rows() -> list[str]:
    return [r.id for r in reference.rows("qa-tests")[:2]]


def test_ticked_rows_are_verified_together_or_not_at_all(world: World, mpe: Client) -> None:
    rows = two_rows()
    given = {"document": "IPEM Report 91", "edition": "2005", "clause": "Table 3"}
    mpe.post("/reference/qa-tests/verify/", {**given, "row": [*rows, "qa-tests/no/such"]})
    assert not Verification.objects.exists()
    mpe.post("/reference/qa-tests/verify/", {**given, "row": rows})
    standing = verifications()
    assert {row for row, _ in standing} == set(rows)
    assert all(v.clause == "Table 3" and v.by == world.mpe for v in standing.values())
    listed = mpe.get("/reference/qa-tests/?state=verified&format=json").json()
    assert sorted(r["row"] for r in listed) == sorted(rows)


@pytest.mark.parametrize(
    "given",
    [
        {"document": "", "edition": "2005", "row": ["x"]},
        {"document": "IPEM 91", "edition": "  ", "row": ["x"]},
        {"document": "IPEM 91", "edition": "2005"},
    ],
)
def test_verification_names_a_document_an_edition_and_rows(
    mpe: Client, given: dict[str, object]
) -> None:
    if "row" in given:
        given = {**given, "row": two_rows()}
    assert mpe.post("/reference/qa-tests/verify/", given).status_code == 422
    assert not Verification.objects.exists()


def test_who_may_not_verify_is_told_so_and_the_attempt_is_logged(world: World) -> None:
    browser = factory.client(world.technologist)
    row = two_rows()[0]
    page = browser.get("/reference/qa-tests/").content.decode()
    assert "Rows are verified by an MPE or RPA" in page
    assert 'type="checkbox" name="row"' not in page
    given = {"document": "IPEM 91", "edition": "2005"}
    for url, data in (
        (f"/reference/row/{row}/", given),
        ("/reference/qa-tests/verify/", {**given, "row": [row]}),
    ):
        answer = browser.post(url, data)
        assert answer.status_code == 403
        assert "Medical Physics Expert" in answer.content.decode()
    assert not Verification.objects.exists()
    assert Event.objects.filter(kind="refused", actor=world.technologist).count() == 2


def test_every_row_of_every_data_set_has_a_page(mpe: Client) -> None:
    """One row of each data set, and each row whose fields are of an unusual kind."""
    for name in reference.datasets():
        assert mpe.get(f"/reference/{name}/").status_code == 200, name
        first = reference.rows(name)[0]
        assert mpe.get(f"/reference/row/{first.id}/").status_code == 200, first.id
    odd = [
        r.id
        for r in reference.rows("irmer17") + reference.rows("incidents")
        if "amend" in r.id or "versions" in r.id
    ]
    for row in odd:
        assert mpe.get(f"/reference/row/{row}/").status_code == 200, row
    assert mpe.get("/reference/nothing-like-it/").status_code == 404
    assert mpe.get("/reference/row/qa-tests/no/such/").status_code == 404


def test_rows_in_use_are_those_a_protocol_rests_on(mpe: Client) -> None:
    listed = mpe.get("/reference/qa-tests/?used=on&format=json").json()
    used = {r["row"]: r["used"] for r in listed}
    assert used
    assert all(used.values())
    every = mpe.get("/reference/qa-tests/?format=json").json()
    assert {r["row"] for r in every if r["used"]} == set(used)


# The log and the proof ----------------------------------------------------------------------------


def test_the_log_is_searched_by_words_subject_kind_and_day(world: World, mpe: Client) -> None:
    def entries(query: str) -> list[str]:
        return [r["text"] for r in mpe.get(f"/quality/log/?{query}&format=json").json()]

    assert all("signed" in t for t in entries("kind=signed."))
    assert len(entries("kind=signed.")) == 6
    assert len(entries(f"q=survey:{world.survey.pk}")) == 3
    assert entries(f"until={factory.days(-1)}") == []
    assert entries("q=no+such+words") == []


def test_the_proof_runs_when_asked_and_names_what_was_changed(world: World, mpe: Client) -> None:
    assert "Not checked on this page yet" in mpe.get("/quality/verify/").content.decode()
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE records_event SET text = 'Nothing happened' "
            "WHERE id = (SELECT min(id) FROM records_event)"
        )
    page = mpe.post("/quality/verify/").content.decode()
    assert "do not agree" in page or "does not agree" in page
    assert "Nothing happened" in page
    assert factory.client(world.nurse).post("/quality/verify/").status_code == 403
