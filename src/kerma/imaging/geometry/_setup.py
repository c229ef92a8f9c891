"""What the measurements of a field share: which images they take, distances, the header's word."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from kerma.core import AnalysisError, Image, InputError, Quantity, Region, quantity
from kerma.imaging import identity
from kerma.imaging.geometry._shown import shown, well_inside
from kerma.imaging.planar.region import linearised
from kerma.imaging.record import require
from kerma.imaging.tools.field import Field, Side, find_field

Array = npt.NDArray[np.floating[Any]]

ACROSS, DOWN = ("left", "right"), ("top", "bottom")
_SATURATED_SHARE = 0.005
# Some headers hold the distance in another unit (seen: 11.5). Design choice.
_PLAUSIBLE_FDD_MM = (100.0, 6000.0)
_HEADER_EDGES = {
    "left": "CollimatorLeftVerticalEdge",
    "right": "CollimatorRightVerticalEdge",
    "top": "CollimatorUpperHorizontalEdge",
    "bottom": "CollimatorLowerHorizontalEdge",
}


@dataclass(frozen=True, slots=True, eq=False)
class Setup:
    """An image that may be measured: pixels that follow dose, spacing, distance, warnings."""

    image: Image
    pixels: Array
    spacing_mm: tuple[float, float]
    fdd_mm: float | None
    processed: bool
    warnings: tuple[str, ...]

    def to_px(self, x_mm: float, y_mm: float) -> tuple[float, float]:
        """Return column and row of a point."""
        return x_mm / self.spacing_mm[1], y_mm / self.spacing_mm[0]

    def of_fdd(self, value: Quantity) -> Quantity | None:
        """Return a length at the detector as % of the focus-detector distance, when known."""
        if self.fdd_mm is None:
            return None
        share = 100.0 / self.fdd_mm
        return quantity(value.value * share, "%", None if value.u is None else value.u * share)


def prepare(
    image: Image,
    *,
    stp: Mapping[str, Any] | None,
    allow_processed: bool,
    fdd_mm: float | None,
    needs_linear: bool = True,
) -> Setup:
    """Check one image and return it ready to measure.

    Half the dose lies at half the step only of pixels that follow dose, so a processed image, or
    one whose header says its values are logarithmic, needs `stp` or `allow_processed`.

    Raises
    ------
    InputError
        See `kerma.imaging.identity`; ``not-linear``, ``saturated-image``, ``no-pixel-spacing``.
    """
    warnings = identity.require_raw([image], allow_processed=allow_processed)
    spacing = image.require_spacing()
    relationship = str(image.facts.get("PixelIntensityRelationship", "")).upper()
    bent = needs_linear and stp is None and relationship not in ("", "LIN")
    if bent and not allow_processed:
        raise InputError(
            f"The header says the pixel values are not linear in dose ({relationship}). Give the "
            "signal transfer property (stp), or allow processed values and accept the larger "
            "uncertainty.",
            code="not-linear",
            detail={"PixelIntensityRelationship": relationship},
        )
    if image.saturated_at is not None:
        share = float((image.pixels >= image.saturated_at).mean())
        if share > _SATURATED_SHARE:
            raise InputError(
                f"{100 * share:.1f} % of the image is at the top of the detector's scale, so the "
                "level inside the field is not known. Expose again with less dose.",
                code="saturated-image",
            )
    if image.facts.get("spacing_from") == "PixelSpacing":
        warnings += (
            "Lengths rest on Pixel Spacing, which may be calibrated to a plane in the patient; "
            "this image does not state the spacing at the detector.",
        )
    found, said = distance(image, fdd_mm)
    return Setup(
        image, linearised(image, stp)[0], spacing, found,
        image.processing == "presentation" or bent, (*warnings, *said),
    )  # fmt: skip


def distance(image: Image, given: float | None) -> tuple[float | None, tuple[str, ...]]:
    """Return the focus-detector distance: the one given, else the header's when it can be true."""
    if given is not None:
        return given, ()
    stated = image.facts.get("DistanceSourceToDetector")
    if not isinstance(stated, int | float) or stated <= 0:
        return None, ()
    if not _PLAUSIBLE_FDD_MM[0] <= stated <= _PLAUSIBLE_FDD_MM[1]:
        return None, (
            f"The header states a focus-detector distance of {stated:g} mm, which cannot be; it "
            "was not used. Give the distance (fdd_mm).",
        )
    return float(stated), ()


def require_distances(fdd_mm: float | None, plane_mm: float | None) -> None:
    """Refuse distances that cannot be."""
    require(fdd_mm is None or fdd_mm > 0, "fdd_mm", "The focus-detector distance is above zero.")
    require(plane_mm is None or plane_mm > 0, "plane_mm", "The distance of the plane from the "
            "focus is above zero.")  # fmt: skip


def magnification(fdd_mm: float | None, plane_mm: float | None) -> float | None:
    """Return FDD / focus-plane distance, or ``None`` when either is not known.

    Raises
    ------
    InputError
        Code ``bad-parameter``: the plane lies behind the detector.
    """
    if fdd_mm is None or plane_mm is None:
        return None
    require(plane_mm <= fdd_mm, "plane_mm", f"The plane at {plane_mm:g} mm from the focus lies "
            f"behind the detector at {fdd_mm:g} mm.")  # fmt: skip
    return fdd_mm / plane_mm


def require_not_clinical(setup: Setup, polarity: str = "auto") -> None:
    """Refuse an image that looks like a patient, in the polarity in which more dose is brighter.

    Raises
    ------
    InputError
        Code ``clinical-looking``.
    """
    image = setup.image
    if polarity_of(image, polarity) == "dark":
        image = replace(image, pixels=float(image.pixels.max()) - image.pixels)
    identity.require_not_clinical(image)


