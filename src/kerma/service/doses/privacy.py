"""Take out of a record whatever names the patient or the staff, before it is stored.

Names and numbers with a place of their own are dropped. In free text (comments, descriptions,
protocol names, makers' own items) the patient's identifiers are removed where they are written as
whole words; other words of free text are kept, for they say what was done.
"""

from __future__ import annotations

import re
from dataclasses import replace
from functools import partial
from typing import overload

from kerma.dicom.dose import StudyRecord
from kerma.dicom.dose.parts import CT, Administration, Observer
from kerma.dicom.dose.records import Event, Header, Identity, Report, Staff
from kerma.dicom.dose.tree import Item

REMOVED = "[removed]"
_SHORTEST = 4  # characters; shorter ones are ordinary numbers and syllables
_PERSON = "121006"  # PS3.16 CID 270, Observer Type: Person


class _Scrubber:
    """Removes a study's identifiers from text."""

    def __init__(self, record: StudyRecord) -> None:
        who, staff = record.identity, record.staff
        raw = [who.patient_id, who.name, record.header.accession_number]
        raw += [staff.referring, staff.performing, staff.operators, staff.observer]
        # A name is also written with spaces, or turned round. A family name alone is left: too
        # many are also ordinary words.
        names = [n for n in re.split(r"[\^=\\]", who.name or "") if n][:2]
        raw += [join.join(n) for join in (" ", ", ") for n in (names, names[::-1])]
        raw.append(who.birth_date)
        words = {w.strip() for w in raw if w and len(w.strip()) >= _SHORTEST}
        found = "|".join(re.escape(w) for w in sorted(words, key=lambda w: (-len(w), w)))
        self._pattern = re.compile(rf"(?<![\w.])(?:{found})(?![\w.])", re.I) if words else None

    @overload
    def text(self, text: str) -> str: ...
    @overload
    def text(self, text: None) -> None: ...
    def text(self, text: str | None) -> str | None:
        return self._pattern.sub(REMOVED, text) if text and self._pattern else text

    def item(self, item: Item) -> Item:
        words = REMOVED if item.kind == "PNAME" and item.text else self.text(item.text)
        return item._replace(text=words, children=tuple(map(self.item, item.children)))


def bare(record: StudyRecord) -> StudyRecord:
    """Return the record without the patient's identifiers and without names of staff."""
    clean = _Scrubber(record)
    return replace(
        record,
        identity=Identity(),
        staff=Staff(),
        header=_header(clean, record.header),
        reports=tuple(map(partial(_report, clean), record.reports)),
        events=tuple(map(partial(_event, clean), record.events)),
        administrations=tuple(map(partial(_administration, clean), record.administrations)),
        warnings=tuple(map(clean.text, record.warnings)),
    )


def _header(clean: _Scrubber, header: Header) -> Header:
    return replace(
        header,
        accession_number=None,
        study_id=None,
        description=clean.text(header.description),
        requested_procedure=clean.text(header.requested_procedure),
    )


def _report(clean: _Scrubber, report: Report) -> Report:
    return replace(
        report,
        header=_header(clean, report.header),
        observer=_observer(report.observer),
        comment=clean.text(report.comment),
        persons=(),
        remaining=tuple(map(clean.item, report.remaining)),
        accumulated=tuple(
            replace(total, remaining=tuple(map(clean.item, total.remaining)))
            for total in report.accumulated
        ),
    )


def _observer(observer: Observer | None) -> Observer | None:
    if observer is None or observer.kind is None or observer.kind.value != _PERSON:
        return observer
    return replace(observer, name=None)


def _event(clean: _Scrubber, event: Event) -> Event:
    return replace(
        event,
        protocol=clean.text(event.protocol),
        label=clean.text(event.label),
        comment=clean.text(event.comment),
        ct=_ct(event.ct),
        persons=(),
        remaining=tuple(map(clean.item, event.remaining)),
    )


def _ct(ct: CT | None) -> CT | None:
    if ct is None or ct.dose_check is None:
        return ct
    return replace(ct, dose_check=replace(ct.dose_check, alert_persons=(), notification_persons=()))


def _administration(clean: _Scrubber, given: Administration) -> Administration:
    return replace(
        given,
        persons=(),
        pre_activity_observer_name=None,
        prescription=None,
        comment=clean.text(given.comment),
        remaining=tuple(map(clean.item, given.remaining)),
    )
