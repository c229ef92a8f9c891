"""The record every image measurement returns."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from kerma.core.provenance import Provenance
from kerma.core.quantity import Quantity

Status = Literal["measured", "not measurable"]


@dataclass(frozen=True, slots=True)
class Region:
    """Where on the image something was measured, as data; drawing happens elsewhere.

    Attributes
    ----------
    name
        Shown beside the shape and in the list of regions.
    shape
        ``rectangle`` (two opposite corners), ``circle`` (centre, a point on the rim), ``polygon``,
        ``line`` or ``point``.
    points
        (x, y) = (column, row) in pixels of the frame; pixel centres at integers.
    frame
        Index of the image or frame, in the order of the analysis' inputs.
    values
        Statistics of the region, for the list beside the picture.
    """

    name: str
    shape: Literal["rectangle", "circle", "polygon", "line", "point"]
    points: tuple[tuple[float, float], ...]
    frame: int = 0
    values: Mapping[str, Quantity] = field(default_factory=dict)

    def as_dict(self) -> dict[str, Any]:
        """Return plain data."""
        return {
            "name": self.name,
            "shape": self.shape,
            "points": [[float(x), float(y)] for x, y in self.points],
            "frame": self.frame,
            "values": {name: q.as_dict() for name, q in self.values.items()},
        }


@dataclass(frozen=True, slots=True)
class Curve:
    """A curve for a chart: x, y and the standard uncertainty of y, with their units."""

    name: str
    x: tuple[float, ...]
    y: tuple[float, ...]
    x_label: str
    x_unit: str
    y_label: str
    y_unit: str
    u: tuple[float, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """Return plain data."""
        return {
            name: list(value) if isinstance(value, tuple) else value
            for name, value in ((n, getattr(self, n)) for n in self.__slots__)
        }


@dataclass(frozen=True, slots=True)
class Analysis:
    """An image measurement: values with uncertainty, regions, curves, and how it was made.

    A measurement that ran but could not give a number has status ``not measurable`` and a reason;
    one that must not run at all (wrong phantom, clinical image) raises instead.
    """

    name: str
    status: Status
    provenance: Provenance
    values: Mapping[str, Quantity] = field(default_factory=dict)
    regions: tuple[Region, ...] = ()
    curves: tuple[Curve, ...] = ()
    reason: str = ""
    warnings: tuple[str, ...] = ()
    facts: Mapping[str, Any] = field(default_factory=dict)

    def as_dict(self) -> dict[str, Any]:
        """Return plain data for storage, charts and JSON output."""
        return {
            "name": self.name,
            "status": self.status,
            "reason": self.reason,
            "values": {name: q.as_dict() for name, q in self.values.items()},
            "regions": [r.as_dict() for r in self.regions],
            "curves": [c.as_dict() for c in self.curves],
            "warnings": list(self.warnings),
            "facts": dict(self.facts),
            "provenance": self.provenance.as_dict(),
        }
