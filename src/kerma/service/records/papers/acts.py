"""The acts that move a paper on: submit, check, return, issue, withdraw."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from typing import Any, ClassVar

from django.db import transaction
from django.utils import timezone

from kerma.authority import Context, Decision, PersonFacts, allowed, require
from kerma.core import InputError, IntegrityError, NotEntitled, content_hash
from kerma.reports.paper import Paper as Content
from kerma.reports.paper import build
from kerma.service.people import selectors as people
from kerma.service.people.models import Person
from kerma.service.records import log
from kerma.service.records.models import Issue, Paper, PaperDraft
from kerma.service.records.selectors import signatures
from kerma.service.records.services import action_open, actions_replace, issue_add, signature_add
from kerma.service.records.signing import signing_of

_PRIORITY = {"Urgent": 1, "High": 2, "Routine": 3}


class PaperAct:
    """A change of a paper's state that somebody answers for.

    `label` stands on the button, `means` in the dialogue that confirms it.
    """

    name: ClassVar[str]
    label: ClassVar[str]
    means: ClassVar[str]
    states: ClassVar[tuple[str, ...]]
    right: ClassVar[str]
    asks: ClassVar[str] = ""  # what must be said with it, if anything

    def __init__(self, *, paper: Paper, by: Person, **options: Any) -> None:
        self.paper = paper
        self.by = by
        self.options = options

    def standing(self) -> tuple[PersonFacts, Context]:
        """Return what the rules need to know of the person and of the paper."""
        paper, employer = self.paper, self.paper.report.employer
        hands = {m: self._signers(m) for m in ("performed", "checked")}
        writers = {str(by) for by in paper.drafts.values_list("by", flat=True)}
        context = Context(
            work=paper.work,
            on=timezone.localdate(),
            modality=paper.modality,
            employer=employer.key,
            employer_name=employer.name,
            task=paper.work,
            performed=frozenset({str(paper.author_id), *writers, *hands["performed"]}),
            checked=frozenset(hands["checked"]),
        )
        return people.facts(self.by), context

    def _signers(self, meaning: str) -> set[str]:
        draft = self.paper.drafts.first()
        return {
            str(s.person_id)
            for s in signatures(log.subject_of(self.paper))
            if s.meaning == meaning and draft and s.content_sha256 == draft.content_sha256
        }

    def draft(self) -> PaperDraft:
        """Return the draft that is signed here, as it was composed.

        Raises
        ------
        IntegrityError
            Code ``draft-changed``.
        """
        draft = self.paper.drafts.first()
        if draft is None or content_hash(draft.content) != draft.content_sha256:
            raise IntegrityError(
                "The stored draft is not what was composed. Do not sign it; have the administrator "
                "run “kerma verify”.",
                code="draft-changed",
            )
        return draft

    def content(self) -> Content:
        """Return the draft's content with the signatures and verifications that stand."""
        draft = self.draft()
        content = Content.from_dict(draft.content)
        subject = log.subject_of(self.paper)
        return replace(content, signing=signing_of(content, subject, draft.content_sha256))

    def decision(self) -> Decision:
        """Say whether the person may, without raising."""
        return allowed(self.right, *self.standing())

    def possible(self) -> bool:
        """Whether the act belongs to the paper's state at all."""
        return self.paper.state in self.states

    def blockers(self) -> list[tuple[str, str]]:
        """Return what stands in the way, as (code, sentence), apart from the person's rights."""
        shown = self.options.get("draft")
        if shown is not None and str(shown) != str(self.draft().pk):
            text = "The draft has changed since this page was opened. Read it again before signing."
            return [("stale-page", text)]
        if self.asks and not str(self.options.get("comment", "")).strip():
            return [("blank", self.asks)]
        return []

    def execute(self, decision: Decision) -> Any:
        """Do it; called inside the transaction after the checks."""
        raise TypeError(f"{type(self).__name__} has no execute")

    @transaction.atomic
    def perform(self) -> Any:
        """Check and do the act as one step.

        Raises
        ------
        InputError
            ``bad-state``, or the code of what stands in the way.
        NotEntitled
            Names the rule and what is missing.
        """
        self.paper = (
            Paper.objects.select_for_update(of=("self",))
            .select_related("report__employer", "author")
            .get(pk=self.paper.pk)
        )
        if not self.possible():
            raise InputError(
                f"“{self.label}” is not possible while the paper is "
                f"{self.paper.get_state_display().lower()}.",
                code="bad-state",
            )
        try:
            decision = require(self.right, *self.standing())
        except NotEntitled as error:
            error.detail.update(act=self.name, subject=log.subject_of(self.paper))
            raise
        if found := self.blockers():
            raise InputError(" ".join(text for _, text in found), code=found[0][0])
        return self.execute(decision)

    def sign(self, meaning: str, decision: Decision) -> None:
        """Sign the draft's content."""
        signature_add(
            by=self.by, meaning=meaning, subject=log.subject_of(self.paper),
            content_sha256=self.draft().content_sha256, rule=decision.rule,
            comment=str(self.options.get("comment", "")).strip()[:400],
        )  # fmt: skip

    def move(self, state: str, text: str) -> None:
        """Put the paper in a state and log it."""
        _move(self.paper, state, by=self.by, kind=f"paper.{self.name}", text=text)


