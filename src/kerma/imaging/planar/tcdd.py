"""Threshold contrast against detail diameter, from the noise of a flat field alone."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from kerma.core import Analysis, Curve, Image, InputError, Quantity, Region, quantity
from kerma.imaging import identity
from kerma.imaging.planar.region import linearised
from kerma.imaging.record import choose, provenance, require
from kerma.imaging.registry import measurement
from kerma.imaging.tools.flat_fields import (
    field_of,
    require_distinct,
    require_field,
    unlinearised_warning,
    value_name,
)
from kerma.imaging.tools.noise_power import detrended
from kerma.imaging.tools.regions import Array, Rectangle
from kerma.imaging.tools.statistics import Moments, moments

NAME, VERSION = "planar-tcdd", "1"
EDITION = "Statistical method of Chao et al. 2000 and Paruccini et al. 2021: C = 3.29 s / mean"
# 1.645 standard deviations each way: a detail is told from background with 5 % error of either
# kind.
FACTOR = 3.29
_SUBPIXELS = 16
_LEAST_DISCS, _FEW_DISCS = 16, 64


@dataclass(frozen=True, slots=True)
class Parameters:
    """What may be chosen.

    Attributes
    ----------
    diameters_mm
        Diameters of the details; from one pixel on.
    margin_mm
        Border of the exposed field that is left out; a design choice.
    roi
        Left, top, right, bottom in pixels, instead of the exposed field.
    stp
        Signal transfer property for linearisation: model, a, b, c (K in µGy).
    """

    diameters_mm: tuple[float, ...] = (0.5, 1.0, 2.0, 4.0, 8.0)
    margin_mm: float = 10.0
    roi: tuple[int, int, int, int] | None = None
    stp: Mapping[str, Any] | None = None

    def __post_init__(self) -> None:
        require(
            len(self.diameters_mm) > 0
            and all(math.isfinite(d) and d > 0 for d in self.diameters_mm)
            and len(set(self.diameters_mm)) == len(self.diameters_mm),
            "diameters_mm",
            "The diameters must be different numbers above zero, in mm.",
        )
        require(self.margin_mm >= 0, "margin_mm", "The margin cannot be below zero.")


@measurement(
    NAME,
    version=VERSION,
    title="Threshold contrast from the noise of a flat field",
    edition=EDITION,
    modalities=identity.PLANAR,
)
def measure(images: Sequence[Image], **parameters: Any) -> Analysis:
    """Estimate the threshold contrast of discs from one or several flat fields of one exposure.

    The field, without its second-order trend, is covered with touching discs; s is the standard
    deviation of their means. Values ``tcdd_at_1`` (%) and the like for each diameter, 3.29 s over
    the mean; ``slope`` (1), of log contrast over log diameter: -1 for white noise
    and discs of many pixels.

    Raises
    ------
    InputError
        See `kerma.imaging.identity`; ``no-pixel-spacing``, ``mixed-images``, ``same-frame``,
        ``not-flat``, ``saturated-field``, ``region-too-small``, ``no-signal``, ``no-noise``.
    """
    chosen = choose(Parameters, parameters)
    identity.check(images, modalities=identity.PLANAR)
    warnings = list(identity.require_raw(images))
    spacing = images[0].require_spacing()
    identity.require_same_geometry(images)
    require_distinct(images)
    fields, flats, unit = [], [], "PV"
    for image in images:
        field = field_of(image, chosen.margin_mm, chosen.roi)
        require_field(image, field)
        pixels, unit = linearised(image, chosen.stp)
        part = field.cut(pixels)
        fields.append(field)
        flats.append((detrended(part), float(part.mean())))
    _require_signal(flats)
    found: list[tuple[float, Quantity]] = []
    discs: list[int] = []
    drawn: list[Region] = [f.region("Covered by discs", frame=i) for i, f in enumerate(fields)]
    for diameter in sorted(chosen.diameters_mm):
        weights = disc_weights(diameter, spacing)
        seen = [_disc_means(flat, weights) for flat, _ in flats]
        if weights is None or any(s is None for s in seen):
            warnings.append(_left_out(diameter, spacing))
            continue
        counted = [s for s in seen if s is not None]
        found.append((diameter, _threshold(counted, [mean for _, mean in flats])))
        discs.append(sum(s.count for s in counted))
        if discs[-1] < _FEW_DISCS:
            warnings.append(f"Only {discs[-1]} discs of {diameter:g} mm fit in the field.")
        drawn.append(_drawn(diameter, spacing, fields[0]))
    values = {f"tcdd_at_{value_name(d)}": q for d, q in found}
    return Analysis(
        name=NAME,
        status="measured" if values else "not measurable",
        reason="" if values else "No disc of the diameters asked for fits in the field.",
        provenance=provenance(NAME, VERSION, EDITION, images, chosen, factor=FACTOR),
        values={**values, **_slope(found)},
        regions=tuple(drawn),
        curves=_curves(found),
        warnings=(*warnings, *unlinearised_warning(unit)),
        facts={"factor": FACTOR, "discs": {f"{d:g}": n for (d, _), n in
                                           zip(found, discs, strict=True)}},
    )  # fmt: skip


def _require_signal(flats: Sequence[tuple[Array, float]]) -> None:
    if not all(mean > 0 for _, mean in flats):
        raise InputError(
            "The mean signal of the field is not above zero, so its noise cannot be related to "
            "it. Give the signal transfer property, or use an exposed field.",
            code="no-signal",
        )
    if not all(float(np.ptp(flat)) > 0 for flat, _ in flats):
        raise InputError("The field holds no noise at all. Use raw flat fields.", code="no-noise")


def disc_weights(diameter_mm: float, spacing_mm: tuple[float, float]) -> Array | None:
    """Return the share of each pixel under a disc in the smallest cell that holds it.

    The weights add up to 1. ``None`` for a disc smaller than a pixel.
    """
    dy, dx = spacing_mm
    if diameter_mm < max(dy, dx) * (1.0 - 1e-9):
        return None
    rows, columns = (max(1, math.ceil(diameter_mm / p - 1e-9)) for p in (dy, dx))
    offsets = (np.arange(_SUBPIXELS) + 0.5) / _SUBPIXELS

    def places(n: int, pitch: float) -> Array:
        return np.asarray((np.arange(n)[:, None] + offsets - n / 2) * pitch).ravel()

    inside = np.add.outer(places(rows, dy) ** 2, places(columns, dx) ** 2) <= diameter_mm**2 / 4
    cover = inside.reshape(rows, _SUBPIXELS, columns, _SUBPIXELS).mean(axis=(1, 3))
    return np.asarray(cover / cover.sum())


def _disc_means(flat: Array, weights: Array | None) -> Moments | None:
    """Return mean and standard deviation of the means of touching discs, or ``None`` for few."""
    if weights is None:
        return None
    high, wide = weights.shape
    rows, columns = flat.shape[0] // high, flat.shape[1] // wide
    if rows * columns < _LEAST_DISCS or min(rows, columns) < 2:
        return None
    cells = flat[: rows * high, : columns * wide].reshape(rows, high, columns, wide)
    return moments((cells * weights[:, None, :]).sum(axis=(1, 3)))


def _threshold(seen: Sequence[Moments], means: Sequence[float]) -> Quantity:
    """Return the threshold contrast in %: relative variances of the images averaged."""
    n = len(seen)
    relative = [(s.sd / m) ** 2 for s, m in zip(seen, means, strict=True)]
    u_relative = [2.0 * s.sd * s.u_sd / m**2 for s, m in zip(seen, means, strict=True)]
    sd = math.sqrt(sum(relative) / n)
    u = math.hypot(*u_relative) / n / (2.0 * sd) if sd else 0.0
    return quantity(100.0 * FACTOR * sd, "%", 100.0 * FACTOR * u)


def _left_out(diameter: float, spacing: tuple[float, float]) -> str:
    if diameter < max(spacing):
        return f"{diameter:g} mm is smaller than a pixel, so it was left out."
    return f"Too few discs of {diameter:g} mm fit in the field, so they were left out."


def _slope(found: Sequence[tuple[float, Quantity]]) -> dict[str, Quantity]:
    if len(found) < 2:
        return {}
    x = np.log([d for d, _ in found])
    y = np.log([q.value for _, q in found])
    weight = np.array([q.value / q.u if q.u else 1.0 for _, q in found]) ** 2
    middle = float((weight * x).sum() / weight.sum())
    spread = float((weight * (x - middle) ** 2).sum())
    slope = float((weight * (x - middle) * y).sum()) / spread
    return {"slope": quantity(slope, "1", 1.0 / math.sqrt(spread))}


def _curves(found: Sequence[tuple[float, Quantity]]) -> tuple[Curve, ...]:
    if not found:
        return ()
    return (
        Curve(
            "Threshold contrast",
            tuple(d for d, _ in found),
            tuple(q.value for _, q in found),
            "Diameter", "mm", "Contrast", "%",
            tuple(q.u or 0.0 for _, q in found),
        ),
    )  # fmt: skip


def _drawn(diameter: float, spacing: tuple[float, float], field: Rectangle) -> Region:
    """Return one disc of each diameter, drawn at the first place of the lattice."""
    half = diameter / spacing[1] / 2
    x = field.x0 - 0.5 + math.ceil(2 * half) / 2
    y = field.y0 - 0.5 + math.ceil(diameter / spacing[0]) / 2
    return Region(f"Disc of {diameter:g} mm", "circle", ((x, y), (x + half, y)))
