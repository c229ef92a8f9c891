"""Which surveys wait for a person's check or approval: only those this person is entitled to."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date

from kerma.authority import Context, allowed
from kerma.service.people import selectors as people
from kerma.service.people.models import Person
from kerma.service.testing.guard import authority_context, work_of
from kerma.service.testing.models import Survey
from kerma.service.testing.selectors import hands, signers, surveys, verdict_counts

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
    performed, checked = hands(rows), signers(rows, "checked")
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
    return Context(
        work=work_of(survey, breach=breach),
        on=on,
        performed=frozenset(performed[survey.pk]),
        checked=frozenset(checked[survey.pk]),
        **authority_context(survey),
    )
