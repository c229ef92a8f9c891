"""Where the values named in the shared list of expectations stand in a `StudyRecord`."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any

from kerma.dicom.dose.records import Accumulated, Event, Source, StudyRecord
from kerma.dicom.dose.tree import Code
from kerma.dicom.dose.values import Value

Get = Callable[[Any], Any]

STUDY: dict[str, Get] = {
    "accession_number": lambda s: s.header.accession_number,
    "study_date": lambda s: s.header.study_date,
    "study_time": lambda s: s.header.study_time,
    "study_description": lambda s: s.header.description,
    "study_id": lambda s: s.header.study_id,
    "study_instance_uid": lambda s: s.study_uid,
    "modality_type": lambda s: "NM" if s.modality == "NM" else s.modality,
    "referring_physician_name": lambda s: s.staff.referring,
    "performing_physician_name": lambda s: s.staff.performing,
    "operator_name": lambda s: s.staff.operators,
    "procedure_reported": lambda s: s.reports[0].procedure,
    "has_intent": lambda s: s.reports[0].intent,
    "scope_of_accumulation": lambda s: s.reports[0].scope,
    "source_of_dose_information": lambda s: s.reports[0].source_of_dose,
    "start_of_xray_irradiation": lambda s: s.reports[0].started,
    "end_of_xray_irradiation": lambda s: s.reports[0].ended,
    "xray_detector_data_available": lambda s: s.reports[0].detector_data,
    "xray_source_data_available": lambda s: s.reports[0].source_data,
    "xray_mechanical_data_available": lambda s: s.reports[0].mechanical_data,
    "equipment.institution_name": lambda s: s.header.device.institution,
    "equipment.institution_address": lambda s: s.header.device.address,
    "equipment.institutional_department_name": lambda s: s.header.device.department,
    "equipment.manufacturer": lambda s: s.header.device.manufacturer,
    "equipment.manufacturer_model_name": lambda s: s.header.device.model,
    "equipment.station_name": lambda s: s.header.device.station,
    "equipment.device_serial_number": lambda s: s.header.device.serial,
    "equipment.software_versions": lambda s: s.header.device.software,
    "equipment.unique_equipment_name.device_observer_uid": lambda s: s.header.device.observer_uid,
    "observer.observer_type": lambda s: s.reports[0].observer.kind,
    "observer.device_observer_name": lambda s: s.reports[0].observer.name,
    "observer.device_observer_manufacturer": lambda s: s.reports[0].observer.manufacturer,
    "observer.device_observer_model_name": lambda s: s.reports[0].observer.model,
    "observer.device_observer_serial_number": lambda s: s.reports[0].observer.serial,
    "patient.patient_age": lambda s: s.header.patient.age_text,
    "patient.patient_age_decimal": lambda s: s.header.patient.age,
    "patient.patient_sex": lambda s: s.header.patient.sex,
    "patient.patient_id": lambda s: s.identity.patient_id,
    "patient.patient_name": lambda s: s.identity.name,
    "patient.patient_birth_date": lambda s: s.identity.birth_date,
    "accumulated.count": lambda s: len(s.reports[0].accumulated[0].agd),
    "number_of_events": lambda s: len(s.events),
    "number_of_planes": lambda s: len({e.plane.value if e.plane else "" for e in s.events}),
    "number_of_axial": lambda s: kinds(s, "sequenced"),
    "number_of_spiral": lambda s: kinds(s, "spiral"),
    "number_of_stationary": lambda s: kinds(s, "stationary"),
    "number_of_const_angle": lambda s: kinds(s, "constant angle"),
    "total_dlp": lambda s: s.totals.dlp.value,
    "total_dap": lambda s: s.totals.kap.value,
    "total_dap_a": lambda s: s.totals.kap.value,
    "total_rp_dose_a": lambda s: s.totals.dose_rp.value,
    "total_agd_left": lambda s: s.totals.agd_left.value,
    "total_agd_right": lambda s: s.totals.agd_right.value,
}

TOTAL: dict[str, Get] = {
    "total_number_of_irradiation_events": lambda t: t.event_count,
    "ct_dose_length_product_total": lambda t: t.dlp,
    "dose_rp_total": lambda t: t.dose_rp,
    "fluoro_dose_area_product_total": lambda t: t.fluoro_kap,
    "fluoro_dose_rp_total": lambda t: t.fluoro_dose_rp,
    "acquisition_dose_area_product_total": lambda t: t.acquisition_kap,
    "acquisition_dose_rp_total": lambda t: t.acquisition_dose_rp,
    "total_acquisition_time": lambda t: t.acquisition_time,
    "total_number_of_radiographic_frames": lambda t: t.frames,
    "reference_point_definition": lambda t: t.reference_point,
    "reference_point_definition_code": lambda t: t.reference_point,
}

EVENT: dict[str, Get] = {
    "acquisition_plane": lambda e: e.plane,
    "acquisition_protocol": lambda e: e.protocol,
    "anatomical_structure": lambda e: e.anatomy,
    "comment": lambda e: e.comment,
    "ct_acquisition_type": lambda e: e.type,
    "irradiation_event_type": lambda e: e.type,
    "irradiation_event_uid": lambda e: e.uid,
    "date_time_started": lambda e: e.started,
    "ctdiw_phantom_type": lambda e: e.ct.phantom,
    "dlp": lambda e: e.ct.dlp,
    "mean_ctdivol": lambda e: e.ct.ctdivol,
    "exposure_time": lambda e: e.ct.exposure_time,
    "scanning_length": lambda e: e.ct.scan_length,
    "pitch_factor": lambda e: e.ct.pitch,
    "nominal_single_collimation_width": lambda e: e.ct.single_collimation,
    "nominal_total_collimation_width": lambda e: e.ct.total_collimation,
    "number_of_xray_sources": lambda e: e.ct.source_count,
    "dose_area_product": lambda e: e.kap,
    "reference_point_definition": lambda e: e.reference_point,
    "target_region": lambda e: e.region,
    "image_view": lambda e: e.view,
    "laterality": lambda e: e.laterality,
    "entrance_exposure_at_rp": lambda e: e.breast.entrance_exposure,
    "half_value_layer": lambda e: e.breast.half_value_layer,
    "percent_fibroglandular_tissue": lambda e: e.breast.fibroglandular,
    "patient_orientation": lambda e: e.mechanics.patient_orientation,
    "patient_orientation_modifier": lambda e: e.mechanics.patient_orientation_modifier,
    "patient_table_relationship": lambda e: e.mechanics.patient_table_relationship,
    "detector.exposure_index": lambda e: e.detector.exposure_index,
    "detector.target_exposure_index": lambda e: e.detector.target_exposure_index,
    "detector.deviation_index": lambda e: e.detector.deviation_index,
    "dose_check.dlp_alert_value_configured": lambda e: e.ct.dose_check.alert_dlp_configured,
    "dose_check.ctdivol_alert_value_configured": lambda e: e.ct.dose_check.alert_ctdivol_configured,
    "dose_check.dlp_alert_value": lambda e: e.ct.dose_check.alert_dlp,
    "dose_check.ctdivol_alert_value": lambda e: e.ct.dose_check.alert_ctdivol,
    "dose_check.accumulated_dlp_forward_estimate": (
        lambda e: e.ct.dose_check.accumulated_dlp_estimate
    ),
    "dose_check.accumulated_ctdivol_forward_estimate": (
        lambda e: e.ct.dose_check.accumulated_ctdivol_estimate
    ),
    "dose_check.alert_person.person_name": lambda e: e.ct.dose_check.alert_persons[0].name,
    "dose_check.dlp_notification_value_configured": (
        lambda e: e.ct.dose_check.notification_dlp_configured
    ),
    "dose_check.ctdivol_notification_value_configured": (
        lambda e: e.ct.dose_check.notification_ctdivol_configured
    ),
    "mechanical.column_angulation": lambda e: e.mechanics.primary_angle,
    "mechanical.positioner_primary_angle": lambda e: e.mechanics.primary_angle,
    "mechanical.compression_force": lambda e: e.mechanics.compression_force,
    "mechanical.compression_thickness": lambda e: e.mechanics.compression_thickness,
    "mechanical.magnification_factor": lambda e: e.mechanics.magnification,
    "mechanical.crdr_mechanical_configuration": lambda e: e.mechanics.configuration,
    "mechanical.distance.distance_source_to_detector": lambda e: e.mechanics.source_detector,
    "mechanical.distance.distance_source_to_entrance_surface": (
        lambda e: e.mechanics.source_entrance_surface
    ),
    "source.average_glandular_dose": lambda e: e.breast.agd,
    "source.dose_rp": lambda e: e.dose_rp,
    "source.device_participant.device_role_in_procedure": lambda e: e.devices[0].role,
    "source.device_participant.device_name": lambda e: e.devices[0].name,
    "source.device_participant.device_manufacturer": lambda e: e.devices[0].manufacturer,
    "source.device_participant.device_model_name": lambda e: e.devices[0].model,
    "source.device_participant.device_serial_number": lambda e: e.devices[0].serial,
}

SOURCE: dict[str, Get] = {
    "kvp": lambda x: x.kvp,
    "xray_tube_current": lambda x: x.tube_current,
    "average_xray_tube_current": lambda x: x.average_tube_current or x.tube_current,
    "maximum_xray_tube_current": lambda x: x.maximum_tube_current,
    "exposure_time_per_rotation": lambda x: x.time_per_rotation,
    "exposure": lambda x: x.exposure,
    "exposure_time": lambda x: x.exposure_time,
    "number_of_pulses": lambda x: x.pulses,
    "focal_spot_size": lambda x: x.focal_spot,
    "anode_target_material": lambda x: x.anode,
    "xray_grid": lambda x: x.grid,
    "collimated_field_area": lambda x: x.field_area,
    "collimated_field_height": lambda x: x.field_height,
    "collimated_field_width": lambda x: x.field_width,
    "ii_field_size": lambda x: x.intensifier_diameter,
}

FILTER: dict[str, Get] = {
    "xray_filter_material": lambda f: f.material,
    "xray_filter_type": lambda f: f.type,
    "xray_filter_thickness_minimum": lambda f: f.thickness_min,
    "xray_filter_thickness_maximum": lambda f: f.thickness_max,
}

ADMINISTRATION: dict[str, Get] = {
    "radiopharmaceutical_agent": lambda a: a.agent,
    "radionuclide": lambda a: a.radionuclide,
    "radionuclide_half_life": lambda a: a.half_life,
    "radiopharmaceutical_specific_activity": lambda a: a.specific_activity,
    "radiopharmaceutical_administration_event_uid": lambda a: a.uid,
    "radiopharmaceutical_volume": lambda a: a.volume,
    "administered_activity": lambda a: a.activity,
    "effective_dose": lambda a: a.effective_dose,
    "estimated_extravasation_activity": lambda a: a.estimated_extravasation,
    "intravenousextravasationsymptoms.intravenous_extravasation_symptoms": (
        lambda a: a.symptoms[0]
    ),
    "intravenousextravasationsymptoms.last.intravenous_extravasation_symptoms": (
        lambda a: a.symptoms[-1]
    ),
    "pre_administration_measured_activity": lambda a: a.pre_activity,
    "pre_activity_measurement_device": lambda a: a.pre_activity_device,
    "post_administration_measured_activity": lambda a: a.post_activity,
    "post_activity_measurement_device": lambda a: a.post_activity_device,
    "observercontext.observer_type": lambda a: a.pre_activity_observer,
    "observercontext.radiopharmaceutical_administration_is_pre_observer": (
        lambda a: a.pre_activity_observer is not None
    ),
    "route_of_administration": lambda a: a.route,
    "site_of": lambda a: a.site,
    "personparticipant.person_name": lambda a: a.persons[0].name,
    "personparticipant.person_role_in_procedure_cid": lambda a: a.persons[0].role,
    "billingcode.billing_code": lambda a: a.billing_code,
    "drugproductidentifier.drug_product_identifier": lambda a: a.drug_product,
    "brand_name": lambda a: a.brand_name,
    "radiopharmaceutical_dispense_unit_identifier": lambda a: a.dispense_unit,
    "radiopharmaceuticallotidentifier.radiopharmaceutical_lot_identifier": lambda a: a.lot,
    "reagentvialidentifier.reagent_vial_identifier": lambda a: a.reagent_vial,
    "radionuclideidentifier.radionuclide_identifier": lambda a: a.radionuclide_vial,
    "prescription_identifier": lambda a: a.prescription,
    "comment": lambda a: a.comment,
    "organdose.finding_site": lambda a: a.organ_doses[0].site,
    "organdose.laterality": lambda a: a.organ_doses[0].laterality,
    "organdose.organ_dose": lambda a: a.organ_doses[0].dose,
    "organdose.reference_authority_text": lambda a: a.organ_doses[0].authority,
    "organdose.last.finding_site": lambda a: a.organ_doses[-1].site,
    "organdose.last.laterality": lambda a: a.organ_doses[-1].laterality,
    "organdose.last.organ_dose": lambda a: a.organ_doses[-1].dose,
    "organdose.last.reference_authority_text": lambda a: a.organ_doses[-1].authority,
}

CHARACTERISTICS: dict[str, Get] = {
    "patientstate.patient_state": lambda c: c.state,
    "subject_age": lambda c: c.age,
    "subject_sex": lambda c: c.sex,
    "patient_height": lambda c: c.height,
    "patient_weight": lambda c: c.mass,
    "body_surface_area": lambda c: c.body_surface_area,
    "body_surface_area_formula": lambda c: c.body_surface_area_formula,
    "body_mass_index": lambda c: c.body_mass_index,
    "equation": lambda c: c.body_mass_index_formula,
    "glucose": lambda c: c.glucose,
    "fasting_duration": lambda c: c.fasting,
    "hydration_volume": lambda c: c.hydration,
    "recent_physical_activity": lambda c: c.recent_activity,
    "serum_creatinine": lambda c: c.serum_creatinine,
    "glomerularfiltrationrate.glomerular_filtration_rate": lambda c: c.filtration_rate,
    "glomerularfiltrationrate.equivalent_meaning_of_concept_name": lambda c: c.filtration_meaning,
    "glomerularfiltrationrate.measurement_method": lambda c: c.filtration_method,
}

NUCLEAR: dict[str, Get] = {
    "associated_procedure": lambda s: s.reports[0].associated_procedure,
    "has_intent": lambda s: s.reports[0].intent,
    "languageofcontentitemanddescendants.language_of_contentitem_and_descendants": (
        lambda s: s.reports[0].language
    ),
    "languageofcontentitemanddescendants.country_of_language": lambda s: s.reports[0].country,
}

_CHARACTERISTICS = "radiopharmaceuticaladministrationpatientcharacteristics."


def kinds(study: StudyRecord, kind: str) -> int:
    """Count events of a kind."""
    return sum(event.kind == kind for event in study.events)


def find(study: StudyRecord, path: str) -> Any:
    """Return what stands at a path of the list."""
    want_code = path.endswith(".code_value")
    found = _find(study, path.removesuffix(".code_value"))
    return found.value if want_code and isinstance(found, Code) else found


def _find(study: StudyRecord, path: str) -> Any:
    if path in STUDY:
        return STUDY[path](study)
    if path.startswith("nm."):
        return _nuclear(study, path.removeprefix("nm."))
    if match := re.fullmatch(r"accumulated(?:\[(\d+)\])?\.(\w+)", path):
        return _total(study.reports[0].accumulated, match)
    if match := re.fullmatch(r"event\[(\d+)\]\.(.+)", path):
        return _event(study.events[int(match[1]) - 1], match[2])
    raise KeyError(path)


def _total(totals: Sequence[Accumulated], match: re.Match[str]) -> Any:
    if match[1]:
        side = totals[0].agd[int(match[1]) - 1]
        return side.dose if match[2] == "accumulated_average_glandular_dose" else side.laterality
    return TOTAL[match[2]](totals[0])


def _event(event: Event, path: str) -> Any:
    if path in EVENT:
        return EVENT[path](event)
    match = re.fullmatch(r"source(?:\[(\d+)\])?\.(.+)", path)
    if match is None:
        raise KeyError(path)
    source: Source = event.sources[int(match[1] or 1) - 1]
    if inner := re.fullmatch(r"filter\[(\d+)\]\.(\w+)", match[2]):
        return FILTER[inner[2]](source.filters[int(inner[1]) - 1])
    return SOURCE[match[2]](source)


def _nuclear(study: StudyRecord, path: str) -> Any:
    if path in NUCLEAR:
        return NUCLEAR[path](study)
    if path.startswith("administration."):
        return ADMINISTRATION[path.removeprefix("administration.")](study.administrations[0])
    return CHARACTERISTICS[path.removeprefix(_CHARACTERISTICS)](study.reports[0].characteristics)


def plain(found: Any) -> Any:
    """Return a record's value as the list writes it."""
    if isinstance(found, Value):
        return found.number
    if isinstance(found, Code):
        return found.meaning
    return found
