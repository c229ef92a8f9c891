"""Lists: what is filtered, sorted and exported is what is shown, with no rows and with many."""

from __future__ import annotations

import csv
import html
import io
import json
import re
import time
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from openpyxl import load_workbook

from kerma.service.estate import selectors as estate
from kerma.service.estate.due_days import add_months
from kerma.service.estate.models import System
from kerma.service.testing.selectors import due_list
from tests.service import factory

pytestmark = pytest.mark.django_db
HOSTILE = "<script>alert('x')</script>\"&=1+1"


@pytest.fixture
def browser() -> Client:
    return factory.client(factory.person("service_manager"))


def exported(browser: Client, url: str) -> list[dict[str, Any]]:
    joint = "&" if "?" in url else "?"
    answer = browser.get(f"{url}{joint}format=json")
    assert "attachment" in answer.headers["Content-Disposition"]
    return json.loads(answer.content)


def shown(browser: Client, url: str) -> str:
    return html.unescape(re.sub(r"<[^>]+>", " ", browser.get(url).content.decode()))


def assets(browser: Client, url: str) -> list[str]:
    return [row["asset"] for row in exported(browser, url)]


def test_filters_narrow_and_exports_follow(browser: Client) -> None:
    one = factory.system(name="Quiet room", modality="ct", status="suspended")
    two = factory.system(name="Loud room", serial="ZZ-77")
    factory.component(two, serial="T-UNIQUE")
    for query, expected in (
        ("q=quiet", [one.asset]),
        ("q=zz-77", [two.asset]),
        ("q=t-unique", [two.asset]),
        ("modality=ct", [one.asset]),
        ("status=suspended", [one.asset]),
        (f"site={two.room.site.key}", [two.asset]),
        ("q=nothing+like+it", []),
        ("q=room", [one.asset, two.asset]),
    ):
        url = f"/equipment/?{query}"
        assert assets(browser, url) == expected, query
        page = browser.get(url).content.decode()
        assert [a for a in (one.asset, two.asset) if f"/equipment/{a}/" in page] == expected


def test_the_three_exports_hold_the_same_rows_in_the_order_shown(browser: Client) -> None:
    for serial in ("B", "A", "C"):
        factory.system(serial=serial)
    url = "/equipment/?sort=-serial"
    rows = exported(browser, url)
    assert [r["serial"] for r in rows] == ["C", "B", "A"]
    text = browser.get(f"{url}&format=csv").content.decode("utf-8-sig")
    table = list(csv.reader(io.StringIO(text)))
    book = load_workbook(io.BytesIO(browser.get(f"{url}&format=xlsx").content))
    sheet = [list(r) for r in book.active.iter_rows(values_only=True)]
    assert table[0] == sheet[0]
    assert [r[6] for r in table[1:]] == [r[6] for r in sheet[1:]] == ["C", "B", "A"]
    assert [list(map(str, r.values())) for r in rows] == table[1:]
    page = shown(browser, url)
    positions = [page.index(r["asset"]) for r in rows]
    assert positions == sorted(positions)
    for row in rows:
        assert all(str(v) in page for v in (row["name"], row["model"], row["manufactured"]))


def test_what_is_missing_from_the_inventory_is_marked_and_found(browser: Client) -> None:
    gap = factory.system(serial="", manufactured=None)
    whole = factory.system()
    assert assets(browser, "/equipment/?gaps=on") == [gap.asset]
    assert shown(browser, "/equipment/").count("missing") == 2
    page = shown(browser, f"/equipment/{gap.asset}/")
    assert "serial number, year of manufacture" in page
    assert "Missing for IR(ME)R" not in shown(browser, f"/equipment/{whole.asset}/")


def test_a_spreadsheet_runs_nothing(browser: Client) -> None:
    factory.system(name="=HYPERLINK(1)", serial="@SUM(1)")
    text = browser.get("/equipment/?format=csv").content.decode("utf-8-sig")
    assert "'=HYPERLINK(1)" in text
    assert "'@SUM(1)" in text
    book = load_workbook(io.BytesIO(browser.get("/equipment/?format=xlsx").content))
    cell = next(c for row in book.active.iter_rows() for c in row if c.value == "=HYPERLINK(1)")
    assert cell.data_type == "s"


