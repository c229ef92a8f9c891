"""The mechanical half of the fast reader: elements, items, lengths that must fit."""

from __future__ import annotations

import struct

from kerma.core import InputError
from kerma.dicom.dose import tags
from kerma.dicom.dose.envelope import Envelope, damaged
from kerma.dicom.dose.text import decoded

# Design choice, far above any real report (6 levels).
MAX_DEPTH = 40
UNDEFINED = 0xFFFFFFFF

two = struct.Struct("<II").unpack_from
explicit = struct.Struct("<I2sH").unpack_from
long = struct.Struct("<I").unpack_from


class Walker:
    """Steps over the stored bytes of one data set.

    Attributes
    ----------
    surprise
        The first thing met that the standard does not foresee but a forgiving reader may take;
        empty while there was none.
    """

    def __init__(self, envelope: Envelope, name: str) -> None:
        self.buf = envelope.body
        self.implicit = envelope.implicit
        self.name = name
        self.surprise = "the transfer syntax is not stated" if envelope.guessed else ""

    def broken(self, why: str) -> InputError:
        """Return the error for lengths that do not fit."""
        return damaged(self.name, why)

    def in_order(self, tag: int, last: int) -> int:
        """Return the tag's place in the order of elements, noting one that is not after `last`."""
        order = (tag & 0xFFFF) << 16 | tag >> 16
        if order <= last:
            self.surprise = self.surprise or "elements are not in order"
        return order

    def element(self, pos: int, end: int) -> tuple[int, int, int]:
        """Read an element's tag, length and where its value starts; its value fits before `end`."""
        if pos + 8 > end:
            raise self.broken("an element is cut short")
        if self.implicit:
            tag, length = two(self.buf, pos)
            start = pos + 8
            if (
                length == UNDEFINED
                and (tags.KNOWN.get(tag) or tags.HEADER.get(tag, b"SQ")) != b"SQ"
            ):
                raise self.broken("a value without a length")
        else:
            tag, vr, length = explicit(self.buf, pos)
            start = pos + 8
            if tag & 0xFFFF == 0xFFFE:
                tag, length = two(self.buf, pos)
            elif vr in tags.LONG_VR:
                if pos + 12 > end:
                    raise self.broken("an element is cut short")
                (length,) = long(self.buf, start)
                start += 4
                expected = tags.KNOWN.get(tag) or tags.HEADER.get(tag)
                if expected is not None and expected != vr:
                    self.surprise = self.surprise or "an element has an unexpected VR"
            elif vr not in tags.SHORT_VR or (tags.KNOWN.get(tag) or tags.HEADER.get(tag, vr)) != vr:
                self.surprise = self.surprise or "an element has an unexpected VR"
            if length == UNDEFINED and vr != b"SQ" and tag & 0xFFFF != 0xFFFE:
                raise self.broken("a value without a length")
        if length != UNDEFINED and start + length > end:
            raise self.broken("a value is longer than what holds it")
        return tag, length, start

    def next_item(self, pos: int, end: int, closed: bool) -> tuple[int, int]:
        """Read an item header; give the item's length and start, or (-1, end of the sequence).

        `closed` is true for a sequence of undefined length, which a delimiter must end.
        """
        if not closed and pos == end:
            return -1, pos
        if pos + 8 > end:
            raise self.broken("a sequence is cut short")
        tag, length = two(self.buf, pos)
        pos += 8
        if tag == tags.SEQUENCE_END and closed:
            return -1, pos
        if tag != tags.ITEM:
            raise self.broken("a sequence holds something that is not an item")
        if length != UNDEFINED and pos + length > end:
            raise self.broken("an item is longer than its sequence")
        return length, pos

    def skip(self, pos: int, end: int, depth: int) -> int:
        """Pass over a sequence of undefined length; give where it ends."""
        if depth > MAX_DEPTH:
            raise self.broken("sequences nested too deeply")
        while True:
            length, pos = self.next_item(pos, end, True)
            if length < 0:
                return pos
            if length != UNDEFINED:
                pos += length
                continue
            while True:
                tag, size, pos = self.element(pos, end)
                if tag == tags.ITEM_END:
                    break
                if tag & 0xFFFF == 0xFFFE:
                    raise self.broken("a delimiter in the wrong place")
                pos = self.skip(pos, end, depth + 1) if size == UNDEFINED else pos + size

    def texts(self, pos: int, length: int, end: int, wanted: int) -> tuple[list[str], int]:
        """Read one text element from each item of a sequence."""
        closed = length == UNDEFINED
        if not closed:
            end = pos + length
        found: list[str] = []
        while True:
            size, pos = self.next_item(pos, end, closed)
            if size < 0:
                return found, pos
            fields, pos = self.fields(pos, size, end)
            if wanted in fields:
                found.append(decoded(fields[wanted]))

    def fields(self, pos: int, size: int, end: int) -> tuple[dict[int, bytes], int]:
        """Read the known plain elements of one item; sequences in it are passed over."""
        closed = size == UNDEFINED
        if not closed:
            end = pos + size
        fields: dict[int, bytes] = {}
        last = -1
        while closed or pos < end:
            tag, length, start = self.element(pos, end)
            if tag & 0xFFFF == 0xFFFE:
                if tag == tags.ITEM_END and closed:
                    return fields, start
                raise self.broken("a delimiter in the wrong place")
            last = self.in_order(tag, last)
            if length == UNDEFINED:
                pos = self.skip(start, end, 1)
                continue
            pos = start + length
            if tag == tags.CHARACTER_SET:
                self.surprise = self.surprise or "an item has its own character set"
            elif tag in tags.KNOWN:
                fields[tag] = self.buf[start:pos]
        return fields, pos
