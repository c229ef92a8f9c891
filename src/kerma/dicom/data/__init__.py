"""The tables of the DICOM layer, as files."""

from __future__ import annotations

from importlib.resources import files


def data_text(name: str) -> str:
    """Return the text of one data file."""
    return files(__name__).joinpath(name).read_text(encoding="utf-8")
