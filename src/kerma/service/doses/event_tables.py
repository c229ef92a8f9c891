"""Irradiation events as tables, one for each kind of examination."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from kerma.core.typeset import pretty_unit
from kerma.dicom.dose.records import Event
from kerma.dicom.dose.tables import name_of
from kerma.service.doses import shown
from kerma.service.web.components.numbers import ABSENT


@dataclass(frozen=True, slots=True)
class Head:
    """A column of events; `always` keeps it when no event of the page has the item."""

    title: str
    get: Callable[[Event], Any]
    unit: str = ""
    num: bool = True
    always: bool = True


@dataclass(frozen=True, slots=True)
class EventTable:
    """Events of one kind with the columns that say something of them."""

    title: str
    heads: list[Head]
    rows: list[tuple[int, list[tuple[Any, bool]]]]


def _clock(event: Event) -> str:
    day, _, clock = (event.started or "").partition("T")
    return clock[:8] or day or ABSENT


def _kind(event: Event) -> str:
    return event.kind.capitalize() or shown.words(event.type)


def _phantom(event: Event) -> str:
    phantom = event.ct.phantom if event.ct else None
    # IEC 60601-2-44: the body phantom is 32 cm, the head phantom 16 cm across.
    size = {"body": "body, 32 cm", "head": "head, 16 cm"}
    return size.get(name_of("phantom", phantom)) or shown.words(phantom)


def _target(event: Event) -> str:
    source = event.sources[0] if event.sources else None
    if source is None:
        return ABSENT
    target = shown.element(source.anode)
    materials = [shown.element(f.material) for f in source.filters if f.material]
    return " / ".join(m for m in (target, *materials) if m) or ABSENT


def _plane(event: Event) -> str:
    # On a single-plane system the plane says nothing.
    single = event.plane is not None and event.plane.value == "113622"
    return ABSENT if single else shown.words(event.plane)


def _view(event: Event) -> str:
    words = (shown.words(event.view), shown.words(event.view_modifier))
    return ", ".join(w for w in words if w != ABSENT) or ABSENT


def _ct(field: str) -> Callable[[Event], Any]:
    return lambda e: shown.numbers(getattr(e.ct, field) if e.ct else None)


def _part(part: str, field: str) -> Callable[[Event], Any]:
    def get(event: Event) -> Any:
        found = getattr(event, part)
        return shown.numbers(getattr(found, field) if found else None)

    return get


def _source(*fields: str) -> Callable[[Event], Any]:
    return lambda e: shown.over(e.sources, *fields)


CT = [
    Head("Type", _kind, num=False),
    Head("Protocol", lambda e: e.protocol or ABSENT, num=False),
    Head("Region", lambda e: shown.words(e.region), num=False),
    Head("Start", _clock, num=False, always=False),
    Head("Voltage", _source("kvp"), "kV"),
    Head("Mean", _source("tube_current", "average_tube_current"), "mA"),
    Head("Max", _source("maximum_tube_current"), "mA"),
    Head("CTDIvol", _ct("ctdivol"), "mGy"),
    Head("Phantom", _phantom, num=False),
    Head("DLP", _ct("dlp"), pretty_unit("mGy.cm")),
    Head("Length", _ct("scan_length"), "mm"),
    Head("Pitch", _ct("pitch")),
    Head("Beam", _ct("total_collimation"), "mm", always=False),
    Head("Rotation", _source("time_per_rotation"), "s", always=False),
    Head("SSDE", _ct("ssde"), "mGy", always=False),
]
PROJECTION = [
    Head("Start", _clock, num=False),
    Head("Type", _kind, num=False),
    Head("Plane", _plane, num=False, always=False),
    Head("Protocol", lambda e: e.protocol or ABSENT, num=False, always=False),
    Head("Region", lambda e: shown.words(e.anatomy or e.region), num=False, always=False),
    Head("Voltage", _source("kvp"), "kV"),
    Head("Current", _source("tube_current", "average_tube_current"), "mA"),
    Head("Exposure", _source("exposure"), "mAs", always=False),
    Head("Time", _source("exposure_time"), "ms", always=False),
    Head("Pulses", _source("pulses"), always=False),
    Head("Pulse rate", _source("pulse_rate"), "1/s", always=False),
    Head("Duration", lambda e: shown.numbers(e.irradiation_time), "s", always=False),
    Head("KAP", lambda e: shown.numbers(e.kap), pretty_unit("Gy.cm2")),
    Head("Dose at RP", lambda e: shown.numbers(e.dose_rp), "mGy"),
    Head("Primary", _part("mechanics", "primary_angle"), "°", always=False),
    Head("Secondary", _part("mechanics", "secondary_angle"), "°", always=False),
    Head("SID", _part("mechanics", "source_detector"), "mm", always=False),
    Head("Filters", lambda e: shown.filters(e.sources), num=False, always=False),
    Head("EI", _part("detector", "exposure_index"), always=False),
    Head("DI", _part("detector", "deviation_index"), always=False),
]
BREAST = [
    Head("Start", _clock, num=False, always=False),
    Head("View", _view, num=False),
    Head("Side", lambda e: name_of("side", e.laterality) or ABSENT, num=False),
    Head("Type", _kind, num=False, always=False),
    Head("AGD", _part("breast", "agd"), "mGy"),
    Head("Entrance", _part("breast", "entrance_exposure"), "mGy", always=False),
    Head("Thickness", _part("mechanics", "compression_thickness"), "mm"),
    Head("Force", _part("mechanics", "compression_force"), "N", always=False),
    Head("Target / filter", _target, num=False),
    Head("Voltage", _source("kvp"), "kV"),
    Head("Exposure", _source("exposure"), "mAs"),
    Head("Current", _source("tube_current", "average_tube_current"), "mA", always=False),
    Head("Time", _source("exposure_time"), "ms", always=False),
    Head("HVL", _part("breast", "half_value_layer"), pretty_unit("mm Al"), always=False),
]


def event_sort(event: Event) -> str:
    """Return which table an event belongs to: ``CT``, ``projection`` or ``breast``."""
    if event.ct is not None:
        return "CT"
    # An event of the breast is known by its glandular dose or, without one, by its compression.
    mechanics = event.mechanics
    compressed = mechanics is not None and mechanics.compression_thickness is not None
    return "breast" if event.breast is not None or compressed else "projection"


_KINDS = {
    "CT": ("CT acquisitions", CT),
    "projection": ("Projections", PROJECTION),
    "breast": ("Mammography", BREAST),
}


def event_tables(events: Sequence[Event], first: int) -> list[EventTable]:
    """Return the events of a page in tables; `first` is the number of the first of them."""
    numbered = list(enumerate(events, first))
    tables = []
    for kind, (title, heads) in _KINDS.items():
        mine = [(n, e) for n, e in numbered if event_sort(e) == kind]
        if not mine:
            continue
        cells = {head.title: [head.get(e) for _, e in mine] for head in heads}
        kept = [h for h in heads if h.always or any(c != ABSENT for c in cells[h.title])]
        rows = [(n, [(cells[h.title][i], h.num) for h in kept]) for i, (n, _) in enumerate(mine)]
        tables.append(EventTable(title, kept, rows))
    return tables
