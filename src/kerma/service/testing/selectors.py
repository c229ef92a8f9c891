"""Reads of surveys: what is due, what waits for whom, how a value has moved."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from django.db.models import Max, Q, QuerySet
from django.utils import timezone

from kerma.core import Quantity, unit
from kerma.service.estate.due_days import add_months
from kerma.service.estate.models import System
from kerma.service.instruments.selectors import calibration_problem, certificate_in_force
from kerma.service.people.models import Person
from kerma.service.records.models import Signature
from kerma.service.records.selectors import within
from kerma.service.testing.models import (
    Baseline,
    Draft,
    ImageAnalysis,
    Note,
    Reading,
    Result,
    Survey,
    SurveyImage,
    SurveyInstrument,
)
from kerma.service.testing.policy import policy
from kerma.service.testing.protocol_text import protocol_of

OPEN = ("planned", "in_progress", "measured", "drafted", "in_review")


def surveys(reader: Person) -> QuerySet[Survey]:
    """Return the surveys a person may see; hospital users see issued ones only."""
    rows = within(Survey.objects.all(), reader, "system__room__site__employer")
    if reader.is_hospital:
        rows = rows.filter(state__in=("issued", "superseded"))
    return rows.select_related("system__room__site__employer", "performer")


def filtered(rows: QuerySet[Survey], query: dict[str, str]) -> QuerySet[Survey]:
    """Narrow surveys by state, purpose, modality, system or words from the address."""
    state = query.get("state")
    if state == "open":
        rows = rows.filter(state__in=OPEN)
    elif state:
        rows = rows.filter(state=state)
    for name, path in (
        ("purpose", "purpose"),
        ("modality", "system__modality"),
        ("asset", "system__asset"),
    ):
        if query.get(name):
            rows = rows.filter(**{path: query[name]})
    for word in query.get("q", "").split():
        rows = rows.filter(
            Q(system__asset__icontains=word)
            | Q(system__name__icontains=word)
            | Q(system__room__site__name__icontains=word)
            | Q(performer__name__icontains=word)
        )
    return rows


@dataclass(frozen=True, slots=True)
class Due:
    """A system and the day its next routine survey is due."""

    system: System
    last: date | None
    due: date | None

    def days(self, on: date) -> int | None:
        """Days until it is due; negative when overdue, ``None`` when never surveyed."""
        return (self.due - on).days if self.due else None


def due_list(reader: Person, on: date, within_days: int = 30) -> list[Due]:
    """Return systems in use whose routine survey is overdue or due soon, most pressing first."""
    from kerma.service.estate.selectors import systems

    rows = (
        systems(reader)
        .exclude(status="withdrawn")
        .annotate(
            last=Max(
                "surveys__performed_on",
                filter=Q(surveys__state="issued")
                & Q(surveys__purpose__in=("routine", "commissioning", "acceptance")),
            )
        )
    )
    every = policy()["survey_every_months"]
    found = []
    for system in rows:
        due = None
        if system.last:
            due = add_months(system.last, every.get(system.modality, every["default"]))
        if due is None or due <= on + timedelta(days=within_days):
            found.append(Due(system, system.last, due))
    return sorted(found, key=lambda d: d.due or date.min)


def baselines(system: System, on: date) -> dict[str, Quantity]:
    """Return the baseline in force for each test on a day."""
    rows = (
        Baseline.objects.filter(system=system, valid_from__lte=on)
        .filter(Q(ended_on=None) | Q(ended_on__gt=on))
        .order_by("valid_from", "id")
    )
    return {row.test: Quantity(row.value, unit(row.unit), row.u) for row in rows}


def previous_results(system: System, before: date, exclude: int) -> dict[str, Result]:
    """Return the last issued result of each test before a day."""
    rows = (
        Result.objects.filter(
            survey__system=system,
            survey__state="issued",
            survey__performed_on__lt=before,
            withdrawn_at=None,
            value__isnull=False,
        )
        .exclude(survey_id=exclude)
        .select_related("survey")
        .defer("record", "survey__protocol_text")
        .order_by("survey__performed_on", "survey_id")
    )
    return {row.test: row for row in rows}


def trend(system: System, test: str) -> list[Result]:
    """Return a test's issued results on a system in order of date."""
    return list(
        Result.objects.filter(
            survey__system=system,
            survey__state="issued",
            test=test,
            withdrawn_at=None,
        )
        .select_related("survey")
        .defer("survey__protocol_text")
        .order_by("survey__performed_on", "survey_id")
    )


