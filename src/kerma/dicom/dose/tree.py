"""Content items of a structured report, as small immutable tuples."""

from __future__ import annotations

from typing import NamedTuple


class Code(NamedTuple):
    """A coded concept; `value` and `scheme` identify it, `meaning` is only for people."""

    value: str
    scheme: str
    meaning: str


class Item(NamedTuple):
    """One content item.

    Attributes
    ----------
    concept
        What the item is about; ``None`` when the report does not say.
    kind
        DICOM Value Type: CONTAINER, NUM, CODE, TEXT, UIDREF, DATETIME, PNAME, IMAGE, ...
    text
        Text as sent (TEXT, DATETIME, PNAME, UIDREF; the object referred to for IMAGE).
    code
        Coded value of a CODE item.
    numbers
        Numbers of a NUM item as sent, one text each; empty when the measured value is empty.
    unit
        Unit of a NUM item as sent.
    children
        Items below this one.
    """

    concept: Code | None
    kind: str
    text: str | None
    code: Code | None
    numbers: tuple[str, ...]
    unit: Code | None
    children: tuple[Item, ...]


class Tree(NamedTuple):
    """A structured report: header elements by tag (bytes as stored) and the content below the root.

    Attributes
    ----------
    header
        Root elements that the records need: tag (group << 16 | element) -> stored bytes.
    concept
        Title of the document.
    templates
        Template identifiers stated by the root.
    items
        Content items below the root.
    encodings
        Python encodings for the text of the header, from Specific Character Set.
    """

    header: dict[int, bytes]
    concept: Code | None
    templates: tuple[str, ...]
    items: tuple[Item, ...]
    encodings: tuple[str, ...]
