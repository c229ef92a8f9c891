"""Stored elements to codes, numbers and content items, the same way for every reader."""

from __future__ import annotations

from kerma.dicom.dose import tags
from kerma.dicom.dose.text import decoded
from kerma.dicom.dose.tree import Code, Item


def numbers_of(raw: bytes) -> tuple[str, ...]:
    """Split a stored Numeric Value into texts, without empty ones."""
    text = decoded(raw)
    if "\\" not in text:
        return (text,) if text else ()
    return tuple(part for part in (t.strip(" \0") for t in text.split("\\")) if part)


def make_code(fields: dict[int, bytes], encodings: tuple[str, ...]) -> Code | None:
    """Make a code from the stored elements of its item; ``None`` without a code value."""
    raw = (
        fields.get(tags.CODE_VALUE)
        or fields.get(tags.LONG_CODE_VALUE)
        or fields.get(tags.URN_CODE_VALUE)
        or b""
    )
    # SH and UC follow the character set: units are sent with raised digits and dots in the middle.
    value = decoded(raw, encodings)
    meaning = decoded(fields.get(tags.CODE_MEANING, b""), encodings)
    if not value and not meaning:
        return None
    return Code(value, decoded(fields.get(tags.CODE_SCHEME, b"")), meaning)


def make_item(
    concept: Code | None,
    kind: str,
    texts: dict[int, bytes],
    *,
    code: Code | None,
    numbers: tuple[str, ...],
    unit: Code | None,
    referred: list[str],
    children: tuple[Item, ...],
    encodings: tuple[str, ...],
) -> Item:
    """Put a content item together; empty text is no text."""
    text: str | None = None
    if kind in tags.TEXT_OF_KIND:
        raw = texts.get(tags.TEXT_OF_KIND[kind])
        text = (decoded(raw, encodings) or None) if raw else None
    elif referred:
        text = referred[0]
    return Item(concept, kind, text, code, numbers, unit, children)
