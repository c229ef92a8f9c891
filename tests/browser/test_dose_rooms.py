"""Patient dose in a real browser: explore and drill, set a local level, take up an alert."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date
from typing import Any

import numpy as np
import pytest
from playwright.sync_api import BrowserContext, Page, expect

from kerma.service.doses.alerts.services import rule_set, study_look_at
from kerma.service.doses.models import Alert, LocalLevel, StandardName, Study
from tests.browser.harness import assert_accessible, assert_fits
from tests.service import cast as play
from tests.service import factory
from tests.service.cast import Cast
from tests.service.test_doses_audits import LEVEL, doses, issued, made

pytestmark = pytest.mark.django_db(transaction=True)
SignIn = Callable[[BrowserContext, Any], None]
OVER = "DLP above 1000 mGy cm"


@pytest.fixture
def who(transactional_db: Any) -> Cast:
    return play.cast()


def scan(who: Cast, dlp: float) -> Study:
    number = Study.objects.count()
    return Study.objects.create(
        study_uid=f"1.2.3.{number}", modality="CT", date=date(2026, 6, 1 + number % 28), record=b"",
        description="CT head", dlp_mgy_cm=dlp, system=who.system, changed_at=None,
    )  # fmt: skip


def test_explore_and_drill_to_the_studies(
    page: Page, context: BrowserContext, sign_in: SignIn, who: Cast
) -> None:
    StandardName.objects.create(key="head", title="Head", modality="CT", levels=[LEVEL])
    rooms = doses(who, rooms=3, count=40)
    sign_in(context, who.colleague.user)
    page.goto("/doses/")
    page.get_by_role("navigation", name="Rooms").get_by_role("link", name="Explorer").click()
    page.get_by_label("Group by").select_option("system")
    page.get_by_role("button", name="Filter").click()
    for room in rooms:
        expect(page.get_by_role("table").first).to_contain_text(room.asset)
    assert_accessible(page)
    assert_fits(page)
    page.get_by_role("table").first.get_by_role("link").first.click()
    assert any(f"system={room.asset}" in page.url for room in rooms)


def test_a_local_level_is_set_from_an_issued_audit(
    page: Page, context: BrowserContext, sign_in: SignIn, who: Cast
) -> None:
    StandardName.objects.create(key="head", title="Head", modality="CT", levels=[LEVEL])
    doses(who)
    item = made(who)
    issued(who, item)
    sign_in(context, who.approver.user)
    page.goto(f"/doses/audits/{item.pk}/")
    assert_accessible(page)
    page.get_by_label("from", exact=False).last.fill(factory.today().isoformat())
    page.get_by_role("button", name=re.compile("[Aa]dopt")).click()
    expect(page.locator("#messages")).to_contain_text("adopted")
    level = LocalLevel.objects.get()
    page.goto("/doses/audits/levels/")
    expect(page.get_by_role("table")).to_contain_text("Head")
    assert np.isclose(level.value, item.result["bands"][0]["level"]["value"])


def test_an_alert_is_seen_and_taken_up(
    page: Page, context: BrowserContext, sign_in: SignIn, who: Cast
) -> None:
    rule_set(by=who.approver, name=OVER, kind="study", quantity_key="dlp", threshold=1000.0,
             symbol="mGy.cm", source="The service's own")  # fmt: skip
    assert not study_look_at(scan(who, 999.0))
    assert study_look_at(scan(who, 1200.0))
    sign_in(context, who.colleague.user)
    page.goto("/")
    page.get_by_role("link", name=re.compile("dose alert")).click()
    page.get_by_role("link", name=OVER).click()
    page.get_by_label("It is now").select_option("acknowledged")
    page.get_by_label("What was done or found").fill("Two phases were needed; the report says so.")
    page.get_by_role("button", name="Record").click()
    expect(page.locator("main")).to_contain_text("Acknowledged")
    assert Alert.objects.get().state == "acknowledged"
    assert_accessible(page)
