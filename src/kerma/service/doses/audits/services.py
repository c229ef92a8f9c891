"""Writes of dose audits: work one out, write its paper, adopt its local levels."""

from __future__ import annotations

from datetime import date
from typing import Any

from django.db import transaction
from django.utils import timezone

from kerma.core import InputError
from kerma.doses.audit import Question, Result, audit, smallest_sample
from kerma.service.doses import columnar
from kerma.service.doses.audits.words import words_of
from kerma.service.doses.explorer.selectors import levels_of
from kerma.service.doses.models import Audit, LocalLevel, StandardName
from kerma.service.doses.models.levels import QUANTITIES
from kerma.service.estate.models import Employer
from kerma.service.people.entitlement import demand
from kerma.service.people.models import Person
from kerma.service.records import log
from kerma.service.records.models import Issue, Paper
from kerma.service.records.papers.compose import paper_open, paper_write
from kerma.service.records.papers.selectors import of_subject
from kerma.service.records.sealing import settled

_LEVEL_QUANTITY = {"dlp": "dlp", "ctdivol": "ctdivol", "kap": "kap",
                   "fluoro_time": "fluoro_time", "agd": "agd"}  # fmt: skip


def audit_make(
    *,
    by: Person,
    employer: Employer,
    standard: StandardName,
    measure: str,
    since: date,
    until: date,
    smallest: int | None = None,
    ages: tuple[str, ...] = (),
    masses: tuple[str, ...] = (),
) -> Audit:
    """Work out an audit on the doses as they are now, and keep it as it is.

    Raises
    ------
    NotEntitled
        The person may not prepare audits.
    InputError
        Those of `kerma.doses.audit.audit`.
    """
    demand("perform", by=by, work="dose_audit", subject="doses:audit", employer=employer.key,
           employer_name=employer.name, modality=standard.modality)  # fmt: skip
    # Brought up to date and worked out before anything is locked: years of doses take a while.
    columnar.refresh()
    least = smallest or smallest_sample(standard.modality)[0]
    question = Question(
        standard.key, standard.modality, measure, since, until, least, tuple(ages), tuple(masses),
        employer.key,
    )  # fmt: skip
    found = audit(columnar.store(), question, _national(standard, measure, until))
    made = Audit(
        title=f"{standard.title}, {dict(QUANTITIES)[measure]}"[:200],
        employer=employer, standard=standard, quantity=measure, since=since, until=until,
        choices=settled({"ages": list(ages), "masses": list(masses), "smallest": least,
                         "rule": "stated by the auditor" if smallest else "reference"}),
        result=settled(found.as_dict()), at=timezone.now(), by=by,
    )  # fmt: skip
    with transaction.atomic():
        made.save()
        log.append(actor=by, kind="audit.made", subject=made, seals=[made],
                   text=f"Dose audit: {made.title}")  # fmt: skip
    return made


def _national(standard: StandardName, measure: str, on: date) -> Any:
    """Return the level linked to the name that is in force; several for one quantity is none."""
    quantity = _LEVEL_QUANTITY.get(measure)
    if quantity is None:
        return None
    linked = [n for n in levels_of(standard, quantity) if n.year <= on.year]
    newest = max((n.year for n in linked), default=0)
    current = [n for n in linked if n.year == newest]
    return current[0] if len(current) == 1 else None


@transaction.atomic
def audit_write(
    *, by: Person, item: Audit, summary: str, owner: str, due: date, amend_reason: str = ""
) -> Paper:
    """Write the audit's paper, or write its draft again; an issued one is amended with a reason.

    Raises
    ------
    InputError
        ``blank``; ``in-review``; those of `paper_open`.
    """
    if not summary.strip():
        raise InputError("Say in your own words what the audit shows.", code="blank")
    words = words_of(item, summary=summary, owner=owner, due=due)
    subject = log.subject_of(item)
    latest = of_subject(subject).exclude(state="withdrawn").first()
    if latest and latest.state in ("draft", "in_review"):
        paper_write(by=by, paper=latest, words=words)
        return latest
    return paper_open(
        by=by, work="dose_audit", subject=subject, words=words, employer=item.employer,
        modality=item.standard.modality,
        amends=latest if latest and latest.state == "issued" else None, reason=amend_reason,
    )  # fmt: skip


@transaction.atomic
def levels_adopt(*, by: Person, item: Audit, valid_from: date) -> list[LocalLevel]:
    """Put the local levels of an issued audit in force; those they replace end the day before.

    Raises
    ------
    NotEntitled
        Only who may approve an audit may adopt its levels.
    InputError
        ``not-issued``; ``no-level`` (too few rooms); ``adopted``.
    """
    demand("approve", by=by, work="dose_audit", subject=log.subject_of(item),
           employer=item.employer.key, employer_name=item.employer.name,
           modality=item.standard.modality)  # fmt: skip
    issue = issue_of(item)
    if issue is None:
        raise InputError("Levels are adopted from an issued audit.", code="not-issued")
    if item.levels.exists():
        raise InputError("The levels of this audit have been adopted already.", code="adopted")
    found = Result.from_dict(item.result)
    usable = [b for b in found.bands if b.level is not None and not b.note]
    if not usable:
        raise InputError(
            "No band of this audit rests on rooms enough for a reference level.", code="no-level"
        )
    now = timezone.now()
    made = []
    for band in usable:
        assert band.level is not None
        age, mass = _split(band.band, item)
        ended = _end_earlier(item, age, mass, valid_from)
        level = LocalLevel(
            audit=item, employer=item.employer, standard=item.standard, quantity=item.quantity,
            age_band=age, mass_band=mass, phantom=_phantom(found), value=band.level.value,
            unit=found.unit, low=band.level.low, high=band.level.high, count=band.rooms,
            method="75th percentile of the medians of the rooms", valid_from=valid_from,
            set_by=by, set_at=now, issue=issue,
        )  # fmt: skip
        level.save()
        made.append(level)
        log.append(
            actor=by, kind="level.adopted", subject=level, text=f"Local level adopted: {level}",
            seals=[level, *ended],
        )  # fmt: skip
    return made


def issue_of(item: Audit) -> Issue | None:
    """Return the newest issue of an audit's paper; ``None`` before there is one."""
    papers = [log.subject_of(p) for p in of_subject(log.subject_of(item)).filter(state="issued")]
    return Issue.objects.filter(subject__in=papers).order_by("-number").first()


def _split(name: str, item: Audit) -> tuple[str, str]:
    parts = set(name.split(", "))
    age = next((a for a in item.choices["ages"] if a in parts), "")
    mass = next((m for m in item.choices["masses"] if m in parts), "")
    return age, mass


def _phantom(found: Result) -> str:
    seen = {p for room in found.rooms for p in room.phantoms}
    return seen.pop() if len(seen) == 1 else ""


def _end_earlier(item: Audit, age: str, mass: str, valid_from: date) -> list[LocalLevel]:
    earlier = list(
        LocalLevel.objects.filter(
            employer=item.employer, standard=item.standard, quantity=item.quantity, system=None,
            age_band=age, mass_band=mass, ended_on=None,
        )
    )  # fmt: skip
    for level in earlier:
        level.ended_on, level.end_reason = valid_from, f"Replaced by {item.title}"
        level.save()
    return earlier
