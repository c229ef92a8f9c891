"""Baselines: a signed act with a date, a reason and a scope of components."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from django.db import transaction
from django.utils import timezone

from kerma.core import InputError, Level
from kerma.service.people.entitlement import demand
from kerma.service.people.models import Person
from kerma.service.records import log
from kerma.service.testing.guard import authority_context, changed, said
from kerma.service.testing.models import Baseline, Result, Survey


@transaction.atomic
def baselines_set(
    *,
    by: Person,
    survey: Survey,
    results: Sequence[Result],
    reason: str,
    components: Sequence[str] = (),
    valid_from: date | None = None,
) -> list[Baseline]:
    """Make results of an issued survey the baselines of their tests.

    Raises
    ------
    NotEntitled
        The person may not set baselines for this employer and modality.
    InputError
        The survey is not issued, a result has no value, or no reason is given.
    """
    demand(
        "approve", by=by, work="baseline", subject=log.subject_of(survey),
        **authority_context(survey),
    )  # fmt: skip
    if survey.state != "issued":
        raise InputError("Only an issued survey can give baselines.", code="bad-state")
    if any(r.withdrawn_at or r.value is None or r.survey_id != survey.pk for r in results):
        raise InputError("A baseline needs a measured value of this survey.", code="no-value")
    day = valid_from or survey.performed_on
    why = said(reason, 300, "Say why these values become the baseline.")
    ended = changed(
        Baseline.objects.filter(
            system=survey.system, test__in=[r.test for r in results], ended_on=None
        ),
        ended_on=day,
        ended_reason=f"replaced: {why}"[:300],
    )
    rows = [
        Baseline.objects.create(
            system=survey.system,
            test=r.test,
            value=r.value,
            unit=r.unit,
            u=r.u,
            valid_from=day,
            reason=why,
            components=list(components),
            result=r,
            set_by=by,
            set_at=timezone.now(),
        )
        for r in results
    ]
    log.append(
        actor=by,
        kind="baselines.set",
        subject=survey,
        text=f"{by.name} set {len(rows)} baselines of {survey.system}: {why}",
        seals=[*ended, *rows],
    )
    return rows


def candidates(survey: Survey) -> list[Result]:
    """Return the results of a survey that later ones would be compared with."""
    rows = survey.results.filter(withdrawn_at=None, value__isnull=False).order_by("order")
    return [
        row
        for row in rows
        if any("baseline" in Level.from_dict(lv).criterion.needs() for lv in row.record["levels"])
    ]
