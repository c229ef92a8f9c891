"""What the page of a study shows, gathered in a fixed number of queries."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.core.paginator import Page, Paginator
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from pydicom.uid import UID

from kerma.core.quantity import format_number
from kerma.dicom.dose import StudyRecord
from kerma.dicom.dose.parts import Administration
from kerma.dicom.dose.records import Report, Total
from kerma.dicom.dose.values import Value
from kerma.service.doses import selectors, shown
from kerma.service.doses.columns import converted, system_mark
from kerma.service.doses.event_tables import event_sort, event_tables
from kerma.service.doses.models import DoseObject, Study
from kerma.service.doses.skin.panel import panel_of
from kerma.service.doses.storing_record import unpacked
from kerma.service.people.models import Person
from kerma.service.web.components.marks import badge
from kerma.service.web.components.numbers import ABSENT, GAP, number, signed

EVENTS = 50
_OTHERS = 8
_KEY = 12
_TOTALS = {
    "dlp": "Dose-length product",
    "kap": "Kerma-area product",
    "fluoro_kap": "Kerma-area product, fluoroscopy",
    "acquisition_kap": "Kerma-area product, acquisition",
    "dose_rp": "Dose at the reference point",
    "fluoro_dose_rp": "Dose at the reference point, fluoroscopy",
    "acquisition_dose_rp": "Dose at the reference point, acquisition",
    "fluoro_time": "Fluoroscopy time",
    "acquisition_time": "Acquisition time",
    "agd_left": "Average glandular dose, left",
    "agd_right": "Average glandular dose, right",
    "administered_activity": "Administered activity",
    "effective_dose": "Effective dose, as stated",
}
_OF_ADMINISTRATIONS = (_TOTALS["administered_activity"], _TOTALS["effective_dose"])
_ORIGINS = {
    "stated": "stated",
    "summed": "sum of the events",
    "derived": "derived",
    "missing": "missing",
}


def study_page(study: Study, reader: Person, page: str | None) -> dict[str, Any]:
    """Return the context of a study's page, with one page of its events."""
    events = Paginator(range(study.event_count), EVENTS).get_page(page)
    first = events.start_index()
    shown_now = slice(max(0, first - 1), max(0, first - 1) + EVENTS)
    record = unpacked(study, shown_now)
    objects = list(study.objects_read.order_by("stored_at", "pk"))
    others = selectors.others_of_patient(study, reader)
    return {
        "study": study,
        "facts": _patient(study),
        "device": _device(study, record),
        "totals": [_total(title, getattr(record.totals, n)) for n, title in _TOTALS.items()
                   if _has(getattr(record.totals, n))],
        "planes": _planes(record),
        "skin": panel_of(study, reader),
        "reports": _reports(record, objects),
        "third_party": any(r.third_party for r in record.reports),
        "warnings": record.warnings,
        "tables": event_tables(record.events, max(1, first)),
        "projections": any(event_sort(e) == "projection" for e in record.events),
        "events": events,
        "several_pages": _several(events),
        "administrations": [
            (n, _given(given)) for n, given in enumerate(record.administrations, 1)
        ],
        "others": [
            (o, o.dlp_mgy_cm, converted(o.kap_gy_m2, "Gy.m2", "Gy.cm2"),
             converted(o.dose_rp_gy, "Gy", "mGy"))
            for o in others[:_OTHERS]
        ],
        "others_count": others.count(),
        "key": study.patient_key[:_KEY],
        "may_match": study.system is None and not reader.is_hospital,
        "crumbs": [("Patient dose", reverse("doses")), (study.modality + " study", "")],
    }  # fmt: skip


def _given(given: Administration) -> dict[str, Any]:
    return {
        "agent": shown.words(given.agent),
        "radionuclide": shown.words(given.radionuclide),
        "started": shown.clock(given.started),
        "route": shown.words(given.route),
        "activity": shown.numbers(given.activity),
        "effective": shown.numbers(given.effective_dose),
    }


def _several(page: Page[Any]) -> bool:
    return page.paginator.num_pages > 1


def _size(study: Study) -> str:
    height = f"{number(study.height_m, 2)} m" if study.height_m is not None else ""
    mass = f"{number(study.mass_kg, 1)} kg" if study.mass_kg is not None else ""
    return ", ".join(t for t in (height, mass) if t)


def _age(study: Study) -> str:
    if study.age_years is None:
        return ""
    return f"{number(study.age_years, 0 if study.age_years >= 18 else 1)} years"


