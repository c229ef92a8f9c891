"""The main job through the real services: plan, read, judge, sign, issue, act, amend, verify."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import pytest
from django.db import connection

from kerma import reference
from kerma.core import InputError, NotEntitled
from kerma.service.demo.load import Loaded, load_department
from kerma.service.people.entitlement import record_refusal
from kerma.service.people.models import Person
from kerma.service.records import log, services, store
from kerma.service.records.integrity import verify
from kerma.service.records.models import Action, Event, Issue, Signature
from kerma.service.testing import actions as acts
from kerma.service.testing import services as testing
from kerma.service.testing.evaluation import evaluate_survey
from kerma.service.testing.models import Reading, Result, Survey
from kerma.simulate.department import build_department

PROTOCOL = str(Path(__file__).parent / "spine.yaml")
TODAY = date.today()
pytestmark = pytest.mark.django_db


@pytest.fixture
def world() -> Loaded:
    return load_department(build_department(today=TODAY))


def person(key: str) -> Person:
    return Person.objects.get(key=key)


@pytest.fixture
def survey(world: Loaded) -> Survey:
    system = next(
        s
        for s in world.systems.values()
        if s.modality == "radiography" and s.employer.key in ("quill", "fenwick")
    )
    made = testing.survey_plan(
        by=person("rteasel"),
        system=system,
        protocol=PROTOCOL,
        purpose="routine",
        planned_for=TODAY,
        performer=person("rteasel"),
    )
    made = testing.survey_start(by=person("rteasel"), survey=made, performed_on=TODAY)
    testing.instrument_assign(
        by=person("rteasel"), survey=made, part="meter", instrument=world.instruments["xm1"]
    )
    return made


def enter(survey: Survey, *kv: str, off: str = "y") -> None:
    values = {("kv_80", i): text for i, text in enumerate(kv)}
    values[("emergency_off", 0)] = off
    testing.readings_record(by=person("rteasel"), survey=survey, values=values)


def verify_rows() -> None:
    for row in ("qa-tests/radiography/kv_accuracy", "qa-tests/general_safety/emergency_off"):
        services.verification_add(
            by=person("waldous"), row=row, document="Document read", edition="2005"
        )


def to_review(survey: Survey) -> None:
    tech = person("rteasel")
    acts.HandOver(survey=survey, by=tech).perform()
    chosen = {"recommendation": "conditions", "summary": "Fair."}
    acts.ComposeDraft(survey=survey, by=tech, **chosen).perform()
    acts.Submit(survey=survey, by=tech).perform()


def issue(survey: Survey) -> Issue:
    to_review(survey)
    acts.Check(survey=survey, by=person("psorrel")).perform()
    return acts.IssueReport(survey=survey, by=person("waldous")).perform()


def test_the_whole_job(survey: Survey) -> None:
    enter(survey, "86.1", "86.2", "86.3")
    outcome = evaluate_survey(survey).outcome("kv_accuracy_80")
    # 86.2 kV × 0.998 (the meter's certificate, near enough) is 7.5 % above 80 kV: remedial.
    assert outcome.judgement.verdict == "remedial"
    verify_rows()
    issued = issue(survey)
    survey.refresh_from_db()
    assert survey.state == "issued"
    assert store.read(issued.document).startswith(b"%PDF")
    action = Action.objects.get(issue=issued)
    assert action.employer == survey.system.employer
    assert action.status == "open"
    meanings = Signature.objects.filter(subject=log.subject_of(survey)).values_list(
        "meaning", flat=True
    )
    assert list(meanings) == ["performed", "checked", "approved"]
    assert verify().sound, verify().findings


def test_self_check_is_refused_and_the_refusal_is_logged(survey: Survey) -> None:
    enter(survey, "80", "80", "80")
    to_review(survey)
    with pytest.raises(NotEntitled) as refusal:
        acts.Check(survey=survey, by=person("rteasel")).perform()
    assert "someone other than the person who performed" in refusal.value.message
    record_refusal(by=person("rteasel"), error=refusal.value)
    event = Event.objects.filter(kind="refused").get()
    assert event.data["rule"] == "routine.check"
    assert event.subject == log.subject_of(survey)


def test_issue_is_refused_while_a_row_is_unverified_and_names_it(survey: Survey) -> None:
    enter(survey, "80", "80", "80")
    to_review(survey)
    acts.Check(survey=survey, by=person("psorrel")).perform()
    with pytest.raises(InputError) as refusal:
        acts.IssueReport(survey=survey, by=person("waldous")).perform()
    assert refusal.value.code == "unverified-rows"
    assert "qa-tests/radiography/kv_accuracy" in refusal.value.message
    verify_rows()
    acts.IssueReport(survey=survey, by=person("waldous")).perform()


def test_checker_cannot_also_approve(survey: Survey) -> None:
    enter(survey, "80", "80", "80")
    verify_rows()
    to_review(survey)
    acts.Check(survey=survey, by=person("waldous")).perform()
    with pytest.raises(NotEntitled):
        acts.IssueReport(survey=survey, by=person("waldous")).perform()


def test_completeness_gate_names_the_blank_tests(survey: Survey) -> None:
    testing.reading_record(
        by=person("rteasel"), survey=survey, reading="kv_80", index=0, text="80.1"
    )
    with pytest.raises(InputError) as gate:
        acts.HandOver(survey=survey, by=person("rteasel")).perform()
    assert gate.value.code == "incomplete"
    assert "Emergency off" in gate.value.message
    assert survey.readings.filter(struck_at=None).count() == 1  # nothing was lost
    for test in ("kv_accuracy_80", "emergency_off"):
        testing.note_set(
            by=person("rteasel"), survey=survey, test=test, kind="not done", reason="No access"
        )
    acts.HandOver(survey=survey, by=person("rteasel")).perform()
    verdicts = set(survey.results.values_list("verdict", flat=True))
    assert verdicts == {"not done"}


def test_suspension_needs_somebody_told(survey: Survey) -> None:
    enter(survey, "92", "92", "92")
    with pytest.raises(InputError) as gate:
        acts.HandOver(survey=survey, by=person("rteasel")).perform()
    assert gate.value.code == "nobody-told"
    testing.contact_record(
        by=person("rteasel"), survey=survey, told="Duty radiographer", how="In person", text="Stop"
    )
    acts.HandOver(survey=survey, by=person("rteasel")).perform()


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("eighty", "not-a-number"),
        ("80,1", "decimal-comma"),
        ("80 mGy", "wrong-unit"),
        ("80 furlong", "unknown-unit"),
        ("nan", "not-a-number"),
        ("inf", "not-a-number"),
        ("80; DROP TABLE", "not-a-number"),
    ],
)
def test_absurd_readings_are_refused_and_nothing_is_stored(
    survey: Survey, text: str, code: str
) -> None:
    with pytest.raises(InputError) as refusal:
        testing.reading_record(
            by=person("rteasel"), survey=survey, reading="kv_80", index=0, text=text
        )
    assert refusal.value.code == code
    assert not survey.readings.exists()


def test_a_unit_of_the_same_kind_is_converted(survey: Survey) -> None:
    made = testing.reading_record(
        by=person("rteasel"), survey=survey, reading="kv_80", index=0, text="80100 V"
    )
    assert made.indicated == pytest.approx(80.1)


def test_a_changed_reading_is_struck_not_overwritten(survey: Survey) -> None:
    for text in ("80.1", "80.4", ""):
        testing.reading_record(
            by=person("rteasel"), survey=survey, reading="kv_80", index=0, text=text
        )
    rows = list(Reading.objects.order_by("id"))
    assert [r.text for r in rows] == ["80.1", "80.4"]
    assert [r.struck_reason for r in rows] == ["replaced", "cleared"]
    assert verify().sound


def test_reading_carries_the_certificate_in_force(world: Loaded, survey: Survey) -> None:
    made = testing.reading_record(
        by=person("rteasel"), survey=survey, reading="kv_80", index=0, text="80"
    )
    certificate = made.certificate
    assert certificate.calibrated_on <= TODAY <= certificate.due_on
    factor = certificate.factors.get(quantity="tube voltage")
    assert made.value == 80 * factor.factor
    assert made.u == pytest.approx(made.value * factor.u_percent / 100 / factor.k)


def test_an_expired_instrument_drafts_but_does_not_issue(world: Loaded, survey: Survey) -> None:
    meter = world.instruments["xm1"]
    meter.certificates.filter(due_on__gte=TODAY).update(due_on=TODAY - timedelta(days=3))
    _, problem = testing.instrument_assign(
        by=person("rteasel"), survey=survey, part="meter", instrument=meter
    )
    assert "calibration ran out" in problem
    enter(survey, "80", "80", "80")
    verify_rows()
    to_review(survey)
    acts.Check(survey=survey, by=person("psorrel")).perform()
    with pytest.raises(InputError) as gate:
        acts.IssueReport(survey=survey, by=person("waldous")).perform()
    assert gate.value.code == "calibration"


def test_amending_supersedes_with_the_reason(survey: Survey) -> None:
    enter(survey, "86.1", "86.2", "86.3")
    verify_rows()
    first = issue(survey)
    survey.refresh_from_db()
    new = acts.Amend(survey=survey, by=person("rteasel"), reason="Wrong meter factor").perform()
    testing.reading_record(by=person("rteasel"), survey=new, reading="kv_80", index=0, text="80.2")
    second = issue(new)
    survey.refresh_from_db()
    assert survey.state == "superseded"
    assert second.report == first.report
    assert (second.number, second.supersedes, second.reason) == (2, first, "Wrong meter factor")
    assert first.content != second.content
    assert survey.readings.filter(struck_at=None).count() == 4  # the old record is as it was
    assert verify().sound


def test_returned_survey_reopens_with_the_comment(survey: Survey) -> None:
    enter(survey, "80", "80", "80")
    to_review(survey)
    acts.Return(survey=survey, by=person("psorrel"), comment="Repeat the first").perform()
    survey.refresh_from_db()
    assert (survey.state, survey.return_comment) == ("in_progress", "Repeat the first")
    assert not survey.results.filter(withdrawn_at=None).exists()


def test_issued_survey_takes_no_more_readings(survey: Survey) -> None:
    enter(survey, "80", "80", "80")
    verify_rows()
    issue(survey)
    with pytest.raises(InputError) as refusal:
        testing.reading_record(
            by=person("rteasel"), survey=survey, reading="kv_80", index=0, text="81"
        )
    assert refusal.value.code == "not-editable"


@pytest.mark.parametrize(
    ("statement", "named"),
    [
        ("UPDATE testing_reading SET value = value + 0.1", "Reading"),
        ("UPDATE testing_result SET verdict = 'pass' WHERE verdict = 'remedial'", "Result"),
        ("UPDATE records_event SET text = 'x' WHERE kind = 'survey.started'", "Event"),
        ("DELETE FROM records_event WHERE kind = 'survey.started'", "Event"),
        ("UPDATE testing_survey SET state = 'planned'", "state of testing.survey"),
        ("UPDATE records_signature SET person_id = person_id + 1 ", "Signature"),
        ("UPDATE records_issue SET content_sha256 = 'f'", "Issue"),
        ("UPDATE records_action SET status = 'closed'", "status of records.action"),
    ],
)  # fmt: skip
def test_tampering_is_named(survey: Survey, statement: str, named: str) -> None:
    enter(survey, "86.1", "86.2", "86.3")
    verify_rows()
    issue(survey)
    assert verify().sound
    with connection.cursor() as cursor:
        cursor.execute(statement)
    findings = verify().findings
    assert any(named in f.text for f in findings), findings


def test_one_changed_byte_of_a_signed_report_is_named(survey: Survey) -> None:
    enter(survey, "80", "80", "80")
    verify_rows()
    issued = issue(survey)
    path = store.path_of(issued.document.sha256)
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(bytes(content))
    try:
        assert any(issued.document.name in f.text for f in verify().findings)
    finally:
        path.unlink()


def test_verification_lapses_when_the_row_changes(survey: Survey, monkeypatch) -> None:
    enter(survey, "80", "80", "80")
    verify_rows()
    to_review(survey)
    acts.Check(survey=survey, by=person("psorrel")).perform()
    Result.objects.update()  # nothing about the survey changes
    from kerma.service.records.selectors import unverified
    from kerma.service.testing.actions.issue import IssueReport

    levels = IssueReport(survey=survey, by=person("waldous"))._levels()
    assert unverified(levels) == []
    from dataclasses import replace

    changed = [replace(lv, source=replace(lv.source, sha256="0" * 64)) for lv in levels]
    assert {r["row"] for r in unverified(changed)} == {lv.source.row for lv in levels}


def test_only_mpe_or_rpa_verifies_rows(world: Loaded) -> None:
    with pytest.raises(NotEntitled):
        services.verification_add(
            by=person("rteasel"), row="qa-tests/radiography/kv_accuracy", document="x", edition="1"
        )
    # An expired RPA certificate alone would not do either; this person still holds one as MPE.
    services.verification_add(
        by=person("cbetony"), row="qa-tests/radiography/kv_accuracy", document="x", edition="1"
    )


def test_hospital_user_may_respond_but_not_close(survey: Survey) -> None:
    enter(survey, "86.1", "86.2", "86.3")
    verify_rows()
    action = Action.objects.get(issue=issue(survey))
    user = Person.objects.filter(role="hospital_user", employer=action.employer).first()
    services.action_respond(by=user, action=action, text="Engineer booked", status="done")
    with pytest.raises(NotEntitled):
        services.action_respond(by=user, action=action, text="Done", status="closed")
    assert reference.row("qa-tests/radiography/kv_accuracy").sha256
