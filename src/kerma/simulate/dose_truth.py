"""What a simulated dose report is known to contain."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Patient:
    """An invented patient; lengths in metres, mass in kilograms, age in years."""

    id: str
    name: str
    sex: str
    born: str
    age_y: float
    height_m: float
    mass_kg: float


@dataclass(frozen=True, slots=True)
class EventTruth:
    """One irradiation event.

    `values` are in the units their names end in (``kap_gy_m2``, ``kerma_rp_gy``, ``dlp_mgy_cm``,
    ``ctdivol_mgy``, ``agd_mgy``, ``time_ms`` ...), exactly as written, decimal for decimal; a key
    with ``None`` was written as an empty measured value. `kind` and the entries of `codes` are
    names in ``data/sr_codes.yaml``.
    """

    uid: str
    kind: str
    protocol: str
    started: datetime
    values: Mapping[str, float | None]
    codes: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Study:
    """One attendance before it becomes a file."""

    modality: str
    template: str
    system: str
    uid: str
    accession: str
    patient: Patient
    started: datetime
    ended: datetime
    description: str
    protocol: str
    region: str
    events: tuple[EventTruth, ...]


@dataclass(frozen=True, slots=True)
class Truth:
    """A file and everything that is known of it.

    Attributes
    ----------
    file
        Name inside the folder.
    template
        ``ct``, ``projection`` or ``mammography``.
    system
        Key of the system; empty for a device that is in no inventory.
    quirks
        What is odd about the file, by name; empty for most.
    readable
        False for the file that was cut short.
    totals
        Stated totals, in the units the names end in; ``None`` when written empty.
    earlier
        For a cumulative re-issue or a continuation, the SOP Instance UID of the first report.
    """

    file: str
    template: str
    modality: str
    system: str
    sop_uid: str
    study: Study
    totals: Mapping[str, float | None]
    quirks: tuple[str, ...] = ()
    readable: bool = True
    earlier: str = ""
    station_name: str = ""
    device_serial: str = ""
    kap_unit: str = "Gy.m2"
