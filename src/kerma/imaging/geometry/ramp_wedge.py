"""Slope and linearity of the signal along a continuous wedge (a ramp)."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from kerma.core import Analysis, AnalysisError, Curve, Image, InputError, Quantity, Region, quantity
from kerma.imaging import identity
from kerma.imaging.geometry import _setup
from kerma.imaging.geometry._setup import Array, Setup
from kerma.imaging.record import choose, provenance, require
from kerma.imaging.registry import measurement
from kerma.imaging.tools.regions import Rectangle
from kerma.imaging.tools.untyped import ndimage

NAME, VERSION = "ramp-wedge", "1"
EDITION = "Logarithm of the signal along a continuous wedge, least squares"
# Design choices.
_SEARCH_PX = 256
_SOFT = 3.0
_WITHIN_DEG = 15.0
_ALIKE = 2.5
_LEAST_FILL = 0.7
_LEAST_RANGE = 0.3  # of the logarithm: a heel or an uneven detector changes less
_ENDS, _SIDES = 0.06, 0.2
_BINS = 60
_MOST_RESIDUAL = 15.0  # % of the range; a bent response strays by a few


@dataclass(frozen=True, slots=True)
class Parameters:
    """What may be chosen.

    Attributes
    ----------
    rise
        Thickness gained per length of the wedge (mm per mm), to refer the slope to thickness.
    fdd_mm, plane_mm
        Focus-detector distance, instead of the header's, and distance of the wedge from the
        focus; without `plane_mm` it lay on the detector.
    scale
        Whether pixel values follow dose (``linear``) or its logarithm (``log``).
    roi
        Left, top, right, bottom in pixels: the part of the image that shows the ramp.
    stp
        Signal transfer property for linearisation: model, a, b, c (K in µGy).
    allow_processed
        Measure an image processed for display, with a warning.
    """

    rise: float | None = None
    fdd_mm: float | None = None
    plane_mm: float | None = None
    scale: str = "linear"
    roi: tuple[int, int, int, int] | None = None
    stp: Mapping[str, Any] | None = None
    allow_processed: bool = False

    def __post_init__(self) -> None:
        require(self.rise is None or self.rise > 0, "rise", "The rise is above zero.")
        require(self.scale in ("linear", "log"), "scale", "The scale is linear or log.")
        _setup.require_distances(self.fdd_mm, self.plane_mm)


@dataclass(frozen=True, slots=True)
class _Ramp:
    """Direction in which the signal falls (radians), and extent along and across it (mm)."""

    turn: float
    start: float
    stop: float
    low: float
    high: float


@measurement(
    NAME,
    version=VERSION,
    title="Continuous wedge (ramp)",
    edition=EDITION,
    modalities=identity.PLANAR,
)
def measure(images: Sequence[Image], **parameters: Any) -> Analysis:
    """Measure the signal along a ramp in one image.

    Values ``slope`` (1/mm at the detector, change of the logarithm of the signal in the direction
    it falls), ``slope_thickness`` (1/mm of thickness, with `rise`), ``r_squared`` (1),
    ``max_residual`` (% of the range), ``range`` (1, fall of the logarithm) and ``length`` (mm).

    Raises
    ------
    InputError
        See `kerma.imaging.identity`; ``no-signal``.
    AnalysisError
        Code ``no-ramp``.
    """
    chosen = choose(Parameters, parameters)
    identity.check(images, modalities=identity.PLANAR, at_most=1)
    setup = _setup.prepare(images[0], stp=chosen.stp, allow_processed=chosen.allow_processed,
                           fdd_mm=chosen.fdd_mm, needs_linear=False)  # fmt: skip
    _setup.require_not_clinical(setup)
    rows, columns = setup.pixels.shape
    region = (
        Rectangle(0, 0, columns, rows) if chosen.roi is None
        else Rectangle.given(chosen.roi, (rows, columns))
    )  # fmt: skip
    part = region.cut(setup.pixels)
    if chosen.scale == "linear" and float(np.percentile(part, 1)) <= 0:
        raise InputError(
            "Part of the image has no signal above zero, so it has no logarithm. Give the part "
            "that shows the ramp (roi), or say that the values are logarithmic (scale).",
            code="no-signal",
        )
    logs = part if chosen.scale == "log" else np.log(np.maximum(part, 1e-6 * float(part.max())))
    ramp = _find(logs, setup)
    place, level, u = _profile(part if chosen.scale == "linear" else logs, setup, ramp)
    y, u_y = (level, u) if chosen.scale == "log" else (np.log(level), u / level)
    values = _values(place, y, u_y, chosen, setup, ramp)
    if values["max_residual"].value > _MOST_RESIDUAL:
        raise _none(
            f"the logarithm strays from a straight line by {values['max_residual'].value:.0f} % of "
            "its range"
        )
    warnings = [*setup.warnings]
    if chosen.roi is not None:
        warnings.append("The region was set by hand.")
    origin = region.x0 * setup.spacing_mm[1], region.y0 * setup.spacing_mm[0]
    return Analysis(
        name=NAME,
        status="measured",
        provenance=provenance(NAME, VERSION, EDITION, images, chosen),
        values=values,
        regions=(_region(setup, ramp, origin),),
        curves=(Curve("Logarithm of the signal", tuple(map(float, place)), tuple(map(float, y)),
                      "Distance", "mm", "Logarithm", "1", tuple(map(float, u_y))),),
        warnings=tuple(warnings),
        facts={"turn_deg": math.degrees(ramp.turn)},
    )  # fmt: skip


def _none(why: str) -> AnalysisError:
    return AnalysisError(
        f"No ramp was found in this image: {why}. Give the part of the image that shows it (roi).",
        stage="find ramp",
        code="no-ramp",
    )


def _find(logs: Array, setup: Setup) -> _Ramp:
    """Find the largest area over which the logarithm falls evenly in one direction."""
    factor = max(1, min(logs.shape) // _SEARCH_PX)
    rows, columns = (n // factor for n in logs.shape)
    cut = logs[: rows * factor, : columns * factor]
    coarse = cut.reshape(rows, factor, columns, factor).mean(axis=(1, 3))
    dy, dx = (s * factor for s in setup.spacing_mm)
    gx = -ndimage.gaussian_filter(coarse, _SOFT, order=(0, 1), mode="nearest") / dx
    gy = -ndimage.gaussian_filter(coarse, _SOFT, order=(1, 0), mode="nearest") / dy
    size, angle = np.hypot(gx, gy), np.arctan2(gy, gx)
    # The histogram of directions: a ramp is one of them over a whole area.
    clear = size > 0.25 * float(np.percentile(size, 75))
    bins = np.histogram(angle[clear], bins=72, range=(-math.pi, math.pi))[0].astype(float)
    smooth = ndimage.uniform_filter1d(bins, 3, mode="wrap")
    main = (float(np.argmax(smooth)) + 0.5) * (2 * math.pi / 72) - math.pi
    for _ in range(2):
        near = clear & (np.abs(np.angle(np.exp(1j * (angle - main)))) < math.radians(_WITHIN_DEG))
        if near.sum() < 100:
            raise _none("the signal does not fall in one direction over any area")
        main = float(np.angle((size[near] * np.exp(1j * angle[near])).sum()))
    typical = float(np.median(size[near]))
    alike = near & (size > typical / _ALIKE) & (size < typical * _ALIKE)
    labels, count = ndimage.label(ndimage.binary_closing(alike, iterations=2))
    if not count:
        raise _none("the signal does not fall evenly over any area")
    largest = labels == int(np.argmax(np.bincount(labels.ravel())[1:])) + 1
    r, c = np.nonzero(largest)
    x = (c * factor + (factor - 1) / 2) * setup.spacing_mm[1]
    y = (r * factor + (factor - 1) / 2) * setup.spacing_mm[0]
    u = x * math.cos(main) + y * math.sin(main)
    v = -x * math.sin(main) + y * math.cos(main)
    (start, stop), (low, high) = (np.percentile(w, (1, 99)) for w in (u, v))
    fill = len(r) * dx * dy / ((stop - start) * (high - low))
    fall = typical * (stop - start)
    if fill < _LEAST_FILL or fall < _LEAST_RANGE:
        raise _none(
            f"the largest even fall covers {100 * fill:.0f} % of its outline and makes "
            f"{100 * (1 - math.exp(-fall)):.0f} % of the signal"
        )
    return _Ramp(main, float(start), float(stop), float(low), float(high))


def _profile(values: Array, setup: Setup, ramp: _Ramp) -> tuple[Array, Array, Array]:
    """Return places, means and their uncertainties along the ramp, its ends and sides left out."""
    y, x = (np.arange(n) * s for n, s in zip(values.shape, setup.spacing_mm, strict=True))
    c, s = math.cos(ramp.turn), math.sin(ramp.turn)
    u = x[None, :] * c + y[:, None] * s
    v = -x[None, :] * s + y[:, None] * c
    length, width = ramp.stop - ramp.start, ramp.high - ramp.low
    first, last = ramp.start + _ENDS * length, ramp.stop - _ENDS * length
    inside = (u >= first) & (u < last)
    inside &= (v > ramp.low + _SIDES * width) & (v < ramp.high - _SIDES * width)
    along, signal = u[inside], values[inside]
    bins = np.minimum(((along - first) / (last - first) * _BINS).astype(int), _BINS - 1)
    n = np.bincount(bins, minlength=_BINS)
    if n.min() < 8:
        raise _none("it is too small")
    place = np.bincount(bins, along, _BINS) / n
    mean = np.bincount(bins, signal, _BINS) / n
    # The fall within a bin is no noise: it is taken off along the line through the neighbours.
    slope = np.gradient(mean, place)
    off = signal - mean[bins] - slope[bins] * (along - place[bins])
    sd = np.sqrt(np.bincount(bins, off**2, _BINS) / np.maximum(n - 2, 1))
    return place - place[0], mean, sd / np.sqrt(n)


def _values(
    place: Array, y: Array, u: Array, chosen: Parameters, setup: Setup, ramp: _Ramp
) -> dict[str, Quantity]:
    slope, start = (float(v) for v in np.polyfit(place, y, 1))
    residual = y - start - slope * place
    spread = float(((place - place.mean()) ** 2).sum())
    u_slope = math.sqrt(float((u**2 * (place - place.mean()) ** 2).sum())) / spread
    reach = abs(slope) * float(np.ptp(place))
    worst = int(np.argmax(np.abs(residual)))
    total = float(((y - y.mean()) ** 2).sum())
    values = {
        "slope": quantity(slope, "1/mm", u_slope),
        "r_squared": quantity(1.0 - float((residual**2).sum()) / total, "1"),
        "max_residual": quantity(100.0 * abs(float(residual[worst])) / reach, "%",
                                 100.0 * float(u[worst]) / reach),
        "range": quantity(reach, "1", u_slope * float(np.ptp(place))),
        "length": quantity(ramp.stop - ramp.start, "mm", 2 * max(setup.spacing_mm)),
    }  # fmt: skip
    if chosen.rise is not None:
        m = 1.0
        if chosen.plane_mm is not None:
            found = _setup.magnification(setup.fdd_mm, chosen.plane_mm)
            require(found is not None, "fdd_mm", "The magnification needs the focus-detector "
                    "distance; the header does not state it.")  # fmt: skip
            m = found or 1.0
        factor = m / chosen.rise
        values["slope_thickness"] = quantity(slope * factor, "1/mm", u_slope * factor)
    return values


def _region(setup: Setup, ramp: _Ramp, origin: tuple[float, float]) -> Region:
    c, s = math.cos(ramp.turn), math.sin(ramp.turn)
    length, width = ramp.stop - ramp.start, ramp.high - ramp.low
    ends = ramp.start + _ENDS * length, ramp.stop - _ENDS * length
    sides = ramp.low + _SIDES * width, ramp.high - _SIDES * width
    corners = ((ends[0], sides[0]), (ends[1], sides[0]), (ends[1], sides[1]), (ends[0], sides[1]))
    points = tuple(
        setup.to_px(u * c - v * s + origin[0], u * s + v * c + origin[1]) for u, v in corners
    )
    return Region("Ramp", "polygon", points)
