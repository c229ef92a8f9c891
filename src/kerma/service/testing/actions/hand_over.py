"""Measured: the performer says the measuring is complete, and the results are frozen."""

from __future__ import annotations

from django.utils import timezone

from kerma.authority import Decision
from kerma.service.records import log
from kerma.service.testing.actions.base import Act, Blocker
from kerma.service.testing.evaluation import Evaluation, evaluate_survey
from kerma.service.testing.guard import changed
from kerma.service.testing.models import Result, Survey


class HandOver(Act):
    """In progress → measured. The completeness gate: every test has a value or a reason."""

    name = "hand_over"
    label = "Measured: hand over"
    states = ("in_progress",)
    right = "perform"

    def evaluation(self) -> Evaluation:
        """Judge the survey, unless the page that shows this act has just done so."""
        return self.options.get("evaluation") or evaluate_survey(self.survey)

    def blockers(self) -> list[Blocker]:
        """Name each test that is blank, and each suspension-level result nobody was told of."""
        evaluation = self.evaluation()
        found = []
        if evaluation.missing:
            count = len(evaluation.missing)
            names = tuple(m.title for m in evaluation.missing)
            found.append(
                Blocker(
                    "incomplete",
                    f"{count} test{'s have' if count > 1 else ' has'} neither a result nor a "
                    f"reason: {'; '.join(names[:5])}{' …' if count > 5 else ''}. Enter the values, "
                    "or say why they were not done.",
                    names,
                )
            )
        worst = [o for o in evaluation.outcomes if o.judgement.verdict == "suspension"]
        if worst and not self.survey.contacts.exists():
            found.append(
                Blocker(
                    "nobody-told",
                    "A suspension level is exceeded. Tell the hospital and record whom you told "
                    "before handing over.",
                    tuple(o.test.title for o in worst),
                )
            )
        return found

    def execute(self, decision: Decision) -> list[Result]:
        """Freeze the results with everything needed to obtain them again."""
        evaluation = evaluate_survey(self.survey)
        withdrawn = withdraw_results(self.survey)
        results = [
            Result(
                survey=self.survey,
                test=outcome.test.id,
                title=outcome.test.title,
                section=outcome.test.section,
                order=order,
                value=outcome.value.value if outcome.value else None,
                unit=str(outcome.test.unit),
                u=outcome.value.u if outcome.value else None,
                verdict=str(outcome.judgement.verdict),
                record=evaluation.record_of(outcome),
            )
            for order, outcome in enumerate(evaluation.outcomes)
        ]
        for result in results:
            result.save()
        log.append(
            actor=self.by,
            kind="results.frozen",
            subject=self.survey,
            text=f"{len(results)} results frozen",
            seals=[*withdrawn, *results],
        )
        if not self.survey.performer.active:
            # Whoever performed it has left; the person handing it over answers for it now.
            self.survey.performer = self.by
        self.move("measured", f"{self.by.name} handed the survey over as measured")
        return results


class TakeBack(Act):
    """Measured or drafted → in progress: the performer goes on measuring."""

    name = "take_back"
    label = "Take back to go on measuring"
    states = ("measured", "drafted")
    right = "perform"

    def execute(self, decision: Decision) -> None:
        """Withdraw the frozen results and reopen the survey."""
        seals = withdraw_results(self.survey)
        text = f"{self.by.name} took the survey back to go on measuring"
        self.move("in_progress", text, seals=seals)


def withdraw_results(survey: Survey) -> list[Result]:
    """Withdraw the frozen results; returns them to be sealed again."""
    return changed(survey.results.filter(withdrawn_at=None), withdrawn_at=timezone.now())
