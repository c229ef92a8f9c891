"""People who try what they may not: every role, every act, every state, other people's pages."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.test import Client

from kerma.core import InputError, NotEntitled
from kerma.service.records import services
from kerma.service.records.integrity import verify
from kerma.service.records.models import Action, Attachment, Event, Issue
from kerma.service.testing import actions as acts
from kerma.service.testing import services as testing
from kerma.service.testing.images import images_attach
from kerma.service.testing.models import Survey
from tests.service import cast as play
from tests.service import factory
from tests.service.cast import Cast

pytestmark = pytest.mark.django_db
STAFF_WITHOUT_RIGHT = ("manager", "administrator", "quality", "assistant", "trainee")
STRANGERS = (*STAFF_WITHOUT_RIGHT, "nurse", "outsider", "gone")


@pytest.fixture
def who() -> Cast:
    return play.cast()


def state_of(survey: Survey) -> tuple[object, ...]:
    """Everything about a survey that a hostile request could have changed."""
    fresh = Survey.objects.get(pk=survey.pk)
    rows = (
        fresh.readings, fresh.notes, fresh.contacts, fresh.images, fresh.analyses, fresh.results,
        fresh.drafts, fresh.instruments,
    )  # fmt: skip
    return (
        fresh.state, fresh.performer_id, fresh.performed_on, fresh.checked, fresh.summary,
        *(list(manager.order_by("pk").values()) for manager in rows),
    )  # fmt: skip


def writes(who: Cast, survey: Survey) -> dict[str, dict[str, object]]:
    """Every address of a survey that writes, with a body that would be accepted."""
    reading = survey.readings.filter(reading="kv_80").first()
    analysis = survey.analyses.filter(replaced_by=None).get()
    told = {"told": "Sister", "how": "In person", "text": "Stop"}
    return {
        "save/": {"field": "kv_80.1", "value": "81"},
        "note/": {"test": "emergency_off", "kind": "not done", "reason": "No access"},
        "contact/": told,
        "instrument/": {"part": "meter", "instrument": who.meter.pk},
        f"strike/{reading.pk}/": {"reason": "Mine"},
        "images/flat/": {"files": play.upload(*reversed(play.image_file(900)))},
        "images/flat/remove/": {"reason": "Mine"},
        f"analysis/{analysis.pk}/correct/": {"overrides": "side_mm = 20", "reason": "Mine"},
        "act/hand_over/": {},
    }  # fmt: skip


def attack(browser: Client, survey: Survey, bodies: dict[str, dict[str, object]]) -> dict[str, int]:
    return {
        path: browser.post(f"/testing/{survey.pk}/{path}", body).status_code
        for path, body in bodies.items()
    }


@pytest.mark.parametrize("role", STRANGERS)
def test_nobody_without_the_right_writes_to_a_survey(who: Cast, role: str) -> None:
    survey = play.started(who)
    play.read(who, survey, "80")
    play.with_image(who, survey)
    before = state_of(survey)
    answers = attack(factory.client(getattr(who, role)), survey, writes(who, survey))
    expected = 404 if role in ("nurse", "outsider") else 403
    assert answers == dict.fromkeys(answers, expected)
    assert state_of(survey) == before
    assert verify().sound


def test_a_sign_in_without_a_person_writes_nothing(who: Cast) -> None:
    survey = play.started(who)
    play.read(who, survey, "80")
    play.with_image(who, survey)
    before = state_of(survey)
    browser = Client(raise_request_exception=False)
    browser.force_login(who.nobody, backend="django.contrib.auth.backends.ModelBackend")
    assert set(attack(browser, survey, writes(who, survey)).values()) == {403}
    assert browser.post("/testing/plan/", {}).status_code == 403
    assert state_of(survey) == before


@pytest.mark.parametrize("role", [*STAFF_WITHOUT_RIGHT, "nurse", "gone"])
def test_the_services_themselves_ask_for_the_right(who: Cast, role: str) -> None:
    """A page that forgets to ask is not the only guard."""
    survey = play.started(who)
    play.read(who, survey, "80")
    by, reading = getattr(who, role), survey.readings.first()
    given = {"by": by, "survey": survey}
    calls: list[Callable[[], object]] = [
        lambda: testing.reading_record(**given, reading="kv_80", index=1, text="80"),
        lambda: testing.field_not_done(**given, reading="kv_80", index=1, reason="x"),
        lambda: testing.reading_strike(by=by, reading=reading, reason="x"),
        lambda: testing.note_set(**given, test="emergency_off", kind="not done", reason="x"),
        lambda: testing.note_withdraw(**given, test="emergency_off"),
        lambda: testing.contact_record(**given, told="x", how="x", text="x"),
        lambda: testing.instrument_assign(**given, part="meter", instrument=who.meter),
        lambda: images_attach(**given, slot="flat", files=[play.image_file()]),
    ]
    for call in calls:
        with pytest.raises(NotEntitled):
            call()


def test_a_hospital_user_plans_nothing_and_performs_nothing(who: Cast) -> None:
    assert factory.client(who.nurse).post("/testing/plan/", {}).status_code == 404
    with pytest.raises(NotEntitled):
        play.planned(who, by=who.nurse)
    for performer in (who.nurse, who.gone):
        with pytest.raises(InputError) as refusal:
            play.planned(who, performer=performer)
        assert refusal.value.code == "bad-performer"


@pytest.mark.parametrize("state", ["drafted", "in_review", "issued"])
def test_a_hospital_user_sees_no_page_of_testing(who: Cast, state: str) -> None:
    survey = getattr(play, state)(who)
    if isinstance(survey, Issue):
        survey = Survey.objects.get()
    paths = ("", "draft.pdf", "images/flat/viewer/", "images/flat/viewer/0.raw")
    for reader in (who.nurse, who.outsider):
        browser = factory.client(reader)
        found = {p: browser.get(f"/testing/{survey.pk}/{p}").status_code for p in paths}
        assert set(found.values()) == {404}, found
        assert browser.get("/testing/").status_code == 404
        for path in ("/reference/", "/quality/log/", "/quality/verify/", "/people/"):
            assert browser.get(path).status_code == 403


def test_another_employers_report_is_nobody_elses(who: Cast) -> None:
    issue = play.issued(who, "86.1", "86.2", "86.3", recommendation="conditions")
    action = Action.objects.get()
    browser = factory.client(who.outsider)
    for path in (f"/reports/issues/{issue.pk}/", f"/reports/issues/{issue.pk}/report.pdf"):
        assert browser.get(path).status_code == 404
        assert factory.client(who.nurse).get(path).status_code == 200
    body = {"text": "Done", "status": "done"}
    assert browser.post(f"/actions/{action.pk}/", body).status_code == 404
    assert issue.report.number not in browser.get("/reports/").content.decode()


@pytest.mark.parametrize("role", [*STRANGERS, "technologist", "colleague", "checker"])
def test_only_those_entitled_answer_actions_and_verify_rows(who: Cast, role: str) -> None:
    play.issued(who, "86.1", "86.2", "86.3", recommendation="conditions")
    action, by = Action.objects.get(), getattr(who, role)
    responds = {"manager", "technologist", "colleague", "checker", "nurse"}
    closes = {"manager", "colleague", "checker"}
    for status, able in (("done", responds), ("closed", closes)):
        answer = {"by": by, "action": action, "text": "x", "status": status}
        if role in able:
            services.action_answer(**answer)
        else:
            with pytest.raises(NotEntitled):
                services.action_answer(**answer, file=("x.pdf", b"never kept"))
    assert not Attachment.objects.filter(name="x.pdf").exists()
    with pytest.raises(NotEntitled):
        services.verification_add(by=by, row=play.ROWS[0], document="x", edition="1")
    assert verify().sound, verify().findings


def test_somebody_who_has_left_opens_nothing_with_an_old_sign_in(who: Cast) -> None:
    browser = factory.client(who.gone)
    for path in ("/", "/testing/", f"/search/?q={who.system.asset}", "/equipment/", "/reports/"):
        answer = browser.get(path)
        assert answer.status_code == 403, path
        assert who.system.asset not in answer.content.decode()


# Who may check and approve ------------------------------------------------------------------------


def had_a_hand(who: Cast, how: str) -> Survey:
    """A survey of the technologist's in review, in which the colleague did one thing."""
    survey = play.started(who)
    play.read(who, survey, "80", "80", "80")
    mine = {"by": who.colleague, "survey": survey}
    if how == "reading":
        testing.reading_record(**mine, reading="kv_80", index=2, text="80.4")
    elif how == "struck reading":
        testing.reading_record(**mine, reading="kv_80", index=2, text="80.4")
        play.read(who, survey, "80", "80", "80.1")
    elif how == "image":
        images_attach(**mine, slot="flat", files=[play.image_file()])
    elif how == "decision":
        testing.note_set(**mine, test="kv_accuracy_80", kind="decision", reason="Accepted")
    survey = play.acts_on(acts.HandOver, survey, who.technologist)
    drafter = who.colleague if how == "draft" else who.technologist
    survey = play.acts_on(acts.ComposeDraft, survey, drafter, recommendation="use")
    return play.acts_on(acts.Submit, survey, who.technologist)


