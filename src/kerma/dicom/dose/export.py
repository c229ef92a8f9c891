"""A study as flat, friendly JSON: numbers under names that carry their unit, missing ones null."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from kerma.dicom.dose.tables import name_of
from kerma.dicom.dose.tree import Code
from kerma.dicom.dose.values import Value

if TYPE_CHECKING:
    from kerma.dicom.dose.parts import Administration, Mechanics, Source
    from kerma.dicom.dose.records import Event, StudyRecord, Total

# Field of `Totals` -> name in JSON.
_TOTALS = {
    "dlp": "dlp_mgy_cm",
    "kap": "kap_gy_m2",
    "fluoro_kap": "fluoro_kap_gy_m2",
    "acquisition_kap": "acquisition_kap_gy_m2",
    "dose_rp": "dose_rp_gy",
    "fluoro_dose_rp": "fluoro_dose_rp_gy",
    "acquisition_dose_rp": "acquisition_dose_rp_gy",
    "fluoro_time": "fluoro_time_s",
    "acquisition_time": "acquisition_time_s",
    "agd_left": "agd_mgy_left",
    "agd_right": "agd_mgy_right",
    "administered_activity": "administered_activity_mbq",
    "effective_dose": "effective_dose_msv",
}

Plain = float | list[float] | None


def number(value: Value | None) -> Plain:
    """Return a value's number, the list of its numbers when there are several, or ``None``."""
    if value is None or not value.numbers:
        return None
    return value.numbers[0] if len(value.numbers) == 1 else list(value.numbers)


def as_dict(study: StudyRecord, *, identifiers: bool = False) -> dict[str, Any]:
    """Return a study as plain data.

    Parameters
    ----------
    study
        The record.
    identifiers
        Also give the patient's identifiers and the names of staff. Off unless asked for.
    """
    header = study.header
    device = header.device
    plain: dict[str, Any] = {
        "sop_class": study.reports[0].sop_class,
        "sop_instance_uids": [report.sop_instance_uid for report in study.reports],
        "study_instance_uid": study.study_uid,
        "study_date": header.study_date,
        "study_time": header.study_time,
        "accession_number": header.accession_number,
        "modality": study.modality,
        "description": header.description,
        "requested_procedure": header.requested_procedure,
        "procedure": meaning(study.reports[0].procedure),
        "source_of_dose": meaning(study.reports[0].source_of_dose),
        "third_party": any(report.third_party for report in study.reports),
        "patient": {
            "sex": header.patient.sex,
            "age_years": number(header.patient.age),
            "height_m": number(header.patient.height),
            "mass_kg": number(header.patient.mass),
        },
        "device": {
            "manufacturer": device.manufacturer,
            "model": device.model,
            "station": device.station,
            "serial": device.serial,
            "software": device.software,
            "institution": device.institution,
            "department": device.department,
            "observer_uid": device.observer_uid,
        },
        "event_count": len(study.events),
        "totals": {
            name: number(getattr(study.totals, field).value) for field, name in _TOTALS.items()
        },
        "total_origins": {
            name: _origin(getattr(study.totals, field))
            for field, name in _TOTALS.items()
            if getattr(study.totals, field).value is not None
        },
        "events": [_event(event) for event in study.events],
        "administrations": [_administration(given) for given in study.administrations],
        "warnings": list(study.warnings),
    }
    if identifiers:
        plain["identity"] = _attributes(study.identity, ("patient_id", "issuer", "name"))
        plain["identity"]["birth_date"] = study.identity.birth_date
        plain["staff"] = _attributes(
            study.staff, ("referring", "performing", "operators", "observer")
        )
    return plain


def to_json(study: StudyRecord, *, identifiers: bool = False, indent: int | None = 2) -> str:
    """Return a study as JSON text; see `as_dict`."""
    return json.dumps(
        as_dict(study, identifiers=identifiers), indent=indent, ensure_ascii=False, allow_nan=False
    )


def meaning(code: Code | None) -> str | None:
    """Return the words of a code for people."""
    return (code.meaning or code.value or None) if code else None


def _attributes(record: object, names: tuple[str, ...]) -> dict[str, Any]:
    return {name: getattr(record, name) for name in names}


