"""Write simulated X-ray radiation dose reports as DICOM files, with the truth of each.

Most are plain. A few carry an oddity real devices are known for, and their truth says which:

``cumulative``
    The report of an attendance is sent again with more events; the second holds all of them.
``continued``
    A second report of the same study holds only the later events.
``dgy_cm2``
    Kerma-area product in dGy.cm2 in place of Gy.m2.
``empty_values``
    Measured values present but empty: missing, which is not zero.
``unknown_device``
    A device that is in no inventory.
``high_dose``
    A long procedure whose kerma at the reference point exceeds 3 Gy.
``truncated``
    The file was cut short in transfer.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from datetime import date
from io import BytesIO
from pathlib import Path

from pydicom import dcmwrite
from pydicom.dataset import Dataset, FileDataset, FileMetaDataset
from pydicom.sequence import Sequence as DicomSequence
from pydicom.uid import UID, ExplicitVRLittleEndian, XRayRadiationDoseSRStorage

from kerma import __version__
from kerma.simulate.department import load
from kerma.simulate.dose_content import Observer, Writer, decimal
from kerma.simulate.dose_truth import EventTruth, Study, Truth
from kerma.simulate.events import significant
from kerma.simulate.examinations import draw_study, emitting_systems
from kerma.simulate.models import Department, System
from kerma.simulate.seeding import digits, stream, uid
from kerma.simulate.sr import Coder, content_sequence

_IMPLEMENTATION = "2.25.186402934786571299321178532174502611137"
# A device made before this year still sends SNOMED-RT codes (choice of the simulation).
_NEW_CODES_FROM = 2021
_ALARMING_GY = 3.2
Progress = Callable[[int, int], None]


def write_reports(
    folder: Path,
    department: Department,
    n: int,
    seed: int,
    today: date,
    *,
    progress: Progress | None = None,
) -> list[Truth]:
    """Write about `n` dose reports into a folder and return what each contains.

    The first reports go round the systems once, so that every system has some; the rest follow
    the workload. Cumulative and continued attendances make one file more each.

    Parameters
    ----------
    folder
        Created when missing. Files are named ``<number>-<modality>-<system>.dcm``.
    department
        From `build_department`.
    n
        Number of attendances.
    seed
        With the department's own seed, fixes every byte.
    today
        Studies fall in the year before it.
    progress
        Called with (done, total) now and then.
    """
    folder.mkdir(parents=True, exist_ok=True)
    department = replace(department, seed=department.seed * 1_000_003 + seed, today=today)
    first = emitting_systems(department)
    quirks = _planted(n, len(first))
    truths: list[Truth] = []
    for number in range(n):
        system = first[number] if number < len(first) else None
        quirk = quirks.get(number, "")
        if quirk in ("high_dose", "cumulative", "continued"):
            system = department.system("sq-hyb" if quirk == "high_dose" else "ag-xa2")
        elif quirk == "dgy_cm2":
            system = department.system("sq-rf1")
        study = draw_study(department, number, today=today, system=system)
        for truth, raw in _files(department, study, quirk, number):
            (folder / truth.file).write_bytes(raw)
            truths.append(truth)
        if progress and number % 20 == 0:
            progress(number, n)
    if progress:
        progress(n, n)
    return truths


def _planted(n: int, first: int) -> dict[int, str]:
    """Spread the quirks over the numbers, each at least once from 20 on.

    The round of the systems, the `first` numbers, is left plain when there is room after it.
    """
    every: Mapping[str, int] = load("examinations")["quirks"]
    start = first if n >= first + 20 else 0
    room = n - start
    planted: dict[int, str] = {}
    for offset, name in enumerate(sorted(every, key=lambda q: (-every[q], q))):
        count = max(1, round(n / every[name])) if n >= 20 else 0
        for turn in range(count):
            place = offset * 2 + 3 + turn * room // count
            while start + place % room in planted:
                place += 1
            planted[start + place % room] = name
    return planted


def _files(
    department: Department, study: Study, quirk: str, number: int
) -> Iterator[tuple[Truth, bytes]]:
    if quirk == "high_dose":
        study = scaled_to(study, _ALARMING_GY)
    if quirk == "empty_values":
        study = replace(study, events=(*study.events[:-1], _emptied(study.events[-1])))
    if quirk not in ("cumulative", "continued"):
        yield _file(department, study, (quirk,) if quirk else (), f"{number:05d}")
        return
    cut = max(1, len(study.events) // 2)
    early = replace(study, events=study.events[:cut], ended=study.events[cut - 1].started)
    late = study if quirk == "cumulative" else replace(study, events=study.events[cut:])
    first, raw = _file(department, early, (quirk,), f"{number:05d}a")
    yield first, raw
    second, raw = _file(department, late, (quirk,), f"{number:05d}b")
    yield replace(second, earlier=first.sop_uid), raw


def scaled_to(study: Study, kerma_gy: float) -> Study:
    """Return the study with every dose scaled so that kerma at the reference point is as asked."""
    total = sum(e.values.get("kerma_rp_gy") or 0.0 for e in study.events)

    def scaled(event: EventTruth) -> EventTruth:
        values = dict(event.values)
        for key in ("kerma_rp_gy", "kap_gy_m2"):
            values[key] = significant((values.get(key) or 0.0) * kerma_gy / total)
        return replace(event, values=values)

    return replace(study, events=tuple(scaled(e) for e in study.events))


def _emptied(event: EventTruth) -> EventTruth:
    doses = ("kap_gy_m2", "kerma_rp_gy", "ctdivol_mgy", "dlp_mgy_cm", "agd_mgy")
    empty = {key: None if key in doses else value for key, value in event.values.items()}
    return replace(event, values=empty)


def report_of(department: Department, study: Study, name: str) -> tuple[Truth, bytes]:
    """Return one plain report of a study and its truth."""
    return _file(department, study, (), name)


def _file(
    department: Department, study: Study, quirks: tuple[str, ...], name: str
) -> tuple[Truth, bytes]:
    known = "unknown_device" not in quirks
    system = department.system(study.system)
    observer = _observer(department, system) if known else _stranger(department, name)
    unit = "dGy.cm2" if "dgy_cm2" in quirks else "Gy.m2"
    totals = _totals(study)
    sop_uid = uid(department.seed, "report", name)
    coder = Coder(old=system.year_of_manufacture < _NEW_CODES_FROM)
    dataset = _header(department, study, system, observer, sop_uid)
    content = Writer(coder, unit).content(study, observer, totals)
    buffer = BytesIO()
    dcmwrite(buffer, dataset, enforce_file_format=True)
    # The Content Sequence has the highest tag of the object, so it goes last (PS3.5, 7.1).
    raw = buffer.getvalue() + content_sequence(content)
    cut = "truncated" in quirks
    truth = Truth(
        file=f"{name}-{study.modality}-{study.system if known else 'unknown'}.dcm",
        template=study.template,
        modality=study.modality,
        system=study.system if known else "",
        sop_uid=sop_uid,
        study=study,
        totals=totals,
        quirks=quirks,
        readable=not cut,
        station_name=str(dataset.StationName),
        device_serial=observer.serial,
        kap_unit=unit,
    )
    return truth, raw[: int(len(raw) * 0.6)] if cut else raw


def _observer(department: Department, system: System) -> Observer:
    room = next(r for r in department.rooms if r.key == system.room)
    return Observer(
        uid=system.identity.observer_uid,
        name=system.identity.station_name,
        manufacturer=system.manufacturer,
        model=system.model,
        serial=system.identity.device_serial,
        location=room.name,
    )


def _stranger(department: Department, name: str) -> Observer:
    return Observer(
        uid=uid(department.seed, "stranger", name),
        name="LOANUNIT",
        manufacturer="Wherewithal Rentals",
        model="Loan 1",
        serial=f"LN{digits(department.seed, 4, 'stranger', name)}",
        location="Loading bay",
    )


def _sum(study: Study, key: str, kinds: tuple[str, ...] | None = None) -> float:
    values = (e.values.get(key) or 0.0 for e in study.events if kinds is None or e.kind in kinds)
    return float(decimal(sum(values)))


def _totals(study: Study) -> dict[str, float | None]:
    """Return the totals the device states: sums of what it knows of the events."""
    if study.template == "ct":
        return {"events": float(len(study.events)), "dlp_mgy_cm": _sum(study, "dlp_mgy_cm")}
    if study.template == "mammography":
        sides: dict[str, float | None] = {}
        for side in ("left", "right"):
            values = [e.values["agd_mgy"] or 0.0 for e in study.events if e.codes["side"] == side]
            if values:
                sides[f"agd_{side}_mgy"] = float(decimal(sum(values)))
        return sides
    totals: dict[str, float | None] = {"kap_total_gy_m2": _sum(study, "kap_gy_m2")}
    if any("kerma_rp_gy" in e.values for e in study.events):
        beams = {"fluoro": ("fluoroscopy",), "acquisition": ("stationary", "rotational")}
        totals["kerma_rp_total_gy"] = _sum(study, "kerma_rp_gy")
        for beam, kinds in beams.items():
            totals[f"{beam}_kap_total_gy_m2"] = _sum(study, "kap_gy_m2", kinds)
            totals[f"{beam}_kerma_rp_total_gy"] = _sum(study, "kerma_rp_gy", kinds)
            totals[f"{beam}_time_total_s"] = _sum(study, "duration_s", kinds)
        totals["frames_total"] = _sum(study, "pulses", beams["acquisition"])
    return totals


def _header(
    department: Department, study: Study, system: System, observer: Observer, sop_uid: str
) -> FileDataset:
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = XRayRadiationDoseSRStorage
    meta.MediaStorageSOPInstanceUID = UID(sop_uid)
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    meta.ImplementationClassUID = UID(_IMPLEMENTATION)
    meta.ImplementationVersionName = f"KERMA_{__version__}"[:16]
    ds = FileDataset("", {}, file_meta=meta, preamble=b"\0" * 128)
    rng = stream(department.seed, "header", sop_uid)
    day, clock = f"{study.ended:%Y%m%d}", f"{study.ended:%H%M%S}"
    site = next(s for s in department.sites if s.key == system.site)
    patient = study.patient
    values: dict[str, object] = {
        "SpecificCharacterSet": "ISO_IR 192",
        "SOPClassUID": XRayRadiationDoseSRStorage,
        "SOPInstanceUID": sop_uid,
        "StudyDate": f"{study.started:%Y%m%d}",
        "SeriesDate": day,
        "ContentDate": day,
        "StudyTime": f"{study.started:%H%M%S}",
        "SeriesTime": clock,
        "ContentTime": clock,
        "AccessionNumber": study.accession,
        "Modality": "SR",
        "Manufacturer": observer.manufacturer,
        "InstitutionName": site.name,
        "ReferringPhysicianName": "",
        "StationName": observer.name,
        "StudyDescription": study.description,
        "SeriesDescription": "Dose report",
        "ManufacturerModelName": observer.model,
        "PatientName": patient.name,
        "PatientID": patient.id,
        "PatientBirthDate": patient.born,
        "PatientSex": patient.sex,
        "PatientAge": _age(patient.age_y),
        "DeviceSerialNumber": observer.serial,
        "SoftwareVersions": system.software,
        "ProtocolName": study.protocol,
        "StudyInstanceUID": study.uid,
        "SeriesInstanceUID": uid(department.seed, "series", sop_uid),
        "StudyID": str(int(rng.integers(1, 99999))),
        "SeriesNumber": 990,
        "InstanceNumber": 1,
        "ValueType": "CONTAINER",
        "ContinuityOfContent": "SEPARATE",
        "CompletionFlag": "COMPLETE",
        "VerificationFlag": "UNVERIFIED",
    }
    # Size is often not entered at the console; where it is, it is the patient's.
    if rng.random() < 0.7:
        values["PatientSize"] = decimal(patient.height_m)
        values["PatientWeight"] = decimal(patient.mass_kg)
    for keyword, value in values.items():
        setattr(ds, keyword, value)
    _add_sequences(ds, study)
    return ds


def _add_sequences(ds: FileDataset, study: Study) -> None:
    name, template = Dataset(), Dataset()
    name.CodeValue, name.CodingSchemeDesignator, name.CodeMeaning = Coder().code("report")
    template.MappingResource = "DCMR"
    template.TemplateIdentifier = "10011" if study.template == "ct" else "10001"
    ds.ConceptNameCodeSequence = DicomSequence([name])
    ds.ContentTemplateSequence = DicomSequence([template])
    ds.ReferencedPerformedProcedureStepSequence = DicomSequence([])
    ds.PerformedProcedureCodeSequence = DicomSequence([])


def _age(years: float) -> str:
    return f"{int(years * 12):03d}M" if years < 2 else f"{int(years):03d}Y"
