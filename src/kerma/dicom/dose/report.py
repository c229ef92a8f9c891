"""A structured dose report to a `StudyRecord`: TID 10001, 10011, 10021 and 10040."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, TypeVar

from kerma.core import InputError, UnsupportedError
from kerma.dicom.dose import ct, headers, makers, people, projection, radiopharmaceutical, summary
from kerma.dicom.dose.collect import Parts, collect
from kerma.dicom.dose.moments import moment
from kerma.dicom.dose.notes import Notes
from kerma.dicom.dose.parts import Administration, Observer
from kerma.dicom.dose.records import Accumulated, Event, Report, StudyRecord
from kerma.dicom.dose.tables import name_of
from kerma.dicom.dose.totals import completed
from kerma.dicom.dose.tree import Item, Tree
from kerma.dicom.dose.values import Warn

Found = TypeVar("Found", Event, Administration)


def study_of(tree: Tree, data: bytes, name: str) -> StudyRecord:
    """Make the record of one structured report.

    Raises
    ------
    UnsupportedError
        Code ``not-a-dose-report``: the document's title is another one.
    InputError
        Code ``no-study``: Study or SOP Instance UID is missing, so that nothing can be filed.
    """
    text = headers.text_of(tree.header, tree.encodings)
    notes = Notes()
    parts, remaining = collect(tree.items, "report", notes)
    private: tuple[Accumulated, ...] = ()
    if summary.is_private(tree.concept):
        private, remaining = summary.accumulated(remaining, notes)
    if not private:
        _refuse_other_documents(tree, text(0x0008, 0x0016), parts, (name, notes))
    observer = Observer(**parts["observer"]) if parts["observer"] else None
    header = headers.read_header(text, observer, notes)
    sop_uid = text(0x0008, 0x0018)
    if not header.study_uid or not sop_uid:
        raise InputError(
            f"{name} does not say which study it belongs to (no Study or SOP Instance UID).",
            code="no-study",
            detail={"file": name},
        )
    events = _events(parts, sop_uid, notes)
    administrations = _administrations(parts, sop_uid, notes)
    _plausible(events, parts["report"], notes)
    if parts.items_of("irradiation_details"):
        remaining += parts.items_of("irradiation_details")
        notes("technique and geometry over time (Irradiation Details) are kept, but not read")
    date, time = text(0x0008, 0x0023), text(0x0008, 0x0033)
    report = Report(
        **_about(parts, notes),
        origin="dose report",
        sop_class=text(0x0008, 0x0016) or "",
        sop_instance_uid=sop_uid,
        sha256=hashlib.sha256(data).hexdigest(),
        title=tree.concept,
        templates=tree.templates,
        created=moment(date + (time or ""), notes) if date else None,
        header=header,
        observer=observer,
        accumulated=(
            *private,
            *(projection.accumulated(item, notes) for item in parts.items_of("xray_totals")),
            *(ct.accumulated(item, notes) for item in parts.items_of("ct_totals")),
        ),
        event_uids=tuple(event.uid for event in events),
        remaining=tuple(remaining),
    )
    return completed(
        StudyRecord(
            study_uid=header.study_uid,
            modality=_modality(report, events, administrations),
            header=header,
            identity=headers.read_identity(text),
            staff=headers.read_staff(text, parts["staff"].get("observer_name")),
            reports=(report,),
            events=events,
            administrations=administrations,
            warnings=notes.all(),
        )
    )


# Classes of nothing but dose reports (PS3.4 B.5): X-ray, radiopharmaceutical, enhanced X-ray.
_DOSE_CLASSES = frozenset(f"1.2.840.10008.5.1.4.1.1.88.{number}" for number in (67, 68, 76))
# Fields of the root that hold doses.
_DOSE = ("xray_totals", "xray_events", "ct_totals", "ct_events", "administrations")


def _refuse_other_documents(
    tree: Tree, sop_class: str | None, parts: Parts, how: tuple[str, Warn]
) -> None:
    """Refuse what has another title; where the class and the content say dose, it is told."""
    name, warn = how
    held = any(parts.items_of(field) for field in _DOSE)
    if name_of("report", tree.concept):
        if not held:
            warn("the report holds neither events nor totals")
        return
    title = tree.concept
    told = "it has no title"
    if title:
        told = f"its title is “{title.meaning}” ({title.value}, {title.scheme})"
    if sop_class in _DOSE_CLASSES and held:
        warn(f"taken for a dose report by its class; {told}")
        return
    raise UnsupportedError(
        f"{name} is a structured report, but not a dose report: {told}. Send the "
        "X-Ray Radiation Dose Report.",
        code="not-a-dose-report",
        detail={"file": name, "title": list(title) if title else None},
    )


def _about(parts: Parts, warn: Warn) -> dict[str, Any]:
    about = dict(parts["report"])
    characteristics = parts.items_of("characteristics")
    return {
        **about,
        "third_party": name_of("source", about.get("source_of_dose")) == "third party",
        "characteristics": radiopharmaceutical.characteristics(characteristics, warn),
        "devices": people.devices(parts.items_of("devices"), warn),
        "persons": people.persons(parts.items_of("persons"), warn),
    }


def _events(parts: Parts, sop_uid: str, warn: Warn) -> tuple[Event, ...]:
    readers: Sequence[tuple[str, Callable[[Item, int, Warn], Event]]] = (
        ("xray_events", projection.event),
        ("ct_events", ct.event),
    )
    found: list[Event] = []
    for field, read in readers:
        for item in parts.items_of(field):
            found.append(read(item, len(found) + 1, warn))
    placed = makers.with_position(found, parts["report"].get("comment"), warn)
    return _identified(placed, sop_uid, "event", warn)


def _plausible(events: Sequence[Event], about: dict[str, Any], warn: Warn) -> None:
    """Flag a CT exposure time longer than the whole irradiation lasted; nothing is rescaled."""
    try:
        started, ended = (datetime.fromisoformat(about[name]) for name in ("started", "ended"))
        window_s = (ended - started).total_seconds()
    except (KeyError, TypeError, ValueError):
        return
    for number, event in enumerate(events, 1):
        time = event.ct.exposure_time if event.ct else None
        if time is not None and time.number is not None and time.number > window_s + 1.0:
            warn(
                f"event {number}: an exposure time of {time.number:g} s is longer than the "
                f"{window_s:g} s from the start to the end of irradiation; it is kept as sent"
            )


def _administrations(parts: Parts, sop_uid: str, warn: Warn) -> tuple[Administration, ...]:
    found = [
        radiopharmaceutical.administration(item, number, warn)
        for number, item in enumerate(parts.items_of("administrations"), 1)
    ]
    return _identified(found, sop_uid, "administration", warn)


def _identified(found: Sequence[Found], sop_uid: str, what: str, warn: Warn) -> tuple[Found, ...]:
    """Give every event the object it came from and a UID of its own.

    An event without a UID, or with that of another event of the report, gets one derived from
    the report's, so that it is counted; a plain repetition is not.
    """
    kept: dict[str, Found] = {}
    for number, item in enumerate(found, 1):
        item = replace(item, report_uid=sop_uid)
        if item.uid and kept.get(item.uid) == item:
            warn(f"{what} {number} repeats an earlier one and is not counted again")
            continue
        if not item.uid or item.uid in kept:
            why = "has the UID of another" if item.uid else "has no UID"
            warn(f"{what} {number} {why}; sent again, it cannot be recognised for certain")
            derived: dict[str, Any] = {"uid": f"{sop_uid}#{number}"}
            if isinstance(item, Event):
                derived["uid_origin"] = "derived"
            item = replace(item, **derived)
        kept[item.uid] = item
    return tuple(kept.values())


def _modality(
    report: Report, events: Sequence[Event], administrations: Sequence[Administration]
) -> str:
    """Say what was done, from events and totals; the device type alone says too little."""
    if name_of("report", report.title) == "radiopharmaceutical report" or administrations:
        return "NM"
    procedure = name_of("procedure", report.procedure)
    totals = report.accumulated
    if any(event.ct for event in events) or any(total.dlp for total in totals):
        return "CT"
    if (
        procedure == "mammography"
        or any(event.breast and event.breast.agd for event in events)
        or any(total.agd for total in totals)
    ):
        return "MG"
    if not events and procedure == "ct":
        return "CT"
    return "RF" if _fluoroscopic(report, events) else "DX"


def _fluoroscopic(report: Report, events: Sequence[Event]) -> bool:
    """Tell fluoroscopy from radiography: by the events, by the totals, at last by the device.

    Rooms for both name one device type for all they do, so it only decides where the events say
    nothing: none at all, or runs of many pulses that are called stationary.
    """
    if {event.kind for event in events} & {"fluoroscopy", "rotational", "stepping"}:
        return True
    fluoro = (
        value
        for total in report.accumulated
        for value in (total.fluoro_time, total.fluoro_kap, total.fluoro_dose_rp)
    )
    if any(value is not None and any(value.numbers) for value in fluoro):
        return True
    runs = any(
        source.pulses is not None and sum(source.pulses.numbers) > 1
        for event in events
        for source in event.sources
    )
    return name_of("device", report.device_type) == "fluoroscopy" and (runs or not events)
