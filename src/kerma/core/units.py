"""A closed table of units.

Nothing outside the table is a unit: an unknown symbol stops the value (`InputError`), it is never
assumed to be SI. Dose quantities have dimensions of their own (Gy is not m² s⁻²), as have
Hounsfield units, pixel values and thickness of aluminium, so that values which must not be
compared cannot be.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

from kerma.core.errors import InputError

Dimensions = tuple[tuple[str, int], ...]

_PREFIX = {"": 1.0, "k": 1e3, "c": 1e-2, "d": 1e-1, "m": 1e-3, "u": 1e-6, "n": 1e-9, "M": 1e6}

# symbol -> (factor to the coherent unit, dimension, prefixes the table admits)
_ATOMS: dict[str, tuple[float, dict[str, int], str]] = {
    "m": (1.0, {"length": 1}, " c d m u k n"),
    "s": (1.0, {"time": 1}, " m u"),
    "min": (60.0, {"time": 1}, ""),
    "h": (3600.0, {"time": 1}, ""),
    "y": (31_557_600.0, {"time": 1}, ""),
    "kg": (1.0, {"mass": 1}, ""),
    "g": (1e-3, {"mass": 1}, " m u"),
    "A": (1.0, {"current": 1}, " m u n"),
    "C": (1.0, {"current": 1, "time": 1}, " m u n"),
    "As": (1.0, {"current": 1, "time": 1}, " m u"),
    "V": (1.0, {"voltage": 1}, " k m M"),
    "eV": (1.0, {"energy": 1}, " k M"),
    "W": (1.0, {"current": 1, "voltage": 1}, " k m"),
    "Gy": (1.0, {"kerma": 1}, " c d m u n"),
    "Sv": (1.0, {"dose-equivalent": 1}, " m u n"),
    "HU": (1.0, {"ct-number": 1}, ""),
    "PV": (1.0, {"pixel-value": 1}, ""),
    "m Al": (1.0, {"aluminium": 1}, " m"),
    "m Cu": (1.0, {"copper": 1}, " m"),
    "m Pb": (1.0, {"lead": 1}, " m"),
    "m Au": (1.0, {"gold": 1}, " u"),
    "lx": (1.0, {"illuminance": 1}, ""),
    "lux": (1.0, {"illuminance": 1}, ""),
    "cd": (1.0, {"luminous-intensity": 1}, ""),
    "N": (1.0, {"force": 1}, ""),
    "Pa": (1.0, {"pressure": 1}, " k"),
    "degC": (1.0, {"temperature": 1}, ""),
    "deg": (1.0, {"angle": 1}, ""),
    "rad": (57.29577951308232, {"angle": 1}, ""),
    "lp": (1.0, {}, ""),
    "pulse": (1.0, {}, ""),
    "rotation": (1.0, {}, ""),
    "image": (1.0, {}, ""),
    "pixel": (1.0, {"pixel": 1}, ""),
    "1": (1.0, {}, ""),
    "%": (1e-2, {}, ""),
    "Hz": (1.0, {"time": -1}, ""),
}

# Words physicists and makers write, and what they mean here. Spelling only, never a guess.
_ALIASES = {
    "": "1", "ratio": "1", "R2": "1", "count": "1", "none": "1", "no units": "1",
    "percent": "%", "µGy": "uGy", "lp/mm": "1/mm", "lp/cm": "1/cm", "mm-1": "1/mm",
    "mm⁻¹": "1/mm", "mAs": "mAs", "degrees": "deg", "°": "deg", "°C": "degC",
    "hounsfield unit": "HU", "DI units": "1", "pass_fail": "1",
}  # fmt: skip

_SUPERSCRIPTS = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹⁻", "0123456789-")


@dataclass(frozen=True, slots=True)
class Unit:
    """A unit: its symbol, its factor to the coherent unit, and its dimensions."""

    symbol: str
    factor: float
    dimensions: Dimensions

    def same_kind(self, other: Unit) -> bool:
        """Return whether values in the two units may be compared or added."""
        return self.dimensions == other.dimensions

    def __mul__(self, other: Unit) -> Unit:
        return _combined(self, other, 1)

    def __truediv__(self, other: Unit) -> Unit:
        return _combined(self, other, -1)

    def __pow__(self, power: int) -> Unit:
        dims = tuple((name, n * power) for name, n in self.dimensions if n * power)
        return Unit(f"({self.symbol})^{power}", self.factor**power, dims)

    def __str__(self) -> str:
        return self.symbol


def _combined(a: Unit, b: Unit, sign: int) -> Unit:
    dims = dict(a.dimensions)
    for name, n in b.dimensions:
        dims[name] = dims.get(name, 0) + sign * n
    kept = tuple(sorted((name, n) for name, n in dims.items() if n))
    if sign > 0:
        return Unit(f"{a.symbol}.{b.symbol}", a.factor * b.factor, kept)
    return Unit(f"{a.symbol}/({b.symbol})", a.factor / b.factor, kept)


def _named() -> dict[str, Unit]:
    table: dict[str, Unit] = {}
    for symbol, (factor, dims, prefixes) in _ATOMS.items():
        frozen = tuple(sorted(dims.items()))
        for prefix in prefixes.split(" ") if prefixes else [""]:
            table[prefix + symbol] = Unit(prefix + symbol, _PREFIX[prefix] * factor, frozen)
    return table


_TABLE = _named()
DIMENSIONLESS = _TABLE["1"]
_FACTOR = re.compile(r"^(?P<atom>.*?[^\d\-^])\^?(?P<power>-?\d)?$")


def _factor(text: str) -> Unit:
    text = text.strip()
    if text in _TABLE:
        return _TABLE[text]
    match = _FACTOR.match(text)
    if match and match["atom"] in _TABLE and match["power"]:
        unit = _TABLE[match["atom"]] ** int(match["power"])
        return Unit(text, unit.factor, unit.dimensions)
    raise KeyError(text)


def _product(text: str) -> Unit:
    if text.strip() in _TABLE:
        return _TABLE[text.strip()]
    parts = [p for p in re.split(r"[.·* ]", text) if p]
    unit = _factor(parts[0])
    for part in parts[1:]:
        unit = unit * _factor(part)
    return unit


@lru_cache(maxsize=1024)
def unit(symbol: str) -> Unit:
    """Look a unit up.

    Parameters
    ----------
    symbol
        For example ``"kV"``, ``"uGy/mAs"``, ``"Gy.m2"``, ``"mm Al"``, ``"1/mm"``, ``"%"``.

    Raises
    ------
    InputError
        The symbol is not in the table (code ``unknown-unit``).
    """
    text = symbol.strip().replace("µ", "u").replace("μ", "u").translate(_SUPERSCRIPTS)
    text = _ALIASES.get(symbol.strip(), _ALIASES.get(text, text))
    try:
        if text in _TABLE:
            found = _TABLE[text]
        else:
            over, *under = text.split("/")
            found = _product(over) if over.strip() else DIMENSIONLESS
            for part in under:
                found = found / _product(part.strip("() "))
    except (KeyError, IndexError):
        raise InputError(
            f"“{symbol}” is not a unit Kerma knows. Write one of its units, such as kV, mAs, mGy, "
            "Gy.m2, uGy/mAs, mm, mm Al, HU, 1/mm or %.",
            code="unknown-unit",
            detail={"unit": symbol},
        ) from None
    return Unit(symbol.strip() or "1", found.factor, found.dimensions)
