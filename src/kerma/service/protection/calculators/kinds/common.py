"""Fields several calculators share."""

from __future__ import annotations

from kerma.service.protection.calculators.fields import Choice, Number, fixed

DLP_UNITS = ("mGy.cm", "Gy.cm")
KAP_UNITS = ("Gy.cm2", "cGy.cm2", "mGy.cm2", "uGy.m2", "mGy.m2", "Gy.m2")
KERMA_UNITS = ("mGy", "uGy", "Gy")
LENGTH_UNITS = ("cm", "mm", "m")
ROOM_UNITS = ("m", "cm", "mm")

# The words for the two phantoms every CTDI is stated for (`kerma.physics.ct.require_phantom`).
PHANTOM = Choice(
    "phantom", "CTDI phantom", fixed(("head", "Head (16 cm)"), ("body", "Body (32 cm)"))
)


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
