"""Writes to people: sign-ins, credentials, appointments, cover."""

from __future__ import annotations

from datetime import date
from typing import Any

from django.db import transaction
from django.utils import timezone

from kerma.core import InputError
from kerma.service.estate.models import Employer, Site
from kerma.service.people.entitlement import demand
from kerma.service.people.models import Absence, Appointment, Credential, Person, SiteContact, User
from kerma.service.records import log


@transaction.atomic
def sign_in_create(*, person: Person, username: str, password: str) -> User:
    """Make a sign-in for a person (installation and demo; there is no sign-up).

    `password` is the hash `make_password` gives, never the words themselves.
    """
    first, _, last = person.name.partition(" ")
    user = User.objects.create(
        username=username, person=person, first_name=first, last_name=last, password=password
    )
    # Whose sign-in it is decides who signs: verify holds the row against this.
    held = {"username": username, "person_id": person.pk, "is_superuser": user.is_superuser}
    log.append(actor=None, kind="user.created", subject=person,
               text=f"Sign-in for {person.name}",
               data={"state": {f"people.user:{user.pk}": held}})  # fmt: skip
    return user


@transaction.atomic
def credential_add(*, by: Person, person: Person, **fields: Any) -> Credential:
    """Record a registration or certificate, verified by the person recording it."""
    demand("edit", by=by, work="people", subject=log.subject_of(person))
    if by == person:
        raise InputError("Nobody records their own credential.", code="own-credential")
    expires, issued = fields.get("expires"), fields["issued"]
    if expires and expires < issued:
        raise InputError("A credential cannot expire before it was issued.", code="bad-dates")
    credential = Credential.objects.create(
        person=person, verified_by=by, verified_on=timezone.localdate(), **fields
    )
    log.append(
        actor=by,
        kind="credential.added",
        subject=person,
        text=f"{credential.type} {credential.number} recorded for {person.name}",
        seals=[credential],
    )
    return credential


@transaction.atomic
def appointment_add(
    *,
    by: Person,
    employer: Employer,
    person: Person,
    role: str,
    scope: str,
    start: date,
    modalities: list[str] | None = None,
    end: date | None = None,
) -> Appointment:
    """Record an employer's written appointment of a person."""
    demand("edit", by=by, work="people", subject=log.subject_of(person))
    if role not in dict(Appointment.ROLES):
        raise InputError(f"“{role}” is not a role one is appointed to.", code="bad-role")
    appointment = Appointment.objects.create(
        employer=employer, person=person, role=role, scope=scope, modalities=modalities or [],
        start=start, end=end,
    )  # fmt: skip
    log.append(
        actor=by,
        kind="appointment.added",
        subject=person,
        text=f"{employer} appointed {person.name} as {role}: {scope}",
        seals=[appointment],
    )
    return appointment


@transaction.atomic
def absence_add(*, by: Person, person: Person, start: date, end: date, reason: str) -> Absence:
    """Record days away, so that the cover takes over as contact."""
    if end < start:
        raise InputError("An absence cannot end before it starts.", code="bad-dates")
    if by != person:
        demand("edit", by=by, work="people", subject=log.subject_of(person))
    return Absence.objects.create(person=person, start=start, end=end, reason=reason)


@transaction.atomic
def contact_set(
    *, by: Person, site: Site, person: Person, cover: Person | None, start: date
) -> SiteContact:
    """Name a site's dedicated contact and who covers; the one before ends the day before."""
    demand("edit", by=by, work="people", subject=log.subject_of(site))
    site.contacts.filter(end=None).update(end=start)
    contact = SiteContact.objects.create(site=site, person=person, cover=cover, start=start)
    log.append(
        actor=by, kind="contact.set", subject=site, text=f"{person.name} is contact for {site}"
    )
    return contact
