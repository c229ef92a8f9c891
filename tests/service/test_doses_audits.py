"""Dose audits from the doses to the level in force: computed, signed by three, adopted."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import numpy as np
import pytest

from kerma.core import InputError, NotEntitled
from kerma.doses.schema import STUDIES
from kerma.service.doses import columnar
from kerma.service.doses.audits import services
from kerma.service.doses.models import Audit, LocalLevel, StandardName
from kerma.service.estate.models import System
from kerma.service.records import log
from kerma.service.records.integrity import verify
from kerma.service.records.models import Action, Issue, Paper
from kerma.service.records.papers.acts import ACTS
from kerma.service.records.services import verification_add
from tests.service import cast as play
from tests.service import factory
from tests.service.cast import Cast

pytestmark = pytest.mark.django_db

LEVEL = "ndrl-uk/t1-adult-ct/adult/any/Head/acute-stroke/all-sequences/dlp-per-complete-examination"
RULE = "drl-statistics/minimum_sample"


@pytest.fixture
def who() -> Cast:
    made = play.cast()
    StandardName.objects.create(key="head", title="Head", modality="CT", levels=[LEVEL])
    return made


def doses(who: Cast, rooms: int = 12, count: int = 32) -> list[System]:
    """Fill the columnar copy: each room around a dose of its own, the last well above the level."""
    systems = [factory.system(factory.room(factory.site(who.ours)), modality="ct")
               for _ in range(rooms)]  # fmt: skip
    log.append(actor=None, kind="test.rooms", subject="service:test", text="Made", seals=systems)
    rng, rows = np.random.default_rng(5), []
    for n, system in enumerate(systems):
        for dose in (650.0 + 30.0 * n) * rng.lognormal(0, 0.1, count):
            rows.append({**dict.fromkeys(STUDIES), "study": len(rows), "date": date(2026, 6, 1),
                         "modality": "CT", "employer": who.ours.key, "system": system.asset,
                         "standard": "head", "patient": True, "phantom": "head", "age_y": 50.0,
                         "dlp_mgy_cm": float(dose)})  # fmt: skip
    columnar.store().write(range(len(rows)), {"studies": rows}, mark="")
    return systems


def made(who: Cast, **more: Any) -> Audit:
    given = {"by": who.colleague, "employer": who.ours, "measure": "dlp",
             "standard": StandardName.objects.get(), "since": date(2026, 1, 1),
             "until": date(2026, 12, 31)}  # fmt: skip
    return services.audit_make(**{**given, **more})


def written(who: Cast, item: Audit) -> Paper:
    due = factory.today() + timedelta(days=60)
    return services.audit_write(by=who.colleague, item=item, summary="Twelve rooms.",
                                owner="Head of imaging", due=due)  # fmt: skip


def issued(who: Cast, item: Audit) -> Paper:
    paper = written(who, item)
    for row in (LEVEL, RULE):
        verification_add(by=who.approver, row=row, document="Read", edition="1")
    for name, by in (("submit", who.colleague), ("check", who.checker), ("issue", who.approver)):
        ACTS[name](paper=paper, by=by).perform()
    return Paper.objects.get(pk=paper.pk)


def test_from_doses_to_a_level_in_force(who: Cast) -> None:
    systems = doses(who)
    item = made(who)
    assert len(item.result["rooms"]) == 12
    issued(who, item)
    actions = list(Action.objects.all())
    assert actions
    assert any(systems[-1].asset in a.text for a in actions)
    (level,) = services.levels_adopt(by=who.approver, item=item, valid_from=factory.today())
    assert level.value == pytest.approx(item.result["bands"][0]["level"]["value"])
    assert level.count == 12
    assert level.phantom == "head"
    assert level.issue == Issue.objects.get()
    assert verify().sound


def test_the_paper_says_how_it_stands_and_on_which_rows(who: Cast) -> None:
    doses(who)
    content = written(who, made(who)).drafts.get().content
    assert "lie above the national reference level" in content["statement"]
    assert {s["row"] for s in content["sources"]} == {LEVEL, RULE}
    assert content["rests_on_rows"] == [LEVEL, RULE]


def test_it_is_not_issued_on_a_recalled_rule_nobody_verified(who: Cast) -> None:
    doses(who)
    paper = written(who, made(who))
    for name, by in (("submit", who.colleague), ("check", who.checker)):
        ACTS[name](paper=paper, by=by).perform()
    with pytest.raises(InputError, match="verified"):
        ACTS["issue"](paper=paper, by=who.approver).perform()


def test_levels_are_adopted_only_from_an_issue_by_an_mpe_and_once(who: Cast) -> None:
    doses(who)
    item = made(who)
    with pytest.raises(InputError, match="issued audit"):
        services.levels_adopt(by=who.approver, item=item, valid_from=factory.today())
    issued(who, item)
    with pytest.raises(NotEntitled):
        services.levels_adopt(by=who.colleague, item=item, valid_from=factory.today())
    services.levels_adopt(by=who.approver, item=item, valid_from=factory.today())
    with pytest.raises(InputError, match="already"):
        services.levels_adopt(by=who.approver, item=item, valid_from=factory.today())


def test_a_later_audit_ends_the_earlier_level(who: Cast) -> None:
    doses(who)
    for _ in range(2):
        item = made(who)
        issued(who, item)
        services.levels_adopt(by=who.approver, item=item, valid_from=factory.today())
    assert LocalLevel.objects.filter(ended_on=None).count() == 1
    assert LocalLevel.objects.exclude(ended_on=None).get().end_reason
    assert verify().sound


def test_few_rooms_give_no_level(who: Cast) -> None:
    doses(who, rooms=4)
    item = made(who)
    issued(who, item)
    with pytest.raises(InputError, match="rooms enough"):
        services.levels_adopt(by=who.approver, item=item, valid_from=factory.today())


def test_a_technologist_makes_no_audit(who: Cast) -> None:
    doses(who, rooms=1)
    with pytest.raises(NotEntitled):
        made(who, by=who.technologist)


def test_pages(who: Cast) -> None:
    doses(who)
    browser = factory.client(who.colleague)
    assert "No audit yet" in browser.get("/doses/audits/").content.decode()
    body = {"employer": who.ours.pk, "standard": StandardName.objects.get().pk,
            "measure": "dlp", "since": "2026-01-01", "until": "2026-12-31", "smallest": "",
            "ages": ">=16 y"}  # fmt: skip
    answer = browser.post("/doses/audits/new/", body)
    assert answer.status_code == 302, answer.content.decode()[:2000]
    page = browser.get(answer.url).content.decode()
    assert "75th percentile of medians" in page
    assert "above" in page
    due = (factory.today() + timedelta(days=30)).isoformat()
    browser.post(f"{answer.url}write/", {"summary": "As seen.", "owner": "Lead", "due": due})
    assert Paper.objects.get().state == "draft"
    assert browser.get("/doses/audits/?format=csv").status_code == 200
    assert browser.get("/doses/audits/levels/").status_code == 200
    bad = browser.post("/doses/audits/new/", {**body, "ages": "0-<9 y, 5-<20 y"})
    assert bad.status_code == 422
    assert "overlap" in bad.content.decode()
    assert factory.client(who.nurse).get("/doses/audits/").status_code == 404
