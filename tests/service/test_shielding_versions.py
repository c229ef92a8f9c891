"""Versions of a design: what they hold, who waits, what is no longer what was kept."""

from __future__ import annotations

import json

import pytest
from django.db import connection

from kerma.core import IntegrityError, KermaError
from kerma.service.protection.models import DesignVersion
from kerma.service.protection.shielding import drawing, working
from kerma.service.protection.shielding.forms import WriteForm
from kerma.service.protection.shielding.services import drawing_save, version_keep
from kerma.service.records.models import Paper
from kerma.service.records.papers.acts import ACTS
from tests.service import cast as play
from tests.service import factory
from tests.service.cast import Cast
from tests.service.test_shielding import drawn, kept, with_plan, written

pytestmark = pytest.mark.django_db


@pytest.fixture
def who() -> Cast:
    return play.cast()


@pytest.mark.django_db(transaction=True)
def test_nobody_waits_while_a_plan_is_worked_out(monkeypatch: pytest.MonkeyPatch) -> None:
    who = play.cast()
    design = drawn(who)
    open_then = []
    worked = working.worked

    def watched(sheet: drawing.Sheet) -> working.Worked:
        open_then.append(connection.in_atomic_block)
        return worked(sheet)

    monkeypatch.setattr(working, "worked", watched)
    version_keep(by=who.colleague, design=design, note="As ordered")
    assert open_then == [False]


def test_a_version_is_of_the_drawing_that_was_worked_out(
    who: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    design = drawn(who)
    worked = working.worked

    def meanwhile(sheet: drawing.Sheet) -> working.Worked:
        drawing_save(by=who.checker, design=design, document=with_plan(slabs=[]), revision=1)
        return worked(sheet)

    monkeypatch.setattr(working, "worked", meanwhile)
    with pytest.raises(IntegrityError) as refused:
        version_keep(by=who.colleague, design=design, note="As ordered")
    assert refused.value.code == "drawing-changed"
    assert who.checker.name in refused.value.message
    assert not DesignVersion.objects.exists()


def test_a_version_changed_behind_the_service_is_not_reported(who: Cast) -> None:
    version = kept(who)
    document = json.loads(json.dumps(version.document))
    document["plan"]["barriers"][0]["layers"][0]["mm"] = 900
    DesignVersion.objects.filter(pk=version.pk).update(document=document)
    changed = DesignVersion.objects.get(pk=version.pk)
    with pytest.raises(IntegrityError) as refused:
        written(who, changed)
    assert refused.value.code == "version-changed"
    page = factory.client(who.colleague).get(f"/protection/shielding/versions/{version.pk}/")
    assert page.status_code == 409
    assert not Paper.objects.exists()


@pytest.mark.parametrize("text", ["\u00b2", "9" * 5000, "-1", "1.5", ""])
def test_what_is_no_whole_number_is_refused_or_left_out(who: Cast, text: str) -> None:
    design = drawn(who)
    browser = factory.client(who.colleague)
    for url in (f"/protection/shielding/{design.pk}/products/keep/",):
        assert browser.post(url, {"revision": text}).status_code < 500
    answer = browser.get("/api/v1/doses/studies/", {"after": text})
    assert answer.status_code < 500


def test_what_cannot_be_printed_is_refused_before_anybody_signs(who: Cast) -> None:
    paper = written(who, kept(who), summary="Line the wall \U0001f9f1 with lead.")
    with pytest.raises(KermaError, match="typeset"):
        ACTS["submit"](paper=paper, by=who.colleague).perform()
    assert Paper.objects.get(pk=paper.pk).state == "draft"
    paper = written(who, paper_version(paper), summary="Line the wall – 1·5 mm ≥ goal.")
    ACTS["submit"](paper=paper, by=who.colleague).perform()
    assert Paper.objects.get(pk=paper.pk).state == "in_review"


def paper_version(paper: Paper) -> DesignVersion:
    return DesignVersion.objects.get(pk=paper.subject.split(":")[1])


def test_nothing_is_asked_for_by_a_day_that_is_over() -> None:
    words = {"summary": "Line it.", "owner": "Estates"}
    assert WriteForm({**words, "due": factory.days(0)}).is_valid()
    past = WriteForm({**words, "due": factory.days(-1)})
    assert not past.is_valid()
    assert "This day is over." in past.errors["due"]
