"""Uniformity of a mammography detector: mean and SNR in half-overlapped squares of 10 mm."""

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
from kerma.imaging.tools.flat import require_flat
from kerma.imaging.tools.flat_fields import field_of, require_distinct
from kerma.imaging.tools.grid import Grid, grid
from kerma.imaging.tools.regions import Array, Rectangle

NAME, VERSION = "mammo-uniformity", "1"
EDITION = "EUREF detector homogeneity: squares of 10 mm, half overlapped (recalled)"
MODALITIES = ("MG",)
DEFINITIONS: Mapping[str, str] = {
    "mean_deviation": "max |m_i - mean(m)| / mean(m) over the squares",
    "snr_deviation": "max |SNR_i - mean(SNR)| / mean(SNR) over the squares, SNR = m / s",
    "mean_high, mean_low": "(max(m) - mean(m)) / mean(m) and (min(m) - mean(m)) / mean(m)",
    "variance_deviation": "max |s_i^2 - mean(s^2)| / mean(s^2) over the squares",
}


@dataclass(frozen=True, slots=True)
class Parameters:
    """What may be chosen.

    Attributes
    ----------
    side_mm, overlap
        Of the squares; the share neighbours have in common.
    margin_mm
        Border of the exposed field that is left out. Design choice.
    field_px
        Left, top, right, bottom of the field by hand.
    offset
        Pixel value without exposure, taken off before anything else when there is no `stp`.
    stp
        Signal transfer property for linearisation: model, a, b, c (K in µGy).
    """

    side_mm: float = 10.0
    overlap: float = 0.5
    margin_mm: float = 5.0
    field_px: tuple[int, int, int, int] | None = None
    offset: float | None = None
    stp: Mapping[str, Any] | None = None

    def __post_init__(self) -> None:
        require(1 <= self.side_mm <= 50, "side_mm", "The side lies from 1 to 50 mm.")
        require(0 <= self.overlap < 1, "overlap", "The overlap lies from 0 to below 1.")
        require(self.margin_mm >= 0, "margin_mm", "The margin cannot be below zero.")
        require(
            self.offset is None or self.stp is None,
            "offset",
            "Give either the offset or the signal transfer property, which holds it.",
        )


@measurement(
    NAME,
    version=VERSION,
    title="Uniformity of a mammography detector",
    edition=EDITION,
    modalities=MODALITIES,
)
def measure(images: Sequence[Image], **parameters: Any) -> Analysis:
    """Measure the uniformity of one flat field, or of the mean of several of one exposure.

    Values ``mean_deviation``, ``mean_high``, ``mean_low``, ``snr_deviation``,
    ``variance_deviation`` (%), ``signal``, ``snr`` (means over the squares). Several images:
    means of the squares are averaged over the images, and so are their variances.

    Raises
    ------
    InputError
        See `kerma.imaging.identity`; ``not-flat``, ``no-field``, ``no-pixel-spacing``,
        ``region-too-small``, ``same-frame``, ``mixed-images``, ``offset-too-high``.
    """
    chosen = choose(Parameters, parameters)
    identity.check(images, modalities=MODALITIES)
    warnings = list(identity.require_raw(images))
    identity.require_same_geometry(images)
    require_distinct(images)
    dy, dx = images[0].require_spacing()
    field = field_of(images[0], chosen.margin_mm, chosen.field_px)
    grids: list[Grid] = []
    first: Array = images[0].pixels
    unit = "PV"
    for image in images:
        identity.require_not_clinical(image)
        require_flat(field.cut(image.pixels))
        pixels, unit = linearised(image, chosen.stp)
        pixels = pixels - (chosen.offset or 0.0)
        first = pixels if not grids else first
        grids.append(
            grid(pixels, field, (chosen.side_mm / dy, chosen.side_mm / dx), chosen.overlap)
        )
    mean = np.mean([g.mean for g in grids], axis=0)
    variance = np.mean([g.sd**2 for g in grids], axis=0)
    if mean.mean() <= 0:
        raise InputError(
            "The offset is above the signal of the field. Give the pixel value without exposure.",
            code="offset-too-high",
        )
    if chosen.offset is None and chosen.stp is None:
        warnings.append(
            "Neither offset nor signal transfer property was given: deviations are of pixel values "
            "as they are, and smaller than those of the signal where the detector adds an offset."
        )
    if chosen.field_px is not None:
        warnings.append("The field was set by hand.")
    values = _values(mean, variance, len(images), grids[0], first)
    values["signal"] = quantity(float(mean.mean()), unit, values["signal"].u)
    if (variance == 0).any():
        warnings.append("Some squares hold no noise at all, so there is no SNR.")
    return Analysis(
        name=NAME,
        status="measured",
        provenance=provenance(
            NAME, VERSION, EDITION, images, chosen, definitions=dict(DEFINITIONS)
        ),
        values=values,
        regions=_drawn(mean, variance, grids[0], field, unit),
        curves=_profiles(mean, grids[0], field, (dy, dx), unit),
        warnings=tuple(warnings),
        facts={"definitions": dict(DEFINITIONS), "squares": int(mean.size)},
    )


