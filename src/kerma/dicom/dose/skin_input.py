"""From a dose report's record to the input of a skin dose calculation (`kerma.physics.skin`)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import date

from kerma.dicom.dose.parts import Filter, Mechanics, Source
from kerma.dicom.dose.records import Event, StudyRecord
from kerma.dicom.dose.tables import key, positions
from kerma.dicom.dose.tree import Code, Item
from kerma.dicom.dose.values import Value
from kerma.physics.skin import (
    ExposureEvent,
    Patient,
    Phantom,
    RoomProfile,
    Settings,
    SkinDoseMap,
    profile_for,
    skin_dose,
)
from kerma.physics.skin.events import ORIENTATIONS, Orientation

_PHILIPS = "99PHI-IXR-XPER"
# Items of the maker's own (seen in reports; meanings as sent).
_HEIGHT, _SYSTEM_HEIGHT, _BEAM_ALONG, _BEAM = "021", "001", "015", "014"
# PS3.16 CID 10003: planes.
_PLANES = {"113620": "A", "113621": "B", "113622": "single plane"}
_COPPER = {("C-127F9", "SRT")}
_ALUMINIUM = {("C-120F9", "SRT")}
_MM2_A_M2 = 1e6


def exposure_events(record: StudyRecord) -> tuple[ExposureEvent, ...]:
    """Return the projection events of a study, in order; what a report does not state is ``None``.

    Nothing is assumed. What was not plainly stated (a mean over pulses, an item of the maker's own)
    is said in each event's notes.
    """
    system_height = _system_height(record)
    return tuple(
        _event(event, system_height)
        for event in record.events
        if event.ct is None and event.breast is None
    )


def patient_of(record: StudyRecord, orientation: Orientation | None = None) -> Patient:
    """Return the patient's size, as far as it is stated and possible."""
    about = record.header.patient
    height = _length_mm(about.height)
    mass = about.mass.number if about.mass and about.mass.unit == "kg" else None
    return Patient(
        height_mm=height if height and 300 <= height <= 2600 else None,
        mass_kg=mass if mass and 0.4 <= mass <= 500 else None,
        orientation=orientation,
    )


def day_of_study(record: StudyRecord) -> date | None:
    """Return the day of the study, where it states one (ISO 8601, as the reader gives it)."""
    try:
        return date.fromisoformat(record.header.study_date or "")
    except ValueError:
        return None


def room_profile(record: StudyRecord, profiles: Iterable[RoomProfile] = ()) -> RoomProfile | None:
    """Return the profile of the system and day of a study; the service's own come first."""
    device = record.header.device
    day = day_of_study(record)
    return profile_for(device.manufacturer, device.model, device.serial, day, profiles)


def skin_dose_of(
    record: StudyRecord,
    profiles: Iterable[RoomProfile] = (),
    *,
    orientation: Orientation | None = None,
    phantom: Phantom | None = None,
    settings: Settings | None = None,
) -> SkinDoseMap:
    """Calculate the skin dose map of a study.

    Parameters
    ----------
    record
        The study.
    profiles
        The service's own room profiles.
    orientation
        How the patient lay, if the report is to be overruled.
    phantom, settings
        See `kerma.physics.skin.skin_dose`.

    Returns
    -------
    SkinDoseMap
        With status ``refused`` and the reason when nothing could be placed.
    """
    return skin_dose(
        exposure_events(record),
        room_profile(record, profiles),
        patient_of(record, orientation),
        phantom,
        settings,
    )


def _event(event: Event, system_height: float | None) -> ExposureEvent:
    source = event.sources[0] if event.sources else Source()
    m = event.mechanics or Mechanics()
    notes: list[str] = []
    copper, aluminium = _filtration(source.filters, notes)
    width, height = _sides(source, notes)
    table_height = _length_mm(m.table_height)
    if table_height is None:
        table_height = _own(event.remaining, _HEIGHT)
        if table_height is not None:
            notes.append("table height from the maker's own item")
    kerma = _number(event.dose_rp)
    area = _number(source.field_area)
    code = event.reference_point
    return ExposureEvent(
        uid=event.uid,
        plane=_plane(event.plane),
        kind=event.kind,
        started=event.started,
        reference_kerma_mgy=None if kerma is None else 1000.0 * kerma,
        kap_gy_m2=_number(event.kap),
        kv=_mean(source.kvp, notes),
        copper_mm=copper,
        aluminium_mm=aluminium,
        primary_deg=_number(m.primary_angle),
        secondary_deg=_number(m.secondary_angle),
        primary_end_deg=_number(m.primary_end_angle),
        secondary_end_deg=_number(m.secondary_end_angle),
        table_longitudinal_mm=_length_mm(m.table_longitudinal),
        table_lateral_mm=_length_mm(m.table_lateral),
        table_height_mm=table_height,
        table_longitudinal_end_mm=_length_mm(m.table_longitudinal_end),
        table_lateral_end_mm=_length_mm(m.table_lateral_end),
        table_height_end_mm=_length_mm(m.table_height_end),
        table_head_tilt_deg=_number(m.table_head_tilt),
        table_rotation_deg=_number(m.table_rotation),
        table_cradle_deg=_number(m.table_cradle_tilt),
        source_isocentre_mm=_distance(m.source_isocentre),
        source_detector_mm=_distance(m.source_detector),
        source_reference_mm=_distance(m.source_reference_point),
        reference_point=code.meaning if code else None,
        reference_point_code=code.value if code and code.scheme == "DCM" else None,
        field_transverse_mm=width,
        field_along_mm=height,
        field_area_mm2=None if area is None else area * _MM2_A_M2,
        orientation=orientation_of(m),
        beam_along_mm=_own(event.remaining, _BEAM_ALONG, within=_BEAM),
        isocentre_height_mm=system_height,
        notes=tuple(notes),
    )


def orientation_of(mechanics: Mechanics) -> Orientation | None:
    """Return how the patient lies by the three codes of a report, or ``None``.

    All three are needed; a patient lying on a side is none of those the calculation handles.
    """
    codes = (
        mechanics.patient_orientation,
        mechanics.patient_orientation_modifier,
        mechanics.patient_table_relationship,
    )
    for term, wanted in positions().items():
        if all(c is not None and _same(c, w) for c, w in zip(codes, wanted, strict=True)):
            return next((o for o in ORIENTATIONS if o == term), None)
    return None


def _same(code: Code, wanted: Code) -> bool:
    """Return whether a code is the wanted one; of another scheme, whether it means the same."""
    if key(code)[1] == wanted.scheme:
        return code.value == wanted.value
    return _letters(code.meaning) == _letters(wanted.meaning)


def _letters(text: str) -> str:
    return "".join(c for c in text.casefold() if c.isalpha())


def _number(value: Value | None) -> float | None:
    return value.number if value is not None else None


def _length_mm(value: Value | None) -> float | None:
    number = _number(value)
    if number is None or value is None:
        return None
    return number * {"mm": 1.0, "cm": 10.0, "m": 1000.0}[value.unit]


def _distance(value: Value | None) -> float | None:
    """Return a distance; one of zero is not a distance but an empty field of the sender's."""
    return _length_mm(value) or None


def _mean(value: Value | None, notes: list[str]) -> float | None:
    if value is None or not value.numbers:
        return None
    if len(value.numbers) > 1:
        notes.append("tube voltage is the mean over the pulses stated")
    return sum(value.numbers) / len(value.numbers)


def _plane(code: Code | None) -> str:
    return "" if code is None else _PLANES.get(code.value, code.meaning)


def _sides(source: Source, notes: list[str]) -> tuple[float | None, float | None]:
    """Return the field across and along.

    Width is across. Where a field was derived from Philips' shutters the record's height is that
    between left and right (`kerma.dicom.dose.projection`), so across.
    """
    height, width = source.field_height, source.field_width
    if height is not None and height.origin == "derived":
        notes.append(f"field {height.reason}")
        return _length_mm(height), _length_mm(width)
    return _length_mm(width), _length_mm(height)


def _filtration(filters: Iterable[Filter], notes: list[str]) -> tuple[float | None, float | None]:
    """Return added copper and aluminium in mm; ``None`` for both when unknown.

    No filter items: not stated. A filter without thickness or of another material: unknown.
    """
    copper = aluminium = 0.0
    stated = False
    for one in filters:
        stated = True
        if one.type is not None and _letters(one.type.meaning) in ("nofilter", "none"):
            continue
        ends = [n for n in (_length_mm(one.thickness_min), _length_mm(one.thickness_max))
                if n is not None]  # fmt: skip
        if not ends:
            notes.append("a filter is stated without its thickness")
            return None, None
        mm = sum(ends) / len(ends)
        if len(set(ends)) > 1:
            notes.append(f"a filter is stated as {ends[0]:g} mm to {ends[1]:g} mm: mean used")
        if mm == 0:
            continue
        if _is(one.material, _COPPER, "copper"):
            copper += mm
        elif _is(one.material, _ALUMINIUM, "alumin"):
            aluminium += mm
        else:
            notes.append("a filter is neither of copper nor of aluminium")
            return None, None
    return (copper, aluminium) if stated else (None, None)


def _is(code: Code | None, keys: set[tuple[str, str]], word: str) -> bool:
    return code is not None and (key(code) in keys or code.meaning.casefold().startswith(word))


def _items(items: Iterable[Item], code: str) -> Iterator[Item]:
    for item in items:
        concept = item.concept
        if concept is not None and (concept.value, concept.scheme) == (code, _PHILIPS):
            yield item


def _own(items: Iterable[Item], code: str, within: str = "") -> float | None:
    """Return a length (mm) among Philips' own items, or ``None``."""
    if within:
        items = [child for item in _items(items, within) for child in item.children]
    for item in _items(items, code):
        if item.unit is not None and item.unit.value == "mm" and len(item.numbers) == 1:
            try:
                return float(item.numbers[0])
            except ValueError:
                return None
    return None


def _system_height(record: StudyRecord) -> float | None:
    found = {
        height
        for report in record.reports
        for totals in report.accumulated
        if (height := _own(totals.remaining, _SYSTEM_HEIGHT)) is not None
    }
    return found.pop() if len(found) == 1 else None
