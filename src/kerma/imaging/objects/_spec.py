"""Descriptions of planar test objects, read from the data files beside this module.

Places are in mm in the object's own frame: x to the right, y down, origin at its middle, as drawn
in the description. A description may also be given as a parameter (the service's own object,
measured off one good image), in the same words as the files.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from importlib import resources
from typing import Any

import yaml

from kerma.core import InputError, content_hash


@dataclass(frozen=True, slots=True)
class Detail:
    """One disc or square that attenuates more than what is around it.

    Attributes
    ----------
    group, index
        Which series it belongs to, and its place in it from 1, strongest first.
    x_mm, y_mm
        Its middle.
    size_mm
        Diameter of a disc, side of a square.
    square
        Whether it is one.
    weight
        How much of it is expected to show when the object is looked for, 0 to 1.
    """

    group: str
    index: int
    x_mm: float
    y_mm: float
    size_mm: float
    square: bool = False
    weight: float = 1.0

    @property
    def key(self) -> str:
        """Return the name of the detail."""
        return f"{self.group} {self.index}"


@dataclass(frozen=True, slots=True)
class BarGroup:
    """A group of `bars` open bars in the foil, crossing the y axis of the object."""

    lp_per_mm: float
    x_mm: float
    y_mm: float
    bars: int
    width_mm: float


@dataclass(frozen=True, slots=True)
class Block:
    """The foil that holds the bars, and two places that show its contrast without bars."""

    x_mm: float
    y_mm: float
    width_mm: float
    height_mm: float
    foil_mm: tuple[float, float, float] | None = None
    open_mm: tuple[float, float, float] | None = None


@dataclass(frozen=True, slots=True, eq=False)
class ObjectSpec:
    """One planar test object.

    Attributes
    ----------
    key, title
        Name of the description and of the object.
    circle_mm
        Radius of the circle that outlines it (a wire or an edge).
    reach_mm
        Every detail lies within this distance of the middle.
    details, bars, block
        What is in it.
    sources
        Where each figure comes from, in words beginning with seen, measured, recalled, assumed.
    sha256
        Hash of the description.
    """

    key: str
    title: str
    circle_mm: float
    reach_mm: float
    details: tuple[Detail, ...]
    bars: tuple[BarGroup, ...] = ()
    block: Block | None = None
    contrasts: Mapping[str, tuple[float, ...]] = field(default_factory=dict)
    sources: Mapping[str, str] = field(default_factory=dict)
    sha256: str = ""

    def group(self, name: str) -> tuple[Detail, ...]:
        """Return the details of one series in order."""
        return tuple(sorted((d for d in self.details if d.group == name), key=lambda d: d.index))

    def unchecked(self) -> dict[str, str]:
        """Return the figures nobody has checked against a document or an object."""
        return {k: v for k, v in self.sources.items() if v.startswith(("recalled", "assumed"))}


def load(key: str) -> ObjectSpec:
    """Return a description that comes with Kerma."""
    return _all()[key]


@cache
def _all() -> dict[str, ObjectSpec]:
    found = {}
    for item in resources.files(__package__).joinpath("data").iterdir():
        if item.name.endswith(".yaml"):
            text = item.read_text(encoding="utf-8")
            spec = parse(yaml.safe_load(text), content_hash(text.encode()))
            if spec is not None:
                found[spec.key] = spec
    return found


def given(data: Mapping[str, Any]) -> ObjectSpec:
    """Return a description given as a parameter.

    Raises
    ------
    InputError
        Code ``bad-layout``.
    """
    try:
        spec = parse(data, content_hash(dict(data)))
    except (KeyError, TypeError, ValueError) as error:
        raise InputError(
            f"The layout of the object cannot be read ({error!r}). It needs object, title, "
            "circle_mm, reach_mm and series, in the words of the files in kerma/imaging/objects.",
            code="bad-layout",
        ) from error
    if spec is None or not spec.details or spec.circle_mm <= 0:
        raise InputError("The layout of the object has no series of details.", code="bad-layout")
    return spec


def parse(data: Mapping[str, Any], sha256: str) -> ObjectSpec | None:
    """Return the description in a mapping; ``None`` when it is of another kind of object."""
    if "series" not in data:
        return None
    details: list[Detail] = []
    for group, entry in data["series"].items():
        details += _series(str(group), entry)
    block = data.get("block")
    return ObjectSpec(
        key=str(data["object"]),
        title=str(data["title"]),
        circle_mm=float(data["circle_mm"]),
        reach_mm=float(data["reach_mm"]),
        details=tuple(details),
        bars=tuple(_bars(data.get("bars", {}))),
        block=None if block is None else Block(**{k: _plain(v) for k, v in block.items()}),
        contrasts={k: tuple(map(float, v)) for k, v in data.get("contrasts", {}).items()},
        sources=dict(data.get("sources", {})),
        sha256=sha256,
    )


def _plain(value: Any) -> Any:
    return tuple(float(v) for v in value) if isinstance(value, list | tuple) else float(value)


def _series(group: str, entry: Mapping[str, Any]) -> list[Detail]:
    """Return the details of a series laid on a circle, on a straight row, or one by one."""
    if "ring_mm" in entry:
        radius = float(entry["ring_mm"])
        places = [
            (radius * math.sin(math.radians(a)), -radius * math.cos(math.radians(a)))
            for a in _numbers(entry["clock_deg"])
        ]
    elif "row_mm" in entry:
        x0, y0, x1, y1 = (float(v) for v in entry["row_mm"])
        count = int(entry["count"])
        steps = [i / (count - 1) for i in range(count)]
        places = [(x0 + s * (x1 - x0), y0 + s * (y1 - y0)) for s in steps]
    else:
        places = [(float(x), float(y)) for x, y in entry["places_mm"]]
    square = "side_mm" in entry
    size = float(entry["side_mm"] if square else entry["diameter_mm"])
    weights = entry.get("weights", [1.0] * len(places))
    return [
        Detail(group, i, x, y, size, square, float(w))
        for i, ((x, y), w) in enumerate(zip(places, weights, strict=True), 1)
    ]


def _numbers(value: Any) -> Sequence[float]:
    return [float(v) for v in value]


def _bars(entry: Mapping[str, Any]) -> list[BarGroup]:
    found = []
    for row, y in zip(entry.get("lp_per_mm", ()), entry.get("y_mm", ()), strict=True):
        for frequency, x in zip(row, entry["x_mm"], strict=True):
            found.append(
                BarGroup(
                    float(frequency),
                    float(x),
                    float(y),
                    int(entry["bars"]),
                    float(entry["width_mm"]),
                )
            )
    return found
