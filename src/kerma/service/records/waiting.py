"""Which surveys wait for a person's check or approval: only those this person is entitled to."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import date

from kerma.authority import Context, allowed
from kerma.service.people import selectors as people
from kerma.service.people.models import Person
from kerma.service.records.models import Signature
from kerma.service.testing.models import Draft, Reading, Survey
from kerma.service.testing.selectors import surveys, verdict_counts
from kerma.service.testing.services import authority_context, work_of

Counts = dict[int, dict[str, int]]


@dataclass(slots=True)
class Waiting:
    """Surveys in review, sorted by what this person may do with them."""

    check: list[Survey] = field(default_factory=list)
    approve: list[Survey] = field(default_factory=list)
    counts: Counts = field(default_factory=dict)


def waiting(person: Person, on: date) -> Waiting:
    """Return what waits for a person, in a fixed number of queries."""
    rows = list(surveys(person).filter(state="in_review").defer("protocol_text"))
    found = Waiting()
    if not rows:
        return found
    found.counts = verdict_counts(rows)
    facts = people.facts(person)
    performed, checked = _performed(rows), _checked(rows)
    for survey in rows:
        act = "approve" if survey.checked else "check"
        context = _context(survey, found.counts, performed, checked, on)
        if allowed(act, facts, context).allowed:
            getattr(found, act).append(survey)
    return found


def _context(
    survey: Survey,
    counts: Counts,
    performed: dict[int, set[str]],
    checked: dict[int, set[str]],
    on: date,
) -> Context:
    verdicts = counts.get(survey.pk, {})
    breach = any(verdicts.get(v) for v in ("remedial", "suspension"))
    by = performed[survey.pk] | ({str(survey.performer_id)} if survey.performer_id else set())
    return Context(
        work=work_of(survey, breach=breach),
        on=on,
        performed=frozenset(by),
        checked=frozenset(checked[survey.pk]),
        **authority_context(survey),
    )


def _performed(rows: list[Survey]) -> dict[int, set[str]]:
    found: dict[int, set[str]] = defaultdict(set)
    readings = Reading.objects.filter(survey__in=rows, struck_at=None).order_by()
    for survey, by in readings.values_list("survey", "entered_by").distinct():
        found[survey].add(str(by))
    return found


def _checked(rows: list[Survey]) -> dict[int, set[str]]:
    """Return who signed the latest draft of each survey as checked."""
    drafts = Draft.objects.filter(survey__in=rows).order_by("id")
    latest = dict(drafts.values_list("survey", "content_sha256"))
    signed = Signature.objects.filter(
        subject__in=[f"survey:{s.pk}" for s in rows], meaning="checked"
    ).values_list("subject", "content_sha256", "person")
    found: dict[int, set[str]] = defaultdict(set)
    for subject, sha256, person in signed:
        survey = int(subject.removeprefix("survey:"))
        if latest.get(survey) == sha256:
            found[survey].add(str(person))
    return found
