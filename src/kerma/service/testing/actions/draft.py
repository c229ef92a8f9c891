"""Drafted and in review: the content is composed, and its author signs it as performed."""

from __future__ import annotations

from django.utils import timezone

from kerma.authority import Decision
from kerma.core import content_hash
from kerma.service.records import log
from kerma.service.records.models import Report
from kerma.service.records.services import report_create, signature_add
from kerma.service.testing.actions.base import Act, Blocker
from kerma.service.testing.composition import compose
from kerma.service.testing.models import RECOMMENDATIONS, Draft


class ComposeDraft(Act):
    """Measured → drafted: the report's content is put together."""

    name = "draft"
    label = "Compose the draft"
    states = ("measured", "drafted")
    right = "perform"

    def blockers(self) -> list[Blocker]:
        """A recommendation is part of the report."""
        wanted = self.options.get("recommendation") or self.survey.recommendation
        if wanted not in dict(RECOMMENDATIONS):
            return [Blocker("no-recommendation", "Choose what you recommend before drafting.")]
        return []

    def execute(self, decision: Decision) -> Draft:
        """Store the content; its hash is what will be signed."""
        survey = self.survey
        survey.recommendation = self.options.get("recommendation") or survey.recommendation
        survey.summary = self.options.get("summary", survey.summary).strip()
        survey.proposals = self.options.get("proposals", survey.proposals)
        survey.checked = False
        survey.save()
        content = compose(survey, self._report(), prepared_at=timezone.now()).content()
        draft = Draft.objects.create(
            survey=survey,
            report=self._report(),
            content=content,
            content_sha256=content_hash(content),
            at=timezone.now(),
            by=self.by,
        )
        log.append(
            actor=self.by,
            kind="draft.composed",
            subject=survey,
            text=f"Draft of {draft.report} composed",
            data={"content_sha256": draft.content_sha256},
            seals=[draft],
        )
        self.move("drafted", f"{self.by.name} drafted {draft.report}")
        return draft

    def _report(self) -> Report:
        survey = self.survey
        for earlier in (survey, survey.amends):
            draft = earlier.drafts.first() if earlier else None
            if draft:
                return draft.report
        return report_create(
            kind="survey",
            title=f"{survey.get_purpose_display()}: {survey.system}",
            employer=survey.system.employer,
            system=survey.system,
            on=timezone.localdate(),
        )


class Submit(Act):
    """Drafted → in review: the performer signs the content as performed."""

    name = "submit"
    label = "Sign as performed and submit for checking"
    states = ("drafted",)
    right = "perform"

    def blockers(self) -> list[Blocker]:
        """Only the performer can sign as performed."""
        if self.by != self.survey.performer:
            return [
                Blocker(
                    "not-performer",
                    f"{self.survey.performer} performed this survey and must sign it as performed.",
                )
            ]
        return []

    def execute(self, decision: Decision) -> None:
        """Sign and hand to the checker."""
        draft = self.survey.drafts.first()
        signature_add(
            by=self.by,
            meaning="performed",
            subject=log.subject_of(self.survey),
            content_sha256=draft.content_sha256,
            rule=decision.rule,
        )
        self.survey.return_comment = ""
        self.move("in_review", f"{self.by.name} submitted {draft.report} for checking")
