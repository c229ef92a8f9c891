"""Images of planar test objects with known truth, drawn from the objects' own descriptions.

Air kerma behind the object is the open level times (1 - contrast) of everything that covers a
pixel. Each detail is drawn on eight sub-pixels each way, blurred there by a Gaussian point spread,
and averaged over the pixel: border, blur and pixel aperture are right to about a thousandth.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from kerma.core import Image
from kerma.imaging.objects._spec import ObjectSpec, load
from kerma.imaging.tools.untyped import ndimage, special
from kerma.simulate.planar import as_image

Array = npt.NDArray[np.floating[Any]]
Cover = Callable[[Array, Array], Array]

_SUB = 8
_FOIL = 0.92

# What the details take out of the beam, strongest first. The places and names are those of the
# descriptions; these contrasts belong to the simulated beam and to no real one.
CONTRASTS: Mapping[str, Mapping[str, tuple[float, ...]]] = {
    "leeds-tor-18fg": {
        "low_contrast": tuple(0.17 * 0.84**i for i in range(18)),
        "square": (0.95, 0.35),
    },
    "leeds-tor-cdr": {
        "large": tuple(0.12 * 0.8**i for i in range(17)),
        "small": tuple(0.95 * 0.83**i for i in range(17)),
        "step": tuple(0.9 - 0.085 * i for i in range(10)),
    },
}


_SIZES = ("11.1", "8", "5.6", "4", "2.8", "2", "1.4", "1", "0.7", "0.5", "0.35", "0.25")


def threshold_contrasts(count: int) -> dict[str, tuple[float, ...]]:
    """Return contrasts of the details of a threshold contrast object, by diameter.

    From 4 % down for the largest to 95 % down for the smallest, each a constant factor apart; they
    straddle what is just seen in an image of ordinary noise.
    """
    tops = np.geomspace(0.04, 0.95, len(_SIZES))
    ratio = 0.02 ** (1.0 / (count - 1))
    return {
        name: tuple(float(top * ratio**i) for i in range(count))
        for name, top in zip(_SIZES, tops, strict=True)
    }


@dataclass(frozen=True, slots=True)
class ObjectImage:
    """One exposure of a planar object.

    Attributes
    ----------
    key
        The object.
    side
        Rows and columns of the image.
    pixels_per_mm
        Scale in the plane of the object.
    turn_deg, mirrored, centre_px
        How it lies: mirrored left to right first, then turned clockwise as displayed.
    sigma_mm
        Standard deviation of the point spread, in the plane of the object.
    level, noise
        Pixel value of the open beam behind the object's plate, and standard deviation of the white
        noise; `grain_px` blurs the noise to a correlated one of the same pixel deviation.
    slope_percent_per_cm
        Fall of the beam across the columns.
    inverted
        More attenuation gives higher pixel values.
    blades_px
        Left, top, right, bottom of the field, beyond which the signal is 3 %.
    contrasts
        By series, instead of `CONTRASTS`.
    seed
        Of the noise.
    """

    key: str
    side: tuple[int, int] = (1024, 1024)
    pixels_per_mm: float = 5.0
    turn_deg: float = 0.0
    mirrored: bool = False
    centre_px: tuple[float, float] | None = None
    sigma_mm: float = 0.12
    level: float = 4000.0
    noise: float = 20.0
    grain_px: float = 0.0
    slope_percent_per_cm: float = 0.0
    inverted: bool = False
    blades_px: tuple[int, int, int, int] | None = None
    contrasts: Mapping[str, Sequence[float]] = field(default_factory=dict)
    spec: ObjectSpec | None = None
    seed: int = 1

    @property
    def description(self) -> ObjectSpec:
        """The object drawn."""
        return self.spec or load(self.key)

    def contrast(self, group: str) -> Sequence[float]:
        """Return the contrasts of a series."""
        if group in self.contrasts:
            return self.contrasts[group]
        if self.key in CONTRASTS:
            return CONTRASTS[self.key][group]
        return threshold_contrasts(len(self.description.group(group)))[group]

    @property
    def middle(self) -> tuple[float, float]:
        """Return the pixel (x, y) of the object's middle."""
        return self.centre_px or ((self.side[1] - 1) / 2, (self.side[0] - 1) / 2)

    def to_object(self, x: Array, y: Array) -> tuple[Array, Array]:
        """Return mm in the object of pixel places."""
        t = math.radians(self.turn_deg)
        dx = (x - self.middle[0]) / self.pixels_per_mm
        dy = (y - self.middle[1]) / self.pixels_per_mm
        u = dx * math.cos(t) + dy * math.sin(t)
        v = -dx * math.sin(t) + dy * math.cos(t)
        return (-u if self.mirrored else u), v

    def to_pixels(self, x_mm: float, y_mm: float) -> tuple[float, float]:
        """Return the pixel place of mm in the object."""
        t = math.radians(self.turn_deg)
        u = -x_mm if self.mirrored else x_mm
        s = self.pixels_per_mm
        return (
            self.middle[0] + s * (u * math.cos(t) - y_mm * math.sin(t)),
            self.middle[1] + s * (u * math.sin(t) + y_mm * math.cos(t)),
        )


