"""Low contrast holes of an intra-oral test object: contrast, CNR, and which are visible."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from kerma.core import Curve, Region, quantity
from kerma.imaging.dental._intraoral_find import IntraoralFound
from kerma.imaging.dental._spec import Hole, IntraoralSpec
from kerma.imaging.phantoms._part import Part

# A hole's middle part is measured, and discs of the same size around it, clear of everything the
# description holds; design choices.
_MEASURED_SHARE, _CLEAR_MM = 0.8, 0.1
_DIRECTIONS = 8
# One-sided 95 % separation of two means that scatter alike (Chao et al., Med Phys 2000;27:1324,
# recalled); the same rule as for CT low contrast.
_VISIBLE_SIGMAS = 3.29


@dataclass(frozen=True, slots=True)
class _Reading:
    """One hole: its contrast, the surround discs' spread about their mean, and pixel noise."""

    hole: Hole
    contrast: float
    around: int
    squares: float
    noise: float


def low_contrast(found: IntraoralFound, spec: IntraoralSpec) -> Part:
    """Return contrast of each hole (share of the range), CNR, and the holes seen of each diameter.

    Contrast is the hole's mean less the mean of the discs around it. Chance is the scatter of such
    discs among each other, so grain and structure of the sensor count as they are.
    """
    part = Part()
    for diameter in sorted({h.diameter_mm for h in spec.holes}, reverse=True):
        readings = [_read(found, spec, h) for h in spec.holes if h.diameter_mm == diameter]
        usable = [r for r in readings if r.around >= 2]
        if len(usable) < len(readings):
            part.warnings.append(
                f"{len(readings) - len(usable)} holes of {diameter:g} mm have no clear surround in "
                "the description and were left out."
            )
        if usable:
            part.add(_row(found, usable, diameter))
    return part


def _row(found: IntraoralFound, readings: list[_Reading], diameter: float) -> Part:
    part = Part()
    noise = float(np.mean([r.noise for r in readings]))
    freedom = sum(r.around - 1 for r in readings)
    spread = math.sqrt(sum(r.squares for r in readings) / freedom)
    ordered = sorted(readings, key=lambda r: -r.hole.depth_mm)
    name, seen, unbroken = f"{diameter:g}".replace(".", "_"), 0, True
    depths, ratios, us = [], [], []
    for reading in ordered:
        hole = reading.hole
        chance = max(spread * math.sqrt(1 + 1 / reading.around), 1e-12)
        visible = abs(reading.contrast) > _VISIBLE_SIGMAS * chance
        unbroken = unbroken and visible
        seen += unbroken
        depths.append(hole.depth_mm)
        ratios.append(abs(reading.contrast) / noise if noise > 0 else 0.0)
        us.append(chance / noise if noise > 0 else 0.0)
        percent = 100 / found.range
        words = f"hole {diameter:g} mm, {hole.depth_mm:g} mm deep"
        part.regions.append(
            _shown(
                found, hole, words + ("" if visible else " (not visible)"),
                percent * abs(reading.contrast), percent * chance,
            )
        )  # fmt: skip
    part.values[f"holes_seen_{name}mm"] = quantity(seen, "1")
    if noise > 0:
        part.values[f"cnr_deepest_{name}mm"] = quantity(ratios[0], "1", us[0])
        part.curves.append(
            Curve(f"Holes of {diameter:g} mm", tuple(depths), tuple(ratios), "Depth", "mm", "CNR",
                  "1", tuple(us))
        )  # fmt: skip
    if seen:
        part.values[f"shallowest_seen_{name}mm"] = quantity(ordered[seen - 1].hole.depth_mm, "mm")
    else:
        part.warnings.append(f"No hole of {diameter:g} mm is visible.")
    return part


def _shown(found: IntraoralFound, hole: Hole, name: str, contrast: float, u: float) -> Region:
    column, row = (float(v) for v in found.at.place(hole.x_mm, hole.y_mm))
    on = (column + hole.diameter_mm / 2 * found.at.scale, row)
    values = {"contrast": quantity(contrast, "%", u)}
    return Region(name, "circle", ((column, row), on), 0, values)


def _read(found: IntraoralFound, spec: IntraoralSpec, hole: Hole) -> _Reading:
    radius = _MEASURED_SHARE * hole.diameter_mm / 2
    inside = found.values(hole.x_mm, hole.y_mm, radius)
    discs = [found.values(x, y, radius) for x, y in _free(spec, hole, radius)]
    discs = [d for d in discs if d.size >= 0.9 * inside.size]
    if len(discs) < 2:
        return _Reading(hole, 0.0, len(discs), 0.0, 0.0)
    means = np.array([float(d.mean()) for d in discs])
    # A slope of the field falls out of the means of opposite discs; what is left is chance.
    pairs = (means[0::2] + means[1::2]) / 2 if len(means) % 2 == 0 else means
    rest = (pairs - pairs.mean()) * math.sqrt(len(means) / len(pairs))
    freedom = (len(means) - 1) / max(1, len(pairs) - 1)
    return _Reading(
        hole,
        float(inside.mean()) - float(means.mean()),
        len(discs),
        float((rest**2).sum()) * freedom,
        float(np.mean([d.std(ddof=1) for d in discs])),
    )


def _free(spec: IntraoralSpec, hole: Hole, radius: float) -> list[tuple[float, float]]:
    """Return places around a hole where a disc touches nothing the description holds.

    Opposite places come in pairs, so that a slope of the field falls out of their mean.
    """
    apart = hole.diameter_mm / 2 + radius + _CLEAR_MM
    found = []
    for k in range(_DIRECTIONS // 2):
        angle = 2 * math.pi * k / _DIRECTIONS
        dx, dy = apart * math.cos(angle), apart * math.sin(angle)
        pair = [(hole.x_mm + dx, hole.y_mm + dy), (hole.x_mm - dx, hole.y_mm - dy)]
        if all(_is_free(spec, x, y, radius) for x, y in pair):
            found += pair
    return found


def _is_free(spec: IntraoralSpec, x: float, y: float, radius: float) -> bool:
    room = radius + 0.5 * _CLEAR_MM
    discs = [
        *((h.x_mm, h.y_mm, h.diameter_mm / 2) for h in spec.holes),
        *((a, b, spec.fiducial_radius_mm) for a, b in spec.fiducials),
    ]
    if any(math.hypot(x - a, y - b) < r + room for a, b, r in discs):
        return False
    wide, high = (s / 2 + room for s in spec.step_size_mm)
    if any(abs(x - s.x_mm) < wide and abs(y - s.y_mm) < high for s in spec.steps):
        return False
    side = spec.bar_side_mm / 2 + room
    return not any(abs(x - b.x_mm) < side and abs(y - b.y_mm) < side for b in spec.bars)
