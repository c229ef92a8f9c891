"""The simulated service: hospitals, systems, staff and instruments, all invented.

The same seed and the same `today` give the same department, to the last serial number. Figures in
the data files (ages, calibration factors) are choices of the simulation and no one's measurements.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date, timedelta
from functools import cache
from importlib import resources
from typing import Any

import yaml

from kerma.simulate.models import (
    Absence,
    Appointment,
    Authorisation,
    Certificate,
    Component,
    Credential,
    Department,
    DicomIdentity,
    Employer,
    Factor,
    Instrument,
    ModalityLead,
    Person,
    Room,
    Site,
    SiteContact,
    System,
)
from kerma.simulate.seeding import digits, stream, uid

EQUIPMENT_TYPES = (
    "radiography",
    "cr",
    "mobile",
    "fluoroscopy",
    "interventional",
    "ct",
    "cbct_dental",
    "cbct_other",
    "mammography",
    "tomosynthesis",
    "dental_intraoral",
    "dental_panoramic",
    "dental_cephalometric",
    "dexa",
    "display",
)
DEFAULT_SEED = 2026
# Parts that the estate file may say were exchanged, and the key that says when.
_CHANGES = {
    "tube": "tube_change",
    "detector": "detector_change",
    "dap_meter": "dap_change",
}


@cache
def load(name: str) -> Mapping[str, Any]:
    """Return one of the simulation's data files (``estate``, ``staff`` ...) as plain data."""
    text = resources.files("kerma.simulate").joinpath(f"data/{name}.yaml").read_text("utf-8")
    loaded: Mapping[str, Any] = yaml.safe_load(text)
    return loaded


def build_department(*, today: date, seed: int = DEFAULT_SEED) -> Department:
    """Build the simulated service as it stands on a day.

    Parameters
    ----------
    today
        The day everything is dated from.
    seed
        Fixes serials, UIDs and calibration factors.
    """
    estate = load("estate")
    rooms = tuple(_rooms(estate))
    return Department(
        seed=seed,
        today=today,
        service_name=str(estate["service_name"]),
        employers=tuple(Employer(**row) for row in estate["employers"]),
        sites=tuple(Site(**row) for row in estate["sites"]),
        rooms=rooms,
        systems=tuple(_systems(estate, today, seed)),
        instruments=tuple(_instruments(today, seed)),
        **_staff(today),
    )


def _room_key(row: Mapping[str, Any]) -> str:
    return f"{row['site']}-{row['room'].lower().replace(' ', '-')}"


def _rooms(estate: Mapping[str, Any]) -> Iterator[Room]:
    seen = set()
    for row in estate["systems"]:
        key = _room_key(row)
        if key not in seen:
            seen.add(key)
            yield Room(key, row["site"], row["room"], row["use"])


def _systems(estate: Mapping[str, Any], today: date, seed: int) -> Iterator[System]:
    employer_of = {row["key"]: row["employer"] for row in estate["sites"]}
    models = load("makers")["models"]
    for number, row in enumerate(estate["systems"], start=1):
        key, model = row["key"], models[row["model"]]
        installed = today - timedelta(days=row["age"])
        serial = model["prefix"] + digits(seed, 4, key, "serial")
        yield System(
            key=key,
            asset_number=f"KD-{number:04d}",
            name=row["name"],
            equipment_type=row["type"],
            modality=model["modality"],
            room=_room_key(row),
            site=row["site"],
            employer=employer_of[row["site"]],
            manufacturer=model["maker"],
            model=model["model"],
            serial=serial,
            software=model["software"][-1],
            # Made the year before when it was installed in the first months of a year.
            year_of_manufacture=(installed - timedelta(days=120)).year,
            installed=installed,
            clinical_use=row["use"],
            features=tuple(row["features"]),
            identity=_identity(key, serial, installed, seed),
            components=tuple(_components(row, model, today, installed, seed)),
        )


def _identity(key: str, serial: str, installed: date, seed: int) -> DicomIdentity:
    name = key.replace("-", "").upper()
    return DicomIdentity(
        station_name=f"{name}_WS",
        ae_title=f"KD_{name}",
        device_serial=serial,
        observer_uid=uid(seed, key, "observer"),
        valid_from=installed,
    )


def _components(
    row: Mapping[str, Any], model: Mapping[str, Any], today: date, installed: date, seed: int
) -> Iterator[Component]:
    for kind, (maker, name) in model["components"].items():
        serials = [
            f"{kind[0].upper()}-{digits(seed, 4, row['key'], kind, generation)}"
            for generation in (0, 1)
        ]
        days_ago = row.get(_CHANGES.get(kind, ""))
        if days_ago is None:
            yield Component(kind, maker, name, serials[0], installed)
            continue
        changed = today - timedelta(days=days_ago)
        reason = f"{kind.replace('_', ' ').capitalize()} replaced"
        yield Component(kind, maker, name, serials[0], installed, changed, reason)
        yield Component(kind, maker, name, serials[1], changed)


