"""Load the simulated department: employers to instruments."""

from __future__ import annotations

from dataclasses import dataclass

from django.contrib.auth.hashers import make_password
from django.db import transaction
from django.db.models import Model

from kerma.service.estate import models as estate
from kerma.service.instruments import models as instruments
from kerma.service.people import models as people
from kerma.service.people.services import sign_in_create
from kerma.service.records import log, store
from kerma.simulate.models import Department, Instrument, System

PASSWORD = "demo-Kerma-2026"  # of every simulated sign-in; the demo says so


@dataclass(frozen=True, slots=True)
class Loaded:
    """What was loaded, by the simulation's keys."""

    employers: dict[str, estate.Employer]
    sites: dict[str, estate.Site]
    systems: dict[str, estate.System]
    persons: dict[str, people.Person]
    instruments: dict[str, instruments.Instrument]


@transaction.atomic
def load_department(department: Department) -> Loaded:
    """Create everything that is there before the first survey."""
    employers = {
        e.key: estate.Employer.objects.create(key=e.key, name=e.name) for e in department.employers
    }
    sites = {
        s.key: estate.Site.objects.create(
            employer=employers[s.employer], key=s.key, name=s.name, address=s.address
        )
        for s in department.sites
    }
    rooms = {
        r.key: estate.Room.objects.create(
            site=sites[r.site], key=r.key, name=r.name, designation="Controlled area"
        )
        for r in department.rooms
    }
    systems = {s.key: _system(s, rooms) for s in department.systems}
    persons = _people(department, employers, sites)
    register = {i.key: _instrument(i) for i in department.instruments}
    hashed = make_password(PASSWORD)
    for person in persons.values():
        sign_in_create(person=person, username=person.key, password=hashed)
    log.append(
        actor=None,
        kind="demo.loaded",
        subject="service:demo",
        text=f"Simulated department loaded, seed {department.seed}",
        data={"seed": department.seed, "today": department.today.isoformat()},
        seals=_to_seal(),
    )
    return Loaded(employers, sites, systems, persons, register)


def _to_seal() -> list[Model]:
    """Return what decides who may sign and what may be measured with."""
    kinds = (
        estate.System, people.Person, people.Credential, people.Authorisation, people.Appointment,
        instruments.Instrument, instruments.Certificate, instruments.Factor,
    )  # fmt: skip
    return [row for kind in kinds for row in kind._default_manager.order_by("pk")]


def _system(s: System, rooms: dict[str, estate.Room]) -> estate.System:
    system = estate.System.objects.create(
        room=rooms[s.room],
        asset=s.asset_number,
        name=s.name,
        modality=s.equipment_type,
        manufacturer=s.manufacturer,
        model=s.model,
        serial=s.serial,
        software=s.software,
        manufactured=s.year_of_manufacture,
        installed=s.installed.year,
        clinical_use=s.clinical_use,
        status="in_use",
    )
    for part in s.components:
        estate.Component.objects.create(
            system=system, kind=part.kind, manufacturer=part.maker, model=part.model,
            serial=part.serial, installed_on=part.installed, removed_on=part.removed,
        )  # fmt: skip
        if part.removed:
            estate.SystemEvent.objects.create(
                system=system, on=part.removed, kind=f"{part.kind} change",
                text=f"{part.reason_removed} (serial {part.serial} removed)",
            )  # fmt: skip
    identity = s.identity
    estate.DicomIdentity.objects.create(
        system=system, serial=identity.device_serial, station=identity.station_name,
        observer_uid="", valid_from=identity.valid_from,
    )  # fmt: skip
    return system


def _people(
    department: Department,
    employers: dict[str, estate.Employer],
    sites: dict[str, estate.Site],
) -> dict[str, people.Person]:
    persons = {
        p.key: people.Person.objects.create(
            key=p.key, name=p.name, role=p.role, email=p.email, joined=p.started,
            employer=employers.get(p.employer),
        )
        for p in department.persons
    }  # fmt: skip
    manager = next(p for p in persons.values() if p.role == "service_manager")
    for c in department.credentials:
        people.Credential.objects.create(
            person=persons[c.person], type=c.type, number=c.number, issuing_body=c.issuing_body,
            scope=c.scope, issued=c.issued, expires=c.expires,
            last_annual_declaration=c.last_declaration, verified_by=manager, verified_on=c.issued,
        )  # fmt: skip
    for a in department.authorisations:
        people.Authorisation.objects.create(
            person=persons[a.person], task=a.task, modality=a.modality, level=a.level,
            given=a.given, assessor=persons[a.assessor], review_due=a.review_due,
        )  # fmt: skip
    for a in department.appointments:
        letter = store.keep(
            by=manager,
            content=f"Letter of appointment {a.letter}: {a.role}, {a.scope}. Simulated.".encode(),
            name=f"appointment-{a.letter.replace('/', '-')}.txt",
            media_type="text/plain",
        )
        appointment = people.Appointment.objects.create(
            employer=employers[a.employer], role=a.role, person=persons[a.person], scope=a.scope,
            modalities=list(a.modalities), start=a.start, end=a.end, letter=letter,
        )  # fmt: skip
        appointment.deputies.set([persons[d] for d in a.deputies])
    for lead in department.modality_leads:
        people.ModalityLead.objects.create(
            modality=lead.equipment_type, person=persons[lead.person], start=lead.since
        )
    for contact in department.site_contacts:
        people.SiteContact.objects.create(
            site=sites[contact.site], person=persons[contact.person],
            cover=persons[contact.cover], start=contact.since,
        )  # fmt: skip
    for absence in department.absences:
        people.Absence.objects.create(
            person=persons[absence.person], start=absence.first, end=absence.last,
            reason=absence.reason,
        )  # fmt: skip
    return persons


def _instrument(i: Instrument) -> instruments.Instrument:
    row = instruments.Instrument.objects.create(
        key=i.key, kind=i.kind, manufacturer=i.maker, model=i.model, serial=i.serial
    )
    for c in i.certificates:
        document = store.keep(
            by=None,
            content=f"Certificate {c.number} of {i.serial}, {c.laboratory}. Simulated.".encode(),
            name=f"certificate-{c.number}.txt",
            media_type="text/plain",
        )
        certificate = instruments.Certificate.objects.create(
            instrument=row, number=c.number, laboratory=c.laboratory,
            calibrated_on=c.calibrated, due_on=c.due, document=document,
        )  # fmt: skip
        for f in c.factors:
            instruments.Factor.objects.create(
                certificate=certificate, quantity=f.quantity, factor=f.factor,
                u_percent=f.expanded_percent, k=f.k, beam_quality=f.beam,
            )  # fmt: skip
    return row