def _values(
    mean: Array, variance: Array, images: int, squares: Grid, pixels: Array
) -> dict[str, Quantity]:
    """Return the values; the square that decides gives the uncertainty of each."""
    level = float(mean.mean())
    off = np.abs(mean - level)
    extreme = squares.square(*_where(off)).moments(pixels)
    u_mean = 100 * extreme.u_mean / math.sqrt(images) / level
    values = {
        "signal": quantity(level, "PV", extreme.u_mean / math.sqrt(images)),
        "mean_deviation": quantity(_deviation(mean), "%", u_mean),
        "mean_high": quantity(100 * float(mean.max() - level) / level, "%", u_mean),
        "mean_low": quantity(100 * float(mean.min() - level) / level, "%", u_mean),
    }
    if (variance > 0).all():
        snr = mean / np.sqrt(variance)
        middle = float(snr.mean())
        odd = squares.square(*_where(np.abs(snr - middle))).moments(pixels)
        u_sd = odd.u_sd / odd.sd / math.sqrt(images) if odd.sd else 0.0
        # Squares overlap; counting only those that do not is on the safe side.
        apart = max(1, mean.size // squares.parts**2)
        values["snr"] = quantity(middle, "1", float(snr.std()) / math.sqrt(apart))
        values["snr_deviation"] = quantity(_deviation(snr), "%", 100 * u_sd)
        values["variance_deviation"] = quantity(_deviation(variance), "%", 200 * u_sd)
    return values


def _where(values: Array) -> tuple[int, int]:
    row, column = np.unravel_index(int(values.argmax()), values.shape)
    return int(row), int(column)


def _deviation(values: Array) -> float:
    middle = float(values.mean())
    return 100.0 * float(np.abs(values - middle).max()) / middle


def _drawn(
    mean: Array, variance: Array, squares: Grid, field: Rectangle, unit: str
) -> tuple[Region, ...]:
    worst = {"Largest deviation of the mean": mean}
    if (variance > 0).all():
        worst["Largest deviation of the SNR"] = mean / np.sqrt(variance)
    drawn = [field.region("Field measured")]
    for title, of in worst.items():
        row, column = _where(np.abs(of - of.mean()))
        values = {
            "mean": quantity(float(mean[row, column]), unit),
            "noise": quantity(math.sqrt(float(variance[row, column])), unit),
        }
        drawn.append(squares.square(row, column).region(title, values=values))
    return tuple(drawn)


def _profiles(
    mean: Array, squares: Grid, field: Rectangle, spacing: tuple[float, float], unit: str
) -> tuple[Curve, ...]:
    dy, dx = spacing
    across = (squares.lefts - field.x0 + squares.width / 2) * dx
    down = (squares.tops - field.y0 + squares.height / 2) * dy
    return (
        Curve("Profile across", tuple(map(float, across)), tuple(map(float, mean.mean(axis=0))),
              "Distance", "mm", "Mean", unit),
        Curve("Profile down", tuple(map(float, down)), tuple(map(float, mean.mean(axis=1))),
              "Distance", "mm", "Mean", unit),
    )  # fmt: skip
