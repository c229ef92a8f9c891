"""Drafted and in review: the content is composed, and its author signs it as performed."""

from __future__ import annotations

from django.db.models import Q
from django.utils import timezone

from kerma.authority import Decision
from kerma.core import content_hash
from kerma.service.records import log
from kerma.service.records.models import Report
from kerma.service.records.sealing import settled
from kerma.service.records.services import report_create, signature_add
from kerma.service.testing.actions import proposals
from kerma.service.testing.actions.base import Act, Blocker
from kerma.service.testing.composition import compose
from kerma.service.testing.models import RECOMMENDATIONS, Draft

# What each verdict asks for, the gravest first, and recommendations from mild to strict.
_ASKS = {"suspension": "do_not_use", "remedial": "conditions"}
_ORDER = [key for key, _ in RECOMMENDATIONS]
_LONGEST = 8000  # characters of a summary; about three pages


class ComposeDraft(Act):
    """Measured → drafted: the report's content is put together."""

    name = "draft"
    label = "Compose the draft"
    states = ("measured", "drafted")
    right = "perform"

    def blockers(self) -> list[Blocker]:
        """A recommendation is part of the report, and so is why it is milder than the results."""
        wanted = self._recommendation()
        if wanted not in _ORDER:
            return [Blocker("no-recommendation", "Choose what you recommend before drafting.")]
        verdicts = dict(self._exceeded()).values()
        worst = next((v for v in _ASKS if v in verdicts), "")
        summary = self._summary()
        found = []
        if worst and _ORDER.index(wanted) < _ORDER.index(_ASKS[worst]) and not summary:
            text = (
                f"You recommend “{dict(RECOMMENDATIONS)[wanted].lower()}” although a {worst} level "
                "is exceeded. Say why in the summary."
            )
            found.append(Blocker("milder", text))
        if len(summary) > _LONGEST or "\0" in summary:
            text = f"The summary has {len(summary)} characters; there is room for {_LONGEST}."
            found.append(Blocker("too-long", text))
        given = self.options.get("proposals", {})
        exceeded = dict(self._exceeded())
        return found + proposals.problems(given, exceeded=exceeded, today=timezone.localdate())

    def _recommendation(self) -> str:
        return str(self.options.get("recommendation") or self.survey.recommendation)

    def _summary(self) -> str:
        return str(self.options.get("summary", self.survey.summary)).strip()

    def _exceeded(self) -> list[tuple[str, str]]:
        rows = self.survey.results.filter(withdrawn_at=None, verdict__in=tuple(_ASKS))
        return list(rows.values_list("test", "verdict"))

    def execute(self, decision: Decision) -> Draft:
        """Store the content; its hash is what will be signed."""
        survey = self.survey
        survey.recommendation = self._recommendation()
        survey.summary = self._summary()
        survey.proposals = self.options.get("proposals") or proposals.standing(
            survey.proposals, exceeded=dict(self._exceeded()), today=timezone.localdate()
        )
        survey.checked = False
        survey.save()
        report = self._report()
        content = settled(compose(survey, report, prepared_at=timezone.now()).content())
        draft = Draft.objects.create(
            survey=survey,
            report=report,
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
            by=self.by,
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
        if self._overtaken():
            text = "Something was recorded after the draft was composed. Compose it again."
            return [Blocker("stale-draft", text)]
        return self.stale()

    def _overtaken(self) -> bool:
        survey, draft = self.survey, self.survey.drafts.first()
        later = Q(at__gt=draft.at) | Q(withdrawn_at__gt=draft.at)
        return survey.notes.filter(later).exists() or (
            survey.contacts.filter(at__gt=draft.at).exists()
        )

    def execute(self, decision: Decision) -> None:
        """Sign and hand to the checker."""
        draft = self.draft()
        signature_add(
            by=self.by,
            meaning="performed",
            subject=log.subject_of(self.survey),
            content_sha256=draft.content_sha256,
            rule=decision.rule,
        )
        self.survey.return_comment = ""
        self.move("in_review", f"{self.by.name} submitted {draft.report} for checking")
