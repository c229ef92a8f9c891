"""The event log: append-only, each entry carrying the keyed hash of the one before it.

The key lives beside the database (``secrets/log``), so someone who can write to the database
alone cannot forge a chain.
"""

from __future__ import annotations

import hmac
from collections.abc import Iterable, Iterator
from datetime import UTC
from functools import cache
from typing import Any

from django.db import connection, models, transaction
from django.utils import timezone

from kerma.core.provenance import canonical
from kerma.service.config.home import secret
from kerma.service.people.models import Person
from kerma.service.records.models import Event
from kerma.service.records.sealing import seal

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
    body = dict(data or {})
    sealed = [seal(row) for row in seals]
    if sealed:
        body["sealed"] = sealed
    with transaction.atomic():
        if connection.vendor == "postgresql":
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_LOCK])
        last = Event.objects.order_by("-id").values_list("digest", flat=True).first()
        event = Event(
            at=timezone.now(),
            actor=actor,
            kind=kind,
            subject=name,
            text=text[:400],
            data=body,
            previous=last or GENESIS,
        )
        event.digest = _digest(event)
        event.save()
    return event


def broken_links() -> Iterator[tuple[Event, str]]:
    """Yield each entry that does not fit the chain, with what is wrong."""
    previous = GENESIS
    for event in Event.objects.order_by("id").iterator(chunk_size=2000):
        if event.previous != previous:
            yield event, "an entry before it was changed, removed or inserted"
        if event.digest != _digest(event):
            yield event, "its content was changed after it was written"
        previous = event.digest
