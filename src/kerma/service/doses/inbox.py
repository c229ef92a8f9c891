"""What waits in the inbox is read and stored; what cannot be is put aside like any other file."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from pathlib import Path

from django.conf import settings

from kerma.dicom.net.inbox import Inbox
from kerma.service.doses.ingest import Ingested, ingest_file

Told = Callable[[Ingested], None]


def inbox() -> Inbox:
    """Return the service's inbox."""
    return Inbox(Path(settings.HOME) / "inbox")


def inbox_empty(told: Told | None = None) -> Counter[str]:
    """Store everything that waits; an object leaves the inbox only when that is done.

    A process killed between the two stores it again at the next start, which changes nothing.
    """
    waiting = inbox()
    counts: Counter[str] = Counter()
    for path in waiting.waiting():
        done = ingest_file(path)
        waiting.done(path)
        counts[done.outcome] += 1
        if told:
            told(done)
    return counts
