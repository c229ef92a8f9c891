"""The X-ray field of an event, from the best source the report offers."""

from __future__ import annotations

import math
from dataclasses import dataclass

from kerma.physics.skin.events import ExposureEvent
from kerma.physics.skin.profile import FieldSource

WORDS: dict[FieldSource, str] = {
    "opening": "edges of the collimator",
    "size": "width and height of the collimated field at the image receptor",
    "area": "collimated field area at the image receptor, taken as a square",
    "kap": "kerma-area product over reference kerma, taken as a square",
}
# Design choice: a field that differs more from KAP over reference kerma deserves a word.
_AGREE = (0.7, 1.4)
_MM2_MGY = 1e9  # 1 Gy.m2 in mGy.mm2


@dataclass(frozen=True, slots=True)
class Field:
    """The field as tangents from the beam axis: edges at distance 1 from the focus.

    `kap_ratio` is its area over that of KAP and reference kerma, where both are known.
    """

    transverse: tuple[float, float]
    along: tuple[float, float]
    source: FieldSource
    kap_ratio: float | None = None

    @property
    def area(self) -> float:
        """Area at distance 1."""
        return (self.transverse[1] - self.transverse[0]) * (self.along[1] - self.along[0])

    @property
    def doubtful(self) -> bool:
        """Whether the area disagrees with the kerma-area product."""
        return self.kap_ratio is not None and not _AGREE[0] <= self.kap_ratio <= _AGREE[1]


def _square(area: float, distance_mm: float) -> tuple[float, float]:
    half = math.sqrt(area) / 2 / distance_mm
    return -half, half


def field_of(
    event: ExposureEvent, order: tuple[FieldSource, ...], reference_mm: float
) -> Field | str:
    """Return the field from the first of `order` that the event has, or what is missing.

    Parameters
    ----------
    event, order
        The event, and sources of the field, best first.
    reference_mm
        Distance from focus to reference point.
    """
    by_kap = None
    if event.kap_gy_m2 and event.reference_kerma_mgy:
        by_kap = event.kap_gy_m2 * _MM2_MGY / event.reference_kerma_mgy
    for source in order:
        edges = _edges(event, source, by_kap, reference_mm)
        if edges is not None:
            found = Field(*edges, source)
            if by_kap is None or source == "kap":
                return found
            return Field(*edges, source, kap_ratio=found.area * reference_mm**2 / by_kap)
    return (
        "no field: neither edges of the collimator, field size or area with the distance to the "
        "image receptor, nor both kerma-area product and reference kerma are stated"
    )


def _edges(
    event: ExposureEvent, source: FieldSource, by_kap: float | None, reference_mm: float
) -> tuple[tuple[float, float], tuple[float, float]] | None:
    """Return the tangents by one source; a size of zero is no size."""
    detector = event.source_detector_mm
    if source == "opening" and event.opening is not None:
        d = event.opening.distance_mm
        (a, b), (c, e) = event.opening.transverse_mm, event.opening.along_mm
        return (a / d, b / d), (c / d, e / d)
    width, height = event.field_transverse_mm, event.field_along_mm
    if source == "size" and detector and width and height and min(width, height) > 0:
        across, along = width / 2 / detector, height / 2 / detector
        return (-across, across), (-along, along)
    if source == "area" and detector and event.field_area_mm2 and event.field_area_mm2 > 0:
        edges = _square(event.field_area_mm2, detector)
        return edges, edges
    if source == "kap" and by_kap and by_kap > 0:
        edges = _square(by_kap, reference_mm)
        return edges, edges
    return None
