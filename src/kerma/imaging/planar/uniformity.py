"""Uniformity of a flat field: five regions and a grid."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from kerma.core import Analysis, Curve, Image, Quantity, Region, quantity
from kerma.imaging import identity
from kerma.imaging.planar.region import linearised
from kerma.imaging.record import choose, provenance, require
from kerma.imaging.registry import measurement
from kerma.imaging.tools.flat import exposed_field, require_flat
from kerma.imaging.tools.grid import Grid, grid
from kerma.imaging.tools.regions import Array, Rectangle
from kerma.imaging.tools.statistics import Moments

NAME, VERSION = "planar-uniformity", "1"
EDITION = "Five regions (centre and quadrants); grid of squares after EUREF practice"
DEFINITIONS: Mapping[str, str] = {
    "max_deviation": "max |m_i - mean(m)| / mean(m), five regions",
    "range": "(max(m) - min(m)) / mean(m), five regions",
    "max_deviation_from_centre": "max |m_i - m_centre| / m_centre, four outer regions",
    "snr_max_deviation": "max |SNR_i - mean(SNR)| / mean(SNR), five regions",
    "grid_max_deviation": "max |m_i - mean(m)| / mean(m), all squares of the grid",
    "grid_range": "(max(m) - min(m)) / mean(m), all squares of the grid",
    "grid_neighbour_difference": "max |m_i - m_j| / mean(m), adjacent squares",
    "local_snr_max_deviation": "max |SNR_i - mean(SNR)| / mean(SNR), all squares of the grid",
    "local_snr_neighbour_difference": "max |SNR_i - SNR_j| / mean(SNR), adjacent squares",
}


@dataclass(frozen=True, slots=True)
class Parameters:
    """What may be chosen; the defaults are design choices.

    Attributes
    ----------
    side_mm
        Side of each of the five regions.
    grid_mm, grid_overlap
        Side of the grid's squares and the share neighbours have in common.
    margin_mm
        Border of the exposed field that is left out.
    stp
        Signal transfer property for linearisation: model, a, b, c (K in µGy).
    allow_processed
        Measure an image processed for display, with a warning.
    """

    side_mm: float = 20.0
    grid_mm: float = 10.0
    grid_overlap: float = 0.5
    margin_mm: float = 10.0
    stp: Mapping[str, Any] | None = None
    allow_processed: bool = False

    def __post_init__(self) -> None:
        require(self.side_mm > 0, "side_mm", "The side of the regions must be above zero.")
        require(self.grid_mm > 0, "grid_mm", "The size of the grid must be above zero.")
        require(self.margin_mm >= 0, "margin_mm", "The margin cannot be below zero.")
        require(0 <= self.grid_overlap < 1, "grid_overlap", "The overlap lies from 0 to below 1.")


@measurement(
    NAME,
    version=VERSION,
    title="Uniformity of a flat field",
    edition=EDITION,
    modalities=identity.PLANAR,
)
def measure(images: Sequence[Image], **parameters: Any) -> Analysis:
    """Measure the uniformity of one flat-field image.

    Values, beside those of `DEFINITIONS` (all in %): ``mean``, ``noise`` (PV, or uGy when
    linearised; means over the five regions), ``snr`` (mean of the five) and ``local_snr`` (mean
    over the grid). ``facts["map"]`` holds mean and SNR of every square. The regions sit at the
    centre of the exposed field and of its quadrants.
    A maximum over many squares grows with noise; compare only like with like.

    Raises
    ------
    InputError
        See `kerma.imaging.identity`; ``not-flat``, ``no-field``, ``no-pixel-spacing``.
    """
    chosen = choose(Parameters, parameters)
    identity.check(images, modalities=identity.PLANAR, at_most=1)
    warnings = identity.require_raw(images, allow_processed=chosen.allow_processed)
    image = images[0]
    dy, dx = image.require_spacing()
    identity.require_not_clinical(image)
    field = _field(image, chosen.margin_mm)
    require_flat(field.cut(image.pixels))
    pixels, unit = linearised(image, chosen.stp)
    five = _five(field, chosen.side_mm / dx, chosen.side_mm / dy)
    found = {name: region.moments(pixels) for name, region in five.items()}
    squares = grid(pixels, field, (chosen.grid_mm / dy, chosen.grid_mm / dx), chosen.grid_overlap)
    grid_values, grid_regions = _grid_values(squares, pixels)
    drawn = [five[n].region(n, values=m.values(unit)) for n, m in found.items()]
    return Analysis(
        name=NAME,
        status="measured",
        provenance=provenance(
            NAME, VERSION, EDITION, images, chosen, definitions=dict(DEFINITIONS)
        ),
        values={**_five_values(list(found.values()), unit), **grid_values},
        regions=(field.region("Field measured"), *drawn, *grid_regions),
        curves=_profiles(squares, field, (dy, dx), unit),
        warnings=warnings,
        facts={
            "definitions": dict(DEFINITIONS),
            "squares": int(squares.mean.size),
            "map": _map(squares, field, (dy, dx), unit),
        },
    )


def _field(image: Image, margin_mm: float) -> Rectangle:
    dy, dx = image.require_spacing()
    field = exposed_field(image.pixels)
    x, y = math.ceil(margin_mm / dx), math.ceil(margin_mm / dy)
    inner = Rectangle(field.x0 + x, field.y0 + y, field.x1 - x, field.y1 - y)
    require(
        inner.inside((image.pixels.shape[0], image.pixels.shape[1])),
        "margin_mm",
        f"A margin of {margin_mm:g} mm leaves nothing of the field. Choose a smaller one.",
    )
    return inner


def _five(field: Rectangle, width_px: float, height_px: float) -> dict[str, Rectangle]:
    def at(across: float, down: float) -> Rectangle:
        x = field.x0 - 0.5 + across * (field.x1 - field.x0)
        y = field.y0 - 0.5 + down * (field.y1 - field.y0)
        return Rectangle.centred(x, y, width_px, height_px)

    return {
        "Centre": at(0.5, 0.5),
        "Top left": at(0.25, 0.25),
        "Top right": at(0.75, 0.25),
        "Bottom left": at(0.25, 0.75),
        "Bottom right": at(0.75, 0.75),
    }


Statistic = Callable[[Array], float]


def _max_deviation(values: Array) -> float:
    middle = float(values.mean())
    return 100.0 * float(np.abs(values - middle).max()) / abs(middle)


def _range(values: Array) -> float:
    return 100.0 * float(np.ptp(values)) / abs(float(values.mean()))


def _from_centre(values: Array) -> float:
    return 100.0 * float(np.abs(values[1:] - values[0]).max()) / abs(float(values[0]))


def _percent(statistic: Statistic, values: Sequence[float], u: Sequence[float]) -> Quantity:
    """Propagate independent uncertainties through a statistic (JCGM 100:2008, 5.1.3, numeric)."""
    at = np.asarray(values, dtype=float)
    total = 0.0
    for i, u_i in enumerate(u):
        shift = np.zeros_like(at)
        shift[i] = u_i
        total += ((statistic(at + shift) - statistic(at - shift)) / 2.0) ** 2
    return quantity(statistic(at), "%", math.sqrt(total))


def _five_values(found: Sequence[Moments], unit: str) -> dict[str, Quantity]:
    n = len(found)
    means, u_means = [m.mean for m in found], [m.u_mean for m in found]
    values = {
        "mean": quantity(sum(means) / n, unit, math.hypot(*u_means) / n),
        "noise": quantity(
            sum(m.sd for m in found) / n, unit, math.hypot(*(m.u_sd for m in found)) / n
        ),
        "max_deviation": _percent(_max_deviation, means, u_means),
        "range": _percent(_range, means, u_means),
        "max_deviation_from_centre": _percent(_from_centre, means, u_means),
    }
    snr = [m.snr for m in found if m.snr is not None]
    if len(snr) == n:
        u_snr = [m.u_snr for m in found]
        values["snr"] = quantity(sum(snr) / n, "1", math.hypot(*u_snr) / n)
        values["snr_max_deviation"] = _percent(_max_deviation, snr, u_snr)
    return values


def _grid_values(squares: Grid, pixels: Array) -> tuple[dict[str, Quantity], tuple[Region, ...]]:
    """Return the grid's values; the squares that decide them give the uncertainty."""
    overall = abs(float(squares.mean.mean()))
    worst = _where(np.abs(squares.mean - squares.mean.mean()))
    low, high = _where(-squares.mean), _where(squares.mean)
    step, near, far = squares.neighbour_difference()

    def u(*deciding: Rectangle) -> float:
        return 100.0 * math.hypot(*(r.moments(pixels).u_mean for r in deciding)) / overall

    extreme, lowest, highest = (squares.square(*at) for at in (worst, low, high))
    values = {
        "grid_max_deviation": quantity(_max_deviation(squares.mean), "%", u(extreme)),
        "grid_range": quantity(_range(squares.mean), "%", u(lowest, highest)),
        "grid_neighbour_difference": quantity(100.0 * step / overall, "%", u(near, far)),
    }
    if (squares.sd > 0).all():
        snr = squares.mean / squares.sd
        odd = squares.square(*_where(np.abs(snr - snr.mean()))).moments(pixels)
        # Squares overlap; counting only those that do not is on the safe side.
        apart = max(1, snr.size // squares.parts**2)
        values["local_snr"] = quantity(float(snr.mean()), "1", float(snr.std()) / math.sqrt(apart))
        middle = abs(float(snr.mean()))
        values["local_snr_max_deviation"] = quantity(
            _max_deviation(snr), "%", 100.0 * odd.u_snr / middle
        )
        drop, *apart_by = squares.neighbour_difference(snr)
        values["local_snr_neighbour_difference"] = quantity(
            100.0 * drop / middle,
            "%",
            100.0 * math.hypot(*(r.moments(pixels).u_snr for r in apart_by)) / middle,
        )
    return values, (
        extreme.region("Grid: largest deviation"),
        near.region("Grid: largest step, one side"),
        far.region("Grid: largest step, other side"),
    )


def _map(
    squares: Grid, field: Rectangle, spacing: tuple[float, float], unit: str
) -> dict[str, Any]:
    """Return mean and SNR of every square with the places of their middles in the field."""
    across, down = _places(squares, field, spacing)

    def plain(values: Array) -> list[list[float]]:
        # Six digits are far finer than the uncertainty and keep the record small.
        return [[float(f"{v:.6g}") for v in row] for row in values]

    found: dict[str, Any] = {
        "unit": unit,
        "across_mm": [round(float(x), 3) for x in across],
        "down_mm": [round(float(y), 3) for y in down],
        "mean": plain(squares.mean),
    }
    if (squares.sd > 0).all():
        found["snr"] = plain(squares.mean / squares.sd)
    return found


def _places(squares: Grid, field: Rectangle, spacing: tuple[float, float]) -> tuple[Array, Array]:
    dy, dx = spacing
    return (
        (squares.lefts - field.x0 + squares.width / 2) * dx,
        (squares.tops - field.y0 + squares.height / 2) * dy,
    )


def _where(values: Array) -> tuple[int, int]:
    row, column = np.unravel_index(int(np.argmax(values)), values.shape)
    return int(row), int(column)


def _profiles(
    squares: Grid, field: Rectangle, spacing: tuple[float, float], unit: str
) -> tuple[Curve, ...]:
    across, down = _places(squares, field, spacing)
    return (
        Curve("Profile across", tuple(map(float, across)),
              tuple(map(float, squares.mean.mean(axis=0))), "Distance", "mm", "Mean", unit),
        Curve("Profile down", tuple(map(float, down)),
              tuple(map(float, squares.mean.mean(axis=1))), "Distance", "mm", "Mean", unit),
    )  # fmt: skip