def _origin(total: Total) -> dict[str, Any]:
    return {
        "origin": total.value.origin if total.value else "missing",
        "stated": number(total.stated),
        "summed": number(total.summed),
        "difference": total.difference,
        "flagged": total.flagged,
        "note": total.note or None,
    }


def _event(event: Event) -> dict[str, Any]:
    ct, breast, detector = event.ct, event.breast, event.detector
    plain: dict[str, Any] = {
        "event_uid": event.uid,
        "event_uid_origin": event.uid_origin,
        "type": meaning(event.type),
        "kind": event.kind or None,
        "plane": meaning(event.plane),
        "start": event.started,
        "protocol": event.protocol,
        "region": meaning(event.region),
        "laterality": name_of("side", event.laterality) or None,
        "view": meaning(event.view),
        "kap_gy_m2": number(event.kap),
        "dose_rp_gy": number(event.dose_rp),
        "irradiation_time_s": number(event.irradiation_time),
        **_technique(event.sources),
        **_mechanics(event.mechanics),
    }
    if ct is not None:
        plain |= {
            "ctdivol_mgy": number(ct.ctdivol),
            "ctdi_phantom": name_of("phantom", ct.phantom) or meaning(ct.phantom),
            "dlp_mgy_cm": number(ct.dlp),
            "exposure_time_s": number(ct.exposure_time),
            "scan_length_mm": number(ct.scan_length),
            "single_collimation_mm": number(ct.single_collimation),
            "total_collimation_mm": number(ct.total_collimation),
            "pitch": number(ct.pitch),
            "source_count": number(ct.source_count),
            "max_ma_ma": _over(event.sources, "maximum_tube_current"),
            "rotation_time_s": _over(event.sources, "time_per_rotation"),
        }
    else:
        plain["exposure_time_ms"] = _over(event.sources, "exposure_time")
    if breast is not None:
        plain |= {
            "agd_mgy": number(breast.agd),
            "entrance_exposure_mgy": number(breast.entrance_exposure),
            "half_value_layer_mm_al": number(breast.half_value_layer),
        }
    if detector is not None:
        plain |= {
            "exposure_index": number(detector.exposure_index),
            "target_exposure_index": number(detector.target_exposure_index),
            "deviation_index": number(detector.deviation_index),
        }
    return plain


def _over(sources: tuple[Source, ...], field: str) -> Plain:
    """Return a quantity over all sources: a number, or a list when there are several."""
    values: list[Value] = [v for v in (getattr(s, field) for s in sources) if v is not None]
    found = [n for value in values for n in value.numbers]
    return None if not found else found[0] if len(found) == 1 else found


def _technique(sources: tuple[Source, ...]) -> dict[str, Any]:
    current = _over(sources, "tube_current")
    return {
        "kvp_kv": _over(sources, "kvp"),
        "ma_ma": current if current is not None else _over(sources, "average_tube_current"),
        "exposure_uas": _over(sources, "exposure"),
        "pulse_rate_per_s": _over(sources, "pulse_rate"),
        "pulses": _over(sources, "pulses"),
        "field_area_m2": _over(sources, "field_area"),
        "filters": [
            {
                "material": meaning(found.material),
                "min_mm": number(found.thickness_min),
                "max_mm": number(found.thickness_max),
            }
            for source in sources
            for found in source.filters
        ],
    }


def _mechanics(mechanics: Mechanics | None) -> dict[str, Any]:
    if mechanics is None:
        return {}
    return {
        "primary_angle_deg": number(mechanics.primary_angle),
        "secondary_angle_deg": number(mechanics.secondary_angle),
        "source_detector_mm": number(mechanics.source_detector),
        "compression_thickness_mm": number(mechanics.compression_thickness),
        "compression_force_n": number(mechanics.compression_force),
    }


def _administration(given: Administration) -> dict[str, Any]:
    return {
        "administration_uid": given.uid,
        "agent": meaning(given.agent),
        "radionuclide": meaning(given.radionuclide),
        "start": given.started,
        "activity_mbq": number(given.activity),
        "effective_dose_msv": number(given.effective_dose),
        "route": meaning(given.route),
        "organ_doses_mgy": [
            {"site": meaning(organ.site), "dose_mgy": number(organ.dose)}
            for organ in given.organ_doses
        ],
    }
