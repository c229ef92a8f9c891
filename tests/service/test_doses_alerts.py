"""Dose alerts: raised when passed, once, never forgotten, answered by those who may."""

from __future__ import annotations

import threading
from datetime import date, timedelta
from typing import Any

import pytest
from django.core import mail
from django.utils import timezone

from kerma.core import InputError, NotEntitled
from kerma.service.doses.alerts import services
from kerma.service.doses.models import Alert, AlertEntry, AlertRule, SkinDose, Study
from kerma.service.records.integrity import verify
from tests.service import cast as play
from tests.service import factory
from tests.service.cast import Cast

pytestmark = pytest.mark.django_db


@pytest.fixture
def who() -> Cast:
    return play.cast()


def study(**more: Any) -> Study:
    given = {"study_uid": f"1.2.{Study.objects.count() + 1}", "modality": "RF",
             "date": date(2026, 11, 1), "patient_key": "p" * 64, "record": b"x"}  # fmt: skip
    return Study.objects.create(**{**given, **more})


def rule(who: Cast, **more: Any) -> AlertRule:
    given = {"by": who.checker, "name": "High dose at RP", "kind": "study",
             "quantity_key": "dose_rp", "threshold": 5.0, "symbol": "Gy",
             "source": "Service policy 4"}  # fmt: skip
    return services.rule_set(**{**given, **more})


def test_passed_raises_one_alert_however_often_it_is_stored(who: Cast) -> None:
    rule(who)
    one = study(dose_rp_gy=7.69)
    for _ in range(3):
        services.study_look_at(one)
    (alert,) = Alert.objects.all()
    assert (alert.value, alert.unit) == (7.69, "Gy")
    assert verify().sound


@pytest.mark.parametrize(
    ("given", "count"),
    [
        ({"dose_rp_gy": 5.0}, 1),
        ({"dose_rp_gy": 4.999}, 0),
        ({"dose_rp_gy": None}, 0),
        ({"dose_rp_gy": 7.0, "modality": "CT"}, 1),
        ({"dose_rp_gy": 7.0, "not_patient": "QA"}, 0),
    ],
)
def test_the_edge_the_missing_and_the_test_object(
    who: Cast, given: dict[str, Any], count: int
) -> None:
    rule(who)
    services.study_look_at(study(**given))
    assert Alert.objects.count() == count


def test_units_never_change_the_answer(who: Cast) -> None:
    rule(who, name="KAP", quantity_key="kap", threshold=500.0, symbol="Gy.cm2")
    rule(who, name="KAP again", quantity_key="kap", threshold=50_000.0, symbol="cGy.cm2")
    services.study_look_at(study(kap_gy_m2=0.04688))  # 468.8 Gy cm²
    assert not Alert.objects.exists()
    services.study_look_at(study(kap_gy_m2=0.05))
    assert Alert.objects.count() == 2


def test_a_patients_studies_add_up_over_the_weeks(who: Cast) -> None:
    rule(who, name="12 weeks", kind="cumulative", threshold=6.0, weeks=12)
    last = date(2026, 11, 1)
    for days, dose in ((130, 3.0), (60, 2.5), (30, 2.0)):
        services.study_look_at(study(date=last - timedelta(days=days), dose_rp_gy=dose))
    services.study_look_at(study(patient_key="q" * 64, dose_rp_gy=5.9))
    services.study_look_at(study(patient_key="", dose_rp_gy=5.9))
    assert not Alert.objects.exists()
    services.study_look_at(study(dose_rp_gy=1.6))
    alert = Alert.objects.get()
    assert alert.value == pytest.approx(6.1)
    assert len(alert.studies) == 3, "the one 130 days before does not count"


def test_a_study_that_comes_late_counts_in_the_sums_of_later_ones(who: Cast) -> None:
    rule(who, name="12 weeks", kind="cumulative", threshold=6.0, weeks=12)
    rule(who, name="One study", threshold=3.0)
    last = date(2026, 11, 1)
    newest = study(date=last, dose_rp_gy=4.0)
    services.study_look_at(newest)
    assert [a.rule.name for a in Alert.objects.all()] == ["One study"]
    services.study_look_at(study(date=last - timedelta(days=10), dose_rp_gy=2.5))
    alert = Alert.objects.exclude(rule__name="One study").get()
    assert (alert.study, alert.value) == (newest, pytest.approx(6.5))
    services.study_look_at(study(date=last - timedelta(days=200), dose_rp_gy=2.9))
    assert Alert.objects.count() == 2


def test_the_skin_has_its_own_threshold(who: Cast) -> None:
    rule(who, name="Skin", kind="skin", quantity_key="skin", threshold=2.0, symbol="Gy")
    one = study(dose_rp_gy=9.0)
    services.study_look_at(one)
    assert not Alert.objects.exists()
    SkinDose.objects.create(study=one, status="indicative", peak_mgy=2100.0, record=b"x",
                            version="1", at=timezone.now())  # fmt: skip
    services.study_look_at(one)
    assert Alert.objects.get().value == pytest.approx(2.1)


