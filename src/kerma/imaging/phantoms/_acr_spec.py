"""The description of the ACR CT phantom, read from the data file beside this module.

Angles are in degrees clockwise as displayed (x to the right, y down), seen with module 1 first
along the slice normal; Z is in mm from the middle of module 1 towards module 4.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any

import yaml

from kerma.core import content_hash
from kerma.imaging.phantoms._spec import polar


@dataclass(frozen=True, slots=True)
class AcrInsert:
    """A rod of module 1; nominal CT number and the range the ACR states for it, HU."""

    key: str
    material: str
    angle_deg: float
    nominal_hu: float
    range_hu: tuple[float, float]


@dataclass(frozen=True, slots=True)
class Inserts:
    """The rods of module 1, all on one circle."""

    circle_radius_mm: float
    insert_radius_mm: float
    roi_radius_mm: float
    half_range_mm: float
    items: tuple[AcrInsert, ...]

    def xy_mm(self, item: AcrInsert) -> tuple[float, float]:
        """Return the place of a rod in the phantom's own frame."""
        return polar(self.circle_radius_mm, item.angle_deg)


@dataclass(frozen=True, slots=True)
class Beads:
    """Balls on the surface, in the middle planes of the modules named."""

    radius_mm: float
    angles_deg: tuple[float, ...]
    modules: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class WireRamps:
    """Where the ladders of wires may lie, and the step of the wires along the axis."""

    angles_deg: tuple[float, ...]
    inner_mm: float
    outer_mm: float
    half_width_mm: float
    wire_step_mm: float


@dataclass(frozen=True, slots=True)
class RodGroup:
    """Four rods of one diameter in a row across the radius, a diameter apart."""

    diameter_mm: float
    radius_mm: float
    angle_deg: float


@dataclass(frozen=True, slots=True)
class AcrLowContrast:
    """Module 2."""

    half_range_mm: float
    rod: RodGroup
    surround_radius_mm: float
    surround_angle_deg: float
    roi_radius_mm: float
    nominal_contrast_hu: float
    groups: tuple[RodGroup, ...]


@dataclass(frozen=True, slots=True)
class AcrUniformity:
    """Module 3."""

    half_range_mm: float
    roi_radius_mm: float
    edge_radius_mm: float
    bead_distance_mm: float


@dataclass(frozen=True, slots=True)
class BarGroup:
    """One square of bars: line pairs per mm and the angle of its middle."""

    lp_per_mm: float
    angle_deg: float


@dataclass(frozen=True, slots=True)
class Bars:
    """Module 4; `z_mm` is where along the axis the bars are whole."""

    radius_mm: float
    side_mm: float
    z_mm: tuple[float, float]
    groups: tuple[BarGroup, ...]


@dataclass(frozen=True, slots=True)
class AcrSpec:
    """Everything known of the phantom."""

    key: str
    title: str
    body_radius_mm: float
    module_length_mm: float
    modules_mm: Mapping[str, float]
    inserts: Inserts
    beads: Beads
    ramps: WireRamps
    low_contrast: AcrLowContrast
    uniformity: AcrUniformity
    bars: Bars
    sources: Mapping[str, str]
    sha256: str


@cache
def load_acr() -> AcrSpec:
    """Return the phantom's description."""
    file = resources.files(__package__) / "acr_data" / "acr464.yaml"
    return parse_acr(yaml.safe_load(file.read_text(encoding="utf-8")))


def parse_acr(data: Mapping[str, Any]) -> AcrSpec:
    """Build an `AcrSpec` from the plain data of the description file."""
    inserts, bars = data["inserts"], data["bars"]
    beads, uniformity = data["beads"], data["uniformity"]
    return AcrSpec(
        key=data["phantom"],
        title=data["title"],
        body_radius_mm=float(data["body_radius_mm"]),
        module_length_mm=float(data["module_length_mm"]),
        modules_mm={name: float(z) for name, z in data["modules_mm"].items()},
        inserts=Inserts(
            **_floats(inserts, "items"),
            items=tuple(
                AcrInsert(
                    i["key"],
                    i["material"],
                    float(i["angle_deg"]),
                    float(i["nominal_hu"]),
                    _pair(i["range_hu"]),
                )
                for i in inserts["items"]
            ),
        ),
        beads=Beads(
            float(beads["radius_mm"]),
            tuple(float(a) for a in beads["angles_deg"]),
            tuple(beads["modules"]),
        ),
        ramps=WireRamps(
            tuple(float(a) for a in data["ramps"]["angles_deg"]),
            **_floats(data["ramps"], "angles_deg"),
        ),
        low_contrast=_low_contrast(data["low_contrast"]),
        uniformity=AcrUniformity(**_floats(uniformity)),
        bars=Bars(
            float(bars["radius_mm"]),
            float(bars["side_mm"]),
            _pair(bars["z_mm"]),
            tuple(BarGroup(**_floats(g)) for g in bars["groups"]),
        ),
        sources=dict(data["sources"]),
        sha256=content_hash(dict(data)),
    )


def _low_contrast(data: Mapping[str, Any]) -> AcrLowContrast:
    return AcrLowContrast(
        half_range_mm=float(data["half_range_mm"]),
        rod=RodGroup(**_floats(data["rod"])),
        surround_radius_mm=float(data["surround"]["radius_mm"]),
        surround_angle_deg=float(data["surround"]["angle_deg"]),
        roi_radius_mm=float(data["roi_radius_mm"]),
        nominal_contrast_hu=float(data["nominal_contrast_hu"]),
        groups=tuple(RodGroup(**_floats(g)) for g in data["groups"]),
    )


def _floats(data: Mapping[str, Any], *without: str) -> dict[str, Any]:
    return {name: float(value) for name, value in data.items() if name not in without}


def _pair(values: Any) -> tuple[float, float]:
    low, high = values
    return float(low), float(high)
