"""Units and lengths of the values in a formula, without their numbers."""

from __future__ import annotations

from dataclasses import dataclass

from kerma.core import InputError, Unit
from kerma.core.units import Dimensions

# The unit each dimension is spoken of in, for messages only.
_SPOKEN = {
    "length": "m", "time": "s", "mass": "kg", "current": "A", "voltage": "V", "energy": "eV",
    "kerma": "Gy", "dose-equivalent": "Sv", "ct-number": "HU", "pixel-value": "PV",
    "aluminium": "m Al", "copper": "m Cu", "lead": "m Pb", "gold": "m Au", "illuminance": "lx",
    "luminous-intensity": "cd", "force": "N", "pressure": "Pa", "temperature": "degC",
    "angle": "deg", "pixel": "pixel",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Shape:
    """What a value is measured in, and how many there are (``None``: one, not a series).

    `dimensions` is ``None`` for a value whose unit only the measurement itself knows.
    """

    dimensions: Dimensions | None
    length: int | None = None

    @classmethod
    def of(cls, unit: Unit, length: int | None = None) -> Shape:
        """Return the shape of values in a unit."""
        return cls(unit.dimensions, length)

    def __str__(self) -> str:
        if self.dimensions is None:
            return "an undeclared unit"
        over = [_factor(name, n) for name, n in self.dimensions if n > 0]
        under = [_factor(name, -n) for name, n in self.dimensions if n < 0]
        text = ".".join(over) or "1"
        return text + "".join(f"/{u}" for u in under) if over or under else "plain numbers"


def _factor(name: str, n: float) -> str:
    symbol = _SPOKEN.get(name, name)
    return symbol if n == 1 else f"{symbol}{n:g}"


DIMENSIONLESS = Shape(())


def known(shape: Shape) -> Dimensions:
    """Return the dimensions, or refuse a value whose unit was never declared."""
    if shape.dimensions is None:
        raise InputError(
            "The unit of an analysis value used inside a formula has to be declared under "
            "“values” of the analysis.",
            code="formula-unit",
        )
    return shape.dimensions


def common_length(a: Shape, b: Shape) -> int | None:
    """Return the length of a sum or product of two values; series must be equally long."""
    if a.length is not None and b.length is not None and a.length != b.length:
        raise InputError(
            f"A series of {a.length} values cannot be taken with a series of {b.length}.",
            code="formula-length",
        )
    return a.length if a.length is not None else b.length


def product(a: Shape, b: Shape, sign: int = 1) -> Shape:
    """Return the shape of a × b, or of a / b with sign −1."""
    dims = dict(known(a))
    for name, n in known(b):
        dims[name] = dims.get(name, 0) + sign * n
    kept = tuple(sorted((name, n) for name, n in dims.items() if n))
    return Shape(kept, common_length(a, b))


def quotient(a: Shape, b: Shape) -> Shape:
    """Return the shape of a / b."""
    return product(a, b, -1)


def power(base: Shape, exponent: float) -> Shape:
    """Return the shape of a power; units must come out whole."""
    raised = [(name, n * exponent) for name, n in known(base)]
    if any(n != int(n) for _, n in raised):
        raise InputError(f"{base} to the power {exponent:g} is not a unit.", code="formula-unit")
    return Shape(tuple((name, int(n)) for name, n in raised if n), base.length)
