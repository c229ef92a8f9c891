"""A service small enough to attack: one survey, and everybody who might reach for it.

Everything is sealed in the event log, so that `verify` is sound until somebody tampers.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from io import BytesIO
from pathlib import Path

import numpy as np

from kerma.service.estate.models import Employer, System
from kerma.service.instruments.models import Certificate, Factor, Instrument
from kerma.service.people.models import (
    Appointment,
    Authorisation,
    Credential,
    Person,
    User,
)
from kerma.service.records import log
from kerma.service.records import services as records
from kerma.service.records.models import Issue
from kerma.service.testing import actions as acts
from kerma.service.testing import services as testing
from kerma.service.testing.images import images_attach
from kerma.service.testing.models import Survey
from tests.dicom import build
from tests.service import factory

PROTOCOL = str(Path(__file__).parent / "hostile.yaml")
ROWS = ("qa-tests/radiography/kv_accuracy", "qa-tests/general_safety/emergency_off")


@dataclass
class Cast:
    """Who and what there is."""

    ours: Employer
    theirs: Employer
    system: System
    foreign: System
    meter: Instrument
    technologist: Person
    colleague: Person
    checker: Person
    approver: Person
    manager: Person
    administrator: Person
    quality: Person
    assistant: Person
    trainee: Person
    nurse: Person
    outsider: Person
    gone: Person
    nobody: User


def _staff(role: str, *held: str, level: str = "", **fields: object) -> Person:
    made = factory.person(role, **fields)
    for type in held:
        factory.credential(made, type)
    if level:
        factory.authorisation(made, level)
    return made


def cast() -> Cast:
    """Make the people, a system of each of two employers, and a calibrated meter."""
    ours, theirs = factory.employer("Ours"), factory.employer("Theirs")
    approver = _staff("consultant", "HCPC", "MPE", level="approve")
    factory.appointment(approver, ours)
    meter = factory.instrument()
    factory.certificate(meter)
    made = Cast(
        ours=ours,
        theirs=theirs,
        system=factory.system(factory.room(factory.site(ours))),
        foreign=factory.system(factory.room(factory.site(theirs))),
        meter=meter,
        technologist=_staff("technologist", "RCT", level="independent"),
        colleague=_staff("clinical_scientist", "HCPC", level="independent"),
        checker=_staff("clinical_scientist", "HCPC", level="independent"),
        approver=approver,
        manager=_staff("service_manager"),
        administrator=_staff("administrator"),
        quality=_staff("quality_manager"),
        assistant=_staff("assistant"),
        trainee=_staff("trainee_scientist"),
        nurse=factory.hospital_user(ours),
        outsider=factory.hospital_user(theirs),
        gone=_staff("clinical_scientist", "HCPC", "MPE", level="approve", active=False),
        nobody=User.objects.create(username="nobody"),
    )
    kinds = (
        System,
        Person,
        Credential,
        Authorisation,
        Appointment,
        Instrument,
        Certificate,
        Factor,
    )
    log.append(
        actor=None, kind="test.cast", subject="service:test", text="Made",
        seals=[row for kind in kinds for row in kind._default_manager.all()],
    )  # fmt: skip
    return made


def planned(who: Cast, **fields: object) -> Survey:
    given = {
        "by": who.technologist,
        "system": who.system,
        "protocol": PROTOCOL,
        "purpose": "routine",
        "planned_for": factory.today(),
        "performer": who.technologist,
    }
    return testing.survey_plan(**{**given, **fields})


def started(who: Cast, ago: int = 0, **fields: object) -> Survey:
    made = planned(who, **fields)
    day = factory.today() - timedelta(days=ago)
    made = testing.survey_start(by=who.technologist, survey=made, performed_on=day)
    testing.instrument_assign(by=who.technologist, survey=made, part="meter", instrument=who.meter)
    return made


def read(who: Cast, survey: Survey, *kv: str) -> None:
    values = {("kv_80", i): text for i, text in enumerate(kv)} | {("emergency_off", 0): "y"}
    testing.readings_record(by=who.technologist, survey=survey, values=values)


def image_file(value: int = 1000, name: str = "flat.dcm", **header: object) -> tuple[str, bytes]:
    """A flat field with a little noise, as a DX image FOR PROCESSING."""
    pixels = np.random.default_rng(value).normal(value, 5, (256, 256)).astype(np.uint16)
    given = {
        "Modality": "DX",
        "SOPClassUID": "1.2.840.10008.5.1.4.1.1.1.1.1",
        "PixelSpacing": [0.2, 0.2],
        "PresentationIntentType": "FOR PROCESSING",
    }
    stated = {k: v for k, v in {**given, **header}.items() if v is not None}
    dataset = build.image(pixels, **stated)
    return name, build.encode(dataset)


def measured(who: Cast, *kv: str, **fields: object) -> Survey:
    made = started(who, **fields)
    read(who, made, *(kv or ("80", "80.1", "80.2")))
    return acts_on(acts.HandOver, made, who.technologist)


def acts_on(act: type[acts.Act], survey: Survey, by: Person, **options: object) -> Survey:
    """Do an act and return the survey as it then is."""
    act(survey=survey, by=by, **options).perform()
    return Survey.objects.get(pk=survey.pk)


def drafted(who: Cast, *kv: str, **options: object) -> Survey:
    given = {"recommendation": "use", "summary": "Nothing unusual."}
    made = measured(who, *kv)
    return acts_on(acts.ComposeDraft, made, who.technologist, **{**given, **options})


def in_review(who: Cast, *kv: str, **options: object) -> Survey:
    return acts_on(acts.Submit, drafted(who, *kv, **options), who.technologist)


def checked(who: Cast, *kv: str, **options: object) -> Survey:
    return acts_on(acts.Check, in_review(who, *kv, **options), who.checker)


def verify_rows(who: Cast) -> None:
    for row in ROWS:
        records.verification_add(by=who.approver, row=row, document="Read", edition="1")


def issued(who: Cast, *kv: str, **options: object) -> Issue:
    verify_rows(who)
    made = checked(who, *kv, **options)
    return acts.IssueReport(survey=made, by=who.approver).perform()


def with_image(who: Cast, survey: Survey) -> None:
    images_attach(by=who.technologist, survey=survey, slot="flat", files=[image_file()])


def upload(content: bytes, name: str) -> BytesIO:
    """A file as a browser sends it."""
    file = BytesIO(content)
    file.name = name
    return file
