"""MTF from the beads or the wire of a module."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from kerma.core import Curve, quantity
from kerma.imaging.phantoms._grid import Volume, read_discs
from kerma.imaging.phantoms._linepairs import falls_to
from kerma.imaging.phantoms._part import Part
from kerma.imaging.phantoms._pose import Pose
from kerma.imaging.phantoms._regions import shape
from kerma.imaging.phantoms._spec import PhantomSpec, PointSource, polar_arrays
from kerma.imaging.phantoms._uniformity import usable_slices
from kerma.imaging.tools.untyped import special

Array = npt.NDArray[np.float64]

_SEARCH_MM = 3.0
# Along the axis a bead is looked for this far from its place (design choice).
_SEARCH_Z_MM = 3.0
_DIRECTIONS = 8
_FREQUENCIES = 32
_LEAST_PEAK_TO_NOISE = 8.0
# Empty places that tell what noise alone makes of a source's sum, and how well the sum must be
# known for an MTF to be given.
_EMPTY_PLACES, _EMPTY_SLICES = 12, 4
_MOST_U = 0.2


@dataclass(frozen=True, slots=True)
class PointImage:
    """One image of a bead or wire: middle, mm from the middle of the image, and its transform."""

    index: int
    x_mm: float
    y_mm: float
    reach_mm: float
    peak_hu: float
    transform: Array
    volume_hu_mm2: float
    u: float


def _put_curve(part: Part, f: Array, mean: Array, u: float, kind: str) -> None:
    """Add the curve and the frequencies at which it falls to a half and a tenth."""
    for level in (0.5, 0.1):
        crossing = falls_to(f, mean, level)
        if crossing is None:
            part.warnings.append(
                f"MTF {level:.0%} not measured: the {kind} MTF does not fall to it below "
                f"the Nyquist frequency of {f[-1]:.2f} mm⁻¹."
            )
            continue
        part.values[f"mtf{level * 100:.0f}"] = quantity(crossing[0], "1/mm", u / abs(crossing[1]))
    part.curves.append(
        Curve(f"MTF ({kind})", tuple(f.tolist()), tuple(mean.tolist()), "Spatial frequency",
              "1/mm", "MTF", "1", (u,) * len(f))
    )  # fmt: skip


def point_mtf(volume: Volume, pose: Pose, spec: PhantomSpec, *, homogeneous: bool = True) -> Part:
    """Return the MTF of the point source images: mean over the images, weighted by signal.

    Each image: the surround (a plane) is taken away, the modulus of the Fourier transform about
    the centroid is averaged over directions and divided by its value at zero and by the
    transform of the bead (sphere) or wire (cylinder).
    """
    part = Part()
    if not spec.points:
        part.warnings.append("MTF not measured: no bead or wire of this phantom is described.")
        return part
    f = np.linspace(0, 1 / (2 * max(volume.spacing_mm)), _FREQUENCIES)
    # The first kind of source that is seen: a wire gives more images of one thing than beads do.
    found: list[PointImage] = []
    source = spec.points[0]
    for kind in dict.fromkeys((p.kind, p.diameter_mm) for p in spec.points):
        alike = [p for p in spec.points if (p.kind, p.diameter_mm) == kind]
        found = [image for p in alike for image in _images_of(volume, pose, p, f)]
        source = alike[0]
        if found:
            break
    if not found:
        part.warnings.append("MTF not measured: no bead or wire stands out from the noise.")
        return part
    weights = np.array([p.volume_hu_mm2 for p in found])
    mean = np.sum([w * p.transform for w, p in zip(weights, found, strict=True)], axis=0)
    mean = mean / weights.sum() / object_transform(f, source)
    u = math.sqrt(float(np.sum([(w * p.u) ** 2 for w, p in zip(weights, found, strict=True)])))
    u *= math.sqrt(len(found) / volume.independent(range(len(found)))) / float(weights.sum())
    if homogeneous:
        u = max(u, _from_empty(volume, pose, spec, source, found))
    if u > _MOST_U:
        part.warnings.append(
            f"MTF not measured: noise and streaks leave the {source.kind} image's sum uncertain by "
            f"{u:.0%}."
        )
        return part
    _put_curve(part, f, mean, u, source.kind)
    shown = {p.index: p for p in sorted(found, key=lambda p: p.peak_hu)}
    best = sorted(shown.values(), key=lambda p: -p.peak_hu)[: len(spec.points)]
    part.regions += [
        shape(
            volume,
            p.index,
            "circle",
            source.kind,
            [(p.x_mm, p.y_mm), (p.x_mm + p.reach_mm, p.y_mm)],
            values={"peak": quantity(p.peak_hu, "HU")},
        )
        for p in best
    ]
    if _fwhm(mean, f) < 2 * volume.pixel_mm:
        part.warnings.append(
            f"The {source.kind} image is narrower than two pixels: its MTF is aliased. "
            "Reconstruct a smaller field of view."
        )
    part.facts["mtf_images"] = len(found)
    return part


def _from_empty(
    volume: Volume, pose: Pose, spec: PhantomSpec, source: PointSource, found: list[PointImage]
) -> float:
    """Return the relative uncertainty of the mean image's sum, from empty places like its own."""
    reach = float(np.median([p.reach_mm for p in found]))
    total = float(np.mean([p.volume_hu_mm2 for p in found]))
    away = math.hypot(source.x_mm, source.y_mm)
    scatter = empty_scatter(volume, pose, spec, away, reach)
    # Rings and streaks repeat from slice to slice, so only sources in different places count.
    places = len({(round(p.x_mm), round(p.y_mm)) for p in found})
    return scatter * math.pi * reach**2 / total / math.sqrt(places)


