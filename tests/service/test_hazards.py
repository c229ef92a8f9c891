"""Hazards of ``safety/hazard-log.yaml`` that no other test guards."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from pathlib import Path

import pytest
from django.test import Client

from kerma.core import InputError, KermaError
from kerma.reports.content import SurveyReport
from kerma.service.demo.load import Loaded, load_department
from kerma.service.doses.ingest import ingest_bytes
from kerma.service.doses.models import Study
from kerma.service.people.models import Person, User
from kerma.service.records.integrity import verify
from kerma.service.records.models import Issue
from kerma.service.testing import actions as acts
from kerma.service.testing import services
from kerma.service.testing.evaluation import evaluate_survey
from kerma.service.testing.images import images_attach
from kerma.service.testing.models import ImageAnalysis, Survey
from kerma.service.testing.protocol_text import protocol_of
from kerma.simulate.department import build_department
from kerma.simulate.history import History, build_history
from kerma.simulate.models import Department
from kerma.simulate.phantom_images import phantom_images

TODAY = date.today()
SYSTEM = "ag-dr1"
SPINE = Path(__file__).parent / "spine.yaml"
pytestmark = pytest.mark.django_db


@pytest.fixture(scope="module")
def department() -> Department:
    return build_department(today=TODAY)


@pytest.fixture(scope="module")
def history(department: Department) -> History:
    return build_history(department)


@pytest.fixture
def world(department: Department) -> Loaded:
    return load_department(department)


def technologist() -> Person:
    return Person.objects.get(key="rteasel")


def started(world: Loaded, protocol: str) -> Survey:
    made = services.survey_plan(
        by=technologist(), system=world.systems[SYSTEM], protocol=protocol, purpose="routine",
        planned_for=TODAY, performer=technologist(),
    )  # fmt: skip
    made = services.survey_start(by=technologist(), survey=made, performed_on=TODAY)
    services.instrument_assign(
        by=technologist(), survey=made, part="meter", instrument=world.instruments["xm1"]
    )
    return made


def record(survey: Survey, name: str, texts: Sequence[str]) -> None:
    values = {(name, i): text for i, text in enumerate(texts)}
    services.readings_record(by=technologist(), survey=survey, values=values)


def live(survey: Survey, analysis: str) -> ImageAnalysis:
    return survey.analyses.get(analysis=analysis, replaced_by=None)


def test_an_analysis_follows_a_reading_it_uses(
    world: Loaded, history: History, tmp_path: Path
) -> None:
    """The signal transfer property is fitted to air kermas; correcting one fits it anew."""
    survey = started(world, "radiography-dr")
    truth = phantom_images(
        "stp", history.department.system(SYSTEM), TODAY, folder=tmp_path, count=5,
        state=history.state(SYSTEM, TODAY), seed=history.department.seed,
    )  # fmt: skip
    kermas = [float(k) for k in truth.parameters["kerma_ugy"]]
    record(survey, "k_stp", [f"{k:g}" for k in [*kermas[:-1], 3 * kermas[-1]]])
    files = [(path.name, path.read_bytes()) for path in truth.files]
    images_attach(by=technologist(), survey=survey, slot="flats", files=files)
    wrong = live(survey, "stp")
    record(survey, "k_stp", [f"{k:g}" for k in kermas])
    right = live(survey, "stp")
    assert right.replaces == wrong
    used = right.record["provenance"]["parameters"]["kerma_ugy"]
    now = [r.value for r in survey.readings.filter(reading="k_stp", struck_at=None)]
    assert used == pytest.approx(now)
    stale, fresh = (row.record["values"]["r_squared"]["value"] for row in (wrong, right))
    assert fresh > 0.9999 > stale
    assert verify().sound


def test_a_later_edition_of_a_protocol_does_not_move_a_survey(
    world: Loaded, tmp_path: Path
) -> None:
    file = tmp_path / "spine.yaml"
    text = SPINE.read_text(encoding="utf-8")
    file.write_text(text, encoding="utf-8")
    survey = started(world, str(file))
    before = protocol_of(survey)
    file.write_text(text.replace("version: 1", "version: 2"), encoding="utf-8")
    assert protocol_of(Survey.objects.get(pk=survey.pk)) == before
    assert started(world, str(file)).protocol_version == before.version + 1
    file.unlink()
    assert evaluate_survey(Survey.objects.get(pk=survey.pk)).outcomes


def test_a_survey_cannot_use_the_protocol_of_another_kind_of_equipment(world: Loaded) -> None:
    with pytest.raises(InputError) as refused:
        services.survey_plan(
            by=technologist(), system=world.systems[SYSTEM], protocol="mammography",
            purpose="routine", planned_for=TODAY,
        )  # fmt: skip
    assert refused.value.code == "wrong-protocol"


def test_an_instrument_of_another_kind_is_refused(world: Loaded) -> None:
    survey = started(world, str(SPINE))
    other = next(i for i in world.instruments.values() if i.kind != "multimeter")
    with pytest.raises(InputError) as refused:
        services.instrument_assign(by=technologist(), survey=survey, part="meter", instrument=other)
    assert refused.value.code == "wrong-instrument"


def test_a_value_typed_without_a_connection_does_not_overwrite_another(world: Loaded) -> None:
    survey = started(world, str(SPINE))
    browser = Client()
    user = User.objects.get(person=technologist())
    browser.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    sent = {"field": "kv_80.0", "value": "80.1", "version": "0"}
    address = f"/testing/{survey.pk}/save/"
    assert browser.post(address, sent).status_code == 200
    late = browser.post(address, {**sent, "value": "86.6"})
    assert late.status_code == 409
    assert "80.1" in late.content.decode()
    assert [r.text for r in survey.readings.all()] == ["80.1"]
    again = browser.post(address, sent)  # the same value again: an answer that was lost
    assert again.status_code == 200
    assert survey.readings.count() == 1


def test_a_report_names_the_client_and_the_system_of_its_survey(world: Loaded) -> None:
    survey = started(world, str(SPINE))
    record(survey, "kv_80", ["80.1", "80.2", "80.3"])
    record(survey, "emergency_off", ["y"])
    acts.HandOver(survey=survey, by=technologist()).perform()
    draft = acts.ComposeDraft(
        survey=survey, by=technologist(), recommendation="use", summary="Good."
    ).perform()
    content = SurveyReport.from_dict(draft.content)
    system = world.systems[SYSTEM]
    assert content.employer.name == system.employer.name
    assert content.site.name == system.room.site.name
    assert (content.system.serial, content.system.asset) == (system.serial, system.asset)
    assert draft.report.employer == system.employer
    assert not Issue.objects.exists()  # a draft reaches no client


def test_nothing_is_stored_of_a_file_that_breaks_off(world: Loaded) -> None:
    outcome = ingest_bytes(b"\0" * 128 + b"DICM" + b"\x02\x00\x00\x00UL\x04\x00", name="half.dcm")
    assert outcome.outcome in ("refused", "quarantined")
    assert outcome.reason
    assert not Study.objects.exists()
    assert verify().sound


def test_every_act_names_its_refusal_in_words(world: Loaded) -> None:
    """No act can be done in a state it does not belong to, whoever asks."""
    survey = started(world, str(SPINE))
    for act in (acts.Check, acts.IssueReport, acts.Amend):
        with pytest.raises(KermaError) as refused:
            act(survey=survey, by=technologist(), reason="x").perform()
        assert refused.value.message.endswith(".")
    survey.refresh_from_db()
    assert survey.state == "in_progress"
