"""Spacing, position and state of a frame, from whichever header elements state them."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from pydicom.dataset import Dataset

# PS3.4 B.5: storage classes that exist in two copies say by themselves which copy they are.
_FOR_PROCESSING = {
    "1.2.840.10008.5.1.4.1.1.1.1.1",
    "1.2.840.10008.5.1.4.1.1.1.2.1",
    "1.2.840.10008.5.1.4.1.1.1.3.1",
}
_FOR_PRESENTATION = {
    "1.2.840.10008.5.1.4.1.1.1.1",
    "1.2.840.10008.5.1.4.1.1.1.2",
    "1.2.840.10008.5.1.4.1.1.1.3",
}
_RAW_WORDS = {"RAW", "FOR PROCESSING", "FOR_PROCESSING", "UNPROCESSED"}
_PROCESSED_WORDS = {"POST_PROCESSED", "PROCESSED", "FOR PRESENTATION", "FOR_PRESENTATION"}
# Of a projection in this order: spacing at the detector, where its MTF and regions are measured
# (IEC 62220-1-1:2015); then one calibrated to a plane in the patient, smaller by the magnification
# (PS3.3 10.7.1.3); then that of the plane an RT image states.
_SPACING = ("ImagerPixelSpacing", "PixelSpacing", "ImagePlanePixelSpacing")
_SLICE_SPACING = ("PixelSpacing",)


@dataclass(frozen=True, slots=True)
class Frame:
    """What one frame of an object says about itself (distances in mm)."""

    spacing_mm: tuple[float, float] | None
    spacing_from: str | None
    z_mm: float | None
    thickness_mm: float | None
    slope: float | None
    intercept: float | None


def frame(dataset: Dataset, index: int) -> Frame:
    """Read the geometry of frame `index` (0-based), per frame where the object states it so."""
    levels = list(_levels(dataset, index))
    spacing, source = _spacing(levels)
    return Frame(
        spacing_mm=spacing,
        spacing_from=source,
        z_mm=_position(levels),
        thickness_mm=_number(_first(levels, "SliceThickness")),
        slope=_number(_first(levels, "RescaleSlope")),
        intercept=_number(_first(levels, "RescaleIntercept")),
    )


def processing(dataset: Dataset) -> str:
    """Return ``raw``, ``presentation`` or ``unknown``.

    From Presentation Intent Type, else the storage class, else words in Image Type. The words
    ORIGINAL and PRIMARY alone say nothing: presented CR images carry them too.
    """
    intent = str(dataset.get("PresentationIntentType") or "").upper()
    if intent in ("FOR PROCESSING", "FOR PRESENTATION"):
        return "raw" if intent == "FOR PROCESSING" else "presentation"
    sop_class = str(dataset.get("SOPClassUID") or "")
    if sop_class in _FOR_PROCESSING:
        return "raw"
    if sop_class in _FOR_PRESENTATION:
        return "presentation"
    image_type = dataset.get("ImageType") or ()
    words = {image_type.upper()} if isinstance(image_type, str) else set(map(str, image_type))
    if words & _RAW_WORDS:
        return "raw"
    return "presentation" if words & _PROCESSED_WORDS else "unknown"


def _levels(dataset: Dataset, index: int) -> Iterator[Dataset]:
    """Give the places a value may stand, most specific first (PS3.3 C.7.6.16)."""
    per_frame = dataset.get("PerFrameFunctionalGroupsSequence")
    groups = [per_frame[index]] if per_frame is not None and index < len(per_frame) else []
    shared = dataset.get("SharedFunctionalGroupsSequence")
    groups += [shared[0]] if shared else []
    for group in groups:
        for element in group:
            if element.VR == "SQ" and element.value:
                yield element.value[0]
    yield dataset


def _first(levels: list[Dataset], keyword: str) -> Any:
    for level in levels:
        value = level.get(keyword)
        if value is not None and value != "":
            return value
    return None


def _number(value: Any) -> float | None:
    if value is None:
        return None
    try:
        number = float(value)
    except (TypeError, ValueError):
        return None
    return number if math.isfinite(number) else None


def _numbers(value: Any, count: int) -> tuple[float, ...] | None:
    if value is None or isinstance(value, (str, float, int)) or len(value) != count:
        return None
    numbers = [_number(item) for item in value]
    return None if None in numbers else tuple(n for n in numbers if n is not None)


def _spacing(levels: list[Dataset]) -> tuple[tuple[float, float] | None, str | None]:
    slices = levels[-1].get("Modality") == "CT"
    for keyword in _SLICE_SPACING if slices else _SPACING:
        pair = _numbers(_first(levels, keyword), 2)
        if pair is not None and min(pair) > 0:
            return (pair[0], pair[1]), keyword
    return None, None


def _position(levels: list[Dataset]) -> float | None:
    """Return the position along the slice normal (PS3.3 C.7.6.2.1.1), else Slice Location."""
    position = _numbers(_first(levels, "ImagePositionPatient"), 3)
    cosines = _numbers(_first(levels, "ImageOrientationPatient"), 6)
    if position is None or cosines is None:
        return _number(_first(levels, "SliceLocation"))
    (ax, ay, az), (bx, by, bz) = cosines[:3], cosines[3:]
    normal = (ay * bz - az * by, az * bx - ax * bz, ax * by - ay * bx)
    return sum(n * p for n, p in zip(normal, position, strict=True))
