"""What dose reports hold, as plain immutable records.

In every record a quantity is a `Value` or ``None``: ``None`` when the report has no such item, a
`Value` without numbers when it has one that cannot be used. Lengths are kept in mm, angles in
degrees, and so on, as ``units.csv`` says; `Value.unit` repeats it.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from kerma.dicom.dose.export import as_dict, to_json
from kerma.dicom.dose.parts import (
    CT,
    Administration,
    Breast,
    Calibration,
    Characteristics,
    Detector,
    DeviceRef,
    DoseCheck,
    Filter,
    Mechanics,
    Observer,
    OrganDose,
    Person,
    SideDose,
    Source,
)
from kerma.dicom.dose.tree import Code, Item
from kerma.dicom.dose.values import Value

__all__ = [
    "CT",
    "Accumulated",
    "Administration",
    "Breast",
    "Calibration",
    "Characteristics",
    "Code",
    "Detector",
    "Device",
    "DeviceRef",
    "DoseCheck",
    "Event",
    "Filter",
    "Header",
    "Identity",
    "Item",
    "Mechanics",
    "Observer",
    "OrganDose",
    "Patient",
    "Person",
    "Report",
    "SideDose",
    "Source",
    "Staff",
    "StudyRecord",
    "Total",
    "Totals",
    "Value",
    "as_dict",
    "to_json",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """Everything that names or numbers the patient, raw, in one place; `None` where not stated.

    The service turns it into keyed hashes before anything is stored. `birth_date` is as sent.
    """

    patient_id: str | None = None
    issuer: str | None = None
    name: str | None = None
    birth_date: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Staff:
    """Names of the people of the examination, as sent."""

    referring: str | None = None
    performing: str | None = None
    operators: str | None = None
    observer: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Patient:
    """Facts about the patient that identify nobody.

    `age` is derived from the dates when they make sense, else from the stated age.
    """

    sex: str | None = None
    age_text: str | None = None
    age: Value | None = None
    height: Value | None = None
    mass: Value | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Device:
    """The system, from the header; what the header leaves empty comes from the observer context.

    `from_observer` names the fields that did.
    """

    manufacturer: str | None = None
    model: str | None = None
    station: str | None = None
    serial: str | None = None
    software: str | None = None
    institution: str | None = None
    address: str | None = None
    department: str | None = None
    observer_uid: str | None = None
    from_observer: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Header:
    """What one object says about the study, apart from identity."""

    study_uid: str | None = None
    study_id: str | None = None
    study_date: str | None = None
    study_time: str | None = None
    accession_number: str | None = None
    description: str | None = None
    requested_procedure: str | None = None
    modality: str | None = None
    utc_offset: str | None = None
    device: Device = field(default_factory=Device)
    patient: Patient = field(default_factory=Patient)


@dataclass(frozen=True, slots=True, kw_only=True)
class Accumulated:
    """Totals as one report states them for one plane, or for CT.

    Attributes
    ----------
    plane
        Acquisition plane; ``None`` for CT.
    source
        Identification of the X-ray source(s) an enhanced report's totals are of.
    agd
        Accumulated average glandular dose, one for each breast stated.
    remaining
        Items the concept table does not know, untouched.
    """

    plane: Code | None = None
    source: str | None = None
    kap: Value | None = None
    dose_rp: Value | None = None
    fluoro_kap: Value | None = None
    fluoro_dose_rp: Value | None = None
    fluoro_time: Value | None = None
    acquisition_kap: Value | None = None
    acquisition_dose_rp: Value | None = None
    acquisition_time: Value | None = None
    frames: Value | None = None
    reference_point: Code | None = None
    source_reference_point: Value | None = None
    agd: tuple[SideDose, ...] = ()
    calibrations: tuple[Calibration, ...] = ()
    event_count: Value | None = None
    dlp: Value | None = None
    phantom: Code | None = None
    effective_dose: Value | None = None
    devices: tuple[DeviceRef, ...] = ()
    remaining: tuple[Item, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One irradiation event.

    Attributes
    ----------
    uid, uid_origin
        Irradiation Event UID, and ``stated`` or ``derived`` (an image that does not state one).
    report_uid
        SOP Instance UID of the object it was read from.
    kind, type
        Plain name (``fluoroscopy``, ``spiral``, ...; empty when unknown) and the code as sent.
    started
        ISO 8601, with the offset from UTC when one was sent.
    images
        SOP Instance UIDs of its images.
    remaining
        Items the concept table does not know (makers' own among them), untouched.
    """

    uid: str
    uid_origin: str = "stated"
    report_uid: str = ""
    kind: str = ""
    type: Code | None = None
    plane: Code | None = None
    started: str | None = None
    protocol: str | None = None
    label: str | None = None
    region: Code | None = None
    anatomy: Code | None = None
    laterality: Code | None = None
    view: Code | None = None
    view_modifier: Code | None = None
    eponymous_name: Code | None = None
    context: Code | None = None
    comment: str | None = None
    kap: Value | None = None
    dose_rp: Value | None = None
    reference_point: Code | None = None
    irradiation_time: Value | None = None
    sources: tuple[Source, ...] = ()
    mechanics: Mechanics | None = None
    detector: Detector | None = None
    breast: Breast | None = None
    ct: CT | None = None
    devices: tuple[DeviceRef, ...] = ()
    persons: tuple[Person, ...] = ()
    images: tuple[str, ...] = ()
    remaining: tuple[Item, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """One object that was read into the study.

    Attributes
    ----------
    origin
        ``dose report``, ``image header`` or ``secondary capture``.
    third_party
        True when the report says it was derived from human-readable dose screens: lower quality.
    event_uids
        Events it holds, in its order.
    """

    origin: str
    sop_class: str
    sop_instance_uid: str
    sha256: str = ""
    title: Code | None = None
    templates: tuple[str, ...] = ()
    created: str | None = None
    header: Header = field(default_factory=Header)
    observer: Observer | None = None
    scope: Code | None = None
    scope_study_uid: str | None = None
    scope_step_uid: str | None = None
    started: str | None = None
    ended: str | None = None
    procedure: Code | None = None
    associated_procedure: Code | None = None
    intent: Code | None = None
    device_type: Code | None = None
    source_of_dose: Code | None = None
    source_data: Code | None = None
    mechanical_data: Code | None = None
    detector_data: Code | None = None
    language: Code | None = None
    country: Code | None = None
    comment: str | None = None
    third_party: bool = False
    characteristics: Characteristics | None = None
    accumulated: tuple[Accumulated, ...] = ()
    event_uids: tuple[str, ...] = ()
    devices: tuple[DeviceRef, ...] = ()
    persons: tuple[Person, ...] = ()
    remaining: tuple[Item, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Total:
    """One total of the study.

    Attributes
    ----------
    value
        The one to use; its origin says which it is.
    stated, summed
        What the device states, and the sum over the events that have the quantity.
    difference
        (summed − stated) / stated, where both are known and stated is not zero.
    flagged
        True when the two differ by more than 1 %.
    note
        Why this one is used, when that needs saying.
    """

    value: Value | None = None
    stated: Value | None = None
    summed: Value | None = None
    difference: float | None = None
    flagged: bool = False
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Totals:
    """Totals of the study. `kap_by_plane` pairs each plane's name with its stated total."""

    dlp: Total = field(default_factory=Total)
    kap: Total = field(default_factory=Total)
    fluoro_kap: Total = field(default_factory=Total)
    acquisition_kap: Total = field(default_factory=Total)
    dose_rp: Total = field(default_factory=Total)
    fluoro_dose_rp: Total = field(default_factory=Total)
    acquisition_dose_rp: Total = field(default_factory=Total)
    fluoro_time: Total = field(default_factory=Total)
    acquisition_time: Total = field(default_factory=Total)
    agd_left: Total = field(default_factory=Total)
    agd_right: Total = field(default_factory=Total)
    administered_activity: Total = field(default_factory=Total)
    effective_dose: Total = field(default_factory=Total)
    kap_by_plane: tuple[tuple[str, Value], ...] = ()
    dose_rp_by_plane: tuple[tuple[str, Value], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class StudyRecord:
    """One examination: its objects, its events, its totals.

    Attributes
    ----------
    modality
        CT, RF, DX, MG, PX or NM, from what was done, not from the device type.
    header
        The best-informed value of each study, device and patient fact.
    identity, staff
        Raw names and numbers, kept apart.
    """

    study_uid: str
    modality: str
    header: Header
    identity: Identity
    staff: Staff
    reports: tuple[Report, ...]
    events: tuple[Event, ...]
    administrations: tuple[Administration, ...] = ()
    totals: Totals = field(default_factory=Totals)
    warnings: tuple[str, ...] = ()
