"""Rows for tests of the service: small, plainly made up, each made by one call.

Nothing here goes through the acts of a survey; tests of the acts do that themselves.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from itertools import count
from typing import Any

from django.test import Client
from django.utils import timezone

from kerma import reference
from kerma.core import content_hash
from kerma.reference import levels
from kerma.service.estate.models import Component, Employer, Room, Site, System, SystemEvent
from kerma.service.instruments.models import Certificate, Factor, Instrument
from kerma.service.people.models import (
    Absence,
    Appointment,
    Authorisation,
    Credential,
    ModalityLead,
    Person,
    SiteContact,
    User,
)
from kerma.service.records import services as records
from kerma.service.records.models import Action, Issue, Report
from kerma.service.testing.models import Draft, Reading, Result, Survey

_next = count(1)
ROW = "qa-tests/radiography/kv_accuracy"


def today() -> date:
    return timezone.localdate()


def days(n: int) -> date:
    return today() + timedelta(days=n)


def employer(name: str = "") -> Employer:
    n = next(_next)
    return Employer.objects.create(key=f"employer-{n}", name=name or f"Employer {n}")


def site(of: Employer | None = None, name: str = "") -> Site:
    n = next(_next)
    return Site.objects.create(
        employer=of or employer(), key=f"site-{n}", name=name or f"Site {n}", address="1 Test Lane"
    )


def room(of: Site | None = None, name: str = "") -> Room:
    n = next(_next)
    return Room.objects.create(
        site=of or site(), key=f"room-{n}", name=name or f"Room {n}", designation="Controlled area"
    )


def system(of: Room | None = None, **fields: Any) -> System:
    n = next(_next)
    given: dict[str, Any] = {
        "asset": f"A{n:05d}",
        "name": f"DR {n}",
        "modality": "radiography",
        "manufacturer": "Halden Imaging",
        "model": "TX40",
        "serial": f"S-{n}",
        "manufactured": 2019,
        "installed": 2020,
        "status": "in_use",
    }
    return System.objects.create(room=of or room(), **{**given, **fields})


def component(of: System, kind: str = "tube", serial: str = "T-1", **fields: Any) -> Component:
    given = {"manufacturer": "Halden", "model": "RT-1", "installed_on": days(-900)}
    return Component.objects.create(system=of, kind=kind, serial=serial, **{**given, **fields})


def event(of: System, text: str = "Serviced", kind: str = "service", ago: int = 30) -> SystemEvent:
    return SystemEvent.objects.create(system=of, on=days(-ago), kind=kind, text=text)


def person(role: str = "clinical_scientist", name: str = "", **fields: Any) -> Person:
    n = next(_next)
    made = Person.objects.create(
        key=f"person-{n}", name=name or f"Person {n:04d}", role=role, **fields
    )
    User.objects.create(username=made.key, person=made)
    return made


def hospital_user(of: Employer) -> Person:
    return person("hospital_user", employer=of)


def client(of: Person) -> Client:
    """A browser in which this person has signed in."""
    browser = Client(raise_request_exception=False)
    browser.force_login(of.user, backend="django.contrib.auth.backends.ModelBackend")
    return browser


def credential(of: Person, type: str = "HCPC", ends: int | None = 400, **fields: Any) -> Credential:
    given = {
        "number": f"{type}-{next(_next)}",
        "issuing_body": "A register",
        "issued": days(-1000),
        "expires": None if ends is None else days(ends),
    }
    return Credential.objects.create(person=of, type=type, **{**given, **fields})


def authorisation(of: Person, level: str = "approve", modality: str = "*") -> Authorisation:
    return Authorisation.objects.create(
        person=of, modality=modality, level=level, given=days(-500), review_due=days(200)
    )


def appointment(of: Person, by: Employer, role: str = "MPE") -> Appointment:
    return Appointment.objects.create(
        employer=by, person=of, role=role, scope="All", start=days(-300)
    )


def contact(at: Site, who: Person, cover: Person | None = None) -> SiteContact:
    return SiteContact.objects.create(site=at, person=who, cover=cover, start=days(-100))


def absence(of: Person, first: int = -1, last: int = 3) -> Absence:
    return Absence.objects.create(person=of, start=days(first), end=days(last), reason="Leave")


def lead(of: Person, modality: str = "radiography") -> ModalityLead:
    return ModalityLead.objects.create(person=of, modality=modality, start=days(-100))


def instrument(kind: str = "multimeter", **fields: Any) -> Instrument:
    n = next(_next)
    given = {"manufacturer": "Radmeter", "model": "X2", "serial": f"M-{n}"}
    return Instrument.objects.create(key=f"instrument-{n}", kind=kind, **{**given, **fields})


def certificate(of: Instrument, since: int = -100, until: int = 265) -> Certificate:
    made = Certificate.objects.create(
        instrument=of, number=f"C-{next(_next)}", laboratory="A laboratory",
        calibrated_on=days(since), due_on=days(until),
    )  # fmt: skip
    Factor.objects.create(certificate=made, quantity="tube voltage", factor=0.998, u_percent=1.2)
    return made


# A survey and what comes of it --------------------------------------------------------------------


def survey(of: System, state: str = "issued", ago: int = 20, **fields: Any) -> Survey:
    performed = None if state == "planned" else days(-ago)
    given: dict[str, Any] = {
        "protocol": "test",
        "protocol_version": 1,
        "protocol_sha256": "0" * 64,
        "protocol_text": "",
        "purpose": "routine",
        "planned_for": days(-ago),
        "performed_on": performed,
        "recommendation": "use",
    }
    return Survey.objects.create(system=of, state=state, **{**given, **fields})


def result(
    of: Survey,
    value: float | None = 80.4,
    verdict: str = "pass",
    test: str = "kv_80",
    **fields: Any,
) -> Result:
    """A frozen result judged by the reference row for tube voltage, ±5 % and ±10 % of 80 kV."""
    applied = [level.as_dict() for level in levels("radiography", "kv_accuracy")]
    record = {
        "levels": applied,
        "nominal": {"value": 80.0, "unit": "kV", "u": None, "k": 2.0},
        "baseline": None,
        "judgement": {"verdict": verdict, "reason": "Compared.", "near_limit": False,
                      "applied": applied, "breached": None},
    }  # fmt: skip
    given: dict[str, Any] = {
        "title": "Tube voltage, 80 kV",
        "section": "Tube",
        "order": 0,
        "unit": "kV",
        "u": 0.2,
        "record": record,
    }
    return Result.objects.create(
        survey=of, test=test, value=value, verdict=verdict, **{**given, **fields}
    )


def reading(of: Survey, by: Person, on: Instrument | None = None, index: int = 0) -> Reading:
    return Reading.objects.create(
        survey=of, reading="kv", index=index, text="80", indicated=80.0, unit="kV", value=80.0,
        instrument=on, entered_by=by, at=timezone.now(),
    )  # fmt: skip


def draft(of: Survey, by: Person, report: Report | None = None) -> Draft:
    content = {"survey": of.pk}
    return Draft.objects.create(
        survey=of, report=report or report_of(of), content=content,
        content_sha256=content_hash(content), at=timezone.now(), by=by,
    )  # fmt: skip


def report_of(of: Survey) -> Report:
    return records.report_create(
        kind="survey", title=f"{of.get_purpose_display()}: {of.system}",
        employer=of.system.employer, system=of.system, on=today(),
    )  # fmt: skip


def issue(of: Survey, by: Person, *, report: Report | None = None, reason: str = "") -> Issue:
    """An issued report with its three signatures, its content and a file in the store."""
    report = report or report_of(of)
    source = reference.row(ROW)
    content = {
        "report_number": report.number,
        "system": {"asset": of.system.asset, "name": of.system.name, "serial": of.system.serial},
        "employer": {"name": of.system.employer.name},
        "site": {"name": of.system.room.site.name},
        "room": of.system.room.name,
        "purpose": of.get_purpose_display(),
        "surveyed_on": of.performed_on.isoformat(),
        "headline": {"recommendation": "use", "told": ""},
        "summary": ["Nothing to remark."],
        "measured_by": ["Somebody"],
        "findings": [],
        "results": [{"verdict": r.verdict} for r in of.results.all()],
        "sources": [
            {"row": ROW, "document": source.document, "confidence": source.confidence,
             "sha256": source.sha256, "verified_by": by.name, "verified_on": "2026-01-05"}
        ],
        "reason": reason,
    }  # fmt: skip
    subject = f"survey:{of.pk}"
    for meaning in ("performed", "checked", "approved"):
        records.signature_add(
            by=by, meaning=meaning, subject=subject, content_sha256=content_hash(content),
            rule="routine.approve",
        )  # fmt: skip
    return records.issue_add(
        by=by, report=report, subject=subject, content=content,
        pdf=b"%PDF-1.7 " + content_hash(content).encode(), reason=reason,
    )  # fmt: skip


def action(of: System, **fields: Any) -> Action:
    given: dict[str, Any] = {
        "text": "Adjust the generator and re-test.",
        "owner": "Head of imaging",
        "due": days(10),
        "priority": 2,
        "opened_at": timezone.now(),
    }
    return Action.objects.create(employer=of.employer, system=of, **{**given, **fields})


@dataclass
class World:
    """One employer, a system with a history, another employer, a person of each kind."""

    ours: Employer
    theirs: Employer
    system: System
    foreign: System
    mpe: Person
    technologist: Person
    manager: Person
    administrator: Person
    nurse: Person
    meter: Instrument
    survey: Survey
    issue: Issue
    action: Action
    foreign_issue: Issue
    foreign_action: Action
    at: datetime = field(default_factory=timezone.now)


def world() -> World:
    ours, theirs = employer("Ours"), employer("Theirs")
    mpe = person("clinical_scientist", "Wren Test")
    for type in ("HCPC", "MPE"):
        credential(mpe, type)
    authorisation(mpe)
    appointment(mpe, ours)
    tech = person("technologist", "Rowan Test")
    credential(tech, "RCT", 40)
    authorisation(tech, "independent")
    home = site(ours, "Home")
    contact(home, mpe, tech)
    lead(mpe)
    mine = system(room(home))
    component(mine)
    event(mine)
    meter = instrument()
    certificate(meter)
    done = survey(mine, performer=tech)
    result(done, 86.3, "remedial")
    reading(done, tech, meter)
    issued = issue(done, mpe)
    other = system(room(site(theirs)))
    foreign = survey(other, performer=tech)
    result(foreign)
    return World(
        ours=ours, theirs=theirs, system=mine, foreign=other, mpe=mpe, technologist=tech,
        manager=person("service_manager"), administrator=person("administrator"),
        nurse=hospital_user(ours), meter=meter, survey=done, issue=issued,
        action=action(mine, issue=issued, test_id="Tube voltage, 80 kV"),
        foreign_issue=issue(foreign, mpe), foreign_action=action(other),
    )  # fmt: skip
