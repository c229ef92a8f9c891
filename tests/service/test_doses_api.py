"""Other systems: a token stands for one person, reads only, and sees what that person may see."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest
from django.test import Client

from kerma.core import InputError
from kerma.service.doses.api import views
from kerma.service.doses.ingest import ingest_bytes
from kerma.service.doses.models import Study
from kerma.service.people.models import ApiToken, Person
from kerma.service.people.tokens import token_end, token_make
from tests.service import doses_world as world
from tests.service import factory
from tests.service.cast import Cast, cast

pytestmark = pytest.mark.django_db
STUDIES = "/api/v1/doses/studies/"


@pytest.fixture
def who() -> Cast:
    return cast()


def bearer(person: Any) -> Client:
    factory.client(person)  # the person has a sign-in
    token = token_make(by=None, person=person, name="Trust data warehouse", ends=factory.days(30))
    return Client(headers={"Authorization": f"Bearer {token}"})


def study(**more: Any) -> Study:
    number = Study.objects.count() + 1
    given = {"study_uid": f"1.2.3.{number}", "modality": "CT", "date": date(2026, 5, 1),
             "record": b"", "dlp_mgy_cm": 512.5, "patient_key": "f" * 64}  # fmt: skip
    return Study.objects.create(**{**given, **more})


def test_a_token_reads_what_its_person_may(who: Cast) -> None:
    study()
    answer = bearer(who.approver).get(STUDIES)
    assert answer.status_code == 200
    (line,) = answer.json()["studies"]
    assert line["dlp_mgy_cm"] == 512.5
    assert "patient_key" not in line


@pytest.mark.parametrize("header", ["", "Bearer", "Bearer kerma-wrong", "Basic a2VybWE6eA=="])
def test_without_a_good_token_nothing_is_told(who: Cast, header: str) -> None:
    answer = Client(headers={"Authorization": header}).get(STUDIES)
    assert answer.status_code == 401
    assert answer["WWW-Authenticate"] == "Bearer"
    assert answer.json()["error"]["code"] == "not-signed-in"


def test_a_token_ends_on_its_day_when_ended_and_when_its_person_leaves(who: Cast) -> None:
    browser = bearer(who.approver)
    token_end(by=None, token=ApiToken.objects.get())
    assert browser.get(STUDIES).status_code == 401
    ApiToken.objects.update(ends=factory.days(1))
    assert browser.get(STUDIES).status_code == 200
    type(who.approver).objects.filter(pk=who.approver.pk).update(active=False)
    assert browser.get(STUDIES).status_code == 401


def test_a_token_neither_writes_nor_opens_pages(who: Cast) -> None:
    browser = bearer(who.approver)
    assert browser.post(STUDIES).status_code == 401
    assert browser.get("/doses/").status_code == 302


def test_hospital_users_and_administrators_see_no_patient_studies(who: Cast) -> None:
    study()
    assert bearer(who.nurse).get(STUDIES).status_code == 404
    administrator = factory.person("administrator")
    answer = bearer(administrator).get(STUDIES)
    assert answer.status_code == 403
    assert answer.json()["code"]


def test_a_bad_filter_is_refused_not_ignored(who: Cast) -> None:
    browser = bearer(who.approver)
    for query in ("since=yesterday", "modality=XYZ", "after=-1", "least=3"):
        assert browser.get(f"{STUDIES}?{query}").status_code == 422, query


def test_pages_join_without_gap_or_repetition(who: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(views, "MOST", 4)
    made = [study().pk for _ in range(10)]
    browser, seen, url = bearer(who.approver), [], STUDIES
    while url:
        answer = browser.get(url).json()
        seen += [s["id"] for s in answer["studies"]]
        url = answer["next"]
    assert seen == made


def test_the_fhir_summary_keeps_what_was_stated_and_nothing_else(who: Cast) -> None:
    item = study(kap_gy_m2=None, agd_left_mgy=1.5)
    answer = bearer(who.approver).get(f"{STUDIES}{item.pk}/fhir/")
    assert answer["Content-Type"] == "application/fhir+json"
    made = answer.json()
    values = {c["code"]["coding"][0]["code"]: c.get("valueQuantity", {}).get("value")
              for c in made["component"]}  # fmt: skip
    assert values == {"121058": None, "113813": 512.5, "111637": 1.5}
    assert made["code"]["coding"][0]["code"] == "73569-6"
    assert made["component"][0]["valueCodeableConcept"]["coding"][0]["code"] == "77477000"
    assert made["effectiveDateTime"] == "2026-05-01"


def test_the_whole_record_comes_without_identifiers(who: Cast) -> None:
    ingest_bytes(world.content(world.simulated()[1][0]), name="a.dcm")
    item = Study.objects.get()
    made = bearer(who.approver).get(f"{STUDIES}{item.pk}/").json()
    assert made["record"]["events"]


def test_a_token_needs_a_purpose_a_day_to_come_and_somebody_who_can_sign_in(who: Cast) -> None:
    factory.client(who.approver)
    day = factory.today() + timedelta(days=5)
    nobody = Person.objects.create(key="nn", name="N", role="technologist", joined=factory.days(-9))
    for given, code in (
        ({"person": who.approver, "name": " ", "ends": day}, "blank"),
        ({"person": who.approver, "name": "x", "ends": factory.today()}, "bad-date"),
        ({"person": nobody, "name": "x", "ends": day}, "no-sign-in"),
    ):
        with pytest.raises(InputError) as refused:
            token_make(by=None, **given)
        assert refused.value.code == code
