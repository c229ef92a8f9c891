"""Any dose-bearing object to a `StudyRecord`."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path

import pydicom

from kerma.core import InputError, UnsupportedError
from kerma.dicom.dose import image, philips, report
from kerma.dicom.dose.envelope import MAX_REPORT_BYTES, Envelope, open_envelope, too_large
from kerma.dicom.dose.records import StudyRecord
from kerma.dicom.dose.source import Engine, tree_of
from kerma.dicom.dose.tags import tag
from kerma.dicom.dose.text import decoded
from kerma.dicom.dose.walker import Walker
from kerma.dicom.guard import damaged_file
from kerma.dicom.sources import MAX_OBJECT_BYTES

_SOP_CLASS = tag(0x0008, 0x0016)
_STRUCTURED_REPORTS = "1.2.840.10008.5.1.4.1.1.88."


def read_report(source: Path | bytes, *, engine: Engine = "fast") -> StudyRecord:
    """Read the dose of one DICOM object.

    Taken are X-Ray Radiation Dose SR and Radiopharmaceutical Radiation Dose SR, other structured
    reports whose title is a dose report, images whose header states dose or exposure (DX, CR, MG,
    PX, IO, XA, RF), and Philips CT “Dose Info” secondary captures.

    Parameters
    ----------
    source
        A file, or its bytes.
    engine
        See `kerma.dicom.dose.source.read_tree`; both engines give the same record.

    Raises
    ------
    InputError
        Codes ``no-such-file``, ``not-dicom``, ``broken-dicom``, ``no-study``, ``file-too-large``.
    UnsupportedError
        Codes ``not-a-dose-report``, ``no-dose``, ``transfer-syntax``.
    """
    data, name = _bytes(source)
    envelope = open_envelope(data, name)
    sop_class = _sop_class(envelope, name)
    if sop_class.startswith(_STRUCTURED_REPORTS):
        if len(data) > MAX_REPORT_BYTES:
            raise too_large(name)
        return report.study_of(tree_of(envelope, name, engine), data, name)
    del envelope
    with damaged_file(name):
        dataset = pydicom.dcmread(BytesIO(data), force=True, stop_before_pixels=True)
        if sop_class == philips.SECONDARY_CAPTURE:
            return philips.study_of(dataset, data, name)
        return image.study_of(dataset, data, name)


def _bytes(source: Path | bytes) -> tuple[bytes, str]:
    if isinstance(source, bytes):
        return source, "The object"
    path = Path(source)
    try:
        if path.stat().st_size > MAX_OBJECT_BYTES:
            raise too_large(path.name)
        return path.read_bytes(), path.name
    except OSError as error:
        raise InputError(
            f"{path} cannot be opened: {error.strerror}. Check the name.",
            code="no-such-file",
            detail={"file": str(path)},
        ) from error


def _sop_class(envelope: Envelope, name: str) -> str:
    """Find SOP Class UID among the first elements, without reading on."""
    walker = Walker(envelope, name)
    pos, end = 0, len(envelope.body)
    while pos < end:
        found, length, start = walker.element(pos, end)
        if found == _SOP_CLASS:
            return decoded(envelope.body[start : start + length])
        if (found & 0xFFFF, found >> 16) > (0x0008, 0x0016) or start + length > end:
            break
        pos = start + length
    raise UnsupportedError(
        f"{name} does not say what kind of DICOM object it is (no SOP Class UID).",
        code="not-a-dose-report",
        detail={"file": name},
    )