def _move(paper: Paper, state: str, *, by: Person, kind: str, text: str) -> None:
    paper.state = state
    paper.save()
    log.append(
        actor=by, kind=kind, subject=paper, text=text,
        data={"state": {f"records.paper:{paper.pk}": {"state": state}}}, seals=[paper],
    )  # fmt: skip


# Letters beyond the alphabets and signs the report's fonts are known to have.
_UNUSUAL = re.compile("[^\u0000-\u052f\u1e00-\u25ff]")


class Submit(PaperAct):
    """Draft to in review: the author signs the content as prepared."""

    name = "submit"
    label = "Sign as prepared and submit for checking"
    means = "You state that you prepared this paper and that it says what you found."
    states = ("draft",)
    right = "perform"

    def blockers(self) -> list[tuple[str, str]]:
        """Only the author can sign as prepared."""
        if self.by != self.paper.author:
            return [("not-author", f"{self.paper.author} prepared this paper and must sign it.")]
        return super().blockers()

    def execute(self, decision: Decision) -> None:
        """Sign and hand over."""
        content = self.content()
        if _UNUSUAL.search(json.dumps(self.draft().content, ensure_ascii=False)):
            build(content)  # what cannot be printed is refused before anybody signs it
        self.sign("performed", decision)
        self.paper.return_comment, self.paper.checked = "", False
        self.move("in_review", f"{self.by.name} submitted {self.paper.report} for checking")


class Check(PaperAct):
    """In review: a second person signs the content as checked."""

    name = "check"
    label = "Sign as checked"
    means = "You state that you checked the content independently of its author."
    states = ("in_review",)
    right = "check"

    def blockers(self) -> list[tuple[str, str]]:
        """One check is enough."""
        if self.paper.checked:
            return [("already-checked", "This draft has been checked already.")]
        return super().blockers()

    def execute(self, decision: Decision) -> None:
        """Sign and mark as checked."""
        self.sign("checked", decision)
        self.paper.checked = True
        self.move("in_review", f"{self.by.name} checked {self.paper.report}")


class Return(PaperAct):
    """In review to draft, with comments."""

    name = "return"
    label = "Return with comments"
    means = "The paper goes back to its author; the signatures on this draft no longer count."
    states = ("in_review",)
    right = "check"
    asks = "Say what has to be changed."

    def execute(self, decision: Decision) -> None:
        """Reopen the paper with the comment on it."""
        self.paper.return_comment = str(self.options["comment"]).strip()[:1000]
        self.paper.checked = False
        self.move("draft", f"{self.by.name} returned it: {self.paper.return_comment}")


class IssuePaper(PaperAct):
    """In review to issued: approved by whoever is entitled, printed, its proposals made actions."""

    name = "issue"
    label = "Approve and issue"
    means = "The paper is issued under your name; it cannot be changed afterwards, only amended."
    states = ("in_review",)
    right = "approve"

    def blockers(self) -> list[tuple[str, str]]:
        """Return every gate that is shut."""
        found = super().blockers()
        if not (self.paper.checked and self._signers("checked")):
            found.append(("not-checked", "The draft has not been signed as checked yet."))
        if not self._signers("performed"):
            found.append(("not-performed", "The draft has not been signed as prepared yet."))
        if rows := unverified_rows(self.content()):
            found.append(
                (
                    "unverified-rows",
                    f"The paper rests on {len(rows)} reference row{'s' * (len(rows) > 1)} that no "
                    f"MPE or RPA has verified: {'; '.join(rows)}.",
                )
            )
        return found

    def execute(self, decision: Decision) -> Issue:
        """Sign, print, store, open the actions; the earlier issue is superseded."""
        paper, draft = self.paper, self.draft()
        self.sign("approved", decision)
        issue = issue_add(
            by=self.by, report=paper.report, subject=log.subject_of(paper), content=draft.content,
            pdf=build(self.content()), reason=paper.amend_reason,
        )  # fmt: skip
        self._open_actions(issue)
        if issue.supersedes:
            actions_replace(by=self.by, old=issue.supersedes, new=issue)
        if paper.amends:
            _move(paper.amends, "superseded", by=self.by, kind="paper.superseded",
                  text=f"Superseded by {issue}")  # fmt: skip
        self.move("issued", f"{self.by.name} issued {issue}")
        return issue

    def _open_actions(self, issue: Issue) -> None:
        report = self.paper.report
        for proposal in Content.from_dict(issue.content).proposals:
            action_open(
                by=self.by, employer=report.employer, system=report.system, issue=issue,
                text=proposal.text[:400], test_id=proposal.about[:80],
                priority=_PRIORITY[proposal.priority], owner=proposal.owner[:120], due=proposal.due,
            )  # fmt: skip


class Withdraw(PaperAct):
    """A paper that will not be issued: it stays in the record with the reason."""

    name = "withdraw"
    label = "Withdraw"
    means = "The paper is given up. It stays in the record, with the reason."
    states = ("draft", "in_review")
    right = "perform"
    asks = "Say why the paper is withdrawn."

    def execute(self, decision: Decision) -> None:
        """Close it."""
        self.move("withdrawn", f"{self.by.name} withdrew it: {self.options['comment'].strip()}")


ACTS: dict[str, type[PaperAct]] = {
    act.name: act for act in (Submit, Check, IssuePaper, Return, Withdraw)
}


def unverified_rows(content: Content) -> list[str]:
    """Return the rows a paper rests on that nobody entitled has verified."""
    named = content.rests_on()
    return [s.row for s in content.verified_sources() if s.row in named and not s.verified]
