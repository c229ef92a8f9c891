"""An ACR CT phantom in a scanner, drawn from its description, with everything about it known."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from kerma.core import Image
from kerma.imaging.phantoms._acr_spec import AcrSpec, RodGroup, load_acr
from kerma.imaging.phantoms._spec import polar
from kerma.simulate.cylinder import Scan, Slice, box, series


@dataclass(frozen=True, slots=True)
class AcrObject:
    """What is in the phantom; every value is the truth an analysis should find.

    Attributes
    ----------
    hu
        CT numbers of inserts that differ from nominal.
    low_contrast_body_hu, rod_contrast_hu
        Body of module 2 and how far its rods stand above it.
    cup_hu
        Added quadratically towards the rim (cupping).
    wire_hu
        Contrast of a ramp's wire over the whole slice it lies in, when the slice is 1 mm thick.
    wire_pitch_mm
        Distance between a ramp's wires across the image; their step along the axis is 0.5 mm.
    ramp_senses
        Which way each ramp's wires move outwards (1) or inwards (-1) with Z.
    bars_hu, bars_across
        Contrast of the bars; ``radial``, ``tangential``, or an angle for all groups alike.
    bead_hu_mm3, small_bead_hu_mm3
        Of the alignment balls and of those 100 mm apart.
    """

    hu: Mapping[str, float] = field(default_factory=dict)
    low_contrast_body_hu: float = 90.0
    rod_contrast_hu: float = 6.0
    cup_hu: float = 0.0
    wire_hu: float = 1500.0
    wire_pitch_mm: float = 1.5
    ramp_senses: tuple[int, int] = (1, -1)
    bars_hu: float = 1600.0
    bars_across: str | float = "radial"
    bead_hu_mm3: float = 8000.0
    small_bead_hu_mm3: float = 350.0


def acr_series(scan: Scan, inside: AcrObject | None = None) -> list[Image]:
    """Return the slices of a scan of the ACR phantom."""
    spec, what = load_acr(), inside or AcrObject()

    def paint(part: Slice) -> None:
        _bodies(part, spec, what)
        _module_one(part, spec, what)
        _rods(part, spec, what)
        _balls(part, spec, what)
        _bars(part, spec, what)

    return series(scan, spec.body_radius_mm, paint)


def _extent(spec: AcrSpec, module: str) -> tuple[float, float]:
    middle, half = spec.modules_mm[module], spec.module_length_mm / 2
    return middle - half, middle + half


def _bodies(part: Slice, spec: AcrSpec, what: AcrObject) -> None:
    for module in spec.modules_mm:
        low, high = _extent(spec, module)
        hu = what.low_contrast_body_hu if module == "low_contrast" else 0.0
        part.body(spec.body_radius_mm, hu, cup_hu=what.cup_hu, low=low, high=high)


def _module_one(part: Slice, spec: AcrSpec, what: AcrObject) -> None:
    low, high = _extent(spec, "ct_number")
    for item in spec.inserts.items:
        hu = what.hu.get(item.key, item.nominal_hu)
        part.rod(spec.inserts.xy_mm(item), spec.inserts.insert_radius_mm, hu, low, high)
    half = part.scan.thickness_mm / 2
    middle = (spec.ramps.inner_mm + spec.ramps.outer_mm) / 2
    for angle, sense in zip(spec.ramps.angles_deg, what.ramp_senses, strict=True):
        x, y = polar(middle, angle)
        w, u, v = part.local(x, y, 40.0)
        a = math.radians(angle)
        out, side = u * math.cos(a) + v * math.sin(a), -u * math.sin(a) + v * math.cos(a)
        step = spec.ramps.wire_step_mm
        for k in range(-16, 17):
            z, at = k * step, sense * k * what.wire_pitch_mm
            z_here = part.place(*polar(middle + at, angle))[2]
            # The central wire is longer than the others, as on the phantom.
            reach = 8.0 if k == 0 else 5.0
            if -half <= z_here - z < half:
                hu = what.wire_hu / part.scan.thickness_mm
                bar = np.exp(-((out - at) ** 2) / (2 * part.sigma**2))
                part.image[w] += hu * bar * box(side, -reach, reach, part.sigma)


def _rods(part: Slice, spec: AcrSpec, what: AcrObject) -> None:
    low, high = _extent(spec, "low_contrast")
    part.rod(
        polar(spec.low_contrast.rod.radius_mm, spec.low_contrast.rod.angle_deg),
        spec.low_contrast.rod.diameter_mm / 2,
        what.rod_contrast_hu,
        low,
        high,
    )
    for group in spec.low_contrast.groups:
        for xy in rods_of(group):
            part.rod(xy, group.diameter_mm / 2, what.rod_contrast_hu, low, high)


def rods_of(group: RodGroup) -> list[tuple[float, float]]:
    """Return the middles of a group's four rods, in a row across the radius."""
    x, y = polar(group.radius_mm, group.angle_deg)
    tx, ty = polar(1.0, group.angle_deg + 90)
    steps = [(k - 1.5) * 2 * group.diameter_mm for k in range(4)]
    return [(x + s * tx, y + s * ty) for s in steps]


def _balls(part: Slice, spec: AcrSpec, what: AcrObject) -> None:
    for module in spec.beads.modules:
        for angle in spec.beads.angles_deg:
            x, y = polar(spec.beads.radius_mm, angle)
            part.ball((x, y, spec.modules_mm[module]), what.bead_hu_mm3)
    half = spec.uniformity.bead_distance_mm / 2
    for angle in (-45.0, 135.0):
        x, y = polar(half, angle)
        part.ball((x, y, spec.modules_mm["uniformity"]), what.small_bead_hu_mm3)


def _bars(part: Slice, spec: AcrSpec, what: AcrObject) -> None:
    bars: Any = spec.bars
    for group in bars.groups:
        across = {"radial": group.angle_deg, "tangential": group.angle_deg + 90}.get(
            str(what.bars_across)
        )
        part.bars(
            polar(bars.radius_mm, group.angle_deg),
            (bars.side_mm, bars.side_mm),
            what.bars_hu,
            *bars.z_mm,
            per_mm=group.lp_per_mm,
            across_deg=float(what.bars_across) if across is None else across,
        )
