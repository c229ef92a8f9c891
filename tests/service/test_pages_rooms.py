"""Equipment, people and instruments: what the pages let people do, and what they show of it."""

from __future__ import annotations

import json

import pytest
from django.test import Client

from kerma.service.estate.models import SystemEvent
from kerma.service.people import selectors as people
from kerma.service.records.models import Event
from kerma.service.testing.models import Baseline
from tests.service import factory
from tests.service.factory import World

pytestmark = pytest.mark.django_db


@pytest.fixture
def world() -> World:
    return factory.world()


def page(of: Client, url: str) -> str:
    return of.get(url).content.decode()


# Equipment ----------------------------------------------------------------------------------------


def test_the_employer_decides_and_the_page_says_who_decided(world: World) -> None:
    nurse = factory.client(world.nurse)
    url = f"/equipment/system/{world.system.pk}/status/"
    assert nurse.post(url, {"status": "suspended", "reason": ""}).status_code == 422
    nurse.post(url, {"status": "suspended", "reason": "Stopped pending repair"})
    world.system.refresh_from_db()
    assert world.system.status == "suspended"
    shown = page(nurse, f"/equipment/{world.system.asset}/")
    assert "Suspended: Stopped pending repair" in shown
    assert world.nurse.name in shown
    assert page(nurse, "/").count(world.system.asset) >= 1


def test_a_replaced_part_ends_its_baselines_and_breaks_the_trend(world: World) -> None:
    tube = world.system.components.get(kind="tube")
    result = world.survey.results.get()
    baseline = Baseline.objects.create(
        system=world.system, test=result.test, value=80.0, unit="kV", valid_from=factory.days(-500),
        reason="Commissioning", components=["tube"], set_by=world.mpe, set_at=world.at,
    )  # fmt: skip
    browser = factory.client(world.technologist)
    url = f"/equipment/system/{world.system.pk}/part/{tube.pk}/"
    new = {"manufacturer": "Halden", "model": "RT-2", "serial": "T-2", "on": str(factory.days(-5))}
    assert browser.post(url, {**new, "serial": "T-1"}).status_code == 422
    assert browser.post(url, {**new, "on": str(factory.days(2))}).status_code == 422
    assert browser.post(url, {**new, "on": str(factory.days(-2000))}).status_code == 422
    assert browser.post(url, new).status_code == 302
    baseline.refresh_from_db()
    assert baseline.ended_on == factory.days(-5)
    shown = page(browser, f"/equipment/{world.system.asset}/")
    assert "Tube T-1 replaced by T-2" in shown
    assert shown.count("T-2 replaced") == 0
    assert SystemEvent.objects.filter(system=world.system, kind="tube change").count() == 1
    assert browser.post(url, new).status_code == 404  # the old part is gone


def test_an_event_is_recorded_once_it_is_said_what_happened(world: World) -> None:
    browser = factory.client(world.technologist)
    url = f"/equipment/system/{world.system.pk}/event/"
    given = {"on": str(factory.days(-1)), "kind": "repair", "text": "New collimator lamp"}
    assert browser.post(url, {**given, "text": " "}).status_code == 422
    assert browser.post(url, {**given, "on": str(factory.days(1))}).status_code == 422
    assert browser.post(url, given).status_code == 302
    assert "New collimator lamp" in page(browser, f"/equipment/{world.system.asset}/")


def spec(of: Client, url: str) -> dict[str, object]:
    text = page(of, url).split('<script type="application/json">')[1].split("</script>")[0]
    found: dict[str, object] = json.loads(text)
    return found


def test_the_trend_shows_values_levels_and_the_way_to_each_survey(world: World) -> None:
    for ago, value in ((400, 80.1), (200, 80.9)):
        factory.result(factory.survey(world.system, ago=ago), value)
    browser = factory.client(world.mpe)
    url = f"/equipment/{world.system.asset}/"
    text = json.dumps(spec(browser, url))
    for value in (80.1, 80.9, 86.3):
        assert str(value) in text
    # ±5 % and ±10 % of 80 kV, as the row says and the record froze.
    for bound in ("84.0", "76.0", "88.0", "72.0"):
        assert bound in text
    assert f"/testing/{world.survey.pk}/" in text
    shown = page(browser, url)
    assert "86.3" in shown.split("Results over time")[-1]
    nurse = json.dumps(spec(factory.client(world.nurse), url))
    assert "/testing/" not in nurse
    assert f"/reports/issues/{world.issue.pk}/" in nurse


