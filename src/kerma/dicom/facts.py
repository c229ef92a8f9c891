"""The header values that travel with an image for checks and reports: nobody's identity."""

from __future__ import annotations

import re
from datetime import date
from typing import Any

from pydicom.dataset import Dataset
from pydicom.multival import MultiValue
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


def read(dataset: Dataset) -> dict[str, Any]:
    """Return the header values worth keeping, by DICOM keyword, without absent or empty ones."""
    facts: dict[str, Any] = {}
    for keyword in KEYWORDS:
        if keyword in dataset:
            value = plain(dataset.get(keyword))
            if value is not None:
                facts[keyword] = value
    facts["looks_clinical"] = looks_clinical(dataset)
    return facts


def looks_clinical(dataset: Dataset) -> bool:
    """Tell whether a header reads like a patient's: a weak hint, never proof.

    True when it has a plausible birth date (at most 110 years before the study, a design choice)
    and a sex, and neither the name nor any description says phantom, QA, test or the like.
    """
    texts = (
        str(dataset.get(keyword) or "")
        for keyword in (
            "PatientName",
            "PatientID",
            "StudyDescription",
            "SeriesDescription",
            "ProtocolName",
            "PatientComments",
        )
    )
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
