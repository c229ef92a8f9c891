"""The image of a point in CT slices, a wire along the axis or a bead, and its transfer function."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from kerma.core import AnalysisError, Curve, Image, Quantity, Region, quantity
from kerma.imaging.tools import wire
from kerma.imaging.tools.mtf import Mtf
from kerma.imaging.tools.regions import Rectangle
from kerma.imaging.tools.statistics import robust_sd
from kerma.imaging.tools.wire import Array, Complex, PolarTransform, Wire

SEED = 61223
REPLICATES = 100
_FREQUENCIES = 200
_COARSE = 0.05  # MTF left at the Nyquist frequency above which aliasing is warned of
_INNER = 5 / 7  # of the square, to see what its size changes
_MOST_UNEVEN = 0.05  # standard deviation of the surroundings, of the point's height; design choice
_PATCHES = 8  # of noise, per slice
_LEAST_PATCHES = 4
_LOOKED_AT = 120  # squares, the nearest; the noise far off is another
_FLOOR = 2.0  # an MTF level below this many times the noise floor is not reported


@dataclass(frozen=True, slots=True, eq=False)
class PointSlice:
    """One slice: the point and the transforms of its patch, of the patch's middle and of noise."""

    index: int
    found: Wire
    box: Rectangle
    transform: Complex
    inner: Complex
    noise: tuple[Complex, ...]
    white_noise_hu: float


@dataclass(frozen=True, slots=True, eq=False)
class PointSeries:
    """The slices of one point, and the frequencies of their transforms (1/mm)."""

    slices: tuple[PointSlice, ...]
    frequency_per_mm: Array
    pixel_mm: float
    side_px: int
    what: str


def measure(
    images: Sequence[Image],
    found: Mapping[int, Wire],
    pixel_mm: float,
    roi_fwhm: float,
    *,
    what: str,
    most_uneven: float = _MOST_UNEVEN,
) -> PointSeries:
    """Transform the square around the point in each slice.

    Parameters
    ----------
    images
        All images given.
    found
        The point by index of the slice.
    pixel_mm
        Side of the pixels.
    roi_fwhm
        Side of the square in widths at half maximum.
    what
        ``wire`` or ``bead``, for the sentences.
    most_uneven
        Largest standard deviation of the surroundings, as a share of the point's height.

    Raises
    ------
    AnalysisError
        Codes ``mixed-phantoms``, ``wire-near-border``, ``wire-surroundings``.
    """
    side = _side(list(found.values()), roi_fwhm, what)
    frequency_px = np.arange(_FREQUENCIES + 1) * (0.5 / _FREQUENCIES)
    whole = PolarTransform(side, frequency_px)
    middle = PolarTransform(2 * round(side * _INNER / 2) + 1, frequency_px)
    slices = tuple(
        _slice(images[i], i, point, whole=whole, middle=middle, what=what, most=most_uneven)
        for i, point in found.items()
    )
    return PointSeries(slices, frequency_px / pixel_mm, pixel_mm, side, what)


def _side(points: Sequence[Wire], roi_fwhm: float, what: str) -> int:
    """Return the odd side of the square in pixels; refuse points that cannot be one."""
    widths = [w.fwhm_px for w in points]
    if max(widths) > 1.5 * min(widths):
        raise AnalysisError(
            f"The slices do not show one {what}: the width of its image differs by more than half "
            f"between them. Give slices through the {what} alone.",
            stage=f"find {what}",
            code="mixed-phantoms",
        )
    return 2 * math.ceil(roi_fwhm * float(np.mean(widths)) / 2) + 1


def _slice(
    image: Image,
    index: int,
    found: Wire,
    *,
    whole: PolarTransform,
    middle: PolarTransform,
    what: str,
    most: float,
) -> PointSlice:
    pixels = image.pixels.astype(float)
    side = whole.side
    box = Rectangle.centred(round(found.x), round(found.y), side, side)
    if not box.inside((pixels.shape[0], pixels.shape[1])):
        raise AnalysisError(
            f"The {what} lies too near the border of the image: {side} pixels are needed around "
            f"it. Reconstruct with the {what} nearer the middle.",
            stage=f"crop {what}",
            code="wire-near-border",
        )
    keep_out = side * 2 / 7  # 4 widths of 14: outside, only the tails and noise remain
    patch = wire.without_plane(box.cut(pixels), keep_out)
    rows, columns = np.indices(patch.shape) - (side - 1) / 2
    surroundings = float(patch[np.hypot(rows, columns) > keep_out].std())
    if surroundings > most * found.peak_hu:
        raise AnalysisError(
            f"The surroundings of the {what} are not plain: they vary by "
            f"{100 * surroundings / found.peak_hu:.0f} % of its height. It may be another "
            f"phantom; a {what} in air, water or plastic is needed.",
            stage=f"crop {what}",
            code="wire-surroundings",
        )
    off = (side - middle.side) // 2
    inner = wire.without_plane(
        Rectangle(box.x0 + off, box.y0 + off, box.x1 - off, box.y1 - off).cut(pixels), keep_out
    )
    dx, dy = found.x - (box.x0 + (side - 1) / 2), found.y - (box.y0 + (side - 1) / 2)
    # Shifted to the point's centre, so that slices add in phase.
    centred = whole.shift(dx, dy)
    return PointSlice(
        index=index,
        found=found,
        box=box,
        transform=whole.of(patch) * centred,
        inner=middle.of(inner) * centred,
        noise=tuple(whole.of(p) for p in _noise_patches(pixels, box, keep_out)),
        white_noise_hu=surroundings,
    )


