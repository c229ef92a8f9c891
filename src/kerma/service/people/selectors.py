"""Reads about people: what the rules need, who is responsible, what runs out."""

from __future__ import annotations

from datetime import date, timedelta

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
