"""The same content tree through pydicom: slower, forgiving, and the check on the fast reader."""

from __future__ import annotations

from collections.abc import Iterator
from io import BytesIO

from pydicom.dataelem import RawDataElement
from pydicom.dataset import Dataset
from pydicom.filereader import read_dataset
from pydicom.tag import BaseTag

from kerma.dicom.dose import tags
from kerma.dicom.dose.assemble import make_code, make_item, numbers_of
from kerma.dicom.dose.envelope import Envelope
from kerma.dicom.dose.text import decoded, encodings_of
from kerma.dicom.dose.tree import Code, Item, Tree
from kerma.dicom.guard import damaged_file

_TEXT_TAGS = frozenset(tags.TEXT_OF_KIND.values())


def read(envelope: Envelope, name: str) -> Tree:
    """Read a content tree through pydicom's data sets.

    Raises
    ------
    InputError
        Code ``broken-dicom``: pydicom cannot read it either.
    """
    with damaged_file(name):
        root = read_dataset(BytesIO(envelope.body), envelope.implicit, True)
        header = {}
        for key in tags.HEADER:
            raw = _bytes(root, key)
            if raw:
                header[key] = raw
        encodings = encodings_of(header.get(tags.CHARACTER_SET, b""))
        return Tree(
            header,
            _code(root, tags.CONCEPT, encodings),
            tuple(_texts(root, tags.TEMPLATE, tags.TEMPLATE_ID)),
            tuple(_item(item, encodings) for item in _sequence(root, tags.CONTENT)),
            encodings,
        )


def _key(tag: int) -> BaseTag:
    return BaseTag((tag & 0xFFFF) << 16 | tag >> 16)


def _bytes(dataset: Dataset, tag: int) -> bytes | None:
    element = dataset.get_item(_key(tag))
    if isinstance(element, RawDataElement):
        return bytes(element.value or b"")
    return None


def _sequence(dataset: Dataset, tag: int) -> Iterator[Dataset]:
    key = _key(tag)
    if key in dataset and dataset[key].VR == "SQ":
        yield from dataset[key].value or ()


def _code(dataset: Dataset, tag: int, encodings: tuple[str, ...]) -> Code | None:
    for item in _sequence(dataset, tag):
        fields = {}
        for key in (
            tags.CODE_VALUE,
            tags.CODE_SCHEME,
            tags.CODE_MEANING,
            tags.LONG_CODE_VALUE,
            tags.URN_CODE_VALUE,
        ):
            raw = _bytes(item, key)
            if raw is not None:
                fields[key] = raw
        return make_code(fields, _own(item, encodings))
    return None


def _texts(dataset: Dataset, tag: int, wanted: int) -> list[str]:
    found = (_bytes(item, wanted) for item in _sequence(dataset, tag))
    return [decoded(raw) for raw in found if raw is not None]


def _own(dataset: Dataset, encodings: tuple[str, ...]) -> tuple[str, ...]:
    """Return the encodings of an item: its own Specific Character Set, or what holds it says."""
    raw = _bytes(dataset, tags.CHARACTER_SET)
    return encodings if raw is None else encodings_of(raw)


def _item(dataset: Dataset, encodings: tuple[str, ...]) -> Item:
    encodings = _own(dataset, encodings)
    numbers: tuple[str, ...] = ()
    unit: Code | None = None
    for measured in _sequence(dataset, tags.MEASURED):
        unit = unit or _code(measured, tags.UNIT, encodings)
        numbers += numbers_of(_bytes(measured, tags.NUMBER) or b"")
    texts = {}
    for key in _TEXT_TAGS:
        raw = _bytes(dataset, key)
        if raw is not None:
            texts[key] = raw
    return make_item(
        _code(dataset, tags.CONCEPT, encodings),
        decoded(_bytes(dataset, tags.VALUE_TYPE) or b""),
        texts,
        code=_code(dataset, tags.CODE, encodings),
        numbers=numbers,
        unit=unit,
        referred=_texts(dataset, tags.REFERENCED_SOP, tags.REFERENCED_UID),
        children=tuple(_item(item, encodings) for item in _sequence(dataset, tags.CONTENT)),
        encodings=encodings,
    )
