"""Small dose reports and images, written with pydicom, for tests that need no shared files."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from io import BytesIO
from typing import Any

import numpy as np
from pydicom.dataset import Dataset, FileDataset, FileMetaDataset
from pydicom.filewriter import dcmwrite
from pydicom.uid import UID, ExplicitVRLittleEndian, generate_uid

DOSE_SR = "1.2.840.10008.5.1.4.1.1.88.67"
ENHANCED_SR = "1.2.840.10008.5.1.4.1.1.88.22"
TITLE = ("113701", "DCM", "X-Ray Radiation Dose Report")

Concept = tuple[str, str, str]


def dcm(value: str, meaning: str = "") -> Concept:
    return value, "DCM", meaning or value


def coded(concept: Concept) -> Dataset:
    item = Dataset()
    item.CodeValue, item.CodingSchemeDesignator, item.CodeMeaning = concept
    return item


def item(kind: str, concept: Concept | None, children: Sequence[Dataset] = ()) -> Dataset:
    found = Dataset()
    found.RelationshipType = "CONTAINS"
    found.ValueType = kind
    if concept is not None:
        found.ConceptNameCodeSequence = [coded(concept)]
    if children:
        found.ContentSequence = list(children)
    return found


def num(
    concept: Concept,
    value: str | None,
    unit: str | None = "1",
    children: Sequence[Dataset] = (),
) -> Dataset:
    found = item("NUM", concept, children)
    measured = Dataset()
    if unit is not None:
        measured.MeasurementUnitsCodeSequence = [coded((unit, "UCUM", unit))]
    if value is not None:
        measured.add_new(0x0040A30A, "DS", value)
    found.MeasuredValueSequence = [measured] if value is not None else []
    return found


def text(concept: Concept, value: str) -> Dataset:
    found = item("TEXT", concept)
    found.TextValue = value
    return found


def uid(concept: Concept, value: str) -> Dataset:
    found = item("UIDREF", concept)
    found.UID = value
    return found


def moment(concept: Concept, value: str) -> Dataset:
    found = item("DATETIME", concept)
    found.DateTime = value
    return found


def code(concept: Concept, value: Concept, children: Sequence[Dataset] = ()) -> Dataset:
    found = item("CODE", concept, children)
    found.ConceptCodeSequence = [coded(value)]
    return found


def image_ref(sop_uid: str) -> Dataset:
    found = item("IMAGE", dcm("113795", "Acquired Image"))
    reference = Dataset()
    reference.ReferencedSOPClassUID = "1.2.840.10008.5.1.4.1.1.1.1"
    reference.ReferencedSOPInstanceUID = sop_uid
    found.ReferencedSOPSequence = [reference]
    return found


def fluoro(
    number: int, kap: str | None = "1e-06", dose: str | None = "0.0001", **more: Any
) -> Dataset:
    """One fluoroscopy event; `more`: extra items, unit codes."""
    return item(
        "CONTAINER",
        dcm("113706", "Irradiation Event X-Ray Data"),
        [
            code(dcm("113764", "Acquisition Plane"), dcm("113622", "Single Plane")),
            uid(dcm("113769", "Irradiation Event UID"), more.get("uid", f"1.2.3.{number}")),
            moment(dcm("111526", "DateTime Started"), f"201603150{number % 10}0000"),
            code(dcm("113721", "Irradiation Event Type"), ("P5-06000", "SRT", "Fluoroscopy")),
            num(dcm("122130", "Dose Area Product"), kap, more.get("kap_unit", "Gy.m2")),
            num(dcm("113738", "Dose (RP)"), dose, more.get("dose_unit", "Gy")),
            num(dcm("113733", "KVP"), "80", "kV"),
            *more.get("items", ()),
        ],
    )


def total(kap: str | None, dose: str | None, items: Sequence[Dataset] = ()) -> Dataset:
    return item(
        "CONTAINER",
        dcm("113702", "Accumulated X-Ray Dose Data"),
        [
            code(dcm("113764", "Acquisition Plane"), dcm("113622", "Single Plane")),
            num(dcm("113722", "Dose Area Product Total"), kap, "Gy.m2"),
            num(dcm("113725", "Dose (RP) Total"), dose, "Gy"),
            *items,
        ],
    )


def ct_event(number: int, ctdivol: str | None, dlp: str | None, unit: str = "mGy.cm") -> Dataset:
    dose = [
        item(
            "CONTAINER",
            dcm("113829", "CT Dose"),
            [
                num(dcm("113830", "Mean CTDIvol"), ctdivol, "mGy"),
                num(dcm("113838", "DLP"), dlp, unit),
                code(dcm("113835", "Phantom"), dcm("113691", "IEC Body Dosimetry Phantom")),
            ],
        )
    ]
    return item(
        "CONTAINER",
        dcm("113819", "CT Acquisition"),
        [
            text(dcm("125203", "Acquisition Protocol"), "Thorax"),
            code(dcm("113820", "CT Acquisition Type"), ("P5-08001", "SRT", "Spiral")),
            uid(dcm("113769", "Irradiation Event UID"), f"1.2.9.{number}"),
            *(dose if dlp is not None or ctdivol is not None else ()),
        ],
    )


def ct_total(dlp: str) -> Dataset:
    return item(
        "CONTAINER",
        dcm("113811", "CT Accumulated Dose Data"),
        [num(dcm("113813", "CT Dose Length Product Total"), dlp, "mGy.cm")],
    )


def report(items: Iterable[Dataset], title: Concept = TITLE, **header: Any) -> Dataset:
    found = Dataset()
    found.SOPClassUID = DOSE_SR
    found.SOPInstanceUID = generate_uid()
    found.StudyInstanceUID = "1.2.826.0.1.3680043.8.498.1"
    found.StudyDate = "20160315"
    found.StudyTime = "091500"
    found.ContentDate = "20160315"
    found.ContentTime = "100000"
    found.Modality = "SR"
    found.Manufacturer = "Invented Imaging"
    found.PatientID = "XR-000042"
    found.PatientName = "Testperson^Invented"
    found.PatientBirthDate = "19600229"
    found.ValueType = "CONTAINER"
    found.ConceptNameCodeSequence = [coded(title)]
    found.ContentSequence = list(items)
    for keyword, value in header.items():
        setattr(found, keyword, value)
    return found


def _undefine(dataset: Dataset) -> None:
    """Write every sequence and item of a data set without a length."""
    for element in dataset:
        if element.VR == "SQ":
            element.is_undefined_length = True
            for inner in element.value:
                inner.is_undefined_length_sequence_item = True
                _undefine(inner)


def encode(
    dataset: Dataset, syntax: str = ExplicitVRLittleEndian, *, undefined: bool = False
) -> bytes:
    """Return the bytes of a data set as a DICOM file."""
    if undefined:
        _undefine(dataset)
    meta = FileMetaDataset()
    meta.TransferSyntaxUID = UID(syntax)
    meta.MediaStorageSOPClassUID = dataset.get("SOPClassUID", DOSE_SR)
    meta.MediaStorageSOPInstanceUID = dataset.get("SOPInstanceUID", "1.2.3")
    file = FileDataset("", dataset, preamble=b"\0" * 128, file_meta=meta)
    out = BytesIO()
    dcmwrite(out, file, enforce_file_format=True)
    return out.getvalue()


def image(pixels: np.ndarray[Any, Any], **header: Any) -> Dataset:
    """A greyscale image; `pixels` of shape (rows, columns) or (frames, rows, columns)."""
    found = Dataset()
    found.SOPClassUID = "1.2.840.10008.5.1.4.1.1.2"
    found.SOPInstanceUID = generate_uid()
    found.StudyInstanceUID = "1.2.3.4"
    found.SeriesInstanceUID = "1.2.3.4.5"
    found.Modality = "CT"
    found.Rows, found.Columns = pixels.shape[-2:]
    if pixels.ndim == 3:
        found.NumberOfFrames = pixels.shape[0]
    found.SamplesPerPixel = 1
    found.PhotometricInterpretation = "MONOCHROME2"
    found.BitsAllocated = pixels.dtype.itemsize * 8
    found.BitsStored = found.BitsAllocated
    found.HighBit = found.BitsStored - 1
    found.PixelRepresentation = int(np.issubdtype(pixels.dtype, np.signedinteger))
    found.PixelData = pixels.tobytes()
    for keyword, value in header.items():
        if value is None:
            delattr(found, keyword)
        else:
            setattr(found, keyword, value)
    return found
