"""The skin dose map in a real browser: turned by keys and pointer, coloured by dose, accessible."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from kerma.service.doses.models import SkinDose
from kerma.service.doses.policy import policy
from kerma.service.doses.skin.mesh import mesh
from kerma.service.doses.skin.packing import unpacked
from kerma.service.doses.skin.services import skin_dose_work_out
from tests.browser.conftest import NewContext
from tests.browser.harness import assert_accessible, assert_fits
from tests.service import cast as play
from tests.service.cast import Cast
from tests.service.skin_world import LONG, commission, reports, room, taken

pytestmark = pytest.mark.django_db(transaction=True)
SignIn = Callable[[BrowserContext, Any], None]


@pytest.fixture
def few_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(policy()["skin"], "runs", 10)
    monkeypatch.setitem(policy()["skin"], "box_mm", [0, 0, 0])


@pytest.fixture
def who(transactional_db: Any, few_runs: None) -> Cast:
    return play.cast()


@pytest.fixture
def row(who: Cast) -> SkinDose:
    commission(who, room(who, reports()[LONG]))
    made = skin_dose_work_out(by=None, study=taken(reports()[LONG]))
    return SkinDose.objects.get(pk=made.pk)


@pytest.fixture
def shown(page: Page, context: BrowserContext, sign_in: SignIn, who: Cast, row: SkinDose) -> Page:
    sign_in(context, who.colleague.user)
    page.goto(f"/doses/skin/{row.pk}/")
    expect(page.locator("[data-skin][data-ready]")).to_be_visible()
    return page


def around(page: Page) -> tuple[int, int]:
    found = page.locator("[data-skin]")
    return int(found.get_attribute("data-around") or 0), int(
        found.get_attribute("data-height") or 0
    )


def colours(page: Page) -> dict[str, int]:
    """Return how many pixels of the canvas have each colour."""
    read = """c => {
      const { data } = c.getContext("2d").getImageData(0, 0, c.width, c.height);
      const found = {};
      for (let i = 0; i < data.length; i += 4) {
        if (data[i + 3] < 255) continue;
        const hex = [0, 1, 2].map((k) => data[i + k].toString(16).padStart(2, "0")).join("");
        found["#" + hex] = (found["#" + hex] ?? 0) + 1;
      }
      return found;
    }"""
    return dict(page.locator("[data-skin] canvas").evaluate(read))


def test_keys_turn_it_and_the_page_says_from_where(shown: Page) -> None:
    stage = shown.locator("[data-part=stage]")
    stage.focus()
    start = around(shown)
    shown.keyboard.press("ArrowRight")
    assert around(shown) == ((start[0] + 10) % 360, 0)
    for _ in range(2):
        shown.keyboard.press("ArrowLeft")
    shown.keyboard.press("ArrowUp")
    assert around(shown) == ((start[0] - 10) % 360, 10)
    expect(shown.locator("[data-part=said]")).to_contain_text("10° from the head")
    for _ in range(20):
        shown.keyboard.press("ArrowDown")
    assert around(shown)[1] == -90
    shown.keyboard.press("Home")
    assert around(shown) == (start[0] % 360, 0)


def test_letters_typed_elsewhere_do_not_turn_it(shown: Page) -> None:
    before = around(shown)
    shown.get_by_role("searchbox").focus()
    shown.keyboard.press("ArrowRight")
    shown.keyboard.type("pw0")
    assert around(shown) == before


def test_dragging_turns_it(shown: Page) -> None:
    stage = shown.locator("[data-part=stage]")
    stage.scroll_into_view_if_needed()
    box = stage.bounding_box()
    assert box
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    start = around(shown)
    shown.mouse.move(x, y)
    shown.mouse.down()
    shown.mouse.move(x + 100, y + 50)
    shown.mouse.up()
    assert around(shown) == ((start[0] + 40) % 360, 20)
    shown.mouse.move(x + 200, y)
    assert around(shown) == ((start[0] + 40) % 360, 20)


def test_the_far_side_shows_no_dose_and_says_so(shown: Page, row: SkinDose) -> None:
    dark = mesh(unpacked(row))["steps"][-1]["colour"]
    shown.get_by_role("button", name="Peak", exact=True).click()
    assert colours(shown).get(dark, 0) > 30
    shown.get_by_role("button", name="Front", exact=True).click()
    assert dark not in colours(shown)
    expect(shown.locator("[data-part=said]")).to_have_text(
        "Seen from the front. The peak is on the far side."
    )


def test_every_colour_is_one_of_the_scale(shown: Page, row: SkinDose) -> None:
    """Dose is not shaded: what is not a line or a ring has exactly a colour of the legend."""
    sent = mesh(unpacked(row))
    scale = {sent["undosed"], *(s["colour"] for s in sent["steps"])}
    found = colours(shown)
    inside = sum(n for colour, n in found.items() if colour in scale)
    assert inside / sum(found.values()) > 0.9
    assert {s["colour"] for s in sent["steps"]} - found.keys() == set()


def test_pointing_reads_the_dose(shown: Page) -> None:
    shown.get_by_role("button", name="Zoom in").click()  # the peak is in the middle from closer
    stage = shown.locator("[data-part=stage]")
    stage.scroll_into_view_if_needed()
    box = stage.bounding_box()
    assert box
    probe = shown.locator("[data-part=probe]")
    shown.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    expect(probe).to_contain_text("Gy,")
    expect(probe).to_contain_text("mm from the top")
    shown.mouse.move(box["x"] + 3, box["y"] + 3)
    expect(probe).to_have_text("")


def test_zoom_and_the_whole_patient(shown: Page, row: SkinDose) -> None:
    undosed = mesh(unpacked(row))["undosed"]
    stage = shown.locator("[data-part=stage]")
    stage.focus()
    before = colours(shown)
    shown.keyboard.press("w")
    assert colours(shown)[undosed] < before[undosed]
    shown.keyboard.press("0")
    assert colours(shown) == before


@pytest.mark.parametrize(("scheme", "width"), [("light", 1280), ("dark", 420)])
def test_it_is_accessible_and_fits(
    new_context: NewContext, sign_in: SignIn, who: Cast, row: SkinDose, scheme: str, width: int
) -> None:
    context = new_context(color_scheme=scheme, viewport={"width": width, "height": 800})
    sign_in(context, who.colleague.user)
    page = context.new_page()
    study = row.study_id
    for path in (f"/doses/skin/{row.pk}/", "/doses/skin/", f"/doses/{study}/",
                 f"/doses/skin/rooms/{row.study.system_id}/",
                 f"/doses/skin/rooms/{row.study.system_id}/commission/?from=siemens-axiom-artis",
                 f"/doses/skin/studies/{study}/by-hand/"):  # fmt: skip
        page.goto(path)
        if page.locator("[data-skin]").count():
            expect(page.locator("[data-skin][data-ready]")).to_be_visible()
        assert_accessible(page)
        assert_fits(page)


def test_on_paper_the_flat_map_stands_alone(shown: Page) -> None:
    shown.emulate_media(media="print")
    expect(shown.locator("[data-skin]")).to_be_hidden()
    expect(shown.locator(".flat svg")).to_be_visible()


def test_without_its_data_the_flat_map_remains(
    page: Page, context: BrowserContext, sign_in: SignIn, who: Cast, row: SkinDose, guard: Any
) -> None:
    guard.allow("map.json")
    context.route("**/map.json", lambda route: route.fulfill(status=500, body=""))
    sign_in(context, who.colleague.user)
    page.goto(f"/doses/skin/{row.pk}/")
    expect(page.get_by_role("alert")).to_contain_text("the flat map below holds the same doses")
    expect(page.locator(".flat svg")).to_be_visible()


def test_a_due_map_is_made_when_the_study_is_opened(
    page: Page, context: BrowserContext, sign_in: SignIn, who: Cast
) -> None:
    commission(who, room(who, reports()[LONG]))
    study = taken(reports()[LONG])
    sign_in(context, who.technologist.user)
    page.goto(f"/doses/{study.pk}/")
    expect(page.locator("#skin-panel .peak b")).to_be_visible(timeout=60_000)
    assert SkinDose.objects.get().by is None
    assert_accessible(page)
