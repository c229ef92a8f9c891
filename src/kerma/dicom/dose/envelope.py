"""The outside of a DICOM object: preamble, file meta information, transfer syntax."""

from __future__ import annotations

import struct
import zlib
from typing import NamedTuple

from kerma.core import InputError
from kerma.dicom.dose.big_endian import little_endian

# Design choice: the largest report seen (316 events) has 3.3 MB.
MAX_REPORT_BYTES = 64 * 1024**2

IMPLICIT_LITTLE = "1.2.840.10008.1.2"
EXPLICIT_BIG = "1.2.840.10008.1.2.2"
DEFLATED = "1.2.840.10008.1.2.1.99"

_META = struct.Struct("<HH2sH")
_LONG_VR = frozenset((b"OB", b"OW", b"OF", b"OD", b"OL", b"OV", b"SQ", b"UN", b"UT", b"UC", b"UR"))


class Envelope(NamedTuple):
    """What is inside the wrapping.

    Attributes
    ----------
    body
        The data set, little endian, inflated if it was deflated.
    implicit
        True for implicit VR.
    transfer_syntax
        As stated, or an empty text.
    guessed
        True when the object does not state its transfer syntax.
    """

    body: bytes
    implicit: bool
    transfer_syntax: str
    guessed: bool


def damaged(name: str, why: str) -> InputError:
    """Return the error for an object that cannot be read to its end."""
    return InputError(
        f"{name} is damaged or cut short ({why}). Send it again from the X-ray system or PACS.",
        code="broken-dicom",
        detail={"file": name, "cause": why},
    )


def open_envelope(data: bytes, name: str) -> Envelope:
    """Take the wrapping off an object.

    Raises
    ------
    InputError
        Codes ``not-dicom``, ``broken-dicom``, ``file-too-large``.
    """
    if data[128:132] == b"DICM":
        start = 132
    elif len(data) >= 8 and data[:2] in (b"\x02\x00", b"\x08\x00") and data[3] == 0:
        start = 0
    else:
        raise InputError(
            f"{name} is not a DICOM file. Choose what the X-ray system or PACS exported.",
            code="not-dicom",
            detail={"file": name},
        )
    syntax, start = _meta(data, start, name)
    body = data[start:]
    if syntax == EXPLICIT_BIG:
        body = _turned(body, name)
    if syntax == DEFLATED:
        body = _inflate(body, name)
    implicit = syntax == IMPLICIT_LITTLE if syntax else not body[4:6].isalpha()
    return Envelope(body, implicit, syntax, not syntax)


def _meta(data: bytes, pos: int, name: str) -> tuple[str, int]:
    """Read group 0002 (always explicit, little endian); give the syntax and where it ends."""
    syntax = ""
    while data[pos : pos + 2] == b"\x02\x00":
        if pos + 8 > len(data):
            raise damaged(name, "it ends inside the file meta information")
        _, element, vr, length = _META.unpack_from(data, pos)
        pos += 8
        if vr in _LONG_VR:
            length = int.from_bytes(data[pos : pos + 4], "little")
            pos += 4
        if pos + length > len(data):
            raise damaged(name, "it ends inside the file meta information")
        if element == 0x0010:
            syntax = data[pos : pos + length].decode("ascii", "replace").strip(" \0")
        pos += length
    return syntax, pos


def _turned(body: bytes, name: str) -> bytes:
    if len(body) > MAX_REPORT_BYTES:
        raise damaged(name, "a big endian object of this size is no report")
    try:
        return little_endian(body)
    except ValueError as error:
        raise damaged(name, str(error)) from None


def _inflate(body: bytes, name: str) -> bytes:
    inflater = zlib.decompressobj(-zlib.MAX_WBITS)
    try:
        out = inflater.decompress(body, MAX_REPORT_BYTES)
    except zlib.error as error:
        raise damaged(name, f"its compressed part cannot be opened: {error}") from None
    if inflater.unconsumed_tail:
        raise too_large(name)
    if not inflater.eof:
        raise damaged(name, "its compressed part is not complete")
    return out


def too_large(name: str) -> InputError:
    """Return the error for an object larger than any dose report can be."""
    return InputError(
        f"{name} is larger than {MAX_REPORT_BYTES // 1024**2} MB; no dose report is. Check that it "
        "is the right file.",
        code="file-too-large",
        detail={"file": name},
    )
