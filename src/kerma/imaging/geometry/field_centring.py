"""Where the middle of the X-ray field lies on the detector."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from kerma.core import Analysis, Image, Quantity, Region, quantity
from kerma.imaging import identity
from kerma.imaging.geometry import _setup
from kerma.imaging.geometry._setup import ACROSS, DOWN, Setup
from kerma.imaging.geometry.field_size import POLARITIES, SHAPES
from kerma.imaging.record import choose, provenance, require
from kerma.imaging.registry import measurement
from kerma.imaging.tools.field import Field

NAME, VERSION = "field-centring", "1"
EDITION = "Middle of the field edges at 50 % of the linearised profile against the detector's"
_SIZE_DIFFERS = 0.01


@dataclass(frozen=True, slots=True)
class Parameters:
    """What may be chosen; see `kerma.imaging.geometry.field_size` for what is not said here.

    Attributes
    ----------
    centre_px
        Column and row of the detector's centre, where the image does not show all of the
        detector; the middle of the image otherwise.
    """

    centre_px: tuple[float, float] | None = None
    shape: str = "auto"
    polarity: str = "auto"
    fdd_mm: float | None = None
    stp: Mapping[str, Any] | None = None
    allow_processed: bool = False

    def __post_init__(self) -> None:
        require(self.shape in SHAPES, "shape", f"The shape is one of {', '.join(SHAPES)}.")
        require(self.polarity in POLARITIES, "polarity",
                f"The polarity is one of {', '.join(POLARITIES)}.")  # fmt: skip
        _setup.require_distances(self.fdd_mm, None)


@measurement(
    NAME,
    version=VERSION,
    title="X-ray field centre against detector centre",
    edition=EDITION,
    modalities=identity.PLANAR,
)
def measure(images: Sequence[Image], **parameters: Any) -> Analysis:
    """Measure the offset of the field's centre from the detector's in one image.

    Values ``offset_x`` (to the right) and ``offset_y`` (downwards) in mm at the detector,
    ``offset`` (their length) and the three as ``..._percent`` of the focus-detector distance. The
    offset along an axis needs both of its sides.

    Raises
    ------
    InputError
        See `kerma.imaging.identity`; ``not-linear``, ``saturated-image``.
    AnalysisError
        ``no-field-edge``, ``not-a-field``, ``electronic-shutter``.
    """
    chosen = choose(Parameters, parameters)
    identity.check(images, modalities=identity.PLANAR, at_most=1)
    setup = _setup.prepare(images[0], stp=chosen.stp, allow_processed=chosen.allow_processed,
                           fdd_mm=chosen.fdd_mm)  # fmt: skip
    _setup.require_not_clinical(setup, chosen.polarity)
    field = _setup.field_of(setup, shape=chosen.shape, polarity=chosen.polarity)
    rows, columns = images[0].pixels.shape
    centre_px = chosen.centre_px or ((columns - 1) / 2, (rows - 1) / 2)
    offsets = offsets_from(setup, field, centre_px)
    values = dict(offsets)
    for name, q in offsets.items():
        share = setup.of_fdd(q)
        if share is not None:
            values[f"{name}_percent"] = share
    regions = [Region("Detector centre", "point", (centre_px,))]
    if "offset" in offsets:
        regions.append(Region("Field centre", "point", (setup.to_px(*field.centre()),)))
    return Analysis(
        name=NAME,
        status="measured" if values else "not measurable",
        reason="" if values else "No two opposite sides of the field show in this image.",
        provenance=provenance(NAME, VERSION, EDITION, images, chosen, fdd_mm_used=setup.fdd_mm),
        values=values,
        regions=(*regions, *_setup.side_regions(setup, field)),
        warnings=(
            *setup.warnings,
            *_setup.hidden_warnings(field),
            *_centre_warnings(chosen, setup),
        ),
        facts={"hidden": dict(field.hidden)},
    )


def offsets_from(setup: Setup, field: Field, centre_px: tuple[float, float]) -> dict[str, Quantity]:
    """Return the offset of the field's centre along the image's axes, in mm at the detector.

    A turned field's axes are not the image's; each image axis then needs all four sides.
    """
    x0, y0 = centre_px[0] * setup.spacing_mm[1], centre_px[1] * setup.spacing_mm[0]
    x, y = field.centre()
    if field.circle is not None:
        u = {"x": field.circle.u, "y": field.circle.u}
    else:
        u = {}
        turned = abs(field.turn) > math.radians(0.5)
        for axis, pair in (("x", ACROSS), ("y", DOWN)):
            needed = (*ACROSS, *DOWN) if turned else pair
            if all(n in field.sides for n in needed):
                # The middle of two sides has half of each one's error.
                u[axis] = math.hypot(*(_setup.edge_u(setup, field.sides[n]) for n in pair)) / 2
    values = {f"offset_{a}": quantity(d, "mm", u[a]) for a, d in (("x", x - x0), ("y", y - y0))
              if a in u}  # fmt: skip
    if len(values) == 2:
        length = math.hypot(x - x0, y - y0)
        spread = math.hypot((x - x0) * u["x"], (y - y0) * u["y"]) / length if length else u["x"]
        values["offset"] = quantity(length, "mm", spread)
    return values


def _centre_warnings(chosen: Parameters, setup: Setup) -> tuple[str, ...]:
    if chosen.centre_px is not None:
        return ("The detector's centre was set by hand.",)
    stated = setup.image.facts.get("FieldOfViewDimensions")
    if isinstance(stated, list) and len(stated) == 2:
        rows, columns = setup.image.pixels.shape
        shown = (rows * setup.spacing_mm[0], columns * setup.spacing_mm[1])
        if any(abs(a / b - 1) > _SIZE_DIFFERS for a, b in zip(shown, stated, strict=True) if b):
            return (
                f"The image shows {shown[1]:.0f} mm by {shown[0]:.0f} mm, but the header states a "
                f"field of view of {stated[1]:g} mm by {stated[0]:g} mm: it may be cropped, and "
                "its middle not the detector's. Give the detector's centre (centre_px).",
            )
    return ()
