"""The smaller records a dose report is made of; see `kerma.dicom.dose.records`."""

from __future__ import annotations

from dataclasses import dataclass

from kerma.dicom.dose.tree import Code, Item
from kerma.dicom.dose.values import Value


@dataclass(frozen=True, slots=True, kw_only=True)
class Filter:
    """One X-ray filter; the smaller thickness is always the minimum."""

    type: Code | None = None
    material: Code | None = None
    thickness_min: Value | None = None
    thickness_max: Value | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """One X-ray source in one event; quantities sent once a pulse hold several numbers."""

    identification: str | None = None
    kvp: Value | None = None
    tube_current: Value | None = None
    average_tube_current: Value | None = None
    maximum_tube_current: Value | None = None
    exposure: Value | None = None
    exposure_time: Value | None = None
    time_per_rotation: Value | None = None
    pulse_width: Value | None = None
    pulse_rate: Value | None = None
    pulses: Value | None = None
    fluoro_mode: Code | None = None
    focal_spot: Value | None = None
    anode: Code | None = None
    grid: Code | None = None
    aluminium_equivalent: Value | None = None
    field_height: Value | None = None
    field_width: Value | None = None
    field_area: Value | None = None
    intensifier_diameter: Value | None = None
    filters: tuple[Filter, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Mechanics:
    """Angles, distances, table and patient position, compression."""

    primary_angle: Value | None = None
    secondary_angle: Value | None = None
    primary_end_angle: Value | None = None
    secondary_end_angle: Value | None = None
    column_angulation: Value | None = None
    table_longitudinal: Value | None = None
    table_lateral: Value | None = None
    table_height: Value | None = None
    table_longitudinal_end: Value | None = None
    table_lateral_end: Value | None = None
    table_height_end: Value | None = None
    table_head_tilt: Value | None = None
    table_rotation: Value | None = None
    table_cradle_tilt: Value | None = None
    source_isocentre: Value | None = None
    source_detector: Value | None = None
    source_table: Value | None = None
    source_patient: Value | None = None
    source_entrance_surface: Value | None = None
    source_reference_point: Value | None = None
    magnification: Value | None = None
    configuration: Code | None = None
    patient_orientation: Code | None = None
    patient_orientation_modifier: Code | None = None
    patient_table_relationship: Code | None = None
    patient_thickness: Value | None = None
    compression_thickness: Value | None = None
    compression_force: Value | None = None
    compression_pressure: Value | None = None
    compression_area: Value | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Detector:
    """Exposure indicators; `maker_index` is a maker's own, whose scale `maker_index_type` names."""

    exposure_index: Value | None = None
    target_exposure_index: Value | None = None
    deviation_index: Value | None = None
    maker_index: Value | None = None
    maker_index_type: str | None = None
    sensitivity: Value | None = None
    detector_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Breast:
    """Mammography."""

    agd: Value | None = None
    entrance_exposure: Value | None = None
    half_value_layer: Value | None = None
    fibroglandular: Value | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """A person named in the report, with the role that is stated."""

    name: str | None = None
    organisation: str | None = None
    role_in_organisation: Code | None = None
    role: Code | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceRef:
    """A device named in the report, with its role."""

    role: Code | None = None
    name: str | None = None
    manufacturer: str | None = None
    model: str | None = None
    serial: str | None = None
    uid: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DoseCheck:
    """CT dose check (NEMA XR 25): configured alert and notification values and what was shown."""

    alert_dlp_configured: bool | None = None
    alert_ctdivol_configured: bool | None = None
    alert_dlp: Value | None = None
    alert_ctdivol: Value | None = None
    accumulated_dlp_estimate: Value | None = None
    accumulated_ctdivol_estimate: Value | None = None
    notification_dlp_configured: bool | None = None
    notification_ctdivol_configured: bool | None = None
    notification_dlp: Value | None = None
    notification_ctdivol: Value | None = None
    dlp_estimate: Value | None = None
    ctdivol_estimate: Value | None = None
    reason: str | None = None
    alert_persons: tuple[Person, ...] = ()
    notification_persons: tuple[Person, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class CT:
    """The CT side of an event; technique is with each `Source`."""

    ctdivol: Value | None = None
    phantom: Code | None = None
    dlp: Value | None = None
    exposure_time: Value | None = None
    scan_length: Value | None = None
    exposed_range: Value | None = None
    reconstructable_length: Value | None = None
    reconstructable_top: Value | None = None
    reconstructable_bottom: Value | None = None
    scan_top: Value | None = None
    scan_bottom: Value | None = None
    frame_of_reference_uid: str | None = None
    single_collimation: Value | None = None
    total_collimation: Value | None = None
    pitch: Value | None = None
    source_count: Value | None = None
    modulation: str | None = None
    ctdi_free_air: Value | None = None
    effective_dose: Value | None = None
    effective_dose_factor: Value | None = None
    ssde: Value | None = None
    lateral_dimension: Value | None = None
    ap_dimension: Value | None = None
    effective_diameter: Value | None = None
    water_equivalent_diameter: Value | None = None
    dose_check: DoseCheck | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SideDose:
    """Accumulated average glandular dose of one breast; `side` is left, right, both or empty."""

    side: str
    laterality: Code | None
    dose: Value


@dataclass(frozen=True, slots=True, kw_only=True)
class Calibration:
    """Calibration of the dose meter a device states."""

    device: Code | None = None
    calibrated: str | None = None
    factor: Value | None = None
    uncertainty: Value | None = None
    responsible: str | None = None
    protocol: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Observer:
    """Who or what observed the events (TID 1002)."""

    kind: Code | None = None
    uid: str | None = None
    name: str | None = None
    manufacturer: str | None = None
    model: str | None = None
    serial: str | None = None
    location: str | None = None
    station_ae_title: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class OrganDose:
    """Dose to one organ from a radiopharmaceutical, as the report states it."""

    site: Code | None = None
    laterality: Code | None = None
    dose: Value | None = None
    authority: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Administration:
    """One administration of a radiopharmaceutical (TID 10022)."""

    uid: str
    report_uid: str = ""
    agent: Code | None = None
    radionuclide: Code | None = None
    half_life: Value | None = None
    started: str | None = None
    ended: str | None = None
    activity: Value | None = None
    pre_activity: Value | None = None
    pre_activity_device: Code | None = None
    pre_activity_observer: Code | None = None
    pre_activity_observer_name: str | None = None
    post_activity: Value | None = None
    post_activity_device: Code | None = None
    specific_activity: Value | None = None
    volume: Value | None = None
    estimated_extravasation: Value | None = None
    symptoms: tuple[Code, ...] = ()
    route: Code | None = None
    site: Code | None = None
    effective_dose: Value | None = None
    effective_dose_authority: str | None = None
    organ_doses: tuple[OrganDose, ...] = ()
    billing_code: Code | None = None
    drug_product: Code | None = None
    brand_name: str | None = None
    dispense_unit: str | None = None
    lot: str | None = None
    reagent_vial: str | None = None
    radionuclide_vial: str | None = None
    prescription: str | None = None
    comment: str | None = None
    persons: tuple[Person, ...] = ()
    remaining: tuple[Item, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Characteristics:
    """State of the patient at the administration (TID 10024)."""

    state: Code | None = None
    age: Value | None = None
    sex: Code | None = None
    height: Value | None = None
    mass: Value | None = None
    body_surface_area: Value | None = None
    body_surface_area_formula: Code | None = None
    body_mass_index: Value | None = None
    body_mass_index_formula: Code | None = None
    glucose: Value | None = None
    fasting: Value | None = None
    hydration: Value | None = None
    recent_activity: str | None = None
    serum_creatinine: Value | None = None
    filtration_rate: Value | None = None
    filtration_method: Code | None = None
    filtration_meaning: Code | None = None
    remaining: tuple[Item, ...] = ()