def expected(scan: ObjectImage) -> Array:
    """Render the image without noise."""
    through = np.ones(scan.side)
    _circle(through, scan)
    spec = scan.description
    for detail in spec.details:
        contrast = scan.contrast(detail.group)[detail.index - 1]
        half = detail.size_mm / 2

        def cover(x: Array, y: Array, half: float = half, square: bool = detail.square) -> Array:
            if square:
                return np.asarray(np.maximum(np.abs(x), np.abs(y)) <= half)
            return np.asarray(x**2 + y**2 <= half**2)

        reach = half * (math.sqrt(2.0) if detail.square else 1.0)
        _stamp(through, scan, (detail.x_mm, detail.y_mm), reach, cover, contrast=contrast)
    if spec.block is not None:
        _foil(through, scan)
    x = np.arange(scan.side[1]) - scan.middle[0]
    slope = 1.0 - scan.slope_percent_per_cm / 100.0 * x / scan.pixels_per_mm / 10.0
    if scan.blades_px is not None:
        left, top, right, bottom = scan.blades_px
        field_of = np.full(scan.side, 0.03)
        field_of[top:bottom, left:right] = 1.0
        through = through * field_of
    return np.asarray(scan.level * through * slope)


def pixels(scan: ObjectImage) -> Array:
    """Render the image with its noise."""
    clean = expected(scan)
    if scan.noise > 0:
        grain = np.random.default_rng(scan.seed).normal(0.0, 1.0, scan.side)
        if scan.grain_px > 0:
            grain = ndimage.gaussian_filter(grain, scan.grain_px, mode="wrap")
            grain = grain / grain.std()
        clean = clean + scan.noise * grain
    if scan.inverted:
        clean = 1.25 * scan.level - clean
    return np.asarray(clean, dtype=np.float32)


def image(scan: ObjectImage, **more: Any) -> Image:
    """Render the image as a raw projection whose pixel spacing is that of the object's plane."""
    return as_image(pixels(scan), 1.0 / scan.pixels_per_mm, **more)


def _circle(through: Array, scan: ObjectImage) -> None:
    """Draw the plate, which reaches beyond the circle, and the wire along it."""
    rows, columns = np.indices(scan.side, dtype=float)
    away = np.hypot(columns - scan.middle[0], rows - scan.middle[1]) / scan.pixels_per_mm
    blur = math.hypot(scan.sigma_mm, 0.3 / scan.pixels_per_mm) * math.sqrt(2.0)
    radius = scan.description.circle_mm

    def beyond(edge: float) -> Array:
        return np.asarray(0.5 * special.erfc((edge - away) / blur))

    through *= 1.0 - 0.5 * (beyond(radius - 0.4) - beyond(radius + 0.4))
    # Outside of the plate the beam is not attenuated by it.
    through *= 1.0 + 0.25 * beyond(radius * 1.12)


def _stamp(
    through: Array,
    scan: ObjectImage,
    at_mm: tuple[float, float],
    reach_mm: float,
    cover: Cover,
    *,
    contrast: float | None,
) -> None:
    """Multiply by 1 - contrast x cover (or by 1 - cover when that already holds contrasts)."""
    x, y = scan.to_pixels(*at_mm)
    half = math.ceil((reach_mm + 4.5 * scan.sigma_mm) * scan.pixels_per_mm) + 2
    x0, y0 = max(0, round(x) - half), max(0, round(y) - half)
    x1, y1 = min(scan.side[1], round(x) + half + 1), min(scan.side[0], round(y) + half + 1)
    if x1 <= x0 or y1 <= y0:
        return
    # Large things need fewer sub-pixels for the same share of their border.
    sub = _SUB if half <= 90 else 4
    columns = x0 + (np.arange((x1 - x0) * sub) + 0.5) / sub - 0.5
    rows = y0 + (np.arange((y1 - y0) * sub) + 0.5) / sub - 0.5
    u, v = scan.to_object(*np.meshgrid(columns, rows))
    drawn = cover(u - at_mm[0], v - at_mm[1]).astype(np.float32)
    sigma = scan.sigma_mm * scan.pixels_per_mm * sub
    if sigma > 0:
        drawn = ndimage.gaussian_filter(drawn, sigma, mode="nearest", truncate=4.5)
    shares = drawn.reshape(y1 - y0, sub, x1 - x0, sub).mean(axis=(1, 3))
    through[y0:y1, x0:x1] *= 1.0 - (shares if contrast is None else contrast * shares)


def _foil(through: Array, scan: ObjectImage) -> None:
    """Draw the foil with its openings: bars, and the square that shows the open contrast."""
    spec = scan.description
    block = spec.block
    assert block is not None

    def cover(x: Array, y: Array) -> Array:
        u, v = x + block.x_mm, y + block.y_mm
        foil = (np.abs(x) <= block.width_mm / 2) & (np.abs(y) <= block.height_mm / 2)
        if block.open_mm is not None:
            ox, oy, size = block.open_mm
            foil &= ~((np.abs(u - ox) <= 0.72 * size) & (np.abs(v - oy) <= 0.72 * size))
        for bars in spec.bars:
            near = np.abs(u - bars.x_mm) <= bars.width_mm / 2
            steps = (v - bars.y_mm) * bars.lp_per_mm + (bars.bars - 1) / 2
            number = np.rint(steps)
            within = (number >= 0) & (number <= bars.bars - 1) & (np.abs(steps - number) < 0.25)
            foil &= ~(near & within)
        return np.asarray(_FOIL * foil)

    reach = math.hypot(block.width_mm, block.height_mm) / 2
    _stamp(through, scan, (block.x_mm, block.y_mm), reach, cover, contrast=None)
