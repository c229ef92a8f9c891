"""Reads about people: what the rules need, who is responsible, what runs out."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, timedelta
from typing import Any

from django.db.models import Q, QuerySet

from kerma.authority import (
    AppointmentFact,
    AuthorisationFact,
    CredentialFact,
    PersonFacts,
    titles,
)
from kerma.service.people.models import (
    Absence,
    Appointment,
    Credential,
    ModalityLead,
    Person,
    SiteContact,
)


def facts(person: Person) -> PersonFacts:
    """Return a person as the authority rules see them."""
    return PersonFacts(
        id=str(person.pk),
        name=person.name,
        role=person.role,
        active=person.active,
        credentials=tuple(
            CredentialFact(c.type, c.number, c.issued, c.expires, c.withdrawn)
            for c in person.credentials.all()
        ),
        authorisations=tuple(
            AuthorisationFact(a.task, a.modality, a.level, a.given, a.revoked)
            for a in person.authorisations.all()
        ),
        appointments=tuple(
            AppointmentFact(a.employer.key, a.role, tuple(a.modalities), a.start, a.end)
            for a in person.appointments.select_related("employer")
        ),
    )


def capacity(person: Person, on: date) -> list[dict[str, str]]:
    """Return the titles that may be printed for a person on a day, with credential numbers."""
    return [{"title": t, "credential": c} for t, c in titles(facts(person), on)]


def contact_for(site_id: int, on: date) -> tuple[Person | None, Person | None]:
    """Return a site's dedicated contact and, when that person is away, who covers.

    Returns
    -------
    contact, acting
        `acting` is the contact unless absent, then the cover; ``None`` when nobody is named.
    """
    found = (
        SiteContact.objects.filter(site_id=site_id, start__lte=on)
        .filter(Q(end=None) | Q(end__gte=on))
        .select_related("person", "cover")
        .order_by("-start")
        .first()
    )
    if found is None:
        return None, None
    away = Absence.objects.filter(person=found.person, start__lte=on, end__gte=on).exists()
    return found.person, (found.cover if away else found.person)


def leads(on: date) -> QuerySet[ModalityLead]:
    """Return the modality leads in post on a day."""
    return (
        ModalityLead.objects.filter(start__lte=on)
        .filter(Q(end=None) | Q(end__gte=on))
        .select_related("person")
    )


def credentials_running_out(on: date, days: int = 90) -> QuerySet[Credential]:
    """Return credentials of active persons that have expired or will within `days`."""
    return (
        Credential.objects.filter(
            person__active=True, withdrawn=None, expires__lte=on + timedelta(days=days)
        )
        .select_related("person")
        .order_by("expires")
    )


def appointments(on: date) -> QuerySet[Appointment]:
    """Return the appointments in force on a day."""
    return (
        Appointment.objects.filter(start__lte=on)
        .filter(Q(end=None) | Q(end__gte=on))
        .select_related("employer", "person")
        .prefetch_related("deputies")
    )


# Pages --------------------------------------------------------------------------------------------

WARN_DAYS = 180  # the first of the 180, 90 and 30 days before the end that gate G16 asks for
SOON_DAYS = 90
_YEAR = timedelta(days=365)  # between the annual declarations of continuous certification


def role_line(person: Person, on: date) -> str:
    """Return what may be printed under a name: the title held today, then other certificates.

    Reads the credentials only; a title whose credential has lapsed is not printed (gate G12).
    """
    held = PersonFacts(
        id=str(person.pk),
        name=person.name,
        role=person.role,
        credentials=tuple(
            CredentialFact(c.type, c.number, c.issued, c.expires, c.withdrawn)
            for c in person.credentials.all()
        ),
    )
    first, *others = titles(held, on)
    types = {c.number: c.type for c in held.credentials}
    short = [next((t for n, t in types.items() if said.endswith(n)), "") for _, said in others]
    return f"{first[0]} · {', '.join(short)}" if short else first[0]


def state_of(credential: Credential, on: date) -> str:
    """Say how a credential stands: ``withdrawn``, ``expired``, ``expiring`` or ``current``."""
    if credential.withdrawn and credential.withdrawn <= on:
        return "withdrawn"
    if credential.expires and credential.expires < on:
        return "expired"
    last = ends(credential)
    return "expiring" if last and last <= on + timedelta(days=SOON_DAYS) else "current"


def ends(credential: Credential) -> date | None:
    """Return the day a credential runs out, or its next annual declaration is due."""
    if credential.expires:
        return credential.expires
    declared = credential.last_annual_declaration
    return declared + _YEAR if declared else None


def credentials_pressing(
    on: date, *, person: Person | None = None, days: int = SOON_DAYS
) -> list[tuple[Credential, date, str]]:
    """Return credentials that have run out or soon will, with the day and what is due.

    One that has been followed by another of the same type and later end no longer presses.
    """
    rows = Credential.objects.filter(person__active=True, withdrawn=None).select_related("person")
    if person:
        rows = rows.filter(person=person)
    best: dict[tuple[int, str], Credential] = {}
    for row in rows:
        key = (row.person_id, row.type)
        if key not in best or _outlasts(row, best[key]):
            best[key] = row
    found = []
    for credential in best.values():
        day = ends(credential)
        if day and day <= on + timedelta(days=days):
            found.append((credential, day, "expires" if credential.expires else "declaration"))
    return sorted(found, key=lambda entry: entry[1])


def _outlasts(a: Credential, b: Credential) -> bool:
    return (a.expires or date.max, a.issued) > (b.expires or date.max, b.issued)


def roster(query: dict[str, Any]) -> QuerySet[Person]:
    """Return people, narrowed by words, role, employer, and whether they are still here."""
    rows = Person.objects.select_related("employer")
    for word in query.get("q", "").split():
        rows = rows.filter(Q(name__icontains=word) | Q(email__icontains=word))
    if query.get("role"):
        rows = rows.filter(role=query["role"])
    where = query.get("where")
    if where == "service":
        rows = rows.exclude(role="hospital_user")
    elif where:
        rows = rows.filter(employer__key=where)
    if query.get("signin") == "none":
        rows = rows.filter(user=None)
    if query.get("state") == "left":
        return rows.filter(active=False)
    return rows if query.get("state") == "any" else rows.filter(active=True)


def credentials_of(people: Iterable[Person], on: date) -> None:
    """Add to each person the credentials that count today, in one query."""
    listed = list(people)
    held: dict[int, list[Credential]] = {}
    for row in Credential.objects.filter(person__in=listed).order_by("type", "-issued"):
        held.setdefault(row.person_id, []).append(row)
    for person in listed:
        rows = held.get(person.pk, [])
        current = [c for c in rows if state_of(c, on) in ("current", "expiring")]
        types = {c.type for c in current}
        lapsed = [c for c in rows if c.type not in types and state_of(c, on) == "expired"]
        person.held = [
            {"name": c.type, "state": state_of(c, on)} for c in _once(current) + _once(lapsed)
        ]


def _once(rows: list[Credential]) -> list[Credential]:
    return list({c.type: c for c in reversed(rows)}.values())[::-1]


def contacts(on: date) -> QuerySet[SiteContact]:
    """Return the dedicated contacts in force on a day."""
    return (
        SiteContact.objects.filter(start__lte=on)
        .filter(Q(end=None) | Q(end__gt=on))
        .select_related("site__employer", "person", "cover")
        .order_by("site__employer__name", "site__name", "-start")
    )


def away(on: date) -> set[int]:
    """Return the ids of persons who are away on a day."""
    rows = Absence.objects.filter(start__lte=on, end__gte=on)
    return set(rows.values_list("person", flat=True))
