"""A big endian data set written little endian: withdrawn from DICOM, and still in old archives.

PS3.5 section 7.3 and annex A.3 (retired): the same explicit VR encoding with every number of more
than one byte the other way round. Lengths of elements and items stay as they are.
"""

from __future__ import annotations

import struct

_HEAD = struct.Struct(">HH")
_LONG_VR = frozenset((b"OB", b"OW", b"OF", b"OD", b"OL", b"OV", b"SQ", b"UN", b"UT", b"UC", b"UR",
                      b"SV", b"UV"))  # fmt: skip
# Bytes of one number, by value representation; text and bytes are not turned.
_SIZE = {b"US": 2, b"SS": 2, b"AT": 2, b"OW": 2, b"UL": 4, b"SL": 4, b"FL": 4, b"OF": 4, b"OL": 4,
         b"FD": 8, b"OD": 8, b"OV": 8, b"SV": 8, b"UV": 8}  # fmt: skip
_UNDEFINED = 0xFFFFFFFF
_ITEM, _ITEM_END, _END = (0xFFFE, 0xE000), (0xFFFE, 0xE00D), (0xFFFE, 0xE0DD)
_DEEPEST = 64


def little_endian(body: bytes) -> bytes:
    """Return the data set with its numbers the other way round.

    Raises
    ------
    ValueError
        It ends inside an element, or is nested deeper than any report.
    """
    out = bytearray()
    end = _elements(body, 0, len(body), out, 0)
    if end != len(body):
        raise ValueError("it ends before its last element")
    return bytes(out)


def _take(body: bytes, pos: int, size: int, end: int) -> bytes:
    if pos + size > end:
        raise ValueError("it ends inside an element")
    return body[pos : pos + size]


def _elements(body: bytes, pos: int, end: int, out: bytearray, depth: int) -> int:
    """Turn elements up to `end`, or to the delimiter of an item without a length."""
    if depth > _DEEPEST:
        raise ValueError("it is nested too deep")
    while pos < end:
        tag = _HEAD.unpack(_take(body, pos, 4, end))
        out += struct.pack("<HH", *tag)
        if tag == _ITEM_END:
            out += _take(body, pos + 4, 4, end)
            return pos + 8
        vr = _take(body, pos + 4, 2, end)
        out += vr
        if vr in _LONG_VR:
            length = int.from_bytes(_take(body, pos + 8, 4, end), "big")
            out += b"\0\0" + struct.pack("<I", length)
            pos += 12
        else:
            length = int.from_bytes(_take(body, pos + 6, 2, end), "big")
            out += struct.pack("<H", length)
            pos += 8
        if vr == b"SQ" or length == _UNDEFINED:
            pos = _items(body, pos, end if length == _UNDEFINED else pos + length, out, depth,
                         open_ended=length == _UNDEFINED)  # fmt: skip
            continue
        value, size = _take(body, pos, length, end), _SIZE.get(vr, 1)
        if length % size:
            raise ValueError("the length of a number is not that of its kind")
        out += value if size == 1 else _turned(value, size)
        pos += length
    return pos


def _turned(value: bytes, size: int) -> bytes:
    return b"".join(value[i : i + size][::-1] for i in range(0, len(value), size))


def _items(body: bytes, pos: int, end: int, out: bytearray, depth: int, *, open_ended: bool) -> int:
    """Turn the items of a sequence, up to its end or its delimiter."""
    if end > len(body):
        raise ValueError("it ends inside a sequence")
    while open_ended or pos < end:
        tag = _HEAD.unpack(_take(body, pos, 4, end))
        length = int.from_bytes(_take(body, pos + 4, 4, end), "big")
        out += struct.pack("<HHI", *tag, length)
        pos += 8
        if tag == _END and open_ended:
            return pos
        if tag != _ITEM:
            raise ValueError("a sequence holds something that is no item")
        if length == _UNDEFINED:
            before = len(out)
            pos = _elements(body, pos, end, out, depth + 1)
            if out[before:][-8:-4] != b"\xfe\xff\x0d\xe0":
                raise ValueError("an item is not closed")
        else:
            if pos + length > end:
                raise ValueError("it ends inside an item")
            pos = _elements(body, pos, pos + length, out, depth + 1)
    return pos