def test_a_trend_can_be_chosen_and_an_unknown_test_falls_back(world: World) -> None:
    factory.result(
        world.survey, 3.2, test="hvl", title="Half-value layer", unit="mm Al", record={"levels": []}
    )
    browser = factory.client(world.mpe)
    url = f"/equipment/{world.system.asset}/"
    assert "Half-value layer: 1 results" in json.dumps(spec(browser, f"{url}?test=hvl"))
    assert "Tube voltage" in json.dumps(spec(browser, f"{url}?test=nothing"))


def test_a_yes_or_no_check_has_no_trend(world: World) -> None:
    record = {"levels": [{"criterion": {"kind": "functional"}}]}
    factory.result(world.survey, 1.0, test="lamp", title="Warning lamp", unit="1", record=record)
    assert "Warning lamp" not in page(
        factory.client(world.mpe), f"/equipment/{world.system.asset}/"
    )


def test_the_cover_is_named_while_the_contact_is_away(world: World) -> None:
    browser = factory.client(world.manager)
    url = f"/equipment/{world.system.asset}/"
    assert "covers" not in page(browser, url)
    factory.absence(world.mpe)
    assert f"{world.technologist.name} covers" in page(browser, url)
    assert "covers" in page(browser, "/people/contacts/")
    factory.absence(world.technologist)
    assert "both are away" in page(browser, "/people/contacts/")


# People -------------------------------------------------------------------------------------------


def test_a_credential_is_recorded_by_somebody_else(world: World) -> None:
    browser = factory.client(world.manager)
    url = f"/people/person/{world.mpe.key}/credential/"
    given = {
        "type": "RPA", "number": "R-9", "issuing_body": "RPA2000",
        "issued": str(factory.days(-10)), "expires": str(factory.days(1000)),
    }  # fmt: skip
    assert browser.post(url, {**given, "expires": str(factory.days(-20))}).status_code == 422
    assert browser.post(url, given).status_code == 302
    assert "R-9" in page(browser, f"/people/person/{world.mpe.key}/")
    own = browser.post(f"/people/person/{world.manager.key}/credential/", given)
    assert own.status_code == 422
    assert "Nobody records their own credential" in own.content.decode()


def test_appointment_absence_and_contact_are_recorded(world: World) -> None:
    browser = factory.client(world.manager)
    key, site = world.technologist.key, world.system.room.site
    start = str(factory.days(-3))
    made = browser.post(
        f"/people/person/{key}/appointment/",
        {"employer": world.ours.pk, "role": "RPS", "scope": "Theatres", "start": start},
    )
    assert made.status_code == 302
    away = f"/people/person/{key}/absence/"
    assert browser.post(away, {"start": start, "end": str(factory.days(-9))}).status_code == 422
    assert browser.post(away, {"start": start, "end": str(factory.days(9))}).status_code == 302
    contact = f"/people/contacts/{site.key}/"
    same = {"person": world.technologist.pk, "cover": world.technologist.pk, "start": start}
    assert browser.post(contact, same).status_code == 422
    assert browser.post(contact, {**same, "cover": world.mpe.pk}).status_code == 302
    named, acting = people.contact_for(site.pk, factory.today())
    assert (named, acting) == (world.technologist, world.mpe)
    shown = page(browser, f"/people/person/{key}/")
    assert "Theatres" in shown
    assert "away" in shown


@pytest.mark.parametrize(
    ("ends", "issued", "state"),
    [(-1, -900, "expired"), (0, -900, "expiring"), (90, -900, "expiring"), (91, -900, "current"),
     (None, -900, "current")],
)  # fmt: skip
def test_a_credential_counts_on_its_last_day(ends: int | None, issued: int, state: str) -> None:
    held = factory.credential(factory.person(), ends=ends, issued=factory.days(issued))
    assert people.state_of(held, factory.today()) == state


