"""Optimisation projects: a real reduction is found and signed, no change is called none."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import pytest

from kerma.core import InputError, NotEntitled
from kerma.doses.schema import STUDIES
from kerma.service.doses import columnar
from kerma.service.doses.models import Project, StandardName
from kerma.service.doses.projects import services
from kerma.service.records.models import Paper
from kerma.service.records.papers.acts import ACTS
from tests.service import cast as play
from tests.service import factory
from tests.service.cast import Cast

pytestmark = pytest.mark.django_db
CHANGE = date(2026, 6, 1)


@pytest.fixture
def who() -> Cast:
    made = play.cast()
    StandardName.objects.create(key="head", title="Head", modality="CT")
    return made


def doses(who: Cast, factor: float, count: int = 120) -> None:
    rng, rows = np.random.default_rng(9), []
    for n in range(2 * count):
        after = n >= count
        day = CHANGE + timedelta(days=n % count if after else -1 - n % count)
        rows.append({**dict.fromkeys(STUDIES), "study": n, "date": day, "modality": "CT",
                     "employer": who.ours.key, "system": who.system.asset, "standard": "head",
                     "patient": True,
                     "dlp_mgy_cm": 800.0 * (factor if after else 1.0)
                     * float(rng.lognormal(0, 0.25))})  # fmt: skip
    columnar.store().write(range(len(rows)), {"studies": rows}, mark="")


def opened(who: Cast, **more: object) -> Project:
    given = {"by": who.colleague, "title": "Head protocol", "employer": who.ours,
             "standard": StandardName.objects.get(), "quantity": "dlp", "aim": "Less dose",
             "before_since": date(2026, 1, 1), "changed_on": CHANGE,
             "after_until": date(2026, 12, 31)}  # fmt: skip
    return services.project_open(**{**given, **more})


def test_a_reduction_is_found_written_and_signed(who: Cast) -> None:
    doses(who, 0.75)
    project = services.project_evaluate(by=who.colleague, project=opened(who))
    found = services.comparison_of(project)
    assert found is not None
    assert found.low < 0.75 < found.high
    paper = services.project_write(by=who.colleague, project=project, summary="It worked.")
    assert "changed by -2" in paper.drafts.get().content["statement"].replace("−", "-")
    with pytest.raises(InputError, match="issued"):
        services.project_close(by=who.colleague, project=project)
    for name, by in (("submit", who.colleague), ("check", who.checker), ("issue", who.approver)):
        ACTS[name](paper=paper, by=by).perform()
    services.project_close(by=who.colleague, project=project)
    assert Project.objects.get().state == "closed"


def test_no_change_is_said_to_be_none(who: Cast) -> None:
    doses(who, 1.0)
    project = services.project_evaluate(by=who.colleague, project=opened(who))
    paper = services.project_write(by=who.colleague, project=project, summary="Nothing.")
    assert "No change" in paper.drafts.get().content["statement"]


def test_too_few_or_too_early_is_refused(who: Cast) -> None:
    doses(who, 0.8, count=5)
    project = opened(who)
    with pytest.raises(InputError, match="10 examinations"):
        services.project_evaluate(by=who.colleague, project=project)
    with pytest.raises(InputError, match="Evaluate"):
        services.project_write(by=who.colleague, project=project, summary="x")
    with pytest.raises(InputError, match="period"):
        opened(who, before_since=CHANGE)
    with pytest.raises(NotEntitled):
        opened(who, by=who.technologist)


def test_pages(who: Cast) -> None:
    doses(who, 0.7)
    browser = factory.client(who.colleague)
    assert "No project yet" in browser.get("/doses/projects/").content.decode()
    body = {"title": "<i>Head</i>", "employer": who.ours.pk, "quantity": "dlp", "aim": "Less",
            "standard": StandardName.objects.get().pk, "before_since": "2026-01-01",
            "changed_on": "2026-06-01", "after_until": "2026-12-31"}  # fmt: skip
    assert browser.post("/doses/projects/new/", body).status_code == 302
    pk = Project.objects.get().pk
    browser.post(f"/doses/projects/{pk}/evaluate/")
    page = browser.get(f"/doses/projects/{pk}/").content.decode()
    assert "Ratio 0.7" in page
    assert "&lt;i&gt;Head" in page
    browser.post(f"/doses/projects/{pk}/write/", {"summary": "As seen."})
    assert Paper.objects.get().state == "draft"
    assert browser.get("/doses/projects/?format=csv").status_code == 200
    assert factory.client(who.nurse).get("/doses/projects/").status_code == 404
