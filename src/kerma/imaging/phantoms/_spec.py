"""Descriptions of phantoms, read from the data files beside this module.

Angles are in degrees clockwise as displayed (x to the right, y down), seen with the slices in the
order of the phantom's own Z axis; offsets Z are from the ramp centre of the sensitometry module.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any

import yaml

from kerma.core import InputError, content_hash


@dataclass(frozen=True, slots=True)
class Insert:
    """A rod of one material in the sensitometry module; nominal CT number and maker's range, HU."""

    key: str
    material: str
    angle_deg: float
    radius_mm: float
    nominal_hu: float
    range_hu: tuple[float, float]

    @property
    def xy_mm(self) -> tuple[float, float]:
        """Return the place in the phantom's own frame."""
        return polar(self.radius_mm, self.angle_deg)


@dataclass(frozen=True, slots=True)
class Sensitometry:
    """Inserts, rods and ramps of the CT number and geometry module."""

    module: str
    half_range_mm: float
    insert_radius_mm: float
    roi_radius_mm: float
    inserts: tuple[Insert, ...]
    rods: Mapping[str, tuple[float, float]]
    rod_spacing_mm: float
    rod_radius_mm: float
    ramp_radius_mm: float
    ramp_angles_deg: tuple[float, ...]
    ramp_slope_deg: float
    ramp_reach_mm: float

    @property
    def gap_angles_deg(self) -> tuple[float, ...]:
        """Return the middles of the gaps wide enough to show bare body material."""
        angles = sorted(i.angle_deg % 360 for i in self.inserts)
        gaps = zip(angles, [*angles[1:], angles[0] + 360], strict=True)
        return tuple((a + b) / 2 % 360 for a, b in gaps if b - a >= 50)


@dataclass(frozen=True, slots=True)
class LinePairGroup:
    """One group of bars: line pairs per mm, its middle, and how many bars it has."""

    lp_per_mm: float
    angle_deg: float
    bars: int


@dataclass(frozen=True, slots=True)
class LinePairs:
    """The bar pattern module: bars on a circle, `half_depth_mm` either side of it radially."""

    module: str
    offset_mm: float
    radius_mm: float
    half_depth_mm: float
    groups: tuple[LinePairGroup, ...]


@dataclass(frozen=True, slots=True)
class Uniformity:
    """The homogeneous module and the range of Z that may be averaged for the noise spectrum."""

    module: str
    offset_mm: float
    range_mm: tuple[float, float]
    roi_radius_mm: float
    edge_radius_mm: float
    body_radius_mm: float


@dataclass(frozen=True, slots=True)
class ContrastGroup:
    """Low contrast discs of one nominal contrast: (diameter, angle) pairs."""

    key: str
    contrast_percent: float
    discs: tuple[tuple[float, float], ...]


@dataclass(frozen=True, slots=True)
class LowContrast:
    """The low contrast module."""

    module: str
    offset_mm: float
    half_range_mm: float
    radius_mm: float
    groups: tuple[ContrastGroup, ...]


@dataclass(frozen=True, slots=True)
class PointSource:
    """A bead or a wire for the MTF; `z_mm` is its extent along the phantom's axis."""

    kind: str
    diameter_mm: float
    x_mm: float
    y_mm: float
    z_mm: tuple[float, float]


@dataclass(frozen=True, slots=True)
class PhantomSpec:
    """Everything known of one phantom model."""

    key: str
    title: str
    body_radius_mm: float
    sensitometry: Sensitometry
    line_pairs: LinePairs
    uniformity: Uniformity
    low_contrast: LowContrast
    points: tuple[PointSource, ...]
    sources: Mapping[str, str]
    sha256: str

    @property
    def offsets_mm(self) -> dict[str, float]:
        """Return where each module's middle is, by module name."""
        parts = (self.line_pairs, self.low_contrast, self.uniformity)
        return {self.sensitometry.module: 0.0, **{p.module: p.offset_mm for p in parts}}


def polar(radius_mm: float, angle_deg: float) -> tuple[float, float]:
    """Return (x, y), y down, of a point at a clockwise angle from +x."""
    angle = math.radians(angle_deg)
    return radius_mm * math.cos(angle), radius_mm * math.sin(angle)


