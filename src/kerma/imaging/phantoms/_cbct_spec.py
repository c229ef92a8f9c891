"""Round phantoms for cone-beam CT, each described by a file in ``cbct_data``.

Another phantom is one more file with the same subjects, all but the inserts and the homogeneous
part optional. Angles are in degrees clockwise as displayed; Z is in mm from the middle of the
module with the rods of materials, positive in the order in which their pattern is not mirrored.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any

import yaml

from kerma.core import InputError, content_hash
from kerma.imaging.phantoms._spec import polar

Pair = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Material:
    """A rod of one material.

    `loose` marks a material (a metal) whose grey value need not lie on the line of the others.
    """

    key: str
    material: str
    radius_mm: float
    angle_deg: float
    rod_radius_mm: float
    roi_radius_mm: float
    nominal_hu: float
    loose: bool = False

    @property
    def xy_mm(self) -> Pair:
        """Return the place in the phantom's own frame."""
        return polar(self.radius_mm, self.angle_deg)


@dataclass(frozen=True, slots=True)
class Homogeneous:
    """The homogeneous part: range of Z, five discs."""

    z_mm: Pair
    roi_radius_mm: float
    edge_radius_mm: float


@dataclass(frozen=True, slots=True)
class Edge:
    """An edge for the MTF: the phantom's own ``outline``, a ``rod``, or a ``straight`` one.

    A rod is named by its key; a straight edge by a place on it and its normal.
    """

    kind: str
    z_mm: Pair
    reach_mm: float
    x_mm: float = 0.0
    y_mm: float = 0.0
    normal_deg: float = 0.0
    insert: str = ""


@dataclass(frozen=True, slots=True)
class Wire:
    """A wire along the axis."""

    z_mm: Pair
    x_mm: float
    y_mm: float
    diameter_mm: float


@dataclass(frozen=True, slots=True)
class BarPatch:
    """A square of bars."""

    per_mm: float
    x_mm: float
    y_mm: float
    side_mm: float


@dataclass(frozen=True, slots=True)
class BarPatches:
    """All squares of bars, coarsest first."""

    z_mm: Pair
    groups: tuple[BarPatch, ...]


@dataclass(frozen=True, slots=True)
class HoleGrid:
    """A square lattice of ``holes`` or ``beads`` in one layer."""

    z_mm: Pair
    pitch_mm: float
    hole_radius_mm: float
    kind: str
    reach_mm: float


@dataclass(frozen=True, slots=True)
class MetalRods:
    """Rods of metal in a line, for streaks."""

    z_mm: Pair
    rods: tuple[Pair, ...]
    rod_radius_mm: float


@dataclass(frozen=True, slots=True)
class Slits:
    """Slits of air (or wires) that slope along the axis, for the slice thickness."""

    places: tuple[Pair, ...]
    along_deg: float
    slope_deg: float
    half_length_mm: float
    half_width_mm: float
    z_mm: Pair


@dataclass(frozen=True, slots=True)
class CbctSpec:
    """Everything known of one phantom."""

    key: str
    measurement: str
    title: str
    unit: str
    body_radius_mm: float
    body_material: str
    body_hu: float
    inserts_z_mm: Pair
    measured_z_mm: Pair
    inserts: tuple[Material, ...]
    background: Material
    target: str
    uniformity: Homogeneous
    edges: tuple[Edge, ...]
    wire: Wire | None
    bars: BarPatches | None
    grid: HoleGrid | None
    diameter_z_mm: Pair | None
    artefact: MetalRods | None
    ramps: Slits | None
    sources: Mapping[str, str]
    sha256: str

    @property
    def needed_mm(self) -> float:
        """Return the shortest scan that can hold the rods and the homogeneous part."""
        low = min(self.measured_z_mm[0], self.uniformity.z_mm[1])
        high = max(self.measured_z_mm[1], self.uniformity.z_mm[0])
        return high - low - 2.0

    def insert(self, key: str) -> Material:
        """Return an insert by key."""
        return next(i for i in self.inserts if i.key == key)

    @property
    def recalled(self) -> list[str]:
        """Return the subjects of which something is known from memory only."""
        return [k for k, v in self.sources.items() if "recalled" in v]


@cache
def load_cbct() -> dict[str, CbctSpec]:
    """Return every description in the folder, by the name of its measurement."""
    folder = resources.files(__package__) / "cbct_data"
    files = sorted((f for f in folder.iterdir() if f.name.endswith(".yaml")), key=lambda f: f.name)
    specs = [parse_cbct(yaml.safe_load(f.read_text(encoding="utf-8"))) for f in files]
    return {spec.measurement: spec for spec in specs}


def parse_cbct(data: Mapping[str, Any]) -> CbctSpec:
    """Build a `CbctSpec` from the plain data of a description file.

    Raises
    ------
    InputError
        Code ``bad-description``: a subject that must be there is missing.
    """
    for needed in ("phantom", "measurement", "title", "body", "inserts", "background",
                   "uniformity", "sources"):  # fmt: skip
        if needed not in data:
            raise InputError(
                f"The phantom's description lacks “{needed}”.",
                code="bad-description",
                detail={"missing": needed},
            )
    body, inserts = data["body"], data["inserts"]
    diameter = data.get("diameter")
    return CbctSpec(
        key=data["phantom"],
        measurement=data["measurement"],
        title=data["title"],
        unit=data.get("unit", "PV"),
        body_radius_mm=float(body["radius_mm"]),
        body_material=body["material"],
        body_hu=float(body["nominal_hu"]),
        inserts_z_mm=_pair(inserts["z_mm"]),
        measured_z_mm=_pair(inserts["measured_mm"]),
        inserts=tuple(_fitted(Material, item) for item in inserts["items"]),
        background=_background(data["background"], body),
        target=data.get("contrast", {}).get("target", ""),
        uniformity=_fitted(Homogeneous, data["uniformity"]),
        edges=tuple(_fitted(Edge, edge) for edge in data.get("edges", ())),
        wire=_optional(Wire, data.get("wire")),
        bars=_bars(data.get("bars")),
        grid=_optional(HoleGrid, data.get("grid")),
        diameter_z_mm=_pair(diameter["z_mm"]) if diameter else None,
        artefact=_optional(MetalRods, data.get("artefact")),
        ramps=_optional(Slits, data.get("ramps")),
        sources=dict(data["sources"]),
        sha256=content_hash(dict(data)),
    )  # fmt: skip


def _background(data: Mapping[str, Any], body: Mapping[str, Any]) -> Material:
    radius = float(data["roi_radius_mm"])
    return Material(
        "background",
        body["material"],
        float(data["radius_mm"]),
        float(data["angle_deg"]),
        radius,
        radius,
        float(body["nominal_hu"]),
    )


def _bars(data: Mapping[str, Any] | None) -> BarPatches | None:
    if data is None:
        return None
    return BarPatches(_pair(data["z_mm"]), tuple(_fitted(BarPatch, g) for g in data["groups"]))


def _optional(kind: Any, data: Mapping[str, Any] | None) -> Any:
    return None if data is None else _fitted(kind, data)


def _fitted(kind: Any, data: Mapping[str, Any]) -> Any:
    return kind(**{name: _value(value) for name, value in data.items()})


def _value(value: Any) -> Any:
    if isinstance(value, bool | str):
        return value
    if isinstance(value, Sequence):
        return tuple(_value(v) for v in value)
    return float(value)


def _pair(values: Any) -> Pair:
    low, high = values
    return float(low), float(high)
