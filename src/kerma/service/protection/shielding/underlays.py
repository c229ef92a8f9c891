"""Keeping a drawing of the architect's, to draw a plan over."""

from __future__ import annotations

from pathlib import PurePath

from django.db import transaction
from django.utils import timezone

from kerma.core import InputError
from kerma.service.people.entitlement import demand
from kerma.service.people.models import Person
from kerma.service.protection.models import Design, Underlay
from kerma.service.protection.shielding.underlay_files import apart
from kerma.service.records import log, store

# Underlays of one design: storeys and their revisions. Design choice.
MOST = 60


def underlay_add(
    *, by: Person, design: Design, content: bytes, name: str, page: int = 1
) -> Underlay:
    """Keep a drawing as it was sent and as it is shown.

    Parameters
    ----------
    by, design
        Who adds it to which design.
    content, name
        The file: PNG, JPEG, TIFF, PDF or ASCII DXF, known by its content.
    page
        Of a PDF or a TIFF of several pages, from 1.

    Raises
    ------
    NotEntitled
        The person may not work on shielding designs.
    InputError
        Those of `underlay_files.apart.read`, and ``too-many``.
    """
    employer = design.employer
    demand("perform", by=by, work="shielding", subject=log.subject_of(design),
           employer=employer.key, employer_name=employer.name)  # fmt: skip
    if design.underlays.count() >= MOST:
        raise InputError(f"This design has {MOST} drawings beneath it already.", code="too-many")
    # Outside the transaction: reading may take a minute, and writers wait for one another.
    drawn = apart.read(content, page)
    plain = PurePath(name.replace("\\", "/")).name or "drawing"
    several = f", page {page}" if drawn.pages > 1 else ""
    with transaction.atomic():
        original = store.keep(by=by, content=content, name=plain, media_type=drawn.media_type)
        picture = store.keep(
            by=by, content=drawn.png, media_type="image/png",
            name=f"{PurePath(plain).stem}{several}.png",
        )  # fmt: skip
        row = Underlay(
            design=design, original=original, picture=picture, page=page,
            width=drawn.width, height=drawn.height, metres_per_pixel=drawn.metres_per_pixel,
            lines=[list(line) for line in drawn.lines], at=timezone.now(), by=by,
        )  # fmt: skip
        row.save()
        log.append(
            actor=by, kind="shielding.underlay", subject=design, seals=[row],
            text=f"Drawing “{plain}”{several} put beneath {design}",
            data={"original": original.sha256, "picture": picture.sha256},
        )  # fmt: skip
    return row