@pytest.mark.parametrize(
    "address", ["?page=9999", "?page=-1", "?page=x", "?sort=password", "?format=exe"]
)
def test_an_odd_address_is_answered_plainly(browser: Client, address: str) -> None:
    factory.system()
    for url in (
        "/equipment/",
        "/reports/",
        "/actions/",
        "/people/",
        "/instruments/",
        "/quality/log/",
    ):
        answer = browser.get(url + address)
        assert answer.status_code == 200, url
        assert answer.headers["Content-Type"].startswith("text/html")


def test_due_in_the_database_is_due_in_the_calendar() -> None:
    """The narrowing by SQL agrees with the day-by-day calculation of the testing room."""
    reader, on = factory.person(), factory.today()
    kinds = ("radiography", "mammography", "dental_intraoral")
    months = {"radiography": 12, "mammography": 6, "dental_intraoral": 36}
    for kind in kinds:
        for shift in (-40, -1, 0, 1, 29, 30, 31, 90):
            made = factory.system(modality=kind)
            day = add_months(on, -months[kind]) + timedelta(days=shift)
            factory.survey(made, performed_on=day)
        factory.system(modality=kind)
        factory.survey(factory.system(modality=kind, status="withdrawn"), ago=4000)
    expected = {d.system.pk: d.days(on) for d in due_list(reader, on, estate.SOON_DAYS)}
    rows = estate.systems(reader)

    def found(which: str) -> set[int]:
        return set(estate.due(rows, which, on).values_list("pk", flat=True))

    assert found("overdue") == {pk for pk, n in expected.items() if n is not None and n < 0}
    assert found("soon") == {pk for pk, n in expected.items() if n is not None and n >= 0}
    assert found("never") == {pk for pk, n in expected.items() if n is None}
    assert all(found(which) for which in ("overdue", "soon", "never"))


def test_a_count_on_today_is_the_number_of_rows_it_leads_to() -> None:
    w = factory.world()
    late = factory.system()
    factory.survey(late, ago=800)
    factory.action(late, due=factory.days(-3))
    page = factory.client(w.mpe).get("/").content.decode()
    cards = re.findall(r'<a class="card[^"]*" href="(/[^"]+)"><b>([\d\u2009]+)</b>', page)
    led = {url: int(n) for url, n in cards}
    assert led
    for url, count in led.items():
        if not url.startswith("/doses"):
            assert len(exported(factory.client(w.mpe), html.unescape(url))) == count, url
    assert led["/equipment/?due=overdue"] == 1
    assert led["/actions/?overdue=on"] == 1


def test_suspension_stays_open_until_the_action_is_closed() -> None:
    w = factory.world()
    bad = factory.survey(w.system, performer=w.technologist, ago=3)
    factory.result(bad, 93.0, "suspension", title="Tube voltage, 80 kV")
    issued = factory.issue(bad, w.mpe)
    browser = factory.client(w.mpe)
    action = factory.action(w.system, issue=issued, test_id="Tube voltage, 80 kV")
    assert assets(browser, "/equipment/?level=suspension") == [w.system.asset]
    action.status = "closed"
    action.save()
    assert assets(browser, "/equipment/?level=suspension") == []


def test_hostile_text_is_shown_as_text_everywhere(browser: Client) -> None:
    place = factory.site(factory.employer(HOSTILE), HOSTILE)
    bad = factory.system(
        factory.room(place, HOSTILE), name=HOSTILE, asset="A/1?x=<b>", model=HOSTILE
    )
    factory.component(bad, serial=HOSTILE)
    factory.event(bad, HOSTILE)
    who = factory.person(name=HOSTILE)
    factory.credential(who, number=HOSTILE, issuing_body=HOSTILE)
    factory.contact(place, who)
    meter = factory.instrument(model=HOSTILE, serial=HOSTILE)
    done = factory.survey(bad, performer=who)
    factory.result(done, title=HOSTILE)
    issued = factory.issue(done, who)
    action = factory.action(bad, text=HOSTILE, owner=HOSTILE, issue=issued)
    for url in (
        "/", "/equipment/", "/equipment/A/1%3Fx=%3Cb%3E/", "/people/", f"/people/person/{who.key}/",
        "/people/contacts/", "/instruments/", f"/instruments/{meter.key}/", "/reports/",
        f"/reports/issues/{issued.pk}/", "/actions/", f"/actions/{action.pk}/", "/quality/log/",
        "/equipment/?q=%3Cscript%3E", "/search/?q=%3Cscript%3E", f"/equipment/?sort={HOSTILE}",
    ):  # fmt: skip
        answer = browser.get(url)
        assert answer.status_code == 200, url
        page = answer.content.decode()
        assert "<script>alert" not in page, url
        assert "A/1?x=<b>" not in page, url


