"""Writing the report of a version."""

from __future__ import annotations

from datetime import date

from django.db import transaction

from kerma.core import InputError
from kerma.service.people.models import Person
from kerma.service.protection.models import DesignVersion
from kerma.service.protection.shielding.selectors import papers
from kerma.service.protection.shielding.services import WORK, entitled, require_whole
from kerma.service.protection.shielding.words import words_of
from kerma.service.records import log
from kerma.service.records.models import Paper
from kerma.service.records.papers.compose import Words, paper_open, paper_write


def design_write(
    *,
    by: Person,
    version: DesignVersion,
    summary: str,
    owner: str,
    due: date,
    amend_reason: str = "",
) -> Paper:
    """Write the report of a version, or write its draft again.

    The report in force of another version of the same design is replaced, which needs a reason.

    Raises
    ------
    NotEntitled
        The person may not design shielding here.
    InputError
        ``blank``; ``other-draft``: a report of another version is on its way; those of
        `paper_open`.
    """
    entitled(by, version.design)
    if not summary.strip():
        raise InputError("Say in your own words what you advise.", code="blank")
    require_whole(version)
    # Pictures and maps are drawn before anything is locked.
    words = words_of(version, summary=summary, owner=owner, due=due)
    with transaction.atomic():
        return _written(by, version, words, amend_reason)


def _written(by: Person, version: DesignVersion, words: Words, amend_reason: str) -> Paper:
    subject = log.subject_of(version)
    held = papers(version.design)
    open_ones = [p for p in held if p.state in ("draft", "in_review")]
    if open_ones and open_ones[0].subject != subject:
        raise InputError(
            f"{open_ones[0].report.number} of another version is on its way. Issue it or "
            "withdraw it first.",
            code="other-draft",
        )
    if open_ones:
        paper_write(by=by, paper=open_ones[0], words=words)
        return open_ones[0]
    issued = next((p for p in held if p.state == "issued"), None)
    return paper_open(
        by=by, work=WORK, subject=subject, words=words, employer=version.design.employer,
        amends=issued, reason=amend_reason,
    )  # fmt: skip
