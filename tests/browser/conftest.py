"""Browser tests: one Chromium for the session, one clean context a test, three guards."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

from tests.browser import harness

# Playwright's sync API runs an event loop in this thread, which Django takes for async code.
os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"

# A first page on a busy machine waits for imports; what must appear at all may take this long.
expect.set_options(timeout=15_000)

_failed = pytest.StashKey[bool]()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark everything in this folder ``browser``."""
    here = os.path.dirname(__file__)
    for item in items:
        if str(item.path).startswith(here):
            item.add_marker(pytest.mark.browser)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Any:
    """Remember that a test failed, for the screenshot."""
    report = yield
    if report.when == "call":
        item.stash[_failed] = report.failed
    return report


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Debian's Chromium, started once."""
    path = harness.chromium()
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=path, args=harness.FLAGS)
        yield chromium
        chromium.close()


@pytest.fixture
def guard() -> Iterator[harness.Guard]:
    """Fails the test if a page left the host or logged an error."""
    watching = harness.Guard()
    yield watching
    watching.check()


NewContext = Callable[..., BrowserContext]


@pytest.fixture
def new_context(browser: Browser, live_server: Any, guard: harness.Guard) -> Iterator[NewContext]:
    """Make contexts (a window size, a colour scheme, another person); all are guarded."""
    made: list[BrowserContext] = []

    def make(**options: Any) -> BrowserContext:
        options = {
            "base_url": live_server.url,
            "viewport": {"width": 1280, "height": 800},
            "locale": "en-GB",
            "timezone_id": "Europe/London",
            "reduced_motion": "reduce",
        } | options
        context = browser.new_context(**options)
        context.set_default_timeout(8000)
        guard.watch(context)
        made.append(context)
        return context

    yield make
    for context in made:
        context.close()


@pytest.fixture
def context(new_context: NewContext) -> BrowserContext:
    """A clean context of a laptop's size."""
    return new_context()


@pytest.fixture
def page(context: BrowserContext) -> Page:
    """A page in a clean context."""
    return context.new_page()


@pytest.fixture
def sign_in(live_server: Any) -> Callable[[BrowserContext, Any], None]:
    """Sign a user in by session cookie; the sign-in page has tests of its own."""
    from django.conf import settings
    from django.test import Client

    def act(context: BrowserContext, user: Any) -> None:
        client = Client()
        client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
        cookie = client.cookies[settings.SESSION_COOKIE_NAME]
        context.add_cookies([{"name": cookie.key, "value": cookie.value, "url": live_server.url}])

    return act


@pytest.fixture(autouse=True)
def screenshot_on_failure(
    request: pytest.FixtureRequest, new_context: NewContext
) -> Iterator[None]:
    """Keep a picture of every open page of a failed test in ``test-results/``."""
    opened: list[Page] = []

    yield
    if not request.node.stash.get(_failed, False):
        return
    for value in list(request.node.funcargs.values()):
        if isinstance(value, BrowserContext):
            opened.extend(value.pages)
        elif isinstance(value, Page):
            opened.append(value)
    harness.RESULTS.mkdir(exist_ok=True)
    name = re.sub(r"[^\w.-]+", "-", request.node.name)
    for i, shown in enumerate(dict.fromkeys(opened)):
        shown.screenshot(path=harness.RESULTS / f"{name}-{i}.png", full_page=True)
