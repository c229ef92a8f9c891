"""In-plane MTF of a CT scanner from the image of a thin wire."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from kerma.core import Analysis, AnalysisError, Curve, Image, Quantity, Region, quantity
from kerma.imaging import identity
from kerma.imaging.ct import series
from kerma.imaging.record import choose, provenance, require
from kerma.imaging.registry import measurement
from kerma.imaging.tools import wire
from kerma.imaging.tools.mtf import Mtf
from kerma.imaging.tools.regions import Rectangle
from kerma.imaging.tools.statistics import robust_sd
from kerma.imaging.tools.wire import Array, Complex, PolarTransform, Wire

NAME, VERSION = "ct-wire-mtf", "1"
EDITION = "Wire point spread function, two-dimensional Fourier transform, mean over directions"
LEVELS: Mapping[str, float] = {"mtf50": 0.5, "mtf10": 0.1, "mtf02": 0.02}
SEED = 61223
REPLICATES = 100
_FREQUENCIES = 200
_COARSE = 0.05  # MTF left at the Nyquist frequency above which aliasing is warned of
_INNER = 5 / 7  # of the square, to see what its size changes
_MOST_UNEVEN = 0.05  # standard deviation of the surroundings, of the wire's height; design choice
_PATCHES = 8  # of noise, per slice
_LEAST_PATCHES = 4
_FLOOR = 2.0  # an MTF level below this many times the noise floor is not reported


@dataclass(frozen=True, slots=True)
class Parameters:
    """What may be chosen.

    Attributes
    ----------
    roi_fwhm
        Side of the square around the wire, in widths at half maximum; 10 or more, because the
        background's error at zero frequency is the main bias.
    wire_diameter_mm
        Divide by the transform of a round wire of this diameter; none by default.
    """

    roi_fwhm: float = 14.0
    wire_diameter_mm: float | None = None

    def __post_init__(self) -> None:
        require(self.roi_fwhm >= 10, "roi_fwhm", "The square must be 10 widths or more.")
        require(
            self.wire_diameter_mm is None or 0 < self.wire_diameter_mm <= 1,
            "wire_diameter_mm",
            "The diameter of the wire lies above 0 and up to 1 mm.",
        )


@dataclass(frozen=True, slots=True, eq=False)
class _Slice:
    """One slice: the wire and the transforms of its patch, of the patch's middle and of noise."""

    index: int
    found: Wire
    box: Rectangle
    transform: Complex
    inner: Complex
    noise: tuple[Complex, ...]
    white_noise_hu: float


@measurement(
    NAME,
    version=VERSION,
    title="In-plane MTF from a wire",
    edition=EDITION,
    modalities=("CT",),
)
def measure(images: Sequence[Image], **parameters: Any) -> Analysis:
    """Measure the in-plane MTF from one or several slices through a wire.

    The square around the wire, less the plane of its surroundings, is Fourier transformed; the
    modulus is averaged over directions and divided by its value at zero. Slices are averaged as
    transforms, each shifted to the wire's centre, so a tilted wire does not blur the result.

    Values: ``mtf50``, ``mtf10``, ``mtf02`` (1/mm) and ``fwhm`` (mm, of the in-plane point
    spread). Their uncertainty comes from adding noise patches of the same slices, seed `SEED`.

    Raises
    ------
    InputError
        The codes of `kerma.imaging.ct.series.slices`.
    AnalysisError
        Codes ``no-wire``, ``two-wires``, ``wire-saturated``, ``wire-near-border``,
        ``wire-surroundings``, ``mixed-phantoms``.
    """
    chosen = choose(Parameters, parameters)
    order, notes = series.slices(images)
    pixel_mm = series.square_pixel_mm(images[order[0]])
    for index in order:
        identity.require_not_clinical(images[index])
    wires = {i: _find(images[i], pixel_mm) for i in order}
    side = _side(list(wires.values()), chosen.roi_fwhm)
    frequency_px = np.arange(_FREQUENCIES + 1) * (0.5 / _FREQUENCIES)
    whole = PolarTransform(side, frequency_px)
    middle = PolarTransform(2 * round(side * _INNER / 2) + 1, frequency_px)
    used = [_slice(images[i], i, wires[i], whole, middle) for i in order]
    found, floor = _mtf(used, frequency_px / pixel_mm, chosen.wire_diameter_mm)
    values, warnings = _values(found, floor, used, pixel_mm)
    return Analysis(
        name=NAME,
        status="measured",
        provenance=provenance(
            NAME, VERSION, EDITION, images, chosen,
            seed=SEED, replicates=REPLICATES, slices_used=order, side_px=side,
        ),
        values=values,
        regions=tuple(r for s in used for r in _regions(s, pixel_mm)),
        curves=_curves(found, used, images, pixel_mm),
        warnings=(*notes, *warnings),
        facts={"slices_used": list(order), "noise_floor": float(floor[1:].max())},
    )  # fmt: skip


