"""What every act has in common."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, ClassVar

from django.db import transaction
from django.utils import timezone

from kerma.authority import Context, Decision, allowed, require
from kerma.core import InputError, NotEntitled
from kerma.service.people import selectors as people
from kerma.service.people.models import Person
from kerma.service.records import log
from kerma.service.testing.models import Survey
from kerma.service.testing.services import authority_context, locked, state_data, work_of


@dataclass(frozen=True, slots=True)
class Blocker:
    """Something that stands in the way of an act, with what it is about."""

    code: str
    text: str
    items: tuple[str, ...] = field(default=())


class Act:
    """A change of state that somebody answers for.

    Subclasses say from which states it may happen, which right it needs, what stands in the way,
    and what it does. `perform` does all of it in one transaction.
    """

    name: ClassVar[str]
    label: ClassVar[str]
    states: ClassVar[tuple[str, ...]]
    right: ClassVar[str]

    def __init__(self, *, survey: Survey, by: Person, **options: Any) -> None:
        self.survey = survey
        self.by = by
        self.options = options

    def breach(self) -> bool:
        """Whether a level was exceeded; it decides which rule applies."""
        return self.survey.results.filter(
            withdrawn_at=None, verdict__in=("remedial", "suspension")
        ).exists()

    def context(self) -> Context:
        """Return what the rules need to know."""
        survey = self.survey
        performed = {str(survey.performer_id)} if survey.performer_id else set()
        readings = survey.readings.filter(struck_at=None)
        performed |= {
            str(pk) for pk in readings.order_by().values_list("entered_by", flat=True).distinct()
        }
        checked = self._checkers()
        return Context(
            work=work_of(survey, breach=self.breach()),
            on=timezone.localdate(),
            performed=frozenset(performed),
            checked=frozenset(checked),
            **authority_context(survey),
        )

    def _checkers(self) -> set[str]:
        from kerma.service.records.selectors import signatures

        draft = self.survey.drafts.first()
        if draft is None:
            return set()
        signed = signatures(log.subject_of(self.survey)).filter(
            meaning="checked", content_sha256=draft.content_sha256
        )
        return {str(s.person_id) for s in signed}

    def decision(self) -> Decision:
        """Say whether the person may, without raising."""
        return allowed(self.right, people.facts(self.by), self.context())

    def blockers(self) -> list[Blocker]:
        """Return what stands in the way, apart from the person's rights."""
        return []

    def possible(self) -> bool:
        """Whether the act belongs to the survey's state at all."""
        return self.survey.state in self.states

    def check(self) -> Decision:
        """Raise unless the act may be done now.

        Raises
        ------
        InputError
            Wrong state, or something stands in the way (code of the first blocker).
        NotEntitled
            Names the rule and what is missing.
        """
        if not self.possible():
            raise InputError(
                f"“{self.label}” is not possible while the survey is "
                f"{self.survey.get_state_display().lower()}.",
                code="bad-state",
            )
        try:
            decision = require(self.right, people.facts(self.by), self.context())
        except NotEntitled as error:
            error.detail.update(act=self.name, subject=log.subject_of(self.survey))
            raise
        found = self.blockers()
        if found:
            raise InputError(
                " ".join(b.text for b in found),
                code=found[0].code,
                detail={"items": [item for b in found for item in b.items]},
            )
        return decision

    def execute(self, decision: Decision) -> Any:
        """Do it; called inside the transaction after `check`."""
        raise TypeError(f"{type(self).__name__} has no execute")

    @transaction.atomic
    def perform(self) -> Any:
        """Check and do the act as one step."""
        self.survey = locked(self.survey)
        return self.execute(self.check())

    def move(self, state: str, text: str, **data: Any) -> None:
        """Put the survey in a state and log it."""
        self.survey.state = state
        self.survey.save()
        log.append(
            actor=self.by,
            kind=f"survey.{self.name}",
            subject=self.survey,
            text=text,
            data={**state_data(self.survey), **data},
        )
