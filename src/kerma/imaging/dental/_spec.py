"""Descriptions of dental test objects, read from the data files beside this module.

Another object is one more file with the same subjects and a measurement name of its own.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any

import yaml

from kerma.core import InputError, content_hash

Pair = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Step:
    """A step of the wedge: its thickness and middle."""

    thickness_mm: float
    x_mm: float
    y_mm: float


@dataclass(frozen=True, slots=True)
class BarPatch:
    """A square of bars: frequency in the object, direction across the bars, middle."""

    per_mm: float
    across_deg: float
    x_mm: float
    y_mm: float


@dataclass(frozen=True, slots=True)
class Hole:
    """A low contrast hole."""

    diameter_mm: float
    depth_mm: float
    x_mm: float
    y_mm: float


@dataclass(frozen=True, slots=True)
class IntraoralSpec:
    """Everything known of an intra-oral test object."""

    key: str
    measurement: str
    title: str
    fiducial_radius_mm: float
    fiducials: tuple[Pair, ...]
    step_size_mm: Pair
    steps: tuple[Step, ...]
    bar_side_mm: float
    bars: tuple[BarPatch, ...]
    holes: tuple[Hole, ...]
    plain_radius_mm: float
    plain: tuple[Pair, ...]
    sources: Mapping[str, str]
    sha256: str


@dataclass(frozen=True, slots=True)
class PanoramicSpec:
    """Everything known of a panoramic test object."""

    key: str
    measurement: str
    title: str
    ball_radius_mm: float
    up_mm: float
    beside_mm: float
    stations: tuple[str, ...]
    spacing_mm: float
    bar_side_mm: float
    bars: tuple[BarPatch, ...]
    sources: Mapping[str, str]
    sha256: str

    def pairs(self) -> list[tuple[str, str]]:
        """Return the stations that mirror each other, outermost first."""
        half = len(self.stations) // 2
        return [(self.stations[k], self.stations[-1 - k]) for k in range(half)]


@cache
def load_intraoral() -> dict[str, IntraoralSpec]:
    """Return every intra-oral description, by the name of its measurement."""
    specs = [parse_intraoral(data) for data in _files("intraoral_data")]
    return {spec.measurement: spec for spec in specs}


@cache
def load_panoramic() -> dict[str, PanoramicSpec]:
    """Return every panoramic description, by the name of its measurement."""
    specs = [parse_panoramic(data) for data in _files("panoramic_data")]
    return {spec.measurement: spec for spec in specs}


def _files(name: str) -> list[Mapping[str, Any]]:
    folder = resources.files(__package__) / name
    files = sorted((f for f in folder.iterdir() if f.name.endswith(".yaml")), key=lambda f: f.name)
    return [yaml.safe_load(f.read_text(encoding="utf-8")) for f in files]


def parse_intraoral(data: Mapping[str, Any]) -> IntraoralSpec:
    """Build an `IntraoralSpec` from the plain data of a description file.

    Raises
    ------
    InputError
        Code ``bad-description``.
    """
    _require(data, "fiducials", "wedge", "bars", "plain")
    fiducials, wedge, bars, plain = (data[k] for k in ("fiducials", "wedge", "bars", "plain"))
    if len(fiducials["places"]) < 4:
        raise InputError(
            "An intra-oral test object needs four fiducial discs or more.", code="bad-description"
        )
    return IntraoralSpec(
        key=data["object"],
        measurement=data["measurement"],
        title=data["title"],
        fiducial_radius_mm=float(fiducials["radius_mm"]),
        fiducials=_places(fiducials["places"]),
        step_size_mm=_pair(wedge["size_mm"]),
        steps=tuple(Step(**_floats(s)) for s in wedge["steps"]),
        bar_side_mm=float(bars["side_mm"]),
        bars=tuple(
            BarPatch(**{"across_deg": float(bars.get("across_deg", 0)), **_floats(g)})
            for g in bars["groups"]
        ),
        holes=_holes(data.get("holes")),
        plain_radius_mm=float(plain["radius_mm"]),
        plain=_places(plain["places"]),
        sources=dict(data["sources"]),
        sha256=content_hash(dict(data)),
    )


def parse_panoramic(data: Mapping[str, Any]) -> PanoramicSpec:
    """Build a `PanoramicSpec` from the plain data of a description file.

    Raises
    ------
    InputError
        Code ``bad-description``.
    """
    _require(data, "balls", "stations", "spacing_mm")
    balls, bars = data["balls"], data.get("bars", {"side_mm": 1, "groups": []})
    return PanoramicSpec(
        key=data["object"],
        measurement=data["measurement"],
        title=data["title"],
        ball_radius_mm=float(balls["radius_mm"]),
        up_mm=float(balls["up_mm"]),
        beside_mm=float(balls["beside_mm"]),
        stations=tuple(data["stations"]),
        spacing_mm=float(data["spacing_mm"]),
        bar_side_mm=float(bars["side_mm"]),
        bars=tuple(BarPatch(**_floats(g)) for g in bars["groups"]),
        sources=dict(data["sources"]),
        sha256=content_hash(dict(data)),
    )


def _holes(data: Mapping[str, Any] | None) -> tuple[Hole, ...]:
    if data is None:
        return ()
    return tuple(
        Hole(float(row["diameter_mm"]), float(depth), float(x), float(row["y_mm"]))
        for row in data["rows"]
        for x, depth in zip(row["x_mm"], row["depth_mm"], strict=True)
    )


def _require(data: Mapping[str, Any], *subjects: str) -> None:
    for needed in ("object", "measurement", "title", "sources", *subjects):
        if needed not in data:
            raise InputError(
                f"The test object's description lacks “{needed}”.",
                code="bad-description",
                detail={"missing": needed},
            )


def _floats(data: Mapping[str, Any]) -> dict[str, float]:
    return {name: float(value) for name, value in data.items()}


def _pair(values: Any) -> Pair:
    first, second = values
    return float(first), float(second)


def _places(values: Any) -> tuple[Pair, ...]:
    return tuple(_pair(v) for v in values)
