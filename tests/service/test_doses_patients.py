"""Who may look a patient up: by right, with a reason, written down; the identifier is forgotten."""

from __future__ import annotations

from datetime import date

import pytest

from kerma.core import InputError, NotEntitled
from kerma.service.doses.identity import pseudonym
from kerma.service.doses.models import Study
from kerma.service.doses.patients.services import patient_find
from kerma.service.records.models import Event
from tests.service import factory
from tests.service.cast import Cast, cast

pytestmark = pytest.mark.django_db
NUMBER = "943 476 5919"


@pytest.fixture
def who() -> Cast:
    made = cast()
    for n, (employer, issuer) in enumerate((("", ""), (made.ours.key, "NHS"))):
        Study.objects.create(
            study_uid=f"1.2.{n}", modality="CT", date=date(2026, 5, 1), record=b"",
            patient_key=pseudonym(employer, NUMBER, issuer),
        )  # fmt: skip
    return made


def found(who: Cast, **more: str) -> list[str]:
    given = {"identifier": NUMBER, "issuer": "NHS", "reason": "Subject access request 12"}
    return patient_find(by=who.approver, **{**given, **more})


def test_a_patient_is_found_under_every_key_devices_gave(who: Cast) -> None:
    assert len(found(who)) == 2
    assert len(found(who, issuer="")) == 1
    assert found(who, identifier="943 476 5910") == []


def test_the_log_says_who_and_why_and_never_whom(who: Cast) -> None:
    found(who)
    entry = Event.objects.get(kind="patient.looked-up")
    assert entry.actor == who.approver
    assert "Subject access request 12" in entry.text
    assert "5919" not in entry.text + str(entry.data)


def test_a_reason_and_the_right_are_needed(who: Cast) -> None:
    with pytest.raises(InputError, match="Say why"):
        found(who, reason=" ")
    with pytest.raises(NotEntitled):
        patient_find(by=who.technologist, identifier=NUMBER, issuer="", reason="Curious about it")


def test_lists_carry_no_keys_and_an_export_with_keys_is_written_down(who: Cast) -> None:
    browser = factory.client(who.approver)
    assert "key" not in browser.get("/doses/?format=csv").content.decode().splitlines()[0].lower()
    asked = {"since": "2026-01-01", "until": "2026-12-31", "format": "csv"}
    refused = browser.post("/doses/patients/export/", {**asked, "why": ""})
    assert refused.status_code == 422
    sent = browser.post("/doses/patients/export/", {**asked, "why": "Linkage for study R12"})
    assert pseudonym("", NUMBER, "") in sent.content.decode()
    assert Event.objects.filter(kind="patient.exported", text__contains="2 studies").count() == 1
    technologist = factory.client(who.technologist)
    assert (
        technologist.post("/doses/patients/export/", {**asked, "why": "xxxxx"}).status_code == 403
    )
    assert technologist.get("/doses/patients/").status_code == 200
