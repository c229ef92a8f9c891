"""A measured value with its unit and its uncertainty."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from kerma.core.errors import InputError
from kerma.core.units import Unit, unit


@dataclass(frozen=True, slots=True)
class Quantity:
    """A value, its unit, its standard uncertainty and the coverage factor it is shown with.

    Attributes
    ----------
    value
        The number, in `unit`. Always finite: a missing value is ``None`` in place of the
        quantity, never NaN or zero.
    unit
        From the closed table of `kerma.core.units`.
    u
        Standard uncertainty (JCGM 100:2008, k = 1) in the same unit; ``None`` when not evaluated.
    k
        Coverage factor used for display; ``U = k u``.
    """

    value: float
    unit: Unit
    u: float | None = None
    k: float = 2.0

    def __post_init__(self) -> None:
        if not math.isfinite(self.value):
            raise InputError(
                f"{self.value} is not a usable number. Leave a value out rather than enter it so.",
                code="not-finite",
            )
        if self.u is not None and not (math.isfinite(self.u) and self.u >= 0):
            raise InputError(
                f"An uncertainty of {self.u} is not possible; it must be zero or more.",
                code="bad-uncertainty",
            )

    def to(self, symbol: str | Unit) -> Quantity:
        """Return the same quantity in another unit of the same kind.

        Raises
        ------
        InputError
            Code ``wrong-unit``: the units measure different things.
        """
        target = unit(symbol) if isinstance(symbol, str) else symbol
        if not self.unit.same_kind(target):
            raise InputError(
                f"{self} cannot be given in {target}: the two units measure different things.",
                code="wrong-unit",
                detail={"from": str(self.unit), "to": str(target)},
            )
        if target.factor == self.unit.factor:
            return Quantity(self.value, target, self.u, self.k)
        scale = self.unit.factor / target.factor
        return Quantity(
            self.value * scale, target, None if self.u is None else self.u * scale, self.k
        )

    @property
    def expanded(self) -> float | None:
        """Expanded uncertainty U = k u, in the quantity's unit."""
        return None if self.u is None else self.k * self.u

    def text(self, digits: int | None = None) -> str:
        """Return the value in words, no finer than its uncertainty allows."""
        return f"{self.number(digits)} {self.unit}".removesuffix(" 1")

    def number(self, digits: int | None = None) -> str:
        """Return the number alone, rounded to `digits` decimals or to what U supports."""
        return format_number(self.value, self.expanded, digits)

    def as_dict(self) -> dict[str, Any]:
        """Return plain data; `from_dict` gives the quantity back unchanged."""
        return {"value": self.value, "unit": str(self.unit), "u": self.u, "k": self.k}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Quantity:
        """Rebuild a quantity from `as_dict`."""
        return cls(float(data["value"]), unit(data["unit"]), data.get("u"), data.get("k", 2.0))

    def __str__(self) -> str:
        return self.text()


def quantity(value: float, symbol: str, u: float | None = None, k: float = 2.0) -> Quantity:
    """Return a `Quantity`; the short way to write one."""
    return Quantity(float(value), unit(symbol), u, k)


def parse_quantity(text: str) -> Quantity:
    """Read a number and a unit as written in a protocol: ``"60 kV"``, ``"5 %"``, ``"1000 mm"``.

    Raises
    ------
    InputError
        Code ``not-a-quantity`` or ``unknown-unit``.
    """
    head, _, tail = str(text).strip().partition(" ")
    if head.endswith("%") and not tail:
        head, tail = head[:-1], "%"
    try:
        # Python reads 6_0 as 60; nobody else does.
        value = float(head.replace("_", "?"))
    except ValueError:
        raise InputError(
            f"“{text}” is not a number with a unit. Write it like “60 kV”.", code="not-a-quantity"
        ) from None
    return Quantity(value, unit(tail))


# Four figures of 1 nGy.m2 (10 mGy.cm2, a dental image); what is beyond is noise of conversions.
_MOST_DECIMALS = 12


def format_number(value: float, u: float | None = None, digits: int | None = None) -> str:
    """Round for display only (comparisons use the unrounded value).

    With an (expanded) uncertainty the last digit shown is its second significant digit; without
    one, four significant digits.
    """
    if digits is None:
        scale = u if u else abs(value)
        if not scale or not math.isfinite(scale):
            digits = 0
        else:
            digits = max(0, (1 if u else 3) - math.floor(math.log10(scale)))
        digits = min(digits, _MOST_DECIMALS)
    shown = f"{value:.{digits}f}"
    if u is None and "." in shown:
        shown = shown.rstrip("0").rstrip(".")
    if float(shown) == 0:
        shown = shown.replace("-", "")
    return shown.replace("-", "\N{MINUS SIGN}")