def _fwhm(mtf: Array, f: Array) -> float:
    """Return the width of the Gaussian with the same 50 % frequency (4 ln2 / pi / f FWHM law)."""
    crossing = falls_to(f, mtf, 0.5)
    # A Gaussian's MTF is 0.5 at f = 2 ln2 / (pi FWHM).
    return 2 * math.log(2) / (math.pi * crossing[0]) if crossing else 0.0


def object_transform(f: Array, source: PointSource) -> Array:
    """Return the transform of the source itself: sphere 3 (sin x - x cos x) / x³, wire 2 J1(x) / x.

    x = π d f; both are 1 at f = 0.
    """
    x = np.pi * source.diameter_mm * np.asarray(f, dtype=np.float64)
    safe = np.where(x < 1e-3, 1.0, x)
    if source.kind == "bead":
        values = 3 * (np.sin(safe) - safe * np.cos(safe)) / safe**3
    else:
        values = 2 * special.j1(safe) / safe
    found: Array = np.where(x < 1e-3, 1.0, values)
    return found


def _images_of(volume: Volume, pose: Pose, source: PointSource, f: Array) -> list[PointImage]:
    low, high = source.z_mm
    if source.kind == "wire":
        slices: Sequence[int] = volume.within(pose.s_mm(low), pose.s_mm(high))
        found = [_image(volume, pose, i, source, f) for i in slices]
        return [p for p in found if p is not None]
    near = volume.within(pose.s_mm(low - _SEARCH_Z_MM), pose.s_mm(high + _SEARCH_Z_MM))
    found = [_image(volume, pose, i, source, f) for i in near]
    seen = [p for p in found if p is not None]
    return [max(seen, key=lambda p: p.peak_hu)] if seen else []


