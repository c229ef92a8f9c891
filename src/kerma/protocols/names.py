"""What a formula of a test may refer to, and what each name is measured in."""

from __future__ import annotations

from collections.abc import Iterator

from kerma.core import Quantity
from kerma.protocols.formula import Shape
from kerma.protocols.model import Protocol, TestSpec


def shapes(protocol: Protocol, test: TestSpec) -> dict[str, Shape]:
    """Return the shape of every name a test's formulas may use.

    A reading with one repeat is one value, with more a series. ``setup.x`` is the test's own setup,
    or the one setup all its readings share; ``<setup id>.x`` is always there.
    """
    found: dict[str, Shape] = {}
    for reading in protocol.readings:
        found[reading.id] = Shape.of(reading.unit, reading.repeats if reading.repeats > 1 else None)
        for name, values in reading.points.items():
            if values:
                found[f"{reading.id}.{name}"] = Shape.of(values[0].unit, len(values))
    for setup in protocol.setups.values():
        for name, value in setup.values.items():
            if isinstance(value, Quantity):
                found[f"{setup.id}.{name}"] = Shape.of(value.unit)
    for name, value in own_setup(protocol, test).items():
        found[f"setup.{name}"] = Shape.of(value.unit)
    for analysis in protocol.analyses:
        for name, unit in analysis.values.items():
            found[f"{analysis.id}.{name}"] = Shape.of(unit)
        for name in _undeclared(test, analysis.id):
            # Only the measurement knows the unit of a value nobody declared.
            found.setdefault(name, Shape(None))
    return found


def _undeclared(test: TestSpec, analysis: str) -> Iterator[str]:
    for formula in test.formulas:
        yield from (n for n in formula.names if n.startswith(f"{analysis}."))


def setups_of(protocol: Protocol, test: TestSpec) -> tuple[str, ...]:
    """Return the setups a test's own readings are made under, in order."""
    if test.setup:
        return (test.setup,)
    used = {n.partition(".")[0] for f in test.formulas for n in f.names}
    return tuple(
        dict.fromkeys(r.setup for r in protocol.readings if r.id in used and r.setup is not None)
    )


def own_setup(protocol: Protocol, test: TestSpec) -> dict[str, Quantity]:
    """Return the numbers of the test's setup: those on which all its setups agree."""
    of = [protocol.setups[name].values for name in setups_of(protocol, test)]
    if not of:
        return {}
    return {
        name: value
        for name, value in of[0].items()
        if isinstance(value, Quantity) and all(other.get(name) == value for other in of[1:])
    }
