"""Intra-oral test objects: one measurement for every description in ``intraoral_data``."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from kerma.core import Analysis, Curve, Image, Quantity, Region, quantity
from kerma.imaging.dental._intraoral_find import IntraoralFound, find_object
from kerma.imaging.dental._lowcontrast import low_contrast
from kerma.imaging.dental._picture import one_image, state_warnings
from kerma.imaging.dental._spec import IntraoralSpec, load_intraoral
from kerma.imaging.phantoms._part import Part
from kerma.imaging.record import choose, provenance, require
from kerma.imaging.registry import Recognise, Run, measurement
from kerma.imaging.tools.bars import falls_to
from kerma.imaging.tools.figure import Similarity
from kerma.imaging.tools.statistics import moments
from kerma.imaging.tools.untyped import ndimage

VERSION = "1"
EDITION = "Definitions in docs/methods/dental-projections.md; geometry in the object's data file"
MODALITIES = ("IO", "DX")

_LEVELS = (0.5, 0.2, 0.1)
_SEPARATE_SIGMAS = 3.29
_TILE_MM = 1.0
# What attenuates like lead over a whole border of the image was not exposed.
_UNEXPOSED_SHARE = 0.7


@dataclass(frozen=True, slots=True)
class IntraoralParameters:
    """Manual placing; without it the object is found.

    Attributes
    ----------
    centre_px, turn_deg, pixels_per_mm
        (column, row) of the object's middle, its turn clockwise as displayed, and the scale; all
        three or none.
    mirrored
        Whether the image shows it mirrored; only with the three above.
    """

    centre_px: tuple[float, float] | None = None
    turn_deg: float | None = None
    pixels_per_mm: float | None = None
    mirrored: bool = False

    def __post_init__(self) -> None:
        given = [v is not None for v in (self.centre_px, self.turn_deg, self.pixels_per_mm)]
        require(
            all(given) or not any(given),
            "centre_px",
            "To place the object by hand give centre_px, turn_deg and pixels_per_mm together.",
        )
        require(
            self.pixels_per_mm is None or self.pixels_per_mm > 0,
            "pixels_per_mm",
            "The scale must be above zero.",
        )

    def placed(self) -> Similarity | None:
        """Return the placing by hand, if there is one."""
        if self.centre_px is None or self.turn_deg is None or self.pixels_per_mm is None:
            return None
        return Similarity(self.pixels_per_mm, self.turn_deg, self.mirrored, self.centre_px, 0.0)


def analyse(spec: IntraoralSpec, images: Sequence[Image], **parameters: Any) -> Analysis:
    """Measure an intra-oral test object in one image.

    Parameters
    ----------
    spec
        The object the image is said to show. Anything else is refused.
    images
        One image.
    parameters
        See `IntraoralParameters`.

    Raises
    ------
    InputError
        ``wrong-phantom`` and those of `kerma.imaging.identity`.
    """
    given = choose(IntraoralParameters, parameters)
    image = one_image(images, MODALITIES)
    found = find_object(image, spec, given.placed())
    part = Part(warnings=list(state_warnings(image)))
    if given.placed() is not None:
        part.warnings.append("The object was placed by hand.")
    part.add(_position(image, found, spec))
    part.add(_wedge(found, spec))
    part.add(_bars(found, spec))
    part.add(low_contrast(found, spec))
    part.add(_uniformity(found, spec))
    part.add(_field(image, found))
    return Analysis(
        name=spec.measurement,
        status="measured",
        provenance=provenance(
            spec.measurement, VERSION, EDITION, images, given,
            object=spec.key, object_sha256=spec.sha256,
        ),
        values=part.values,
        regions=tuple(part.regions),
        curves=tuple(part.curves),
        warnings=tuple(part.warnings),
        facts={"object": spec.title, "sources": dict(spec.sources), **part.facts},
    )  # fmt: skip


def disc_region(
    found: IntraoralFound, x: float, y: float, radius_mm: float, name: str,
    values: dict[str, Quantity] | None = None,
) -> Region:  # fmt: skip
    """Return a disc of the object as a region of the overlay."""
    column, row = found.at.place(x, y)
    on = (float(column + radius_mm * found.at.scale), float(row))
    return Region(name, "circle", ((float(column), float(row)), on), 0, values or {})


def _position(image: Image, found: IntraoralFound, spec: IntraoralSpec) -> Part:
    part, at = Part(), found.at
    u_pixel = max(at.residual, 0.05) / math.sqrt(len(spec.fiducials))
    reach = float(np.sqrt(np.mean(np.square(spec.fiducials))))
    u_scale = u_pixel / reach
    pixel = 1 / at.scale
    part.values["pixel_size_object"] = quantity(pixel, "mm", pixel * u_scale / at.scale)
    part.values["turn"] = quantity(at.turn_deg, "deg", math.degrees(u_scale / at.scale))
    part.values["fiducial_residual"] = quantity(at.residual * pixel, "mm", 0.05 * pixel)
    if image.spacing_mm is None:
        part.warnings.append(
            "The image does not state its pixel spacing; lengths are taken from the object and the "
            "magnification is left out."
        )
    else:
        spacing = sum(image.spacing_mm) / 2
        part.values["magnification"] = quantity(spacing * at.scale, "1", spacing * u_scale)
    part.facts["mirrored"] = at.mirrored
    part.facts["attenuation_raises_grey_values"] = found.sign > 0
    part.regions += [
        disc_region(found, x, y, spec.fiducial_radius_mm, "lead disc") for x, y in spec.fiducials
    ]
    return part


def _wedge(found: IntraoralFound, spec: IntraoralSpec) -> Part:
    """Return each step's grey value and which neighbours are told apart.

    Two steps are apart when their means differ by more than 3.29 standard deviations of means over
    1 mm² tiles (one-sided 95 % for two such means).
    """
    part = Part()
    wide, high = (0.8 * v for v in spec.step_size_mm)
    means, us, tiles = [], [], []
    for number, step in enumerate(spec.steps, 1):
        values = found.rectangle(step.x_mm, step.y_mm, wide, high)
        side = math.isqrt(values.size)
        got = moments(values[: side * side].reshape(side, side))
        mean = got.mean
        per_tile = max(1.0, (_TILE_MM * found.at.scale) ** 2)
        means.append(mean)
        us.append(got.u_mean)
        # u_mean knows of correlated noise; it is of all pixels, a tile holds fewer.
        tiles.append(max(got.sd / math.sqrt(per_tile),
                         got.u_mean * math.sqrt(values.size / per_tile)))  # fmt: skip
        part.values[f"step_{number}"] = quantity(mean, "PV", got.u_mean)
        part.regions.append(
            _rectangle(found, step.x_mm, step.y_mm, wide, high, f"{step.thickness_mm:g} mm",
                       {"mean": quantity(mean, "PV", got.u_mean)})
        )  # fmt: skip
    rises = np.abs(np.diff(means))
    noise = np.hypot(tiles[:-1], tiles[1:]) / math.sqrt(2)
    apart = rises > _SEPARATE_SIGMAS * noise
    part.values["steps_apart"] = quantity(1 + int(apart.sum()), "1")
    part.values["wedge_range"] = quantity(
        100 * abs(means[-1] - means[0]) / found.range, "%",
        100 * math.hypot(us[0], us[-1]) / found.range,
    )  # fmt: skip
    relative = [100 * found.sign * (m - found.base) / found.range for m in means]
    part.curves.append(
        Curve("Wedge", tuple(s.thickness_mm for s in spec.steps), tuple(relative), "Thickness",
              "mm Al", "Attenuation, share of lead", "%",
              tuple(100 * u / found.range for u in us))
    )  # fmt: skip
    return part


def _rectangle(
    found: IntraoralFound, x: float, y: float, wide: float, high: float, name: str,
    values: dict[str, Quantity] | None = None,
) -> Region:  # fmt: skip
    corners = [(-wide, -high), (wide, -high), (wide, high), (-wide, high)]
    points = [found.at.place(x + a / 2, y + b / 2) for a, b in corners]
    return Region(name, "polygon", tuple((float(c), float(r)) for c, r in points), 0, values or {})


def _bars(found: IntraoralFound, spec: IntraoralSpec) -> Part:
    """Return the modulation of the groups relative to the first, and the finest that is seen."""
    part = Part()
    finest = 0.95 * found.at.scale / 2
    patches = [p for p in spec.bars if p.per_mm < finest]
    if len(patches) < len(spec.bars):
        part.warnings.append(
            f"Groups of bars finer than {finest:.1f} mm⁻¹ cannot be shown by these pixels."
        )
    signals = [found.bars(p, spec.bar_side_mm) for p in patches]
    first = signals[0]
    f = np.array([p.per_mm for p in patches])
    y = np.array([s.amplitude for s in signals]) / first.amplitude
    u = np.array([math.hypot(s.u, r * first.u) for s, r in zip(signals, y, strict=True)])
    u = u / first.amplitude
    seen = 0
    while seen < len(signals) and signals[seen].seen:
        seen += 1
    part.values["limiting_line_pairs"] = quantity(float(f[seen - 1]), "1/mm")
    for level in _LEVELS:
        crossing = falls_to(f, y, u, level)
        if crossing is not None:
            part.values[f"rmtf{level * 100:.0f}"] = quantity(crossing[0], "1/mm", crossing[1])
    part.curves.append(
        Curve("rMTF (relative to the first group)", tuple(f.tolist()), tuple(y.tolist()),
              "Line pairs", "1/mm", "Relative modulation", "1", tuple(u.tolist()))
    )  # fmt: skip
    for patch, signal in zip(patches, signals, strict=True):
        name = f"{patch.per_mm:g} mm⁻¹{'' if signal.seen else ' (not visible)'}"
        part.regions.append(
            disc_region(found, patch.x_mm, patch.y_mm, 0.48 * spec.bar_side_mm, name)
        )
    return part


def _uniformity(found: IntraoralFound, spec: IntraoralSpec) -> Part:
    """Return the largest difference between plain places, and noise, as shares of the range."""
    part = Part()
    got = []
    for x, y in spec.plain:
        values = found.values(x, y, spec.plain_radius_mm)
        side = math.isqrt(values.size)
        got.append(moments(values[: side * side].reshape(side, side)))
        part.regions.append(
            disc_region(found, x, y, spec.plain_radius_mm, "plain", got[-1].values("PV"))
        )
    percent = 100 / found.range
    top = max(got, key=lambda m: m.mean)
    low = min(got, key=lambda m: m.mean)
    part.values["uniformity"] = quantity(
        percent * (top.mean - low.mean), "%", percent * math.hypot(top.u_mean, low.u_mean)
    )
    sd = float(np.mean([m.sd for m in got]))
    u_sd = math.hypot(*(m.u_sd for m in got)) / len(got)
    part.values["noise"] = quantity(sd, "PV", u_sd)
    part.values["noise_relative"] = quantity(percent * sd, "%", percent * u_sd)
    return part


def _field(image: Image, found: IntraoralFound) -> Part:
    """Return the share of the image that was exposed, and the field's size where it ends inside.

    Pixels that attenuate like lead along the border of the image were not exposed; the field is the
    rows and columns whose median is not such.
    """
    part = Part()
    above = found.sign * (found.pixels - found.base) / found.range
    dark = above > _UNEXPOSED_SHARE
    rows, columns = (np.flatnonzero(np.median(dark, axis=k) < 0.5) for k in (1, 0))
    part.values["exposed_share"] = quantity(
        100 * (1 - _border_share(dark)), "%", 100 / min(dark.shape)
    )
    if not len(rows) or not len(columns):
        return part
    ends = {"field_height": (rows, dark.shape[0]), "field_width": (columns, dark.shape[1])}
    for name, (inside, whole) in ends.items():
        if inside[0] > 0 or inside[-1] < whole - 1:
            length = (inside[-1] - inside[0] + 1) / found.at.scale
            part.values[name] = quantity(length, "mm", 1.0 / found.at.scale)
    part.facts["field_covers_image"] = len(rows) == dark.shape[0] and len(columns) == dark.shape[1]
    return part


def _border_share(dark: Any) -> float:
    """Return the share of the image that is dark and joined to its border."""
    labels, _ = ndimage.label(dark)
    edge = np.unique(np.concatenate([labels[0], labels[-1], labels[:, 0], labels[:, -1]]))
    return float(np.isin(labels, edge[edge > 0]).mean())


def _register(spec: IntraoralSpec) -> None:
    def run(images: Sequence[Image], **parameters: Any) -> Analysis:
        return analyse(spec, images, **parameters)

    def recognise(images: Sequence[Image]) -> str:
        found = find_object(one_image(images, MODALITIES), spec, None)
        return (
            f"{len(spec.fiducials)} lead discs within {found.at.residual / found.at.scale:.2f} mm "
            "of their places, a rising wedge and bars"
        )

    run.__doc__ = f"Measure the {spec.title}; see `analyse`."
    registered: Run = run
    evidence: Recognise = recognise
    measurement(
        spec.measurement,
        version=VERSION,
        title=spec.title,
        edition=EDITION,
        modalities=MODALITIES,
        recognise=evidence,
    )(registered)


for _spec in load_intraoral().values():
    _register(_spec)
