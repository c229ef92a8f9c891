"""A shielding design in a real browser: import a plan, set its scale, draw, read what is needed."""

from __future__ import annotations

import io
import re
from collections.abc import Callable
from typing import Any

import pytest
from PIL import Image, ImageDraw
from playwright.sync_api import BrowserContext, Locator, Page, expect

from kerma.service.protection.models import Design
from kerma.service.protection.shielding.services import drawing_save
from kerma.service.records.models import Issue, Paper
from kerma.service.records.services import verification_add
from tests.browser.harness import assert_accessible, assert_fits
from tests.service import cast as play
from tests.service.cast import Cast
from tests.service.test_shielding import SHEET, adviser, drawn, with_plan

pytestmark = pytest.mark.django_db(transaction=True)
SignIn = Callable[[BrowserContext, Any], None]


@pytest.fixture
def who(transactional_db: Any) -> Cast:
    return play.cast()


def plan_png() -> bytes:
    """A drawing of an architect's: one room of 6 m by 4 m at 100 pixels to the metre."""
    image = Image.new("L", (1000, 800), 255)
    draw = ImageDraw.Draw(image)
    draw.rectangle((200, 200, 800, 600), outline=0, width=4)
    draw.line((200, 650, 800, 650), fill=128, width=2)
    out = io.BytesIO()
    image.save(out, "PNG")
    return out.getvalue()


