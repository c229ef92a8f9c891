"""The register of rooms, the placard and measured barriers in a real browser."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.urls import reverse
from playwright.sync_api import BrowserContext, Page, expect

from kerma.physics.shielding.archer import Beam, curve
from kerma.service.protection.models import AsBuilt, DesignVersion, RoomEntry
from tests.browser.harness import Guard, assert_accessible, assert_fits
from tests.service import cast as play
from tests.service import shielding_world
from tests.service.cast import Cast

pytestmark = pytest.mark.django_db(transaction=True)
SignIn = Callable[[BrowserContext, Any], None]


@pytest.fixture
def who(transactional_db: Any) -> Cast:
    return play.cast()


@pytest.fixture
def version(who: Cast) -> DesignVersion:
    design = shielding_world.design(who, "CT suite")
    design.rooms.add(who.system.room)
    source = shielding_world.ct_source(who.system.asset)
    shielding_world.drawn(design, shielding_world.document(source))
    made = shielding_world.kept(design)
    shielding_world.issued(made)
    return made


def test_a_room_is_entered_listed_and_its_placard_is_one_sheet(
    page: Page, context: BrowserContext, sign_in: SignIn, who: Cast, version: DesignVersion
) -> None:
    sign_in(context, who.checker.user)
    page.goto("/people/")
    page.get_by_role("navigation", name="Rooms").get_by_role("link", name="Rooms").click()
    assert_accessible(page)
    assert_fits(page)
    page.get_by_role("link", name=who.system.room.name, exact=True).click()
    assert_accessible(page)
    page.get_by_role("link", name="New entry").click()
    page.get_by_label("Designation").select_option("controlled")
    page.get_by_label("While").fill("while the X-ray set is powered")
    page.get_by_label("Signs and lights").fill("Do not enter while the red light is on")
    page.get_by_label("Local rules").fill("https://rules.example/14")
    page.get_by_label("Radiation protection supervisor").fill("Ash Test")
    page.get_by_label("Reason").fill("By the risk assessment.")
    assert_accessible(page)
    page.get_by_role("button", name="Enter it").click()
    expect(page.get_by_role("main")).to_contain_text("By the risk assessment.")
    assert RoomEntry.objects.get().supervisor == "Ash Test"
    assert_accessible(page)
    assert_fits(page)
    page.get_by_role("link", name="Door placard").click()
    expect(page.get_by_role("region", name="Placard")).to_contain_text("Controlled area")
    assert_accessible(page)
    assert_fits(page)
    pdf = page.pdf(format="A4", print_background=True)
    assert pdf.count(b"/Type /Page\n") == 1


def test_a_barrier_is_measured(
    page: Page,
    context: BrowserContext,
    sign_in: SignIn,
    who: Cast,
    version: DesignVersion,
    guard: Guard,
) -> None:
    guard.allow("422")  # a reading without its uncertainty
    sign_in(context, who.checker.user)
    page.goto(reverse("design-version", args=[version.pk]))
    page.get_by_role("link", name="Measure what was built").click()
    assert_accessible(page)
    b = float(curve("lead", Beam("primary", kv=100.0)).transmission(2.0))
    page.get_by_label("Barrier", exact=True).select_option("w1")
    page.get_by_label("Tube voltage").fill("100")
    page.get_by_label("Reading without the barrier").fill("10000")
    page.get_by_label("Reading behind the barrier").fill(f"{30000 * b:.6g}")
    page.get_by_role("button", name="Compare and keep").click()
    expect(page.get_by_role("main")).to_contain_text("type the standard uncertainty")
    page.get_by_label("Uncertainty of the reading without").fill("100")
    page.get_by_label("Uncertainty of the reading behind").fill(f"{300 * b:.6g}")
    page.get_by_role("button", name="Compare and keep").click()
    expect(page.get_by_role("heading", name="Less shielding than designed")).to_be_visible()
    assert AsBuilt.objects.get().outcome == "less"
    assert_accessible(page)
    assert_fits(page)
    page.goto(reverse("rooms"))
    expect(page.get_by_role("main")).to_contain_text("look again")
    assert_accessible(page)
