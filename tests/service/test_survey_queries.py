"""What a survey's pages ask of the database, on a protocol of real length."""

from __future__ import annotations

from datetime import date

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from kerma.protocols import load_protocol
from kerma.service.demo.load import load_department
from kerma.service.testing import actions as acts
from kerma.service.testing import services as testing
from kerma.service.testing.evaluation import evaluate_survey, names_used
from kerma.service.testing.models import Survey
from kerma.simulate.department import build_department
from kerma.simulate.history import build_history
from tests.service import factory

pytestmark = pytest.mark.django_db
PAGE, SAVE, REVIEW, DRAFT = 40, 45, 40, 60
SYSTEM = "ag-dr2"


@pytest.fixture
def survey() -> Survey:
    department = build_department(today=date.today())
    world, history = load_department(department), build_history(department)
    by, protocol = world.persons["rteasel"], load_protocol("radiography-dr")
    made = testing.survey_plan(
        by=by, system=world.systems[SYSTEM], protocol=protocol.id, purpose="routine",
        planned_for=date.today(), performer=by,
    )  # fmt: skip
    made = testing.survey_start(by=by, survey=made, performed_on=date.today())
    for part, key in (("meter", "xm1"), ("survey", "surv"), ("tape", "tape"), ("light", "lux")):
        testing.instrument_assign(by=by, survey=made, part=part, instrument=world.instruments[key])
    planned = next(s for s in history.surveys if s.system == SYSTEM and "drifted" in s.fault)
    used = names_used(protocol, protocol.active("routine"))
    typed = history.readings_for(protocol, planned)
    values = {(n, i): text for n in typed if n in used for i, text in enumerate(typed[n])}
    testing.readings_record(by=by, survey=made, values=values)
    return made


def asked(browser: Client, path: str, body: dict[str, object] | None = None) -> int:
    with CaptureQueriesContext(connection) as queries:
        answer = browser.get(path) if body is None else browser.post(path, body)
    assert answer.status_code == 200
    return len(queries.captured_queries)


def test_a_survey_is_shown_saved_and_drafted_in_few_queries(survey: Survey) -> None:
    by, path = survey.performer, f"/testing/{survey.pk}/"
    browser = factory.client(by)
    assert asked(browser, path) <= PAGE
    reading = survey.readings.filter(reading="kv_60").first()
    body = {"field": "kv_60.0", "value": "61.7", "version": reading.pk}
    assert asked(browser, f"{path}save/", body) <= SAVE
    for gap in evaluate_survey(survey).missing:
        note = {"test": gap.test, "kind": "not done", "reason": "No time"}
        testing.note_set(by=by, survey=survey, **note)
    testing.contact_record(by=by, survey=survey, told="x", how="x", text="x")
    acts.HandOver(survey=survey, by=by).perform()
    with CaptureQueriesContext(connection) as queries:
        acts.ComposeDraft(survey=survey, by=by, recommendation="do_not_use").perform()
    assert len(queries.captured_queries) <= DRAFT
    acts.Submit(survey=survey, by=by).perform()
    assert asked(browser, path) <= REVIEW
