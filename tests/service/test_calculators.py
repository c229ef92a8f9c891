"""Calculators: every public calculation has a page; what is typed never breaks one."""

from __future__ import annotations

import pytest

from kerma.service.protection.calculators.calculator import worked
from kerma.service.protection.calculators.kinds import calculators
from tests.service import cast as play
from tests.service import factory
from tests.service.cast import Cast

pytestmark = pytest.mark.django_db

ALL = list(calculators().values())
IDS = list(calculators())


@pytest.fixture
def who() -> Cast:
    return play.cast()


@pytest.mark.parametrize("item", ALL, ids=IDS)
def test_pages(who: Cast, item) -> None:
    client = factory.client(who.colleague)
    assert client.get("/protection/calculators/").status_code == 200
    url = f"/protection/calculators/{item.key}/"
    assert client.get(url).status_code == 200
    page = client.get(url, item.example)
    assert page.status_code == 200
    assert worked(item, item.example).made.title in page.content.decode()
    assert client.get(url, item.example, headers={"HX-Request": "true"}).status_code == 200
    assert client.get(url + "method/").status_code == 200
    assert client.get(url + "keep/", item.example).status_code == 200
    from urllib.parse import urlencode
    r = client.post(url + "keep/?" + urlencode(item.example), {"title": "My own"})
    assert r.status_code == 302, r.content.decode()
    assert client.get(r.url).status_code == 200
    assert client.get(r.url + "?again=1").status_code == 200
    assert "same bits" in client.get(r.url + "?again=1").content.decode()
    assert client.get("/protection/calculators/saved/").status_code == 200
    assert client.get("/protection/calculators/saved/?format=csv").status_code == 200
    pk = r.url.rstrip("/").split("/")[-1]
    w = f"/protection/calculators/saved/write/?c={pk}"
    assert client.get(w).status_code == 200
    r = client.post(w, {"employer": who.ours.pk, "title": "T", "question": "Q?", "conclusion": "A."})
    assert r.status_code == 302, r.content.decode()
    assert client.get(r.url).status_code == 200
    assert client.get(r.url + "draft.pdf").status_code in (200, 404)
