"""Resolution of a cone-beam phantom: MTF from its edges and wire, modulation of its bars."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from kerma.core import AnalysisError, Curve, quantity
from kerma.imaging.phantoms._cbct_locate import CbctFound
from kerma.imaging.phantoms._cbct_spec import BarPatches, CbctSpec, Edge, Wire
from kerma.imaging.phantoms._centroids import insert_centroid
from kerma.imaging.phantoms._grid import Volume
from kerma.imaging.phantoms._part import Part
from kerma.imaging.phantoms._patch import pixels_of
from kerma.imaging.phantoms._regions import shape
from kerma.imaging.phantoms._rim import Outline, outline
from kerma.imaging.tools.bars import BarSignal, bar_signal, falls_to
from kerma.imaging.tools.edge_points import spread_of, straight_edge
from kerma.imaging.tools.esf import EdgeSpread
from kerma.imaging.tools.mtf import Mtf, from_edge
from kerma.imaging.tools.statistics import robust_sd
from kerma.imaging.tools.wire import PolarTransform, wire_transform, without_plane

Array = npt.NDArray[np.float64]

_FREQUENCIES = 60
_MOST_SLICES = 24
_LEVELS = (0.5, 0.1)
# Beyond this many slices a straight edge or bars gain nothing more worth the time.
_STRAIGHT_BIN_PX, _ROUND_BINS_PX = 0.2, (0.2, 0.35, 0.5)
_SECTORS, _LEAST_SECTORS, _RINGS = 24, 8, 5
_HU_EDGE = (-700.0, -200.0)
# Seen on drawn rods of 10 pixels in radius.
_METHOD_U_ROD = 0.01


def resolution(found: CbctFound, spec: CbctSpec) -> Part:
    """Return all of it; what could not be measured is left out with the reason."""
    part = Part()
    for edge in spec.edges:
        part.add(_tried(f"MTF from the {edge.kind} edge", _edge, found, spec, edge))
    if spec.wire is not None:
        part.add(_tried("MTF from the wire", _wire, found, spec, spec.wire))
    if spec.bars is not None:
        part.add(_tried("Line pairs", _bars, found, spec, spec.bars))
    return part


def _tried(what: str, measure, found: CbctFound, spec: CbctSpec, described) -> Part:  # type: ignore[no-untyped-def]
    try:
        part: Part = measure(found, spec, described)
    except AnalysisError as error:
        return Part(warnings=[f"{what} not measured: {error.message}"])
    return part


def _frequencies(found: CbctFound) -> Array:
    return np.linspace(0, 1 / (2 * max(found.volume.spacing_mm)), _FREQUENCIES)


def _few(slices: list[int], what: str) -> list[int]:
    if not slices:
        raise AnalysisError(f"the series does not hold the {what}.", stage="slices")
    return slices[:: max(1, math.ceil(len(slices) / _MOST_SLICES))]


def _with_mtf(part: Part, mtf: Mtf, name: str, title: str) -> Part:
    for level in _LEVELS:
        crossing = mtf.crossing(level)
        if crossing is None:
            part.warnings.append(
                f"{title}: the MTF does not fall to {level:.0%} below the Nyquist frequency of "
                f"{mtf.frequency_per_mm[-1]:.2f} mm⁻¹."
            )
            continue
        part.values[f"mtf{level * 100:.0f}_{name}"] = crossing
    part.curves.append(
        Curve(title, tuple(mtf.frequency_per_mm.tolist()), tuple(mtf.value.tolist()),
              "Spatial frequency", "1/mm", "MTF", "1", tuple(mtf.u.tolist()))
    )  # fmt: skip
    return part


def _edge(found: CbctFound, spec: CbctSpec, edge: Edge) -> Part:
    kinds = {"straight": _straight, "outline": _outline, "rod": _rod}
    return kinds[edge.kind](found, spec, edge)


def _rod(found: CbctFound, spec: CbctSpec, edge: Edge) -> Part:
    """Return the MTF of a rod, distances taken from the middle of its contrast in every slice.

    A rod's edge is curved, which changes the modulus by (blur / radius)² / 8 only.
    """
    part, volume, pose = Part(), found.volume, found.pose
    slices = _few(found.slices(edge.z_mm), "edge")
    item = spec.insert(edge.insert)
    parts, shown = [], []
    for number, index in enumerate(slices):
        dx, dy, _ = insert_centroid(
            volume, pose, index, found.place(item.xy_mm), item.rod_radius_mm
        )
        cx, cy = pose.axis.at(float(volume.s_mm[index]))
        rim = Outline(cx + dx, cy + dy, item.rod_radius_mm, (0.0, 0.0), 0.0, 0.0, 0.0, 1.0)
        distance, values, sector = _about_rim(volume, index, rim, edge.reach_mm)
        parts.append((distance, values, number * _SECTORS + sector))
        shown.append((index, rim))
    mtf, _, _ = _from_parts(found, parts, edge)
    _with_mtf(part, mtf, f"rod_{item.key}", f"MTF ({item.material} rod)")
    index, rim = shown[len(shown) // 2]
    at, on = (rim.x_mm, rim.y_mm), (rim.x_mm + rim.radius_mm, rim.y_mm)
    part.regions.append(shape(volume, index, "circle", f"MTF ({item.material} rod)", [at, on]))
    return part


def _from_parts(
    found: CbctFound,
    parts: Sequence[tuple[Array, Array, npt.NDArray[np.intp]]],
    edge: Edge,
) -> tuple[Mtf, EdgeSpread, tuple[float, float]]:
    """Return the MTF of distances from a round edge, its edge spread, and the two plateaus."""
    distance, values, block = (np.concatenate(p) for p in zip(*parts, strict=True))
    far = np.abs(distance) > 0.6 * edge.reach_mm
    outer = float(values[far & (distance < 0)].mean())
    inner = float(values[far & (distance > 0)].mean())
    # A rod darker than its surround is a bright surround around a hole.
    sign = 1 if inner > outer else -1
    levels = (min(inner, outer), max(inner, outer))
    for wide in _ROUND_BINS_PX:
        try:
            spread = spread_of(
                sign * distance, values, block, levels,
                reach_mm=edge.reach_mm, bin_mm=wide * found.volume.pixel_mm,
            )  # fmt: skip
        except AnalysisError as error:
            # Distances about the middle of a pixel repeat and leave fine bins empty.
            if error.code != "edge-too-short" or wide == _ROUND_BINS_PX[-1]:
                raise
        else:
            break
    method = 0.002 if edge.kind == "outline" else _METHOD_U_ROD
    return from_edge(spread, _frequencies(found), method_u=method), spread, levels


def _outline(found: CbctFound, spec: CbctSpec, edge: Edge) -> Part:
    """Return the MTF of the phantom's own outline, distances taken from it at every angle.

    Sectors whose outside is not air (the table, a holder) are left out.
    """
    part, volume = Part(), found.volume
    slices = _few(found.slices(edge.z_mm), "edge")
    parts, shown = [], []
    for number, index in enumerate(slices):
        centre = found.pose.axis.at(float(volume.s_mm[index]))
        rim = outline(volume, index, centre, found.pose.axis.radius_mm, air=found.body.air)
        if rim is None:
            continue
        distance, values, sector = _about_rim(volume, index, rim, edge.reach_mm)
        keep = _clear_sectors(distance, values, sector, found)
        parts.append((distance[keep], values[keep], number * _SECTORS + sector[keep]))
        shown.append((index, rim))
    if not parts:
        raise AnalysisError("the outline is not clear in any slice.", stage="edge")
    sectors = {int(b) for *_, block in parts for b in np.unique(block)}
    if len(sectors) < _LEAST_SECTORS:
        raise AnalysisError("there is too little air around the phantom.", stage="edge")
    mtf, spread, levels = _from_parts(found, parts, edge)
    _with_mtf(part, mtf, "edge", "MTF (outline)")
    if spec.unit == "HU":
        part.add(_high_contrast_distance(spread, levels, found))
    index, rim = shown[len(shown) // 2]
    at, on = (rim.x_mm, rim.y_mm), (rim.x_mm + rim.radius_mm, rim.y_mm)
    part.regions.append(shape(volume, index, "circle", "MTF (outline)", [at, on]))
    return part


def _about_rim(
    volume: Volume, index: int, rim: Outline, reach_mm: float
) -> tuple[Array, Array, npt.NDArray[np.intp]]:
    """Return distance inwards from the outline, value and sector of the pixels near it."""
    rows, columns = volume.shape
    x, y = volume.to_mm(*np.meshgrid(np.arange(columns), np.arange(rows)), index)
    dx, dy = x - rim.x_mm, y - rim.y_mm
    r = np.hypot(dx, dy)
    near = np.abs(r - rim.radius_mm) < reach_mm + 1.0
    angle = np.arctan2(dy[near], dx[near])
    edge = rim.radius_mm + rim.second[0] * np.cos(2 * angle) + rim.second[1] * np.sin(2 * angle)
    sector = np.minimum(((angle / (2 * math.pi) + 0.5) * _SECTORS).astype(np.intp), _SECTORS - 1)
    return edge - r[near], volume.images[index].pixels[near].astype(np.float64), sector


def _clear_sectors(
    distance: Array, values: Array, sector: npt.NDArray[np.intp], found: CbctFound
) -> npt.NDArray[np.bool_]:
    outside = distance < -1.2
    ring = np.minimum((-distance[outside] - 1.2).astype(np.intp), _RINGS - 1)
    cell = sector[outside] * _RINGS + ring
    count = np.maximum(np.bincount(cell, minlength=_SECTORS * _RINGS), 1)
    away = values[outside] - found.body.air
    mean = np.bincount(cell, away, minlength=_SECTORS * _RINGS) / count
    noise = robust_sd(away)
    limit = 0.02 * found.body.range + 6 * noise / np.sqrt(count)
    odd: Any = np.abs(mean) > limit
    clear: npt.NDArray[np.bool_] = ~odd.reshape(_SECTORS, _RINGS).any(axis=1)
    kept: npt.NDArray[np.bool_] = clear[sector]
    return kept


def _high_contrast_distance(
    spread: EdgeSpread, levels: tuple[float, float], found: CbctFound
) -> Part:
    """Return the distance over which the outline rises from -700 to -200 HU."""
    y = levels[0] + (levels[1] - levels[0]) * spread.mean
    x = spread.distance_mm
    places = []
    for level in _HU_EDGE:
        rises = np.flatnonzero((y[:-1] <= level) & (y[1:] > level))
        if not len(rises):
            return Part(warnings=["The edge does not pass from -700 to -200 HU."])
        k = int(rises[np.argmin(np.abs(x[rises]))])
        places.append(float(x[k] + (level - y[k]) / (y[k + 1] - y[k]) * (x[k + 1] - x[k])))
    distance = places[1] - places[0]
    u = math.hypot(0.02 * found.volume.pixel_mm, distance * 0.01)
    return Part(values={"high_contrast_distance": quantity(distance, "mm", u)})


def _straight(found: CbctFound, spec: CbctSpec, edge: Edge) -> Part:
    part, volume = Part(), found.volume
    slices = _few(found.slices(edge.z_mm), "edge")
    xy = found.place((edge.x_mm, edge.y_mm))
    x, y, values = pixels_of(volume, found.pose, slices, xy, 1.4 * edge.reach_mm)
    spread = straight_edge(
        x, y, values,
        normal_deg=edge.normal_deg,
        reach_mm=edge.reach_mm,
        bin_mm=_STRAIGHT_BIN_PX * volume.pixel_mm,
    )  # fmt: skip
    mtf = from_edge(spread, _frequencies(found), window_mm=None, method_u=0.002)
    _with_mtf(part, mtf, "straight", "MTF (straight edge)")
    middle = slices[len(slices) // 2]
    a = math.radians(spread.angle_deg + 90)
    ends = [
        found.pose.place(
            xy[0] + t * math.cos(a), xy[1] + t * math.sin(a), float(volume.s_mm[middle])
        )
        for t in (-edge.reach_mm, edge.reach_mm)
    ]
    part.regions.append(shape(volume, middle, "line", "straight edge", ends))
    part.facts["straight_edge_normal_deg"] = round(spread.angle_deg, 2)
    return part


def _wire(found: CbctFound, spec: CbctSpec, wire: Wire) -> Part:
    """Return the MTF of a wire along the axis: transform of its image over that of its section."""
    part, volume = Part(), found.volume
    slices = _few(found.slices(wire.z_mm), "wire")
    reach = max(6, math.ceil(5.0 / volume.pixel_mm))
    f = _frequencies(found)
    polar_of = PolarTransform(2 * reach + 1, f * volume.pixel_mm)
    moduli, places = [], []
    for index in slices:
        s = float(volume.s_mm[index])
        x, y = found.pose.place(*found.place((wire.x_mm, wire.y_mm)), s)
        spot = _spot(found, index, float(x), float(y))
        if spot is None:
            continue
        c, r = (round(v) for v in spot)
        cut = volume.images[index].pixels[r - reach : r + reach + 1, c - reach : c + reach + 1]
        if cut.shape != (2 * reach + 1,) * 2:
            continue
        flat = without_plane(cut.astype(np.float64), 0.75 * reach)
        moduli.append(np.abs(polar_of.of(flat)).mean(axis=1))
        places.append((index, *spot))
    if not moduli:
        raise AnalysisError("it does not stand out from the noise.", stage="wire")
    table = np.array(moduli) / wire_transform(f, wire.diameter_mm)
    values = table.mean(axis=0) / table[:, 0].mean()
    each = table / table[:, :1]
    rest = values + (each - each.mean(axis=0)) / math.sqrt(max(1, len(table) - 1))
    u = each.std(axis=0, ddof=1) / math.sqrt(len(table)) if len(table) > 1 else 0 * f + 0.02
    mtf = Mtf(f, values, np.hypot(u, 0.002), rest, 0.002)
    _with_mtf(part, mtf, "wire", "MTF (wire)")
    index, column, row = places[len(places) // 2]
    mm = volume.to_mm(column, row, index)
    part.regions.append(shape(volume, index, "circle", "wire", [mm, (mm[0] + 2.0, mm[1])]))
    part.facts["wire_slices"] = len(moduli)
    return part


def _spot(found: CbctFound, index: int, x: float, y: float) -> tuple[float, float] | None:
    """Return (column, row) of the brightest spot within 5 mm, if it stands out."""
    volume = found.volume
    column, row = volume.to_pixel(x, y, index)
    reach = math.ceil(5.0 / volume.pixel_mm)
    r0, c0 = round(row) - reach, round(column) - reach
    if r0 < 0 or c0 < 0:
        return None
    cut = (
        volume.images[index].pixels[r0 : r0 + 2 * reach + 1, c0 : c0 + 2 * reach + 1].astype(float)
    )
    if min(cut.shape) < 2 * reach:
        return None
    level, noise = float(np.median(cut)), float(np.percentile(cut, 84) - np.median(cut))
    r, c = np.unravel_index(int(np.argmax(cut)), cut.shape)
    if cut[r, c] - level < 8 * max(noise, 1e-6):
        return None
    rows, columns = np.indices(cut.shape)
    above = cut - level
    near = (np.hypot(rows - r, columns - c) < 4) & (above > 0.2 * above[r, c])
    core = np.where(near, above, 0.0)
    total = float(core.sum())
    return c0 + float((core * columns).sum()) / total, r0 + float((core * rows).sum()) / total


def _bars(found: CbctFound, spec: CbctSpec, bars: BarPatches) -> Part:
    """Return the modulation of the groups relative to the first, and the finest that is seen."""
    part, volume = Part(), found.volume
    slices = _few(found.slices(bars.z_mm), "bars")
    finest = 0.95 / (2 * max(volume.spacing_mm))
    groups = [g for g in bars.groups if g.per_mm < finest]
    signals: list[BarSignal] = []
    middle = slices[len(slices) // 2]
    for group in groups:
        xy = found.place((group.x_mm, group.y_mm))
        x, y, values = pixels_of(volume, found.pose, slices, xy, group.side_mm / 2)
        radius = 0.48 * group.side_mm
        signals.append(bar_signal(x, y, values, radius_mm=radius, per_mm=group.per_mm))
        px, py = found.pose.place(*xy, float(volume.s_mm[middle]))
        part.regions.append(
            shape(volume, middle, "circle", f"{group.per_mm:g} mm⁻¹", [(px, py), (px + radius, py)])
        )
    if not signals or not signals[0].seen:
        raise AnalysisError(
            "the coarsest group shows no bars, or all groups lie beyond the pixels' limit.",
            stage="bars",
        )
    if len(groups) < len(bars.groups):
        part.warnings.append(
            f"Groups of bars finer than {finest:.2f} mm⁻¹ cannot be shown by these pixels."
        )
    seen = 0
    while seen < len(signals) and signals[seen].seen:
        seen += 1
    f = np.array([g.per_mm for g in groups])
    first = signals[0]
    y = np.array([v.amplitude for v in signals]) / first.amplitude
    u = np.array([math.hypot(v.u, r * first.u) for v, r in zip(signals, y, strict=True)])
    u = u / first.amplitude
    # The strongest direction of a group that is not seen is noise, which is never below zero.
    y[seen:] = np.minimum(y[seen:], u[seen:])
    part.values["limiting_line_pairs"] = quantity(float(f[seen - 1]), "1/mm")
    for level in (0.5, 0.1):
        crossing = falls_to(f, y, u, level)
        if crossing is not None:
            part.values[f"rmtf{level * 100:.0f}"] = quantity(crossing[0], "1/mm", crossing[1])
    part.curves.append(
        Curve("rMTF (relative to the first group)", tuple(f.tolist()), tuple(y.tolist()),
              "Line pairs", "1/mm", "Relative modulation", "1", tuple(u.tolist()))
    )  # fmt: skip
    return part
