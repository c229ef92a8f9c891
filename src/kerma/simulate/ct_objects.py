"""Objects in CT slices in closed form: rods, beads, ramps and bodies, each with its known truth.

Every object is drawn on its own, blurred by a Gaussian point spread of standard deviation s, and
added to what is there; the truth of the spread is MTF = exp(-2 pi² s² f²). Nothing of the analysis
is used.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from kerma.imaging.tools.untyped import special
from kerma.simulate.ct import AIR_HU, cover

Array = npt.NDArray[np.floating[Any]]
Place = tuple[float, float]

_SUB = 8
_OVERSAMPLED = 4


def blurred_rod(r_mm: Array, radius_mm: float, sigma_mm: float) -> Array:
    """Return a disc of height 1 blurred by a Gaussian, at distances from its axis.

    Exact: the slope of the blurred disc is -(R/s²) exp(-(r² + R²)/(2 s²)) I1(r R/s²), integrated
    in steps of s/400 (to 1e-6).
    """
    low, high = max(0.0, radius_mm - 9 * sigma_mm), radius_mm + 9 * sigma_mm
    at = np.arange(low, high, sigma_mm / 400)
    slope = (radius_mm / sigma_mm**2) * np.exp(-((at - radius_mm) ** 2) / (2 * sigma_mm**2))
    slope *= special.i1e(at * radius_mm / sigma_mm**2)
    steps = 0.5 * (slope[1:] + slope[:-1]) * (at[1] - at[0])
    height = np.concatenate((np.cumsum(steps[::-1])[::-1], [0.0]))
    return np.asarray(np.interp(r_mm, at, height))


def rod(
    shape: tuple[int, int],
    place: Place,
    *,
    pixel_mm: float,
    radius_mm: float,
    sigma_mm: float,
    contrast_hu: float,
    aperture: bool = False,
) -> Array:
    """Render a rod along the axis at (x, y) pixels.

    Sampled at the pixel centres, or, with `aperture`, averaged over each square pixel (8 x 8
    samples), whose truth is multiplied by sinc(p fx) sinc(p fy).
    """
    offsets = (np.arange(_SUB) + 0.5) / _SUB - 0.5 if aperture else np.zeros(1)
    rows, columns = np.indices(shape, dtype=float)
    total = np.zeros(shape)
    for dy in offsets:
        for dx in offsets:
            r = np.hypot(columns + dx - place[0], rows + dy - place[1]) * pixel_mm
            total += blurred_rod(r, radius_mm, sigma_mm)
    return np.asarray(contrast_hu * total / len(offsets) ** 2)


def ramp_noise(
    shape: tuple[int, int], *, pixel_mm: float, sd_hu: float, peak_per_mm: float, seed: int
) -> Array:
    """Return noise as filtered back projection makes it: NPS = A f exp(-f²/(2 a²)).

    The peak is at a; the mean frequency, integral of f NPS over integral of NPS, is a sqrt(pi/2);
    the variance is 2 pi A a³ sqrt(pi/2) (of what lies below the Nyquist frequency, which for
    a < 0.6/(2 p) is all but 0.3 %).
    """
    a = peak_per_mm
    level = sd_hu**2 / (2 * math.pi * a**3 * math.sqrt(math.pi / 2))
    f = np.hypot(
        np.fft.fftfreq(shape[0], pixel_mm)[:, None], np.fft.rfftfreq(shape[1], pixel_mm)[None, :]
    )
    nps = level * f * np.exp(-(f**2) / (2 * a**2))
    white = np.fft.rfft2(np.random.default_rng(seed).standard_normal(shape))
    return np.asarray(np.fft.irfft2(white * np.sqrt(nps) / pixel_mm, s=shape))


def pasted(
    pixels: Array, place: Place, half_px: int, draw: Callable[[tuple[int, int], Place], Array]
) -> None:
    """Add what `draw` renders, in a window about a place, to an image (in place).

    `draw` gets the window's shape and the place within it. Parts outside the image are dropped.
    """
    x, y = round(place[0]) - half_px, round(place[1]) - half_px
    side = 2 * half_px + 1
    window = draw((side, side), (place[0] - x, place[1] - y))
    rows = slice(max(0, y), max(0, min(pixels.shape[0], y + side)))
    columns = slice(max(0, x), max(0, min(pixels.shape[1], x + side)))
    pixels[rows, columns] += window[
        rows.start - y : rows.stop - y, columns.start - x : columns.stop - x
    ]


def sphere_transform(frequency_per_mm: Array, diameter_mm: float) -> Array:
    """Return the transform of a sphere's projection, 3 (sin x - x cos x)/x³ with x = pi d f."""
    x = math.pi * diameter_mm * np.asarray(frequency_per_mm, dtype=float)
    safe = np.maximum(x, 1e-2)
    exact = 3.0 * (np.sin(safe) - safe * np.cos(safe)) / safe**3
    return np.asarray(np.where(x < 1e-2, 1.0 - x**2 / 10.0, exact))


