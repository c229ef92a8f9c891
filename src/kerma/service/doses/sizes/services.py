"""Writes of patient sizes: matched to examinations, kept as corrections that stand."""

from __future__ import annotations

import hashlib

from django.db import transaction
from django.utils import timezone

from kerma.core import InputError
from kerma.service.doses import edits
from kerma.service.doses.identity import pseudonym
from kerma.service.doses.models import SizeImport, Study
from kerma.service.doses.sizes.reading import Size, read
from kerma.service.estate.models import Employer
from kerma.service.people.entitlement import demand
from kerma.service.people.models import Person
from kerma.service.records import log

_MOST_SHOWN = 200


@transaction.atomic
def sizes_take(
    *, content: bytes, name: str, by: Person | None = None, overwrite: bool = False
) -> SizeImport:
    """Take heights and masses over into the examinations they belong to.

    A size already there stays unless `overwrite`; the same file twice changes nothing. Rows that
    match no examination, or hold what is no size, are listed with the reason.

    Raises
    ------
    InputError
        Those of `kerma.service.doses.sizes.reading.read`.
    """
    if by is not None:
        demand("ingest", by=by, work="doses", subject="doses:sizes")
    sizes = read(content)
    digest = hashlib.sha256(content).hexdigest()
    employers = list(Employer.objects.values_list("key", flat=True))
    matched, refused = 0, []
    for size in sizes:
        why = size.trouble or _take(size, employers, by=by, name=name, overwrite=overwrite)
        if why:
            refused.append({"row": size.line, "why": why})
        else:
            matched += 1
    made = SizeImport.objects.create(
        name=name[:200], sha256=digest, at=timezone.now(), by=by, rows=len(sizes),
        matched=matched, refused=refused[:_MOST_SHOWN],
    )  # fmt: skip
    log.append(
        actor=by, kind="doses.sizes", subject=made,
        text=f"Patient sizes from {made.name}: {matched} of {len(sizes)} taken over",
    )  # fmt: skip
    return made


def _take(
    size: Size, employers: list[str], *, by: Person | None, name: str, overwrite: bool
) -> str:
    """Take one row over; returns why not."""
    if size.height_m is None and size.mass_kg is None:
        return "neither a height nor a mass"
    study = _study(size, employers)
    if study is None:
        return "no examination of this number is stored"
    for field, value in (("height_m", size.height_m), ("mass_kg", size.mass_kg)):
        held = getattr(study, field)
        if value is None or held == value or (held is not None and not overwrite):
            continue
        try:
            edits.study_correct(by=None, study=study, field=field, value=f"{value:.6g}",
                                reason=f"From {name}"[:300])  # fmt: skip
        except InputError as error:
            return error.message
    return ""


def _study(size: Size, employers: list[str]) -> Study | None:
    """Find the examination; an accession number is only ever compared as its keyed hash."""
    if size.study_uid:
        return Study.objects.filter(study_uid=size.study_uid).first()
    if not size.accession:
        return None
    keys = [pseudonym(e, size.accession) for e in ("", *employers)]
    found = list(Study.objects.filter(accession_key__in=keys).defer("record")[:2])
    return found[0] if len(found) == 1 else None
