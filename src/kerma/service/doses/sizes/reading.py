"""What a file or a message says of a patient's size; the unit is always stated, never assumed."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from kerma.core import InputError, quantity

# LOINC, as FHIR's vital signs profiles and HL7 laboratories use them.
_HEIGHT, _MASS = "8302-2", ("29463-7", "3141-9")
_COLUMNS = {
    "height_m": ("height", "m"),
    "height_cm": ("height", "cm"),
    "mass_kg": ("mass", "kg"),
    "mass_g": ("mass", "g"),
    "weight_kg": ("mass", "kg"),
}
_KEYS = ("accession", "study_uid")
_UNITS = {"cm": "cm", "m": "m", "kg": "kg", "g": "g"}
MOST_ROWS = 200_000


@dataclass(frozen=True, slots=True)
class Size:
    """One patient's size at one examination, found by accession number or study UID."""

    line: int
    accession: str = ""
    study_uid: str = ""
    height_m: float | None = None
    mass_kg: float | None = None
    trouble: str = ""


def read(content: bytes) -> list[Size]:
    """Read sizes from CSV, HL7 version 2 (ORU) or a FHIR bundle; which one is seen from the text.

    Raises
    ------
    InputError
        ``not-text``; ``no-columns``; ``not-csv``; ``not-fhir``; ``too-many-rows``.
    """
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise InputError(
            "This is not a text file. Give CSV, HL7 messages or a FHIR bundle in UTF-8.",
            code="not-text",
        ) from None
    stripped = text.lstrip("\x0b \r\n\t")
    if stripped.startswith("MSH"):
        return list(_hl7(stripped))
    if stripped.startswith("{"):
        return list(_fhir(stripped))
    return list(_csv(text))


def _csv(text: str) -> Iterator[Size]:
    first = text.lstrip("\r\n").splitlines()[:1] or [""]
    separator = max(",;\t", key=first[0].count)
    try:
        rows = list(csv.DictReader(io.StringIO(text, newline=""), delimiter=separator))
    except csv.Error as error:
        raise InputError(f"This is not CSV that can be read: {error}.", code="not-csv") from None
    heads = {(h or "").strip().casefold(): h for h in (rows[0] if rows else {})}
    if not set(_KEYS) & set(heads) or not set(_COLUMNS) & set(heads):
        raise InputError(
            f"The first line must name {' or '.join(_KEYS)}, and at least one of "
            f"{', '.join(_COLUMNS)}: the unit is part of the name.",
            code="no-columns",
        )
    if len(rows) > MOST_ROWS:
        raise InputError(f"More than {MOST_ROWS} rows; split the file.", code="too-many-rows")
    for number, row in enumerate(rows, 2):
        said = {name: (row.get(head) or "").strip() for name, head in heads.items()}
        given: dict[str, Any] = {}
        trouble = ""
        for column, (what, unit) in _COLUMNS.items():
            if said.get(column):
                number_of, wrong = _converted(said[column], unit, what)
                given[f"{what}_{'m' if what == 'height' else 'kg'}"] = number_of
                trouble = trouble or wrong
        yield Size(number, said.get("accession", ""), said.get("study_uid", ""), **given,
                   trouble=trouble)  # fmt: skip


def _converted(text: str, unit: str, what: str) -> tuple[float | None, str]:
    try:
        value = float(text)
        target = "m" if what == "height" else "kg"
        return quantity(value, unit).to(target).value, ""
    except (ValueError, InputError):
        return None, f"“{text}” is not a {what} in {unit}"


def _hl7(text: str) -> Iterator[Size]:
    """Read OBX segments of ORU messages; the accession is OBR-18, else OBR-3, else OBR-2."""
    for number, message in enumerate(_messages(text), 1):
        segments = [line.split("|") for line in message]
        head = message[0]
        inner = head[4] if len(head) > 4 else "^"
        accession, found, trouble = "", {}, ""
        for segment in segments:
            if segment[0] == "OBR":
                fields = [_field(segment, n).split(inner)[0] for n in (18, 3, 2)]
                accession = next((f for f in fields if f), "")
            elif segment[0] == "OBX":
                code = _field(segment, 3).split(inner)[0]
                unit = _field(segment, 6).split(inner)[0]
                wrong = _observed(found, code, _field(segment, 5), unit)
                trouble = trouble or wrong
        yield Size(number, accession, "", **found, trouble=trouble)


def _messages(text: str) -> Iterator[list[str]]:
    lines: list[str] = []
    for line in text.replace("\x0b", "\n").replace("\x1c", "\n").replace("\r", "\n").split("\n"):
        if line.startswith("MSH") and lines:
            yield lines
            lines = []
        if line.strip():
            lines.append(line.strip())
    if lines:
        yield lines


def _field(segment: list[str], number: int) -> str:
    return segment[number].strip() if len(segment) > number else ""


def _observed(found: dict[str, float | None], code: str, value: str, unit: str) -> str:
    """Take one observation over; returns what is wrong with it, if anything is."""
    what = "height" if code == _HEIGHT else "mass" if code in _MASS else ""
    if not what:
        return ""
    if unit not in _UNITS:
        return f"the {what} has no unit Kerma knows (“{unit}”)"
    number, wrong = _converted(value, unit, what)
    if number is not None:
        found["height_m" if what == "height" else "mass_kg"] = number
    return wrong


def _fhir(text: str) -> Iterator[Size]:
    """Read Observations of a bundle; the examination is the identifier they are part of."""
    try:
        data = json.loads(text)
        entries = [e["resource"] for e in data.get("entry", ())] or [data]
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise InputError("This is not a FHIR bundle that can be read.", code="not-fhir") from None
    for number, resource in enumerate(entries, 1):
        if not isinstance(resource, dict) or resource.get("resourceType") != "Observation":
            continue
        try:
            size = _observation(resource, number)
        except (TypeError, AttributeError):
            size = Size(number, trouble="the Observation has not the form FHIR gives it")
        if size is not None:
            yield size


def _observation(resource: dict[str, Any], number: int) -> Size | None:
    found: dict[str, float | None] = {}
    codes = [c.get("code", "") for c in resource.get("code", {}).get("coding", ())]
    said = resource.get("valueQuantity", {})
    trouble = ""
    for code in codes:
        wrong = _observed(found, code, str(said.get("value", "")),
                          str(said.get("code") or said.get("unit") or ""))  # fmt: skip
        trouble = trouble or wrong
    if not found and not trouble:
        return None
    return Size(number, _accession(resource), "", **found, trouble=trouble)


def _accession(resource: dict[str, Any]) -> str:
    """Return the accession number of the examination an observation was based on."""
    for link in (*resource.get("basedOn", ()), *resource.get("partOf", ())):
        value = (link.get("identifier") or {}).get("value")
        if value:
            return str(value)
    return ""
