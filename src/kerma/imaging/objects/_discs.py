"""Contrast, contrast-to-noise ratio and detectability of discs against their own surroundings."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from kerma.imaging.objects import _free
from kerma.imaging.objects._find import Found
from kerma.imaging.objects._grain import Grain
from kerma.imaging.objects._places import disc_means, patches
from kerma.imaging.objects._spec import Detail, ObjectSpec

Array = npt.NDArray[np.floating[Any]]

# The measuring disc stays clear of the blurred rim. Design choice.
ROI_SHARE = _free.BESIDE
# A. Rose, J. Opt. Soc. Am. 38 (1948) 196: a detail is seen from a ratio of about 5 on.
ROSE = 5.0
ROSE_RULE = "rose-1"
_SMALLEST_ROI_PX = 2.0
_NOISE_PX = 8.0
_NOTHING = 2e-6  # of the background: rounding, not noise
WHITE = (
    "There is too little free space to see how the noise adds up over a disc; it was taken for "
    "white, so d' may be too high."
)
# With fewer background pixels than this, the noise of the whole series is used for each disc.
_FEW_PIXELS = 300


@dataclass(frozen=True, slots=True, eq=False)
class Disc:
    """One disc measured.

    Attributes
    ----------
    detail
        Which.
    x, y, radius
        Where it was measured and its nominal radius, pixels.
    contrast, u_contrast
        Mean of the inner disc less the mean of same-size discs beside it, above zero where it
        attenuates more; in the unit of the pixels.
    background
        Mean of those beside it.
    noise
        Standard deviation of the pixels of those beside it.
    cnr, u_cnr
        Contrast over noise.
    d_prime, u_d_prime
        Whole disc less same-size discs beside it, over the standard deviation of the mean of such
        a disc: signal-to-noise ratio of a sharp-edged disc template.
    around
        Middles of the backgrounds, pixels.
    """

    detail: Detail
    x: float
    y: float
    radius: float
    contrast: float
    u_contrast: float
    background: float
    noise: float
    cnr: float | None
    u_cnr: float
    d_prime: float
    u_d_prime: float
    around: tuple[tuple[float, float], ...]


def measure(pixels: Array, found: Found, details: Sequence[Detail], grain: Grain) -> list[Disc]:
    """Measure discs of one size; those with nothing free beside them are left out."""
    pose = found.pose
    size = details[0].size_mm
    radius = pose.scale * size / 2
    inner = ROI_SHARE * radius if ROI_SHARE * radius >= _SMALLEST_ROI_PX else radius
    usable = [
        (detail, place, around)
        for detail, place in zip(details, _places(found, details), strict=True)
        if (around := _free.surround(found.spec, detail.x_mm, detail.y_mm, size)) is not None
    ]
    beside = [pose.place(around.x_mm, around.y_mm) for _, _, around in usable]
    noise = [_noise_beside(pixels, found, detail, inner) for detail, _, _ in usable]
    if not usable:
        return []
    own = [n for n, _ in noise] if noise[0][1] >= _FEW_PIXELS else [_pooled(noise)] * len(noise)
    relative = _relative(noise)
    return [
        _disc(pixels, pose.sign, (inner, radius), one, around, sd, grain=grain, relative=relative,
              scale=pose.scale)
        for one, around, sd in zip(usable, beside, own, strict=True)
    ]  # fmt: skip


def _disc(
    pixels: Array,
    sign: int,
    radii: tuple[float, float],
    one: tuple[Detail, tuple[float, float], _free.Surround],
    around: tuple[Array, Array],
    noise: float,
    *,
    grain: Grain,
    relative: float,
    scale: float,
) -> Disc:
    detail, (x, y), _ = one
    xs, ys = np.append(around[0], x), np.append(around[1], y)
    inner = disc_means(pixels, xs, ys, radii[0]).mean
    whole = float(disc_means(pixels, xs[-1:], ys[-1:], radii[1]).mean[0])
    background = float(inner[:-1].mean())
    contrast = sign * (float(inner[-1]) - background)
    noise = noise if noise > _NOTHING * abs(background) else 0.0
    own, sd = grain.sd(2.0 * radii[0] / scale), grain.sd(detail.size_mm)
    count = len(around[0])
    u = own * math.sqrt(1.0 + 1.0 / count)
    d_prime = sign * (whole - background) / sd if sd > 0 else 0.0
    u_d = math.sqrt(1.0 + (own / sd) ** 2 / count) if sd > 0 else 0.0
    return Disc(
        detail, x, y, radii[1], contrast, u, background, noise,
        contrast / noise if noise > 0 else None,
        math.hypot(u / noise, contrast / noise * relative) if noise > 0 else 0.0,
        d_prime, math.hypot(u_d, d_prime * grain.relative_u(detail.size_mm)),
        tuple((float(a), float(b)) for a, b in zip(*around, strict=True)),
    )  # fmt: skip


def _places(found: Found, details: Sequence[Detail]) -> list[tuple[float, float]]:
    """Return where each disc is: where it is clearly seen to be, else where it belongs."""
    seen = {s.detail: s for s in found.seen if s.clear and 0.8 < s.size_ratio < 1.25}
    x, y = found.pose.place([d.x_mm for d in details], [d.y_mm for d in details])
    places = []
    for detail, a, b in zip(details, x, y, strict=True):
        s = seen.get(detail)
        limit = 0.12 * detail.size_mm * found.pose.scale
        near = s is not None and math.hypot(s.x - a, s.y - b) < limit and limit > 1.0
        places.append((s.x, s.y) if near and s is not None else (float(a), float(b)))
    return places


def _noise_beside(pixels: Array, found: Found, detail: Detail, radius: float) -> tuple[float, int]:
    """Return the pixel noise beside a detail, over discs of at least eight pixels across."""
    size = max(detail.size_mm, _NOISE_PX / _free.BESIDE / found.pose.scale)
    around = _free.surround(found.spec, detail.x_mm, detail.y_mm, size)
    if around is None:
        around = _free.surround(found.spec, detail.x_mm, detail.y_mm, detail.size_mm)
    assert around is not None
    x, y = found.pose.place(around.x_mm, around.y_mm)
    return _pixel_noise(pixels, x, y, max(radius, _NOISE_PX / 2))


def _pixel_noise(pixels: Array, x: Array, y: Array, radius: float) -> tuple[float, int]:
    """Return the standard deviation of the pixels in discs, each about a plane of its own."""
    values, weight, dx, dy = patches(pixels, x, y, max(radius, 2.5))
    inside = (weight >= 0.5).astype(float)
    axes = (1, 2)
    count = inside.sum(axis=axes)
    rest = (values - ((values * inside).sum(axis=axes) / count)[:, None, None]) * inside
    for d in (dx, dy):
        # On a disc the two slopes are independent of each other and of the mean.
        centred = (d - ((d * inside).sum(axis=axes) / count)[:, None, None]) * inside
        slope = (rest * centred).sum(axis=axes) / (centred**2).sum(axis=axes)
        rest = rest - slope[:, None, None] * centred
    free = int(count.sum() - 3 * len(count))
    return math.sqrt(float((rest**2).sum()) / free), free


def _pooled(noise: Sequence[tuple[float, int]]) -> float:
    total = sum(count for _, count in noise)
    return math.sqrt(sum(count * sd**2 for sd, count in noise) / total)


def _relative(noise: Sequence[tuple[float, int]]) -> float:
    """Return the relative uncertainty of the noise used: as the discs scatter, or as if white."""
    values = np.array([sd for sd, _ in noise])
    count = noise[0][1]
    white = 1.0 / math.sqrt(2.0 * count)
    scatter = float(values.std(ddof=1) / values.mean()) if len(values) > 4 and values.any() else 0.0
    one = max(white, scatter)
    return one if count >= _FEW_PIXELS else one / math.sqrt(len(noise))


def number_seen(discs: Sequence[Disc], rose: float = ROSE) -> int:
    """Return how many discs of a series are seen, from the strongest to the first that is not."""
    count = 0
    for disc in sorted(discs, key=lambda d: d.detail.index):
        if disc.d_prime < rose:
            break
        count += 1
    return count


def sizes(spec: ObjectSpec) -> list[str]:
    """Return the names of the series of discs, in the order of the description."""
    names = dict.fromkeys(d.group for d in spec.details if not d.square)
    return list(names)
