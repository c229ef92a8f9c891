"""Reads of patient dose, limited to what the reader may see."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.db.models import Count, Max, Min, Q, QuerySet

from kerma.core import quantity
from kerma.service.doses.models import DoseObject, Quarantined, Study
from kerma.service.estate.models import DicomIdentity, System
from kerma.service.people.models import Person
from kerma.service.records.selectors import within

DEVICE = ("manufacturer", "model", "station", "serial")
UNKNOWN = "unknown"
# Quantity a study may be filtered by: columns, unit stored, unit asked for.
MEASURES: dict[str, tuple[tuple[str, ...], str, str]] = {
    "dlp": (("dlp_mgy_cm",), "mGy.cm", "mGy.cm"),
    "kap": (("kap_gy_m2",), "Gy.m2", "Gy.cm2"),
    "dose_rp": (("dose_rp_gy",), "Gy", "mGy"),
    "agd": (("agd_left_mgy", "agd_right_mgy"), "mGy", "mGy"),
}


def studies(reader: Person) -> QuerySet[Study]:
    """Return the studies a person may see, without their records."""
    rows = within(Study.objects.all(), reader, "system__room__site__employer")
    return rows.defer("record").select_related("system__room__site__employer")


def _at_least(measure: str, least: float) -> Q:
    columns, kept, asked = MEASURES[measure]
    bound = quantity(least, asked).to(kept).value
    found = Q()
    for column in columns:
        found |= Q(**{f"{column}__gte": bound})
    return found


def filtered(rows: QuerySet[Study], query: dict[str, Any]) -> QuerySet[Study]:
    """Narrow studies by day, modality, system, site, words, dose, patient or test object."""
    for word in query.get("q", "").split():
        rows = rows.filter(
            Q(description__icontains=word)
            | Q(station__icontains=word)
            | Q(manufacturer__icontains=word)
            | Q(model__icontains=word)
            | Q(system__asset__icontains=word)
            | Q(system__name__icontains=word)
        )
    for name, path in (
        ("since", "date__gte"),
        ("until", "date__lte"),
        ("modality", "modality"),
        ("site", "system__room__site__key"),
        ("patient", "patient_key__startswith"),
    ):
        if query.get(name):
            rows = rows.filter(**{path: query[name]})
    if query.get("system") == UNKNOWN:
        rows = rows.filter(system=None)
    elif query.get("system"):
        rows = rows.filter(system__asset=query["system"])
    if query.get("least") is not None and query.get("measure"):
        rows = rows.filter(_at_least(query["measure"], query["least"]))
    if query.get("who"):
        rows = (
            rows.filter(not_patient="")
            if query["who"] == "patients"
            else rows.exclude(not_patient="")
        )
    if query.get("device"):
        example = Study.objects.filter(pk=query["device"], system=None).only(*DEVICE).first()
        rows = rows.filter(**_like(example)) if example else rows.none()
    return rows


def modalities(reader: Person) -> list[str]:
    """Return the modalities there are studies of."""
    rows = within(Study.objects.all(), reader, "system__room__site__employer")
    return list(rows.order_by("modality").values_list("modality", flat=True).distinct())


def others_of_patient(study: Study, reader: Person) -> QuerySet[Study]:
    """Return the other studies under the same patient key; none when there is no key."""
    if not study.patient_key:
        return Study.objects.none()
    return studies(reader).filter(patient_key=study.patient_key).exclude(pk=study.pk)


def same_sop(objects: Iterable[DoseObject]) -> set[str]:
    """Return those SOP Instance UIDs under which objects of other content are stored too."""
    uids = {o.sop_uid for o in objects}
    rows = DoseObject.objects.filter(sop_uid__in=uids).order_by().values_list("sop_uid")
    return {uid for uid, n in rows.annotate(n=Count("pk")) if n > 1}


# Devices of no known system ---------------------------------------------------------------------


@dataclass(slots=True)
class Device:
    """A device that sent studies and belongs to no known system; `example` is one of them."""

    manufacturer: str
    model: str
    station: str
    serial: str
    count: int
    first: date | None
    last: date | None
    example: int
    suggestion: Suggestion | None = None

    @property
    def name(self) -> str:
        """The device in the words of its header."""
        words = " ".join(w for w in (self.manufacturer, self.model) if w)
        return words or self.station or self.serial or "Device without a name"


@dataclass(frozen=True, slots=True)
class Suggestion:
    """A system a device may be, and why."""

    system: System
    reason: str


def _like(study: Study) -> dict[str, Any]:
    return {"system": None, **{name: getattr(study, name) for name in DEVICE}}


def studies_like(study: Study) -> QuerySet[Study]:
    """Return the studies of the same unknown device, this one included."""
    return Study.objects.filter(**_like(study)).defer("record")


def devices(example: Study | None = None) -> list[Device]:
    """Return the unknown devices, the busiest first; or the one that sent a study."""
    rows = studies_like(example) if example else Study.objects.filter(system=None)
    grouped = (
        rows.order_by()
        .values(*DEVICE)
        .annotate(count=Count("pk"), first=Min("date"), last=Max("date"), example=Max("pk"))
    )
    return [Device(**row) for row in grouped.order_by("-count", *DEVICE)]


def device_count() -> int:
    """Count the unknown devices."""
    return Study.objects.filter(system=None).order_by().values(*DEVICE).distinct().count()


def suggest(found: list[Device], *, places: str = "") -> list[Device]:
    """Add to each device the system it may be: two queries, however many devices.

    A serial number settles it; then a station name; then the only system of that model, of those
    at a site the header names (`places`) if it names one.
    """
    systems = list(
        System.objects.exclude(status="withdrawn")
        .select_related("room__site")
        .prefetch_related("dicom_identities")
    )
    for device in found:
        device.suggestion = _suggestion(device, systems, places)
    return found


def _words(text: str) -> set[str]:
    return {w for w in text.casefold().replace("_", " ").split() if len(w) > 1}


def _suggestion(device: Device, systems: list[System], places: str) -> Suggestion | None:
    serial, station = device.serial.casefold(), device.station.casefold()
    if serial:
        same = [s for s in systems if serial in _serials(s)]
        if len(same) == 1:
            return Suggestion(same[0], f"same serial number {device.serial}")
    if station:
        same = [s for s in systems if station in _stations(s)]
        if len(same) == 1:
            return Suggestion(same[0], f"same station name {device.station}")
    model = _words(device.model)
    same = [s for s in systems if model and model <= _words(f"{s.manufacturer} {s.model}")]
    near = [s for s in same if _words(places) & _words(s.room.site.name) - _ORDINARY]
    if len(near or same) == 1:
        found = (near or same)[0]
        return Suggestion(found, f"the only {found.model}{' at the site named' if near else ''}")
    return None


_ORDINARY = {"hospital", "the", "of", "and", "general", "royal", "clinic", "centre", "st", "nhs"}


def _serials(system: System) -> set[str]:
    aliases = (i.serial for i in system.dicom_identities.all())
    return {s.casefold() for s in (system.serial, *aliases) if s}


def _stations(system: System) -> set[str]:
    return {i.station.casefold() for i in system.dicom_identities.all() if i.station}


def aliases(system: System) -> QuerySet[DicomIdentity]:
    """Return how a system signs its objects."""
    return system.dicom_identities.order_by("pk")


# Quarantine -------------------------------------------------------------------------------------


def quarantine(query: dict[str, Any]) -> QuerySet[Quarantined]:
    """Return files that were not stored; unasked, those that still wait for somebody."""
    rows = Quarantined.objects.select_related("dismissed_by")
    state = query.get("status") or "waiting"
    if state == "waiting":
        rows = rows.filter(status__in=("refused", "quarantined"))
    elif state != "all":
        rows = rows.filter(status=state)
    for word in query.get("q", "").split():
        rows = rows.filter(
            Q(name__icontains=word) | Q(reason__icontains=word) | Q(code__icontains=word)
        )
    return rows


def waiting() -> int:
    """Count what waits for somebody: files in quarantine and unknown devices."""
    return Quarantined.objects.filter(status="quarantined").count() + device_count()