def _noise_patches(pixels: Array, box: Rectangle, keep_out: float) -> list[Array]:
    """Return plain squares beside the point with the slice's own noise, their planes taken off.

    Squares of the point's size, half overlapped, that stay `keep_out` away from the point; those
    that hold a border (of the phantom) are left out, and the nearest 8 are kept.
    """
    side = box.x1 - box.x0
    apart = side / 2 + keep_out
    rows, columns = pixels.shape
    corners = [
        (math.hypot(x0 - box.x0, y0 - box.y0), x0, y0)
        for y0 in range(0, rows - side + 1, side // 2)
        for x0 in range(0, columns - side + 1, side // 2)
        if max(abs(x0 - box.x0), abs(y0 - box.y0)) >= apart
    ]
    found: list[tuple[float, Array]] = []
    for away, x0, y0 in sorted(corners, key=lambda c: c[0])[:_LOOKED_AT]:
        square = Rectangle(x0, y0, x0 + side, y0 + side)
        found.append((away, wire.without_plane(square.cut(pixels), keep_out)))
    if not found:
        return []
    # The added nothing lets an image without noise through.
    quiet = 1.5 * float(np.percentile([p.std() for _, p in found], 25)) + 1e-6
    plain = sorted((f for f in found if f[1].std() <= quiet), key=lambda f: f[0])
    return [patch for _, patch in plain[:_PATCHES]]


def transfer(
    series: PointSeries,
    shape: Array,
    directions: Sequence[int] | None = None,
    *,
    even: bool = False,
) -> tuple[Mtf, Array]:
    """Return the MTF with replicates, and its noise floor by frequency.

    The uncertainty holds the noise and, as a rectangular distribution, the change when only the
    inner 5/7 of the square is transformed (background and cut-off tails).

    Parameters
    ----------
    series
        The slices, transformed.
    shape
        Transform of the object itself, divided out.
    directions
        Which of the directions to average (0: along the rows); all when absent.
    even
        Take the real part about the point's centre instead of the modulus: right for a point
        spread that is even, and noise does not add to it. For points that are faint.
    """
    rng = np.random.default_rng(SEED)
    used = series.slices
    chosen = slice(None) if directions is None else list(directions)
    total = np.asarray(sum(s.transform for s in used))
    turn = _centring(series, total) if even else np.ones_like(total)

    def curve(transform: Complex) -> Array:
        part = transform[:, chosen]
        found = (part * turn[:, chosen]).real if even else np.abs(part)
        return np.asarray(found.mean(axis=1))

    def normalised(transform: Complex) -> Array:
        found = curve(transform)
        return np.asarray(found / found[0] / shape)

    value = normalised(total)
    truncation = np.abs(value - normalised(np.asarray(sum(s.inner for s in used)))) / math.sqrt(3)
    drawn = []
    power = np.zeros_like(series.frequency_per_mm)
    for _ in range(REPLICATES):
        noise = np.asarray(sum(_noise(s, rng, total.shape) for s in used))
        drawn.append(normalised(total + noise))
        power += curve(noise) ** 2 if even else np.mean(np.abs(noise[:, chosen]) ** 2, axis=1)
    replicates = np.array(drawn)
    floor = np.sqrt(power / REPLICATES) / float(np.abs(total[0]).mean())
    # Added noise lifts a modulus near the floor; the scatter about the mean is what repeats.
    replicates = value + replicates - replicates.mean(axis=0)
    u = np.hypot(replicates.std(axis=0, ddof=1), truncation)
    # One figure for the crossings: the root mean square where the curve is still high.
    high = value > 0.05
    method = float(np.sqrt((truncation[high] ** 2).mean()))
    return Mtf(series.frequency_per_mm, value, u, replicates, method_u=method), floor


def _centring(series: PointSeries, total: Complex) -> Complex:
    """Return the factors that take off the slope of the phase, fitted where the modulus is high."""
    turns = np.arange(total.shape[1]) * (math.pi / total.shape[1])
    f = series.frequency_per_mm[:, None]
    along = 2 * math.pi * np.stack((f * np.cos(turns), f * np.sin(turns)))
    high = np.abs(total) > 0.5 * np.abs(total[0]).mean()
    # Only up to the first frequency that is low in any direction, where the phase cannot wrap.
    last = np.flatnonzero(~high.all(axis=1))
    stop = max(4, int(last[0]) if len(last) else len(f))
    weight = np.abs(total[:stop]).ravel()
    design = (along[:, :stop].reshape(2, -1) * weight).T
    phase = -np.angle(total[:stop]).ravel() * weight
    shift = np.linalg.lstsq(design, phase, rcond=None)[0]
    return np.asarray(np.exp(1j * np.tensordot(shift, along, axes=1)))


def _noise(s: PointSlice, rng: np.random.Generator, shape: tuple[int, ...]) -> Complex:
    """Draw the transform of one realisation of the slice's noise."""
    if len(s.noise) >= _LEAST_PATCHES:
        # A patch shifted, mirrored or turned is as good: random sign, direction order and phase.
        patch = s.noise[int(rng.integers(len(s.noise)))]
        turned = np.roll(patch, int(rng.integers(shape[1])), axis=1)
        return np.asarray(turned * (1.0 if rng.integers(2) else -1.0))
    side = s.box.x1 - s.box.x0
    scale = s.white_noise_hu * side / math.sqrt(2.0)
    drawn = rng.normal(0.0, scale, shape) + 1j * rng.normal(0.0, scale, shape)
    drawn[0] = rng.normal(0.0, s.white_noise_hu * side)
    return np.asarray(drawn)


def levels(
    found: Mtf, floor: Array, names: Mapping[str, float]
) -> tuple[dict[str, Quantity], list[str]]:
    """Return where the curve falls to each level, and warnings on those left out."""
    values: dict[str, Quantity] = {}
    warnings: list[str] = []
    for name, level in names.items():
        at = found.crossing(level)
        if at is None:
            warnings.append(
                f"The MTF does not fall to {level * 100:g} % below the Nyquist frequency, so "
                f"{name} is absent."
            )
            continue
        here = float(np.interp(at.value, found.frequency_per_mm, floor))
        if level < _FLOOR * here:
            warnings.append(
                f"{name} is absent: at {level * 100:g} % the MTF is lost in the noise (floor "
                f"{here * 100:.1f} %). Average more slices."
            )
        else:
            values[name] = at
    return values, warnings


def remarks(series: PointSeries, found: Mtf, floor: Array) -> list[str]:
    """Return warnings on pixels too coarse, and on noise that cannot be seen."""
    warnings = []
    if found.value[-1] > max(_COARSE, 3.0 * float(floor[-1])):
        warnings.append(
            f"The pixels are too coarse: the MTF is still {found.value[-1] * 100:.0f} % at the "
            "Nyquist frequency, so what is measured is folded. Reconstruct a smaller field of "
            f"view around the {series.what}."
        )
    if any(len(s.noise) < _LEAST_PATCHES for s in series.slices):
        warnings.append(
            f"There is too little plain image beside the {series.what} to see how its noise is "
            "correlated; the uncertainty takes the pixels as independent and may be too small."
        )
    return warnings


def fwhm(series: PointSeries) -> Quantity:
    """Return the width of the point's image, mean over the slices, mm."""
    used, pixel_mm = series.slices, series.pixel_mm
    widths = np.array([s.found.fwhm_px for s in used]) * pixel_mm
    # Noise moves the half-height outline by noise over the slope there, about peak / FWHM.
    noise = [s.white_noise_hu / s.found.peak_hu * s.found.fwhm_px * pixel_mm for s in used]
    # The outline is followed on a grid of a tenth of a pixel: 0.01 pixel on the diameter.
    u = math.hypot(math.hypot(*noise) / len(used), 0.01 * pixel_mm)
    return quantity(float(widths.mean()), "mm", u)


def regions(series: PointSeries) -> tuple[Region, ...]:
    """Return the square and the point in each slice."""
    name = series.what.capitalize()
    drawn: list[Region] = []
    for s in series.slices:
        values = {
            "peak": quantity(s.found.peak_hu, "HU", s.white_noise_hu),
            "fwhm": quantity(s.found.fwhm_px * series.pixel_mm, "mm"),
        }
        drawn += [
            s.box.region(f"{name} region", frame=s.index, values=values),
            Region(name, "point", ((s.found.x, s.found.y),), s.index),
        ]
    return tuple(drawn)


def mtf_curve(name: str, found: Mtf) -> Curve:
    """Return a transfer function as a curve."""
    return Curve(name, tuple(map(float, found.frequency_per_mm)), tuple(map(float, found.value)),
                 "Spatial frequency", "1/mm", "MTF", "1", tuple(map(float, found.u)))  # fmt: skip


def profile_curve(series: PointSeries, images: Sequence[Image]) -> Curve:
    """Return the row through the point, above its surroundings."""
    middle = series.slices[len(series.slices) // 2]
    patch = middle.box.cut(images[middle.index].pixels.astype(float))
    background = float(np.median(np.concatenate((patch[0], patch[-1]))))
    row = patch[round(middle.found.y) - middle.box.y0] - background
    x = (np.arange(len(row)) + middle.box.x0 - middle.found.x) * series.pixel_mm
    return Curve(f"Profile through the {series.what}", tuple(map(float, x)),
                 tuple(map(float, row)), f"Distance from the {series.what}", "mm",
                 "CT number above surroundings", "HU", (robust_sd(row),) * len(row))  # fmt: skip
