"""Baselines are set from an issued survey's page, by those entitled, with a reason."""

from __future__ import annotations

import pytest
from django.test import Client

from kerma.service.people.models import Person
from kerma.service.records.integrity import verify
from kerma.service.testing.baselines import candidates
from kerma.service.testing.models import Baseline, Survey
from tests.service.test_spine import enter, issue, survey, verify_rows, world

__all__ = ["survey", "world"]
pytestmark = pytest.mark.django_db


def client(key: str) -> Client:
    found = Client()
    user = Person.objects.get(key=key).user
    found.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    return found


def with_a_baseline_level(item: Survey) -> None:
    """Have one frozen result rest on a level that is a share of the baseline."""
    row = item.results.get(test="kv_accuracy_80", withdrawn_at=None)
    for level in row.record["levels"]:
        level["criterion"]["basis"] = "baseline"
    row.save()


def test_the_mpe_sets_a_baseline_and_the_technologist_cannot(survey: Survey) -> None:
    enter(survey, "80.1", "80.2", "80.3")
    verify_rows()
    issue(survey)
    survey.refresh_from_db()
    assert candidates(survey) == []
    with_a_baseline_level(survey)
    (result,) = candidates(survey)
    asked = {"result": [result.pk], "reason": "Commissioned", "component": ["tube"]}
    url = f"/testing/{survey.pk}/baselines/"
    assert "Set baselines" in client("waldous").get(f"/testing/{survey.pk}/").content.decode()
    assert client("rteasel").post(url, asked).status_code == 403
    assert client("waldous").post(url, {"result": [result.pk], "reason": " "}).status_code == 422
    assert client("waldous").post(url, {"reason": "x"}).status_code == 422
    assert not Baseline.objects.exists()
    assert client("waldous").post(url, asked).status_code == 302
    row = Baseline.objects.get()
    assert (row.value, row.unit, row.valid_from) == (result.value, "kV", survey.performed_on)
    assert row.components == ["tube"]
    assert not [f for f in verify().findings if "aseline" in f.kind]
