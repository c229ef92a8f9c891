"""Ask a PACS what it holds (C-FIND) and have it sent (C-GET, or C-MOVE to our own listener)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from pydicom.dataset import Dataset
from pynetdicom import AE, build_role, evt
from pynetdicom.presentation import build_context

from kerma.core import InputError
from kerma.dicom.net.inbox import Inbox

_FIND = "1.2.840.10008.5.1.4.1.2.2.1"
_MOVE = "1.2.840.10008.5.1.4.1.2.2.2"
_GET = "1.2.840.10008.5.1.4.1.2.2.3"
# Dose reports first: an SR series replaces the images of its study.
_REPORTS = (
    "1.2.840.10008.5.1.4.1.1.88.67",
    "1.2.840.10008.5.1.4.1.1.88.68",
    "1.2.840.10008.5.1.4.1.1.88.22",
    "1.2.840.10008.5.1.4.1.1.88.33",
    "1.2.840.10008.5.1.4.1.1.88.34",
    "1.2.840.10008.5.1.4.1.1.88.76",
)
# Classes of dose reports and nothing else; the others hold reports of any kind.
_DOSE_ALONE = frozenset((*_REPORTS[:2], _REPORTS[-1]))
_IMAGES = (
    "1.2.840.10008.5.1.4.1.1.1",
    "1.2.840.10008.5.1.4.1.1.1.1",
    "1.2.840.10008.5.1.4.1.1.1.1.1",
    "1.2.840.10008.5.1.4.1.1.1.2",
    "1.2.840.10008.5.1.4.1.1.1.2.1",
    "1.2.840.10008.5.1.4.1.1.1.3",
    "1.2.840.10008.5.1.4.1.1.1.3.1",
    "1.2.840.10008.5.1.4.1.1.7",
    "1.2.840.10008.5.1.4.1.1.12.1",
    "1.2.840.10008.5.1.4.1.1.12.1.1",
    "1.2.840.10008.5.1.4.1.1.12.2",
    "1.2.840.10008.5.1.4.1.1.12.2.1",
    "1.2.840.10008.5.1.4.1.1.13.1.3",
    "1.2.840.10008.5.1.4.1.1.13.1.4",
    "1.2.840.10008.5.1.4.1.1.2",
    "1.2.840.10008.5.1.4.1.1.128",
)
_PENDING = (0xFF00, 0xFF01)
_TIMEOUT_S = 30.0
# Modalities whose images carry dose when there is no report.
DOSE_IMAGES = ("DX", "CR", "MG", "PX", "IO", "XA", "RF")
# What Philips calls the series of the screen capture whose header holds the doses of a CT study.
_DOSE_INFO = "Dose Info"


@dataclass(frozen=True, slots=True)
class Pacs:
    """A PACS and how we are known to it.

    Attributes
    ----------
    title, own_title
        Application entity titles, theirs and ours.
    move_to
        Title of our listener for C-MOVE; empty: C-GET.
    """

    host: str
    port: int
    title: str
    own_title: str = "KERMA"
    move_to: str = ""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What to ask for: days, modalities, a description (``*`` and ``?`` as DICOM reads them)."""

    since: date
    until: date
    modalities: tuple[str, ...] = ()
    description: str = ""
    stations: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Series:
    """A series the PACS holds."""

    study_uid: str
    series_uid: str
    modality: str
    count: int
    description: str = ""


@dataclass(slots=True)
class Fetched:
    """What came of a fetch."""

    series: int = 0
    objects: int = 0
    failed: int = 0
    notes: list[str] = field(default_factory=list)


@contextmanager
def _association(pacs: Pacs, contexts: Sequence[Any], **more: Any) -> Iterator[Any]:
    ae = AE(ae_title=pacs.own_title)
    ae.acse_timeout = ae.dimse_timeout = ae.network_timeout = _TIMEOUT_S
    ae.connection_timeout = _TIMEOUT_S
    ae.requested_contexts = list(contexts)
    held = ae.associate(pacs.host, pacs.port, ae_title=pacs.title, **more)
    if not held.is_established:
        raise InputError(
            f"{pacs.title} at {pacs.host}:{pacs.port} does not take the association. Check address "
            f"and titles, and that it knows {pacs.own_title}.",
            code="no-association",
            permanent=False,
        )
    try:
        yield held
    finally:
        if held.is_established:
            held.release()


def series_of(pacs: Pacs, wanted: Wanted) -> list[Series]:
    """Return the series to fetch: of each study its dose reports, else its dose-bearing images.

    Reports of findings are structured reports too. A series whose objects are of a class no dose
    report has is left out; where the class may be either, the images are fetched besides.

    Raises
    ------
    InputError
        ``no-association``; ``find-failed``.
    """
    found: list[Series] = []
    with _association(pacs, [build_context(_FIND)]) as held:
        for study in _studies(held, wanted):
            everything = _series(held, study, wanted)
            reports, certain = [], False
            for one in everything:
                if one.modality == "SR":
                    classes = _classes(held, one)
                    if not classes or classes & set(_REPORTS):
                        reports.append(one)
                        certain = certain or not classes or bool(classes & _DOSE_ALONE)
            found += reports
            if not certain:
                found += [s for s in everything if _bears_dose(s)]
    return found