@cache
def load_specs() -> dict[str, PhantomSpec]:
    """Return every phantom description in the data folder, by key."""
    folder = resources.files(__package__) / "data"
    files = sorted((f for f in folder.iterdir() if f.name.endswith(".yaml")), key=lambda f: f.name)
    specs = [parse_spec(yaml.safe_load(f.read_text(encoding="utf-8"))) for f in files]
    return {spec.key: spec for spec in specs}


def load_spec(key: str) -> PhantomSpec:
    """Return one phantom description.

    Raises
    ------
    InputError
        Code ``unknown-phantom``.
    """
    specs = load_specs()
    if key not in specs:
        raise InputError(
            f"There is no phantom called “{key}”. There are: {', '.join(specs)}.",
            code="unknown-phantom",
        )
    return specs[key]


def parse_spec(data: Mapping[str, Any]) -> PhantomSpec:
    """Build a `PhantomSpec` from the plain data of a description file."""
    uniformity, contrast = data["uniformity"], data["low_contrast"]
    return PhantomSpec(
        key=data["phantom"],
        title=data["title"],
        body_radius_mm=float(data["body_radius_mm"]),
        sensitometry=_sensitometry(data["sensitometry"]),
        line_pairs=_line_pairs(data["line_pairs"]),
        uniformity=Uniformity(
            uniformity["module"],
            float(uniformity["offset_mm"]),
            _pair(uniformity["range_mm"]),
            float(uniformity["roi_radius_mm"]),
            float(uniformity["edge_radius_mm"]),
            float(uniformity["body_radius_mm"]),
        ),
        low_contrast=LowContrast(
            contrast["module"],
            float(contrast["offset_mm"]),
            float(contrast["half_range_mm"]),
            float(contrast["radius_mm"]),
            tuple(_contrast_group(g, contrast) for g in contrast["groups"]),
        ),
        points=tuple(
            PointSource(
                p["kind"],
                float(p["diameter_mm"]),
                float(p["x_mm"]),
                float(p["y_mm"]),
                _pair(p["z_mm"]),
            )
            for p in data["points"]
        ),
        sources=dict(data["sources"]),
        sha256=content_hash(dict(data)),
    )


def _pair(values: Any) -> tuple[float, float]:
    low, high = values
    return float(low), float(high)


def _contrast_group(group: Mapping[str, Any], parent: Mapping[str, Any]) -> ContrastGroup:
    start = float(group["start_deg"])
    steps = zip(parent["diameters_mm"], parent["steps_deg"], strict=True)
    discs = tuple((float(d), start + float(step)) for d, step in steps)
    return ContrastGroup(group["key"], float(group["contrast_percent"]), discs)


def _sensitometry(data: Mapping[str, Any]) -> Sensitometry:
    radius = float(data["circle_radius_mm"])
    inserts = tuple(
        Insert(
            i["key"],
            i["material"],
            float(i["angle_deg"]),
            radius,
            float(i["nominal_hu"]),
            _pair(i["range_hu"]),
        )
        for i in data["inserts"]
    )
    rods, ramps = data["rods"], data["ramps"]
    half = float(rods["spacing_mm"]) / 2
    corners = {
        "upper_left": (-1, -1),
        "upper_right": (1, -1),
        "lower_right": (1, 1),
        "lower_left": (-1, 1),
    }
    return Sensitometry(
        module=data["module"],
        half_range_mm=float(data["half_range_mm"]),
        insert_radius_mm=float(data["insert_radius_mm"]),
        roi_radius_mm=float(data["roi_radius_mm"]),
        inserts=inserts,
        rods={name: (x * half, y * half) for name, (x, y) in corners.items()},
        rod_spacing_mm=float(rods["spacing_mm"]),
        rod_radius_mm=float(rods["radius_mm"]),
        ramp_radius_mm=float(ramps["radius_mm"]),
        ramp_angles_deg=tuple(float(a) for a in ramps["angles_deg"]),
        ramp_slope_deg=float(ramps["slope_deg"]),
        ramp_reach_mm=float(ramps["reach_mm"]),
    )


def _line_pairs(data: Mapping[str, Any]) -> LinePairs:
    groups = tuple(
        LinePairGroup(float(g["lp_per_cm"]) / 10, float(g["angle_deg"]), int(g["bars"]))
        for g in data["groups"]
    )
    return LinePairs(
        data["module"],
        float(data["offset_mm"]),
        float(data["radius_mm"]),
        float(data["half_depth_mm"]),
        groups,
    )
