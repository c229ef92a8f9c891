"""Every value the shared list asserts for real dose reports of many makers."""

from __future__ import annotations

import json
from dataclasses import replace
from functools import cache
from typing import Any

import pytest

from kerma.dicom.dose import StudyRecord, read_report, to_json
from kerma.dicom.dose.records import Identity, Staff
from kerma.dicom.dose.values import Value
from kerma.dicom.notpatient import matches
from tests.dicom import paths
from tests.shared import ROOT, shared_path

FOLDER = "dicom/dose-reports"
UNITS = {
    "mGy.cm", "mGy", "mSv", "MBq", "Gy.m2", "Gy", "kV", "mA", "uA.s", "ms", "s", "mm", "m2", "deg",
    "%", "mm Al", "cm3", "m", "kg", "kg/m2", "h", "mmol/l",
}  # fmt: skip

# A bare null here says that another program does not store it, nothing about the file.
IDENTITY = {
    "patient.patient_name", "patient.patient_id", "patient.patient_birth_date",
}  # fmt: skip


@cache
def expected() -> dict[str, Any]:
    path = ROOT / FOLDER / "expected.json"
    if not path.exists():
        return {"files": {}}
    found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return found


@cache
def study(name: str) -> StudyRecord:
    return read_report(shared_path(f"{FOLDER}/{name}"))


def cases() -> list[Any]:
    found = [
        pytest.param(name, path, stated, id=f"{name.removesuffix('.dcm')}-{path}")
        for name, facts in expected()["files"].items()
        for path, stated in facts.get("asserted", {}).items()
        if not (path in IDENTITY and stated["value"] is None and "also_asserted" not in stated)
    ]
    return found or [pytest.param("expected.json", "", {}, id="shared-material-absent")]


@pytest.mark.shared
@pytest.mark.parametrize(("name", "path", "stated"), cases())
def test_asserted_value(name: str, path: str, stated: dict[str, Any]) -> None:
    record = study(name)
    if path == "patient.not_patient_indicator":
        check_not_patient(record, stated["value"])
        return
    found = paths.find(record, path)
    wanted = stated["value"]
    if path in IDENTITY:
        check_identity(found, stated)
    elif path == "referring_physician_name":
        # The list shows several names parted by " | "; DICOM parts them with a backslash.
        assert str(found).replace("\\", " | ") == wanted
    elif isinstance(wanted, float) or (isinstance(wanted, int) and isinstance(found, Value)):
        assert isinstance(found, Value), path
        tolerance = {"abs": 0.05} if path.endswith("age_decimal") else {"rel": 1e-7}
        assert found.number == pytest.approx(wanted, **tolerance)
        assert found.origin != "missing"
        if stated.get("unit") in UNITS:
            assert found.unit == stated["unit"]
    else:
        assert paths.plain(found) == wanted


def check_not_patient(record: StudyRecord, wanted: str | None) -> None:
    """The list's indicator names the pattern ``*qa*`` for the identifier."""
    found = matches(record.identity.patient_id, record.identity.name, id_patterns=["*qa*"])
    assert bool(found) is (wanted is not None)


def check_identity(found: str | None, stated: dict[str, Any]) -> None:
    """Identity is kept raw; dates in the list are in ISO form."""
    accepted = {stated["value"], *stated.get("also_asserted", ())} - {None}
    digits = found and found.isdigit() and len(found) == 8
    shown = f"{found[:4]}-{found[4:6]}-{found[6:]}" if found and digits else found
    assert (found is None and stated["value"] is None) or {found, shown} & accepted


@pytest.mark.shared
@pytest.mark.parametrize("name", sorted(expected()["files"]) or ["expected.json"])
def test_identity_is_nowhere_but_in_its_own_object(name: str) -> None:
    if "ESR_non-dose" in name:
        return
    record = study(name)
    shown = repr(replace(record, identity=Identity(), staff=Staff())) + to_json(record)
    for secret in (record.identity.patient_id, record.identity.name):
        if secret and len(secret) > 6 and not secret.startswith("REMOVED"):
            assert secret not in shown


