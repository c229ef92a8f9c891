"""Does the table of transmission coefficients agree with itself? A slip of one digit should show.

A fit with a wrong digit still falls from 1 and still has a deep half-value layer of ln 2 / α, so
that is not enough. Each row is therefore held against what the others say of it, as the thicknesses
of four transmissions:

- a primary tungsten row of Table A.1 against its neighbours in tube voltage (logarithms linear);
- the three molybdenum rows against each other;
- rows of Tables B.1 and C.1 against their rebuild from Table A.1, the workload and the leakage
  model (NCRP Report 147, Appendices B and C);
- mammography and 30 kV secondary rows against the molybdenum row of 30 kV;
- CT rows against the secondary row of the nearest tube voltage.

What is smaller than the tolerances below (the last digit of a γ) only the fingerprints of
``data/archer-fingerprints.txt`` show.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources

import numpy as np
from numpy.typing import NDArray

from kerma.core import InputError, IntegrityError, content_hash
from kerma.physics.shielding.archer import Fit, as_fit
from kerma.physics.shielding.workload import by_voltage
from kerma.reference import Row, row, rows

LEVELS = (0.5, 0.1, 1e-2, 1e-3)  # transmissions whose thicknesses are compared
# The fits of the distributions are loose near the surface: a quarter of lead's first half.
_LOOSER = np.array([4.0, 1.0, 1.0, 1.0])
_W, _MO = "W anode/Al filter (3-phase)", "Mo anode/Mo filter"
_MAMMOGRAPHY = "Mammography Room"
_SIDE_DEG = 90.0  # the geometry Table C.1 turns out to be for (docs/methods/shielding.md)

Key = tuple[str, str, str, float, str]  # radiation, material, anode, kV, distribution
Passed = Callable[[NDArray[np.float64]], NDArray[np.float64]]


@dataclass(frozen=True, slots=True)
class Doubt:
    """A row that does not fit the others.

    Attributes
    ----------
    row
        Its id.
    why
        What it was held against, in words.
    departure
        Largest relative departure of a thickness, and the one allowed; at a transmission of one
        half four times as much is.
    """

    row: str
    why: str
    departure: float
    allowed: float


def fingerprint(found: Row) -> str:
    """Return the fingerprint of a row's coefficients as they are written."""
    names = ("id", "alpha_per_mm", "beta_per_mm", "gamma")
    return content_hash([found.text(n) for n in names])[:16]


def _key(found: Row) -> Key:
    kv = found.text("kvp")
    return (found.text("radiation"), found.text("material"), found.text("anode_filter"),
            float(kv) if kv else 0.0, found.text("workload_distribution"))  # fmt: skip


def _thicknesses(of: Fit) -> NDArray[np.float64]:
    return np.array([of.thickness(b) for b in LEVELS])


def doubts(table: Iterable[Row] | None = None) -> list[Doubt]:
    """Return the rows that do not fit the others, the worst first; none is as it should be.

    Parameters
    ----------
    table
        Rows of ``archer``; those shipped when not given.
    """
    held = [r for r in (rows("archer") if table is None else table)
            if r.text("method") == "NCRP147"]  # fmt: skip
    found: list[Doubt] = []
    fits: dict[Key, Fit] = {}
    for one in held:
        try:
            fit = as_fit(one)
            _thicknesses(fit)
        except (InputError, ArithmeticError, ValueError):
            found.append(Doubt(one.id, "its coefficients are no transmission", math.inf, 0.0))
        else:
            fits[_key(one)] = fit
    for key, fit in fits.items():
        found += _shape(fit)
        expected = _expected(key, fits)
        if expected is None:
            continue
        thickness, allowed, why = expected
        own = _thicknesses(fit)
        away = float(np.max(np.abs(own / thickness - 1.0) / _LOOSER))
        if not away <= allowed:
            found.append(Doubt(fit.found.id, why, away, allowed))
    return sorted(found, key=lambda d: -(d.departure / d.allowed if d.allowed else math.inf))


def _shape(fit: Fit) -> list[Doubt]:
    """Hold a fit against what every transmission does: it starts at 1, falls, and ends at α."""
    deep = 60.0 / (fit.alpha * fit.gamma)
    x = np.linspace(0.0, 30.0 / fit.alpha, 200)
    log_b = fit.log_transmission(x)
    half = float(fit.log_transmission(deep) - fit.log_transmission(deep + math.log(2) / fit.alpha))
    sound = (
        abs(float(log_b[0])) < 1e-9
        and bool((np.diff(log_b) < 0.0).all())
        and math.isclose(half, math.log(2), rel_tol=1e-6)
    )
    why = "it does not fall from 1 to a deep half-value layer of ln 2 / α"
    return [] if sound else [Doubt(fit.found.id, why, math.inf, 0.0)]


def _expected(key: Key, fits: Mapping[Key, Fit]) -> tuple[NDArray[np.float64], float, str] | None:
    """Return the thicknesses the other rows give for a row, the tolerance, and how in words."""
    radiation, material, anode, kv, distribution = key
    if radiation == "ct_secondary":
        near = fits.get(("secondary", material, _W, 125.0 if kv < 130.0 else 150.0, ""))
        why = "it is far from the secondary row of the nearest tube voltage"
        return None if near is None else (_thicknesses(near), 0.45, why)
    if distribution == _MAMMOGRAPHY or (radiation == "secondary" and anode == _MO):
        near = fits.get(("primary", material, _MO, kv or 30.0, ""))
        why = "it is far from the primary molybdenum row"
        return None if near is None else (_thicknesses(near), 0.16 if distribution else 0.04, why)
    if radiation == "primary" and not distribution:
        return _from_neighbours(key, fits)
    rebuilt = _rebuilt(radiation, material, distribution, kv, fits)
    why = "it is not what Table A.1 and the workload make of it"
    return None if rebuilt is None else (rebuilt, 0.1 if distribution else 0.03, why)


