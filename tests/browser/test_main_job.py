"""The main job in a real browser: technologist, scientist, MPE, hospital user."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import BrowserContext, Locator, Page, expect

from kerma.protocols import levels_of_test, load_protocol
from kerma.service.demo.load import PASSWORD, Loaded, load_department
from kerma.service.people.models import Person
from kerma.service.records.models import Action, Event, Issue
from kerma.service.records.services import verification_add
from kerma.service.testing.evaluation import names_used
from kerma.service.testing.models import Survey
from kerma.simulate.department import build_department
from kerma.simulate.history import History, PlannedSurvey, build_history
from tests.browser.harness import Guard, assert_accessible

pytestmark = pytest.mark.django_db(transaction=True)
TODAY = date.today()
PROTOCOL = "radiography-dr"
SYSTEM = "ag-dr2"  # of the Fenwick employer; the simulated tube voltage has drifted


@pytest.fixture
def world(transactional_db: Any) -> tuple[Loaded, History]:
    department = build_department(today=TODAY, seed=1)
    loaded = load_department(department)
    protocol = load_protocol(PROTOCOL)
    rows = {
        level.source.row
        for test in protocol.active("routine")
        for level in levels_of_test(protocol, test)
    }
    for row in sorted(rows):
        verification_add(by=loaded.persons["mlarkspur"], row=row, document="Read", edition="1")
    return loaded, build_history(department)


def sign_in(page: Page, name: str) -> None:
    page.goto("/accounts/login/")
    page.get_by_label("Username").fill(name)
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.keyboard.press("Enter")
    page.wait_for_url(lambda url: "login" not in url)


def press(page: Page, button: Locator) -> None:
    """Press a button that posts a form, and wait for the page it leads to."""
    with page.expect_navigation():
        button.click()


def typed_values(history: History) -> tuple[PlannedSurvey, dict[str, str]]:
    """Return a survey that finds the drifted tube voltage, and what would be typed in it."""
    planned = next(s for s in history.surveys if s.system == SYSTEM and "drifted" in s.fault)
    protocol = load_protocol(PROTOCOL)
    used = names_used(protocol, protocol.active("routine"))
    typed = history.readings_for(protocol, planned)
    return planned, {
        f"{name}.{i}": "y" if text == "1" and protocol.reading(name).functional else text
        for name, texts in typed.items()
        if name in used
        for i, text in enumerate(texts)
    }


def enter_readings(page: Page, values: dict[str, str]) -> None:
    """Type every field with the keyboard alone: Enter leads on."""
    fields = page.locator("[data-grid-field]")
    count = fields.count()
    fields.first.focus()
    for _ in range(count):
        name = page.evaluate("document.activeElement.name")
        page.keyboard.type(values[name].split(" ")[0])
        page.keyboard.press("Enter")
    expect(page.locator(".cell.saving, .cell.unsent, .cell.failed")).to_have_count(0, timeout=60000)


def attach_images(page: Page, history: History, planned: PlannedSurvey, folder: Path) -> None:
    protocol = load_protocol(PROTOCOL)
    for slot, truth in history.images_for(protocol, planned, folder).items():
        form = page.locator(f"form[action$='/images/{slot}/']")
        form.locator("input[type=file]").set_input_files([str(p) for p in truth.files])
        press(page, form.get_by_role("button", name="Attach and measure"))


def act(page: Page, label: str, verb: str) -> None:
    """Open a legal act's dialogue and confirm it."""
    page.locator("#acts").get_by_role("button", name=label, exact=True).click()
    press(page, page.locator("dialog[open]").get_by_role("button", name=verb, exact=True))


