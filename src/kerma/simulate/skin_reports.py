"""Simulated dose reports of a room that states where its table and its patients are.

Reports of the other rooms leave that out, as many devices do, and their skin dose is refused. Here
every event carries the table's position and how the patient lies, in the conventions of one room
whose true geometry is known; `profile_found` is what commissioning it would find.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from io import BytesIO
from pathlib import Path

import numpy as np
from pydicom import dcmread
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence as DicomSequence

from kerma.physics.skin import RoomProfile
from kerma.physics.skin.profile import (
    AxisRule,
    KermaCalibration,
    TableTop,
    Transmission,
    TransmissionPoint,
)
from kerma.simulate.dose_content import decimal
from kerma.simulate.dose_reports import report_of, scaled_to
from kerma.simulate.dose_truth import EventTruth, Study
from kerma.simulate.examinations import draw_study
from kerma.simulate.models import Department, System
from kerma.simulate.seeding import stream

# Kerma at the reference point of each procedure, Gy; whether the C-arm stayed in one place; whether
# a rotation says where it ended. Choices of the simulation.
PROCEDURES = (
    (0.8, False, False), (4.6, True, True), (1.4, False, False), (0.3, False, False),
    (2.2, True, False), (1.0, False, False),
)  # fmt: skip
# The room's true geometry: table top's head end from the isocentre where all displays are at zero.
_ACROSS_MM, _DOWN_MM, _ALONG_MM = 12.0, 1055.0, -35.0
_EVENT = "113706"
_NUMBERS = {
    "table_longitudinal": ("113751", "Table Longitudinal Position", "mm"),
    "table_lateral": ("113752", "Table Lateral Position", "mm"),
    "table_height": ("113753", "Table Height Position", "mm"),
    "table_head_tilt": ("113754", "Table Head Tilt Angle", "deg"),
    "table_rotation": ("113755", "Table Horizontal Rotation Angle", "deg"),
    "table_cradle": ("113756", "Table Cradle Tilt Angle", "deg"),
    "primary_end": ("113739", "Positioner Primary End Angle", "deg"),
    "secondary_end": ("113740", "Positioner Secondary End Angle", "deg"),
}
# On the back, head first (PS3.16 CID 19, 20, 21).
_LYING = (
    (("113743", "Patient Orientation"), ("F-10450", "recumbent")),
    (("113744", "Patient Orientation Modifier"), ("F-10340", "supine")),
    (("113745", "Patient Table Relationship"), ("F-10470", "headfirst")),
)
_NUMBER_FROM = 900_000  # studies of their own, apart from those of the other reports
_SWEEP_DEG = 200.0


def profile_found(system: System, measured: date) -> RoomProfile:
    """Return what commissioning the room finds: its true geometry, and plausible measurements."""
    points = (
        (60.0, 0.0, 0.66), (80.0, 0.0, 0.72), (120.0, 0.0, 0.79),
        (60.0, 0.3, 0.75), (80.0, 0.3, 0.79), (120.0, 0.3, 0.83),
    )  # fmt: skip
    return RoomProfile(
        name=system.asset_number, title=f"{system.asset_number} {system.name}",
        manufacturer=system.manufacturer, models=(system.model,), status="indicative",
        valid_from=measured,
        across=AxisRule("table_longitudinal", 1, _ACROSS_MM),
        down=AxisRule("table_height", -1, _DOWN_MM),
        along=AxisRule("table_lateral", 1, _ALONG_MM),
        pivot="isocentre", inherent_al_mm=3.6, orientations=("HFS",),
        table=TableTop(width_mm=460.0, length_mm=2800.0, thickness_mm=55.0, pad_mm=50.0),
        transmission=Transmission(
            points=tuple(TransmissionPoint(*p) for p in points), u_relative=0.03
        ),
        calibrations=(KermaCalibration(1.06, 0.03, measured),),
        # The field of these reports is that at the reference point, not at the receptor.
        field_from=("kap",),
        sources=("Simulated commissioning of a simulated room.",),
    )  # fmt: skip


def write_skin_reports(
    folder: Path, department: Department, system: System, today: date
) -> list[Study]:
    """Write one report a procedure, with table and patient, and return the studies.

    Parameters
    ----------
    folder
        Created when missing.
    department, system
        From `build_department`; the room.
    today
        Studies fall in the year before it.
    """
    folder.mkdir(parents=True, exist_ok=True)
    studies = []
    for n, (kerma_gy, steady, ends) in enumerate(PROCEDURES):
        study = draw_study(department, _NUMBER_FROM + n, today=today, system=system)
        study = scaled_to(_still(study) if steady else study, kerma_gy)
        name = f"skin-{n + 1:02}"
        _, raw = report_of(department, study, name)
        rng = stream(department.seed, "skin", study.uid)
        (folder / f"{name}.dcm").write_bytes(_placed(raw, rng, ends=ends))
        studies.append(study)
    return studies


def _still(study: Study) -> Study:
    """Return a study whose C-arm hardly moves, as in a long procedure on one vessel."""

    def held(event: EventTruth, n: int) -> EventTruth:
        turn = {"primary_angle_deg": 24.0 + n % 3, "secondary_angle_deg": -8.0 - n % 2}
        return replace(event, values={**event.values, **turn})

    return replace(study, events=tuple(held(e, n) for n, e in enumerate(study.events)))


def _placed(raw: bytes, rng: np.random.Generator, *, ends: bool) -> bytes:
    """Return a report with the table's position and the patient's in every event."""
    dataset = dcmread(BytesIO(raw))
    down, along = 150.0 + rng.normal(0, 8), 560.0 + rng.normal(0, 40)
    for item in dataset.ContentSequence:
        if item.ConceptNameCodeSequence[0].CodeValue != _EVENT:
            continue
        numbers = {
            "table_longitudinal": round(rng.normal(0, 8) - _ACROSS_MM, 1),
            "table_lateral": round(along + rng.normal(0, 12) - _ALONG_MM, 1),
            "table_height": round(_DOWN_MM - down, 1),
            "table_head_tilt": 0.0, "table_rotation": 0.0, "table_cradle": 0.0,
        }  # fmt: skip
        if ends and _is_rotation(item):
            numbers["primary_end"] = round(_stated(item, "112011") + _SWEEP_DEG, 1)
            numbers["secondary_end"] = _stated(item, "112012")
        added = [_number(name, value) for name, value in numbers.items()]
        item.ContentSequence = DicomSequence(
            [*item.ContentSequence, *added, *map(_code_item, _LYING)]
        )
    out = BytesIO()
    dataset.save_as(out, enforce_file_format=True)
    return out.getvalue()


def _is_rotation(event: Dataset) -> bool:
    return any(
        "ConceptCodeSequence" in item and item.ConceptCodeSequence[0].CodeValue == "113613"
        for item in event.ContentSequence
    )


def _stated(event: Dataset, code: str) -> float:
    for item in event.ContentSequence:
        if item.ConceptNameCodeSequence[0].CodeValue == code:
            return float(item.MeasuredValueSequence[0].NumericValue)
    return 0.0


def _code(value: str, scheme: str, meaning: str) -> DicomSequence:
    code = Dataset()
    code.CodeValue, code.CodingSchemeDesignator, code.CodeMeaning = value, scheme, meaning
    return DicomSequence([code])


def _item(kind: str, value: str, meaning: str) -> Dataset:
    item = Dataset()
    item.RelationshipType, item.ValueType = "CONTAINS", kind
    item.ConceptNameCodeSequence = _code(value, "DCM", meaning)
    return item


def _number(name: str, value: float) -> Dataset:
    code, meaning, unit = _NUMBERS[name]
    item, measured = _item("NUM", code, meaning), Dataset()
    measured.MeasurementUnitsCodeSequence = _code(unit, "UCUM", unit)
    measured.NumericValue = decimal(value)
    item.MeasuredValueSequence = DicomSequence([measured])
    return item


def _code_item(pair: tuple[tuple[str, str], tuple[str, str]]) -> Dataset:
    (code, meaning), (value, words) = pair
    item = _item("CODE", code, meaning)
    item.ConceptCodeSequence = _code(value, "SRT", words)
    return item
