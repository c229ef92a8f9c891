"""What every browser test stands on: the browser, the guards, and the accessibility check."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlparse

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import BrowserContext, ConsoleMessage, Page, Request, Route

FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]
RESULTS = Path(__file__).resolve().parents[2] / "test-results"
WCAG = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
_INSIDE = {"127.0.0.1", "localhost", "::1"}
_WITHOUT_HOST = {"data", "blob", "about"}


def chromium() -> str:
    """Return the path of Chromium, or skip loudly; with REQUIRE_BROWSER=1 fail instead."""
    wanted = os.environ.get("CHROMIUM", "chromium")
    found = shutil.which(wanted) or shutil.which("/usr/bin/chromium")
    if found:
        return found
    message = f"NO BROWSER: {wanted} is not installed; set CHROMIUM to its path"
    if os.environ.get("REQUIRE_BROWSER") == "1":
        pytest.fail(message)
    pytest.skip(message)


@dataclass
class Guard:
    """Notes what a page must never do: leave the host, or log an error.

    `allowed` holds patterns of console errors a test provokes on purpose, such as a refused save.
    """

    strayed: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    allowed: list[str] = field(default_factory=list)

    def watch(self, context: BrowserContext) -> None:
        """Stand at the door of every page of a context."""
        context.route("**/*", self._route)
        context.on("page", self._page)

    def allow(self, pattern: str) -> None:
        """Expect console errors that match `pattern`."""
        self.allowed.append(pattern)

    def check(self) -> None:
        """Fail when something was noted."""
        assert not self.strayed, f"requests left the host: {self.strayed}"
        left = [e for e in self.errors if not any(re.search(p, e) for p in self.allowed)]
        assert not left, "the page logged errors:\n" + "\n".join(left)

    def _route(self, route: Route, request: Request) -> None:
        url = urlparse(request.url)
        if url.scheme in _WITHOUT_HOST or url.hostname in _INSIDE:
            route.continue_()
        else:
            self.strayed.append(request.url)
            route.abort()

    def _page(self, page: Page) -> None:
        page.on("console", self._console)
        page.on("pageerror", lambda error: self.errors.append(f"uncaught: {error}"))

    def _console(self, message: ConsoleMessage) -> None:
        if message.type == "error":
            self.errors.append(f"{message.text} ({message.location.get('url', '')})")


def assert_accessible(page: Page, *, without: Iterable[str] = ()) -> None:
    """Run axe (WCAG 2.2 A and AA, and its good practice) on the page as it stands.

    `without` names rules left out, each with its reason in the calling test. A page that is still
    loading has not all its styles: its links would be found too small.
    """
    page.wait_for_load_state("load")
    options: dict[str, object] = {"runOnly": {"type": "tag", "values": WCAG}}
    options["rules"] = {rule: {"enabled": False} for rule in without}
    found = Axe().run(page, options=options).response["violations"]
    lines = [
        f"{v['id']} ({v['impact']}): {v['help']}\n"
        + "\n".join(
            f"    {' '.join(map(str, n['target']))}: {n['failureSummary'].splitlines()[-1].strip()}"
            for n in v["nodes"][:6]
        )
        for v in found
    ]
    assert not lines, f"{page.url} is not accessible:\n" + "\n".join(lines)


def assert_fits(page: Page) -> None:
    """The page itself never scrolls sideways; tables may, inside their own region."""
    page.wait_for_load_state("load")
    wide, shown = page.evaluate(
        "() => [document.documentElement.scrollWidth, document.documentElement.clientWidth]"
    )
    assert wide <= shown, f"{page.url} is {wide} px wide in a window of {shown} px"
