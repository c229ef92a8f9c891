"""Fields several calculators share."""

from __future__ import annotations

from collections.abc import Callable

from kerma.physics.calculation import Calculation
from kerma.reference import rows
from kerma.service.protection.calculators.fields import Choice, Number, Option, fixed

DLP_UNITS = ("mGy.cm", "Gy.cm")
KAP_UNITS = ("Gy.cm2", "cGy.cm2", "mGy.cm2", "uGy.m2", "mGy.m2", "Gy.m2")
KERMA_UNITS = ("mGy", "uGy", "Gy")
LENGTH_UNITS = ("cm", "mm", "m")
ROOM_UNITS = ("m", "cm", "mm")

# The words for the two phantoms every CTDI is stated for (`kerma.physics.ct.require_phantom`).
PHANTOM = Choice("phantom", "CTDI phantom", fixed(("head", "Head (16 cm)"), ("body", "Body (32 cm)")))


def kap(title: str = "Kerma-area product", symbol: str = "P") -> Number:
    """Return the field of a kerma-area product."""
    return Number("kap", title, symbol, KAP_UNITS)


def dlp(title: str = "Dose-length product") -> Number:
    """Return the field of a dose-length product."""
    return Number("dlp", title, "DLP", DLP_UNITS)


def kv() -> Number:
    """Return the field of a tube voltage."""
    return Number("kv", "Tube voltage", "kV", ("kV",))


def hvl(title: str = "Half-value layer") -> Number:
    """Return the field of a half-value layer in aluminium."""
    return Number("hvl", title, "HVL", ("mm Al",))


def metres(name: str, title: str, symbol: str, *, hint: str = "", optional: bool = False) -> Number:
    """Return the field of a distance in a room."""
    return Number(name, title, symbol, ROOM_UNITS, hint=hint, optional=optional)


def ratio(name: str, title: str, symbol: str, *, hint: str = "", optional: bool = False) -> Number:
    """Return the field of a bare number."""
    return Number(name, title, symbol, ("1",), hint=hint, optional=optional)


def texts(start: str, column: str) -> Callable[[], list[str]]:
    """Return what the rows of a data set say in a column, each once, in their order."""
    return lambda: list(dict.fromkeys(r.text(column) for r in rows(start) if r.text(column)))


def pairs(values: Callable[[], list[Option]]) -> Callable[[object], list[Option]]:
    """Return options that do not depend on what is given."""
    return lambda _: values()


def first_value(made: Calculation) -> Calculation:
    """Return a calculation as it is; for functions that need no wrapping but a name."""
    return made
