"""Who may write to a survey, in which state, and how every change of it is recorded."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, TypeVar

from django.db import models
from django.db.models import QuerySet

from kerma.core import InputError
from kerma.service.people.entitlement import demand
from kerma.service.people.models import Person
from kerma.service.records import log
from kerma.service.testing.models import Survey

M = TypeVar("M", bound=models.Model)
WORK_OF_PURPOSE = {
    "critical_exam": "critical_exam",
    "acceptance": "commissioning",
    "commissioning": "commissioning",
}


def authority_context(survey: Survey) -> dict[str, Any]:
    """Return what the authority rules need to know about a survey's system."""
    employer = survey.system.employer
    return {
        "modality": survey.system.modality,
        "employer": employer.key,
        "employer_name": employer.name,
    }


def work_of(survey: Survey, *, breach: bool = False) -> str:
    """Return the kind of work a survey is, for the authority rules."""
    routine = "routine_breach" if breach else "routine"
    return WORK_OF_PURPOSE.get(survey.purpose, routine)


def locked(survey: Survey) -> Survey:
    """Return the survey as it stands now, held until the transaction ends."""
    return (
        Survey.objects.select_for_update(of=("self",))
        .select_related("system__room__site__employer", "performer")
        .get(pk=survey.pk)
    )


def writable(survey: Survey, *, by: Person, states: Iterable[str] = ("in_progress",)) -> Survey:
    """Return the survey, held, for a person who may perform it while it is in one of `states`.

    Raises
    ------
    InputError
        Code ``not-started`` or ``not-editable``.
    NotEntitled
        The person may not perform this survey.
    """
    survey = locked(survey)
    demand(
        "perform", by=by, work=work_of(survey), subject=log.subject_of(survey),
        **authority_context(survey),
    )  # fmt: skip
    if survey.state in states:
        return survey
    if survey.state == "planned":
        raise InputError("Start the survey first: its day decides the certificates.",
                         code="not-started")  # fmt: skip
    raise InputError(
        f"This survey is {survey.get_state_display().lower()}; what was measured can no longer be "
        "changed. Have it returned, or amend the issued report.",
        code="not-editable",
    )


def record(
    survey: Survey,
    *,
    by: Person,
    kind: str,
    text: str,
    seals: Iterable[models.Model] = (),
    **data: Any,
) -> None:
    """Write a change of the survey itself to the event log, with its state and its seal."""
    state = {f"testing.survey:{survey.pk}": {"state": survey.state}}
    log.append(
        actor=by, kind=kind, subject=survey, text=text, data={"state": state, **data},
        seals=[survey, *seals],
    )  # fmt: skip


def changed(rows: QuerySet[M], **values: Any) -> list[M]:
    """Give rows the same new values; returns them as they now are, to be sealed again."""
    found = list(rows)
    for row in found:
        for name, value in values.items():
            setattr(row, name, value)
    rows.model._default_manager.bulk_update(found, list(values))
    return found


def said(text: str, most: int, ask: str) -> str:
    """Return what a person wrote, trimmed; refuse it when it is blank, too long or not text.

    Raises
    ------
    InputError
        Code ``blank`` (the message is `ask`), ``too-long`` or ``not-text``.
    """
    words = text.strip()
    if not words:
        raise InputError(ask, code="blank")
    if len(words) > most:
        raise InputError(
            f"That is {len(words)} characters; there is room for {most}. Say it more briefly.",
            code="too-long",
        )
    if "\0" in words:
        raise InputError("There is a character in it that is not text.", code="not-text")
    return words
