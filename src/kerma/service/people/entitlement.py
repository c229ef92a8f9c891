"""Ask the rules on behalf of a signed-in person, and keep a record of every refusal."""

from __future__ import annotations

from django.utils import timezone

from kerma.authority import Context, Decision, allowed, require
from kerma.core import NotEntitled
from kerma.service.people import selectors
from kerma.service.people.models import Person


def demand(act: str, *, by: Person, work: str, subject: str, **more: object) -> Decision:
    """Allow an act or refuse it.

    The refusal itself is written to the event log by `refused`, outside the transaction that the
    refusal rolls back.

    Raises
    ------
    NotEntitled
        With the rule and what is missing; `subject` is in its detail.
    """
    context = Context(work=work, on=timezone.localdate(), **more)  # type: ignore[arg-type]
    try:
        return require(act, selectors.facts(by), context)
    except NotEntitled as error:
        error.detail.update(act=act, subject=subject)
        raise


def may(act: str, *, by: Person | None, work: str, **more: object) -> Decision:
    """Say whether an act would be allowed, for showing or greying a button."""
    if by is None:
        return Decision(False, f"{work}.{act}", ("a person",), "This sign-in has no person.")
    context = Context(work=work, on=timezone.localdate(), **more)  # type: ignore[arg-type]
    return allowed(act, selectors.facts(by), context)


def record_refusal(*, by: Person | None, error: NotEntitled) -> None:
    """Write a refusal to the event log. Called where errors become answers, once."""
    from kerma.service.records import log

    log.append(
        actor=by,
        kind="refused",
        subject=str(error.detail.get("subject", "")),
        text=error.message,
        data={"rule": error.rule, "missing": error.missing, "act": error.detail.get("act", "")},
    )