def _from_neighbours(
    key: Key, fits: Mapping[Key, Fit]
) -> tuple[NDArray[np.float64], float, str] | None:
    """Return ln thickness linear in ln kV between the nearest rows, or beyond them at an end."""
    _, material, anode, kv, _ = key
    others = sorted(
        (k[3] for k in fits if k[:3] == ("primary", material, anode) and not k[4] and k[3] != kv),
        key=lambda v: abs(v - kv),
    )
    below = [v for v in others if v < kv][:2]
    above = [v for v in others if v > kv][:2]
    pair = [below[0], above[0]] if below and above else (below or above)
    if len(pair) < 2:
        return None
    low, high = (_thicknesses(fits["primary", material, anode, v, ""]) for v in pair)
    part = math.log(kv / pair[0]) / math.log(pair[1] / pair[0])
    found = np.exp(np.log(low) + part * (np.log(high) - np.log(low)))
    return found, 0.12 if anode == _MO else 0.06, "it is out of line with the voltages beside it"


def _rebuilt(
    radiation: str, material: str, distribution: str, kv: float, fits: Mapping[Key, Fit]
) -> NDArray[np.float64] | None:
    """Return the thicknesses of a workload through Table A.1 (NCRP 147, Appendices B and C)."""
    terms: list[tuple[float, Passed]] = []
    for volts, primary, scatter, leakage in _parts(distribution, kv):
        fit = fits.get(("primary", material, _W, volts, ""))
        if fit is None:
            return None
        if radiation == "primary":
            terms.append((primary, fit.log_transmission))
        else:
            terms += [(scatter, fit.log_transmission), (leakage, _hard(fit.alpha))]
    if not terms:
        return None
    log_shares = np.log([share for share, _ in terms]) - math.log(
        math.fsum(share for share, _ in terms)
    )
    slowest = min(fits["primary", material, _W, v, ""].alpha for v, *_ in _parts(distribution, kv))
    x = np.geomspace(1e-3, 40.0, 600) / slowest
    log_b = np.logaddexp.reduce(
        np.stack([s + of(x) for s, (_, of) in zip(log_shares, terms, strict=True)])
    )
    return np.exp(np.interp(-np.log(LEVELS), -log_b, np.log(x)))


def _hard(alpha: float) -> Passed:
    return lambda x: -alpha * x


@cache
def _parts(distribution: str, kv: float) -> tuple[tuple[float, float, float, float], ...]:
    """Return (kV, primary, scatter, leakage) of a distribution in its own field, or of one kV."""
    held = {str(r["name"]): r for r in row("ncrp147/room_types").fields["rows"]}
    if distribution and distribution not in held:
        return ()
    # One voltage has no field of its own; 1000 cm² at 1 m is that of the report's rooms.
    room = held.get(distribution, {"F_cm2": 1000.0, "dF_m": 1.0})
    area = float(room["F_cm2"]) / float(room["dF_m"]) ** 2
    found = by_voltage(distribution or {kv: 1.0}, field_cm2_at_1m=area, angle_deg=_SIDE_DEG)
    return tuple((p.kv, p.primary, p.scatter, p.leakage) for p in found)


@cache
def fingerprints() -> dict[str, str]:
    """Return the fingerprints of the rows that were checked, by id."""
    file = resources.files("kerma.physics.shielding") / "data" / "archer-fingerprints.txt"
    lines = [v for v in file.read_text(encoding="utf-8").splitlines() if not v.startswith("#")]
    return {name: mark for mark, name in (v.split(maxsplit=1) for v in lines)}


def changed(table: Sequence[Row] | None = None) -> list[str]:
    """Return the rows whose coefficients are not those of the fingerprints, or are missing."""
    held = {r.id: r for r in (rows("archer") if table is None else table)}
    known = fingerprints()
    return sorted(
        name for name in held.keys() | known.keys()
        if name not in held or name not in known or fingerprint(held[name]) != known[name]
    )  # fmt: skip


def check(table: Sequence[Row] | None = None) -> None:
    """Refuse a table of coefficients in which a row does not fit the others or was changed.

    Raises
    ------
    IntegrityError
        ``bad-coefficients``: the message names the row; `detail` names all.
    """
    found, other = doubts(table), changed(table)
    if not found and not other:
        return
    # A wrong row makes its neighbours look wrong too; the changed one of them is to blame.
    named = next((d for d in found if d.row in other), None)
    if named is None and other:
        name, why = other[0], "they are not those that were checked"
    else:
        blamed = named or found[0]
        name, why = blamed.row, blamed.why
    raise IntegrityError(
        f"The transmission coefficients of {name} are in doubt: {why}. Compare the row with its "
        "document before anything is designed with it; if it was corrected, renew its fingerprint.",
        code="bad-coefficients",
        detail={"row": name, "doubted": [d.row for d in found], "changed": other},
    )
