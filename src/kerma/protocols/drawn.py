"""What a test draws on: its readings, setup values and measurements, as quantities and numbers."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import uncertainties

from kerma.core import Quantity, Unit
from kerma.core.units import Dimensions
from kerma.protocols.formula import Formula, NotEnoughError, run
from kerma.protocols.formula.statistics import nominal
from kerma.protocols.model import Protocol, ReadingSpec, TestSpec
from kerma.protocols.names import own_setup
from kerma.protocols.outcome import Inputs, InputUsed

_uncertain: Callable[[float, float], Any] = uncertainties.ufloat


@dataclass(slots=True)
class Shared:
    """One variable per instrument and kind of quantity, and one per measured image value.

    Readings of one meter share its calibration error: it does not shrink with repeats, and it
    cancels in a ratio. Different quantities of one meter (kV and air kerma) have calibrations of
    their own.
    """

    variables: dict[tuple[str, object], Any] = field(default_factory=dict)

    def number(self, quantity: Quantity, key: tuple[str, Dimensions | str]) -> Any:
        """Return the quantity in coherent units, with its uncertainty tied to `key`."""
        factor = quantity.unit.factor
        if not quantity.u:
            return quantity.value * factor
        variable = self.variables.setdefault(key, _uncertain(0.0, 1.0))
        return quantity.value * factor + quantity.u * factor * variable


@dataclass(slots=True)
class Drawn:
    """The inputs of one test.

    `numbers` are for formulas; `used` for people; `lacks` says what is missing (with the reading
    or analysis it is about); `unsure` names inputs that came without an uncertainty.
    """

    numbers: dict[str, Any] = field(default_factory=dict)
    used: list[InputUsed] = field(default_factory=list)
    lacks: list[tuple[str, str]] = field(default_factory=list)
    absent: list[tuple[str, str]] = field(default_factory=list)
    unmeasurable: str = ""
    unsure: set[str] = field(default_factory=set)

    @property
    def nothing(self) -> bool:
        """Whether nothing at all has been measured for this test."""
        return bool(self.lacks or self.absent) and not any(
            v is not None for i in self.used for v in i.values if not i.name.count("setup.")
        )


def draw(protocol: Protocol, test: TestSpec, inputs: Inputs, shared: Shared) -> Drawn:
    """Collect what a test's formulas refer to.

    Raises
    ------
    InputError
        Code ``wrong-unit``: a reading or measured value is not in a unit of the declared kind.

    """
    drawn = Drawn()
    setups = own_setup(protocol, test)
    names = dict.fromkeys(n for f in test.formulas for n in sorted(f.names))
    readings = {r.id: r for r in protocol.readings}
    analyses = {a.id: a for a in protocol.analyses}
    for name in names:
        head, _, tail = name.partition(".")
        if head in readings and not tail:
            _reading(drawn, readings[head], inputs, shared)
        elif head in readings:
            points = readings[head].points[tail]
            drawn.numbers[name] = [q.value * q.unit.factor for q in points]
            drawn.used.append(InputUsed(f"setup.{name}", tail, points))
        elif head in analyses:
            _measured(drawn, _Wanted(protocol, test, name), inputs, shared)
        else:
            value = setups[tail] if head == "setup" else protocol.setups[head].values[tail]
            assert isinstance(value, Quantity)
            drawn.numbers[name] = value.value * value.unit.factor
            drawn.used.append(InputUsed(f"setup.{name}", f"set {tail}", (value,)))
    return drawn


def _reading(drawn: Drawn, spec: ReadingSpec, inputs: Inputs, shared: Shared) -> None:
    given = [None if q is None else q.to(spec.unit) for q in inputs.readings.get(spec.id, ())]
    values = (given + [None] * spec.repeats)[: max(spec.repeats, len(given))]
    there = [v for v in values if v is not None]
    drawn.used.append(InputUsed(spec.id, spec.title, tuple(values)))
    if any(v.u is None for v in there):
        drawn.unsure.add(spec.id)
    key = (spec.instrument or spec.id, spec.unit.dimensions)
    numbers = [None if v is None else shared.number(v, key) for v in values]
    drawn.numbers[spec.id] = numbers if spec.repeats > 1 else numbers[0]
    if len(there) < spec.minimum:
        drawn.lacks.append((spec.id, _short_of(spec, len(there))))


def _short_of(spec: ReadingSpec, there: int) -> str:
    if spec.functional:
        return f"“{spec.title}” is not answered"
    if spec.repeats == 1 or there == 0:
        return f"“{spec.title}” is not entered"
    return f"“{spec.title}” has {there} of {spec.minimum} readings"


@dataclass(frozen=True, slots=True)
class _Wanted:
    """One value of one image measurement, as a formula names it."""

    protocol: Protocol
    test: TestSpec
    name: str


def _measured(drawn: Drawn, wanted: _Wanted, inputs: Inputs, shared: Shared) -> None:
    name = wanted.name
    head, _, tail = name.partition(".")
    if head in inputs.refused:
        drawn.unmeasurable = inputs.refused[head]
        return
    analysis = inputs.analyses.get(head)
    if analysis is None:
        image = next(i for i in wanted.protocol.images if any(a.id == head for a in i.analyses))
        drawn.absent.append((head, f"“{image.title}” has not been analysed"))
        return
    if analysis.status != "measured":
        drawn.unmeasurable = analysis.reason or "The image gave no value."
        return
    value = analysis.values.get(tail)
    if value is None:
        drawn.unmeasurable = f"The analysis {analysis.name} gave no value “{tail}”."
        return
    declared = wanted.protocol.analysis(head).values.get(tail, wanted.test.unit)
    value = value.to(declared)
    drawn.numbers[name] = shared.number(value, ("analysis", name))
    drawn.used.append(InputUsed(name, f"{analysis.name}: {tail}", (value,)))
    if value.u is None:
        drawn.unsure.add(head)


# Below this share of the value an uncertainty is rounding noise: the calibrations have cancelled.
_CANCELLED = 1e-7


def worked_out(formula: Formula, drawn: Drawn, target: Unit) -> Quantity:
    """Return a formula's value in a unit.

    The uncertainty is stated when every reading the formula draws on brought one. Where it cancels
    altogether (the spread of readings of one meter) nothing is stated, rather than zero: what
    remains, such as resolution and noise, was not evaluated.

    Raises
    ------
    NotEnoughError
        A value is missing or the formula cannot be worked out with those there are.

    """
    try:
        number = run(formula, drawn.numbers)
    except OverflowError:
        raise NotEnoughError("The numbers are too large to work with.") from None
    value = nominal(number) / target.factor
    u = float(getattr(number, "std_dev", 0.0)) / target.factor
    sure = not {n.partition(".")[0] for n in formula.names} & drawn.unsure
    stated = sure and math.isfinite(u) and u > _CANCELLED * abs(value) and u > 1e-300
    return Quantity(value, target, u if stated else None)
