"""Writing a paper: a room gives its words, tables and figures; who, when and sources are added."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from kerma import __version__
from kerma.core import InputError, Source, content_hash
from kerma.reports.paper import Paper as Content
from kerma.reports.paper import Proposal, Section
from kerma.reports.parts import Method, Organisation, SourceLine, Supersession
from kerma.service.estate.models import Employer, System
from kerma.service.people import selectors as people
from kerma.service.people.entitlement import demand
from kerma.service.people.models import Person
from kerma.service.records import log
from kerma.service.records.models import Paper, PaperDraft
from kerma.service.records.policy import service
from kerma.service.records.sealing import settled
from kerma.service.records.selectors import verifications
from kerma.service.records.services import report_create


@dataclass(frozen=True, slots=True)
class Words:
    """What a room has to say; everything else of a paper is known already.

    Attributes
    ----------
    kind, title
        “Local DRL audit”; “Adult head CT, 2026”.
    sources
        The reference rows its statements rest on; each must be verified before issue.
    """

    kind: str
    title: str
    subtitle: str = ""
    facts: tuple[tuple[str, str], ...] = ()
    statement: str = ""
    summary: tuple[str, ...] = ()
    sections: tuple[Section, ...] = ()
    proposals: tuple[Proposal, ...] = ()
    assumptions: tuple[str, ...] = ()
    sources: tuple[Source, ...] = ()
    methods: tuple[Method, ...] = ()
    distribution: tuple[str, ...] = ()


@transaction.atomic
def paper_open(
    *,
    by: Person,
    work: str,
    subject: str,
    words: Words,
    employer: Employer,
    system: System | None = None,
    modality: str = "",
    amends: Paper | None = None,
    reason: str = "",
) -> Paper:
    """Open a paper with its first draft.

    Parameters
    ----------
    by, work
        The author, and the kind of work the authority rules know it as.
    subject
        What it is about in its room, such as ``audit:12``.
    words
        What it says.
    employer, system, modality
        Whose it is; the rules ask for appointments and scopes by them.
    amends, reason
        The issued paper this one will replace, and why.

    Raises
    ------
    NotEntitled
        The person may not write papers of this work.
    InputError
        ``no-reason``, ``not-issued`` or ``amended-already``, for an amendment.
    """
    demand("perform", by=by, work=work, subject=subject, modality=modality,
           employer=employer.key, employer_name=employer.name)  # fmt: skip
    if amends is not None:
        _require_amendable(amends, reason)
    report = amends.report if amends else report_create(
        by=by, kind=work, title=f"{words.kind}: {words.title}", employer=employer, system=system,
        on=timezone.localdate(),
    )  # fmt: skip
    paper = Paper.objects.create(
        report=report, work=work, subject=subject, author=by, modality=modality,
        amends=amends, amend_reason=reason.strip(), opened_at=timezone.now(),
    )  # fmt: skip
    log.append(
        actor=by, kind="paper.opened", subject=paper, text=f"{by.name} opened {report}",
        data={"state": {f"records.paper:{paper.pk}": {"state": paper.state}}}, seals=[paper],
    )  # fmt: skip
    paper_write(by=by, paper=paper, words=words)
    return paper


def _require_amendable(amends: Paper, reason: str) -> None:
    if not reason.strip():
        raise InputError("Say why the issued paper is amended.", code="no-reason")
    if amends.state != "issued":
        raise InputError("Only an issued paper can be amended.", code="not-issued")
    if Paper.objects.filter(amends=amends).exclude(state="withdrawn").exists():
        raise InputError("This paper is being amended already.", code="amended-already")


@transaction.atomic
def paper_write(*, by: Person, paper: Paper, words: Words) -> PaperDraft:
    """Add a draft to a paper that is still being written; what was signed before no longer counts.

    Raises
    ------
    InputError
        Code ``not-draft``.
    """
    paper = (
        Paper.objects.select_for_update(of=("self",))
        .select_related("report__employer")
        .get(pk=paper.pk)
    )
    if paper.state != "draft":
        raise InputError(
            f"This paper is {paper.get_state_display().lower()}; have it returned before it is "
            "written again.",
            code="not-draft",
        )
    content = settled(content_of(paper, words, prepared_at=timezone.now()).content())
    draft = PaperDraft(
        paper=paper, content=content, content_sha256=content_hash(content), at=timezone.now(), by=by
    )
    draft.save()
    log.append(
        actor=by, kind="paper.written", subject=paper, text=f"Draft of {paper.report} composed",
        data={"content_sha256": draft.content_sha256}, seals=[draft],
    )  # fmt: skip
    return draft


def content_of(paper: Paper, words: Words, *, prepared_at: datetime) -> Content:
    """Return a paper's content: the room's words, the service, the employer, the sources."""
    employer = paper.report.employer
    previous = paper.amends.report.issues.order_by("-number").first() if paper.amends else None
    return Content(
        report_number=paper.report.number,
        issue=previous.number + 1 if previous else 1,
        prepared_at=timezone.localtime(prepared_at),
        service=service(),
        employer=Organisation(employer.name),
        kind=words.kind,
        title=words.title,
        subtitle=words.subtitle,
        facts=(*words.facts, ("Prepared by", _named(paper.author))),
        statement=words.statement,
        summary=words.summary,
        sections=words.sections,
        proposals=words.proposals,
        assumptions=words.assumptions,
        sources=source_lines(words.sources),
        rests_on_rows=tuple(dict.fromkeys(s.row for s in words.sources)),
        methods=words.methods,
        supersedes=Supersession(
            previous.number, timezone.localdate(previous.issued_at), paper.amend_reason
        ) if previous else None,
        distribution=words.distribution,
        software=f"Kerma {__version__}",
        demo=settings.DEMO,
    )  # fmt: skip


def _named(person: Person) -> str:
    capacity = people.capacity(person, timezone.localdate())
    titles = ", ".join(c["title"] for c in capacity)
    return f"{person.name}, {titles}" if titles else person.name


def source_lines(sources: Iterable[Source]) -> tuple[SourceLine, ...]:
    """Return the sources as printed, once each, with who has verified them by now."""
    unique: Sequence[Source] = list({(s.row, s.sha256): s for s in sources}.values())
    standing = verifications({s.row for s in unique})
    lines = []
    for source in unique:
        found = standing.get((source.row, source.sha256))
        lines.append(
            SourceLine.of(
                source,
                verified_by=found.by.name if found else "",
                verified_on=timezone.localdate(found.at) if found else None,
            )
        )
    return tuple(lines)