def _image(
    volume: Volume, pose: Pose, index: int, source: PointSource, f: Array
) -> PointImage | None:
    s = float(volume.s_mm[index])
    x, y = pose.place(source.x_mm, source.y_mm, s)
    start = _cut(volume, index, x, y, _SEARCH_MM + 5)
    if start is None:
        return None
    px, py, values = start
    near = np.hypot(px - x, py - y) <= _SEARCH_MM
    level, noise = float(np.median(values)), _spread(values)
    top = int(np.argmax(np.where(near, values, -np.inf)))
    if values.flat[top] - level < _LEAST_PEAK_TO_NOISE * max(noise, 1e-6):
        return None
    x, y = float(px.flat[top]), float(py.flat[top])
    # Three times the width either side: beyond it a CT point image is under its own noise.
    half = values - level > (values.flat[top] - level) / 2
    close = np.hypot(px - x, py - y) < 4 * volume.pixel_mm
    area = float((half & close).sum()) * volume.spacing_mm[0] * volume.spacing_mm[1]
    reach = 3 * max(2 * math.sqrt(area / math.pi), 1.5 * volume.pixel_mm)
    cut = _cut(volume, index, x, y, reach + max(2.0, 2 * volume.pixel_mm))
    if cut is None:
        return None
    px, py, values = cut
    for _ in range(3):
        r = np.hypot(px - x, py - y)
        inside, ring = r <= reach, r > reach
        design = np.column_stack([np.ones(ring.sum()), px[ring] - x, py[ring] - y])
        plane, *_ = np.linalg.lstsq(design, values[ring], rcond=None)
        clean = values - plane[0] - plane[1] * (px - x) - plane[2] * (py - y)
        clean_ring = clean[ring]
        core = r <= reach / 2
        total = float(clean[core].sum())
        if total <= 0:
            return None
        x += float((clean[core] * (px[core] - x)).sum() / total)
        y += float((clean[core] * (py[core] - y)).sum() / total)
    clean = np.where(inside, clean, 0.0)
    count = float(inside.sum())
    noise = float(np.std(clean_ring)) * math.sqrt(count)
    transform = _modulus(px[0] - x, py[:, 0] - y, clean, f)
    pixel_area = volume.spacing_mm[0] * volume.spacing_mm[1]
    if transform[0] <= 0:
        return None
    return PointImage(
        index,
        x,
        y,
        reach,
        float(values[inside].max() - plane[0]),
        transform / transform[0],
        float(transform[0] * pixel_area),
        noise / float(transform[0]),
    )


def empty_scatter(
    volume: Volume, pose: Pose, spec: PhantomSpec, from_axis_mm: float, reach: float
) -> float:
    """Return how a disc's mean beside its surround scatters where there is no source, HU.

    At twelve places of the homogeneous module as far from the axis as the source, in up to four
    slices: correlated noise, rings and streaks count as they do for the source.
    """
    slices = usable_slices(volume, pose, spec.uniformity)[:_EMPTY_SLICES]
    angles = np.arange(_EMPTY_PLACES) * 360.0 / _EMPTY_PLACES
    xy = np.column_stack(polar_arrays(from_axis_mm, angles))
    x, y = pose.places(xy, volume.s_mm[slices])
    wide = reach + max(2.0, 2 * volume.pixel_mm)
    inner, outer = (read_discs(volume, slices, x, y, r) for r in (reach, wide))
    ring = (outer.mean * outer.count - inner.mean * inner.count) / (outer.count - inner.count)
    left = (inner.mean - ring).ravel()
    left = left[np.isfinite(left)]
    return float(np.sqrt(np.mean(left**2))) if len(left) else 0.0


def _modulus(x: Array, y: Array, values: Array, f: Array) -> Array:
    """Return the modulus of the Fourier transform of a patch, mean over directions.

    The kernel is a product of one along x and one along y, so the patch is summed along one first.
    """
    angles = np.arange(_DIRECTIONS) * np.pi / _DIRECTIONS
    fx, fy = (np.multiply.outer(f, part).ravel() for part in (np.cos(angles), np.sin(angles)))
    across = np.exp(-2j * np.pi * np.multiply.outer(fx, x))
    down = np.exp(-2j * np.pi * np.multiply.outer(fy, y))
    found = np.abs(np.einsum("ky,ky->k", np.einsum("kx,yx->ky", across, values), down))
    mean: Array = found.reshape(len(f), _DIRECTIONS).mean(axis=1)
    return mean


def _spread(values: Array) -> float:
    """Return the noise of a patch from its quartiles, blind to the point itself."""
    low, high = np.percentile(values, [25, 75])
    return float(high - low) / 1.349


def _cut(
    volume: Volume, index: int, x: float, y: float, reach: float
) -> tuple[Array, Array, Array] | None:
    """Return places (mm) and values of the pixels around a place."""
    column, row = volume.to_pixel(x, y, index)
    h, w = (math.ceil(reach / v) for v in volume.spacing_mm)
    r, c = round(float(row)), round(float(column))
    rows, columns = volume.shape
    if r - h < 0 or c - w < 0 or r + h >= rows or c + w >= columns:
        return None
    values = volume.images[index].pixels[r - h : r + h + 1, c - w : c + w + 1].astype(np.float64)
    grid = np.meshgrid(np.arange(c - w, c + w + 1), np.arange(r - h, r + h + 1))
    px, py = volume.to_mm(*grid, index)
    return px, py, values
