"""What each part of a phantom analysis hands back, to be joined into one `Analysis`."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from kerma.core import Curve, Quantity, Region


@dataclass(slots=True)
class Part:
    """Values, regions, curves, facts and warnings of one module."""

    values: dict[str, Quantity] = field(default_factory=dict)
    regions: list[Region] = field(default_factory=list)
    curves: list[Curve] = field(default_factory=list)
    facts: dict[str, Any] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)

    def add(self, other: Part) -> None:
        """Take over everything of another part."""
        self.values.update(other.values)
        self.regions += other.regions
        self.curves += other.curves
        self.facts.update(other.facts)
        self.warnings += other.warnings
