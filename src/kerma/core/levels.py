"""Levels: limits with a kind, a class and a source.

A level is data with a birth certificate. It is copied whole into every result it judged, so that
an old verdict can be explained after the limit has changed.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from kerma.core.errors import InputError
from kerma.core.quantity import Quantity, format_number

Kind = Literal[
    "max",
    "min",
    "range",
    "deviation",  # from nominal or baseline, in the quantity's own unit
    "percent",  # of nominal or of baseline
    "larger-of",  # the most generous of several deviations
    "sum-of",  # several deviations added, such as 10 % + 1 ms
    "lookup",  # a bound that depends on another quantity, such as HVL on kV
    "functional",  # yes / no: the check was satisfied
]
Basis = Literal["nominal", "baseline"]

# Floating-point noise must not turn a value exactly on its limit into a breach.
_BOUNDARY = 1e-9


@dataclass(frozen=True, slots=True)
class Criterion:
    """One bound. A value on the bound satisfies it; the comparison precedes any rounding.

    Attributes
    ----------
    kind
        See `Kind`.
    low, high
        Bounds for ``max``, ``min``, ``range``, or signed allowances (low ≤ 0 ≤ high) for
        ``deviation`` (own unit) and ``percent`` (unit %).
    basis
        What a deviation is taken from.
    parts
        The alternatives of ``larger-of``; the terms of ``sum-of`` (all from the same basis).
    by, points, side, steps
        For ``lookup``: the name of the other quantity, the table as (x, bound) pairs, whether the
        bound is a ``min`` or a ``max``, and whether the table is a staircase (the entry at or
        above x applies) instead of being interpolated linearly.
    strict
        True when a value on the bound already breaches it (a source that says “≥ limit fails”).
    """

    kind: Kind
    low: Quantity | None = None
    high: Quantity | None = None
    basis: Basis | None = None
    parts: tuple[Criterion, ...] = ()
    by: str | None = None
    points: tuple[tuple[Quantity, Quantity], ...] = ()
    side: Literal["min", "max"] | None = None
    steps: bool = False
    strict: bool = False

    def needs(self) -> frozenset[str]:
        """Name what must be known beside the value: ``nominal``, ``baseline`` or a lookup key."""
        names: set[str] = {self.basis} if self.basis else set()
        if self.by:
            names.add(self.by)
        return frozenset(n for n in names if n).union(*(p.needs() for p in self.parts))

    def bounds(
        self, *, unit_of: Quantity, context: Mapping[str, Quantity | None]
    ) -> tuple[Quantity | None, Quantity | None]:
        """Return the low and high bound in the unit of `unit_of`.

        Raises
        ------
        InputError
            Code ``missing-context`` when nominal, baseline or the lookup quantity is absent;
            ``zero-reference`` when a percentage is taken of zero; ``outside-table`` when a lookup
            is asked beyond its table; ``wrong-unit``.
        """
        if self.kind == "functional":
            return None, None
        if self.kind == "larger-of":
            pairs = [p.bounds(unit_of=unit_of, context=context) for p in self.parts]
            lows = [lo for lo, _ in pairs if lo is not None]
            highs = [hi for _, hi in pairs if hi is not None]
            return (
                min(lows, key=lambda q: q.value) if len(lows) == len(pairs) else None,
                max(highs, key=lambda q: q.value) if len(highs) == len(pairs) else None,
            )
        if self.kind == "sum-of":
            reference = _required(context, self.parts[0].basis or "nominal").to(unit_of.unit)
            terms = [p.bounds(unit_of=unit_of, context=context) for p in self.parts]
            return (
                _summed(reference, [low for low, _ in terms]),
                _summed(reference, [high for _, high in terms]),
            )
        if self.kind == "lookup":
            bound = self._looked_up(context).to(unit_of.unit)
            return (bound, None) if self.side == "min" else (None, bound)
        if self.kind in ("deviation", "percent"):
            reference = _required(context, self.basis or "nominal").to(unit_of.unit)
            return (
                self._allowed(reference, self.low),
                self._allowed(reference, self.high),
            )
        return (
            self.low.to(unit_of.unit) if self.low else None,
            self.high.to(unit_of.unit) if self.high else None,
        )

    def _allowed(self, reference: Quantity, allowance: Quantity | None) -> Quantity | None:
        if allowance is None:
            return None
        if self.kind == "percent":
            if reference.value == 0:
                raise InputError(
                    f"A percentage of {reference} has no meaning: give this test a level in its "
                    "own unit.",
                    code="zero-reference",
                )
            shift = abs(reference.value) * allowance.to("1").value
        else:
            shift = allowance.to(reference.unit).value
        return Quantity(reference.value + shift, reference.unit)

    def _looked_up(self, context: Mapping[str, Quantity | None]) -> Quantity:
        x = _required(context, self.by or "")
        table = sorted(((p.to(x.unit).value, b) for p, b in self.points), key=lambda t: t[0])
        slack = _BOUNDARY * abs(x.value)
        if not table or x.value < table[0][0] - slack or x.value > table[-1][0] + slack:
            raise InputError(
                f"The level's table does not reach {self.by} = {x}.", code="outside-table"
            )
        at = min(max(x.value, table[0][0]), table[-1][0])
        if self.steps:
            return next(b for edge, b in table if at <= edge + slack)
        for (x0, b0), (x1, b1) in itertools.pairwise(table):
            if x0 <= at <= x1:
                share = (at - x0) / (x1 - x0)
                return Quantity(b0.value + share * (b1.to(b0.unit).value - b0.value), b0.unit)
        return table[0][1]

    def exceeded(self, value: Quantity, context: Mapping[str, Quantity | None]) -> bool:
        """Return whether `value` breaches this criterion."""
        if self.kind == "functional":
            return value.value == 0
        low, high = self.bounds(unit_of=value, context=context)
        # A bound may be a small difference of large numbers, whose noise is that of the reference.
        taken_from = (context.get(name) for name in self.needs() & {"nominal", "baseline"})
        scale = max((abs(q.to(value.unit).value) for q in taken_from if q), default=0.0)
        return bool(
            (low is not None and self._below(value.value, low.value, scale))
            or (high is not None and self._below(high.value, value.value, scale))
        )

    def _below(self, a: float, b: float, scale: float) -> bool:
        slack = _BOUNDARY * max(abs(a), abs(b), scale, 1e-300)
        return a <= b + slack if self.strict else a < b - slack

    def text(self) -> str:
        """Say the criterion in a few words: ``≤ 5 HU``, ``±5 % of nominal``."""
        if self.kind == "functional":
            return "satisfactory"
        if self.kind == "larger-of":
            return " or ".join(p.text() for p in self.parts) + ", the larger"
        if self.kind == "sum-of":
            return " plus ".join(p.text() for p in self.parts)
        if self.kind == "lookup":
            sign = "≥" if self.side == "min" else "≤"
            return f"{sign} table by {self.by}"
        if self.kind in ("deviation", "percent"):
            return f"{_spread(self.low, self.high)} of {self.basis}".replace(
                " of ", " of " if self.kind == "percent" else " from "
            )
        if self.kind == "range":
            return f"{self.low} to {self.high}"
        bound = self.high if self.kind == "max" else self.low
        less, more = ("<", ">") if self.strict else ("≤", "≥")
        return f"{less if self.kind == 'max' else more} {bound}"

    def as_dict(self) -> dict[str, Any]:
        """Return plain data, without the fields that do not apply."""
        data: dict[str, Any] = {"kind": self.kind}
        for name in ("low", "high"):
            bound = getattr(self, name)
            if bound is not None:
                data[name] = bound.as_dict()
        for name in ("basis", "by", "side"):
            if getattr(self, name):
                data[name] = getattr(self, name)
        for name in ("steps", "strict"):
            if getattr(self, name):
                data[name] = True
        if self.parts:
            data["parts"] = [p.as_dict() for p in self.parts]
        if self.points:
            data["points"] = [[x.as_dict(), b.as_dict()] for x, b in self.points]
        return data

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Criterion:
        """Rebuild a criterion from `as_dict`."""
        return cls(
            kind=data["kind"],
            low=Quantity.from_dict(data["low"]) if "low" in data else None,
            high=Quantity.from_dict(data["high"]) if "high" in data else None,
            basis=data.get("basis"),
            parts=tuple(cls.from_dict(p) for p in data.get("parts", ())),
            by=data.get("by"),
            points=tuple(
                (Quantity.from_dict(x), Quantity.from_dict(b)) for x, b in data.get("points", ())
            ),
            side=data.get("side"),
            steps=data.get("steps", False),
            strict=data.get("strict", False),
        )


def _summed(reference: Quantity, bounds: list[Quantity | None]) -> Quantity | None:
    shifts = [b.value - reference.value for b in bounds if b is not None]
    if len(shifts) < len(bounds):
        return None
    return Quantity(reference.value + sum(shifts), reference.unit)


def _required(context: Mapping[str, Quantity | None], name: str) -> Quantity:
    found = context.get(name)
    if found is None:
        raise InputError(
            f"This level needs the {name} and there is none.",
            code="missing-context",
            detail={"needs": name},
        )
    return found


def _spread(low: Quantity | None, high: Quantity | None) -> str:
    if low is None:
        return f"≤ {_signed(high)}"
    if high is None:
        return f"≥ {_signed(low)}"
    if abs(low.value) == abs(high.value):
        return f"±{high}"
    return f"{format_number(low.value)} to +{high}"


def _signed(allowance: Quantity | None) -> str:
    return f"{'+' if allowance and allowance.value > 0 else ''}{allowance}"


@dataclass(frozen=True, slots=True)
class Source:
    """Where a figure comes from and how far it has been checked.

    Attributes
    ----------
    row
        ``dataset/row-id`` in Kerma's reference data, or ``local/...`` for a service's own level.
    document
        The named document, with edition and clause where known.
    confidence
        ``seen``, ``recalled`` or ``computed``, as compiled.
    sha256
        Hash of the row; verification belongs to this content and lapses when it changes.
    """

    row: str
    document: str
    confidence: str
    sha256: str = ""
    edition: str = ""
    note: str = ""

    def as_dict(self) -> dict[str, str]:
        """Return plain data."""
        return {name: getattr(self, name) for name in self.__slots__}


@dataclass(frozen=True, slots=True)
class Level:
    """A criterion, how serious its breach is, and where it comes from."""

    test_id: str
    level_class: str  # remedial, suspension, investigation, DRL, legal limit
    criterion: Criterion
    source: Source
    phases: tuple[str, ...] = field(default=())

    def text(self) -> str:
        """Say the level in a few words."""
        return self.criterion.text()

    def as_dict(self) -> dict[str, Any]:
        """Return the frozen copy that is stored with a result."""
        return {
            "test_id": self.test_id,
            "class": self.level_class,
            "criterion": self.criterion.as_dict(),
            "text": self.text(),
            "source": self.source.as_dict(),
            "phases": list(self.phases),
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Level:
        """Rebuild a level from its frozen copy."""
        return cls(
            data["test_id"],
            data["class"],
            Criterion.from_dict(data["criterion"]),
            Source(**data["source"]),
            tuple(data.get("phases", ())),
        )
