"""The survey grid by keypad alone: saved on leaving, honest about what is not saved."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.harness import Guard

SAVE = "**/style/save/"


@pytest.fixture(autouse=True)
def demo(settings: Any) -> None:
    """The sample grid lives on the style page."""
    settings.DEMO = True


@pytest.fixture
def grid(page: Page) -> Page:
    """The sample grid, ready."""
    page.goto("/style/")
    expect(page.locator("[data-viewer][data-ready]")).to_be_attached()
    return page


def reading(page: Page, name: str) -> Locator:
    return page.locator(f"[data-grid-field][name={name}]")


def cell(page: Page, name: str) -> Locator:
    return page.locator(".cell", has=reading(page, name))


def test_a_value_is_saved_and_judged_on_leaving_its_field(grid: Page) -> None:
    reading(grid, "hvl").focus()
    grid.keyboard.type("2.1")
    grid.keyboard.press("Enter")
    expect(reading(grid, "timer")).to_be_focused()
    expect(grid.locator("#verdict-hvl")).to_contain_text("Suspension")
    expect(cell(grid, "hvl")).to_have_class("cell saved")
    expect(grid.locator("#progress")).to_have_text("4 of 5 tests")
    expect(grid.locator("#why-hvl")).to_contain_text("outside the suspension level")
    expect(grid.locator("[data-grid] [aria-live]")).to_contain_text(
        "Half-value layer, 81 kV: Suspension"
    )


def test_enter_and_arrows_walk_the_column(grid: Page) -> None:
    reading(grid, "kv_60").focus()
    grid.keyboard.press("Enter")
    expect(reading(grid, "kv_81")).to_be_focused()
    grid.keyboard.press("ArrowDown")
    expect(reading(grid, "output")).to_be_focused()
    grid.keyboard.press("ArrowUp")
    grid.keyboard.press("Shift+Enter")
    expect(reading(grid, "kv_60")).to_be_focused()


def test_escape_puts_the_saved_value_back(grid: Page) -> None:
    reading(grid, "kv_60").fill("99")
    grid.keyboard.press("Escape")
    expect(reading(grid, "kv_60")).to_have_value("60.9")


def test_text_that_is_no_number_is_refused_beside_its_field(grid: Page, guard: Guard) -> None:
    guard.allow("422")
    reading(grid, "hvl").fill("three")
    grid.keyboard.press("Enter")
    expect(cell(grid, "hvl")).to_contain_text("“three” is not a number")
    expect(reading(grid, "hvl")).to_have_value("three")
    expect(grid.locator("#verdict-hvl")).to_contain_text("Not done")


@pytest.mark.parametrize(("choice", "value"), [("Keep mine", "100.2"), ("Use theirs", "100.8")])
def test_a_conflict_shows_both_values(grid: Page, guard: Guard, choice: str, value: str) -> None:
    guard.allow("409")
    reading(grid, "timer").fill("100.2")
    grid.keyboard.press("Enter")
    expect(cell(grid, "timer")).to_contain_text("R. Teasel entered 100.8")
    grid.get_by_role("button", name=choice).click()
    expect(cell(grid, "timer")).to_have_class("cell saved")
    expect(reading(grid, "timer")).to_have_value(value)


@pytest.mark.parametrize("key", ["n", "*"])
def test_not_done_needs_a_reason(grid: Page, key: str) -> None:
    reading(grid, "hvl").focus()
    grid.keyboard.press(key)
    dialog = grid.get_by_role("dialog", name="Not done")
    grid.keyboard.press("Enter")
    expect(dialog).to_be_visible()
    with grid.expect_request(SAVE) as sent:
        grid.keyboard.type("No access to the room")
        grid.keyboard.press("Enter")
    assert "not_done=No+access" in (sent.value.post_data or "")
    expect(dialog).to_be_hidden()
    expect(reading(grid, "hvl")).to_have_attribute("placeholder", "not done")


def test_a_column_from_a_meter_fills_downwards(grid: Page) -> None:
    reading(grid, "kv_60").focus()
    grid.keyboard.press("F2")
    grid.get_by_role("textbox", name="Values").fill("60.1\n80.7\n50.9\n")
    grid.get_by_role("button", name="Fill in").click()
    for name, value in {"kv_60": "60.1", "kv_81": "80.7", "output": "50.9"}.items():
        expect(reading(grid, name)).to_have_value(value)
        expect(cell(grid, name)).to_have_class("cell saved")
    expect(grid.locator("#verdict-kv_81")).to_contain_text("Pass")


@pytest.mark.parametrize("text", ["60.1\nERR\n50.9", "1\n2\n3\n4\n5\n6"])
def test_a_column_that_does_not_fit_is_refused_whole(grid: Page, text: str) -> None:
    reading(grid, "kv_60").focus()
    grid.keyboard.press("F2")
    grid.get_by_role("textbox", name="Values").fill(text)
    expect(grid.get_by_role("button", name="Fill in")).to_be_disabled()
    grid.keyboard.press("Escape")
    expect(reading(grid, "kv_60")).to_have_value("60.9")


def test_a_value_survives_a_lost_connection_and_a_closed_page(grid: Page, guard: Guard) -> None:
    guard.allow("ERR_CONNECTION|Failed to load")
    grid.route(SAVE, lambda route: route.abort("connectionrefused"))
    reading(grid, "hvl").fill("3.3")
    grid.keyboard.press("Enter")
    expect(cell(grid, "hvl")).to_have_class("cell unsent")
    expect(cell(grid, "hvl")).to_contain_text("Kept here")
    # A hand-over must wait for it.
    grid.get_by_role("button", name="Measured: hand to draft").click()
    expect(grid.locator("[data-grid] > [aria-live]")).to_contain_text("Nothing was handed over")
    # The page is closed and opened again, now with a connection.
    grid.unroute(SAVE)
    grid.goto("/style/")
    expect(reading(grid, "hvl")).to_have_value("3.3")
    expect(cell(grid, "hvl")).to_have_class("cell saved")
    assert (
        grid.evaluate("Object.keys(localStorage).filter((k) => k.startsWith('kerma-unsaved'))")
        == []
    )


def test_being_signed_out_loses_nothing(grid: Page, guard: Guard) -> None:
    guard.allow("401")
    grid.route(SAVE, lambda route: route.fulfill(status=401, body="sign in"))
    reading(grid, "hvl").fill("3.3")
    grid.keyboard.press("Enter")
    expect(cell(grid, "hvl")).to_have_class("cell unsent")
    expect(cell(grid, "hvl")).to_contain_text("signed out")


def test_a_redirect_to_the_sign_in_page_is_not_taken_for_saved(grid: Page) -> None:
    """The sign-in page answers 200: only the redirect tells it from a save."""
    grid.evaluate("document.querySelector('[data-grid]').dataset.saveUrl")
    grid.locator("[data-grid-field][name=hvl]").evaluate(
        "(field) => { field.dataset.saveUrl = '/accounts/password/change/' }"
    )
    grid.route(
        "**/accounts/password/change/",
        lambda route: route.fulfill(status=302, headers={"Location": "/accounts/login/"}),
    )
    reading(grid, "hvl").fill("3.3")
    grid.keyboard.press("Enter")
    expect(cell(grid, "hvl")).to_have_class("cell unsent")
