"""Papers: two other people stand between an author and an issue, and nothing changes afterwards."""

from __future__ import annotations

from datetime import date

import pytest
from django.db import connection

from kerma.core import InputError, NotEntitled, Source
from kerma.reference import row
from kerma.reports.paper import Block, Proposal, Section
from kerma.service.people.models import Person
from kerma.service.records.integrity import verify
from kerma.service.records.models import Action, Event, Issue, Paper, PaperDraft
from kerma.service.records.papers import selectors
from kerma.service.records.papers.acts import ACTS
from kerma.service.records.papers.compose import Words, paper_open, paper_write
from kerma.service.records.services import verification_add
from tests.service import cast as play
from tests.service import factory
from tests.service.cast import Cast

pytestmark = pytest.mark.django_db

ROW = "qa-tests/radiography/kv_accuracy"


def source() -> Source:
    return row(ROW).source


def words(**more: object) -> Words:
    given: dict[str, object] = {
        "kind": "Local DRL audit",
        "title": "Chest radiography",
        "statement": "One room stands out.",
        "sections": (Section("Rooms", (Block(text="<b>Five</b> rooms."),)),),
        "proposals": (Proposal("Review the AEC.", "Imaging lead", date(2027, 1, 31), "High"),),
        "sources": (source(),),
    }
    return Words(**{**given, **more})  # type: ignore[arg-type]


@pytest.fixture
def who() -> Cast:
    return play.cast()


def opened(who: Cast, by: Person | None = None, **more: object) -> Paper:
    return paper_open(
        by=by or who.colleague, work="dose_audit", subject="audit:1", words=words(**more),
        employer=who.ours, modality="radiography",
    )  # fmt: skip


def act(name: str, paper: Paper, by: Person, **options: object) -> Paper:
    ACTS[name](paper=paper, by=by, **options).perform()
    return Paper.objects.get(pk=paper.pk)


def checked(who: Cast, **more: object) -> Paper:
    paper = act("submit", opened(who, **more), who.colleague)
    return act("check", paper, who.checker)


def issued(who: Cast, **more: object) -> Paper:
    verification_add(by=who.approver, row=ROW, document="Read", edition="1")
    return act("issue", checked(who, **more), who.approver)


def test_from_author_to_actions(who: Cast) -> None:
    paper = issued(who)
    issue = Issue.objects.get(report=paper.report)
    assert paper.state == "issued"
    assert issue.content["statement"] == "One room stands out."
    assert [a.text for a in Action.objects.filter(issue=issue)] == ["Review the AEC."]
    assert verify().sound


def test_an_author_can_neither_check_nor_approve(who: Cast) -> None:
    paper = act("submit", opened(who, by=who.approver), who.approver)
    for name in ("check", "issue"):
        with pytest.raises(NotEntitled, match="someone other than"):
            act(name, paper, who.approver)


def test_who_checked_cannot_approve(who: Cast) -> None:
    paper = act("check", act("submit", opened(who), who.colleague), who.approver)
    with pytest.raises(NotEntitled, match="someone other than"):
        act("issue", paper, who.approver)


def test_approval_needs_the_appointment_by_this_employer(who: Cast) -> None:
    paper = paper_open(by=who.colleague, work="dose_audit", subject="audit:2", words=words(),
                       employer=who.theirs, modality="radiography")  # fmt: skip
    paper = act("check", act("submit", paper, who.colleague), who.checker)
    with pytest.raises(NotEntitled, match="appointment"):
        act("issue", paper, who.approver)


def test_shielding_is_approved_by_an_rpa_and_nobody_else(who: Cast) -> None:
    paper = paper_open(by=who.colleague, work="shielding", subject="design:1", words=words(),
                       employer=who.ours)  # fmt: skip
    paper = act("check", act("submit", paper, who.colleague), who.checker)
    with pytest.raises(NotEntitled, match="RPA"):
        act("issue", paper, who.approver)


def test_a_technologist_does_not_write_an_audit(who: Cast) -> None:
    with pytest.raises(NotEntitled, match="role of"):
        opened(who, by=who.technologist)
    assert not Paper.objects.exists()


def test_an_unverified_row_blocks_the_issue(who: Cast) -> None:
    with pytest.raises(InputError, match="verified") as refusal:
        act("issue", checked(who), who.approver)
    assert refusal.value.code == "unverified-rows"
    assert not Issue.objects.filter(subject__startswith="paper:").exists()


def test_unchecked_is_not_issued(who: Cast) -> None:
    verification_add(by=who.approver, row=ROW, document="Read", edition="1")
    with pytest.raises(InputError, match="checked") as refusal:
        act("issue", act("submit", opened(who), who.colleague), who.approver)
    assert refusal.value.code == "not-checked"


