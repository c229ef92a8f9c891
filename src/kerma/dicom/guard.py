"""Turn whatever a DICOM library says about a damaged file into Kerma's own errors."""

from __future__ import annotations

import logging
import struct
import warnings
import zlib
from collections.abc import Iterator
from contextlib import contextmanager

from pydicom.errors import BytesLengthException, InvalidDicomError

from kerma.core import InputError

# pydicom's warnings quote header values, patients' names among them: they must reach no log.
logging.getLogger("pydicom").setLevel(logging.ERROR)

# What pydicom and its plug-ins are known to raise on damaged input; KermaError passes through.
LIBRARY_ERRORS = (
    ArithmeticError,
    AssertionError,
    AttributeError,
    BytesLengthException,
    EOFError,
    InvalidDicomError,
    LookupError,
    MemoryError,
    NotImplementedError,
    OSError,
    RecursionError,
    RuntimeError,
    TypeError,
    ValueError,
    struct.error,
    zlib.error,
)


@contextmanager
def damaged_file(name: str, *, code: str = "broken-dicom") -> Iterator[None]:
    """Run a block; any library error in it becomes an `InputError` that names the file."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    except LIBRARY_ERRORS as error:
        raise InputError(
            f"{name} is damaged or cut short and cannot be read. Export or send it again.",
            code=code,
            detail={"file": name, "cause": f"{type(error).__name__}: {error}"[:300]},
        ) from error