def bead(
    shape: tuple[int, int],
    place: Place,
    *,
    pixel_mm: float,
    diameter_mm: float,
    sigma_mm: float,
    hu_mm2: float,
) -> Array:
    """Render a sphere seen in projection through the slice, blurred; `hu_mm2` is its integral.

    The radial profile is the Hankel transform of Gaussian times sphere, by Simpson's rule.
    """
    last = 6.5 / (2 * math.pi * sigma_mm) * math.sqrt(2)
    f = np.linspace(0.0, last, 1201)
    weight = np.full(f.size, 2.0)
    weight[1::2], weight[[0, -1]] = 4.0, 1.0
    weight *= (f[1] - f[0]) / 3.0 * 2 * math.pi * f
    weight *= np.exp(-2 * (math.pi * sigma_mm * f) ** 2) * sphere_transform(f, diameter_mm)
    reach = 9 * sigma_mm + diameter_mm
    at = np.linspace(0.0, reach, 1500)
    profile = special.j0(2 * math.pi * np.outer(at, f)) @ weight
    rows, columns = np.indices(shape, dtype=float)
    r = np.hypot(columns - place[0], rows - place[1]) * pixel_mm
    spline = np.interp(r, at, profile, right=0.0)
    return np.asarray(hu_mm2 * spline)


@dataclass(frozen=True, slots=True)
class Ramp:
    """A thin object that rises through the slice, and how its image lies.

    Attributes
    ----------
    place
        (x, y) in pixels where it crosses the middle of the slice.
    direction_deg
        Direction along which it rises, clockwise as displayed from +x.
    angle_deg
        Angle to the slice plane.
    diameter_mm
        Of the wire; 0 for one without width.
    width_mm
        Of a plate across the ramp; 0 for a wire.
    hu_mm2
        Contrast integrated over the slice plane for a slice of any thickness 1 mm: the total of
        the image is `hu_mm2` times the thickness over tan(angle).
    """

    place: Place
    direction_deg: float = 0.0
    angle_deg: float = 23.0
    diameter_mm: float = 0.0
    width_mm: float = 0.0
    hu_mm2: float = 300.0


def ramp(
    shape: tuple[int, int],
    what: Ramp,
    *,
    pixel_mm: float,
    sigma_mm: float,
    thickness_mm: float,
    profile: str = "box",
) -> Array:
    """Render a wire or plate ramp through a slice, from the product of the transforms.

    `thickness_mm` is the full width at half maximum of the slice's sensitivity, a ``box``, a
    ``gaussian`` or a ``triangle``. Wire: a circular cylinder, whose section is an ellipse.
    """
    n = _OVERSAMPLED
    fy = np.fft.fftfreq(shape[0] * n, pixel_mm / n)[:, None]
    fx = np.fft.rfftfreq(shape[1] * n, pixel_mm / n)[None, :]
    turn = math.radians(what.direction_deg)
    along = fx * math.cos(turn) + fy * math.sin(turn)
    across = -fx * math.sin(turn) + fy * math.cos(turn)
    slope = math.tan(math.radians(what.angle_deg))
    spectrum = _sensitivity(along / slope, thickness_mm, profile) * thickness_mm / slope
    if what.diameter_mm:
        stretched = along / math.sin(math.radians(what.angle_deg))
        x = math.pi * what.diameter_mm * np.hypot(stretched, across)
        safe = np.where(x == 0, 1.0, x)
        spectrum = spectrum * np.where(x == 0, 1.0, 2 * special.j1(safe) / safe)
    if what.width_mm:
        spectrum = spectrum * np.sinc(across * what.width_mm)
    spectrum = spectrum * np.exp(-2 * (math.pi * sigma_mm) ** 2 * (along**2 + across**2))
    shift = fx * what.place[0] + fy * what.place[1]
    spectrum = spectrum * np.exp(-2j * math.pi * shift * pixel_mm)
    fine = np.fft.irfft2(spectrum, s=(shape[0] * n, shape[1] * n)) * (n / pixel_mm) ** 2
    return np.asarray(what.hu_mm2 * fine[::n, ::n])


