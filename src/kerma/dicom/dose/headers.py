"""Study, device and patient facts from the text elements of an object's header."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping

from kerma.dicom.dose.moments import age_from_dates, age_from_text, iso_date, iso_time
from kerma.dicom.dose.parts import Observer
from kerma.dicom.dose.records import Device, Header, Identity, Patient, Staff
from kerma.dicom.dose.tags import tag
from kerma.dicom.dose.text import decoded
from kerma.dicom.dose.values import Value, Warn, convert, single

Text = Callable[[int, int], str | None]


def text_of(header: Mapping[int, bytes], encodings: tuple[str, ...]) -> Text:
    """Return a function that gives the text of a header element, or ``None``."""

    def text(group: int, element: int) -> str | None:
        raw = header.get(tag(group, element))
        return (decoded(raw, encodings) or None) if raw else None

    return text


def read_header(text: Text, observer: Observer | None, warn: Warn) -> Header:
    """Read everything but identity."""
    date, time = text(0x0008, 0x0020), text(0x0008, 0x0030)
    return Header(
        study_uid=text(0x0020, 0x000D),
        study_id=text(0x0020, 0x0010),
        study_date=iso_date(date) if date else None,
        study_time=iso_time(time) if time else None,
        accession_number=text(0x0008, 0x0050),
        description=text(0x0008, 0x1030),
        requested_procedure=text(0x0032, 0x1060),
        modality=text(0x0008, 0x0060),
        utc_offset=text(0x0008, 0x0201),
        device=_device(text, observer),
        patient=_patient(text, warn),
    )


def read_identity(text: Text) -> Identity:
    """Read what names or numbers the patient."""
    return Identity(
        patient_id=text(0x0010, 0x0020),
        issuer=text(0x0010, 0x0021),
        name=text(0x0010, 0x0010),
        birth_date=text(0x0010, 0x0030),
    )


def read_staff(text: Text, observer_name: str | None = None) -> Staff:
    """Read the names of the people of the examination."""
    return Staff(
        referring=text(0x0008, 0x0090),
        performing=text(0x0008, 0x1050),
        operators=text(0x0008, 0x1070),
        observer=observer_name,
    )


def _device(text: Text, observer: Observer | None) -> Device:
    fields = {
        "manufacturer": text(0x0008, 0x0070),
        "model": text(0x0008, 0x1090),
        "station": text(0x0008, 0x1010),
        "serial": text(0x0018, 0x1000),
    }
    taken: list[str] = []
    if observer is not None:
        instead = {
            "manufacturer": observer.manufacturer,
            "model": observer.model,
            "station": observer.name,
            "serial": observer.serial,
        }
        for name, value in instead.items():
            if not fields[name] and value:
                fields[name] = value
                taken.append(name)
    return Device(
        **fields,
        software=text(0x0018, 0x1020),
        institution=text(0x0008, 0x0080),
        address=text(0x0008, 0x0081),
        department=text(0x0008, 0x1040),
        observer_uid=observer.uid if observer else None,
        from_observer=tuple(taken),
    )


def _patient(text: Text, warn: Warn) -> Patient:
    age_text = text(0x0010, 0x1010)
    years, why = age_from_dates(text(0x0010, 0x0030) or "", text(0x0008, 0x0020) or "")
    age: Value | None = None
    if why:
        warn(f"patient: {why}; it gives no age")
    if years is not None:
        age = single(years, "age", "derived", "from birth date and study date")
    elif age_text and (stated := age_from_text(age_text)) is not None:
        age = Value((stated,), "a", (age_text,), None, None)
    return Patient(
        sex=text(0x0010, 0x0040),
        age_text=age_text,
        age=age,
        height=_size(text(0x0010, 0x1020), "height", warn),
        mass=_size(text(0x0010, 0x1030), "mass", warn),
    )


# Design choice, as for sizes that come otherwise: values outside are in other units, no person's.
_SIZES = {"height": ("m", 0.2, 2.6), "mass": ("kg", 0.2, 400.0)}


def _size(sent: str | None, quantity: str, warn: Warn) -> Value | None:
    """Read Patient's Size (m) or Weight (kg); zero is how systems write that they know none."""
    if not sent:
        return None
    unit, low, high = _SIZES[quantity]
    value = convert(quantity, (sent,), unit, warn)
    if value.number is None:
        return value
    if math.isclose(value.number, 0.0):
        return None
    if not low <= value.number <= high:
        reason = f"patient's {quantity} of {sent} {unit} is no person's"
        warn(f"{reason}; it is not used")
        return value._replace(numbers=(), origin="missing", reason=reason)
    return value
