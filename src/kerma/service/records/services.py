"""Writes to signatures, issues, actions and verifications."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

from django.db import transaction
from django.utils import timezone

from kerma import reference
from kerma.core import InputError, NotEntitled, content_hash
from kerma.service.estate.models import Employer, System
from kerma.service.people import selectors as people
from kerma.service.people.entitlement import demand
from kerma.service.people.models import Person
from kerma.service.records import log, store
from kerma.service.records.models import (
    Action,
    ActionEntry,
    Attachment,
    Issue,
    Report,
    Signature,
    Verification,
)


@transaction.atomic
def signature_add(
    *,
    by: Person,
    meaning: str,
    subject: str,
    content_sha256: str,
    rule: str,
    comment: str = "",
) -> Signature:
    """Sign a content hash; the caller has asked the authority rules already."""
    signature = Signature(
        subject=subject,
        meaning=meaning,
        person=by,
        capacity=people.capacity(by, timezone.localdate()),
        rule=rule,
        content_sha256=content_sha256,
        at=timezone.now(),
        comment=comment,
    )
    signature.save()
    log.append(
        actor=by,
        kind=f"signed.{meaning}",
        subject=subject,
        text=f"{by.name} signed as {meaning}",
        data={"content_sha256": content_sha256, "rule": rule},
        seals=[signature],
    )
    return signature


def report_number(on: date) -> str:
    """Return the next free report number of the year."""
    prefix = f"KR-{on.year}-"
    last = (
        Report.objects.filter(number__startswith=prefix)
        .order_by("-number")
        .values_list("number", flat=True)
        .first()
    )
    return f"{prefix}{int(last.removeprefix(prefix)) + 1 if last else 1:05d}"


@transaction.atomic
def report_create(
    *,
    kind: str,
    title: str,
    employer: Employer,
    system: System | None,
    on: date,
    by: Person | None = None,
) -> Report:
    """Open a numbered report; it holds nothing until an issue is added."""
    log.one_at_a_time()
    report = Report.objects.create(
        number=report_number(on), kind=kind, title=title[:240], employer=employer, system=system
    )
    log.append(
        actor=by, kind="report.numbered", subject=report, text=f"{report}: {report.title}",
        seals=[report],
    )  # fmt: skip
    return report


@transaction.atomic
def issue_add(
    *,
    by: Person,
    report: Report,
    subject: str,
    content: dict[str, Any],
    pdf: bytes,
    reason: str = "",
) -> Issue:
    """Add the next issue of a report; it supersedes the one before and says why."""
    previous = report.issues.order_by("-number").first()
    if previous and not reason:
        raise InputError(
            "An amended report must say why it replaces the earlier issue.", code="no-reason"
        )
    number = previous.number + 1 if previous else 1
    document = store.keep(
        by=by,
        content=pdf,
        name=f"{report.number}-issue-{number}.pdf",
        media_type="application/pdf",
    )
    issue = Issue(
        report=report,
        number=number,
        subject=subject,
        content=content,
        content_sha256=content_hash(content),
        document=document,
        issued_at=timezone.now(),
        issued_by=by,
        supersedes=previous,
        reason=reason,
    )
    issue.save()
    text = f"{by.name} issued {issue}" + (
        f", superseding issue {previous.number}" if previous else ""
    )
    log.append(
        actor=by,
        kind="report.issued",
        subject=issue,
        text=text,
        data={"report": report.number, "issue": number, "reason": reason},
        seals=[issue],
    )
    return issue


@transaction.atomic
def action_open(*, by: Person, employer: Employer, system: System | None, **fields: Any) -> Action:
    """Open an action owned by somebody, with a day it is due."""
    action = Action.objects.create(
        employer=employer, system=system, opened_at=timezone.now(), **fields
    )
    log.append(
        actor=by,
        kind="action.opened",
        subject=action,
        text=f"Action opened: {action.text}",
        data=_action_state(action),
        seals=[action],
    )
    return action


def _action_state(action: Action) -> dict[str, Any]:
    return {"state": {f"records.action:{action.pk}": {"status": action.status}}}


@transaction.atomic
def action_respond(
    *,
    by: Person,
    action: Action,
    text: str,
    status: str,
    evidence: Attachment | None = None,
) -> ActionEntry:
    """Add a response; closing is a separate right from responding."""
    action = Action.objects.select_for_update().get(pk=action.pk)
    if not text.strip():
        raise InputError("Say what was done or found before saving.", code="blank")
    if status not in dict(Action.STATUS):
        raise InputError(f"“{status}” is not a state of an action.", code="bad-state")
    if action.status == "closed":
        raise InputError(
            "This action is closed. Open a new one if there is more to do.", code="closed"
        )
    _may_answer(by, action, status)
    entry = ActionEntry(
        action=action, at=timezone.now(), by=by, text=text.strip(), status=status, evidence=evidence
    )
    entry.save()
    action.status = status
    if status == "closed":
        action.closed_at, action.closed_by = timezone.now(), by
    action.save()
    log.append(
        actor=by,
        kind=f"action.{status}",
        subject=action,
        text=f"{by.name}: {entry.text}",
        data=_action_state(action),
        seals=[entry, action],
    )
    return entry


def _may_answer(by: Person, action: Action, status: str) -> None:
    act = "close" if status == "closed" else "respond"
    demand(act, by=by, work="action", subject=log.subject_of(action))
    if by.is_hospital and by.employer_id != action.employer_id:
        raise NotEntitled(
            "This action belongs to another employer.",
            rule="action.employer",
            missing=f"a post at {action.employer}",
            detail={"act": act, "subject": log.subject_of(action)},
        )


@transaction.atomic
def actions_replace(*, by: Person, old: Issue, new: Issue) -> None:
    """Close what is still open of a superseded issue; each names the action that replaces it."""
    follow = {a.test_id: a for a in new.actions.all()}
    for action in old.actions.exclude(status="closed"):
        heir = follow.get(action.test_id)
        text = f"Replaced by action {heir.pk}" if heir else "No longer found"
        entry = ActionEntry(
            action=action, at=timezone.now(), by=by, text=f"{text}: {new}.", status="closed"
        )
        entry.save()
        action.status, action.closed_at, action.closed_by = "closed", timezone.now(), by
        action.save()
        log.append(
            actor=by, kind="action.replaced", subject=action, text=entry.text,
            data=_action_state(action), seals=[entry, action],
        )  # fmt: skip


@transaction.atomic
def action_answer(
    *,
    by: Person,
    action: Action,
    text: str,
    status: str,
    file: tuple[str, bytes] | None = None,
) -> ActionEntry:
    """Respond to an action, keeping the file that came with the response as its evidence.

    `file` is name and content. Nothing is kept when the response is refused.
    """
    _may_answer(by, action, status)
    evidence = None
    if file:
        name, content = file
        evidence = store.keep(
            by=by, content=content, name=name, media_type="application/octet-stream"
        )
    return action_respond(by=by, action=action, text=text, status=status, evidence=evidence)


@transaction.atomic
def verifications_add(
    *, by: Person, rows: Sequence[str], document: str, edition: str, clause: str = ""
) -> list[Verification]:
    """Verify several rows against the same document: all of them, or none if one is refused."""
    if not rows:
        raise InputError("Tick the rows you compared with the document.", code="blank")
    return [
        verification_add(by=by, row=row, document=document, edition=edition, clause=clause)
        for row in dict.fromkeys(rows)
    ]


@transaction.atomic
def verification_add(
    *,
    by: Person,
    row: str,
    document: str,
    edition: str,
    clause: str = "",
    withdrawn: bool = False,
) -> Verification:
    """State that a reference row agrees with the named document (or withdraw that statement).

    Raises
    ------
    NotEntitled
        The person holds no current MPE or RPA credential.
    InputError
        No such row, or no document named.
    """
    demand("verify", by=by, work="reference_data", subject=f"reference:{row}")
    found = reference.row(row)
    if not document.strip() or not edition.strip():
        raise InputError(
            "Name the document and the edition you compared the row with.", code="blank"
        )
    verification = Verification(
        row=row,
        sha256=found.sha256,
        document=document.strip(),
        edition=edition.strip(),
        clause=clause.strip(),
        by=by,
        at=timezone.now(),
        withdrawn=withdrawn,
    )
    verification.save()
    word = "withdrew the verification of" if withdrawn else "verified"
    log.append(
        actor=by,
        kind="reference.withdrawn" if withdrawn else "reference.verified",
        subject=f"reference:{row}",
        text=f"{by.name} {word} {row} against {verification.document}, {verification.edition}",
        data={"sha256": found.sha256},
        seals=[verification],
    )
    return verification