def verdict_counts(surveys: Iterable[Survey]) -> dict[int, dict[str, int]]:
    """Return how many results of each verdict each survey has."""
    counts: dict[int, dict[str, int]] = {}
    rows = Result.objects.filter(survey__in=list(surveys), withdrawn_at=None).values_list(
        "survey_id", "verdict"
    )
    for survey, verdict in rows:
        counts.setdefault(survey, {})[verdict] = counts.setdefault(survey, {}).get(verdict, 0) + 1
    return counts


def waiting_for(person: Person) -> dict[str, QuerySet[Survey]]:
    """Return what waits for a person: to measure, to check, to approve."""
    review = surveys(person).filter(state="in_review")
    return {
        "mine": surveys(person).filter(
            performer=person, state__in=("planned", "in_progress", "measured", "drafted")
        ),
        "check": review.filter(checked=False).exclude(performer=person),
        "approve": review.filter(checked=True).exclude(performer=person),
    }


def hands(rows: Iterable[Survey]) -> dict[int, set[str]]:
    """Return who has had a hand in each survey, and so may neither check nor approve it.

    The performer, and whoever entered a reading (struck ones too), attached or corrected an image,
    gave a reason or decision, or composed a draft.
    """
    listed = list(rows)
    found = {s.pk: {str(s.performer_id)} if s.performer_id else set() for s in listed}
    first, *others = (
        model._default_manager.filter(survey__in=listed).order_by().values_list("survey", who)
        for model, who in (
            (Reading, "entered_by"),
            (SurveyImage, "added_by"),
            (ImageAnalysis, "by"),
            (Note, "by"),
            (Draft, "by"),
        )
    )
    for survey, by in first.union(*others):
        found[survey].add(str(by))
    return found


def signers(rows: Iterable[Survey], meaning: str) -> dict[int, set[str]]:
    """Return who has signed the latest draft of each survey with a meaning."""
    listed = list(rows)
    drafts = Draft.objects.filter(survey__in=listed).order_by("id")
    latest = dict(drafts.values_list("survey", "content_sha256"))
    subjects = {f"survey:{s.pk}": s.pk for s in listed}
    signed = Signature.objects.filter(subject__in=subjects, meaning=meaning)
    found: dict[int, set[str]] = {s.pk: set() for s in listed}
    for subject, sha256, person in signed.values_list("subject", "content_sha256", "person"):
        if latest.get(subjects[subject]) == sha256:
            found[subjects[subject]].add(str(person))
    return found


def context_of(record: dict[str, Any]) -> Quantity | None:
    """Return the baseline a frozen record was judged against."""
    found = record.get("baseline")
    return Quantity.from_dict(found) if found else None


def instruments_of(survey: Survey) -> QuerySet[SurveyInstrument]:
    """Return the instruments assigned to a survey, with their certificates."""
    return survey.instruments.select_related("instrument").prefetch_related(
        "instrument__certificates__factors"
    )


def parts_of(survey: Survey) -> list[dict[str, Any]]:
    """Return each part of the protocol with the instrument chosen and any problem with it."""
    chosen = {p.part: p.instrument for p in instruments_of(survey)}
    on = survey.performed_on or timezone.localdate()
    return [
        {
            "part": name,
            "title": spec.title,
            "kind": spec.kind,
            "instrument": chosen.get(name),
            "certificate": certificate_in_force(chosen[name], on) if name in chosen else None,
            "problem": calibration_problem(chosen[name], on) if name in chosen else "",
        }
        for name, spec in protocol_of(survey).instruments.items()
    ]