@pytest.mark.parametrize("how", ["reading", "struck reading", "image", "decision", "draft"])
def test_who_had_a_hand_in_a_survey_does_not_check_it(who: Cast, how: str) -> None:
    survey = had_a_hand(who, how)
    browser = factory.client(who.colleague)
    answer = browser.post(f"/testing/{survey.pk}/act/check/", {"draft": survey.drafts.first().pk})
    assert answer.status_code == 403
    assert "someone other than the person who performed" in answer.content.decode()
    assert Event.objects.filter(kind="refused", actor=who.colleague).exists()
    play.acts_on(acts.Check, survey, who.checker)


def test_nobody_approves_their_own_amendment(who: Cast) -> None:
    first = Survey.objects.get(pk=play.issued(who).subject.removeprefix("survey:"))
    new = acts.Amend(survey=first, by=who.approver, reason="Wrong room").perform()
    acts.HandOver(survey=new, by=who.approver).perform()
    acts.ComposeDraft(survey=new, by=who.approver, recommendation="use").perform()
    acts.Submit(survey=new, by=who.approver).perform()
    acts.Check(survey=new, by=who.checker).perform()
    with pytest.raises(NotEntitled):
        acts.IssueReport(survey=new, by=who.approver).perform()


@pytest.mark.parametrize(
    ("field", "days", "allowed"),
    [("expires", -1, False), ("expires", 0, True), ("issued", 1, False), ("withdrawn", -1, False)],
)
def test_a_credential_counts_on_the_day_of_signing(
    who: Cast, field: str, days: int, allowed: bool
) -> None:
    """Whatever it was on the day of the survey."""
    survey = play.in_review(who)
    who.checker.credentials.update(**{field: factory.days(days)})
    assert acts.Check(survey=survey, by=who.checker).decision().allowed is allowed


def test_an_mpe_of_another_employer_does_not_approve(who: Cast) -> None:
    play.verify_rows(who)
    survey = play.checked(who)
    mpe = factory.person("consultant")
    factory.credential(mpe, "MPE")
    appointment = factory.appointment(mpe, who.theirs)
    with pytest.raises(NotEntitled, match="by Ours"):
        acts.IssueReport(survey=survey, by=mpe).perform()
    type(appointment).objects.update(employer=who.ours, start=factory.days(1))
    with pytest.raises(NotEntitled):
        acts.IssueReport(survey=survey, by=mpe).perform()
    type(appointment).objects.update(start=factory.days(-1), modalities=["ct"])
    with pytest.raises(NotEntitled):
        acts.IssueReport(survey=survey, by=mpe).perform()
