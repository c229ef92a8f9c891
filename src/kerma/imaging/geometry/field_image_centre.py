"""The X-ray field against the image field of an intensifier or flat panel, at each zoom."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from kerma.core import Analysis, AnalysisError, Image, Quantity, Region, quantity
from kerma.imaging import identity
from kerma.imaging.geometry import _setup
from kerma.imaging.geometry._setup import Setup
from kerma.imaging.geometry._shown import shown
from kerma.imaging.geometry.field_size import POLARITIES, SHAPES, measured_sizes
from kerma.imaging.record import choose, provenance, require
from kerma.imaging.registry import measurement
from kerma.imaging.tools.field import Field
from kerma.imaging.tools.field_search import fit_circle

Mask = npt.NDArray[np.bool_]

NAME, VERSION = "field-image-centre", "1"
EDITION = "X-ray field edges at 50 % against the border of the image field, each zoom"
# Design choices.
_ROUND_WITHIN = 0.01


@dataclass(frozen=True, slots=True)
class Parameters:
    """What may be chosen; see `kerma.imaging.geometry.field_size`."""

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


@dataclass(frozen=True, slots=True, eq=False)
class ImageField:
    """The part of the matrix that shows an image; mm from the centre of the first pixel.

    Attributes
    ----------
    x, y
        Its centre.
    radius
        Of a round one; ``None`` for a rectangle.
    width, height
        Of a rectangle; the diameter twice for a round one.
    shown
        Its pixels; ``None`` when it is the whole matrix.
    """

    x: float
    y: float
    radius: float | None
    width: float
    height: float
    shown: Mask | None

    @property
    def area(self) -> float:
        """Area in mm²."""
        return self.width * self.height * (1.0 if self.radius is None else math.pi / 4)

    def reach(self, angle: float) -> float:
        """Return the distance from the centre to the border in a direction along the axes."""
        if self.radius is not None:
            return self.radius
        return 0.5 * (self.width if abs(math.cos(angle)) > 0.7 else self.height)


@measurement(
    NAME,
    version=VERSION,
    title="X-ray field against image field, each zoom",
    edition=EDITION,
    modalities=identity.PLANAR,
)
def measure(images: Sequence[Image], **parameters: Any) -> Analysis:
    """Measure the X-ray field inside the image field; one image for each zoom.

    For image n: ``image_diameter_n`` (or ``image_width_n`` and ``image_height_n``) and
    ``diameter_n`` (or ``width_n``, ``height_n``) of the X-ray field in mm at the detector;
    ``offset_x_n`` and ``offset_y_n``, the X-ray field's centre from the image field's, and
    ``offset_n``; ``area_ratio_n``, X-ray to image field; ``margin_left_n`` and so on, by how far
    the X-ray field stays inside the image field (measured through its centre). With the FDD also
    ``offset_percent_n`` and ``margin_..._percent_n``.

    Raises
    ------
    InputError
        See `kerma.imaging.identity`; ``not-linear``, ``saturated-image``.
    AnalysisError
        ``not-a-field``, ``electronic-shutter``; ``no-field-edge`` when no image shows one.
    """
    chosen = choose(Parameters, parameters)
    identity.check(images, modalities=identity.PLANAR)
    values: dict[str, Quantity] = {}
    regions: list[Region] = []
    warnings: list[str] = []
    facts: list[dict[str, Any]] = []
    missing: AnalysisError | None = None
    for number, image in enumerate(images, start=1):
        setup = _setup.prepare(image, stp=chosen.stp, allow_processed=chosen.allow_processed,
                               fdd_mm=chosen.fdd_mm)  # fmt: skip
        seen = image_field(setup)
        regions.append(_image_region(setup, seen, number))
        facts.append(_facts(image, seen))
        values.update(_image_values(setup, seen, number))
        warnings += [w for w in setup.warnings if w not in warnings]
        try:
            field = _x_ray_field(setup, chosen)
        except AnalysisError as refusal:
            if refusal.code != "no-field-edge":
                raise
            missing = refusal
            warnings.append(
                f"Image {number}: no edge of the X-ray field shows inside the image field. It is "
                "as large as the image field or larger; its excess needs a plate beyond the image."
            )
            continue
        warnings += [f"Image {number}: {w}" for w in _setup.hidden_warnings(field)]
        found = compared(setup, field, seen)
        values.update({f"{name}_{number}": q for name, q in found.items()})
        regions += [_framed(r, number) for r in _setup.side_regions(setup, field)]
    if missing is not None and not any(n.startswith(("offset", "margin")) for n in values):
        raise missing
    measured = any(n.startswith("offset") for n in values)
    return Analysis(
        name=NAME,
        status="measured" if measured else "not measurable",
        reason="" if measured else "No two opposite sides of the X-ray field show in any image.",
        provenance=provenance(NAME, VERSION, EDITION, images, chosen),
        values=values if measured else {},
        regions=tuple(regions),
        warnings=tuple(warnings),
        facts={"images": facts},
    )


def image_field(setup: Setup) -> ImageField:
    """Find the image field: what is not one constant value joined to the corners."""
    pixels, (dy, dx) = setup.image.pixels, setup.spacing_mm
    rows, columns = pixels.shape
    whole = ImageField((columns - 1) / 2 * dx, (rows - 1) / 2 * dy, None, columns * dx, rows * dy,
                       None)  # fmt: skip
    mask = shown(pixels)
    if mask is None:
        return whole
    # Borders half a pixel outside the first and last pixel shown of each row and column.
    across, down = mask.any(axis=1), mask.any(axis=0)
    r, c = np.flatnonzero(across), np.flatnonzero(down)
    first, last = np.argmax(mask[r], axis=1), columns - 1 - np.argmax(mask[r][:, ::-1], axis=1)
    top = np.argmax(mask[:, c], axis=0)
    bottom = rows - 1 - np.argmax(mask[::-1][:, c], axis=0)
    x = np.concatenate((first - 0.5, last + 0.5, c, c)) * dx
    y = np.concatenate((r, r, top - 0.5, bottom + 0.5)) * dy
    inner = (x > 0) & (x < (columns - 1) * dx) & (y > 0) & (y < (rows - 1) * dy)
    if inner.sum() > 32:
        cx, cy, radius, kept = fit_circle(x[inner], y[inner], max(dx, dy))
        off = np.hypot(x[inner] - cx, y[inner] - cy) - radius
        if kept.mean() > 0.9 and float(off[kept].std()) < max(_ROUND_WITHIN * radius, dx):
            return ImageField(cx, cy, radius, 2 * radius, 2 * radius, mask)
    width, height = (c[-1] - c[0] + 1) * dx, (r[-1] - r[0] + 1) * dy
    return ImageField((c[0] + c[-1]) / 2 * dx, (r[0] + r[-1]) / 2 * dy, None, width, height, mask)


def _x_ray_field(setup: Setup, chosen: Parameters) -> Field:
    _setup.require_not_clinical(setup, chosen.polarity)
    return _setup.field_of(setup, shape=chosen.shape, polarity=chosen.polarity, blanked=True)


def compared(setup: Setup, field: Field, seen: ImageField) -> dict[str, Quantity]:
    """Return the X-ray field's size, offset, area ratio and margins."""
    values = measured_sizes(setup, field)
    pixel = max(setup.spacing_mm)
    # The image field's border is known to the pixel.
    u_border = pixel / math.sqrt(12.0)
    if field.circle is not None:
        c = field.circle
        dx, dy = c.x - seen.x, c.y - seen.y
        us = {"x": c.u, "y": c.u}
        area: float | None = math.pi * c.radius**2
        margins = {
            name: (seen.reach(angle) - c.radius - (dx * math.cos(angle) + dy * math.sin(angle)),
                   math.hypot(c.u, c.u_radius, u_border))
            for name, angle in (("right", 0.0), ("bottom", math.pi / 2), ("left", math.pi),
                                ("top", -math.pi / 2))
        }  # fmt: skip
    else:
        x, y = field.centre()
        dx, dy = x - seen.x, y - seen.y
        us = {}
        for axis, size in (("x", "width"), ("y", "height")):
            if size in values:
                us[axis] = math.hypot((values[size].u or 0.0) / 2, u_border)
        both = "width" in values and "height" in values
        area = values["width"].value * values["height"].value if both else None
        margins = {
            name: (seen.reach(side.normal) + side.outward(seen.x, seen.y),
                   math.hypot(_setup.edge_u(setup, side), u_border))
            for name, side in field.sides.items()
        }  # fmt: skip
    offsets = {
        f"offset_{a}": quantity(d, "mm", us[a]) for a, d in (("x", dx), ("y", dy)) if a in us
    }
    if len(offsets) == 2:
        offsets["offset"] = quantity(math.hypot(dx, dy), "mm", max(us.values()))
    edges = {f"margin_{name}": quantity(m, "mm", u) for name, (m, u) in margins.items()}
    values.update({**offsets, **edges})
    for name in ("offset", *edges):
        share = setup.of_fdd(values[name]) if name in values else None
        if share is not None:
            values[f"{name}_percent"] = share
    if area is not None:
        values["area_ratio"] = quantity(area / seen.area, "1", 2 * u_border / seen.width * 2)
    return values


