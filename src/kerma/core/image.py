"""An image as measurements see it: pixels, geometry and the facts that decide what may be done."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from kerma.core.errors import InputError

Pixels = npt.NDArray[np.floating[Any]]


@dataclass(frozen=True, slots=True, eq=False)
class Image:
    """One frame with its geometry.

    Attributes
    ----------
    pixels
        Shape (rows, columns). Modality values: HU for CT (rescale applied), stored pixel values
        otherwise.
    spacing_mm
        (row, column) distance between pixel centres at the plane the image states (detector or
        CT slice); ``None`` when the image does not say.
    modality
        DICOM Modality: CT, DX, CR, MG, XA, RF, PX, IO, ...
    processing
        ``raw`` (FOR PROCESSING), ``presentation``, or ``unknown``.
    sha256
        Hash of the object the frame came from.
    facts
        Header values by DICOM keyword, for identity checks and the report: Manufacturer, KVP,
        SliceThickness, ConvolutionKernel, BodyPartExamined, PatientID hash is never here.
    z_mm, thickness_mm
        Slice position along the slice normal and nominal slice thickness (CT).
    saturated_at
        Largest value the stored bits can hold, after rescale, when known.
    """

    pixels: Pixels
    spacing_mm: tuple[float, float] | None
    modality: str = ""
    processing: str = "unknown"
    sha256: str = ""
    facts: Mapping[str, Any] = field(default_factory=dict)
    z_mm: float | None = None
    thickness_mm: float | None = None
    saturated_at: float | None = None

    def __post_init__(self) -> None:
        if self.pixels.ndim != 2 or min(self.pixels.shape) < 1:
            raise InputError(
                f"An image must have rows and columns; this one has shape {self.pixels.shape}.",
                code="image-shape",
            )

    def require_spacing(self) -> tuple[float, float]:
        """Return the pixel spacing, or refuse.

        Raises
        ------
        InputError
            Code ``no-pixel-spacing``.
        """
        if self.spacing_mm is None:
            raise InputError(
                "This image does not state its pixel spacing, so no length or frequency can be "
                "measured on it. Export it again with Pixel Spacing or Imager Pixel Spacing.",
                code="no-pixel-spacing",
            )
        return self.spacing_mm
