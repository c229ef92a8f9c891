"""The phantom viewer: what is on the canvas is what was sent, and regions answer to keys."""

from __future__ import annotations

import json
from typing import Any

import pytest
from playwright.sync_api import Page, expect


@pytest.fixture
def viewer(page: Page, settings: Any) -> Page:
    """The sample phantom, loaded."""
    settings.DEMO = True
    page.goto("/style/")
    expect(page.locator("[data-viewer][data-ready]")).to_be_attached()
    return page


def grey(page: Page, x: int, y: int) -> int:
    canvas = page.locator("[data-viewer] canvas")
    read = "(c, [x, y]) => c.getContext('2d').getImageData(x, y, 1, 1).data[0]"
    return int(canvas.evaluate(read, [x, y]))


def test_the_window_maps_values_to_greys(viewer: Page) -> None:
    """Air (−1000 HU) is black; with a window of 2000 centred on −1000 it is mid-grey."""
    assert grey(viewer, 2, 2) == 0
    viewer.get_by_role("spinbutton", name="Width").fill("2000")
    viewer.get_by_role("spinbutton", name="Width").press("Enter")
    viewer.get_by_role("spinbutton", name="Centre").fill("-1000")
    viewer.get_by_role("spinbutton", name="Centre").press("Enter")
    assert abs(grey(viewer, 2, 2) - 128) <= 3  # noise of 12 HU is 1.5 greys
    assert grey(viewer, 128, 128) > 240


def test_dragging_changes_the_window(viewer: Page) -> None:
    stage = viewer.locator("[data-part=stage]")
    stage.scroll_into_view_if_needed()
    box = stage.bounding_box()
    assert box
    before = float(viewer.get_by_role("spinbutton", name="Width").input_value())
    viewer.mouse.move(box["x"] + 40, box["y"] + 40)
    viewer.mouse.down()
    viewer.mouse.move(box["x"] + 140, box["y"] + 40)
    viewer.mouse.up()
    assert float(viewer.get_by_role("spinbutton", name="Width").input_value()) > before


def test_wheel_and_keys_change_the_slice(viewer: Page) -> None:
    place = viewer.locator("[data-part=place]")
    viewer.locator("[data-part=stage]").hover()
    viewer.mouse.wheel(0, 120)
    expect(place).to_have_text("Slice 2 · 2 of 3")
    viewer.locator("[data-part=stage]").focus()
    viewer.keyboard.press("ArrowDown")
    expect(place).to_have_text("Slice 3 · 3 of 3")


def test_region_and_list_point_at_each_other(viewer: Page) -> None:
    rows = viewer.locator("[data-part=list] tr")
    viewer.locator("[data-part=list]").get_by_role("button", name="Insert").nth(2).click()
    expect(viewer.locator("[data-part=place]")).to_have_text("Slice 3 · 3 of 3")
    expect(viewer.locator("svg g[aria-pressed=true]")).to_have_attribute("aria-label", "Insert")
    viewer.locator("svg g[aria-label=Centre]").focus()
    viewer.keyboard.press("Enter")
    expect(rows.nth(6)).to_have_attribute("aria-selected", "true")


def test_arrows_nudge_a_region_and_the_form_carries_it(viewer: Page) -> None:
    viewer.locator("svg g[aria-label=Centre]").focus()
    viewer.keyboard.press("ArrowRight")
    viewer.keyboard.press("Shift+ArrowDown")
    sent = json.loads(viewer.locator("input[name=regions]").input_value())
    assert [(r["name"], r["points"][0]) for r in sent] == [("Centre", [129, 138])]
    expect(viewer.get_by_role("spinbutton", name="Column")).to_have_value("129")
    viewer.get_by_role("button", name="Undo").click()
    expect(viewer.get_by_role("spinbutton", name="Row")).to_have_value("128")
    assert viewer.locator("input[name=regions]").input_value() == ""
