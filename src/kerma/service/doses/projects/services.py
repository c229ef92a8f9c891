"""Writes of optimisation projects."""

from __future__ import annotations

from datetime import date, timedelta

from django.db import transaction
from django.utils import timezone

from kerma import charts
from kerma.core import InputError
from kerma.core.codec import encode
from kerma.core.typeset import pretty_unit
from kerma.doses.compare import METHOD, Comparison, compare
from kerma.doses.queries import Filter, measure, over_time, selected
from kerma.reports.paper import Block, Column, Section, Table
from kerma.reports.parts import Chart, Method
from kerma.service.doses import columnar
from kerma.service.doses.models import Project, StandardName
from kerma.service.estate.models import Employer, System
from kerma.service.people.entitlement import demand
from kerma.service.people.models import Person
from kerma.service.records import log
from kerma.service.records.models import Paper
from kerma.service.records.papers.compose import Words, paper_open, paper_write
from kerma.service.records.papers.selectors import of_subject
from kerma.service.records.sealing import settled
from kerma.service.web.components.numbers import day, number


def _demand(by: Person, employer: Employer, subject: str) -> None:
    demand("perform", by=by, work="optimisation", subject=subject, employer=employer.key,
           employer_name=employer.name)  # fmt: skip


@transaction.atomic
def project_open(
    *, by: Person, title: str, employer: Employer, standard: StandardName, quantity: str, aim: str,
    before_since: date, changed_on: date, system: System | None = None, change: str = "",
    after_until: date | None = None, image_quality: str = "",
) -> Project:  # fmt: skip
    """Open a project.

    Raises
    ------
    InputError
        ``blank``; ``bad-period``.
    """
    _demand(by, employer, "doses:projects")
    if not title.strip() or not aim.strip():
        raise InputError("Give the project a title and say what it is for.", code="blank")
    if not before_since < changed_on or (after_until and after_until < changed_on):
        raise InputError(
            "The period before ends with the day of the change, and the period after begins on it.",
            code="bad-period",
        )
    project = Project(
        title=title.strip()[:200], employer=employer, system=system, standard=standard,
        quantity=quantity, aim=aim.strip()[:600], change=change.strip()[:1000],
        before_since=before_since, changed_on=changed_on, after_until=after_until,
        image_quality=image_quality.strip()[:600], opened_by=by, opened_at=timezone.now(),
    )  # fmt: skip
    project.save()
    _log(project, by, "project.opened", f"Optimisation project opened: {project}")
    return project


def _log(project: Project, by: Person, kind: str, text: str) -> None:
    log.append(
        actor=by, kind=kind, subject=project, text=text, seals=[project],
        data={"state": {f"doses.project:{project.pk}": {"state": project.state}}},
    )  # fmt: skip


def project_evaluate(*, by: Person, project: Project) -> Project:
    """Compare the doses before and after, as they are now.

    Raises
    ------
    InputError
        ``closed``; those of `kerma.doses.compare.compare`.
    """
    _demand(by, project.employer, log.subject_of(project))
    _require_open(project)
    # Worked out before anything is locked: years of doses take a while.
    columnar.refresh()
    until = project.after_until or timezone.localdate()
    before = _doses(project, project.before_since, project.changed_on - timedelta(days=1))
    after = _doses(project, project.changed_on, until)
    found = compare(before, after)
    result = settled(
        {"comparison": encode(found), "method": METHOD, "unit": measure(project.quantity).unit,
         "until": until.isoformat(), "at": timezone.now().isoformat()}
    )  # fmt: skip
    with transaction.atomic():
        project = Project.objects.select_for_update(of=("self",)).get(pk=project.pk)
        _require_open(project)
        project.result, project.state = result, "evaluated"
        project.save()
        _log(project, by, "project.evaluated", f"{project}: ratio of medians {found.ratio:.3f}")
    return project


def _require_open(project: Project) -> None:
    if project.state == "closed":
        raise InputError("This project is closed.", code="closed")


def _filter(project: Project, since: date, until: date) -> Filter:
    equal = {"standard": [project.standard.key], "employer": [project.employer.key]}
    if project.system:
        equal["system"] = [project.system.asset]
    return Filter(since=since, until=until, equal=equal)


def _doses(project: Project, since: date, until: date) -> list[float]:
    asked = measure(project.quantity)
    rows = selected(columnar.store(), asked, _filter(project, since, until))
    return list(rows.select(asked.column).sort(asked.column).collect()[asked.column])