def _staff(today: date) -> dict[str, Any]:
    staff = load("staff")

    def day(offset: int | None) -> date | None:
        return None if offset is None else today + timedelta(days=offset)

    def sure(offset: int) -> date:
        return today + timedelta(days=offset)

    persons = tuple(
        Person(
            key=row["key"],
            name=row["name"],
            role=row["role"],
            job_title=row["job_title"],
            email=f"{row['key']}@{row.get('employer', 'kerma-demo')}.example",
            started=sure(row["started"]),
            employer=row.get("employer", ""),
            sites=tuple(row.get("sites", ())),
        )
        for row in staff["persons"]
    )
    credentials = tuple(
        Credential(
            person=row["person"],
            type=row["type"],
            number=row["number"],
            issuing_body=row["body"],
            scope=row["scope"],
            issued=sure(row["issued"]),
            expires=day(row["expires"]),
            last_declaration=day(row["declared"]),
        )
        for row in staff["credentials"]
    )
    leads = staff["modality_leads"]
    return {
        "persons": persons,
        "credentials": credentials,
        "authorisations": tuple(_authorisations(staff["authorisations"], today)),
        "appointments": tuple(_appointments(staff["appointments"], today)),
        "modality_leads": tuple(
            ModalityLead(kind, leads[kind], sure(-800)) for kind in EQUIPMENT_TYPES
        ),
        "site_contacts": tuple(
            SiteContact(row["site"], row["person"], row["cover"], sure(-900))
            for row in staff["site_contacts"]
        ),
        "absences": tuple(
            Absence(row["person"], sure(row["first"]), sure(row["last"]), row["reason"])
            for row in staff["absences"]
        ),
    }


def _authorisations(rows: list[Mapping[str, Any]], today: date) -> Iterator[Authorisation]:
    for row in rows:
        given = today + timedelta(days=row["given"])
        # Three-yearly review is the demo service's own policy; the last one is kept ahead of today.
        review = given
        while review <= today:
            review += timedelta(days=3 * 365)
        for modality in row["modalities"]:
            yield Authorisation(
                person=row["person"],
                task="survey",
                modality=modality,
                level=row["level"],
                given=given,
                assessor=row["assessor"],
                evidence=row["evidence"],
                review_due=review,
            )


def _appointments(rows: list[Mapping[str, Any]], today: date) -> Iterator[Appointment]:
    for number, row in enumerate(rows, start=1):
        start = today + timedelta(days=row["start"])
        yield Appointment(
            employer=row["employer"],
            person=row["person"],
            role=row["role"],
            modalities=tuple(row["modalities"]),
            scope=row["scope"],
            start=start,
            end=None if row["end"] is None else today + timedelta(days=row["end"]),
            deputies=tuple(row["deputies"]),
            letter=f"{row['employer'].upper()}/{row['role']}/{start.year}/{number:02d}",
        )


def _instruments(today: date, seed: int) -> Iterator[Instrument]:
    data = load("instruments")
    for number, row in enumerate(data["instruments"], start=1):
        yield Instrument(
            key=row["key"],
            asset_number=f"KI-{number:03d}",
            kind=row["kind"],
            title=row["title"],
            maker=row["maker"],
            model=row["model"],
            serial=f"{row['prefix']}-{digits(seed, 5, row['key'], 'serial')}",
            certificates=tuple(
                _certificate(row, data["laboratories"][row["lab"]], today, days, seed)
                for days in row["calibrated"]
            ),
        )


def _certificate(
    row: Mapping[str, Any], laboratory: str, today: date, days: int, seed: int
) -> Certificate:
    calibrated = today + timedelta(days=days)
    # A meter wanders between calibrations by a tenth of the laboratory's U: enough to be seen in
    # a history, far too little to matter.
    rng = stream(seed, row["key"], "calibration", days)
    factors = tuple(
        Factor(
            quantity,
            beam,
            round(mean * (1 + 0.1 * u / 100 * float(rng.standard_normal())), 4),
            u,
            2.0,
        )
        for quantity, beam, mean, u in row["factors"]
    )
    return Certificate(
        laboratory=laboratory,
        number=f"C-{digits(seed, 4, row['key'], 'certificate', days)}",
        calibrated=calibrated,
        due=calibrated + timedelta(days=row["interval"]),
        factors=factors,
    )
