"""Saved calculations: kept as made, made again to the bit, changed data shown with its effect."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlencode

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from kerma import reference
from kerma.core import InputError, IntegrityError, NotEntitled
from kerma.reference import Row
from kerma.service.protection.calculators.again import make_again, stored
from kerma.service.protection.calculators.calculator import work_out
from kerma.service.protection.calculators.kinds import calculators, find
from kerma.service.protection.calculators.papers import paper_write_up
from kerma.service.protection.calculators.services import calculation_save
from kerma.service.protection.models import CalculationPaper, SavedCalculation
from kerma.service.records.integrity import verify
from kerma.service.records.models import Event, Issue, Paper
from kerma.service.records.papers.acts import ACTS
from kerma.service.records.services import verification_add
from tests.service import cast as play
from tests.service import factory
from tests.service.cast import Cast

pytestmark = pytest.mark.django_db
ROOM = "/protection/calculators/"
SAVED = ROOM + "saved/"
KEY = "ct-effective-dose"
ROW = "ct-k-factors/AAPM96_EUR16262/icrp-60/chest/adult/any/any"


@pytest.fixture
def who() -> Cast:
    return play.cast()


def kept(who: Cast, key: str = KEY, **more: Any) -> SavedCalculation:
    given = {"by": who.colleague, "calculator": key, "given": find(key).example, "title": "Mine"}
    return calculation_save(**{**given, **more})


@contextmanager
def another_edition(name: str, **fields: Any) -> Iterator[Row]:
    """Give a reference row another content for a while, as a newer edition would."""
    held = reference.row(name)
    before = dict(held.fields)
    held.__dict__.pop("sha256", None)
    held.fields.update(fields)  # type: ignore[attr-defined]
    try:
        yield held
    finally:
        held.fields.update(before)  # type: ignore[attr-defined]
        held.__dict__.pop("sha256", None)


# Keeping -------------------------------------------------------------------------------------


def test_it_is_kept_with_what_was_typed_and_all_that_came_of_it(who: Cast) -> None:
    row = kept(who, given={**find(KEY).example, "dlp": " 400 ", "nonsense": "x"}, about="Why",
               system=who.system)  # fmt: skip
    row = SavedCalculation.objects.get(pk=row.pk)
    assert row.inputs["dlp"] == " 400 "
    assert "nonsense" not in row.inputs
    assert (row.unit, row.room) == ("mSv", who.system.room)
    assert row.value == pytest.approx(5.6)
    assert list(row.rests_on) == [ROW]
    assert stored(row).sha256 == row.result_sha256 == work_out(find(KEY), row.inputs).sha256
    event = Event.objects.get(kind="calculation.saved")
    assert event.actor == who.colleague
    assert verify().sound


@pytest.mark.parametrize("key", list(calculators()))
def test_every_kind_comes_out_of_the_database_with_the_same_bits(who: Cast, key: str) -> None:
    row = SavedCalculation.objects.get(pk=kept(who, key).pk)
    again = make_again(row)
    assert again.same, again.found.text()
    assert not again.moved


def test_numbers_too_large_for_a_database_to_keep_as_written_are_the_same_bits_too(
    who: Cast,
) -> None:
    """1e+22 comes back from PostgreSQL as a whole number; the hash is of what comes back."""
    given = {"dose": "1e-11", "dose-unit": "mSv", "population": "whole population", "kind": "total"}
    row = SavedCalculation.objects.get(pk=kept(who, "risk-nominal", given=given).pk)
    assert stored(row).others["one_in"].value > 1e14
    assert make_again(row).same
    large = {**find("shielding-bir-wall").example, "kap": "9e17", "kap-unit": "nGy.cm2"}
    assert make_again(kept(who, "shielding-bir-wall", given=large)).same
    assert verify().sound


def test_it_is_never_changed_nor_removed(who: Cast) -> None:
    row = kept(who)
    row.title = "Another"
    with pytest.raises(TypeError):
        row.save()
    with pytest.raises(TypeError):
        row.delete()


def test_who_may_keep_follows_from_the_rules(who: Cast) -> None:
    for person in (who.trainee, who.colleague, who.approver):
        kept(who, by=person)
    for person in (who.technologist, who.manager, who.administrator, who.nurse, who.assistant):
        with pytest.raises(NotEntitled):
            kept(who, by=person)
    url = f"{ROOM}ctdi-dlp/keep/?phantom=body&ctdivol=8&ctdivol-unit=mGy&length=42&length-unit=cm"
    assert factory.client(who.technologist).post(url, {"title": "x"}).status_code == 403
    assert Event.objects.filter(kind="refused", actor=who.technologist).exists()
    assert SavedCalculation.objects.count() == 3


@pytest.mark.parametrize(
    ("more", "code"),
    [
        ({"title": "  "}, "blank"), ({"title": "x" * 201}, "too-long"),
        ({"about": "x" * 1001}, "too-long"), ({"given": {}}, "no-choice"),
        ({"calculator": "nothing"}, "unknown-calculator"),
        ({"given": {**find(KEY).example, "dlp": "1 furlong"}}, "unknown-unit"),
    ],
)  # fmt: skip
def test_what_cannot_be_kept_is_refused(who: Cast, more: dict[str, Any], code: str) -> None:
    with pytest.raises(InputError) as refused:
        kept(who, **more)
    assert refused.value.code in (code, "missing")
    assert not SavedCalculation.objects.exists()


def test_a_system_and_another_room_are_refused(who: Cast) -> None:
    with pytest.raises(InputError, match="does not stand in"):
        kept(who, system=who.system, room=factory.room())
    page = factory.client(who.colleague).post(
        f"{ROOM}ctdi-dlp/keep/?phantom=body&ctdivol=8&ctdivol-unit=mGy&length=4&length-unit=cm",
        {"title": "x", "system": who.system.pk, "room": factory.room().pk},
    )
    assert page.status_code == 422
    assert "does not stand in" in page.content.decode()


def test_a_changed_record_is_not_shown_and_is_named(who: Cast) -> None:
    row = kept(who)
    browser = factory.client(who.colleague)
    for change in ({"record": {**row.record, "title": "Other"}}, {"result_sha256": "0" * 64}):
        SavedCalculation.objects.filter(pk=row.pk).update(**change)
        with pytest.raises(IntegrityError):
            stored(SavedCalculation.objects.get(pk=row.pk))
        assert browser.get(f"{SAVED}{row.pk}/").status_code == 409
        assert any("savedcalculation" in f.kind for f in verify().findings)
        SavedCalculation.objects.filter(pk=row.pk).update(
            record=row.record, result_sha256=row.result_sha256
        )
    assert verify().sound


# Made again ----------------------------------------------------------------------------------


def test_a_newer_edition_is_pointed_out_unasked_with_its_effect(who: Cast) -> None:
    row = kept(who)
    browser = factory.client(who.colleague)
    assert "Make it again" in browser.get(f"{SAVED}{row.pk}/").content.decode()
    assert "as then" in browser.get(SAVED).content.decode()
    with another_edition(ROW, k_mSv_per_mGy_cm="0.0145"):
        again = make_again(row)
        assert not again.same
        assert again.percent == "+3.57 %"
        assert again.found.rows_changed == (ROW,)
        page = browser.get(f"{SAVED}{row.pk}/").content.decode()
        assert "differs by +3.57 %" in page
        assert "5.60 ± 0.56 mSv" in page.replace("\xa0", " ")
        assert "1 row changed" in browser.get(SAVED).content.decode()
        assert "1 row changed" in browser.get(SAVED + "?format=csv").content.decode()
    assert make_again(row).same
    assert "same bits" in browser.get(f"{SAVED}{row.pk}/?again=1").content.decode()
    part = browser.get(f"{SAVED}{row.pk}/?again=1", headers={"HX-Request": "true"})
    assert "<html" not in part.content.decode()


def test_a_row_of_another_content_and_the_same_number_says_so(who: Cast) -> None:
    row = kept(who)
    with another_edition(ROW, notes="read again"):
        again = make_again(row)
        assert not again.same
        assert not again.moved
        page = factory.client(who.colleague).get(f"{SAVED}{row.pk}/").content.decode()
        assert "same to the last digit" in page


def test_what_is_refused_today_is_said(who: Cast) -> None:
    row = kept(who)
    with another_edition(ROW, region="knee"):
        again = make_again(row)
        assert "no coefficient for chest" in again.found.refused
        page = factory.client(who.colleague).get(f"{SAVED}{row.pk}/").content.decode()
        assert "could not be made again" in page


def test_another_version_of_the_program_makes_it_look(who: Cast, monkeypatch: Any) -> None:
    row = kept(who)
    monkeypatch.setattr("kerma.service.protection.calculators.again.__version__", "9.9")
    assert "same bits" in factory.client(who.colleague).get(f"{SAVED}{row.pk}/").content.decode()


def test_a_new_one_stands_in_its_place_with_a_reason(who: Cast) -> None:
    row = kept(who)
    with pytest.raises(InputError, match="Say why"):
        kept(who, replaces=row)
    browser = factory.client(who.colleague)
    url = f"{ROOM}{KEY}/keep/"
    query = {**find(KEY).example, "dlp": "420", "replaces": row.pk}
    assert browser.post(f"{url}?{urlencode(query)}", {"title": "New"}).status_code == 422
    made = browser.post(f"{url}?{urlencode(query)}", {"title": "New", "reason": "New DLP"})
    new = SavedCalculation.objects.get(replaces=row)
    assert made.url == f"{SAVED}{new.pk}/"
    assert "New DLP" in browser.get(f"{SAVED}{row.pk}/").content.decode()
    assert "New DLP" in browser.get(f"{SAVED}{new.pk}/").content.decode()
    for number in ("9" * 30, "99999", "x", "²", "٣", "1\r\nX: y"):
        answer = browser.get(url, {**query, "replaces": number})
        assert answer.status_code == 404, number
        for headers in ({}, {"HX-Request": "true"}):
            page = browser.get(f"{ROOM}{KEY}/", {**query, "replaces": number}, headers=headers)
            assert page.status_code == 200, number


# The list ------------------------------------------------------------------------------------


def test_the_list_is_empty_filtered_sorted_and_exported(who: Cast) -> None:
    browser = factory.client(who.colleague)
    assert "No calculation kept yet" in browser.get(SAVED).content.decode()
    kept(who, title="=Chest")
    kept(who, "ctdi-dlp", title="Length", by=who.trainee, system=who.system)
    for query, n in (({}, 2), ({"q": "chest"}, 1), ({"calculator": "ctdi-dlp"}, 1),
                     ({"mine": "1"}, 1), ({"q": who.system.asset}, 1), ({"sort": "title"}, 2),
                     ({"q": "zzz"}, 0), ({"calculator": "<x>", "page": "-4"}, 2)):  # fmt: skip
        rows = json.loads(browser.get(SAVED, {**query, "format": "json"}).content)
        assert len(rows) == n, query
    row = next(r for r in rows if r["title"] == "=Chest")
    assert (row["value"], row["u"]) == (pytest.approx(5.6), pytest.approx(0.28))
    assert row["unit"] == "mSv"
    assert "'=Chest" in browser.get(SAVED, {"format": "csv"}).content.decode()
    assert browser.get(SAVED, {"format": "xlsx"}).status_code == 200
    assert "No calculation fits" in browser.get(SAVED, {"q": "zzz"}).content.decode()
    record = json.loads(browser.get(f"{SAVED}{SavedCalculation.objects.first().pk}/record.json")
                        .content)  # fmt: skip
    assert record["calculation"]["value"]["unit"] == "mGy.cm"


def many(row: SavedCalculation, n: int) -> None:
    values = {f.attname: getattr(row, f.attname) for f in row._meta.concrete_fields}
    del values["id"]
    SavedCalculation.objects.bulk_create([SavedCalculation(**values) for _ in range(n)])


def queries(who: Cast, url: str) -> int:
    browser = factory.client(who.colleague)
    browser.get(url)
    with CaptureQueriesContext(
        connection,
    ) as seen:
        assert browser.get(url).status_code == 200
    return len(seen)


def test_ten_thousand_cost_as_many_queries_as_one(who: Cast) -> None:
    row = kept(who, system=who.system)
    few = {url: queries(who, url) for url in (SAVED, f"{SAVED}{row.pk}/", ROOM)}
    many(row, 10_000)
    assert {url: queries(who, url) for url in few} == few
    assert max(few.values()) <= 20
    page = factory.client(who.colleague).get(SAVED + "?page=9999").content.decode()
    assert "of 10001 calculations" in page


# Papers --------------------------------------------------------------------------------------


def words(**more: Any) -> dict[str, Any]:
    given = {"title": "Chest CT", "question": "How large is it?", "conclusion": "About 6 mSv."}
    return {**given, **more}


def verified(who: Cast, *rows: SavedCalculation) -> None:
    for row in rows:
        for name in row.rests_on:
            verification_add(by=who.approver, row=name, document="Read", edition="1")


def test_a_paper_is_checked_and_approved_by_others_and_holds_everything(who: Cast) -> None:
    rows = [kept(who, system=who.system), kept(who, "beam-inverse-square")]
    paper = paper_write_up(by=who.colleague, rows=rows, employer=who.ours, **words())
    content = paper.drafts.get().content
    text = json.dumps(content, ensure_ascii=False).replace("\xa0", " ")
    for said in ("5.60 ± 0.56 mSv", "E = k DLP", "How large is it?", "About 6 mSv.",
                 rows[1].title, rows[0].result_sha256[:16]):  # fmt: skip
        assert said in text, said
    assert set(content["rests_on_rows"]) == {*rows[0].rests_on, *rows[1].rests_on}
    ACTS["submit"](paper=paper, by=who.colleague).perform()
    with pytest.raises(NotEntitled):
        ACTS["check"](paper=paper, by=who.colleague).perform()
    ACTS["check"](paper=paper, by=who.checker).perform()
    with pytest.raises(InputError, match="no MPE or RPA has verified"):
        ACTS["issue"](paper=paper, by=who.approver).perform()
    verified(who, *rows)
    with pytest.raises(NotEntitled):
        ACTS["issue"](paper=paper, by=who.checker).perform()
    ACTS["issue"](paper=paper, by=who.approver).perform()
    assert Issue.objects.get().report == paper.report
    assert [link.calculation for link in CalculationPaper.objects.filter(paper=paper)] == rows
    assert verify().sound


def test_a_paper_on_a_row_that_changed_since_is_not_issued(who: Cast) -> None:
    row = kept(who)
    with another_edition(ROW, k_mSv_per_mGy_cm="0.0145"):
        verified(who, row)  # what is verified is the new content, not what the paper rests on
        paper = paper_write_up(by=who.colleague, rows=[row], employer=who.ours, **words())
        ACTS["submit"](paper=paper, by=who.colleague).perform()
        ACTS["check"](paper=paper, by=who.checker).perform()
        with pytest.raises(InputError, match="verified"):
            ACTS["issue"](paper=paper, by=who.approver).perform()


@pytest.mark.parametrize("blank", ["title", "question", "conclusion"])
def test_a_paper_without_question_or_answer_is_refused(who: Cast, blank: str) -> None:
    row = kept(who)
    with pytest.raises(InputError, match="Write the title"):
        paper_write_up(by=who.colleague, rows=[row], employer=who.ours, **words(**{blank: " "}))
    page = factory.client(who.colleague).post(
        f"{SAVED}write/?c={row.pk}", {"employer": who.ours.pk, **words(**{blank: " "})}
    )
    assert page.status_code == 422
    assert not Paper.objects.exists()


def test_what_is_about_one_employer_is_not_reported_to_another(who: Cast) -> None:
    row = kept(who, system=who.foreign)
    with pytest.raises(InputError, match="belongs to Theirs"):
        paper_write_up(by=who.colleague, rows=[row], employer=who.ours, **words())
    with pytest.raises(InputError, match="at least one"):
        paper_write_up(by=who.colleague, rows=[], employer=who.ours, **words())
    with pytest.raises(InputError, match="for which employer"):
        paper_write_up(by=who.colleague, rows=[row], **words())
    with pytest.raises(NotEntitled):
        paper_write_up(by=who.technologist, rows=[row], employer=who.theirs, **words())
    with pytest.raises(InputError, match="at most 20"):
        paper_write_up(by=who.colleague, rows=[row] * 21, employer=who.theirs, **words())


def test_a_draft_is_written_again_and_an_issue_amended_with_a_reason(who: Cast) -> None:
    row = kept(who)
    browser = factory.client(who.colleague)
    made = browser.post(f"{SAVED}write/?c={row.pk}&c=x&c=77", {"employer": who.ours.pk, **words()})
    paper = Paper.objects.get()
    assert made.url == f"/papers/{paper.pk}/"
    again = f"{SAVED}write/{paper.pk}/"
    page = browser.get(again).content.decode()
    assert "About 6 mSv." in page
    assert "How large is it?" in page
    browser.post(again, words(conclusion="About 5.6 mSv."))
    assert paper.drafts.first().content["statement"] == "About 5.6 mSv."
    verified(who, row)
    for name, by in (("submit", who.colleague), ("check", who.checker), ("issue", who.approver)):
        ACTS[name](paper=Paper.objects.get(pk=paper.pk), by=by).perform()
        if name == "submit":
            assert browser.get(again).status_code == 404
    assert "Amend" in browser.get(f"{SAVED}{row.pk}/").content.decode()
    assert browser.post(again, words()).status_code == 422
    browser.post(again, words(reason="A slip in the words", conclusion="5.6 mSv."))
    amended = Paper.objects.get(amends=paper)
    assert amended.amend_reason == "A slip in the words"
    assert amended.report == paper.report
    assert amended.calculations.get().calculation == row


def test_writing_up_nothing_says_so(who: Cast) -> None:
    browser = factory.client(who.colleague)
    for query in ("", "?c=99", "?c=abc", "?c=" + "9" * 40):
        answer = browser.get(SAVED + "write/" + query, follow=True)
        assert "Tick at least one" in answer.content.decode()


def test_a_risk_in_words_is_headed_by_its_words(who: Cast) -> None:
    query = urlencode(dict(find("risk-words").example))
    said = factory.client(who.colleague).get(f"/protection/calculators/risk-words/?{query}")
    assert re.search(r"<strong>1 in \d", said.content.decode())
