"""Every component on one page: readable in both themes, at both widths, and working by key."""

from __future__ import annotations

import re
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import NewContext
from tests.browser.harness import Guard, assert_accessible, assert_fits

WIDTHS = {"laptop": 1280, "phone": 320}


@pytest.fixture(autouse=True)
def demo(settings: Any) -> None:
    """The style page exists only in the demo service."""
    settings.DEMO = True


def opened(page: Page) -> Page:
    """Open the page and wait for its scripts to have drawn everything."""
    page.goto("/style/")
    expect(page.locator("[data-viewer][data-ready]")).to_be_attached()
    return page


@pytest.mark.parametrize("width", WIDTHS.values(), ids=WIDTHS)
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_component_is_accessible(new_context: NewContext, scheme: str, width: int) -> None:
    page = new_context(color_scheme=scheme, viewport={"width": width, "height": 900}).new_page()
    opened(page)
    assert_fits(page)
    assert_accessible(page)


@pytest.mark.parametrize("path", ["/accounts/login/", "/no-such-page/"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_doors_and_errors_are_accessible(
    new_context: NewContext, guard: Guard, scheme: str, path: str
) -> None:
    guard.allow("404")
    page = new_context(color_scheme=scheme, viewport={"width": 320, "height": 800}).new_page()
    page.goto(path)
    expect(page.locator("link[href$='kerma.css']")).to_be_attached()
    assert_fits(page)
    assert_accessible(page)


def test_the_check_finds_planted_faults(page: Page) -> None:
    """Negative control: were axe not running, every page would pass."""
    opened(page)
    page.evaluate("document.querySelector('main h1').style.color = '#e8e8e8'")
    page.evaluate("document.querySelector('main').append(new Image())")
    with pytest.raises(AssertionError, match=r"(?s)color-contrast.*image-alt|image-alt"):
        assert_accessible(page)


def test_the_guard_sees_a_request_that_leaves(page: Page, guard: Guard) -> None:
    opened(page)
    page.evaluate("fetch('https://elsewhere.invalid/x').catch(() => 0)")
    page.wait_for_timeout(200)
    with pytest.raises(AssertionError, match=r"left the host|logged errors"):
        guard.check()
    assert guard.errors, "the content security policy should have refused it too"
    guard.errors.clear()
    guard.strayed.clear()


def test_verdicts_speak_by_colour_shape_and_word(page: Page) -> None:
    opened(page)
    chips = page.locator("section", has=page.get_by_role("heading", name="Verdicts")).locator(
        ".chip"
    )
    words, shapes = chips.all_inner_texts(), [c.inner_html() for c in chips.all()[:7]]
    assert words[:7] == [
        "Pass", "Remedial", "Suspension", "Not done", "Not applicable", "Not enough data",
        "Not measurable",
    ]  # fmt: skip
    drawn = {re.search(r"<svg.*?</svg>", html, re.S)[0] for html in shapes}  # type: ignore[index]
    assert len(drawn) == 7, "two verdicts share a shape: a grey print could not tell them apart"


def test_keys_work_and_can_be_switched_off(page: Page) -> None:
    opened(page)
    page.locator("h1").click()
    page.keyboard.press("?")
    keys = page.get_by_role("dialog", name="Keys")
    expect(keys).to_contain_text("Patient dose")
    page.keyboard.press("Escape")
    expect(keys).to_be_hidden()
    page.get_by_role("button", name="Display").click()
    page.get_by_role("checkbox", name="Single-letter keys").uncheck()
    page.keyboard.press("Escape")
    page.locator("h1").click()
    page.keyboard.press("?")
    expect(keys).to_be_hidden()


def test_keys_do_nothing_while_typing(page: Page) -> None:
    opened(page)
    page.get_by_label("Name or serial").press_sequentially("g?/e")
    expect(page.get_by_label("Name or serial")).to_have_value("g?/e")
    expect(page.get_by_role("dialog", name="Keys")).to_be_hidden()


def test_a_chosen_theme_arrives_with_the_next_page(page: Page) -> None:
    opened(page)
    page.get_by_role("button", name="Display").click()
    page.get_by_label("Dark").check()
    page.get_by_label("Comfortable").check()
    page.goto("/style/")
    root = page.locator("html")
    expect(root).to_have_attribute("data-theme", "dark")
    expect(root).to_have_attribute("data-density", "comfortable")


def test_paper_shows_the_record_and_opens_the_drawers(page: Page) -> None:
    opened(page)
    page.emulate_media(media="print")
    expect(page.locator(".print-head")).to_contain_text("SAMPLE-0001")
    expect(page.locator(".print-head")).to_contain_text("version 3")
    expect(page.get_by_role("navigation", name="Main")).to_be_hidden()
    expect(page.locator("#why-kv_81 code").first).to_be_visible()


def test_a_chart_becomes_interactive_under_the_strict_policy(page: Page) -> None:
    opened(page)
    plot = page.locator("[data-chart]")
    plot.scroll_into_view_if_needed()
    expect(plot.locator("[data-plot] .vega-embed canvas")).to_be_visible(timeout=20000)


def test_a_chart_stays_drawn_when_the_bundle_is_missing(page: Page, guard: Guard) -> None:
    guard.allow("vega.js|404")
    page.route("**/vega.js", lambda route: route.fulfill(status=404, body=""))
    opened(page)
    plot = page.locator("[data-chart]")
    plot.scroll_into_view_if_needed()
    expect(plot).to_have_attribute("data-drawn", "still")
    expect(plot.locator("[data-plot] > svg")).to_be_visible()


def test_a_table_wider_than_its_place_scrolls_and_hides_nothing(new_context: NewContext) -> None:
    page = opened(new_context(viewport={"width": 900, "height": 800}).new_page())
    clipped = page.evaluate(
        """() => [...document.querySelectorAll('.scroll')].filter((region) =>
             region.firstElementChild.offsetWidth > region.clientWidth + 1
             && getComputedStyle(region).overflowX === 'visible').length"""
    )
    assert clipped == 0
    page.set_viewport_size({"width": 400, "height": 800})
    expect(page.get_by_role("region", name="What waits for a check")).to_have_attribute(
        "tabindex", "0"
    )
