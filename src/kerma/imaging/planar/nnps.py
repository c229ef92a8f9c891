"""Normalised noise power spectrum of a planar detector from flat fields."""

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
from kerma.imaging.tools import noise_power
from kerma.imaging.tools.flat_fields import (
    field_of,
    require_distinct,
    require_field,
    unlinearised_warning,
    value_name,
)
from kerma.imaging.tools.noise_power import Band, NoisePower
from kerma.imaging.tools.regions import Rectangle

NAME, VERSION = "planar-nnps", "1"
EDITION = "IEC 62220-1-1:2015; squares half overlapped, second-order trend removed"
STANDARD_PIXELS = 4_000_000
STANDARD_SQUARE_PX = 256
# Exposures of one setting repeat within a few per cent; NNPS goes with 1/kerma. Design choice.
_MOST_EXPOSURE_SPREAD = 0.10


@dataclass(frozen=True, slots=True)
class Parameters:
    """What may be chosen.

    Attributes
    ----------
    square_px
        Side of the squares; 256 in IEC 62220-1-1, anything else is a warning.
    margin_mm
        Border of the exposed field that is left out; a design choice.
    roi
        Left, top, right, bottom in pixels, instead of the exposed field.
    at_per_mm
        Frequencies at which values are given.
    map_bins
        Rows and columns of the two-dimensional map kept; divides `square_px`.
    stp
        Signal transfer property for linearisation: model, a, b, c (K in µGy).
    """

    square_px: int = STANDARD_SQUARE_PX
    margin_mm: float = 10.0
    roi: tuple[int, int, int, int] | None = None
    at_per_mm: tuple[float, ...] = (0.5, 1.0, 2.0)
    map_bins: int = 64
    stp: Mapping[str, Any] | None = None

    def __post_init__(self) -> None:
        n = self.square_px
        require(
            32 <= n <= 1024 and n % 2 == 0,
            "square_px",
            "The squares have an even number of pixels to a side, from 32 to 1024.",
        )
        require(self.margin_mm >= 0, "margin_mm", "The margin cannot be below zero.")
        require(
            all(math.isfinite(f) and f > 0 for f in self.at_per_mm),
            "at_per_mm",
            "The frequencies for values must be above zero, in 1/mm.",
        )
        require(
            2 <= self.map_bins <= n and n % self.map_bins == 0,
            "map_bins",
            "The number of map bins must divide the side of the squares.",
        )


@measurement(
    NAME,
    version=VERSION,
    title="Normalised noise power spectrum",
    edition=EDITION,
    modalities=identity.PLANAR,
)
def measure(images: Sequence[Image], **parameters: Any) -> Analysis:
    """Measure the NNPS from one or several flat fields of the same exposure.

    Values ``nnps_x_at_1`` (mm2) and the like for each frequency of `at_per_mm` below the Nyquist
    frequency, along ``x``, ``y`` and ``radial``; ``mean`` and ``noise`` (PV, or uGy when
    linearised; the noise about the trend); ``independent_pixels``; ``parseval``, the integral of
    the spectrum over the relative variance. ``facts["map"]`` holds the two-dimensional spectrum.

    Raises
    ------
    InputError
        See `kerma.imaging.identity`; ``no-pixel-spacing``, ``mixed-images``, ``same-frame``,
        ``not-flat``, ``saturated-field``, ``mixed-exposures``, ``region-too-small``,
        ``no-signal``.
    """
    chosen = choose(Parameters, parameters)
    identity.check(images, modalities=identity.PLANAR)
    warnings = list(identity.require_raw(images))
    spacing = images[0].require_spacing()
    identity.require_same_geometry(images)
    require_distinct(images)
    fields: list[Rectangle] = []
    for image in images:
        fields.append(field_of(image, chosen.margin_mm, chosen.roi))
        require_field(image, fields[-1])
    pixels, unit = zip(*(linearised(image, chosen.stp) for image in images), strict=True)
    _require_one_exposure([float(f.cut(p).mean()) for f, p in zip(fields, pixels, strict=True)])
    found = noise_power.measure(list(zip(pixels, fields, strict=True)), spacing, chosen.square_px)
    values, notes = _values(found, unit[0], chosen.at_per_mm)
    warnings += [*unlinearised_warning(unit[0]), *_size_warnings(found), *notes]
    return Analysis(
        name=NAME,
        status="measured",
        provenance=provenance(NAME, VERSION, EDITION, images, chosen),
        values=values,
        regions=_regions(fields, chosen.square_px),
        curves=_curves(found),
        warnings=tuple(warnings),
        facts={
            "squares": found.squares,
            "independent_pixels": found.independent_pixels,
            "standard_pixels": STANDARD_PIXELS,
            "map": _map(found, chosen.map_bins),
        },
    )


