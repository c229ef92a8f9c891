"""One study from several objects, in whatever order they arrive."""

from __future__ import annotations

from dataclasses import fields, replace
from functools import reduce
from typing import Any

from kerma.core import InputError
from kerma.dicom.dose.parts import Administration
from kerma.dicom.dose.records import (
    Device,
    Event,
    Header,
    Identity,
    Patient,
    Report,
    Staff,
    StudyRecord,
)
from kerma.dicom.dose.totals import completed

_ORIGINS = {"dose report": 2, "image header": 1, "secondary capture": 0}
# A study done on several kinds of system is filed under the first of these.
_MODALITIES = ("CT", "RF", "MG", "DX", "PX", "NM")


def merge(existing: StudyRecord, new: StudyRecord) -> StudyRecord:
    """Put what two records say about one study together.

    Events are matched by irradiation event UID. Whatever the order and however often a record is
    merged, the same records give the same result:

    - a repeated object changes nothing;
    - an event in several objects is taken from the most reliable and latest of them (dose report
      before image header before secondary capture);
    - an image's event that a dose report holds (by UID, or because the report names the image) is
      counted once; a secondary capture's events give way to a dose report with CT events;
    - every report is kept with its own totals, and the study's totals are worked out anew.

    Raises
    ------
    InputError
        Code ``other-study``: the records have different Study Instance UIDs.
    """
    if existing.study_uid != new.study_uid:
        raise InputError(
            "These two records belong to different studies and cannot be merged.",
            code="other-study",
            detail={"existing": existing.study_uid, "new": new.study_uid},
        )
    reports = _reports(existing.reports, new.reports)
    ranks = {report.sop_instance_uid: _rank(report) for report in reports}
    events = _events((*existing.events, *new.events), ranks)
    identity, clash = _least(Identity, existing.identity, new.identity)
    warnings = {*existing.warnings, *new.warnings}
    if clash:
        warnings.add(f"objects of this study disagree on the patient's {' and '.join(clash)}")
    return completed(
        StudyRecord(
            study_uid=existing.study_uid,
            modality=min((existing.modality, new.modality), key=_MODALITIES.index),
            header=_header([report.header for report in reversed(reports)]),
            identity=identity,
            staff=_least(Staff, existing.staff, new.staff)[0],
            reports=reports,
            events=_in_order(events, reports),
            administrations=_administrations(
                (*existing.administrations, *new.administrations), ranks
            ),
            warnings=tuple(sorted(warnings)),
        )
    )


Rank = tuple[int, str, int, str]


def _rank(report: Report) -> Rank:
    """Order reports from the least to the most reliable and latest."""
    return (
        _ORIGINS.get(report.origin, 0),
        report.created or "",
        len(report.event_uids),
        report.sop_instance_uid,
    )


def _reports(one: tuple[Report, ...], other: tuple[Report, ...]) -> tuple[Report, ...]:
    """Keep each object once; of two versions under one UID, the same one every time."""
    kept: dict[str, Report] = {}
    for report in sorted((*one, *other), key=lambda r: (r.sop_instance_uid, r.sha256)):
        kept[report.sop_instance_uid] = report
    return tuple(sorted(kept.values(), key=_rank))


def _events(events: tuple[Event, ...], ranks: dict[str, Rank]) -> list[Event]:
    lowest: Rank = (-1, "", 0, "")
    best: dict[str, Event] = {}

    def standing(event: Event) -> tuple[Rank, str]:
        # Two versions of one object rank alike; the text decides, so that order of arrival cannot.
        return ranks.get(event.report_uid, lowest), repr(event)

    for event in events:
        before = best.get(event.uid)
        if before is None or standing(event) >= standing(before):
            best[event.uid] = event
    reported = [e for e in best.values() if ranks.get(e.report_uid, lowest)[0] == 2]
    named = {image for event in reported for image in event.images}
    has_ct = any(event.ct for event in reported)
    return [
        event
        for event in best.values()
        if not (
            (ranks.get(event.report_uid, lowest)[0] == 1 and named & set(event.images))
            or (ranks.get(event.report_uid, lowest)[0] == 0 and has_ct)
        )
    ]


def _in_order(events: list[Event], reports: tuple[Report, ...]) -> tuple[Event, ...]:
    """Put events in the order of the reports that hold them, earliest report first."""
    place: dict[str, tuple[int, int]] = {}
    for number, report in enumerate(reports):
        for index, uid in enumerate(report.event_uids):
            place.setdefault(uid, (number, index))
    last = (len(reports), 0)
    return tuple(sorted(events, key=lambda event: (place.get(event.uid, last), event.uid)))


def _administrations(
    found: tuple[Administration, ...], ranks: dict[str, Rank]
) -> tuple[Administration, ...]:
    lowest: Rank = (-1, "", 0, "")
    best: dict[str, Administration] = {}
    for item in found:
        before = best.get(item.uid)
        if before is None or ranks.get(item.report_uid, lowest) >= ranks.get(
            before.report_uid, lowest
        ):
            best[item.uid] = item
    return tuple(sorted(best.values(), key=lambda a: (a.started or "", a.uid)))


def _header(headers: list[Header]) -> Header:
    """Take each fact from the best-informed object that states it; `headers` is best first."""
    plain = _first(headers)
    device: Device = _first([header.device for header in headers])
    patient: Patient = _first([header.patient for header in headers])
    result: Header = replace(plain, device=device, patient=patient)
    return result


def _first(records: list[Any]) -> Any:
    """Return a record with each field from the first record where it is not empty."""
    return reduce(
        lambda best, other: replace(
            best,
            **{
                field.name: getattr(other, field.name)
                for field in fields(best)
                if getattr(best, field.name) in (None, ())
            },
        ),
        records,
    )


def _least(kind: type[Any], one: Any, other: Any) -> tuple[Any, list[str]]:
    """Take each field from whichever states it; of two, the first in the alphabet every time."""
    taken: dict[str, str | None] = {}
    clash: list[str] = []
    for field in fields(kind):
        texts = {t for t in (getattr(one, field.name), getattr(other, field.name)) if t}
        taken[field.name] = min(texts, default=None)
        if len(texts) > 1:
            clash.append(field.name.replace("_", " "))
    return kind(**taken), clash
