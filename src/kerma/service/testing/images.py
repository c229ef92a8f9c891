"""Writes to a survey's images: attach, analyse, correct, remove."""

from __future__ import annotations

import io
import tempfile
import zipfile
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

from django.db import transaction
from django.utils import timezone

from kerma import imaging
from kerma.core import Analysis, Image, InputError, KermaError
from kerma.dicom.pixels import read_images
from kerma.protocols import AnalysisSpec, ImageSpec, analysis_parameters
from kerma.protocols.parameters import reading_named
from kerma.service.people.models import Person
from kerma.service.records import log, store
from kerma.service.testing.evaluation import inputs_of, live_readings
from kerma.service.testing.guard import changed, said, writable
from kerma.service.testing.models import ImageAnalysis, Survey, SurveyImage
from kerma.service.testing.protocol_text import protocol_of

DICOM = "application/dicom"
_LONGEST_NAME = 60
# Design choices: a whole CT series of a phantom is about 250 MB, and does not pack much smaller.
_MOST_BYTES = 512 * 2**20
_MOST_UNPACKED = 4 * _MOST_BYTES


def images_of(survey: Survey, slot: str) -> list[Image]:
    """Read a slot's images back from what is stored, in order."""
    rows = survey.images.filter(slot=slot, removed_at=None).select_related("attachment")
    return _read([(row.attachment.name, store.read(row.attachment)) for row in rows])


def refuse_large(total: int, most: int = _MOST_BYTES) -> None:
    """Refuse more bytes than any slot needs, packed or unpacked.

    Raises
    ------
    InputError
        Code ``too-large``.
    """
    if total > most:
        raise InputError(
            f"These files hold {total / 2**20:.0f} MB; a slot takes {most // 2**20} MB. Attach "
            "what this slot asks for, without other series.",
            code="too-large",
        )


def _unpacked(content: bytes) -> int:
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            return sum(member.file_size for member in archive.infolist())
    except (zipfile.BadZipFile, NotImplementedError, ValueError):
        return len(content)  # not an archive, or one the reader refuses with its own words


def _read(files: Sequence[tuple[str, bytes]]) -> list[Image]:
    packed = [content for _, content in files if content[:2] == b"PK"]
    refuse_large(sum(map(_unpacked, packed)), _MOST_UNPACKED)
    with tempfile.TemporaryDirectory() as folder:
        paths = []
        for i, (name, content) in enumerate(files):
            # File systems count bytes: 60 characters of any script fit.
            path = Path(folder) / f"{i:04d}-{Path(name).name[-_LONGEST_NAME:]}"
            path.write_bytes(content)
            paths.append(path)
        return read_images(paths) if paths else []


def _refuse_without_image(file: tuple[str, bytes]) -> None:
    try:
        _read([file])
    except InputError as error:
        if error.code == "no-images":
            error.message = f"{file[0]}: {error.message}"
        raise


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
    survey = writable(survey, by=by)
    spec = protocol_of(survey).image(slot)
    if not files:
        raise InputError("No file was chosen.", code="blank")
    if spec.count == 0:
        raise InputError(
            f"“{spec.title}” is worked out from readings; it takes no image.", code="no-image"
        )
    refuse_large(sum(len(content) for _, content in files))
    for file in files:
        _refuse_without_image(file)
    images = _read(files)
    _refuse_clinical(spec, images)
    stranger = _stranger(survey, images)
    rows = []
    for name, content in files:
        attachment = store.keep(by=by, content=content, name=name, media_type=DICOM)
        if survey.images.filter(slot=slot, attachment=attachment, removed_at=None).exists():
            continue
        rows.append(
            SurveyImage.objects.create(
                survey=survey,
                slot=slot,
                attachment=attachment,
                added_at=timezone.now(),
                added_by=by,
            )
        )
    count = "1 image" if len(rows) == 1 else f"{len(rows)} images"
    if rows:
        log.append(
            actor=by,
            kind="images.attached",
            subject=survey,
            text=f"{spec.title}: {count} attached. {stranger}".strip(),
            seals=rows,
        )
    return [_analyse(survey, by, slot, a) for a in spec.analyses]


def _refuse_clinical(spec: ImageSpec, images: Sequence[Image]) -> None:
    """Keep a patient's image out of the store: it must not be kept in order to be refused.

    Raises
    ------
    InputError
        Code ``clinical-looking``.
    """
    for analysis in spec.analyses:
        try:
            imaging.analyse(analysis.analysis, images)
        except KermaError as error:
            if error.code == "clinical-looking":
                raise


def _stranger(survey: Survey, images: Sequence[Image]) -> str:
    """Say when images name another device than the survey's system; empty when none does."""
    system = survey.system
    known = {system.serial, *system.components.values_list("serial", flat=True)}
    known |= set(system.dicom_identities.values_list("serial", flat=True))
    named = {str(i.facts.get("DeviceSerialNumber") or "") for i in images} - {""}
    strange = sorted(named - known)
    if not strange:
        return ""
    return f"They name the device {', '.join(strange)}, which is not a serial of {system}."