def _require_one_exposure(means: Sequence[float]) -> None:
    middle = sum(means) / len(means)
    if max(means) - min(means) > _MOST_EXPOSURE_SPREAD * abs(middle):
        raise InputError(
            f"The flat fields differ in mean signal, from {min(means):.4g} to {max(means):.4g}. "
            "The noise power depends on exposure: measure each exposure by itself.",
            code="mixed-exposures",
            detail={"means": list(means)},
        )


def _size_warnings(found: NoisePower) -> list[str]:
    notes = []
    if found.size != STANDARD_SQUARE_PX:
        notes.append(
            f"Squares of {found.size} pixels were used; IEC 62220-1-1 takes {STANDARD_SQUARE_PX}."
        )
    if found.independent_pixels < STANDARD_PIXELS:
        notes.append(
            f"{found.independent_pixels / 1e6:.2f} million independent pixels were measured; "
            f"IEC 62220-1-1 asks for {STANDARD_PIXELS / 1e6:g} million. Add flat fields."
        )
    return notes


def _values(
    found: NoisePower, unit: str, at_per_mm: Sequence[float]
) -> tuple[dict[str, Quantity], list[str]]:
    noise = math.sqrt(found.variance)
    # Mean over all frequencies of so many independent periodograms; a correlated spectrum is worth
    # fewer, in the ratio (integral of W)² to integral of W².
    weight = np.full(found.value.shape[1], 2.0)
    weight[[0, -1]] = 1.0
    share = float((found.value**2 @ weight).sum()) / float((found.value @ weight).sum()) ** 2
    share /= 1.0 + 1.0 / found.independent_one  # the scatter of the estimate squared, taken off
    u_relative = 0.5 * math.sqrt(2.0 * share / found.independent_many)
    dy, dx = found.spacing_mm
    near_zero, _ = found.radial().at(0.0)
    u_mean = found.mean * math.sqrt(near_zero / (found.independent_pixels * dx * dy))
    values = {
        "mean": quantity(found.mean, unit, u_mean),
        "noise": quantity(noise, unit, noise * u_relative),
        "independent_pixels": quantity(found.independent_pixels, "pixel", 0.0),
        "parseval": quantity(found.parseval, "1", 0.0),
    }
    notes = []
    for name, band in _bands(found).items():
        last = float(band.frequency_per_mm[-1])
        for f in at_per_mm:
            if f <= last:
                at, u = band.at(f)
                values[f"nnps_{name}_at_{value_name(f)}"] = quantity(at, "mm2", u)
            else:
                notes.append(f"{f:g} mm⁻¹ lies beyond {last:.2f} mm⁻¹, so NNPS {name} is absent.")
    return values, notes


def _bands(found: NoisePower) -> dict[str, Band]:
    return {"x": found.cut("x"), "y": found.cut("y"), "radial": found.radial()}


def _curves(found: NoisePower) -> tuple[Curve, ...]:
    drawn = {f"NNPS {name}": band for name, band in _bands(found).items()}
    drawn |= {f"NNPS on the {axis} axis": found.on_axis(axis) for axis in ("x", "y")}
    return tuple(
        Curve(
            name,
            tuple(map(float, band.frequency_per_mm)),
            tuple(map(float, band.value)),
            "Spatial frequency",
            "1/mm",
            "NNPS",
            "mm2",
            tuple(map(float, band.u)),
        )
        for name, band in drawn.items()
    )


def _map(found: NoisePower, bins: int) -> dict[str, Any]:
    across, down, shown = found.plane(bins)
    return {
        "unit": "mm2",
        "across_per_mm": [float(f) for f in across],
        "down_per_mm": [float(f) for f in down],
        # Six digits are far finer than the uncertainty and keep the record small.
        "nnps": [[float(f"{v:.6g}") for v in row] for row in shown],
    }


def _regions(fields: Sequence[Rectangle], size: int) -> tuple[Region, ...]:
    drawn: list[Region] = []
    for frame, field in enumerate(fields):
        step = size // 2
        down = (field.y1 - field.y0) // step * step
        across = (field.x1 - field.x0) // step * step
        used = Rectangle(field.x0, field.y0, field.x0 + across, field.y0 + down)
        first = Rectangle(field.x0, field.y0, field.x0 + size, field.y0 + size)
        drawn += [
            used.region("Covered by squares", frame=frame),
            first.region("First square", frame=frame),
        ]
    return tuple(drawn)
