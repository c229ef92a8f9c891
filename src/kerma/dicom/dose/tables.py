"""What items mean, from data files: concept -> field, code -> plain name."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from functools import cache
from typing import NamedTuple

from kerma.dicom.data import data_text
from kerma.dicom.dose.tree import Code

# Designators that name the same code system (PS3.16 8.2: SNM3 and 99SDM are older names of SRT).
_SCHEMES = {"SNM3": "SRT", "99SDM": "SRT", "SNOMED-RT": "SRT"}


class Spec(NamedTuple):
    """Where the value of an item goes, and how it is read."""

    part: str
    field: str
    kind: str


Key = tuple[str, str]


def _rows(name: str) -> Iterator[dict[str, str]]:
    lines = (line for line in data_text(name).splitlines() if not line.startswith("#"))
    yield from csv.DictReader(lines)


def _codes(text: str) -> Iterator[Key]:
    for code in text.split():
        value, _, scheme = code.partition("|")
        yield value, scheme


def key(code: Code) -> Key:
    """Return what identifies a code: value and scheme, never the meaning."""
    scheme = code.scheme.upper()
    return code.value, _SCHEMES.get(scheme, scheme)


@cache
def sections() -> dict[str, dict[Key, Spec]]:
    """Return for each container what its items mean."""
    table: dict[str, dict[Key, Spec]] = {}
    for row in _rows("concepts.csv"):
        section = table.setdefault(row["container"], {})
        for code in _codes(row["codes"]):
            if code in section:
                raise ValueError(f"concepts.csv gives {code} two meanings in {row['container']}")
            section[code] = Spec(row["part"], row["field"], row["as"])
    return table


@cache
def _names() -> dict[tuple[str, Key], str]:
    return {
        (row["set"], code): row["name"]
        for row in _rows("names.csv")
        for code in _codes(row["codes"])
    }


def name_of(group: str, code: Code | None) -> str:
    """Return the plain name of a coded value (``fluoroscopy``, ``left``, ...), or an empty text."""
    return "" if code is None else _names().get((group, key(code)), "")


@cache
def materials() -> dict[str, Code]:
    """Return the code of a filter or target material by the term image headers use."""
    return {
        row["term"]: Code(row["code"], row["scheme"], row["meaning"])
        for row in _rows("materials.csv")
    }


@cache
def positions() -> dict[str, tuple[Code, Code, Code]]:
    """Return orientation, modifier and table relationship for each Patient Position term."""
    return {
        row["term"]: (
            Code(row["orientation"], "SRT", "recumbent"),
            Code(row["modifier"], "SRT", row["modifier_meaning"]),
            Code(row["relationship"], "SRT", row["relationship_meaning"]),
        )
        for row in _rows("positions.csv")
    }


class Attribute(NamedTuple):
    """Where the value of an image header element goes."""

    keyword: str
    part: str
    field: str
    kind: str
    unit: str


@cache
def attributes() -> tuple[Attribute, ...]:
    """Return what image header elements mean, in the order of preference."""
    return tuple(
        Attribute(row["keyword"], row["part"], row["field"], row["as"], row["unit"])
        for row in _rows("attributes.csv")
    )
