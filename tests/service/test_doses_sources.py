"""Sources, against a real Orthanc: everything once, going on where it ended, trouble on record."""

from __future__ import annotations

import os

import pytest

from kerma.core import InputError, NotEntitled
from kerma.service.doses import inbox as box
from kerma.service.doses.models import Fetch, Source, Study
from kerma.service.doses.sources import services
from tests import orthanc
from tests.service import cast as play
from tests.service import doses_world as world
from tests.service import factory
from tests.service.cast import Cast

pytestmark = [pytest.mark.django_db]
if os.environ.get("REQUIRE_ORTHANC") != "1":
    needs = pytest.mark.skipif(
        not orthanc.installed(), reason="*** NO ORTHANC: fetching did not run ***"
    )
else:
    needs = pytest.mark.filterwarnings("default")


@pytest.fixture
def who() -> Cast:
    return play.cast()


@pytest.fixture(autouse=True)
def own_inbox(tmp_path, monkeypatch: pytest.MonkeyPatch) -> None:
    mine = box.Inbox(tmp_path / "inbox")
    monkeypatch.setattr(box, "inbox", lambda: mine)
    monkeypatch.setattr(services, "inbox", lambda: mine)


@needs
def test_an_orthanc_is_followed(who: Cast) -> None:
    raws = [world.content(t) for t in world.simulated()[1][:6]]
    with orthanc.server() as running:
        source = services.source_add(by=who.checker, name="Hub", kind="orthanc", url=running.url)
        for raw in raws[:4]:
            running.add(raw)
        first = services.source_fetch(source=source)
        assert (first.found, first.trouble) == (4, "")
        assert Study.objects.count() >= 1
        assert services.source_fetch(source=source).found == 0
        running.add(raws[4])
        assert services.source_fetch(source=source, by=who.technologist).counts == {"stored": 1}
        assert list(box.inbox().waiting()) == []


@needs
def test_a_pacs_is_asked_again_for_the_day_that_was_not_over(who: Cast) -> None:
    with orthanc.server() as running:
        for truth in world.simulated()[1][:5]:
            running.add(world.content(truth))
        source = services.source_add(
            by=who.checker, name="PACS", kind="pacs", host="127.0.0.1", port=running.dicom,
            title="ORTHANC",
        )  # fmt: skip
        from datetime import date

        dry = services.source_fetch(source=source, since=date(2000, 1, 1), dry=True)
        assert dry.found > 0
        assert not Study.objects.exists()
        made = services.source_fetch(source=source, since=date(2000, 1, 1))
        assert made.trouble == ""
        assert Study.objects.exists()
        again = services.source_fetch(source=source)
        assert again.query["since"] == made.query["until"]


def test_a_source_that_is_gone_is_trouble_on_record(who: Cast) -> None:
    source = services.source_add(by=who.checker, name="Gone", kind="orthanc",
                                 url=f"http://127.0.0.1:{orthanc.free_port()}")  # fmt: skip
    made = services.source_fetch(source=source)
    assert "does not answer" in made.trouble
    assert Fetch.objects.get().ended_at


@pytest.mark.parametrize(
    ("settings", "code"),
    [
        ({"kind": "pacs", "host": "h"}, "blank"),
        ({"kind": "orthanc"}, "blank"),
        ({"kind": "ftp"}, "bad-kind"),
    ],
)
def test_a_source_that_is_none_is_refused(who: Cast, settings: dict[str, str], code: str) -> None:
    with pytest.raises(InputError) as refusal:
        services.source_add(by=who.checker, name="X", **settings)
    assert refusal.value.code == code


def test_a_password_is_never_stored(who: Cast) -> None:
    source = services.source_add(by=who.checker, name="P", kind="orthanc", url="http://x",
                                 password="secret")  # fmt: skip
    assert "secret" not in str(Source.objects.get(pk=source.pk).settings)


def test_who_may_and_the_page(who: Cast) -> None:
    with pytest.raises(NotEntitled):
        services.source_add(by=who.technologist, name="X", kind="orthanc", url="http://x")
    browser = factory.client(who.checker)
    assert "No source yet" in browser.get("/doses/sources/").content.decode()
    body = {"name": "Hub", "kind": "orthanc", "url": "http://127.0.0.1:9", "modalities": "SR, DX"}
    assert browser.post("/doses/sources/", body).status_code == 302
    assert Source.objects.get().settings["modalities"] == ["SR", "DX"]
    assert browser.post("/doses/sources/", body).status_code == 422
    page = browser.post(f"/doses/sources/{Source.objects.get().pk}/fetch/", follow=True)
    assert "does not answer" in page.content.decode()
    assert factory.client(who.nurse).get("/doses/sources/").status_code == 403
