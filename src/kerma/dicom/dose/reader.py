"""A fast reader of the content tree of structured reports.

It walks the stored bytes once, takes only the elements of `kerma.dicom.dose.tags`, and remembers
every code, number and content item by its very bytes: a report repeats the same few hundred
thousands of times. Reading depends on nothing but the bytes read, so bytes read before mean the
same again, and where they end they end again.

It reads what the standard allows. Anything odd but possibly readable (an element with an
unexpected VR, a repeated element) is noted in `surprise`, and `kerma.dicom.dose.source` leaves the
object to pydicom; anything whose lengths do not fit raises.
"""

from __future__ import annotations

import struct

from kerma.dicom.dose import tags
from kerma.dicom.dose.assemble import make_code, make_item, numbers_of
from kerma.dicom.dose.envelope import Envelope
from kerma.dicom.dose.text import decoded, encodings_of, known
from kerma.dicom.dose.tree import Code, Item, Tree
from kerma.dicom.dose.walker import MAX_DEPTH, UNDEFINED, Walker, explicit, long, two

# Design choice, far above any real report (316 events: 14,736 items).
MAX_ITEMS = 1_000_000
_LARGEST_REMEMBERED = 2048
_NEAR = 1024

_SEQUENCE_END = struct.pack("<II", tags.SEQUENCE_END, 0)
_ITEM_END = struct.pack("<II", tags.ITEM_END, 0)
_BOTH_ENDS = _ITEM_END + _SEQUENCE_END
_LEAF_END = _BOTH_ENDS + _ITEM_END
_MEASURED_ORDER = (tags.MEASURED & 0xFFFF) << 16 | tags.MEASURED >> 16
_TEXT_TAGS = frozenset(tags.TEXT_OF_KIND.values())


class _Parts:
    """What has been read of one content item."""

    __slots__ = ("children", "code", "concept", "kind", "numbers", "referred", "texts", "unit")

    def __init__(self, concept: Code | None = None, kind: str = "") -> None:
        self.concept = concept
        self.kind = kind
        self.code: Code | None = None
        self.unit: Code | None = None
        self.numbers: tuple[str, ...] = ()
        self.texts: dict[int, bytes] = {}
        self.referred: list[str] = []
        self.children: tuple[Item, ...] = ()

    def item(self, encodings: tuple[str, ...]) -> Item:
        return make_item(
            self.concept,
            self.kind,
            self.texts,
            code=self.code,
            numbers=self.numbers,
            unit=self.unit,
            referred=self.referred,
            children=self.children,
            encodings=encodings,
        )