def technologist(page: Page, world: tuple[Loaded, History], tmp_path: Path) -> Survey:
    loaded, history = world
    sign_in(page, "rteasel")
    assert_accessible(page)
    system = loaded.systems[SYSTEM]
    page.goto(f"/testing/plan/?asset={system.asset}")
    page.get_by_label("Protocol").select_option(PROTOCOL)
    press(page, page.get_by_role("button", name="Plan the survey"))
    press(page, page.get_by_role("button", name="Start measuring"))
    for part, key in (("meter", "xm1"), ("survey", "surv"), ("tape", "tape"), ("light", "lux")):
        page.locator(f"#i-{part}").select_option(str(loaded.instruments[key].pk))
        press(page, page.locator(f"form:has(#i-{part})").get_by_role("button", name="Use"))
    assert_accessible(page)
    planned, values = typed_values(history)
    enter_readings(page, values)
    expect(page.locator("#verdict-kv_accuracy_80")).to_contain_text("Remedial")
    attach_images(page, history, planned, tmp_path)
    expect(page.locator("#images")).to_contain_text("mtf50")
    press(page, page.get_by_role("button", name="Measured: hand over"))
    survey = Survey.objects.get(system=system)
    assert survey.state == "measured", page.locator("#messages").inner_text()
    page.get_by_label("Suitable for clinical use with conditions").check()
    page.get_by_label("Summary").fill("The tube voltage reads high at every station.")
    press(page, page.get_by_role("button", name="Compose the draft"))
    assert_accessible(page)
    act(page, "Sign as performed and submit for checking", "Sign")
    return survey


def refused_self_check(page: Page, survey: Survey, guard: Guard) -> None:
    button = page.locator("#acts").get_by_role("button", name="Sign as checked")
    expect(button).to_be_disabled()
    expect(page.locator("#acts")).to_contain_text("someone other than the person who performed it")
    # A hostile page would not be stopped by a greyed button.
    guard.allow("403")
    status = page.evaluate(
        """async url => (await fetch(url, {method: "POST", headers: {"X-CSRFToken":
        JSON.parse(document.body.getAttribute("hx-headers"))["X-CSRFToken"]}})).status""",
        f"/testing/{survey.pk}/act/check/",
    )
    assert status == 403
    refusal = Event.objects.get(kind="refused")
    assert refusal.actor.key == "rteasel"
    assert refusal.data["rule"] == "routine_breach.check"


def test_the_whole_job(
    world: tuple[Loaded, History],
    new_context: Callable[..., BrowserContext],
    guard: Guard,
    tmp_path: Path,
) -> None:
    page = new_context().new_page()
    survey = technologist(page, world, tmp_path)
    refused_self_check(page, survey, guard)

    page = new_context().new_page()
    sign_in(page, "psorrel")
    expect(page.locator("main")).to_contain_text(survey.system.asset)
    page.goto(f"/testing/{survey.pk}/")
    assert_accessible(page)
    act(page, "Sign as checked", "Sign")

    page = new_context().new_page()
    sign_in(page, "waldous")
    page.goto(f"/testing/{survey.pk}/")
    act(page, "Approve and issue the report", "Sign and issue")
    issue = Issue.objects.get()
    expect(page.locator("main")).to_contain_text(issue.report.number)
    page.goto(f"/reports/issues/{issue.pk}/")
    assert_accessible(page)
    answer = page.request.get(f"/reports/issues/{issue.pk}/report.pdf")
    assert answer.ok
    assert answer.headers["content-type"] == "application/pdf"
    assert answer.body().startswith(b"%PDF")

    action = Action.objects.filter(issue=issue).first()
    page = new_context().new_page()
    own = Person.objects.get(role="hospital_user", key="ahurst")
    assert own.employer == action.employer
    sign_in(page, "ahurst")
    page.goto("/actions/")
    expect(page.locator("main")).to_contain_text(action.text[:40])
    assert_accessible(page)
    page.goto(f"/actions/{action.pk}/")
    assert_accessible(page)

    page = new_context().new_page()
    sign_in(page, "ktarn")  # of another employer
    guard.allow("404")
    for path in (f"actions/{action.pk}", f"reports/issues/{issue.pk}", f"testing/{survey.pk}"):
        assert page.goto(f"/{path}/").status == 404
    assert TODAY - timedelta(days=1) < survey.planned_for
