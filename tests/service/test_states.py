"""Acts out of order, twice, from old pages, on days that cannot be meant."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from kerma.core import InputError, NotEntitled
from kerma.service.people.models import Person
from kerma.service.records.models import Event
from kerma.service.testing import actions as acts
from kerma.service.testing import services as testing
from kerma.service.testing.evaluation import evaluate_survey
from kerma.service.testing.models import Baseline, Survey
from tests.service import cast as play
from tests.service import factory
from tests.service.cast import Cast
from tests.service.test_hostile import attack, state_of, writes

pytestmark = pytest.mark.django_db


@pytest.fixture
def who() -> Cast:
    return play.cast()


# States -------------------------------------------------------------------------------------------

BELONGS = {
    "planned": set(),
    "started": {"hand_over"},
    "measured": {"draft", "take_back"},
    "drafted": {"draft", "take_back", "submit"},
    "in_review": {"check", "return", "issue"},
}
WHO = {"check": "checker", "return": "checker", "issue": "approver"}


@pytest.mark.parametrize("state", BELONGS)
def test_an_act_out_of_its_state_is_refused_and_changes_nothing(who: Cast, state: str) -> None:
    survey = getattr(play, state)(who)
    before = state_of(survey)
    for name, act in acts.ACTS.items():
        if name in BELONGS[state]:
            continue
        browser = factory.client(getattr(who, WHO.get(name, "technologist")))
        body = {"comment": "x", "reason": "x", "recommendation": "use"}
        answer = browser.post(f"/testing/{survey.pk}/act/{name}/", body)
        assert answer.status_code == 422, name
        assert f"“{act.label}” is not possible" in answer.content.decode().replace("&#x27;", "'")
    assert state_of(survey) == before


def test_an_issued_survey_can_only_be_amended_and_only_once(who: Cast) -> None:
    survey = Survey.objects.get(pk=play.issued(who).subject.removeprefix("survey:"))
    before = state_of(survey)
    browser = factory.client(who.technologist)
    for name in set(acts.ACTS) - {"amend"}:
        assert browser.post(f"/testing/{survey.pk}/act/{name}/").status_code == 422
    save = {"field": "kv_80.0", "value": "99", "version": survey.readings.first().pk}
    assert browser.post(f"/testing/{survey.pk}/save/", save).status_code == 422
    told = {"told": "x", "how": "In person", "text": "x"}
    assert browser.post(f"/testing/{survey.pk}/contact/", told).status_code == 422
    for kind in ("not done", "decision", "comment"):
        note = {"test": "kv_accuracy_80", "kind": kind, "reason": "x"}
        assert browser.post(f"/testing/{survey.pk}/note/", note).status_code == 422
    assert state_of(survey) == before
    for expected in (302, 422):  # pressed twice
        answer = browser.post(f"/testing/{survey.pk}/act/amend/", {"reason": "Wrong"})
        assert answer.status_code == expected
    assert Survey.objects.filter(amends=survey).count() == 1


@pytest.mark.parametrize("state", ["measured", "drafted", "in_review", "issued"])
def test_nothing_measured_changes_after_handing_over(who: Cast, state: str) -> None:
    survey = play.started(who)
    play.read(who, survey, "80", "80", "80")
    play.with_image(who, survey)
    bodies = writes(who, survey)
    survey = play.acts_on(acts.HandOver, survey, who.technologist)
    steps = (
        (acts.ComposeDraft, who.technologist, {"recommendation": "use"}),
        (acts.Submit, who.technologist, {}),
        (acts.Check, who.checker, {}),
        (acts.IssueReport, who.approver, {}),
    )
    play.verify_rows(who)
    for act, by, options in steps:
        if survey.state == state:
            break
        survey = play.acts_on(act, survey, by, **options)
    if state in ("measured", "drafted"):
        del bodies["contact/"]  # somebody may be told until the draft is signed
    before = state_of(survey)
    answers = attack(factory.client(who.technologist), survey, bodies)
    assert answers == dict.fromkeys(answers, 422)
    assert state_of(survey) == before


def test_pressing_twice_signs_once(who: Cast) -> None:
    survey = play.in_review(who)
    browser = factory.client(who.checker)
    body = {"draft": survey.drafts.first().pk}
    answers = [browser.post(f"/testing/{survey.pk}/act/check/", body).status_code for _ in "ab"]
    assert answers == [302, 422]
    assert Event.objects.filter(kind="signed.checked").count() == 1


def test_a_signature_from_a_page_that_showed_an_earlier_draft_is_refused(who: Cast) -> None:
    survey = play.in_review(who)
    seen = {"draft": survey.drafts.first().pk}
    survey = play.acts_on(acts.Return, survey, who.checker, comment="Reword")
    survey = play.acts_on(acts.HandOver, survey, who.technologist)
    options = {"recommendation": "use", "summary": "Otherwise."}
    survey = play.acts_on(acts.ComposeDraft, survey, who.technologist, **options)
    survey = play.acts_on(acts.Submit, survey, who.technologist)
    answer = factory.client(who.checker).post(f"/testing/{survey.pk}/act/check/", seen)
    assert answer.status_code == 422
    assert "changed since this page was opened" in answer.content.decode()
    assert not Survey.objects.get(pk=survey.pk).checked


def test_a_draft_overtaken_by_a_decision_is_not_signed(who: Cast) -> None:
    survey = play.drafted(who)
    testing.note_set(
        by=who.technologist, survey=survey, test="kv_accuracy_80", kind="decision", reason="Fine"
    )
    with pytest.raises(InputError) as refusal:
        acts.Submit(survey=survey, by=who.technologist).perform()
    assert refusal.value.code == "stale-draft"
    play.acts_on(acts.ComposeDraft, survey, who.technologist)
    play.acts_on(acts.Submit, survey, who.technologist)


def test_results_taken_back_must_be_drafted_again_before_signing(who: Cast) -> None:
    survey = play.acts_on(acts.TakeBack, play.drafted(who), who.technologist)
    play.read(who, survey, "86", "86", "86")
    survey = play.acts_on(acts.HandOver, survey, who.technologist)
    with pytest.raises(InputError) as refusal:
        acts.Submit(survey=survey, by=who.technologist).perform()
    assert refusal.value.code == "bad-state"


def test_a_performer_who_has_left_does_not_leave_the_survey_stuck(who: Cast) -> None:
    survey = play.drafted(who)
    Person.objects.filter(pk=who.technologist.pk).update(active=False)
    survey = play.acts_on(acts.TakeBack, survey, who.colleague)
    survey = play.acts_on(acts.HandOver, survey, who.colleague)
    assert survey.performer == who.colleague
    survey = play.acts_on(acts.ComposeDraft, survey, who.colleague)
    survey = play.acts_on(acts.Submit, survey, who.colleague)
    with pytest.raises(NotEntitled):
        acts.Check(survey=survey, by=who.colleague).perform()


# Time ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("ago", "code"), [(-1, "future"), (400, "long-ago"), (3650, "long-ago")])
def test_a_day_that_cannot_be_meant_is_refused(who: Cast, ago: int, code: str) -> None:
    survey = play.planned(who)
    with pytest.raises(InputError) as refusal:
        testing.survey_start(
            by=who.technologist, survey=survey,
            performed_on=factory.today() - timedelta(days=ago),
        )  # fmt: skip
    assert refusal.value.code == code


def test_a_survey_before_the_system_was_there_is_refused(who: Cast) -> None:
    type(who.system).objects.update(installed=factory.today().year + 1)
    survey = play.planned(who)
    with pytest.raises(InputError, match="was installed in"):
        testing.survey_start(by=who.technologist, survey=survey, performed_on=factory.today())


def test_baselines_of_another_protocol_do_not_stop_a_survey(who: Cast) -> None:
    """A system keeps the baselines of every protocol it was ever tested by."""
    survey = play.started(who)
    Baseline.objects.create(
        system=who.system, test="a_test_of_another_protocol", value=1, unit="mm",
        valid_from=factory.days(-9), reason="x", set_by=who.approver, set_at=timezone.now(),
    )  # fmt: skip
    assert len(evaluate_survey(survey).outcomes) == 2
