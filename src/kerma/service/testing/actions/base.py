"""What every act has in common."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, ClassVar

from django.db import transaction
from django.utils import timezone

from kerma.authority import Context, Decision, PersonFacts, allowed, require
from kerma.core import InputError, IntegrityError, NotEntitled, content_hash
from kerma.service.people import selectors as people
from kerma.service.people.models import Person
from kerma.service.records import log
from kerma.service.testing.guard import authority_context, locked, record, work_of
from kerma.service.testing.models import Draft, Survey
from kerma.service.testing.selectors import hands, signers


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

    @cached_property
    def standing(self) -> tuple[PersonFacts, Context]:
        """What the rules need to know of the person and of the survey."""
        survey = self.survey
        context = Context(
            work=work_of(survey, breach=self.breach()),
            on=timezone.localdate(),
            performed=frozenset(hands([survey])[survey.pk]),
            checked=frozenset(signers([survey], "checked")[survey.pk]),
            **authority_context(survey),
        )
        return people.facts(self.by), context

    def draft(self) -> Draft:
        """Return the draft that is signed here, as it was composed.

        Raises
        ------
        IntegrityError
            Code ``draft-changed``: the stored content is not what was composed.
        """
        draft = self.survey.drafts.select_related("report").first()
        if draft is None or content_hash(draft.content) != draft.content_sha256:
            raise IntegrityError(
                "The stored draft is not what was composed. Do not sign it; have the administrator "
                "run “kerma verify”.",
                code="draft-changed",
            )
        return draft

    def stale(self) -> list[Blocker]:
        """Refuse a signature from a page that showed an earlier draft."""
        shown = self.options.get("draft")
        if shown is None or str(shown) == str(self.draft().pk):
            return []
        text = "The draft has changed since this page was opened. Read it again before signing."
        return [Blocker("stale-page", text)]

    def decision(self) -> Decision:
        """Say whether the person may, without raising."""
        return allowed(self.right, *self.standing)

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
            decision = require(self.right, *self.standing)
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
        self.__dict__.pop("standing", None)  # as it is now, not as a page showed it
        return self.execute(self.check())

    def move(self, state: str, text: str, **data: Any) -> None:
        """Put the survey in a state and log it."""
        self.survey.state = state
        self.survey.save()
        record(self.survey, by=self.by, kind=f"survey.{self.name}", text=text, **data)
