"""Cone-beam phantoms in a scanner, drawn from their descriptions, with everything known."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from kerma.core import Image
from kerma.imaging.phantoms._cbct_spec import CbctSpec, load_cbct
from kerma.imaging.phantoms._spec import polar
from kerma.simulate.cylinder import AIR_HU, Scan, Slice, box, disc, series

# The recess of an insert, and how far the drawn rods and layers reach along the axis.
_RECESS_MM = 17.5
_SLIT_MM = 0.3


@dataclass(frozen=True, slots=True)
class CbctObject:
    """What is in the phantom, and how the machine shows it.

    Attributes
    ----------
    hu
        CT numbers of rods that differ from nominal.
    cup_hu
        Added quadratically towards the rim (cupping).
    wire_hu_mm2, bars_hu
        Of the wire and the bars.
    metal_hu
        CT number of the metal rods as shown.
    shadow_hu, streak_hu
        Of the dark band along the line of metal rods (whole depth along that line, Gaussian
        across), and amplitude of the streaks around each.
    grid_moved
        (index, dx, dy) of a hole of the lattice that was drilled elsewhere, mm.
    """

    hu: Mapping[str, float] = field(default_factory=dict)
    cup_hu: float = 0.0
    wire_hu_mm2: float = 1500.0
    bars_hu: float = 1500.0
    metal_hu: float = 3000.0
    shadow_hu: float = 0.0
    streak_hu: float = 0.0
    grid_moved: tuple[int, float, float] | None = None
    slit_hu: float = -900.0


def cbct_series(name: str, scan: Scan, inside: CbctObject | None = None) -> list[Image]:
    """Return the slices of a scan of the phantom of a measurement, ``cbct-...``."""
    spec, what = load_cbct()[name], inside or CbctObject()

    def paint(part: Slice) -> None:
        low, high = _length(spec)
        part.body(spec.body_radius_mm, spec.body_hu, cup_hu=what.cup_hu, low=low, high=high)
        _rods(part, spec, what)
        _slits(part, spec, what)
        _interfaces(part, spec, what)
        _lattice(part, spec, what)
        _metal(part, spec, what)

    return series(scan, spec.body_radius_mm, paint)


def cylinder_series(scan: Scan, radius_mm: float, hu: float, *, cup_hu: float = 0.0) -> list[Image]:
    """Return the slices of a homogeneous cylinder, longer than the scan."""
    return series(
        scan, radius_mm, lambda part: part.body(radius_mm, hu, cup_hu=cup_hu, low=-900, high=900)
    )


def _length(spec: CbctSpec) -> tuple[float, float]:
    ends = [*spec.inserts_z_mm, *spec.uniformity.z_mm, *(z for e in spec.edges for z in e.z_mm)]
    ends += spec.diameter_z_mm or ()
    ends += spec.artefact.z_mm if spec.artefact is not None else ()
    return min(ends) - 6, max(ends) + 6


def _rods(part: Slice, spec: CbctSpec, what: CbctObject) -> None:
    for item in spec.inserts:
        hu = what.hu.get(item.key, item.nominal_hu)
        part.rod(item.xy_mm, item.rod_radius_mm, hu - spec.body_hu, *spec.inserts_z_mm)


def _slits(part: Slice, spec: CbctSpec, what: CbctObject) -> None:
    """Draw slits of air that slope along the axis, opposite ways, thin against the slice."""
    if spec.ramps is None:
        return
    slope = math.tan(math.radians(spec.ramps.slope_deg))
    half = part.scan.thickness_mm / 2
    for sense, place in zip((1, -1), spec.ramps.places, strict=False):
        w, u, v = part.local(*place, 30.0)
        a = math.radians(spec.ramps.along_deg)
        along, across = u * math.cos(a) + v * math.sin(a), -u * math.sin(a) + v * math.cos(a)
        z = part.place(*place)[2]
        low, high = sorted((sense * (z - half) / slope, sense * (z + half) / slope))
        if max(abs(low), abs(high)) > spec.ramps.half_length_mm:
            continue
        depth = box(along, low, high, part.sigma) * box(across, -2.0, 2.0, part.sigma)
        part.image[w] += what.slit_hu * depth * _SLIT_MM / part.scan.thickness_mm


def _interfaces(part: Slice, spec: CbctSpec, what: CbctObject) -> None:
    for edge in spec.edges:
        if edge.kind == "straight":
            part.half_rod(
                (edge.x_mm, edge.y_mm), _RECESS_MM, 870.0, *edge.z_mm, normal_deg=edge.normal_deg
            )
    if spec.wire is not None:
        xy = (spec.wire.x_mm, spec.wire.y_mm)
        part.rod(xy, _RECESS_MM, AIR_HU - spec.body_hu, *spec.wire.z_mm)
        part.wire(xy, what.wire_hu_mm2, *spec.wire.z_mm, diameter=spec.wire.diameter_mm)
    if spec.bars is not None:
        for group in spec.bars.groups:
            part.bars(
                (group.x_mm, group.y_mm), (group.side_mm, group.side_mm), what.bars_hu,
                *spec.bars.z_mm, per_mm=group.per_mm, across_deg=25.0,
            )  # fmt: skip


def lattice_places(spec: CbctSpec, what: CbctObject) -> list[tuple[float, float]]:
    """Return the middles of the holes of the lattice."""
    assert spec.grid is not None
    reach = int(spec.grid.reach_mm / spec.grid.pitch_mm)
    steps = [spec.grid.pitch_mm * k for k in range(-reach, reach + 1)]
    room = spec.grid.reach_mm - spec.grid.pitch_mm / 2
    places = [(x, y) for x in steps for y in steps if math.hypot(x, y) < room]
    if what.grid_moved is not None:
        index, dx, dy = what.grid_moved
        places[index] = (places[index][0] + dx, places[index][1] + dy)
    return places


def _lattice(part: Slice, spec: CbctSpec, what: CbctObject) -> None:
    if spec.grid is None:
        return
    low, high = spec.grid.z_mm
    if not part.share(part.place(0.0, 0.0)[2], low - 3, high + 3):
        return
    for xy in lattice_places(spec, what):
        contrast = AIR_HU - spec.body_hu
        part.rod(xy, spec.grid.hole_radius_mm, contrast, low, high)


def _metal(part: Slice, spec: CbctSpec, what: CbctObject) -> None:
    if spec.artefact is None:
        return
    low, high = spec.artefact.z_mm
    share = part.share(part.place(0.0, 0.0)[2], low, high)
    if not share:
        return
    radius = spec.artefact.rod_radius_mm
    for xy in spec.artefact.rods:
        part.rod(xy, radius, what.metal_hu - spec.body_hu, low, high)
    w, u, v = part.local(0.0, 0.0, 60.0)
    x0 = min(x for x, _ in spec.artefact.rods)
    x1 = max(x for x, _ in spec.artefact.rods)
    band = box(u, x0, x1, 3.0) * np.exp(-(v**2) / (2 * 3.0**2))
    rods = sum(disc(np.hypot(u - x, v - y), radius, part.sigma) for x, y in spec.artefact.rods)
    turn = np.cos(11 * np.arctan2(v, u)) * np.exp(-np.hypot(u, v) / 25)
    part.image[w] += share * (1 - rods) * (what.streak_hu * turn - what.shadow_hu * band)


def insert_place(spec: CbctSpec, key: str) -> tuple[float, float]:
    """Return where a rod is, in the phantom's frame."""
    item = spec.insert(key)
    return polar(item.radius_mm, item.angle_deg)