class Reader(Walker):
    """One walk over one data set; see `read`."""

    def __init__(self, envelope: Envelope, name: str) -> None:
        super().__init__(envelope, name)
        self.encodings: tuple[str, ...] = ("iso8859",)
        self._count = 0
        # What was read before, by its bytes. Sequences and items of undefined length ("closed"
        # by a delimiter) are kept apart: their bytes include the delimiter.
        self._codes: dict[bytes, Code | None] = {}
        self._closed_codes: dict[bytes, Code | None] = {}
        self._open_items: dict[bytes, Item] = {}
        self._closed_items: dict[bytes, Item] = {}
        self._numbers: dict[bytes, tuple[str, ...]] = {}
        self._heads: dict[bytes, tuple[Code | None, str, int]] = {}
        self._units: dict[bytes, tuple[Code | None, int, int]] = {}

    def read(self) -> Tree:
        """Walk the data set to its end.

        Raises
        ------
        InputError
            Code ``broken-dicom``: lengths do not fit, or the object is cut short.
        """
        header: dict[int, bytes] = {}
        concept: Code | None = None
        templates: list[str] = []
        items: tuple[Item, ...] = ()
        pos, end = 0, len(self.buf)
        last = -1
        while pos < end:
            if end - pos < 8 and not self.buf[pos:].strip(b"\0"):
                break
            tag, length, start = self.element(pos, end)
            pos = start + length if length != UNDEFINED else -1
            last = self.in_order(tag, last)
            if tag in tags.HEADER and 0 < length < UNDEFINED:
                header[tag] = self.buf[start:pos]
                if tag == tags.CHARACTER_SET:
                    self.encodings = encodings_of(header[tag])
                    if not known(header[tag]):
                        self.surprise = self.surprise or "an unknown character set"
            elif tag == tags.CONCEPT:
                concept, pos = self._code(start, length, end)
            elif tag == tags.CONTENT:
                items, pos = self._items(start, length, end, 0)
            elif tag == tags.TEMPLATE:
                templates, pos = self.texts(start, length, end, tags.TEMPLATE_ID)
            elif pos < 0:
                pos = self.skip(start, end, 0)
        return Tree(header, concept, tuple(templates), items, self.encodings)

    def _items(self, pos: int, length: int, end: int, depth: int) -> tuple[tuple[Item, ...], int]:
        """Read the content items of a sequence."""
        if depth > MAX_DEPTH:
            raise self.broken("content nested too deeply")
        closed = length == UNDEFINED
        if not closed:
            end = pos + length
        found: list[Item] = []
        buf = self.buf
        while True:
            # The plain case of `next_item`, written out: this is the innermost loop.
            tag, size = two(buf, pos) if pos + 8 <= end else (0, 0)
            if tag == tags.ITEM and (size == UNDEFINED or pos + 8 + size <= end):
                pos += 8
            else:
                size, pos = self.next_item(pos, end, closed)
                if size < 0:
                    return tuple(found), pos
            item = None
            if size == UNDEFINED:
                # Most leaves end so; when this one does not, the bytes are not in the memory.
                memory = self._closed_items
                stop = buf.find(_LEAF_END, pos, pos + _NEAR) + len(_LEAF_END)
                if stop <= end:
                    item = memory.get(buf[pos:stop])
            else:
                memory = self._open_items
                stop = pos + size
                if size <= _LARGEST_REMEMBERED:
                    item = memory.get(buf[pos:stop])
            if item is not None:
                pos = stop
            else:
                begin = pos
                item, pos = self._item(pos, size, end, depth)
                if pos - begin <= _LARGEST_REMEMBERED and not self.surprise:
                    memory[buf[begin:pos]] = item
            found.append(item)

    def _item(self, pos: int, size: int, end: int, depth: int) -> tuple[Item, int]:
        """Read one content item."""
        self._count += 1
        if self._count > MAX_ITEMS:
            raise self.broken("more content items than any report has")
        closed = size == UNDEFINED
        if not closed:
            end = pos + size
        head = self._head(pos, end, closed)
        if head is None:
            return self._rest(_Parts(), pos, -1, (end, closed, depth))
        concept, kind, last, pos = head
        parts = _Parts(concept, kind)
        if kind == "NUM":
            measured = self._measured_again(pos, end)
            if measured is not None:
                parts.numbers, parts.unit, pos = measured
                last = _MEASURED_ORDER
                if closed and self.buf[pos : pos + 8] == _ITEM_END:
                    pos += 8
                    return Item(concept, kind, None, None, parts.numbers, parts.unit, ()), pos
        return self._rest(parts, pos, last, (end, closed, depth))

    def _rest(
        self, parts: _Parts, pos: int, last: int, where: tuple[int, bool, int]
    ) -> tuple[Item, int]:
        """Read the elements of a content item, from its first or after a recognised beginning."""
        end, closed, depth = where
        buf = self.buf
        begin = pos if last < 0 else -1
        while closed or pos < end:
            tag, length, start = self.element(pos, end)
            if tag == tags.ITEM_END and closed:
                return parts.item(self.encodings), start
            pos = start + length if length != UNDEFINED else -1
            last = self.in_order(tag, last)
            if tag == tags.CONCEPT:
                parts.concept, pos = self._code(start, length, end)
                if begin >= 0 and not (self.surprise or parts.texts or parts.referred):
                    self._heads[buf[begin:pos]] = (parts.concept, parts.kind, last)
            elif tag == tags.MEASURED:
                parts.numbers, parts.unit, pos = self._measured(start, length, end)
            elif tag == tags.CODE:
                parts.code, pos = self._code(start, length, end)
            elif tag == tags.CONTENT:
                parts.children, pos = self._items(start, length, end, depth + 1)
            elif tag == tags.REFERENCED_SOP:
                parts.referred, pos = self.texts(start, length, end, tags.REFERENCED_UID)
            elif tag & 0xFFFF == 0xFFFE:
                raise self.broken("a delimiter in the wrong place")
            elif pos < 0:
                pos = self.skip(start, end, depth + 1)
            elif tag == tags.VALUE_TYPE:
                parts.kind = decoded(buf[start:pos])
            elif tag in _TEXT_TAGS:
                parts.texts[tag] = buf[start:pos]
            elif tag == tags.CHARACTER_SET:
                self.surprise = self.surprise or "an item has its own character set"
        return parts.item(self.encodings), pos

    def _head(self, pos: int, end: int, closed: bool) -> tuple[Code | None, str, int, int] | None:
        """Recognise the beginning of an item, up to its concept, by bytes read before.

        Where that beginning ends is guessed (after the first sequence); a wrong guess is not in
        the memory and does no harm. Gives concept, kind, order of the last element and position.
        """
        buf = self.buf
        if closed:
            stop = buf.find(_SEQUENCE_END, pos, min(end, pos + _NEAR)) + 8
        elif self.implicit or end - pos < 28:
            return None
        else:
            second = pos + 8 + buf[pos + 6]
            third = second + 8 + buf[second + 6] if second + 8 < end else end
            if third + 12 > end:
                return None
            stop = third + 12 + long(buf, third + 8)[0]
        found = self._heads.get(buf[pos:stop]) if stop <= end else None
        return None if found is None else (*found, stop)

    def _measured_again(
        self, pos: int, end: int
    ) -> tuple[tuple[str, ...], Code | None, int] | None:
        """Read a measured value that begins with bytes read before; ``None`` if it does not."""
        buf = self.buf
        if self.implicit:
            stop = buf.find(_SEQUENCE_END, pos, min(end, pos + _NEAR)) + 8
            head = 8
        else:
            if pos + 32 > end:
                return None
            size = long(buf, pos + 28)[0]
            head = 8
            if size == UNDEFINED:
                stop = buf.find(_SEQUENCE_END, pos, min(end, pos + _NEAR)) + 8
            else:
                stop = pos + 32 + size
        found = self._units.get(buf[pos:stop]) if stop + 8 <= end else None
        if found is None:
            return None
        unit, item_end, sequence_end = found
        start = stop + head
        if self.implicit:
            tag, length = two(buf, stop)
        else:
            tag, vr, length = explicit(buf, stop)
            if vr != b"DS":
                return None
        after = start + length
        if tag != tags.NUMBER or after > end:
            return None
        raw = buf[start:after]
        if item_end < 0 and sequence_end < 0:
            if buf[after : after + 16] != _BOTH_ENDS or after + 16 > end:
                return None
            after += 16
        elif after != pos + item_end or after != pos + sequence_end:
            return None
        numbers = self._numbers.get(raw)
        if numbers is None:
            numbers = self._numbers[raw] = numbers_of(raw)
        return numbers, unit, after

    def _code(self, start: int, length: int, end: int) -> tuple[Code | None, int]:
        """Read a code sequence, from memory when its very bytes were read before.

        Reading depends on nothing but the bytes read, so equal bytes give the equal code; a
        sequence of undefined length that begins with bytes read before ends where these ended.
        """
        if length == UNDEFINED:
            memory = self._closed_codes
            stop = self.buf.find(_SEQUENCE_END, start, min(end, start + _NEAR))
            raw = self.buf[start : stop + 8] if stop >= 0 else b""
        else:
            memory = self._codes
            raw = self.buf[start : start + length]
        try:
            return memory[raw], start + len(raw)
        except KeyError:
            pass
        before = self.surprise
        code, pos = self._read_code(start, length, end)
        if self.surprise == before:
            memory[self.buf[start:pos]] = code
        return code, pos

    def _read_code(self, pos: int, length: int, end: int) -> tuple[Code | None, int]:
        closed = length == UNDEFINED
        if not closed:
            end = pos + length
        code: Code | None = None
        first = True
        while True:
            size, pos = self.next_item(pos, end, closed)
            if size < 0:
                return code, pos
            fields, pos = self.fields(pos, size, end)
            if first:
                code = make_code(fields, self.encodings)
                first = False

    def _measured(
        self, pos: int, length: int, end: int
    ) -> tuple[tuple[str, ...], Code | None, int]:
        """Read a measured-value sequence: numbers as sent and the unit of the first."""
        begin = pos - (8 if self.implicit else 12)
        closed = length == UNDEFINED
        if not closed:
            end = pos + length
        numbers: tuple[str, ...] = ()
        unit: Code | None = None
        first = True
        while True:
            size, pos = self.next_item(pos, end, closed)
            if size < 0:
                return numbers, unit, pos
            stop = end if size == UNDEFINED else pos + size
            last = -1
            while size == UNDEFINED or pos < stop:
                tag, count, start = self.element(pos, stop)
                if tag == tags.ITEM_END and size == UNDEFINED:
                    pos = start
                    break
                last = self.in_order(tag, last)
                if tag & 0xFFFF == 0xFFFE:
                    raise self.broken("a delimiter in the wrong place")
                if tag == tags.UNIT:
                    found, pos = self._code(start, count, stop)
                    unit = unit or found
                    if first and not self.surprise:
                        self._units[self.buf[begin:pos]] = (
                            unit,
                            -1 if size == UNDEFINED else stop - begin,
                            -1 if closed else end - begin,
                        )
                elif count == UNDEFINED:
                    pos = self.skip(start, stop, 1)
                else:
                    pos = start + count
                    if tag == tags.NUMBER:
                        numbers += numbers_of(self.buf[start:pos])
            first = False
