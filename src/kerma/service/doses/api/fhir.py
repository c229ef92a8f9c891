"""A study as a FHIR R4 Observation: Radiation Dose Summary for Diagnostic Procedures.

Profile and codes: HL7 International, Imaging Integration, *Radiation Dose Summary for Diagnostic
Procedures on FHIR* (profile ``radiation-dose-summary``, value sets
``procedure-reported-type-rds-vs`` and ``component-radiation-dose-summary-vs``); concept codes of
DICOM PS3.16; units of UCUM.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.utils import timezone

from kerma.core import quantity
from kerma.service.doses.models import Study

PROFILE = "http://hl7.org/fhir/uv/radiation-dose-summary/StructureDefinition/radiation-dose-summary"
DCM = "http://dicom.nema.org/resources/ontology/DCM"
SCT = "http://snomed.info/sct"
ABSENT = "http://hl7.org/fhir/StructureDefinition/data-absent-reason"
_PROCEDURES = {
    "CT": (SCT, "77477000", "Computed Tomography X-Ray"),
    "MG": (SCT, "71651007", "Mammography"),
    "NM": (DCM, "113502", "Radiopharmaceutical Administration"),
    "PT": (DCM, "113502", "Radiopharmaceutical Administration"),
}
_CODE = ("http://loinc.org", "73569-6", "Radiation exposure and protection information")
_PROJECTION = (DCM, "113704", "Projection X-Ray")
# Field of the study, its unit; the concept, and the unit it is sent in with its UCUM code.
_TOTALS = (
    ("dlp_mgy_cm", "mGy.cm", "113813", "CT Dose Length Product Total", "mGy.cm", "mGy.cm"),
    ("kap_gy_m2", "Gy.m2", "113722", "Dose Area Product Total", "Gy.m2", "Gy.m2"),
    ("dose_rp_gy", "Gy", "113725", "Dose (RP) Total", "Gy", "Gy"),
    ("fluoro_time_s", "s", "113730", "Total Fluoro Time", "s", "s"),
)
_BREASTS = (("agd_left_mgy", "left breast"), ("agd_right_mgy", "right breast"))


def _concept(system: str, code: str, display: str) -> dict[str, Any]:
    return {"coding": [{"system": system, "code": code, "display": display}]}


def _measured(code: str, display: str, value: float, unit: str, ucum: str) -> dict[str, Any]:
    return {
        "code": _concept(DCM, code, display),
        "valueQuantity": {
            "value": value, "unit": unit, "system": "http://unitsofmeasure.org", "code": ucum,
        },
    }  # fmt: skip


def _components(study: Study) -> list[dict[str, Any]]:
    kind = _PROCEDURES.get(study.modality, _PROJECTION)
    reported = {
        "code": _concept(DCM, "121058", "Procedure reported"),
        "valueCodeableConcept": _concept(*kind),
    }
    found = [reported]
    for field, kept, code, display, sent, ucum in _TOTALS:
        value = getattr(study, field)
        if value is not None:
            found.append(_measured(code, display, quantity(value, kept).to(sent).value, sent, ucum))
    for field, side in _BREASTS:
        value = getattr(study, field)
        if value is not None:
            made = _measured("111637", "Accumulated Average Glandular Dose", value, "mGy", "mGy")
            made["code"]["text"] = f"Accumulated Average Glandular Dose, {side}"
            found.append(made)
    return found


def _when(study: Study) -> str | None:
    if study.date is None:
        return None
    if study.time is None:
        return study.date.isoformat()
    moment = datetime.combine(study.date, study.time)
    return timezone.make_aware(moment).isoformat(timespec="seconds")


def summary(study: Study) -> dict[str, Any]:
    """Return the Observation of a study.

    The patient is the service's keyed hash under an identifier system of Kerma's own: no identifier
    of the hospital is in it. The person who authorised the irradiation is not known to Kerma and is
    said to be so, as the profile demands a performer.

    Parameters
    ----------
    study
        Its totals; a total the device did not state is left out, never zero.
    """
    made: dict[str, Any] = {
        "resourceType": "Observation",
        "id": str(study.pk),
        "meta": {"profile": [PROFILE]},
        "identifier": [{"system": "study-instance-uid", "value": f"urn:oid:{study.study_uid}"}],
        "partOf": [{"type": "ImagingStudy", "identifier": {
            "system": "urn:dicom:uid", "value": f"urn:oid:{study.study_uid}"}}],
        "status": "final",
        "code": _concept(*_CODE),
        "subject": _subject(study),
        "performer": [{"type": "Practitioner", "display": "not known to the dose register"}],
        "component": _components(study),
    }  # fmt: skip
    when = _when(study)
    if when:
        made["effectiveDateTime"] = when
    else:
        made["_effectiveDateTime"] = {"extension": [{"url": ABSENT, "valueCode": "unknown"}]}
    if study.system:
        made["device"] = {"type": "Device", "display": str(study.system)}
    return made


def _subject(study: Study) -> dict[str, Any]:
    if study.patient_key:
        value = study.patient_key
        return {
            "type": "Patient",
            "identifier": {"system": "urn:kerma:patient-key", "value": value},
        }
    return {"type": "Patient", "extension": [{"url": ABSENT, "valueCode": "unknown"}]}
