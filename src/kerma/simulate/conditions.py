"""The exposure conditions of a protocol's setup, as the physical models need them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

from kerma.core import Quantity, unit
from kerma.simulate.beam import Beam
from kerma.simulate.truth import State

# Equipment whose beam is a mammographic one behind beryllium and a K-edge filter.
_BREAST = ("mammography", "tomosynthesis")
_DISTANCES = ("distance", "fcd", "fsd", "fdd", "fid", "sid", "ffd")
_PHANTOMS = ("pmma", "phantom", "breast", "thickness", "water")


@dataclass(frozen=True)
class Conditions:
    """Numbers with units, and words, of one setup, with the point of a series merged in.

    `given` holds the setup's values; anything a setup leaves out is absent, and each property says
    what it falls back to (a choice of the simulation, not of any standard).
    """

    equipment: str
    state: State
    given: Mapping[str, Quantity | str] = field(default_factory=dict)
    text: str = ""

    def number(self, name: str, symbol: str) -> float | None:
        """Return a value in a unit when the setup states it, else ``None``."""
        value = self.given.get(name)
        if isinstance(value, Quantity) and value.unit.same_kind(unit(symbol)):
            return value.to(symbol).value
        return None

    def any_number(self, symbol: str, *but: str) -> float | None:
        """Return the first value of a kind of unit, whatever its name."""
        for name, value in self.given.items():
            if name in but or not isinstance(value, Quantity):
                continue
            if value.unit.same_kind(unit(symbol)):
                return value.to(symbol).value
        return None

    @cached_property
    def breast(self) -> bool:
        """Whether the beam is mammographic."""
        return self.equipment in _BREAST

    @cached_property
    def kv(self) -> float:
        """Set tube voltage; without one, a usual value for the kind of equipment."""
        usual = {"mammography": 28.0, "tomosynthesis": 29.0, "dental_intraoral": 65.0}
        return self.any_number("kV") or usual.get(
            self.equipment, 120.0 if self.equipment == "ct" else 75.0
        )

    @cached_property
    def true_kv(self) -> float:
        """Tube voltage the generator really gives."""
        return self.kv * (1 + self.state["kv_error_percent"] / 100)

    @cached_property
    def time_ms(self) -> float | None:
        """Set exposure time."""
        return self.any_number("ms", "rotation")

    @cached_property
    def mas(self) -> float:
        """Charge that flows: mAs as set, or current times the time the timer really gives."""
        stated = self.any_number("mAs")
        if stated is not None:
            return stated
        current = self.any_number("mA") or 7.0
        time_ms = self.time_ms or self.number("rotation", "ms") or 250.0
        return current * time_ms / 1000 * (1 + self.state["time_error_percent"] / 100)

    @cached_property
    def distance_mm(self) -> float:
        """Focus to measuring point."""
        for name in _DISTANCES:
            value = self.number(name, "mm")
            if value:
                return value
        usual = {"ct": 600.0, "mammography": 615.0, "tomosynthesis": 615.0}
        return 200.0 if self.equipment == "dental_intraoral" else usual.get(self.equipment, 1000.0)

    @cached_property
    def phantom_mm(self) -> float | None:
        """Thickness of PMMA or water in the beam, when the setup has a phantom."""
        for name in _PHANTOMS:
            value = self.number(name, "mm")
            if value is not None:
                return value
        return None

    def filters_mm(self) -> dict[str, float]:
        """Return everything flat in the beam, in mm by material."""
        if self.breast:
            edge = "Ag" if self.equipment == "tomosynthesis" else "Rh"
            # Beryllium window, K-edge filter, and the compression paddle.
            filters = {"Be": 0.5, edge: 0.05, "PMMA": 2.5}
        else:
            filters = {"Al": self.state["filtration_mm_al"]}
        for symbol, material in (("mm Al", "Al"), ("mm Cu", "Cu")):
            extra = self.any_number(symbol)
            if extra:
                filters[material] = filters.get(material, 0.0) + extra
        return filters

    def beam(self) -> Beam:
        """Return the beam at the measuring point, with what is in it."""
        return Beam(self.true_kv, self.filters_mm())

    def kerma_ugy(self) -> float:
        """Return the incident air kerma of the exposure at the measuring point."""
        per_mas = self.beam().kerma_ugy_per_mas(self.distance_mm)
        return per_mas * self.state["output_scale"] * self.mas
