"""Read the descriptions of phantoms from the data files beside this module.

A phantom's file names its modules, where they are and how they are turned; the modules themselves
are described once, in ``data/catphan-modules.yaml``.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib import resources
from typing import Any

import yaml

from kerma.core import InputError, content_hash
from kerma.imaging.phantoms._spec import (
    BeadRamp,
    Beads,
    ContrastGroup,
    Insert,
    LinePairGroup,
    LinePairs,
    LowContrast,
    PhantomSpec,
    PointSource,
    Ramps,
    Sensitometry,
    Uniformity,
)

_MODULES = "catphan-modules.yaml"
_CORNERS = {
    "upper_left": (-1, -1),
    "upper_right": (1, -1),
    "lower_right": (1, 1),
    "lower_left": (-1, 1),
}


class _Turn:
    """How a module is turned in its phantom: over about the vertical, then about the axis."""

    def __init__(self, placed: Mapping[str, Any]) -> None:
        self.offset = float(placed["offset_mm"])
        self.flipped = bool(placed.get("flipped", False))
        self.rolled = float(placed.get("rolled_deg", 0.0))

    @property
    def sense(self) -> int:
        """Return -1 when it is turned over, else 1."""
        return -1 if self.flipped else 1

    def angle(self, degrees: float) -> float:
        """Return where an angle of the module is in the phantom, -180 to 180."""
        found = (180.0 - degrees if self.flipped else degrees) + self.rolled
        return (found + 180.0) % 360.0 - 180.0

    def place(self, x: float, y: float) -> tuple[float, float]:
        """Return where a place of the module is in the phantom; quarter turns only."""
        x = self.sense * x
        for _ in range(round(self.rolled / 90) % 4):
            x, y = -y, x
        return x, y

    def range(self, low: float, high: float) -> tuple[float, float]:
        """Return where a range along the module is in the phantom."""
        ends = sorted((self.offset + self.sense * low, self.offset + self.sense * high))
        return ends[0], ends[1]


@cache
def load_specs() -> dict[str, PhantomSpec]:
    """Return every phantom description in the data folder, by key."""
    folder = resources.files(__package__) / "data"
    read = {
        f.name: yaml.safe_load(f.read_text(encoding="utf-8"))
        for f in folder.iterdir()
        if f.name.startswith("catphan") and f.name.endswith(".yaml")
    }
    modules = read.pop(_MODULES)
    specs = [parse_spec(read[name], modules) for name in sorted(read)]
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


def parse_spec(data: Mapping[str, Any], modules: Mapping[str, Any]) -> PhantomSpec:
    """Build a `PhantomSpec` from the plain data of its file and of the modules' file."""
    placed = [(modules[p["module"]], p, _Turn(p)) for p in data["modules"]]
    by_kind = {
        module["kind"]: (module.get("title", p["module"]), module, p, turn)
        for module, p, turn in placed
    }
    sources = {k: v for module, *_ in placed for k, v in module["sources"].items()}
    points = [
        _point(point, turn) for module, _, turn in placed for point in module.get("points", ())
    ]
    used = {p["module"]: modules[p["module"]] for p in data["modules"]}
    return PhantomSpec(
        key=data["phantom"],
        title=data["title"],
        body_radius_mm=float(data["body_radius_mm"]),
        required=tuple(data["required"]),
        sensitometry=_sensitometry(*by_kind["sensitometry"], materials=modules["materials"]),
        line_pairs=_line_pairs(*by_kind["line_pairs"]),
        uniformity=_uniformity(*by_kind["uniformity"]),
        low_contrast=_low_contrast(*by_kind["low_contrast"]) if "low_contrast" in by_kind else None,
        beads=_beads(*by_kind["beads"]) if "beads" in by_kind else None,
        points=tuple(points),
        sources={**sources, **data["sources"]},
        sha256=content_hash({**data, "used": used, "materials": modules["materials"]}),
    )


def _pair(values: Any) -> tuple[float, float]:
    low, high = values
    return float(low), float(high)