def budgets() -> dict[str, int]:
    found: dict[str, int] = json.loads(
        (Path(__file__).parent / "query_budgets.json").read_text("utf-8")
    )
    return found


def fill(w: factory.World, n: int) -> None:
    """Add `n` of everything that a page lists."""
    for _ in range(n):
        s = factory.system(w.system.room)
        factory.component(w.system, "detector", f"D-{n}")
        factory.event(w.system)
        done = factory.survey(w.system, performer=w.technologist, ago=10 + n)
        factory.result(done, 86.0, "suspension")
        factory.reading(done, w.technologist, w.meter)
        issued = factory.issue(done, w.mpe)
        factory.action(w.system, issue=issued, due=factory.days(-1))
        factory.survey(s, ago=900, performer=w.technologist)
        for checked in (False, True):
            waiting = factory.survey(s, "in_review", performer=w.technologist, checked=checked)
            factory.result(waiting)
            factory.draft(waiting, w.technologist)
        who = factory.person("technologist")
        factory.credential(who, "RCT", 10)
        factory.authorisation(w.mpe, "independent", "ct")
        factory.appointment(w.mpe, factory.employer())
        factory.contact(factory.site(w.ours), who, w.mpe)
        meter = factory.instrument()
        factory.certificate(meter, -300, 5)
        factory.certificate(w.meter, -90)


PAGES = [
    "/", "/equipment/", "/equipment/{system}/", "/reports/", "/reports/issues/{issue}/",
    "/actions/", "/actions/{action}/", "/people/", "/people/leads/", "/people/contacts/",
    "/people/person/{person}/", "/instruments/", "/instruments/{meter}/", "/reference/",
    "/reference/qa-tests/", "/quality/", "/quality/log/", "/search/?q=test",
    "/protection/calculators/", "/protection/calculators/saved/",
]  # fmt: skip


@pytest.mark.parametrize("place", PAGES)
def test_queries_stay_within_budget_however_many_rows(place: str) -> None:
    w = factory.world()
    url = place.format(
        system=w.system.asset, issue=w.issue.pk, action=w.action.pk, person=w.mpe.key,
        meter=w.meter.key,
    )  # fmt: skip
    browser = factory.client(w.mpe)

    def queries() -> int:
        with CaptureQueriesContext(connection) as captured:
            assert browser.get(url).status_code == 200
        return len(captured)

    fill(w, 1)
    queries()  # what is cached for the life of the process is cached now
    few = queries()
    fill(w, 6)
    many = queries()
    assert many <= few, f"{place}: {few} queries with few rows, {many} with many"
    assert many <= budgets()[place]


def test_every_page_works_with_nothing_in_the_service() -> None:
    browser = factory.client(factory.person("service_manager"))
    for page in PAGES:
        if "{" not in page:
            answer = browser.get(page)
            assert answer.status_code == 200, page
            assert "Traceback" not in answer.content.decode()
    nurse = factory.client(factory.hospital_user(factory.employer()))
    for page in ("/", "/equipment/", "/reports/", "/actions/", "/quality/"):
        assert nurse.get(page).status_code == 200


def test_ten_thousand_systems_are_listed_searched_and_exported(browser: Client) -> None:
    room = factory.room()
    System.objects.bulk_create(
        System(
            room=room, asset=f"M{n:05d}", name=f"Unit {n}", modality="mobile", manufacturer="H",
            model="M", serial=f"S{n}", manufactured=2020, installed=2021, status="in_use",
        )
        for n in range(10_000)
    )  # fmt: skip
    factory.survey(System.objects.get(asset="M00042"), ago=900)
    began = time.perf_counter()
    assert "1–50 of 10" in shown(browser, "/equipment/")
    assert "M09999" in shown(browser, "/equipment/?page=200")
    assert assets(browser, "/equipment/?q=S7777") == ["M07777"]
    assert assets(browser, "/equipment/?due=overdue") == ["M00042"]
    assert "M00042" in shown(browser, "/")
    listed = time.perf_counter() - began
    assert len(exported(browser, "/equipment/")) == 10_000
    # A generous ceiling for a slow, shared machine: a page that loads every row takes far longer.
    assert listed < 15
