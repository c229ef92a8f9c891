"""Writes of shielding designs: open one, save its drawing, keep a version."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django.db import transaction
from django.utils import timezone

from kerma import __version__
from kerma.core import InputError, IntegrityError, content_hash
from kerma.service.estate.models import Room, Site
from kerma.service.people.entitlement import demand
from kerma.service.people.models import Person
from kerma.service.protection.models import Design, DesignVersion, Drawing
from kerma.service.protection.shielding import drawing, working
from kerma.service.records import log
from kerma.service.records.sealing import settled

WORK = "shielding"


def entitled(by: Person, design: Design, act: str = "perform") -> None:
    """Refuse who may not work on a design of this employer.

    Raises
    ------
    NotEntitled
        See `demand`.
    """
    demand(act, by=by, work=WORK, subject=log.subject_of(design),
           employer=design.employer.key, employer_name=design.employer.name)  # fmt: skip


def require_whole(version: DesignVersion) -> None:
    """Refuse a version that is not what was kept.

    Raises
    ------
    IntegrityError
        ``version-changed``.
    """
    kept = (version.document_sha256, version.assessment_sha256)
    if (content_hash(version.document), content_hash(version.assessment)) != kept:
        raise IntegrityError(
            "The stored version is not what was kept. Do not use it; have the administrator run "
            "“kerma verify”.",
            code="version-changed",
        )


@transaction.atomic
def design_open(
    *,
    by: Person,
    site: Site,
    title: str,
    about: str,
    method: str,
    height_m: float,
    rooms: Sequence[Room] = (),
) -> Design:
    """Open a design with an empty drawing of one storey, so high from its floor to the slab above.

    Raises
    ------
    NotEntitled
        The person may not design shielding.
    InputError
        ``blank``; ``other-site``: a room of another site; ``bad-plan``: no such method.
    """
    demand("perform", by=by, work=WORK, subject="protection:designs", employer=site.employer.key,
           employer_name=site.employer.name)  # fmt: skip
    if not title.strip():
        raise InputError("Give the design a title.", code="blank")
    if any(room.site_id != site.pk for room in rooms):
        raise InputError("A room of another site cannot be in this design.", code="other-site")
    now = timezone.now()
    design = Design.objects.create(
        employer=site.employer, site=site, title=title.strip(), about=about.strip(),
        opened_at=now, opened_by=by,
    )  # fmt: skip
    design.rooms.set(rooms)
    Drawing.objects.create(
        design=design, document=drawing.begun(method, height_m).as_dict(), saved_at=now, saved_by=by
    )
    log.append(actor=by, kind="design.opened", subject=design,
               text=f"{by.name} opened the shielding design {design}"[:400],
               seals=[design])  # fmt: skip
    return design


@transaction.atomic
def drawing_save(
    *, by: Person, design: Design, document: Mapping[str, Any], revision: int
) -> Drawing:
    """Save a drawing as it stands, finished or not.

    Parameters
    ----------
    by, design, document
        Who saves what; see `drawing.read`.
    revision
        Of the drawing the change was made on; another person's save in between is not lost.

    Raises
    ------
    NotEntitled
        The person may not design shielding here.
    InputError
        ``bad-plan``: it cannot be understood. What was saved before stays.
    IntegrityError
        ``drawing-changed``: somebody saved in the meantime.
    """
    entitled(by, design)
    sheet = drawing.read(document)
    _require_own(design, sheet)
    held = Drawing.objects.select_for_update().get(design=design)
    if held.revision != revision:
        raise IntegrityError(
            f"{held.saved_by.name} saved this drawing while you drew. Yours is still on your "
            "screen: open the saved one in another window and compare before you go on.",
            code="drawing-changed",
            detail={"revision": held.revision},
        )
    held.document = settled(sheet.as_dict())
    held.revision += 1
    held.saved_at, held.saved_by = timezone.now(), by
    held.save()
    return held


def _require_own(design: Design, sheet: drawing.Sheet) -> None:
    """Pictures under a drawing are the design's own; another employer's are not to be seen."""
    used = {laid.underlay for laid in sheet.underlays}
    own = set(design.underlays.filter(pk__in=used).values_list("pk", flat=True))
    if used - own:
        raise InputError("A picture of another design lies under this one.", code="bad-plan")


def version_keep(*, by: Person, design: Design, note: str) -> DesignVersion:
    """Keep the drawing as it stands, with everything worked out from it.

    Raises
    ------
    NotEntitled
        The person may not design shielding here.
    InputError
        ``blank``; ``not-finished``: something keeps the drawing from being assessed.
    IntegrityError
        ``drawing-changed``: somebody saved while it was worked out.
    """
    entitled(by, design)
    if not note.strip():
        raise InputError("Say why this version is kept.", code="blank")
    # Worked out before anything is locked: a large plan takes seconds, and nobody else waits.
    held = Drawing.objects.get(design=design)
    found = working.worked(drawing.read(held.document))
    if found.blocking:
        raise InputError(
            f"The drawing cannot be assessed yet: {found.blocking[0].message}"
            + (f" ({len(found.blocking) - 1} more)" if len(found.blocking) > 1 else ""),
            code="not-finished",
        )
    document, assessment = settled(held.document), settled(found.assessment)
    with transaction.atomic():
        now = Drawing.objects.select_for_update().get(design=design)
        if now.revision != held.revision:
            raise IntegrityError(
                f"{now.saved_by.name} saved this drawing while it was worked out. Look at it, then "
                "keep it.",
                code="drawing-changed",
            )
        return _version(by, design, document, assessment, note.strip())


def _version(
    by: Person, design: Design, document: Any, assessment: Any, note: str
) -> DesignVersion:
    latest = design.versions.first()
    version = DesignVersion(
        design=design, number=(latest.number if latest else 0) + 1,
        document=document, document_sha256=content_hash(document),
        assessment=assessment, assessment_sha256=content_hash(assessment),
        software=f"Kerma {__version__}", note=note, at=timezone.now(), by=by,
    )  # fmt: skip
    version.save()
    log.append(actor=by, kind="design.kept", subject=design,
               text=f"{by.name} kept version {version.number}: {version.note}"[:400],
               seals=[version])  # fmt: skip
    return version
