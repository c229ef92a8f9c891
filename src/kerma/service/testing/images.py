"""Writes to a survey's images: attach, analyse, correct, remove."""

from __future__ import annotations

import tempfile
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

from django.db import transaction
from django.utils import timezone

from kerma.core import Image, InputError, KermaError
from kerma.dicom.pixels import read_images
from kerma.imaging.registry import find
from kerma.protocols import AnalysisSpec, analysis_parameters
from kerma.protocols.parameters import reading_named
from kerma.service.people.entitlement import demand
from kerma.service.people.models import Person
from kerma.service.records import log, store
from kerma.service.testing.evaluation import inputs_of, live_readings, protocol_of
from kerma.service.testing.models import ImageAnalysis, Survey, SurveyImage
from kerma.service.testing.services import _open_for_entry, authority_context, work_of

DICOM = "application/dicom"


def images_of(survey: Survey, slot: str) -> list[Image]:
    """Read a slot's images back from what is stored, in order."""
    rows = survey.images.filter(slot=slot, removed_at=None).select_related("attachment")
    return _read([(row.attachment.name, store.read(row.attachment)) for row in rows])


def _read(files: Sequence[tuple[str, bytes]]) -> list[Image]:
    with tempfile.TemporaryDirectory() as folder:
        paths = []
        for i, (name, content) in enumerate(files):
            path = Path(folder) / f"{i:04d}-{Path(name).name}"
            path.write_bytes(content)
            paths.append(path)
        return read_images(paths) if paths else []


@transaction.atomic
def images_attach(
    *, by: Person, survey: Survey, slot: str, files: Sequence[tuple[str, bytes]]
) -> list[ImageAnalysis]:
    """Attach images to a slot of the protocol and make the slot's measurements.

    The files are read first: an object that is not an image, or is cut short, is refused and
    nothing is attached. A measurement that refuses its images is recorded with the reason.

    Raises
    ------
    InputError, UnsupportedError
        A file cannot be used; the message names it.
    """
    survey = _open_for_entry(survey)
    spec = protocol_of(survey).image(slot)
    demand(
        "perform", by=by, work=work_of(survey), subject=log.subject_of(survey),
        **authority_context(survey),
    )  # fmt: skip
    if not files:
        raise InputError("No file was chosen.", code="blank")
    _read(files)
    rows = []
    for name, content in files:
        attachment = store.keep(by=by, content=content, name=name, media_type=DICOM)
        if survey.images.filter(slot=slot, attachment=attachment, removed_at=None).exists():
            continue
        rows.append(
            SurveyImage.objects.create(
                survey=survey, slot=slot, attachment=attachment, added_at=timezone.now(),
                added_by=by,
            )  # fmt: skip
        )
    if rows:
        log.append(
            actor=by,
            kind="images.attached",
            subject=survey,
            text=f"{spec.title}: {len(rows)} image{'s' if len(rows) > 1 else ''} attached",
            seals=rows,
        )
    return [analyse(by=by, survey=survey, slot=slot, spec=a) for a in spec.analyses]


@transaction.atomic
def images_remove(*, by: Person, survey: Survey, slot: str, reason: str) -> None:
    """Take a slot's images out of the survey, with a reason; they stay in the record."""
    survey = _open_for_entry(survey)
    if not reason.strip():
        raise InputError("Say why the images are removed.", code="blank")
    survey.images.filter(slot=slot, removed_at=None).update(
        removed_at=timezone.now(), removed_reason=reason.strip()
    )
    log.append(
        actor=by, kind="images.removed", subject=survey, text=f"{slot}: images removed, {reason}"
    )


@transaction.atomic
def analyse(
    *,
    by: Person,
    survey: Survey,
    slot: str,
    spec: AnalysisSpec,
    overrides: Mapping[str, Any] | None = None,
    reason: str = "",
) -> ImageAnalysis:
    """Make one measurement on a slot's images and record it.

    With `overrides` (a corrected centre, angle, slice or region) the record is a new version that
    names the one it replaces and the reason; the automatic result is kept.
    """
    if overrides and not reason.strip():
        raise InputError("Say why the automatic measurement is corrected.", code="blank")
    before = survey.analyses.filter(slot=slot, analysis=spec.id, replaced_by=None).first()
    status, message, record = "failed", "", {}
    try:
        inputs = inputs_of(survey, live_readings(survey))
        parameters = analysis_parameters(protocol_of(survey), spec, inputs)
        images = images_of(survey, slot)
        made = find(spec.analysis).run(images, **{**parameters, **(overrides or {})})
        status, message, record = made.status, made.reason, made.as_dict()
    except KermaError as error:
        status, message, record = "refused", error.message, {"error": error.as_dict()}
    row = ImageAnalysis.objects.create(
        survey=survey,
        slot=slot,
        analysis=spec.id,
        name=spec.analysis,
        status=status,
        message=message[:600],
        record=record,
        at=timezone.now(),
        by=by,
        reason=reason.strip(),
        replaces=before,
    )
    log.append(
        actor=by,
        kind="analysis.made",
        subject=survey,
        text=f"{spec.analysis}: {status}{', ' + message if message else ''}",
        seals=[row],
    )
    return row


def analyse_again(*, by: Person, survey: Survey, readings: Collection[str]) -> None:
    """Repeat the measurements that use readings which have changed (air kermas of flat fields)."""
    for row in survey.analyses.filter(replaced_by=None):
        spec = protocol_of(survey).analysis(row.analysis)
        named = [reading_named(value) for value in spec.parameters.values()]
        if any(n and n[0] in readings for n in named):
            analyse(by=by, survey=survey, slot=row.slot, spec=spec)