def _sensitivity(f_per_mm: Array, fwhm_mm: float, profile: str) -> Array:
    """Return the transform of a slice sensitivity profile, 1 at zero."""
    if profile == "gaussian":
        sigma = fwhm_mm / 2.3548200450309493
        return np.asarray(np.exp(-2 * (math.pi * sigma * f_per_mm) ** 2))
    if profile == "triangle":
        return np.asarray(np.sinc(f_per_mm * fwhm_mm) ** 2)
    return np.asarray(np.sinc(f_per_mm * fwhm_mm))


def beads(
    shape: tuple[int, int],
    places: Sequence[Place],
    z_mm: Sequence[float],
    *,
    pixel_mm: float,
    sigma_mm: float,
    thickness_mm: float,
    hu_mm2: float,
    profile: str = "gaussian",
) -> Array:
    """Render beads at (x, y) pixels and at heights from the middle of the slice.

    Each is a Gaussian whose integral follows the slice's sensitivity at its height.
    """
    rows, columns = np.indices(shape, dtype=float)
    total = np.zeros(shape)
    for (x, y), z in zip(places, z_mm, strict=True):
        if profile == "gaussian":
            weight = math.exp(-4 * math.log(2) * (z / thickness_mm) ** 2)
        else:
            weight = float(abs(z) <= thickness_mm / 2)
        if weight > 1e-4:
            r2 = ((columns - x) ** 2 + (rows - y) ** 2) * pixel_mm**2
            total += weight * np.exp(-r2 / (2 * sigma_mm**2)) / (2 * math.pi * sigma_mm**2)
    return np.asarray(hu_mm2 * total)


@dataclass(frozen=True, slots=True)
class Body:
    """A patient-like slice: an ellipse of one CT number with inserts, and a table under it.

    Attributes
    ----------
    lateral_mm, ap_mm
        Axes of the ellipse.
    hu
        CT number of the body.
    inserts
        (x_mm, y_mm, radius_mm, HU) from the middle of the body: lungs, bone, metal.
    table
        Draw a table touching the body: two thin shells with foam between.
    slab_mm
        Thickness of a solid slab touching the body instead; 0 for none.
    """

    lateral_mm: float = 320.0
    ap_mm: float = 220.0
    hu: float = 40.0
    inserts: tuple[tuple[float, float, float, float], ...] = ()
    table: bool = False
    slab_mm: float = 0.0

    @property
    def water_equivalent_mm(self) -> float:
        """Return 2 sqrt(sum of (HU/1000 + 1) dA / pi), in closed form."""
        area = math.pi * self.lateral_mm * self.ap_mm / 4 * (self.hu / 1000 + 1)
        area += sum(math.pi * r**2 * (hu - self.hu) / 1000 for _, _, r, hu in self.inserts)
        return 2 * math.sqrt(area / math.pi)


def body(
    shape: tuple[int, int], what: Body, *, pixel_mm: float, centre_px: Place | None = None
) -> Array:
    """Render a body without noise, its borders as exact area fractions."""
    x, y = centre_px or ((shape[1] - 1) / 2, (shape[0] - 1) / 2)
    half_x, half_y = what.lateral_mm / 2 / pixel_mm, what.ap_mm / 2 / pixel_mm
    whole = cover(shape, x, y, half_x, half_y)
    result = AIR_HU + (what.hu - AIR_HU) * whole
    for dx, dy, radius, hu in what.inserts:
        disc = cover(shape, x + dx / pixel_mm, y + dy / pixel_mm, radius / pixel_mm)
        result += (hu - what.hu) * disc
    rows, columns = np.indices(shape, dtype=float)
    below = (rows - y - half_y) * pixel_mm
    outside = 1 - whole
    if what.slab_mm:
        wide = np.abs(columns - x) * pixel_mm < 230
        slab = wide & (below >= 0) & (below < what.slab_mm)
        result += outside * slab * (what.hu - AIR_HU)
    if what.table:
        # Two shells of 2 mm, 30 mm apart, with light foam between them.
        wide = np.abs(columns - x) * pixel_mm < 220
        shell = wide & (((below >= 0) & (below < 2)) | ((below >= 30) & (below < 32)))
        foam = wide & (below >= 2) & (below < 30)
        result += outside * (shell * 900.0 + foam * 60.0)
    return np.asarray(result)
