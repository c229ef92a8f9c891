"""Check and return: a second person looks at everything."""

from __future__ import annotations

from kerma.authority import Decision
from kerma.service.records import log
from kerma.service.records.services import signature_add
from kerma.service.testing.actions.base import Act, Blocker
from kerma.service.testing.actions.hand_over import withdraw_results
from kerma.service.testing.guard import said


class Check(Act):
    """In review: a second person signs the content as checked."""

    name = "check"
    label = "Sign as checked"
    states = ("in_review",)
    right = "check"

    def blockers(self) -> list[Blocker]:
        """One check is enough."""
        if self.survey.checked:
            return [Blocker("already-checked", "This draft has been checked already.")]
        return self.stale()

    def execute(self, decision: Decision) -> None:
        """Sign and mark as checked."""
        comment = self.options.get("comment", "").strip()
        if comment:
            comment = said(comment, 400, "")
        draft = self.draft()
        signature_add(
            by=self.by,
            meaning="checked",
            subject=log.subject_of(self.survey),
            content_sha256=draft.content_sha256,
            rule=decision.rule,
            comment=comment,
        )
        self.survey.checked = True
        self.move("in_review", f"{self.by.name} checked {draft.report}")


class Return(Act):
    """In review → in progress: the checker or approver sends it back with comments."""

    name = "return"
    label = "Return with comments"
    states = ("in_review",)
    right = "check"

    def blockers(self) -> list[Blocker]:
        """A return without a comment helps nobody."""
        if not self.options.get("comment", "").strip():
            return [Blocker("no-comment", "Say what has to be changed.")]
        return []

    def execute(self, decision: Decision) -> None:
        """Reopen the survey with the comment on it."""
        survey = self.survey
        survey.return_comment = said(self.options["comment"], 1000, "Say what has to be changed.")
        survey.checked = False
        seals = withdraw_results(survey)
        text = f"{self.by.name} returned it: {survey.return_comment}"
        self.move("in_progress", text, seals=seals)