def _sensitometry(
    name: str,
    data: Mapping[str, Any],
    placed: Mapping[str, Any],
    turn: _Turn,
    *,
    materials: Mapping[str, Any],
) -> Sensitometry:
    radius, rods, ramps = float(data["circle_radius_mm"]), data["rods"], data["ramps"]
    half, vial = float(rods["spacing_mm"]) / 2, data.get("vial")
    renamed = placed.get("rename", {})
    inserts = [{**i, "key": renamed.get(i["key"], i["key"])} for i in data["inserts"]]
    return Sensitometry(
        module=name,
        half_range_mm=float(data["half_range_mm"]),
        insert_radius_mm=float(data["insert_radius_mm"]),
        roi_radius_mm=float(data["roi_radius_mm"]),
        inserts=tuple(_insert(i, radius, materials[i["material"]], turn) for i in inserts),
        rods={corner: (x * half, y * half) for corner, (x, y) in _CORNERS.items()},
        rod_spacing_mm=float(rods["spacing_mm"]),
        rod_radius_mm=float(rods["radius_mm"]),
        ramps=Ramps(
            float(ramps["radius_mm"]),
            tuple(turn.angle(float(a)) for a in ramps["angles_deg"]),
            float(ramps["slope_deg"]),
            float(ramps["reach_mm"]),
            None if ramps["sense"] is None else int(ramps["sense"]),
        ),
        vial_mm=None
        if vial is None
        else (turn.angle(float(vial["angle_deg"])), float(vial["radius_mm"])),
    )


def _insert(
    data: Mapping[str, Any], radius_mm: float, material: Mapping[str, Any], turn: _Turn
) -> Insert:
    return Insert(
        key=data["key"],
        material=data["material"],
        angle_deg=turn.angle(float(data["angle_deg"])),
        radius_mm=radius_mm,
        nominal_hu=float(material["nominal_hu"]),
        range_hu=_pair(material["range_hu"]),
        density=float(material["density"]),
        electron_density=float(material["electron_density"]),
        vial=bool(data.get("vial", False)),
    )


def _line_pairs(name: str, data: Mapping[str, Any], _: Any, turn: _Turn) -> LinePairs:
    straight = data["layout"] == "straight"
    groups = []
    for group in data["groups"]:
        angle = turn.angle(float(group["facing_deg" if straight else "angle_deg"]))
        along = turn.sense * float(group["along_mm"]) if straight else None
        frequency = float(group["lp_per_cm"]) / 10
        groups.append(LinePairGroup(frequency, angle, int(group["bars"]), along))
    return LinePairs(
        name,
        turn.offset,
        float(data["radius_mm"]),
        float(data["half_depth_mm"]),
        tuple(groups),
        turn.sense,
    )


def _uniformity(
    name: str, data: Mapping[str, Any], placed: Mapping[str, Any], turn: _Turn
) -> Uniformity:
    return Uniformity(
        name,
        turn.offset,
        _pair(placed["range_mm"]),
        float(data["roi_radius_mm"]),
        float(data["edge_radius_mm"]),
        float(data["body_radius_mm"]),
    )


def _low_contrast(name: str, data: Mapping[str, Any], _: Any, turn: _Turn) -> LowContrast:
    groups = []
    for group in data["groups"]:
        start = float(group["start_deg"])
        discs = zip(data["diameters_mm"], data["steps_deg"], strict=True)
        groups.append(
            ContrastGroup(
                group["key"],
                float(group["contrast_percent"]),
                tuple((float(d), turn.angle(start + float(step))) for d, step in discs),
            )
        )
    return LowContrast(
        name,
        turn.offset,
        float(data["half_range_mm"]),
        float(data["radius_mm"]),
        tuple(groups),
    )


def _beads(name: str, data: Mapping[str, Any], _: Any, turn: _Turn) -> Beads:
    ramps = tuple(
        BeadRamp(
            r["key"],
            float(r["radius_mm"]),
            tuple(turn.angle(float(a)) for a in r["angles_deg"]),
            float(r["pitch_mm"]),
            float(r["rise_mm"]),
            float(r["reach_mm"]),
        )
        for r in data["ramps"]
    )
    return Beads(name, turn.offset, ramps)


def _point(data: Mapping[str, Any], turn: _Turn) -> PointSource:
    x, y = turn.place(float(data["x_mm"]), float(data["y_mm"]))
    low, high = turn.range(*_pair(data["z_mm"]))
    return PointSource(data["kind"], float(data["diameter_mm"]), x, y, (low, high))
