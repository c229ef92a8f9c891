"""What the tests of patient dose share: simulated reports, people, every row that is stored."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from functools import cache
from io import BytesIO
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

from django.contrib.auth import get_user_model
from django.test import Client
from pydicom import dcmread

from kerma.dicom.dose import read_report
from kerma.dicom.dose.records import Identity, StudyRecord
from kerma.service.doses.models import DoseEvent, DoseObject, Quarantined, Study
from kerma.service.estate import models as estate
from kerma.service.people.models import Person
from kerma.simulate.department import build_department
from kerma.simulate.dose_reports import write_reports
from kerma.simulate.dose_truth import Truth
from tests.shared import shared_path

TODAY = date(2026, 11, 23)
REPORTS = "dicom/dose-reports"


@cache
def simulated() -> tuple[Path, tuple[Truth, ...]]:
    """Write 66 simulated attendances once; every quirk is among them."""
    folder = Path(mkdtemp(prefix="kerma-dose-"))
    return folder, tuple(write_reports(folder, build_department(today=TODAY), 66, 4, TODAY))


def truths(quirk: str) -> list[Truth]:
    """Return the simulated files with a quirk, in the order they were written."""
    return [t for t in simulated()[1] if quirk in t.quirks]


def content(truth: Truth) -> bytes:
    return (simulated()[0] / truth.file).read_bytes()


def real(name: str) -> bytes:
    """Return a real report of the shared material; skips loudly without it."""
    return shared_path(f"{REPORTS}/{name}.dcm").read_bytes()


def identity(raw: bytes) -> Identity:
    return read_report(raw).identity


_VARIES = ("id", "study_id", "stored_at", "record", "changed_at")


def rows(*, ids: bool = False) -> dict[str, Any]:
    """Return every row of the dose tables as plain values, in an order arrival cannot change."""
    found: dict[str, Any] = {}
    for model, key in ((Study, "study_uid"), (DoseEvent, "uid"), (DoseObject, "sha256")):
        plain = []
        for row in model.objects.all():
            values = {f.attname: getattr(row, f.attname) for f in model._meta.concrete_fields}
            if model is Study:
                from kerma.service.doses.storing_record import unpacked

                values["content"] = unpacked(row)
            if not ids:
                if model is not Study:
                    values["study"] = row.study.study_uid
                values = {k: v for k, v in values.items() if k not in _VARIES}
            plain.append(values)
        found[model.__name__] = sorted(plain, key=lambda v: (v[key], str(v.get("study", ""))))
    found["Quarantined"] = Quarantined.objects.count()
    return found


def record(raw: bytes) -> StudyRecord:
    return read_report(raw)


@dataclass(frozen=True)
class World:
    """Two employers with a CT each, and people of every kind that opens these pages."""

    quill: estate.System
    fenwick: estate.System
    people: dict[str, Person]

    def client(self, key: str) -> Client:
        client = Client()
        client.force_login(
            self.people[key].user, backend="django.contrib.auth.backends.ModelBackend"
        )
        return client


def build_world() -> World:
    systems = {}
    people = {}
    for key in ("quill", "fenwick"):
        employer = estate.Employer.objects.create(key=key, name=f"{key.title()} Hospitals")
        site = estate.Site.objects.create(employer=employer, key=f"{key}-g", name=f"{key.title()}")
        room = estate.Room.objects.create(site=site, key=f"{key}-r", name="CT room")
        systems[key] = estate.System.objects.create(
            room=room, asset=f"{key[0].upper()}-1", name=f"CT of {key}", modality="ct",
            manufacturer="SIEMENS", model=f"Model {key}", serial=f"{key}-serial", status="in_use",
        )  # fmt: skip
        people[f"user-{key}"] = Person.objects.create(
            key=f"user-{key}", name=f"User {key}", role="hospital_user", employer=employer
        )
    for role in ("technologist", "administrator", "service_manager", "assistant"):
        people[role] = Person.objects.create(key=role, name=role.title(), role=role)
    for key, person in people.items():
        get_user_model().objects.create_user(username=key, password=None, person=person)
    return World(systems["quill"], systems["fenwick"], people)


def recognise(system: estate.System, raw: bytes) -> None:
    """Let a system sign the way the device of an object does."""
    device = read_report(raw).header.device
    estate.DicomIdentity.objects.create(
        system=system, serial=device.serial or "", station=device.station or ""
    )


def edited(raw: bytes, **elements: Any) -> bytes:
    """Return an object with header elements changed, as an honest DICOM file."""
    dataset = dcmread(BytesIO(raw))
    for keyword, value in elements.items():
        setattr(dataset, keyword, value)
    dataset.file_meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID
    out = BytesIO()
    dataset.save_as(out, enforce_file_format=True)
    return out.getvalue()
