"""A study record as it is kept in the database: compressed typed JSON, without identifiers."""

from __future__ import annotations

import json
import zlib
from collections.abc import Callable
from typing import Any

from kerma.core.codec import decode, encode
from kerma.dicom.dose import StudyRecord
from kerma.service.doses.models import Study


def packed(record: StudyRecord) -> bytes:
    """Return a record as compressed JSON; it must be `bare`."""
    return zlib.compress(json.dumps(encode(record), separators=(",", ":")).encode(), 3)


def unpacked(
    study: Study,
    events: slice | None = None,
    part: Callable[[dict[str, Any]], dict[str, Any]] | None = None,
) -> StudyRecord:
    """Return the typed record of a stored study, or with only some of its events or content.

    A page of a long procedure shows fifty events of many hundred; the others are left alone. `part`
    takes what is wanted out of the plain data.
    """
    plain: dict[str, Any] = json.loads(zlib.decompress(bytes(study.record)))
    if events is not None:
        plain["events"] = plain["events"][events]
    return decode(StudyRecord, part(plain) if part else plain)
