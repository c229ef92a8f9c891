"""Writes of sources: name them, fetch from them; what comes goes through the inbox."""

from __future__ import annotations

from collections import Counter
from datetime import date, timedelta
from typing import Any

from django.db import transaction
from django.utils import timezone

from kerma.core import InputError, KermaError
from kerma.dicom.net.orthanc import Orthanc
from kerma.dicom.net.retrieve import Pacs, Wanted, fetch, series_of
from kerma.service.config.home import secret_of
from kerma.service.doses.inbox import inbox, inbox_empty
from kerma.service.doses.models import Fetch, Source
from kerma.service.people.entitlement import demand
from kerma.service.people.models import Person
from kerma.service.records import log

# Without a first fetch to go on from, so many days are asked for. Design choice.
_FIRST_DAYS = 7
_NEEDS = {"pacs": ("host", "port", "title"), "orthanc": ("url",)}


@transaction.atomic
def source_add(*, by: Person, name: str, kind: str, **settings: Any) -> Source:
    """Name a source.

    A password is never in the database: an administrator puts it into ``secrets/source-ID`` of the
    data folder.

    Raises
    ------
    InputError
        ``blank``; ``bad-kind``; ``name-taken``.
    """
    demand("configure", by=by, work="doses", subject="doses:sources")
    if kind not in _NEEDS:
        raise InputError("A source is a PACS or an Orthanc.", code="bad-kind")
    missing = [key for key in _NEEDS[kind] if not settings.get(key)]
    if missing or not name.strip():
        raise InputError(f"Give {' and '.join(missing) or 'a name'}.", code="blank")
    if Source.objects.filter(name=name.strip()).exists():
        raise InputError(f"There is a source “{name}” already.", code="name-taken")
    settings.pop("password", None)
    source = Source.objects.create(
        name=name.strip()[:80], kind=kind, settings=settings, added_by=by,
        added_at=timezone.now(),
    )  # fmt: skip
    log.append(actor=by, kind="source.added", subject=source, text=f"Source added: {source}")
    return source


def source_fetch(
    *, source: Source, by: Person | None = None, since: date | None = None,
    until: date | None = None, dry: bool = False,
) -> Fetch:  # fmt: skip
    """Fetch what is new; the outcome is kept, trouble included. `dry` only counts.

    Raises
    ------
    NotEntitled
        A person asks who may not.
    """
    if by is not None:
        demand("ingest", by=by, work="doses", subject=log.subject_of(source))
    made = Fetch.objects.create(source=source, began_at=timezone.now(), by=by)
    try:
        if source.kind == "orthanc":
            _from_orthanc(source, made, dry=dry)
        else:
            _from_pacs(source, made, since, until, dry=dry)
    except KermaError as error:
        made.trouble = error.message[:600]
    made.ended_at = timezone.now()
    made.save()
    log.append(
        actor=by, kind="source.fetched", subject=source,
        text=f"{source}: {made.found} found, {_told(made)}",
    )  # fmt: skip
    return made


def _told(made: Fetch) -> str:
    counted = ", ".join(f"{n} {name}" for name, n in made.counts.items())
    return made.trouble or counted or "nothing new"


def _last(source: Source) -> Fetch | None:
    return source.fetches.exclude(ended_at=None).filter(trouble="").exclude(query={}).first()


def _from_pacs(
    source: Source, made: Fetch, since: date | None, until: date | None, *, dry: bool
) -> None:
    asked = source.settings
    last = _last(source)
    # The day of the last fetch is asked for again: it was not over.
    begin = since or (date.fromisoformat(last.query["until"]) if last else None)
    until = until or timezone.localdate()
    begin = begin or until - timedelta(days=_FIRST_DAYS)
    pacs = Pacs(asked["host"], int(asked["port"]), asked["title"],
                asked.get("own_title") or "KERMA", asked.get("move_to") or "")  # fmt: skip
    wanted = Wanted(begin, until, tuple(asked.get("modalities") or ()),
                    asked.get("description") or "", tuple(asked.get("stations") or ()))  # fmt: skip
    series = series_of(pacs, wanted)
    made.found = len(series)
    if dry:
        made.counts = {"series": len(series)}
        return
    done = fetch(pacs, series, inbox())
    counts = Counter({"series": done.series, "failed": done.failed}) + Counter(inbox_empty())
    made.counts = dict(counts)
    if not done.failed:
        made.query = {"since": str(begin), "until": str(until)}
    else:
        made.trouble = "; ".join(done.notes)[:600]


def _from_orthanc(source: Source, made: Fetch, *, dry: bool) -> None:
    asked = source.settings
    held = Orthanc(
        asked["url"], asked.get("user") or "", secret_of(f"source-{source.pk}"),
        tuple(asked.get("modalities") or ()),
    )  # fmt: skip
    last = _last(source)
    mark = int(last.query["seq"]) if last else 0
    box = inbox()
    counts: Counter[str] = Counter()
    for seq, instance in held.changes(mark):
        if instance is not None and held.wanted(instance):
            made.found += 1
            if not dry:
                box.put(held.content(instance))
        mark = seq
    if not dry:
        counts += Counter(inbox_empty())
        made.query = {"seq": mark}
    made.counts = dict(counts)
