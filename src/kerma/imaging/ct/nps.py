"""Noise power spectrum of CT slices from squares in a uniform region."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from kerma.core import Analysis, AnalysisError, Curve, Image, Quantity, Region, quantity
from kerma.imaging.ct import _squares, series
from kerma.imaging.ct._object import require_test_object
from kerma.imaging.ct._squares import LAYOUTS, Field
from kerma.imaging.record import choose, provenance, require
from kerma.imaging.registry import measurement
from kerma.imaging.tools import disc, square_noise
from kerma.imaging.tools.regions import Rectangle
from kerma.imaging.tools.square_noise import REPLICATES, SEED, Spectrum

NAME, VERSION = "ct-nps", "1"
EDITION = "Squares less their trend, after ICRU Report 87 and AAPM TG-233 (2019)"
_BORDER_MM = 5.0  # from the end of the filling
_FEW = 8  # squares in all, below which the curve is poorly known; design choice
_MAP_BINS = 64

Array = npt.NDArray[np.floating[Any]]


@dataclass(frozen=True, slots=True)
class Parameters:
    """What may be chosen.

    Attributes
    ----------
    side_mm
        Side of the squares; the step of frequency is 1/side. Rounded to an even number of pixels.
    layout
        ``annulus``, ``centre`` or ``grid``.
    annulus_mm
        Radius on which the squares of the annulus lie; 60 % of the region's radius when absent.
    radius_mm
        Radius of the uniform region, when it is less than the phantom's filling.
    regions
        Left, top, right, bottom in pixels of each square, instead of a layout.
    detrend
        Degree of the polynomial taken off each square: 0 (its mean), 1 or 2.
    difference
        Differences of neighbouring slices, over sqrt 2, instead of slices: takes off what does not
        change along the axis (rings, cupping).
    several_series
        Take repeated scans of one setting together.
    """

    side_mm: float = 25.0
    layout: str = "annulus"
    annulus_mm: float | None = None
    radius_mm: float | None = None
    regions: tuple[tuple[int, int, int, int], ...] | None = None
    detrend: int = 2
    difference: bool = False
    several_series: bool = False

    def __post_init__(self) -> None:
        require(self.side_mm > 0, "side_mm", "The side of the squares is above zero.")
        require(self.layout in LAYOUTS, "layout", f"The layout is one of {', '.join(LAYOUTS)}.")
        require(
            self.annulus_mm is None or self.annulus_mm > 0, "annulus_mm", "A radius is above zero."
        )
        require(self.radius_mm is None or self.radius_mm > 0, "radius_mm", "A radius is above 0.")
        require(self.regions is None or len(self.regions) > 0, "regions", "Give a region or none.")
        require(self.detrend in (0, 1, 2), "detrend", "The degree of the trend is 0, 1 or 2.")


@dataclass(frozen=True, slots=True, eq=False)
class Noise:
    """A spectrum with the squares it came from: (index of the slice, square)."""

    spectrum: Spectrum
    squares: tuple[tuple[int, Rectangle], ...]
    mean_hu: float
    u_mean_hu: float
    pixel_noise_hu: float
    notes: tuple[str, ...]


@measurement(
    NAME,
    version=VERSION,
    title="Noise power spectrum of a uniform region",
    edition=EDITION,
    modalities=("CT",),
)
def measure(images: Sequence[Image], **parameters: Any) -> Analysis:
    """Measure the noise power spectrum in one or several slices of any uniform phantom.

    Values: ``noise`` (HU, root of the spectrum's integral), ``pixel_noise`` (HU, standard
    deviation with the squares' means alone taken off), ``mean`` (HU), ``nps_peak_frequency`` and
    ``nps_average_frequency`` (1/mm), ``integral_over_variance`` (1; the self-check).
    ``facts["map"]`` holds the two-dimensional spectrum.

    Raises
    ------
    InputError
        The codes of `kerma.imaging.ct.series.slices`; ``clinical-looking``;
        ``region-outside-image``, ``not-square-region``.
    AnalysisError
        The codes of `kerma.imaging.tools.disc.find`; ``region-too-small``, ``not-uniform``,
        ``too-few-slices`` (differences), ``parseval``.
    """
    chosen = choose(Parameters, parameters)
    order, notes = series.slices(images, repeats=chosen.several_series)
    pixel_mm = series.square_pixel_mm(images[order[0]])
    middle = images[order[len(order) // 2]]
    warnings: list[str] = list(notes)
    if chosen.regions is None:
        require_test_object(middle, pixel_mm)
        squares = _squares.placed(
            field_of(middle, pixel_mm, chosen.radius_mm),
            side_px(chosen.side_mm, pixel_mm),
            chosen.layout,
            None if chosen.annulus_mm is None else chosen.annulus_mm / pixel_mm,
        )
    else:
        shape = (middle.pixels.shape[0], middle.pixels.shape[1])
        squares = _squares.given(chosen.regions, shape)
        warnings.append("The squares were set by hand.")
    found = spectrum_of(
        images, order, squares, pixel_mm, detrend=chosen.detrend, difference=chosen.difference
    )
    values, said = summary(found)
    return Analysis(
        name=NAME,
        status="measured",
        provenance=provenance(
            NAME, VERSION, EDITION, images, chosen,
            seed=SEED, replicates=REPLICATES, slices_used=order,
        ),
        values=values,
        regions=drawn(found),
        curves=(curve(found.spectrum),),
        warnings=(*warnings, *found.notes, *said),
        facts={
            "squares": len(found.squares),
            "side_px": squares[0].x1 - squares[0].x0,
            "slices_used": list(order),
            "map": plane(found.spectrum),
        },
    )  # fmt: skip


def side_px(side_mm: float, pixel_mm: float) -> int:
    """Return the even number of pixels nearest to a side.

    Raises
    ------
    AnalysisError
        Code ``region-too-small``.
    """
    found = 2 * round(side_mm / pixel_mm / 2)
    if found < _squares.LEAST_SIDE_PX:
        raise AnalysisError(
            f"Squares of {side_mm:g} mm have {found} pixels to a side; "
            f"{_squares.LEAST_SIDE_PX} are needed. Choose a larger side.",
            stage="place squares",
            code="region-too-small",
        )
    return found


def field_of(image: Image, pixel_mm: float, radius_mm: float | None) -> Field:
    """Return the uniform region of a round phantom: its filling less 5 mm, or `radius_mm`."""
    found = disc.find(image.pixels.astype(float), pixel_mm)
    radius = found.filling - _BORDER_MM / pixel_mm
    if radius_mm is not None:
        radius = radius_mm / pixel_mm
    return Field(found.x, found.y, radius)


def spectrum_of(
    images: Sequence[Image],
    order: Sequence[int],
    squares: Sequence[Rectangle],
    pixel_mm: float,
    *,
    detrend: int,
    difference: bool,
) -> Noise:
    """Return the spectrum of these squares in these slices.

    Raises
    ------
    AnalysisError
        ``not-uniform``, ``too-few-slices``, ``parseval``.
    """
    where = [(i, s) for i in order for s in squares]
    blocks = np.stack([s.cut(images[i].pixels) for i, s in where]).astype(float)
    good = _squares.plain(blocks, detrend)
    if 2 * int(good.sum()) < len(good):
        raise AnalysisError(
            f"Only {int(good.sum())} of {len(good)} squares are uniform: there is something in the "
            "others. Give slices of a uniform module, or squares where it is uniform.",
            stage="check squares",
            code="not-uniform",
        )
    notes = []
    if not good.all():
        notes.append(f"{int((~good).sum())} of {len(good)} squares were left out: not uniform.")
    kept = [w for w, ok in zip(where, good, strict=True) if ok]
    level = blocks[good].mean(axis=(1, 2))
    pixel_noise = math.sqrt(float(blocks[good].var(axis=(1, 2)).mean()))
    used = blocks[good]
    if difference:
        used, kept, said = _differences(images, blocks, good, order, squares)
        notes += said
    if len(kept) < _FEW:
        notes.append(
            f"The spectrum rests on {len(kept)} squares; with fewer than {_FEW} its scatter, and "
            "so its uncertainty, is poorly known. Give more slices."
        )
    return Noise(
        square_noise.measure(used, pixel_mm, detrend),
        tuple(kept),
        float(level.mean()),
        float(level.std(ddof=1)) / math.sqrt(len(level)) if len(level) > 1 else pixel_noise,
        pixel_noise,
        tuple(notes),
    )


def _differences(
    images: Sequence[Image],
    blocks: Array,
    good: npt.NDArray[np.bool_],
    order: Sequence[int],
    squares: Sequence[Rectangle],
) -> tuple[Array, list[tuple[int, Rectangle]], list[str]]:
    """Return (second - first)/sqrt 2 of neighbouring slices, each slice used once."""
    if len(order) < 2:
        raise AnalysisError(
            "Differences need two slices or more.", stage="difference", code="too-few-slices"
        )
    n = len(squares)
    found, kept = [], []
    for k in range(0, len(order) - 1, 2):
        for j, square in enumerate(squares):
            a, b = k * n + j, (k + 1) * n + j
            if good[a] and good[b]:
                found.append((blocks[b] - blocks[a]) / math.sqrt(2.0))
                kept.append((order[k], square))
    if not found:
        raise AnalysisError(
            "No square is uniform in both slices of a pair.", stage="difference", code="not-uniform"
        )
    first, second = images[order[0]], images[order[1]]
    if first.z_mm is None or second.z_mm is None or first.thickness_mm is None:
        return np.stack(found), kept, []
    if abs(second.z_mm - first.z_mm) < 0.99 * first.thickness_mm:
        return np.stack(found), kept, [
            "Neighbouring slices overlap, so part of their noise is common and is lost in the "
            "difference: the spectrum is too low."
        ]  # fmt: skip
    return np.stack(found), kept, []


def summary(found: Noise) -> tuple[dict[str, Quantity], list[str]]:
    """Return the values of a spectrum, and what is to be said of it."""
    s = found.spectrum
    count = len(found.squares)
    # The scatter of the squares' own integrals, over their number.
    weight = s.frequency_per_mm
    each = s.by_square @ weight
    noise = math.sqrt(s.integral)
    u_noise = noise / math.sqrt(2.0 * count)
    if count > 1:
        u_noise = 0.5 * noise * float(each.std(ddof=1) / each.mean()) / math.sqrt(count)
    values = {
        "noise": quantity(noise, "HU", u_noise),
        "pixel_noise": quantity(found.pixel_noise_hu, "HU", u_noise),
        "mean": quantity(found.mean_hu, "HU", found.u_mean_hu),
        "nps_average_frequency": s.average(),
        "integral_over_variance": quantity(s.self_check, "1", 0.0),
    }
    peak = s.peak()
    if peak is None:
        return values, [
            "The spectrum has no peak that stands out of its scatter, so nps_peak_frequency is "
            "absent."
        ]
    values["nps_peak_frequency"] = peak
    return values, []


def curve(found: Spectrum) -> Curve:
    """Return the radial spectrum as a curve."""
    return Curve(
        "Noise power spectrum",
        tuple(map(float, found.frequency_per_mm)),
        tuple(map(float, found.radial)),
        "Spatial frequency",
        "1/mm",
        "Noise power",
        "HU^2.mm^2",
        tuple(map(float, found.u_radial())),
    )


def drawn(found: Noise) -> tuple[Region, ...]:
    """Return every square, on its own slice."""
    return tuple(
        square.region(f"Square {number}", frame=index)
        for number, (index, square) in enumerate(found.squares, start=1)
    )


def plane(found: Spectrum) -> dict[str, Any]:
    """Return the middle of the two-dimensional spectrum, zero frequency in the middle."""
    n = len(found.two_d)
    cut = max(0, (n - _MAP_BINS) // 2)
    shown = np.fft.fftshift(found.two_d)[cut : n - cut, cut : n - cut]
    at = [float(f) for f in (np.arange(cut, n - cut) - n // 2) * found.step_per_mm]
    return {
        "unit": "HU^2.mm^2",
        "across_per_mm": at,
        "down_per_mm": at,
        "nps": [[float(f"{v:.6g}") for v in row] for row in shown],
    }
