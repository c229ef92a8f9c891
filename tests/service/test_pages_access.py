"""Who may open what: every page without a session, for staff, and for a hospital's people."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver

from kerma.service.records.models import Event
from tests.service import factory
from tests.service.factory import World

pytestmark = pytest.mark.django_db

# Open to everybody, and why.
OPEN = {
    "/healthz": "the monitor signs in nowhere",
    "/favicon.ico": "the browser asks before anybody signs in",
    "/vega.js": "a script without data",
    "/style/": "only answers in the demo service and while developing",
    "/style/save/": "as /style/",
    "/style/viewer.json": "as /style/",
    "/style/frame/1.raw": "as /style/",
    "/accounts/login/": "the door",
    "/accounts/logout/": "leads to the door",
}
# allauth's own pages for people who cannot sign in; signing up is closed by the adapter.
DOORS = re.compile(
    r"^/accounts/(signup|inactive|password/reset|confirm-email|login|2fa/(authenticate|webauthn/login))"
)
VALUES = {
    "int": "1", "str": "x", "slug": "x", "path": "x", "uuid": "0" * 32,
}  # fmt: skip


def addresses(resolver: URLResolver | None = None, prefix: str = "/") -> Iterator[str]:
    for entry in (resolver or get_resolver()).url_patterns:
        text = str(entry.pattern)
        if text.startswith("^"):
            # A choice of words takes its first; anything else of a pattern fits "1-x" or "1".
            text = re.sub(r"\(\?P<\w+>(\w+)\|[^)]*\)", r"\1", text.strip("^$\\Z"))
            text = re.sub(r"\(\?P<\w+>\\d\+\)", "1", text)
            text = re.sub(r"\(\?P<\w+>[^)]*\)", "1-x", text).replace("\\", "")
        text = re.sub(r"<(?:(\w+):)?\w+>", lambda m: VALUES.get(m[1] or "str", "1"), text)
        if isinstance(entry, URLResolver):
            yield from addresses(entry, prefix + text)
        elif isinstance(entry, URLPattern):
            yield prefix + text


def test_the_list_of_addresses_is_the_whole_project() -> None:
    found = set(addresses())
    assert {"/", "/equipment/", "/people/", "/testing/1/", "/reports/issues/1/report.pdf"} <= found
    assert len(found) > 60


def test_without_a_session_every_page_leads_to_the_door(client: Client) -> None:
    wrong = []
    for url in sorted(addresses()):
        if url in OPEN or DOORS.match(url):
            continue
        for method in (client.get, client.post):
            answer = method(url)
            if url.startswith("/api/"):  # machines are told so, not led to a form
                assert answer.status_code == 401, url
                continue
            if answer.status_code != 302 or not answer.url.startswith("/accounts/login/"):
                wrong.append((url, answer.status_code))
    assert wrong == []


def test_machines_are_answered_without_a_session(client: Client) -> None:
    answer = client.get("/healthz")
    assert (answer.status_code, answer.content) == (200, b"ok")
    assert client.get("/favicon.ico").url.endswith(".svg")


@pytest.fixture
def world() -> World:
    return factory.world()


def pages(w: World) -> dict[str, list[str]]:
    key, meter = w.nurse.key, w.meter.key
    return {
        "everybody": [
            "/", "/equipment/", f"/equipment/{w.system.asset}/", "/reports/",
            f"/reports/issues/{w.issue.pk}/", f"/reports/issues/{w.issue.pk}/report.pdf",
            f"/reports/issues/{w.issue.pk}/content.json", "/actions/", f"/actions/{w.action.pk}/",
            "/quality/", "/search/?q=DR",
        ],
        "staff": [
            "/people/", "/people/leads/", "/people/contacts/", f"/people/person/{key}/",
            "/instruments/", f"/instruments/{meter}/", "/reference/", "/reference/qa-tests/",
            "/reference/archer/", f"/reference/row/{factory.ROW}/", "/quality/log/",
            "/quality/verify/", "/protection/calculators/", "/protection/calculators/ctdi-dlp/",
            "/protection/calculators/ctdi-dlp/method/", "/protection/calculators/saved/",
        ],
        "planners": [
            f"/equipment/system/{w.system.pk}/event/",
            f"/equipment/system/{w.system.pk}/part/{w.system.components.get().pk}/",
            f"/instruments/{meter}/certificate/",
        ],
        "managers": [
            f"/people/person/{key}/credential/", f"/people/person/{key}/appointment/",
            f"/people/person/{key}/absence/", f"/people/contacts/{w.system.room.site.key}/",
        ],
    }  # fmt: skip


@pytest.mark.parametrize(
    ("who", "opened", "refused"),
    [
        ("mpe", {"everybody", "staff", "planners"}, {"managers"}),
        ("technologist", {"everybody", "staff", "planners"}, {"managers"}),
        ("manager", {"everybody", "staff", "planners", "managers"}, set()),
        ("administrator", {"everybody", "staff", "managers"}, {"planners"}),
        ("nurse", {"everybody"}, {"staff", "planners", "managers"}),
    ],
)
def test_each_role_opens_its_pages_and_no_others(
    world: World, who: str, opened: set[str], refused: set[str]
) -> None:
    browser = factory.client(getattr(world, who))
    groups = pages(world)
    statuses = {url: browser.get(url).status_code for g in opened for url in groups[g]}
    assert {u: s for u, s in statuses.items() if s != 200} == {}
    shut = {url: browser.get(url).status_code for g in refused for url in groups[g]}
    assert {u: s for u, s in shut.items() if s not in (403, 404)} == {}


def test_a_refusal_names_the_rule_and_is_written_to_the_log(world: World) -> None:
    answer = factory.client(world.nurse).get("/people/")
    assert answer.status_code == 403
    assert "page.staff" in answer.content.decode()
    assert Event.objects.filter(kind="refused", actor=world.nurse, subject="page:/people/").exists()


def test_a_hospital_sees_only_its_own(world: World) -> None:
    browser = factory.client(world.nurse)
    for url in (
        f"/equipment/{world.foreign.asset}/",
        f"/reports/issues/{world.foreign_issue.pk}/",
        f"/reports/issues/{world.foreign_issue.pk}/report.pdf",
        f"/reports/issues/{world.foreign_issue.pk}/content.json",
        f"/actions/{world.foreign_action.pk}/",
    ):
        assert browser.get(url).status_code == 404, url
    for url in ("/", "/equipment/", "/reports/", "/actions/", "/search/?q=DR"):
        page = browser.get(url).content.decode()
        assert world.foreign.asset not in page, url
    for url in ("/equipment/", "/reports/", "/actions/"):
        for form in ("csv", "json"):
            body = browser.get(f"{url}?format={form}").content.decode()
            assert world.foreign.asset not in body
            assert world.system.asset in body
    posted = browser.post(
        f"/actions/{world.foreign_action.pk}/", {"text": "Mine now", "status": "done"}
    )
    assert posted.status_code == 404
    assert browser.post(
        f"/equipment/system/{world.foreign.pk}/status/", {"status": "withdrawn", "reason": "x"}
    ).status_code == 404  # fmt: skip


def test_a_hospital_is_not_shown_rooms_it_may_not_enter(world: World) -> None:
    page = factory.client(world.nurse).get("/").content.decode()
    assert 'href="/people/"' not in page
    assert 'href="/testing/"' not in page
    assert 'href="/people/"' in factory.client(world.mpe).get("/").content.decode()


def test_a_hospital_sees_nothing_of_a_survey_before_its_report(world: World) -> None:
    hidden = factory.survey(world.system, "in_review", ago=2, performer=world.technologist)
    factory.result(hidden, 99.0, "suspension", title="Not yet issued")
    browser = factory.client(world.nurse)
    page = browser.get(f"/equipment/{world.system.asset}/").content.decode()
    assert "in review" not in page
    assert "suspension-level" not in browser.get("/").content.decode()
    assert "suspension-level" in factory.client(world.mpe).get("/").content.decode()


def test_a_sign_in_without_a_person_opens_nothing(db: None) -> None:
    from kerma.service.people.models import User

    browser = Client(raise_request_exception=False)
    browser.force_login(
        User.objects.create(username="nobody"),
        backend="django.contrib.auth.backends.ModelBackend",
    )
    for url in ("/", "/equipment/", "/people/", "/actions/"):
        assert browser.get(url).status_code == 403
