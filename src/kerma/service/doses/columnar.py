"""The columnar copy of the dose records: kept up to date, and made again from nothing.

A study that was written carries the moment in ``changed_at`` until its rows have been taken over.
The mark is cleared only if the study has not been written again meanwhile, so nothing is missed
whoever writes when; taking a study over twice changes nothing.
"""

from __future__ import annotations

import gc
import os
import time
import uuid
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db.models import QuerySet
from django.utils import timezone

from kerma.doses.rows import event_rows, needed, study_row
from kerma.doses.store import Store
from kerma.service.doses.models import SkinDose, Study
from kerma.service.doses.storing_record import unpacked

# Studies taken over in one write: memory stays bounded, whatever waits. Design choice.
BATCH = 500
# A writer that has not moved its lock for so long was killed. Design choice.
_STALE_S = 600.0
Progress = Callable[[int], None]


@dataclass(frozen=True, slots=True)
class Taken:
    """How many studies were taken over, and how many events they hold."""

    studies: int
    events: int


def store() -> Store:
    """Return the copy that is read now."""
    return Store(folder() / _generation())


def folder() -> Path:
    """Return where the copy is kept, one folder a generation."""
    return Path(settings.HOME) / "columns"


def _generation() -> str:
    try:
        return (folder() / "generation").read_text("ascii").strip() or "0"
    except FileNotFoundError:
        return "0"


def waiting() -> int:
    """Count the studies the copy has still to take over."""
    return Study.objects.exclude(changed_at=None).count()


def refresh(*, most: int | None = None, progress: Progress | None = None) -> Taken:
    """Take over what was written since; does nothing while somebody else does it.

    Parameters
    ----------
    most
        Stop after so many studies; the rest waits.
    progress
        Called with the number of studies after each batch.
    """
    with _lock() as mine:
        if not mine:
            return Taken(0, 0)
        target = store()
        if not target.current and Study.objects.filter(changed_at=None).exists():
            # A copy of another version, or none although studies were taken over: begin again.
            return _made_again(progress)
        return _taken(target, _dirty(), most=most, progress=progress, clear=True)


def rebuild(progress: Progress | None = None) -> Taken:
    """Make the copy again from the stored records; readers see the old one until it is whole."""
    with _lock(wait=True) as mine:
        assert mine
        return _made_again(progress)


def _made_again(progress: Progress | None) -> Taken:
    name = uuid.uuid4().hex[:12]
    fresh = Store(folder() / name)
    before = _generation()
    taken = _taken(fresh, _all(), progress=progress, clear=True)
    if not fresh.current:
        fresh.write((), {}, mark="")
    fresh.compact()
    own = folder() / f".generation-{os.getpid()}"
    own.write_text(name, "ascii")
    own.replace(folder() / "generation")
    _remove(folder() / before)
    return taken


def _remove(old: Path) -> None:
    for path in old.glob("*"):
        path.unlink(missing_ok=True)
    if old.exists():
        old.rmdir()


def _dirty() -> Iterator[list[Study]]:
    rows = Study.objects.exclude(changed_at=None).order_by("pk")
    yield from _batches(rows)


def _all() -> Iterator[list[Study]]:
    yield from _batches(Study.objects.order_by("pk"))


def _batches(rows: QuerySet[Study]) -> Iterator[list[Study]]:
    last = 0
    while True:
        related = rows.select_related("system__room__site__employer", "standard_name")
        batch = list(related.filter(pk__gt=last)[:BATCH])
        if not batch:
            return
        last = batch[-1].pk
        yield batch


def _taken(
    target: Store,
    batches: Iterable[list[Study]],
    *,
    most: int | None = None,
    progress: Progress | None = None,
    clear: bool,
) -> Taken:
    studies = events = 0
    for batch in batches:
        peaks = _peaks([s.pk for s in batch])
        with _no_search_for_cycles():
            rows = _rows(batch, peaks)
        (folder() / "writing").touch()  # still at work
        target.write([s.pk for s in batch], rows, mark=timezone.now().isoformat())
        if clear:
            for study in (s for s in batch if s.changed_at is not None):
                seen = Study.objects.filter(pk=study.pk, changed_at=study.changed_at)
                seen.update(changed_at=None)
        studies += len(batch)
        events += len(rows["events"])
        if progress:
            progress(studies)
        if most is not None and studies >= most:
            break
    return Taken(studies, events)


def _rows(batch: list[Study], peaks: dict[int, float]) -> dict[str, list[dict[str, Any]]]:
    rows: dict[str, list[dict[str, Any]]] = {"studies": [], "events": []}
    for study in batch:
        record = unpacked(study, part=needed)
        context = context_of(study, peaks.get(study.pk))
        rows["studies"].append(study_row(record, context))
        rows["events"].extend(event_rows(record, context))
    return rows


@contextmanager
def _no_search_for_cycles() -> Iterator[None]:
    """Leave the search for cyclic garbage until a batch is done.

    Its records are made and dropped by the hundred thousand and hold no cycles; to look for some
    among them takes a third of the time.
    """
    was = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was:
            gc.enable()


def _peaks(studies: list[int]) -> dict[int, float]:
    """Return the newest peak skin dose of each study that has one."""
    rows = SkinDose.objects.filter(study__in=studies).order_by("id")
    return {k: v for k, v in rows.values_list("study_id", "peak_mgy") if v is not None}


def context_of(study: Study, peak_mgy: float | None = None) -> dict[str, Any]:
    """Return what the store keeps of a study beside its record; see `kerma.doses.schema`."""
    system = study.system
    site = system.room.site if system else None
    device = " ".join(w for w in (study.manufacturer, study.model, study.station) if w)
    return {
        "study": study.pk,
        "date": study.date,
        "hour": study.time.hour if study.time else None,
        "modality": study.modality,
        "employer": site.employer.key if site else None,
        "site": site.key if site else None,
        "system": system.asset if system else None,
        "device": device or None,
        "standard": study.standard_name.key if study.standard_name else None,
        "description": study.description or None,
        "sex": study.sex or None,
        "age_y": study.age_years,
        "height_m": study.height_m,
        "mass_kg": study.mass_kg,
        "patient": not study.not_patient,
        "operator": study.operator_key[:12] or None,
        "skin_peak_mgy": peak_mgy,
    }


@contextmanager
def _lock(*, wait: bool = False) -> Iterator[bool]:
    """Be the only writer, or yield False; `wait` until the other is done."""
    folder().mkdir(parents=True, exist_ok=True)
    path = folder() / "writing"
    while True:
        try:
            handle = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY)
            break
        except FileExistsError:
            if _stale(path):
                path.unlink(missing_ok=True)
            elif not wait:
                yield False
                return
            else:
                time.sleep(0.2)
    try:
        os.write(handle, str(os.getpid()).encode())
        os.close(handle)
        yield True
    finally:
        path.unlink(missing_ok=True)


def _stale(path: Path) -> bool:
    try:
        return time.time() - path.stat().st_mtime > _STALE_S
    except FileNotFoundError:
        return False
