"""CT numbers of module 1; homogeneity, noise and the distance of the balls of module 3."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from kerma.core import Curve, quantity
from kerma.imaging.phantoms._acr_locate import module_slices
from kerma.imaging.phantoms._acr_spec import AcrSpec
from kerma.imaging.phantoms._grid import Volume, disc_grid
from kerma.imaging.phantoms._part import Part
from kerma.imaging.phantoms._pose import Pose
from kerma.imaging.phantoms._regions import DiscStatistics, disc, shape, shown_disc
from kerma.imaging.phantoms._rim import outline
from kerma.imaging.phantoms._spec import polar
from kerma.imaging.phantoms._spectrum import spectrum
from kerma.imaging.phantoms._squares import squares
from kerma.imaging.tools.statistics import robust_sd
from kerma.imaging.tools.untyped import ndimage

Array = npt.NDArray[np.float64]

_PLACES = {"centre": None, "right": 0.0, "bottom": 90.0, "left": 180.0, "top": 270.0}
_BODY_MM = 88.0
# What reads this much less than the body is air or padding.
_AIR_HU = 500.0
# A ball of 0.28 mm is faint: each of a pair must stand out, and the two together more so. With some
# 200 000 places looked at, noise alone reaches 4.5 standard deviations once or twice.
_BALL_SIGMAS, _PAIR_SIGMAS = 4.5, 12.0
_PAIR_WITHIN_MM = 3.0
_MOST_CANDIDATES = 40
_BALL_BLUR_MM, _CENTROID_STEPS, _EMPTY_PLACES = 0.7, 12, 32
# Thin slices are joined to about this before the balls are looked for.
_SLAB_MM = 2.0
_Spot = tuple[int, float, float, float]  # slab, x, y, standard deviations above the surround


def ct_numbers(volume: Volume, pose: Pose, spec: AcrSpec) -> Part:
    """Return the CT number of each insert and the line through measured against nominal.

    Mean of a disc of about 200 mm² over the slices within `half_range_mm` of the middle of
    module 1. Slope, intercept, R² and the largest residual are of the least-squares line.
    """
    part, inserts = Part(), spec.inserts
    slices = module_slices(volume, pose, spec, "ct_number", inserts.half_range_mm)
    middle = volume.nearest(pose.origin_mm)
    found: list[DiscStatistics] = []
    for item in inserts.items:
        stats = disc(volume, pose, slices, inserts.xy_mm(item), inserts.roi_radius_mm)
        found.append(stats)
        part.values[f"hu_{item.key}"] = quantity(stats.mean, "HU", stats.u)
        part.regions.append(
            shown_disc(
                volume,
                pose,
                middle,
                inserts.xy_mm(item),
                inserts.roi_radius_mm,
                name=item.material,
                values=stats.values(),
            )
        )
    nominal = np.array([i.nominal_hu for i in inserts.items])
    part.add(linearity(nominal, np.array([f.mean for f in found]), np.array([f.u for f in found])))
    part.facts["insert_ranges_hu"] = {i.key: list(i.range_hu) for i in inserts.items}
    part.facts["ct_number_slices"] = [volume.order[i] for i in slices]
    return part


def linearity(nominal: Array, measured: Array, u: Array, unit: str = "HU") -> Part:
    """Return slope, intercept, R² and residuals of measured on nominal, and the curve."""
    (slope, intercept), cov = np.polyfit(nominal, measured, 1, cov=True)
    residual = measured - slope * nominal - intercept
    spread = float(np.sum((measured - measured.mean()) ** 2))
    order = np.argsort(nominal)
    curve = Curve(
        "CT number linearity" if unit == "HU" else "Grey value linearity",
        tuple(nominal[order].tolist()), tuple(measured[order].tolist()),
        "Nominal CT number", "HU", "Measured", unit, tuple(u[order].tolist()),
    )  # fmt: skip
    return Part(
        values={
            "linearity_slope": quantity(
                slope, "1" if unit == "HU" else f"{unit}/HU", math.sqrt(cov[0, 0])
            ),
            "linearity_intercept": quantity(intercept, unit, math.sqrt(cov[1, 1])),
            "linearity_r2": quantity(1 - float(np.sum(residual**2)) / spread, "1"),
            "linearity_max_residual": quantity(float(np.abs(residual).max()), unit),
        },
        curves=[curve],
    )


def uniformity(volume: Volume, pose: Pose, spec: AcrSpec) -> Part:
    """Return centre and edge CT numbers, their largest difference, noise, and the noise spectrum.

    One slice (the nearest to the middle of module 3), five discs of about 400 mm²; top, right,
    bottom and left are those of the picture. Noise is the pixel standard deviation of the centre.
    """
    part, u = Part(), spec.uniformity
    index = volume.nearest(pose.s_mm(spec.modules_mm["uniformity"]))
    found = {}
    for name, angle in _PLACES.items():
        xy = (0.0, 0.0) if angle is None else _as_shown(pose, u.edge_radius_mm, angle)
        stats = found[name] = disc(volume, pose, [index], xy, u.roi_radius_mm)
        part.values[f"uniformity_{name}"] = quantity(stats.mean, "HU", stats.u)
        part.regions.append(
            shown_disc(
                volume,
                pose,
                index,
                xy,
                u.roi_radius_mm,
                name=f"uniformity, {name}",
                values=stats.values(),
            )
        )
    centre = found["centre"]
    worst = max(found.values(), key=lambda v: abs(v.mean - centre.mean))
    part.values["uniformity_max_difference"] = quantity(
        abs(worst.mean - centre.mean), "HU", math.hypot(worst.u, centre.u)
    )
    count = math.pi * u.roi_radius_mm**2 / (volume.spacing_mm[0] * volume.spacing_mm[1])
    part.values["noise"] = quantity(centre.sd, "HU", centre.sd / math.sqrt(2 * (count - 1)))
    part.facts["uniformity_slice"] = volume.order[index]
    part.add(_noise_power(volume, pose, spec))
    return part


def _as_shown(pose: Pose, radius_mm: float, angle_deg: float) -> tuple[float, float]:
    """Return the place in the phantom's frame of an angle of the picture."""
    if pose.turned:
        return polar(radius_mm, 180 - angle_deg + pose.roll_deg)
    return polar(radius_mm, angle_deg - pose.roll_deg)