def _image_values(setup: Setup, seen: ImageField, number: int) -> dict[str, Quantity]:
    u = max(setup.spacing_mm) / math.sqrt(6.0) if seen.shown is not None else 0.0
    if seen.radius is not None:
        return {f"image_diameter_{number}": quantity(2 * seen.radius, "mm", u)}
    return {
        f"image_width_{number}": quantity(seen.width, "mm", u),
        f"image_height_{number}": quantity(seen.height, "mm", u),
    }


def _image_region(setup: Setup, seen: ImageField, number: int) -> Region:
    name, frame = f"Image field, image {number}", number - 1
    if seen.radius is not None:
        rim = setup.to_px(seen.x + seen.radius, seen.y)
        return Region(name, "circle", (setup.to_px(seen.x, seen.y), rim), frame)
    corners = tuple(
        setup.to_px(seen.x + s * seen.width / 2, seen.y + s * seen.height / 2) for s in (-1, 1)
    )
    return Region(name, "rectangle", corners, frame)


def _framed(region: Region, number: int) -> Region:
    name = f"{region.name}, image {number}"
    return Region(name, region.shape, region.points, number - 1, region.values)


def _facts(image: Image, seen: ImageField) -> dict[str, Any]:
    keywords = ("FieldOfViewDimensions", "FieldOfViewShape", "IntensifierSize",
                "DistanceSourceToDetector")  # fmt: skip
    return {
        "image_field": "round" if seen.radius is not None else "rectangular",
        "whole_matrix": seen.shown is None,
        **{k: image.facts[k] for k in keywords if k in image.facts},
    }