def test_returned_and_rewritten_needs_every_signature_again(who: Cast) -> None:
    paper = act("return", checked(who), who.checker, comment="Give the intervals.")
    assert (paper.state, paper.return_comment) == ("draft", "Give the intervals.")
    paper_write(by=who.colleague, paper=paper, words=words(statement="Two rooms stand out."))
    paper = act("submit", paper, who.colleague)
    assert not paper.checked
    verification_add(by=who.approver, row=ROW, document="Read", edition="1")
    with pytest.raises(InputError, match="checked"):
        act("issue", paper, who.approver)


def test_a_signature_from_an_older_page_is_refused(who: Cast) -> None:
    paper = opened(who)
    old = paper.drafts.get().pk
    paper_write(by=who.colleague, paper=paper, words=words(statement="Other words."))
    with pytest.raises(InputError, match="changed since"):
        act("submit", paper, who.colleague, draft=old)


def test_a_paper_in_review_is_not_rewritten(who: Cast) -> None:
    paper = act("submit", opened(who), who.colleague)
    with pytest.raises(InputError, match="returned"):
        paper_write(by=who.colleague, paper=paper, words=words())


def test_amending_supersedes_with_a_reason(who: Cast) -> None:
    first = issued(who)
    arguments = {"by": who.colleague, "work": "dose_audit", "subject": "audit:1",
                 "words": words(statement="Corrected."), "employer": who.ours,
                 "modality": "radiography", "amends": first}  # fmt: skip
    with pytest.raises(InputError, match="why"):
        paper_open(**arguments)
    second = paper_open(**arguments, reason="A room was counted twice.")
    with pytest.raises(InputError, match="already"):
        paper_open(**arguments, reason="Again.")
    second = act("issue", act("check", act("submit", second, who.colleague), who.checker),
                 who.approver)  # fmt: skip
    assert [i.number for i in second.report.issues.order_by("number")] == [1, 2]
    assert Paper.objects.get(pk=first.pk).state == "superseded"
    assert Action.objects.filter(status="closed").count() == 1
    assert verify().sound


def test_a_changed_draft_is_found_and_not_signed(who: Cast) -> None:
    paper = opened(who)
    draft = PaperDraft.objects.get(paper=paper)
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE records_paperdraft SET content = %s WHERE id = %s", ['{"a": 1}', draft.pk]
        )
    assert any("paperdraft" in f.kind for f in verify().findings)
    with pytest.raises(Exception, match="not what was composed"):
        act("submit", paper, who.colleague)


def test_withdrawing_asks_for_a_reason_and_keeps_the_record(who: Cast) -> None:
    paper = opened(who)
    with pytest.raises(InputError, match="why"):
        act("withdraw", paper, who.colleague)
    assert act("withdraw", paper, who.colleague, comment="Not needed.").state == "withdrawn"
    assert Event.objects.filter(kind="paper.withdraw").exists()


def test_waiting_is_only_for_those_entitled(who: Cast) -> None:
    paper = act("submit", opened(who), who.colleague)
    assert list(selectors.waiting_for(who.checker)) == [(paper, "check")]
    assert list(selectors.waiting_for(who.colleague)) == []
    assert list(selectors.waiting_for(who.technologist)) == []


def test_the_pages_show_it_and_do_it(who: Cast) -> None:
    paper = opened(who)
    browser = factory.client(who.colleague)
    page = browser.get(f"/papers/{paper.pk}/").content.decode()
    assert "One room stands out." in page
    assert "&lt;b&gt;Five&lt;/b&gt; rooms" in page
    assert "not verified" in page
    assert browser.get(f"/papers/{paper.pk}/draft.pdf").content[:5] == b"%PDF-"
    answer = browser.post(f"/papers/{paper.pk}/submit/", {"draft": paper.drafts.get().pk})
    assert answer.status_code == 302
    assert Paper.objects.get(pk=paper.pk).state == "in_review"
    assert browser.get("/papers/?state=open").status_code == 200
    assert browser.post(f"/papers/{paper.pk}/check/", {}).status_code == 403
    assert factory.client(who.nurse).get(f"/papers/{paper.pk}/").status_code == 403


def test_an_issued_paper_is_read_like_any_report(who: Cast) -> None:
    issue = Issue.objects.get(report=issued(who).report)
    page = factory.client(who.nurse).get(f"/reports/issues/{issue.pk}/").content.decode()
    assert "One room stands out." in page


def test_the_paper_of_one_patient_is_closed_to_administrators(who: Cast) -> None:
    admin = factory.person("administrator")
    for work, status in (("skin_dose", 404), ("dose_audit", 200)):
        paper = paper_open(by=who.colleague, work=work, subject=f"{work}:1",
                           words=Words("Paper", "Of one"), employer=who.ours)  # fmt: skip
        assert factory.client(admin).get(f"/papers/{paper.pk}/").status_code == status
        assert factory.client(who.colleague).get(f"/papers/{paper.pk}/").status_code == 200
