"""One kind of radiation a source gives out, and reading what its use was given."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kerma.core import InputError
from kerma.physics.calculation import Calculation
from kerma.physics.shielding.angular import scatter_factor
from kerma.physics.shielding.archer import Beam
from kerma.physics.shielding.ncrp import distributions
from kerma.physics.shielding.plan.uses import USES, Use

Array = NDArray[np.float64]
Vector = tuple[float, float, float]
LEAKAGE = "leakage"
# Angle the kerma at 1 m of scatter by KAP is stated for; every point has its own.
SIDEWAYS_DEG = 90.0


@dataclass(frozen=True, slots=True)
class Shadow:
    """The shadow of a CT gantry.

    Attributes
    ----------
    couch
        Direction of the couch.
    half_angle_deg
        Of the shadow, either side of the plane the gantry stands in.
    transmission
        What of the scatter it lets through.
    """

    couch: Vector
    half_angle_deg: float
    transmission: float


@dataclass(frozen=True, slots=True)
class Emission:
    """One kind of radiation a source gives out.

    Attributes
    ----------
    source, name
        Key and name of the source.
    title
        Of the use, and of its part.
    radiation
        ``primary``, ``scatter``, ``leakage`` or ``secondary`` (both).
    kerma_1m
        At 1 m, in the method's period; for scatter with an angle, at `SIDEWAYS_DEG`.
    beam
        Quality its transmission is taken for; ``None``: none is held, no barrier is credited.
    angular
        Axis of the beam and tube voltage (kV) of a scatter polynomial.
    cone
        Axis and half angle (degrees) outside which there is nothing.
    shadow
        Of a gantry.
    preshielding
        Case of ``ncrp147/preshielding`` standing in the beam; or empty.
    field
        Kerma by displacement (n, 3) in m where it does not follow 1/d², relative to the kerma
        at 1 m; not a number where nothing is known.
    rests_on
        Rows used beside those of the kerma.
    kv
        Tube voltage it was given for, kV; ``None`` for a distribution.
    """

    source: str
    name: str
    title: str
    radiation: str
    kerma_1m: Calculation
    beam: Beam | None
    angular: tuple[Vector, float] | None = None
    cone: tuple[Vector, float] | None = None
    shadow: Shadow | None = None
    preshielding: str = ""
    field: Callable[[Array], Array] | None = None
    rests_on: tuple[str, ...] = ()
    kv: float | None = None

    @property
    def mgy_1m(self) -> float:
        """The kerma at 1 m, mGy in the period."""
        return self.kerma_1m.value.to("mGy").value

    def spread(self, away: Array) -> Array:
        """Return kerma over the kerma at 1 m, of points (n, 3) in m from the source, unshielded."""
        if self.field is not None:
            return self.field(away)
        squared = np.einsum("ij,ij->i", away, away)
        with np.errstate(divide="ignore", invalid="ignore"):
            found: Array = 1.0 / squared
        if self.angular is not None:
            axis, kv = self.angular
            found *= scatter_factor(angles(axis, away), kv) / _sideways(kv)
        if self.cone is not None:
            # A point on the rim is in the beam, whatever the last digit of its angle.
            found[angles(self.cone[0], away) > self.cone[1] + 1e-9] = 0.0
        if self.shadow is not None:
            from_plane = np.abs(angles(self.shadow.couch, away) - 90.0)
            found[from_plane <= self.shadow.half_angle_deg] *= self.shadow.transmission
        return found


@cache
def _sideways(kv: float) -> float:
    return float(scatter_factor(SIDEWAYS_DEG, kv))


def angles(axis: Vector, away: Array) -> Array:
    """Return the angles in degrees between an axis and displacements (n, 3)."""
    unit = np.asarray(axis, float) / math.sqrt(math.fsum(v * v for v in axis))
    along = away @ unit
    across = np.sqrt(np.maximum(np.einsum("ij,ij->i", away, away) - along**2, 0.0))
    found: Array = np.degrees(np.arctan2(across, along))
    return found


def direction(use: Use, key: str) -> Vector:
    """Return a direction a use was given.

    Raises
    ------
    InputError
        ``use-incomplete``: there are not three numbers, or they have no length.
    """
    given: Any = use.given.get(key)
    try:
        x, y, z = (float(v) for v in given)
    except (TypeError, ValueError):
        x = y = z = 0.0
    length = math.sqrt(x * x + y * y + z * z)
    if not (math.isfinite(length) and length > 0.0):
        raise InputError(
            f"{use.said}: the direction of the beam is missing. Give x, y and z, not all zero.",
            code="use-incomplete",
        )
    return (x / length, y / length, z / length)


def bins(use: Use, key: str = "bins") -> dict[float, float]:
    """Return a histogram by tube voltage, kV, its empty bins left out.

    Raises
    ------
    InputError
        ``use-incomplete``, ``outside-domain``, ``two-bins``.
    """
    given: Any = use.given.get(key)
    items = given.items() if isinstance(given, Mapping) else given
    try:
        pairs = [(float(kv), float(value)) for kv, value in items]
    except (TypeError, ValueError):
        pairs = []
    held = dict(pairs)
    if len(held) < len(pairs):
        raise InputError(
            f"{use.said}: two bins of the histogram have one tube voltage. Add them.",
            code="two-bins",
        )
    if not held:
        raise InputError(f"{use.said}: the histogram of tube voltage is missing.",
                         code="use-incomplete")  # fmt: skip
    if not all(math.isfinite(v) and v >= 0.0 and kv > 0.0 for kv, v in held.items()):
        raise InputError(
            f"{use.said}: every bin of the histogram has a tube voltage above zero and a value of "
            "zero or more.",
            code="outside-domain",
        )
    found = {kv: v for kv, v in sorted(held.items()) if v > 0.0}
    if not found:
        raise InputError(f"{use.said}: every bin of the histogram is empty.", code="not-above-zero")
    return found


def chosen(use: Use, key: str) -> str:
    """Return a choice that must have been made.

    Raises
    ------
    InputError
        ``use-incomplete``: there is none, or it is none of the options.
    """
    asked = next(p for p in USES[use.kind].parameters if p.key == key)
    value = use.text(key)
    options = [option for option, _ in asked.options] or list(distributions())
    if value not in options:
        known = ", ".join(shown for _, shown in asked.options) or ", ".join(options)
        raise InputError(
            f"{use.said}: {asked.title.lower()} is missing. There are: {known}.",
            code="use-incomplete",
        )
    return value


def half_angle(use: Use, key: str = "half_angle_deg") -> float:
    """Return the half angle of a cone, degrees.

    Raises
    ------
    InputError
        ``use-incomplete``, ``outside-domain``.
    """
    value = use.number(key)
    if not 0.0 < value <= 90.0:
        raise InputError(
            f"{use.said}: a half angle is above 0° and at most 90°, not {value:g}°.",
            code="outside-domain",
        )
    return value


def raised_kv(use: Use, by_kv: float) -> Use | None:
    """Return a use with its tube voltages raised; ``None`` when it states none."""
    given = dict(use.given)
    if isinstance(given.get("kv"), int | float):
        return replace(use, given={**given, "kv": float(given["kv"]) + by_kv})
    if "bins" in given:
        return replace(use, given={**given, "bins": {kv + by_kv: v for kv, v in bins(use).items()}})
    return None