def _find(image: Image, pixel_mm: float) -> Wire:
    return wire.find(image.pixels, pixel_mm, image.saturated_at)


def _side(wires: Sequence[Wire], roi_fwhm: float) -> int:
    """Return the odd side of the square in pixels; refuse wires that cannot be one wire."""
    widths = [w.fwhm_px for w in wires]
    if max(widths) > 1.5 * min(widths):
        raise AnalysisError(
            "The slices do not show one wire: the width of its image differs by more than half "
            "between them. Give slices through the wire alone.",
            stage="find wire",
            code="mixed-phantoms",
        )
    return 2 * math.ceil(roi_fwhm * float(np.mean(widths)) / 2) + 1


def _slice(
    image: Image, index: int, found: Wire, whole: PolarTransform, middle: PolarTransform
) -> _Slice:
    pixels = image.pixels.astype(float)
    side = whole.side
    box = Rectangle.centred(round(found.x), round(found.y), side, side)
    if not box.inside((pixels.shape[0], pixels.shape[1])):
        raise AnalysisError(
            f"The wire lies too near the border of the image: {side} pixels are needed around it. "
            "Reconstruct with the wire nearer the middle.",
            stage="crop wire",
            code="wire-near-border",
        )
    keep_out = side * 2 / 7  # 4 widths of 14: outside, only the tails and noise remain
    patch = wire.without_plane(box.cut(pixels), keep_out)
    rows, columns = np.indices(patch.shape) - (side - 1) / 2
    surroundings = float(patch[np.hypot(rows, columns) > keep_out].std())
    if surroundings > _MOST_UNEVEN * found.peak_hu:
        raise AnalysisError(
            "The surroundings of the wire are not plain: they vary by "
            f"{100 * surroundings / found.peak_hu:.0f} % of its height. It may be another "
            "phantom; a wire in air, water or plastic is needed.",
            stage="crop wire",
            code="wire-surroundings",
        )
    off = (side - middle.side) // 2
    inner = wire.without_plane(
        Rectangle(box.x0 + off, box.y0 + off, box.x1 - off, box.y1 - off).cut(pixels), keep_out
    )
    dx, dy = found.x - (box.x0 + (side - 1) / 2), found.y - (box.y0 + (side - 1) / 2)
    # Shifted to the wire's centre, so that slices add in phase.
    centred = whole.shift(dx, dy)
    return _Slice(
        index=index,
        found=found,
        box=box,
        transform=whole.of(patch) * centred,
        inner=middle.of(inner) * centred,
        noise=tuple(whole.of(p) for p in _noise_patches(pixels, box, keep_out)),
        white_noise_hu=surroundings,
    )


