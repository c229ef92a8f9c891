"""Columns of the lists of reports, actions and log entries."""

from __future__ import annotations

from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from kerma.service.records.models import Action, Event, Issue
from kerma.service.web.components.marks import badge
from kerma.service.web.components.numbers import day, due, moment, overdue
from kerma.service.web.tables import Column

PRIORITY_TONE = {1: "bad", 2: "warn", 3: ""}
ACTION_TONE = {"open": "warn", "done": "accent", "closed": ""}


def _system(issue: Issue) -> str:
    return str(issue.report.system) if issue.report.system else ""


def _site(row: Issue | Action) -> str:
    system = row.report.system if isinstance(row, Issue) else row.system
    return str(system.room.site) if system else ""


def _stands(issue: Issue) -> str:
    return "superseded" if issue.was_superseded else "current"


def issue_columns() -> list[Column[Issue]]:
    """Return the columns of the list of reports."""
    return [
        Column("number", "Report", lambda i: i.report.number, ("report__number", "number"),
               nowrap=True, url=lambda i: reverse("issue", args=[i.pk])),
        Column("issue", "Issue", lambda i: i.number, num=True),
        Column("issued", "Issued", lambda i: i.issued_at, ("issued_at",),
               html=lambda i: day(i.issued_at), nowrap=True),
        Column("title", "About", lambda i: i.report.title, ("report__title",)),
        Column("site", "Site", _site, ("report__system__room__site__name",), soft=True),
        Column("recommendation", "Recommendation", lambda i: i.recommended),
        Column("by", "Approved by", lambda i: i.issued_by.name, ("issued_by__name",), soft=True),
        Column("state", "State", _stands,
               html=lambda i: badge(_stands(i), "" if i.was_superseded else "accent")),
    ]  # fmt: skip


def _due(action: Action) -> SafeString | str:
    if action.status == "closed":
        return day(action.due)
    cls = "late" if overdue(action.due) else "soft"
    return format_html('{}<br><span class="{}">{}</span>', day(action.due), cls, due(action.due))


def _priority(action: Action) -> SafeString:
    return badge(action.get_priority_display(), PRIORITY_TONE.get(action.priority, ""))


def action_columns() -> list[Column[Action]]:
    """Return the columns of the list of actions."""
    return [
        Column("priority", "Priority", lambda a: a.get_priority_display(), ("priority", "due"),
               html=_priority),
        Column("text", "What must be done", lambda a: a.text, ("text",),
               url=lambda a: reverse("action", args=[a.pk])),
        Column("system", "System", lambda a: str(a.system or ""), ("system__asset",),
               url=lambda a: reverse("system", args=[a.system.asset]) if a.system else ""),
        Column("site", "Site", _site, ("system__room__site__name",), soft=True),
        Column("owner", "Owner", lambda a: a.owner, ("owner",), soft=True),
        Column("due", "Due", lambda a: a.due, ("due",), html=_due, nowrap=True),
        Column("report", "Report", lambda a: str(a.issue or ""), ("issue__report__number",),
               nowrap=True,
               url=lambda a: reverse("issue", args=[a.issue_id]) if a.issue_id else ""),
        Column("status", "State", lambda a: a.get_status_display(), ("status",),
               html=lambda a: badge(a.get_status_display(), ACTION_TONE[a.status])),
    ]  # fmt: skip


def event_columns() -> list[Column[Event]]:
    """Return the columns of the event log."""
    return [
        Column("entry", "Entry", lambda e: e.pk, ("id",), num=True),
        Column("at", "When", lambda e: e.at, ("at", "id"),
               html=lambda e: moment(e.at), nowrap=True),
        Column("actor", "Who", lambda e: e.actor.name if e.actor else "the service",
               ("actor__name",)),
        Column("kind", "Kind", lambda e: e.kind, ("kind",), soft=True),
        Column("subject", "Subject", lambda e: e.subject, ("subject",), soft=True),
        Column("text", "What", lambda e: e.text),
        Column("digest", "Digest", lambda e: e.digest, soft=True,
               html=lambda e: format_html('<code title="{}">{}</code>', e.digest, e.digest[:10])),
    ]  # fmt: skip
