"""Grid lines (or their alias) in a flat field, and the cut-off of a grid from side to side."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from kerma.core import Analysis, Curve, Image, Quantity, Region, quantity
from kerma.imaging import identity
from kerma.imaging.planar import _lines
from kerma.imaging.planar._lines import Lines, Peak
from kerma.imaging.planar.region import linearised
from kerma.imaging.record import choose, provenance, require
from kerma.imaging.registry import measurement
from kerma.imaging.tools.flat_fields import (
    field_of,
    require_distinct,
    require_field,
    unlinearised_warning,
)
from kerma.imaging.tools.regions import Array, Rectangle
from kerma.imaging.tools.statistics import Moments, moments

NAME, VERSION = "planar-grid", "1"
EDITION = "Peaks of the averaged periodogram; transmission at the edges over that of the middle"
DEFINITIONS: Mapping[str, str] = {
    "amplitude": "amplitude of the strongest lines / mean signal",
    "power": "amplitude² / 4: what either of the two peaks of a spectrum holds, over mean²",
    "asymmetry_x": "(T_right - T_left) / T_middle",
    "asymmetry_y": "(T_bottom - T_top) / T_middle",
    "loss_left": "1 - T_left / T_middle; likewise right, top, bottom",
}
SIDES = ("left", "right", "top", "bottom")
# A line within one and a half steps of the spectrum is the one expected.
_NEAR_STEPS = 1.5


@dataclass(frozen=True, slots=True)
class Parameters:
    """What may be chosen.

    Attributes
    ----------
    grid_per_mm
        Lines per mm of the grid, as its label says, at the detector: the frequency at which they
        show, or show folded at the Nyquist frequency, is then compared with.
    side_mm
        Side of the squares at the middle and at the edges; a design choice.
    margin_mm
        Border of the exposed field that is left out; a design choice.
    roi
        Left, top, right, bottom in pixels, instead of the exposed field.
    stp
        Signal transfer property for linearisation: model, a, b, c (K in µGy).
    allow_processed
        Measure images processed for display, with a warning.
    """

    grid_per_mm: float | None = None
    side_mm: float = 20.0
    margin_mm: float = 10.0
    roi: tuple[int, int, int, int] | None = None
    stp: Mapping[str, Any] | None = None
    allow_processed: bool = False

    def __post_init__(self) -> None:
        require(
            self.grid_per_mm is None or 0 < self.grid_per_mm < 100,
            "grid_per_mm",
            "The lines per mm of the grid lie between 0 and 100.",
        )
        require(self.side_mm > 0, "side_mm", "The side of the squares must be above zero.")
        require(self.margin_mm >= 0, "margin_mm", "The margin cannot be below zero.")


@measurement(
    NAME,
    version=VERSION,
    title="Grid lines and grid cut-off",
    edition=EDITION,
    modalities=identity.PLANAR,
)
def measure(images: Sequence[Image], **parameters: Any) -> Analysis:
    """Measure a flat field behind a grid; a second image, without the grid, is its reference.

    Values ``lines`` (number of sets of lines found); of the strongest ``frequency`` (1/mm),
    ``angle`` (deg, of their normal to the rows), ``amplitude`` (%) and ``power`` (1), see
    `DEFINITIONS`; ``detectable_amplitude`` (%), below which lines would not be found;
    ``asymmetry_x``, ``asymmetry_y``, ``loss_left`` and the like (%). With `grid_per_mm` also
    ``expected_frequency`` (1/mm), and ``grid_amplitude`` (%) of lines found there.

    Raises
    ------
    InputError
        See `kerma.imaging.identity`; ``no-pixel-spacing``, ``mixed-images``, ``same-frame``,
        ``not-flat``, ``saturated-field``, ``region-too-small``, ``no-signal``.
    """
    chosen = choose(Parameters, parameters)
    identity.check(images, modalities=identity.PLANAR, at_most=2)
    warnings = list(identity.require_raw(images, allow_processed=chosen.allow_processed))
    dy, dx = images[0].require_spacing()
    identity.require_same_geometry(images)
    require_distinct(images)
    field = field_of(images[0], chosen.margin_mm, chosen.roi)
    for image in images:
        require_field(image, field)
    pixels, units = zip(*(linearised(image, chosen.stp) for image in images), strict=True)
    found = _lines.find(pixels[0], field, (dy, dx))
    squares = _squares(field, chosen.side_mm / dx, chosen.side_mm / dy)
    values = {**_line_values(found, chosen, (dy, dx)), **_cut_off(squares, pixels)}
    if len(images) == 1:
        warnings.append(
            "No image without the grid was given, so the heel effect and the distance count as "
            "cut-off. Give one as second image."
        )
    return Analysis(
        name=NAME,
        status="measured",
        provenance=provenance(
            NAME, VERSION, EDITION, images, chosen, definitions=dict(DEFINITIONS)
        ),
        values=values,
        regions=(field.region("Field searched"), *_drawn(squares, pixels, units[0])),
        curves=_curves(found, (dy, dx)),
        warnings=(*warnings, *unlinearised_warning(units[0])),
        facts={
            "definitions": dict(DEFINITIONS),
            "squares": found.squares,
            "lines": [_plain(peak) for peak in found.peaks],
            "reference": len(images) == 2,
        },
    )


def folded(frequency_per_mm: float, pitch_mm: float) -> float:
    """Return where a frequency shows after sampling: folded at the Nyquist frequency."""
    sampling = 1.0 / pitch_mm
    return abs(frequency_per_mm - round(frequency_per_mm / sampling) * sampling)


def _line_values(
    found: Lines, chosen: Parameters, spacing: tuple[float, float]
) -> dict[str, Quantity]:
    step = max(1.0 / (_lines.SQUARE_PX * pitch) for pitch in spacing)
    values = {
        "lines": quantity(len(found.peaks), "1", 0.0),
        "detectable_amplitude": quantity(100.0 * found.detectable, "%", 0.0),
    }
    if found.peaks:
        first = found.peaks[0]
        values |= {
            "frequency": quantity(first.frequency_per_mm, "1/mm", first.u_per_mm),
            "angle": quantity(
                first.angle_deg, "deg", math.degrees(first.u_per_mm / first.frequency_per_mm)
            ),
            "amplitude": quantity(100.0 * first.amplitude, "%", 100.0 * first.u_amplitude),
            "power": quantity(
                first.amplitude**2 / 4.0, "1", first.amplitude * first.u_amplitude / 2.0
            ),
        }
    if chosen.grid_per_mm is None:
        return values
    dy, dx = spacing
    # Lines that run down show along the rows, and the other way round.
    wanted = {"across": folded(chosen.grid_per_mm, dx), "down": folded(chosen.grid_per_mm, dy)}
    for peak in found.peaks:
        steep = abs(peak.angle_deg) > 45.0
        expected = wanted["down" if steep else "across"]
        if abs(peak.frequency_per_mm - expected) <= _NEAR_STEPS * step:
            values["grid_amplitude"] = quantity(
                100.0 * peak.amplitude, "%", 100.0 * peak.u_amplitude
            )
            values["expected_frequency"] = quantity(expected, "1/mm", 0.0)
            return values
    values["expected_frequency"] = quantity(wanted["across"], "1/mm", 0.0)
    return values


def _squares(field: Rectangle, width_px: float, height_px: float) -> dict[str, Rectangle]:
    """Return the squares at the middle of the field and of its four sides."""
    width = min(width_px, (field.x1 - field.x0) / 3)
    height = min(height_px, (field.y1 - field.y0) / 3)
    x, y = (field.x0 + field.x1 - 1) / 2, (field.y0 + field.y1 - 1) / 2
    left, right = field.x0 - 0.5 + width / 2, field.x1 - 0.5 - width / 2
    top, bottom = field.y0 - 0.5 + height / 2, field.y1 - 0.5 - height / 2
    places = {
        "middle": (x, y), "left": (left, y), "right": (right, y), "top": (x, top),
        "bottom": (x, bottom),
    }  # fmt: skip
    # A centre between two pixels may be rounded outwards; the rim pixel is moved in.
    found = {}
    for name, (cx, cy) in places.items():
        box = Rectangle.centred(cx, cy, width, height)
        dx = max(0, field.x0 - box.x0) - max(0, box.x1 - field.x1)
        dy = max(0, field.y0 - box.y0) - max(0, box.y1 - field.y1)
        found[name] = Rectangle(box.x0 + dx, box.y0 + dy, box.x1 + dx, box.y1 + dy)
    return found


def _cut_off(squares: Mapping[str, Rectangle], pixels: Sequence[Array]) -> dict[str, Quantity]:
    """Return losses and asymmetries of transmission, relative to the middle."""

    def transmission(name: str) -> tuple[float, float]:
        seen: list[Moments] = [moments(squares[name].cut(image)) for image in pixels]
        value = seen[0].mean
        u = (seen[0].u_mean / seen[0].mean) ** 2
        for reference in seen[1:]:
            value /= reference.mean
            u += (reference.u_mean / reference.mean) ** 2
        return value, abs(value) * math.sqrt(u)

    middle, u_middle = transmission("middle")
    share: dict[str, tuple[float, float]] = {}
    for name in SIDES:
        value, u = transmission(name)
        share[name] = (value / middle, u / abs(middle))
    u_common = u_middle / abs(middle)
    values = {
        f"loss_{name}": quantity(100.0 * (1.0 - s), "%", 100.0 * math.hypot(u, s * u_common))
        for name, (s, u) in share.items()
    }
    for axis, low, high in (("x", "left", "right"), ("y", "top", "bottom")):
        (a, u_a), (b, u_b) = share[low], share[high]
        u = math.hypot(u_a, u_b, (b - a) * u_common)
        values[f"asymmetry_{axis}"] = quantity(100.0 * (b - a), "%", 100.0 * u)
    return values


def _drawn(squares: Mapping[str, Rectangle], pixels: Sequence[Array], unit: str) -> list[Region]:
    return [
        square.region(name.capitalize(), frame=frame, values=square.moments(image).values(unit))
        for frame, image in enumerate(pixels)
        for name, square in squares.items()
    ]


def _curves(found: Lines, spacing: tuple[float, float]) -> tuple[Curve, ...]:
    """Draw the periodogram along both axes, the largest over three steps beside them."""
    n = _lines.SQUARE_PX
    half = n // 2
    drawn = []
    for axis, pitch in (("x", spacing[1]), ("y", spacing[0])):
        plane = found.power if axis == "x" else found.power.T
        along = plane[half - 1 : half + 2, half + 1 :].max(axis=0)
        frequency = np.arange(1, half) / (n * pitch)
        drawn.append(
            Curve(
                f"Amplitude along {axis}",
                tuple(map(float, frequency)),
                tuple(map(float, 100.0 * np.sqrt(np.maximum(along, 0.0)))),
                "Spatial frequency", "1/mm", "Amplitude of one step", "%",
            )
        )  # fmt: skip
    return tuple(drawn)


def _plain(peak: Peak) -> dict[str, float]:
    return {
        "across_per_mm": peak.across_per_mm,
        "down_per_mm": peak.down_per_mm,
        "frequency_per_mm": peak.frequency_per_mm,
        "angle_deg": peak.angle_deg,
        "amplitude_percent": 100.0 * peak.amplitude,
        "u_amplitude_percent": 100.0 * peak.u_amplitude,
        "over_background": peak.ratio,
    }
