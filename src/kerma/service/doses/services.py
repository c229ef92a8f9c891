"""Writes of the patient dose room: files taken in, the quarantine, devices made known."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from typing import BinaryIO, Protocol

from django.db import transaction
from django.utils import timezone

from kerma.core import InputError
from kerma.service.doses import ingest
from kerma.service.doses.identity import assigned
from kerma.service.doses.models import Quarantined, Study
from kerma.service.estate.models import DicomIdentity, System
from kerma.service.estate.selectors import match_device
from kerma.service.people.entitlement import demand
from kerma.service.people.models import Person
from kerma.service.records import log

_BATCH = 500


class Upload(Protocol):
    """A file as the browser sent it."""

    name: str | None
    size: int | None
    file: BinaryIO

    def read(self) -> bytes:
        """Return its content."""


def files_take(*, by: Person, files: Iterable[Upload]) -> list[ingest.Ingested]:
    """Read and store files; each is a transaction of its own, so one cannot spoil the others."""
    demand("ingest", by=by, work="doses", subject="doses:upload")
    return [
        ingest.ingest_bytes(file.read(), name=file.name or "without a name", by=by)
        for file in files
    ]


def file_retry(*, by: Person, row: Quarantined) -> ingest.Ingested:
    """Try a file from quarantine again."""
    demand("ingest", by=by, work="doses", subject=log.subject_of(row))
    return ingest.retry(row, by=by)


def file_dismiss(*, by: Person, row: Quarantined) -> None:
    """Take a file off the list for good."""
    demand("ingest", by=by, work="doses", subject=log.subject_of(row))
    if row.status not in ("refused", "quarantined"):
        raise InputError(
            f"{row.name} is {row.get_status_display().lower()} already.", code="not-waiting"
        )
    ingest.dismiss(row, by=by)


@transaction.atomic
def alias_add(
    *,
    by: Person,
    system: System,
    example: Study,
    serial: bool,
    station: bool,
    valid_from: date | None = None,
) -> int:
    """Say that an unknown device is a system; its studies are then that system's.

    Parameters
    ----------
    by, system
        Who says so; the system it is.
    example
        A study of the device; gives the serial number and the station name.
    serial, station
        Which of the two an object must agree on.
    valid_from
        First day this holds; none: always.

    Returns
    -------
    int
        Number of studies that became the system's.

    Raises
    ------
    InputError
        ``blank``: nothing to recognise the device by; ``not-recognised``: another system signs its
        objects the same way, or no study falls into the time given.
    """
    demand("edit", by=by, work="plan", subject=log.subject_of(system))
    alias = DicomIdentity(
        system=system,
        serial=example.serial if serial else "",
        station=example.station[:40] if station else "",
        valid_from=valid_from,
    )
    if not (alias.serial or alias.station):
        raise InputError(
            "Choose what the device is recognised by: a serial number or a station name that its "
            "objects carry.",
            code="blank",
        )
    alias.save()
    matched = _match(system, alias)
    if not matched:
        raise InputError(
            f"With this no study would become one of {system}. Either the first day is too late, "
            "or another system signs its objects in the same way: recognise the device by its "
            "serial number as well.",
            code="not-recognised",
        )
    told = " and ".join(
        f"{name} {value}"
        for name, value in (("serial", alias.serial), ("station", alias.station))
        if value
    )
    log.append(
        actor=by,
        kind="system.alias",
        subject=system,
        text=f"Objects with {told} are from this system; {matched} studies matched",
        data={"alias": alias.pk, "studies": matched},
    )
    return matched


def _match(system: System, alias: DicomIdentity) -> int:
    """Give the system every study of no system that its identities now recognise."""
    rows = Study.objects.filter(system=None)
    if alias.serial:
        rows = rows.filter(serial__iexact=alias.serial)
    if alias.station:
        rows = rows.filter(station__iexact=alias.station)
    fits: dict[tuple[object, ...], bool] = {}
    matched: list[Study] = []
    employer = system.employer.key
    columns = (
        "serial", "station", "observer_uid", "date", "patient_key", "accession_key",
        "operator_key", "changed_at",
    )  # fmt: skip
    for study in rows.only(*columns):
        key = (study.serial, study.station, study.observer_uid, study.date)
        if key not in fits:
            fits[key] = system == match_device(
                serial=study.serial, station=study.station, observer_uid=study.observer_uid,
                on=study.date,
            )  # fmt: skip
        if fits[key]:
            study.system = system
            study.patient_key = assigned(employer, study.patient_key)
            study.accession_key = assigned(employer, study.accession_key)
            study.operator_key = assigned(employer, study.operator_key)
            study.changed_at = timezone.now()
            matched.append(study)
    Study.objects.bulk_update(
        matched,
        ["system", "patient_key", "accession_key", "operator_key", "changed_at"],
        batch_size=_BATCH,
    )
    return len(matched)
