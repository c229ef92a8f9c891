"""Stored bytes to text, the same way for every reader."""

from __future__ import annotations

import warnings
from functools import lru_cache

from pydicom.charset import convert_encodings, decode_bytes, python_encoding

_PAD = " \0"
# Escape sequences of ISO 2022 end at these; PS3.5 6.1.2.5.3.
_DELIMITERS = {ord(character) for character in "\\\r\n\t\f^="}


def known(character_set: bytes) -> bool:
    """Tell whether a stored Specific Character Set names only sets the standard defines."""
    names = character_set.decode("ascii", "replace").rstrip(_PAD).split("\\")
    return all(name.strip(" ") in python_encoding for name in names)


@lru_cache(maxsize=256)
def encodings_of(character_set: bytes) -> tuple[str, ...]:
    """Return Python encodings for a stored Specific Character Set; unknown ones read as ASCII."""
    names = [part.strip(_PAD) for part in character_set.decode("ascii", "replace").split("\\")]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return tuple(convert_encodings(names if len(names) > 1 else names[0]))
        except (LookupError, ValueError):
            return ("iso8859",)


def mended(text: str) -> str:
    """Return text without a second encoding: UTF-8 that was declared, or sent, as Latin-1.

    Such text is not found by chance: the bytes of its characters form whole UTF-8 sequences.
    """
    for encoding in ("latin-1", "cp1252"):
        if text.isascii():
            break
        try:
            text = text.encode(encoding).decode("utf-8")
        except UnicodeError:
            continue
    return text


def decoded(raw: bytes, encodings: tuple[str, ...] = ("iso8859",)) -> str:
    """Return stored bytes as text without padding; bytes that fit no encoding are replaced."""
    if raw.isascii() and b"\x1b" not in raw:
        return raw.decode("ascii").strip(_PAD)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return mended(decode_bytes(raw, encodings, _DELIMITERS)).strip(_PAD)
        except (LookupError, ValueError):
            return mended(raw.decode("latin-1")).strip(_PAD)
