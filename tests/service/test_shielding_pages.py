"""Pages of shielding designs: how many queries, exports, products, what names may not do."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from kerma import reference
from kerma.service.protection.models import Design
from kerma.service.protection.shielding import drawing, shown, stock
from tests.service import cast as play
from tests.service import factory
from tests.service.cast import Cast
from tests.service.test_shielding import SHEET, WALL, drawn, issue, kept, opened, with_plan, written

pytestmark = pytest.mark.django_db
# Queries of a page, however many rows there are.
LIST, PAGE, VERSION, DRAW = 15, 30, 18, 18


@pytest.fixture
def who() -> Cast:
    return play.cast()


def page(who: Any, url: str) -> tuple[Any, int]:
    client = factory.client(who)
    with CaptureQueriesContext(
        connection,
    ) as queries:
        answer = client.get(url)
    return answer, len(queries)


# Pages --------------------------------------------------------------------------------------------


def test_pages_take_the_same_queries_however_many_designs(who: Cast) -> None:
    version = kept(who)
    issue(who, written(who, version))
    base = "/protection/shielding/"
    one = [page(who.colleague, f"{base}{path}")[1]
           for path in ("", f"{version.design_id}/", f"versions/{version.pk}/",
                        f"{version.design_id}/draw/")]  # fmt: skip
    for _ in range(3):
        kept(who)
    many = [page(who.colleague, f"{base}{path}")[1]
            for path in ("", f"{version.design_id}/", f"versions/{version.pk}/",
                         f"{version.design_id}/draw/")]  # fmt: skip
    assert all(now <= then for now, then in zip(many, one, strict=True)), (one, many)
    assert all(n <= most for n, most in zip(one, (LIST, PAGE, VERSION, DRAW), strict=True)), one


def test_the_list_is_exported_and_filtered(who: Cast) -> None:
    drawn(who)
    opened(who, title="=HYPERLINK(evil)")
    client = factory.client(who.colleague)
    csv = client.get("/protection/shielding/?format=csv").content.decode("utf-8-sig")
    assert "CT room" in csv
    assert "'=HYPERLINK" in csv
    found = client.get("/protection/shielding/?q=nothing-like-it").content.decode()
    assert "CT room" not in found


def test_designs_are_found_by_the_search_of_staff_only(who: Cast) -> None:
    drawn(who)
    assert "CT room" in factory.client(who.colleague).get("/search/?q=CT+room").content.decode()
    assert "CT room" not in factory.client(who.nurse).get("/search/?q=zz").content.decode()
    text = factory.client(who.nurse).get("/search/?q=CT+room").content.decode()
    assert "/protection/shielding/" not in text


def test_markup_in_names_stays_text(who: Cast) -> None:
    evil = "<script>alert(1)</script>"
    design = drawn(who, with_plan(barriers=[{**WALL, "name": evil}], areas=[
        {**SHEET["plan"]["areas"][0], "name": evil}]))  # fmt: skip
    for path in ("", "draw/"):
        text = factory.client(who.colleague).get(f"/protection/shielding/{design.pk}/{path}")
        assert evil not in text.content.decode()
    assert all(evil not in svg for _, svg in shown.pictures(drawing.read(
        design.drawing.document), None))  # fmt: skip


def test_the_rows_it_rests_on_are_named(who: Cast) -> None:
    version = kept(who)
    rows = {s["row"] for s in version.assessment["sources"]}
    assert "bir/ct/body" in rows
    assert all(reference.row(r).sha256 for r in rows)


# What it is built of ------------------------------------------------------------------------------


def test_the_cheapest_set_is_put_into_the_drawing_and_holds(who: Cast) -> None:
    weak = with_plan(barriers=[{**WALL, "layers": [{"material": "concrete", "mm": 60}]}])
    design = drawn(who, weak)
    client = factory.client(who.colleague)
    base = f"/protection/shielding/{design.pk}/products/"
    chosen = {"use-lead-code-3": "on", "use-lead-code-4": "on", "price-lead-code-3": "80,5",
              "price-lead-code-4": "100", "revision": "1"}  # fmt: skip
    assert client.post(f"{base}keep/", chosen).status_code == 302
    text = client.get(base).content.decode()
    assert "Wall: Lead sheet Code 3" in text
    answer = client.post(f"{base}1/", {"revision": "2"}, follow=True)
    assert "all places within" in answer.content.decode()
    layers = Design.objects.get(pk=design.pk).drawing.document["plan"]["barriers"][0]["layers"]
    assert layers[-1]["product"] == "Lead sheet Code 3"
    assert layers[-1]["added"] is True


def test_products_without_a_price_are_left_out_beside_priced_ones(who: Cast) -> None:
    sheet = drawing.read({**SHEET, "prices": {"lead-code-4": 40.0}})
    assert "lead-code-4" in stock.offered(sheet)
    found = stock.cheapest(sheet)
    assert {p.product for one in found.sets for p in one.picks} <= {"lead-code-4"}
    assert stock.unpriced(sheet)
    assert not stock.unpriced(drawing.read(SHEET))


def test_prices_that_are_none_and_sets_that_are_gone_are_refused(who: Cast) -> None:
    design = drawn(who)
    client = factory.client(who.colleague)
    base = f"/protection/shielding/{design.pk}/products/"
    typed = {"price-lead-code-3": "cheap", "revision": "1"}
    answer = client.post(f"{base}keep/", typed, follow=True)
    assert "no number" in answer.content.decode()
    assert "look at the sets again" in client.post(
        f"{base}99/", {"revision": "1"}, follow=True).content.decode()  # fmt: skip
    stale = client.post(f"{base}keep/", {"revision": "0"})
    assert stale.status_code == 409