@transaction.atomic
def project_write(*, by: Person, project: Project, summary: str) -> Paper:
    """Write the project's paper, or its draft again.

    Raises
    ------
    InputError
        ``not-evaluated``; ``blank``; those of `paper_open`.
    """
    if project.state == "open":
        raise InputError("Evaluate the project first.", code="not-evaluated")
    if not summary.strip():
        raise InputError("Say in your own words what came of it.", code="blank")
    words = _words(project, summary)
    subject = log.subject_of(project)
    latest = of_subject(subject).exclude(state="withdrawn").first()
    if latest and latest.state in ("draft", "in_review"):
        paper_write(by=by, paper=latest, words=words)
        return latest
    return paper_open(by=by, work="optimisation", subject=subject, words=words,
                      employer=project.employer, system=project.system,
                      modality=project.standard.modality)  # fmt: skip


@transaction.atomic
def project_close(*, by: Person, project: Project) -> None:
    """Close a project whose paper is issued.

    Raises
    ------
    InputError
        Code ``not-issued``.
    """
    _demand(by, project.employer, log.subject_of(project))
    if not of_subject(log.subject_of(project)).filter(state="issued").exists():
        raise InputError("A project is closed when its paper is issued.", code="not-issued")
    project.state = "closed"
    project.save()
    _log(project, by, "project.closed", f"{project} closed")


def comparison_of(project: Project) -> Comparison | None:
    """Return the evaluation of a project, if there is one."""
    from kerma.core.codec import decode

    stored = project.result.get("comparison")
    return decode(Comparison, stored) if stored else None


def _words(project: Project, summary: str) -> Words:
    found = comparison_of(project)
    assert found is not None
    unit = pretty_unit(project.result["unit"])
    title = project.get_quantity_display()
    rows = tuple(
        (name, period, str(q.count), number(q.value),
         f"{number(q.low)} to {number(q.high)}" if None not in (q.low, q.high) else "–")
        for name, period, q in (
            ("Before", f"{day(project.before_since)} to {day(project.changed_on)}", found.first),
            ("After", f"{day(project.changed_on)} to "
                      f"{day(date.fromisoformat(project.result['until']))}", found.second),
        )
    )  # fmt: skip
    columns = (Column("", share=0.8), Column("Period", share=2), Column("n", "right", 0.6),
               Column(f"Median {title}, {unit}", "right", 1.4),
               Column("95 % interval", "right", 1.4))  # fmt: skip
    percent = 100.0 * (found.ratio - 1.0)
    ends = f"{100 * (found.low - 1):+.0f} % to {100 * (found.high - 1):+.0f} %"
    statement = (
        f"The median {title} changed by {percent:+.0f} % (95 % interval {ends})."
        if found.changed
        else f"No change of the median {title} can be shown "
        f"({percent:+.0f} %, 95 % interval {ends})."
    )
    return Words(
        kind="Optimisation project", title=project.title,
        facts=(("Examination", project.standard.title),
               ("System", str(project.system) if project.system else "all of the employer"),
               ("Changed on", str(day(project.changed_on)))),
        statement=statement,
        summary=tuple(p.strip() for p in summary.splitlines() if p.strip()),
        sections=(
            Section("Aim and change", tuple(Block(text=t) for t in (project.aim, project.change)
                                            if t)),
            Section("Doses before and after", (Block(table=Table(columns, rows)),
                                               *_chart(project))),
            Section("Image quality", (Block(text=project.image_quality
                                            or "Nothing was recorded on image quality."),)),
        ),
        assumptions=("A difference in dose is not by itself an improvement: indication and size of "
                     "the patients of the two periods may differ.",),
        methods=(Method("before and after", "1", "", project.result["method"]),),
    )  # fmt: skip


def _chart(project: Project) -> tuple[Block, ...]:
    until = date.fromisoformat(project.result["until"])
    chosen = _filter(project, project.before_since, until)
    months = over_time(columnar.store(), project.quantity, chosen)
    if months.is_empty():
        return ()
    ordered = months.select("since", "group", "count", "p25", "median", "p75")
    drawn = charts.over_time(list(ordered.iter_rows()), title=project.get_quantity_display(),
                             unit=project.result["unit"])  # fmt: skip
    return (Block(chart=Chart("By month", charts.svg(drawn), drawn.alt)),)