def _patient(study: Study) -> list[tuple[str, Any]]:
    sex = {"F": "female", "M": "male", "O": "other"}.get(study.sex, study.sex)
    key = study.patient_key[:_KEY]
    shown_key: Any = "the object names no patient"
    if key:
        url = f"{reverse('doses')}?patient={key}"
        shown_key = format_html('<a href="{}"><code>{}</code></a>', url, key)
    facts: list[tuple[str, Any]] = [
        ("Patient key", shown_key), ("Age", _age(study)), ("Sex", sex),
        ("Height, mass", _size(study)),
    ]  # fmt: skip
    if study.not_patient:
        facts.append(("Not a patient", f"fits {study.not_patient}"))
    return facts


def _device(study: Study, record: StudyRecord) -> list[tuple[str, Any]]:
    device = record.header.device
    place = (device.institution, device.department)
    note = " (from the observer context)"
    from_observer = set(device.from_observer)

    def said(name: str) -> str:
        text = getattr(device, name) or ""
        return text + note if text and name in from_observer else text

    return [
        ("System", system_mark(study) if study.system else badge("unknown device", "warn")),
        ("Manufacturer", said("manufacturer")),
        ("Model", said("model")),
        ("Serial number", said("serial")),
        ("Station", said("station")),
        ("Software", said("software")),
        ("Place", ", ".join(p for p in place if p)),
    ]


@dataclass(frozen=True, slots=True)
class TotalLine:
    """A total with how it was obtained."""

    title: str
    value: Any
    origin: str
    stated: Any
    summed: Any
    difference: str
    flagged: bool
    note: str
    sent: str


def _has(total: Total) -> bool:
    return any(v is not None for v in (total.value, total.stated, total.summed))


def _sent(value: Value | None) -> str:
    if value is None or not value.sent:
        return ""
    told = f"{' + '.join(value.sent)} {value.unit_sent or ''}".strip()
    if value.factor in (None, 1.0):
        return told
    return f"{told}, × {format_number(float(value.factor or 1.0))}"


def _percent(fraction: float | None) -> str:
    return ABSENT if fraction is None else f"{signed(100 * fraction, 1)}{GAP}%"


def _total(title: str, total: Total) -> TotalLine:
    value = total.value
    origin = _ORIGINS[value.origin] if value else ABSENT
    if title in _OF_ADMINISTRATIONS and value and value.origin == "summed":
        origin = "sum of the administrations"
    why = value.reason if value and value.origin != "summed" else ""
    return TotalLine(
        title,
        shown.text(value) if value is None or value.unit != "s" else shown.duration(value),
        f"{origin} ({why})" if why else origin,
        shown.numbers(total.stated),
        shown.numbers(total.summed),
        _percent(total.difference),
        total.flagged,
        total.note,
        _sent(total.stated),
    )


def _planes(record: StudyRecord) -> list[tuple[str, SafeString | str]]:
    totals = record.totals
    pairs = [(f"KAP, {name.lower()}", v) for name, v in totals.kap_by_plane]
    pairs += [(f"Dose at RP, {name.lower()}", v) for name, v in totals.dose_rp_by_plane]
    return [(name, shown.text(v)) for name, v in pairs] if len(totals.kap_by_plane) > 1 else []


@dataclass(frozen=True, slots=True)
class ReportLine:
    """An object of the study."""

    origin: str
    sop_class: str
    sop_uid: str
    sha256: str
    title: str
    created: str
    events: int
    third_party: bool
    stored: Any
    warnings: list[str]


def _reports(record: StudyRecord, objects: list[DoseObject]) -> list[ReportLine]:
    read: dict[str, Report] = {r.sha256: r for r in record.reports}
    doubled = selectors.same_sop(objects)
    found = []
    for row in objects:
        report = read.get(row.sha256)
        # Of a single object the warnings head the page already.
        warnings = list(row.warnings) if len(objects) > 1 else []
        if row.sop_uid in doubled:
            warnings.append("another object with other content has the same SOP Instance UID")
        if report is None:
            warnings.append("another version of this object is used")
        found.append(
            ReportLine(
                report.origin if report else "",
                UID(row.sop_class).name,
                row.sop_uid,
                row.sha256,
                shown.words(report.title) if report else "",
                (report.created or "").replace("T", " ")[:16] if report else "",
                len(report.event_uids) if report else 0,
                report.third_party if report else False,
                row.stored_at,
                warnings,
            )
        )
    return found
