"""Content trees of structured reports, encoded to bytes quickly.

A dose report of an angiography system holds thousands of content items, and building each from
objects takes most of a second a report. Here a tree is encoded straight to explicit VR
little endian (PS3.5, 7.1.2; content items PS3.3, C.17.3) with defined lengths, and pydicom writes
the rest of the object before it. The bytes depend on the content only.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache

from kerma.simulate.department import load

_ITEM = b"\xfe\xff\x00\xe0"
_LONG = {"SQ", "UT", "UC"}
_PAD = {"UI": b"\0"}


@dataclass(frozen=True, slots=True)
class Coder:
    """Names concepts in SNOMED CT, or in its older SNOMED-RT form when `old` is set."""

    old: bool = False

    def code(self, name: str) -> tuple[str, str, str]:
        """Return (value, scheme, meaning) of a concept in the code file."""
        row: Mapping[str, str] = load("sr_codes")[name]
        if "dcm" in row:
            return row["dcm"], "DCM", row["meaning"]
        if self.old:
            return row["srt"], "SRT", row["meaning"]
        return row["sct"], "SCT", row["meaning"]

    def num(
        self, name: str, value: str | None, unit: str, *, by: str = "CONTAINS", within: bytes = b""
    ) -> bytes:
        """Return a NUM item; `value` is a decimal string, ``None`` an empty measured value."""
        measured = b"" if value is None else _item(_units(unit) + _text(0x40, 0xA30A, "DS", value))
        body = _sequence(0x40, 0xA300, measured)
        return self._item(name, "NUM", by, after=body, within=within)

    def concept(self, name: str, value: str, *, by: str = "CONTAINS", within: bytes = b"") -> bytes:
        """Return a CODE item whose value is another concept of the code file."""
        body = _code(0x40, 0xA168, *self.code(value))
        return self._item(name, "CODE", by, after=body, within=within)

    def text(self, name: str, value: str, *, by: str = "CONTAINS") -> bytes:
        """Return a TEXT item."""
        return self._item(name, "TEXT", by, after=_text(0x40, 0xA160, "UT", value))

    def uid(self, name: str, value: str, *, by: str = "CONTAINS") -> bytes:
        """Return a UIDREF item."""
        return self._item(name, "UIDREF", by, after=_text(0x40, 0xA124, "UI", value))

    def when(self, name: str, value: datetime, *, by: str = "CONTAINS") -> bytes:
        """Return a DATETIME item."""
        stamp = f"{value:%Y%m%d%H%M%S}"
        return self._item(name, "DATETIME", by, after=_text(0x40, 0xA120, "DT", stamp))

    def container(self, name: str, items: Iterable[bytes], *, by: str = "CONTAINS") -> bytes:
        """Return a CONTAINER item around encoded items."""
        body = _text(0x40, 0xA050, "CS", "SEPARATE")
        return self._item(name, "CONTAINER", by, after=body, within=b"".join(items))

    def _item(self, name: str, kind: str, by: str, *, after: bytes, within: bytes = b"") -> bytes:
        head = _head(by, kind, *self.code(name))
        return _item(head + after + (_sequence(0x40, 0xA730, within) if within else b""))


def content_sequence(items: bytes) -> bytes:
    """Return the Content Sequence element of a report around its encoded items."""
    return _sequence(0x40, 0xA730, items)


def _element(group: int, number: int, vr: str, value: bytes) -> bytes:
    if len(value) % 2:
        value += _PAD.get(vr, b" ")
    tag = struct.pack("<HH", group, number) + vr.encode()
    if vr in _LONG:
        return tag + b"\0\0" + struct.pack("<I", len(value)) + value
    return tag + struct.pack("<H", len(value)) + value


def _text(group: int, number: int, vr: str, value: str) -> bytes:
    return _element(group, number, vr, value.encode())


def _item(body: bytes) -> bytes:
    return _ITEM + struct.pack("<I", len(body)) + body


def _sequence(group: int, number: int, items: bytes) -> bytes:
    return _element(group, number, "SQ", items)


@lru_cache(maxsize=4096)
def _code(group: int, number: int, value: str, scheme: str, meaning: str) -> bytes:
    triple = (
        _text(0x08, 0x0100, "SH", value)
        + _text(0x08, 0x0102, "SH", scheme)
        + _text(0x08, 0x0104, "LO", meaning)
    )
    return _sequence(group, number, _item(triple))


@lru_cache(maxsize=256)
def _units(unit: str) -> bytes:
    return _code(0x40, 0x08EA, unit, "UCUM", unit)


@lru_cache(maxsize=4096)
def _head(by: str, kind: str, value: str, scheme: str, meaning: str) -> bytes:
    return (
        _text(0x40, 0xA010, "CS", by)
        + _text(0x40, 0xA040, "CS", kind)
        + _code(0x40, 0xA043, value, scheme, meaning)
    )
