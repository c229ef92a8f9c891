"""Philips CT “Dose Info” secondary captures, whose private header holds every series' dose."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from pydicom.dataset import Dataset
from pydicom.tag import Tag

from kerma.core import UnsupportedError
from kerma.dicom.dose import headers, image
from kerma.dicom.dose.notes import Notes
from kerma.dicom.dose.parts import CT, Source
from kerma.dicom.dose.records import Accumulated, Event, StudyRecord
from kerma.dicom.dose.tables import name_of
from kerma.dicom.dose.totals import completed
from kerma.dicom.dose.tree import Code
from kerma.dicom.dose.values import Value, Warn, convert

SECONDARY_CAPTURE = "1.2.840.10008.5.1.4.1.1.7"
_CREATOR = "ELSCINT1"
# Acquisition Type (0018,9302) terms (PS3.3 C.8.15.3.2) and the codes reports use for them.
_TYPES = {
    "SPIRAL": Code("P5-08001", "SRT", "Spiral Acquisition"),
    "SEQUENCED": Code("113804", "DCM", "Sequenced Acquisition"),
    "CONSTANT_ANGLE": Code("113805", "DCM", "Constant Angle Acquisition"),
    "STATIONARY": Code("113806", "DCM", "Stationary Acquisition"),
    "FREE": Code("113807", "DCM", "Free Acquisition"),
}


def study_of(dataset: Dataset, data: bytes, name: str) -> StudyRecord:
    """Make the record of a Philips dose secondary capture.

    Raises
    ------
    UnsupportedError
        Code ``no-dose``: a secondary capture without the maker's dose sequence.
    """
    items = dataset.get("ExposureDoseSequence")
    if not items or "DOSE_INFO" not in str(dataset.get("ImageType") or ""):
        raise UnsupportedError(
            f"{name} is a screen capture without dose in its header. Send the dose report of the "
            "examination.",
            code="no-dose",
            detail={"file": name},
        )
    notes = Notes()
    header, report = image.about(dataset, data, name, "secondary capture", notes)
    events = tuple(
        _event(item, dataset, (report.sop_instance_uid, number), notes)
        for number, item in enumerate(items, 1)
    )
    dlp = _dlp(dataset, notes)
    report = replace(
        report,
        accumulated=(Accumulated(dlp=dlp, event_count=_count(dataset, notes)),),
        event_uids=tuple(event.uid for event in events),
    )
    text = image.text_reader(dataset)
    return completed(
        StudyRecord(
            study_uid=header.study_uid or "",
            modality="CT",
            header=header,
            identity=headers.read_identity(text),
            staff=headers.read_staff(text),
            reports=(report,),
            events=events,
            warnings=notes.all(),
        )
    )


def _count(dataset: Dataset, warn: Warn) -> Value | None:
    return image.quantity(dataset, "TotalNumberOfExposures", "count", "1", warn)


def _dlp(dataset: Dataset, warn: Warn) -> Value | None:
    """Read the private DLP element (00E1,xx21), which the maker gives in mGy·cm."""
    for block in range(0x10, 0x100):
        if str(dataset.get(Tag(0x00E1, block), "") or "").find(_CREATOR) >= 0:
            element = dataset.get(Tag(0x00E1, block << 8 | 0x21))
            if element is not None and str(element.value or "").strip():
                return convert("dlp", (str(element.value),), "mGy.cm", warn)
    return None


def _event(item: Dataset, dataset: Dataset, place: tuple[str, int], warn: Warn) -> Event:
    sop_uid, number = place

    def read(keyword: str, kind: str, unit: str) -> Value | None:
        return image.quantity(item, keyword, kind, unit, warn)

    kind = _TYPES.get(str(item.get("AcquisitionType") or ""))
    dlp, ctdivol = _dlp(item, warn), read("CTDIvol", "dose_mgy", "mGy")
    source: dict[str, Any] = {
        "kvp": read("KVP", "kv", "kV"),
        "tube_current": read("XRayTubeCurrentInuA", "ma", "uA"),
    }
    return Event(
        uid=f"{sop_uid}#{number}",
        uid_origin="derived",
        report_uid=sop_uid,
        kind=name_of("event", kind),
        type=kind,
        protocol=str(item.get("SeriesDescription") or "") or None,
        sources=(Source(**source),),
        ct=CT(
            ctdivol=ctdivol,
            dlp=dlp,
            exposure_time=read("ExposureTime", "time_s", "ms"),
            scan_length=read("ScanLength", "length", "mm"),
            single_collimation=read("SingleCollimationWidth", "length", "mm"),
            total_collimation=read("TotalCollimationWidth", "length", "mm"),
            pitch=read("SpiralPitchFactor", "ratio", "1"),
        ),
    )
