"""What nobody should send: a clear answer, the right status, nothing lost and nothing stored."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from kerma.core import InputError
from kerma.protocols import load_protocol
from kerma.service.records.integrity import verify
from kerma.service.records.models import Action, Event
from kerma.service.testing import actions as acts
from kerma.service.testing.evaluation import evaluate_survey
from kerma.service.testing.models import Survey
from tests.service import cast as play
from tests.service import factory
from tests.service.cast import Cast

pytestmark = pytest.mark.django_db
SCRIPT = "<script>alert(1)</script>"


@pytest.fixture
def who() -> Cast:
    return play.cast()


@pytest.fixture
def survey(who: Cast) -> Survey:
    return play.started(who)


@pytest.fixture
def browser(who: Cast) -> Client:
    return factory.client(who.technologist)


def post(browser: Client, survey: Survey, path: str, **body: Any) -> tuple[int, str]:
    answer = browser.post(f"/testing/{survey.pk}/{path}", body)
    return answer.status_code, answer.content.decode()


# Fields -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("eighty", "not a number"),
        ("80 mGy", "does not measure the same thing"),
        ("80 furlong", "is not a unit"),
        ("80,1", "comma"),
        ("-80", "below zero"),
        ("1e308", "not a number"),
        ("nan", "not a number"),
        ("0x50", "not a number"),
        ("８０", "not a number"),
        ("9" * 61, "room for 60"),
        ("80\0", "not text"),
        (SCRIPT, "not a number"),
        ("80; DROP TABLE testing_reading", "not a number"),
        ("=1+1", "not a number"),
    ],
)
def test_a_value_that_is_none_is_refused_beside_its_field(
    survey: Survey, browser: Client, text: str, says: str
) -> None:
    status, page = post(browser, survey, "save/", field="kv_80.0", value=text)
    assert status == 422
    assert says in page.replace("&#x27;", "'")
    assert "<script>" not in page
    assert not survey.readings.exists()


@pytest.mark.parametrize(
    "body",
    [
        {"field": "kv_80.3"}, {"field": "kv_80.999999999999999"}, {"field": "kv_80.²"},
        {"field": "kv_80.-1"}, {"field": "kv_80"}, {"field": ""}, {"field": "nothing.0"},
        {"field": "__class__.0"}, {"field": "kv_80.0", "version": "abc"},
        {"field": "kv_80.0", "version": "9" * 40}, {"field": "kv_80.0", "version": "-1"},
        {"field": "' OR 1=1 --.0"},
    ],
)  # fmt: skip
def test_a_field_that_is_none_is_refused(
    survey: Survey, browser: Client, body: dict[str, str]
) -> None:
    status, _ = post(browser, survey, "save/", value="80", **body)
    assert status == 422
    assert not survey.readings.exists()


def test_an_absurd_number_is_judged_and_breaks_nothing(
    who: Cast, survey: Survey, browser: Client
) -> None:
    for i in range(3):
        assert post(browser, survey, "save/", field=f"kv_80.{i}", value="1e99 kV")[0] == 200
    assert evaluate_survey(survey).outcome("kv_accuracy_80").judgement.verdict == "suspension"
    post(browser, survey, "save/", field="emergency_off.0", value="y")
    post(browser, survey, "contact/", told="Sister", how="In person", text="Stop")
    assert post(browser, survey, "act/hand_over/")[0] == 302
    assert post(browser, survey, "act/draft/", recommendation="do_not_use")[0] == 302
    assert browser.get(f"/testing/{survey.pk}/").status_code == 200
    assert browser.get(f"/testing/{survey.pk}/draft.pdf").content.startswith(b"%PDF")
    assert verify().sound, verify().findings


def test_a_division_by_zero_is_said_and_stops_nothing(
    who: Cast, survey: Survey, browser: Client
) -> None:
    Survey.objects.update(extra_tests=["share"])
    for field, value in (("part.0", "1"), ("whole.0", "0")):
        assert post(browser, survey, "save/", field=field, value=value)[0] == 200
    outcome = evaluate_survey(Survey.objects.get()).outcome("share")
    assert outcome.value is None
    assert outcome.judgement.verdict == "not enough data"
    assert "zero" in outcome.judgement.reason.lower()
    assert browser.get(f"/testing/{survey.pk}/").status_code == 200


def test_a_survey_handed_over_with_blanks_names_them(survey: Survey, browser: Client) -> None:
    post(browser, survey, "save/", field="kv_80.0", value="80.1")
    status, page = post(browser, survey, "act/hand_over/")
    assert status == 422
    assert "Emergency off" in page
    assert survey.readings.get().text == "80.1"


def test_a_stale_page_is_shown_the_other_value(who: Cast, survey: Survey, browser: Client) -> None:
    post(browser, survey, "save/", field="kv_80.0", value="80.1")
    theirs = factory.client(who.colleague)
    status, page = post(theirs, survey, "save/", field="kv_80.0", value="80.7", version="0")
    assert status == 409
    assert "80.1" in page
    assert who.technologist.name in page
    assert post(theirs, survey, "save/", field="kv_80.0", not_done="No time", version="0")[0] == 409
    live = survey.readings.get(struck_at=None)
    assert live.text == "80.1"
    assert post(theirs, survey, "save/", field="kv_80.0", value="80.7", version=live.pk)[0] == 200


def test_the_same_answer_twice_is_no_conflict(survey: Survey, browser: Client) -> None:
    """The first answer was lost on its way; the browser sends it again."""
    for _ in range(2):
        assert post(browser, survey, "save/", field="kv_80.0", value="80.1", version="0")[0] == 200
    assert survey.readings.count() == 1


def test_a_value_takes_back_not_done(survey: Survey, browser: Client) -> None:
    post(browser, survey, "save/", field="kv_80.0", not_done="Locked")
    assert survey.notes.get().reason == "Locked"
    post(browser, survey, "save/", field="kv_80.0", value="80")
    assert survey.notes.get().withdrawn_at
    assert verify().sound


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("note/", {"test": "emergency_off", "kind": "not done", "reason": "x" * 401}),
        ("note/", {"test": "emergency_off", "kind": "not done", "reason": "a\0b"}),
        ("note/", {"test": "emergency_off", "kind": "not done", "reason": "  "}),
        ("note/", {"test": "nothing", "kind": "not done", "reason": "x"}),
        ("note/", {"test": "emergency_off", "kind": "pass", "reason": "x"}),
        ("note/", {}),
        ("contact/", {"told": "x", "how": "By pigeon", "text": "x"}),
        ("instrument/", {"part": "meter", "instrument": "abc"}),
        ("instrument/", {"part": "meter", "instrument": ""}),
        ("instrument/", {"part": "nothing", "instrument": "1"}),
        ("images/flat/", {}),
        ("images/flat/remove/", {"reason": "x"}),
        ("images/nothing/remove/", {"reason": ""}),
        ("start/", {"performed_on": "tomorrow"}),
        ("act/hand_over/", {}),
    ],
)
def test_other_bad_bodies_are_refused(
    who: Cast, survey: Survey, browser: Client, path: str, body: dict[str, str]
) -> None:
    before = Event.objects.count()
    body = {k: str(who.meter.pk) if v == "1" else v for k, v in body.items()}
    assert post(browser, survey, path, **body)[0] == 422
    assert Event.objects.count() == before


def test_addresses_that_lead_nowhere(survey: Survey, browser: Client) -> None:
    for path in ("act/destroy/", "strike/999999/", "analysis/999999/correct/", "images/a/b/"):
        assert post(browser, survey, path)[0] == 404, path
    assert browser.post("/testing/999999/save/").status_code == 404
    assert browser.get(f"/testing/{survey.pk}/save/").status_code == 405


def test_a_form_without_its_token_is_refused(who: Cast, survey: Survey) -> None:
    browser = Client(enforce_csrf_checks=True)
    browser.force_login(who.technologist.user, backend="django.contrib.auth.backends.ModelBackend")
    status, page = post(browser, survey, "save/", field="kv_80.0", value="80")
    assert status == 403
    assert "Nothing was saved" in page
    assert not survey.readings.exists()


QUERIES = (
    "page=-1", "page=abc", "page=99999999999999999999", "sort=__class__", "sort=-", "state=%00",
    "sort=system__room__site__employer__key", "q=%27%20OR%201=1--", "q=%00", "modality=x&purpose=y",
    "asset=%00", "format=exe", "state=open&state=planned", "%FF=%FE",
)  # fmt: skip


@pytest.mark.parametrize("page", ["/testing/", "/testing/plan/", "/reports/", "/actions/"])
def test_a_malformed_address_shows_the_page(who: Cast, survey: Survey, page: str) -> None:
    browser = factory.client(who.technologist)
    found = {q: browser.get(f"{page}?{q}").status_code for q in QUERIES}
    assert set(found.values()) == {200}, found


def test_a_protocol_with_an_unknown_unit_is_refused_with_its_line(tmp_path: Any) -> None:
    with open(play.PROTOCOL, encoding="utf-8") as file:
        text = file.read()
    bad = tmp_path / "bad.yaml"
    bad.write_text(text.replace("setup: kv80, unit: kV", "setup: kv80, unit: furlong"), "utf-8")
    with pytest.raises(InputError, match=r"line \d+.*furlong"):
        load_protocol(str(bad))


# What is proposed ---------------------------------------------------------------------------------

GOOD = {"action": "Adjust", "priority": "High", "owner": "Head of imaging"}


@pytest.mark.parametrize(
    ("given", "code"),
    [
        ({"priority": "Nuclear"}, "bad-priority"),
        ({"due": "2001-01-01"}, "bad-due"),
        ({"due": "yesterday"}, "bad-due"),
        ({"due": "not a date"}, "bad-due"),
        ({"due": "99999-01-01"}, "bad-due"),
        ({"action": "x" * 10_000}, "too-long"),
        ({"owner": "x" * 121}, "too-long"),
    ],
)
def test_a_proposal_nobody_could_act_on_is_refused(
    who: Cast, given: dict[str, str], code: str
) -> None:
    survey = play.measured(who, "86", "86", "86")
    due = {"due": factory.days(9).isoformat()}
    proposals = {"kv_accuracy_80": {**GOOD, **due, **given}}
    act = acts.ComposeDraft(
        survey=survey, by=who.technologist, recommendation="conditions", proposals=proposals
    )
    with pytest.raises(InputError) as refusal:
        act.perform()
    assert refusal.value.code == code
    assert not survey.drafts.exists()


def test_a_proposal_through_the_page_becomes_the_action(who: Cast, browser: Client) -> None:
    play.verify_rows(who)
    survey = play.measured(who, "86", "86", "86")
    day = factory.days(9)
    typed = {**GOOD, "action": f"Adjust {SCRIPT}", "owner": "", "due": day.isoformat()}
    body = {f"{k}:kv_accuracy_80": v for k, v in typed.items()}
    status, _ = post(browser, survey, "act/draft/", recommendation="conditions", **body)
    assert status == 302
    survey = play.acts_on(acts.Submit, Survey.objects.get(pk=survey.pk), who.technologist)
    survey = play.acts_on(acts.Check, survey, who.checker)
    issue = acts.IssueReport(survey=survey, by=who.approver).perform()
    action = Action.objects.get()
    assert (action.priority, action.due) == (2, day)
    assert action.owner == "Head of imaging"  # an empty owner is the policy's, never nobody
    assert issue.content["report_number"] == issue.report.number
    for url in (f"/reports/issues/{issue.pk}/", f"/actions/{action.pk}/", "/actions/"):
        page = factory.client(who.nurse).get(url).content.decode()
        assert SCRIPT not in page, url
        assert "&lt;script&gt;" in page, url
    assert Event.objects.filter(kind="report.numbered").count() == 1


def test_a_recommendation_milder_than_the_results_says_why(who: Cast) -> None:
    survey = play.measured(who, "86", "86", "86")
    act = acts.ComposeDraft(survey=survey, by=who.technologist, recommendation="use", summary=" ")
    with pytest.raises(InputError) as refusal:
        act.perform()
    assert refusal.value.code == "milder"
    assert "remedial" in refusal.value.message
    why = {"recommendation": "use", "summary": "The deviation is of the meter."}
    play.acts_on(acts.ComposeDraft, survey, who.technologist, **why)


@pytest.mark.parametrize("recommendation", ["", "use it", "do_not_use'"])
def test_a_recommendation_that_is_none_is_refused(who: Cast, recommendation: str) -> None:
    survey = play.measured(who)
    options = {"survey": survey, "by": who.technologist, "recommendation": recommendation}
    with pytest.raises(InputError) as refusal:
        acts.ComposeDraft(**options).perform()
    assert refusal.value.code == "no-recommendation"


# Instruments --------------------------------------------------------------------------------------


def test_readings_without_a_certificate_are_not_excused_by_a_later_one(who: Cast) -> None:
    """The certificate came afterwards: its correction was never applied to them."""
    play.verify_rows(who)
    who.meter.certificates.all().first().factors.all().delete()
    who.meter.certificates.all().delete()
    survey = play.checked(who)
    with pytest.raises(InputError, match="no certificate"):
        acts.IssueReport(survey=survey, by=who.approver).perform()
    factory.certificate(who.meter)
    with pytest.raises(InputError) as refusal:
        acts.IssueReport(survey=survey, by=who.approver).perform()
    assert refusal.value.code == "calibration"
    assert "no correction was applied" in refusal.value.message


@pytest.mark.parametrize("field", ["quarantined_on", "retired_on"])
def test_an_instrument_not_to_be_relied_on_stops_the_issue(who: Cast, field: str) -> None:
    play.verify_rows(who)
    survey = play.checked(who)
    type(who.meter).objects.update(**{field: factory.days(-1)})
    with pytest.raises(InputError) as refusal:
        acts.IssueReport(survey=survey, by=who.approver).perform()
    assert refusal.value.code == "calibration"


# Texts that are markup ----------------------------------------------------------------------------


def test_markup_in_names_and_reasons_is_text_on_the_page_and_in_the_pdf(
    who: Cast, browser: Client
) -> None:
    hostile = f'{SCRIPT} #eval("1") $x^2$ \\{{% raw %}} @ref *bold* </text>'
    type(who.technologist).objects.filter(pk=who.technologist.pk).update(name=hostile[:120])
    type(who.system).objects.filter(pk=who.system.pk).update(name=hostile[:100])
    survey = play.started(who)
    play.read(who, survey, "92", "92", "92")
    post(browser, survey, "contact/", told=hostile[:150], how="In person", text=hostile)
    post(browser, survey, "note/", test="kv_accuracy_80", kind="decision", reason=hostile)
    status, page = post(browser, survey, "save/", field="emergency_off.0", not_done=hostile)
    assert (status, SCRIPT in page) == (409, False)  # the field holds a value by now
    assert SCRIPT not in browser.get(f"/testing/{survey.pk}/").content.decode()
    survey = play.acts_on(acts.HandOver, survey, who.technologist)
    options = {"recommendation": "do_not_use", "summary": hostile}
    play.acts_on(acts.ComposeDraft, survey, who.technologist, **options)
    page = browser.get(f"/testing/{survey.pk}/").content.decode()
    assert SCRIPT not in page
    assert "&lt;script&gt;" in page
    assert browser.get(f"/testing/{survey.pk}/draft.pdf").content.startswith(b"%PDF")