def field_of(setup: Setup, *, shape: str, polarity: str, blanked: bool = False) -> Field:
    """Find the X-ray field, and prove that it is one; what the system blanked is not looked at.

    Parameters
    ----------
    setup
        The image.
    shape, polarity
        What the field is known to be.
    blanked
        Whether a border drawn by software may be in the image: it is the image field's own.

    Raises
    ------
    AnalysisError
        Codes ``no-field-edge``; ``not-a-field``: neither rectangle nor circle;
        ``electronic-shutter``: a border drawn by software, one pixel sharp, with one value all
        over outside (an X-ray edge has a penumbra, and scatter and noise beyond it).
    """
    known = polarity_of(setup.image, polarity)
    mask = shown(setup.image.pixels)
    if not blanked or mask is None:
        field = find_field(setup.pixels, setup.spacing_mm, shape=shape, polarity=known)
        _require_no_shutter(setup, field)
        if mask is None:
            return field
    return find_field(
        setup.pixels, setup.spacing_mm, valid=well_inside(mask), shape=shape, polarity=known
    )


def _require_no_shutter(setup: Setup, field: Field) -> None:
    pixel = max(setup.spacing_mm)
    for side in field.sides.values():
        if side.penumbra is not None and side.penumbra < 1.5 * pixel and _constant(setup, side):
            raise AnalysisError(
                "The border of the field is drawn by software (an electronic shutter): it is one "
                "pixel sharp and has one value all over outside. Export the image without it.",
                stage="find field",
                code="electronic-shutter",
                detail={"side": side.name},
            )


def polarity_of(image: Image, asked: str) -> str:
    """Return whether more dose is brighter: as asked for, as the header says, else it is.

    A dark area with a straight or round border is far more often an object in an open field than
    a field whose pixel values fall with dose.
    """
    if asked != "auto":
        return asked
    falls = image.facts.get("PixelIntensityRelationshipSign") == -1
    return "dark" if falls or image.facts.get("monochrome1") else "bright"


def _constant(setup: Setup, side: Side) -> bool:
    (x0, y0), (x1, y1) = side.ends()
    t = np.linspace(0.05, 0.95, 60)[:, None]
    s = np.linspace(2.0, 4.0, 9)
    x = x0 + t * (x1 - x0) + s * np.cos(side.normal)
    y = y0 + t * (y1 - y0) + s * np.sin(side.normal)
    columns, rows = np.rint(x / setup.spacing_mm[1]), np.rint(y / setup.spacing_mm[0])
    height, width = setup.pixels.shape
    inside = (rows >= 0) & (rows < height) & (columns >= 0) & (columns < width)
    values = setup.image.pixels[rows[inside].astype(int), columns[inside].astype(int)]
    return values.size > 0 and float(np.ptp(values)) == 0.0


def bent_u(setup: Setup, side: Side) -> float:
    """Return what processing adds to the uncertainty of a side's place; 0 for linear values.

    The half level of values bent by processing may lie anywhere in the penumbra; the place is
    taken as rectangular within its 20 % to 80 % width to each side. Design choice: the logarithm
    of a step of 30 to 1 moves it by half of that.
    """
    if not setup.processed or side.penumbra is None:
        return 0.0
    return float(side.penumbra / np.sqrt(3.0))


def edge_u(setup: Setup, side: Side) -> float:
    """Return the uncertainty of a side's place, that from processing included."""
    return float(np.hypot(side.u, bent_u(setup, side)))


def hidden_warnings(field: Field) -> tuple[str, ...]:
    """Return a sentence for each side that could not be measured."""
    return tuple(
        f"The {name} side of the field could not be measured: {why}. Values that need it are "
        "left out."
        for name, why in field.hidden.items()
    )


def side_regions(setup: Setup, field: Field) -> list[Region]:
    """Return the measured edges as lines, or the circle, for the overlay."""
    if field.circle is not None:
        c = field.circle
        rim = setup.to_px(c.x + c.radius, c.y)
        return [Region("X-ray field", "circle", (setup.to_px(c.x, c.y), rim))]
    return [
        Region(
            f"X-ray field, {side.name}", "line", tuple(setup.to_px(*p) for p in side.ends()),
            values={"penumbra": quantity(side.penumbra, "mm")} if side.penumbra else {},
        )
        for side in field.sides.values()
    ]  # fmt: skip


def header_edges(setup: Setup, field: Field) -> tuple[dict[str, Quantity], dict[str, Any]]:
    """Compare the sides with the collimator edges the header states (PS3.3 C.8.7.3).

    The header gives columns and rows, counted from 1. Values ``header_difference_left`` and so on:
    measured less stated, positive where the measured field is larger.
    """
    values: dict[str, Quantity] = {}
    facts: dict[str, Any] = {}
    for name, keyword in _HEADER_EDGES.items():
        stated = setup.image.facts.get(keyword)
        if not isinstance(stated, int | float):
            continue
        facts[keyword] = stated
        side = field.sides.get(name)
        if side is None:
            continue
        dy, dx = setup.spacing_mm
        place = (stated - 1) * (dx if name in ACROSS else dy)
        measured = side.x if name in ACROSS else side.y
        sign = 1.0 if name in ("right", "bottom") else -1.0
        difference = sign * (measured - place)
        values[f"header_difference_{name}"] = quantity(difference, "mm", edge_u(setup, side))
    for keyword in ("CollimatorShape", "FieldOfViewDimensions", "FieldOfViewShape",
                    "DistanceSourceToDetector", "ShutterShape"):  # fmt: skip
        if keyword in setup.image.facts:
            facts[keyword] = setup.image.facts[keyword]
    return values, facts
