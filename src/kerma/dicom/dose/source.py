"""Bytes to a content tree: the fast reader, with pydicom behind it."""

from __future__ import annotations

from typing import Literal

from kerma.dicom.dose import library
from kerma.dicom.dose.envelope import MAX_REPORT_BYTES, Envelope, open_envelope, too_large
from kerma.dicom.dose.reader import Reader
from kerma.dicom.dose.tree import Tree

Engine = Literal["fast", "pydicom"]


def read_tree(data: bytes, name: str, engine: Engine = "fast") -> Tree:
    """Read the content tree of a structured report.

    Parameters
    ----------
    data
        The whole object.
    name
        What to call it in messages.
    engine
        ``fast`` walks the bytes itself and turns to pydicom when they hold something the standard
        does not foresee; ``pydicom`` always asks pydicom, after the same check of all lengths.
        Both give the same tree.

    Raises
    ------
    InputError
        Codes ``not-dicom``, ``broken-dicom``, ``file-too-large``.
    UnsupportedError
        Code ``transfer-syntax``.
    """
    if len(data) > MAX_REPORT_BYTES:
        raise too_large(name)
    return tree_of(open_envelope(data, name), name, engine)


def tree_of(envelope: Envelope, name: str, engine: Engine = "fast") -> Tree:
    """Read the content tree of an opened envelope; see `read_tree`."""
    reader = Reader(envelope, name)
    tree = reader.read()
    if engine == "pydicom" or reader.surprise:
        return library.read(envelope, name)
    return tree