DIRECT = {
    "study_uid": lambda r: r.study_uid,
    "sop_instance_uid": lambda r: r.reports[0].sop_instance_uid,
    "number_of_events": lambda r: len(r.events),
    "unique_event_uids": lambda r: len({e.uid for e in r.events}),
    "patient_age": lambda r: r.header.patient.age_text,
    "accession": lambda r: r.header.accession_number,
    "study_description": lambda r: r.header.description,
    "manufacturer": lambda r: r.reports[0].header.device.manufacturer,
    "software": lambda r: r.header.device.software,
    "template_id": lambda r: list(r.reports[0].templates),
    "root_concept": lambda r: "|".join(
        (r.reports[0].title.meaning, r.reports[0].title.value, r.reports[0].title.scheme)
    ),
}

FIELDS = {
    "dap": lambda e: e.kap,
    "dose_rp": lambda e: e.dose_rp,
    "ctdivol": lambda e: e.ct.ctdivol,
    "dlp": lambda e: e.ct.dlp,
    "pitch": lambda e: e.ct.pitch,
    "scanning_length": lambda e: e.ct.scan_length,
    "agd": lambda e: e.breast.agd,
    "hvl": lambda e: e.breast.half_value_layer,
    "entrance_exposure_rp": lambda e: e.breast.entrance_exposure,
    "compression_thickness": lambda e: e.mechanics.compression_thickness,
    "primary_angle": lambda e: e.mechanics.primary_angle,
    "secondary_angle": lambda e: e.mechanics.secondary_angle,
    "sid": lambda e: e.mechanics.source_detector,
    "exposure_index": lambda e: e.detector.exposure_index,
    "deviation_index": lambda e: e.detector.deviation_index,
    "pulse_rate": lambda e: e.sources[0].pulse_rate,
    "number_of_pulses": lambda e: e.sources[0].pulses,
    "avg_tube_current": lambda e: e.sources[0].average_tube_current,
    "irradiation_duration": lambda e: e.irradiation_time,
    "protocol": lambda e: e.protocol,
    "type": lambda e: e.type,
    "view": lambda e: e.view,
    "phantom": lambda e: e.ct.phantom,
    "plane": lambda e: e.plane,
    "target_region": lambda e: e.region,
}


def direct(key: str) -> list[Any]:
    found = [
        pytest.param(name, facts[key], id=name.removesuffix(".dcm"))
        for name, facts in expected()["files"].items()
        if key in facts and "ESR_non-dose" not in name
    ]
    return found or [pytest.param("expected.json", {}, id="shared-material-absent")]


@pytest.mark.shared
@pytest.mark.parametrize(("name", "facts"), direct("read_directly"))
def test_what_an_independent_reading_found(name: str, facts: dict[str, Any]) -> None:
    record = study(name)
    for key, get in DIRECT.items():
        if facts.get(key) is not None:
            assert get(record) == facts[key], key
    kinds: dict[str, int] = {}
    for event in record.events:
        label = event.type.meaning if event.type else ""
        kinds[label] = kinds.get(label, 0) + 1
    assert kinds == facts["event_types"]
    for key, total in (("dap", "kap"), ("dose_rp", "dose_rp"), ("dlp", "dlp")):
        if f"sum_of_events_{key}" in facts:
            summed = getattr(record.totals, total).summed
            unit = " ".join(u for u in facts["units_seen"] if u.startswith(LABELS[key]))
            scale = next((f for u, f in SCALES.items() if f"[{u}]" in unit), 1.0)
            wanted = facts[f"sum_of_events_{key}"]["value"] * scale
            assert summed is not None
            assert summed.number == pytest.approx(wanted, rel=1e-6)


# The independent reading is in the units of the file.
SCALES = {"dGy.cm2": 1e-5, "mGy": 1e-3}
LABELS = {"dap": "Dose Area Product", "dose_rp": "Dose (RP)", "dlp": "DLP"}
CONVERTED = {"RF-RDSR-Canon-Ultimaxi-mGyDoseAtRP.dcm"}


@pytest.mark.shared
@pytest.mark.parametrize(("name", "facts"), direct("read_directly"))
def test_each_event_of_an_independent_reading(name: str, facts: dict[str, Any]) -> None:
    record = study(name)
    listed = facts.get("events") or facts.get("events_first3") or []
    pairs = list(zip(record.events, listed, strict=False))
    if "event_last" in facts:
        pairs.append((record.events[-1], facts["event_last"]))
    for event, wanted in pairs:
        for key, get in FIELDS.items():
            if key not in wanted or (name in CONVERTED and key in ("dap", "dose_rp")):
                continue
            found = get(event)
            if isinstance(wanted[key], float):
                assert found.numbers == pytest.approx((wanted[key],)), (event.uid, key)
            else:
                assert paths.plain(found) == wanted[key], (event.uid, key)