def metal_series(
    scan: Scan, radius_mm: float, rods: Sequence[tuple[float, float]], *,
    rod_radius_mm: float = 2.5, metal_hu: float = 3000.0, shadow_hu: float = 0.0,
    half_length_mm: float = 8.0,
) -> list[Image]:  # fmt: skip
    """Return a cylinder of 120 HU with metal rods, and a plain dark band along x through them.

    The band is `shadow_hu` deep, flat between the outermost rods and 12 mm wide.
    """

    def paint(part: Slice) -> None:
        low, high = -half_length_mm, half_length_mm
        part.body(radius_mm, 120.0, low=-900, high=900)
        for xy in rods:
            part.rod(xy, rod_radius_mm, metal_hu - 120.0, low, high)
        share = part.share(part.place(0.0, 0.0)[2], low, high)
        if share and shadow_hu:
            w, u, v = part.local(0.0, 0.0, 50.0)
            ends = [x for x, _ in rods]
            band = box(u, min(ends), max(ends), part.sigma) * box(v, -6.0, 6.0, part.sigma)
            inside = sum(disc(np.hypot(u - x, v - y), rod_radius_mm, part.sigma) for x, y in rods)
            part.image[w] -= share * shadow_hu * band * (1 - inside)

    return series(scan, radius_mm, paint)


def lattice_series(
    scan: Scan, radius_mm: float, pitch_mm: float, *, beads: bool = False,
    moved: tuple[int, float, float] | None = None, stretched: tuple[float, float] = (1.0, 1.0),
) -> list[Image]:  # fmt: skip
    """Return a cylinder of 120 HU with holes (or beads of 3000 HU) of 2 mm in one 3 mm layer.

    `stretched` multiplies the places along x and y; `moved` puts one hole elsewhere.
    """
    reach = int(radius_mm / pitch_mm)
    steps = [pitch_mm * k for k in range(-reach, reach + 1)]
    places = [
        (x * stretched[0], y * stretched[1])
        for x in steps
        for y in steps
        if math.hypot(x, y) < radius_mm - 8
    ]
    if moved is not None:
        index, dx, dy = moved
        places[index] = (places[index][0] + dx, places[index][1] + dy)
    contrast = 2880.0 if beads else AIR_HU - 120.0

    def paint(part: Slice) -> None:
        part.body(radius_mm, 120.0, low=-900, high=900)
        if part.share(part.place(0.0, 0.0)[2], -4, 4):
            for xy in places:
                part.rod(xy, 1.0, contrast, -1.5, 1.5)

    return series(scan, radius_mm, paint)