def test_an_old_certificate_followed_by_a_new_one_no_longer_presses() -> None:
    who = factory.person()
    factory.credential(who, "MPE", -300)
    on = factory.today()
    assert [c.type for c, *_ in people.credentials_pressing(on)] == ["MPE"]
    factory.credential(who, "MPE", None)
    assert people.credentials_pressing(on) == []
    factory.credential(who, "HCPC", 30)
    lapsing = factory.person(active=False)
    factory.credential(lapsing, "HCPC", 3)
    assert [c.type for c, *_ in people.credentials_pressing(on)] == ["HCPC"]


def test_continuous_certification_presses_for_its_declaration() -> None:
    who = factory.person()
    factory.credential(who, "MPE", None, last_annual_declaration=factory.days(-340))
    ((_, day, why),) = people.credentials_pressing(factory.today())
    assert (day, why) == (factory.days(25), "declaration")


def test_a_title_is_not_printed_on_a_lapsed_credential() -> None:
    who = factory.person("clinical_scientist")
    assert people.role_line(who, factory.today()) == "Healthcare scientist"
    factory.credential(who, "HCPC", 10)
    factory.credential(who, "MPE", None)
    assert people.role_line(who, factory.today()) == "Clinical scientist · MPE"
    assert people.role_line(who, factory.days(11)) == "Medical Physics Expert"
    assert who.user.role_line == "Clinical scientist · MPE"
    assert "Clinical scientist · MPE" in page(factory.client(who), "/")


# Instruments --------------------------------------------------------------------------------------


def test_quarantine_is_shown_logged_and_ended_with_a_reason(world: World) -> None:
    browser = factory.client(world.technologist)
    url = f"/instruments/{world.meter.key}/"
    given = {"on": str(factory.days(-2)), "reason": "Dropped"}
    assert browser.post(f"{url}quarantine/", {**given, "reason": ""}).status_code == 422
    assert browser.post(f"{url}quarantine/", given).status_code == 302
    assert "Dropped" in page(browser, url)
    assert browser.post(f"{url}quarantine/", given).status_code == 422
    assert browser.post(f"{url}release/", {"reason": "Cross-checked"}).status_code == 302
    kinds = Event.objects.filter(subject=f"instrument:{world.meter.pk}").values_list(
        "kind", flat=True
    )
    assert set(kinds) == {"instrument.quarantined", "instrument.released"}
    from kerma.service.records.integrity import verify

    assert [f for f in verify().findings if "instrument" in f.subject] == []


def test_the_impact_search_finds_every_survey_since_the_last_good_calibration(world: World) -> None:
    before = factory.survey(world.system, ago=150)
    after = factory.survey(world.system, ago=40)
    struck = factory.survey(world.system, ago=30)
    for survey in (before, after, struck):
        factory.reading(survey, world.technologist, world.meter)
    struck.readings.update(struck_at=world.at, struck_reason="Wrong meter")
    browser = factory.client(world.mpe)
    url = f"/instruments/{world.meter.key}/"

    def found(text: str) -> set[int]:
        return {s.pk for s in (before, after, struck, world.survey) if f"/testing/{s.pk}/" in text}

    assert found(page(browser, url)) == {after.pk, world.survey.pk}
    since = factory.days(-200)
    everything = page(browser, f"{url}?since={since}")
    assert found(everything) == {before.pk, after.pk, world.survey.pk}
    assert everything.count("not to be relied on") == 1  # before the certificate began