def _noise_power(volume: Volume, pose: Pose, spec: AcrSpec) -> Part:
    part = Part()
    slices = module_slices(volume, pose, spec, "uniformity", spec.uniformity.half_range_mm)
    blocks, corners = squares(volume, pose, slices, _BODY_MM)
    if not len(blocks):
        part.warnings.append("Noise power not measured: the squares do not fit into the module.")
        return part
    power = spectrum(blocks, volume.spacing_mm)
    f, mean, u = power.radial()
    sd = math.sqrt(power.variance)
    part.values["nps_noise"] = quantity(sd, "HU", sd / math.sqrt(2 * power.count * blocks.shape[1]))
    peak = max(power.step_mm) / math.sqrt(12)
    part.values["nps_peak_frequency"] = quantity(float(f[int(np.argmax(mean))]), "1/mm", peak)
    if mean.sum() > 0:
        part.values["nps_mean_frequency"] = quantity(float(np.sum(f * mean) / mean.sum()), "1/mm")
    part.curves.append(
        Curve("Noise power spectrum", tuple(f.tolist()), tuple(mean.tolist()), "Spatial frequency",
              "1/mm", "Noise power", "HU^2.mm^2", tuple(u.tolist()))
    )  # fmt: skip
    for a, b in corners:
        part.regions.append(shape(volume, slices[0], "rectangle", "noise power", [a, b]))
    part.facts["nps_regions"] = power.count
    return part


def diameter(volume: Volume, pose: Pose, spec: AcrSpec) -> Part:
    """Return the outer diameter at half height in the middle slice of module 3."""
    index = volume.nearest(pose.s_mm(spec.modules_mm["uniformity"]))
    found = outline(volume, index, pose.axis.at(float(volume.s_mm[index])), pose.axis.radius_mm)
    if found is None:
        return Part(warnings=["The diameter was not measured: the outline is not clear."])
    # A half-height edge between pixels is known to a small part of a pixel.
    u = math.hypot(2 * found.u_mm, 0.05 * volume.pixel_mm)
    return Part(values={"phantom_diameter": quantity(2 * found.radius_mm, "mm", u)})