def test_rules_are_limited_to_what_they_name(who: Cast) -> None:
    rule(who, modality="CT")
    rule(who, name="Theirs", employer=who.theirs)
    rule(who, name="Ours", system=who.system)
    services.study_look_at(study(dose_rp_gy=9.0, system=who.system))
    assert [a.rule.name for a in Alert.objects.all()] == ["Ours"]


def test_an_ended_rule_raises_nothing_more_and_keeps_its_alerts(who: Cast) -> None:
    one = rule(who)
    services.study_look_at(study(dose_rp_gy=9.0))
    services.rule_end(by=who.checker, rule=one)
    services.study_look_at(study(dose_rp_gy=9.0))
    assert Alert.objects.count() == 1
    assert verify().sound


def test_answered_step_by_step_and_never_back(who: Cast) -> None:
    rule(who)
    (alert,) = services.study_look_at(study(dose_rp_gy=9.0))
    for state in ("acknowledged", "investigated", "closed"):
        services.alert_answer(by=who.checker, alert=alert, state=state, text=state,
                              incident="INC-7" if state == "investigated" else "")  # fmt: skip
    alert.refresh_from_db()
    assert (alert.state, alert.incident) == ("closed", "INC-7")
    with pytest.raises(InputError):
        services.alert_answer(by=who.checker, alert=alert, state="raised", text="again")
    assert AlertEntry.objects.count() == 3
    assert verify().sound


def test_a_dose_that_grows_is_noted_in_the_same_alert(who: Cast) -> None:
    rule(who)
    one = study(dose_rp_gy=6.0)
    services.study_look_at(one)
    one.dose_rp_gy = 8.0
    services.study_look_at(one)
    assert Alert.objects.get().value == 8.0
    assert "now 8 Gy" in AlertEntry.objects.get().text
    assert verify().sound


def test_a_notice_goes_out_once_and_names_no_patient(who: Cast) -> None:
    rule(who)
    services.study_look_at(study(dose_rp_gy=9.0))
    assert services.alerts_send(["mpe@example.org"]) == 1
    assert services.alerts_send(["mpe@example.org"]) == 0
    assert len(mail.outbox) == 1
    assert "p" * 12 not in mail.outbox[0].body


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"source": " "}, "blank"),
        ({"symbol": "Gy.cm2"}, "other-unit"),
        ({"symbol": "rads"}, "unknown-unit"),
        ({"threshold": 0.0}, "bad-threshold"),
        ({"threshold": float("inf")}, "bad-threshold"),
        ({"kind": "cumulative"}, "bad-rule"),
        ({"weeks": 4}, "bad-rule"),
        ({"quantity_key": "x"}, "bad-rule"),
    ],
)
def test_a_threshold_that_cannot_be_meant_is_refused(
    who: Cast, change: dict[str, Any], code: str
) -> None:
    with pytest.raises(InputError) as refusal:
        rule(who, **change)
    assert refusal.value.code == code


def test_who_may_set_and_answer(who: Cast) -> None:
    for person in (who.technologist, who.administrator, who.manager, who.nurse):
        with pytest.raises(NotEntitled):
            rule(who, by=person)
    rule(who)
    (alert,) = services.study_look_at(study(dose_rp_gy=9.0))
    with pytest.raises(NotEntitled):
        services.alert_answer(by=who.nurse, alert=alert, state="closed", text="x")


def test_pages(who: Cast) -> None:
    browser = factory.client(who.checker)
    assert "No alert" in browser.get("/doses/alerts/").content.decode()
    body = {"name": "<b>High</b>", "kind": "study", "quantity_key": "dose_rp", "threshold": "5",
            "symbol": "Gy", "source": "Policy"}  # fmt: skip
    assert browser.post("/doses/alerts/thresholds/", body).status_code == 302
    bad = browser.post("/doses/alerts/thresholds/", {**body, "symbol": "rads"})
    assert bad.status_code == 422
    (alert,) = services.study_look_at(study(dose_rp_gy=9.0))
    page = browser.get("/doses/alerts/").content.decode()
    assert "&lt;b&gt;High&lt;/b&gt;" in page
    answer = browser.post(f"/doses/alerts/{alert.pk}/", {"state": "closed", "text": "Justified."})
    assert answer.status_code == 302
    assert "Justified." in browser.get(f"/doses/alerts/{alert.pk}/").content.decode()
    assert factory.client(who.nurse).get("/doses/alerts/").status_code == 404


@pytest.mark.django_db(transaction=True)
def test_stored_by_two_at_once_it_is_one_alert(who: Cast) -> None:
    from django.db import connection

    rule(who)
    one = study(dose_rp_gy=9.0)
    trouble: list[Exception] = []

    def look() -> None:
        try:
            services.study_look_at(one)
        except InputError as error:
            trouble.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=look) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert trouble == []
    assert Alert.objects.count() == 1