def test_a_certificate_is_recorded_with_its_factors(world: World) -> None:
    browser = factory.client(world.technologist)
    url = f"/instruments/{world.meter.key}/certificate/"
    given = {
        "number": "C-NEW", "laboratory": "A laboratory", "calibrated_on": str(factory.days(-1)),
        "due_on": str(factory.days(364)), "factor-TOTAL_FORMS": "6", "factor-INITIAL_FORMS": "0",
        "factor-0-quantity": "air kerma", "factor-0-factor": "1.013", "factor-0-u_percent": "2.1",
        "factor-0-k": "2", "factor-0-beam_quality": "RQR 5",
    }  # fmt: skip
    for wrong in (
        {"factor-0-factor": ""}, {"factor-0-factor": "-1"}, {"factor-0-quantity": ""},
        {"due_on": str(factory.days(-2))}, {"calibrated_on": str(factory.days(3))},
    ):  # fmt: skip
        assert browser.post(url, {**given, **wrong}).status_code == 422, wrong
    assert browser.post(url, given).status_code == 302
    made = world.meter.certificates.get(number="C-NEW")
    assert made.factors.get().factor == 1.013
    shown = page(browser, f"/instruments/{world.meter.key}/")
    assert "1.013" in shown
    assert "RQR 5" in shown
    assert browser.post(url, given).status_code == 422  # the number is taken


@pytest.mark.parametrize(
    ("since", "until", "state"),
    [(-100, 61, "in calibration"), (-100, 60, "due soon"), (-100, 0, "due soon"),
     (-100, -1, "out of calibration")],
)  # fmt: skip
def test_the_state_of_a_calibration(since: int, until: int, state: str) -> None:
    meter = factory.instrument()
    browser = factory.client(factory.person())
    assert "never calibrated" in page(browser, "/instruments/")
    factory.certificate(meter, since, until)
    listed = browser.get("/instruments/?format=json").json()
    assert [r["state"] for r in listed] == [state]


# Today --------------------------------------------------------------------------------------------


def test_only_what_a_person_may_sign_waits_for_them(world: World) -> None:
    system = factory.system(world.system.room)
    to_check = factory.survey(system, "in_review", performer=world.technologist)
    factory.result(to_check)
    own = factory.survey(factory.system(world.system.room), "in_review", performer=world.mpe)
    elsewhere = factory.survey(
        factory.system(world.foreign.room, modality="ct"), "in_review",
        performer=world.technologist, checked=True,
    )  # fmt: skip
    factory.reading(elsewhere, world.mpe)  # took part in the measuring, so may not approve
    shown = page(factory.client(world.mpe), "/")
    waiting = shown.split('id="check"')[1].split("</section>")[0]
    assert f"/testing/{to_check.pk}/" in waiting
    assert f"/testing/{own.pk}/" not in waiting
    assert 'id="approve"' not in shown
    assert 'id="check"' not in page(factory.client(world.manager), "/")
    assert 'id="check"' not in page(factory.client(world.technologist), "/")


def test_nothing_to_do_is_said_so() -> None:
    shown = page(factory.client(factory.person("assistant")), "/")
    assert "Nothing waits for you" in shown


def test_the_administrator_sees_sign_ins_and_the_log(world: World) -> None:
    from kerma.service.people.models import Person

    Person.objects.create(key="new", name="New Starter", role="technologist")
    leaver = factory.person("technologist", active=False)
    browser = factory.client(world.administrator)
    shown = page(browser, "/")
    assert "people without a sign-in" in shown
    assert "sign-ins of people who have left" in shown
    listed = browser.get("/people/?signin=none&format=json").json()
    assert [r["name"] for r in listed] == ["New Starter"]
    assert leaver.name in page(browser, "/people/?state=left")


def test_the_search_finds_what_one_has_in_hand(world: World) -> None:
    browser = factory.client(world.mpe)
    for words, where in (
        (world.system.asset, f"/equipment/{world.system.asset}/"),
        ("T-1", f"/equipment/{world.system.asset}/"),
        (world.system.room.name, f"/equipment/{world.system.asset}/"),
        (world.technologist.name, f"/people/person/{world.technologist.key}/"),
        (world.issue.report.number, f"/reports/issues/{world.issue.pk}/"),
        ("generator", f"/actions/{world.action.pk}/"),
        (world.meter.serial, f"/instruments/{world.meter.key}/"),
    ):
        assert where in browser.get("/search/", {"q": words}).content.decode(), words
    nurse = factory.client(world.nurse).get("/search/", {"q": "Test"}).content.decode()
    assert "/people/" not in nurse
    assert "/instruments/" not in nurse
