"""The header values that travel with an image for checks and reports: nobody's identity."""

from __future__ import annotations

import re
from datetime import date
from typing import Any

from pydicom.datadict import tag_for_keyword
from pydicom.dataelem import RawDataElement
from pydicom.dataset import Dataset
from pydicom.multival import MultiValue
from pydicom.tag import Tag
from pydicom.valuerep import PersonName

from kerma.dicom.data import data_text

KEYWORDS = tuple(
    word
    for line in data_text("image_facts.txt").splitlines()
    if not line.startswith("#")
    for word in line.split()
)

_PHANTOM_WORDS = re.compile(
    r"phantom|catphan|leeds|cdrad|cdmam|tor.?18|pmma|perspex|water|wire|slanted|flat.?field"
    r"|constancy|q\.?[ac]\b|\bqa|\bqc|test|service|dosimet|physics|calib",
    re.IGNORECASE,
)
_OLDEST_PATIENT_YEARS = 110
_TEXTS = (
    "PatientName",
    "PatientID",
    "StudyDescription",
    "SeriesDescription",
    "ProtocolName",
    "PatientComments",
)
_CLINICAL = (*_TEXTS, "PatientBirthDate", "PatientSex", "StudyDate")
_CHARACTER_SET = "SpecificCharacterSet"
# What is read of every image beside its facts, and is the same for all slices of a series.
_SHARED = (
    "SOPClassUID",
    "Modality",
    "ImageType",
    "PresentationIntentType",
    "PhotometricInterpretation",
    "SamplesPerPixel",
    "Rows",
    "Columns",
    "NumberOfFrames",
    "BitsAllocated",
    "BitsStored",
    "HighBit",
    "PixelRepresentation",
    "PixelSpacing",
    "ImageOrientationPatient",
    "SliceThickness",
    "RescaleSlope",
    "RescaleIntercept",
)
_TAGS = {
    word: Tag(tag_for_keyword(word) or 0)
    for word in (*KEYWORDS, *_CLINICAL, *_SHARED, _CHARACTER_SET)
}
_FACT_TAGS = tuple((word, _TAGS[word]) for word in KEYWORDS)


def plain(value: Any) -> Any:
    """Return a header value as plain data (text, number, list), or ``None`` when empty."""
    if value is None or isinstance(value, PersonName):
        return None
    if isinstance(value, (MultiValue, list, tuple)):
        return [plain(item) for item in value] or None
    if isinstance(value, bool):
        return value
    if isinstance(value, int):
        return int(value)
    if isinstance(value, float):
        return float(value)
    if isinstance(value, str):
        return str(value).strip(" \0") or None
    return None


class Reader:
    """Reads one object after another; a value that comes again is converted only once.

    The slices of a series repeat nearly all of their headers, and converting them takes longer
    than anything else in reading. What is remembered lives as long as the reader: make one for
    each call, because a patient's name may be in it.
    """

    def __init__(self) -> None:
        self._plain: dict[Any, Any] = {}
        self._clinical: dict[Any, bool] = {}
        self._elements: dict[Any, Any] = {}

    def share(self, dataset: Dataset) -> None:
        """Give an object the elements that an earlier one held in the same bytes, converted."""
        for keyword in _SHARED:
            raw = _raw(dataset, keyword)
            if not isinstance(raw, tuple):
                continue
            held = self._elements.get((keyword, raw))
            if held is None:
                self._elements[keyword, raw] = dataset[_TAGS[keyword]]
            else:
                dataset[_TAGS[keyword]] = held

    def read(self, dataset: Dataset) -> dict[str, Any]:
        """Return the header values worth keeping; see `read`."""
        facts: dict[str, Any] = {}
        written = _raw(dataset, _CHARACTER_SET)
        held = dict(dataset.items())
        for keyword, tag in _FACT_TAGS:
            element = held.get(tag)
            if element is None:
                continue
            raw = _bytes(element)
            if raw is None:
                value = plain(dataset.get(keyword))
            else:
                key = (keyword, raw, written)
                if key not in self._plain:
                    self._plain[key] = plain(dataset.get(keyword))
                value = self._plain[key]
            if value is not None:
                facts[keyword] = list(value) if isinstance(value, list) else value
        facts["looks_clinical"] = self._looks_clinical(dataset, written)
        return facts

    def _looks_clinical(self, dataset: Dataset, written: Any) -> bool:
        key = (written, *(_raw(dataset, keyword) for keyword in _CLINICAL))
        if key not in self._clinical:
            self._clinical[key] = looks_clinical(dataset)
        return self._clinical[key]


def _raw(dataset: Dataset, keyword: str) -> Any:
    """Return what an element holds as it was stored, or its value where it was converted."""
    element = dataset.get_item(_TAGS[keyword])
    if element is None:
        return None
    return _bytes(element) or str(element.value)


def _bytes(element: Any) -> tuple[Any, ...] | None:
    """Return the stored bytes of an element and how they are to be read; ``None`` if converted."""
    if isinstance(element, RawDataElement) and isinstance(element.value, bytes):
        return element.VR, element.value, element.is_implicit_VR, element.is_little_endian
    return None


def read(dataset: Dataset) -> dict[str, Any]:
    """Return the header values worth keeping, by DICOM keyword, without absent or empty ones."""
    return Reader().read(dataset)


def looks_clinical(dataset: Dataset) -> bool:
    """Tell whether a header reads like a patient's: a weak hint, never proof.

    True when it has a plausible birth date (at most 110 years before the study, a design choice)
    and a sex, and neither the name nor any description says phantom, QA, test or the like.
    """
    texts = (str(dataset.get(keyword) or "") for keyword in _TEXTS)
    if any(_PHANTOM_WORDS.search(text.replace("_", " ")) for text in texts):
        return False
    born = _date(dataset.get("PatientBirthDate"))
    studied = _date(dataset.get("StudyDate"))
    if born is None or str(dataset.get("PatientSex") or "") not in ("M", "F"):
        return False
    if studied is None:
        return True
    return 0 <= (studied - born).days <= _OLDEST_PATIENT_YEARS * 365.25


def _date(value: Any) -> date | None:
    text = str(value or "")
    try:
        return date(int(text[:4]), int(text[4:6]), int(text[6:8]))
    except ValueError:
        return None
