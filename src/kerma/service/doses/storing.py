"""Put a typed study record into the database: one transaction for one object."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, time

from django.db import transaction
from django.utils import timezone

from kerma.dicom.dose import StudyRecord, merge
from kerma.dicom.dose.records import Event, Total, Value
from kerma.service.doses import edits
from kerma.service.doses.alerts.services import study_look_at
from kerma.service.doses.identity import assigned, pseudonym
from kerma.service.doses.models import DoseEvent, DoseObject, Study
from kerma.service.doses.naming.services import name_study
from kerma.service.doses.policy import not_patient
from kerma.service.doses.privacy import bare
from kerma.service.doses.storing_record import packed, unpacked
from kerma.service.estate.models import System
from kerma.service.estate.selectors import match_device
from kerma.service.people.models import Person
from kerma.service.records import log

_EVENT_FIELDS = (
    "order", "type", "protocol", "started_at", "ctdivol_mgy", "ctdi_phantom", "dlp_mgy_cm",
    "kap_gy_m2", "dose_rp_gy", "agd_mgy", "kvp_kv",
)  # fmt: skip


@transaction.atomic
def store_object(record: StudyRecord, *, by: Person | None = None) -> tuple[Study, bool]:
    """Store what one object says; returns the study and whether anything was new.

    The same object again changes nothing. Reports that continue, repeat or follow each other are
    merged by irradiation event UID; the order in which they arrive makes no difference.
    """
    report = record.reports[0]
    stored = DoseObject.objects.filter(sha256=report.sha256).select_related("study").first()
    if stored:
        return stored.study, False
    study = Study.objects.select_for_update().filter(study_uid=record.study_uid).first()
    merged = merge(unpacked(study), bare(record)) if study else bare(record)
    study = study or Study(study_uid=record.study_uid)
    _describe(study, merged)
    merged = _identify(study, merged, record)
    study.record = packed(merged)
    name_study(study, merged)
    edits.stand(study)
    study.changed_at = timezone.now()
    study.save()
    _write_events(study, merged)
    DoseObject.objects.create(
        sop_uid=report.sop_instance_uid,
        sop_class=report.sop_class,
        sha256=report.sha256,
        study=study,
        stored_at=timezone.now(),
        warnings=list(record.warnings),
    )
    log.append(
        actor=by,
        kind="dose.stored",
        subject=study,
        text=f"{report.origin} stored: {len(merged.events)} events in the study",
        data={"sha256": report.sha256, "sop_uid": report.sop_instance_uid},
    )
    study_look_at(study)
    return study, True


def _system(record: StudyRecord, on: date | None) -> System | None:
    """Find the system by the best-informed device, else by that of any object of the study."""
    headers = (record.header, *(report.header for report in reversed(record.reports)))
    devices = {(d.serial, d.station, d.observer_uid): None for d in (h.device for h in headers)}
    for serial, station, uid in devices:
        found = match_device(
            serial=serial or "", station=station or "", observer_uid=uid or "", on=on
        )
        if found:
            return found
    return None


def _identify(study: Study, merged: StudyRecord, new: StudyRecord) -> StudyRecord:
    """Give the study the keys of its patient and request; warn when objects disagree on them."""
    employer = study.system.employer.key if study.system else ""
    identity = new.identity
    warnings = set(merged.warnings)
    for field, words, key in (
        ("patient_key", "patient", pseudonym(employer, identity.patient_id, identity.issuer)),
        ("accession_key", "request", pseudonym(employer, new.header.accession_number)),
        ("operator_key", "operator", pseudonym(employer, new.staff.operators)),
    ):
        found = {k for k in (getattr(study, field), key) if k}
        if len(found) > 1 and words != "operator":  # two people may well have worked together
            warnings.add(f"objects of this study disagree on the identifier of the {words}")
        setattr(study, field, min(found, default=""))
    patterns = {*filter(None, study.not_patient.split("; ")), *not_patient(identity)}
    study.not_patient = "; ".join(sorted(patterns))[:200]
    return replace(merged, warnings=tuple(sorted(warnings)))


def _describe(study: Study, record: StudyRecord) -> None:
    header, totals = record.header, record.totals
    device, patient = header.device, header.patient
    study.date, study.time = _date(header.study_date), _time(header.study_time)
    system = _system(record, study.date)
    if study.system is None and system is not None:
        study.patient_key = assigned(system.employer.key, study.patient_key)
        study.accession_key = assigned(system.employer.key, study.accession_key)
        study.operator_key = assigned(system.employer.key, study.operator_key)
    study.system = system or study.system
    study.modality = record.modality
    study.description = (header.description or header.requested_procedure or "")[:200]
    study.sex = (patient.sex or "")[:16]
    study.age_years = _number(patient.age)
    study.height_m, study.mass_kg = _number(patient.height), _number(patient.mass)
    study.manufacturer = (device.manufacturer or "")[:120]
    study.model = (device.model or "")[:120]
    study.station = (device.station or "")[:60]
    study.serial = (device.serial or "")[:80]
    study.observer_uid = (device.observer_uid or "")[:80]
    study.event_count = len(record.events)
    study.dlp_mgy_cm = _total(totals.dlp)
    study.kap_gy_m2 = _total(totals.kap)
    study.dose_rp_gy = _total(totals.dose_rp)
    study.fluoro_time_s = _total(totals.fluoro_time)
    study.agd_left_mgy = _total(totals.agd_left)
    study.agd_right_mgy = _total(totals.agd_right)


def _write_events(study: Study, record: StudyRecord) -> None:
    rows = [_event(study, order, event) for order, event in enumerate(record.events, 1)]
    study.events.exclude(uid__in=[row.uid for row in rows]).delete()
    DoseEvent.objects.bulk_create(
        rows,
        batch_size=500,
        update_conflicts=True,
        unique_fields=["study", "uid"],
        update_fields=list(_EVENT_FIELDS),
    )


def _event(study: Study, order: int, event: Event) -> DoseEvent:
    ct, breast = event.ct, event.breast
    phantom = ct.phantom if ct else None
    return DoseEvent(
        study=study,
        uid=event.uid[:128],
        order=order,
        type=(event.kind or (event.type.meaning if event.type else ""))[:80],
        protocol=(event.protocol or "")[:120],
        started_at=_moment(event.started),
        ctdivol_mgy=_number(ct.ctdivol) if ct else None,
        ctdi_phantom=(phantom.meaning if phantom else "")[:40],
        dlp_mgy_cm=_number(ct.dlp) if ct else None,
        kap_gy_m2=_number(event.kap),
        dose_rp_gy=_number(event.dose_rp),
        agd_mgy=_number(breast.agd) if breast else None,
        kvp_kv=_mean_kvp(event),
    )


def _mean_kvp(event: Event) -> float | None:
    numbers = [n for s in event.sources if s.kvp for n in s.kvp.numbers]
    return sum(numbers) / len(numbers) if numbers else None


def _number(value: Value | None) -> float | None:
    """Return the number when there is exactly one; of several none is the quantity."""
    return value.number if value is not None else None


def _total(total: Total) -> float | None:
    return _number(total.value)


def _date(text: str | None) -> date | None:
    try:
        return date.fromisoformat(text) if text else None
    except ValueError:
        return None


def _time(text: str | None) -> time | None:
    try:
        return time.fromisoformat(text) if text else None
    except ValueError:
        return None


def _moment(text: str | None) -> datetime | None:
    """Return a moment; one sent without an offset is taken in the service's time zone."""
    try:
        found = datetime.fromisoformat(text) if text else None
    except ValueError:
        return None
    if found is None or timezone.is_aware(found):
        return found
    return timezone.make_aware(found)
