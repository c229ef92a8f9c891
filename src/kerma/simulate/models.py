"""The records of the simulated service: plain, frozen, without any of the web.

Keys (``key``) are short and stable; other records refer to them. Dates are dates, never offsets.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date


@dataclass(frozen=True, slots=True)
class Employer:
    """A legal person that holds the duties; `kind` is ``nhs`` or ``private``."""

    key: str
    name: str
    kind: str
    contact_name: str
    contact_role: str
    contact_email: str


@dataclass(frozen=True, slots=True)
class Site:
    """A place of an employer where X-rays are used."""

    key: str
    employer: str
    name: str
    address: str


@dataclass(frozen=True, slots=True)
class Room:
    """A room with walls and occupancy; vans and storage bays count as rooms."""

    key: str
    site: str
    name: str
    use: str


@dataclass(frozen=True, slots=True)
class DicomIdentity:
    """What the objects of a system say about where they came from, from a date on."""

    station_name: str
    ae_title: str
    device_serial: str
    observer_uid: str
    valid_from: date


@dataclass(frozen=True, slots=True)
class Component:
    """A part with its own serial and dates; `removed` is ``None`` while it is in place.

    `kind` is tube, generator, detector, dap_meter or display.
    """

    kind: str
    maker: str
    model: str
    serial: str
    installed: date
    removed: date | None = None
    reason_removed: str = ""


@dataclass(frozen=True, slots=True)
class System:
    """An X-ray installation (or a diagnostic display), as its inventory row states it.

    Attributes
    ----------
    equipment_type
        One of `kerma.simulate.department.EQUIPMENT_TYPES`.
    modality
        DICOM modality of its images; empty for a display.
    features
        Words that narrow the type: ``rotational angiography``, ``hybrid theatre``, ``o-arm``,
        ``aec``, ``grid`` ...
    """

    key: str
    asset_number: str
    name: str
    equipment_type: str
    modality: str
    room: str
    site: str
    employer: str
    manufacturer: str
    model: str
    serial: str
    software: str
    year_of_manufacture: int
    installed: date
    clinical_use: str
    features: tuple[str, ...]
    identity: DicomIdentity
    components: tuple[Component, ...]

    def component(self, kind: str, on: date) -> Component | None:
        """Return the part of a kind that was in place on a day."""
        for part in self.components:
            if (
                part.kind == kind
                and part.installed <= on
                and (part.removed is None or on < part.removed)
            ):
                return part
        return None


@dataclass(frozen=True, slots=True)
class Person:
    """Someone with an account. `role` is a role key of the authority rules.

    `employer` is set for people of a hospital and empty for the service's own staff.
    """

    key: str
    name: str
    role: str
    job_title: str
    email: str
    started: date
    employer: str = ""
    sites: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Credential:
    """A registration or certificate; `type` is HCPC, RCT, MPE or RPA."""

    person: str
    type: str
    number: str
    issuing_body: str
    scope: str
    issued: date
    expires: date | None
    last_declaration: date | None


@dataclass(frozen=True, slots=True)
class Authorisation:
    """The service's own authorisation for a task in a modality (``*`` = every one)."""

    person: str
    task: str
    modality: str
    level: str
    given: date
    assessor: str
    evidence: str
    review_due: date


@dataclass(frozen=True, slots=True)
class Appointment:
    """An employer's written appointment as RPA, MPE or RPS; empty modalities mean all."""

    employer: str
    person: str
    role: str
    modalities: tuple[str, ...]
    scope: str
    start: date
    end: date | None
    deputies: tuple[str, ...]
    letter: str


@dataclass(frozen=True, slots=True)
class ModalityLead:
    """The scientist who oversees the testing of one kind of equipment."""

    equipment_type: str
    person: str
    since: date


@dataclass(frozen=True, slots=True)
class SiteContact:
    """The senior member of staff a site calls first, and who stands in."""

    site: str
    person: str
    cover: str
    since: date


@dataclass(frozen=True, slots=True)
class Absence:
    """Days, first and last included, on which a person's cover is called instead."""

    person: str
    first: date
    last: date
    reason: str


@dataclass(frozen=True, slots=True)
class Factor:
    """A calibration factor (reference / indicated) with its expanded uncertainty in per cent."""

    quantity: str
    beam: str
    factor: float
    expanded_percent: float
    k: float


@dataclass(frozen=True, slots=True)
class Certificate:
    """A calibration of an instrument."""

    laboratory: str
    number: str
    calibrated: date
    due: date
    factors: tuple[Factor, ...]


@dataclass(frozen=True, slots=True)
class Instrument:
    """A meter with its certificates, oldest first; `kind` is the protocol's word for it."""

    key: str
    asset_number: str
    kind: str
    title: str
    maker: str
    model: str
    serial: str
    certificates: tuple[Certificate, ...]

    def certificate_on(self, day: date) -> Certificate | None:
        """Return the certificate in force on a day, or ``None``."""
        for certificate in reversed(self.certificates):
            if certificate.calibrated <= day <= certificate.due:
                return certificate
        return None


@dataclass(frozen=True, slots=True)
class Department:
    """The whole simulated service on one day."""

    seed: int
    today: date
    service_name: str
    employers: tuple[Employer, ...]
    sites: tuple[Site, ...]
    rooms: tuple[Room, ...]
    systems: tuple[System, ...]
    persons: tuple[Person, ...]
    credentials: tuple[Credential, ...]
    authorisations: tuple[Authorisation, ...]
    appointments: tuple[Appointment, ...]
    modality_leads: tuple[ModalityLead, ...]
    site_contacts: tuple[SiteContact, ...]
    absences: tuple[Absence, ...]
    instruments: tuple[Instrument, ...]

    def system(self, key: str) -> System:
        """Return a system by key."""
        return next(s for s in self.systems if s.key == key)

    def contact_of(self, site: str, on: date) -> str:
        """Return whom a site calls on a day: its contact, or the cover during an absence."""
        contact = next(c for c in self.site_contacts if c.site == site)
        away = any(a.person == contact.person and a.first <= on <= a.last for a in self.absences)
        return contact.cover if away else contact.person