def stranger_of(survey: Survey, slot: str) -> str:
    """Return `_stranger` for what a slot holds."""
    return _stranger(survey, images_of(survey, slot))


@transaction.atomic
def images_remove(*, by: Person, survey: Survey, slot: str, reason: str) -> None:
    """Take a slot's images out of the survey, with a reason; they stay in the record."""
    survey = writable(survey, by=by)
    said_why = said(reason, 200, "Say why the images are removed.")
    removed = changed(
        survey.images.filter(slot=slot, removed_at=None),
        removed_at=timezone.now(),
        removed_reason=said_why,
    )
    if not removed:
        raise InputError("There is no image here to remove.", code="no-image")
    log.append(
        actor=by, kind="images.removed", subject=survey,
        text=f"{slot}: images removed, {said_why}", seals=removed,
    )  # fmt: skip


@transaction.atomic
def analysis_correct(
    *, by: Person, analysis: ImageAnalysis, overrides: Mapping[str, Any], reason: str
) -> ImageAnalysis:
    """Measure again with values given by a person (centre, angle, slice, region).

    The record is a new version that names the one it replaces and the reason; the automatic
    result is kept. Values the measurement cannot use are refused and nothing is recorded.
    """
    survey = writable(analysis.survey, by=by)
    why = said(reason, 400, "Say why the automatic measurement is corrected.")
    if not overrides:
        raise InputError("Give what is to be corrected, as name = value.", code="blank")
    if ImageAnalysis.objects.filter(replaces=analysis).exists():
        raise InputError("This measurement has been corrected meanwhile.", code="replaced")
    spec = protocol_of(survey).analysis(analysis.analysis)
    made = _measured(survey, analysis.slot, spec, overrides)
    return _kept(survey, by, analysis.slot, spec, made, reason=why)


def _measured(
    survey: Survey, slot: str, spec: AnalysisSpec, overrides: Mapping[str, Any]
) -> Analysis:
    if "images" in overrides:
        raise InputError("“images” is not a parameter of a measurement.", code="unknown-parameter")
    inputs = inputs_of(survey, live_readings(survey))
    parameters = analysis_parameters(protocol_of(survey), spec, inputs)
    return imaging.analyse(spec.analysis, images_of(survey, slot), **{**parameters, **overrides})


def _analyse(survey: Survey, by: Person, slot: str, spec: AnalysisSpec) -> ImageAnalysis:
    """Make one measurement on a slot's images; one that refuses them is recorded as refused."""
    try:
        made: Analysis | KermaError = _measured(survey, slot, spec, {})
    except KermaError as error:
        made = error
    return _kept(survey, by, slot, spec, made)


def _kept(
    survey: Survey,
    by: Person,
    slot: str,
    spec: AnalysisSpec,
    made: Analysis | KermaError,
    *,
    reason: str = "",
) -> ImageAnalysis:
    if isinstance(made, KermaError):
        name, status, message = spec.analysis, "refused", made.message
        record: dict[str, Any] = {"error": made.as_dict()}
    else:
        # Of a phantom that named itself, the name it gave.
        name, status, message, record = made.name, made.status, made.reason, made.as_dict()
    row = ImageAnalysis.objects.create(
        survey=survey,
        slot=slot,
        analysis=spec.id,
        name=name,
        status=status,
        message=message[:600],
        record=record,
        at=timezone.now(),
        by=by,
        reason=reason,
        replaces=survey.analyses.filter(slot=slot, analysis=spec.id, replaced_by=None).first(),
    )
    log.append(
        actor=by,
        kind="analysis.made",
        subject=survey,
        text=f"{name}: {status}{', ' + message if message else ''}",
        seals=[row],
    )
    return row


def analyse_again(*, by: Person, survey: Survey, readings: Collection[str]) -> None:
    """Repeat the measurements that use readings which have changed (air kermas of flat fields).

    A measurement of readings alone (luminances, BMD series) is made here the first time too, as
    soon as all its readings are there.
    """
    made = {row.analysis for row in survey.analyses.filter(replaced_by=None)}
    for slot in protocol_of(survey).images:
        for spec in slot.analyses:
            named = [reading_named(value) for value in spec.parameters.values()]
            if not any(n and n[0] in readings for n in named):
                continue
            if spec.id in made or (slot.count == 0 and _complete(survey, spec)):
                _analyse(survey, by, slot.id, spec)


def _complete(survey: Survey, spec: AnalysisSpec) -> bool:
    try:
        analysis_parameters(protocol_of(survey), spec, inputs_of(survey, live_readings(survey)))
    except InputError as error:
        if error.code != "missing-reading":
            raise
        return False
    return True
