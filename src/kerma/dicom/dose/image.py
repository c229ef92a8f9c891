"""Dose from the header of an image: DX, CR, MG, PX, IO, XA, RF, and dental cone-beam CT."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from pydicom.datadict import dictionary_VR
from pydicom.dataelem import RawDataElement
from pydicom.dataset import Dataset
from pydicom.multival import MultiValue
from pydicom.tag import BaseTag, Tag

from kerma.core import InputError, UnsupportedError
from kerma.dicom.dose import frames, headers
from kerma.dicom.dose.moments import moment
from kerma.dicom.dose.notes import Notes
from kerma.dicom.dose.parts import Breast, Detector, Filter, Mechanics, Source
from kerma.dicom.dose.projection import sorted_filter
from kerma.dicom.dose.records import Event, Header, Report, StudyRecord
from kerma.dicom.dose.tables import attributes, materials
from kerma.dicom.dose.text import mended
from kerma.dicom.dose.totals import completed
from kerma.dicom.dose.tree import Code
from kerma.dicom.dose.values import Value, Warn, convert, single

# Modality of the image -> modality of the examination.
MODALITIES = {
    "DX": "DX",
    "CR": "DX",
    "IO": "DX",
    "RG": "DX",
    "PX": "PX",
    "MG": "MG",
    "RF": "RF",
    "XA": "RF",
    # Slices of a dental cone-beam volume: they state a dose-area product, as those of CT never do.
    "CT": "PX",
}
_SIDES = {"L": "left", "R": "right", "B": "both"}
_SIDE_CODES = {
    "left": Code("G-A101", "SRT", "Left"),
    "right": Code("G-A100", "SRT", "Right"),
    "both": Code("G-A102", "SRT", "Right and left"),
}
# Siemens writes material and thickness into Filter Type: CU_0.2_MM.
_FILTER_TYPE = re.compile(r"([A-Z]+)_(\d+(?:\.\d+)?)_MM")
_PERCENT = re.compile(r"(\d+(?:\.\d+)?)\s*%")
_TRUE_NUMBER_VRS = {"US", "SS", "UL", "SL", "FL", "FD"}


def study_of(dataset: Dataset, data: bytes, name: str) -> StudyRecord:
    """Make the record of one image: one event, no stated totals.

    Raises
    ------
    UnsupportedError
        Code ``no-dose``: an image whose header holds neither dose nor exposure.
    InputError
        Code ``no-study``.
    """
    modality = MODALITIES.get(str(dataset.get("Modality") or ""), "")
    notes = Notes()
    header, report = about(dataset, data, name, "image header", notes)
    event = _event(dataset, report.sop_instance_uid, notes)
    stated = event.kap or (event.breast and event.breast.agd)
    volume = dataset.get("Modality") == "CT"
    if not modality or not (stated or (event.sources and not volume)):
        raise UnsupportedError(
            f"The header of {name} holds no dose and no exposure factors. Send the dose report of "
            "the examination, or an image of a kind that states them.",
            code="no-dose",
            detail={"file": name, "modality": str(dataset.get("Modality") or "")},
        )
    if modality == "MG" and event.laterality is None:
        notes("the image does not say which breast it shows, so its dose is in no side's total")
    return completed(
        StudyRecord(
            study_uid=header.study_uid or "",
            modality=modality,
            header=header,
            identity=headers.read_identity(text_reader(dataset)),
            staff=headers.read_staff(text_reader(dataset)),
            reports=(replace(report, event_uids=(event.uid,)),),
            events=(event,),
            warnings=notes.all(),
        )
    )


def about(
    dataset: Dataset, data: bytes, name: str, origin: str, warn: Warn
) -> tuple[Header, Report]:
    """Read what an object that is not a structured report says about itself and its study."""
    text = text_reader(dataset)
    header = headers.read_header(text, None, warn)
    sop_uid = text(0x0008, 0x0018)
    if not header.study_uid or not sop_uid:
        raise InputError(
            f"{name} does not say which study it belongs to (no Study or SOP Instance UID).",
            code="no-study",
            detail={"file": name},
        )
    date, time = text(0x0008, 0x0023), text(0x0008, 0x0033)
    report = Report(
        origin=origin,
        sop_class=text(0x0008, 0x0016) or "",
        sop_instance_uid=sop_uid,
        sha256=hashlib.sha256(data).hexdigest(),
        created=moment(date + (time or ""), warn) if date else None,
        header=header,
    )
    return header, report


def text_reader(dataset: Dataset) -> headers.Text:
    """Return a function that gives the text of a header element, or ``None``."""

    def text(group: int, element: int) -> str | None:
        found: Any = dataset.get(Tag(group, element))
        value = getattr(found, "value", found)
        if isinstance(value, (MultiValue, list)):
            value = "\\".join(str(part) for part in value)
        return mended(str(value)).strip(" \0") or None if value is not None else None

    return text


def numbers_of(dataset: Dataset, keyword: str) -> tuple[str, ...]:
    """Return the numbers of an element as sent; a decimal in an integer element is no obstacle."""
    tag = Tag(keyword)
    element: Any = dataset.get_item(tag) if tag in dataset else None
    if element is None:
        return ()
    if isinstance(element, RawDataElement):
        vr = element.VR if element.VR not in (None, "UN") else dictionary_VR(tag)
        if vr not in _TRUE_NUMBER_VRS:
            text = bytes(element.value or b"").decode("ascii", "replace")
            return tuple(t for t in (part.strip(" \0") for part in text.split("\\")) if t)
        element = dataset[BaseTag(tag)]
    value = element.value
    values = value if isinstance(value, (MultiValue, list, tuple)) else [value]
    return tuple(str(part) for part in values if part is not None and str(part))


def quantity(dataset: Dataset, keyword: str, kind: str, unit: str, warn: Warn) -> Value | None:
    """Read one header element in the unit the attribute is defined with."""
    sent = numbers_of(dataset, keyword)
    if not sent:
        return None

    def note(text: str) -> None:
        warn(f"{keyword}: {text}")

    if any("," in text and "." in text for text in sent):
        # Some makers part several values with commas where DICOM wants backslashes.
        sent = tuple(part.strip() for text in sent for part in text.split(",") if part.strip())
        note("values parted by commas were read as several")
    tag = Tag(keyword)
    if dictionary_VR(tag) == "IS" and any("." in text for text in sent):
        note(f"{', '.join(sent)} is not a whole number, as the element requires; it is used")
    return convert(kind, sent, unit, note)


def _fields(dataset: Dataset, warn: Warn) -> dict[str, dict[str, Any]]:
    parts: dict[str, dict[str, Any]] = {}
    nested = frames.acquisitions(dataset)
    for row in attributes():
        fields = parts.setdefault(row.part, {})
        if row.field in fields:
            continue
        value = quantity(dataset, row.keyword, row.kind, row.unit, warn)
        for place in nested if value is None else ():
            found = quantity(place, row.keyword, row.kind, row.unit, warn)
            if found is not None:
                value = found if value is None else value.joined(found)
        if value is not None:
            fields[row.field] = value
    _no_zero_doses(parts, warn)
    return parts


def _no_zero_doses(parts: dict[str, dict[str, Any]], warn: Warn) -> None:
    """Call a dose of 0 missing: an exposed image had one, and systems without a meter write 0."""
    for part, field, name in (
        ("event", "kap", "dose-area product"),
        ("breast", "agd", "organ dose"),
    ):
        value: Value | None = parts.get(part, {}).get(field)
        if value is not None and value.numbers and not any(value.numbers):
            reason = f"a {name} of 0 for an exposed image is none"
            warn(f"{reason}; it is missing")
            parts[part][field] = value._replace(numbers=(), origin="missing", reason=reason)


def _event(dataset: Dataset, sop_uid: str, warn: Warn) -> Event:
    parts = _fields(dataset, warn)
    uid, stated = _uid(dataset, sop_uid)
    source = Source(
        **parts["source"],
        **_field_of_view(dataset),
        anode=_material(dataset, "AnodeTargetMaterial"),
        grid=_term(dataset, "Grid"),
        filters=tuple(_filters(dataset, parts["filter"], warn)),
    )
    detector = parts["detector"]
    facts: dict[str, Any] = (
        {"maker_index_type": "RelativeXRayExposure"} if "maker_index" in detector else {}
    )
    breast = {**parts["breast"], **_fibroglandular(dataset)}
    mechanics: dict[str, Any] = dict(parts["mechanics"])
    mammography = str(dataset.get("Modality") or "") == "MG"
    if not mammography and "compression_thickness" in mechanics:
        mechanics["patient_thickness"] = mechanics.pop("compression_thickness")
    return Event(
        uid=uid,
        uid_origin="stated" if stated else "derived",
        report_uid=sop_uid,
        kind="stationary" if str(dataset.get("NumberOfFrames") or "1") == "1" else "",
        started=_started(dataset, warn),
        protocol=_text(dataset, "ProtocolName") or _text(dataset, "SeriesDescription"),
        region=_coded(dataset, "AnatomicRegionSequence") or _term(dataset, "BodyPartExamined"),
        laterality=_laterality(dataset),
        view=_coded(dataset, "ViewCodeSequence") or _term(dataset, "ViewPosition"),
        comment=_text(dataset, "CommentsOnRadiationDose"),
        sources=(source,) if source != Source() else (),
        mechanics=Mechanics(**mechanics) if mechanics else None,
        detector=Detector(**detector, **facts, detector_id=_text(dataset, "DetectorID")),
        breast=Breast(**breast) if mammography and breast else None,
        images=(sop_uid,),
        **parts["event"],
    )


def _uid(dataset: Dataset, sop_uid: str) -> tuple[str, bool]:
    """Return the event's UID and whether it is stated.

    The raw and the processed copy of one mammogram are one exposure: without a stated UID,
    images of one study, device, moment, side and view are taken for copies. So are the slices of
    one acquisition of a volume, each of which states the dose of all.
    """
    stated = _text(dataset, "IrradiationEventUID") or frames.text(
        dataset, "IrradiationEventIdentificationSequence", "IrradiationEventUID"
    )
    if stated:
        return stated.split("\\")[0], True
    if dataset.get("Modality") == "CT":
        parts = ("StudyInstanceUID", "SeriesInstanceUID", "AcquisitionNumber")
        return _derived([_text(dataset, keyword) or "" for keyword in parts]), False
    moment_of = [_text(dataset, "AcquisitionDate"), _text(dataset, "AcquisitionTime")]
    if str(dataset.get("Modality") or "") != "MG" or None in moment_of:
        return f"{sop_uid}#1", False
    shared: list[str | None] = [
        *moment_of,
        *(
            _text(dataset, keyword) or ""
            for keyword in (
                "StudyInstanceUID",
                "DeviceSerialNumber",
                "StationName",
                "ImageLaterality",
                "ViewPosition",
            )
        ),
    ]
    return _derived(shared), False


def _derived(shared: list[Any]) -> str:
    return "derived:" + hashlib.sha256(repr(shared).encode()).hexdigest()[:40]


def _started(dataset: Dataset, warn: Warn) -> str | None:
    whole = _text(dataset, "AcquisitionDateTime")
    if whole:
        return moment(whole, warn)
    date, time = _text(dataset, "AcquisitionDate"), _text(dataset, "AcquisitionTime")
    return moment(date + (time or ""), warn) if date else None


def _text(dataset: Dataset, keyword: str) -> str | None:
    tag = Tag(keyword)
    return text_reader(dataset)(tag.group, tag.element)


def _term(dataset: Dataset, keyword: str) -> Code | None:
    text = _text(dataset, keyword)
    return Code("", "", text) if text else None


def _coded(dataset: Dataset, keyword: str) -> Code | None:
    for item in dataset.get(keyword) or ():
        value, scheme, meaning = (
            str(item.get(keyword) or "")
            for keyword in ("CodeValue", "CodingSchemeDesignator", "CodeMeaning")
        )
        return Code(value, scheme, meaning)
    return None


def _laterality(dataset: Dataset) -> Code | None:
    letter = (
        _text(dataset, "ImageLaterality")
        or _text(dataset, "Laterality")
        or frames.text(dataset, "FrameAnatomySequence", "FrameLaterality")
        or ""
    )
    return _SIDE_CODES.get(_SIDES.get(letter, ""))


def _material(dataset: Dataset, keyword: str) -> Code | None:
    text = _text(dataset, keyword)
    if not text:
        return None
    return materials().get(text.upper(), Code("", "", text))


def _field_of_view(dataset: Dataset) -> dict[str, Any]:
    """Derive the field at the detector from Field of View Dimension(s): rows, columns in mm."""
    try:
        numbers = [float(text) for text in numbers_of(dataset, "FieldOfViewDimensions")]
    except ValueError:
        return {}
    if len(numbers) != 2 or min(numbers) <= 0:
        return {}
    how = "from Field of View Dimension(s)"
    height, width = numbers
    return {
        "field_height": single(height, "length", "derived", how),
        "field_width": single(width, "length", "derived", how),
        "field_area": single(height * width / 1e6, "area", "derived", how),
    }


def _filters(dataset: Dataset, thickness: dict[str, Value], warn: Warn) -> Iterator[Filter]:
    """Read filters: one a material, with the thickness pair of the same place in the list."""
    kind = _text(dataset, "FilterType")
    match = _FILTER_TYPE.fullmatch((kind or "").upper())
    names = re.split(r"[\\,]", _text(dataset, "FilterMaterial") or "")
    if names == [""]:
        if match and match[1] in materials():
            how = f"from Filter Type {kind}"
            value = single(float(match[2]), "length", "derived", how)
            yield Filter(
                type=Code("", "", kind or ""),
                material=materials()[match[1]],
                thickness_min=value,
                thickness_max=value,
            )
        elif kind or thickness:
            term = Code("", "", kind) if kind else None
            yield sorted_filter({"type": term, **thickness}, warn, "filter")
        return
    for index, text in enumerate(names):
        fields: dict[str, Any] = {
            field: value._replace(
                numbers=value.numbers[index : index + 1], sent=value.sent[index : index + 1]
            )
            for field, value in thickness.items()
            if index < len(value.numbers)
        }
        fields["material"] = materials().get(text.upper(), Code("", "", text))
        fields["type"] = Code("", "", kind) if kind else None
        yield sorted_filter(fields, warn, "filter")


def _fibroglandular(dataset: Dataset) -> dict[str, Value]:
    """Read the composition GE writes as a lone percentage into Comments on Radiation Dose."""
    text = _text(dataset, "CommentsOnRadiationDose") or ""
    match = _PERCENT.fullmatch(text)
    if match is None or "GE" not in (_text(dataset, "Manufacturer") or "").upper().split():
        return {}
    value = single(float(match[1]), "percent", "derived", "from Comments on Radiation Dose")
    return {"fibroglandular": value}
