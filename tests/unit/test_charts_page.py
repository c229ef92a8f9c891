"""The page's chart under a strict content security policy, in a real browser."""

from __future__ import annotations

import json
import shutil
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from kerma import charts
from tests.unit.test_charts import mtf, trend

POLICY = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:"


def test_bundle_is_written_once_under_a_name_that_follows_its_content(tmp_path: Path) -> None:
    path = charts.write_javascript_bundle(tmp_path)
    assert path.name == charts.bundle_name()
    text = path.read_text("utf-8")
    assert text == charts.javascript_bundle()
    assert "kermaCharts" in text
    path.write_text("kept")
    assert charts.write_javascript_bundle(tmp_path).read_text() == "kept"


@pytest.fixture
def address() -> Iterator[str]:
    specs = [charts.spec(trend()), charts.spec(charts.curve([mtf("A"), mtf("B")]))]
    places = "".join(
        f'<div class="chart" data-chart="c{i}"></div>'
        f'<script type="application/json" id="c{i}">{json.dumps(s)}</script>'
        for i, s in enumerate(specs)
    )
    page = f'<!doctype html><title>t</title><link rel="stylesheet" href="/s.css">{places}'
    scripts = '<script src="/probe.js"></script><script src="/b.js" defer></script>'
    served = {
        "/": ("text/html", page + scripts),
        "/probe.js": (
            "text/javascript",
            "try { new Function('1')(); document.title = 'allowed' }"
            " catch { document.title = 'blocked' }",
        ),
        "/b.js": ("text/javascript", charts.javascript_bundle()),
        "/s.css": ("text/css", ".chart{width:600px}"),
    }

    class Handler(BaseHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            pass

        def do_GET(self) -> None:
            kind, body = served.get(self.path, ("text/plain", ""))
            self.send_response(200)
            self.send_header("Content-Type", f"{kind}; charset=utf-8")
            self.send_header("Content-Security-Policy", POLICY)
            self.end_headers()
            self.wfile.write(body.encode())

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/"
    server.shutdown()


@pytest.mark.browser
def test_charts_are_drawn_without_unsafe_eval_or_inline_styles(address: str) -> None:
    sync_api = pytest.importorskip("playwright.sync_api")
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    if chromium is None:
        pytest.skip("NO BROWSER: chromium is not installed")
    said: list[str] = []
    with sync_api.sync_playwright() as p:
        browser = p.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        page = browser.new_page()
        page.on("console", lambda m: said.append(m.text) if m.type == "error" else None)
        page.on("pageerror", lambda e: said.append(str(e)))
        page.goto(address)
        page.wait_for_selector("[data-chart=c1] canvas", timeout=15_000)
        inked = page.evaluate(
            """() => [...document.querySelectorAll("canvas")].map(c => c.getContext("2d")
                 .getImageData(0, 0, c.width, c.height).data.filter((v, i) => i % 4 == 3 && v > 0)
                 .length)"""
        )
        probe = page.title()
        alt = page.get_attribute("[data-chart=c0]", "aria-label")
        browser.close()
    assert probe == "blocked", "the policy must forbid evaluating text, or this test proves nothing"
    assert said == [] or all("favicon" in s for s in said)
    assert len(inked) == 2
    assert all(n > 2000 for n in inked)
    assert alt == trend().alt