def _noise_patches(pixels: Array, box: Rectangle, keep_out: float) -> list[Array]:
    """Return plain squares beside the wire with the slice's own noise, their planes taken off.

    Squares of the wire's size, half overlapped, that stay `keep_out` away from the wire; those
    that hold a border (of the phantom) are left out, and the nearest 8 are kept.
    """
    side = box.x1 - box.x0
    apart = side / 2 + keep_out
    rows, columns = pixels.shape
    found: list[tuple[float, Array]] = []
    for y0 in range(0, rows - side + 1, side // 2):
        for x0 in range(0, columns - side + 1, side // 2):
            dx, dy = x0 - box.x0, y0 - box.y0
            if max(abs(dx), abs(dy)) >= apart:
                square = Rectangle(x0, y0, x0 + side, y0 + side)
                patch = wire.without_plane(square.cut(pixels), keep_out)
                found.append((math.hypot(dx, dy), patch))
    if not found:
        return []
    # The added nothing lets an image without noise through.
    quiet = 1.5 * float(np.percentile([p.std() for _, p in found], 25)) + 1e-6
    plain = sorted((f for f in found if f[1].std() <= quiet), key=lambda f: f[0])
    return [patch for _, patch in plain[:_PATCHES]]


def _mtf(used: Sequence[_Slice], frequency: Array, wire_mm: float | None) -> tuple[Mtf, Array]:
    """Return the MTF with replicates, and the noise floor of its modulus by frequency.

    The uncertainty holds the noise and, as a rectangular distribution, the change when only the
    inner 5/7 of the square is transformed (background and cut-off tails).
    """
    rng = np.random.default_rng(SEED)
    shape = np.ones_like(frequency) if wire_mm is None else wire.wire_transform(frequency, wire_mm)

    def normalised(transform: Complex) -> Array:
        modulus = np.abs(transform).mean(axis=1)
        return np.asarray(modulus / modulus[0] / shape)

    total = np.asarray(sum(s.transform for s in used))
    value = normalised(total)
    truncation = np.abs(value - normalised(np.asarray(sum(s.inner for s in used)))) / math.sqrt(3)
    drawn = []
    power = np.zeros_like(frequency)
    for _ in range(REPLICATES):
        noise = np.asarray(sum(_noise(s, rng, total.shape) for s in used))
        drawn.append(normalised(total + noise))
        power += np.mean(np.abs(noise) ** 2, axis=1)
    replicates = np.array(drawn)
    floor = np.sqrt(power / REPLICATES) / float(np.abs(total[0]).mean())
    # Added noise lifts a modulus near the floor; the scatter about the mean is what repeats.
    replicates = value + replicates - replicates.mean(axis=0)
    u = np.hypot(replicates.std(axis=0, ddof=1), truncation)
    # One figure for the crossings: the root mean square where the curve is still high.
    high = value > 0.05
    method = float(np.sqrt((truncation[high] ** 2).mean()))
    return Mtf(frequency, value, u, replicates, method_u=method), floor


def _noise(s: _Slice, rng: np.random.Generator, shape: tuple[int, ...]) -> Complex:
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


def _values(
    found: Mtf, floor: Array, used: Sequence[_Slice], pixel_mm: float
) -> tuple[dict[str, Quantity], tuple[str, ...]]:
    values: dict[str, Quantity] = {}
    warnings: list[str] = []
    for name, level in LEVELS.items():
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
    if found.value[-1] > max(_COARSE, 3.0 * float(floor[-1])):
        warnings.append(
            f"The pixels are too coarse: the MTF is still {found.value[-1] * 100:.0f} % at the "
            "Nyquist frequency, so what is measured is folded. Reconstruct a smaller field of "
            "view around the wire."
        )
    if any(len(s.noise) < _LEAST_PATCHES for s in used):
        warnings.append(
            "There is too little plain image beside the wire to see how its noise is correlated; "
            "the uncertainty takes the pixels as independent and may be too small."
        )
    widths = np.array([s.found.fwhm_px for s in used]) * pixel_mm
    # Noise moves the half-height outline by noise over the slope there, about peak / FWHM.
    noise = [s.white_noise_hu / s.found.peak_hu * s.found.fwhm_px * pixel_mm for s in used]
    # The outline is followed on a grid of a tenth of a pixel: 0.01 pixel on the diameter.
    u = math.hypot(math.hypot(*noise) / len(used), 0.01 * pixel_mm)
    values["fwhm"] = quantity(float(widths.mean()), "mm", u)
    return values, tuple(warnings)


def _regions(s: _Slice, pixel_mm: float) -> tuple[Region, ...]:
    values = {
        "peak": quantity(s.found.peak_hu, "HU", s.white_noise_hu),
        "fwhm": quantity(s.found.fwhm_px * pixel_mm, "mm"),
    }
    return (
        s.box.region("Wire region", frame=s.index, values=values),
        Region("Wire", "point", ((s.found.x, s.found.y),), s.index),
    )


def _curves(
    found: Mtf, used: Sequence[_Slice], images: Sequence[Image], pixel_mm: float
) -> tuple[Curve, ...]:
    middle = used[len(used) // 2]
    patch = middle.box.cut(images[middle.index].pixels.astype(float))
    background = float(np.median(np.concatenate((patch[0], patch[-1]))))
    row = patch[round(middle.found.y) - middle.box.y0] - background
    x = (np.arange(len(row)) + middle.box.x0 - middle.found.x) * pixel_mm
    return (
        Curve("MTF", tuple(map(float, found.frequency_per_mm)), tuple(map(float, found.value)),
              "Spatial frequency", "1/mm", "MTF", "1", tuple(map(float, found.u))),
        Curve("Profile through the wire", tuple(map(float, x)), tuple(map(float, row)),
              "Distance from the wire", "mm", "CT number above surroundings", "HU",
              (robust_sd(row),) * len(row)),
    )  # fmt: skip
