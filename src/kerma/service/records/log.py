"""The event log: append-only, each entry carrying the keyed hash of the one before it.

The key lives beside the database (``secrets/log``), so someone who can write to the database
alone cannot forge a chain; so does the newest entry (``secrets/log-head``), so that they cannot
cut its end off unnoticed either.
"""

from __future__ import annotations

import hmac
import os
import threading
from collections.abc import Iterable, Iterator
from datetime import UTC
from functools import cache, partial
from pathlib import Path
from typing import Any

from django.db import connection, models, transaction
from django.utils import timezone

from kerma.core.provenance import canonical
from kerma.service.config.home import secret
from kerma.service.people.models import Person
from kerma.service.records.models import Event
from kerma.service.records.sealing import seal, settled

GENESIS = "0" * 64
_LOCK = 0x6B65726D61  # any constant; one chain, one lock


@cache
def _key(_home: str) -> bytes:
    return bytes.fromhex(secret("log"))


def _digest(event: Event) -> str:
    from django.conf import settings

    content = {
        "at": event.at.astimezone(UTC).isoformat(timespec="microseconds"),
        "actor": event.actor_id,
        "kind": event.kind,
        "subject": event.subject,
        "text": event.text,
        "data": event.data,
        "previous": event.previous,
    }
    return hmac.new(_key(str(settings.HOME)), canonical(content), "sha256").hexdigest()


def subject_of(row: models.Model) -> str:
    """Return how the log names a row: ``survey:12``."""
    return f"{row._meta.model_name}:{row.pk}"


def append(
    *,
    actor: Person | None,
    kind: str,
    subject: models.Model | str,
    text: str,
    data: dict[str, Any] | None = None,
    seals: Iterable[models.Model] = (),
) -> Event:
    """Add an entry to the log, sealing the rows given; call it inside the act's transaction."""
    name = subject if isinstance(subject, str) else subject_of(subject)
    body = settled(data or {})
    sealed = [seal(row) for row in seals]
    if sealed:
        body["sealed"] = sealed
    with transaction.atomic():
        one_at_a_time()
        last = Event.objects.order_by("-id").values_list("digest", flat=True).first()
        event = Event(
            at=timezone.now(),
            actor=actor,
            kind=kind,
            subject=name[:80],
            text=text[:400],
            data=body,
            previous=last or GENESIS,
        )
        event.digest = _digest(event)
        event.save()
        transaction.on_commit(partial(_remember, event.pk, event.digest), robust=True)
    return event


def one_at_a_time() -> None:
    """Make other writers of numbered things wait until this transaction ends.

    SQLite's transactions wait for one another from their beginning; PostgreSQL's do not.
    """
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_LOCK])


def head_file() -> Path:
    """Return where the newest entry is kept, beside the key and outside the database."""
    from django.conf import settings

    return Path(settings.HOME) / "secrets" / "log-head"


def _head() -> tuple[int, str]:
    try:
        entry, _, digest = head_file().read_text("ascii").partition(" ")
        return int(entry), digest.strip()
    except (FileNotFoundError, ValueError):
        return 0, ""


def _remember(entry: int, digest: str) -> None:
    """Note the newest entry once it is committed; a process killed before leaves an older one."""
    if _head()[0] >= entry:
        return
    path = head_file()
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    own = path.with_name(f".log-head-{os.getpid()}-{threading.get_ident()}")
    own.write_text(f"{entry} {digest}", "ascii")
    own.replace(path)


def cut_short() -> str:
    """Say which entry the log once ended with and no longer holds; empty when it holds it."""
    entry, digest = _head()
    if not entry or Event.objects.filter(pk=entry, digest=digest).exists():
        return ""
    return (
        f"The log once reached entry {entry}, which is gone: entries were removed from its end, or "
        "an older copy of the database was put back. Restore the newer one; if the older is meant, "
        f"restore {head_file().name} of the same day with it."
    )


def broken_links() -> Iterator[tuple[Event, str]]:
    """Yield each entry that does not fit the chain, with what is wrong."""
    previous = GENESIS
    for event in Event.objects.order_by("id").iterator(chunk_size=2000):
        if event.previous != previous:
            yield event, "an entry before it was changed, removed or inserted"
        if event.digest != _digest(event):
            yield event, "its content was changed after it was written"
        previous = event.digest
