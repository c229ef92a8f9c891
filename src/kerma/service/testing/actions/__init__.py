"""One class for each legal act on a survey: who may, when, what happens, what is logged."""

from __future__ import annotations

from typing import Any

from kerma.service.people.models import Person
from kerma.service.testing.actions.amend import Amend
from kerma.service.testing.actions.base import Act, Blocker
from kerma.service.testing.actions.check import Check, Return
from kerma.service.testing.actions.draft import ComposeDraft, Submit
from kerma.service.testing.actions.hand_over import HandOver, TakeBack
from kerma.service.testing.actions.issue import IssueReport
from kerma.service.testing.models import Survey

ACTS: dict[str, type[Act]] = {
    act.name: act
    for act in (HandOver, TakeBack, ComposeDraft, Submit, Check, Return, IssueReport, Amend)
}


def possible(survey: Survey, by: Person, **options: Any) -> list[Act]:
    """Return the acts that belong to a survey's state; the rules' facts are looked up once."""
    made = [act(survey=survey, by=by, **options) for act in ACTS.values()]
    found = [act for act in made if act.possible()]
    for act in found[1:]:
        act.standing = found[0].standing
    return found


__all__ = [
    "ACTS",
    "Act",
    "Amend",
    "Blocker",
    "Check",
    "ComposeDraft",
    "HandOver",
    "IssueReport",
    "Return",
    "Submit",
    "TakeBack",
    "possible",
]