class Board:
    """The plan of the drawing page, clicked on in metres."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.stage = page.get_by_role("application")

    def at(self, x: float, y: float) -> dict[str, float]:
        box = self.stage.bounding_box()
        view = [float(v) for v in (self.stage.get_attribute("viewBox") or "").split()]
        assert box
        return {"x": (x - view[0]) / view[2] * box["width"],
                "y": (y - view[1]) / view[3] * box["height"]}  # fmt: skip

    def click(self, x: float, y: float) -> None:
        self.stage.click(position=self.at(x, y))

    def tool(self, name: str) -> None:
        self.page.get_by_role("toolbar").get_by_role("button", name=name, exact=True).click()

    def answer(self, value: str) -> None:
        """Answer what the page asks."""
        dialog = self.page.get_by_role("dialog")
        dialog.get_by_role("textbox").fill(value)
        dialog.get_by_role("button", name="Set", exact=True).click()

    def placed(self, height: str) -> None:
        """Say how high the new source stands; its form has then come in place of the one before."""
        self.answer(height)
        expect(self.panel().get_by_label("Name", exact=True)).to_have_value(re.compile("^Source"))

    def panel(self) -> Locator:
        return self.page.locator('[data-part="panel"]')

    def fill(self, label: str, value: str) -> None:
        box = self.panel().get_by_label(label, exact=True).last
        box.fill(value)
        box.blur()


@pytest.fixture
def board(page: Page, context: BrowserContext, sign_in: SignIn, who: Cast) -> Board:
    """The drawing of a finished room."""
    design = drawn(who)
    sign_in(context, who.colleague.user)
    page.goto(f"/protection/shielding/{design.pk}/draw/")
    expect(page.locator('[data-part="result"]')).to_contain_text("within")
    return Board(page)


def test_without_a_pointer(page: Page, board: Board) -> None:
    """Everything can be added, placed and taken away by keys and forms."""
    panel = board.panel()
    panel.get_by_role("button", name="Add a source in the middle").press("Enter")
    board.placed("1,2")
    board.fill("Name", "Mobile unit")
    board.fill("x", "2,5")
    board.fill("y", "1")
    findings = page.locator('[data-part="result"]')
    expect(findings).to_contain_text("Mobile unit")
    panel.get_by_label("Kind of use").select_option("kap")
    panel.get_by_role("button", name="Add the use").press("Enter")
    expect(findings).to_contain_text("direction of the beam is missing")
    board.stage.press("Escape")
    panel.get_by_role("button", name="Mobile unit").press("Enter")
    panel.get_by_role("button", name="Remove", exact=True).press("Enter")
    expect(findings).to_contain_text("within")
    board.stage.press("Control+z")
    expect(panel).to_contain_text("Mobile unit")


def test_what_is_wrong_is_said_and_the_drawing_kept(page: Page, board: Board) -> None:
    panel, findings = board.panel(), page.locator('[data-part="result"]')
    panel.get_by_role("button", name="Scanner").click()
    board.fill("Tube voltage", "many")
    expect(panel).to_contain_text("This is no number.")
    board.fill("Tube voltage", "300")
    expect(findings).to_contain_text("300 kV")
    panel.get_by_label("Region and CTDI phantom").select_option("")
    expect(findings).to_contain_text("region")
    board.fill("y", "0")
    expect(findings).to_contain_text("inside")
    expect(page.locator('[data-part="state"]')).to_have_text("Saved")
    held = Design.objects.get().drawing.document["plan"]["sources"][0]
    assert held["position"] == [3, 0]
    assert_accessible(page)


def test_a_number_is_never_taken_for_another(page: Page, board: Board) -> None:
    panel = board.panel()
    panel.get_by_role("button", name="Scanner").click()
    dlp = panel.get_by_label("Dose-length product per year", exact=True)
    expect(dlp).to_have_value("1000000")
    for text in ("4,500", "4,500,000"):
        board.fill("Dose-length product per year", text)
        expect(panel).to_contain_text("Is that comma a decimal mark?")
    board.fill("Dose-length product per year", "4500000")
    expect(dlp).to_have_value("4500000")
    panel.get_by_label("Kind of use").select_option("kap_bins")
    panel.get_by_role("button", name="Add the use").click()
    bins = panel.get_by_label("KAP per year by tube voltage", exact=True)
    for text, refusal in (
        ("70 100\n70 50", "Line 2: 70 kV stands in another line"),
        ("70 1,200", "Is that comma"), ("70 1 200", "Line 1: 2 numbers"),
    ):  # fmt: skip
        bins.fill(text)
        bins.blur()
        expect(panel).to_contain_text(refusal)
    bins.fill("70 250000\n90 0.00012")
    bins.blur()
    expect(bins).to_have_value("70 250000\n90 0.00012")


def test_no_thickness_is_rounded_down_and_no_name_leaves_its_place(
    page: Page, board: Board
) -> None:
    plan = board.stage.evaluate(
        """() => import("/static/protection/plan.js").then((m) => ({
            up: [1.3341, 9.99, 35.04, 123.44, 2000.01, 1.33].map(m.up),
            lines: m.inLines("Corridor of the day-case unit", 12, 2),
            long: m.inLines("Featherstonehaugh", 8, 3)}))"""
    )
    assert plan["up"] == ["1.34", "9.99", "35.1", "123.5", "2000.1", "1.33"]
    assert plan["lines"] == ["Corridor of", "the day-case…"]
    assert plan["long"] == ["Feather…"]


def test_a_stock_product_brings_its_least_thickness(page: Page, board: Board) -> None:
    panel = board.panel()
    panel.get_by_role("button", name="Wall", exact=True).click()
    panel.get_by_role("button", name="Add a layer").click()
    board.fill("Product", "Lead sheet Code 4")
    expect(panel.get_by_label("Least thickness").last).to_have_value("1.71")
    expect(panel.get_by_label("Material", exact=True).last).to_have_value("lead")
    board.fill("Product", "Something of my own")
    expect(panel.get_by_label("Least thickness").last).to_have_value("1.71")


def test_a_click_after_a_typed_word_is_not_lost(page: Page, board: Board) -> None:
    panel = board.panel()
    panel.get_by_role("button", name="Wall", exact=True).click()
    panel.get_by_label("Name", exact=True).fill("North wall")
    panel.get_by_role("button", name="Add a layer").click()
    expect(panel.get_by_label("Least thickness")).to_have_count(2)
    expect(panel.get_by_label("Name", exact=True)).to_have_value("North wall")
    panel.get_by_label("Least thickness").last.fill("13")
    panel.get_by_role("button", name="Done").click()
    expect(panel.get_by_role("button", name="North wall")).to_be_visible()


def test_the_focus_goes_on_to_the_next_field(page: Page, board: Board) -> None:
    panel = board.panel()
    panel.get_by_role("button", name="Scanner").click()
    panel.get_by_label("x", exact=True).fill("2.5")
    page.keyboard.press("Tab")
    expect(panel.get_by_label("y", exact=True)).to_be_focused()
    page.keyboard.type("1.5")
    page.keyboard.press("Tab")
    expect(panel.get_by_label("Height above floor")).to_be_focused()
    expect(panel.get_by_label("y", exact=True)).to_have_value("1.5")


def test_another_persons_drawing_is_not_overwritten(
    page: Page, board: Board, who: Cast, guard: Any
) -> None:
    guard.allow("409")
    design = Design.objects.get()
    drawing_save(by=who.checker, design=design, document=with_plan(slabs=[]), revision=1)
    board.panel().get_by_role("button", name="Office").click()
    board.fill("Name", "Archive")
    expect(page.locator('[data-part="state"]')).to_contain_text(who.checker.name)
    held = Design.objects.get().drawing
    assert (held.revision, held.document["plan"]["areas"]) == (2, settled_areas())


def settled_areas() -> list[dict[str, Any]]:
    areas: list[dict[str, Any]] = [dict(a) for a in SHEET["plan"]["areas"]]
    return [{**a, "occupancy_why": "", "designation": "uncontrolled", "goal": None} for a in areas]


def test_who_may_only_look_draws_nothing(
    page: Page, context: BrowserContext, sign_in: SignIn, who: Cast
) -> None:
    design = drawn(who)
    sign_in(context, who.manager.user)
    page.goto(f"/protection/shielding/{design.pk}/draw/")
    expect(page.locator('[data-part="state"]')).to_contain_text("not draw")
    expect(page.get_by_role("button", name="Wall", exact=True).first).to_be_disabled()
    assert_accessible(page)


def plan_laid_under(page: Page, board: Board) -> tuple[float, float]:
    """Import the architect's plan and set its scale; returns the room's upper left corner."""
    saved = page.locator('[data-part="state"]')
    expect(saved).to_have_text("Saved")
    page.locator('[data-part="file"]').set_input_files(
        {"name": "ground floor.png", "mimeType": "image/png", "buffer": plan_png()}
    )
    expect(page.locator('[data-part="said"]')).to_contain_text("two ends")
    # The lower line is the six metres of the room; without a scale a pixel is 0.02 m.
    board.click(200 * 0.02, 650 * 0.02)
    board.click(800 * 0.02, 650 * 0.02)
    page.get_by_label("How long is that").fill("6")
    page.get_by_role("button", name="Set", exact=True).click()
    expect(saved).to_have_text("Saved")
    laid = Design.objects.get().drawing.document["underlays"][0]
    assert laid["metres_per_pixel"] == pytest.approx(0.01, rel=0.02)
    return laid["x"] + 2.0, laid["y"] + 2.0


def walls_and_office(page: Page, board: Board, x0: float, y0: float) -> None:
    """Draw the walls round the room, the upper one last, and the office above it."""
    corners = [(x0, y0), (x0, y0 + 4), (x0 + 6, y0 + 4), (x0 + 6, y0), (x0, y0)]
    board.tool("Wall")
    for corner in corners[:2]:
        board.click(*corner)
    page.keyboard.press("Escape")
    board.panel().get_by_role("button", name="Add a layer").click()
    board.fill("Least thickness", "150")
    board.tool("Wall")
    for corner in corners[1:]:
        board.click(*corner)
    page.keyboard.press("Enter")
    board.tool("Area")
    for corner in [(x0, y0), (x0 + 6, y0), (x0 + 6, y0 - 2), (x0, y0 - 2)]:
        board.click(*corner)
    page.keyboard.press("Enter")
    board.fill("Name", "Office above")
    board.fill("Occupancy, T", "1")


def scanner_and_tube(board: Board, x0: float, y0: float) -> None:
    panel = board.panel()
    board.tool("Source")
    board.click(x0 + 3, y0 + 2)
    board.placed("1")
    board.fill("Name", "Scanner")
    panel.get_by_label("Kind of use").select_option("ct_dlp")
    panel.get_by_role("button", name="Add the use").click()
    panel.get_by_label("Region and CTDI phantom").select_option("body")
    board.fill("Dose-length product per year", "5000000")
    board.fill("Tube voltage", "120")
    board.tool("Source")
    board.click(x0 + 1, y0 + 1)
    board.placed("1")
    board.fill("Name", "Tube")
    panel.get_by_label("Kind of use").select_option("kap")
    panel.get_by_role("button", name="Add the use").click()
    board.fill("Kerma-area product per year", "500")
    board.fill("Tube voltage", "85")
    panel.get_by_label("Direction of the beam").select_option("0,0,-1")


def lead_added(page: Page, board: Board) -> None:
    """Read what is needed, look at the map, and add it to the wall."""
    findings = page.locator('[data-part="result"]')
    expect(findings).to_contain_text("Office above")
    expect(findings).to_contain_text("mm lead")
    page.get_by_label("Map of kerma").check()
    expect(page.locator(".plan .map image")).to_have_count(1)
    assert_accessible(page)
    assert_fits(page)
    findings.get_by_role("button", name="Add 0").click()
    expect(board.panel().get_by_label("Added by this design").last).to_be_checked()
    expect(board.panel().get_by_label("Material", exact=True).last).to_have_value("lead")
    expect(findings).to_contain_text("Nothing more is required")
    expect(findings).to_contain_text("no place is drawn behind: Wall")
    expect(page.locator('[data-part="state"]')).to_have_text("Saved")


def version_reported(page: Page) -> None:
    page.get_by_role("link", name="Findings and report").click()
    expect(page.get_by_role("main")).to_contain_text("all places within")
    expect(page.get_by_role("main")).to_contain_text("not judged: no place behind it")
    assert_accessible(page)
    page.get_by_label("Why this version is kept").fill("Scanner as ordered")
    page.get_by_role("button", name="Keep it").click()
    expect(page.get_by_role("main")).to_contain_text("same bits")
    assert_accessible(page)
    page.get_by_role("link", name="Write the report").click()
    page.get_by_label("Advice, in your words").fill("Line the wall to the office with lead.")
    page.get_by_label("Confirm what was built by").fill("2027-06-30")
    page.get_by_role("button", name="Draft the report").click()
    expect(page.get_by_role("main")).to_contain_text("is drafted")


def signed_and_issued(page: Page, context: BrowserContext, sign_in: SignIn, who: Cast) -> Issue:
    """Prepared, checked by another, issued by the employer's RPA."""
    paper = Paper.objects.get()
    rpa = adviser(who)
    for row in paper.drafts.first().content["rests_on_rows"]:
        verification_add(by=who.approver, row=row, document="Read", edition="1")
    for person, label in (
        (who.colleague, "Sign as prepared and submit for checking"),
        (who.checker, "Sign as checked"),
        (rpa, "Approve and issue"),
    ):
        sign_in(context, person.user)
        page.goto(f"/papers/{paper.pk}/")
        page.get_by_role("button", name=label, exact=True).first.click()
        page.get_by_role("dialog").get_by_role("button", name=label, exact=True).click()
        expect(page.get_by_role("dialog")).to_have_count(0)
    return Issue.objects.get()


def test_a_room_is_drawn_and_its_lead_is_read(
    page: Page, context: BrowserContext, sign_in: SignIn, who: Cast
) -> None:
    sign_in(context, who.colleague.user)
    page.goto("/protection/shielding/")
    expect(page.get_by_role("main")).to_contain_text("No design yet")
    page.get_by_role("link", name="New design").click()
    page.get_by_label("Title").fill("CT room 2, new scanner")
    page.get_by_label("Site").select_option(who.system.room.site.name)
    page.get_by_label("Method").select_option("uk")
    page.get_by_label("Height of its storey, m").fill("3")
    page.get_by_role("button", name="Open the drawing").click()
    board = Board(page)
    x0, y0 = plan_laid_under(page, board)
    walls_and_office(page, board, x0, y0)
    scanner_and_tube(board, x0, y0)
    lead_added(page, board)
    version_reported(page)
    issue = signed_and_issued(page, context, sign_in, who)
    pdf = page.request.get(f"/reports/issues/{issue.pk}/report.pdf").body()
    assert pdf.startswith(b"%PDF")
    assert_accessible(page)
