"""One class for each legal act on a survey: who may, when, what happens, what is logged."""

from kerma.service.testing.actions.base import Act, Blocker
from kerma.service.testing.actions.amend import Amend
from kerma.service.testing.actions.check import Check, Return
from kerma.service.testing.actions.draft import ComposeDraft, Submit
from kerma.service.testing.actions.hand_over import HandOver, TakeBack
from kerma.service.testing.actions.issue import IssueReport

ACTS: dict[str, type[Act]] = {
    act.name: act
    for act in (HandOver, TakeBack, ComposeDraft, Submit, Check, Return, IssueReport, Amend)
}

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
]
