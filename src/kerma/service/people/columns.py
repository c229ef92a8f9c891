"""Columns of the list of people."""

from __future__ import annotations

from typing import Any

from django.urls import reverse
from django.utils.html import format_html_join

from kerma.service.people.models import Person
from kerma.service.web.components.marks import badge
from kerma.service.web.tables import Column

CREDENTIAL_TONE = {"current": "accent", "expiring": "warn", "expired": "bad", "withdrawn": ""}


def _held(person: Any) -> str:
    return ", ".join(
        c["name"] if c["state"] == "current" else f"{c['name']} ({c['state']})" for c in person.held
    )


def _badges(person: Any) -> str:
    return format_html_join(
        " ",
        "{}",
        (
            (badge(c["name"], CREDENTIAL_TONE[c["state"]], c["state"]),)
            if c["state"] == "current"
            else (badge(f"{c['name']} {c['state']}", CREDENTIAL_TONE[c["state"]]),)
            for c in person.held
        ),
    )


def people_columns() -> list[Column[Person]]:
    """Return the columns."""
    return [
        Column("name", "Name", lambda p: p.name, ("name",), nowrap=True,
               url=lambda p: reverse("person", args=[p.key])),
        Column("role", "Role", lambda p: p.get_role_display(), ("role",)),
        Column("employer", "Works for",
               lambda p: p.employer.name if p.employer else "The physics service",
               ("employer__name",), soft=True),
        Column("credentials", "Credentials", _held, html=_badges),
        Column("email", "E-mail", lambda p: p.email, ("email",), soft=True),
        Column("joined", "Since", lambda p: p.joined, ("joined",), soft=True, nowrap=True),
    ]  # fmt: skip
