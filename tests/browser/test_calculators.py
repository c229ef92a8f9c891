"""Calculators in a real browser: type, see the result as it is typed, keep it, write it up."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from kerma.service.protection.calculators.kinds import find
from kerma.service.protection.models import SavedCalculation
from kerma.service.records.models import Paper
from tests.browser.harness import assert_accessible, assert_fits
from tests.service import cast as play
from tests.service.cast import Cast

pytestmark = pytest.mark.django_db(transaction=True)
SignIn = Callable[[BrowserContext, Any], None]
ROOM = "/protection/calculators/"


@pytest.fixture
def who(transactional_db: Any) -> Cast:
    return play.cast()


def address(key: str) -> str:
    return f"{ROOM}{key}/?{urlencode(find(key).example)}"


def test_type_see_the_result_keep_it_and_write_it_up(
    page: Page, context: BrowserContext, sign_in: SignIn, who: Cast
) -> None:
    sign_in(context, who.colleague.user)
    page.goto("/people/")
    page.get_by_role("navigation", name="Rooms").get_by_role("link", name="Calculators").click()
    page.get_by_label("What do you want to know?").fill("effective DLP")
    page.get_by_role("button", name="Filter").click()
    assert_accessible(page)
    assert_fits(page)
    page.get_by_role("link", name="Effective dose from DLP").click()
    expect(page.locator("#result")).to_contain_text("Nothing to work out yet")
    page.wait_for_load_state()
    page.get_by_label("Coefficients").select_option("AAPM96_EUR16262")
    expect(page.locator("#result")).to_contain_text("Still needed: Region")
    page.get_by_label("Region").select_option("chest")
    page.get_by_label("Age of the set", exact=True).select_option("adult")
    page.get_by_label("CTDI phantom").select_option("body")
    page.get_by_label("Dose-length product DLP").fill("400")
    expect(page.locator(".calc-value")).to_have_text("5.6 mSv")
    page.get_by_label("Standard uncertainty of Dose-length product").fill("5 %")
    expect(page.locator(".calc-value")).to_contain_text("5.60 ± 0.56 mSv")
    page.keyboard.press("Shift+Tab")
    expect(page.get_by_label("Unit of Dose-length product")).to_be_focused()
    assert "dlp=400" in page.url
    assert "dlp-u=5" in page.url
    assert_accessible(page)
    assert_fits(page)
    page.get_by_role("link", name="Keep it").click()
    page.get_by_label("Title").fill("Chest CT, protocol 4")
    page.get_by_role("button", name="Keep").click()
    expect(page.locator("#messages")).to_contain_text("is kept")
    assert_accessible(page)
    page.get_by_role("link", name="Make it again").click()
    expect(page.locator("#again")).to_contain_text("the same bits")
    page.get_by_role("link", name="Saved", exact=True).click()
    assert_accessible(page)
    assert_fits(page)
    page.get_by_label("Take “Chest CT, protocol 4”").check()
    page.get_by_role("button", name="Write up").click()
    page.get_by_label("Employer").select_option(label="Ours")
    page.get_by_label("The question asked").fill("How large is the dose of protocol 4?")
    page.get_by_label("The answer").fill("About 6 mSv for a reference person.")
    assert_accessible(page)
    page.get_by_role("button", name="Draft the paper").click()
    expect(page.locator("main")).to_contain_text("E = k DLP")
    assert Paper.objects.get().work == "calculation"
    assert SavedCalculation.objects.get().inputs["dlp"] == "400"


def test_a_refusal_stands_beside_the_form_and_what_was_typed_stays(
    page: Page, context: BrowserContext, sign_in: SignIn, who: Cast
) -> None:
    sign_in(context, who.colleague.user)
    page.goto(address("breast-mgd-dance"))
    page.get_by_label("Compressed thickness t").fill("530")
    expect(page.locator("#result")).to_contain_text("tabulated for thicknesses")
    expect(page.get_by_label("Compressed thickness t")).to_have_value("530")
    page.get_by_label("Compressed thickness t").fill("53 cm")
    expect(page.locator("#e-thickness")).to_contain_text("Choose one")
    page.get_by_label("Compressed thickness t").fill("5,3")
    expect(page.locator("#e-thickness")).to_contain_text("comma")
    assert_accessible(page)
    page.get_by_label("Compressed thickness t").fill("53")
    expect(page.locator("#e-thickness")).to_have_text("")
    expect(page.locator(".calc-value")).to_contain_text("mGy")


@pytest.mark.parametrize(
    "key", ["shielding-bir-ct-wall", "shielding-isodose-point", "ctdi-weighted"]
)
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_on_a_telephone_and_in_the_dark(
    new_context: Callable[..., BrowserContext], sign_in: SignIn, who: Cast, key: str, scheme: str
) -> None:
    size = {"width": 390, "height": 844}
    context = new_context(viewport=size, color_scheme=scheme)
    sign_in(context, who.colleague.user)
    page = context.new_page()
    page.goto(address(key))
    expect(page.locator(".calc-value")).to_be_visible()
    assert_accessible(page)
    assert_fits(page)
    page.goto(ROOM)
    assert_accessible(page)
    assert_fits(page)


def test_without_script_the_form_still_works(
    new_context: Callable[..., BrowserContext], sign_in: SignIn, who: Cast
) -> None:
    context = new_context(java_script_enabled=False)
    sign_in(context, who.colleague.user)
    page = context.new_page()
    page.goto(ROOM + "ctdi-dlp/")
    page.get_by_label("CTDI phantom").select_option("body")
    page.get_by_label("CTDIvol C").fill("8.2")
    page.get_by_label("Irradiated length L").fill("42")
    page.get_by_role("button", name="Work it out").click()
    expect(page.locator(".calc-value")).to_have_text("344.4 mGy cm")
    assert re.search("length=42", page.url)
