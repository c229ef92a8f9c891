"""The page of protocols by size."""

from __future__ import annotations

import pytest

from kerma.doses.schema import EVENTS
from kerma.service.doses import columnar
from tests.service import factory
from tests.service.cast import cast

pytestmark = pytest.mark.django_db


def test_the_page_shows_a_scanner_by_size_and_exports_it() -> None:
    who = cast()
    scanner = factory.system(factory.room(factory.site(who.ours)), modality="ct")
    rows = [{**dict.fromkeys(EVENTS), "study": i, "event": 0, "date": factory.days(-3),
             "patient": True, "system": scanner.asset, "protocol": "Abdomen", "phantom": "body",
             "size_mm": 250.0 + 50 * i, "ctdivol_mgy": 5.0 + i} for i in range(3)]  # fmt: skip
    columnar.store().write(range(3), {"events": rows}, mark="")
    browser = factory.client(who.approver)
    assert "Choose a scanner" in browser.get("/doses/protocols/").content.decode()
    page = browser.get(f"/doses/protocols/?system={scanner.asset}").content.decode()
    assert "240 to 280" in page
    text = browser.get(f"/doses/protocols/?system={scanner.asset}&format=csv").content.decode()
    assert len(text.strip().splitlines()) == 4
    assert browser.get("/doses/protocols/?system=nothing").status_code == 422
    assert browser.get(f"/doses/protocols/?system={scanner.asset}&width=1").status_code == 422