def ball_distance(volume: Volume, pose: Pose, spec: AcrSpec) -> Part:
    """Return the distance between the two balls of module 3, nominally 100 mm.

    Each slice less its slow variation is smoothed by one pixel; the pair of spots about the right
    distance apart that stands out most is taken, and each spot's centroid.
    """
    part, wanted = Part(), spec.uniformity.bead_distance_mm
    slices = module_slices(volume, pose, spec, "uniformity", spec.uniformity.half_range_mm)
    together = max(1, round(_SLAB_MM / volume.increment_mm))
    slabs = [slices[k : k + together] for k in range(0, len(slices), together)]
    means = [np.mean([volume.images[i].pixels for i in slab], axis=0) for slab in slabs]
    spots = [
        (number, *spot)
        for number, (slab, mean) in enumerate(zip(slabs, means, strict=True))
        for spot in _spots(volume, pose, slab[len(slab) // 2], mean)
    ]
    pair = _best_pair(spots, wanted)
    if pair is None:
        part.warnings.append(
            "The distance of the two small balls of module 3 was not measured: they do not stand "
            "out from the noise. Thinner slices show them."
        )
        return part
    placed = [
        _centroid(volume, slabs[n][len(slabs[n]) // 2], means[n], x, y) for n, x, y, _ in pair
    ]
    ends = [place for place, _ in placed]
    u = math.hypot(*(u for _, u in placed), 0.03 * volume.pixel_mm)
    length = quantity(math.dist(*ends), "mm", u)
    part.values["bead_distance"] = length
    shown = slabs[pair[0][0]]
    part.regions.append(
        shape(volume, shown[len(shown) // 2], "line", "small balls", ends,
              values={"length": length})
    )  # fmt: skip
    part.facts["bead_distance_nominal_mm"] = wanted
    return part


def _best_pair(spots: Sequence[_Spot], wanted_mm: float) -> tuple[_Spot, _Spot] | None:
    best: tuple[float, _Spot, _Spot] | None = None
    for a, one in enumerate(spots):
        for two in spots[a + 1 :]:
            apart, together = math.dist(one[1:3], two[1:3]), one[3] + two[3]
            least = max(_PAIR_SIGMAS, best[0] if best else 0.0)
            if abs(apart - wanted_mm) < _PAIR_WITHIN_MM and together > least:
                best = (together, one, two)
    return best[1:] if best else None


def _spots(
    volume: Volume, pose: Pose, index: int, pixels: Array
) -> list[tuple[float, float, float]]:
    """Return (x, y, standard deviations above the surround) of bright spots."""
    cx, cy = pose.centre(float(volume.s_mm[index]))
    column, row = (round(float(v)) for v in volume.to_pixel(cx, cy, index))
    high, wide = (math.ceil(_BODY_MM / v) for v in volume.spacing_mm)
    r0, c0 = max(0, row - high), max(0, column - wide)
    cut = pixels[r0 : row + high + 1, c0 : column + wide + 1].astype(np.float32)
    small = ndimage.gaussian_filter(cut, 1.0, truncate=3.0)
    size = 2 * max(2, round(2.5 / volume.pixel_mm)) + 1
    rest = small - ndimage.uniform_filter(small, size)
    columns, rows = np.meshgrid(np.arange(cut.shape[1]) + c0, np.arange(cut.shape[0]) + r0)
    x, y = volume.to_mm(columns, rows, index)
    inside = (x - cx) ** 2 + (y - cy) ** 2 < _BODY_MM**2
    empty = cut < np.median(cut[inside]) - _AIR_HU
    # The border of the reconstructed circle, and what the filters make of it, is no ball.
    inside &= ndimage.maximum_filter(empty.view(np.uint8), 2 * size + 1) == 0
    noise = max(robust_sd(rest[inside]), 1e-3)
    rest[~inside] = 0.0
    top = np.argwhere(rest > _BALL_SIGMAS * noise)
    found: list[tuple[float, float, float]] = []
    for r, c in top[np.argsort(-rest[tuple(top.T)])] if len(top) else []:
        place = (float(x[r, c]), float(y[r, c]))
        if all(math.dist(place, other[:2]) > 3.0 for other in found):
            found.append((*place, float(rest[r, c]) / noise))
        if len(found) == _MOST_CANDIDATES:
            break
    return found


def _centroid(
    volume: Volume, index: int, pixels: Array, x: float, y: float
) -> tuple[tuple[float, float], float]:
    """Return the weighted centroid of a ball, and its standard uncertainty along a line.

    The weight, a Gaussian of about the ball's image, follows the centroid. What noise does to it
    is seen in the same sums at places on the same circle where nothing is.
    """
    wide = max(_BALL_BLUR_MM, volume.pixel_mm)
    for _ in range(_CENTROID_STEPS):
        total, along, down = _sums(volume, index, pixels, np.array([x]), np.array([y]), wide)
        if total[0] <= 0:
            break
        x, y = x + float(along[0] / total[0]), y + float(down[0] / total[0])
    shift = volume.shift_mm[index]
    radius, at = math.hypot(x - shift[0], y - shift[1]), math.atan2(y - shift[1], x - shift[0])
    angle = at + np.radians(np.linspace(25, 155, _EMPTY_PLACES // 2))
    angle = np.concatenate([angle, angle + math.pi])
    places = shift[0] + radius * np.cos(angle), shift[1] + radius * np.sin(angle)
    _, across, upward = _sums(volume, index, pixels, *places, wide)
    scatter = robust_sd(np.concatenate([across, upward]))
    # By how much the moment falls when the weight is moved by a mm.
    step = wide / 3 * np.array([-1, 1])
    _, along, _ = _sums(volume, index, pixels, x + step, np.full(2, y), wide)
    return (x, y), scatter / max(float(along[0] - along[1]) / (2 * wide / 3), 1e-9)


def _sums(
    volume: Volume, index: int, pixels: Array, x: Array, y: Array, wide_mm: float
) -> tuple[Array, Array, Array]:
    """Return the weighted sum about places, and its moments along x and y."""
    dx, dy = disc_grid(3 * wide_mm, wide_mm / 4)
    away = np.hypot(dx, dy)
    column, row = volume.to_pixel(x[:, None] + dx, y[:, None] + dy, index)
    values = ndimage.map_coordinates(pixels, [row, column], order=1, mode="nearest")
    values = values - np.median(values[:, away > 2.3 * wide_mm], axis=1, keepdims=True)
    weight = np.exp(-0.5 * (away / wide_mm) ** 2)
    return values @ weight, values @ (weight * dx), values @ (weight * dy)
