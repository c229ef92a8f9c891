"""The document of a drawing: the plan, what lies under it, and what it would be built of.

The plan itself is the library's (`kerma.physics.shielding.plan`). Around it a drawing keeps what
the library does not need: where pictures lie under a storey, prices, and which material is added
to which barrier.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from kerma.core import InputError, shape
from kerma.core.codec import decode, encode
from kerma.physics.shielding import materials
from kerma.physics.shielding.plan.document import SCHEMA, Plan
from kerma.physics.shielding.plan.document import read as read_plan
from kerma.physics.shielding.plan.products import products

# Design choices: a drawing of a hospital fits in this many times over.
MOST_BYTES = 2_000_000
_MOST_UNDERLAYS = 20


@dataclass(frozen=True, slots=True)
class Laid:
    """A picture laid under a storey: where its upper left corner is, in m, and its scale."""

    underlay: int
    storey: str
    metres_per_pixel: float | None = None
    x: float = 0.0
    y: float = 0.0
    turn_deg: float = 0.0
    shown: bool = True


@dataclass(frozen=True, slots=True)
class Sheet:
    """A whole drawing.

    Attributes
    ----------
    add
        Material that would be added, by key of the barrier or slab.
    products
        Keys of the products it may be built of; none is any.
    prices
        Price of a square metre, by key of the product; given by the user, never assumed.
    slab_m2
        Area of a floor, by its key: the drawing does not say it.
    """

    plan: Plan
    underlays: tuple[Laid, ...] = ()
    add: Mapping[str, str] = field(default_factory=dict)
    products: tuple[str, ...] = ()
    prices: Mapping[str, float] = field(default_factory=dict)
    slab_m2: Mapping[str, float] = field(default_factory=dict)

    def as_dict(self) -> dict[str, Any]:
        """Return plain data; `read` gives it back."""
        data: dict[str, Any] = encode(self)
        return data


def read(data: Mapping[str, Any]) -> Sheet:
    """Read a drawing; one that is not finished is a drawing too.

    Raises
    ------
    InputError
        ``bad-plan``: it cannot be understood, or is larger than any department.
    """
    shape.require(Sheet, data, code="bad-plan")
    plan = read_plan(data["plan"])
    sheet = decode(Sheet, data)
    size = len(json.dumps(data, allow_nan=False))
    _require(size <= MOST_BYTES, "The drawing is too large to be kept.")
    _require(len(sheet.underlays) <= _MOST_UNDERLAYS, f"At most {_MOST_UNDERLAYS} pictures.")
    storeys = {s.key for s in plan.storeys}
    for laid in sheet.underlays:
        fine = laid.metres_per_pixel is None or 0.0 < laid.metres_per_pixel < 10.0
        _require(fine, "The scale of a picture is above 0 and below 10 m per pixel.")
        _require(laid.storey in storeys, "A picture lies under a storey that is not there.")
    known = materials()
    for material in sheet.add.values():
        _require(material in known, f"There are no coefficients for “{material}”.")
    stock = products()
    for key in (*sheet.products, *sheet.prices):
        _require(key in stock, f"There is no product “{key}”.")
    for numbers, word in ((sheet.prices, "price of"), (sheet.slab_m2, "area of")):
        for key, value in numbers.items():
            _require(value >= 0.0, f"The {word} {key} is no number of zero or more.")
    return sheet


def begun(method: str, height_m: float) -> Sheet:
    """Return an empty drawing of one storey, so high from its floor to the slab above.

    Raises
    ------
    InputError
        ``bad-plan``: no such method.
    """
    storey = {"key": "s1", "name": "Ground floor", "floor_m": 0.0, "height_m": height_m}
    return read({"plan": {"method": method, "storeys": [storey], "schema": SCHEMA}})


def _require(condition: bool, message: str) -> None:
    if not condition:
        raise InputError(message, code="bad-plan")