def _bears_dose(series: Series) -> bool:
    return series.modality in DOSE_IMAGES or series.description == _DOSE_INFO


def _classes(held: Any, series: Series) -> set[str]:
    """Return the SOP classes of a series; none when the PACS does not tell them."""
    query = Dataset()
    query.QueryRetrieveLevel = "IMAGE"
    query.StudyInstanceUID, query.SeriesInstanceUID = series.study_uid, series.series_uid
    query.SOPInstanceUID = ""
    query.SOPClassUID = ""
    try:
        answers = list(_asked(held, query))
    except InputError:
        return set()  # a PACS that refuses this level
    return {str(answer.SOPClassUID) for answer in answers if answer.get("SOPClassUID")}


def _asked(held: Any, query: Dataset) -> Iterator[Dataset]:
    for status, identifier in held.send_c_find(query, _FIND):
        if not status:
            raise InputError("The PACS ended the query.", code="find-failed", permanent=False)
        if status.Status in _PENDING and identifier is not None:
            yield identifier
        elif status.Status not in (*_PENDING, 0x0000):
            raise InputError(
                f"The PACS answered the query with status {status.Status:#06x}.",
                code="find-failed",
            )


def _studies(held: Any, wanted: Wanted) -> list[str]:
    """Return studies once each; a PACS may list one again for each of its modalities."""
    uids: dict[str, None] = {}
    for modality in wanted.modalities or ("",):
        query = Dataset()
        query.QueryRetrieveLevel = "STUDY"
        query.StudyDate = f"{wanted.since:%Y%m%d}-{wanted.until:%Y%m%d}"
        query.StudyInstanceUID = ""
        query.ModalitiesInStudy = modality
        query.StudyDescription = wanted.description
        for answer in _asked(held, query):
            kinds = answer.get("ModalitiesInStudy") or ()
            listed = {kinds} if isinstance(kinds, str) else set(map(str, kinds))
            # A PACS that does not match this key returns every study: it is matched here.
            if not modality or not listed or modality in listed:
                uids[str(answer.StudyInstanceUID)] = None
    return list(uids)


def _series(held: Any, study: str, wanted: Wanted) -> list[Series]:
    query = Dataset()
    query.QueryRetrieveLevel = "SERIES"
    query.StudyInstanceUID = study
    query.SeriesInstanceUID = ""
    query.Modality = ""
    query.StationName = ""
    query.NumberOfSeriesRelatedInstances = ""
    query.SeriesDescription = ""
    found = []
    for answer in _asked(held, query):
        station = str(answer.get("StationName") or "")
        if wanted.stations and station and station not in wanted.stations:
            continue
        found.append(
            Series(study, str(answer.SeriesInstanceUID), str(answer.get("Modality") or ""),
                   int(answer.get("NumberOfSeriesRelatedInstances") or 0),
                   str(answer.get("SeriesDescription") or ""))
        )  # fmt: skip
    return found


def fetch(pacs: Pacs, series: Sequence[Series], inbox: Inbox) -> Fetched:
    """Have series sent: into the inbox by C-GET, or to our listener by C-MOVE.

    A series that fails is counted and the next one is asked for.

    Raises
    ------
    InputError
        Code ``no-association``.
    """
    done = Fetched()
    move = bool(pacs.move_to)

    def keep(event: Any) -> int:
        inbox.put(event.encoded_dataset(include_meta=True))
        done.objects += 1
        return 0x0000

    classes = (*_REPORTS, *_IMAGES)
    contexts = [build_context(_MOVE if move else _GET)]
    roles = []
    if not move:
        contexts += [build_context(uid) for uid in classes]
        roles = [build_role(uid, scp_role=True) for uid in classes]
    more = {"ext_neg": roles, "evt_handlers": [(evt.EVT_C_STORE, keep)]} if not move else {}
    with _association(pacs, contexts, **more) as held:
        for item in series:
            query = Dataset()
            query.QueryRetrieveLevel = "SERIES"
            query.StudyInstanceUID, query.SeriesInstanceUID = item.study_uid, item.series_uid
            answers = (
                held.send_c_move(query, pacs.move_to, _MOVE) if move
                else held.send_c_get(query, _GET)
            )  # fmt: skip
            last = None
            for status, _ in answers:
                last = status
            if not last or last.get("Status") != 0x0000:
                done.failed += 1
                code = f"{last.Status:#06x}" if last and "Status" in last else "no answer"
                done.notes.append(f"series {item.series_uid}: {code}")
            else:
                done.series += 1
                if move:
                    done.objects += int(last.get("NumberOfCompletedSuboperations") or 0)
    return done
