"""What a skin dose calculation takes in: events and the patient; what is missing is ``None``."""

from __future__ import annotations

import math
from dataclasses import dataclass, fields
from typing import Literal, get_args

from kerma.core import InputError

Orientation = Literal["HFS", "FFS", "HFP", "FFP"]
ORIENTATIONS: tuple[Orientation, ...] = get_args(Orientation)
ORIENTATION_WORDS = {
    "HFS": "head first, on the back",
    "FFS": "feet first, on the back",
    "HFP": "head first, face down",
    "FFP": "feet first, face down",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Opening:
    """Where the edges of the collimator are, each on its own, so that a field may be lopsided.

    Attributes
    ----------
    transverse_mm, along_mm
        Signed positions of the two edges from the beam axis: transverse counts towards the side the
        detector moves to with growing primary angle (LAO), along towards that of the secondary
        angle (cranial).
    distance_mm
        Distance from the focus at which the positions are stated.
    """

    transverse_mm: tuple[float, float]
    along_mm: tuple[float, float]
    distance_mm: float

    def __post_init__(self) -> None:
        ordered = all(low < high for low, high in (self.transverse_mm, self.along_mm))
        numbers = (*self.transverse_mm, *self.along_mm, self.distance_mm)
        if not (ordered and self.distance_mm > 0 and all(math.isfinite(n) for n in numbers)):
            raise InputError(
                "A collimator opening needs two different edges each way, the lower first, and a "
                "distance above 0 mm.",
                code="bad-opening",
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class ExposureEvent:
    """One irradiation event of a C-arm, as the system reported it.

    Every number is in the unit its name says; ``None`` means not stated, which is never zero.

    Attributes
    ----------
    uid, plane, kind, started
        Identity; ``plane`` and ``kind`` (``fluoroscopy``, ``stationary``, ``stepping``,
        ``rotational``) in plain words; ``started`` in ISO 8601.
    reference_kerma_mgy, kap_gy_m2
        Displayed air kerma at the reference point, and kerma-area product.
    kv, copper_mm, aluminium_mm
        Tube voltage and added filtration. No filter is 0 mm, stated; ``None`` is unknown.
    primary_deg, secondary_deg, primary_end_deg, secondary_end_deg
        Positioner angles (DICOM 112011, 112012, 113739, 113740): of the detector about the patient,
        LAO and cranial positive by the standard.
    collimator_deg
        Rotation of the collimator about the beam axis, from transverse towards along.
    table_longitudinal_mm, table_lateral_mm, table_height_mm
        DICOM 113751, 113752, 113753 and their ends 113759 to 113761. **A trap**: by the standard
        (PS3.3 C.8.19.6.11) *longitudinal* is movement towards LAO, so across the table, and
        *lateral* is movement towards cranial, so along it; some makers name them the other way.
        The room's profile says which is which.
    table_head_tilt_deg, table_rotation_deg, table_cradle_deg
        DICOM 113754 (head up positive), 113755 (clockwise from above), 113756 (left up positive).
    source_isocentre_mm, source_detector_mm, source_reference_mm
        Distances from the focus.
    reference_point, reference_point_code
        Definition of the reference point as sent, and its DICOM code value.
    opening
        Edges of the collimator, where the system states them.
    field_transverse_mm, field_along_mm, field_area_mm2
        Size and area of the collimated field at the image receptor.
    orientation
        How the patient lies.
    beam_along_mm, isocentre_height_mm
        Maker's own: position of the C-arm along the table; height of the isocentre.
    notes
        How figures were obtained when not plainly stated; they become assumptions of the result.
    """

    uid: str = ""
    plane: str = ""
    kind: str = ""
    started: str | None = None
    reference_kerma_mgy: float | None = None
    kap_gy_m2: float | None = None
    kv: float | None = None
    copper_mm: float | None = None
    aluminium_mm: float | None = None
    primary_deg: float | None = None
    secondary_deg: float | None = None
    primary_end_deg: float | None = None
    secondary_end_deg: float | None = None
    collimator_deg: float | None = None
    table_longitudinal_mm: float | None = None
    table_lateral_mm: float | None = None
    table_height_mm: float | None = None
    table_longitudinal_end_mm: float | None = None
    table_lateral_end_mm: float | None = None
    table_height_end_mm: float | None = None
    table_head_tilt_deg: float | None = None
    table_rotation_deg: float | None = None
    table_cradle_deg: float | None = None
    source_isocentre_mm: float | None = None
    source_detector_mm: float | None = None
    source_reference_mm: float | None = None
    reference_point: str | None = None
    reference_point_code: str | None = None
    opening: Opening | None = None
    field_transverse_mm: float | None = None
    field_along_mm: float | None = None
    field_area_mm2: float | None = None
    orientation: Orientation | None = None
    beam_along_mm: float | None = None
    isocentre_height_mm: float | None = None
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.orientation is not None and self.orientation not in ORIENTATIONS:
            raise InputError(
                f"“{self.orientation}” is not a way to lie that Kerma calculates skin dose for. "
                f"It is one of {', '.join(ORIENTATIONS)}, or unknown.",
                code="bad-orientation",
            )
        for about in fields(self):
            number = getattr(self, about.name)
            if isinstance(number, float) and not math.isfinite(number):
                raise InputError(
                    f"{about.name} of event {self.uid or '(no UID)'} is {number}. Leave a figure "
                    "that is not known out.",
                    code="not-finite",
                )

    @property
    def place(self) -> str:
        """Short name of the event for messages."""
        return " ".join(part for part in (self.kind, self.plane, self.started or "") if part)


@dataclass(frozen=True, slots=True, kw_only=True)
class Patient:
    """The patient's size, where known, and how they lie when the report does not say.

    `orientation` overrides what the events state; the result says so.
    """

    height_mm: float | None = None
    mass_kg: float | None = None
    orientation: Orientation | None = None

    def __post_init__(self) -> None:
        for number, low, high, what in (
            (self.height_mm, 300.0, 2600.0, "height in mm"),
            (self.mass_kg, 0.4, 500.0, "mass in kg"),
        ):
            if number is not None and not low <= number <= high:
                raise InputError(
                    f"A patient's {what} of {number:g} is not possible. Check the unit, or leave "
                    "it out.",
                    code="bad-patient",
                )
        if self.orientation is not None and self.orientation not in ORIENTATIONS:
            raise InputError(
                f"The patient lies in one of {', '.join(ORIENTATIONS)}.", code="bad-orientation"
            )
