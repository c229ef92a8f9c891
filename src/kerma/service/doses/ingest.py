"""The door for dose reports: read, store, or put aside with the reason.

This is one of the three places where any exception is caught: whatever a file does to the reader,
the next file is read, and this one waits in quarantine with what happened.
"""

from __future__ import annotations

import hashlib
import traceback
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from kerma.core import InputError, KermaError, UnsupportedError
from kerma.dicom.dose import read_report
from kerma.dicom.sources import looks_like_dicom
from kerma.service.doses.models import DoseObject, Quarantined
from kerma.service.doses.storing import store_object
from kerma.service.people.models import Person
from kerma.service.records import log

LARGEST = 256 * 2**20  # bytes; a dose report is under 10 MB, an image header comes with its pixels


@dataclass(frozen=True, slots=True)
class Ingested:
    """What became of one file: ``stored``, ``unchanged``, ``refused`` or ``quarantined``."""

    outcome: str
    name: str
    sha256: str
    reason: str = ""
    code: str = ""
    study: str = ""

    def as_dict(self) -> dict[str, str]:
        """Return plain data."""
        return asdict(self)


def files_in(paths: Sequence[Path]) -> list[Path]:
    """Return the files named, and the DICOM files in the folders named, in order.

    Raises
    ------
    InputError
        A path does not exist.
    """
    return list(_files_in(paths))


def _files_in(paths: Sequence[Path]) -> Iterator[Path]:
    for path in paths:
        if path.is_dir():
            for file in sorted(p for p in path.rglob("*") if p.is_file()):
                if file.suffix.lower() == ".dcm" or _is_dicom(file):
                    yield file
        elif path.exists():
            yield path
        else:
            raise InputError(f"There is no file {path}.", code="no-file")


def _is_dicom(path: Path) -> bool:
    with path.open("rb") as file:
        return looks_like_dicom(file.read(4096))


def ingest_file(path: Path, *, by: Person | None = None) -> Ingested:
    """Read and store one file."""
    if path.stat().st_size > LARGEST:
        return Ingested("refused", path.name, "", f"larger than {LARGEST // 2**20} MB", "too-large")
    return ingest_bytes(path.read_bytes(), name=path.name, by=by)


def ingest_bytes(content: bytes, *, name: str, by: Person | None = None) -> Ingested:
    """Read and store one object."""
    sha256 = hashlib.sha256(content).hexdigest()
    known = DoseObject.objects.filter(sha256=sha256).values_list("study__study_uid").first()
    if known:
        _resolve(sha256)
        return Ingested("unchanged", name, sha256, study=known[0])
    try:
        study, new = store_object(read_report(content), by=by)
    except UnsupportedError as error:
        return _put_aside("refused", content, sha256, name, error, by)
    except Exception as error:
        return _put_aside("quarantined", content, sha256, name, _as_kerma(error), by)
    _resolve(sha256)
    _resolve_cut_short(content, name)
    return Ingested("stored" if new else "unchanged", name, sha256, study=study.study_uid)


def _as_kerma(error: Exception) -> KermaError:
    """Say where the reader failed, in words of our own: an error's may quote the patient's name."""
    if isinstance(error, KermaError):
        return error
    place = traceback.extract_tb(error.__traceback__)[-1]
    return KermaError(
        f"The reader failed on this file ({type(error).__name__} in {Path(place.filename).name}, "
        f"line {place.lineno}). It is kept; try it again after an update.",
        code="reader-failed",
        permanent=False,
    )


def _folder() -> Path:
    folder = Path(settings.HOME) / "quarantine"
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    return folder


@transaction.atomic
def _put_aside(
    outcome: str, content: bytes, sha256: str, name: str, error: KermaError, by: Person | None
) -> Ingested:
    now = timezone.now()
    row, made = Quarantined.objects.get_or_create(
        sha256=sha256,
        defaults={
            "name": _kept_name(name),
            "status": outcome,
            "code": error.code,
            "reason": error.message[:600],
            "first_at": now,
            "last_at": now,
        },
    )
    if not made:
        row.attempts += 1
        row.code, row.reason, row.last_at = error.code, error.message[:600], now
        # A file a person took off the list does not come back when a system sends it again.
        row.status = row.status if row.status == "dismissed" else outcome
        row.save()
    if row.status != "dismissed":
        (_folder() / sha256).write_bytes(content)
    log.append(
        actor=by,
        kind=f"dose.{outcome}",
        subject=row,
        text=f"{row.name}: {row.reason}",
        data={"sha256": sha256, "code": error.code},
    )
    return Ingested(outcome, name, sha256, error.message, error.code)


def _resolve(sha256: str) -> None:
    if Quarantined.objects.filter(sha256=sha256).update(status="resolved", last_at=timezone.now()):
        (_folder() / sha256).unlink(missing_ok=True)


def _resolve_cut_short(content: bytes, name: str) -> None:
    """Take the same file, cut short when it came before, out of quarantine."""
    waiting = Quarantined.objects.filter(status="quarantined", name=_kept_name(name))
    for sha256 in waiting.values_list("sha256", flat=True):
        path = _folder() / sha256
        if path.exists() and content.startswith(path.read_bytes()):
            _resolve(sha256)


def _kept_name(name: str) -> str:
    return Path(name).name[:240]


def retry(row: Quarantined, *, by: Person | None = None) -> Ingested:
    """Try a file from quarantine again.

    Raises
    ------
    InputError
        Code ``file-gone``: its content is no longer kept.
    """
    path = _folder() / row.sha256
    if not path.exists():
        raise InputError(f"The content of {row.name} is no longer kept.", code="file-gone")
    return ingest_bytes(path.read_bytes(), name=row.name, by=by)


@transaction.atomic
def dismiss(row: Quarantined, *, by: Person) -> None:
    """Take a file off the list for good; its content is deleted, the record stays."""
    row.status, row.dismissed_by, row.last_at = "dismissed", by, timezone.now()
    row.save()
    (_folder() / row.sha256).unlink(missing_ok=True)
    log.append(actor=by, kind="dose.dismissed", subject=row, text=f"{row.name}: dismissed")
