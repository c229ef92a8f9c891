"""Issue: the approver signs, the PDF is made, and what must happen becomes actions."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

from kerma.authority import Decision
from kerma.core import Level
from kerma.reports.content import SurveyReport
from kerma.reports.survey import build
from kerma.service.instruments.selectors import calibration_problem
from kerma.service.records import log
from kerma.service.records.models import Issue
from kerma.service.records.selectors import unverified
from kerma.service.records.services import action_open, actions_replace, issue_add, signature_add
from kerma.service.records.signing import signing_of
from kerma.service.testing.actions.base import Act, Blocker
from kerma.service.testing.actions.proposals import PRIORITY
from kerma.service.testing.guard import record
from kerma.service.testing.models import Draft
from kerma.service.testing.selectors import signers


class IssueReport(Act):
    """In review → issued. The gates: checked, verified levels, instruments in calibration."""

    name = "issue"
    label = "Approve and issue the report"
    states = ("in_review",)
    right = "approve"

    def blockers(self) -> list[Blocker]:
        """Return every gate that is shut, not only the first."""
        found = self.stale()
        survey = self.survey
        # The signatures count, not the mark on the survey: they name the content.
        for meaning, done in (("performed", True), ("checked", survey.checked)):
            if not (done and signers([survey], meaning)[survey.pk]):
                text = f"The draft has not been signed as {meaning} yet."
                found.append(Blocker(f"not-{meaning}", text))
        rows = unverified(self._levels())
        if rows:
            names = tuple(f"{r['row']} ({r['confidence']}: {r['document']})" for r in rows)
            found.append(
                Blocker(
                    "unverified-rows",
                    f"The report rests on {len(rows)} reference "
                    f"row{'s' if len(rows) > 1 else ''} that no MPE or RPA has verified: "
                    f"{'; '.join(r['row'] for r in rows)}.",
                    names,
                )
            )
        problems = self._instrument_problems()
        if problems:
            found.append(Blocker("calibration", " ".join(problems), tuple(problems)))
        return found

    def _levels(self) -> list[Level]:
        results = self.survey.results.filter(withdrawn_at=None)
        return [
            Level.from_dict(level)
            for record in results.values_list("record", flat=True)
            for level in record["levels"]
        ]

    def _instrument_problems(self) -> list[str]:
        on = self.survey.performed_on
        readings = self.survey.readings.filter(struck_at=None).exclude(instrument=None)
        used = {r.instrument: False for r in readings.select_related("instrument")}
        for reading in readings.select_related("instrument").filter(certificate=None):
            used[reading.instrument] = reading.instrument.needs_calibration
        found = []
        for instrument, uncorrected in used.items():
            problem = calibration_problem(instrument, on)
            if uncorrected and not problem:
                problem = (
                    f"Readings of {instrument} were entered before its certificate was recorded, "
                    "so no correction was applied. Have the survey returned and enter them again."
                )
            found.append(problem)
        return sorted(filter(None, found))

    def execute(self, decision: Decision) -> Issue:
        """Sign, render, store, open the actions; the earlier issue is superseded."""
        survey = self.survey
        draft = self.draft()
        subject = log.subject_of(survey)
        signature_add(
            by=self.by,
            meaning="approved",
            subject=subject,
            content_sha256=draft.content_sha256,
            rule=decision.rule,
        )
        issue = issue_add(
            by=self.by,
            report=draft.report,
            subject=subject,
            content=draft.content,
            pdf=build(signed_report(draft)),
            reason=survey.amend_reason,
        )
        self._open_actions(issue)
        if issue.supersedes:
            actions_replace(by=self.by, old=issue.supersedes, new=issue)
        if survey.amends:
            self._supersede()
        self.move("issued", f"{self.by.name} issued {issue}")
        return issue

    def _open_actions(self, issue: Issue) -> None:
        survey = self.survey
        for finding in issue.content["findings"]:
            if finding.get("reference"):
                continue
            action_open(
                by=self.by,
                employer=survey.system.employer,
                system=survey.system,
                issue=issue,
                text=finding["action"][:400],
                test_id=finding["title"][:80],
                priority=PRIORITY[finding["priority"]],
                owner=finding["owner"],
                due=date.fromisoformat(finding["due"]),
            )

    def _supersede(self) -> None:
        old = self.survey.amends
        old.state = "superseded"
        old.save(update_fields=["state"])
        text = f"Superseded by survey {self.survey.pk}"
        record(old, by=self.by, kind="survey.superseded", text=text)


def signed_report(draft: Draft) -> SurveyReport:
    """Return a draft's content with the signatures made on it, ready to print as issued."""
    report = SurveyReport.from_dict(draft.content)
    subject = log.subject_of(draft.survey)
    return replace(report, signing=signing_of(report, subject, draft.content_sha256))
